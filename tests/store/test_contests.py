"""Contests in the table: each reads as it was written, is found by the questions that are asked of it, and is written
under the version that was read; what the engine counts of a partner, and what people say of its part, stay apart."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change, PartnerKind
from introducer.domain.contest import (
    Conditions,
    Contest,
    ContestStatus,
    Division,
    Entry,
    Every,
    Metric,
    Series,
    Tie,
)
from introducer.domain.contest_mail import entered_mail
from introducer.domain.contest_score import SHARDS, shard
from introducer.domain.errors import NotFound
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.contest_windows import NEVER, ContestWindows
from introducer.store.contests import Contests, Joining, contest_from_item, contest_to_item, entry_key
from introducer.store.mails import Mails
from introducer.store.reservations import Beside
from introducer.store.wire import connect, from_wire, put_operation, to_wire
from tests.conftest import Tables
from tests.support.builders import BRAND, at
from tests.support.contest_builders import a_contest, fixed, gift, share, threshold

pytestmark = pytest.mark.in_memory

NOW = at("2026-10-05 09:00")
CHANGE = Change(by="mem_anna", at=NOW, why="November", origin="portal")

EVERYTHING = a_contest(
    description="All «first deposits»\ncount.", weights=((Metric.FTD, 2_500), (Metric.LOTS, 1)), currency="JPY",
    time_zone="Asia/Tokyo", grace_hours=0, objection_hours=1, opt_in=False, public=True, shown=10, minimum=550,
    conditions=Conditions(
        kinds=frozenset({PartnerKind.IB}), deals=frozenset({"cpa", "lot"}), countries=frozenset({"PL"}),
        managers=frozenset({"mem_1"}), partners=frozenset({"par_1", "par_2"}),
    ),
    tie=Tie.FIRST, size_by=Metric.QFTD, size_days=30, prize_hold_days=14,
    divisions=(
        Division(name="Small", pool=1_000, prizes=(share(1, 60), share(2, 40))),
        Division(name="Large", from_size=20, prizes=(fixed(1, 500, 3), threshold(10, 50), gift(1, "A «watch»"))),
    ),
    series=Series(series="ctt_0", number=3, every=Every.MONTH, until=12), status=ContestStatus.DONE, version=9,
    approved_by="mem_ben", approved_at=NOW, frozen_at=NOW, objections_until=NOW, finished_at=NOW, why_over="storm",
    token="token", archive="ab" * 32, outcome='{"ranked":3}',
)  # fmt: skip


@pytest.fixture
def contests(tables: Tables) -> Contests:
    return Contests(tables.books)


def drafts(contests: Contests, contest: Contest | None = None) -> Contest:
    written = contests.move(None, contest or a_contest(), CHANGE, "draft_contest")
    assert written is not None
    return written


def plans(contests: Contests, contest: Contest | None = None) -> Contest:
    return drafts(contests, replace(contest or a_contest(), status=ContestStatus.PLANNED))


def joins(contests: Contests, contest: Contest, partner: str, **more: object) -> Entry:
    given: dict[str, object] = {
        "joined_at": NOW, "shown_as": f"Partner {partner[-1]}", "rules": "hash", "joined_by": f"mem_{partner}"
    }  # fmt: skip
    entry = Entry(contest=contest.contest, partner=partner, **given | more)  # type: ignore[arg-type]
    assert contests.enter(contest, Joining(entry=entry), CHANGE, "join_contest")
    return entry


def scores(tables: Tables, contest: Contest, partner: str, **counted: int) -> None:
    """As the engine does it: it adds, and makes the entry where there is none."""
    tables.client.update_item(
        TableName=tables.books,
        Key=to_wire(entry_key(contest.contest, partner).item()),
        UpdateExpression="ADD " + ", ".join(f"{name} :{name}" for name in counted),
        ExpressionAttributeValues={f":{name}": {"N": str(value)} for name, value in counted.items()},
    )


def test_a_contest_is_in_its_item_whole() -> None:
    for contest in (EVERYTHING, a_contest()):
        assert contest_from_item(from_wire(to_wire(contest_to_item(contest)))) == contest


@pytest.mark.pattern("contest_by_id")
class TestContestById:
    def test_it_reads_as_it_was_written_with_its_record(self, tables: Tables, contests: Contests) -> None:
        written = drafts(contests)
        assert contests.contest("ctt_1") == written == a_contest()
        [record] = Configuration(tables.books).audit_of_subject("ctt_1").items
        assert (record.action, record.by, record.brand, record.before) == ("draft_contest", "mem_anna", BRAND, None)
        assert json.loads(record.after or "")["name"] == "November"

    def test_what_names_no_contest_is_not_found(self, contests: Contests) -> None:
        drafts(contests)
        for contest in ("ctt_2", "", "ctt_1#entries", "x" * 3000):
            with pytest.raises(NotFound):
                contests.contest(contest)

    def test_a_move_is_made_from_what_was_read_and_from_nothing_else(self, tables: Tables, contests: Contests) -> None:
        first = drafts(contests)
        later = replace(CHANGE, at=NOW + timedelta(hours=1))
        second = contests.move(first, replace(first, name="December", shown=3), later, "change_contest")
        assert second == replace(first, name="December", shown=3, version=2)
        # when others have read the same
        assert contests.move(first, replace(first, name="other"), later, "change_contest") is None
        assert contests.move(None, a_contest(name="other"), later, "draft_contest") is None
        # then nothing of theirs is written, and the record says what changed
        assert contests.contest("ctt_1") == second
        newest, _ = Configuration(tables.books).audit_of_subject("ctt_1").items
        told = (json.loads(newest.before or ""), json.loads(newest.after or ""))
        assert told == (
            {"name": "November", "shown": 0, "status": "draft"}, {"name": "December", "shown": 3, "status": "draft"}
        )  # fmt: skip

    def test_a_lost_answer_is_answered_again(self, contests: Contests) -> None:
        first = drafts(contests)
        assert drafts(contests) == first

    def test_what_wakes_it_is_kept_without_a_record(self, tables: Tables, contests: Contests) -> None:
        first = drafts(contests)
        contests.move(first, replace(first, token="secret"), None)
        assert contests.contest("ctt_1").token == "secret"
        assert len(Configuration(tables.books).audit_of_subject("ctt_1").items) == 1

    def test_its_window_goes_with_it(self, tables: Tables, contests: Contests) -> None:
        windows = ContestWindows(tables.books)
        draft = drafts(contests)
        assert windows.of_brand(BRAND) == ()
        planned = contests.move(draft, replace(draft, status=ContestStatus.PLANNED), CHANGE, "approve", window=True)
        assert planned is not None
        assert [(each.contest, each.frozen) for each in windows.of_brand(BRAND)] == [("ctt_1", False)]
        # when it is a draft again
        contests.move(planned, replace(planned, status=ContestStatus.DRAFT), CHANGE, "change", window=True)
        # then nothing scores in it
        assert [each.start for each in windows.of_brand(BRAND)] == [NEVER]

    def test_it_is_one_with_what_goes_beside_it(self, tables: Tables, contests: Contests) -> None:
        first, mails = plans(contests), Mails(tables.books)
        mail = entered_mail(first, "par_1", 0, NOW)
        moved = contests.move(first, replace(first, shown=1), CHANGE, "change", mails=[mail])
        assert moved is not None
        assert mails.mail("par_1", mail.mail) == mail
        joins(contests, moved, "par_1")
        # when something that goes with it is there already
        more = replace(moved, shown=2)
        there = put_operation(
            connect(tables.books), tables.books, entry_key("ctt_1", "par_1").item(), Path(keys.PK).does_not_exist()
        )
        # then nothing of it is written
        assert contests.move(moved, more, CHANGE, "change", mails=[mail]) is None
        assert contests.move(moved, more, CHANGE, "change", beside=Beside(puts=(there,))) is None
        assert contests.contest("ctt_1") == moved


@pytest.mark.pattern("contests_of_brand")
def test_a_brands_contests_are_listed_by_their_start(tables: Tables, contests: Contests) -> None:
    first, second = drafts(contests), drafts(contests, a_contest(contest="ctt_2", starts_at=at("2026-11-02")))
    drafts(contests, a_contest(contest="ctt_3", brand="brd_x"))
    assert contests.of_brand(BRAND).items == (second, first), "the one that starts last is the first"
    page = contests.of_brand(BRAND, limit=1)
    assert page.items == (second,)
    assert contests.of_brand(BRAND, page.cursor, limit=1).items == (first,)
    # when the first one is put off
    moved = contests.move(first, replace(first, starts_at=at("2026-11-03")), CHANGE, "change_contest")
    # then it has another place, and no second one
    assert list(contests.all_of_brand(BRAND)) == [moved, second]


@pytest.mark.pattern("entry_of_partner")
class TestEntryOfPartner:
    def test_whoever_neither_joined_nor_scored_has_none(self, contests: Contests) -> None:
        assert contests.entry(plans(contests).contest, "par_1") is None

    def test_joining_keeps_what_was_counted_before_and_after(self, tables: Tables, contests: Contests) -> None:
        # given a partner that scores without taking part
        contest = plans(contests)
        scores(tables, contest, "par_1", ftd=2, deposits=500)
        before = contests.entry("ctt_1", "par_1")
        assert before is not None
        assert not before.takes_part
        # when it joins while the engine goes on
        scores(tables, contest, "par_1", ftd=1, lots=7)
        joined = joins(contests, contest, "par_1", division=1)
        scores(tables, contest, "par_1", ftd=-1)
        # then nothing of either is lost
        found = contests.entry("ctt_1", "par_1")
        assert found == replace(joined, counted={Metric.FTD: 2, Metric.LOTS: 7, Metric.DEPOSITS: 500})
        # when it leaves
        assert contests.enter(contest, Joining(entry=replace(joined, left_at=NOW), before=found), CHANGE, "leave")
        # then it still stands there
        left = contests.entry("ctt_1", "par_1")
        assert left == replace(found, left_at=NOW)
        assert not left.takes_part

    def test_it_is_written_as_it_was_read(self, contests: Contests) -> None:
        contest = plans(contests)
        first = joins(contests, contest, "par_1")
        # whoever read nothing, or an older name, is refused
        other = replace(first, joined_at=NOW + timedelta(minutes=1))
        assert not contests.enter(contest, Joining(entry=other), CHANGE, "join_contest")
        renamed = replace(first, shown_as="The best")
        assert contests.enter(contest, Joining(entry=renamed, before=first), CHANGE, "rename_entry")
        worst = Joining(entry=replace(first, shown_as="The worst"), before=first)
        assert not contests.enter(contest, worst, replace(CHANGE, at=NOW + timedelta(hours=1)), "rename_entry")
        assert contests.entry("ctt_1", "par_1") == renamed

    def test_nobody_joins_a_contest_that_is_not_as_it_was_read_or_not_open(self, contests: Contests) -> None:
        contest = plans(contests)
        entry = Entry(contest="ctt_1", partner="par_1", joined_at=NOW, shown_as="One")
        changed = contests.move(contest, replace(contest, minimum=100), CHANGE, "change_contest")
        assert changed is not None
        assert not contests.enter(contest, Joining(entry=entry), CHANGE, "join_contest")
        frozen = contests.move(changed, replace(changed, status=ContestStatus.COUNTING), CHANGE, "freeze_contest")
        assert frozen is not None
        assert not contests.enter(frozen, Joining(entry=entry), CHANGE, "join_contest")
        assert contests.entry("ctt_1", "par_1") is None

    def test_the_record_does_not_say_under_which_name(self, tables: Tables, contests: Contests) -> None:
        joins(contests, plans(contests), "par_1", shown_as="Amber Ltd")
        [record] = Configuration(tables.books).audit_of_subject("ctt_1/par_1").items
        assert (record.action, record.brand) == ("join_contest", BRAND)
        assert "Amber" not in str(record)

    def test_a_partners_entries_in_some_contests_are_read_at_once(self, contests: Contests) -> None:
        first, second = plans(contests), plans(contests, a_contest(contest="ctt_2"))
        one, two = joins(contests, first, "par_1"), joins(contests, second, "par_1")
        joins(contests, first, "par_2")
        assert contests.entries_of_partner("par_1", ["ctt_1", "ctt_2", "ctt_3"]) == {"ctt_1": one, "ctt_2": two}
        assert contests.entries_of("ctt_1", ["par_1", "par_9"]) == {"par_1": one}


@pytest.mark.pattern("entries_of_contest")
class TestEntriesOfContest:
    def test_all_come_from_all_partitions_and_no_others(self, tables: Tables, contests: Contests) -> None:
        contest = plans(contests)
        partners = [f"par_{number:02d}" for number in range(20)]
        assert len({shard(each) for each in partners}) == SHARDS
        for partner in partners:
            joins(contests, contest, partner)
        scores(tables, contest, "par_scorer", ftd=1)
        joins(contests, plans(contests, a_contest(contest="ctt_2")), "par_other")
        found = {entry.partner: entry.takes_part for entry in contests.entries("ctt_1")}
        assert found == dict.fromkeys(partners, True) | {"par_scorer": False}
        # and page by page
        pages, cursor = [], None
        while True:
            page = contests.participants("ctt_1", cursor, limit=6)
            pages.append(page.items)
            if (cursor := page.cursor) is None:
                break
        assert [len(each) for each in pages] == [6, 6, 6, 3]
        assert {entry.partner for each in pages for entry in each} == found.keys()

    def test_many_are_entered_at_once_or_none_of_them(self, tables: Tables, contests: Contests) -> None:
        contest = plans(contests)
        some = [
            Joining(entry=Entry(contest="ctt_1", partner=f"par_{number:02d}", joined_at=NOW, shown_as=str(number)))
            for number in range(30)
        ]
        mails = [entered_mail(contest, each.entry.partner, 0, NOW) for each in some]
        assert contests.enter_all(contest, some, CHANGE, "enter_partners", mails)
        assert contests.enter_all(contest, [], CHANGE, "enter_partners")
        assert sum(1 for entry in contests.entries("ctt_1") if entry.takes_part) == 30
        records = Configuration(tables.books).audit_of_subject("ctt_1").items
        assert [each.action for each in records].count("enter_partners") == 1
        # when one of others is in it already
        new = Joining(entry=Entry(contest="ctt_1", partner="par_x", joined_at=NOW, shown_as="x"))
        # then nobody is entered
        assert not contests.enter_all(contest, [new, some[0]], CHANGE, "enter_partners")
        assert contests.entry("ctt_1", "par_x") is None
