"""Near misses: clients who have begun to do what a rule asks for, and lack little of it.

They are reckoned by the rules themselves, from a client's state and the deal version that prices it: what is said to be
missing here is what the engine waits for. What can no longer be reached is no near miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from introducer.domain.calendar import DAY_MS, day_at, plus_days
from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Cpl, Deal, PerClient, show_lots
from introducer.domain.errors import RateMissing
from introducer.domain.money import FINE, Money
from introducer.domain.rates import Rates
from introducer.domain.rules.qualification import base_version, paid_in, qualified

LOOKS_BACK = 90
"""How many days back clients are looked for whose rule sets no time; and the most for any rule is a year."""


class Condition(StrEnum):
    """What a client can lack."""

    KYC = "kyc"
    DEPOSIT = "deposit"
    LOTS = "lots"
    TRADES = "trades"
    NET_REVENUE = "net_revenue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One condition that does not hold yet. Of money `had`, `wanted` and `left` are amounts in the deal's currency, of
    lots decimal strings, of trades numbers; of an identity check, or where any deposit will do, there is nothing to
    measure."""

    condition: Condition
    had: Money | str | int | None = None
    wanted: Money | str | int | None = None
    left: Money | str | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A client and a rule that it nearly meets."""

    client: str
    """The engine's own name for it; whoever shows it gives its pseudonym."""
    registered: int
    """When it was registered (ms)."""
    rule: str
    kind: str
    amount: Money
    """What the rule pays for it, before caps and tiers."""
    until: int | None
    """The last moment (ms) at which it still counts; None where the rule sets no time."""
    missing: tuple[Missing, ...]


def near_misses(states: Iterable[ClientState], contracts: Contracts, partner: str, now: int) -> list[NearMiss]:
    """Those of a partner's clients at a moment (ms): whose time runs out first comes first; of those without a limit
    who lacks least, then who was registered last."""
    if contracts.blocked_at(partner, now):
        return []
    found = [each for state in states for each in _of_client(state, contracts, partner, now)]
    return sorted(
        found,
        key=lambda each: (
            each.until is None,
            each.until or 0,
            len(each.missing),
            -each.registered,
            each.client,
            each.rule,
        ),
    )


def looked_for_from(contracts: Contracts, partner: str, today: str) -> str | None:
    """The first UTC day on which a client can have been registered whose time is not over; None where no rule pays once
    per client."""
    versions = sorted(contracts.deals.get(partner, ()), key=lambda each: (each.valid_from, each.version))
    days = []
    for place, version in enumerate(versions):
        windows = [
            rule.qualification.within_days or LOOKS_BACK for rule in version.deal.rules if isinstance(rule, PerClient)
        ]
        if not windows:
            continue
        begins = max(day_at(version.valid_from), plus_days(today, -max(windows)))
        # A version that was followed by another prices nobody who was registered after that.
        if place + 1 == len(versions) or begins <= day_at(versions[place + 1].valid_from):
            days.append(begins)
    return min(days, default=None)


def _of_client(state: ClientState, contracts: Contracts, partner: str, now: int) -> Iterator[NearMiss]:
    version, owner = base_version(state, contracts), state.owner
    if version is None or owner is None or owner.partner != partner or state.registered is None:
        return
    if state.disallowed_at(now):
        return
    registered = day_at(state.registered.at)
    for rule in version.deal.rules:
        if not isinstance(rule, PerClient):
            continue
        amount = rule.amount_for(state.country, registered)
        countries = rule.qualification.countries
        if not amount or (countries and state.country not in countries):
            continue
        try:
            near = _lacking(state, rule, version.deal, contracts.rates, now)
        except RateMissing:
            # Nobody knows yet what was paid in.
            continue
        if near is not None:
            until, missing = near
            yield NearMiss(
                client=state.client,
                registered=state.registered.at,
                rule=rule.id,
                kind=rule.kind,
                amount=Money(amount, version.deal.currency),
                until=until,
                missing=missing,
            )


def _lacking(
    state: ClientState, rule: PerClient, deal: Deal, rates: Rates, now: int
) -> tuple[int | None, tuple[Missing, ...]] | None:
    """What a client lacks for a rule, and until when it counts; None where it lacks nothing, has not begun, or is too
    late."""
    if qualified(state, rule, deal, rates) is not None:
        return None
    anchor, wanted = state.anchor, rule.qualification
    assert anchor is not None, "who is registered has events"
    missing: list[Missing] = []
    ends: list[int] = []
    begun = False
    last = None if wanted.within_days is None else anchor + wanted.within_days * DAY_MS
    if last is not None:
        ends.append(last)
    if wanted.kyc:
        begun = state.kyc is not None
        if state.kyc is None:
            missing.append(Missing(condition=Condition.KYC))
    if not isinstance(rule, Cpl) or wanted.min_deposit is not None:
        paid = paid_in(state, wanted, deal, rates)
        begun = begun or paid.total > 0
        if paid.total < paid.required:
            if paid.deposits and paid.until is None:
                # The first deposit had to do, and did not.
                return None
            if paid.until is not None:
                ends.append(paid.until)
            if paid.required == 1:
                # Any deposit will do.
                missing.append(Missing(condition=Condition.DEPOSIT))
            else:
                missing.append(_money(Condition.DEPOSIT, paid.total, paid.required, deal.currency))
    activity = list(_activity(state, rule, deal, last))
    begun = begun or any(had > 0 for had, _, _ in activity)
    short = [lacks for had, least, lacks in activity if had < least]
    if short and last is not None:
        # A day of trading counts at its end.
        ends.append((last + 1) // DAY_MS * DAY_MS - 1)
    missing += short
    until = min(ends, default=None)
    if not missing or not begun or (until is not None and until < now):
        return None
    return until, tuple(missing)


def _activity(state: ClientState, rule: PerClient, deal: Deal, last: int | None) -> Iterator[tuple[int, int, Missing]]:
    """What was done so far and the minimum, of each condition on days of trading, and what is missing of it."""
    wanted = rule.qualification
    days = [sums for day, sums in state.activity.items() if last is None or day <= day_at(last - DAY_MS + 1)]
    if wanted.min_lots is not None:
        had = sum(each.lots for each in days)
        left = show_lots(wanted.min_lots - had)
        yield (
            had,
            wanted.min_lots,
            Missing(condition=Condition.LOTS, had=show_lots(had), wanted=show_lots(wanted.min_lots), left=left),
        )
    if wanted.min_trades is not None:
        had = sum(each.trades for each in days)
        yield (
            had,
            wanted.min_trades,
            Missing(condition=Condition.TRADES, had=had, wanted=wanted.min_trades, left=wanted.min_trades - had),
        )
    if wanted.min_net_revenue is not None:
        had, least = sum(each.net_revenue for each in days), wanted.min_net_revenue * FINE
        yield had, least, _money(Condition.NET_REVENUE, had, least, deal.currency)


def _money(condition: Condition, had: int, wanted: int, currency: str) -> Missing:
    """Fine units as money; what is left is rounded up, so that whoever brings it has brought enough."""
    wanted_minor, left = -(-wanted // FINE), -(-(wanted - had) // FINE)
    return Missing(
        condition=condition,
        had=Money(wanted_minor - left, currency),
        wanted=Money(wanted_minor, currency),
        left=Money(left, currency),
    )
