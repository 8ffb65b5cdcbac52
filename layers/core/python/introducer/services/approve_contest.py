"""A second person approves a contest, and with it what its prizes cost. From then on it runs by the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_rules import check, check_approver, check_start
from introducer.domain.contest_waits import execution_input, execution_name
from introducer.domain.errors import Conflict
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import ContestBooks, Start, changed_meanwhile
from introducer.services.contest_steps import contest_of_brand
from introducer.services.draft_contest import check_currency, check_named
from introducer.services.people import by_member


def approve_contest(
    books: ContestBooks, start: Start, *, member: Member, contest: str, version: int, now: datetime
) -> Contest:
    """The contest, planned: the engine knows its window, and its execution waits for the start. `version` is the one
    that was read: it names what is approved.

    The same member's approval again sees that the execution runs: where it could not be started, the contest stands
    approved, and `Unavailable` or `TooMany` asks for that. Raises `NotFound`, `Forbidden` (`contest_role`;
    `same_person` for whoever drafted it), `Conflict` (`not_a_draft`, `contest_changed`), `Invalid` for settings that
    cannot be any more (`start_too_soon` above all), `Unavailable`.
    """
    at = in_full_ms(now)
    found = contest_of_brand(books, member, contest)
    check_approver(found, member)
    if found.status is not ContestStatus.DRAFT:
        if found.approved_by == member.member and found.version >= version and not found.status.is_over:
            run(start, found)
            return found
        raise Conflict("This contest is no draft: look at it again.", code="not_a_draft")
    if found.version != version:
        raise changed_meanwhile(found)
    check(found)
    check_start(found, at)
    check_named(books.configuration, found.brand, found.conditions)
    check_currency(books, found)
    planned = replace(found, status=ContestStatus.PLANNED, approved_by=member.member, approved_at=at)
    change = by_member(member, at, found.name)
    written = books.contests.move(found, planned, change, "approve_contest", window=True)
    if written is None:
        raise changed_meanwhile(found)
    run(start, written)
    return written


def run(start: Start, contest: Contest) -> str:
    """Sees that the contest's execution runs, and says its name. Again starts no second one. Raises `Unavailable`,
    `TooMany`, `Conflict`."""
    return start(execution_name(contest), execution_input(contest))
