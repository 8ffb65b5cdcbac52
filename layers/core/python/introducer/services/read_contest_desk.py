"""Contests as staff see them: which there are, what each waits for and who has to do it, who takes part under which
name, what the result says, who objects, and who won what.

What partners see of a contest is in `read_contests` and `read_board`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from introducer.domain.configuration import Member
from introducer.domain.contest import APPROVERS, PLANNERS, Contest, ContestStatus, Entry, PrizeKind
from introducer.domain.contest_closing import SetAside
from introducer.domain.contest_prizes import AwardStatus, Unranked, show_score
from introducer.domain.contest_rules import LEAST_AHEAD, most_paid
from introducer.domain.contest_score import score
from introducer.domain.contest_waits import execution_name
from introducer.domain.errors import NotFound
from introducer.domain.events import milliseconds
from introducer.domain.money import Money, minor_units
from introducer.services.contest_books import ContestBooks
from introducer.services.contest_steps import contest_of_brand
from introducer.services.people import SYSTEM, Names
from introducer.services.read_board import Pause, read_board
from introducer.services.read_history import Record, read_history
from introducer.store.configuration import Configuration
from introducer.store.paging import Page

MOST_AWARDS = 1000
"""So many prizes of a contest are looked through for gifts that wait."""
CONTEST_ROLE, SAME_PERSON, TOO_LATE = "contest_role", "same_person", "too_late"
"""Why a member does not approve what waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestInList:
    contest: str
    name: str
    number: int
    """Of its series; 0 where it is none."""
    status: ContestStatus
    starts_at: datetime
    ends_at: datetime
    first_day: str
    last_day: str
    """In its time zone, both included."""
    time_zone: str
    participants: int | None
    """None where nobody can take part yet, or it was cancelled."""
    currency: str
    most: Money | None
    """The most that its prizes come to; None where everybody who reaches a score wins."""
    paid: Money | None
    """What they came to, once that is final."""
    next: str
    """What comes next: `approve`, `approve_late`, `start`, `end`, `count`, `counting`, `decide` (objections),
    `objections` (their time), `paying`, `gifts` (to be sent); empty where nothing does."""
    next_at: datetime | None
    objections: int
    """That wait for an answer."""
    gifts: int
    """That are to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DivisionCost:
    name: str
    most: Money
    """Of prizes for places, and the pool."""
    each: Money | None
    """What one partner wins at most by its score alone; None where there is no such prize."""
    gifts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestOnDesk:
    row: ContestInList
    settings: Contest
    drafted_by: str
    """Names; empty where no person did it."""
    approved_by: str
    execution: str
    """Empty before it was approved."""
    divisions: tuple[DivisionCost, ...]
    history: tuple[Record, ...]
    may_approve: bool
    why_not: str
    """The code of why this member does not approve what waits; empty where they may, or nothing waits."""
    may_change: bool
    may_move_end: bool
    may_cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    partner: str
    name: str
    shown_as: str
    division: str
    joined_at: datetime | None
    left_at: datetime | None
    by_itself: bool
    """Whether it was entered by the start."""
    rank: int
    """0 for whoever has no place, or where places are not looked at."""
    score: str
    """As the engine counts it, decimal text."""
    aside: str
    """Why it is set aside: a person's words, or a code of `contest_closing.Cause`; empty where it is not."""
    aside_by: str
    """`staff`, or `clock`; empty where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPartner:
    partner: str
    name: str
    shown_as: str
    division: str
    rank: int
    """0 for whoever has no place."""
    score: str
    unranked: Unranked | None
    aside: str
    aside_by: str
    amount: Money
    gifts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionOnDesk:
    partner: str
    name: str
    at: datetime
    at_ms: int
    text: str
    decided_at: datetime | None
    decided_by: str
    upheld: bool
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardOnDesk:
    partner: str
    name: str
    number: int
    division: str
    place: int
    score: str
    kind: PrizeKind
    amount: Money
    gift: str
    status: AwardStatus
    at: datetime | None
    note: str
    journal: str


def read_contests_desk(
    books: ContestBooks, *, member: Member, now: datetime, cursor: str | None, limit: int
) -> Page[ContestInList]:
    """A page of the brand's contests, the one that starts last first."""
    page = books.contests.of_brand(member.brand, cursor, limit)
    return Page(tuple(_row(books, each, now) for each in page.items), page.cursor)


def read_contest_desk(books: ContestBooks, *, member: Member, contest: str, now: datetime) -> ContestOnDesk:
    """One contest of the member's brand. Raises `NotFound`."""
    found = contest_of_brand(books, member, contest)
    names = Names(books.configuration)
    waits = found.status is ContestStatus.DRAFT
    why_not = _why_not(found, member, now) if waits else ""
    plans = member.role in PLANNERS
    return ContestOnDesk(
        row=_row(books, found, now),
        settings=found,
        drafted_by=names.of(found.drafted_by),
        approved_by=names.of(found.approved_by or ""),
        execution=execution_name(found) if found.approved_at else "",
        divisions=costs(found),
        history=read_history(books.configuration, names, found.contest),
        may_approve=waits and not why_not,
        why_not=why_not,
        may_change=plans and not found.status.is_frozen and now < found.ends_at,
        may_move_end=plans and found.status in (ContestStatus.PLANNED, ContestStatus.RUNNING),
        may_cancel=plans and not found.status.is_over and found.status is not ContestStatus.PAYING,
    )


def read_participants(books: ContestBooks, *, contest: Contest, cursor: str | None, limit: int) -> Page[Participant]:
    """A page of those who take part, or did, in no order. Who only scored is left out: a page can be shorter than
    asked."""
    page = books.contests.participants(contest.contest, cursor, limit)
    return Page(_participants(books, contest, [each for each in page.items if each.joined_at is not None]), page.cursor)


def read_standings(
    books: ContestBooks, *, member: Member, contest: Contest, division: int, page: int, now: datetime, pause: Pause
) -> tuple[tuple[Participant, ...], int]:
    """A page (from 1) of those who take part in a division, by score, a few seconds ago at most; and how many pages
    there are. Raises as `read_board`."""
    board = read_board(
        books, member=member, contest=contest.contest, division=division, page=page, now=now, pause=pause
    )
    known = books.contests.entries_of(contest.contest, [row.partner for row in board.rows])
    entries = [known.get(row.partner, Entry(contest=contest.contest, partner=row.partner)) for row in board.rows]
    found = _participants(books, contest, entries)
    placed = (
        replace(each, rank=row.rank, score=show_score(row.score)) for each, row in zip(found, board.rows, strict=True)
    )
    return tuple(placed), board.pages


def _participants(books: ContestBooks, contest: Contest, entries: Sequence[Entry]) -> tuple[Participant, ...]:
    partners = _Partners(books.configuration)
    asides = {each.partner: each for each in books.results.asides(contest.contest)}
    return tuple(
        Participant(
            partner=entry.partner,
            name=partners.of(entry.partner),
            shown_as=entry.shown_as,
            division=contest.divisions[entry.division].name if entry.division < len(contest.divisions) else "",
            joined_at=entry.joined_at,
            left_at=entry.left_at,
            by_itself=entry.joined_by.startswith(SYSTEM),
            rank=0,
            score=show_score(score(contest.weights, contest.currency, entry.counted)),
            **_aside(asides.get(entry.partner)),
        )
        for entry in entries
    )


def read_result_desk(
    books: ContestBooks, *, contest: Contest, division: int, cursor: str | None, limit: int
) -> Page[RankedPartner]:
    """A page of the ranking of a division: places in order, then those who have none."""
    page = books.results.results(contest, division, cursor, limit)
    entries = books.contests.entries_of(contest.contest, [each.partner for each in page.items])
    partners = _Partners(books.configuration)
    asides = {each.partner: each for each in books.results.asides(contest.contest)}
    return Page(
        tuple(
            RankedPartner(
                partner=each.partner,
                name=partners.of(each.partner),
                shown_as=entries[each.partner].shown_as if each.partner in entries else "",
                division=contest.divisions[division].name,
                rank=each.rank,
                score=show_score(each.score),
                unranked=each.unranked,
                amount=Money(each.amount, contest.currency),
                gifts=each.gifts,
                **_aside(asides.get(each.partner)),
            )
            for each in page.items
        ),
        page.cursor,
    )


def read_objections(books: ContestBooks, *, contest: Contest) -> tuple[ObjectionOnDesk, ...]:
    """What was objected: what waits first, then the newest."""
    partners, names = _Partners(books.configuration), Names(books.configuration)
    found = sorted(books.results.objections(contest.contest), key=lambda each: (not each.waits, -milliseconds(each.at)))
    return tuple(
        ObjectionOnDesk(
            partner=each.partner,
            name=partners.of(each.partner),
            at=each.at,
            at_ms=milliseconds(each.at),
            text=each.text,
            decided_at=each.decided_at,
            decided_by=names.of(each.decided_by),
            upheld=each.upheld,
            answer=each.why,
        )
        for each in found
    )


def read_awards_desk(
    books: ContestBooks,
    *,
    contest: Contest,
    gifts: bool,
    cursor: str | None,
    limit: int,
) -> Page[AwardOnDesk]:
    """A page of what was won, by division and place. `gifts` leaves out what is money: a page can then be shorter than
    asked."""
    page = books.results.awards_of_contest(contest.contest, cursor, limit)
    partners = _Partners(books.configuration)
    many = len(contest.divisions) > 1
    return Page(
        tuple(
            AwardOnDesk(
                partner=each.partner,
                name=partners.of(each.partner),
                number=each.number,
                division=contest.divisions[each.division].name if many else "",
                place=each.place,
                score=show_score(each.score),
                kind=each.kind,
                amount=Money(each.amount, each.currency),
                gift=each.gift,
                status=each.status,
                at=each.paid_at,
                note=each.note,
                journal=each.journal,
            )
            for each in page.items
            if not gifts or each.gift
        ),
        page.cursor,
    )


def costs(contest: Contest) -> tuple[DivisionCost, ...]:
    """The most that each division can cost."""
    found = []
    for division in contest.divisions:
        placed = tuple(each for each in division.prizes if each.kind.is_placed)
        most = most_paid(replace(contest, divisions=(replace(division, prizes=placed),)))
        reached = sum(each.amount for each in division.prizes if each.kind is PrizeKind.THRESHOLD)
        assert most is not None, "without thresholds it is known"
        found.append(
            DivisionCost(
                name=division.name,
                most=Money(most, contest.currency),
                each=Money(reached, contest.currency) if reached else None,
                gifts=sum(each.last - each.first + 1 for each in placed if each.kind is PrizeKind.GIFT),
            )
        )
    return tuple(found)


def local_days(contest: Contest) -> tuple[str, str]:
    """The first and the last day of the window, in the contest's time zone."""
    there = ZoneInfo(contest.time_zone)
    last = contest.ends_at.astimezone(there) - timedelta(microseconds=1)
    return contest.starts_at.astimezone(there).date().isoformat(), last.date().isoformat()


# --------------------------------------------------------------------------------------------------------------- parts


class _Partners:
    """Names of partners, each read once; the id of one that is gone."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, str] = {}

    def of(self, partner: str) -> str:
        if partner not in self._known:
            try:
                self._known[partner] = self._configuration.partner(partner).name
            except NotFound:
                self._known[partner] = partner
        return self._known[partner]


def _row(books: ContestBooks, contest: Contest, now: datetime) -> ContestInList:
    outcome = json.loads(contest.outcome) if contest.outcome else {}
    waiting = _waiting(books, contest)
    gifts = _gifts(books, contest, outcome)
    following, at = _next(contest, waiting, gifts, now)
    first, last = local_days(contest)
    most = most_paid(contest)
    return ContestInList(
        contest=contest.contest,
        name=contest.name,
        number=contest.series.number if contest.series else 0,
        status=contest.status,
        starts_at=contest.starts_at,
        ends_at=contest.ends_at,
        first_day=first,
        last_day=last,
        time_zone=contest.time_zone,
        participants=_how_many(books, contest, outcome),
        currency=contest.currency,
        most=None if most is None else Money(most, contest.currency),
        paid=Money(minor_units(outcome["amount"], contest.currency), contest.currency) if "amount" in outcome else None,
        next=following,
        next_at=at,
        objections=waiting,
        gifts=gifts,
    )


def _how_many(books: ContestBooks, contest: Contest, outcome: Mapping[str, int]) -> int | None:
    if contest.status in (ContestStatus.DRAFT, ContestStatus.CANCELLED):
        return None
    if "participants" in outcome:
        return outcome["participants"]
    return sum(1 for entry in books.contests.entries(contest.contest) if entry.takes_part)


def _waiting(books: ContestBooks, contest: Contest) -> int:
    if contest.status is not ContestStatus.PROVISIONAL:
        return 0
    return sum(1 for each in books.results.objections(contest.contest) if each.waits)


def _gifts(books: ContestBooks, contest: Contest, outcome: Mapping[str, int]) -> int:
    """How many gifts nobody has sent yet."""
    may_have = any(each.kind is PrizeKind.GIFT for division in contest.divisions for each in division.prizes)
    if contest.status not in (ContestStatus.PAYING, ContestStatus.DONE) or not (outcome.get("gifts", 1) and may_have):
        return 0
    found = books.results.awards_of_contest(contest.contest, limit=MOST_AWARDS).items
    return sum(1 for each in found if each.status is AwardStatus.TO_SEND)


def _next(contest: Contest, waiting: int, gifts: int, now: datetime) -> tuple[str, datetime | None]:
    match contest.status:
        case ContestStatus.DRAFT:
            return ("approve" if now + LEAST_AHEAD <= contest.starts_at else "approve_late"), None
        case ContestStatus.PLANNED:
            return "start", contest.starts_at
        case ContestStatus.RUNNING:
            return ("end", contest.ends_at) if now < contest.ends_at else ("count", contest.counts_until)
        case ContestStatus.COUNTING:
            return "counting", None
        case ContestStatus.PROVISIONAL:
            return ("decide", None) if waiting else ("objections", contest.objections_until)
        case ContestStatus.PAYING:
            return "paying", None
        case _:
            return ("gifts", None) if gifts else ("", None)


def _why_not(contest: Contest, member: Member, now: datetime) -> str:
    """Why this member does not approve a draft."""
    if member.role not in APPROVERS:
        return CONTEST_ROLE
    if contest.drafted_by == member.member:
        return SAME_PERSON
    return "" if now + LEAST_AHEAD <= contest.starts_at else TOO_LATE


def _aside(aside: SetAside | None) -> dict[str, str]:
    if aside is None or not aside.stands:
        return {"aside": "", "aside_by": ""}
    return {"aside": aside.why, "aside_by": "clock" if aside.is_clockwork else "staff"}
