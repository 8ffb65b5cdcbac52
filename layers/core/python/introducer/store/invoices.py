"""Invoices, their numbers and the tax profiles printed on them, in BOOKS.

A series has no gap and no number twice, because its counter and the documents that take its next numbers are written in
one transaction, under the counter as it was read. A document is put once: its key follows from the payout, and nothing
here can change it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.invoice import Invoice, InvoiceKind, TaxProfile, TaxRecord, Treatment, rate_text
from introducer.domain.reservation import Move
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.paging import Page
from introducer.store.partitions import one
from introducer.store.partners import brand_of_partner
from introducer.store.payout_items import part_from_json, part_to_json
from introducer.store.reservations import Reservations, write_all
from introducer.store.wire import batch_get, connect, put_operation, reading

MOST_AT_ONCE = 45
"""Documents that one transaction issues: with their audit record and the counter, well below its limits."""


class Invoices:
    """Reads and conditional writes. Every write may be repeated."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._reservations = Reservations(table, region=region, host=host)

    # ---------------------------------------------------------------------------------------------------- invoices

    def invoice(self, partner: str, payout: str, kind: InvoiceKind = InvoiceKind.INVOICE) -> Invoice:
        """The document of a payout. Raises `NotFound` while none is issued."""
        item = self._get(keys.key("invoice", partner=partner, payout=payout, kind=kind.value))
        if item is None:
            raise NotFound("No such document is issued for this payout.", code="not_invoiced")
        return invoice_from_item(item)

    def standing(self, payouts: Sequence[tuple[str, str]]) -> dict[tuple[str, InvoiceKind], Invoice]:
        """What is issued for these payouts, given as partner and payout, by payout and kind."""
        wanted = [
            keys.key("invoice", partner=partner, payout=payout, kind=kind.value)
            for partner, payout in sorted(set(payouts))
            for kind in InvoiceKind
        ]
        found = map(invoice_from_item, batch_get(self._connection, self._table, wanted) if wanted else [])
        return {each.key: each for each in found}

    def of_year(self, brand: str, year: str, cursor: str | None = None, limit: int = 100) -> Page[Invoice]:
        """A page of what a brand issued in a year, by number."""
        with reading():
            answer = self._connection.query(
                self._table,
                keys.owner_partition("invoice", brand=brand, year=year),
                range_key_condition=Path(keys.OWNER_SK) > cursor if cursor else None,
                index_name=keys.BY_OWNER,
                limit=limit,
                scan_index_forward=True,
            )
        wanted = [keys.Key(item[keys.PK]["S"], item[keys.SK]["S"]) for item in answer["Items"]]
        found = map(invoice_from_item, batch_get(self._connection, self._table, wanted) if wanted else [])
        last = answer.get("LastEvaluatedKey")
        return Page(tuple(sorted(found, key=lambda each: each.number)), last[keys.OWNER_SK]["S"] if last else None)

    def last_place(self, brand: str, year: str) -> int:
        """The place in the series that was taken last; 0 before the first."""
        item = self._get(keys.key("invoice_series", brand=brand, year=year))
        return 0 if item is None else int(item["last"])

    def issue(self, brand: str, year: str, last: int, invoices: Sequence[Invoice], change: Change) -> bool:
        """Issues documents that have the numbers after `last`, all or none; whether it did. False when the series has
        gone on meanwhile, or one of them stands: read again. Raises `Unavailable`."""
        assert 0 < len(invoices) <= MOST_AT_ONCE
        absent = Path(keys.PK).does_not_exist()
        counter = {
            **keys.key("invoice_series", brand=brand, year=year).item(),
            "last": last + len(invoices),
        }
        as_read: Condition = Path("last") == last if last else absent
        told = {"first": invoices[0].number, "last": invoices[-1].number, "run": invoices[0].run}
        audit = audit_to_item(audit_record(brand, "issue_invoices", change, None, told, brand=brand))
        puts = [
            put_operation(self._connection, self._table, counter, as_read),
            *(put_operation(self._connection, self._table, invoice_to_item(each), absent) for each in invoices),
            put_operation(self._connection, self._table, audit, absent),
        ]
        return write_all(self._connection, puts, (), (), token=derived_id("t", *puts))

    def paid_at(self, partner: str, payout: str) -> datetime | None:
        """When a payout was paid, by its journal; None for one that was not."""
        for journal in self._reservations.journals(partner, payout):
            if journal.kind == Move.PAY:
                return from_milliseconds(journal.posted_at)
        return None

    # ------------------------------------------------------------------------------------------------ tax profiles

    def tax_record(self, of: str) -> TaxRecord | None:
        """The tax profile of a partner or a brand; None where nobody gave one."""
        item = self._get(keys.key("tax_profile", of=of))
        return None if item is None else tax_record_from_item(item)

    def tax_records(self, of: Sequence[str]) -> dict[str, TaxRecord]:
        """Those that these partners and brands gave."""
        wanted = [keys.key("tax_profile", of=each) for each in sorted(set(of))]
        found = map(tax_record_from_item, batch_get(self._connection, self._table, wanted) if wanted else [])
        return {each.of: each for each in found}

    def put_tax_record(self, before: TaxRecord | None, after: TaxRecord, change: Change) -> None:
        """A changed profile, and on record what of it changed. Raises `Conflict` (code `tax_changed`) when it is no
        longer as it was read."""
        as_read = Path(keys.PK).does_not_exist() if before is None else Path("version") == before.version
        told = None if before is None else _told(before, ())
        old = TaxProfile(legal_name="") if before is None else before.profile
        new = after.profile
        changed = [each.name for each in fields(TaxProfile) if getattr(old, each.name) != getattr(new, each.name)]
        # What is no partner's is the brand's own.
        brand = brand_of_partner(self._connection, self._table, after.of) or after.of
        record = audit_record(after.of, "change_tax_profile", change, told, _told(after, changed), brand=brand)
        audit = audit_to_item(record)
        puts = [
            put_operation(self._connection, self._table, tax_record_to_item(after), as_read),
            put_operation(self._connection, self._table, audit, Path(keys.PK).does_not_exist()),
        ]
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("The tax details were changed meanwhile: read them again.", code="tax_changed")

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)


# --------------------------------------------------------------------------------------------------------------- items


def invoice_to_item(invoice: Invoice) -> dict[str, Any]:
    """The item of an issued document; listed under its brand and year, by number."""
    year = invoice.number.partition("-")[0]
    return {
        **keys.key("invoice", partner=invoice.partner, payout=invoice.payout, kind=invoice.kind.value).item(),
        **keys.owner_key("invoice", brand=invoice.brand, year=year, number=invoice.number),
        "kind": invoice.kind.value,
        "number": invoice.number,
        "brand": invoice.brand,
        "customer": _json(asdict(invoice.customer)),
        "partner": invoice.partner,
        "supplier": _json(asdict(invoice.supplier)),
        "run": invoice.run,
        "payout": invoice.payout,
        "day": invoice.day,
        "issued_at": milliseconds(invoice.issued_at),
        "currency": invoice.currency,
        "gross": invoice.gross,
        "net": invoice.net,
        "vat": invoice.vat,
        "held_currency": invoice.held_currency,
        "held": invoice.held,
        "parts": _json([part_to_json(part) for part in invoice.parts]),
        "corrects": invoice.corrects,
    }


def invoice_from_item(item: Mapping[str, Any]) -> Invoice:
    """The document of an item."""
    return Invoice(
        kind=InvoiceKind(item["kind"]),
        number=item["number"],
        brand=item["brand"],
        customer=_profile(json.loads(item["customer"])),
        partner=item["partner"],
        supplier=_profile(json.loads(item["supplier"])),
        run=item["run"],
        payout=item["payout"],
        day=item["day"],
        issued_at=from_milliseconds(item["issued_at"]),
        currency=item["currency"],
        gross=item["gross"],
        net=item["net"],
        vat=item["vat"],
        held_currency=item["held_currency"],
        held=item["held"],
        parts=tuple(part_from_json(part) for part in json.loads(item["parts"])),
        corrects=item["corrects"],
    )


def tax_record_to_item(record: TaxRecord) -> dict[str, Any]:
    """The item of a tax profile."""
    return {
        **keys.key("tax_profile", of=record.of).item(),
        "of": record.of,
        "profile": _json(asdict(record.profile)),
        "version": record.version,
        "changed_at": milliseconds(record.changed_at),
        "changed_by": record.changed_by,
    }


def tax_record_from_item(item: Mapping[str, Any]) -> TaxRecord:
    """The tax profile of an item."""
    return TaxRecord(
        of=item["of"],
        profile=_profile(json.loads(item["profile"])),
        version=item["version"],
        changed_at=from_milliseconds(item["changed_at"]),
        changed_by=item["changed_by"],
    )


def _profile(said: Mapping[str, Any]) -> TaxProfile:
    return TaxProfile(**{**said, "address": tuple(said["address"]), "treatment": Treatment(said["treatment"])})


def _told(record: TaxRecord, changed: Sequence[str]) -> dict[str, Any]:
    """What the audit trail says of a profile: how it is taxed, and which of its fields were changed; not who it is.
    The trail is never edited, and outlives the partner's data; what was printed stands on the invoices."""
    return {
        "version": record.version,
        "treatment": record.profile.treatment.value,
        "rate": rate_text(record.profile.rate),
        "country": record.profile.country,
        "changed": " ".join(changed) or None,
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
