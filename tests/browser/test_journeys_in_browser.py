"""From a stranger's application to an earning and its receipt: on a phone by hand, at a desk by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from introducer.domain.application import ApplicationState
from introducer.domain.events import LOT, Event, EventType, day_of, milliseconds
from introducer.domain.money import minor_units
from introducer.services.apply_events import Engine
from introducer.store.accruals import Accruals
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.store.clients import Clients
from introducer.store.mails import Mails
from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, PHONE, Window
from tests.support.applying import CONFIRM, Confirming, from_milliseconds, key_of, token
from tests.support.builders import a_click, lot, revshare, terms
from tests.support.everything import LOGINS, PLATFORM, SECRET, Everything, everything

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

TERMS = terms(revshare("30"), lot("2.50"), days=10, net_revenue={"spread": "1", "commission": "1"})
MOST_TABS = 120


@pytest.fixture(scope="module")
def portal() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as world:
        yield world


class Hand:
    """Somebody who taps."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def presses(self, words: str) -> None:
        self.page.locator("main :is(a, button, summary):visible", has_text=words).first.click()

    def writes(self, name: str, text: str) -> None:
        self.page.locator(f"main [name='{name}']:visible").first.fill(text)

    def ticks(self, name: str) -> None:
        self.page.locator(f"main [name='{name}']:visible").first.check()


class Keyboard(Hand):
    """Somebody without a mouse: Tab, Enter, Space, and letters."""

    def _reaches(self, what: str) -> None:
        """Goes on by Tab, from where it stands, until that has the focus."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(f"() => {{ const one = document.activeElement; return {what}; }}"):
                return
        raise AssertionError(f"Tab never came to {what}")

    def presses(self, words: str) -> None:
        self._reaches(f"one.matches('main :is(a, button, summary)') && one.innerText.includes({words!r})")
        self.page.keyboard.press("Enter")
        self.page.wait_for_load_state()

    def writes(self, name: str, text: str) -> None:
        self._reaches(f"one.name === {name!r}")
        self.page.keyboard.insert_text(text)

    def ticks(self, name: str) -> None:
        self._reaches(f"one.name === {name!r}")
        self.page.keyboard.press("Space")


@pytest.mark.parametrize(("width", "way"), [(PHONE, Hand), (DESK, Keyboard)])
def test_from_an_application_to_an_earning_and_its_receipt(
    browser: Browser, portal: Everything, address: str, width: int, way: type[Hand]
) -> None:
    portal.now += timedelta(minutes=1)
    email = f"mara.{width}@quill.example"
    # given a stranger who applies
    with Window(browser, address, width) as window:
        page, person = window.page, way(window.page)
        page.goto(portal.path("/apply"))
        person.writes("name", "Mara Quill")
        person.writes("company", f"Quill Media {width}")
        person.writes("email", email)
        page.locator("[name=country]").select_option("PL")
        person.writes("plan", "Weekly videos about gold.")
        person.ticks("consent")
        person.presses("Apply")
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
        # and who confirms the address by the link in the mail
        page.goto(the_link(portal))
        person.presses("Confirm")
        expect(page.get_by_role("status")).to_be_visible()
        assert window.said == []

    # when a manager approves it with terms
    with a_window(browser, portal, address, LOGINS["manager"], width, language="en") as window:
        page, person = window.page, way(window.page)
        page.goto("/desk/applications")
        person.presses(f"Quill Media {width}")
        page.locator("details", has=page.locator("[name=terms]")).evaluate("each => each.open = true")
        page.locator("[name=terms]").fill(json.dumps(TERMS))
        person.presses("Approve, and invite")
        expect(page.get_by_role("status")).to_contain_text("Approved")

    # then the new owner finds what comes next, and accepts the terms in words
    owner = f"owner-{width}"
    portal.people[owner] = portal.configuration.member(f"sub-{email}")
    with a_window(browser, portal, address, owner, width, language="en") as window:
        page, person = window.page, way(window.page)
        page.goto("/")
        expect(page.get_by_role("heading", name="Your first steps")).to_be_visible()
        page.goto("/deal")
        person.presses("Accept these terms")
        expect(page.get_by_role("status")).to_contain_text("You accepted version 1")

        # and makes a link, whose click and client it sees
        portal.now += timedelta(days=2)
        page.goto("/links")
        person.presses("Create the link")
        notice = page.get_by_role("status")
        expect(notice).to_contain_text("is ready")
        code = notice.locator(".code").inner_text().rpartition("/")[2]
        visited(portal, code, width)
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
        assert (window.sideways(), window.barriers(), window.said) == (0, [], [])


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
