"""Where one can go: the portal's navigation as data, in groups, for partners and for each role of the staff.

A place is shown to whom its page lets in, and once its route is there. The page one stands on belongs to the place with
the longest path above it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from visit import Visit

from introducer.domain.configuration import Role
from introducer.domain.task import READERS

PARTNER = frozenset({Role.OWNER, Role.MEMBER})
STAFF = frozenset(Role) - PARTNER
_LOOKS_AFTER = frozenset({Role.MANAGER, Role.ADMIN})
_CLIENTS = frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN})
_AUDIT = frozenset({Role.COMPLIANCE, Role.ADMIN})
_INVOICES = frozenset({Role.FINANCE, Role.ADMIN})


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    sign: str
    """Its icon's name."""
    name: str
    roles: frozenset[Role] = PARTNER
    """Whom the page lets in."""
    holds: tuple[str, ...] = ()
    """Paths of pages that belong here and are not below its own."""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    """The heading; empty for what stands first, without one."""
    places: tuple[Place, ...]
    unfolded: bool = False
    """Whether it stands open when one is elsewhere."""


GROUPS: tuple[Group, ...] = (
    Group(
        "",
        (Place("/", "month", N_("Overview")), Place("/messages", "messages", N_("Messages"))),
        unfolded=True,
    ),
    Group(
        N_("Promotion"),
        (
            Place("/links", "links", N_("Links")),
            Place("/campaigns", "campaigns", N_("Campaigns")),
            Place("/clicks", "clicks", N_("Clicks")),
            Place("/codes", "codes", N_("Promo codes")),
            Place("/postbacks", "postbacks", N_("Postbacks")),
            Place("/leads", "leads", N_("Leads")),
        ),
        unfolded=True,
    ),
    Group(
        N_("Results"),
        (
            Place("/clients", "clients", N_("Clients")),
            Place("/earnings", "earnings", N_("Earnings")),
            Place("/reports", "reports", N_("Reports")),
            Place("/network", "network", N_("Network")),
            Place("/goals", "goals", N_("Goals")),
            Place("/contests", "contests", N_("Contests")),
        ),
        unfolded=True,
    ),
    Group(
        N_("Money"),
        (
            Place("/deal", "deal", N_("Deal")),
            Place("/payouts", "payouts", N_("Payouts")),
            Place("/statements", "statements", N_("Statements")),
            Place("/settings/payment", "bank", N_("Getting paid")),
        ),
        unfolded=True,
    ),
    Group(
        N_("Account and settings"),
        (
            Place("/cases", "cases", N_("What we look at")),
            Place("/settings", "settings", N_("Settings")),
            Place("/api", "api", N_("API")),
        ),
    ),
    Group(
        "",
        (
            Place("/desk", "check", N_("Today"), READERS, ("/desk/tasks",)),
            # A salesperson's day begins with leads.
            Place("/desk/leads", "leads", N_("Leads"), frozenset({Role.SALES})),
        ),
        unfolded=True,
    ),
    Group(
        N_("Partners and clients"),
        (
            Place("/desk/partners", "partners", N_("Partners"), STAFF),
            Place("/desk/applications", "applications", N_("Applications"), STAFF - {Role.FINANCE}),
            Place("/desk/leads", "leads", N_("Leads"), _LOOKS_AFTER),
            Place("/desk/clients", "clients", N_("Clients"), _CLIENTS),
            Place("/desk/segments", "segments", N_("Segments"), STAFF),
            Place("/desk/deals", "deal", N_("Deals"), STAFF),
        ),
        unfolded=True,
    ),
    Group(
        N_("Money"),
        (
            Place("/desk/runs", "payouts", N_("Payouts"), STAFF),
            Place("/desk/months", "months", N_("Months"), STAFF),
            Place("/desk/adjustments", "adjustments", N_("Adjustments"), STAFF),
            Place("/desk/payees", "bank", N_("Payees"), STAFF),
            Place("/desk/invoices", "statements", N_("Invoices"), _INVOICES),
        ),
    ),
    Group(
        N_("Messages"),
        (
            Place("/desk/messages", "messages", N_("Messages"), STAFF, ("/desk/answers",)),
            Place("/desk/broadcasts", "broadcasts", N_("Broadcasts"), STAFF),
            Place("/desk/announcements", "announcements", N_("Announcements"), STAFF),
            Place("/desk/sequences", "goals", N_("Onboarding"), STAFF),
            Place("/desk/mail", "mail", N_("Mail"), STAFF),
        ),
    ),
    Group(
        N_("Promotion"),
        (
            Place("/desk/campaigns", "campaigns", N_("Campaigns"), STAFF),
            Place("/desk/contests", "contests", N_("Contests"), STAFF),
        ),
    ),
    Group(
        N_("Traffic and trust"),
        (
            Place("/desk/reports", "reports", N_("Reports"), STAFF),
            Place("/desk/events", "events", N_("Events"), STAFF),
            Place("/desk/cases", "cases", N_("Cases"), STAFF),
            Place("/desk/sources", "sources", N_("Sources"), _LOOKS_AFTER),
            Place("/desk/webhooks", "postbacks", N_("Webhooks"), _LOOKS_AFTER),
            Place("/desk/audit", "audit", N_("Audit trail"), _AUDIT),
        ),
        unfolded=True,
    ),
    Group(
        "",
        (
            Place("/desk/settings", "settings", N_("Settings"), STAFF),
            Place("/api", "api", N_("API"), STAFF),
        ),
        unfolded=True,
    ),
)

_OWN = (Place("/settings", "settings", N_("Your settings")), Place("/settings/mail", "mail", N_("Your mail")))
"""What everybody has for themselves: the first that is there, for whom it does not stand among the places."""

_PHONE: dict[Role, tuple[str, ...]] = {
    Role.MANAGER: ("/desk", "/desk/partners", "/desk/messages", "/desk/leads"),
    Role.SALES: ("/desk/leads", "/desk/partners", "/desk/messages", "/desk/events"),
    Role.FINANCE: ("/desk", "/desk/runs", "/desk/partners", "/desk/months"),
    Role.COMPLIANCE: ("/desk", "/desk/cases", "/desk/clients", "/desk/partners"),
    Role.ADMIN: ("/desk", "/desk/partners", "/desk/events", "/desk/runs"),
} | dict.fromkeys(PARTNER, ("/", "/links", "/clients", "/earnings"))
"""The four that a phone has room for, by role; the others stand under "More"."""

_ALONE = ("/", "/desk")
"""Everything lies below these, and yet does not belong to them."""
_routes: Container[str] | None = None


def open_for(routes: Container[str]) -> None:
    """Which routes there are. They are asked for each page anew, so that more may be registered later."""
    global _routes  # noqa: PLW0603 (said once, by the app)
    _routes = routes


@dataclass(frozen=True, slots=True)
class Shown:
    """The places of one visit."""

    groups: tuple[Group, ...]
    phone: tuple[Place, ...]
    own: Place | None
    here: str | None
    """The path of the place that this page belongs to."""

    def unfolded(self, group: Group) -> bool:
        return group.unfolded or any(each.path == self.here for each in group.places)


def shown_to(visit: Visit) -> Shown:
    """What stands in this visit's navigation; nothing for somebody who is not signed in."""
    if visit.member is None:
        return Shown((), (), None, None)
    role = visit.member.role
    groups = []
    for group in GROUPS:
        places = tuple(each for each in group.places if role in each.roles and _is_there(each))
        if places:
            groups.append(Group(group.name, places, group.unfolded))
    by_path = {each.path: each for group in groups for each in group.places}
    phone = tuple(by_path[path] for path in _PHONE[role] if path in by_path)
    own = next((each for each in _OWN if _is_there(each)), None)
    if own and own.path in by_path:
        own = None
    known = (*by_path.values(), own) if own else tuple(by_path.values())
    return Shown(tuple(groups), phone, own, _here(visit.path, known))


def _is_there(place: Place) -> bool:
    return _routes is None or place.path in _routes


def _here(path: str, shown: tuple[Place, ...]) -> str | None:
    found = {above: each.path for each in shown for above in (each.path, *each.holds)}
    around = [above for above in found if path == above or (above not in _ALONE and path.startswith(f"{above}/"))]
    return found[max(around, key=len)] if around else None
