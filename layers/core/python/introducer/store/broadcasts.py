"""Broadcasts in BOOKS: each changed under its version, with an audit record of what people decide, and their recipients
in pages that are written once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.broadcast import (
    APPROVE_ABOVE,
    PAGE,
    Broadcast,
    BroadcastStatus,
    Channel,
    Recipient,
    is_broadcast,
    mail_of,
)
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import KEPT, MailStatus
from introducer.domain.mail_text import text_from_data, text_to_data
from introducer.domain.segment import data_of, segment_of
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import whole
from introducer.store.reservations import write_all
from introducer.store.wire import (
    Refused,
    batch_get,
    connect,
    from_wire,
    put_operation,
    reading,
    to_wire,
    writing,
)

_MOMENTS = ("send_at", "created", "submitted_at", "approved_at", "began_at", "ended_at")
_PLAIN = (
    "broadcast", "brand", "name", "path", "people", "limit", "submitted_by", "approved_by", "text_id", "edition",
    "recipients", "handed", "ended_by", "why_ended", "version", "skipped",
)  # fmt: skip


def broadcast_to_item(broadcast: Broadcast) -> dict[str, Any]:
    """The item of a broadcast; listed under its brand."""
    moments = {name: getattr(broadcast, name) for name in _MOMENTS}
    return {
        **keys.key("broadcast", broadcast=broadcast.broadcast).item(),
        **keys.owner_key("broadcast", brand=broadcast.brand, created=milliseconds(broadcast.created),
                         broadcast=broadcast.broadcast),
        **{name: getattr(broadcast, name) for name in _PLAIN},
        **{name: milliseconds(moment) for name, moment in moments.items() if moment is not None},
        "status": broadcast.status.value,
        "channel": broadcast.channel.value,
        "partners": broadcast.partners,
        "writers": json.dumps(broadcast.writers),
        "text": json.dumps(text_to_data(broadcast.text), ensure_ascii=False, sort_keys=True),
        "segment": json.dumps(data_of(broadcast.segment), ensure_ascii=False, sort_keys=True),
    }  # fmt: skip


def broadcast_from_item(item: Mapping[str, Any]) -> Broadcast:
    """The broadcast of an item."""
    moments: dict[str, Any] = {name: from_milliseconds(item[name]) for name in _MOMENTS if name in item}
    return Broadcast(
        **{name: item[name] for name in _PLAIN},
        **moments,
        status=BroadcastStatus(item["status"]),
        channel=Channel(item.get("channel", Channel.MAIL.value)),
        partners=item.get("partners", 0),
        writers=tuple(json.loads(item["writers"])),
        text=text_from_data(json.loads(item["text"])),
        segment=segment_of(**json.loads(item["segment"])),
    )


class Broadcasts:
    """Reads and conditional writes of broadcasts. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def broadcast(self, broadcast: str) -> Broadcast:
        """One broadcast as it stands now. Raises `NotFound`."""
        if not is_broadcast(broadcast):
            raise NotFound("There is no such broadcast.")
        key = keys.key("broadcast", broadcast=broadcast)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise NotFound("There is no such broadcast.")
        return broadcast_from_item(from_wire(answer["Item"]))

    def of_brand(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[Broadcast]:
        """A page of a brand's broadcasts, the newest first."""
        owner = keys.owner_partition("broadcast", brand=brand)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=True)
        return Page(tuple(map(broadcast_from_item, page.items)), page.cursor)

    def page(self, broadcast: Broadcast, number: int) -> tuple[Recipient, ...]:
        """A page of its recipients, from 0. Raises `NotFound` for one that is not there, or is forgotten."""
        key = keys.key("recipients", broadcast=broadcast.broadcast, edition=broadcast.edition, page=f"{number:06d}")
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise NotFound("There is no such page of recipients.")
        return _recipients(from_wire(answer["Item"]))

    def recipients(self, broadcast: Broadcast) -> Iterator[Recipient]:
        """All recipients, in their order; none any more when they are forgotten."""
        pk = keys.partition("recipients", broadcast=broadcast.broadcast, edition=broadcast.edition)
        for item in whole(self._connection, self._table, pk):
            yield from _recipients(item)

    def outcomes(self, broadcast: Broadcast, recipients: Sequence[Recipient]) -> Counter[tuple[str, str]]:
        """How many of the recipients' mails have which status, for which reason; those without a mail are not among
        them."""
        wanted = [keys.key("mail", of=each.partner, mail=mail_of(broadcast, each)) for each in recipients]
        items = batch_get(self._connection, self._table, wanted, ["status", "reason"])
        return Counter((item["status"], item.get("reason", "")) for item in items)

    def waiting(self, broadcast: Broadcast, recipients: Sequence[Recipient]) -> list[Recipient]:
        """Those of the recipients whose mail waits."""
        keyed = {mail_of(broadcast, each): each for each in recipients}
        wanted = [keys.key("mail", of=each.partner, mail=mail) for mail, each in keyed.items()]
        items = batch_get(self._connection, self._table, wanted, ["mail", "status"])
        return [keyed[item["mail"]] for item in items if item["status"] == MailStatus.WAITING.value]

    def on_their_way(self, broadcast: Broadcast, recipients: Sequence[Recipient]) -> list[Recipient]:
        """Those of the recipients whose mail is about to be sent: it waits for no moment, or is being handed to the
        mail service."""
        keyed = {mail_of(broadcast, each): each for each in recipients}
        wanted = [keys.key("mail", of=each.partner, mail=mail) for mail, each in keyed.items()]
        items = batch_get(self._connection, self._table, wanted, ["mail", "status", "not_before"])
        return [
            keyed[item["mail"]]
            for item in items
            if item["status"] in (MailStatus.WAITING.value, MailStatus.SENDING.value) and "not_before" not in item
        ]

    def managers(self, brand: str, partners: Collection[str]) -> Mapping[str, str]:
        """Who looks after each of these partners (empty: nobody), without those that are no partners of the brand."""
        wanted = [keys.key("card", brand=brand, partner=each) for each in sorted(partners)]
        found = batch_get(self._connection, self._table, wanted, ["partner", "manager"])
        return {item["partner"]: item.get("manager") or "" for item in found}

    def approve_above(self, brand: str) -> int:
        """To how many people one person may write alone."""
        key = keys.key("broadcast_policy", brand=brand)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        item = from_wire(answer.get("Item", {}))
        return int(item.get("approve_above", APPROVE_ABOVE))

    # ----------------------------------------------------------------------------------------------------- writes

    def move(
        self,
        before: Broadcast | None,
        after: Broadcast,
        change: Change,
        action: str,
        beside: Sequence[dict[str, Any]] = (),
    ) -> Broadcast:
        """A step that somebody decided: a new broadcast, or what was read with changes; as it stands then. `beside` is
        put in the same transaction.

        Raises `Conflict` (`broadcast_changed`) when it, or what is put beside it, was changed meanwhile, or is there
        already.
        """
        written = replace(after, version=before.version + 1 if before else 0)
        put = put_operation(self._connection, self._table, broadcast_to_item(written), _as_read(before))
        record = audit_record(written.broadcast, action, change, _told(before), _told(written) or {},
                              brand=written.brand)  # fmt: skip
        audit = put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())
        token = derived_id("t", written.broadcast, action, written.version, change.by, milliseconds(change.at))
        if not write_all(self._connection, (put, audit, *beside), (), (), token=token):
            raise Conflict("This broadcast was changed meanwhile: look at it again.", code="broadcast_changed")
        return written

    def advance(self, before: Broadcast, after: Broadcast) -> Broadcast:
        """How far it is, written over what was read alone: a stop in between is not written over. Raises `Conflict`
        (`broadcast_changed`)."""
        written = replace(after, version=before.version + 1)
        item = to_wire(broadcast_to_item(written))
        pk, sk = item.pop(keys.PK)["S"], item.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(self._table, pk, sk, attributes=item, condition=_as_read(before))
        except Refused as error:
            raise Conflict(
                "This broadcast was changed meanwhile: look at it again.", code="broadcast_changed"
            ) from error
        return written

    def freeze(self, broadcast: str, edition: str, recipients: Sequence[Recipient], now: datetime) -> None:
        """Writes the pages of an edition. May be repeated with the same recipients; none counts before the broadcast
        names this edition. Raises `Unavailable`."""
        for number, start in enumerate(range(0, len(recipients), PAGE)):
            some = recipients[start : start + PAGE]
            item = to_wire(
                {
                    "of": json.dumps(some),
                    keys.TTL: milliseconds(now + KEPT) // 1000,
                }
            )
            key = keys.key("recipients", broadcast=broadcast, edition=edition, page=f"{number:06d}")
            with writing():
                self._connection.put_item(self._table, key.pk, key.sk, attributes=item)

    def set_policy(self, brand: str, before: int, approve_above: int, change: Change) -> None:
        """To how many one person may write alone, from now on. Raises `Conflict` (`policy_changed`)."""
        item = {**keys.key("broadcast_policy", brand=brand).item(), "approve_above": approve_above}
        condition = Path("approve_above") == before
        if before == APPROVE_ABOVE:
            condition = condition | Path(keys.PK).does_not_exist()
        put = put_operation(self._connection, self._table, item, condition)
        told = ({"approve_above": before}, {"approve_above": approve_above})
        record = audit_record(brand, "set_broadcast_policy", change, *told, brand=brand)
        audit = put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())
        token = derived_id("t", brand, "policy", before, approve_above, milliseconds(change.at))
        if not write_all(self._connection, (put, audit), (), (), token=token):
            raise Conflict("This was changed meanwhile: look at it again.", code="policy_changed")


def _as_read(before: Broadcast | None) -> Any:
    return Path(keys.PK).does_not_exist() if before is None else Path("version") == before.version


def _recipients(item: Mapping[str, Any]) -> tuple[Recipient, ...]:
    return tuple(Recipient(*each) for each in json.loads(item["of"]))


def _told(broadcast: Broadcast | None) -> dict[str, Any] | None:
    """What the audit trail says of it: whom it is for and how far it is; what it says stands in the item."""
    if broadcast is None:
        return None
    return {
        "name": broadcast.name,
        "status": broadcast.status.value,
        "channel": broadcast.channel.value,
        "segment": data_of(broadcast.segment),
        "send_at": milliseconds(broadcast.send_at) if broadcast.send_at else None,
        "people": broadcast.people,
        "recipients": broadcast.recipients,
        "handed": broadcast.handed,
    }
