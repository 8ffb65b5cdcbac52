"""What FACTS says: one pass over the table; the events of each client are handed on and forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from introducer.domain import click_id
from introducer.domain.calendar import day_at
from introducer.domain.clicks import EMBEDDED, reason_of
from introducer.domain.counts import CountKey
from introducer.domain.erasing import BUCKET
from introducer.domain.errors import Conflict
from introducer.domain.events import Event, day_of, milliseconds
from introducer.domain.fraud.seen import bucket_of
from introducer.services.verify.books_side import MALFORMED, unknown, unreadable
from introducer.services.verify.report import Difference, Intake, Kind, Waiting
from introducer.services.verify.sources_side import SourcesSide
from introducer.store import keys
from introducer.store.click_counts import bucket_attribute, reason_attribute
from introducer.store.clients import ClientKey
from introducer.store.facts import event_from_item
from introducer.store.scans import Stored, place

OfClient = Callable[[ClientKey, list[Event]], None]
"""What is done with the applied events of a client."""


class FactsSide:
    """All that must be known of FACTS, taken in one item at a time; `finish` after the last one.

    It grows with clients, counters and what is not applied, never with events or clicks.
    """

    def __init__(
        self,
        of_client: OfClient,
        click_keys: Mapping[int, bytes],
        began_at: int,
        sources: SourcesSide,
        of_click: Callable[[Mapping[str, Any]], None] = lambda item: None,
    ) -> None:
        self.differences: list[Difference] = []
        self.events = self.applied = self.clicks = self.flagged = 0
        self.moved = 0
        self.clients: set[ClientKey] = set()
        """Clients with at least one applied event."""
        self.click_counts: dict[CountKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.intake: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """Accepted and applied events by source and the UTC day on which they were accepted."""
        self.waiting: list[Waiting] = []
        self._of_client, self._of_click = of_client, of_click
        self._click_keys = click_keys
        self._began_at = began_at
        self._sources = sources
        self._pending: list[tuple[str, str, str, str]] = []
        self._quarantined: dict[tuple[str, str, str, str], str] = {}
        self._messages: dict[str, int] = defaultdict(int)
        self._client: ClientKey | None = None
        self._run: list[Event] = []

    @property
    def quarantined(self) -> int:
        """Messages in quarantine."""
        return sum(self._messages.values())

    def take(self, stored: Stored) -> None:
        """One more item. Raises `Conflict` when the events of a client do not come together."""
        if not stored.kind:
            self.differences.append(unknown(stored))
            return
        try:
            if stored.kind == "click":
                self._click(stored)
                return
            if stored.kind == "quarantined":
                self._message(stored)
                return
            if stored.kind == "erased":
                return
            event = event_from_item(stored.item)
        except MALFORMED as error:
            self.differences.append(unreadable(stored, error))
        else:
            self._event(event)

    def finish(self) -> None:
        """Hand on the last client, and tell the events that wait from those that were lost."""
        self._hand_on()
        for brand, source, client, event_id in sorted(self._pending):
            reason = self._quarantined.get((brand, source, client, event_id))
            if reason is None:
                key = keys.key("event", brand=brand, client=client, source=source, event=event_id)
                what = f"event {event_id} of {source}, client {client}"
                self.differences.append(
                    Difference(Kind.NOT_APPLIED, what, "applied", "accepted only", place(keys.FACTS, key))
                )
            else:
                self.waiting.append(Waiting(source, event_id, client, reason))

    def completeness(self) -> tuple[Intake, ...]:
        """The figures of each source."""
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for (source, _), counts in self.intake.items():
            for name, number in counts.items():
                sums[source][name] += number
        return tuple(
            Intake(source, sums[source]["accepted"], sums[source]["applied"], self._messages.get(source, 0))
            for source in sorted(sums.keys() | self._messages.keys())
        )

    def _event(self, event: Event) -> None:
        client = (event.brand, event.client)
        if client != self._client:
            self._hand_on()
            if client in self.clients:
                raise Conflict(
                    "The events of a client stand apart in the scan of FACTS: they cannot be folded in one pass.",
                    code="scan_out_of_order",
                )
            self._client = client
        accepted = event.accepted_at or event.occurred_at
        counts = self.intake[event.source, day_of(accepted)]
        self.events += 1
        counts["accepted"] += 1
        if event.applied_at is not None:
            self.applied += 1
            counts["applied"] += 1
            self.moved += milliseconds(event.applied_at) > self._began_at
            self._run.append(event)
        elif milliseconds(accepted) > self._began_at:
            # It came while we were reading: the engine is at it.
            self.moved += 1
        else:
            self._pending.append((event.brand, event.source, event.client, event.event_id))

    def _hand_on(self) -> None:
        if self._run and self._client:
            self.clients.add(self._client)
            self._of_client(self._client, self._run)
        self._run = []

    def _click(self, stored: Stored) -> None:
        item = stored.item
        _, link, day, shard = keys.parts(stored.key.pk)
        flags = item.get("flags", [])
        self.clicks += 1
        self.flagged += bool(flags)
        self.moved += item["at"] > self._began_at
        self._of_click(item)
        key = CountKey(item["partner"], day, link)
        counts = self.click_counts[key]
        self._sources.click(item, key, counts)
        if flags:
            counts["flagged"] += 1
            counts["stuffed"] += EMBEDDED in flags
            counts[reason_attribute(reason_of(flags))] += 1
        else:
            counts["clicks"] += 1
            counts["unique"] += bool(item.get("unique"))
            # Where its client was erased, the click has the bucket in place of the network.
            if "prefix" in item or BUCKET in item:
                counts[bucket_attribute(item.get(BUCKET, bucket_of(item.get("prefix", ""))))] += 1
        for what, expected, found in self._contradictions(item, keys.parts(stored.key.sk)[0], link, day, shard):
            self.differences.append(
                Difference(Kind.CLICK, f"click {item['click']}: {what}", expected, found, str(stored))
            )

    def _contradictions(
        self, item: Mapping[str, Any], key: str, link: str, day: str, shard: str
    ) -> list[tuple[str, str, str]]:
        """Where a click is not what its signed id says: what, expected, found."""
        click = click_id.read(key)
        if click is None or (click.key_number in self._click_keys and not click_id.verify(key, self._click_keys)):
            return [("id", "one that the redirect signed", "another")]
        says = {
            "id": (key, item["click"]),
            "link": (click.link_id, link),
            "link of the item": (click.link_id, item["link"]),
            "day": (day_at(click.at_ms), day),
            "time": (str(click.at_ms), str(item["at"])),
            "partition": (str(click.shard), shard),
            "flagged": (str(click.flagged), str(bool(item.get("flags")))),
        }
        return [(what, expected, found) for what, (expected, found) in says.items() if expected != found]

    def _message(self, stored: Stored) -> None:
        _, brand, source, _ = keys.parts(stored.key.pk)
        self._messages[source] += 1
        item = stored.item
        if item.get("event_id") and item.get("client"):
            self._quarantined[brand, source, item["client"], item["event_id"]] = item["reason"]
