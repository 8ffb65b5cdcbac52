"""Segments: which of a brand's partners are meant, by conditions over what is known of each in a line.

A condition is a field, an operator and a value; a segment asks for all of its conditions, or for any. It is data, read
by `segment_of` and refused with the sentence that is wrong; whether a partner fits is a pure function of the partner's
card and its line of results. Amounts are minor units of one currency; nothing is converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from introducer.domain.configuration import PartnerCard, PartnerKind, Status
from introducer.domain.deal import KINDS
from introducer.domain.errors import Invalid
from introducer.domain.money import decimal_string, decimals, minor_units
from introducer.domain.results import ResultLine

MOST_CONDITIONS = 20
MOST_VALUES = 250
"""Of one condition: all countries of the world."""
LARGEST = 1_000_000_000
LONGEST_NAME = 80


class Match(StrEnum):
    """How many of the conditions must hold."""

    ALL = "all"
    ANY = "any"


class Operator(StrEnum):
    IS = "is"
    """One of the values; of a partner that has several (kinds of deals), one of them is."""
    IS_NOT = "is_not"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Sort(StrEnum):
    """What a field's values are."""

    CHOICE = "choice"
    """One of a fixed list."""
    TEXT = "text"
    """A code or an id."""
    NUMBER = "number"
    """A whole number."""
    AMOUNT = "amount"
    """Money: `1000.00 EUR`."""


class Field(StrEnum):
    """What may be asked of a partner."""

    PARTNER = "partner"
    """Partners by their ids: those that somebody chose one by one."""
    KIND = "kind"
    STATUS = "status"
    COUNTRY = "country"
    LANGUAGE = "language"
    MANAGER = "manager"
    CURRENCY = "currency"
    DEAL_KIND = "deal_kind"
    """A kind of rule in the deal in force."""
    TIER = "tier"
    """How many bands of its tiers this month has reached; no tiers count as 0."""
    FTD_7 = "ftd_7"
    FTD_30 = "ftd_30"
    QFTD_30 = "qftd_30"
    CLICKS_30 = "clicks_30"
    NET_REVENUE_30 = "net_revenue_30"
    DORMANT_DAYS = "dormant_days"
    AGE_DAYS = "age_days"
    """For how many days it has been a partner."""
    TREND = "trend"
    """Percent by which first deposits of the last week are above a week's average of the four before."""

    @property
    def sort(self) -> Sort:
        if self in _CHOICES:
            return Sort.CHOICE
        if self in _TEXTS:
            return Sort.TEXT
        return Sort.AMOUNT if self is Field.NET_REVENUE_30 else Sort.NUMBER

    @property
    def choices(self) -> tuple[str, ...]:
        """What a value may be; empty where the list is not fixed."""
        return _CHOICES.get(self, ())

    @property
    def operators(self) -> tuple[Operator, ...]:
        if self.sort in (Sort.CHOICE, Sort.TEXT):
            return (Operator.IS, Operator.IS_NOT)
        return (Operator.AT_LEAST, Operator.AT_MOST)


_CHOICES: Mapping[Field, tuple[str, ...]] = {
    Field.KIND: tuple(each.value for each in PartnerKind),
    Field.STATUS: tuple(each.value for each in Status),
    Field.DEAL_KIND: KINDS,
}
_TEXTS: Mapping[Field, re.Pattern[str]] = {
    Field.PARTNER: re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII),
    Field.COUNTRY: re.compile(r"[A-Z]{2}", re.ASCII),
    Field.LANGUAGE: re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?", re.ASCII),
    Field.MANAGER: re.compile(r"[A-Za-z0-9_.-]{1,100}|", re.ASCII),  # empty: nobody looks after it
    Field.CURRENCY: re.compile(r"[A-Z]{3}", re.ASCII),
}
_WHOLE = re.compile(r"-?\d{1,10}", re.ASCII)
_AMOUNT = re.compile(r"(-?\d{1,12}(?:\.\d{1,8})?) ?([A-Z]{3})", re.ASCII)


class Condition(NamedTuple):
    """One question about a partner."""

    field: Field
    operator: Operator
    values: tuple[str, ...]
    """Of a number or an amount exactly one, as people write it."""
    least: int = 0
    """The number; an amount in minor units."""
    currency: str = ""
    """Of an amount."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Which partners are meant. Without conditions: all of them. Who is blocked is meant only where the status is asked
    for: nobody writes to them by mistake."""

    match: Match = Match.ALL
    conditions: tuple[Condition, ...] = ()


def segment_of(match: str, conditions: Iterable[Mapping[str, Any]]) -> Segment:
    """The segment that data describe: each condition is `{"field", "operator", "values"}` (or `"value"`, one text).

    Raises `Invalid` with the number of the condition (from 1) in `condition`, and the field in `field`.
    """
    try:
        how = Match(match)
    except ValueError:
        raise Invalid(f"match is all or any, not {match!r:.40}.", code="segment_match") from None
    given = list(conditions)
    if len(given) > MOST_CONDITIONS:
        raise Invalid(f"A segment has at most {MOST_CONDITIONS} conditions.", code="too_many_conditions")
    return Segment(how, tuple(_condition(number, each) for number, each in enumerate(given, 1)))


def data_of(segment: Segment) -> dict[str, Any]:
    """A segment as the data it is read from."""
    return {
        "match": segment.match.value,
        "conditions": [
            {"field": each.field.value, "operator": each.operator.value, "values": list(each.values)}
            for each in segment.conditions
        ],
    }


def check_name(name: str) -> str:
    """What people call a segment or a broadcast. Raises `Invalid`."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(f"Give it a name of 1 to {LONGEST_NAME} characters.", code="name_length")
    return name


def fits(segment: Segment, card: PartnerCard, line: ResultLine | None, today: str) -> bool:
    """Whether a partner is meant on a UTC day. One without a line (registered since the last sweep) has brought
    nothing yet, and what else its line would say is unknown: that is none of the values asked for."""
    asks_for_status = any(each.field is Field.STATUS for each in segment.conditions)
    if card.status is Status.BLOCKED and not asks_for_status:
        return False
    if not segment.conditions:
        return True
    known = line or ResultLine(partner=card.partner, day=today)
    hold = (_holds(each, card, known, today) for each in segment.conditions)
    return all(hold) if segment.match is Match.ALL else any(hold)


def members_of(
    segment: Segment, cards: Iterable[PartnerCard], lines: Iterable[ResultLine], today: str
) -> list[PartnerCard]:
    """The partners that are meant, in the cards' order."""
    known = {line.partner: line for line in lines}
    return [card for card in cards if fits(segment, card, known.get(card.partner), today)]


def _holds(condition: Condition, card: PartnerCard, line: ResultLine, today: str) -> bool:
    if condition.operator in (Operator.IS, Operator.IS_NOT):
        among = any(each in condition.values for each in _texts(condition.field, card, line))
        return among is (condition.operator is Operator.IS)
    number = _number(condition, line, today)
    if number is None:
        return False
    return number >= condition.least if condition.operator is Operator.AT_LEAST else number <= condition.least


def _texts(field: Field, card: PartnerCard, line: ResultLine) -> Sequence[str]:
    match field:
        case Field.PARTNER:
            return (card.partner,)
        case Field.KIND:
            return (card.kind.value,)
        case Field.STATUS:
            return (card.status.value,)
        case Field.COUNTRY:
            return (card.country,)
        case Field.MANAGER:
            return (card.manager or "",)
        case Field.CURRENCY:
            return (card.currency,)
        case Field.LANGUAGE:
            return (line.language,)
        case _:
            return line.deal_kinds


def _number(condition: Condition, line: ResultLine, today: str) -> int | None:
    """What a condition compares; None where nothing can be said."""
    match condition.field:
        case Field.TIER:
            return line.tier.reached if line.tier else 0
        case Field.FTD_7:
            return line.ftd_7
        case Field.FTD_30:
            return line.ftd_30
        case Field.QFTD_30:
            return line.qftd_30
        case Field.CLICKS_30:
            return line.clicks_30
        case Field.NET_REVENUE_30:
            return line.net_revenue_30.get(condition.currency, 0)
        case Field.DORMANT_DAYS:
            return line.dormant_days(today)
        case Field.AGE_DAYS:
            return line.age_days(today)
        case _:
            return line.trend


# ------------------------------------------------------------------------------------------------------------- reading


def _condition(number: int, data: Mapping[str, Any]) -> Condition:
    try:
        field = Field(data.get("field", ""))
    except ValueError:
        known = ", ".join(each.value for each in Field)
        raise _wrong(number, "segment_field", f"there is no such field. There are {known}") from None
    try:
        operator = Operator(data.get("operator", ""))
    except ValueError:
        operator = None
    if operator not in field.operators:
        allowed = " or ".join(each.value for each in field.operators)
        raise _wrong(number, "segment_operator", f"{field} is compared by {allowed}", field)
    assert operator is not None
    values = _values(number, field, data)
    if field.sort is Sort.NUMBER:
        return _number_condition(number, field, operator, values)
    if field.sort is Sort.AMOUNT:
        return _amount_condition(number, field, operator, values)
    for value in values:
        if field.sort is Sort.CHOICE and value not in field.choices:
            raise _wrong(number, "segment_value", f"{field} is one of {', '.join(field.choices)}", field)
        if field.sort is Sort.TEXT and not _TEXTS[field].fullmatch(value):
            raise _wrong(number, "segment_value", f"{value[:40]!r} is no {field}: {_HOW[field]}", field)
    return Condition(field, operator, tuple(dict.fromkeys(values)))


_HOW: Mapping[Field, str] = {
    Field.PARTNER: "write its number",
    Field.COUNTRY: "write two capital letters, such as PL",
    Field.LANGUAGE: "write its code, such as en",
    Field.MANAGER: "name a member of staff",
    Field.CURRENCY: "write three capital letters, such as EUR",
}


def _values(number: int, field: Field, data: Mapping[str, Any]) -> list[str]:
    given = data.get("values", data.get("value"))
    found = given if isinstance(given, (list, tuple)) else [given]
    values = [each.strip() if isinstance(each, str) else each for each in found]
    # A whole number may come as one; a truth value is none.
    texts = [str(each) if type(each) is int else each for each in values]
    if not texts or not all(isinstance(each, str) for each in texts):
        raise _wrong(number, "segment_value", f"{field} needs a value", field)
    if len(texts) > MOST_VALUES:
        raise _wrong(number, "segment_value", f"{field} has at most {MOST_VALUES} values", field)
    return texts


def _number_condition(number: int, field: Field, operator: Operator, values: Sequence[str]) -> Condition:
    if len(values) != 1 or not _WHOLE.fullmatch(values[0]) or abs(int(values[0])) > LARGEST:
        raise _wrong(number, "segment_value", f"{field} is compared with one whole number", field)
    least = int(values[0])
    if least < 0 and field is not Field.TREND:
        raise _wrong(number, "segment_value", f"{field} is never below 0", field)
    return Condition(field, operator, (str(least),), least)


def _amount_condition(number: int, field: Field, operator: Operator, values: Sequence[str]) -> Condition:
    found = _AMOUNT.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        raise _wrong(number, "segment_value", f"{field} is compared with an amount, such as 1000.00 EUR", field)
    try:
        currency = found[2]
        decimals(currency)
        minor = minor_units(found[1], currency)
    except Invalid as error:
        raise _wrong(number, "segment_value", f"{field}: {error.detail.rstrip('.')}", field) from error
    return Condition(field, operator, (f"{decimal_string(minor, currency)} {currency}",), minor, currency)


def _wrong(number: int, code: str, what: str, field: Field | None = None) -> Invalid:
    return Invalid(f"Condition {number}: {what}.", code=code, condition=number, field=field.value if field else "")
