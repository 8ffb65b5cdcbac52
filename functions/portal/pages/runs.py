"""`/desk/runs`: which payout runs there are, and starting one. `…/{run}`: one of them, decided. Its parts: whom it
leaves out, one payout, one batch.

Whoever may decide is settled in the services; a page shows the button to them alone, and the reason why not to the
others.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Column, Done, Go, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, Malformed, NotFound
from introducer.domain.payable import REASONS
from introducer.domain.payout import PayoutStatus
from introducer.domain.run_review import ALL, SHOWN
from introducer.services.confirm_run import confirm_batch, record_outcome
from introducer.services.decide_run import decide_run, reject_payout
from introducer.services.open_sent_file import open_sent_file
from introducer.services.read_run import (
    BatchToConfirm,
    read_batch,
    read_left_out,
    read_payout_of_run,
    read_run,
)
from introducer.services.read_runs_of_brand import ScheduleInList, read_runs_of_brand
from introducer.services.send_run import joined
from introducer.services.set_payout_schedule import DECIDERS
from introducer.services.start_run import start_again, start_run
from pages.invoices import after_close

RUNS = "/desk/runs"
ONE = RUNS + "/{run}"
SECONDS = 18
"""After so long no further payout is moved by one request: asking again goes on where it stopped."""
PAYOUT, BATCH = ONE + "/payouts/{payout}", ONE + "/batches/{batch}"

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Day = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)]

words.WORDS |= {
    "run_state": {
        "starting": N_("Is being started"),
        "open": N_("Is being made"),
        "waiting": N_("Waits for approval"),
        "approved": N_("Is being sent"),
        "confirming": N_("Waits to hear"),
        "rejected": N_("Rejected"),
        "lapsed": N_("Lapsed"),
        "closed": N_("Closed"),
        "stopped": N_("Stopped"),
    },
    "batch_status": {
        "open": N_("Being filled"),
        "sealed": N_("Being handed over"),
        "sent": N_("Handed over"),
        "done": N_("Done"),
        "failed": N_("Refused"),
        "unknown": N_("Being looked into"),
    },
    "batch_note": {
        "no_account": N_("There is no account to pay from: an operator puts one into the brand's secret."),
        "nothing_left_to_send": N_("Nothing in it was left to send"),
        "key_expired": N_("There was no answer for too long: look at the provider's list, then record each outcome."),
        "no_answer": N_("There was no answer: look at the provider's own list, then record each outcome."),
        "contradiction": N_(
            "What the provider says of a payout contradicts the books: compare its list with the payouts of this batch."
        ),
        "unpayable": N_("It could not be handed over"),
        "no_instructions": N_("The payment details do not say where to pay"),
        "invalid_receiver": N_("PayPal does not take this address"),
        "invalid_account": N_("Banks do not take this account"),
        "holder_unwritable": N_("The name of the account's holder cannot be written in Latin letters"),
        "not_whole": N_("PayPal pays this currency without decimals only"),
        "wrong_rail": N_("The payment details are for another way of being paid"),
        "unsupported_currency": N_("This way of paying does not have this currency"),
        "amount_too_large": N_("It is more than one transfer may carry"),
        "invalid_amount": N_("It could not be handed over"),
        "id_too_long": N_("It could not be handed over"),
        "invalid_file": N_("It could not be handed over"),
        "batch_size": N_("It could not be handed over"),
        "payout_twice": N_("It could not be handed over"),
        "insufficient_funds": N_("The account had too little money: fill it up. The next run pays it."),
        "validation_error": N_("PayPal does not take what it was sent: look at the details of the payouts below."),
    },
    "notice": {"new_payee": N_("Never paid before"), "new_details": N_("Bank details changed")},
    "shown": {"all": N_("All payouts"), "exceptions": N_("To look at"), "new_payee": N_("New payees"),
              "new_details": N_("Changed bank details")},
}  # fmt: skip


class Start(BaseModel):
    """Which run is started by hand, and why. Without days it is that of the period which ended last."""

    model_config = ConfigDict(extra="forbid")

    schedule: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    first: Day = ""
    through: Day = ""
    why: Why


class Decision(BaseModel):
    """What a second person says about the run as they read it."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=9_999_999)]
    verdict: Literal["approve", "reject"]
    why: Why


class Reason(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class Said(BaseModel):
    """What became of a payout, and how that is known."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["paid", "failed", "returned"]
    version: Annotated[int, Field(ge=0, le=9_999_999)] = 0
    """That of the payout as it was read; 0 for whatever it is."""
    why: Why


_SAY_WHY = N_("Say why, in 3 to 500 characters: it stays on record.")
_AGAIN = N_("This was changed meanwhile: look at it again below.")
_FINANCE = N_("Finance or an admin decides this: ask one of them.")
_ADVICE = {
    "reason_needed": ("why", _SAY_WHY),
    "finance_only": ("", _FINANCE),
    "same_person": ("", N_("You started this run: another person of finance, or an admin, decides it.")),
    "run_changed": ("", N_("The run changed since you looked at it: look at it again below, then decide.")),
    "details_changed": (
        "",
        N_("Bank details were changed since the run was made. Those payouts were taken out: look at it again below."),
    ),
    "deadline_passed": ("", N_("The deadline of this run has passed: it lapses, and the next run pays what is due.")),
    "decided_already": ("", N_("This was decided meanwhile: look at it again below.")),
    "not_waiting": ("", N_("This run does not wait for a decision: look at it again below.")),
    "wrong_status": ("", _AGAIN),
    "payout_changed": ("", _AGAIN),
    "books_changed": ("", _AGAIN),
    "provider_tells": ("", N_("The provider itself says what becomes of this: wait for it.")),
    "still_trying": ("", N_("It is still being found out whether this payout left: wait for it.")),
    "bad_range": ("through", N_("Choose a first and a last day, the last on or after the first, within a year.")),
    "range_not_ended": ("through", N_("These days are not over yet: a run pays for days that have ended.")),
    "schedule_paused": ("schedule", N_("This schedule is paused: take it up again first.")),
    "run_closed": ("", N_("This run is closed: there is nothing left to do in it.")),
    "run_not_stopped": ("", N_("This run has not stopped: it goes on by itself.")),
    "failed_too_often": ("", N_("This run stopped too often: see in AWS Step Functions why.")),
}

_PAYOUTS: tuple[Column, ...] = (
    ("payout", lambda row: row.payout),
    ("partner", lambda row: row.partner),
    ("name", lambda row: row.name),
    ("status", lambda row: row.status),
    ("since", lambda row: row.status_since),
    ("out_of", lambda row: row.amount),
    ("out_of_currency", lambda row: row.amount.currency),
    ("pays", lambda row: row.pays),
    ("pays_currency", lambda row: row.pays.currency),
    ("by", lambda row: row.rail),
    ("to", lambda row: row.masked),
    ("notice", lambda row: row.notice),
    ("reason", lambda row: row.reason),
    ("note", lambda row: row.note),
    ("batch", lambda row: row.batch),
    ("reference", lambda row: row.reference),
)


# ---------------------------------------------------------------------------------------------------------- all of them


@page(
    RUNS,
    "runs.html",
    who=Who.STAFF,
    columns=(
        ("run", lambda row: row.run),
        ("schedule", lambda row: row.schedule),
        ("first", lambda row: row.first),
        ("through", lambda row: row.through),
        ("state", lambda row: row.state),
        ("payouts", lambda row: row.payouts),
        ("pays", lambda row: ", ".join(map(str, row.pays))),
        ("left_out", lambda row: row.left_out),
        ("started_at", lambda row: row.started_at),
        ("started_by", lambda row: row.started_by),
        ("deadline", lambda row: row.deadline),
    ),
)
def runs(visit: Visit) -> dict[str, Any]:
    """The brand's payout runs, those that wait first, then the newest, and its schedules."""
    assert visit.member is not None
    portal = visit.portal
    subject = f"runs of {visit.member.brand}"
    found = read_runs_of_brand(
        portal.configuration,
        portal.payouts,
        portal.payout_schedules,
        lambda: portal.runs,
        brand=visit.member.brand,
        now=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(25),
    )
    return {
        "acts": visit.member.role in DECIDERS,
        "schedules": [_schedule(each) for each in found.schedules],
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


def _schedule(row: ScheduleInList) -> dict[str, Any]:
    terms = {field.name: getattr(row.schedule, field.name) for field in fields(row.schedule)}
    told = {field.name: getattr(row, field.name) for field in fields(row)}
    return told | {"schedule": terms | {"minimums": row.schedule.least()}}


@page(RUNS, "runs.html", method="POST", who=Who.STAFF, again=runs, body=Start)
def start(visit: Visit) -> Done:
    """Finance or an admin starts a payout run. Starting what runs or has run already leads to it."""
    assert visit.member is not None
    wish = visit.read(Start)
    try:
        started = start_run(
            visit.portal.payout_schedules,
            visit.portal.runs,
            member=visit.member,
            schedule=wish.schedule,
            first=wish.first,
            through=wish.through,
            why=wish.why,
            now=visit.now,
        )
    except NotFound as error:
        typed = {name: str(value) for name, value in wish.model_dump().items()}
        raise FormRefused(
            {"schedule": N_("There is no such payout schedule: choose another.")}, typed, error
        ) from error
    except (Invalid, Conflict, Forbidden) as error:
        raise _refusal(error, wish) from error
    data = {
        "run": started.run,
        "first": started.period.first.isoformat(),
        "through": started.period.through.isoformat(),
        "execution": started.execution.name,
        "status": started.execution.status,
    }
    return Done(data, f"{RUNS}/{started.run}", created=started.execution.is_running)


# -------------------------------------------------------------------------------------------------------------- one run


@page(ONE, "run.html", who=Who.STAFF, columns=_PAYOUTS)
def run(visit: Visit, run: str) -> dict[str, Any]:
    """One payout run, what in it is out of the ordinary, how far it is, and its payouts. `show` narrows the list of
    payouts."""
    assert visit.member is not None
    portal = visit.portal
    show = visit.query("show", ALL) or ALL
    if show not in SHOWN:
        raise Malformed(f"show is one of {', '.join(SHOWN)}.", code="bad_filter")
    subject = f"payouts of {visit.member.brand} {run}, {show}"
    found = read_run(
        portal.configuration,
        portal.payouts,
        lambda: portal.runs,
        member=visit.member,
        run=run,
        show=show,
        after=visit.position(subject),
        limit=visit.limit(),
    )
    data = {field.name: getattr(found, field.name) for field in fields(found) if field.name != "cursor"}
    return data | {"show": show, "next": visit.next(subject, found.cursor)}


@page(ONE + "/decision", "run.html", method="POST", who=Who.STAFF, again=run, body=Decision)
def decide(visit: Visit, run: str) -> Done:
    """Finance or an admin approves or rejects a run as it was read; whoever started it may not."""
    assert visit.member is not None
    wish = visit.read(Decision)
    portal = visit.portal
    try:
        decided = decide_run(
            portal.payouts,
            portal.payment_profiles,
            portal.wake,
            member=visit.member,
            run=run,
            version=wish.version,
            approve=wish.verdict == "approve",
            why=wish.why,
            now=visit.now,
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise _refusal(error, wish) from error
    data = {"run": run, "status": decided.status, "decided_at": decided.decided_at, "version": decided.version}
    return Done(data, f"{RUNS}/{run}?decided={decided.status.value}")


@page(ONE + "/again", "run.html", method="POST", who=Who.STAFF, again=run, body=Reason)
def again(visit: Visit, run: str) -> Done:
    """Starts a run again that stopped, whichever periods have ended since."""
    assert visit.member is not None
    wish = visit.read(Reason)
    try:
        started = start_again(
            visit.portal.payouts, visit.portal.runs, member=visit.member, run=run, why=wish.why, now=visit.now
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise _refusal(error, wish) from error
    data = {"run": started.run, "execution": started.execution.name, "status": started.execution.status}
    return Done(data, f"{RUNS}/{run}?again=1", created=True)


@page(
    ONE + "/left-out",
    "run_left_out.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("reason", lambda row: row.reason),
        ("available", lambda row: row.amount),
        ("currency", lambda row: row.amount and row.amount.currency),
    ),
)
def left_out(visit: Visit, run: str) -> dict[str, Any]:
    """Whom a run does not pay, and why. `reason` narrows it."""
    assert visit.member is not None
    reason = visit.query("reason")
    if reason and reason not in REASONS:
        raise Malformed(f"reason is one of {', '.join(REASONS)}.", code="bad_filter")
    subject = f"left out of {visit.member.brand} {run}, {reason}"
    found = read_left_out(
        visit.portal.payouts,
        brand=visit.member.brand,
        run=run,
        reason=reason,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    counts = visit.portal.payouts.run(visit.member.brand, run).left_out
    return {
        "run": run,
        "reason": reason,
        "counts": dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))),
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


# ----------------------------------------------------------------------------------------------------------- one payout


@page(PAYOUT, "run_payout.html", who=Who.STAFF)
def payout_of_run(visit: Visit, run: str, payout: str) -> dict[str, Any]:
    """One payout of a run, its story, and what each outcome would do."""
    assert visit.member is not None
    found = read_payout_of_run(
        visit.portal.payouts,
        visit.portal.reservations,
        visit.portal.ledger,
        member=visit.member,
        run=run,
        payout=payout,
        now=visit.now,
    )
    return {field.name: getattr(found, field.name) for field in fields(found)}


@page(PAYOUT + "/removal", "run_payout.html", method="POST", who=Who.STAFF, again=payout_of_run, body=Reason)
def take_out(visit: Visit, run: str, payout: str) -> Done:
    """Takes one payout out of a run that waits; its money is available for the next run."""
    assert visit.member is not None
    wish = visit.read(Reason)
    try:
        after = reject_payout(
            visit.portal.payouts, member=visit.member, run=run, payout=payout, why=wish.why, now=visit.now
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise _refusal(error, wish) from error
    return Done({"payout": payout, "status": after.status, "reason": after.reason}, f"{RUNS}/{run}?taken_out={payout}")


@page(PAYOUT + "/outcome", "run_payout.html", method="POST", who=Who.STAFF, again=payout_of_run, body=Said)
def record(visit: Visit, run: str, payout: str) -> Done:
    """Finance or an admin says what became of a payout, paid, failed or returned."""
    assert visit.member is not None
    wish = visit.read(Said)
    try:
        after = record_outcome(
            visit.portal.payouts,
            member=visit.member,
            run=run,
            payout=payout,
            outcome=PayoutStatus(wish.outcome),
            why=wish.why,
            now=visit.now,
            version=wish.version,
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise _refusal(error, wish) from error
    after_close(visit, [payout])
    where = f"{RUNS}/{run}/payouts/{payout}"
    return Done({"payout": payout, "status": after.status, "since": after.status_since}, where)


# ------------------------------------------------------------------------------------------------------------ one batch


@page(BATCH, "run_batch.html", who=Who.STAFF, columns=_PAYOUTS)
def batch(visit: Visit, run: str, batch: str) -> dict[str, Any]:
    """A batch of a run and all of its payouts: a rail takes a few hundred at once."""
    assert visit.member is not None
    return _batch(read_batch(visit.portal.payouts, member=visit.member, run=run, batch=batch))


@page(BATCH + "/file", who=Who.STAFF)
def download(visit: Visit, run: str, batch: str) -> Go:
    """Leads to the file of a batch that was handed over, for a minute. That somebody looked is on record."""
    assert visit.member is not None
    portal = visit.portal
    # Whoever may not, and a batch without a file, are told so before the bucket is asked for.
    link = open_sent_file(
        portal.payouts, lambda: portal.sent_files, member=visit.member, run=run, batch=batch, now=visit.now
    )
    return Go(link)


@page(BATCH + "/confirmation", "run_batch.html", method="POST", who=Who.STAFF, again=batch, body=Reason)
def confirm(visit: Visit, run: str, batch: str) -> Done:
    """Finance or an admin says that a batch was paid by hand."""
    assert visit.member is not None
    wish, portal = visit.read(Reason), visit.portal
    began = portal.elapsed()
    try:
        count = confirm_batch(
            portal.payouts,
            member=visit.member,
            run=run,
            batch=batch,
            why=wish.why,
            now=visit.now,
            enough=lambda: portal.elapsed() - began > SECONDS,
        )
    except (Invalid, Conflict, Forbidden) as error:
        raise _refusal(error, wish) from error
    if portal.payouts.run(visit.member.brand, run).closed_at is not None:
        told = portal.payouts.batch(visit.member.brand, run, batch)
        after_close(visit, [each.payout for each in joined(portal.payouts, told)])
    return Done({"batch": batch, "paid": count}, f"{RUNS}/{run}/batches/{batch}?paid={count}")


def _batch(found: BatchToConfirm) -> dict[str, Any]:
    data = {field.name: getattr(found, field.name) for field in fields(found)}
    return data | {"next": None}


def _refusal(error: IntroducerError, wish: BaseModel) -> IntroducerError | FormRefused:
    """The form again, with what to do beside the field it is about; the error itself where no page says more."""
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    return FormRefused({field: message}, {name: str(value) for name, value in wish.model_dump().items()}, error)
