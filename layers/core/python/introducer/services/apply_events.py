"""The engine: applies accepted events to the books, in one transaction per partner and batch.

Nothing here decides what is owed: `domain.earnings.accrue` does. This reads, folds, writes, and when something changed
meanwhile reads and folds again. An event that cannot be applied goes to quarantine with its reason and stops nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.earnings import HistoryNeeded, Transition, accrue, first_part
from introducer.domain.errors import Conflict, IntroducerError, Poison, Unavailable
from introducer.domain.events import Event
from introducer.domain.ledger import Journal
from introducer.domain.news import news_of
from introducer.domain.receipts import journal
from introducer.store.accruals import Accrual, Accruals
from introducer.store.clients import ClientKey, Clients
from introducer.store.facts import Facts, event_to_item
from introducer.store.ledger import Ledger
from introducer.store.persons import Known
from introducer.store.wire import BATCH

TRIES = 8
"""How often a client is read and folded again when something changed meanwhile, before the batch is left to a retry."""

EVENTS_AT_ONCE = 60
"""Events of one client folded into one transaction; leaves room for its journals and counters."""


class ReadsContracts(Protocol):
    """Where the contracts come from (`read_contracts.ContractReader`)."""

    def contracts_for(self, states: Iterable[ClientState], events: Iterable[Event]) -> Contracts: ...


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch."""

    applied: int
    quarantined: int
    failed: tuple[Event, ...]
    """Events to deliver again: the tables did not answer. Nothing of them was written."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    client: ClientKey
    events: tuple[Event, ...]
    accrual: Accrual
    partners: frozenset[str]
    complete: bool
    """Whether this is all there is to write; else the rest follows in transactions of its own."""


class _Changed(Exception):
    """What was just read does not hold any more, or cannot be folded as it stands: read it again."""


class Engine:
    """Applies batches of events. `now_ms` is the clock; `pause` waits before the n-th new try; `report` is told of
    events that went to quarantine, with the exception."""

    def __init__(
        self,
        *,
        facts: Facts,
        clients: Clients,
        ledger: Ledger,
        accruals: Accruals,
        contracts: ReadsContracts,
        now_ms: Callable[[], int],
        pause: Callable[[int], None],
        report: Callable[[Event, Exception], None],
    ) -> None:
        self._facts = facts
        self._clients = clients
        self._ledger = ledger
        self._accruals = accruals
        self._contracts = contracts
        self._now_ms = now_ms
        self._pause = pause
        self._report = report

    def apply(self, events: Iterable[Event]) -> Applied:
        """Apply events that are not applied yet. Repeats and any order are harmless."""
        work: dict[ClientKey, list[Event]] = {}
        for event in {(event.brand, event.client, *event.key): event for event in events}.values():
            if event.applied_at is None:
                work.setdefault((event.brand, event.client), []).append(event)
        applied = quarantined = 0
        failed: list[Event] = []
        while work:
            batch = {client: waiting[:EVENTS_AT_ONCE] for client, waiting in work.items()}
            work = {client: rest for client, waiting in work.items() if (rest := waiting[EVENTS_AT_ONCE:])}
            done = self._apply_batch(batch)
            applied += done.applied
            quarantined += done.quarantined
            failed += done.failed
            for event in done.failed:
                # What comes later for this client must not overtake what failed.
                failed += work.pop((event.brand, event.client), [])
        return Applied(applied, quarantined, tuple(failed))

    def _apply_batch(self, batch: dict[ClientKey, list[Event]]) -> Applied:
        given = batch
        applied = quarantined = 0
        failed: list[Event] = []
        suspects: dict[ClientKey, list[Event]] = {}
        unfinished: list[ClientKey] = []
        for attempt in range(TRIES):
            if attempt:
                self._pause(attempt)
            try:
                if attempt:
                    batch = self._still_waiting(batch)
                prepared, poisoned, changed = self._prepare(batch)
                quarantined += len(poisoned)
            except Unavailable:
                break
            again: dict[ClientKey, list[Event]] = {client: batch[client] for client in changed}
            # After two refusals each client goes alone, so that one that keeps changing does not hold up the others.
            for together in _packed(prepared, alone=attempt > 1):
                try:
                    self._accruals.write(_joined(together), self._now_ms())
                    applied += sum(len(each.events) for each in together)
                    unfinished += [each.client for each in together if not each.complete]
                except Conflict:
                    again |= {each.client: list(each.events) for each in together}
                except Poison:
                    suspects |= {each.client: list(each.events) for each in together}
                except Unavailable:
                    failed += [event for each in together for event in each.events]
            batch = again
            if not batch:
                break
        failed += [event for client, events in batch.items() for event in events or given[client]]
        for client, events in suspects.items():
            alone = self._apply_one_by_one(client, events)
            applied += alone.applied
            quarantined += alone.quarantined
            failed += alone.failed
        # A part that cannot be written now comes again with the events that made it.
        failed += [event for client in unfinished if not self._finish(client) for event in given[client]]
        return Applied(applied, quarantined, tuple(failed))

    def _finish(self, client: ClientKey) -> bool:
        """Write what did not fit into a client's transaction, in as many more as it takes; whether all is written."""
        conflicts = 0
        while conflicts < TRIES:
            try:
                prepared, _, changed = self._prepare({client: []})
                if changed:
                    raise Conflict("The client changed meanwhile: read again.")
                if not prepared:
                    return True
                self._accruals.write(prepared[0].accrual, self._now_ms())
            except Conflict:
                conflicts += 1
                self._pause(conflicts)
            except (Poison, Unavailable):
                return False
        return False

    def _apply_one_by_one(self, client: ClientKey, events: Sequence[Event]) -> Applied:
        """DynamoDB refused these for good when they went together: find the one that it will not take."""
        applied = quarantined = 0
        left = sorted(events, key=lambda event: event.order)
        conflicts = 0
        while left and conflicts < TRIES:
            try:
                waiting = self._still_waiting({client: left[:1]})[client]
                prepared, poisoned, changed = self._prepare({client: waiting}) if waiting else ([], [], [])
                if changed:
                    raise Conflict("The client changed meanwhile: read again.")
                quarantined += len(poisoned)
                for each in prepared:
                    self._accruals.write(each.accrual, self._now_ms())
                    applied += 1
                    if not each.complete and not self._finish(client):
                        return Applied(applied, quarantined, tuple(left))
            except Conflict:
                conflicts += 1
                self._pause(conflicts)
                continue
            except Poison as error:
                self._quarantine(left[0], error)
                quarantined += 1
            except Unavailable:
                break
            left = left[1:]
        return Applied(applied, quarantined, tuple(left))

    def _still_waiting(self, batch: dict[ClientKey, list[Event]]) -> dict[ClientKey, list[Event]]:
        """The events that nobody applied meanwhile. A client without any stays: a part of what an earlier transaction
        did not hold may be waiting in its state."""
        waiting: dict[ClientKey, list[Event]] = {client: [] for client in batch}
        for client, events in batch.items():
            for event in events:
                stored = self._facts.event(event.brand, event.client, event.source, event.event_id)
                if stored is not None and stored.applied_at is None:
                    waiting[client].append(stored)
        return waiting

    def _prepare(self, batch: dict[ClientKey, list[Event]]) -> tuple[list[_Prepared], list[Event], list[ClientKey]]:
        """What to write, which events went to quarantine, and which clients must be read again."""
        states = self._clients.states(batch)
        contracts = self._contracts.contracts_for(states.values(), (e for events in batch.values() for e in events))
        frozen: dict[str, str | None] = {}
        prepared: list[_Prepared] = []
        poisoned: list[Event] = []
        changed: list[ClientKey] = []
        for client, events in batch.items():
            state = states.get(client) or ClientState(*client)
            try:
                ready, bad = self._prepare_client(state, events, contracts, frozen)
            except _Changed:
                changed.append(client)
                continue
            prepared += [each for each in ready if each.accrual.size() > 1 or not each.complete]
            poisoned += bad
        return prepared, poisoned, changed

    def _prepare_client(
        self, state: ClientState, events: Sequence[Event], contracts: Contracts, frozen: dict[str, str | None]
    ) -> tuple[list[_Prepared], list[Event]]:
        """The client's part of a transaction. If its events cannot be folded together, the ones that cannot be folded
        at all go to quarantine and the rest goes on. Raises `_Changed`."""
        try:
            return [self._fold(state, events, contracts, frozen)], []
        except Unavailable:
            raise
        except Exception as error:
            if not events and state.unfinished:
                raise _Changed from error
            if not events:
                # Nothing of this batch is about the client any more; its next event folds it again.
                return [], []
            if len(events) == 1:
                self._quarantine(events[0], error)
                return [], [events[0]]
        good: list[Event] = []
        bad: list[Event] = []
        for event in sorted(events, key=lambda each: each.order):
            try:
                self._fold(state, [*good, event], contracts, frozen)
                good.append(event)
            except Unavailable:
                raise
            except Exception as error:
                self._quarantine(event, error)
                bad.append(event)
        try:
            return ([self._fold(state, good, contracts, frozen)] if good else []), bad
        except Unavailable:
            raise
        except Exception as error:
            # One by one they could be folded: another engine applied something meanwhile.
            raise _Changed from error

    def _fold(
        self, state: ClientState, events: Sequence[Event], contracts: Contracts, frozen: dict[str, str | None]
    ) -> _Prepared:
        try:
            transition = accrue(state, events, contracts)
        except HistoryNeeded:
            history = [e for e in self._facts.events_of_client(state.brand, state.client) if e.applied_at is not None]
            contracts = self._contracts.contracts_for([state], [*history, *events])
            transition = accrue(state, events, contracts, history)
        found = transition.traced
        first = transition.state.first_holder
        relisted = frozenset({(first, state.client)} if first != state.first_holder else ())
        beside = len(found.traces) + len(found.gone) + len(found.persons) + len(relisted)
        part = first_part(transition, BATCH - len(transition.applied) - 1 - beside)
        journals = self._journals(state, part, contracts, frozen)
        rows = {(state.client, month_of): row for month_of, row in part.rows.items()}
        owner = part.state.owner.partner if part.state.owner else ""
        accrual = Accrual(
            part.applied,
            (part.state,),
            journals,
            part.counts,
            rows,
            traces={(partner, state.client): trace for partner, trace in found.traces.items()},
            told=frozenset({state.client} if found.told else ()),
            gone=frozenset((partner, registered, state.client) for partner, registered in found.gone.items()),
            relisted=relisted,
            persons={
                (state.brand, person): Known(number, state.client, owner) for person, number in found.persons.items()
            },
            news={(state.brand, state.client): news_of(state, transition, contracts)},
        )
        partners = {key.partner for key in part.counts} | {each.key.partner for each in journals}
        complete = part.state == transition.state
        return _Prepared((state.brand, state.client), part.applied, accrual, frozenset(partners), complete)

    def _journals(
        self, state: ClientState, transition: Transition, contracts: Contracts, frozen: dict[str, str | None]
    ) -> tuple[Journal, ...]:
        journals = []
        for posting in transition.postings:
            partner = posting.key.partner
            if partner not in frozen:
                frozen[partner] = self._ledger.balance(partner).frozen_through
            journals.append(
                journal(
                    posting,
                    transition,
                    contracts,
                    frozen[partner],
                    self._now_ms(),
                    transition.state.version + 1,
                )
            )
        return tuple(journals)

    def _quarantine(self, event: Event, error: Exception) -> None:
        self._report(event, error)
        if isinstance(error, IntroducerError):
            reason, detail = error.code, error.detail
        else:
            reason, detail = "engine_error", f"The engine could not apply this event ({type(error).__name__})."
        message = {name: value for name, value in event_to_item(event).items() if name not in ("pk", "sk")}
        self._facts.quarantine(
            brand=event.brand,
            source=event.source,
            at=event.accepted_at or event.occurred_at,
            reason=reason,
            detail=detail,
            message=json.dumps(message, separators=(",", ":")),
            event_id=event.event_id,
            client=event.client,
        )


def _packed(prepared: Sequence[_Prepared], *, alone: bool) -> Iterable[list[_Prepared]]:
    """Clients of the same partner together, as many as one transaction holds: they meet the balance once."""
    if alone:
        yield from ([each] for each in prepared)
        return
    groups: dict[frozenset[str], list[_Prepared]] = {}
    for each in prepared:
        groups.setdefault(each.partners, []).append(each)
    for group in groups.values():
        pack: list[_Prepared] = []
        for each in group:
            if pack and _joined([*pack, each]).size() > BATCH:
                yield pack
                pack = []
            pack.append(each)
        yield pack


def _joined(pack: Sequence[_Prepared]) -> Accrual:
    joined = pack[0].accrual
    for each in pack[1:]:
        joined = joined.together(each.accrual)
    return joined
