"""Decisions of staff about whose client it is."""

from __future__ import annotations

from introducer.domain.configuration import Change
from introducer.domain.errors import Unavailable
from introducer.domain.events import Event, EventType
from introducer.store.audit import audit_record
from introducer.store.decisions import Decisions

ACTION = "move_client"
"""The audit trail's word for such a decision. Its subject is the client's keyed hash."""


class Moves(Decisions):
    """Reads and writes of MOVE events."""

    kind = EventType.MOVE

    def decide(self, move: Event, before: str | None, change: Change) -> Event | None:
        """Record a decision and who made it, or nothing of both. `before` is the partner who had the client.

        None when it is recorded now; else the decision of this id that was recorded before. Raises `Unavailable`.
        """
        after = {"move": move.event_id, "partner": move.partner, "starts_at": move.starts_at}
        record = audit_record(move.client, ACTION, change, {"partner": before}, after, brand=move.brand)
        if self._write(move, record):
            return None
        for decided in self.of_client(move.brand, move.client):
            if decided.event_id == move.event_id:
                return decided
        raise Unavailable("The decision could not be recorded: try again.", code="store_unavailable")
