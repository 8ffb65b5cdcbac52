"""Contests as partners see them: which there are for them, where they stand, and one of them with its rules.

A partner sees what it may take part in, and what it took part in; drafts nobody but staff (`read_contest_desk`). The
board is in `read_board`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.configuration import Member, PartnerCard
from introducer.domain.contest import Contest, ContestStatus, Entry
from introducer.domain.contest_rules import check_open, rules_hash
from introducer.domain.errors import Conflict, Forbidden, NotFound, Unavailable
from introducer.services.contest_books import ContestBooks
from introducer.services.join_contest import card_of, deal_kinds, why_not_in
from introducer.services.read_board import BoardPage, OwnPlace, Pause, fresh_part, own_place
from introducer.store.contests import LONGEST_ID
from introducer.store.paging import Page

ENTERED_AT_START = "entered_at_start"
"""Why nobody joins by itself where the start enters everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestOfPartner:
    """A contest, and the partner in it."""

    contest: Contest
    entry: Entry | None
    """None where it neither takes part nor scored."""
    rules: str
    """The hash of the rules as they are: who joins says it."""
    may_join: bool
    """Whether it can join now, or come back."""
    why_not: str
    """Why it cannot: a code of `contest_rules.why_not`, of `check_open`, or `entered_at_start`; empty where it can, or
    takes part already."""
    must_accept: bool
    """Whether it accepted rules that have changed since. It takes part all the same; joining again accepts these."""
    may_leave: bool
    """Whether it can leave now, or take another name."""
    own: OwnPlace | None = None
    """Where it stands; None where it takes no part, or before anything is counted."""


def read_contests_of_partner(
    books: ContestBooks, *, member: Member, cursor: str | None, limit: int, now: datetime, pause: Pause
) -> Page[ContestOfPartner]:
    """A page of the contests that the partner sees, the one that starts last first. A page may hold fewer than `limit`,
    or none, though another one follows: others' contests are left out.

    Raises `Forbidden` (`no_partner`) for staff, `Unavailable`.
    """
    card = _card(books, member)
    page = books.contests.of_brand(member.brand, cursor, limit)
    entries = books.contests.entries_of_partner(card.partner, [each.contest for each in page.items])
    sight = _Sight(books, card, now)
    seen = [
        _with_place(books, sight.of(each, entries.get(each.contest)), now, pause)
        for each in page.items
        if sight.sees(each, entries.get(each.contest))
    ]
    return Page(tuple(seen), page.cursor)


def read_contest_of_partner(books: ContestBooks, *, member: Member, contest: str, now: datetime) -> ContestOfPartner:
    """One contest, and the partner in it; its place stands on the board. Raises `Forbidden` (`no_partner`) for staff,
    `NotFound` for one that the partner does not see, `Unavailable`."""
    card = _card(books, member)
    if len(contest) > LONGEST_ID:
        raise _none()
    found = books.contests.contest(contest)
    entry = books.contests.entry(contest, card.partner) if found.brand == member.brand else None
    sight = _Sight(books, card, now)
    if found.brand != member.brand or not sight.sees(found, entry):
        raise _none()
    return sight.of(found, entry)


def contest_on_board(books: ContestBooks, *, member: Member, board: BoardPage, now: datetime) -> ContestOfPartner:
    """The contest of a board that a partner has read, and the partner in it: as `read_contest_of_partner`, but as the
    snapshot says it, and for whoever takes part without a read more. Raises `Forbidden` (`no_partner`) for staff,
    `Unavailable`."""
    if board.entry is not None and board.entry.takes_part and board.entry.rules in ("", rules_hash(board.contest)):
        seen = _of(board.contest, board.entry, _why_closed(board.contest, now), "")
    else:
        seen = _Sight(books, _card(books, member), now).of(board.contest, board.entry)
    return replace(seen, own=board.own)


# --------------------------------------------------------------------------------------------------------------- parts


class _Sight:
    """What a partner sees of contests; its deals are read once per start, where a contest asks for them."""

    def __init__(self, books: ContestBooks, card: PartnerCard, now: datetime) -> None:
        self._books = books
        self._card = card
        self._now = now
        self._kinds: dict[datetime, frozenset[str]] = {}

    def sees(self, contest: Contest, entry: Entry | None) -> bool:
        if contest.status is ContestStatus.DRAFT:
            return False
        return (entry is not None and entry.joined_at is not None) or self._refusal(contest) is None

    def of(self, contest: Contest, entry: Entry | None) -> ContestOfPartner:
        closed = _why_closed(contest, self._now)
        if not contest.opt_in and (entry is None or entry.joined_at is None):
            return _of(contest, entry, closed, ENTERED_AT_START)
        return _of(contest, entry, closed, "" if closed else self._refusal(contest) or "")

    def _refusal(self, contest: Contest) -> str | None:
        start = contest.starts_at
        if contest.conditions.deals and start not in self._kinds:
            self._kinds[start] = deal_kinds(self._books.configuration, self._card.partner, start)
        return why_not_in(self._books.configuration, contest, self._card, self._now, self._kinds.get(start))


def _of(contest: Contest, entry: Entry | None, closed: str, refusal: str) -> ContestOfPartner:
    """The partner in a contest: `closed` is why nobody joins or leaves now, `refusal` why this partner may not join."""
    takes_part = entry is not None and entry.takes_part
    why_not = closed or refusal
    rules = rules_hash(contest)
    return ContestOfPartner(
        contest=contest,
        entry=entry,
        rules=rules,
        may_join=not why_not and not takes_part,
        why_not="" if takes_part else why_not,
        must_accept=entry is not None and takes_part and entry.rules not in ("", rules) and not why_not,
        may_leave=takes_part and not closed,
    )


def _with_place(books: ContestBooks, seen: ContestOfPartner, now: datetime, pause: Pause) -> ContestOfPartner:
    contest, entry = seen.contest, seen.entry
    if entry is None or not entry.takes_part or contest.status in (ContestStatus.PLANNED, ContestStatus.CANCELLED):
        return seen
    try:
        board = fresh_part(books, contest.contest, entry.division, 0, now, pause)
    except (NotFound, Unavailable):
        # The list is worth reading without this place.
        return seen
    return seen if board is None else replace(seen, own=own_place(books, board, entry, now, pause))


def _why_closed(contest: Contest, now: datetime) -> str:
    """Why nobody joins, leaves or renames itself now; empty while they may."""
    try:
        check_open(contest, now)
    except Conflict as error:
        return error.code
    return ""


def _card(books: ContestBooks, member: Member) -> PartnerCard:
    if member.partner is None:
        raise Forbidden("This is what partners see: staff have /desk/contests.", code="no_partner")
    return card_of(books.configuration.partner(member.partner))


def _none() -> NotFound:
    return NotFound("There is no such contest.")
