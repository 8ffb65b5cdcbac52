"""Verifies the audit trail: every record against its link, every link against the one before, every chain against its
head and against the heads that were kept each day.

It reads all of BOOKS, as operators may. A trail that grows meanwhile is no finding: what is there is read before the
head that says how far the chain is, and whatever seems to be missing is looked for again by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from introducer.domain.audit_chain import (
    GRACE,
    MEANINGS,
    ChainHead,
    Damage,
    Finding,
    Link,
    Recorded,
    RecordKey,
    Trail,
    digest_of,
    findings_of,
)
from introducer.domain.events import milliseconds
from introducer.gateways.audit_heads import Kept
from introducer.store import keys
from introducer.store.audit_chain import ATTRIBUTES, link_place, place_of_item, recorded_of_item
from introducer.store.scans import Stored


class Books(Protocol):
    """What `store.scans.Scans` does."""

    def books(self) -> Iterable[Stored]: ...


class Chains(Protocol):
    """What `store.audit_chain.AuditChain` reads."""

    def head(self, brand: str) -> ChainHead | None: ...
    def links(self, brand: str, through: int) -> Iterable[tuple[int, Link]]: ...
    def places(self, brand: str, records: Iterable[RecordKey]) -> dict[RecordKey, int]: ...
    def items(self, records: Iterable[RecordKey]) -> dict[RecordKey, dict[str, Any]]: ...


@dataclass(slots=True)
class ChainReport:
    """One brand's chain."""

    brand: str
    links: int = 0
    digest: str = ""
    """Of the last link."""
    mended: int = 0
    """Links that an operator made, not the stream."""
    waiting: int = 0
    """Records that are too young to be missed in the chain."""
    kept: int = 0
    """Daily heads that were compared."""
    last_kept: str = ""
    """The day of the newest of them."""
    after_kept: int = 0
    """Links that no kept head covers yet."""


@dataclass(slots=True)
class AuditReport:
    """What was verified, and everything that is wrong."""

    at: datetime
    chains: list[ChainReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchained: list[Recorded] = field(default_factory=list)
    """The records among the findings that have no link."""

    @property
    def good(self) -> bool:
        return not self.findings

    def document(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "at": self.at.isoformat(),
            "good": self.good,
            "chains": [{name: getattr(chain, name) for name in ChainReport.__slots__} for chain in self.chains],
            "findings": [
                {
                    "damage": each.damage.value,
                    "meaning": MEANINGS[each.damage],
                    "brand": each.brand,
                    "what": each.what,
                    "number": each.number,
                }
                for each in self.findings
            ],
        }


def verify_audit(
    books: Books,
    chains: Chains,
    kept: Iterable[Kept],
    *,
    now: datetime,
    brand: str | None = None,
    progress: Callable[[int], None] = lambda items: None,
) -> AuditReport:
    """Everything that is wrong with the trail of one brand, or of all. Raises `Unavailable`."""
    seen = _read(books, progress)
    days: dict[str, list[Kept]] = {}
    for one in kept:
        days.setdefault(one.head.brand, []).append(one)
    brands = sorted(seen.brands() | days.keys()) if brand is None else [brand]
    trails = [_trail(each, seen, chains, now) for each in brands]
    # A record whose brand was edited is missed in one chain, and is not an inserted one of another besides.
    linked = {link.key for trail in trails for link in trail.links.values()}
    report = AuditReport(now)
    report.findings += [Finding(Damage.UNKNOWN, brand or "", what) for what in seen.unknown]
    for trail in trails:
        mine = days.get(trail.brand, [])
        trail.days = [one.head for one in mine]
        own = {link.key for link in trail.links.values()}
        for key in (trail.records.keys() & linked) - own:
            del trail.records[key]
        report.findings += findings_of(trail)
        report.findings += [
            Finding(Damage.HIDDEN, trail.brand, f"the head of {one.head.day}") for one in mine if one.hidden
        ]
        report.unchained += [
            Recorded(trail.brand, key, digest)
            for key, digest in trail.records.items()
            if key not in own and key not in trail.young
        ]
        report.chains.append(_chain_report(trail, own))
    report.unchained.sort(key=lambda record: (record.brand, record.key.at, record.key))
    return report


@dataclass(slots=True)
class _Seen:
    """What a scan found."""

    records: dict[RecordKey, Recorded] = field(default_factory=dict)
    places: dict[str, dict[RecordKey, int]] = field(default_factory=dict)
    through: dict[str, int] = field(default_factory=dict)
    """The highest number of a link, by brand."""
    others: set[str] = field(default_factory=set)
    """Brands that have a head or an item of their own."""
    unknown: list[str] = field(default_factory=list)

    def brands(self) -> set[str]:
        of_records = {record.brand for record in self.records.values()}
        return of_records | self.places.keys() | self.through.keys() | self.others


def _read(books: Books, progress: Callable[[int], None]) -> _Seen:
    seen = _Seen()
    for count, stored in enumerate(books.books(), 1):
        if count % 1000 == 0:
            progress(count)
        letter = stored.item[keys.PK].split("#", 1)[0]
        if letter not in ("A", "K") or not _note(seen, stored):
            if letter in ("A", "K"):
                seen.unknown.append(str(stored))
            elif stored.kind == "brand":
                seen.others.add(keys.parts(stored.item[keys.PK])[1])
    return seen


def _note(seen: _Seen, stored: Stored) -> bool:
    """Notes an item of the trail; whether it is one."""
    item = stored.item
    if stored.kind in ATTRIBUTES and item.keys() != ATTRIBUTES[stored.kind]:
        seen.unknown.append(f"{stored} has other attributes than its kind")
    match stored.kind:
        case "audit":
            recorded = recorded_of_item(item)
            if recorded is not None:
                seen.records[recorded.key] = recorded
            return recorded is not None
        case "audit_link":
            placed = link_place(item)
            if placed is not None:
                seen.through[placed.brand] = max(seen.through.get(placed.brand, 0), placed.number)
            return placed is not None
        case "audit_place":
            placed = place_of_item(item)
            if placed is not None and placed.key is not None:
                seen.places.setdefault(placed.brand, {})[placed.key] = placed.number
            return placed is not None
        case "audit_head":
            seen.others.add(keys.parts(item[keys.PK])[1])
            return True
        case _:
            return False


def _trail(brand: str, seen: _Seen, chains: Chains, now: datetime) -> Trail:
    """All that is known of a brand's trail. The head is read after the records, and says how far links count; what a
    sequencer adds behind it meanwhile is left for the next time."""
    head = chains.head(brand)
    last = head.number if head is not None else 0
    links = dict(chains.links(brand, max(last, seen.through.get(brand, 0))))
    grown: set[RecordKey] = set()
    if links and max(links) > last:
        newer = chains.head(brand)
        if newer is not None and newer.number >= max(links):
            grown = {link.key for number, link in links.items() if number > last}
            links = {number: link for number, link in links.items() if number <= last}
    named = {link.key for link in links.values()}
    records = {key: record.digest for key, record in seen.records.items() if record.brand == brand or key in named}
    if missed := named - records.keys():
        records |= {key: digest_of(item) for key, item in chains.items(missed).items()}
    places = dict(seen.places.get(brand, {}))
    if missed := named - places.keys():
        places |= chains.places(brand, missed)
    # As far as clocks agree: a record of a day to come is never young.
    since, until = milliseconds(now - GRACE), milliseconds(now + GRACE)
    young = {key for key in records if since < key.at < until} | grown
    return Trail(brand=brand, head=head, links=links, records=records, places=places, young=young)


def _chain_report(trail: Trail, own: set[RecordKey]) -> ChainReport:
    newest = max(trail.days, key=lambda day: day.day, default=None)
    last = max(trail.links, default=0)
    return ChainReport(
        brand=trail.brand,
        links=len(trail.links),
        digest=trail.links[last].digest if last else "",
        mended=sum(link.via == "mended" for link in trail.links.values()),
        waiting=len((trail.young & trail.records.keys()) - own),
        kept=len(trail.days),
        last_kept=newest.day if newest else "",
        after_kept=max(0, last - newest.number) if newest else last,
    )
