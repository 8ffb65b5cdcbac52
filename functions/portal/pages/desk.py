"""`/desk/events`: what could not be applied, by day, and sending it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Column, Done, Who, page
from visit import Visit

from introducer.domain.configuration import Availability, Role, Source
from introducer.domain.errors import Malformed, NotFound
from introducer.domain.events import milliseconds
from introducer.services.pull_source import is_pulled
from introducer.services.read_intake_of_brand import (
    read_intake_of_brand,
    read_intake_of_day,
    read_sources_of_brand,
)
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


_DAYS: tuple[Column, ...] = (
    ("source", lambda row: row.source),
    ("day", lambda row: row.day),
    ("accepted", lambda row: row.accepted),
    ("applied", lambda row: row.applied),
    ("waiting", lambda row: row.waiting),
    ("quarantined", lambda row: row.quarantined),
    ("needs_person", lambda row: str(row.needs_person).lower()),
)
_MESSAGES: tuple[Column, ...] = (
    ("id", lambda row: row["id"]),
    ("at", lambda row: row["at"]),
    ("reason", lambda row: row["reason"]),
    ("detail", lambda row: row["detail"]),
    ("event_id", lambda row: row["event_id"]),
    ("replayed_at", lambda row: row["replayed_at"]),
    ("can_replay", lambda row: str(row["can_replay"]).lower()),
    ("message", lambda row: row["message"]),
)


@page(
    EVENTS,
    "desk_events.html",
    who=Who.STAFF,
    columns=lambda data: _MESSAGES if data["source"] else _DAYS,
)
def events(visit: Visit) -> dict[str, Any]:
    """What each source sent by UTC day, and what of it could not be applied. With `source`, the messages of one `day`,
    by default today's."""
    name, day = visit.query("source"), visit.query("day") or visit.today
    _check_day(day)
    return _messages(visit, _source(visit, name), day) if name else _days(visit, day)


def _days(visit: Visit, day: str) -> dict[str, Any]:
    assert visit.member is not None
    portal = visit.portal
    found = read_intake_of_brand(
        portal.configuration, portal.intake_days, portal.facts, brand=visit.member.brand, today=visit.today
    )
    return {
        "source": "",
        "day": day,
        "sources": [_choice(source) for source in found.sources],
        "failing": _failing(visit, found.sources),
        "items": found.days,
        "next": None,
    }


def _failing(visit: Visit, sources: Sequence[Source]) -> list[str]:
    """Sources that cannot be fetched until a person looks, for those who may see why."""
    assert visit.member is not None
    if visit.member.role not in (Role.ADMIN, Role.MANAGER):
        return []
    fetched = (each for each in sources if each.status is Availability.ACTIVE and is_pulled(each))
    return [each.source for each in fetched if visit.portal.pulls.pull(each.source).needs_person]


def _messages(visit: Visit, source: Source, day: str) -> dict[str, Any]:
    portal = visit.portal
    subject = f"quarantine of {source.brand} {source.source} on {day}"
    found = portal.facts.quarantined(source.brand, source.source, day, visit.position(subject), visit.limit())
    return {
        "source": source.source,
        "day": day,
        "sources": [_choice(each) for each in read_sources_of_brand(portal.configuration, source.brand)],
        "intake": read_intake_of_day(portal.intake_days, portal.facts, source=source, day=day, today=visit.today),
        "items": [_row(kept) for kept in found.items],
        "next": visit.next(subject, found.cursor),
    }


@page(f"{EVENTS}/replay", method="POST", who=Who.STAFF, body=Replay)
def replay(visit: Visit) -> Done:
    """Sends a message that could not be applied to the engine again. Twice does no harm; one that never became an event
    is refused."""
    wish = visit.read(Replay)
    _check_day(wish.day)
    source = _source(visit, wish.source)
    kept = replay_quarantined(
        visit.portal.facts, brand=source.brand, source=source.source, day=wish.day, name=wish.id, at=visit.now
    )
    return Done(_row(kept), f"{EVENTS}?{urlencode({'source': source.source, 'day': wish.day})}")


def _source(visit: Visit, name: str) -> Source:
    """The source, if it is one of the member's own brand."""
    assert visit.member is not None
    source = visit.portal.configuration.source(name)
    if source.brand != visit.member.brand:
        raise NotFound("There is no such source.")
    return source


def _choice(source: Source) -> dict[str, Any]:
    return {"source": source.source, "status": source.status}


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
