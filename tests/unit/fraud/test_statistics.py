"""Exact tails: against sums of whole fractions, and where numbers are too small for anything but logarithms."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, isclose, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.fraud.statistics import (
    band,
    binomial_head,
    binomial_tail,
    fisher_tail,
    odds,
    poisson_head,
    poisson_tail,
)

SHARES = st.fractions(min_value=Fraction(1, 1000), max_value=Fraction(999, 1000), max_denominator=1000)


def by_fractions(seen: int, of: int, share: Fraction) -> Fraction:
    return sum((comb(of, each) * share**each * (1 - share) ** (of - each) for each in range(seen, of + 1)), Fraction(0))


def near(logarithm: float, wanted: Fraction) -> bool:
    if wanted == 0:
        return logarithm < -1e9
    return isclose(logarithm, log(wanted.numerator) - log(wanted.denominator), rel_tol=1e-9, abs_tol=1e-9)


@given(st.integers(0, 60), st.integers(0, 60), SHARES)
@settings(deadline=None)
def test_a_binomial_tail_is_the_sum_of_its_terms(seen: int, of: int, share: Fraction) -> None:
    assert near(binomial_tail(seen, of, float(share)), by_fractions(seen, of, share))


@given(st.integers(0, 60), st.integers(1, 60), SHARES)
@settings(deadline=None)
def test_head_and_tail_make_one(seen: int, of: int, share: Fraction) -> None:
    seen = min(seen, of)
    assert isclose(exp(binomial_head(seen, of, float(share))) + exp(binomial_tail(seen + 1, of, float(share))), 1)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
@settings(deadline=None)
def test_fishers_test_counts_the_tables(seen: int, others: int, before: int, others_before: int) -> None:
    of, of_before, both = seen + others, before + others_before, seen + before
    ways = sum(
        comb(of, each) * comb(of_before, both - each) for each in range(seen, min(of, both) + 1) if both - each >= 0
    )
    assert near(fisher_tail(seen, of, before, of_before), Fraction(ways, comb(of + of_before, both)))


@given(st.integers(0, 80), st.floats(0.01, 60))
@settings(deadline=None)
def test_poisson_head_and_tail_make_one(seen: int, mean: float) -> None:
    assert isclose(exp(poisson_head(seen, mean)) + exp(poisson_tail(seen + 1, mean)), 1, rel_tol=1e-9)


def test_what_everybody_can_look_up() -> None:
    assert isclose(exp(binomial_tail(8, 10, 0.5)), 56 / 1024)
    assert isclose(exp(poisson_tail(1, 2.0)), 1 - exp(-2.0))
    # The lady who tasted eight cups of tea, all four right.
    assert isclose(exp(fisher_tail(4, 4, 0, 4)), 1 / 70)


def test_what_is_too_small_for_a_number_is_still_compared() -> None:
    assert binomial_tail(900, 1000, 0.01) < odds(1e-300) * 5
    assert poisson_tail(5000, 10.0) < poisson_tail(4000, 10.0) < odds(1e-300)


@pytest.mark.parametrize(("seen", "of", "share"), [(0, 0, 0.5), (0, 9, 0.0), (9, 9, 1.0)])
def test_what_is_sure_is_sure(seen: int, of: int, share: float) -> None:
    assert binomial_tail(seen, of, share) == 0.0


@given(st.integers(1, 2000), SHARES)
@settings(deadline=None)
def test_the_band_holds_what_is_expected_and_leaves_no_more_than_its_tails(of: int, share: Fraction) -> None:
    low, high = band(of, float(share), 0.001)
    assert 0 <= low <= high <= of
    assert low <= of * share <= high + 1
    assert low == 0 or binomial_head(low - 1, of, float(share)) <= odds(0.001)
    assert high == of or binomial_tail(high + 1, of, float(share)) <= odds(0.001)
