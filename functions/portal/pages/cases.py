"""`/cases`: what is looked at about a partner. `/cases/{case}`: what is held and since when, by when it is decided,
what both sides said, the verdict, and appealing against it."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from advice import Advice, advised
from filling import filled
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, Visit

from introducer.domain.case import Case
from introducer.services.answer_case import answer_case
from introducer.services.appeal_case import appeal_case
from introducer.services.read_cases_of_partner import read_case_of_partner, read_cases_of_partner

PATH = "/cases"
ONE = PATH + "/{case}"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]


class Words(BaseModel):
    """What the partner says about it."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class Appeal(BaseModel):
    """Why the verdict is not right."""

    model_config = ConfigDict(extra="forbid")

    why: Text


_ADVICE: Advice = {
    "text_needed": ("", N_("Write something first.")),
    "case_closed": ("", N_("This case is closed: nothing more is said in it. Write to your manager.")),
    "too_many_answers": ("", N_("You have said a lot already, and we read all of it: wait for the decision.")),
    "appeal_role": ("", N_("The owner of this account appeals: ask them to.")),
    "nothing_to_appeal": ("", N_("There is nothing to appeal against: look at it again below.")),
    "appeal_too_late": ("", N_("The time to appeal has passed. Write to your manager.")),
    "appealed_already": ("", N_("You have appealed already: another person decides it.")),
    "case_changed": ("", N_("The case changed at the same moment: look at it again below.")),
}


@page(
    PATH,
    "cases.html",
    columns=(
        ("case", lambda row: row.case),
        ("status", lambda row: row.status),
        ("about", lambda row: row.topic),
        ("held", lambda row: ", ".join(map(str, row.held))),
        ("opened_at", lambda row: row.opened_at),
        ("due", lambda row: row.due),
        ("closed_at", lambda row: row.closed_at),
    ),
)
def cases(visit: Visit) -> dict[str, Any]:
    """The partner's cases, the newest first."""
    assert visit.partner is not None
    return {"items": read_cases_of_partner(visit.portal.cases, partner=visit.partner.partner), "next": None}


@page(ONE, "case.html")
def case_of_partner(visit: Visit, case: str) -> dict[str, Any]:
    """One case of the partner, what is held, by when it is decided, what was said and the verdict."""
    assert visit.member is not None
    found = read_case_of_partner(
        visit.portal.configuration, visit.portal.cases, member=visit.member, case=case, now=visit.now
    )
    looked_at = [
        {"detector": each.detector, "text": filled(visit.language, each.text, each.values)} for each in found.sentences
    ]
    return {field.name: getattr(found, field.name) for field in fields(found)} | {"sentences": looked_at}


@page(ONE + "/answers", "case.html", method="POST", again=case_of_partner, body=Words)
def say(visit: Visit, case: str) -> Done:
    """Answers in a case, for the staff to read; a closed one takes no answers."""
    assert visit.member is not None
    assert visit.partner is not None
    wish = visit.read(Words)
    with advised(wish, _ADVICE):
        after = answer_case(
            visit.portal.case_books,
            member=visit.member,
            partner=visit.partner.partner,
            case=case,
            text=wish.text,
            now=visit.now,
        )
    return Done(_stands(after), f"{PATH}/{case}?said=1#said", created=True)


@page(ONE + "/appeal", "case.html", method="POST", again=case_of_partner, body=Appeal)
def appeal(visit: Visit, case: str) -> Done:
    """An owner appeals, once and in time, against a verdict that took something back."""
    assert visit.member is not None
    assert visit.partner is not None
    wish = visit.read(Appeal)
    with advised(wish, _ADVICE):
        after = appeal_case(
            visit.portal.case_books,
            visit.portal.wake,
            member=visit.member,
            partner=visit.partner.partner,
            case=case,
            why=wish.why,
            now=visit.now,
        )
    return Done(_stands(after), f"{PATH}/{case}?appealed=1", created=True)


def _stands(case: Case) -> dict[str, Any]:
    """What a program is told of a step; nothing of the case itself, which it reads."""
    return {"case": case.case, "status": case.status}
