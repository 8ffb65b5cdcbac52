"""What is said in letters with figures, about leads and messages, and what staff wrote themselves."""

from __future__ import annotations

from introducer.wording.codes import N_, word
from introducer.wording.mails import reports
from introducer.wording.mails.telling import LEADS, MESSAGES, POSTBACKS, Teller, Told, exact
from introducer.wording.sentences import (
    Code,
    Figure,
    Month,
    Text,
    shown,
)


def written(teller: Teller) -> Told:
    if teller.written is None:
        raise ValueError("a written mail needs its text")
    lines = [shown(teller.language, Text(each)) for each in teller.written.paragraphs]
    subject = shown(teller.language, Text(teller.written.subject))
    return Told(
        tone="plain",
        subject=subject,
        heading=subject,
        lines=lines,
        action=teller.text(N_("Open your account") if teller.values["path"] == "/" else N_("See it")),
        path=teller.values["path"],
    )


def message_written(teller: Teller) -> Told:
    subject, name = Text(teller.values["said"]), Text(teller.values["name"])
    about = teller.fact(N_("About"), subject)
    if teller.reader.partner:
        told = teller.say(N_("%(brand)s has written to you: %(subject)s"), subject=subject)
        heading, path = teller.say(N_("A message for you")), f"{MESSAGES}/{teller.values['thread']}"
        facts = [about]
    else:
        told = teller.say(N_("%(partner)s has written: %(subject)s"), partner=name, subject=subject)
        heading = teller.say(N_("A partner has written"))
        path = f"/desk{MESSAGES}/{teller.values['of']}/{teller.values['thread']}"
        facts = [teller.fact(N_("Partner"), name), about]
    return Told(
        tone="plain",
        subject=told,
        heading=heading,
        lines=[teller.say(N_("Read it and answer in the portal: an answer to this mail reaches nobody."))],
        facts=facts,
        action=teller.text(N_("Read the message")),
        path=path,
    )


def lead_came(teller: Teller) -> Told:
    name, given = Text(teller.values["name"]), teller.values["how"] == "given"
    known = {
        "lead": N_("Somebody with this e-mail or phone came through a form before: see who works that lead."),
        "client": N_("A client with this e-mail or phone was there before: look before you call."),
    }.get(str(teller.values["known"]))
    return Told(
        tone="warn" if known else "good",
        subject=teller.say(
            N_("A lead for you, from %(partner)s") if given else N_("A new lead from %(partner)s"), partner=name
        ),
        heading=teller.say(N_("A lead for you") if given else N_("A new lead")),
        lines=[
            teller.say(N_("Who it is, and how to reach them, is on the lead's page: not in this mail.")),
            *([teller.say(known)] if known else []),
        ],
        facts=[teller.fact(N_("Partner"), name)],
        action=teller.text(N_("See the lead")),
        path=f"/desk{LEADS}/{teller.values['lead']}",
    )


def lead_moved(teller: Teller) -> Told:
    stage, lost = str(teller.values["stage"]), str(teller.values["lost"])
    heading = {
        "contacted": N_("Your lead was contacted"),
        "opportunity": N_("Your lead is interested"),
        "won": N_("Your lead became a client"),
        "lost": N_("Your lead did not go further"),
    }[stage]
    why = {
        "not_reached": N_("They could not be reached."),
        "not_interested": N_("They are not interested now."),
        "not_eligible": N_("We may not have them as a client."),
        "duplicate": N_("They were known before."),
        "wrong_details": N_("The details they left are not theirs."),
    }.get(lost)
    return Told(
        tone="good" if stage == "won" else "plain",
        subject=teller.say(heading),
        heading=teller.say(heading),
        lines=[teller.say(why)] if why else [],
        facts=[teller.fact(N_("Came on"), teller.day("came"))],
        action=teller.text(N_("See your leads")),
        path=LEADS,
    )


def target_paused(teller: Teller) -> Told:
    values = teller.values
    why = word(teller.language, "postback_error", values["error"])
    path = f"{POSTBACKS}/{values['target']}" if teller.reader.partner else f"/desk/webhooks/{values['target']}"
    return Told(
        tone="warn",
        subject=teller.say(N_("Postbacks to %(target)s have stopped"), target=Text(values["name"])),
        heading=teller.say(N_("Postbacks have stopped")),
        lines=[
            teller.say(
                N_("%(number)s tries in a row did not arrive, so nothing more is sent."),
                number=Figure(str(values["failures"])),
            ),
            teller.say(N_("What happens meanwhile is kept. Once the target answers again, resume it and send that.")),
        ],
        facts=[teller.fact(N_("Target"), Text(values["name"])), teller.fact(N_("Last error"), Text(why))],
        action=teller.text(N_("See what was tried")),
        path=path,
    )


def report(teller: Teller) -> Told:
    values = teller.values
    monthly = values["cadence"] == "monthly"
    first, last = teller.day("first"), teller.day("last")
    month = Month(values["first"][:7])
    counts = {each["name"]: each for each in values["counts"]}
    changed = counts.get(values["changed"], {"now": 0, "before": 0})
    change = reports.CHANGES[values["change"], values["changed"]]
    advice = reports.ADVICE[values["suggestion"]]
    return Told(
        tone="good" if values["change"] in ("rose", "first") else "plain",
        subject=(
            teller.say(N_("Your month with %(brand)s: %(month)s"), month=month)
            if monthly
            else teller.say(N_("Your week with %(brand)s: %(first)s to %(last)s"), first=first, last=last)
        ),
        heading=(
            teller.say(N_("Your month: %(month)s"), month=month)
            if monthly
            else teller.say(N_("Your week: %(first)s to %(last)s"), first=first, last=last)
        ),
        heroes=[teller.say(N_("Earned: %(amount)s"), amount=exact(each)) for each in values["earned"]],
        lines=[
            teller.say(change, now=Figure(str(changed["now"])), before=Figure(str(changed["before"]))),
            *([] if monthly or not (values["earned"] or values["earned_before"]) else [teller.say(reports.SHARES)]),
        ],
        facts=[*teller.counts(), *teller.earned()],
        after=[teller.say(advice.said, link=Code(values["link"]))],
        action=teller.text(advice.action),
        path=advice.path,
        chart=reports.chart(teller.language, values["cadence"], values["metric"], values["points"]),
    )


def digest(teller: Teller) -> Told:
    first, last = teller.day("first"), teller.day("last")
    waits = [
        teller.fact(reports.WAITS.get(each["name"], each["name"]), Figure(str(each["now"])))
        for each in teller.values["waits"]
    ]
    moved = [*teller.values["rose"], *teller.values["fell"], *teller.values["new"]]
    return Told(
        tone="warn" if teller.values["fell"] else "plain",
        subject=teller.say(N_("Your partners' week: %(first)s to %(last)s"), first=first, last=last),
        heading=teller.say(N_("Your partners' week: %(first)s to %(last)s"), first=first, last=last),
        lines=[
            teller.say(N_("Partners you look after: %(number)s."), number=Figure(str(teller.values["partners"]))),
            *([] if moved else [teller.say(N_("None of them rose or fell by much, and none is new."))]),
        ],
        facts=[
            *waits,
            *teller.counts(),
            *teller.partners(N_("First deposits fell"), "fell"),
            *teller.partners(N_("First deposits rose"), "rose"),
            *teller.partners(N_("New partner"), "new"),
        ],
        action=teller.text(N_("See what waits") if waits else N_("See your partners")),
        path="/desk" if waits else "/desk/partners",
    )
