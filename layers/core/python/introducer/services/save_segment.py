"""A choice among the partners is kept, changed, shared with colleagues, or deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.broadcast import check_writer
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.events import in_full_ms, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.segment import Segment, check_name
from introducer.services.people import by_member
from introducer.services.read_segments import segment_for
from introducer.store.segments import PREFIX, SavedSegment, Segments

MOST = 200
"""Segments of a brand: they are read in one go."""


def save_segment(
    segments: Segments,
    *,
    member: Member,
    name: str,
    shared: bool,
    chosen: Segment,
    now: datetime,
    request: str = "",
) -> SavedSegment:
    """A new one, the member's own. The same `request` again gives the same.

    Raises `Forbidden` (`broadcast_role`), `Invalid` (`name_length`), `Conflict` (`too_many_segments`), `Unavailable`.
    """
    check_writer(member)
    name, at = check_name(name), in_full_ms(now)
    there = segments.of_brand(member.brand)
    made = SavedSegment(
        segment=derived_id(PREFIX, member.brand, member.member, request or milliseconds(at)),
        brand=member.brand,
        name=name,
        owner=member.member,
        shared=shared,
        chosen=chosen,
        changed_at=at,
        changed_by=member.member,
    )
    for saved in there:
        if saved.segment == made.segment:
            return saved
    if len(there) >= MOST:
        raise Conflict(f"There are {MOST} segments: delete one that nobody needs.", code="too_many_segments")
    return segments.save(None, made, by_member(member, at, name))


def change_segment(
    segments: Segments,
    *,
    member: Member,
    segment: str,
    version: int,
    name: str,
    shared: bool,
    chosen: Segment,
    now: datetime,
) -> SavedSegment:
    """What was read as `version`, with changes: by its owner, or an admin where it is shared.

    Raises `NotFound`, `Forbidden` (`broadcast_role`, `not_owner`), `Invalid`, `Conflict` (`segment_changed`).
    """
    before = _own(segments, member, segment, version)
    at = in_full_ms(now)
    after = replace(
        before, name=check_name(name), shared=shared, chosen=chosen, changed_at=at, changed_by=member.member
    )
    return segments.save(before, after, by_member(member, at, after.name))


def delete_segment(segments: Segments, *, member: Member, segment: str, version: int, now: datetime) -> None:
    """Deletes what was read as `version`. Broadcasts have conditions of their own, and stay as they are. Raises as
    `change_segment`."""
    before = _own(segments, member, segment, version)
    segments.delete(before, by_member(member, in_full_ms(now), before.name))


def _own(segments: Segments, member: Member, segment: str, version: int) -> SavedSegment:
    check_writer(member)
    saved = segment_for(segments, member=member, segment=segment)
    if saved.owner != member.member and member.role is not Role.ADMIN:
        raise Forbidden("A colleague saved this: save one of your own, or ask an admin.", code="not_owner")
    if saved.version != version:
        raise Conflict("This segment was changed meanwhile: look at it again.", code="segment_changed")
    return saved
