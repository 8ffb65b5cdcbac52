"""Runs, payouts and batches in BOOKS. A step of a payout is one transaction: the payout at the version that was read,
its journal and the balance where money moves, and the mail that tells of it. When one of them cannot be, nothing is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.exchange import way_back, way_out
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Balance, Journal
from introducer.domain.mail import Mail
from introducer.domain.payout import (
    RELEASED_IN,
    Batch,
    BatchStatus,
    LeftOut,
    Payout,
    PayoutStatus,
    Run,
    check_step,
    execution_name,
    moved_between,
)
from introducer.domain.reservation import Move, paid, released, reserved, returned
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.ledger import HOLDS
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import one
from introducer.store.payout_items import (
    batch_from_item,
    batch_to_item,
    left_out_from_item,
    left_out_to_item,
    payout_from_item,
    payout_to_item,
    run_from_item,
    run_to_item,
)
from introducer.store.reservations import TRIES, Beside, Reservations, write_all
from introducer.store.wire import Refused, batch_get, connect, from_wire, put_operation, reading, to_wire, writing

T = TypeVar("T")
Propose = Callable[[Balance, Sequence[Journal]], Journal]


class Payouts:
    """Reads and conditional writes. Every step may be repeated: what is done stays done, and is answered again."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._reservations = Reservations(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def run(self, brand: str, run: str) -> Run:
        """A run as it stands now. Raises `NotFound`."""
        item = self._get(keys.key("run", brand=brand, run=run))
        if item is None:
            raise NotFound("There is no such run.")
        return run_from_item(item)

    def runs(self, brand: str, cursor: str | None = None, limit: int = 25) -> Page[Run]:
        """A page of a brand's runs, the newest first."""
        return self._owned(keys.owner_partition("run", brand=brand), run_from_item, cursor, limit)

    def place(self, payout: str) -> tuple[str, str]:
        """The brand and the run of a payout. Raises `NotFound`."""
        item = self._get(keys.key("payout_place", payout=payout))
        if item is None:
            raise NotFound("There is no such payout.")
        return item["brand"], item["run"]

    def payout(self, brand: str, run: str, payout: str) -> Payout:
        """A payout as it stands now. Raises `NotFound`."""
        item = self._get(keys.key("payout", brand=brand, run=run, payout=payout))
        if item is None:
            raise NotFound("There is no such payout.")
        return payout_from_item(item)

    def by_id(self, payout: str) -> Payout:
        """A payout as it stands now, by its id alone. Raises `NotFound`."""
        brand, run = self.place(payout)
        return self.payout(brand, run, payout)

    def by_ids(self, payouts: Sequence[str]) -> dict[str, Payout]:
        """Those of these payouts that there are, by their ids."""
        places = batch_get(
            self._connection, self._table, [keys.key("payout_place", payout=each) for each in sorted(set(payouts))]
        )
        wanted = [
            keys.key("payout", brand=item["brand"], run=item["run"], payout=keys.parts(item[keys.PK])[1])
            for item in places
        ]
        found = map(payout_from_item, batch_get(self._connection, self._table, wanted))
        return {each.payout: each for each in found}

    def of_run(self, brand: str, run: str, cursor: str | None = None, limit: int = 50) -> Page[Payout]:
        """A page of a run's payouts, by id, as they stand now."""
        return self._in_run(brand, run, "payout", payout_from_item, cursor, limit)

    def all_of_run(self, brand: str, run: str, after: str = "", through: str = "") -> Iterator[Payout]:
        """Every payout of a run, by id, page after page; those above `after` and up to `through` where these are
        given."""
        cursor = keys.key("payout", brand=brand, run=run, payout=after).sk if after else None
        while True:
            page = self.of_run(brand, run, cursor, limit=200)
            for payout in page.items:
                if through and payout.payout > through:
                    return
                yield payout
            cursor = page.cursor
            if cursor is None:
                return

    def of_partner(self, partner: str, cursor: str | None = None, limit: int = 25) -> Page[Payout]:
        """A page of a partner's payouts, the newest first."""
        return self._owned(keys.owner_partition("payout", partner=partner), payout_from_item, cursor, limit)

    def left_out(self, brand: str, run: str, cursor: str | None = None, limit: int = 50) -> Page[LeftOut]:
        """A page of those whom a run does not pay, by partner."""
        page = self._in_run(brand, run, "left_out", left_out_from_item, cursor, limit)
        return Page(tuple(each for each in page.items if each.reason), page.cursor)

    def all_left_out(self, brand: str, run: str, after: str = "", through: str = "") -> Iterator[LeftOut]:
        """Everybody whom a run does not pay, by partner; those above `after` and up to `through` where these are
        given."""
        cursor = keys.key("left_out", brand=brand, run=run, partner=after, currency="~").sk if after else None
        while True:
            page = self.left_out(brand, run, cursor, limit=500)
            for each in page.items:
                if through and each.partner > through:
                    return
                yield each
            cursor = page.cursor
            if cursor is None:
                return

    def after_left_out(self, brand: str, run: str, left: LeftOut) -> str:
        """The cursor of what comes after this one in `left_out`."""
        return keys.key("left_out", brand=brand, run=run, partner=left.partner, currency=left.currency).sk

    def left_out_of(self, brand: str, run: str, partner: str) -> list[LeftOut]:
        """Why a run does not pay this partner: at all, or out of some currency. Few."""
        begins = keys.prefix("left_out", partner=partner)
        page = self._in_run(brand, run, "left_out", left_out_from_item, None, 100, begins)
        return [each for each in page.items if each.reason]

    def batch(self, brand: str, run: str, batch: str) -> Batch:
        """A batch as it stands now. Raises `NotFound`."""
        item = self._get(keys.key("batch", brand=brand, run=run, batch=batch))
        if item is None:
            raise NotFound("There is no such batch.")
        return batch_from_item(item)

    def batches(self, brand: str, run: str) -> list[Batch]:
        """All batches of a run."""
        found: list[Batch] = []
        cursor: str | None = None
        while True:
            page = self._in_run(brand, run, "batch", batch_from_item, cursor, 200)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found

    # -------------------------------------------------------------------------------------------------------- runs

    def open_run(self, run: Run, change: Change) -> Run:
        """Writes a new run down, and returns the one that stands there: this, or the one that was opened before."""
        put = put_operation(self._connection, self._table, run_to_item(run), Path(keys.PK).does_not_exist())
        audit = self._audit(
            run.brand, _subject(run), "open_run", change, None, {"run": run.run, "through": run.through}
        )
        token = derived_id("t", put, audit)
        for _ in range(TRIES):
            if write_all(self._connection, [put, audit], (), (), token=token):
                return run
            try:
                return self.run(run.brand, run.run)
            except NotFound:
                # It only met another transaction.
                continue
        raise Conflict("The run is being opened by somebody else: try again.", code="run_changed")

    def change_run(
        self, before: Run, after: Run, change: Change | None = None, action: str = "", mails: Sequence[Mail] = ()
    ) -> Run:
        """A run as it is from now on; its audit record where a person or the clock decided something; mails that tell
        of it. Raises `Conflict` (code `run_changed`) when it is no longer as it was read."""
        after = replace(after, version=before.version + 1)
        puts = [
            put_operation(self._connection, self._table, run_to_item(after), _as_read(before.version)),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
        ]
        if change is not None:
            told = {"run": after.run, "status": after.status.value, "version": after.version}
            puts.append(
                self._audit(after.brand, _subject(after), action, change, {"status": before.status.value}, told)
            )
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("The run changed meanwhile: read it again.", code="run_changed")
        return after

    def leave_out(self, brand: str, run: str, left: Sequence[LeftOut]) -> None:
        """Writes down who is left out, and why; without a reason it is withdrawn. Again is the same."""
        for each in left:
            attributes = to_wire(left_out_to_item(brand, run, each))
            pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
            # One by one: a role that may write in batches may delete in batches, and none may delete.
            with writing():
                self._connection.put_item(self._table, pk, sk, attributes=attributes)

    # ----------------------------------------------------------------------------------------------------- payouts

    def create(self, payout: Payout, through: str | None = None) -> Payout:
        """Reserves a new payout's money and writes it down; returns the one that stands there: this, or the one
        that was made before. What matured after `through`, the last day of the payout's period, stays pending.

        Raises `Conflict` when less is available than it moves (`not_available`), a hold has come (`on_hold`), or the
        books move too fast (`books_changed`: try again).
        """
        at_ms = milliseconds(payout.created_at)

        def propose(balance: Balance, _: Sequence[Journal]) -> Journal:
            return reserved(
                balance, payout=payout.payout, currency=payout.currency, amount=payout.amount, at_ms=at_ms,
                through=through,
            )  # fmt: skip

        absent = Path(keys.PK).does_not_exist()
        place = keys.key("payout_place", payout=payout.payout).item() | {"brand": payout.brand, "run": payout.run}
        beside = Beside(
            puts=(
                put_operation(self._connection, self._table, payout_to_item(payout), absent),
                put_operation(self._connection, self._table, place, absent),
            )
        )
        for _ in range(TRIES):
            before = self._get(keys.key("payout", brand=payout.brand, run=payout.run, payout=payout.payout))
            if before is not None:
                return payout_from_item(before)
            taken = self._reservations.attempt(payout.partner, payout.payout, Move.RESERVE, propose, beside)
            # What somebody else took meanwhile may be of another amount: it is read again.
            if taken is not None and taken.now:
                return payout
        raise Conflict("The partner's books move too fast: try again.", code="books_changed")

    def step(
        self,
        payout: Payout,
        to: PayoutStatus,
        at: datetime,
        *,
        change: Change | None = None,
        mails: Sequence[Mail] = (),
        as_read: bool = False,
        **said: str,
    ) -> Payout:
        """A step of a payout, with the money that it moves; what stands there already is answered again. `said` are
        fields of the payout that are new with it (`reason`, `note`, `batch`, `reference`). `as_read`: only while the
        payout is as it was read, because more than its status speaks for the step.

        Raises `Conflict` when the step can never follow (`wrong_status`), the payout is not as it was read
        (`payout_changed`: look at it again), or the books move too fast (`books_changed`: try again).
        """
        for _ in range(TRIES):
            if not check_step(payout, to):
                return payout
            after = replace(payout, status=to, status_since=at, version=payout.version + 1, **said)  # type: ignore[arg-type]
            try:
                if self._step(payout, after, change, mails):
                    return after
            except Conflict:
                # The books refuse a move that cannot follow another. Where somebody took that other one meanwhile, the
                # payout says how it stands.
                if self.payout(payout.brand, payout.run, payout.payout).version == payout.version:
                    raise
            read, payout = payout.version, self.payout(payout.brand, payout.run, payout.payout)
            if as_read and payout.version != read and payout.status is not to:
                raise Conflict("More was heard of this payout meanwhile: look at it again.", code="payout_changed")
        raise Conflict("The payout is being changed by somebody else: try again.", code="books_changed")

    def say_again(self, payout: Payout, reason: str) -> None:
        """The payout as it stands, written once more: whoever looked at it before has to look again. Nothing where it
        is no longer as it was read, which says the same."""
        after = replace(payout, reason=reason, version=payout.version + 1)
        put = put_operation(self._connection, self._table, payout_to_item(after), _as_read(payout.version))
        for _ in range(TRIES):
            if write_all(self._connection, [put], (), (), token=derived_id("t", put)):
                return
            if self.payout(payout.brand, payout.run, payout.payout).version != payout.version:
                return
        raise Conflict("The payout is being changed by somebody else: try again.", code="books_changed")

    def take_out(
        self, run: Run, payout: Payout, to: PayoutStatus, at: datetime, *, change: Change | None = None, **said: str
    ) -> tuple[Run, Payout] | None:
        """One try to take a payout out of a run that waits: the step, its money and the run's sums in one transaction.
        None when the run or the payout is no longer as it was read: look again.

        Raises `Conflict` (code `wrong_status`) when the step can never follow.
        """
        if not check_step(payout, to):
            return run, payout
        after = replace(payout, status=to, status_since=at, version=payout.version + 1, **said)  # type: ignore[arg-type]
        told = replace(run, sums=moved_between(run.sums, payout, after), version=run.version + 1)
        put = put_operation(self._connection, self._table, run_to_item(told), _as_read(run.version))
        try:
            return (told, after) if self._step(payout, after, change, (), put) else None
        except Conflict:
            if self.payout(payout.brand, payout.run, payout.payout).version == payout.version:
                raise
            return None

    def begin_sending(self, payout: Payout, batch: Batch, at: datetime) -> Payout | None:
        """Approved, it joins a batch: from here on it may be on its way. None when a hold has come, its payment profile
        is another now, the batch is sealed, or the payout is no longer as it was read: look again.

        It is decided in one transaction with balance, profile and batch: a hold that is placed before it is met, and
        nothing joins what is on its way.
        """
        assert payout.status is PayoutStatus.APPROVED
        after = replace(
            payout, status=PayoutStatus.SENDING, status_since=at, batch=batch.batch, version=payout.version + 1
        )
        put = put_operation(self._connection, self._table, payout_to_item(after), _as_read(payout.version))
        no_hold = Path(HOLDS).does_not_exist() | (Path(HOLDS) <= 0)
        checks = [
            self._check(keys.key("balance", partner=payout.partner), no_hold),
            self._check(keys.key("payment_profile", partner=payout.partner), Path("version") == payout.profile_version),
            self._check(
                keys.key("batch", brand=batch.brand, run=batch.run, batch=batch.batch),
                Path("status") == BatchStatus.OPEN.value,
            ),
        ]
        written = write_all(self._connection, [put], (), checks, token=derived_id("t", put, *checks))
        return after if written else None

    # ----------------------------------------------------------------------------------------------------- batches

    def open_batch(self, batch: Batch) -> Batch:
        """Writes a new batch down, and returns the one that stands there: this, or the one that was planned before."""
        attributes = to_wire(batch_to_item(batch))
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=attributes, condition=Path(keys.PK).does_not_exist()
                )
        except Refused:
            return self.batch(batch.brand, batch.run, batch.batch)
        return batch

    def change_batch(self, before: Batch, after: Batch) -> Batch:
        """A batch as it is from now on. Raises `Conflict` (`batch_changed`) when it is no longer as it was read."""
        after = replace(after, version=before.version + 1)
        attributes = to_wire(batch_to_item(after))
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=attributes, condition=_as_read(before.version)
                )
        except Refused:
            raise Conflict("The batch changed meanwhile: read it again.", code="batch_changed") from None
        return after

    # ------------------------------------------------------------------------------------------------------- audit

    def record(self, brand: str, subject: str, action: str, change: Change, told: Mapping[str, Any]) -> None:
        """Writes down that somebody did what changes nothing here by itself: read a file, or handed one in. Again at
        the same moment is the same record."""
        item = audit_to_item(audit_record(subject, action, change, None, told, brand=brand))
        put = put_operation(self._connection, self._table, item, Path(keys.PK).does_not_exist())
        write_all(self._connection, [put], (), (), token=derived_id("t", put))

    # ------------------------------------------------------------------------------------------------------- parts

    def _step(
        self,
        payout: Payout,
        after: Payout,
        change: Change | None,
        mails: Sequence[Mail],
        *more: dict[str, Any],
    ) -> bool:
        puts = [
            *more,
            put_operation(self._connection, self._table, payout_to_item(after), _as_read(payout.version)),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
        ]
        if change is not None:
            # Without the note: a bank's words may name the holder of an account, and the trail is never edited.
            told = {"payout": after.payout, "status": after.status.value, "reason": after.reason}
            before = {"status": payout.status.value}
            puts.append(self._audit(after.brand, after.payout, f"payout_{after.status.value}", change, before, told))
        moves = _move(after, milliseconds(after.status_since))
        if moves is None:
            return write_all(self._connection, puts, (), (), token=derived_id("t", *puts))
        move, propose = moves
        way = way_out(after) if move is Move.PAY else way_back(after) if move is Move.RETURN else ()
        beside = Beside(puts=puts, way=way)
        taken = self._reservations.attempt(payout.partner, payout.payout, move, propose, beside)
        return taken is not None and taken.now

    def _audit(
        self,
        brand: str,
        subject: str,
        action: str,
        change: Change,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
    ) -> dict[str, Any]:
        item = audit_to_item(audit_record(subject, action, change, before, after, brand=brand))
        return put_operation(self._connection, self._table, item, Path(keys.PK).does_not_exist())

    def _check(self, key: keys.Key, condition: Condition) -> dict[str, Any]:
        return self._connection.get_operation_kwargs(self._table, key.pk, key.sk, condition=condition)

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _in_run(
        self,
        brand: str,
        run: str,
        kind: str,
        read: Callable[[Mapping[str, Any]], T],
        cursor: str | None,
        limit: int,
        begins: str = "",
    ) -> Page[T]:
        """A page of what stands in a run, by key, read consistently; of what begins so alone where that is given."""
        pk = keys.partition(kind, brand=brand, run=run)
        with reading():
            answer = self._connection.query(
                self._table,
                pk,
                range_key_condition=Path(keys.SK).startswith(begins or keys.prefix(kind)),
                exclusive_start_key=to_wire({keys.PK: pk, keys.SK: cursor}) if cursor else None,
                limit=limit,
                consistent_read=True,
            )
        last = answer.get("LastEvaluatedKey")
        return Page(tuple(read(from_wire(item)) for item in answer["Items"]), last[keys.SK]["S"] if last else None)

    def _owned(self, owner: str, read: Callable[[Mapping[str, Any]], T], cursor: str | None, limit: int) -> Page[T]:
        """A page of what the index lists under an owner, newest first, as it stands now."""
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=True)
        return Page(tuple(map(read, page.items)), page.cursor)


def _move(after: Payout, at_ms: int) -> tuple[Move, Propose] | None:
    """What a step moves in the books, and how its journal is made; None for one that moves nothing."""
    if after.status is PayoutStatus.PAID:
        return Move.PAY, lambda balance, before: paid(balance, before[0], at_ms)
    if after.status is PayoutStatus.RETURNED:
        return Move.RETURN, lambda balance, before: returned(balance, before[1], at_ms)
    if after.status in RELEASED_IN:
        return Move.RELEASE, lambda balance, before: released(balance, before[0], at_ms)
    return None


def _subject(run: Run) -> str:
    """What a run's audit records are about. Its name alone is another brand's too, which may begin its run in the same
    millisecond."""
    return execution_name(run.brand, run.run)


def _as_read(version: int) -> Condition:
    """The condition that a thing was not written since it was read."""
    return Path("version") == version
