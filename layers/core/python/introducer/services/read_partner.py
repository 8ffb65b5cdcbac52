"""A partner on one page, for staff: who it is, what it brings, what it has agreed to and is paid, and what is going on.

What belongs to other parts stands beside it: tasks (`read_tasks`) and conversations (`read_conversations`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from introducer.domain.case import Case, CaseStatus
from introducer.domain.configuration import Member, Partner, Role, Standing, Status, status_at
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.deal import Basis
from introducer.domain.errors import NotFound
from introducer.domain.events import day_of
from introducer.domain.goal import Goal, GoalStatus
from introducer.domain.lead import GIVERS, Stage
from introducer.domain.mail_text import MailText
from introducer.domain.money import Money
from introducer.domain.payment_profile import PaymentProfile
from introducer.domain.results import ResultLine, TierPlace, activity_told
from introducer.domain.sequence import ONBOARDING, End
from introducer.domain.suppressing import Suppressed
from introducer.domain.verification import Verification
from introducer.services.announce import announcements_for
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.services.read_deal_of_partner import Phase, VersionInLine, read_phases_of_deal
from introducer.services.read_payouts_of_partner import Buckets, PayoutInList, buckets_of, listed
from introducer.services.read_sequences import sequence_of, walk_of
from introducer.store.announcements import Announcements
from introducer.store.cases import Cases
from introducer.store.configuration import Configuration
from introducer.store.contests import Contests
from introducer.store.goals import Goals
from introducer.store.leads import Leads
from introducer.store.ledger import Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payouts import Payouts
from introducer.store.results import Results
from introducer.store.suppressions import Suppressions
from introducer.store.verifications import Verifications

MOST_PEOPLE = 20
"""So many logins are named."""
MOST_CONTESTS = 25
"""So many of the brand's newest contests are asked whether the partner is in them."""
MOST_LEADS = 100
"""So many of the newest leads are counted by stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerBooks:
    """The stores that say something about a partner."""

    configuration: Configuration
    onboarding: OnboardingBooks
    results: Results
    goals: Goals
    contests: Contests
    cases: Cases
    ledger: Ledger
    payouts: Payouts
    profiles: PaymentProfiles
    verifications: Verifications
    suppressions: Suppressions
    leads: Leads
    announcements: Announcements

    @classmethod
    def of(cls, books: str) -> PartnerBooks:
        """The books of this table."""
        return cls(
            configuration=Configuration(books),
            onboarding=OnboardingBooks.of(books),
            results=Results(books),
            goals=Goals(books),
            contests=Contests(books),
            cases=Cases(books),
            ledger=Ledger(books),
            payouts=Payouts(books),
            profiles=PaymentProfiles(books),
            verifications=Verifications(books),
            suppressions=Suppressions(books),
            leads=Leads(books),
            announcements=Announcements(books),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOfPartner:
    """A login of the partner."""

    member: str
    name: str
    role: Role
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierShown:
    """How far the month has come along the tiers of the deal."""

    by: Basis
    reached: int
    bands: int
    at: int | str | Money | None
    """Clients, lots or net revenue, as `activity_told` tells them; None where its currency was not kept."""
    next: int | str | Money | None
    """Where the next band starts; None also where the highest is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsShown:
    """The partner's line of results."""

    day: str
    """The UTC day as of which it was written."""
    ftd_7: int
    ftd_30: int
    qftd_30: int
    registrations_30: int
    kyc_30: int
    clicks_30: int
    net_revenue_30: tuple[Money, ...]
    trend: int | None
    """Percent; None where there is nothing to compare with."""
    last_active_day: str
    """Empty where nothing ever came."""
    dormant_days: int
    tier: TierShown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardingShown:
    """How far the partner is in what new ones are written."""

    sequence: str
    started_at: datetime
    had: int
    """Steps that had their time, sent or left out."""
    sent: int
    steps: int
    end: End | None
    ended_at: datetime | None
    on: bool
    """Whether the sequence is switched on: else nothing goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalShown:
    """A goal that waits for an answer, or was accepted and is not over; what it counts stands on the page of goals."""

    goal: str
    by: str
    clients: int
    first: str
    last: str
    amount: Money
    waits: bool
    answer_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestShown:
    """A contest that the partner takes part in."""

    contest: str
    name: str
    status: ContestStatus
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseShown:
    """A case that is not closed."""

    case: str
    status: CaseStatus
    topic: str
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShown:
    """Where the partner is paid, as far as it may be shown."""

    masked: str
    rail: str
    currency: str
    usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedShown:
    """An address that gets no mail."""

    reason: str
    since: datetime
    name: str
    """Whose it is; empty for a login that is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsShown:
    """The partner's newest leads, counted."""

    stages: Mapping[Stage, int]
    total: int
    more: bool
    """Whether there are older ones than those that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """An announcement that the partner is shown now."""

    announcement: str
    text: MailText
    published_at: datetime
    read_by: int
    """How many of the partner's logins have read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerAtOnce:
    """All of it."""

    partner: str
    name: str
    kind: str
    country: str
    language: str
    currency: str
    since: datetime
    """When it was registered."""
    status: Status
    """What holds now."""
    status_since: datetime | None
    """From when on; None: always."""
    status_to_come: Status | None
    """What begins later, as decided last."""
    status_from: datetime | None
    manager: str | None
    manager_name: str
    parent: str | None
    parent_name: str
    people: tuple[PersonOfPartner, ...]
    more_people: bool
    results: ResultsShown | None
    """None: no night has passed since it was registered."""
    deal: VersionInLine | None
    """In force now."""
    deal_to_come: VersionInLine | None
    """Accepted, and begins later."""
    deal_waits: VersionInLine | None
    """Waits for the partner's answer."""
    deals: tuple[VersionInLine, ...]
    """All versions, the newest first."""
    onboarding: OnboardingShown | None
    goals: tuple[GoalShown, ...]
    contests: tuple[ContestShown, ...]
    cases: tuple[CaseShown, ...]
    balances: tuple[Buckets, ...]
    """The partner's own currency first."""
    holds: int
    last_payout: PayoutInList | None
    account: AccountShown | None
    verification: str
    verified_until: str
    """The last UTC day of an approval; empty where it has no end."""
    suppressed: tuple[SuppressedShown, ...]
    leads: LeadsShown | None
    """None for whom leads are not."""
    announcements: tuple[Announced, ...]
    """What it is announced now."""


def read_partner(books: PartnerBooks, *, member: Member, partner: str, now: datetime) -> PartnerAtOnce:
    """A partner of the member's brand. Every member of staff sees it, but leads, which are for managers and admins.

    Twenty-seven reads at most, whatever the size of the brand: ten items, eleven queries of the partner's own records
    or of a fixed number of the newest, six batches for what indexes only name; one more for each suppressed address
    whose login is not named already, and for each further page of what the brand announced within a year. What grows
    with the years is short by itself (versions of the deal, decisions, offers, cases) or bounded above (people,
    contests, leads). Raises `NotFound`.
    """
    owner = partner_of_brand(books.configuration, member, partner)
    names, today = Names(books.configuration), day_of(now)
    standings = books.configuration.standings(owner.partner)
    status = status_at(now, standings)
    people = books.configuration.members_of_partner(owner.partner, limit=MOST_PEOPLE)
    line = books.results.line(owner.brand, owner.partner)
    versions = read_phases_of_deal(books.configuration, partner=owner.partner, at=now)
    # The newest version of each phase.
    deals = {each.phase: each for each in reversed(versions)}
    balance = books.ledger.balance(owner.partner)
    currencies = [owner.currency, *(each for each in balance.currencies() if each != owner.currency)]
    payouts = books.payouts.of_partner(owner.partner, limit=1).items
    verification = books.verifications.of_partner(owner.partner, owner.brand)
    coming = owner.status_since is not None and owner.status_since > now
    return PartnerAtOnce(
        partner=owner.partner,
        name=owner.name,
        kind=owner.kind.value,
        country=owner.country,
        language=owner.language,
        currency=owner.currency,
        since=owner.created,
        status=status,
        status_since=_since(standings, now),
        status_to_come=owner.status if coming else None,
        status_from=owner.status_since if coming else None,
        manager=owner.manager,
        manager_name=names.of(owner.manager or ""),
        parent=owner.parent,
        parent_name=_name_of(books.configuration, owner.parent),
        people=tuple(
            PersonOfPartner(member=each.member, name=each.name, role=each.role, language=each.language)
            for each in people.items
        ),
        more_people=people.cursor is not None,
        results=None if line is None else _results(line, today),
        deal=deals.get(Phase.IN_FORCE),
        deal_to_come=deals.get(Phase.TO_COME),
        deal_waits=deals.get(Phase.PROPOSED),
        deals=versions,
        onboarding=_onboarding(books.onboarding, owner),
        goals=tuple(_goal(each, now) for each in books.goals.of_partner(owner.partner) if _is_live(each, now)),
        contests=tuple(_contests(books.contests, owner)),
        cases=tuple(_case(each) for each in books.cases.of_partner(owner.partner) if each.closed_at is None),
        balances=tuple(buckets_of(balance, currency, today) for currency in currencies),
        holds=balance.holds,
        last_payout=listed(payouts[0]) if payouts else None,
        account=_account(books.profiles.of_partner(owner.partner), now),
        verification=verification.status.value,
        verified_until=_until(verification),
        suppressed=tuple(_suppressed(books, owner, {each.member: each.name for each in people.items}, names)),
        leads=_leads(books.leads, owner) if member.role in GIVERS else None,
        announcements=tuple(_announced(books, member, replace(owner, status=status), now)),
    )


# --------------------------------------------------------------------------------------------------------------- parts


def _since(standings: Sequence[Standing], now: datetime) -> datetime | None:
    """Since when the standing holds that holds now."""
    return max((each.since for each in standings if each.since <= now), default=None)


def _name_of(configuration: Configuration, partner: str | None) -> str:
    if partner is None:
        return ""
    try:
        return configuration.partner(partner).name
    except NotFound:
        return partner


def _results(line: ResultLine, today: str) -> ResultsShown:
    return ResultsShown(
        day=line.day,
        ftd_7=line.ftd_7,
        ftd_30=line.ftd_30,
        qftd_30=line.qftd_30,
        registrations_30=line.registrations_30,
        kyc_30=line.kyc_30,
        clicks_30=line.clicks_30,
        net_revenue_30=tuple(Money(minor, currency) for currency, minor in sorted(line.net_revenue_30.items())),
        trend=line.trend,
        last_active_day=line.last_active_day,
        dormant_days=line.dormant_days(today),
        tier=None if line.tier is None else _tier(line.tier),
    )


def _tier(place: TierPlace) -> TierShown:
    known = place.by is not Basis.NET_REVENUE or place.currency
    at, following = (
        activity_told(place.by, each, place.currency) if known else None for each in (place.at, place.next)
    )
    return TierShown(
        by=place.by, reached=place.reached, bands=place.bands, at=at, next=following if place.next else None
    )


def _onboarding(books: OnboardingBooks, partner: Partner) -> OnboardingShown | None:
    state = walk_of(books, partner.partner, ONBOARDING)
    if state is None:
        return None
    sequence = sequence_of(books, partner.brand, ONBOARDING)
    return OnboardingShown(
        sequence=state.sequence,
        started_at=state.started_at,
        had=len(state.done),
        sent=sum(each.sent for each in state.done),
        steps=len(sequence.steps),
        end=state.end,
        ended_at=state.ended_at,
        on=sequence.on,
    )


def _is_live(goal: Goal, now: datetime) -> bool:
    return goal.waits_at(now) or (goal.status is GoalStatus.ACCEPTED and goal.last >= day_of(now))


def _goal(goal: Goal, now: datetime) -> GoalShown:
    return GoalShown(
        goal=goal.goal,
        by=goal.by.value,
        clients=goal.clients,
        first=goal.first,
        last=goal.last,
        amount=Money(goal.amount, goal.currency),
        waits=goal.waits_at(now),
        answer_by=goal.answer_by,
    )


def _contests(contests: Contests, partner: Partner) -> list[ContestShown]:
    """Those that are not over, of the brand's newest."""
    newest: list[Contest] = [
        each
        for each in contests.of_brand(partner.brand, limit=MOST_CONTESTS).items
        if each.status is not ContestStatus.DRAFT and not each.status.is_over
    ]
    entries = contests.entries_of_partner(partner.partner, [each.contest for each in newest]) if newest else {}
    return [
        ContestShown(contest=each.contest, name=each.name, status=each.status, ends_at=each.ends_at)
        for each in newest
        if (entry := entries.get(each.contest)) is not None and entry.takes_part
    ]


def _case(case: Case) -> CaseShown:
    return CaseShown(
        case=case.case,
        status=case.status,
        topic=case.detectors[0] if case.detectors else "",
        opened_at=case.opened_at,
    )


def _account(profile: PaymentProfile | None, now: datetime) -> AccountShown | None:
    if profile is None:
        return None
    return AccountShown(
        masked=profile.masked, rail=profile.rail.value, currency=profile.currency, usable=profile.usable(now)
    )


def _until(verification: Verification) -> str:
    return verification.expires_on if verification.approved_at is not None else ""


def _suppressed(books: PartnerBooks, partner: Partner, known: Mapping[str, str], names: Names) -> list[SuppressedShown]:
    """Those that stand; at most as many as people are named."""
    found: list[Suppressed] = [each for each in books.suppressions.of(partner.partner) if each.stands]
    return [
        SuppressedShown(
            reason=each.reason, since=each.since, name=known.get(each.member) or names.of(each.member or "")
        )
        for each in islice(found, MOST_PEOPLE)
    ]


def _leads(leads: Leads, partner: Partner) -> LeadsShown:
    page = leads.of_partner(partner.partner, limit=MOST_LEADS)
    counts = Counter(each.stage for each in page.items)
    return LeadsShown(
        stages={stage: counts[stage] for stage in Stage if counts[stage]},
        total=len(page.items),
        more=page.cursor is not None,
    )


def _announced(books: PartnerBooks, member: Member, partner: Partner, now: datetime) -> list[Announced]:
    if partner.status is Status.BLOCKED:
        return []
    shown = announcements_for(books.announcements, books.results, member, partner, now)
    read = Counter(each.announcement for each in books.announcements.read_of_partner(partner.partner)) if shown else {}
    return [
        Announced(
            announcement=each.announcement.announcement,
            text=each.announcement.text,
            published_at=each.announcement.published_at,
            read_by=read.get(each.announcement.announcement, 0),
        )
        for each in shown
    ]
