"""Which of a brand's deals wait for an answer, are in force, begin later, or are over?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import DealRecord, Partner
from introducer.domain.errors import NotFound
from introducer.services.people import Names
from introducer.services.read_deal_of_partner import Phase, VersionInLine, phases_of
from introducer.services.read_partners import NOBODY
from introducer.store.configuration import Configuration
from introducer.store.paging import Page

MOST_LOOKED_AT = 200
"""Versions that one page looks at; the next page goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealInList:
    """A version of a partner's deal in a line."""

    partner: str
    name: str
    manager: str | None
    manager_name: str
    version: int
    phase: Phase
    begins: datetime
    """For a proposal: when it would begin if it were accepted now."""
    ends: datetime | None
    """When another version takes over; None where none is known."""
    accepted_at: datetime | None
    kinds: tuple[str, ...]
    """Of its rules, sorted."""


def read_deals_of_brand(
    configuration: Configuration,
    *,
    brand: str,
    phase: Phase,
    manager: str = "",
    kind: str = "",
    cursor: str | None,
    limit: int,
    at: datetime,
) -> Page[DealInList]:
    """A page of the versions in this phase: proposals the newest first, others by when they begin, the last first; of
    partners of one manager (or of `nobody`) and with a rule of one kind alone, where these are given.

    What a version is depends on the partner's others, so each partner's are read: a query and an item for each that is
    looked at. A page may have fewer than `limit`, and others behind it. Raises `Unavailable`.
    """
    partners = _Partners(configuration, at)
    names = Names(configuration)
    found: list[DealInList] = []
    looked = 0
    while len(found) < limit and looked < MOST_LOOKED_AT:
        page = configuration.deals_of_brand(
            brand, accepted=phase is not Phase.PROPOSED, cursor=cursor, limit=limit - len(found)
        )
        looked += limit - len(found)
        for record in page.items:
            known = partners.of(record.partner)
            line = known.lines.get(record.version) if known else None
            if known is None or line is None or line.phase is not phase:
                continue
            if manager not in ("", known.partner.manager or NOBODY) or (kind and kind not in line.kinds):
                continue
            found.append(
                DealInList(
                    partner=known.partner.partner,
                    name=known.partner.name,
                    manager=known.partner.manager,
                    manager_name=names.of(known.partner.manager or ""),
                    version=line.version,
                    phase=line.phase,
                    begins=line.begins,
                    ends=line.ends,
                    accepted_at=record.accepted_at,
                    kinds=line.kinds,
                )
            )
        cursor = page.cursor
        if cursor is None:
            break
    return Page(tuple(found), cursor)


@dataclass(frozen=True, slots=True)
class _Known:
    partner: Partner
    lines: Mapping[int, VersionInLine]


class _Partners:
    """Partners with all versions of their deals, each read once."""

    def __init__(self, configuration: Configuration, at: datetime) -> None:
        self._configuration, self._at = configuration, at
        self._known: dict[str, _Known | None] = {}

    def of(self, partner: str) -> _Known | None:
        """None for one that is gone."""
        if partner not in self._known:
            try:
                found = self._configuration.partner(partner)
            except NotFound:
                self._known[partner] = None
            else:
                records: Sequence[DealRecord] = self._configuration.deals(partner)
                self._known[partner] = _Known(found, {line.version: line for line in phases_of(records, self._at)})
        return self._known[partner]
