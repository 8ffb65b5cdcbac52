"""The authoritative count of a contest: what each client did, folded afresh from the facts that were accepted in time.

All of a brand's partners are walked, in batches: a client is listed under the partner that has it, and can have scored
for others before. What a batch came to is written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from introducer.domain.calendar import DAY_MS, day_at, day_start
from introducer.domain.client import ClientState
from introducer.domain.contest import Contest, ContestStatus, Metric
from introducer.domain.contest_closing import Batch, EventName, Recount, add_counted, batches_of
from introducer.domain.contest_counting import counted_of_client
from introducer.domain.contest_score import Counted
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import Event, day_of, milliseconds
from introducer.services.contest_books import ContestBooks
from introducer.store.contest_windows import window_of

_CLIENTS_AT_ONCE = 100


def recount_batches(books: ContestBooks, *, contest: str) -> list[dict[str, str]]:
    """The batches in which the brand's partners are counted, as JSON; the same whenever it is asked again, whoever
    registers meanwhile. None of a contest that was cancelled. Raises `NotFound`, `Conflict` (`not_frozen`),
    `Unavailable`."""
    found = _frozen(books, contest)
    if found.status is ContestStatus.CANCELLED:
        return []
    batches = books.results.batches(contest) or books.results.plan(contest, batches_of(_partners(books, found.brand)))
    return [each._asdict() for each in batches]


def recount_batch(books: ContestBooks, *, contest: str, batch: Mapping[str, str]) -> int:
    """Counts one batch, unless it was counted before; of how many clients. A client whose events of that time stand in
    quarantine scores without them. Of a contest that was cancelled meanwhile nothing is counted.

    Raises `NotFound` (`no_such_batch`), `Conflict` (`not_frozen`; `engine_behind` when the engine has yet to apply an
    event that counts: try again), `Unavailable`.
    """
    found = _frozen(books, contest)
    if found.status is ContestStatus.CANCELLED:
        return 0
    kept = books.results.recount(contest, batch["batch"])
    if kept is not None:
        return kept.clients
    planned = {each.batch: each for each in books.results.batches(contest)}
    if batch["batch"] not in planned:
        raise NotFound("There is no such batch.", code="no_such_batch")
    return books.results.keep_recount(_counted(books, found, planned[batch["batch"]])).clients


def accepted_in_time(event: Event, frozen_at: datetime) -> bool:
    """Whether an event was accepted before the freeze."""
    return (event.accepted_at or event.occurred_at) < frozen_at


def _frozen(books: ContestBooks, contest: str) -> Contest:
    found = books.contests.contest(contest)
    if not found.status.is_frozen:
        raise Conflict("This contest is not frozen.", code="not_frozen")
    return found


def _counted(books: ContestBooks, contest: Contest, batch: Batch) -> Recount:
    assert contest.frozen_at is not None
    window, starts = window_of(contest), milliseconds(contest.starts_at)
    sums: dict[str, dict[Metric, int]] = {}
    last: dict[str, int] = {}
    left_out: list[EventName] = []
    clients = 0
    for state in _clients(books, contest.brand, batch):
        clients += 1
        # Who traded enough qualifies at the end of that UTC day, which may lie after a start at a local midnight.
        if day_start(day_at(state.last_at)) + DAY_MS <= starts:
            continue
        events: list[Event] = []
        for event in books.facts.events_of_client(contest.brand, state.client):
            if not accepted_in_time(event, contest.frozen_at):
                continue
            if event.applied_at is not None:
                events.append(event)
            elif _is_in_quarantine(books, event):
                left_out.append((event.client, event.source, event.event_id))
            else:
                raise Conflict("The engine has events of this time to apply yet: wait.", code="engine_behind")
        if not events:
            continue
        contracts = books.contracts.contracts_for([state], events)
        scored = counted_of_client(contest.brand, state.client, events, contracts, window, state.visits)
        for partner, counted in scored.items():
            add_counted(sums.setdefault(partner, {}), counted)
            last[partner] = max(last.get(partner, 0), counted.last_at)
    return Recount(
        contest=contest.contest,
        batch=batch.batch,
        counted={partner: Counted(sums[partner], last[partner]) for partner in sums},
        clients=clients,
        left_out=tuple(sorted(left_out)),
    )


def _clients(books: ContestBooks, brand: str, batch: Batch) -> Iterator[ClientState]:
    """The clients whose count belongs into this batch: those that were listed under one of its partners first. So each
    is counted once, whoever's it becomes meanwhile."""
    for partner in _partners(books, brand, batch):
        met: set[str] = set()
        cursor: str | None = None
        while True:
            page = books.clients.of_partner(partner, cursor, limit=_CLIENTS_AT_ONCE)
            for state in page.items:
                if (state.first_holder or partner) == partner and state.client not in met:
                    met.add(state.client)
                    yield state
            cursor = page.cursor
            if cursor is None:
                break
        # Asked after the list: who left it before it was read stands here.
        gone = [client for client in books.clients.relisted(partner) if client not in met]
        for start in range(0, len(gone), _CLIENTS_AT_ONCE):
            yield from books.clients.states(
                (brand, client) for client in gone[start : start + _CLIENTS_AT_ONCE]
            ).values()


def _partners(books: ContestBooks, brand: str, batch: Batch | None = None) -> Iterator[str]:
    """A brand's partners, by id; those of one batch."""
    cursor = batch.after or None if batch else None
    while True:
        page = books.configuration.cards(brand, cursor)
        for card in page.items:
            if batch is not None and not batch.has(card.partner):
                return
            yield card.partner
        cursor = page.cursor
        if cursor is None:
            return


def _is_in_quarantine(books: ContestBooks, event: Event) -> bool:
    day = day_of(event.accepted_at or event.occurred_at)
    kept = books.facts.every_quarantined(event.brand, event.source, day)
    return any((each.client, each.event_id) == (event.client, event.event_id) for each in kept)
