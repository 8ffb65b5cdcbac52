"""What cases decide about clients: from when on they earn nothing, or earn again."""

from __future__ import annotations

from introducer.domain.configuration import Change
from introducer.domain.events import Event, EventType
from introducer.store.audit import audit_record
from introducer.store.decisions import Decisions

ACTION = "rule_on_client"
"""The audit trail's word for such a fact. Its subject is the client's keyed hash."""


class Rulings(Decisions):
    """Reads and writes of VERDICT events."""

    kind = EventType.VERDICT

    def record(self, ruling: Event, change: Change) -> bool:
        """Records a ruling and who made it, or nothing of both; whether it is new. Raises `Unavailable`."""
        told = {"ruling": ruling.event_id, "case": ruling.case, "status": ruling.status, "reason": ruling.reason}
        after = told | {"starts_at": ruling.starts_at}
        return self._write(ruling, audit_record(ruling.client, ACTION, change, None, after, brand=ruling.brand))
