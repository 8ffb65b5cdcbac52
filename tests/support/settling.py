"""Engine and settler over the two tables, with the stream between them played by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.events import Event
from introducer.domain.ledger import Journal, Key
from introducer.domain.rates import Publication, Rates
from introducer.services.apply_events import Engine
from introducer.services.settle_partner import Settler
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.clients import Clients
from introducer.store.facts import Facts
from introducer.store.ledger import Ledger
from introducer.store.settlements import Settlements, month_of_row
from tests.conftest import Tables
from tests.support.builders import World, revshare, terms

NOW = 1_772_700_000_000
"""5 March 2026."""


class Books:
    """The engine and settlers of a world, over its tables."""

    def __init__(self, tables: Tables, world: World) -> None:
        self.tables, self.world = tables, world
        self.facts = Facts(tables.facts)
        self.clients = Clients(tables.books)
        self.ledger = Ledger(tables.books)
        self.settlements = Settlements(tables.books)
        self._seen: dict[tuple[str, str], str] = {}
        self._clock = itertools.count(NOW)
        self._accepted: list[Event] = []

    def settler(self, settlements: Settlements | None = None) -> Settler:
        """A settler, in a container of its own."""
        return Settler(
            settlements=settlements or self.settlements,
            ledger=self.ledger,
            contracts=self,
            now_ms=lambda: next(self._clock),
            pause=lambda attempt: None,
        )

    def engine(self) -> Engine:
        return Engine(
            facts=self.facts,
            clients=self.clients,
            ledger=self.ledger,
            accruals=Accruals(self.tables.facts, self.tables.books),
            contracts=self,
            now_ms=lambda: next(self._clock),
            pause=lambda attempt: None,
            report=lambda event, error: None,
        )

    def contracts_for(self, states: Iterable[ClientState], events: Iterable[Event]) -> Contracts:
        return self.world.contracts(self._accepted)

    def contracts_of_month(self, partner: str, month: str) -> Contracts:
        contracts = self.world.contracts([])
        first = f"{month}-01"
        before = [day for day in sorted(self.world.rates) if day < first]
        found = {first: Publication("ECB", before[-1], self.world.rates[before[-1]])} if before else {}
        return replace(contracts, rates=Rates(found))

    def deliver(self, *events: Event) -> Books:
        """Accept events and apply them, as the stream of FACTS does."""
        self._accepted += events
        for event in events:
            self.facts.put_event(event)
        outcome = self.engine().apply(list(events))
        assert (outcome.quarantined, outcome.failed) == (0, ())
        return self

    def marked(self) -> list[tuple[str, str]]:
        """The partners and months of rows written since this was asked last, as the stream of BOOKS brings them."""
        found: dict[tuple[str, str], None] = {}
        for item in self.tables.items(self.tables.books):
            month_of = month_of_row(item)
            place = (item[keys.PK]["S"], item[keys.SK]["S"])
            if month_of is not None and self._seen.get(place) != item["row"]["S"]:
                self._seen[place] = item["row"]["S"]
                found[month_of] = None
        return sorted(found, key=lambda each: each[::-1])

    def settle(self) -> Books:
        """Settle whatever is marked, until nothing is."""
        while marked := self.marked():
            for partner, month in marked:
                self.settler().settle(partner, [month])
        return self

    def posted(self) -> dict[Key, int]:
        """What the journals hold for each key, without what is nothing; the balances, legs and settled months agree."""
        sums: dict[Key, int] = {}
        for partner in self.partners():
            journals = self.journals(partner)
            balance = self.ledger.balance(partner)
            for journal in journals:
                assert sum(leg.amount for leg in journal.legs) == 0
                assert journal.post_month >= journal.key.earn_month
                sums[journal.key] = sums.get(journal.key, 0) + journal.amount
            assert sum(balance.amounts.values()) == sum(journal.amount for journal in journals)
            for (currency, month), minor in balance.earned.items():
                of_month = [j for j in journals if (j.key.currency, j.key.earn_month) == (currency, month)]
                assert minor == sum(journal.amount for journal in of_month)
            for month, settled in self.settlements.settled(partner).items():
                assert all(settled.posted.values())
                for key, minor in settled.posted.items():
                    assert (key.partner, key.earn_month) == (partner, month)
                    assert sums[key] == minor
        return {key: minor for key, minor in sums.items() if minor}

    def journals(self, partner: str) -> list[Journal]:
        """All of a partner's journals, newest first within a month."""
        prefix = keys.partition("journal", partner=partner, month="")
        found = {item[keys.PK]["S"] for item in self.tables.items(self.tables.books)}
        months = sorted(pk.removeprefix(prefix) for pk in found if pk.startswith(prefix))
        return [each for month in months for each in self.ledger.all_journals(partner, month)]

    def partners(self) -> list[str]:
        return sorted(self.world.deals)

    def by_partner(self) -> dict[str, int]:
        """What each partner has in all."""
        sums: dict[str, int] = {}
        for key, minor in self.posted().items():
            sums[key.partner] = sums.get(key.partner, 0) + minor
        return sums

    def of_month(self, partner: str, rule: str) -> dict[str, int]:
        """What a rule of a partner has earned, by month."""
        sums: dict[str, int] = {}
        for key, minor in sorted(self.posted().items()):
            if (key.partner, key.rule) == (partner, rule):
                sums[key.earn_month] = sums.get(key.earn_month, 0) + minor
        return sums


def family() -> World:
    """Worked example 10: a child, its parent and its grandparent."""
    return (
        World()
        .partner("par_child", terms(revshare("100")), link="LINKCHIL")
        .partner("par_parent", terms(override(level(1, "10", "revshare"))), link="LINKPARE")
        .partner("par_grand", terms(override(level(1, "10", "override"), level(2, "5", "revshare"))), link="LINKGRND")
        .under("par_child", "par_parent")
        .under("par_parent", "par_grand")
    )


def override(*levels: Mapping[str, object]) -> dict[str, object]:
    return {"type": "override", "id": "net", "levels": list(levels)}


def level(number: int, percent: str, kind: str) -> dict[str, object]:
    return {"level": number, "percent": percent, "of": [kind]}
