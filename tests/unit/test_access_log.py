"""Reading access logs: whole lines, damaged lines, and anything at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer_ops.access_log import Request, read_access_log

LOG = Path(__file__).resolve().parents[3] / "shared" / "data" / "access_log_10k.log"
WHOLE = (
    b'203.0.113.9 - frank [10/Oct/2025:13:55:36 -0700] "GET /a.gif HTTP/1.1" 200 2326 '
    b'"https://blog.example/x" "Mozilla/5.0 (X11)"'
)


def read(line: bytes) -> Request:
    (request,) = read_access_log([line])
    return request


def test_a_whole_line_is_read() -> None:
    assert read(WHOLE + b"\n") == Request(
        number=1, address="203.0.113.9", method="GET", referer=b"https://blog.example/x", agent=b"Mozilla/5.0 (X11)"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"203.0.113.9", b"2001:db8::7", {"address": "2001:db8::7"}),
        (b"203.0.113.9", b"host.example", {"address": "host.example"}),
        (b"GET /a.gif", b"HEAD /a.gif", {"method": "HEAD"}),
        (b"GET /a.gif HTTP/1.1", b"post /a.gif HTTP/1.1", {"method": "POST"}),
        (b"200 2326", b"304 -", {}),
        (b'"Mozilla/5.0 (X11)"', b'"-"', {"agent": b""}),
        (b'"https://blog.example/x"', b'"-"', {"referer": b""}),
        (b"(X11)", rb"say \"hi\" \\ \x41\xc3\xa9", {"agent": rb'Mozilla/5.0 say "hi" \ A' + "é".encode()}),
        (b"(X11)", rb"a\r\nX-Evil: 1\x00", {"agent": b"Mozilla/5.0 a  X-Evil: 1"}),
        (b"frank", b'fr"ank', {}),
        (b"(X11)", b"", {"agent": b"Mozilla/5.0"}),
        (b"/a.gif", b"/" + b"a" * 9000, {}),
    ],
)
def test_what_may_stand_in_a_line(old: bytes, new: bytes, expected: dict[str, object]) -> None:
    request = read(WHOLE.replace(old, new))
    assert {name: getattr(request, name) for name in expected} == expected
    assert (request.address and request.method) and request.number == 1
    assert request.problem == ""


@pytest.mark.parametrize(
    ("line", "problem", "method", "agent"),
    [
        (WHOLE[:-1], "a quote is missing", "GET", b"Mozilla/5.0 (X11)"),
        (WHOLE[: WHOLE.index(b' "Mozilla')], "it ends early", "GET", b""),
        (WHOLE[: WHOLE.index(b"/a.gif")], "a quote is missing", "GET", b""),
        (WHOLE[: WHOLE.index(b'"GET')], "there is no request", "", b""),
        (b"nonsense", "there is no request", "", b""),
        (b'"GET / HTTP/1.1" 200 1', "there is no address", "", b""),
        (WHOLE.replace(b"GET /a.gif HTTP/1.1", b""), "the request is empty", "", b"Mozilla/5.0 (X11)"),
        (WHOLE + b" trailing", "it is not in the combined format", "GET", b"Mozilla/5.0 (X11)"),
        (WHOLE[:-1].replace(b"blog.", rb"\"blog\"."), "a quote is missing", "GET", b"Mozilla/5.0 (X11)"),
        (b"\x80\xff \xfe", "there is no request", "", b""),
    ],
)
def test_of_a_damaged_line_what_can_be_read_is_used(line: bytes, problem: str, method: str, agent: bytes) -> None:
    request = read(line)
    assert (request.problem, request.method, request.agent) == (problem, method, agent)


def test_lines_keep_their_numbers_and_blank_ones_are_passed_over() -> None:
    assert [request.number for request in read_access_log([WHOLE, b"\n", b"  \r\n", WHOLE])] == [1, 4]


@given(st.lists(st.binary(max_size=200).filter(lambda line: b"\n" not in line), max_size=10))
def test_any_bytes_are_read_and_what_comes_out_can_be_sent(lines: list[bytes]) -> None:
    requests = list(read_access_log(lines))
    assert len(requests) == sum(bool(line.strip()) for line in lines)
    for request in requests:
        assert not request.method or request.address
        for header in (request.agent, request.referer):
            assert header == header.strip() and not any(byte < 32 or byte == 127 for byte in header)


@given(
    agent=st.binary(min_size=1, max_size=60).filter(lambda raw: raw.strip() == raw != b"-" and raw.isascii()),
)
def test_an_agent_that_apache_escapes_comes_back(agent: bytes) -> None:
    # given what Apache writes: quotes and backslashes with a backslash, what cannot be printed as \xhh
    escaped = b"".join(
        b"\\" + bytes([byte]) if byte in b'"\\' else bytes([byte]) if 32 <= byte < 127 else b"\\x%02x" % byte
        for byte in agent
    )
    request = read(WHOLE.replace(b"Mozilla/5.0 (X11)", escaped))
    # then all that may be sent in a header is there again
    assert request.problem == ""
    assert request.agent == bytes(byte if 32 <= byte < 127 else 32 for byte in agent).strip()


def test_a_real_log_is_read_whole() -> None:
    if not LOG.is_file():
        pytest.skip("../shared/data/access_log_10k.log is not here")
    with LOG.open("rb") as lines:
        requests = list(read_access_log(lines))
    assert len(requests) == 10_000
    assert all(request.address and request.method for request in requests)
    assert [(request.number, request.problem) for request in requests if request.problem] == [
        (8899, "a quote is missing")
    ]
    assert b"Googlebot" in requests[8898].agent
    assert sum(request.method == "HEAD" for request in requests) == 42
    assert sum(not request.agent for request in requests) == 190
