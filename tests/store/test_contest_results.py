"""What a contest came to, on real tables: counted once, ranked in editions, each prize paid once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from introducer.domain.configuration import DESK, Change
from introducer.domain.contest import ContestStatus, Metric, PrizeKind
from introducer.domain.contest_closing import Batch, Objection, Recount, SetAside, together
from introducer.domain.contest_prizes import Award, AwardStatus, Result, Unranked
from introducer.domain.contest_score import Counted
from introducer.domain.errors import NotFound
from introducer.domain.events import Event
from introducer.domain.ledger import Line
from introducer.services.recount_contest import recount_batch
from introducer.store.contest_results import ContestResults
from introducer.store.wire import connect
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


NOW = at("2026-11-17 09:00")


@pytest.fixture
def results(tables: Tables) -> ContestResults:
    return ContestResults(tables.books)


def put(tables: Tables, *puts: Any) -> None:
    connect(tables.books).transact_write_items((), (), puts, ())


@pytest.mark.pattern("recount_of_batch")
@pytest.mark.pattern("recounts_of_contest")
def test_what_was_counted_of_a_batch_is_kept_once(results: ContestResults) -> None:
    # given the plan of one contest, and one of its batches
    batches = (Batch("0000", "", "par_b"), Batch("0001", "par_b", ""))
    assert results.batches(CONTEST) == () and results.recount(CONTEST, "0000") is None
    assert results.plan(CONTEST, batches) == batches
    huge = Counted({Metric.DEPOSITS: 10**25, Metric.FTD: 2}, 1_762_000_000_000)
    first = Recount(contest=CONTEST, batch="0000", counted={"par_a": huge}, clients=7, left_out=(("c1", "mt5", "e#1"),))
    assert results.keep_recount(first) == first
    # when another plan, and another count of the batch, come later
    assert results.plan(CONTEST, batches[:1]) == batches
    assert results.keep_recount(replace(first, counted={}, clients=8)) == first
    # then the first ones stand
    assert results.recount(CONTEST, "0000") == first
    assert list(results.recounts(CONTEST)) == [first] and list(results.recounts("ctt_2")) == []


@pytest.mark.pattern("set_aside_of_contest")
@pytest.mark.pattern("set_aside_of_partner")
@pytest.mark.pattern("objections_of_contest")
@pytest.mark.pattern("objections_of_partner")
def test_who_is_set_aside_and_who_objects_is_kept(tables: Tables, results: ContestResults) -> None:
    # given somebody who was set aside, somebody who is no more, and objections of two, of which one is answered
    aside = SetAside(contest=CONTEST, partner="par_b", why="Bought its clients", by="mem_m", at=NOW)
    back = SetAside(
        contest=CONTEST, partner="par_a", why="hold", by="system:x", at=NOW, taken_back_by="system:x",
        taken_back_at=NOW, taken_back_why="It is gone",
    )  # fmt: skip
    waits = Objection(contest=CONTEST, partner="par_a", at=NOW, by="mem_a", text="I had more")
    other = replace(waits, partner="par_a2")
    put(tables, *map(results.aside_put, (aside, back)), *map(results.objection_put, (waits, other)))
    answered = replace(other, decided_by="mem_m", decided_at=NOW, upheld=True, why="So it is")
    put(tables, results.objection_put(answered))
    # then
    assert results.asides(CONTEST) == [back, aside]
    assert results.aside(CONTEST, "par_b") == aside and results.aside(CONTEST, "par_c") is None
    assert results.objections(CONTEST) == [waits, answered]
    assert results.objections(CONTEST, "par_a") == [waits]


@pytest.mark.pattern("results_of_division")
def test_the_ranking_that_counts_is_that_of_the_edition_that_the_contest_names(results: ContestResults) -> None:
    # given two editions, of three and of one
    contest = a_contest(edition="edn_2", status=ContestStatus.PROVISIONAL)
    base = Result(contest=CONTEST, partner="par_a", division=0, rank=1, score=300, last_at=5, counted={Metric.FTD: 3})
    three = (
        replace(base, amount=10**20, gifts=("A watch",)),
        replace(base, partner="par_c", rank=2, score=200),
        replace(base, partner="par_b", rank=0, unranked=Unranked.SET_ASIDE, aside="hold"),
    )
    results.keep_results("edn_2", three)
    results.keep_results("edn_2", three)
    results.keep_results("edn_1", three[:1])
    # then it is read page by page, in its order
    page = results.results(contest, 0, limit=2)
    assert (page.items, results.results(contest, 0, page.cursor, limit=2).items) == (three[:2], three[2:])
    assert list(results.all_results(contest)) == list(three)
    # and before there is a result there is none
    assert results.results(a_contest(), 0).items == ()


def an_award(partner: str = "par_a", number: int = 1, **fields: Any) -> Award:
    given: dict[str, Any] = {
        "contest": CONTEST, "brand": "brd_1", "division": 0, "place": 1, "score": 300, "kind": PrizeKind.FIXED,
        "amount": 100_00, "currency": "EUR", "lines": (Line("prize_places", "100.00", ("1", "1")),),
    }  # fmt: skip
    return Award(partner=partner, number=number, **given | fields)


@pytest.mark.pattern("awards_of_partner")
@pytest.mark.pattern("award_by_number")
@pytest.mark.pattern("awards_of_contest")
def test_prizes_are_written_once_and_listed_by_place(results: ContestResults) -> None:
    # given three prizes of two, and one of another contest
    gift = an_award("par_b", kind=PrizeKind.GIFT, amount=0, gift="A watch", place=2)
    won = [an_award("par_b", 2, place=2), gift, an_award()]
    kept = results.keep_awards(won)
    assert kept == {("par_a", 1): won[2], ("par_b", 1): gift, ("par_b", 2): won[0]}
    results.keep_awards([an_award(contest="ctt_2")])
    # when one is sent, and all are written again
    sent = replace(gift, status=AwardStatus.SENT, note="Parcel 7", paid_at=NOW)
    assert results.move_award(gift, sent, Change(by="mem_m", at=NOW, why="It is on its way"), "send_gift")
    assert results.keep_awards(won)["par_b", 1] == sent
    # then
    assert results.award("par_b", CONTEST, 1) == sent
    assert results.awards_of_partner("par_b") == [sent, won[0]]
    assert [each.contest for each in results.awards_of_partner("par_a")] == [CONTEST, "ctt_2"]
    assert results.awards_of_partner("par_a", CONTEST) == [won[2]]
    page = results.awards_of_contest(CONTEST, limit=2)
    assert [(each.partner, each.number) for each in page.items] == [("par_a", 1), ("par_b", 1)]
    assert results.awards_of_contest(CONTEST, page.cursor).items == (won[0],)
    # and what is not as it was read is not written
    assert not results.move_award(gift, sent, Change(by="mem_n", at=NOW, why="Again"), "send_gift")
    with pytest.raises(NotFound):
        results.award("par_c", CONTEST, 1)


@pytest.mark.pattern("relisted_of_partner")
def test_who_left_a_partners_list_is_known(tables: Tables) -> None:
    # given a client that changed hands twice, and one that stayed
    world = ContestWorld(tables)
    world.partners("par_a", "par_b")
    for client in ("c1", "c2"):
        world.client(client, "par_a", "2026-11-03")
    world.comes(a_move("c1", "par_b", at("2026-11-04")))
    # then
    assert (world.books.clients.relisted("par_a"), world.books.clients.relisted("par_b")) == (["c1"], [])
    state = world.books.clients.state("brd_1", "c1")
    assert state is not None and state.first_holder == "par_a"


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
    recount_batch(world.books, contest=CONTEST, batch=batches[0]._asdict())
    world.comes(a_move("c1", "par_a", world.now))
    recount_batch(world.books, contest=CONTEST, batch=batches[1]._asdict())
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
        recount_batch(world.books, contest=CONTEST, batch=batch._asdict())
    # then
    assert scores(world) == {"par_a": {Metric.FTD: 1}}
    # and the move changes nothing, though it says the client was the other's from the beginning
    assert world.publishes().status is ContestStatus.PROVISIONAL
