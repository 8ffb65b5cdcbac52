"""Every page is also the API; nobody sees another's data; a write happens once."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from introducer.domain.errors import Unavailable
from introducer.domain.events import day_of
from introducer.store.paging import Page
from introducer.wording.receipts import STEPS
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import CALM, FOREIGN, NOW, OTHER, PARTNER, SILENT, SOURCE, STAFF, UNDEALT, Portal, a_portal

PAGES = ("/", "/links", "/clicks", "/campaigns", "/clients", "/earnings", "/earnings/{journal}", "/deal", "/contests")
DESK = ("/desk/partners", "/desk/events", f"/desk/events?source={SOURCE}")


pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        yield world


def addresses(portal: Portal) -> list[tuple[str, str]]:
    """Every page with who sees it."""
    journal = portal.first_journal()
    return [(PARTNER, path.format(journal=journal)) for path in PAGES] + [(STAFF, path) for path in DESK]


# -------------------------------------------------------------------------------------------- one address, three forms


def test_every_page_answers_a_browser_in_html_and_a_program_in_json(portal: Portal) -> None:
    for email, path in addresses(portal):
        page = portal.signed_in(email).get(path)
        data = portal.machine(email).get(path)

        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
        assert page.body.startswith("<!doctype html>")
        assert (data.status, data.headers["content-type"]) == (200, "application/json"), path
        assert isinstance(data.json, dict)


def test_a_browser_asking_for_json_gets_what_a_program_gets(portal: Portal) -> None:
    visitor, machine = portal.signed_in(), portal.machine()

    assert visitor.get("/earnings", accept="application/json").json == machine.get("/earnings").json


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("application/json;q=0.9, text/html;q=0.5", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/html;q=0, */*", "application/json"),
        ("text/*;q=0.2, application/json;q=0.1", "text/html; charset=utf-8"),
    ],
)
def test_what_is_wanted_most_is_given(portal: Portal, accept: str, kind: str) -> None:
    assert portal.signed_in().get("/clients", accept=accept).headers["content-type"] == kind


def test_a_program_that_does_not_say_what_it_wants_gets_json(portal: Portal) -> None:
    assert portal.machine().get("/clients", accept="*/*").headers["content-type"] == "application/json"


def test_what_nobody_can_give_is_refused(portal: Portal) -> None:
    assert portal.signed_in().get("/", accept="image/png").status == 406
    assert portal.signed_in().get("/", accept="text/csv").status == 406, "the month is no list"


def test_every_list_is_a_table_for_spreadsheets_too(portal: Portal) -> None:
    for email, path in (
        (PARTNER, "/links"),
        (PARTNER, "/clients"),
        (PARTNER, "/earnings"),
        *((STAFF, p) for p in DESK),
    ):
        machine = portal.machine(email)
        rows = list(csv.reader(io.StringIO(machine.get(path, accept="text/csv").body)))

        assert len(rows) - 1 == len(machine.get(path).json["items"]) > 0, path
        assert {len(row) for row in rows} == {len(rows[0])}, path


def test_a_cell_that_would_be_a_formula_stays_a_text_and_a_number_a_number(portal: Portal) -> None:
    cell = portal.module.server.cell

    wide = ("\uff1d1+1", "\uff0bA1", "\uff0dA1", "\uff20x")
    formulas = ("=1+1", "+A1", "-A1", "@x", "\tx", "\rx", "\n=1+1", "-1\n", *wide)
    assert [cell(text) for text in formulas] == [f"'{text}" for text in formulas]
    assert [cell(value) for value in ("-12.50", "Harbour", 7, None, "")] == ["-12.50", "Harbour", "7", "", ""]


# -------------------------------------------------------------------------------------------------- what the pages say


def test_the_month_says_what_the_books_say(portal: Portal) -> None:
    # given the books of the partner
    partner = portal.partners[PARTNER]
    balance = portal.ledger.balance(partner)
    today = day_of(NOW)

    # when the program asks
    month = portal.machine().get("/").json

    # then
    euros = month["currencies"][0]
    assert month["month"] == "2026-04"
    assert euros["earned"] == {"amount": _decimal(balance.earned["EUR", "2026-04"]), "currency": "EUR"}
    assert euros["available"]["amount"] == _decimal(balance.bucket("EUR", "available", today))
    assert euros["pending"]["amount"] == _decimal(balance.bucket("EUR", "pending", today))
    matures = [Decimal(step["amount"]["amount"]) for step in euros["maturing"]]
    assert sum(matures) == Decimal(euros["pending"]["amount"])
    assert [step["day"] for step in euros["maturing"]] == sorted(step["day"] for step in euros["maturing"])
    assert all(step["day"] > today for step in euros["maturing"])
    assert [day["day"] for day in euros["days"]] == [f"2026-04-{n:02d}" for n in range(1, 18)]
    funnel = month["funnel"]
    assert funnel["clicks"] > funnel["unique"] > funnel["registrations"] >= funnel["kyc"] >= funnel["ftd"]
    assert funnel["ftd"] >= funnel["qftd"] > 0
    assert sum(Decimal(week["amount"]["amount"]) for week in euros["weeks"]) == Decimal(euros["pending"]["amount"])
    assert euros["months"][-1] == {"month": "2026-04", "amount": euros["earned"]}
    assert funnel["registrations"] >= month["traded"]["registered"] >= month["traded"]["clients"] > 0


def test_near_misses_lead_to_the_client_s_own_row(portal: Portal) -> None:
    # given who has deposited, and waits for nothing but the identity check
    near = portal.machine().get("/").json["near"]["items"]
    waits = next(each for each in near if [missing["condition"] for missing in each["missing"]] == ["kyc"])

    # when the partner follows the row's link
    page = portal.signed_in().get("/").body
    path, _, row = f"/clients?registered={waits['registered']}#{waits['pseudonym']}".partition("#")
    assert f'href="{path}#{row}"' in page and "the identity check" in page

    # then the client stands there, among those of its day alone
    listed = portal.machine().get(path).json["items"]
    assert waits["pseudonym"] in {each["pseudonym"] for each in listed}
    assert {each["registered"][:10] for each in listed} == {waits["registered"]}
    assert f'id="{row}"' in portal.signed_in().get(path).body


def test_clients_of_a_month_are_all_of_them_and_no_others(portal: Portal) -> None:
    machine = portal.machine()
    everyone = machine.get("/clients?limit=200").json["items"]

    months = [machine.get(f"/clients?registered=2026-{month}").json["items"] for month in ("03", "04")]

    assert len(months[0]) + len(months[1]) == len(everyone) and all(months)
    for when in ("2026-4", "2026-02-30", "soon", "2026-13"):
        assert machine.get(f"/clients?registered={when}").json["code"] == "bad_day"


def test_a_new_partner_s_first_page_leads_to_the_next_step(portal: Portal) -> None:
    steps = portal.machine(UNDEALT).get("/").json["steps"]
    page = portal.signed_in(UNDEALT).get("/").body

    assert [each["stands"] for each in steps] == ["now"] + 5 * ["later"]
    assert "Accept your terms" in page and "They are being prepared" in page
    # a first visit is seen within seconds: the part looks again by itself
    assert 'data-again="5"' in page
    # and who has terms that wait is led to them; of who earns only the payment details are asked
    assert [each["step"] for each in portal.machine().get("/").json["steps"] if each["stands"] != "done"] == ["payment"]
    assert "Your first steps" not in portal.signed_in().get("/").body


def test_links_and_their_figures_add_up_to_the_month(portal: Portal) -> None:
    machine = portal.machine()
    links, funnel = machine.get("/links").json["items"], machine.get("/").json["funnel"]

    for name in ("clicks", "unique", "registrations", "ftd"):
        assert sum(link[name] for link in links) == funnel[name], name


def test_clients_are_pseudonyms_and_nothing_else(portal: Portal) -> None:
    machine = portal.machine()
    answer = machine.get("/clients")
    names = [client["pseudonym"] for client in answer.json["items"]]

    assert all(re.fullmatch(r"C-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", name) for name in names)
    assert len(set(names)) == len(names) > 5
    for text in (answer.body, portal.signed_in().get("/clients").body, machine.get("/earnings").body):
        assert "client-hash" not in text
    journal = machine.get(f"/earnings/{portal.first_journal()}").json
    assert journal["entry"]["client"] in names


def test_what_clients_earned_is_what_the_partner_earned(portal: Portal) -> None:
    machine = portal.machine()
    earned = sum(
        Decimal(each["amount"]) for client in machine.get("/clients").json["items"] for each in client["earned"]
    )

    balance = portal.ledger.balance(portal.partners[PARTNER])
    assert _decimal(sum(amount for (ccy, _), amount in balance.earned.items() if ccy == "EUR")) == str(earned)


def test_entries_of_the_months_add_up_to_what_was_earned(portal: Portal) -> None:
    machine = portal.machine()
    total = Decimal(0)
    for month in ("2026-03", "2026-04"):
        page = f"/earnings?month={month}&limit=7"
        while page:
            answer = machine.get(page)
            total += sum(Decimal(item["amount"]["amount"]) for item in answer.json["items"])
            link = answer.headers.get("link", "")
            page = link[1 : link.index(">")] if link else ""

    balance = portal.ledger.balance(portal.partners[PARTNER])
    assert _decimal(sum(balance.earned.values())) == str(total)


def test_a_receipt_shows_its_arithmetic_down_to_the_difference(portal: Portal) -> None:
    machine, browser = portal.machine(), portal.signed_in()
    for journal in portal.ledger.all_journals(portal.partners[PARTNER], "2026-04"):
        receipt = machine.get(f"/earnings/{journal.id}").json
        page = _text(browser.get(f"/earnings/{journal.id}").body)

        target, before = Decimal(receipt["target"]["amount"]), Decimal(receipt["before"]["amount"])
        assert target - before == Decimal(receipt["entry"]["amount"]["amount"])
        assert receipt["lines"], "how it was computed"
        assert "How it was computed" in page
        assert "This entry: the difference" in page
        for event in receipt["events"]:
            assert event["event_id"] in page
        for rate in receipt["rates"]:
            assert f"1 {rate['source']} = {rate['rate']} {rate['target']}" in page
            assert "published on" in page


def test_a_receipt_leads_to_the_version_it_was_paid_by(portal: Portal) -> None:
    browser, journal = portal.signed_in(), portal.first_journal()
    page = browser.get(f"/earnings/{journal}").body
    version = portal.machine().get(f"/earnings/{journal}").json["version"]

    assert f"Version {version} · " in _text(re.search(rf'<a href="/deal[?]version={version}">.*?</a>', page)[0])  # type: ignore[index]
    assert browser.get(f"/deal?version={version}").status == 200


def test_every_step_the_engine_writes_has_words(portal: Portal) -> None:
    written = {
        line.step
        for email in (PARTNER, OTHER)
        for month in ("2026-03", "2026-04")
        for journal in portal.ledger.all_journals(portal.partners[email], month)
        for line in journal.receipt.lines
    }
    domain = portal.module.server.rendering.TEMPLATES.parents[2] / "layers/core/python/introducer/domain"
    named = {
        step
        for path in domain.rglob("*.py")
        for step in re.findall(r'\bLine\(\s*"(\w+)"(?: if \w+ else "\w+")?,', path.read_text())
    }

    assert {"qualified", "net_revenue", "share", "lot_commission", "rounded"} <= written
    assert written | named <= STEPS
    assert {f"reached_{name}" for name in ("lots", "trades", "net_revenue")} <= STEPS
    assert {"carried_out", "loss_forgotten"} <= STEPS


def test_the_desk_lists_the_partners_of_the_brand(portal: Portal) -> None:
    cards = portal.machine(STAFF).get("/desk/partners").json["items"]

    assert {portal.partners[PARTNER], portal.partners[OTHER]} <= {card["partner"] for card in cards}
    assert len(cards) == 9


def test_the_desk_sees_at_once_which_days_need_a_person(portal: Portal) -> None:
    # when staff opens the page
    data = portal.machine(STAFF).get("/desk/events").json
    page = _text(portal.signed_in(STAFF).get("/desk/events").body)

    # then it names the brand's sources, and first the days with something in quarantine or left behind
    assert [each["source"] for each in data["sources"]] == [CALM, SOURCE, SILENT]
    urgent, others = data["items"][:2], data["items"][2:]
    assert [(day["source"], day["day"]) for day in urgent] == [(SOURCE, "2026-04-17"), (SOURCE, "2026-03-13")]
    assert [(day["waiting"], day["quarantined"]) for day in urgent] == [(0, 2), (1, 0)]
    assert [day["needs_person"] for day in data["items"]] == [True] * 2 + [False] * len(others)
    assert "2 days need a person" in page
    assert f"Nothing has come yet from {SILENT}" in page

    # and then the others, newest first, at most fourteen of a source
    assert [day["day"] for day in others] == sorted((day["day"] for day in others), reverse=True)
    assert [day["day"] for day in others if day["source"] == CALM] == [f"2026-04-{n:02d}" for n in range(17, 3, -1)]
    assert sum(day["source"] == SOURCE and day["day"] > "2026-03-13" for day in data["items"]) == 14
    assert all(day["waiting"] == day["accepted"] - day["applied"] for day in data["items"])


def test_a_page_of_days_says_the_same_in_all_its_forms(portal: Portal) -> None:
    machine, page = portal.machine(STAFF), portal.signed_in(STAFF).get("/desk/events").body
    days = machine.get("/desk/events").json["items"]
    told = list(csv.DictReader(io.StringIO(machine.get("/desk/events", accept="text/csv").body)))
    rows = [
        [_text(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r'<tr role="row" class="opens">(.*?)</tr>', page, re.DOTALL)
    ]

    assert [{name: str(value).lower() for name, value in day.items()} for day in days] == told
    assert re.findall(r'<a href="/desk/events\?source=([^&]+)&amp;day=([^"]+)"', page) == [
        (day["source"], day["day"]) for day in days
    ]
    for day, row in zip(days, rows, strict=True):
        numbers = [str(day[name]) for name in ("accepted", "applied", "waiting")]
        assert row[1:] == [day["source"], *numbers, f"In quarantine {day['quarantined']}"]
        assert ("Needs a person" in row[0]) is day["needs_person"]


def test_where_nobody_is_needed_the_page_says_so(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = portal.wiring.configuration
    every = configuration.sources_of_brand(portal.brand).items

    def page_of(*names: str) -> str:
        some = Page(tuple(source for source in every if source.source in names))
        monkeypatch.setattr(configuration, "sources_of_brand", lambda *_: some)
        return _text(portal.signed_in(STAFF).get("/desk/events").body)

    assert "Nothing needs a person." in page_of(CALM)
    assert "Nothing has come yet" in page_of(SILENT)
    assert "No source yet" in page_of()
    assert "Nothing needs a person." not in page_of(CALM, SOURCE)


@pytest.mark.parametrize(
    ("source", "day", "said"),
    [
        (SOURCE, "2026-03-13", "1 accepted event is not in the books all the same."),
        (CALM, "2026-04-17", "Everything this source sent on that day was applied."),
        (CALM, "2026-01-01", "Nothing came on this day"),
    ],
)
def test_a_day_without_messages_says_what_that_means(portal: Portal, source: str, day: str, said: str) -> None:
    path = f"/desk/events?source={source}&day={day}"
    page, data = portal.signed_in(STAFF).get(path).body, portal.machine(STAFF).get(path).json

    assert (data["items"], data["intake"]["day"]) == ([], day)
    assert said in _text(page)
    assert '<a href="/desk/events">' in page, "the way back"


@pytest.mark.parametrize("query", ["day=2026-02-30", "day=x", f"source={SOURCE}&day=2026-4-1"])
def test_a_day_is_a_day(portal: Portal, query: str) -> None:
    assert portal.machine(STAFF).get(f"/desk/events?{query}").json["code"] == "bad_day"


# ------------------------------------------------------------------------------------------------------- not another's


def test_another_partner_s_receipt_is_as_good_as_none(portal: Portal) -> None:
    theirs = portal.first_journal(OTHER)
    machine = portal.machine(PARTNER)
    made_up = theirs[:-1] + ("0" if theirs[-1] != "0" else "1")

    found, missing = machine.get(f"/earnings/{theirs}"), machine.get(f"/earnings/{made_up}")

    assert found.status == missing.status == 404
    assert {**found.json, "instance": ""} == {**missing.json, "instance": ""}, "the two cannot be told apart"
    assert portal.machine(OTHER).get(f"/earnings/{theirs}").status == 200


def test_lists_of_one_partner_hold_nothing_of_another(portal: Portal) -> None:
    mine, theirs = portal.machine(PARTNER), portal.machine(OTHER)
    for path, name in (("/links", "code"), ("/clients", "pseudonym"), ("/earnings", "id")):
        first = {item[name] for item in mine.get(path).json["items"]}
        second = {item[name] for item in theirs.get(path).json["items"]}
        assert first and second and not first & second, path


def test_parameters_that_name_another_partner_change_nothing(portal: Portal) -> None:
    machine, theirs = portal.machine(PARTNER), portal.partners[OTHER]

    plain = machine.get("/earnings").json
    assert machine.get(f"/earnings?partner={theirs}&brand=brd_x&member=m", x_partner=theirs).json == plain


def test_partners_do_not_see_the_desk_and_staff_has_no_partner_pages(portal: Portal) -> None:
    for path in DESK:
        assert portal.machine(PARTNER).get(path).json["code"] == "staff_only"
    for path in ("/links", "/clients", "/earnings", "/deal"):
        assert portal.machine(STAFF).get(path).json["code"] == "partners_only"
    assert portal.signed_in(STAFF).get("/").location == "/desk"


def test_another_brand_s_source_is_as_good_as_none(portal: Portal) -> None:
    machine = portal.machine(STAFF)

    for more in ("", "&day=2026-04-17"):
        theirs = machine.get(f"/desk/events?source={FOREIGN}{more}")
        missing = machine.get(f"/desk/events?source=nobodys{more}")

        assert theirs.status == missing.status == 404
        assert theirs.json["detail"] == missing.json["detail"]
    assert FOREIGN not in machine.get("/desk/events").body


# --------------------------------------------------------------------------------------------------------------- pages


def test_pages_of_a_list_hold_every_item_once(portal: Portal) -> None:
    machine = portal.machine()
    whole = [item["pseudonym"] for item in machine.get("/clients?limit=200").json["items"]]
    found: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        answer = machine.get(f"/clients?limit=4{f'&cursor={cursor}' if cursor else ''}").json
        found += [item["pseudonym"] for item in answer["items"]]
        cursor, pages = answer["next"], pages + 1

    assert found == whole
    assert pages > 3


def test_a_changed_cursor_is_refused(portal: Portal) -> None:
    machine = portal.machine()
    cursor = machine.get("/clients?limit=4").json["next"]
    changed = [
        cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        ("A" if cursor[0] != "A" else "B") + cursor[1:],
        cursor + "AA",
        cursor[:-4],
        "é",
        "x",
    ]

    for text in changed:
        answer = machine.get(f"/clients?limit=4&cursor={text}")
        assert (answer.status, answer.json["code"]) == (400, "bad_cursor"), text


def test_a_cursor_tells_nothing_of_what_is_behind_it(portal: Portal) -> None:
    cursor = portal.machine().get("/clients?limit=4").json["next"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    assert b"client-hash" not in raw
    assert portal.brand.encode() not in raw


def test_a_cursor_is_good_for_its_own_list_and_partner_only(portal: Portal) -> None:
    mine, theirs = portal.machine(PARTNER), portal.machine(OTHER)
    cursor = mine.get("/earnings?limit=2").json["next"]

    assert mine.get(f"/earnings?limit=2&cursor={cursor}").status == 200
    for machine, path in ((mine, "/clients"), (mine, "/earnings?month=2026-03"), (theirs, "/earnings")):
        glue = "&" if "?" in path else "?"
        assert machine.get(f"{path}{glue}cursor={cursor}").json["code"] == "bad_cursor", path


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1e3", "٣", "0000000059999999999"])
def test_a_page_has_a_sensible_length(portal: Portal, limit: str) -> None:
    assert portal.machine().get(f"/clients?limit={limit}").json["code"] == "bad_limit"


@pytest.mark.parametrize("month", ["2026-13", "2026-4", "x", "2026-04-01", "0000-00"])
def test_a_month_is_a_month(portal: Portal, month: str) -> None:
    assert portal.machine().get(f"/earnings?month={month}").json["code"] == "bad_month"


# -------------------------------------------------------------------------------------------------------------- writes


def test_a_link_is_made_by_a_form_and_by_json_alike(portal: Portal) -> None:
    browser, machine = portal.signed_in(), portal.machine()
    campaign = machine.get("/links").json["campaigns"][0]["campaign"]

    by_form = browser.submit("/links", "/links", campaign=campaign)
    by_json = machine.post("/links", {"campaign": campaign}, as_json=True)

    assert (by_form.status, by_form.location.endswith("?made=1")) == (303, True)
    assert "is ready" in browser.get(by_form.location).body
    assert (by_json.status, by_json.headers["location"]) == (201, f"/links/{by_json.json['code']}?made=1")
    link = portal.configuration.link(by_json.json["code"])
    assert (link.partner, link.campaign) == (portal.partners[PARTNER], campaign)
    codes = [item["code"] for item in machine.get("/links").json["items"]]
    assert {by_form.location.removeprefix("/links/").partition("?")[0], by_json.json["code"]} <= set(codes)


def test_a_write_with_the_same_key_happens_once(portal: Portal) -> None:
    machine = portal.machine()
    campaign, other = (each["campaign"] for each in machine.get("/links").json["campaigns"][:2])
    before = len(machine.get("/links").json["items"])

    first = machine.post("/links", {"campaign": campaign}, as_json=True, idempotency_key="key-1")
    again = machine.post("/links", {"campaign": campaign}, as_json=True, idempotency_key="key-1")
    reused = machine.post("/links", {"campaign": other}, as_json=True, idempotency_key="key-1")

    assert (again.status, again.json, again.location) == (201, first.json, first.location)
    assert again.headers["idempotency-replayed"] == "true"
    assert (reused.status, reused.json["code"]) == (409, "idempotency_key_reused")
    assert len(machine.get("/links").json["items"]) == before + 1


def test_two_members_may_use_the_same_key(portal: Portal) -> None:
    codes = set()
    for email in (PARTNER, OTHER):
        machine = portal.machine(email)
        campaign = machine.get("/links").json["campaigns"][0]["campaign"]
        codes.add(machine.post("/links", {"campaign": campaign}, as_json=True, idempotency_key="shared").json["code"])

    assert len(codes) == 2


def test_a_form_sent_twice_makes_one_link(portal: Portal) -> None:
    browser = portal.signed_in()
    page = browser.get("/links")
    campaign = portal.machine().get("/links").json["campaigns"][0]["campaign"]
    form = {"campaign": campaign, "csrf": page.field("csrf"), "idempotency_key": page.field("idempotency_key")}

    first, second = browser.post("/links", form), browser.post("/links", form)

    assert (first.status, second.status) == (303, 303)
    assert first.location == second.location


def test_a_write_that_failed_may_be_repeated_with_its_key(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a write that met a table that does not answer
    machine = portal.machine()
    campaign = machine.get("/links").json["campaigns"][0]["campaign"]

    def away(*_: Any) -> Any:
        raise Unavailable("The books did not answer: try again.")

    with monkeypatch.context() as patch:
        patch.setattr(portal.wiring.configuration, "create_link", away)
        failed = machine.post("/links", {"campaign": campaign}, as_json=True, idempotency_key="key-2")

    # when the program repeats it
    again = machine.post("/links", {"campaign": campaign}, as_json=True, idempotency_key="key-2")

    # then it is done now
    assert (failed.status, again.status) == (503, 201)


@pytest.mark.parametrize("key", ["x" * 201, "bell\x07"])
def test_a_key_has_a_sensible_form(portal: Portal, key: str) -> None:
    answer = portal.machine().post("/links", {"campaign": "c"}, as_json=True, idempotency_key=key)

    assert (answer.status, answer.json["code"]) == (400, "bad_key")


def test_a_form_that_is_refused_comes_back_with_what_is_wrong(portal: Portal) -> None:
    browser = portal.signed_in()

    unknown = browser.submit("/links", "/links", campaign="cmp_none")
    empty = browser.submit("/links", "/links", campaign="")

    assert (unknown.status, "Choose one of these campaigns." in unknown.body) == (404, True)
    assert (empty.status, "Fill this in." in empty.body) == (422, True)
    assert 'aria-invalid="true"' in empty.body
    assert portal.machine().post("/links", {"campaign": ""}, as_json=True).json["errors"] == {
        "campaign": "Fill this in."
    }


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        ("{", "application/json", "unreadable_body"),
        ("[]", "application/json", "unreadable_body"),
        ("[" * 100_000, "application/json", "too_large"),
        ("[" * 50_000, "application/json", "unreadable_body"),
        ('{"campaign": 7}', "application/json", "invalid"),
        ('{"campaign": "c", "partner": "par_x"}', "application/json", "invalid"),
        ("<x/>", "application/xml", "unsupported_media_type"),
        ("a=" + "x" * 70_000, "application/x-www-form-urlencoded", "too_large"),
        ("&".join(f"a{n}=1" for n in range(1_100)), "application/x-www-form-urlencoded", "unreadable_body"),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused(portal: Portal, body: str, kind: str, code: str) -> None:
    answer = portal.machine().send("POST", "/links", body, {"content-type": kind})

    assert answer.json["code"] == code
    assert answer.status < 500


def test_a_quarantined_event_goes_to_the_engine_again(portal: Portal) -> None:
    # given a message the engine could not apply
    browser, machine = portal.signed_in(STAFF), portal.machine(STAFF)
    listed = machine.get(f"/desk/events?source={SOURCE}").json["items"]
    stuck = next(item for item in listed if item["reason"] == "rate_missing")
    assert stuck["can_replay"] is True

    # when staff sends it again
    path = f"/desk/events?source={SOURCE}"
    answer = browser.submit(path, "/desk/events/replay", source=SOURCE, day=day_of(NOW), id=stuck["id"])

    # then the stream shows the event again, and the list says so
    assert (answer.status, answer.location) == (303, f"/desk/events?source={SOURCE}&day=2026-04-17")
    after = next(item for item in machine.get(path).json["items"] if item["id"] == stuck["id"])
    assert after["replayed_at"] == "2026-04-17T09:30:00.000Z"
    raw = _events(portal, stuck["event_id"])
    assert [int(item["retry"]["N"]) for item in raw] == [1]


def test_a_message_that_never_became_an_event_cannot_be_replayed(portal: Portal) -> None:
    machine = portal.machine(STAFF)
    listed = machine.get(f"/desk/events?source={SOURCE}").json["items"]
    unknown = next(item for item in listed if item["reason"] == "unknown_type")

    assert unknown["can_replay"] is False
    fields = {"source": SOURCE, "day": day_of(NOW), "id": unknown["id"]}
    answer = machine.post("/desk/events/replay", fields, as_json=True)
    assert (answer.status, answer.json["code"]) == (409, "never_accepted")
    none = machine.post("/desk/events/replay", fields | {"id": "1-none"}, as_json=True)
    assert (none.status, none.json["code"]) == (404, "no_such_message")


def test_partners_replay_nothing(portal: Portal) -> None:
    fields = {"source": SOURCE, "day": day_of(NOW), "id": "1-x"}

    assert portal.machine(PARTNER).post("/desk/events/replay", fields, as_json=True).status == 403


# -------------------------------------------------------------------------------------------------------------- errors


def test_an_unknown_page_is_a_page_for_people_and_a_problem_for_programs(portal: Portal) -> None:
    page, problem = portal.signed_in().get("/nothing"), portal.machine().get("/nothing")

    assert page.status == problem.status == 404
    assert "no_such_page" in page.body and "Nothing is here" in page.body
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json["code"] == "no_such_page"


def test_a_page_that_takes_no_writes_says_what_it_takes(portal: Portal) -> None:
    answer = portal.machine().send("DELETE", "/links", None, {})

    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST, HEAD")
    assert answer.json["code"] == "method_not_allowed"


def test_an_error_of_ours_says_nothing_of_the_inside(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def balance(self, partner: str) -> Any:
            raise RuntimeError("secret of the inside")

    monkeypatch.setitem(portal.wiring.__dict__, "ledger", Broken())
    page, problem = portal.signed_in().get("/"), portal.machine().get("/")

    assert page.status == problem.status == 500
    assert "secret of the inside" not in page.body + problem.body
    assert problem.json["code"] == "unexpected"


def test_tables_that_do_not_answer_are_said_to_come_back(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def balance(self, partner: str) -> Any:
            raise Unavailable("The books did not answer: try again.")

    monkeypatch.setitem(portal.wiring.__dict__, "ledger", Away())
    answer = portal.signed_in().get("/")

    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert "Nothing is lost" in answer.body


def test_a_page_about_an_error_needs_no_books(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise Unavailable("The books did not answer: try again.")

    visitor = portal.signed_in()
    monkeypatch.setattr(portal.wiring.configuration, "brand", away)
    answer = visitor.get("/clients")

    assert (answer.status, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "Nothing is lost" in answer.body


def test_what_strangers_wrote_stays_text(portal: Portal) -> None:
    page = portal.signed_in(STAFF).get(f"/desk/events?source={SOURCE}").body

    assert "<script>alert(1)</script>" not in page
    assert html.escape("<script>alert(1)</script>") in page


def test_pages_allow_no_inline_script_and_no_inline_style(portal: Portal) -> None:
    for email, path in addresses(portal):
        page = portal.signed_in(email).get(path)
        policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page.body), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", page.body), path
        assert "<style" not in page.body
        assert page.headers["cache-control"] == "private, no-store"


def test_files_are_small_and_kept_for_ever(portal: Portal) -> None:
    page = portal.visitor().get("/sign-in").body
    sizes = {}
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        file = portal.visitor().get(path)
        assert (file.status, file.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        sizes[path.rpartition(".")[2]] = len(file.body.encode())

    assert sizes["css"] <= 20 * 1024
    assert sizes["js"] <= 15 * 1024
    assert portal.visitor().get("/static/portal.0000000000.css").status == 404
    assert portal.visitor().get("/static/..%2Fapp.py").status == 404


# -------------------------------------------------------------------------------------------------- theme and language


def test_theme_and_language_are_kept_by_the_browser(portal: Portal) -> None:
    visitor = portal.signed_in()

    chosen = visitor.submit("/links", "/preferences", theme="dark", next="/clients")
    visitor.submit("/links", "/preferences", language="ar", next="/clients")
    page = visitor.get("/clients").body

    assert chosen.location == "/clients"
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in page
    visitor.submit("/links", "/preferences", theme="auto")
    assert '<html lang="ar" dir="rtl">' in visitor.get("/clients").body


@pytest.mark.parametrize(
    ("header", "language"),
    [("pl-PL,pl;q=0.9,en;q=0.8", "pl"), ("de,th;q=0.5", "th"), ("xx", "en"), ("", "en"), ("ru;q=0, es;q=x, ar", "ar")],
)
def test_a_stranger_is_spoken_to_in_the_browser_s_language(portal: Portal, header: str, language: str) -> None:
    assert f'<html lang="{language}"' in portal.visitor(accept_language=header).get("/sign-in").body


@pytest.mark.parametrize("fields", [{"theme": "pink"}, {"language": "xx"}, {"colour": "red"}])
def test_a_preference_we_do_not_have_is_refused(portal: Portal, fields: dict[str, str]) -> None:
    assert portal.signed_in().submit("/links", "/preferences", **fields).status == 422


def _decimal(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))


def _text(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page))).replace("\N{THIN SPACE}", " ")


def _events(portal: Portal, event_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = portal.dynamodb.scan(TableName=portal.facts_table)["Items"]
    return [item for item in items if item["sk"]["S"] == f"{SOURCE}#{event_id}"]


def test_json_has_no_floats(portal: Portal) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is a float")

    for email, path in addresses(portal):
        json.loads(portal.machine(email).get(path).body, parse_float=refuse)
