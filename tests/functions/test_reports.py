"""The function of reports: the hour makes messages, a message makes letters and names the next, and fails alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from introducer.domain.errors import Unavailable
from introducer.services.write_report import Written
from tests.support import functions


class Queue:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, body: str, delay: int = 0) -> None:
        self.sent.append(body)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Introducer")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "reports")
    module, queue = functions.load("reports"), Queue()
    monkeypatch.setattr(module, "queue", lambda: queue)
    monkeypatch.setattr(module, "books", lambda: "books")
    return module


def records(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


def test_the_hourly_call_puts_what_is_due_into_the_queue(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "messages", lambda books, now: iter(["one", "two"]))
    assert app.handler({}, None) == {"messages": 2}
    assert app.queue().sent == ["one", "two"]


def test_a_page_names_the_next_and_one_that_fails_comes_again_alone(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(books: Any, message: Any) -> Written:
        if message == "down":
            raise Unavailable("The table does not answer: try again.")
        if message == "bad":
            raise KeyError("a mistake of ours")
        return Written(3, "next" if message == "first" else "")

    monkeypatch.setattr(app, "follow", follow)
    answer = app.handler(records(*map(json.dumps, ("first", "down", "bad", "last")), "no JSON"), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": name} for name in ("m1", "m2", "m4")]}
    assert app.queue().sent == ["next"]


def test_a_page_whose_next_cannot_be_named_comes_again(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(body: str) -> None:
        raise Unavailable("The queue did not take the message: try again.")

    monkeypatch.setattr(app, "follow", lambda books, message: Written(0, "next"))
    monkeypatch.setattr(app.queue(), "send", send)
    assert app.handler(records("{}"), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_letter_that_fails_is_tried_again_alone_and_the_others_go_on(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = json.dumps({"what": "partner", "brand": "brd_1", "partner": "par_1", "at": 1})
    written = Written(24, "next", {alone: KeyError("a mistake of ours")})
    monkeypatch.setattr(app, "follow", lambda books, message: written)
    assert app.handler(records("{}"), None) == {"batchItemFailures": []}
    assert app.queue().sent == [alone, "next"]
