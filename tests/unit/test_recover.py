"""`introducer recover-clicks`: what only the redirect's log holds comes into FACTS, once, with its own id and time."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from introducer.domain.errors import Unavailable
from introducer_ops.cli import app
from introducer_ops.recover import recover
from tests.support.clicks import a_click
from tests.support.posting import cloud, table


class Facts:
    """What was put, by its key."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Any] = {}

    def restore(self, item: Any) -> bool:
        place = item["pk"]["S"], item["sk"]["S"]
        new = place not in self.items
        self.items.setdefault(place, item)
        return new


def a_line(item: dict[str, Any]) -> str:
    """What the redirect writes when nothing takes a click."""
    return json.dumps({
        "level": "ERROR", "message": "click_unwritten", "service": "redirect",
        "reasons": ["facts: TimedOut: the answer took too long", "queue: Failed: status 503"], "item": item,
    })  # fmt: skip


def as_csv(line: str) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(["2026-03-02 12:00:00.000", line])
    return written.getvalue()


FORMS = {
    "plain": lambda line: [line],
    "of an export to S3": lambda line: [f"2026-03-02T12:00:00.123Z {line}"],
    "of aws logs tail": lambda line: [f"2026-03-02T12:00:00+00:00 2026/03/02/[$LATEST]0123abcd {line}"],
    "of Lambda's JSON format": lambda line: [
        json.dumps({"timestamp": "2026-03-02T12:00:00Z", "level": "ERROR", "message": json.loads(line)})
    ],
    "a text in JSON": lambda line: [json.dumps({"timestamp": "2026-03-02T12:00:00Z", "message": line})],
    "of a subscription": lambda line: [
        json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "timestamp": 1, "message": line + "\n"}]})
    ],
    "of filter-log-events": lambda line: (
        json.dumps({"events": [{"message": line, "eventId": "1"}]}, indent=4).splitlines()
    ),
    "of filter-log-events in one line": lambda line: [json.dumps({"events": [{"message": line}]})],
    "of filter-log-events as text": lambda line: [f"EVENTS\t37\t1772452800999\t[$LATEST]01\t{line}\t1772452800123"],
    "of get-query-results": lambda line: (
        json.dumps({"results": [[{"field": "@message", "value": line}]]}, indent=4).splitlines()
    ),
    "of get-query-results in one line": lambda line: [
        json.dumps({"results": [[{"field": "@timestamp", "value": "2026"}, {"field": "@message", "value": line}]]})
    ],
    "of Logs Insights": lambda line: json.dumps([{"@timestamp": "2026", "@message": line}], indent=2).splitlines(),
    "of Logs Insights in one line": lambda line: [json.dumps([{"@message": "START"}, {"@message": line}])],
    "of a table of Logs Insights": lambda line: [as_csv(line)],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_click_is_read_from_every_form_in_which_its_line_comes(form: Any) -> None:
    # given clicks with what makes a line hard to read: quotes, braces, other letters, nothing at all
    items = [a_click(query=f"sub1={sub}") for sub in ("%7B%22a%22:%22%22%7D", "%D0%BF%22%22,", "", "click_unwritten")]
    facts = Facts()
    lines = [each for item in items for each in form(a_line(item))]
    # when
    found = recover(lines, facts)
    # then each is as the redirect made it, id, time and all
    assert (found.restored, found.known, found.broken) == (4, 0, [])
    assert list(facts.items.values()) == items


def test_lines_that_are_read_twice_change_nothing() -> None:
    lines = [a_line(a_click(at_ms=1_772_452_800_000 + number)) for number in range(3)]
    facts = Facts()
    first, second = recover([*lines, lines[0]], facts), recover(lines, facts)
    assert (first.restored, first.known) == (3, 1) and (second.restored, second.known) == (0, 3)


def test_other_lines_are_passed_over_and_broken_ones_are_named() -> None:
    lines = [
        "START RequestId: 1",
        json.dumps({"message": "click_queued", "click": "click_unwritten"}),
        "click_unwritten",
        "click_unwritten {",
        a_line(a_click())[:-9],
        '{"message": "click_unwritten"}',
        '{"message": "click_unwritten", "item": {"pk": "x"}}',
        '{"message": "click_unwritten", "item": {"pk": 1.5}}',
        a_line(a_click()),
    ]
    facts = Facts()
    found = recover(lines, facts)
    assert found.restored == len(facts.items) == 1
    assert [sentence.partition(":")[0] for sentence in found.broken] == [f"line {n}" for n in (3, 4, 5, 6, 7, 8)]


def test_when_facts_does_not_answer_it_stops() -> None:
    class Away(Facts):
        def restore(self, item: Any) -> bool:
            raise Unavailable("FACTS does not answer.", code="store_unavailable")

    with pytest.raises(Unavailable):
        recover([a_line(a_click())], Away())


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, cloud(patch):
        table("facts")
        yield


def stored(item: dict[str, Any]) -> Any:
    key = {name: item[name] for name in ("pk", "sk")}
    return boto3.client("dynamodb").get_item(TableName="facts", Key=key).get("Item")


def run(*arguments: str, given: str = "") -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["recover-clicks", *arguments, "--facts-table", "facts"], input=given)
    return answer.exit_code, answer.output


@pytest.mark.usefixtures("here")
def test_files_and_a_pipe_are_read(tmp_path: Path) -> None:
    items = [a_click(at_ms=1_772_452_800_000 + number) for number in range(3)]
    plain, packed = tmp_path / "redirect.log", tmp_path / "000000.gz"
    plain.write_text(a_line(items[0]) + "\nclick_unwritten {\n")
    packed.write_bytes(gzip.compress(f"2026-03-02T12:00:00.000Z {a_line(items[1])}\n".encode()))
    code, said = run(str(plain), str(packed))
    assert code == 1 and "2 clicks restored, 0 were there already, 1 lines are broken" in said and "line 2" in said
    code, said = run("-", given=a_line(items[2]) + "\n" + a_line(items[0]) + "\n")
    assert code == 0 and "1 clicks restored, 1 were there already" in said
    assert [stored(item) for item in items] == items


@pytest.mark.usefixtures("here")
def test_a_log_group_is_read_from_some_hours_ago_on() -> None:
    # given lines of now, of yesterday and of another kind
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/introducer/prod/redirect")
    logs.create_log_stream(logGroupName="/introducer/prod/redirect", logStreamName="one")
    new, old = a_click(), a_click()
    now = datetime.now(UTC)
    moments = [(now - timedelta(hours=30), a_line(old)), (now, "START"), (now, a_line(new))]
    logs.put_log_events(
        logGroupName="/introducer/prod/redirect",
        logStreamName="one",
        logEvents=[{"timestamp": int(at.timestamp() * 1000), "message": line} for at, line in moments],
    )
    # then
    code, said = run("--log-group", "/introducer/prod/redirect", "--since-hours", "24")
    assert code == 0 and "1 clicks restored" in said
    assert stored(new) == new and stored(old) is None
    # and a group that is not there is told
    code, said = run("--log-group", "/introducer/prod/nothing")
    assert code == 2 and "ResourceNotFoundException" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--log-group"),
        (["-", "--log-group", "x"], "--log-group"),
        (["/no/such/file"], "No such file"),
    ],
)
@pytest.mark.usefixtures("here")
def test_it_says_what_it_lacks(arguments: list[str], words: str) -> None:
    code, said = run(*arguments)
    assert code == 2 and words in said


def test_without_a_local_cloud_it_asks_for_a_table(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["recover-clicks", "-", "--state-dir", str(tmp_path / "nothing")], input="")
    assert answer.exit_code == 2 and "--facts-table" in answer.output
