"""Books in which payouts moved money are sound; a payout's journal that was damaged is named."""

from __future__ import annotations

import json

import pytest

from introducer.domain.events import milliseconds
from introducer.services.verify.report import Report
from introducer.services.verify_books import verify_books
from introducer.store.ledger import Ledger
from introducer.store.reservations import Reservations
from tests.support.builders import CLICK_KEY, ECB, an_event, at, cpa, terms
from tests.support.tables import BOOKS, Tables

PARTNER, LINK = "par_cpa", "LINKCPA0"
PAID_AT = at("2026-04-15 09:00")


@pytest.fixture
def tables() -> Tables:
    """A partner with 600.00 EUR: 350.00 are paid, 100.00 are reserved, 20.00 came back, 70.00 were released."""
    made = Tables()
    made.partner(PARTNER, LINK, (at("2026-01-01"), terms(cpa(), days=30)))
    made.rates(ECB, "2026-03-05")
    click = made.click(PARTNER, LINK, at("2026-03-01 08:00"))
    registration = an_event("registration", at("2026-03-02"), event_id="reg", click_id=click, country="DE")
    deposit = an_event("deposit", at("2026-03-02"), event_id="dep", amount="250.00")
    made.apply(registration, deposit, at=at("2026-03-03"))
    with made.served():
        reservations, now = Reservations(BOOKS), milliseconds(PAID_AT)
        for payout, amount in (("pay_1", 35_000), ("pay_2", 10_000), ("pay_3", 2_000), ("pay_4", 7_000)):
            reservations.reserve(PARTNER, payout, currency="EUR", amount=amount, at_ms=now)
        for payout in ("pay_1", "pay_3"):
            reservations.pay(PARTNER, payout, now)
        reservations.give_back(PARTNER, "pay_3", now)
        reservations.release(PARTNER, "pay_4", now)
    return made


def verify(tables: Tables) -> Report:
    return verify_books(tables, click_keys={0: CLICK_KEY}, now=at("2026-05-02"), elapsed=lambda: 0.0)


def test_books_with_payouts_have_no_difference(tables: Tables) -> None:
    report = verify(tables)

    assert report.differences == ()
    # One earning, four reservations, two payments, a return and a release.
    assert (report.journals, report.sums) == (9, {"EUR": 60_000})


def test_payouts_are_in_no_statement(tables: Tables) -> None:
    march, april = (tables.close(PARTNER, month, at("2026-05-01")) for month in ("2026-03", "2026-04"))

    assert (march.entries, april.entries) == (1, 0)
    assert [(each.opening, each.closing) for each in april.totals] == [(60_000, 60_000)]
    assert verify(tables).differences == ()


def test_a_clawback_after_the_payment_is_sound(tables: Tables) -> None:
    undone = an_event("chargeback", at("2026-04-20"), event_id="cb", amount="250.00", ref="dep")
    tables.apply(undone, at=at("2026-04-20"))

    with tables.served():
        balance = Ledger(BOOKS).balance(PARTNER)
    assert balance.bucket("EUR", "available", "2026-04-20") == 60_000 - 45_000 - 60_000
    assert verify(tables).differences == ()


def test_damaged_journals_of_payouts_are_named(tables: Tables) -> None:
    [payment] = tables.all("payout_journal", pk=f"P#{PARTNER}#J#payouts", sk="pay_1#2")
    payment["legs"] = json.dumps([["reserved", -35_000], ["paid", 35_001]])
    [release] = tables.all("payout_journal", pk=f"P#{PARTNER}#J#payouts", sk="pay_4#2")
    tables.remove(release)
    [back] = tables.all("payout_journal", pk=f"P#{PARTNER}#J#payouts", sk="pay_3#3")
    back["kind"] = "gift"

    assert {(each.kind, each.what, each.expected, each.found) for each in verify(tables).differences} == {
        ("journal", "pay_1.pay sum of its legs", "0.00 EUR", "0.01 EUR"),
        ("journal", "pay_1.pay amount of its legs", "0.00 EUR", "0.01 EUR"),
        ("unreadable", "payout_journal item", "the form of a payout_journal", "ValueError"),
        ("balance", "par_cpa EUR.available", "60.00 EUR", "150.00 EUR"),
        ("balance", "par_cpa EUR.reserved", "170.00 EUR", "100.00 EUR"),
        ("balance", "par_cpa EUR.paid", "370.01 EUR", "350.00 EUR"),
    }
