"""Verifications in BOOKS. Each step is one transaction: the verification at the version that was read, its audit
record, and the mail where the partner is told. The documents themselves are in a bucket (`gateways/documents.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.domain.verification import Document, DocumentKind, Verification, VerificationStatus
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.wire import REFUSED, batch_get, connect, from_wire, put_operation, reading, unavailable

_MOMENTS = ("submitted_at", "decided_at", "approved_at")
_TEXTS = ("submitted_by", "decided_by", "reason", "expires_on")


def verification_to_item(verification: Verification) -> dict[str, Any]:
    """The item of a verification; listed under its brand while it waits."""
    item: dict[str, Any] = {
        **keys.key("verification", partner=verification.partner).item(),
        "partner": verification.partner,
        "brand": verification.brand,
        "status": verification.status.value,
        "version": verification.version,
        "documents": json.dumps([_document_to_list(each) for each in verification.documents], separators=(",", ":")),
    }
    for name in _MOMENTS:
        moment = getattr(verification, name)
        item[name] = None if moment is None else milliseconds(moment)
    for name in _TEXTS:
        item[name] = getattr(verification, name)
    if verification.status is VerificationStatus.SUBMITTED:
        item |= keys.owner_key(
            "verification", brand=verification.brand, since=item["submitted_at"], partner=verification.partner
        )
    return item


def verification_from_item(item: Mapping[str, Any]) -> Verification:
    """The verification of an item."""
    moments = {name: from_milliseconds(item[name]) if name in item else None for name in _MOMENTS}
    return Verification(
        partner=item["partner"],
        brand=item["brand"],
        status=VerificationStatus(item["status"]),
        version=item["version"],
        documents=tuple(_document_from_list(each) for each in json.loads(item["documents"])),
        submitted_by=item["submitted_by"],
        decided_by=item["decided_by"],
        reason=item["reason"],
        expires_on=item["expires_on"],
        **moments,
    )


class Verifications:
    """Reads and conditional writes of verifications."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_partner(self, partner: str, brand: str) -> Verification:
        """A partner's verification, as it stands now; version 0 for one that never handed in anything."""
        key = keys.key("verification", partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            return Verification(partner=partner, brand=brand)
        return verification_from_item(from_wire(answer["Item"]))

    def of_partners(self, partners: Iterable[str]) -> dict[str, Verification]:
        """The same for several, by partner; who never handed in anything is not in it. Raises `Unavailable`."""
        wanted = [keys.key("verification", partner=partner) for partner in dict.fromkeys(partners)]
        found = (verification_from_item(item) for item in batch_get(self._connection, self._table, wanted))
        return {verification.partner: verification for verification in found}

    def approved(self, partners: Iterable[str], today: str) -> dict[str, bool]:
        """Whether it is known on a UTC day who these partners are, for each of them. Raises `Unavailable`."""
        partners = list(dict.fromkeys(partners))
        found = self.of_partners(partners)
        return {partner: partner in found and found[partner].approved(today) for partner in partners}

    def waiting(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[Verification]:
        """What waits for compliance, longest first. The index lags by moments: what was decided is left out."""
        owner = keys.owner_partition("verification", brand=brand)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=False)
        found = map(verification_from_item, page.items)
        return Page(tuple(each for each in found if each.status is VerificationStatus.SUBMITTED), page.cursor)

    def move(
        self, action: str, before: Verification, after: Verification, change: Change, mails: Sequence[Mail] = ()
    ) -> None:
        """A step from `before` to `after`. Raises `Conflict` when it is no longer as it was read. `Unavailable`."""
        absent = Path(keys.PK).does_not_exist()
        unchanged = Path("version") == before.version if before.version else absent
        told = _told(before) if before.version else None
        record = audit_record(after.partner, action, change, told, _told(after), brand=after.brand)
        puts = [
            put_operation(self._connection, self._table, verification_to_item(after), unchanged),
            put_operation(self._connection, self._table, audit_to_item(record), absent),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
        ]
        # The same for a resent request, so that a lost answer is answered again and not refused.
        token = derived_id("t", record.audit, change.why, before.version)
        try:
            self._connection.transact_write_items((), (), puts, (), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("This verification was changed meanwhile: look at it again.") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _document_to_list(document: Document) -> list[Any]:
    return [
        document.document,
        document.kind.value,
        document.content_type,
        document.size,
        document.object_version,
        milliseconds(document.uploaded_at),
    ]


def _document_from_list(values: Sequence[Any]) -> Document:
    document, kind, content_type, size, object_version, uploaded_at = values
    return Document(
        document=document,
        kind=DocumentKind(kind),
        content_type=content_type,
        size=size,
        object_version=object_version,
        uploaded_at=from_milliseconds(uploaded_at),
    )


def _told(verification: Verification) -> dict[str, Any]:
    """What stays on record. What compliance wrote to the partner stands in the verification alone, and in why."""
    return {
        "status": verification.status.value,
        "version": verification.version,
        # By number and version, so that what was looked at can be shown again.
        "documents": json.dumps(
            [[each.document, each.kind.value, each.object_version] for each in verification.documents]
        ),
        "expires_on": verification.expires_on or None,
    }
