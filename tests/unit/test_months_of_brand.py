"""Which months are closed: a close takes all months before it along, whether or not they have statements."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from introducer.domain.errors import NotFound
from introducer.domain.statement import MonthClose
from introducer.gateways.workflows import Execution
from introducer.services.read_months_of_brand import MonthOfBrand, read_months_of_brand
from introducer.store.paging import Page

NOW = datetime(2026, 7, 10, tzinfo=UTC)
BRAND: Any = SimpleNamespace(brand="brd_A", created=datetime(2026, 1, 5, tzinfo=UTC))


class Closes:
    """The configuration as far as months ask it, two closes a page."""

    def __init__(self, *closed: str, begun: str = "") -> None:
        months = sorted([*closed, *([begun] if begun else [])], reverse=True)
        self.closes = [
            MonthClose(
                brand="brd_A", month=month, began_at=NOW, began_by="system:test",
                closed_at=None if month == begun else NOW, closed_by=None if month == begun else "system:test",
            )
            for month in months
        ]  # fmt: skip

    def months_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[MonthClose]:
        left = [close for close in self.closes if cursor is None or close.month < cursor]
        return Page(tuple(left[:2]), left[1].month if len(left) > 2 else None)

    def member(self, member: str) -> Any:
        raise NotFound("There is no such login.")


def months(
    closes: Closes, before: str | None = None, limit: int = 12, execution: Execution | None = None
) -> dict[str, MonthOfBrand]:
    configuration, workflows = closes, SimpleNamespace(latest=lambda name: execution)
    page = read_months_of_brand(
        configuration, lambda: workflows, brand=BRAND, now=NOW, before=before, limit=limit  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    return {each.month: each for each in page.items}


def test_a_month_before_a_closed_one_is_closed_with_the_first_after_it() -> None:
    # given March and May closed, and neither April nor what was before
    found = months(Closes("2026-03", "2026-05"))

    assert {month: (each.state, each.closed_with) for month, each in found.items()} == {
        "2026-07": ("current", None),
        "2026-06": ("ready", None),
        "2026-05": ("closed", None),
        "2026-04": ("frozen", "2026-05"),
        "2026-03": ("closed", None),
        "2026-02": ("frozen", "2026-03"),
        "2026-01": ("frozen", "2026-03"),
    }
    assert [month for month, each in found.items() if each.may_be_closed] == [
        "2026-06",
        "2026-04",
        "2026-02",
        "2026-01",
    ]


def test_a_page_of_earlier_months_knows_of_later_closes() -> None:
    found = months(Closes("2026-04", "2026-05", "2026-06"), before="2026-03", limit=1)

    assert [(each.state, each.closed_with) for each in found.values()] == [("frozen", "2026-04")]


def test_a_later_month_that_is_only_being_closed_closes_none() -> None:
    running = months(Closes(begun="2026-05"), execution=Execution("2026-05-close-brd_A", "RUNNING"))

    assert (running["2026-05"].state, running["2026-04"].state) == ("running", "ready")


def test_closing_that_broke_off_is_said_so_in_a_frozen_month_too() -> None:
    stopped = Execution("2026-02-close-brd_A", "FAILED", "Start it again.")

    broken = months(Closes("2026-03", begun="2026-02"), execution=stopped)["2026-02"]
    forgotten = months(Closes("2026-03", begun="2026-02"))["2026-02"]

    assert (broken.state, broken.closed_with) == ("failed", "2026-03")
    assert (forgotten.state, forgotten.closed_with) == ("frozen", "2026-03")
