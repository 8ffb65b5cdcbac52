"""Registration cluster: many clients of a few days have one network, device or make of e-mail address, or throw-away
addresses.

An office, a university or a mobile carrier puts many honest people behind one network. So a network alone is never
enough: its clients must also be alike in something else, or fare unlike the partner's others: share devices or makes of
addresses, use throw-away ones, or, some days later, have almost all done nothing or almost all paid in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from introducer.domain.calendar import DAY_MS
from introducer.domain.fraud.crowds import Crowd, Hit, Usual, counts_from, crowd, in_question, of_crowd
from introducer.domain.fraud.finding import N_, Cluster, Detector, Finding, Number
from introducer.domain.fraud.seen import Seen
from introducer.domain.fraud.statistics import binomial_tail, odds
from introducer.domain.fraud.trace import Trace

NAME = "registration_cluster"
KINDS: dict[str, str] = {"device": "device", "pattern": "pattern", "prefix": "network"}
"""What may be in common, and what staff read."""
_MOST = {"device": 4.0, "pattern": 200.0, "prefix": 200.0}
"""So many times more usual than elsewhere something can be with this partner, by its own clients."""
_ALIKE_AT_MOST = 0.04
_BARE, _PAYING = Usual(0.6, 10), Usual(0.3, 10)
"""How many clients neither prove who they are nor pay in, and how many pay in, where a partner's others do not say."""


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """All clusters of the window, as one finding."""
    traces = in_question(seen)
    least = int(parameters["clients"])
    found: list[tuple[str, Crowd]] = []
    if len(traces) >= least:
        look = _Look(seen, traces, parameters)
        thrown = [trace for trace in traces if trace.disposable]
        usual = Usual(float(parameters["disposable_share"]), float(parameters["weight"]))
        found += look.at("disposable", thrown, usual)
        for kind in KINDS:
            groups: dict[str, list[Trace]] = {}
            for trace in traces:
                value = getattr(trace, kind)
                if value:
                    groups.setdefault(value, []).append(trace)
            sizes = {value: len(group) for value, group in groups.items()}
            # In order of their first clients: the same numbers whenever they are looked at again.
            for value, group in groups.items():
                if sizes[value] >= least:
                    share = _alike(sizes, value, float(parameters["share"]), kind)
                    # That nobody had this one before says much about it: other than of a share of all clients.
                    usual = Usual(share, float(parameters["weight"]), _MOST[kind], 0.1, kind == "prefix")
                    found += look.at(kind, group, usual)
    if not found:
        return ()
    numbers: Counter[str] = Counter()
    clusters = []
    for kind, one in found:
        numbers[kind] += 1
        clusters.append(Cluster(kind, f"{KINDS.get(kind, kind)} {numbers[kind]}", one.clients, one.of))
    _, most = max(found, key=lambda each: each[1].most)
    together = Crowd(
        tuple(sorted({client for _, one in found for client in one.clients})),
        most.most,
        most.of,
        min(one.first for _, one in found),
        max(one.last for _, one in found),
    )
    return (of_crowd(seen, NAME, together, parameters["clients"], tuple(clusters), groups=str(len(clusters))),)


class _Look:
    """One look at a partner's clients."""

    def __init__(self, seen: Seen, traces: Sequence[Trace], parameters: Mapping[str, Number]) -> None:
        self._seen, self._traces, self._parameters = seen, traces, parameters
        self._moments = [trace.registered for trace in traces]
        self._by_client = {trace.client: trace for trace in traces}

    def at(self, kind: str, group: Iterable[Trace], usual: Usual) -> list[tuple[str, Crowd]]:
        """The cluster among these clients, when there is one that says something."""
        found = crowd(
            [Hit(trace.registered, trace.client, trace.registered) for trace in group],
            self._moments,
            since=counts_from(self._seen, NAME),
            span=int(self._parameters["days"]) * DAY_MS,
            least=int(self._parameters["clients"]),
            usual=usual,
            chance=float(self._parameters["chance"]),
        )
        if found is None or (kind == "prefix" and not self._speaks(found)):
            return []
        return [(kind, found)]

    def _speaks(self, network: Crowd) -> bool:
        """Whether people behind a network are alike in more than that, or fare otherwise than other people."""
        members = [self._by_client[client] for client in network.clients]
        devices = [trace.device for trace in members if trace.device]
        patterns = Counter(trace.pattern for trace in members if trace.pattern)
        most_alike = max(patterns.values(), default=0)
        return (
            (2 * len(devices) >= len(members) and 2 * len(set(devices)) <= len(devices))
            or 2 * most_alike >= len(members)
            or 2 * sum(trace.disposable for trace in members) >= len(members)
            or self._fares(members, _is_bare, _BARE)
            or self._fares(members, _has_paid, _PAYING)
        )

    def _fares(self, members: Sequence[Trace], which: Callable[[Trace], bool], usual: Usual) -> bool:
        ripe = self._seen.at - int(self._parameters["ripe_days"]) * DAY_MS
        old, inside = [trace for trace in members if trace.registered <= ripe], {trace.client for trace in members}
        others = [trace for trace in self._traces if trace.registered <= ripe and trace.client not in inside]
        if len(old) < self._parameters["clients"]:
            return False
        share = (sum(map(which, others)) + usual.share * usual.weight) / (len(others) + usual.weight)
        if which is _has_paid:
            # That a few others did not pay in makes nobody of these who did a suspect.
            share = max(share, usual.share)
        chance = binomial_tail(sum(map(which, old)), len(old), share)
        return chance <= odds(float(self._parameters["unlike"]))


def _is_bare(trace: Trace) -> bool:
    return not trace.kyc and not trace.deposits


def _has_paid(trace: Trace) -> bool:
    return bool(trace.deposits)


def _alike(sizes: Mapping[str, int], value: str, least: float, kind: str) -> float:
    """How likely another client has this value: as likely as two of the partner's others agree. Devices never do."""
    if kind == "device":
        return least
    others = [size for other, size in sizes.items() if other != value]
    of = sum(others)
    if of < 2:
        return least
    return min(_ALIKE_AT_MOST, max(least, sum(size * (size - 1) for size in others) / (of * (of - 1))))


DETECTOR = Detector(
    name=NAME,
    inputs=("traces",),
    parameters={
        "clients": 8,
        "days": 7,
        "share": 0.005,
        "disposable_share": 0.03,
        "weight": 60,
        "chance": 1e-5,
        "ripe_days": 3,
        "unlike": 0.002,
    },
    meaning={
        "clients": "at least so many have it in common",
        "days": "and registered within so many days",
        "share": "how many clients have the same by chance, where no others say more",
        "disposable_share": "how many clients use throw-away addresses anyway",
        "weight": "as how many of the partner's own clients these shares count",
        "chance": "how likely chance alone would be, at most",
        "ripe_days": "after so many days it shows how clients behind one network fare",
        "unlike": "how likely it would be, at most, that they fare so by chance",
    },
    staff=N_(
        "{seen} of {of} clients within seven days have a network, a device or a make of e-mail address in common, or"
        " throw-away addresses. {first} to {through}, {clients} clients in {groups} clusters."
    ),
    partner=N_(
        "Registrations from {first} to {through} resemble each other. We look at whether they are different people."
    ),
    find=find,
)
