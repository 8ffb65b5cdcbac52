"""Announcements in BOOKS, and who has read them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.adjustment import Act
from introducer.domain.announcement import MOST_DAYS, Announcement, AnnouncementRead, Reach
from introducer.domain.configuration import Change, PartnerKind
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail_text import ENGLISH, text_from_data, text_to_data
from introducer.domain.segment import data_of, segment_of
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import whole
from introducer.store.reservations import write_all
from introducer.store.wire import (
    BATCH,
    Refused,
    batch_get,
    connect,
    from_wire,
    put_operation,
    reading,
    to_wire,
    writing,
)

NAMED = timedelta(days=MOST_DAYS + 1)
"""How long it is kept that an announcement names a partner: no announcement is shown for longer."""
_ID = re.compile(r"ann_[0-9A-Z]{26}", re.ASCII)


def announcement_to_item(announcement: Announcement) -> dict[str, Any]:
    """The item of an announcement."""
    reach = announcement.reach
    item: dict[str, Any] = {
        **keys.key("announcement", brand=announcement.brand, announcement=announcement.announcement).item(),
        "text": json.dumps(text_to_data(announcement.text), ensure_ascii=False, sort_keys=True),
        "reach": json.dumps(_reach(reach), ensure_ascii=False, sort_keys=True),
        "published_by": announcement.published_by,
        "published_at": milliseconds(announcement.published_at),
        "through": announcement.through,
    }
    if announcement.path:
        item["path"] = announcement.path
    if (act := announcement.withdrawn) is not None:
        item |= {"withdrawn_by": act.by, "withdrawn_at": milliseconds(act.at), "withdrawn_why": act.why}
    return item


def announcement_from_item(item: Mapping[str, Any]) -> Announcement:
    """The announcement of an item."""
    reach, withdrawn = json.loads(item["reach"]), None
    if "withdrawn_by" in item:
        withdrawn = Act(item["withdrawn_by"], from_milliseconds(item["withdrawn_at"]), item["withdrawn_why"])
    return Announcement(
        announcement=keys.unescape(item[keys.SK]),
        brand=keys.parts(item[keys.PK])[1],
        text=text_from_data(json.loads(item["text"])),
        reach=Reach(
            kinds=tuple(map(PartnerKind, reach["kinds"])),
            countries=tuple(reach["countries"]),
            manager=reach["manager"],
            segment=segment_of(**reach["segment"]),
            segment_name=reach["segment_name"],
            broadcast=reach.get("broadcast", ""),
            partners=reach.get("partners", 0),
        ),
        published_by=item["published_by"],
        published_at=from_milliseconds(item["published_at"]),
        through=item["through"],
        path=item.get("path", ""),
        withdrawn=withdrawn,
    )


def read_to_item(read: AnnouncementRead) -> dict[str, Any]:
    """The item that says who read what."""
    place = {"partner": read.partner, "announcement": read.announcement, "member": read.member}
    return {
        **keys.key("announcement_read", **place).item(),
        **keys.owner_key("announcement_read", brand=read.brand, **place),
        "brand": read.brand,
        "at": milliseconds(read.at),
    }


def read_from_item(item: Mapping[str, Any]) -> AnnouncementRead:
    """Who read what, of an item."""
    announcement, member = keys.parts(item[keys.SK])
    return AnnouncementRead(
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        announcement=announcement,
        member=member,
        at=from_milliseconds(item["at"]),
    )


class Announcements:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def announcement(self, brand: str, announcement: str) -> Announcement:
        """Raises `NotFound`."""
        missing = NotFound("There is no such announcement.")
        if not _ID.fullmatch(announcement):
            raise missing
        key = keys.key("announcement", brand=brand, announcement=announcement)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise missing
        return announcement_from_item(from_wire(answer["Item"]))

    def of_brand(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[Announcement]:
        """A page of a brand's announcements, the newest first."""
        with reading():
            answer = self._connection.query(
                self._table,
                keys.partition("announcement", brand=brand),
                range_key_condition=Path(keys.SK) < cursor if cursor else None,
                limit=limit,
                scan_index_forward=False,
                consistent_read=True,
            )
        found = [from_wire(item) for item in answer["Items"]]
        more = found[-1][keys.SK] if found and answer.get("LastEvaluatedKey") else None
        return Page(tuple(map(announcement_from_item, found)), more)

    def has_read(self, partner: str, announcement: str, member: str) -> bool:
        """Whether a member read an announcement."""
        key = keys.key("announcement_read", partner=partner, announcement=announcement, member=member)
        with reading():
            return "Item" in self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)

    def named(self, partner: str, announcements: Sequence[str]) -> frozenset[str]:
        """Those of the announcements that name this partner."""
        wanted = [keys.key("announced", partner=partner, announcement=each) for each in announcements]
        found = batch_get(self._connection, self._table, wanted, [keys.SK])
        return frozenset(keys.unescape(item[keys.SK]) for item in found)

    def read_of_partner(self, partner: str) -> tuple[AnnouncementRead, ...]:
        """All that this partner's members read."""
        pk = keys.partition("announcement_read", partner=partner)
        return tuple(map(read_from_item, whole(self._connection, self._table, pk)))

    def readers(
        self, brand: str, announcement: str, cursor: str | None = None, limit: int = 100
    ) -> Page[AnnouncementRead]:
        """A page of those who read an announcement, by partner. The index lags by moments."""
        owner = keys.owner_partition("announcement_read", brand=brand, announcement=announcement)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=False)
        return Page(tuple(map(read_from_item, page.items)), page.cursor)

    def readers_by_partner(self, brand: str, announcement: str) -> Mapping[str, int]:
        """How many members of each partner read an announcement: keys alone, out of the index."""
        owner = keys.owner_partition("announcement_read", brand=brand, announcement=announcement)
        found: dict[str, int] = {}
        for item in whole(self._connection, self._table, owner, index=keys.BY_OWNER):
            partner = keys.parts(item[keys.OWNER_SK])[0]
            found[partner] = found.get(partner, 0) + 1
        return found

    # ----------------------------------------------------------------------------------------------------- writes

    def write(self, before: Announcement | None, after: Announcement, change: Change, action: str) -> None:
        """A new announcement, or one that is taken back. Raises `Conflict` when its id is taken, or it was taken back
        meanwhile."""
        puts = self.puts(before, after, change, action)
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("This announcement was changed meanwhile: look at it again.", code="announcement_changed")

    def puts(
        self, before: Announcement | None, after: Announcement, change: Change, action: str
    ) -> list[dict[str, Any]]:
        """The same, as parts of a transaction. They go among the puts of `transact_write_items`."""
        absent = Path(keys.PK).does_not_exist()
        stands = absent if before is None else Path(keys.PK).exists() & Path("withdrawn_by").does_not_exist()
        told = None if before is None else _told(before)
        record = audit_record(after.announcement, action, change, told, _told(after), brand=after.brand)
        return [
            put_operation(self._connection, self._table, announcement_to_item(after), stands),
            put_operation(self._connection, self._table, audit_to_item(record), absent),
        ]

    def name(self, announcement: str, partners: Sequence[str], now: datetime) -> None:
        """That an announcement is for these partners. May be repeated safely. Raises `Unavailable`."""
        expires = milliseconds(now + NAMED) // 1000
        for start in range(0, len(partners), BATCH):
            puts = [
                put_operation(
                    self._connection,
                    self._table,
                    {
                        **keys.key("announced", partner=each, announcement=announcement).item(),
                        keys.TTL: expires,
                    },
                )
                for each in partners[start : start + BATCH]
            ]
            if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
                raise Unavailable("Others name the same partners just now: try again.", code="store_unavailable")

    def note_read(self, read: AnnouncementRead) -> bool:
        """That a member read an announcement; whether it is new. The first time counts."""
        item = to_wire(read_to_item(read))
        pk, sk = item.pop(keys.PK)["S"], item.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=item, condition=Path(keys.PK).does_not_exist()
                )
        except Refused:
            return False
        return True


def _reach(reach: Reach) -> dict[str, Any]:
    return {
        "kinds": [each.value for each in reach.kinds],
        "countries": list(reach.countries),
        "manager": reach.manager,
        "segment": data_of(reach.segment),
        "segment_name": reach.segment_name,
    } | ({"broadcast": reach.broadcast, "partners": reach.partners} if reach.broadcast else {})


def _told(announcement: Announcement) -> dict[str, Any]:
    """What the audit trail says of it. Its text never changes and stands in the item: twice in a record, before and
    after, a long one is more than an item holds."""
    return {
        "title": announcement.text.words(ENGLISH).subject,
        **_reach(announcement.reach),
        "through": announcement.through,
        "withdrawn": announcement.withdrawn is not None,
    }
