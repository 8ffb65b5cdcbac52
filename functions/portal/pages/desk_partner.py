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
from introducer.services.people import Names
from introducer.services.read_clients_of_partner import rows_of
from introducer.services.read_partner import Announced, read_partner
from introducer.services.save_answer import values_for
from pages.deal import MAY_PROPOSE
from pages.desk_audit import MAY as MAY_AUDIT
from pages.desk_clients import MAY as MAY_SEE_CLIENTS
from pages.desk_messages import conversation_of_partner
from pages.desk_notes import latest_notes
from pages.desk_tasks import tasks_for_page

ONE = STAFF_HOME + "/{partner}"
MOST_THREADS = 5
"""So many conversations are shown, open ones first; their own page has all."""
MOST_NOTES = 3
"""So many of the newest notes are shown; their own page has all."""
MOST_CLIENTS = 5
"""So many of the newest clients are shown, under their pseudonyms."""
MOST_CHANGES = 5
"""So many of the latest changes are shown to who reads the audit trail."""

words.WORDS["partner_role"] = {"owner": N_("Owner"), "member": N_("Member")}


@page(ONE, "desk_partner.html", who=Who.STAFF)
def partner_at_once(visit: Visit, partner: str) -> dict[str, Any]:
    """All about one partner at once, what it brings, what waits, what is said and what it is paid.

    What `read_partner` reads (27 reads at most), the partner's tasks (a query), its threads and the newest notes about
    it (a query, a batch each), its newest clients (a query, a batch, and what settling posted for them), its latest
    changes (a query), and a name for each colleague who has an open task, answers a thread, noted something or made a
    change that is shown: some forty reads in all.

    Tasks are None for staff who have no queue, leads for all but managers and admins, clients for who does not look
    them up, changes for who does not read the trail: as on their own pages.
    """
    assert visit.member is not None
    role = visit.member.role
    found = read_partner(visit.portal.partner_books, member=visit.member, partner=partner, now=visit.now)
    owner = partner_of_brand(visit.portal.configuration, visit.member, found.partner)
    return {field.name: getattr(found, field.name) for field in fields(found)} | {
        "announcements": [_announced(visit, owner, each) for each in found.announcements],
        "tasks": tasks_for_page(visit, found.partner, still_open=True) if role in READERS else None,
        "conversations": conversation_of_partner(visit, owner, MOST_THREADS)["items"],
        "notes": latest_notes(visit, found.partner, MOST_NOTES),
        "clients": _clients(visit, found.partner) if role in MAY_SEE_CLIENTS else None,
        "changes": _changes(visit, found.partner) if role in MAY_AUDIT else None,
        "may_propose": role in MAY_PROPOSE,
        "may_see_leads": role in GIVERS,
        "may_audit": role in MAY_AUDIT,
    }


def _clients(visit: Visit, partner: str) -> list[dict[str, Any]]:
    """The newest, as the partner sees them, with where their evidence stands."""
    page = visit.portal.clients.of_partner(partner, limit=MOST_CLIENTS)
    rows = rows_of(visit.portal.settlements, partner, page.items)
    return [
        {"client": state.client, **{field.name: getattr(row, field.name) for field in fields(row)}}
        for state, row in zip(page.items, rows, strict=True)
    ]


def _changes(visit: Visit, partner: str) -> list[dict[str, Any]]:
    names = Names(visit.portal.configuration)
    found = visit.portal.configuration.audit_of_subject(partner, limit=MOST_CHANGES)
    return [
        {"at": each.at, "action": each.action, "by": names.of(each.by) or each.by, "why": each.why}
        for each in found.items
        if each.brand == visit.brand.brand
    ]


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
