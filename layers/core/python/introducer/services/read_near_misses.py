"""Which of a partner's clients lack little for what the deal pays once per client?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.events import day_of, from_milliseconds, milliseconds
from introducer.domain.money import Money
from introducer.domain.near_miss import Missing, looked_for_from, near_misses
from introducer.services.read_clients_of_partner import pseudonym
from introducer.store.clients import Clients

MOST = 10
"""So many are shown."""
MOST_LOOKED_AT = 100
"""So many clients are looked at: those registered first within the deal's time, whose time therefore runs out first."""


class ReadsContractsOfClients(Protocol):
    def contracts_of_clients(self, partner: str, states: Iterable[ClientState]) -> Contracts: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMissShown:
    """A near miss under the client's pseudonym."""

    pseudonym: str
    registered: str
    """The UTC day under which `/clients` lists it."""
    rule: str
    kind: str
    amount: Money
    until: datetime | None
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMissesShown:
    items: tuple[NearMissShown, ...]
    looked_at: int
    """How many clients were looked at."""
    more: bool
    """Whether there are clients in time that were not."""


def read_near_misses(
    clients: Clients, contracts: ReadsContractsOfClients, *, partner: str, now: datetime
) -> NearMissesShown:
    """A query and a batch of at most a hundred clients; nothing where the deal has no rule that pays once per client.
    Raises `Unavailable`."""
    since = looked_for_from(contracts.contracts_of_clients(partner, ()), partner, day_of(now))
    if since is None:
        return NearMissesShown(items=(), looked_at=0, more=False)
    page = clients.of_partner(partner, limit=MOST_LOOKED_AT, first=since, newest_first=False)
    known = contracts.contracts_of_clients(partner, page.items)
    anchors = {state.client: state.anchor or 0 for state in page.items}
    found = near_misses(page.items, known, partner, milliseconds(now))[:MOST]
    return NearMissesShown(
        items=tuple(
            NearMissShown(
                pseudonym=pseudonym(each.client),
                registered=day_of(from_milliseconds(anchors[each.client])),
                rule=each.rule,
                kind=each.kind,
                amount=each.amount,
                until=None if each.until is None else from_milliseconds(each.until),
                missing=each.missing,
            )
            for each in found
        ),
        looked_at=len(page.items),
        more=page.cursor is not None,
    )
