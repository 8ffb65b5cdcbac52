"""The intake: what waited in the click queue reaches FACTS once, and what is broken is kept for a person."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from introducer.domain.errors import Unavailable
from introducer.gateways.queue import LettersLeft
from introducer.store.clicks import Clicks
from tests.support.clicks import a_click
from tests.support.functions import load
from tests.support.posting import cloud, table

_names = itertools.count()


@pytest.fixture(scope="module")
def intake() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch, cloud(patch):
        table("facts")
        patch.setenv("FACTS_TABLE", "facts")
        yield load("intake")


def handle(intake: ModuleType, *bodies: str) -> list[str]:
    """The ids of the messages that the function wants again; a message's id is its number."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    return [failure["itemIdentifier"] for failure in intake.handler({"Records": records}, None)["batchItemFailures"]]


def stored(item: dict[str, Any]) -> dict[str, Any] | None:
    key = {name: item[name] for name in ("pk", "sk")}
    found: dict[str, Any] | None = boto3.client("dynamodb").get_item(TableName="facts", Key=key).get("Item")
    return found


def test_a_queued_click_is_stored_as_the_redirect_made_it(intake: ModuleType) -> None:
    item = a_click(query="sub1=%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82", agent="curl/8")
    assert handle(intake, json.dumps(item)) == []
    assert stored(item) == item


def test_a_click_that_is_there_already_is_left_as_it_is(intake: ModuleType) -> None:
    # given a click that reached FACTS after the redirect had given up on it
    item = a_click()
    boto3.client("dynamodb").put_item(TableName="facts", Item={**item, "sub1": {"S": "as first written"}})
    # when its message comes, twice
    assert handle(intake, json.dumps(item), json.dumps(item)) == []
    # then
    assert stored(item) == {**item, "sub1": {"S": "as first written"}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"partner": None}, "malformed_click"),
        ({"at": {"N": "1e999"}}, "malformed_click"),
        ({"unique": {"BOOL": "no"}, "flags": {"L": "x"}}, "malformed_click"),
        ({"click": {"S": "x"}}, "invalid_click_id"),
        ({"pk": {"S": "E#brd_01#client"}}, "misplaced_click"),
        ({"sk": {"S": "other"}}, "misplaced_click"),
        ({"partner": "par_01"}, "malformed_click"),
        ({"sub1": {"X": "1"}}, "malformed_click"),
        ({"sub1": {"S": 1}}, "malformed_click"),
        ({"flags": {"L": ["bot"]}}, "malformed_click"),
        ({"sub1": {"S": "a", "N": "1"}}, "malformed_click"),
        # what only DynamoDB sees, which would never take it
        ({"expires_at": {"N": "soon"}}, "malformed_click"),
    ],
    ids=str,
)
def test_a_broken_click_comes_back_with_its_reason_and_the_others_are_stored(
    intake: ModuleType, caplog: pytest.LogCaptureFixture, change: dict[str, Any], reason: str
) -> None:
    good, other = a_click(), a_click()
    broken = {name: value for name, value in {**a_click(), **change}.items() if value is not None}
    assert handle(intake, json.dumps(good), json.dumps(broken), json.dumps(other)) == ["1"]
    assert stored(good) and stored(other)
    assert [vars(line)["reason"] for line in caplog.records] == [reason]


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "7", "not json", '{"pk": 1}', '{"pk": {"S": "a"}, "pk": {"S": "b"}}', "{" * 5000]
)
def test_a_message_that_is_no_click_comes_back(intake: ModuleType, body: str) -> None:
    assert handle(intake, body) == ["0"]


def test_when_facts_does_not_answer_the_message_comes_back(
    intake: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    item = a_click()
    monkeypatch.setattr(intake, "clicks", lambda: Clicks("no-such-table"))
    assert handle(intake, json.dumps(item)) == ["0"]
    assert [vars(line)["reason"] for line in caplog.records] == ["store_unavailable"]


# ---- what the click queue gave up on --------------------------------------------------------------------------------


@pytest.fixture
def given_up(intake: ModuleType, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty dead-letter queue that the function reads."""
    sqs = boto3.client("sqs")
    url: str = sqs.create_queue(QueueName=f"failures-{next(_names)}")["QueueUrl"]
    monkeypatch.setattr(intake, "left", lambda: LettersLeft(sqs, url, intake.HIDDEN_SECONDS, wait_seconds=0))
    return url


def run(intake: ModuleType, *, left_ms: int = 60_000) -> dict[str, int]:
    """A run of the schedule, with so much time left of it."""
    answer: dict[str, int] = intake.handler({}, SimpleNamespace(get_remaining_time_in_millis=lambda: left_ms))
    return answer


def waiting(url: str) -> list[int]:
    """How many letters are in the queue, and how many of them are hidden."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    visible, hidden = (int(found[name]) for name in names)
    return [visible + hidden, hidden]


def test_what_the_queue_gave_up_on_is_stored_as_it_was_made_and_what_is_no_click_stays(
    intake: ModuleType, given_up: str, caplog: pytest.LogCaptureFixture
) -> None:
    # given clicks, one of which FACTS has already, and a letter that is none
    items = [a_click(at_ms=1_772_452_800_000 + number) for number in range(12)]
    boto3.client("dynamodb").put_item(TableName="facts", Item={**items[0], "sub1": {"S": "as first written"}})
    for body in [*map(json.dumps, items), "not a click"]:
        boto3.client("sqs").send_message(QueueUrl=given_up, MessageBody=body)
    # when
    first = run(intake)
    # then each has the id and the time of its click, and a person is told of the other
    assert first == {"restored": 11, "known": 1, "broken": 1}
    assert [stored(item) for item in items[1:]] == items[1:]
    assert waiting(given_up) == [1, 1]
    assert [vars(line)["records"] for line in caplog.records] == [1]
    # and the next run has nothing to do
    assert run(intake) == {"restored": 0, "known": 0, "broken": 0}


def test_a_run_ends_while_there_is_time_and_the_next_goes_on(intake: ModuleType, given_up: str) -> None:
    for _ in range(3):
        boto3.client("sqs").send_message(QueueUrl=given_up, MessageBody=json.dumps(a_click()))
    assert run(intake, left_ms=1000) == {"restored": 1, "known": 0, "broken": 0}
    assert waiting(given_up)[0] == 2


def test_while_facts_still_fails_no_letter_is_taken_out(
    intake: ModuleType, given_up: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("sqs").send_message(QueueUrl=given_up, MessageBody=json.dumps(a_click()))
    monkeypatch.setattr(intake, "clicks", lambda: Clicks("no-such-table"))
    with pytest.raises(Unavailable):
        run(intake)
    assert waiting(given_up)[0] == 1


@pytest.mark.parametrize("operation", ["receive_message", "delete_message"])
def test_a_queue_that_does_not_answer_fails_the_run_and_no_click_is_lost(
    intake: ModuleType, given_up: str, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    # given a queue that answers all but this
    item = a_click()
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=given_up, MessageBody=json.dumps(item))

    def fails(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, operation)

    monkeypatch.setattr(sqs, operation, fails)
    monkeypatch.setattr(intake, "left", lambda: LettersLeft(sqs, given_up, 0, wait_seconds=0))
    with pytest.raises(Unavailable):
        run(intake)
    assert waiting(given_up)[0] == 1
    # then the next run finds it, and knows it if it had been put
    monkeypatch.undo()
    left = LettersLeft(boto3.client("sqs"), given_up, 0, wait_seconds=0)
    drained = intake.drain_left_clicks(left, intake.clicks(), lambda: True)
    assert (drained.restored, drained.known) == ((1, 0) if operation == "receive_message" else (0, 1))
    assert stored(item) == item
