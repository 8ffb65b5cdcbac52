"""Conditions as a form sends them: some rows of field, operator and value; and as data, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any

import words
from pydantic import BaseModel, Field, StringConstraints, create_model
from visit import N_, Visit

from introducer.domain.segment import MOST_CONDITIONS, Match, Operator, Segment, Sort, data_of, segment_of
from introducer.domain.segment import Field as Asked

ROWS = MOST_CONDITIONS
"""Of a form: as many as a segment has, so that none is lost when a form is sent again."""
SPARE, FEWEST = 2, 3
"""So many empty ones it shows behind those that are filled in, and so many rows at least."""

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]

words.WORDS |= {
    "segment_field": {
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
            return segment_of(self.match, self.conditions)
        return of_rows(self.match, {name: str(value) for name, value in self.model_dump().items()}, staff)


class Staff:
    """The brand's staff by their names: people write names, and a segment keeps ids. They are read when asked for."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def ids(self, typed: str) -> list[str]:
        """Everybody of this name; what is no name stays as it is: it may be an id, or empty for nobody."""
        return [member for member, name in self._names.items() if name.casefold() == typed.casefold()] or [typed]

    def name(self, member: str) -> str:
        """The name that stands for this member alone, else the id."""
        name = self._names.get(member, "")
        return name if name and self.ids(name) == [member] else member

    def said(self, field: Asked, values: Iterable[str]) -> list[str]:
        """Values of a condition as people read them."""
        return [self.name(each) if field is Asked.MANAGER and each else each for each in values]

    @cached_property
    def _names(self) -> dict[str, str]:
        assert self._visit.member is not None
        staff = self._visit.portal.configuration.every_colleague(self._visit.member.brand)
        return {member.member: member.name for member in staff}


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
                values = [member for each in values for member in (staff.ids(each) if each else [each])]
            found.append({"field": field, "operator": operator, "values": values})
    return segment_of(match or "all", found)


def asked_in(visit: Visit) -> dict[str, str]:
    """The rows of a query: what is asked for without being saved."""
    names = ["match", *(f"{part}_{row}" for row in range(ROWS) for part in ("field", "operator", "value"))]
    return {name: visit.query(name) for name in names if visit.query(name)}


def as_rows(segment: Segment, staff: Staff) -> dict[str, str]:
    """The segment as the form has it."""
    rows = {"match": segment.match.value}
    for number, each in enumerate(segment.conditions):
        rows |= {f"field_{number}": each.field.value, f"operator_{number}": each.operator.value,
                 f"value_{number}": ", ".join(staff.said(each.field, each.values))}  # fmt: skip
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
