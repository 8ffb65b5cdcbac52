"""The redirect's own AWS client: as botocore does when things go wrong, and never longer than it may."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.config import Config

from tests.support.amazon import CLOSED, NOW, Amazon, Step, answer, chunked, error, self_signed, well
from tests.support.functions import load

KEY = {"pk": {"S": "L#Ab12Cd34"}, "sk": {"S": "link"}}
ITEM = {**KEY, "code": {"S": "Ab12Cd34"}, "shards": {"N": "0"}, "said": {"S": 'é "→" \u202e\n'}}
FOUND = well({"Item": ITEM})
WHOLE = FOUND.pieces[0]
LONG = {"Item": {**KEY, "long": {"S": "é" * 150_000}}}
LENGTH_UNKNOWN: dict[str, str | None] = {"Content-Length": None, "x-amz-crc32": None}
PLENTY = 60.0
"""Seconds that no test uses up: a busy machine must not make one fail."""


@pytest.fixture(scope="module")
def aws() -> ModuleType:
    return load("redirect", "aws")


def a_client(aws: ModuleType, environment: dict[str, str], now: float = NOW) -> Any:
    return aws.Aws(environment, now=lambda: now)


def outcome(aws: ModuleType, call: Callable[[], object]) -> object:
    """What a call gave, or the class of its error."""
    try:
        return call()
    except aws.AwsError as failed:
        return type(failed).__name__


# ---- in good times -----------------------------------------------------------------------------------------------


def test_the_four_calls_are_those_of_the_services(aws: ModuleType) -> None:
    with Amazon(FOUND, well(), well(), well({"MessageId": "1"}), well({"SecretString": "s3cret"})) as amazon:
        client = a_client(aws, amazon.environment())
        # when each is made
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        assert client.get_item("books", KEY, seconds=PLENTY) is None
        client.put_item("facts", ITEM, seconds=PLENTY)
        client.send_message("https://sqs.example/1/clicks", '{"é": 1}', seconds=PLENTY)
        assert client.get_secret("click-key", seconds=PLENTY) == "s3cret"
    # then each said what botocore says
    said = [
        (each.headers["x-amz-target"], each.headers["content-type"], json.loads(each.body)) for each in amazon.requests
    ]
    table = {"TableName": "books", "Key": KEY}
    assert said == [
        ("DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", table),
        ("DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", table),
        ("DynamoDB_20120810.PutItem", "application/x-amz-json-1.0", {"TableName": "facts", "Item": ITEM}),
        (
            "AmazonSQS.SendMessage",
            "application/x-amz-json-1.0",
            {"QueueUrl": "https://sqs.example/1/clicks", "MessageBody": '{"é": 1}'},
        ),
        ("secretsmanager.GetSecretValue", "application/x-amz-json-1.1", {"SecretId": "click-key"}),
    ]
    # and one connection for each service did
    assert [each.connection for each in amazon.requests] == [1, 1, 1, 2, 3]


def test_connections_are_opened_ahead_of_use(aws: ModuleType) -> None:
    with Amazon(well(), well()) as amazon:
        client = a_client(aws, amazon.environment())
        client.open(seconds=PLENTY)
        client.put_item("facts", ITEM, seconds=PLENTY)
        client.send_message("clicks", "{}", seconds=PLENTY)
        # Tables first, then the queue; the calls needed no others.
        assert [each.connection for each in amazon.requests] == [1, 2]


def test_opening_never_raises(aws: ModuleType) -> None:
    # Nobody listens there, and there is no such place.
    for address in (f"http://127.0.0.1:{_nobodys_port()}", "http://no.such.host.invalid", "gopher://"):
        a_client(aws, {"AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1"}).open(seconds=PLENTY)


def test_endpoints_are_found_as_by_every_aws_client(aws: ModuleType) -> None:
    def host(**environment: str) -> tuple[str, str, int, bool]:
        client = aws.Aws({"AWS_REGION": "eu-west-1"} | environment)
        way = client._secrets.connection
        return client._secrets.signer._host, way._host, way._port, way._tls

    usual = "secretsmanager.eu-west-1.amazonaws.com"
    assert host() == (usual, usual, 443, True)
    chinese = "secretsmanager.cn-north-1.amazonaws.com.cn"
    assert host(AWS_REGION="cn-north-1") == (chinese, chinese, 443, True)
    assert host(AWS_REGION="", AWS_DEFAULT_REGION="eu-west-1")[0] == usual
    assert host(AWS_ENDPOINT_URL="http://[::1]:4566") == ("[::1]:4566", "::1", 4566, False)
    assert host(AWS_ENDPOINT_URL="http://localhost:80/") == ("localhost", "localhost", 80, False)
    assert host(AWS_ENDPOINT_URL="http://a:1", AWS_ENDPOINT_URL_SECRETS_MANAGER="https://b") == ("b", "b", 443, True)
    assert host(AWS_ENDPOINT_URL_DYNAMODB="http://a:1")[0] == usual
    with pytest.raises(KeyError):
        aws.Aws({})
    # and a path, behind which somebody stands in for AWS
    with Amazon(well()) as amazon:
        environment = amazon.environment()
        environment["AWS_ENDPOINT_URL_DYNAMODB"] = environment["AWS_ENDPOINT_URL"] + "/relay"
        a_client(aws, environment).put_item("facts", ITEM, seconds=PLENTY)
        assert amazon.requests[0].line == "POST /relay HTTP/1.1"


def test_a_host_with_several_addresses_is_reached_by_one_that_answers(
    aws: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a name of which the first address is nobody's
    with Amazon(well()) as amazon:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (_nobodys_port(), amazon.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        a_client(aws, amazon.environment(host="amazon.example")).put_item("facts", ITEM, seconds=PLENTY)
        assert len(amazon.requests) == 1


def test_where_nobody_answers_any_more_the_name_is_asked_for_again(
    aws: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Amazon(well()) as amazon:
        ports = iter([_nobodys_port(), amazon.port])

        def address(*_: object, **__: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", next(ports)))]

        monkeypatch.setattr(socket, "getaddrinfo", address)
        a_client(aws, amazon.environment(host="amazon.example")).put_item("facts", ITEM, seconds=PLENTY)
        assert len(amazon.requests) == 1


# ---- as botocore does --------------------------------------------------------------------------------------------

SITUATIONS: dict[str, tuple[list[Step], object]] = {
    "all is well": ([FOUND], "found"),
    "in many pieces": ([Step(tuple(WHOLE[at : at + 7] for at in range(0, len(WHOLE), 7)))], "found"),
    "byte by byte": ([Step(tuple(bytes((each,)) for each in WHOLE))], "found"),
    "in chunks": ([chunked({"Item": ITEM}, 1, 5, 30)], "found"),
    "a long answer": ([well(LONG)], "found"),
    "without a checksum": ([well({"Item": ITEM}, **{"x-amz-crc32": None})], "found"),
    "throttled once": ([error("ProvisionedThroughputExceededException"), FOUND], "found"),
    "throttled twice": ([error("ThrottlingException")] * 2, "Throttled"),
    "too many requests": ([error("RequestLimitExceeded")] * 2, "Throttled"),
    "500 once": ([error("InternalServerError", 500), FOUND], "found"),
    "500 twice": ([error("InternalServerError", 500)] * 2, "Failed"),
    "503 of a proxy": ([Step((_said := b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nBusy",))] * 2, "Failed"),
    "502, then throttled": ([Step((_said,)), error("ThrottlingException")], "Throttled"),
    "closed at once": ([CLOSED, FOUND], "found"),
    "closed after the answer": ([replace(FOUND, closes=True)], "found"),
    "throttled and closed": ([replace(error("ThrottlingException"), closes=True), FOUND], "found"),
    "closed within the body": ([Step((WHOLE[:-20],), closes=True), FOUND], "found"),
    "garbage": ([Step((b"\x16\x03\x01 what is this?\r\n\r\n",), closes=True)] * 2, "Broken"),
    "no table": ([error("ResourceNotFoundException")], "Refused"),
    "not valid": ([error("ValidationException")], "Refused"),
    "no right": ([error("AccessDeniedException")], "Refused"),
    "404 of a proxy": ([Step((b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nNo",))], "Refused"),
    "an expired token": ([error("ExpiredTokenException")], "Expired"),
    "an unknown token": ([error("UnrecognizedClientException")], "Expired"),
    "a wrong signature": ([error("InvalidSignatureException")], "Expired"),
}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Amazon, Amazon]]:
    """One for our client, one for botocore's."""
    with Amazon() as first, Amazon() as second:
        yield first, second


@pytest.fixture(scope="module")
def clients(aws: ModuleType, servers: tuple[Amazon, Amazon]) -> tuple[Callable[[], object], Callable[[], object]]:
    """Each reads an item, and gives it or says what went wrong."""
    ours = a_client(aws, servers[0].environment())
    theirs = _botocores(servers[1].environment())

    def read_by_ours() -> object:
        return outcome(aws, lambda: ours.get_item("books", KEY, seconds=PLENTY))

    def read_by_botocores() -> object:
        try:
            return theirs.get_item(TableName="books", Key=KEY)["Item"]
        except botocore.exceptions.ClientError as failed:
            return _class_of(failed)
        except (botocore.exceptions.HTTPClientError, botocore.parsers.ResponseParserError):
            return "Broken"

    return read_by_ours, read_by_botocores


@pytest.mark.parametrize("situation", SITUATIONS)
def test_when_things_go_wrong_it_does_as_botocore_with_one_retry(
    situation: str,
    servers: tuple[Amazon, Amazon],
    clients: tuple[Callable[[], object], Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, expected = SITUATIONS[situation]
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    seen = []
    for amazon, read in zip(servers, clients, strict=True):
        # given a connection that has served before
        amazon.then(FOUND)
        assert read() == ITEM
        before = len(amazon.requests)
        # when it goes wrong so, and all is well afterwards
        amazon.then(*steps, FOUND, FOUND, FOUND)
        found = read()
        seen.append(("found" if isinstance(found, dict) else found, len(amazon.requests) - before))
        # then the next read knows nothing of it
        assert read() == ITEM
    # and ours found what botocore's found, or failed for the same reason, after as many requests
    ours, botocores = seen
    assert ours == botocores
    assert ours == (expected, len(steps))


def _botocores(environment: dict[str, str]) -> Any:
    return botocore.session.Session().create_client(
        "dynamodb",
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 2, "mode": "standard"}),
    )


def _class_of(failed: botocore.exceptions.ClientError) -> str:
    code, status = failed.response["Error"]["Code"], failed.response["ResponseMetadata"]["HTTPStatusCode"]
    if status >= 500:
        return "Failed"
    if code in {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}:
        return "Throttled"
    if code in {"ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"}:
        return "Expired"
    return "Refused"


# ---- where botocore does less ------------------------------------------------------------------------------------


def test_an_answer_that_changed_on_the_way_is_not_believed(aws: ModuleType) -> None:
    wrong = well({"Item": ITEM}, **{"x-amz-crc32": "1"})
    with Amazon(wrong, FOUND, wrong, wrong) as amazon:
        client = a_client(aws, amazon.environment())
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        with pytest.raises(aws.Broken):
            client.get_item("books", KEY, seconds=PLENTY)


@pytest.mark.parametrize(
    "odd",
    [
        answer(200, {"Item": ITEM}, **LENGTH_UNKNOWN),
        answer(200, {"Item": ITEM}, **{"Content-Length": "-5"}),
        answer(200, {"Item": ITEM}, **{"Content-Length": "999999999999"}),
        answer(200, {"Item": ITEM}, **LENGTH_UNKNOWN | {"Transfer-Encoding": "chunked"}),
        answer(302, {}, Location="https://evil.example/"),
        answer(200, ["an", "array"]),
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<xml>",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"x" * 3_100_000,
        answer(200, None, **LENGTH_UNKNOWN | {"Transfer-Encoding": "chunked"})[:-2]
        + b"f4240\r\n%b\r\n" % bytes(10**6) * 4,
    ],
    ids=[
        "no length",
        "negative",
        "huge",
        "no chunks",
        "redirected",
        "no object",
        "no JSON",
        "no status",
        "no end",
        "endless chunks",
    ],
)
def test_what_is_no_answer_of_aws_is_broken(odd: bytes, aws: ModuleType) -> None:
    with Amazon(Step((odd,), closes=True), Step((odd,), closes=True), FOUND) as amazon:
        client = a_client(aws, amazon.environment())
        with pytest.raises(aws.Broken):
            client.get_item("books", KEY, seconds=PLENTY)
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM


@pytest.mark.parametrize("at", [40, len(WHOLE) - 20], ids=["head", "body"])
def test_an_answer_that_is_cut_off_is_no_answer(at: int, aws: ModuleType) -> None:
    # botocore takes such a last answer for one that there is no such item.
    cut = Step((WHOLE[:at],), closes=True)
    with Amazon(cut, FOUND, cut, cut) as amazon:
        client = a_client(aws, amazon.environment())
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        with pytest.raises(aws.Broken, match="within the answer"):
            client.get_item("books", KEY, seconds=PLENTY)


def test_finding_a_kept_connection_closed_costs_no_try(aws: ModuleType) -> None:
    # given a connection that has served
    with Amazon(FOUND) as amazon:
        client = a_client(aws, amazon.environment())
        client.open(seconds=PLENTY)
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        # when it turns out to be closed, and AWS is busy besides
        amazon.then(CLOSED, error("ThrottlingException"), FOUND)
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        # then a closed one is no reason to try for ever
        amazon.then(*[CLOSED] * 3, FOUND)
        with pytest.raises(aws.Broken, match="before the answer"):
            client.get_item("books", KEY, seconds=PLENTY)
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM


def test_what_follows_an_answer_is_never_taken_for_the_next_one(aws: ModuleType) -> None:
    # given an answer with another one behind it, and one that says it is the last
    forged = answer(200, {"Item": {"code": {"S": "forged"}}})
    with Amazon(Step((WHOLE + forged,)), FOUND, well({"Item": ITEM}, Connection="close"), FOUND) as amazon:
        client = a_client(aws, amazon.environment())
        for _ in range(4):
            assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        assert [each.connection for each in amazon.requests] == [1, 2, 2, 3]


def test_a_clock_that_is_wrong_is_put_right_by_the_answer(aws: ModuleType) -> None:
    # given a clock that is an hour late
    for code in ("InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"):
        with Amazon(error(code), well(), well()) as amazon:
            client = a_client(aws, amazon.environment(), now=NOW - 3600)
            # when AWS refuses its signature, and says what time it is
            client.put_item("facts", ITEM, seconds=PLENTY)
            client.put_item("facts", ITEM, seconds=PLENTY)
            # then the request is signed again by that time, and so are all later ones
            signed = [each.headers["x-amz-date"] for each in amazon.requests]
            right = datetime.fromtimestamp(NOW, UTC)
            assert signed == [f"{when:%Y%m%dT%H%M%SZ}" for when in (right - timedelta(hours=1), right, right)]


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 25 Jul 2026 17:19:40 GMT"])
def test_a_refused_signature_is_not_laid_to_a_clock_that_is_right(date: str, aws: ModuleType) -> None:
    refused = Step((answer(400, {"__type": "InvalidSignatureException"}, Date=date),))
    with Amazon(refused) as amazon:
        with pytest.raises(aws.Expired, match="InvalidSignatureException"):
            a_client(aws, amazon.environment()).put_item("facts", ITEM, seconds=PLENTY)
        assert len(amazon.requests) == 1


def test_credentials_are_followed_when_they_change(aws: ModuleType) -> None:
    with Amazon(well(), well(), error("ExpiredTokenException"), well()) as amazon:
        environment = amazon.environment()
        client = a_client(aws, environment)
        client.put_item("facts", ITEM, seconds=PLENTY)
        # when others stand in the environment
        environment |= {"AWS_ACCESS_KEY_ID": "ASIASECOND", "AWS_SECRET_ACCESS_KEY": "s2", "AWS_SESSION_TOKEN": "t2"}
        client.put_item("facts", ITEM, seconds=PLENTY)
        # or only the token of the same key is another one
        environment["AWS_SESSION_TOKEN"] = "t3"
        client.put_item("facts", ITEM, seconds=PLENTY)
    # then they are used; the last were found when AWS refused the ones before
    heads = [each.headers for each in amazon.requests]
    used = [
        (*re.findall("Credential=([A-Z]+)/", head["authorization"]), head["x-amz-security-token"]) for head in heads
    ]
    assert used == [("ASIAEXAMPLE", "token"), ("ASIASECOND", "t2"), ("ASIASECOND", "t2"), ("ASIASECOND", "t3")]


def test_without_credentials_nothing_is_sent(aws: ModuleType) -> None:
    with Amazon() as amazon:
        for missing in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment = {name: value for name, value in amazon.environment().items() if name != missing}
            with pytest.raises(aws.Expired, match="no credentials"):
                a_client(aws, environment).put_item("facts", ITEM, seconds=PLENTY)
        assert amazon.connections == 0


def test_a_secret_that_is_no_text_is_refused(aws: ModuleType) -> None:
    with Amazon(well({"SecretBinary": "AAAA"})) as amazon, pytest.raises(aws.Refused, match="not text"):
        a_client(aws, amazon.environment()).get_secret("edge", seconds=PLENTY)


def test_a_place_where_nobody_listens_is_unreachable(aws: ModuleType) -> None:
    environment = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}
    for address in (f"http://127.0.0.1:{_nobodys_port()}", "http://no.such.host.invalid"):
        with pytest.raises(aws.Unreachable):
            a_client(aws, environment | {"AWS_ENDPOINT_URL": address}).put_item("facts", ITEM, seconds=PLENTY)


def _nobodys_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


# ---- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with a key and a certificate of its own for `localhost`."""
    return str(self_signed(tmp_path_factory.mktemp("tls") / "localhost.pem", "localhost"))


def test_tls_is_spoken_with_whom_the_machine_trusts(certificate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    aws = load("redirect", "aws")
    with Amazon(FOUND, CLOSED, FOUND, certificate=certificate) as amazon:
        client = a_client(aws, amazon.environment("https", "localhost"))
        client.open(seconds=PLENTY)
        assert not client._tables.connection._socket.session_reused
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        assert client.get_item("books", KEY, seconds=PLENTY) == ITEM
        # The connection that took the place of the closed one went on with its session.
        assert client._tables.connection._socket.session_reused
        assert amazon.requests[-1].headers["host"] == f"localhost:{amazon.port}"


def test_nobody_else_is_spoken_to(certificate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Amazon(certificate=certificate) as amazon:
        # A certificate of an authority that the machine does not know
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED") as stranger:
            _ask_by_tls(amazon, "localhost")
        # and one for another name
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED") as other:
            _ask_by_tls(amazon, "127.0.0.1")
        assert [type(each.value).__name__ for each in (stranger, other)] == ["Unreachable", "Unreachable"]
        assert amazon.requests == []


def _ask_by_tls(amazon: Amazon, host: str) -> None:
    a_client(load("redirect", "aws"), amazon.environment("https", host)).get_item("books", KEY, seconds=PLENTY)


# ---- time --------------------------------------------------------------------------------------------------------


class Played:
    """Sockets on a clock that only their waiting moves: each wait takes the next of the given seconds, but no longer
    than the socket allows."""

    def __init__(self, *waits: float, sends: bytes = WHOLE) -> None:
        self.now = 1000.0
        self._waits = list(waits)
        self._sends = sends
        self.allowed: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, allowed: float) -> None:
        self.allowed.append(allowed)
        takes = self._waits.pop(0) if self._waits else 0.0
        self.now += min(takes, allowed)
        if takes >= allowed:
            raise TimeoutError

    def socket(self, *_: object) -> Any:
        return PlayedSocket(self, self._sends)

    def __getattr__(self, name: str) -> Any:
        """What else is asked of the `socket` module."""
        return getattr(socket, name)


class PlayedSocket:
    """Sends the answer in pieces of 100 bytes, each after a wait."""

    def __init__(self, played: Played, sends: bytes) -> None:
        self._played = played
        self._allowed = 0.0
        self._answer = sends
        self._left = b""

    def gettimeout(self) -> float:
        return self._allowed

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0
        assert seconds != self._allowed, "it was told so already"
        self._allowed = seconds

    def connect(self, _: object) -> None:
        self._played.wait(self._allowed)

    def sendall(self, _: bytes) -> None:
        self._played.wait(self._allowed)
        self._left = self._answer

    def recv(self, _: int) -> bytes:
        self._played.wait(self._allowed)
        piece, self._left = self._left[:100], self._left[100:]
        return piece

    def setsockopt(self, *_: object) -> None: ...

    def close(self) -> None: ...


def played(aws: ModuleType, monkeypatch: pytest.MonkeyPatch, world: Played) -> Any:
    """A client in that world; the address is a number, so that no name is asked for."""
    monkeypatch.setitem(aws.Connection.exchange.__globals__, "socket", world)
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}
    return aws.Aws(environment, elapsed=world, now=lambda: NOW)


def test_no_call_takes_longer_than_it_may(aws: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    # given answers that are good, busy, cut off or no answer, and waits of any length at any place
    chance = random.Random(1)
    answers = [WHOLE, error("ThrottlingException").pieces[0], WHOLE[:-7], b"", b"what?\r\n\r\n", answer(500, {})]
    outcomes = Counter()
    for number in range(1_000):
        waits = chance.choices((0.0, 0.001, 0.004, 0.03), (3, 1, 1, 1), k=20)
        world = Played(*waits, sends=chance.choice(answers))
        client = played(aws, monkeypatch, world)
        for _ in range(2):
            # when it is called twice
            began, seconds = world.now, chance.choice((0.005, 0.02, 0.05))
            found = outcome(aws, partial(client.get_item, "books", KEY, seconds=seconds))
            # then it took what it was given at most, however often it tried
            assert world.now - began <= seconds + 1e-9, f"world {number}: {found}"
            outcomes["found" if isinstance(found, dict) else found] += 1
    # and all of this came about
    assert set(outcomes) == {"found", "TimedOut", "Throttled", "Broken", "Closed", "Failed"}
    assert min(outcomes.values()) > 20


def test_each_wait_is_given_what_the_ones_before_it_left(aws: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Played(0.004, 0.002, 0.008, 0.001)
    played(aws, monkeypatch, world).get_item("books", KEY, seconds=0.02)
    # To connect, to send, for the first piece of the answer, for the second, and so on.
    given, left = world.allowed[:5], [0.02, 0.016, 0.014, 0.006, 0.005]
    assert given == pytest.approx(left, abs=1.01 * aws.Connection.exchange.__globals__["STEP"])
    assert all(each <= most + 1e-12 for each, most in zip(given, left, strict=True))


def test_what_is_out_of_time_is_not_begun(aws: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Played()
    with pytest.raises(aws.TimedOut, match="no time left"):
        played(aws, monkeypatch, world).put_item("facts", ITEM, seconds=0.0)
    assert world.allowed == []


def test_after_time_ran_out_the_late_answer_is_not_read(aws: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a connection whose second answer comes too late
    world = Played(0, 0, *[0] * 5)
    client = played(aws, monkeypatch, world)
    assert client.get_item("books", KEY, seconds=0.02) == ITEM
    late = client._tables.connection._socket
    world._waits = [0, 0.03]
    with pytest.raises(aws.TimedOut, match="took too long"):
        client.get_item("books", KEY, seconds=0.02)
    # then the next request goes by another one
    assert client.get_item("books", KEY, seconds=0.02) == ITEM
    assert client._tables.connection._socket is not late


def test_a_name_that_is_not_answered_in_time_is_waited_for_by_nobody(
    aws: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a resolver that is silent until it is told to answer
    asked, told = threading.Event(), threading.Event()

    def resolve(*_: object, **__: object) -> list[Any]:
        asked.set()
        told.wait(PLENTY)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))]

    world = Played()
    world.getaddrinfo = resolve
    client = played(aws, monkeypatch, world)
    with pytest.raises(aws.TimedOut, match="name"):
        client.get_item("books", KEY, seconds=0.001)
    assert asked.is_set()
    # when it has answered, the next call is served
    told.set()
    assert client.get_item("books", KEY, seconds=PLENTY) == ITEM


def test_a_call_waits_for_a_connection_that_is_being_opened_but_no_longer_than_it_may(aws: ModuleType) -> None:
    # given a connection that another thread is opening
    client = a_client(aws, {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"})
    with client._tables.connection._busy, pytest.raises(aws.TimedOut, match="being opened"):
        client.get_item("books", KEY, seconds=0.001)
