"""A person sends a quarantined event to the engine again, when what was in its way is put right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.store.facts import Facts, Quarantined


def replay_quarantined(facts: Facts, *, brand: str, source: str, day: str, name: str, at: datetime) -> Quarantined:
    """The message, marked as replayed. `name` is its time in milliseconds and its digest: `1775122200000-3f9a…`.

    Replaying twice does no harm: the engine applies an event once. Raises `NotFound` when there is no such message, and
    `Conflict` (`never_accepted`) for one that never became an event: only its sender can send it anew.
    """
    kept = _find(facts, brand, source, day, name)
    never = Conflict(
        "This message never became an event: the platform must send it again, corrected.", code="never_accepted"
    )
    if kept.event_id is None or kept.client is None:
        raise never
    try:
        facts.mark_for_retry(brand, kept.client, source, kept.event_id)
    except NotFound:
        raise never from None
    facts.mark_replayed(kept, at)
    return replace(kept, replayed_at=at)


def _find(facts: Facts, brand: str, source: str, day: str, name: str) -> Quarantined:
    for kept in facts.every_quarantined(brand, source, day):
        if f"{milliseconds(kept.at)}-{kept.digest}" == name:
            return kept
    raise NotFound("There is no such quarantined message.", code="no_such_message")
