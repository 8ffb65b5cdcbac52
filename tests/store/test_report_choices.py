"""How often partners want their letter: the question about it, asked of real tables; each change with its record."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.report import Cadence, ReportChoice
from introducer.store.report_choices import ReportChoices
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

BRAND = "brd_1"
MONDAY = datetime(2026, 11, 30, 8, 10, tzinfo=UTC)


@pytest.mark.pattern("report_choice_of_partner")
def test_a_choice_reads_as_it_was_made_and_stands_against_an_older_one(tables: Tables) -> None:
    choices = ReportChoices(tables.books)
    never = ReportChoice(partner="par_1")
    assert choices.get("par_1") == never
    change = Change(by="mem_1", at=MONDAY, why="wanted", origin="portal")
    made = ReportChoice(partner="par_1", cadence=Cadence.MONTHLY, time_zone="Asia/Tokyo", version=1)
    choices.put(BRAND, never, made, change)
    assert choices.get("par_1") == made
    assert choices.of_partners(["par_1", "par_2"]) == {"par_1": made, "par_2": ReportChoice(partner="par_2")}
    with pytest.raises(Conflict) as refused:
        choices.put(BRAND, never, ReportChoice(partner="par_1", version=1), change)
    assert refused.value.code == "report_choice_changed"
