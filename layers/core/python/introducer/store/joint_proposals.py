"""Joint proposals in BOOKS: written once and decided once, each with its audit record. A brand lists them by where they
stand, the newest first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.joint_proposal import PREFIX, JointProposal, JointStatus
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.wire import REFUSED, connect, from_wire, put_operation, reading, unavailable

_ID = re.compile(PREFIX + r"_[0-9A-Z]{26}", re.ASCII)


def proposal_to_item(each: JointProposal) -> dict[str, Any]:
    """The item of a joint proposal."""
    item: dict[str, Any] = {
        **keys.key("joint_proposal", brand=each.brand, proposal=each.proposal).item(),
        **keys.owner_key(
            "joint_proposal",
            brand=each.brand,
            status=each.status.value,
            at=f"{milliseconds(each.proposed_at):013d}",
            proposal=each.proposal,
        ),
        "brand": each.brand,
        "partners": json.dumps(each.partners),
        "terms": each.terms,
        "terms_hash": each.terms_hash,
        "reason": each.reason,
        "proposed_by": each.proposed_by,
        "proposed_at": milliseconds(each.proposed_at),
        "status": each.status.value,
    }
    if each.begins is not None:
        item["begins"] = milliseconds(each.begins)
    if each.decided_at is not None:
        item |= {"decided_by": each.decided_by, "decided_at": milliseconds(each.decided_at), "word": each.word}
    return item


def proposal_from_item(item: Mapping[str, Any]) -> JointProposal:
    """The joint proposal of an item."""
    return JointProposal(
        proposal=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partners=tuple(json.loads(item["partners"])),
        terms=item["terms"],
        terms_hash=item["terms_hash"],
        begins=from_milliseconds(item["begins"]) if "begins" in item else None,
        reason=item["reason"],
        proposed_by=item["proposed_by"],
        proposed_at=from_milliseconds(item["proposed_at"]),
        status=JointStatus(item["status"]),
        decided_by=item.get("decided_by", ""),
        decided_at=from_milliseconds(item["decided_at"]) if "decided_at" in item else None,
        word=item.get("word", ""),
    )


class JointProposals:
    """Reads and conditional writes. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def proposal(self, brand: str, proposal: str) -> JointProposal:
        """One of a brand's. Raises `NotFound`."""
        missing = NotFound("There is no such proposal.")
        if not _ID.fullmatch(proposal):
            raise missing
        key = keys.key("joint_proposal", brand=brand, proposal=proposal)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise missing
        return proposal_from_item(from_wire(answer["Item"]))

    def of_brand(
        self, brand: str, status: JointStatus, cursor: str | None = None, limit: int = 25
    ) -> Page[JointProposal]:
        """A page of those that stand so, the newest first. The index lags by moments."""
        owner = keys.owner_partition("joint_proposal", brand=brand, status=status.value)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=True)
        found = map(proposal_from_item, page.items)
        return Page(tuple(each for each in found if each.status is status), page.cursor)

    def write(self, made: JointProposal, change: Change) -> None:
        """A new one. Raises `Conflict` when it is there already."""
        self._put("propose_jointly", None, made, change, Path(keys.PK).does_not_exist())

    def decide(self, before: JointProposal, after: JointProposal, change: Change) -> None:
        """Raises `Conflict` when somebody decided meanwhile."""
        self._put("decide_joint_proposal", before, after, change, Path("status") == before.status.value)

    def _put(
        self, action: str, before: JointProposal | None, after: JointProposal, change: Change, condition: Any
    ) -> None:
        put = put_operation(self._connection, self._table, proposal_to_item(after), condition)
        told = None if before is None else {"status": before.status.value}
        record = audit_record(after.proposal, action, change, told, _told(after), brand=after.brand)
        audit = put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())
        token = derived_id("t", after.proposal, action, after.status.value, change.by, milliseconds(change.at))
        try:
            self._connection.transact_write_items((), (), [put, audit], (), client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("It was decided meanwhile: look at it again.", code="decided_already") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def _told(each: JointProposal) -> dict[str, Any]:
    return {"status": each.status.value, "partners": list(each.partners), "terms_hash": each.terms_hash}
