"""A client is erased: what says who it is goes out of its events, clicks, traces and messages, and out of the index of
persons. What was earned by it stays as it was, to the last unit, and so does the audit trail.

First a mark is set: what the client's platform sends later is kept without what says who it is. Then everything is
emptied item by item. All of it may be repeated, and is when it was cut off: the same command goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from introducer.domain.calendar import day_at, plus_days, plus_months
from introducer.domain.client import ClientState
from introducer.domain.configuration import Change
from introducer.domain.erasing import BUCKET, CLICK_TRAITS, PERSON_TRAITS, SUB_GONE, TRAITS, Erasure, Stays
from introducer.domain.errors import Conflict, Malformed, NotFound
from introducer.domain.events import day_of, milliseconds
from introducer.domain.fraud.seen import bucket_of
from introducer.domain.identity import CLIENT, keyed_hash
from introducer.store import keys
from introducer.store.click_counts import click_counts
from introducer.store.clicks import key_of
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.erasing import Erasing
from introducer.store.facts import QUARANTINE_DAYS
from introducer.store.holdings import Holdings
from introducer.store.paging import every
from introducer.store.scans import Stored
from introducer.store.sub_names import attribute
from introducer.store.traces import PERSONAL

TRACE_TRAITS = (*PERSONAL, "disposable")

UNDER_WAY = timedelta(hours=1)
"""An event that is not in the books after so long waits for a person, and not for the engine."""

STAYS = (
    Stays(
        what="the client's events, its state and the entries of the books, under its keyed hash",
        why="partners were paid by them: the books are kept, and verify recomputes them",
        until="as long as the books are kept",
    ),
    Stays(
        what="what partners' trackers and the brand's own systems were told by postbacks: a pseudonym, click ids",
        why="they are not ours to reach",
        until="as long as those keep it",
    ),
    Stays(
        what="the audit trail, this erasure among it",
        why="it is never edited; it names the client by its keyed hash alone",
        until="as long as the books are kept",
    ),
    Stays(
        what="logs that name the keyed hash",
        why="they are only ever appended to",
        until="the days of LogRetentionDays",
    ),
    Stays(
        what="backups of both tables, with what was erased",
        why="a point in time can only be restored whole: erase again after restoring",
        until="35 days",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What erasing a client reads and writes."""

    clients: Clients
    configuration: Configuration
    holdings: Holdings
    erasing: Erasing


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing to do."""

    what: str
    do: Callable[[], None]


def client_hash(brand_key: bytes, platform_id: str) -> str:
    """What the books call the client that the platform knows by this id."""
    return keyed_hash(brand_key, CLIENT, platform_id)


def erase_client(
    books: Books, *, brand: str, client: str, change: Change, now: datetime, dry_run: bool = False
) -> Erasure:
    """What was erased, or would be. `client` is the keyed hash.

    Raises `NotFound` for a client of whom nothing was ever known, `Conflict` while its events are on their way into the
    books (code `being_applied`: try again in a minute), and `Unavailable`: then try again, it goes on where it stopped.
    """
    before = books.erasing.client_erased_at(brand, client)
    state = books.clients.state(brand, client)
    held = _held(books, brand, client, state)
    if before is None and state is None and not any(each.kind == "event" for each in held):
        raise NotFound("Nothing is known of this client: check the brand and the id.", code="no_such_client")
    _check_settled(held, now)
    deeds = list(_deeds(books, brand, client, state, held, now))
    done = Counter(deed.what for deed in deeds)
    if not dry_run and (before is None or deeds):
        # The mark comes first: what is sent meanwhile must not bring back what is being removed.
        books.erasing.begin_client(brand, client, change, done)
        for deed in deeds:
            deed.do()
        # What was accepted between reading and marking.
        for deed in _deeds(books, brand, client, state, _held(books, brand, client, state), now, days=2):
            done[deed.what] += 1
            deed.do()
    return Erasure(subject=client, brand=brand, done=dict(done), stays=STAYS, before=before, dry=dry_run)


def _held(books: Books, brand: str, client: str, state: ClientState | None) -> list[Stored]:
    partners = {segment.partner for segment in state.timeline} if state else set()
    day = day_at(state.anchor) if state and state.anchor is not None else None
    return books.holdings.of_client(brand, client, sorted(partners), day)


def _check_settled(held: list[Stored], now: datetime) -> None:
    """An event with traits that the engine is about to apply would be counted after it was counted back."""
    young = milliseconds(now - UNDER_WAY)
    for stored in held:
        item = stored.item
        if (
            stored.kind == "event"
            and "applied_at" not in item
            and item.get("accepted_at", 0) > young
            and item.keys() & set(TRAITS)
        ):
            raise Conflict(
                "Events of this client are on their way into the books: try again in a minute.", code="being_applied"
            )


def _deeds(
    books: Books,
    brand: str,
    client: str,
    state: ClientState | None,
    held: list[Stored],
    now: datetime,
    days: int = QUARANTINE_DAYS + 1,
) -> Iterator[_Deed]:
    """`days` are those of which messages are looked through, today the last."""
    events = [stored for stored in held if stored.kind == "event"]
    erasing = books.erasing
    # First: some are found by what the events still say.
    yield from _messages(books, brand, client, events, now, days)
    for stored in events:
        if not stored.item.keys() & set(TRAITS):
            continue
        if is_counted(stored, state):
            counted = [each for each in books.holdings.persons(brand, [stored]) if each.item.get("clients", 0) > 0]
            yield from (_Deed("persons counted back", _nothing) for _ in counted)
            yield _Deed("events", partial(erasing.forget_registration, stored))
        else:
            yield _emptied(erasing, "events", stored, TRAITS)
    for stored in held:
        if stored.kind == "delivery":
            yield _Deed("postbacks about the client", partial(erasing.delete, stored))
        if stored.kind == "trace" and stored.item.keys() & set(TRACE_TRAITS):
            yield _emptied(erasing, "traces", stored, TRACE_TRAITS)
    clicks = books.holdings.clicks(_clicks_of(state, events))
    # Before the clicks forget them.
    yield from _names_of_one(books, clicks, now)
    for stored in clicks:
        if stored.item.keys() & set(CLICK_TRAITS):
            network = stored.item.get("prefix")
            instead: dict[str, int] = {BUCKET: bucket_of(network)} if network else {}
            if "sub1" in stored.item:
                instead[SUB_GONE] = 1
            yield _Deed("clicks", partial(erasing.empty, stored, instead, CLICK_TRAITS))


def _names_of_one(books: Books, clicks: list[Stored], now: datetime) -> Iterator[_Deed]:
    """Values of sub1 that no other clicks had: what a partner wrote for this one visitor may name it. Counters know
    them by number, and stand. What others came by too names a place."""
    items = [each.item for each in clicks if "sub1" in each.item]
    own = Counter((item["partner"], item["link"], item["sub1"]) for item in items)
    for (partner, link, sub1), number_of_clicks in own.items():
        for listed in books.holdings.items(keys.BOOKS, [keys.key("sub_names", partner=partner, link=link)]):
            number = listed.item.get(attribute(sub1))
            if number is not None and _counted_under(books, partner, link, str(number), now) <= number_of_clicks:
                yield _Deed("values of sub1", partial(books.erasing.empty, listed, {}, [attribute(sub1)]))


def _counted_under(books: Books, partner: str, link: str, number: str, now: datetime) -> int:
    """How many clicks a link had with a value of sub1, as far back as clicks are kept."""
    month, counted = plus_months(day_of(now)[:7], -_CLICK_MONTHS), 0
    while month <= day_of(now)[:7]:
        items = books.holdings.partition(keys.BOOKS, keys.partition("click_count", partner=partner, month=month))
        for count in click_counts(each.item for each in items):
            if count.link == link:
                counted += sum(
                    clicks + flagged for value, clicks, _, flagged in count.by.get("sub1", ()) if value == number
                )
        month = plus_months(month, 1)
    return counted


_CLICK_MONTHS = 14
"""Clicks are kept for 400 days, unless the stack says otherwise: a value that came back after that is none of one
visitor's."""


def _messages(books: Books, brand: str, client: str, events: list[Stored], now: datetime, days: int) -> Iterator[_Deed]:
    """Quarantined messages of the client. One whose event waits to be replayed keeps its place, and says no more."""
    waiting = {_identity(each.item) for each in events if "applied_at" not in each.item}
    for stored in _messages_of(books, brand, client, events, now, days):
        source = keys.parts(stored.item[keys.PK])[2]
        if (source, stored.item.get("event_id", "")) in waiting:
            if stored.item["message"] != "{}":
                yield _Deed("quarantined messages", partial(books.erasing.empty, stored, {"message": "{}"}))
        else:
            yield _Deed("quarantined messages", partial(books.erasing.delete, stored))


def _messages_of(
    books: Books, brand: str, client: str, events: list[Stored], now: datetime, days: int = QUARANTINE_DAYS + 1
) -> Iterator[Stored]:
    sources = _sources(books.configuration, brand) | {_identity(each.item)[0] for each in events}
    looked_at = [plus_days(day_of(now), -back) for back in range(days)]
    hashes = {str(each.item[trait]) for each in events for trait in PERSON_TRAITS.values() if each.item.get(trait)}
    return books.holdings.messages(brand, client, sorted(sources), looked_at, hashes)


def held_of(books: Books, brand: str, client: str, now: datetime) -> list[Stored]:
    """All that is held of a client, for its export; nothing when nothing is known of it."""
    state = books.clients.state(brand, client)
    held = _held(books, brand, client, state)
    events = [stored for stored in held if stored.kind == "event"]
    if not held:
        return []
    return [
        *held,
        *books.holdings.clicks(_clicks_of(state, events)),
        *books.holdings.persons(brand, events),
        *_messages_of(books, brand, client, events, now),
    ]


def _emptied(erasing: Erasing, what: str, stored: Stored, names: tuple[str, ...]) -> _Deed:
    return _Deed(what, partial(erasing.empty, stored, remove=names))


def _nothing() -> None:
    """Done by another deed, in its transaction."""


def is_counted(stored: Stored, state: ClientState | None) -> bool:
    """Whether this event is the one by which the engine counted the client's persons."""
    if state is None or state.registered is None or "applied_at" not in stored.item:
        return False
    key = _identity(stored.item)
    return key == (state.registered.source, state.registered.event_id) and key not in state.cancelled


def _identity(event: Mapping[str, Any]) -> tuple[str, str]:
    """Source and id of an event's item."""
    source, event_id = keys.parts(event[keys.SK])
    return source, event_id


def _sources(configuration: Configuration, brand: str) -> set[str]:
    """Who posts for the brand."""
    return {source.source for source in every(lambda cursor: configuration.sources_of_brand(brand, cursor))}


def _clicks_of(state: ClientState | None, events: list[Stored]) -> list[keys.Key]:
    """The keys of the clicks that the client came by, or named."""
    named = set(state.visits) if state else set()
    named |= {str(each.item["click_id"]) for each in events if "click_id" in each.item}
    found = []
    for click in sorted(named):
        try:
            found.append(key_of(click))
        except Malformed:
            continue
    return found
