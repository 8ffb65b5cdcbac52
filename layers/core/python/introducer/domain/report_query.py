"""What a report asks, and how what was counted becomes its answer: sums by row, in exact integers, divided at the end.

A report is a period of UTC days, what its rows are, which figures stand in its columns, at most one value of each of a
few filters, and possibly an earlier period beside it. All of that is in the page's address, so that it can be kept,
sent to somebody, and asked again by a program.

Money is never summed across currencies: a report speaks one, and says which others there is something in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from introducer.domain.calendar import month_end, months_between, plus_days, plus_months
from introducer.domain.errors import Malformed
from introducer.domain.events import LOT
from introducer.domain.money import DECIMALS, FINE, Money, round_fine, round_ratio

MOST_MONTHS = 13
"""Calendar months that a report touches at most: it is read month by month."""
MOST_TEXT = 200
"""Characters of a filter's value."""
SHARE_DECIMALS = 6
"""Decimals of a rate: 0.125 is an eighth."""
PER_CLICK_DECIMALS = 2
"""How many decimals more than the currency has an amount per click is told with: it is often less than a cent."""


class Dimension(StrEnum):
    """What a row is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    CAMPAIGN = "campaign"
    LINK = "link"
    COUNTRY = "country"
    DEVICE = "device"
    SUB1 = "sub1"
    DEAL = "deal"
    PARTNER = "partner"
    MANAGER = "manager"


TIME = (Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
FACES = (Dimension.COUNTRY, Dimension.DEVICE, Dimension.SUB1)
"""What visits are counted by one at a time: how many clicks came from a country by phone, no counter knows."""
SOURCES = (Dimension.CAMPAIGN, Dimension.LINK, *FACES)
"""What a report can be narrowed to, and what a client's value can be shown by."""
OF_PARTNERS = (*TIME, *SOURCES, Dimension.DEAL)
"""What a partner's own report can have in its rows; the staff's all of them."""


class Against(StrEnum):
    """What stands beside a figure."""

    NOTHING = "none"
    BEFORE = "before"
    """The time just before, of the same length: as many months where the period is of whole months, else days."""
    YEAR = "year"
    """The same days a year before."""


class Preset(StrEnum):
    """A period that moves along with the calendar."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7 = "last_7"
    LAST_30 = "last_30"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    LAST_3_MONTHS = "last_3_months"
    THIS_YEAR = "this_year"
    LAST_12_MONTHS = "last_12_months"


class Kind(StrEnum):
    """How a figure is written."""

    COUNT = "count"
    LOTS = "lots"
    MONEY = "money"
    PER_CLICK = "per_click"
    """Money with more decimals than its currency has."""
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: a sum of what was counted, or one divided by another."""

    name: str
    kind: Kind
    adds: str = ""
    """What is summed."""
    less: str = ""
    """What is taken off that."""
    over: str = ""
    """What it is divided by: a count."""

    @property
    def needs_clicks(self) -> bool:
        return bool({self.adds, self.over} & set(CLICKS))


CLICKS = ("clicks", "unique", "flagged")
_SHARE, _MONEY, _COUNT = Kind.SHARE, Kind.MONEY, Kind.COUNT
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        *(Metric(name, _COUNT, name) for name in (*CLICKS, "registrations", "kyc", "ftd", "qftd")),
        Metric("deposits", _MONEY, "deposits"),
        Metric("withdrawals", _MONEY, "withdrawals"),
        Metric("net_deposits", _MONEY, "deposits", less="withdrawals"),
        Metric("lots", Kind.LOTS, "lots"),
        Metric("net_revenue", _MONEY, "net_revenue"),
        Metric("earnings", _MONEY, "earnings"),
        Metric("ecpa", _MONEY, "earnings", over="qftd"),
        Metric("epc", Kind.PER_CLICK, "earnings", over="clicks"),
        Metric("click_to_registration", _SHARE, "registrations", over="clicks"),
        Metric("registration_to_kyc", _SHARE, "kyc", over="registrations"),
        Metric("registration_to_ftd", _SHARE, "ftd", over="registrations"),
        Metric("ftd_to_qftd", _SHARE, "qftd", over="ftd"),
        Metric("click_to_ftd", _SHARE, "ftd", over="clicks"),
    )
}
"""By name, in the order in which they stand side by side."""
USUAL = ("clicks", "registrations", "ftd", "qftd", "earnings", "click_to_registration")
_SUMMED_MONEY = ("deposits", "withdrawals", "net_revenue", "earnings")


# -------------------------------------------------------------------------------------------------------- what is asked


class Period(NamedTuple):
    """UTC days, both included."""

    first: str
    last: str

    @property
    def days(self) -> int:
        return (date.fromisoformat(self.last) - date.fromisoformat(self.first)).days + 1

    @property
    def months(self) -> list[str]:
        """All calendar months that it touches."""
        first, last = self.first[:7], self.last[:7]
        return [plus_months(first, number) for number in range(months_between(first, last) + 1)]

    @property
    def is_of_whole_months(self) -> bool:
        return self.first.endswith("-01") and self.last == month_end(self.last[:7])

    def holds(self, day: str) -> bool:
        return self.first <= day <= self.last


def preset_period(preset: Preset, today: str) -> Period:
    """The days of a preset. Those of whole months end with the month, though it may not be over."""
    month = today[:7]
    match preset:
        case Preset.TODAY:
            return Period(today, today)
        case Preset.YESTERDAY:
            return Period(plus_days(today, -1), plus_days(today, -1))
        case Preset.LAST_7:
            return Period(plus_days(today, -6), today)
        case Preset.LAST_30:
            return Period(plus_days(today, -29), today)
        case Preset.THIS_MONTH:
            return _months(month, month)
        case Preset.LAST_MONTH:
            return _months(plus_months(month, -1), plus_months(month, -1))
        case Preset.LAST_3_MONTHS:
            return _months(plus_months(month, -2), month)
        case Preset.THIS_YEAR:
            return _months(f"{month[:4]}-01", month)
        case Preset.LAST_12_MONTHS:
            return _months(plus_months(month, -11), month)


def earlier(period: Period, against: Against, today: str) -> Period | None:
    """The period that stands beside this one; None where nothing does. Beside one that is not over stands what had
    passed of the earlier one by then, so that the two can be compared."""
    if against is Against.NOTHING:
        return None
    begun = Period(period.first, max(period.first, min(period.last, today)))
    whole = period.is_of_whole_months
    if against is Against.YEAR or whole:
        months = 12 if against is Against.YEAR else len(period.months)
        ends = whole and begun == period
        return Period(_shifted(begun.first, -months), _shifted(begun.last, -months, ends))
    return Period(plus_days(begun.first, -begun.days), plus_days(begun.first, -1))


def _months(first: str, last: str) -> Period:
    return Period(f"{first}-01", month_end(last))


def _shifted(day: str, months: int, to_end: bool = False) -> str:
    """The same day of another month: its last one where it has no such day, or where `to_end` says so."""
    month = plus_months(day[:7], months)
    return month_end(month) if to_end else min(f"{month}{day[7:]}", month_end(month))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a report asks."""

    rows: Dimension
    period: Period
    asked_on: str
    """The UTC day on which it is asked: of a period that is not over, what came before is as much as there is of it."""
    preset: Preset | None = None
    """Which preset the period is of; None for days that somebody named."""
    against: Against = Against.NOTHING
    metrics: tuple[str, ...] = USUAL
    chart: str = USUAL[0]
    """The figure that the chart shows."""
    filters: Mapping[Dimension, str] = field(default_factory=dict)
    sort: str = ""
    """A figure's name, or `name` for the rows' own; empty for the usual order."""
    down: bool = True
    """Whether the largest comes first."""
    currency: str = ""
    """Empty for the usual one."""

    @property
    def earlier(self) -> Period | None:
        return earlier(self.period, self.against, self.asked_on)

    @property
    def months(self) -> list[str]:
        """All months that are read."""
        before = self.earlier
        return sorted({*self.period.months, *(before.months if before else ())})

    @property
    def faces(self) -> tuple[Dimension, ...]:
        """By what visitors have to be told apart."""
        return tuple(face for face in FACES if face is self.rows or face in self.filters)

    @property
    def knows_clicks(self) -> bool:
        """Whether clicks are counted by all that this asks."""
        return len(self.faces) <= 1

    def to_params(self) -> dict[str, str]:
        """The query as an address has it: what is usual is left out."""
        said = {"rows": self.rows.value}
        if self.preset is not None:
            said["period"] = self.preset.value
        else:
            said |= {"from": self.period.first, "to": self.period.last}
        if self.against is not Against.NOTHING:
            said["against"] = self.against.value
        if self.metrics != USUAL:
            said["metrics"] = ",".join(self.metrics)
        if self.chart != self.metrics[0]:
            said["chart"] = self.chart
        said |= {name.value: value for name, value in sorted(self.filters.items())}
        if self.sort:
            said["sort"] = f"{'-' if self.down else ''}{self.sort}"
        if self.currency:
            said["currency"] = self.currency
        return said


def query_of(
    asked: Mapping[str, str], *, today: str, allowed: Sequence[Dimension] = OF_PARTNERS, rows: Dimension = Dimension.DAY
) -> Query:
    """The query of an address's parameters, those of a report; others are not looked at.

    Raises `Malformed`: `bad_rows`, `bad_period`, `period_too_long`, `bad_against`, `bad_metrics`, `bad_filter`,
    `bad_sort` or `bad_currency`.
    """
    metrics = tuple(name for name in asked.get("metrics", "").split(",") if name) or USUAL
    wrong = [name for name in metrics if name not in METRICS]
    if wrong:
        raise _malformed("bad_metrics", f"metrics are of: {', '.join(METRICS)}.", wrong[0])
    # In their own order, each once.
    metrics = tuple(name for name in METRICS if name in metrics)
    chart = asked.get("chart") or metrics[0]
    if chart not in METRICS:
        raise _malformed("bad_metrics", f"chart is one of: {', '.join(METRICS)}.", chart)
    chosen = asked.get("rows") or rows.value
    if chosen not in allowed:
        raise _malformed("bad_rows", f"rows is one of: {', '.join(allowed)}.", chosen)
    against = asked.get("against") or Against.NOTHING.value
    if against not in list(Against):
        raise _malformed("bad_against", f"against is one of: {', '.join(Against)}.", against)
    preset, period = _period(asked, today)
    sort = asked.get("sort", "")
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name and name != "name" and name not in METRICS:
        raise _malformed("bad_sort", "sort is name or a figure; with - before it the largest comes first.", sort)
    currency = asked.get("currency", "")
    if currency and currency not in DECIMALS:
        raise _malformed("bad_currency", "currency has three capital letters, such as EUR.", currency)
    return Query(
        rows=Dimension(chosen),
        period=period,
        asked_on=today,
        preset=preset,
        against=Against(against),
        metrics=metrics,
        chart=chart,
        filters=_filters(asked),
        sort=name,
        down=down,
        currency=currency,
    )


def _filters(asked: Mapping[str, str]) -> dict[Dimension, str]:
    found = {}
    for face in SOURCES:
        value = asked.get(face.value, "")
        if len(value) > MOST_TEXT or (value and not value.isprintable()):
            raise _malformed("bad_filter", f"{face} has at most {MOST_TEXT} characters.", value[:40])
        if value:
            found[face] = value
    return found


def _period(asked: Mapping[str, str], today: str) -> tuple[Preset | None, Period]:
    first, last = asked.get("from", ""), asked.get("to", "")
    if not first and not last:
        named = asked.get("period") or Preset.LAST_30.value
        if named not in list(Preset):
            raise _malformed("bad_period", f"period is one of: {', '.join(Preset)}; or give from and to.", named)
        return Preset(named), preset_period(Preset(named), today)
    days = []
    for text in (first or last, last or first):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            days.append(date.min)
        if not date(2000, 1, 1) <= days[-1] <= date(2100, 1, 1) or text != days[-1].isoformat():
            raise _malformed("bad_period", "from and to are days such as 2026-04-01.", text[:40])
    if days[1] < days[0]:
        raise _malformed("bad_period", "from is a day before to, or the same.", first)
    period = Period(days[0].isoformat(), days[1].isoformat())
    if len(period.months) > MOST_MONTHS:
        raise _malformed("period_too_long", f"A report touches {MOST_MONTHS} months at most.", f"{first} to {last}")
    return None, period


def _malformed(code: str, message: str, value: str) -> Malformed:
    return Malformed(message, code=code, value=value[:80])


# ---------------------------------------------------------------------------------------------------- what was counted


@dataclass(frozen=True, slots=True)
class Fact:
    """What was counted together: a counter, or the part of one that is of one country, device or sub1."""

    day: str
    partner: str
    link: str
    """The link's id; empty where there is none, as with promo codes."""
    counts: Mapping[str, int]
    sums: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Fine units per (what, currency)."""
    country: str = ""
    device: str = ""
    sub1: str = ""
    campaign: str = ""
    deal: str = ""
    manager: str = ""
    cohort: str = ""
    """The month in which these clients registered; empty for clicks, and where it is not known."""


class Sums:
    """What facts come to: integers, by what was counted; money by its currency as well, in fine units."""

    __slots__ = ("counts", "money")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.money: dict[tuple[str, str], int] = {}

    def add(self, counts: Mapping[str, int], money: Mapping[tuple[str, str], int]) -> None:
        for name, number in counts.items():
            self.counts[name] = self.counts.get(name, 0) + number
        for key, fine in money.items():
            self.money[key] = self.money.get(key, 0) + fine

    @property
    def currencies(self) -> set[str]:
        return {currency for (_, currency), fine in self.money.items() if fine}

    def of(self, what: str, currency: str) -> int:
        """A count, or fine units of money in this currency."""
        return self.money.get((what, currency), 0) if what in _SUMMED_MONEY else self.counts.get(what, 0)


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    """What it is of: a day, a week's Monday, a month, an id or a value; empty where it is not known."""
    sums: Sums
    before: Sums | None


@dataclass(frozen=True, slots=True)
class Tabulated:
    rows: tuple[Row, ...]
    total: Row


def key_of(fact: Fact, dimension: Dimension) -> str:
    """In which row a fact stands."""
    return fact.day if dimension is Dimension.DAY else _key(fact, dimension)


def _key(fact: Fact, dimension: Dimension) -> str:
    if dimension is Dimension.WEEK:
        return monday(fact.day)
    if dimension is Dimension.MONTH:
        return fact.day[:7]
    return str(getattr(fact, dimension.value))


def monday(day: str) -> str:
    """The first day of a day's week."""
    there = date.fromisoformat(day)
    return (there - timedelta(there.weekday())).isoformat()


def tabulate(query: Query, facts: Iterable[Fact]) -> Tabulated:
    """Sums by row, and in all. Days, weeks and months of the period that have begun are there even with nothing in
    them; anything else where there is something to say of it."""
    period, before, rows = query.period, query.earlier, query.rows
    now: dict[str, Sums] = {}
    past: dict[str, Sums] = {}
    total, total_past = Sums(), Sums()
    keys: dict[str, str] = {}
    if rows in TIME:
        day = period.first
        while day <= min(period.last, query.asked_on):
            now.setdefault(_place(day, rows), Sums())
            day = plus_days(day, 1)
    for fact in facts:
        if any(getattr(fact, name.value) != value for name, value in query.filters.items()):
            continue
        if period.holds(fact.day):
            now.setdefault(key_of(fact, rows), Sums()).add(fact.counts, fact.sums)
            total.add(fact.counts, fact.sums)
        # A year before thirteen months begins while they do.
        if before is not None and before.holds(fact.day):
            if rows in TIME:
                if fact.day not in keys:
                    keys[fact.day] = counterpart(fact.day, rows, before, period)
                key = keys[fact.day]
            else:
                key = key_of(fact, rows)
            past.setdefault(key, Sums()).add(fact.counts, fact.sums)
            total_past.add(fact.counts, fact.sums)
    made = (
        Row(key, now.get(key) or Sums(), (past.get(key) or Sums()) if before else None) for key in sorted({*now, *past})
    )
    return Tabulated(tuple(made), Row("", total, total_past if before else None))


def _place(day: str, rows: Dimension) -> str:
    return day if rows is Dimension.DAY else monday(day) if rows is Dimension.WEEK else day[:7]


def counterpart(day: str, rows: Dimension, before: Period, period: Period) -> str:
    """The row beside which a day of the earlier period stands: the first day beside the first, and so on. Empty for
    days that have none, where the earlier period is the longer one."""
    if rows is Dimension.MONTH:
        found = plus_months(period.first[:7], months_between(before.first[:7], day[:7]))
        return found if found <= period.last[:7] else ""
    if rows is Dimension.WEEK:
        weeks = (date.fromisoformat(monday(day)) - date.fromisoformat(monday(before.first))).days
        found = plus_days(monday(period.first), weeks)
        return found if found <= period.last else ""
    found = plus_days(period.first, (date.fromisoformat(day) - date.fromisoformat(before.first)).days)
    return found if found <= period.last else ""


# -------------------------------------------------------------------------------------------------------- what it says

Figure = int | Decimal | Money | None
"""A count, a number of lots, a share or an amount per click, money; None where there is nothing to divide by."""


def figure(name: str, sums: Sums, currency: str) -> Figure:
    """A figure of a row. Money is rounded to minor units here, once, half to the even one; a sum of rows that were
    rounded may differ from the total by that. None for a division by nothing (or less)."""
    metric = METRICS[name]
    value = sums.of(metric.adds, currency) - (sums.of(metric.less, currency) if metric.less else 0)
    divisor = sums.of(metric.over, currency) if metric.over else 1
    if divisor <= 0:
        return None
    match metric.kind:
        case Kind.COUNT:
            return value
        case Kind.LOTS:
            return Decimal(value).scaleb(-_LOT_DECIMALS).normalize() + 0
        case Kind.MONEY:
            return Money(round_ratio(value, FINE * divisor) if metric.over else round_fine(value), currency)
        case Kind.PER_CLICK:
            places = DECIMALS[currency] + PER_CLICK_DECIMALS
            return Decimal(round_ratio(value * 10**PER_CLICK_DECIMALS, FINE * divisor)).scaleb(-places)
        case Kind.SHARE:
            return Decimal(round_ratio(value * 10**SHARE_DECIMALS, divisor)).scaleb(-SHARE_DECIMALS)


_LOT_DECIMALS = len(str(LOT)) - 1


def number_of(value: Figure) -> Decimal | None:
    """A figure as a number, to sort and to draw by."""
    if value is None:
        return None
    return value.decimal() if isinstance(value, Money) else Decimal(value)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a figure since the earlier period."""

    way: str
    """`up`, `down`, `same`; `new` where there was nothing before; empty where it cannot be said."""
    by: Decimal | None
    """The part of the earlier figure by which it moved; of shares the difference itself. None for `new`."""


def change_of(kind: Kind, now: Figure, before: Figure) -> Change:
    """How a figure moved."""
    here, there = number_of(now), number_of(before)
    if here is None or there is None:
        return Change("", None)
    way = "up" if here > there else "down" if here < there else "same"
    if kind is Kind.SHARE:
        return Change(way, here - there)
    if way == "same":
        return Change(way, Decimal(0))
    if there == 0:
        return Change("new" if way == "up" else way, None)
    # Of what is below zero a part says nothing that anybody would read rightly.
    part = (here - there) / abs(there) if there > 0 else None
    return Change(way, None if part is None else part.quantize(Decimal(1).scaleb(-SHARE_DECIMALS)))


def ordered(table: Tabulated, query: Query, currency: str, names: Mapping[str, str]) -> list[Row]:
    """The rows as they stand: by the figure or the name that is asked for; else time from the newest, and all else by
    the first column. What has no figure comes last either way."""
    rows = sorted(table.rows, key=lambda row: (names.get(row.key, row.key).casefold(), row.key))
    by, down = query.sort, query.down
    if not by:
        by, down = ("name" if query.rows in TIME else query.metrics[0]), True
    if by == "name":
        if query.rows in TIME:
            rows = sorted(table.rows, key=lambda row: row.key)
        # The row of what has no day has no place in time: it comes last.
        rows = rows[::-1] if down else rows
        return [row for row in rows if row.key] + [row for row in rows if not row.key]
    figures = {row.key: number_of(figure(by, row.sums, currency)) for row in rows}
    some = [row for row in rows if figures[row.key] is not None]
    some.sort(key=lambda row: figures[row.key] or Decimal(0), reverse=down)
    return some + [row for row in rows if figures[row.key] is None]


def currency_of(table: Tabulated, wish: str, usual: str) -> tuple[str, list[str]]:
    """The currency that a report speaks, and all that there is something in: the one that is wished for, else the
    usual one where there is something in it (or in none), else the first."""
    found = set(table.total.sums.currencies)
    if table.total.before is not None:
        found |= table.total.before.currencies
    spoken = wish or (usual if usual in found or not found else min(found))
    return spoken, sorted({*found, spoken})


def over_time(query: Query) -> Query:
    """The same question by time: what the chart shows. By day up to two months, by week up to seven, else by month."""
    days = query.period.days
    rows = Dimension.DAY if days <= 62 else Dimension.WEEK if days <= 215 else Dimension.MONTH
    return replace(query, rows=rows, against=Against.NOTHING, sort="name", down=False)
