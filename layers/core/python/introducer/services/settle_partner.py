"""Settle a partner: post what its months are owed under rules that look at all of its clients, or at partners below.

Nothing here decides what is owed: `domain.settlement.settle_month` does. A month is settled from its rows as they are
now, so settling it again is harmless. A settled month remembers what it followed; when the month before it hands on
something else, it follows again, though whoever changed that month died before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from introducer.domain.contracts import Contracts
from introducer.domain.earnings import Posting, difference
from introducer.domain.errors import Conflict, RateMissing
from introducer.domain.partner_month import Below
from introducer.domain.receipts import settled_journal
from introducer.domain.settlement import Chain, settle_month
from introducer.store.ledger import Ledger
from introducer.store.settlements import (
    Head,
    PostedPart,
    SettledMonth,
    Settlements,
    Settling,
    chain_digest,
    settled_to_items,
)

TRIES = 8
"""How often a partner is read and settled again when something changed meanwhile."""

JOURNALS_AT_ONCE = 70
"""Of one transaction; leaves room for a month in parts, the balance and the rows above."""


class ReadsContractsOfMonth(Protocol):
    """Where the contracts come from (`read_contracts.ContractReader`)."""

    def contracts_of_month(self, partner: str, month: str) -> Contracts: ...


class Settler:
    """Settles partners. `now_ms` is the clock; `pause` waits before the n-th new try."""

    def __init__(
        self,
        *,
        settlements: Settlements,
        ledger: Ledger,
        contracts: ReadsContractsOfMonth,
        now_ms: Callable[[], int],
        pause: Callable[[int], None],
    ) -> None:
        self._settlements = settlements
        self._ledger = ledger
        self._contracts = contracts
        self._now_ms = now_ms
        self._pause = pause

    def settle(self, partner: str, months: Iterable[str]) -> int:
        """Settle months of a partner, and those after them that follow; how many journals were posted.

        Raises `RateMissing` when an override waits for a rate, `Conflict` when the partner keeps changing, `Poison`,
        `Unavailable`. What was posted before that stands, and the rest follows the next time.
        """
        wanted = set(months)
        for attempt in range(TRIES):
            if attempt:
                self._pause(attempt)
            try:
                return self._settle(partner, wanted)
            except Conflict as error:
                last = error
        raise Conflict("The partner's months keep changing: settle them again.") from last

    def _settle(self, partner: str, wanted: set[str]) -> int:
        version = self._settlements.version(partner)
        settled = self._settlements.heads(partner)
        todo = wanted | unfinished(settled)
        journals = 0
        missing: RateMissing | None = None
        while todo:
            month = min(todo)
            todo.remove(month)
            old = self._settlements.whole(settled.get(month))
            chain = chain_before(self._settlements, settled, month)
            new, postings, waits = self._computed(partner, month, chain, old)
            missing = waits or missing
            if new != old:
                version = self._post(partner, month, version, old, new, postings)
                journals += len(postings)
                settled[month] = self._settlements.head(partner, month)
            todo |= {each for each in unfinished(settled) if each > month}
        if missing is not None:
            raise missing
        return journals

    def _computed(
        self, partner: str, month: str, chain: Chain, old: SettledMonth
    ) -> tuple[SettledMonth, tuple[Posting, ...], RateMissing | None]:
        rows = self._settlements.rows(partner, month)
        contracts = self._contracts.contracts_of_month(partner, month)
        settlement = settle_month(partner, month, rows.clients, rows.below, chain, contracts)
        # What waits for a rate stays as it is posted, and the month as one that is not settled yet.
        standing = {key: minor for key, minor in old.posted.items() if key in settlement.waiting}
        posted = standing | {key: target.minor for key, target in settlement.targets.items() if target.minor}
        seen = "" if settlement.waiting else rows.digest
        new = SettledMonth(posted, settlement.chain, settlement.above, seen, chain_digest(chain))
        moved = {key: minor for key, minor in old.posted.items() if key not in standing}
        return (
            new,
            difference(settlement.targets, moved, contracts),
            next(iter(settlement.waiting.values()), None),
        )

    def _post(
        self,
        partner: str,
        month: str,
        version: int,
        old: SettledMonth,
        new: SettledMonth,
        postings: tuple[Posting, ...],
    ) -> int:
        """Write it in as many transactions as it takes; the last says that the month is settled. The version then.

        Each of the others is small: it says what it posted itself, not all that stands in the month.
        """
        parts = [postings[start : start + JOURNALS_AT_ONCE] for start in range(0, len(postings), JOURNALS_AT_ONCE)]
        if len(parts) > 1:
            # A month that is too large is refused before anything of it is posted.
            settled_to_items(partner, month, new)
        for number, part in enumerate(parts or [()], 1):
            last = number >= len(parts)
            posted = {posting.key: posting.before + posting.amount for posting in part}
            at_ms = self._now_ms()
            frozen = self._ledger.balance(partner).frozen_through if part else None
            self._settlements.write(
                Settling(
                    partner=partner,
                    month=month,
                    version=version,
                    settled=new if last else PostedPart(old.added + number, old.written, posted),
                    journals=tuple(settled_journal(posting, frozen, at_ms, version + 1) for posting in part),
                    above=_told(old.above, new.above) if last else {},
                ),
                at_ms,
            )
            version += 1
        return version


def _told(before: Mapping[str, Below], now: Mapping[str, Below]) -> dict[str, Below]:
    """What those above are to be told: what changed, and nothing any more where somebody else stands above now."""
    gone = {each: Below(below.level) for each, below in before.items() if each not in now}
    return gone | {each: below for each, below in now.items() if before.get(each) != below}


def month_before(settled: Iterable[str], month: str) -> str | None:
    """The last settled month before this one."""
    return max((each for each in settled if each < month), default=None)


def chain_before(settlements: Settlements, settled: Mapping[str, Head], month: str) -> Chain:
    """What the last settled month before this one handed on."""
    before = month_before(settled, month)
    return settlements.whole(settled[before]).chain if before else Chain()


def unfinished(settled: Mapping[str, Head]) -> set[str]:
    """The months that are posted in parts, or that followed something else than what the month before hands on."""
    found: set[str] = set()
    handed_on = chain_digest(Chain())
    for month, each in sorted(settled.items()):
        if not each.seen or each.follows != handed_on:
            found.add(month)
        handed_on = each.hands_on
    return found
