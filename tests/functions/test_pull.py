"""The functions that fetch sources and read files: what they do with their messages, and what their roles let them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest

from introducer.domain.errors import Unavailable
from introducer.gateways.outside_http import Outside
from introducer.gateways.platform import Platform
from introducer.gateways.source_files import SourceBucket
from introducer.services.take_file import FileReader
from tests.services.test_source_files import SERVER, Files, report
from tests.support import functions
from tests.support.house import a_house
from tests.support.pulling import FETCHED, Pulling, deposits
from tests.support.receiver import a_receiver, answers
from tests.support.roles import Asked, allows, watched

pytestmark = pytest.mark.in_memory


@pytest.fixture
def sent() -> list[str]:
    """What was put into the function's own queue."""
    return []


@pytest.fixture
def world() -> Iterator[Pulling]:
    with a_house() as house:
        yield Pulling(house)


@pytest.fixture
def pull(world: Pulling, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    loaded = functions.load("pull")
    monkeypatch.setattr(loaded, "puller", lambda: world.puller)
    monkeypatch.setattr(loaded, "configuration", lambda: world.house.configuration)
    monkeypatch.setattr(loaded, "queue", lambda: SimpleNamespace(send=sent.append))
    monkeypatch.setattr(loaded, "clock", SimpleNamespace(now=lambda: world.house.now))
    return loaded


@pytest.fixture
def files(world: Pulling) -> Files:
    return Files(world.house)


@pytest.fixture
def source_files(files: Files, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    loaded = functions.load("source_files")
    reader = FileReader(
        intake=files.house.intake, files=files.files, bucket=SourceBucket(files.objects, "files"),
        now=lambda: files.house.now, elapsed=lambda: 0.0,
    )  # fmt: skip
    monkeypatch.setattr(loaded, "reader", lambda: reader)
    monkeypatch.setattr(loaded, "queue", lambda: SimpleNamespace(send=sent.append))
    return loaded


def takes(module: ModuleType, *bodies: str) -> list[str]:
    """Which of these messages must come again."""
    records = [{"messageId": f"m-{number}", "body": body} for number, body in enumerate(bodies)]
    return [each["itemIdentifier"] for each in module.handler({"Records": records}, None)["batchItemFailures"]]


def fits(role: str, asked: Asked) -> None:
    """All that was asked of the tables the role lets through."""
    for action, table, pk in asked:
        # Of a query, and of a read of several, no key is seen: what they ask for begins with brands.
        assert allows(role, action, table, pk or "brands"), (action, table, pk)


def test_the_schedule_names_what_is_due_and_a_message_fetches_it_within_its_role(
    world: Pulling, pull: ModuleType, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source(window_minutes=4320)
    world.platform.events = deposits(4, world.house.now - timedelta(hours=2))
    world.platform.events[1][1]["amount"] = "a lot"
    asked = watched(monkeypatch)
    assert pull.handler({}, None) == {"sources": 1}
    assert [json.loads(each) for each in sent] == [{"source": FETCHED}]
    assert takes(pull, *sent) == []
    assert world.pulls.pull(FETCHED).counts["accepted"] == 3
    # a failure is written down, and the next message of the same source is not tried before its time
    world.platform.does = lambda request: b"<html>"
    world.passes(minutes=5)
    assert takes(pull, *sent, *sent) == []
    assert world.pulls.pull(FETCHED).failures == 1
    assert pull.handler({}, None) == {"sources": 0}
    assert takes(pull, json.dumps({"source": FETCHED, "asked": True})) == []
    assert world.pulls.pull(FETCHED).failures == 2
    assert takes(pull, json.dumps({"source": "nobody"})) == []

    fits("PullRole", asked)
    for pk in (f"S#{FETCHED}", "P#par_1", "U#brd#c", "S#mt5#files"):
        assert not allows("PullRole", "dynamodb:PutItem", "Books", pk), pk


def test_what_is_not_caught_up_with_is_named_again(world: Pulling, pull: ModuleType, sent: list[str]) -> None:
    world.source(window_minutes=60)

    def slow(request: Any) -> bytes:
        world.elapsed += 130
        return b"[]"

    world.platform.does = slow
    assert takes(pull, json.dumps({"source": FETCHED})) == []
    assert [json.loads(each) for each in sent] == [{"source": FETCHED}]


def test_a_message_comes_again_when_the_tables_do_not_answer(
    world: Pulling, pull: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source()

    def down(*given: Any) -> Any:
        raise Unavailable("The tables do not answer.")

    monkeypatch.setattr(world.pulls, "pull", down)
    with pytest.raises(Unavailable):
        takes(pull, json.dumps({"source": FETCHED}))


def test_a_page_comes_over_http_from_this_machine_on_the_local_stage_alone(world: Pulling) -> None:
    # given a platform of this machine, asked by the product's own client
    page = json.dumps([event for _, event in deposits(2, world.house.now - timedelta(hours=1))]).encode()
    with a_receiver(answers(200, page)) as receiver:
        world.source(url=receiver.url("/events?from={from_unix}"), auth="header", auth_name="X-Api-Key")
        for loopback, failures in ((False, 1), (True, 0)):
            asks = Platform(Outside(lambda: 0.0, loopback=loopback))
            world.platform.does = lambda request, asks=asks: asks.page(request.method, request.url, request.headers)
            world.pull(asked=True)
            assert world.pulls.pull(FETCHED).failures == failures
            if not loopback:
                assert (world.pulls.pull(FETCHED).error, receiver.requests) == ("address_refused", [])
    assert receiver.requests[0].headers["x-api-key"] == "t0ken"
    assert world.pulls.pull(FETCHED).counts["accepted"] == 2


# ---- files -----------------------------------------------------------------------------------------------------------


def told(key: str, version: str = "v1") -> str:
    """As S3 tells of an object."""
    return json.dumps({"Records": [{"s3": {"object": {"key": quote_plus(key), "versionId": version}}}]})


def test_a_file_that_s3_tells_of_is_read_within_the_role(
    files: Files, source_files: ModuleType, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = files.puts(report(3, "9;9"), "März 2026/deals & more.csv")
    asked = watched(monkeypatch)
    assert takes(source_files, json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}), told(key)) == []
    assert takes(source_files, told(key), json.dumps({"key": key, "version": "v1"})) == []
    fits("SourceFilesRole", asked)
    [file] = files.files.files(SERVER).items
    assert (file.name, file.status.value, file.counts["accepted"]) == ("März 2026/deals & more.csv", "done", 3)
    for pk in (f"S#{SERVER}", f"S#{SERVER}#pull", "P#par_1"):
        assert not allows("SourceFilesRole", "dynamodb:PutItem", "Books", pk), pk


def test_what_is_no_file_of_a_source_comes_again_until_a_person_sees_it(files: Files, source_files: ModuleType) -> None:
    key = files.puts(report(1))
    bad = ["", "[]", "{}", told("elsewhere/a.csv"), told("sources/nobody/a.csv"), told(f"sources/{SERVER}/gone.csv")]
    assert takes(source_files, *bad, told(key)) == [f"m-{number}" for number in range(len(bad))]
    assert files.events() == 1


def test_what_is_not_read_to_the_end_goes_back_into_the_queue(
    files: Files, source_files: ModuleType, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = replace(source_files.reader(), end_within=0.0)
    monkeypatch.setattr(source_files, "reader", lambda: slow)
    key = files.puts(report(150))
    assert takes(source_files, told(key)) == []
    assert [json.loads(each) for each in sent] == [{"key": key, "version": "v1"}]
    assert takes(source_files, *sent) == [] and takes(source_files, *sent) == []
    [file] = files.files.files(SERVER).items
    assert (file.status.value, file.counts["accepted"]) == ("done", 150)
