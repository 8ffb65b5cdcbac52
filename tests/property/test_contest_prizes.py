"""What holds of every contest: each place once, the pool to the minor unit, whatever the order."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.contest import Contest, Prize, PrizeKind, Tie
from introducer.domain.contest_prizes import Conclusion, Standing, apportioned, concluded, split
from introducer.domain.contest_rules import check
from introducer.domain.deal import PERCENT_ONE
from tests.support.contest_builders import a_contest, gift, standing, threshold

PROPERTY = settings(max_examples=150, deadline=None)


@st.composite
def contests(draw: st.DrawFn) -> Contest:
    """One division: a pool for some places, fixed amounts for others, gifts, thresholds."""
    places = draw(st.integers(1, 8))
    shared = draw(st.sets(st.integers(1, places)))
    weights = {place: draw(st.integers(1, 1000)) for place in sorted(shared)}
    shares = apportioned(PERCENT_ONE, weights) if weights else {}
    prizes = [
        Prize(kind=PrizeKind.SHARE, first=place, last=place, share=shares[place])
        if place in shares
        else Prize(kind=PrizeKind.FIXED, first=place, last=place, amount=draw(st.integers(1, 10_000)))
        for place in range(1, places + 1)
        if shares.get(place, 1)
    ]
    gifts = draw(st.integers(0, places))
    prizes += [gift(place, f"Gift {place}") for place in range(1, gifts + 1)]
    prizes += [threshold(each, 700) for each in sorted(draw(st.sets(st.integers(3, 9), max_size=2)))]
    contest = a_contest(
        *draw(st.permutations(prizes)),
        pool=draw(st.integers(1, 1_000_000)) if shares else 0,
        minimum=draw(st.sampled_from([0, 100, 300])),
        tie=draw(st.sampled_from(Tie)),
    )
    check(contest)
    return contest


@st.composite
def crowds(draw: st.DrawFn) -> list[Standing]:
    """Up to a dozen, many of them with equal scores; some are set aside."""
    return [
        standing(
            f"par_{number:02}",
            draw(st.integers(0, 6)),
            draw(st.integers(0, 3)),
            aside=draw(st.sampled_from(["", "", "", "hold"])),
        )
        for number in range(draw(st.integers(0, 12)))
    ]


def paid(conclusion: Conclusion, kind: PrizeKind) -> int:
    return sum(award.amount for award in conclusion.awards if award.kind is kind)


@PROPERTY
@given(contests(), crowds())
def test_shares_add_up_to_the_pool_whenever_anybody_ranks(contest: Contest, crowd: list[Standing]) -> None:
    conclusion = concluded(contest, crowd)
    anybody = any(each.rank for each in conclusion.results)

    assert paid(conclusion, PrizeKind.SHARE) == (contest.divisions[0].pool if anybody else 0)


@PROPERTY
@given(contests(), crowds())
def test_what_a_place_wins_is_won_once_where_somebody_stands_and_else_not(
    contest: Contest, crowd: list[Standing]
) -> None:
    conclusion = concluded(contest, crowd)
    ranking = sum(1 for each in conclusion.results if each.rank)
    prizes = contest.divisions[0].prizes

    assert paid(conclusion, PrizeKind.FIXED) == sum(
        each.amount for each in prizes if each.kind is PrizeKind.FIXED and each.first <= ranking
    )
    assert Counter(award.gift for award in conclusion.awards if award.gift) == Counter(
        each.gift for each in prizes if each.kind is PrizeKind.GIFT and each.first <= ranking
    )
    assert paid(conclusion, PrizeKind.THRESHOLD) == sum(
        each.amount
        for each in prizes
        for result in conclusion.results
        if each.kind is PrizeKind.THRESHOLD and result.rank and result.score >= each.threshold
    )


@PROPERTY
@given(contests(), crowds(), st.data())
def test_the_order_in_which_participants_come_does_not_matter(
    contest: Contest, crowd: list[Standing], data: st.DataObject
) -> None:
    assert concluded(contest, data.draw(st.permutations(crowd))) == concluded(contest, crowd)


@PROPERTY
@given(contests(), crowds())
def test_each_prize_has_its_own_number_and_belongs_to_one_who_ranks(contest: Contest, crowd: list[Standing]) -> None:
    conclusion = concluded(contest, crowd)
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for award in conclusion.awards:
        numbers[award.partner].append(award.number)
    ranks = {each.partner: each.rank for each in conclusion.results}

    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
    assert all(award.place == ranks[award.partner] > 0 for award in conclusion.awards)
    assert all(award.amount > 0 or award.gift for award in conclusion.awards)
    assert {each.partner: each.amount for each in conclusion.results if each.amount} == dict(
        Counter({partner: sum(a.amount for a in conclusion.awards if a.partner == partner) for partner in numbers})
        - Counter()
    )


@PROPERTY
@given(contests(), crowds())
def test_ranks_follow_scores_and_each_place_has_one_holder_or_a_tie(contest: Contest, crowd: list[Standing]) -> None:
    standing_ = [each for each in concluded(contest, crowd).results if each.rank]
    scores = [each.score for each in standing_]

    assert scores == sorted(scores, reverse=True)
    if contest.tie is Tie.FIRST:
        assert [each.rank for each in standing_] == list(range(1, len(standing_) + 1))
    else:
        assert [each.rank for each in standing_] == [1 + sum(other > each for other in scores) for each in scores]


@PROPERTY
@given(contests(), crowds())
def test_those_who_share_a_place_win_the_same_to_one_minor_unit(contest: Contest, crowd: list[Standing]) -> None:
    by_rank: defaultdict[int, list[int]] = defaultdict(list)
    for each in concluded(contest, crowd).results:
        if each.rank:
            by_rank[each.rank].append(each.amount)

    assert all(max(won) - min(won) <= 1 for won in by_rank.values())


@PROPERTY
@given(contests(), crowds())
def test_setting_somebody_aside_moves_the_others_up_and_nobody_down(contest: Contest, crowd: list[Standing]) -> None:
    before = {each.partner: each for each in concluded(contest, crowd).results}
    leader = next((each.partner for each in concluded(contest, crowd).results if each.rank), None)
    if leader is None:
        return
    without: list[Any] = [
        standing_
        if standing_.partner != leader
        else Standing(partner=leader, division=0, counted=standing_.counted, aside="open_case")
        for standing_ in crowd
    ]
    after = {each.partner: each for each in concluded(contest, without).results}

    assert after[leader].rank == 0
    for partner, each in after.items():
        if each.rank:
            assert each.rank <= before[partner].rank
    others = [each for partner, each in before.items() if each.rank and partner != leader]
    assert sum(1 for each in after.values() if each.rank) == len(others)


@given(st.integers(0, 10**12), st.dictionaries(st.integers(1, 50), st.integers(0, 10**6), min_size=1))
def test_parts_in_proportion_add_up_and_none_is_off_by_a_unit(total: int, weights: dict[int, int]) -> None:
    whole = sum(weights.values())
    if not whole:
        return
    parts = apportioned(total, weights)

    assert sum(parts.values()) == total
    assert all(abs(parts[key] * whole - total * weight) < whole for key, weight in weights.items())


@given(st.integers(0, 10**12), st.integers(1, 60))
def test_equal_parts_add_up(total: int, number: int) -> None:
    parts = split(total, [f"par_{each:02}" for each in range(number)])

    assert sum(parts.values()) == total
    assert max(parts.values()) - min(parts.values()) <= 1
