"""What people configure: brands, campaigns, sources, partners, their standing, links, members and deal versions.

Everything here changes by somebody's decision, so every change goes with a `Change`: who, when and why. What earnings
depend on (deal versions, standings) is effective-dated and append-only: the past is never rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from introducer.domain.campaigns import MAIN, LandingPage, Utm
from introducer.domain.caps import Caps


class Role(StrEnum):
    """What a login may do. The first two belong to a partner, the others to the broker's staff."""

    OWNER = "owner"
    MEMBER = "member"
    MANAGER = "manager"
    SALES = "sales"
    FINANCE = "finance"
    COMPLIANCE = "compliance"
    ADMIN = "admin"

    @property
    def is_staff(self) -> bool:
        return self not in (Role.OWNER, Role.MEMBER)


class PartnerKind(StrEnum):
    AFFILIATE = "affiliate"
    IB = "ib"


class Status(StrEnum):
    """A partner's standing. A suspended partner cannot sign in but still earns; a blocked one earns nothing."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"


class Availability(StrEnum):
    """Whether a campaign, source or link takes traffic."""

    ACTIVE = "active"
    PAUSED = "paused"


class Attribution(StrEnum):
    """Which of several clicks inside the window counts."""

    LAST_CLICK = "last_click"
    FIRST_CLICK = "first_click"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Who changes something, when and why: it becomes the audit record in the change's own transaction."""

    by: str
    """A member's id, or `system:` and the name of what acted on its own."""
    at: datetime
    why: str
    origin: str = ""
    """Where it came from: `portal`, a job's or a command's name. Nothing that says who somebody is: the trail is never
    erased."""


DEPLOYMENT = "deployment"
"""In the place of a brand: what belongs to all brands of an installation, or to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One change as it was recorded. `before` and `after` are the changed fields as JSON text; None for nothing."""

    brand: str
    """Whose trail it stands in: a brand, or `DEPLOYMENT`."""
    subject: str
    audit: str
    at: datetime
    by: str
    action: str
    why: str
    origin: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A broker entity or white label."""

    brand: str
    name: str
    domain: str
    """The host its portal and tracking links are on."""
    base_currency: str
    fallback_url: str
    """Where a visitor goes whose link is unknown or paused."""
    created: datetime
    time_zone: str = "UTC"
    """In which its contests are planned. Earnings and counters know UTC days alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandHost:
    """Which brand answers under a host."""

    host: str
    brand: str
    fallback_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What a partner promotes."""

    campaign: str
    brand: str
    name: str
    landing_url: str
    """The first page's address. Links from before campaigns had routes lead to a copy of it."""
    hosts: tuple[str, ...]
    """Hosts that pages and a link's `to` may lead to; the landing page's own is among them."""
    click_parameter: str
    """The query parameter of the landing page that takes the click id."""
    window_days: int
    """A registration counts for a click at most this many days before it."""
    attribution: Attribution
    countries: tuple[str, ...]
    """ISO 3166 alpha-2 codes the campaign is for; empty means everywhere."""
    status: Availability
    created: datetime
    pages: tuple[LandingPage, ...] = ()
    """As staff wrote them; read `landing_pages`, which has one for a campaign from before there were several."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """From when and until when it takes visitors; None is open."""
    clicks_per_day: int | None = None
    clicks_in_all: int | None = None
    """So many payable clicks it takes, per UTC day and in all; None is no cap (`domain.caps`)."""
    caps_since: datetime | None = None
    """From when on clicks are counted for caps: since it had the first."""
    overflow_url: str = ""
    """Where a visitor goes whom the campaign does not take; empty is the brand's fallback page."""
    utm: tuple[Utm, ...] = ()
    """Parameters that landing addresses get besides the click id."""
    description: str = ""
    terms: str = ""
    """What partners read about it: what it is, and what must be kept to."""
    version: int = 0
    """How often it was changed."""

    @property
    def landing_pages(self) -> tuple[LandingPage, ...]:
        return self.pages or (LandingPage(page=MAIN, url=self.landing_url),)

    @property
    def caps(self) -> Caps:
        return Caps(clicks_per_day=self.clicks_per_day, clicks_in_all=self.clicks_in_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that posts events for a brand: a trading platform or a network."""

    source: str
    brand: str
    dialect: str
    status: Availability
    settings: str = "{}"
    """What the dialect is told (`sources.dialects`), as JSON text with sorted keys."""


DESK = "desk"
"""The source of events that staff decide. No platform may have this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Anyone paid for introducing traders."""

    partner: str
    brand: str
    name: str
    kind: PartnerKind
    status: Status
    """The standing as decided last, for lists. It can be for a moment to come (`status_since`): what holds now, and
    what earnings read, is the history of `Standing`."""
    parent: str | None
    """Who introduced this partner, as decided last, for lists. A decision can be for a month to come: what earnings
    read is the history of `Parenting`."""
    manager: str | None
    """The member of staff who looks after the partner."""
    country: str
    language: str
    currency: str
    """What the partner is paid in."""
    email_hash: str | None
    created: datetime
    status_since: datetime | None = None
    """From when on `status` holds; None for a partner whose standing nobody decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerCard:
    """A partner in a line, for lists and segments."""

    partner: str
    brand: str
    name: str
    kind: PartnerKind
    status: Status
    country: str
    manager: str | None
    currency: str
    status_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """From `since` on, the partner is active, suspended or blocked; before the first one a partner is active. Of
    several for one moment the one that was decided last counts."""

    partner: str
    standing: str
    """The decision. One that covers others has an entry for each of their moments as well."""
    since: datetime
    status: Status
    reason: str
    decided_at: datetime
    decided_by: str | None = None
    """The member who decided it."""


def status_at(at: datetime, history: Iterable[Standing]) -> Status:
    """What the partner was, is or will be; `history` as the books have it, oldest first."""
    found = Status.ACTIVE
    for standing in history:
        if standing.since <= at:
            found = standing.status
    return found


BEGINNING = "0000-00"
"""The month before all months: what holds from it on has always held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parenting:
    """From the first instant of `month` on, the partner stands below `parent`. Of several for one month the one that
    was decided last counts. Overrides climb along these."""

    partner: str
    parenting: str
    month: str
    """A UTC month (`2026-05`), or `BEGINNING`."""
    parent: str | None
    """None: from then on nobody introduced this partner."""
    reason: str
    decided_at: datetime


def parent_in(month: str, history: Iterable[Parenting]) -> str | None:
    """Who the parent was in a month; `history` as the books have it, oldest first."""
    found = None
    for parenting in history:
        if parenting.month <= month:
            found = parenting.parent
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A partner's tracking URL for a campaign, with all the redirect needs in one read."""

    code: str
    """What stands in the address: the link's id, or one of its slugs."""
    link_id: str
    partner: str
    brand: str
    campaign: str
    landing_url: str
    hosts: tuple[str, ...]
    click_parameter: str
    fallback_url: str
    status: Availability
    shard_exponent: int
    """A day's clicks are spread over 4 ** shard_exponent partitions: 0 to 3."""
    created: datetime
    page: str | None = None
    """The campaign's page that it is pinned to, for visitors whom that page fits."""
    path: str | None = None
    """Its own deep link, as `domain.targets.deep_link` gives it; a visit's `to` goes before it."""
    name: str = ""
    note: str = ""
    """What the partner calls it, and noted about it."""
    slugs: tuple[str, ...] = ()
    """Own names that lead here too, besides the code. Each is an item like this one, with the slug as its `code` and
    without slugs of its own."""
    given_up: datetime | None = None
    """Of a slug: since when it leads nowhere. It stays its partner's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A login. `partner` is None for the broker's staff."""

    member: str
    """The Cognito `sub`."""
    partner: str | None
    brand: str
    role: Role
    name: str
    language: str
    signed_out_at: datetime | None = None
    """Tokens of sign-ins before this moment are refused."""
    signed_in_at: datetime | None = None
    """The last sign-in with a password, by the true clock; None where none is known."""
    removed_at: datetime | None = None
    """Since when the member is none any more: it comes in nowhere, and stands on no list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealRecord:
    """One deal version as it is stored; `domain.deal` reads the terms.

    A proposed version has no `accepted_at` and prices nothing. Once accepted it never changes.
    """

    partner: str
    version: int
    valid_from: datetime
    """A UTC midnight later than the acceptance."""
    accepted_at: datetime | None
    terms: str
    """The deal as JSON text, with sorted keys."""
    terms_hash: str
    """Names the terms that were accepted: SHA-256 of `terms`, hex."""
