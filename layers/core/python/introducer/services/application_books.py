"""What applications are taken, confirmed, shown and decided with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from introducer.domain.application import Applicant, Application, check_reader, from_json
from introducer.domain.configuration import Member, Status
from introducer.domain.errors import NotFound
from introducer.gateways.user_pool import UserPool
from introducer.store.applications import NO_APPLICATION, Applications
from introducer.store.configuration import Configuration
from introducer.store.person_index import PersonIndex
from introducer.store.tasks import Tasks


class Vault(Protocol):
    """What `gateways.application_vault.ApplicationVault` does."""

    def seal(self, application: str, text: str) -> tuple[str, str]: ...
    def open(self, application: str, sealed: str, data_key: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationBooks:
    configuration: Configuration
    applications: Applications
    persons: PersonIndex
    tasks: Tasks
    vault: Callable[[], Vault]
    """Made when somebody is sealed or opened."""
    logins: Callable[[], UserPool]
    brand_key: Callable[[str], bytes]
    """What a brand's people are hashed under."""
    secret: Callable[[], bytes]
    """The one behind all keyed hashes: links are signed with a key of it."""


def application_for(books: ApplicationBooks, member: Member, application: str, at: datetime) -> Application:
    """The application, if this member of its brand's staff may see it. Raises `NotFound`: another brand's is none, and
    one that has expired is none; `Forbidden`."""
    check_reader(member)
    found = books.applications.application(member.brand, application)
    if found.expires_at is not None and found.expires_at <= at:
        raise NotFound(NO_APPLICATION)
    return found


def applicant_of(vault: Vault, application: Application) -> Applicant | None:
    """Who it is; None once erased. Raises `Unavailable`."""
    if not application.data_key:
        return None
    return from_json(vault.open(application.application, application.sealed, application.data_key))


def recruiter_of(books: ApplicationBooks, brand: str, code: str, at: datetime) -> str:
    """The partner of this brand whose recruiting link has a code, if it takes people now; empty otherwise: who comes by
    a dead link applies all the same."""
    try:
        partner = books.applications.recruiter(code) if code else ""
        takes = partner and books.configuration.partner(partner).brand == brand
    except NotFound:
        return ""
    return partner if takes and is_active(books.configuration, partner, at) else ""


def is_active(configuration: Configuration, partner: str, at: datetime) -> bool:
    """Whether others may come to stand below a partner: nobody comes below one that is suspended or blocked."""
    try:
        found = configuration.partner(partner)
    except NotFound:
        return False
    return found.status is Status.ACTIVE and (found.status_since is None or found.status_since <= at)
