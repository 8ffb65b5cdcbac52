"""Whom a run leaves out: found by run, and by partner."""

from __future__ import annotations

import pytest

from introducer.domain.payout import LeftOut
from introducer.store.payouts import Payouts
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

BRAND, RUN = "brd_1", "2026-10-monthly"


def left(partner: str, currency: str = "", reason: str = "on_hold") -> LeftOut:
    return LeftOut(partner=partner, name=partner.title(), currency=currency, amount=5, reason=reason)


@pytest.mark.pattern("left_out_of_partner")
def test_a_partner_finds_why_a_run_left_it_out(tables: Tables) -> None:
    payouts = Payouts(tables.books)
    mine = [left("par_b"), left("par_b", "EUR", "below_minimum")]
    payouts.leave_out(BRAND, RUN, [left("par_a"), *mine, left("par_c", "EUR")])

    assert payouts.left_out_of(BRAND, RUN, "par_b") == mine
    assert payouts.left_out_of(BRAND, "2026-09-monthly", "par_b") == []
    assert payouts.left_out_of(BRAND, RUN, "par_d") == []


def test_a_page_goes_on_after_the_one_it_was_cut_at(tables: Tables) -> None:
    payouts = Payouts(tables.books)
    all_of_them = [left("par_a"), left("par_b", "EUR"), left("par_b", "USD"), left("par_c")]
    payouts.leave_out(BRAND, RUN, all_of_them)

    rest = payouts.left_out(BRAND, RUN, payouts.after_left_out(BRAND, RUN, all_of_them[1]))

    assert list(rest.items) == all_of_them[2:]
