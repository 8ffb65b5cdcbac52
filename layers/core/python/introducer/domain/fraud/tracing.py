"""From a client's state to its trace, and to what its registration says of the person.

Pure functions of the facts: the same whatever order events came in. What the registration says (hashes of e-mail,
phone, device, address) is in no state: it stands in the event, in the trace and in the index of persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from introducer.domain.calendar import day_at
from introducer.domain.client import ClientState, Deposit
from introducer.domain.contracts import Contracts
from introducer.domain.events import LOT, Event, EventType
from introducer.domain.fraud.person import Person
from introducer.domain.fraud.trace import Flow, Trace, coarse
from introducer.domain.rules import cpa

FLOWS = 10
"""Deposits and withdrawals that a trace names."""

INDEXED = ("email", "phone", "device")
"""The kinds of hashes of a registration that are counted over all clients of the brand."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What a fold changes of traces and persons. Empty for almost every event."""

    traces: Mapping[str, Trace] = field(default_factory=dict)
    """By partner: the client's trace as it is now."""
    told: bool = False
    """Whether the traces have what the registration says; else that stays as it is written."""
    gone: Mapping[str, int] = field(default_factory=dict)
    """By partner: the registration (ms) under which the client was its, and is no more."""
    persons: Mapping[Person, int] = field(default_factory=dict)
    """How many clients more (or fewer) have this e-mail, phone or device."""


NOTHING = Traced()


def trace_of(state: ClientState, contracts: Contracts) -> Trace | None:
    """What the state says to detectors, without what only the registration says; None while it is nobody's client."""
    owner, anchor = state.owner, state.anchor
    if owner is None or anchor is None:
        return None
    visit = state.visits.get(owner.click)
    return Trace(
        client=state.client,
        registered=anchor,
        link=owner.link,
        campaign=owner.campaign,
        since_click=None if visit is None else max(0, anchor - visit.at) // 1000,
        country=state.country or "",
        kyc=state.kyc is not None,
        deposits=_flows(state.deposits.values()),
        withdrawals=_flows(state.withdrawals.values()),
        chargebacks=len(state.chargebacks),
        qualified=bool(cpa.targets(state, contracts).qualified),
        trades=coarse(state.trades),
        lots=coarse(state.lots, LOT),
        quick_lots=coarse(state.quick_lots, LOT),
        flat_lots=coarse(state.flat_lots, LOT),
        disallowed=state.disallowed_at(max(state.last_at, anchor)),
    )


def exact(trace: Trace, state: ClientState) -> Trace:
    """The trace with the sums of trading as they are, which the books keep coarsely."""
    return replace(trace, trades=state.trades, lots=state.lots, quick_lots=state.quick_lots, flat_lots=state.flat_lots)


def with_registration(trace: Trace, registration: Event | None) -> Trace:
    """The trace with what its registration says of the person; with nothing, where there is none."""
    if registration is None:
        return trace
    return replace(
        trace,
        email=registration.email_hash or "",
        phone=registration.phone_hash or "",
        device=registration.device_hash or "",
        address=registration.address_hash or "",
        prefix=registration.prefix_hash or "",
        pattern=registration.pattern_hash or "",
        disposable=bool(registration.disposable),
    )


def persons_of(registration: Event | None) -> set[Person]:
    """The e-mail, phone and device of a registration."""
    if registration is None:
        return set()
    said = {kind: getattr(registration, f"{kind}_hash") for kind in INDEXED}
    return {Person(kind, value) for kind, value in said.items() if value}


def traced(
    before: ClientState, after: ClientState, events: Iterable[Event], contracts: Contracts, *, refold: bool
) -> Traced:
    """What changed for detectors. `events` are those that were weighed: the new ones, or all after a refold (and those
    that are cancelled now must be among them)."""
    if not refold and not _may_differ(before, after):
        return NOTHING
    owner = after.owner.partner if after.owner else None
    was = before.owner.partner if before.owner else None
    trace, old = trace_of(after, contracts), None if refold else trace_of(before, contracts)
    told = refold or after.registered != before.registered
    by_key = {event.key: event for event in events if event.type is EventType.REGISTRATION} if told else {}

    def registration(state: ClientState) -> Event | None:
        mark = state.registered
        return by_key.get((mark.source, mark.event_id)) if mark else None

    persons: dict[Person, int] = {}
    if told:
        now, then = persons_of(registration(after)), persons_of(registration(before))
        persons = {**dict.fromkeys(now - then, 1), **dict.fromkeys(then - now, -1)}
    gone: dict[str, int] = {}
    if was is not None and before.anchor is not None:
        # A trace stands under the day: another moment of the same day is the same trace.
        stays = was == owner and after.anchor is not None and day_at(before.anchor) == day_at(after.anchor)
        if not stays:
            gone[was] = before.anchor
    traces: dict[str, Trace] = {}
    if trace is not None and owner is not None and (told or trace != old):
        traces[owner] = with_registration(trace, registration(after)) if told else trace
    return Traced(traces, told, gone, persons)


def _may_differ(before: ClientState, after: ClientState) -> bool:
    """Whether anything that a trace shows may have changed; trades alone change it a few times in a thousand."""
    return (
        before.first != after.first
        or before.registered != after.registered
        or before.kyc != after.kyc
        or before.deposits != after.deposits
        or before.withdrawals != after.withdrawals
        or before.chargebacks != after.chargebacks
        or before.visits != after.visits
        or before.activity != after.activity
        or coarse(before.trades) != coarse(after.trades)
        or coarse(before.lots, LOT) != coarse(after.lots, LOT)
        or coarse(before.quick_lots, LOT) != coarse(after.quick_lots, LOT)
        or coarse(before.flat_lots, LOT) != coarse(after.flat_lots, LOT)
    )


def _flows(flows: Iterable[Deposit]) -> tuple[Flow, ...]:
    return tuple(Flow(*flow) for flow in sorted(flows)[:FLOWS])
