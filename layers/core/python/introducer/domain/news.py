"""What a client's transition is worth telling the partner's tracker, and the brand's own systems.

Marks (registration, KYC, first deposit, qualified) are told once per client and partner, when they are counted; flows
of money are told each by its own event. Trades are not told: what they come to is told as earnings. Everything here has
an id that follows from what happened, so that telling it twice is seen by whoever is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from introducer.domain.client import ClientState, Segment
from introducer.domain.contracts import Contracts
from introducer.domain.counts import CountKey
from introducer.domain.earnings import Transition
from introducer.domain.events import EventType, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.postback_out import News, Told
from introducer.domain.rules import cpa, qualification

_MARKS = {"registrations": Told.REGISTRATION, "kyc": Told.KYC, "ftd": Told.FTD, "qftd": Told.QFTD}
_FLOWS = {
    EventType.DEPOSIT: Told.DEPOSIT,
    EventType.WITHDRAWAL: Told.WITHDRAWAL,
    EventType.CHARGEBACK: Told.CHARGEBACK,
}
_PAID_BY = {Told.REGISTRATION: "cpl", Told.QFTD: "cpa"}
"""Which rule's amount is known with which mark."""


class _Money(NamedTuple):
    minor: int
    currency: str


NONE = _Money(0, "")
MOST_LATE = 100
"""The last flows from before a client was this partner's that are told: an item of BOOKS has to hold them."""


def news_of(before: ClientState, transition: Transition, contracts: Contracts) -> tuple[News, ...]:
    """What is to be told of a transition, in the order of what happened; in one moment marks come first, a registration
    before what follows from it. Marks that a change of facts takes away are
    not told: what it takes back of the money is, as a clawback."""
    news = (*_marks(before, transition, contracts), *_flows(before, transition))
    return tuple(sorted(news, key=lambda each: each.at))


def _marks(before: ClientState, transition: Transition, contracts: Contracts) -> Iterator[News]:
    after = transition.state
    owner = after.owner
    counted: Counter[str] = Counter()
    for key, values in transition.counts.items():
        if owner and isinstance(key, CountKey) and key.partner == owner.partner:
            counted.update({name: value for name, value in values.items() if name in _MARKS})
    # One that moves to another day or link is taken away there and made here: it was told when it was first made.
    made = {_MARKS[name] for name, value in counted.items() if value > 0}
    if owner is None:
        # Nobody's client is counted for nobody: the brand's own systems are told all the same.
        made = {Told.REGISTRATION} if after.registered and not before.registered else set()
        made |= {Told.KYC} if after.kyc and not before.kyc else set()
    for told in (each for each in _MARKS.values() if each in made):
        at, deposit = _when(told, after, contracts)
        payout = _paid(told, owner, transition)
        partner = owner.partner if owner else ""
        identity = derived_id("evt", after.brand, after.client, told.value, partner)
        yield _news(told, identity, after, owner, at, payout, deposit)


def _when(told: Told, state: ClientState, contracts: Contracts) -> tuple[int, _Money]:
    """When a mark was made, and what was paid in by it."""
    if told is Told.REGISTRATION and state.registered:
        return state.registered.at, NONE
    if told is Told.KYC and state.kyc:
        return state.kyc.at, NONE
    qualified = cpa.targets(state, contracts).qualified if told is Told.QFTD else {}
    version = qualification.base_version(state, contracts)
    ftd = qualification.first_deposit(state, version.deal if version else None, contracts.rates)
    if ftd is None:
        return state.last_at, NONE
    deposit = state.deposits[ftd]
    at = deposit.at if told is Told.FTD else min((each.at for each in qualified.values()), default=state.last_at)
    return at, _Money(deposit.minor, deposit.currency)


def _paid(told: Told, owner: Segment | None, transition: Transition) -> _Money:
    """What the owner is credited by the same transaction for this mark; nothing where that is settled later."""
    if owner is None or told not in _PAID_BY:
        return NONE
    mine = [
        posting
        for posting in transition.postings
        if posting.key.partner == owner.partner and posting.target.rule_kind == _PAID_BY[told] and posting.amount > 0
    ]
    currency = mine[0].key.currency if mine else ""
    return _Money(sum(each.amount for each in mine if each.key.currency == currency), currency)


def _flows(before: ClientState, transition: Transition) -> Iterator[News]:
    """What is new of them; and what came before anybody knew whose client it is, to whom it belongs now."""
    after = transition.state
    new = {event.key for event in transition.applied}
    flows = [event for event in transition.weighed if event.type in _FLOWS]
    late = [event for event in flows if event.key not in new and _moved(before, after, milliseconds(event.occurred_at))]
    for event in (*late[-MOST_LATE:], *(event for event in flows if event.key in new)):
        at = milliseconds(event.occurred_at)
        told = _FLOWS[event.type]
        segment = after.segment_at(at)
        identity = derived_id("evt", after.brand, after.client, told.value, *event.key)
        yield _news(told, identity, after, segment, at, NONE, _Money(event.amount or 0, event.currency or ""))


def _moved(before: ClientState, after: ClientState, at: int) -> bool:
    """Whether what happened then is a partner's now, and was not before."""
    was, now = before.segment_at(at), after.segment_at(at)
    return now is not None and (was is None or was.partner != now.partner)


def _news(
    told: Told, identity: str, state: ClientState, segment: Segment | None, at: int, payout: _Money, deposit: _Money
) -> News:
    return News(
        event=told,
        event_id=identity,
        brand=state.brand,
        partner=segment.partner if segment else "",
        client=state.client,
        at=at,
        click=segment.click if segment else "",
        link=segment.link if segment else "",
        campaign=segment.campaign if segment else "",
        country=state.country or "",
        payout=payout.minor,
        currency=payout.currency,
        deposit=deposit.minor,
        deposit_currency=deposit.currency,
    )
