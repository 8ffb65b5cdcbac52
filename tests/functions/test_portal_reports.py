"""A partner's report in the portal: its figures, how often its letter comes, and the letter with its own data."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import quote

import pytest

from introducer.domain.clicks import NOWHERE
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import NOW, OTHER, PARTNER, STAFF, Portal, a_portal

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        yield world


def test_a_partner_sees_its_last_week_and_month_and_its_letter(portal: Portal) -> None:
    partner = portal.signed_in(PARTNER)
    week = portal.machine(PARTNER).get("/reports/summary").json
    assert (week["shown"], week["cadence"], week["version"]) == ("weekly", "weekly", 0)
    assert week["last"] < NOW.date().isoformat()
    assert [each["metric"] for each in week["counts"]] == ["clicks", "registrations", "ftd", "qftd"]
    month = portal.machine(PARTNER).get("/reports/summary?show=monthly").json
    assert month["shown"] == "monthly"
    assert month["first"].endswith("-01")
    page = partner.get("/reports/summary", accept="text/html")
    assert page.status == 200
    assert week["change"] in page.body

    letter = partner.get("/reports/letter", accept="text/html")
    assert letter.status == 200
    assert "script-src" not in letter.headers["content-security-policy"]
    assert "default-src 'none'" in letter.headers["content-security-policy"]
    assert "cid:" not in letter.body
    assert "<script" not in letter.body


def test_an_owner_chooses_how_often_and_by_which_clocks(portal: Portal) -> None:
    partner = portal.signed_in(PARTNER, accept="text/html")
    page = "/reports/summary"
    answer = partner.submit(page, page, cadence="monthly", time_zone="Asia/Bangkok")
    assert (answer.status, answer.headers["location"]) == (303, "/reports/summary?kept=1")
    kept = portal.machine(PARTNER).get("/reports/summary").json
    assert (kept["cadence"], kept["time_zone"], kept["version"]) == ("monthly", "Asia/Bangkok", 1)
    refused = partner.submit(page, page, cadence="weekly", time_zone="Mars/Olympus")
    assert refused.status == 422
    assert "Write a time zone such as Europe/Berlin." in refused.body
    bad = portal.machine(PARTNER).post("/reports/summary", {"cadence": "hourly"}, as_json=True)
    assert bad.status == 422
    assert portal.machine(OTHER).get("/reports/summary").json["version"] == 0


def test_staff_see_the_letter_of_their_partners_and_partners_see_nobody_elses(portal: Portal) -> None:
    path = f"/desk/partners/{portal.partners[PARTNER]}/report"
    answer = portal.signed_in(STAFF).get(path, accept="text/html")
    assert answer.status == 200
    assert re.search(r"<h1[^>]*>Your (week|month)", answer.body)
    assert portal.machine(PARTNER).get(path).status == 403
    assert portal.machine(STAFF).get("/desk/partners/par_nobody/report").status == 404


def test_whoever_switched_reports_off_is_told_so(portal: Portal) -> None:
    machine = portal.machine(OTHER)
    assert machine.get("/reports/summary").json["wanted"] is True
    wish = {"version": 0, "on": ["news"], "time_zone": "UTC", "quiet_from": 21, "quiet_until": 8}
    assert machine.post("/settings/mail", wish, as_json=True).status in (200, 201)
    assert machine.get("/reports/summary").json["wanted"] is False
    page = portal.signed_in(OTHER).get("/reports/summary", accept="text/html").body
    assert "You switched reports off: no letter comes to you." in page
    assert "Switch the letter on" in page


# ------------------------------------------------------------------------------------------------- reports of one's own

ROWS = ("day", "week", "month", "campaign", "link", "country", "device", "sub1", "deal")
COUNTS = ("clicks", "registrations", "ftd", "qftd")
QUARTER = "from=2026-02-01&to=2026-04-30&against=before"


def test_a_report_comes_to_the_same_total_by_whatever_rows_and_as_a_file(portal: Portal) -> None:
    machine = portal.machine(PARTNER)
    by_day = machine.get(f"/reports?rows=day&{QUARTER}&limit=500").json
    assert by_day["total"]["figures"]["clicks"] > 0
    # April is not over: beside it stands as much of January as has passed of it.
    assert by_day["earlier"] == {"first": "2025-11-01", "last": "2026-01-17"}
    assert by_day["currency"] == "EUR"
    for rows in ROWS:
        found = machine.get(f"/reports?rows={rows}&{QUARTER}&limit=500").json
        assert found["total"] == by_day["total"], rows
        assert found["chart"] == by_day["chart"], rows
        for part in ("figures", "before"):
            for name in COUNTS:
                assert sum(row[part][name] for row in found["items"]) == found["total"][part][name], (rows, name)
            earned = sum(Decimal(row[part]["earnings"]["amount"]) for row in found["items"])
            spread = Decimal("0.01") * len(found["items"])
            assert abs(earned - Decimal(found["total"][part]["earnings"]["amount"])) <= spread, rows
        lines = list(
            csv.DictReader(io.StringIO(machine.get(f"/reports?rows={rows}&{QUARTER}", accept="text/csv").body))
        )
        assert [line["clicks"] for line in lines] == [str(row["figures"]["clicks"]) for row in found["items"]]
        assert [line["ftd_before"] for line in lines] == [str(row["before"]["ftd"]) for row in found["items"]]
        assert [line["name"] for line in lines] == [row["name"] for row in found["items"]]


def test_a_report_is_read_as_a_page_and_its_rows_lead_further_down(portal: Portal) -> None:
    partner, machine = portal.signed_in(PARTNER, accept="text/html"), portal.machine(PARTNER)
    address = f"/reports?rows=month&{QUARTER}&sort=-ftd&metrics=clicks,ftd,lots,ecpa,epc,click_to_ftd"
    data, page = machine.get(address).json, partner.get(address).body
    for row in data["items"]:
        assert row["name"] in page
    assert 'aria-sort="descending"' in page
    assert "before: " in page
    assert "Earnings of this time divided by its clicks." in page
    below = machine.get(data["items"][0]["more"]).json
    assert below["rows"] == "day"
    assert below["total"]["figures"] == data["items"][0]["figures"]
    # No page of a report has a style or a script in it.
    assert "style=" not in page

    first = machine.get("/reports?rows=day&limit=7").json
    second = machine.get(f"/reports?rows=day&limit=7&cursor={quote(first['next'])}").json
    assert [len(first["items"]), len(second["items"])] == [7, 7]
    assert first["items"][-1]["key"] > second["items"][0]["key"]
    assert machine.get(f"/reports?rows=week&limit=7&cursor={quote(first['next'])}").status == 400


def test_a_form_leads_to_the_address_of_its_report(portal: Portal) -> None:
    partner = portal.signed_in(PARTNER, accept="text/html")
    filled = "stayed=2026-03-19~2026-04-17&rows=country&period=last_30&metric=ftd&metric=clicks"
    for typed, period in (
        ("from=2026-03-19&to=2026-04-17", "period=last_30"),
        ("from=2026-04-01&to=2026-04-17", "from=2026-04-01&to=2026-04-17"),
    ):
        answer = partner.get(f"/reports?{filled}&{typed}&country=")
        assert answer.status == 303
        assert answer.headers["location"] == f"/reports?rows=country&{period}&metrics=clicks%2Cftd"
    older = partner.get("/reports?show=monthly")
    assert (older.status, older.headers["location"]) == (303, "/reports/summary?show=monthly")


def test_an_address_that_asks_nothing_says_what_to_do(portal: Portal) -> None:
    machine, partner = portal.machine(PARTNER), portal.signed_in(PARTNER, accept="text/html")
    for asked, code in (
        ("rows=partner", "bad_rows"),
        ("rows=moon", "bad_rows"),
        ("period=soon", "bad_period"),
        ("from=2026-02-30&to=2026-03-01", "bad_period"),
        ("from=2026-03-02&to=2026-03-01", "bad_period"),
        ("from=2025-01-01&to=2026-04-01", "period_too_long"),
        ("metrics=clicks,moons", "bad_metrics"),
        ("chart=moons", "bad_metrics"),
        ("against=peers", "bad_against"),
        ("sort=-moons", "bad_sort"),
        ("currency=euro", "bad_currency"),
        ("sub1=" + "x" * 201, "bad_filter"),
    ):
        refused = machine.get(f"/reports?{asked}")
        assert (refused.status, refused.json["code"]) == (400, code)
    page = partner.get("/reports?from=2026-03-02&to=2026-03-01")
    assert page.status == 200
    assert "These days cannot be read" in page.body


def test_what_was_not_counted_so_is_not_known(portal: Portal) -> None:
    found = portal.machine(STAFF).get("/desk/reports?device=mobile&sub1=newsletter").json
    assert {each["value"] for each in found["chart"]["points"]} == {None}


def test_a_country_is_chosen_by_its_name_and_asked_for_by_its_letters(portal: Portal) -> None:
    browser = portal.signed_in(PARTNER, accept="text/html")
    browser.cookies["__Host-language"] = "pl"
    for code, name in (("PL", "Polska"), (NOWHERE, "Kraj nieznany")):
        page = browser.get(f"/reports?country={code}").body
        [chosen] = re.findall(r'<select id="choice-country".*?</select>', page, re.DOTALL)
        assert re.findall(r'<option value="(\w+)" selected>(.*?)<', chosen) == [(code, name)]
        assert chosen.count("<option") > 240 and '<option value="">Wszystkie kraje<' in chosen


def test_clicks_of_two_things_at_once_are_not_guessed(portal: Portal) -> None:
    found = portal.machine(PARTNER).get(f"/reports?rows=country&device=mobile&{QUARTER}&metrics=clicks,epc,ftd").json
    assert "two_faces" in found["notes"]
    assert found["total"]["figures"]["clicks"] is None
    assert found["total"]["figures"]["epc"] is None
    assert found["total"]["figures"]["ftd"] is not None


def test_a_report_is_kept_opened_renamed_and_deleted_by_its_owner_alone(portal: Portal) -> None:
    partner = portal.signed_in(PARTNER, accept="text/html")
    asked = "rows=country&period=last_month"
    made = partner.submit("/reports", "/reports", name="Countries <b>", asked=asked, shared="false")
    assert (made.status, made.headers["location"]) == (303, "/reports/saved?done=saved")
    page = partner.get("/reports/saved").body
    assert "Countries &lt;b&gt;" in page
    machine = portal.machine(PARTNER)
    kept = machine.get("/reports/saved").json["items"][0]
    assert (kept["name"], kept["asked"]) == ("Countries <b>", {"rows": "country", "period": "last_month"})
    assert machine.get(kept["open"]).headers["location"] == "/reports?period=last_month&rows=country"
    for method, path in (("get", kept["open"]), ("post", kept["open"]), ("post", f"{kept['open']}/delete")):
        stranger = portal.machine(OTHER)
        body = {"version": 0} | ({"name": "Mine"} if path == kept["open"] else {})
        answer = stranger.get(path) if method == "get" else stranger.post(path, body, as_json=True)
        assert answer.status == 404, path
    nameless = partner.submit("/reports", "/reports", name=" ", asked=asked)
    assert nameless.status == 422
    assert "Give it a name of 1 to 80 characters." in nameless.body
    for odd in ("moons=3", "rows=day&%zz=1", "&".join(["rows=day"] * 40)):
        refused = machine.post("/reports", {"name": "Odd", "asked": odd}, as_json=True)
        assert (refused.status, refused.json["code"]) == (422, "bad_address"), odd
    worth = machine.post("/reports", {"name": "Worth", "asked": "by=link&value=deposits"}, as_json=True).json
    assert machine.get(worth["open"]).headers["location"] == "/reports/value?by=link&value=deposits"
    assert machine.post(f"{worth['open']}/delete", {"version": 0}, as_json=True).status == 200
    renamed = machine.post(kept["open"], {"version": 0, "name": "By country"}, as_json=True)
    assert (renamed.status, renamed.json["name"]) == (200, "By country")
    late = machine.post(kept["open"], {"version": 0, "name": "Again"}, as_json=True)
    assert (late.status, late.json["code"]) == (409, "report_changed")
    assert machine.post(f"{kept['open']}/delete", {"version": 1}, as_json=True).status == 200
    assert machine.get("/reports/saved").json["items"] == []


@pytest.mark.parametrize(("login", "home"), [(OTHER, "/reports"), (STAFF, "/desk/reports")])
def test_kept_reports_come_page_by_page_and_a_report_shows_the_first(portal: Portal, login: str, home: str) -> None:
    machine, browser = portal.machine(login), portal.signed_in(login, accept="text/html")
    for number in range(14):
        made = machine.post(home, {"name": f"Days {number:02d}", "asked": "rows=day"}, as_json=True)
        assert made.status == 201, made.body
    names = [f"Days {number:02d}" for number in range(14)]
    assert [each["name"] for each in machine.get(home).json["saved"]] == names[:12]

    path, found = f"{home}/saved", list[str]()
    answer = machine.get(f"{path}?limit=5").json
    shown = browser.get(f"{path}?limit=5").body
    assert "Days 04" in shown and "Days 05" not in shown and 'rel="next"' in shown
    while True:
        found += [each["name"] for each in answer["items"]]
        if answer["next"] is None:
            break
        answer = machine.get(f"{path}?limit=5&cursor={quote(answer['next'])}").json
    assert found == names
    lines = list(csv.DictReader(io.StringIO(machine.get(path, accept="text/csv").body)))
    assert [line["name"] for line in lines] == names
    foreign = machine.get(f"{home}?limit=1&rows=day").json["next"] or "abc"
    for asked, code in (("limit=0", "bad_limit"), (f"cursor={quote(foreign)}", "bad_cursor")):
        assert machine.get(f"{path}?{asked}").json["code"] == code


def test_what_clients_are_worth_is_told_by_cohort_and_by_source(portal: Portal) -> None:
    machine = portal.machine(PARTNER)
    cohorts = machine.get("/reports/value").json
    clients = sum(row["clients"] for row in cohorts["items"])
    assert clients == cohorts["total"]["clients"] > 0
    for by in ("campaign", "link", "country", "device", "sub1"):
        found = machine.get(f"/reports/value?by={by}").json
        assert found["total"] == cohorts["total"]
        assert sum(row["clients"] for row in found["items"]) == clients
        assert all(row["ages"] == [] for row in found["items"])
    newest = cohorts["items"][0]
    assert newest["key"] == NOW.strftime("%Y-%m")
    # Of the month in which one stands there is a first cell, and none of months to come.
    assert [amount is not None for amount in newest["ages"]] == [newest["clients"] > 0] + [False] * (
        len(newest["ages"]) - 1
    )
    lines = list(csv.DictReader(io.StringIO(machine.get("/reports/value", accept="text/csv").body)))
    assert [line["clients"] for line in lines] == [str(row["clients"]) for row in cohorts["items"]]
    page = portal.signed_in(PARTNER, accept="text/html").get("/reports/value").body
    assert "months since the registration" in page
    links = machine.get("/reports/value?by=link&limit=1").json
    onward = machine.get(f"/reports/value?by=link&limit=1&cursor={quote(links['next'])}").json
    assert onward["items"][0]["key"] != links["items"][0]["key"]
    wrongs = (
        ("by=moon", "bad_rows"), ("first=2020-01", "bad_months"), ("value=moons", "bad_value"),
        ("currency=XXX", "bad_currency"), ("currency=eur", "bad_currency"),
    )  # fmt: skip
    for asked, code in wrongs:
        assert machine.get(f"/reports/value?{asked}").json["code"] == code


def test_pages_of_a_link_and_of_a_partner_lead_to_their_reports(portal: Portal) -> None:
    partner = portal.signed_in(PARTNER, accept="text/html")
    link = next(row["key"] for row in portal.machine(PARTNER).get(f"/reports?rows=link&{QUARTER}").json["items"])
    onward = f"/reports?rows=day&link={link}"
    assert f'href="{onward.replace("&", "&amp;")}"' in partner.get(f"/links/{link}").body
    assert portal.machine(PARTNER).get(onward).json["query"]["link"] == link
    report = f"/desk/reports?rows=day&amp;partner={portal.partners[PARTNER]}"
    page = portal.signed_in(STAFF, accept="text/html").get(f"/desk/partners/{portal.partners[PARTNER]}").body
    assert f'href="{report}"' in page


# -------------------------------------------------------------------------------------------------- the staff's reports


def test_staff_see_all_partners_and_partners_nobody_elses(portal: Portal) -> None:
    staff = portal.machine(STAFF)
    every = staff.get(f"/desk/reports?manager=all&{QUARTER}").json
    assert every["rows"] == "partner"
    mine = portal.machine(PARTNER).get(f"/reports?{QUARTER}").json
    of_partner = {row["key"]: row["figures"] for row in every["items"]}
    assert of_partner[portal.partners[PARTNER]] == mine["total"]["figures"]
    for rows in ("manager", "deal", "campaign"):
        assert staff.get(f"/desk/reports?rows={rows}&manager=all&{QUARTER}").json["total"] == every["total"]
    one = staff.get(f"/desk/reports?rows=day&partner={portal.partners[PARTNER]}&{QUARTER}").json
    assert one["total"]["figures"] == mine["total"]["figures"]
    assert one["scope"]["partners"] == 1
    assert staff.get(every["items"][0]["more"]).json["total"]["figures"] == every["items"][0]["figures"]

    for path in ("/desk/reports", "/desk/reports/value", "/desk/reports/saved"):
        assert portal.machine(PARTNER).get(path).status == 403
    for stranger in ("par_nobody", "x" * 300):
        assert staff.get(f"/desk/reports?partner={stranger}").status == 404
    # Whose a partner's own report is follows from its token, whatever stands in the address.
    other = portal.machine(OTHER).get(f"/reports?{QUARTER}&partner={portal.partners[PARTNER]}&currency=EUR").json
    assert other["total"]["figures"] == of_partner[portal.partners[OTHER]]
    assert other["total"]["figures"] != mine["total"]["figures"]
    worth = staff.get("/desk/reports/value?by=partner&manager=all").json
    assert sum(row["clients"] for row in worth["items"]) == worth["total"]["clients"] > 0


def test_what_would_read_too_much_is_refused_with_a_way_out(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("introducer.services.read_report.MOST_READ", 3)
    refused = portal.machine(STAFF).get(f"/desk/reports?manager=all&{QUARTER}")
    assert (refused.status, refused.json["code"]) == (422, "report_too_wide")
    page = portal.signed_in(STAFF, accept="text/html").get(f"/desk/reports?manager=all&{QUARTER}")
    assert page.status == 200
    assert "choose a shorter time, one manager or one partner" in page.body
