"""Near misses are what the rules wait for: no more, no less, and nothing that can no longer come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.client import Ruling
from introducer.domain.deal import PerClient
from introducer.domain.events import milliseconds
from introducer.domain.money import Money
from introducer.domain.near_miss import Condition, NearMiss, looked_for_from, near_misses
from introducer.domain.rules.qualification import qualified
from tests.support.builders import Books, World, a_client, an_event, at, cpa, revshare, terms

PARTNER = "par_1"
REGISTERED = at("2026-03-02 10:00")
NOW = at("2026-03-10 12:00")
LOTS = {"min_lots": "2", "within_days": 14}


def books(*events: Any, deal: Any = None, country: str = "DE") -> Books:
    found, registration = a_client(World().partner(PARTNER, deal or terms(cpa(**LOTS))), REGISTERED, country=country)
    return found.deliver(registration, *events)


def near(found: Books, now: Any = NOW) -> list[NearMiss]:
    return near_misses([found.state], found.world.contracts(found.applied), PARTNER, milliseconds(now))


def a_deposit(amount: str = "100.00", when: str = "2026-03-03 09:00", **more: Any) -> Any:
    return an_event("deposit", at(when), amount=amount, **more)


def a_trade(lots: str, when: str = "2026-03-04 09:00") -> Any:
    return an_event("trade", at(when), lots=lots, opened_at=at(when) - timedelta(hours=1))


def test_a_client_who_traded_a_part_of_the_lots_lacks_the_rest() -> None:
    (found,) = near(books(a_deposit(), a_trade("0.7")))

    (missing,) = found.missing
    assert (missing.condition, missing.had, missing.wanted, missing.left) == (Condition.LOTS, "0.7", "2", "1.3")
    assert (found.kind, found.amount) == ("cpa", Money(60_000, "EUR"))
    # fourteen days end at ten in the morning of the 16th, and a day of trading counts at its end
    assert found.until == milliseconds(at("2026-03-16")) - 1


def test_a_second_deposit_is_missing_while_it_still_counts() -> None:
    deal = terms(cpa(min_deposit="150.00", within_hours=240))
    (found,) = near(books(a_deposit("100.00"), deal=deal))

    assert [(each.condition, each.left) for each in found.missing] == [(Condition.DEPOSIT, Money(5_000, "EUR"))]
    assert found.until == milliseconds(at("2026-03-13 09:00"))
    assert near(books(a_deposit("100.00"), deal=deal), now=at("2026-03-13 09:01")) == []


def test_what_is_left_in_another_currency_is_rounded_up() -> None:
    # 100.00 USD at 1.1698 are 85.4847 EUR
    deal = terms(cpa(min_deposit="150.00", within_hours=240))
    (found,) = near(books(a_deposit("100.00", currency="USD"), deal=deal))

    assert found.missing[0].left == Money(6_452, "EUR")


def test_an_identity_check_can_be_all_that_is_missing() -> None:
    (found,) = near(books(a_deposit(), deal=terms(cpa(kyc=True))))

    assert [each.condition for each in found.missing] == [Condition.KYC]
    assert found.until is None


def test_where_any_deposit_will_do_no_amount_is_named() -> None:
    (found,) = near(books(an_event("kyc", at("2026-03-03"), status="approved"), deal=terms(cpa(kyc=True))))

    assert [(each.condition, each.left) for each in found.missing] == [(Condition.DEPOSIT, None)]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(books, id="who has only registered"),
        pytest.param(lambda: books(a_deposit(), a_trade("2")), id="who qualified"),
        pytest.param(
            lambda: books(a_deposit("50.00"), deal=terms(cpa(), ftd_minimum="100.00")), id="a deposit too few"
        ),
        pytest.param(
            lambda: books(a_deposit(), a_trade("1"), deal=terms(cpa(countries=["PL"], **LOTS))), id="another country"
        ),
        pytest.param(lambda: books(a_deposit(), deal=terms(revshare())), id="no rule that pays once"),
    ],
)
def test_nobody_is_near_who(found: Any) -> None:
    assert near(found()) == []


def test_after_the_last_day_that_counts_nobody_is_near() -> None:
    found = books(a_deposit(), a_trade("0.7"))

    assert near(found, at("2026-03-15 23:59"))
    # within the fourteen days, but no day of trading ends in them any more
    assert near(found, at("2026-03-16 00:01")) == []


def test_the_last_moment_that_counts_is_still_in_time() -> None:
    deal = terms(cpa(min_deposit="150.00", within_hours=240))
    found = books(a_deposit("100.00"), deal=deal)
    last = at("2026-03-13 09:00")

    assert near(found, last) and near(found, last + timedelta(milliseconds=1)) == []


def test_whose_first_deposit_went_back_cannot_reach_it_with_another() -> None:
    checked = an_event("kyc", at("2026-03-03"), status="approved")
    found = books(a_deposit(event_id="d1"), checked, deal=terms(cpa(kyc=True, **LOTS)))
    assert [each.condition for each in near(found)[0].missing] == [Condition.LOTS]

    found.deliver(an_event("chargeback", at("2026-03-05"), amount="100.00", ref="d1"))

    assert near(found) == []


def test_nobody_is_near_by_an_amount_that_has_no_rate_yet() -> None:
    found = books(a_deposit("100.00", currency="USD"), deal=terms(cpa(min_deposit="150.00", within_hours=240)))
    found.world.rates = {}

    assert near(found) == []


def test_whom_a_case_disallowed_is_not_near_until_it_is_cleared() -> None:
    found = books(a_deposit(), a_trade("0.7"))
    contracts, (key, *_) = found.world.contracts(found.applied), found.state.deposits
    ruling = Ruling(milliseconds(NOW) - 5, 0, disallowed=True, case="cas_1", reason="wash_trades")
    cleared = {key: ruling, ("x", "y"): ruling._replace(decided_at=ruling.decided_at + 1, disallowed=False)}

    for rulings, count in (({key: ruling}, 0), (cleared, 1)):
        state = replace(found.state, rulings=rulings)
        assert len(near_misses([state], contracts, PARTNER, milliseconds(NOW))) == count


def test_nothing_is_near_while_the_partner_is_blocked_or_for_somebody_else() -> None:
    found = books(a_deposit(), a_trade("0.7"))
    contracts = found.world.contracts(found.applied)

    assert near_misses([found.state], contracts, "par_2", milliseconds(NOW)) == []
    found.world.decides(PARTNER, "2026-03-09", blocked=True)
    assert near(found) == []


def test_whose_time_runs_out_first_comes_first() -> None:
    world = World().partner(PARTNER, terms(cpa("600.00", **LOTS), cpa("5.00", kyc=True) | {"id": "later"}))
    found, registration = a_client(world, REGISTERED, country="DE")
    found.deliver(registration, a_deposit(), a_trade("0.5"))

    assert [each.rule for each in near(found)] == ["cpa", "later"]


@given(
    lots=st.integers(0, 30), deposit=st.sampled_from(["0.50", "20.00", "99.99", "100.00"]), kyc=st.booleans(),
    day=st.integers(2, 20),
)  # fmt: skip
def test_whoever_brings_what_is_missing_qualifies(lots: int, deposit: str, kyc: bool, day: int) -> None:
    deal = terms(cpa(kyc=True, min_deposit="100.00", within_hours=200, min_lots="2", within_days=14))
    events = [a_deposit(deposit)]
    events += [a_trade(f"{lots / 10:.1f}")] if lots else []
    events += [an_event("kyc", at("2026-03-03"), status="approved")] if kyc else []
    found = books(*events, deal=deal)
    now = at(f"2026-03-{day:02d} 06:00")

    misses = near(found, max(now, at("2026-03-04 10:00")))

    rule = next(each for each in found.world.deals[PARTNER][0].deal.rules if isinstance(each, PerClient))
    version = found.world.deals[PARTNER][0]
    for miss in misses:
        assert miss.until is not None
        brought = []
        for missing in miss.missing:
            moment = at("1970-01-01") + timedelta(milliseconds=miss.until // 1000 * 1000 - 60_000)
            match missing.condition:
                case Condition.KYC:
                    brought.append(an_event("kyc", moment, status="approved"))
                case Condition.DEPOSIT:
                    assert isinstance(missing.left, Money)
                    brought.append(
                        an_event(
                            "deposit", moment, amount=f"{missing.left.minor // 100}.{missing.left.minor % 100:02d}"
                        )
                    )
                case _:
                    brought.append(an_event("trade", moment, lots=missing.left, opened_at=moment - timedelta(hours=1)))
        found.deliver(*brought)
        assert qualified(found.state, rule, version.deal, found.world.contracts(found.applied).rates) is not None


def test_clients_are_looked_for_as_far_back_as_a_rule_gives_them_time() -> None:
    world = World().partner(PARTNER, terms(cpa(**LOTS)))
    today = "2026-03-20"

    assert looked_for_from(world.contracts([]), PARTNER, today) == "2026-03-06"
    # the rule that gives the most time decides
    both = World().partner(PARTNER, terms(cpa(**LOTS), cpa(min_lots="1", within_days=30) | {"id": "longer"}))
    assert looked_for_from(both.contracts([]), PARTNER, today) == "2026-02-18"
    # under terms with more time that ended since, those are still in time who registered before their end
    world = (
        World()
        .partner(PARTNER, terms(cpa(min_lots="2", within_days=60)))
        .version(PARTNER, terms(cpa(**LOTS)), "2026-03-01")
    )
    assert looked_for_from(world.contracts([]), PARTNER, today) == "2026-01-19"
    # and nobody is when even the last of them is too late
    assert looked_for_from(world.contracts([]), PARTNER, "2026-06-20") == "2026-06-06"
    assert looked_for_from(World().partner(PARTNER, terms(revshare())).contracts([]), PARTNER, today) is None
    assert looked_for_from(World().partner(PARTNER, terms(cpa())).contracts([]), PARTNER, today) == "2025-12-20"
