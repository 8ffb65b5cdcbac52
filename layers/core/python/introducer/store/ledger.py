"""Journals and balances in BOOKS. A journal is written once, in the transaction that moves the balance: by `accruals`
for the engine, by `adjustments` for what people decide, by `reservations` for what payouts move."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.ledger import (
    HOUSE,
    PENDING,
    Balance,
    Journal,
    Key,
    Leg,
    Line,
    Receipt,
    ReceiptEvent,
    ReceiptRate,
    journal_month,
)
from introducer.store import keys
from introducer.store.paging import Page, every
from introducer.store.partitions import one
from introducer.store.wire import batch_get, connect, from_wire, put_operation, reading, to_wire

EARNED = "earned"
FROZEN = "frozen_through"
VERSION = "version"
"""The balance's count of the writes that moved it. Each of them adds one: who read the balance, and writes under the
condition that it is the same, knows that no amount changed, that none appeared, and that no hold came."""
HOLDS = "holds"
"""How many holds of the partner stand; absent where there never was one. Counted by `store/holds.py`."""


def journal_to_item(journal: Journal) -> dict[str, Any]:
    """The item of a journal, receipt included: meant to stay within one write unit's kilobyte."""
    key, receipt = journal.key, journal.receipt
    return {
        **keys.key("journal", partner=key.partner, month=journal.month, journal=journal.id).item(),
        "kind": journal.kind,
        "rule": key.rule,
        "client": key.scope,
        "earn_month": key.earn_month,
        "currency": key.currency,
        "available": key.available_day,
        "amount": journal.amount,
        "posted_at": journal.posted_at,
        "legs": _json(journal.legs),
        "receipt": _json(
            {
                "kind": receipt.rule_kind,
                "version": receipt.version,
                "target": receipt.target,
                "before": receipt.before,
                "lines": lines_to_json(receipt.lines),
                "events": events_to_json(receipt.events),
                "more": receipt.more_events,
                "rates": [[rate.source, rate.target, rate.rate, rate.day, rate.feed] for rate in receipt.rates],
            }
        ),
    }


def journal_from_item(item: Mapping[str, Any]) -> Journal:
    """The journal of an item."""
    _, partner, _, month = keys.parts(item[keys.PK])
    receipt = json.loads(item["receipt"])
    return Journal(
        id=keys.unescape(item[keys.SK]),
        key=Key(partner, item["rule"], item["client"], item["earn_month"], item["currency"], item["available"]),
        kind=item["kind"],
        amount=item["amount"],
        post_month=f"{month[:4]}-{month[4:]}",
        posted_at=item["posted_at"],
        legs=tuple(Leg(account, amount) for account, amount in json.loads(item["legs"])),
        receipt=Receipt(
            rule_kind=receipt["kind"],
            version=receipt["version"],
            events=tuple(events_from_json(receipt["events"])),
            more_events=receipt["more"],
            lines=tuple(lines_from_json(receipt["lines"])),
            rates=tuple(ReceiptRate(*rate) for rate in receipt["rates"]),
            target=receipt["target"],
            before=receipt["before"],
        ),
    )


def balance_attribute(currency: str, bucket: str, day: str = "") -> str:
    """The flat attribute of a balance item: `EUR.pending.2026-04-10`, `EUR.available`."""
    return f"{currency}.{bucket}.{day}" if day else f"{currency}.{bucket}"


def earned_attribute(currency: str, earn_month: str) -> str:
    """The attribute with all that was posted for a month: `EUR.earned.2026-03`."""
    return f"{currency}.{EARNED}.{earn_month}"


def balance_from_item(partner: str, item: Mapping[str, Any]) -> Balance:
    """The balance of an item's flat attributes."""
    amounts, earned = {}, {}
    for name, value in item.items():
        currency, dot, rest = name.partition(".")
        if not dot:
            continue
        bucket, _, day = rest.partition(".")
        if bucket == EARNED:
            earned[currency, day] = value
        elif bucket != PENDING or day:
            amounts[currency, bucket, day] = value
    return Balance(partner, amounts, earned, item.get(FROZEN), item.get(VERSION, 0), item.get(HOLDS, 0))


def month_is_open(month: str) -> Condition:
    """The condition on a balance that a month of the books is not closed."""
    condition: Condition = Path(FROZEN).does_not_exist() | (Path(FROZEN) < month)
    return condition


def journal_put(connection: Connection, table: str, journal: Journal) -> dict[str, Any]:
    """The part of a transaction that writes a journal: once, and never over another."""
    return put_operation(connection, table, journal_to_item(journal), Path(keys.PK).does_not_exist())


def balance_updates(connection: Connection, table: str, journals: Sequence[Journal]) -> Iterator[dict[str, Any]]:
    """The parts of a transaction that move the balances by these journals, one per partner: each leg into its bucket,
    each amount into what was earned for its month. They say that the earliest of the journals' months is not closed."""
    moved: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    earliest: dict[str, str] = {}
    for journal in journals:
        partner, currency = journal.key.partner, journal.key.currency
        for leg in journal.legs:
            bucket, _, day = leg.account.partition(".")
            if leg.account != HOUSE:
                moved[partner][balance_attribute(currency, bucket, day)] += leg.amount
        moved[partner][earned_attribute(currency, journal.key.earn_month)] += journal.amount
        earliest[partner] = min(journal.post_month, earliest.get(partner, journal.post_month))
    for partner, amounts in moved.items():
        key = keys.key("balance", partner=partner)
        yield connection.get_operation_kwargs(
            table,
            key.pk,
            key.sk,
            actions=[*(Path([name]).add(amount) for name, amount in sorted(amounts.items())), Path(VERSION).add(1)],
            condition=month_is_open(earliest[partner]),
        )


class Ledger:
    """Reads of the books."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def balance(self, partner: str) -> Balance:
        """A partner's balance; empty when nothing was ever posted."""
        item = one(self._connection, self._table, keys.key("balance", partner=partner))
        return balance_from_item(partner, item or {})

    def balances(self, partners: Sequence[str]) -> dict[str, Balance]:
        """The balances of some partners, read consistently; empty ones of those for whom nothing was ever posted."""
        wanted = [keys.key("balance", partner=partner) for partner in partners]
        found = {keys.parts(item[keys.PK])[1]: item for item in batch_get(self._connection, self._table, wanted)}
        return {partner: balance_from_item(partner, found.get(partner, {})) for partner in partners}

    def journals(
        self, partner: str, month: str, cursor: str | None = None, limit: int = 50, *, consistent: bool = False
    ) -> Page[Journal]:
        """What was posted for a partner in a month of the books (`2026-03`), newest first."""
        pk = keys.partition("journal", partner=partner, month=month.replace("-", ""))
        start = to_wire({keys.PK: pk, keys.SK: cursor}) if cursor else None
        with reading():
            answer = self._connection.query(
                self._table,
                pk,
                exclusive_start_key=start,
                limit=limit,
                scan_index_forward=False,
                consistent_read=consistent,
            )
        last = answer.get("LastEvaluatedKey")
        return Page(
            tuple(journal_from_item(from_wire(item)) for item in answer["Items"]),
            last[keys.SK]["S"] if last else None,
        )

    def all_journals(self, partner: str, month: str, *, consistent: bool = False) -> Iterator[Journal]:
        """Every journal of a partner's month, page after page, newest first; `consistent` misses none that is there."""
        return every(lambda at: self.journals(partner, month, at, limit=200, consistent=consistent))

    def journals_of_client(self, partner: str, month: str, client: str) -> Iterator[Journal]:
        """What was posted for one client in a partner's month, newest first; the rest of the month is read for it."""
        yield from self._filtered(partner, month, Path("client") == client)

    def journals_of_rules(self, partner: str, month: str, rules: Sequence[str]) -> Iterator[Journal]:
        """What was posted under some rules (at most 100) in a partner's month, newest first; the rest of the month is
        read for it."""
        yield from self._filtered(partner, month, Path("rule").is_in(*rules))

    def _filtered(self, partner: str, month: str, condition: Condition) -> Iterator[Journal]:
        start: Any = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("journal", partner=partner, month=month.replace("-", "")),
                    filter_condition=condition,
                    exclusive_start_key=start,
                    scan_index_forward=False,
                )
            yield from (journal_from_item(from_wire(item)) for item in answer["Items"])
            start = answer.get("LastEvaluatedKey")
            if not start:
                return

    def journal(self, partner: str, journal: str) -> Journal | None:
        """One journal of this partner; None when there is none, or it is another's."""
        month = journal_month(journal)
        if month is None:
            return None
        key = keys.key("journal", partner=partner, month=month, journal=journal)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk)
        return journal_from_item(from_wire(answer["Item"])) if "Item" in answer else None


def lines_to_json(lines: Sequence[Line]) -> list[list[str]]:
    """Steps of arithmetic, each in one list."""
    return [[line.step, line.result, *line.values] for line in lines]


def lines_from_json(lines: Sequence[Sequence[str]]) -> Iterator[Line]:
    """The steps of `lines_to_json`."""
    return (Line(step, result, tuple(values)) for step, result, *values in lines)


def events_to_json(events: Sequence[ReceiptEvent]) -> list[Any]:
    """Runs of one source and type, each time after the one before: ten trades of a client take a third of the room."""
    runs: list[Any] = []
    before = 0
    for event in events:
        if not runs or runs[-1][:2] != [event.source, event.type]:
            runs.append([event.source, event.type])
        runs[-1].append([event.event_id, event.occurred_at - before, *([event.value] if event.value else [])])
        before = event.occurred_at
    return runs


def events_from_json(runs: Sequence[Any]) -> Iterator[ReceiptEvent]:
    """The events of `events_to_json`."""
    before = 0
    for source, kind, *events in runs:
        for event_id, later, *value in events:
            before += later
            yield ReceiptEvent(source, event_id, kind, before, value[0] if value else None)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
