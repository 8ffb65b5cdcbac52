"""The questions about clients, journals, balances and counters, asked of real tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from introducer.domain.client import ClientState
from introducer.domain.earnings import Transition
from introducer.domain.errors import Conflict
from introducer.domain.ledger import Journal
from introducer.domain.money import FINE
from introducer.domain.receipts import journal
from introducer.store import keys
from introducer.store.accruals import Accrual, Accruals
from introducer.store.clients import Clients, fold_text
from introducer.store.event_counts import EventCounts
from introducer.store.facts import Facts
from introducer.store.ledger import Ledger, journal_from_item, journal_to_item
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.builders import BRAND, CLIENT, Books, World, a_click, an_event, at, cpa, revshare, terms

PARTNER = "par_p"
APPLIED_AT = 1_772_700_000_000


@pytest.fixture
def accruals(tables: Tables) -> Accruals:
    return Accruals(tables.facts, tables.books)


def a_week(client: str = CLIENT, registered: str = "2026-03-01") -> tuple[Books, list[Journal]]:
    """A client's first days, folded at once, with the journals of it."""
    world = World().partner(PARTNER, terms(cpa("200.00"), revshare("30"), days=30, net_revenue={"commission": "1"}))
    start = at(registered)
    books = Books(world, ClientState(BRAND, client))
    events = [
        an_event("registration", start, client=client, click_id=a_click(start), country="DE"),
        an_event("deposit", start, client=client, amount="50.00"),
        an_event("trade", start, client=client, commission="1.23", currency="USD", lots="0.1"),
        an_event("cancel", start, client=client, ref="never-came"),
        an_event("chargeback", start, client=client, amount="1.00", ref="elsewhere"),
    ]
    books.deliver(*events)
    return books, journals_of(books.transitions[-1], books)


def journals_of(transition: Transition, books: Books) -> list[Journal]:
    contracts = books.world.contracts(transition.applied)
    return [
        journal(posting, transition, contracts, None, APPLIED_AT, transition.state.version + 1)
        for posting in transition.postings
    ]


def write(accruals: Accruals, tables: Tables, books: Books, journals: list[Journal]) -> None:
    facts = Facts(tables.facts)
    for event in books.applied:
        facts.put_event(event)
    transition = books.transitions[-1]
    accruals.write(Accrual(transition.applied, (transition.state,), tuple(journals), transition.counts), APPLIED_AT)


@pytest.mark.pattern("client_state")
def test_a_client_comes_back_as_it_was_written(tables: Tables, accruals: Accruals) -> None:
    books, journals = a_week()
    write(accruals, tables, books, journals)
    stored = Clients(tables.books).state(BRAND, CLIENT)
    assert stored == replace(books.state, version=1)
    assert fold_text(stored) == fold_text(books.state)
    assert Clients(tables.books).state(BRAND, "another") is None


@pytest.mark.pattern("clients_of_partner")
def test_a_partners_clients_come_newest_first_page_by_page(tables: Tables, accruals: Accruals) -> None:
    for day in range(1, 8):
        write(accruals, tables, *a_week(f"client-{day}", f"2026-03-0{day}"))
    clients = Clients(tables.books)
    seen, cursor = [], None
    while True:
        page = clients.of_partner(PARTNER, cursor, limit=3)
        assert len(page.items) <= 3
        seen += [state.client for state in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [f"client-{day}" for day in range(7, 0, -1)]
    assert clients.of_partner("par_other").items == ()


@pytest.mark.pattern("journal_by_id")
def test_a_journal_is_found_by_its_id_by_its_own_partner_only(tables: Tables, accruals: Accruals) -> None:
    books, journals = a_week()
    write(accruals, tables, books, journals)
    ledger = Ledger(tables.books)
    for each in journals:
        assert ledger.journal(PARTNER, each.id) == each
        assert ledger.journal("par_other", each.id) is None
    for nonsense in ("", "jrn_", "jrn_202603", "par_p", journals[0].id + "0", "jrn_２０２６０３" + "0" * 26):
        assert ledger.journal(PARTNER, nonsense) is None


@pytest.mark.pattern("journals_of_month")
def test_a_months_journals_come_newest_first_page_by_page(tables: Tables, accruals: Accruals) -> None:
    ids = set()
    for number in range(4):
        books, journals = a_week(f"client-{number}")
        write(accruals, tables, books, journals)
        ids |= {each.id for each in journals}
    ledger = Ledger(tables.books)
    first = ledger.journals(PARTNER, "2026-03", limit=5)
    second = ledger.journals(PARTNER, "2026-03", first.cursor, limit=5)
    listed = [each.id for each in (*first.items, *second.items)]
    assert len(first.items) == 5
    assert second.cursor is None
    assert set(listed) == ids
    assert listed == sorted(listed, reverse=True)
    assert ledger.journals(PARTNER, "2026-02").items == ()


@pytest.mark.pattern("balance_of_partner")
def test_a_balance_is_the_sum_of_its_journals(tables: Tables, accruals: Accruals) -> None:
    ledger = Ledger(tables.books)
    assert ledger.balance(PARTNER).currencies() == []
    for number in range(3):
        write(accruals, tables, *a_week(f"client-{number}"))
    balance = ledger.balance(PARTNER)
    share = 31  # 30 % of 1.23 USD at 1.1805
    assert balance.amounts == {
        ("EUR", "pending", "2026-03-31"): 3 * 20_000,
        ("EUR", "pending", "2026-04-30"): 3 * share,
    }
    assert balance.earned == {("EUR", "2026-03"): 3 * (20_000 + share)}
    assert balance.bucket("EUR", "pending", "2026-03-30") == 3 * (20_000 + share)
    assert balance.bucket("EUR", "available", "2026-03-31") == 3 * 20_000


@pytest.mark.pattern("counts_of_month", "counts_of_day")
def test_counters_add_up_by_day_and_link(tables: Tables, accruals: Accruals) -> None:
    for number in range(2):
        write(accruals, tables, *a_week(f"client-{number}"))
    write(accruals, tables, *a_week("client-9", "2026-03-02"))
    first, second = EventCounts(tables.books).month(PARTNER, "2026-03")
    assert (first.day, first.counts) == ("2026-03-01", {"registrations": 2, "ftd": 2, "qftd": 2})
    assert first.sums["deposits", "EUR"] == 2 * 5_000 * FINE
    assert (second.day, second.counts["ftd"]) == ("2026-03-02", 1)
    assert EventCounts(tables.books).month(PARTNER, "2026-04") == []


def test_a_closed_month_takes_no_journal_and_nothing_else_of_the_transaction(
    tables: Tables, accruals: Accruals
) -> None:
    # given a partner whose March is closed
    key = keys.key("balance", partner=PARTNER)
    tables.client.put_item(TableName=tables.books, Item=to_wire({**key.item(), "frozen_through": "2026-03"}))
    # when an engine that did not know posts into March
    books, journals = a_week()
    with pytest.raises(Conflict):
        write(accruals, tables, books, journals)
    # then nothing of it is there
    assert Clients(tables.books).state(BRAND, CLIENT) is None
    assert all(event.applied_at is None for event in Facts(tables.facts).events_of_client(BRAND, CLIENT))
    # and what is posted into April stands there, earned in March
    contracts = books.world.contracts(books.applied)
    transition = books.transitions[-1]
    late = [journal(p, transition, contracts, "2026-03", APPLIED_AT, 1) for p in transition.postings]
    accruals.write(Accrual(transition.applied, (books.state,), tuple(late)), APPLIED_AT)
    listed = Ledger(tables.books).journals(PARTNER, "2026-04").items
    assert {(each.key.earn_month, each.post_month) for each in listed} == {("2026-03", "2026-04")}


def test_a_transaction_sent_twice_is_answered_and_not_written_twice(tables: Tables, accruals: Accruals) -> None:
    books, journals = a_week()
    write(accruals, tables, books, journals)
    accruals.write(
        Accrual(books.transitions[-1].applied, (books.transitions[-1].state,), tuple(journals), books.counts),
        APPLIED_AT,
    )
    assert Ledger(tables.books).balance(PARTNER).earned == {("EUR", "2026-03"): 20_031}


def test_a_journal_with_its_receipt_comes_back_from_its_item() -> None:
    _, journals = a_week()
    assert [journal_from_item(journal_to_item(each)) for each in journals] == journals
