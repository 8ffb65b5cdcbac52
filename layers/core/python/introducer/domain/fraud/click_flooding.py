"""Click flooding: clicks that nobody made, so that whoever registers by himself later counts as brought by the last.

A tenth of what peers' visitors do register, or less. That is so of poor traffic too; so the clicks must also be of few
networks or few visitors, or those who register must do so hours later. All clicks are looked at, and those beyond the
partner's usual ones: a flood hides among honest visitors. A flood is for those who register hours later, by themselves:
they are named, and not those who came through the link and registered at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from introducer.domain.calendar import HOUR_MS, day_at, day_start
from introducer.domain.fraud.crowds import counts_from, fresh_peers, in_question, quantile, timeline
from introducer.domain.fraud.finding import N_, Cluster, Detector, Evidence, Finding, Number, Point
from introducer.domain.fraud.seen import BUCKETS, Day, Seen
from introducer.domain.fraud.statistics import band, binomial_tail, odds, poisson_head
from introducer.domain.fraud.trace import Trace

NAME = "click_flooding"
_WHOLE = 10_000
_LEAST_DAYS = 5
"""With fewer earlier days nobody knows what is usual of the partner."""


class _Flood(NamedTuple):
    """Days on which clicks flooded, by number, and how it showed."""

    numbers: tuple[int, ...]
    """Without the ordinary days at its ends or between."""
    clicks: int
    registrations: float
    late: bool
    """Whether too many registered hours after their click; else the clicks are of few networks, or few visitors."""


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The floods of the window, as one finding."""
    rates = sorted(
        peer.registrations / peer.clicks for peer in fresh_peers(seen) if peer.clicks >= parameters["peer_clicks"]
    )
    peers = quantile(rates, 0.5)
    if len(rates) < parameters["peers"] or peers <= 0:
        return ()
    if sum(day.clicks for day in seen.days) < parameters["clicks"]:
        return ()
    brought: dict[str, list[Trace]] = {}
    for trace in in_question(seen):
        if trace.since_click is not None:
            brought.setdefault(day_at(trace.registered - trace.since_click * 1000), []).append(trace)
    floods = list(_floods(seen, [brought.get(day.day, []) for day in seen.days], peers, parameters))
    if not floods:
        return ()
    worst = max(floods, key=lambda flood: flood.clicks)
    numbers = sorted({number for flood in floods for number in flood.numbers})
    came = [trace for number in numbers for trace in brought.get(seen.days[number].day, ())]
    late = [trace for trace in came if _is_late(trace, parameters)]
    # Where nobody was late, those who came are all that there is to look at.
    clients = tuple(sorted({trace.client for trace in late or came}))
    first, through = seen.days[numbers[0]].day, seen.days[numbers[-1]].day
    clusters = (Cluster("late", "late 1", clients, len(came)),) if late else ()
    return (
        Finding(
            detector=NAME,
            clients=clients,
            first=first,
            through=through,
            measured=worst.clicks,
            threshold=parameters["clicks"],
            values={
                "clicks": str(worst.clicks),
                "registrations": str(round(worst.registrations)),
                "expected": str(round(worst.clicks * peers)),
                "clients": str(len(clients)),
                "first": first,
                "through": through,
            },
            evidence=Evidence(
                clusters=clusters,
                series=tuple(_series(seen.days, brought, peers)),
                timeline=timeline(seen.traces, clients),
            ),
        ),
    )


def _floods(
    seen: Seen, brought: Sequence[Sequence[Trace]], peers: float, parameters: Mapping[str, Number]
) -> Iterator[_Flood]:
    since = counts_from(seen, NAME)
    begin = sum(day_start(day.day) < since for day in seen.days)
    length = int(parameters["days"])
    for end in range(begin + 1, len(seen.days) + 1):
        first = max(begin, end - length)
        days = seen.days[first:end]
        clicks = sum(day.clicks for day in days)
        if clicks < parameters["clicks"]:
            continue
        registrations = sum(map(len, brought[first:end]))
        known = seen.days[:first]
        # The middle of the earlier days: a flood before this one does not become usual at once.
        usual = quantile(sorted(day.clicks for day in known), 0.5) if len(known) >= _LEAST_DAYS else 0.0
        ordinary = usual * len(days)
        beyond = max(0.0, registrations - ordinary * _own_rate(known, brought[:first]))
        for clicked, registered, chance in (
            (clicks, float(registrations), float(parameters["late_chance"])),
            (clicks - ordinary, beyond, float(parameters["late_chance_beyond"])),
        ):
            if clicked < parameters["clicks"] or registered > clicked * peers / parameters["parts"]:
                continue
            if poisson_head(round(registered), clicked * peers) > odds(float(parameters["chance"])):
                continue
            late = _are_late(brought[first:end], brought[:first], parameters, chance)
            if late or _is_narrow(days, known if ordinary else (), parameters):
                numbers = _flooded(seen.days, begin, first, end, usual if clicked < clicks else 0.0)
                yield _Flood(numbers, int(clicked), registered, late)
                break


def _flooded(days: Sequence[Day], begin: int, first: int, end: int, usual: float) -> tuple[int, ...]:
    """Those of the days, and the ones next to them, that have half as many clicks beyond the usual as the busiest of
    them but one: a flood is longer than the days that are looked at together, or shorter."""
    beyond = sorted((day.clicks - usual for day in days[first:end]), reverse=True)
    least = max(1.0, beyond[min(1, len(beyond) - 1)] / 2)

    def is_high(number: int) -> bool:
        return days[number].clicks - usual >= least

    while first > begin and is_high(first - 1):
        first -= 1
    while end < len(days) and is_high(end):
        end += 1
    return tuple(number for number in range(first, end) if is_high(number))


def _own_rate(days: Sequence[Day], brought: Sequence[Sequence[Trace]]) -> float:
    clicks = sum(day.clicks for day in days)
    return sum(map(len, brought)) / clicks if clicks else 0.0


def _is_late(trace: Trace, parameters: Mapping[str, Number]) -> bool:
    return (trace.since_click or 0) * 1000 >= parameters["late_hours"] * HOUR_MS


def _are_late(
    brought: Sequence[Sequence[Trace]],
    before: Sequence[Sequence[Trace]],
    parameters: Mapping[str, Number],
    most: float,
) -> bool:
    """Whether more register hours after their click than there used to."""
    registered = [_is_late(trace, parameters) for day in brought for trace in day]
    if sum(registered) < parameters["late_clients"]:
        return False
    earlier = [_is_late(trace, parameters) for day in before for trace in day]
    own = (sum(earlier) + 10 * float(parameters["late_share"])) / (len(earlier) + 10)
    return binomial_tail(sum(registered), len(registered), own) <= odds(most)


def _is_narrow(days: Sequence[Day], known: Sequence[Day], parameters: Mapping[str, Number]) -> bool:
    """Whether what is more than usual comes of few networks, or few visitors make many clicks."""
    usual = [sum(day.buckets[number] for day in known) * len(days) / max(1, len(known)) for number in range(BUCKETS)]
    more = [max(0.0, sum(day.buckets[number] for day in days) - usual[number]) for number in range(BUCKETS)]
    if sum(more) >= parameters["clicks"] / 2 and sum(sorted(more)[-2:]) >= parameters["narrow"] * sum(more):
        return True
    clicks, unique = sum(day.clicks for day in days), sum(day.unique for day in days)
    before, unique_before = sum(day.clicks for day in known), sum(day.unique for day in known)
    return 0 < unique <= clicks * parameters["visitors"] and (not before or unique_before > before / 2)


def _series(days: Sequence[Day], brought: Mapping[str, Sequence[Trace]], peers: float) -> Iterator[Point]:
    for day in days:
        if day.clicks:
            registrations = len(brought.get(day.day, ()))
            low, high = band(day.clicks, peers, 0.001)
            rates = (each * _WHOLE // day.clicks for each in (registrations, low, high))
            yield Point(day.day, registrations, day.clicks, *rates)


DETECTOR = Detector(
    name=NAME,
    inputs=("days", "traces", "peers"),
    parameters={
        "clicks": 2000,
        "days": 7,
        "parts": 10,
        "late_hours": 2,
        "late_clients": 3,
        "late_share": 0.3,
        "late_chance": 0.005,
        "late_chance_beyond": 1e-4,
        "narrow": 0.6,
        "visitors": 0.2,
        "chance": 1e-7,
        "peer_clicks": 200,
        "peers": 5,
    },
    meaning={
        "clicks": "at least so many clicks, or so many more than usual",
        "days": "within so many days",
        "parts": "of which no more register than the peers' middle rate divided by this",
        "late_hours": "a registration is late so many hours after the click",
        "late_clients": "at least so many registrations are late",
        "late_share": "how many are late with honest partners, before the partner's own earlier ones say it",
        "late_chance": "how likely chance alone would be, at most, that so many are late",
        "late_chance_beyond": "the same, where a flood is looked for among usual clicks",
        "narrow": "the part of the clicks beyond the usual that two of sixteen groups of networks make at least",
        "visitors": "or: different visitors per click, at most",
        "chance": "how likely so few registrations would be by chance, at most",
        "peer_clicks": "a peer with fewer clicks in thirty days says nothing",
        "peers": "with fewer of them nothing is said",
    },
    staff=N_(
        "{clicks} clicks within seven days brought {registrations} registrations, where peers' clicks bring {expected};"
        " and they come late, or of few networks or visitors. {first} to {through}, {clients} clients."
    ),
    partner=N_(
        "From {first} to {through} your links had many clicks and few registrations. We look at where they come from."
    ),
    find=find,
)
