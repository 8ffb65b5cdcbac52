"""Traces, persons and lines: what the engine writes for the detectors, and how scoring reads it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.events import Event, from_milliseconds, milliseconds
from introducer.domain.fraud.person import Person
from introducer.domain.fraud.scoring import Scoring
from introducer.domain.fraud.seen import Day, Match, Traffic
from introducer.domain.fraud.trace import Flow, Trace
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.store.person_index import PersonIndex
from introducer.store.scorings import Scorings
from introducer.store.traces import Traces
from introducer.store.traffic import TrafficStore
from tests.conftest import Tables
from tests.store.test_engine import NOW, PARTNER, Platform
from tests.support.builders import BRAND, CLIENT, World, a_click, an_event, at, cpa, lot, revshare, terms

OTHER = "par_other"
REGISTERED = at("2026-02-28 11:00")


@pytest.fixture
def platform(tables: Tables) -> Platform:
    deal = terms(cpa("200.00", kyc=True), revshare("30"), lot("2.00"), days=30, net_revenue={"commission": "1"})
    world = World().partner(PARTNER, deal)
    return Platform(tables, world.version(OTHER, deal, "2020-01-01"))


def a_registration(client: str = CLIENT, **said: object) -> Event:
    click = a_click(at("2026-02-28 10:00"))
    hashes = {"email_hash": f"email-{client}", "phone_hash": f"phone-{client}", "prefix_hash": "net-1"}
    return an_event("registration", REGISTERED, client=client, click_id=click, country="DE", **{**hashes, **said})


def lives(platform: Platform, *events: Event) -> None:
    platform.accept(*events)
    done = platform.engine().apply(events)
    assert (done.applied, done.quarantined, done.failed) == (len(events), 0, ())


def traces(platform: Platform, partner: str = PARTNER) -> list[Trace]:
    return Traces(platform.tables.books).since(partner, "2026-01-01")


@pytest.mark.pattern("traces_of_partner")
def test_a_registration_leaves_a_trace_that_later_events_add_to(platform: Platform) -> None:
    # given a registration with all that it says of the person
    lives(platform, a_registration(device_hash="dev-1", address_hash="addr-1", pattern_hash="pat-1", disposable=1))
    [first] = traces(platform)
    # when the client pays in, draws and trades, in events that say nothing of the person
    paid_in, drawn = at("2026-03-01 09:00"), at("2026-03-02 09:00")
    lives(platform, an_event("deposit", paid_in, amount="150.00"), an_event("withdrawal", drawn, amount="120.00"))
    lives(platform, an_event("trade", at("2026-03-02 10:00"), lots="1.0", commission="3.00"))
    # then the trace has both
    [trace] = traces(platform)
    assert (first.email, first.device, first.disposable, first.since_click) == (f"email-{CLIENT}", "dev-1", True, 3600)
    assert first.deposits == ()
    assert replace(trace, deposits=(), withdrawals=(), trades=0, lots=0) == first
    assert trace.deposits == (Flow(milliseconds(paid_in), 15_000, "EUR"),)
    assert trace.withdrawals == (Flow(milliseconds(drawn), 12_000, "EUR"),)
    assert (trace.trades, trace.lots) == (1, 10**8)
    assert Traces(platform.tables.books).since(PARTNER, "2026-03-01") == [], "by the day of registration"


def test_trades_alone_change_a_trace_a_few_times_in_all(platform: Platform) -> None:
    lives(platform, a_registration())
    seen = set()
    for number in range(40):
        moment = at("2026-03-01 10:00") + timedelta(minutes=number)
        lives(platform, an_event("trade", moment, lots="0.2", commission="1.00"))
        seen.add(tuple(traces(platform)))
    assert len(seen) == 3, "with the first trade, the first lot and the sixteenth trade"
    assert traces(platform)[0].trades == 16


@pytest.mark.pattern("person_by_hash")
def test_persons_are_counted_over_all_clients_and_named_by_who_was_first(platform: Platform) -> None:
    lives(platform, a_registration("ann"), a_registration("bob", email_hash="email-ann"))
    lives(platform, a_registration("cyd", email_hash="email-ann", phone_hash=None))
    index = PersonIndex(platform.tables.books)
    shared, own = Person("email", "email-ann"), Person("phone", "phone-bob")

    known = index.known(BRAND, [shared, own, Person("phone", "phone-cyd")], from_milliseconds(NOW))

    assert set(known) == {shared, own}
    assert (known[shared].clients, known[shared].first_owner) == (3, PARTNER)
    assert known[shared].first in ("ann", "bob"), "both came in one batch"
    assert (known[own].clients, known[own].first) == (1, "bob")


def test_a_cancelled_registration_takes_back_what_it_said(platform: Platform) -> None:
    registration = a_registration("ann")
    lives(platform, registration, an_event("deposit", at("2026-03-01 09:00"), client="ann", amount="50.00"))
    lives(platform, an_event("cancel", at("2026-03-02 09:00"), client="ann", ref=registration.event_id))
    known = PersonIndex(platform.tables.books).known(BRAND, [Person("email", "email-ann")], from_milliseconds(NOW))
    assert [each.clients for each in known.values()] in ([], [0])
    assert [trace.email for trace in traces(platform)] in ([], [""])


def test_a_client_that_is_moved_leaves_no_trace_behind(platform: Platform) -> None:
    lives(platform, a_registration())
    lives(platform, an_event("move", at("2026-03-03 09:00"), source="desk", partner=OTHER))
    assert traces(platform) == []
    [trace] = traces(platform, OTHER)
    assert (trace.client, trace.email, trace.since_click) == (CLIENT, f"email-{CLIENT}", None)


def test_a_verdict_shows_in_the_trace(platform: Platform) -> None:
    lives(platform, a_registration())
    verdict = {"source": "desk", "status": "disallowed", "case": "cas_1", "reason": "self_referral"}
    lives(platform, an_event("verdict", at("2026-03-03 09:00"), **verdict))
    assert [trace.disallowed for trace in traces(platform)] == [True]


@pytest.mark.parametrize("seed", range(5))
def test_in_any_order_and_cut_anywhere_traces_and_persons_are_the_same(platform: Platform, seed: int) -> None:
    # given one life that is told in order, and one told in some other order
    def life(client: str) -> list[Event]:
        ids = iter(range(100))

        def told(kind: str, when: str, **fields: object) -> Event:
            return an_event(kind, at(when), client=client, event_id=f"{client}-{next(ids)}", **fields)

        late = {"email_hash": f"late-{client}", "country": "FR"}
        return [
            replace(a_registration(client), event_id=f"{client}-r"),
            told("registration", "2026-02-28 15:00", **late),
            told("deposit", "2026-03-01 09:00", amount="150.00"),
            told("withdrawal", "2026-03-01 08:00", amount="5.00"),
            told("withdrawal", "2026-03-12 08:00", amount="7.00"),
            told("move", "2026-03-02 08:00", source="desk", partner=OTHER, starts_at=at("2026-03-01 00:00")),
            told("trade", "2026-03-02 10:00", lots="1.5", commission="3.00", pnl="0.10"),
            told("chargeback", "2026-03-03 10:00", amount="10.00"),
        ]

    lives(platform, *life("ann"))
    shuffled = life("bob")
    random.Random(seed).shuffle(shuffled)
    while shuffled:
        lives(platform, *shuffled[:2])
        shuffled = shuffled[2:]
    # then both have left the same
    ann, bob = traces(platform)
    assert replace(bob, client="ann", email=ann.email, phone=ann.phone) == ann
    assert (bob.email, bob.withdrawals) == ("email-bob", ann.withdrawals)
    wanted = [Person("email", name) for name in ("email-bob", "late-bob", "email-ann", "late-ann")]
    known = PersonIndex(platform.tables.books).known(BRAND, wanted, from_milliseconds(NOW))
    assert {person.hash: each.clients for person, each in known.items() if each.clients} == {
        "email-ann": 1,
        "email-bob": 1,
    }


@pytest.mark.pattern("traffic_of_brand")
def test_a_partners_days_and_its_line_are_read_from_the_counters(platform: Platform) -> None:
    # given clicks and events of two months, over two links
    books = platform.tables.books
    clicks = ClickCounts(books)
    for day, link, number in (
        ("2026-02-28", "LinkAAAA", 4),
        ("2026-02-28", "LinkBBBB", 6),
        ("2026-03-01", "LinkAAAA", 2),
    ):
        more = {"unique": 1, "flagged": 3, "stuffed": 2, "buckets": ((3, number),)}
        assert clicks.add(
            ClickCount(PARTNER, day, link, clicks=number, **more), {0: Span("0" * 39 + "1", "0" * 39 + "2")}
        )
    lives(platform, a_registration(), an_event("deposit", at("2026-03-01 09:00"), amount="150.00"))
    store = TrafficStore(books)
    # when they are read
    days = store.days(PARTNER, "2026-02-27", "2026-03-01")
    # then each day has the sum of its links
    assert [day.day for day in days] == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert days[0] == Day("2026-02-27")
    assert days[1]._replace(buckets=()) == Day("2026-02-28", 10, 2, 6, 4, (), registrations=1)
    assert (days[1].buckets[3], sum(days[1].buckets)) == (10, 10)
    assert (days[2].clicks, days[2].ftd) == (2, 1)
    # and lines of a brand are kept by partner
    line = Traffic(PARTNER, "2026-03-01", 12, 1, 1, 0, 0, 0, 1)
    store.put("brd_t", line)
    store.put("brd_t", line._replace(clicks=13))
    assert store.of_brand("brd_t") == [line._replace(clicks=13)]


@pytest.mark.pattern("scoring_of_partner")
def test_what_is_remembered_of_scoring_is_written_over_what_was_read_alone(platform: Platform) -> None:
    scorings = Scorings(platform.tables.books)
    new = scorings.get(BRAND, PARTNER)
    assert new == Scoring(partner=PARTNER, brand=BRAND)
    said = replace(new, cleared={"stuffing": "2026-03-01"}, matches={"ann": (Match("email", "bob", ""),)}, scored_at=7)
    written = scorings.change(new, said)
    assert scorings.get(BRAND, PARTNER) == written == replace(said, version=1)
    with pytest.raises(Exception, match="scored by somebody else"):
        scorings.change(new, replace(said, scored_at=8))
