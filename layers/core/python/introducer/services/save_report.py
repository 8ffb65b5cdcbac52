"""What a report asks is kept under a name: saved, renamed, shared with colleagues, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.events import in_full_ms, milliseconds
from introducer.domain.ids import derived_id
from introducer.services.people import by_member
from introducer.store.paging import Page
from introducer.store.saved_reports import PREFIX, SavedReport, SavedReports, place_of

MOST = 50
"""Reports that one member keeps."""
LONGEST_NAME = 80
KEPT, DELETED = "kept in the portal", "deleted in the portal"


def read_saved_reports(
    reports: SavedReports, *, member: Member, after: str | None = None, limit: int = MOST
) -> Page[SavedReport]:
    """A page of what the member may see, by name: the own ones, and of the staff's those that colleagues share. All of
    a partner, or of the staff, are read for it: each member keeps so many at most. Raises `Unavailable`."""
    seen = [saved for saved in reports.all_of(member.brand, member.partner or "") if _sees(saved, member)]
    rest = [saved for saved in seen if after is None or place_of(saved) > _opened(after)]
    page = rest[:limit]
    return Page(tuple(page), _closed(place_of(page[-1])) if len(rest) > limit else None)


def saved_report_for(reports: SavedReports, *, member: Member, report: str) -> SavedReport:
    """One of them. Raises `NotFound`, for another's own too."""
    saved = reports.report(member.brand, member.partner or "", report)
    if not _sees(saved, member):
        raise NotFound("There is no such saved report.")
    return saved


def save_report(
    reports: SavedReports,
    *,
    member: Member,
    name: str,
    shared: bool,
    asked: Mapping[str, str],
    now: datetime,
    request: str = "",
) -> SavedReport:
    """A new one, the member's own. The same `request` again gives the same.

    Raises `Invalid` (`name_length`, `not_shared`), `Conflict` (`too_many_reports`), `Unavailable`.
    """
    name, at = check_name(name), in_full_ms(now)
    _check_sharing(member, shared)
    made = SavedReport(
        report=derived_id(PREFIX, member.brand, member.member, request or milliseconds(at)),
        brand=member.brand,
        partner=member.partner or "",
        name=name,
        owner=member.member,
        shared=shared,
        asked=dict(asked),
        changed_at=at,
    )
    there = [saved for saved in reports.all_of(member.brand, made.partner) if saved.owner == member.member]
    for saved in there:
        if saved.report == made.report:
            return saved
    if len(there) >= MOST:
        raise Conflict(f"You keep {MOST} reports: delete one that you no longer need.", code="too_many_reports")
    return reports.save(None, made, by_member(member, at, KEPT))


def change_report(
    reports: SavedReports, *, member: Member, report: str, version: int, name: str, shared: bool, now: datetime
) -> SavedReport:
    """What was read as `version`, under another name or shared otherwise: by its owner, or an admin where it is shared.

    Raises `NotFound`, `Forbidden` (`not_owner`), `Invalid`, `Conflict` (`report_changed`).
    """
    before = _own(reports, member, report, version)
    _check_sharing(member, shared)
    at = in_full_ms(now)
    after = replace(before, name=check_name(name), shared=shared, changed_at=at)
    return reports.save(before, after, by_member(member, at, KEPT))


def delete_report(reports: SavedReports, *, member: Member, report: str, version: int, now: datetime) -> None:
    """Deletes what was read as `version`. Raises as `change_report`."""
    before = _own(reports, member, report, version)
    reports.delete(before, by_member(member, in_full_ms(now), DELETED))


def may_change(saved: SavedReport, member: Member) -> bool:
    """Whether the member may rename or delete what it sees."""
    return saved.owner == member.member or (saved.shared and member.role is Role.ADMIN)


def check_name(name: str) -> str:
    """The name as it is kept. Raises `Invalid` (`name_length`)."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"Give it a name of 1 to {LONGEST_NAME} characters.", code="name_length", field="name")
    return name


def _check_sharing(member: Member, shared: bool) -> None:
    if shared and not member.role.is_staff:
        raise Invalid("Only the broker's staff share reports with colleagues.", code="not_shared", field="shared")


def _own(reports: SavedReports, member: Member, report: str, version: int) -> SavedReport:
    saved = saved_report_for(reports, member=member, report=report)
    if not may_change(saved, member):
        raise Forbidden("A colleague saved this: save one of your own, or ask an admin.", code="not_owner")
    if saved.version != version:
        raise Conflict("This report was changed meanwhile: look at it again.", code="report_changed")
    return saved


def _closed(place: tuple[str, str]) -> str:
    return " ".join(reversed(place))


def _opened(cursor: str) -> tuple[str, str]:
    report, _, name = cursor.partition(" ")
    return name, report


def _sees(saved: SavedReport, member: Member) -> bool:
    return saved.shared or saved.owner == member.member
