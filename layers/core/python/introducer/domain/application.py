"""Applications: somebody asks to become a partner, shows that the e-mail address is theirs, and a person decides.

Nothing here says who an applicant is: that is sealed under a data key of its own, and everything else refers to the
application by its id. The partner that it would become has an id that follows from the application's, so that approving
may be repeated, and so that erasing that partner finds what was written here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from introducer.domain.configuration import Member, PartnerKind, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.ids import derived_id
from introducer.domain.lead import Consent, name_of

PREFIX = "app"

LINK_GOOD_FOR = timedelta(hours=48)
"""How long the link in the mail confirms an address."""
UNCONFIRMED_KEPT = timedelta(days=3)
"""How long an application is kept whose address nobody confirms."""
DECIDED_KEPT = timedelta(days=180)
"""How long a refused or withdrawn one is kept: for whoever asks why, and to know who comes again."""

MOST_MAILS = 3
"""How many mails one address is sent a day because somebody typed it into the form."""
MOST_OF_ADDRESS, MOST_OF_NETWORK = 10, 30
"""How many applications an address, and all of its network together, may send a day."""

LONGEST_SITE, LONGEST_PLAN, LONGEST_REASON = 300, 1_000, 500

READERS = frozenset({Role.MANAGER, Role.ADMIN, Role.COMPLIANCE, Role.SALES})
"""Who of the staff looks at applications: those who decide, compliance, which may know the name, and sales, who may
have met the applicant. Finance pays partners, and needs none who are not yet."""
DECIDERS = frozenset({Role.MANAGER, Role.ADMIN})

_ADDRESS_IN_NAME = re.compile(r"@|://|\w\.\w{2}")
_PRINTABLE_LINES = re.compile(r"[\r\n\t]")


class ApplicationState(StrEnum):
    UNCONFIRMED = "unconfirmed"
    """Nobody showed yet that the e-mail address is theirs."""
    WAITING = "waiting"
    """For a person of the staff."""
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The applicant applied again meanwhile, or was erased."""


NEXT: Mapping[ApplicationState, frozenset[ApplicationState]] = {
    ApplicationState.UNCONFIRMED: frozenset({ApplicationState.WAITING, ApplicationState.WITHDRAWN}),
    ApplicationState.WAITING: frozenset(
        {ApplicationState.APPROVED, ApplicationState.REFUSED, ApplicationState.WITHDRAWN}
    ),
    ApplicationState.APPROVED: frozenset(),
    ApplicationState.REFUSED: frozenset(),
    ApplicationState.WITHDRAWN: frozenset(),
}
"""Which state may follow which."""


class Channel(StrEnum):
    """Where somebody reaches traders."""

    WEBSITE = "website"
    SEARCH = "search"
    SOCIAL = "social"
    VIDEO = "video"
    MESSENGER = "messenger"
    EMAIL = "email"
    ADVERTISING = "advertising"
    IN_PERSON = "in_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who applies, and what they say of themselves. It stands sealed, and is opened for whoever decides."""

    name: str
    """The person's."""
    company: str
    """What the partner would be called: a company, a site or the person."""
    email: str
    website: str
    channels: tuple[Channel, ...]
    plan: str
    """How they promote, in their own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application with what became of it. Each step makes a new value, one version higher."""

    application: str
    brand: str
    at: datetime
    """When the form was sent."""
    country: str
    kind: PartnerKind
    language: str
    currency: str
    consent: Consent
    via: str = ""
    """The partner whose recruiting link it came by; empty without one."""
    email_hash: str = ""
    """Keyed hash, by which somebody who applies again is known; empty once erased."""
    sealed: str = ""
    data_key: str = ""
    """Who it is; both empty once erased."""
    state: ApplicationState = ApplicationState.UNCONFIRMED
    since: datetime
    """Since when it is in its state."""
    before: str = ""
    """The application of the same address before this one."""
    decided_by: str = ""
    reason: str = ""
    """Why it was refused, as the applicant was told."""
    manager: str = ""
    """Who looks after the partner that it became."""
    below: str = ""
    """Below whom that partner stands."""
    terms: str = ""
    """The terms that it is proposed, as JSON text; empty for none."""
    set_up: bool = False
    """Whether all that follows from approving was done."""
    erased_at: datetime | None = None
    version: int = 1

    @property
    def partner(self) -> str:
        """The partner that it becomes, or would."""
        return partner_of(self.brand, self.application)

    @property
    def expires_at(self) -> datetime | None:
        """When it goes by itself; None for one that waits, or is a partner."""
        match self.state:
            case ApplicationState.UNCONFIRMED:
                return self.at + UNCONFIRMED_KEPT
            case ApplicationState.REFUSED | ApplicationState.WITHDRAWN:
                return self.since + DECIDED_KEPT
            case _:
                return None


def partner_of(brand: str, application: str) -> str:
    """The id of the partner that an application becomes."""
    return derived_id("par", brand, application)


# --------------------------------------------------------------------------------------------------------------- steps


def moved(application: Application, to: ApplicationState, at: datetime) -> Application:
    """The application in another state. Raises `Conflict` with the code `application_decided` where that does not
    follow."""
    if to not in NEXT[application.state]:
        raise Conflict(
            f"This application is {application.state} and does not become {to}: look at it again.",
            code="application_decided",
        )
    return replace(application, state=to, since=at, version=application.version + 1)


def approved(application: Application, *, by: str, manager: str, below: str, terms: str, at: datetime) -> Application:
    """The application with the decision that it becomes a partner. Raises `Conflict`."""
    after = moved(application, ApplicationState.APPROVED, at)
    return replace(after, decided_by=by, manager=manager, below=below, terms=terms)


def refused(application: Application, *, by: str, reason: str, at: datetime) -> Application:
    """The application, refused for this reason. Raises `Conflict`."""
    return replace(moved(application, ApplicationState.REFUSED, at), decided_by=by, reason=reason)


def erased(application: Application, at: datetime) -> Application:
    """The application without who it is; one that waits is withdrawn with it."""
    waits = application.state in (ApplicationState.UNCONFIRMED, ApplicationState.WAITING)
    after = (
        moved(application, ApplicationState.WITHDRAWN, at)
        if waits
        else replace(application, version=application.version + 1)
    )
    return replace(after, email_hash="", sealed="", data_key="", reason="", erased_at=at)


def check_reader(member: Member) -> None:
    """Raises `Forbidden` for a role that does not look at applications."""
    if member.role not in READERS:
        raise Forbidden("Managers, sales, compliance and admins see applications.", code="not_your_role")


def check_decider(member: Member) -> None:
    """Raises `Forbidden` for a role that does not decide them."""
    if member.role not in DECIDERS:
        raise Forbidden("Managers and admins decide applications: ask one of them.", code="not_your_role")


# --------------------------------------------------------------------------------------------------------------- texts


def person_of(text: str) -> str:
    """A name as it is kept. No address stands in it: a mail greets by it, and anybody may have one sent to
    anybody. Raises `Invalid`."""
    name = name_of(text)
    if _ADDRESS_IN_NAME.search(name):
        raise Invalid("name is the name of a person, without an address.", code="invalid_name")
    return name


def mailbox_of(email: str) -> str:
    """The box that an address leads to, for counting mails: what stands behind a plus sign names no other one."""
    box, _, host = email.rpartition("@")
    return f"{box.partition('+')[0] or box}@{host}"


def site_of(text: str) -> str:
    """A website as it is kept, with its scheme; empty for none. Raises `Invalid`."""
    site = text.strip()
    if not site:
        return ""
    if "://" not in site:
        site = f"https://{site}"
    try:
        parts = urlsplit(site)
        fits = parts.scheme in ("http", "https") and "." in (parts.hostname or "") and parts.username is None
    except ValueError:
        fits = False
    if not fits or len(site) > LONGEST_SITE or not site.isprintable() or any(each.isspace() for each in site):
        raise Invalid("website is an address such as https://www.example.com.", code="invalid_website")
    return site


def plan_of(text: str) -> str:
    """How somebody promotes, as it is kept. Raises `Invalid`."""
    return _lines(text, LONGEST_PLAN, "invalid_plan", "plan")


def reason_of(text: str) -> str:
    """Why an application is refused, as it is mailed. Raises `Invalid`."""
    return _lines(text, LONGEST_REASON, "reason_needed", "reason")


def _lines(text: str, most: int, code: str, name: str) -> str:
    said = text.replace("\r\n", "\n").strip()
    if not 3 <= len(said) <= most or not _PRINTABLE_LINES.sub("", said).isprintable():
        raise Invalid(f"{name} is a text of 3 to {most} characters.", code=code)
    return said


def to_json(applicant: Applicant) -> str:
    """As it is sealed."""
    said = {
        "name": applicant.name,
        "company": applicant.company,
        "email": applicant.email,
        "website": applicant.website,
        "channels": [each.value for each in applicant.channels],
        "plan": applicant.plan,
    }
    return json.dumps(said, ensure_ascii=False)


def from_json(text: str) -> Applicant:
    """The applicant back."""
    said = json.loads(text)
    return Applicant(**said | {"channels": tuple(Channel(each) for each in said["channels"])})
