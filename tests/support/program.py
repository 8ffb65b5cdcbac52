"""A whole partner program in memory: clients are folded, rows written and partners settled as the engine does it, in
pure functions alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.earnings import HistoryNeeded, accrue
from introducer.domain.events import Event
from introducer.domain.ledger import Key
from introducer.domain.partner_month import Below
from introducer.domain.rows import MonthOf, Row
from introducer.domain.settlement import Chain, Settlement, settle_month
from tests.support.builders import BRAND, World


@dataclass
class Program:
    """Clients, rows and settled months of one world. `posted` has what the books hold for each key."""

    world: World
    states: dict[str, ClientState] = field(default_factory=dict)
    applied: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[MonthOf, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    below: dict[MonthOf, dict[str, Below]] = field(default_factory=lambda: defaultdict(dict))
    dirty: set[MonthOf] = field(default_factory=set)
    settled: dict[MonthOf, Settlement] = field(default_factory=dict)
    posted: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    journals: list[tuple[Key, int]] = field(default_factory=list)

    def deliver(self, *events: Event) -> Program:
        """Apply a batch: each client's events together."""
        batches: dict[str, list[Event]] = defaultdict(list)
        for event in {(event.client, *event.key): event for event in events}.values():
            if event.key not in {each.key for each in self.applied[event.client]}:
                batches[event.client].append(event)
        for client, batch in batches.items():
            self._apply(client, batch)
        return self

    def settle(self) -> Program:
        """Settle until nothing is dirty any more, the earliest month first."""
        while self.dirty:
            self.settle_one(min(self.dirty, key=lambda each: each[::-1]))
        return self

    def settle_one(self, month_of: MonthOf) -> None:
        """Settle one month of one partner; months after it whose beginning changed, and partners above, follow."""
        self.dirty.discard(month_of)
        partner, month = month_of
        before = max((each for each in self.settled if each[0] == partner and each[1] < month), default=None)
        chain = self.settled[before].chain if before else Chain()
        old = self.settled.get(month_of)
        new = settle_month(partner, month, self.rows[month_of], self.below[month_of], chain, self.contracts())
        self.settled[month_of] = new
        for key in (old.targets if old else {}).keys() | new.targets.keys():
            was = old.targets[key].minor if old and key in old.targets else 0
            self._post(key, (new.targets[key].minor if key in new.targets else 0) - was)
        if old is None or old.chain != new.chain:
            after = min((each for each in self.settled if each[0] == partner and each[1] > month), default=None)
            self.dirty |= {after} if after else set()
        for ancestor, below in new.above.items():
            if self.below[ancestor, month].get(partner) != below:
                self.below[ancestor, month][partner] = below
                self.dirty.add((ancestor, month))

    def contracts(self) -> Contracts:
        return self.world.contracts([event for events in self.applied.values() for event in events])

    def owed(self) -> dict[Key, int]:
        """What the books hold, without what is nothing."""
        return {key: minor for key, minor in self.posted.items() if minor}

    def by_partner(self) -> dict[str, int]:
        """What each partner has in all."""
        sums: dict[str, int] = defaultdict(int)
        for key, minor in self.owed().items():
            sums[key.partner] += minor
        return dict(sums)

    def of_month(self, partner: str, rule: str) -> dict[str, int]:
        """What a rule of a partner has earned, by month."""
        sums: dict[str, int] = defaultdict(int)
        for key, minor in self.owed().items():
            if (key.partner, key.rule) == (partner, rule):
                sums[key.earn_month] += minor
        return dict(sorted(sums.items()))

    def _apply(self, client: str, batch: Iterable[Event]) -> None:
        batch = list(batch)
        state = self.states.get(client) or ClientState(BRAND, client)
        self.applied[client] += batch
        contracts = self.contracts()
        try:
            transition = accrue(state, batch, contracts)
        except HistoryNeeded:
            transition = accrue(state, batch, contracts, self.applied[client][: -len(batch)])
        self.states[client] = transition.state
        for posting in transition.postings:
            self._post(posting.key, posting.amount)
        for month_of, row in transition.rows.items():
            self.rows[month_of][client] = row
            self.dirty.add(month_of)

    def _post(self, key: Key, amount: int) -> None:
        if amount:
            self.posted[key] += amount
            self.journals.append((key, amount))
