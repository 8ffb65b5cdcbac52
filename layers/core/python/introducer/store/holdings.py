"""Everything that is held of a client or a partner, item by item, as it stands in the tables. Found by keys: for
operators who erase or export somebody, and who need not read the whole tables for it.

Which partitions are a partner's follows from `keys.ITEMS`: a new kind of item is found here by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from pynamodb.connection.base import Connection

from introducer.domain.erasing import PERSON_TRAITS
from introducer.store import keys
from introducer.store.contests import entry_key
from introducer.store.scans import Stored, kind_of, plain
from introducer.store.wire import BATCH, connect, reading

OF_CLIENTS = frozenset(
    {
        *("trace", "row", "settled", "settled_part", "settled_posted"),
        *("click_count", "event_count", "event_count_unsaid", "sub_names"),
    }
)
"""Kinds that stand under a partner and tell of its clients or count them: nothing in them is about the partner's own
people."""


class Holdings:
    """Reads of both tables. All of them may raise `Unavailable`."""

    def __init__(self, facts: str, books: str, region: str | None = None, host: str | None = None) -> None:
        self._names = {keys.FACTS: facts, keys.BOOKS: books}
        self._connection: Connection = connect(facts, books, region=region, host=host)

    # ---------------------------------------------------------------------------------------------------- a client

    def of_client(self, brand: str, client: str, partners: Iterable[str], day: str | None) -> list[Stored]:
        """What stands under a client's keys: its events, whether it was erased, its state, its traces among these
        partners' (of those registered on this UTC day), what targets were told of it, its audit records."""
        found = self.partition(keys.FACTS, keys.partition("event", brand=brand, client=client))
        found += self.items(keys.FACTS, [keys.key("erased", brand=brand, client=client)])
        places = [keys.key("client", brand=brand, client=client)]
        if day is not None:
            places += [keys.key("trace", partner=each, registered=day, client=client) for each in partners]
        return [
            *found,
            *self.items(keys.BOOKS, places),
            *self.partition(keys.BOOKS, keys.partition("delivery", brand=brand, about=client)),
            *self.partition(keys.BOOKS, keys.partition("audit", subject=client)),
        ]

    def clicks(self, places: Iterable[keys.Key]) -> list[Stored]:
        """The clicks with these keys that are still there."""
        return self.items(keys.FACTS, list(places))

    def persons(self, brand: str, events: Iterable[Stored]) -> list[Stored]:
        """What the index of persons has of the e-mails, phones, devices and addresses that these events say."""
        wanted = {
            keys.key("person", brand=brand, kind=kind, hash=event.item[trait])
            for event in events
            for kind, trait in PERSON_TRAITS.items()
            if event.kind == "event" and trait in event.item
        }
        return self.items(keys.BOOKS, sorted(wanted))

    def messages(
        self, brand: str, client: str, sources: Iterable[str], days: Sequence[str], hashes: Iterable[str]
    ) -> Iterator[Stored]:
        """The quarantined messages of a client, of some UTC days; and those that say no client, but its e-mail, phone,
        device or address, by these hashes."""
        needles = {client, *hashes}
        for source in sources:
            for day in days:
                pk = keys.partition("quarantined", brand=brand, source=source, day=day)
                for stored in self.partition(keys.FACTS, pk):
                    of = stored.item.get("client")
                    if of == client or (of is None and any(each in stored.item["message"] for each in needles)):
                        yield stored

    # --------------------------------------------------------------------------------------------------- a partner

    def of_partner(self, brand: str, partner: str, months: Iterable[str]) -> list[Stored]:
        """What stands under a partner's keys, or lists it: everything but what is of its clients (`OF_CLIENTS`).
        `months` are those (`202603`) in which there can be journals."""
        found: dict[keys.Key, Stored] = {}
        for pk in _partitions(partner, list(months)):
            self._add(found, self.partition(keys.BOOKS, pk))
        self._add(
            found,
            self.items(
                keys.BOOKS,
                [
                    keys.key("card", brand=brand, partner=partner),
                    keys.key("traffic", brand=brand, partner=partner),
                ],
            ),
        )
        for kind in ("link", "member", "api_key", "payout", "person", "suppressed"):
            self._add(found, self._owned(keys.owner_partition(kind, partner=partner, of=partner)))
        for run in self._owned(keys.owner_partition("run", brand=brand)):
            pk = keys.partition("left_out", brand=brand, run=run.item["run"])
            begins = keys.prefix("left_out", partner=partner)
            self._add(found, [each for each in self.partition(keys.BOOKS, pk) if each.item[keys.SK].startswith(begins)])
        contests = [each.item["contest"] for each in self._owned(keys.owner_partition("contest", brand=brand))]
        self._add(found, self.items(keys.BOOKS, [entry_key(each, partner) for each in contests]))
        for contest in contests:
            pk = keys.partition("objection", contest=contest)
            begins = keys.prefix("objection", partner=partner)
            self._add(found, [each for each in self.partition(keys.BOOKS, pk) if each.item[keys.SK].startswith(begins)])
        accounts = {each.item.get("fingerprint", "") for each in found.values() if "fingerprint" in each.item} - {""}
        holders = [keys.key("account_holder", brand=brand, fingerprint=each, partner=partner) for each in accounts]
        self._add(found, self.items(keys.BOOKS, holders))
        for stored in list(found.values()):
            if stored.kind == "member":
                name = stored.item["member"]
                self._add(found, self.items(keys.BOOKS, [keys.key("mail_preferences", member=name)]))
                self._add(found, self.partition(keys.BOOKS, keys.partition("idempotency", actor=name)))
                self._add(found, self.partition(keys.BOOKS, keys.partition("audit", subject=name)))
            elif stored.kind == "api_key":
                name = stored.item["key"]
                self._add(found, self.items(keys.BOOKS, [keys.key("api_key_use", key=name)]))
                self._add(found, self.partition(keys.BOOKS, keys.partition("idempotency", actor=name)))
            elif stored.kind == "application" and stored.item.get("email_hash"):
                hashed = stored.item["email_hash"]
                self._add(found, self.items(keys.BOOKS, [keys.key("application_known", brand=brand, hash=hashed)]))
            elif stored.kind == "target":
                self._add(found, self._owned(keys.owner_partition("delivery", target=keys.unescape(stored.key.sk))))
            elif stored.kind in ("link", "payout"):
                name = stored.item["code" if stored.kind == "link" else "payout"]
                self._add(found, self.partition(keys.BOOKS, keys.partition("audit", subject=name)))
        return list(found.values())

    def mails_of_staff(self, brand: str) -> list[Stored]:
        """What the brand's staff was told by mail."""
        return self.partition(keys.BOOKS, keys.partition("mail", of=brand))

    def boards(self, contest: str) -> list[Stored]:
        """The snapshots of a contest's boards, with all who stand on them."""
        return self.partition(keys.BOOKS, keys.partition("board", contest=contest))

    # ------------------------------------------------------------------------------------------------------- parts

    def partition(self, table: str, pk: str) -> list[Stored]:
        """Every item of a partition, read consistently."""
        found: list[Stored] = []
        start: Any = None
        while True:
            with reading():
                answer = self._connection.query(self._names[table], pk, exclusive_start_key=start, consistent_read=True)
            found += [_stored(table, item) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return found

    def items(self, table: str, places: Sequence[keys.Key]) -> list[Stored]:
        """The items of these keys that are there, read consistently."""
        name, found = self._names[table], []
        wanted = list(dict.fromkeys(places))
        for start in range(0, len(wanted), BATCH):
            left: list[Any] = [place.item() for place in wanted[start : start + BATCH]]
            while left:
                with reading():
                    answer = self._connection.batch_get_item(name, left, consistent_read=True)
                found += [_stored(table, item) for item in answer["Responses"].get(name, [])]
                # A throttled table answers with what it did not read.
                unread = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
                left = [{part: value["S"] for part, value in key.items()} for key in unread]
        return found

    def _owned(self, owner: str) -> list[Stored]:
        places: list[keys.Key] = []
        start: Any = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._names[keys.BOOKS], owner, index_name=keys.BY_OWNER, exclusive_start_key=start
                )
            places += [keys.Key(item[keys.PK]["S"], item[keys.SK]["S"]) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return self.items(keys.BOOKS, places)

    @staticmethod
    def _add(found: dict[keys.Key, Stored], more: Iterable[Stored]) -> None:
        found.update({each.key: each for each in more if each.kind not in OF_CLIENTS})


def _partitions(partner: str, months: Sequence[str]) -> list[str]:
    """The partitions of BOOKS whose key names the partner, and at most a month beside it."""
    found: dict[str, None] = {keys.partition("audit", subject=partner): None}
    for item in keys.ITEMS.values():
        names = {name for _, name, _, _ in Formatter().parse(item.pk) if name}
        if item.table != keys.BOOKS or item.name in OF_CLIENTS:
            continue
        if names in ({"partner"}, {"of"}):
            found[keys.partition(item.name, partner=partner, of=partner)] = None
        elif names == {"partner", "month"}:
            found |= {keys.partition(item.name, partner=partner, month=month): None for month in months}
    return list(found)


def _stored(table: str, wire: Mapping[str, Any]) -> Stored:
    item = {name: plain(value) for name, value in wire.items()}
    return Stored(kind_of(table, item[keys.PK], item[keys.SK]), item)
