"""What is said about cases: to the partner, and to those who decide."""

from __future__ import annotations

from introducer.wording.codes import N_
from introducer.wording.mails.telling import CASES, Teller, Told
from introducer.wording.sentences import (
    Figure,
    Said,
    Text,
)


def case_opened(teller: Teller) -> Told:
    held, decide_by, release_by = teller.held(), teller.moment("decide_by"), teller.moment("release_by")
    if not teller.reader.partner:
        return Told(
            tone="warn",
            subject=teller.say(N_("A case waits for your decision: %(partner)s"), partner=Text(teller.values["name"])),
            heading=teller.say(N_("A case waits for your decision")),
            heroes=held,
            lines=[
                teller.say(
                    N_(
                        "Something about this partner's clients should be looked at by a person. Until then the money "
                        "in question is held, and nothing else."
                    )
                ),
                teller.say(
                    N_(
                        "Decide by %(when)s. After that compliance is asked, and on %(end)s the money is released by "
                        "itself."
                    ),
                    when=decide_by,
                    end=release_by,
                ),
            ],
            facts=teller.case(*teller.words(N_("Why"), "why"), teller.fact(N_("Decide by"), decide_by)),
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return Told(
        tone="warn",
        subject=teller.say(N_("We are looking at some of your earnings")),
        heading=teller.say(N_("We are looking at some of your earnings")),
        heroes=held,
        lines=[
            teller.say(
                N_("Something about some of your clients is unusual, and a person at %(brand)s is looking at it now.")
            ),
            _what_is_held(teller),
            teller.say(N_("This is a question and no verdict: unusual things often have good reasons.")),
        ],
        facts=teller.case(teller.fact(N_("We decide by"), decide_by)),
        after=[
            teller.say(
                N_("You can help: write on the case's page what you know about it. Whoever decides reads that.")
            ),
            teller.say(N_("If nobody decides, what is held is yours again on %(when)s."), when=release_by),
        ],
        action=teller.text(N_("See the case and answer")),
        path=_path_of_case(teller),
    )


def case_reminder(teller: Teller) -> Told:
    when = teller.moment("decide_by")
    appealed = teller.values["stage"] == "appealed"
    if appealed:
        subject = N_("Reminder: an appeal waits for your decision (%(partner)s)")
        heading = N_("An appeal waits for your decision")
        line = N_("Without a decision by %(when)s the appeal counts as right, and the clients earn again.")
    else:
        subject = N_("Reminder: a case waits for your decision (%(partner)s)")
        heading = N_("A case waits for your decision")
        if teller.values["stage"] == "escalated":
            line = N_("Without a decision by %(when)s what is held is released by itself.")
        else:
            line = N_("Without a decision by %(when)s compliance and the admins are asked.")
    return Told(
        tone="warn",
        subject=teller.say(subject, partner=Text(teller.values["name"])),
        heading=teller.say(heading),
        heroes=teller.held(),
        lines=[teller.say(line, when=when)],
        facts=teller.case(teller.fact(N_("Decide by"), when)),
        action=teller.text(N_("Look at the case")),
        path=_path_of_case(teller),
    )


def case_escalated(teller: Teller) -> Told:
    when = teller.moment("release_by")
    if not teller.reader.partner:
        return Told(
            tone="warn",
            subject=teller.say(
                N_("Nobody decided a case in time: it is yours now (%(partner)s)"), partner=Text(teller.values["name"])
            ),
            heading=teller.say(N_("Nobody decided this case in time")),
            heroes=teller.held(),
            lines=[
                teller.say(N_("Compliance and the admins are asked now.")),
                teller.say(N_("Without a decision by %(when)s what is held is released by itself."), when=when),
            ],
            facts=teller.case(teller.fact(N_("Decide by"), when)),
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return Told(
        tone="warn",
        subject=teller.say(N_("We need more time to look at your earnings")),
        heading=teller.say(N_("We need more time to look at your earnings")),
        heroes=teller.held(),
        lines=[
            teller.say(
                N_("We wanted to be done by now, and are not: other people at %(brand)s are looking at it now.")
            ),
            teller.say(N_("If nobody decides, what is held is yours again on %(when)s."), when=when),
        ],
        facts=teller.case(teller.fact(N_("We decide by"), when)),
        after=[teller.say(N_("You can still write on the case's page what you know about it."))],
        action=teller.text(N_("See the case and answer")),
        path=_path_of_case(teller),
    )


def case_decided(teller: Teller) -> Told:
    staff = not teller.reader.partner
    partner = Text(teller.values["name"])
    why = teller.words(N_("In the words of whoever decided"), "why")
    if teller.values["outcome"] == "released":
        if teller.values["by"] == "clock":
            line = N_("Nobody decided in time: what was held is released by itself.")
        elif staff:
            line = N_("What was held is released.")
        else:
            line = N_("We have looked at it, and all is well.")
        return Told(
            tone="good",
            subject=(
                teller.say(N_("Released: the case of %(partner)s"), partner=partner)
                if staff
                else teller.say(N_("Your earnings are free again"))
            ),
            heading=teller.say(N_("What was held is released") if staff else N_("Your earnings are free again")),
            heroes=teller.held(),
            lines=[
                teller.say(line),
                *([] if staff else [teller.say(N_("What was held goes back to your balance now, as it was before."))]),
            ],
            facts=teller.case(*why),
            action=teller.text(N_("Look at the case") if staff else N_("See the case")),
            path=_path_of_case(teller),
        )
    appeal_by = teller.moment("appeal_by") if teller.values["appeal_by"] else None
    facts = teller.case(
        *teller.code(),
        *why,
        teller.fact(N_("Clients who earn nothing"), Figure(str(teller.values["disallowed"]))),
        *([teller.fact(N_("From"), teller.moment("starts_at"))] if teller.values["starts_at"] else []),
        *([teller.fact(N_("Appeal until"), appeal_by)] if appeal_by else []),
    )
    others = teller.values["disallowed"] < (teller.values["clients"] or teller.values["disallowed"] + 1)
    if staff:
        after = [teller.say(N_("The partner may appeal until %(when)s."), when=appeal_by)] if appeal_by else []
        return Told(
            tone="warn",
            subject=teller.say(N_("Disallowed: the case of %(partner)s"), partner=partner),
            heading=teller.say(N_("The case was decided: the clients earn nothing")),
            lines=[
                teller.say(N_("What these clients earned is taken back as entries of their own, with this reason."))
            ],
            facts=facts,
            after=after,
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return Told(
        tone="bad",
        subject=teller.say(N_("We do not pay for some of your clients")),
        heading=teller.say(N_("We do not pay for some of your clients")),
        lines=[
            teller.say(N_("We have looked at it, and cannot pay what some of your clients earned you.")),
            teller.say(N_("Your earnings show an entry for each amount that is taken back, with the reason.")),
            *([teller.say(N_("What was held for other clients is yours again."))] if others else []),
        ],
        facts=facts,
        after=(
            [
                teller.say(
                    N_(
                        "Do you see it differently? You can appeal once, until %(when)s: another person then decides "
                        "again."
                    ),
                    when=appeal_by,
                )
            ]
            if appeal_by
            else []
        ),
        action=teller.text(N_("See the case and appeal") if appeal_by else N_("See the case")),
        path=_path_of_case(teller),
    )


def case_appealed(teller: Teller) -> Told:
    when = teller.moment("decide_by")
    said = teller.words(N_("What the partner says") if not teller.reader.partner else N_("What you say"), "said")
    if not teller.reader.partner:
        return Told(
            tone="warn",
            subject=teller.say(
                N_("An appeal waits for your decision: %(partner)s"), partner=Text(teller.values["name"])
            ),
            heading=teller.say(N_("An appeal waits for your decision")),
            heroes=teller.held(),
            lines=[
                teller.say(N_("Whoever decided the case cannot decide its appeal.")),
                teller.say(
                    N_("Without a decision by %(when)s the appeal counts as right, and the clients earn again."),
                    when=when,
                ),
            ],
            facts=teller.case(*said, teller.fact(N_("Decide by"), when)),
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return Told(
        tone="plain",
        subject=teller.say(N_("We have your appeal")),
        heading=teller.say(N_("We have your appeal")),
        heroes=teller.held(),
        lines=[
            teller.say(N_("Somebody other than before looks at the case again, and decides by %(when)s."), when=when),
            teller.say(N_("If nobody decides by then, your appeal counts as right, and the clients earn again.")),
        ],
        facts=teller.case(*said, teller.fact(N_("We decide by"), when)),
        action=teller.text(N_("See the case")),
        path=_path_of_case(teller),
    )


def case_closed(teller: Teller) -> Told:
    staff = not teller.reader.partner
    outcome, clock = teller.values["outcome"], teller.values["by"] == "clock"
    why = teller.words(N_("In the words of whoever decided"), "why")
    if outcome in ("overturned", "released"):
        heading = N_("The appeal was right: the clients earn again") if staff else N_("Your appeal was right")
        if clock:
            line = N_("Nobody decided in time, so the verdict is taken back, and the clients earn again.")
        else:
            line = N_("The verdict is taken back: the clients earn again, and what was taken back is entered anew.")
        tone, code = "good", []
    elif outcome == "upheld":
        heading = N_("The appeal changed nothing") if staff else N_("The verdict stands")
        line = N_("Another person has looked at the case again, and the verdict stands. This is final.")
        tone, code = "plain", teller.code()
    else:
        heading = N_("Nobody appealed: the case is closed") if staff else N_("The case is closed")
        line = N_("The time to appeal is over, and the verdict stands. This is final.")
        tone, code = "plain", teller.code()
    said = teller.say(heading)
    return Told(
        tone=tone,
        subject=(
            teller.say(N_("Closed: the case of %(partner)s"), partner=Text(teller.values["name"])) if staff else said
        ),
        heading=said,
        lines=[teller.say(line)],
        facts=teller.case(*code, *why),
        action=teller.text(N_("Look at the case") if staff else N_("See the case")),
        path=_path_of_case(teller),
    )


def _what_is_held(teller: Teller) -> Said:
    if teller.values["clients"]:
        return teller.say(
            N_("What these clients earned you and you were not paid yet is held until then. Nothing else is held.")
        )
    return teller.say(N_("What you earned and were not paid yet is held until then."))


def _path_of_case(teller: Teller) -> str:
    if teller.reader.partner:
        return f"{CASES}/{teller.values['case']}"
    return f"/desk{CASES}/{teller.values['of']}/{teller.values['case']}"
