"""Our own words in JSON: what docs/postback.md describes, as messages, as lists and as lines of a file."""

from __future__ import annotations

from pydantic import Field

from introducer.sources.dialects.model import Dialect, Line, Read, Row, Signature
from introducer.sources.dialects.pulling import PullParameters
from introducer.sources.dialects.refusals import N_
from introducer.sources.dialects.rows import json_rows


class JsonParameters(PullParameters):
    """Nothing but how to fetch, where the platform is fetched."""

    url: str = Field(
        "",
        max_length=1000,
        description=N_(
            "Where the platform answers, with places to fill: `https://…/events?from={from_unix}&page={page}`"
        ),
    )


def _says(row: Row) -> Line:
    return Read(line=row.line, event=dict(row.said))


DIALECT = Dialect(
    name="json",
    title=N_("Introducer's own JSON"),
    signature=Signature.SIGNED,
    parameters=JsonParameters,
    rows=json_rows("events"),
    says=_says,
    address=lambda parameters: str(getattr(parameters, "url", "")),
)
