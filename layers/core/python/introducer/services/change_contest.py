"""Staff change a contest: its settings before the start, and its end until it is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_rules import changes as changed
from introducer.domain.contest_rules import check_change, check_extension, check_planner, needs_approval
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import ContestBooks, Wake, changed_meanwhile
from introducer.services.contest_steps import contest_of_brand, woken
from introducer.services.decisions import reason
from introducer.services.draft_contest import check_currency, check_named
from introducer.services.people import by_member


def change_contest(
    books: ContestBooks,
    wake: Wake,
    *,
    member: Member,
    contest: str,
    version: int,
    changes: Contest,
    why: str,
    now: datetime,
) -> Contest:
    """The contest with these settings: all of them, those that stay among them. `version` is the one that was looked
    at; the same settings as it has change nothing, whichever was.

    What was approved and now costs something else, or is for others, is a draft again, and whoever changed that is who
    drafted it: another person approves it. Of a contest that has started only its end, its description, whether anybody
    may see it and how many are shown can change.

    Raises `NotFound`, `Forbidden` (`contest_role`), `Invalid` (`reason_needed`; settings that cannot be), `Conflict`
    (`contest_changed`; or with the code of what may not change any more, see `contest_rules.check_change`),
    `Unavailable`.
    """
    check_planner(member.role)
    at = in_full_ms(now)
    before = contest_of_brand(books, member, contest)
    # A series stays the same one: its id and number are nobody's to choose.
    series = changes.series
    if series is not None:
        own = (before.contest, 1) if before.series is None else (before.series.series, before.series.number)
        series = replace(series, series=own[0], number=own[1])
    wanted = replace(changes, series=series)
    settings = {name: getattr(wanted, name) for name in changed(before, wanted)}
    if not settings:
        # Perhaps the request comes again because its execution could not be woken.
        woken(wake, before, "changed")
        return before
    if before.version != version:
        raise changed_meanwhile(before)
    word = reason(why)
    after = replace(before, **settings)
    check_change(before, after, at)
    if "conditions" in settings:
        check_named(books.configuration, before.brand, after.conditions)
    if "currency" in settings:
        check_currency(books, after)
    known = before.status is not ContestStatus.DRAFT
    if needs_approval(before, after):
        after = replace(
            after,
            status=ContestStatus.DRAFT,
            approved_by=None,
            approved_at=None,
            drafted_by=member.member,
            drafted_at=at,
        )
    written = books.contests.move(before, after, by_member(member, at, word), "change_contest", window=known)
    if written is None:
        raise changed_meanwhile(before)
    woken(wake, written, "changed")
    return written


def extend_contest(
    books: ContestBooks,
    wake: Wake,
    *,
    member: Member,
    contest: str,
    version: int,
    ends_at: datetime,
    why: str,
    now: datetime,
) -> Contest:
    """The contest ends later. Until it is counted it can: what scored after the old end counts then.

    Raises `NotFound`, `Forbidden` (`contest_role`), `Invalid` (`not_later`, `window_too_long`, `reason_needed`),
    `Conflict` (`contest_changed`, `contest_frozen`, `contest_over`; `not_planned` for a draft), `Unavailable`.
    """
    return _end(books, wake, member, contest, version, ends_at, why, now, later=True)


def close_early(
    books: ContestBooks,
    wake: Wake,
    *,
    member: Member,
    contest: str,
    version: int,
    ends_at: datetime,
    why: str,
    now: datetime,
) -> Contest:
    """The contest ends earlier, a minute from now at the soonest; participants are told why. Raises as `extend_contest`
    does, and `Invalid` (`not_earlier`, `end_too_soon`, `ends_before_start`)."""
    return _end(books, wake, member, contest, version, ends_at, why, now, later=False)


def _end(
    books: ContestBooks,
    wake: Wake,
    member: Member,
    contest: str,
    version: int,
    ends_at: datetime,
    why: str,
    now: datetime,
    *,
    later: bool,
) -> Contest:
    check_planner(member.role)
    at, ends_at = in_full_ms(now), in_full_ms(ends_at)
    before = contest_of_brand(books, member, contest)
    if before.status is ContestStatus.DRAFT:
        raise Conflict("This contest is not planned yet: change the draft.", code="not_planned")
    word = reason(why)
    if before.version != version:
        if before.ends_at == ends_at:
            # A request that came again, perhaps because its execution could not be woken.
            woken(wake, before, "extend_contest" if later else "close_contest_early")
            return before
        raise changed_meanwhile(before)
    check_extension(before, ends_at, at)
    if later and ends_at <= before.ends_at:
        raise Invalid("It ends then or later already: choose a later end.", code="not_later", field="ends")
    if not later and ends_at >= before.ends_at:
        raise Invalid("It ends then or earlier already: choose an earlier end.", code="not_earlier", field="ends")
    after = replace(before, ends_at=ends_at, why_over="" if later else word)
    action = "extend_contest" if later else "close_contest_early"
    written = books.contests.move(before, after, by_member(member, at, word), action, window=True)
    if written is None:
        raise changed_meanwhile(before)
    woken(wake, written, action)
    return written
