"""Stuffing: pages load a partner's links as images or frames, so that visitors count as sent who clicked nothing.

Such loads are flagged when they happen and attribute nobody. Mail readers and previews load some links too: a partner
with much traffic has some, in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from introducer.domain.calendar import day_start
from introducer.domain.fraud.crowds import counts_from
from introducer.domain.fraud.finding import N_, Detector, Evidence, Finding, Number, Point
from introducer.domain.fraud.seen import Day, Seen
from introducer.domain.fraud.statistics import band, odds, poisson_tail

NAME = "stuffing"
_WHOLE = 10_000


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The weeks in which links were loaded and not clicked."""
    stuffed = list(accumulate((day.stuffed for day in seen.days), initial=0))
    clicks = list(accumulate((day.clicks for day in seen.days), initial=0))
    if stuffed[-1] < parameters["loads"]:
        return ()
    since = counts_from(seen, NAME)
    begin = sum(day_start(day.day) < since for day in seen.days)
    week, usual, weight = int(parameters["days"]), float(parameters["per_click"]), float(parameters["weight"])

    # What a person has cleared is expected to go on; else a partner is never expected to have many.
    weeks = ((max(0, end - week), end) for end in range(1, begin + 1))
    cleared = ((stuffed[end] - stuffed[first], clicks[end] - clicks[first]) for first, end in weeks)
    accepted = max((number / max(1, of) for number, of in cleared if number >= parameters["loads"]), default=0.0)
    found: set[int] = set()
    most, beside, expects = 0, 0, usual
    for end in range(begin + 1, len(seen.days) + 1):
        first = max(begin, end - week)
        number, of = stuffed[end] - stuffed[first], clicks[end] - clicks[first]
        if number < parameters["loads"]:
            continue
        own = (stuffed[first] + weight * usual) / (clicks[first] + weight)
        share = max(usual, accepted, min(own, usual * parameters["at_most"]))
        unlikely = poisson_tail(number, share * of) <= odds(float(parameters["chance"]))
        if number >= parameters["times"] * share * of and unlikely:
            found.update(index for index in range(first, end) if seen.days[index].stuffed)
            if number > most:
                most, beside, expects = number, of, share
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
                "clicks": str(beside),
                "first": first_day,
                "through": through,
            },
            evidence=Evidence(series=tuple(_series(seen.days, expects / (1 + expects)))),
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
    parameters={"loads": 200, "days": 7, "times": 3, "per_click": 0.005, "at_most": 4, "weight": 1000, "chance": 1e-7},
    meaning={
        "loads": "links were loaded so often at least, with no click",
        "days": "within so many days",
        "times": "and so many times as often as usual at least",
        "per_click": "loads per click that mail readers and previews make with an honest partner",
        "at_most": "a partner's own earlier loads raise that so many times at most, if no person cleared them",
        "weight": "as how many of the partner's own clicks that counts",
        "chance": "how likely chance alone would be, at most",
    },
    staff=N_(
        "Pages loaded the partner's links {loads} times within seven days as an image or a frame, beside {clicks}"
        " clicks. {first} to {through}."
    ),
    partner=N_("From {first} to {through} pages loaded your links by themselves. We look at which pages they are."),
    find=find,
)
