"""Conversations in BOOKS: threads, their messages, and the answers that a brand has saved.

Each step is one transaction: the thread under the condition that it is as it was read, the message, the audit record
where staff change something, and the mail that tells the other side. Texts stand in messages alone, never in the trail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.conversation import MOST_MESSAGES, Kind, Message, Side, Thread, ThreadStatus
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.domain.mail_text import text_from_data, text_to_data
from introducer.domain.saved_answer import SavedAnswer
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mails import mail_put
from introducer.store.owned import owned_places
from introducer.store.paging import Page
from introducer.store.partitions import one, whole
from introducer.store.reservations import write_all
from introducer.store.wire import Refused, batch_get, connect, from_wire, put_operation, reading, writing

_THREAD = re.compile(r"thr_[0-9A-Z]{26}", re.ASCII)
_ANSWER = re.compile(r"ans_[0-9A-Z]{26}", re.ASCII)
LAST = 9_999_999_999_999
"""Later than any moment in milliseconds: what is taken from it sorts the newest first."""
WAITS, ANSWERED, CLOSED = "0", "1", "2"
"""How the order of a brand's threads begins."""


def order_of(thread: Thread) -> str:
    """Where a thread stands in its brand's list: those that wait first, the longest wait first; then those that were
    answered, and those that are closed, the newest first."""
    if thread.status is ThreadStatus.CLOSED:
        return f"{CLOSED}-{LAST - milliseconds(thread.last_at):013d}"
    if thread.waits_since is not None:
        return f"{WAITS}-{milliseconds(thread.waits_since):013d}"
    return f"{ANSWERED}-{LAST - milliseconds(thread.last_at):013d}"


def thread_to_item(thread: Thread) -> dict[str, Any]:
    """The item of a thread."""
    item: dict[str, Any] = {
        **keys.key("thread", partner=thread.partner, thread=thread.thread).item(),
        **keys.owner_key("thread", brand=thread.brand, order=order_of(thread), thread=thread.thread),
        "brand": thread.brand,
        "subject": thread.subject,
        "opened_by": thread.opened_by,
        "opened_at": milliseconds(thread.opened_at),
        "status": thread.status.value,
        "assigned": thread.assigned,
        "messages": thread.messages,
        "from_partner": thread.from_partner,
        "from_staff": thread.from_staff,
        "read_by_partner": thread.read_by_partner,
        "read_by_staff": thread.read_by_staff,
        "last_at": milliseconds(thread.last_at),
        "version": thread.version,
    }
    for name in ("waits_since", "told_partner", "told_staff"):
        if (moment := getattr(thread, name)) is not None:
            item[name] = milliseconds(moment)
    return item


def thread_from_item(item: Mapping[str, Any]) -> Thread:
    """The thread of an item."""
    moments = {
        name: from_milliseconds(item[name]) for name in ("waits_since", "told_partner", "told_staff") if name in item
    }
    return Thread(
        thread=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        subject=item["subject"],
        opened_by=item["opened_by"],
        opened_at=from_milliseconds(item["opened_at"]),
        status=ThreadStatus(item["status"]),
        assigned=item["assigned"],
        messages=item["messages"],
        from_partner=item["from_partner"],
        from_staff=item["from_staff"],
        read_by_partner=item["read_by_partner"],
        read_by_staff=item["read_by_staff"],
        last_at=from_milliseconds(item["last_at"]),
        version=item["version"],
        **moments,
    )


def message_to_item(message: Message) -> dict[str, Any]:
    """The item of a message."""
    return {
        **_message_key(message.partner, message.thread, message.number).item(),
        "message": message.message,
        "kind": message.kind.value,
        "by": message.by,
        "at": milliseconds(message.at),
        "text": message.text,
    }


def message_from_item(item: Mapping[str, Any]) -> Message:
    """The message of an item."""
    thread, number = keys.parts(item[keys.SK])
    return Message(
        thread=thread,
        partner=keys.parts(item[keys.PK])[1],
        number=int(number),
        message=item["message"],
        kind=Kind(item["kind"]),
        by=item["by"],
        at=from_milliseconds(item["at"]),
        text=item["text"],
    )


def answer_to_item(answer: SavedAnswer) -> dict[str, Any]:
    """The item of a saved answer."""
    return {
        **keys.key("saved_answer", brand=answer.brand, answer=answer.answer).item(),
        "text": json.dumps(text_to_data(answer.text), ensure_ascii=False, sort_keys=True),
        "changed_by": answer.changed_by,
        "changed_at": milliseconds(answer.changed_at),
        "removed": int(answer.removed),
        "version": answer.version,
    }


def answer_from_item(item: Mapping[str, Any]) -> SavedAnswer:
    """The saved answer of an item."""
    return SavedAnswer(
        answer=keys.unescape(item[keys.SK]),
        brand=keys.parts(item[keys.PK])[1],
        text=text_from_data(json.loads(item["text"])),
        changed_by=item["changed_by"],
        changed_at=from_milliseconds(item["changed_at"]),
        removed=bool(item["removed"]),
        version=item["version"],
    )


class Conversations:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def thread(self, partner: str, thread: str) -> Thread:
        """One thread of this partner, as it stands now. Raises `NotFound`."""
        missing = NotFound("There is no such conversation.")
        if not _THREAD.fullmatch(thread):
            # What is longer than a key can be would be no answer at all.
            raise missing
        item = self._get(keys.key("thread", partner=partner, thread=thread))
        if item is None:
            raise missing
        return thread_from_item(item)

    def of_partner(self, partner: str) -> tuple[Thread, ...]:
        """All threads of a partner, whatever was written in last first, as they stand now."""
        found = map(thread_from_item, self._partition(keys.partition("thread", partner=partner)))
        return tuple(sorted(found, key=lambda each: (each.last_at, each.thread), reverse=True))

    def of_brand(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[Thread]:
        """A page of a brand's threads, in the order of `order_of`. The index lags by moments: a thread that is being
        written in can be on two pages, or on none, and stands as it is now."""
        page = self.placed(brand, cursor, limit)
        return Page(tuple(thread for _, thread in page.items), page.cursor)

    def placed(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[tuple[str, Thread]]:
        """The same, each thread with the cursor of what comes after it: the place that the index has it at, whatever
        was written meanwhile."""
        owner = keys.owner_partition("thread", brand=brand)
        page = owned_places(self._connection, self._table, owner, cursor, limit, newest_first=False)
        return Page(tuple((at, thread_from_item(item)) for at, item in page.items), page.cursor)

    def messages(self, partner: str, thread: str, before: int | None = None, limit: int = 50) -> Page[Message]:
        """A page of a thread's messages, notes among them, the newest first; `before` is a message's number. The
        cursor is a number as text."""
        if before is not None and before <= 1:
            return Page(())
        newest = MOST_MESSAGES if before is None else before - 1
        first, last = (_message_key(partner, thread, number).sk for number in (1, newest))
        with reading():
            answer = self._connection.query(
                self._table,
                keys.partition("message", partner=partner),
                range_key_condition=Path(keys.SK).between(first, last),
                limit=limit,
                scan_index_forward=False,
                consistent_read=True,
            )
        found = tuple(message_from_item(from_wire(item)) for item in answer["Items"])
        return Page(found, str(found[-1].number) if found and answer.get("LastEvaluatedKey") else None)

    def cards(self, brand: str, partners: set[str]) -> Mapping[str, tuple[str, str]]:
        """What partners are called, and the member who looks after each (empty: nobody)."""
        wanted = [keys.key("card", brand=brand, partner=each) for each in sorted(partners)]
        found = batch_get(self._connection, self._table, wanted, ["partner", "name", "manager"])
        return {item["partner"]: (item["name"], item.get("manager", "")) for item in found}

    def saved_answer(self, brand: str, answer: str) -> SavedAnswer:
        """One that was not removed. Raises `NotFound`."""
        item = self._get(keys.key("saved_answer", brand=brand, answer=answer)) if _ANSWER.fullmatch(answer) else None
        if item is None or item["removed"]:
            raise NotFound("There is no such saved answer.")
        return answer_from_item(item)

    def saved_answers(self, brand: str) -> tuple[SavedAnswer, ...]:
        """All that were not removed, in the order of their titles in English."""
        found = map(answer_from_item, self._partition(keys.partition("saved_answer", brand=brand)))
        return tuple(sorted((each for each in found if not each.removed), key=lambda each: (each.title, each.answer)))

    # ----------------------------------------------------------------------------------------------------- writes

    def write(
        self,
        before: Thread | None,
        after: Thread,
        *,
        action: str,
        change: Change | None = None,
        message: Message | None = None,
        mail: Mail | None = None,
    ) -> None:
        """A thread's next state with what makes it so. `change` is for what staff do: it is on record.

        Raises `Conflict` when the thread is not as it was read, or its id is taken: read again.
        """
        absent = Path(keys.PK).does_not_exist()
        as_read = absent if before is None else Path("version") == before.version
        puts = [self._put(thread_to_item(after), as_read)]
        if message is not None:
            puts.append(self._put(message_to_item(message), absent))
        if change is not None:
            told = None if before is None else _told(before)
            record = audit_record(after.partner, action, change, told, _told(after), brand=after.brand)
            puts.append(self._put(audit_to_item(record), absent))
        if mail is not None:
            puts.append(mail_put(self._connection, self._table, mail))
        # The same for a resent request, so that a lost answer is answered again and not refused.
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("Something was written in this conversation meanwhile: try again.", code="thread_changed")

    def mark_read(self, thread: Thread, side: Side, number: int) -> None:
        """A side has read up to this message. Less than is known already changes nothing."""
        key = keys.key("thread", partner=thread.partner, thread=thread.thread)
        name = Path(f"read_by_{side.value}")
        actions = [name.set(number), Path("version").add(1)]
        try:
            with writing():
                self._connection.update_item(self._table, key.pk, key.sk, actions=actions, condition=name < number)
        except Refused:
            return

    def save(self, before: SavedAnswer | None, after: SavedAnswer, change: Change, action: str) -> None:
        """A saved answer, new or changed. Raises `Conflict` when it was changed meanwhile, or its id is taken."""
        absent = Path(keys.PK).does_not_exist()
        as_read = absent if before is None else Path("version") == before.version
        told = None if before is None else _told_answer(before)
        record = audit_record(after.answer, action, change, told, _told_answer(after), brand=after.brand)
        puts = [self._put(answer_to_item(after), as_read), self._put(audit_to_item(record), absent)]
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("This answer was changed meanwhile: look at it again.", code="answer_changed")

    # ------------------------------------------------------------------------------------------------------ parts

    def _put(self, item: Mapping[str, Any], condition: Any) -> dict[str, Any]:
        return put_operation(self._connection, self._table, item, condition)

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _partition(self, pk: str) -> list[dict[str, Any]]:
        return list(whole(self._connection, self._table, pk))


def _message_key(partner: str, thread: str, number: int) -> keys.Key:
    return keys.key("message", partner=partner, thread=thread, number=f"{number:06d}")


def _told(thread: Thread) -> dict[str, Any]:
    """What the audit trail says of a thread: nothing that was written, which can be erased there."""
    return {
        "thread": thread.thread,
        "status": thread.status.value,
        "assigned": thread.assigned,
        "messages": thread.messages,
        "from_partner": thread.from_partner,
        "from_staff": thread.from_staff,
        "version": thread.version,
    }


def _told_answer(answer: SavedAnswer) -> dict[str, Any]:
    return {"text": text_to_data(answer.text), "removed": answer.removed, "version": answer.version}
