"""Click timing: clients who register sooner after their click than a person can, or to a beat.

People fill in a form at their own pace. A program does it within seconds, always after the same time, or every so many
minutes. Data that is itself coarse (whole minutes or hours) says nothing about a beat.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import expm1, log
from typing import NamedTuple

from introducer.domain.calendar import DAY_MS
from introducer.domain.fraud.crowds import Crowd, Hit, Usual, counts_from, crowd, in_question, of_crowd
from introducer.domain.fraud.finding import N_, Cluster, Detector, Finding, Number
from introducer.domain.fraud.seen import Seen
from introducer.domain.fraud.statistics import odds, poisson_tail
from introducer.domain.fraud.trace import Trace

NAME = "click_timing"
_LONGEST_S = 1800
"""Seconds: past half an hour reminders by mail bring people back to a beat of their own."""
_WIDTHS = (0.0, 0.05, 0.15)
"""How wide a band of equal delays is, as parts of the delay; never less than `_NARROWEST_S`."""
_NARROWEST_S = 2
_AROUND = 1.5
"""Delays up to so many times shorter or longer say how many to expect: so many times more, as delays bunch anyway."""
_NEXT = 8
"""A beat is looked for among so many registrations that follow: others come between."""
_COARSE_S = (60, 30, 10, 5)
_COARSE_MS = 60_000
_SHORTEST_GAP_MS = 30_000


class _Beat(NamedTuple):
    """Clients who keep a beat; their moments (ms)."""

    traces: tuple[Trace, ...]
    of: int


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients of programs, as one finding."""
    traces, since = in_question(seen), counts_from(seen, NAME)
    least, span = int(parameters["clients"]), int(parameters["days"]) * DAY_MS
    if len(traces) < least:
        return ()
    timed = [trace for trace in traces if trace.since_click is not None]
    quick = crowd(
        [
            Hit(trace.registered, trace.client, trace.registered)
            for trace in timed
            if (trace.since_click or 0) < parameters["seconds"]
        ],
        [trace.registered for trace in timed],
        since=since,
        span=span,
        least=least,
        usual=Usual(float(parameters["share"]), float(parameters["weight"])),
        chance=float(parameters["chance"]),
    )
    new = [trace for trace in traces if trace.registered >= since]
    limit = odds(float(parameters["beat_chance"]))
    beats = [
        *_equal_delays([trace for trace in timed if trace.registered >= since], span, least, limit),
        *_equal_gaps(new, span, least, limit),
    ]
    clusters = [Cluster("quick", "quick 1", quick.clients, quick.of)] if quick else []
    for number, beat in enumerate(beats, 1):
        clients = tuple(sorted(trace.client for trace in beat.traces))
        clusters.append(Cluster("interval", f"interval {number}", clients, beat.of))
    if not clusters:
        return ()
    largest = max(clusters, key=lambda cluster: len(cluster.clients))
    named = {client for cluster in clusters for client in cluster.clients}
    at = [trace.registered for trace in traces if trace.client in named]
    most = max([len(beat.traces) for beat in beats] + ([quick.most] if quick else []))
    together = Crowd(tuple(sorted(named)), most, max(largest.of, most), at[0], at[-1])
    return (of_crowd(seen, NAME, together, parameters["clients"], tuple(clusters), beats=str(len(beats))),)


def _equal_delays(timed: Sequence[Trace], span: int, least: int, limit: float) -> list[_Beat]:
    """Clients whose delay from click to registration is nearly the same: far more than delays a bit shorter or longer
    let expect."""
    found: dict[str, Trace] = {}
    of = 0
    for window in _stretches(timed, span, least):
        ordered = sorted(window, key=lambda trace: (trace.since_click or 0, trace.client))
        delays = [trace.since_click or 0 for trace in ordered]
        grain = _grain(delays)
        for start in range(len(delays) - least + 1):
            delay = delays[start]
            if not 0 < delay <= _LONGEST_S:
                continue
            needs = delays[start + least - 1] - delay
            for part in _WIDTHS:
                width = max(_NARROWEST_S, 2 * grain if grain > 1 else 0, int(delay * part))
                if needs > width or (grain > 1 and width > delay * _WIDTHS[-1]):
                    continue
                end = bisect_right(delays, delay + width)
                low, high = int(delay / _AROUND), int((delay + width) * _AROUND)
                around = bisect_right(delays, high) - bisect_left(delays, low) - (end - start)
                mean = _AROUND * (around + 1) * (width + grain) / max(1, high - low - width)
                if end - start < 2 * mean:
                    continue
                if poisson_tail(end - start, mean) <= limit and _are_near(ordered[start:end], span, least):
                    found.update({trace.client: trace for trace in ordered[start:end]})
                    of = max(of, len(window))
    return [_Beat(tuple(found.values()), of)] if found else []


def _stretches(traces: Sequence[Trace], span: int, least: int) -> Iterator[Sequence[Trace]]:
    """Stretches of one and a half spans, each half a span after the one before: whatever is within a span is in one."""
    at = [trace.registered for trace in traces]
    opened = at[0] if at else 0
    while at and opened <= at[-1]:
        first, end = bisect_left(at, opened), bisect_left(at, opened + span * 3 // 2)
        if end - first >= least:
            yield traces[first:end]
        opened += span // 2


def _are_near(traces: Iterable[Trace], span: int, least: int) -> bool:
    """Whether so many of them are within the span."""
    at = sorted(trace.registered for trace in traces)
    return any(later - earlier < span for earlier, later in zip(at, at[least - 1 :], strict=False))


def _grain(delays: Sequence[int]) -> int:
    """What the delays are rounded to, where many different ones are multiples of it; else 1 (seconds)."""
    for grain in _COARSE_S:
        round_ones = [delay for delay in delays if delay % grain == 0]
        if len(round_ones) * 10 >= len(delays) * 9 and len(set(round_ones)) >= 5:
            return grain
    return 1


def _equal_gaps(traces: Sequence[Trace], span: int, least: int, limit: float) -> list[_Beat]:
    """Clients who register every so many minutes, with others between them perhaps."""
    at = [trace.registered for trace in traces]
    if _is_coarse(at):
        return []
    found: list[_Beat] = []
    taken: set[int] = set()
    longest = span // (least - 1)
    for first in range(len(at) - least + 1):
        if first in taken:
            continue
        for second in range(first + 1, min(len(at), first + 1 + _NEXT)):
            gap = at[second] - at[first]
            if gap > longest:
                break
            if gap < _SHORTEST_GAP_MS or _next(at, second, gap) is None:
                continue
            chain = _chain(at, first, second, gap)
            if len(chain) >= least and _is_beat(at, chain, gap, limit):
                taken.update(chain)
                found.append(_Beat(tuple(traces[index] for index in chain), chain[-1] - chain[0] + 1))
                break
    return found


def _chain(at: Sequence[int], first: int, second: int, gap: int) -> list[int]:
    """Those who follow each other by the gap, as far as it goes; each is reckoned from the one before."""
    chain = [first, second]
    while (following := _next(at, chain[-1], gap)) is not None:
        chain.append(following)
    return chain


def _next(at: Sequence[int], last: int, gap: int) -> int | None:
    """Who comes a gap later, the first within the slack."""
    slack = _slack(gap)
    index = bisect_left(at, at[last] + gap - slack, last + 1)
    return index if index < len(at) and at[index] <= at[last] + gap + slack else None


def _slack(gap: int) -> int:
    return max(1_000, gap // 100)


def _is_beat(at: Sequence[int], chain: Sequence[int], gap: int, limit: float) -> bool:
    """Whether registrations as dense as here would keep the beat by chance so long."""
    lasted = at[chain[-1]] - at[chain[0]]
    dense = (chain[-1] - chain[0] + 1) / max(1, lasted)
    hit = -expm1(-dense * 2 * _slack(gap))
    return (len(chain) - 2) * log(hit) <= limit


def _is_coarse(at: Iterable[int]) -> bool:
    """Whether the platform says only minutes or hours: nine of ten moments are whole minutes, and not all the same."""
    moments = list(at)
    return sum(moment % _COARSE_MS == 0 for moment in moments) * 10 >= len(moments) * 9


DETECTOR = Detector(
    name=NAME,
    inputs=("traces",),
    parameters={
        "clients": 8,
        "days": 7,
        "seconds": 10,
        "share": 0.01,
        "weight": 100,
        "chance": 1e-5,
        "beat_chance": 1e-8,
    },
    meaning={
        "clients": "at least so many registered too soon, or to a beat",
        "days": "within so many days",
        "seconds": "sooner than so many seconds after the click: nobody fills in a form so fast",
        "share": "how many clients of an honest partner do, with forms that fill themselves in",
        "weight": "as how many of the partner's own clients that counts",
        "chance": "how likely chance alone would be, at most, that so many are so quick",
        "beat_chance": "how likely chance alone would be, at most, that so many keep one time",
    },
    staff=N_(
        "{seen} of {of} clients within seven days registered within seconds of their click, or at a regular interval."
        " {first} to {through}, {clients} clients."
    ),
    partner=N_(
        "Clients from {first} to {through} came at unusual times after the click. We look at how they registered."
    ),
    find=find,
)
