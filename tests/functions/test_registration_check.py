"""POST /postback/{source}/check, through the deployed handler: who is known, what is told of it, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import botocore.client
import pytest

from introducer.domain.configuration import Availability
from introducer.domain.events import milliseconds
from introducer.domain.fraud.person import Person
from introducer.domain.identity import brand_key, keyed_hash
from introducer.domain.signatures import sign
from introducer.services.check_registration import KEPT_SECONDS
from introducer.store import keys
from introducer.store import persons as counted
from introducer.store.person_index import PersonIndex
from introducer.store.persons import PERSON_DAYS, person_update
from introducer.store.wire import connect
from tests.support.posting import BRAND, IDENTITY, NOW, SOURCE, Answer, Platform, a_platform, add_source, log_of

KEY = brand_key(IDENTITY.encode(), BRAND)
EMAIL, PHONE, DEVICE = "Ann@Example.com", "+49 30 1234567", "fp-77"


@pytest.fixture(scope="module")
def house() -> Iterator[Platform]:
    with a_platform() as found:
        yield found


@pytest.fixture
def platform(house: Platform) -> Platform:
    house.start_again()
    for item in boto3.client("dynamodb").scan(TableName="books")["Items"]:
        if item["pk"]["S"].startswith("N#"):
            house.dynamodb.delete_item(TableName="books", Key={"pk": item["pk"], "sk": item["sk"]})
    return house


def registered(clients: int = 1, **said: str) -> None:
    """A client registered with this, as the engine counts it."""
    for kind, value in said.items():
        person = Person(kind, keyed_hash(KEY, kind, value))
        known = counted.Known(clients, "client one", "par_one")
        update = person_update(connect("books"), "books", BRAND, person, known, milliseconds(NOW))
        connect("books").transact_write_items((), (), (), (update,))


def asks(platform: Platform, asked: object, *, raw: bytes | None = None, **how: Any) -> Answer:
    """A recorded request of the gateway, signed as events are."""
    body = json.dumps(asked).encode() if raw is None else raw
    name = how.get("source", SOURCE)
    signature = how.get("signature") or sign(body, platform.secrets, platform.clock.time)
    event = {
        "version": "2.0",
        "routeKey": "POST /postback/{source}/check",
        "rawPath": f"/postback/{name}/check",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json", "introducer-signature": signature, "user-agent": "signup-form/3.1",
            "x-forwarded-for": "198.51.100.4",
        },
        "pathParameters": {"source": name},
        "requestContext": {"requestId": "req-1", "http": {"method": "POST", "path": f"/postback/{name}/check"}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }  # fmt: skip
    answer = platform.app.handler(event, None)
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def operations(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is asked of AWS from now on."""
    asked: list[tuple[str, Any]] = []
    real = botocore.client.BaseClient._make_api_call

    def noting(client: Any, operation: str, arguments: Any) -> Any:
        asked.append((operation, arguments))
        return real(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", noting)
    return asked


def test_whoever_registered_with_the_same_e_mail_phone_or_device_is_known(platform: Platform) -> None:
    registered(email="ann@example.com", device="fp-77")

    answer = asks(platform, {"email": EMAIL, "phone": PHONE, "device": DEVICE})

    assert (answer.status, answer.body) == (200, {"known": True, "by": ["email", "device"]})
    assert answer.headers == {"content-type": "application/json", "cache-control": "no-store"}
    assert asks(platform, {"phone": PHONE}).body == {"known": False, "by": []}
    assert asks(platform, {"phone": PHONE, "email": None, "device": DEVICE}).body == {"known": True, "by": ["device"]}


def test_a_check_is_one_read_and_no_write(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a function that knows who the source is: it looks that up once in a minute
    registered(email="ann@example.com")
    asks(platform, {"email": "warm@example.com"})
    before = platform.stored(), platform.dynamodb.scan(TableName="books")["Items"]
    asked = operations(monkeypatch)

    for wish in ({"email": EMAIL, "phone": PHONE, "device": DEVICE}, {"email": EMAIL}, {"device": DEVICE}):
        assert asks(platform, wish).status == 200

    assert [operation for operation, _ in asked] == ["BatchGetItem"] * 3
    assert [len(arguments["RequestItems"]["books"]["Keys"]) for _, arguments in asked] == [3, 1, 1]
    assert (platform.stored(), platform.dynamodb.scan(TableName="books")["Items"]) == before

    # and a minute later the source is looked up again
    asked.clear()
    platform.clock.seconds += KEPT_SECONDS
    asks(platform, {"email": EMAIL})
    assert sorted(operation for operation, _ in asked) == ["BatchGetItem", "GetItem"]


def test_nobody_is_known_to_another_brand_by_a_member_alone_or_after_its_time(platform: Platform) -> None:
    # given an address that only a partner's member has
    person = Person("email", keyed_hash(KEY, "email", "ann@example.com"))
    PersonIndex("books").remember_member(BRAND, "par_one", [person], NOW)
    assert asks(platform, {"email": EMAIL}).body == {"known": False, "by": []}

    # and one that somebody registered with long ago
    registered(phone="+49301234567")
    platform.clock.time = NOW + timedelta(days=PERSON_DAYS - 1)
    assert asks(platform, {"phone": PHONE}).body["known"]
    platform.clock.time = NOW + timedelta(days=PERSON_DAYS)
    assert not asks(platform, {"phone": PHONE}).body["known"]


def test_a_client_that_was_counted_back_is_not_known(platform: Platform) -> None:
    registered(email="ann@example.com")
    registered(-1, email="ann@example.com")

    assert asks(platform, {"email": EMAIL}).body == {"known": False, "by": []}


def test_no_log_line_and_no_refusal_repeats_what_was_asked_or_answered(platform: Platform) -> None:
    registered(email="ann@example.com")
    with log_of("postback") as log:
        answers = [
            asks(platform, {"email": EMAIL, "phone": PHONE, "device": DEVICE}),
            asks(platform, {"email": "ann at example", "phone": "call me"}),
            asks(platform, {"email": EMAIL}, signature="t=1,v1=00"),
        ]

    assert [answer.status for answer in answers] == [200, 422, 401]
    said = log.getvalue()
    assert "registration checked" in said
    for word in ("ann", "example", "1234567", "fp-77", "call me", "known", keyed_hash(KEY, "email", "ann@example.com")):
        assert word not in said.lower().replace("unknown", "")
    assert "ann at" not in json.dumps(answers[1].body) and "call me" not in json.dumps(answers[1].body)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "nothing_to_check"),
        ({"email": None}, "nothing_to_check"),
        ({"email": "nobody"}, "invalid_email"),
        ({"email": ""}, "invalid_email"),
        ({"phone": "12"}, "invalid_phone"),
        ({"device": " "}, "invalid_device"),
        ({"email": EMAIL, "name": "Ann"}, "unknown_field"),
        ({"client_id": "10234"}, "unknown_field"),
        ({"ip": "203.0.113.9"}, "unknown_field"),
        ({"email": [EMAIL]}, "not_a_string"),
        ({"phone": 49301234567}, "not_a_string"),
        ({"\x00" * 200: EMAIL}, "unknown_field"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(platform: Platform, asked: dict[str, Any], code: str) -> None:
    answer = asks(platform, asked)

    assert (answer.status, answer.body["code"]) == (422, code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["instance"] == "/postback/meta/check"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [(b"", 400, None), (b"[]", 400, None), (b"{", 400, None), (b'{"email":"a@b.c","email":"d@e.f"}', 400, None)],
)
def test_what_is_no_json_object_is_refused_as_an_event_would_be(
    platform: Platform, raw: bytes, status: int, code: str | None
) -> None:
    answer = asks(platform, None, raw=raw)
    assert answer.status == status and answer.headers["content-type"] == "application/problem+json"


def test_only_a_source_that_signs_and_is_not_paused_is_answered(platform: Platform) -> None:
    assert asks(platform, {"email": EMAIL}, source="nobody").body["code"] == "unknown_source"
    assert asks(platform, {"email": EMAIL}, signature="t=1,v1=00").status == 401
    add_source(platform.configuration, "paused", Availability.PAUSED)
    platform.set_secret("a-secret-of-the-source", source="paused")
    assert asks(platform, {"email": EMAIL}, source="paused").body["code"] == "source_paused"


def test_the_key_of_the_index_is_the_one_the_engine_counts_under(platform: Platform) -> None:
    registered(device="fp-77")
    [item] = [each for each in platform.dynamodb.scan(TableName="books")["Items"] if each["pk"]["S"].startswith("N#")]
    assert keys.parts(item["pk"]["S"])[1:] == [BRAND, "device", keyed_hash(KEY, "device", "fp-77")]
