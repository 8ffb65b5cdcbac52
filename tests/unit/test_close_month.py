"""Closing a month, as services: in which order, what a statement says, and what a crash leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Brand, Change, Partner, PartnerKind, Status
from introducer.domain.errors import Conflict, IntroducerError, Invalid, NotFound, TooMany, Unavailable
from introducer.domain.statement import CurrencyTotals, Statement, Total, check_over, is_over
from introducer.services.close_month import (
    PARTNERS_AT_ONCE,
    Progress,
    begin_close,
    close_partner,
    close_partners,
    finish_close,
    start_close,
    start_closes,
)
from introducer.services.creation import Author
from introducer.services.verify.books_side import BooksSide
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger, journal_to_item
from introducer.store.scans import Stored, kind_of
from introducer.store.statements import Statements
from introducer.store.wire import from_wire, to_wire
from tests.conftest import Tables, create_table, in_memory
from tests.support.closing import PARTNER, a_journal, post

NOW = datetime(2026, 4, 5, 2, tzinfo=UTC)
CHANGE = Change(by="system:test", at=NOW - timedelta(days=300), why="set up")
AUTHOR = Author(by="mem_finance", why="March is done", origin="test")
BRAND = "brd_1"


class House:
    """A brand's books in this process."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.configuration = Configuration(tables.books)
        self.ledger = Ledger(tables.books)
        self.statements = Statements(tables.books)
        self.brand(BRAND)

    def brand(self, brand: str, opened: datetime = CHANGE.at) -> None:
        self.configuration.open_brand(
            Brand(
                brand=brand, name=brand, domain=f"{brand.replace('_', '-')}.example", base_currency="EUR",
                fallback_url="https://brand.example/", created=opened,
            ),
            CHANGE,
        )  # fmt: skip

    def partners(self, *names: str) -> None:
        for name in names:
            self.configuration.register_partner(
                Partner(
                    partner=name, brand=BRAND, name=name, kind=PartnerKind.IB, status=Status.ACTIVE, parent=None,
                    manager=None, country="DE", language="en", currency="EUR", email_hash=None, created=CHANGE.at,
                ),
                CHANGE,
            )  # fmt: skip

    def close(self, month: str, partner: str = PARTNER) -> Statement:
        return close_partner(self.ledger, self.statements, partner=partner, month=month, now=NOW)

    def step(self, so_far: Progress, month: str = "2026-03", **more: Any) -> Progress:
        return close_partners(
            self.configuration, self.ledger, self.statements, brand=BRAND, month=month, so_far=so_far, now=NOW, **more
        )

    def whole(self, month: str = "2026-03") -> Progress:
        """All steps of a close."""
        begin_close(self.configuration, brand=BRAND, month=month, author=AUTHOR, now=NOW)
        progress = Progress()
        while progress.more:
            progress = self.step(progress, month)
        finish_close(self.configuration, brand=BRAND, month=month, progress=progress, author=AUTHOR, now=NOW)
        return progress


@pytest.fixture
def house() -> Iterator[House]:
    with in_memory() as client:
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        yield House(Tables("facts", "books", client))


# ------------------------------------------------------------------------------------------------ what a statement says


def test_a_statement_adds_up_the_month_by_currency_rule_and_earlier_month(house: House) -> None:
    # given a month with four kinds of entries in two currencies, and what came before it
    post(
        house.tables,
        a_journal(1_000, "2026-01"),
        a_journal(-300, "2026-02", client="b"),
        a_journal(20_000, "2026-03", rule="cpa"),
        a_journal(50, "2026-03", client="c"),
        a_journal(-80, "2026-03", client="d"),
        a_journal(700, "2026-03", earned="2026-01", client="e"),
        a_journal(-4_000, "2026-03", earned="2026-02", client="f"),
        a_journal(999, "2026-03", currency="JPY", rule="lot"),
        a_journal(5, "2026-04", client="g"),
    )

    found = house.close("2026-03")

    assert (found.entries, found.closed_at) == (6, NOW)
    assert found.totals == (
        CurrencyTotals(
            currency="EUR",
            opening=700,
            rules=(Total(of="cpa", amount=20_000, entries=1), Total(of="revshare", amount=-30, entries=2)),
            earlier=(Total(of="2026-01", amount=700, entries=1), Total(of="2026-02", amount=-4_000, entries=1)),
        ),
        CurrencyTotals(currency="JPY", opening=0, rules=(Total(of="lot", amount=999, entries=1),), earlier=()),
    )
    assert [totals.closing for totals in found.totals] == [17_370, 999]


def test_a_month_opens_where_the_one_before_ended(house: House) -> None:
    for number in range(1, 7):
        post(house.tables, a_journal(10**number, f"2026-0{number}", client=f"c{number}"))

    first, second, fifth = house.close("2026-01"), house.close("2026-02"), house.close("2026-05")

    assert second.totals[0].opening == first.totals[0].closing == 10
    assert (fifth.totals[0].opening, fifth.totals[0].closing) == (11_110, 111_110)


def test_a_month_closed_out_of_order_says_what_it_would_have_said(house: House) -> None:
    # given the same entries of two partners, of whom one has every month closed in order
    for partner in ("par_a", "par_b"):
        for number in range(1, 4):
            post(house.tables, a_journal(100 * number, f"2026-0{number}", partner=partner, client=f"c{number}"))
    in_order = [house.close(f"2026-0{number}", "par_a") for number in (1, 2, 3)]

    # when the last one is closed first for the other
    backwards = [house.close(f"2026-0{number}", "par_b") for number in (3, 1, 2)]

    # then the last is frozen all the same, and every statement has the same amounts
    assert house.ledger.balance("par_b").frozen_through == "2026-03"
    assert [each.totals for each in in_order] == [backwards[1].totals, backwards[2].totals, backwards[0].totals]


def test_a_partner_who_never_earned_is_frozen_and_has_an_empty_statement(house: House) -> None:
    found = house.close("2026-03")

    assert (found.totals, found.entries) == ((), 0)
    assert house.ledger.balance(PARTNER).frozen_through == "2026-03"


def test_a_statement_names_the_very_entries_it_was_made_of(house: House) -> None:
    digests = set()
    for number, (amount, client) in enumerate(((100, "a"), (101, "a"), (100, "b"))):
        post(house.tables, a_journal(amount, "2026-03", partner=f"par_{number}", client=client))
        digests.add(house.close("2026-03", f"par_{number}").digest)

    assert len(digests) == 3


def test_entries_that_changed_under_a_statement_are_noticed(house: House) -> None:
    # given a statement, and an entry that somebody smuggled into its month past the engine
    post(house.tables, a_journal(100, "2026-03"))
    stood = house.close("2026-03")
    smuggled = journal_to_item(a_journal(1, "2026-03", client="x"))
    house.tables.client.put_item(TableName="books", Item=to_wire(smuggled))

    # when it is closed again, that is said, and the statement stays
    with pytest.raises(Conflict, match="have the books verified"):
        house.close("2026-03")
    assert house.statements.get(PARTNER, "2026-03") == stood


def test_nothing_is_posted_into_a_month_while_it_is_added_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given an engine that posts at the very moment at which the month's entries are read
    post(house.tables, a_journal(100, "2026-03"))
    read = house.ledger.all_journals
    refused = []

    def meanwhile(partner: str, month: str, *, consistent: bool) -> Any:
        assert consistent
        try:
            post(house.tables, a_journal(7, "2026-03", client="late"))
        except Conflict:
            refused.append(month)
        return read(partner, month, consistent=consistent)

    monkeypatch.setattr(house.ledger, "all_journals", meanwhile)

    # when the month is closed, then the engine must look again, and the statement is whole
    assert house.close("2026-03").entries == 1
    assert refused == ["2026-03"]


# ------------------------------------------------------------------------------------------------- the steps of a close


def test_every_partner_is_closed_step_by_step_and_counted_once(house: House) -> None:
    # given more partners than two steps take
    names = [f"par_{number:03d}" for number in range(2 * PARTNERS_AT_ONCE + 3)]
    house.partners(*names)
    for name in names:
        post(house.tables, a_journal(10**11, "2026-03", partner=name, currency="VND", rule="lot"))
        post(house.tables, a_journal(-5, "2026-03", partner=name))

    # when each step is made twice, as a state machine does when an answer was lost
    begin_close(house.configuration, brand=BRAND, month="2026-03", author=AUTHOR, now=NOW)
    progress, steps = Progress(), 0
    while progress.more:
        again = house.step(progress)
        progress, steps = house.step(progress), steps + 1
        assert progress == again

    # then all are closed, and the sums are exact, also beyond twelve digits
    assert steps == 3
    assert (progress.partners, progress.entries) == (len(names), 2 * len(names))
    assert progress.sums == {"EUR": "-2.65", "VND": "5300000000000"}
    assert all(house.ledger.balance(name).frozen_through == "2026-03" for name in names)
    closed = finish_close(house.configuration, brand=BRAND, month="2026-03", progress=progress, author=AUTHOR, now=NOW)
    assert closed.sums == {"EUR": -265, "VND": 53 * 10**11}


def test_a_step_that_has_no_time_left_closes_one_partner_all_the_same(house: House) -> None:
    house.partners("par_a", "par_b", "par_c")
    progress = Progress()
    seen = []
    while progress.more:
        progress = house.step(progress, enough=lambda: True)
        seen.append(progress.after)

    assert seen == ["par_a", "par_b", "par_c"]
    assert progress.partners == 3


@pytest.mark.parametrize("broken", range(1, 9))
def test_wherever_a_close_breaks_off_starting_it_again_ends_it_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    # given two partners, and a table that does not answer the n-th write of the close
    house.partners("par_a", "par_b")
    for name in ("par_a", "par_b"):
        post(house.tables, a_journal(100, "2026-03", partner=name))
    writes = 0

    def counted(do: Any) -> Any:
        def write(*given: Any, **named: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == broken:
                raise Unavailable("The table did not answer: try again.")
            done = do(*given, **named)
            if writes == broken - 1:
                raise Unavailable("The answer was lost.")
            return done

        return write

    for store, name in (
        (house.statements, "freeze"), (house.statements, "put"),
        (house.configuration, "begin_month_close"), (house.configuration, "finish_month_close"),
    ):  # fmt: skip
        monkeypatch.setattr(store, name, counted(getattr(store, name)))

    # when the close is started again until it ends, with late events in between
    for attempt in range(4):
        try:
            progress = house.whole()
            break
        except Unavailable:
            for name in ("par_a", "par_b"):
                frozen = house.ledger.balance(name).frozen_through
                if frozen is not None:
                    post(house.tables, a_journal(7, "2026-04", earned="2026-03", partner=name, client=f"l{attempt}"))
    else:
        pytest.fail("it never ended")

    # then the late ones are not in it
    assert (progress.partners, progress.entries, progress.sums) == (2, 2, {"EUR": "2.00"})
    for name in ("par_a", "par_b"):
        statement = house.statements.get(name, "2026-03")
        assert statement is not None and statement.totals[0].closing == 100
    close = house.configuration.month_close(BRAND, "2026-03")
    assert (close.closed_by, close.entries) == (AUTHOR.by, 2)
    actions = [record.action for record in house.configuration.audit_of_subject(BRAND).items]
    assert sorted(actions) == ["begin_month_close", "close_month", "open_brand"]


def test_a_closed_month_stays_in_the_name_of_who_closed_it(house: House) -> None:
    house.partners("par_a")
    house.whole()
    stood = house.tables.items("books")

    other = Author(by="mem_other", why="again")
    begin_close(house.configuration, brand=BRAND, month="2026-03", author=other, now=NOW + timedelta(days=9))
    progress = house.step(Progress())
    finish_close(
        house.configuration, brand=BRAND, month="2026-03", progress=progress, author=other,
        now=NOW + timedelta(days=9),
    )  # fmt: skip

    assert house.tables.items("books") == stood


# ------------------------------------------------------------------------------------------------------- starting one


class Executions:
    """Step Functions, as far as starting goes."""

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, Any]]] = []

    def start(self, name: str, given: dict[str, Any]) -> Any:
        self.started.append((name, given))
        return type("Started", (), {"name": name})()


def test_the_schedule_starts_a_close_for_each_brand_there_was_in_the_month_before(house: House) -> None:
    # given three brands: one has the month closed already, one was opened after it
    house.brand("brd_2")
    house.brand("brd_young", datetime(2026, 4, 1, tzinfo=UTC))
    house.whole()
    executions = Executions()

    found = start_closes(house.configuration, executions, now=NOW)  # type: ignore[arg-type]

    assert found == {"started": ["2026-03-close-brd_2"], "closed_before": [BRAND]}
    [(_, given)] = executions.started
    assert given == {
        "brand": "brd_2", "month": "2026-03", "by": "system:period_close", "why": "closed on schedule",
    }  # fmt: skip


def test_in_january_the_month_before_is_december(house: House) -> None:
    executions = Executions()
    start_closes(house.configuration, executions, now=datetime(2026, 1, 5, 2, tzinfo=UTC))  # type: ignore[arg-type]
    assert [name for name, _ in executions.started] == ["2025-12-close-brd_1"]


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ({"brd_2": Conflict("It failed 50 times.")}, Conflict),
        ({"brd_2": Conflict("It failed 50 times."), "brd_1": Unavailable("AWS did not answer.")}, Unavailable),
        ({"brd_3": TooMany("Too much at once.")}, TooMany),
    ],
)
def test_a_brand_whose_close_cannot_start_holds_up_no_other(
    house: House, errors: dict[str, IntroducerError], kind: type[IntroducerError]
) -> None:
    house.brand("brd_2")
    house.brand("brd_3")

    class Failing(Executions):
        def start(self, name: str, given: dict[str, Any]) -> Any:
            if given["brand"] in errors:
                raise errors[given["brand"]]
            return super().start(name, given)

    executions = Failing()
    with pytest.raises(kind) as told:
        start_closes(house.configuration, executions, now=NOW)  # type: ignore[arg-type]

    assert {given["brand"] for _, given in executions.started} == {BRAND, "brd_2", "brd_3"} - set(errors)
    assert type(told.value) is kind
    assert told.value.code == "closes_not_started"
    assert all(f"{brand}: {error.detail}" in told.value.detail for brand, error in errors.items())


def test_a_month_before_the_brand_was_opened_is_not_closed(house: House) -> None:
    house.brand("brd_young", datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    begin_close(house.configuration, brand="brd_young", month="2026-03", author=AUTHOR, now=NOW)
    for month in ("2026-02", "2000-01"):
        with pytest.raises(Invalid) as refused:
            begin_close(house.configuration, brand="brd_young", month=month, author=AUTHOR, now=NOW)
        assert refused.value.code == "month_before_brand"
        assert "opened in 2026-03" in refused.value.detail
    assert [each.month for each in house.configuration.months_of_brand("brd_young").items] == ["2026-03"]


def test_what_cannot_be_closed_is_not_started(house: House) -> None:
    executions = Executions()
    for month, brand, error in (
        ("2026-04", BRAND, Invalid),
        ("2027-01", BRAND, Invalid),
        ("2026-13", BRAND, Invalid),
        ("2026-3", BRAND, Invalid),
        ("٢٠٢٦-03", BRAND, Invalid),
        ("2026-03", "brd_9", NotFound),
    ):
        with pytest.raises(error):
            start_close(
                house.configuration,
                executions,
                brand=brand,
                month=month,
                author=AUTHOR,
                now=NOW,  # type: ignore[arg-type]
            )
    assert executions.started == []
    assert house.configuration.months_of_brand(BRAND).items == ()


def test_who_started_a_close_is_on_record_before_anything_is_closed(house: House) -> None:
    start_close(
        house.configuration,
        Executions(),
        brand=BRAND,
        month="2026-03",
        author=AUTHOR,
        now=NOW,  # type: ignore[arg-type]
    )
    record = house.configuration.audit_of_subject(BRAND).items[0]
    assert (record.action, record.by, record.why) == ("begin_month_close", AUTHOR.by, AUTHOR.why)


def test_a_month_is_over_when_it_is_over_in_utc() -> None:
    midnight = datetime(2026, 4, 1, tzinfo=UTC)
    east = midnight.astimezone(tz=None)
    for moment, over in ((midnight - timedelta(milliseconds=1), False), (midnight, True), (east, True)):
        assert is_over("2026-03", moment) is over
    with pytest.raises(Invalid, match=r"Close it on 2026-04-01 or later\.") as refused:
        check_over("2026-03", midnight - timedelta(milliseconds=1))
    assert refused.value.code == "month_not_over"


def test_a_closed_months_item_is_small_however_much_was_posted(house: House) -> None:
    for number in range(60):
        post(house.tables, a_journal(number + 1, "2026-03", client=f"c{number}"))
    house.close("2026-03")

    key = keys.key("statement", partner=PARTNER, month="2026-03").item()
    item = house.tables.client.get_item(TableName="books", Key=to_wire(key))["Item"]
    assert len(str(item)) < 500


def test_what_a_close_writes_is_known_to_those_who_verify_the_books(house: House) -> None:
    # given a partner with earnings, and one without
    house.partners("par_a", "par_b")
    post(house.tables, a_journal(100, "2026-03", partner="par_a"))
    house.whole()

    # when everything is read as `introducer verify` reads it
    books = BooksSide()
    for wire in house.tables.items("books"):
        item = from_wire(wire)
        books.take(Stored(kind_of(keys.BOOKS, item[keys.PK], item[keys.SK]), item))

    # then there is nothing it does not know, and a frozen balance is the sum of its journals
    assert books.differences == []
    assert books.balances["par_b"] == {}
    assert books.balances["par_a"] == books.journal_balances["par_a"]
