"""Asking a platform for a page: what comes back, what is said of what does not, and where nobody is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from introducer.domain.errors import Invalid, Malformed, Unavailable
from introducer.gateways.outside_http import Bounds, Outside
from introducer.gateways.platform import LONGEST_WAIT, Platform
from tests.support.receiver import Receiver, a_receiver, answers


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with a_receiver() as found:
        yield found


def platform(loopback: bool = True) -> Platform:
    return Platform(Outside(time.monotonic, bounds=Bounds(body=1000), loopback=loopback))


def test_a_page_is_asked_for_with_its_headers_and_comes_back_whole(receiver: Receiver) -> None:
    receiver.does = answers(200, b'[{"a": 1}]')
    assert platform().page("GET", receiver.url("/deals?from=1"), {"Authorization": "Bearer t0ken"}) == b'[{"a": 1}]'
    asked = receiver.requests[-1]
    assert (asked.line, asked.headers["authorization"]) == ("GET /deals?from=1 HTTP/1.1", "Bearer t0ken")
    receiver.does = answers(204, b"")
    assert platform().page("GET", receiver.url(), {}) == b""


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (301, Malformed, "platform_redirects"),
        (400, Malformed, "platform_refused"),
        (401, Malformed, "platform_refused"),
        (403, Malformed, "platform_refused"),
        (404, Malformed, "platform_refused"),
        (429, Unavailable, "platform_busy"),
        (500, Unavailable, "platform_down"),
        (503, Unavailable, "platform_down"),
    ],
)
def test_what_is_no_page_is_said_in_words_and_never_taken_for_an_empty_one(
    receiver: Receiver, status: int, kind: type[Exception], code: str
) -> None:
    receiver.does = answers(status, b"Secret: hunter2", "Location: http://127.0.0.1/elsewhere", "Retry-After: 120")
    with pytest.raises(kind) as refused:
        platform().page("GET", receiver.url(), {})
    error = refused.value
    assert isinstance(error, (Malformed, Unavailable))
    assert (error.code, error.facts.get("wait", 120)) == (code, 120)
    assert str(status) in error.detail and "hunter2" not in error.detail


def test_a_platform_cannot_put_us_off_for_ever_nor_by_nonsense(receiver: Receiver) -> None:
    for said, wait in (("999999", LONGEST_WAIT), ("tomorrow", 0), ("-5", 0), ("9" * 400, 0)):
        receiver.does = answers(429, b"", f"Retry-After: {said}")
        with pytest.raises(Unavailable) as refused:
            platform().page("GET", receiver.url(), {})
        assert refused.value.facts["wait"] == wait


def test_a_page_that_is_too_large_is_not_read_in_part(receiver: Receiver) -> None:
    receiver.does = answers(200, b"[" + b" " * 2000 + b"]")
    with pytest.raises(Malformed) as refused:
        platform().page("GET", receiver.url(), {})
    assert refused.value.code == "answer_too_large"


def test_this_machine_is_asked_by_nobody_without_the_local_stages_word(receiver: Receiver) -> None:
    seen = len(receiver.requests)
    with pytest.raises(Invalid) as refused:
        platform(loopback=False).page("GET", receiver.url(), {})
    assert refused.value.code == "address_refused"
    assert len(receiver.requests) == seen
