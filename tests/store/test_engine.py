"""The engine on real tables: what it writes, and what is left when it dies at the worst moment."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.errors import Poison, Unavailable
from introducer.domain.events import Event
from introducer.domain.money import FINE
from introducer.services.apply_events import Engine
from introducer.store.accruals import Accrual, Accruals
from introducer.store.clients import Clients, state_hash
from introducer.store.event_counts import EventCounts
from introducer.store.facts import Facts
from introducer.store.ledger import Ledger
from introducer_ops.replay import resend
from tests.conftest import Tables
from tests.support.builders import BRAND, CLIENT, LINK, SOURCE, World, a_click, an_event, at, cpa, lot, revshare, terms

PARTNER = "par_p"
NOW = 1_772_700_000_000


class Crash(BaseException):
    """The function's process ends here: nothing catches it."""


class Platform:
    """Accepts events into FACTS and hands them to an engine, as the stream does."""

    def __init__(self, tables: Tables, world: World) -> None:
        self.tables = tables
        self.world = world
        self.facts = Facts(tables.facts)
        self.clients = Clients(tables.books)
        self.ledger = Ledger(tables.books)
        self.reported: list[tuple[Event, Exception]] = []
        self.accruals = Accruals(tables.facts, tables.books)

    def engine(self, accruals: Accruals | None = None) -> Engine:
        return Engine(
            facts=self.facts,
            clients=self.clients,
            ledger=self.ledger,
            accruals=accruals or self.accruals,
            contracts=self,
            now_ms=lambda: NOW,
            pause=lambda attempt: None,
            report=lambda event, error: self.reported.append((event, error)),
        )

    def contracts_for(self, states: Iterable[ClientState], events: Iterable[Event]) -> Contracts:
        return self.world.contracts(list(events))

    def accept(self, *events: Event) -> None:
        for event in events:
            assert self.facts.put_event(event) is None

    def amounts(self) -> dict[str, int]:
        """What the balance says, and what the journals of the months add up to: the two must agree."""
        balance = self.ledger.balance(PARTNER)
        total = sum(balance.amounts.values())
        journals = [j for month in ("2026-02", "2026-03") for j in self.ledger.all_journals(PARTNER, month)]
        assert total == sum(journal.amount for journal in journals)
        assert total == sum(balance.earned.values())
        for journal in journals:
            assert sum(leg.amount for leg in journal.legs) == 0
        return {"total": total, "journals": len(journals)}


class CrashesOnce(Accruals):
    """Dies once, before or after the write it was asked for."""

    def __init__(self, inner: Accruals, moment: str) -> None:
        self.__dict__ |= inner.__dict__
        self.moment: str | None = moment

    def write(self, accrual: Accrual, applied_at: int) -> None:
        moment, self.moment = self.moment, None
        if moment == "before":
            raise Crash
        super().write(accrual, applied_at)
        if moment == "after":
            raise Crash
        if moment == "answer lost":
            raise Unavailable("the connection broke after the commit")


@pytest.fixture
def platform(tables: Tables) -> Platform:
    deal = terms(cpa("200.00", kyc=True), revshare("30"), lot("2.00"), days=30, net_revenue={"commission": "1"})
    return Platform(tables, World().partner(PARTNER, deal))


def a_life(client: str = CLIENT) -> list[Event]:
    """A client from registration to a chargeback, eight events."""
    click = a_click(at("2026-02-28 10:00"))
    return [
        an_event("registration", at("2026-02-28 11:00"), client=client, click_id=click, country="DE"),
        an_event("kyc", at("2026-02-28 12:00"), client=client),
        an_event("deposit", at("2026-03-01 09:00"), client=client, amount="150.00", event_id=f"{client}-d1"),
        an_event("trade", at("2026-03-01 10:00"), client=client, lots="0.5", commission="7.00"),
        an_event("trade", at("2026-03-02 10:00"), client=client, lots="0.5", commission="3.33", currency="USD"),
        an_event("withdrawal", at("2026-03-02 11:00"), client=client, amount="20.00"),
        an_event("trade", at("2026-03-03 10:00"), client=client, lots="1.0", commission="-1.00"),
        an_event("chargeback", at("2026-03-03 12:00"), client=client, amount="10.00", ref=f"{client}-d1"),
    ]


def test_events_become_earnings_with_receipts_balance_and_counters(platform: Platform) -> None:
    # given a client's events, accepted
    events = a_life()
    platform.accept(*events)

    # when the engine applies them
    outcome = platform.engine().apply(events)

    # then they are marked, and the books follow
    assert (outcome.applied, outcome.quarantined, outcome.failed) == (8, 0, ())
    assert all(event.applied_at for event in platform.facts.events_of_client(BRAND, CLIENT))
    # cpa 200.00; 30 % of 7.00 + 3.33/1.1805 (Friday's rate) − 1.00 = 2.646; 2 lots at 2.00
    assert platform.amounts() == {"total": 20_000 + 265 + 400, "journals": 3}
    journals = {journal.key.rule: journal for journal in platform.ledger.all_journals(PARTNER, "2026-03")}
    share = journals["rev"]
    assert share.amount == 265
    assert [(rate.source, rate.target, rate.day, rate.feed) for rate in share.receipt.rates] == [
        ("USD", "EUR", "2026-02-27", "ECB")
    ]
    assert [event.value for event in share.receipt.events] == ["7.00", "2.82083863", "-1.00"]
    assert share.receipt.lines[-1].result == "2.65"
    assert platform.ledger.journal(PARTNER, share.id) == share
    assert platform.ledger.journal("par_other", share.id) is None
    balance = platform.ledger.balance(PARTNER)
    assert balance.maturing("EUR", "2026-03-05") == [("2026-03-31", 20_000), ("2026-04-30", 665)]
    assert balance.bucket("EUR", "available", "2026-04-30") == 20_665
    [march_first] = [c for c in EventCounts(platform.tables.books).month(PARTNER, "2026-03") if c.day == "2026-03-01"]
    assert march_first.counts == {"ftd": 1, "qftd": 1}
    assert march_first.sums["deposits", "EUR"] == 15_000 * FINE
    assert [state.client for state in platform.clients.of_partner(PARTNER).items] == [CLIENT]


def test_delivered_twice_and_in_twenty_orders_the_state_is_the_same(platform: Platform) -> None:
    lives = {f"client-{number}": a_life(f"client-{number}") for number in range(20)}
    shuffler = random.Random(20)
    hashes = set()
    for client, events in lives.items():
        renamed = [replace(event, event_id=f"e{index}") for index, event in enumerate(events)]
        renamed[-1] = replace(renamed[-1], ref="e2")
        platform.accept(*renamed)
        # when they come in another order, in batches of three, each batch twice
        shuffler.shuffle(renamed)
        for start in range(0, len(renamed), 3):
            platform.engine().apply(renamed[start : start + 3])
            platform.engine().apply(renamed[start : start + 3])
        state = platform.clients.state(BRAND, client)
        assert state is not None
        anonymous = {key._replace(scope="") if key.scope else key: amount for key, amount in state.posted.items()}
        hashes.add(state_hash([replace(state, client="", posted=anonymous)]))
    assert len(hashes) == 1
    assert platform.amounts()["total"] == 20 * 20_665


@pytest.mark.parametrize("moment", ["before", "after", "answer lost"])
def test_killed_around_its_transaction_nothing_is_lost_and_nothing_counted_twice(
    platform: Platform, moment: str
) -> None:
    # given an engine that dies once, on each batch of a client's events
    events = a_life()
    platform.accept(*events)
    for start in range(0, len(events), 2):
        batch = events[start : start + 2]
        accruals = CrashesOnce(platform.accruals, moment)
        # when it dies
        try:
            outcome = platform.engine(accruals).apply(batch)
        except Crash:
            outcome = None
        # then the stream delivers the batch again, to a fresh engine
        if outcome is None or outcome.failed:
            again = platform.engine().apply(batch)
            assert again.failed == ()
    # and the books are those of a day without trouble
    assert platform.amounts()["total"] == 20_665
    counts = EventCounts(platform.tables.books).month(PARTNER, "2026-03")
    assert sum(count.counts.get("ftd", 0) for count in counts) == 1
    state = platform.clients.state(BRAND, CLIENT)
    assert state is not None
    assert state.events == 8


def test_two_engines_that_meet_on_one_client_post_once(platform: Platform) -> None:
    # given an engine that read a client, and another that was quicker
    events = a_life()
    platform.accept(*events)

    class Overtaken(CrashesOnce):
        def write(inner, accrual: Accrual, applied_at: int) -> None:
            if inner.moment:
                inner.moment = None
                platform.engine().apply(events[:5])
            Accruals.write(inner, accrual, applied_at)

    outcome = platform.engine(Overtaken(platform.accruals, "overtaken")).apply(events)
    assert outcome.failed == ()
    assert outcome.applied == 3
    assert platform.amounts()["total"] == 20_665


def test_a_poison_event_goes_to_quarantine_and_the_rest_goes_on(platform: Platform) -> None:
    # given a trade in a currency without a rate among good events
    events = a_life()
    poison = an_event("trade", at("2026-03-02 12:00"), lots="1", commission="5.00", currency="AED")
    platform.accept(*events, poison)

    outcome = platform.engine().apply([*events[:4], poison, *events[4:]])

    assert (outcome.applied, outcome.quarantined, outcome.failed) == (8, 1, ())
    assert platform.amounts()["total"] == 20_665
    [kept] = platform.facts.quarantined(BRAND, SOURCE, "2026-03-02").items
    assert (kept.reason, kept.event_id, kept.client) == ("rate_missing", poison.event_id, CLIENT)
    assert "no AED rate" in kept.detail
    # and once finance has brought the rate, a replay applies it: 5.00 AED / 4.2 × 30 %, and a lot
    platform.world.rates = {day: {**rates, "AED": "4.2"} for day, rates in platform.world.rates.items()}
    stored = platform.facts.event(BRAND, CLIENT, SOURCE, poison.event_id)
    assert stored is not None
    assert platform.engine().apply([stored]).applied == 1
    assert platform.amounts()["total"] == 20_665 + 200 + (300 - 265)


def test_what_cannot_be_written_is_reported_and_comes_again(platform: Platform) -> None:
    events = a_life()
    platform.accept(*events)

    class Down(CrashesOnce):
        def write(self, accrual: Accrual, applied_at: int) -> None:
            raise Unavailable("throttled")

    outcome = platform.engine(Down(platform.accruals, "")).apply(events)
    assert outcome.applied == 0
    assert {event.key for event in outcome.failed} == {event.key for event in events}
    assert platform.tables.items(platform.tables.books) == []


def test_more_events_than_one_transaction_holds_are_applied_in_several(platform: Platform) -> None:
    registration = a_life()[0]
    trades = [
        an_event("trade", at("2026-03-01 10:00"), lots="0.01", commission="0.01", event_id=f"t{number:03d}")
        for number in range(230)
    ]
    platform.accept(registration, *trades)
    outcome = platform.engine().apply([registration, *trades])
    assert (outcome.applied, outcome.failed) == (231, ())
    # 30 % of 2.30, and 2.30 lots at 2.00
    assert platform.amounts()["total"] == 69 + 460


def test_clients_of_one_partner_meet_the_balance_once(platform: Platform) -> None:
    written: list[Accrual] = []

    class Recorded(CrashesOnce):
        def write(self, accrual: Accrual, applied_at: int) -> None:
            written.append(accrual)
            super().write(accrual, applied_at)

    events = [event for number in range(4) for event in a_life(f"client-{number}")]
    platform.accept(*events)
    platform.engine(Recorded(platform.accruals, "")).apply(events)
    assert len(written) == 1
    assert len(written[0].states) == 4
    assert platform.amounts()["total"] == 4 * 20_665
    assert {key.link for key in written[0].counts} == {LINK}


def test_a_long_life_that_finds_its_partner_late_is_booked_in_several_transactions(platform: Platform) -> None:
    # given 150 days of trading of a client whom nobody introduced, as far as anybody knows
    days = [an_event("trade", at("2026-03-01") + timedelta(days=n), commission="1.00", lots="0.1") for n in range(150)]
    platform.world.rates = {}
    platform.accept(*days)
    assert platform.engine().apply(days).failed == ()
    assert platform.ledger.balance(PARTNER).currencies() == []
    # when the registration with the click arrives, and the engine dies after its first transaction
    registration = an_event("registration", at("2026-02-28 11:00"), click_id=a_click(at("2026-02-28 10:00")))
    platform.accept(registration)
    with pytest.raises(Crash):
        platform.engine(CrashesOnce(platform.accruals, "after")).apply([registration])
    # and the stream delivers it again
    outcome = platform.engine().apply([registration])
    # then everything is booked and counted
    assert outcome.failed == ()
    balance = platform.ledger.balance(PARTNER)
    assert sum(balance.earned.values()) == 150 * 30 + 150 * 20
    months = [count for n in range(3, 8) for count in EventCounts(platform.tables.books).month(PARTNER, f"2026-0{n}")]
    assert sum(count.sums["net_revenue", "EUR"] for count in months) == 150 * 100 * FINE
    state = platform.clients.state(BRAND, CLIENT)
    assert state is not None
    assert (state.uncounted, state.events) == ({}, 151)


def test_a_registration_that_comes_last_does_not_hide_the_trades_that_earned(platform: Platform) -> None:
    # given trades that were applied before anybody knew whose client it is
    registration, *others = a_life()
    platform.accept(registration, *others)
    platform.engine().apply(others)
    # when the registration arrives
    platform.engine().apply([registration])
    # then the receipt names it as the reason, and the trades with what each of them brought
    [share] = [each for each in platform.ledger.all_journals(PARTNER, "2026-03") if each.key.rule == "rev"]
    told = {event.event_id: (event.type, event.value) for event in share.receipt.events}
    assert told[registration.event_id] == ("registration", None)
    assert [value for kind, value in told.values() if kind == "trade"] == ["7.00", "2.82083863", "-1.00"]
    assert [rate.source for rate in share.receipt.rates] == ["USD"]


class Impossible(CrashesOnce):
    """Refuses for good whatever has an event of this id, as DynamoDB does with a number of 39 digits."""

    def write(self, accrual: Accrual, applied_at: int) -> None:
        if any(event.event_id == self.moment for event in accrual.events):
            raise Poison("too large")
        Accruals.write(self, accrual, applied_at)


def test_an_event_that_the_tables_will_never_take_stops_no_other(platform: Platform) -> None:
    # given two clients of one partner, and among the events of one of them what DynamoDB refuses for good
    lives = [a_life(), a_life("client-2")]
    poison = an_event("trade", at("2026-03-02 12:00"), lots="1", commission="5.00")
    platform.accept(*lives[0], poison, *lives[1])

    outcome = platform.engine(Impossible(platform.accruals, poison.event_id)).apply([*lives[0], poison, *lives[1]])

    assert (outcome.applied, outcome.quarantined, outcome.failed) == (16, 1, ())
    assert platform.amounts()["total"] == 2 * 20_665
    [kept] = platform.facts.quarantined(BRAND, SOURCE, "2026-03-02").items
    assert (kept.reason, kept.event_id) == ("poison", poison.event_id)


def test_a_number_that_no_table_can_hold_goes_to_quarantine(platform: Platform) -> None:
    registration, *_ = a_life()
    absurd = an_event("trade", at("2026-03-02"), lots="1", commission=10**16, currency="EUR")
    platform.accept(registration, absurd)
    outcome = platform.engine().apply([registration, absurd])
    assert (outcome.applied, outcome.quarantined, outcome.failed) == (1, 1, ())
    [kept] = platform.facts.quarantined(BRAND, SOURCE, "2026-03-02").items
    assert "more than can be counted" in kept.detail


def test_more_parts_than_tries_are_all_written(platform: Platform) -> None:
    # given 900 trading days that are held from their own day, and the registration at last
    deal = terms(lot("2.00")) | {"hold": {"days": 3, "from": "event_day"}}
    platform.world.deals.clear()
    platform.world.partner(PARTNER, deal)
    platform.world.rates = {}
    start = at("2023-03-01")
    days = [an_event("trade", start + timedelta(days=n), lots="1", currency="EUR") for n in range(900)]
    registration = an_event("registration", start, click_id=a_click(start - timedelta(hours=1)))
    platform.accept(*days, registration)
    assert platform.engine().apply(days).failed == ()
    outcome = platform.engine().apply([registration])
    assert (outcome.applied, outcome.failed) == (1, ())
    assert sum(platform.ledger.balance(PARTNER).earned.values()) == 900 * 200


def test_an_accepted_event_that_nobody_applied_is_shown_to_the_stream_again(platform: Platform) -> None:
    # given a client's events of which the engine got only the first
    events = a_life()
    platform.accept(*events)
    platform.engine().apply(events[:1])
    accepted = max(event.accepted_at for event in events if event.accepted_at)
    # when an operator sends again what is older than that, then only what waits is touched
    assert resend(platform.facts, accepted - timedelta(days=400)) == (8, 0)
    assert resend(platform.facts, accepted) == (8, 7)
    items = {item["sk"]["S"]: item.get("retry") for item in platform.tables.items(platform.tables.facts)}
    assert sorted(retry is not None for retry in items.values()) == [False] + [True] * 7
