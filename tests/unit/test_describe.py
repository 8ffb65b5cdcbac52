"""Deals in words: complete, exact, and one sentence for each figure."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain.describe import Clause, Number, Weighted, describe
from introducer.domain.money import Money
from introducer.domain.terms import parse_terms
from tests.support.builders import cpa, lot, revshare, terms

FULL: dict[str, Any] = terms(
    {
        "type": "cpa",
        "id": "cpa",
        "amounts": [{"countries": ["DE", "AT"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}],
        "qualification": {
            "kyc": True,
            "min_deposit": "250.00",
            "within_hours": 48,
            "min_lots": "1.5",
            "min_trades": 3,
            "min_net_revenue": "20.00",
            "countries": ["DE", "AT", "TH"],
            "within_days": 60,
        },
    },
    {
        "type": "cpl",
        "id": "cpl",
        "amounts": [{"countries": ["DE"], "amount": "12.00"}, {"countries": [], "amount": "5.00"}],
        "qualification": {"kyc": True},
    },
    revshare("30", "capped") | {"cap": "1.5"},
    {
        "type": "lot",
        "id": "lot",
        "groups": [{"symbols": ["EURUSD"], "amount": "5.00"}, {"symbols": [], "amount": "2.00"}],
        "min_holding_seconds": 180,
        "account_types": ["standard"],
    },
    days=30,
    ftd_minimum="10.00",
    net_revenue={"spread": "1", "pnl": "-0.5"},
)


def sentences(deal: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (sentence.message, dict(sentence.values))
        for clause in describe(parse_terms(deal))
        for sentence in clause.sentences
    ]


def figures(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all figures in terms."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from figures(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from figures(inner, (*path, index))
    elif not isinstance(value, bool) and str(value).lstrip("-").replace(".", "").isdigit():
        yield path


@pytest.mark.parametrize("path", list(figures(FULL)), ids=lambda path: ".".join(map(str, path)))
def test_changing_one_figure_changes_one_sentence(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(FULL)
    place = changed
    for step in path[:-1]:
        place = place[step]
    value = place[path[-1]]
    place[path[-1]] = value + 1 if isinstance(value, int) else str(float(value) + 1)
    before, after = sentences(FULL), sentences(changed)
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_every_message_has_the_values_it_names() -> None:
    for message, values in sentences(FULL):
        assert message % values
        assert message.count("%(") == len(values)


def test_what_is_not_agreed_is_not_said() -> None:
    words = [message for message, _ in sentences(terms(revshare("25")))]
    assert words[:2] == [
        "%(number)s %% of each client's net revenue of a month.",
        "A client's negative month counts as nothing and is forgotten.",
    ]
    assert not any("qualif" in each and "available" not in each for each in words)
    assert not any("lot" in each or "identity" in each for each in words)


def test_a_negative_coefficient_reads_as_it_is_written() -> None:
    [formula] = [v["formula"] for _, v in sentences(FULL) if "formula" in v]
    assert formula == Weighted((("pnl", "-0.5"), ("spread", "1")))


def test_a_deal_for_one_group_does_not_speak_of_others() -> None:
    [only] = describe(parse_terms(terms(cpa("200.00"), lot("2.00"))))[0].sentences[:1]
    assert (only.message, only.values) == (
        "For each client who qualifies: %(amount)s.",
        {"amount": Money(20_000, "EUR")},
    )


def test_rules_come_in_their_order_and_what_holds_for_all_comes_last() -> None:
    clauses: tuple[Clause, ...] = describe(parse_terms(FULL))
    assert [(clause.rule, clause.kind) for clause in clauses] == [
        ("cpa", "cpa"),
        ("cpl", "cpl"),
        ("rev", "revshare"),
        ("lot", "lot"),
        (None, None),
    ]
    assert Number("30") in [v.get("number") for v in (s.values for s in clauses[-1].sentences)]
