"""Deciding a partner's standing on real tables: who may, from when on, what a decision covers, and who comes second."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Member, PartnerKind, Role, Standing, Status, status_at
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.services.creation import Author
from introducer.services.open_brand import open_brand
from introducer.services.read_contracts import standings
from introducer.services.register_partner import register_partner
from introducer.services.set_standing import earliest, set_standing, standing_of, statuses_for
from introducer.store.configuration import Configuration
from tests.conftest import Tables
from tests.support.builders import World

pytestmark = pytest.mark.in_memory

NOON = datetime(2026, 4, 17, 12, tzinfo=UTC)
SOON = NOON + timedelta(minutes=12)
AUTHOR = Author(by="system:test", why="set up")
ACTIVE, SUSPENDED, BLOCKED = Status.ACTIVE, Status.SUSPENDED, Status.BLOCKED


def days(number: int) -> datetime:
    return NOON + timedelta(days=number)


class House:
    """A brand with a partner and staff, and a clock that stands until it is moved."""

    def __init__(self, books: str) -> None:
        self.configuration = Configuration(books)
        self.now = NOON
        self.random = random.Random(7).randbytes
        made: dict[str, Any] = {"author": AUTHOR, "clock": self.clock, "random": self.random}
        self.brand = open_brand(
            self.configuration, name="Quillmark", domain="quillmark.example", base_currency="EUR",
            fallback_url="https://www.quillmark.example/", **made,
        ).brand  # fmt: skip
        self.partner = register_partner(
            self.configuration, brand=self.brand, name="Amberfield Media", kind=PartnerKind.IB, country="DE",
            language="en", currency="EUR", **made,
        ).partner  # fmt: skip

    def clock(self) -> datetime:
        return self.now

    def member(self, role: Role, brand: str | None = None) -> Member:
        return Member(
            member=f"sub-{role.value}", partner=None, brand=brand or self.brand, role=role, name="A", language="en"
        )

    def decides(self, status: Status, since: datetime | None = None, role: Role = Role.ADMIN,
                configuration: Configuration | None = None, **other: Any) -> Standing:  # fmt: skip
        given: dict[str, Any] = {"member": self.member(role), "partner": self.partner, "why": "A case of compliance"}
        return set_standing(
            configuration or self.configuration, status=status, since=since, clock=self.clock, random=self.random,
            **(given | other),
        )  # fmt: skip

    def history(self) -> list[Standing]:
        return self.configuration.standings(self.partner)

    def over(self, *moments: datetime) -> list[Status]:
        """What the partner is at these moments, by the history; what earnings read must say the same of blocks."""
        found = [status_at(moment, self.history()) for moment in moments]
        contracts = World().contracts([])
        priced = type(contracts)(
            links={}, deals={}, rates=contracts.rates, click_keys={},
            standings={self.partner: standings(self.history())},
        )  # fmt: skip
        blocked = [priced.blocked_at(self.partner, int(moment.timestamp() * 1000)) for moment in moments]
        assert blocked == [status is BLOCKED for status in found]
        return found

    def audit(self) -> list[tuple[str, str, str]]:
        page = self.configuration.audit_of_subject(self.partner)
        return [(each.action, each.by, each.why) for each in page.items if each.action == "set_standing"]


@pytest.fixture
def house(tables: Tables) -> House:
    return House(tables.books)


def refusal(act: Callable[[], object], kind: type[IntroducerError]) -> str:
    with pytest.raises(kind) as caught:
        act()
    return caught.value.code


def test_a_decision_begins_twelve_minutes_later_and_is_on_record(house: House) -> None:
    made = house.decides(SUSPENDED, role=Role.MANAGER)

    assert (made.since, made.decided_at, made.decided_by) == (SOON, NOON, "sub-manager")
    assert house.history() == [made]
    assert house.audit() == [("set_standing", "sub-manager", "A case of compliance")]
    profile, [card] = house.configuration.partner(house.partner), house.configuration.cards(house.brand).items
    assert (profile.status, profile.status_since) == (card.status, card.status_since) == (SUSPENDED, SOON)
    assert house.over(NOON, SOON - timedelta(milliseconds=1), SOON) == [ACTIVE, ACTIVE, SUSPENDED]
    # and lists say it at once, while sign-in waits for its moment
    assert [standing_of(house.configuration, profile, moment) for moment in (NOON, SOON)] == [ACTIVE, SUSPENDED]


def test_twelve_minutes_are_rounded_up_to_a_full_one() -> None:
    assert earliest(NOON) == SOON
    assert earliest(NOON + timedelta(milliseconds=1)) == NOON + timedelta(minutes=13)
    assert earliest(NOON + timedelta(seconds=59)) == NOON + timedelta(minutes=13)


@pytest.mark.parametrize("ahead", [
    timedelta(days=-1), timedelta(0), timedelta(minutes=1), timedelta(minutes=12, seconds=-60),
    timedelta(days=366, minutes=1),
])  # fmt: skip
def test_nothing_reaches_back_nor_too_far_ahead(house: House, ahead: timedelta) -> None:
    assert refusal(lambda: house.decides(BLOCKED, NOON + ahead), Invalid) == "invalid_since"
    assert house.history() == [] and house.audit() == []


def test_a_moment_within_a_minute_is_the_next_full_one(house: House) -> None:
    assert house.decides(BLOCKED, SOON - timedelta(seconds=30)).since == SOON
    assert house.decides(ACTIVE, NOON + timedelta(days=366)).since == NOON + timedelta(days=366)


def test_managers_suspend_and_only_compliance_and_admins_block_and_lift_a_block(house: House) -> None:
    for role in (Role.FINANCE, Role.SALES):
        assert refusal(lambda role=role: house.decides(SUSPENDED, role=role), Forbidden) == "not_your_role"
    assert refusal(lambda: house.decides(BLOCKED, role=Role.MANAGER), Forbidden) == "block_role"
    house.decides(SUSPENDED, role=Role.MANAGER)
    house.now = days(1)
    house.decides(ACTIVE, role=Role.MANAGER)
    house.now = days(2)
    house.decides(BLOCKED, role=Role.COMPLIANCE)
    house.now = days(3)
    for status in (ACTIVE, SUSPENDED):
        assert refusal(lambda status=status: house.decides(status, role=Role.MANAGER), Forbidden) == "block_role"
    assert statuses_for(Role.MANAGER, house.now, house.history()) == []
    assert statuses_for(Role.ADMIN, house.now, house.history()) == [ACTIVE, SUSPENDED, BLOCKED]
    house.decides(ACTIVE, role=Role.ADMIN)
    assert house.over(days(0), days(1), days(2), days(3), days(4)) == [ACTIVE, SUSPENDED, ACTIVE, BLOCKED, ACTIVE]
    house.now = days(5)
    assert statuses_for(Role.MANAGER, house.now, house.history()) == [ACTIVE, SUSPENDED]
    assert statuses_for(Role.FINANCE, house.now, house.history()) == []


def test_a_manager_does_not_undo_a_block_that_is_to_come(house: House) -> None:
    house.decides(BLOCKED, days(9), Role.COMPLIANCE)
    for status in (SUSPENDED, ACTIVE):
        assert refusal(lambda status=status: house.decides(status, role=Role.MANAGER), Forbidden) == "block_role"
    assert house.over(days(8), days(9)) == [ACTIVE, BLOCKED]


def test_the_same_again_is_refused(house: House) -> None:
    assert refusal(lambda: house.decides(ACTIVE), Conflict) == "same_standing"
    house.decides(BLOCKED, days(3))
    assert refusal(lambda: house.decides(BLOCKED, days(3)), Conflict) == "same_standing"
    assert refusal(lambda: house.decides(BLOCKED, days(5)), Conflict) == "same_standing"
    assert len(house.history()) == len(house.audit()) == 1
    # but sooner is another thing, and so is to undo what is to come
    house.decides(BLOCKED, days(1))
    house.decides(ACTIVE)
    assert house.over(days(0), days(1), days(3), days(5)) == [ACTIVE] * 4


def test_a_decision_covers_what_was_decided_for_later(house: House) -> None:
    # given a block that is to be lifted, all of it to come
    house.decides(BLOCKED, days(5))
    house.decides(ACTIVE, days(10))
    assert house.over(days(4), days(5), days(9), days(10)) == [ACTIVE, BLOCKED, BLOCKED, ACTIVE]
    # when the partner is suspended before that
    made = house.decides(SUSPENDED, days(2))
    # then it stays so, also where something else was to begin
    assert house.over(days(1), days(2), days(5), days(10), days(99)) == [ACTIVE] + [SUSPENDED] * 4
    assert [each.since for each in house.history() if each.standing == made.standing] == [days(2), days(5), days(10)]
    assert len(house.audit()) == 3, "one decision, one record"
    profile = house.configuration.partner(house.partner)
    assert (profile.status, profile.status_since) == (SUSPENDED, days(2))
    # and a later decision holds from its own moment on
    house.decides(BLOCKED, days(7))
    assert house.over(days(2), days(6), days(7), days(10), days(11)) == [SUSPENDED, SUSPENDED] + [BLOCKED] * 3


def test_what_holds_until_a_decided_lift_is_the_block(house: House) -> None:
    house.decides(BLOCKED)
    house.now = days(1)
    house.decides(ACTIVE, days(8))

    profile = house.configuration.partner(house.partner)

    assert profile.status is ACTIVE, "decided, from a moment to come on"
    moments = (days(1), days(8) - timedelta(milliseconds=1), days(8))
    assert [standing_of(house.configuration, profile, moment) for moment in moments] == [BLOCKED, BLOCKED, ACTIVE]


def test_a_repeated_request_is_harmless(house: House) -> None:
    made = house.decides(SUSPENDED, request="r")
    house.now = NOON + timedelta(minutes=20)
    assert house.decides(SUSPENDED, request="r") == made
    assert house.decides(SUSPENDED, SOON, request="r") == made
    for status, since in ((BLOCKED, None), (SUSPENDED, days(2))):
        again = refusal(lambda status=status, since=since: house.decides(status, since, request="r"), Conflict)
        assert again == "idempotency_key_reused"
    house.decides(BLOCKED, days(1), request="s")
    # also of a decision that has covered others since
    house.decides(SUSPENDED, NOON + timedelta(hours=1), request="t")
    assert house.decides(SUSPENDED, NOON + timedelta(hours=1), request="t").since == NOON + timedelta(hours=1)
    assert len(house.audit()) == 3


def test_of_two_at_once_one_is_told_to_read_again(house: House, tables: Tables) -> None:
    house.decides(BLOCKED, days(9))

    class Slow(Configuration):
        """Somebody else decides between this one's reading and writing."""

        def set_standing(self, *arguments: Any, **named: Any) -> None:
            # The status stays what it was: it is the moment that differs.
            house.decides(BLOCKED, days(4))
            super().set_standing(*arguments, **named)

    slow = Slow(tables.books)
    assert refusal(lambda: house.decides(SUSPENDED, days(1), configuration=slow), Conflict) == "conflict"
    assert house.over(days(1), days(3), days(4), days(9)) == [ACTIVE, ACTIVE, BLOCKED, BLOCKED]
    assert len(house.audit()) == 2


def test_of_two_first_decisions_at_once_one_is_told_to_read_again(house: House, tables: Tables) -> None:
    class Slow(Configuration):
        def set_standing(self, *arguments: Any, **named: Any) -> None:
            house.decides(SUSPENDED)
            super().set_standing(*arguments, **named)

    assert refusal(lambda: house.decides(BLOCKED, configuration=Slow(tables.books)), Conflict) == "conflict"
    assert [each.status for each in house.history()] == [SUSPENDED]


def test_so_many_moments_to_come_and_no_more(house: House) -> None:
    for number in range(20):
        house.decides((BLOCKED, ACTIVE)[number % 2], days(number + 1))
    assert refusal(lambda: house.decides(BLOCKED, days(30)), Conflict) == "too_many_ahead"
    house.decides(SUSPENDED, days(1))
    assert house.over(days(1), days(15), days(20)) == [SUSPENDED] * 3


def test_another_brands_partner_is_none_and_a_reason_is_needed(house: House) -> None:
    elsewhere = house.member(Role.ADMIN, "brd_other")
    assert refusal(lambda: house.decides(BLOCKED, member=elsewhere), NotFound) == "not_found"
    assert refusal(lambda: house.decides(BLOCKED, partner="par_none"), NotFound) == "not_found"
    assert refusal(lambda: house.decides(BLOCKED, why="  "), Invalid) == "reason_needed"
    assert house.history() == []


def test_clocks_that_differ_do_not_change_which_decision_counts(house: House) -> None:
    house.decides(BLOCKED, days(1))
    house.now = NOON - timedelta(seconds=5)
    house.decides(SUSPENDED, days(1))
    assert house.over(days(1)) == [SUSPENDED]
