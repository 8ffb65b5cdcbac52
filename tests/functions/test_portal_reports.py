"""A partner's report in the portal: its figures, how often its letter comes, and the letter with its own data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

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
