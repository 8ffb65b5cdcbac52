"""Where a visitor comes from: the address, as far as somebody we trust says it."""

from __future__ import annotations

from hmac import compare_digest
from ipaddress import ip_address

from visit import Visit


def address_of(visit: Visit) -> str:
    """The visitor's address; empty where it is not known. Headers may be written by anybody: they are believed only
    beside the edge's own secret, and without it the address is the caller's. The redirect does the same."""
    context = visit.request.to_original_event().get("requestContext") or {}
    text = str((context.get("http") or {}).get("sourceIp", ""))
    sent = visit.header("introducer-edge")
    if sent and compare_digest(sent.encode(), visit.portal.secrets.text(visit.portal.settings.edge_secret).encode()):
        viewer = visit.header("cloudfront-viewer-address").rpartition(":")[0].strip("[]")
        # In a forwarded list the first entry is the visitor's to invent, and the edge's own word comes before it.
        text = viewer or visit.header("x-forwarded-for").partition(",")[0].strip() or text
    try:
        # A gateway on this machine says of everybody that it is itself.
        return "" if ip_address(text).is_loopback else text
    except ValueError:
        return ""
