"""A program that also keeps books as the ledger does: journals with legs, balances, closed months, payouts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from introducer.domain.client import ClientState
from introducer.domain.earnings import HistoryNeeded, Posting, accrue
from introducer.domain.events import Event
from introducer.domain.ledger import AVAILABLE, PAID, PENDING, Balance, Journal
from introducer.domain.receipts import journal, settled_journal
from introducer.domain.rows import MonthOf
from introducer.domain.rules.target import Target
from tests.support.builders import BRAND
from tests.support.program import Program


@dataclass
class Books(Program):
    """What `Program` posts, as entries of the books."""

    entries: list[Journal] = field(default_factory=list)
    frozen: dict[str, str] = field(default_factory=dict)
    """By partner: the last closed month."""
    paid: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def close(self, partner: str, month: str) -> None:
        """A closed month of the partner is never written to again; those before it are closed too."""
        self.frozen[partner] = max(month, self.frozen.get(partner, ""))

    def pay(self, partner: str, currency: str, day: str) -> int:
        """Pays what is available on a day, minor units; nothing where that is below zero."""
        amount = max(0, self.available(partner, currency, day))
        self.paid[partner, currency] += amount
        return amount

    def available(self, partner: str, currency: str, day: str) -> int:
        """What could be paid on a day, minor units: below zero after a clawback of what was paid."""
        return self.balance(partner).bucket(currency, AVAILABLE, day) - self.paid[partner, currency]

    def balance(self, partner: str) -> Balance:
        """The sum of the partner's legs, before payouts."""
        amounts: dict[tuple[str, str, str], int] = defaultdict(int)
        earned: dict[tuple[str, str], int] = defaultdict(int)
        for entry in self.entries:
            if entry.key.partner == partner:
                earned[entry.key.currency, entry.key.earn_month] += entry.amount
                for account, amount in entry.legs:
                    bucket, _, day = account.partition(".")
                    if bucket in (PENDING, AVAILABLE, PAID):
                        amounts[entry.key.currency, bucket, day] += amount
        return Balance(partner, amounts, earned, self.frozen.get(partner))

    def statement(self, partner: str, month: str) -> int:
        """What a month's statement shows: the sum of its entries, minor units."""
        return sum(each.amount for each in self.entries if each.key.partner == partner and each.post_month == month)

    def settle_one(self, month_of: MonthOf) -> None:
        old = self.settled.get(month_of)
        super().settle_one(month_of)
        new = self.settled[month_of].targets
        for key in sorted((old.targets if old else {}).keys() | new.keys()):
            before = old.targets[key].minor if old and key in old.targets else 0
            target = new.get(key) or Target(0, "", 0, ())
            if target.minor != before:
                posting = Posting(key, target.minor - before, before, target)
                self.entries.append(settled_journal(posting, self.frozen.get(key.partner), 0, len(self.entries)))

    def _apply(self, client: str, batch: Iterable[Event]) -> None:
        events = list(batch)
        state = self.states.get(client) or ClientState(BRAND, client)
        history = list(self.applied[client])
        super()._apply(client, events)
        contracts = self.contracts()
        try:
            transition = accrue(state, events, contracts)
        except HistoryNeeded:
            transition = accrue(state, events, contracts, history)
        for posting in transition.postings:
            frozen = self.frozen.get(posting.key.partner)
            self.entries.append(journal(posting, transition, contracts, frozen, 0, len(self.entries)))
