"""The engine's one transaction: events marked applied, client states, journals, balance and counters, all or nothing.

Each part says its condition: the event is not applied yet, the state is at the version that was read, the journal is
absent, the month is not closed. Whatever fails, nothing is written, and the engine reads and folds again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.client import ClientState
from introducer.domain.contest_score import shard
from introducer.domain.counts import CountKey, Counts, ScoreKey, add_counts
from introducer.domain.errors import Conflict, Poison, Unavailable
from introducer.domain.events import Event
from introducer.domain.fraud.person import Person
from introducer.domain.fraud.trace import Trace
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Journal
from introducer.domain.postback_out import News, news_to_text
from introducer.domain.rows import MonthOf, Row
from introducer.store import keys
from introducer.store.clients import relisted_item, state_to_item
from introducer.store.event_counts import count_key
from introducer.store.ledger import balance_updates, journal_put
from introducer.store.persons import Known, person_update, together
from introducer.store.settlements import row_to_item
from introducer.store.traces import gone_item, trace_to_item, trace_update
from introducer.store.wire import BATCH, IMPOSSIBLE, REFUSED, connect, put_operation, response_code


@dataclass(frozen=True, slots=True)
class Accrual:
    """What one transaction writes."""

    events: tuple[Event, ...]
    states: tuple[ClientState, ...]
    """Each at the version that was read; it is stored one higher."""
    journals: tuple[Journal, ...]
    counts: Counts = field(default_factory=dict)
    rows: Mapping[tuple[str, MonthOf], Row] = field(default_factory=dict)
    """By client, and partner and month."""
    traces: Mapping[tuple[str, str], Trace] = field(default_factory=dict)
    """By partner and client."""
    told: frozenset[str] = frozenset()
    """The clients whose traces have what the registration says; of others that stays as it is written."""
    gone: frozenset[tuple[str, int, str]] = frozenset()
    """Traces of clients that are another's now: partner, registration (ms), client."""
    relisted: frozenset[tuple[str, str]] = frozenset()
    """Clients that leave the list of the partner under which they were listed first: partner, client."""
    persons: Mapping[tuple[str, Person], Known] = field(default_factory=dict)
    """By brand and person: how many clients more have it, and whose client it is."""
    news: Mapping[tuple[str, str], tuple[News, ...]] = field(default_factory=dict)
    """By brand and client: what is worth telling of this transaction. It stands beside the state, for the stream."""

    def size(self) -> int:
        """How many items the transaction has; `BATCH` is the most."""
        partners = {journal.key.partner for journal in self.journals}
        own = len(self.events) + len(self.states) + len(self.journals) + len(self.rows)
        seen = len(self.traces) + len(self.gone) + len(self.persons) + len(self.relisted)
        return own + len(partners) + len(self.counts) + seen

    def together(self, other: Accrual) -> Accrual:
        """Both as one: the balance and shared counters are then written once."""
        counts: Counts = {}
        add_counts(counts, self.counts)
        add_counts(counts, other.counts)
        return Accrual(
            self.events + other.events,
            self.states + other.states,
            self.journals + other.journals,
            counts,
            {**self.rows, **other.rows},
            {**self.traces, **other.traces},
            self.told | other.told,
            self.gone | other.gone,
            self.relisted | other.relisted,
            together(self.persons, other.persons),
            {**self.news, **other.news},
        )


class Accruals:
    """Writes of the engine, across both tables."""

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        self._facts = facts
        self._books = books
        self._connection = connect(facts, books, region=region, host=host)

    def write(self, accrual: Accrual, applied_at: int) -> None:
        """Write all of it or nothing. `applied_at` is in ms.

        Raises `Conflict` when something changed since it was read (read and fold again), `Poison` when DynamoDB will
        never take it (an item or a number too large), and `Unavailable`.
        """
        if accrual.size() > BATCH:
            raise ValueError(f"{accrual.size()} items do not fit into one transaction of {BATCH}")
        puts = [
            *(self._state(state, accrual.news.get((state.brand, state.client), ())) for state in accrual.states),
            *(journal_put(self._connection, self._books, journal) for journal in accrual.journals),
            # The state's condition stands for the rows too: they show nothing else.
            *(
                put_operation(self._connection, self._books, row_to_item(partner, month, client, row))
                for (client, (partner, month)), row in accrual.rows.items()
            ),
            *(
                put_operation(self._connection, self._books, trace_to_item(partner, trace))
                for (partner, client), trace in accrual.traces.items()
                if client in accrual.told
            ),
            *(put_operation(self._connection, self._books, gone_item(*each)) for each in sorted(accrual.gone)),
            *(put_operation(self._connection, self._books, relisted_item(*each)) for each in sorted(accrual.relisted)),
        ]
        updates = [
            *(
                trace_update(self._connection, self._books, partner, trace)
                for (partner, client), trace in accrual.traces.items()
                if client not in accrual.told
            ),
            *(
                person_update(self._connection, self._books, brand, person, known, applied_at)
                for (brand, person), known in accrual.persons.items()
            ),
            *(self._mark(event, applied_at) for event in accrual.events),
            *balance_updates(self._connection, self._books, accrual.journals),
            *(self._count(_counter(key), values) for key, values in accrual.counts.items() if any(values.values())),
        ]
        try:
            self._connection.transact_write_items(
                (), (), puts, updates, client_request_token=_token(accrual, applied_at)
            )
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("The books changed meanwhile: read again.") from error
            if response_code(error) in IMPOSSIBLE or any(
                reason is not None and reason.code in IMPOSSIBLE for reason in error.cancellation_reasons
            ):
                raise Poison("The books cannot hold what this event says: see that its amounts are right.") from error
            raise Unavailable("The books could not be written: try again.", code="store_unavailable") from error

    def _mark(self, event: Event, applied_at: int) -> dict[str, Any]:
        key = keys.key("event", brand=event.brand, client=event.client, source=event.source, event=event.event_id)
        return self._connection.get_operation_kwargs(
            self._facts,
            key.pk,
            key.sk,
            actions=[Path("applied_at").set(applied_at)],
            condition=Path(keys.PK).exists() & Path("applied_at").does_not_exist(),
        )

    def _state(self, state: ClientState, news: Sequence[News]) -> dict[str, Any]:
        unchanged = Path("version") == state.version if state.version else Path(keys.PK).does_not_exist()
        item = state_to_item(replace(state, version=state.version + 1))
        if news:
            item["news"] = news_to_text(news)
        return put_operation(self._connection, self._books, item, unchanged)

    def _count(self, key: keys.Key, values: Mapping[str, int]) -> dict[str, Any]:
        return self._connection.get_operation_kwargs(
            self._books,
            key.pk,
            key.sk,
            actions=[Path([name]).add(value) for name, value in sorted(values.items())],
        )


def _counter(key: CountKey | ScoreKey) -> keys.Key:
    """The item that counts: a partner's day, or its entry in a contest."""
    if isinstance(key, ScoreKey):
        return keys.key("entry", contest=key.contest, shard=shard(key.partner), partner=key.partner)
    return count_key(*key)


def _token(accrual: Accrual, applied_at: int) -> str:
    """The same for a resent request, so that a lost answer is answered again and not refused."""
    versions = [(state.brand, state.client, state.version) for state in accrual.states]
    journals = [journal.id for journal in accrual.journals]
    return derived_id("t", applied_at, versions, journals, [(e.source, e.client, e.event_id) for e in accrual.events])
