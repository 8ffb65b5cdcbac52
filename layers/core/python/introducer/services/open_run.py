"""The first steps of a payout run: it is written down, its rates are locked, and its partners are counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.events import day_of
from introducer.domain.payout import Run, RunStatus
from introducer.domain.payout_schedule import check_ended, chosen
from introducer.services.creation import Author
from introducer.services.read_contracts import ECB
from introducer.services.set_payout_schedule import day_in
from introducer.store.configuration import Configuration
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore

SMALLEST_GROUP, MOST_GROUPS = 50, 400
"""A group of partners has at least so many, and a run at most so many groups: their list stays far from the 256 KB that
the state machine may carry."""


@dataclass(frozen=True, slots=True)
class Group:
    """What comes after `after`, up to `through`: ids of partners or of payouts."""

    after: str
    through: str


def open_run(
    schedules: PayoutSchedules,
    payouts: Payouts,
    *,
    brand: str,
    schedule: str,
    run: str,
    first: str,
    through: str,
    author: Author,
    now: datetime,
) -> Run:
    """Writes the run down; opening it again answers what stands. Raises `NotFound` for an unknown schedule, `Invalid`
    for a range that has not ended, `Conflict` (code `run_differs`) when a run of that name has another range."""
    found = schedules.get(brand, schedule)
    period = chosen(first, through)
    check_ended(period, day_in(found, now))
    opened = payouts.open_run(
        Run(
            brand=brand,
            run=run,
            schedule=schedule,
            first=first,
            through=through,
            pay_day=day_of(now),
            status=RunStatus.OPEN,
            started_at=now,
            started_by=author.by,
            why=author.why,
        ),
        Change(by=author.by, at=now, why=author.why, origin=author.origin),
    )
    if (opened.schedule, opened.first, opened.through) != (schedule, first, through):
        raise Conflict(
            f"{run} is a run from {opened.first} to {opened.through}: choose another range.", code="run_differs"
        )
    return opened


def take_rates(payouts: Payouts, rates: RateStore, *, brand: str, run: str) -> Run:
    """Locks the run's rates: the last publication strictly before its pay day. Once locked they stay.

    Raises `Unavailable` (code `rates_incomplete`) while it is not known what was published up to the day before: they
    are fetched on working days, and entered by `introducer` otherwise.
    """
    for _ in range(5):
        found = payouts.run(brand, run)
        if found.rates_day:
            return found
        needed = plus_days(found.pay_day, -1)
        complete = rates.completed_through(ECB)
        before = rates.published_before(ECB, found.pay_day)
        if complete is None or complete < needed or before is None:
            raise Unavailable(
                f"Exchange rates are known through {complete or 'no day'}: load those of {needed}, then start the run "
                "again.",
                code="rates_incomplete",
            )
        day, per_euro = before
        try:
            return payouts.change_run(found, replace(found, rates_day=day, rates_feed=ECB, per_euro=per_euro))
        except Conflict:
            continue
    raise Conflict("The run is being changed by somebody else: try again.", code="run_changed")


def select_partners(configuration: Configuration, *, brand: str) -> tuple[int, list[Group]]:
    """How many partners the brand has, and groups of them by id, which the next steps take one by one."""
    ids = [card.partner for card in configuration.every_card(brand)]
    return len(ids), groups(ids)


def groups(ids: list[str]) -> list[Group]:
    """Ids, in order, in groups of equal size."""
    size = max(SMALLEST_GROUP, -(-len(ids) // MOST_GROUPS))
    bounds = ["", *(ids[min(end, len(ids)) - 1] for end in range(size, len(ids) + size, size))]
    return [Group(after, through) for after, through in pairwise(bounds)]
