"""By what evidence is a client a partner's, and why does every other piece not count? For staff who must prove it.

It is computed anew from the client's events, as the engine does it, and says whether that comes to what the books have.
A recorded click expires; its id still says by which link it came and when, and the client's state that it was genuine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from introducer.domain.clicks import Click
from introducer.domain.client import Evidence
from introducer.domain.configuration import AuditRecord
from introducer.domain.earnings import happened
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.events import from_milliseconds
from introducer.domain.evidence import Piece, Verdict, weigh
from introducer.services.read_client_of_brand import members_named, partners_named, said_of_move
from introducer.services.read_clients_of_partner import pseudonym
from introducer.services.read_contracts import ContractReader
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.moves import ACTION
from introducer.store.paging import every

SHORT = 8
"""Letters of a keyed hash that are shown: enough to tell two apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenClick:
    """What was recorded of a click. Hashes are keyed, and shown by their first letters."""

    country: str
    device: str
    agent: str
    referer: str | None
    visitor: str | None
    address: str | None
    network: str | None
    flags: tuple[str, ...]
    subs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceOfEvidence:
    """A piece of evidence with what became of it."""

    evidence: Evidence
    verdict: Verdict
    id: str
    at: datetime | None
    partner: str | None
    partner_name: str | None
    link: str | None
    campaign: str | None
    campaign_name: str | None
    window_days: int | None
    window_from: datetime | None
    """The earliest moment that would have been early enough."""
    genuine: bool | None
    """Click: whether the engine found our signature on it, unflagged. None for what is no click."""
    click: SeenClick | None
    """None for what is no click, for a click that was never recorded, and once its record has expired."""
    events: tuple[str, ...]
    """The events that named it: source and id."""
    since: datetime | None
    """Decision: from when on it holds; None for a correction from the beginning, and for what is no decision."""
    decided_by: str | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOfClient:
    client: str
    pseudonym: str
    anchor: datetime | None
    """What everything is relative to: the registration, or the first event while there is none."""
    registered: bool
    pieces: int
    """How many there are in all."""
    recomputed_equal: bool
    """Whether the events come to what the books say: whose client it is, since when, by what."""
    waiting: int
    """Events that are accepted and not in the books yet: they are not weighed."""
    items: tuple[PieceOfEvidence, ...]
    following: str | None
    """Where the next page begins; None for the last."""


def read_evidence(
    configuration: Configuration,
    clients: Clients,
    facts: Facts,
    clicks: Clicks,
    contracts: ContractReader,
    *,
    brand: str,
    client: str,
    cursor: str | None = None,
    limit: int = 50,
) -> EvidenceOfClient:
    """A page of the evidence: decisions first, then what won, then the others. Raises `NotFound`."""
    state = clients.state(brand, client)
    if state is None:
        raise NotFound("There is no such client.", code="no_such_client")
    events = facts.events_of_client(brand, client)
    applied = [event for event in events if event.applied_at is not None and happened(event, state.cancelled)]
    weighed = weigh(state, applied, contracts.contracts_of_evidence(state, applied))
    first = int(cursor or 0)
    page = weighed.pieces[first : first + limit]
    records = _moves(configuration, client) if any(each.evidence is Evidence.DECISION for each in page) else {}
    shown = _Shown(configuration, brand, clicks, records, weighed.anchor, frozenset(state.visits))
    return EvidenceOfClient(
        client=client,
        pseudonym=pseudonym(client),
        anchor=None if weighed.anchor is None else from_milliseconds(weighed.anchor),
        registered=weighed.registered,
        pieces=len(weighed.pieces),
        recomputed_equal=weighed.timeline == state.timeline,
        waiting=sum(event.applied_at is None for event in events),
        items=tuple(map(shown.row, page)),
        following=str(first + limit) if first + limit < len(weighed.pieces) else None,
    )


class _Shown:
    """Pieces as a person reads them."""

    def __init__(
        self,
        configuration: Configuration,
        brand: str,
        clicks: Clicks,
        records: Mapping[str, AuditRecord],
        anchor: int | None,
        genuine: frozenset[str],
    ) -> None:
        self._name = partners_named(configuration)
        self._member = members_named(configuration)
        self._campaigns = _campaigns_named(configuration, brand)
        self._brand, self._clicks, self._records = brand, clicks, records
        self._anchor = None if anchor is None else from_milliseconds(anchor)
        self._genuine = genuine

    def row(self, piece: Piece) -> PieceOfEvidence:
        clicked = piece.evidence is Evidence.CLICK
        record = self._records.get(piece.id) if piece.evidence is Evidence.DECISION else None
        partner, campaign, window = piece.partner or None, piece.campaign or None, piece.window_days
        early = self._anchor is not None and window is not None
        return PieceOfEvidence(
            evidence=piece.evidence,
            verdict=piece.verdict,
            id=piece.id,
            at=None if piece.at is None else from_milliseconds(piece.at),
            partner=partner,
            partner_name=None if partner is None else self._name(partner),
            link=piece.link or None,
            campaign=campaign,
            campaign_name=None if campaign is None else self._campaigns(campaign),
            window_days=window,
            window_from=self._anchor - timedelta(days=window) if early and self._anchor and window else None,
            genuine=piece.id in self._genuine if clicked else None,
            click=self._seen(piece) if clicked else None,
            events=tuple(f"{source} {event}" for source, event in piece.events),
            since=from_milliseconds(piece.since) if piece.since else None,
            decided_by=None if record is None else self._member(record.by),
            why=None if record is None else record.why,
        )

    def _seen(self, piece: Piece) -> SeenClick | None:
        try:
            click = self._clicks.click(piece.id)
        except Malformed:
            return None
        if click is None or click.brand != self._brand:
            return None
        return _seen(click)


def _seen(click: Click) -> SeenClick:
    def short(text: str | None) -> str | None:
        return text[:SHORT] if text else None

    return SeenClick(
        country=click.country,
        device=click.device,
        agent=click.agent,
        referer=click.referer,
        visitor=short(click.visitor),
        address=short(click.address),
        network=short(click.prefix),
        flags=click.flags,
        subs=tuple(each for each in click.subs if each),
    )


def _moves(configuration: Configuration, client: str) -> dict[str, AuditRecord]:
    """The record of each decision that moved the client, by the decision."""
    records: Iterable[AuditRecord] = every(lambda cursor: configuration.audit_of_subject(client, cursor))
    return {said_of_move(record)["move"]: record for record in records if record.action == ACTION}


def _campaigns_named(configuration: Configuration, brand: str) -> Callable[[str], str]:
    names: dict[str, str] = {}

    def name(campaign: str) -> str:
        if not names:
            names.update({each.campaign: each.name for each in configuration.campaigns(brand)})
        return names.get(campaign, campaign)

    return name
