"""The intake: what waited in the click queue reaches FACTS once, and what is broken is kept for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest

from introducer.store.clicks import Clicks
from tests.support.clicks import a_click
from tests.support.functions import load
from tests.support.posting import cloud, table


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
