"""`/desk/partners`: the brand's partners. `/desk/events`: what a source could not deliver, and sending it again."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import Visit

from introducer.domain.configuration import Source
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.events import milliseconds
from introducer.services.replay_quarantined import replay_quarantined
from introducer.sources.events import UnknownType
from introducer.store.facts import Quarantined

EVENTS = "/desk/events"
_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


class Replay(BaseModel):
    """Which quarantined message is sent to the engine again."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    day: Annotated[str, StringConstraints(pattern=_DAY.pattern)]
    id: Annotated[str, StringConstraints(min_length=1, max_length=60)]


@page(
    STAFF_HOME,
    "desk_partners.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row.partner),
        ("name", lambda row: row.name),
        ("kind", lambda row: row.kind),
        ("status", lambda row: row.status),
        ("country", lambda row: row.country),
        ("currency", lambda row: row.currency),
        ("manager", lambda row: row.manager),
    ),
)
def partners(visit: Visit) -> dict[str, Any]:
    assert visit.member is not None
    subject = f"cards of {visit.member.brand}"
    found = visit.portal.configuration.cards(visit.member.brand, visit.position(subject), visit.limit())
    return {"items": found.items, "next": visit.next(subject, found.cursor)}


@page(
    EVENTS,
    "desk_events.html",
    who=Who.STAFF,
    columns=(
        ("id", lambda row: row["id"]),
        ("at", lambda row: row["at"]),
        ("reason", lambda row: row["reason"]),
        ("detail", lambda row: row["detail"]),
        ("event_id", lambda row: row["event_id"]),
        ("replayed_at", lambda row: row["replayed_at"]),
        ("message", lambda row: row["message"]),
    ),
)
def events(visit: Visit) -> dict[str, Any]:
    name, day = visit.query("source"), visit.query("day") or visit.today
    _check_day(day)
    answer: dict[str, Any] = {"source": name, "day": day, "items": [], "next": None}
    if not name:
        return answer
    source = _source(visit, name)
    subject = f"quarantine of {source.brand} {source.source} on {day}"
    found = visit.portal.facts.quarantined(source.brand, source.source, day, visit.position(subject), visit.limit())
    return answer | {
        "items": [_row(kept) for kept in found.items],
        "next": visit.next(subject, found.cursor),
    }


@page(f"{EVENTS}/replay", method="POST", who=Who.STAFF)
def replay(visit: Visit) -> Done:
    wish = visit.read(Replay)
    _check_day(wish.day)
    source = _source(visit, wish.source)
    kept = replay_quarantined(
        visit.portal.facts, brand=source.brand, source=source.source, day=wish.day, name=wish.id, at=visit.now
    )
    return Done(_row(kept), f"{EVENTS}?source={source.source}&day={wish.day}")


def _source(visit: Visit, name: str) -> Source:
    """The source, if it is one of the member's own brand."""
    assert visit.member is not None
    source = visit.portal.configuration.source(name)
    if source.brand != visit.member.brand:
        raise NotFound("There is no such source.")
    return source


def _row(kept: Quarantined) -> dict[str, Any]:
    return {
        "id": f"{milliseconds(kept.at)}-{kept.digest}",
        "at": kept.at,
        "reason": kept.reason,
        "detail": kept.detail,
        "event_id": kept.event_id,
        "message": kept.message,
        "replayed_at": kept.replayed_at,
        "can_replay": kept.reason != UnknownType.code and kept.event_id is not None and kept.client is not None,
    }


def _check_day(day: str) -> None:
    try:
        if not _DAY.fullmatch(day):
            raise ValueError
        date.fromisoformat(day)
    except ValueError:
        raise Malformed("day is a date, such as 2026-04-02.", code="bad_day") from None
