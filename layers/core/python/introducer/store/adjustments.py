"""Adjustments in BOOKS. Each step is one transaction: the adjustment at the version that was read, its audit record,
and, where it posts, the journal and the balance. When one of them cannot be, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.adjustment import Act, Adjustment, AdjustmentStatus
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Journal
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.ledger import balance_updates, journal_put
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import one
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, reading, to_wire, unavailable

REQUEST_KEPT = timedelta(days=1)
"""How long a repeated request finds what it proposed before: as long as its Idempotency-Key is kept."""

_ACTS = ("proposed", "decided", "reversal_proposed", "reversal_decided")


def adjustment_to_item(adjustment: Adjustment) -> dict[str, Any]:
    """The item of an adjustment; listed under its brand while it waits."""
    waiting = adjustment.waiting
    item: dict[str, Any] = {
        **keys.key("adjustment", partner=adjustment.partner, adjustment=adjustment.adjustment).item(),
        "brand": adjustment.brand,
        "amount": adjustment.amount,
        "currency": adjustment.currency,
        "earn_month": adjustment.earn_month,
        "available": adjustment.available_day,
        "status": adjustment.status.value,
        "version": adjustment.version,
        "journal": adjustment.journal,
        "reversal": adjustment.reversal,
    }
    for name in _ACTS:
        act: Act | None = getattr(adjustment, name)
        if act is not None:
            item |= {f"{name}_by": act.by, f"{name}_at": milliseconds(act.at), f"{name}_why": act.why}
    if waiting is not None:
        item |= keys.owner_key(
            "adjustment",
            brand=adjustment.brand,
            since=milliseconds(waiting.at),
            adjustment=adjustment.adjustment,
        )
    return {name: value for name, value in item.items() if value is not None}


def adjustment_from_item(item: Mapping[str, Any]) -> Adjustment:
    """The adjustment of an item."""
    proposed = _act(item, "proposed")
    assert proposed is not None
    return Adjustment(
        adjustment=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        amount=item["amount"],
        currency=item["currency"],
        earn_month=item["earn_month"],
        available_day=item["available"],
        status=AdjustmentStatus(item["status"]),
        version=item["version"],
        proposed=proposed,
        decided=_act(item, "decided"),
        journal=item.get("journal"),
        reversal_proposed=_act(item, "reversal_proposed"),
        reversal_decided=_act(item, "reversal_decided"),
        reversal=item.get("reversal"),
    )


class Adjustments:
    """Reads and conditional writes of adjustments."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def adjustment(self, partner: str, adjustment: str) -> Adjustment:
        """One adjustment of this partner, as it stands now. Raises `NotFound`."""
        item = self._get(keys.key("adjustment", partner=partner, adjustment=adjustment))
        if item is None:
            raise NotFound("There is no such adjustment.")
        return adjustment_from_item(item)

    def of_partner(self, partner: str, cursor: str | None = None, limit: int = 50) -> Page[Adjustment]:
        """A partner's adjustments, newest first, as they stand now."""
        pk = keys.partition("adjustment", partner=partner)
        start = to_wire({keys.PK: pk, keys.SK: cursor}) if cursor else None
        with reading():
            answer = self._connection.query(
                self._table,
                pk,
                exclusive_start_key=start,
                limit=limit,
                scan_index_forward=False,
                consistent_read=True,
            )
        last = answer.get("LastEvaluatedKey")
        return Page(
            tuple(adjustment_from_item(from_wire(item)) for item in answer["Items"]),
            last[keys.SK]["S"] if last else None,
        )

    def waiting(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[Adjustment]:
        """What waits for a second person, longest first. The index lags by moments: what was decided is left out."""
        owner = keys.owner_partition("adjustment", brand=brand)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=False)
        found = map(adjustment_from_item, page.items)
        return Page(tuple(each for each in found if each.waiting is not None), page.cursor)

    def of_request(self, partner: str, request: str) -> Adjustment:
        """What an earlier proposal with this request made. Raises `NotFound`."""
        item = self._get(keys.key("adjustment_request", partner=partner, request=request))
        if item is None:
            raise NotFound("Nothing was proposed by this request.")
        return self.adjustment(partner, item["adjustment"])

    # ----------------------------------------------------------------------------------------------------- writes

    def propose(self, adjustment: Adjustment, change: Change, request: str | None = None) -> None:
        """A new proposal. Raises `Conflict` when its id is taken, or the request has made one before."""
        absent = Path(keys.PK).does_not_exist()
        puts = [put_operation(self._connection, self._table, adjustment_to_item(adjustment), absent)]
        if request is not None:
            item = {
                **keys.key("adjustment_request", partner=adjustment.partner, request=request).item(),
                "adjustment": adjustment.adjustment,
                keys.TTL: milliseconds(change.at + REQUEST_KEPT) // 1000,
            }
            puts.append(put_operation(self._connection, self._table, item, absent))
        self._write("propose_adjustment", None, adjustment, change, puts, ())

    def move(
        self, action: str, before: Adjustment, after: Adjustment, change: Change, journal: Journal | None = None
    ) -> None:
        """A step from `before` to `after`, with the journal it posts. Raises `Conflict` when the adjustment is no
        longer as it was read, the journal is there, or the journal's month was closed: read again."""
        unchanged = (Path("version") == before.version) & (Path("status") == before.status.value)
        puts = [put_operation(self._connection, self._table, adjustment_to_item(after), unchanged)]
        updates: Iterable[dict[str, Any]] = ()
        if journal is not None:
            puts.append(journal_put(self._connection, self._table, journal))
            updates = balance_updates(self._connection, self._table, [journal])
        self._write(action, before, after, change, puts, tuple(updates), journal)

    # ------------------------------------------------------------------------------------------------------ parts

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _write(
        self,
        action: str,
        before: Adjustment | None,
        after: Adjustment,
        change: Change,
        puts: Sequence[dict[str, Any]],
        updates: Sequence[dict[str, Any]],
        journal: Journal | None = None,
    ) -> None:
        record = put_operation(
            self._connection, self._table, _audit(action, before, after, change), Path(keys.PK).does_not_exist()
        )
        # The same for a resent request, so that a lost answer is answered again and not refused.
        token = derived_id(
            "t",
            after.adjustment,
            after.version,
            after.status,
            change.by,
            milliseconds(change.at),
            journal and journal.id,
        )
        try:
            self._connection.transact_write_items((), (), [*puts, record], updates, client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("The books changed meanwhile: read again.") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _act(item: Mapping[str, Any], name: str) -> Act | None:
    if f"{name}_by" not in item:
        return None
    return Act(item[f"{name}_by"], from_milliseconds(item[f"{name}_at"]), item[f"{name}_why"])


def _audit(action: str, before: Adjustment | None, after: Adjustment, change: Change) -> dict[str, Any]:
    """The audit record of a step, on the partner whose money it is."""
    told = None if before is None else _told(before)
    return audit_to_item(audit_record(after.partner, action, change, told, _told(after), brand=after.brand))


def _told(adjustment: Adjustment) -> dict[str, Any]:
    told = {
        "adjustment": adjustment.adjustment,
        "amount": adjustment.amount,
        "currency": adjustment.currency,
        "earn_month": adjustment.earn_month,
        "available_day": adjustment.available_day,
        "status": adjustment.status.value,
        "journal": adjustment.journal,
        "reversal": adjustment.reversal,
    }
    return {name: value for name, value in told.items() if value is not None}
