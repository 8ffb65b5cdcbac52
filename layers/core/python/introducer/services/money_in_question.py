"""What money a case is about, read from the books as they stand: what clients were posted, and what rules that look at
all clients together owe for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from introducer.domain.case import Case
from introducer.domain.case_money import Holding, Lane, in_question, months_unpaid, to_hold
from introducer.domain.events import day_of
from introducer.domain.ledger import AVAILABLE, HELD, PENDING, RESERVED, Balance, Key
from introducer.domain.payout import UNSETTLED
from introducer.domain.settlement import settle_month
from introducer.services.case_books import CaseBooks
from introducer.services.settle_partner import chain_before


def holding(books: CaseBooks, case: Case, balance: Balance, now: datetime) -> Holding:
    """What is to be moved so that the case holds what it should. `balance` was read before this: who writes under its
    version knows that nothing was posted since, so that what is read here belongs to it."""
    question = None if case.whole else money_in_question(books, case, balance)
    return to_hold(balance, case.held, question, day_of(now), reserved_here(books, balance))


def money_in_question(books: CaseBooks, case: Case, balance: Balance) -> dict[Lane, int]:
    """What the clients of the case were posted, and what they are to the rules that look at all clients together."""
    states = books.clients.states((case.brand, client) for client in case.clients)
    own = [
        {key: minor for key, minor in state.posted.items() if key.partner == case.partner} for state in states.values()
    ]
    return in_question([*own, _shared(books, case, balance)])


def reserved_here(books: CaseBooks, balance: Balance) -> dict[str, int]:
    """What stands reserved in payouts that have not left, by currency. A payout that no list names yet has not."""
    reserved = {
        currency: minor for (currency, bucket, _), minor in balance.amounts.items() if bucket == RESERVED and minor > 0
    }
    left = dict(reserved)
    cursor: str | None = None
    while any(minor > 0 for minor in left.values()):
        page = books.payouts.of_partner(balance.partner, cursor)
        for payout in page.items:
            if payout.status in UNSETTLED:
                left[payout.currency] = left.get(payout.currency, 0) - payout.amount
        cursor = page.cursor
        if cursor is None:
            break
    return {currency: minor for currency, minor in left.items() if minor > 0}


def _shared(books: CaseBooks, case: Case, balance: Balance) -> Mapping[Key, int]:
    """What the partner's settled months come to with all clients, less what they come to without those of the case: of
    the months that are not paid in full, and those after them."""
    heads = books.settlements.heads(case.partner)
    if not heads:
        return {}
    unpaid = _months_unpaid(balance)
    months = [month for month in sorted(heads) if unpaid.get(month, 0) > 0]
    # What a month hands on follows from all clients too: once it differs, later months do.
    without_chain = None
    apart: dict[Key, int] = {}
    for month in months:
        rows = books.settlements.rows(case.partner, month)
        rest = {client: row for client, row in rows.clients.items() if client not in case.clients}
        if len(rest) == len(rows.clients) and without_chain is None:
            continue
        contracts = books.contracts.contracts_of_month(case.partner, month)
        chain = chain_before(books.settlements, heads, month)
        whole = settle_month(case.partner, month, rows.clients, rows.below, chain, contracts)
        without = settle_month(case.partner, month, rest, rows.below, without_chain or chain, contracts)
        without_chain = without.chain
        for key in whole.targets.keys() | without.targets.keys():
            one, other = whole.targets.get(key), without.targets.get(key)
            minor = (one.minor if one else 0) - (other.minor if other else 0)
            if minor:
                apart[key] = minor
    return apart


def _months_unpaid(balance: Balance) -> dict[str, int]:
    """What of each month is not paid, all currencies together: only whether it is nothing is looked at."""
    found: dict[str, int] = {}
    for currency in balance.currencies():
        # What is held or reserved is not paid.
        stands = sum(
            minor
            for (each, bucket, _), minor in balance.amounts.items()
            if each == currency and bucket in (PENDING, AVAILABLE, HELD, RESERVED)
        )
        for month, minor in months_unpaid(balance, currency, stands, {}).items():
            found[month] = found.get(month, 0) + minor
    return found
