"""What clicks look like: a flood of them, registrations to a beat, and links that pages load by themselves."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from introducer.domain.fraud import click_flooding, click_timing, stuffing
from introducer.domain.fraud.finding import Detector, Finding
from introducer.domain.fraud.trace import Trace
from tests.support.fraud import Scene, a_trace, date, moment, ordinary, peers

HOUR_S = 3600


def found(detector: Detector, scene: Scene) -> Finding | None:
    findings = detector.look(scene.seen())
    assert len(findings) <= 1
    return findings[0] if findings else None


# ------------------------------------------------------------------------------------------------------- click flooding


def flooded(clicks: int, late: int, quick: int = 0, usual: int = 0) -> Scene:
    """A week with so many clicks a day, and clients who come by them hours later, or at once."""
    scene = Scene(usual_clicks=usual, clicks=dict.fromkeys(range(40, 47), clicks), peers=peers(spread=0))
    scene.with_clients(
        a_trace(f"late-{number}", moment(40 + number % 7, 20), since_click=9 * HOUR_S) for number in range(late)
    )
    return scene.with_clients(a_trace(f"quick-{number}", moment(40 + number % 7, 5)) for number in range(quick))


def flood(scene: Scene) -> Finding | None:
    return found(click_flooding.DETECTOR, scene)


def test_two_thousand_clicks_of_whom_six_register_hours_later() -> None:
    # given peers of whose clicks 3 in 100 register
    finding = flood(flooded(286, late=6))

    assert finding is not None
    assert finding.clients == tuple(f"late-{number}" for number in range(6))
    assert (finding.measured, finding.threshold) == (2002, 2000)
    assert finding.values["expected"] == "60"
    points = {point.day: point for point in finding.evidence.series}
    assert points[date(42)].rate <= points[date(42)].low < 300


@pytest.mark.parametrize("scene", [flooded(285, late=6), flooded(286, late=7), flooded(286, late=2)])
def test_fewer_clicks_or_more_clients_or_almost_none_are_nothing(scene: Scene) -> None:
    assert flood(scene) is None


def test_poor_traffic_registers_seldom_but_at_once() -> None:
    assert flood(flooded(1000, late=1, quick=5)) is None


def test_a_flood_of_few_networks_is_found_whoever_registers() -> None:
    narrow = flooded(1000, late=0, quick=5)
    narrow.buckets = dict.fromkeys(range(40, 47), (800, 100, *[100 // 14] * 14))
    finding = flood(narrow)

    assert finding is not None
    assert finding.clients == tuple(f"quick-{number}" for number in range(5))


def test_a_flood_of_few_visitors() -> None:
    few = flooded(1000, late=0)
    few.unique = dict.fromkeys(range(40, 47), 150)
    finding = flood(few)

    assert finding is not None
    assert finding.clients == ()


def test_a_flood_hides_among_honest_clicks() -> None:
    # given 100 clicks a day and their clients, and for a week 1,000 a day more of two networks
    mixed = Scene(usual_clicks=100, clicks=dict.fromkeys(range(40, 47), 1100), peers=peers(spread=0))
    mixed.with_clients(ordinary(180))
    mixed.buckets = dict.fromkeys(range(40, 47), (506, 506, *[6] * 14))

    assert flood(mixed) is not None
    mixed.buckets = {}
    assert flood(mixed) is None


def test_of_those_who_came_in_a_flood_the_late_ones_are_named() -> None:
    # given a partner's usual clients at once, and on the days of a flood three who register hours after their click
    mixed = Scene(usual_clicks=100, clicks=dict.fromkeys(range(40, 47), 1100), peers=peers(spread=0))
    mixed.with_clients(ordinary(180))
    mixed.buckets = dict.fromkeys(range(40, 47), (506, 506, *[6] * 14))
    mixed.with_clients(a_trace(f"late-{n}", moment(41 + n, 20), since_click=9 * HOUR_S) for n in range(3))
    finding = flood(mixed)

    assert finding is not None
    assert finding.clients == ("late-0", "late-1", "late-2")
    assert (finding.first, finding.through) == (date(40), date(46))


def test_a_flood_is_longer_than_the_days_that_are_looked_at_together() -> None:
    # given a flood of nine days, of which the last seven are 2,000 clicks, and clients of its first two
    long = Scene(usual_clicks=0, clicks=dict.fromkeys(range(38, 47), 286), peers=peers(spread=0))
    long.clicks |= {38: 200, 39: 200, 40: 280}
    long.buckets = {day: (clicks, *[0] * 15) for day, clicks in long.clicks.items()}
    long.with_clients(a_trace(f"late-{n}", moment(38 + n, 20), since_click=9 * HOUR_S) for n in range(2))
    long.clicks[46] = 292
    finding = flood(long)

    assert finding is not None
    assert finding.clients == ("late-0", "late-1")
    assert (finding.first, finding.through) == (date(38), date(46))


def test_without_peers_nobody_knows_what_registers() -> None:
    scene = flooded(286, late=6)
    scene.peers = ()

    assert flood(scene) is None


def test_a_flood_before_the_clearing_does_not_count() -> None:
    assert flood(flooded(286, late=6).clear("click_flooding", 41)) is None


# --------------------------------------------------------------------------------------------------------- click timing


def timed(scene: Scene) -> Finding | None:
    return found(click_timing.DETECTOR, scene)


def quick(count: int, seconds: int = 9, days: float = 6, start: int = 40) -> list[Trace]:
    random = Random(7)
    return [
        a_trace(f"quick-{number}", moment(start) + random.randrange(int(days * 86_400_000)), since_click=seconds)
        for number in range(count)
    ]


def test_eight_clients_who_register_within_ten_seconds() -> None:
    finding = timed(Scene().with_clients([*ordinary(60), *quick(8, seconds=3)]))

    assert finding is not None
    assert len(finding.clients) == 8
    assert finding.evidence.clusters[0].kind == "quick"


def test_seven_or_ten_seconds_are_nothing() -> None:
    assert timed(Scene().with_clients([*ordinary(60), *quick(7)])) is None
    slow = [replace(each, since_click=10 + number * 7) for number, each in enumerate(quick(8))]
    assert timed(Scene().with_clients([*ordinary(60), *slow])) is None


def test_of_many_clients_some_have_forms_that_fill_themselves_in() -> None:
    # given 2,400 of whom one in a hundred is so quick
    clients = [
        replace(each, since_click=4 + number % 5) if number % 100 == 0 else each
        for number, each in enumerate(ordinary(2400))
    ]

    assert timed(Scene().with_clients(clients)) is None


@pytest.mark.parametrize("seconds", [25, 60, 400])
def test_eight_clients_who_wait_the_same_time(seconds: int) -> None:
    same = [replace(each, since_click=seconds + number % 2) for number, each in enumerate(quick(8))]
    finding = timed(Scene().with_clients([*ordinary(60), *same]))

    assert finding is not None
    assert set(finding.clients) >= {each.client for each in same}
    assert finding.evidence.clusters[0].kind == "interval"


def test_eight_clients_every_half_hour_with_others_between_them() -> None:
    beat = [
        a_trace(f"beat-{number}", moment(40, 3.1) + number * 1_800_000 + number % 3 * 999, since_click=97 * number + 99)
        for number in range(9)
    ]
    finding = timed(Scene().with_clients([*ordinary(60), *beat]))

    assert finding is not None
    assert set(finding.clients) >= {each.client for each in beat[:8]}


def test_a_platform_that_knows_only_days_keeps_no_beat() -> None:
    daily = [a_trace(f"c-{number}", moment(10 + number // 2), since_click=None) for number in range(60)]

    assert timed(Scene().with_clients(daily)) is None


def test_a_platform_that_knows_only_minutes_says_nothing_of_delays() -> None:
    rounded = [replace(each, since_click=(each.since_click or 0) // 60 * 60) for each in ordinary(400)]

    assert timed(Scene().with_clients(rounded)) is None


def test_clients_who_all_came_in_one_file_keep_no_beat() -> None:
    file = [a_trace(f"c-{number}", moment(40, 3.01), since_click=None) for number in range(40)]

    assert timed(Scene().with_clients(file)) is None


def test_what_was_too_quick_before_the_clearing_does_not_count() -> None:
    assert timed(Scene().with_clients([*ordinary(60), *quick(8)]).clear("click_timing", 42)) is None


# ------------------------------------------------------------------------------------------------------------- stuffing


def stuffed(per_day: int, clicks: int = 50, days: range = range(40, 47)) -> Scene:
    return Scene(usual_clicks=clicks, stuffed=dict.fromkeys(days, per_day))


def stuffs(scene: Scene) -> Finding | None:
    return found(stuffing.DETECTOR, scene)


def test_two_hundred_loads_within_a_week() -> None:
    finding = stuffs(stuffed(40, days=range(40, 45)))

    assert finding is not None
    assert (finding.measured, finding.clients) == (200, ())
    assert (finding.first, finding.through) == (date(40), date(44))
    assert stuffs(stuffed(39, days=range(40, 45))) is None
    assert stuffs(stuffed(28)) is None


def test_a_large_partner_has_some_in_proportion() -> None:
    # given 5,000 clicks a day, and one in two hundred more that a mail reader makes
    assert stuffs(stuffed(50, clicks=5000, days=range(60))) is None
    assert stuffs(stuffed(90, clicks=5000)) is not None


def test_loads_before_the_clearing_do_not_count_and_more_are_expected_after() -> None:
    assert stuffs(stuffed(40).clear("stuffing", 44)) is None
    assert stuffs(stuffed(40, days=range(30, 60)).clear("stuffing", 45)) is None
