"""Account holders in BOOKS: which partners are paid, or were, to an account, by its keyed fingerprint.

Put in the transaction that changes a payment profile, and kept when the partner changes again: who shared an account
once is not forgotten by moving on. Erasing the partner deletes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.payment_profile import PaymentProfile
from introducer.store import keys
from introducer.store.partitions import whole
from introducer.store.wire import connect, put_operation, writing


class AccountHolder(NamedTuple):
    """A partner that is paid, or was, to an account."""

    partner: str
    since: datetime
    """When it last said so."""


def holder_put(connection: Connection, table: str, brand: str, profile: PaymentProfile) -> dict[str, Any]:
    """The part of a transaction that says whose account this is; the same again for one that was its before."""
    item = {
        **_key(brand, profile.fingerprint, profile.partner).item(),
        "partner": profile.partner,
        "since": milliseconds(profile.changed_at),
    }
    return put_operation(connection, table, item)


class AccountHolders:
    """Reads of holders, and their end."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of_account(self, brand: str, fingerprint: str) -> tuple[AccountHolder, ...]:
        """Who is paid, or was, to the account with this fingerprint, by partner. Raises `Unavailable`."""
        pk = keys.partition("account_holder", brand=brand, fingerprint=fingerprint)
        holders = Path(keys.SK).startswith(keys.prefix("account_holder"))
        found = whole(self._connection, self._table, pk, holders, consistent=False)
        return tuple(AccountHolder(item["partner"], from_milliseconds(item["since"])) for item in found)

    def forget(self, brand: str, partner: str, fingerprints: Iterable[str]) -> None:
        """This partner has none of these accounts. Repeating it changes nothing. Raises `Unavailable`."""
        for fingerprint in dict.fromkeys(fingerprints):
            key = _key(brand, fingerprint, partner)
            with writing():
                self._connection.delete_item(self._table, key.pk, key.sk)


def _key(brand: str, fingerprint: str, partner: str) -> keys.Key:
    return keys.key("account_holder", brand=brand, fingerprint=fingerprint, partner=partner)
