"""Deals in words: the terms as sentences, made from the very rules that the engine executes.

A sentence is a message of the catalogues with typed values; whoever shows it translates the message and formats the
values for a reader. Each figure of a deal stands in exactly one sentence, so that changing one changes one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from introducer.domain.deal import (
    Cpl,
    Deal,
    Formula,
    HoldFrom,
    Lot,
    NegativeMonths,
    PerClient,
    Qualification,
    Revshare,
    Rule,
    show_coefficient,
    show_lots,
    show_percent,
)
from introducer.domain.money import Money


class Number(NamedTuple):
    """An exact decimal, as text: percentages, lots, days, coefficients."""

    text: str


class Countries(NamedTuple):
    """ISO 3166 codes, in order."""

    codes: tuple[str, ...]


class Names(NamedTuple):
    """Words of the platform that are not translated: symbols, account types."""

    names: tuple[str, ...]


class Weighted(NamedTuple):
    """A formula: field and coefficient (decimal text), in order."""

    terms: tuple[tuple[str, str], ...]


Value = Money | Number | Countries | Names | Weighted


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message and what stands in its places."""

    message: str
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


def describe(deal: Deal) -> tuple[Clause, ...]:
    """The deal in words, rule by rule, and then what holds for all rules."""
    clauses = [Clause(rule.id, rule.kind, tuple(_rule(rule, deal))) for rule in deal.rules]
    return (*clauses, Clause(None, None, tuple(_general(deal))))


def _rule(rule: Rule, deal: Deal) -> Iterator[Sentence]:
    if isinstance(rule, PerClient):
        yield from _per_client(rule, deal)
    elif isinstance(rule, Revshare):
        yield from _revshare(rule)
    elif isinstance(rule, Lot):
        yield from _lot(rule, deal)


def _per_client(rule: PerClient, deal: Deal) -> Iterator[Sentence]:
    named = any(group.countries for group in rule.amounts)
    for group in rule.amounts:
        amount = Money(group.amount, deal.currency)
        if group.countries:
            message = (
                N_("For each registration from %(countries)s that passes: %(amount)s.")
                if isinstance(rule, Cpl)
                else N_("For each client from %(countries)s who qualifies: %(amount)s.")
            )
            yield Sentence(message, {"countries": Countries(tuple(sorted(group.countries))), "amount": amount})
        elif isinstance(rule, Cpl):
            yield Sentence(
                N_("For each registration from any other country that passes: %(amount)s.")
                if named
                else N_("For each registration that passes: %(amount)s."),
                {"amount": amount},
            )
        else:
            yield Sentence(
                N_("For each client from any other country who qualifies: %(amount)s.")
                if named
                else N_("For each client who qualifies: %(amount)s."),
                {"amount": amount},
            )
    yield from _qualification(rule, deal)


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
        yield Sentence(
            N_("Deposits count up to this many hours after the first one: %(number)s."),
            {"number": Number(str(wanted.within_hours))},
        )
    elif not isinstance(rule, Cpl):
        yield Sentence(N_("The client must make a first deposit that is not charged back."))
    if wanted.min_lots is not None:
        yield Sentence(
            N_("The client must trade at least this many lots: %(number)s."),
            {"number": Number(show_lots(wanted.min_lots))},
        )
    if wanted.min_trades is not None:
        yield Sentence(
            N_("The client must make at least this many trades: %(number)s."),
            {"number": Number(str(wanted.min_trades))},
        )
    if wanted.min_net_revenue is not None:
        yield Sentence(
            N_("The client must bring net revenue of at least %(amount)s."),
            {"amount": Money(wanted.min_net_revenue, deal.currency)},
        )
    if wanted.within_days is not None:
        yield Sentence(
            N_("All of it must happen within this many days of registration: %(number)s."),
            {"number": Number(str(wanted.within_days))},
        )


def _revshare(rule: Revshare) -> Iterator[Sentence]:
    yield Sentence(
        N_("%(number)s %% of each client's net revenue of a month."), {"number": Number(show_percent(rule.percent))}
    )
    if rule.negative is NegativeMonths.RESET:
        yield Sentence(N_("A client's negative month counts as nothing and is forgotten."))
    elif rule.negative is NegativeMonths.CARRY:
        yield Sentence(N_("A client's negative month is set off against the same client's next months."))
    else:
        yield Sentence(
            N_(
                "A client's negative month is set off against the same client's next months, at most up to this many"
                " of its average months: %(number)s."
            ),
            {"number": Number(show_coefficient(rule.cap))},
        )


def _lot(rule: Lot, deal: Deal) -> Iterator[Sentence]:
    named = any(group.symbols for group in rule.groups)
    for group in rule.groups:
        amount = Money(group.amount, deal.currency)
        if group.symbols:
            yield Sentence(
                N_("For each lot of %(names)s: %(amount)s."),
                {"names": Names(tuple(sorted(group.symbols))), "amount": amount},
            )
        else:
            yield Sentence(
                N_("For each lot of any other symbol: %(amount)s.") if named else N_("For each lot: %(amount)s."),
                {"amount": amount},
            )
    if rule.min_holding_seconds:
        yield Sentence(
            N_("A trade counts when it was held for at least this many seconds: %(number)s."),
            {"number": Number(str(rule.min_holding_seconds))},
        )
    if rule.account_types:
        yield Sentence(
            N_("Only accounts of these types count: %(names)s."), {"names": Names(tuple(sorted(rule.account_types)))}
        )


def _general(deal: Deal) -> Iterator[Sentence]:
    if deal.ftd_minimum:
        yield Sentence(
            N_("A first deposit counts as such from %(amount)s on."),
            {"amount": Money(deal.ftd_minimum, deal.currency)},
        )
    yield Sentence(N_("Net revenue is %(formula)s."), {"formula": _formula(deal.net_revenue)})
    yield Sentence(
        {
            HoldFrom.QUALIFICATION: N_("Days from qualification until an earning is available: %(number)s."),
            HoldFrom.MONTH_END: N_(
                "Days until an earning is available, from the month's end (from qualification, where a client is paid"
                " for once): %(number)s."
            ),
            HoldFrom.EVENT_DAY: N_("Days from the event until an earning is available: %(number)s."),
        }[deal.hold.counts_from],
        {"number": Number(str(deal.hold.days))},
    )
    yield Sentence(N_("Each amount is rounded once, per client and month, a half to the even unit."))
    yield Sentence(
        N_("Other currencies are converted at the European Central Bank's last rate published before the event's day.")
    )


def _formula(formula: Formula) -> Weighted:
    return Weighted(tuple((name, show_coefficient(value)) for name, value in formula.coefficients))
