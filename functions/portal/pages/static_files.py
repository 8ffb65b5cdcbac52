"""`/static/{name}`: the stylesheet, the script, the icon. Their names change with their content."""

from __future__ import annotations

import assets
from chalice.app import Response
from server import Who, page
from visit import Visit

from introducer.domain.errors import NotFound


@page("/static/{name}", who=Who.ANYONE)
def static_file(visit: Visit, name: str) -> Response:
    """A stylesheet, script or icon of the pages, under a name that changes with its content."""
    asset = assets.served().get(name)
    if asset is None:
        raise NotFound("There is no such file.", code="no_such_page")
    headers = {
        "Content-Type": f"{asset.kind}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(asset.text, headers)
