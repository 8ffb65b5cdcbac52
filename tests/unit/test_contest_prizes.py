"""Who wins what, with numbers that can be checked by hand."""

from __future__ import annotations

import pytest

from introducer.domain.contest import Contest, Division, Metric, PrizeKind, Tie
from introducer.domain.contest_prizes import (
    Award,
    Standing,
    Unranked,
    apportioned,
    concluded,
    outcome,
    ranked,
    show_score,
    split,
)
from introducer.domain.contest_score import Counted
from introducer.domain.events import LOT
from introducer.domain.ledger import Line
from introducer.domain.money import FINE
from tests.support.contest_builders import a_contest, fixed, gift, share, standing, threshold

POOL = 100_000
THREE = (share(1, 50), share(2, 30), share(3, 20))
"""1,000.00 EUR for three places."""


def amounts(contest: Contest, *standings: Standing) -> dict[str, int]:
    return {each.partner: each.amount for each in concluded(contest, standings).results if each.amount}


def ranks(contest: Contest, *standings: Standing) -> dict[str, int]:
    return {each.partner: each.rank for each in ranked(contest, standings)}


def awards_of(contest: Contest, *standings: Standing) -> list[tuple[str, int, PrizeKind, int, str]]:
    won = concluded(contest, standings).awards
    return [(each.partner, each.number, each.kind, each.amount, each.gift) for each in won]


# ------------------------------------------------------------------------------------------------------------- ranking


def test_equal_scores_share_a_rank_and_the_next_one_leaves_room() -> None:
    given = [standing("a", 9), standing("b", 5), standing("c", 5), standing("d", 4)]

    assert ranks(a_contest(), *given) == {"a": 1, "b": 2, "c": 2, "d": 4}


def test_first_reached_stands_higher_and_within_one_second_the_lower_id() -> None:
    contest = a_contest(tie=Tie.FIRST)
    given = [
        standing("b", 5, 20),
        standing("c", 5, 10),
        Standing(partner="a", division=0, counted=Counted({Metric.FTD: 5}, 20_999)),
    ]

    assert ranks(contest, *given) == {"c": 1, "a": 2, "b": 3}


def test_who_is_below_the_minimum_or_scored_nothing_has_no_place() -> None:
    contest = a_contest(minimum=300)
    found = ranked(contest, [standing("a", 3), standing("b", 2), standing("c", 0)])

    assert [(each.partner, each.rank, each.unranked) for each in found] == [
        ("a", 1, None),
        ("b", 0, Unranked.BELOW_MINIMUM),
        ("c", 0, Unranked.BELOW_MINIMUM),
    ]
    assert ranks(a_contest(minimum=0), standing("c", 0)) == {"c": 0}


def test_a_loss_does_not_rank() -> None:
    contest = a_contest(share(1, 100), pool=POOL, weights=((Metric.NET_REVENUE, 1000),))
    given = [Standing(partner="a", division=0, counted=Counted({Metric.NET_REVENUE: -5 * FINE}, 0))]

    assert ranks(contest, *given) == {"a": 0}
    assert concluded(contest, given).awards == ()


def test_who_is_set_aside_moves_the_others_up_and_says_why() -> None:
    contest = a_contest(*THREE, pool=POOL)
    given = [standing("a", 9, aside="open_case"), standing("b", 5), standing("c", 4), standing("d", 1)]
    found = concluded(contest, given)

    assert amounts(contest, *given) == {"b": 50_000, "c": 30_000, "d": 20_000}
    assert [(each.unranked, each.aside, each.score) for each in found.results if each.partner == "a"] == [
        (Unranked.SET_ASIDE, "open_case", 900)
    ]


def test_divisions_are_ranked_by_themselves_and_have_their_own_prizes() -> None:
    divisions = (
        Division(name="Small", prizes=(fixed(1, 100),)),
        Division(name="Large", from_size=50, prizes=(fixed(1, 900),)),
    )
    contest = a_contest(divisions=divisions)
    given = [standing("a", 2), standing("b", 1), standing("c", 40, division=1)]

    assert ranks(contest, *given) == {"a": 1, "b": 2, "c": 1}
    assert amounts(contest, *given) == {"a": 100, "c": 900}


def test_a_weighted_score_adds_points_and_rounds_down_once() -> None:
    # 2 clients at 10 points, 1.5 lots at 1 point, 33.33 EUR at 0.025 points: 20 + 1.5 + 0.83325.
    weights = ((Metric.FTD, 10_000), (Metric.LOTS, 1_000), (Metric.NET_REVENUE, 25))
    counted = {Metric.FTD: 2, Metric.LOTS: 3 * LOT // 2, Metric.NET_REVENUE: 3333 * FINE}
    (result,) = ranked(a_contest(weights=weights), [Standing(partner="a", division=0, counted=Counted(counted, 0))])

    assert result.score == 2233


# -------------------------------------------------------------------------------------------------------------- prizes


def test_a_pool_of_three_shares() -> None:
    assert amounts(a_contest(*THREE, pool=POOL), standing("a", 9), standing("b", 5), standing("c", 4)) == {
        "a": 50_000,
        "b": 30_000,
        "c": 20_000,
    }


def test_what_nobody_stands_for_goes_to_those_who_rank_in_proportion() -> None:
    # 50 and 30 of 80 hundredths of 1,000.00.
    contest = a_contest(*THREE, pool=POOL)

    assert amounts(contest, standing("a", 9), standing("b", 5)) == {"a": 62_500, "b": 37_500}
    assert amounts(contest, standing("a", 9)) == {"a": 100_000}
    assert amounts(contest) == {}


def test_where_the_places_with_shares_are_empty_all_who_rank_divide_the_pool() -> None:
    contest = a_contest(fixed(1, 500), share(2, 100), pool=POOL)

    assert amounts(contest, standing("a", 9)) == {"a": 500 + POOL}


def test_odd_cents_go_to_the_better_places_with_the_larger_remainder() -> None:
    # A third of 1.00 each: 33.33333…; the first place gets the odd cent.
    assert apportioned(100, {1: 1, 2: 1, 3: 1}) == {1: 34, 2: 33, 3: 33}
    # 2/7, 2/7, 3/7 of 1.00: 28.57, 28.57, 42.86.
    assert apportioned(100, {1: 2, 2: 2, 3: 3}) == {1: 29, 2: 28, 3: 43}


def test_a_tie_shares_the_money_of_its_places() -> None:
    # Places 1 and 2: 500.00 and 300.00, so 400.00 each; place 3 stays.
    contest = a_contest(*THREE, pool=POOL)

    assert amounts(contest, standing("b", 9), standing("a", 9), standing("c", 4)) == {
        "a": 40_000,
        "b": 40_000,
        "c": 20_000,
    }


def test_a_tie_beyond_the_last_prize_shares_what_is_left_of_the_places() -> None:
    # Four stand on the third place: 200.00 for all of them.
    contest = a_contest(*THREE, pool=POOL)
    given = [standing("a", 9), standing("b", 5), *(standing(name, 4) for name in "cdef")]

    assert amounts(contest, *given) == {"a": 50_000, "b": 30_000, **dict.fromkeys("cdef", 5_000)}


def test_odd_cents_of_a_tie_go_to_the_lower_ids() -> None:
    assert amounts(a_contest(fixed(1, 100)), *(standing(name, 5) for name in "cab")) == {"a": 34, "b": 33, "c": 33}
    assert split(7, ["a", "b", "c", "d"]) == {"a": 2, "b": 2, "c": 2, "d": 1}


def test_a_tie_over_a_fixed_amount_and_a_share_is_equal_to_one_cent() -> None:
    # 0.05 and 0.05 for three: two odd cents of each kind, which do not all fall to the same.
    contest = a_contest(fixed(1, 5), share(2, 100), pool=5)

    won = amounts(contest, standing("a", 9), standing("b", 9), standing("c", 9))

    assert sorted(won.values()) == [3, 3, 4]


def test_first_come_takes_the_better_place_alone() -> None:
    contest = a_contest(*THREE, pool=POOL, tie=Tie.FIRST)

    assert amounts(contest, standing("a", 9, 20), standing("b", 9, 10), standing("c", 4)) == {
        "a": 30_000,
        "b": 50_000,
        "c": 20_000,
    }


def test_a_threshold_pays_everybody_who_ranks_and_reaches_it() -> None:
    contest = a_contest(threshold(5, 2_000), threshold(10, 3_000))

    assert amounts(contest, standing("a", 10), standing("b", 5), standing("c", 4)) == {"a": 5_000, "b": 2_000}
    assert amounts(contest, standing("a", 10, aside="hold")) == {}


def test_gifts_go_by_place_and_in_a_tie_to_whoever_was_there_first() -> None:
    contest = a_contest(gift(1, "Watch"), gift(2, "Pen"))
    given = [standing("a", 9, 20), standing("b", 9, 10)]

    assert awards_of(contest, *given) == [
        ("a", 1, PrizeKind.GIFT, 0, "Pen"),
        ("b", 1, PrizeKind.GIFT, 0, "Watch"),
    ]
    assert [each.gifts for each in concluded(contest, given).results] == [("Watch",), ("Pen",)]


def test_one_place_may_win_an_amount_and_a_gift_each_by_its_own_number() -> None:
    contest = a_contest(fixed(1, 500), gift(1, "Watch"), threshold(5, 100))

    assert awards_of(contest, standing("a", 9)) == [
        ("a", 1, PrizeKind.FIXED, 500, ""),
        ("a", 2, PrizeKind.THRESHOLD, 100, ""),
        ("a", 3, PrizeKind.GIFT, 0, "Watch"),
    ]


def test_a_range_of_places_wins_each_of_them() -> None:
    contest = a_contest(fixed(1, 500), fixed(2, 100, last=4))
    given = [standing(name, 9 - place) for place, name in enumerate("abcde")]

    assert amounts(contest, *given) == {"a": 500, "b": 100, "c": 100, "d": 100}


def test_nobody_wins_nothing() -> None:
    # A cent for two who tie, and a share that comes to nothing.
    assert awards_of(a_contest(fixed(1, 1)), standing("a", 9), standing("b", 9)) == [("a", 1, PrizeKind.FIXED, 1, "")]
    assert awards_of(a_contest(share(1, 99), share(2, 1), pool=1), standing("a", 9), standing("b", 8)) == [
        ("a", 1, PrizeKind.SHARE, 1, "")
    ]


def test_an_award_says_how_it_came_about() -> None:
    contest = a_contest(*THREE, threshold(5, 2_000), gift(1, "Watch"), pool=POOL)
    won: tuple[Award, ...] = concluded(contest, [standing("a", 9), standing("b", 9)]).awards
    of_a = [each for each in won if each.partner == "a"]

    assert [each.lines for each in of_a] == [
        (
            Line("prize_pool", "1000.00", ("80",)),
            Line("prize_share", "1000.00", ("1", "2", "80")),
            Line("prize_split", "500.00", ("2",)),
        ),
        (Line("prize_threshold", "20.00", ("5", "9")),),
        (Line("prize_gift", "Watch", ("1",)),),
    ]
    assert {(each.place, each.score, each.currency, each.brand) for each in of_a} == {(1, 900, "EUR", "brd_1")}


def test_the_lines_of_a_fixed_amount() -> None:
    (award,) = concluded(a_contest(fixed(1, 500)), [standing("a", 9)]).awards

    assert award.lines == (Line("prize_places", "5.00", ("1", "1")),)


def test_the_outcome_of_a_contest_in_a_line() -> None:
    contest = a_contest(*THREE, gift(1, "Watch"), pool=POOL)
    told = outcome(contest, concluded(contest, [standing("a", 9), standing("b", 0), standing("c", 7, aside="hold")]))

    assert told == (
        '{"amount":"1000.00","currency":"EUR","gifts":1,"participants":3,"prizes":2,"ranked":1,"set_aside":1,'
        '"winners":1}'
    )


@pytest.mark.parametrize(
    ("hundredths", "text"),
    [(0, "0"), (1200, "12"), (1250, "12.5"), (5, "0.05"), (-1, "-0.01"), (100, "1"), (1000, "10")],
)
def test_a_score_as_people_write_it(hundredths: int, text: str) -> None:
    assert show_score(hundredths) == text
