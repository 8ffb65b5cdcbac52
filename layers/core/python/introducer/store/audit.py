"""Audit records: each stands in the transaction of the change that it records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import DEPLOYMENT, AuditRecord, Change
from introducer.domain.events import milliseconds
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.items import BooksItem, MomentAttribute


class AuditItem(BooksItem):
    brand = UnicodeAttribute(default=DEPLOYMENT)  # records of the first version do not say whose they are
    subject = UnicodeAttribute()
    audit = UnicodeAttribute()
    at = MomentAttribute()
    by = UnicodeAttribute()
    action = UnicodeAttribute()
    why = UnicodeAttribute()
    origin = UnicodeAttribute()
    before = UnicodeAttribute(null=True)
    after = UnicodeAttribute(null=True)


def audit_record(
    subject: str,
    action: str,
    change: Change,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    *,
    brand: str,
) -> AuditRecord:
    """The record of a change. `brand` is whose trail it stands in, `DEPLOYMENT` for what belongs to no brand."""
    # Derived, so that two changes of one kind in one millisecond are two records only when they differ.
    audit = derived_id("aud", subject, action, milliseconds(change.at), change.by, as_json(after))
    return AuditRecord(
        brand=brand,
        subject=subject,
        audit=audit,
        at=change.at,
        by=change.by,
        action=action,
        why=change.why,
        origin=change.origin,
        before=None if before is None else as_json(before),
        after=as_json(after),
    )


def audit_key(record: AuditRecord) -> keys.Key:
    """Where the record of a change stands."""
    return keys.key("audit", subject=record.subject, at=milliseconds(record.at), audit=record.audit)


def audit_to_item(record: AuditRecord) -> dict[str, Any]:
    """The record as a plain item, for transactions that are not made of models."""
    return {**audit_key(record).item(), **asdict(record), "at": milliseconds(record.at)}


def as_json(values: Mapping[str, Any]) -> str:
    """Changed fields as JSON text; those that are None are left out."""

    def plain(value: object) -> object:
        return milliseconds(value) if isinstance(value, datetime) else str(value)

    return json.dumps({k: v for k, v in values.items() if v is not None}, default=plain, sort_keys=True)
