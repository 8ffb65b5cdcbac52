"""A month's document out of real books: earned, adjusted by two people, paid, brought back; and final once closed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from introducer.domain.adjustment import Act, approved, proposed, reversal_proposed
from introducer.domain.configuration import Change
from introducer.domain.errors import NotFound
from introducer.domain.payout import Payout, PayoutStatus
from introducer.domain.period_statement import PeriodStatement, canonical_csv
from introducer.domain.statement import make_statement
from introducer.services.read_period_statement import read_period_statement
from introducer.store.adjustments import Adjustments
from introducer.store.ledger import Ledger
from introducer.store.payout_journals import PayoutJournals
from introducer.store.payouts import Payouts
from introducer.store.statements import Statements
from tests.conftest import Tables
from tests.support.closing import PARTNER, a_journal, post
from tests.support.documents import BRAND, a_payout

pytestmark = pytest.mark.in_memory


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC)


def pays(tables: Tables, name: str, amount: int, day: str) -> Payout:
    """A payout that was reserved before and is paid on a day."""
    store = Payouts(tables.books)
    moment = at(day)
    payout = store.create(
        a_payout(
            name, amount, partner=PARTNER, status=PayoutStatus.CREATED, status_since=moment, created_at=moment
        )
    )  # fmt: skip
    for status in (PayoutStatus.APPROVED, PayoutStatus.SENDING, PayoutStatus.PAID):
        payout = store.step(payout, status, moment)
    return payout


def adjusts(tables: Tables, name: str, amount: str, day: str, *, take_back: bool = False) -> None:
    store = Adjustments(tables.books)
    maker = Act("mem_1", at(day), "Agreed with the partner by letter")
    checker = Act("mem_2", at(day), "It is right")
    change = Change(by="mem_1", at=at(day), why="test")
    adjustment = proposed(
        adjustment=name, brand=BRAND, partner=PARTNER, amount=amount, currency="EUR", earn_month=day[:7],
        available_day=None, today=day, act=maker,
    )  # fmt: skip
    store.propose(adjustment, change)
    posted, entry = approved(adjustment, checker, None)
    store.move("approve", adjustment, posted, change, entry)
    if take_back:
        again = reversal_proposed(posted, Act("mem_1", at(day), "It was somebody else's"))
        store.move("propose_reversal", posted, again, change)
        undone, back = approved(again, checker, None)
        store.move("approve_reversal", again, undone, change, back)


def closes(tables: Tables, month: str, opening: int) -> None:
    statements = Statements(tables.books)
    statements.freeze(PARTNER, month)
    journals = Ledger(tables.books).all_journals(PARTNER, month, consistent=True)
    statements.put(make_statement(PARTNER, month, {"EUR": opening}, journals, at("2026-11-05")))


def read(tables: Tables, month: str = "2026-10") -> PeriodStatement:
    return read_period_statement(
        Statements(tables.books), Adjustments(tables.books), PayoutJournals(tables.books), Payouts(tables.books),
        brand=BRAND, partner=PARTNER, month=month,
    )  # fmt: skip


def test_a_month_of_real_books_adds_up_and_never_changes(tables: Tables) -> None:
    # given a partner who earned in September and October, was adjusted, paid twice, and got one payout back
    post(tables, a_journal(50_000, "2026-09"), a_journal(20_000, "2026-10", rule="cpa", version=2))
    first = pays(tables, "pay_1", 30_000, "2026-10-03")
    pays(tables, "pay_2", 4_000, "2026-10-04")
    Payouts(tables.books).step(first, PayoutStatus.RETURNED, at("2026-10-20"), reason="account_closed")
    adjusts(tables, "adj_1", "12.50", "2026-10-21")
    adjusts(tables, "adj_2", "-3.00", "2026-10-22", take_back=True)
    with pytest.raises(NotFound):
        read(tables)

    # when October is closed
    closes(tables, "2026-10", 50_000)
    document = read(tables)

    # then its lines are these, and close with what the balance owes
    [euro] = document.currencies
    assert [(line.kind.value, line.amount) for line in euro.lines] == [
        ("opening", 50_000), ("earned", 20_000), ("adjusted", 1_250), ("adjusted", -300), ("reversed", 300),
        ("paid", -30_000), ("paid", -4_000), ("returned", 30_000), ("closing", 67_250),
    ]  # fmt: skip
    balance = Ledger(tables.books).balance(PARTNER)
    owed = [balance.bucket("EUR", bucket, "2026-10-31") for bucket in ("pending", "available", "held", "reserved")]
    assert sum(owed) == euro.closing

    # and whatever comes later leaves it as it is, a payment of its last day too
    before = canonical_csv(document)
    post(tables, a_journal(-700, "2026-11", earned="2026-10", version=3))
    pays(tables, "pay_3", 1_000, "2026-10-31")
    adjusts(tables, "adj_3", "1.00", "2026-11-02")
    assert canonical_csv(read(tables)) == before
    closes(tables, "2026-11", 50_000 + 20_000 + 1_250)
    [november] = read(tables, "2026-11").currencies
    assert (november.opening, november.closing) == (euro.closing, euro.closing - 700 - 1_000 + 100)
    assert [line.reference for line in november.lines if line.kind.value == "paid"] == ["pay_3"]
