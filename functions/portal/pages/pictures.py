"""`/m/{material}`: the picture of a banner, for whoever opens the page that a partner put it on."""

from __future__ import annotations

from chalice.app import Response
from server import Who, page
from visit import Visit

from introducer.services.read_materials import served_picture

PATH = "/m"
SECONDS = 86_400
"""Caches keep a picture so long. What lies under an address never changes, and a removed one is gone within a day."""


def etag_of(digest: str) -> str:
    """The picture's name for caches."""
    return f'"{digest[:32]}"'


@page(PATH + "/{material}", who=Who.ANYONE)
def picture(visit: Visit, material: str) -> Response:
    """The picture of a banner, for whoever opens the page that a partner put it on. It knows nobody. Its type is what
    its bytes were read as, and a browser is told to do nothing else with it."""
    found = served_picture(visit.portal.materials, material)
    headers = {
        "Content-Type": found.content_type,
        "Cache-Control": f"public, max-age={SECONDS}",
        "ETag": etag_of(found.digest),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        # Partners' pages are other sites: they may show it.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    known = {each.strip().removeprefix("W/") for each in visit.header("if-none-match").split(",")}
    if headers["ETag"] in known or "*" in known:
        return Response("", headers, 304)
    return Response(visit.portal.pictures.content(found.material), headers, 200)
