"""`/desk/mail`: what nobody was told, and why; and whose addresses among the staff get no mail."""

from __future__ import annotations

from typing import Any

import words
from server import Done, Who, page
from visit import N_, Visit

from introducer.domain.configuration import Change
from introducer.domain.errors import NotFound
from introducer.domain.mail import Mail
from introducer.domain.mail_topics import topic_of
from introducer.services.lift_suppression import lift_suppression
from pages.mail_settings import Lifting, name_of, told

PATH = "/desk/mail"

words.WORDS |= {
    "mail_status": {
        "waiting": N_("Waits to be sent"),
        "sending": N_("Is being sent"),
        "failed": N_("Was not sent"),
        "unclear": N_("Perhaps not sent"),
    },
    "mail_reason": {
        "no_sender_configured": N_("No sender is set up for this installation"),
        "nobody_to_tell": N_("There is nobody whom it is for"),
        "no_such_login": N_("The login is gone"),
        "not_rendered": N_("It could not be written: a mistake of ours, which stands in the log"),
        "mail_too_large": N_("It was too long"),
        "refused": N_("The mail service refused it"),
        "no_answer": N_("The mail service did not answer"),
        "cut_off": N_("It was cut off while it was being sent"),
    },
}


@page(
    PATH,
    "desk_unsent.html",
    who=Who.STAFF,
    columns=(
        ("mail", lambda row: row["mail"]),
        ("at", lambda row: row["at"]),
        ("what", lambda row: row["what"]),
        ("template", lambda row: row["template"]),
        ("partner", lambda row: row["partner"]),
        ("member", lambda row: row["member"]),
        ("status", lambda row: row["status"]),
        ("reason", lambda row: row["reason"]),
    ),
)
def unsent_mail(visit: Visit) -> dict[str, Any]:
    """The brand's mails that nobody has got, as far as we know, the oldest first."""
    assert visit.member is not None
    brand, configuration = visit.member.brand, visit.portal.configuration
    subject = f"unsent mails of {brand}"
    found = visit.portal.mails.unsent(brand, visit.position(subject), visit.limit(25, 100))
    names = {member: name_of(visit, member) for member in {mail.member for mail in found.items if mail.member}}
    for partner in {mail.partner for mail in found.items if mail.partner}:
        try:
            names[partner] = configuration.partner(partner).name
        except NotFound:
            names[partner] = partner
    return {
        "items": [_row(mail, names) for mail in found.items],
        "next": visit.next(subject, found.cursor),
        "staff": [told(visit, each) for each in visit.portal.suppressions.of(brand) if each.stands],
    }


@page(PATH, "desk_unsent.html", method="POST", who=Who.STAFF, again=unsent_mail, body=Lifting)
def lift_of_staff(visit: Visit) -> Done:
    """Lets an address of a colleague get mail again, for a reason on record."""
    assert visit.member is not None
    wish = visit.read(Lifting)
    change = Change(by=visit.member.member, at=visit.now, why=wish.why, origin="portal")
    after = lift_suppression(
        visit.portal.suppressions, wish.address, staff=visit.member, of=visit.member.brand, change=change
    )
    return Done(told(visit, after), PATH)


def _row(mail: Mail, names: dict[str, str]) -> dict[str, Any]:
    return {
        "mail": mail.mail,
        "at": mail.at,
        "what": mail.what,
        "template": mail.template.value,
        "topic": topic_of(mail).value,
        "partner": mail.partner,
        "partner_name": names.get(mail.partner, ""),
        "member": mail.member,
        "member_name": names.get(mail.member, ""),
        "status": mail.status.value,
        "reason": mail.reason,
    }
