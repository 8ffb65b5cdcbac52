"""Wash trades: positions opened and closed within minutes without a price move, for the rebate on their lots.

A scalper is as quick, but lives off the price: its results are larger than its costs. So only clients count of whom
three lots in four are both quick and flat.
"""

from __future__ import annotations

from collections.abc import Mapping

from introducer.domain.calendar import day_at
from introducer.domain.events import LOT
from introducer.domain.fraud.crowds import counts_from, in_question, timeline
from introducer.domain.fraud.finding import N_, Cluster, Detector, Evidence, Finding, Moment, Number
from introducer.domain.fraud.seen import Seen
from introducer.domain.fraud.trace import Trace

NAME = "wash_trades"


def find(seen: Seen, parameters: Mapping[str, Number]) -> tuple[Finding, ...]:
    """The clients whose lots are for the rebate alone."""
    if not seen.terms.lot:
        return ()
    since = counts_from(seen, NAME)
    traces = [trace for trace in in_question(seen) if trace.registered >= since]
    washing = [trace for trace in traces if _washes(trace, parameters)]
    lots, of = sum(map(washed, washing)), sum(trace.lots for trace in traces)
    if lots < parameters["lots"] * LOT or lots * 100 < of * parameters["percent_of_all"]:
        return ()
    clients = tuple(sorted(trace.client for trace in washing))
    first, through = day_at(washing[0].registered), day_at(washing[-1].registered)
    trades = tuple(Moment(trace.registered, trace.client, "trades") for trace in washing)
    told = timeline(seen.traces, clients)
    return (
        Finding(
            detector=NAME,
            clients=clients,
            first=first,
            through=through,
            measured=lots // LOT,
            threshold=parameters["lots"],
            values={
                "lots": str(lots // LOT),
                "of": str(of // LOT),
                "clients": str(len(clients)),
                "first": first,
                "through": through,
            },
            evidence=Evidence(
                clusters=(Cluster("trades", "trades 1", clients, len(traces)),),
                timeline=told or trades[:1],
            ),
        ),
    )


def washed(trace: Trace) -> int:
    """The lots that may be both quick and flat (`LOT` to one)."""
    return min(trace.quick_lots, trace.flat_lots)


def _washes(trace: Trace, parameters: Mapping[str, Number]) -> bool:
    least = int(parameters["client_lots"]) * LOT
    return washed(trace) >= least and washed(trace) * 100 >= trace.lots * parameters["percent"]


DETECTOR = Detector(
    name=NAME,
    inputs=("traces", "terms"),
    parameters={"lots": 50, "client_lots": 1, "percent": 75, "percent_of_all": 2},
    meaning={
        "lots": "so many lots at least, of clients who registered in the window, were quick and flat",
        "client_lots": "a client with fewer of them does not count",
        "percent": "nor one of whose lots they are less than this part",
        "percent_of_all": "they are at least this part of all lots of the clients of the window",
    },
    staff=N_(
        "{lots} of {of} lots were opened and closed within minutes without a price move, under a lot rebate."
        " {clients} clients who registered from {first} to {through}."
    ),
    partner=N_(
        "Clients who registered from {first} to {through} made short trades without a price move. We look at them."
    ),
    find=find,
)
