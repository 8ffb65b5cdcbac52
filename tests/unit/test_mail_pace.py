"""How fast mails go: against any quota, on a clock that is made to jump."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.mail_pace import Pace, Taken, slow_rate, take

HOUR = 3_600_000


def test_a_fifth_of_the_rate_is_kept_for_what_cannot_wait() -> None:
    assert {rate: slow_rate(rate) for rate in (1, 2, 14, 100, 500)} == {1: 1, 2: 1, 14: 11, 100: 80, 500: 400}


def test_an_empty_store_says_how_long_to_wait() -> None:
    assert take(Pace(0, 1_000), 1, 10, 1_000) == Taken(Pace(0, 1_000), 0, 100)
    assert take(Pace(0, 1_000), 1, 10, 1_099) == Taken(Pace(990, 1_099), 0, 1)
    assert take(Pace(0, 1_000), 1, 10, 1_100) == Taken(Pace(0, 1_100), 1, 0)


def test_a_long_night_fills_no_more_than_a_second() -> None:
    assert take(Pace(0, 0), 50, 14, 9 * HOUR).granted == 14


def test_a_clock_that_goes_back_gives_nothing() -> None:
    assert take(Pace(0, 5_000), 3, 1_000, 4_000) == Taken(Pace(0, 5_000), 0, 1)


def test_a_clock_that_was_far_ahead_holds_nobody_up_once_it_is_right_again() -> None:
    # What it left is of tomorrow; whoever asks by the right clock goes on from now, with what was left.
    assert take(Pace(0, 24 * HOUR), 1, 10, HOUR) == Taken(Pace(0, HOUR), 0, 100)
    assert take(Pace(3_000, 24 * HOUR), 5, 10, HOUR) == Taken(Pace(0, HOUR), 3, 100)


@given(st.integers(1, 2_000), st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 600)), min_size=1, max_size=60))
def test_no_second_has_more_than_twice_the_rate_and_in_the_long_run_it_is_kept(
    rate: int, asked: list[tuple[int, int]]
) -> None:
    pace, now = Pace(0, HOUR), HOUR
    given_at: list[tuple[int, int]] = []
    for later, wanted in asked:
        now += later
        pace, granted, wait = take(pace, wanted, rate, now)
        assert granted == wanted or wait > 0
        given_at.append((now, granted))
    for start, _ in given_at:
        assert sum(granted for at, granted in given_at if start <= at < start + 1_000) <= 2 * rate
    assert sum(granted for _, granted in given_at) * 1_000 <= (now - HOUR) * rate


@given(st.integers(1, 500), st.integers(1, 3_000))
def test_who_waits_as_long_as_told_gets_all_of_it_as_fast_as_the_rate_allows(rate: int, wanted: int) -> None:
    pace, now, left = Pace(0, HOUR), HOUR, wanted
    while left:
        pace, granted, wait = take(pace, left, rate, now)
        left -= granted
        now += wait
    assert wanted * 1_000 <= (now - HOUR) * rate <= wanted * 1_000 + 2 * rate
