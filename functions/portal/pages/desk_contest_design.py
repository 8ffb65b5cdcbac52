"""`/desk/contests/new` and `…/{contest}/edit`: the designer.

A form without scripts: its buttons post it back with a row more or less, or with the rules in words and what it can
cost; nothing is kept before its last button says so. A program sends the settings themselves (docs/contests.md), and
what it leaves out of a change stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import contest_form as forms
import words
from names_typed import check_countries, saying_which, take_countries
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import JSON, N_, FormRefused, Visit

from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.contest_rules import check_planner, has_started
from introducer.domain.errors import Conflict, IntroducerError, Invalid
from introducer.services.change_contest import change_contest
from introducer.services.contest_steps import contest_of_brand
from introducer.services.draft_contest import draft_contest
from introducer.services.preview_contest import (
    managers_of_brand,
    names_of_partners,
    partners_as_named,
    preview_contest,
)
from introducer.sources.contest_settings import Settings, contest_of, settings_of
from introducer.wording.contests import rules
from pages.desk_contests import ONE, PATH, SAY_WHY, Version, stands

NEW, EDIT = PATH + "/new", ONE + "/edit"
OF_THE_FORM = ("csrf", "idempotency_key", "version", "why", "do")
"""What is sent beside settings."""
AT_FIRST: Mapping[str, Any] = {
    "weights": {"ftd": "1"},
    "grace_hours": 24,
    "objection_hours": 72,
    "prize_hold_days": 0,
    "opt_in": True,
    "tie": "split",
    "size_by": "ftd",
    "size_days": 90,
    "divisions": [{"prizes": [{"kind": "fixed", "first": 1}]}],
}
"""What a new form begins with."""

words.WORDS |= {
    "contest_every": {"once": N_("Never: it is one contest"), "week": N_("Every week"), "month": N_("Every month")},
    "contest_entry": {
        "yes": N_("Partners join by themselves, and accept the rules"),
        "no": N_("All who fit are entered when it starts"),
    },
    "contest_public": {"no": N_("Partners who take part"), "yes": N_("Anybody: it has a page without signing in")},
    "contest_tie": {
        "split": N_("They share the money of their places"),
        "first": N_("Whoever reached the score first stands higher"),
    },
    "prize_kind": {
        "fixed": N_("An amount"),
        "share": N_("Percentage of the pool"),
        "threshold": N_("An amount by score"),
        "gift": N_("A gift"),
    },
    "contest_change": {
        "draft": N_("It is a draft: change whatever you like."),
        "planned": N_(
            "It is approved. Changing prizes, a pool, who may take part or how often it comes makes it a draft again, "
            "and it is approved anew. Whoever joined accepts other changes anew."
        ),
        "running": N_("It has started: what is counted, who takes part and what is won stay as they are."),
        "over": N_("It is counted, or called off: nothing about it changes any more."),
    },
}  # fmt: skip


class About(BaseModel):
    """What is sent beside the settings of a change."""

    model_config = ConfigDict(extra="ignore")

    version: Version = 0
    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


_AMOUNT = N_("Write an amount, such as 500.00.")
_ELSE = N_("This does not fit here.")
_SCORE = N_("Write a number above zero, such as 10.")
_PLACE = N_("Write a place, such as 1.")
_DAY = N_("Choose a day.")
_WHOLE = N_("Write a whole number.")
_RANGE = N_("This is out of range.")
_WRITTEN = {
    "amount": _AMOUNT,
    "pool": _AMOUNT,
    "share": N_("Write a percentage, such as 12.5."),
    "threshold": _SCORE,
    "minimum": _SCORE,
    "weights": _SCORE,
    "first": _PLACE,
    "last": _PLACE,
    "first_day": _DAY,
    "last_day": _DAY,
    "currency": N_("Write the three capital letters of a currency, such as EUR."),
    "time_zone": N_("There is no such time zone: write one such as Europe/Berlin."),
    "gift": N_("Say in words what the gift is."),
}
"""How it is written, by the setting."""
_SHAPE = {
    "missing": N_("Fill this in."),
    "number": _WHOLE,
    "range": _RANGE,
    "too_many_decimals": N_("These are more decimals than it has."),
    "no_such_day": N_("There is no such day."),
    "no_such_time": N_("Clocks are put forward at that time, so it does not come: choose another."),
}
_RULES = {
    "metric_needed": N_("Choose what is counted."),
    "single_weight": N_("One thing alone needs no points: choose it as the score."),
    "ends_before_start": N_("It ends before it starts: choose a later last day."),
    "window_too_long": N_("A contest lasts 180 days at most: choose an earlier last day."),
    "start_too_soon": N_("It starts ten minutes from now at the soonest: choose a later first day."),
    "start_too_far": N_("It starts 150 days from now at the latest: choose an earlier first day."),
    "end_too_soon": N_("It ends in a minute at the soonest: choose a later last day."),
    "places_overlap": N_("This place wins twice: each has one amount at most, and one gift."),
    "places_leave_hole": N_("A place before this one wins nothing: leave none out."),
    "places_reversed": N_("The last place comes before the first: swap them."),
    "place_needed": _PLACE,
    "amount_needed": _AMOUNT,
    "share_needed": _WRITTEN["share"],
    "threshold_needed": _SCORE,
    "gift_needed": _WRITTEN["gift"],
    "threshold_below_minimum": N_("Nobody below the minimum to rank wins anything: ask for more here."),
    "threshold_twice": N_("This score stands there already: choose another."),
    "not_for_this_prize": N_("This kind of prize has none: leave it empty."),
    "pool_needed": N_("There are percentages of a pool: say how much is in it."),
    "pool_over_100": N_("The percentages come to more than 100% of the pool: lower some of them."),
    "pool_under_100": N_("The percentages come to less than 100% of the pool: raise some, or leave the pool empty."),
    "divisions_not_rising": N_("Each division begins above the one before, the first one at 0."),
    "name_twice": N_("Two divisions have this name: choose another."),
    "invalid_name": N_("Write it on one line, not too long."),
    "text_too_long": N_("This is too long, or has characters that cannot be shown."),
    "out_of_range": _RANGE,
    "too_many": N_("These are too many: join places with one prize, or take a wider condition."),
    "unknown_time_zone": _WRITTEN["time_zone"],
    "unknown_currency": _WRITTEN["currency"],
    "no_rates": N_("There are no exchange rates of this currency: choose another."),
    "invalid_country": _ELSE,
    "unknown_partner": N_("One of these is no partner of yours, or several have its name: write its number."),
    "unknown_manager": N_("One of these does not look after partners any more."),
    "series_over": N_("Fewer than those there are already: raise it."),
    "series_hour": N_("A contest that comes again starts and ends with a day, or from four in the morning on."),
    "series_day": N_("One that comes every month starts and ends on a day from 1 to 27, or with a month."),
    "series_overlaps": N_("The next one would start before this one ends: end it sooner."),
    "metric_changed_after_start": N_("It has started: what is counted stays as it is."),
    "start_changed_after_start": N_("It has started: its start stays as it is."),
    "prizes_changed_after_start": N_("It has started: divisions and prizes stay as they are."),
    "participants_changed_after_start": N_("It has started: who may take part stays as it is."),
    "series_changed_after_start": N_("The next one is made already: change that one."),
    "rules_changed_after_start": N_("It has started: this stays as it is."),
    "participants_frozen": N_("It is counted: who takes part stands for good."),
    "contest_frozen": N_("It is counted: its settings stand for good."),
    "contest_over": N_("This contest is over: nothing about it changes any more."),
    "contest_changed": N_("It was changed since you looked at it: open it again, and compare."),
    "reason_needed": SAY_WHY,
}
_FIELD_OF = {"unknown_currency": "currency", "invalid_country": "countries", "reason_needed": "why"}
"""Where an error that names no field belongs."""


# ------------------------------------------------------------------------------------------------------------ a new one


@page(NEW, "desk_contest_design.html", who=Who.STAFF)
def new_contest(visit: Visit) -> dict[str, Any]:
    """The form of a new contest. `like` is one whose settings it begins with."""
    return _form(visit, None)


@page(
    NEW + "/check", "desk_contest_design.html", method="POST", who=Who.STAFF, again=new_contest, body=(About, Settings)
)
def check_new(visit: Visit) -> dict[str, Any]:
    """A new contest's rules in words, and what it can cost; nothing is kept. A form's other buttons ask for a row more
    or less."""
    return _checked(visit, None)


@page(NEW, "desk_contest_design.html", method="POST", who=Who.STAFF, again=new_contest, body=(About, Settings))
def keep_new(visit: Visit) -> Done:
    """Drafts a contest; partners see it once a second person has approved it. Managers and admins draft."""
    assert visit.member is not None
    check_planner(visit.member.role)
    draft = _draft(visit, None)
    try:
        made = draft_contest(visit.portal.contest_books, member=visit.member, draft=draft, now=visit.now)
    except (Invalid, Conflict) as error:
        raise _refusal(visit, error) from error
    return Done(_told(made), f"{PATH}/{made.contest}?done=drafted", created=True)


# --------------------------------------------------------------------------------------------------------------- change


@page(EDIT, "desk_contest_design.html", who=Who.STAFF)
def edit_contest(visit: Visit, contest: str) -> dict[str, Any]:
    """The form of a contest as it is, to be changed."""
    return _form(visit, _contest(visit, contest))


@page(
    EDIT + "/check",
    "desk_contest_design.html",
    method="POST",
    who=Who.STAFF,
    again=edit_contest,
    body=(About, Settings),
)
def check_edit(visit: Visit, contest: str) -> dict[str, Any]:
    """A changed contest's rules in words, and what it can cost; nothing is kept. A form's other buttons ask for a row
    more or less."""
    return _checked(visit, _contest(visit, contest))


@page(EDIT, "desk_contest_design.html", method="POST", who=Who.STAFF, again=edit_contest, body=(About, Settings))
def keep_edit(visit: Visit, contest: str) -> Done:
    """Changes a contest; once it has started, little more than its end and its description. What was approved and now
    costs something else, or is for others, is a draft again."""
    assert visit.member is not None
    before = _contest(visit, contest)
    about = visit.read(About)
    changes = _draft(visit, before)
    try:
        made = change_contest(
            visit.portal.contest_books,
            visit.portal.wake,
            member=visit.member,
            contest=before.contest,
            version=about.version,
            changes=changes,
            why=about.why,
            now=visit.now,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(visit, error) from error
    return Done(_told(made), f"{PATH}/{made.contest}?done=changed")


# ---------------------------------------------------------------------------------------------------------------- parts


def _contest(visit: Visit, contest: str) -> Contest:
    assert visit.member is not None
    check_planner(visit.member.role)
    return contest_of_brand(visit.portal.contest_books, visit.member, contest)


def _form(visit: Visit, before: Contest | None, fields: forms.Fields | None = None) -> dict[str, Any]:
    """The form of a new contest, or of one that is changed. What was sent is shown again."""
    assert visit.member is not None
    check_planner(visit.member.role)
    member, configuration = visit.member, visit.portal.configuration
    shown = _fields(visit, _settings(visit, before))
    if fields is None and visit.refused and visit.content_type != JSON:
        fields = forms.tidied(visit.fields)
    # What a form did not have (the size of a single division, a contest that has started) is as it was.
    fields = shown if fields is None else forms.without_rows(shown) | fields
    return {
        "contest": before.contest if before else "",
        "name": before.name if before else "",
        "status": before.status if before else ContestStatus.DRAFT,
        "version": before.version if before else 0,
        "settings": _settings(visit, before) if not visit.refused else None,
        "path": f"{PATH}/{before.contest}/edit" if before else NEW,
        "all": before is None or not has_started(before, visit.now),
        "typed": {name: value for name, value in fields.items() if isinstance(value, str)},
        "ticked": {name: forms.listed(fields, name) for name in forms.TICKED},
        "divisions": [each._asdict() for each in forms.divisions_of(fields)],
        "managers": [(each.member, each.name) for each in managers_of_brand(configuration, member.brand)],
        "wrong_weights": any(name.startswith("weights.") for name in (visit.refused.errors if visit.refused else ())),
        "checked": None,
    }


def _fields(visit: Visit, settings: Mapping[str, Any]) -> forms.Fields:
    """What a form shows of these settings."""
    fields = forms.form_of_settings(settings)
    assert visit.member is not None
    names = names_of_partners(visit.portal.configuration, visit.member.brand, settings.get("partners", ()))
    return fields | {"partners": "\n".join(names)}


def _settings(visit: Visit, before: Contest | None) -> dict[str, Any]:
    """What a form begins with: the contest's own settings, those of the one it is to be like, or the usual ones."""
    assert visit.member is not None
    if before is not None:
        return settings_of(before)
    usual = {"currency": visit.brand.base_currency, "time_zone": visit.brand.time_zone}
    like = visit.query("like")
    if not like:
        return usual | dict(AT_FIRST)
    found = settings_of(contest_of_brand(visit.portal.contest_books, visit.member, like))
    # Its days are over, and so is its series: this one is another.
    return {name: value for name, value in found.items() if name not in ("first_day", "last_day", "series")}


def _checked(visit: Visit, before: Contest | None) -> dict[str, Any]:
    assert visit.member is not None
    check_planner(visit.member.role)
    take_countries(visit)
    do = visit.fields.get("do")
    if isinstance(do, str) and do and visit.content_type != JSON:
        return _form(visit, before, forms.grown(visit.fields, do))
    draft = _draft(visit, before)
    try:
        seen = preview_contest(
            visit.portal.contest_books, member=visit.member, draft=draft, before=before, now=visit.now
        )
    except (Invalid, Conflict) as error:
        raise _refusal(visit, error) from error
    checked = asdict(seen) | {
        "most": seen.most,
        "if_all": seen.if_all,
        "divisions": seen.divisions,
        "rules": rules(visit.language, draft),
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "counts_until": draft.counts_until,
        "time_zone": draft.time_zone,
    }
    settings = settings_of(draft)
    fields = _fields(visit, settings) if visit.content_type == JSON else forms.tidied(visit.fields)
    return _form(visit, before, fields) | {"settings": settings, "checked": checked}


def _draft(visit: Visit, before: Contest | None) -> Contest:
    """The contest as it was sent. Raises `FormRefused` with what is wrong, field by field."""
    assert visit.member is not None
    take_countries(visit)
    sent = {name: value for name, value in visit.fields.items() if name not in OF_THE_FORM}
    if visit.content_type != JSON:
        sent = forms.settings_of_form(forms.tidied(sent))
        if sent.get("partners"):
            configuration = visit.portal.configuration
            sent["partners"] = partners_as_named(configuration, visit.member.brand, sent["partners"])
    if before is not None:
        sent = settings_of(before) | sent
    try:
        made = contest_of(
            sent,
            brand=visit.brand,
            contest=before.contest if before else "",
            by=visit.member.member,
            now=visit.now,
            before=before,
        )
        check_countries(visit, before.conditions.countries if before else ())
    except Invalid as error:
        raise _refusal(visit, error) from error
    return made


def _told(contest: Contest) -> dict[str, Any]:
    return stands(contest) | {"settings": settings_of(contest)}


def _refusal(visit: Visit, error: Invalid | Conflict) -> IntroducerError | FormRefused:
    """The form again, with what to do beside each field; all that was typed stays."""
    fields = visit.fields if visit.content_type != JSON else {}
    codes = error.facts.get("codes")
    if isinstance(codes, Mapping):
        errors = {forms.field_of(place, fields): _shape(place, code) for place, code in codes.items()}
        return FormRefused(saying_which(visit.language, errors, fields), {}, error)
    if error.code not in _RULES:
        return error
    place = str(error.facts.get("field", _FIELD_OF.get(error.code, "")))
    errors = {forms.field_of(place, fields) if place else "": _RULES[error.code]}
    return FormRefused(saying_which(visit.language, errors, fields), {}, error)


def _shape(place: str, code: str) -> str:
    for name in (place.rpartition(".")[2], place.partition(".")[0]):
        if code in ("written", "unknown_currency", "unknown_time_zone") and name in _WRITTEN:
            return _WRITTEN[name]
    return _SHAPE.get(code, _ELSE)
