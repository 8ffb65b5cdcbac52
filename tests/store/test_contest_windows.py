"""The engine on real tables while contests run: what it asks for, and what it adds to entries."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.contest import Contest, ContestStatus, Metric
from introducer.domain.contest_counting import counted_of_client
from introducer.domain.contest_score import SHARDS, Window, shard
from introducer.domain.contracts import Contracts
from introducer.domain.events import Event, milliseconds
from introducer.domain.money import FINE
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.contest_windows import ContestWindows, window_of, window_to_item
from introducer.store.wire import connect, from_wire, put_operation
from tests.conftest import Tables
from tests.store.test_engine import PARTNER, Crash, CrashesOnce, Platform, a_life
from tests.support.builders import BRAND, CLIENT, World, a_click, an_event, at, cpa, lot, revshare, terms

CONTEST = Contest(
    contest="ctt_1",
    brand=BRAND,
    name="March",
    weights=((Metric.DEPOSITS, 1000), (Metric.FTD, 1000), (Metric.LOTS, 1000)),
    currency="EUR",
    time_zone="UTC",
    starts_at=at("2026-02-01"),
    ends_at=at("2026-03-02"),
    drafted_by="mem_1",
    drafted_at=at("2026-01-01"),
    status=ContestStatus.RUNNING,
)


def put(tables: Tables, contest: Contest) -> None:
    connection = connect(tables.books)
    connection.transact_write_items((), (), [put_operation(connection, tables.books, window_to_item(contest))], ())


def entry(tables: Tables, contest: str, partner: str = PARTNER) -> dict[str, int]:
    key = keys.key("entry", contest=contest, shard=shard(partner), partner=partner)
    answer = connect(tables.books).get_item(tables.books, key.pk, key.sk, consistent_read=True)
    item = from_wire(answer["Item"]) if "Item" in answer else {}
    return {name: value for name, value in item.items() if name not in (keys.PK, keys.SK)}


@pytest.mark.pattern("windows_of_brand")
def test_the_windows_of_a_brand_are_those_of_its_contests_and_of_no_others(tables: Tables) -> None:
    # given two contests of a brand, one counted for good, and one of another brand
    done = replace(CONTEST, contest="ctt_2", status=ContestStatus.DONE, grace_hours=48)
    for contest in (CONTEST, done, replace(CONTEST, brand="brd_other", contest="ctt_3")):
        put(tables, contest)
    # then
    found = ContestWindows(tables.books).of_brand(BRAND)
    assert found == (window_of(CONTEST), window_of(done))
    assert [each.frozen for each in found] == [False, True]
    assert found[1].until == milliseconds(done.ends_at + timedelta(hours=48))


class Playing(Platform):
    """A platform whose engine knows contests."""

    def __init__(self, tables: Tables, world: World, *windows: Window) -> None:
        super().__init__(tables, world)
        self.windows = windows

    def contracts_for(self, states: object, events: object) -> Contracts:
        found = super().contracts_for(states, events)  # type: ignore[arg-type]
        return replace(found, windows={BRAND: self.windows}, _bases={})


@pytest.fixture
def playing(tables: Tables) -> Playing:
    deal = terms(cpa("200.00", kyc=True), revshare("30"), lot("2.00"), days=30, net_revenue={"commission": "1"})
    return Playing(tables, World().partner(PARTNER, deal), window_of(CONTEST))


def recount(playing: Playing, events: list[Event]) -> dict[str, int]:
    contracts = playing.world.contracts(events)
    found = counted_of_client(BRAND, CLIENT, events, contracts, playing.windows[0])
    return {str(metric): value for metric, value in found[PARTNER].counted.items()} if found else {}


def test_what_scores_is_added_to_the_entry_once_whatever_crashes(playing: Playing) -> None:
    # given a client's life, of which the trade on 2 March, a currency and a chargeback come after the contest's end
    life = a_life()
    playing.accept(*life)
    for event in random.Random(7).sample(life, len(life)):
        # when each event comes alone, and its first transaction meets a crash or a lost answer
        for moment in ("before", "after", "answer lost"):
            try:
                playing.engine(CrashesOnce(playing.accruals, moment)).apply([event])
            except Crash:
                continue
        playing.engine(Accruals(playing.tables.facts, playing.tables.books)).apply([event])
    # then the entry is what the facts say
    found = entry(playing.tables, "ctt_1")
    assert found == recount(playing, life)
    assert (found["ftd"], found["deposits"], found["lots"]) == (1, 15_000 * FINE, 5 * 10**7)


def test_a_verdict_takes_the_score_back(playing: Playing) -> None:
    # given a client that scored
    life = a_life()
    playing.accept(*life)
    playing.engine().apply(life)
    assert entry(playing.tables, "ctt_1")["ftd"] == 1
    # when a case ends against it
    verdict = an_event("verdict", at("2026-03-05"), status="disallowed", case="cas_1", reason="click_fraud")
    playing.accept(verdict)
    playing.engine().apply([verdict])
    # then it scores nothing any more
    assert set(entry(playing.tables, "ctt_1").values()) == {0}


def test_entries_of_a_contest_are_spread_over_all_its_shards() -> None:
    found = {shard(f"par_{number:04d}") for number in range(200)}
    assert found == set(range(SHARDS))


def test_a_start_that_passes_while_it_is_a_draft_again_scores_nothing_and_takes_nothing_away(tables: Tables) -> None:
    # given an approved contest, a client that came before its start, and a draft of it that nobody approves in time
    planned = replace(CONTEST, starts_at=at("2026-02-10"), status=ContestStatus.PLANNED)
    world = World().partner(PARTNER, terms(revshare("30"), days=30))
    platform = Playing(tables, world, window_of(planned))
    life = [
        an_event("registration", at("2026-02-09 09:00"), click_id=a_click(at("2026-02-09 09:00"))),
        an_event("deposit", at("2026-02-11 10:00"), amount="70.00"),
        an_event("deposit", at("2026-02-20 10:00"), amount="30.00"),
    ]
    platform.accept(*life)
    platform.engine().apply([life[0]])
    platform.windows = (window_of(replace(planned, status=ContestStatus.DRAFT)),)
    platform.engine().apply([life[1]])
    assert entry(tables, "ctt_1") == {}
    # when it is approved with another start
    platform.windows = (window_of(replace(planned, starts_at=at("2026-02-15"))),)
    platform.engine().apply([life[2]])
    # then what came since then scores, and nothing else was ever counted
    assert entry(tables, "ctt_1") == {"deposits": 3_000 * FINE}
