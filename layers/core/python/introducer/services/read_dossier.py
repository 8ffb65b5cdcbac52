"""Everything on record about a client, a partner or a payout, for an inspector: which click brought the client, under
which terms, who changed its attribution, what was ruled, what it earned and whom it was paid to, and who changed what.

A dossier is sections of rows; every row says with which record, entry or event it can be checked. Persons are named by
the ids and keyed hashes that the books have, accounts are masked, and no name of a client or a member is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from introducer.domain.audit_chain import RecordKey, digest_of
from introducer.domain.calendar import plus_months
from introducer.domain.case import Case
from introducer.domain.client import ClientState
from introducer.domain.configuration import AuditRecord, DealRecord
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.events import Event, EventType, from_milliseconds, milliseconds, month_of
from introducer.domain.ledger import Journal
from introducer.domain.money import Money, decimal_string
from introducer.domain.payout import Payout, execution_name
from introducer.store.adjustments import Adjustments
from introducer.store.audit_chain import AuditChain
from introducer.store.cases import Cases
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.holds import Holds
from introducer.store.invoices import Invoices
from introducer.store.ledger import Ledger
from introducer.store.paging import every
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payouts import Payouts
from introducer.store.reservations import Reservations
from introducer.store.statements import Statements
from introducer.store.verifications import Verifications

T = TypeVar("T")

MOST = 2_000
"""Rows of a section, unless more are asked for: a page is not a database."""


class About(StrEnum):
    """What a dossier is about."""

    CLIENT = "client"
    PARTNER = "partner"
    PAYOUT = "payout"


class Section(NamedTuple):
    """One kind of facts. `columns` are codes; a row has a value for each: text, number, `Money`, moment or None."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: bool
    """Whether there are more rows than these."""

    @property
    def items(self) -> list[dict[str, Any]]:
        """The rows by the names of their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Dossier:
    """All of it."""

    about: About
    id: str
    brand: str
    at: datetime
    sections: tuple[Section, ...]

    def document(self) -> dict[str, Any]:
        """By section, as JSON says it."""
        return {
            "about": self.about,
            "id": self.id,
            "brand": self.brand,
            "at": self.at,
            "sections": {each.name: each.items for each in self.sections},
            "cut": [each.name for each in self.sections if each.cut],
        }


class Shelves:
    """Where it is read, each store made when it is first asked."""

    def __init__(self, facts: str, books: str) -> None:
        self._facts, self._books = facts, books

    configuration = cached_property(lambda self: Configuration(self._books))
    chain = cached_property(lambda self: AuditChain(self._books))
    clients = cached_property(lambda self: Clients(self._books))
    facts = cached_property(lambda self: Facts(self._facts))
    clicks = cached_property(lambda self: Clicks(self._facts))
    ledger = cached_property(lambda self: Ledger(self._books))
    cases = cached_property(lambda self: Cases(self._books))
    holds = cached_property(lambda self: Holds(self._books))
    adjustments = cached_property(lambda self: Adjustments(self._books))
    payouts = cached_property(lambda self: Payouts(self._books))
    reservations = cached_property(lambda self: Reservations(self._books))
    profiles = cached_property(lambda self: PaymentProfiles(self._books))
    verifications = cached_property(lambda self: Verifications(self._books))
    statements = cached_property(lambda self: Statements(self._books))
    invoices = cached_property(lambda self: Invoices(self._books))


def read_dossier(
    shelves: Shelves, about: About, subject: str, *, brand: str, now: datetime, most: int = MOST
) -> Dossier:
    """The dossier of a client (by its keyed hash), a partner or a payout of this brand, as it stands now.

    Raises `NotFound`, also for what is another brand's, and `Unavailable`.
    """
    make = {About.CLIENT: _of_client, About.PARTNER: _of_partner, About.PAYOUT: _of_payout}[about]
    sections = [_section(name, columns, rows, most) for name, columns, rows in make(shelves, brand, subject, now)]
    return Dossier(about, subject, brand, now, tuple(sections))


Given = tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]
"""A section before it is cut: its name, its columns, its rows."""


def _section(name: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], most: int) -> Section:
    found = list(islice(rows, most + 1))
    return Section(name, columns, tuple(found[:most]), len(found) > most)


# ------------------------------------------------------------------------------------------------------------- client


def _of_client(shelves: Shelves, brand: str, client: str, now: datetime) -> Iterator[Given]:
    state = shelves.clients.state(brand, client)
    if state is None:
        raise NotFound("There is no such client.", code="no_such_client")
    events = shelves.facts.events_of_client(brand, client)
    partners = _partners(shelves, state)
    journals = [journal for partner in partners for journal in _journals_of_client(shelves, state, partner, now)]
    cases = [case for partner in partners for case in shelves.cases.of_partner(partner) if client in case.clients]
    yield (
        "client",
        ("client", "registered_at", "country", "identity_confirmed_at", "first_seen_at"),
        [(client, _mark(state.registered), state.country, _mark(state.kyc), _mark(state.first))],
    )
    yield (
        "attribution",
        ("partner", "since", "evidence", "link", "promo_code", "campaign", "click"),
        (
            (
                segment.partner,
                from_milliseconds(segment.start) if segment.start else None,
                segment.evidence.value,
                None if segment.code else segment.link or None,
                segment.code or None,
                segment.campaign or None,
                segment.click or None,
            )
            for segment in state.timeline
        ),
    )
    yield (
        "clicks",
        ("click", "at", "partner", "link", "campaign", "country", "device", "flags", "attributed"),
        (_clicks(shelves, state)),
    )
    yield "campaigns", ("campaign", "link", "landing_url", "window_days", "attribution"), _campaigns(shelves, state)
    yield "decisions", _DECISION, (
        (
            event.event_id, event.type.value, event.occurred_at, event.partner, event.starts_at, event.status,
            event.case, event.reason, event.applied_at,
        )
        for event in events
        if event.type in (EventType.MOVE, EventType.VERDICT, EventType.LEAD)
    )  # fmt: skip
    yield "cases", _CASE, map(_case, cases)
    yield "terms", _TERMS, _terms_in_force(shelves, state, partners, journals)
    yield (
        "events",
        ("source", "event", "type", "occurred_at", "accepted_at", "applied_at", "amount", "status", "ref"),
        (map(_event, events)),
    )
    yield "earnings", _EARNING, map(_earning, journals)
    yield "audit", _AUDIT, _records(shelves, brand, [client, *(case.case for case in cases)])


def _partners(shelves: Shelves, state: ClientState) -> list[str]:
    """Whose the client is, was, or was taken for."""
    links = {visit.link for visit in state.visits.values()}
    of_links = (_or_none(lambda code=code: shelves.configuration.link(code)) for code in sorted(links))  # type: ignore[misc]
    return list(
        dict.fromkeys(
            [
                *(segment.partner for segment in state.timeline),
                *sorted({key.partner for key in state.posted} | {move.partner for move in state.moves.values()}),
                *(link.partner for link in of_links if link is not None),
            ]
        )
    )


def _journals_of_client(shelves: Shelves, state: ClientState, partner: str, now: datetime) -> Iterator[Journal]:
    """What was posted for the client, the oldest first: from the month of its first event on."""
    if state.first is None:
        return
    month, last = month_of(from_milliseconds(state.first.at)), month_of(now)
    while month <= last:
        found = list(shelves.ledger.journals_of_client(partner, month, state.client))
        yield from sorted(found, key=lambda journal: (journal.posted_at, journal.id))
        month = plus_months(month, 1)


def _clicks(shelves: Shelves, state: ClientState) -> Iterator[tuple[Any, ...]]:
    attributed = {segment.click for segment in state.timeline}
    for click, visit in sorted(state.visits.items(), key=lambda each: each[1].at):
        # A raw click expires after its time; what the fold kept of it stays.
        raw = _or_none(lambda click=click: shelves.clicks.click(click))  # type: ignore[misc]
        yield (
            click,
            from_milliseconds(visit.at),
            raw.partner if raw else None,
            visit.link,
            raw.campaign if raw else None,
            raw.country if raw else None,
            raw.device if raw else None,
            " ".join(raw.flags) if raw else None,
            click in attributed,
        )


def _campaigns(shelves: Shelves, state: ClientState) -> Iterator[tuple[Any, ...]]:
    links = {visit.link for visit in state.visits.values()} | {
        each.link for each in state.timeline if each.link and not each.code
    }
    for code in sorted(links):
        link = _or_none(lambda code=code: shelves.configuration.link(code))  # type: ignore[misc]
        if link is None:
            continue
        campaign = _or_none(lambda link=link: shelves.configuration.campaign(link.brand, link.campaign))  # type: ignore[misc]
        yield (
            link.campaign,
            code,
            link.landing_url,
            campaign.window_days if campaign else None,
            campaign.attribution.value if campaign else None,
        )


def _terms_in_force(
    shelves: Shelves, state: ClientState, partners: Sequence[str], journals: Sequence[Journal]
) -> Iterator[tuple[Any, ...]]:
    """The versions that priced something of the client, and of whoever had it the one in force when it registered."""
    had = {segment.partner for segment in state.timeline}
    for partner in partners:
        used = {journal.receipt.version for journal in journals if journal.key.partner == partner}
        deals = shelves.configuration.deals(partner)
        anchor = None if state.anchor is None else from_milliseconds(state.anchor)
        in_force = [deal for deal in deals if deal.accepted_at and anchor is not None and deal.valid_from <= anchor]
        at_registration = max((deal.version for deal in in_force), default=0) if partner in had else 0
        for deal in deals:
            if deal.version in used or deal.version == at_registration:
                yield _deal(deal, "registration" if deal.version == at_registration else "")


def _event(event: Event) -> tuple[Any, ...]:
    amount = None if event.amount is None or event.currency is None else Money(event.amount, event.currency)
    return (
        event.source, event.event_id, event.type.value, event.occurred_at, event.accepted_at, event.applied_at,
        amount, event.status, event.ref,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ partner


def _of_partner(shelves: Shelves, brand: str, partner: str, now: datetime) -> Iterator[Given]:
    books = shelves.configuration
    found = books.partner(partner)
    if found.brand != brand:
        raise NotFound("There is no such partner.")
    cases = shelves.cases.of_partner(partner)
    payouts = list(every(lambda cursor: shelves.payouts.of_partner(partner, cursor)))
    links = list(every(lambda cursor: books.links_of_partner(partner, cursor)))
    profiles = shelves.profiles.versions(partner)
    holds = shelves.holds.of_partner(partner)
    yield "partner", ("partner", "kind", "status", "status_since", "country", "currency", "manager", "created_at"), [
        (
            partner, found.kind.value, found.status.value, found.status_since, found.country, found.currency,
            found.manager, found.created,
        )
    ]  # fmt: skip
    yield (
        "standing",
        ("standing", "since", "status", "decided_at", "why"),
        (
            (each.standing, each.since, each.status.value, each.decided_at, each.reason)
            for each in books.standings(partner)
        ),
    )
    yield (
        "parents",
        ("month", "parent", "decided_at", "why"),
        ((each.month, each.parent, each.decided_at, each.reason) for each in books.parentings(partner)),
    )
    yield "terms", _TERMS, (_deal(deal, "") for deal in books.deals(partner))
    yield (
        "members",
        ("member", "role", "signed_out_at"),
        ((each.member, each.role.value, each.signed_out_at) for each in books.every_member(partner)),
    )
    yield (
        "links",
        ("link", "campaign", "status", "created_at"),
        ((each.code, each.campaign, each.status.value, each.created) for each in links),
    )
    yield (
        "balance",
        ("currency", "bucket", "day", "amount"),
        (
            (currency, bucket, day or None, Money(minor, currency))
            for (currency, bucket, day), minor in sorted(shelves.ledger.balance(partner).amounts.items())
            if minor
        ),
    )
    yield (
        "payment_profiles",
        ("version", "rail", "currency", "account", "changed_at", "changed_by", "usable_from"),
        (
            (
                each.version,
                each.rail.value,
                each.currency,
                each.masked,
                each.changed_at,
                each.changed_by,
                each.usable_from,
            )
            for each in reversed(profiles)
        ),
    )
    verified = shelves.verifications.of_partner(partner, brand)
    yield "verification", ("status", "submitted_at", "submitted_by", "decided_at", "decided_by", "expires_on"), [
        (
            verified.status.value, verified.submitted_at, verified.submitted_by or None, verified.decided_at,
            verified.decided_by or None, verified.expires_on or None,
        )
    ]  # fmt: skip
    yield "holds", ("hold", "placed_at", "placed_by", "why", "released_at", "released_by", "released_why"), (
        (
            each.hold, each.placed_at, each.placed_by, each.reason, each.released_at, each.released_by or None,
            each.released_why or None,
        )
        for each in holds
    )  # fmt: skip
    yield "cases", _CASE, map(_case, cases)
    yield "adjustments", _ADJUSTMENT, (
        (
            each.adjustment, Money(each.amount, each.currency), each.status.value, each.proposed.at, each.proposed.by,
            each.proposed.why, each.decided.by if each.decided else None, each.journal,
        )
        for each in every(lambda cursor: shelves.adjustments.of_partner(partner, cursor))
    )  # fmt: skip
    yield (
        "statements",
        ("month", "entries", "digest", "closed_at"),
        (
            (each.month, each.entries, each.digest, each.closed_at)
            for each in every(lambda cursor: shelves.statements.of_partner(partner, cursor))
        ),
    )
    yield "payouts", _PAYOUT, map(_payout, payouts)
    subjects = [partner, *(case.case for case in cases), *(each.payout for each in payouts), *(x.code for x in links)]
    yield "audit", _AUDIT, _records(shelves, brand, subjects)


# ------------------------------------------------------------------------------------------------------------- payout


def _of_payout(shelves: Shelves, brand: str, payout: str, now: datetime) -> Iterator[Given]:
    found = shelves.payouts.by_id(payout)
    if found.brand != brand:
        raise NotFound("There is no such payout.")
    run = shelves.payouts.run(brand, found.run)
    batch = shelves.payouts.batch(brand, found.run, found.batch) if found.batch else None
    yield "payout", _PAYOUT, [_payout(found)]
    yield "rates", ("month", "amount", "source", "target", "rate", "day"), (
        (
            part.month or None, Money(part.amount, found.currency), *(
                (part.rate.source, part.rate.target, str(part.rate), part.rate.day)
                if part.rate else (None, None, None, None)
            ),
        )
        for part in found.parts
    )  # fmt: skip
    yield "run", ("run", "schedule", "first", "through", "status", "started_at", "started_by", "why", "decided_at",
                  "decided_by", "decision", "closed_at"), [
        (
            run.run, run.schedule, run.first, run.through, run.status.value, run.started_at, run.started_by, run.why,
            run.decided_at, run.decided_by or None, run.decision or None, run.closed_at,
        )
    ]  # fmt: skip
    yield "batch", ("batch", "rail", "status", "first_tried_at", "provider_id", "file", "payouts", "amount"), (
        []
        if batch is None
        else [
            (
                batch.batch, batch.rail.value, batch.status.value, batch.first_tried_at, batch.provider_id or None,
                batch.file or None, batch.count, Money(batch.pays, batch.currency),
            )
        ]
    )  # fmt: skip
    yield "journals", ("journal", "step", "posted_at", "month", "account", "amount"), (
        (
            journal.id, str(getattr(journal.kind, "value", journal.kind)), from_milliseconds(journal.posted_at),
            journal.post_month, leg.account, Money(leg.amount, journal.key.currency),
        )
        for journal in shelves.reservations.journals(found.partner, payout)
        for leg in journal.legs
    )  # fmt: skip
    issued = shelves.invoices.standing([(found.partner, payout)])
    yield "invoices", ("number", "kind", "day", "gross", "net", "vat", "corrects"), (
        (
            each.number, each.kind.value, each.day, Money(each.gross, each.currency), Money(each.net, each.currency),
            Money(each.vat, each.currency), each.corrects or None,
        )
        for each in sorted(issued.values(), key=lambda invoice: invoice.number)
    )  # fmt: skip
    subjects = [payout, execution_name(brand, found.run), *([batch.batch] if batch else [])]
    yield "audit", _AUDIT, _records(shelves, brand, subjects)


# -------------------------------------------------------------------------------------------------------------- parts

_DECISION = ("event", "type", "decided_at", "partner", "starts_at", "status", "case", "reason", "applied_at")
_CASE = (
    "case", "partner", "status", "opened_at", "detectors", "disallowed", "reason", "why", "decided_by", "decided_at",
    "closed_at",
)  # fmt: skip
_ADJUSTMENT = ("adjustment", "amount", "status", "proposed_at", "proposed_by", "why", "decided_by", "journal")
_TERMS = ("partner", "version", "valid_from", "accepted_at", "in_force_at", "terms_hash", "terms")
_EARNING = ("journal", "partner", "kind", "rule", "version", "earn_month", "month", "available", "amount", "posted_at")
_PAYOUT = ("payout", "run", "partner", "amount", "pays", "rail", "account", "profile_version", "status", "status_since",
           "created_at", "reason", "reference")  # fmt: skip
_AUDIT = ("number", "at", "subject", "action", "by", "why", "origin", "before", "after", "audit", "digest")


def _mark(mark: Any) -> datetime | None:
    return None if mark is None else from_milliseconds(mark.at)


def _deal(deal: DealRecord, at: str) -> tuple[Any, ...]:
    return deal.partner, deal.version, deal.valid_from, deal.accepted_at, at or None, deal.terms_hash, deal.terms


def _case(case: Case) -> tuple[Any, ...]:
    last = case.last_verdict
    return (
        case.case, case.partner, case.status.value, case.opened_at, " ".join(case.detectors),
        None if last is None else last.disallowed, last.code.value if last and last.code else None,
        last.why if last else case.why, last.by if last else None, last.at if last else None, case.closed_at,
    )  # fmt: skip


def _earning(journal: Journal) -> tuple[Any, ...]:
    key = journal.key
    return (
        journal.id, key.partner, str(journal.kind), key.rule, journal.receipt.version, key.earn_month,
        journal.post_month, key.available_day, Money(journal.amount, key.currency),
        from_milliseconds(journal.posted_at),
    )  # fmt: skip


def _payout(payout: Payout) -> tuple[Any, ...]:
    return (
        payout.payout, payout.run, payout.partner, Money(payout.amount, payout.currency),
        Money(payout.pays, payout.pay_currency), payout.rail.value, payout.masked, payout.profile_version,
        payout.status.value, payout.status_since, payout.created_at, payout.reason or None, payout.reference or None,
    )  # fmt: skip


def _records(shelves: Shelves, brand: str, subjects: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The audit records about these, the oldest first, each with its link's number in the brand's chain."""
    records = [
        record
        for subject in subjects
        for record in every(lambda cursor, subject=subject: shelves.configuration.audit_of_subject(subject, cursor))  # type: ignore[misc]
        if record.brand == brand
    ]
    records.sort(key=lambda record: (record.at, record.audit))
    for start in range(0, len(records), 100):
        some = records[start : start + 100]
        keys_of = [record_key(record) for record in some]
        places, items = shelves.chain.places(brand, keys_of), shelves.chain.items(keys_of)
        for record, key in zip(some, keys_of, strict=True):
            yield (
                places.get(key), record.at, record.subject, record.action, record.by, record.why, record.origin,
                record.before, record.after, record.audit, digest_of(items[key]) if key in items else None,
            )  # fmt: skip


def record_key(record: AuditRecord) -> RecordKey:
    """Which record it is to the chain."""
    return RecordKey(record.subject, milliseconds(record.at), record.audit)


def _or_none(read: Callable[[], T]) -> T | None:
    """What is read; None for what is not there, or not whole: the rest is told all the same."""
    try:
        return read()
    except (Malformed, NotFound):
        return None


def text_of(value: Any) -> str:
    """A value of a row as a line of text has it."""
    if isinstance(value, Money):
        return f"{decimal_string(value.minor, value.currency)} {value.currency}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return "" if value is None else str(value)
