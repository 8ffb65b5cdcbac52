"""`/desk/partners/{partner}`: all about one partner on one page: what it brings, what waits, what is said, what it is
paid; and the way to every page about it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import words
from server import STAFF_HOME, Who, page
from visit import N_, Visit

from introducer.domain.configuration import Partner
from introducer.domain.lead import GIVERS
from introducer.domain.task import READERS
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.read_partner import Announced, read_partner
from introducer.services.save_answer import values_for
from pages.deal import MAY_PROPOSE
from pages.desk_audit import MAY as MAY_AUDIT
from pages.desk_messages import conversation_of_partner
from pages.desk_tasks import tasks_for_page

ONE = STAFF_HOME + "/{partner}"
MOST_THREADS = 5
"""So many conversations are shown, open ones first; their own page has all."""

words.WORDS["partner_role"] = {"owner": N_("Owner"), "member": N_("Member")}


@page(ONE, "desk_partner.html", who=Who.STAFF)
def partner_at_once(visit: Visit, partner: str) -> dict[str, Any]:
    """What `read_partner` reads (27 reads at most), the partner's tasks (a query), its threads (a query, a batch), and
    a name for each colleague who has an open task or answers a thread that is shown: some thirty reads in all.

    Tasks are None for staff who have no queue, leads for all but managers and admins: as on their own pages.
    """
    assert visit.member is not None
    role = visit.member.role
    found = read_partner(visit.portal.partner_books, member=visit.member, partner=partner, now=visit.now)
    owner = partner_of_brand(visit.portal.configuration, visit.member, found.partner)
    return {field.name: getattr(found, field.name) for field in fields(found)} | {
        "announcements": [_announced(visit, owner, each) for each in found.announcements],
        "tasks": tasks_for_page(visit, found.partner, still_open=True) if role in READERS else None,
        "conversations": conversation_of_partner(visit, owner, MOST_THREADS)["items"],
        "may_propose": role in MAY_PROPOSE,
        "may_see_leads": role in GIVERS,
        "may_audit": role in MAY_AUDIT,
    }


def _announced(visit: Visit, partner: Partner, each: Announced) -> dict[str, Any]:
    """In the words of whoever looks, filled in for the partner."""
    said = each.text.words(visit.language.code)
    if said.placeholders:
        said = said.filled(values_for(visit.portal.configuration, visit.brand, partner, partner.name))
    return {
        "announcement": each.announcement,
        "title": said.subject,
        "published_at": each.published_at,
        "read_by": each.read_by,
    }
