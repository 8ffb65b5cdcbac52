"""Adjustments, payouts and their journals as a month's document meets them; and the fonts documents are set in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from introducer.domain.adjustment import Act, Adjustment, AdjustmentStatus
from introducer.domain.calendar import day_start
from introducer.domain.ledger import AVAILABLE, PAID, RESERVED, Journal, Key, Leg
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Part, Payout, PayoutStatus
from introducer.domain.rates import RATE_ONE, Rate
from introducer.domain.reservation import NO_RECEIPT, RULE, Move, move_id

PARTNER, BRAND, RUN = "par_1", "brd_1", "2026-10-monthly"
PAID_AT = datetime(2026, 10, 3, 9, 0, tzinfo=UTC)
TO_DOLLARS = Rate("EUR", "USD", 10834 * RATE_ONE // 10_000, "2026-10-02", "ecb")


def an_adjustment(
    name: str, amount: int, earned: str, *, posted: str, reversed_in: str = "", why: str = "Agreed with the partner"
) -> Adjustment:
    """One that was posted in a month of the books, and perhaps reversed in another."""

    def journal(month: str) -> str:
        return f"jrn_{month.replace('-', '')}{name.replace('_', '').upper():0>26}"

    said = Act("mem_1", datetime(2026, 10, 7, tzinfo=UTC), why)
    decided = Act("mem_2", datetime(2026, 10, 8, tzinfo=UTC), "It is right")
    back = Act("mem_1", datetime(2026, 10, 9, tzinfo=UTC), f"Taken back: {why}")
    return Adjustment(
        adjustment=name, brand=BRAND, partner=PARTNER, amount=amount, currency="EUR", earn_month=earned,
        available_day="2026-10-08", version=2, proposed=said, decided=decided, journal=journal(posted),
        status=AdjustmentStatus.REVERSED if reversed_in else AdjustmentStatus.POSTED,
        reversal_proposed=back if reversed_in else None, reversal_decided=decided if reversed_in else None,
        reversal=journal(reversed_in) if reversed_in else None,
    )  # fmt: skip


def a_move(payout: str, move: Move, amount: int, day: str, currency: str = "EUR") -> Journal:
    """A journal of a payout, at noon of a day."""
    source, target = {
        Move.RESERVE: (AVAILABLE, RESERVED), Move.RELEASE: (RESERVED, AVAILABLE), Move.PAY: (RESERVED, PAID),
        Move.RETURN: (PAID, AVAILABLE),
    }[move]  # fmt: skip
    return Journal(
        id=move_id(payout, move), key=Key(PARTNER, RULE, payout, day[:7], currency, day), kind=move, amount=0,
        post_month=day[:7], posted_at=day_start(day) + 12 * 3_600_000,
        legs=(Leg(source, -amount), Leg(target, amount)), receipt=NO_RECEIPT,
    )  # fmt: skip


def a_payout(name: str, amount: int, **other: Any) -> Payout:
    """One that was paid, to PayPal; in another currency when `pay_currency` says so."""
    converted = other.get("pay_currency", "EUR") != "EUR"
    given: dict[str, Any] = {
        "payout": name, "brand": BRAND, "run": RUN, "partner": PARTNER, "name": "Harbour Trading Weekly",
        "rail": RailKind.PAYPAL, "currency": "EUR", "amount": amount, "pay_currency": "EUR", "pays": amount,
        "parts": (Part(amount, "", TO_DOLLARS if converted else None),), "masked": "o••••@harbour.example",
        "profile_version": 1, "status": PayoutStatus.PAID, "status_since": PAID_AT, "created_at": PAID_AT,
    }  # fmt: skip
    return Payout(**given | other)
