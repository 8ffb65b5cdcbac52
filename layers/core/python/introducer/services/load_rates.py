"""A feed's exchange rates go into the books, day by day and without a gap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from introducer.domain.errors import Invalid
from introducer.domain.money import decimals
from introducer.store.rates import RateStore

_UNITS = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)


def load_rates(
    rates: RateStore, *, feed: str, published: Mapping[str, Mapping[str, str]], first: str, through: str
) -> int:
    """Puts what the feed published from `first` to `through` (UTC days, both included); returns how many days are new.

    `published` has the units of each currency for one euro as decimal strings, by day; a day it does not name is put
    as one without a publication, so it must be complete for the days asked for. Days that are stored already stay.
    Raises `Invalid` for a rate that is none, `Conflict` when the stored days end before `first`.
    """
    last = rates.completed_through(feed)
    day = date.fromisoformat(first if last is None else max(first, (date.fromisoformat(last) + _DAY).isoformat()))
    loaded = 0
    while day.isoformat() <= through:
        per_euro = published.get(day.isoformat(), {})
        for currency, units in per_euro.items():
            decimals(currency)
            if not _UNITS.fullmatch(units) or not units.strip("0."):
                raise Invalid(
                    f"{feed} has {units[:40]!r} {currency} for one euro on {day}: that is no rate.",
                    code="invalid_rate",
                )
        rates.put_day(feed, day.isoformat(), per_euro)
        loaded += 1
        day += _DAY
    return loaded


_DAY = timedelta(days=1)
