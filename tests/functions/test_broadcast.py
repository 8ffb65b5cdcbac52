"""The steps of `broadcast`, called as the state machine calls them; and what their role lets them write."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.domain.broadcast import BroadcastStatus, execution_input, execution_name, stop_name
from introducer.domain.errors import Invalid, NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.services.decide_broadcast import stop_broadcast, take_back_broadcast
from introducer.store.paces import Known
from tests.conftest import Tables
from tests.support import functions
from tests.support.broadcasting import CHECKER, NOW, Broadcasting
from tests.support.roles import allows, watched

pytestmark = pytest.mark.in_memory


@pytest.fixture
def world(tables: Tables) -> Broadcasting:
    found = Broadcasting(tables.books, 4)
    found.books.paces.keep_rate(Known(50, milliseconds(NOW)))
    return found


@pytest.fixture
def module(world: Broadcasting, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = functions.load("broadcast")
    monkeypatch.setattr(found, "books", lambda: world.books)
    monkeypatch.setattr(found, "mailer", lambda: SimpleNamespace(per_second=lambda: 50))
    monkeypatch.setattr(found, "clock", SimpleNamespace(now=lambda: world.now))
    monkeypatch.setattr(found, "time", SimpleNamespace(sleep=world.sleep))
    return found


def does(module: ModuleType, step: str, given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = module.handler({"step": step, "given": given}, None)
    return answer


def test_a_broadcast_is_walked_by_its_steps_and_its_role_lets_it(
    world: Broadcasting, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one that is to go in two hours
    scheduled = world.submits(world.drafts(send_at=NOW + timedelta(hours=2)))
    given = execution_input(scheduled)
    asked = watched(monkeypatch)
    # when its steps are taken, as their answers say
    before = does(module, "look", given)
    assert (before["stage"], before["wait"]) == ("before", 7_200)
    world.now += timedelta(hours=2)
    assert does(module, "look", given)["stage"] == "freeze"
    frozen = does(module, "freeze", given)
    assert (frozen["stage"], frozen["told"]["recipients"]) == ("send", 4)
    done = does(module, "send", given)
    # then all have it, and what waits is taken back when somebody stops it
    assert (done["stage"], done["told"]["handed_over"]) == ("done", 4)
    assert done["told"]["page"] == f"/desk/broadcasts/{scheduled.broadcast}"
    by_role = set(asked)
    stop_broadcast(
        world.books, world.start, member=CHECKER, broadcast=scheduled.broadcast, why="wrong link", now=world.now
    )
    asked.clear()
    assert does(module, "take_back", given)["told"]["taken_back"] == 4
    # and nothing was asked that its role does not allow
    asked |= by_role
    assert [each for each in sorted(asked) if not allows("BroadcastRole", *each)] == []
    assert len({pk for _, _, pk in asked if pk.startswith("P#") and pk.endswith("#mails")}) == 4


def test_one_that_was_taken_back_or_stopped_is_not_sent(world: Broadcasting, module: ModuleType) -> None:
    scheduled = world.submits(world.drafts())
    draft = take_back_broadcast(
        world.books, member=CHECKER, broadcast=scheduled.broadcast, version=scheduled.version, now=NOW
    )
    for step in ("look", "freeze", "send"):
        assert does(module, step, execution_input(scheduled))["stage"] == "other"
    # submitted again, the new execution alone walks it
    world.now += timedelta(seconds=5)
    again = world.submits(draft)
    assert does(module, "look", execution_input(scheduled))["stage"] == "other"
    assert does(module, "freeze", execution_input(again))["stage"] == "send"
    stop_broadcast(world.books, world.start, member=CHECKER, broadcast=again.broadcast, why="wrong link", now=world.now)
    stopped = does(module, "send", execution_input(again))
    assert (stopped["stage"], stopped["told"]["why"]) == ("stopped", "wrong link")
    assert does(module, "take_back", execution_input(again))["told"]["taken_back"] == 0
    assert world.mails("par_000") == []


def test_what_somebody_else_wrote_meanwhile_is_tried_again(
    world: Broadcasting, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled = world.submits(world.drafts())
    freeze = world.books.broadcasts.freeze

    def meets(*given: Any) -> None:
        freeze(*given)
        take_back_broadcast(
            world.books, member=CHECKER, broadcast=scheduled.broadcast, version=scheduled.version, now=NOW
        )

    monkeypatch.setattr(world.books.broadcasts, "freeze", meets)
    with pytest.raises(Unavailable):
        does(module, "freeze", execution_input(scheduled))
    assert world.stands(scheduled).status is BroadcastStatus.DRAFT


def test_an_input_that_names_nothing_is_told_so(world: Broadcasting, module: ModuleType) -> None:
    with pytest.raises(Invalid, match="broadcast and submitted must be texts"):
        does(module, "look", {})
    with pytest.raises(NotFound):
        does(module, "look", {"broadcast": "brc_" + "0" * 26, "submitted": "1"})


def test_the_hourly_sweep_starts_what_is_to_be_walked(
    world: Broadcasting, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Machine:
        def __init__(self, *given: Any) -> None:
            pass

        def start(self, name: str, given: Any) -> Any:
            started.append(name)
            return SimpleNamespace(name=name)

    monkeypatch.setattr(module.workflows, "Workflows", Machine)
    monkeypatch.setattr(module, "step_functions", lambda: None)
    scheduled = world.submits(world.drafts(name="One"))
    world.now += timedelta(seconds=1)
    done = world.sends(world.begun(name="Two"))
    world.now += timedelta(seconds=1)
    world.drafts(name="Three")
    assert module.handler({"machine": "arn"}, None) == {"executions": 1}
    assert started == [execution_name(scheduled)] and done.status is BroadcastStatus.DONE
    # and what waits of one that was stopped is taken back, whoever stopped it met Step Functions or not
    stop_broadcast(world.books, world.start, member=CHECKER, broadcast=done.broadcast, why="wrong", now=world.now)
    started.clear()
    assert module.handler({"machine": "arn"}, None) == {"executions": 2}
    assert set(started) == {execution_name(scheduled), stop_name(done)}
    world.now += timedelta(days=3)
    assert module.handler({"machine": "arn"}, None) == {"executions": 1}
