"""`/settings/mail`: what a member gets by mail, and when; and, for staff, whose addresses get none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.mail import COMPLAINED
from introducer.domain.mail_topics import Topic
from introducer.domain.suppressing import Suppressed
from introducer.services.change_mail_preferences import change_mail_preferences
from introducer.services.lift_suppression import ask_for_mail, lift_suppression
from introducer.services.partner_of_brand import partner_of_brand
from pages import unsubscribe  # noqa: F401 (it has the words for topics)

PATH = "/settings/mail"
DESK = "/desk/partners/{partner}/mail"

Hour = Annotated[int, Field(ge=0, le=23)]

words.WORDS["suppressed"] = {
    "bounced": N_("A mail to it came back for good"),
    "complained": N_("Its reader called a mail spam"),
}
words.WORDS["problem"] |= {
    "binding_topic": N_("Mail about money, cases and work that waits cannot be switched off."),
    "complained": N_("The reader called a mail spam: only they can ask for mail again."),
    "not_suppressed": N_("This address gets mail already."),
}

FOR_STAFF = (Topic.REPORTS, Topic.MESSAGES, Topic.LEADS)
FOR_PARTNERS = (
    Topic.CONTESTS, Topic.GOALS, Topic.ONBOARDING, Topic.NEWS, Topic.REPORTS, Topic.MESSAGES, Topic.LEADS,
)  # fmt: skip


class MailWish(BaseModel):
    """What a member wants by mail: the topics that are on (an empty one says nothing: a form without a tick), and by
    the clocks of which time zone (empty: the brand's) nothing comes from one hour until another (the same hour twice:
    it always comes). `version` is the one that was read."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=999_999)]
    on: list[Topic | Literal[""]]
    time_zone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
    quiet_from: Hour
    quiet_until: Hour


class Lifting(BaseModel):
    """Which address gets mail again, and why."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, StringConstraints(min_length=10, max_length=40)]
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


def topics_of(visit: Visit) -> tuple[Topic, ...]:
    """What this member may choose about."""
    return FOR_STAFF if visit.is_staff else FOR_PARTNERS


@page(PATH, "mail_settings.html", who=Who.MEMBER)
def mail_settings(visit: Visit) -> dict[str, Any]:
    """Which mails the member gets and when, and whether mail to them comes back."""
    assert visit.member is not None
    found = visit.portal.member_mails.preferences(visit.member.member)
    of = visit.member.partner or visit.member.brand
    barred = [each for each in visit.portal.suppressions.of(of) if each.member == visit.member.member and each.stands]
    return {
        "topics": [{"topic": topic.value, "on": found.wants(topic)} for topic in topics_of(visit)],
        "always": [topic.value for topic in Topic if topic.is_binding and (visit.is_staff or topic is Topic.ACCOUNT)],
        "time_zone": found.time_zone,
        "quiet_from": found.quiet_from,
        "quiet_until": found.quiet_until,
        "version": found.version,
        "barred": [{"reason": each.reason, "since": each.since} for each in barred],
        "may_ask_again": any(each.reason == COMPLAINED for each in barred),
    }


@page(PATH, "mail_settings.html", method="POST", who=Who.MEMBER, again=mail_settings, body=MailWish)
def change_mail_settings(visit: Visit) -> Done:
    """Changes which mails the member gets, and between which hours none come."""
    assert visit.member is not None
    wish, store = visit.read(MailWish), visit.portal.member_mails
    # What this page does not show stays as it is.
    elsewhere = store.preferences(visit.member.member).off - set(topics_of(visit))
    typed = {name: str(value) for name, value in wish.model_dump(mode="json", exclude={"on"}).items()}
    try:
        made = change_mail_preferences(
            store,
            visit.member,
            version=wish.version,
            off={topic for topic in topics_of(visit) if topic not in wish.on} | elsewhere,
            time_zone=wish.time_zone,
            quiet_from=wish.quiet_from,
            quiet_until=wish.quiet_until,
            now=visit.now,
        )
    except Invalid as error:
        message = N_("Write a time zone such as Europe/Berlin.")
        raise FormRefused({"time_zone": message}, typed, error) from None
    except Conflict as error:
        message = N_("This was changed meanwhile: look at what stands below, then choose again.")
        raise FormRefused({"": message}, {}, error) from None
    return Done({"version": made.version, "off": sorted(made.off)}, f"{PATH}?changed={made.version}")


@page(f"{PATH}/again", "mail_settings.html", method="POST", who=Who.MEMBER, again=mail_settings)
def ask_for_mail_again(visit: Visit) -> Done:
    """Takes back that the member called a mail spam; mail comes again."""
    assert visit.member is not None
    number = ask_for_mail(visit.portal.suppressions, visit.member, now=visit.now)
    return Done({"addresses": number}, PATH)


@page(DESK, "desk_mail.html", who=Who.STAFF)
def partner_mail(visit: Visit, partner: str) -> dict[str, Any]:
    """Which addresses of a partner's people get no mail, and why."""
    assert visit.member is not None
    found = partner_of_brand(visit.portal.configuration, visit.member, partner)
    return {
        "partner": found.partner,
        "name": found.name,
        "items": [told(visit, each) for each in visit.portal.suppressions.of(partner)],
    }


@page(DESK, "desk_mail.html", method="POST", who=Who.STAFF, again=partner_mail, body=Lifting)
def lift(visit: Visit, partner: str) -> Done:
    """Lets an address of a partner's people get mail again, for a reason on record. One that called a mail spam is
    refused: its reader alone takes that back."""
    assert visit.member is not None
    found = partner_of_brand(visit.portal.configuration, visit.member, partner)
    wish = visit.read(Lifting)
    change = Change(by=visit.member.member, at=visit.now, why=wish.why, origin="portal")
    after = lift_suppression(
        visit.portal.suppressions, wish.address, staff=visit.member, of=found.partner, change=change
    )
    return Done(told(visit, after), f"/desk/partners/{partner}/mail")


def name_of(visit: Visit, member: str) -> str:
    """What a member is called; their login's id where they are gone."""
    try:
        return visit.portal.configuration.member(member).name or member
    except NotFound:
        return member


def told(visit: Visit, suppressed: Suppressed) -> dict[str, Any]:
    """An address that gets no mail, or got none, as staff see it."""
    return {
        "address": suppressed.hash,
        "reason": suppressed.reason,
        "since": suppressed.since,
        "member": suppressed.member,
        "name": name_of(visit, suppressed.member),
        "stands": suppressed.stands,
        "lifted_at": suppressed.lifted_at,
        "may_be_lifted": suppressed.stands and suppressed.reason == "bounced",
    }
