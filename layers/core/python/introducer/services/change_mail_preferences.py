"""A member says what they want by mail, and when: on their page, or by the link in a mail, without signing in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import available_timezones

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.mail_preferences import MailPreferences, check_hours, switched
from introducer.domain.mail_topics import Topic
from introducer.domain.unsubscribing import key_of, read_token
from introducer.store.configuration import Configuration
from introducer.store.mail_preferences import MemberMails

TRIES = 3
"""How often the link tries again whose change met another one."""


class Wish(NamedTuple):
    """What a link says: who, and about what."""

    member: Member
    topic: Topic


def change_mail_preferences(
    store: MemberMails,
    member: Member,
    *,
    version: int,
    off: Iterable[Topic],
    time_zone: str,
    quiet_from: int,
    quiet_until: int,
    now: datetime,
    origin: str = "portal",
) -> MailPreferences:
    """The member's preferences as they are then; `version` is the one that was read, and a
    `time_zone` that is empty the brand's, whichever that is then.

    Raises `Conflict` (`preferences_changed`, `binding_topic`) and `Invalid` (`unknown_time_zone`, `quiet_hours`).
    """
    if time_zone and time_zone not in available_timezones():
        raise Invalid("There is no such time zone: write one such as Europe/Berlin.", code="unknown_time_zone")
    check_hours(quiet_from, quiet_until)
    before = store.preferences(member.member)
    if before.version != version:
        raise Conflict("This was changed meanwhile: look at it again.", code="preferences_changed")
    after = replace(switched(before, off), time_zone=time_zone, quiet_from=quiet_from, quiet_until=quiet_until)
    if replace(after, version=before.version) == before:
        return before
    why = "said what they want by mail"
    store.change(member.brand, before, after, Change(by=member.member, at=now, why=why, origin=origin))
    return after


def wish_of_link(configuration: Configuration, secret: bytes, text: str) -> Wish:
    """What a link says. Raises `NotFound` (`unknown_link`) for one that we did not write, or of somebody who is gone;
    the sentence does not say which."""
    said = read_token(key_of(secret), text)
    try:
        if said is not None and not said.topic.is_binding:
            return Wish(configuration.member(said.member), said.topic)
    except NotFound:
        pass
    raise NotFound("This link leads nowhere: sign in, and look at your settings.", code="unknown_link")


def switch_by_link(store: MemberMails, wish: Wish, *, off: bool, now: datetime) -> bool:
    """Switches one topic off, or on again; whether that changed anything. May be repeated. Raises `Conflict` where the
    member changes their settings again and again meanwhile."""
    why = f"{'unsubscribed from' if off else 'subscribed again to'} {wish.topic.value}, by the link in a mail"
    for last in (*[False] * (TRIES - 1), True):
        before = store.preferences(wish.member.member)
        topics = before.off | {wish.topic} if off else before.off - {wish.topic}
        if topics == before.off:
            return False
        change = Change(by=wish.member.member, at=now, why=why, origin="mail")
        try:
            store.change(wish.member.brand, before, switched(before, topics), change)
            return True
        except Conflict:
            if last:
                raise
    raise AssertionError("the last try returns or raises")
