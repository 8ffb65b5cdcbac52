"""`/payouts`: what a partner was paid, and why something was not. `/payouts/{payout}`: the story of one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import words
from server import page
from visit import N_, Visit

from introducer.services.read_payouts_of_partner import read_payout_of_partner, read_payouts_of_partner
from introducer.wording.mails.telling import WORDS as LETTERS

PATH = "/payouts"

words.WORDS |= {
    "payout_status": {
        "created": N_("Waits for approval"),
        "approved": N_("Approved"),
        "sending": N_("Being sent"),
        "sent": N_("On its way"),
        "paid": N_("Paid"),
        "rejected": N_("Taken out"),
        "set_aside": N_("Set aside"),
        "failed": N_("Failed"),
        "returned": N_("Came back"),
        "unknown": N_("Being looked into"),
    },
    "payout_step": {
        "created": N_("Reserved"),
        "approved": N_("Approved"),
        "sent": N_("Handed over"),
        "paid": N_("Paid"),
        "rejected": N_("Taken out of the run"),
        "set_aside": N_("Set aside before it was sent"),
        "failed": N_("Failed"),
        "returned": N_("Came back"),
        "unknown": N_("Nobody knows yet whether it was paid"),
    },
    "payout_account": {
        "house.payouts": N_("What partners are owed, less what they were paid"),
        "clearing": N_("Between two currencies"),
        "rail.sepa": N_("Out by bank transfer in euros"),
        "rail.paypal": N_("Out by PayPal"),
        "rail.manual": N_("Out by another bank"),
    },
    "payout_reason": {
        **LETTERS["payout_reason"],
        "profile_broken": N_("Its payment details cannot be opened: they have to be entered anew"),
        "details_changed": N_("The payment details were changed after it was reserved"),
        "on_hold": N_("Payouts are on hold"),
        "partner_not_active": N_("The account is closed for now"),
        "taken_out": N_("It was taken out of the run"),
        "run_rejected": N_("The run was not approved"),
        "run_lapsed": N_("Nobody decided the run in time"),
        "told_by_staff": N_("The broker's staff found it out"),
        "no_answer": N_("There was no answer when it was sent"),
        "key_expired": N_("There was no answer for too long"),
        "too_late": N_("It came when the run had gone on already"),
        "unpayable": N_("It could not be handed over"),
        "no_instructions": N_("The payment details do not say where to pay"),
        "invalid_receiver": N_("PayPal does not take this address"),
        "invalid_account": N_("Banks do not take this account"),
        "holder_unwritable": N_("The name of the account's holder cannot be written in Latin letters"),
        "not_whole": N_("PayPal pays this currency without decimals only"),
        "wrong_rail": N_("The payment details are for another way of being paid"),
        "unsupported_currency": N_("This way of paying does not have this currency"),
        "amount_too_large": N_("It is more than one transfer may carry"),
        "blocked": N_("PayPal has blocked it"),
    },
    "payout_under_way": {
        "unclaimed": N_("It waits to be claimed: a PayPal account under this address must be opened and confirmed"),
        "on_hold": N_("PayPal reviews it before it passes it on"),
        "blocked": N_("PayPal has blocked it: it is found out what becomes of it"),
    },
    "left_out": {
        "blocked": N_("Blocked"),
        "suspended": N_("Suspended"),
        "on_hold": N_("On hold"),
        "nothing_available": N_("Nothing available"),
        "negative_balance": N_("Negative balance"),
        "below_minimum": N_("Below the minimum"),
        "terms_not_accepted": N_("No accepted deal"),
        "not_verified": N_("Not verified"),
        "no_payment_profile": N_("No payment details"),
        "profile_changed_lately": N_("Payment details are new"),
        "currency_not_payable": N_("Currency cannot be paid"),
    },
    "left_out_told": {
        "blocked": N_("This account is closed for now: write to your manager."),
        "suspended": N_("This account is closed for now: write to your manager."),
        "on_hold": N_("Your payouts are on hold: your manager tells you why, and what ends it."),
        "negative_balance": N_("More was taken back than was earned: what you earn next is set off first."),
        "below_minimum": N_("It is less than the minimum. It stays yours, and the next run pays it with the rest."),
        "terms_not_accepted": N_("You have not accepted a deal yet: read it and accept it."),
        "not_verified": N_("Your documents are not approved: hand in what is missing, or wait for the answer."),
        "no_payment_profile": N_("You have not said where to pay you."),
        "profile_changed_lately": N_("Your payment details are new: they are used some days later, by the next run."),
        "currency_not_payable": N_("This currency cannot be paid the way you chose: choose another way or currency."),
    },
    "payout_told": {
        "created": N_("It waits for a second person of the broker's to approve it."),
        "approved": N_("It is approved, and is handed over next."),
        "sending": N_("It is being handed over."),
        "sent": N_("It is on its way. A bank transfer takes up to two working days, seldom longer."),
        "unknown": N_("We are finding out whether it arrived. You need do nothing."),
        "rejected": N_("It was not paid. The amount is available again, and the next run pays it."),
        "set_aside": N_("It was not paid. The amount is available again, and the next run pays it."),
        "failed": N_(
            "The amount is available again. Look whether your payment details are right: the next run pays it."
        ),
        "returned": N_(
            "The amount is available again. Look whether your payment details are right: the next run pays it."
        ),
    },
}


@page(
    PATH,
    "payouts.html",
    columns=(
        ("payout", lambda row: row.payout),
        ("created", lambda row: row.created_at),
        ("status", lambda row: row.status),
        ("since", lambda row: row.status_since),
        ("out_of", lambda row: row.amount),
        ("out_of_currency", lambda row: row.amount.currency),
        ("pays", lambda row: row.pays),
        ("pays_currency", lambda row: row.pays.currency),
        ("by", lambda row: row.rail),
        ("to", lambda row: row.masked),
        ("reason", lambda row: row.reason),
    ),
)
def payouts(visit: Visit) -> dict[str, Any]:
    """The partner's payouts, the newest first, what is to be paid next, and why something was not."""
    assert visit.partner is not None
    subject = f"payouts of {visit.partner.partner}"
    found = read_payouts_of_partner(
        visit.portal.ledger,
        visit.portal.payouts,
        visit.portal.payout_schedules,
        partner=visit.partner,
        now=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(25),
    )
    return {
        "balances": found.balances,
        "next_runs": found.next_runs,
        "not_paid": found.not_paid,
        "items": found.items,
        "next": visit.next(subject, found.cursor),
    }


@page(PATH + "/{payout}", "payout.html")
def payout(visit: Visit, payout: str) -> dict[str, Any]:
    """The story of one payout of the partner."""
    assert visit.partner is not None
    found = read_payout_of_partner(
        visit.portal.payouts, visit.portal.reservations, partner=visit.partner, payout=payout
    )
    return {field.name: getattr(found, field.name) for field in fields(found)}
