"""Transfers, batches and payouts as rails and banks meet them, with bank details that are nobody's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import Batch, BatchStatus, Part, Payout, PayoutStatus, batch_id, payout_id
from introducer.gateways.rails.protocol import Transfer

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
BRAND, RUN = "brd_1", "2026-11-monthly-EUR"
IBAN, BIC = "NL91ABNA0417164300", "ABNANL2A"
EMAIL = "robin.canary@vale.example"
INSTRUCTIONS = "Gulf Bank\nAccount 0331 2345 6789 0123"
HOLDER = "Robin Vale"
CANARIES = (IBAN, IBAN[4:], BIC, EMAIL, "0331 2345 6789 0123", HOLDER)
"""What may be found nowhere but in what leaves."""

_WHERE: dict[RailKind, dict[str, str]] = {
    RailKind.SEPA: {"currency": "EUR", "country": "NL", "iban": IBAN, "bic": BIC},
    RailKind.PAYPAL: {"currency": "USD", "country": "TH", "email": EMAIL},
    RailKind.MANUAL: {"currency": "AED", "country": "AE", "instructions": INSTRUCTIONS},
}


def a_payout_id(partner: str) -> str:
    return payout_id(BRAND, RUN, partner, "EUR")


def a_transfer(rail: RailKind, partner: str = "par_1", amount: int = 123_45, **other: Any) -> Transfer:
    """A transfer; `currency` and `reference` are its own, all else is where it goes."""
    currency = other.pop("currency", _WHERE[rail]["currency"])
    reference = other.pop("reference", "Northwind partners 2026-11")
    where = {"rail": rail, "holder": HOLDER} | _WHERE[rail] | {"currency": currency} | other
    return Transfer(
        payout=a_payout_id(partner),
        amount=amount,
        currency=currency,
        destination=Destination(**where),
        reference=reference,
    )


def a_batch(rail: RailKind, **other: Any) -> Batch:
    given: dict[str, Any] = {
        "batch": batch_id(BRAND, RUN, rail, "EUR", 0),
        "brand": BRAND,
        "run": RUN,
        "rail": rail,
        "currency": _WHERE[rail]["currency"],
        "after": "",
        "through": "pay_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "status": BatchStatus.SEALED,
    }
    return Batch(**given | other)


def a_payout(
    partner: str = "par_1", pays: int = 123_45, status: PayoutStatus = PayoutStatus.SENT, **other: Any
) -> Payout:
    given: dict[str, Any] = {
        "payout": a_payout_id(partner),
        "brand": BRAND,
        "run": RUN,
        "partner": partner,
        "name": "Vale Media",
        "rail": RailKind.SEPA,
        "currency": "EUR",
        "amount": pays,
        "pay_currency": "EUR",
        "pays": pays,
        "parts": (Part(pays, "", None),),
        "masked": "NL•• •••• 4300",
        "profile_version": 1,
        "status": status,
        "status_since": AT,
        "created_at": AT,
    }
    return Payout(**given | other)


def everything_of(error: BaseException) -> str:
    """All that an error could show: its text, its facts, and the same of what it came from."""
    said, seen = "", set()
    queue: list[BaseException | None] = [error]
    while queue:
        each = queue.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            said += f"{each!r} {each} {vars(each)!r}\n"
            queue += [each.__cause__, each.__context__]
    return said


def shows_nothing(text: str) -> bool:
    """Whether no canary is in a text, however it is spaced."""
    bare = "".join(text.split()).casefold()
    return not any("".join(each.split()).casefold() in bare for each in CANARIES)
