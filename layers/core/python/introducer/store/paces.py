"""The pace of mails in BOOKS: one item that all who send share, changed under what was read of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pynamodb.expressions.operand import Path

from introducer.domain.mail_pace import FAR_AHEAD, Pace, Taken, take
from introducer.store import keys
from introducer.store.partitions import one
from introducer.store.wire import Refused, connect, to_wire, writing

MAILS = "mails"
TRIES = 4
"""How often somebody asks who was met by others; then there is no permit now."""
BUSY = 200
"""Milliseconds to wait after that."""


class Known(NamedTuple):
    """The account's own rate, as it was asked for at a moment (ms)."""

    per_second: int
    at: int


class Paces:
    """Takes permits, and keeps what the mail service said of the account's rate."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def rate(self) -> Known | None:
        """The account's rate as it was last known. Raises `Unavailable`."""
        item = self._item()
        return Known(item["per_second"], item["asked_at"]) if "per_second" in item else None

    def keep_rate(self, known: Known) -> None:
        """Keeps the account's rate; an older answer changes nothing, unless the newer one is of a clock far ahead.
        Raises `Unavailable`."""
        asked = Path("asked_at")
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    *keys.key("pace", of=MAILS),
                    actions=[Path("per_second").set(known.per_second), asked.set(known.at)],
                    condition=asked.does_not_exist() | (asked < known.at) | (asked > known.at + FAR_AHEAD),
                )
        except Refused:
            pass

    def take(self, wanted: int, rate: int, now: int, pause: Callable[[int], None] = lambda attempt: None) -> Taken:
        """As many of these permits as there are at a rate per second, at this moment (ms). Raises `Unavailable`."""
        for attempt in range(TRIES):
            item = self._item()
            before = Pace(item.get("permits", 0), item.get("at", 0))
            taken = take(before, wanted, rate, now)
            if not taken.granted and taken.pace.at >= before.at:
                return taken  # nothing was taken: nothing is to be written
            as_read = Path("at").does_not_exist()
            if "at" in item:
                as_read = (Path("at") == before.at) & (Path("permits") == before.permits)
            values = to_wire({"permits": taken.pace.permits, "at": taken.pace.at})
            try:
                with writing():
                    self._connection.update_item(
                        self._table,
                        *keys.key("pace", of=MAILS),
                        actions=[Path(name).set(value) for name, value in values.items()],
                        condition=as_read,
                    )
                return taken
            except Refused:
                pause(attempt)
        return Taken(before, 0, BUSY)

    def _item(self) -> dict[str, int]:
        return one(self._connection, self._table, keys.key("pace", of=MAILS)) or {}
