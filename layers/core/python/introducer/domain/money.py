"""Money: an integer of minor units with its ISO 4217 currency. No float ever touches it; one place rounds.

Sums that are not yet an amount (net revenue, commission before rounding) are *fine* integers: `FINE` fine units make
one minor unit. Amounts in minor units times a 12-decimal rate times a coefficient are exact in fine units, so a sum
does not depend on the order of its terms (engine.md, "Rounding").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from introducer.domain.errors import Invalid

FINE = 10**20
"""Fine units in one minor unit."""

LARGEST_FINE = 10**35
"""The most that one event may be worth, in fine units. A counter holds 38 digits: a thousand such events fit."""

_ZERO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP"
    " CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR"
    " JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN"
    " NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP"
    " SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG"
)
DECIMALS: dict[str, int] = {
    **dict.fromkeys(_ZERO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
"""Decimal places of each currency (ISO 4217, column "minor unit")."""

_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,8})?", re.ASCII)


def decimals(currency: str) -> int:
    """How many decimals the currency has. Raises `Invalid` when there is no such currency."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise Invalid(
            f"{currency!r} is not an ISO 4217 currency code: send three capital letters such as EUR.",
            code="unknown_currency",
        ) from None


def minor_units(text: str, currency: str) -> int:
    """The minor units of a decimal string: `"37.20"` EUR is 3720.

    Raises `Invalid` when the text is not a plain decimal (no exponent, NaN or spaces; at most twelve digits before the
    point) or has more decimals than the currency: rounding here would invent or lose money.
    """
    places = decimals(currency)
    if not _AMOUNT.fullmatch(text):
        raise Invalid(
            f'{text[:40]!r} is not an amount: send a plain decimal string such as "37.20".',
            code="invalid_amount",
        )
    whole, _, part = text.partition(".")
    if len(part.rstrip("0")) > places:
        raise Invalid(
            f"{text} has more decimals than {currency} has ({places}): send the exact amount.",
            code="too_many_decimals",
        )
    return int(whole + part.rstrip("0").ljust(places, "0"))


def decimal_string(minor: int, currency: str) -> str:
    """The amount as a plain decimal string: 3720 EUR is `"37.20"`."""
    places = decimals(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def round_ratio(numerator: int, denominator: int) -> int:
    """The one rounding rule: to the nearest integer, a half to the even one."""
    quotient, rest = divmod(numerator, denominator)
    double = rest * 2
    return quotient + (double > denominator or (double == denominator and quotient & 1))


def round_fine(fine: int) -> int:
    """Fine units to minor units, half-even."""
    return round_ratio(fine, FINE)


def show_ratio(value: int, unit: int, currency: str) -> str:
    """An exact amount (`unit` of them are one minor unit) as a decimal string in major units, to 8 places at most and
    no shorter than the currency's own. For people to read; never read back."""
    places = decimals(currency)
    text = str(round_ratio(abs(value) * 10 ** (8 - places), unit)).rjust(9, "0")
    whole, part = text[:-8], text[-8:].rstrip("0").ljust(places, "0")
    sign = "-" if value < 0 and text.strip("0") else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of minor units in one currency."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """From a decimal string. Raises `Invalid` like `minor_units`."""
        return cls(minor_units(text, currency), currency)

    def decimal(self) -> Decimal:
        """The amount as a `Decimal` in major units, for libraries that format."""
        return Decimal(self.minor).scaleb(-decimals(self.currency))

    def __str__(self) -> str:
        return f"{decimal_string(self.minor, self.currency)} {self.currency}"
