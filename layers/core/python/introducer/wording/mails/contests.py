"""What is said about contests and personal goals."""

from __future__ import annotations

from introducer.domain.describe import Number, Reached
from introducer.wording.codes import N_
from introducer.wording.mails.telling import CONTESTS, GOALS, Teller, Told, exact
from introducer.wording.sentences import (
    Figure,
    Said,
    Text,
    shown,
)


def contest_entered(teller: Teller) -> Told:
    name, end = Text(teller.values["name"]), teller.moment("ends_at")
    return Told(
        tone="plain",
        subject=teller.say(N_("You are in: %(contest)s"), contest=name),
        heading=teller.say(N_("You take part in a contest")),
        lines=[
            teller.say(N_("%(brand)s runs a contest, and you are in it: there is nothing that you need to do.")),
            teller.say(N_("What your clients do until %(when)s counts."), when=end),
        ],
        facts=teller.contest(*teller.division(), teller.fact(N_("Ends"), end)),
        after=[
            teller.say(
                N_("Others see you under a neutral name. On the contest's page you can choose another one, or leave.")
            )
        ],
        action=teller.text(N_("See the rules and the board")),
        path=_path_of_contest(teller),
    )


def contest_moved(teller: Teller) -> Told:
    end = teller.moment("ends_at")
    return Told(
        tone="warn",
        subject=teller.say(N_("New dates for the contest %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(N_("The contest has new dates")),
        lines=[
            teller.say(
                N_("What your clients do from %(start)s until %(when)s counts."),
                start=teller.moment("starts_at"),
                when=end,
            ),
            teller.say(N_("Nothing else about it has changed.")),
        ],
        facts=teller.contest(
            teller.fact(N_("Starts"), teller.moment("starts_at")),
            teller.fact(N_("Ends"), end),
            *teller.words(N_("Why"), "why"),
        ),
        action=teller.text(N_("See the board")),
        path=_path_of_contest(teller),
    )


def contest_cancelled(teller: Teller) -> Told:
    return Told(
        tone="bad",
        subject=teller.say(N_("Cancelled: the contest %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(N_("The contest was cancelled")),
        lines=[
            teller.say(N_("%(brand)s has cancelled this contest: nobody wins anything in it.")),
            teller.say(N_("What your clients earn you by your deal is untouched.")),
        ],
        facts=teller.contest(*teller.words(N_("Why"), "why")),
        action=teller.text(N_("See the contest")),
        path=_path_of_contest(teller),
    )


def contest_result(teller: Teller) -> Told:
    until = teller.moment("objections_until")
    return Told(
        tone="plain" if teller.values["place"] else "warn",
        subject=teller.say(N_("The provisional result: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.where_it_stands(),
        lines=[
            teller.say(N_("The contest was counted once more, from every event that came in before the count.")),
            teller.say(N_("The result is provisional: until %(when)s anybody who took part may object."), when=until),
            *teller.why_no_place(),
        ],
        facts=teller.place(teller.fact(N_("Object until"), until)),
        after=[teller.say(N_("Is something missing or wrong? Say so on the contest's page: a person looks at it."))],
        action=teller.text(N_("See the result")),
        path=_path_of_contest(teller),
    )


def contest_objected(teller: Teller) -> Told:
    return Told(
        tone="warn",
        subject=teller.say(N_("%(partner)s objects to a contest's result"), partner=Text(teller.values["partner"])),
        heading=teller.say(N_("An objection waits for your answer")),
        lines=[teller.say(N_("Answer it before the contest is paid: after that nothing changes its result any more."))],
        facts=teller.contest(
            teller.fact(N_("Partner"), Text(teller.values["partner"])),
            *teller.words(N_("What the partner says"), "said"),
        ),
        action=teller.text(N_("Look at the contest")),
        path=_path_of_contest(teller),
    )


def contest_answered(teller: Teller) -> Told:
    match teller.values["answer"]:
        case "upheld":
            tone, heading = "good", N_("Your objection was right")
            line = N_("We have looked at it, and you are right. The final result takes account of it.")
        case "rejected":
            tone, heading = "plain", N_("Your objection changes nothing")
            line = N_("We have looked at it, and the result stands as it was counted.")
        case _:
            tone, heading = "warn", N_("Your objection was not decided in time")
            line = N_("Nobody decided about it, so the result stands as it was counted. We are sorry.")
    return Told(
        tone=tone,
        subject=teller.say(N_("Your objection: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(heading),
        lines=[teller.say(line)],
        facts=teller.contest(*teller.words(N_("In the words of whoever decided"), "why")),
        action=teller.text(N_("See the result")),
        path=_path_of_contest(teller),
    )


def contest_objections_wait(teller: Teller) -> Told:
    when = teller.moment("decide_by")
    return Told(
        tone="warn",
        subject=teller.say(
            N_("Reminder: objections wait for an answer (%(contest)s)"), contest=Text(teller.values["name"])
        ),
        heading=teller.say(N_("Objections wait for an answer")),
        lines=[
            teller.say(N_("The time for objections is over, and the prizes wait for your answers.")),
            teller.say(
                N_("Without an answer by %(when)s the result stands, and whoever objected is told so."), when=when
            ),
        ],
        facts=teller.contest(
            teller.fact(N_("Objections"), Figure(str(teller.values["waiting"]))), teller.fact(N_("Decide by"), when)
        ),
        action=teller.text(N_("Look at the contest")),
        path=_path_of_contest(teller),
    )


def contest_won(teller: Teller) -> Told:
    won = [shown(teller.language, exact(each)) for each in teller.values["won"]]
    lines = [
        teller.say(N_("Congratulations: the result of %(contest)s is final."), contest=Text(teller.values["name"]))
    ]
    if won:
        lines.append(
            teller.say(
                N_("Your prize stands in your earnings; it can be paid out from %(day)s."), day=teller.day("available")
            )
        )
    if teller.values["gifts"]:
        lines.append(teller.say(N_("Your gift is being sent: the contest's page shows how far it is.")))
    return Told(
        tone="good",
        subject=teller.say(N_("You won: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(N_("You won a prize")),
        heroes=won,
        lines=lines,
        facts=teller.place(*teller.words(N_("Gift"), "gifts")),
        action=teller.text(N_("See what you won")),
        path=_path_of_contest(teller),
    )


def contest_final(teller: Teller) -> Told:
    return Told(
        tone="plain",
        subject=teller.say(N_("The final result: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.where_it_stands(),
        lines=[
            teller.say(N_("The result is final. There is no prize for you this time; thank you for taking part.")),
            *teller.why_no_place(),
        ],
        facts=teller.place(),
        action=teller.text(N_("See the result")),
        path=_path_of_contest(teller),
    )


def _path_of_contest(teller: Teller) -> str:
    return f"{'' if teller.reader.partner else '/desk'}{CONTESTS}/{teller.values['contest']}"


def goal_offered(teller: Teller) -> Told:
    amount, when = teller.money("amount"), teller.moment("answer_by")
    return Told(
        tone="good",
        subject=teller.say(N_("A goal for you: %(amount)s"), amount=amount),
        heading=teller.say(N_("A goal for you")),
        heroes=[shown(teller.language, amount)],
        lines=[
            _goal_in_words(teller),
            teller.say(N_("It pays nothing until you accept it. Read it in the portal, and answer by then.")),
        ],
        facts=[*teller.words(N_("A note for you"), "note"), teller.fact(N_("Answer by"), when)],
        action=teller.text(N_("See the goal")),
        path=GOALS,
    )


def goal_answered(teller: Teller) -> Told:
    accepted = teller.values["answer"] == "accepted"
    name = Text(teller.values["name"])
    return Told(
        tone="good" if accepted else "plain",
        subject=teller.say(
            N_("%(partner)s accepted the goal") if accepted else N_("%(partner)s declined the goal"), partner=name
        ),
        heading=teller.say(N_("The goal was accepted") if accepted else N_("The goal was declined")),
        heroes=[shown(teller.language, teller.money("amount"))],
        lines=[_goal_in_words(teller)],
        facts=[teller.fact(N_("Partner"), name), *teller.words(N_("What the partner says"), "said")],
        action=teller.text(N_("See the partner's goals")),
        path=f"/desk/partners/{teller.values['of']}/goals",
    )


def _goal_in_words(teller: Teller) -> Said:
    """As the deal says it (`domain.describe`)."""
    return teller.say(
        N_("When %(reached)s is reached from %(first)s to %(last)s, both days included: %(amount)s, once."),
        reached=Reached(teller.values["by"], Number(str(teller.values["clients"]))),
        first=teller.day("first"),
        last=teller.day("last"),
        amount=teller.money("amount"),
    )
