"""Invoices on real tables: one for each payout, numbers without a gap, whoever issues them, and whatever breaks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Brand, Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from introducer.domain.events import day_of
from introducer.domain.invoice import (
    Invoice,
    InvoiceKind,
    TaxProfile,
    TaxRecord,
    Treatment,
    make_credit_note,
    make_invoice,
    numbered,
)
from introducer.domain.payout import Payout, PayoutStatus
from introducer.domain.reservation import Move
from introducer.services.change_tax_profile import change_tax_profile
from introducer.services.issue_invoices import TRIES, issue_invoices, issue_late_invoices
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.invoices import MOST_AT_ONCE, Invoices
from introducer.store.payout_items import payout_to_item
from introducer.store.payout_journals import PayoutJournals
from introducer.store.payouts import Payouts
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.closing import a_journal, post
from tests.support.documents import BRAND, PAID_AT, PARTNER, RUN, a_payout

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
POLISH = TaxProfile(
    legal_name="Harbour Media sp. z o.o.", address=("ul. Morska 5", "81-002 Gdynia"), country="PL",
    tax_id="PL5260001246", treatment=Treatment.DOMESTIC_VAT, rate=2300,
)  # fmt: skip
CHANGE = Change(by="mem_1", at=NOW, why="set up")


@pytest.fixture
def invoices(tables: Tables) -> Invoices:
    return Invoices(tables.books)


@pytest.fixture
def configuration(tables: Tables) -> Configuration:
    found = Configuration(tables.books)
    brand = Brand(
        brand=BRAND, name="Northgate FX", domain="go.northgate.example", base_currency="EUR",
        fallback_url="https://northgate.example/", created=NOW,
    )  # fmt: skip
    found.open_brand(brand, CHANGE)
    return found


def put(tables: Tables, *payouts: Payout) -> list[Payout]:
    """Payouts as they stand, put there without their way."""
    for each in payouts:
        place = keys.key("payout_place", payout=each.payout).item() | {"brand": each.brand, "run": each.run}
        for item in (payout_to_item(each), place):
            tables.client.put_item(TableName=tables.books, Item=to_wire(item))
    return list(payouts)


def payouts(count: int, first: int = 0) -> list[Payout]:
    return [
        a_payout(f"pay_{number:03d}", 1_000 + number, partner=f"par_{number % 7}")
        for number in range(first, first + count)
    ]


class Desk:
    """Somebody who issues invoices."""

    def __init__(self, tables: Tables, configuration: Configuration) -> None:
        self.invoices = Invoices(tables.books)
        self._given = (configuration, Payouts(tables.books), self.invoices)

    def issue(self, payouts: list[Payout], now: datetime = NOW) -> tuple[Invoice, ...]:
        return issue_invoices(*self._given, brand=BRAND, run=RUN, payouts=payouts, now=now)

    def series(self, year: str = "2026") -> list[Invoice]:
        found: list[Invoice] = []
        cursor: str | None = None
        while True:
            page = self.invoices.of_year(BRAND, year, cursor, limit=20)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found

    def check(self, expected: int, year: str = "2026") -> None:
        """No gap, no number twice, no document twice, and the counter where the last one is."""
        found = self.series(year)
        assert [each.number for each in found] == [f"{year}-{place:06d}" for place in range(1, expected + 1)]
        assert len({each.key for each in found}) == expected
        assert self.invoices.last_place(BRAND, year) == expected


@pytest.fixture
def desk(tables: Tables, configuration: Configuration) -> Desk:
    return Desk(tables, configuration)


def refusal(act: Callable[[], object], kind: type[Exception] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return str(raised.value.code)  # type: ignore[attr-defined]


# -------------------------------------------------------------------------------------------------------- the patterns


@pytest.mark.pattern("invoice_of_payout", "invoices_of_year", "invoice_series_of_year", "tax_profile_of")
def test_an_invoice_reads_as_it_was_issued_by_its_payout_and_by_its_number(invoices: Invoices) -> None:
    # given an invoice in another currency, and the note that takes it back
    payout = a_payout("pay_1", 30_000, pay_currency="USD", pays=32_502)
    made = make_invoice(payout, TaxProfile(legal_name="Northgate FX"), POLISH, PAID_AT, NOW)
    invoice = numbered(made, "2026", 1)
    note = numbered(make_credit_note(invoice, NOW, NOW), "2026", 2)
    assert invoices.last_place(BRAND, "2026") == 0
    assert refusal(lambda: invoices.invoice(PARTNER, "pay_1"), NotFound) == "not_invoiced"

    assert invoices.issue(BRAND, "2026", 0, [invoice, note], CHANGE)

    assert invoices.invoice(PARTNER, "pay_1") == invoice
    assert invoices.invoice(PARTNER, "pay_1", InvoiceKind.CREDIT_NOTE) == note
    assert invoices.standing([(PARTNER, "pay_1"), (PARTNER, "pay_2")]) == {invoice.key: invoice, note.key: note}
    first = invoices.of_year(BRAND, "2026", limit=1)
    assert (first.items, invoices.of_year(BRAND, "2026", first.cursor).items) == ((invoice,), (note,))
    assert invoices.of_year(BRAND, "2025").items == ()
    assert (invoices.last_place(BRAND, "2026"), invoices.last_place(BRAND, "2025")) == (2, 0)
    with pytest.raises(NotFound):
        invoices.invoice("par_other", "pay_1")
    # A series that has gone on, and a document that stands, take nothing.
    assert not invoices.issue(BRAND, "2026", 0, [numbered(replace(made, payout="pay_2"), "2026", 1)], CHANGE)
    assert not invoices.issue(BRAND, "2026", 2, [numbered(made, "2026", 3)], CHANGE)
    assert invoices.last_place(BRAND, "2026") == 2
    # And a tax profile reads as it was given.
    record = TaxRecord(of=PARTNER, profile=POLISH, version=1, changed_at=NOW, changed_by="mem_1")
    assert invoices.tax_record(PARTNER) is None
    invoices.put_tax_record(None, record, CHANGE)
    assert invoices.tax_record(PARTNER) == record
    assert invoices.tax_records([PARTNER, "par_other"]) == {PARTNER: record}
    assert refusal(lambda: invoices.put_tax_record(None, replace(record, changed_by="mem_2"), CHANGE)) == "tax_changed"


def on_its_way(tables: Tables, amount: int = 700, to: PayoutStatus = PayoutStatus.RETURNED) -> Payout:
    """A payout that went all steps up to a status, a day each."""
    store = Payouts(tables.books)
    partner = "par_p"
    post(tables, a_journal(amount, "2026-03", partner=partner))
    start = datetime(2026, 10, 1, 9, tzinfo=UTC)
    payout = store.create(
        a_payout("pay_way", amount, partner=partner, status=PayoutStatus.CREATED, status_since=start, created_at=start)
    )
    way = (PayoutStatus.APPROVED, PayoutStatus.SENDING, PayoutStatus.PAID, PayoutStatus.RETURNED)
    for days, status in enumerate(way[: way.index(to) + 1], start=1):
        payout = store.step(payout, status, start + timedelta(days=days))
    return payout


@pytest.mark.pattern("payout_journals_of_partner")
def test_all_that_payouts_of_a_partner_moved_is_read_at_once(tables: Tables) -> None:
    on_its_way(tables)
    journals = list(PayoutJournals(tables.books).of_partner("par_p"))
    assert [each.kind for each in journals] == [Move.RESERVE, Move.PAY, Move.RETURN]
    assert {each.key.scope for each in journals} == {"pay_way"}
    assert list(PayoutJournals(tables.books).of_partner("par_other")) == []


# -------------------------------------------------------------------------------------------------------------- issuing


def test_each_payout_that_was_paid_has_one_invoice_and_others_have_none(tables: Tables, desk: Desk) -> None:
    paid, sent = a_payout("pay_1", 5_000), a_payout("pay_2", 700, status=PayoutStatus.SENT)
    put(tables, paid, sent)

    [invoice] = desk.issue([paid, sent, a_payout("pay_unknown", 1)])

    assert (invoice.number, invoice.payout, invoice.gross, invoice.currency) == ("2026-000001", "pay_1", 5_000, "EUR")
    assert (invoice.day, invoice.issued_at, invoice.customer.legal_name) == (day_of(PAID_AT), NOW, "Northgate FX")
    # Nobody said how the partner is taxed: the name it was paid under, and no tax.
    assert (invoice.supplier, invoice.vat) == (TaxProfile(legal_name=paid.name), 0)


def test_issuing_again_meets_the_invoices_that_stand(tables: Tables, desk: Desk) -> None:
    given = put(tables, *payouts(4))
    first = desk.issue(given)
    stood = tables.items(tables.books)

    assert desk.issue(given, NOW + timedelta(days=40)) == first
    assert desk.issue(given[:2], NOW + timedelta(days=400)) == first[:2]
    assert tables.items(tables.books) == stood


def test_many_are_issued_in_as_many_transactions_as_it_takes(tables: Tables, desk: Desk) -> None:
    given = put(tables, *payouts(2 * MOST_AT_ONCE + 7))
    assert [each.payout for each in desk.issue(given)] == [each.payout for each in given]
    desk.check(len(given))
    records = desk._given[0].audit_of_subject(BRAND).items
    assert [each.action for each in records].count("issue_invoices") >= 3


def test_what_came_back_has_a_credit_note_that_names_its_invoice(tables: Tables, desk: Desk) -> None:
    # given a payout that was invoiced when it was paid
    paid = on_its_way(tables, to=PayoutStatus.PAID)
    [invoice] = desk.issue([paid])

    # when it comes back
    back = Payouts(tables.books).step(paid, PayoutStatus.RETURNED, datetime(2026, 10, 20, tzinfo=UTC), reason="closed")
    both = desk.issue([back], NOW + timedelta(days=1))

    # then there is a note beside it, with a number of its own, and together they come to nothing
    assert both[0] == invoice
    note = both[1]
    assert (note.kind, note.number, note.corrects) == (InvoiceKind.CREDIT_NOTE, "2026-000002", invoice.number)
    assert (note.day, note.gross + invoice.gross, note.held + invoice.held) == ("2026-10-20", 0, 0)
    desk.check(2)


def test_what_came_back_before_anybody_issued_has_both(tables: Tables, desk: Desk) -> None:
    invoice, note = desk.issue([on_its_way(tables)])
    assert (invoice.day, note.day) == ("2026-10-04", "2026-10-05")
    assert (note.corrects, note.number) == ("2026-000001", "2026-000002")


def test_what_is_heard_after_the_run_is_invoiced_by_the_payouts_alone(tables: Tables, desk: Desk) -> None:
    # given a run that has written its invoices, and a file of a bank that speaks of payouts of two runs
    early, late = put(tables, a_payout("pay_1", 500), a_payout("pay_2", 700, run="2026-09-monthly"))
    [invoice] = desk.issue([early])
    heard = [late.payout, early.payout, "pay_unknown"]

    for _ in range(2):
        found = issue_late_invoices(*desk._given, payouts=heard, now=NOW)
        assert [each.payout for each in found] == ["pay_2", "pay_1"]
        assert found[1] == invoice
    desk.check(2)


def test_tax_is_printed_as_it_was_on_the_day_of_issue(tables: Tables, desk: Desk) -> None:
    payout = a_payout("pay_1", 12_345)
    put(tables, payout, replace(payout, payout="pay_2"))
    owner = Member(member="mem_1", partner=PARTNER, brand=BRAND, role=Role.OWNER, name="Ola", language="pl")
    change_tax_profile(desk.invoices, member=owner, profile=POLISH, version=0, clock=lambda: NOW)
    [first] = desk.issue([payout])
    moved = replace(POLISH, address=("ul. Nowa 1", "00-001 Warszawa"), treatment=Treatment.REVERSE_CHARGE, rate=0)
    change_tax_profile(desk.invoices, member=owner, profile=moved, version=1, clock=lambda: NOW)

    first_again, second = desk.issue([payout, replace(payout, payout="pay_2")])

    assert first_again == first
    assert (first.net, first.vat, first.net + first.vat, first.supplier) == (10_037, 2_308, 12_345, POLISH)
    assert (second.net, second.vat, second.supplier) == (12_345, 0, moved)


def test_payouts_of_another_run_are_refused(desk: Desk) -> None:
    assert refusal(lambda: desk.issue([a_payout("pay_1", 1, run="2026-09-monthly")]), Invalid) == "other_run"


def test_each_year_has_a_series_of_its_own(tables: Tables, desk: Desk) -> None:
    given = put(tables, *payouts(3))
    desk.issue(given[:1], datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    desk.issue(given, datetime(2027, 1, 1, tzinfo=UTC))
    desk.check(1, "2026")
    desk.check(2, "2027")


# ---------------------------------------------------------------------------------------- two at once, and what breaks


@contextmanager
def before_each_issue(store: Invoices, *acts: Callable[[], object]) -> Iterator[None]:
    """Before each of the transactions of this store, the next of these happens."""
    issue, left = store.issue, list(acts)

    def interrupted(*given: Any) -> bool:
        if left:
            left.pop(0)()
        return issue(*given)

    store.issue = interrupted  # type: ignore[method-assign]
    try:
        yield
    finally:
        store.issue = issue  # type: ignore[method-assign]


def test_two_workers_at_once_leave_no_gap_and_no_double(
    tables: Tables, configuration: Configuration, desk: Desk
) -> None:
    given = put(tables, *payouts(60))
    other = Desk(tables, configuration)
    theirs = [given[:20], given[10:50], given[40:], given]

    # given another who is faster whenever this one is about to write
    with before_each_issue(desk.invoices, *(lambda mine=mine: other.issue(mine) for mine in theirs)):  # type: ignore[misc]
        mine = desk.issue(given)

    desk.check(60)
    assert mine == other.issue(given)


def test_whoever_is_interrupted_wherever_the_series_has_no_gap(tables: Tables, configuration: Configuration) -> None:
    """Two workers over the same payouts; each write may be lost before or after it is done, and is then tried again."""
    chance = random.Random(20261105)
    given = put(tables, *payouts(90), a_payout("pay_zzz", 5, run=RUN, partner="par_z"))
    workers = [Desk(tables, configuration) for _ in range(2)]

    def fragile(store: Invoices, issue: Callable[..., bool]) -> Callable[..., bool]:
        def sent(*all_of_it: Any) -> bool:
            fate = chance.choice(["well", "well", "lost before", "lost after", "overtaken"])
            if fate == "lost before":
                raise Unavailable("gone")
            if fate == "overtaken":
                rival = next(each for each in workers if each.invoices is not store)
                mine = sorted(chance.sample(range(91), 5))
                issue_invoices(
                    *rival._given[:2], Invoices(tables.books), brand=BRAND, run=RUN,
                    payouts=[given[place] for place in mine], now=NOW,
                )  # fmt: skip
            done = issue(*all_of_it)
            if fate == "lost after":
                raise Unavailable("gone")
            return done

        return sent

    for each in workers:
        each.invoices.issue = fragile(each.invoices, each.invoices.issue)  # type: ignore[method-assign]
    for turn in itertools.count():
        assert turn < 200
        start = chance.randrange(91)
        try:
            workers[turn % 2].issue(given[start:] + given[:start])
            break
        except Unavailable:
            continue
    Desk(tables, configuration).check(91)


def test_a_series_that_never_rests_is_left_with_a_word(
    tables: Tables, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = put(tables, *payouts(1))
    asked: list[int] = []
    monkeypatch.setattr(desk.invoices, "issue", lambda *given: asked.append(1) or False)
    assert refusal(lambda: desk.issue(given)) == "books_changed"
    assert len(asked) == TRIES
    assert desk.series() == []


# -------------------------------------------------------------------------------------------------------- tax profiles


def member(role: Role) -> Member:
    partner = PARTNER if not role.is_staff else None
    return Member(member=f"mem_{role}", partner=partner, brand=BRAND, role=role, name="Ola", language="pl")


def test_the_owner_changes_how_the_partner_is_taxed_and_it_is_on_record(
    invoices: Invoices, configuration: Configuration
) -> None:
    first = change_tax_profile(invoices, member=member(Role.OWNER), profile=POLISH, version=0, clock=lambda: NOW)
    again = change_tax_profile(invoices, member=member(Role.OWNER), profile=POLISH, version=0, clock=lambda: NOW)
    assert (first, first.version) == (again, 1)

    exempt = replace(POLISH, treatment=Treatment.EXEMPT, rate=0)
    later = NOW + timedelta(hours=1)
    second = change_tax_profile(invoices, member=member(Role.OWNER), profile=exempt, version=1, clock=lambda: later)

    assert invoices.tax_record(PARTNER) == second
    records = configuration.audit_of_subject(PARTNER).items
    assert [(each.action, each.by) for each in records] == [("change_tax_profile", "mem_owner")] * 2
    assert refusal(
        lambda: change_tax_profile(
            invoices, member=member(Role.OWNER), profile=POLISH, version=1, clock=lambda: later
        )
    ) == "tax_changed"  # fmt: skip


def test_finance_says_who_the_brand_is_and_others_say_nothing(invoices: Invoices) -> None:
    house = TaxProfile(legal_name="Northgate FX Ltd", address=("1 Harbour Road",), country="CY", tax_id="CY10000001X")
    change_tax_profile(invoices, member=member(Role.FINANCE), profile=house, version=0, clock=lambda: NOW)
    found = invoices.tax_records([BRAND, PARTNER])
    assert {of: record.profile for of, record in found.items()} == {BRAND: house}
    for role in (Role.MEMBER, Role.MANAGER, Role.COMPLIANCE, Role.SALES):
        with pytest.raises(Forbidden):
            change_tax_profile(invoices, member=member(role), profile=POLISH, version=0, clock=lambda: NOW)
