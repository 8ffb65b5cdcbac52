"""The demo waits for the books, and says what is missing when they do not come."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from introducer.domain.case import Case, CaseStatus
from introducer.domain.events import Event, EventType
from introducer.domain.mail import Audience, Mail, MailStatus, MailTemplate, Seen
from introducer.domain.rows import Row
from introducer.domain.settlement import Chain
from introducer.store.cases import Cases, Step
from introducer.store.click_counts import ClickCount, ClickCounts, Span, position
from introducer.store.facts import Facts
from introducer.store.intake_days import IntakeDay, IntakeDays
from introducer.store.mails import Mails
from introducer.store.settlements import SettledMonth, Settlements, Settling, chain_digest, row_to_item
from introducer.store.wire import to_wire
from introducer_ops.demo.waiting import (
    NotSettled,
    standing,
    wait_until_applied,
    wait_until_looked_at,
    wait_until_scored,
    wait_until_settled,
    wait_until_told,
)
from introducer_ops.localcloud import LocalCloud, Stack
from tests.conftest import create_table

pytestmark = pytest.mark.cloud

DAY = "2026-03-02"
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_MOMENTS = itertools.count(1)
"""A write is known by its moment: what differs has another one, in whichever table."""


@pytest.fixture(name="stack")
def _stack(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Both tables, the queues, and no function that would work on them."""
    suffix = secrets.token_hex(4)
    tables = {"FactsTableName": f"facts-waiting-{suffix}", "BooksTableName": f"books-waiting-{suffix}"}
    stack = Stack(cloud.endpoint, "", tables, {}, tmp_path)
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    for table in tables.values():
        create_table(stack.client("dynamodb"), table, index=table.startswith("books"))
    queues, sqs = ("ScoreQueueUrl", "TriggerQueueUrl", "ReportQueueUrl"), stack.client("sqs")
    for queue in queues:
        stack.outputs[queue] = sqs.create_queue(QueueName=f"{queue.lower()}-waiting-{suffix}")["QueueUrl"]
    yield stack
    for queue in queues:
        sqs.delete_queue(QueueUrl=stack.outputs[queue])
    for table in (stack.outputs["FactsTableName"], stack.outputs["BooksTableName"]):
        stack.client("dynamodb").delete_table(TableName=table)


def click(stack: Stack, number: int, *flags: str) -> None:
    item: dict[str, Any] = {"pk": {"S": f"C#Ab12Cd34#{DAY}#0"}, "sk": {"S": f"click-{number}"}}
    if flags:
        item["flags"] = {"L": [{"S": flag} for flag in flags]}
    stack.client("dynamodb").put_item(TableName=stack.outputs["FactsTableName"], Item=item)


def count_clicks(stack: Stack, clicks: int, flagged: int) -> None:
    counts = ClickCounts(stack.outputs["BooksTableName"])
    span = Span(position("1"), position("9"))
    assert counts.add(ClickCount("par_1", DAY, "Ab12Cd34", clicks, clicks, flagged), {0: span})


def event(stack: Stack, event_id: str, applied: bool, source: str = "mt5") -> None:
    Facts(stack.outputs["FactsTableName"]).put_event(
        Event(
            brand="brd_1",
            source=source,
            client="c",
            event_id=event_id,
            type=EventType.DEPOSIT,
            occurred_at=AT,
            accepted_at=AT,
            currency="EUR",
            amount=1,
            applied_at=AT if applied else None,
        )
    )


def count_events(stack: Stack, applied: int) -> None:
    assert IntakeDays(stack.outputs["BooksTableName"]).add(
        IntakeDay("mt5", DAY), IntakeDay("mt5", DAY, applied, applied)
    )


def test_it_ends_when_everything_is_stored_counted_and_applied(stack: Stack) -> None:
    click(stack, 1)
    click(stack, 2, "bot")
    count_clicks(stack, 1, 1)
    event(stack, "dep-1", applied=True)
    count_events(stack, 1)

    settled = wait_until_applied(stack, "mt5", clicks=2, events=1)

    assert (settled.clicks, settled.flagged, settled.counted) == (2, 1, 2)
    assert (settled.events, settled.applied, settled.intake) == (1, 1, 1)


def test_a_click_that_is_nowhere_is_missed(stack: Stack) -> None:
    with pytest.raises(NotSettled, match="1 clicks were answered but are not in FACTS"):
        wait_until_applied(stack, "mt5", clicks=1, events=0, patience=0)


def test_a_click_that_is_not_counted_is_missed(stack: Stack) -> None:
    click(stack, 1)

    with pytest.raises(NotSettled, match="1 clicks are not in the counters"):
        wait_until_applied(stack, "mt5", clicks=1, events=0, patience=0)


def test_an_event_that_is_not_applied_is_named(stack: Stack) -> None:
    event(stack, "dep-1", applied=True)
    event(stack, "dep-2", applied=False)
    count_events(stack, 1)

    with pytest.raises(NotSettled, match=r"1 accepted events are not applied \(deposit dep-2 of mt5\)"):
        wait_until_applied(stack, "mt5", clicks=0, events=2, patience=0)


def test_a_decision_of_the_desk_is_waited_for_and_is_no_event_of_the_source(stack: Stack) -> None:
    event(stack, "dep-1", applied=True)
    count_events(stack, 1)
    event(stack, "mov-1", applied=True, source="desk")
    assert wait_until_applied(stack, "mt5", clicks=0, events=1).events == 1

    event(stack, "mov-2", applied=False, source="desk")
    with pytest.raises(NotSettled, match=r"not applied \(deposit mov-2 of desk\)"):
        wait_until_applied(stack, "mt5", clicks=0, events=1, patience=0)


def row(stack: Stack, client: str, month: str = "2026-03") -> None:
    item = row_to_item("par_1", month, client, Row(earned=(("cpa", "EUR", 60_000),)))
    stack.client("dynamodb").put_item(TableName=stack.outputs["BooksTableName"], Item=to_wire(item))


def settle(stack: Stack, month: str = "2026-03", follows: Chain | None = None) -> None:
    """As it is now, handing on nothing."""
    settlements = Settlements(stack.outputs["BooksTableName"])
    seen = settlements.rows("par_1", month).digest
    settled = SettledMonth(seen=seen, follows=chain_digest(follows or Chain()))
    settlements.write(Settling("par_1", month, settlements.version("par_1"), settled), next(_MOMENTS))


def test_it_ends_when_each_month_is_settled_from_its_rows(stack: Stack) -> None:
    for month in ("2026-02", "2026-03"):
        row(stack, "c", month)
        settle(stack, month)

    wait_until_settled(stack, ["par_2", "par_1"], ["2026-02", "2026-03"], patience=0)


def test_rows_that_are_newer_than_the_settled_month_are_missed(stack: Stack) -> None:
    row(stack, "c")
    with pytest.raises(NotSettled, match="par_1 is not settled in 2026-03: see the settle function's log"):
        wait_until_settled(stack, ["par_1"], ["2026-02", "2026-03"], patience=0)

    settle(stack)
    row(stack, "d")
    with pytest.raises(NotSettled, match="par_1 is not settled in 2026-03"):
        wait_until_settled(stack, ["par_1"], ["2026-02", "2026-03"], patience=0)


def test_a_month_that_followed_something_else_than_the_month_before_hands_on_is_missed(stack: Stack) -> None:
    for month, follows in (("2026-02", Chain()), ("2026-03", Chain(reached={"1.ten": 9}))):
        row(stack, "c", month)
        settle(stack, month, follows)

    with pytest.raises(NotSettled, match="par_1 is not settled in 2026-03"):
        wait_until_settled(stack, ["par_1"], ["2026-02", "2026-03"], patience=0)


def test_an_applied_event_that_the_source_does_not_count_is_missed(stack: Stack) -> None:
    event(stack, "dep-1", applied=True)

    with pytest.raises(NotSettled, match="1 applied events are not in the source's counters"):
        wait_until_applied(stack, "mt5", clicks=0, events=1, patience=0)


def test_what_stands_in_quarantine_is_told_with_its_reason(stack: Stack) -> None:
    Facts(stack.outputs["FactsTableName"]).quarantine(
        brand="brd_1", source="mt5", at=AT, reason="rate_missing", detail="No rates.", message="{}"
    )

    assert standing(stack, "mt5").quarantined == ("rate_missing",)
    with pytest.raises(NotSettled, match="In quarantine: rate_missing"):
        wait_until_applied(stack, "mt5", clicks=1, events=0, patience=0)


def case(stack: Stack, token: str) -> None:
    """A case about par_1; with a token an execution waits for its verdict."""
    opened = Case(
        case="cas_1",
        brand="brd_1",
        partner="par_1",
        name="Glasswing Deals",
        status=CaseStatus.OPEN,
        opened_at=AT,
        opened_by="system:scoring",
        why="So many are alike",
        detectors=("registration_cluster",),
        clients=("c",),
        decide_by=AT,
        escalate_by=AT,
        token=token,
    )
    assert Cases(stack.outputs["BooksTableName"]).write(Step(before=None, after=opened)) is not None


def test_it_ends_when_nobody_waits_to_be_scored_and_the_cases_wait_for_a_person(stack: Stack) -> None:
    case(stack, token="a token")

    wait_until_scored(stack, "brd_1", ["par_1"], patience=0)


def test_a_case_that_nothing_waits_with_is_missed(stack: Stack) -> None:
    case(stack, token="")

    with pytest.raises(NotSettled, match="No case of par_1 waits for a person"):
        wait_until_scored(stack, "brd_1", ["par_1"], patience=0)


def test_a_partner_that_is_still_to_be_scored_is_missed(stack: Stack) -> None:
    stack.client("sqs").send_message(QueueUrl=stack.outputs["ScoreQueueUrl"], MessageBody="{}")

    with pytest.raises(NotSettled, match="1 messages wait for scoring"):
        wait_until_scored(stack, "brd_1", [], patience=0)


@pytest.mark.parametrize(
    ("queue", "what"), [("ScoreQueueUrl", "scoring"), ("TriggerQueueUrl", "triggers"), ("ReportQueueUrl", "reports")]
)
def test_a_message_that_nobody_took_is_missed_whichever_queue_it_is_in(stack: Stack, queue: str, what: str) -> None:
    stack.client("sqs").send_message(QueueUrl=stack.outputs[queue], MessageBody="{}")

    with pytest.raises(NotSettled, match=f"1 messages for {what}"):
        wait_until_looked_at(stack, patience=0)


def test_it_ends_when_all_queues_are_empty(stack: Stack) -> None:
    wait_until_looked_at(stack, patience=0)


def mail(stack: Stack, name: str, status: MailStatus, **changes: Any) -> None:
    told = Mail(
        mail=f"mail_{name}", brand="brd_1", partner="par_1", audience=Audience.MEMBER, member="mem_1",
        template=MailTemplate.CASE_OPENED, values={}, what=name, at=AT, status=status, status_since=AT, **changes,
    )  # fmt: skip
    assert Mails(stack.outputs["BooksTableName"]).put(told)


def test_it_ends_when_every_mail_is_where_it_goes_and_what_became_of_it_is_known(stack: Stack) -> None:
    stack.clock.set_to(AT)
    mail(stack, "delivered", MailStatus.SENT, seen=frozenset({Seen.SENT, Seen.DELIVERED}))
    mail(stack, "bounced", MailStatus.SENT, seen=frozenset({Seen.SENT, Seen.BOUNCED}))
    mail(stack, "later", MailStatus.WAITING, not_before=AT + timedelta(hours=1))
    for status in (MailStatus.HANDED_ON, MailStatus.SUPPRESSED, MailStatus.FAILED, MailStatus.UNCLEAR):
        mail(stack, status.value, status)

    assert len(wait_until_told(stack, "brd_1", ["par_1"], patience=0)) == 7


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (MailStatus.WAITING, ()),
        (MailStatus.SENDING, ()),
        (MailStatus.SENT, (Seen.SENT,)),
        (MailStatus.SENT, (Seen.DELIVERED,)),
    ],
)
def test_a_mail_that_is_on_its_way_is_named(stack: Stack, status: MailStatus, seen: tuple[Seen, ...]) -> None:
    mail(stack, "one", status, seen=frozenset(seen))

    with pytest.raises(NotSettled, match=r"1 mails are not where they go \(mail_one\)"):
        wait_until_told(stack, "brd_1", ["par_1"], patience=0)


def test_the_minutes_call_is_made_for_what_is_due(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.clock.set_to(AT)
    mail(stack, "due", MailStatus.WAITING, not_before=AT)
    called: list[str] = []
    monkeypatch.setattr(Stack, "invoke", lambda _, function, event: called.append(function))

    with pytest.raises(NotSettled, match="mail_due"):
        wait_until_told(stack, "brd_1", ["par_1"], patience=0)
    assert set(called) == {"DueMailsFunction"}
