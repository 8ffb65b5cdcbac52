"""What a contest came to, in BOOKS: recounts, who is set aside, objections, results and prizes.

What is reckoned from what stands for good is put without a question: whoever reckons it again puts the same. What
happens once says so: a recount is absent before, a prize is due before it is paid, in the transaction of its journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import AuditRecord, Change
from introducer.domain.contest import Contest, Metric, PrizeKind
from introducer.domain.contest_closing import Batch, Objection, Recount, SetAside
from introducer.domain.contest_prizes import Award, AwardStatus, Result, Unranked
from introducer.domain.contest_score import Counted
from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Journal
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.contests import LONGEST_ID
from introducer.store.ledger import balance_updates, journal_put, lines_from_json, lines_to_json
from introducer.store.owned import owned
from introducer.store.paging import Page, every
from introducer.store.partitions import one, whole
from introducer.store.reservations import write_all
from introducer.store.wire import Refused, batch_get, connect, from_wire, put_operation, reading, to_wire, writing

PLAN = "plan"
"""In the place of a batch: the item that says which batches there are."""
PUT_AT_ONCE = 100
"""The most items that one transaction takes."""
AWARDED_AT_ONCE = 50
"""So many prizes are written in one transaction."""
_TRIES = 10

AwardName = tuple[str, int]
"""A partner, and the number of one of its prizes of a contest."""


class ContestResults:
    """Reads and conditional writes. All reads of the table are consistent; lists by the index lag by moments."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ----------------------------------------------------------------------------------------------------- recounts

    def batches(self, contest: str) -> tuple[Batch, ...]:
        """The batches of a contest's recount; empty before they were made."""
        item = self._get(keys.key("recount", contest=contest, batch=PLAN))
        return () if item is None else tuple(Batch(*each) for each in json.loads(item["batches"]))

    def plan(self, contest: str, batches: Sequence[Batch]) -> tuple[Batch, ...]:
        """Keeps which batches there are; those that were kept before stay. Raises `Unavailable`."""
        self._once({**keys.key("recount", contest=contest, batch=PLAN).item(), "batches": _json(list(batches))})
        return self.batches(contest)

    def recount(self, contest: str, batch: str) -> Recount | None:
        """What was counted of a batch; None before it was."""
        item = self._get(keys.key("recount", contest=contest, batch=batch))
        return None if item is None else recount_from_item(item)

    def recounts(self, contest: str) -> Iterator[Recount]:
        """What was counted, by batch."""
        for item in self._query(keys.partition("recount", contest=contest)):
            if item[keys.SK] != PLAN:
                yield recount_from_item(item)

    def keep_recount(self, recount: Recount) -> Recount:
        """Keeps what was counted of a batch, unless it was kept before; what is kept. Raises `Unavailable`."""
        self._once(recount_to_item(recount))
        kept = self.recount(recount.contest, recount.batch)
        assert kept is not None, "it was written, or it was there"
        return kept

    # ---------------------------------------------------------------------------------------------------- set asides

    def aside(self, contest: str, partner: str) -> SetAside | None:
        """Whether a partner is or was set aside."""
        item = self._get(keys.key("set_aside", contest=contest, partner=partner))
        return None if item is None else aside_from_item(item)

    def asides(self, contest: str) -> list[SetAside]:
        """Who is or was set aside, by partner."""
        return [aside_from_item(item) for item in self._query(keys.partition("set_aside", contest=contest))]

    def aside_put(self, aside: SetAside) -> dict[str, Any]:
        """The part of a transaction that keeps a set-aside. The contest's version, in that transaction, says that
        nobody else changed one meanwhile."""
        return put_operation(self._connection, self._table, aside_to_item(aside))

    # ---------------------------------------------------------------------------------------------------- objections

    def objections(self, contest: str, partner: str | None = None) -> list[Objection]:
        """What was objected, by all or by one partner, in the order of partners and time."""
        within = None if partner is None else Path(keys.SK).startswith(keys.prefix("objection", partner=partner))
        items = self._query(keys.partition("objection", contest=contest), within)
        return [objection_from_item(item) for item in items]

    def objection_put(self, objection: Objection) -> dict[str, Any]:
        """The part of a transaction that keeps an objection: a new one, or one that waited and is decided."""
        absent = Path(keys.PK).does_not_exist()
        waits = Path(keys.PK).exists() & Path("decided_at").does_not_exist()
        condition = absent if objection.waits else waits
        return put_operation(self._connection, self._table, objection_to_item(objection), condition)

    # ------------------------------------------------------------------------------------------------------- results

    def results(self, contest: Contest, division: int, cursor: str | None = None, limit: int = 50) -> Page[Result]:
        """A page of the ranking that stands in a division: places in order, then those who have none. Empty before a
        result is published."""
        if not contest.edition:
            return Page(())
        pk = keys.partition("result", contest=contest.contest, edition=contest.edition, division=division)
        start = to_wire({keys.PK: pk, keys.SK: cursor}) if cursor else None
        with reading():
            answer = self._connection.query(
                self._table, pk, exclusive_start_key=start, limit=limit, consistent_read=True
            )
        last = answer.get("LastEvaluatedKey")
        found = (result_from_item(from_wire(item)) for item in answer["Items"])
        return Page(tuple(found), last[keys.SK]["S"] if last else None)

    def all_results(self, contest: Contest) -> Iterator[Result]:
        """The ranking that stands, division by division."""
        for division in range(len(contest.divisions)):
            yield from every(partial(self.results, contest, division, limit=1000))

    def keep_results(self, edition: str, results: Iterable[Result]) -> None:
        """Writes an edition of the ranking, which nobody sees before the contest names it. Again writes the same.
        Raises `Unavailable`."""
        places: dict[int, int] = {}
        items = []
        for result in results:
            places[result.division] = places.get(result.division, 0) + 1
            items.append(result_to_item(edition, places[result.division], result))
        for start in range(0, len(items), PUT_AT_ONCE):
            self._put_all(items[start : start + PUT_AT_ONCE])

    # -------------------------------------------------------------------------------------------------------- prizes

    def award(self, partner: str, contest: str, number: int) -> Award:
        """A prize of this partner. Raises `NotFound`."""
        item = self._get(_award_key(partner, contest, number)) if len(contest) <= LONGEST_ID else None
        if item is None:
            raise NotFound("There is no such prize.")
        return award_from_item(item)

    def awards_of_partner(self, partner: str, contest: str | None = None) -> list[Award]:
        """What a partner won, in all contests or in one."""
        within = None if contest is None else Path(keys.SK).startswith(keys.prefix("award", contest=contest))
        return [award_from_item(item) for item in self._query(keys.partition("award", partner=partner), within)]

    def awards_of_contest(self, contest: str, cursor: str | None = None, limit: int = 50) -> Page[Award]:
        """A page of what was won in a contest, by division and place."""
        owner = keys.owner_partition("award", contest=contest)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=False)
        return Page(tuple(map(award_from_item, page.items)), page.cursor)

    def kept_awards(self, awards: Iterable[Award]) -> dict[AwardName, Award]:
        """Those of these prizes that are written, as they stand now."""
        wanted = [_award_key(each.partner, each.contest, each.number) for each in awards]
        found = map(award_from_item, batch_get(self._connection, self._table, wanted))
        return {(each.partner, each.number): each for each in found}

    def keep_awards(self, awards: Sequence[Award]) -> dict[AwardName, Award]:
        """Writes the prizes that are not written yet, as due; all of these as they stand then. Raises `Unavailable`."""
        for _ in range(_TRIES):
            kept = self.kept_awards(awards)
            missing = [each for each in awards if (each.partner, each.number) not in kept]
            if not missing:
                return kept
            for start in range(0, len(missing), AWARDED_AT_ONCE):
                part = [award_to_item(each) for each in missing[start : start + AWARDED_AT_ONCE]]
                absent = Path(keys.PK).does_not_exist()
                puts = [put_operation(self._connection, self._table, item, absent) for item in part]
                # Where another wrote some of them meanwhile, the rest is found missing in the next round.
                write_all(self._connection, puts, (), (), token=derived_id("t", _json(part)))
        raise Unavailable("The prizes could not be written: try again.", code="store_busy")

    def move_award(
        self, before: Award, after: Award, change: Change, action: str, journal: Journal | None = None
    ) -> bool:
        """A prize's next status, in one transaction with its record and, where it is paid, its journal and the
        balance. Whether it was written: not when the prize is not as it was read any more, or the journal's month was
        closed meanwhile. Raises `Unavailable`."""
        as_read: Condition = (Path("status") == before.status.value) & (Path("note") == before.note)
        record = audit_record(after.partner, action, change, _award_told(before), _award_told(after), brand=after.brand)
        puts = [
            put_operation(self._connection, self._table, award_to_item(after), as_read),
            self.audit_put(record),
        ]
        updates: list[dict[str, Any]] = []
        if journal is not None:
            puts.append(journal_put(self._connection, self._table, journal))
            updates += balance_updates(self._connection, self._table, [journal])
        token = derived_id("t", json.dumps([puts, updates], sort_keys=True, default=str))
        return write_all(self._connection, puts, updates, (), token=token)

    def audit_put(self, record: AuditRecord) -> dict[str, Any]:
        """The part of a transaction that records what somebody did about a contest."""
        return put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())

    # --------------------------------------------------------------------------------------------------------- parts

    def _once(self, item: Mapping[str, Any]) -> None:
        """Puts an item, unless there is one."""
        wire = to_wire(item)
        pk, sk = wire.pop(keys.PK)["S"], wire.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=wire, condition=Path(keys.PK).does_not_exist()
                )
        except Refused:
            return

    def _put_all(self, items: Sequence[Mapping[str, Any]]) -> None:
        # No batch of puts: the roles may not send one, for it asks for no condition.
        puts = [put_operation(self._connection, self._table, item) for item in items]
        for _ in range(_TRIES):
            if write_all(self._connection, puts, (), (), token=derived_id("t", _json(items))):
                return
        raise Unavailable("The table takes only a part: try again.", code="store_unavailable")

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _query(self, pk: str, within: Condition | None = None) -> Iterator[dict[str, Any]]:
        return whole(self._connection, self._table, pk, within)


# --------------------------------------------------------------------------------------------------------------- items


def recount_to_item(recount: Recount) -> dict[str, Any]:
    """The item of a batch. Sums of money pass 2 ** 53: they are texts."""
    counted = {
        partner: [each.last_at, {metric.value: str(value) for metric, value in sorted(each.counted.items())}]
        for partner, each in sorted(recount.counted.items())
    }
    return {
        **keys.key("recount", contest=recount.contest, batch=recount.batch).item(),
        "counted": _json(counted),
        "clients": recount.clients,
        "left_out": _json(recount.left_out) if recount.left_out else None,
    }


def recount_from_item(item: Mapping[str, Any]) -> Recount:
    """The batch of an item."""
    return Recount(
        contest=keys.parts(item[keys.PK])[1],
        batch=keys.unescape(item[keys.SK]),
        counted={
            partner: Counted({Metric(metric): int(value) for metric, value in values.items()}, last_at)
            for partner, (last_at, values) in json.loads(item["counted"]).items()
        },
        clients=item["clients"],
        left_out=tuple((client, source, event) for client, source, event in json.loads(item.get("left_out", "[]"))),
    )


def aside_to_item(aside: SetAside) -> dict[str, Any]:
    """The item of a set-aside."""
    return {
        **keys.key("set_aside", contest=aside.contest, partner=aside.partner).item(),
        "why": aside.why,
        "by": aside.by,
        "at": milliseconds(aside.at),
        "taken_back_by": aside.taken_back_by or None,
        "taken_back_at": None if aside.taken_back_at is None else milliseconds(aside.taken_back_at),
        "taken_back_why": aside.taken_back_why or None,
    }


def aside_from_item(item: Mapping[str, Any]) -> SetAside:
    """The set-aside of an item."""
    return SetAside(
        contest=keys.parts(item[keys.PK])[1],
        partner=keys.unescape(item[keys.SK]),
        why=item["why"],
        by=item["by"],
        at=from_milliseconds(item["at"]),
        taken_back_by=item.get("taken_back_by", ""),
        taken_back_at=from_milliseconds(item["taken_back_at"]) if "taken_back_at" in item else None,
        taken_back_why=item.get("taken_back_why", ""),
    )


def objection_to_item(objection: Objection) -> dict[str, Any]:
    """The item of an objection."""
    return {
        **_objection_key(objection).item(),
        "by": objection.by,
        "text": objection.text,
        "decided_by": objection.decided_by or None,
        "decided_at": None if objection.decided_at is None else milliseconds(objection.decided_at),
        "upheld": int(objection.upheld),
        "why": objection.why or None,
    }


def objection_from_item(item: Mapping[str, Any]) -> Objection:
    """The objection of an item."""
    partner, at = keys.parts(item[keys.SK])
    return Objection(
        contest=keys.parts(item[keys.PK])[1],
        partner=partner,
        at=from_milliseconds(int(at)),
        by=item["by"],
        text=item["text"],
        decided_by=item.get("decided_by", ""),
        decided_at=from_milliseconds(item["decided_at"]) if "decided_at" in item else None,
        upheld=bool(item["upheld"]),
        why=item.get("why", ""),
    )


def result_to_item(edition: str, position: int, result: Result) -> dict[str, Any]:
    """The item of a result in an edition of the ranking; `position` is its place in the list of its division. Under
    which name others see a participant stands in its entry alone: there it is erased."""
    key = keys.key(
        "result",
        contest=result.contest,
        edition=edition,
        division=result.division,
        position=f"{position:06d}",
        partner=result.partner,
    )
    return {
        **key.item(),
        "rank": result.rank,
        "score": result.score,
        "last_at": result.last_at,
        "counted": _json({metric.value: str(value) for metric, value in sorted(result.counted.items())}),
        "unranked": None if result.unranked is None else result.unranked.value,
        "aside": result.aside or None,
        "amount": result.amount,
        "gifts": _json(result.gifts) if result.gifts else None,
    }


def result_from_item(item: Mapping[str, Any]) -> Result:
    """The result of an item."""
    _, contest, _, _, division = keys.parts(item[keys.PK])
    return Result(
        contest=contest,
        partner=keys.parts(item[keys.SK])[1],
        division=int(division),
        rank=item["rank"],
        score=item["score"],
        last_at=item["last_at"],
        counted={Metric(metric): int(value) for metric, value in json.loads(item["counted"]).items()},
        unranked=Unranked(item["unranked"]) if "unranked" in item else None,
        aside=item.get("aside", ""),
        amount=item["amount"],
        gifts=tuple(json.loads(item.get("gifts", "[]"))),
    )


def award_to_item(award: Award) -> dict[str, Any]:
    """The item of a prize; listed under its contest by division and place."""
    return {
        **_award_key(award.partner, award.contest, award.number).item(),
        **keys.owner_key(
            "award",
            contest=award.contest,
            division=f"{award.division:03d}",
            place=f"{award.place:06d}",
            partner=award.partner,
            number=f"{award.number:03d}",
        ),
        "brand": award.brand,
        "division": award.division,
        "place": award.place,
        "score": award.score,
        "kind": award.kind.value,
        "amount": award.amount,
        "currency": award.currency,
        "gift": award.gift or None,
        "status": award.status.value,
        "journal": award.journal or None,
        "paid_at": None if award.paid_at is None else milliseconds(award.paid_at),
        "note": award.note,
        "lines": _json(lines_to_json(award.lines)),
    }


def award_from_item(item: Mapping[str, Any]) -> Award:
    """The prize of an item."""
    contest, number = keys.parts(item[keys.SK])
    return Award(
        contest=contest,
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        number=int(number),
        division=item["division"],
        place=item["place"],
        score=item["score"],
        kind=PrizeKind(item["kind"]),
        amount=item["amount"],
        currency=item["currency"],
        gift=item.get("gift", ""),
        status=AwardStatus(item["status"]),
        journal=item.get("journal", ""),
        paid_at=from_milliseconds(item["paid_at"]) if "paid_at" in item else None,
        note=item["note"],
        lines=tuple(lines_from_json(json.loads(item["lines"]))),
    )


def _award_key(partner: str, contest: str, number: int) -> keys.Key:
    return keys.key("award", partner=partner, contest=contest, number=f"{number:03d}")


def _objection_key(objection: Objection) -> keys.Key:
    return keys.key("objection", contest=objection.contest, partner=objection.partner, at=milliseconds(objection.at))


def _award_told(award: Award) -> dict[str, Any]:
    told = {
        "contest": award.contest,
        "number": award.number,
        "place": award.place,
        "amount": award.amount,
        "currency": award.currency,
        "gift": award.gift,
        "status": award.status.value,
        "journal": award.journal,
    }
    return {name: value for name, value in told.items() if value != ""}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
