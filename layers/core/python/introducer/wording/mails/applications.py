"""What is said to whoever applied to be a partner."""

from __future__ import annotations

from introducer.wording.codes import N_
from introducer.wording.mails.telling import APPLY, Teller, Told
from introducer.wording.sentences import Text, shown


def application_check(teller: Teller) -> Told:
    if teller.values["known"] == "login":
        return Told(
            tone="plain",
            subject=teller.say(N_("You have a login at %(brand)s already")),
            heading=teller.say(N_("You have a login already")),
            lines=[
                teller.say(N_("Somebody, probably you, applied to be a partner of %(brand)s with this address.")),
                teller.say(
                    N_("There is nothing to apply for: sign in with it. If you forgot the password, write to us.")
                ),
                teller.say(N_("If it was not you, there is nothing to do.")),
            ],
            action=teller.text(N_("Sign in")),
            path="/sign-in",
        )
    return Told(
        tone="good",
        subject=teller.say(N_("Confirm your address for %(brand)s")),
        heading=teller.say(N_("One step more")),
        lines=[
            teller.say(N_("Thank you for applying to be a partner of %(brand)s.")),
            teller.say(N_("Confirm that this address is yours: then somebody reads your application and answers.")),
        ],
        facts=[teller.fact(N_("The link is good until"), teller.moment("until"))],
        after=[teller.say(N_("If you did not apply, there is nothing to do: what was sent is deleted in three days."))],
        action=teller.text(N_("Confirm this address")),
        path=teller.values["link"],
    )


def application_refused(teller: Teller) -> Told:
    return Told(
        tone="plain",
        subject=teller.say(N_("Your application to %(brand)s")),
        heading=teller.say(N_("We cannot take you as a partner now")),
        lines=[
            teller.say(N_("Thank you for applying. Somebody of %(brand)s has read it, and writes:")),
            shown(teller.language, Text(teller.values["reason"])),
        ],
        after=[teller.say(N_("If something has changed, or we misunderstood you, apply again."))],
        action=teller.text(N_("Apply again")),
        path=APPLY,
    )
