"""`/desk/cases`: which cases wait, the most money first. `…/{partner}`: those of one partner, and opening one by hand.
`…/{partner}/{case}`: the evidence, the money, what both sides said, and deciding. `…/policy`: the clocks.

Every member of staff may look; who decides, and who does not, is settled in the services.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import words
from advice import Advice, advised, refusal, typed
from filling import filled
from moments import moment_in_utc
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.case import Case, CasePolicy, ReasonCode
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, Malformed, NotFound
from introducer.services.answer_case import answer_case
from introducer.services.decide_case import decide_appeal, decide_case
from introducer.services.open_case import open_case_by_hand
from introducer.services.read_cases import read_case, read_cases_of_one, read_queue
from introducer.services.set_case_policy import read_case_policy, set_case_policy
from introducer.wording.mails.telling import WORDS as LETTERS

PATH = "/desk/cases"
POLICY, OF_PARTNER, ONE = PATH + "/policy", PATH + "/{partner}", PATH + "/{partner}/{case}"
OPEN, CLOSED = "open", "closed"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Client = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Clients = Annotated[list[Client], Field(max_length=500)]
Days = Annotated[int, Field(ge=0, le=9999)]

words.WORDS |= {
    "case_topic": LETTERS["case_topic"],
    "case_status": {
        "open": N_("Waits for a decision"),
        "escalated": N_("Waits for compliance"),
        "released": N_("Released"),
        "disallowed": N_("Disallowed"),
        "appealed": N_("Appealed"),
        "upheld": N_("Disallowed, after an appeal"),
        "overturned": N_("Released, after an appeal"),
    },
    "case_action": {
        "open_case": N_("Opened"),
        "join_case": N_("More was found"),
        "hold_money": N_("Held money"),
        "escalate_case": N_("Asked compliance"),
        "release_case": N_("Released"),
        "case_released": N_("Released, for nobody decided"),
        "disallow_case": N_("Disallowed"),
        "appeal_case": N_("Appealed"),
        "uphold_case": N_("Refused the appeal"),
        "overturn_case": N_("Granted the appeal"),
        "case_overturned": N_("Granted the appeal, for nobody decided"),
        "answer_case": N_("Answered"),
        "note_on_case": N_("Noted"),
        "free_money": N_("Gave money back"),
        "close_case": N_("Closed"),
    },
    "case_told": {
        "open": N_("We look at it"),
        "escalated": N_("We look at it"),
        "released": N_("All is well"),
        "disallowed": N_("Not paid"),
        "appealed": N_("We look at it again"),
        "upheld": N_("Not paid, after your appeal"),
        "overturned": N_("All is well, after your appeal"),
    },
    "case_state": {"open": N_("Not closed"), "closed": N_("Closed")},
    "cluster": {
        "prefix": N_("Network"),
        "address": N_("Network address"),
        "device": N_("Device"),
        "email": N_("E-mail address"),
        "phone": N_("Phone number"),
        "pattern": N_("Make of e-mail address"),
        "disposable": N_("Throw-away e-mail addresses"),
        "interval": N_("Regular interval"),
        "quick": N_("Registered within seconds of the click"),
        "late": N_("Registered long after the click"),
        "drawn": N_("Drew most of what they paid in"),
        "chargeback": N_("Deposits charged back"),
        "deposit": N_("Paid in just the smallest amount"),
        "trades": N_("Short trades without a price move"),
        "account": N_("Partners who are paid to one account"),
    },
    "case_series": {
        "conversion_jump": N_("Registrations for each click, by day"),
        "click_flooding": N_("Registrations for each click, by day"),
        "stuffing": N_("Loads by pages themselves, of all clicks, by day"),
    },
    "case_moment": {
        "click": N_("Click"),
        "registration": N_("Registration"),
        "deposit": N_("Deposit"),
        "withdrawal": N_("Withdrawal"),
        "chargeback": N_("Chargeback"),
        "trades": N_("Trades"),
        "profile": N_("Payment details"),
    },
    "case_actor": {
        "system:scoring": N_("Scoring, by itself"),
        "system:clock": N_("The clock"),
        "system:fraud_case": N_("By itself"),
    },
    "case_side": {"partner": N_("The partner"), "staff": N_("To the partner"), "note": N_("Note, for staff alone")},
}


class Verdict(BaseModel):
    """What is decided about the case as it was read. `clients` are those who earn nothing from now on, by their keyed
    hashes; `which=all` are all in question. `starts_at` is a moment in UTC; empty: from the beginning."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=9_999_999)]
    verdict: Literal["release", "disallow"]
    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    why: Why
    which: Literal["", "all", "ticked"] = ""
    clients: Clients = []
    starts_at: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""


class AppealVerdict(BaseModel):
    """What another person decides about the appeal."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=9_999_999)]
    verdict: Literal["uphold", "overturn"]
    why: Why


class Words(BaseModel):
    """What is said, to the partner or to colleagues."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class NewCase(BaseModel):
    """Why a case is opened, and about which clients (keyed hashes); none: all that is not paid out."""

    model_config = ConfigDict(extra="forbid")

    why: Why
    clients: Clients = []


class Policy(BaseModel):
    """The clocks of cases that are opened from now on."""

    model_config = ConfigDict(extra="forbid")

    decide_days: Days
    escalated_days: Days
    appeal_days: Days
    remind_hours: Days
    why: Why


_CLIENTS_NEEDED = N_("Tick the clients who are to earn nothing.")
_ADVICE: Advice = {
    "reason_needed": ("why", N_("Say why: the partner reads it, and it stays on record.")),
    "text_needed": ("text", N_("Write something first.")),
    "unknown_code": ("code", N_("Choose the reason for which they earn nothing.")),
    "clients_needed": ("clients", _CLIENTS_NEEDED),
    "unknown_clients": ("clients", N_("Some of these clients are not in question here: look at them again.")),
    "no_such_client": ("clients", N_("Some of these clients are not this partner's: look at them again.")),
    "invalid_starts_at": ("starts_at", N_("Say a moment that has come, in UTC, or leave it empty.")),
    "case_role": ("", N_("Managers, compliance and admins decide cases, compliance and admins appeals: ask one.")),
    "same_person": ("", N_("You decided this case: somebody else of compliance, or an admin, decides its appeal.")),
    "deadline_passed": ("", N_("The time to decide has passed: the clock decides for the partner.")),
    "too_many_clients": ("clients", N_("These are more clients than one case takes.")),
    "decided_already": ("", N_("This was decided meanwhile: look at it again below.")),
    "case_changed": ("", N_("The case changed since you looked at it: look at it again below, then decide.")),
    "books_changed": ("", N_("The partner's books changed at the same moment: try again.")),
    "not_appealed": ("", N_("There is no appeal to decide: look at it again below.")),
    "case_closed": ("", N_("This case is closed: nothing more is said in it.")),
    "too_many_answers": ("", N_("So much was said in this case already that no more is taken: decide it.")),
    "admin_only": ("", N_("An admin sets these clocks: ask one.")),
    "invalid_policy": ("", N_("One of these numbers is out of range: see what is written below the fields.")),
    "policy_changed": ("", N_("The clocks were changed meanwhile: look at them again below.")),
}


# ------------------------------------------------------------------------------------------------------------ the queue


@page(
    PATH,
    "desk_cases.html",
    who=Who.STAFF,
    columns=(
        ("case", lambda row: row.case),
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("status", lambda row: row.status),
        ("opened_at", lambda row: row.opened_at),
        ("due", lambda row: row.due),
        ("closed_at", lambda row: row.closed_at),
        ("held", lambda row: ", ".join(map(str, row.held))),
        ("value", lambda row: row.value),
        ("value_currency", lambda row: row.value and row.value.currency),
        ("stops_payouts", lambda row: str(row.stops_payouts).lower()),
        ("clients", lambda row: row.clients),
        ("whole", lambda row: str(row.whole).lower()),
        ("found_by", lambda row: row.topic),
        ("why", lambda row: row.why),
    ),
)
def desk_cases(visit: Visit) -> dict[str, Any]:
    """The brand's open cases, those that hold the most first, or its closed ones. `state` is `open` (not closed) or
    `closed`. `said` has for each of the items what was found in the reader's language, in their order; it is empty
    where `why` says it: for what a person wrote, and what was recorded without its figures."""
    assert visit.member is not None
    portal, brand = visit.portal, visit.member.brand
    state = visit.query("state", OPEN) or OPEN
    if state not in (OPEN, CLOSED):
        raise Malformed("state is open or closed.", code="bad_filter")
    subject = f"{state} cases of {brand}"
    found = read_queue(
        portal.configuration,
        portal.cases,
        portal.rates,
        brand=brand,
        closed=state == CLOSED,
        now=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(25),
    )
    said = {case: filled(visit.language, each.text, each.values) for case, each in found.sentences.items()}
    return {
        "state": state,
        "items": found.items,
        "said": [said.get(each.case, "") for each in found.items],
        "next": visit.next(subject, found.cursor),
    }


# ----------------------------------------------------------------------------------------------------------- the clocks


@page(POLICY, "desk_case_policy.html", who=Who.STAFF)
def case_policy(visit: Visit) -> dict[str, Any]:
    """The clocks of the brand's cases."""
    assert visit.member is not None
    found = read_case_policy(visit.portal.cases, brand=visit.member.brand)
    return asdict(found) | {"may_set": visit.member.role is Role.ADMIN}


@page(POLICY, "desk_case_policy.html", method="POST", who=Who.STAFF, again=case_policy, body=Policy)
def change_case_policy(visit: Visit) -> Done:
    """An admin sets the clocks of cases; what is open keeps its deadlines."""
    assert visit.member is not None
    wish = visit.read(Policy)
    with advised(wish, _ADVICE):
        made = set_case_policy(
            visit.portal.cases,
            member=visit.member,
            policy=CasePolicy(**wish.model_dump(exclude={"why"})),
            why=wish.why,
            now=visit.now,
        )
    return Done(asdict(made), f"{POLICY}?set=1")


# -------------------------------------------------------------------------------------------------------- one partner's


@page(OF_PARTNER, "desk_cases_of_partner.html", who=Who.STAFF)
def cases_of_one(visit: Visit, partner: str) -> dict[str, Any]:
    """All cases of one partner, the newest first, and its newest clients."""
    assert visit.member is not None
    portal = visit.portal
    found = read_cases_of_one(
        portal.configuration,
        portal.cases,
        portal.rates,
        portal.clients,
        portal.settlements,
        member=visit.member,
        partner=partner,
        now=visit.now,
    )
    return _shown(found)


@page(OF_PARTNER, "desk_cases_of_partner.html", method="POST", who=Who.STAFF, again=cases_of_one, body=NewCase)
def open_by_hand(visit: Visit, partner: str) -> Done:
    """Opens a case about a partner; where one is open, the clients join it."""
    assert visit.member is not None
    wish, portal = visit.read(NewCase), visit.portal
    try:
        case = open_case_by_hand(
            portal.case_books,
            portal.start_case,
            member=visit.member,
            partner=partner,
            clients=sorted(set(wish.clients)),
            why=wish.why,
            now=visit.now,
        )
    except (Invalid, Conflict, Forbidden, NotFound) as error:
        raise refusal(error, wish, _ADVICE) from error
    return Done(_stands(case), f"{PATH}/{partner}/{case.case}?opened=1", created=True)


# ------------------------------------------------------------------------------------------------------------- one case


@page(ONE, "desk_case.html", who=Who.STAFF)
def desk_case(visit: Visit, partner: str, case: str) -> dict[str, Any]:
    """One case, its evidence, the money now and after either verdict, and what was said."""
    assert visit.member is not None
    portal = visit.portal
    found = read_case(
        portal.configuration,
        portal.cases,
        portal.clients,
        portal.settlements,
        portal.ledger,
        member=visit.member,
        partner=partner,
        case=case,
        now=visit.now,
    )
    findings = [replace(each, sentence=filled(visit.language, each.sentence, each.values)) for each in found.findings]
    return _shown(found) | {"findings": findings, "codes": [each.value for each in ReasonCode]}


@page(ONE + "/decision", "desk_case.html", method="POST", who=Who.STAFF, again=desk_case, body=Verdict)
def decide(visit: Visit, partner: str, case: str) -> Done:
    """Managers, compliance and admins decide a case; its money goes free, or clients earn nothing."""
    assert visit.member is not None
    wish, portal = visit.read(Verdict), visit.portal
    disallow = wish.verdict == "disallow"
    if disallow and wish.which == "ticked" and not wish.clients:
        cause = Invalid("Say in clients who is to earn nothing.", code="clients_needed")
        raise FormRefused({"clients": _CLIENTS_NEEDED}, typed(wish), cause)
    clients = wish.clients if disallow and wish.which != "all" else []
    with advised(wish, _ADVICE):
        decided = decide_case(
            portal.case_books,
            portal.wake,
            member=visit.member,
            partner=partner,
            case=case,
            version=wish.version,
            disallow=disallow,
            code=wish.code if disallow else "",
            why=wish.why,
            clients=sorted(set(clients)),
            starts_at=_starts_at(wish) if disallow else None,
            now=visit.now,
        )
    return Done(_stands(decided), f"{PATH}/{partner}/{case}?decided={decided.status.value}")


@page(ONE + "/appeal", "desk_case.html", method="POST", who=Who.STAFF, again=desk_case, body=AppealVerdict)
def decide_on_appeal(visit: Visit, partner: str, case: str) -> Done:
    """Compliance or an admin decides an appeal; whoever made the first verdict may not."""
    assert visit.member is not None
    wish, portal = visit.read(AppealVerdict), visit.portal
    with advised(wish, _ADVICE):
        decided = decide_appeal(
            portal.case_books,
            portal.wake,
            member=visit.member,
            partner=partner,
            case=case,
            version=wish.version,
            uphold=wish.verdict == "uphold",
            why=wish.why,
            now=visit.now,
        )
    return Done(_stands(decided), f"{PATH}/{partner}/{case}?decided={decided.status.value}")


@page(ONE + "/answers", "desk_case.html", method="POST", who=Who.STAFF, again=desk_case, body=Words)
def answer(visit: Visit, partner: str, case: str) -> Done:
    """Answers in a case, for the partner to read."""
    return _says(visit, partner, case, note=False)


@page(ONE + "/notes", "desk_case.html", method="POST", who=Who.STAFF, again=desk_case, body=Words)
def note(visit: Visit, partner: str, case: str) -> Done:
    """Notes something in a case that staff alone read."""
    return _says(visit, partner, case, note=True)


def _says(visit: Visit, partner: str, case: str, *, note: bool) -> Done:
    assert visit.member is not None
    wish = visit.read(Words)
    with advised(wish, _ADVICE):
        after = answer_case(
            visit.portal.case_books,
            member=visit.member,
            partner=partner,
            case=case,
            text=wish.text,
            note=note,
            now=visit.now,
        )
    return Done(_stands(after), f"{PATH}/{partner}/{case}?said=1#said", created=True)


def _shown(found: Any) -> dict[str, Any]:
    return {field.name: getattr(found, field.name) for field in fields(found)}


def _stands(case: Case) -> dict[str, Any]:
    """What a program is told of a step."""
    return {"case": case.case, "partner": case.partner, "status": case.status, "version": case.version}


def _starts_at(wish: Verdict) -> datetime | None:
    """The moment; None for the beginning. Raises `FormRefused`."""
    if not wish.starts_at:
        return None
    try:
        return moment_in_utc(wish.starts_at)
    except ValueError as error:
        cause = Invalid("starts_at is a moment, such as 2026-04-02T09:30.", code="invalid_starts_at")
        raise FormRefused({"starts_at": _ADVICE["invalid_starts_at"][1]}, typed(wish), cause) from error
