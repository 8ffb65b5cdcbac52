"""Payment profiles in BOOKS: the current one, and each version as it was made. Sealed they come in, sealed they go out.

A change is one transaction: the current profile at the version that was read, the version's own item, whose account it
is, the audit record of the version, and the mail to whom the account belonged before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import DEPLOYMENT, Change
from introducer.domain.errors import Conflict
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.domain.payment_profile import PaymentProfile, RailKind
from introducer.store import keys
from introducer.store.account_holders import holder_put
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mails import mail_put
from introducer.store.partners import brand_of_partner
from introducer.store.wire import REFUSED, Wire, batch_get, connect, from_wire, put_operation, reading, unavailable

VERSION = "version"
"""The attribute that a payout's sending compares with the version it was reserved for."""


def profile_to_item(profile: PaymentProfile, key: keys.Key) -> dict[str, Any]:
    """The item of a profile, current or of its version."""
    return {
        **key.item(),
        "partner": profile.partner,
        VERSION: profile.version,
        "rail": profile.rail.value,
        "currency": profile.currency,
        "country": profile.country,
        "masked": profile.masked,
        "sealed": profile.sealed,
        "data_key": profile.data_key,
        "fingerprint": profile.fingerprint,
        "content": profile.content,
        "changed_at": milliseconds(profile.changed_at),
        "changed_by": profile.changed_by,
        "usable_from": milliseconds(profile.usable_from),
    }


def profile_from_item(item: Mapping[str, Any]) -> PaymentProfile:
    """The profile of an item."""
    return PaymentProfile(
        partner=item["partner"],
        version=item[VERSION],
        rail=RailKind(item["rail"]),
        currency=item["currency"],
        country=item["country"],
        masked=item["masked"],
        sealed=item["sealed"],
        data_key=item["data_key"],
        fingerprint=item["fingerprint"],
        content=item["content"],
        changed_at=from_milliseconds(item["changed_at"]),
        changed_by=item["changed_by"],
        usable_from=from_milliseconds(item["usable_from"]),
    )


def partner_of_profile_image(image: Wire) -> str | None:
    """The partner whose current profile a stream's image is; None when the image is of something else."""
    if image.get(keys.SK, {}).get("S") != keys.ITEMS["payment_profile"].sk:
        return None
    return keys.parts(image[keys.PK]["S"])[1]


class PaymentProfiles:
    """Reads and conditional writes of payment profiles."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_partner(self, partner: str) -> PaymentProfile | None:
        """Where a partner is paid, as it stands now; None when it never said."""
        key = keys.key("payment_profile", partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return profile_from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def of_partners(self, partners: Iterable[str]) -> dict[str, PaymentProfile]:
        """The same for several, by partner; who never said is not in it. Raises `Unavailable`."""
        wanted = [keys.key("payment_profile", partner=partner) for partner in dict.fromkeys(partners)]
        found = (profile_from_item(item) for item in batch_get(self._connection, self._table, wanted))
        return {profile.partner: profile for profile in found}

    def of_versions(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], PaymentProfile]:
        """Certain versions of partners' profiles, by both. Raises `Unavailable`."""
        places = [
            keys.key("payment_profile_version", partner=partner, version=f"{version:06d}")
            for partner, version in dict.fromkeys(wanted)
        ]
        found = (profile_from_item(item) for item in batch_get(self._connection, self._table, places))
        return {(profile.partner, profile.version): profile for profile in found}

    def versions(self, partner: str, limit: int = 20) -> list[PaymentProfile]:
        """The newest versions of a partner's profile, the current one first."""
        pk = keys.partition("payment_profile_version", partner=partner)
        with reading():
            answer = self._connection.query(
                self._table, pk, limit=limit, scan_index_forward=False, consistent_read=True
            )
        return [profile_from_item(from_wire(item)) for item in answer["Items"]]

    def change(
        self, before: PaymentProfile | None, after: PaymentProfile, change: Change, mails: Sequence[Mail] = ()
    ) -> None:
        """A new version in the place of `before`. Raises `Conflict` when another one is there meanwhile: read again.
        `Unavailable`."""
        absent = Path(keys.PK).does_not_exist()
        unchanged = absent if before is None else Path(VERSION) == before.version
        current = keys.key("payment_profile", partner=after.partner)
        # Padded, so that version 10 sorts after version 9.
        own = keys.key("payment_profile_version", partner=after.partner, version=f"{after.version:06d}")
        brand = brand_of_partner(self._connection, self._table, after.partner)
        record = audit_record(
            after.partner,
            "change_payment_profile",
            change,
            None if before is None else _told(before),
            _told(after),
            brand=brand or DEPLOYMENT,
        )
        puts = [
            put_operation(self._connection, self._table, profile_to_item(after, current), unchanged),
            put_operation(self._connection, self._table, profile_to_item(after, own), absent),
            put_operation(self._connection, self._table, audit_to_item(record), absent),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
        ]
        if brand is not None:
            puts.append(holder_put(self._connection, self._table, brand, after))
        # The same for a resent request. The sealed text is part of it: another seal is another request.
        token = derived_id("t", record.audit, after.sealed)
        try:
            self._connection.transact_write_items((), (), puts, (), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("This payment profile was changed meanwhile: look at it again.") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _told(profile: PaymentProfile) -> dict[str, Any]:
    """What stays on record of a version: nothing that could be used, or that says whose account it is. That stands in
    the version's own item, which erasing the partner empties; the trail is never edited."""
    return {
        "version": profile.version,
        "rail": profile.rail.value,
        "currency": profile.currency,
        "country": profile.country,
        "usable_from": milliseconds(profile.usable_from),
    }
