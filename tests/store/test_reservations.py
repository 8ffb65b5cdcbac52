"""What payouts move, on real tables: each step once and whole, and no money reserved that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from introducer.domain.calendar import day_start, plus_days
from introducer.domain.errors import Conflict, Invalid, Unavailable
from introducer.domain.ledger import Journal, Key, Leg, Receipt, earning_legs, journal_id, post_month
from introducer.domain.reservation import DAYS_FOLDED
from introducer.store import keys
from introducer.store.accruals import Accrual, Accruals
from introducer.store.ledger import Ledger
from introducer.store.reservations import (
    TRIES,
    Reservations,
    payout_journal_from_item,
    payout_journal_to_item,
)
from introducer.store.statements import Statements
from tests.conftest import Tables, create_table

pytestmark = pytest.mark.in_memory

PARTNER, PAYOUT, OTHER = "par_p", "pay_1", "pay_2"
DAY = "2026-04-17"
NOW = day_start(DAY) + 9 * 3_600_000


@pytest.fixture
def reservations(tables: Tables) -> Reservations:
    return Reservations(tables.books)


def an_entry(amount: int, day: str, *, number: int = 1, currency: str = "EUR", month: str = "2026-03") -> Journal:
    """Something earned in March, posted in `month`; below zero it is taken back."""
    key = Key(PARTNER, "revshare", "client", "2026-03", currency, day)
    return Journal(
        id=journal_id(key, month, NOW, number), key=key, kind="earning" if amount > 0 else "clawback", amount=amount,
        post_month=month, posted_at=NOW, legs=earning_legs(key, amount),
        receipt=Receipt("revshare", 1, (), 0, (), (), amount, 0),
    )  # fmt: skip


def posts(tables: Tables, amount: int, day: str, *, number: int = 1, currency: str = "EUR") -> None:
    """One entry, as the engine posts it: into the first open month."""
    month = post_month("2026-03", Ledger(tables.books).balance(PARTNER).frozen_through)
    write(tables, an_entry(amount, day, number=number, currency=currency, month=month))


def write(tables: Tables, *entries: Journal) -> None:
    Accruals(tables.facts, tables.books).write(Accrual((), (), entries), NOW)


def buckets(tables: Tables, day: str = DAY, currency: str = "EUR") -> dict[str, int]:
    """What stands in each bucket that is not empty."""
    balance = Ledger(tables.books).balance(PARTNER)
    names = ("pending", "available", "held", "reserved", "paid")
    return {name: amount for name in names if (amount := balance.bucket(currency, name, day))}


def refusal(act: Callable[[], object], kind: type[Conflict | Invalid] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


@contextmanager
def meanwhile(*acts: Callable[[], object], after: bool = False) -> Iterator[list[int]]:
    """Before (or after) each of the transactions that are sent now, the next of these things happens. Yields how many
    were sent."""
    left, sent = list(acts), [0]
    write = Connection.transact_write_items

    def interrupted(self: Connection, *args: Any, **more: Any) -> Any:
        act = left.pop(0) if left else None
        sent[0] += 1
        with pytest.MonkeyPatch.context() as undone:
            # What happens meanwhile is not interrupted itself.
            undone.setattr(Connection, "transact_write_items", write)
            if act and not after:
                act()
            answer = write(self, *args, **more)
            if act and after:
                act()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "transact_write_items", interrupted)
        yield sent
    assert not left, "less was sent than things were to happen"


# ------------------------------------------------------------------------------------------------------------- moving


@pytest.mark.pattern("journals_of_payout")
def test_a_payouts_journals_come_in_order_and_are_its_own_only(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    made = [
        reservations.reserve(PARTNER, PAYOUT, currency="EUR", amount=4_000, at_ms=NOW),
        reservations.pay(PARTNER, PAYOUT, NOW + 1),
        reservations.give_back(PARTNER, PAYOUT, NOW + 2),
    ]
    # One whose id begins as the other's ends.
    other = reservations.reserve(PARTNER, f"{PAYOUT}0", currency="EUR", amount=1, at_ms=NOW)

    assert list(reservations.journals(PARTNER, PAYOUT)) == made
    assert [journal.id for journal in made] == ["pay_1.reserve", "pay_1.pay", "pay_1.return"]
    assert reservations.journals(PARTNER, f"{PAYOUT}0") == (other,)
    assert reservations.journals("par_other", PAYOUT) == reservations.journals(PARTNER, "pay_") == ()


def test_a_reservation_folds_what_has_matured_and_leaves_what_has_not(
    tables: Tables, reservations: Reservations
) -> None:
    # given two days that have come, another that came to nothing, and one that is still to come
    posts(tables, 7_000, "2026-04-10")
    posts(tables, 3_000, DAY)
    posts(tables, 500, "2026-04-02")
    posts(tables, -500, "2026-04-02", number=2)
    posts(tables, 9_000, plus_days(DAY, 1))
    posts(tables, 100, DAY, currency="JPY")

    # when
    journal = reservations.reserve(PARTNER, PAYOUT, currency="EUR", amount=8_000, at_ms=NOW)

    # then
    assert journal.legs == (
        Leg("pending.2026-04-02", 0),
        Leg("pending.2026-04-10", -7_000),
        Leg("pending.2026-04-17", -3_000),
        Leg("available", 2_000),
        Leg("reserved", 8_000),
    )
    balance = Ledger(tables.books).balance(PARTNER)
    assert balance.amounts == {
        ("EUR", "pending", "2026-04-18"): 9_000,
        ("EUR", "available", ""): 2_000,
        ("EUR", "reserved", ""): 8_000,
        ("JPY", "pending", DAY): 100,
    }
    assert balance.earned == {("EUR", "2026-03"): 19_000, ("JPY", "2026-03"): 100}


def test_reserved_money_is_paid_and_comes_back(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    reservations.reserve(PARTNER, PAYOUT, currency="EUR", amount=6_000, at_ms=NOW)
    assert buckets(tables) == {"available": 4_000, "reserved": 6_000}
    reservations.pay(PARTNER, PAYOUT, NOW)
    assert buckets(tables) == {"available": 4_000, "paid": 6_000}
    reservations.give_back(PARTNER, PAYOUT, NOW)
    assert buckets(tables) == {"available": 10_000}


def test_released_money_is_available_to_another_payout(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    reservations.reserve(PARTNER, PAYOUT, currency="EUR", amount=10_000, at_ms=NOW)
    reservations.release(PARTNER, PAYOUT, NOW)
    reservations.reserve(PARTNER, OTHER, currency="EUR", amount=10_000, at_ms=NOW)
    assert buckets(tables) == {"reserved": 10_000}


def test_no_more_than_what_is_available_is_reserved(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-17")
    posts(tables, 5_000, "2026-04-18")
    posts(tables, -1_000, "2026-04-16")

    with pytest.raises(Conflict, match=r"90\.01 EUR cannot be reserved: available is 90\.00 EUR") as raised:
        reservations.reserve(PARTNER, PAYOUT, currency="EUR", amount=9_001, at_ms=NOW)
    assert (raised.value.code, raised.value.facts) == ("not_available", {"available": 9_000})
    assert refusal(lambda: reserve(reservations, 1, currency="JPY")) == "not_available"
    for nothing in (0, -1):
        assert refusal(lambda nothing=nothing: reserve(reservations, nothing), Invalid) == "invalid_amount"  # type: ignore[misc]
    assert reservations.journals(PARTNER, PAYOUT) == ()
    reserve(reservations, 9_000)
    assert buckets(tables) == {"pending": 5_000, "reserved": 9_000}


def reserve(reservations: Reservations, amount: int, payout: str = PAYOUT, currency: str = "EUR") -> Journal:
    return reservations.reserve(PARTNER, payout, currency=currency, amount=amount, at_ms=NOW)


def test_held_money_is_not_reserved(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 1_000, "2026-04-01")
    key = keys.key("balance", partner=PARTNER)
    tables.client.update_item(
        TableName=tables.books, Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}, UpdateExpression="ADD #n :n",
        ExpressionAttributeNames={"#n": "EUR.held"}, ExpressionAttributeValues={":n": {"N": "500"}},
    )  # fmt: skip
    assert refusal(lambda: reserve(reservations, 1_001)) == "not_available"


def test_a_clawback_of_a_folded_day_makes_available_negative_and_nets_forward(
    tables: Tables, reservations: Reservations
) -> None:
    # given a payment of all there was
    posts(tables, 60_000, "2026-04-09")
    reserve(reservations, 60_000)
    reservations.pay(PARTNER, PAYOUT, NOW)

    # when it is taken back after that
    posts(tables, -60_000, "2026-04-09", number=2)
    assert buckets(tables) == {"available": -60_000, "paid": 60_000}
    assert refusal(lambda: reserve(reservations, 1, OTHER)) == "not_available"

    # then what is earned later pays for it first
    posts(tables, 60_000, "2026-04-14", number=3)
    assert refusal(lambda: reserve(reservations, 1, OTHER)) == "not_available"
    posts(tables, 25, "2026-04-14", number=4)
    reserve(reservations, 25, OTHER)
    assert Ledger(tables.books).balance(PARTNER).amounts == {
        ("EUR", "available", ""): 0,
        ("EUR", "reserved", ""): 25,
        ("EUR", "paid", ""): 60_000,
    }


def test_more_matured_days_than_one_reservation_folds_are_available_all_the_same(
    tables: Tables, reservations: Reservations
) -> None:
    days = [plus_days(DAY, -back) for back in range(2 * DAYS_FOLDED + 20)]
    for start in range(0, len(days), 50):
        write(tables, *(an_entry(10, day) for day in days[start : start + 50]))

    # when all of it is reserved, and a little more comes
    reserve(reservations, 10 * len(days))
    assert buckets(tables) == {"reserved": 10 * len(days)}
    assert len(Ledger(tables.books).balance(PARTNER).matured("EUR", DAY)) == len(days) - DAYS_FOLDED
    posts(tables, 7, days[-1], number=2)

    # then that is available and no more; what was left over is folded in time
    assert refusal(lambda: reserve(reservations, 8, OTHER)) == "not_available"
    reserve(reservations, 7, OTHER)
    posts(tables, 1, DAY, number=3)
    reserve(reservations, 1, "pay_3")
    assert Ledger(tables.books).balance(PARTNER).matured("EUR", DAY) == []
    assert buckets(tables) == {"reserved": 10 * len(days) + 8}


# -------------------------------------------------------------------------------------------------------- once or not


def test_a_step_taken_twice_is_taken_once(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    tomorrow = NOW + 86_400_000 * 20  # in the month after
    for take in (
        lambda at: reservations.reserve(PARTNER, PAYOUT, currency="EUR", amount=6_000, at_ms=at),
        lambda at: reservations.pay(PARTNER, PAYOUT, at),
        lambda at: reservations.give_back(PARTNER, PAYOUT, at),
    ):
        first = take(NOW)
        before = tables.items(tables.books)
        assert take(NOW) == take(tomorrow) == first
        assert tables.items(tables.books) == before
    reserve(reservations, 5, OTHER)
    assert reservations.release(PARTNER, OTHER, NOW) == reservations.release(PARTNER, OTHER, tomorrow)
    assert buckets(tables) == {"available": 10_000}


def test_a_payout_takes_no_step_that_contradicts_those_it_took(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    # given a payout of each kind, and another's money that is reserved and paid besides
    for payout in ("pay_reserved", "pay_released", "pay_paid", "pay_returned"):
        reserve(reservations, 1_000, payout)
    reservations.release(PARTNER, "pay_released", NOW)
    for payout in ("pay_paid", "pay_returned"):
        reservations.pay(PARTNER, payout, NOW)
    reservations.give_back(PARTNER, "pay_returned", NOW)
    before = tables.items(tables.books)

    for payout, move, code in (
        ("pay_none", reservations.release, "not_reserved"),
        ("pay_none", reservations.pay, "not_reserved"),
        ("pay_none", reservations.give_back, "not_paid"),
        ("pay_reserved", reservations.give_back, "not_paid"),
        ("pay_released", reservations.pay, "released_already"),
        ("pay_released", reservations.give_back, "released_already"),
        ("pay_paid", reservations.release, "paid_already"),
        ("pay_returned", reservations.release, "paid_already"),
    ):
        assert refusal(lambda move=move, payout=payout: move(PARTNER, payout, NOW)) == code  # type: ignore[misc]
    assert refusal(lambda: reserve(reservations, 1_000, "pay_released")) == "released_already"
    assert refusal(lambda: reserve(reservations, 1_001, "pay_reserved")) == "reserved_otherwise"
    assert refusal(lambda: reserve(reservations, 1_000, "pay_reserved", "JPY")) == "reserved_otherwise"
    with pytest.raises(Conflict):
        reservations.pay("par_other", "pay_reserved", NOW)
    assert tables.items(tables.books) == before


@pytest.mark.parametrize("step", ["reserve", "release", "pay", "give_back"])
def test_a_step_whose_answer_was_lost_is_repeated_without_harm(
    tables: Tables, reservations: Reservations, step: str
) -> None:
    posts(tables, 10_000, "2026-04-01")
    if step != "reserve":
        reserve(reservations, 4_000)
    if step == "give_back":
        reservations.pay(PARTNER, PAYOUT, NOW)
    take = (lambda: reserve(reservations, 4_000)) if step == "reserve" else (
        lambda: getattr(reservations, step)(PARTNER, PAYOUT, NOW)
    )  # fmt: skip

    # when the worker dies right after the commit
    with pytest.raises(Crash), meanwhile(_crash, after=True):
        take()
    stands = Ledger(tables.books).balance(PARTNER)

    # then whoever comes after finds it done
    assert take().kind == {"give_back": "return"}.get(step, step)
    assert Ledger(tables.books).balance(PARTNER) == stands


class Crash(Exception):
    pass


def _crash() -> None:
    raise Crash


# -------------------------------------------------------------------------------------------------------------- races


def test_two_who_reserve_at_once_do_not_reserve_the_same_money(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    with meanwhile(lambda: reserve(reservations, 6_000, OTHER)):
        assert refusal(lambda: reserve(reservations, 6_000)) == "not_available"
    assert buckets(tables) == {"available": 4_000, "reserved": 6_000}
    # Where there is enough for both, both have it.
    with meanwhile(lambda: reserve(reservations, 1_000, "pay_3")):
        reserve(reservations, 3_000, "pay_4")
    assert buckets(tables) == {"reserved": 10_000}


def test_two_who_reserve_for_one_payout_reserve_once(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    with meanwhile(lambda: reserve(reservations, 5_000)):
        reserve(reservations, 5_000)
    assert buckets(tables) == {"available": 5_000, "reserved": 5_000}


@pytest.mark.parametrize("day", ["2026-04-01", "2026-04-02", "2026-04-03", plus_days(DAY, 5)])
def test_a_clawback_in_between_is_seen(tables: Tables, reservations: Reservations, day: str) -> None:
    # given money of a day, a day that was folded before, one that never had any, and one still to come
    posts(tables, 10, "2026-04-02")
    reserve(reservations, 10, "pay_0")
    posts(tables, 10_000, "2026-04-01")
    posts(tables, 500, plus_days(DAY, 5))

    # when something is taken back from one of them between reading and writing
    with meanwhile(lambda: posts(tables, -100, day, number=2)) as sent:
        if day > DAY:
            reserve(reservations, 10_000)
        else:
            assert refusal(lambda: reserve(reservations, 10_000)) == "not_available"
            assert buckets(tables) == {"pending": 500, "available": 9_900, "reserved": 10}

    # then a reservation is of what is available at its moment
    assert sent[0] == (2 if day > DAY else 1)
    if day <= DAY:
        reserve(reservations, 9_900)
    assert buckets(tables)["reserved"] == (10_010 if day > DAY else 9_910)
    assert "available" not in buckets(tables)


def test_two_changes_that_undo_each_other_are_seen_too(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")

    def moved_to_a_later_day() -> None:
        posts(tables, -10_000, "2026-04-01", number=2)
        posts(tables, 10_000, plus_days(DAY, 1), number=3)

    with meanwhile(moved_to_a_later_day):
        assert refusal(lambda: reserve(reservations, 10_000)) == "not_available"


def test_money_that_comes_in_between_is_kept(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    with meanwhile(lambda: posts(tables, 300, "2026-04-01", number=2)):
        reserve(reservations, 10_000)
    assert buckets(tables) == {"available": 300, "reserved": 10_000}


def test_books_that_never_stand_still_are_given_up_for_a_while(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    more = [lambda number=number: posts(tables, 1, "2026-04-01", number=number) for number in range(2, 2 + TRIES)]
    with meanwhile(*more):  # type: ignore[arg-type]
        assert refusal(lambda: reserve(reservations, 10_000)) == "books_changed"
    assert buckets(tables) == {"available": 10_000 + TRIES}
    reserve(reservations, 10_000)


def test_of_release_and_payment_at_once_one_happens(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    # Another's reserved money, which a second step must not take.
    reserve(reservations, 5_000, OTHER)
    reserve(reservations, 5_000)
    with meanwhile(lambda: reservations.pay(PARTNER, PAYOUT, NOW)):
        assert refusal(lambda: reservations.release(PARTNER, PAYOUT, NOW)) == "paid_already"
    with meanwhile(lambda: reservations.release(PARTNER, OTHER, NOW)):
        assert refusal(lambda: reservations.pay(PARTNER, OTHER, NOW)) == "released_already"
    assert buckets(tables) == {"available": 5_000, "paid": 5_000}


def test_postings_in_between_do_not_stop_what_needs_no_available_money(
    tables: Tables, reservations: Reservations
) -> None:
    posts(tables, 10_000, "2026-04-01")
    reserve(reservations, 4_000)
    with meanwhile(lambda: posts(tables, -10_000, "2026-04-01", number=2)) as sent:
        reservations.pay(PARTNER, PAYOUT, NOW)
    assert sent[0] == 1
    with meanwhile(lambda: posts(tables, 1, "2026-04-01", number=3)) as sent:
        reservations.give_back(PARTNER, PAYOUT, NOW)
    assert sent[0] == 1
    assert buckets(tables) == {"available": 1}


# ----------------------------------------------------------------------------------------------- closed months, damage


@pytest.mark.parametrize("step", ["reserve", "release", "pay", "give_back"])
def test_a_month_that_closes_in_between_is_not_written_to(
    tables: Tables, reservations: Reservations, step: str
) -> None:
    posts(tables, 10_000, "2026-04-01")
    if step != "reserve":
        reserve(reservations, 4_000)
    if step == "give_back":
        reservations.pay(PARTNER, PAYOUT, NOW)
    with meanwhile(lambda: Statements(tables.books).freeze(PARTNER, "2026-04")):
        journal = reserve(reservations, 4_000) if step == "reserve" else (
            getattr(reservations, step)(PARTNER, PAYOUT, NOW)
        )  # fmt: skip

    assert (journal.key.earn_month, journal.post_month) == ("2026-04", "2026-05")
    assert reservations.journals(PARTNER, PAYOUT)[-1] == journal


@pytest.mark.parametrize(("step", "bucket"), [("release", "reserved"), ("pay", "reserved"), ("give_back", "paid")])
@pytest.mark.parametrize("when", ["before", "in between"])
def test_money_that_is_not_there_is_not_moved_on(
    tables: Tables, reservations: Reservations, step: str, bucket: str, when: str
) -> None:
    posts(tables, 10_000, "2026-04-01")
    reserve(reservations, 4_000)
    if step == "give_back":
        reservations.pay(PARTNER, PAYOUT, NOW)

    def damage() -> None:
        key = keys.key("balance", partner=PARTNER)
        tables.client.update_item(
            TableName=tables.books, Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}, UpdateExpression="ADD #n :n",
            ExpressionAttributeNames={"#n": f"EUR.{bucket}"}, ExpressionAttributeValues={":n": {"N": "-1"}},
        )  # fmt: skip

    if when == "before":
        damage()
    with meanwhile(*([damage] if when == "in between" else [])):
        assert refusal(lambda: getattr(reservations, step)(PARTNER, PAYOUT, NOW)) == "balance_differs"
    assert buckets(tables)[bucket] == 3_999


def test_a_table_that_does_not_answer_promises_nothing(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    with pytest.raises(Unavailable), meanwhile(lambda: tables.client.delete_table(TableName=tables.books)):
        reserve(reservations, 1)
    with pytest.raises(Unavailable):
        reserve(reservations, 1)
    create_table(tables.client, tables.books, index=True)  # the fixture deletes it


# ---------------------------------------------------------------------------------------------------- in no other list


def test_payouts_are_no_earnings(tables: Tables, reservations: Reservations) -> None:
    earning = an_entry(10_000, "2026-04-01")
    write(tables, earning)
    reserve(reservations, 4_000)
    reservations.pay(PARTNER, PAYOUT, NOW)

    ledger = Ledger(tables.books)
    assert [*ledger.all_journals(PARTNER, "2026-03"), *ledger.all_journals(PARTNER, "2026-04")] == [earning]
    assert ledger.journal(PARTNER, "pay_1.pay") is None
    assert ledger.balance(PARTNER).earned == {("EUR", "2026-03"): 10_000}


def test_a_payouts_journal_comes_back_from_its_item(tables: Tables, reservations: Reservations) -> None:
    posts(tables, 10_000, "2026-04-01")
    for journal in (
        reserve(reservations, 4_000, "pay_with#sign"),
        reservations.release(PARTNER, "pay_with#sign", NOW),
    ):
        assert payout_journal_from_item(payout_journal_to_item(journal)) == journal
    assert [each.kind for each in reservations.journals(PARTNER, "pay_with#sign")] == ["reserve", "release"]
