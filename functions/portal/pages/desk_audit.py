"""`/desk/audit`: who changed what, newest first by the brand's chain, or of one subject. `/desk/audit/{about}/{id}`:
all that is on record about a client, a partner or a payout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from server import Who, page
from visit import Visit

from introducer.domain.audit_chain import ChainHead
from introducer.domain.configuration import AuditRecord, Role
from introducer.domain.errors import Forbidden, NotFound
from introducer.services.read_dossier import About, read_dossier, record_key
from introducer.store.audit_chain import audit_from_item, chain_head

PATH = "/desk/audit"
MAY = frozenset({Role.COMPLIANCE, Role.ADMIN})
"""Who reads the trail."""
OF_PAYOUTS = MAY | {Role.FINANCE}
"""Who reads all that is on record about a payout."""
ABOUT = frozenset(each.value for each in About)
_SUBJECT = re.compile(r"[\w .:@%-]{1,128}", re.ASCII)


def admit(visit: Visit, roles: frozenset[Role]) -> None:
    """Raises `Forbidden` for staff who have nothing to do with the trail."""
    if visit.member is None or visit.member.role not in roles:
        raise Forbidden("Compliance and admins read the audit trail.", code="not_your_role")


@page(
    PATH,
    "desk_audit.html",
    who=Who.STAFF,
    columns=(
        ("number", lambda row: row["number"]),
        ("at", lambda row: row["at"]),
        ("subject", lambda row: row["subject"]),
        ("action", lambda row: row["action"]),
        ("by", lambda row: row["by"]),
        ("why", lambda row: row["why"]),
        ("origin", lambda row: row["origin"]),
        ("before", lambda row: row["before"]),
        ("after", lambda row: row["after"]),
        ("audit", lambda row: row["audit"]),
    ),
)
def trail(visit: Visit) -> dict[str, Any]:
    """The latest changes of the brand, or those of one subject, for compliance and admins. `subject` names it."""
    admit(visit, MAY)
    assert visit.member is not None
    head = chain_head(visit.portal.audit_chain, visit.member.brand)
    subject = visit.query("subject")
    rows, following = _of_subject(visit, subject) if subject else _latest(visit, head)
    return {
        "subject": subject,
        "about": about_of(subject),
        "links": head.number,
        "digest": head.digest,
        "items": rows,
        "next": following,
    }


@page(PATH + "/{about}/{subject}", "desk_audit_dossier.html", who=Who.STAFF)
def dossier(visit: Visit, about: str, subject: str) -> dict[str, Any]:
    """All that is on record about a client (by its keyed hash), a partner or a payout."""
    admit(visit, OF_PAYOUTS if about == About.PAYOUT else MAY)
    assert visit.member is not None
    if about not in ABOUT or not _SUBJECT.fullmatch(subject):
        raise NotFound("There is no such page.", code="no_such_page")
    return read_dossier(visit.portal.shelves, About(about), subject, brand=visit.member.brand, now=visit.now).document()


def about_of(subject: str) -> str:
    """What a subject is, where all that is on record about it can be read: a partner or a payout."""
    return {"par_": About.PARTNER.value, "pay_": About.PAYOUT.value}.get(subject[:4], "")


def _latest(visit: Visit, head: ChainHead) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the chain, from its end; what came in since is left for the next look."""
    assert visit.member is not None
    chain, brand = visit.portal.audit_chain, visit.member.brand
    name = f"audit of {brand}"
    before, limit = int(visit.position(name) or head.number + 1), visit.limit()
    links = chain.links_before(brand, before, limit)
    items = chain.items([link.key for link in links])
    rows = [_row(audit_from_item(items[link.key]), link.number) for link in links if link.key in items]
    following = before - limit
    return rows, visit.next(name, str(following)) if following > 1 else None


def _of_subject(visit: Visit, subject: str) -> tuple[list[dict[str, Any]], str | None]:
    assert visit.member is not None
    brand = visit.member.brand
    if not _SUBJECT.fullmatch(subject):
        return [], None
    name = f"audit of {subject} of {brand}"
    found = visit.portal.configuration.audit_of_subject(subject, visit.position(name), visit.limit())
    # A name may be another brand's too: its records are for that brand's people.
    mine: Sequence[AuditRecord] = [record for record in found.items if record.brand == brand]
    places = visit.portal.audit_chain.places(brand, [record_key(record) for record in mine])
    return [_row(record, places.get(record_key(record))) for record in mine], visit.next(name, found.cursor)


def _row(record: AuditRecord, number: int | None) -> dict[str, Any]:
    return {
        "number": number,
        "at": record.at,
        "subject": record.subject,
        "action": record.action,
        "by": record.by,
        "why": record.why,
        "origin": record.origin,
        "before": record.before,
        "after": record.after,
        "audit": record.audit,
    }
