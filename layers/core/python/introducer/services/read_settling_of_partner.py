"""What will still be posted for a partner's month: the same reckoning that settling does, before it has done it."""

from __future__ import annotations

from collections import defaultdict

from introducer.domain.money import Money
from introducer.domain.settlement import settle_month
from introducer.services.settle_partner import ReadsContractsOfMonth, chain_before, month_before
from introducer.store.settlements import MonthRows, SettledMonth, Settlements, read_again


def read_settling_of_partner(
    settlements: Settlements, contracts: ReadsContractsOfMonth, *, partner: str, month: str
) -> tuple[Money, ...]:
    """What is owed for a month less what the books hold of it, by currency; nothing when the month is settled.

    Only rules that look at all clients together, or at partners below, can be behind, and only they have rows: without
    rows this is one query. What waits for a rate is left out: nobody knows yet what it comes to.
    """
    rows = settlements.rows(partner, month)
    if not rows.clients and not rows.below:
        return ()
    return read_again(lambda: _missing(settlements, contracts, rows, partner, month))


def _missing(
    settlements: Settlements, contracts: ReadsContractsOfMonth, rows: MonthRows, partner: str, month: str
) -> tuple[Money, ...]:
    settled = settlements.heads(partner)
    before = month_before(settled, month)
    handed_on = settled[before].hands_on if before else SettledMonth().hands_on
    if month in settled and (settled[month].seen, settled[month].follows) == (rows.digest, handed_on):
        return ()
    chain = chain_before(settlements, settled, month)
    stands = settlements.whole(settled.get(month))
    owed = settle_month(partner, month, rows.clients, rows.below, chain, contracts.contracts_of_month(partner, month))
    missing: dict[str, int] = defaultdict(int)
    for key, target in owed.targets.items():
        missing[key.currency] += target.minor
    for key, minor in stands.posted.items():
        if key not in owed.waiting:
            missing[key.currency] -= minor
    return tuple(Money(minor, currency) for currency, minor in sorted(missing.items()) if minor)
