"""Some of the schedules that `make test-faults` runs by the thousand; see docs/testing-faults.md."""

from __future__ import annotations

import pytest

from introducer_ops.localcloud import LocalCloud
from tests.faults.running import Runner, in_memory, on_the_cloud
from tests.faults.stores import cloud_client
from tests.faults.wire import AFTER, BEFORE

SEEDS = range(100_000, 100_150)
"""Not those of `make test-faults`."""
CLOUD_SEEDS = SEEDS[:10]


def violations(runner: Runner, seeds: range, where: str) -> list[str]:
    """What went wrong, each with how to see it again."""
    outcomes = [runner.run(seed) for seed in seeds]
    return [
        f"{outcome.violation}\n  again: python -m tests.faults --seed {outcome.seed} --where {where}"
        for outcome in outcomes
        if outcome.violation
    ]


def test_crashes_rivals_and_repeats_lose_nothing_and_count_nothing_twice() -> None:
    assert violations(in_memory(), SEEDS, "memory") == []


@pytest.mark.cloud
def test_nor_do_they_on_the_local_cloud(cloud: LocalCloud) -> None:
    assert violations(on_the_cloud(cloud_client(cloud.endpoint)), CLOUD_SEEDS, "cloud") == []


def test_a_seed_is_one_schedule() -> None:
    # given a schedule with crashes
    first = next(
        outcome for seed in SEEDS if (outcome := in_memory().run(seed)).trouble.crashed and outcome.facts["earned"]
    )
    # when it runs again
    again = in_memory().run(first.seed)
    # then the same calls are made, and the same go wrong
    assert again.trouble.seen == first.trouble.seen
    assert again.trouble.crashed == first.trouble.crashed
    assert again.facts == first.facts


def test_the_schedules_are_about_what_they_should_be_about() -> None:
    # given some schedules
    runner = in_memory()
    outcomes = [runner.run(seed) for seed in SEEDS[:40]]
    # then their worlds earn, claw back, close months and block partners
    facts = sum((outcome.facts for outcome in outcomes), start=type(outcomes[0].facts)())
    for what in ("earned", "clawed back", "posted late", "closed", "blocked"):
        assert facts[what] > 2, what
    # and the engine dies before and after its transaction
    crashed = sum((outcome.trouble.crashed for outcome in outcomes), start=type(outcomes[0].trouble.crashed)())
    write = "TransactWriteItems Accruals.write < Engine._apply_batch"
    assert crashed[write, BEFORE] and crashed[write, AFTER]
