"""Which partners does a brand have, as staff look for them: by name, manager, standing, kind, country or segment, in
the order that is asked for, each with what it brought in the last 30 days.

A brand's cards and lines of results are two queries, and are filtered and put in order in memory, as segments are: no
index could hold every order, and both are a line per partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from introducer.domain.configuration import Brand, PartnerCard, PartnerKind, Status
from introducer.domain.events import day_of
from introducer.domain.fraud.person import Person
from introducer.domain.identity import EMAIL, keyed_hash, normal_email
from introducer.domain.money import Money
from introducer.domain.results import ResultLine
from introducer.domain.segment import Segment, fits
from introducer.services.count_segment import card_now, cards_now
from introducer.services.people import Names
from introducer.store.configuration import Configuration
from introducer.store.paging import Page
from introducer.store.person_index import PersonIndex
from introducer.store.results import Results

NOBODY = "nobody"
"""In the place of a manager: whom nobody looks after."""


class By(StrEnum):
    """What a list is put in order by."""

    NAME = "name"
    JOINED = "joined"
    CLICKS = "clicks"
    FTD = "ftd"
    NET_REVENUE = "net_revenue"
    """In the brand's base currency; nothing is converted."""
    TREND = "trend"
    ACTIVE = "active"


class Order(NamedTuple):
    """From the least to the most, or the other way round."""

    by: By = By.NAME
    down: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; empty is everything."""

    text: str = ""
    """A part of a name, or the beginning of a number."""
    manager: str = ""
    """A member of staff, or `nobody`."""
    status: str = ""
    kind: str = ""
    country: str = ""
    segment: Segment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerInList:
    """A partner in a line, with the results of its line as of `day`; None where no night has passed since it came."""

    partner: str
    brand: str
    name: str
    kind: PartnerKind
    status: Status
    """As decided last: it may be for a moment to come (`status_since`). Who is looked for by status, is so now."""
    country: str
    manager: str | None
    manager_name: str
    currency: str
    status_since: datetime | None
    clicks_30: int | None
    ftd_30: int | None
    qftd_30: int | None
    net_revenue_30: tuple[Money, ...]
    trend: int | None
    last_active_day: str
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnersFound:
    page: Page[PartnerInList]
    total: int
    """How many there are on all pages."""
    of: int
    """Of how many of the brand."""
    oldest: str
    """The UTC day of the oldest line of results; empty where there is none."""
    countries: tuple[str, ...]
    """Of all of the brand's partners."""


def read_partners(
    configuration: Configuration,
    results: Results,
    *,
    brand: Brand,
    wanted: Wanted,
    order: Order,
    cursor: str | None,
    limit: int,
    now: datetime,
) -> PartnersFound:
    """A page of them. Raises `Unavailable`."""
    decided = {card.partner: card for card in configuration.every_card(brand.brand)}
    cards, lines = [card_now(configuration, card, now) for card in decided.values()], _lines(results, brand.brand)
    found = _in_order(_fitting(cards, lines, wanted, day_of(now)), lines, order, brand.base_currency)
    start = _start(found, cursor)
    shown = found[start : start + limit]
    names = Names(configuration)
    more = start + limit < len(found)
    return PartnersFound(
        page=Page(
            tuple(_row(decided[card.partner], lines.get(card.partner), names) for card in shown),
            f"{start + limit} {shown[-1].partner}" if more else None,
        ),
        total=len(found),
        of=len(cards),
        oldest=min((line.day for line in lines.values()), default=""),
        countries=tuple(sorted({card.country for card in cards})),
    )


def partners_wanted(
    configuration: Configuration, results: Results, *, brand: Brand, wanted: Wanted, now: datetime
) -> list[PartnerCard]:
    """All of them, in the order of their numbers. Raises `Unavailable`."""
    lines = _lines(results, brand.brand)
    return _fitting(cards_now(configuration, brand.brand, now), lines, wanted, day_of(now))


def partner_of_email(persons: PersonIndex, *, brand: str, brand_key: bytes, email: str, now: datetime) -> str | None:
    """The partner of whose logins one has this e-mail; it is looked for by its keyed hash. Raises `Invalid` for what is
    no e-mail, `Unavailable`."""
    person = Person(EMAIL, keyed_hash(brand_key, EMAIL, normal_email(email)))
    found = persons.known(brand, [person], now).get(person)
    return found.member_of or None if found else None


def _lines(results: Results, brand: str) -> dict[str, ResultLine]:
    return {line.partner: line for line in results.of_brand(brand)}


def _fitting(
    cards: Iterable[PartnerCard], lines: Mapping[str, ResultLine], wanted: Wanted, today: str
) -> list[PartnerCard]:
    text = " ".join(wanted.text.split()).casefold()
    return [
        card
        for card in cards
        if (not text or text in card.name.casefold() or card.partner.casefold().startswith(text))
        and (not wanted.manager or (card.manager or NOBODY) == wanted.manager)
        and wanted.status in ("", card.status)
        and wanted.kind in ("", card.kind)
        and wanted.country in ("", card.country)
        and (wanted.segment is None or fits(wanted.segment, card, lines.get(card.partner), today))
    ]


def _in_order(
    cards: Sequence[PartnerCard], lines: Mapping[str, ResultLine], order: Order, currency: str
) -> list[PartnerCard]:
    """Whoever has no figure comes last, either way; of equals the name decides, then the number."""
    found = sorted(cards, key=lambda card: (card.name.casefold(), card.partner))
    if order.by is By.NAME:
        return found[::-1] if order.down else found
    values = {card.partner: _value(order.by, card, lines.get(card.partner), currency) for card in found}
    known = sorted(
        (card for card in found if values[card.partner] is not None),
        key=lambda card: values[card.partner],
        reverse=order.down,
    )
    return known + [card for card in found if values[card.partner] is None]


def _value(by: By, card: PartnerCard, line: ResultLine | None, currency: str) -> Any:
    """What is compared; None where there is nothing."""
    if by is By.JOINED:
        # Numbers begin with the moment at which they were given.
        return card.partner
    if line is None:
        return None
    match by:
        case By.CLICKS:
            return line.clicks_30
        case By.FTD:
            return line.ftd_30
        case By.NET_REVENUE:
            return line.net_revenue_30.get(currency, 0)
        case By.TREND:
            return line.trend
        case _:
            return line.last_active_day


def _start(found: Sequence[PartnerCard], cursor: str | None) -> int:
    """After the last partner of the page before, wherever it stands now; where it is gone, so far down the list."""
    if cursor is None:
        return 0
    place, _, partner = cursor.partition(" ")
    return next((n + 1 for n, card in enumerate(found) if card.partner == partner), int(place))


def _row(card: PartnerCard, line: ResultLine | None, names: Names) -> PartnerInList:
    known = {field.name: getattr(card, field.name) for field in fields(PartnerCard)}
    return PartnerInList(
        **known,
        manager_name=names.of(card.manager or ""),
        clicks_30=line.clicks_30 if line else None,
        ftd_30=line.ftd_30 if line else None,
        qftd_30=line.qftd_30 if line else None,
        net_revenue_30=tuple(Money(minor, code) for code, minor in sorted(line.net_revenue_30.items())) if line else (),
        trend=line.trend if line else None,
        last_active_day=line.last_active_day if line else "",
        day=line.day if line else "",
    )
