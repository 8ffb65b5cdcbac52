"""What a contest came to, on real tables: counted once, ranked in editions, each prize paid once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import DESK
from introducer.domain.contest import ContestStatus, Metric
from introducer.domain.contest_closing import Batch, together
from introducer.domain.events import Event
from introducer.services.recount_contest import recount_batch
from tests.conftest import Tables
from tests.support.builders import an_event, at
from tests.support.contests import CONTEST, ContestWorld, a_contest, ranks

pytestmark = pytest.mark.in_memory


def a_move(client: str, partner: str, now: datetime, since: str = "2026-11-01") -> Event:
    """Staff decide whose client it is, from a moment on."""
    return an_event(
        "move", now, client=client, partner=partner, starts_at=at(since), source=DESK, event_id=f"mov_{partner}",
        accepted_at=now,
    )  # fmt: skip


def scores(world: ContestWorld) -> dict[str, dict[Any, int]]:
    return {each: dict(counted.counted) for each, counted in together(world.books.results.recounts(CONTEST)).items()}


@pytest.fixture
def world(tables: Tables) -> ContestWorld:
    world = ContestWorld(tables)
    world.partners("par_a", "par_b", "par_c", "par_d")
    return world


def test_a_contest_goes_from_its_end_to_its_prizes(world: ContestWorld) -> None:
    # given three who take part, and one who only scores
    world.contest(a_contest(), "par_a", "par_b", "par_c")
    for number, partner in enumerate(["par_a", "par_b", "par_b", "par_d", "par_c", "par_c", "par_c"]):
        world.client(f"c{number}", partner, "2026-11-03")
    # when it closes
    done = world.done()
    # then
    assert ranks(world) == [(1, "par_c", 300), (2, "par_b", 200), (3, "par_a", 100)]
    assert world.prizes() == {"par_c": 500_00, "par_b": 300_00, "par_a": 200_00}
    assert done.archive


def test_a_client_that_changes_hands_while_partners_are_counted_is_counted_once(world: ContestWorld) -> None:
    # given two batches, and a client of the second one's partner
    world.contest(a_contest(), "par_a", "par_b")
    world.client("c1", "par_b", "2026-11-03")
    world.freezes()
    world.later(minutes=5)
    batches = (Batch("0000", "", "par_a"), Batch("0001", "par_a", ""))
    world.books.results.plan(CONTEST, batches)
    # when the first partner is counted, then gets the client, and then the second one is counted
    recount_batch(world.books, contest=CONTEST, batch=batches[0]._asdict(), now=world.now)
    world.comes(a_move("c1", "par_a", world.now))
    recount_batch(world.books, contest=CONTEST, batch=batches[1]._asdict(), now=world.now)
    # then it counts for the one that had it, once
    assert scores(world) == {"par_b": {Metric.FTD: 1}}


def test_a_client_that_comes_from_a_partner_not_counted_yet_is_counted_once(world: ContestWorld) -> None:
    world.contest(a_contest(), "par_a", "par_b")
    world.client("c1", "par_a", "2026-11-03")
    world.freezes()
    world.later(minutes=5)
    batches = (Batch("0000", "", "par_a"), Batch("0001", "par_a", ""))
    world.books.results.plan(CONTEST, batches)
    # when the client moves, and the partner it comes from is counted last
    world.comes(a_move("c1", "par_b", world.now))
    for batch in reversed(batches):
        recount_batch(world.books, contest=CONTEST, batch=batch._asdict(), now=world.now)
    # then
    assert scores(world) == {"par_a": {Metric.FTD: 1}}
    # and the move changes nothing, though it says the client was the other's from the beginning
    assert world.publishes().status is ContestStatus.PROVISIONAL
