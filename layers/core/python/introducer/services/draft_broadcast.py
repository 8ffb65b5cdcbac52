"""A broadcast is written: its text by language, to whom, when, and where its button leads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from introducer.domain.announcement import check_filled
from introducer.domain.broadcast import (
    Broadcast,
    Channel,
    changed,
    check_moment,
    check_path,
    check_writer,
    new_broadcast_id,
)
from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import in_full_ms
from introducer.domain.mail_text import MailText, check_text
from introducer.domain.segment import Segment, check_name
from introducer.services.broadcast_books import BroadcastBooks, broadcast_of_brand
from introducer.services.people import by_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wrote."""

    name: str
    text: MailText
    segment: Segment
    path: str = "/"
    channel: Channel = Channel.MAIL
    send_at: datetime | None = None


def draft_broadcast(
    books: BroadcastBooks, *, member: Member, draft: Draft, now: datetime, request: str = ""
) -> Broadcast:
    """A new draft. The same `request` again gives the same; for another text it is refused.

    Raises `Forbidden` (`broadcast_role`), `Invalid` (of `check_text`, `check_filled` where the portal shows it,
    `check_name`, `check_path`, `check_moment`), `Conflict` (`idempotency_key_reused`), `Unavailable`.
    """
    check_writer(member)
    at = in_full_ms(now)
    sound = _checked(draft, at)
    broadcast = Broadcast(
        broadcast=new_broadcast_id(member.brand, member.member, at, request),
        brand=member.brand,
        **sound,
        created=at,
        writers=(member.member,),
    )
    try:
        found = books.broadcasts.broadcast(broadcast.broadcast)
        # One that was changed since says nothing of what was asked for first.
        if found.version == 0 and replace(found, created=at) != broadcast:
            raise Conflict("This request wrote another broadcast before: use a new key.", code="idempotency_key_reused")
        return found
    except NotFound:
        return books.broadcasts.move(None, broadcast, by_member(member, at, sound["name"]), "draft_broadcast")


def change_broadcast(
    books: BroadcastBooks, *, member: Member, broadcast: str, version: int, draft: Draft, now: datetime
) -> Broadcast:
    """The draft that was read as `version`, with other words, partners or moment.

    Raises as `draft_broadcast`, `NotFound`, and `Conflict` (`not_a_draft`, `broadcast_changed`).
    """
    before = broadcast_of_brand(books, member, broadcast)
    at = in_full_ms(now)
    if before.version != version:
        raise changed_meanwhile()
    sound = _checked(draft, at)
    after = changed(before, member, **sound)
    return books.broadcasts.move(before, after, by_member(member, at, sound["name"]), "change_broadcast")


def changed_meanwhile() -> Conflict:
    """What to raise when it is not what was read."""
    return Conflict("This broadcast was changed meanwhile: look at it again.", code="broadcast_changed")


def _checked(draft: Draft, now: datetime) -> dict[str, Any]:
    """What the broadcast is to say, by the names that its fields have."""
    check_moment(draft.send_at, now)
    return {
        "name": check_name(draft.name),
        "text": check_filled(check_text(draft.text)) if draft.channel.in_portal else check_text(draft.text),
        "segment": draft.segment,
        "path": check_path(draft.path),
        "channel": draft.channel,
        "send_at": in_full_ms(draft.send_at) if draft.send_at else None,
    }
