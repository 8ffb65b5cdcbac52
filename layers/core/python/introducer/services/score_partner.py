"""Looks at a partner with every detector, and lets what is found become a case.

It is asked whenever a trace or the payment account of the partner changed, and once a day in any case. Nothing is read
that grows with the partner's age: traces and days of the window, one line for each of the brand's partners.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.calendar import plus_days
from introducer.domain.errors import Conflict
from introducer.domain.events import LOT, day_of, milliseconds
from introducer.domain.fraud import registry
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.scoring import Scoring
from introducer.domain.fraud.seen import WINDOW, Match, Seen, Traffic
from introducer.domain.fraud.summary import matches_of, persons_in, terms_at, traffic_of, without_old
from introducer.domain.fraud.trace import Trace
from introducer.domain.fraud.tracing import exact
from introducer.services.case_books import CaseBooks, Start
from introducer.services.hold_money import hold_money
from introducer.services.open_case import open_case
from introducer.services.write_results import write_results
from introducer.store.account_holders import AccountHolders
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.person_index import PersonIndex
from introducer.store.results import Results
from introducer.store.scorings import Scorings
from introducer.store.traces import Traces
from introducer.store.traffic import TrafficStore

TRIES = 5
MOST_MATCHES = 4_000
"""Matches that are remembered of a partner's clients: they are one item of DynamoDB, which ends at 400 KB."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Where scoring reads from, and what it writes beside cases."""

    traces: Traces
    traffic: TrafficStore
    results: Results
    persons: PersonIndex
    holders: AccountHolders
    profiles: PaymentProfiles
    scorings: Scorings


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of scoring a partner."""

    findings: tuple[Finding, ...]
    case: str = ""
    """The partner's open case, when there is one now."""


def score_partner(
    sight: Sight,
    books: CaseBooks,
    start: Start,
    peers: Callable[[str], Sequence[Traffic]],
    say: Callable[[Finding], str],
    *,
    brand: str,
    partner: str,
    changed: Collection[str],
    now: datetime,
) -> Scored:
    """Score a partner. `changed` are the clients whose traces are new or other; `peers` gives the lines of a brand,
    which may be some minutes old; `say` puts a finding in words for staff.

    May be repeated safely. Raises `Conflict` when others keep writing the same case, and `Unavailable`: come again.
    """
    scoring, seen = _look(sight, books, peers, brand=brand, partner=partner, changed=changed, now=now)
    findings = registry.score(seen)
    sight.traffic.put(brand, traffic_of(partner, seen.today, seen.days, seen.traces, seen.terms))
    write_results(sight.results, books, partner=partner, now=now)
    if findings:
        case = open_case(books, start, brand=brand, partner=partner, findings=findings, why=say(findings[0]), now=now)
        return Scored(findings, case.case if case is not None and not case.is_closed else "")
    if scoring.open_case:
        # What its clients earned since is in question too.
        hold_money(books, partner=partner, case=scoring.open_case, now=now)
    return Scored((), scoring.open_case)


def _look(
    sight: Sight,
    books: CaseBooks,
    peers: Callable[[str], Sequence[Traffic]],
    *,
    brand: str,
    partner: str,
    changed: Collection[str],
    now: datetime,
) -> tuple[Scoring, Seen]:
    """What is seen; whom the changed clients match is written down, so that it is looked up once for each."""
    for attempt in range(TRIES):
        scoring = sight.scorings.get(brand, partner)
        seen = _seen(sight, books, peers, scoring, scoring.matches, now)
        found = _matches(sight, brand, partner, [each for each in seen.traces if each.client in changed], now)
        newest = [trace.client for trace in reversed(seen.traces)]
        matches = _as_many_as_fit(without_old({**scoring.matches, **found}, newest), newest)
        if matches == scoring.matches:
            return scoring, seen
        try:
            written = sight.scorings.change(scoring, replace(scoring, matches=matches, scored_at=milliseconds(now)))
        except Conflict:
            if attempt == TRIES - 1:
                raise
            continue
        return written, replace(seen, matches=matches)
    raise AssertionError("unreachable")


def _seen(
    sight: Sight,
    books: CaseBooks,
    peers: Callable[[str], Sequence[Traffic]],
    scoring: Scoring,
    matches: Mapping[str, tuple[Match, ...]],
    now: datetime,
) -> Seen:
    partner, today, at = scoring.partner, day_of(now), milliseconds(now)
    first = plus_days(today, 1 - WINDOW)
    contracts = books.contracts.contracts_of_month(partner, today[:7])
    return Seen(
        partner=partner,
        today=today,
        at=at,
        days=sight.traffic.days(partner, first, today),
        traces=tuple(_exactly(books, scoring.brand, sight.traces.since(partner, first))),
        peers=tuple(line for line in peers(scoring.brand) if line.partner != partner),
        terms=terms_at(contracts, partner, at),
        matches=matches,
        account_partners=_same_account(sight, scoring.brand, partner),
        cleared=scoring.cleared,
        judged=scoring.judged,
    )


def _exactly(books: CaseBooks, brand: str, traces: Sequence[Trace]) -> list[Trace]:
    """The traces, with exact sums of trading where there may be something to see in them."""
    suspect = [trace.client for trace in traces if max(trace.quick_lots, trace.flat_lots) >= LOT]
    states = books.clients.states([(brand, client) for client in suspect]) if suspect else {}
    found = []
    for trace in traces:
        state = states.get((brand, trace.client))
        found.append(exact(trace, state) if state else trace)
    return found


def _matches(
    sight: Sight, brand: str, partner: str, traces: Sequence[Trace], now: datetime
) -> dict[str, tuple[Match, ...]]:
    """Whom these clients match; empty for one that matches nobody."""
    persons = [person for trace in traces for person in persons_in(trace)]
    known = sight.persons.known(brand, persons, now) if persons else {}
    firsts = {person: each.first for person, each in known.items() if each.clients > 1 and each.first}
    members = {person: each.member_of for person, each in known.items() if each.member_of}
    return {trace.client: matches_of(trace, firsts, members, partner) for trace in traces}


def _as_many_as_fit(matches: Mapping[str, tuple[Match, ...]], newest: Sequence[str]) -> dict[str, tuple[Match, ...]]:
    """The matches of the newest clients: a partner with thousands of them must not be the one that is never scored."""
    kept, room = dict[str, tuple[Match, ...]](), MOST_MATCHES
    for client in newest:
        if client in matches:
            room -= len(matches[client])
            if room < 0:
                break
            kept[client] = matches[client]
    return kept


def _same_account(sight: Sight, brand: str, partner: str) -> tuple[str, ...]:
    """The other partners who are paid, or were, to the account that this one is paid to."""
    profile = sight.profiles.of_partner(partner)
    if profile is None:
        return ()
    holders = sight.holders.of_account(brand, profile.fingerprint)
    return tuple(sorted(holder.partner for holder in holders if holder.partner != partner))
