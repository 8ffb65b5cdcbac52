"""Terms as data → a deal. What cannot be is refused with the sentence that is wrong (docs/deals.md, "What is refused"),
and, for people who wrote the terms in a form, with its place and what to do there.

Amounts are decimal strings in the deal's currency, percentages, lots and coefficients decimal strings, days texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import partial
from typing import Any, NoReturn, TypeVar

from introducer.domain import terms_refused as told
from introducer.domain.contracts import DEEPEST
from introducer.domain.deal import (
    COEFFICIENT_ONE,
    FORMULA_FIELDS,
    KINDS,
    NET_REVENUE,
    PERCENT_ONE,
    QUALIFIED,
    Band,
    Basis,
    Bonus,
    Cap,
    CountryAmount,
    Cpa,
    Cpl,
    Deal,
    Formula,
    Hold,
    HoldFrom,
    Level,
    Lot,
    Mode,
    NegativeMonths,
    Override,
    Per,
    PerClient,
    Promotion,
    Qualification,
    RateOf,
    Revshare,
    Rule,
    SymbolAmount,
    Tiers,
    Window,
)
from introducer.domain.describe import Count, Countries, Day, Kinds, Names, Number, Plural, Sentence, Value
from introducer.domain.errors import Invalid
from introducer.domain.events import LOT
from introducer.domain.money import decimals, minor_units

LONGEST_DAYS = 366
"""Of a promotion, or of a goal's own window."""


@dataclass(frozen=True, slots=True)
class _Where:
    """A part of the terms: what English sentences call it, and where it stands."""

    name: str
    place: str = ""
    """Such as `rules[0].tiers`; empty for the whole."""

    def __str__(self) -> str:
        return self.name

    def at(self, field: str) -> str:
        """The place of one of its fields."""
        return f"{self.place}.{field}" if self.place else field

    def part(self, field: str, what: str = "") -> _Where:
        """A part of it: `what` of it, or under its own name."""
        return _Where(f"{what} of {self.name[0].lower()}{self.name[1:]}" if what else self.name, self.at(field))


_DEAL = _Where("The deal")


@dataclass(frozen=True, slots=True)
class _Context:
    """What the parts of a deal are read with."""

    currency: str
    symbol_groups: Mapping[str, frozenset[str]]


def parse_terms(terms: Mapping[str, Any]) -> Deal:
    """Terms written as data → a deal. Raises `TermsRefused`, an `Invalid` with the sentence that is wrong."""
    known = {"currency", "hold", "ftd_minimum", "net_revenue", "symbol_groups", "rules", "payout_rate"}
    _only(terms, known, _DEAL)
    currency = _text(terms, "currency", _DEAL)
    try:
        decimals(currency)
    except Invalid as error:
        raise _retold(error, _DEAL.at("currency"), told.A_CURRENCY) from None
    hold = _parse_hold(_mapping(terms, "hold", _DEAL))
    context = _Context(currency, _parse_symbol_groups(terms))
    rules = tuple(
        _parse_rule(rule, context, _DEAL.part(f"rules[{at}]")) for at, rule in enumerate(_list(terms, "rules", _DEAL))
    )
    if not rules:
        _refuse("The deal has no rules: give at least one.", "rules", told.ADD_A_RULE)
    ids = [rule.id for rule in rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            again = ids.index(rule_id, ids.index(rule_id) + 1)
            _refuse(f"Two rules have the id {rule_id!r}: give each its own.", f"rules[{again}].id", told.OTHER_NAME)
    _check_hold(hold, rules)
    _check_counted(rules)
    _check_goals(rules)
    return Deal(
        currency=currency,
        hold=hold,
        ftd_minimum=_amount(terms, "ftd_minimum", currency, _DEAL) if "ftd_minimum" in terms else 0,
        net_revenue=_parse_formula(terms.get("net_revenue", {"spread": "1", "commission": "1"})),
        rules=rules,
        payout_rate=_choice(terms, "payout_rate", RateOf, _DEAL) if "payout_rate" in terms else RateOf.PAY_DATE,
    )


def check_successor(deal: Deal, earlier: Iterable[tuple[int, Deal]]) -> None:
    """Raise `Invalid` when a rule id means another kind of rule, or a goal of another time, than in an earlier version
    (number, deal).

    The id is part of what an amount is owed for: two kinds under one id would be taken for one amount, and so would two
    goals, since a goal with a window of its own outlives its version.
    """
    kinds = {rule.id: rule.kind for rule in deal.rules}
    goals = {rule.id: rule.window for rule in deal.rules if isinstance(rule, Bonus)}
    for number, before in earlier:
        for rule in before.rules:
            kind = kinds.get(rule.id, rule.kind)
            if kind != rule.kind:
                _refuse(
                    f"Rule {rule.id!r} was a {rule.kind} in version {number}: give the {kind} another id.",
                    _place_of(rule.id, deal),
                    told.WAS_ANOTHER_RULE,
                    version=Number(str(number)),
                    rule=Kinds((rule.kind,)),
                )
            if isinstance(rule, Bonus) and rule.id in goals and goals[rule.id] != rule.window:
                when, values = "of each month", dict[str, Value]()
                if rule.window:
                    when = f"from {rule.window.first} until {rule.window.last}"
                    values = {"first": Day(rule.window.first), "last": Day(rule.window.last)}
                _refuse(
                    f"Rule {rule.id!r} was the goal {when} in version {number}: give the other goal another id.",
                    _place_of(rule.id, deal),
                    told.WAS_ANOTHER_GOAL if rule.window else told.WAS_A_MONTHLY_GOAL,
                    version=Number(str(number)),
                    **values,
                )


def _place_of(rule_id: str, deal: Deal) -> str:
    return f"rules[{[rule.id for rule in deal.rules].index(rule_id)}].id"


def begins_with_a_month(deal: Deal, before: Deal | None) -> bool:
    """Whether a version must begin on the first of a month: its rules look at whole months over all clients, and the
    version before did not. (Nothing was written down for them earlier in the month.) A first version need not."""
    if not deal.monthly or before is None:
        return False
    return not (before.monthly and deal.monthly_bases <= before.monthly_bases)


_RULE_ID = re.compile(r"[a-z][a-z0-9_]{0,23}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _parse_hold(data: Mapping[str, Any]) -> Hold:
    where = _Where("The hold", "hold")
    _only(data, {"days", "from"}, where)
    days = _integer(data, "days", where, 0, 365)
    assert days is not None
    return Hold(days, _choice(data, "from", HoldFrom, where) if "from" in data else HoldFrom.MONTH_END)


def _check_hold(hold: Hold, rules: Sequence[Rule]) -> None:
    monthly = [rule for rule in rules if not isinstance(rule, PerClient)]
    if monthly and hold.counts_from is HoldFrom.QUALIFICATION:
        _refuse_hold(
            f"The hold counts from qualification, but rule {monthly[0].id!r} has none: count from month_end.",
            monthly[0],
            rules,
        )
    dayless = [rule for rule in rules if isinstance(rule, Revshare | Bonus | Override)]
    if dayless and hold.counts_from is HoldFrom.EVENT_DAY:
        _refuse_hold(
            f"The hold counts from the event's day, but rule {dayless[0].id!r} is known only at the month's end:"
            " count from month_end.",
            dayless[0],
            rules,
        )


def _refuse_hold(sentence: str, rule: Rule, rules: Sequence[Rule]) -> NoReturn:
    number, kind = Number(str(rules.index(rule) + 1)), Kinds((rule.kind,))
    _refuse(sentence, "hold.from", told.NO_DAY_OF_ITS_OWN, number=number, rule=kind)


def _check_counted(rules: Sequence[Rule]) -> None:
    """Qualified clients can only be counted where a cpa says who qualifies."""
    if any(isinstance(rule, Cpa) for rule in rules):
        return
    for at, rule in enumerate(rules):
        tiers = rule.tiers if isinstance(rule, Revshare | Lot) else None
        if Basis.QFTD in (tiers and tiers.by, isinstance(rule, Bonus) and rule.by):
            _refuse(
                f"Rule {rule.id!r} counts qualified clients, but no cpa of the deal says who qualifies: count ftd.",
                f"rules[{at}].tiers.by" if tiers else f"rules[{at}].by",
                told.NOBODY_QUALIFIES,
            )


def _check_goals(rules: Sequence[Rule]) -> None:
    goals = [(at, rule) for at, rule in enumerate(rules) if isinstance(rule, Bonus)]
    for number, (at, goal) in enumerate(goals):
        for before, other in goals[:number]:
            same = (goal.by, goal.goal) == (other.by, other.goal)
            if same and _meet(goal.window, other.window):
                _refuse(
                    f"Rules {other.id!r} and {goal.id!r} pay for the same goal: keep one.",
                    f"rules[{at}]",
                    told.SAME_GOAL,
                    number=Number(str(before + 1)),
                )


def _meet(one: Window | None, other: Window | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.first <= other.last and other.first <= one.last


def _parse_symbol_groups(terms: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    if "symbol_groups" not in terms:
        return {}
    groups = _mapping(terms, "symbol_groups", _DEAL)
    where = _Where("symbol_groups", "symbol_groups")
    for name in groups:
        if not isinstance(name, str) or not _RULE_ID.fullmatch(name):
            sentence = f"symbol_groups has the name {name!r}: use small letters, digits and _."
            _refuse(sentence, where.at(str(name)), told.A_NAME)
        if not _names(groups, name, where):
            sentence = f"symbol_groups has no symbols for {name!r}: name at least one."
            _refuse(sentence, where.at(name), told.ADD_A_SYMBOL)
    return {name: _names(groups, name, where) for name in groups}


def _parse_rule(data: Any, context: _Context, where: _Where) -> Rule:
    if not isinstance(data, Mapping):
        _refuse("A rule must be an object with a type and an id.", where.place, told.NOT_HERE)
    kind, rule_id = data.get("type"), data.get("id")
    if not isinstance(kind, str) or kind not in _PARSERS:
        known = ", ".join(_PARSERS)
        _refuse(f"A rule has the type {kind!r}: this release knows {known}.", where.at("type"), told.CHOOSE)
    if not isinstance(rule_id, str) or not _RULE_ID.fullmatch(rule_id):
        sentence = f"A {kind} rule has the id {rule_id!r}: use small letters, digits and _."
        _refuse(sentence, where.at("id"), told.A_NAME)
    return _PARSERS[kind](rule_id, data, context, _Where(f"Rule {rule_id!r}", where.place))


def _parse_per_client(
    make: type[Cpa] | type[Cpl], rule_id: str, data: Mapping[str, Any], context: _Context, where: _Where
) -> Rule:
    known = {"type", "id", "amounts", "qualification", "caps", "own", "promotion"}
    _only(data, known | {"tiers"} if make is Cpa else known, where)
    currency = context.currency
    caps, most = _parse_caps(data, currency, where)
    rule = make(
        rule_id,
        _parse_amounts(data, currency, where),
        _parse_qualification(data.get("qualification", {}), currency, where.part("qualification", "The qualification")),
        caps=caps,
        most=most,
        own=_parse_own(data, {"amounts"}, where, lambda own, at: _parse_amounts(own, currency, at)),
        promotion=_parse_promotion(data, {"amounts"}, where, lambda own, at: _parse_amounts(own, currency, at)),
    )
    if "tiers" not in data:
        return rule
    tiers = _parse_tiers(data, ("add", "add_percent"), (Basis.QFTD, Basis.LOTS, Basis.NET_REVENUE), context, where)
    if tiers.mode is Mode.MARGINAL and tiers.by is not Basis.QFTD:
        _refuse(
            f"{where} pays per client, so its tiers can be marginal by qftd alone: say retroactive.",
            where.at("tiers.mode"),
            told.PRICED_BY_CLIENTS,
        )
    return replace(rule, tiers=tiers)


def _parse_amounts(data: Mapping[str, Any], currency: str, where: _Where) -> tuple[CountryAmount, ...]:
    groups = []
    for row, group in _rows(data, "amounts", where):
        _only(group, {"countries", "amount"}, row)
        groups.append(CountryAmount(_countries(group, row), _amount(group, "amount", currency, row)))
    _groups_apart([group.countries for group in groups], "country", where)
    return tuple(groups)


def _parse_caps(data: Mapping[str, Any], currency: str, where: _Where) -> tuple[tuple[Cap, ...], int | None]:
    """The caps on clients, and the cap on a month's sum."""
    caps: list[Cap] = []
    most: int | None = None
    for what, cap in _rows(data, "caps", where, "A cap") if "caps" in data else []:
        _only(cap, {"per", "clients", "amount"}, what)
        per = _choice(cap, "per", Per, what)
        if ("clients" in cap) == ("amount" in cap):
            _refuse(f"{what} needs either clients or an amount.", what.at("clients"), told.CLIENTS_OR_MONEY)
        if "amount" in cap:
            if per is not Per.MONTH:
                sentence = f"{what} cuts an amount per {per}: amounts are cut per month."
                _refuse(sentence, what.at("per"), told.MONEY_BY_THE_MONTH)
            if most is not None:
                sentence = f"{where} has two caps on the month's amount: keep one."
                _refuse(sentence, what.at("amount"), told.KEEP_ONE)
            most = _amount(cap, "amount", currency, what)
            if not most:
                sentence = f"{what} leaves nothing: say more than 0."
                _refuse(sentence, what.at("amount"), told.MORE_THAN_NOTHING)
        else:
            clients = _integer(cap, "clients", what, 1, 1_000_000)
            assert clients is not None
            if any(other.per is per for other in caps):
                _refuse(f"{where} has two caps on clients per {per}: keep one.", what.at("per"), told.KEEP_ONE)
            caps.append(Cap(per, clients))
    return tuple(caps), most


def _parse_qualification(data: Mapping[str, Any], currency: str, where: _Where) -> Qualification:
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
    qualification = Qualification(
        kyc=_boolean(data, "kyc", where),
        min_deposit=_amount(data, "min_deposit", currency, where) if "min_deposit" in data else None,
        within_hours=_integer(data, "within_hours", where, 1, 24 * 90, optional=True),
        min_lots=_decimal(data, "min_lots", LOT, where) if "min_lots" in data else None,
        min_trades=_integer(data, "min_trades", where, 1, 1_000_000, optional=True),
        min_net_revenue=_amount(data, "min_net_revenue", currency, where) if "min_net_revenue" in data else None,
        countries=_countries(data, where),
        within_days=_integer(data, "within_days", where, 1, 365, optional=True),
    )
    if qualification.min_lots is not None and qualification.min_lots <= 0:
        sentence = f"{where} has min_lots {data['min_lots']}: say more than 0."
        _refuse(sentence, where.at("min_lots"), told.MORE_THAN_NOTHING)
    if (qualification.min_deposit is None) != (qualification.within_hours is None):
        missing = "min_deposit" if qualification.min_deposit is None else "within_hours"
        sentence = f"{where} needs min_deposit and within_hours together."
        _refuse(sentence, where.at(missing), told.DEPOSITS_AND_HOURS)
    if qualification.counts_activity and qualification.within_days is None:
        sentence = f"{where} counts trading without an end: say within how many days of registration."
        _refuse(sentence, where.at("within_days"), told.TRADING_ENDS)
    return qualification


def _parse_revshare(rule_id: str, data: Mapping[str, Any], context: _Context, where: _Where) -> Rule:
    known = {"type", "id", "percent", "negative", "cap", "pooled", "fence", "tiers", "own", "promotion"}
    _only(data, known, where)
    negative = _choice(data, "negative", NegativeMonths, where) if "negative" in data else NegativeMonths.RESET
    if (negative is NegativeMonths.CAPPED) != ("cap" in data):
        sentence = f"{where} needs a cap exactly when negative months are capped."
        _refuse(sentence, where.at("cap"), told.LIMIT_OF_WHAT_IS_CARRIED)
    cap = _decimal(data, "cap", COEFFICIENT_ONE, where) if "cap" in data else 0
    if not 0 <= cap <= 100 * COEFFICIENT_ONE:
        sentence = f"{where} has a cap of {data['cap']} average months: say 0 to 100."
        _refuse(sentence, where.at("cap"), told.BETWEEN, least=Number("0"), most=Number("100"))
    pooled = _boolean(data, "pooled", where)
    if not pooled and "fence" in data:
        sentence = f"{where} has a fence without a pool: each client stands alone already."
        _refuse(sentence, where.at("fence"), told.TAKEN_TOGETHER)
    if not pooled and "tiers" in data:
        sentence = f"{where} has tiers, but its clients are not pooled: say pooled."
        _refuse(sentence, where.at("tiers"), told.TAKEN_TOGETHER)
    rule = Revshare(
        rule_id,
        _percent(data, "percent", where),
        negative,
        cap,
        pooled=pooled,
        fence=_amount(data, "fence", context.currency, where) if "fence" in data else None,
        own=_parse_own(data, {"percent"}, where, lambda own, at: _percent(own, "percent", at)),
        promotion=_parse_promotion(data, {"percent"}, where, lambda own, at: _percent(own, "percent", at)),
    )
    if "tiers" not in data:
        return rule
    tiers = _parse_tiers(data, ("percent",), (Basis.NET_REVENUE, Basis.LOTS, Basis.QFTD), context, where)
    if tiers.mode is Mode.MARGINAL and tiers.by is not Basis.NET_REVENUE:
        _refuse(
            f"{where} shares net revenue, so its tiers can be marginal by net_revenue alone: say retroactive.",
            where.at("tiers.mode"),
            told.PRICED_BY_REVENUE,
        )
    if tiers.mode is Mode.MARGINAL and rule.fence is not None:
        sentence = f"{where} has a fence, which has no marginal price for a single client: say retroactive."
        _refuse(sentence, where.at("fence"), told.NOBODY_LEFT_OUT)
    return replace(rule, tiers=tiers)


def _parse_lot(rule_id: str, data: Mapping[str, Any], context: _Context, where: _Where) -> Rule:
    _only(data, {"type", "id", "groups", "min_holding_seconds", "account_types", "tiers", "own", "promotion"}, where)
    holding = _integer(data, "min_holding_seconds", where, 0, 86_400 * 30, optional=True)
    rule = Lot(
        rule_id,
        _parse_groups(data, context, where),
        holding or 0,
        _names(data, "account_types", where),
        own=_parse_own(data, {"groups"}, where, lambda own, at: _parse_groups(own, context, at)),
        promotion=_parse_promotion(data, {"groups"}, where, lambda own, at: _parse_groups(own, context, at)),
    )
    if "tiers" not in data:
        return rule
    tiers = _parse_tiers(data, ("add", "add_percent"), (Basis.LOTS, Basis.QFTD, Basis.NET_REVENUE), context, where)
    if tiers.mode is Mode.MARGINAL and tiers.by is not Basis.LOTS:
        _refuse(
            f"{where} pays per lot, so its tiers can be marginal by lots alone: say retroactive.",
            where.at("tiers.mode"),
            told.PRICED_BY_LOTS,
        )
    for at, band in enumerate(tiers.bands):
        if tiers.mode is Mode.MARGINAL and band.percent:
            sentence = f"{where} has a marginal band with add_percent, but lots have different prices: say add."
            _refuse(sentence, where.at(f"tiers.bands[{at}].add_percent"), told.NO_PERCENT_OF_LOTS)
    return replace(rule, tiers=tiers)


def _parse_groups(data: Mapping[str, Any], context: _Context, where: _Where) -> tuple[SymbolAmount, ...]:
    groups = []
    for row, group in _rows(data, "groups", where):
        _only(group, {"symbols", "group", "amount"}, row)
        if "group" in group and "symbols" in group:
            sentence = f"{where} has a group with symbols and a name: give one of them."
            _refuse(sentence, row.at("group"), told.SYMBOLS_OR_GROUP)
        name = group.get("group")
        if "group" in group and (not isinstance(name, str) or name not in context.symbol_groups):
            names = ", ".join(sorted(context.symbol_groups)) or "none"
            sentence = f"{where} names the symbol group {name!r}, which the deal does not have (it has {names})."
            _refuse(sentence, row.at("group"), told.NO_SUCH_GROUP)
        symbols = context.symbol_groups[name] if name is not None else _names(group, "symbols", row)
        groups.append(SymbolAmount(symbols, _amount(group, "amount", context.currency, row), name))
    _groups_apart([group.symbols for group in groups], "symbol", where, [group.group for group in groups])
    return tuple(groups)


def _parse_bonus(rule_id: str, data: Mapping[str, Any], context: _Context, where: _Where) -> Rule:
    _only(data, {"type", "id", "by", "goal", "amount", "window"}, where)
    by = _choice(data, "by", Basis, where)
    goal = _activity(data, "goal", by, context, where)
    amount = _amount(data, "amount", context.currency, where)
    if not amount:
        _refuse(f"{where} pays nothing: say more than 0.", where.at("amount"), told.MORE_THAN_NOTHING)
    if "window" not in data:
        return Bonus(rule_id, by, goal, amount)
    if by not in (Basis.FTD, Basis.QFTD):
        _refuse(
            f"{where} has a window of its own, which counts ftd or qftd alone: count those, or take it out.",
            where.at("by"),
            told.DAYS_COUNT_CLIENTS,
        )
    what = where.part("window", "The window")
    window = _mapping(data, "window", where)
    _only(window, {"from", "until"}, what)
    return Bonus(rule_id, by, goal, amount, Window(*_days(window, what)))


def _parse_override(rule_id: str, data: Mapping[str, Any], context: _Context, where: _Where) -> Rule:
    _only(data, {"type", "id", "levels"}, where)
    levels: list[Level] = []
    for what, each in _rows(data, "levels", where, "A level"):
        _only(each, {"level", "percent", "amount", "of"}, what)
        depth = _integer(each, "level", what, 1, DEEPEST)
        assert depth is not None
        if any(other.level == depth for other in levels):
            _refuse(f"{where} has two entries for level {depth}: keep one.", what.at("level"), told.KEEP_ONE)
        of = each.get("of")
        if of == QUALIFIED:
            if "percent" in each:
                sentence = f"{what} counts qualified clients: give an amount for each, not a percentage."
                _refuse(sentence, what.at("percent"), told.AMOUNT_FOR_EACH)
            amount = _amount(each, "amount", context.currency, what)
            if not amount:
                _refuse(f"{what} pays nothing: say more than 0.", what.at("amount"), told.MORE_THAN_NOTHING)
            levels.append(Level(depth, of=(QUALIFIED,), amount=amount))
            continue
        if of != NET_REVENUE and (not isinstance(of, list) or not of or not all(kind in KINDS for kind in of)):
            kinds = ", ".join(KINDS)
            sentence = f"{what} is of {of!r}: give a list of {kinds}, or net_revenue alone, or qftd alone."
            _refuse(sentence, what.at("of"), told.OF_WHAT)
        parts = [NET_REVENUE] if of == NET_REVENUE else of
        if "amount" in each:
            sentence = f"{what} is of earnings or revenue: give a percentage, not an amount."
            _refuse(sentence, what.at("amount"), told.PERCENTAGE_OF_MONEY)
        levels.append(Level(depth, _percent(each, "percent", what), tuple(sorted(set(parts)))))
    if not levels:
        _refuse(f"{where} pays nothing: give at least one level.", where.at("levels"), told.ADD_A_LEVEL)
    return Override(rule_id, tuple(sorted(levels, key=lambda level: level.level)))


_PARSERS: dict[str, Callable[[str, Mapping[str, Any], _Context, _Where], Rule]] = {
    "cpa": partial(_parse_per_client, Cpa),
    "cpl": partial(_parse_per_client, Cpl),
    "revshare": _parse_revshare,
    "lot": _parse_lot,
    "bonus": _parse_bonus,
    "override": _parse_override,
}


def _parse_tiers(
    data: Mapping[str, Any], gives: Sequence[str], bases: Sequence[Basis], context: _Context, where: _Where
) -> Tiers:
    """`gives` is what a band may give: percent, or add and add_percent."""
    what = where.part("tiers", "The tiers")
    tiers = _mapping(data, "tiers", where)
    _only(tiers, {"by", "mode", "bands"}, what)
    by = _choice(tiers, "by", Basis, what)
    if by not in bases:
        _refuse(f"{what} go by {by}: say {', '.join(bases)}.", what.at("by"), told.CHOOSE)
    mode = _choice(tiers, "mode", Mode, what)
    bands: list[Band] = []
    for at, each in enumerate(_list(tiers, "bands", what)):
        band = where.part(f"tiers.bands[{at}]", "A band")
        _only(each, {"from", *gives}, band)
        start = _activity(each, "from", by, context, band)
        if bands and start <= bands[-1].start:
            sentence = f"{what} overlap: the band from {each['from']} must begin above the one before it."
            _refuse(sentence, band.at("from"), told.BANDS_RISE)
        given = [name for name in gives if name in each]
        if len(given) != 1:
            sentence = f"{what} have a band from {each['from']} that needs {' or '.join(gives)}."
            _refuse(sentence, band.at(gives[0]), told.MORE_OF_ONE if len(gives) > 1 else told.FILL_IN)
        if given[0] == "add":
            add = _amount(each, "add", context.currency, band)
            if not add:
                sentence = f"{what} have a band from {each['from']} that adds nothing: say more than 0."
                _refuse(sentence, band.at("add"), told.MORE_THAN_NOTHING)
            bands.append(Band(start, add=add))
        else:
            bands.append(Band(start, percent=_percent(each, given[0], band)))
    if not bands:
        _refuse(f"{what} have no bands: give at least one.", what.at("bands"), told.ADD_A_BAND)
    return Tiers(by, mode, tuple(bands))


def _activity(data: Mapping[str, Any], name: str, by: Basis, context: _Context, where: _Where) -> int:
    """A threshold: clients, lots or minor units; more than none of them."""
    if by is Basis.NET_REVENUE:
        value = _amount(data, name, context.currency, where)
    elif by is Basis.LOTS:
        value = _decimal(data, name, LOT, where)
    else:
        value = _decimal(data, name, 1, where)
    if value <= 0:
        _refuse(f"{where} has {name} {data[name]}: say more than 0.", where.at(name), told.MORE_THAN_NOTHING)
    return value


P = TypeVar("P")


def _parse_own(
    data: Mapping[str, Any], price: set[str], where: _Where, read: Callable[[Mapping[str, Any], _Where], P]
) -> P | None:
    """The partner's own price."""
    if "own" not in data:
        return None
    what = where.part("own", "The own price")
    own = _mapping(data, "own", where)
    _only(own, price, what)
    return read(own, what)


def _parse_promotion(
    data: Mapping[str, Any], price: set[str], where: _Where, read: Callable[[Mapping[str, Any], _Where], P]
) -> Promotion[P] | None:
    if "promotion" not in data:
        return None
    what = where.part("promotion", "The promotion")
    promotion = _mapping(data, "promotion", where)
    _only(promotion, price | {"from", "until"}, what)
    return Promotion(*_days(promotion, what), read(promotion, what))


def _days(data: Mapping[str, Any], where: _Where) -> tuple[str, str]:
    """The first and the last UTC day."""
    found = []
    for name in ("from", "until"):
        text = _of_type(data, name, where, str, "a day such as 2026-11-30")
        try:
            found.append(date.fromisoformat(text) if _DAY.fullmatch(text) else None)
        except ValueError:
            found.append(None)
        if found[-1] is None:
            sentence = f"{where} has {name} {text[:40]!r}: say a day such as 2026-11-30."
            _refuse(sentence, where.at(name), told.NO_SUCH_DAY)
    first, last = found
    assert first is not None and last is not None
    if last < first:
        _refuse(f"{where} ends on {last}, before it begins on {first}.", where.at("until"), told.ENDS_FIRST)
    if (last - first).days >= LONGEST_DAYS:
        sentence = f"{where} lasts longer than {LONGEST_DAYS} days: say an earlier end."
        _refuse(sentence, where.at("until"), told.TOO_LONG, num=Count(LONGEST_DAYS))
    return first.isoformat(), last.isoformat()


def _parse_formula(data: Any) -> Formula:
    where = _Where("net_revenue", "net_revenue")
    if not isinstance(data, Mapping) or not data:
        _refuse("net_revenue must name at least one field and its coefficient.", where.place, told.ADD_A_PART)
    for name in data:
        if name not in FORMULA_FIELDS:
            sentence = f"net_revenue uses {name!r}, which no event has: use {', '.join(FORMULA_FIELDS)}."
            _refuse(sentence, where.at(str(name)), told.NO_FIELD)
    return Formula(tuple(sorted((name, _decimal(data, name, COEFFICIENT_ONE, where)) for name in data)))


def _groups_apart(
    groups: Sequence[frozenset[str]], what: str, where: _Where, called: Sequence[str | None] = ()
) -> None:
    """`called`: by which name a group of symbols stands for them."""
    rows, field = ("amounts", "countries") if what == "country" else ("groups", "symbols")
    if not groups:
        _refuse(f"{where} pays nothing: give at least one {what} group.", where.at(rows), told.ADD_A_PRICE)
    others = [at for at, group in enumerate(groups) if not group]
    if len(others) > 1:
        sentence = f"{where} has two amounts for all others: keep one."
        _refuse(sentence, where.at(f"{rows}[{others[1]}].{field}"), told.OTHERS_TWICE)
    seen: set[str] = set()
    for at, group in enumerate(groups):
        for name in sorted(group & seen):
            _refuse(
                f"{where} has the {what} {name} in two groups: keep one.",
                where.at(f"{rows}[{at}].{'group' if called and called[at] else field}"),
                told.IN_TWO_PRICES,
                names=Countries((name,)) if what == "country" else Names((name,)),
            )
        seen |= group


def _only(data: Any, known: set[str], where: _Where) -> None:
    if not isinstance(data, Mapping):
        _refuse(f"{where} must be an object.", where.place, told.NOT_HERE)
    for name in data:
        if name not in known:
            sentence = f"{where} has the unknown field {name!r}: use {', '.join(sorted(known))}."
            _refuse(sentence, where.at(str(name)), told.NO_FIELD)


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def _refuse(sentence: str, place: str, message: str | Plural, **values: Value) -> NoReturn:
    raise told.TermsRefused(sentence, place=place, advice=Sentence(message, values))


def _retold(error: Invalid, place: str, message: str | Plural, **values: Value) -> told.TermsRefused:
    """What others refuse, with its place and what to do there."""
    advice = Sentence(message, values)
    return told.TermsRefused(error.detail, place=place, advice=advice, code=error.code, **error.facts)


def _choice(data: Mapping[str, Any], name: str, kind: type[E], where: _Where) -> E:
    if data.get(name) not in list(kind):
        *others, last = kind
        sentence = f"{where} has {name} {data.get(name)!r}: say {', '.join(others)} or {last}."
        _refuse(sentence, where.at(name), told.CHOOSE)
    return kind(data[name])


def _boolean(data: Mapping[str, Any], name: str, where: _Where) -> bool:
    value = data.get(name, False)
    if not isinstance(value, bool):
        _refuse(f"{where} has a {name} that is neither true nor false.", where.at(name), told.NOT_HERE)
    return value


def _percent(data: Mapping[str, Any], name: str, where: _Where) -> int:
    """A percentage in millionths, more than 0 and at most 100."""
    percent = _decimal(data, name, PERCENT_ONE // 100, where)
    if not 0 < percent <= PERCENT_ONE:
        _refuse(f"{where} pays {data[name]}%: say more than 0 and at most 100.", where.at(name), told.A_PERCENTAGE)
    return percent


def _of_type(data: Mapping[str, Any], name: str, where: _Where, kind: type[T], words: str) -> T:
    value = data.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        message = told.NOT_HERE if name in data else told.FILL_IN
        _refuse(f"{where} needs {name}: {words}.", where.at(name), message)
    return value


def _text(data: Mapping[str, Any], name: str, where: _Where) -> str:
    return _of_type(data, name, where, str, "a text")


def _mapping(data: Mapping[str, Any], name: str, where: _Where) -> Mapping[str, Any]:
    return _of_type(data, name, where, Mapping, "an object")  # type: ignore[type-abstract]


def _list(data: Mapping[str, Any], name: str, where: _Where) -> list[Any]:
    return _of_type(data, name, where, list, "a list")


def _rows(data: Mapping[str, Any], name: str, where: _Where, what: str = "") -> Iterator[tuple[_Where, Any]]:
    """The parts of a list, each with where it stands."""
    for at, each in enumerate(_list(data, name, where)):
        yield where.part(f"{name}[{at}]", what), each


def _integer(
    data: Mapping[str, Any], name: str, where: _Where, least: int, most: int, *, optional: bool = False
) -> int | None:
    if optional and name not in data:
        return None
    value = _of_type(data, name, where, int, "a whole number")
    if not least <= value <= most:
        sentence = f"{where} has {name} {value}: say {least} to {most}."
        _refuse(sentence, where.at(name), told.BETWEEN, least=Number(str(least)), most=Number(str(most)))
    return value


def _amount(data: Mapping[str, Any], name: str, currency: str, where: _Where) -> int:
    text = _of_type(data, name, where, str, 'a decimal string such as "600.00"')
    try:
        amount = minor_units(text, currency)
    except Invalid as error:
        if error.code == "too_many_decimals":
            most = Count(decimals(currency))
            raise _retold(error, where.at(name), told.FEWER_DECIMALS, num=most, currency=Names((currency,))) from None
        raise _retold(error, where.at(name), told.AN_AMOUNT) from None
    if text.startswith("-"):
        _refuse(f"{where} has the negative {name} {data[name]}.", where.at(name), told.NO_MINUS)
    return amount


def _decimal(data: Mapping[str, Any], name: str, one: int, where: _Where) -> int:
    text = _of_type(data, name, where, str, "a decimal string")
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,8})?", text, re.ASCII):
        sentence = f"{where} has {name} {text[:40]!r}: send a plain decimal string."
        _refuse(sentence, where.at(name), told.LIKE, wanted=Names(("12.5",)))
    value = Fraction(text) * one
    if not value and text.startswith("-"):
        _refuse(f"{where} has {name} {text}: leave the sign out.", where.at(name), told.NO_MINUS)
    if value.denominator != 1:
        _refuse(f"{where} has {name} {text}: that is finer than can be kept.", where.at(name), told.TOO_FINE)
    return int(value)


def _names(data: Mapping[str, Any], name: str, where: _Where) -> frozenset[str]:
    values = data.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and 0 < len(value) <= 40 for value in values):
        _refuse(f"{where} needs {name} as a list of texts.", where.at(name), told.NOT_HERE)
    return frozenset(values)


def _countries(data: Mapping[str, Any], where: _Where) -> frozenset[str]:
    names = _names(data, "countries", where)
    for name in sorted(names):
        if not _COUNTRY.fullmatch(name):
            sentence = f"{where} names the country {name!r}: use two capital letters (ISO 3166)."
            _refuse(sentence, where.at("countries"), told.COUNTRIES)
    return names
