"""Some of the schedules of a payout run that `make test-faults` runs by the thousand; see docs/testing-faults.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from introducer_ops.localcloud import LocalCloud
from tests.faults import payout_planted
from tests.faults.running import PAYOUTS, Outcome, in_memory, on_the_cloud
from tests.faults.stores import cloud_client
from tests.faults.wire import AFTER, BEFORE

SEEDS = range(100_000, 100_090)
"""Not those of `make test-faults`."""
CLOUD_SEEDS = SEEDS[:2]
ENOUGH = 600
"""Every planted bug is found in fewer schedules."""


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    runner = in_memory(PAYOUTS)
    return [runner.run(seed) for seed in SEEDS]


def violations(outcomes: Sequence[Outcome], where: str) -> list[str]:
    """What went wrong, each with how to see it again."""
    return [
        f"{outcome.violation}\n  again: python -m tests.faults --of payouts --seed {outcome.seed} --where {where}"
        for outcome in outcomes
        if outcome.violation
    ]


def test_crashes_rivals_holds_and_silent_providers_pay_nobody_twice_and_lose_nothing(outcomes: list[Outcome]) -> None:
    assert violations(outcomes, "memory") == []


@pytest.mark.cloud
def test_nor_do_they_on_the_local_cloud(cloud: LocalCloud) -> None:
    runner = on_the_cloud(cloud_client(cloud.endpoint), PAYOUTS)
    assert violations([runner.run(seed) for seed in CLOUD_SEEDS], "cloud") == []


def test_a_seed_is_one_schedule(outcomes: list[Outcome]) -> None:
    # given a schedule with crashes
    first = next(outcome for outcome in outcomes if outcome.trouble.crashed and outcome.facts["payouts paid"])
    # when it runs again
    again = in_memory(PAYOUTS).run(first.seed)
    # then the same calls are made, and the same go wrong
    assert again.trouble.seen == first.trouble.seen
    assert again.trouble.crashed == first.trouble.crashed
    assert again.facts == first.facts


def test_the_schedules_are_about_what_they_should_be_about(outcomes: list[Outcome]) -> None:
    # given the worlds of these schedules
    facts: Counter[str] = Counter()
    crashed: Counter[str] = Counter()
    for outcome in outcomes:
        facts += outcome.facts
        crashed += Counter(moment for (site, moment), count in outcome.trouble.crashed.items() for _ in range(count))
    # then payouts end in every way, are converted, and something comes between
    for status in ("paid", "failed", "returned", "rejected", "set_aside"):
        assert facts[f"payouts {status}"] > 5, status
    for what in ("converted", "hold", "profile", "unknown: no_answer", "said by people"):
        assert facts[what] > 5, what
    assert facts["set aside: on_hold"] and facts["batches key_expired"]
    # and functions die before and after what they send
    assert crashed[BEFORE] > 20 and crashed[AFTER] > 20


@pytest.mark.parametrize("bug", payout_planted.BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_planted_on_purpose_is_found(bug: Callable[[pytest.MonkeyPatch], None]) -> None:
    runner = in_memory(PAYOUTS)
    first = payout_planted.BUGS[bug]
    for seed in (*range(first, ENOUGH), *range(first)):
        # given one thing in the product that is wrong
        with pytest.MonkeyPatch.context() as patch:
            bug(patch)
            # when a schedule runs
            violation = runner.run(seed).violation
        # then it ends badly, and not so when the bug is gone
        if violation and not runner.run(seed).violation:
            print(f"found by seed {seed}: {violation}")
            return
    pytest.fail(f"{ENOUGH} schedules did not find it")
