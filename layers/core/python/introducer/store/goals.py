"""Personal goals in BOOKS. Each step is one transaction: the offer under the condition that it waits, the deal version
that accepting makes, the audit record, and the mail that tells the other side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.adjustment import Act
from introducer.domain.configuration import Change, DealRecord
from introducer.domain.deal import Basis
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.goal import Goal, GoalStatus
from introducer.domain.ids import derived_id
from introducer.domain.mail import Mail
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.deals import deal_to_item
from introducer.store.mails import mail_put
from introducer.store.partitions import whole
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, reading, unavailable

_ID = re.compile(r"gol_[0-9A-Z]{26}", re.ASCII)


def goal_to_item(goal: Goal) -> dict[str, Any]:
    """The item of an offer."""
    item: dict[str, Any] = {
        **keys.key("goal", partner=goal.partner, goal=goal.goal).item(),
        "brand": goal.brand,
        "by": goal.by.value,
        "clients": goal.clients,
        "first": goal.first,
        "last": goal.last,
        "amount": goal.amount,
        "currency": goal.currency,
        "note": goal.note,
        "answer_by": milliseconds(goal.answer_by),
        "offered_by": goal.offered_by,
        "offered_at": milliseconds(goal.offered_at),
        "status": goal.status.value,
        "version": goal.version,
    }
    if goal.answered is not None:
        act = goal.answered
        item |= {"answered_by": act.by, "answered_at": milliseconds(act.at), "answered_why": act.why}
    return item


def goal_from_item(item: Mapping[str, Any]) -> Goal:
    """The offer of an item."""
    answered = None
    if "answered_by" in item:
        answered = Act(item["answered_by"], from_milliseconds(item["answered_at"]), item["answered_why"])
    return Goal(
        goal=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        by=Basis(item["by"]),
        clients=item["clients"],
        first=item["first"],
        last=item["last"],
        amount=item["amount"],
        currency=item["currency"],
        note=item["note"],
        answer_by=from_milliseconds(item["answer_by"]),
        offered_by=item["offered_by"],
        offered_at=from_milliseconds(item["offered_at"]),
        status=GoalStatus(item["status"]),
        answered=answered,
        version=item.get("version"),
    )


class Goals:
    """Reads and conditional writes of offers. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def goal(self, partner: str, goal: str) -> Goal:
        """One offer to this partner, as it stands now. Raises `NotFound`."""
        if not _ID.fullmatch(goal):
            # What is longer than a key can be would be no answer at all.
            raise NotFound("There is no such goal.")
        key = keys.key("goal", partner=partner, goal=goal)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise NotFound("There is no such goal.")
        return goal_from_item(from_wire(answer["Item"]))

    def of_partner(self, partner: str) -> tuple[Goal, ...]:
        """All offers to a partner, newest first, as they stand now."""
        found = map(goal_from_item, whole(self._connection, self._table, keys.partition("goal", partner=partner)))
        return tuple(sorted(found, key=lambda goal: (goal.offered_at, goal.goal), reverse=True))

    # ----------------------------------------------------------------------------------------------------- writes

    def offer(self, goal: Goal, change: Change, mail: Mail) -> None:
        """A new offer. Raises `Conflict` when its id is taken."""
        put = put_operation(self._connection, self._table, goal_to_item(goal), Path(keys.PK).does_not_exist())
        self._write("offer_goal", None, goal, change, [put, mail_put(self._connection, self._table, mail)])

    def answer(
        self,
        action: str,
        before: Goal,
        after: Goal,
        change: Change,
        mail: Mail | None = None,
        deal: DealRecord | None = None,
    ) -> None:
        """A step of an offer that waits, with the deal version that accepting it makes. Raises `Conflict` when the
        offer waits no longer, or the partner has this version already: read again."""
        waits = Path("status") == before.status.value
        puts = [put_operation(self._connection, self._table, goal_to_item(after), waits)]
        if deal is not None:
            absent = Path(keys.PK).does_not_exist()
            puts.append(put_operation(self._connection, self._table, deal_to_item(deal, after.brand), absent))
        if mail is not None:
            puts.append(mail_put(self._connection, self._table, mail))
        self._write(action, before, after, change, puts, deal)

    # ------------------------------------------------------------------------------------------------------ parts

    def _write(
        self,
        action: str,
        before: Goal | None,
        after: Goal,
        change: Change,
        puts: Sequence[dict[str, Any]],
        deal: DealRecord | None = None,
    ) -> None:
        told = None if before is None else {"goal": before.goal, "status": before.status.value}
        record = audit_record(after.partner, action, change, told, _told(after, deal), brand=after.brand)
        audit = put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())
        # The same for a resent request, so that a lost answer is answered again and not refused.
        token = derived_id("t", after.goal, after.status, change.by, milliseconds(change.at))
        try:
            self._connection.transact_write_items((), (), [*puts, audit], (), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("The offer or the deal changed meanwhile: read again.") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _told(goal: Goal, deal: DealRecord | None) -> dict[str, Any]:
    """What the audit trail says of it: nothing that the two sides wrote to each other, which can be erased there."""
    told: dict[str, Any] = {
        "goal": goal.goal,
        "status": goal.status.value,
        "by": goal.by.value,
        "clients": goal.clients,
        "first": goal.first,
        "last": goal.last,
        "amount": goal.amount,
        "currency": goal.currency,
    }
    if deal is not None:
        told |= {
            "version": deal.version,
            "valid_from": milliseconds(deal.valid_from),
            "terms_hash": deal.terms_hash,
        }
    return told
