"""What leads are taken, worked and shown with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from introducer.domain.configuration import Member
from introducer.domain.errors import NotFound
from introducer.domain.lead import Lead, check_sees
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.leads import NO_LEAD, Leads
from introducer.store.person_index import PersonIndex


class Opener(Protocol):
    """One lead's texts: what `gateways.lead_vault.Opened` does."""

    def seal(self, place: str, text: str) -> str: ...
    def open(self, place: str, sealed: str) -> str: ...


class Vault(Protocol):
    """What `gateways.lead_vault.LeadVault` does."""

    def seal(self, lead: str, text: str) -> tuple[str, str]: ...
    def opener(self, lead: str, data_key: str) -> Opener: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadBooks:
    configuration: Configuration
    leads: Leads
    persons: PersonIndex
    clients: Clients
    vault: Callable[[], Vault]
    """Made when somebody is sealed or opened: most pages of leads need none."""
    brand_key: Callable[[str], bytes]
    """What a brand's people are hashed under."""


def lead_for(books: LeadBooks, member: Member, lead: str) -> Lead:
    """The lead, if this member of its brand's staff may see it. Raises `NotFound`: another brand's is none;
    `Forbidden`."""
    found = books.leads.lead(lead)
    if found.brand != member.brand:
        raise NotFound(NO_LEAD)
    check_sees(member, found)
    return found
