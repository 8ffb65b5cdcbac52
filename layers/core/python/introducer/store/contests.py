"""Contests in BOOKS, and who takes part in them.

A contest is one item, written under the version that was read, with its audit record, the engine's window and whatever
else must be true at once in the same transaction. What the engine counts of a partner stands in the entry that says
whether it takes part: the engine adds to it, people set the rest of it, and neither overwrites the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change, PartnerKind
from introducer.domain.contest import (
    Conditions,
    Contest,
    ContestStatus,
    Division,
    Entry,
    Every,
    Metric,
    Prize,
    PrizeKind,
    Series,
    Tie,
)
from introducer.domain.contest_score import SHARDS, shard
from introducer.domain.errors import NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.contest_windows import window_to_item
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page, every
from introducer.store.partitions import one, whole
from introducer.store.reservations import NOTHING, Beside, write_all
from introducer.store.wire import batch_get, connect, from_wire, put_operation, reading

LONGEST_ID = 64
"""Characters that the id of a contest may have."""
OPEN_TO_ENTRIES = (ContestStatus.PLANNED, ContestStatus.RUNNING)
"""While partners may join, leave and choose another name."""
ENTERED_AT_ONCE = 45
"""So many entries go into one transaction: each with a mail, and with the check of the contest and the record."""

_NUMBERS = ("grace_hours", "objection_hours", "shown", "minimum", "size_days", "prize_hold_days")
_TEXTS = ("name", "description", "currency", "time_zone", "drafted_by", "approved_by", "why_over", "archive", "outcome",
          "edition")  # fmt: skip
_MOMENTS = ("drafted_at", "approved_at", "frozen_at", "objections_until", "finished_at")
_FLAGS = ("opt_in", "public")
_COUNTED = tuple((metric.value, metric) for metric in Metric)
"""The engine's attributes of an entry: five thousand are read for a board."""
_UNRECORDED = frozenset({"version", "token", "outcome", "edition"})
"""What the audit trail does not say of a contest: what wakes it, and what stands in its archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A partner's part in a contest as it is to be. What the engine counted stays as it is."""

    entry: Entry
    before: Entry | None = None
    """As it was read; None where nothing was: the engine may have made one meanwhile, and that does no harm."""


class Contests:
    """Reads and conditional writes of contests and entries."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------- reads

    def contest(self, contest: str) -> Contest:
        """A contest as it stands now. Raises `NotFound`."""
        # DynamoDB refuses a key of more than a kilobyte: what is longer than any id of ours names nothing.
        item = self._get(keys.key("contest", contest=contest)) if len(contest) <= LONGEST_ID else None
        if item is None:
            raise NotFound("There is no such contest.")
        return contest_from_item(item)

    def of_brand(self, brand: str, cursor: str | None = None, limit: int = 25) -> Page[Contest]:
        """A page of a brand's contests, drafts among them: the one that starts last is the first."""
        owner = keys.owner_partition("contest", brand=brand)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=True)
        return Page(tuple(map(contest_from_item, page.items)), page.cursor)

    def all_of_brand(self, brand: str) -> Iterator[Contest]:
        """Every contest of a brand, the one that starts last first."""
        return every(lambda cursor: self.of_brand(brand, cursor, limit=100))

    def entry(self, contest: str, partner: str) -> Entry | None:
        """A partner in a contest; None for one that neither takes part nor scored."""
        item = self._get(entry_key(contest, partner))
        return None if item is None else entry_from_item(item)

    def entries_of_partner(self, partner: str, contests: Iterable[str]) -> dict[str, Entry]:
        """Those entries that the partner has in these contests, by contest."""
        wanted = [entry_key(contest, partner) for contest in sorted(set(contests))]
        found = map(entry_from_item, batch_get(self._connection, self._table, wanted))
        return {entry.contest: entry for entry in found}

    def entries_of(self, contest: str, partners: Iterable[str]) -> dict[str, Entry]:
        """Those entries that these partners have in the contest, by partner."""
        wanted = [entry_key(contest, partner) for partner in sorted(set(partners))]
        found = map(entry_from_item, batch_get(self._connection, self._table, wanted))
        return {entry.partner: entry for entry in found}

    def entries(self, contest: str) -> Iterator[Entry]:
        """Everybody who takes part or scored, read consistently: eight queries, and more where a page is full."""
        for number in range(SHARDS):
            yield from map(entry_from_item, self._query(keys.partition("entry", contest=contest, shard=number)))

    def participants(self, contest: str, cursor: str | None = None, limit: int = 50) -> Page[Entry]:
        """A page of those who take part or did, or scored, by partition and partner. The cursor is plain."""
        number, _, after = (cursor or "0").partition(" ")
        found: list[Entry] = []
        for place in range(int(number), SHARDS):
            pk = keys.partition("entry", contest=contest, shard=place)
            within = Path(keys.SK) > keys.escape(after) if after else None
            with reading():
                answer = self._connection.query(self._table, pk, within, limit=limit - len(found), consistent_read=True)
            found += [entry_from_item(from_wire(item)) for item in answer["Items"]]
            if len(found) >= limit:
                return Page(tuple(found), f"{place} {found[-1].partner}")
            after = ""
        return Page(tuple(found))

    # ---------------------------------------------------------------------------------------------------- contests

    def move(
        self,
        before: Contest | None,
        after: Contest,
        change: Change | None,
        action: str = "",
        *,
        window: bool = False,
        mails: Sequence[Mail] = (),
        beside: Beside = NOTHING,
    ) -> Contest | None:
        """A contest as it is from now on, in one transaction: the contest under the version that was read (absent for a
        new one), the record of who changed it where somebody did (`action` is what the trail calls it), the engine's
        window where it is to be as the contest says, mails, and whatever else goes with it (`beside`).

        The contest with its new version; None when it, or something of `beside`, is not as it was read: read it again.
        The same move again, at once, is answered again. Raises `Unavailable`.
        """
        after = replace(after, version=(before.version if before else 0) + 1)
        puts = [
            put_operation(self._connection, self._table, contest_to_item(after), _as_read(before)),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
            *beside.puts,
        ]
        if window:
            # The contest's own version is its condition: whoever wrote the contest wrote its window.
            puts.append(put_operation(self._connection, self._table, window_to_item(after)))
        if change is not None:
            puts.append(self._audit(before, after, change, action))
        token = derived_id("t", json.dumps([puts, beside.updates, beside.checks], sort_keys=True, default=str))
        written = write_all(self._connection, puts, beside.updates, beside.checks, token=token)
        return after if written else None

    # ----------------------------------------------------------------------------------------------------- entries

    def enter(self, contest: Contest, joining: Joining, change: Change, action: str) -> bool:
        """A partner joins, leaves or takes another name, with its record: while the contest is as it was read and
        open, and the partner's part as it was read. Whether it was written. Raises `Unavailable`."""
        record = audit_record(
            f"{contest.contest}/{joining.entry.partner}", action, change,
            None if joining.before is None else _entry_told(joining.before), _entry_told(joining.entry),
            brand=contest.brand,
        )  # fmt: skip
        puts = [put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())]
        return self._entries(contest, [joining], puts)

    def enter_all(
        self, contest: Contest, joining: Sequence[Joining], change: Change, action: str, mails: Sequence[Mail] = ()
    ) -> bool:
        """Some partners at once (`ENTERED_AT_ONCE` at most), with one record that names them, and mails that tell them:
        as `enter`."""
        if not joining:
            return True
        told = {"contest": contest.contest, "partners": [each.entry.partner for each in joining]}
        record = audit_record(contest.contest, action, change, None, told, brand=contest.brand)
        puts = [
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
        ]
        return self._entries(contest, joining, puts)

    # ------------------------------------------------------------------------------------------------------- parts

    def _entries(self, contest: Contest, joining: Sequence[Joining], puts: Sequence[dict[str, Any]]) -> bool:
        updates = [self._entry_update(each) for each in joining]
        checks = [contest_check(self._connection, self._table, contest, OPEN_TO_ENTRIES, as_read=True)]
        token = derived_id("t", json.dumps([puts, updates, checks], sort_keys=True, default=str))
        return write_all(self._connection, puts, updates, checks, token=token)

    def _entry_update(self, joining: Joining) -> dict[str, Any]:
        entry, before = joining.entry, joining.before
        key = entry_key(entry.contest, entry.partner)
        set_ = {name: value for name, value in _entry_own(entry).items() if value is not None}
        actions = [
            *(Path(name).set(value) for name, value in set_.items()),
            *(Path(name).remove() for name in sorted(_entry_own(entry).keys() - set_.keys())),
        ]
        condition: Condition = _same("joined_at", None if before is None else _at(before.joined_at))
        if before is not None:
            condition &= _same("left_at", _at(before.left_at))
            if before.joined_at is not None:
                condition &= Path("shown_as") == before.shown_as
        return self._connection.get_operation_kwargs(self._table, key.pk, key.sk, actions=actions, condition=condition)

    def _audit(self, before: Contest | None, after: Contest, change: Change, action: str) -> dict[str, Any]:
        told, now = None if before is None else contest_told(before), contest_told(after)
        if told is not None:
            # What stays as it was stands in the records before this one.
            same = {name for name, value in now.items() if told[name] == value} - {"status"}
            told, now = ({name: each[name] for name in each.keys() - same} for each in (told, now))
        record = audit_record(after.contest, action, change, told, now, brand=after.brand)
        return put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _query(self, pk: str) -> Iterator[dict[str, Any]]:
        return whole(self._connection, self._table, pk)


def contest_check(
    connection: Connection,
    table: str,
    contest: Contest,
    statuses: Collection[ContestStatus],
    *,
    as_read: bool = False,
) -> dict[str, Any]:
    """The part of a transaction that wants a contest to stand at one of these; `as_read`: and not to be changed at all
    since it was read. For `Beside.checks`, and for whoever writes what hangs on a contest."""
    key = keys.key("contest", contest=contest.contest)
    condition: Condition = Path("status").is_in(*sorted(status.value for status in statuses))
    if as_read:
        condition &= Path("version") == contest.version
    return connection.get_operation_kwargs(table, key.pk, key.sk, condition=condition)


def entry_key(contest: str, partner: str) -> keys.Key:
    """Where a partner's entry stands."""
    return keys.key("entry", contest=contest, shard=shard(partner), partner=partner)


# --------------------------------------------------------------------------------------------------------------- items


def contest_to_item(contest: Contest) -> dict[str, Any]:
    """The item of a contest; listed under its brand by its start."""
    item: dict[str, Any] = {
        **keys.key("contest", contest=contest.contest).item(),
        **keys.owner_key(
            "contest", brand=contest.brand, starts=milliseconds(contest.starts_at), contest=contest.contest
        ),
        "contest": contest.contest,
        "brand": contest.brand,
        "status": contest.status.value,
        "version": contest.version,
        "starts_at": milliseconds(contest.starts_at),
        "ends_at": milliseconds(contest.ends_at),
        "token": contest.token or None,
        "tie": contest.tie.value,
        "size_by": contest.size_by.value,
        "weights": _json([[metric.value, weight] for metric, weight in contest.weights]),
        "conditions": _json(_conditions(contest.conditions)),
        "divisions": _json([_division(each) for each in contest.divisions]),
        "series": None if contest.series is None else _json(_series(contest.series)),
        **{name: getattr(contest, name) for name in _NUMBERS},
        **{name: getattr(contest, name) or None for name in _TEXTS},
        **{name: _at(getattr(contest, name)) for name in _MOMENTS},
        **{name: int(getattr(contest, name)) for name in _FLAGS},
    }
    return {name: value for name, value in item.items() if value is not None}


def contest_from_item(item: Mapping[str, Any]) -> Contest:
    """The contest of an item."""
    texts = {name: item.get(name, "") for name in _TEXTS}
    texts["approved_by"] = item.get("approved_by")
    given: dict[str, Any] = {
        **{name: item[name] for name in _NUMBERS},
        **texts,
        **{name: None if item.get(name) is None else from_milliseconds(item[name]) for name in _MOMENTS},
        **{name: bool(item[name]) for name in _FLAGS},
    }
    return Contest(
        contest=item["contest"],
        brand=item["brand"],
        status=ContestStatus(item["status"]),
        version=item["version"],
        starts_at=from_milliseconds(item["starts_at"]),
        ends_at=from_milliseconds(item["ends_at"]),
        token=item.get("token", ""),
        tie=Tie(item["tie"]),
        size_by=Metric(item["size_by"]),
        weights=tuple((Metric(metric), weight) for metric, weight in json.loads(item["weights"])),
        conditions=_conditions_of(json.loads(item["conditions"])),
        divisions=tuple(_division_of(each) for each in json.loads(item["divisions"])),
        series=None if "series" not in item else _series_of(json.loads(item["series"])),
        **given,
    )


def entry_from_item(item: Mapping[str, Any]) -> Entry:
    """The entry of an item."""
    return Entry(
        contest=keys.parts(item[keys.PK])[1],
        partner=keys.unescape(item[keys.SK]),
        joined_at=None if "joined_at" not in item else from_milliseconds(item["joined_at"]),
        left_at=None if "left_at" not in item else from_milliseconds(item["left_at"]),
        shown_as=item.get("shown_as", ""),
        division=item.get("division", 0),
        rules=item.get("rules", ""),
        joined_by=item.get("joined_by", ""),
        counted={metric: item[name] for name, metric in _COUNTED if name in item},
    )


def contest_told(contest: Contest) -> dict[str, Any]:
    """What the audit trail says of a contest: all of its settings, and how far it is."""
    item = contest_to_item(contest)
    left_out = {keys.PK, keys.SK, keys.OWNER_PK, keys.OWNER_SK, *_UNRECORDED}
    names = {"series", *_TEXTS, *_MOMENTS} | item.keys()
    return {name: item.get(name) for name in sorted(names - left_out)}


def _entry_own(entry: Entry) -> dict[str, Any]:
    """The attributes of an entry that people and the start set; None for what is not there. The engine's are no part of
    it."""
    return {
        "joined_at": _at(entry.joined_at),
        "left_at": _at(entry.left_at),
        "shown_as": entry.shown_as or None,
        "division": entry.division,
        "rules": entry.rules or None,
        "joined_by": entry.joined_by or None,
    }


def _entry_told(entry: Entry) -> dict[str, Any]:
    """What the audit trail says of an entry. Not under which name: that may say who somebody is, and the trail is never
    erased."""
    own = {name: value for name, value in _entry_own(entry).items() if name not in ("shown_as", "joined_by")}
    return {"contest": entry.contest, "partner": entry.partner, **own}


def _same(name: str, value: Any) -> Condition:
    """The condition that an attribute is as it was read, or still absent."""
    return Path(name).does_not_exist() if value is None else Path(name) == value


def _as_read(before: Contest | None) -> Condition:
    """The condition that a contest was not written since it was read; that there is none, for a new one."""
    if before is None:
        return Path(keys.PK).does_not_exist()
    return Path("version") == before.version


def _conditions(conditions: Conditions) -> dict[str, list[str]]:
    return {
        "kinds": sorted(kind.value for kind in conditions.kinds),
        "deals": sorted(conditions.deals),
        "countries": sorted(conditions.countries),
        "managers": sorted(conditions.managers),
        "partners": sorted(conditions.partners),
    }


def _conditions_of(said: Mapping[str, Sequence[str]]) -> Conditions:
    return Conditions(
        kinds=frozenset(map(PartnerKind, said["kinds"])),
        deals=frozenset(said["deals"]),
        countries=frozenset(said["countries"]),
        managers=frozenset(said["managers"]),
        partners=frozenset(said["partners"]),
    )


def _division(division: Division) -> dict[str, Any]:
    return {
        "name": division.name,
        "from_size": division.from_size,
        "pool": division.pool,
        "prizes": [
            {
                "kind": prize.kind.value,
                **{
                    name: getattr(prize, name)
                    for name in ("first", "last", "amount", "share", "threshold", "gift")
                    if getattr(prize, name)
                },
            }
            for prize in division.prizes
        ],
    }


def _division_of(said: Mapping[str, Any]) -> Division:
    return Division(
        name=said["name"],
        from_size=said["from_size"],
        pool=said["pool"],
        prizes=tuple(Prize(**{**prize, "kind": PrizeKind(prize["kind"])}) for prize in said["prizes"]),
    )


def _series(series: Series) -> dict[str, Any]:
    return {"series": series.series, "number": series.number, "every": series.every.value, "until": series.until}


def _series_of(said: Mapping[str, Any]) -> Series:
    return Series(series=said["series"], number=said["number"], every=Every(said["every"]), until=said["until"])


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
