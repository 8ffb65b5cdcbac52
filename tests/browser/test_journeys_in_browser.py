"""What partners, managers and finance come for, from beginning to end: by hand on a phone, by keyboard alone at a desk.

First from a stranger's application to an earning and its receipt; then what is done on most days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from introducer.domain.application import ApplicationState
from introducer.domain.case import CaseStatus
from introducer.domain.configuration import Role
from introducer.domain.events import LOT, Event, EventType, day_of, milliseconds
from introducer.domain.money import minor_units
from introducer.domain.payout import RunStatus
from introducer.domain.terms import parse_terms
from introducer.services.api_keys import admitted_key
from introducer.services.apply_events import Engine
from introducer.store.accruals import Accruals
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.store.clients import Clients
from introducer.store.mails import Mails
from tests.browser.hands import Hand, Keyboard
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.applying import CONFIRM, Confirming, from_milliseconds, key_of, token
from tests.support.builders import a_click, lot, revshare, terms
from tests.support.everything import LOGINS, PLATFORM, SECRET, Everything, as_it_was, everything
from tests.support.payday import CHECKER, HARBOUR, RUN

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

TERMS = terms(revshare("30"), lot("2.50"), days=10, net_revenue={"spread": "1", "commission": "1"})
TOLD = "They came to our stand, and share its network"


@pytest.fixture(scope="module")
def portal() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as world:
        yield world


@pytest.fixture(scope="module")
def windows(browser: Browser, address: str) -> Iterator[dict[int, Window]]:
    """One of each width, for all journeys: most of what a browser costs is opening them."""
    with Window(browser, address, PHONE) as phone, Window(browser, address, DESK) as desk:
        yield {PHONE: phone, DESK: desk}


@dataclass
class Walk:
    """Somebody's way through the portal, in a window; `world` is what it was before each journey."""

    world: Everything
    window: Window
    way: type[Hand]
    width: int

    @property
    def page(self) -> Page:
        return self.window.page

    def begins(self, login: str, path: str) -> Hand:
        """Whoever of that login, or a stranger without one, opens a page."""
        self.window.context.clear_cookies()
        if login:
            self.window.carries(self.world.signed_in(login).cookies, language="en")
        self.page.goto(path)
        return self.way(self.page)

    def fits(self) -> None:
        """Nothing is wider than the window, and the console said nothing."""
        assert (self.window.sideways(), self.window.said) == (0, [])


@pytest.fixture(params=[(PHONE, Hand), (DESK, Keyboard)], ids=["phone", "desk"])
def walk(request: pytest.FixtureRequest, portal: Everything, windows: dict[int, Window]) -> Iterator[Walk]:
    width, way = request.param
    window = windows[width]
    window.said.clear()
    with as_it_was(portal):
        yield Walk(portal, window, way, width)
        # A page that reads itself again would read what is undone.
        window.page.goto("about:blank")


def test_from_an_application_to_an_earning_and_its_receipt(walk: Walk) -> None:
    world, page, width = walk.world, walk.page, walk.width
    world.now += timedelta(minutes=1)
    email = f"mara.{width}@quill.example"
    # given a stranger who applies
    person = walk.begins("", world.path("/apply"))
    person.writes("name", "Mara Quill")
    person.writes("company", f"Quill Media {width}")
    person.writes("email", email)
    person.chooses("country", "PL")
    person.writes("plan", "Weekly videos about gold.")
    person.ticks("consent")
    person.presses("Apply")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    # and who confirms the address by the link in the mail
    page.goto(the_link(world))
    person.presses("Confirm")
    expect(page.get_by_role("status")).to_be_visible()
    walk.fits()

    # when a manager approves it with terms
    person = walk.begins(LOGINS["manager"], "/desk/applications")
    person.presses(f"Quill Media {width}")
    person.presses("Or write terms (JSON)")
    person.writes("terms", json.dumps(TERMS))
    person.presses("Approve, and invite")
    expect(page.get_by_role("status")).to_contain_text("Approved")

    # then the new owner finds what comes next, and accepts the terms in words
    owner = f"owner-{width}"
    world.people[owner] = world.configuration.member(f"sub-{email}")
    person = walk.begins(owner, "/")
    expect(page.get_by_role("heading", name="Your first steps")).to_be_visible()
    page.goto("/deal")
    person.presses("Accept these terms")
    expect(page.get_by_role("status")).to_contain_text("You accepted version 1")

    # and makes a link, whose click and client it sees
    world.now += timedelta(days=2)
    page.goto("/links")
    person.presses("Create the link")
    notice = page.get_by_role("status")
    expect(notice).to_contain_text("is ready")
    code = notice.locator(".code").inner_text().rpartition("/")[2]
    visited(world, code, width)
    page.goto("/links")
    expect(page.locator("tbody tr").first).to_contain_text("Clicks 1" if width == PHONE else "1")
    page.goto("/clients")
    expect(page.locator("tbody tr")).to_have_count(1)

    # and an earning with the receipt of how it came about
    page.goto("/earnings")
    person.presses("Per lot")
    expect(page.get_by_role("heading", level=1)).to_have_text("How this earning came about")
    expect(page.locator("main")).to_contain_text("This entry: the difference")
    expect(page.locator(".hero")).to_contain_text("+5.00")
    assert walk.window.barriers() == []
    walk.fits()


def test_a_manager_changes_a_deal_and_reads_it_in_words(walk: Walk) -> None:
    world, page = walk.world, walk.page
    wanted = terms(revshare("37", "carry"), days=12)
    person = walk.begins(LOGINS["manager"], "/desk/deals?phase=in_force")
    person.presses(HARBOUR)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Version")
    person.presses(f"What {HARBOUR} is paid for")
    expect(page.get_by_role("heading", level=1)).to_contain_text("is paid for")
    person.presses("Propose new terms")
    expect(page.get_by_role("heading", level=1)).to_contain_text("will be paid for")
    person.writes("terms.hold.days", "12")
    person.writes("terms.rules.0.percent", "37")
    person.chooses("terms.rules.0.negative", "carry")
    person.presses("Check and show the words")
    expect(page.get_by_role("status")).to_contain_text("These terms can be proposed.")
    expect(page.locator(".clause").first).to_contain_text("37%")
    person.writes("reason", "Agreed on the phone")
    person.presses("Propose these terms")
    expect(page.get_by_role("status")).to_contain_text("The partner reads these words and accepts them.")
    walk.fits()
    assert parse_terms(json.loads(world.configuration.deals(world.harbour)[-1].terms)) == parse_terms(wanted)


def test_a_manager_decides_a_case_and_the_partner_reads_why(walk: Walk) -> None:
    world, page = walk.world, walk.page
    [case] = world.case_books.cases.of_partner(world.harbour)
    person = walk.begins(LOGINS["manager"], "/desk/cases")
    person.presses(HARBOUR)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Is it right to pay")
    person.writes("why", TOLD)
    person.chooses("code", "fake_registrations")
    person.presses("Disallow")
    expect(page.get_by_role("status")).to_contain_text("Disallowed: the books take it back")
    walk.fits()
    found = world.case(case)
    assert found.verdict is not None
    assert (found.status, found.verdict.code) == (CaseStatus.DISALLOWED, "fake_registrations")
    world.carries_out(case)
    person = walk.begins(LOGINS["owner"], "/cases")
    person.presses("Registrations")
    expect(page.locator("main")).to_contain_text(TOLD)
    walk.fits()


def test_finance_approves_a_run(walk: Walk) -> None:
    world, page = walk.world, walk.page
    person = walk.begins(CHECKER, "/desk/runs")
    person.presses(RUN)
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this run right?")
    person.writes("why", "Looked at all of it")
    person.presses("Approve")
    expect(page.locator(".notice.good")).to_contain_text("Approved: it is being sent.")
    walk.fits()
    run = world.run()
    assert (run.status, run.decided_by) == (RunStatus.APPROVED, world.people[CHECKER].member)


def test_a_partner_joins_a_contest_and_finds_its_name_on_the_board(walk: Walk) -> None:
    world, page = walk.world, walk.page
    person = walk.begins(LOGINS["owner"], "/contests")
    person.presses("The public cup")
    expect(page.get_by_role("heading", level=1)).to_have_text("The public cup")
    person.presses("Read the rules and join")
    person.writes("shown_as", "Coffee first")
    person.presses("Accept the rules and join")
    expect(page.get_by_role("status")).to_contain_text("You take part")
    expect(page.locator("#live table")).to_contain_text("Coffee first")
    walk.fits()
    entry = world.contests.entry(world.values["contest"], world.harbour)
    assert entry is not None and entry.takes_part


def test_a_manager_answers_a_message_and_the_partner_answers_back(walk: Walk) -> None:
    page = walk.page
    person = walk.begins(LOGINS["manager"], "/desk/messages?whose=all")
    person.presses(HARBOUR)
    expect(page.locator("li.message")).to_have_count(1)
    subject = page.locator("h1").inner_text()
    person.writes("text", "Yes, all of them")
    person.presses("Send to the partner")
    expect(page.get_by_role("status")).to_contain_text("Sent: the partner's owners are told.")
    walk.fits()
    person = walk.begins(LOGINS["owner"], "/messages")
    expect(page.locator("tr", has_text="New answer")).to_contain_text(subject)
    person.presses(subject)
    expect(page.locator("li.message").last).to_contain_text("Yes, all of them")
    person.writes("text", "Thank you")
    person.presses("Send")
    expect(page.get_by_role("status")).to_contain_text("Sent: whoever answers is told.")
    expect(page.locator("li.message").last).to_contain_text("Thank you")
    walk.fits()


def test_an_owner_invites_a_colleague(walk: Walk) -> None:
    world, page = walk.world, walk.page
    person = walk.begins(LOGINS["owner"], "/settings")
    person.presses("Team")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who signs in for you")
    person.writes("name", "Cleo Vance")
    person.writes("email", "cleo@harbour.example")
    person.presses("Send the invitation")
    expect(page.get_by_role("status")).to_contain_text("Invited: a mail with a first password is on its way.")
    expect(page.locator("tbody")).to_contain_text("Cleo Vance")
    walk.fits()
    made = world.configuration.member("sub-cleo@harbour.example")
    assert (made.partner, made.role) == (world.harbour, Role.MEMBER)


def test_an_owner_makes_an_api_key_that_is_shown_once(walk: Walk) -> None:
    world, page = walk.world, walk.page
    person = walk.begins(LOGINS["owner"], "/settings/keys")
    person.writes("name", "Tracker import")
    person.ticks("scopes[]", "clients:read")
    person.presses("Make the key")
    shown = page.get_by_role("status")
    expect(shown).to_contain_text("It is shown this once")
    key = shown.locator("[data-copy]").get_attribute("data-copy") or ""
    walk.fits()
    person.presses("I have kept it")
    expect(shown).to_have_count(0)
    expect(page.locator("tbody").first).to_contain_text("Tracker import")
    assert key not in page.content()
    walk.fits()
    assert admitted_key(world.configuration, key, world.now).scopes == ("clients:read",)


def test_a_partner_goes_on_in_another_language(walk: Walk) -> None:
    page = walk.page
    person = walk.begins(LOGINS["owner"], "/payouts")
    english = page.locator("h1").inner_text()
    person.presses("More" if walk.width == PHONE else "English", within="nav")
    person.presses("العربية", within="nav")
    for path in ("/payouts", "/earnings"):
        expect(page).to_have_url(f"{walk.window.address}{path}")
        expect(page.locator("html")).to_have_attribute("lang", "ar")
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.locator("h1")).not_to_have_text(english)
        walk.fits()
        page.goto("/earnings")


def the_link(portal: Everything) -> str:
    """Where the link in the newest application's mail leads."""
    books = portal.wiring.application_books
    unconfirmed = books.applications.of_brand(portal.brand, ApplicationState.UNCONFIRMED).items
    newest = max(unconfirmed, key=lambda each: each.at)
    [mail] = [each for each in Mails(portal.table).mails(newest.partner) if each.what.endswith("check")]
    until = from_milliseconds(int(str(mail.values["until"])))
    return CONFIRM + token(key_of(SECRET), Confirming(portal.brand, newest.application, until))


def visited(portal: Everything, code: str, number: int) -> None:
    """A visitor of the link becomes a client who trades, as the rollup counts it and the engine books it."""
    link = portal.configuration.link(code)
    now = portal.now
    span = Span(f"{number:040d}", f"{number:040d}")
    assert ClickCounts(portal.table).add(ClickCount(link.partner, day_of(now), link.link_id, 1, 1, 0, 1), {0: span})
    client = f"client-of-{number}"
    click = a_click(now - timedelta(minutes=20), link.link_id, number=number)
    money = {name: minor_units(amount, "EUR") for name, amount in (("spread", "12.00"), ("commission", "3.00"))}
    events = [
        Event(brand=portal.brand, source=PLATFORM, client=client, event_id=f"{number}-1",
              type=EventType("registration"), occurred_at=now, accepted_at=now, click_id=click, country="PL"),
        Event(brand=portal.brand, source=PLATFORM, client=client, event_id=f"{number}-2", type=EventType("trade"),
              occurred_at=now + timedelta(minutes=5), accepted_at=now, lots=2 * LOT, symbol="EURUSD",
              currency="EUR", **money),
    ]  # fmt: skip
    for event in events:
        portal.facts.put_event(event)
    engine = Engine(
        facts=portal.facts, clients=Clients(portal.table), ledger=portal.ledger,
        accruals=Accruals(portal.facts_table, portal.table), contracts=portal.wiring.contracts,
        now_ms=lambda: milliseconds(portal.now), pause=lambda attempt: None, report=lambda event, error: None,
    )  # fmt: skip
    outcome = engine.apply(events)
    assert (outcome.quarantined, outcome.failed) == (0, ()), outcome
