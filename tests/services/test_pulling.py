"""Fetching sources: every event once, whatever breaks off between two steps, and what is said when a platform fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Availability
from introducer.domain.errors import Malformed, NotFound, Unavailable
from introducer.domain.pulling import FIRST_WAIT_MS, LEASE_MS, LONGEST_WAIT_MS, NEEDS_PERSON_AFTER, Pull
from introducer.services.pull_source import Outcome, sources_due
from introducer.sources.dialects.pulling import reached
from introducer.store.facts import Facts
from introducer.store.pulls import Pulls
from tests.support import samples
from tests.support.house import SET_UP, a_house
from tests.support.pulling import FETCHED, Pulling, deposits

pytestmark = pytest.mark.in_memory


@pytest.fixture
def world() -> Iterator[Pulling]:
    with a_house() as house:
        yield Pulling(house)


def events(world: Pulling) -> list[str]:
    """The ids of all events of the source."""
    places = world.house.memory.tables["facts"].items
    return sorted(sk for pk, sk in places if pk.startswith("E#") and sk.startswith(f"{FETCHED}#"))


def test_a_source_is_fetched_window_by_window_and_page_by_page_until_it_is_caught_up_with(world: Pulling) -> None:
    # given eight deposits of two days, three to a page
    world.source()
    world.platform.events = deposits(8, world.house.now - timedelta(hours=30))

    run = world.pull()

    # then all are there once, and the next run asks for the time since, and for the overlap
    assert (run.outcome, run.counts["accepted"], run.counts["quarantined"]) == (Outcome.CAUGHT_UP, 8, 0)
    assert len(events(world)) == 8
    assert reached(world.pulls.pull(FETCHED).cursor) == world.house.now
    world.platform.asked.clear()
    world.passes(minutes=5)
    again = world.pull()
    [request] = world.platform.asked
    since = int((world.house.now - timedelta(minutes=65)).timestamp() * 1000)
    assert f"from={since}&" in request.url
    assert (again.outcome, again.counts["accepted"]) == (Outcome.CAUGHT_UP, 0)


def test_a_row_that_is_written_late_is_found_within_the_overlap_and_known_ones_stay_as_they_are(world: Pulling) -> None:
    world.source(overlap_minutes=60)
    begun = world.house.now - timedelta(minutes=50)
    world.platform.events = deposits(3, begun)
    world.pull()
    # when the platform writes a row of twenty minutes ago
    world.passes(minutes=5)
    late = deposits(9, world.house.now - timedelta(minutes=20), timedelta())[-1]
    world.platform.writes(*late)
    run = world.pull()
    assert (run.counts["accepted"], run.counts["duplicate"]) == (1, 3)
    assert len(events(world)) == 4


def test_a_broken_row_is_kept_with_its_line_and_the_rest_goes_on(world: Pulling) -> None:
    world.source(page_size=10)
    world.platform.events = deposits(3, world.house.now - timedelta(minutes=40))
    world.platform.events[1][1]["amount"] = "a lot"
    run = world.pull()
    assert (run.counts["accepted"], run.counts["quarantined"]) == (2, 1)
    assert world.kept() == {"fetched, line 2": "invalid_amount"}
    # and read again within the overlap it is kept once a day
    world.passes(minutes=5)
    assert world.pull().counts["quarantined"] == 1
    assert len(world.kept()) == 1


class _Dies(Exception):
    """The process ends here."""


def _writes(world: Pulling, patch: pytest.MonkeyPatch, dies_at: int, *, after: bool) -> None:
    """The process ends before, or after, this write: of an event, a kept row or the cursor."""
    count = iter(range(1, 10_000))

    def dying(of: Any, name: str) -> None:
        original = getattr(of, name)

        def write(self: Any, *args: Any, **given: Any) -> Any:
            number = next(count)
            if number == dies_at and not after:
                raise _Dies
            answer = original(self, *args, **given)
            if number == dies_at:
                raise _Dies
            return answer

        patch.setattr(of, name, write)

    dying(Facts, "put_event")
    dying(Facts, "quarantine")
    dying(Pulls, "move")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_cut_off_at_any_write_loses_nothing_and_doubles_nothing(after: bool) -> None:
    # given two pages with a broken row: the writes of a whole run are counted first
    dies_at = 1
    while True:
        with a_house() as house, pytest.MonkeyPatch.context() as patch:
            world = Pulling(house)
            world.source(page_size=3, window_minutes=4320)
            world.platform.events = deposits(5, house.now - timedelta(hours=3))
            world.platform.events[1][1]["amount"] = "a lot"
            _writes(world, patch, dies_at, after=after)
            try:
                world.pull()
            except _Dies:
                died = True
            else:
                died = False
            patch.undo()
            # when the next run comes, after the lease
            world.passes(milliseconds=LEASE_MS + 1)
            assert world.pull().outcome is Outcome.CAUGHT_UP
            assert len(events(world)) == 4, dies_at
            assert len(world.kept()) == 1, dies_at
            assert world.pulls.pull(FETCHED).failures == 0
        if not died:
            break
        dies_at += 1
    assert dies_at > 8, "every event, the kept row, each page's cursor, and both ends of a run"


def test_of_two_runs_at_once_one_has_the_source_and_a_dead_ones_lease_ends(world: Pulling) -> None:
    world.source()
    world.platform.events = deposits(2, world.house.now - timedelta(hours=1))
    inner: list[Outcome] = []

    def meanwhile(request: Any) -> bytes:
        world.platform.does = None
        inner.append(world.pull(asked=True).outcome)
        return world.platform.page(request)

    world.platform.does = meanwhile
    assert world.pull().outcome is Outcome.CAUGHT_UP
    assert inner == [Outcome.NOT_NOW]
    # a run that has lost the source moves nothing
    before = world.pulls.pull(FETCHED)
    assert not world.pulls.move(Pull(source=FETCHED, version=before.version - 1), before)


def test_when_the_time_is_used_the_next_run_goes_on_where_this_one_stopped(world: Pulling) -> None:
    world.source(window_minutes=60)
    world.platform.events = deposits(9, world.house.now - timedelta(hours=40), timedelta(hours=4))
    page = world.platform.page

    def slow(request: Any) -> bytes:
        world.elapsed += 50
        world.platform.does = None
        try:
            return page(request)
        finally:
            world.platform.does = slow

    world.platform.does = slow
    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1] is Outcome.MORE:
        outcomes.append(world.pull().outcome)
    assert len(outcomes) > 5 and outcomes[-1] is Outcome.CAUGHT_UP
    assert len(events(world)) == 9


def _fails(*errors: Exception) -> Any:
    rest = list(errors)

    def fails(request: Any) -> bytes:
        raise rest.pop(0) if len(rest) > 1 else rest[0]

    return fails


def test_a_platform_that_fails_is_asked_ever_more_seldom_and_said_of_until_it_answers(world: Pulling) -> None:
    world.source()
    world.platform.does = _fails(Unavailable("The platform cannot answer just now (503).", code="platform_down"))
    waits = []
    for number in range(1, 10):
        run = world.pull()
        assert run.outcome is Outcome.FAILED and run.pull is not None
        assert (run.pull.failures, run.pull.error) == (number, "platform_down")
        assert run.pull.needs_person == (number >= NEEDS_PERSON_AFTER)
        waits.append(run.pull.due - run.pull.tried)
        assert world.pull().outcome is Outcome.NOT_NOW
        assert not list(sources_due(world.house.configuration, world.pulls, world.house.now))
        world.passes(milliseconds=waits[-1])
    assert waits[:3] == [FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, 4 * FIRST_WAIT_MS] and waits[-1] == LONGEST_WAIT_MS
    # when a person asks, it is tried at once, and all is well
    world.pull()
    world.platform.does = None
    assert world.pull(asked=True).outcome is Outcome.CAUGHT_UP
    pull = world.pulls.pull(FETCHED)
    assert (pull.failures, pull.error, pull.due, pull.busy_until) == (0, "", 0, 0)


def test_a_platform_that_names_a_time_is_left_alone_for_it(world: Pulling) -> None:
    world.source()
    world.platform.does = _fails(Unavailable("Too many.", code="platform_busy", wait=1800))
    run = world.pull()
    assert run.pull is not None and run.pull.due - run.pull.tried == 1_800_000


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Malformed("No.", code="platform_refused"), "platform_refused"),
        (Unavailable("No.", code="name_unresolved"), "name_unresolved"),
    ],
)
def test_what_does_not_pass_by_itself_needs_a_person_at_once(world: Pulling, error: Exception, code: str) -> None:
    world.source()
    world.platform.does = _fails(error)
    run = world.pull()
    assert run.pull is not None
    assert (run.pull.error, run.pull.needs_person) == (code, isinstance(error, Malformed))


@pytest.mark.parametrize(
    ("told", "body", "code"),
    [
        ({}, b"<html>", "not_json"),
        ({"auth": "bearer"}, b"[]", "no_token"),
        ({"url": "https://crm.example.com/{account}"}, b"[]", "invalid_settings"),
    ],
)
def test_what_cannot_be_asked_or_read_is_written_down(
    world: Pulling, told: dict[str, Any], body: bytes, code: str
) -> None:
    world.source(**told)
    world.token = ""
    world.platform.does = lambda request: body
    run = world.pull()
    assert run.pull is not None and (run.outcome, run.pull.error) == (Outcome.FAILED, code)
    assert run.pull.cursor is None, "nothing was read, so it is read again"


def test_a_platform_that_gives_the_same_page_for_ever_is_found_out(world: Pulling) -> None:
    # given an address that says which page, and a platform that does not care
    world.source()
    page = json.dumps([event for _, event in deposits(3, world.house.now - timedelta(hours=1))]).encode()
    world.platform.does = lambda request: page
    run = world.pull()
    assert run.pull is not None and run.pull.error == "same_page_again"
    assert len(events(world)) == 3
    # and one whose stretches hold the same single row is well
    world.source("other", overlap_minutes=600, window_minutes=600)
    world.platform.does = lambda request: page if "page=1&" in request.url else b"[]"
    assert world.pull("other").outcome is Outcome.CAUGHT_UP


def test_a_page_that_is_more_than_a_run_can_take_is_given_up_with_advice(world: Pulling) -> None:
    world.source(page_size=500, window_minutes=4320)
    world.platform.events = deposits(150, world.house.now - timedelta(hours=30), timedelta(minutes=1))
    page = world.platform.page

    def long(request: Any) -> bytes:
        world.platform.does = None
        world.elapsed += 1000
        return page(request)

    world.platform.does = long
    run = world.pull()
    assert run.pull is not None and run.pull.error == "page_too_long" and "page_size" in run.pull.detail


def test_a_paused_source_and_one_that_posts_are_not_fetched_and_the_token_goes_along(world: Pulling) -> None:
    source = world.source(auth="bearer")
    configuration = world.house.configuration
    due = list(sources_due(configuration, world.pulls, world.house.now))
    assert due == [FETCHED], "the house's other source posts"
    world.pull()
    assert world.platform.asked[0].headers["Authorization"] == "Bearer t0ken"
    configuration.change_source(source, replace(source, status=Availability.PAUSED), "pause_source", SET_UP)
    assert not list(sources_due(configuration, world.pulls, world.house.now))
    assert world.pull(asked=True).outcome is Outcome.NOT_NOW
    with pytest.raises(NotFound):
        world.pull("nobody")


ASKED = {
    "mt5-page.json": (
        "mt5",
        {"url": "https://mt5.example.com", "groups": "real*"},
        "https://mt5.example.com/api/deal/get_batch?group=real*&from=",
    ),
    "ctrader-deals.json": (
        "ctrader",
        {"url": "https://bridge.example.com/deals?from={from_ms}&to={to_ms}"},
        "https://bridge.example.com/deals?from=",
    ),
    "hasoffers-page.json": (
        "hasoffers",
        {"url": "https://net.api.hasoffers.com", "network_id": "net"},
        "https://net.api.hasoffers.com/Apiv3/json?NetworkId=net&Target=Conversion&Method=findAll",
    ),
}


@pytest.mark.parametrize("sample", ASKED)
def test_each_dialect_that_can_be_fetched_is_asked_at_its_address_and_its_rows_are_taken_once(
    world: Pulling, sample: str
) -> None:
    # given a platform that answers one stretch of time with the sample of its dialect
    dialect, told, address = ASKED[sample]
    settings = samples.settings_of(sample) | told | {"window_minutes": 10_080, "page_size": 100}
    world.source(dialect=dialect, **settings)
    world.platform.does = lambda request: samples.body_of(sample, "A" * 32)

    first = world.pull()
    world.passes(minutes=5)
    again = world.pull()

    # then each row has become what it does as a file, and is known when it is read again
    assert (first.outcome, again.outcome) == (Outcome.CAUGHT_UP, Outcome.CAUGHT_UP)
    assert {request.url.startswith(address) for request in world.platform.asked} == {True}
    assert first.counts["accepted"] > 0 and first.counts["quarantined"] == len(world.kept()) > 0
    assert (again.counts["accepted"], again.counts["duplicate"]) == (0, first.counts["accepted"])
    assert len(world.kept()) == first.counts["quarantined"]
    assert len(events(world)) == first.counts["accepted"]
