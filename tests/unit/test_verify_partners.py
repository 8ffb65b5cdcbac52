"""Verification of what looks at a partner's clients together, at partners below, and of what people decide."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest

from introducer.domain.configuration import DESK
from introducer.domain.errors import Conflict
from introducer.domain.events import Event, milliseconds
from introducer.services.verify.report import Difference, Kind, Report, Unsettled
from introducer.services.verify_books import verify_books
from introducer.store import keys, settlements
from introducer.store.scans import Stored
from introducer.store.settlements import SettledMonth, settled_from_item, settled_to_items
from tests.support.builders import BRAND, CLICK_KEY, a_click, an_event, at, cpa, revshare, terms
from tests.support.tables import Item, Tables
from tests.unit.test_verify_books import DAMAGES as OF_CLIENTS
from tests.unit.test_verify_payouts import DAMAGES as OF_PAYOUTS

NOW = at("2026-04-01")
JANUARY, FEBRUARY = "2026-01", "2026-02"

LOW = terms(
    cpa("100.00", min_deposit="200.00", within_hours=720)
    | {
        "caps": [{"per": "total", "clients": 3}],
        "tiers": {"by": "qftd", "mode": "marginal", "bands": [{"from": "3", "add": "20.00"}]},
    },
    {"type": "bonus", "id": "two", "by": "qftd", "goal": "2", "amount": "50.00"},
    {
        "type": "bonus",
        "id": "winter",
        "by": "ftd",
        "goal": "4",
        "amount": "75.00",
        "window": {"from": "2026-01-01", "until": "2026-02-28"},
    },
    days=20,
    net_revenue={"spread": "1"},
)
POOL = terms(
    revshare("25", "carry")
    | {
        "pooled": True,
        "fence": "1000.00",
        "tiers": {"by": "net_revenue", "mode": "retroactive", "bands": [{"from": "4000.00", "percent": "30"}]},
    },
    days=20,
    net_revenue={"spread": "1"},
)


def override(*levels: tuple[int, str]) -> dict:
    """A share of all that a partner so many levels below earns by cpa, share and goals."""
    each = [{"level": level, "percent": percent, "of": ["cpa", "revshare", "bonus"]} for level, percent in levels]
    return terms({"type": "override", "id": "net", "levels": each}, days=20)


def registered(client: str, day: str, link: str) -> Event:
    click = a_click(at(day), link)
    return an_event("registration", at(f"{day} 01:00"), client=client, event_id="reg", click_id=click, country="DE")


def deposited(client: str, day: str) -> Event:
    return an_event("deposit", at(day), client=client, event_id="dep", amount="250.00")


def revenue(client: str, day: str, amount: str) -> Event:
    return an_event("trade", at(day), client=client, event_id=f"trade-{day}", spread=amount, currency="EUR")


def moved(client: str, to: str, day: str) -> Event:
    return an_event(
        "move", at("2026-02-20"), client=client, source=DESK, event_id=f"mov_{client}", partner=to, starts_at=at(day)
    )


@cache
def the_network() -> Tables:
    """A partner with caps, tiers and goals below one with a pool, below two with overrides; a blocked partner.

    January is closed for the lowest and the highest before facts of January come late; so is February for the lowest,
    with nothing after it. What people decided is among it: a posted adjustment, a reversed one, one whose reversal was
    refused, a refused one, and one that waits.
    """
    made = Tables()
    since = at("2025-12-01")
    made.partner("par_root", "LINKROOT", (since, override((3, "2"))))
    made.partner("par_top", "LINKTOP0", (since, override((1, "10"), (2, "5"))), parent="par_root")
    made.partner("par_pool", "LINKPOOL", (since, POOL), parent="par_top")
    made.partner("par_low", "LINKLOW0", (since, LOW), parent="par_pool")
    made.partner("par_gone", "LINKGONE", (since, POOL))
    made.blocks("par_gone", at("2026-01-15"))
    made.under("par_gone", "par_top", FEBRUARY)
    made.rates({"2025-11-28": {"USD": "1.1600"}}, "2026-03-31")
    low = [f"low-{number}" for number in range(4)]
    made.apply(
        *(registered(client, f"2026-01-0{number}", "LINKLOW0") for number, client in enumerate(low, 3)),
        *(deposited(client, f"2026-01-1{number}") for number, client in enumerate(low[:3])),
        registered("whale", "2026-01-05", "LINKPOOL"),
        registered("minnow", "2026-01-05", "LINKPOOL"),
        revenue("whale", "2026-01-12", "-3000.00"),
        revenue("minnow", "2026-01-12", "800.00"),
        registered("lost", "2026-01-06", "LINKGONE"),
        revenue("lost", "2026-01-10", "100.00"),
        revenue("lost", "2026-01-20", "900.00"),
        at=at("2026-01-21"),
    )
    extra = made.adjust("par_low", "12.50", JANUARY, at("2026-01-25"))
    for partner in ("par_low", "par_root"):
        made.close(partner, JANUARY, at("2026-02-03"))
    made.reverse("par_low", extra, at("2026-02-04"))
    made.adjust("par_low", "7.00", JANUARY, at("2026-02-04"))
    kept = made.adjust("par_pool", "-3.00", FEBRUARY, at("2026-02-05"))
    made.reverse("par_pool", kept, at("2026-02-06"), approve=False)
    made.adjust("par_pool", "99.00", FEBRUARY, at("2026-02-06"), approve=False)
    made.adjust("par_pool", "98.00", FEBRUARY, at("2026-02-06"), approve=None)
    made.apply(
        # Before all others of January, so that it takes the place of the last one, and the fourth deposit.
        deposited(low[3], "2026-01-09"),
        revenue("minnow", "2026-02-10", "5000.00"),
        revenue("whale", "2026-02-10", "400.00"),
        at=at("2026-02-11"),
    )
    made.apply(revenue("minnow", "2026-02-16", "10.00"), at=at("2026-02-17"))
    made.apply(moved("minnow", "par_low", "2026-02-15"), at=at("2026-02-20"))
    made.close("par_low", FEBRUARY, at("2026-03-03"))
    return made


@pytest.fixture
def tables() -> Tables:
    return deepcopy(the_network())


def verify(tables: Tables) -> Report:
    return verify_books(tables, click_keys={0: CLICK_KEY}, now=NOW, elapsed=lambda: 0.0)


def test_a_whole_network_with_all_that_people_decided_has_no_difference(tables):
    # when
    report = verify(tables)
    # then
    assert report.differences == ()
    assert (report.months, report.adjustments, report.statements) == (7, 3, 3)
    assert (report.partners, report.clients, report.journals) == (5, 7, 25)
    # and every part of it is really there: the earnings by partner and rule
    owed: dict[tuple[str, str], int] = {}
    for item in tables.all("journal"):
        whose = (keys.parts(item[keys.PK])[1], item["rule"])
        owed[whose] = owed.get(whose, 0) + item["amount"]
    assert owed == {
        # Until it was blocked.
        ("par_gone", "rev"): 2_500,
        # Three places, the third with a tier's 20.00; the goals; the adjustment that was not reversed.
        ("par_low", "cpa"): 32_000,
        ("par_low", "two"): 5_000,
        ("par_low", "winter"): 7_500,
        ("par_low", "adjustment"): 700,
        # 25 % of 800.00, the loss fenced; 30 % of 5,000.00, the 10.00 moved away.
        ("par_pool", "rev"): 170_000,
        ("par_pool", "adjustment"): -300,
        ("par_top", "net"): 17_000 + 2_225,
        ("par_root", "net"): 890,
    }
    assert json.loads(tables.item("statement", partner="par_low", month=FEBRUARY)["totals"]) == [
        ["EUR", 38_250, [], [[JANUARY, 6_950, 5]]]
    ]


def test_the_hash_of_the_books_has_what_settling_posted_in_it_and_the_state_hash_has_not(tables):
    before = verify(tables)
    change_settled(tables, "par_pool", FEBRUARY, lambda month: replace(month, posted={}))
    after = verify(tables)
    assert after.state_hash == before.state_hash
    assert after.books_hash != before.books_hash


# ------------------------------------------------------------------------------------------------------------- damage

Damage = Callable[[Tables], object]
DAMAGES: dict[str, tuple[Damage, set[tuple[str, ...]]]] = {}


def damage(*expected: tuple[str, ...]) -> Callable[[Damage], Damage]:
    """What follows from a damage: kind, what, expected, found; without the last two where they are long texts."""

    def register(plant: Damage) -> Damage:
        DAMAGES[plant.__name__] = (plant, set(expected))
        return plant

    return register


def change_row(tables: Tables, partner: str, month: str, of: str, name: str, **said: object) -> None:
    item = tables.item("row", partner=partner, month=month, of=of, name=name)
    item["row"] = json.dumps(json.loads(item["row"]) | said)


def change_settled(tables: Tables, partner: str, month: str, change: Callable[[SettledMonth], SettledMonth]) -> None:
    item = tables.item("settled", partner=partner, month=month)
    [changed] = settled_to_items(partner, month, change(settled_from_item(item)))
    item.update(changed)


def journal_of(tables: Tables, partner: str, rule: str, month: str) -> Item:
    """The first journal of a partner's rule in a month of the books."""
    place = keys.partition("journal", partner=partner, month=month.replace("-", ""))
    return next(item for item in tables.all("journal", rule=rule) if item[keys.PK] == place)


@damage(
    ("row", "par_low in 2026-01: row of client low-0"),
    ("unsettled", "par_low in 2026-01: the rows it was settled from"),
)
def a_row(tables):
    change_row(tables, "par_low", JANUARY, "client", "low-0", ftd=1)


@damage(
    ("row", "par_low in 2026-01: row of client low-0"),
    ("unsettled", "par_low in 2026-01: the rows it was settled from"),
)
def a_row_that_is_gone(tables):
    tables.remove(tables.item("row", partner="par_low", month=JANUARY, of="client", name="low-0"))


@damage(
    ("row", "par_low in 2026-01: row of client nobody"),
    ("unsettled", "par_low in 2026-01: the rows it was settled from"),
)
def a_row_of_nobody(tables):
    there = tables.item("row", partner="par_low", month=JANUARY, of="client", name="low-0")
    tables.put("row", there, partner="par_low", month=JANUARY, of="client", name="nobody")


@damage(
    ("row", "par_root in 2026-02: row of client low-0"),
    ("unsettled", "par_root in 2026-02: the rows it was settled from"),
)
def a_row_in_a_month_that_was_never_settled(tables):
    there = tables.item("row", partner="par_low", month=JANUARY, of="client", name="low-0")
    tables.put("row", there, partner="par_root", month=FEBRUARY, of="client", name="low-0")


@damage(
    ("row", "par_top in 2026-01: row of partner par_pool"),
    ("unsettled", "par_top in 2026-01: the rows it was settled from"),
)
def a_row_above(tables):
    change_row(tables, "par_top", JANUARY, "partner", "par_pool", level=2)


@damage(("settled", "par_pool rev for 2026-02, available 2026-03-20", "1500.00 EUR", "1500.01 EUR"))
def what_a_settled_month_says_was_posted(tables):
    change_settled(
        tables,
        "par_pool",
        FEBRUARY,
        lambda month: replace(month, posted={key: minor + 1 for key, minor in month.posted.items()}),
    )


@damage(("settled", "par_root net for 2026-01, available 2026-02-20, below it par_low", "8.90 EUR", "0.00 EUR"))
def a_settled_month_that_forgot_an_override(tables):
    change_settled(tables, "par_root", JANUARY, lambda month: replace(month, posted={}))


@damage(
    ("unsettled", "par_pool in 2026-02: the rows it was settled from"),
    ("settled", "par_pool rev for 2026-02, available 2026-03-20", "1500.00 EUR", "0.00 EUR"),
)
def a_settled_month_that_is_gone(tables):
    tables.remove(tables.item("settled", partner="par_pool", month=FEBRUARY))


@damage(
    ("settled", "par_pool in 2026-01: what it hands on"),
    ("unsettled", "par_pool in 2026-02: what the month before handed on"),
)
def what_a_settled_month_hands_on(tables):
    change_settled(
        tables,
        "par_pool",
        JANUARY,
        lambda month: replace(month, chain=replace(month.chain, carry={("rev", "EUR"): -1})),
    )


@damage(("settled", "par_pool in 2026-01: the digest of what it hands on"))
def the_digest_of_what_a_settled_month_hands_on(tables):
    tables.item("settled", partner="par_pool", month=JANUARY)["hands_on"] = "0" * 32


@damage(("settled", "par_pool in 2026-01: what it hands to those above"))
def what_a_settled_month_told_those_above(tables):
    change_settled(tables, "par_pool", JANUARY, lambda month: replace(month, above={}))


@damage(("unsettled", "par_low in 2026-01: the rows it was settled from"))
def a_month_settled_from_other_rows(tables):
    change_settled(tables, "par_low", JANUARY, lambda month: replace(month, seen="0" * 32))


@damage(("unsettled", "par_low in 2026-01: the rows it was settled from"))
def a_month_that_was_posted_in_parts(tables):
    change_settled(tables, "par_low", JANUARY, lambda month: replace(month, seen=""))


@damage(
    ("journal_sum", "par_low two for 2026-01, available 2026-02-20", "50.00 EUR", "0.00 EUR"),
    ("balance", "par_low EUR.pending.2026-02-20", "95.00 EUR", "145.00 EUR"),
    ("balance", "par_low EUR.earned.2026-01", "402.00 EUR", "452.00 EUR"),
    ("statement", "par_low in 2026-01: number of its entries", "5", "6"),
    ("statement", "par_low in 2026-01: digest of its entries"),
    ("statement", "par_low in 2026-01: EUR bonus", "0.00 EUR in 0", "50.00 EUR in 1"),
)
def a_journal_of_settling_that_is_gone(tables):
    tables.remove(journal_of(tables, "par_low", "two", JANUARY))


@damage(
    ("journal_sum", "par_pool adjustment for 2026-02, available 2026-02-05, adj_003", "-3.00 EUR", "0.00 EUR"),
    ("balance", "par_pool EUR.pending.2026-02-05", "0.00 EUR", "-3.00 EUR"),
    ("balance", "par_pool EUR.earned.2026-02", "1500.00 EUR", "1497.00 EUR"),
)
def an_adjustments_journal_that_is_gone(tables):
    tables.remove(journal_of(tables, "par_pool", "adjustment", FEBRUARY))


@damage(("journal_sum", "par_low adjustment for 2026-01, available 2026-02-04, adj_002", "8.00 EUR", "7.00 EUR"))
def an_adjustments_amount(tables):
    tables.item("adjustment", partner="par_low", adjustment="adj_002")["amount"] += 100


@damage(
    ("adjustment", "adj_005: its journal, when posted", "a journal", "none"),
    ("adjustment", "adj_005: who decided it, when posted", "a person", "none"),
)
def an_adjustment_marked_posted(tables):
    tables.item("adjustment", partner="par_pool", adjustment="adj_005")["status"] = "posted"


@damage(
    ("adjustment", "adj_005: who decided it", "another than mem_manager, who proposed it", "mem_manager"),
    ("journal_sum", "par_pool adjustment for 2026-02, available 2026-02-06, adj_005", "98.00 EUR", "0.00 EUR"),
)
def an_adjustment_that_one_person_posted(tables):
    tables.item("adjustment", partner="par_pool", adjustment="adj_005").update(
        status="posted", journal="jrn_1", decided_by="mem_manager", decided_at=1, decided_why="ok"
    )


@damage(
    ("adjustment", "adj_001: the journal that reverses it, when posted", "none", "JOURNAL"),
)
def a_reversal_taken_back_by_hand(tables):
    tables.item("adjustment", partner="par_low", adjustment="adj_001")["status"] = "posted"


@damage(
    ("statement", "par_low in 2026-01: EUR cpa", "320.00 EUR in 4", "320.01 EUR in 4"),
    ("statement", "par_low in 2026-02: EUR opening", "382.51 EUR", "382.50 EUR"),
)
def a_figure_of_a_statement(tables):
    statement = tables.item("statement", partner="par_low", month=JANUARY)
    statement["totals"] = statement["totals"].replace("32000", "32001")


@damage(("statement", "par_low in 2026-02: EUR opening", "382.50 EUR", "1.00 EUR"))
def what_a_statement_opens_with(tables):
    statement = tables.item("statement", partner="par_low", month=FEBRUARY)
    statement["totals"] = statement["totals"].replace("38250", "100")


@damage(("statement", "par_low in 2026-02: EUR for 2026-01", "69.50 EUR in 5", "69.50 EUR in 6"))
def how_many_entries_a_statement_has_for_an_earlier_month(tables):
    statement = tables.item("statement", partner="par_low", month=FEBRUARY)
    statement["totals"] = statement["totals"].replace("6950,5", "6950,6")


@damage(("statement", "par_root in 2026-01: digest of its entries"))
def the_digest_of_a_statement(tables):
    tables.item("statement", partner="par_root", month=JANUARY)["digest"] = "0" * 64


@damage(
    ("journal_sum", "par_root net for 2026-01, available 2026-02-20, below it par_low", "8.90 EUR", "16.30 EUR"),
    ("balance", "par_root EUR.pending.2026-02-20", "16.30 EUR", "8.90 EUR"),
    ("balance", "par_root EUR.earned.2026-01", "16.30 EUR", "8.90 EUR"),
    ("statement", "par_root in 2026-01: number of its entries", "2", "1"),
    ("statement", "par_root in 2026-01: digest of its entries"),
    (
        "statement",
        "par_root in 2026-01: the last posting, JOURNAL",
        "before 2026-02-03T00:00:00.000+00:00",
        "2026-02-03T00:00:00.001+00:00",
    ),
    ("statement", "par_root in 2026-01: EUR override", "14.80 EUR in 2", "7.40 EUR in 1"),
)
def a_journal_in_a_month_that_was_closed_before(tables):
    journal = journal_of(tables, "par_root", "net", JANUARY)
    late = {**journal, "posted_at": milliseconds(at("2026-02-03")) + 1}
    tables.put("journal", late, partner="par_root", month="202601", journal=f"{journal[keys.SK][:-3]}ZZZ")


@damage(("statement", "par_low: the last closed month", "2026-01", "2026-02"))
def a_statement_that_is_gone(tables):
    tables.remove(tables.item("statement", partner="par_low", month=FEBRUARY))


@damage(("statement", "par_root: the last closed month", "2026-01", "none"))
def a_closed_month_opened_by_hand(tables):
    del tables.item("balance", partner="par_root")["frozen_through"]


@damage(
    ("statement", "par_top: the last closed month", "2026-01", "none"),
    ("statement", "par_top in 2026-01: number of its entries", "3", "6"),
    ("statement", "par_top in 2026-01: digest of its entries"),
    (
        "statement",
        "par_top in 2026-01: the last posting, JOURNAL",
        "before 2026-02-03T00:00:00.000+00:00",
        "2026-02-11",
    ),
    ("statement", "par_top in 2026-01: EUR override", "42.25 EUR in 3", "0.00 EUR in 0"),
    ("statement", "par_top in 2026-01: EUR adjustment", "0.00 EUR in 0", "12.50 EUR in 1"),
    ("statement", "par_top in 2026-01: EUR bonus", "0.00 EUR in 0", "50.00 EUR in 1"),
    ("statement", "par_top in 2026-01: EUR cpa", "0.00 EUR in 0", "320.00 EUR in 4"),
)
def a_statement_of_somebody_else(tables):
    there = tables.item("statement", partner="par_low", month=JANUARY)
    tables.put("statement", there, partner="par_top", month=JANUARY)


@pytest.mark.parametrize("name", DAMAGES)
def test_planted_damage_is_named_and_nothing_else(tables, name):
    # given sound books in which one thing is changed
    plant, expected = DAMAGES[name]
    plant(tables)
    # when
    report = verify(tables)
    # then exactly what follows from it is named, and each says where to look
    assert {named(each, tables) for each in report.differences} == expected
    assert not report.good
    places = {f"{keys.BOOKS} {key.pk} / {key.sk}" for key in the_network().books_items | tables.books_items}
    # (where a month was never settled, the item that would say so)
    places.add(f"{keys.BOOKS} P#par_root#settled / {FEBRUARY}")
    for each in report.differences:
        assert each.where in places or each.where.endswith(", or a later month"), each


def named(each: Difference, tables: Tables) -> tuple[str, ...]:
    """A difference; long texts are left out, and ids that a test cannot write down put into a word."""
    if each.kind in (Kind.ROW, Kind.UNSETTLED) or "hands" in each.what or "digest" in each.what:
        assert each.expected != each.found
        return each.kind, each.what
    what, found = each.what, each.found
    for item in tables.all("journal"):
        what, found = what.replace(item[keys.SK], "JOURNAL"), found.replace(item[keys.SK], "JOURNAL")
    return each.kind, what, each.expected, found[:10] if what.startswith("par_top in 2026-01: the last") else found


def test_while_a_rule_changes_hands_the_client_is_as_it_should_be_and_the_month_is_behind():
    # given a cpa that is capped from February on, and a client that registered then and took a place
    made = Tables()
    rule = cpa("100.00", min_deposit="200.00", within_hours=720)
    capped = rule | {"caps": [{"per": "total", "clients": 3}]}
    made.partner("par_low", "LINKLOW0", (at("2025-12-01"), terms(rule)), (at("2026-02-01"), terms(capped)))
    made.apply(registered("anna", "2026-02-02", "LINKLOW0"), deposited("anna", "2026-02-03"), at=at("2026-02-04"))
    assert verify(made).good
    # when an earlier registration shows that it is January's terms that hold, and nothing is settled yet
    earlier = replace(registered("anna", "2026-01-20", "LINKLOW0"), event_id="earlier")
    made.apply(earlier, at=at("2026-02-05"), settle=False)
    # then one key is posted by both for a while, and only the settled month is wrong about it
    assert {named(each, made) for each in verify(made).differences} == {
        ("unsettled", "par_low in 2026-02: the rows it was settled from"),
        ("settled", "par_low cpa for 2026-02, available 2026-02-03, client anna", "0.00 EUR", "100.00 EUR"),
        ("settled", "par_low in 2026-02: what it hands on"),
    }
    assert [(each.partner, each.month, each.sound) for each in verify(made).unsettled] == [("par_low", FEBRUARY, True)]
    made.settle(at("2026-02-06"))
    assert verify(made).good


def test_what_a_brands_month_came_to_is_what_its_partners_statements_say(tables):
    # given months that are closed for all, one after the other, one of them with nothing in it
    tables.close_all(FEBRUARY, at("2026-03-04"))
    tables.close_all("2026-03", at("2026-03-31 23:00"))
    assert verify(tables).good
    # when what is written down of one is changed, and a statement of another is gone
    close = tables.item("month_close", brand=BRAND, month=FEBRUARY)
    close.update(entries=close["entries"] + 1, sums=json.dumps({"EUR": 1}))
    tables.remove(tables.item("statement", partner="par_root", month="2026-03"))
    # then
    sums = sum(item["amount"] for item in tables.all("journal") if item[keys.PK].endswith("#J#202602"))
    entries = sum(item[keys.PK].endswith("#J#202602") for item in tables.all("journal"))
    assert {(each.what, each.expected, each.found) for each in verify(tables).differences} == {
        ("brd_1 in 2026-02: entries", str(entries), str(entries + 1)),
        ("brd_1 in 2026-02: EUR", f"{sums / 100:.2f} EUR", "0.01 EUR"),
        ("brd_1 in 2026-03: partners", "4", "5"),
        ("par_root: the last closed month", "2026-02", "2026-03"),
    }


def test_months_to_settle_are_told_and_whether_their_partners_amounts_are_those_of_the_journals(tables):
    # given two months that are behind, and another month of the one partner that says another amount than its journals
    a_month_that_was_posted_in_parts(tables)
    change_settled(tables, "par_pool", JANUARY, lambda month: replace(month, seen=""))
    what_a_settled_month_says_was_posted(tables)
    # then
    assert verify(tables).unsettled == (
        Unsettled("par_low", JANUARY, sound=True),
        Unsettled("par_pool", JANUARY, sound=False),
    )
    assert verify(deepcopy(the_network())).unsettled == ()


def test_settling_what_is_told_mends_it(tables):
    # given a month that followed another one's old end, and whose rows changed without it
    a_month_that_was_posted_in_parts(tables)
    change_settled(tables, "par_pool", FEBRUARY, lambda month: replace(month, follows="0" * 32))
    months = verify(tables).unsettled
    assert {(each.partner, each.month) for each in months} == {("par_low", JANUARY), ("par_pool", FEBRUARY)}
    # when
    tables.rows |= {(each.partner, each.month) for each in months}
    tables.settle(at("2026-03-20"))
    # then
    assert verify(tables).good


@pytest.fixture
def large(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """The same books, every settled month in parts, as those with tens of thousands of clients are."""
    monkeypatch.setattr(settlements, "ROOM", 0)
    monkeypatch.setattr(settlements, "PART", 60)
    for item in tables.all("settled"):
        partner, month = keys.parts(item[keys.PK])[1], item[keys.SK]
        head, *parts = settled_to_items(partner, month, settled_from_item(item), 7)
        assert len(parts) > 1
        item.clear()
        item.update(head)
        for number, part in enumerate(parts, 1):
            tables.put("settled_part", part, partner=partner, month=month, part=f"{number:06d}")
    return tables


def test_months_in_parts_say_the_same(large):
    assert verify(large).differences == ()
    assert verify(large).months == 7
    assert verify(large).books_hash == verify(deepcopy(the_network())).books_hash


def test_parts_that_a_smaller_month_left_behind_are_passed_over(large):
    part = large.item("settled_part", partner="par_pool", month=JANUARY, part="000001")
    large.put("settled_part", part | {"written": 3}, partner="par_pool", month=JANUARY, part="000099")
    large.put("settled_posted", {"written": 3, "posted": "[]"}, partner="par_pool", month=JANUARY, part="000001")
    assert verify(large).differences == ()


@pytest.mark.parametrize("change", [{"written": 6}, {"text": "eJwz"}, {"text": None}], ids=["older", "other", "none"])
def test_a_part_that_does_not_belong_to_its_month_is_found(large, change):
    # given
    part = large.item("settled_part", partner="par_pool", month=JANUARY, part="000002")
    large.put("settled_part", part | change, partner="par_pool", month=JANUARY, part="000002")
    # when
    found = [each for each in verify(large).differences if each.kind is Kind.UNREADABLE]
    # then
    assert [each.where for each in found] == [f"BOOKS P#par_pool#settled / {JANUARY}"]


def test_what_is_posted_of_a_month_that_is_not_written_yet_is_counted(large):
    # given what a transaction of several posted, its journal among the others
    whole = month_in_parts(large, "par_pool", FEBRUARY)
    [(key, minor)] = whole.posted.items()
    head, *parts = settled_to_items("par_pool", FEBRUARY, replace(whole, posted={}, seen=""), 7)
    large.item("settled", partner="par_pool", month=FEBRUARY).update(head | {"added": 1})
    for number, part in enumerate(parts, 1):
        large.put("settled_part", part, partner="par_pool", month=FEBRUARY, part=f"{number:06d}")
    text = json.dumps([[key.rule, key.scope, key.currency, key.available_day, minor]])
    large.put("settled_posted", {"written": 7, "posted": text}, partner="par_pool", month=FEBRUARY, part="000001")
    # then the month is behind, and nothing else is wrong
    report = verify(large)
    assert [each.kind for each in report.differences] == [Kind.UNSETTLED]
    assert report.unsettled == (Unsettled("par_pool", FEBRUARY, sound=True),)
    # and settling finishes it without posting anything
    journals = len(large.all("journal"))
    large.rows.add(("par_pool", FEBRUARY))
    large.settle(at("2026-03-20"))
    assert verify(large).good
    assert len(large.all("journal")) == journals


def month_in_parts(tables: Tables, partner: str, month: str) -> SettledMonth:
    parts = [item for item in tables.all("settled_part") if keys.parts(item[keys.PK])[1::2] == [partner, month]]
    return settled_from_item(tables.item("settled", partner=partner, month=month), parts)


def test_every_kind_of_difference_is_planted_somewhere():
    planted = {kind for _, expected in [*OF_CLIENTS.values(), *DAMAGES.values()] for kind, *_ in expected}
    planted |= {kind for expected in OF_PAYOUTS.values() for kind, _ in expected}
    # A fold that fails has tests of its own, and so have cases (`tests/store/test_verify_cases.py`) and contests
    # (`tests/store/test_verify_contests.py`).
    assert planted | {"not_recomputable", "case", "contest", "score", "recount", "prize"} == set(Kind)


def test_of_a_client_that_cannot_be_recomputed_its_partners_months_are_still_compared(tables):
    # given a client whose dollars took a place, and whose rate is gone since
    tables.apply(
        registered("dollar", "2026-01-05", "LINKLOW0"),
        replace(deposited("dollar", "2026-01-08"), currency="USD", amount=50_000),
        at=at("2026-03-05"),
    )
    assert verify(tables).good
    for item in tables.all("rates"):
        tables.remove(item)
    what_a_settled_month_says_was_posted(tables)
    # when
    found = verify(tables).differences
    # then it is named, with the counters that miss it, and so is the damage; its rows are taken as they are
    assert {each.kind for each in found} == {Kind.NOT_RECOMPUTABLE, Kind.EVENT_COUNT, Kind.SETTLED}
    assert [each.what for each in found if each.kind is Kind.NOT_RECOMPUTABLE] == [
        "client dollar: its 2 applied events"
    ]


def test_a_scan_that_tears_a_months_journals_apart_is_refused(tables):
    class Torn(Tables):
        def books(self) -> Iterator[Stored]:
            return iter(sorted(tables.books(), key=lambda each: each.key.sk[::-1]))

    with pytest.raises(Conflict, match="stand apart"):
        verify(Torn(tables.facts_items, tables.books_items))
