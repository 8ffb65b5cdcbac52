"""Verification finds what was damaged behind the engine's back, and names it; sound books have no difference."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from introducer.domain.errors import Conflict
from introducer.domain.events import LOT, Event, milliseconds
from introducer.services.verify.report import Difference, Intake, Kind, Report, Waiting
from introducer.services.verify_books import verify_books
from introducer.store import keys
from introducer.store.clients import fold_text, state_from_item, state_hash
from introducer.store.scans import Stored
from tests.support.builders import BRAND, CLICK_KEY, ECB, SOURCE, a_click, an_event, at, cpa, lot, revshare, terms
from tests.support.tables import Tables

NOW = at("2026-03-10")
LINKS = {"par_cpa": "LINKCPA0", "par_share": "LINKREV0", "par_lot": "LINKLOT0"}
NET = {"net_revenue": {"commission": "1", "chargebacks": "-1"}}


@pytest.fixture
def tables() -> Tables:
    """Three partners, a client of each, clicks, and everything in the books.

    Anna is worth 600.00 EUR of cpa; Ben 30 % of 100.00 USD less a chargeback of 20.00; Cleo 3 lots of 2.750 KWD, a
    fourth was cancelled.
    """
    made = Tables()
    since = at("2026-01-01")
    made.partner(
        "par_cpa", LINKS["par_cpa"], (since, terms(cpa(kyc=True, min_deposit="200.00", within_hours=24), days=30))
    )
    made.partner("par_share", LINKS["par_share"], (since, terms(revshare("30"), currency="USD", days=5, **NET)))
    made.partner("par_lot", LINKS["par_lot"], (since, terms(lot("2.750"), currency="KWD")))
    made.rates(ECB, "2026-03-05")
    clicks = {
        partner: made.click(partner, link, at("2026-03-01 08:00"), unique=True) for partner, link in LINKS.items()
    }
    made.click("par_cpa", LINKS["par_cpa"], at("2026-03-01 09:00"), unique=False)
    made.click("par_cpa", LINKS["par_cpa"], at("2026-03-01 10:00"), "bot", "head")

    def of(client: str, partner: str) -> Iterator[Event]:
        yield an_event(
            "registration",
            at("2026-03-02"),
            client=client,
            event_id=f"{client}-reg",
            click_id=clicks[partner],
            country="DE",
        )

    anna = [
        *of("anna", "par_cpa"),
        an_event("kyc", at("2026-03-02 10:00"), client="anna", event_id="anna-kyc"),
        an_event("deposit", at("2026-03-02 11:00"), client="anna", event_id="anna-dep", amount="250.00"),
    ]
    ben = [
        *of("ben", "par_share"),
        a_trade("ben", "ben-1", commission="100.00", currency="USD"),
        an_event("chargeback", at("2026-03-04"), client="ben", event_id="ben-cb", amount="20.00", currency="USD"),
    ]
    cleo = [
        *of("cleo", "par_lot"),
        *(a_trade("cleo", f"cleo-{number}", lots=LOT) for number in range(4)),
        an_event("cancel", at("2026-03-04"), client="cleo", event_id="cleo-undo", ref="cleo-3"),
    ]
    # Ben's and Cleo's come in two batches, the second undoing a part of the first.
    made.apply(*anna, *ben[:2], *cleo[:5], at=at("2026-03-03"))
    made.apply(*ben[2:], *cleo[5:], at=at("2026-03-05"))
    return made


def a_trade(client: str, event_id: str, **fields) -> Event:
    return an_event("trade", at("2026-03-03"), client=client, event_id=event_id, **fields)


def verify(tables: Tables, now=NOW, **more) -> Report:
    ticks = count()
    return verify_books(tables, click_keys={0: CLICK_KEY}, now=now, elapsed=lambda: float(next(ticks)), **more)


def differences(tables: Tables) -> set[tuple[str, str, str, str]]:
    """What differs, without where to look."""
    return {(each.kind, each.what, each.expected, each.found) for each in verify(tables).differences}


# -------------------------------------------------------------------------------------------------------- sound books


def test_sound_books_have_no_difference_and_complete_figures(tables):
    # when
    report = verify(tables)
    # then
    assert report.differences == ()
    assert report.good
    assert (report.events, report.applied, report.clients, report.journals) == (12, 12, 3, 5)
    assert (report.clicks, report.flagged, report.quarantined, report.moved) == (5, 1, 0, 0)
    assert report.sums == {"EUR": 60_000, "USD": 2_400, "KWD": 8_250}
    assert report.intake == (Intake(SOURCE, 12, 12, 0),)
    assert report.partners == 3
    assert report.seconds == 1
    states = [state_from_item(item) for item in tables.all("client")]
    assert report.state_hash == state_hash(states)


def test_empty_tables_are_sound():
    report = verify(Tables())
    assert report.good and report.events == report.clicks == report.clients == 0


def test_the_report_as_json_has_amounts_as_decimal_strings(tables):
    del tables.item("balance", partner="par_lot")["KWD.earned.2026-03"]
    document = json.loads(json.dumps(verify(tables).document()))
    assert document["sums"] == {"EUR": "600.00", "KWD": "8.250", "USD": "24.00"}
    assert document["at"] == "2026-03-10T00:00:00+00:00"
    assert document["differences"] == [
        {
            "kind": "balance",
            "what": "par_lot KWD.earned.2026-03",
            "expected": "8.250 KWD",
            "found": "0.000 KWD",
            "where": "BOOKS P#par_lot / balance",
        }
    ]


def test_the_order_of_delivery_changes_neither_hash_nor_verdict(tables):
    # given the same events, applied one by one from the last to the first
    again = Tables()
    for item in tables.all("campaign") + tables.all("link") + tables.all("deal") + tables.all("rates"):
        again.books_items[keys.Key(item[keys.PK], item[keys.SK])] = item
    for event in sorted(tables.applied, key=lambda each: each.order, reverse=True):
        again.apply(event, at=at("2026-03-06"))
    # then
    report = verify(again)
    assert report.state_hash == verify(tables).state_hash
    # (Only the clicks were not copied.)
    assert report.good


# ------------------------------------------------------------------------------------------------------------- damage

CPA_KEY = "par_cpa cpa for 2026-03, available 2026-04-01, client anna"
Damage = Callable[[Tables], object]
DAMAGES: dict[str, tuple[Damage, set[tuple[str, str, str, str]]]] = {}


def damage(*expected: tuple[str, str, str, str]) -> Callable[[Damage], Damage]:
    def register(plant: Damage) -> Damage:
        DAMAGES[plant.__name__] = (plant, set(expected))
        return plant

    return register


def the_journal(tables: Tables, partner: str = "par_cpa") -> dict:
    """The first journal of a partner."""
    return next(item for item in tables.all("journal") if keys.parts(item[keys.PK])[1] == partner)


def the_id(tables: Tables) -> str:
    return the_journal(tables)[keys.SK]


def change_fold(tables: Tables, client: str, **fields) -> None:
    """Put another value into a client's state."""
    item = tables.item("client", brand=BRAND, client=client)
    item["fold"] = fold_text(replace(state_from_item(item), **fields))


@damage(
    ("journal", "JOURNAL amount of its legs", "600.01 EUR", "600.00 EUR"),
    ("journal", "JOURNAL amount by its receipt", "600.00 EUR", "600.01 EUR"),
    ("journal_sum", CPA_KEY, "600.00 EUR", "600.01 EUR"),
    ("balance", "par_cpa EUR.earned.2026-03", "600.01 EUR", "600.00 EUR"),
)
def a_journals_amount(tables):
    the_journal(tables)["amount"] += 1


@damage(
    ("journal", "JOURNAL sum of its legs", "0.00 EUR", "-0.01 EUR"),
    ("journal", "JOURNAL amount of its legs", "600.00 EUR", "599.99 EUR"),
    ("balance", "par_cpa EUR.pending.2026-04-01", "599.99 EUR", "600.00 EUR"),
)
def a_partners_leg(tables):
    the_journal(tables)["legs"] = json.dumps([["pending.2026-04-01", 59_999], ["house.commissions", -60_000]])


@damage(("journal", "JOURNAL sum of its legs", "0.00 EUR", "0.01 EUR"))
def the_houses_leg(tables):
    the_journal(tables)["legs"] = json.dumps([["pending.2026-04-01", 60_000], ["house.commissions", -59_999]])


@damage(
    ("journal_sum", CPA_KEY, "600.00 EUR", "0.00 EUR"),
    ("balance", "par_cpa EUR.pending.2026-04-01", "0.00 EUR", "600.00 EUR"),
    ("balance", "par_cpa EUR.earned.2026-03", "0.00 EUR", "600.00 EUR"),
)
def a_journal_that_is_gone(tables):
    tables.remove(the_journal(tables))


@damage(
    ("journal_sum", CPA_KEY, "600.00 EUR", "1200.00 EUR"),
    ("balance", "par_cpa EUR.pending.2026-04-01", "1200.00 EUR", "600.00 EUR"),
    ("balance", "par_cpa EUR.earned.2026-03", "1200.00 EUR", "600.00 EUR"),
)
def a_journal_posted_twice(tables):
    journal = the_journal(tables)
    twin = {**journal, keys.SK: journal[keys.SK][:-1] + ("0" if journal[keys.SK][-1] != "0" else "1")}
    tables.books_items[keys.Key(twin[keys.PK], twin[keys.SK])] = twin


@damage(("journal", "JOURNAL month it stands in", "202603", "202604"))
def a_journal_in_another_month(tables):
    journal = tables.remove(the_journal(tables))
    tables.put("journal", journal, partner="par_cpa", month="202604", journal=journal[keys.SK])


@damage(
    (
        "journal_sum",
        "par_cpa cpa for 2026-03, available 2026-04-01, client nobody",
        "0.00 EUR",
        "600.00 EUR",
    ),
    ("journal_sum", CPA_KEY, "600.00 EUR", "0.00 EUR"),
)
def a_journal_for_a_client_nobody_knows(tables):
    the_journal(tables)["client"] = "nobody"


@damage(("balance", "par_cpa EUR.pending.2026-04-01", "600.00 EUR", "600.01 EUR"))
def a_pending_amount(tables):
    tables.item("balance", partner="par_cpa")["EUR.pending.2026-04-01"] += 1


@damage(("balance", "par_share USD.available", "0.00 USD", "5.00 USD"))
def an_amount_out_of_nowhere(tables):
    tables.item("balance", partner="par_share")["USD.available"] = 500


@damage(
    ("balance", "par_lot KWD.pending.2026-03-31", "8.250 KWD", "0.000 KWD"),
    ("balance", "par_lot KWD.earned.2026-03", "8.250 KWD", "0.000 KWD"),
)
def a_balance_that_is_gone(tables):
    tables.remove(tables.item("balance", partner="par_lot"))


@damage(("event_count", "par_cpa link LINKCPA0 on 2026-03-02, DE 2026-03: registrations", "1", "2"))
def a_counter_of_events(tables):
    tables.only("event_count", registrations=1, kyc=1)["registrations"] = 2


@damage(
    ("event_count", "par_share link LINKREV0 on 2026-03-03, DE 2026-03: net_revenue.USD", "100.00 USD", "99.00 USD")
)
def a_counted_sum_of_money(tables):
    tables.only("event_count", **{"net_revenue.USD": 10_000 * 10**20})["net_revenue.USD"] -= 100 * 10**20


@damage(
    (
        "event_count",
        "par_share link LINKREV0 on 2026-03-03, DE 2026-03: net_revenue.USD",
        "1000000000000000000000000",
        "1000000000000000000000001",
    )
)
def a_counted_sum_by_the_finest_unit(tables):
    tables.only("event_count", **{"net_revenue.USD": 10_000 * 10**20})["net_revenue.USD"] += 1


@damage(("event_count", "par_lot link LINKLOT0 on 2026-01-07: ftd", "0", "1"))
def a_counter_out_of_nowhere(tables):
    tables.put("event_count_unsaid", {"ftd": 1}, partner="par_lot", month="2026-01", day="2026-01-07", link="LINKLOT0")


@damage(("click_count", "par_cpa link LINKCPA0 on 2026-03-01: clicks", "2", "1"))
def a_click_that_was_not_counted(tables):
    tables.only("click_count", flagged=1)["clicks"] -= 1


@damage(
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: why_bot", "1", "0"),
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: why_hosting", "0", "1"),
)
def a_flagged_click_that_was_counted_for_another_reason(tables):
    counter = tables.only("click_count", flagged=1)
    counter["why_hosting"] = counter.pop("why_bot")


@damage(
    ("click_count", "par_lot link LINKLOT0 on 2026-03-01: clicks", "1", "0"),
    ("click_count", "par_lot link LINKLOT0 on 2026-03-01: unique", "1", "0"),
    ("click_count", "par_lot link LINKLOT0 on 2026-03-01: sourced", "1", "0"),
)
def a_click_counter_that_is_gone(tables):
    counter = next(item for item in tables.all("click_count") if "par_lot" in item[keys.PK])
    tables.remove(counter)


@damage(
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: flagged", "0", "1"),
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: why_bot", "0", "1"),
)
def a_click_that_is_gone(tables):
    tables.remove(tables.only("click", flags=["bot", "head"]))


@damage(("campaign_count", "campaign cmp_capped: clicks for its caps", "1", "2"))
def a_click_that_was_counted_twice_for_a_cap(tables):
    # given a campaign whose cap counts from the second of three clicks on, of which the last is flagged
    first, counted, flagged = (f"2026-03-02 {hour}:00" for hour in ("08", "09", "10"))
    tables.put("route", {"campaign": "cmp_capped", "caps_since": milliseconds(at(counted))}, campaign="cmp_capped")
    for when, *flags in ((first,), (counted,), (flagged, "bot")):
        click = tables.click("par_lot", LINKS["par_lot"], at(when), *flags)
        tables.only("click", click=click)["campaign"] = "cmp_capped"
    tables.put("campaign_count", {"in_all": 2}, campaign="cmp_capped", shard=3)


@damage(("posted", CPA_KEY, "600.00 EUR", "600.01 EUR"))
def what_a_state_says_was_posted(tables):
    posted = dict(state_from_item(tables.item("client", brand=BRAND, client="anna")).posted)
    change_fold(tables, "anna", posted={key: amount + 1 for key, amount in posted.items()})


@damage(("client_missing", "client anna: its state", "a fold of 3 events", "nothing"))
def a_client_state_that_is_gone(tables):
    tables.remove(tables.item("client", brand=BRAND, client="anna"))


@damage(("client_state", "client cleo: lots", "300000000", "400000000"))
def a_field_of_a_state(tables):
    change_fold(tables, "cleo", lots=4 * LOT)


@damage(("client_state", "client ben: chargebacks", '[[0, "ben-cb", 1772582400000, 2000, "USD", null]]', "nothing"))
def a_chargeback_forgotten_by_a_state(tables):
    change_fold(tables, "ben", chargebacks={})


@damage(("client_without_events", "client ghost: its state", "no state, for want of applied events", "a state"))
def a_state_without_events(tables):
    ghost = dict(tables.item("client", brand=BRAND, client="anna"))
    del ghost[keys.OWNER_PK], ghost[keys.OWNER_SK]
    tables.put("client", ghost, brand=BRAND, client="ghost")


@damage(("client_listing", "client anna: owner_pk", "P#par_cpa#clients", "P#par_lot#clients"))
def a_client_in_anothers_list(tables):
    tables.item("client", brand=BRAND, client="anna")[keys.OWNER_PK] = "P#par_lot#clients"


@damage(
    (
        "client_state",
        "client cleo: cells",
        '[[0, "lot", 1, [["2026-03", "", "1100000000000000000000000"]]]]',
        '[[0, "lot", 1, [["2026-03", "", "825000000000000000000000"]]]]',
    ),
    ("client_state", "client cleo: events", "7", "6"),
    ("client_state", "client cleo: last_at", "1772625600000", "1772582400000"),
    ("client_state", "client cleo: lots", "400000000", "300000000"),
    ("client_state", "client cleo: trades", "4", "3"),
    ("target", "par_lot lot for 2026-03, available 2026-03-31, client cleo", "11.000 KWD", "8.250 KWD"),
    ("event_count", "par_lot link LINKLOT0 on 2026-03-04, DE 2026-03: earnings.KWD", "2.750 KWD", "0.000 KWD"),
    ("event_count", "par_lot link LINKLOT0 on 2026-03-04, DE 2026-03: lots", "100000000", "0"),
)
def an_event_marked_applied_that_is_not_folded(tables):
    late = replace(a_trade("cleo", "cleo-9", lots=LOT), occurred_at=at("2026-03-04 12:00"))
    tables.accept(late)
    tables.item("event", brand=BRAND, client="cleo", source=SOURCE, event="cleo-9")["applied_at"] = (
        milliseconds(NOW) - 1
    )
    tables.item("intake_day", source=SOURCE, day="2026-03-03")["applied"] += 1


@damage(("not_applied", f"event anna-2 of {SOURCE}, client anna", "applied", "accepted only"))
def an_event_that_was_never_applied(tables):
    tables.accept(an_event("deposit", at("2026-03-06"), client="anna", event_id="anna-2", amount="1.00"))


@damage(("intake", f"{SOURCE} on 2026-03-04: applied", "2", "1"))
def a_daily_count_of_a_source(tables):
    tables.item("intake_day", source=SOURCE, day="2026-03-04")["applied"] -= 1


@damage(
    ("deal", "par_lot deal version 1: hash of its terms", "HASH", "OTHER"),
    (
        "client_state",
        "client cleo: cells",
        '[[0, "lot", 1, [["2026-03", "", "900000000000000000000000"]]]]',
        '[[0, "lot", 1, [["2026-03", "", "825000000000000000000000"]]]]',
    ),
    ("target", "par_lot lot for 2026-03, available 2026-03-31, client cleo", "9.000 KWD", "8.250 KWD"),
    ("event_count", "par_lot link LINKLOT0 on 2026-03-03, DE 2026-03: earnings.KWD", "9.000 KWD", "8.250 KWD"),
)
def the_terms_of_an_accepted_deal(tables):
    deal = tables.only("deal", partner="par_lot")
    deal["terms"] = deal["terms"].replace("2.750", "3.000")


@damage(("click", "click FORGED: id", "one that the redirect signed", "another"))
def a_click_that_nobody_signed(tables):
    click = tables.remove(tables.only("click", flags=["bot", "head"]))
    forged = click["click"][:-1] + ("A" if click["click"][-1] != "A" else "B")
    tables.put(
        "click",
        {**click, "click": forged},
        link="LINKCPA0",
        day="2026-03-01",
        shard=keys.parts(click[keys.PK])[3],
        click=forged,
    )


@damage(
    ("click", "click FLAGGED: flagged", "True", "False"),
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: clicks", "3", "2"),
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: unique", "2", "1"),
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: flagged", "0", "1"),
    ("click_count", "par_cpa link LINKCPA0 on 2026-03-01: why_bot", "0", "1"),
)
def a_click_whose_flags_were_taken_away(tables):
    del tables.only("click", flags=["bot", "head"])["flags"]


@damage(("trace", "client ben: its trace", "a trace", "nothing"))
def a_trace_that_is_gone(tables):
    tables.remove(next(item for item in tables.all("trace") if item[keys.SK].endswith("#ben")))


@damage(("person", "clients with one email", "0", "2"))
def clients_counted_for_an_address_that_nobody_has(tables):
    key = keys.key("person", brand=BRAND, kind="email", hash="nobody")
    tables.books_items[key] = {**key.item(), "clients": 2}


@damage(("unreadable", "client item", "the form of a client", "JSONDecodeError"))
def a_state_that_nobody_can_read(tables):
    tables.item("client", brand=BRAND, client="anna")["fold"] = "{"


@damage(
    ("unreadable", "journal item", "the form of a journal", "KeyError"),
    ("journal_sum", CPA_KEY, "600.00 EUR", "0.00 EUR"),
    ("balance", "par_cpa EUR.pending.2026-04-01", "0.00 EUR", "600.00 EUR"),
    ("balance", "par_cpa EUR.earned.2026-03", "0.00 EUR", "600.00 EUR"),
)
def a_journal_that_nobody_can_read(tables):
    del the_journal(tables)["legs"]


@damage(
    ("unreadable", "event item", "the form of a event", "ValueError"),
    ("client_state", "client ben: events", "2", "3"),
    ("client_state", "client ben: chargebacks", "nothing", '[[0, "ben-cb", 1772582400000, 2000, "USD", null]]'),
    ("client_state", "client ben: cells", "CELLS", "OTHER"),
    ("client_state", "client ben: last_at", "1772496000000", "1772582400000"),
    ("target", "par_share rev for 2026-03, available 2026-04-05, client ben", "30.00 USD", "24.00 USD"),
    ("event_count", "par_share link LINKREV0 on 2026-03-04, DE 2026-03: earnings.USD", "0.00 USD", "-6.00 USD"),
    ("event_count", "par_share link LINKREV0 on 2026-03-04, DE 2026-03: net_revenue.USD", "0.00 USD", "-20.00 USD"),
    ("trace", "client ben: its trace", "chargebacks 0", "chargebacks 1"),
    ("intake", f"{SOURCE} on 2026-03-04: accepted", "1", "2"),
    ("intake", f"{SOURCE} on 2026-03-04: applied", "1", "2"),
)
def an_event_that_nobody_can_read(tables):
    tables.item("event", brand=BRAND, client="ben", source=SOURCE, event="ben-cb")["type"] = "bonus"


@damage(("unknown_item", "an item", "a key of a known kind", "another"))
def an_item_of_no_kind(tables):
    tables.books_items[keys.Key("Z#1", "z")] = {keys.PK: "Z#1", keys.SK: "z"}


@pytest.mark.parametrize("name", DAMAGES)
def test_planted_damage_is_named_and_nothing_else(tables, name):
    # given sound books in which one thing is changed
    plant, expected = DAMAGES[name]
    journal = the_id(tables)
    plant(tables)
    # when
    found = {named(each, journal) for each in verify(tables).differences}
    # then exactly what follows from it is named
    assert found == {(kind, what.replace("JOURNAL", journal), *rest) for kind, what, *rest in expected}
    assert not verify(tables).good


def named(each: Difference, journal: str) -> tuple[str, str, str, str]:
    """A difference, with what a test cannot write down put into a word."""
    what, expected, found = each.what, each.expected, each.found
    if each.kind is Kind.DEAL:
        expected, found = "HASH", "OTHER"
    if each.kind is Kind.CLICK:
        what = f"click {'FORGED' if what.endswith(': id') else 'FLAGGED'}: {what.rpartition(': ')[2]}"
    if what == "client ben: cells":
        expected, found = "CELLS", "OTHER"
    return each.kind, what, expected, found


def test_each_difference_says_where_to_look(tables):
    # given
    a_pending_amount(tables)
    a_journals_amount(tables)
    a_counter_of_events(tables)
    a_click_that_was_not_counted(tables)
    what_a_state_says_was_posted(tables)
    # then every place is an item, or the partition in which one is to be found
    items = {f"{keys.BOOKS} {key.pk} / {key.sk}" for key in tables.books_items}
    partitions = {f"{keys.BOOKS} {key.pk}" for key in tables.books_items}
    for each in verify(tables).differences:
        assert each.where in items or each.where.removesuffix(", or a later month") in partitions, each


def test_a_client_whose_rates_are_gone_is_named_and_the_others_are_still_compared(tables):
    # given: Ben's dollars need no rate, Anna's euros neither; a deposit of dollars does
    tables.apply(
        an_event("deposit", at("2026-03-05"), client="anna", event_id="anna-usd", amount="10.00", currency="USD"),
        at=at("2026-03-06"),
    )
    assert verify(tables).good
    for item in tables.all("rates"):
        tables.remove(item)
    a_field_of_a_state(tables)
    # when
    report = verify(tables)
    # then
    kinds = [each.kind for each in report.differences]
    assert kinds.count(Kind.NOT_RECOMPUTABLE) == 1 and kinds.count(Kind.CLIENT_STATE) == 1
    failed = next(each for each in report.differences if each.kind is Kind.NOT_RECOMPUTABLE)
    assert failed.what == "client anna: its 4 applied events"
    assert failed.found.startswith("No exchange rates are stored for events of 2026-03-05")
    # and of Anna, only the counters that her events should make are named besides
    assert {each.what.split()[0] for each in report.differences if each.kind is Kind.EVENT_COUNT} == {"par_cpa"}


# ------------------------------------------------------------------------------------------- what is not a difference


def test_an_event_in_quarantine_is_listed_and_no_difference(tables):
    # given an event that the engine could not apply, and a message that never became one
    tables.accept(an_event("deposit", at("2026-03-06"), client="anna", event_id="bad", amount="1.00"))
    kept = {"reason": "rate_missing", "event_id": "bad", "client": "anna", "message": "{}"}
    tables.put("quarantined", kept, brand=BRAND, source=SOURCE, day="2026-03-06", at=1, digest="a")
    other = {"reason": "unknown_type", "event_id": "x", "client": "anna", "message": "{}"}
    tables.put("quarantined", other, brand=BRAND, source=SOURCE, day="2026-03-06", at=2, digest="b")
    # when
    report = verify(tables)
    # then
    assert report.good
    assert report.waiting == (Waiting(SOURCE, "bad", "anna", "rate_missing"),)
    assert report.quarantined == 2
    assert report.intake == (Intake(SOURCE, 13, 12, 2),)


def test_counters_of_days_whose_clicks_may_have_expired_are_not_compared(tables):
    # given clicks that are gone, and their counters
    for item in tables.all("click"):
        tables.remove(item)
    assert not verify(tables).good
    # when the clicks of 1 March were kept for nine days only, then they are no difference on the tenth
    report = verify(tables, click_days=9)
    assert report.good
    assert report.clicks_from == "2026-03-02"
    assert not verify(tables, click_days=10).good


def test_books_that_move_while_they_are_read_say_so(tables):
    # given an event that comes after the reading began, and two that are applied after it
    began = at("2026-03-04 12:00")
    tables.accept(an_event("deposit", at("2026-03-06"), client="anna", event_id="late", amount="1.00"))
    # when
    report = verify(tables, now=began)
    # then neither is told as a difference, and the report counts all three
    assert report.good
    assert report.moved == 3


def test_a_flagged_click_attributes_nothing_and_verification_agrees(tables):
    # given a registration by a click that was flagged, and one by a forged click
    flagged = tables.only("click", flags=["bot", "head"])["click"]
    forged = a_click(at("2026-03-01"), LINKS["par_cpa"])[:-2] + "AA"
    for number, click in enumerate((flagged, forged)):
        tables.apply(
            an_event("registration", at("2026-03-02"), client=f"dora{number}", event_id="r", click_id=click),
            at=at("2026-03-03"),
        )
    # then
    assert verify(tables).good
    assert keys.OWNER_PK not in tables.item("client", brand=BRAND, client="dora0")


def test_other_feeds_and_proposed_deals_price_nothing(tables):
    # given rates of another feed that say something else, and a deal nobody accepted
    tables.put("rates", {"per_euro": json.dumps({"USD": "9"})}, feed="HOUSE", day="2026-03-02")
    deal = tables.only("deal", partner="par_lot")
    proposed = {name: value for name, value in deal.items() if name != "accepted_at"} | {"version": 2}
    tables.put("deal", proposed, partner="par_lot", version="000002")
    # then
    assert verify(tables).good


def test_a_scan_that_tears_a_client_apart_is_refused(tables):
    # given a table that does not give the items of a partition together
    class Torn(Tables):
        def facts(self) -> Iterator[Stored]:
            events = [each for each in tables.facts() if each.kind == "event"]
            return iter(sorted(events, key=lambda each: each.item[keys.SK][-1]))

    torn = Torn(tables.facts_items, tables.books_items)
    # then nothing is guessed
    with pytest.raises(Conflict, match="stand apart"):
        verify(torn)


def test_progress_is_told_for_both_tables(tables):
    told: list[tuple[str, int]] = []
    verify(tables, progress=lambda table, items: told.append((table, items)))
    assert told == [(keys.BOOKS, len(tables.books_items)), (keys.FACTS, len(tables.facts_items))]


def test_events_are_forgotten_when_their_client_is_folded(tables):
    # given forty clients with twelve trades each
    moments = [at("2026-03-03") + timedelta(minutes=minute) for minute in range(12)]
    tables.apply(
        *(
            replace(a_trade(f"client-{number}", f"t-{minute}", commission=1), occurred_at=moment)
            for number in range(40)
            for minute, moment in enumerate(moments)
        ),
        at=at("2026-03-05"),
    )
    alive: list[int] = []
    gc.collect()
    before = sum(isinstance(each, Event) for each in gc.get_objects())

    class Watched(Tables):
        def facts(self) -> Iterator[Stored]:
            for number, stored in enumerate(tables.facts()):
                if number % 70 == 0:
                    alive.append(sum(isinstance(each, Event) for each in gc.get_objects()))
                yield stored

    # when
    report = verify(Watched(tables.facts_items, tables.books_items))
    # then no more than two clients' events lived at any time, besides those that tests hold
    assert report.applied == len(tables.applied) == 492
    assert max(alive) - before <= 24
