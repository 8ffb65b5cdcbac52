"""The editor of a deal's terms, for one partner or several: in fields or as JSON, what is wrong with them, and what
they are as data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import terms_form as forms
import words
from names_typed import saying_which, with_codes, with_names
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from visit import JSON, N_, FormRefused, Visit

from introducer.domain.describe import describe
from introducer.domain.errors import Invalid, Malformed, TooLarge
from introducer.domain.terms import parse_terms
from introducer.domain.terms_refused import KEEP_ONE, TermsRefused
from introducer.sources.deal_terms import EXAMPLE_RULES, ShapeError, shape_errors
from introducer.sources.strict_json import check_nesting, read_object
from introducer.wording.sentences import say

LONGEST = 60_000
"""Characters of terms."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)]
Begins = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(20\d\d-\d\d-\d\d)?$")]


words.WORDS |= {
    "hold_from": {
        "month_end": N_("The end of the month"),
        "qualification": N_("The client's qualification"),
        "event_day": N_("The day of the event"),
    },
    "payout_rate": {
        "pay_date": N_("Of the day it is paid out"),
        "earn_date": N_("Of the end of its month"),
    },
    "negative_month": {
        "reset": N_("Forgotten"),
        "carry": N_("Carried over"),
        "capped": N_("Carried over, to a limit"),
    },
    "cap_per": {"day": N_("A day"), "month": N_("A month"), "total": N_("The whole time")},
    "tier_by": {
        "ftd": N_("First deposits"),
        "qftd": N_("Qualified clients"),
        "lots": N_("Lots"),
        "net_revenue": N_("Net revenue"),
    },
    "tier_mode": {
        "marginal": N_("What lies in it"),
        "retroactive": N_("The whole month"),
    },
}


class Draft(BaseModel):
    """Terms (an object, or its JSON text) and the UTC day on which they would begin; the soonest one without it."""

    model_config = ConfigDict(extra="forbid")

    terms: Text | dict[str, Any]
    begins: Begins = ""
    version: Annotated[int, Field(ge=1, le=999_999)] | None = None
    """The number it is to have; a repeat of the same proposal changes nothing."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    do: Annotated[str, StringConstraints(max_length=100)] = ""
    """What a button of the form asks for, beside checking; programs leave it out."""

    @model_validator(mode="before")
    @classmethod
    def _of_a_form(cls, sent: Any) -> Any:
        if not isinstance(sent, Mapping) or not forms.is_form(sent):
            return sent
        others = {name: value for name, value in sent.items() if not name.startswith(forms.PREFIX)}
        return others | {"terms": forms.terms_of_form(sent)}


def first_terms(currency: str) -> dict[str, Any]:
    """What the editor begins with where a partner has no terms yet."""
    return {
        "currency": currency,
        "hold": {"days": 30, "from": "month_end"},
        "net_revenue": {"spread": "1", "commission": "1"},
        "rules": [EXAMPLE_RULES["revshare"][0]],
    }


def examples(visit: Visit) -> list[dict[str, Any]]:
    """Rules to begin from, by kind, and what each says."""
    return [{"kind": kind, "rules": [_example(visit, rule) for rule in rules]} for kind, rules in EXAMPLE_RULES.items()]


def _example(visit: Visit, rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule to copy, and what it says."""
    clause = describe(parse_terms({"currency": "EUR", "hold": {"days": 30}, "rules": [rule]}))[0]
    return {"text": written(rule), "says": [say(visit.language, sentence) for sentence in clause.sentences]}


def written(value: Any) -> str:
    """JSON for people: a line for each field, and short parts in one line."""
    return _lines(_ordered(value), "")


_FIRST = ("type", "id", "currency", "hold", "by", "mode", "from", "until")
"""What people write first in an object; the rest stays in its order. (Kept terms are in the order of letters.)"""


def _ordered(value: Any) -> Any:
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = sorted(value, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    return {name: _ordered(value[name]) for name in names}


def _lines(value: Any, indent: str) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(flat) + len(indent) <= 64:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name, ensure_ascii=False)}: {_lines(each, inner)}" for name, each in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _lines(each, inner) for each in value) + f"\n{indent}]"


def editor(visit: Visit, terms: Mapping[str, Any], do: str = "") -> dict[str, Any]:
    """What a page needs to show these terms, or the form as it was sent, its rows one more or less where `do` says so.

    `editor` has its fields, what is ticked, how many rows stand where, and which parts are open; it is None where terms
    are written as JSON, and `as_json` is why: `asked`, or `names` or `long` for terms that no form can hold. `full`
    is whether a row more would have been too much.
    """
    sent = visit.content_type != JSON and forms.is_form(visit.fields)
    full = False
    if sent:
        fields = forms.grown(visit.fields, do) if do else forms.tidied(visit.fields)
        full = not forms.fits(fields)
        fields = forms.grown(visit.fields, "") if full and do else fields
    else:
        asked = visit.content_type != JSON and "terms" in visit.fields and do != forms.AS_FORM
        fields = {} if asked else forms.form_of_terms(terms)
        why = "asked" if asked else "long" if not forms.fits(fields) else "" if _is_whole(visit, terms) else "names"
        if why:
            return {"editor": None, "as_json": why, "full": False}
    looked_at = list(visit.refused.errors) if visit.refused else []
    if do.startswith(("add-", "remove-")):
        looked_at.append(forms.PREFIX + do.partition("-")[2])
    shown = {
        "typed": {name: value for name, value in fields.items() if isinstance(value, str)} | _about(visit),
        "ticked": {name: value for name, value in fields.items() if isinstance(value, list)},
        "rows": forms.rows_of(fields),
        "open": forms.opened(fields, looked_at),
    }
    return {"editor": shown, "as_json": "", "full": full and bool(do)}


def another_form(visit: Visit) -> dict[str, Any] | None:
    """What changes about the form where one of its buttons asks for a row more or less, or for the terms as JSON;
    nothing is judged then. None for anything else."""
    do = visit.fields.get("do")
    if visit.content_type == JSON or not isinstance(do, str) or not do or not forms.is_form(visit.fields):
        return None
    if do != forms.AS_JSON:
        return editor(visit, {}, do)
    text = written(forms.terms_of_form(visit.fields))
    return {"editor": None, "as_json": "asked", "full": False, "typed": {"terms": text} | _about(visit)}


def _is_whole(visit: Visit, terms: Mapping[str, Any]) -> bool:
    """Whether the form says all of these terms, also with its countries by their names: `UK` would be read as GB."""
    fields = forms.form_of_terms(terms)
    named = with_names(visit.language, fields, forms.MOST_BYTES)
    return forms.is_whole(terms) and with_codes(visit.language, named) == fields


def _about(visit: Visit) -> dict[str, str]:
    """What is typed beside terms."""
    return {name: str(visit.fields.get(name, "")) for name in ("begins", "reason")}


def as_form(visit: Visit, draft: Draft, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Terms that were written as JSON, as a form."""
    return editor(visit, terms, forms.AS_FORM) | {"typed": typed_of(draft)}


def sent_version(visit: Visit, next_one: int) -> int:
    """The number that a form has: the one that it began with, so that what was proposed meanwhile is noticed."""
    sent = str(visit.fields.get("version", ""))
    return int(sent) if visit.content_type != JSON and sent.isascii() and sent.isdigit() and len(sent) < 7 else next_one


def typed_of(draft: Draft) -> dict[str, str]:
    """What was sent, as the form with JSON shows it again."""
    terms = draft.terms if isinstance(draft.terms, str) else written(draft.terms)
    return {"terms": terms, "begins": draft.begins, "reason": draft.reason}


def begins_of(draft: Draft) -> datetime | None:
    """The day on which the terms would begin; None for the soonest. Raises `FormRefused` for no day."""
    try:
        return datetime.fromisoformat(draft.begins).replace(tzinfo=UTC) if draft.begins else None
    except ValueError as error:
        raise FormRefused({"begins": N_("This does not fit here.")}, typed_of(draft)) from error


def terms_of(visit: Visit, draft: Draft) -> dict[str, Any]:
    """The terms as data of the right form. Raises `FormRefused` with what is wrong, field by field."""
    try:
        if isinstance(draft.terms, str):
            terms = read_object(draft.terms.encode("utf-8", "replace"))
        else:
            terms = draft.terms
            check_nesting(terms)
    except (Malformed, TooLarge) as error:
        cause = Invalid(f"The terms cannot be read. {error.detail}", code=error.code)
        # What is nested too deeply is not shown again: that could not be written down either.
        shown = draft if isinstance(draft.terms, str) else draft.model_copy(update={"terms": ""})
        raise refused_terms(visit, cause, shown) from error
    wrong = shape_errors(terms)
    said = {f"terms.{each.field}": _advice(visit, each, _ADVICE) for each in wrong}
    at_fields = said
    if visit.content_type != JSON and forms.is_form(visit.fields):
        fields = forms.tidied(visit.fields)
        advice = _ADVICE | _AT_FIELD
        at_fields = {forms.field_of(each.field, fields): _advice(visit, each, advice) for each in wrong}
        # Two lists of one name are one list in the terms: which of them is meant, only the form knows.
        twice = dict.fromkeys(forms.named_twice(fields), KEEP_ONE)
        at_fields = saying_which(visit.language, at_fields, fields) | twice
        said |= twice
    if said:
        cause = Invalid("Some fields of the terms cannot be taken: see errors.", code="invalid_deal", errors=said)
        raise FormRefused(at_fields, typed_of(draft), cause)
    return terms


def refused_terms(visit: Visit, error: Invalid, draft: Draft) -> FormRefused:
    """What to do stands at the field, or the part, that it is about; what is about none alone stands above them."""
    if not isinstance(error, TermsRefused):
        return FormRefused({"terms": error.detail}, typed_of(draft), error)
    field = "begins" if error.code == "invalid_valid_from" else "terms"
    if error.place:
        in_fields = visit.content_type != JSON and forms.is_form(visit.fields)
        field = forms.field_of(error.place, forms.tidied(visit.fields)) if in_fields else f"terms.{error.place}"
    return FormRefused({field: say(visit.language, error.advice)}, typed_of(draft), error)


_ADVICE = {
    "missing": N_("Fill this in."),
    "unknown": N_("There is no such field: take it out."),
    "choice": N_("Write one of these: %(wanted)s"),
    "written": N_("Write it like %(wanted)s"),
    "text": N_("Write it as a text, in quotation marks."),
    "number": N_("Write a whole number, without quotation marks."),
    "yes_or_no": N_("Write true or false, without quotation marks."),
    "list": N_("Write a list: [ … ]"),
    "object": N_("Write an object: { … }"),
    "range": N_("Out of range: %(wanted)s"),
}


_AT_FIELD = {
    "choice": N_("Choose what fits here."),
    "number": N_("Write a whole number."),
    "list": N_("Fill this in."),
    "object": N_("Fill this in."),
}
"""Where a form has a field for it, whose texts need no marks."""


def _advice(visit: Visit, error: ShapeError, advice: Mapping[str, str]) -> str:
    wanted = error.wanted.strip('"') if advice is not _ADVICE else error.wanted
    return visit.language.text(advice[error.code]) % {"wanted": wanted}
