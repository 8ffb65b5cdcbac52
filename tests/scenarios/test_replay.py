"""A web server's log, replayed over HTTP on the local cloud, becomes clicks that are recorded and counted."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from introducer.domain import click_id
from introducer.store import keys
from introducer.store.click_counts import ClickCount, ClickCounts
from introducer.store.clicks import Clicks
from introducer_ops.browsers import DESKTOP
from introducer_ops.localcloud import Stack
from introducer_ops.replay import (
    NotReplayed,
    links_of,
    read_back,
    replay,
    replay_app,
)
from tests.support.clicks import a_click

pytestmark = pytest.mark.cloud

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def a_line(address: str, agent: str, method: str = "GET", referer: str = "-") -> bytes:
    return f'{address} - - [10/Oct/2025:13:55:36 +0000] "{method} /x HTTP/1.1" 200 1 "{referer}" "{agent}"\n'.encode()


@pytest.fixture
def link(stack: Stack, request: pytest.FixtureRequest) -> str:
    """The code of a link of this test's own partner, which is called after it."""
    code = f"r{abs(hash(request.node.name)) % 10**7:07}"
    item: dict[str, Any] = {
        **keys.key("link", code=code).item(),
        "code": code,
        "link_id": code,
        "partner": f"par_{code}",
        "brand": "brd_replay",
        "campaign": "cmp_replay",
        "landing_url": "https://go.broker.example/",
        "click_parameter": "cid",
        "fallback_url": "https://broker.example/",
        "status": "active",
    }
    wire: dict[str, Any] = {name: {"S": value} for name, value in item.items()}
    stack.client("dynamodb").put_item(TableName=stack.outputs["BooksTableName"], Item=wire)
    return code


@pytest.fixture
def here(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("here")
def test_every_line_is_answered_recorded_with_its_reason_and_counted(stack: Stack, link: str) -> None:
    # given a log of people, crawlers, a HEAD, a line without an agent, one that was cut, and one that says nothing
    lines = [
        *[a_line(f"203.0.113.{number}", DESKTOP[0], referer="https://blog.example/p") for number in range(20)],
        a_line("203.0.113.200", BOT),
        a_line("203.0.113.200", "curl/8.5.0", "HEAD"),
        a_line("203.0.113.201", "-"),
        a_line("203.0.113.202", BOT)[:-2],
        b"nonsense\n",
    ]
    # when
    summary = replay(stack, lines, links_of(stack, [link]), concurrency=3)
    read_back(stack, summary)
    # then
    assert (summary.sent, summary.recorded, summary.flagged) == (24, 24, 4)
    assert summary.statuses == {302: 24} and summary.good
    assert summary.flags == {"bot": 2, "tool": 1, "head": 1, "no_agent": 1}
    assert [(request.number, bool(request.method)) for request in summary.damaged] == [(24, True), (25, False)]
    # and each line's own address and referer stand in its click, and lines of one address kept their order
    clicks = Clicks(stack.outputs["FactsTableName"])
    found = {answer.line: clicks.click(answer.click) for answer in summary.answers}
    people = [found[number] for number in range(1, 21)]
    assert len({click.address for click in people if click}) == 20
    assert len({click.prefix for click in people if click}) == 1
    assert {click.referer for click in people if click} == {"blog.example"}
    first, second = click_id.read(summary.answers[20].click), click_id.read(summary.answers[21].click)
    assert first is not None and second is not None and first.at_ms <= second.at_ms
    # and the rollup counts them
    counts = ClickCounts(stack.outputs["BooksTableName"])
    day = time.strftime("%Y-%m-%d", time.gmtime(first.at_ms / 1000))
    reasons = (("bot", 2), ("no_agent", 1), ("tool", 1))
    expected = [ClickCount(f"par_{link}", day, link, clicks=20, unique=20, flagged=4, reasons=reasons)]

    def counted() -> list[ClickCount]:
        # Which bucket the one network falls in follows from the stack's own key.
        return [replace(each, buckets=(), by={}) for each in counts.day(f"par_{link}", day)]

    deadline = time.monotonic() + 60
    while counted() != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert counted() == expected


def test_a_click_that_is_missing_from_facts_is_told(stack: Stack, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = replay(stack, [a_line("203.0.113.9", DESKTOP[0])] * 3, links_of(stack, [link]))
    # given that one of them is gone
    monkeypatch.setattr("introducer_ops.replay._PATIENCE_SECONDS", 0.5)
    named = click_id.read(summary.answers[1].click)
    assert named is not None
    day = time.strftime("%Y-%m-%d", time.gmtime(named.at_ms / 1000))
    key = keys.key("click", link=link, day=day, shard=0, click=named.text)
    stack.client("dynamodb").delete_item(
        TableName=stack.outputs["FactsTableName"], Key={name: {"S": value} for name, value in key.item().items()}
    )
    read_back(stack, summary)
    assert (summary.sent, summary.recorded, summary.good) == (3, 2, False)


def test_a_link_that_is_not_there_is_named(stack: Stack) -> None:
    with pytest.raises(NotReplayed, match="no link nosuch77"):
        links_of(stack, ["nosuch77"])


def test_without_a_local_cloud_it_says_so(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(a_line("203.0.113.9", DESKTOP[0]))
    answer = CliRunner().invoke(replay_app, ["access-log", str(log), "--state-dir", str(tmp_path / "nothing")])
    assert answer.exit_code == 2 and "introducer up" in answer.output


def test_the_command_says_what_happened_and_ends_well(stack: Stack, link: str, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(a_line("203.0.113.9", DESKTOP[0]) + a_line("203.0.113.9", BOT) + b"nonsense\n")
    answer = CliRunner().invoke(
        replay_app, ["access-log", str(log), "--link", link, "--state-dir", str(stack.state_dir)]
    )
    assert answer.exit_code == 0, answer.output
    assert "answered 302" in answer.output and "line 3 is damaged: there is no request; not sent" in answer.output
    # and badly, when an answer is no redirect
    stack.client("dynamodb").delete_item(
        TableName=stack.outputs["BooksTableName"],
        Key={name: {"S": value} for name, value in keys.key("link", code=link).item().items()},
    )
    answer = CliRunner().invoke(
        replay_app, ["access-log", str(log), "--link", link, "--state-dir", str(stack.state_dir)]
    )
    assert answer.exit_code == 2 and "no link" in answer.output


@pytest.mark.usefixtures("here")
def test_a_queued_click_is_drained_into_facts_and_a_broken_one_is_kept(stack: Stack, link: str) -> None:
    # given a click that FACTS refused, in the queue, beside a message that is none
    item = a_click(link, f"par_{link}", at_ms=int(time.time() * 1000))
    sqs = stack.client("sqs")
    for body in (json.dumps(item), "not a click"):
        sqs.send_message(QueueUrl=stack.outputs["ClickQueueUrl"], MessageBody=body)
    # then it arrives as it was
    clicks = Clicks(stack.outputs["FactsTableName"])
    deadline = time.monotonic() + 60
    while clicks.click(item["click"]["S"]) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    found = clicks.click(item["click"]["S"])
    assert found is not None and found.partner == f"par_{link}"


@pytest.mark.usefixtures("here")
def test_what_the_queue_gave_up_on_comes_in_with_a_run_of_the_schedule(stack: Stack, link: str) -> None:
    # given a click that FACTS refused for longer than the queue has patience
    item = a_click(link, f"par_{link}", at_ms=int(time.time() * 1000))
    stack.client("sqs").send_message(QueueUrl=stack.outputs["ClickFailuresUrl"], MessageBody=json.dumps(item))
    # when
    drained = stack.invoke("IntakeFunction", {})
    # then it has the id and the time that it was made with
    found = Clicks(stack.outputs["FactsTableName"]).click(item["click"]["S"])
    assert drained["restored"] == 1
    assert found is not None and found.id == item["click"]["S"]
    assert str(int(found.at.timestamp() * 1000)) == item["at"]["N"]
