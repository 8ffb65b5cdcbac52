"""How much of a sum lies in a band."""

from __future__ import annotations

import pytest

from introducer.domain.rules.tier_lines import inside


@pytest.mark.parametrize(
    ("value", "parts"),
    [(0, (0, 0, 0)), (-7, (-7, 0, 0)), (10, (10, 0, 0)), (11, (10, 1, 0)), (25, (10, 15, 0)), (40, (10, 15, 15))],
)
def test_the_bands_share_a_sum_and_the_lowest_has_what_is_negative(value: int, parts: tuple[int, ...]) -> None:
    bands = ((None, 10), (10, 25), (25, None))
    assert tuple(inside(value, low, high) for low, high in bands) == parts


@pytest.mark.parametrize(("value", "part"), [(-7, 0), (4, 0), (5, 0), (6, 1), (9, 4), (12, 4)])
def test_a_band_with_a_beginning_has_nothing_below_it(value: int, part: int) -> None:
    assert inside(value, 5, 9) == part
