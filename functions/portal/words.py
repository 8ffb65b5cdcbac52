"""The words for what the house records by code: kinds, stages, reasons, and the steps of a receipt's arithmetic."""

from __future__ import annotations

import re
from dataclasses import dataclass

from introducer.domain.events import from_milliseconds
from introducer.domain.ledger import Line
from introducer.locale import Language

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


WORDS: dict[str, dict[str, str]] = {
    "kind": {"earning": N_("Earning"), "clawback": N_("Clawback")},
    "rule": {
        "cpa": N_("CPA"),
        "cpl": N_("CPL"),
        "revshare": N_("Revenue share"),
        "lot": N_("Per lot"),
    },
    "partner_kind": {"affiliate": N_("Affiliate"), "ib": N_("Introducing broker")},
    "status": {
        "active": N_("Active"),
        "paused": N_("Paused"),
        "suspended": N_("Suspended"),
        "blocked": N_("Blocked"),
    },
    "stage": {
        "seen": N_("Not registered yet"),
        "registered": N_("Registered"),
        "verified": N_("Verified"),
        "deposited": N_("Deposited"),
        "traded": N_("Trading"),
    },
    "event": {
        "registration": N_("Registration"),
        "kyc": N_("Identity check"),
        "deposit": N_("Deposit"),
        "trade": N_("Trade"),
        "withdrawal": N_("Withdrawal"),
        "credit": N_("Credit"),
        "chargeback": N_("Chargeback"),
        "cancel": N_("Cancellation"),
    },
    "field": {
        "spread": N_("spread"),
        "commission": N_("commission"),
        "swap": N_("swap"),
        "pnl": N_("client's result"),
        "deposits": N_("deposits"),
        "withdrawals": N_("withdrawals"),
        "credits": N_("credits"),
        "chargebacks": N_("chargebacks"),
    },
    "mark": {"new": N_("New"), "gone": N_("Gone")},
    "theme": {"auto": N_("As the device"), "light": N_("Light"), "dark": N_("Dark")},
    "reason": {
        "engine_error": N_("The engine could not apply the event"),
        "unknown_type": N_("The type of the event is not known"),
        "rate_missing": N_("An exchange rate is missing"),
        "poison": N_("The event cannot be applied"),
    },
    "problem": {
        "unauthenticated": N_("Sign in to go on."),
        "csrf": N_("This form is of another session: load the page again and repeat."),
        "staff_only": N_("This page is for the broker's staff."),
        "owner_only": N_("Only the owner of this account accepts a deal: ask them to sign in and accept it."),
        "partners_only": N_("This page is for partners."),
        "partner_suspended": N_("This account is closed for now: write to your manager."),
        "partner_blocked": N_("This account is closed for now: write to your manager."),
        "no_such_page": N_("There is no such page. It may have moved, or the address has a slip in it."),
        "not_found": N_("There is no such thing here. It may have moved, or the address has a slip in it."),
        "bad_cursor": N_("This place in the list is no longer good: begin at the first page."),
        "campaign_paused": N_("This campaign is paused: choose another."),
        "in_progress": N_("This is still being done: look again in a moment."),
    },
    "problem_title": {
        "400": N_("This cannot be read"),
        "403": N_("This page is not for you"),
        "401": N_("Sign in"),
        "404": N_("Nothing is here"),
        "405": N_("This cannot be done here"),
        "406": N_("This page does not speak that"),
        "422": N_("This does not fit here"),
        "409": N_("This does not fit what is recorded"),
        "413": N_("This is too much at once"),
        "429": N_("That was too fast"),
        "503": N_("Not available just now"),
        "500": N_("Something went wrong on our side"),
    },
    "problem_advice": {
        "400": N_("Go back, load the page again and repeat."),
        "403": N_("If you should see it, write to your manager."),
        "404": N_("It may have moved, or the address has a slip in it."),
        "409": N_("Go back, load the page again and look what has changed."),
        "413": N_("Send less."),
        "429": N_("Wait a minute, then try again."),
        "503": N_("Try again in a minute. Nothing is lost."),
        "500": N_("It has been recorded. Try again in a minute."),
    },
}
"""By group, then by code."""


def word(language: Language, group: str, code: str) -> str:
    """The word for a code; the code itself, spaced, for one that is newer than these words."""
    message = WORDS[group].get(str(code))
    return language.text(message) if message else str(code).replace("_", " ")


def advice(language: Language, status: int, code: str) -> str:
    """What to do about a problem: by its code where there are words for it, else by its status."""
    if code in WORDS["problem"]:
        return word(language, "problem", code)
    return language.text(WORDS["problem_advice"].get(str(status), WORDS["problem_advice"]["400"]))


@dataclass(frozen=True, slots=True)
class Step:
    """A line of arithmetic: what was done, and what came out, as an exact amount (`money`) or as a text."""

    words: str
    outcome: str = ""
    money: str = ""


def step(language: Language, line: Line, currency: str) -> Step:
    """A receipt's line in words. A step that is newer than these words is shown by its code."""
    told = _TOLD.get(line.step)
    if told is None:
        return Step(line.step.replace("_", " "), line.result)
    kind, message = told
    first, second = (*line.values, "", "")[:2]
    if line.step == "deposited" and second in ("", "0"):
        message = _FIRST_DEPOSIT
    if line.step == "amount_for_country" and not first:
        message = _AMOUNT
    figure = language.exact(first) if _NUMBER.fullmatch(first) else ""
    words = language.text(message) % {
        "minimum": f"{figure} {currency}",
        "number": figure,
        "hours": second,
        "days": line.result,
        "country": language.country(first),
    }
    match kind:
        case "money":
            return Step(words, money=line.result)
        case "moment":
            return Step(words, language.moment(from_milliseconds(int(line.result))))
        case "day":
            return Step(words, language.day(line.result))
        case "country":
            return Step(words, language.country(line.result))
        case _:
            return Step(words)


_AMOUNT = N_("Amount")
_FIRST_DEPOSIT = N_("First deposit, at least %(minimum)s")
_TOLD: dict[str, tuple[str, str]] = {
    "registered": ("moment", N_("Registered")),
    "country": ("country", N_("Country is one the deal names")),
    "kyc": ("moment", N_("Identity confirmed")),
    "deposited": ("money", N_("Deposited within %(hours)s hours of the first deposit, at least %(minimum)s")),
    "reached_lots": ("day", N_("Traded %(number)s lots by")),
    "reached_trades": ("day", N_("Made %(number)s trades by")),
    "reached_net_revenue": ("day", N_("Brought net revenue of %(minimum)s by")),
    "within_days": ("", N_("All of it within %(days)s days of registration")),
    "qualified": ("moment", N_("Qualified")),
    "amount_for_country": ("money", N_("Amount for %(country)s")),
    "net_revenue": ("money", N_("Net revenue of the month")),
    "share": ("money", N_("Of it %(number)s %%")),
    "carried_in": ("money", N_("Loss carried over from earlier months")),
    "carried_out": ("money", N_("Below zero: carried into the next month")),
    "carry_capped": ("money", N_("Below zero: at most %(number)s average months are carried into the next month")),
    "loss_forgotten": ("money", N_("Below zero: counts as nothing, and is forgotten")),
    "lot_commission": ("money", N_("Lots × amount per lot")),
    "rounded": ("money", N_("Rounded once, a half to the even unit")),
    "no_longer_owed": ("money", N_("Nothing is owed for this any more")),
}
"""Each step of `domain.earnings`: what its result is, and how it is said."""
