"""Terms of a deal as flat fields, there and back: nothing that terms can say is lost in the form."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.deal import KINDS
from introducer.domain.terms import parse_terms
from introducer.locale import CODES, language
from introducer.sources.deal_terms import EXAMPLE_RULES, Terms, shape_errors
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.deals import PARTNER as EVERYTHING
from tests.support.functions import load
from tests.support.programs import program

forms: Any = load("portal", "terms_form")
names: Any = load("portal", "names_typed")
MOST_FIELDS, MOST_BYTES = 1_000, 64 * 1024
"""What a visit takes."""

GROUPS = {"symbol_groups": {"metals": ["XAUUSD", "XAGUSD"], "majors": ["EURUSD"]}}
BY_GROUP = lot("7.00") | {"groups": [{"group": "metals", "amount": "9.00"}, {"symbols": [], "amount": "7.00"}]}
DEALS = [
    EVERYTHING,
    terms(revshare("25", "carry"), BY_GROUP, days=0) | GROUPS,
    *(terms(rule, *([] if rule["type"] == "cpa" else [cpa() | {"id": "other"}]))
      for rules in EXAMPLE_RULES.values() for rule in rules),
]  # fmt: skip


def sent(fields: dict[str, Any]) -> dict[str, Any]:
    """As a browser sends them: what is ticked among the rest, and a row of nothing."""
    return {name: ["", *value] if isinstance(value, list) else f" {value} " for name, value in fields.items()}


@pytest.mark.parametrize("deal", DEALS, ids=lambda deal: deal["rules"][0]["id"])
def test_a_deal_comes_back_from_its_form_as_it_was(deal: dict[str, Any]) -> None:
    fields = forms.form_of_terms(deal)

    assert parse_terms(forms.terms_of_form(sent(fields))) == parse_terms(deal)
    assert forms.tidied(sent(fields)) == forms.tidied(fields) == fields


@pytest.mark.parametrize("spoken", CODES)
def test_whatever_deal_comes_back_from_its_form_to_the_cent_and_the_day(spoken: str) -> None:
    rng, seen = random.Random(f"deals in {spoken}"), 0
    for _ in range(12):
        for versions in program(rng).deals.values():
            for _, deal in versions:
                assert shape_errors(deal) == [] and forms.is_whole(deal)
                shown = names.with_names(language(spoken), forms.form_of_terms(deal), MOST_BYTES)
                typed = names.with_codes(language(spoken), sent(dict(shown)))
                assert parse_terms(forms.terms_of_form(typed)) == parse_terms(deal)
                seen += 1
    assert seen > 20


def test_the_form_has_a_field_for_all_that_terms_can_say() -> None:
    everything = forms.form_of_terms(EVERYTHING) | forms.form_of_terms(DEALS[1])

    def named(model: Any, at: str = "") -> set[str]:
        found = set[str]()
        for name, spot in forms._spots(model).items():
            found |= set[str]().union(*(named(each, name) for each in spot.models)) or {f"{at}.{name}"}
        return found

    shown = {".".join([part for part in name.split(".") if not part.isdigit()][-2:]) for name in everything}
    kinds = {deal["rules"][0]["type"] for deal in DEALS}
    for deal in DEALS:
        for name in forms.form_of_terms(deal):
            shown.add(".".join([part for part in name.split(".") if not part.isdigit()][-2:]))
    assert set(KINDS) <= kinds | {"bonus", "override"} == set(forms.RULES)
    assert {name.rpartition(".")[2] for name in named(Terms)} <= {name.rpartition(".")[2] for name in shown}


def test_rows_are_added_filled_in_and_taken_away() -> None:
    fields = forms.form_of_terms(terms(lot("2.50")))

    more = forms.grown(fields, "add-rules.0.groups")
    assert forms.rows_of(more)["rules.0.groups"] == 2
    assert forms.tidied(more) == forms.tidied(fields), "what nobody wrote in is left out"
    more |= {"terms.rules.0.groups.1.symbols": "XAUUSD; XAGUSD،EURUSD", "terms.rules.0.groups.1.amount": "9"}
    groups = forms.terms_of_form(more)["rules"][0]["groups"]
    assert groups[1] == {"symbols": ["XAUUSD", "XAGUSD", "EURUSD"], "amount": "9"}
    less = forms.grown(more, "remove-rules.0.groups.0")
    assert forms.terms_of_form(less)["rules"][0]["groups"] == groups[1:]

    named = forms.grown(less, "add-symbol_groups") | {"terms.symbol_groups.0.name": "metals"}
    assert forms.terms_of_form(named)["symbol_groups"] == {"metals": []}
    again = forms.grown(named, "add-symbol_groups")
    again |= {"terms.symbol_groups.1.name": "metals", "terms.symbol_groups.1.symbols": "XAUUSD"}
    assert forms.terms_of_form(again)["symbol_groups"] == {"metals": ["XAUUSD"]}


def test_a_rule_to_begin_from_comes_under_a_name_of_its_own() -> None:
    fields = forms.form_of_terms(terms(lot("2.50")))

    for name in ("lot_2", "lot_3"):
        fields = forms.grown(fields, "example-lot-0")
        added = forms.terms_of_form(fields)["rules"][-1]
        assert parse_terms(terms(added)) == parse_terms(terms(dict(EXAMPLE_RULES["lot"][0]) | {"id": name}))
    assert forms.rows_of(forms.grown(fields, "remove-rules.1"))["rules"] == 2


@pytest.mark.parametrize(
    "do", ["", "add", "add-", "add-rules", "add-rules.9.groups", "add-hold", "add-currency.x", "remove-rules.99",
           "remove-rules.0.groups.x", "remove-currency", "example-lot-9", "example-none-0", "add-rules.0.hold.1.x"],
)  # fmt: skip
def test_what_no_button_asks_for_changes_nothing(do: str) -> None:
    fields = forms.form_of_terms(EVERYTHING)
    grown = forms.grown(fields, do)
    assert forms.terms_of_form(grown) == forms.terms_of_form(fields)


def as_sent(fields: dict[str, Any]) -> dict[str, Any]:
    """With the names that lists have in a form."""
    return {f"{name}[]" if isinstance(value, list) else name: value for name, value in fields.items()}


@pytest.mark.parametrize("button", ["example-cpa-0", "example-override-0", "example-lot-0"])
def test_a_form_that_fits_is_taken(button: str) -> None:
    fields = forms.form_of_terms(terms(lot("2.50")))
    while forms.fits(more := forms.grown(fields, button)):
        fields = more

    sent = sum(len(value) + 1 if isinstance(value, list) else 1 for value in fields.values())
    assert 800 < sent <= forms.MOST_FIELDS < MOST_FIELDS - 60, "a form of fifty partners has a name for each"
    assert len(urlencode(as_sent(fields), doseq=True)) < MOST_BYTES
    long = {"terms.rules.0.groups.0.symbols": ", ".join(f"SYMBOL{number:06}" for number in range(5_000))}
    assert not forms.fits(fields | long)


def test_the_row_that_is_removed_is_the_one_whose_button_it_is() -> None:
    amounts = [("DE", "600"), ("AT", "500"), ("", "200")]
    prices = [{"countries": country.split(), "amount": amount} for country, amount in amounts]
    fields = forms.form_of_terms(terms(cpa() | {"amounts": prices}))

    def left(fields: dict[str, Any], number: int) -> list[str]:
        grown = forms.grown(fields, f"remove-rules.0.amounts.{number}")
        return [each["amount"] for each in forms.terms_of_form(grown)["rules"][0]["amounts"]]

    assert [left(fields, number) for number in range(3)] == [["500", "200"], ["600", "200"], ["600", "500"]]
    # also where one of them was emptied
    emptied = fields | {"terms.rules.0.amounts.0.countries": "", "terms.rules.0.amounts.0.amount": " "}
    assert [left(emptied, number) for number in range(3)] == [["500", "200"], ["200"], ["500"]]


def test_a_row_more_stands_where_nobody_wrote_anything_yet() -> None:
    fields = forms.form_of_terms(terms(cpa()))

    for where in ("rules.0.caps", "rules.0.tiers.bands", "symbol_groups"):
        assert forms.rows_of(fields)[where] == 1
        more = forms.grown(fields, f"add-{where}")
        assert forms.rows_of(more)[where] == 2
        assert forms.rows_of(forms.grown(more, f"add-{where}"))[where] == 3


@pytest.mark.parametrize(
    "names",
    [
        {"groups": [{"symbols": [" "], "amount": "9"}]},
        {"groups": [{"symbols": ["EUR,USD"], "amount": "9"}]},
        {"groups": [{"symbols": ["EURUSD "], "amount": "9"}]},
        {"groups": [{"symbols": [";"], "amount": "9"}]},
        {"account_types": ["Standard, ECN"]},
        {"account_types": [" "]},
    ],
)
def test_terms_that_a_form_would_change_are_known(names: dict[str, Any]) -> None:
    deal = terms(lot("2.50") | names)
    assert shape_errors(deal) == []
    assert not forms.is_whole(deal)


@pytest.mark.parametrize("deal", DEALS, ids=lambda deal: deal["rules"][0]["id"])
def test_other_terms_are_whole_in_a_form(deal: dict[str, Any]) -> None:
    assert forms.is_whole(deal)


def test_two_lists_of_one_name_are_known_by_the_second() -> None:
    fields = forms.form_of_terms(DEALS[1])
    fields |= {"terms.symbol_groups.1.name": " metals"}

    assert forms.named_twice(fields) == ["terms.symbol_groups.1.name"]
    assert forms.named_twice(forms.form_of_terms(DEALS[1])) == []


@pytest.mark.parametrize(
    ("changed", "place", "field"),
    [
        ({"terms.rules.0.percent": "a"}, "rules[0].percent", "terms.rules.0.percent"),
        ({"terms.rules.0.tiers.by": "lots"}, "rules[0].tiers.mode", "terms.rules.0.tiers.mode"),
        ({"terms.rules.0.tiers.by": "lots"}, "rules[0].tiers.bands", "terms.rules.0.tiers.bands"),
        ({"terms.hold.days": "soon"}, "hold.days", "terms.hold.days"),
        ({"terms.rules.1.groups.0.amount": "-1"}, "rules[1].groups[0].amount", "terms.rules.1.groups.0.amount"),
        ({"terms.rules.2.amounts.0.countries": "DE, Poland"}, "rules[2].amounts[0].countries[1]",
         "terms.rules.2.amounts.0.countries"),
        ({"terms.symbol_groups.0.name": "Big"}, "symbol_groups.Big", "terms.symbol_groups.0.name"),
        ({"terms.symbol_groups.0.name": "big"}, "symbol_groups.big", "terms.symbol_groups.0.symbols"),
        ({"terms.symbol_groups.0.name": "a.b"}, "symbol_groups.a.b", "terms.symbol_groups.0.name"),
        ({"terms.rules.0.type": "gift"}, "rules[0].type", "terms.rules.0.type"),
    ],
)  # fmt: skip
def test_what_is_wrong_comes_back_to_its_field(changed: dict[str, str], place: str, field: str) -> None:
    fields = forms.form_of_terms(terms(revshare("25"), lot("2.50"), cpa())) | changed
    fields = forms.tidied(fields)

    assert place in [each.field for each in shape_errors(forms.terms_of_form(fields))]
    assert forms.field_of(place, fields) == field


NAMES = st.sampled_from([*forms.form_of_terms(EVERYTHING), "terms.", "terms.rules", "terms.rules.0", "terms.hold",
                         "terms.rules.0.tiers", "terms..", "terms.rules.x.id", "terms.symbol_groups.0.name",
                         "terms.symbol_groups.0.symbols", "terms.a.b.c.d.e.f.g"])  # fmt: skip
VALUES = st.one_of(st.text(max_size=12), st.lists(st.text(max_size=8), max_size=3), st.none(), st.integers(),
                   st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2))  # fmt: skip
DOS = st.sampled_from(["add-rules.0.amounts", "remove-rules.0", "remove-rules.1.caps.0", "example-cpa-0", "add-rules"])


@given(st.dictionaries(NAMES, VALUES, max_size=30), DOS)
def test_whatever_is_sent_is_terms_of_some_kind_and_stays_what_it_is(fields: dict[str, Any], do: str) -> None:
    made = forms.terms_of_form(fields)

    json.dumps(made)
    assert forms.terms_of_form(forms.tidied(fields)) == made
    assert set(forms.tidied(forms.tidied(fields))) == set(forms.tidied(fields))
    forms.grown(fields, do)
    for each in shape_errors(made):
        assert forms.field_of(each.field, forms.tidied(fields)).startswith("terms")
