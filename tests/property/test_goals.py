"""Accepting a goal that nobody reaches changes nothing that is owed, whenever in a month it is accepted."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.property.test_programs import compare, world_of
from tests.support import programs
from tests.support.program import Program


def with_goals(program: programs.Program, rng: random.Random) -> programs.Program:
    """The same program, in which partners accept goals on top of their terms, on some day of some month."""
    deals: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for partner, versions in program.deals.items():
        found = [(since, dict(terms)) for since, terms in versions]
        happened = sorted({f"{event.occurred_at:%Y-%m-%d}" for event in program.events}) or ["2026-01-01"]
        for number in range(rng.randint(1, 3)):
            day = rng.choice(happened)
            day = (date.fromisoformat(day) + timedelta(days=rng.randint(0, 3))).isoformat()
            place = sum(since <= day for since, _ in found)
            if not place or found[place - 1][1]["hold"].get("from") == "event_day":
                continue
            terms = deepcopy(found[place - 1][1])
            window = {"from": day, "until": day}
            goal = {"type": "bonus", "id": f"goal_{number}", "by": "ftd", "goal": str(1000 + number), "amount": "500"}
            terms["rules"].append(goal | {"window": window})
            if terms["hold"].get("from") == "qualification":
                terms["hold"]["from"] = "month_end"
            found.insert(place, (day, terms))
        deals[partner] = found
    return replace(program, deals=deals)


SEEDS = [*range(40), 43, 53, 112]
"""43, 53 and 112: a goal in the middle of a month whose tiers look at all of it."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_goal_that_nobody_reaches_changes_nothing_else(seed: int) -> None:
    program = programs.program(random.Random(seed))
    more = with_goals(program, random.Random(f"goals {seed}"))
    plain, changed = (Program(world_of(each)).deliver(*each.events).settle() for each in (program, more))
    assert compare(plain.owed(), changed.owed()) == {}
