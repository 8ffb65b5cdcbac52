"""Deposit and withdraw: clients pay in what earns a commission, and draw it again within hours.

Some people change their mind, with every partner: so many are expected, as the peers show.
"""

from __future__ import annotations

from collections.abc import Mapping

from introducer.domain.calendar import DAY_MS, HOUR_MS
from introducer.domain.fraud.crowds import (
    Hit,
    Usual,
    counts_from,
    crowd,
    fresh_peers,
    in_question,
    of_crowd,
    peers_share,
)
from introducer.domain.fraud.finding import N_, Cluster, Detector, Finding, Number
from introducer.domain.fraud.seen import Seen
from introducer.domain.fraud.trace import Trace

NAME = "deposit_and_withdraw"


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients who drew their money at once, when they are too many."""
    depositors = [trace for trace in in_question(seen) if trace.deposits]
    hits = []
    for trace in depositors:
        drawn = drawn_at(trace, int(parameters["percent"]), int(parameters["hours"]) * HOUR_MS)
        if drawn is not None:
            hits.append(Hit(trace.deposits[0].at, trace.client, drawn))
    if len(hits) < parameters["clients"]:
        return ()
    usual = peers_share(fresh_peers(seen), "drawn", float(parameters["share"])) * float(parameters["slack"])
    found = crowd(
        hits,
        [trace.deposits[0].at for trace in depositors],
        since=counts_from(seen, NAME),
        span=int(parameters["days"]) * DAY_MS,
        least=int(parameters["clients"]),
        usual=Usual(min(usual, float(parameters["share_at_most"])), float(parameters["weight"])),
        chance=float(parameters["chance"]),
    )
    if found is None:
        return ()
    drew = Cluster("drawn", "drawn 1", found.clients, found.of)
    return (of_crowd(seen, NAME, found, parameters["clients"], (drew,), hours=str(parameters["hours"])),)


def drawn_at(trace: Trace, percent: int, within: int) -> int | None:
    """When the client had drawn so much of what it paid in, in the currency of its first deposit; None if it did not,
    or later than `within` ms after that deposit."""
    if not trace.deposits:
        return None
    start, currency = trace.deposits[0].at, trace.deposits[0].currency
    flows = [(flow.at, 1, flow.minor) for flow in trace.withdrawals if flow.currency == currency]
    flows += [(flow.at, 0, flow.minor) for flow in trace.deposits if flow.currency == currency]
    paid = sum(minor for at, draws, minor in flows if not draws and at <= start + within)
    drawn = 0
    for at, draws, minor in sorted(flows):
        if draws and at <= start + within:
            drawn += minor
            if drawn * 100 >= paid * percent:
                return at
    return None


DETECTOR = Detector(
    name=NAME,
    inputs=("traces", "peers"),
    parameters={
        "clients": 4,
        "days": 30,
        "percent": 80,
        "hours": 72,
        "share": 0.02,
        "share_at_most": 0.1,
        "slack": 1.5,
        "weight": 40,
        "chance": 3e-5,
    },
    meaning={
        "clients": "at least so many drew their money at once",
        "days": "and made their first deposits within so many days",
        "percent": "so many per cent of what they paid in",
        "hours": "within so many hours of the first deposit",
        "share": "how many depositors of an honest partner do that, when peers do not say that there are more",
        "share_at_most": "and never more than so many, whatever peers say",
        "slack": "partners differ: so many times what the peers show is usual",
        "weight": "as how many of the partner's own depositors that counts",
        "chance": "how likely chance alone would be, at most",
    },
    staff=N_(
        "{seen} of {of} depositors within thirty days drew most of their money within {hours} hours of the first"
        " deposit. {first} to {through}, {clients} clients."
    ),
    partner=N_("Clients who paid in from {first} to {through} drew their money soon after. We look at why."),
    find=find,
)
