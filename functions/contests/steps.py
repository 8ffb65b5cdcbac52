"""The steps of `contest_close`, by the names that the state machine calls them: each is one call of a service.

What a step keeps as `told` is what people read in AWS's console: how far the contest is, by which times, how many take
part, rank and win. Who they are and what they scored stands on the contest's page alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_mail import objections_wait_mail
from introducer.domain.contest_waits import (
    Stage,
    next_moment,
    objections_end,
    reminder,
    stage,
    until_next,
    until_next_look,
    waits,
)
from introducer.domain.errors import Conflict, Invalid
from introducer.gateways.contest_archive import ContestArchive
from introducer.services import announce_contest as announcing
from introducer.services import archive_contest as archiving
from introducer.services import finish_result as finishing
from introducer.services import freeze_contest as freezing
from introducer.services import object_to_result as objecting
from introducer.services import pay_prizes as paying
from introducer.services import publish_result as publishing
from introducer.services import recount_contest as recounting
from introducer.services import start_contest as starting
from introducer.services import tell_participants as telling
from introducer.services.contest_books import ContestBooks, Start, Wake

PATIENCE = timedelta(days=30)
"""How long the engine, or a prize that cannot be paid, is waited for before a person should look why."""

Given = Mapping[str, Any]
Kept = dict[str, Any]


class Tools(NamedTuple):
    """What steps work with."""

    books: ContestBooks
    now: datetime
    start: Start
    wake: Wake
    archive: Callable[[], ContestArchive]
    pause: Callable[[int], None]
    token: str
    """What the waiting execution is woken by; empty in every step but those that wait."""


def look(tools: Tools, given: Given) -> Kept:
    """How far the contest is. Of this execution: `times` is when the contest ran at its last look (`moved`: people who
    take part are to be told that it runs at another time), `reminded` its last reminder."""
    found, waiting = _found(tools, given)
    approved_at, times = given.get("approved_at", ""), _times(found)
    how_far = stage(found, tools.now, waiting=waiting, approved_at=approved_at)
    remind = how_far is Stage.OBJECTIONS and reminder(found, waiting, tools.now) > given.get("reminded", 0)
    return {
        "told": _told(found, waiting),
        "stage": "remind" if remind else how_far.value,
        "wait": until_next(found, tools.now, waiting=waiting),
        "until": _until(found, waiting, tools.now),
        "moved": how_far in (Stage.BEFORE, Stage.RUNNING) and given.get("times", times) != times,
        "times": times,
        # From here on others have their time, whenever this is started again.
        "since": tools.now.isoformat(),
        "approved_at": approved_at,
    }


def tell_moved(tools: Tools, given: Given) -> Kept:
    told = telling.tell_moved(tools.books, contest=given["contest"], now=tools.now)
    return {"told": _told(tools.books.contests.contest(given["contest"])) | {"mails": told}}


def tell_cancelled(tools: Tools, given: Given) -> Kept:
    told = telling.tell_cancelled(tools.books, contest=given["contest"], now=tools.now)
    return {"told": _told(tools.books.contests.contest(given["contest"])) | {"mails": told}}


def wait_for_start(tools: Tools, given: Given) -> Kept:
    """Its answer goes to whoever waits with the token; this one nobody reads."""
    return _waits(tools, given, freezing.wait_for_end)


def wait_for_end(tools: Tools, given: Given) -> Kept:
    """Likewise."""
    return _waits(tools, given, freezing.wait_for_end)


def wait_for_objections(tools: Tools, given: Given) -> Kept:
    """Likewise."""
    return _waits(tools, given, objecting.wait_for_objections)


def start_contest(tools: Tools, given: Given) -> Kept:
    """One page of partners: `cursor` says where the next one begins, and is empty after the last."""
    started = starting.start_contest(
        tools.books, tools.start, contest=given["contest"], cursor=given["cursor"] or None, now=tools.now
    )
    return {"told": _told(_going_on(started.contest)), "cursor": started.cursor or ""}


def freeze_contest(tools: Tools, given: Given) -> Kept:
    frozen = freezing.freeze_contest(tools.books, contest=given["contest"], now=tools.now)
    # From here on the engine has its time, whenever this is started again.
    return {"told": _told(_going_on(frozen)), "since": tools.now.isoformat()}


def look_at_engine(tools: Tools, given: Given) -> Kept:
    since = datetime.fromisoformat(given["since"])
    done = freezing.engine_is_done(tools.books, contest=given["contest"], now=tools.now)
    if not done and tools.now >= since + PATIENCE:
        raise Conflict(
            f"The engine has not applied in {PATIENCE.days} days what was accepted before the count: see in the "
            "brand's quarantine what is in its way, put that right, and start the contest again.",
            code="engine_stands",
        )
    told = {"contest": given["contest"], "applied": done, "waits_since": given["since"]}
    return {"told": told, "done": done, "wait": until_next_look(since, tools.now)}


def divide(tools: Tools, given: Given) -> Kept:
    batches = recounting.recount_batches(tools.books, contest=given["contest"])
    return {"told": {"contest": given["contest"], "batches": len(batches)}, "batches": batches}


def count_batch(tools: Tools, given: Given) -> Kept:
    try:
        clients = recounting.recount_batch(tools.books, contest=given["contest"], batch=given["batch"])
    except Conflict:
        if tools.books.contests.contest(given["contest"]).status is not ContestStatus.CANCELLED:
            raise
        # Whoever comes after the batches sees it too.
        clients = 0
    return {"clients": clients}


def publish_result(tools: Tools, given: Given) -> Kept:
    return {"told": _told(publishing.publish_result(tools.books, contest=given["contest"], now=tools.now))}


def remind(tools: Tools, given: Given) -> Kept:
    found, waiting = _found(tools, given)
    number, latest = reminder(found, waiting, tools.now), objections_end(found, waiting)
    if number and latest is not None:
        tools.books.mails.put(
            objections_wait_mail(found, tools.now, waiting=waiting, reminder=number, decide_by=latest)
        )
    return {"told": _told(found, waiting) | {"reminder": number}, "reminded": number}


def finish_result(tools: Tools, given: Given) -> Kept:
    final = finishing.finish_result(tools.books, contest=given["contest"], now=tools.now)
    return {"told": _told(_going_on(final)), "since": tools.now.isoformat()}


def pay_prizes(tools: Tools, given: Given) -> Kept:
    found = tools.books.contests.contest(given["contest"])
    paid = paying.pay_prizes(tools.books, contest=given["contest"], now=tools.now, pause=tools.pause)
    since = datetime.fromisoformat(given["since"])
    if paid.left and tools.now >= since + PATIENCE:
        raise Conflict(
            f"{paid.left} prizes could not be paid in {PATIENCE.days} days: see on the contest's page which, and start "
            "the contest again.",
            code="prizes_wait",
        )
    told = _told(found) | {"paid_now": paid.paid, "left": paid.left}
    return {"told": told, "left": paid.left, "wait": 1 if paid.paid else until_next_look(since, tools.now)}


def announce_contest(tools: Tools, given: Given) -> Kept:
    return {"told": _told(announcing.announce_contest(tools.books, contest=given["contest"], now=tools.now))}


def archive_contest(tools: Tools, given: Given) -> Kept:
    archived = archiving.archive_contest(tools.books, tools.archive(), contest=given["contest"], now=tools.now)
    return {"told": _told(archived) | {"sha256": archived.archive}}


STEPS: Mapping[str, Callable[[Tools, Given], Kept]] = {
    "look": look,
    "tell_moved": tell_moved,
    "tell_cancelled": tell_cancelled,
    "wait_for_start": wait_for_start,
    "wait_for_end": wait_for_end,
    "wait_for_objections": wait_for_objections,
    "start_contest": start_contest,
    "freeze_contest": freeze_contest,
    "look_at_engine": look_at_engine,
    "divide": divide,
    "count_batch": count_batch,
    "publish_result": publish_result,
    "remind": remind,
    "finish_result": finish_result,
    "pay_prizes": pay_prizes,
    "announce_contest": announce_contest,
    "archive_contest": archive_contest,
}


def _going_on(contest: Contest) -> Contest:
    """A contest that a step has taken further. Raises `Conflict` for one that was called off meanwhile."""
    if contest.status is ContestStatus.CANCELLED:
        raise Conflict("The contest was cancelled meanwhile.", code="contest_cancelled")
    return contest


def _waits(tools: Tools, given: Given, wait: Callable[..., Contest]) -> Kept:
    """Keeps the token. What changed since the execution looked woke nobody, for it waited with no token yet: then it
    is woken here."""
    found = wait(tools.books, contest=given["contest"], token=tools.token, now=tools.now)
    waiting = _waiting(tools, found)
    if _until(found, waiting, tools.now) != given["until"]:
        tools.wake(tools.token, {"decision": "changed meanwhile"})
    return {"status": found.status.value}


def _found(tools: Tools, given: Given) -> tuple[Contest, int]:
    """The contest, and how many objections nobody answered. Raises `Invalid`, `NotFound`."""
    contest = given.get("contest")
    if not isinstance(contest, str) or not contest:
        raise Invalid(
            "contest must be a text: start it with brand, contest, name and approved_at, as an approval does.",
            code="bad_input",
        )
    found = tools.books.contests.contest(contest)
    return found, _waiting(tools, found)


def _waiting(tools: Tools, contest: Contest) -> int:
    if contest.status is not ContestStatus.PROVISIONAL:
        return 0
    return objecting.objections_open(tools.books, contest=contest.contest)


def _times(contest: Contest) -> str:
    return f"{contest.starts_at.isoformat()} to {contest.ends_at.isoformat()}"


def _until(contest: Contest, waiting: int, now: datetime) -> str:
    """What is waited for: another text when it is something else, or at another moment."""
    if not waits(contest):
        return contest.status.value
    return f"{contest.status.value} until {next_moment(contest, now, waiting=waiting).isoformat()}"


def _told(contest: Contest, objections: int = 0) -> Kept:
    """A contest as people read it in the console."""
    told: Kept = {
        "contest": contest.contest,
        "name": contest.name,
        "status": contest.status.value,
        "starts_at": contest.starts_at.isoformat(),
        "ends_at": contest.ends_at.isoformat(),
        "counts_until": contest.counts_until.isoformat(),
        "page": f"/desk/contests/{contest.contest}",
    }
    if contest.frozen_at is not None:
        told["frozen_at"] = contest.frozen_at.isoformat()
    if contest.objections_until is not None:
        told["objections_until"] = contest.objections_until.isoformat()
    if objections:
        told["open_objections"] = objections
    if contest.series is not None:
        told["number_of_series"] = contest.series.number
    return told
