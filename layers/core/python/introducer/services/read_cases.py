"""Which cases wait for a person, what is worth looking at first, and one case with all that is needed to decide it: the
evidence, the clients in question and what they earned, the money now and after either verdict, what both sides said.

This is staff's view; what a partner sees of a case about it is in `read_cases_of_partner`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from introducer.domain.case import (
    APPEAL_DECIDERS,
    CLOCK,
    DECIDERS,
    Case,
    CaseStatus,
    ReasonCode,
    Verdict,
)
from introducer.domain.case_waits import Stage, stage
from introducer.domain.client import ClientState
from introducer.domain.configuration import Member
from introducer.domain.errors import NotFound, RateMissing
from introducer.domain.events import day_of, from_milliseconds, milliseconds
from introducer.domain.fraud import registry
from introducer.domain.fraud.finding import Finding, Number
from introducer.domain.ledger import AVAILABLE, PENDING, RESERVED, Key
from introducer.domain.money import Money, round_fine
from introducer.domain.rates import Publication, Rates
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.services.read_clients_of_partner import pseudonym, settled_amounts
from introducer.services.read_contracts import ECB
from introducer.services.read_history import Record, read_history
from introducer.store.cases import Cases
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer.store.settlements import Settlements

MOST_OPEN = 1000
"""So many open cases are sorted by what is at stake; a brand with more sees the oldest of them."""
MOST_CLIENTS = 150
"""So many clients are listed with a case, those of the largest earnings first."""
_CURSOR = re.compile(r"(\d{1,30})-(\d{1,15})-(\w{1,64})", re.ASCII)
_PARTNER = re.compile(r"\bpar_[A-Z0-9]{26}\b", re.ASCII)
_UNPRICED = 10**24
"""In the place of what is worth nothing that can be said: it stands first, where somebody sees it."""

CASE_ROLE, SAME_PERSON, APPEAL_ROLE = "case_role", "same_person", "appeal_role"
"""Why a member does not decide what waits; the services raise `case_role` for the last one too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInQueue:
    case: str
    partner: str
    name: str
    status: CaseStatus
    topic: str
    """The detector that was first; empty where a person opened it."""
    why: str
    clients: int
    """Whose earnings are in question."""
    whole: bool
    """Whether all is in question that is not paid out, whoever it came from."""
    held: tuple[Money, ...]
    value: Money | None
    """What is held in the brand's base currency, at the last rates; None where a rate is missing."""
    stops_payouts: bool
    opened_at: datetime
    due: datetime | None
    """When the clock goes on by itself: escalates, releases, ends the time to appeal, overturns."""
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceShown:
    """What a detector found first, as a sentence for staff."""

    text: str
    """To be translated and then filled in with `values`."""
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A page of a brand's cases."""

    items: tuple[CaseInQueue, ...]
    sentences: Mapping[str, SentenceShown]
    """By case, why a detector opened it; none for one that a person opened, and for one that keeps no values: for
    those the recorded words stand."""
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A client by both of its names: the keyed hash that pages are found by, and the pseudonym that people say."""

    client: str
    pseudonym: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterShown:
    kind: str
    number: str
    """Which of its kind; empty where it is the only one."""
    clients: tuple[Tick, ...]
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointShown:
    """A day's rate and the band in which it was expected, in ten-thousandths."""

    day: str
    seen: int
    of: int
    rate: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentShown:
    at: datetime
    client: str
    pseudonym: str
    what: str
    amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingShown:
    detector: str
    sentence: str
    """The detector's sentence for staff, to be translated and then filled in with `values`."""
    values: Mapping[str, str]
    clients: int
    first: str
    through: str
    measured: Number
    threshold: Number
    series: tuple[PointShown, ...]
    clusters: tuple[ClusterShown, ...]
    timeline: tuple[MomentShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientInQuestion:
    client: str
    pseudonym: str
    registered: datetime | None
    country: str | None
    earned: tuple[Money, ...]
    """What this partner was credited for it alone, in all."""
    found_by: tuple[str, ...]
    """The detectors that named it."""
    disallowed: bool
    """Whether it earns nothing now, by a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """The money of one currency, now and after either verdict. What is not paid out is pending and available."""

    held: Money
    reserved: Money
    """In payouts that are not sent yet."""
    taken_back: Money | None
    """Once all who are named earn nothing: what they earned, below zero. None where nobody is named."""
    now: Money
    """Not paid out, and not held."""
    released: Money
    """The same, once what is held is free."""
    disallowed: Money | None
    """The same, once all who are named earn nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    at: datetime
    by: str
    """A name; empty for a login that is gone."""
    side: str
    """`partner`, `staff`, or `note`."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictShown:
    at: datetime
    by: str
    by_clock: bool
    disallowed: bool
    code: ReasonCode | None
    why: str
    clients: int
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    case: str
    partner: str
    name: str
    status: CaseStatus
    version: int
    topic: str
    why: str
    opened_at: datetime
    opened_by: str
    """A name; empty where no person opened it."""
    decide_by: datetime
    release_by: datetime
    due: datetime | None
    appeal_by: datetime | None
    appealed_at: datetime | None
    freed_at: datetime | None
    closed_at: datetime | None
    held: tuple[Money, ...]
    stops_payouts: bool
    execution: str
    stakes: tuple[Stake, ...]
    findings: tuple[FindingShown, ...]
    whole: bool
    """Whether all is in question that is not paid out: then a verdict may name any of the partner's clients."""
    client_count: int
    """How many are named by what was found, or by who opened it."""
    clients: tuple[ClientInQuestion, ...]
    """Those who are named; where all is in question the partner's newest ones too."""
    said: tuple[Said, ...]
    verdict: VerdictShown | None
    second: VerdictShown | None
    history: tuple[Record, ...]
    acts: bool
    """Whether this member decides cases, and speaks for the house."""
    may_decide: bool
    may_decide_appeal: bool
    why_not: str
    """The code of why this member does not decide what waits; empty where they may, or nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesOfOne:
    """A partner's cases, for staff who open another, or add to the one that is open."""

    partner: str
    name: str
    acts: bool
    items: tuple[CaseInQueue, ...]
    clients: tuple[ClientInQuestion, ...]
    """The partner's newest clients."""


def read_queue(
    configuration: Configuration,
    cases: Cases,
    rates: RateStore,
    *,
    brand: str,
    closed: bool,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> Queue:
    """A page of a brand's cases: those that are not closed by what they hold, the most first, then by age; those that
    are, the newest first."""
    worth, partners = _Worth(configuration, rates, brand, now), _Partners(configuration)
    if closed:
        page = cases.of_brand(brand, closed=True, cursor=cursor, limit=limit)
        rows = tuple(_row(each, worth, partners) for each in page.items)
        return Queue(items=rows, sentences=_sentences(page.items, partners), cursor=page.cursor)
    found = {each.case: each for each in islice(cases.all_open(brand), MOST_OPEN)}
    ranked = sorted(
        ((_rank(row := _row(each, worth, partners)), row) for each in found.values()), key=lambda each: each[0]
    )
    after = _rank_of(cursor)
    left = [each for each in ranked if after is None or each[0] > after]
    more = len(left) > limit
    rows = tuple(row for _, row in left[:limit])
    return Queue(
        items=rows,
        sentences=_sentences((found[row.case] for row in rows), partners),
        cursor=_cursor(left[limit - 1][0]) if more else None,
    )


def read_cases_of_one(
    configuration: Configuration,
    cases: Cases,
    rates: RateStore,
    clients: Clients,
    settlements: Settlements,
    *,
    member: Member,
    partner: str,
    now: datetime,
) -> CasesOfOne:
    """All cases of a partner of the member's brand, the newest first, and its newest clients. Raises `NotFound`."""
    found = partner_of_brand(configuration, member, partner)
    worth, partners = _Worth(configuration, rates, found.brand, now), _Partners(configuration)
    newest = clients.of_partner(found.partner, limit=MOST_CLIENTS).items
    return CasesOfOne(
        partner=found.partner,
        name=found.name,
        acts=member.role in DECIDERS,
        items=tuple(_row(each, worth, partners) for each in cases.of_partner(found.partner)),
        clients=_clients(newest, found.partner, settlements, {}, now),
    )


def read_case(
    configuration: Configuration,
    cases: Cases,
    clients: Clients,
    settlements: Settlements,
    ledger: Ledger,
    *,
    member: Member,
    partner: str,
    case: str,
    now: datetime,
) -> CaseView:
    """One case of a partner of the member's brand. Raises `NotFound`."""
    owner = partner_of_brand(configuration, member, partner)
    found = cases.case(owner.partner, case)
    names, partners = Names(configuration), _Partners(configuration)
    place = {name: at for at, name in enumerate(found.detectors)}
    findings = sorted(cases.findings(owner.partner, case), key=lambda each: place.get(each.detector, len(place)))
    states = {each.client: each for each in clients.states((found.brand, each) for each in found.clients).values()}
    if found.whole:
        newest = clients.of_partner(owner.partner, limit=MOST_CLIENTS).items
        states = {each.client: each for each in newest} | states
    named: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        for client in finding.clients:
            named[client].append(finding.detector)
    listed = _clients(states.values(), owner.partner, settlements, named, now, first=frozenset(found.clients))
    acts = member.role in DECIDERS
    appealed = found.status is CaseStatus.APPEALED
    decides_appeals = member.role in APPEAL_DECIDERS
    decided_first = found.verdict is not None and found.verdict.by == member.member
    why_not = ""
    if appealed:
        why_not = APPEAL_ROLE if not decides_appeals else SAME_PERSON if decided_first else ""
    elif found.status.waits and not acts:
        why_not = CASE_ROLE
    return CaseView(
        case=found.case,
        partner=found.partner,
        name=found.name,
        status=found.status,
        version=found.version,
        topic=found.detectors[0] if found.detectors else "",
        why=partners.named(found.why),
        opened_at=found.opened_at,
        opened_by=names.of(found.opened_by),
        decide_by=found.decide_by,
        release_by=found.escalate_by,
        due=due(found),
        appeal_by=found.appeal_by,
        appealed_at=found.appealed_at,
        freed_at=found.freed_at,
        closed_at=found.closed_at,
        held=_monies(found.holds),
        stops_payouts=bool(found.stop),
        execution=found.execution,
        stakes=_stakes(ledger, found, listed, owner.currency, now),
        findings=tuple(_finding(each, partners) for each in findings),
        whole=found.whole,
        client_count=len(found.clients),
        clients=listed[:MOST_CLIENTS],
        said=tuple(Said(at=each.at, by=names.of(each.by), side=each.side, text=each.text) for each in found.answers),
        verdict=_verdict(found.verdict, names),
        second=_verdict(found.second, names),
        history=read_history(configuration, names, found.case),
        acts=acts,
        may_decide=acts and found.status.waits and not appealed,
        may_decide_appeal=appealed and not why_not,
        why_not=why_not,
    )


def due(case: Case) -> datetime | None:
    """When the clock goes on by itself, if nobody does anything; None where nothing is waited for."""
    match stage(case):
        case Stage.VERDICT if case.status is CaseStatus.OPEN:
            return case.decide_by
        case Stage.VERDICT | Stage.APPEALED:
            return case.escalate_by
        case Stage.MAY_APPEAL:
            return case.appeal_by
        case _:
            return None


class _Partners:
    """Names of partners in what detectors wrote, which knows ids alone; each read once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, str] = {}

    def named(self, text: str) -> str:
        """The text with names in the place of ids."""
        return _PARTNER.sub(lambda found: self._name(found[0]), text)

    def _name(self, partner: str) -> str:
        if partner not in self._known:
            try:
                self._known[partner] = self._configuration.partner(partner).name
            except NotFound:
                self._known[partner] = partner
        return self._known[partner]


class _Worth:
    """What amounts come to in the brand's base currency, at the last rates before today."""

    def __init__(self, configuration: Configuration, rates: RateStore, brand: str, now: datetime) -> None:
        self._base = configuration.brand(brand).base_currency
        self._day = day_of(now)
        last = rates.published_before(ECB, self._day)
        self._rates = Rates({} if last is None else {self._day: Publication(ECB, *last)})

    def of(self, amounts: Iterable[Money]) -> Money | None:
        """The sum; None where a rate is missing."""
        try:
            fine = sum(self._rates.fine(each.minor, each.currency, self._base, self._day) for each in amounts)
        except RateMissing:
            return None
        return Money(round_fine(fine), self._base)


def _row(case: Case, worth: _Worth, partners: _Partners) -> CaseInQueue:
    held = _monies(case.holds)
    return CaseInQueue(
        case=case.case,
        partner=case.partner,
        name=case.name,
        status=case.status,
        topic=case.detectors[0] if case.detectors else "",
        why=partners.named(case.why),
        clients=len(case.clients),
        whole=case.whole,
        held=held,
        value=worth.of(held),
        stops_payouts=bool(case.stop),
        opened_at=case.opened_at,
        due=due(case),
        closed_at=case.closed_at,
    )


def _sentences(found: Iterable[Case], partners: _Partners) -> dict[str, SentenceShown]:
    sentences = {}
    for case in found:
        registered = registry.detector(case.detectors[0]) if case.detectors else None
        if case.values is not None and registered is not None:
            values = {name: partners.named(value) for name, value in case.values.items()}
            sentences[case.case] = SentenceShown(text=registered.staff, values=values)
    return sentences


def _rank(row: CaseInQueue) -> tuple[int, int, str]:
    value = _UNPRICED if row.value is None else row.value.minor
    return -value, milliseconds(row.opened_at), row.case


def _cursor(rank: tuple[int, int, str]) -> str:
    value, opened, case = rank
    return f"{_UNPRICED + value}-{opened}-{case}"


def _rank_of(cursor: str | None) -> tuple[int, int, str] | None:
    found = _CURSOR.fullmatch(cursor or "")
    return (int(found[1]) - _UNPRICED, int(found[2]), found[3]) if found else None


def _clients(
    states: Iterable[ClientState],
    partner: str,
    settlements: Settlements,
    named: Mapping[str, Sequence[str]],
    now: datetime,
    first: frozenset[str] = frozenset(),
) -> tuple[ClientInQuestion, ...]:
    """The clients with what they earned: those who stand first, then by the largest sums."""
    states = list(states)
    settled = settled_amounts(settlements, partner, {each.client for each in states}) if states else {}
    rows = [
        ClientInQuestion(
            client=state.client,
            pseudonym=pseudonym(state.client),
            registered=from_milliseconds(state.registered.at) if state.registered else None,
            country=state.country,
            earned=_earned(state, partner, settled.get(state.client, {})),
            found_by=tuple(named.get(state.client, ())),
            disallowed=state.disallowed_at(milliseconds(now)),
        )
        for state in states
    ]

    def place(row: ClientInQuestion) -> tuple[bool, int, str]:
        return row.client not in first, -max((each.minor for each in row.earned), default=0), row.pseudonym

    return tuple(sorted(rows, key=place))


def _earned(state: ClientState, partner: str, settled: Mapping[Key, int]) -> tuple[Money, ...]:
    sums: dict[str, int] = defaultdict(int)
    for key, minor in (*state.posted.items(), *settled.items()):
        if key.partner == partner:
            sums[key.currency] += minor
    return _monies(sums)


def _stakes(
    ledger: Ledger, case: Case, listed: Sequence[ClientInQuestion], currency: str, now: datetime
) -> tuple[Stake, ...]:
    """By currency, the partner's own first; those that nothing stands in are left out."""
    balance, today = ledger.balance(case.partner), day_of(now)
    named, earned = frozenset(case.clients), defaultdict[str, int](int)
    for each in (each for client in listed if client.client in named for each in client.earned):
        earned[each.currency] += each.minor
    holds = case.holds
    stakes = []
    for code in sorted({currency, *holds, *earned, *balance.currencies()}, key=lambda code: (code != currency, code)):
        left = sum(balance.bucket(code, bucket, today) for bucket in (PENDING, AVAILABLE))
        free = left + holds.get(code, 0)
        reserved = balance.bucket(code, RESERVED, today)
        if code == currency or left or free or reserved or earned[code]:
            stakes.append(
                Stake(
                    held=Money(holds.get(code, 0), code),
                    reserved=Money(reserved, code),
                    taken_back=Money(-earned[code], code) if named else None,
                    now=Money(left, code),
                    released=Money(free, code),
                    disallowed=Money(free - earned[code], code) if named else None,
                )
            )
    return tuple(stakes)


def _finding(finding: Finding, partners: _Partners) -> FindingShown:
    registered = registry.detector(finding.detector)
    evidence = finding.evidence
    kinds = [each.kind for each in evidence.clusters]
    return FindingShown(
        detector=finding.detector,
        sentence=registered.staff if registered else "",
        values={name: partners.named(value) for name, value in finding.values.items()},
        clients=len(finding.clients),
        first=finding.first,
        through=finding.through,
        measured=finding.measured,
        threshold=finding.threshold,
        series=tuple(PointShown(**each._asdict()) for each in evidence.series),
        clusters=tuple(
            ClusterShown(
                kind=each.kind,
                number="".join(re.findall(r"\d+$", each.label)) if kinds.count(each.kind) > 1 else "",
                clients=tuple(Tick(client=client, pseudonym=pseudonym(client)) for client in each.clients),
                of=each.of,
            )
            for each in evidence.clusters
        ),
        timeline=tuple(
            MomentShown(
                at=from_milliseconds(each.at),
                client=each.client,
                pseudonym=pseudonym(each.client) if each.client else "",
                what=each.what,
                amount=Money(each.amount, each.currency) if each.currency else None,
            )
            for each in evidence.timeline
        ),
    )


def _verdict(verdict: Verdict | None, names: Names) -> VerdictShown | None:
    if verdict is None:
        return None
    return VerdictShown(
        at=verdict.at,
        by=names.of(verdict.by),
        by_clock=verdict.by == CLOCK,
        disallowed=verdict.disallowed,
        code=verdict.code,
        why=verdict.why,
        clients=len(verdict.clients) if verdict.disallowed else 0,
        starts_at=verdict.starts_at,
    )


def _monies(sums: Mapping[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()) if minor)
