"""The audit trail as a chain: what each link says, and every way in which a trail can be seen to be damaged.

A change writes its record in its own transaction. Afterwards one sequencer per brand gives each record a number and a
link. The link holds a digest of the record and one of the link before it, so that a record, or a link, that is edited,
removed, inserted or moved no longer fits its neighbours. A digest of the newest link, kept once a day where nobody can
write over it, shows a trail that was cut at its end or written anew as a whole.

Digests are SHA-256, hex, of canonical JSON: sorted names, no spaces, text as UTF-8.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

VERSION = "introducer-audit-1"
"""Stands in every digest of a link: another way to make them gets another name."""

GRACE = timedelta(minutes=15)
"""So long a record may be without a link before it counts as inserted: the stream brings it within seconds."""


class Via(StrEnum):
    """How a record came into the chain."""

    STREAM = "stream"
    MENDED = "mended"
    """An operator chained it: it was written before there was a chain, or the stream had lost it."""


class RecordKey(NamedTuple):
    """Which record: its subject, its moment in milliseconds, its id."""

    subject: str
    at: int
    audit: str

    def __str__(self) -> str:
        return f"{self.audit} about {self.subject}"


class Recorded(NamedTuple):
    """A record as the sequencer needs it."""

    brand: str
    key: RecordKey
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One record's place in the chain of a brand."""

    brand: str
    number: int
    """Counts from 1 without a gap."""
    key: RecordKey
    record: str
    """The digest of the record."""
    via: str
    linked_at: int
    """When it was chained, in milliseconds."""
    previous: str
    """The digest of the link before; of nothing but the brand for the first."""
    digest: str = ""

    @property
    def true_digest(self) -> str:
        """The digest that this link must have."""
        said = [VERSION, self.brand, self.number, *self.key, self.record, self.via, self.linked_at, self.previous]
        return _digest(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """How far a brand's chain is: its last link's number and digest."""

    brand: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyHead:
    """A chain's head as it was kept on a UTC day, out of reach of whoever may write the books."""

    brand: str
    day: str
    number: int
    digest: str


def digest_of(record: Mapping[str, object]) -> str:
    """The digest of a record: of every attribute that its item has, key included."""
    return _digest(record)


def beginning(brand: str) -> ChainHead:
    """The head of a chain without a link."""
    return ChainHead(brand=brand, number=0, digest=_digest([VERSION, brand]))


def links_after(head: ChainHead, records: Sequence[Recorded], via: Via, at_ms: int) -> list[Link]:
    """The links of these records behind a head, in their order."""
    links: list[Link] = []
    number, previous = head.number, head.digest
    for record in records:
        number += 1
        link = Link(
            brand=head.brand,
            number=number,
            key=record.key,
            record=record.digest,
            via=via.value,
            linked_at=at_ms,
            previous=previous,
        )
        link = replace(link, digest=link.true_digest)
        previous = link.digest
        links.append(link)
    return links


def head_at(link: Link) -> ChainHead:
    """The head of a chain that ends with this link."""
    return ChainHead(brand=link.brand, number=link.number, digest=link.digest)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# ------------------------------------------------------------------------------------------------------ what is wrong


class Damage(StrEnum):
    """What can be seen to have happened to a trail."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    TWICE = "twice"
    REORDERED = "reordered"
    LINK_EDITED = "link_edited"
    LINK_REMOVED = "link_removed"
    BROKEN = "broken"
    CUT = "cut"
    HEAD = "head"
    PLACE = "place"
    REWRITTEN = "rewritten"
    HIDDEN = "hidden"
    UNKNOWN = "unknown"


MEANINGS: Mapping[Damage, str] = {
    Damage.EDITED: "the record is not what was chained",
    Damage.REMOVED: "the record was chained, and is gone",
    Damage.INSERTED: "the record is in no chain",
    Damage.TWICE: "the record is chained more than once",
    Damage.REORDERED: "a link stands in the place of another",
    Damage.LINK_EDITED: "the link is not what its digest says",
    Damage.LINK_REMOVED: "a link is missing",
    Damage.BROKEN: "the link does not follow from the one before",
    Damage.CUT: "the chain ends too early",
    Damage.HEAD: "the head is not the chain's last link",
    Damage.PLACE: "the note of where a record is chained is wrong",
    Damage.REWRITTEN: "the chain is not the one whose head was kept that day",
    Damage.HIDDEN: "a kept head was hidden or covered by another",
    Damage.UNKNOWN: "an item among the trail's is none of its kinds, or not as its kind is",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a trail."""

    damage: Damage
    brand: str
    what: str
    """Which record, link or day, in words."""
    number: int | None = None
    """The link's, where it is about one."""


@dataclass(slots=True)
class Trail:
    """All that is known of a brand's trail."""

    brand: str
    head: ChainHead | None = None
    links: dict[int, Link] = field(default_factory=dict)
    """By the number that their place says."""
    records: dict[RecordKey, str] = field(default_factory=dict)
    """The digests of the records that are there: all of the brand's, and all that links name."""
    places: dict[RecordKey, int] = field(default_factory=dict)
    young: set[RecordKey] = field(default_factory=set)
    """Records that may still be without a link."""
    days: list[DailyHead] = field(default_factory=list)


def findings_of(trail: Trail) -> list[Finding]:
    """Everything that is wrong with a trail; empty for one that is whole."""
    return list(_findings(trail))


def _findings(trail: Trail) -> Iterator[Finding]:
    links, brand = trail.links, trail.brand
    last = max(links, default=0)
    head = trail.head or beginning(brand)
    numbers_of = {link.digest: number for number, link in links.items()}
    linked: dict[RecordKey, int] = {}
    before: str | None = beginning(brand).digest
    for number in range(1, last + 1):
        link = links.get(number)
        if link is None:
            yield Finding(Damage.LINK_REMOVED, brand, f"link {number} is not there", number)
            before = None
            continue
        yield from _of_link(trail, number, link, before, numbers_of, linked)
        linked.setdefault(link.key, number)
        before = link.digest
    yield from _of_head(trail, head, last)
    for day in sorted(trail.days, key=lambda each: each.day):
        yield from _of_day(trail, day, last)
    for key in trail.records:
        if key not in linked and key not in trail.young:
            yield Finding(Damage.INSERTED, brand, str(key))
    for key, number in trail.places.items():
        if key not in linked and key not in trail.young:
            yield Finding(Damage.PLACE, brand, f"{key} is noted as link {number}, which is another's", number)


def _of_link(
    trail: Trail,
    number: int,
    link: Link,
    before: str | None,
    numbers_of: Mapping[str, int],
    linked: Mapping[RecordKey, int],
) -> Iterator[Finding]:
    brand = trail.brand
    if (link.brand, link.number) != (brand, number):
        what = f"link {link.number} of {link.brand} stands in the place of link {number}"
        yield Finding(Damage.REORDERED, brand, what, number)
    if link.true_digest != link.digest:
        yield Finding(Damage.LINK_EDITED, brand, f"link {number}, for {link.key}", number)
    if before is not None and link.previous != before:
        other = numbers_of.get(link.previous)
        if other is None:
            yield Finding(Damage.BROKEN, brand, f"link {number} follows another link {number - 1}", number)
        else:
            yield Finding(Damage.REORDERED, brand, f"link {number} follows link {other}", number)
    if link.key in linked:
        yield Finding(Damage.TWICE, brand, f"{link.key}: links {linked[link.key]} and {number}", number)
    found = trail.records.get(link.key)
    if found is None:
        yield Finding(Damage.REMOVED, brand, str(link.key), number)
    elif found != link.record:
        yield Finding(Damage.EDITED, brand, str(link.key), number)
    noted = trail.places.get(link.key)
    if noted is None:
        yield Finding(Damage.PLACE, brand, f"{link.key} is not noted as link {number}", number)
    elif noted != number and link.key not in linked:
        yield Finding(Damage.PLACE, brand, f"{link.key} is noted as link {noted}, and is link {number}", number)


def _of_head(trail: Trail, head: ChainHead, last: int) -> Iterator[Finding]:
    if head.number > last:
        what = f"its head is link {head.number}, the last one there is {last}"
        yield Finding(Damage.CUT, trail.brand, what, head.number)
    elif trail.head is None and last:
        yield Finding(Damage.HEAD, trail.brand, f"there is no head, and {last} links", last)
    elif head.number < last:
        yield Finding(Damage.HEAD, trail.brand, f"its head is link {head.number}, the last one is {last}", last)
    else:
        end = trail.links[last].digest if last else beginning(trail.brand).digest
        if (head.brand, head.digest) != (trail.brand, end):
            yield Finding(Damage.HEAD, trail.brand, f"its digest is not that of link {last}", last)


def _of_day(trail: Trail, day: DailyHead, last: int) -> Iterator[Finding]:
    if day.number > last:
        what = f"on {day.day} it had {day.number} links, now it has {last}"
        yield Finding(Damage.CUT, trail.brand, what, day.number)
        return
    link = trail.links.get(day.number)
    if day.number and link is None:
        # That it is missing was said already.
        return
    digest = link.digest if link is not None else beginning(trail.brand).digest
    if (day.brand, day.digest) != (trail.brand, digest):
        what = f"link {day.number} is not the one that was kept on {day.day}"
        yield Finding(Damage.REWRITTEN, trail.brand, what, day.number)
