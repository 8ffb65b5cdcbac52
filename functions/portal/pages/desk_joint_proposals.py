"""`/desk/deals/joint`: the same terms for several partners: written by one person, let out by a second one. `…/new` is
the form, `…/check` shows what the terms would be to each and keeps nothing, `…/{proposal}` is one of them.
"""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any

import terms_form as forms
import words
from names_typed import take_countries
from partners_asked import those_meant
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from terms_editor import (
    Draft,
    another_form,
    as_form,
    begins_of,
    editor,
    examples,
    first_terms,
    refused_terms,
    terms_of,
    typed_of,
    written,
)
from visit import N_, FormRefused, Visit

from introducer.domain.describe import describe
from introducer.domain.errors import Conflict, Forbidden, Invalid, Malformed
from introducer.domain.joint_proposal import MOST_PARTNERS, WRITERS, JointProposal, JointStatus
from introducer.domain.terms import parse_terms
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.services.propose_jointly import (
    decide_joint_proposal,
    preview_joint_proposal,
    standings_of,
    write_joint_proposal,
)
from introducer.wording.sentences import say

PATH = "/desk/deals/joint"
ONE = PATH + "/{proposal}"
TEMPLATE = "desk_joint_proposal.html"

words.WORDS["joint_status"] = {
    "waiting": N_("Waits for a second person"),
    "approved": N_("Proposed"),
    "refused": N_("Not proposed"),
}
words.WORDS["joint_place"] = {
    "would": N_("Can be proposed"),
    "waits": N_("Waits for an answer"),
    "accepted": N_("Accepted"),
    "refused": N_("Cannot be proposed"),
}

Number = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Joint(Draft):
    """Terms for several partners."""

    partners: Annotated[list[Number], Field(max_length=1_000, default_factory=list)]


class Decision(BaseModel):
    """Whether the terms go out, and why."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


_ADVICE = {
    "reason_needed": ("reason", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "nobody_chosen": ("", N_("Choose at least one partner in the list.")),
    "too_many_partners": ("", N_("At most 50 partners get the same terms at once.")),
    "nobody_fits": ("", N_("These terms can be proposed to none of these partners: see below why.")),
    "same_person": ("", N_("You wrote these terms: another person approves them.")),
    "decided_already": ("", N_("It was decided already: look at it again.")),
}


@page(
    PATH,
    "desk_joint_proposals.html",
    who=Who.STAFF,
    columns=(
        ("proposal", lambda row: row["proposal"]),
        ("status", lambda row: row["status"]),
        ("partners", lambda row: row["partners"]),
        ("reason", lambda row: row["reason"]),
        ("proposed_by", lambda row: row["proposed_by"]),
        ("proposed_at", lambda row: row["proposed_at"]),
    ),
)
def joint_proposals(visit: Visit) -> dict[str, Any]:
    """Proposals of the same terms to several partners, the newest first. `status` is `waiting` (by default), `approved`
    or `refused`."""
    assert visit.member is not None
    try:
        status = JointStatus(visit.query("status") or JointStatus.WAITING)
    except ValueError:
        raise Malformed(f"status is one of {', '.join(JointStatus)}.", code="bad_query") from None
    subject = f"joint proposals of {visit.member.brand} {status}"
    found = visit.portal.joint_proposals.of_brand(visit.member.brand, status, visit.position(subject), visit.limit(25))
    names = Names(visit.portal.configuration)
    return {
        "status": status,
        "statuses": list(JointStatus),
        "items": [_line(each, names) for each in found.items],
        "next": visit.next(subject, found.cursor),
    }


@page(PATH + "/new", TEMPLATE, who=Who.STAFF)
def new_joint(visit: Visit) -> dict[str, Any]:
    """The form to propose the same terms to several partners. They are each `partner` that is named, or with `all`
    those that the list's filters have."""
    _admit(visit)
    if visit.refused:
        return _form(visit, _sent(visit))
    meant, _, later, following = those_meant(visit, PATH + "/new", MOST_PARTNERS)
    return _form(visit, meant) | {"later": later, "next": following}


@page(PATH + "/check", TEMPLATE, method="POST", who=Who.STAFF, again=new_joint, body=Joint)
def check_joint(visit: Visit) -> dict[str, Any]:
    """What the same terms would be to each of several partners, in words; nothing is kept."""
    assert visit.member is not None
    _admit(visit)
    take_countries(visit)
    if another := another_form(visit):
        return _form(visit, _sent(visit)) | another
    draft = visit.read(Joint)
    terms = terms_of(visit, draft)
    if draft.do == forms.AS_FORM:
        return _form(visit, draft.partners) | as_form(visit, draft, terms)
    try:
        found = preview_joint_proposal(
            visit.portal.configuration, member=visit.member, partners=draft.partners, terms=terms,
            begins=begins_of(draft), at=visit.now,
        )  # fmt: skip
    except Invalid as error:
        raise _refused(visit, error, draft) from error
    return (
        _form(visit, [])
        | {
            "chosen": [{"partner": each.partner, "name": each.name} for each in found],
            "typed": typed_of(draft),
            "standings": found,
            "clauses": _words(visit, json.dumps(terms)),
        }
        | editor(visit, terms)
    )


@page(PATH, TEMPLATE, method="POST", who=Who.STAFF, again=new_joint, body=Joint)
def write_joint(visit: Visit) -> Done:
    """Managers and admins write the same terms for several partners; a second one lets them out."""
    assert visit.member is not None
    _admit(visit)
    take_countries(visit)
    draft = visit.read(Joint)
    terms = terms_of(visit, draft)
    key = visit.idempotency_key
    try:
        made = write_joint_proposal(
            visit.portal.configuration, visit.portal.joint_proposals, member=visit.member, partners=draft.partners,
            terms=terms, begins=begins_of(draft), why=draft.reason, clock=visit.portal.now, random=secrets.token_bytes,
            request=f"{visit.member.member} {key}" if key else None,
        )  # fmt: skip
    except Invalid as error:
        raise _refused(visit, error, draft) from error
    return Done(_line(made, Names(visit.portal.configuration)), f"{PATH}/{made.proposal}", created=True)


@page(ONE, TEMPLATE, who=Who.STAFF)
def joint_proposal(visit: Visit, proposal: str) -> dict[str, Any]:
    """One joint proposal, its words, and where each partner stands with it."""
    assert visit.member is not None
    member, configuration = visit.member, visit.portal.configuration
    found = visit.portal.joint_proposals.proposal(member.brand, proposal)
    names = Names(configuration)
    may = member.role in WRITERS
    return _line(found, names) | {
        "terms": json.loads(found.terms),
        "begins": found.begins,
        "clauses": _words(visit, found.terms),
        "standings": standings_of(configuration, found, member=member, at=visit.now),
        "decided_by": names.of(found.decided_by),
        "decided_at": found.decided_at,
        "word": found.word,
        "may_decide": may and found.status is JointStatus.WAITING,
        "may_approve": may and found.status is not JointStatus.REFUSED and found.proposed_by != member.member,
    }


@page(ONE, TEMPLATE, method="POST", who=Who.STAFF, again=joint_proposal, body=Decision)
def decide_joint(visit: Visit, proposal: str) -> Done:
    """Approves a joint proposal, which another person than its writer does, or refuses it. Approving proposes to each
    partner; doing so again goes on with who is left."""
    assert visit.member is not None
    wish = visit.read(Decision)
    try:
        after, found = decide_joint_proposal(
            visit.portal.configuration, visit.portal.joint_proposals, member=visit.member, proposal=proposal,
            approve=wish.approve, why=wish.reason, clock=visit.portal.now,
        )  # fmt: skip
    except (Invalid, Conflict, Forbidden) as error:
        if error.code not in _ADVICE:
            raise
        field, message = _ADVICE[error.code]
        raise FormRefused({field: message}, {"reason": wish.reason}, error) from error
    line = _line(after, Names(visit.portal.configuration))
    return Done(line | {"standings": found}, f"{PATH}/{after.proposal}")


def _admit(visit: Visit) -> None:
    assert visit.member is not None
    if visit.member.role not in WRITERS:
        raise Forbidden("Managers and admins propose deals.", code="not_your_role")


def _sent(visit: Visit) -> list[str]:
    """The partners that a form names."""
    sent = visit.fields.get("partners")
    return [str(each) for each in sent] if isinstance(sent, list) else []


def _form(visit: Visit, partners: list[str]) -> dict[str, Any]:
    assert visit.member is not None
    if len(partners) > MOST_PARTNERS:
        raise Malformed(f"At most {MOST_PARTNERS} partners get the same terms at once.", code="too_many_partners")
    found = [partner_of_brand(visit.portal.configuration, visit.member, each) for each in partners]
    terms = first_terms(found[0].currency if found else "EUR")
    return {
        "proposal": "",
        "chosen": [{"partner": each.partner, "name": each.name} for each in found],
        "typed": {"terms": written(terms), "begins": "", "reason": ""},
        "examples": examples(visit),
        "later": 0,
        "next": None,
        "standings": None,
        "clauses": [],
    } | editor(visit, terms)


def _line(each: JointProposal, names: Names) -> dict[str, Any]:
    return {
        "proposal": each.proposal,
        "status": each.status,
        "partners": len(each.partners),
        "reason": each.reason,
        "proposed_by": names.of(each.proposed_by),
        "proposed_at": each.proposed_at,
    }


def _words(visit: Visit, terms: str) -> list[dict[str, Any]]:
    return [
        {"kind": clause.kind, "says": [say(visit.language, sentence) for sentence in clause.sentences]}
        for clause in describe(parse_terms(json.loads(terms)))
    ]


def _refused(visit: Visit, error: Invalid, draft: Joint) -> FormRefused:
    if error.code in _ADVICE:
        field, message = _ADVICE[error.code]
        return FormRefused({field: message}, typed_of(draft), error)
    return refused_terms(visit, error, draft)
