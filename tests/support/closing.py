"""Journals as the engine posts them, for tests of what a close does with them."""

from __future__ import annotations

from typing import Any

from introducer.domain.calendar import month_end
from introducer.domain.ledger import Journal, Key, Receipt, earning_legs, journal_id
from introducer.store.accruals import Accrual, Accruals
from tests.conftest import Tables
from tests.support.builders import CLIENT

PARTNER = "par_p"
POSTED_AT = 1_772_700_000_000


def a_journal(amount: int, post_month: str, **other: Any) -> Journal:
    """An entry in a month of the books. `earned` is the month it is for, if another; `rule` its kind."""
    month, kind = other.get("earned", post_month), other.get("rule", "revshare")
    key = Key(
        other.get("partner", PARTNER), kind, other.get("client", CLIENT), month, other.get("currency", "EUR"),
        month_end(month),
    )  # fmt: skip
    return Journal(
        id=journal_id(key, post_month, POSTED_AT, other.get("version", 1)),
        key=key,
        kind="earning" if amount > 0 else "clawback",
        amount=amount,
        post_month=post_month,
        posted_at=POSTED_AT,
        legs=earning_legs(key, amount),
        receipt=Receipt(kind, 1, (), 0, (), (), amount, 0),
    )


def post(tables: Tables, *journals: Journal) -> None:
    """Writes them as the engine does, with the balance and its condition, each in a transaction of its own."""
    accruals = Accruals(tables.facts, tables.books)
    for journal in journals:
        accruals.write(Accrual((), (), (journal,)), POSTED_AT)
