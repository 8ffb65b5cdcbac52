"""Which clients did a partner bring, and what came of them? Never who they are: a client has a pseudonym."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from introducer.domain.client import ClientState, Evidence
from introducer.domain.events import from_milliseconds
from introducer.domain.ids import base32
from introducer.domain.ledger import Key
from introducer.domain.money import Money
from introducer.store.clients import Clients
from introducer.store.paging import Page
from introducer.store.settlements import Settlements


class Stage(StrEnum):
    """How far a client came; the last step reached."""

    SEEN = "seen"
    """Events arrived, but no registration yet."""
    REGISTERED = "registered"
    VERIFIED = "verified"
    DEPOSITED = "deposited"
    TRADED = "traded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOfPartner:
    pseudonym: str
    registered: datetime | None
    country: str | None
    stage: Stage
    evidence: Evidence | None
    """By what it is the partner's; what else spoke for somebody is not shown."""
    link: str | None
    """Of a click or a lead: the link by which it came."""
    promo_code: str | None
    trades: int
    deposits: tuple[Money, ...]
    """Everything paid in, per currency."""
    earned: tuple[Money, ...]
    """What this partner was credited for the client in all, per currency."""


def read_clients_of_partner(
    clients: Clients,
    settlements: Settlements,
    *,
    partner: str,
    cursor: str | None,
    limit: int,
    first: str = "",
    last: str = "",
) -> Page[ClientOfPartner]:
    """A page of clients, the newest registration first; of those from UTC day `first` to `last`, where given."""
    page = clients.of_partner(partner, cursor, limit, first=first, last=last)
    return Page(rows_of(settlements, partner, page.items), page.cursor)


def rows_of(settlements: Settlements, partner: str, states: Sequence[ClientState]) -> tuple[ClientOfPartner, ...]:
    """These clients as the partner sees them."""
    settled = settled_amounts(settlements, partner, {state.client for state in states}) if states else {}
    return tuple(_row(state, partner, settled.get(state.client, {})) for state in states)


def settled_amounts(settlements: Settlements, partner: str, clients: Container[str]) -> dict[str, dict[Key, int]]:
    """What settling posted for one of these clients alone (a place under a cap): by client and key, minor units."""
    found: dict[str, dict[Key, int]] = defaultdict(dict)
    for _, month in settlements.each_settled(partner):
        for key, minor in month.posted.items():
            if key.scope in clients:
                found[key.scope][key] = minor
    return found


def pseudonym(client: str) -> str:
    """`C-7F3K-9QX2`: short enough to read out, the same for a client always, and no way back to the client."""
    digest = blake2b(client.encode(), digest_size=5, person=b"pseudonym").digest()
    text = base32(int.from_bytes(digest, "big"), 8)
    return f"C-{text[:4]}-{text[4:]}"


def _row(state: ClientState, partner: str, settled: Mapping[Key, int]) -> ClientOfPartner:
    earned: dict[str, int] = defaultdict(int)
    for key, minor in (*state.posted.items(), *settled.items()):
        if key.partner == partner:
            earned[key.currency] += minor
    own = next((segment for segment in reversed(state.timeline) if segment.partner == partner), None)
    return ClientOfPartner(
        pseudonym=pseudonym(state.client),
        registered=from_milliseconds(state.registered.at) if state.registered else None,
        country=state.country,
        stage=_stage(state),
        evidence=own.evidence if own else None,
        link=(own.link or None) if own and not own.code else None,
        promo_code=(own.code or None) if own else None,
        trades=state.trades,
        deposits=tuple(
            Money(turnover.deposits, currency)
            for currency, turnover in sorted(state.turnover.items())
            if turnover.deposits
        ),
        earned=tuple(Money(minor, currency) for currency, minor in sorted(earned.items())),
    )


def _stage(state: ClientState) -> Stage:
    if state.trades:
        return Stage.TRADED
    if state.deposits:
        return Stage.DEPOSITED
    if state.kyc:
        return Stage.VERIFIED
    return Stage.REGISTERED if state.registered else Stage.SEEN
