"""What must hold of the books when a schedule has ended, whatever happened on the way.

The measure is one clean fold of all accepted facts under the contracts as they are now, and, where it knows the world,
the independent naive reference: an engine that is wrong in every order alike is found there.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from introducer.domain.client import ClientState
from introducer.domain.configuration import Status
from introducer.domain.counts import Counts, add_counts
from introducer.domain.earnings import HistoryNeeded, accrue
from introducer.domain.errors import RateMissing
from introducer.domain.events import Event, day_of
from introducer.domain.ledger import HOUSE, Journal, Key
from introducer.store import keys, scans
from introducer.store.clients import fold_text, state_from_item
from introducer.store.event_counts import count_key_of
from introducer.store.facts import event_from_item
from introducer.store.ledger import balance_attribute, earned_attribute, journal_from_item
from introducer.store.settlements import SettledMonth, month_of_part, settled_from_item
from introducer.store.wire import from_wire
from tests.faults.schedules import Schedule, Violation
from tests.faults.stores import BOOKS, FACTS
from tests.faults.worlds import DEALS, GRANTS, LAST_RATES, LINK_TERMS, PARENTS, PUBLISHED, SINCE
from tests.support.builders import BRAND, CLICK_KEY
from tests.support.reference import Reference

kind_of = lru_cache(maxsize=10_000)(scans.kind_of)
"""The same keys are looked at for each schedule."""


def check(schedule: Schedule) -> Counter[str]:
    """Check the books, deliver everything once more, check again. Says what the schedule was about."""
    before = Found(schedule)
    _nothing_lost(schedule, before)
    _books_agree(before)
    schedule.deliver_all_again()
    found = Found(schedule)
    _nothing_lost(schedule, found)
    _books_agree(found)
    _as_one_fold(schedule, found)
    _as_the_reference(schedule, found)
    _written_once(schedule)
    _closed_months_stand(schedule, found)
    return Counter(
        {
            "events": len(found.events),
            "journals": len(found.journals),
            "earned": bool(found.journals),
            "clawed back": any(journal.amount < 0 for journal in found.journals),
            "posted late": any(journal.post_month > journal.key.earn_month for journal in found.journals),
            "closed": bool(schedule.closed),
            "blocked": schedule.world.blocks,
            "waited for rates": bool(schedule.quarantined),
        }
    )


class Found:
    """What stands in the tables."""

    def __init__(self, schedule: Schedule) -> None:
        self.events: list[Event] = []
        self.quarantined: list[Mapping[str, Any]] = []
        self.states: dict[str, ClientState] = {}
        self.journals: list[Journal] = []
        self.balances: dict[str, Mapping[str, Any]] = {}
        self.settled: dict[str, dict[str, SettledMonth]] = {}
        self.counts: Counts = {}
        months: list[Mapping[str, Any]] = []
        parts: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for item in map(from_wire, schedule.store.items(FACTS).values()):
            if kind_of(keys.FACTS, item[keys.PK], item[keys.SK]) == "event":
                self.events.append(event_from_item(item))
            else:
                self.quarantined.append(item)
        for item in map(from_wire, schedule.store.items(BOOKS).values()):
            match kind_of(keys.BOOKS, item[keys.PK], item[keys.SK]):
                case "client":
                    state = state_from_item(item)
                    self.states[state.client] = state
                case "journal":
                    self.journals.append(journal_from_item(item))
                case "balance":
                    self.balances[keys.parts(item[keys.PK])[1]] = item
                case "settled":
                    months.append(item)
                case "settled_part" | "settled_posted":
                    parts[month_of_part(item)].append(item)
                case "event_count" | "event_count_unsaid":
                    self._count(item)
        for item in months:
            partner, month = keys.parts(item[keys.PK])[1], keys.unescape(item[keys.SK])
            self.settled.setdefault(partner, {})[month] = settled_from_item(item, parts[partner, month])

    def _count(self, item: Mapping[str, Any]) -> None:
        key = count_key_of(keys.Key(item[keys.PK], item[keys.SK]))
        assert key is not None, "a counter of events"
        self.counts[key] = {name: value for name, value in item.items() if name not in (keys.PK, keys.SK)}

    def posted(self) -> dict[Key, int]:
        """The sum of journals of each key that has one."""
        sums: dict[Key, int] = defaultdict(int)
        for journal in self.journals:
            sums[journal.key] += journal.amount
        return {key: amount for key, amount in sums.items() if amount}


def _nothing_lost(schedule: Schedule, found: Found) -> None:
    """Every event is accepted, and applied; only what can never be priced is in quarantine instead."""
    same(
        {(*event.key, event.client) for event in schedule.world.events},
        {(*e.key, e.client) for e in found.events},
        "events",
    )
    world = schedule.world
    kept = {(item["client"], item["event_id"]) for item in found.quarantined}
    for event in found.events:
        refused = world.refused is not None and (event.client, event.key) == (world.refused.client, world.refused.key)
        errors = schedule.quarantined.get((event.client, event.key), [])
        late = world.rates_through < LAST_RATES and all(isinstance(error, RateMissing) for error in errors)
        if refused or (event.client in world.spoiled and event.applied_at is None):
            if event.applied_at is not None or (event.client, event.event_id) not in kept:
                raise Violation(f"event {event.client} {event.event_id} should lie in quarantine, and not be applied")
        elif event.applied_at is None:
            raise Violation(f"event {event.client} {event.event_id} is not applied; quarantine: {errors}")
        elif errors and not late and event.client not in world.spoiled:
            raise Violation(f"event {event.client} {event.event_id} went to quarantine: {errors[0]!r}")


def _books_agree(found: Found) -> None:
    """Journals, client states and balances say the same."""
    for journal in found.journals:
        if sum(leg.amount for leg in journal.legs) != 0:
            raise Violation(f"the legs of {journal.id} do not sum to zero")
        if journal.post_month < journal.key.earn_month:
            raise Violation(f"{journal.id} is posted before the month it was earned in")
    said: dict[Key, int] = {}
    for partner, months in found.settled.items():
        if left := [month for month, each in months.items() if not each.seen]:
            raise Violation(f"months of {partner} are settled only in part: {sorted(left)}")
        for month in months.values():
            said |= month.posted
    for state in found.states.values():
        if state.unfinished or state.uncounted:
            raise Violation(f"client {state.client} is written only in part")
        said |= state.posted
    same(said, found.posted(), "posted in states and settled months, and the sum of journals")
    sums: dict[str, dict[str, int]] = {partner: defaultdict(int) for partner in found.balances}
    for journal in found.journals:
        balance = sums.setdefault(journal.key.partner, defaultdict(int))
        for leg in journal.legs:
            if leg.account != HOUSE:
                bucket, _, day = leg.account.partition(".")
                balance[balance_attribute(journal.key.currency, bucket, day)] += leg.amount
        balance[earned_attribute(journal.key.currency, journal.key.earn_month)] += journal.amount
    for partner, expected in sums.items():
        item = found.balances.get(partner, {})
        # Amounts have their currency before a dot; what has no dot is about the balance.
        stands = {name: value for name, value in item.items() if "." in name}
        same(without_nothing(expected), without_nothing(stands), f"balance of {partner}")


def _as_one_fold(schedule: Schedule, found: Found) -> None:
    """States, journals and counters are those of one clean fold of everything that happened."""
    counts: Counts = {}
    owed: dict[Key, int] = {}
    for client, events in _accepted(schedule, found).items():
        contracts = schedule.contracts().contracts_for([], events)
        try:
            clean = accrue(ClientState(BRAND, client), events, contracts)
        except HistoryNeeded:
            raise Violation("a clean fold asks for history") from None
        add_counts(counts, clean.counts)
        owed |= clean.state.posted
        if client not in found.states:
            raise Violation(f"client {client} has no state")
        same(_said(clean.state), _said(found.states[client]), f"state of {client}")
    settled = {key for months in found.settled.values() for month in months.values() for key in month.posted}
    posted = {key: amount for key, amount in found.posted().items() if key not in settled}
    same(owed, posted, "target, and the sum of journals")
    same(_counted(counts), _counted(found.counts), "counters")


def _accepted(schedule: Schedule, found: Found) -> dict[str, list[Event]]:
    """What the books must say of each client: everything the platform sent, save what lies in quarantine."""
    applied = {(event.client, event.key) for event in found.events if event.applied_at is not None}
    clients: dict[str, list[Event]] = {}
    for event in schedule.world.events:
        if (event.client, event.key) in applied:
            clients.setdefault(event.client, []).append(event)
    return clients


def _as_the_reference(schedule: Schedule, found: Found) -> None:
    """The sum of journals is what a naive reading of the deals owes, settled months included."""
    configuration = schedule.stores.configuration
    deals, standings = {}, {}
    for partner, versions in DEALS.items():
        records = configuration.deals(partner)
        since = [SINCE, *(day_of(record.valid_from) for record in records[1:] if record.accepted_at is not None)]
        deals[partner] = list(zip(since, versions, strict=False))
        decided = sorted(configuration.standings(partner), key=lambda each: (each.decided_at, each.standing))
        standings[partner] = [(each.since.isoformat(), each.status is Status.BLOCKED) for each in decided]
    reference = Reference(
        deals,
        LINK_TERMS,
        {day: units for day, units in PUBLISHED.items() if units},
        {0: CLICK_KEY},
        standings,
        {partner: [("", parent)] for partner, parent in PARENTS.items()},
        codes=GRANTS,
    )
    events = [event for client in _accepted(schedule, found).values() for event in client]
    same(reference.owed(events), found.posted(), "what the reference owes, and the sum of journals")


def _written_once(schedule: Schedule) -> None:
    """Journals never change once written, and an event is marked as applied once."""
    for record in schedule.store.stream(BOOKS):
        if kind_of(keys.BOOKS, *record.place) == "journal" and record.old is not None:
            raise Violation(f"journal {record.place[1]} was changed")
    for record in schedule.store.stream(FACTS):
        if record.old is None or record.new is None or kind_of(keys.FACTS, *record.place) != "event":
            continue
        marks = [image.get("applied_at") for image in (record.old, record.new)]
        if marks[0] is not None and marks[0] != marks[1]:
            raise Violation(f"event {record.place[1]} was applied twice")


def _closed_months_stand(schedule: Schedule, found: Found) -> None:
    """Nothing was posted into a month after it was closed."""
    for partner, month, stood in schedule.closed:
        more = set(schedule.journals_through(partner, month)) ^ stood
        if more:
            raise Violation(f"{len(more)} journals of {partner} were posted into {month} after it was closed")


def same(expected: Any, found: Any, what: str) -> None:
    """Raise `Violation` with what differs."""
    if expected == found:
        return
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        differs = "; ".join(f"{name}: {expected.get(name)} and {found.get(name)}" for name in names[:4])
        raise Violation(f"{what}: {differs}")
    raise Violation(f"{what}: {expected} and {found}")


def without_nothing(values: Mapping[Any, int]) -> dict[Any, int]:
    """The values that are not zero."""
    return {name: value for name, value in values.items() if value}


def _said(state: ClientState) -> dict[str, Any]:
    """What a state says, part by part, so that a difference can be named."""
    said: dict[str, Any] = json.loads(fold_text(state))
    return said


def _counted(counts: Counts) -> dict[Any, int]:
    return {(*key, name): value for key, values in counts.items() for name, value in values.items() if value}
