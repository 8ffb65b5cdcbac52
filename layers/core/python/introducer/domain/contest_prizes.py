"""Who wins what: from what participants scored to places, and from places to prizes. Pure, and exact to the minor unit.

Only whoever reaches the contest's minimum, and more than nothing, ranks; whoever is set aside moves the others up. What
ties share adds up to the money of their places. A division's pool is paid in full when anybody ranks in it: what the
places that nobody stands for would have won goes to those who rank, in proportion to their own shares.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from math import gcd
from typing import NamedTuple

from introducer.domain.contest import SCORE_ONE, WEIGHT_ONE, Contest, Division, Metric, PrizeKind, Tie
from introducer.domain.contest_score import Counted, score
from introducer.domain.deal import show_percent
from introducer.domain.ledger import Line
from introducer.domain.money import decimal_string

PLACES = "prize_places"
"""What these places win in fixed amounts: the first and the last place; several where partners tie."""
POOL = "prize_pool"
"""The division's pool: the percentage of it that the places win for which somebody stands; the rest goes to them too,
in proportion."""
SHARE = "prize_share"
"""What these places win of the pool: the first and the last place, and their percentage of it by the rules."""
SPLIT = "prize_split"
"""What one of those who tie gets: how many they are."""
THRESHOLD = "prize_threshold"
"""An amount for whoever reaches a score: that score, and the one reached."""
GIFT = "prize_gift"
"""A gift for a place: the place. The result is the gift, in the brand's words."""


class Unranked(StrEnum):
    """Why a participant has no place."""

    BELOW_MINIMUM = "below_minimum"
    """It scored nothing, or less than is needed to rank."""
    SET_ASIDE = "set_aside"


class AwardStatus(StrEnum):
    """Money is due, then paid; a gift is due, to be sent, sent, delivered."""

    DUE = "due"
    PAID = "paid"
    TO_SEND = "to_send"
    SENT = "sent"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A participant, and what the facts say it scored."""

    partner: str
    division: int
    counted: Counted
    shown_as: str = ""
    aside: str = ""
    """Why it is set aside; empty where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Where a participant stands, and what it wins in all."""

    contest: str
    partner: str
    division: int
    shown_as: str = ""
    rank: int
    """From 1; 0 for whoever has no place. With `Tie.SPLIT` those with one score have one rank, and the next one leaves
    room for them: 1, 2, 2, 4. With `Tie.FIRST` each place has one holder."""
    score: int
    """Hundredths."""
    last_at: int
    """When it last scored (ms)."""
    counted: Mapping[Metric, int] = field(default_factory=dict)
    unranked: Unranked | None = None
    aside: str = ""
    """Why it is set aside."""
    amount: int = 0
    """What its prizes come to, minor units of the contest's currency."""
    gifts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """A prize that a partner won: an amount, or a gift. Paid, or sent, once."""

    contest: str
    brand: str
    partner: str
    number: int
    """From 1, among the partner's prizes of this contest: the same whenever the same result is reckoned."""
    division: int
    place: int
    """The winner's rank."""
    score: int
    kind: PrizeKind
    amount: int = 0
    """Minor units; 0 for a gift."""
    currency: str
    gift: str = ""
    status: AwardStatus = AwardStatus.DUE
    journal: str = ""
    """The entry of the books that paid it."""
    paid_at: datetime | None = None
    """When it was paid; of a gift, when it was sent."""
    note: str = ""
    """What staff wrote about a gift: a tracking number, who took it."""
    lines: tuple[Line, ...] = ()
    """How it came about, as it was reckoned."""


class Conclusion(NamedTuple):
    """What a contest comes to."""

    results: tuple[Result, ...]
    """By division; those who rank first, in order, then the others by score."""
    awards: tuple[Award, ...]
    """By division, place, partner and number."""


# ------------------------------------------------------------------------------------------------------------- ranking


def least_to_rank(contest: Contest) -> int:
    """Hundredths: the contest's minimum, and in any case something."""
    return max(contest.minimum, least_step(contest))


def least_step(contest: Contest) -> int:
    """The smallest score above nothing: whole clients where clients alone are counted, else a hundredth."""
    if contest.metrics <= {Metric.FTD, Metric.QFTD}:
        return max(1, gcd(*(weight for _, weight in contest.weights)) * SCORE_ONE // WEIGHT_ONE)
    return 1


def concluded(contest: Contest, standings: Iterable[Standing]) -> Conclusion:
    """Who stands where and wins what, of all participants. The order of `standings` does not matter, each partner
    stands in it once."""
    results = ranked(contest, standings)
    won = awards(contest, results)
    amounts: Counter[str] = Counter()
    gifts: defaultdict[str, list[str]] = defaultdict(list)
    for award in won:
        amounts[award.partner] += award.amount
        if award.gift:
            gifts[award.partner].append(award.gift)
    return Conclusion(
        tuple(
            replace(each, amount=amounts[each.partner], gifts=tuple(gifts.get(each.partner, ()))) for each in results
        ),
        won,
    )


def ranked(contest: Contest, standings: Iterable[Standing]) -> tuple[Result, ...]:
    """Where each participant stands in its division; prizes are `awards`' business."""
    by_division: defaultdict[int, list[Result]] = defaultdict(list)
    least = least_to_rank(contest)
    for standing in standings:
        reached = score(contest.weights, contest.currency, standing.counted.counted)
        unranked = Unranked.SET_ASIDE if standing.aside else Unranked.BELOW_MINIMUM if reached < least else None
        by_division[standing.division].append(
            Result(
                contest=contest.contest,
                partner=standing.partner,
                division=standing.division,
                shown_as=standing.shown_as,
                rank=0,
                score=reached,
                last_at=standing.counted.last_at,
                counted=dict(standing.counted.counted),
                unranked=unranked,
                aside=standing.aside,
            )
        )
    return tuple(each for _, all_ in sorted(by_division.items()) for each in _placed(contest.tie, all_))


def _placed(tie: Tie, results: list[Result]) -> list[Result]:
    standing = sorted((each for each in results if each.unranked is None), key=_order)
    others = sorted((each for each in results if each.unranked is not None), key=_order)
    if tie is Tie.FIRST:
        return [*(replace(each, rank=place) for place, each in enumerate(standing, 1)), *others]
    level: list[Result] = []
    for _, group in groupby(standing, key=lambda each: each.score):
        rank = len(level) + 1
        level += [replace(each, rank=rank) for each in group]
    return [*level, *others]


def _order(result: Result) -> tuple[int, int, str]:
    """By score; of those with one score whoever reached it first, in full seconds, then the lower id."""
    return -result.score, result.last_at // 1000, result.partner


# -------------------------------------------------------------------------------------------------------------- prizes


def awards(contest: Contest, results: Iterable[Result]) -> tuple[Award, ...]:
    """The prizes of those who rank. `results` are `ranked`'s, in any order."""
    by_division: defaultdict[int, list[Result]] = defaultdict(list)
    for each in results:
        if each.rank:
            by_division[each.division].append(each)
    won: list[Award] = []
    for number, standing in sorted(by_division.items()):
        if number < len(contest.divisions):
            won += _of_division(contest, contest.divisions[number], sorted(standing, key=_order))
    return tuple(won)


def _of_division(contest: Contest, division: Division, standing: Sequence[Result]) -> list[Award]:
    """`standing` in the order of places."""
    fixed = _by_place(division, PrizeKind.FIXED, len(standing))
    shares = _by_place(division, PrizeKind.SHARE, len(standing))
    pool = _pool_by_place(division, shares, len(standing))
    gifts = _gifts_by_place(division, len(standing))
    parts: defaultdict[str, list[Award]] = defaultdict(list)

    def win(result: Result, kind: PrizeKind, lines: Sequence[Line], *, amount: int = 0, gift: str = "") -> None:
        if amount <= 0 and not gift:
            return
        parts[result.partner].append(
            Award(
                contest=contest.contest,
                brand=contest.brand,
                partner=result.partner,
                number=len(parts[result.partner]) + 1,
                division=result.division,
                place=result.rank,
                score=result.score,
                kind=kind,
                amount=amount,
                currency=contest.currency,
                gift=gift,
                lines=tuple(lines),
            )
        )

    place = 1
    for _, tied in groupby(standing, key=lambda each: each.rank):
        group = list(tied)
        places = range(place, place + len(group))
        place += len(group)
        of_fixed, of_pool = [sum(amounts.get(each, 0) for each in places) for amounts in (fixed, pool)]
        by_pool = split(of_pool, [each.partner for each in group])
        # The odd units of the one go to those who got none of the other: those who tie differ by one unit at most.
        by_fixed = split(of_fixed, sorted((each.partner for each in group), key=lambda each: (by_pool[each], each)))
        for each in group:
            amount = by_fixed[each.partner]
            win(each, PrizeKind.FIXED, _fixed_lines(contest, places, of_fixed, amount), amount=amount)
            amount = by_pool[each.partner]
            lines = _pool_lines(contest, division.pool, shares, places, of_pool, amount)
            win(each, PrizeKind.SHARE, lines, amount=amount)
    for result in standing:
        for prize in division.prizes:
            if prize.kind is PrizeKind.THRESHOLD and result.score >= prize.threshold:
                said = (show_score(prize.threshold), show_score(result.score))
                line = Line(THRESHOLD, decimal_string(prize.amount, contest.currency), said)
                win(result, PrizeKind.THRESHOLD, [line], amount=prize.amount)
    for place, result in enumerate(standing, 1):
        for gift in gifts.get(place, ()):
            win(result, PrizeKind.GIFT, [Line(GIFT, gift, (str(place),))], gift=gift)
    return [
        award
        for result in sorted(standing, key=lambda each: (each.rank, each.partner))
        for award in parts[result.partner]
    ]


def _by_place(division: Division, kind: PrizeKind, ranking: int) -> dict[int, int]:
    """What each place wins for which somebody stands: an amount, or millionths of the pool."""
    found: Counter[int] = Counter()
    for prize in division.prizes:
        if prize.kind is kind:
            for place in range(prize.first, min(prize.last, ranking) + 1):
                found[place] += prize.share if kind is PrizeKind.SHARE else prize.amount
    return dict(found)


def _pool_by_place(division: Division, shares: Mapping[int, int], ranking: int) -> dict[int, int]:
    """The pool, all of it, by the places for which somebody stands; `shares` are theirs."""
    if not any(prize.kind is PrizeKind.SHARE for prize in division.prizes):
        return {}
    # Where nobody stands on a place that has a share, all who rank have an equal one.
    return apportioned(division.pool, shares if any(shares.values()) else dict.fromkeys(range(1, ranking + 1), 1))


def _gifts_by_place(division: Division, ranking: int) -> dict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for prize in division.prizes:
        if prize.kind is PrizeKind.GIFT:
            for place in range(prize.first, min(prize.last, ranking) + 1):
                found[place].append(prize.gift)
    return found


def apportioned(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    """A total in proportion to weights, by largest remainder; equal remainders go by the lower key, which is the better
    place. The parts add up to the total. At least one weight is more than 0."""
    whole = sum(weights.values())
    parts = {key: divmod(total * weight, whole) for key, weight in weights.items()}
    found = {key: quotient for key, (quotient, _) in parts.items()}
    left = total - sum(found.values())
    for key in sorted(parts, key=lambda each: (-parts[each][1], each))[:left]:
        found[key] += 1
    return found


def split(total: int, partners: Sequence[str]) -> dict[str, int]:
    """A total in equal parts; odd minor units go to the lower ids when they come sorted, else to whom is named first.
    The parts add up to the total."""
    each, left = divmod(total, len(partners))
    return {partner: each + (position < left) for position, partner in enumerate(partners)}


def _fixed_lines(contest: Contest, places: range, total: int, amount: int) -> list[Line]:
    line = Line(PLACES, decimal_string(total, contest.currency), (str(places[0]), str(places[-1])))
    return [line, *_split_line(contest, places, amount)]


def _pool_lines(
    contest: Contest, pool: int, shares: Mapping[int, int], places: range, total: int, amount: int
) -> list[Line]:
    own = sum(shares.get(place, 0) for place in places)
    return [
        Line(POOL, decimal_string(pool, contest.currency), (show_percent(sum(shares.values())),)),
        Line(SHARE, decimal_string(total, contest.currency), (str(places[0]), str(places[-1]), show_percent(own))),
        *_split_line(contest, places, amount),
    ]


def _split_line(contest: Contest, places: range, amount: int) -> list[Line]:
    return [Line(SPLIT, decimal_string(amount, contest.currency), (str(len(places)),))] if len(places) > 1 else []


def show_score(hundredths: int) -> str:
    """A score as decimal text, without zeros at its end: `12`, `12.5`, `0.05`."""
    whole, part = divmod(abs(hundredths), SCORE_ONE)
    text = f"{whole}.{part:02d}".rstrip("0").rstrip(".")
    return f"-{text}" if hundredths < 0 else text


# ------------------------------------------------------------------------------------------------------- what remains


def outcome(contest: Contest, conclusion: Conclusion) -> str:
    """What a result came to, as `Contest.outcome` keeps it: JSON text with sorted keys."""
    results, won = conclusion
    return json.dumps(
        {
            "participants": len(results),
            "ranked": sum(1 for each in results if each.rank),
            "set_aside": sum(1 for each in results if each.unranked is Unranked.SET_ASIDE),
            "winners": len({award.partner for award in won}),
            "prizes": len(won),
            "gifts": sum(1 for award in won if award.gift),
            "amount": decimal_string(sum(award.amount for award in won), contest.currency),
            "currency": contest.currency,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
