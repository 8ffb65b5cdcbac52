"""Postbacks in a browser: the list, a target with its log, and the form, on a phone and on a desk, read both ways."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, PHONE, WINDOWS
from tests.support.casework import Casework
from tests.support.hooked import Hooked, a_hooked_portal
from tests.support.payday import ADMIN, HARBOUR
from tests.support.receiver import a_receiver, answers

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

SHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder for pictures of what is looked at; none unless set."""


@pytest.fixture(scope="module")
def world() -> Iterator[Hooked]:
    with pytest.MonkeyPatch.context() as patch, a_hooked_portal(patch) as found:
        yield found


@pytest.fixture(scope="module")
def portal(world: Hooked) -> Casework:
    return world.portal


def test_targets_and_their_logs_fit_and_keep_nobody_out(
    browser: Browser, world: Hooked, portal: Casework, address: str
) -> None:
    # given a target that arrived, one that fails, one that is paused, and a webhook of the brand
    everything: dict[str, Any] = {"events": ["registration", "kyc", "ftd", "qftd", "deposit", "earning", "clawback"]}
    with a_receiver(answers(200, b"status=ok; id=7781")) as fine, a_receiver(answers(502, b"Bad gateway")) as broken:
        good = world.adds(name="Voluum", url=fine.url("/p?cid={click_id}&payout={payout}"), **everything)
        bad = world.adds(name="مسابقة Keitaro", url=broken.url("/postback?subid={sub1}"), method="POST_JSON")
        hook = world.adds(ADMIN, "/desk/webhooks", name="Data warehouse", url=fine.url("/events"))
        world.posts(f"/postbacks/{good['target']}/secret", {})
        world.posts(f"/postbacks/{good['target']}/test", {"event": "qftd"})
        world.tells(3)
        world.passes(minutes=10)
        world.posts(f"/postbacks/{bad['target']}/pause", {})
        world.tells(1)
    paths = {
        "list": (HARBOUR, "/postbacks"),
        "bad": (HARBOUR, f"/postbacks/{bad['target']}"),
        "webhook": (ADMIN, f"/desk/webhooks/{hook['target']}"),
    }

    # when they are looked at
    looks = {PHONE: ("list", "bad"), DESK: ("webhook",)}
    for width, language, theme in WINDOWS:
        for name in looks[width]:
            who, path = paths[name]
            with a_window(browser, portal, address, who, width, language=language, theme=theme) as window:
                window.page.goto(path)
                for closed in window.page.locator("main details").all():
                    closed.evaluate("each => each.open = true")
                if SHOTS:
                    shot = Path(SHOTS) / f"postbacks-{name}-{width}-{language}-{theme}.png"
                    window.page.screenshot(path=shot, full_page=True)
                assert window.sideways() == 0, (path, width)
                assert window.barriers() == [], (path, width)
                assert window.said == []
