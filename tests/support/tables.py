"""Both tables as plain items that a test may look at and damage, filled by the product's own functions.

Engine, settling, adjustments and closing work on a DynamoDB in this process (`memory`), which has these very items;
what they wrote is then here. Clicks are put and counted as redirect and rollup do it, and so is the intake of sources.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from introducer.domain import click_id
from introducer.domain.adjustment import Act, Adjustment, approved, proposed, refused, reversal_proposed
from introducer.domain.calendar import plus_days
from introducer.domain.clicks import reason_of
from introducer.domain.configuration import BEGINNING, Change, Status
from introducer.domain.events import Event, day_of, milliseconds
from introducer.domain.statement import MonthClose, Statement
from introducer.services.apply_events import Engine
from introducer.services.close_month import Progress, close_partner, close_partners, finish_close
from introducer.services.creation import Author
from introducer.services.read_contracts import ECB, ContractReader
from introducer.services.settle_partner import Settler
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.adjustments import Adjustments
from introducer.store.click_counts import reason_attribute
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts, event_to_item
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer.store.scans import Stored, kind_of
from introducer.store.settlements import Settlements
from introducer.store.statements import Statements
from tests.conftest import create_table
from tests.support.builders import BRAND, CLICK_KEY, a_click
from tests.support.memory import Memory, served_by

CAMPAIGN = "cmp_1"
FACTS, BOOKS = "facts", "books"
Item = dict[str, Any]
MonthOf = tuple[str, str]


def to_wire(value: object) -> dict[str, Any]:
    """A plain value as DynamoDB takes it."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [to_wire(each) for each in value]}
    return {"S": str(value)}


def from_wire(value: Mapping[str, Any]) -> Any:
    """And back."""
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    return [from_wire(each) for each in content] if kind == "L" else content


@dataclass
class Tables:
    """FACTS and BOOKS. Reads as `store.scans.Scans` does; `item` hands out the very item, to be damaged."""

    facts_items: dict[keys.Key, Item] = field(default_factory=dict)
    books_items: dict[keys.Key, Item] = field(default_factory=dict)
    applied: list[Event] = field(default_factory=list)
    rows: set[MonthOf] = field(default_factory=set)
    """The partners and months of rows that were written and not settled since: what the stream of BOOKS shows."""

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

    @contextmanager
    def served(self) -> Iterator[None]:
        """The product's functions find these items in a DynamoDB in this process meanwhile, and what they write there
        is here afterwards."""
        memory = Memory()
        sides = {FACTS: self.facts_items, BOOKS: self.books_items}
        for name, items in sides.items():
            create_table(memory.client, name, index=name == BOOKS)
            table = memory.tables[name]
            for key, item in items.items():
                table.put((key.pk, key.sk), {attribute: to_wire(value) for attribute, value in item.items()})
            table.stream.clear()
        with served_by(memory.client):
            yield
        for name, items in sides.items():
            for record in memory.tables[name].stream:
                assert record.new is not None, "the product deletes nothing"
                key = keys.Key(*record.place)
                items[key] = {attribute: from_wire(value) for attribute, value in record.new.items()}
                if name == BOOKS and kind_of(keys.BOOKS, *key) == "row":
                    _, partner, _, month = keys.parts(key.pk)
                    self.rows.add((partner, month))

    # ---------------------------------------------------------------------------------------------- configuration

    def partner(self, name: str, link: str, *deals: tuple[datetime, Mapping[str, Any]], parent: str = "") -> None:
        """A partner with one link, and accepted deal versions by the moment from which they are in force."""
        for kind in ("partner", "card"):
            key = {"brand": BRAND, "partner": name} if kind == "card" else {"partner": name}
            self.put(kind, {"brand": BRAND, "partner": name}, **key)
        self.campaign(CAMPAIGN)
        self.link(link, name)
        self.deals(name, *deals)
        if parent:
            self.under(name, parent)

    def deals(self, name: str, *deals: tuple[datetime, Mapping[str, Any]]) -> None:
        """A partner's accepted deal versions."""
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

    def campaign(self, name: str, window_days: int = 30, attribution: str = "last_click") -> None:
        self.put("campaign", {"window_days": window_days, "attribution": attribution}, brand=BRAND, campaign=name)

    def link(self, code: str, partner: str, campaign: str = CAMPAIGN) -> None:
        self.put("link", {"brand": BRAND, "partner": partner, "campaign": campaign, "hosts": []}, code=code)

    def code(self, code: str, partner: str, since: datetime, until: datetime | None = None) -> None:
        """A partner has a promo code for a time."""
        number = f"{len([each for each in self.all('promo_code') if each['code'] == code]) + 1:06d}"
        item = {
            "code": code,
            "number": int(number),
            "brand": BRAND,
            "partner": partner,
            "starts_at": milliseconds(since),
            "ends_at": None if until is None else milliseconds(until),
            "given_at": milliseconds(since) - 1,
            "given_by": "mem_manager",
            "request": "",
        }
        self.put("promo_code", item, brand=BRAND, code=code, number=number)

    def attributes(
        self,
        campaign: str,
        since: datetime,
        window_days: int = 30,
        attribution: str = "last_click",
        *,
        promo_first: bool = False,
    ) -> None:
        """The campaign attributes so from a moment on."""
        number = f"{len(self.all('attribution', campaign=campaign)) + 1:06d}"
        item = {
            "campaign": campaign,
            "brand": BRAND,
            "number": int(number),
            "since": milliseconds(since),
            "window_days": window_days,
            "attribution": attribution,
            "promo_first": promo_first,
            "reason": "agreed",
            "decided_at": milliseconds(since) - 1,
            "decided_by": "mem_manager",
            "request": "",
        }
        self.put("attribution", item, brand=BRAND, campaign=campaign, number=number)

    def under(self, name: str, parent: str | None, month: str = BEGINNING) -> None:
        """The partner stands below another from a month on, or from the beginning."""
        number = len(self.all("parenting"))
        item = {
            "partner": name,
            "parenting": f"prt_{number:03d}",
            "month": month,
            "parent": parent,
            "reason": "agreed",
            "decided_at": number,
        }
        self.put("parenting", item, partner=name, month=month, id=item["parenting"])

    def blocks(self, name: str, since: datetime, *, blocked: bool = True) -> None:
        """The partner is blocked from a moment on, or is no longer."""
        number = len(self.all("standing"))
        item = {
            "partner": name,
            "standing": f"std_{number:03d}",
            "since": milliseconds(since),
            "status": (Status.BLOCKED if blocked else Status.ACTIVE).value,
            "reason": "agreed",
            "decided_at": number,
        }
        self.put("standing", item, partner=name, id=item["standing"], **{"from": item["since"]})

    def rates(self, published: Mapping[str, Mapping[str, str]], through: str, first: str = "") -> None:
        """What the feed published, and nothing on the days between."""
        day = first or min(published)
        while day <= through:
            self.put("rates", {"day": day, "per_euro": json.dumps(published.get(day, {}))}, feed=ECB, day=day)
            day = plus_days(day, 1)

    # ---------------------------------------------------------------------------------------- clicks, redirect, rollup

    def click(self, partner: str, link: str, at: datetime, *flags: str, unique: bool = True) -> str:
        """A recorded and counted click; its id."""
        number = len(self.facts_items)
        text = a_click(at, link, flagged=bool(flags), number=number)
        named = click_id.read(text)
        assert named is not None
        day = day_of(at)
        item = {
            "click": text, "link": link, "partner": partner, "at": milliseconds(at), "unique": unique,
            "country": "", "device": "",
        }  # fmt: skip
        if flags:
            item["flags"] = list(flags)
        self.put("click", item, link=link, day=day, shard=named.shard, click=text)
        key = keys.key("click_count", partner=partner, month=day[:7], day=day, link=link)
        counter = self.books_items.setdefault(key, {**key.item(), "clicks": 0, "unique": 0, "flagged": 0})
        counter[f"at_{named.shard}"] = f"{number:040d}"
        counter["flagged" if flags else "clicks"] += 1
        if flags:
            reason = reason_attribute(reason_of(flags))
            counter[reason] = counter.get(reason, 0) + 1
        counter["unique"] += not flags and unique
        return text

    # --------------------------------------------------------------------------------- events, postback, engine, settle

    def accept(self, *events: Event) -> None:
        """Store events, and count them as accepted."""
        for event in events:
            item = event_to_item(event)
            self.facts_items[keys.Key(item[keys.PK], item[keys.SK])] = item
            self._intake(event)["accepted"] += 1

    def apply(self, *events: Event, at: datetime, settle: bool = True) -> None:
        """Accept events and apply them in one batch; then settle what they mark, unless told otherwise."""
        self.accept(*events)
        with self.served():
            engine = Engine(
                facts=Facts(FACTS),
                clients=Clients(BOOKS),
                ledger=Ledger(BOOKS),
                accruals=Accruals(FACTS, BOOKS),
                contracts=self._contracts(at),
                now_ms=count(milliseconds(at)).__next__,
                pause=_never,
                report=_raises,
            )
            outcome = engine.apply(events)
        assert (outcome.applied, outcome.quarantined, outcome.failed) == (len(events), 0, ())
        for event in events:
            self.applied.append(event)
            self._intake(event)["applied"] += 1
        if settle:
            self.settle(at)

    def settle(self, at: datetime) -> None:
        """Settle the months whose rows are new, and those above them, until there is none."""
        while self.rows:
            partner, month = min(self.rows, key=lambda each: each[::-1])
            self.rows.discard((partner, month))
            with self.served():
                settler = Settler(
                    settlements=Settlements(BOOKS),
                    ledger=Ledger(BOOKS),
                    contracts=self._contracts(at),
                    now_ms=count(milliseconds(at)).__next__,
                    pause=_never,
                )
                settler.settle(partner, [month])

    def _contracts(self, at: datetime) -> ContractReader:
        return ContractReader(
            Configuration(BOOKS), RateStore(BOOKS), lambda: {0: CLICK_KEY}, lambda: 0.0, lambda: day_of(at)
        )

    def _intake(self, event: Event) -> Item:
        key = keys.key("intake_day", source=event.source, day=day_of(event.accepted_at or event.occurred_at))
        return self.books_items.setdefault(key, {**key.item(), "accepted": 0, "applied": 0, "marks": ""})

    # ------------------------------------------------------------------------------------------- what people decide

    def adjust(self, partner: str, amount: str, earn_month: str, at: datetime, *, approve: bool | None = True) -> str:
        """One person proposes an adjustment; another approves it, refuses it, or has not looked yet (None). Its id."""
        new = proposed(
            adjustment=f"adj_{len(self.all('adjustment')) + 1:03d}",
            brand=BRAND,
            partner=partner,
            amount=amount,
            currency="EUR",
            earn_month=earn_month,
            available_day=None,
            today=day_of(at),
            act=Act("mem_manager", at, "an agreed extra"),
        )
        with self.served():
            Adjustments(BOOKS).propose(new, _change(new.proposed))
        if approve is not None:
            self._decide(new, Act("mem_finance", at, "ok"), approve=approve)
        return new.adjustment

    def reverse(self, partner: str, adjustment: str, at: datetime, *, approve: bool | None = True) -> None:
        """One person proposes to reverse an adjustment, another decides."""
        with self.served():
            found = Adjustments(BOOKS).adjustment(partner, adjustment)
            act = Act("mem_manager", at, "it was a mistake")
            after = reversal_proposed(found, act)
            Adjustments(BOOKS).move("propose_reversal", found, after, _change(act))
        if approve is not None:
            self._decide(after, Act("mem_finance", at, "ok"), approve=approve)

    def _decide(self, waiting: Adjustment, act: Act, *, approve: bool) -> None:
        with self.served():
            if approve:
                frozen = Ledger(BOOKS).balance(waiting.partner).frozen_through
                after, journal = approved(waiting, act, frozen)
                Adjustments(BOOKS).move("approve", waiting, after, _change(act), journal)
            else:
                Adjustments(BOOKS).move("refuse", waiting, refused(waiting, act), _change(act))

    def close(self, partner: str, month: str, at: datetime) -> Statement:
        """The month of a partner is closed."""
        with self.served():
            return close_partner(Ledger(BOOKS), Statements(BOOKS), partner=partner, month=month, now=at)

    def close_all(self, month: str, at: datetime) -> None:
        """The month of the brand is closed, for all its partners."""
        with self.served():
            configuration = Configuration(BOOKS)
            close = MonthClose(brand=BRAND, month=month, began_at=at, began_by="mem_finance")
            author = Author(by="mem_finance", why="it is over")
            configuration.begin_month_close(close, Change(by=author.by, at=at, why=author.why))
            given = {"brand": BRAND, "month": month, "now": at}
            progress = Progress()
            while progress.more:
                progress = close_partners(configuration, Ledger(BOOKS), Statements(BOOKS), so_far=progress, **given)
            finish_close(configuration, progress=progress, author=author, **given)


def _change(act: Act) -> Change:
    return Change(by=act.by, at=act.at, why=act.why)


def _never(attempt: int) -> None:
    raise AssertionError("nobody else writes here")


def _raises(event: Event, error: Exception) -> None:
    raise error
