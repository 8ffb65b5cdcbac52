"""What contests can be: what is refused and why, what may change when, who may take part, and which one comes next.

Each refusal has a stable code, and names the field as the designer and the JSON of a contest call it.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import MISSING, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from introducer.domain.configuration import Member, PartnerCard, Role, Status
from introducer.domain.contest import (
    APPROVERS,
    PLANNERS,
    WEIGHT_ONE,
    Conditions,
    Contest,
    ContestStatus,
    Division,
    Every,
    Metric,
    Prize,
    PrizeKind,
)
from introducer.domain.deal import PERCENT_ONE
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.forms import country
from introducer.domain.ids import derived_id
from introducer.domain.money import decimals

LONGEST_WINDOW = timedelta(days=180)
LEAST_AHEAD = timedelta(minutes=10)
"""Who counts asks once a minute which contests there are: each has to know of it before it starts."""
MOST_AHEAD = timedelta(days=150)
"""An execution of Step Functions ends after a year: with the longest window, the waiting and the objections it has
ended before."""
SOONEST_END = timedelta(minutes=1)

MOST_GRACE_HOURS = 7 * 24
MOST_OBJECTION_HOURS = 14 * 24
MOST_DIVISIONS = 10
MOST_PRIZES = 200
"""In all divisions together: a contest is one item."""
MOST_PLACES = 5_000
MOST_AMOUNT = 10**12
"""Minor units of a prize or a pool."""
MOST_WEIGHT = 10_000 * WEIGHT_ONE
MOST_SCORE = 10**15
"""Hundredths of a minimum or a threshold."""
MOST_SIZE = 1_000_000
"""Clients from which on a division begins."""
MOST_NAMED = 1_000
"""Partners or managers in a condition."""
LONGEST_DESCRIPTION = 2_000
LONGEST_NAME = 120
LONGEST_DIVISION = 40
LONGEST_SHOWN = 40
DEAL_KINDS = frozenset({"cpa", "cpl", "revshare", "lot", "bonus", "override"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Line ends, control characters, and marks that turn the direction of what comes after them."""
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


# ---------------------------------------------------------------------------------------------------------------- check


def check(contest: Contest) -> None:
    """Raises `Invalid` for settings that cannot be, with `field` among its facts."""
    line(contest.name, "name", LONGEST_NAME)
    if len(contest.description) > LONGEST_DESCRIPTION or _CONTROL_IN_TEXT.search(contest.description):
        raise _invalid(
            "text_too_long",
            "description",
            f"The description is at most {LONGEST_DESCRIPTION} characters of plain text.",
        )
    _at("currency", decimals, contest.currency)
    zone(contest.time_zone)
    _check_weights(contest)
    _check_window(contest)
    _check_range("grace_hours", contest.grace_hours, 0, MOST_GRACE_HOURS)
    _check_range("objection_hours", contest.objection_hours, 1, MOST_OBJECTION_HOURS)
    _check_range("shown", contest.shown, 0, MOST_PLACES)
    _check_range("size_days", contest.size_days, 1, 365)
    _check_range("prize_hold_days", contest.prize_hold_days, 0, 365)
    if not 0 <= contest.minimum <= MOST_SCORE:
        raise _invalid("out_of_range", "minimum", "The minimum to rank is 0, or a score of at most 13 digits.")
    if contest.size_by not in (Metric.FTD, Metric.QFTD):
        raise _invalid("size_by", "size_by", "Partners' size is counted in clients: choose ftd or qftd.")
    _check_conditions(contest.conditions)
    _check_divisions(contest)
    _check_series(contest)


def line(text: str, field: str, longest: int) -> str:
    """A text of one line, without spaces at its ends. Raises `Invalid` for none, or one too long."""
    if not 1 <= len(text) <= longest or text != text.strip() or _CONTROL.search(text):
        raise _invalid(
            "invalid_name", field, f"Write 1 to {longest} characters on one line, with no spaces around them."
        )
    return text


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises `Invalid`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # Unknown, malformed, or a folder of names.
        raise _invalid(
            "unknown_time_zone", "time_zone", f"{name[:40]!r} is no time zone: send one such as Europe/Berlin."
        ) from None


def _check_weights(contest: Contest) -> None:
    metrics = [metric for metric, _ in contest.weights]
    if not metrics:
        raise _invalid("metric_needed", "weights", "Say what is counted: one metric or more.")
    if metrics != sorted(set(metrics)):
        raise _invalid("metric_twice", "weights", "Weigh each metric once, in the order of their names.")
    for metric, weight in contest.weights:
        if not 1 <= weight <= MOST_WEIGHT:
            raise _invalid(
                "out_of_range",
                f"weights.{metric}",
                f"A weight is more than 0, at most {MOST_WEIGHT // WEIGHT_ONE} points, with 3 decimals at most.",
            )
    if len(metrics) == 1 and contest.weights[0][1] != WEIGHT_ONE:
        raise _invalid("single_weight", "weights", "One metric alone has the weight 1.")


def _check_window(contest: Contest) -> None:
    if contest.ends_at <= contest.starts_at:
        raise _invalid("ends_before_start", "last_day", "The contest ends before it starts: choose a later end.")
    if contest.ends_at - contest.starts_at > LONGEST_WINDOW:
        raise _invalid(
            "window_too_long", "last_day", f"A contest lasts {LONGEST_WINDOW.days} days at most: choose an earlier end."
        )


def _check_conditions(conditions: Conditions) -> None:
    for code in sorted(conditions.countries):
        _at("countries", country, code)
    if unknown := conditions.deals - DEAL_KINDS:
        raise _invalid(
            "unknown_deal_kind",
            "deals",
            f"{sorted(unknown)[0][:40]!r} is no kind of rule: choose among {', '.join(sorted(DEAL_KINDS))}.",
        )
    for name, named in (("partners", conditions.partners), ("managers", conditions.managers)):
        if len(named) > MOST_NAMED:
            raise _invalid("too_many", name, f"Name {MOST_NAMED} at most, or take a wider condition instead.")


def _check_divisions(contest: Contest) -> None:
    divisions = contest.divisions
    if not 1 <= len(divisions) <= MOST_DIVISIONS:
        raise _invalid("out_of_range", "divisions", f"A contest has 1 to {MOST_DIVISIONS} divisions.")
    if divisions[0].from_size != 0:
        raise _invalid(
            "divisions_not_rising", "divisions.0.from_size", "The first division begins with partners of size 0."
        )
    _check_range(f"divisions.{len(divisions) - 1}.from_size", divisions[-1].from_size, 0, MOST_SIZE)
    for number, (lower, upper) in enumerate(pairwise(divisions), 1):
        if upper.from_size <= lower.from_size:
            raise _invalid(
                "divisions_not_rising",
                f"divisions.{number}.from_size",
                "Each division begins above the one before: choose a larger size.",
            )
    if sum(len(division.prizes) for division in divisions) > MOST_PRIZES:
        raise _invalid(
            "too_many", "divisions", f"A contest has {MOST_PRIZES} rows of prizes at most: join places with one prize."
        )
    names: set[str] = set()
    for number, division in enumerate(divisions):
        where = f"divisions.{number}"
        if len(divisions) > 1 or division.name:
            line(division.name, f"{where}.name", LONGEST_DIVISION)
        if division.name in names:
            raise _invalid("name_twice", f"{where}.name", "Two divisions have this name: choose another.")
        names.add(division.name)
        _check_prizes(contest, division, where)


def _check_prizes(contest: Contest, division: Division, where: str) -> None:
    if not 0 <= division.pool <= MOST_AMOUNT:
        raise _invalid("out_of_range", f"{where}.pool", "The pool is 0, or an amount of at most 12 digits.")
    for number, prize in enumerate(division.prizes):
        _check_prize(contest, prize, f"{where}.prizes.{number}")
    _check_places(division, where)
    _check_pool(division, where)


def _check_prize(contest: Contest, prize: Prize, where: str) -> None:
    _check_range_of_places(prize, where)
    for field, value, kinds, most, detail in (
        ("amount", prize.amount, _WITH_AMOUNT, MOST_AMOUNT, "Say how much it is: an amount above 0."),
        ("share", prize.share, _OF_POOL, PERCENT_ONE, "Say which part of the pool it is: above 0, at most 100%."),
        ("threshold", prize.threshold, _FOR_ALL, MOST_SCORE, "Say from which score on it is won: above 0."),
    ):
        if prize.kind not in kinds:
            _check_left_out(bool(value), f"{where}.{field}")
        elif not 0 < value <= most:
            raise _invalid(f"{field}_needed", f"{where}.{field}", detail)
    if prize.kind is PrizeKind.THRESHOLD and prize.threshold < contest.minimum:
        raise _invalid(
            "threshold_below_minimum",
            f"{where}.threshold",
            "Nobody below the minimum to rank wins anything: raise the threshold, or lower the minimum.",
        )
    if prize.kind is not PrizeKind.GIFT:
        _check_left_out(bool(prize.gift), f"{where}.gift")
    elif not prize.gift.strip():
        raise _invalid("gift_needed", f"{where}.gift", "Say in words what the gift is.")
    else:
        line(prize.gift, f"{where}.gift", LONGEST_NAME)


_WITH_AMOUNT = (PrizeKind.FIXED, PrizeKind.THRESHOLD)
_OF_POOL = (PrizeKind.SHARE,)
_FOR_ALL = (PrizeKind.THRESHOLD,)


def _check_range_of_places(prize: Prize, where: str) -> None:
    if not prize.kind.is_placed:
        return _check_left_out(bool(prize.first or prize.last), f"{where}.first")
    if prize.first < 1:
        raise _invalid("place_needed", f"{where}.first", "Say for which places it is: they count from 1.")
    if prize.last < prize.first:
        raise _invalid("places_reversed", f"{where}.last", "The last place comes before the first: swap them.")
    if prize.last > MOST_PLACES:
        raise _invalid("out_of_range", f"{where}.last", f"Places go up to {MOST_PLACES}.")
    return None


def _check_left_out(given: bool, field: str) -> None:
    if given:
        raise _invalid("not_for_this_prize", field, "A prize of this kind does not have this: leave it out.")


def _check_places(division: Division, where: str) -> None:
    """No place has two amounts or two gifts, and none above the last one that wins is left out. An amount and a gift
    for one place go together. Nor is there one threshold twice."""
    for kinds in ((PrizeKind.FIXED, PrizeKind.SHARE), (PrizeKind.GIFT,)):
        ranges = sorted((each.first, each.last, n) for n, each in enumerate(division.prizes) if each.kind in kinds)
        for (_, last, _), (first, _, number) in pairwise(ranges):
            if first <= last:
                raise _invalid(
                    "places_overlap",
                    f"{where}.prizes.{number}.first",
                    f"Place {first} wins twice: each place has one amount at most, and one gift.",
                )
    reached = 0
    placed = sorted((each.first, each.last, n) for n, each in enumerate(division.prizes) if each.kind.is_placed)
    for first, last, number in placed:
        if first > reached + 1:
            raise _invalid(
                "places_leave_hole",
                f"{where}.prizes.{number}.first",
                f"Place {reached + 1} wins nothing, though place {first} does: leave none out.",
            )
        reached = max(reached, last)
    seen: set[int] = set()
    for number, prize in enumerate(division.prizes):
        if prize.kind is PrizeKind.THRESHOLD:
            if prize.threshold in seen:
                raise _invalid(
                    "threshold_twice",
                    f"{where}.prizes.{number}.threshold",
                    "This threshold stands there already: add the amounts up, or choose another.",
                )
            seen.add(prize.threshold)


def _check_pool(division: Division, where: str) -> None:
    shares = [prize for prize in division.prizes if prize.kind is PrizeKind.SHARE]
    whole = sum(prize.share * (prize.last - prize.first + 1) for prize in shares)
    if shares and not division.pool:
        raise _invalid("pool_needed", f"{where}.pool", "There are shares of a pool: say how much is in it.")
    if whole > PERCENT_ONE:
        raise _invalid(
            "pool_over_100", f"{where}.prizes", "The shares of the pool come to more than 100%: lower some of them."
        )
    if division.pool and whole < PERCENT_ONE:
        raise _invalid(
            "pool_under_100",
            f"{where}.prizes",
            "The shares of the pool come to less than 100%: raise some of them, or leave the pool out.",
        )


def _check_series(contest: Contest) -> None:
    series = contest.series
    if series is None:
        return
    if series.number < 1 or series.until < 0 or (series.until and series.until < series.number):
        raise _invalid(
            "series_over", "series.until", "The last contest of the series has a number before this one: raise it."
        )
    there = zone(contest.time_zone)
    for field, moment in (("first_day", contest.starts_at), ("last_day", contest.ends_at)):
        local = moment.astimezone(there)
        if not _is_day_start(moment, there) and local.hour < 4:
            # Clocks are changed then: what comes again every week would lose its hour on one of these nights.
            raise _invalid(
                "series_hour", field, "A contest that comes again starts and ends at midnight, or from 04:00 on."
            )
    if series.every is Every.MONTH:
        first, last = _day_of(contest.starts_at, there, is_end=False), _day_of(contest.ends_at, there, is_end=True)
        for field, day in (("first_day", first), ("last_day", last)):
            if day.day > 27 and not _is_month_end(day):
                raise _invalid(
                    "series_day",
                    field,
                    "A monthly contest starts and ends on one of the days 1 to 27, or on a month's last day.",
                )
    if _moved(contest.starts_at, there, series.every, is_end=False) < contest.ends_at:
        raise _invalid("series_overlaps", "last_day", "The next one of the series would start before this one ends.")


def _check_range(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _invalid("out_of_range", field, f"{field} is {value}: send {least} to {most}.")


def _at(field: str, form: Callable[[str], object], text: str) -> None:
    """Holds a text against a form; what is wrong is said at the field."""
    try:
        form(text)
    except Invalid as error:
        raise _invalid(error.code, field, error.detail) from None


def _invalid(code: str, field: str, detail: str) -> Invalid:
    return Invalid(detail, code=code, field=field)


# ------------------------------------------------------------------------------------------------------ who may do what


def check_planner(role: Role) -> None:
    """Raises `Forbidden` for a role that plans no contests."""
    if role not in PLANNERS:
        raise Forbidden("Managers and admins plan contests: ask one of them.", code="contest_role")


def check_approver(contest: Contest, member: Member) -> None:
    """Raises `Forbidden` when this member may not approve the contest: for the role, or as the one who drafted it."""
    if member.role not in APPROVERS:
        raise Forbidden("Finance and admins approve contests: ask one of them.", code="contest_role")
    if contest.drafted_by == member.member:
        raise Forbidden(
            "You drafted this contest: another person of finance, or an admin, approves it.", code="same_person"
        )


# ------------------------------------------------------------------------------------------------- what may change when


def check_start(contest: Contest, now: datetime) -> None:
    """Whether a contest can be planned with its start. Raises `Invalid`: it has to be known some minutes before, and to
    end within a year."""
    if contest.starts_at < now + LEAST_AHEAD:
        minutes = LEAST_AHEAD // timedelta(minutes=1)
        raise _invalid(
            "start_too_soon",
            "first_day",
            f"A contest starts {minutes} minutes from now at the soonest: choose a later start.",
        )
    if contest.starts_at > now + MOST_AHEAD:
        raise _invalid(
            "start_too_far", "first_day", f"A contest starts {MOST_AHEAD.days} days from now at the latest: plan later."
        )


def check_change(before: Contest, after: Contest, now: datetime) -> None:
    """Whether these settings may become those. Raises `Conflict` for what may not change any more, with the code that
    says why, and `Invalid` for what cannot be. Whether it has to be approved again, `needs_approval` says."""
    changed = set(changes(before, after))
    _check_not_frozen(before, "participants_frozen" if changed & _WHO else "contest_frozen")
    if before.status is ContestStatus.DRAFT:
        return check(after)
    if has_started(before, now):
        for field in sorted(changed):
            if field not in _AFTER_START:
                raise _after_start(field)
        if "ends_at" in changed:
            check_extension(before, after.ends_at, now)
        # What was right when it started is right, whatever limits there have been since.
        if len(after.description) > LONGEST_DESCRIPTION or _CONTROL_IN_TEXT.search(after.description):
            check(after)
        return _check_range("shown", after.shown, 0, MOST_PLACES)
    check(after)
    # What is counted has to be known everywhere by then, as the start has: nothing would count it anew.
    return check_start(after, now) if changed & {"starts_at", "weights"} else None


def has_started(contest: Contest, now: datetime) -> bool:
    """By its status, or by the clock alone."""
    return contest.status not in (ContestStatus.DRAFT, ContestStatus.PLANNED) or (
        contest.status is ContestStatus.PLANNED and now >= contest.starts_at
    )


_SETTINGS = (
    "name",
    "description",
    "weights",
    "currency",
    "time_zone",
    "starts_at",
    "ends_at",
    "grace_hours",
    "objection_hours",
    "conditions",
    "opt_in",
    "public",
    "shown",
    "minimum",
    "tie",
    "size_by",
    "size_days",
    "divisions",
    "prize_hold_days",
    "series",
)
"""What people set; the rest is what became of it."""
_HANDED_ON = frozenset({*_SETTINGS, "brand", "drafted_by", "drafted_at", "approved_by", "approved_at"})
"""What the next contest of a series has of the one before: it was approved with it."""
_AFTER_START = frozenset({"description", "public", "shown", "ends_at"})
_WHO = frozenset({"conditions", "opt_in", "size_by", "size_days"})
_AFTER_START_CODES = {
    "weights": ("metric_changed_after_start", "What is counted stays as it was when the contest started."),
    "starts_at": ("start_changed_after_start", "The contest has started: its start stays as it was."),
    "divisions": ("prizes_changed_after_start", "Divisions and prizes stay as they were when the contest started."),
    "currency": ("prizes_changed_after_start", "The currency stays as it was when the contest started."),
    "prize_hold_days": ("prizes_changed_after_start", "When prizes are available stays as it was at the start."),
    "conditions": ("participants_changed_after_start", "Who may take part stays as it was at the start."),
    "opt_in": ("participants_changed_after_start", "How partners take part stays as it was at the start."),
    "size_by": ("participants_changed_after_start", "How partners' size is counted stays as it was at the start."),
    "size_days": ("participants_changed_after_start", "How partners' size is counted stays as it was at the start."),
    "series": ("series_changed_after_start", "The next contest is made already: change that one."),
}


def _after_start(field: str) -> Conflict:
    code, detail = _AFTER_START_CODES.get(
        field, ("rules_changed_after_start", f"The contest has started: {field} stays as it was.")
    )
    return Conflict(detail, code=code, field=field)


def changes(before: Contest, after: Contest) -> Iterator[str]:
    """The settings that differ, by the names of `Contest`."""
    return (name for name in _SETTINGS if getattr(before, name) != getattr(after, name))


def needs_approval(before: Contest, after: Contest) -> bool:
    """Whether this changes the money that was approved: prizes and pools, their currency, how often they are paid
    again, what a threshold counts; or among whom it is shared out. A pool goes to those who rank, however few they are:
    who narrows down who may take part, or who is in which division, says who gets it."""
    return (
        before.currency != after.currency
        or [(each.from_size, each.pool, each.prizes) for each in before.divisions]
        != [(each.from_size, each.pool, each.prizes) for each in after.divisions]
        or before.conditions != after.conditions
        or before.prize_hold_days != after.prize_hold_days
        or before.series != after.series
        or (has_thresholds(after) and before.weights != after.weights)
    )


def check_extension(contest: Contest, ends_at: datetime, now: datetime) -> None:
    """Whether the contest may end then instead, earlier or later. Raises `Conflict` once it is counted, `Invalid` for
    an end that cannot be."""
    _check_not_frozen(contest, "contest_frozen")
    if ends_at <= contest.starts_at:
        raise _invalid("ends_before_start", "last_day", "The contest would end before it starts: choose a later end.")
    if ends_at < now + SOONEST_END:
        raise _invalid("end_too_soon", "last_day", "It ends one minute from now at the soonest: choose a later end.")
    if ends_at - contest.starts_at > LONGEST_WINDOW:
        raise _invalid(
            "window_too_long", "last_day", f"A contest lasts {LONGEST_WINDOW.days} days at most: choose an earlier end."
        )


def check_open(contest: Contest, now: datetime) -> None:
    """Whether partners may join, leave or rename themselves now. Raises `Conflict`."""
    if contest.status is ContestStatus.DRAFT:
        raise Conflict("This contest is not planned yet.", code="not_planned")
    _check_not_frozen(contest, "participants_frozen")
    if now >= contest.ends_at:
        raise Conflict("The contest has ended: who takes part stays as it is.", code="contest_ended")


def _check_not_frozen(contest: Contest, code: str) -> None:
    if contest.status.is_over:
        raise Conflict("This contest is over: nothing about it changes any more.", code="contest_over")
    if contest.status.is_frozen:
        raise Conflict("This contest is counted: its settings and participants stand for good.", code=code)


# ---------------------------------------------------------------------------------------------------- who may take part


def why_not(conditions: Conditions, card: PartnerCard, deal_kinds: Collection[str], status: Status) -> str | None:
    """Why a partner may not take part: `blocked`, `not_named`, `other_kind`, `other_country`, `other_manager` or
    `other_deal`; None where it may. `deal_kinds` are the kinds of rules of its deal, `status` what it is now."""
    if status is Status.BLOCKED:
        return "blocked"
    if conditions.partners and card.partner not in conditions.partners:
        return "not_named"
    if conditions.kinds and card.kind not in conditions.kinds:
        return "other_kind"
    if conditions.countries and card.country not in conditions.countries:
        return "other_country"
    if conditions.managers and card.manager not in conditions.managers:
        return "other_manager"
    if conditions.deals and conditions.deals.isdisjoint(deal_kinds):
        return "other_deal"
    return None


def division_of(contest: Contest, size: int) -> int:
    """The division that partners of this size are in, by its place among the contest's."""
    return max(number for number, each in enumerate(contest.divisions) if each.from_size <= max(0, size))


def default_name(contest: str, partner: str) -> str:
    """The neutral name of a partner in a contest: it says nothing of who it is, and is another one in each contest."""
    return f"Partner {derived_id('nam', contest, partner)[4:8]}"


def shown_name(text: str) -> str:
    """The name that a partner chose to be shown under, in its one spelling. Raises `Invalid`."""
    text = re.sub(" +", " ", text)
    if not 2 <= len(text.strip()) <= LONGEST_SHOWN or len(_seen(text)) < 2 or _CONTROL.search(text):
        raise _invalid("invalid_name", "shown_as", f"Choose a name of 2 to {LONGEST_SHOWN} characters on one line.")
    return text.strip()


def looks(name: str) -> str:
    """What a name looks like, whatever it is written with: two of one look are taken for one another."""
    return _seen(unicodedata.normalize("NFKC", name).casefold())


def _seen(text: str) -> str:
    """The characters that are seen: no spaces, and none of those that only shape or part others."""
    return "".join(each for each in _UNSEEN.sub("", text) if unicodedata.category(each) not in _UNSEEN_KINDS)


_UNSEEN_KINDS = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_UNSEEN = re.compile(
    r"[ \u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""A space, and letters and marks that leave no trace: fillers, an empty braille cell, selectors of a variant."""


# ------------------------------------------------------------------------------------------------------ rules as a hash


def rules_hash(contest: Contest) -> str:
    """What a participant accepts, as a hash: SHA-256, hex. Whoever joined before the end was moved, or the description,
    accepted the rules as they were then."""
    return hashlib.sha256(json.dumps(_accepted(contest), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _accepted(contest: Contest) -> dict[str, object]:
    conditions = contest.conditions
    return {
        "contest": contest.contest,
        "name": contest.name,
        "description": contest.description,
        "weights": [[str(metric), weight] for metric, weight in contest.weights],
        "currency": contest.currency,
        "time_zone": contest.time_zone,
        "starts_at": _moment(contest.starts_at),
        "ends_at": _moment(contest.ends_at),
        "grace_hours": contest.grace_hours,
        "objection_hours": contest.objection_hours,
        "conditions": [
            sorted(map(str, each))
            for each in (
                conditions.kinds,
                conditions.deals,
                conditions.countries,
                conditions.managers,
                conditions.partners,
            )
        ],
        "opt_in": contest.opt_in,
        "public": contest.public,
        "shown": contest.shown,
        "minimum": contest.minimum,
        "tie": str(contest.tie),
        "size": [str(contest.size_by), contest.size_days],
        "divisions": [
            [
                division.name,
                division.from_size,
                division.pool,
                [
                    [str(prize.kind), prize.first, prize.last, prize.amount, prize.share, prize.threshold, prize.gift]
                    for prize in division.prizes
                ],
            ]
            for division in contest.divisions
        ],
        "prize_hold_days": contest.prize_hold_days,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


# ----------------------------------------------------------------------------------------------------------- the money


def has_thresholds(contest: Contest) -> bool:
    return any(prize.kind is PrizeKind.THRESHOLD for prize in _prizes(contest))


def most_paid(contest: Contest, participants: int | None = None) -> int | None:
    """The most that the contest can cost in cash, minor units: with so many participants, or with any number. None when
    thresholds leave it open."""
    if participants is None and has_thresholds(contest):
        return None
    standing = MOST_PLACES if participants is None else participants
    placed = sum(_most_placed(division, standing) for division in contest.divisions)
    reached = max(
        sum(prize.amount for prize in division.prizes if prize.kind is PrizeKind.THRESHOLD)
        for division in contest.divisions
    )
    return placed + reached * (participants or 0)


def _most_placed(division: Division, participants: int) -> int:
    fixed = sum(
        prize.amount * max(0, min(prize.last, participants) - prize.first + 1)
        for prize in division.prizes
        if prize.kind is PrizeKind.FIXED
    )
    return fixed + (division.pool if participants else 0)


def _prizes(contest: Contest) -> Iterable[Prize]:
    return (prize for division in contest.divisions for prize in division.prizes)


# ----------------------------------------------------------------------------------------------------------- the series


def next_of_series(contest: Contest) -> Contest | None:
    """The contest that comes after this one, planned; None where there is none. Its window is moved by a week or a
    month in the contest's time zone: it starts at the same hour there, and what ends with a month ends with each.
    Its id depends on the series and the number alone."""
    series = contest.series
    if series is None or (series.until and series.number >= series.until):
        return None
    there = zone(contest.time_zone)
    fresh: dict[str, Any] = {
        each.name: each.default
        for each in fields(contest)
        if each.name not in _HANDED_ON and each.default is not MISSING
    }
    fresh |= {
        "contest": derived_id("ctt", series.series, series.number + 1),
        "starts_at": _moved(contest.starts_at, there, series.every, is_end=False),
        "ends_at": _moved(contest.ends_at, there, series.every, is_end=True),
        "series": replace(series, number=series.number + 1),
        "status": ContestStatus.PLANNED,
    }
    return replace(contest, **fresh)


def local_start(day: date, there: ZoneInfo) -> datetime:
    """The first moment of a local day, in UTC: where clocks are put forward at midnight, that is later than 00:00."""
    return datetime.combine(day, time(), there).astimezone(UTC)


def _moved(moment: datetime, there: ZoneInfo, every: Every, *, is_end: bool) -> datetime:
    at_midnight = _is_day_start(moment, there)
    day = _day_of(moment, there, is_end=is_end)
    later = day + timedelta(days=7) if every is Every.WEEK else _a_month_later(day)
    if at_midnight:
        return local_start(later + timedelta(days=1) if is_end else later, there)
    clock = moment.astimezone(there).time().replace(fold=0)
    return datetime.combine(later, clock, there).astimezone(UTC)


def _day_of(moment: datetime, there: ZoneInfo, *, is_end: bool) -> date:
    """The local day of a start, or the last one before an end: midnight ends the day before."""
    day = moment.astimezone(there).date()
    return day - timedelta(days=1) if is_end and _is_day_start(moment, there) else day


def _is_day_start(moment: datetime, there: ZoneInfo) -> bool:
    return moment == local_start(moment.astimezone(there).date(), there)


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).month != day.month


def _a_month_later(day: date) -> date:
    """The same day of the next month; a month's last day becomes the next one's last."""
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    if _is_month_end(day):
        return (following + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return following.replace(day=min(day.day, 28))
