"""A contest as its pages show it, to partners and to anybody: one form for the page and for programs. Scores are
decimal strings here (`12`, `12.5`), as receipts and mails have them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from introducer.domain.contest import SCORE_ONE, Contest, ContestStatus, Division, Prize, PrizeKind
from introducer.domain.contest_prizes import Award, least_step, show_score
from introducer.domain.deal import PERCENT_ONE, show_percent
from introducer.domain.errors import Malformed
from introducer.domain.money import Money
from introducer.services.read_board import BoardPage, OwnPlace

POINTS = "points"
RUNNING, TO_COME, PAST = "running", "to_come", "past"


def phase(contest: Contest, now: datetime) -> str:
    """How far it is: its status, and `late` between the end and the count, when late reports of the window score."""
    if contest.status is ContestStatus.RUNNING and now >= contest.ends_at:
        return "late"
    return contest.status.value


def group(contest: Contest) -> str:
    """Under which heading of the list it stands."""
    if contest.status is ContestStatus.PLANNED:
        return TO_COME
    return PAST if contest.status.is_over else RUNNING


def unit(contest: Contest) -> dict[str, Any]:
    """What scores are counted in: the one metric or points, the decimals, the currency where they are money."""
    if contest.is_weighted:
        return {"kind": POINTS, "decimals": 0 if _whole(contest) else 2, "currency": ""}
    ((metric, _),) = contest.weights
    return {
        "kind": metric.value,
        "decimals": 0 if _whole(contest) else 2,
        "currency": contest.currency if metric.is_money else "",
    }


def told(contest: Contest, now: datetime) -> dict[str, Any]:
    """What everybody may know of a contest that is no draft."""
    return {
        "contest": contest.contest,
        "name": contest.name,
        "description": contest.description,
        "status": contest.status,
        "phase": phase(contest, now),
        "unit": unit(contest),
        "time_zone": contest.time_zone,
        "starts_at": contest.starts_at,
        "ends_at": contest.ends_at,
        "counts_until": contest.counts_until,
        "objections_until": contest.objections_until,
        "minimum": show_score(contest.minimum) if contest.minimum else None,
        "shown": contest.shown,
    }


def standings(board: BoardPage) -> dict[str, Any]:
    """A page of a board, with the division that it is of, and what its places win."""
    return {
        "division": board.division,
        "divisions": [{"division": at, "name": each.name} for at, each in enumerate(board.contest.divisions)],
        "prizes": prizes(board.contest, board.division),
        "page": board.page,
        "pages": board.pages,
        "participants": board.participants,
        "ranked": board.ranked,
        "counted_at": board.built_at,
        "items": [
            {"place": row.rank or None, "shown_as": row.shown_as, "score": show_score(row.score), "own": row.own}
            for row in board.rows
        ],
    }


def own(place: OwnPlace | None, participants: int, board: BoardPage | None) -> dict[str, Any] | None:
    """Where the reader stands among so many, and how far the next place is; `apart` says where its row belongs when it
    is not among those of the page of its board."""
    if place is None:
        return None
    apart = None
    if board is not None and not any(row.own for row in board.rows):
        first = board.rows[0].rank if board.rows else 0
        apart = "above" if board.rows and place.rank > 0 and (not first or place.rank < first) else "below"
    return {
        "division": place.division,
        "place": place.rank or None,
        "of": participants,
        "shown_as": place.shown_as,
        "score": show_score(place.score),
        "next_place": place.next.place if place.next else None,
        "missing": show_score(place.next.missing) if place.next else None,
        "apart": apart,
    }


def page_of(place: OwnPlace | None, board: BoardPage | None) -> str | None:
    """The page on which the reader stands, where that is another page of this board."""
    if place is None or board is None or place.page in (None, board.page):
        return None
    return str(place.page)


def number(position: str | None) -> int:
    """The number of a page, from an opened cursor."""
    return int(position) if position else 1


def division(text: str) -> int | None:
    """The division that is asked for; None for the reader's own. Raises `Malformed`."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Malformed("division is the number of one, from 0 for the first.", code="bad_division")
    return int(text)


def prizes(contest: Contest, number: int) -> list[dict[str, Any]]:
    """What a division's places win, and then what everybody wins who reaches a score."""
    division = contest.divisions[number]
    in_order = sorted(division.prizes, key=lambda each: (not each.kind.is_placed, each.first, -each.threshold))
    return [_prize(contest, division, each) for each in in_order]


def first_prize(contest: Contest, number: int) -> dict[str, Any]:
    """The best that can be won in a division: an amount, else a gift."""
    division = contest.divisions[number]
    first = [each for each in division.prizes if each.kind.is_placed and each.first <= 1 <= each.last]
    amount = sum(_worth(division, each) for each in first)
    if not first:
        amount = max((each.amount for each in division.prizes), default=0)
    gifts = [each.gift for each in first if each.gift]
    return {"amount": Money(amount, contest.currency) if amount else None, "gift": "" if amount else ", ".join(gifts)}


def awarded(awards: Iterable[Award], name: str) -> list[dict[str, Any]]:
    """What a partner won in a contest, with the way to how it came about."""
    return [
        {
            "contest": each.contest,
            "name": name,
            "number": each.number,
            "place": each.place,
            "score": show_score(each.score),
            "kind": each.kind,
            "amount": Money(each.amount, each.currency) if each.amount else None,
            "gift": each.gift,
            "status": each.status,
            "paid_at": each.paid_at,
            "note": each.note,
            "receipt": f"/earnings/{each.journal}" if each.journal else None,
        }
        for each in awards
    ]


def in_all(won: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What several prizes of one contest come to; None for none."""
    if not won:
        return None
    money = [each["amount"] for each in won if each["amount"] is not None]
    amount = Money(sum(each.minor for each in money), money[0].currency) if money else None
    return {"amount": amount, "gift": "" if amount else ", ".join(each["gift"] for each in won)}


def _whole(contest: Contest) -> bool:
    return least_step(contest) % SCORE_ONE == 0


def _prize(contest: Contest, division: Division, prize: Prize) -> dict[str, Any]:
    share = prize.kind is PrizeKind.SHARE
    return {
        "kind": prize.kind,
        "first": prize.first,
        "last": prize.last,
        "threshold": show_score(prize.threshold) if prize.threshold else None,
        "amount": Money(prize.amount, contest.currency) if prize.amount else None,
        "share": show_percent(prize.share) if share else None,
        "pool": Money(division.pool, contest.currency) if share else None,
        "gift": prize.gift,
    }


def _worth(division: Division, prize: Prize) -> int:
    """Minor units, about: what nobody stands for comes on top of a share."""
    return division.pool * prize.share // PERCENT_ONE if prize.kind is PrizeKind.SHARE else prize.amount
