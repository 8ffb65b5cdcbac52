"""What is reckoned before detectors look: the partner in a line, what its deal pays for, whom its clients match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from introducer.domain.calendar import DAY_MS, day_at, plus_days
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Cpa, Cpl, Deal, Lot
from introducer.domain.fraud.person import Person
from introducer.domain.fraud.seen import Day, Match, Terms, Traffic
from introducer.domain.fraud.trace import Flow, Trace

TRAFFIC_DAYS = 30
"""What a partner's line covers, today included."""

DRAWN_MS, DRAWN_PERCENT = 3 * DAY_MS, 80
"""A client drew its money at once when it drew so much of its deposits within so long of the first."""

SMALLEST_PERCENT = 110
"""A first deposit of no more than this part of the least that a cpa asks for is a smallest one."""


def traffic_of(partner: str, today: str, days: Sequence[Day], traces: Sequence[Trace], terms: Terms) -> Traffic:
    """A partner in a line, for its peers."""
    first = plus_days(today, 1 - TRAFFIC_DAYS)
    recent = [day for day in days if day.day >= first]
    paid_in = [trace for trace in traces if trace.deposits and day_at(trace.deposits[0].at) >= first]
    return Traffic(
        partner=partner,
        day=today,
        clicks=sum(day.clicks for day in recent),
        registrations=sum(day.registrations for day in recent),
        ftd=sum(day.ftd for day in recent),
        qftd=sum(day.qftd for day in recent),
        chargebacks=sum(trace.chargebacks > 0 for trace in paid_in),
        drawn=sum(drawn_at_once(trace) for trace in paid_in),
        smallest=sum(is_smallest(trace, terms) for trace in paid_in),
    )


def drawn_at_once(trace: Trace) -> bool:
    """Whether the client drew most of what it paid in, in the currency of its first deposit, within three days."""
    if not trace.deposits:
        return False
    start, currency = trace.deposits[0].at, trace.deposits[0].currency
    paid_in = _sum(trace.deposits, currency, start)
    drawn = _sum(trace.withdrawals, currency, start)
    return drawn > 0 and drawn * 100 >= paid_in * DRAWN_PERCENT


def is_smallest(trace: Trace, terms: Terms) -> bool:
    """Whether the client's first deposit was just what the deal asks for; unknown, and so not, in another currency."""
    if not trace.deposits or terms.least is None or trace.deposits[0].currency != terms.currency:
        return False
    return trace.deposits[0].minor * 100 <= terms.least * SMALLEST_PERCENT


def terms_of(deal: Deal | None) -> Terms:
    """What a deal pays for, as far as detectors look at it."""
    if deal is None:
        return Terms()
    cpas = [rule for rule in deal.rules if isinstance(rule, Cpa)]
    least = [max(rule.qualification.min_deposit or 0, deal.ftd_minimum) for rule in cpas]
    return Terms(
        currency=deal.currency,
        cpa=bool(cpas),
        cpl=any(isinstance(rule, Cpl) for rule in deal.rules),
        lot=any(isinstance(rule, Lot) for rule in deal.rules),
        least=max(least) if least else None,
    )


def terms_at(contracts: Contracts, partner: str, at_ms: int) -> Terms:
    """What the partner's deal in force pays for."""
    version = contracts.version_at(partner, at_ms)
    return terms_of(version.deal if version else None)


def persons_in(trace: Trace) -> tuple[Person, ...]:
    """What of a trace may be somebody else's too."""
    kinds = ("email", "phone", "device", "address")
    return tuple(Person(kind, getattr(trace, kind)) for kind in kinds if getattr(trace, kind))


def matches_of(
    trace: Trace, firsts: Mapping[Person, str], members: Mapping[Person, str], partner: str
) -> tuple[Match, ...]:
    """Whom a client matches: `firsts` are the clients who were known first by an e-mail, phone or device, `members` the
    partners whose member has it. A member of another partner is nobody that it refers itself to."""
    found = []
    for person in persons_in(trace):
        first = firsts.get(person, "")
        if first and first != trace.client and person.kind != "address":
            found.append(Match(person.kind, first, ""))
        if members.get(person) == partner:
            found.append(Match(person.kind, "", partner))
    return tuple(found)


def without_old(matches: Mapping[str, tuple[Match, ...]], clients: Iterable[str]) -> dict[str, tuple[Match, ...]]:
    """The matches of these clients alone, and of those who have any."""
    kept = set(clients)
    return {client: found for client, found in matches.items() if client in kept and found}


def _sum(flows: Iterable[Flow], currency: str, start: int) -> int:
    return sum(flow.minor for flow in flows if flow.currency == currency and flow.at <= start + DRAWN_MS)
