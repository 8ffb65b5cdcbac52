"""Qualification: when a client has done what a rule that pays once per client asks for.

Priced under the deal version at registration. It is a function of the set of the client's facts: it does not matter
when each of them arrived, and facts that undo it (a chargeback, a cancelled deposit) undo the earning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from introducer.domain.calendar import DAY_MS, HOUR_MS, day_at, day_start, plus_days
from introducer.domain.client import Activity, Chargeback, ClientState, Deposit, EventKey, Mark
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Cpl, Deal, DealVersion, PerClient, Qualification, show_lots
from introducer.domain.ledger import Key, Line, ReceiptEvent
from introducer.domain.money import FINE, decimal_string, show_ratio
from introducer.domain.rates import Rate, Rates
from introducer.domain.rules.target import Target


class Qualified(NamedTuple):
    """When a client qualified (ms), the conditions as lines, the events that met them, and the rates they took."""

    at: int
    by_event: int | None
    """The moment again, when an event of that moment met the last condition; None when a day of trading did, at its
    end. (A partner that is blocked later on that day loses nothing: the trades came before.)"""
    lines: tuple[Line, ...]
    evidence: tuple[ReceiptEvent, ...]
    used: frozenset[Rate]


class Proof(NamedTuple):
    """How a client came to qualify, as a receipt says it: the conditions, the events that met them, the rates that
    those took, and the client's country (empty when nobody knows it)."""

    lines: tuple[Line, ...]
    evidence: tuple[ReceiptEvent, ...]
    used: tuple[Rate, ...]
    country: str


class Qualifying(NamedTuple):
    """A client qualified for a rule: when (ms), under which version, for what (minor units), at whose price."""

    rule: str
    version: int
    at: int
    amount: int
    whose: str
    proof: Proof | None = None
    """Only where settling decides about this client's own amount, under a cap on clients: it writes the receipt."""


class PaidOnce(NamedTuple):
    """A client's targets under rules that pay once per client, and how it qualified for each."""

    targets: Mapping[Key, Target]
    qualified: Mapping[Key, Qualifying]
    shared: frozenset[Key]
    """Those whose rule has caps: the partner's settling decides what is paid."""


def base_version(state: ClientState, contracts: Contracts) -> DealVersion | None:
    """The deal version at the anchor, of the partner the registration belongs to."""
    if state.owner is None or state.anchor is None:
        return None
    return contracts.version_at(state.owner.partner, state.anchor)


def paid_once(state: ClientState, contracts: Contracts, kind: type[PerClient]) -> PaidOnce:
    """What the client's rules of a kind say: the amount for its country, once it qualifies.

    The month it is earned for, and the day its hold period counts from, are those of qualification. Nothing is owed for
    a client who registers or qualifies while the partner is blocked, or who by then is disallowed.
    """
    owed: dict[Key, Target] = {}
    moments: dict[Key, Qualifying] = {}
    shared: set[Key] = set()
    version, owner, anchor = base_version(state, contracts), state.owner, state.anchor
    if version is None or owner is None or anchor is None:
        return PaidOnce(owed, moments, frozenset())
    deal, registered = version.deal, day_at(anchor)
    for rule in deal.rules:
        if not isinstance(rule, kind):
            continue
        found = qualified(state, rule, deal, contracts.rates)
        amount = rule.amount_for(state.country, registered)
        if found is None or not amount:
            continue
        if found.by_event is not None and contracts.blocked_at(owner.partner, found.by_event):
            continue
        if state.disallowed_at(found.at):
            continue
        day = day_at(found.at)
        key = Key(owner.partner, rule.id, state.client, day[:7], deal.currency, plus_days(day, deal.hold.days))
        lines, country = (*found.lines, Line("qualified", str(found.at))), state.country or ""
        paid = (*lines, Line("amount_for_country", decimal_string(amount, deal.currency), (country,)))
        owed[key] = Target(amount, rule.kind, version.version, paid, found.evidence, found.used)
        proof = None
        if rule.caps and rule.most is None:
            proof = Proof(lines, found.evidence, tuple(sorted(found.used, key=_by_day)), country)
        moments[key] = Qualifying(rule.id, version.version, found.at, amount, rule.whose(registered).value, proof)
        if rule.shared:
            shared.add(key)
    return PaidOnce(owed, moments, frozenset(shared))


def _by_day(rate: Rate) -> tuple[str, str, str]:
    return (rate.day, rate.source, rate.target)


def first_deposit(state: ClientState, deal: Deal | None, rates: Rates) -> EventKey | None:
    """The FTD: the first deposit of at least the deal's `ftd_minimum` (any deposit, where there is no deal)."""
    best: tuple[int, EventKey] | None = None
    for key, deposit in state.deposits.items():
        if best is not None and (deposit.at, key) >= best:
            continue
        if deal is None or in_deal_currency(deposit, deal, rates) >= deal.ftd_minimum * FINE:
            best = (deposit.at, key)
    return best[1] if best else None


def deciding_deposits(state: ClientState, contracts: Contracts) -> dict[EventKey, Deposit]:
    """The deposits that FTD and qualification can still depend on: up to the window after the first deposit.

    Later ones can never matter again: the first deposit only moves earlier, and what undoes it (a cancel, another
    deal) refolds the client.
    """
    version = base_version(state, contracts)
    deal = version.deal if version else None
    first = first_deposit(state, deal, contracts.rates)
    if first is None:
        return dict(state.deposits)
    hours = max(
        (rule.qualification.within_hours or 0 for rule in (deal.rules if deal else ()) if isinstance(rule, PerClient)),
        default=0,
    )
    end = state.deposits[first].at + hours * HOUR_MS
    return {key: deposit for key, deposit in state.deposits.items() if deposit.at <= end}


def activity_window(state: ClientState, deal: Deal | None) -> tuple[int, int] | None:
    """From when to when (ms) days of trading are remembered for qualification; None when none need be."""
    days = [
        rule.qualification.within_days or 0
        for rule in (deal.rules if deal else ())
        if isinstance(rule, PerClient) and rule.qualification.counts_activity
    ]
    anchor = state.anchor
    return (anchor, anchor + max(days) * DAY_MS) if days and anchor is not None else None


def qualified(state: ClientState, rule: PerClient, deal: Deal, rates: Rates) -> Qualified | None:
    """When the last condition came to hold; None while one does not.

    A cpa asks for a first deposit in any case; a cpl for the registration itself, and for deposits only when its gate
    names a minimum. Lots, trades and net revenue are met at the end of their UTC day (engine.md, "Scopes").
    """
    wanted = rule.qualification
    anchor = state.anchor
    assert anchor is not None, "a client without events has no partner"
    met = [anchor]
    lines: list[Line] = []
    evidence: list[ReceiptEvent] = []
    used: set[Rate] = set()

    def shown(mark: Mark, kind: str) -> None:
        evidence.append(ReceiptEvent(mark.source, mark.event_id, kind, mark.at))

    if state.registered:
        shown(state.registered, "registration")
        lines.append(Line("registered", str(state.registered.at)))
    if wanted.countries:
        if state.country not in wanted.countries:
            return None
        lines.append(Line("country", state.country or ""))
    if wanted.kyc:
        if state.kyc is None:
            return None
        met.append(state.kyc.at)
        shown(state.kyc, "kyc")
        lines.append(Line("kyc", str(state.kyc.at)))
    if isinstance(rule, Cpl) and state.registered is None:
        return None
    if not isinstance(rule, Cpl) or wanted.min_deposit is not None:
        deposited = _deposited(state, wanted, deal, rates)
        if deposited is None:
            return None
        met.append(deposited.at)
        evidence += deposited.evidence
        lines.append(deposited.line)
        used |= deposited.used
    by_event = max(met)
    for name, minimum, index, words in _activity_conditions(wanted, deal):
        until = None if wanted.within_days is None else anchor + wanted.within_days * DAY_MS
        day = _reached(state.activity, index, minimum, until)
        if day is None:
            return None
        met.append(day_start(day) + DAY_MS - 1)
        lines.append(Line(f"reached_{name}", day, (words,)))
    at = max(met)
    if wanted.within_days is not None:
        if at > anchor + wanted.within_days * DAY_MS:
            return None
        lines.append(Line("within_days", str(wanted.within_days)))
    return Qualified(at, at if at == by_event else None, tuple(lines), tuple(evidence), frozenset(used))


def in_deal_currency(flow: Deposit | Chargeback, deal: Deal, rates: Rates) -> int:
    """A deposit or chargeback in fine units of the deal's currency, at its own day's rate. Raises `RateMissing`."""
    return rates.fine(flow.minor, flow.currency, deal.currency, day_at(flow.at))


class _Deposited(NamedTuple):
    at: int
    line: Line
    evidence: list[ReceiptEvent]
    used: set[Rate]


class PaidIn(NamedTuple):
    """What a client paid in that counts towards the minimum, in fine units of the deal's currency."""

    required: int
    deposits: tuple[tuple[EventKey, Deposit, int], ...]
    """In their order, each with what is left of it."""
    until: int | None
    """Until when (ms) further ones count; None where no other counts: the first has to do by itself."""

    @property
    def total(self) -> int:
        return sum(value for _, _, value in self.deposits)


def paid_in(state: ClientState, wanted: Qualification, deal: Deal, rates: Rates) -> PaidIn:
    """The deposits that count. Without a minimum, the first deposit must stand at the deal's FTD minimum.

    A chargeback lowers the deposit it refers to; one that refers to nothing raises the required minimum.
    Raises `RateMissing`.
    """
    minimum = wanted.min_deposit if wanted.min_deposit is not None else deal.ftd_minimum
    required = max(minimum * FINE, 1)
    taken_back: dict[EventKey, list[Chargeback]] = defaultdict(list)
    for (source, _), chargeback in state.chargebacks.items():
        if chargeback.ref is None:
            required += in_deal_currency(chargeback, deal, rates)
        else:
            taken_back[source, chargeback.ref].append(chargeback)
    first = first_deposit(state, deal, rates)
    if first is None:
        return PaidIn(required, (), None)
    start = state.deposits[first].at
    end = start + (wanted.within_hours or 0) * HOUR_MS
    counted = []
    for key, deposit in sorted(state.deposits.items(), key=lambda each: (each[1].at, each[0])):
        # What came before the first deposit was too small for one; of the same moment, ids decide.
        if (deposit.at, key) < (start, first) or deposit.at > end or (wanted.within_hours is None and key != first):
            continue
        counted.append((key, deposit, _left(deposit, taken_back[key], deal, rates)))
    return PaidIn(required, tuple(counted), None if wanted.within_hours is None else end)


def _deposited(state: ClientState, wanted: Qualification, deal: Deal, rates: Rates) -> _Deposited | None:
    """When the deposits reached the minimum."""
    found = paid_in(state, wanted, deal, rates)
    total = 0
    evidence: list[ReceiptEvent] = []
    used: set[Rate] = set()
    for key, deposit, value in found.deposits:
        total += value
        evidence.append(ReceiptEvent(*key, "deposit", deposit.at, show_ratio(value, FINE, deal.currency)))
        if deposit.currency != deal.currency:
            used.add(rates.rate(deposit.currency, deal.currency, day_at(deposit.at)))
        if total >= found.required:
            values = (show_ratio(found.required, FINE, deal.currency), str(wanted.within_hours or 0))
            line = Line("deposited", show_ratio(total, FINE, deal.currency), values)
            return _Deposited(deposit.at, line, evidence, used)
    return None


def _left(deposit: Deposit, taken_back: Iterable[Chargeback], deal: Deal, rates: Rates) -> int:
    """What is left of a deposit, in fine units of the deal's currency.

    In its own currency the subtraction is exact: a deposit that was taken back in full is worth nothing, whatever the
    rate did meanwhile. A chargeback in another currency counts at its own day's rate.
    """
    minor = deposit.minor - sum(each.minor for each in taken_back if each.currency == deposit.currency)
    others = sum(in_deal_currency(each, deal, rates) for each in taken_back if each.currency != deposit.currency)
    return max(0, in_deal_currency(deposit._replace(minor=max(0, minor)), deal, rates) - others)


def _activity_conditions(wanted: Qualification, deal: Deal) -> list[tuple[str, int, int, str]]:
    """Name, minimum, position in `Activity` and the minimum in words, of the conditions that are set."""
    conditions = []
    if wanted.min_lots is not None:
        conditions.append(("lots", wanted.min_lots, 0, show_lots(wanted.min_lots)))
    if wanted.min_trades is not None:
        conditions.append(("trades", wanted.min_trades, 1, str(wanted.min_trades)))
    if wanted.min_net_revenue is not None:
        words = decimal_string(wanted.min_net_revenue, deal.currency)
        conditions.append(("net_revenue", wanted.min_net_revenue * FINE, 2, words))
    return conditions


def _reached(activity: Mapping[str, Activity], index: int, minimum: int, until: int | None) -> str | None:
    """The day from which on the running sum stays at or above the minimum (net revenue can fall again).

    Only days that end by `until` (ms) count: another rule of the deal may remember more of them.
    """
    total, since = 0, None
    for day in sorted(activity):
        if until is not None and day_start(day) + DAY_MS - 1 > until:
            break
        total += activity[day][index]
        if total < minimum:
            since = None
        elif since is None:
            since = day
    return since
