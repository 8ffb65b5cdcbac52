"""Figures as each language writes them."""

from __future__ import annotations

import pytest

from introducer.locale import language


@pytest.mark.parametrize(
    ("code", "exact", "fall"),
    [
        ("en", "1,250.50%", "−12.5%"),
        ("ru", "1\xa0250,50\xa0%", "−12,5\xa0%"),
        ("ar", "1,250.50%", "−12.5%"),
        ("pl", "1\xa0250,50%", "−12,5%"),
        ("es", "1.250,50\xa0%", "−12,5\xa0%"),
        ("th", "1,250.50%", "−12.5%"),
    ],
)
def test_a_percentage_has_its_languages_marks_its_decimals_and_the_minus_of_amounts(
    code: str, exact: str, fall: str
) -> None:
    assert language(code).exact_percent("1250.50") == exact
    assert language(code).percent(-0.125) == fall
