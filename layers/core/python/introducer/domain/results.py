"""A partner's results in a line: what segments, tasks and letters ask about without reading any day again.

It is written once a day, soon after midnight, and whenever somebody needs it at once. What it says is as of the UTC day
in it. Thirty days have the hours of that day that had passed among them; weeks, which are compared with each other, are
of whole days alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from introducer.domain.calendar import DAY_MS, day_start, plus_days
from introducer.domain.deal import Basis, Deal, Revshare, Tiers, show_lots
from introducer.domain.money import FINE, Money, round_fine

DAYS_SEEN = 36
"""How many UTC days a line is made from: today, the seven before it, and the four weeks before those."""


@dataclass(frozen=True, slots=True)
class ResultDay:
    """What all links of a partner brought on one UTC day."""

    day: str
    clicks: int = 0
    ftd: int = 0
    qftd: int = 0
    registrations: int = 0
    kyc: int = 0
    revenue: Mapping[str, int] = field(default_factory=dict)
    """Net revenue by currency, in fine units."""
    active: bool = False
    """Whether anything was counted at all."""


@dataclass(frozen=True, slots=True)
class TierPlace:
    """How far a partner's month has come along the tiers of its deal."""

    by: Basis
    reached: int
    """How many bands are reached: 0 is none."""
    bands: int
    at: int
    """The month's activity: clients, lots (`LOT` to one), or minor units of the deal's currency."""
    next: int
    """Where the next band starts, in the same unit; 0 where the highest is reached."""
    currency: str = ""
    """Of net revenue; empty in places that were written before it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLine:
    """One partner's results. Thirty days are those up to `day`, it included."""

    partner: str
    day: str
    ftd_7: int = 0
    """Of the seven whole days before `day`: a week with a few hours of today in the place of a day would look as if
    something fell."""
    ftd_30: int = 0
    ftd_prev_28: int = 0
    """In the four weeks before those seven days."""
    qftd_30: int = 0
    registrations_30: int = 0
    kyc_30: int = 0
    """These two are 0 in lines that were written before they were counted."""
    clicks_30: int = 0
    """Of people: flagged ones are not counted."""
    net_revenue_30: Mapping[str, int] = field(default_factory=dict)
    """Minor units by currency."""
    last_active_day: str = ""
    """The last UTC day on which anything was counted; empty where nothing ever was."""
    joined: str = ""
    """The UTC day on which the partner was registered."""
    language: str = ""
    deal_kinds: tuple[str, ...] = ()
    """Kinds of rules in the deal in force (`cpa`, `revshare` …), sorted."""
    tier: TierPlace | None = None
    """None where no rule of the deal in force has tiers."""

    def dormant_days(self, today: str) -> int:
        """For how many days nothing came from the partner: since it was last active, else since it joined."""
        since = self.last_active_day or self.joined
        return _days_between(since, today) if since else 0

    def age_days(self, today: str) -> int:
        """For how many days it has been a partner; 0 where that is not known."""
        return _days_between(self.joined, today) if self.joined else 0

    @property
    def trend(self) -> int | None:
        """By how many percent first deposits of the last week are above (below zero: under) a week's average of the
        four before, rounded towards zero; None where there were none to compare with (or more were taken back)."""
        if self.ftd_prev_28 <= 0:
            return None
        difference = 100 * (4 * self.ftd_7 - self.ftd_prev_28)
        percent = abs(difference) // self.ftd_prev_28
        return -percent if difference < 0 else percent


def line_of(
    partner: str,
    today: str,
    days: Iterable[ResultDay],
    *,
    last_active_day: str = "",
    joined: str = "",
    language: str = "",
    deal: Deal | None = None,
    tier: TierPlace | None = None,
) -> ResultLine:
    """The line of a partner. Days in the future or older than what is asked about add nothing; `last_active_day` is
    what was known before."""
    week, month, four = plus_days(today, -7), plus_days(today, -29), plus_days(today, -35)
    ftd_7 = ftd_30 = before = qftd = registrations = kyc = clicks = 0
    revenue: dict[str, int] = {}
    active = last_active_day
    for each in days:
        if each.day > today:
            continue
        if each.active and each.day > active:
            active = each.day
        if week <= each.day < today:
            ftd_7 += each.ftd
        elif four <= each.day < week:
            before += each.ftd
        if each.day >= month:
            ftd_30 += each.ftd
            qftd += each.qftd
            registrations += each.registrations
            kyc += each.kyc
            clicks += each.clicks
            for currency, fine in each.revenue.items():
                revenue[currency] = revenue.get(currency, 0) + fine
    return ResultLine(
        partner=partner,
        day=today,
        ftd_7=ftd_7,
        ftd_30=ftd_30,
        ftd_prev_28=before,
        qftd_30=qftd,
        registrations_30=registrations,
        kyc_30=kyc,
        clicks_30=clicks,
        # Rounded once, on the sum.
        net_revenue_30={currency: round_fine(fine) for currency, fine in sorted(revenue.items()) if fine},
        last_active_day=active,
        joined=joined,
        language=language,
        deal_kinds=tuple(sorted({rule.kind for rule in deal.rules})) if deal else (),
        tier=tier,
    )


def tiers_of(deal: Deal | None) -> Tiers | None:
    """The tiers that a partner is told of: those of the first rule that has any, and goes by them."""
    for rule in deal.rules if deal else ():
        tiers: Tiers | None = rule.steps if isinstance(rule, Revshare) else getattr(rule, "tiers", None)
        if tiers is not None:
            return tiers
    return None


def activity_told(by: Basis, activity: int, currency: str) -> int | str | Money:
    """A month's activity (as `TierPlace` has it) as it is told: net revenue as money, lots as a decimal string, clients
    as their number."""
    if by is Basis.NET_REVENUE:
        return Money(activity, currency)
    return show_lots(activity) if by is Basis.LOTS else activity


def place_in(tiers: Tiers, activity: int, currency: str = "") -> TierPlace:
    """How far a month's activity (clients, lots, or net revenue of the deal's currency in fine units) has come."""
    # A band is reached by whole minor units.
    at = activity // FINE if tiers.by is Basis.NET_REVENUE else activity
    starts = [band.start for band in tiers.bands]
    reached = sum(start <= at for start in starts)
    following = starts[reached] if reached < len(starts) else 0
    return TierPlace(tiers.by, reached, len(starts), at, following, currency if tiers.by is Basis.NET_REVENUE else "")


def _days_between(first: str, last: str) -> int:
    return max(0, (day_start(last) - day_start(first)) // DAY_MS)
