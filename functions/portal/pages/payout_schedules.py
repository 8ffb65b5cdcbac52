"""`/desk/runs/schedules`: when a brand pays, and under which conditions. Listed on `/desk/runs`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Conflict, IntroducerError, Invalid
from introducer.domain.money import minor_units
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.services.edit_payout_schedule import edit_payout_schedule, seen
from introducer.services.read_payouts_of_partner import next_run
from introducer.services.set_payout_schedule import check_decider
from pages.runs import RUNS

PATH = RUNS + "/schedules"

words.WORDS["cadence"] = {
    "weekly": N_("Every week"),
    "twice_monthly": N_("Twice a month"),
    "monthly": N_("Every month"),
    "quarterly": N_("Every quarter"),
}

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
Written = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


class Least(BaseModel):
    """An amount, as it is answered."""

    model_config = ConfigDict(extra="forbid")

    amount: Short
    currency: Short


class Settings(BaseModel):
    """A schedule as it is to be. `minimums` are amounts with their currencies, as they are answered or as people write
    them, such as `50.00 EUR, 60.00 USD`; `seen` is the mark of the schedule that was read, `new` for one that is not
    there."""

    model_config = ConfigDict(extra="forbid")

    schedule: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    seen: Short
    cadence: Cadence
    time_zone: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    days_after: int
    currency: Short = ""
    minimums: Written | Annotated[list[Least], Field(max_length=200)] = ""
    cool_off_days: int
    deadline_hours: int
    remind_hours: int
    confirm_days: int
    paused: Literal["no", "yes"] = "no"
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


_FIELDS = {
    "bad_name": ("schedule", N_("Begin with a letter; then letters, digits and dashes, 24 characters at most.")),
    "unknown_time_zone": ("time_zone", N_("There is no such time zone: write one such as Europe/Berlin.")),
    "bad_minimum": ("minimums", N_("Write amounts above zero with their currencies: 50.00 EUR, 60.00 USD.")),
    "invalid_amount": ("minimums", N_("Write amounts above zero with their currencies: 50.00 EUR, 60.00 USD.")),
    "too_many_decimals": ("minimums", N_("This currency has fewer decimals.")),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "schedule_changed": ("", N_("The schedule was changed meanwhile: look at it again below.")),
}
_RANGE = N_("This is out of range: see what is written below the field.")
_CURRENCY = N_("Write the three capital letters of a currency, such as EUR.")


@page(PATH, "payout_schedule.html", who=Who.STAFF)
def payout_schedule(visit: Visit) -> dict[str, Any]:
    """One payout schedule, to be changed, or the form of a new one. `schedule` names it; without it the form makes a
    new one."""
    assert visit.member is not None
    check_decider(visit.member)
    name = visit.refused.values.get("schedule", "") if visit.refused else visit.query("schedule")
    schedules = visit.portal.payout_schedules.of_brand(visit.member.brand)
    found = next((each for each in schedules if each.schedule == name), None)
    wanted = found or PayoutSchedule(brand=visit.member.brand, schedule="", cadence=Cadence.MONTHLY, time_zone="UTC")
    return _shown(wanted) | {
        "seen": seen(found),
        "next_run": None if found is None else next_run(found, visit.now),
    }


@page(PATH, "payout_schedule.html", method="POST", who=Who.STAFF, again=payout_schedule, body=Settings)
def change_payout_schedule(visit: Visit) -> Done:
    """Finance or an admin makes a payout schedule, or changes one as it was looked at."""
    assert visit.member is not None
    check_decider(visit.member)
    wish = visit.read(Settings)
    try:
        made = edit_payout_schedule(
            visit.portal.payout_schedules,
            visit.portal.clockwork,
            PayoutSchedule(
                brand=visit.member.brand,
                minimums=_minimums(wish.minimums),
                paused=wish.paused == "yes",
                **wish.model_dump(exclude={"minimums", "paused", "seen", "why"}),
            ),
            looked_at=wish.seen,
            member=visit.member,
            why=wish.why,
            clock=visit.portal.now,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(error, wish) from error
    return Done(_shown(made), f"{RUNS}?scheduled={made.schedule}", created=wish.seen == "new")


def _shown(schedule: PayoutSchedule) -> dict[str, Any]:
    return {
        "schedule": schedule.schedule,
        "cadence": schedule.cadence,
        "time_zone": schedule.time_zone,
        "days_after": schedule.days_after,
        "currency": schedule.currency,
        "minimums": schedule.least(),
        "cool_off_days": schedule.cool_off_days,
        "deadline_hours": schedule.deadline_hours,
        "remind_hours": schedule.remind_hours,
        "confirm_days": schedule.confirm_days,
        "paused": "yes" if schedule.paused else "no",
    }


def _minimums(wish: str | list[Least]) -> dict[str, int]:
    """Minor units by currency. Raises `Invalid`."""
    if isinstance(wish, str):
        pieces = [each.strip().partition(" ") for each in re.split(r"[,;\n]+", wish) if each.strip()]
        amounts = [(amount, currency.strip()) for amount, _, currency in pieces]
    else:
        amounts = [(each.amount, each.currency) for each in wish]
    found: dict[str, int] = {}
    for amount, currency in amounts:
        try:
            found[currency] = minor_units(amount, currency)
        except Invalid as error:
            code = "bad_minimum" if error.code == "unknown_currency" else error.code
            raise Invalid(error.detail, code=code) from None
    return found


def _refusal(error: Invalid | Conflict, wish: Settings) -> IntroducerError | FormRefused:
    typed = {name: str(getattr(value, "value", value)) for name, value in wish.model_dump().items()}
    if error.code == "schedule_changed":
        # What stands now is to be read, and not what was typed over it.
        typed = {"schedule": wish.schedule}
    if error.code == "out_of_range":
        return FormRefused({str(error.facts["field"]): _RANGE}, typed, error)
    if error.code == "unknown_currency":
        return FormRefused({"currency": _CURRENCY}, typed, error)
    if error.code not in _FIELDS:
        return error
    field, message = _FIELDS[error.code]
    return FormRefused({field: message}, typed, error)
