"""What cases decide about clients: events in FACTS, like what platforms report, so that the engine follows them by the
stream; the audit record of each, in BOOKS, is written in the same transaction.
"""

from __future__ import annotations

from introducer.domain.configuration import Change
from introducer.domain.events import Event


class Rulings:
    """Reads and writes of VERDICT events, across both tables."""

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        raise NotImplementedError

    def of_client(self, brand: str, client: str) -> list[Event]:
        """All rulings about a client in the order in which they were made, read consistently."""
        raise NotImplementedError

    def record(self, ruling: Event, change: Change) -> bool:
        """Records a ruling and who made it, or nothing of both; whether it is new. Raises `Unavailable`."""
        raise NotImplementedError
