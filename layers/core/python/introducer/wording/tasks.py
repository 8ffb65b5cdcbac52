"""Tasks in words: why somebody is asked, the figure that says so, and what could be written to the partner.

The first two are for staff, in the reader's language; a proposed message is in the partner's. It is a proposal: nothing
is sent by it, and whoever sends it changes it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from introducer.domain.describe import Day, Number
from introducer.domain.money import Money
from introducer.domain.task import Task
from introducer.domain.trigger import PROGRESS, Trigger, told
from introducer.locale import CODES, DEFAULT, Language, language
from introducer.wording.codes import word
from introducer.wording.sentences import Part, Said, Text, fill


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


class _Words(NamedTuple):
    """What is said of one trigger."""

    why: str
    figure: str
    """The one that says the most, short."""
    subject: str
    """To the partner, as the message is."""
    message: str


_WORDS: Mapping[Trigger, _Words] = {
    Trigger.PAYOUT_FAILED: _Words(
        N_("The money failed to go out, or came back: the partner waits for it."),
        N_("%(amount)s"),
        N_("About your payout"),
        N_(
            "Your payout of %(amount)s did not arrive. The money is back on your balance. Please check your payment"
            " details in the portal: once they are right, the next run pays it. Tell me if I can help."
        ),
    ),
    Trigger.CASE_OPENED: _Words(
        N_("A case was opened about this partner's clients. Until it is decided, money is held."),
        N_("%(amount)s held"),
        N_("About some of your clients"),
        N_(
            "We are looking at some of your clients, and hold what was earned with them until that is decided. If you"
            " know why they look unusual, please answer in the portal: it often settles the question at once."
        ),
    ),
    Trigger.DOCUMENTS_WAIT: _Words(
        N_("The partner's documents wait for compliance: it cannot be paid before that."),
        N_("%(days)s days"),
        N_("About your documents"),
        N_("Thank you for your documents. We are checking them, and I will tell you as soon as that is done."),
    ),
    Trigger.FTD_FELL: _Words(
        N_("First deposits fell: %(ftd_7)s in the last seven days, %(mean)s a week in the four weeks before."),
        N_("%(fell)s%% first deposits"),
        N_("About last week"),
        N_(
            "Last week brought fewer first deposits than usual: %(ftd_7)s, after %(mean)s a week before. Has something"
            " changed on your side, a campaign or a page? If something of ours stands in the way, tell me."
        ),
    ),
    Trigger.NEAR_CAP: _Words(
        N_("Close to the cap of the month: %(done)s of %(needed)s clients. Beyond it the partner earns nothing more."),
        N_("%(done)s of %(needed)s"),
        N_("About this month's limit"),
        N_(
            "You are close to this month's limit of your deal: %(done)s of %(needed)s clients. Shall we talk about a"
            " higher one before you reach it?"
        ),
    ),
    Trigger.NEAR_TIER: _Words(
        N_("Close to the next tier: %(missing)s more %(what)s, with %(done)s of %(needed)s reached."),
        N_("%(done)s of %(needed)s"),
        N_("Your next tier is close"),
        N_(
            "You are close to the next tier of your deal: %(done)s of %(needed)s (%(what)s) this month, %(missing)s to"
            " go. Can I help you with the rest, with a landing page or a creative?"
        ),
    ),
    Trigger.NEAR_GOAL: _Words(
        N_("Close to its goal of %(amount)s: %(missing)s more %(what)s until %(last)s."),
        N_("%(done)s of %(needed)s"),
        N_("Your goal is close"),
        N_(
            "Your goal of %(amount)s is close: %(done)s of %(needed)s (%(what)s), until %(last)s. Only %(missing)s to"
            " go. Can I help you with the rest?"
        ),
    ),
    Trigger.DORMANT: _Words(
        N_("Nothing came from this partner for %(days)s days: no click, no client."),
        N_("%(days)s days"),
        N_("How are you doing?"),
        N_(
            "We have not seen a visit from you for %(days)s days. Is everything all right? If you need something from"
            " us, new pages or other terms, tell me what it is."
        ),
    ),
    Trigger.FIRST_FTD: _Words(
        N_("The partner's first client made a first deposit. A word now is remembered."),
        N_("%(ftd_7)s this week"),
        N_("Your first client"),
        N_(
            "Congratulations: your first client has made a deposit! You find it in the portal, and from now on what you"
            " earn with it. If you have questions about how it counts, ask me."
        ),
    ),
    Trigger.CONTEST_WON: _Words(
        N_("The partner won a prize in %(contest)s, on place %(place)s."),
        N_("place %(place)s"),
        N_("Congratulations"),
        N_("Congratulations on place %(place)s in %(contest)s! I hope to see you in the next one."),
    ),
    Trigger.APPLICATION_WAITS: _Words(
        N_("Somebody from %(country)s wants to be a partner. Most begin with whoever answers first."),
        N_("%(country)s"),
        N_("About your application"),
        N_("Thank you for your application. We are reading it, and I will answer soon."),
    ),
}

_WITHOUT_AMOUNT: Mapping[Trigger, str] = {Trigger.CASE_OPENED: N_("Nothing is held yet")}
"""The figure of a task that has no amount."""
_GREETING = N_("Hello %(name)s,")
_CLOSING = N_("Kind regards")


def why(reader: Language, task: Task) -> Said:
    """Why somebody is asked, in a sentence."""
    return fill(reader, _WORDS[task.trigger].why, _values(reader, task))


def figure(reader: Language, task: Task) -> Said:
    """The figure that says the most."""
    values = _values(reader, task)
    message = _WORDS[task.trigger].figure
    if task.trigger in _WITHOUT_AMOUNT and "amount_minor" not in task.evidence:
        message = _WITHOUT_AMOUNT[task.trigger]
    return fill(reader, message, values)


def proposed_message(task: Task, *, signed: str) -> str:
    """What could be written to the partner, in its language; `signed` is the manager's name, or empty."""
    spoken = _spoken(task)
    body = str(fill(spoken, _WORDS[task.trigger].message, _values(spoken, task)))
    greeting = spoken.text(_GREETING) % {"name": task.name}
    closing = spoken.text(_CLOSING)
    return "\n\n".join([greeting, body, f"{closing}\n{signed}" if signed else closing])


def proposed_subject(task: Task) -> str:
    """What it could be about, in the partner's language."""
    return _spoken(task).text(_WORDS[task.trigger].subject)


def _spoken(task: Task) -> Language:
    return language(task.language if task.language in CODES else DEFAULT)


def _values(reader: Language, task: Task) -> Mapping[str, Part]:
    """What may stand in the places of a trigger's words. A figure that the evidence lacks is a dash."""
    said, blank = told(task.evidence), Text("\N{EN DASH}")
    by = str(said.get("by", ""))
    values: dict[str, Part] = {
        name: _figure(said, key)
        for name, key in (("days", "days"), ("ftd_7", "ftd_7"), ("fell", "fell_percent"), ("place", "place"))
    }
    if "dormant_days" in said:
        values["days"] = _figure(said, "dormant_days")
    if "fell_percent" in said:
        values["fell"] = Number(f"-{said['fell_percent']}")
    if "ftd_prev_28" in said:
        values["mean"] = Number(_quarter(int(task.evidence["ftd_prev_28"])))
    for name in (*PROGRESS, "amount"):
        values[name] = _figure(said, name)
    values["what"] = Text(word(reader, "activity", by)) if by else blank
    values["last"] = Day(str(said["last"])) if "last" in said else blank
    values["country"] = Text(reader.country(str(said["country"]))) if "country" in said else blank
    values["contest"] = Text(str(said["name"])) if "name" in said else blank
    return {"mean": blank} | values


def _figure(said: Mapping[str, str | int | Money], key: str) -> Part:
    if key not in said:
        return Text("\N{EN DASH}")
    value = said[key]
    return value if isinstance(value, Money) else Number(str(value))


def _quarter(whole: int) -> str:
    """A quarter of a whole number, exactly: 5, 5.25, 5.5."""
    full, rest = divmod(whole, 4)
    return f"{full}{('', '.25', '.5', '.75')[rest]}"
