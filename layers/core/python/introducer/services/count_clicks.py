"""Counts what the FACTS stream shows: clicks by partner, UTC day and link; by source, how many events were accepted,
applied and put into quarantine.

**Clicks are counted exactly once**, however often a batch is delivered and however it is cut. All clicks of one FACTS
partition (a link, a day, a shard) reach us through one shard of the stream, in order, so one position per partition
says what is counted (`store.click_counts`). A refused addition is read again, what is counted is dropped, and the rest
is added. This holds

- while the mapping works a shard in order, one batch at a time (`ParallelizationFactor` 1, its default), and
- while DynamoDB has not split one partition's clicks between two shards. It does so above a thousand writes a second,
  lasting, to one link and day, or at 10 GB; a link that hot gets more shards of our own long before.

**Country, device and sub1 are counted in the same update**, so each of them adds up to the whole. A value of sub1 has
figures of its own when it stands on its link's list (`store.sub_names`).

**A campaign with caps is counted in the same transaction** (`store.campaign_counts`), so it is exactly the sum of its
links; when a batch is counted, the campaigns in it that are full now are closed (`services.fill_campaigns`).

**Events are counted exactly once for every delivery that Lambda is known to make**: the same batch again, a longer one
from the same beginning, either part of one that was halved, and what is left after a failure in the middle. Events of
one source come from as many partitions as it has clients, so positions would not fit into an item. In their place the
day remembers its last `MARKS` batches by the first record, the last one and their number. A piece that neither begins
nor ends with a batch's own would be counted again; `introducer verify` would name the difference.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from introducer.domain.clicks import EMBEDDED, NOWHERE, Click, reason_of
from introducer.domain.errors import IntroducerError, Malformed, Unavailable
from introducer.domain.events import day_of, milliseconds
from introducer.domain.fraud.seen import bucket_of
from introducer.services.fill_campaigns import CampaignFiller
from introducer.store import keys
from introducer.store.campaign_counts import CampaignAddition
from introducer.store.click_counts import ClickCount, Span, position
from introducer.store.clicks import click_from_item, is_click_key
from introducer.store.facts import event_from_image, is_quarantine_key
from introducer.store.intake_days import IntakeDay

MARKS = 16
"""How many batches a source's day remembers, of all shards together."""
TRIES = 8
"""How often an addition is tried against others that write the same counter."""
VALUES = 60
"""Countries and values of sub1 that one update counts, at most: an expression has its limits. Clicks of more go into
further updates."""


class ClickCounter(Protocol):
    """What `store.click_counts.ClickCounts` does."""

    def add(self, addition: ClickCount, spans: Mapping[int, Span], capped: CampaignAddition | None = None) -> bool: ...
    def positions(self, partner: str, day: str, link: str) -> dict[int, str]: ...
    def sub_numbers(self, partner: str, link: str, subs: Iterable[str]) -> Mapping[str, str]: ...


class IntakeCounter(Protocol):
    """What `store.intake_days.IntakeDays` does."""

    def get(self, source: str, day: str) -> IntakeDay: ...
    def add(self, seen: IntakeDay, more: IntakeDay) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Counted:
    """One record's part in a counter."""

    sequence: str
    shard: int = 0
    click: Click | None = None
    event_id: str = ""
    accepted: int = 0
    applied: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    clicks: int = 0
    """Clicks added to counters now, flagged ones included."""
    events: int = 0
    """Events accepted or applied, added now."""
    failed: str | None = None
    """The sequence number from which the stream must deliver again; None when all is counted."""
    error: IntroducerError | None = None


@dataclass(slots=True)
class _Batch:
    clicks: dict[tuple[str, str, str], list[_Counted]] = field(default_factory=dict)
    events: dict[tuple[str, str], list[_Counted]] = field(default_factory=dict)


def count_facts(
    records: Iterable[Mapping[str, Any]],
    clicks: ClickCounter,
    intake: IntakeCounter,
    caps: CampaignFiller | None = None,
) -> Outcome:
    """Count a batch of records of the FACTS stream, in their order. Stops at the first that cannot be counted.

    A record that nobody can read fails as well: everything before it is counted, and the mapping brings it back until
    it goes to the failure queue. Raises nothing of our own tree; `Outcome.error` says what happened.
    """
    batch, outcome = _Batch(), Outcome()
    for record in records:
        try:
            _sort(record, batch)
        except IntroducerError as error:
            outcome.failed, outcome.error = record["dynamodb"]["SequenceNumber"], error
            break
    # Clicks first: after a failure among them no event of this batch is counted, and so none comes as a fragment.
    work: list[tuple[list[_Counted], Callable[[], int]]] = []
    for counter_of, group in batch.clicks.items():
        work.append((group, partial(_add_clicks, counter_of, group, clicks, caps)))
    if caps is not None and work:
        # Then the look: what fails later, in the events or at a record that nobody can read, may not bring these back.
        first = min((group for group, _ in work), key=lambda group: position(group[0].sequence))
        work.append((first, partial(_look_at_caps, batch, caps)))
    for day_of_source, group in batch.events.items():
        work.append((group, partial(_add_events, day_of_source, group, intake)))
    for number, (group, add) in enumerate(work):
        try:
            added = add()
        except IntroducerError as error:
            outcome.failed = min((left[0].sequence for left, _ in work[number:]), key=position)
            outcome.error = error
            break
        if group[0].click is not None:
            outcome.clicks += added
        else:
            outcome.events += added
    return outcome


def _look_at_caps(batch: _Batch, caps: CampaignFiller) -> int:
    """Close the campaigns of this batch that are full now. When it fails, what is counted stays counted, and the batch
    comes again from its first click. It counts nothing itself: 0."""
    campaigns = {record.click.campaign for group in batch.clicks.values() for record in group if record.click}
    for campaign in sorted(campaigns):
        if caps.counts_from(campaign) is not None:
            caps.look_at(campaign)
    return 0


def _sort(record: Mapping[str, Any], batch: _Batch) -> None:
    """Put a record where it is counted. Deletions, and what is neither click nor event, are passed over."""
    change = record["dynamodb"]
    new = change.get("NewImage")
    if not new or record["eventName"] not in ("INSERT", "MODIFY"):
        return
    pk, sequence = change["Keys"][keys.PK]["S"], change["SequenceNumber"]
    if is_click_key(pk):
        if record["eventName"] == "INSERT":
            click = click_from_item(new)
            _, link, day, shard = keys.parts(pk)
            counted = _Counted(sequence, shard=int(shard), click=click)
            batch.clicks.setdefault((click.partner, day, link), []).append(counted)
        return
    if is_quarantine_key(pk):
        if record["eventName"] == "INSERT":
            _, _, source, day = keys.parts(pk)
            counted = _Counted(sequence, event_id=record["eventID"], quarantined=1)
            batch.events.setdefault((source, day), []).append(counted)
        return
    try:
        event, old = event_from_image(new), event_from_image(change.get("OldImage") or {})
    except (KeyError, ValueError, TypeError) as error:
        raise Malformed("An event in the stream cannot be read.", code="malformed_event") from error
    if event is None:
        return
    accepted = int(record["eventName"] == "INSERT")
    # A mark that is taken away (the event is to be applied again) counts back.
    applied = int(event.applied_at is not None) - int(old is not None and old.applied_at is not None)
    if accepted or applied:
        day = day_of(event.accepted_at or event.occurred_at)
        counted = _Counted(sequence, event_id=record["eventID"], accepted=accepted, applied=applied)
        batch.events.setdefault((event.source, day), []).append(counted)


def _add_clicks(
    name: tuple[str, str, str],
    group: list[_Counted],
    counter: ClickCounter,
    caps: CampaignFiller | None,
) -> int:
    """Add what is not counted yet of one counter's clicks; how many those were."""
    return sum(_add_part(name, part, counter, caps) for part in _parts(group))


def _parts(group: list[_Counted]) -> Iterable[list[_Counted]]:
    """The clicks of one counter, in their order, in parts of at most `VALUES` values."""
    part: list[_Counted] = []
    values: set[tuple[str, str]] = set()
    for record in group:
        click = record.click
        more = {("country", click.country), ("sub1", click.subs[0])} if click is not None else set()
        if part and len(values | more) > VALUES:
            yield part
            part, values = [], set()
        part.append(record)
        values |= more
    if part:
        yield part


def _add_part(
    name: tuple[str, str, str],
    group: list[_Counted],
    counter: ClickCounter,
    caps: CampaignFiller | None,
) -> int:
    partner, day, link = name
    first = group[0].click
    # All clicks of a link are of one campaign.
    caps_from = None if caps is None or first is None else caps.counts_from(first.campaign)
    for _ in range(TRIES):
        if not group:
            return 0
        spans: dict[int, Span] = {}
        for record in group:
            at = position(record.sequence)
            spans[record.shard] = Span(spans[record.shard].first if record.shard in spans else at, at)
        people = [record.click for record in group if record.click is not None and record.click.counts]
        addition = ClickCount(
            partner,
            day,
            link,
            clicks=len(people),
            unique=sum(click.unique for click in people),
            flagged=len(group) - len(people),
            stuffed=sum(record.click is not None and EMBEDDED in record.click.flags for record in group),
            buckets=tuple(sorted(Counter(bucket_of(click.prefix) for click in people if click.prefix).items())),
            reasons=tuple(sorted(_reasons(group).items())),
            by=_by(name, group, counter),
        )
        capped = None
        if caps_from is not None and first is not None:
            counting = sum(milliseconds(click.at) >= caps_from for click in people)
            capped = CampaignAddition(first.campaign, counting) if counting else None
        if counter.add(addition, spans, capped):
            return len(group)
        counted = counter.positions(partner, day, link)
        group = [record for record in group if position(record.sequence) > counted.get(record.shard, "")]
    raise Unavailable("The counter is written by too many at once: try again.", code="counter_contended")


def _by(
    name: tuple[str, str, str], group: Iterable[_Counted], counter: ClickCounter
) -> dict[str, tuple[tuple[str, int, int, int], ...]]:
    """The clicks by country, by device and by sub1: value, of people, unique, flagged. What nobody knows is not
    written: it is what is missing from the whole."""
    partner, _, link = name
    found: dict[str, dict[str, list[int]]] = {"country": {}, "device": {}, "sub1": {}}
    clicks = [record.click for record in group if record.click is not None]
    subs = counter.sub_numbers(partner, link, {click.subs[0] for click in clicks})
    for click in clicks:
        sub1 = subs[click.subs[0]]
        numbers = (int(click.counts), int(click.counts and click.unique), int(not click.counts))
        for dimension, value in (("country", click.country), ("device", click.device), ("sub1", sub1)):
            if value and value != NOWHERE:
                held = found[dimension].setdefault(value, [0, 0, 0])
                held[:] = (before + more for before, more in zip(held, numbers, strict=True))
    return {
        dimension: tuple((value, clicks, unique, flagged) for value, (clicks, unique, flagged) in sorted(sums.items()))
        for dimension, sums in found.items()
        if sums
    }


def _reasons(group: Iterable[_Counted]) -> Counter[str]:
    return Counter(reason_of(record.click.flags) for record in group if record.click and record.click.flags)


def _add_events(name: tuple[str, str], group: list[_Counted], counter: IntakeCounter) -> int:
    """Add what is not counted yet of one source's day; how many events those were."""
    source, day = name
    for _ in range(TRIES):
        seen = counter.get(source, day)
        new = uncounted([_short(record.event_id) for record in group], seen.marks.split())
        left = group[len(group) - new :]
        if not left:
            return 0
        mark = f"{_short(left[0].event_id)}:{_short(left[-1].event_id)}:{len(left)}"
        marks = " ".join([*seen.marks.split(), mark][-MARKS:])
        more = IntakeDay(
            source,
            day,
            sum(record.accepted for record in left),
            sum(record.applied for record in left),
            sum(record.quarantined for record in left),
            marks,
        )
        if counter.add(seen, more):
            return len(left)
    raise Unavailable("The counter is written by too many at once: try again.", code="counter_contended")


def uncounted(ids: list[str], marks: list[str]) -> int:
    """How many records at the end of a row are in none of the marked batches (`first:last:number`)."""
    begin, again = 0, True
    while again and begin < len(ids):
        again = False
        for mark in marks:
            first, last, number = mark.split(":")
            if ids[begin] == first:
                # From the same beginning: the same batch, a longer one, or the front part of one that was cut.
                begin, again = min(begin + int(number), len(ids)), True
            elif last in ids[begin : begin + int(number)]:
                # To the same end: the back part of one that was cut.
                begin, again = ids.index(last, begin) + 1, True
            if begin == len(ids):
                break
    return len(ids) - begin


def _short(event_id: str) -> str:
    """A record's id in eight characters: 48 bits, among a few hundred that are compared."""
    return urlsafe_b64encode(hashlib.blake2b(event_id.encode(), digest_size=6).digest()).decode()
