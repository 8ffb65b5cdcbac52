"""What the steps of a contest's close have in common: whose contest it is, how it is recorded, how it is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from introducer.domain.configuration import Change, Member, Status, status_at
from introducer.domain.contest import MACHINE, Contest, Entry
from introducer.domain.contest_closing import Cause, SetAside, edition_of, standings, together
from introducer.domain.contest_prizes import Conclusion, concluded
from introducer.domain.contest_score import Counted
from introducer.domain.errors import Conflict, NotFound
from introducer.services.contest_books import TRIES, ContestBooks, Wake, changed_meanwhile
from introducer.store.audit import audit_record

ORIGIN = "contest_close"


class Ranked(NamedTuple):
    """A ranking, and the edition under which it is kept."""

    edition: str
    conclusion: Conclusion


def contest_of_brand(books: ContestBooks, member: Member, contest: str) -> Contest:
    """The contest, if it is one of the member's own brand. Raises `NotFound`: another brand's is none."""
    found = books.contests.contest(contest)
    if found.brand != member.brand:
        raise NotFound("There is no such contest.")
    return found


def by_clock(now: datetime, why: str) -> Change:
    """Who does what the clock has come to."""
    return Change(by=MACHINE, at=now, why=why, origin=ORIGIN)


def recorded(
    books: ContestBooks,
    contest: Contest,
    change: Change,
    action: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> dict[str, Any]:
    """The part of a transaction that records something about a contest that is not in the contest itself."""
    return books.results.audit_put(
        audit_record(contest.contest, action, change, before, after, brand=contest.brand)
    )  # fmt: skip


def woken(wake: Wake, contest: Contest, why: str) -> None:
    """Wakes the execution that waits, if one does: it looks at the contest again."""
    if contest.token:
        wake(contest.token, {"decision": why})


def keep_token(books: ContestBooks, contest: str, token: str) -> Contest:
    """Keeps by what the waiting execution is woken. Raises `NotFound`, `Conflict`, `Unavailable`."""
    for _ in range(TRIES):
        found = books.contests.contest(contest)
        if found.status.is_over or found.token == token:
            return found
        written = books.contests.move(found, replace(found, token=token), None)
        if written is not None:
            return written
    raise changed_meanwhile(found)


def participants(books: ContestBooks, contest: str) -> list[Entry]:
    """Who takes part."""
    return [entry for entry in books.contests.entries(contest) if entry.takes_part]


def counted(books: ContestBooks, contest: str) -> dict[str, Counted]:
    """What each partner scored, by the recount. Raises `Conflict` (`recount_incomplete`) before all batches are
    counted."""
    planned = {each.batch for each in books.results.batches(contest)}
    recounts = list(books.results.recounts(contest))
    if not planned or planned != {each.batch for each in recounts}:
        raise Conflict("Not all partners are counted yet: count the rest first.", code="recount_incomplete")
    return together(recounts)


def rank(
    contest: Contest, entries: Iterable[Entry], scored: Mapping[str, Counted], asides: Iterable[SetAside]
) -> Ranked:
    """The ranking of these participants."""
    standing = standings(entries, scored, asides)
    return Ranked(edition_of(contest, standing), concluded(contest, standing))


def causes(books: ContestBooks, contest: Contest, entries: Iterable[Entry], now: datetime) -> dict[str, Cause]:
    """What stands against participants now: the first of blocked, suspended, an open case, a hold. A standing that is
    decided for a moment to come is not there yet."""
    partners = {entry.partner for entry in entries}
    if not partners:
        return {}
    found: dict[str, Cause] = {
        partner: Cause.HOLD for partner, balance in books.ledger.balances(sorted(partners)).items() if balance.holds
    }
    found |= {case.partner: Cause.OPEN_CASE for case in books.cases.all_open(contest.brand) if case.partner in partners}
    for card in books.configuration.every_card(contest.brand):
        if card.partner not in partners:
            continue
        status = card.status
        if card.status_since is not None and card.status_since > now:
            status = status_at(now, books.configuration.standings(card.partner))
        if status is not Status.ACTIVE:
            found[card.partner] = Cause(status.value)
    return found
