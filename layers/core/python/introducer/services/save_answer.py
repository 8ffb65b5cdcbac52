"""Answers that staff give often: managers and admins save them, and whoever answers puts one into what they write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from introducer.domain.announcement import ANNOUNCERS, check_filled
from introducer.domain.configuration import Brand, Change, Member, Partner
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.mail_text import MailText, check_text
from introducer.domain.saved_answer import MOST_ANSWERS, SavedAnswer, check_fits
from introducer.services.creation import Clock, Randomness, create_once, make_id, now
from introducer.services.people import Names
from introducer.store.configuration import Configuration
from introducer.store.conversations import Conversations


def save_answer(
    conversations: Conversations,
    *,
    member: Member,
    text: MailText,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> SavedAnswer:
    """A new saved answer. A repeated `request` meets the first one's.

    Raises `Forbidden`; `Invalid` for a text that cannot be (`check_text`, `check_filled`, `check_fits`); `Conflict`
    (`too_many_answers`, `idempotency_key_reused`).
    """
    check_announcer(member)
    at = now(clock)
    new = SavedAnswer(
        answer=make_id("ans", request, at, random, member.brand, member.member),
        brand=member.brand,
        text=_checked(text),
        changed_by=member.member,
        changed_at=at,
    )
    others = conversations.saved_answers(member.brand)
    if len(others) >= MOST_ANSWERS and all(each.answer != new.answer for each in others):
        raise Conflict(f"{MOST_ANSWERS} answers are saved: remove one first.", code="too_many_answers")
    change = Change(by=member.member, at=at, why="saved an answer", origin="portal")
    return create_once(
        lambda: conversations.save(None, new, change, "save_answer"),
        lambda: conversations.saved_answer(new.brand, new.answer),
        lambda existing: existing.text == new.text,
        new,
    )


def change_answer(
    conversations: Conversations, *, member: Member, answer: str, text: MailText, version: int, clock: Clock
) -> SavedAnswer:
    """The saved answer with another text; `version` is the one that was read. The same text again changes nothing.

    Raises `Forbidden`, `NotFound`, `Invalid`, `Conflict` (`answer_changed`).
    """
    check_announcer(member)
    found = conversations.saved_answer(member.brand, answer)
    wanted = _checked(text)
    if found.text == wanted:
        return found
    if found.version != version:
        raise Conflict("This answer was changed meanwhile: look at it again.", code="answer_changed")
    at = now(clock)
    after = replace(found, text=wanted, changed_by=member.member, changed_at=at, version=version + 1)
    conversations.save(
        found, after, Change(by=member.member, at=at, why="changed an answer", origin="portal"), "change_answer"
    )
    return after


def remove_answer(conversations: Conversations, *, member: Member, answer: str, clock: Clock) -> SavedAnswer:
    """The saved answer, which nobody finds any more. Raises `Forbidden`, `NotFound`, `Conflict`."""
    check_announcer(member)
    found = conversations.saved_answer(member.brand, answer)
    at = now(clock)
    after = replace(found, removed=True, changed_by=member.member, changed_at=at, version=found.version + 1)
    conversations.save(
        found, after, Change(by=member.member, at=at, why="removed an answer", origin="portal"), "remove_answer"
    )
    return after


def check_announcer(member: Member) -> None:
    """Raises `Forbidden` for a role that writes no texts for others."""
    if member.role not in ANNOUNCERS:
        raise Forbidden("Managers and admins do this: ask one of them.", code="not_your_role")


def values_for(configuration: Configuration, brand: Brand, partner: Partner, name: str) -> Mapping[str, str]:
    """What stands for the placeholders of a text in the portal; `name` is the reader's."""
    return {
        "name": name,
        "partner": partner.name,
        "brand": brand.name,
        "portal": f"https://{brand.domain}",
        "manager": Names(configuration).of(partner.manager or "") or brand.name,
    }


def _checked(text: MailText) -> MailText:
    return check_fits(check_filled(check_text(text)))
