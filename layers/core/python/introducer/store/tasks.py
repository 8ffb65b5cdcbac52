"""Tasks in BOOKS. Each step is one transaction: the task under the condition of its version, the mark that keeps a
partner to one open task per trigger, and the audit record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import KEPT
from introducer.domain.task import Mark, Outcome, Task, TaskStatus
from introducer.domain.trigger import Trigger, tells
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mails import mail_of_image
from introducer.store.owned import owned
from introducer.store.paging import every
from introducer.store.partitions import one, whole
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, unavailable

_ID = re.compile(r"tsk_[0-9A-Z]{26}", re.ASCII)


def task_to_item(task: Task) -> dict[str, Any]:
    """The item of a task; listed under its brand while it is open."""
    item: dict[str, Any] = {
        **keys.key("task", partner=task.partner, task=task.task).item(),
        "brand": task.brand,
        "name": task.name,
        "language": task.language,
        "trigger": task.trigger.value,
        "about": task.about,
        "evidence": json.dumps(task.evidence, sort_keys=True, ensure_ascii=False),
        "assignee": task.assignee,
        "given": int(task.given),
        "raised_at": milliseconds(task.raised_at),
        "due": task.due,
        "times": task.times,
        "earlier": json.dumps(task.earlier, sort_keys=True, ensure_ascii=False),
        "snoozed_until": task.snoozed_until,
        "status": task.status.value,
        "outcome": None if task.outcome is None else task.outcome.value,
        "note": task.note,
        "done_at": None if task.done_at is None else milliseconds(task.done_at),
        "done_by": task.done_by,
        "version": task.version,
        keys.TTL: milliseconds((task.done_at or task.raised_at) + KEPT) // 1000,
    }
    if task.status is TaskStatus.OPEN:
        item |= keys.owner_key("task", brand=task.brand, partner=task.partner, task=task.task)
    return item


def task_from_item(item: Mapping[str, Any]) -> Task:
    """The task of an item."""
    return Task(
        task=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        name=item["name"],
        language=item["language"],
        trigger=Trigger(item["trigger"]),
        about=item["about"],
        evidence=json.loads(item["evidence"]),
        assignee=item["assignee"],
        given=bool(item["given"]),
        raised_at=from_milliseconds(item["raised_at"]),
        due=item["due"],
        times=item["times"],
        earlier=tuple(json.loads(item["earlier"])),
        snoozed_until=item["snoozed_until"],
        status=TaskStatus(item["status"]),
        outcome=Outcome(item["outcome"]) if "outcome" in item else None,
        note=item["note"],
        done_at=from_milliseconds(item["done_at"]) if "done_at" in item else None,
        done_by=item["done_by"],
        version=item["version"],
    )


def mark_to_item(mark: Mark) -> dict[str, Any]:
    """The item of a mark."""
    return {
        **keys.key("task_mark", partner=mark.partner, trigger=mark.trigger.value).item(),
        "open": mark.open,
        # In the order in which things were raised: the oldest is forgotten first.
        "about": json.dumps(mark.about, ensure_ascii=False),
        "raised": mark.raised,
        "version": mark.version,
    }


def mark_from_item(item: Mapping[str, Any]) -> Mark:
    """The mark of an item."""
    return Mark(
        partner=keys.parts(item[keys.PK])[1],
        trigger=Trigger(keys.unescape(item[keys.SK])),
        open=item["open"],
        about=json.loads(item["about"]),
        raised=item["raised"],
        version=item["version"],
    )


def told_of_image(image: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """Among whose mails an item of the stream stands, and its id, where it tells a partner of what asks for a task."""
    told = from_wire(image)
    return mail_of_image(image) if tells(str(told.get("template")), str(told.get("audience"))) else None


class Tasks:
    """Reads and conditional writes of tasks and their marks. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def task(self, partner: str, task: str) -> Task:
        """One task, as it stands now. Raises `NotFound`."""
        if not _ID.fullmatch(task):
            raise NotFound("There is no such task.")
        key = keys.key("task", partner=partner, task=task)
        item = one(self._connection, self._table, key)
        if item is None:
            raise NotFound("There is no such task.")
        return task_from_item(item)

    def of_partner(self, partner: str) -> tuple[Task, ...]:
        """All tasks about a partner of the last 400 days, newest first, as they stand now."""
        items = self._query(keys.partition("task", partner=partner))
        return tuple(sorted(map(task_from_item, items), key=lambda task: (task.raised_at, task.task), reverse=True))

    def open_of_brand(self, brand: str) -> Iterator[Task]:
        """Every task of a brand that is not done, those of a partner together. The index lags by moments: what was done
        meanwhile is left out."""
        owner = keys.owner_partition("task", brand=brand)
        items = every(lambda at: owned(self._connection, self._table, owner, at, 100, newest_first=False))
        yield from (task for task in map(task_from_item, items) if task.status is TaskStatus.OPEN)

    def marks(self, partner: str) -> dict[Trigger, Mark]:
        """What is remembered of a partner's triggers; one that never went off has an empty mark."""
        items = self._query(keys.partition("task_mark", partner=partner))
        known = {mark.trigger: mark for mark in map(mark_from_item, items)}
        return {trigger: known.get(trigger) or Mark(partner=partner, trigger=trigger) for trigger in Trigger}

    # ----------------------------------------------------------------------------------------------------- writes

    def raise_(self, action: str, mark: Mark, task: Task, change: Change) -> None:
        """A new task, or what an open one tells now. Raises `Conflict` when its trigger's mark changed meanwhile."""
        self._write(action, None, task, change, mark)

    def step(self, action: str, before: Task, after: Task, change: Change, mark: Mark | None = None) -> None:
        """A step of an open task; with its mark where it is done. Raises `Conflict` when either changed meanwhile."""
        self._write(action, before, after, change, mark)

    # ------------------------------------------------------------------------------------------------------ parts

    def _write(self, action: str, before: Task | None, after: Task, change: Change, mark: Mark | None) -> None:
        told = None if before is None else _told(before)
        record = audit_record(after.partner, action, change, told, _told(after), brand=after.brand)
        absent = Path(keys.PK).does_not_exist()
        puts = [
            self._put(task_to_item(after), _as_read(after.version)),
            self._put(audit_to_item(record), absent),
        ]
        if mark is not None:
            puts.append(self._put(mark_to_item(mark), _as_read(mark.version)))
        # The same for a resent request alone: two that raise different things in one millisecond are two.
        token = derived_id("t", action, change.by, milliseconds(change.at), task_to_item(after), mark)
        try:
            self._connection.transact_write_items((), (), puts, (), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("The task changed meanwhile: read it again.") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error

    def _put(self, item: Mapping[str, Any], condition: Condition) -> dict[str, Any]:
        return put_operation(self._connection, self._table, item, condition)

    def _query(self, pk: str) -> list[dict[str, Any]]:
        return list(whole(self._connection, self._table, pk))


def _as_read(version: int) -> Condition:
    """What is written with a version is put over the one before it; the first over nothing."""
    return Path(keys.PK).does_not_exist() if version == 1 else Path("version") == version - 1


def _told(task: Task) -> dict[str, Any]:
    """What the audit trail says of it: nothing that somebody wrote, and no name; these can be erased."""
    return {
        "task": task.task,
        "trigger": task.trigger.value,
        "status": task.status.value,
        "assignee": task.assignee,
        "due": task.due,
        "snoozed_until": task.snoozed_until,
        "outcome": None if task.outcome is None else task.outcome.value,
        "times": task.times,
    }
