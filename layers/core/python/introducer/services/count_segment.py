"""Whom does a segment mean now? Two queries over the brand, its cards and its lines of results, and no scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.configuration import PartnerCard, Status, status_at
from introducer.domain.events import day_of
from introducer.domain.segment import Segment, members_of
from introducer.store.configuration import Configuration
from introducer.store.results import Results

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """How many are meant, of how many, and some of them."""

    partners: int
    of: int
    some: tuple[PartnerCard, ...]
    oldest: str
    """The UTC day of the oldest line that was asked; empty where there is none."""
    not_active: int = 0
    """How many of those that fit are suspended or blocked: a segment that asks for no status means them too."""


def partners_in(
    configuration: Configuration, results: Results, *, brand: str, segment: Segment, now: datetime
) -> list[PartnerCard]:
    """The brand's partners that fit, in the order of their ids. Raises `Unavailable`."""
    return members_of(segment, cards_now(configuration, brand, now), results.of_brand(brand), day_of(now))


def cards_now(configuration: Configuration, brand: str, now: datetime) -> Iterator[PartnerCard]:
    """Every partner of a brand in a line, with the status that it has now: what was decided last may be for a moment
    to come, and a card has that already. Raises `Unavailable`."""
    return (card_now(configuration, card, now) for card in configuration.every_card(brand))


def card_now(configuration: Configuration, card: PartnerCard, now: datetime) -> PartnerCard:
    """A partner in a line with the status that it has now. Raises `Unavailable`."""
    if card.status_since is not None and card.status_since > now:
        return replace(card, status=status_at(now, configuration.standings(card.partner)))
    return card


def count_segment(
    configuration: Configuration, results: Results, *, brand: str, segment: Segment, now: datetime
) -> Counted:
    """How many of the brand's partners fit now. Raises `Unavailable`."""
    cards, lines = list(cards_now(configuration, brand, now)), results.of_brand(brand)
    found = members_of(segment, cards, lines, day_of(now))
    oldest = min((line.day for line in lines), default="")
    not_active = sum(card.status is not Status.ACTIVE for card in found)
    return Counted(len(found), len(cards), tuple(found[:SHOWN]), oldest, not_active)
