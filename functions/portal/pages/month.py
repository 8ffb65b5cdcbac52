"""`/`: what you earned this month and from what, what comes first for a new partner, and which clients lack little."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import words
from server import DESK, PARTNER_HOME, Go, Who, page
from visit import N_, Visit

from introducer.domain.task import READERS
from introducer.services.read_earnings_of_partner import naming_those_below
from introducer.services.read_first_steps import read_first_steps
from introducer.services.read_month_of_partner import read_month_of_partner, read_traded_of_month
from introducer.services.read_near_misses import read_near_misses
from introducer.services.read_settling_of_partner import read_settling_of_partner
from pages.desk_leads import PATH as LEADS
from pages.messages import has_news

SOON, LATER = 5, 60
"""After so many seconds the page looks again: soon while somebody waits for a first click, else now and then."""

words.WORDS["first_step"] = {
    "terms": N_("Accept your terms"),
    "link": N_("Make your first link"),
    "click": N_("Bring the first visitor"),
    "registration": N_("The first visitor registers"),
    "earning": N_("The first earning"),
    "payment": N_("Say where we pay you"),
}
words.WORDS["first_step_why"] = {
    "terms": N_("Nothing is earned before. They are short and in plain words."),
    "link": N_("Choose what to promote: every visitor who comes by your link is counted as yours."),
    "click": N_("Put the link where your readers see it. A visit stands here within seconds."),
    "registration": N_("As soon as the platform reports it, the client stands on your page of clients."),
    "earning": N_("It stands here within seconds after a client did what your terms ask for."),
    "payment": N_("New details rest for some days before they are used: so say it early."),
}
words.WORDS["first_step_do"] = {
    "terms": N_("Read your terms"),
    "link": N_("Choose a campaign"),
    "click": N_("To your link"),
    "registration": N_("To your link"),
    "payment": N_("Add payment details"),
}


@page(PARTNER_HOME, "month.html", who=Who.MEMBER)
def month(visit: Visit) -> Any:
    """The figures of the month, the first steps while one is missing, and near misses."""
    if visit.partner is None:
        return Go(DESK if visit.member is not None and visit.member.role in READERS else LEADS)
    portal, partner = visit.portal, visit.partner
    found = read_month_of_partner(
        portal.ledger,
        portal.event_counts,
        portal.click_counts,
        partner=partner.partner,
        currency=partner.currency,
        today=visit.today,
    )
    steps = read_first_steps(portal.first_books, partner=partner, month=found)
    settling = read_settling_of_partner(
        portal.settlements, portal.contracts, partner=partner.partner, month=found.month
    )
    return {field.name: getattr(found, field.name) for field in fields(found)} | {
        "latest": naming_those_below(portal.configuration, found.latest),
        "traded": read_traded_of_month(portal.clients, partner=partner.partner, today=visit.today),
        "near": read_near_misses(portal.clients, portal.contracts, partner=partner.partner, now=visit.now),
        "steps": steps,
        "settling": settling,
        "news": has_news(visit),
        "again": SOON if any(step.stands != "done" and step.step != "payment" for step in steps) else LATER,
    }
