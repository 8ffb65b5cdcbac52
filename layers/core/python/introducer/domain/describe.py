"""Deals in words: the terms as sentences, made from the very rules that the engine executes.

A sentence is a message of the catalogues with typed values; whoever shows it translates the message and formats the
values for a reader. One that counts whole things (trades, days, clients) is a `Plural`, whose form each language picks.
Each figure of a deal stands in exactly one sentence, so that changing one changes one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from introducer.domain.deal import (
    NET_REVENUE,
    QUALIFIED,
    Band,
    Basis,
    Bonus,
    CountryAmount,
    Cpa,
    Cpl,
    Deal,
    Formula,
    Hold,
    HoldFrom,
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
    Whose,
    show_coefficient,
    show_lots,
    show_percent,
)
from introducer.domain.money import Money


class Number(NamedTuple):
    """An exact decimal, as text: percentages, parts of lots, levels, coefficients."""

    text: str


class Count(NamedTuple):
    """How many whole things there are; it stands at `num` of a `Plural`, and picks its form."""

    number: int


class Countries(NamedTuple):
    """ISO 3166 codes, in order."""

    codes: tuple[str, ...]


class Names(NamedTuple):
    """Words of the platform that are not translated: symbols, account types."""

    names: tuple[str, ...]


class Weighted(NamedTuple):
    """A formula: field and coefficient (decimal text), in order."""

    terms: tuple[tuple[str, str], ...]


class Day(NamedTuple):
    """A UTC day, 2026-11-30."""

    text: str


class Reached(NamedTuple):
    """How much of an activity (a `Basis`, or `PAID_CLIENTS`) must be reached."""

    by: str
    figure: Money | Number


PAID_CLIENTS = "paid_clients"
"""What tiers by qualified clients count where the rule itself pays them: those that a cap leaves a place."""


class Kinds(NamedTuple):
    """Kinds of rules, in order."""

    kinds: tuple[str, ...]


Value = Money | Number | Count | Countries | Names | Weighted | Day | Reached | Kinds


class Plural(NamedTuple):
    """A message that counts: what English says of one, and of any other number. Where it is written with its texts, the
    catalogues find it."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message and what stands in its places. A `Plural` has a `Count` at `num`."""

    message: str | Plural
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clause:
    """What a deal says under one heading: a rule, or what holds for all of them."""

    rule: str | None
    kind: str | None
    sentences: tuple[Sentence, ...]


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


def counted(message: Plural, number: int) -> Sentence:
    """A sentence about so many."""
    return Sentence(message, {"num": Count(number)})


def describe(deal: Deal) -> tuple[Clause, ...]:
    """The deal in words, rule by rule, and then what holds for all rules."""
    clauses = [Clause(rule.id, rule.kind, tuple(_rule(rule, deal))) for rule in deal.rules]
    return (*clauses, Clause(None, None, tuple(_general(deal))))


def _rule(rule: Rule, deal: Deal) -> Iterator[Sentence]:
    if isinstance(rule, PerClient):
        yield from _per_client(rule, deal)
    elif isinstance(rule, Revshare):
        yield from _revshare(rule, deal)
    elif isinstance(rule, Lot):
        yield from _lot(rule, deal)
    elif isinstance(rule, Bonus):
        yield from _bonus(rule, deal)
    else:
        yield from _override(rule, deal)


# ------------------------------------------------------------------------------------------------- once per client


def _per_client(rule: PerClient, deal: Deal) -> Iterator[Sentence]:
    if rule.own is None:
        yield from _country_amounts(rule, rule.amounts, Whose.PROGRAM, deal)
    else:
        yield _OWN_HOLDS
        yield from _country_amounts(rule, rule.own, Whose.OWN, deal)
        yield from _replaced_country_amounts(rule.amounts, deal)
    yield from _qualification(rule, deal)
    yield from _caps(rule, deal)
    if rule.tiers is not None:
        yield from _tiers(rule, rule.tiers, deal)
    if rule.promotion is not None:
        yield from _promotion_days(
            N_("The promotion holds for clients who register from %(first)s to %(last)s, both days included."),
            rule.promotion,
        )
        yield from _country_amounts(rule, rule.promotion.price, Whose.PROMOTION, deal)
        yield from _past_tiers(rule)


_NAMED, _OTHERS, _ALL = "named", "others", "all"
"""Whether an amount is for some countries or symbols, for all others, or for all."""


def _country_amounts(
    rule: PerClient, groups: tuple[CountryAmount, ...], whose: Whose, deal: Deal
) -> Iterator[Sentence]:
    by_program = {
        (True, _NAMED): N_("For each registration from %(countries)s that passes: %(amount)s."),
        (True, _OTHERS): N_("For each registration from any other country that passes: %(amount)s."),
        (True, _ALL): N_("For each registration that passes: %(amount)s."),
        (False, _NAMED): N_("For each client from %(countries)s who qualifies: %(amount)s."),
        (False, _OTHERS): N_("For each client from any other country who qualifies: %(amount)s."),
        (False, _ALL): N_("For each client who qualifies: %(amount)s."),
    }
    by_promotion = {
        (True, _NAMED): N_("In the promotion, for each registration from %(countries)s that passes: %(amount)s."),
        (True, _OTHERS): N_("In the promotion, for each registration from any other country that passes: %(amount)s."),
        (True, _ALL): N_("In the promotion, for each registration that passes: %(amount)s."),
        (False, _NAMED): N_("In the promotion, for each client from %(countries)s who qualifies: %(amount)s."),
        (False, _OTHERS): N_("In the promotion, for each client from any other country who qualifies: %(amount)s."),
        (False, _ALL): N_("In the promotion, for each client who qualifies: %(amount)s."),
    }
    messages = by_promotion if whose is Whose.PROMOTION else by_program
    for which, values in _by_country(groups, deal):
        yield Sentence(messages[isinstance(rule, Cpl), which], values)


def _replaced_country_amounts(groups: tuple[CountryAmount, ...], deal: Deal) -> Iterator[Sentence]:
    messages = {
        _NAMED: N_("The program's price for %(countries)s, which does not hold here: %(amount)s."),
        _OTHERS: N_("The program's price for any other country, which does not hold here: %(amount)s."),
        _ALL: N_("The program's price, which does not hold here: %(amount)s."),
    }
    for which, values in _by_country(groups, deal):
        yield Sentence(messages[which], values)


def _by_country(groups: tuple[CountryAmount, ...], deal: Deal) -> Iterator[tuple[str, dict[str, Value]]]:
    named = any(group.countries for group in groups)
    for group in groups:
        values: dict[str, Value] = {"amount": Money(group.amount, deal.currency)}
        if group.countries:
            yield _NAMED, {"countries": Countries(tuple(sorted(group.countries)))} | values
        else:
            yield _OTHERS if named else _ALL, values


def _qualification(rule: PerClient, deal: Deal) -> Iterator[Sentence]:
    wanted: Qualification = rule.qualification
    if wanted.countries:
        yield Sentence(
            N_("The client must be from %(countries)s."), {"countries": Countries(tuple(sorted(wanted.countries)))}
        )
    if wanted.kyc:
        yield Sentence(N_("The client's identity must be confirmed."))
    if wanted.min_deposit is not None:
        yield Sentence(
            N_("The client must deposit at least %(amount)s, less what is charged back."),
            {"amount": Money(wanted.min_deposit, deal.currency)},
        )
        assert wanted.within_hours is not None, "terms that ask for a deposit say within how many hours"
        yield counted(
            Plural(
                "Deposits count up to %(num)s hour after the first one.",
                "Deposits count up to %(num)s hours after the first one.",
            ),
            wanted.within_hours,
        )
    elif not isinstance(rule, Cpl):
        yield Sentence(N_("The client must make a first deposit that is not charged back."))
    if wanted.min_lots is not None:
        yield _whole_or_part(
            show_lots(wanted.min_lots),
            Plural("The client must trade at least %(num)s lot.", "The client must trade at least %(num)s lots."),
            N_("The client must trade at least this many lots: %(number)s."),
        )
    if wanted.min_trades is not None:
        yield counted(
            Plural("The client must make at least %(num)s trade.", "The client must make at least %(num)s trades."),
            wanted.min_trades,
        )
    if wanted.min_net_revenue is not None:
        yield Sentence(
            N_("The client must bring net revenue of at least %(amount)s."),
            {"amount": Money(wanted.min_net_revenue, deal.currency)},
        )
    if wanted.within_days is not None:
        yield counted(
            Plural(
                "All of it must happen within %(num)s day of registration.",
                "All of it must happen within %(num)s days of registration.",
            ),
            wanted.within_days,
        )


def _caps(rule: PerClient, deal: Deal) -> Iterator[Sentence]:
    messages = {
        Per.DAY: Plural("At most %(num)s client is paid for per day.", "At most %(num)s clients are paid for per day."),
        Per.MONTH: Plural(
            "At most %(num)s client is paid for per month.", "At most %(num)s clients are paid for per month."
        ),
        Per.TOTAL: Plural("At most %(num)s client is paid for in all.", "At most %(num)s clients are paid for in all."),
    }
    for cap in rule.caps:
        yield counted(messages[cap.per], cap.clients)
    if rule.caps:
        yield Sentence(N_("The places go to clients in the order of the moments at which they qualify."))
    if rule.most is not None:
        yield Sentence(
            N_("A month's sum over all clients is cut at %(amount)s."), {"amount": Money(rule.most, deal.currency)}
        )
        if rule.tiers is not None and rule.own is None:
            yield Sentence(N_("What the tiers give is part of the sum that is cut."))


# ------------------------------------------------------------------------------------------------ a share of revenue


def _revshare(rule: Revshare, deal: Deal) -> Iterator[Sentence]:
    base = {"number": Number(show_percent(rule.base))}
    if rule.own is not None:
        yield _OWN_HOLDS
    if not rule.pooled:
        yield Sentence(N_("%(number)s%% of each client's net revenue of a month."), base)
    else:
        if rule.steps is None:
            yield Sentence(N_("%(number)s%% of the month's net revenue of all clients together."), base)
        elif rule.steps.mode is Mode.MARGINAL:
            yield Sentence(
                N_("%(number)s%% of the part of the month's net revenue of all clients that lies below the tiers."),
                base,
            )
        else:
            yield Sentence(
                N_("%(number)s%% of the month's net revenue of all clients together, when no tier is reached."), base
            )
        yield Sentence(N_("One client's loss lowers what is earned for the others."))
    if rule.own is not None:
        yield Sentence(
            N_("The program's rate, which does not hold here: %(number)s%%."),
            {"number": Number(show_percent(rule.percent))},
        )
    yield from _negative_months(rule)
    if rule.fence is not None:
        yield from _fence(rule, Money(rule.fence, deal.currency))
    if rule.tiers is not None:
        yield from _tiers(rule, rule.tiers, deal)
    if rule.promotion is not None:
        yield from _promotion_days(_TRADES_PROMOTED, rule.promotion)
        yield Sentence(
            N_("In the promotion, %(number)s%% of net revenue."),
            {"number": Number(show_percent(rule.promotion.price))},
        )
        yield from _past_tiers(rule)


def _negative_months(rule: Revshare) -> Iterator[Sentence]:
    if rule.negative is NegativeMonths.RESET:
        yield Sentence(
            N_("A negative month of the pool counts as nothing and is forgotten.")
            if rule.pooled
            else N_("A client's negative month counts as nothing and is forgotten.")
        )
    elif rule.negative is NegativeMonths.CARRY:
        yield Sentence(
            N_("A negative month of the pool is set off against the pool's next months.")
            if rule.pooled
            else N_("A client's negative month is set off against the same client's next months.")
        )
    else:
        yield _capped_loss(rule)
        yield Sentence(
            N_(
                "The average is of the twelve months before, or of those since the first one with revenue; a negative"
                " month counts as zero."
            )
        )


def _capped_loss(rule: Revshare) -> Sentence:
    cap = show_coefficient(rule.cap)
    if rule.pooled:
        return _whole_or_part(
            cap,
            Plural(
                "A negative month of the pool is set off against the pool's next months, at most the amount of %(num)s"
                " average month.",
                "A negative month of the pool is set off against the pool's next months, at most the amount of %(num)s"
                " average months.",
            ),
            N_(
                "A negative month of the pool is set off against the pool's next months, at most up to this many of its"
                " average months: %(number)s."
            ),
        )
    return _whole_or_part(
        cap,
        Plural(
            "A client's negative month is set off against the same client's next months, at most the amount of %(num)s"
            " average month.",
            "A client's negative month is set off against the same client's next months, at most the amount of %(num)s"
            " average months.",
        ),
        N_(
            "A client's negative month is set off against the same client's next months, at most up to this many"
            " of its average months: %(number)s."
        ),
    )


def _whole_or_part(decimal: str, whole: Plural, part: str) -> Sentence:
    """A decimal in words: languages have forms for whole numbers, and half a lot stands apart from what it is of."""
    return counted(whole, int(decimal)) if decimal.isdigit() else Sentence(part, {"number": Number(decimal)})


def _fence(rule: Revshare, fence: Money) -> Iterator[Sentence]:
    yield Sentence(
        N_("A client whose net revenue of a month is more than %(amount)s below zero is left out of the pool."),
        {"amount": fence},
    )
    if rule.negative is NegativeMonths.RESET:
        yield Sentence(N_("The loss of a client who was left out is forgotten."))
    else:
        yield Sentence(
            N_(
                "The whole loss of a client who was left out is set off against what the same client brings later; only"
                " the rest of that is pooled."
            )
        )


# ------------------------------------------------------------------------------------------------------ cash per lot


def _lot(rule: Lot, deal: Deal) -> Iterator[Sentence]:
    prices = {
        _NAMED: N_("For each lot of %(names)s: %(amount)s."),
        _GROUP: N_("For each lot of %(group)s (%(names)s): %(amount)s."),
        _OTHERS: N_("For each lot of any other symbol: %(amount)s."),
        _ALL: N_("For each lot: %(amount)s."),
    }
    if rule.own is None:
        yield from _symbol_amounts(rule.groups, prices, deal)
    else:
        yield _OWN_HOLDS
        yield from _symbol_amounts(rule.own, prices, deal)
        replaced = {
            _NAMED: N_("The program's price for each lot of %(names)s, which does not hold here: %(amount)s."),
            _GROUP: N_(
                "The program's price for each lot of %(group)s (%(names)s), which does not hold here: %(amount)s."
            ),
            _OTHERS: N_("The program's price for each lot of any other symbol, which does not hold here: %(amount)s."),
            _ALL: N_("The program's price for each lot, which does not hold here: %(amount)s."),
        }
        yield from _symbol_amounts(rule.groups, replaced, deal)
    if rule.min_holding_seconds:
        yield counted(
            Plural(
                "A trade counts when it was held for at least %(num)s second.",
                "A trade counts when it was held for at least %(num)s seconds.",
            ),
            rule.min_holding_seconds,
        )
    if rule.account_types:
        yield Sentence(
            N_("Only accounts of these types count: %(names)s."), {"names": Names(tuple(sorted(rule.account_types)))}
        )
    if rule.tiers is not None:
        yield from _tiers(rule, rule.tiers, deal)
    if rule.promotion is not None:
        promoted = {
            _NAMED: N_("In the promotion, for each lot of %(names)s: %(amount)s."),
            _GROUP: N_("In the promotion, for each lot of %(group)s (%(names)s): %(amount)s."),
            _OTHERS: N_("In the promotion, for each lot of any other symbol: %(amount)s."),
            _ALL: N_("In the promotion, for each lot: %(amount)s."),
        }
        yield from _promotion_days(_TRADES_PROMOTED, rule.promotion)
        yield from _symbol_amounts(rule.promotion.price, promoted, deal)
        yield from _past_tiers(rule)


_GROUP = "group"
"""An amount is for a list of symbols that has a name."""


def _symbol_amounts(groups: tuple[SymbolAmount, ...], messages: Mapping[str, str], deal: Deal) -> Iterator[Sentence]:
    named = any(group.symbols for group in groups)
    for group in groups:
        values: dict[str, Value] = {"amount": Money(group.amount, deal.currency)}
        if not group.symbols:
            yield Sentence(messages[_OTHERS if named else _ALL], values)
            continue
        values["names"] = Names(tuple(sorted(group.symbols)))
        if group.group is not None:
            values["group"] = Names((group.group,))
        yield Sentence(messages[_NAMED if group.group is None else _GROUP], values)


# ------------------------------------------------------------------------------------------------- goals, and below


def _bonus(rule: Bonus, deal: Deal) -> Iterator[Sentence]:
    values: dict[str, Value] = {
        "amount": Money(rule.amount, deal.currency),
        "reached": _reached(rule.by, rule.goal, deal),
    }
    if rule.window is None:
        yield Sentence(N_("For each month that reaches %(reached)s: %(amount)s."), values)
        yield Sentence(N_("The terms in force when the month begins decide."))
    else:
        days: dict[str, Value] = {"first": Day(rule.window.first), "last": Day(rule.window.last)}
        yield Sentence(
            N_("When %(reached)s is reached from %(first)s to %(last)s, both days included: %(amount)s, once."),
            values | days,
        )
        yield Sentence(N_("It is earned for the month in which the goal is reached."))
        yield Sentence(N_("The terms in force when the first of these days begins decide; later terms do not end it."))
    yield Sentence(N_("It is taken back when the goal is undone, as by a chargeback or a cancelled trade."))


def _override(rule: Override, deal: Deal) -> Iterator[Sentence]:
    for level in rule.levels:
        values: dict[str, Value] = {"level": Number(str(level.level))}
        if level.of == (QUALIFIED,):
            yield Sentence(
                N_("Level %(level)s: %(amount)s for each qualified client of the partners there."),
                values | {"amount": Money(level.amount, deal.currency)},
            )
            continue
        values["number"] = Number(show_percent(level.percent))
        if level.of == (NET_REVENUE,):
            yield Sentence(
                N_(
                    "Level %(level)s: %(number)s%% of the net revenue of each partner there; a negative month counts"
                    " as nothing."
                ),
                values,
            )
        else:
            yield Sentence(
                N_("Level %(level)s: %(number)s%% of what the partners there earn by %(kinds)s."),
                values | {"kinds": Kinds(level.of)},
            )
    yield Sentence(N_("Level 1 is the partners directly below, level 2 those below them, and so on."))
    yield Sentence(N_("Who stands below whom when the month begins decides, and so do the terms then in force."))
    yield Sentence(N_("Their amounts in other currencies are converted at the rate of the month's first day."))


# -------------------------------------------------------------------------------------- prices, promotions and tiers

_OWN_HOLDS = Sentence(N_("A price of this partner's own holds, in place of the program's."))
_TRADES_PROMOTED = N_("The promotion holds for trades from %(first)s to %(last)s, both days included.")


def _promotion_days(message: str, promotion: Promotion[Any]) -> Iterator[Sentence]:
    yield Sentence(message, {"first": Day(promotion.first), "last": Day(promotion.last)})


def _past_tiers(rule: PerClient | Revshare | Lot) -> Iterator[Sentence]:
    if rule.tiers is not None and rule.own is None:
        yield Sentence(N_("What the promotion prices gets nothing from the tiers, and still counts towards them."))


def _tiers(rule: PerClient | Revshare | Lot, tiers: Tiers, deal: Deal) -> Iterator[Sentence]:
    """How the tiers go, and a sentence for each band. Beside a price of the partner's own they give nothing: then each
    band says what it would be."""
    if rule.own is not None:
        yield Sentence(N_("The program's tiers give nothing here: the partner's own price goes before them."))
    else:
        yield Sentence(_how_tiers_go(rule, tiers))
    for band in tiers.bands:
        yield _band(rule, tiers, band, deal)


def _band(rule: PerClient | Revshare | Lot, tiers: Tiers, band: Band, deal: Deal) -> Sentence:
    holds = rule.own is None
    reached = _reached(tiers.by, band.start, deal)
    if isinstance(rule, PerClient) and tiers.by is Basis.QFTD:
        reached = reached._replace(by=PAID_CLIENTS)
    values: dict[str, Value] = {"reached": reached}
    if band.add:
        values["amount"] = Money(band.add, deal.currency)
        if isinstance(rule, Lot):
            more = N_("From %(reached)s on: %(amount)s more for each lot.")
            idle = N_("Without the own price, from %(reached)s on: %(amount)s more for each lot.")
        else:
            more = N_("From %(reached)s on: %(amount)s more for each client.")
            idle = N_("Without the own price, from %(reached)s on: %(amount)s more for each client.")
        return Sentence(more if holds else idle, values)
    values["number"] = Number(show_percent(band.percent))
    if isinstance(rule, Revshare):
        share = N_("From %(reached)s on: %(number)s%% of net revenue.")
        idle = N_("Without the own price, from %(reached)s on: %(number)s%% of net revenue.")
        return Sentence(share if holds else idle, values)
    if isinstance(rule, Lot):
        more = N_("From %(reached)s on: %(number)s%% more for each lot.")
        idle = N_("Without the own price, from %(reached)s on: %(number)s%% more for each lot.")
    else:
        more = N_("From %(reached)s on: %(number)s%% more for each client.")
        idle = N_("Without the own price, from %(reached)s on: %(number)s%% more for each client.")
    return Sentence(more if holds else idle, values)


def _how_tiers_go(rule: PerClient | Revshare | Lot, tiers: Tiers) -> str:
    marginal = tiers.mode is Mode.MARGINAL
    if isinstance(rule, Revshare):
        if marginal:
            return N_(
                "Each part of the month's net revenue of all clients earns at the rate of the tier that it lies in; a"
                " sum below zero counts at the rate below the tiers."
            )
        return {
            Basis.NET_REVENUE: N_("The tier that the month's net revenue of all clients reaches holds for all of it."),
            Basis.LOTS: N_("The tier that all lots of the month reach holds for all of the month's net revenue."),
            Basis.QFTD: N_("The tier that the month's qualified clients reach holds for all of its net revenue."),
        }[tiers.by]
    if isinstance(rule, Lot):
        if marginal:
            return N_("Each lot that this rule pays for goes by the tier that it lies in, counted over the month.")
        return {
            Basis.LOTS: N_("The tier that the lots paid for by this rule reach in the month holds for all of them."),
            Basis.QFTD: N_("The tier that the month's qualified clients reach holds for all of its lots."),
            Basis.NET_REVENUE: N_("The tier that the month's net revenue reaches holds for all of its lots."),
        }[tiers.by]
    if marginal:
        return N_(
            "Each client goes by the tier of its place among the clients that this rule pays for in the month, in the"
            " order of the moments at which they qualify."
        )
    return {
        Basis.QFTD: N_("The tier that the clients paid for by this rule reach in the month holds for all of them."),
        Basis.LOTS: N_("The tier that all lots of the month reach holds for all of the month's clients."),
        Basis.NET_REVENUE: N_("The tier that the month's net revenue reaches holds for all of its clients."),
    }[tiers.by]


def _reached(by: Basis, figure: int, deal: Deal) -> Reached:
    if by is Basis.NET_REVENUE:
        return Reached(by.value, Money(figure, deal.currency))
    return Reached(by.value, Number(show_lots(figure) if by is Basis.LOTS else str(figure)))


# ----------------------------------------------------------------------------------------------- what holds for all


def _general(deal: Deal) -> Iterator[Sentence]:
    if deal.ftd_minimum:
        yield Sentence(
            N_("A first deposit counts as such from %(amount)s on."),
            {"amount": Money(deal.ftd_minimum, deal.currency)},
        )
    yield Sentence(N_("Net revenue is %(formula)s."), {"formula": _formula(deal.net_revenue)})
    yield from _counted(deal)
    yield _held(deal.hold)
    together = any(map(_reckoned_together, deal.rules))
    if together:
        yield Sentence(
            N_("What is reckoned over all clients together counts these days from the month's end.")
            if deal.hold.days
            else N_("What is reckoned over all clients together is available on the month's last day.")
        )
    if deal.overrides:
        yield Sentence(
            N_("What partners below bring counts these days from the month's end.")
            if deal.hold.days
            else N_("What partners below bring is available on the month's last day.")
        )
    if deal.hold.counts_from is HoldFrom.EVENT_DAY:
        yield Sentence(N_("Each amount is rounded once, per client and day, a half to the even unit."))
    else:
        yield Sentence(N_("Each amount is rounded once, per client and month, a half to the even unit."))
    if together:
        yield Sentence(
            N_("What is reckoned over all clients together is rounded once per month, for all of them together.")
        )
    if deal.overrides:
        yield Sentence(N_("What partners below bring is rounded once per month, for each partner below by itself."))
    yield Sentence(
        N_("Other currencies are converted at the European Central Bank's last rate published before the event's day.")
    )
    yield Sentence(
        {
            RateOf.PAY_DATE: N_(
                "A payout in another currency is converted at the European Central Bank's last rate published before"
                " its day."
            ),
            RateOf.EARN_DATE: N_(
                "A payout in another currency is converted, month by month, at the European Central Bank's last rate"
                " published by the end of the month in which it was earned; where that month has not ended, before"
                " the payout's day."
            ),
        }[deal.payout_rate]
    )


def _held(hold: Hold) -> Sentence:
    """When an earning is available. Nobody counts no days: people say on which day, or from which moment on."""
    if not hold.days:
        return Sentence(
            {
                HoldFrom.QUALIFICATION: N_("An earning is available as soon as the client qualifies."),
                HoldFrom.MONTH_END: N_(
                    "An earning is available on the month's last day (as soon as the client qualifies, where a client"
                    " is paid for once)."
                ),
                HoldFrom.EVENT_DAY: N_("An earning is available on the day of the event itself."),
            }[hold.counts_from]
        )
    return counted(
        {
            HoldFrom.QUALIFICATION: Plural(
                "An earning is available %(num)s day after qualification.",
                "An earning is available %(num)s days after qualification.",
            ),
            HoldFrom.MONTH_END: Plural(
                "An earning is available %(num)s day after the month's end (after qualification, where a client is paid"
                " for once).",
                "An earning is available %(num)s days after the month's end (after qualification, where a client is"
                " paid for once).",
            ),
            HoldFrom.EVENT_DAY: Plural(
                "An earning is available %(num)s day after the event.",
                "An earning is available %(num)s days after the event.",
            ),
        }[hold.counts_from],
        hold.days,
    )


def _counted(deal: Deal) -> Iterator[Sentence]:
    """What tiers and goals count, where the word alone does not say it."""
    if Basis.FTD in deal.bases:
        yield Sentence(
            N_("First deposits are counted by clients who registered under a deal of this partner, each once.")
        )
    if any(_counts_qualified(rule) for rule in deal.rules):
        yield Sentence(
            N_("Qualified clients are counted when they first qualify for a CPA, whether or not a cap leaves a place.")
        )


def _counts_qualified(rule: Rule) -> bool:
    """Whether a goal or tiers count all who qualify; a cpa's own tiers count those that it pays."""
    if isinstance(rule, Bonus):
        return rule.by is Basis.QFTD
    return isinstance(rule, Revshare | Lot) and rule.tiers is not None and rule.tiers.by is Basis.QFTD


def _reckoned_together(rule: Rule) -> bool:
    """Whether one amount is owed for all clients of a month."""
    if isinstance(rule, PerClient):
        return rule.most is not None or (isinstance(rule, Cpa) and rule.tiers is not None and rule.own is None)
    return rule.shared and not isinstance(rule, Override)


def _formula(formula: Formula) -> Weighted:
    return Weighted(tuple((name, show_coefficient(value)) for name, value in formula.coefficients))
