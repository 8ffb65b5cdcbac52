"""What was judged is settled: it is not found again, and does not become usual."""

from __future__ import annotations

from dataclasses import replace

from introducer.domain.calendar import day_start, plus_days
from introducer.domain.fraud import registry
from introducer.domain.fraud.seen import WINDOW, Day, Seen
from introducer.domain.fraud.trace import Trace

TODAY = "2026-06-30"


def weeks(*loads: int) -> Seen:
    """A partner whose links were loaded as images so often on each of the last days."""
    names = [plus_days(TODAY, 1 - WINDOW + number) for number in range(WINDOW)]
    quiet = [0] * (WINDOW - len(loads))
    days = tuple(Day(name, clicks=100, stuffed=stuffed) for name, stuffed in zip(names, [*quiet, *loads], strict=True))
    return Seen(partner="par_1", today=TODAY, at=1_782_863_999_000, days=days, traces=())


def found(seen: Seen) -> set[str]:
    return {finding.detector for finding in registry.score(seen)}


def test_loads_that_a_verdict_was_about_are_not_found_again_and_new_ones_are() -> None:
    # given a week of loads that a case was decided about
    seen = weeks(*[60] * 7, 0, 0, 0)
    assert "stuffing" in found(seen)
    judged = {"stuffing": plus_days(TODAY, -3)}
    # then that week is settled
    assert "stuffing" not in found(replace(seen, judged=judged))
    # and who goes on at the same rate is found again
    assert "stuffing" in found(replace(weeks(*[60] * 7, *[70] * 3), judged=judged))


def test_an_account_that_a_verdict_was_about_is_a_question_of_later_clients_alone() -> None:
    judged = {"shared_account": plus_days(TODAY, -3)}
    old, new = (
        Trace(client=name, registered=day_start(plus_days(TODAY, back))) for name, back in (("a", -9), ("b", -1))
    )
    seen = replace(weeks(), account_partners=("par_2",), traces=(old,))
    assert found(seen) == {"shared_account"}
    assert found(replace(seen, judged=judged)) == set()
    [finding] = registry.score(replace(seen, judged=judged, traces=(old, new)))
    assert finding.clients == ("b",)
