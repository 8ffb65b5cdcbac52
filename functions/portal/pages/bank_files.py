"""`/desk/runs/bank-file`: a bank's statement is handed in, and the report says what became of each entry in it.

The file is not kept, and nothing of it is shown but what the report has: it names accounts.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

import words
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Who, page
from visit import CSV, HTML, JSON, N_, FormRefused, Visit

from introducer.domain.errors import IntroducerError, Invalid, Malformed, TooLarge
from introducer.services.reconcile_bank_file import FileReport, reconcile_bank_file
from introducer.services.set_payout_schedule import check_decider
from pages.invoices import after_close
from pages.runs import RUNS, SECONDS

PATH = RUNS + "/bank-file"
MOST_BYTES = 4 * 2**20
"""Lambda takes 6 MB, and a file comes in base 64."""
MOST_SHOWN = 500
"""So many entries a page or a JSON answer has; CSV has all."""

words.WORDS |= {
    "says": {
        "paid": N_("Paid"),
        "returned": N_("Came back"),
        "pending": N_("Not booked yet"),
        "known": N_("Known already"),
        "others": N_("Nothing of ours"),
    },
    "unplaceable": {
        "unknown_payout": N_("No such payout: look whether the file is of this brand's account."),
        "several_payouts": N_("It names several payouts, and which one it is about cannot be told."),
        "batch_without_details": N_("A whole batch in one sum: hand in the camt.054 that lists its payouts."),
        "no_amount": N_("It says no amount that could be compared."),
        "currency_differs": N_("The currency is not that of the payout."),
        "amount_differs": N_("The amount is not that of the payout."),
        "other_rail": N_("This payout does not leave through a bank."),
        "not_sent": N_("The payout was not sent, or failed: ask the bank what this is."),
        "paid_again": N_("It was paid already by another booking: ask the bank whether it left twice."),
        "returned_again": N_("It came back already by another booking: ask the bank what this is."),
        "credit_without_return": N_("Money came in under its number, and the bank does not call it a return."),
    },
    "not_taken": {
        "no_time": N_("There was no time left for it: hand in the same file again."),
        "changed_meanwhile": N_("The payout was changed meanwhile: hand in the same file again."),
    },
}


class Handing(BaseModel):
    """Whether what the file says goes into the books, or is only looked at; and why, where it does."""

    model_config = ConfigDict(extra="forbid")

    do: Literal["look", "record"]
    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


_ADVICE = {
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "not_xml": ("file", N_("This file cannot be read as XML: download it from the bank again.")),
    "not_a_statement": ("file", N_("This is no statement of a bank: hand in a camt.053 or a camt.054.")),
    "too_large": ("file", N_("This file is too large: ask the bank for shorter periods.")),
}


@page(PATH, "bank_file.html", who=Who.STAFF)
def bank_file(visit: Visit) -> dict[str, Any]:
    """The form to hand in a bank's statement, for finance and admins, and how large a file may be."""
    assert visit.member is not None
    check_decider(visit.member)
    return {"report": None, "more": 0, "items": (), "next": None, "most_megabytes": MOST_BYTES // 2**20}


@page(
    PATH,
    "bank_file.html",
    method="POST",
    who=Who.STAFF,
    again=bank_file,
    most_bytes=MOST_BYTES,
    columns=(
        ("place", lambda row: row["place"]),
        ("result", lambda row: row["result"]),
        ("payout", lambda row: row["payout"]),
        ("end_to_end", lambda row: row["end_to_end"]),
        ("run", lambda row: row["run"]),
        ("name", lambda row: row["name"]),
        ("amount", lambda row: row["amount"]),
        ("currency", lambda row: row["amount"] and row["amount"].currency),
        ("booked_on", lambda row: row["booked_on"]),
        ("reference", lambda row: row["reference"]),
        ("before", lambda row: row["before"]),
        ("after", lambda row: row["after"]),
        ("detail", lambda row: row["detail"]),
    ),
    body=Handing,
)
def hand_in(visit: Visit) -> dict[str, Any]:
    """Reports what became of each entry of a bank's statement, and on request records it. Handing the same file in
    again takes no step twice. A program may send the file as the body, and `do` and `why` in the query."""
    assert visit.member is not None
    check_decider(visit.member)
    if visit.content_type == JSON:
        raise Malformed("Send a form with a file, or the XML itself.", code="unsupported_media_type")
    name, data = visit.file
    wish = _wish(visit)
    if not data:
        typed = {"why": wish.why}
        raise FormRefused({"file": N_("Choose a file.")}, typed, Invalid("Send a file.", code="file_missing"))
    began = visit.portal.elapsed()
    try:
        report = reconcile_bank_file(
            visit.portal.payouts,
            member=visit.member,
            data=data,
            name=name or "The file",
            why=wish.why,
            record=wish.do == "record",
            now=visit.now,
            enough=lambda: visit.portal.elapsed() - began > SECONDS,
        )
    except (Invalid, Malformed, TooLarge) as error:
        raise _refusal(error, wish) from error
    if report.recorded:
        after_close(visit, {each.payout for each in report.placed})
    return _answer(report, None if visit.wants((HTML, JSON, CSV)) == CSV else MOST_SHOWN)


def _wish(visit: Visit) -> Handing:
    if visit.fields:
        return visit.read(Handing)
    try:
        return Handing.model_validate({"do": visit.query("do", "look"), "why": visit.query("why")})
    except ValueError:
        raise Malformed("do is look or record; why has at most 500 characters.", code="bad_query") from None


def _answer(report: FileReport, most: int | None) -> dict[str, Any]:
    """The report, and its entries in one list: first what could not be placed."""
    rows = _rows(report)
    summary = {field.name: getattr(report, field.name) for field in fields(report)}
    del summary["placed"], summary["unplaced"]
    return {
        "report": summary,
        "items": rows[:most],
        "more": len(rows) - len(rows[:most]),
        "next": None,
        "most_megabytes": MOST_BYTES // 2**20,
    }


def _rows(report: FileReport) -> list[dict[str, Any]]:
    """First what could not be placed; `result` says what became of each."""
    same = ("place", "payout", "amount", "booked_on", "reference")
    unplaced = [
        {name: getattr(each, name) for name in same}
        | {
            "placed": False,
            "result": each.why,
            "run": "",
            "name": "",
            "before": "",
            "after": "",
            "detail": each.detail,
            "end_to_end": each.end_to_end,
        }
        for each in report.unplaced
    ]
    placed = [
        {name: getattr(each, name) for name in (*same, "run", "name", "before", "after")}
        | {"placed": True, "result": each.not_taken or each.says, "detail": "", "end_to_end": ""}
        for each in report.placed
    ]
    return unplaced + placed


def _refusal(error: IntroducerError, wish: Handing) -> IntroducerError | FormRefused:
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    return FormRefused({field: message}, {"why": wish.why}, error)
