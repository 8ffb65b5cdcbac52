"""The pages of payouts in a browser: on a phone and on a desk, read both ways, and going on by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.payout import PayoutStatus
from introducer.gateways.rails.protocol import Outcome
from introducer.services.send_run import take_outcome
from tests.browser.serving import MARKS
from tests.browser.window import DESK, PHONE, Window
from tests.support.payday import CHECKER, HARBOUR, NOW, RUN, Payday, a_payday

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

THERE = f"/desk/runs/{RUN}"


@pytest.fixture(scope="module")
def portal() -> Iterator[Payday]:
    """The run of March waits for a second person."""
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        world.prepare()
        yield world


def a_window(browser: Browser, portal: Payday, address: str, who: str, width: int, **wishes: str) -> Window:
    """Somebody's window, signed in; `wishes` are a language and a theme."""
    window = Window(browser, address, width)
    cookies = portal.signed_in(who).cookies | {f"__Host-{name}": value for name, value in wishes.items()}
    secure = address.replace("http:", "https:")
    window.context.add_cookies([
        {"name": name, "value": value, "url": secure, "secure": True} for name, value in cookies.items()
    ])  # fmt: skip
    return window


def test_a_run_and_a_payout_are_looked_at_on_any_screen_and_keep_nobody_out(
    browser: Browser, portal: Payday, address: str
) -> None:
    one = portal.of(HARBOUR).payout
    with a_window(browser, portal, address, CHECKER, PHONE, language="ar", theme="dark") as window:
        for path in ("/desk/runs", f"{THERE}/payouts/{one}", "/desk/runs/bank-file", THERE):
            window.page.goto(path)
            assert window.sideways() == 0, path
        assert (window.barriers(), window.said) == ([], [])
    with a_window(browser, portal, address, HARBOUR, DESK, language="en", theme="light") as window:
        for path in ("/payouts", f"/payouts/{one}"):
            window.page.goto(path)
            assert window.sideways() == 0, path
        assert (window.barriers(), window.said) == ([], [])


def test_a_run_is_approved_with_its_amounts_on_the_button_and_then_goes_on_by_itself(
    browser: Browser, portal: Payday, address: str
) -> None:
    with a_window(browser, portal, address, CHECKER, DESK, language="en") as window:
        page = window.page
        page.clock.install()
        page.goto(THERE)
        page.fill("[name=why]", "Looked at all of it")
        page.get_by_role("button", name="Approve 4 payouts").click()
        expect(page.get_by_text("Approved: it is being sent.")).to_be_visible()

        # when it is sent, and the first is heard of
        portal.send(RUN)
        progress = page.locator("#progress")
        expect(progress).not_to_contain_text("On its way")
        page.clock.fast_forward(5_500)
        expect(progress).to_contain_text("On its way")
        expect(progress).to_contain_text("3 payouts")
        outcome = Outcome(payout=portal.of(HARBOUR).payout, state=PayoutStatus.PAID)
        take_outcome(portal.payouts, outcome, NOW + timedelta(hours=1))
        page.clock.fast_forward(5_500)

        # then the page says so, without anybody having touched it
        expect(progress).to_contain_text("2 payouts")
        assert window.said == []
