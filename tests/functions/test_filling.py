"""Sentences of what was found, with its values."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.fraud.registry import DETECTORS
from introducer.locale import CODES, language
from tests.support.functions import load

filling: Any = load("portal", "filling")
ENGLISH, SENTENCE = language("en"), "{first} to {through}: {others}"


def test_days_are_said_as_people_write_them_and_only_where_a_day_stands() -> None:
    values = {"first": "2026-03-26", "others": "2026-03-01"}
    assert filling.filled(ENGLISH, SENTENCE, values) == "26 Mar 2026 to \N{EN DASH}: 2026-03-01"


@pytest.mark.parametrize("bad", ["2026-02-30", "2026-13-01", "2026-00-00", "20260301", "26 Mar 2026", "", "{first}"])
def test_what_is_no_day_stands_as_it_is(bad: str) -> None:
    for code in CODES:
        said = filling.filled(language(code), SENTENCE, {"first": bad, "through": bad, "others": bad})
        assert said == f"{bad} to {bad}: {bad}"


def test_each_place_of_a_day_is_known() -> None:
    # Of all detectors: a place that holds a day and is not among these would be said as it is recorded.
    places = {
        name for each in DETECTORS for name in ("first", "through", "day", "since") if f"{{{name}}}" in each.staff
    }
    assert places == filling.DAYS
