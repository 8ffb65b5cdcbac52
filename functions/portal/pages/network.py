"""`/network`: the link by which a partner invites others, who stands below it, and what each branch brought in a month.

What a child earns itself is nobody else's; what the partner earns from it stands in the books. Who applied by the link
is told as a number: it is for them to say who they are.
"""

from __future__ import annotations

import re
from typing import Any

import qr
from chalice.app import Response
from server import page
from visit import N_, Visit

from introducer.domain.calendar import plus_months
from introducer.domain.errors import Malformed
from introducer.domain.sharing import ways
from introducer.services.read_network import LEVELS, code_for, read_network
from introducer.wording.sentences import say
from pages.links import origin

PATH = "/network"
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
_QR_HEADERS = {
    "Cache-Control": "private, max-age=3600",
    # Kept for whoever is signed in: the next one at this browser has their own.
    "Vary": "Cookie, Authorization",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_INVITATION = N_("Become a partner of %(brand)s: %(link)s")
_SUBJECT = N_("Become a partner of %(brand)s")


@page(
    PATH,
    "network.html",
    columns=(
        ("partner", lambda row: row["partner"]),
        ("name", lambda row: row["name"]),
        ("kind", lambda row: row["kind"]),
        ("country", lambda row: row["country"]),
        ("status", lambda row: row["status"]),
        ("joined", lambda row: row["joined"]),
        ("registrations", lambda row: row["registrations"]),
        ("ftd", lambda row: row["ftd"]),
        *((f"level_{level}", lambda row, place=level - 2: row["levels"][place]) for level in range(2, LEVELS + 1)),
        ("brought", lambda row: "; ".join(map(str, row["brought"]))),
    ),
)
def network(visit: Visit) -> dict[str, Any]:
    """The partners directly below, the newest first, with their month, and the recruiting link. `month` is the current
    one unless said otherwise."""
    assert visit.partner is not None and visit.member is not None
    month = visit.query("month") or visit.today[:7]
    if not _MONTH.fullmatch(month) or month > visit.today[:7]:
        raise Malformed("month is a year and a month that has begun, such as 2026-04.", code="bad_month")
    subject = f"network of {visit.partner.partner}"
    found = read_network(
        visit.portal.network_books,
        partner=visit.partner,
        month=month,
        at=visit.now,
        cursor=visit.position(subject),
        limit=visit.limit(25, 50),
    )
    link, brand = _address(visit), visit.brand.name
    invitation = visit.language.text(_INVITATION) % {"brand": brand, "link": link}
    return {
        "link": link,
        "qr": {"svg": f"{PATH}/qr.svg", "png": f"{PATH}/qr.png"},
        "invitation": invitation,
        "ways": ways(invitation, link, visit.language.text(_SUBJECT) % {"brand": brand}),
        "brings": [say(visit.language, each) for each in found.brings],
        "has_deal": found.has_deal,
        "waiting": found.waiting,
        "approved": found.approved,
        "month": month,
        "earlier_month": plus_months(month, -1),
        "later_month": plus_months(month, 1) if month < visit.today[:7] else None,
        "brought": found.brought,
        "elsewhere": found.elsewhere,
        "items": [
            {
                "partner": each.partner,
                "name": each.name,
                "kind": each.kind,
                "country": each.country,
                "status": each.status,
                "joined": each.joined,
                "registrations": each.registrations,
                "ftd": each.ftd,
                "levels": each.levels,
                "below": sum(each.levels),
                "cut": each.cut,
                "brought": each.brought,
            }
            for each in found.children
        ],
        "next": visit.next(subject, found.cursor),
    }


@page(PATH + "/qr.svg")
def recruit_qr_as_svg(visit: Visit) -> Response:
    """The recruiting link as a QR code, drawn."""
    return Response(qr.svg(_address(visit)), _headers(visit, "image/svg+xml; charset=utf-8", "svg"), 200)


@page(PATH + "/qr.png")
def recruit_qr_as_png(visit: Visit) -> Response:
    """The recruiting link as a QR code, in pixels."""
    return Response(qr.png(_address(visit)), _headers(visit, "image/png", "png"), 200)


def _address(visit: Visit) -> str:
    assert visit.partner is not None and visit.member is not None
    books = visit.portal.network_books
    code = code_for(
        books.configuration,
        books.applications,
        visit.portal.brand_key(visit.partner.brand),
        member=visit.member,
        partner=visit.partner.partner,
        at=visit.now,
    )
    return f"{origin(visit)}/apply?with={code}"


def _headers(visit: Visit, kind: str, ending: str) -> dict[str, str]:
    headers = {"Content-Type": kind} | _QR_HEADERS
    if visit.query("download"):
        headers["Content-Disposition"] = f'attachment; filename="invitation.{ending}"'
    return headers
