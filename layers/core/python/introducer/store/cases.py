"""Cases in BOOKS. A step of a case is one transaction: the case at the version that was read, what the detectors found,
the journals and the balance where money moves, the hold, the partner's scoring, mails and the audit record. When one of
them cannot be, nothing is written.

What is there to be held is a sum over attributes of the balance, as for a reservation (`store.reservations`): so the
balance is moved under its version, and whatever was posted since it was read, it reads again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.calendar import day_at
from introducer.domain.case import Answer, Case, CasePolicy, CaseStatus, ReasonCode, Verdict
from introducer.domain.case_money import NO_RECEIPT, RULE, case_journal_id
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.fraud.finding import Cluster, Evidence, Finding, Moment, Point
from introducer.domain.fraud.scoring import Scoring
from introducer.domain.hold import Hold
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Balance, Journal, Key, Leg
from introducer.domain.mail import Mail
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.holds import hold_to_item
from introducer.store.ledger import HOLDS, VERSION, balance_attribute, month_is_open
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page, every
from introducer.store.partitions import one, whole
from introducer.store.reservations import write_all
from introducer.store.scorings import scoring_put
from introducer.store.wire import connect, put_operation

OPEN, CLOSED = "open", "closed"
"""Under which of the two a case is listed."""
_MOMENTS = ("opened_at", "decide_by", "escalate_by", "asked_at", "appeal_by", "appealed_at", "freed_at", "second_at",
            "closed_at")  # fmt: skip
_TEXTS = ("brand", "name", "opened_by", "why", "stop", "execution", "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one transaction writes. `before` is None for a case that is opened."""

    before: Case | None
    after: Case
    change: Change | None = None
    action: str = ""
    """What the audit trail calls it; nothing is recorded of tokens and names of executions."""
    balance: Balance | None = None
    """As it was read, where money moves, or a hold comes or goes."""
    journals: tuple[Journal, ...] = ()
    placed: Hold | None = None
    lifted: Hold | None = None
    """A hold of this case that is placed, or that stood and is released."""
    findings: tuple[Finding, ...] = ()
    scoring: tuple[Scoring, Scoring] | None = None
    """As it was read, and as it is then."""
    mails: tuple[Mail, ...] = field(default=())


LONGEST_ID = 64
"""Characters that the id of a case may have."""


class Cases:
    """Reads and conditional writes. Every step may be repeated: what is done stays done, and is answered again."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def case(self, partner: str, case: str) -> Case:
        """A case of this partner as it stands now. Raises `NotFound`."""
        # DynamoDB refuses a key of more than a kilobyte: what is longer than any id of ours names nothing.
        item = self._get(keys.key("case", partner=partner, case=case)) if len(case) <= LONGEST_ID else None
        if item is None:
            raise NotFound("There is no such case.")
        return case_from_item(item)

    def of_partner(self, partner: str) -> list[Case]:
        """All cases of a partner, the newest first, as they stand now."""
        items = self._query(keys.partition("case", partner=partner))
        # What was found stands behind its case, in the same partition.
        found = [case_from_item(item) for item in items if len(keys.parts(item[keys.SK])) == 1]
        return sorted(found, key=lambda case: (case.opened_at, case.case), reverse=True)

    def of_brand(self, brand: str, *, closed: bool = False, cursor: str | None = None, limit: int = 50) -> Page[Case]:
        """A page of a brand's cases that are not closed, the oldest first; or of those that are, the newest first. The
        index lags by moments: who was closed meanwhile is left out."""
        owner = keys.owner_partition("case", brand=brand, state=CLOSED if closed else OPEN)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=closed)
        found = map(case_from_item, page.items)
        return Page(tuple(case for case in found if case.is_closed == closed), page.cursor)

    def all_open(self, brand: str) -> Iterator[Case]:
        """Every case of a brand that is not closed, the oldest first."""
        return every(lambda at: self.of_brand(brand, cursor=at, limit=100))

    def findings(self, partner: str, case: str) -> tuple[Finding, ...]:
        """What the detectors found, with its evidence; by detector."""
        begins = keys.prefix("finding", case=case)
        items = self._query(keys.partition("finding", partner=partner), Path(keys.SK).startswith(begins))
        return tuple(finding_from_item(item) for item in items)

    def journals(self, partner: str, case: str) -> tuple[Journal, ...]:
        """What a case has moved so far, in order."""
        begins = keys.prefix("case_journal", case=case)
        items = self._query(keys.partition("case_journal", partner=partner), Path(keys.SK).startswith(begins))
        return tuple(case_journal_from_item(item) for item in items)

    def journals_of_partner(self, partner: str) -> Iterator[Journal]:
        """What all cases of a partner have moved, by case."""
        yield from map(case_journal_from_item, self._query(keys.partition("case_journal", partner=partner)))

    def policy(self, brand: str) -> CasePolicy:
        """The clocks of a brand's cases; those that the product comes with where none were set."""
        item = self._get(keys.key("case_policy", brand=brand))
        return CasePolicy() if item is None else policy_from_item(item)

    # ----------------------------------------------------------------------------------------------------- writes

    def write(self, step: Step) -> Case | None:
        """One try to take a step: all of it or nothing. The case as it is then; None when something is not as it was
        read. Raises `Unavailable`."""
        before, after = step.before, replace(step.after, version=(step.before.version if step.before else 0) + 1)
        puts = [
            put_operation(self._connection, self._table, case_to_item(after), _as_read(before)),
            *(
                put_operation(self._connection, self._table, finding_to_item(after, finding))
                for finding in step.findings
            ),
            *(case_journal_put(self._connection, self._table, journal) for journal in step.journals),
            *(mail_put(self._connection, self._table, mail) for mail in step.mails),
        ]
        if step.placed is not None:
            absent = Path(keys.PK).does_not_exist()
            puts.append(put_operation(self._connection, self._table, hold_to_item(step.placed), absent))
        if step.lifted is not None:
            standing = Path(keys.PK).exists() & Path("released_at").does_not_exist()
            puts.append(put_operation(self._connection, self._table, hold_to_item(step.lifted), standing))
        if step.scoring is not None:
            puts.append(scoring_put(self._connection, self._table, *step.scoring))
        if step.change is not None:
            puts.append(self._audit(step, after))
        updates = []
        if step.balance is not None and (step.journals or step.placed or step.lifted):
            count = (step.placed is not None) - (step.lifted is not None)
            updates.append(balance_held(self._connection, self._table, step.balance, step.journals, count))
        # The same for a resent request, so that a lost answer is answered again and not refused.
        token = derived_id("t", json.dumps([puts, updates], sort_keys=True, default=str))
        return after if write_all(self._connection, puts, updates, (), token=token) else None

    def set_policy(self, brand: str, before: CasePolicy, after: CasePolicy, change: Change) -> None:
        """The clocks from now on. Raises `Conflict` (`policy_changed`) when they are not as they were read."""
        same: Condition = Path("policy") == _policy_text(before)
        if before == CasePolicy():
            same = Path(keys.PK).does_not_exist() | same
        told = (asdict(before), asdict(after))
        record = audit_record(brand, "set_case_policy", change, *told, brand=brand)
        item = {**keys.key("case_policy", brand=brand).item(), "policy": _policy_text(after)}
        puts = [
            put_operation(self._connection, self._table, item, same),
            put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist()),
        ]
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("The policy was changed meanwhile: read it again.", code="policy_changed")

    # ------------------------------------------------------------------------------------------------------ parts

    def _audit(self, step: Step, after: Case) -> dict[str, Any]:
        assert step.change is not None
        told, now = None if step.before is None else _told(step.before), _told(after)
        if told is not None:
            # What stays as it was stands in the records before this one.
            same = {name for name, value in now.items() if told[name] == value} - {"partner", "status"}
            told, now = ({name: each[name] for name in each.keys() - same} for each in (told, now))
        record = audit_record(after.case, step.action, step.change, told, now, brand=after.brand)
        item = audit_to_item(record)
        return put_operation(self._connection, self._table, item, Path(keys.PK).does_not_exist())

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _query(self, pk: str, within: Condition | None = None) -> list[dict[str, Any]]:
        return list(whole(self._connection, self._table, pk, within))


# --------------------------------------------------------------------------------------------------------------- money


def case_journal_put(connection: Connection, table: str, journal: Journal) -> dict[str, Any]:
    """The part of a transaction that writes a case's journal: once, and never over another."""
    return put_operation(connection, table, case_journal_to_item(journal), Path(keys.PK).does_not_exist())


def balance_held(
    connection: Connection, table: str, balance: Balance, journals: Sequence[Journal], holds: int
) -> dict[str, Any]:
    """The part of a transaction that moves a balance, as it was read, by a case's journals, and counts a hold that is
    placed (1) or released (−1)."""
    key = keys.key("balance", partner=balance.partner)
    amounts: dict[str, int] = {}
    condition: Condition = Path(VERSION) == balance.version if balance.version else Path(VERSION).does_not_exist()
    for journal in journals:
        for leg in journal.legs:
            bucket, _, day = leg.account.partition(".")
            name = balance_attribute(journal.key.currency, bucket, day)
            amounts[name] = amounts.get(name, 0) + leg.amount
    for month in {journal.post_month for journal in journals}:
        condition &= month_is_open(month)
    actions = [*(Path([name]).add(amount) for name, amount in sorted(amounts.items())), Path(VERSION).add(1)]
    if holds:
        actions.append(Path(HOLDS).add(holds))
    return connection.get_operation_kwargs(table, key.pk, key.sk, actions=actions, condition=condition)


def case_journal_to_item(journal: Journal) -> dict[str, Any]:
    """The item of a case's journal. Its place says whose it is, of which case, and the how many-th."""
    key, number = journal.key, int(journal.id.rpartition(".")[2])
    return {
        **keys.key("case_journal", partner=key.partner, case=key.scope, number=f"{number:06d}").item(),
        "kind": journal.kind,
        "currency": key.currency,
        "posted_at": journal.posted_at,
        "post_month": journal.post_month,
        "legs": json.dumps(journal.legs, separators=(",", ":")),
    }


def case_journal_from_item(item: Mapping[str, Any]) -> Journal:
    """The journal of an item."""
    partner, (case, number) = keys.parts(item[keys.PK])[1], keys.parts(item[keys.SK])
    day = day_at(item["posted_at"])
    return Journal(
        id=case_journal_id(case, int(number)),
        key=Key(partner, RULE, case, day[:7], item["currency"], day),
        kind=item["kind"],
        amount=0,
        post_month=item["post_month"],
        posted_at=item["posted_at"],
        legs=tuple(Leg(account, amount) for account, amount in json.loads(item["legs"])),
        receipt=NO_RECEIPT,
    )


# --------------------------------------------------------------------------------------------------------------- items


def case_to_item(case: Case) -> dict[str, Any]:
    """The item of a case; listed under its brand by whether it is closed."""
    return {
        **keys.key("case", partner=case.partner, case=case.case).item(),
        **keys.owner_key(
            "case",
            brand=case.brand,
            state=CLOSED if case.is_closed else OPEN,
            opened=milliseconds(case.opened_at),
            case=case.case,
        ),
        "status": case.status.value,
        "version": case.version,
        "journals": case.journals,
        "reminders": case.reminders,
        "whole": int(case.whole),
        **{name: getattr(case, name) for name in _TEXTS},
        **{name: milliseconds(at) for name in _MOMENTS if (at := getattr(case, name)) is not None},
        "detectors": _json(case.detectors),
        "values": None if case.values is None else _json(dict(case.values)),
        "clients": _json(case.clients),
        "held": _json(sorted((*day, minor) for day, minor in case.held.items())),
        "answers": _json([(milliseconds(each.at), each.by, each.side, each.text) for each in case.answers]),
        "verdict": None if case.verdict is None else _json(_verdict(case.verdict)),
        "second": None if case.second is None else _json(_verdict(case.second)),
    }


def case_from_item(item: Mapping[str, Any]) -> Case:
    """The case of an item."""
    _, partner, _ = keys.parts(item[keys.PK])
    said: dict[str, Any] = {name: item[name] for name in _TEXTS}
    said |= {name: from_milliseconds(item[name]) for name in _MOMENTS if name in item}
    return Case(
        case=keys.unescape(item[keys.SK]),
        partner=partner,
        status=CaseStatus(item["status"]),
        version=item["version"],
        journals=item["journals"],
        reminders=item["reminders"],
        whole=bool(item["whole"]),
        **said,
        detectors=tuple(json.loads(item["detectors"])),
        values=None if item.get("values") is None else json.loads(item["values"]),
        clients=tuple(json.loads(item["clients"])),
        held={(currency, day): minor for currency, day, minor in json.loads(item["held"])},
        answers=tuple(Answer(at=from_milliseconds(at), by=by, side=side, text=text)
                      for at, by, side, text in json.loads(item["answers"])),
        verdict=_verdict_of(item.get("verdict")),
        second=_verdict_of(item.get("second")),
    )  # fmt: skip


def finding_to_item(case: Case, finding: Finding) -> dict[str, Any]:
    """The item of a finding. Measures are texts: an item of the books has no fractions."""
    evidence = finding.evidence
    return {
        **keys.key("finding", partner=case.partner, case=case.case, detector=finding.detector).item(),
        "clients": _json(finding.clients),
        "first": finding.first,
        "through": finding.through,
        "measured": _json(finding.measured),
        "threshold": _json(finding.threshold),
        "values": _json(dict(finding.values)),
        "evidence": _json([evidence.clusters, evidence.series, evidence.timeline]),
    }


def finding_from_item(item: Mapping[str, Any]) -> Finding:
    """The finding of an item."""
    _, detector = keys.parts(item[keys.SK])
    clusters, series, timeline = json.loads(item["evidence"])
    return Finding(
        detector=detector,
        clients=tuple(json.loads(item["clients"])),
        first=item["first"],
        through=item["through"],
        measured=json.loads(item["measured"]),
        threshold=json.loads(item["threshold"]),
        values=json.loads(item["values"]),
        evidence=Evidence(
            clusters=tuple(Cluster(kind, label, tuple(clients), of) for kind, label, clients, of in clusters),
            series=tuple(Point(*point) for point in series),
            timeline=tuple(Moment(*moment) for moment in timeline),
        ),
    )


def policy_from_item(item: Mapping[str, Any]) -> CasePolicy:
    """The clocks of an item; a clock that it does not know is as the product comes."""
    said = json.loads(item["policy"])
    return CasePolicy(**{each.name: said[each.name] for each in fields(CasePolicy) if each.name in said})


def _policy_text(policy: CasePolicy) -> str:
    return json.dumps(asdict(policy), sort_keys=True, separators=(",", ":"))


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "at": milliseconds(verdict.at),
        "by": verdict.by,
        "disallowed": int(verdict.disallowed),
        "code": None if verdict.code is None else verdict.code.value,
        "why": verdict.why,
        "clients": verdict.clients,
        "starts_at": None if verdict.starts_at is None else milliseconds(verdict.starts_at),
    }


def _verdict_of(text: str | None) -> Verdict | None:
    if text is None:
        return None
    said = json.loads(text)
    return Verdict(
        at=from_milliseconds(said["at"]),
        by=said["by"],
        disallowed=bool(said["disallowed"]),
        code=None if said["code"] is None else ReasonCode(said["code"]),
        why=said["why"],
        clients=tuple(said["clients"]),
        starts_at=None if said["starts_at"] is None else from_milliseconds(said["starts_at"]),
    )


def _told(case: Case) -> dict[str, Any]:
    """What the audit trail says of a case: what people and rules decided, and the money. What was answered stands in
    the case; here it is only counted."""
    verdict = case.last_verdict
    return {
        "partner": case.partner,
        "status": case.status.value,
        "version": case.version,
        "detectors": case.detectors,
        "clients": case.clients,
        "whole": case.whole,
        "held": case.holds,
        "stop": case.stop,
        "answers": len(case.answers),
        "verdict": None if verdict is None else _verdict(verdict),
        "decide_by": milliseconds(case.decide_by),
        "escalate_by": milliseconds(case.escalate_by),
        "appeal_by": _at(case.appeal_by),
        "freed_at": _at(case.freed_at),
        "closed_at": _at(case.closed_at),
    }


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _as_read(before: Case | None) -> Condition:
    """The condition that a case was not written since it was read; that there is none, for a new one."""
    if before is None:
        return Path(keys.PK).does_not_exist()
    return Path("version") == before.version


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
