"""Applications as staff see them: who waits, who that is, and what is known of them already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.application import (
    DECIDERS,
    Applicant,
    Application,
    ApplicationState,
    check_reader,
)
from introducer.domain.configuration import Member, PartnerKind
from introducer.domain.errors import NotFound
from introducer.domain.fraud.person import Person
from introducer.domain.identity import EMAIL
from introducer.domain.lead import Consent
from introducer.services.application_books import ApplicationBooks, applicant_of, application_for, is_active
from introducer.services.people import Names
from introducer.store.paging import Page

MOST_ALIKE = 5
"""How many partners of the same name are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """An application in a line."""

    application: str
    applicant: Applicant | None
    """None: erased."""
    kind: PartnerKind
    country: str
    language: str
    currency: str
    came_at: datetime
    state: ApplicationState
    since: datetime
    via: str
    via_name: str
    decided_by: str
    """The name of whoever did; empty where nobody has, or their login is gone."""
    partner: str
    """The partner that it became; empty where it is none."""
    set_up: bool
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A partner that may be the same."""

    partner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOf:
    """What the books know of an applicant beside what it says."""

    clients: int
    """How many clients of the brand registered with the same e-mail address."""
    member_of: Alike | None
    """The partner one of whose people has this address."""
    alike: tuple[Alike, ...]
    """Partners that are called the same."""
    of_country: int
    """How many partners the brand has from there."""
    before: str
    """The application of the same address before this one; empty where there is none."""
    before_state: ApplicationState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeApplication:
    """All that is held of an application: what is told to the person who asks, too."""

    row: ApplicationRow
    consent: Consent
    known: KnownOf
    reason: str
    manager: str
    below: str
    below_name: str
    takes: bool
    """Whether it may stand below the partner by whose link it came."""
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Somebody who may look after the partner."""

    member: str
    name: str


def applications_of_desk(
    books: ApplicationBooks,
    *,
    member: Member,
    state: ApplicationState,
    at: datetime,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[ApplicationRow]:
    """A page of the brand's applications in a state. Raises `Forbidden`."""
    check_reader(member)
    page = books.applications.of_brand(member.brand, state, cursor, limit)
    shown = _Shown(books)
    # DynamoDB takes its time to remove what has expired.
    alive = (each for each in page.items if each.expires_at is None or each.expires_at > at)
    return Page(tuple(shown.row(each) for each in alive), page.cursor)


def read_application(books: ApplicationBooks, *, member: Member, application: str, at: datetime) -> WholeApplication:
    """All of an application. Raises `NotFound`, `Forbidden`."""
    found = application_for(books, member, application, at)
    shown = _Shown(books)
    row = shown.row(found)
    return WholeApplication(
        row=row,
        consent=found.consent,
        known=_known(books, found, row.applicant, at),
        reason=found.reason,
        manager=shown.names.of(found.manager),
        below=found.below,
        below_name=shown.partner(found.below),
        takes=bool(found.via) and is_active(books.configuration, found.via, at),
        erased_at=found.erased_at,
    )


def managers_of(books: ApplicationBooks, brand: str) -> tuple[Manager, ...]:
    """Who can look after a new partner, by name."""
    colleagues = books.configuration.every_colleague(brand)
    found = [Manager(member=each.member, name=each.name) for each in colleagues if each.role in DECIDERS]
    return tuple(sorted(found, key=lambda each: (each.name, each.member)))


def _known(books: ApplicationBooks, application: Application, applicant: Applicant | None, at: datetime) -> KnownOf:
    brand = application.brand
    person = Person(EMAIL, application.email_hash)
    known = books.persons.known(brand, [person], at).get(person) if application.email_hash else None
    alike, of_country = [], 0
    wanted = _plain(applicant.company) if applicant is not None else ""
    # The brand's cards are read whole wherever partners are searched: they are a line each.
    for card in books.configuration.every_card(brand):
        if card.partner == application.partner:
            continue
        of_country += card.country == application.country
        if wanted and _plain(card.name) == wanted:
            alike.append(Alike(partner=card.partner, name=card.name))
    before = None
    if application.before:
        try:
            before = books.applications.application(brand, application.before).state
        except NotFound:
            before = None
    return KnownOf(
        clients=0 if known is None else max(0, known.clients),
        member_of=_partner(books, known.member_of if known is not None else "", application.partner),
        alike=tuple(alike[:MOST_ALIKE]),
        of_country=of_country,
        before=application.before if before is not None else "",
        before_state=before,
    )


def _partner(books: ApplicationBooks, partner: str, own: str) -> Alike | None:
    if not partner or partner == own:
        return None
    try:
        return Alike(partner=partner, name=books.configuration.partner(partner).name)
    except NotFound:
        return None


def _plain(name: str) -> str:
    """A name as it is compared: letters and figures alone."""
    return "".join(each for each in name.casefold() if each.isalnum())


class _Shown:
    """Applications for staff, with names that are read once."""

    def __init__(self, books: ApplicationBooks) -> None:
        self._books = books
        self.names = Names(books.configuration)
        self._partners: dict[str, str] = {"": ""}

    def row(self, application: Application) -> ApplicationRow:
        became = application.state is ApplicationState.APPROVED
        return ApplicationRow(
            application=application.application,
            applicant=applicant_of(self._books.vault(), application),
            kind=application.kind,
            country=application.country,
            language=application.language,
            currency=application.currency,
            came_at=application.at,
            state=application.state,
            since=application.since,
            via=application.via,
            via_name=self.partner(application.via),
            decided_by=self.names.of(application.decided_by),
            partner=application.partner if became else "",
            set_up=application.set_up,
            version=application.version,
        )

    def partner(self, partner: str) -> str:
        if partner not in self._partners:
            try:
                self._partners[partner] = self._books.configuration.partner(partner).name
            except NotFound:
                self._partners[partner] = ""
        return self._partners[partner]
