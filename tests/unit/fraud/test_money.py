"""What clients do with their money: draw it at once, pay in the least, have it charged back, trade for the rebate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from introducer.domain.events import LOT
from introducer.domain.fraud import chargebacks, deposit_and_withdraw, minimal_deposit, wash_trades
from introducer.domain.fraud.finding import Detector, Finding
from introducer.domain.fraud.seen import Terms
from introducer.domain.fraud.trace import Flow, Trace
from tests.support.fraud import Scene, a_trace, date, euro, moment, ordinary, peers

HOUR = 3_600_000


def found(detector: Detector, scene: Scene) -> Finding | None:
    findings = detector.look(scene.seen())
    assert len(findings) <= 1
    return findings[0] if findings else None


# ------------------------------------------------------------------------------------------------ deposit and withdraw


def drawing(count: int, percent: int = 80, hours: float = 72, start: int = 40, name: str = "draws") -> list[Trace]:
    """Clients who pay in 500 on their first day and draw a part of it so many hours later."""
    clients = []
    for number in range(count):
        paid = moment(start + number % 10, 5)
        drawn = Flow(paid + int(hours * HOUR), 500 * percent, "EUR")
        clients.append(
            a_trace(f"{name}-{number}", paid - HOUR, deposits=(euro(paid, 500),), withdrawals=(drawn,), kyc=True)
        )
    return clients


def draws(scene: Scene) -> Finding | None:
    return found(deposit_and_withdraw.DETECTOR, scene)


def test_four_clients_who_drew_most_of_it_within_three_days() -> None:
    finding = draws(Scene().with_clients(drawing(4)))

    assert finding is not None
    assert finding.clients == ("draws-0", "draws-1", "draws-2", "draws-3")
    assert (finding.measured, finding.threshold) == (4, 4)
    assert {told.what for told in finding.evidence.timeline} == {"click", "registration", "deposit", "withdrawal"}


@pytest.mark.parametrize(("count", "percent", "hours"), [(3, 80, 72), (4, 79, 72), (4, 80, 72.01)])
def test_less_of_it_or_later_is_nothing(count: int, percent: int, hours: float) -> None:
    assert draws(Scene().with_clients(drawing(count, percent, hours))) is None


def test_what_is_drawn_in_several_parts_counts_together() -> None:
    parts = [
        replace(each, withdrawals=tuple(Flow(each.deposits[0].at + hour * HOUR, 101_00, "EUR") for hour in range(1, 5)))
        for each in drawing(4)
    ]

    assert draws(Scene().with_clients(parts)) is not None


def test_another_currency_is_not_what_was_paid_in() -> None:
    other = [replace(each, withdrawals=(Flow(each.deposits[0].at + HOUR, 90_000, "JPY"),)) for each in drawing(4)]

    assert draws(Scene().with_clients(other)) is None


def test_of_many_depositors_some_change_their_mind() -> None:
    # given some 130 depositors of whom five drew their money, and peers of whom 2 in 100 do
    assert draws(Scene().with_clients([*ordinary(400), *drawing(5)])) is None


def test_where_peers_show_more_of_it_more_is_expected() -> None:
    assert draws(Scene(peers=peers(drawn=5)).with_clients([*ordinary(120), *drawing(7)])) is None
    assert draws(Scene(peers=peers(drawn=0)).with_clients([*ordinary(120), *drawing(7)])) is not None


def test_only_what_was_drawn_after_the_clearing_counts() -> None:
    clients = drawing(10, hours=1)

    assert draws(Scene().with_clients(clients).clear("deposit_and_withdraw", 50)) is None
    # And those after it are found, though four did so before.
    later = draws(Scene().with_clients([*ordinary(200), *drawing(4, hours=1), *drawing(8, start=51, name="later")])
                  .clear("deposit_and_withdraw", 50))  # fmt: skip
    assert later is not None
    assert all(client.startswith("later") for client in later.clients)


# ----------------------------------------------------------------------------------------------------- minimal deposit


def just_enough(count: int, amount: int = 250, trades: int = 1, start: int = 30, name: str = "just") -> list[Trace]:
    return [
        a_trace(f"{name}-{number}", moment(start + number % 20), kyc=True, qualified=True, trades=trades,
                deposits=(euro(moment(start + number % 20, 2), amount),))
        for number in range(count)
    ]  # fmt: skip


def least(scene: Scene) -> Finding | None:
    return found(minimal_deposit.DETECTOR, scene)


def test_eight_clients_who_paid_in_the_least_and_stopped() -> None:
    finding = least(Scene().with_clients(just_enough(8)))

    assert finding is not None
    assert (finding.measured, len(finding.clients)) == (8, 8)
    assert least(Scene().with_clients(just_enough(8, amount=275))) is not None


@pytest.mark.parametrize("clients", [just_enough(7), just_enough(8, amount=276), just_enough(8, trades=16)])
def test_fewer_or_larger_or_active_ones_are_nothing(clients: list[Trace]) -> None:
    assert least(Scene().with_clients(clients)) is None


def test_who_trades_a_lot_or_more_is_no_idle_client() -> None:
    lively = [replace(each, lots=LOT) for each in just_enough(8)]
    others = just_enough(1, amount=900, trades=64, name="other")

    assert least(Scene().with_clients([*just_enough(8), *others])) is not None
    assert least(Scene().with_clients([*lively, *others])) is None


def test_lots_that_a_cpa_asks_for_are_no_sign_of_life() -> None:
    # given a deal under which nobody qualifies without a lot
    clients = [*just_enough(8), *just_enough(1, amount=900, trades=64, name="other")]

    assert least(Scene().with_clients(replace(each, lots=LOT) for each in clients)) is not None


def test_who_paid_in_last_week_may_still_begin() -> None:
    fresh = [replace(each, deposits=(euro(moment(56), 250),)) for each in just_enough(8)]

    assert least(Scene().with_clients(fresh)) is None


def test_without_a_cpa_nobody_gains_by_it() -> None:
    assert least(Scene(terms=Terms(currency="EUR")).with_clients(just_enough(8))) is None
    assert least(Scene(terms=Terms(currency="USD", cpa=True, least=250_00)).with_clients(just_enough(8))) is None


def test_where_people_have_little_most_pay_in_the_least_and_some_stop() -> None:
    # given 60 who paid in the least and trade, 10 with more, and 20 who stopped
    poor = [
        *just_enough(60, trades=64, name="trades"),
        *just_enough(6, amount=600, trades=64, name="more"),
        *just_enough(3, amount=600, trades=2, name="gone"),
        *just_enough(20, name="stops"),
    ]

    assert least(Scene().with_clients(poor)) is None


def test_many_such_clients_stand_out_of_a_mixed_partner_too() -> None:
    assert least(Scene().with_clients([*ordinary(90), *just_enough(24)])) is not None


# ---------------------------------------------------------------------------------------------------------- chargebacks


def charged_back(count: int, name: str = "back", start: int = 5) -> list[Trace]:
    return [
        a_trace(f"{name}-{number}", moment(start + number), deposits=(euro(moment(start + number, 1), 300),),
                chargebacks=1)
        for number in range(count)
    ]  # fmt: skip


def back(scene: Scene) -> Finding | None:
    return found(chargebacks.DETECTOR, scene)


def test_four_clients_whose_deposits_were_charged_back() -> None:
    finding = back(Scene().with_clients(charged_back(4)))

    assert finding is not None
    assert (finding.first, finding.through, finding.measured) == (date(5), date(8), 4)
    assert back(Scene().with_clients(charged_back(3))) is None


def test_some_refunds_come_with_every_partner() -> None:
    assert back(Scene().with_clients([*ordinary(400), *charged_back(5)])) is None
    assert back(Scene().with_clients([*ordinary(400), *charged_back(12)])) is not None


def test_those_of_clients_before_the_clearing_do_not_count() -> None:
    assert back(Scene().with_clients(charged_back(6)).clear("chargebacks", 7)) is None


# ---------------------------------------------------------------------------------------------------------- wash trades


def trading(count: int, lots: float, quick: float, flat: float, name: str = "wash", start: int = 40) -> list[Trace]:
    """Clients of so many lots each, of which parts are quick, and flat."""
    return [
        a_trace(f"{name}-{number}", moment(start + number % 15), kyc=True, deposits=(euro(moment(start), 5000),),
                trades=64, lots=int(lots * LOT), quick_lots=int(lots * quick * LOT), flat_lots=int(lots * flat * LOT))
        for number in range(count)
    ]  # fmt: skip


def washes(scene: Scene) -> Finding | None:
    return found(wash_trades.DETECTOR, scene)


def test_fifty_lots_quick_and_flat() -> None:
    finding = washes(Scene().with_clients(trading(5, 10, 1, 1)))

    assert finding is not None
    assert (finding.measured, finding.threshold, len(finding.clients)) == (50, 50, 5)
    assert washes(Scene().with_clients(trading(5, 9.99, 1, 1))) is None


def test_a_client_of_whom_three_lots_in_four_are() -> None:
    assert washes(Scene().with_clients(trading(5, 20, 0.75, 0.75))) is not None
    assert washes(Scene().with_clients(trading(5, 20, 0.74, 0.75))) is None


def test_a_scalper_is_quick_and_moves_with_the_price() -> None:
    assert washes(Scene().with_clients(trading(3, 400, 1.0, 0.25))) is None


def test_without_a_lot_rebate_nobody_gains_by_it() -> None:
    assert washes(Scene(terms=Terms(currency="EUR", cpa=True)).with_clients(trading(5, 10, 1, 1))) is None


def test_a_few_such_lots_among_thousands_are_chance() -> None:
    many = trading(300, 10, 0.3, 0.1, name="honest", start=20)

    assert washes(Scene().with_clients([*many, *trading(25, 2, 0.6, 0.6)])) is None


def test_who_registered_before_the_clearing_does_not_count() -> None:
    assert washes(Scene().with_clients(trading(5, 10, 1, 1)).clear("wash_trades", 44)) is None
