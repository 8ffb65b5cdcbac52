"""What a partner has below it: who stands there directly, how they do this month, and what each branch brought.

Reads are bounded: one page of children with a query for each one's month, and at most `MOST_LOOKED_UNDER` queries for
who stands below them, down to five levels. What a branch brought comes from the settled month, which is read once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.application import ApplicationState
from introducer.domain.applying import recruit_code
from introducer.domain.configuration import Change, Member, Partner, PartnerKind, Status
from introducer.domain.describe import Sentence, describe
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.goals_kept import in_force
from introducer.domain.ledger import Key
from introducer.domain.money import Money
from introducer.services.read_contracts import deal_versions
from introducer.store.applications import Applications
from introducer.store.configuration import Configuration
from introducer.store.event_counts import EventCounts
from introducer.store.settlements import Settlements

LEVELS = 5
"""How far below a partner an override can reach."""
MOST_LOOKED_UNDER = 100
_TRIES = 5
_PARTNER = re.compile(r"par_[0-9A-Z]{26}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkBooks:
    """What a network is read from."""

    configuration: Configuration
    applications: Applications
    event_counts: EventCounts
    settlements: Settlements


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """Somebody who stands directly below, with their whole branch. Nothing of what they earn themselves."""

    partner: str
    name: str
    kind: PartnerKind
    country: str
    status: Status
    joined: datetime
    registrations: int
    ftd: int
    """Of the child's own clients, in the month."""
    levels: tuple[int, ...]
    """How many stand below the child, by how far below the partner itself: on its levels 2 to 5."""
    cut: bool
    """Whether there may be more than these: counting them was stopped."""
    brought: tuple[Money, ...]
    """What the partner earned in the month from all of the branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    month: str
    children: tuple[Child, ...]
    cursor: str | None
    brought: tuple[Money, ...]
    """What the partner earned in the month from everybody below, on other pages too."""
    elsewhere: tuple[Money, ...]
    """What of it came from branches that are not on this page, or stand below somebody else by now."""
    brings: tuple[Sentence, ...]
    """What the deal in force pays for those below, in its words; none where it pays nothing."""
    has_deal: bool
    waiting: int
    """How many who applied by the partner's link wait for an answer."""
    approved: int
    """How many of them became partners in the last 400 days."""


def read_network(
    books: NetworkBooks, *, partner: Partner, month: str, at: datetime, cursor: str | None = None, limit: int = 25
) -> Network:
    """A page of a partner's children in a month, the newest first. Raises `Unavailable`."""
    page = books.configuration.children(partner.partner, cursor, limit)
    branches = _branches(books.configuration, page.items)
    posted = _posted(books.settlements, partner.partner, month)
    of_branch: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    elsewhere: dict[str, int] = defaultdict(int)
    whole: dict[str, int] = defaultdict(int)
    for key, minor in posted.items():
        if not _PARTNER.fullmatch(key.scope):
            continue
        branch = branches.of.get(key.scope)
        whole[key.currency] += minor
        if branch is None:
            elsewhere[key.currency] += minor
        else:
            of_branch[branch][key.currency] += minor
    version = in_force(deal_versions(books.configuration.deals(partner.partner)), milliseconds(at))
    clauses = describe(version.deal) if version is not None else ()
    recruited = books.applications.recruited(partner.partner)
    return Network(
        month=month,
        children=tuple(
            _child(books.event_counts, each, month, branches, of_branch[each.partner]) for each in page.items
        ),
        cursor=page.cursor,
        brought=_amounts(whole),
        elsewhere=_amounts(elsewhere),
        brings=tuple(sentence for clause in clauses if clause.kind == "override" for sentence in clause.sentences),
        has_deal=version is not None,
        waiting=sum(each.state is ApplicationState.WAITING for each in recruited),
        approved=sum(each.state is ApplicationState.APPROVED for each in recruited),
    )


def list_children(configuration: Configuration) -> list[Partner]:
    """Lists everybody under their parent who was registered when partners were not; those are returned. It may be
    repeated, and changes nothing of a partner."""
    return [
        partner
        for brand in configuration.every_brand()
        for card in configuration.every_card(brand.brand)
        if (partner := configuration.partner(card.partner)).parent is not None and configuration.list_below(partner)
    ]


def code_for(
    configuration: Configuration, applications: Applications, key: bytes, *, member: Member, partner: str, at: datetime
) -> str:
    """A partner's recruiting code; made when it is first asked for, and the same ever after. `key` is the brand's.
    Raises `Unavailable`."""
    for number in range(_TRIES):
        code = recruit_code(key, partner, number)
        try:
            owner = applications.recruiter(code)
        except NotFound:
            change = Change(by=member.member, at=at, why="looked at the network", origin="portal")
            try:
                applications.make_code(member.brand, partner, code, change)
            except Conflict:
                # Somebody else asked at this moment.
                owner = applications.recruiter(code)
            else:
                return code
        if owner == partner:
            return code
    raise Unavailable("No code for a recruiting link could be made: try again.", code="no_code_free")


@dataclass(frozen=True, slots=True)
class _Branches:
    of: Mapping[str, str]
    """In whose branch everybody stands who was met."""
    levels: Mapping[str, list[int]]
    cut: frozenset[str]


def _branches(configuration: Configuration, children: tuple[Partner, ...]) -> _Branches:
    """Who stands below these, level by level: so what is cut is the deepest."""
    of = {child.partner: child.partner for child in children}
    levels = {child.partner: [0] * (LEVELS - 1) for child in children}
    cut: set[str] = set()
    above, looked = [child.partner for child in children], 0
    for level in range(LEVELS - 1):
        following: list[str] = []
        for each in above:
            if looked >= MOST_LOOKED_UNDER:
                cut.add(of[each])
                continue
            looked += 1
            found = configuration.children(each, None, MOST_LOOKED_UNDER)
            if found.cursor is not None:
                cut.add(of[each])
            for below in found.items:
                if below.partner not in of:
                    of[below.partner] = of[each]
                    levels[of[each]][level] += 1
                    following.append(below.partner)
        above = following
    return _Branches(of, levels, frozenset(cut))


def _child(counts: EventCounts, child: Partner, month: str, branches: _Branches, brought: Mapping[str, int]) -> Child:
    found = counts.month(child.partner, month)
    return Child(
        partner=child.partner,
        name=child.name,
        kind=child.kind,
        country=child.country,
        status=child.status,
        joined=child.created,
        registrations=sum(each.counts.get("registrations", 0) for each in found),
        ftd=sum(each.counts.get("ftd", 0) for each in found),
        levels=tuple(branches.levels[child.partner]),
        cut=child.partner in branches.cut,
        brought=_amounts(brought),
    )


def _posted(settlements: Settlements, partner: str, month: str) -> Mapping[Key, int]:
    """What was posted for the partner's settled month; nothing where it was not settled."""
    for _ in range(_TRIES):
        try:
            return settlements.whole(settlements.heads(partner).get(month)).posted
        except Conflict:
            # It was written again in between.
            continue
    raise Unavailable("This month is being settled just now: try again.", code="settling_busy")


def _amounts(sums: Mapping[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()) if minor)
