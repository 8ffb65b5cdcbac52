"""Lot rebate: cash per lot traded, summed per month and rounded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from introducer.domain.calendar import month_end, plus_days
from introducer.domain.client import Cell
from introducer.domain.contracts import Contracts
from introducer.domain.deal import HoldFrom, Lot
from introducer.domain.events import LOT, Event, EventType, day_of
from introducer.domain.ledger import Key, Line
from introducer.domain.money import FINE, decimal_string, round_fine, show_ratio
from introducer.domain.rules.target import Target, Targets


def commission(event: Event, rule: Lot) -> int:
    """The event's commission, in fine units of the deal's currency; 0 when the trade does not count."""
    if event.type is not EventType.TRADE or not event.lots:
        return 0
    if rule.account_types and event.account_type not in rule.account_types:
        return 0
    if rule.min_holding_seconds:
        if event.opened_at is None or event.closed_at is None:
            return 0
        if (event.closed_at - event.opened_at).total_seconds() < rule.min_holding_seconds:
            return 0
    return event.lots * rule.amount_for(event.symbol, day_of(event.occurred_at)) * (FINE // LOT)


def paid_lots(rule_id: str) -> str:
    """The cell of the lots that a rule pays for, beside the cell of what it pays."""
    return f"{rule_id}~"


def part(rule: Lot, day: str, counts_from: HoldFrom) -> str:
    """What a trade of this day is summed with: under tiers, what has the same owner of its price; else what matures on
    the same day."""
    if rule.tiers is not None:
        return rule.whose(day).value
    return day if counts_from is HoldFrom.EVENT_DAY else ""


def targets(
    client: str,
    partner: str,
    rule_id: str,
    currency: str,
    months: Mapping[str, Sequence[tuple[Cell, int]]],
    contracts: Contracts,
    since: str = "",
) -> Targets:
    """The sums of commission per month (from `since` on) and day of availability. `months` has the commission cells
    (fine units)."""
    sums: dict[Key, list[tuple[Cell, int]]] = defaultdict(list)
    for month, cells in months.items():
        if month < since:
            continue
        # What is held from the month's end is one amount, held as the newest version in the month says.
        newest = max((cell.version for cell, _ in cells if not cell.part), default=0)
        for cell, fine in sorted(cells):
            hold = contracts.version(partner, cell.version if cell.part else newest).deal.hold
            matures = plus_days(cell.part or month_end(month), hold.days)
            sums[Key(partner, rule_id, client, month, currency, matures)].append((cell, fine))
    owed: Targets = {}
    for key, parts in sums.items():
        minor = round_fine(sum(fine for _, fine in parts))
        lines = (
            *(Line("lot_commission", show_ratio(fine, FINE, currency), (str(cell.version),)) for cell, fine in parts),
            Line("rounded", decimal_string(minor, currency)),
        )
        owed[key] = Target(minor, "lot", max(cell.version for cell, _ in parts), lines)
    return owed
