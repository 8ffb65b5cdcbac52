"""Rows, settled months and the settling of partners, asked of real tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from introducer.domain.contracts import Contracts
from introducer.domain.errors import Conflict, Poison, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.ledger import Journal as JournalEntry
from introducer.domain.ledger import Key, Line, Receipt, ReceiptEvent, earning_legs
from introducer.domain.partner_month import Below
from introducer.domain.rates import Rate
from introducer.domain.rows import Row
from introducer.domain.rules.qualification import Proof, Qualifying
from introducer.domain.settlement import Chain
from introducer.services.settle_partner import JOURNALS_AT_ONCE
from introducer.store import keys
from introducer.store import settlements as module
from introducer.store.ledger import Ledger
from introducer.store.settlements import (
    Head,
    PostedPart,
    SettledMonth,
    Settlements,
    Settling,
    below_to_item,
    chain_digest,
    month_of_row,
    row_to_item,
    settled_from_item,
    settled_to_items,
)
from introducer.store.statements import Statements
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.builders import World, at, cpa, revshare, terms
from tests.support.settling import NOW, Books
from tests.unit.test_partner_months import deposited, registered, revenue

pytestmark = pytest.mark.in_memory

PARTNER, MONTH = "par_1", "2026-03"
HUGE = 3 * 10**30 + 1
"""A sum of millionths of fine units: no float, and no number of DynamoDB's JSON readers, holds it."""

PROOF = Proof(
    (Line("registered", "17"), Line("deposited", "150.00", ("100.00", "24"))),
    (ReceiptEvent("mt5", "e1", "registration", 17), ReceiptEvent("web", "e2", "deposit", 1_772_800_000_001, "150.00")),
    (Rate("USD", "EUR", 847_098_687_844, "2026-02-27", "ECB"),),
    "DE",
)
ROW = Row(
    ftd=1_772_700_000_000,
    qftd=1_772_800_000_001,
    qualified=(
        Qualifying("cpa", 2, 1_772_800_000_001, 60_000, "program", PROOF),
        Qualifying("lead", 1, 17, 1, "own"),
    ),
    cells=(("rev", 1, "", HUGE), ("rev", 2, "promotion", -HUGE), ("~revenue", 1, "", 0)),
    earned=(("cpa", "EUR", 60_000), ("revshare", "JPY", -(10**14))),
)
BELOW = Below(3, (("lot", "KWD", 10**14),), (("EUR", -HUGE), ("JPY", HUGE)), 12)
CHAIN = Chain(
    places={"cpa": 7, "a rule of “another” name": 1},
    carry={("rev", "EUR"): -HUGE},
    own={("rev", "EUR", "client#with%sign"): -HUGE - 1},
    shares={("rev", "EUR"): {"2026-01": HUGE, "2026-02": 0}, ("rev", "JPY"): {"2025-12": 1}},
    reached={"1.ten": 9},
)
KEY = Key(PARTNER, "cpa", "client#with%sign", MONTH, "EUR", "2026-04-30")
SETTLED = SettledMonth({KEY: 10**14, KEY._replace(scope=""): -1}, CHAIN, {"par_2": BELOW}, "ab" * 16, "cd" * 16)


@pytest.fixture
def settlements(tables: Tables) -> Settlements:
    return Settlements(tables.books)


def put(tables: Tables, *items: dict[str, Any]) -> None:
    for item in items:
        tables.client.put_item(TableName=tables.books, Item=to_wire(item))


@pytest.mark.pattern("rows_of_month")
class TestRows:
    def test_every_field_comes_back_as_it_was_written(self, tables: Tables, settlements: Settlements) -> None:
        put(
            tables,
            row_to_item(PARTNER, MONTH, "client#with%sign", ROW),
            row_to_item(PARTNER, MONTH, "nothing", Row()),
            below_to_item(PARTNER, MONTH, "par_9", BELOW),
            below_to_item(PARTNER, MONTH, "par_8", Below(1)),
            row_to_item(PARTNER, "2026-04", "another month", ROW),
            row_to_item("par_10", MONTH, "another partner", ROW),
        )
        rows = settlements.rows(PARTNER, MONTH)
        assert rows.clients == {"client#with%sign": ROW, "nothing": Row()}
        assert rows.below == {"par_9": BELOW, "par_8": Below(1)}

    def test_any_change_of_a_row_changes_the_digest_and_nothing_else_does(
        self, tables: Tables, settlements: Settlements
    ) -> None:
        digests = [settlements.rows(PARTNER, MONTH).digest]
        for item in (
            row_to_item(PARTNER, MONTH, "c", ROW),
            row_to_item(PARTNER, MONTH, "c", replace(ROW, qftd=None)),
            row_to_item(PARTNER, MONTH, "c", replace(ROW, earned=())),
            below_to_item(PARTNER, MONTH, "c", BELOW),
            below_to_item(PARTNER, MONTH, "c", replace(BELOW, clients=0)),
        ):
            put(tables, item)
            digests.append(settlements.rows(PARTNER, MONTH).digest)
        assert len(set(digests)) == len(digests)
        put(tables, item, row_to_item(PARTNER, "2026-04", "c", ROW))
        assert settlements.rows(PARTNER, MONTH).digest == digests[-1]

    def test_a_month_of_more_than_one_page_is_read_whole(self, tables: Tables, settlements: Settlements) -> None:
        # given 60 rows of some 25 KB each, more than one answer of DynamoDB holds
        wide = tuple((f"rule-{number:04}", 1, "program", HUGE) for number in range(420))
        for number in range(60):
            put(tables, row_to_item(PARTNER, MONTH, f"client-{number:03}", Row(ftd=number, cells=wide)))
        items = tables.items(tables.books)
        assert sum(len(item["row"]["S"]) for item in items) > 1 << 20
        rows = settlements.rows(PARTNER, MONTH)
        assert [row.ftd or 0 for _, row in sorted(rows.clients.items())] == list(range(60))
        assert all(row.cells == wide for row in rows.clients.values())

    def test_a_row_in_the_stream_names_its_month_and_nothing_else_does(self) -> None:
        assert month_of_row(to_wire(row_to_item(PARTNER, MONTH, "row#c", ROW))) == (PARTNER, MONTH)
        assert month_of_row(to_wire(below_to_item("par#1", MONTH, "par_9", BELOW))) == ("par#1", MONTH)
        assert month_of_row(to_wire(settled_to_items(PARTNER, MONTH, SETTLED)[0])) is None


def a_settling(version: int, **changes: Any) -> Settling:
    given: dict[str, Any] = {"partner": PARTNER, "month": MONTH, "version": version, "settled": SETTLED}
    return Settling(**(given | changes))


def an_entry(amount: int, post_month: str = MONTH) -> JournalEntry:
    return JournalEntry(
        f"jrn_{post_month.replace('-', '')}{amount:026}",
        KEY,
        "earning",
        amount,
        post_month,
        NOW,
        earning_legs(KEY, amount),
        Receipt("cpa", 1, (), 0, (), (), amount, 0),
    )


@pytest.mark.pattern("settled_months")
class TestSettledMonths:
    def test_every_field_comes_back_as_it_was_written(self, settlements: Settlements) -> None:
        assert settlements.settled(PARTNER) == {}
        settlements.write(a_settling(0), NOW)
        settlements.write(a_settling(1, month="2026-04", settled=SettledMonth(seen="x")), NOW)
        settlements.write(a_settling(0, partner="par_2"), NOW)
        assert settlements.settled(PARTNER) == {MONTH: SETTLED, "2026-04": SettledMonth(seen="x")}

    def test_what_is_handed_on_has_one_name_in_any_order(self) -> None:
        turned = replace(
            CHAIN,
            places=dict(sorted(CHAIN.places.items(), reverse=True)),
            shares={
                lane: dict(sorted(each.items(), reverse=True))
                for lane, each in sorted(CHAIN.shares.items(), reverse=True)
            },
        )
        assert chain_digest(turned) == chain_digest(CHAIN)
        others = [
            replace(CHAIN, places={}),
            replace(CHAIN, carry={("rev", "EUR"): -HUGE + 1}),
            replace(CHAIN, own={}),
            replace(CHAIN, shares={}),
            replace(CHAIN, reached={"1.ten": 10}),
        ]
        assert len({chain_digest(chain) for chain in (CHAIN, Chain(), *others)}) == 7

    def test_an_item_in_the_table_is_read_by_its_key(self) -> None:
        [item] = settled_to_items(PARTNER, MONTH, SETTLED)
        assert settled_from_item(item) == SETTLED

    def test_a_month_is_looked_at_without_reading_what_it_says_at_length(self, settlements: Settlements) -> None:
        assert settlements.heads(PARTNER) == {}
        settlements.write(a_settling(0, settled=large(6_000)), NOW)
        settlements.write(a_settling(1, month="2026-04"), NOW)
        heads = settlements.heads(PARTNER)
        assert [(month, head.seen, head.follows) for month, head in heads.items()] == [
            (MONTH, "seen", "follows"),
            ("2026-04", SETTLED.seen, SETTLED.follows),
        ]
        assert [head.hands_on for head in heads.values()] == [chain_digest(large(6_000).chain), chain_digest(CHAIN)]
        assert sum(len(str(value)) for value in heads[MONTH].item.values()) < 400


def large(clients: int, seen: str = "seen") -> SettledMonth:
    """A month in which so many clients were paid, and have a loss of their own. Names and losses look like chance."""
    names = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(clients)]
    return SettledMonth(
        {KEY._replace(scope=name[:22]): 60_000 for name in names},
        Chain(own={("rev", "EUR", name[:22]): -int(name[22:45], 16) for name in names}),
        {"par_2": BELOW},
        seen,
        "follows",
    )


def in_parts(tables: Tables) -> list[dict[str, Any]]:
    """The further items of the partner's month, as they stand."""
    pk = keys.partition("settled_part", partner=PARTNER, month=MONTH)
    return [item for item in tables.items(tables.books) if item[keys.PK]["S"] == pk]


@pytest.mark.pattern("parts_of_settled_month")
class TestLargeMonths:
    def test_a_month_with_many_clients_comes_back_from_several_items(
        self, tables: Tables, settlements: Settlements
    ) -> None:
        month = large(6_000)
        settlements.write(a_settling(0, settled=month), NOW)
        assert settlements.settled(PARTNER) == {MONTH: month}
        assert [item[keys.SK]["S"] for item in in_parts(tables)] == ["part#000001", "part#000002"]
        assert all(len(str(item)) < 310_000 for item in tables.items(tables.books))

    def test_a_month_that_becomes_smaller_passes_over_what_is_left_of_the_larger_one(
        self, tables: Tables, settlements: Settlements
    ) -> None:
        for version, clients in enumerate((12_000, 6_000, 10, 9_000, 0)):
            month = large(clients, seen=f"{version}")
            settlements.write(a_settling(version, settled=month), NOW)
            assert settlements.settled(PARTNER) == {MONTH: month}
        assert len(in_parts(tables)) == 3

    def test_forty_thousand_clients_paid_and_as_many_with_a_loss_fit_into_one_transaction(self) -> None:
        month = large(40_000)
        items = settled_to_items(PARTNER, MONTH, month, 7)
        assert max(len(str(item)) for item in items) < 310_000
        assert sum(len(str(item)) for item in items) < 3_700_000
        assert settled_from_item(items[0], items[1:]) == month

    def test_more_than_a_transaction_holds_is_refused_with_what_to_do(self, settlements: Settlements) -> None:
        with pytest.raises(Poison, match="90000 amounts and 90000 losses of single clients are more than") as refused:
            settlements.write(a_settling(0, settled=large(90_000)), NOW)
        assert refused.value.code == "month_too_large"
        assert settlements.version(PARTNER) == 0

    def test_who_reads_between_two_writings_reads_again(self, tables: Tables, settlements: Settlements) -> None:
        # given a month, and another writing of it when a reader has its own item
        settlements.write(a_settling(0, settled=large(6_000, "old")), NOW)

        class Overtaken(Settlements):
            def heads(self, partner: str) -> dict[str, Head]:
                heads = super().heads(partner)
                if settlements.version(partner) == 1:
                    settlements.write(a_settling(1, settled=large(6_001, "new")), NOW)
                    # What was read belongs to nothing that stands any more.
                    with pytest.raises(Conflict):
                        self.whole(heads[MONTH])
                return heads

        # then
        assert Overtaken(tables.books).settled(PARTNER) == {MONTH: large(6_001, "new")}

    def test_a_part_that_is_gone_is_told(self, tables: Tables, settlements: Settlements) -> None:
        settlements.write(a_settling(0, settled=large(6_000)), NOW)
        key = {name: in_parts(tables)[1][name] for name in (keys.PK, keys.SK)}
        tables.client.delete_item(TableName=tables.books, Key=key)
        with pytest.raises(Conflict, match="2026-03 of par_1 does not have all its parts"):
            settlements.settled(PARTNER)

    def test_a_refused_writing_leaves_every_part_as_it_was(self, tables: Tables, settlements: Settlements) -> None:
        settlements.write(a_settling(0, settled=large(6_000)), NOW)
        stood = tables.items(tables.books)
        with pytest.raises(Conflict):
            settlements.write(a_settling(0, settled=large(9_000)), NOW + 1)
        assert tables.items(tables.books) == stood


OTHER = KEY._replace(scope="other")


@pytest.mark.pattern("posted_of_month_in_parts")
class TestMonthsPostedInParts:
    @pytest.mark.parametrize("before", [None, SETTLED, large(6_000)], ids=["nothing", "small", "large"])
    def test_what_was_posted_so_far_is_seen_on_top_of_what_stood(
        self, settlements: Settlements, before: SettledMonth | None
    ) -> None:
        # given a month that stands, or none
        if before:
            settlements.write(a_settling(0, settled=before), NOW)
        stands = settlements.settled(PARTNER).get(MONTH, SettledMonth())
        assert (stands.added, stands.written) == (0, 1 if before else 0)
        # when two transactions post some of it
        first = PostedPart(1, stands.written, {KEY: 11, OTHER: 12})
        settlements.write(a_settling(stands.written, settled=first), NOW)
        settlements.write(a_settling(stands.written + 1, settled=PostedPart(2, stands.written, {OTHER: 0})), NOW)
        # then they are seen, and the month as one that is not settled
        found = settlements.settled(PARTNER)[MONTH]
        assert found == replace(stands, posted={**stands.posted, KEY: 11}, seen="")
        assert (found.added, found.written) == (2, stands.written)
        # and when the last one writes the month, they are over
        settlements.write(a_settling(stands.written + 2, settled=SETTLED), NOW)
        assert settlements.settled(PARTNER) == {MONTH: SETTLED}
        # and the next time begins anew, over what is left of them
        again = PostedPart(1, stands.written + 3, {OTHER: 5})
        settlements.write(a_settling(stands.written + 3, settled=again), NOW)
        assert settlements.settled(PARTNER)[MONTH].posted == {**SETTLED.posted, OTHER: 5}

    def test_one_that_comes_too_late_adds_nothing(self, tables: Tables, settlements: Settlements) -> None:
        settlements.write(a_settling(0, settled=PostedPart(1, 0, {KEY: 5})), NOW)
        stood = tables.items(tables.books)
        with pytest.raises(Conflict):
            settlements.write(a_settling(0, settled=PostedPart(2, 0, {KEY: 7})), NOW)
        assert tables.items(tables.books) == stood


@pytest.mark.pattern("settlings_of_partner")
class TestSettlings:
    def test_each_write_counts_one_and_refuses_who_read_before_it(
        self, tables: Tables, settlements: Settlements
    ) -> None:
        assert settlements.version(PARTNER) == 0
        settlements.write(a_settling(0, journals=(an_entry(5),)), NOW)
        assert settlements.version(PARTNER) == 1
        stood = tables.items(tables.books)
        for version in (0, 2):
            with pytest.raises(Conflict):
                # In the same millisecond too.
                settlements.write(a_settling(version, settled=SettledMonth(), journals=(an_entry(7),)), NOW)
        assert tables.items(tables.books) == stood
        assert settlements.version("par_2") == 0

    def test_a_closed_month_takes_no_journal_and_nothing_of_it_is_written(
        self, tables: Tables, settlements: Settlements
    ) -> None:
        Statements(tables.books).freeze(PARTNER, MONTH)
        with pytest.raises(Conflict):
            settlements.write(a_settling(0, journals=(an_entry(5),)), NOW)
        assert (settlements.version(PARTNER), settlements.settled(PARTNER)) == (0, {})
        settlements.write(a_settling(0, journals=(an_entry(5, "2026-04"),)), NOW)
        assert Ledger(tables.books).balance(PARTNER).earned == {("EUR", MONTH): 5}

    def test_rows_above_come_in_the_same_transaction(self, settlements: Settlements) -> None:
        settlements.write(a_settling(0, above={"par_2": BELOW, "par_3": Below(2)}), NOW)
        assert settlements.rows("par_2", MONTH).below == {PARTNER: BELOW}
        assert settlements.rows("par_3", MONTH).below == {PARTNER: Below(2)}
        with pytest.raises(Conflict):
            settlements.write(a_settling(0, above={"par_2": Below(1)}), NOW + 1)
        assert settlements.rows("par_2", MONTH).below == {PARTNER: BELOW}


# ---- the settler ----------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The function's process ends here: nothing catches it."""


class Breaks(Settlements):
    """Does something once, around the n-th write."""

    def __init__(self, inner: Settlements, moment: str, write: int = 1) -> None:
        self.__dict__ |= inner.__dict__
        self.moment, self.left = moment, write
        self.writes = 0

    def write(self, settling: Settling, at_ms: int) -> None:
        self.left -= 1
        if not self.left and self.moment == "before":
            raise Crash
        super().write(settling, at_ms)
        self.writes += 1
        if not self.left and self.moment == "after":
            raise Crash
        if not self.left and self.moment == "answer lost":
            raise Unavailable("the connection broke after the commit")


CAPPED = cpa("100.00") | {"caps": [{"per": "total", "clients": 500}]}
POOLED = revshare("30", "carry") | {"pooled": True}


def many(tables: Tables, clients: int) -> Books:
    """A partner with a cap, and so many clients that qualified on 10 January, as rows alone."""
    books = Books(tables, World().partner(PARTNER, terms(CAPPED, days=10)))
    at_ms = milliseconds(at("2026-01-10"))
    paid = Qualifying("cpa", 1, at_ms, 10_000, "program")
    names = (f"client-{number:03}" for number in range(clients))
    put(tables, *(row_to_item(PARTNER, "2026-01", name, Row(at_ms, at_ms, (paid,))) for name in names))
    return books


@pytest.fixture(params=["one item", "many parts"])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months as they are mostly, and months in parts, with fewer clients than those take in earnest."""
    if request.param == "many parts":
        monkeypatch.setattr(module, "ROOM", 100)
        monkeypatch.setattr(module, "PART", 800)


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before", "after", "answer lost"])
def test_more_journals_than_one_transaction_holds_are_posted_in_parts_and_finished_by_the_next(
    tables: Tables, moment: str, write: int
) -> None:
    # given a month that takes three transactions, and a settler that dies around one of them
    clients = 2 * JOURNALS_AT_ONCE + 5
    books = many(tables, clients)
    with pytest.raises((Crash, Unavailable)):
        books.settler(Breaks(books.settlements, moment, write)).settle(PARTNER, ["2026-01"])
    written = write if moment != "before" else write - 1
    done = min(written * JOURNALS_AT_ONCE, clients)
    assert len(books.journals(PARTNER)) == done
    assert sum(books.posted().values()) == done * 10_000
    # then what is posted so far is seen in the month, which is not settled before the last of them
    month = books.settlements.settled(PARTNER).get("2026-01", SettledMonth())
    assert (sum(month.posted.values()), bool(month.seen)) == (done * 10_000, done == clients)
    # when the stream brings it again
    again = books.settler().settle(PARTNER, ["2026-01"])
    # then it posts the rest, and nothing twice
    assert again == clients - done
    assert len(books.journals(PARTNER)) == clients
    assert sum(books.posted().values()) == clients * 10_000
    assert books.settlements.settled(PARTNER)["2026-01"].chain.places == {"cpa": clients}
    before = tables.items(tables.books)
    assert books.settler().settle(PARTNER, ["2026-01"]) == 0
    assert tables.items(tables.books) == before


def test_settlers_that_die_again_and_again_post_everything_once(tables: Tables) -> None:
    # given a month of four transactions, and settlers of which each comes no further than one
    clients = 3 * JOURNALS_AT_ONCE + 1
    books = many(tables, clients)
    for _ in range(4):
        with pytest.raises(Crash):
            books.settler(Breaks(books.settlements, "after")).settle(PARTNER, ["2026-01"])
    assert books.settler().settle(PARTNER, ["2026-01"]) == 0
    assert len(books.journals(PARTNER)) == clients
    assert sum(books.posted().values()) == clients * 10_000


def test_two_settlers_that_meet_in_the_middle_of_a_month_post_everything_once(tables: Tables) -> None:
    clients = 3 * JOURNALS_AT_ONCE
    books = many(tables, clients)

    class Overtaken(Breaks):
        def write(self, settling: Settling, at_ms: int) -> None:
            self.left -= 1
            if not self.left:
                books.settler().settle(PARTNER, ["2026-01"])
            Settlements.write(self, settling, at_ms)

    assert books.settler(Overtaken(books.settlements, "", 2)).settle(PARTNER, ["2026-01"]) == 0
    assert len(books.journals(PARTNER)) == clients
    assert sum(books.posted().values()) == clients * 10_000


def test_a_month_that_is_too_large_is_refused_before_anything_is_posted(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 100)
    monkeypatch.setattr(module, "MOST_PARTS", 0)
    books = many(tables, 2 * JOURNALS_AT_ONCE)
    with pytest.raises(Poison, match="140 amounts"):
        books.settler().settle(PARTNER, ["2026-01"])
    assert books.journals(PARTNER) == []
    assert books.settlements.version(PARTNER) == 0


def test_months_long_ago_are_not_read_at_length(
    carried: Books, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 0)
    carried.settle()
    carried.deliver(revenue("a", "2026-03-11", "10.00"))
    read: list[str] = []

    class Told(Settlements):
        def _more(self, partner: str, month: str, item: Mapping[str, Any]) -> list[dict[str, Any]]:
            read.append(month)
            return super()._more(partner, month, item)

    carried.settler(Told(tables.books)).settle(PARTNER, ["2026-03"])
    assert read == ["2026-03", "2026-02"]
    assert carried.of_month(PARTNER, "rev") == {"2026-03": 1_800}


@pytest.fixture
def carried(tables: Tables) -> Books:
    """A pool with a carry and three settled months; then January changes, and nobody has settled it yet."""
    books = Books(tables, World().partner(PARTNER, terms(POOLED)))
    books.deliver(
        registered("a"),
        revenue("a", "2026-01-10", "100.00"),
        revenue("a", "2026-02-10", "100.00"),
        revenue("a", "2026-03-10", "100.00"),
    ).settle()
    assert books.of_month(PARTNER, "rev") == {"2026-01": 3_000, "2026-02": 3_000, "2026-03": 3_000}
    return books.deliver(revenue("a", "2026-01-11", "-250.00"))


AFTERWARDS = {"2026-03": 1_500}
"""January and February lose 150.00 − 100.00 = 50.00, which March gives back."""


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before", "after", "answer lost"])
def test_later_months_follow_though_the_settler_died_before_it_came_to_them(
    carried: Books, moment: str, write: int
) -> None:
    with pytest.raises((Crash, Unavailable)):
        carried.settler(Breaks(carried.settlements, moment, write)).settle(PARTNER, ["2026-01"])
    carried.settler().settle(PARTNER, ["2026-01"])
    assert carried.of_month(PARTNER, "rev") == AFTERWARDS


def test_two_settlers_that_meet_between_two_months_bring_all_of_them_up_to_date(carried: Books) -> None:
    # given one that settled January, and another that settles March before the first comes to February
    class Overtaken(Breaks):
        def write(self, settling: Settling, at_ms: int) -> None:
            if settling.month == "2026-02" and self.left:
                self.left = 0
                carried.deliver(revenue("a", "2026-03-11", "10.00"))
                carried.settler().settle(PARTNER, ["2026-03"])
            Settlements.write(self, settling, at_ms)

    carried.settler(Overtaken(carried.settlements, "")).settle(PARTNER, ["2026-01"])
    assert carried.of_month(PARTNER, "rev") == {"2026-03": 1_800}


def test_a_closed_month_is_not_touched_and_the_difference_stands_in_the_open_one(
    carried: Books, tables: Tables
) -> None:
    stood = [journal.id for journal in carried.ledger.all_journals(PARTNER, "2026-01")]

    class ClosesMeanwhile(Breaks):
        def write(self, settling: Settling, at_ms: int) -> None:
            if self.left:
                self.left = 0
                Statements(tables.books).freeze(PARTNER, "2026-02")
            Settlements.write(self, settling, at_ms)
            self.writes += 1

    # given a settler that read the partner while January was open
    closing = ClosesMeanwhile(carried.settlements, "")
    carried.settler(closing).settle(PARTNER, ["2026-01"])
    assert closing.writes == 3
    assert [journal.id for journal in carried.ledger.all_journals(PARTNER, "2026-01")] == stood
    late = [j for j in carried.ledger.all_journals(PARTNER, "2026-03") if j.key.earn_month < "2026-03"]
    assert sorted((j.key.earn_month, j.amount) for j in late) == [("2026-01", -3_000), ("2026-02", -3_000)]
    assert carried.of_month(PARTNER, "rev") == AFTERWARDS


def test_a_partner_that_keeps_changing_is_left_for_later(carried: Books) -> None:
    tries: list[int] = []

    class NeverQuiet(Breaks):
        def write(self, settling: Settling, at_ms: int) -> None:
            raise Conflict("somebody was quicker")

    settler = carried.settler(NeverQuiet(carried.settlements, ""))
    settler._pause = tries.append
    with pytest.raises(Conflict, match="settle them again"):
        settler.settle(PARTNER, ["2026-01"])
    assert tries == [1, 2, 3, 4, 5, 6, 7]


def test_settling_what_is_settled_writes_nothing(carried: Books, tables: Tables) -> None:
    carried.settle()
    before = tables.items(tables.books)
    counting = Breaks(carried.settlements, "")
    assert carried.settler(counting).settle(PARTNER, ["2026-01", "2026-02", "2026-03"]) == 0
    assert counting.writes == 0
    assert tables.items(tables.books) == before


def test_who_waits_for_a_rate_loses_nothing_of_what_was_settled_before_it(carried: Books) -> None:
    # given February's contracts cannot be read once January is written
    class Waiting:
        def contracts_of_month(self, partner: str, month: str) -> Contracts:
            if month == "2026-02":
                raise Unavailable("not now")
            return carried.contracts_of_month(partner, month)

    settler = carried.settler()
    settler._contracts = Waiting()
    with pytest.raises(Unavailable):
        settler.settle(PARTNER, ["2026-01"])
    # when any month of the partner is settled again
    carried.settler().settle(PARTNER, ["2026-03"])
    assert carried.of_month(PARTNER, "rev") == AFTERWARDS


def test_who_qualified_keeps_a_receipt_of_the_place(tables: Tables) -> None:
    books = Books(tables, World().partner(PARTNER, terms(CAPPED | {"caps": [{"per": "day", "clients": 1}]})))
    books.deliver(registered("late"), deposited("late", "2026-01-06 09:00")).settle()
    books.deliver(registered("early"), deposited("early", "2026-01-06 08:00")).settle()
    journals = {j.key.scope: j for j in books.journals(PARTNER) if j.kind == "earning"}
    [back] = [j for j in books.journals(PARTNER) if j.kind == "clawback"]
    assert [line.step for line in journals["early"].receipt.lines] == [
        "registered",
        "deposited",
        "qualified",
        "slot",
        "amount_for_country",
    ]
    assert (back.key.scope, back.receipt.before, back.receipt.target) == ("late", 10_000, 0)
    assert "no_slot" in [line.step for line in back.receipt.lines]
    assert books.ledger.journal(PARTNER, back.id) == back
