"""The European Central Bank's euro reference rates: its XML and CSV files, and fetching them.

The bank publishes once on each working day of the TARGET calendar, around 16:00 in Frankfurt, for that day. A file is
believed whole or not at all: what has not exactly the bank's form is refused, because a day's rates are never changed
once they are stored. Source of the form: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/.
"""

from __future__ import annotations

import calendar
import csv
import http.client
import io
import re
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any
from xml.parsers import expat

from introducer.domain.errors import Invalid, Unavailable
from introducer.domain.money import DECIMALS

Published = dict[str, dict[str, str]]
"""Units of each currency for one euro, as decimal strings, by the day of publication (`2026-03-02`)."""

FOLDER = "https://www.ecb.europa.eu/stats/eurofxref/"
"""Where the bank keeps its files."""

DAILY, LAST_90_DAYS, HISTORY = "eurofxref-daily.xml", "eurofxref-hist-90d.xml", "eurofxref-hist.zip"

LARGEST_FILE = 4 * 2**20
"""Bytes. The bank's largest file, the history, is 0.6 MB zipped."""
LARGEST_UNZIPPED = 16 * 2**20
"""Bytes. The history is 1.9 MB, and grows by 0.1 MB a year."""
SECONDS_FOR_A_STEP = 5.0
SECONDS_FOR_A_FILE = 20.0

_UNITS = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_ABSENT = ("", "N/A")
_GESMES = "http://www.gesmes.org/xml/2002-08-01 "
_EUROFXREF = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref "
_ENVELOPE, _CUBE = f"{_GESMES}Envelope", f"{_EUROFXREF}Cube"
_ABOUT_THE_FILE = (f"{_GESMES}subject", f"{_GESMES}Sender", f"{_GESMES}name")
_MONTHS = tuple(calendar.month_name)[1:]


# ---------------------------------------------------------------------------------------------------------- reading


def read_xml(data: bytes, name: str = "The file") -> Published:
    """The rates of a daily or 90 days' XML; `name` is what a refusal calls it. Raises `Invalid`.

    A document type is refused before anything of it is read, so no entity is ever expanded. Currencies that ISO 4217
    does not list are left out: nothing can be priced in them.
    """
    reader = _XmlReader()
    try:
        reader.parser.Parse(data, True)
        return _checked(reader.published)
    except (expat.ExpatError, LookupError, ValueError) as error:
        # An encoding that nobody knows is a LookupError.
        raise _refused(name, "XML", error) from error


def read_history(data: bytes, name: str = "The file") -> Published:
    """The rates of `eurofxref-hist.csv`, of the one-day `eurofxref.csv`, or of the zip either comes in.

    The newest day first, a column for each currency and an empty one at the end, `N/A` or nothing where there was no
    rate. `name` is what a refusal calls the file. Raises `Invalid`.
    """
    try:
        rows = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
        head, *currencies = (cell.strip() for cell in next(rows, [""]))
        if head != "Date":
            raise ValueError("its first line does not begin with Date")
        named = [currency for currency in currencies if currency]
        if len(named) != len(set(named)) or not all(map(_CURRENCY.fullmatch, named)):
            raise ValueError("its first line does not name each currency once")
        published: Published = {}
        for row in rows:
            day, *units = (cell.strip() for cell in row)
            day = _day(day)
            if day in published:
                raise ValueError(f"{day} stands twice")
            cells = dict(zip(currencies, units, strict=True))
            published[day] = {
                currency: cells[currency]
                for currency in named
                if currency in DECIMALS and cells[currency] not in _ABSENT
            }
        return _checked(published)
    except (ValueError, csv.Error, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        # zipfile has a word of its own for each thing that can be wrong: unknown compression, a password …
        raise _refused(name, "CSV", error) from error


def publishes_on(day: str) -> bool:
    """Whether the bank publishes on this day, by the calendar: TARGET is closed on weekends, 1 January, Good Friday,
    Easter Monday, 1 May, 25 and 26 December. True of every day since 2002 (docs/decisions/0008)."""
    found = date.fromisoformat(day)
    if found.weekday() >= 5 or (found.month, found.day) in ((1, 1), (5, 1), (12, 25), (12, 26)):
        return False
    return (found - _easter(found.year)).days not in (-2, 1)


class _XmlReader:
    """expat itself, not ElementTree: it alone can be told to refuse a document type at its first letter."""

    def __init__(self) -> None:
        self.published: Published = {}
        self._open: list[str] = []
        self._day: str | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._document_type
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _document_type(self, *_: object) -> None:
        raise ValueError("it declares a document type, which the bank's files do not")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        cubes = self._open.count(_CUBE)
        self._open.append(tag)
        if len(self._open) == 1:
            if tag != _ENVELOPE:
                raise ValueError("it is no gesmes:Envelope")
        elif tag == _CUBE and len(self._open) == cubes + 2:
            self._cube(cubes, attributes)
        elif tag not in _ABOUT_THE_FILE or cubes:
            raise ValueError(f"it has an element {tag.rpartition(' ')[2][:40]!r} where the bank has none")

    def _cube(self, outer: int, attributes: dict[str, str]) -> None:
        """Cube holds a Cube for each day, which holds one for each currency."""
        names = set(attributes)
        if outer == 0 and not names:
            return
        if outer == 1 and names == {"time"}:
            self._day = _day(attributes["time"])
            if self._day in self.published:
                raise ValueError(f"{self._day} stands twice")
            self.published[self._day] = {}
        elif outer == 2 and self._day is not None and names == {"currency", "rate"}:
            currency = attributes["currency"]
            if not _CURRENCY.fullmatch(currency) or currency in self.published[self._day]:
                raise ValueError(f"{currency[:10]!r} on {self._day} is no currency, or stands twice")
            if currency in DECIMALS:
                self.published[self._day][currency] = attributes["rate"]
        else:
            raise ValueError("a Cube has not the attributes that the bank gives it")

    def _end(self, tag: str) -> None:
        self._open.pop()


def _checked(published: Published) -> Published:
    if not published:
        raise ValueError("it has no days")
    for day, per_euro in published.items():
        if "USD" not in per_euro:
            raise ValueError(f"it has no US dollar on {day}")
        for currency, units in per_euro.items():
            if not _UNITS.fullmatch(units) or not units.strip("0."):
                raise ValueError(f"{units[:40]!r} {currency} on {day} is no rate")
    return published


def _day(text: str) -> str:
    """`2026-03-02` or `2 March 2026`, as the first. Raises ValueError."""
    parts = text.split(" ")
    if len(parts) == 3 and parts[1] in _MONTHS and parts[0].isdecimal() and parts[2].isdecimal():
        return date(int(parts[2]), _MONTHS.index(parts[1]) + 1, int(parts[0])).isoformat()
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError(f"the day {text[:20]!r} is not written as 2026-03-02")
    return text


def _text(data: bytes) -> str:
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [each for each in archive.infolist() if each.filename.endswith(".csv")]
            if len(names) != 1:
                raise ValueError("the zip does not hold one CSV file")
            # What the zip says of its size may be a lie: so no more is unpacked than is wanted.
            with archive.open(names[0]) as file:
                data = file.read(LARGEST_UNZIPPED + 1)
    if len(data) > LARGEST_UNZIPPED:
        raise ValueError(f"it is larger than {LARGEST_UNZIPPED} bytes")
    return data.decode("utf-8-sig")


def _refused(name: str, form: str, error: Exception) -> Invalid:
    return Invalid(f"{name} is not the ECB's {form} of reference rates: {error}.", code="invalid_rates_file")


def _easter(year: int) -> date:
    """Easter Sunday, by the method of the Nature correspondent of 1876 (Meeus, Astronomical Algorithms, ch. 8)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leaps, rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - correction + 15) % 30
    quarter, odd = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * quarter - epact - odd) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


# --------------------------------------------------------------------------------------------------------- fetching


class Ecb:
    """The bank's files over HTTPS. `folder` is where they are, `elapsed` counts seconds and never goes back.

    Plain HTTP is taken from this machine alone (the local stage and tests). Every read raises `Unavailable` when no
    whole file came in time, and `Invalid` when what came is not the bank's.
    """

    def __init__(
        self,
        folder: str,
        elapsed: Callable[[], float],
        *,
        step: float = SECONDS_FOR_A_STEP,
        whole: float = SECONDS_FOR_A_FILE,
    ) -> None:
        parts = urllib.parse.urlsplit(folder)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")
        if not (local or parts.scheme == "https") or not parts.hostname or not parts.path.endswith("/"):
            raise Invalid(
                "The address of the reference rates must be a folder: https://…/, ending in a stroke.",
                code="invalid_feed_url",
            )
        self._folder = folder
        self._elapsed = elapsed
        self._step = step
        self._whole = whole
        self._opener = urllib.request.OpenerDirector()
        # No file, no ftp, no proxy of the environment: what is not listed is not spoken.
        for handler in (
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _SameHost(),
        ):
            self._opener.add_handler(handler)

    def daily(self) -> Published:
        """The newest publication."""
        return read_xml(self._fetch(DAILY), DAILY)

    def last_90_days(self) -> Published:
        """The publications of the last 90 days."""
        return read_xml(self._fetch(LAST_90_DAYS), LAST_90_DAYS)

    def history(self) -> Published:
        """Every publication since 4 January 1999."""
        return read_history(self._fetch(HISTORY), HISTORY)

    def _fetch(self, name: str) -> bytes:
        request = urllib.request.Request(
            self._folder + name, headers={"User-Agent": "introducer", "Accept-Encoding": "identity"}
        )
        until = self._elapsed() + self._whole
        data = bytearray()
        try:
            with self._opener.open(request, timeout=self._step) as answer:
                if answer.status != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
                    raise _unavailable(name, f"it was answered with status {answer.status} in an unexpected form")
                while chunk := answer.read1(65_536):
                    data += chunk
                    if len(data) > LARGEST_FILE:
                        raise Invalid(f"{name} is larger than {LARGEST_FILE} bytes.", code="invalid_rates_file")
                    if self._elapsed() > until:
                        raise _unavailable(name, f"it took more than {self._whole:g} seconds")
                promised = answer.headers.get("Content-Length", "")
        except urllib.error.HTTPError as error:
            error.close()
            raise _unavailable(name, f"it was answered with status {error.code}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Name resolution, TLS, time limits and broken lines alike: its type says which, its text may be anything.
            raise _unavailable(name, type(getattr(error, "reason", error)).__name__) from error
        if promised.isdecimal() and int(promised) != len(data):
            raise _unavailable(name, "it broke off")
        return bytes(data)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows the bank within its own house only."""

    max_redirections = 3

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        asked, sent = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if (asked.scheme, asked.netloc) != (sent.scheme, sent.netloc):
            return None  # the answer is then the redirect itself, an HTTPError
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unavailable(name: str, why: str) -> Unavailable:
    return Unavailable(f"{name} could not be fetched: {why}.", code="rates_unavailable")
