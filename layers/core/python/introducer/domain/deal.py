"""Deals: a partner's versioned commission terms, as plain frozen data.

`parse_terms` reads terms written as data (what is stored, shown and accepted) and refuses contradictions with the
sentence that is wrong. Percentages are integers of a millionth (30 % is 300,000), coefficients of a ten-thousandth,
amounts are minor units of the deal's currency, lots are integers of `LOT` to one lot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

from introducer.domain.errors import Invalid
from introducer.domain.events import LOT
from introducer.domain.money import decimals, minor_units

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

    def amount_for(self, country: str | None) -> int:
        """The amount for a client of this country: the group that names it, else the group for all others, else 0."""
        rest = 0
        for group in self.amounts:
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
    """A share of a client's net revenue of a month."""

    id: str
    percent: int
    negative: NegativeMonths
    cap: int = 0
    """With `CAPPED`: how many average months a carried loss may be at most, in ten-thousandths."""
    kind: str = "revshare"


@dataclass(frozen=True, slots=True)
class SymbolAmount:
    """Cash per lot for some symbols; for all others when there are none."""

    symbols: frozenset[str]
    amount: int


@dataclass(frozen=True, slots=True)
class Lot:
    """Cash per lot traded, by symbol, for trades held long enough on accounts of the right type."""

    id: str
    groups: tuple[SymbolAmount, ...]
    min_holding_seconds: int = 0
    account_types: frozenset[str] = frozenset()
    kind: str = "lot"

    def amount_for(self, symbol: str | None) -> int:
        """Minor units per lot of this symbol; 0 when no group has it."""
        rest = 0
        for group in self.groups:
            if symbol in group.symbols:
                return group.amount
            if not group.symbols:
                rest = group.amount
        return rest


Rule = Cpa | Cpl | Revshare | Lot


@dataclass(frozen=True, slots=True)
class Deal:
    """Commission terms: one currency, one base formula, one hold period, some rules."""

    currency: str
    hold: Hold
    ftd_minimum: int
    net_revenue: Formula
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class DealVersion:
    """A deal as a partner accepted it: in force from `valid_from` (ms, a UTC midnight) until the next version."""

    partner: str
    version: int
    valid_from: int
    deal: Deal


def parse_terms(terms: Mapping[str, Any]) -> Deal:
    """Terms written as data → a deal. Raises `Invalid` with the sentence that is wrong.

    Amounts are decimal strings in the deal's currency, percentages and coefficients decimal strings.
    """
    _only(terms, {"currency", "hold", "ftd_minimum", "net_revenue", "rules"}, "The deal")
    currency = _text(terms, "currency", "The deal")
    decimals(currency)
    hold = _parse_hold(_mapping(terms, "hold", "The deal"))
    rules = tuple(_parse_rule(rule, currency) for rule in _list(terms, "rules", "The deal"))
    if not rules:
        raise Invalid("The deal has no rules: give at least one.", code="invalid_deal")
    ids = [rule.id for rule in rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            raise Invalid(f"Two rules have the id {rule_id!r}: give each its own.", code="invalid_deal")
    monthly = [rule for rule in rules if not isinstance(rule, PerClient)]
    if monthly and hold.counts_from is HoldFrom.QUALIFICATION:
        raise Invalid(
            f"The hold counts from qualification, but rule {monthly[0].id!r} has none: count from month_end.",
            code="invalid_deal",
        )
    if hold.counts_from is HoldFrom.EVENT_DAY and any(isinstance(rule, Revshare) for rule in rules):
        raise Invalid(
            "The hold counts from the event's day, but a revenue share is known only at the month's end:"
            " count from month_end.",
            code="invalid_deal",
        )
    formula = terms.get("net_revenue", {"spread": "1", "commission": "1"})
    return Deal(
        currency=currency,
        hold=hold,
        ftd_minimum=_amount(terms, "ftd_minimum", currency, "The deal") if "ftd_minimum" in terms else 0,
        net_revenue=_parse_formula(formula),
        rules=rules,
    )


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


def check_successor(deal: Deal, earlier: Iterable[tuple[int, Deal]]) -> None:
    """Raise `Invalid` when a rule id means another kind of rule than in an earlier version (number, deal).

    The id is part of what an amount is owed for: two kinds under one id would be taken for one amount.
    """
    kinds = {rule.id: rule.kind for rule in deal.rules}
    for number, before in earlier:
        for rule in before.rules:
            if kinds.get(rule.id, rule.kind) != rule.kind:
                raise Invalid(
                    f"Rule {rule.id!r} was a {rule.kind} in version {number}: give the {kinds[rule.id]} another id.",
                    code="invalid_deal",
                )


_RULE_ID = re.compile(r"[a-z][a-z0-9_]{0,23}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def _parse_hold(data: Mapping[str, Any]) -> Hold:
    _only(data, {"days", "from"}, "The hold")
    days = _integer(data, "days", "The hold", 0, 365)
    assert days is not None
    try:
        return Hold(days, HoldFrom(data.get("from", "month_end")))
    except ValueError:
        raise Invalid(
            f"The hold counts from {data['from']!r}: say qualification, month_end or event_day.",
            code="invalid_deal",
        ) from None


def _parse_rule(data: Any, currency: str) -> Rule:
    if not isinstance(data, Mapping):
        raise Invalid("A rule must be an object with a type and an id.", code="invalid_deal")
    kind, rule_id = data.get("type"), data.get("id")
    if not isinstance(kind, str) or kind not in _PARSERS:
        raise Invalid(f"A rule has the type {kind!r}: this release knows {', '.join(_PARSERS)}.", code="invalid_deal")
    if not isinstance(rule_id, str) or not _RULE_ID.fullmatch(rule_id):
        raise Invalid(f"A {kind} rule has the id {rule_id!r}: use small letters, digits and _.", code="invalid_deal")
    return _PARSERS[kind](rule_id, data, currency)


def _parse_per_client(make: type[Cpa] | type[Cpl], rule_id: str, data: Mapping[str, Any], currency: str) -> Rule:
    where = f"Rule {rule_id!r}"
    _only(data, {"type", "id", "amounts", "qualification"}, where)
    groups = []
    for group in _list(data, "amounts", where):
        _only(group, {"countries", "amount"}, where)
        groups.append(CountryAmount(_countries(group, where), _amount(group, "amount", currency, where)))
    _groups_apart([group.countries for group in groups], "country", where)
    return make(rule_id, tuple(groups), _parse_qualification(data.get("qualification", {}), currency, where))


def _parse_qualification(data: Mapping[str, Any], currency: str, where: str) -> Qualification:
    where = f"The qualification of {where[0].lower()}{where[1:]}"
    _only(
        data,
        {
            "kyc",
            "min_deposit",
            "within_hours",
            "min_lots",
            "min_trades",
            "min_net_revenue",
            "countries",
            "within_days",
        },
        where,
    )
    if not isinstance(data.get("kyc", False), bool):
        raise Invalid(f"{where} has a kyc that is neither true nor false.", code="invalid_deal")
    qualification = Qualification(
        kyc=data.get("kyc", False),
        min_deposit=_amount(data, "min_deposit", currency, where) if "min_deposit" in data else None,
        within_hours=_integer(data, "within_hours", where, 1, 24 * 90, optional=True),
        min_lots=_decimal(data, "min_lots", LOT, where) if "min_lots" in data else None,
        min_trades=_integer(data, "min_trades", where, 1, 1_000_000, optional=True),
        min_net_revenue=_amount(data, "min_net_revenue", currency, where) if "min_net_revenue" in data else None,
        countries=_countries(data, where),
        within_days=_integer(data, "within_days", where, 1, 365, optional=True),
    )
    if qualification.min_lots is not None and qualification.min_lots <= 0:
        raise Invalid(f"{where} has min_lots {data['min_lots']}: say more than 0.", code="invalid_deal")
    if (qualification.min_deposit is None) != (qualification.within_hours is None):
        raise Invalid(f"{where} needs min_deposit and within_hours together.", code="invalid_deal")
    if qualification.counts_activity and qualification.within_days is None:
        raise Invalid(
            f"{where} counts trading without an end: say within how many days of registration.",
            code="invalid_deal",
        )
    return qualification


def _parse_revshare(rule_id: str, data: Mapping[str, Any], currency: str) -> Revshare:
    where = f"Rule {rule_id!r}"
    _only(data, {"type", "id", "percent", "negative", "cap"}, where)
    percent = _decimal(data, "percent", PERCENT_ONE // 100, where)
    if not 0 < percent <= PERCENT_ONE:
        raise Invalid(f"{where} pays {data['percent']} %: say more than 0 and at most 100.", code="invalid_deal")
    try:
        negative = NegativeMonths(data.get("negative", "reset"))
    except ValueError:
        raise Invalid(
            f"{where} treats negative months as {data['negative']!r}: say reset, carry or capped.", code="invalid_deal"
        ) from None
    if (negative is NegativeMonths.CAPPED) != ("cap" in data):
        raise Invalid(f"{where} needs a cap exactly when negative months are capped.", code="invalid_deal")
    cap = _decimal(data, "cap", COEFFICIENT_ONE, where) if "cap" in data else 0
    if not 0 <= cap <= 100 * COEFFICIENT_ONE:
        raise Invalid(f"{where} has a cap of {data['cap']} average months: say 0 to 100.", code="invalid_deal")
    return Revshare(rule_id, percent, negative, cap)


def _parse_lot(rule_id: str, data: Mapping[str, Any], currency: str) -> Lot:
    where = f"Rule {rule_id!r}"
    _only(data, {"type", "id", "groups", "min_holding_seconds", "account_types"}, where)
    groups = []
    for group in _list(data, "groups", where):
        _only(group, {"symbols", "amount"}, where)
        groups.append(SymbolAmount(_names(group, "symbols", where), _amount(group, "amount", currency, where)))
    _groups_apart([group.symbols for group in groups], "symbol", where)
    holding = _integer(data, "min_holding_seconds", where, 0, 86_400 * 30, optional=True)
    return Lot(rule_id, tuple(groups), holding or 0, _names(data, "account_types", where))


_PARSERS: dict[str, Callable[[str, Mapping[str, Any], str], Rule]] = {
    "cpa": partial(_parse_per_client, Cpa),
    "cpl": partial(_parse_per_client, Cpl),
    "revshare": _parse_revshare,
    "lot": _parse_lot,
}


def _parse_formula(data: Any) -> Formula:
    if not isinstance(data, Mapping) or not data:
        raise Invalid("net_revenue must name at least one field and its coefficient.", code="invalid_deal")
    for name in data:
        if name not in FORMULA_FIELDS:
            raise Invalid(
                f"net_revenue uses {name!r}, which no event has: use {', '.join(FORMULA_FIELDS)}.",
                code="invalid_deal",
            )
    return Formula(tuple(sorted((name, _decimal(data, name, COEFFICIENT_ONE, "net_revenue")) for name in data)))


def _groups_apart(groups: Sequence[frozenset[str]], what: str, where: str) -> None:
    if not groups:
        raise Invalid(f"{where} pays nothing: give at least one {what} group.", code="invalid_deal")
    if sum(not group for group in groups) > 1:
        raise Invalid(f"{where} has two amounts for all others: keep one.", code="invalid_deal")
    seen: set[str] = set()
    for group in groups:
        for name in sorted(group & seen):
            raise Invalid(f"{where} has the {what} {name} in two groups: keep one.", code="invalid_deal")
        seen |= group


def _only(data: Any, known: set[str], where: str) -> None:
    if not isinstance(data, Mapping):
        raise Invalid(f"{where} must be an object.", code="invalid_deal")
    for name in data:
        if name not in known:
            raise Invalid(
                f"{where} has the unknown field {name!r}: use {', '.join(sorted(known))}.",
                code="invalid_deal",
            )


T = TypeVar("T")


def _of_type(data: Mapping[str, Any], name: str, where: str, kind: type[T], words: str) -> T:
    value = data.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Invalid(f"{where} needs {name}: {words}.", code="invalid_deal")
    return value


def _text(data: Mapping[str, Any], name: str, where: str) -> str:
    return _of_type(data, name, where, str, "a text")


def _mapping(data: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    return _of_type(data, name, where, Mapping, "an object")  # type: ignore[type-abstract]


def _list(data: Mapping[str, Any], name: str, where: str) -> list[Any]:
    return _of_type(data, name, where, list, "a list")


def _integer(
    data: Mapping[str, Any], name: str, where: str, least: int, most: int, *, optional: bool = False
) -> int | None:
    if optional and name not in data:
        return None
    value = _of_type(data, name, where, int, "a whole number")
    if not least <= value <= most:
        raise Invalid(f"{where} has {name} {value}: say {least} to {most}.", code="invalid_deal")
    return value


def _amount(data: Mapping[str, Any], name: str, currency: str, where: str) -> int:
    amount = minor_units(_of_type(data, name, where, str, 'a decimal string such as "600.00"'), currency)
    if amount < 0:
        raise Invalid(f"{where} has the negative {name} {data[name]}.", code="invalid_deal")
    return amount


def _decimal(data: Mapping[str, Any], name: str, one: int, where: str) -> int:
    text = _of_type(data, name, where, str, "a decimal string")
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,8})?", text, re.ASCII):
        raise Invalid(f"{where} has {name} {text[:40]!r}: send a plain decimal string.", code="invalid_deal")
    value = Fraction(text) * one
    if value.denominator != 1:
        raise Invalid(f"{where} has {name} {text}: that is finer than can be kept.", code="invalid_deal")
    return int(value)


def _names(data: Mapping[str, Any], name: str, where: str) -> frozenset[str]:
    values = data.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and 0 < len(value) <= 40 for value in values):
        raise Invalid(f"{where} needs {name} as a list of texts.", code="invalid_deal")
    return frozenset(values)


def _countries(data: Mapping[str, Any], where: str) -> frozenset[str]:
    names = _names(data, "countries", where)
    for name in sorted(names):
        if not _COUNTRY.fullmatch(name):
            raise Invalid(
                f"{where} names the country {name!r}: use two capital letters (ISO 3166).",
                code="invalid_deal",
            )
    return names
