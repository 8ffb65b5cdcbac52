"""Conversations in a real browser: long and mixed texts fit and can be read; the keyboard alone writes, without script
as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from introducer.domain.mail_text import MailText, Words
from introducer.services.announce import announce
from introducer.services.save_answer import save_answer
from introducer.services.write_message import open_thread, write_message
from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import MARKS
from tests.browser.window import PHONE, WINDOWS, Window
from tests.browser.world import NOW, OTHER, PARTNER, STAFF, Portal, Visitor, a_portal

pytestmark = MARKS

SHOTS = os.environ.get("MESSAGE_SHOTS", "")
"""A folder for pictures of the pages, for whoever wants to look at them."""
ARABIC = "مرحبا، هل يمكنني استخدام البانرات القديمة for EURUSD في مايو؟\n\nشكرا جزيلا"
LONG = "Averylongwordwithoutanybreak" * 12
HOSTILE = '<img src=x onerror="document.title=1"> {{x}}'


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    """Threads of every kind, a saved answer and an announcement."""
    with a_portal(cloud, lively=False) as world:
        drawn = iter(range(1, 10_000))
        moments = iter(NOW - timedelta(hours=30) + timedelta(minutes=20 * number) for number in range(1_000))
        made: dict[str, Any] = {
            "clock": lambda: next(moments), "random": lambda size: next(drawn).to_bytes(size, "big")
        }  # fmt: skip
        both = (world.configuration, world.wiring.conversations)
        owner, staff, other = (world.configuration.member(world.members[each]) for each in (PARTNER, STAFF, OTHER))
        partner = world.partners[PARTNER]
        for subject, texts in (
            ("Banners for May", [(owner, ARABIC), (staff, "Which ones do you mean?"), (owner, LONG), (owner, HOSTILE)]),
            ("مدفوعات أبريل / April payout", [(owner, ARABIC), (staff, "It is on its way.")]),
        ):
            thread = None
            for member, text in texts:
                if thread is None:
                    thread = open_thread(*both, member=member, partner=partner, subject=subject, text=text, **made)
                else:
                    write_message(*both, member=member, partner=partner, thread=thread.thread, text=text, **made)
            assert thread is not None
            write_message(*both, member=staff, partner=partner, thread=thread.thread, text="They are from 2024, no.",
                          note=True, **made)  # fmt: skip
        open_thread(*both, member=other, partner=world.partners[OTHER], subject=LONG[:120], text="Hello?", **made)
        text = MailText({
            "en": Words("New landing pages", ("Dear {name},", "they convert better: see {portal}.")),
            "ar": Words("صفحات هبوط جديدة", ("عزيزي {name}،", "إنها تحول أفضل: {portal}.")),
        })  # fmt: skip
        save_answer(world.wiring.conversations, member=staff, text=text, **made)
        announce(world.configuration, world.wiring.announcements, world.wiring.broadcast_books.results, member=staff,
                 text=text, countries=["PL"], **made)  # fmt: skip
        yield world


@pytest.fixture(scope="module")
def owner(portal: Portal) -> Visitor:
    return portal.signed_in(PARTNER)


@pytest.fixture(scope="module")
def manager(portal: Portal) -> Visitor:
    return portal.signed_in(STAFF)


def pages(portal: Portal, owner: Visitor, manager: Visitor) -> Iterator[tuple[Visitor, str]]:
    partner = portal.partners[PARTNER]
    threads = portal.wiring.conversations.of_partner(partner)
    [announced] = portal.wiring.announcements.of_brand(portal.brand).items
    [answer] = portal.wiring.conversations.saved_answers(portal.brand)
    long = next(each for each in threads if each.subject.startswith("Banners"))
    for path in ("/messages", f"/messages/{long.thread}", f"/messages/announcements/{announced.announcement}"):
        yield owner, path
    for path in ("/desk/messages?whose=all", f"/desk/messages/{partner}/{long.thread}?answer={answer.answer}",
                 f"/desk/partners/{partner}/messages", "/desk/announcements", "/desk/answers",
                 f"/desk/announcements/{announced.announcement}", f"/desk/answers/{answer.answer}"):  # fmt: skip
        yield manager, path


@pytest.mark.parametrize(("width", "language", "theme"), WINDOWS)
def test_messages_fit_and_can_be_read(
    browser: Browser, address: str, portal: Portal, owner: Visitor, manager: Visitor, width: int, language: str,
    theme: str,
) -> None:  # fmt: skip
    with Window(browser, address, width) as window:
        for number, (visitor, path) in enumerate(pages(portal, owner, manager)):
            window.carries(visitor.cookies, language=language, theme=theme).goto(path)
            expect(window.page.locator("h1")).to_be_visible()
            if SHOTS:
                window.page.screenshot(path=Path(SHOTS) / f"{number}-{width}-{language}-{theme}.png", full_page=True)
            assert (path, window.sideways()) == (path, 0)
            # The threads are judged in each way, the other pages once for each width.
            if "thr_" in path or language == "en":
                assert (path, window.barriers(colours="thr_" in path)) == (path, [])
        assert window.said == []


@pytest.mark.parametrize("script", [True, False])
def test_the_keyboard_alone_writes_a_message(
    browser: Browser, address: str, portal: Portal, owner: Visitor, script: bool
) -> None:
    with Window(browser, address, PHONE, java_script_enabled=script) as window:
        page = window.carries(owner.cookies)
        page.goto("/messages")
        page.get_by_role("textbox", name="What it is about").focus()
        page.keyboard.type("By keyboard")
        page.keyboard.press("Tab")
        page.keyboard.type("Does this work?")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()
        page.get_by_role("textbox", name="Your message").focus()
        page.keyboard.type("And again?")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Sent")
        expect(page.locator("li.message")).to_have_count(2)
        assert window.said == []
