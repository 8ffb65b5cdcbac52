"""What is said about payouts, where they go, and the documents that they need."""

from __future__ import annotations

from introducer.wording.codes import N_
from introducer.wording.mails.telling import SETTINGS, VERIFICATION, Fact, Teller, Told, exact
from introducer.wording.sentences import (
    Code,
    Figure,
    Text,
    shown,
)


def paid(teller: Teller) -> Told:
    pays = teller.money("pays")
    return Told(
        tone="good",
        subject=teller.say(N_("You were paid %(amount)s"), amount=pays),
        heading=teller.say(N_("You were paid")),
        heroes=[shown(teller.language, pays)],
        lines=[teller.say(N_("The payment was confirmed. Your statement has it too."))],
        facts=teller.payout(N_("Paid on")),
        action=teller.text(N_("See this payout")),
        path=_path_of_payout(teller),
    )


def returned(teller: Teller) -> Told:
    pays = teller.money("pays")
    return Told(
        tone="bad",
        subject=teller.say(N_("Your payout of %(amount)s came back"), amount=pays),
        heading=teller.say(N_("Your payout came back")),
        heroes=[shown(teller.language, pays)],
        lines=[
            teller.say(
                N_("What we paid to %(account)s was sent back. The money is in your balance again."),
                account=teller.masked("masked"),
            ),
            teller.say(N_("Please check your payment details: the next payout goes to the same place.")),
        ],
        facts=teller.payout(N_("Came back on"), *teller.why()),
        action=teller.text(N_("Check your payment details")),
        path=SETTINGS,
    )


def failed(teller: Teller) -> Told:
    pays = teller.money("pays")
    return Told(
        tone="bad",
        subject=teller.say(N_("Your payout of %(amount)s could not be made"), amount=pays),
        heading=teller.say(N_("Your payout could not be made")),
        heroes=[shown(teller.language, pays)],
        lines=[
            teller.say(
                N_("Our payment to %(account)s was refused. The money is in your balance again."),
                account=teller.masked("masked"),
            ),
            teller.say(N_("Please check your payment details: the next payout goes to the same place.")),
        ],
        facts=teller.payout(N_("Refused on"), *teller.why()),
        action=teller.text(N_("Check your payment details")),
        path=SETTINGS,
    )


def profile_changed(teller: Teller) -> Told:
    facts = [
        teller.fact(N_("Now"), teller.masked("masked")),
        teller.fact(N_("Changed"), teller.moment("changed_at")),
        teller.fact(N_("Paid there from"), teller.moment("usable_from")),
    ]
    if teller.values["previous"]:
        facts.insert(0, teller.fact(N_("Before"), teller.masked("previous")))
    return Told(
        tone="warn",
        subject=teller.say(N_("Your payment details were changed")),
        heading=teller.say(N_("Your payment details were changed")),
        lines=[
            teller.say(
                N_(
                    "From now on your money goes to %(account)s. For your safety nothing is paid there before %(when)s."
                ),
                account=teller.masked("masked"),
                when=teller.moment("usable_from"),
            )
        ],
        facts=facts,
        after=[
            teller.say(
                N_("Was this not you? Change your password now, and write to your manager at %(brand)s at once.")
            )
        ],
        action=teller.text(N_("Check your payment details")),
        path=SETTINGS,
    )


def waiting(teller: Teller) -> Told:
    run = Code(teller.values["run"])
    if teller.values["reminder"]:
        subject = teller.say(N_("Reminder: payouts wait for your approval (%(run)s)"), run=run)
    else:
        subject = teller.say(N_("Payouts wait for your approval (%(run)s)"), run=run)
    return Told(
        tone="warn",
        subject=subject,
        heading=teller.say(N_("Payouts wait for your approval")),
        heroes=[shown(teller.language, exact(each)) for each in teller.values["sums"]],
        lines=[
            teller.say(
                N_("Nothing is sent until somebody approves it. Without a decision by %(deadline)s the run lapses."),
                deadline=teller.moment("deadline"),
            ),
            teller.say(N_("Whoever started the run cannot approve it.")),
        ],
        facts=[
            teller.fact(N_("Run"), run),
            teller.fact(
                N_("Period"),
                teller.say(N_("%(first)s to %(last)s"), first=teller.day("first"), last=teller.day("through")),
            ),
            teller.fact(N_("Payouts"), Figure(str(teller.values["payouts"]))),
            teller.fact(N_("Decide by"), teller.moment("deadline")),
        ],
        action=teller.text(N_("Look through the run")),
        path=f"/desk/runs/{teller.values['run']}",
    )


def verified(teller: Teller) -> Told:
    reason = teller.values["reason"]
    facts = [teller.fact(N_("Reason"), Text(reason))] if reason else []
    if teller.values["decision"] == "approved":
        return Told(
            tone="good",
            subject=teller.say(N_("You are verified")),
            heading=teller.say(N_("You are verified")),
            lines=[teller.say(N_("We have looked at your documents, and all is well: you can be paid."))],
            facts=facts,
            action=teller.text(N_("See your verification")),
            path=VERIFICATION,
        )
    return Told(
        tone="bad",
        subject=teller.say(N_("We need other documents from you")),
        heading=teller.say(N_("We need other documents from you")),
        lines=[
            teller.say(N_("We have looked at your documents, and cannot take them as they are.")),
            teller.say(N_("What you earn is kept for you; it is paid once you are verified.")),
        ],
        facts=facts,
        action=teller.text(N_("Send other documents")),
        path=VERIFICATION,
    )


def run_summary(teller: Teller) -> Told:
    values = teller.values
    run = Code(values["run"])
    closed = values["status"] == "closed"

    def money(label: str, name: str, sums: str) -> list[Fact]:
        if not values[name]:
            return []
        return [teller.fact(label, Figure(str(values[name])), *(exact(each) for each in values[sums]))]

    well = closed and not values["unsettled"] and not values["not_paid"]
    return Told(
        tone="good" if well else "warn",
        subject=teller.say(N_("What run %(run)s came to"), run=run),
        heading=teller.say(N_("The run is over") if closed else N_("The run ended without paying")),
        heroes=[shown(teller.language, exact(each)) for each in values["sums"]],
        lines=[
            teller.say(N_("There was nothing to pay."))
            if not (values["paid"] or values["unsettled"] or values["not_paid"])
            else teller.say(N_("Every payout was paid."))
            if well
            else teller.say(N_("What was not paid is free again, and goes into the next run."))
            if not values["unsettled"]
            else teller.say(
                N_("Of some payouts it is not known yet whether they were paid: the run's page says which.")
            )
        ],
        facts=[
            teller.fact(N_("Run"), run),
            teller.fact(
                N_("Period"),
                teller.say(N_("%(first)s to %(last)s"), first=teller.day("first"), last=teller.day("through")),
            ),
            *money(N_("Paid"), "paid", "sums"),
            *money(N_("Not known yet"), "unsettled", "unsettled_sums"),
            *money(N_("Not paid"), "not_paid", "not_paid_sums"),
            *([teller.fact(N_("Partners left out"), Figure(str(values["left_out"])))] if values["left_out"] else []),
        ],
        action=teller.text(N_("See the run")),
        path=f"/desk/runs/{values['run']}",
    )


def _path_of_payout(teller: Teller) -> str:
    return f"/payouts/{teller.values['payout']}"
