"""Some of the schedules of a contest's close that `make test-faults` runs 10,000 of; see docs/testing-faults.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from introducer.domain import contest_closing
from introducer.services import contest_steps, finish_result, pay_prizes, publish_result, recount_contest
from introducer.store import contest_results
from introducer.store.clients import Clients
from tests.faults.contests import ContestRunner
from tests.faults.outcomes import Outcome
from tests.faults.planted import _without_conditions
from tests.faults.wire import AFTER, BEFORE

SEEDS = range(30)


@pytest.fixture(scope="module")
def runner() -> ContestRunner:
    return ContestRunner()


@pytest.fixture(scope="module")
def outcomes(runner: ContestRunner) -> list[Outcome]:
    return [runner.run(seed) for seed in SEEDS]


def test_a_contest_pays_each_prize_once_whatever_goes_wrong(outcomes: list[Outcome]) -> None:
    assert [
        f"{outcome.violation}\n  again: python -m tests.faults --of contests --seed {outcome.seed}"
        for outcome in outcomes
        if outcome.violation
    ] == []


def test_the_schedules_are_about_what_they_should_be_about(outcomes: list[Outcome]) -> None:
    facts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        facts += outcome.facts
        faults += outcome.trouble.faults
    for what in (
        "done", "cancelled", "prizes", "late", "chargebacks after the close", "applied after the freeze", "set aside",
        "ties", "nobody takes part", "stands against somebody", "gone again", "started again", "somebody objects",
        "somebody decides", "somebody sets aside",
    ):  # fmt: skip
        assert facts[what] > 0, what
    assert faults[BEFORE] and faults[AFTER]


def pays_whoever_paid(patch: pytest.MonkeyPatch) -> None:
    """A prize that is paid can be paid once more."""
    _without_conditions(patch, "award", "journal", "audit")


def names_journals_by_the_clock(patch: pytest.MonkeyPatch) -> None:
    """Each try to pay is a payment of its own."""
    made, numbers = contest_closing.prize_journal, iter(range(10**6))
    patch.setattr(
        pay_prizes,
        "prize_journal",
        lambda *given: replace(made(*given), id=f"{made(*given).id[:-6]}{next(numbers):06d}"),
    )
    _without_conditions(patch, "award")


def counts_what_comes_late(patch: pytest.MonkeyPatch) -> None:
    """The count is of all facts, whenever they were accepted."""
    patch.setattr(recount_contest, "accepted_in_time", lambda event, frozen_at: True)


def forgets_who_left(patch: pytest.MonkeyPatch) -> None:
    """A client that changes hands while partners are counted is looked for where it is then."""
    patch.setattr(Clients, "relisted", lambda self, partner: [])


def looks_once(patch: pytest.MonkeyPatch) -> None:
    """What stands against participants is not looked at again when the result becomes final."""

    def as_published(books: Any, contest: Any, now: Any) -> Any:
        scored = contest_steps.counted(books, contest.contest)
        asides = books.results.asides(contest.contest)
        ranked = contest_steps.rank(contest, contest_steps.participants(books, contest.contest), scored, asides)
        books.results.keep_results(ranked.edition, ranked.conclusion.results)
        return ranked, []

    patch.setattr(finish_result, "ranked_now", as_published)


def finishes_whatever_came(patch: pytest.MonkeyPatch) -> None:
    """A contest is written as it was read, whatever was decided since."""
    _without_conditions(patch, "contest")


def pays_who_is_set_aside(patch: pytest.MonkeyPatch) -> None:
    """Prizes are reckoned from the recount alone."""
    patch.setattr(publish_result, "rank", lambda contest, entries, scored, asides: _rank(contest, entries, scored, ()))


def awards_by_the_list(patch: pytest.MonkeyPatch) -> None:
    """Prizes that another one is about to write are none."""
    keep = contest_results.ContestResults.keep_awards
    patch.setattr(contest_results.ContestResults, "keep_awards", lambda self, awards: keep(self, list(awards)[:2]))


_rank = contest_steps.rank


BUGS: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    each.__name__: each
    for each in (
        pays_whoever_paid, names_journals_by_the_clock, counts_what_comes_late, forgets_who_left, looks_once,
        finishes_whatever_came, pays_who_is_set_aside, awards_by_the_list,
    )
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_planted_on_purpose_is_found(bug: str, runner: ContestRunner) -> None:
    for seed in (67, *range(400)):
        # given one thing in the product that is wrong
        with pytest.MonkeyPatch.context() as patch:
            BUGS[bug](patch)
            # when a schedule runs
            violation = runner.run(seed).violation
        # then it ends badly, and not so when the bug is gone
        if violation and not runner.run(seed).violation:
            print(f"found by seed {seed}: {violation}")
            return
    pytest.fail("no schedule found it")
