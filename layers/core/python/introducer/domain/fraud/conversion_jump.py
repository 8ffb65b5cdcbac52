"""Conversion jump: of the visitors that a partner sends, far more register than ever before.

People do not change by a factor of three in a week; machines and paid sign-ups do. A registration is counted on the
day of the click that brought it, so that visitors of a busy day who register later never meet the few clicks of a quiet
one. What a campaign on television does (up to twice the usual) stays below; so does a partner that only becomes as good
as the better ones of its brand. Peers stand in for a partner's own earlier days where it is new; the first days of the
window are not new, only what came before them is not looked at any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from introducer.domain.calendar import day_at, day_start
from introducer.domain.fraud.crowds import counts_from, fresh_peers, in_question, quantile, timeline
from introducer.domain.fraud.finding import N_, Detector, Evidence, Finding, Number, Point
from introducer.domain.fraud.seen import Seen
from introducer.domain.fraud.statistics import band, binomial_tail, fisher_tail, odds

NAME = "conversion_jump"
_WHOLE = 10_000
"""Rates in points are so many parts."""


class Jump(NamedTuple):
    """Days that convert too well, by their numbers in the window: `first` to before `end`."""

    first: int
    end: int
    registrations: int
    clicks: int
    expected: float
    """The rate that was."""
    ratio: float
    chance: float


class _Days(NamedTuple):
    """Clicks and registrations by the day of the click, as running sums."""

    clicks: Sequence[int]
    registrations: Sequence[int]

    def between(self, first: int, end: int) -> tuple[int, int]:
        """Registrations and clicks of these days; a day cannot bring more of the ones than of the others."""
        registrations = self.registrations[end] - self.registrations[first]
        return registrations, max(registrations, self.clicks[end] - self.clicks[first])


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The days of the window in which registrations per click jump."""
    clicked, brought = {day.day for day in seen.days if day.clicks}, dict[str, list[str]]()
    for trace in in_question(seen):
        day = "" if trace.since_click is None else day_at(trace.registered - trace.since_click * 1000)
        if day in clicked:
            brought.setdefault(day, []).append(trace.client)
    days = _Days(
        list(accumulate((day.clicks for day in seen.days), initial=0)),
        list(accumulate((len(brought.get(day.day, ())) for day in seen.days), initial=0)),
    )
    if days.registrations[-1] < parameters["registrations"]:
        return ()
    jumps = list(_jumps(seen, days, parameters))
    if not jumps:
        return ()
    dates = [seen.days[number].day for jump in jumps for number in range(jump.first, jump.end)]
    clients = tuple(sorted({client for day in dates for client in brought.get(day, ())}))
    worst = min(jumps, key=lambda jump: jump.chance)
    return (
        Finding(
            detector=NAME,
            clients=clients,
            first=dates[0],
            through=dates[-1],
            measured=round(worst.ratio, 2),
            threshold=parameters["times"],
            values={
                "registrations": str(worst.registrations),
                "clicks": str(worst.clicks),
                "rate": _percent(worst.registrations / worst.clicks),
                "expected": _percent(worst.expected),
                "clients": str(len(clients)),
                "first": dates[0],
                "through": dates[-1],
            },
            evidence=Evidence(
                series=tuple(_series(seen, days, worst.expected)), timeline=timeline(seen.traces, clients)
            ),
        ),
    )


def _jumps(seen: Seen, days: _Days, parameters: Mapping[str, Number]) -> Iterator[Jump]:
    """Jumps in order. What has jumped already is no longer what a later day is compared with."""
    since = counts_from(seen, NAME)
    begin = sum(day_start(day.day) < since for day in seen.days)
    rates = sorted(
        peer.registrations / peer.clicks for peer in fresh_peers(seen) if peer.clicks >= parameters["peer_clicks"]
    )
    known = len(rates) >= parameters["peers"]
    good = quantile(rates, 0.75) if known else 0.0
    like = quantile(rates, float(parameters["new_part"])) if known else 0.0
    cleared = _accepted(days, begin, parameters)
    jumped, free = [0, 0], begin
    limit = odds(parameters["chance"])
    for end in range(begin + 1, len(seen.days) + 1):
        if end <= free:
            continue
        found: list[Jump] = []
        for first in range(max(free, end - int(parameters["days"])), end):
            registrations, clicks = days.between(first, end)
            if registrations < parameters["registrations"]:
                break
            earlier, of_earlier = days.between(0, first)
            earlier, of_earlier = earlier - jumped[0], max(0, of_earlier - jumped[1])
            rate, enough = registrations / clicks, earlier >= parameters["history"]
            if not enough and first < parameters["new_days"]:
                continue
            own = max(0, earlier) / of_earlier if of_earlier else 0.0
            expected = max(own, cleared, 0.0 if enough else like)
            if expected <= 0 or rate < parameters["times"] * expected or rate < good:
                continue
            chance = binomial_tail(registrations, clicks, expected)
            if enough:
                chance = max(chance, fisher_tail(registrations, clicks, earlier, of_earlier))
            if chance <= limit:
                found.append(Jump(first, end, registrations, clicks, expected, rate / expected, chance))
        if found:
            jump = _fitted(days, min(found, key=lambda jump: (jump.chance, jump.first)), float(parameters["times"]))
            jumped[0] += jump.registrations
            jumped[1] += jump.clicks
            free = jump.end
            yield jump


def _fitted(days: _Days, jump: Jump, times: float) -> Jump:
    """The jump without the ordinary days at its ends, and with the days that follow as long as they are like it."""
    high = jump.expected * times**0.5

    def is_high(day: int) -> bool:
        registrations, clicks = days.between(day, day + 1)
        return bool(registrations > high * clicks)

    first, end = jump.first, jump.end
    while end - first > 1 and not is_high(first):
        first += 1
    while end - first > 1 and not is_high(end - 1):
        end -= 1
    while end < len(days.clicks) - 1 and end >= jump.end and is_high(end):
        registrations, clicks = days.between(first, end + 1)
        if registrations < times * jump.expected * clicks:
            break
        end += 1
    registrations, clicks = days.between(first, end)
    ratio = registrations / clicks / jump.expected
    return jump._replace(first=first, end=end, registrations=registrations, clicks=clicks, ratio=ratio)


def _accepted(days: _Days, begin: int, parameters: Mapping[str, Number]) -> float:
    """The best rate of those days that a person has looked at and cleared: it is no surprise any more."""
    best = 0.0
    for end in range(1, begin + 1):
        registrations, clicks = days.between(max(0, end - int(parameters["days"])), end)
        if registrations >= parameters["registrations"]:
            best = max(best, registrations / clicks)
    return best


def _series(seen: Seen, days: _Days, expected: float) -> Iterator[Point]:
    for number, day in enumerate(seen.days):
        registrations, clicks = days.between(number, number + 1)
        if clicks:
            low, high = band(clicks, expected, 0.001)
            rates = (each * _WHOLE // clicks for each in (registrations, low, high))
            yield Point(day.day, registrations, clicks, *rates)


def _percent(rate: float) -> str:
    return f"{rate * 100:.1f}"


DETECTOR = Detector(
    name=NAME,
    inputs=("days", "traces", "peers"),
    parameters={
        "times": 3,
        "registrations": 40,
        "days": 7,
        "history": 10,
        "new_days": 14,
        "new_part": 0.75,
        "chance": 1e-6,
        "peer_clicks": 200,
        "peers": 5,
    },
    meaning={
        "times": "registrations per click are at least so many times what is expected",
        "registrations": "there are at least so many in the days looked at",
        "days": "so many days, or fewer, are looked at together",
        "history": "with fewer earlier registrations the peers say what to expect",
        "new_days": "if the window shows so many days before these, which had next to none",
        "new_part": "a new partner is expected to be better than this part of the peers",
        "chance": "how likely chance alone would be, at most",
        "peer_clicks": "a peer with fewer clicks in thirty days says nothing",
        "peers": "with fewer of them only the partner's own earlier days count",
    },
    staff=N_(
        "{registrations} of {clicks} visitors registered ({rate}%); {expected}% is what the partner's earlier days"
        " and its peers let expect. {first} to {through}, {clients} clients."
    ),
    partner=N_("From {first} to {through} far more of your visitors registered than before. We look at how they came."),
    find=find,
)
