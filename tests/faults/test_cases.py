"""Some of the schedules of a case in a payout run that `make test-faults` runs all of; see docs/testing-faults.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from introducer.domain.case_money import Holding
from introducer.services import free_money, hold_money, open_case
from introducer.store import cases as store
from introducer.store import payouts
from tests.faults.cases import CASES, RUNS, WRITES_OF, CaseRunner, plans
from tests.faults.outcomes import Outcome
from tests.faults.wire import AFTER, BEFORE

STEP = 97
"""Every so many-th schedule: a prime, so that they are of every kind."""


@pytest.fixture(scope="module")
def runner() -> CaseRunner:
    return CaseRunner()


@pytest.fixture(scope="module")
def outcomes(runner: CaseRunner) -> list[Outcome]:
    return [runner.run(seed) for seed in range(0, len(plans()), STEP)]


def test_a_case_at_any_point_of_a_payout_run_never_lets_go_what_it_is_about(outcomes: list[Outcome]) -> None:
    assert [
        f"{outcome.violation}\n  again: python -m tests.faults --of cases --seed {outcome.seed}"
        for outcome in outcomes
        if outcome.violation
    ] == []


def test_the_schedules_are_about_what_they_should_be_about(outcomes: list[Outcome]) -> None:
    facts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        facts += outcome.facts
        faults += outcome.trouble.faults
    for what in ("payouts paid", "payouts set_aside", "payouts none", "payouts stopped"):
        assert facts[what] > 0, what
    assert facts["cases released"] > 10 and facts["cases disallowed"] > 10
    assert faults[BEFORE] and faults[AFTER]


def test_every_write_of_both_stories_is_a_point(outcomes: list[Outcome]) -> None:
    # given how many writes the stories really made, where nothing went wrong
    for story in (RUNS, CASES):
        made = max(
            outcome.trouble.made[story]  # type: ignore[attr-defined]
            for outcome in outcomes
            if not outcome.trouble.faults
        )
        # then there is a plan for each of them
        assert made <= WRITES_OF[story]


def no_stop(patch: pytest.MonkeyPatch) -> None:
    """What stands reserved stops nothing."""
    holding = open_case.holding
    patch.setattr(open_case, "holding", lambda *given: replace(holding(*given), reserved=False))
    patch.setattr(hold_money, "holding", lambda *given: replace(holding(*given), reserved=False))


def moves_whatever_came(patch: pytest.MonkeyPatch) -> None:
    """A case moves money as it stood when it was read, whatever came between."""
    held = store.balance_held

    def forgetful(*given: Any) -> Any:
        update = held(*given)
        any_name = next(iter(update["ExpressionAttributeNames"]))
        update["ConditionExpression"] = f"({update['ConditionExpression']}) OR attribute_exists ({any_name})"
        return update

    patch.setattr(store, "balance_held", forgetful)


def lifts_too_early(patch: pytest.MonkeyPatch) -> None:
    """The stop goes with the verdict, whatever a payout still has."""
    patch.setattr(free_money, "_may_be_in_a_payout", lambda *given: False)


def holds_nothing(patch: pytest.MonkeyPatch) -> None:
    """A case only stops payouts."""
    patch.setattr(open_case, "holding", lambda *given: Holding(reserved=True))
    patch.setattr(hold_money, "holding", lambda *given: Holding())


def sends_on_hold(patch: pytest.MonkeyPatch) -> None:
    """Sending does not look at holds."""
    patch.setattr(payouts, "HOLDS", "nothing")


@pytest.mark.parametrize(
    "bug", [no_stop, moves_whatever_came, lifts_too_early, holds_nothing, sends_on_hold], ids=lambda bug: bug.__name__
)
def test_a_bug_planted_on_purpose_is_found(bug: Callable[[pytest.MonkeyPatch], None], runner: CaseRunner) -> None:
    # Every 31st, and between them, and again.
    for seed in (seed for start in (0, 11, 23) for seed in range(start, len(plans()), 31)):
        # given one thing in the product that is wrong
        with pytest.MonkeyPatch.context() as patch:
            bug(patch)
            # when a schedule runs
            violation = runner.run(seed).violation
        # then it ends badly, and not so when the bug is gone
        if violation and not runner.run(seed).violation:
            print(f"found by seed {seed}: {violation}")
            return
    pytest.fail("no schedule found it")
