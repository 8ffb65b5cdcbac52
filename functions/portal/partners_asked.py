"""Which partners an address asks for: the filters of the list, and of what is done to all that it has."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from visit import Visit

from introducer.domain.configuration import PartnerKind, Status
from introducer.domain.errors import Malformed
from introducer.services.read_partners import By, Order, Wanted, partners_wanted
from introducer.services.read_segments import segment_for

LONGEST_SEARCH = 120
FILTERS = ("q", "manager", "status", "kind", "country", "segment", "sort")
"""What an address may ask for."""
_COUNTRY = re.compile(r"([A-Z]{2})?", re.ASCII)


def wanted_in(visit: Visit) -> Wanted:
    """What the address asks for. Raises `Malformed`, `NotFound` for a segment that there is not."""
    assert visit.member is not None
    text, status, kind, country = (visit.query(name) for name in ("q", "status", "kind", "country"))
    sound = len(text) <= LONGEST_SEARCH and status in ("", *Status) and kind in ("", *PartnerKind)
    if not sound or not _COUNTRY.fullmatch(country):
        raise Malformed(
            f"q has at most {LONGEST_SEARCH} characters; status is active, suspended or blocked, kind affiliate or ib,"
            " country two capital letters.",
            code="bad_query",
        )
    segment = visit.query("segment")
    chosen = None
    if segment:
        chosen = segment_for(visit.portal.broadcast_books.segments, member=visit.member, segment=segment).chosen
    return Wanted(text=text, manager=visit.query("manager"), status=status, kind=kind, country=country, segment=chosen)


def those_meant(visit: Visit, path: str, most: int) -> tuple[list[str], int, int, str | None]:
    """Who is meant on `path`: each `partner` that is named; or with `all` those that the filters of the list have, by
    their numbers, from the one after `after` on, at most so many. Beside them how many there are in all, how many come
    after these, and the address of those."""
    if not visit.query("all"):
        named = list(dict.fromkeys(visit.queries("partner")))
        return named, len(named), 0, None
    cards = partners_wanted(
        visit.portal.configuration,
        visit.portal.broadcast_books.results,
        brand=visit.brand,
        wanted=wanted_in(visit),
        now=visit.now,
    )
    after = visit.query("after")
    ahead = sorted(card.partner for card in cards if card.partner > after)
    now, later = ahead[:most], ahead[most:]
    asked = {name: visit.query(name) for name in (*FILTERS, "do") if visit.query(name)}
    following = f"{path}?{urlencode(asked | {'all': '1', 'after': now[-1]})}" if later else None
    return now, len(cards), len(later), following


def manager_in(visit: Visit) -> str:
    """A member of staff, or `nobody`; empty where it is not asked. Raises `Malformed`."""
    asked = visit.query("manager")
    if len(asked) > LONGEST_SEARCH:
        raise Malformed("manager is a member of staff, or nobody.", code="bad_query")
    return asked


def order_in(visit: Visit) -> Order:
    """The order that the address asks for: `ftd` from the least on, `-ftd` from the most. Raises `Malformed`."""
    asked = visit.query("sort")
    try:
        return Order(By(asked.removeprefix("-") or By.NAME), asked.startswith("-"))
    except ValueError:
        raise Malformed(
            f"sort is one of {', '.join(By)}, with a minus before it the other way.", code="bad_query"
        ) from None
