"""Deals: a partner's versioned commission terms, as plain frozen data (docs/deals.md says what each part means).

`domain.terms` reads them from data. Percentages are integers of a millionth (30 % is 300,000), coefficients of a
ten-thousandth, amounts are minor units of the deal's currency, lots are integers of `LOT` to one lot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

from introducer.domain.events import LOT

PERCENT_ONE = 1_000_000
COEFFICIENT_ONE = 10_000

TRADE_FIELDS = ("spread", "commission", "swap", "pnl")
CASH_FIELDS = ("deposits", "withdrawals", "credits", "chargebacks")
FORMULA_FIELDS = TRADE_FIELDS + CASH_FIELDS


class HoldFrom(StrEnum):
    """What the hold period counts from. A cpa or cpl always counts from its qualification."""

    QUALIFICATION = "qualification"
    MONTH_END = "month_end"
    EVENT_DAY = "event_day"


class NegativeMonths(StrEnum):
    """What becomes of a client's negative month: forgotten, carried into the next ones, or carried up to a cap."""

    RESET = "reset"
    CARRY = "carry"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True)
class Hold:
    """How long an earning stays pending."""

    days: int
    counts_from: HoldFrom


@dataclass(frozen=True, slots=True)
class Formula:
    """Net revenue: the sum of event fields times coefficients (ten-thousandths)."""

    coefficients: tuple[tuple[str, int], ...]

    def of(self, field: str) -> int:
        """The coefficient of a field; 0 when the formula does not have it."""
        for name, coefficient in self.coefficients:
            if name == field:
                return coefficient
        return 0


@dataclass(frozen=True, slots=True)
class Qualification:
    """What a client must do for a cpa or cpl: all conditions that are set, within `within_days` of registration."""

    kyc: bool = False
    min_deposit: int | None = None
    """Sum of deposits, less their chargebacks, within `within_hours` of the first deposit."""
    within_hours: int | None = None
    min_lots: int | None = None
    min_trades: int | None = None
    min_net_revenue: int | None = None
    countries: frozenset[str] = frozenset()
    within_days: int | None = None

    @property
    def counts_activity(self) -> bool:
        """Whether days of trading must be remembered to decide it."""
        return self.min_lots is not None or self.min_trades is not None or self.min_net_revenue is not None


class Basis(StrEnum):
    """What a tier or a goal looks at: a partner's month."""

    FTD = "ftd"
    QFTD = "qftd"
    LOTS = "lots"
    NET_REVENUE = "net_revenue"


class Mode(StrEnum):
    """Whether a band prices only what lies in it, or the whole month once it is reached."""

    MARGINAL = "marginal"
    RETROACTIVE = "retroactive"


@dataclass(frozen=True, slots=True)
class Band:
    """From `start` on (clients, lots or minor units), a percentage, or an amount per client or lot.

    The percentage is a revenue share's own, or what a cpa or lot gets on top.
    """

    start: int
    percent: int = 0
    add: int = 0


@dataclass(frozen=True, slots=True)
class Tiers:
    """Bands, rising."""

    by: Basis
    mode: Mode
    bands: tuple[Band, ...]

    def reached(self, activity: int, one: int = 1) -> Band | None:
        """The highest band that an activity (`one` of it to a unit of `start`) has reached."""
        found = None
        for band in self.bands:
            if band.start * one <= activity:
                found = band
        return found


class Per(StrEnum):
    """For how long the places of a cap are counted."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many clients."""

    per: Per
    clients: int


Price = TypeVar("Price")


@dataclass(frozen=True, slots=True)
class Promotion(Generic[Price]):
    """A price for a time: UTC days, both included."""

    first: str
    last: str
    price: Price

    def holds_on(self, day: str) -> bool:
        return self.first <= day <= self.last


class Whose(StrEnum):
    """Whose price an amount goes by; each goes before the ones above it."""

    PROGRAM = "program"
    OWN = "own"
    PROMOTION = "promotion"


@dataclass(frozen=True, slots=True)
class CountryAmount:
    """An amount for some countries; for all others when there are none."""

    countries: frozenset[str]
    amount: int


@dataclass(frozen=True, slots=True)
class PerClient:
    """One amount per client that qualifies, by the client's country."""

    id: str
    amounts: tuple[CountryAmount, ...]
    qualification: Qualification
    kind: str = ""
    caps: tuple[Cap, ...] = ()
    most: int | None = None
    """What a month's earnings are cut at; None for no such cap."""
    tiers: Tiers | None = None
    own: tuple[CountryAmount, ...] | None = None
    promotion: Promotion[tuple[CountryAmount, ...]] | None = None

    @property
    def shared(self) -> bool:
        """Whether what is owed for a client depends on other clients. What tiers give comes on top, as an amount of its
        own."""
        return bool(self.caps) or self.most is not None

    def whose(self, day: str) -> Whose:
        """Whose price holds for a client registered on a UTC day."""
        if self.promotion is not None and self.promotion.holds_on(day):
            return Whose.PROMOTION
        return Whose.PROGRAM if self.own is None else Whose.OWN

    def amount_for(self, country: str | None, day: str) -> int:
        """The amount for a client of this country registered on this UTC day: the group that names the country, else
        the group for all others, else 0."""
        amounts = self.amounts if self.own is None else self.own
        if self.promotion is not None and self.promotion.holds_on(day):
            amounts = self.promotion.price
        rest = 0
        for group in amounts:
            if country in group.countries:
                return group.amount
            if not group.countries:
                rest = group.amount
        return rest


@dataclass(frozen=True, slots=True)
class Cpa(PerClient):
    """Paid for a client that deposits."""

    kind: str = "cpa"


@dataclass(frozen=True, slots=True)
class Cpl(PerClient):
    """Paid for a registration that passes its quality gate."""

    kind: str = "cpl"


@dataclass(frozen=True, slots=True)
class Revshare:
    """A share of net revenue: per client and month, or pooled over the partner's clients."""

    id: str
    percent: int
    negative: NegativeMonths
    cap: int = 0
    """With `CAPPED`: how many average months a carried loss may be at most, in ten-thousandths."""
    kind: str = "revshare"
    pooled: bool = False
    fence: int | None = None
    """Pooled: a client whose month is below minus this is left out of the pool (minor units); None for no fence."""
    tiers: Tiers | None = None
    own: int | None = None
    promotion: Promotion[int] | None = None

    @property
    def shared(self) -> bool:
        """Whether what is owed depends on the partner's clients together."""
        return self.pooled

    @property
    def base(self) -> int:
        """The percentage outside of promotions and tiers."""
        return self.percent if self.own is None else self.own

    @property
    def steps(self) -> Tiers | None:
        """The tiers, unless the partner's own price goes before them."""
        return self.tiers if self.own is None else None


@dataclass(frozen=True, slots=True)
class SymbolAmount:
    """Cash per lot for some symbols; for all others when there are none."""

    symbols: frozenset[str]
    amount: int
    group: str | None = None
    """What the deal calls these symbols."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Cash per lot traded, by symbol, for trades held long enough on accounts of the right type."""

    id: str
    groups: tuple[SymbolAmount, ...]
    min_holding_seconds: int = 0
    account_types: frozenset[str] = frozenset()
    kind: str = "lot"
    tiers: Tiers | None = None
    own: tuple[SymbolAmount, ...] | None = None
    promotion: Promotion[tuple[SymbolAmount, ...]] | None = None

    @property
    def shared(self) -> bool:
        """Whether what is owed depends on the partner's clients together."""
        return self.tiers is not None

    def whose(self, day: str) -> Whose:
        """Whose price holds for trades of a UTC day."""
        if self.promotion is not None and self.promotion.holds_on(day):
            return Whose.PROMOTION
        return Whose.PROGRAM if self.own is None else Whose.OWN

    def amount_for(self, symbol: str | None, day: str) -> int:
        """Minor units per lot of this symbol traded on this UTC day; 0 when no group has it."""
        groups = self.groups if self.own is None else self.own
        if self.promotion is not None and self.promotion.holds_on(day):
            groups = self.promotion.price
        rest = 0
        for group in groups:
            if symbol in group.symbols:
                return group.amount
            if not group.symbols:
                rest = group.amount
        return rest


@dataclass(frozen=True, slots=True)
class Window:
    """UTC days, both included."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Bonus:
    """An amount while a month, or a window of its own, has reached a goal."""

    id: str
    by: Basis
    goal: int
    """Clients, lots (`LOT` to one) or minor units."""
    amount: int
    window: Window | None = None
    kind: str = "bonus"
    shared: bool = True


NET_REVENUE, QUALIFIED = "net_revenue", "qftd"
KINDS = ("cpa", "cpl", "revshare", "lot", "bonus", "override")


@dataclass(frozen=True, slots=True)
class Level:
    """What a descendant at a depth brings: a percentage of its earnings of some kinds, or of its net revenue, or cash
    per qualified client."""

    level: int
    percent: int = 0
    of: tuple[str, ...] = ()
    """Kinds of rules; or `net_revenue` alone; or `qftd` alone, with an amount."""
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Override:
    """A part of what the partners below bring, by depth."""

    id: str
    levels: tuple[Level, ...]
    kind: str = "override"
    shared: bool = True

    def at(self, level: int) -> Level | None:
        """What this depth brings; None for nothing."""
        return next((each for each in self.levels if each.level == level), None)


Rule = Cpa | Cpl | Revshare | Lot | Bonus | Override


class RateOf(StrEnum):
    """At which day's rate a payout converts what is paid in another currency than it stands in."""

    PAY_DATE = "pay_date"
    EARN_DATE = "earn_date"
    """Each part at the rate of the end of the month that it was earned in."""


@dataclass(frozen=True)
class Deal:
    """Commission terms: one currency, one base formula, one hold period, some rules."""

    currency: str
    hold: Hold
    ftd_minimum: int
    net_revenue: Formula
    rules: tuple[Rule, ...]
    payout_rate: RateOf = RateOf.PAY_DATE

    @cached_property
    def looks_at_all_clients(self) -> bool:
        """Whether any rule looks at the partner's clients together, or at the partners below."""
        return any(rule.shared or getattr(rule, "tiers", None) for rule in self.rules)

    @cached_property
    def monthly(self) -> bool:
        """Whether such a rule looks at a whole month of the partner's; a goal with a window of its own does not."""
        return any(
            (rule.shared or getattr(rule, "tiers", None)) and not (isinstance(rule, Bonus) and rule.window)
            for rule in self.rules
        )

    @cached_property
    def bases(self) -> frozenset[Basis]:
        """What tiers and goals look at."""
        tiers = [rule.tiers.by for rule in self.rules if isinstance(rule, Cpa | Revshare | Lot) and rule.tiers]
        return frozenset([*tiers, *(rule.by for rule in self.rules if isinstance(rule, Bonus))])

    @cached_property
    def monthly_bases(self) -> frozenset[Basis]:
        """What tiers and goals look at, goals with a window of their own left out."""
        tiers = [rule.tiers.by for rule in self.rules if isinstance(rule, Cpa | Revshare | Lot) and rule.tiers]
        return frozenset([*tiers, *(rule.by for rule in self.rules if isinstance(rule, Bonus) and not rule.window)])

    @cached_property
    def without_own_goals(self) -> Deal:
        """The terms without goals that have a window of their own."""
        return replace(self, rules=tuple(r for r in self.rules if not (isinstance(r, Bonus) and r.window)))

    @cached_property
    def overrides(self) -> tuple[Override, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, Override))


@dataclass(frozen=True, slots=True)
class DealVersion:
    """A deal as a partner accepted it: in force from `valid_from` (ms, a UTC midnight) until the next version."""

    partner: str
    version: int
    valid_from: int
    deal: Deal


def show_percent(percent: int) -> str:
    """A percentage in millionths as people write it: 300,000 is `30`."""
    return _trimmed(percent, PERCENT_ONE // 100)


def show_coefficient(coefficient: int) -> str:
    """A coefficient in ten-thousandths as people write it."""
    return _trimmed(coefficient, COEFFICIENT_ONE)


def show_lots(lots: int) -> str:
    """Integer lots as people write them."""
    return _trimmed(lots, LOT)


def _trimmed(value: int, one: int) -> str:
    whole, part = divmod(abs(value), one)
    text = f"{whole}.{part:0{len(str(one)) - 1}d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text
