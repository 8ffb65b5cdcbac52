"""What the engine counts of persons: by the keyed hash of an e-mail, phone or device, how many clients have it.

One item per hash, of bounded size whatever a platform sends: a device that a thousand clients share is one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.domain.calendar import DAY_MS
from introducer.domain.fraud.person import Person
from introducer.store import keys

PERSON_DAYS = 3 * 365
"""How long it is remembered that somebody was a client, from the last registration on."""


class Known(NamedTuple):
    """How many clients more have an e-mail, phone or device, and who is called the first where nobody is yet."""

    clients: int
    first: str
    owner: str


Persons = Mapping[tuple[str, Person], Known]
"""By brand and person."""


def together(these: Persons, those: Persons) -> dict[tuple[str, Person], Known]:
    """Both as one: a transaction writes an item once."""
    joined = dict(these)
    for each, known in those.items():
        before = joined.get(each, Known(0, known.first, known.owner))
        joined[each] = before._replace(clients=before.clients + known.clients)
    return joined


def person_update(
    connection: Connection, table: str, brand: str, person: Person, known: Known, at_ms: int
) -> dict[str, Any]:
    """The part of a transaction that counts a person. `at_ms` is the moment of writing: what was counted expires."""
    key = keys.key("person", brand=brand, kind=person.kind, hash=person.hash)
    first, owner, expires = Path("first"), Path("first_owner"), (at_ms + PERSON_DAYS * DAY_MS) // 1000
    actions: list[Any] = [Path("clients").add(known.clients), Path(keys.TTL).set(expires)]
    if known.clients > 0:
        actions += [first.set(first | known.first), owner.set(owner | known.owner)]
    return connection.get_operation_kwargs(table, key.pk, key.sk, actions=actions)
