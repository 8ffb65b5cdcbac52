"""What did partners bring, by any of a report's rows? Read from the counters of their months: a query for each partner
and month, several at once, and never a scan. Of very many partners, where lines know what is asked, from the lines that
are written of each partner's months once a day: a query for each month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from introducer.domain.calendar import DAY_MS, day_at, day_start
from introducer.domain.client import code_of
from introducer.domain.client_value import Valued, ValueQuery, tabulate_value
from introducer.domain.errors import Invalid
from introducer.domain.events import milliseconds
from introducer.domain.report_query import (
    CLICKS,
    TIME,
    Dimension,
    Fact,
    Query,
    Row,
    currency_of,
    ordered,
    over_time,
    tabulate,
)
from introducer.services.people import Names
from introducer.store import figures as counted
from introducer.store.configuration import Configuration
from introducer.store.figure_lines import FigureLines
from introducer.store.figures import Figures, MonthOfFigures, cohorts_of
from introducer.store.link_names import LinkNames

T = TypeVar("T")
R = TypeVar("R")

MOST_READ = 1_200
"""Months of partners whose counters one report reads: a thousand partners' month, or the year of a manager's ninety."""
MOST_COUNTERS = 300_000
"""Counters that one report reads: as many as fit into the portal's memory and its time, with room to spare."""
BY_LINES = 300
"""Of more months of partners than these the lines are read that are written daily, where they say what is asked."""
IN_LINES = (*TIME, Dimension.PARTNER, Dimension.MANAGER)
"""Rows that lines know."""
AT_ONCE = 8
"""Queries that are under way at the same time."""


@dataclass(frozen=True, slots=True)
class ReportBooks:
    """What reports are read from."""

    configuration: Configuration
    figures: Figures
    links: LinkNames
    lines: FigureLines

    @classmethod
    def of(cls, books: str) -> ReportBooks:
        return cls(Configuration(books), Figures(books), LinkNames(books), FigureLines(books))


class Whose(NamedTuple):
    """A partner that a report is of."""

    partner: str
    name: str
    manager: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report's answer."""

    query: Query
    rows: tuple[Row, ...]
    """In the order that is asked for."""
    total: Row
    chart: tuple[Row, ...]
    """The same by time, the oldest first."""
    chart_by: Dimension
    currency: str
    currencies: tuple[str, ...]
    """All that there is something in."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What rows are called, by their keys, where that is known here."""
    partners: int = 1
    counted_at: datetime | None = None
    """As of when, where it was read from lines; None: as of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueReport:
    """The same of what clients are worth."""

    query: ValueQuery
    valued: Valued
    currency: str
    currencies: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    partners: int = 1


def read_report(
    books: ReportBooks, *, brand: str, partners: Sequence[Whose], query: Query, currency: str = ""
) -> Report:
    """A report of these partners. `currency` is the one that it speaks where there is something in it, and no other is
    asked for. Raises `Invalid` (`report_too_wide`), `Unavailable`."""
    names = _Naming(books, brand, partners)
    facts: list[Fact] = []
    counted_at = None
    if len(partners) * len(query.months) > BY_LINES and query.rows in IN_LINES and not query.filters:
        facts, counted_at = _from_lines(books, brand, query, names)
    if counted_at is None:
        # There are no lines before the first sweep: then the counters must do.
        months = _read(books, partners, query.months, named=Dimension.SUB1 in query.faces)
        if query.rows is Dimension.CAMPAIGN or Dimension.CAMPAIGN in query.filters:
            names.look_up(months)
        deals = _deals(books, partners) if query.rows is Dimension.DEAL else {}
        facts = [fact for month in months for fact in _facts(month, query, names, deals)]
    table, shown_by = tabulate(query, facts), over_time(query)
    spoken, currencies = currency_of(table, query.currency, currency)
    called = names.of(query.rows, {row.key for row in table.rows})
    return Report(
        query=query,
        rows=tuple(ordered(table, query, spoken, called)),
        total=table.total,
        chart=tuple(ordered(tabulate(shown_by, facts), shown_by, spoken, {})),
        chart_by=shown_by.rows,
        currency=spoken,
        currencies=tuple(currencies),
        names=called,
        partners=len(partners),
        counted_at=counted_at,
    )


def read_value(
    books: ReportBooks, *, brand: str, partners: Sequence[Whose], query: ValueQuery, currency: str = ""
) -> ValueReport:
    """What the clients of these partners are worth. Raises as `read_report`."""
    months = _read(books, partners, query.months, named=query.by == Dimension.SUB1)
    names = _Naming(books, brand, partners)
    if query.by == Dimension.CAMPAIGN:
        names.look_up(months)
    facts = (
        Fact(
            day=f"{cell.month}-01",
            partner=month.partner,
            link=cell.link,
            counts=cell.counts,
            sums=cell.sums,
            country=cell.country,
            device=cell.device,
            sub1=cell.sub1,
            campaign=names.campaign(month.partner, cell.link),
            manager=names.manager(month.partner),
            cohort=cell.cohort,
        )
        for month in months
        for cell in cohorts_of(month)
    )
    valued = tabulate_value(query, facts)
    found = valued.total.sums.currencies
    spoken = query.currency or (currency if currency in found or not found else min(found))
    by = Dimension(query.by) if query.by in list(Dimension) else Dimension.MONTH
    return ValueReport(
        query=query,
        valued=valued,
        currency=spoken,
        currencies=tuple(sorted({*found, spoken})),
        names=names.of(by, {row.key for row in valued.rows}),
        partners=len(partners),
    )


# --------------------------------------------------------------------------------------------------------------- parts


def _read(books: ReportBooks, partners: Sequence[Whose], months: Sequence[str], *, named: bool) -> list[MonthOfFigures]:
    """All counters of these partners and months, in their order; `named`: with what values of sub1 are called."""
    number = len(partners) * len(months)
    if number > MOST_READ:
        raise _too_wide(number, "months of partners", MOST_READ)
    counters = 0

    def read(each: tuple[str, str]) -> MonthOfFigures:
        nonlocal counters
        if counters > MOST_COUNTERS:
            raise _too_wide(counters, "counters", MOST_COUNTERS)
        month = books.figures.read(*each, named=named)
        counters += len(month.cells) + len(month.clicked)
        return month

    wanted = [(whose.partner, month) for whose in partners for month in months]
    return list(_at_once(read, wanted))


def _too_wide(number: int, what: str, most: int) -> Invalid:
    return Invalid(
        f"This would read {number} {what} or more, and a report reads {most}: choose a shorter time, one manager or one"
        " partner.",
        code="report_too_wide",
        most=most,
    )


def _from_lines(books: ReportBooks, brand: str, query: Query, names: _Naming) -> tuple[list[Fact], datetime | None]:
    """What lines say of these partners, and as of when: the moment of the oldest line of the last month in it."""
    found = _at_once(lambda month: books.lines.of_month(brand, month), query.months)
    facts: list[Fact] = []
    oldest: dict[str, datetime] = {}
    for line in (line for month in found for line in month if names.knows(line.partner)):
        oldest[line.month] = min(oldest.get(line.month, line.counted_at), line.counted_at)
        manager = names.manager(line.partner)
        for day, numbers in line.days.items():
            counts = {name: number for name, number in numbers.items() if "." not in name}
            sums = {(name[:-4], name[-3:]): fine for name, fine in numbers.items() if "." in name}
            facts.append(Fact(day, line.partner, "", counts, sums, manager=manager))
    return facts, oldest[max(oldest)] if oldest else None


def _at_once(ask: Callable[[T], R], wanted: Sequence[T]) -> Iterable[R]:
    if len(wanted) < 2:
        return map(ask, wanted)
    with ThreadPoolExecutor(min(AT_ONCE, len(wanted))) as threads:
        return list(threads.map(ask, wanted))


def _facts(
    month: MonthOfFigures, query: Query, names: _Naming, deals: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[Fact]:
    """A month's counters as facts: events by all that is known of them, clicks by the one thing that is asked."""
    partner, manager = month.partner, names.manager(month.partner)
    history = deals.get(partner, ())

    def deal(day: str) -> str:
        return next((version for since, version in history if since <= day), "")

    for cell in month.cells:
        yield Fact(
            cell.day, partner, cell.link, cell.counts, cell.sums, cell.country, cell.device, cell.sub1,
            names.campaign(partner, cell.link), deal(cell.day), manager, cell.cohort,
        )  # fmt: skip
    if not query.faces:
        for clicked in month.clicked:
            numbers = dict(zip(CLICKS, (clicked.clicks, clicked.unique, clicked.flagged), strict=True))
            yield Fact(
                clicked.day, partner, clicked.link, numbers,
                campaign=names.campaign(partner, clicked.link), deal=deal(clicked.day), manager=manager,
            )  # fmt: skip
    elif query.knows_clicks:
        face = query.faces[0].value
        for part in month.clicks_by(counted.Dimension(face)):
            numbers = dict(zip(CLICKS, (part.clicks, part.unique, part.flagged), strict=True))
            fact = Fact(
                part.day, partner, part.link, numbers,
                campaign=names.campaign(partner, part.link), deal=deal(part.day), manager=manager,
            )  # fmt: skip
            told: dict[str, Any] = {face: part.value}
            yield replace(fact, **told)


def _deals(books: ReportBooks, partners: Sequence[Whose]) -> dict[str, list[tuple[str, str]]]:
    """Since which day each deal version was in force, the latest first. A version begins at a midnight; of two for one
    moment the higher number prices."""

    def of(whose: Whose) -> list[tuple[str, str]]:
        accepted = [each for each in books.configuration.deals(whose.partner) if each.accepted_at is not None]
        accepted.sort(key=lambda each: (each.valid_from, each.version), reverse=True)
        return [(_first_day(milliseconds(each.valid_from)), f"{whose.partner}/{each.version}") for each in accepted]

    histories = _at_once(of, partners)
    return {whose.partner: history for whose, history in zip(partners, histories, strict=True)}


def _first_day(at_ms: int) -> str:
    """The first UTC day that begins at this moment or later."""
    day = day_at(at_ms)
    return day if day_start(day) == at_ms else day_at(at_ms + DAY_MS)


class _Naming:
    """What partners, links and campaigns are called; each kind is read when it is first asked for."""

    def __init__(self, books: ReportBooks, brand: str, partners: Sequence[Whose]) -> None:
        self._books, self._brand = books, brand
        self._partners = {each.partner: each for each in partners}
        self._campaigns: dict[tuple[str, str], str] = {}
        """By partner, and link's id or what stands for a promo code: codes pass from one partner to another."""

    def knows(self, partner: str) -> bool:
        """Whether the report is of this partner."""
        return partner in self._partners

    def manager(self, partner: str) -> str:
        return self._partners[partner].manager

    def campaign(self, partner: str, link: str) -> str:
        """The campaign of a partner's link; empty until `look_up`, and where there is none."""
        return self._campaigns.get((partner, link), "")

    def look_up(self, months: Iterable[MonthOfFigures]) -> None:
        """Reads of which campaign everything is that brought something in these months."""
        seen = {(month.partner, each.link) for month in months for each in month.cells}
        seen |= {(month.partner, each.link) for month in months for each in month.clicked}
        for partner, link in sorted(seen):
            # Empty for clients that came by neither.
            code = code_of(link)
            if code:
                given = self._books.configuration.promo_code(self._brand, code)
                mine = [each.campaign for each in given if each.partner == partner]
                self._campaigns[partner, link] = (mine[-1] or "") if mine else ""
        found = self._books.links.of({link for _, link in seen if link and not code_of(link)})
        self._campaigns |= {each: found[each[1]].campaign for each in seen if each[1] in found}

    def of(self, rows: Dimension, keys: set[str]) -> dict[str, str]:
        """What the rows with these keys are called."""
        keys = keys - {""}
        match rows:
            case Dimension.CAMPAIGN:
                return {
                    each.campaign: each.name
                    for each in self._books.configuration.campaigns(self._brand)
                    if each.campaign in keys
                }
            case Dimension.LINK:
                found = self._books.links.of({key for key in keys if not code_of(key)})
                campaigns = {each.campaign: each.name for each in self._books.configuration.campaigns(self._brand)}
                called = {link: each.name or campaigns.get(each.campaign, "") for link, each in found.items()}
                return {key: code_of(key) or called.get(key) or key for key in keys}
            case Dimension.PARTNER:
                return {key: self._partners[key].name for key in keys}
            case Dimension.MANAGER:
                people = Names(self._books.configuration)
                return {key: people.of(key) or key for key in keys}
            case Dimension.DEAL:
                return {key: self._deal(*key.rsplit("/", 1)) for key in keys}
            case _:
                return {}

    def _deal(self, partner: str, version: str) -> str:
        return version if len(self._partners) == 1 else f"{self._partners[partner].name} {version}"
