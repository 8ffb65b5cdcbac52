"""Both tables in memory, filled as the product's functions fill them: for tests that look at everything at once.

Items are made by the store's own functions. What only DynamoDB does (conditions, transactions, streams) is not here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from introducer.domain import click_id
from introducer.domain.calendar import day_at, plus_days
from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts, LinkTerms
from introducer.domain.counts import CountKey
from introducer.domain.deal import DealVersion
from introducer.domain.earnings import HistoryNeeded, accrue
from introducer.domain.events import Event, day_of, milliseconds
from introducer.domain.ledger import HOUSE, Journal
from introducer.domain.rates import Publication, Rates
from introducer.domain.receipts import journal
from introducer.domain.terms import parse_terms
from introducer.services.read_contracts import ECB
from introducer.store import keys
from introducer.store.clients import state_from_item, state_to_item
from introducer.store.event_counts import count_key
from introducer.store.facts import event_to_item
from introducer.store.ledger import balance_attribute, earned_attribute, journal_to_item
from introducer.store.scans import Stored, kind_of
from tests.support.builders import BRAND, CLICK_KEY, a_click

CAMPAIGN = "cmp_1"
Item = dict[str, Any]


@dataclass
class Tables:
    """FACTS and BOOKS. Reads as `store.scans.Scans` does; `item` hands out the very item, to be damaged."""

    facts_items: dict[keys.Key, Item] = field(default_factory=dict)
    books_items: dict[keys.Key, Item] = field(default_factory=dict)
    _links: dict[str, LinkTerms] = field(default_factory=dict)
    _deals: dict[str, list[DealVersion]] = field(default_factory=dict)
    _published: dict[str, Mapping[str, str]] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------------------ reads

    def facts(self) -> Iterator[Stored]:
        return self._stored(keys.FACTS, self.facts_items)

    def books(self) -> Iterator[Stored]:
        return self._stored(keys.BOOKS, self.books_items)

    def _stored(self, table: str, items: dict[keys.Key, Item]) -> Iterator[Stored]:
        for key in sorted(items):
            yield Stored(kind_of(table, *key), items[key])

    def item(self, kind: str, **values: object) -> Item:
        """The item itself, by its key."""
        return self._items(kind)[keys.key(kind, **values)]

    def only(self, kind: str, **attributes: object) -> Item:
        """The one item of a kind that has these attributes."""
        (found,) = self.all(kind, **attributes)
        return found

    def all(self, kind: str, **attributes: object) -> list[Item]:
        """All items of a kind that have these attributes."""
        table = keys.ITEMS[kind].table
        items = self._items(kind)
        return [
            items[key]
            for key in sorted(items)
            if kind_of(table, *key) == kind and all(items[key].get(n) == v for n, v in attributes.items())
        ]

    # ----------------------------------------------------------------------------------------------------- writes

    def put(self, kind: str, item: Mapping[str, Any] = {}, **values: object) -> Item:
        """An item under its key."""
        key = keys.key(kind, **values)
        whole = {name: value for name, value in item.items() if value is not None} | key.item()
        self._items(kind)[key] = whole
        return whole

    def remove(self, item: Item) -> Item:
        key = keys.Key(item[keys.PK], item[keys.SK])
        return self.facts_items.pop(key, None) or self.books_items.pop(key)

    def _items(self, kind: str) -> dict[keys.Key, Item]:
        return self.facts_items if keys.ITEMS[kind].table == keys.FACTS else self.books_items

    # ---------------------------------------------------------------------------------------------- configuration

    def partner(self, name: str, link: str, *deals: tuple[datetime, Mapping[str, Any]]) -> None:
        """A partner with one link, and accepted deal versions by the moment from which they are in force."""
        self.put("campaign", {"window_days": 30, "attribution": "last_click"}, brand=BRAND, campaign=CAMPAIGN)
        self.put("link", {"brand": BRAND, "partner": name, "campaign": CAMPAIGN, "hosts": []}, code=link)
        self._links[link] = LinkTerms(link, BRAND, name, CAMPAIGN, 30)
        for number, (since, terms) in enumerate(deals, 1):
            text = json.dumps(terms, sort_keys=True)
            item = {
                "partner": name,
                "version": number,
                "valid_from": milliseconds(since),
                "accepted_at": milliseconds(since) - 1,
                "terms": text,
                "terms_hash": hashlib.sha256(text.encode()).hexdigest(),
            }
            self.put("deal", item, partner=name, version=f"{number:06d}")
            version = DealVersion(name, number, milliseconds(since), parse_terms(terms))
            self._deals.setdefault(name, []).append(version)

    def rates(self, published: Mapping[str, Mapping[str, str]], through: str) -> None:
        """What the feed published, and nothing on the days between."""
        day = min(published)
        while day <= through:
            self.put("rates", {"per_euro": json.dumps(published.get(day, {}))}, feed=ECB, day=day)
            day = plus_days(day, 1)
        self._published = dict(published)

    # ---------------------------------------------------------------------------------------- clicks, redirect, rollup

    def click(self, partner: str, link: str, at: datetime, *flags: str, unique: bool = True) -> str:
        """A recorded and counted click; its id."""
        number = len(self.facts_items)
        text = a_click(at, link, flagged=bool(flags), number=number)
        named = click_id.read(text)
        assert named is not None
        day = day_of(at)
        item = {"click": text, "link": link, "partner": partner, "at": milliseconds(at), "unique": unique}
        if flags:
            item["flags"] = list(flags)
        self.put("click", item, link=link, day=day, shard=named.shard, click=text)
        key = keys.key("click_count", partner=partner, month=day[:7], day=day, link=link)
        counter = self.books_items.setdefault(key, {**key.item(), "clicks": 0, "unique": 0, "flagged": 0})
        counter[f"at_{named.shard}"] = f"{number:040d}"
        counter["flagged" if flags else "clicks"] += 1
        counter["unique"] += not flags and unique
        return text

    # ---------------------------------------------------------------------------------------- events, postback, engine

    def accept(self, *events: Event) -> None:
        """Store events, and count them as accepted."""
        for event in events:
            item = event_to_item(event)
            self.facts_items[keys.Key(item[keys.PK], item[keys.SK])] = item
            self._intake(event)["accepted"] += 1

    def apply(self, *events: Event, at: datetime) -> None:
        """Accept and apply events, client by client, in one batch each."""
        self.accept(*events)
        clients = dict.fromkeys(event.client for event in events)
        for client in clients:
            self._apply(client, [event for event in events if event.client == client], at)

    def _apply(self, client: str, events: list[Event], at: datetime) -> None:
        item = self.books_items.get(keys.key("client", brand=BRAND, client=client))
        state = state_from_item(item) if item else ClientState(BRAND, client)
        history = [event for event in self._applied if event.client == client]
        contracts = self.contracts([*history, *events])
        try:
            transition = accrue(state, events, contracts)
        except HistoryNeeded:
            transition = accrue(state, events, contracts, history)
        after = replace(transition.state, version=state.version + 1)
        self.put("client", state_to_item(after), brand=BRAND, client=client)
        for posting in transition.postings:
            self.post(journal(posting, transition, contracts, None, milliseconds(at), after.version))
        for key, values in transition.counts.items():
            self.count(key, values)
        for event in events:
            self._applied.append(event)
            key = keys.key("event", brand=BRAND, client=client, source=event.source, event=event.event_id)
            self.facts_items[key]["applied_at"] = milliseconds(at)
            self._intake(event)["applied"] += 1

    def post(self, entry: Journal) -> None:
        """A journal, and what it moves in the balance."""
        item = journal_to_item(entry)
        self.books_items[keys.Key(item[keys.PK], item[keys.SK])] = item
        key = keys.key("balance", partner=entry.key.partner)
        balance = self.books_items.setdefault(key, key.item())
        for leg in entry.legs:
            bucket, _, day = leg.account.partition(".")
            if leg.account != HOUSE:
                name = balance_attribute(entry.key.currency, bucket, day)
                balance[name] = balance.get(name, 0) + leg.amount
        name = earned_attribute(entry.key.currency, entry.key.earn_month)
        balance[name] = balance.get(name, 0) + entry.amount

    def count(self, counter: CountKey, values: Mapping[str, int]) -> None:
        """Add to a counter of events."""
        key = count_key(*counter)
        item = self.books_items.setdefault(key, key.item())
        for name, value in values.items():
            item[name] = item.get(name, 0) + value

    def contracts(self, events: Iterable[Event]) -> Contracts:
        """The snapshot for these events, as the engine collects it."""
        found = {}
        for day in {day_at(milliseconds(event.occurred_at)) for event in events}:
            if before := [published for published in sorted(self._published) if published < day]:
                found[day] = Publication(ECB, before[-1], self._published[before[-1]])
        deals = {partner: tuple(versions) for partner, versions in self._deals.items()}
        return Contracts(self._links, deals, Rates(found), {0: CLICK_KEY})

    def _intake(self, event: Event) -> Item:
        key = keys.key("intake_day", source=event.source, day=day_of(event.accepted_at or event.occurred_at))
        return self.books_items.setdefault(key, {**key.item(), "accepted": 0, "applied": 0, "marks": ""})

    def __post_init__(self) -> None:
        self._applied: list[Event] = []
