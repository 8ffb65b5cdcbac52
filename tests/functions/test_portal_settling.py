"""What is still settling stands on the month's page and with the earnings, and is gone once it is posted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from introducer.domain.events import milliseconds
from introducer.domain.money import FINE, Money
from introducer.domain.partner_month import Below
from introducer.domain.rows import Row
from introducer.domain.rules.qualification import Qualifying
from introducer.locale import Language
from introducer.services.accept_deal import accept_deal
from introducer.services.propose_deal import propose_deal
from introducer.services.read_client_of_brand import read_client_of_brand
from introducer.services.read_clients_of_partner import pseudonym, read_clients_of_partner
from introducer.services.read_settling_of_partner import read_settling_of_partner
from introducer.services.settle_partner import Settler
from introducer.store.configuration import Configuration
from introducer.store.moves import Moves
from introducer.store.settlements import below_to_item, row_to_item
from introducer.store.wire import to_wire
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, BEGAN, OTHER, UNDEALT, Portal, a_portal
from tests.browser.world import PARTNER as PARTNER_BELOW
from tests.conftest import Tables, create_table, in_memory
from tests.support.builders import BRAND, World, at, cpa, revshare, terms
from tests.support.settling import Books, family, override
from tests.unit.test_partner_months import deposited, registered, revenue

PARTNER, MONTH = "par_1", "2026-01"
POOLED = {"pooled": True, "id": "pool"}


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Both tables in this process."""
    with in_memory() as client:
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        yield Tables("facts", "books", client)


def settling(books: Books, partner: str = PARTNER, month: str = MONTH) -> dict[str, int]:
    """What the service says, by currency, in minor units."""
    found = read_settling_of_partner(books.settlements, books, partner=partner, month=month)
    assert all(isinstance(money, Money) and money.minor for money in found)
    return {money.currency: money.minor for money in found}


class TestWhatIsStillSettling:
    def test_it_is_what_the_next_settle_posts(self, tables: Tables) -> None:
        rule = cpa("100.00") | {"caps": [{"per": "month", "clients": 1}]}
        books = Books(tables, World().partner(PARTNER, terms(rule, revshare("30") | {"pooled": True})))
        for events, expected in (
            ([registered("a"), deposited("a", "2026-01-10")], 10_000),
            ([revenue("a", "2026-01-11", "40.00")], 1_200),
            # one that takes the place of another moves nothing
            ([registered("b"), deposited("b", "2026-01-09")], 0),
            ([revenue("b", "2026-01-12", "-30.00")], -900),
        ):
            books.deliver(*events)
            before = sum(books.posted().values())
            assert settling(books) == ({"EUR": expected} if expected else {})
            books.settler().settle(PARTNER, [MONTH])
            assert sum(books.posted().values()) - before == expected
            assert settling(books) == {}

    def test_a_month_that_another_one_moved_is_still_settling_too(self, tables: Tables) -> None:
        # given that January's loss is settled, and February does not know yet
        books = Books(tables, World().partner(PARTNER, terms(revshare("30", "carry") | {"pooled": True})))
        books.deliver(registered("a"), revenue("a", "2026-01-10", "10.00"), revenue("a", "2026-02-10", "10.00"))
        books.settle().deliver(revenue("a", "2026-01-12", "-15.00"))
        assert (settling(books), settling(books, month="2026-02")) == ({"EUR": -300}, {})

        class OnlyJanuary(Books):
            def contracts_of_month(self, partner: str, month: str) -> Any:
                if month != MONTH:
                    raise InterruptedError
                return super().contracts_of_month(partner, month)

        with pytest.raises(InterruptedError):
            OnlyJanuary(tables, books.world).settler().settle(PARTNER, [MONTH])
        assert (settling(books), settling(books, month="2026-02")) == ({}, {"EUR": -150})
        assert settling(books.settle(), month="2026-02") == {}

    def test_those_above_wait_for_those_below(self, tables: Tables) -> None:
        books = Books(tables, family())
        books.deliver(registered("c", link="LINKCHIL"), revenue("c", "2026-01-10", "1000.05"))
        # the child's own share is posted at once; the parent knows when the child's month is settled
        assert [settling(books, partner) for partner in ("par_child", "par_parent", "par_grand")] == [{}, {}, {}]
        books.settler().settle("par_child", [MONTH])
        assert settling(books, "par_parent") == {"EUR": 10_000}
        assert settling(books, "par_grand") == {"EUR": 5_000}

    def test_nothing_is_said_while_a_rate_is_not_there_yet(self, tables: Tables) -> None:
        above = override({"level": 1, "percent": "10", "of": ["cpa"]})
        books = Books(tables, World(rates={}).partner(PARTNER, terms(above)))
        row = below_to_item(PARTNER, MONTH, "par_2", Below(1, (("cpa", "USD", 10_000),)))
        tables.client.put_item(TableName=tables.books, Item=to_wire(row))
        assert settling(books) == {}
        books.world.rates = {"2025-12-31": {"USD": "1.25"}}
        assert settling(books) == {"EUR": 800}

    def test_partners_without_rows_cost_one_query(self, tables: Tables) -> None:
        # given a partner whose rules look at one client at a time
        books = Books(tables, World().partner(PARTNER, terms(revshare("30"))))
        books.deliver(registered("a"), revenue("a", "2026-01-10", "10.00"))
        calls: list[str] = []
        connection = books.settlements._connection
        inner = connection.query

        def counted(*arguments: Any, **named: Any) -> Any:
            calls.append(str(arguments[1]))
            return inner(*arguments, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connection, "query", counted)
            patch.setattr(books, "contracts_of_month", None)
            assert settling(books) == {}
        assert len(calls) == 1


def test_a_place_under_a_cap_counts_for_its_client(tables: Tables) -> None:
    rule = cpa("100.00") | {"caps": [{"per": "month", "clients": 1}]}
    books = Books(tables, World().partner(PARTNER, terms(rule, revshare("30"), revshare("1") | POOLED)))
    for client, day in (("late", "2026-01-11"), ("early", "2026-01-10")):
        books.deliver(registered(client), deposited(client, day), revenue(client, "2026-01-12", "10.00")).settle()

    listed = read_clients_of_partner(books.clients, books.settlements, partner=PARTNER, cursor=None, limit=10)
    earned = {each.pseudonym: each.earned for each in listed.items}
    assert earned == {pseudonym("late"): (Money(300, "EUR"),), pseudonym("early"): (Money(10_300, "EUR"),)}
    given: Any = (Configuration(tables.books), books.clients, Moves(tables.facts, tables.books), books.settlements)
    for client, expected in (("late", {"rev": 300}), ("early", {"cpa": 10_000, "rev": 300})):
        posted = read_client_of_brand(*given, brand=BRAND, client=client).posted
        assert {each.rule: each.amount.minor for each in posted} == expected


# ---- on the pages ---------------------------------------------------------------------------------------------------


DEAL = terms(cpa("100.00") | {"caps": [{"per": "month", "clients": 2}]}, days=10)


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


@pytest.fixture(scope="module")
def partner(portal: Portal) -> str:
    """A partner with a cap, and three clients that qualified this month; nobody settled it."""
    partner = portal.partners[UNDEALT]
    given: dict[str, Any] = {"author": AUTHOR, "clock": lambda: BEGAN}
    deal = propose_deal(portal.configuration, partner=partner, terms=DEAL, **given)
    accept_deal(portal.configuration, partner=partner, version=deal.version, terms_hash=deal.terms_hash, **given)
    for number in range(3):
        qualified(portal, partner, f"client-{number}", at(f"2026-04-0{number + 1}"))
    return partner


def qualified(portal: Portal, partner: str, client: str, when: datetime) -> None:
    """The engine writes a client's row."""
    at_ms = milliseconds(when)
    row = Row(at_ms, at_ms, (Qualifying("cpa", 1, at_ms, 10_000, "program"),))
    put(portal, row_to_item(partner, "2026-04", client, row))


def put(portal: Portal, item: dict[str, Any]) -> None:
    portal.dynamodb.put_item(TableName=portal.wiring.settings.books_table, Item=to_wire(item))


def settle(portal: Portal, partner: str) -> None:
    """As the settle function does."""
    wiring = portal.wiring
    Settler(
        settlements=wiring.settlements,
        ledger=portal.ledger,
        contracts=wiring.contracts,
        now_ms=lambda: milliseconds(wiring.now()),
        pause=lambda attempt: None,
    ).settle(partner, ["2026-04"])


def said(page: str) -> list[str]:
    """What the page says is still settling, as people read it."""
    found = re.findall(r'<p class="quiet small">([^<]*<bdi[^>]*money.*?)</p>', page)
    return [re.sub(r"<[^>]*>", "", text) for text in found]


@pytest.mark.cloud
def test_both_pages_say_what_is_still_settling_until_it_is_posted(portal: Portal, partner: str) -> None:
    program, visitor = portal.machine(UNDEALT), portal.signed_in(UNDEALT)
    owed = [{"amount": "200.00", "currency": "EUR"}]
    for path in ("/", "/earnings", "/earnings?month=2026-04"):
        assert program.get(path).json["settling"] == owed, path
        assert said(visitor.get(path).body) == ["Still settling: +200.00\N{THIN SPACE}EUR"], path
    assert program.get("/earnings?month=2026-03").json["settling"] == []
    for language in ("es", "pl", "ru", "th", "ar"):
        visitor.cookies["__Host-language"] = language
        [text] = said(visitor.get("/").body)
        assert text.startswith(Language(language).text("Still settling: %(amount)s").split("%")[0])
        assert "Still settling" not in text
    visitor.cookies["__Host-language"] = "en"

    settle(portal, partner)
    for path in ("/", "/earnings"):
        assert program.get(path).json["settling"] == []
        assert said(visitor.get(path).body) == []
    assert program.get("/earnings").json["earned"] == owed


@pytest.mark.cloud
def test_an_entry_says_of_whom_it_is(portal: Portal) -> None:
    # given a partner with a pooled share, and an override of one partner that is known and one that is not
    partner, below = portal.partners[OTHER], portal.partners[PARTNER_BELOW]
    given: dict[str, Any] = {"author": AUTHOR, "clock": lambda: BEGAN}
    deal = terms(revshare("30") | {"pooled": True}, override({"level": 1, "percent": "10", "of": ["lot"]}), days=10)
    version = propose_deal(portal.configuration, partner=partner, terms=deal, valid_from=at("2026-02-01"), **given)
    accept_deal(portal.configuration, partner=partner, version=version.version, terms_hash=version.terms_hash, **given)
    put(portal, row_to_item(partner, "2026-04", "c", Row(cells=(("rev", version.version, "", 100_00 * FINE),))))
    for each, minor in ((below, 5_000), ("par_nobody", 1_000)):
        put(portal, below_to_item(partner, "2026-04", each, Below(1, (("lot", "EUR", minor),))))
    settle(portal, partner)

    program, visitor = portal.machine(OTHER), portal.signed_in(OTHER)
    for path, items in (("/", "latest"), ("/earnings", "items")):
        entries = program.get(path).json[items]
        assert {(each["rule_kind"], each["below_name"], each["below"], each["client"]) for each in entries} == {
            ("revshare", None, None, None),
            ("override", "Harbour Trading Weekly", below, None),
            ("override", None, "par_nobody", None),
        }
        page = visitor.get(path).body
        assert ">All clients<" in page
        assert "<bdi>Harbour Trading Weekly</bdi>" in page
        assert below not in page
        assert "par_nobody" in page
    [known] = [each["id"] for each in entries if each["below"] == below]
    receipt = visitor.get(f"/earnings/{known}").body
    assert receipt.count("Harbour Trading Weekly") == 3
    assert below not in receipt
    table = program.get("/earnings", accept="text/csv").body
    assert "Harbour Trading Weekly" in table
