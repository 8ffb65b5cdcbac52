"""A contest starts, when the clock has come to it: who takes part is settled page by page, the next contest of its
series is made, and then it runs. What scores is counted from the start in any case, whoever takes part by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from introducer.domain.configuration import PartnerCard
from introducer.domain.contest import Contest, ContestStatus, Entry
from introducer.domain.contest_mail import entered_mail
from introducer.domain.contest_rules import LEAST_AHEAD, default_name, next_of_series, rules_hash
from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.events import in_full_ms
from introducer.services.approve_contest import run
from introducer.services.contest_books import TRIES, ContestBooks, Start
from introducer.services.contest_steps import by_clock
from introducer.services.join_contest import card_of, division_at, why_not_in
from introducer.store.contests import ENTERED_AT_ONCE, Joining

PAGE = 100
"""Partners that are looked at in one step."""


@dataclass(frozen=True, slots=True)
class Started:
    """How far the start is."""

    contest: Contest
    cursor: str | None
    """Where the next page of partners begins; None once the contest runs, or is not to start."""


def start_contest(books: ContestBooks, start: Start, *, contest: str, cursor: str | None, now: datetime) -> Started:
    """One page of the start; called again with the cursor until that is None, and then the contest runs.

    Where everybody takes part, partners of the brand who may are entered, and told; who left is left alone. Of partners
    who joined by themselves, those who may not take part any more leave, and divisions that changed since are settled.
    Every page may be repeated, and all of them started again: nobody is entered twice. A contest that is not
    planned, or not yet to start, stays as it is.

    Raises `NotFound`, `Unavailable` (`contest_busy`), and what starting an execution does.
    """
    at = in_full_ms(now)
    for _ in range(TRIES):
        found = books.contests.contest(contest)
        if found.status is not ContestStatus.PLANNED or at < found.starts_at:
            return Started(found, None)
        settle = _look_again if found.opt_in else _enter
        page = settle(books, found, cursor or None, at)
        if not page.written:
            # Somebody's part changed meanwhile, or the contest: what was written stays, the rest is looked at again.
            continue
        if page.cursor is not None:
            return Started(found, page.cursor)
        make_next(books, start, found, at)
        running = replace(found, status=ContestStatus.RUNNING)
        written = books.contests.move(found, running, by_clock(at, found.name), "start_contest", window=True)
        if written is not None:
            return Started(written, None)
    raise Unavailable("The contest is being changed while it starts: try again.", code="contest_busy")


def make_next(books: ContestBooks, start: Start, contest: Contest, now: datetime) -> Contest | None:
    """The next contest of the series, planned, with its execution started; None where there is none. One that would
    start too soon to be known everywhere is passed over: the one after it is made."""
    following = next_of_series(contest)
    while following is not None:
        made = _made(books, following)
        if made is None and following.starts_at < now + LEAST_AHEAD:
            following = next_of_series(following)
            continue
        if made is None:
            change = by_clock(now, contest.name)
            made = books.contests.move(None, following, change, "next_contest", window=True) or _made(books, following)
        if made is None:
            raise Unavailable("The next contest of the series could not be made now: try again.", code="contest_busy")
        if made.status is ContestStatus.PLANNED:
            run(start, made)
        return made
    return None


# --------------------------------------------------------------------------------------------------------------- parts


class _Page(NamedTuple):
    """A page of partners that was looked at: where the next one begins, and whether all of it was written."""

    cursor: str | None
    written: bool


def _made(books: ContestBooks, contest: Contest) -> Contest | None:
    try:
        return books.contests.contest(contest.contest)
    except NotFound:
        return None


def _enter(books: ContestBooks, contest: Contest, cursor: str | None, at: datetime) -> _Page:
    """Enters those of a page of the brand's partners who may take part and are not in it; and looks again at those who
    are, from when partners joined by themselves."""
    page = books.configuration.cards(contest.brand, cursor, limit=PAGE)
    known = books.contests.entries_of(contest.contest, [card.partner for card in page.items])
    joining, again = [], []
    for card in page.items:
        before = known.get(card.partner)
        if before is not None and before.joined_at is not None:
            again.append((before, card))
            continue
        if why_not_in(books.configuration, contest, card, at):
            continue
        new = Entry(
            contest=contest.contest,
            partner=card.partner,
            joined_at=contest.starts_at,
            shown_as=default_name(contest.contest, card.partner),
            division=division_at(books.counts, contest, card.partner, contest.starts_at),
            joined_by=by_clock(at, "").by,
        )
        joining.append(Joining(entry=new, before=before))
    written = _write(books, contest, joining, at, "enter_partners")
    return _Page(page.cursor, written and _settle(books, contest, again, at))


def _look_again(books: ContestBooks, contest: Contest, cursor: str | None, at: datetime) -> _Page:
    """Looks again at a page of those who joined: whether they may take part still, and in which division."""
    page = books.contests.participants(contest.contest, cursor, limit=PAGE)
    joined = [entry for entry in page.items if entry.takes_part]
    again = [(entry, card_of(books.configuration.partner(entry.partner))) for entry in joined]
    return _Page(page.cursor, _settle(books, contest, again, at))


def _settle(books: ContestBooks, contest: Contest, joined: Sequence[tuple[Entry, PartnerCard]], at: datetime) -> bool:
    """Those who may not take part any more leave, and whoever joined under other rules is in the division of these;
    whether all was written."""
    current = rules_hash(contest)
    leaving, moving = [], []
    for entry, card in joined:
        if not entry.takes_part or entry.joined_at is None:
            continue
        if why_not_in(books.configuration, contest, card, at):
            leaving.append(Joining(entry=replace(entry, left_at=contest.starts_at), before=entry))
        elif entry.rules != current:
            division = division_at(books.counts, contest, entry.partner, entry.joined_at)
            if division != entry.division:
                moving.append(Joining(entry=replace(entry, division=division), before=entry))
    written = _write(books, contest, leaving, at, "leave_at_start")
    return written and _write(books, contest, moving, at, "settle_divisions")


def _write(books: ContestBooks, contest: Contest, joining: Sequence[Joining], at: datetime, action: str) -> bool:
    """Writes entries; whether all were written, as nothing changed meanwhile."""
    for first in range(0, len(joining), ENTERED_AT_ONCE):
        some = joining[first : first + ENTERED_AT_ONCE]
        mails = [
            entered_mail(contest, each.entry.partner, each.entry.division, at)
            for each in some
            if action == "enter_partners"
        ]
        if not books.contests.enter_all(contest, some, by_clock(at, contest.name), action, mails):
            return False
    return True
