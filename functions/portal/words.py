"""The portal's own words for codes: reasons, problems, marks; what others say too is in `introducer.wording`."""

from __future__ import annotations

from introducer.locale import Language
from introducer.wording import codes


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


WORDS: dict[str, dict[str, str]] = codes.WORDS | {
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
        "not_your_role": N_("This is for colleagues with another role: write to your admin if it should be yours."),
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
    return codes.word(language, group, code, WORDS)


def advice(language: Language, status: int, code: str) -> str:
    """What to do about a problem: by its code where there are words for it, else by its status."""
    if code in WORDS["problem"]:
        return word(language, "problem", code)
    return language.text(WORDS["problem_advice"].get(str(status), WORDS["problem_advice"]["400"]))
