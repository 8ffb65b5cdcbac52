"""The index of persons in BOOKS: who has an e-mail, phone, device or address, by its keyed hash under the brand's key.

Clients are counted by the engine in its own transaction (`store.persons`). Here it is read, and written for members:
whose partner's login has this e-mail, or signs in from this address. What members brought is listed under the partner,
so that erasing it needs no scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.events import milliseconds
from introducer.domain.fraud.person import Person
from introducer.store import keys
from introducer.store.owned import owned
from introducer.store.paging import every
from introducer.store.persons import PERSON_DAYS
from introducer.store.wire import Refused, batch_get, connect, unavailable, writing

EMAIL, ADDRESS = "email", "address"
"""The kinds of what a member brings."""

ADDRESS_DAYS = 400
"""How long an address is remembered that a member signed in from: as long as clicks are."""

_DAYS: Mapping[str, int] = {ADDRESS: ADDRESS_DAYS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an e-mail, phone, device or address."""

    brand: str
    person: Person
    clients: int
    """How many clients registered with it."""
    first: str
    """The client that was known first; empty where there is none, or it was erased."""
    first_owner: str
    """Whose client that was."""
    member_of: str
    """The partner whose member has it; else empty."""
    expires_at: int
    """Seconds since 1970."""


class PersonIndex:
    """Reads of the index, and what members bring to it."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def known(self, brand: str, persons: Iterable[Person], at: datetime) -> dict[Person, Known]:
        """Those of these that are known at a moment; one request for up to a hundred, read consistently. Raises
        `Unavailable`."""
        wanted = [_key(brand, person) for person in dict.fromkeys(persons)]
        found = (known_from_item(item) for item in batch_get(self._connection, self._table, wanted))
        # DynamoDB takes its time to remove what has expired.
        return {each.person: each for each in found if each.expires_at * 1000 > milliseconds(at)}

    def of_members(self, partner: str) -> list[Known]:
        """What a partner's members are known by, expired or not. The index lags by moments. Raises `Unavailable`."""
        owner = keys.owner_partition("person", partner=partner)
        found = every(lambda cursor: owned(self._connection, self._table, owner, cursor, 100, newest_first=False))
        return [known for known in map(known_from_item, found) if known.member_of == partner]

    # ----------------------------------------------------------------------------------------------------- writes

    def remember_member(self, brand: str, partner: str, persons: Iterable[Person], at: datetime) -> None:
        """A member of this partner has this e-mail, signs in from this address: one request for all of them. Of two
        partners that share one, the last counts. Repeating it only prolongs it. Raises `Unavailable`."""
        updates = []
        for person in persons:
            listed = keys.owner_key("person", partner=partner, kind=person.kind, hash=person.hash)
            expires = milliseconds(at + timedelta(days=_DAYS.get(person.kind, PERSON_DAYS))) // 1000
            said: Mapping[str, Any] = {"member_of": partner, keys.TTL: expires, **listed}
            actions = [Path(name).set(value) for name, value in said.items()]
            key = _key(brand, person)
            updates.append(self._connection.get_operation_kwargs(self._table, key.pk, key.sk, actions=actions))
        if not updates:
            return
        try:
            self._connection.transact_write_items((), (), (), updates)
        except (TransactWriteError, PynamoDBConnectionError) as error:
            raise unavailable() from error

    def forget_member(self, known: Known) -> None:
        """Nobody of this partner has it any more; what no client has either is deleted. Repeating it changes nothing.
        Raises `Unavailable`."""
        key, partner = _key(known.brand, known.person), known.member_of
        member_of, clients = Path("member_of"), Path("clients")
        try:
            with writing():
                self._connection.delete_item(
                    self._table,
                    key.pk,
                    key.sk,
                    condition=(member_of == partner) & (clients.does_not_exist() | (clients <= 0)),
                )
            return
        except Refused:
            pass
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    key.pk,
                    key.sk,
                    actions=[member_of.remove(), Path(keys.OWNER_PK).remove(), Path(keys.OWNER_SK).remove()],
                    condition=member_of == partner,
                )
        except Refused:
            return


def known_from_item(item: Mapping[str, Any]) -> Known:
    """What an item of the index says."""
    _, brand, kind, value = keys.parts(item[keys.PK])
    return Known(
        brand=brand,
        person=Person(kind, value),
        clients=item.get("clients", 0),
        first=item.get("first", ""),
        first_owner=item.get("first_owner", ""),
        member_of=item.get("member_of", ""),
        expires_at=item[keys.TTL],
    )


def _key(brand: str, person: Person) -> keys.Key:
    return keys.key("person", brand=brand, kind=person.kind, hash=person.hash)
