"""Tiers: how much of a sum a band has, and what receipts say of the activity, the bands and the goals."""

from __future__ import annotations

from introducer.domain.deal import Band, Basis, Tiers, show_lots, show_percent
from introducer.domain.ledger import Line
from introducer.domain.money import FINE, decimal_string, show_ratio


def inside(value: int, low: int | None, high: int | None) -> int:
    """How much of a sum lies between two bounds; None for the lower one is the lowest band, which also has what is
    negative."""
    reached = value if high is None else min(value, high)
    return reached if low is None else max(0, reached - low)


def basis_line(by: Basis, activity: int, currency: str) -> Line:
    """What the tiers look at. Net revenue is in fine units."""
    if by is Basis.NET_REVENUE:
        shown = show_ratio(activity, FINE, currency)
    else:
        shown = show_lots(activity) if by is Basis.LOTS else str(activity)
    return Line("tier_basis", shown, (by.value,))


def gain_line(tiers: Tiers, band: Band, gained: str, currency: str) -> Line:
    """What a band gave on top."""
    start = show_start(tiers.by, band.start, currency)
    if band.add:
        return Line("tier", gained, (start, decimal_string(band.add, currency), tiers.mode.value, "add"))
    return Line("tier", gained, (start, show_percent(band.percent), tiers.mode.value, "add_percent"))


def show_start(by: Basis, start: int, currency: str) -> str:
    """Where a band begins, or a goal stands, as people write it."""
    if by is Basis.NET_REVENUE:
        return decimal_string(start, currency)
    return show_lots(start) if by is Basis.LOTS else str(start)
