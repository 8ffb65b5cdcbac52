"""Verify the books: recompute from the facts what they must say, and name each place where they say something else.

From scratch and by the pure domain alone: each client's applied events are folded once, under the configuration as it
stands in its append-only versions. Then states, targets, journals, balances and counters are compared with what BOOKS
holds. Nothing is repaired, and nothing is written.

Both tables are read once. Memory grows with clients, partners and counters (about three kilobytes per client), not with
events or clicks: the events of a client come together and are forgotten when they are folded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from introducer.domain.calendar import day_at, plus_days
from introducer.domain.client import ClientState
from introducer.domain.contest_score import as_seen
from introducer.domain.contracts import Contracts
from introducer.domain.counts import CountKey, ScoreKey
from introducer.domain.earnings import accrue
from introducer.domain.errors import IntroducerError
from introducer.domain.events import Event, milliseconds
from introducer.domain.ledger import Key
from introducer.domain.money import FINE, show_ratio
from introducer.services.verify.amounts import Says, compare, is_currency, money, of_journals
from introducer.services.verify.books_side import CLICK_METRICS, INTAKE_METRICS, MALFORMED, BooksSide, unreadable
from introducer.services.verify.facts_side import FactsSide
from introducer.services.verify.partners_side import PartnersSide
from introducer.services.verify.report import Difference, Kind, Report
from introducer.services.verify.shown import lists_apart
from introducer.services.verify.sources_side import gone
from introducer.services.verify.statements_side import statement_differences
from introducer.store import keys
from introducer.store.click_counts import SOURCED, is_dimension
from introducer.store.clients import ClientKey, fold_text, state_from_item, state_hash, state_to_item
from introducer.store.event_counts import count_key
from introducer.store.scans import Stored, place
from introducer.store.settlements import SettledMonth, settled_texts

CLICK_DAYS = 400
"""Days that raw clicks are kept, unless the stack says otherwise (parameter `ClickTtlDays`)."""

_TELL_EVERY = 200

Progress = Callable[[str, int], None]
"""Told now and then: which table is being read, and how many of its items have been."""


class ReadsTables(Protocol):
    """Both tables, whole (`store.scans.Scans`). The items of one partition key must come together."""

    def facts(self) -> Iterator[Stored]: ...

    def books(self) -> Iterator[Stored]: ...


def verify_books(
    tables: ReadsTables,
    *,
    click_keys: Mapping[int, bytes],
    now: datetime,
    elapsed: Callable[[], float],
    click_days: int = CLICK_DAYS,
    progress: Progress = lambda table, items: None,
) -> Report:
    """Read everything, recompute, compare.

    `now` is the installation's own time, `elapsed` counts seconds from any beginning. Books that are being written
    meanwhile can look different from the facts; `Report.moved` says so. Raises `Unavailable` when a table cannot be
    read.
    """
    began = elapsed()
    books = BooksSide()
    for stored in _told(tables.books(), keys.BOOKS, progress):
        books.take(stored)
    books.finish()
    contracts = books.contracts(click_keys)
    partners = PartnersSide(books, contracts)
    clients = _Clients(books, contracts, partners, milliseconds(now))
    facts = FactsSide(clients.compare, click_keys, milliseconds(now), books.sources, books.caps.click)
    for stored in _told(tables.facts(), keys.FACTS, progress):
        facts.take(stored)
    facts.finish()
    clients.compare_rest(facts.clients)
    clicks_from = plus_days(day_at(milliseconds(now)), 1 - click_days)
    differences = [
        *books.differences,
        *facts.differences,
        *clients.differences,
        *partners.differences(),
        *_left(books),
        *statement_differences(books),
        *books.payouts.differences(books.published()),
        *books.cases.differences(books.balances),
        *books.contests.differences(clients.scores),
        *books.traces.differences(milliseconds(now)),
        *books.sources.differences(),
        *_balances(books),
        *_counts(Kind.EVENT_COUNT, *clients.told_apart(clients.counts, books.event_counts)),
        *_counts(Kind.CLICK_COUNT, _since(facts.click_counts, clicks_from), _since(books.click_counts, clicks_from)),
        *books.caps.differences(clicks_from),
        *_intake(facts, books),
    ]
    states = state_hash(books.states())
    return Report(
        at=now,
        events=facts.events,
        applied=facts.applied,
        quarantined=facts.quarantined,
        clicks=facts.clicks,
        flagged=facts.flagged,
        clients=len(books.clients),
        journals=books.journals,
        partners=len(books.balances.keys() | books.journal_balances.keys()),
        months=len(books.settled),
        adjustments=len(books.adjusted),
        statements=len(books.statements),
        sums={currency: minor for currency, minor in sorted(books.sums.items()) if minor},
        intake=facts.completeness(),
        waiting=tuple(facts.waiting),
        unsettled=partners.unsettled,
        clicks_from=clicks_from,
        moved=facts.moved,
        differences=tuple(differences),
        state_hash=states,
        books_hash=_books_hash(states, books),
        seconds=elapsed() - began,
        payouts=books.payouts.totals(),
        money_differences=books.payouts.money_differences(books.journal_balances, books.balances),
    )


class _Clients:
    """Recomputes client after client, and compares each with its item and its journals."""

    def __init__(self, books: BooksSide, contracts: Contracts, partners: PartnersSide, at_ms: int) -> None:
        self.differences: list[Difference] = []
        self.counts: dict[CountKey, dict[str, int]] = {}
        self.scores: dict[ScoreKey, dict[str, int]] = {}
        """What partners score in contests that are not counted for good."""
        self._unsure: set[tuple[str, str, str]] = set()
        """Partners, days and links with clients without a state: it alone says what they knew of their clicks."""
        self._books = books
        self._contracts = contracts
        self._partners = partners
        self._at_ms = at_ms

    def compare(self, client: ClientKey, applied: list[Event]) -> None:
        """A client with applied events."""
        _, scope = client
        found = self._found(client)
        try:
            # What it knew of its clicks when it was counted: a click that expired, or came late, changes no counter.
            start = ClientState(*client, came=found.came) if found else ClientState(*client)
            transition = accrue(start, applied, self._as_folded(found))
        except Exception as error:  # Whatever a fold raises, the next client is still to be looked at.
            said = error.detail if isinstance(error, IntroducerError) else type(error).__name__
            what = f"client {scope}: its {len(applied)} applied events"
            where = f"{keys.FACTS} {keys.partition('event', brand=client[0], client=scope)}"
            self.differences.append(Difference(Kind.NOT_RECOMPUTABLE, what, "a fold", said, where))
            self._partners.take_unknown(scope)
            self._books.traces.take_unknown(scope)
            self._journals(scope, found.posted.keys() if found else set(), {})
            return
        for key, values in transition.counts.items():
            sums = self.scores.setdefault(key, {}) if isinstance(key, ScoreKey) else self.counts.setdefault(key, {})
            for name, value in values.items():
                sums[name] = sums.get(name, 0) + value
            if found is None and isinstance(key, CountKey):
                self._unsure.add(key[:3])
        expected = transition.state
        self._partners.take(expected)
        self._books.traces.compare(expected, transition.traced, self._at_ms)
        self._books.contests.take_client(*client, applied, self._contracts, found.visits if found else {})
        if found is None:
            if client not in self._books.clients:
                what = f"client {scope}: its state"
                self._differ(client, Kind.CLIENT_MISSING, what, f"a fold of {len(applied)} events", "nothing")
        else:
            self._compare_states(client, expected, found)
        posted = None if found is None else found.posted
        journals = self._journals(scope, expected.posted.keys() | (posted or {}).keys(), expected.posted)
        says = Says(_client_place(client), Kind.POSTED, Kind.TARGET)
        self.differences += compare(expected.posted, posted, journals, says)

    def told_apart(
        self, should: Mapping[CountKey, Mapping[str, int]], says: Mapping[CountKey, Mapping[str, int]]
    ) -> tuple[dict[CountKey, dict[str, int]], dict[CountKey, dict[str, int]]]:
        """Counters of events, by source as far as can be said."""
        return self._by_source(should), self._by_source(says)

    def _by_source(self, counts: Mapping[CountKey, Mapping[str, int]]) -> dict[CountKey, dict[str, int]]:
        found: dict[CountKey, dict[str, int]] = {}
        for key, values in counts.items():
            sums = found.setdefault(CountKey(*key[:3]) if key[:3] in self._unsure else key, {})
            for name, value in values.items():
                sums[name] = sums.get(name, 0) + value
        return found

    def compare_rest(self, with_events: set[ClientKey]) -> None:
        """States of clients that no applied event is about."""
        for client in sorted(self._books.clients.keys() - with_events):
            what = f"client {client[1]}: its state"
            self._differ(client, Kind.CLIENT_WITHOUT_EVENTS, what, "no state, for want of applied events", "a state")

    def _journals(self, scope: str, own: Set[Key], targets: Mapping[Key, int]) -> Mapping[Key, int]:
        """The sums of the journals of the client's own rules, which are then accounted for. Settling posts for clients
        too; where a rule changed hands, both have journals of one key."""
        sums = self._books.posted.get(scope, {})
        found = {key: sums.pop(key) for key in own & sums.keys()}
        for key, summed in found.items():
            target = targets.get(key, 0)
            if summed != target and key in self._books.settled_month((key.partner, key.earn_month)).posted:
                found[key], sums[key] = target, summed - target
        return found

    def _as_folded(self, found: ClientState | None) -> Contracts:
        """The contracts with the windows of contests that run as this client was folded under them: one that was moved
        since counts anew with its next event."""
        if found is None or not found.contests:
            return self._contracts
        windows = {
            brand: tuple(as_seen(each, found.contests.get(each.contest)) for each in listed)
            for brand, listed in self._contracts.windows.items()
        }
        return replace(self._contracts, windows=windows, _bases={})

    def _found(self, client: ClientKey) -> ClientState | None:
        item = self._books.clients.get(client)
        if item is None:
            return None
        try:
            return state_from_item(item)
        except MALFORMED as error:
            self.differences.append(unreadable(Stored("client", item), error))
            return None

    def _compare_states(self, client: ClientKey, expected: ClientState, found: ClientState) -> None:
        # What was posted has differences of its own, key by key.
        should = json.loads(fold_text(replace(expected, posted={})))
        says = json.loads(fold_text(replace(found, posted={})))
        for name in sorted(should.keys() | says.keys()):
            if should.get(name) != says.get(name):
                what = f"client {client[1]}: {name}"
                self._differ(client, Kind.CLIENT_STATE, what, *lists_apart(should.get(name), says.get(name)))
        listing = state_to_item(expected)
        item = self._books.clients[client]
        for name in (keys.OWNER_PK, keys.OWNER_SK):
            if listing.get(name) != item.get(name):
                what = f"client {client[1]}: {name}"
                values = (str(listing.get(name, "none")), str(item.get(name, "none")))
                self._differ(client, Kind.CLIENT_LISTING, what, *values)

    def _differ(self, client: ClientKey, kind: Kind, what: str, expected: str, found: str) -> None:
        self.differences.append(Difference(kind, what, expected, found, _client_place(client)))


def _left(books: BooksSide) -> Iterator[Difference]:
    """Adjustments and prizes, and the journals that no client, no settled month and none of those accounts for."""
    left = {key: summed for sums in books.posted.values() for key, summed in sums.items()}
    owed = books.adjusted | books.contests.owed()
    for key in sorted(left.keys() | owed.keys()):
        target, summed = owed.get(key, 0), left.get(key, 0)
        if target != summed:
            yield of_journals(key, target, summed)


def _books_hash(states: str, books: BooksSide) -> str:
    """Over what is posted for settled months too. Months for which nothing is posted say nothing: whether they were
    ever settled depends on the order of delivery."""
    digest = hashlib.sha256(states.encode())
    for month_of in sorted(books.settled):
        if posted := books.settled_month(month_of).posted:
            told = settled_texts(SettledMonth(posted))["posted"]
            digest.update(f"\n{' '.join(month_of)} {told}".encode())
    return digest.hexdigest()


def _balances(books: BooksSide) -> Iterator[Difference]:
    """Each amount of a balance is the sum of its legs; each month's earned is the sum of its journals."""
    for partner in sorted(books.balances.keys() | books.journal_balances.keys()):
        should, says = books.journal_balances.get(partner, {}), books.balances.get(partner, {})
        for name in sorted(should.keys() | says.keys()):
            expected, found = should.get(name, 0), says.get(name, 0)
            if expected != found:
                currency = name.partition(".")[0]
                yield Difference(
                    Kind.BALANCE,
                    f"{partner} {name}",
                    money(expected, currency),
                    money(found, currency),
                    place(keys.BOOKS, keys.key("balance", partner=partner)),
                )


def _counts(
    kind: Kind, should: Mapping[CountKey, Mapping[str, int]], says: Mapping[CountKey, Mapping[str, int]]
) -> Iterator[Difference]:
    """Each number of each counter."""
    for key in sorted(should.keys() | says.keys()):
        expected, found = should.get(key, {}), says.get(key, {})
        if kind is Kind.CLICK_COUNT:
            names: Iterable[str] = CLICK_METRICS
            if found.get(SOURCED, 0) >= found.get("clicks", 0) + found.get("flagged", 0):
                names = (*CLICK_METRICS, SOURCED, *sorted(filter(is_dimension, expected.keys() | found.keys())))
            erased = gone(expected, found)
            found = {name: number - erased.get(name, 0) for name, number in found.items()}
            item = keys.key("click_count", partner=key.partner, month=key.day[:7], day=key.day, link=key.link)
        else:
            names = sorted(expected.keys() | found.keys())
            item = count_key(*key)
        for name in names:
            if expected.get(name, 0) != found.get(name, 0):
                source = " ".join(each for each in key.source if each)
                what = f"{key.partner} link {key.link} on {key.day}{source and f', {source}'}: {name}"
                values = _number_shown(name, expected.get(name, 0), found.get(name, 0))
                yield Difference(kind, what, *values, place(keys.BOOKS, item))


def _intake(facts: FactsSide, books: BooksSide) -> Iterator[Difference]:
    """How many events of each source and day were accepted, and how many of them are applied."""
    for source, day in sorted(facts.intake.keys() | books.intake.keys()):
        should, says = facts.intake.get((source, day), {}), books.intake.get((source, day), {})
        for name in INTAKE_METRICS:
            if should.get(name, 0) != says.get(name, 0):
                where = place(keys.BOOKS, keys.key("intake_day", source=source, day=day))
                what = f"{source} on {day}: {name}"
                yield Difference(Kind.INTAKE, what, str(should.get(name, 0)), str(says.get(name, 0)), where)


def _since(counts: Mapping[CountKey, Mapping[str, int]], day: str) -> dict[CountKey, Mapping[str, int]]:
    return {key: values for key, values in counts.items() if key.day >= day}


def _number_shown(name: str, expected: int, found: int) -> tuple[str, str]:
    """A counter's numbers; sums of money as amounts, unless they differ by less than an amount shows."""
    _, _, currency = name.partition(".")
    if is_currency(currency):
        shown = (
            f"{show_ratio(expected, FINE, currency)} {currency}",
            f"{show_ratio(found, FINE, currency)} {currency}",
        )
        if shown[0] != shown[1]:
            return shown
    return str(expected), str(found)


def _client_place(client: ClientKey) -> str:
    brand, scope = client
    return place(keys.BOOKS, keys.key("client", brand=brand, client=scope)) if brand else f"{keys.BOOKS} U#…#{scope}"


def _told(items: Iterator[Stored], table: str, progress: Progress) -> Iterator[Stored]:
    number = 0
    for number, stored in enumerate(items, 1):
        if number % _TELL_EVERY == 0:
            progress(table, number)
        yield stored
    progress(table, number)
