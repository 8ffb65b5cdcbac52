"""Some of the schedules that `make test-faults` runs by the thousand; see docs/testing-faults.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from introducer_ops.localcloud import LocalCloud
from tests.faults.running import Outcome, in_memory, on_the_cloud
from tests.faults.stores import cloud_client
from tests.faults.wire import AFTER, BEFORE

SEEDS = range(100_000, 100_100)
"""Not those of `make test-faults`."""
CLOUD_SEEDS = SEEDS[:6]


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    runner = in_memory()
    return [runner.run(seed) for seed in SEEDS]


def violations(outcomes: Sequence[Outcome], where: str) -> list[str]:
    """What went wrong, each with how to see it again."""
    return [
        f"{outcome.violation}\n  again: python -m tests.faults --seed {outcome.seed} --where {where}"
        for outcome in outcomes
        if outcome.violation
    ]


def test_crashes_rivals_and_repeats_lose_nothing_and_count_nothing_twice(outcomes: list[Outcome]) -> None:
    assert violations(outcomes, "memory") == []


@pytest.mark.cloud
def test_nor_do_they_on_the_local_cloud(cloud: LocalCloud) -> None:
    runner = on_the_cloud(cloud_client(cloud.endpoint))
    assert violations([runner.run(seed) for seed in CLOUD_SEEDS], "cloud") == []


def test_a_seed_is_one_schedule(outcomes: list[Outcome]) -> None:
    # given a schedule with crashes
    first = next(outcome for outcome in outcomes if outcome.trouble.crashed and outcome.facts["earned"])
    # when it runs again
    again = in_memory().run(first.seed)
    # then the same calls are made, and the same go wrong
    assert again.trouble.seen == first.trouble.seen
    assert again.trouble.crashed == first.trouble.crashed
    assert again.facts == first.facts


def test_the_schedules_are_about_what_they_should_be_about(outcomes: list[Outcome]) -> None:
    # given the worlds of these schedules
    facts: Counter[str] = Counter()
    crashed: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        facts += outcome.facts
        crashed += outcome.trouble.crashed
    # then people earn in them, lose again, and months are closed and partners blocked meanwhile
    for what in ("earned", "clawed back", "posted late", "closed", "blocked", "waited for rates"):
        assert facts[what] > 5, what
    # and the engine and settling die before and after their transactions
    for write in ("Accruals.write < Engine._apply_batch", "Settlements.write < Settler._post"):
        for moment in (BEFORE, AFTER):
            assert crashed[f"TransactWriteItems {write}", moment], (write, moment)
