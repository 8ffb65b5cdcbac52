"""A deal's sentences for a reader: translated, with values as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape
from words import word

from introducer.domain.deal import FORMULA_FIELDS
from introducer.domain.describe import Countries, Names, Number, Sentence, Value, Weighted
from introducer.domain.money import Money
from introducer.locale import MINUS, Language
from introducer.services.read_deal_of_partner import MarkedClause, VersionOfDeal

Isolate = Callable[[object, str], str]
"""A piece of text that keeps its direction (`ltr`, or `auto`) in a sentence of the other one."""


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


def say(language: Language, sentence: Sentence) -> Said:
    """The sentence, translated and filled in."""
    message = language.text(sentence.message)
    plain = {name: _shown(language, value, _as_text) for name, value in sentence.values.items()}
    marked = {name: Markup(_shown(language, value, _as_markup)) for name, value in sentence.values.items()}
    return Said(message % plain, escape(message) % marked)


def told(language: Language, version: VersionOfDeal) -> dict[str, Any]:
    """A version as its page and a program get it."""
    return {
        "version": version.version,
        "phase": version.phase,
        "begins": version.begins,
        "ends": version.ends,
        "accepted_at": version.accepted_at,
        "terms_hash": version.terms_hash,
        "compared_with": version.compared_with,
        "clauses": [_clause(language, clause) for clause in version.clauses],
        "terms": version.terms,
    }


def _clause(language: Language, clause: MarkedClause) -> dict[str, Any]:
    return {
        "rule": clause.rule,
        "kind": clause.kind,
        "mark": clause.mark,
        "sentences": [{"mark": each.mark, "text": say(language, each.sentence)} for each in clause.sentences],
    }


def _as_text(text: object, direction: str) -> str:
    return str(text)


def _as_markup(text: object, direction: str) -> str:
    return str(Markup('<bdi dir="{}">{}</bdi>').format(direction, text))


def _shown(language: Language, value: Value, isolate: Isolate) -> str:
    if isinstance(value, Money):
        return isolate(f"{language.amount(value.minor, value.currency)}\N{NO-BREAK SPACE}{value.currency}", "ltr")
    if isinstance(value, Number):
        return isolate(language.exact(value.text), "ltr")
    if isinstance(value, Countries):
        return _listed(language, sorted(language.country(code) for code in value.codes), isolate)
    if isinstance(value, Names):
        return _listed(language, value.names, isolate)
    return _formula(language, value, isolate)


def _listed(language: Language, names: Iterable[str], isolate: Isolate) -> str:
    return language.listed([isolate(name, "auto") for name in names])


def _formula(language: Language, formula: Weighted, isolate: Isolate) -> str:
    """spread + commission − 0.5 × client's result."""
    weights = {name: Decimal(weight) for name, weight in formula.terms if Decimal(weight)}
    said = ""
    for name in sorted(weights, key=FORMULA_FIELDS.index):
        weight, field = weights[name], isolate(word(language, "field", name), "auto")
        sign = MINUS if weight < 0 else "" if not said else "+"
        figure = "" if abs(weight) == 1 else language.exact(str(abs(weight)))
        if said:
            said += f" {sign} "
        elif sign and figure:
            figure = sign + figure
        elif sign:
            said = isolate(sign, "ltr")
        said += f"{isolate(figure, 'ltr')} × {field}" if figure else field
    return said or isolate("0", "ltr")
