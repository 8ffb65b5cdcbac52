"""What a client does is counted under where it came from, whatever is known first."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.counts import OTHER_SUB, Came, CountKey, Source, names_a_place, without_zeros
from introducer.domain.earnings import HistoryNeeded, accrue
from introducer.domain.events import LOT, Event
from introducer.domain.money import FINE
from introducer.store.clients import state_from_item, state_to_item
from tests.support.builders import BRAND, CLIENT, LINK, Books, World, a_click, an_event, at, cpa, revshare, terms

START = at("2026-03-01 10:00")
CLICK = a_click(START - timedelta(hours=1))
CAME = Came("TH", "mobile", "7")
NET = {"net_revenue": {"commission": "1"}}


class Seen(World):
    """A world in which clicks were recorded."""

    def __init__(self, **clicks: Came) -> None:
        super().__init__()
        self.clicks = clicks
        self.partner("par_p", terms(revshare(), cpa(), **NET))

    def contracts(self, events: list[Event] | tuple[Event, ...]) -> Contracts:  # type: ignore[override]
        return replace(super().contracts(events), clicks=self.clicks)


def events(country: str | None = "DE") -> list[Event]:
    return [
        an_event("registration", START, click_id=CLICK, country=country),
        an_event("deposit", START + timedelta(days=1), amount="100.00"),
        an_event("trade", START + timedelta(days=31), commission="8.00", lots="0.50"),
    ]


def sources(books: Books) -> set[Source]:
    return {key.source for key in without_zeros(books.counts) if isinstance(key, CountKey)}


def test_a_client_is_counted_under_its_country_its_clicks_device_and_sub1_and_the_month_it_registered_in() -> None:
    books = Books(Seen(**{CLICK: CAME})).deliver(*events())
    assert sources(books) == {Source("DE", "mobile", "7", "2026-03")}
    april = CountKey("par_p", "2026-04-01", LINK, "DE", "mobile", "7", "2026-03")
    assert (books.counts[april]["lots"], books.counts[april]["net_revenue.EUR"]) == (LOT // 2, 800 * FINE)


def test_where_the_registration_says_no_country_the_clicks_counts() -> None:
    assert sources(Books(Seen(**{CLICK: CAME})).deliver(*events(None))) == {Source("TH", "mobile", "7", "2026-03")}


def test_who_came_without_a_click_has_a_country_and_a_month_alone() -> None:
    world = Seen()
    books = Books(world).deliver(
        an_event("move", START, partner="par_p", starts_at=START - timedelta(days=1), source="desk"),
        an_event("registration", START, country="PL"),
    )
    assert sources(books) == {Source("PL", "", "", "2026-03")}


def test_the_order_in_which_things_are_known_moves_what_was_counted() -> None:
    at_once = without_zeros(Books(Seen(**{CLICK: CAME})).deliver(*events()).counts)
    for order in itertools.permutations(events()):
        books = Books(Seen(**{CLICK: CAME})).one_by_one(*order)
        assert without_zeros(books.counts) == at_once, [event.type for event in order]


def test_a_registration_of_the_same_moment_as_another_event_moves_it_to_its_country() -> None:
    # given a verdict of who it is that comes first, and the registration of that very moment
    kyc = an_event("kyc", START, status="approved", click_id=CLICK)
    registration = an_event("registration", START, click_id=CLICK, country="DE", event_id="zz")
    books = Books(Seen(**{CLICK: CAME})).one_by_one(kyc, registration)
    assert sources(books) == {Source("DE", "mobile", "7", "2026-03")}


def test_a_click_that_is_recorded_late_moves_what_its_client_did() -> None:
    # given a client whose click nobody knows yet
    world = Seen()
    books = Books(world).deliver(*events()[:2])
    assert sources(books) == {Source("DE", "", "", "2026-03")}
    # when it is there as the client trades
    world.clicks[CLICK] = CAME
    books.deliver(events()[2])
    # then all of it is counted as if it had always been there
    assert without_zeros(books.counts) == without_zeros(Books(Seen(**{CLICK: CAME})).deliver(*events()).counts)


def test_a_click_that_expires_leaves_its_client_where_it_was_counted() -> None:
    world = Seen(**{CLICK: CAME})
    books = Books(world).deliver(*events()[:2])
    world.clicks = {}
    books.deliver(events()[2], an_event("cancel", START + timedelta(days=32), ref="nothing"))
    assert sources(books) == {Source("DE", "mobile", "7", "2026-03")}


def test_a_state_keeps_what_was_known_of_its_clicks() -> None:
    state = Books(Seen(**{CLICK: CAME})).deliver(*events()).state
    assert state_from_item(state_to_item(state)) == replace(state)
    assert state.came == {CLICK: CAME}


def counted_before() -> Books:
    """A client as it was counted before sources were."""
    books = Books(Seen(**{CLICK: CAME}), state=ClientState(BRAND, CLIENT, came=None)).deliver(*events())
    assert {key[3:] for key in books.counts} == {("", "", "", "")}
    assert not any("lots" in values for values in books.counts.values())
    assert "came" not in state_to_item(books.state)
    return books


def test_a_client_counted_before_sources_were_is_counted_anew_with_its_next_event() -> None:
    # given such a client
    books = counted_before()
    more = an_event("trade", START + timedelta(days=32), commission="1.00")
    with pytest.raises(HistoryNeeded):
        accrue(state_from_item(state_to_item(books.state)), [more], books.world.contracts([more]))
    # when something happens
    books.deliver(more)
    # then all that it ever did stands under its source
    fresh = Books(Seen(**{CLICK: CAME})).deliver(*events(), more)
    assert without_zeros(books.counts) == without_zeros(fresh.counts)
    assert books.posted == fresh.posted


def test_a_value_of_sub1_that_names_a_place_has_figures_of_its_own() -> None:
    for value in ("newsletter", "bio-link", "Summer2026", "banner 728x90", "q2.2026", "канал", "google_ads_de", "1"):
        assert names_a_place(value), value


def test_what_a_tracker_made_up_or_what_may_be_a_persons_has_none() -> None:
    for value in (
        "",
        "ann@example.org",
        "4915112345678",
        "1772444400123",
        "550e8400-e29b-41d4-a716-446655440000",
        "w7f3k2m9q1x8z4",
        "a3f5c9d2e8b14760",
        "x" * 41,
        OTHER_SUB,
        "two\nlines",
    ):
        assert not names_a_place(value), value
    assert OTHER_SUB == "~"
