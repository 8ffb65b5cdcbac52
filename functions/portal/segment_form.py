"""Conditions as a form sends them: some rows of field, operator and value; and as data, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

import words
from pydantic import BaseModel, Field, StringConstraints, create_model
from visit import N_, Visit

from introducer.domain.errors import Invalid
from introducer.domain.segment import MOST_CONDITIONS, Match, Operator, Segment, Sort, data_of, segment_of
from introducer.domain.segment import Field as Asked

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

    def chosen(self, staff: Staff) -> Segment:
        """The segment. Raises `Invalid`."""
        if self.conditions is not None:
            return of_data(self.match, self.conditions, staff)
        return of_rows(self.match, {name: str(value) for name, value in self.model_dump().items()}, staff)


class Staff:
    """The brand's staff by their names: people write names, and a segment keeps ids. They are read when asked for."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._partners: dict[str, str] = {}

    def ids(self, typed: str) -> list[str]:
        """Everybody of these names, which have commas between, and may have some within. What is no name stays as it
        is: it may be an id, or empty for nobody."""
        parts, found = [each.strip() for each in typed.split(",")], list[str]()
        while parts:
            members, taken = self._first(parts)
            found, parts = found + members, parts[taken:]
        return found

    def _first(self, parts: Sequence[str]) -> tuple[list[str], int]:
        """Everybody of the longest name that these parts begin with, and of how many of them it is."""
        for taken in range(min(len(parts), max(map(len, self._by_name), default=0)), 0, -1):
            if members := self._by_name.get(_spelt(parts[:taken])):
                return members, taken
        return [parts[0]], 1

    def typed(self, members: Iterable[str]) -> str:
        """These members as a form has them: by their names, where nobody else is meant by those together."""
        given = list(members)
        names = ", ".join(map(self.name, given))
        return names if self.ids(names) == given else ", ".join(given)

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

    def name(self, member: str) -> str:
        """The name that stands for this member alone, else the id."""
        name = self._names.get(member, "")
        return name if name and self.ids(name) == [member] else member

    def said(self, field: Asked, values: Iterable[str]) -> list[str]:
        """Values of a condition as people read them."""
        if field is Asked.PARTNER:
            return [each["name"] or each["partner"] for each in self.partners(values)]
        return [self.name(each) if field is Asked.MANAGER and each else each for each in values]

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
        new = set(partners) - set(self._partners)
        if new:
            found = self._visit.portal.conversations.cards(self._visit.member.brand, new)
            self._partners |= {partner: name for partner, (name, _) in found.items()}

    @cached_property
    def _names(self) -> dict[str, str]:
        assert self._visit.member is not None
        staff = self._visit.portal.configuration.every_colleague(self._visit.member.brand)
        return {member.member: member.name for member in staff}

    @cached_property
    def _by_name(self) -> dict[tuple[str, ...], list[str]]:
        found: dict[tuple[str, ...], list[str]] = {}
        for member, name in self._names.items():
            if any(spelt := _spelt(name.split(","))):
                found.setdefault(spelt, []).append(member)
        return found


def _spelt(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts of a name between its commas, however they are spaced and in whatever letters."""
    return tuple(" ".join(each.split()).casefold() for each in parts)


def of_data(match: str, conditions: Iterable[Mapping[str, Any]], staff: Staff) -> Segment:
    """The segment that a program describes. Raises `Invalid`."""
    return staff.check(segment_of(match, conditions))


def of_rows(match: str, sent: Mapping[str, str], staff: Staff) -> Segment:
    """The segment of a form's rows; those without a field are left out. Raises `Invalid`."""
    found = []
    for row in range(ROWS):
        field = sent.get(f"field_{row}", "")
        if field:
            operator, value = sent.get(f"operator_{row}", ""), sent.get(f"value_{row}", "")
            number = field in {each.value for each in Asked if each.sort in (Sort.NUMBER, Sort.AMOUNT)}
            values = [value] if number else [each.strip() for each in value.split(",")]
            if field == Asked.MANAGER.value:
                values = staff.ids(value)
            found.append({"field": field, "operator": operator, "values": values})
    return of_data(match or "all", found, staff)


def asked_in(visit: Visit) -> dict[str, str]:
    """The rows of a query: what is asked for without being saved; or those of the form that was refused."""
    names = ["match", *(f"{part}_{row}" for row in range(ROWS) for part in ("field", "operator", "value"))]
    sent = visit.refused.values.get if visit.refused else visit.query
    return {name: value for name in names if (value := sent(name))}


def as_rows(segment: Segment, staff: Staff) -> dict[str, str]:
    """The segment as the form has it."""
    rows = {"match": segment.match.value}
    for number, each in enumerate(segment.conditions):
        rows |= {f"field_{number}": each.field.value, f"operator_{number}": each.operator.value,
                 f"value_{number}": staff.typed(each.values) if each.field is Asked.MANAGER
                 else ", ".join(each.values)}  # fmt: skip
    return rows


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


def told(segment: Segment, staff: Staff) -> dict[str, Any]:
    """A segment as a page has it; `said` are the values of each condition with members by their names."""
    return data_of(segment) | {"said": [staff.said(each.field, each.values) for each in segment.conditions]}


def typed_of(wish: BaseModel) -> dict[str, str]:
    """What was typed, as the form shows it again."""
    return {name: str(value) for name, value in wish.model_dump().items() if name != "conditions"}
