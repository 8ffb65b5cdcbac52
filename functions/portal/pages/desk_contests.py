"""`/desk/contests`: which contests there are, and what each waits for. `…/{contest}`: one of them: approving it, ending
it later or sooner, cancelling it. Designing is in `desk_contest_design`, what comes of it in `desk_contest_result`.

Every member of staff may look; who drafts, approves and decides, and who does not, is settled in the services.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import words
from advice import Advice, advised, typed
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Role
from introducer.domain.contest import PLANNERS, Contest, ContestStatus
from introducer.domain.contest_rules import local_start, zone
from introducer.domain.errors import Invalid
from introducer.services.approve_contest import approve_contest
from introducer.services.cancel_contest import cancel_contest
from introducer.services.change_contest import close_early, extend_contest
from introducer.services.contest_steps import contest_of_brand
from introducer.services.read_contest_desk import read_contest_desk, read_contests_desk
from introducer.sources.contest_settings import settings_of
from introducer.wording.contests import rules

PATH = "/desk/contests"
ONE = PATH + "/{contest}"
AUDITORS = frozenset({Role.COMPLIANCE, Role.ADMIN})
"""Who reads the audit trail."""

Version = Annotated[int, Field(ge=0, le=9_999_999)]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Day = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)]

words.WORDS |= {
    "contest_status": {
        "draft": N_("Draft"),
        "planned": N_("Planned"),
        "running": N_("Running"),
        "counting": N_("Being counted"),
        "provisional": N_("Provisional result"),
        "paying": N_("Being paid"),
        "done": N_("Over"),
        "cancelled": N_("Cancelled"),
    },
    "metric": {
        "ftd": N_("First deposits"),
        "qftd": N_("Qualified clients"),
        "net_revenue": N_("Net revenue"),
        "lots": N_("Lots"),
        "deposits": N_("Deposits"),
    },
    "contest_action": {
        "draft_contest": N_("Drafted"),
        "change_contest": N_("Changed"),
        "approve_contest": N_("Approved"),
        "extend_contest": N_("Made longer"),
        "close_contest_early": N_("Ended early"),
        "cancel_contest": N_("Cancelled"),
        "next_contest": N_("Made, as the next of its series"),
        "start_contest": N_("Started"),
        "enter_partners": N_("Entered partners"),
        "leave_at_start": N_("Took out who may not take part any more"),
        "settle_divisions": N_("Measured sizes anew"),
        "freeze_contest": N_("Frozen, to be counted"),
        "publish_result": N_("Published the provisional result"),
        "set_aside": N_("Set a participant aside"),
        "take_back_aside": N_("Took a set-aside back"),
        "decide_objection": N_("Answered an objection"),
        "finish_result": N_("Made the result final"),
        "pay_prize": N_("Paid a prize"),
        "send_gift": N_("Noted what became of a gift"),
        "archive_contest": N_("Archived the result"),
    },
    "contest_actor": {"system:contest_close": N_("The clock")},
}


class Approval(BaseModel):
    """The contest is approved as it was read."""

    model_config = ConfigDict(extra="forbid")

    version: Version


class End(BaseModel):
    """When it ends instead: after `last_day`, which is one of the contest's time zone, or (`when=now`) in a minute."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    when: Literal["day", "now"] = "day"
    last_day: Day = ""
    why: Why


class Reason(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")

    why: Why


SAY_WHY = N_("Say why, in 3 to 500 characters: it stays on record.")
AGAIN = N_("This was changed meanwhile: look at it again below.")
_ADVICE: Advice = {
    "reason_needed": ("why", SAY_WHY),
    "contest_changed": ("", N_("The contest was changed since you looked at it: look at it again below.")),
    "same_person": ("", N_("You drafted this contest: another person of finance, or an admin, approves it.")),
    "start_too_soon": (
        "",
        N_("It would start within ten minutes, or has to have started: give it a later start first."),
    ),
    "start_too_far": ("", N_("It starts too far in the future to be approved now: approve it later.")),
    "not_a_draft": ("", N_("This was decided meanwhile: look at it again below.")),
    "end_too_soon": ("last_day", N_("Choose a day that is not over, or end it in a minute.")),
    "ends_before_start": ("last_day", N_("It would end before it starts: choose a later day.")),
    "window_too_long": ("last_day", N_("A contest lasts 180 days at most: choose an earlier day.")),
    "invalid_day": ("last_day", N_("Choose a day.")),
    "contest_frozen": ("", N_("This contest is counted: its window stands for good.")),
    "contest_over": ("", N_("This contest is over: nothing about it changes any more.")),
    "not_later": ("last_day", N_("It ends then already.")),
    "not_earlier": ("last_day", N_("It ends then already.")),
    "result_final": ("", N_("Its result is final, and prizes are due: it cannot be cancelled any more.")),
}


# ---------------------------------------------------------------------------------------------------------- all of them


@page(
    PATH,
    "desk_contests.html",
    who=Who.STAFF,
    columns=(
        ("contest", lambda row: row.contest),
        ("name", lambda row: row.name),
        ("number", lambda row: row.number),
        ("status", lambda row: row.status),
        ("starts_at", lambda row: row.starts_at),
        ("ends_at", lambda row: row.ends_at),
        ("time_zone", lambda row: row.time_zone),
        ("participants", lambda row: row.participants),
        ("most", lambda row: row.most),
        ("paid", lambda row: row.paid),
        ("currency", lambda row: row.currency),
        ("next", lambda row: row.next),
        ("next_at", lambda row: row.next_at),
        ("objections", lambda row: row.objections),
        ("gifts", lambda row: row.gifts),
    ),
)
def desk_contests(visit: Visit) -> dict[str, Any]:
    """The brand's contests, the one that starts last first, and what each waits for."""
    assert visit.member is not None
    subject = f"contests of {visit.member.brand}"
    found = read_contests_desk(
        visit.portal.contest_books,
        member=visit.member,
        now=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(25),
    )
    return {
        "plans": visit.member.role in PLANNERS,
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


# ------------------------------------------------------------------------------------------------------------------ one


@page(ONE, "desk_contest.html", who=Who.STAFF)
def desk_contest(visit: Visit, contest: str) -> dict[str, Any]:
    """One contest, its settings, its rules in words, and what it waits for."""
    assert visit.member is not None
    found = read_contest_desk(visit.portal.contest_books, member=visit.member, contest=contest, now=visit.now)
    settings = found.settings
    data = {field.name: getattr(found, field.name) for field in fields(found) if field.name not in ("row", "settings")}
    data |= {field.name: getattr(found.row, field.name) for field in fields(found.row)}
    return data | {
        "version": settings.version,
        "description": settings.description,
        "settings": settings_of(settings),
        "rules": rules(visit.language, settings),
        "gifts_promised": sum(each.gifts for each in found.divisions),
        "every": settings.series.every if settings.series else None,
        "counts_until": settings.counts_until,
        "frozen_at": settings.frozen_at,
        "objections_until": settings.objections_until,
        "finished_at": settings.finished_at,
        "drafted_at": settings.drafted_at,
        "approved_at": settings.approved_at,
        "why_over": settings.why_over,
        "archive": settings.archive,
        "places": places(settings),
        "plans": visit.member.role in PLANNERS,
        "audits": visit.member.role in AUDITORS,
    }


@page(ONE + "/approval", "desk_contest.html", method="POST", who=Who.STAFF, again=desk_contest, body=Approval)
def approve(visit: Visit, contest: str) -> Done:
    """Finance or an admin approves a contest, which commits the money; whoever drafted it may not."""
    assert visit.member is not None
    wish, portal = visit.read(Approval), visit.portal
    with advised(wish, _ADVICE):
        after = approve_contest(
            portal.contest_books,
            portal.start_contest,
            member=visit.member,
            contest=contest,
            version=wish.version,
            now=visit.now,
        )
    return Done(stands(after), f"{PATH}/{contest}?done=approved")


@page(ONE + "/end", "desk_contest.html", method="POST", who=Who.STAFF, again=desk_contest, body=End)
def move_end(visit: Visit, contest: str) -> Done:
    """Lets a contest end later, or sooner; after the start too."""
    assert visit.member is not None
    wish, portal = visit.read(End), visit.portal
    before = contest_of_brand(portal.contest_books, visit.member, contest)
    ends_at = _end(visit, wish, before)
    move = extend_contest if ends_at > before.ends_at else close_early
    with advised(wish, _ADVICE):
        after = move(
            portal.contest_books,
            portal.wake,
            member=visit.member,
            contest=contest,
            version=wish.version,
            ends_at=ends_at,
            why=wish.why,
            now=visit.now,
        )
    return Done(stands(after), f"{PATH}/{contest}?done=end")


@page(ONE + "/cancellation", "desk_contest.html", method="POST", who=Who.STAFF, again=desk_contest, body=Reason)
def cancel(visit: Visit, contest: str) -> Done:
    """Cancels a contest, for a reason on record; nothing is paid then."""
    assert visit.member is not None
    wish, portal = visit.read(Reason), visit.portal
    with advised(wish, _ADVICE):
        after = cancel_contest(
            portal.contest_books, portal.wake, member=visit.member, contest=contest, why=wish.why, now=visit.now
        )
    return Done(stands(after), f"{PATH}/{contest}?done=cancelled")


def places(contest: Contest) -> list[str]:
    """Which parts of a contest have something to look at."""
    counted = [each for each in ContestStatus if each.is_frozen and each is not ContestStatus.COUNTING]
    found = ["contest"] if contest.status is ContestStatus.DRAFT else ["contest", "participants"]
    if contest.edition and contest.status in counted:
        found.append("result")
    return [*found, "awards"] if contest.status in (ContestStatus.PAYING, ContestStatus.DONE) else found


def stands(contest: Contest) -> dict[str, Any]:
    """What a program is told of a step."""
    return {
        "contest": contest.contest,
        "status": contest.status,
        "version": contest.version,
        "starts_at": contest.starts_at,
        "ends_at": contest.ends_at,
    }


def _end(visit: Visit, wish: End, contest: Contest) -> datetime:
    """The moment at which it is to end. Raises `FormRefused`."""
    if wish.when == "now":
        # Whole minutes read well in a mail, and a minute is the soonest.
        return visit.now.replace(second=0, microsecond=0) + timedelta(minutes=2)
    try:
        day = date.fromisoformat(wish.last_day)
        return local_start(day + timedelta(days=1), zone(contest.time_zone))
    except (ValueError, OverflowError) as error:
        cause = Invalid("last_day is a day, such as 2026-11-30.", code="invalid_day")
        raise FormRefused({"last_day": _ADVICE["invalid_day"][1]}, typed(wish), cause) from error
