"""Minimal deposit: clients pay in just what a cpa asks for, earn it, and do nothing more.

Where people have little, most pay in the least and many stop. So what is expected is the partner's own: how many of its
active clients pay in the least, times how many of its larger depositors stop; peers stand in where it has few.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from introducer.domain.calendar import DAY_MS
from introducer.domain.events import LOT
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
from introducer.domain.fraud.seen import Seen, Terms
from introducer.domain.fraud.trace import Trace

NAME = "minimal_deposit"
_PRIOR = 20.0
"""As how many of the partner's clients a usual share counts, where the partner's own say what to expect."""


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients who did just enough, when they are too many."""
    if not seen.terms.cpa or not seen.terms.least:
        return ()
    ripe = seen.at - int(parameters["ripe_days"]) * DAY_MS
    paid = [trace for trace in in_question(seen) if trace.qualified and trace.deposits]
    paid = [trace for trace in paid if trace.deposits[0].at <= ripe]
    # All who qualified traded what a cpa asks for: that much is no sign of life.
    asked = min((trace.lots for trace in paid), default=0)
    idle = {trace.client for trace in paid if _is_idle(trace, asked, parameters)}
    just = [trace for trace in paid if _is_least(trace, seen.terms, parameters) and trace.client in idle]
    if len(just) < parameters["clients"]:
        return ()
    found = crowd(
        [Hit(trace.deposits[0].at, trace.client, trace.deposits[0].at) for trace in just],
        [trace.deposits[0].at for trace in paid],
        since=counts_from(seen, NAME),
        span=int(parameters["days"]) * DAY_MS,
        least=int(parameters["clients"]),
        usual=Usual(_expected(seen, paid, idle, parameters), float(parameters["weight"]), 2.0),
        chance=float(parameters["chance"]),
    )
    if found is None:
        return ()
    cluster = Cluster("deposit", "deposit 1", found.clients, found.of)
    return (of_crowd(seen, NAME, found, parameters["clients"], (cluster,)),)


def _expected(seen: Seen, paid: list[Trace], idle: Collection[str], parameters: Mapping[str, Number]) -> float:
    """The share of clients who would pay in the least and stop, if the one had nothing to do with the other."""
    peers = peers_share(fresh_peers(seen), "smallest", 0.0) or float(parameters["least_share"])
    peers = min(peers, float(parameters["share_at_most"]))
    active = [trace for trace in paid if trace.client not in idle]
    larger = [trace for trace in paid if not _is_least(trace, seen.terms, parameters)]
    least = (sum(_is_least(trace, seen.terms, parameters) for trace in active) + peers * _PRIOR) / (
        len(active) + _PRIOR
    )
    stop = (sum(trace.client in idle for trace in larger) + float(parameters["idle_share"]) * _PRIOR) / (
        len(larger) + _PRIOR
    )
    return min(float(parameters["share_at_most"]), least * stop * float(parameters["slack"]))


def _is_least(trace: Trace, terms: Terms, parameters: Mapping[str, Number]) -> bool:
    """Whether all that it paid in is what a cpa asks for, or hardly more; not known in another currency."""
    if terms.least is None or any(flow.currency != terms.currency for flow in trace.deposits):
        return False
    return sum(flow.minor for flow in trace.deposits) * 100 <= terms.least * parameters["percent"]


def _is_idle(trace: Trace, asked: int, parameters: Mapping[str, Number]) -> bool:
    return trace.trades < parameters["trades"] and trace.lots <= max(asked, parameters["lots"] * LOT - 1)


DETECTOR = Detector(
    name=NAME,
    inputs=("traces", "terms", "peers"),
    parameters={
        "clients": 8,
        "days": 30,
        "percent": 110,
        "trades": 16,
        "lots": 1,
        "ripe_days": 5,
        "least_share": 0.3,
        "idle_share": 0.3,
        "share_at_most": 0.5,
        "slack": 1.25,
        "weight": 20,
        "chance": 1e-5,
    },
    meaning={
        "clients": "at least so many paid in the least and did nothing more",
        "days": "and made their first deposits within so many days",
        "percent": "all that they paid in is at most so many per cent of what a cpa asks for",
        "trades": "they made fewer trades than this",
        "lots": "and traded fewer lots than this, or no more than every client who qualified",
        "ripe_days": "so many days after the first deposit at the earliest",
        "least_share": "how many depositors pay in the least, when peers do not say",
        "idle_share": "how many depositors stop so early, before the partner's own say more",
        "share_at_most": "no share is expected to be larger",
        "slack": "who pays in little stops sooner: so many times as many as if that were independent",
        "weight": "as how many of the partner's own earlier clients the expected share counts",
        "chance": "how likely chance alone would be, at most",
    },
    staff=N_(
        "{seen} of {of} clients who qualified within thirty days paid in just what a cpa asks for and did nothing more."
        " {first} to {through}, {clients} clients."
    ),
    partner=N_("Clients who paid in from {first} to {through} have hardly been active since. We look at them."),
    find=find,
)
