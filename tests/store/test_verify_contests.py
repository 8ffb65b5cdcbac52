"""Books with contests are sound; whatever is damaged in them is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.contest import ContestStatus, Metric
from introducer.services.set_aside import set_aside
from introducer.services.verify.report import Kind
from introducer.services.verify_books import verify_books
from introducer.store import keys
from introducer.store.scans import Scans, Stored
from tests.conftest import Tables
from tests.support.builders import CLICK_KEY, an_event, at
from tests.support.contest_builders import fixed, gift, share
from tests.support.contests import CONTEST, ENDS, MANAGER, ContestWorld, a_contest

pytestmark = pytest.mark.in_memory

Items = dict[str, list[dict[str, Any]]]
Damage = Callable[[Items], None]


@pytest.fixture
def world(tables: Tables) -> ContestWorld:
    """A contest that is done, with a participant who was set aside; and one that runs."""
    world = ContestWorld(tables)
    world.partners("par_a", "par_b", "par_c")
    prizes = (share(1, 60), share(2, 40), fixed(2, 50_00), gift(1, "A watch"))
    world.contest(a_contest(*prizes), "par_a", "par_b", "par_c")
    for number, partner in enumerate(["par_a", "par_b", "par_b", "par_c"]):
        world.client(f"c{number}", partner, "2026-11-03")
    world.published()
    set_aside(world.books, member=MANAGER, contest=CONTEST, partner="par_c", why="Bought its clients", now=world.now)
    # Late: accepted after the freeze, of a moment before the end.
    late = an_event("deposit", ENDS - timedelta(hours=1), client="c0", event_id="late", amount="5.00")
    world.comes(replace(late, accepted_at=world.now))
    world.done()
    world.contest(a_contest(contest="ctt_2", starts_at=at("2026-11-20"), ends_at=at("2026-12-24")), "par_a")
    world.later(minutes=2)
    world.client("c9", "par_a", "2026-11-21")
    return world


KINDS = {Kind.CONTEST, Kind.SCORE, Kind.RECOUNT, Kind.PRIZE, Kind.JOURNAL_SUM, Kind.UNREADABLE, Kind.UNKNOWN_ITEM}


def found(world: ContestWorld, damage: Damage = lambda items: None) -> list[str]:
    """The differences that are about contests, once this is damaged."""
    scans = Scans(world.tables.client, facts=world.tables.facts, books=world.tables.books)
    items: Items = {}
    for each in scans.books():
        items.setdefault(each.kind, []).append(dict(each.item))
    damage(items)

    class Damaged:
        facts = scans.facts

        def books(self) -> Any:
            return (Stored(kind, item) for kind, those in items.items() for item in those)

    report = verify_books(Damaged(), click_keys={0: CLICK_KEY}, now=world.now, elapsed=lambda: 0.0)
    return [f"{each.kind.value}: {each.what}" for each in report.differences if each.kind in KINDS]


def the_first(items: Items) -> dict[str, Any]:
    return next(item for item in items["contest"] if item["contest"] == CONTEST)


def an_award(items: Items, **fields: Any) -> dict[str, Any]:
    return next(item for item in items["award"] if all(item[name] == value for name, value in fields.items()))


def test_books_with_contests_are_sound(world: ContestWorld) -> None:
    assert world.found.status is ContestStatus.DONE
    assert world.prizes() == {"par_b": 600_00, "par_a": 450_00}
    assert found(world) == []


def _counts_more(items: Items) -> None:
    recount = next(item for item in items["recount"] if item[keys.SK] != "plan")
    recount["counted"] = recount["counted"].replace('"ftd":"2"', '"ftd":"3"')


def _loses_a_batch(items: Items) -> None:
    items["recount"] = [item for item in items["recount"] if item[keys.SK] == "plan"]


def _ranks_otherwise(items: Items) -> None:
    stands = the_first(items)["edition"]
    result = next(item for item in items["result"] if stands in item[keys.PK] and item["rank"] == 2)
    result["rank"] = 1


def _forgets_who_was_set_aside(items: Items) -> None:
    del items["set_aside"]


def _scores_more(items: Items) -> None:
    entry = next(item for item in items["entry"] if item[keys.PK].startswith("G#ctt_2"))
    entry["ftd"] += 1


def _wins_more(items: Items) -> None:
    an_award(items, kind="fixed")["amount"] += 1


def _loses_a_prize(items: Items) -> None:
    items["award"].remove(an_award(items, kind="gift"))


def _is_due_again(items: Items) -> None:
    award = an_award(items, kind="fixed")
    award["status"] = "due"
    del award["journal"]


def _names_another_journal(items: Items) -> None:
    an_award(items, kind="fixed")["journal"] = "jrn_20261101ABCDEFGHJKMNPQRSTVWXYZ"


def _pays_twice(items: Items) -> None:
    journal = next(item for item in items["journal"] if item["kind"] == "prize" and item["amount"] == 50_00)
    items["journal"].insert(items["journal"].index(journal), {**journal, keys.SK: journal[keys.SK][:-1] + "9"})


def _has_no_journal(items: Items) -> None:
    journal = next(item for item in items["journal"] if item["kind"] == "prize" and item["amount"] == 50_00)
    items["journal"].remove(journal)


def _scores_longer(items: Items) -> None:
    window = next(item for item in items["contest_window"] if item[keys.SK] == "ctt_2")
    window["ends"] += 1


def _has_no_archive(items: Items) -> None:
    del the_first(items)["archive"]


def _has_another_pool(items: Items) -> None:
    contest = the_first(items)
    divisions = json.loads(contest["divisions"])
    divisions[0]["pool"] += 1
    contest["divisions"] = json.dumps(divisions)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_counts_more, "recount: ctt_1 par_b: ftd"),
        (_loses_a_batch, "recount: ctt_1: its batches"),
        (_ranks_otherwise, "contest: ctt_1: the result of par_a"),
        (_forgets_who_was_set_aside, "contest: ctt_1: the result of par_c"),
        (_scores_more, "score: ctt_2 par_a: ftd"),
        (_wins_more, "prize: par_a ctt_1.1: the prize"),
        (_loses_a_prize, "prize: par_b ctt_1.2: the prize"),
        (_is_due_again, "prize: par_a ctt_1.1: its status"),
        (_names_another_journal, "prize: par_a ctt_1.1: the journal that it names"),
        (_pays_twice, "journal_sum: par_a prize for 2026-11, available 2026-11-19, prize ctt_1.1"),
        (_has_no_journal, "prize: par_a ctt_1.1: its journal"),
        (_scores_longer, "contest: ctt_2: its window"),
        (_has_no_archive, "contest: ctt_1: its archive"),
        (_has_another_pool, "contest: ctt_1: what is paid of the pool of division 1"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_is_damaged_is_named(world: ContestWorld, damage: Damage, named: str) -> None:
    assert named in found(world, damage)


def test_a_window_that_was_moved_counts_anew_with_the_clients_next_event(world: ContestWorld) -> None:
    # given a client that came after the end of a contest
    contest = world.contest(a_contest(contest="ctt_3", starts_at=at("2026-12-01"), ends_at=at("2026-12-03")), "par_b")
    world.later(minutes=2)
    world.client("c8", "par_b", "2026-12-03", hour=10)
    assert found(world) == []
    # when the contest is made longer after that
    moved = replace(contest, ends_at=at("2026-12-10"))
    assert world.books.contests.move(contest, moved, None, window=True)
    world.later(minutes=2)
    # then nothing is wrong, though nothing is counted yet
    assert found(world) == []
    # and the next event brings all of it
    world.comes(an_event("deposit", at("2026-12-05"), client="c8", event_id="c8-more", amount="10.00"))
    entry = world.books.contests.entry("ctt_3", "par_b")
    assert entry is not None and dict(entry.counted) == {Metric.FTD: 1}
    assert found(world) == []
