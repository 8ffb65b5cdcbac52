"""Conditions as a form sends them: some rows of field, operator and value; and as data, for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Annotated, Any
from urllib.parse import urlencode

import words
from names_typed import (
    AROUND,
    EXAMPLES,
    Vocabulary,
    by_name,
    codes_apart,
    countries,
    in_no_language,
    read_in,
    vocabulary,
)
from pydantic import BaseModel, Field, StringConstraints, create_model
from visit import N_, Visit

from introducer.domain.errors import IntroducerError, Invalid
from introducer.domain.segment import MOST_CONDITIONS, Match, Operator, Segment, Sort, data_of, segment_of
from introducer.domain.segment import Field as Asked
from introducer.locale import CODES, Language, language

ROWS = MOST_CONDITIONS
"""Of a form: as many as a segment has, so that none is lost when a form is sent again."""
SPARE, FEWEST = 2, 3
"""So many empty ones it shows behind those that are filled in, and so many rows at least."""

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]

words.WORDS |= {
    "segment_field": {
        "partner": N_("Partner"),
        "kind": N_("Kind of partner"),
        "status": N_("Status"),
        "country": N_("Country"),
        "language": N_("Language"),
        "manager": N_("Manager"),
        "currency": N_("Currency"),
        "deal_kind": N_("Rule in the deal"),
        "tier": N_("Tier reached this month"),
        "ftd_7": N_("First deposits in 7 days"),
        "ftd_30": N_("First deposits in 30 days"),
        "qftd_30": N_("Qualified clients in 30 days"),
        "clicks_30": N_("Clicks in 30 days"),
        "net_revenue_30": N_("Net revenue in 30 days"),
        "dormant_days": N_("Days without anything"),
        "age_days": N_("Days since it joined"),
        "trend": N_("Trend of first deposits, percent"),
    },
    "segment_operator": {
        "is": N_("is one of"),
        "is_not": N_("is none of"),
        "at_least": N_("at least"),
        "at_most": N_("at most"),
    },
    "segment_match": {"all": N_("All of these hold"), "any": N_("Any of these holds")},
}


_Rows: Any = create_model(
    "_Rows", **{f"{part}_{row}": (Short, "") for row in range(ROWS) for part in ("field", "operator", "value")}
)


class Conditions(_Rows):
    """Rows of a form, or `conditions` as data."""

    match: Annotated[str, StringConstraints(strip_whitespace=True, max_length=10)] = "all"
    conditions: Annotated[list[dict[str, Any]], Field(max_length=50)] | None = None

    def chosen(self, known: Values) -> Segment:
        """The segment. Raises `Invalid`."""
        if self.conditions is not None:
            return of_data(self.match, self.conditions, known)
        return of_rows(self.match, {name: str(value) for name, value in self.model_dump().items()}, known)


_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


class Values:
    """Values of conditions as people write and read them: they write names, in their language, and a segment keeps
    codes and ids. The staff of the brand are read when they are asked for."""

    def __init__(self, visit: Visit, kept: Segment | None = None) -> None:
        self._visit = visit
        self._kept = frozenset(value for each in kept.conditions for value in each.values) if kept else frozenset()
        self._partners: dict[str, str] = {}

    @property
    def language(self) -> Language:
        """The reader's."""
        return self._visit.language

    def read(self, field: Asked, typed: str) -> list[str]:
        """What was typed, with commas or semicolons between. What is no name stays as it is: it may be a code.

        Names are of the reader's language. What that does not know is read in the one that does: an address may come
        from a colleague who reads another.
        """
        if field is Asked.MANAGER:
            return self._staff.read(typed)
        # Only for managers nothing is a value: nobody.
        typed = typed.strip(AROUND)
        if field not in NAMED:
            return self._known(field).read(typed)
        found = read_in(self.language.code, typed, partial(_vocabulary, field))
        return [code for each in found for code in codes_apart(each)] if field is Asked.COUNTRY else found

    def typed(self, field: Asked, values: Iterable[str]) -> str:
        """These values as a form has them: by their names, where nothing else is meant by those together."""
        return self._known(field).typed(values, ", " if field is Asked.MANAGER else self.language.mark(","))

    def name(self, field: Asked, value: str) -> str:
        """The name that stands for this value alone, else the value."""
        return self._known(field).name(value)

    def offered(self, field: Asked) -> list[str]:
        """What a form offers to choose from. Languages are those in which people are spoken to."""
        values = {Asked.COUNTRY: self.language.countries, Asked.LANGUAGE: CODES}.get(field, field.choices)
        return [called(self.language, field, each) for each in values]

    def examples(self, field: Asked) -> str:
        """What values look like as they are typed: all of a fixed list, else some."""
        values = {Asked.COUNTRY: EXAMPLES, Asked.LANGUAGE: ("en", "pl")}.get(field, field.choices)
        return self.language.mark(",").join(called(self.language, field, each) for each in values)

    def check(self, segment: Segment) -> Segment:
        """The segment. Raises `Invalid` (`segment_value`) for a manager whom nobody knows: whoever is none of them is
        everybody; and for what is no partner of the brand."""
        self._meet(segment)
        for number, each in enumerate(segment.conditions, 1):
            for value in each.values if each.field is Asked.MANAGER else ():
                if value and value not in self._names:
                    raise Invalid(
                        f"Condition {number}: {value[:40]!r} is no manager: name a member of staff.",
                        code="segment_value", condition=number, field=each.field.value,
                    )  # fmt: skip
            for value in each.values if each.field is Asked.PARTNER else ():
                if value not in self._partners:
                    raise Invalid(
                        f"Condition {number}: {value[:40]!r} is no partner of yours: write its number.",
                        code="segment_value", condition=number, field=each.field.value,
                    )  # fmt: skip
        return segment

    def check_typed(self, segment: Segment) -> Segment:
        """The segment, which somebody typed. Raises `Invalid` (`segment_value`) for what is no country, though it looks
        like a code: a program may mean any, and what is kept already stays."""
        for number, each in enumerate(segment.conditions, 1):
            for value in each.values if each.field is Asked.COUNTRY else ():
                if value not in self._kept and not self._known(each.field).knows([value]):
                    raise Invalid(
                        f"Condition {number}: {value[:40]!r} is no country.",
                        code="segment_value", condition=number, field=each.field.value, value=value,
                    )  # fmt: skip
        return segment

    def said(self, field: Asked, values: Iterable[str]) -> list[str]:
        """Values of a condition as people read them."""
        if field is Asked.PARTNER:
            return [each["name"] or each["partner"] for each in self.partners(values)]
        return [self.name(field, each) if field is Asked.MANAGER and each else each for each in values]

    def partners(self, wanted: Iterable[str]) -> list[dict[str, str]]:
        """Partners with their names; one that the brand does not have, without."""
        given = list(dict.fromkeys(wanted))
        self._read(given)
        return [{"partner": each, "name": self._partners.get(each, "")} for each in given]

    def _meet(self, segment: Segment) -> None:
        self._read(value for each in segment.conditions if each.field is Asked.PARTNER for value in each.values)

    def _read(self, partners: Iterable[str]) -> None:
        """The names of those that are the brand's, all at once."""
        assert self._visit.member is not None
        # What no id looks like is nobody's: a table would not even look for it.
        new = {each for each in partners if _ID.fullmatch(each)} - set(self._partners)
        if new:
            found = self._visit.portal.conversations.cards(self._visit.member.brand, new)
            self._partners |= {partner: name for partner, (name, _) in found.items()}

    @cached_property
    def _names(self) -> dict[str, str]:
        assert self._visit.member is not None
        staff = self._visit.portal.configuration.every_colleague(self._visit.member.brand)
        return {member.member: member.name for member in staff}

    @cached_property
    def _staff(self) -> Vocabulary:
        return Vocabulary(by_name(self._names.items()), self._names)

    def _known(self, field: Asked) -> Vocabulary:
        return self._staff if field is Asked.MANAGER else _vocabulary(field, self.language.code)


@cache
def _vocabulary(field: Asked, spoken: str) -> Vocabulary:
    """What values of a field are called in a language."""
    if field is Asked.COUNTRY:
        return countries(spoken)
    here = language(spoken)
    codes = here.languages if field is Asked.LANGUAGE else field.choices
    return vocabulary({code: called(here, field, code) for code in codes})


_WORDS = {Asked.KIND: "partner_kind", Asked.STATUS: "status", Asked.DEAL_KIND: "rule"}
"""What the values of a field go by."""
NAMED = frozenset((Asked.COUNTRY, Asked.LANGUAGE, *_WORDS))
"""Fields whose values have names, the same for every brand."""


def called(spoken: Language, field: Asked, value: str) -> str:
    """What a value is called in a language; the value itself where it has no name."""
    match field:
        case Asked.COUNTRY:
            return spoken.country(value)
        case Asked.LANGUAGE:
            return spoken.language(value)
        case _:
            return words.word(spoken, _WORDS[field], value) if field in _WORDS else value


def of_data(match: str, conditions: Iterable[Mapping[str, Any]], known: Values) -> Segment:
    """The segment that a program describes. Raises `Invalid`."""
    return known.check(segment_of(match, conditions))


def of_rows(match: str, sent: Mapping[str, str], known: Values) -> Segment:
    """The segment of a form's rows; those without a field are left out. Raises `Invalid`."""
    return known.check_typed(of_data(match or "all", _conditions(sent, known), known))


def _conditions(sent: Mapping[str, str], known: Values) -> list[dict[str, Any]]:
    """The rows of a form that have a field, as data."""
    found = []
    for row in range(ROWS):
        name = sent.get(f"field_{row}", "")
        if name:
            value, field = sent.get(f"value_{row}", ""), next((each for each in Asked if each == name), None)
            one = field is None or field.sort in (Sort.NUMBER, Sort.AMOUNT)
            values = [value] if field is None or one else known.read(field, value)
            found.append({"field": name, "operator": sent.get(f"operator_{row}", ""), "values": values})
    return found


def misfit(error: IntroducerError, sent: Mapping[str, str], known: Values) -> str | None:
    """Which value of a form's rows a refusal is about; None where it is about none alone."""
    if "value" in error.facts:
        return str(error.facts["value"])
    number = int(str(error.facts.get("condition", 0)))
    row = next(iter(_conditions(sent, known)[number - 1 : number]), None) if number else None
    wrong = [value for value in row["values"] if not _fits(row, [value], known)] if row else []
    if not row or not wrong:
        return None
    field = Asked(row["field"])
    return in_no_language(wrong, lambda one: field in NAMED and _fits(row, known.read(field, one), known))


def _fits(condition: Mapping[str, Any], values: Sequence[str], known: Values) -> bool:
    try:
        of_data("all", [{**condition, "values": list(values)}], known)
    except Invalid:
        return False
    return True


def asked_in(visit: Visit) -> dict[str, str]:
    """The rows of a query: what is asked for without being saved; or those of the form that was refused."""
    names = ["match", *(f"{part}_{row}" for row in range(ROWS) for part in ("field", "operator", "value"))]
    sent = visit.refused.values.get if visit.refused else visit.query
    return {name: value for name in names if (value := sent(name))}


def as_rows(segment: Segment, known: Values) -> dict[str, str]:
    """The segment as the form has it: with codes, and members by their names."""
    rows = {"match": segment.match.value}
    for number, each in enumerate(segment.conditions):
        rows |= {f"field_{number}": each.field.value, f"operator_{number}": each.operator.value,
                 f"value_{number}": known.typed(each.field, each.values) if each.field is Asked.MANAGER
                 else ", ".join(each.values)}  # fmt: skip
    return rows


class Rows(dict[str, str]):
    """Rows of a form, as programs get them; a page shows them in the reader's words."""

    def __init__(self, rows: Mapping[str, str], known: Values, most: int) -> None:
        super().__init__(rows)
        self._known = known
        self._most = most
        """So many bytes a form sends at most."""

    @cached_property
    def shown(self) -> Mapping[str, str]:
        """These rows in words; as they are where those would be too long to be sent again: each letter of many scripts
        is six or nine bytes there."""
        words = dict(self)
        for row in range(ROWS):
            field, name = self.get(f"field_{row}", ""), f"value_{row}"
            if field in NAMED:
                words[name] = self._known.typed(Asked(field), self._known.read(Asked(field), self.get(name, "")))
        return words if len(urlencode(words)) <= self._most else self

    @property
    def examples(self) -> str:
        """What names look like as they are typed."""
        return self._known.examples(Asked.COUNTRY)

    def offered(self, field: str) -> list[str]:
        """What to choose from beside a field; nothing where its values have no names."""
        return self._known.offered(Asked(field)) if field in NAMED else []


def choices() -> dict[str, Any]:
    """What a form, or a program, may choose from."""
    return {
        "matches": [each.value for each in Match],
        "operators": [each.value for each in Operator],
        "most": ROWS,
        "spare": SPARE,
        "fewest": FEWEST,
        "fields": [
            {"field": each.value, "sort": each.sort.value, "choices": list(each.choices),
             "operators": [one.value for one in each.operators]}
            for each in Asked
        ],
    }  # fmt: skip


def told(segment: Segment, known: Values) -> dict[str, Any]:
    """A segment as a page has it; `said` are the values of each condition with members by their names."""
    return data_of(segment) | {"said": [known.said(each.field, each.values) for each in segment.conditions]}


def typed_of(wish: BaseModel) -> dict[str, str]:
    """What was typed, as the form shows it again."""
    return {name: str(value) for name, value in wish.model_dump().items() if name != "conditions"}
