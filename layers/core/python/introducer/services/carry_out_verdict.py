"""Carries out what was decided: facts about the clients, which the engine follows; the money then goes free.

Never the other order: what a disallowed client earned is held until the clawback stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from introducer.domain.calendar import plus_months
from introducer.domain.case import Case, CaseStatus, Verdict
from introducer.domain.configuration import DESK, Change
from introducer.domain.errors import Conflict
from introducer.domain.events import ALLOWED, DISALLOWED, Event, EventType, from_milliseconds, month_of
from introducer.domain.ids import derived_id
from introducer.services.case_books import CaseBooks
from introducer.services.case_scoring import scored
from introducer.services.decisions import after
from introducer.services.settle_partner import unfinished
from introducer.store.rulings import Rulings


class _Ruled(NamedTuple):
    """A fact that follows from a verdict."""

    client: str
    ruling: str
    """The id of its event."""
    status: str


def carry_out_verdict(books: CaseBooks, rulings: Rulings, *, partner: str, case: str, now: datetime) -> Case:
    """Records a VERDICT event for each client that the last verdict is about, with its audit record: none after a
    release, `disallowed` after a disallow, `allowed` after an overturned appeal. Again writes nothing.

    Raises `NotFound`, `Conflict` (`not_decided`; `scoring_changed`: try again), `Unavailable`.
    """
    found = books.cases.case(partner, case)
    verdict = decided(found)
    if found.status is CaseStatus.OVERTURNED and (step := scored(books, found)) is not None:
        # Before the clients earn again: scoring sees them then, and must know that they were looked at.
        books.scorings.change(*step)
    for ruled in _ruled(found):
        before = rulings.of_client(found.brand, ruled.client)
        if any(each.event_id == ruled.ruling for each in before):
            continue
        decided_at = after(verdict.at, (each.occurred_at for each in before))
        ruling = Event(
            brand=found.brand,
            source=DESK,
            client=ruled.client,
            event_id=ruled.ruling,
            type=EventType.VERDICT,
            occurred_at=decided_at,
            accepted_at=max(decided_at, now),
            status=ruled.status,
            starts_at=verdict.starts_at,
            case=found.case,
            reason=_reason(found),
        )
        rulings.record(ruling, Change(by=verdict.by, at=decided_at, why=verdict.why, origin="fraud_case"))
    return found


def engine_is_done(books: CaseBooks, *, partner: str, case: str) -> bool:
    """Whether the engine has applied every such event, posted all that follows from it, and settled the partner's
    months. True at once where there is none to apply. Raises `NotFound`, `Conflict` (`not_decided`), `Unavailable`."""
    found = books.cases.case(partner, case)
    decided(found)
    ruled = list(_ruled(found))
    if not ruled:
        return True
    states = books.clients.states((found.brand, each.client) for each in ruled)
    earliest = found.opened_at
    for each in ruled:
        state = states.get((found.brand, each.client))
        # The state names the ruling in the transaction that applies it.
        if state is None or (DESK, each.ruling) not in state.rulings or state.unfinished:
            return False
        if state.anchor is not None:
            earliest = min(earliest, from_milliseconds(state.anchor))
    return _is_settled(books, found.partner, earliest, found)


def decided(case: Case) -> Verdict:
    """The verdict that is to be carried out. Raises `Conflict`."""
    verdict = case.last_verdict
    if verdict is None or case.status.waits:
        raise Conflict("This case is not decided.", code="not_decided")
    return verdict


def ruling_id(case: str, client: str, status: CaseStatus) -> str:
    """The id of the event that says of a client what a case decided."""
    return derived_id("ver", case, client, status.value)


def _ruled(case: Case) -> Iterator[_Ruled]:
    said = {CaseStatus.DISALLOWED: DISALLOWED, CaseStatus.OVERTURNED: ALLOWED}.get(case.status)
    if said is None or case.verdict is None:
        return
    for client in case.verdict.clients:
        yield _Ruled(client, ruling_id(case.case, client, case.status), said)


def _reason(case: Case) -> str | None:
    code = case.verdict.code if case.verdict is not None else None
    return None if code is None else code.value


def _is_settled(books: CaseBooks, partner: str, earliest: datetime, case: Case) -> bool:
    """Whether the partner's months since then follow the rows that they have now, and the month before them."""
    heads = books.settlements.heads(partner)
    if unfinished(heads):
        return False
    verdict = decided(case)
    month, last = month_of(earliest), max([month_of(verdict.at), *heads])
    while month <= last:
        rows = books.settlements.rows(partner, month)
        if (rows.clients or rows.below) and (month not in heads or heads[month].seen != rows.digest):
            return False
        month = plus_months(month, 1)
    return True
