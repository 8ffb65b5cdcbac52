"""A sentence for a reader: translated, with values as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from markupsafe import Markup, escape

from introducer.documents.page import runs_left, upright
from introducer.domain.deal import FORMULA_FIELDS
from introducer.domain.describe import (
    Count,
    Countries,
    Day,
    Kinds,
    Names,
    Number,
    Plural,
    Reached,
    Sentence,
    Value,
    Weighted,
)
from introducer.domain.events import from_milliseconds
from introducer.domain.money import Money
from introducer.locale import MINUS, Language
from introducer.wording.codes import word

Isolate = Callable[[object, str], str]
"""A piece of text that keeps its direction (`ltr`, or `auto`) in a sentence of the other one."""


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact amount of money, as decimal text with all of its decimals."""

    text: str
    currency: str
    signed: bool = False
    """Whether what is above zero says so."""


class Figure(NamedTuple):
    """A number as decimal text; what is no number stays the text it is."""

    text: str


class Month(NamedTuple):
    """A month, 2026-03; what is no month stays the text it is."""

    text: str


class Moment(NamedTuple):
    """Milliseconds since 1970, as text; what is no number stays the text it is."""

    text: str


class Code(NamedTuple):
    """An id or a currency's code: never translated, never mirrored."""

    text: str


class Text(NamedTuple):
    """Words of people, or words that are translated already."""

    text: str


Part = Value | Exact | Figure | Month | Moment | Code | Text
"""What can stand in a place of a message."""


class Said(str):
    """A sentence as plain text, for programs; a page shows its `__html__`, whose values keep their direction."""

    __slots__ = ("_markup",)
    _markup: Markup

    def __new__(cls, text: str, markup: Markup) -> Said:
        said = super().__new__(cls, text)
        said._markup = markup
        return said

    def __html__(self) -> str:
        return self._markup


NOTHING = Said("", Markup(""))


def say(language: Language, sentence: Sentence) -> Said:
    """A deal's sentence, translated and filled in."""
    return fill(language, sentence.message, sentence.values)


def fill(language: Language, message: str | Plural, values: Mapping[str, Part]) -> Said:
    """A message, translated and filled in; a plural one in the form of its count, which stands at `num`."""
    translated = _translated(language, message, values)
    plain = {name: _shown(language, value, _as_text) for name, value in values.items()}
    marked = {name: Markup(_shown(language, value, _as_markup)) for name, value in values.items()}
    return Said(translated % plain, escape(translated) % marked)


def _translated(language: Language, message: str | Plural, values: Mapping[str, Part]) -> str:
    if isinstance(message, str):
        return language.text(message)
    count = values["num"]
    assert isinstance(count, Count), "what a plural message counts is a count"
    return language.messages.ngettext(message.one, message.other, count.number)


def printed(language: Language, message: str, values: Mapping[str, Part]) -> str:
    """A message for paper, translated and filled in: there is no markup, so figures and ids keep their direction by
    marks."""

    def marked(text: object, direction: str) -> str:
        said = str(text)
        return upright(said, language.direction) if direction == "ltr" or not runs_left(said) else said

    return language.text(message) % {name: _shown(language, value, marked) for name, value in values.items()}


def shown(language: Language, part: Part) -> Said:
    """A value by itself."""
    return Said(_shown(language, part, _as_text), Markup(_shown(language, part, _as_markup)))


def joined(*parts: Said) -> Said:
    """Several texts in one line."""
    return Said(" · ".join(parts), Markup(" · ").join(parts))


def figure(language: Language, text: str, *, signed: bool = False) -> str:
    """A decimal text as the language writes it, with all of its decimals; what is no number stays the text it is."""
    try:
        said = language.exact(text)
        return f"+{said}" if signed and Decimal(text) > 0 else said
    except (InvalidOperation, ValueError):
        return text


def _as_text(text: object, direction: str) -> str:
    return str(text)


def _as_markup(text: object, direction: str) -> str:
    return str(Markup('<bdi dir="{}">{}</bdi>').format(direction, text))


def _shown(language: Language, value: Part, isolate: Isolate) -> str:
    match value:
        case Money():
            return isolate(f"{language.amount(value.minor, value.currency)}\N{NO-BREAK SPACE}{value.currency}", "ltr")
        case Exact():
            amount = figure(language, value.text, signed=value.signed)
            return isolate(f"{amount}\N{NO-BREAK SPACE}{value.currency}", "ltr")
        case Number() | Figure():
            return isolate(figure(language, value.text), "ltr")
        case Count():
            return isolate(language.exact(str(value.number)), "ltr")
        case Countries():
            return _listed(language, sorted(language.country(code) for code in value.codes), isolate)
        case Names():
            return _listed(language, value.names, isolate)
        case Kinds():
            return _listed(language, [word(language, "rule", kind) for kind in value.kinds], isolate)
        case Reached():
            figure_said = _shown(language, value.figure, isolate)
            return f"{figure_said} ({isolate(word(language, 'activity', value.by), 'auto')})"
        case Weighted():
            return _formula(language, value, isolate)
        case Code():
            return isolate(value.text, "ltr")
        case Text():
            return isolate(value.text, "auto")
        case _:
            return isolate(_time(language, value), "auto")


def _time(language: Language, value: Day | Month | Moment) -> str:
    try:
        match value:
            case Day():
                return language.day(date.fromisoformat(value.text))
            case Month():
                return language.month(value.text)
            case Moment():
                return language.moment(from_milliseconds(int(value.text)))
    except (ValueError, OverflowError):
        return value.text


def _listed(language: Language, names: Iterable[str], isolate: Isolate) -> str:
    return language.listed([isolate(name, "auto") for name in names])


def _formula(language: Language, formula: Weighted, isolate: Isolate) -> str:
    """spread + commission − 0.5 × client's result."""
    weights = {name: Decimal(weight) for name, weight in formula.terms if Decimal(weight)}
    said = ""
    for name in sorted(weights, key=FORMULA_FIELDS.index):
        weight, field = weights[name], isolate(word(language, "field", name), "auto")
        sign = MINUS if weight < 0 else "" if not said else "+"
        times = "" if abs(weight) == 1 else language.exact(str(abs(weight)))
        if said:
            said += f" {sign} "
        elif sign and times:
            times = sign + times
        elif sign:
            said = isolate(sign, "ltr")
        said += f"{isolate(times, 'ltr')} × {field}" if times else field
    return said or isolate("0", "ltr")
