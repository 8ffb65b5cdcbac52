"""Leads: prospects that came by a partner's form, and how far sales are with each.

Nothing here says who a lead is: that is sealed under a data key of the person's own (`store.leads`), and everything
else refers to it by id. So a partner sees how its leads go without seeing who they are, and erasing destroys one key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid

PREFIX = "lea"
NOBODY = "nobody"
"""Who works a lead that was given to no one."""

KNOWN_FOR = timedelta(days=90)
"""How long somebody who came by a form is the first partner's: who comes again by another's is a duplicate. As long as
a lead counts as evidence (`domain.client.LEAD_WINDOW_DAYS`)."""

MOST_PER_HOUR = 10
"""How many leads one address may send within an hour: an office has one, and a script wants more."""

LONGEST_NAME, LONGEST_NOTE = 120, 1000

_SPELLING = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""What has no width and is part of how words are spelt: joiners in Persian and Hindi, marks of direction in Arabic."""
_SPACES = "\t\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
_PLAIN = str.maketrans(dict.fromkeys(_SPACES, " ") | dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""))
"""Spaces of all widths are one kind of space; what only says where a line may break, or that a file begins, goes."""

WORKERS = frozenset({Role.SALES, Role.MANAGER, Role.ADMIN})
"""Who of the staff sees and works leads."""
GIVERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who gives a lead to somebody else. One of sales may take what nobody works, and give back its own."""


class Stage(StrEnum):
    """How far sales are."""

    NEW = "new"
    CONTACTED = "contacted"
    OPPORTUNITY = "opportunity"
    WON = "won"
    LOST = "lost"

    @property
    def is_open(self) -> bool:
        return self not in (Stage.WON, Stage.LOST)


NEXT: Mapping[Stage, frozenset[Stage]] = {
    Stage.NEW: frozenset({Stage.CONTACTED, Stage.OPPORTUNITY, Stage.WON, Stage.LOST}),
    Stage.CONTACTED: frozenset({Stage.OPPORTUNITY, Stage.WON, Stage.LOST}),
    Stage.OPPORTUNITY: frozenset({Stage.CONTACTED, Stage.WON, Stage.LOST}),
    # Who did not want to in spring may want to in autumn.
    Stage.LOST: frozenset({Stage.CONTACTED}),
    # What it says of whose client somebody is, is a fact that nobody takes back here: a client is moved instead.
    Stage.WON: frozenset(),
}
"""Which stage may follow which."""


class LostReason(StrEnum):
    """Why a lead is lost."""

    NOT_REACHED = "not_reached"
    NOT_INTERESTED = "not_interested"
    NOT_ELIGIBLE = "not_eligible"
    """The broker may not, or will not, have them."""
    DUPLICATE = "duplicate"
    WRONG_DETAILS = "wrong_details"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a lead is. It stands sealed, and is opened for whoever works the lead."""

    name: str
    email: str
    phone: str
    """International, `+4930123456`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """To what somebody agreed, in the words that stood beside the box, and when."""

    text: str
    language: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    lead: str
    brand: str
    partner: str
    link: str
    """The link's id; its campaign is the link's."""
    campaign: str
    at: datetime
    """When the form was sent."""
    consent: Consent
    email_hash: str
    """Keyed hashes, by which somebody who comes again is known; empty once erased."""
    phone_hash: str
    stage: Stage = Stage.NEW
    since: datetime
    """Since when it is in its stage."""
    salesperson: str = NOBODY
    """The member who works it."""
    lost: LostReason | None = None
    client: str = ""
    """Which client it became, by the keyed hash of the platform's id; empty where nobody said."""
    first: str = ""
    """The lead that this one is a duplicate of: it counts for that one's partner."""
    known: bool = False
    """Whether a client with this e-mail or phone was there before."""
    erased_at: datetime | None = None
    version: int = 1


def moved(lead: Lead, to: Stage, lost: LostReason | None, at: datetime) -> Lead:
    """The lead in another stage. Raises `Conflict` where that stage does not follow, `Invalid` where a lost lead has no
    reason."""
    if to not in NEXT[lead.stage]:
        raise Conflict(f"A lead that is {lead.stage} does not become {to}: look at it again.", code="stage_refused")
    if to is Stage.LOST and lost is None:
        raise Invalid("Say why it is lost.", code="lost_reason_needed")
    return replace(lead, stage=to, lost=lost if to is Stage.LOST else None, since=at, version=lead.version + 1)


def given_to(lead: Lead, salesperson: str) -> Lead:
    """The lead in another's hands. Raises `Conflict` when it is closed."""
    if not lead.stage.is_open:
        raise Conflict("This lead is closed: take it up again first.", code="lead_closed")
    return replace(lead, salesperson=salesperson, version=lead.version + 1)


def check_worker(member: Member) -> None:
    """Raises `Forbidden` for a role that does not work leads."""
    if member.role not in WORKERS:
        raise Forbidden("Sales, managers and admins work leads: ask one of them.", code="not_your_role")


def check_giver(member: Member, lead: Lead, to: str) -> None:
    """Raises `Forbidden` where the member may not give this lead to that one."""
    if member.role in GIVERS:
        return
    takes, gives_back = lead.salesperson == NOBODY and to == member.member, lead.salesperson == member.member
    if not (takes or (gives_back and to == NOBODY)):
        raise Forbidden(
            "A manager or an admin gives a lead to somebody else: ask one of them.", code="not_yours_to_give"
        )


def check_sees(member: Member, lead: Lead) -> None:
    """Sales see their own leads, and what nobody works. Raises `Forbidden`."""
    check_worker(member)
    if member.role not in GIVERS and lead.salesperson not in (member.member, NOBODY):
        raise Forbidden("Somebody else works this lead: ask them, or a manager.", code="not_your_lead")


def name_of(text: str) -> str:
    """A person's name as it is kept: one line, no control characters. Raises `Invalid`."""
    name = " ".join(text.split())
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A name has 2 to {LONGEST_NAME} characters.", code="invalid_name")
    return name


def note_of(text: str) -> str:
    """A note as it is kept. Raises `Invalid`."""
    note = text.replace("\r\n", "\n").strip()
    if not 1 <= len(note) <= LONGEST_NOTE:
        raise Invalid(f"A note has 1 to {LONGEST_NOTE} characters.", code="invalid_note")
    return note


def consent_of(text: str) -> str:
    """The words that somebody agreed to, as they are kept: what can be read, in lines, between plain spaces. Raises
    `Invalid` for control characters, and for what turns the order of letters around."""
    lines = [line.translate(_PLAIN).strip(" ") for line in text.strip().splitlines()]
    said = set("".join(lines))
    if said <= _SPELLING | {" "} or not all(each.isprintable() for each in said - _SPELLING):
        raise Invalid("consent_text are the words beside the box, in plain text.", code="invalid_consent_text")
    return "\n".join(lines).strip("\n")


def sender_of(address: str) -> str:
    """For whom leads are counted: an address, or the /64 of IPv6, of which every household has one to itself."""
    found = ip_address(address)
    return str(ip_network(f"{address}/64", strict=False)) if isinstance(found, IPv6Address) else address


def salesperson_for(lead: str, sales: list[str]) -> str:
    """Who of sales gets a new lead: spread evenly by its id, so that a repeat meets the same one. `NOBODY` without
    sales."""
    everybody = sorted(sales)
    if not everybody:
        return NOBODY
    return everybody[sum(lead.encode()) % len(everybody)]


def to_json(person: Person) -> str:
    """As it is sealed."""
    return json.dumps({"name": person.name, "email": person.email, "phone": person.phone}, ensure_ascii=False)


def from_json(text: str) -> Person:
    """The person back."""
    said = json.loads(text)
    return Person(name=said["name"], email=said["email"], phone=said["phone"])
