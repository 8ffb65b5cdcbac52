"""Conditions as a form sends them: some rows of field, operator and value; and as data, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import words
from pydantic import BaseModel, Field, StringConstraints
from visit import N_, Visit

from introducer.domain.segment import Field as Asked
from introducer.domain.segment import Match, Operator, Segment, Sort, data_of, segment_of

ROWS = 6
"""Of a form. A program may send as many conditions as a segment has."""

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]

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


class Conditions(BaseModel):
    """Rows of a form, or `conditions` as data."""

    match: Annotated[str, StringConstraints(strip_whitespace=True, max_length=10)] = "all"
    conditions: Annotated[list[dict[str, Any]], Field(max_length=50)] | None = None
    field_0: Short = ""
    operator_0: Short = ""
    value_0: Short = ""
    field_1: Short = ""
    operator_1: Short = ""
    value_1: Short = ""
    field_2: Short = ""
    operator_2: Short = ""
    value_2: Short = ""
    field_3: Short = ""
    operator_3: Short = ""
    value_3: Short = ""
    field_4: Short = ""
    operator_4: Short = ""
    value_4: Short = ""
    field_5: Short = ""
    operator_5: Short = ""
    value_5: Short = ""

    def chosen(self) -> Segment:
        """The segment. Raises `Invalid`."""
        if self.conditions is not None:
            return segment_of(self.match, self.conditions)
        return of_rows(self.match, {name: str(value) for name, value in self.model_dump().items()})


def of_rows(match: str, sent: Mapping[str, str]) -> Segment:
    """The segment of a form's rows; those without a field are left out. Raises `Invalid`."""
    found = []
    for row in range(ROWS):
        field = sent.get(f"field_{row}", "")
        if field:
            operator, value = sent.get(f"operator_{row}", ""), sent.get(f"value_{row}", "")
            number = field in {each.value for each in Asked if each.sort in (Sort.NUMBER, Sort.AMOUNT)}
            values = [value] if number else [each.strip() for each in value.split(",")]
            found.append({"field": field, "operator": operator, "values": values})
    return segment_of(match or "all", found)


def asked_in(visit: Visit) -> dict[str, str]:
    """The rows of a query: what is asked for without being saved."""
    names = ["match", *(f"{part}_{row}" for row in range(ROWS) for part in ("field", "operator", "value"))]
    return {name: visit.query(name) for name in names if visit.query(name)}


def as_rows(segment: Segment) -> dict[str, str]:
    """The segment as the form has it; conditions beyond its rows are not shown in it."""
    rows = {"match": segment.match.value}
    for number, each in enumerate(segment.conditions[:ROWS]):
        rows |= {f"field_{number}": each.field.value, f"operator_{number}": each.operator.value,
                 f"value_{number}": ", ".join(each.values)}  # fmt: skip
    return rows


def choices() -> dict[str, Any]:
    """What a form, or a program, may choose from."""
    return {
        "matches": [each.value for each in Match],
        "operators": [each.value for each in Operator],
        "fields": [
            {"field": each.value, "sort": each.sort.value, "choices": list(each.choices),
             "operators": [one.value for one in each.operators]}
            for each in Asked
        ],
    }  # fmt: skip


def told(segment: Segment) -> dict[str, Any]:
    """A segment as a page has it."""
    return data_of(segment)


def typed_of(wish: BaseModel) -> dict[str, str]:
    """What was typed, as the form shows it again."""
    return {name: str(value) for name, value in wish.model_dump().items() if name != "conditions"}
