"""The demo world's contests are such as a manager can design, whatever the trading day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.configuration import Brand, Role
from introducer.domain.contest import Contest
from introducer.domain.contest_rules import check, shown_name
from introducer.sources.contest_settings import contest_of
from introducer_ops.demo.building import Login, World
from introducer_ops.demo.contests import CHEATS_AS, DAYS, NAMES, Scene
from introducer_ops.demo.plan import PARTNERS, make_plan

DAYS_OF_TRADING = [date(2026, 3, 4), date(2026, 3, 31), date(2026, 10, 30), date(2027, 1, 1)]


def both(day: date) -> tuple[Contest, ...]:
    brand = Brand(
        brand="brd_1", name="Quillmark Markets", domain="quillmark.example", base_currency="EUR", fallback_url="",
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    partner: Any = SimpleNamespace(partner="par_1")
    logins = (Login(Role.OWNER, "owner@amberfield.example", "secret"),)
    stack: Any = SimpleNamespace(outputs={"BooksTableName": "books"})
    scene = Scene(stack, World(make_plan(1, day), brand, (partner,), {}, "", logins), day)
    given: Any = {"brand": brand, "contest": "ctt_1", "by": "mem_1", "now": brand.created}
    return tuple(contest_of(settings, **given) for settings in (scene._sprint(), scene._race()))


@pytest.mark.parametrize("day", DAYS_OF_TRADING)
def test_both_can_be_and_end_with_the_trading_day_where_the_brand_is(day: date) -> None:
    for contest in both(day):
        check(contest)
        length, change_of_clocks = contest.ends_at - contest.starts_at, timedelta(hours=1)
        assert abs(length - timedelta(days=DAYS)) <= change_of_clocks
        assert (contest.ends_at - timedelta(seconds=1)).date() == day


def test_the_sprint_is_joined_in_divisions_and_the_race_takes_everybody_in_public() -> None:
    sprint, race = both(DAYS_OF_TRADING[0])
    assert (sprint.opt_in, len(sprint.divisions), sprint.public) == (True, 2, False)
    assert (race.opt_in, len(race.divisions), race.public) == (False, 1, True)


def test_who_joins_is_honest_but_one_and_each_has_a_name_that_can_be() -> None:
    assert max(NAMES) < PARTNERS
    names = [name for name in (*NAMES.values(), CHEATS_AS) if name]
    assert [shown_name(name) for name in names] == names
    assert len(set(names)) == len(names)
