"""When partners are paid: periods across new years and leap days, ranges, names, and what cannot be a schedule; and
what the clock and people start by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, TooMany, Unavailable
from introducer.domain.payout import execution_name
from introducer.domain.payout_schedule import (
    LONGEST_RANGE,
    Cadence,
    Period,
    check_ended,
    checked,
    chosen,
    last_ended,
    next_due,
    period_of,
    plus,
    run_name,
)
from introducer.gateways.workflows import RUNNING, Execution
from introducer.services.confirm_run import close_run
from introducer.services.start_run import Started, start_again, start_due_run, start_run
from tests.conftest import Tables
from tests.support.payouts import BRAND, CHECKER, NOW, RUN, Paying, a_member, a_schedule

pytestmark = pytest.mark.in_memory


def day(text: str) -> date:
    return date.fromisoformat(text)


def refused(act: Callable[[], object], kind: type[IntroducerError] = Invalid) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


# ------------------------------------------------------------------------------------------------------------- periods


@pytest.mark.parametrize(("cadence", "on", "name", "first", "through"), [
    (Cadence.WEEKLY, "2026-11-25", "2026-w48", "2026-11-23", "2026-11-29"),
    (Cadence.WEEKLY, "2026-11-29", "2026-w48", "2026-11-23", "2026-11-29"),
    (Cadence.WEEKLY, "2026-11-30", "2026-w49", "2026-11-30", "2026-12-06"),
    # ISO weeks belong to the year of their Thursday.
    (Cadence.WEEKLY, "2026-12-31", "2026-w53", "2026-12-28", "2027-01-03"),
    (Cadence.WEEKLY, "2027-01-03", "2026-w53", "2026-12-28", "2027-01-03"),
    (Cadence.WEEKLY, "2027-01-04", "2027-w01", "2027-01-04", "2027-01-10"),
    (Cadence.WEEKLY, "2024-12-30", "2025-w01", "2024-12-30", "2025-01-05"),
    (Cadence.TWICE_MONTHLY, "2026-11-15", "2026-11a", "2026-11-01", "2026-11-15"),
    (Cadence.TWICE_MONTHLY, "2026-11-16", "2026-11b", "2026-11-16", "2026-11-30"),
    (Cadence.TWICE_MONTHLY, "2027-02-28", "2027-02b", "2027-02-16", "2027-02-28"),
    (Cadence.TWICE_MONTHLY, "2028-02-20", "2028-02b", "2028-02-16", "2028-02-29"),
    (Cadence.TWICE_MONTHLY, "2026-12-31", "2026-12b", "2026-12-16", "2026-12-31"),
    (Cadence.MONTHLY, "2026-11-01", "2026-11", "2026-11-01", "2026-11-30"),
    (Cadence.MONTHLY, "2028-02-29", "2028-02", "2028-02-01", "2028-02-29"),
    (Cadence.MONTHLY, "2100-02-28", "2100-02", "2100-02-01", "2100-02-28"),
    (Cadence.MONTHLY, "2026-12-31", "2026-12", "2026-12-01", "2026-12-31"),
    (Cadence.QUARTERLY, "2026-03-31", "2026-q1", "2026-01-01", "2026-03-31"),
    (Cadence.QUARTERLY, "2026-04-01", "2026-q2", "2026-04-01", "2026-06-30"),
    (Cadence.QUARTERLY, "2026-09-30", "2026-q3", "2026-07-01", "2026-09-30"),
    (Cadence.QUARTERLY, "2026-12-31", "2026-q4", "2026-10-01", "2026-12-31"),
])  # fmt: skip
def test_a_day_lies_in_its_period(cadence: Cadence, on: str, name: str, first: str, through: str) -> None:
    assert period_of(cadence, day(on)) == Period(name, day(first), day(through))


@pytest.mark.parametrize(("cadence", "today", "name"), [
    (Cadence.WEEKLY, "2027-01-04", "2026-w53"),
    (Cadence.TWICE_MONTHLY, "2026-11-16", "2026-11a"),
    (Cadence.TWICE_MONTHLY, "2026-11-15", "2026-10b"),
    (Cadence.MONTHLY, "2027-01-01", "2026-12"),
    (Cadence.MONTHLY, "2026-12-31", "2026-11"),
    (Cadence.QUARTERLY, "2027-01-01", "2026-q4"),
])  # fmt: skip
def test_the_last_period_that_has_ended_ended_before_today(cadence: Cadence, today: str, name: str) -> None:
    assert last_ended(cadence, day(today)).name == name


DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(st.sampled_from(Cadence), DAYS)
def test_periods_cover_every_day_once_and_no_two_have_one_name(cadence: Cadence, on: date) -> None:
    here = period_of(cadence, on)
    assert here.first <= on <= here.through
    assert period_of(cadence, here.first) == period_of(cadence, here.through) == here
    following = period_of(cadence, plus(here.through, 1))
    assert following.first == plus(here.through, 1)
    assert following.name != here.name
    assert last_ended(cadence, following.first) == here
    check_ended(last_ended(cadence, on), on)


@given(st.sampled_from(Cadence), DAYS, st.integers(1, 60))
def test_what_is_due_next_is_what_the_clock_starts_on_that_day(cadence: Cadence, today: date, after: int) -> None:
    schedule = a_schedule(cadence=cadence, days_after=after)
    period, starts = next_due(schedule, today)
    assert starts == plus(period.through, after) >= today
    assert last_ended(cadence, plus(starts, 1 - after)) == period
    if starts > today:
        assert last_ended(cadence, plus(today, 1 - after)).through < period.first


# -------------------------------------------------------------------------------------------------------------- ranges


def test_a_range_is_named_after_its_days() -> None:
    period = chosen("2026-11-03", "2026-11-03")
    assert period == Period("2026-11-03-2026-11-03", day("2026-11-03"), day("2026-11-03"))
    assert run_name(period, "monthly-EUR") == "2026-11-03-2026-11-03-monthly-EUR"
    assert run_name(period_of(Cadence.MONTHLY, day("2026-11-03")), "monthly-EUR") == "2026-11-monthly-EUR"


@pytest.mark.parametrize(("first", "through"), [
    ("2026-11-30", "2026-11-29"), ("", "2026-11-30"), ("2026-11-01", ""), ("2026-02-29", "2026-03-01"),
    ("2026-1-1", "2026-01-02"), ("20261101", "20261130"), ("2026-W45-1", "2026-W45-7"), ("٢٠٢٦-11-01", "2026-11-30"),
    ("2025-11-01", "2026-11-02"), ("9999-12-31", "9999-12-31"), ("2026-11-01T00:00", "2026-11-30"), (" ", "x"),
])  # fmt: skip
def test_what_is_no_range_is_refused(first: str, through: str) -> None:
    assert refused(lambda: chosen(first, through)) == "bad_range"


def test_a_range_has_at_most_a_leap_year_s_days() -> None:
    period = chosen("2028-01-01", "2028-12-31")
    assert (period.through - period.first).days + 1 == LONGEST_RANGE


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_is_sent_as_a_range_is_read_or_refused(first: str, through: str) -> None:
    said = None
    try:
        check_ended(chosen(first, through), day("2026-11-30"))
    except Invalid as refusal:
        said = refusal.detail
    assert said is None or said.endswith(".")


def test_a_range_that_has_not_ended_says_from_when_on_it_can_be_paid() -> None:
    with pytest.raises(Invalid, match=r"ends on 2026-11-30: it can be paid from 2026-12-01 on\."):
        check_ended(chosen("2026-11-01", "2026-11-30"), day("2026-11-30"))


# --------------------------------------------------------------------------------------------------- what can be one


@pytest.mark.parametrize("name", ["m", "monthly", "monthly-EUR", "A1-", "a" * 23])
def test_a_name_is_a_part_of_an_execution_s_name(name: str) -> None:
    assert checked(a_schedule(schedule=name))
    longest = run_name(chosen("2026-11-01", "2026-11-30"), name)
    assert len(execution_name("brd_01JZZZZZZZZZZZZZZZZZZZZZZZ", longest)) <= 76


@pytest.mark.parametrize("name", ["", "1st", "-a", "a" * 24, "a b", "a_b", "a/b", "a#b", "é", "monthly\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert refused(lambda: checked(a_schedule(schedule=name))) == "bad_name"


BOUNDS = {
    "days_after": (1, 60), "cool_off_days": (0, 30), "deadline_hours": (1, 720), "remind_hours": (1, 720),
    "confirm_days": (1, 60),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_numbers_have_bounds(name: str) -> None:
    least, most = BOUNDS[name]
    for value in (least, most):
        assert checked(a_schedule(**{name: value}))
    for value in (least - 1, most + 1):
        with pytest.raises(Invalid, match=rf"{name} is {value}: send {least} to {most}\.") as refusal:
            checked(a_schedule(**{name: value}))
        assert refusal.value.code == "out_of_range"


@pytest.mark.parametrize(("fields", "code"), [
    ({"currency": "EURO"}, "unknown_currency"),
    ({"minimums": {"eur": 5}}, "unknown_currency"),
    ({"minimums": {"EUR": 0}}, "bad_minimum"),
    ({"minimums": {"EUR": 5, "USD": -1}}, "bad_minimum"),
])  # fmt: skip
def test_money_is_of_real_currencies_and_above_zero(fields: dict[str, Any], code: str) -> None:
    assert refused(lambda: checked(a_schedule(**fields))) == code


def test_without_a_minimum_a_single_unit_is_paid() -> None:
    schedule = a_schedule(minimums={"EUR": 50_00})
    assert (schedule.minimum("EUR"), schedule.minimum("JPY")) == (50_00, 1)


# ----------------------------------------------------------------------------------------------------- starting a run


class Executions:
    """Stands for Step Functions: what was started, under which names."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}

        self.stands: dict[str, str] = {}
        """How those stand that do not run."""

    def start(self, name: str, given: dict[str, Any]) -> Execution:
        if self.stands.get(name) == "FAILED":
            name = f"{name}-r2"
        self.started.setdefault(name, given)
        return Execution(name, RUNNING)

    def latest(self, name: str) -> Execution | None:
        name = f"{name}-r2" if f"{name}-r2" in self.started else name
        return Execution(name, self.stands.get(name, RUNNING)) if name in self.started else None


@pytest.fixture
def paying(tables: Tables) -> Paying:
    return Paying(tables)


def by_clock(paying: Paying, executions: Executions, at: datetime, schedule: str = "monthly") -> Started | None:
    return start_due_run(
        paying.schedules,
        executions,  # type: ignore[arg-type]
        brand=BRAND,
        schedule=schedule,
        now=at,
    )


def by_hand(paying: Paying, executions: Executions, **other: Any) -> Started:
    given: dict[str, Any] = {
        "member": CHECKER, "schedule": "monthly", "why": "It is due", "now": NOW,
    }  # fmt: skip
    return start_run(paying.schedules, executions, **given | other)  # type: ignore[arg-type]


def test_the_clock_and_a_person_start_one_run_of_a_period(paying: Paying) -> None:
    paying.schedule()
    executions = Executions()
    first = by_clock(paying, executions, NOW)
    again = by_hand(paying, executions)
    assert first == again
    assert list(executions.started) == [f"2026-11-monthly-{BRAND}"]
    assert executions.started[f"2026-11-monthly-{BRAND}"] == {
        "brand": BRAND, "schedule": "monthly", "run": "2026-11-monthly", "first": "2026-11-01",
        "through": "2026-11-30", "by": "system:payout_schedule", "why": "started on schedule",
    }  # fmt: skip


def test_a_person_s_run_says_who_and_why(paying: Paying) -> None:
    paying.schedule()
    executions = Executions()
    started = by_hand(paying, executions, first="2026-11-05", through="2026-11-09", why=" Before the holiday ")
    assert started.run == "2026-11-05-2026-11-09-monthly"
    [given] = executions.started.values()
    assert (given["by"], given["why"]) == (CHECKER.member, "Before the holiday")


def test_days_that_are_a_period_of_the_schedule_are_its_run_whoever_typed_them(paying: Paying) -> None:
    # given the run of a month, and that the next month has ended
    paying.schedule()
    executions = Executions()
    by_clock(paying, executions, NOW)

    # when a person asks for its days
    started = by_hand(paying, executions, first="2026-11-01", through="2026-11-30", now=NOW + timedelta(days=31))

    assert started.run == "2026-11-monthly" and len(executions.started) == 1
    other = by_hand(paying, executions, first="2026-11-01", through="2026-11-29")
    assert other.run == "2026-11-01-2026-11-29-monthly"


def again(paying: Paying, executions: Executions, **other: Any) -> Started:
    given: dict[str, Any] = {"member": CHECKER, "run": RUN, "why": "The rates are there", "now": NOW} | other
    return start_again(paying.payouts, executions, **given)  # type: ignore[arg-type]


def test_what_stopped_is_started_again_also_when_its_schedule_is_paused_by_now(paying: Paying) -> None:
    # given a run that stopped after it was opened, and a schedule that was paused since
    paying.opened()
    executions = Executions()
    by_clock(paying, executions, NOW)
    executions.stands[f"{RUN}-{BRAND}"] = "FAILED"
    paying.schedule(paused=True)

    started = again(paying, executions, now=NOW + timedelta(days=40))

    # then the next execution of that run has the run's own days, and it is on record who started it
    assert (started.run, started.execution.name) == (RUN, f"{RUN}-{BRAND}-r2")
    before, now = executions.started.values()
    assert {name: before[name] for name in ("run", "first", "through")} == {
        name: now[name] for name in ("run", "first", "through")
    }
    assert (now["by"], now["why"]) == (CHECKER.member, "The rates are there")
    assert paying.audited(f"{RUN}-{BRAND}") == ["open_run", "start_run_again"]
    # and it is not started a third time while it runs
    assert refused(lambda: again(paying, executions), Conflict) == "run_not_stopped"


@pytest.mark.parametrize(("other", "kind", "code"), [
    ({}, Conflict, "run_not_stopped"),
    ({"run": "2026-10-monthly"}, NotFound, "not_found"),
    ({"member": a_member(brand="brd_other")}, NotFound, "not_found"),
    ({"member": a_member(Role.MANAGER)}, Forbidden, "finance_only"),
    ({"why": " "}, Invalid, "reason_needed"),
])  # fmt: skip
def test_what_cannot_be_started_again_is_not(
    paying: Paying, other: dict[str, Any], kind: type[IntroducerError], code: str
) -> None:
    paying.opened()
    executions = Executions()
    by_clock(paying, executions, NOW)
    assert refused(lambda: again(paying, executions, **other), kind) == code
    assert len(executions.started) == 1


def test_a_closed_run_is_not_started_again(paying: Paying) -> None:
    paying.opened()
    executions = Executions()
    by_clock(paying, executions, NOW)
    executions.stands[f"{RUN}-{BRAND}"] = "FAILED"
    close_run(paying.payouts, brand=BRAND, run=RUN, now=NOW)
    assert refused(lambda: again(paying, executions), Conflict) == "run_closed"
    assert "start_run_again" not in paying.audited(f"{RUN}-{BRAND}")


@pytest.mark.parametrize(("moment", "run"), [
    ("2026-12-01T23:59", "2026-10-monthly"),  # two days of grace are not over
    ("2026-12-02T00:00", "2026-11-monthly"),
    ("2026-12-31T12:00", "2026-11-monthly"),
    ("2027-01-01T12:00", "2026-11-monthly"),
    ("2027-01-02T00:00", "2026-12-monthly"),
])  # fmt: skip
def test_the_clock_starts_the_period_whose_days_of_grace_are_over(paying: Paying, moment: str, run: str) -> None:
    paying.schedule()
    started = by_clock(paying, Executions(), datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert started is not None
    assert started.run == run


def test_days_of_grace_may_be_longer_than_the_period(paying: Paying) -> None:
    paying.schedule(cadence=Cadence.WEEKLY, days_after=10)
    # Week 47 ended on Sunday, 22 November: it is paid on 2 December, when week 48 has ended too.
    started = by_clock(paying, Executions(), NOW)
    assert started is not None
    assert started.period.name == "2026-w47"


@pytest.mark.parametrize(("time_zone", "run"), [
    # 10:30 of the 2nd in UTC is half past midnight of the 3rd there, and half past eleven at night of the 1st there.
    ("Pacific/Kiritimati", "2026-11-monthly"),
    ("UTC", "2026-10-monthly"),
    ("Pacific/Pago_Pago", "2026-10-monthly"),
])  # fmt: skip
def test_days_are_those_of_the_schedule_s_time_zone(paying: Paying, time_zone: str, run: str) -> None:
    paying.schedule(time_zone=time_zone, days_after=3)
    started = by_clock(paying, Executions(), datetime(2026, 12, 2, 10, 30, tzinfo=UTC))
    assert started is not None
    assert started.run == run


def test_a_person_waits_for_the_range_s_end_where_the_schedule_is(paying: Paying) -> None:
    paying.schedule(time_zone="Pacific/Pago_Pago")
    at = datetime(2026, 12, 2, 10, 30, tzinfo=UTC)  # the 1st, 23:30, in Samoa
    range_ = {"first": "2026-12-01", "through": "2026-12-01"}
    assert refused(lambda: by_hand(paying, Executions(), now=at, **range_)) == "range_not_ended"
    assert by_hand(paying, Executions(), now=at + timedelta(minutes=30), **range_).period.first == day("2026-12-01")


def test_a_paused_schedule_starts_nothing(paying: Paying) -> None:
    paying.schedule(paused=True)
    executions = Executions()
    assert by_clock(paying, executions, NOW) is None
    assert refused(lambda: by_hand(paying, executions), Conflict) == "schedule_paused"
    assert executions.started == {}


@pytest.mark.parametrize(("other", "kind", "code"), [
    ({"schedule": "weekly"}, NotFound, "not_found"),
    ({"member": a_member(brand="brd_other")}, NotFound, "not_found"),
    ({"why": " "}, Invalid, "reason_needed"),
    ({"first": "2026-11-01"}, Invalid, "bad_range"),
    ({"through": "2026-11-01"}, Invalid, "bad_range"),
    ({"first": "2026-12-01", "through": "2026-12-02"}, Invalid, "range_not_ended"),
    *(({"member": a_member(role)}, Forbidden, "finance_only")
      for role in Role if role not in (Role.FINANCE, Role.ADMIN)),
])  # fmt: skip
def test_what_cannot_be_started_is_not(
    paying: Paying, other: dict[str, Any], kind: type[IntroducerError], code: str
) -> None:
    paying.schedule()
    executions = Executions()
    assert refused(lambda: by_hand(paying, executions, **other), kind) == code
    assert executions.started == {}


def test_the_clock_says_when_there_is_no_such_schedule(paying: Paying) -> None:
    assert refused(lambda: by_clock(paying, Executions(), NOW), NotFound) == "not_found"


@pytest.mark.parametrize("error", [TooMany("Later."), Unavailable("Away.")])
def test_what_step_functions_says_is_said_on(paying: Paying, error: IntroducerError) -> None:
    class Failing(Executions):
        def start(self, name: str, given: dict[str, Any]) -> Execution:
            raise error

    paying.schedule()
    with pytest.raises(type(error)):
        by_clock(paying, Failing(), NOW)
    with pytest.raises(type(error)):
        by_hand(paying, Failing())


def test_another_schedule_of_the_same_period_is_another_run(paying: Paying) -> None:
    paying.schedule()
    paying.schedule(schedule="monthly-USD", currency="USD")
    executions = Executions()
    by_clock(paying, executions, NOW)
    by_clock(paying, executions, NOW, "monthly-USD")
    assert list(executions.started) == [f"2026-11-monthly-{BRAND}", f"2026-11-monthly-USD-{BRAND}"]
