"""Which payout runs has a brand had, which wait for somebody, and when does the next one start?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.errors import Unavailable
from introducer.domain.money import Money
from introducer.domain.payout import Run, RunStatus, execution_name
from introducer.domain.payout_schedule import PayoutSchedule, last_ended
from introducer.domain.run_review import STOPPED
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.people import SYSTEM, Names
from introducer.services.read_payouts_of_partner import NextRun, next_run
from introducer.services.set_payout_schedule import day_in
from introducer.store.configuration import Configuration
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts

STARTING, STOPPED_SHORT, WAITING = "starting", "stopped", RunStatus.WAITING.value
"""States of a run beside those of `RunStatus`: its execution has begun and has written nothing yet; its execution
failed before the run was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInList:
    run: str
    schedule: str
    first: str
    through: str
    state: str
    cause: str
    """Why its execution stopped."""
    payouts: int
    """Those that reach a partner, or still may, as last added up."""
    pays: tuple[Money, ...]
    """What they come to."""
    left_out: int
    started_at: datetime
    started_by: str
    """A name; empty for a login that is gone, and where `by_schedule`."""
    by_schedule: bool
    deadline: datetime | None
    """Until when it must be decided; None once it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInList:
    schedule: PayoutSchedule
    next_run: NextRun
    period: str
    """What the period that ended last is called: the one that a run started by hand pays for."""
    first: str
    through: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOfBrand:
    items: tuple[RunInList, ...]
    cursor: str | None
    schedules: tuple[ScheduleInList, ...]


def read_runs_of_brand(
    configuration: Configuration,
    payouts: Payouts,
    schedules: PayoutSchedules,
    workflows: Callable[[], Workflows],
    *,
    brand: str,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> RunsOfBrand:
    """A page of a brand's runs, those that wait first, then the newest; and the brand's schedules. Executions are asked
    of `workflows`, only for runs that are not closed."""
    page = payouts.runs(brand, cursor, limit)
    names = Names(configuration)
    items = [_listed(run, names, execution_of(workflows, run)) for run in page.items]
    return RunsOfBrand(
        items=tuple(sorted(items, key=lambda each: each.state != WAITING)),
        cursor=page.cursor,
        schedules=tuple(_schedule(each, now) for each in schedules.of_brand(brand)),
    )


def execution_of(workflows: Callable[[], Workflows], run: Run) -> Execution | None:
    """The execution of a run that is not closed; None for one that is, and where nobody can say."""
    if run.closed_at is not None:
        return None
    try:
        return workflows().latest(execution_name(run.brand, run.run))
    except Unavailable:
        # The page says how the run stands in the books all the same.
        return None


def state_of(run: Run, execution: Execution | None) -> tuple[str, str]:
    """How far a run is, and why it stopped where it did."""
    if execution is not None and execution.failed:
        return STOPPED_SHORT, execution.cause
    return run.status.value, ""


def pays_of(run: Run) -> tuple[int, Mapping[str, int]]:
    """How many payouts of a run reach a partner or still may, and what they come to by pay currency, as last added
    up."""
    count, sums = 0, dict[str, int]()
    for each in run.sums:
        if each.status not in STOPPED:
            count += each.count
            sums[each.pay_currency] = sums.get(each.pay_currency, 0) + each.pays
    return count, dict(sorted(sums.items()))


def _listed(run: Run, names: Names, execution: Execution | None) -> RunInList:
    state, cause = state_of(run, execution)
    count, sums = pays_of(run)
    return RunInList(
        run=run.run,
        schedule=run.schedule,
        first=run.first,
        through=run.through,
        state=state,
        cause=cause,
        payouts=count,
        pays=tuple(Money(minor, currency) for currency, minor in sums.items()),
        left_out=sum(run.left_out.values()),
        started_at=run.started_at,
        started_by=names.of(run.started_by),
        by_schedule=run.started_by.startswith(SYSTEM),
        deadline=run.deadline if run.status is RunStatus.WAITING else None,
    )


def _schedule(schedule: PayoutSchedule, now: datetime) -> ScheduleInList:
    period = last_ended(schedule.cadence, day_in(schedule, now))
    return ScheduleInList(
        schedule=schedule,
        next_run=next_run(schedule, now),
        period=period.name,
        first=period.first.isoformat(),
        through=period.through.isoformat(),
    )
