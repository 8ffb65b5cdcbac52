"""EventBridge Scheduler, by the product's clock and in each schedule's time zone.

Ministack sweeps every ten seconds, by the machine's clock, and takes every expression for UTC. Here a schedule is due
when the clock of the local stage has passed it: who moves the clock to the morning of the first starts what AWS starts
then. A clock that jumps over several times fires once, as AWS does after an outage of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler

from .clock import Clock

_SWEEP_EVERY = 0.5
_ONCE = float("inf")
"""As a time at which a schedule fired last: one of a single time that has been."""

Schedule = dict[str, Any]


def apply(clock: Clock) -> None:
    def sweep() -> None:
        account, region = get_account_id(), get_region()
        try:
            for key, schedule in list(scheduler._schedules._data.items()):
                _look(key, schedule, clock.now())
        finally:
            set_request_account_id(account)
            set_request_region(region)

    scheduler._SCHEDULE_TICK_INTERVAL = _SWEEP_EVERY
    scheduler._tick_schedules = sweep
    for name in ("_create_schedule", "_update_schedule"):
        _note_at_once(name, clock)


def _note_at_once(name: str, clock: Clock) -> None:
    """A schedule stands since the moment it was made, not since the sweep that found it."""
    write = getattr(scheduler, name)

    def written(schedule: str, body: dict[str, Any]) -> Any:
        answer = write(schedule, body)
        key = f"{body.get('GroupName', 'default')}/{schedule}"
        if key in scheduler._schedules:
            scoped = (get_account_id(), get_region(), key)
            _since(scoped, scheduler._schedules[key], clock.now())
        return answer

    setattr(scheduler, name, written)


def _since(key: tuple[str, str, str], schedule: Schedule, now: float) -> tuple[tuple[str, ...], float]:
    """Since when a schedule counts, and under what that is noted: with another expression it begins anew."""
    stands = (*key, schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"])
    return stands, scheduler._schedule_last_fired.setdefault(stands, now)


def _look(key: tuple[str, str, str], schedule: Schedule, now: float) -> None:
    """Fires one schedule, if it is due."""
    expression, fired = schedule["ScheduleExpression"], scheduler._schedule_last_fired
    stands, since = _since(key, schedule, now)
    if now < since < _ONCE:
        # The clock was put back.
        since = fired[stands] = now
    if schedule["State"] != "ENABLED":
        fired[stands] = max(since, now)
        return
    due = _next(expression, ZoneInfo(schedule["ScheduleExpressionTimezone"]), since)
    if due is None or now < due:
        return
    fired[stands] = _ONCE if expression.startswith("at(") else now
    account, region, _ = key
    set_request_account_id(account)
    set_request_region(region)
    event = {
        "EventId": stands[2], "Source": "aws.scheduler", "DetailType": "Scheduled Event", "Detail": "{}", "Time": now,
        "Resources": [schedule["Arn"]], "Account": account, "Region": region,
    }  # fmt: skip
    eventbridge._invoke_target(schedule["Target"], event, schedule)
    if fired[stands] == _ONCE and schedule.get("ActionAfterCompletion") == "DELETE":
        scheduler._schedules._data.pop(key, None)


def _next(expression: str, zone: ZoneInfo, since: float) -> float | None:
    """When a schedule is due next, after a time; None for one that never is again."""
    if since == _ONCE:
        return None
    if expression.startswith("at("):
        return datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone).timestamp()
    interval = eventbridge._parse_rate_seconds(expression)
    if interval is not None:
        return since + float(interval)
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        return None
    # The wall clock of the zone, written as if it were UTC, is what the fields are about.
    wall = datetime.fromtimestamp(since, zone).replace(tzinfo=UTC)
    found = eventbridge._cron_next_fire(fields, wall)
    return None if found is None else float(found.replace(tzinfo=zone).timestamp())
