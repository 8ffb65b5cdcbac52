"""One request to a host that somebody else named: bounded in time and size, to exactly the address that was checked."""

from __future__ import annotations

import itertools
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from introducer.domain.errors import IntroducerError, Invalid
from introducer.gateways.outside_http import Answer, Bounds, Outside
from tests.support.receiver import Receiver, Request, a_receiver, answers, says

HERE = ["127.0.0.1"]


def outside(**other: object) -> Outside:
    """Speaks to this machine, by a clock that stands."""
    return Outside(lambda: 0.0, **{"loopback": True, **other})  # type: ignore[arg-type]


def get(url: str, **other: object) -> Answer:
    return outside(**other).exchange("GET", url, {"Introducer-Event": "ftd"})


def refusal(does: Callable[[], object]) -> str:
    with pytest.raises(IntroducerError) as refused:
        does()
    return refused.value.code


def test_a_request_arrives_as_it_was_given_and_asks_for_nothing_more() -> None:
    with a_receiver(answers(202, b"taken", "X-Who: tracker")) as receiver:
        answer = outside().exchange("POST", receiver.url("/p?a=%20b"), {"Introducer-Event": "ftd"}, b'{"a":1}')
    [request] = receiver.requests
    assert request.line == "POST /p?a=%20b HTTP/1.1"
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "introducer-event": "ftd",
        "connection": "close",
        "content-length": "7",
    }
    assert request.body == b'{"a":1}'
    assert (answer.status, answer.body, answer.whole, answer.headers["x-who"]) == (202, b"taken", True, "tracker")


@pytest.mark.parametrize("status", [204, 400, 404, 429, 500, 503])
def test_whatever_status_comes_is_an_answer(status: int) -> None:
    with a_receiver(answers(status, b"")) as receiver:
        assert get(receiver.url()).status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_nowhere(status: int) -> None:
    with a_receiver() as elsewhere, a_receiver(answers(status, b"", f"Location: {elsewhere.url()}")) as receiver:
        assert get(receiver.url()).status == status
        assert (len(receiver.requests), elsewhere.requests) == (1, [])


# ---------------------------------------------------------------------------------------------------------- addresses


def test_a_name_that_leads_inside_is_met_by_nobody() -> None:
    with a_receiver() as receiver:
        for address in ("169.254.169.254", "127.0.0.1", "10.0.0.1", "fd00:ec2::254", "::ffff:127.0.0.1"):
            for found in ([address], ["8.8.8.8", address]):
                sends = Outside(lambda: 0.0, resolve=lambda *_, found=found: found)
                code = refusal(lambda: sends.exchange("GET", f"https://t.test:{receiver.port}/", {}))  # noqa: B023
                assert code == "address_refused"
        assert receiver.requests == []


def test_the_connection_is_made_to_the_address_that_was_checked_and_the_name_is_asked_for_once() -> None:
    # A name that leads elsewhere at the second look, as in DNS rebinding.
    looks = itertools.count()
    with a_receiver() as receiver:
        answer = get(
            f"http://t.test:{receiver.port}/p", resolve=lambda *_: HERE if next(looks) == 0 else ["169.254.169.254"]
        )
        assert answer.status == 200
        assert receiver.requests[0].headers["host"] == f"t.test:{receiver.port}"
    assert next(looks) == 1


def test_without_the_local_stages_leave_this_machine_is_not_reached() -> None:
    with a_receiver() as receiver:
        assert refusal(lambda: Outside(lambda: 0.0).exchange("GET", receiver.url(), {})) == "address_refused"
        assert receiver.requests == []


def test_plain_http_goes_to_this_machine_alone() -> None:
    assert refusal(lambda: get("http://t.test/", resolve=lambda *_: ["8.8.8.8"])) == "url_refused"


def test_a_host_that_takes_no_connection_is_said_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert refusal(lambda: get(f"http://127.0.0.1:{port}/")) == "not_connected"


# --------------------------------------------------------------------------------------------------------- time, size


def test_a_host_that_says_nothing_is_waited_for_no_longer_than_allowed() -> None:
    def hangs(connection: socket.socket, request: Request) -> None:
        receiver.released.wait(60)

    with a_receiver(hangs) as receiver:
        assert refusal(lambda: get(receiver.url(), bounds=Bounds(connect=5, whole=0.05))) == "timed_out"


def test_a_host_that_drips_is_cut_off_when_the_whole_time_is_over() -> None:
    # Each letter comes well before a step would time out; the clock moves with each.
    clock = itertools.count()

    def drips(connection: socket.socket, request: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not receiver.released.wait(0.001):
            connection.sendall(b".")

    with a_receiver(drips) as receiver:
        sends = Outside(lambda: next(clock) * 1.0, loopback=True, bounds=Bounds(connect=50, whole=60, body=9999))
        assert refusal(lambda: sends.exchange("GET", receiver.url(), {})) == "timed_out"


def test_of_a_long_answer_no_more_is_read_than_wanted() -> None:
    with a_receiver(answers(200, b"x" * 200_000)) as receiver:
        answer = get(receiver.url(), bounds=Bounds(body=1000))
    assert (answer.body, answer.whole) == (b"x" * 1000, False)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "answer_broken"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "answer_broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "answer_broken"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "answer_broken"),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n", "answer_broken"),
        (
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 20_000) for n in range(60)),
            "answer_too_large",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, "answer_too_large"),
    ],
)
def test_what_is_no_answer_is_told_from_one(text: bytes, code: str) -> None:
    with a_receiver(says(text)) as receiver:
        assert refusal(lambda: get(receiver.url())) == code


# ------------------------------------------------------------------------------------------------------------ requests


@pytest.mark.parametrize(
    "url",
    [
        "https://t.test/a b",
        "https://t.test/\r\nX: y",
        "https://t.test/\x00",
        "https://t.test/ü",
        "https://user@t.test/",
        "https://t.test/#x",
        "https://t.test:port/",
        "https:///p",
        "file:///etc/passwd",
        "gopher://t.test/",
        "t.test",
    ],
)
def test_a_url_that_is_none_is_not_sent(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        outside(resolve=lambda *_: pytest.fail("nothing may be looked up")).exchange("GET", url, {})
    assert refused.value.code == "url_refused"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "y\r\nX-B: z"},
        {"X-A\r\nX-B": "y"},
        {"X-A": "ü"},
        {"Host": "evil.test"},
        {"content-length": "3"},
        {"": "y"},
    ],
)
def test_a_header_can_bring_in_no_other(headers: dict[str, str]) -> None:
    assert (
        refusal(lambda: outside(resolve=lambda *_: HERE).exchange("GET", "http://t.test/", headers)) == "header_refused"
    )


# ---------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of track.example.test, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "track.example.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("track.example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def over_tls(receiver: Receiver, host: str, trusts: ssl.SSLContext | None) -> Answer:
    return outside(resolve=lambda *_: HERE, context=trusts).exchange("GET", f"https://{host}:{receiver.port}/p", {})


def test_tls_is_made_for_the_name_and_its_certificate_is_checked(certificate: Path) -> None:
    named: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda connection, name, context: named.append(name)
    trusts = ssl.create_default_context(cafile=str(certificate))
    with a_receiver(context=server) as receiver:
        assert over_tls(receiver, "track.example.test", trusts).status == 200
        assert named == ["track.example.test"]
        # The certificate is another's, or of nobody that is trusted.
        assert refusal(lambda: over_tls(receiver, "other.example.test", trusts)) == "tls_failed"
        assert refusal(lambda: over_tls(receiver, "track.example.test", None)) == "tls_failed"
        assert len(receiver.requests) == 1


def test_a_host_that_speaks_no_tls_is_said_to() -> None:
    with a_receiver(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False) as receiver:
        assert refusal(lambda: over_tls(receiver, "track.example.test", None)) == "tls_failed"
