"""The settle function: marks from the stream and from its queue, and what becomes of those that cannot be settled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from introducer.domain.errors import Conflict, RateMissing, Unavailable
from introducer.domain.partner_month import Below
from introducer.domain.rows import Row
from introducer.store.settlements import SettledMonth, below_to_item, row_to_item, settled_to_items
from introducer.store.wire import to_wire
from tests.conftest import Tables, create_table, in_memory
from tests.support.builders import World, cpa, terms
from tests.support.functions import load
from tests.support.settling import Books, family
from tests.unit.test_partner_months import deposited, registered, revenue

NO_RATE = RateMissing("There is no USD rate for 2026-03-01 yet.")


@dataclass
class Retries:
    """The queue of settles."""

    sent: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    down: bool = False

    def send(self, body: str, delay: int = 0) -> None:
        if self.down:
            raise Unavailable("The queue did not take the message: try again.")
        self.sent.append((json.loads(body), delay))


@dataclass
class Settled:
    """A settler that notes what it is asked for, and fails for some partners."""

    errors: dict[str, Exception] = field(default_factory=dict)
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def settle(self, partner: str, months: Iterable[str]) -> int:
        self.asked.append((partner, sorted(months)))
        if partner in self.errors:
            raise self.errors[partner]
        return 1


@dataclass
class Function:
    """The handler, with stand-ins for what it works with."""

    app: ModuleType
    retries: Retries = field(default_factory=Retries)
    settled: Settled = field(default_factory=Settled)

    def __post_init__(self) -> None:
        self.app.__dict__.update(settler=lambda: self.settled, retries=lambda: self.retries)

    def handle(self, *records: dict[str, Any]) -> list[str]:
        """What must come again."""
        answer = self.app.handler({"Records": list(records)}, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def function() -> Function:
    return Function(load("settle"))


@pytest.fixture
def logged(function: Function) -> list[str]:
    """What the function logs as errors, each with the record it is about."""
    lines: list[str] = []

    class Log:
        def error(self, message: str, *, exc_info: Exception, extra: dict[str, str]) -> None:
            lines.append(f"{message}: {extra['record']}")

    function.app.__dict__["logger"] = Log
    return lines


def change(number: int, item: dict[str, Any], event: str = "INSERT") -> dict[str, Any]:
    """A change in the BOOKS stream."""
    image = to_wire(item)
    keys = {name: image[name] for name in ("pk", "sk")}
    return {
        "eventID": f"{number:032x}",
        "eventName": event,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": str(100 + number)},
    }


def row(number: int, partner: str, month: str = "2026-03", client: str = "c") -> dict[str, Any]:
    return change(number, row_to_item(partner, month, client, Row(ftd=number)))


def message(number: int, partner: str, *months: str) -> dict[str, Any]:
    body = json.dumps({"partner": partner, "months": months})
    return {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": body}


def test_many_rows_of_a_partner_are_settled_once(function: Function) -> None:
    again = function.handle(
        row(1, "par_b"),
        row(2, "par_a", client="c1"),
        row(3, "par_a", client="c2"),
        row(4, "par_a", "2026-01"),
        change(5, below_to_item("par_c", "2026-02", "par_a", Below(1)), "MODIFY"),
    )
    assert again == []
    assert function.settled.asked == [("par_a", ["2026-01", "2026-03"]), ("par_b", ["2026-03"]), ("par_c", ["2026-02"])]
    assert function.retries.sent == []


def test_what_is_no_row_is_passed_over(function: Function) -> None:
    gone = row(2, "par_a")
    del gone["dynamodb"]["NewImage"]
    settled = change(1, settled_to_items("par_a", "2026-03", SettledMonth())[0])
    assert function.handle(settled, gone) == []
    assert function.settled.asked == []
    assert function.handle(settled, row(3, "par_b"), gone) == []
    assert function.settled.asked == [("par_b", ["2026-03"])]


def test_a_month_that_waits_for_a_rate_goes_to_the_queue_for_as_long_as_it_can(function: Function) -> None:
    function.settled.errors["par_a"] = NO_RATE
    assert function.handle(row(1, "par_a"), row(2, "par_b"), row(3, "par_a", "2026-02")) == []
    assert function.retries.sent == [({"partner": "par_a", "months": ["2026-02", "2026-03"]}, 900)]
    assert [partner for partner, _ in function.settled.asked] == ["par_a", "par_b"]


@pytest.mark.parametrize("error", [Conflict("it keeps changing"), Unavailable("down"), KeyError("a mistake of ours")])
def test_one_that_cannot_be_settled_now_holds_up_nobody_else_in_the_stream(
    function: Function, error: Exception
) -> None:
    function.settled.errors["par_a"] = error
    assert function.handle(row(1, "par_a"), row(2, "par_b")) == []
    assert function.retries.sent == [({"partner": "par_a", "months": ["2026-03"]}, 5)]
    assert function.settled.asked[-1] == ("par_b", ["2026-03"])


def test_messages_of_the_queue_are_settled(function: Function) -> None:
    again = function.handle(message(1, "par_a", "2026-02", "2026-03"), message(2, "par_b", "2026-01"))
    assert again == []
    assert function.settled.asked == [("par_a", ["2026-02", "2026-03"]), ("par_b", ["2026-01"])]


def test_a_message_that_fails_is_given_back_alone_and_no_copy_is_sent(function: Function) -> None:
    function.settled.errors["par_a"] = Conflict("it keeps changing")
    records = [message(1, "par_b", "2026-01"), message(2, "par_a", "2026-01"), message(3, "par_c", "2026-01")]
    assert function.handle(*records) == ["m2"]
    # both messages of one partner, as one settle was to do for both
    assert function.handle(*records, message(4, "par_a", "2026-02")) == ["m2", "m4"]
    assert function.retries.sent == []


@pytest.mark.parametrize(
    "body",
    [
        # what the dead-letter queue holds of a stream's failure, and a person sends back with the others
        json.dumps({"requestContext": {}, "DDBStreamBatchInfo": {"shardId": "s", "startSequenceNumber": "1"}}),
        json.dumps({"partner": "par_9", "months": "2026-01"}),
        json.dumps({"partner": "par_9", "months": ["2026-01", "January"]}),
        json.dumps({"partner": ["par_9"], "months": ["2026-01"]}),
        json.dumps(["par_9"]),
        "not JSON",
    ],
)
def test_a_message_that_cannot_be_read_fails_alone(function: Function, logged: list[str], body: str) -> None:
    unreadable = {"messageId": "m2", "eventSource": "aws:sqs", "body": body}
    assert function.handle(message(1, "par_a", "2026-01"), unreadable, message(3, "par_b", "2026-02")) == ["m2"]
    assert function.settled.asked == [("par_a", ["2026-01"]), ("par_b", ["2026-02"])]
    assert logged == ["what came is no mark of a month: m2"]


def test_a_record_of_the_stream_that_cannot_be_read_is_passed_over(function: Function, logged: list[str]) -> None:
    odd, no_keys = row(2, "par_b"), row(4, "par_b")
    odd["dynamodb"]["NewImage"]["pk"] = {"S": "P#par_b"}
    del no_keys["dynamodb"]["NewImage"]["sk"]
    assert function.handle(row(1, "par_a"), odd, row(3, "par_c"), no_keys) == []
    assert function.settled.asked == [("par_a", ["2026-03"]), ("par_c", ["2026-03"])]
    assert logged == [f"what came is no mark of a month: {each['eventID']}" for each in (odd, no_keys)]


def test_a_message_that_still_waits_for_a_rate_is_not_a_failure(function: Function) -> None:
    # given that failures would end in the dead-letter queue after fifty of them
    function.settled.errors["par_a"] = NO_RATE
    assert function.handle(message(1, "par_a", "2026-03")) == []
    assert function.retries.sent == [({"partner": "par_a", "months": ["2026-03"]}, 900)]


def test_while_the_queue_is_down_the_stream_goes_on_from_the_first_row_of_who_failed(function: Function) -> None:
    function.settled.errors |= {"par_b": Unavailable("down"), "par_c": NO_RATE}
    function.retries.down = True
    records = [row(1, "par_a"), row(2, "par_c"), row(3, "par_b"), row(4, "par_a"), row(5, "par_b")]
    assert function.handle(*records) == ["102"]
    assert {partner for partner, _ in function.settled.asked} == {"par_a", "par_b", "par_c"}
    # and a message that waits for a rate is kept by the queue it came from
    assert function.handle(message(1, "par_a", "2026-03"), message(2, "par_c", "2026-03")) == ["m2"]


def test_what_was_posted_is_counted(function: Function, capfd: pytest.CaptureFixture[str]) -> None:
    function.settled.errors["par_a"] = NO_RATE
    function.handle(row(1, "par_a"), row(2, "par_b"))
    told = capfd.readouterr()
    lines = [json.loads(line) for line in (told.out + told.err).splitlines() if line.startswith("{")]
    assert any(line.get("JournalsSettled") == [1.0] for line in lines)


# ---- with a real settler --------------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[Tables]:
    """Both tables in this process."""
    with in_memory() as client:
        create_table(client, "facts", index=False)
        create_table(client, "books", index=True)
        yield Tables("facts", "books", client)


def rows_in(books: Books) -> list[dict[str, Any]]:
    """A record of the stream for every row there is."""
    items = [item for item in books.tables.items(books.tables.books) if item["sk"]["S"].startswith("row#")]
    return [
        {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": str(number)}}
        for number, item in enumerate(items)
    ]


def test_rows_that_the_engine_wrote_become_journals_once(function: Function, memory: Tables) -> None:
    rule = cpa("100.00") | {"caps": [{"per": "month", "clients": 2}]}
    books = Books(memory, World().partner("par_1", terms(rule)))
    function.app.__dict__["settler"] = books.settler
    for number in range(4):
        books.deliver(registered(f"c{number}"), deposited(f"c{number}", f"2026-01-{10 + number}"))
    for _ in range(3):
        assert function.handle(*rows_in(books)) == []
    assert sorted(journal.key.scope for journal in books.journals("par_1")) == ["c0", "c1"]
    assert books.by_partner() == {"par_1": 20_000}


def test_the_stream_carries_a_month_up_to_the_grandparent(function: Function, memory: Tables) -> None:
    books = Books(memory, family())
    function.app.__dict__["settler"] = books.settler
    books.deliver(registered("c", link="LINKCHIL"), revenue("c", "2026-01-10", "1000.05"))
    seen = 0
    while len(rows := rows_in(books)) > seen:
        seen = len(rows)
        assert function.handle(*rows) == []
    assert books.by_partner() == {"par_child": 100_005, "par_parent": 10_000, "par_grand": 6_000}
