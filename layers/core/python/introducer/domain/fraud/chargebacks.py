"""Chargebacks: deposits of stolen cards, or of people who never meant to leave them, come back.

Refunds are chargebacks too here, and some come with every partner: so many are expected, as the peers show.
"""

from __future__ import annotations

from collections.abc import Mapping

from introducer.domain.calendar import DAY_MS
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

NAME = "chargebacks"


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients whose deposits came back, when they are too many."""
    depositors = [trace for trace in in_question(seen) if trace.deposits]
    back = [trace for trace in depositors if trace.chargebacks]
    if len(back) < parameters["clients"]:
        return ()
    usual = peers_share(fresh_peers(seen), "chargebacks", float(parameters["share"])) * float(parameters["slack"])
    found = crowd(
        [Hit(trace.deposits[0].at, trace.client, trace.deposits[0].at) for trace in back],
        [trace.deposits[0].at for trace in depositors],
        since=counts_from(seen, NAME),
        span=int(parameters["days"]) * DAY_MS,
        least=int(parameters["clients"]),
        usual=Usual(min(usual, float(parameters["share_at_most"])), float(parameters["weight"])),
        chance=float(parameters["chance"]),
    )
    if found is None:
        return ()
    cluster = Cluster("chargeback", "chargeback 1", found.clients, found.of)
    return (of_crowd(seen, NAME, found, parameters["clients"], (cluster,)),)


DETECTOR = Detector(
    name=NAME,
    inputs=("traces", "peers"),
    parameters={
        "clients": 4,
        "days": 60,
        "share": 0.01,
        "share_at_most": 0.1,
        "slack": 1.5,
        "weight": 40,
        "chance": 3e-5,
    },
    meaning={
        "clients": "deposits of so many clients at least were charged back",
        "days": "whose first deposits were within so many days",
        "share": "how many depositors of an honest partner have one, when peers do not say that there are more",
        "share_at_most": "and never more than so many, whatever peers say",
        "slack": "partners differ: so many times what the peers show is usual",
        "weight": "as how many of the partner's own depositors that counts",
        "chance": "how likely chance alone would be, at most",
    },
    staff=N_(
        "Deposits of {seen} of {of} depositors within sixty days were charged back or refunded. {first} to {through},"
        " {clients} clients."
    ),
    partner=N_("Deposits of clients who paid in from {first} to {through} were charged back. We look at why."),
    find=find,
)
