"""BOOKS: how many events of a source were accepted, applied and put into quarantine, by UTC day.

The day is that of acceptance in all numbers. What is neither applied nor in quarantine still waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.store import keys
from introducer.store.partitions import whole
from introducer.store.wire import Refused, connect, from_wire, reading, writing


@dataclass(frozen=True, slots=True)
class IntakeDay:
    """A source's day."""

    source: str
    day: str
    accepted: int = 0
    applied: int = 0
    quarantined: int = 0
    """Messages kept for a person, replayed ones among them."""
    marks: str = ""
    """Which batches were counted last; the counting service alone reads it."""

    @property
    def waiting(self) -> int:
        """Accepted, and not in the books yet."""
        return self.accepted - self.applied


class IntakeDays:
    """The intake counters of a BOOKS table."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def get(self, source: str, day: str) -> IntakeDay:
        """The source's day, all zero when nothing was counted. Read consistently. Raises `Unavailable`."""
        key = keys.key("intake_day", source=source, day=day)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return _day(from_wire(answer["Item"])) if "Item" in answer else IntakeDay(source, day)

    def of_source(self, source: str) -> list[IntakeDay]:
        """All days of a source, oldest first. Raises `Unavailable`."""
        pk, days = keys.partition("intake_day", source=source), Path(keys.SK).startswith(keys.prefix("intake_day"))
        return [_day(item) for item in whole(self._connection, self._table, pk, days, consistent=False)]

    def add(self, seen: IntakeDay, more: IntakeDay) -> bool:
        """Add the numbers of `more` to a day as it was `seen`, and leave its marks.

        False, with nothing added, when another has added since.

        One write unit. Raises `Unavailable`.
        """
        key = keys.key("intake_day", source=seen.source, day=seen.day)
        at = Path("marks")
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    key.pk,
                    key.sk,
                    actions=[
                        Path("accepted").add(more.accepted),
                        Path("applied").add(more.applied),
                        Path("quarantined").add(more.quarantined),
                        at.set(more.marks),
                    ],
                    condition=(at == seen.marks) if seen.marks else at.does_not_exist(),
                )
        except Refused:
            return False
        return True


def _day(item: Mapping[str, Any]) -> IntakeDay:
    return IntakeDay(
        source=keys.parts(item[keys.PK])[1],
        day=keys.parts(item[keys.SK])[1],
        accepted=item.get("accepted", 0),
        applied=item.get("applied", 0),
        quarantined=item.get("quarantined", 0),
        marks=item.get("marks", ""),
    )
