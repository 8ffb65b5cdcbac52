"""Chains audit records: each one once, in one chain per brand, however often and by however many it is tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from introducer.domain.audit_chain import ChainHead, Link, Recorded, RecordKey, Via, beginning, links_after
from introducer.domain.errors import Unavailable
from introducer.domain.events import milliseconds
from introducer.store.audit_chain import MOST_AT_ONCE

TRIES = 8
"""How often a batch is tried against others that write the same chain, before the stream has to bring it again."""


class Chain(Protocol):
    """What `store.audit_chain.AuditChain` does."""

    def head(self, brand: str) -> ChainHead | None: ...
    def places(self, brand: str, records: Sequence[RecordKey]) -> dict[RecordKey, int]: ...
    def append(self, head: ChainHead, links: Sequence[Link]) -> bool: ...


@dataclass(slots=True)
class Chained:
    """What became of a batch."""

    links: int = 0
    """Records that have a link now, and had none before."""
    failed: dict[RecordKey, Exception] = field(default_factory=dict)
    """Records that have none as far as we know: to be tried again."""


def chain_audit(
    chain: Chain,
    records: Sequence[Recorded],
    *,
    now: datetime,
    pause: Callable[[int], None],
    via: Via = Via.STREAM,
) -> Chained:
    """Gives each record its link, in the order given; one that has a link is passed over. A brand whose chain cannot
    be written leaves the others alone."""
    of_brands: dict[str, dict[RecordKey, Recorded]] = defaultdict(dict)
    for record in records:
        of_brands[record.brand].setdefault(record.key, record)
    outcome = Chained()
    for brand, of_brand in of_brands.items():
        mine = list(of_brand.values())
        for start in range(0, len(mine), MOST_AT_ONCE):
            batch = mine[start : start + MOST_AT_ONCE]
            try:
                outcome.links += _chain(chain, brand, batch, now, pause, via)
            except Unavailable as error:
                outcome.failed |= {record.key: error for record in batch}
    return outcome


def _chain(
    chain: Chain,
    brand: str,
    batch: Sequence[Recorded],
    now: datetime,
    pause: Callable[[int], None],
    via: Via,
) -> int:
    """How many got a link now. Raises `Unavailable`."""
    left = list(batch)
    for attempt in range(TRIES):
        head = chain.head(brand) or beginning(brand)
        if attempt:
            # Not at first: few records come twice, and one that has a link refuses the whole batch anyway.
            linked = chain.places(brand, [record.key for record in left])
            left = [record for record in left if record.key not in linked]
            if not left:
                return 0
        if chain.append(head, links_after(head, left, via, milliseconds(now))):
            return len(left)
        pause(attempt)
    raise Unavailable("Too many write this chain at once: try again.", code="chain_busy")
