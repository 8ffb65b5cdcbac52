"""Whose client is this, by what evidence, and what was posted for it? For staff: a keyed hash names the client."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from introducer.domain.client import ClientState, Evidence, Segment
from introducer.domain.configuration import AuditRecord
from introducer.domain.errors import Invalid, NotFound
from introducer.domain.events import from_milliseconds
from introducer.domain.identity import CLIENT, keyed_hash
from introducer.domain.money import Money
from introducer.domain.terms import parse_terms
from introducer.services.move_client import belongings, in_quarantine
from introducer.services.read_clients_of_partner import pseudonym, settled_amounts
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.moves import ACTION, Moves
from introducer.store.paging import Page
from introducer.store.settlements import Settlements

LONGEST_ID = 100
"""As long as a platform may name a client (`sources.events`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """A time in which a client is a partner's."""

    partner: str
    name: str
    since: datetime | None
    """None: from the beginning."""
    until: datetime | None
    """None: it is so now."""
    evidence: Evidence
    link: str | None
    code: str | None
    """The promo code by which it came."""
    clicked: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What the books hold for a client, of one partner's rule."""

    partner: str
    name: str
    rule: str
    kind: str
    """What kind of rule it is; its id where no version of the deal has it."""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision that moved the client."""

    move: str
    partner: str
    name: str
    starts_at: datetime | None
    """None: a correction of everything."""
    decided_at: datetime
    by: str
    why: str
    applied: bool
    """Whether the books follow it; else that is a matter of moments, or it waits for a person."""
    waits_for: str | None
    """Why it waits for a person: the code of what was in its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOfBrand:
    client: str
    pseudonym: str
    registered: datetime | None
    country: str | None
    verified: datetime | None
    first_deposit: datetime | None
    first_amount: Money | None
    belongs: tuple[Belonging, ...]
    """Oldest first, the one that is so now last; decisions on their way to the books are in it."""
    registered_with: str | None
    """The name of the partner at the registration: whose cpa it is."""
    posted: tuple[Posted, ...]


def find_client(clients: Clients, *, brand: str, brand_key: bytes, client_id: str) -> str:
    """The keyed hash of the client whom the platform calls so, exactly. Raises `Invalid`, and `NotFound` when nothing
    was ever heard of such a client."""
    client_id = client_id.strip()
    if not 1 <= len(client_id) <= LONGEST_ID:
        raise Invalid(f"A platform's name for a client has 1 to {LONGEST_ID} characters.", code="invalid_client_id")
    client = keyed_hash(brand_key, CLIENT, client_id)
    if clients.state(brand, client) is None:
        raise NotFound("There is no such client.", code="no_such_client")
    return client


def read_client_of_brand(
    configuration: Configuration, clients: Clients, moves: Moves, settlements: Settlements, *, brand: str, client: str
) -> ClientOfBrand:
    """Where the client stands. Raises `NotFound`."""
    state = clients.state(brand, client)
    if state is None:
        raise NotFound("There is no such client.", code="no_such_client")
    name = partners_named(configuration)
    segments = belongings(state, moves.of_client(brand, client))
    anchor = state.anchor
    at_registration = [segment for segment in segments if anchor is not None and segment.start <= anchor]
    first = min(state.deposits.values(), key=lambda deposit: deposit.at, default=None)
    return ClientOfBrand(
        client=client,
        pseudonym=pseudonym(client),
        registered=from_milliseconds(state.registered.at) if state.registered else None,
        country=state.country,
        verified=from_milliseconds(state.kyc.at) if state.kyc else None,
        first_deposit=from_milliseconds(first.at) if first else None,
        first_amount=Money(first.minor, first.currency) if first else None,
        belongs=tuple(
            _belonging(state, segment, following, name)
            for segment, following in zip(segments, [*segments[1:], None], strict=True)
        ),
        registered_with=name(at_registration[-1].partner) if at_registration else None,
        posted=tuple(_posted(configuration, state, settlements, name)),
    )


def read_decisions_about_client(
    configuration: Configuration,
    clients: Clients,
    moves: Moves,
    facts: Facts,
    *,
    brand: str,
    client: str,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Decision]:
    """A page of the decisions that moved a client, the newest first. Raises `NotFound`."""
    state = clients.state(brand, client)
    if state is None:
        raise NotFound("There is no such client.", code="no_such_client")
    name, member = partners_named(configuration), members_named(configuration)
    waiting = {move.event_id: move for move in moves.of_client(brand, client) if move.key not in state.moves}
    kept = {move_id: in_quarantine(facts, move) for move_id, move in waiting.items()}
    reasons = {move_id: None if message is None else message.reason for move_id, message in kept.items()}
    page = configuration.audit_of_subject(client, cursor, limit)
    found = (_decision(record, name, member, reasons) for record in page.items if record.action == ACTION)
    return Page(tuple(found), page.cursor)


def _belonging(
    state: ClientState, segment: Segment, following: Segment | None, name: Callable[[str], str]
) -> Belonging:
    visit = state.visits.get(segment.click) if segment.click else None
    return Belonging(
        partner=segment.partner,
        name=name(segment.partner),
        since=from_milliseconds(segment.start) if segment.start else None,
        until=from_milliseconds(following.start) if following else None,
        evidence=segment.evidence,
        link=None if segment.code else segment.link or None,
        code=segment.code or None,
        clicked=from_milliseconds(visit.at) if visit else None,
    )


def _posted(
    configuration: Configuration, state: ClientState, settlements: Settlements, name: Callable[[str], str]
) -> list[Posted]:
    partners = {segment.partner for segment in state.timeline}
    posted = [
        state.posted,
        *(settled_amounts(settlements, each, {state.client}).get(state.client, {}) for each in partners),
    ]
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for key, minor in (each for amounts in posted for each in amounts.items()):
        sums[key.partner, key.rule, key.currency] += minor
    kinds = {partner: _kinds(configuration, partner) for partner in sorted({partner for partner, _, _ in sums})}
    return [
        Posted(
            partner=partner,
            name=name(partner),
            rule=rule,
            kind=kinds[partner].get(rule, rule),
            amount=Money(minor, currency),
        )
        for (partner, rule, currency), minor in sorted(sums.items())
        if minor
    ]


def _kinds(configuration: Configuration, partner: str) -> dict[str, str]:
    """The kind of each rule of a partner's deals, by its id."""
    deals = (parse_terms(json.loads(record.terms)) for record in configuration.deals(partner))
    return {rule.id: rule.kind for deal in deals for rule in deal.rules}


def _decision(
    record: AuditRecord, name: Callable[[str], str], member: Callable[[str], str], waiting: Mapping[str, str | None]
) -> Decision:
    said = said_of_move(record)
    starts_at = said.get("starts_at")
    return Decision(
        move=said["move"],
        partner=said["partner"],
        name=name(said["partner"]),
        starts_at=None if starts_at is None else from_milliseconds(int(starts_at)),
        decided_at=record.at,
        by=member(record.by),
        why=record.why,
        applied=said["move"] not in waiting,
        waits_for=waiting.get(said["move"]),
    )


def said_of_move(record: AuditRecord) -> dict[str, Any]:
    """What the record of a decision that moved a client says: `move`, `partner`, `starts_at`."""
    said: dict[str, Any] = json.loads(record.after or "{}")
    return said


def partners_named(configuration: Configuration) -> Callable[[str], str]:
    """The name of a partner; the id of one that is not there."""

    @cache
    def name(partner: str) -> str:
        try:
            return configuration.partner(partner).name
        except NotFound:
            return partner

    return name


def members_named(configuration: Configuration) -> Callable[[str], str]:
    """The name of a login; what acted on its own is named as it is."""

    @cache
    def name(member: str) -> str:
        try:
            return configuration.member(member).name
        except NotFound:
            return member

    return name
