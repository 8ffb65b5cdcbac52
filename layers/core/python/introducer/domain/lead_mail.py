"""Whom a step of a lead is told to: sales that it came or is theirs now, the partner how it goes on. No mail says who
the lead is: it leads to the page that does."""

from __future__ import annotations

from introducer.domain.configuration import Change
from introducer.domain.events import day_of
from introducer.domain.lead import NOBODY, Lead
from introducer.domain.mail import Audience, Mail, MailTemplate, Value, new_mail


def came_mail(lead: Lead, name: str) -> Mail:
    """Goes with a new lead: to whoever works it, to managers and admins where nobody does. `name` is the partner's."""
    return _to_sales(f"{lead.lead} came", lead, name, given=False)


def given_mail(lead: Lead, name: str, change: Change) -> Mail | None:
    """Goes with a lead that was given to somebody; none where it is nobody's now, or somebody took it."""
    if lead.salesperson in (NOBODY, change.by):
        return None
    return _to_sales(f"{lead.lead} given {lead.version}", lead, name, given=True)


def moved_mail(lead: Lead) -> Mail:
    """Tells the partner's owners how the lead goes on."""
    values: dict[str, Value] = {
        "lead": lead.lead,
        "came": day_of(lead.at),
        "stage": lead.stage.value,
        "lost": lead.lost.value if lead.lost else "",
    }
    what = f"{lead.lead} {lead.stage.value} {lead.version}"
    template = MailTemplate.LEAD_MOVED
    return new_mail(what, template, values, brand=lead.brand, partner=lead.partner, at=lead.since)


def _to_sales(what: str, lead: Lead, name: str, *, given: bool) -> Mail:
    values: dict[str, Value] = {
        "lead": lead.lead,
        "of": lead.partner,
        "name": name,
        "how": "given" if given else "came",
        "known": "lead" if lead.first else "client" if lead.known else "",
    }
    member = "" if lead.salesperson == NOBODY else lead.salesperson
    template = MailTemplate.LEAD_CAME
    return new_mail(what, template, values, brand=lead.brand, member=member, staff=Audience.PLANNERS, at=lead.since)
