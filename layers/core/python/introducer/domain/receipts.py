"""Receipts and journals: a posting written down so that anybody can follow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from introducer.domain.calendar import day_at
from introducer.domain.contracts import Contracts
from introducer.domain.deal import DealVersion, Lot
from introducer.domain.earnings import Posting, Transition
from introducer.domain.events import Event, milliseconds
from introducer.domain.ledger import (
    Journal,
    Receipt,
    ReceiptEvent,
    ReceiptRate,
    earning_legs,
    journal_id,
    post_month,
)
from introducer.domain.money import FINE, show_ratio
from introducer.domain.rates import Rate
from introducer.domain.rules import lot, revshare

LISTED_EVENTS = 10
"""Events named on a receipt; a journal with its receipt is meant to stay within one kilobyte."""


def journal(
    posting: Posting,
    transition: Transition,
    contracts: Contracts,
    frozen_through: str | None,
    at_ms: int,
    sequence: int,
) -> Journal:
    """The journal of a client's posting, made at `at_ms` from a client state of version `sequence`."""
    events = _events(posting, transition, contracts)
    rates = _rates(posting, events[:LISTED_EVENTS], transition.weighed, contracts)
    return _posted(posting, events, rates, frozen_through, at_ms, sequence)


def settled_journal(posting: Posting, frozen_through: str | None, at_ms: int, sequence: int) -> Journal:
    """The journal of what settling a partner's month posts; `sequence` is how often the partner was settled."""
    target = posting.target
    return _posted(posting, target.evidence, _shown(target.used), frozen_through, at_ms, sequence)


def _posted(
    posting: Posting,
    events: Sequence[ReceiptEvent],
    rates: tuple[ReceiptRate, ...],
    frozen_through: str | None,
    at_ms: int,
    sequence: int,
) -> Journal:
    """The entry itself. A month that is closed is not touched: the journal stands in the first open month, and its key
    still says for which month it was earned."""
    key, target = posting.key, posting.target
    month = post_month(key.earn_month, frozen_through)
    return Journal(
        id=journal_id(key, month, at_ms, sequence),
        key=key,
        kind="earning" if posting.amount > 0 else "clawback",
        amount=posting.amount,
        post_month=month,
        posted_at=at_ms,
        legs=earning_legs(key, posting.amount),
        receipt=Receipt(
            rule_kind=target.rule_kind,
            version=target.version,
            events=tuple(sorted(events[:LISTED_EVENTS], key=lambda event: event.occurred_at)),
            more_events=max(0, len(events) - LISTED_EVENTS),
            lines=target.lines,
            rates=rates,
            target=target.minor,
            before=posting.before,
        ),
    )


def _events(posting: Posting, transition: Transition, contracts: Contracts) -> list[ReceiptEvent]:
    """The events behind a posting, the most telling first: those that met the conditions, then those with a value for
    this rule and month, newest first. Where neither explains the difference (a cancel, a chargeback, a late
    registration that gave the client its partner), the events of this batch do."""
    evidence = list(posting.target.evidence)
    known = {(event.source, event.event_id) for event in evidence}
    valued: list[ReceiptEvent] = []
    for event in transition.weighed:
        value = _value(event, posting, contracts)
        if value and event.key not in known:
            valued.append(_named(event, show_ratio(value, FINE, posting.key.currency)))
    valued.sort(key=lambda event: event.occurred_at, reverse=True)
    known |= {(event.source, event.event_id) for event in valued}
    batch = {event.key for event in transition.applied}
    if known & batch:
        return evidence + valued
    reasons = [_named(event, None) for event in transition.applied if event.key not in known]
    return reasons[:LISTED_EVENTS] + evidence + valued


def _named(event: Event, value: str | None) -> ReceiptEvent:
    return ReceiptEvent(*event.key, str(event.type), milliseconds(event.occurred_at), value)


def _value(event: Event, posting: Posting, contracts: Contracts) -> int | None:
    """What an event contributes to the posting's rule and month, in fine units: net revenue, or a lot's commission."""
    version = contracts.version_at(posting.key.partner, milliseconds(event.occurred_at))
    if version is None or day_at(milliseconds(event.occurred_at))[:7] != posting.key.earn_month:
        return None
    if posting.target.rule_kind == "revshare":
        return revshare.net_revenue(event, version.deal.net_revenue, version.deal.currency, contracts.rates)
    rule = _lot_rule(version, posting.key.rule)
    return lot.commission(event, rule) if rule else None


def _lot_rule(version: DealVersion, rule_id: str) -> Lot | None:
    return next((rule for rule in version.deal.rules if rule.id == rule_id and isinstance(rule, Lot)), None)


def _rates(
    posting: Posting, listed: Sequence[ReceiptEvent], weighed: Sequence[Event], contracts: Contracts
) -> tuple[ReceiptRate, ...]:
    """The rates that the listed events were converted at. Lots have their value in the deal's currency already."""
    currency = posting.key.currency
    converted = listed if posting.target.rule_kind == "revshare" else ()
    named = {(event.source, event.event_id) for event in converted if event.value is not None}
    used = posting.target.used | {
        contracts.rates.rate(event.currency, currency, day_at(milliseconds(event.occurred_at)))
        for event in weighed
        if event.key in named and event.currency is not None and event.currency != currency
    }
    return _shown(used)


def _shown(used: Iterable[Rate]) -> tuple[ReceiptRate, ...]:
    return tuple(
        ReceiptRate(rate.source, rate.target, str(rate), rate.day, rate.feed)
        for rate in sorted(used, key=lambda rate: (rate.day, rate.source))
    )
