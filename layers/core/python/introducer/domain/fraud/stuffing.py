"""Stuffing: pages load a partner's links as images or frames, so that visitors count as sent who clicked nothing.

Such loads are flagged when they happen and attribute nobody. Mail readers and previews load some links too: a partner
with much traffic has some, in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from introducer.domain.calendar import day_start
from introducer.domain.fraud.crowds import Usual, counts_from, usual_share
from introducer.domain.fraud.finding import N_, Detector, Evidence, Finding, Number, Point
from introducer.domain.fraud.seen import Day, Seen
from introducer.domain.fraud.statistics import band, odds, poisson_tail

NAME = "stuffing"
_WHOLE = 10_000


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The weeks in which links were loaded and not clicked."""
    stuffed = list(accumulate((day.stuffed for day in seen.days), initial=0))
    loads = list(accumulate((day.clicks + day.stuffed for day in seen.days), initial=0))
    if stuffed[-1] < parameters["loads"]:
        return ()
    since = counts_from(seen, NAME)
    begin = sum(day_start(day.day) < since for day in seen.days)
    usual = Usual(float(parameters["share"]), float(parameters["weight"]))
    found: set[int] = set()
    most, of_most, share_of_most = 0, 0, usual.share
    for end in range(begin + 1, len(seen.days) + 1):
        first = max(begin, end - int(parameters["days"]))
        number, of = stuffed[end] - stuffed[first], loads[end] - loads[first]
        if number < parameters["loads"]:
            continue
        # Never less than usual: a partner that had none may have some.
        share = max(usual.share, usual_share(usual, stuffed[first], loads[first], bool(since)))
        expected = share * (of - number)
        unlikely = poisson_tail(number, expected) <= odds(float(parameters["chance"]))
        if number >= parameters["times"] * expected and unlikely:
            found.update(index for index in range(first, end) if seen.days[index].stuffed)
            if number > most:
                most, of_most, share_of_most = number, of, share
    if not found:
        return ()
    first_day, through = seen.days[min(found)].day, seen.days[max(found)].day
    return (
        Finding(
            detector=NAME,
            clients=(),
            first=first_day,
            through=through,
            measured=most,
            threshold=parameters["loads"],
            values={
                "loads": str(most),
                "clicks": str(of_most - most),
                "first": first_day,
                "through": through,
            },
            evidence=Evidence(series=tuple(_series(seen.days, share_of_most))),
        ),
    )


def _series(days: Sequence[Day], share: float) -> Iterator[Point]:
    for day in days:
        of = day.clicks + day.stuffed
        if of:
            low, high = band(of, share, 0.001)
            yield Point(day.day, day.stuffed, of, *(each * _WHOLE // of for each in (day.stuffed, low, high)))


DETECTOR = Detector(
    name=NAME,
    inputs=("days",),
    parameters={"loads": 200, "days": 7, "times": 3, "share": 0.005, "weight": 2000, "chance": 1e-7},
    meaning={
        "loads": "links were loaded so often at least, with no click",
        "days": "within so many days",
        "times": "and so many times as often as usual at least",
        "share": "the part of an honest partner's loads that mail readers and previews make",
        "weight": "as how many of the partner's own earlier loads that counts",
        "chance": "how likely chance alone would be, at most",
    },
    staff=N_(
        "Pages loaded the partner's links {loads} times within seven days as an image or a frame, beside {clicks}"
        " clicks. {first} to {through}."
    ),
    partner=N_("From {first} to {through} pages loaded your links by themselves. We look at which pages they are."),
    find=find,
)
