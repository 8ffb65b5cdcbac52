"""`/desk/sequences/{sequence}`: what new partners are written, in order, and how each step did; switching it on and
off. `…/steps/{step}`: one step; `…/steps/new` puts one in. `…/steps/{step}/remove` takes it out. `…/preview`: what one
partner would read, with its real data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import words
from advice import Advice, advised, refusal, typed
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Go, Who, page
from texts import Texts
from visit import N_, FormRefused, Visit

from introducer import locale
from introducer.domain.errors import IntroducerError, Invalid, NotFound
from introducer.domain.mail_text import (
    LANGUAGES,
    LONGEST_PARAGRAPH,
    PLACEHOLDERS,
    SUBJECT,
)
from introducer.domain.sequence import (
    CONDITIONS,
    ONBOARDING,
    Fact,
    Next,
    Over,
    Place,
    Progress,
    Send,
    Sequence,
    Skip,
    Step,
    Wait,
    with_step,
    without_step,
)
from introducer.services.edit_sequence import EDITORS, edit_sequence
from introducer.services.preview_sequence import preview_sequence
from introducer.services.read_sequences import figures_of, sequence_of

LIST = "/desk/sequences"
ONE = LIST + "/{sequence}"
STEP = ONE + "/steps/{step}"
NEW = "new"
"""In the place of a step: one that is to be put in."""
SHOWN = 20
"""So many of those who walk it now are named."""

words.WORDS |= {
    "fact": {
        "has_link": N_("Has a link"),
        "has_click": N_("Had a click"),
        "has_ftd": N_("Brought a client who paid in"),
        "has_terms": N_("Was offered terms"),
        "accepted_terms": N_("Accepted terms"),
        "has_payment_profile": N_("Said where to be paid"),
    },
    "condition": {
        "has_link": N_("has a link"),
        "not_has_link": N_("has no link"),
        "has_click": N_("had a click"),
        "not_has_click": N_("had no click"),
        "has_ftd": N_("brought a client who paid in"),
        "not_has_ftd": N_("brought no client who paid in"),
        "has_terms": N_("was offered terms"),
        "not_has_terms": N_("was offered no terms"),
        "accepted_terms": N_("accepted terms"),
        "not_accepted_terms": N_("accepted no terms"),
        "has_payment_profile": N_("said where to be paid"),
        "not_has_payment_profile": N_("did not say where to be paid"),
    },
    "sequence_place": {
        "/": N_("Overview"),
        "/links": N_("Links"),
        "/deal": N_("Deal"),
        "/settings/payment": N_("Getting paid"),
        "/earnings": N_("Earnings"),
    },
    "sequence_end": {
        "goal": N_("Goal reached"),
        "unsubscribed": N_("Unsubscribed"),
        "done": N_("All steps done"),
        "blocked": N_("The partner is blocked"),
        "expired": N_("Given up"),
    },
    "sequence_next": {
        "send": N_("Is sent now"),
        "skip": N_("Is left out now"),
        "wait": N_("Waits"),
        "over": N_("Over"),
    },
}

Why = Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)]
Asked = Literal["any", "yes", "no"]


class Switch(BaseModel):
    """Whether new partners begin it, and what ends it early. `version` is the one that was looked at."""

    model_config = ConfigDict(extra="forbid")

    on: Literal["yes", "no"]
    goal: Literal["", "has_link", "has_click", "has_ftd", "has_terms", "accepted_terms", "has_payment_profile"]
    version: Annotated[int, Field(ge=0)]
    why: Why


class Written(Texts):
    """A step as it is to be. Of its conditions `any` asks for nothing."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = ""
    """Of a new step; for ever."""
    place_in_order: Annotated[int, Field(ge=1, le=99)]
    wait_hours: int
    has_link: Asked = "any"
    has_click: Asked = "any"
    has_ftd: Asked = "any"
    has_terms: Asked = "any"
    accepted_terms: Asked = "any"
    has_payment_profile: Asked = "any"
    place: Place = Place.START
    version: Annotated[int, Field(ge=0)]
    why: Why


class Removal(BaseModel):
    """A step is taken out."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0)]
    why: Why


_ADVICE: Advice = {
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "sequence_changed": ("", N_("Somebody changed it meanwhile: look at it again.")),
    "sequence_role": ("", N_("Managers and admins write sequences: ask one of them.")),
    "no_steps": ("", N_("It needs a step at least: switch it off if nothing is to be sent.")),
    "too_many_steps": ("", N_("It has 20 steps at most.")),
    "invalid_step": ("name", N_("Use small letters, digits and _, at most 40; begin with a letter.")),
    "same_step": ("name", N_("There is a step of this name already.")),
    "invalid_wait": ("wait_hours", N_("Write 0 to 2160 hours.")),
    "sequence_too_big": ("", N_("All texts together are too long to be kept: shorten some, or take a step out.")),
    "sequence_too_long": ("wait_hours", N_("All waits together are longer than 180 days.")),
}
_TEXT: Mapping[str, str] = {
    "english_missing": N_("Write it in English at least: others read that where theirs is missing."),
    "subject_missing": N_("Write a subject."),
    "paragraphs_missing": N_("Write a paragraph at least."),
    "text_too_long": N_(
        "This is too long: 150 characters for a subject, 2,000 for a paragraph, 30 of them, or too long for one mail."
    ),
    "invalid_text": N_("There is a character in it that mail does not carry."),
    "unknown_placeholder": N_("A name in braces stands for nothing: use those that are listed."),
    "lone_brace": N_("There is a brace that belongs to no placeholder: leave it out."),
}
"""Those about a text: the field is that of the language."""


@page(LIST, who=Who.STAFF)
def sequences(visit: Visit) -> Go:
    """Leads to the sequence of mails for new partners. There is one so far."""
    return Go(f"{LIST}/{ONBOARDING}")


@page(ONE, "desk_sequence.html", who=Who.STAFF)
def sequence(visit: Visit, sequence: str, step: str = "") -> dict[str, Any]:
    """One sequence, its steps in order, how each did, and who is in it now. `step` is the one of a refused removal,
    which the page has anyway."""
    assert visit.member is not None
    books, found = visit.portal.onboarding_books, _found(visit, sequence)
    figures = figures_of(books, found)
    walking = books.sequences.walks(found.brand, found.sequence, limit=SHOWN)
    return {
        **_head(visit, found),
        "steps": [_told(each) | {"figures": figures[each.step]._asdict()} for each in found.steps],
        "walking": [_walk(visit, found, state) for state in walking.items],
        "more_walking": walking.cursor is not None,
    }


@page(ONE, "desk_sequence.html", method="POST", who=Who.STAFF, again=sequence, body=Switch)
def switch_sequence(visit: Visit, sequence: str) -> Done:
    """Managers and admins switch a sequence on or off, and say what ends it early."""
    wish = visit.read(Switch)
    found = _found(visit, sequence)
    wanted = replace(found, on=wish.on == "yes", goal=Fact(wish.goal) if wish.goal else None, version=wish.version)
    with advised(wish, _ADVICE):
        made = _edit(visit, wanted, wish.why)
    return Done(_head(visit, made), f"{LIST}/{sequence}?set=1")


@page(STEP, "desk_sequence_step.html", who=Who.STAFF)
def step_of_sequence(visit: Visit, sequence: str, step: str) -> dict[str, Any]:
    """One step of a sequence, with its wait, its conditions and its text. `new` is the form of another one."""
    found = _found(visit, sequence)
    place = next((place for place, each in enumerate(found.steps, 1) if each.step == step), 0)
    if not place and step != NEW:
        raise NotFound("There is no such step.")
    shown = _told(found.steps[place - 1]) if place else None
    return {
        **_head(visit, found),
        "step": shown,
        "place_in_order": place or len(found.steps) + 1,
        "how_many": len(found.steps),
        "placeholders": dict(PLACEHOLDERS),
        "own_names": _own_names(),
        "places": list(Place),
        "longest": LONGEST_PARAGRAPH,
    }


@page(STEP, "desk_sequence_step.html", method="POST", who=Who.STAFF, again=step_of_sequence, body=Written)
def write_step(visit: Visit, sequence: str, step: str) -> Done:
    """Changes a step of a sequence, or puts a new one in. `new` is the new one."""
    wish = visit.read(Written)
    found = _found(visit, sequence)
    known = {each.step for each in found.steps}
    if step != NEW and step not in known:
        raise NotFound("There is no such step.")
    asked = {fact: getattr(wish, fact.value) for fact in Fact}
    name = wish.name if step == NEW else step
    written = Step(
        step=name,
        wait_hours=wish.wait_hours,
        conditions=tuple(
            CONDITIONS[fact.value if said == "yes" else f"not_{fact.value}"]
            for fact, said in asked.items()
            if said != "any"
        ),
        text=wish.text(),
        place=wish.place,
    )
    try:
        if step == NEW and name in known:
            raise Invalid("There is a step of this name already: choose another one.", code="same_step")
        made = _edit(visit, replace(with_step(found, written, wish.place_in_order), version=wish.version), wish.why)
    except IntroducerError as error:
        raise _refused(error, wish) from error
    shown = next(each for each in made.steps if each.step == name)
    return Done(_head(visit, made) | {"step": _told(shown)}, f"{LIST}/{sequence}?set=1", created=step == NEW)


@page(STEP + "/remove", "desk_sequence.html", method="POST", who=Who.STAFF, again=sequence, body=Removal)
def remove_step(visit: Visit, sequence: str, step: str) -> Done:
    """Takes a step out of a sequence."""
    wish = visit.read(Removal)
    found = _found(visit, sequence)
    if all(each.step != step for each in found.steps):
        raise NotFound("There is no such step.")
    with advised(wish, _ADVICE):
        made = _edit(visit, replace(without_step(found, step), version=wish.version), wish.why)
    return Done(_head(visit, made), f"{LIST}/{sequence}?set=1")


@page(ONE + "/preview", "desk_sequence_preview.html", who=Who.STAFF)
def preview(visit: Visit, sequence: str) -> dict[str, Any]:
    """What one partner would read of a sequence, with its real data. `partner` is whose data is filled in, `language`
    in which language; without a partner it asks for one."""
    assert visit.member is not None
    found, partner = _found(visit, sequence), visit.query("partner")
    cards = visit.portal.configuration.cards(found.brand, limit=100).items
    language = visit.query("language")
    data: dict[str, Any] = {
        **_head(visit, found),
        "partners": [{"partner": card.partner, "name": card.name} for card in cards],
        "own_names": _own_names(),
        "language": language if language in LANGUAGES else "",
        "of": None,
    }
    if not partner:
        return data
    shown = preview_sequence(
        visit.portal.onboarding_books,
        member=visit.member,
        sequence=found,
        partner=partner,
        language=str(data["language"]),
        now=visit.now,
    )
    if all(each["partner"] != partner for each in data["partners"]):
        # Of a brand with more partners than the list has: the form must not fall back to another one.
        data["partners"].insert(0, {"partner": partner, "name": shown.partner.name})
    had = {each.step: each for each in shown.state.done} if shown.state else {}
    return data | {
        "of": {"partner": shown.partner.partner, "name": shown.partner.name},
        "facts": {fact.value: fact in shown.facts.true for fact in Fact},
        "owners": shown.facts.owners,
        "willing": shown.facts.willing,
        "end": shown.state.end if shown.state else None,
        "walks": shown.state is not None,
        "next": _coming(shown.next),
        "steps": [
            _told(each.step)
            | {
                "language": each.language,
                "said_subject": each.words.subject,
                "said": list(each.words.paragraphs),
                "needed": shown.facts.hold(each.step.conditions),
                "had_at": had[each.step.step].at if each.step.step in had else None,
                "was_sent": had[each.step.step].sent if each.step.step in had else None,
            }
            for each in shown.steps
        ],
    }


# --------------------------------------------------------------------------------------------------------------- parts


def _found(visit: Visit, sequence: str) -> Sequence:
    assert visit.member is not None
    return sequence_of(visit.portal.onboarding_books, visit.member.brand, sequence)


def _edit(visit: Visit, wanted: Sequence, why: str) -> Sequence:
    assert visit.member is not None
    return edit_sequence(visit.portal.onboarding_books, wanted, member=visit.member, why=why, now=visit.now)


def _head(visit: Visit, found: Sequence) -> dict[str, Any]:
    assert visit.member is not None
    return {
        "sequence": found.sequence,
        "on": found.on,
        "goal": found.goal,
        "version": found.version,
        "facts_to_ask": list(Fact),
        "may_edit": visit.member.role in EDITORS,
    }


def _own_names() -> dict[str, str]:
    """What languages call themselves, by their codes."""
    return {code: locale.language(code).own_name for code in LANGUAGES}


def _told(step: Step) -> dict[str, Any]:
    return {
        "step": step.step,
        "wait_hours": step.wait_hours,
        "conditions": [condition.word for condition in step.conditions],
        "place": step.place,
        "subject": step.text.words("en").subject,
        "written_in": list(step.text.by_language),
        "text": {
            language: {"subject": said.subject, "text": "\n\n".join(said.paragraphs)}
            for language, said in step.text.by_language.items()
        },
    }


def _walk(visit: Visit, found: Sequence, state: Progress) -> dict[str, Any]:
    try:
        name = visit.portal.configuration.partner(state.partner).name
    except NotFound:
        name = state.partner
    return {
        "partner": state.partner,
        "name": name,
        "started_at": state.started_at,
        "had": len(state.done),
        "steps": len(found.steps),
    }


def _coming(coming: Next | None) -> dict[str, Any] | None:
    match coming:
        case None:
            return None
        case Wait():
            return {"what": "wait", "until": coming.until, "step": None}
        case Send() | Skip():
            return {"what": "send" if isinstance(coming, Send) else "skip", "until": None, "step": coming.step.step}
        case Over():
            return {"what": "over", "until": None, "step": None}


def _refused(error: IntroducerError, wish: Written) -> IntroducerError | FormRefused:
    """The form again, with what to do beside the field of the language that it is about."""
    if error.code not in _TEXT:
        return refusal(error, wish, _ADVICE)
    message = _TEXT[error.code]
    part = "subject" if error.facts.get("part") == SUBJECT else "text"
    field = f"{part}_{error.facts.get('language', 'en')}"
    return FormRefused({field if field in Written.model_fields else "": message}, typed(wish), error)
