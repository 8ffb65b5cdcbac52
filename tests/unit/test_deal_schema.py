"""The form of terms: what people write fits it, and it refuses nothing that the reader of terms would take."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from introducer.domain.deal import KINDS
from introducer.domain.errors import Invalid
from introducer.domain.terms import parse_terms
from introducer.sources.deal_terms import EXAMPLE_RULES, ShapeError, schema, shape_errors
from introducer_ops import deal_schema
from introducer_ops.demo.deals import DEALS as DEMO_DEALS
from introducer_ops.demo.deals import terms_of, with_override
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.deals import FULL, PARTNER

VALIDATOR = Draft202012Validator(schema())
GUIDE = deal_schema.ROOT / "docs" / "deals.md"


def blocks() -> Iterator[Any]:
    """What the guide shows: a deal, rules, and prices of a rule."""
    for block in re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL):
        left = block.replace("[ … ]", json.dumps([revshare()])).strip()
        left = "{" + left + "}" if left.startswith('"') else left
        while left:
            found, end = json.JSONDecoder().raw_decode(left)
            yield found
            left = left[end:].strip()


def shown() -> Iterator[dict[str, Any]]:
    """The guide's examples, each as a whole deal."""
    for found in blocks():
        if "rules" in found:
            yield found
        elif "type" in found:
            others = [] if found["type"] == "cpa" else [cpa()]
            yield terms(found, *others, symbol_groups={"metals": ["XAUUSD"]})
        else:
            yield terms(revshare() | found)


def of_the_demo() -> Iterator[dict[str, Any]]:
    for deal in DEMO_DEALS:
        for seed in range(2):
            yield with_override(terms_of(deal, "EUR", date(2026, 3, 4), random.Random(seed)), 1 + seed)


DEALS = [
    *shown(),
    *of_the_demo(),
    FULL,
    PARTNER,
    terms(cpa(), revshare(), lot("2.00")),
    terms(revshare(), payout_rate="earn_date"),
    *(terms(rule, *([] if kind == "cpa" else [cpa()])) for kind, rules in EXAMPLE_RULES.items() for rule in rules),
    *schema()["examples"],
]


def test_every_kind_of_rule_has_an_example_and_the_guide_shows_them() -> None:
    assert list(EXAMPLE_RULES) == list(KINDS)
    assert {rule["type"] for deal in shown() for rule in deal["rules"]} == {*KINDS} - {"cpl"}


@pytest.mark.parametrize("deal", DEALS, ids=lambda deal: "+".join(rule["id"] for rule in deal["rules"]))
def test_what_is_shown_fits_the_form_and_is_read(deal: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(deal)] == []
    assert shape_errors(deal) == []
    parse_terms(deal)


def test_the_schema_is_one_and_fresh() -> None:
    Draft202012Validator.check_schema(schema())
    assert deal_schema.TARGET.read_text() == deal_schema.render(), "run `make docs`"


def test_every_part_and_field_of_the_schema_that_can_be_misread_is_described() -> None:
    assert [name for name, part in schema()["$defs"].items() if not part.get("description")] == []
    assert "default" not in json.dumps(schema()["$defs"]["Window"])
    assert ": null" not in deal_schema.render()


# ------------------------------------------------------------------------------------- the form against the reader

SMALL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2_000_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        [
            "0",
            "-0",
            "-1",
            "1",
            "100",
            "100.5",
            "1e3",
            "0.00001",
            "123456789012",
            "1234567890123",
            "EUR",
            "de",
            "DE",
            "carry",
            "capped",
            "month",
            "marginal",
            "retroactive",
            "qftd",
            "ftd",
            "lots",
            "net_revenue",
            "cpa",
            "lot",
            "2026-11-30",
            "2026-13-01",
            "earn_date",
            "٢",
            "metals",
            "none",
        ]
    ),
    st.sampled_from([[], {}, [{}], ["DE"], ["cpa"], ["net_revenue"], [None], {"days": 3}, {"from": "1"}]),
)
"""What somebody may write where something else is wanted."""


@st.composite
def changed_deals(draw: st.DrawFn) -> dict[str, Any]:
    """A deal that can be, with a few things replaced, left out or added anywhere in it."""
    deal: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(DEALS))))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = deal
        while True:
            steps = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not steps:
                break
            step = draw(st.sampled_from(steps))
            if isinstance(place[step], dict | list) and draw(st.integers(0, 3)):
                place = place[step]
                continue
            match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
                case "replace":
                    place[step] = deepcopy(draw(SMALL))
                case "remove":
                    del place[step]
                case _ if isinstance(place, dict):
                    names = ["tiers", "own", "fence", "cap", "pooled", "group", "amount", "from", "x", "window", "add"]
                    place[draw(st.sampled_from(names))] = deepcopy(draw(SMALL))
                case _:
                    place.append(deepcopy(draw(SMALL)))
            break
    return deal


@given(changed_deals())
def test_what_the_form_refuses_the_reader_refuses_too(deal: dict[str, Any]) -> None:
    try:
        parse_terms(deal)
    except Invalid:
        return
    assert shape_errors(deal) == []
    assert [error.message for error in VALIDATOR.iter_errors(deal)] == []


@given(changed_deals())
def test_model_and_schema_agree_about_the_form(deal: dict[str, Any]) -> None:
    """The schema says a little more: which of two fields go together."""
    if shape_errors(deal):
        # JSON has one kind of number: 3.0 is a whole one there.
        whole = any(isinstance(value, float) and value.is_integer() for value in _leaves(deal))
        assert whole or list(VALIDATOR.iter_errors(deal))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


# ----------------------------------------------------------------------------------------------- which field is wrong


@pytest.mark.parametrize(("rule", "error"), [
    ({"type": "cpa", "id": "cpa"}, ("rules[0].amounts", "missing", "")),
    (cpa() | {"amount": "5"}, ("rules[0].amount", "unknown", "")),
    (revshare("a quarter"), ("rules[0].percent", "written", '"25"')),
    (revshare() | {"percent": 25}, ("rules[0].percent", "text", "")),
    (revshare() | {"pooled": "yes"}, ("rules[0].pooled", "yes_or_no", "")),
    (revshare("25", "forget"), ("rules[0].negative", "choice", '"reset", "carry" or "capped"')),
    (revshare() | {"tiers": []}, ("rules[0].tiers", "object", "")),
    (cpa(within_days="30"), ("rules[0].qualification.within_days", "number", "")),
    (cpa(within_days=366), ("rules[0].qualification.within_days", "range", "≤ 365")),
    (cpa() | {"caps": [{"per": "day", "clients": 0}]}, ("rules[0].caps[0].clients", "range", "≥ 1")),
    (cpa() | {"amounts": {}}, ("rules[0].amounts", "list", "")),
    (cpa() | {"amounts": []}, ("rules[0].amounts", "missing", "")),
    (lot("1.00", account_types=["x" * 41]), ("rules[0].account_types[0]", "range", "≤ 40")),
    ({"type": "lots", "id": "a"},
     ("rules[0].type", "choice", '"cpa", "cpl", "revshare", "lot", "bonus", "override"')),
    ({"id": "a"}, ("rules[0].type", "missing", "")),
    ({"type": "override", "id": "o", "levels": [{"level": 1, "percent": "1", "of": ["cpx"]}]},
     ("rules[0].levels[0].of[0]", "choice", '"cpa", "cpl", "revshare", "lot", "bonus" or "override"')),
    ("revshare", ("rules[0]", "object", "")),
])  # fmt: skip
def test_the_field_that_is_wrong_is_named(rule: Any, error: tuple[str, str, str]) -> None:
    assert shape_errors(terms(rule)) == [ShapeError(*error)]


def test_all_fields_that_are_wrong_are_named_at_once() -> None:
    found = shape_errors({"currency": "euro", "hold": {"days": 3, "from": "now"}, "rules": [], "name": "x"})
    assert [(each.field, each.code) for each in found] == [
        ("currency", "written"), ("hold.from", "choice"), ("rules", "missing"), ("name", "unknown"),
    ]  # fmt: skip
    assert [(each.field, each.code) for each in shape_errors([1])] == [("", "object")]
    assert shape_errors(terms(revshare(), payout_rate="payday")) == [
        ShapeError("payout_rate", "choice", '"pay_date" or "earn_date"')
    ]
