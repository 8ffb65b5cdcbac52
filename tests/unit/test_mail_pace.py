"""How fast mails go: against any quota, on a clock that is made to jump."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.mail_pace import FAR_AHEAD, HELD, ONE, Pace, Taken, slow_rate, take

HOUR = 3_600_000
QUOTAS = (1, 2, 3, 4, 5, 7, 14, 50, 99, 100, 500, 1_000, 5_000)


def test_a_fifth_of_the_rate_is_kept_for_what_cannot_wait() -> None:
    assert {rate: slow_rate(rate) for rate in (1, 2, 14, 100, 500)} == {1: 1, 2: 1, 14: 11, 100: 80, 500: 400}


def test_an_empty_store_says_how_long_to_wait() -> None:
    assert take(Pace(0, 1_000), 1, 10, 1_000) == Taken(Pace(0, 1_000), 0, 100)
    assert take(Pace(0, 1_000), 1, 10, 1_099) == Taken(Pace(990, 1_099), 0, 1)
    assert take(Pace(0, 1_000), 1, 10, 1_100) == Taken(Pace(0, 1_100), 1, 0)


def test_a_long_night_fills_no_more_than_a_quarter_of_a_second() -> None:
    assert take(Pace(0, 0), 900, 400, 9 * HOUR).granted == 100
    assert take(Pace(0, 0), 50, 3, 9 * HOUR).granted == 1, "one at least"


def test_a_clock_that_goes_back_gives_nothing() -> None:
    assert take(Pace(0, 5_000), 3, 1_000, 4_000) == Taken(Pace(0, 5_000), 0, 1)


def test_a_clock_that_was_far_ahead_holds_nobody_up_once_it_is_right_again() -> None:
    # What it left is of tomorrow; whoever asks by the right clock goes on from now, with what was left.
    assert take(Pace(0, 24 * HOUR), 1, 10, HOUR) == Taken(Pace(0, HOUR), 0, 100)
    assert take(Pace(2_000, 24 * HOUR), 5, 10, HOUR) == Taken(Pace(0, HOUR), 2, 100)
    # A minute's difference is one of clocks: it is waited for.
    assert take(Pace(0, HOUR + FAR_AHEAD), 1, 10, HOUR).pace.at == HOUR + FAR_AHEAD


def most_in_a_second(given: Sequence[tuple[int, int]]) -> int:
    """The most permits of any second, wherever it begins."""
    most = held = first = 0
    for at, granted in given:
        held += granted
        while given[first][0] <= at - 1_000:
            held -= given[first][1]
            first += 1
        most = max(most, held)
    return most


class Workers:
    """Several who send at once: each wants a random number of permits, does as it is told, and goes on. They meet at
    one pace. Time is simulated; each worker's clock may be wrong by some milliseconds."""

    def __init__(self, seed: int, workers: int, quota: Callable[[int], int], skew: int = 0) -> None:
        self.chance = random.Random(seed)
        self.quota = quota
        self.pace = Pace(0, HOUR)
        self.now = HOUR
        self.given: list[tuple[int, int]] = []
        self.asking = [(HOUR + self.chance.randrange(50), worker) for worker in range(workers)]
        self.skews = [self.chance.randint(-skew, skew) for _ in range(workers)]

    def work(self, through: int, least: int = 1, jump: int = 0) -> None:
        """Until this moment; then and again somebody's clock jumps by up to so many milliseconds."""
        heapq.heapify(self.asking)
        while self.asking[0][0] < through:
            self.now, worker = heapq.heappop(self.asking)
            if jump and self.chance.random() < 0.02:
                self.skews[worker] = self.chance.randint(-jump, jump)
            rate = slow_rate(self.quota(self.now))
            wanted = self.chance.randint(least, max(least, 2 * rate))
            self.pace, granted, wait = take(self.pace, wanted, rate, self.now + self.skews[worker])
            assert granted == wanted or wait > 0, "whoever gets less is told to wait"
            self.given.append((self.now, granted))
            heapq.heappush(self.asking, (self.now + max(1, min(wait, 60_000)) + self.chance.randrange(20), worker))

    @property
    def total(self) -> int:
        return sum(granted for _, granted in self.given)


@pytest.mark.parametrize("workers", [1, 3, 12])
@pytest.mark.parametrize("quota", QUOTAS)
def test_no_second_has_more_than_the_accounts_rate_and_hardly_one_has_less_than_four_fifths(
    quota: int, workers: int
) -> None:
    # given workers who want more than there is, for half a minute after a long night
    them = Workers(quota * 100 + workers, workers, lambda at: quota)
    them.pace = Pace(0, 0)
    them.work(HOUR + 30_000)
    # then the account's own rate is never met, with what is kept for urgent mails on top of the slow rate only at most
    rate = slow_rate(quota)
    assert most_in_a_second(them.given) <= max(1, quota)
    # and the slow rate is reached: nothing is lost by waiting as one is told
    assert them.total >= 30 * rate * 0.85 - 1, (them.total, rate)
    assert them.total <= 30 * rate + max(1, rate // HELD)


@given(st.integers(0, 2**32), st.sampled_from(QUOTAS), st.integers(2, 8))
@settings(max_examples=40)
def test_clocks_that_differ_by_moments_give_no_more(seed: int, quota: int, workers: int) -> None:
    them = Workers(seed, workers, lambda at: quota, skew=250)
    them.work(HOUR + 8_000)
    rate = slow_rate(quota)
    # from first to last the clocks were at most half a second apart: so much may be had before its time
    assert them.total <= 8 * rate + rate // 2 + max(1, rate // HELD) + 1
    assert most_in_a_second(them.given) <= quota + rate // 2 + 1


@given(st.integers(0, 2**32), st.sampled_from([14, 100, 500]), st.integers(1, 4))
@settings(max_examples=25)
def test_a_clock_that_jumps_costs_no_more_than_one_store_a_time_and_stops_nobody(
    seed: int, quota: int, workers: int
) -> None:
    them = Workers(seed, workers, lambda at: quota)
    them.work(HOUR + 4_000)
    # when one that was a day ahead asks once, and all go on
    before, rate = them.total, slow_rate(quota)
    them.pace = take(them.pace, 1, rate, HOUR + 24 * HOUR).pace
    them.work(HOUR + 8_000)
    # then nobody waits for tomorrow, and there is no flood
    gained = them.total - before
    assert 4 * rate * 0.8 - rate // HELD - 2 <= gained <= 4 * rate + max(1, rate // HELD) + 1


@pytest.mark.parametrize(("high", "low"), [(500, 14), (100, 50), (14, 1), (5_000, 500)])
def test_a_quota_that_is_lowered_midway_is_kept_from_then_on(high: int, low: int) -> None:
    turn = HOUR + 5_000
    them = Workers(high, 4, lambda at: high if at < turn else low)
    them.work(HOUR + 20_000)
    after = [(at, granted) for at, granted in them.given if at >= turn]
    assert most_in_a_second(after) <= low
    assert sum(granted for _, granted in after) >= 15 * slow_rate(low) * 0.85 - 1
    before = [(at, granted) for at, granted in them.given if at < turn]
    assert most_in_a_second(before) <= high


@given(st.integers(1, 2_000), st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 600)), min_size=1, max_size=60))
def test_however_it_is_asked_no_second_has_more_than_a_quarter_above_the_rate(
    rate: int, asked: list[tuple[int, int]]
) -> None:
    pace, now = Pace(0, HOUR), HOUR
    given_at: list[tuple[int, int]] = []
    for later, wanted in asked:
        now += later
        pace, granted, wait = take(pace, wanted, rate, now)
        assert granted == wanted or wait > 0
        given_at.append((now, granted))
    assert most_in_a_second(given_at) * ONE < rate * ONE + max(ONE, rate * ONE // HELD)
    assert sum(granted for _, granted in given_at) * 1_000 <= (now - HOUR) * rate


@given(st.integers(1, 500), st.integers(1, 3_000))
def test_who_waits_as_long_as_told_gets_all_of_it_as_fast_as_the_rate_allows(rate: int, wanted: int) -> None:
    pace, now, left = Pace(0, HOUR), HOUR, wanted
    while left:
        pace, granted, wait = take(pace, left, rate, now)
        left -= granted
        now += wait
    assert wanted * 1_000 <= (now - HOUR) * rate <= wanted * 1_000 + 2 * rate
