"""What is left of an API key's allowance, and the day of its last use: one item per key, one write per request.

The write is the count: it moves the moment at which the key's bucket is full (`domain.rate_limit`) on by one interval,
under the condition that there is room. Two requests at once, in whichever containers, are told apart by DynamoDB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.rate_limit import Allowance, Limit
from introducer.store import keys
from introducer.store.wire import Refused, batch_get, connect, reading, writing

_MOST_KNOWN = 1_000


class ApiKeyUses:
    """All of it may raise `Unavailable`. It remembers how full the buckets were that it met: which of the two writes is
    tried first follows from it, and a key that is refused costs no write until there is room again."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._known: dict[str, int] = {}

    def take(self, key: str, limit: Limit, now: int, day: str) -> Allowance:
        """Counts a request of this key; what its sender may still send."""
        known = self._known.get(key, 0)
        room = now + limit.depth - limit.interval
        # The moment moves on alone: what had no room before has none until then.
        if known > room:
            return Allowance(limit, False, known, now)
        for begun in (known >= now, known < now, known >= now):
            full_at = self._on(key, limit, now, room, day) if begun else self._anew(key, limit, now, day)
            if full_at is not None:
                return Allowance(limit, True, self._remember(key, full_at), now)
        full_at = self._full_at(key)
        # By now there is room, or the books show an older state: then the sender waits for one interval.
        return Allowance(limit, False, self._remember(key, max(full_at, room + 1)), now)

    def days(self, of: Iterable[str]) -> dict[str, str]:
        """The UTC day on which each of these keys was used last; without those never used."""
        places = [keys.key("api_key_use", key=key) for key in of]
        found = batch_get(self._connection, self._table, places)
        return {keys.parts(item[keys.PK])[1]: item["used"] for item in found}

    def _on(self, key: str, limit: Limit, now: int, room: int, day: str) -> int | None:
        full = Path("full_at")
        return self._write(
            key, [full.set(full + limit.interval), Path("used").set(day)], (full >= now) & (full <= room)
        )

    def _anew(self, key: str, limit: Limit, now: int, day: str) -> int | None:
        full = Path("full_at")
        actions = [full.set(now + limit.interval), Path("used").set(day)]
        return self._write(key, actions, full.does_not_exist() | (full < now))

    def _write(self, key: str, actions: list[Any], condition: Any) -> int | None:
        place = keys.key("api_key_use", key=key)
        try:
            with writing():
                answer = self._connection.update_item(
                    self._table, place.pk, place.sk, actions=actions, condition=condition, return_values="UPDATED_NEW"
                )
        except Refused:
            return None
        return int(answer["Attributes"]["full_at"]["N"])

    def _full_at(self, key: str) -> int:
        place = keys.key("api_key_use", key=key)
        with reading():
            answer = self._connection.get_item(self._table, place.pk, place.sk, consistent_read=True)
        return int(answer["Item"]["full_at"]["N"]) if "Item" in answer else 0

    def _remember(self, key: str, full_at: int) -> int:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = full_at
        return full_at
