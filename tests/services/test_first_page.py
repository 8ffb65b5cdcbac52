"""What a partner's first page reads: steps from nothing to the first money, near misses, weeks and months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Partner
from introducer.domain.money import Money
from introducer.domain.results import ResultLine
from introducer.services.creation import Author
from introducer.services.propose_deal import propose_deal
from introducer.services.read_clients_of_partner import pseudonym
from introducer.services.read_first_steps import Doing, FirstBooks, Stands, read_first_steps
from introducer.services.read_month_of_partner import (
    MonthOfPartner,
    read_month_of_partner,
    read_traded_of_month,
    weeks_of,
)
from introducer.services.read_near_misses import read_near_misses
from introducer.store.click_counts import ClickCounts
from introducer.store.event_counts import EventCounts
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.results import Results
from tests.support.builders import at, cpa, terms
from tests.support.house import (
    LINK,
    PARTNER,
    SET_UP,
    House,
    a_house,
    a_registration,
    a_trade,
    an_amount,
    client,
)

pytestmark = pytest.mark.in_memory
NEW, TODAY = "par_new", "2026-03-05"
STEPS = [each.value for each in Doing]


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as found:
        yield found


def month(house: House, partner: str = PARTNER, today: str = TODAY) -> MonthOfPartner:
    counts = EventCounts("books"), ClickCounts("books")
    return read_month_of_partner(house.ledger, *counts, partner=partner, currency="EUR", today=today)


def steps(house: House, partner: str) -> dict[str, Any]:
    """How each step stands."""
    books = FirstBooks(
        configuration=house.configuration, clients=house.clients, results=Results("books"),
        profiles=PaymentProfiles("books"),
    )  # fmt: skip
    of: Partner = house.configuration.partner(partner)
    return {
        each.step.value: (each.stands.value, each.path)
        for each in read_first_steps(books, partner=of, month=month(house, partner))
    }


def still_to_do(house: House, partner: str) -> list[str]:
    return [step for step, (stands, _) in steps(house, partner).items() if stands != Stands.DONE]


def a_new_partner(house: House) -> None:
    known = house.configuration.partner(PARTNER)
    house.configuration.register_partner(replace(known, partner=NEW, name="Fresh Start Media"), SET_UP)


class TestFirstSteps:
    def test_who_was_just_approved_has_all_of_them_before_it(self, house: House) -> None:
        a_new_partner(house)

        found = steps(house, NEW)

        assert list(found) == STEPS
        assert found["terms"] == ("now", ""), "nothing was proposed yet: there is nothing to press"
        assert [stands for stands, _ in found.values()] == ["now", *["later"] * 5]
        assert found["payment"] == ("later", "/settings/payment")

    def test_each_is_done_when_it_happened_and_the_next_one_leads_on(self, house: House) -> None:
        house.partner(NEW, "Fresh Start Media", "Fresh123")
        assert still_to_do(house, NEW) == STEPS[2:]
        assert steps(house, NEW)["click"] == ("now", "/links/Fresh123")

        clicked = house.click(house.now - timedelta(minutes=5), "198.51.100.7", code="Fresh123", partner=NEW)
        house.works()
        assert still_to_do(house, NEW) == STEPS[3:]

        house.posts(a_registration("ann", "2026-03-05T08:58:00Z", click_id=clicked))
        assert still_to_do(house, NEW) == STEPS[4:]

        house.posts(an_amount("deposit", "ann", "50.00", "2026-03-05T08:59:00Z"))
        assert still_to_do(house, NEW) == ["payment"]

        house.paying.profile(NEW)
        assert steps(house, NEW) == {}

    def test_terms_that_wait_for_an_answer_are_the_first_thing_to_do(self, house: House) -> None:
        a_new_partner(house)
        propose_deal(
            house.configuration, partner=NEW, terms=terms(cpa("200.00")), author=Author(by="mem_m", why="first terms"),
            clock=lambda: house.now,
        )  # fmt: skip

        assert steps(house, NEW)["terms"] == ("now", "/deal")

    def test_a_visit_of_an_earlier_month_is_known_from_the_line_of_results(self, house: House) -> None:
        house.partner(NEW, "Fresh Start Media", "Fresh123")
        line = ResultLine(partner=NEW, day="2026-03-04", last_active_day="2026-02-11", joined="2026-02-01")
        Results("books").put(house.configuration.partner(NEW).brand, line)

        assert still_to_do(house, NEW) == STEPS[3:]

    def test_who_earns_is_asked_about_nothing_that_came_before(self, house: House) -> None:
        registered(house, "ann", "2026-03-02T10:00:00Z")
        house.posts(an_amount("deposit", "ann", "50.00", "2026-03-03T10:00:00Z"))

        assert still_to_do(house, PARTNER) == ["payment"]


def registered(house: House, name: str, when: str, **said: Any) -> None:
    clicked = house.click(datetime.fromisoformat(when) - timedelta(hours=1), "198.51.100.8", code=LINK)
    house.posts(a_registration(name, when, click_id=clicked, **said))


class TestNearMisses:
    def test_they_are_said_under_the_pseudonym_and_the_day_that_the_list_of_clients_has(self, house: House) -> None:
        for name in ("ann", "bob"):
            registered(house, name, "2026-03-04T10:00:00Z")
        house.posts(an_amount("deposit", "ann", "30.00", "2026-03-04T11:00:00Z"))

        found = read_near_misses(house.clients, house._contracts(), partner=PARTNER, now=house.now)

        (miss,) = found.items
        assert (miss.pseudonym, miss.registered) == (pseudonym(client("ann")), "2026-03-04")
        assert (miss.missing[0].left, miss.amount) == (Money(2_000, "EUR"), Money(20_000, "EUR"))
        assert miss.until == at("2026-03-07 11:00")
        assert (found.looked_at, found.more) == (2, False)
        listed = house.clients.of_partner(PARTNER, first=miss.registered, last=miss.registered)
        assert client("ann") in {state.client for state in listed.items}

    def test_clients_from_before_the_deal_s_time_are_not_even_read(self, house: House) -> None:
        deal = terms(cpa("200.00", min_lots="2", within_days=7))
        house.partner(NEW, "Fresh Start Media", "Fresh123", deal)
        for name, when in (("old", "2026-02-20T10:00:00Z"), ("ann", "2026-03-01T10:00:00Z")):
            clicked = house.click(at(when[:10]), "198.51.100.9", code="Fresh123", partner=NEW)
            house.posts(a_registration(name, when, click_id=clicked), an_amount("deposit", name, "10.00", when))

        found = read_near_misses(house.clients, house._contracts(), partner=NEW, now=house.now)

        assert [each.pseudonym for each in found.items] == [pseudonym(client("ann"))]
        assert found.looked_at == 1

    def test_of_too_many_those_are_looked_at_whose_time_runs_out_first(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("introducer.services.read_near_misses.MOST_LOOKED_AT", 1)
        house.partner(NEW, "Fresh Start Media", "Fresh123", terms(cpa("200.00", min_lots="2", within_days=7)))
        for name, when in (("ann", "2026-03-01T10:00:00Z"), ("bob", "2026-03-03T10:00:00Z")):
            clicked = house.click(at(when[:10]), "198.51.100.9", code="Fresh123", partner=NEW)
            house.posts(a_registration(name, when, click_id=clicked), an_amount("deposit", name, "10.00", when))

        found = read_near_misses(house.clients, house._contracts(), partner=NEW, now=house.now)

        assert [each.pseudonym for each in found.items] == [pseudonym(client("ann"))]
        assert (found.looked_at, found.more) == (1, True)


class TestTheMonth:
    def test_who_is_active_was_registered_this_month_and_traded(self, house: House) -> None:
        registered(house, "ann", "2026-03-02T10:00:00Z")
        registered(house, "bob", "2026-03-03T10:00:00Z")
        registered(house, "old", "2026-02-20T10:00:00Z")
        house.posts(a_trade("ann"), a_trade("old"))

        found = read_traded_of_month(house.clients, partner=PARTNER, today=TODAY)

        assert (found.clients, found.registered, found.more) == (1, 2, False)

    def test_it_is_compared_with_the_month_before_up_to_the_same_day(self, house: House) -> None:
        for name, paid in (("ann", "2026-02-04T10:00:00Z"), ("bob", "2026-02-06T10:00:00Z")):
            registered(house, name, "2026-02-03T10:00:00Z")
            house.posts(an_amount("deposit", name, "50.00", paid))
        registered(house, "cat", "2026-03-02T10:00:00Z")
        house.posts(an_amount("deposit", "cat", "50.00", "2026-03-02T11:00:00Z"), a_trade("cat"))

        (euros,) = month(house).currencies

        assert (euros.so_far.before, euros.so_far.until) == (Money(20_000, "EUR"), "2026-02-05")
        assert (euros.so_far.amount, euros.so_far.percent) == (Money(20_300, "EUR"), 1)
        assert [each.amount.minor for each in euros.months][-3:] == [0, 40_000, 20_300]
        assert (len(euros.months), euros.months[0].month) == (12, "2025-04")
        # on the 31st of a month, February is over
        later = month(house, today="2026-03-31").currencies[0].so_far
        assert (later.before, later.percent) == (Money(40_000, "EUR"), -49), "49.25 less, towards zero"

    def test_weeks_add_up_to_what_is_pending(self) -> None:
        maturing = [("2026-03-06", 100), ("2026-03-12", 20), ("2026-03-13", 3), ("2026-04-30", -4), ("2026-06-01", 50)]

        found = list(weeks_of(maturing, "EUR", TODAY))

        assert [(each.first, each.last, each.amount.minor) for each in found if each.amount.minor] == [
            ("2026-03-06", "2026-03-12", 120), ("2026-03-13", "2026-03-19", 3), ("2026-04-24", "2026-04-30", -4),
            ("2026-05-01", None, 50),
        ]  # fmt: skip
        assert sum(each.amount.minor for each in found) == sum(amount for _, amount in maturing)
        assert list(weeks_of([], "EUR", TODAY)) == []
