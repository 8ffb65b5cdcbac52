"""What people are told about terms that cannot be: every refusal has a message for them, and a place in the form."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain import terms as reader
from introducer.domain import terms_refused
from introducer.domain.configuration import DealRecord
from introducer.domain.describe import Plural
from introducer.domain.events import milliseconds
from introducer.domain.goals_kept import check_goals_kept
from introducer.domain.terms import check_successor, parse_terms
from introducer.domain.terms_refused import TermsRefused
from introducer.locale import CODES, DEFAULT, language
from introducer.services.propose_deal import check_proposal
from introducer.sources.deal_terms import shape_errors
from introducer.wording.sentences import say
from tests.support.builders import at, cpa, lot, revshare, terms
from tests.support.functions import load
from tests.unit.test_goals_over_versions import GOAL as WINDOWED
from tests.unit.test_goals_over_versions import PLAIN, QUALIFIED, WITH_GOAL, a_goal, accepted
from tests.unit.test_terms import BELOW, GOAL, MORE, POOL, REFUSED, REFUSED_DEALS, tiers

forms: Any = load("portal", "terms_form")
rendering: Any = load("portal").server.rendering
FIELDS = '{% import "terms_form.html" as terms with context %}{{ terms.fields(form, editor, "/check") }}'
MESSAGES = {
    name: each for name, each in vars(terms_refused).items() if isinstance(each, str | Plural) and name.isupper()
}
METALS = {"symbol_groups": {"metals": ["XAUUSD"]}}

MORE_DEALS = [
    terms(cpa() | {"qualification": {"kyc": "yes"}}),
    terms(cpa(min_lots="0", within_days=1)),
    terms(cpa(min_lots="-0", within_days=1)),
    terms(cpa(within_hours=24)),
    terms(cpa("a lot")),
    terms(cpa() | {"amounts": ["600.00"]}),
    terms(cpa() | {"amounts": [{"countries": "DE", "amount": "1.00"}]}),
    terms(revshare("25", "capped") | {"cap": "100.5"}),
    terms(revshare("a")),
    terms(revshare(), ftd_minimum="10.5", currency="JPY"),
    terms(POOL | {"tiers": {"by": "lots", "mode": "retroactive", "bands": [{"from": "2"}]}}),
    terms(POOL | tiers("lots", "retroactive", {"from": "1", "percent": "101"})),
    terms(POOL | tiers("lots", "retroactive", {"from": "1", "percent": "30"}, {"from": "1", "percent": "31"})),
    terms(BELOW | {"levels": [{"level": 1, "of": "qftd", "amount": "0.00"}]}),
    terms(lot("1.00") | tiers("lots", "marginal", MORE, {"from": "20", "add_percent": "5"})),
    terms(lot("1.00") | {"groups": [{"symbols": ["XAUUSD"], "amount": "1"}, {"group": "metals", "amount": "2"}]})
    | METALS,
    terms(cpa() | {"amounts": [{"countries": [each], "amount": "1.00"} for each in ("DE", "AT", "DE")]}),
    terms(revshare(), cpa(), cpa()),
    terms(revshare()) | {"hold": {"days": "1"}},
]
WRONG = [
    *(terms(cpa() | {"id": "before"} if "no cpa" not in sentence else revshare() | {"id": "before"}, rule)
      for rule, sentence in REFUSED.values()),
    *(deal for deal, _ in REFUSED_DEALS),
    *MORE_DEALS,
]  # fmt: skip


def refusal(deal: Any) -> TermsRefused:
    with pytest.raises(TermsRefused) as refused:
        parse_terms(deal)
    return refused.value


SHAPED = [deal for deal in WRONG if not shape_errors(deal) and deal.get("net_revenue") != {}]
"""What a form can write: it leaves out a part without anything in it."""


def in_the_form(deal: Any) -> TermsRefused:
    """The refusal of terms as a form writes them."""
    return refusal(forms.terms_of_form(forms.form_of_terms(deal)))


def shown(fields: dict[str, Any], field: str, code: str = "en") -> str:
    """The form, with something wrong at one of its fields."""
    ticked = {name: value for name, value in fields.items() if isinstance(value, list)}
    editor = {"rows": forms.rows_of(fields), "open": forms.opened(fields, [field]), "ticked": ticked}
    form = {"typed": fields, "errors": {field: "HERE IT IS"}}
    token = rendering._visit.set(SimpleNamespace(language=language(code), query=lambda name: ""))
    try:
        made = rendering._environment().from_string(FIELDS).render(form=form, editor=editor, data={}, visit=None)
    finally:
        rendering._visit.reset(token)
    return str(made)


def folded_around(page: str) -> list[str]:
    """The folded parts, open or not, in which what is wrong is said."""
    around: list[str] = []
    for tag in re.findall(r"<details[^>]*>|</details>", page[: page.index("HERE IT IS")]):
        if tag == "</details>":
            around.pop()
        else:
            around.append(tag)
    return around


def placeholders(message: str | Plural) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", message if isinstance(message, str) else message.other))


# --------------------------------------------------------------------------------------------------------- each of them


def calls() -> dict[int, ast.Call]:
    """Where the reader of terms refuses something, by the last line of each."""
    tree = ast.parse(Path(reader.__file__).read_text())
    refusing = ("_refuse", "_retold")
    found = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)]
    return {each.lineno: each for each in found if each.func.id in refusing}  # type: ignore[attr-defined]


def raised_at(error: BaseException) -> Iterator[int]:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == reader.__file__:
            yield trace.tb_lineno
        trace = trace.tb_next


def test_these_terms_meet_every_refusal_that_there_is() -> None:
    refused = [refusal(deal) for deal in WRONG]
    before = parse_terms(terms(revshare(), GOAL | {"id": "monthly"}, WINDOWED))
    for now in (lot("1.00", id="rev"), WINDOWED | {"id": "monthly"}, a_goal("2026-01-10", "2026-02-21")):
        with pytest.raises(TermsRefused) as caught:
            check_successor(parse_terms(terms(cpa(), now)), [(7, before)])
        refused.append(caught.value)
        assert caught.value.place == "rules[1].id"
    met = {line for error in refused for line in raised_at(error)}
    missed = [line for line, call in calls().items() if not met & set(range(line, (call.end_lineno or line) + 1))]

    assert missed == []


@pytest.mark.parametrize("deal", WRONG, ids=lambda deal: refusal(deal).detail)
def test_a_refusal_has_a_place_and_its_message_is_filled_in(deal: Any) -> None:
    error = refusal(deal)

    values = {"num"} & set(error.advice.values) | placeholders(error.advice.message)
    assert error.place and set(error.advice.values) == values
    for code in CODES:
        assert "%(" not in say(language(code), error.advice)
    rule = re.search(r"^rules\[(\d+)\]", error.place)
    if re.search(r"ule '", error.detail) and "hold" not in error.place:
        assert rule and repr(deal["rules"][int(rule[1])]["id"]) in error.detail


@pytest.mark.parametrize("deal", SHAPED, ids=lambda deal: refusal(deal).detail)
def test_its_place_is_a_field_or_a_part_that_the_form_shows(deal: Any) -> None:
    fields = forms.form_of_terms(deal)
    error = in_the_form(deal)

    field = forms.field_of(error.place, fields)
    page = shown(fields, field)

    assert page.count("HERE IT IS") == 1, field
    assert all(" open" in tag for tag in folded_around(page)), field


def test_most_refusals_stand_at_a_field_and_not_at_a_part() -> None:
    fields = [(forms.form_of_terms(deal), in_the_form(deal).place) for deal in SHAPED]
    parts = {place for each, place in fields if forms.field_of(place, each) not in each}
    assert {re.sub(r"\d", "0", place) for place in parts} == {"rules[0].tiers", "rules[0]"}


# ------------------------------------------------------------------------------------ about the day, and other versions


def record(version: int, begins: str, deal: dict[str, Any]) -> DealRecord:
    day = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    return DealRecord(
        partner="par_1", version=version, valid_from=day, accepted_at=day, terms=json.dumps(deal), terms_hash=""
    )


@pytest.mark.parametrize(("deal", "begins", "says"), [
    (PLAIN, "2025-12-31", "Choose a day to come: terms begin at midnight UTC, after they are accepted."),
    (PLAIN, "2026-01-03", "Version 1 begins on 5 Jan 2026: choose that day or a later one."),
    (terms(POOL), "2026-01-08", "These terms look at whole months of all clients, which the version before did not:"
                                " choose the first of a month, such as 1 Feb 2026."),
    (WITH_GOAL, "2026-01-11", "The days of a goal begin on 10 Jan 2026, before these terms do on 11 Jan 2026: let the"
                              " goal begin later, or the terms earlier."),
])  # fmt: skip
def test_what_is_wrong_with_the_day_is_told_with_days_as_people_write_them(deal: Any, begins: str, says: str) -> None:
    day = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    with pytest.raises(TermsRefused) as refused:
        check_proposal(deal, [record(1, "2026-01-05", PLAIN)], day, at("2026-01-01"))

    assert (refused.value.code, refused.value.place) == ("invalid_valid_from", "")
    assert say(language("en"), refused.value.advice) == says
    assert set(refused.value.advice.values) == placeholders(refused.value.advice.message)


@pytest.mark.parametrize(("deal", "place"), [
    (PLAIN, ""),
    (terms(cpa("1.00"), a_goal("2026-01-10", "2026-02-20", amount="400.00")), "rules[1]"),
    (terms(cpa("1.00"), WINDOWED, currency="USD"), "currency"),
])  # fmt: skip
def test_a_goal_that_is_dropped_is_told_where_it_was_changed(deal: Any, place: str) -> None:
    with pytest.raises(TermsRefused) as refused:
        check_goals_kept(parse_terms(deal), milliseconds(at("2026-01-09")), accepted(("2026-01-05", WITH_GOAL)))

    assert (refused.value.place, refused.value.facts) == (place, {"rule": "goal"})
    assert say(language("en"), refused.value.advice) == (
        "The goal from 10 Jan 2026 to 20 Feb 2026 was accepted with version 1: keep the goal (goal) and the currency"
        " as they are, or let these terms begin after 10 Jan 2026."
    )


def test_a_goal_that_nobody_could_reach_is_told_above_the_form() -> None:
    known = accepted(("2026-01-05", terms(cpa("1.00"), QUALIFIED)))
    with pytest.raises(TermsRefused) as refused:
        check_goals_kept(parse_terms(terms(revshare())), milliseconds(at("2026-02-20")), known)

    assert refused.value.place == ""
    assert say(language("en"), refused.value.advice).startswith(
        "A goal (goal) counts qualified clients until 20 Feb 2026"
    )


# ------------------------------------------------------------------------------------------------------ in their words


@pytest.mark.parametrize("code", [code for code in CODES if code != DEFAULT])
def test_every_message_is_translated(code: str) -> None:
    def said(message: str | Plural) -> str:
        if isinstance(message, str):
            return language(code).text(message)
        return str(language(code).messages.ngettext(message.one, message.other, 5))

    left = [name for name, each in MESSAGES.items() if said(each) == (each if isinstance(each, str) else each.other)]
    assert left == []


def test_what_people_are_told_speaks_of_no_json() -> None:
    told = [str(say(language("en"), in_the_form(deal).advice)) for deal in SHAPED]
    words = r"_|\[|\b(qftd|ftd|cpa|object|string|list|retroactive|marginal|pooled|fence|window|override)\b"
    assert [each for each in told if re.search(words, each)] == []


def test_values_are_told_as_their_reader_writes_them() -> None:
    twice = terms(cpa() | {"amounts": [{"countries": ["DE"], "amount": "1.00"}, {"countries": ["DE"], "amount": "2"}]})
    many = terms(cpa() | {"caps": [{"per": "day", "clients": 2_000_000}]})
    assert "Германия" in say(language("ru"), refusal(twice).advice)
    assert "1\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}000" in say(language("ru"), refusal(many).advice)
    assert '<bdi dir="auto">Германия</bdi>' in say(language("ru"), refusal(twice).advice).__html__()
