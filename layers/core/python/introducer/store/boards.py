"""Boards in BOOKS: snapshots of standings, packed, and whose turn it is to make the next one.

Nothing is indexed by score: what the engine writes would have to wait for the index. A snapshot is made when somebody
looks, from all entries of the contest, by one reader at a time.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.board import Row, Snapshot
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.store import keys
from introducer.store.contests import contest_from_item, contest_to_item
from introducer.store.wire import Refused, connect, from_wire, reading, to_wire, writing

TURN = "turn"
"""In the place of a part: the item that says until when nobody else makes the next snapshot. It is small: a condition
on a part would cost a write of all of it."""
LEASE = timedelta(seconds=3)
"""So long somebody has to make a snapshot before another tries. Shorter than a snapshot lasts."""

_ROWS = "rows"


class Boards:
    """Reads and writes of snapshots."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def part(self, contest: str, division: int, part: int = 0) -> Snapshot | None:
        """A part of a division's last snapshot; None where there is none. One read."""
        key = keys.key("board", contest=contest, division=division, part=part)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return snapshot_from_wire(answer["Item"]) if "Item" in answer else None

    def take_turn(self, contest: str, division: int, at: datetime) -> bool:
        """Whether it is the caller's turn to make the next snapshot, for `LEASE` from this moment on."""
        key = keys.key("board", contest=contest, division=division, part=TURN)
        until = milliseconds(at + LEASE)
        free = Path(keys.PK).does_not_exist() | (Path("until") <= milliseconds(at))
        try:
            with writing():
                self._connection.put_item(
                    self._table, key.pk, key.sk, attributes=to_wire({"until": until}), condition=free
                )
        except Refused:
            return False
        return True

    def write(self, parts: Sequence[Snapshot]) -> None:
        """Writes a snapshot, part by part; one that is newer stays. Each part is whole by itself."""
        for part in parts:
            item = snapshot_to_wire(part)
            pk, sk = item.pop(keys.PK)["S"], item.pop(keys.SK)["S"]
            older = Path(keys.PK).does_not_exist() | (Path("built_at") <= milliseconds(part.built_at))
            with suppress(Refused), writing():
                self._connection.put_item(self._table, pk, sk, attributes=item, condition=older)


def snapshot_to_wire(part: Snapshot) -> dict[str, Any]:
    """The item of a part, as DynamoDB takes it: the contest and the rows are bytes, these column by column, differences
    in the place of numbers that follow one another."""
    contest = {
        name: value
        for name, value in contest_to_item(replace(part.contest, token="")).items()
        if name not in (keys.PK, keys.SK, keys.OWNER_PK, keys.OWNER_SK)
    }
    packed = {
        "contest": contest,
        "ranks": _differences([row.rank for row in part.rows]),
        "scores": _differences([row.score for row in part.rows]),
        "partners": [row.partner for row in part.rows],
        "names": [row.shown_as for row in part.rows],
    }
    plain = {
        **keys.key("board", contest=part.contest.contest, division=part.division, part=part.part).item(),
        "built_at": milliseconds(part.built_at),
        "size": part.size,
        "ranked": part.ranked,
        "visible": part.visible,
        "entry_rank": part.entry_rank,
        "above": None if part.above is None else _json(part.above),
    }
    return {**to_wire(plain), _ROWS: {"B": zlib.compress(_json(packed).encode())}}


def snapshot_from_wire(wire: Mapping[str, Mapping[str, Any]]) -> Snapshot:
    """The part of an item, as DynamoDB sends it."""
    item = from_wire(wire)
    packed = json.loads(zlib.decompress(wire[_ROWS]["B"]))
    division, part = keys.parts(item[keys.SK])
    rows = zip(_sums(packed["ranks"]), packed["partners"], packed["names"], _sums(packed["scores"]), strict=True)
    return Snapshot(
        contest=contest_from_item(packed["contest"]),
        division=int(division),
        part=int(part),
        built_at=from_milliseconds(item["built_at"]),
        size=item["size"],
        ranked=item["ranked"],
        visible=item["visible"],
        entry_rank=item["entry_rank"],
        above=Row(*json.loads(item["above"])) if "above" in item else None,
        rows=tuple(Row(*row) for row in rows),
    )


def _differences(numbers: Sequence[int]) -> list[int]:
    return [*numbers[:1], *(after - before for before, after in pairwise(numbers))]


def _sums(differences: Sequence[int]) -> list[int]:
    found, total = [], 0
    for difference in differences:
        total += difference
        found.append(total)
    return found


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
