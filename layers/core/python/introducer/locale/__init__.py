"""The languages people are spoken to in: messages by gettext, dates, numbers and money by CLDR through Babel.

Message ids are English. The catalogues beside this file are made by `introducer_ops.catalogues`; a language is offered
when it has one. All figures are Western digits, in Arabic too: amounts must read the same in every statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Literal
from unicodedata import normalize

from babel import Locale
from babel.dates import format_skeleton, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from introducer.domain.money import decimals

HERE = Path(__file__).parent
CODES = ("en", "ru", "ar", "pl", "es", "th")
"""In the order in which they are offered."""
DEFAULT = "en"
MINUS = "\N{MINUS SIGN}"
_MARKS_FROM_RIGHT = {",": "\N{ARABIC COMMA}", ";": "\N{ARABIC SEMICOLON}"}
_WRITTEN_AS = {"en": "en_GB"}
"""Which country's habits a language follows, where its bare code would mean another's."""
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
"""What CLDR has names for and nobody lives in."""
_OWN_LETTERS = {"ą": "a", "ć": "c", "ę": "e", "ł": "l", "ń": "n", "ś": "s", "ź": "z", "ż": "zz", "ñ": "n", "й": "и"}
"""Letters that stand by themselves in an alphabet, right after another one."""
_BEFORE = re.compile("([เ-ไ])(.)")
"""Thai vowels that are written before the consonant they follow."""
_LAST = "\uffff"


class Language:
    """One language: its messages, its direction, and how it writes what we count."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale.parse(_WRITTEN_AS.get(code, code))

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.locale.text_direction

    @property
    def own_name(self) -> str:
        """The language's name in itself."""
        name = str(self.locale.languages[self.code])
        return name[:1].upper() + name[1:]

    @cached_property
    def messages(self) -> NullTranslations:
        """The catalogue; the English message ids themselves when there is none."""
        path = HERE / self.code / "LC_MESSAGES" / "messages.mo"
        if not path.exists():
            return NullTranslations()
        with path.open("rb") as file:
            return GNUTranslations(file)

    def text(self, message: str) -> str:
        """The message in this language."""
        return self.messages.gettext(message)

    def number(self, value: int | Decimal) -> str:
        return format_decimal(value, locale=self.locale).replace("-", MINUS)

    def amount(self, minor: int, currency: str) -> str:
        """An amount without its currency, always with the currency's decimals: 1,234.50."""
        places = decimals(currency)
        figure = format_decimal(
            Decimal(abs(minor)).scaleb(-places),
            format="#,##0" + ("." + "0" * places if places else ""),
            locale=self.locale,
        )
        return (MINUS if minor < 0 else "") + figure

    def exact(self, text: str) -> str:
        """A decimal string with every one of its decimals, as this language writes it."""
        return format_decimal(Decimal(text), format=_with_decimals(text), locale=self.locale).replace("-", MINUS)

    def percent(self, share: Decimal | float) -> str:
        """A share as a percentage with one decimal at most: 0.125 is 12.5%."""
        return self._percentage(share, "#,##0.#")

    def exact_percent(self, text: str) -> str:
        """A percentage, as a decimal string, with every one of its decimals: `12.50` is 12.50%."""
        return self._percentage(Decimal(text) / 100, _with_decimals(text))

    def _percentage(self, share: Decimal | float, figure: str) -> str:
        pattern = self.locale.percent_formats[None].pattern.replace("#,##0", figure)
        return format_percent(share, format=pattern, locale=self.locale).replace("-", MINUS)

    def day(self, day: date | str) -> str:
        """2 Apr 2026."""
        return _bare(format_skeleton("yMMMd", _date(day), locale=self.locale))

    def short_day(self, day: date | str) -> str:
        """2 Apr: where the year is plain from the context."""
        return format_skeleton("MMMd", _date(day), locale=self.locale)

    def month(self, month: str) -> str:
        """April 2026, for `2026-04`."""
        return _bare(format_skeleton("yMMMM", _date(f"{month}-01"), locale=self.locale))

    def moment(self, moment: datetime) -> str:
        """2 Apr 2026 09:30 UTC."""
        moment = moment.astimezone(UTC)
        return f"{self.day(moment.date())} {moment:%H:%M} UTC"

    def relative(self, moment: datetime, now: datetime) -> str:
        """3 hours ago, in 12 days: of full minutes, hours and days."""
        distance = moment - now
        passed = int(abs(distance.total_seconds()))
        unit = next((each for each in (86400, 3600, 60) if passed >= each), 1)
        full = timedelta(seconds=passed // unit * unit)
        return format_timedelta(
            full if distance > timedelta() else -full, add_direction=True, threshold=1, locale=self.locale
        )

    def relative_day(self, day: date | str, today: date | str) -> str:
        """In 12 days: always counted in days, never rounded to weeks or months."""
        distance = _date(day) - _date(today)
        return format_timedelta(
            distance, granularity="day", add_direction=True, threshold=float("inf"), locale=self.locale
        )

    def lasting(self, span: timedelta) -> str:
        """12 days and 4 hours: in full units, the two largest of days, hours and minutes; never less than a minute."""
        minutes = max(1, int(span.total_seconds()) // 60)
        parts: list[tuple[Literal["day", "hour", "minute"], int]] = [
            ("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60),
        ]  # fmt: skip
        first = next(place for place, (_, count) in enumerate(parts) if count)
        return self.listed([self._counted(unit, count) for unit, count in parts[first : first + 2] if count])

    def _counted(self, unit: Literal["day", "hour", "minute"], count: int) -> str:
        span = timedelta(**{f"{unit}s": count})
        return format_timedelta(span, granularity=unit, threshold=float("inf"), locale=self.locale)

    def country(self, code: str) -> str:
        """The country's name; the code where CLDR has none."""
        return str(self.locale.territories.get(code, code))

    @cached_property
    def countries(self) -> tuple[str, ...]:
        """All countries' codes, in the order of their names."""
        codes = {str(code) for code in self.locale.territories} - _NO_COUNTRIES
        known = (code for code in codes if len(code) == 2 and code.isalpha())
        return tuple(sorted(known, key=lambda code: (_in_order(self.country(code)), code)))

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages that have a name here."""
        codes = sorted(str(code) for code in self.locale.languages)
        return tuple(code for code in codes if len(code) < 4 and code.isalpha())

    def language(self, code: str) -> str:
        """The name of a language; the code where CLDR has none."""
        name = str(self.locale.languages.get(code, code))
        return name[:1].upper() + name[1:]

    def currency(self, code: str) -> str:
        """The currency's name."""
        return str(self.locale.currencies.get(code, code))

    def listed(self, names: Sequence[str]) -> str:
        """A, B and C."""
        return str(format_list(names, locale=self.locale))

    def mark(self, mark: str) -> str:
        """A comma or semicolon between two parts of a line, and the space behind it."""
        return (_MARKS_FROM_RIGHT.get(mark, mark) if self.direction == "rtl" else mark) + " "


@lru_cache(maxsize=len(CODES))
def language(code: str) -> Language:
    """The language of this code. Raises `KeyError` when we do not speak it."""
    if code not in CODES:
        raise KeyError(code)
    return Language(code)


def best(wishes: Iterable[str | None]) -> Language:
    """The first wish we can meet (`de-AT` asks for `de`), else English."""
    for wish in wishes:
        code = (wish or "").replace("_", "-").partition("-")[0].strip().lower()
        if code in CODES:
            return language(code)
    return language(DEFAULT)


def wishes(header: str) -> list[str]:
    """The languages of an `Accept-Language` header, dearest first."""
    weighed = []
    for position, part in enumerate(header[:400].split(",")):
        tag, _, parameter = part.strip().partition(";")
        name, _, weight = parameter.partition("=")
        try:
            quality = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            weighed.append((-quality, position, tag))
    return [tag for _, _, tag in sorted(weighed)]


def _in_order(name: str) -> str:
    """A name so that names stand as their readers look for them: accents count for nothing."""
    letters = _BEFORE.sub(r"\2\1", name.casefold())
    return "".join(
        _OWN_LETTERS[each] + _LAST if each in _OWN_LETTERS else normalize("NFKD", each)[0] for each in letters
    )


def _with_decimals(text: str) -> str:
    """The pattern of a figure with as many decimals as a decimal string has."""
    places = max(0, -int(Decimal(text).as_tuple().exponent))
    return "#,##0" + ("." + "0" * places if places else "")


def _bare(text: str) -> str:
    """A day or month without the word for year that Russian puts behind it: its point would stand before another one
    wherever a sentence ends with a day."""
    return text.removesuffix("\N{NARROW NO-BREAK SPACE}г.")


def _date(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day
