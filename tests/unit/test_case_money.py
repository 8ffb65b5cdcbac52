"""What of the money in question is there to be held: by day while it is pending, in all once it is available, and
nothing that is paid, reserved or somebody else's."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.case_money import (
    DAYS_AT_ONCE,
    Lane,
    after_moves,
    in_question,
    journals_of,
    moved,
    to_free,
    to_hold,
)
from introducer.domain.ledger import AVAILABLE, HELD, PENDING, RESERVED, Balance, Key

TODAY, COME, COMES = "2026-03-20", "2026-03-10", "2026-04-10"
JAN, FEB, MAR = "2026-01", "2026-02", "2026-03"


def a_balance(earned: Mapping[str, int], **amounts: int) -> Balance:
    """`earned` by month; amounts by bucket, and by day (`d2026_03_10`) while they are pending."""
    stands: dict[tuple[str, str, str], int] = {}
    for name, minor in amounts.items():
        if name.startswith("d"):
            stands["EUR", PENDING, name[1:].replace("_", "-")] = minor
        else:
            stands["EUR", name, ""] = minor
    return Balance("par_p", stands, {("EUR", month): minor for month, minor in earned.items()}, version=1)


def lane(minor: int, day: str = COME, month: str = FEB) -> dict[Lane, int]:
    return {Lane("EUR", month, day): minor}


def holds(balance: Balance, question: Mapping[Lane, int] | None, reserved: int = 0, **held: int) -> dict[str, int]:
    found = to_hold(
        balance, {("EUR", day[1:].replace("_", "-")): minor for day, minor in held.items()}, question, TODAY,
        {"EUR": reserved},
    )  # fmt: skip
    return {day: minor for (_, day), minor in found.moves.items()}


class TestInQuestion:
    def key(self, day: str, month: str = FEB, currency: str = "EUR") -> Key:
        return Key("par_p", "cpa", "c1", month, currency, day)

    def test_it_is_what_each_client_comes_to(self) -> None:
        one, other = {self.key(COME): 100, self.key(COMES): 50}, {self.key(COME): 7}
        assert in_question([one, other]) == {Lane("EUR", FEB, COME): 107, Lane("EUR", FEB, COMES): 50}

    def test_what_a_client_lost_is_set_off_against_what_it_earned_first(self) -> None:
        source = {self.key(COME): 100, self.key(COMES): 50, self.key("2026-05-10", MAR): -120}
        assert in_question([source]) == {Lane("EUR", FEB, COMES): 30}

    def test_one_clients_loss_is_not_set_off_against_anothers_earnings(self) -> None:
        assert in_question([{self.key(COME): -500}, {self.key(COME): 100}]) == {Lane("EUR", FEB, COME): 100}

    def test_currencies_stay_apart(self) -> None:
        source = {self.key(COME): 100, self.key(COME, currency="USD"): -100}
        assert in_question([source]) == {Lane("EUR", FEB, COME): 100}


class TestOfSomeClients:
    def test_what_is_pending_is_held_of_its_own_day_and_no_more_than_stands_there(self) -> None:
        balance = a_balance({FEB: 130}, d2026_04_10=80, d2026_05_10=50)
        assert holds(balance, lane(100, COMES)) == {COMES: 80}

    def test_what_has_come_is_held_whether_or_not_it_was_folded(self) -> None:
        for stands in ({"d2026_03_10": 100}, {"available": 100}):
            assert holds(a_balance({FEB: 100}, **stands), lane(60)) == {COME: 60}

    def test_of_what_is_available_no_more_than_there_is_in_all(self) -> None:
        balance = a_balance({FEB: 100}, available=100, d2026_03_12=-70)
        assert holds(balance, lane(60)) == {COME: 30}

    def test_a_month_that_is_paid_has_nothing_left_to_be_held(self) -> None:
        # given January paid in full, and what February brought available
        balance = a_balance({JAN: 300, FEB: 200}, paid=300, available=200)
        assert holds(balance, lane(100, month=JAN)) == {}
        assert holds(balance, lane(100, month=FEB)) == {COME: 100}

    def test_what_is_held_is_not_taken_for_paid_when_the_rest_of_its_month_is(self) -> None:
        # given 100 of January held, and all else of January and 50 of February paid
        balance = a_balance({JAN: 300, FEB: 200}, paid=250, held=100, available=150)
        assert holds(balance, lane(100, month=JAN), d2026_03_10=100) == {}

    def test_what_clients_were_taken_back_goes_free(self) -> None:
        balance = a_balance({FEB: 40}, held=100, d2026_03_10=-60)
        assert holds(balance, lane(40), d2026_03_10=100) == {COME: -60}

    def test_money_that_stands_reserved_is_named_and_not_touched(self) -> None:
        balance = a_balance({FEB: 300}, reserved=300)
        found = to_hold(balance, {}, lane(100), TODAY, {"EUR": 300})
        assert (found.moves, found.reserved) == ({}, True)
        # what has left is gone
        assert not to_hold(balance, {}, lane(100), TODAY, {}).reserved
        # and a payout of other months has nothing of it
        balance = a_balance({JAN: 300, FEB: 100}, reserved=300, available=100)
        found = to_hold(balance, {}, lane(100), TODAY, {"EUR": 300})
        assert (dict(found.moves), found.reserved) == ({("EUR", COME): 100}, False)


class TestOfEverything:
    def test_all_that_is_pending_and_available_is_held(self) -> None:
        balance = a_balance({FEB: 200}, d2026_03_10=60, d2026_04_10=80, available=60)
        assert holds(balance, None) == {COME: 60, "": 60, COMES: 80}

    def test_a_negative_day_takes_away_from_what_is_available(self) -> None:
        balance = a_balance({FEB: 30}, d2026_03_10=60, d2026_03_11=-70, available=40)
        assert holds(balance, None) == {COME: 30}

    def test_a_clawback_frees_what_it_takes_back(self) -> None:
        balance = a_balance({FEB: 60}, held=100, d2026_04_10=-40)
        assert holds(balance, None, d2026_04_10=100) == {COMES: -40}
        balance = a_balance({FEB: 60}, held=100, d2026_03_10=-40)
        assert holds(balance, None, d2026_03_10=100) == {COME: -40}

    def test_whatever_stands_reserved_is_in_question(self) -> None:
        assert to_hold(a_balance({FEB: 5}, reserved=5), {}, None, TODAY, {"EUR": 5}).reserved


def test_one_step_moves_no_more_days_than_an_expression_holds_and_says_that_there_is_more() -> None:
    days = {f"d2026_0{4 + number // 28}_{number % 28 + 1:02d}": 10 for number in range(100)}
    balance = a_balance({FEB: 1_000, JAN: 50}, available=50, **days)
    found = to_hold(balance, {}, None, TODAY, {})
    assert (len(found.moves), found.more) == (DAYS_AT_ONCE, True)
    assert ("EUR", "") in found.moves, "what could leave today comes first"
    assert not to_free({("EUR", COME): 5}).more


_MINOR = st.integers(-300, 300)


@given(
    folded=_MINOR,
    days=st.dictionaries(st.sampled_from(["2026-03-01", COME, "2026-03-19", COMES, "2026-05-01"]), _MINOR),
    reserved=st.integers(0, 200), months=st.dictionaries(st.sampled_from([JAN, FEB, MAR]), st.integers(-100, 900)),
    question=st.none() | st.dictionaries(
        st.builds(Lane, st.just("EUR"), st.sampled_from([JAN, FEB, MAR]), st.sampled_from([COME, "2026-03-19", COMES])),
        st.integers(1, 400),
    ),
)  # fmt: skip
def test_never_more_than_stands_and_the_second_time_nothing(
    folded: int,
    days: dict[str, int],
    reserved: int,
    months: dict[str, int],
    question: dict[Lane, int] | None,
) -> None:
    # given any balance, and anything in question
    amounts = {("EUR", PENDING, day): minor for day, minor in days.items()} | {("EUR", AVAILABLE, ""): folded}
    amounts["EUR", RESERVED, ""] = reserved
    earned = {("EUR", month): minor for month, minor in months.items()}
    for lane, minor in (question or {}).items():
        # Each month came to what is in question of it, and more.
        earned["EUR", lane.month] = max(0, earned.get(("EUR", lane.month), 0)) + minor
    balance = Balance("par_p", amounts, earned, version=1)
    # when it is held
    found = to_hold(balance, {}, question, TODAY, {"EUR": reserved})
    held = after_moves({}, found.moves)
    journals = journals_of(balance, found.moves, case="cas_1", number=1, at_ms=0)
    # then it is no more than stands, day by day while it is pending and in all of what is available
    assert all(minor > 0 for minor in held.values())
    assert all(minor <= max(0, days.get(day, 0)) for (_, day), minor in held.items() if day > TODAY)
    come = sum(minor for (_, day), minor in held.items() if day <= TODAY)
    assert come <= max(0, balance.bucket("EUR", AVAILABLE, TODAY))
    # and no more than is in question
    if question is not None:
        for (_, day), minor in held.items():
            assert minor <= sum(each for lane, each in question.items() if lane.day == day)
    # the journals are balanced and say the same
    assert all(sum(leg.amount for leg in journal.legs) == 0 for journal in journals)
    assert moved(journals) == held
    # once it is held, there is nothing more to do; and freeing gives back everything
    after = dict(amounts)
    for journal in journals:
        for leg in journal.legs:
            bucket, _, day = leg.account.partition(".")
            after["EUR", bucket, day] = after.get(("EUR", bucket, day), 0) + leg.amount
    assert after.get(("EUR", HELD, ""), 0) == sum(held.values())
    again = to_hold(Balance("par_p", after, balance.earned, version=2), held, question, TODAY, {"EUR": reserved})
    assert again.moves == {}
    assert after_moves(held, to_free(held).moves) == {}
