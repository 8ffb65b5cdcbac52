"""Which segments may a member of staff use: their own, and those that colleagues share."""

from __future__ import annotations

from introducer.domain.configuration import Member
from introducer.domain.errors import NotFound
from introducer.store.segments import SavedSegment, Segments


def read_segments(segments: Segments, *, member: Member) -> list[SavedSegment]:
    """All that the member may see, by name. Raises `Unavailable`."""
    return [saved for saved in segments.of_brand(member.brand) if _sees(saved, member)]


def segment_for(segments: Segments, *, member: Member, segment: str) -> SavedSegment:
    """One of them. Raises `NotFound`, for another's own and another brand's too."""
    saved = segments.segment(member.brand, segment)
    if not _sees(saved, member):
        raise NotFound("There is no such segment.")
    return saved


def _sees(saved: SavedSegment, member: Member) -> bool:
    return saved.shared or saved.owner == member.member
