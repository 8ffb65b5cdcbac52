"""Sequences in BOOKS, and how far partners are in them.

A step is one transaction: the mail, and that the partner had the step, under the condition that nothing moved since it
was read. So each step is taken once, however often it is tried, and a mail is never put without being remembered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.domain.mail_text import text_from_data, text_to_data
from introducer.domain.sequence import (
    CONDITIONS,
    Done,
    End,
    Fact,
    Place,
    Progress,
    Sequence,
    Step,
    changed_steps,
    series,
)
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mail_figures import met_update
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.reservations import write_all
from introducer.store.wire import Wire, connect, from_wire, put_operation, reading

WALKING, OVER = "walking", "over"
"""Under which of the two a partner is listed."""


def sequence_to_item(sequence: Sequence) -> dict[str, Any]:
    """The item of a sequence."""
    steps = [
        {
            "step": step.step,
            "wait_hours": step.wait_hours,
            "conditions": [condition.word for condition in step.conditions],
            "place": step.place.value,
            "text": text_to_data(step.text),
        }
        for step in sequence.steps
    ]
    return {
        **keys.key("sequence", brand=sequence.brand, sequence=sequence.sequence).item(),
        "steps": json.dumps(steps, ensure_ascii=False, separators=(",", ":")),
        "goal": sequence.goal.value if sequence.goal else "",
        "on": int(sequence.on),
        "version": sequence.version,
    }


def sequence_from_item(item: Mapping[str, Any]) -> Sequence:
    """The sequence of an item."""
    return Sequence(
        brand=keys.parts(item[keys.PK])[1],
        sequence=keys.unescape(item[keys.SK]),
        steps=tuple(
            Step(
                step=step["step"],
                wait_hours=step["wait_hours"],
                conditions=tuple(CONDITIONS[word] for word in step["conditions"]),
                place=Place(step["place"]),
                text=text_from_data(step["text"]),
            )
            for step in json.loads(item["steps"])
        ),
        goal=Fact(item["goal"]) if item["goal"] else None,
        on=bool(item["on"]),
        version=item["version"],
    )


def walk_to_item(state: Progress) -> dict[str, Any]:
    """The item of a partner in a sequence, listed under its brand by whether it is over."""
    item: dict[str, Any] = {
        **keys.key("walk", partner=state.partner, sequence=state.sequence).item(),
        **keys.owner_key(
            "walk", brand=state.brand, sequence=state.sequence, state=OVER if state.end else WALKING,
            started=milliseconds(state.started_at), partner=state.partner,
        ),
        "brand": state.brand,
        "started_at": milliseconds(state.started_at),
        "done": json.dumps([[each.step, milliseconds(each.at), int(each.sent)] for each in state.done]),
        "version": state.version,
    }  # fmt: skip
    if state.end is not None and state.ended_at is not None:
        item |= {"end": state.end.value, "ended_at": milliseconds(state.ended_at)}
    return item


def walk_from_item(item: Mapping[str, Any]) -> Progress:
    """How far the partner of an item is."""
    return Progress(
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        sequence=keys.parts(item[keys.SK])[1],
        started_at=from_milliseconds(item["started_at"]),
        done=tuple(Done(step, from_milliseconds(at), bool(sent)) for step, at, sent in json.loads(item["done"])),
        end=End(item["end"]) if "end" in item else None,
        ended_at=from_milliseconds(item["ended_at"]) if "ended_at" in item else None,
        version=item["version"],
    )


def begun_of_image(image: Wire) -> Progress | None:
    """Who begins a sequence with an item of the stream; None for one of another kind, or that has begun before."""
    item = from_wire(image)
    prefix, _, _ = keys.ITEMS["walk"].sk.partition("#")
    if not str(item.get(keys.SK, "")).startswith(f"{prefix}#") or not {"brand", "done", "version"} <= item.keys():
        return None
    state = walk_from_item(item)
    key = keys.key("walk", partner=state.partner, sequence=state.sequence)
    # A key alone says what an item is: another one may have attributes of these names.
    return state if state.version == 1 and key == (item[keys.PK], item[keys.SK]) else None


class Sequences:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def sequence(self, brand: str, sequence: str) -> Sequence | None:
        """A brand's sequence as it stands now; None while nobody has changed the default."""
        item = self._item(keys.key("sequence", brand=brand, sequence=sequence))
        return sequence_from_item(item) if item else None

    def walk(self, partner: str, sequence: str) -> Progress:
        """How far a partner is. Raises `NotFound` for one that never began."""
        item = self._item(keys.key("walk", partner=partner, sequence=sequence))
        if not item:
            raise NotFound("This partner walks no such sequence.")
        return walk_from_item(item)

    def walks(
        self, brand: str, sequence: str, *, over: bool = False, cursor: str | None = None, limit: int = 50
    ) -> Page[Progress]:
        """A page of those who walk a sequence, or are through; who began last comes first."""
        state = OVER if over else WALKING
        owner = keys.owner_partition("walk", brand=brand, sequence=sequence, state=state)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=True)
        found = map(walk_from_item, page.items)
        return Page(tuple(each for each in found if (each.end is not None) is over), page.cursor)

    # ----------------------------------------------------------------------------------------------------- writes

    def put(self, before: Sequence, after: Sequence, change: Change) -> None:
        """The sequence as it is from now on. Raises `Conflict` (`sequence_changed`) when it is not as it was read."""
        record = audit_record(
            after.brand, "set_sequence", change, _told(before, ()), _told(after, changed_steps(before, after)),
            brand=after.brand,
        )  # fmt: skip
        puts = (
            put_operation(self._connection, self._table, sequence_to_item(after), _as_read(before.version)),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        )
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("The sequence was changed meanwhile: look at it again.", code="sequence_changed")

    def go_on(self, before: Progress, after: Progress, change: Change, mail: Mail | None) -> bool:
        """The partner is further, and is told what the step says; whether it was written: False when somebody else did
        it, or the step was told before. A goal that it reached is counted for the step that it was sent last."""
        record = audit_record(
            after.partner, "walk_sequence", change, {"version": before.version}, _stands(after), brand=after.brand
        )
        puts = [
            put_operation(self._connection, self._table, walk_to_item(after), _as_read(before.version)),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        ]
        if mail is not None:
            puts.append(mail_put(self._connection, self._table, mail))
        counts = []
        if after.end is End.GOAL and after.last_sent is not None:
            step = series(after.sequence, after.last_sent)
            counts.append(met_update(self._connection, self._table, after.brand, step, partner=after.partner))
        return write_all(self._connection, puts, counts, (), token=derived_id("t", *puts))

    # ------------------------------------------------------------------------------------------------------ parts

    def _item(self, key: keys.Key) -> dict[str, Any]:
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        return from_wire(answer.get("Item", {}))


def _as_read(version: int) -> Any:
    return Path("version") == version if version else Path(keys.PK).does_not_exist()


def _told(sequence: Sequence, steps: Any) -> dict[str, Any]:
    """What the trail says of a sequence: its texts stand in the item."""
    told: dict[str, Any] = {"sequence": sequence.sequence, "version": sequence.version, "on": sequence.on}
    told["goal"] = sequence.goal.value if sequence.goal else ""
    return told | ({"steps": list(steps)} if steps else {})


def _stands(state: Progress) -> dict[str, Any]:
    told: dict[str, Any] = {"sequence": state.sequence, "version": state.version}
    if state.end is not None:
        return told | {"end": state.end.value}
    return told | {"step": state.done[-1].step, "sent": state.done[-1].sent}
