"""How often partners want their letter, in BOOKS: one item each, changed under its version with its audit record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.ids import derived_id
from introducer.domain.report import Cadence, ReportChoice
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.reservations import write_all
from introducer.store.wire import batch_get, connect, from_wire, put_operation, reading


class ReportChoices:
    """Reads and conditional writes of choices. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def get(self, partner: str) -> ReportChoice:
        """A partner's choice; that of whoever never chose."""
        key = keys.key("report_choice", partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return _choice(from_wire(answer["Item"])) if "Item" in answer else ReportChoice(partner=partner)

    def of_partners(self, partners: Sequence[str]) -> dict[str, ReportChoice]:
        """The choices of these partners, all of them."""
        wanted = [keys.key("report_choice", partner=each) for each in partners]
        found = map(_choice, batch_get(self._connection, self._table, wanted))
        return {each: ReportChoice(partner=each) for each in partners} | {each.partner: each for each in found}

    def put(self, brand: str, before: ReportChoice, after: ReportChoice, change: Change) -> None:
        """A partner's choice is another from now on. Raises `Conflict` (`report_choice_changed`) when it changed since
        it was read."""
        as_read = Path("version") == before.version if before.version else Path(keys.PK).does_not_exist()
        told = _told(after)
        record = audit_record(after.partner, "choose_report", change, _told(before), told, brand=brand)
        item = {
            **keys.key("report_choice", partner=after.partner).item(),
            "partner": after.partner,
            "version": after.version,
            **told,
        }
        puts = (
            put_operation(self._connection, self._table, item, as_read),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        )
        token = derived_id("t", record.audit, after.version, json.dumps(told, sort_keys=True))
        if not write_all(self._connection, puts, (), (), token=token):
            raise Conflict("This choice changed meanwhile: read it again.", code="report_choice_changed")


def _choice(item: Mapping[str, Any]) -> ReportChoice:
    return ReportChoice(
        partner=item["partner"],
        cadence=Cadence(item["cadence"]),
        time_zone=item["time_zone"],
        version=item["version"],
    )


def _told(choice: ReportChoice) -> dict[str, Any]:
    return {"cadence": choice.cadence.value, "time_zone": choice.time_zone}
