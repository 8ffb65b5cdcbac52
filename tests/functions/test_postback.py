"""POST /postback/{source}, through the deployed handler: what is taken, what is refused, and what is stored of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.exceptions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from introducer.domain.configuration import Availability
from introducer.domain.errors import Unavailable
from introducer.domain.events import Event, EventType
from introducer.domain.identity import brand_key, keyed_hash
from introducer.domain.signatures import HEADER, sign
from introducer.store.facts import Facts
from tests.support.posting import (
    BRAND,
    IDENTITY,
    NOW,
    PREFIX,
    SECRET,
    SOURCE,
    Answer,
    Platform,
    a_deposit,
    a_platform,
    add_source,
    log_of,
)

KEY = brand_key(IDENTITY.encode(), BRAND)
CLIENT = keyed_hash(KEY, "client", "10234")


@pytest.fixture(scope="module")
def house() -> Iterator[Platform]:
    with a_platform() as found:
        yield found


@pytest.fixture
def platform(house: Platform) -> Platform:
    house.start_again()
    return house


def refused(answer: Answer, status: int, code: str) -> None:
    """It is a complete problem document of this status and code, and shows nothing of our insides."""
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body.keys() >= {"type", "title", "status", "detail", "code", "instance", "request_id"}
    assert answer.body["status"] == status
    assert answer.body["request_id"] == "req-1"
    assert answer.body["type"] == f"/problems/{code}"
    text = json.dumps(answer.body)
    assert "Traceback" not in text and ".py" not in text and "pydantic" not in text


# ---- What is taken --------------------------------------------------------------------------------------------------


def test_a_good_event_is_answered_202_and_stored_without_the_name_of_the_client(platform: Platform) -> None:
    answer = platform.sends(
        a_deposit(email="Ann@Example.com", ip="203.0.113.9", phone="+49 30 1234567", device="fp-77")
    )

    assert answer.status == 202
    assert answer.statuses == ["accepted"]
    assert answer.receipts[0]["event_id"] == "dep-1"
    assert answer.receipts[0]["receipt"].startswith("rcp_")
    event = platform.facts.event(BRAND, CLIENT, SOURCE, "dep-1")
    assert event is not None
    assert (event.type, event.amount, event.currency) == (EventType.DEPOSIT, 25_000, "EUR")
    assert event.accepted_at == NOW
    assert event.email_hash == keyed_hash(KEY, "email", "ann@example.com")
    assert event.address_hash == keyed_hash(KEY, "address", "203.0.113.9")
    [item] = platform.stored()
    for personal in ("10234", "example.com", "203.0.113.9", "1234567", "fp-77"):
        assert personal not in json.dumps(item).lower()


def test_the_same_event_twice_is_one_event_with_one_receipt(platform: Platform) -> None:
    first, second = platform.sends(a_deposit()), platform.sends(a_deposit())

    assert (first.status, second.status) == (202, 202)
    assert second.statuses == ["duplicate"]
    assert first.receipts[0]["receipt"] == second.receipts[0]["receipt"]
    assert len(platform.stored()) == 1


def test_the_same_event_a_day_later_is_still_the_same_event(platform: Platform) -> None:
    platform.sends(a_deposit())
    platform.clock.time = NOW + timedelta(days=1)
    assert platform.sends(a_deposit(), at=platform.clock.time).statuses == ["duplicate"]
    event = platform.facts.event(BRAND, CLIENT, SOURCE, "dep-1")
    assert event is not None and event.accepted_at == NOW


@pytest.mark.parametrize(
    "spelling",
    [
        {"amount": "250"},
        {"amount": "250.0"},
        {"amount": "250.00000000"},
        {"occurred_at": "2026-03-02T12:59:00.000+01:00"},
        {"occurred_at": "2026-03-02t11:59:00z"},
    ],
)
def test_another_spelling_of_the_same_event_is_a_duplicate(platform: Platform, spelling: dict[str, Any]) -> None:
    platform.sends(a_deposit())
    assert platform.sends(a_deposit(**spelling)).statuses == ["duplicate"]


def test_a_null_and_another_order_of_fields_change_nothing(platform: Platform) -> None:
    platform.sends(a_deposit())
    backwards = dict(reversed([*a_deposit().items(), ("country", None)]))
    assert platform.sends(backwards).statuses == ["duplicate"]


def test_a_known_id_that_says_something_else_is_a_conflict_and_the_first_stands(platform: Platform) -> None:
    platform.sends(a_deposit())

    answer = platform.sends(a_deposit(amount="999.00"))

    refused(answer, 409, "event_conflict")
    assert answer.body["event_id"] == "dep-1"
    event = platform.facts.event(BRAND, CLIENT, SOURCE, "dep-1")
    assert event is not None and event.amount == 25_000
    assert len(platform.stored()) == 1


@pytest.mark.parametrize("changes", [{"client_id": "other"}, {"event_id": "dep-2"}])
def test_another_client_or_id_makes_another_event(platform: Platform, changes: dict[str, Any]) -> None:
    platform.sends(a_deposit())
    assert platform.sends(a_deposit(**changes)).statuses == ["accepted"]
    assert len(platform.stored()) == 2


def test_a_body_that_came_base64_encoded_is_read_as_it_was_sent(platform: Platform) -> None:
    assert platform.sends_raw(json.dumps(a_deposit()).encode(), encoded=True).statuses == ["accepted"]


def test_the_name_of_the_header_may_be_written_in_any_case(platform: Platform) -> None:
    assert platform.sends_raw(json.dumps(a_deposit()).encode(), header=HEADER).status == 202


def test_while_a_secret_is_replaced_both_are_good(platform: Platform) -> None:
    platform.set_secret("the-new-one", SECRET)
    platform.secrets = [b"the-new-one"]
    assert platform.sends(a_deposit()).statuses == ["accepted"]
    platform.secrets = [SECRET.encode()]
    assert platform.sends(a_deposit()).statuses == ["duplicate"]
    platform.secrets = [b"neither", SECRET.encode()]
    assert platform.sends(a_deposit()).statuses == ["duplicate"]


def test_every_type_is_taken(platform: Platform) -> None:
    common = {"client_id": "10234", "occurred_at": "2026-03-02T10:00:00Z"}
    money = {"currency": "EUR", "amount": "10.00"}
    trade = {
        "currency": "EUR",
        "lots": "0.10000001",
        "symbol": "EURUSD",
        "opened_at": "2026-03-02T09:00:00Z",
        "closed_at": "2026-03-02T09:30:00Z",
        "spread": "1.20",
        "commission": "-0.50",
        "swap": "0",
        "pnl": "-3.15",
    }
    says: list[dict[str, Any]] = [
        {"type": "registration", "click_id": "x" * 32, "country": "DE", "promo_code": "SPRING"},
        {"type": "kyc", "status": "approved"},
        {"type": "deposit", **money},
        {"type": "withdrawal", **money},
        {"type": "credit", "currency": "EUR", "amount": "-10.00"},
        {"type": "chargeback", **money, "ref": "e2"},
        {"type": "trade", **trade},
        {"type": "cancel", "ref": "e6"},
    ]

    answer = platform.sends(*({**common, "event_id": f"e{n}", **event} for n, event in enumerate(says)))

    assert answer.statuses == ["accepted"] * len(says), answer.body
    events = {event.event_id: event for event in platform.facts.events_of_client(BRAND, CLIENT)}
    assert {event.type for event in events.values()} == set(EventType) - {
        EventType.MOVE,
        EventType.VERDICT,
        EventType.LEAD,
    }, "staff decide these"
    assert (events["e4"].amount, events["e5"].ref, events["e7"].ref) == (-1000, "e2", "e6")
    assert (events["e6"].lots, events["e6"].pnl, events["e6"].commission) == (10_000_001, -315, -50)


def test_an_accepted_event_costs_one_put_and_nothing_else(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.sends(a_deposit(event_id="warm"))
    asked: list[str] = []
    real = botocore.client.BaseClient._make_api_call

    def counted(client: Any, operation: str, arguments: Any) -> Any:
        asked.append(operation)
        return real(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counted)
    platform.sends(*(a_deposit(event_id=f"d{n}") for n in range(3)))
    assert sorted(asked) == ["GetItem", "PutItem", "PutItem", "PutItem"]

    # and one that says who its client is looks whether that client was erased
    asked.clear()
    platform.sends(a_deposit(event_id="d9", email="ann@example.com"))
    assert asked == ["GetItem", "GetItem", "PutItem"]


# ---- Unknown types --------------------------------------------------------------------------------------------------


def test_an_unknown_type_stands_in_quarantine_visible_and_without_names(platform: Platform) -> None:
    answer = platform.sends(
        a_deposit(type="swap_free_request", email="ann@example.com", full_name="Ann Example", note={"to": "Ann"})
    )

    assert answer.status == 202
    assert answer.statuses == ["quarantined"]
    assert answer.receipts[0]["code"] == "unknown_type"
    [kept] = platform.facts.quarantined(BRAND, SOURCE, "2026-03-02").items
    assert (kept.reason, kept.event_id, kept.client, kept.at) == ("unknown_type", "dep-1", CLIENT, NOW)
    said = json.loads(kept.message)
    assert (said["type"], said["amount"], said["currency"]) == ("swap_free_request", "250.00", "EUR")
    assert said["client_id"] == "#" + CLIENT
    assert said["email"] == "#" + keyed_hash(KEY, "email", "ann@example.com")
    stored = json.dumps(platform.stored()).lower()
    assert "ann" not in stored and "10234" not in stored
    assert platform.facts.events_of_client(BRAND, CLIENT) == []


def test_an_unknown_type_without_an_id_is_refused(platform: Platform) -> None:
    refused(platform.sends(a_deposit(type="bonus_request", event_id=None)), 422, "missing")
    assert platform.stored() == []


def test_the_largest_quarantined_message_can_be_stored(platform: Platform) -> None:
    fields = {f"field_{n}_" + "ä" * 200: "x" * 900 for n in range(90)}
    answer = platform.sends(a_deposit(type="bonus_request", **fields))
    assert answer.statuses == ["quarantined"]


# ---- Bad input: a clear problem, and nothing stored ------------------------------------------------------------------

BODY = json.dumps(a_deposit()).encode()
MANY = 1024 * 1024


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"unsigned": True}, 401, "signature_missing"),
        ({"signature": "v1=" + "0" * 64}, 401, "signature_malformed"),
        ({"signature": "t=1,v1=zz"}, 401, "signature_malformed"),
        ({"signature": f"t={int(NOW.timestamp())},v1=" + "0" * 64}, 401, "signature_wrong"),
        ({"signature": sign(BODY, [b"another secret"], NOW)}, 401, "signature_wrong"),
        ({"signature": sign(BODY + b" ", [SECRET.encode()], NOW)}, 401, "signature_wrong"),
        ({"at": NOW - timedelta(seconds=301)}, 401, "timestamp_stale"),
        ({"at": NOW + timedelta(seconds=301)}, 401, "timestamp_future"),
        ({"source": "nobody"}, 404, "unknown_source"),
        ({"source": ""}, 404, "unknown_source"),
        ({"source": "../meta"}, 404, "unknown_source"),
        ({"source": "META"}, 404, "unknown_source"),
        ({"source": "x" * 3000}, 404, "unknown_source"),
    ],
)
def test_who_is_not_known_is_refused_and_nothing_is_stored(
    platform: Platform, how: dict[str, Any], status: int, code: str
) -> None:
    answer = platform.sends_raw(BODY, **how)
    refused(answer, status, code)
    assert platform.stored() == []
    assert answer.headers.get("www-authenticate") == (HEADER if status == 401 else None)


def test_a_body_that_is_too_large_is_not_even_checked_for_its_signature(platform: Platform) -> None:
    refused(platform.sends_raw(b"x" * MANY, unsigned=True), 413, "body_too_large")


@pytest.mark.parametrize("seconds", [-300, 300])
def test_at_the_edge_of_the_time_window_a_message_is_taken(platform: Platform, seconds: int) -> None:
    assert platform.sends_raw(BODY, at=NOW + timedelta(seconds=seconds)).status == 202


def test_a_signature_of_another_time_does_not_serve_for_this_one(platform: Platform) -> None:
    stale = sign(BODY, [SECRET.encode()], NOW - timedelta(hours=1))
    renewed = f"t={int(NOW.timestamp())},{stale.split(',')[1]}"
    refused(platform.sends_raw(BODY, signature=renewed), 401, "signature_wrong")
    assert platform.stored() == []


def test_a_paused_source_is_told_so_but_only_who_can_sign_for_it(platform: Platform) -> None:
    add_source(platform.configuration, "paused", Availability.PAUSED)
    platform.set_secret(SECRET, source="paused")
    refused(platform.sends_raw(BODY, source="paused"), 403, "source_paused")
    refused(platform.sends_raw(BODY, source="paused", unsigned=True), 401, "signature_missing")
    assert platform.stored() == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"hello", 400, "not_json"),
        (b"<event/>", 400, "not_json"),
        (b"event_id=1&type=deposit", 400, "not_json"),
        (BODY[:-1], 400, "not_json"),
        (BODY + b"}", 400, "not_json"),
        (b"\xef\xbb\xbf" + BODY, 400, "not_json"),
        (BODY.decode().encode("utf-16"), 400, "not_utf8"),
        (b'{"event_id": "\xff"}', 400, "not_utf8"),
        (b'"text"', 400, "not_an_object"),
        (b"[" + BODY + b"]", 400, "not_an_object"),
        (b"null", 400, "not_an_object"),
        (b'{"amount": NaN}', 400, "bad_number"),
        (b'{"amount": -Infinity}', 400, "bad_number"),
        (b'{"amount": 1e400}', 400, "bad_number"),
        (b'{"amount": ' + b"9" * 5000 + b"}", 400, "bad_number"),
        (b'{"event_id": "\\ud800"}', 400, "bad_text"),
        (b'{"type": "deposit", "amount": "1.00", "amount": "2.00"}', 400, "duplicate_key"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", 400, "too_deep"),
        (b'{"a": ' * 200 + b"1" + b"}" * 200, 400, "too_deep"),
        (b"[" * 200_000, 400, "too_deep"),
        (b'{"a": ' * 40_000, 400, "too_deep"),
        (b'{"a": "' + b"x" * MANY + b'"}', 413, "body_too_large"),
        (b" " * (256 * 1024) + b"{", 413, "body_too_large"),
        (b'{"events": []}', 422, "invalid_batch"),
        (b'{"events": {}}', 422, "invalid_batch"),
        (b'{"events": "all"}', 422, "invalid_batch"),
        (b'{"events": null}', 422, "invalid_batch"),
        (b'{"events": [{}], "source": "x"}', 422, "invalid_batch"),
        (b'{"events": [' + b",".join([b"{}"] * 101) + b"]}", 422, "invalid_batch"),
        (b"{}", 422, "missing"),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused_and_nothing_is_stored(
    platform: Platform, body: bytes, status: int, code: str
) -> None:
    refused(platform.sends_raw(body, encoded=True), status, code)
    assert platform.stored() == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount": "NaN"}, "invalid_amount", "amount"),
        ({"amount": "Infinity"}, "invalid_amount", "amount"),
        ({"amount": "1e400"}, "invalid_amount", "amount"),
        ({"amount": "1e2"}, "invalid_amount", "amount"),
        ({"amount": "0x10"}, "invalid_amount", "amount"),
        ({"amount": "1,000.00"}, "invalid_amount", "amount"),
        ({"amount": " 1.00"}, "invalid_amount", "amount"),
        ({"amount": "1.00\n"}, "invalid_amount", "amount"),
        ({"amount": "+1.00"}, "invalid_amount", "amount"),
        ({"amount": "١٠"}, "invalid_amount", "amount"),
        ({"amount": ""}, "invalid_amount", "amount"),
        ({"amount": "9" * 16}, "invalid_amount", "amount"),
        ({"amount": "9" * 100_000}, "invalid_amount", "amount"),
        ({"amount": "1.001"}, "too_many_decimals", "amount"),
        ({"amount": "1.5", "currency": "JPY"}, "too_many_decimals", "amount"),
        ({"amount": "1.0001", "currency": "KWD"}, "too_many_decimals", "amount"),
        ({"amount": "0.00"}, "not_positive", "amount"),
        ({"amount": "-5.00"}, "not_positive", "amount"),
        ({"amount": 5}, "not_a_string", "amount"),
        ({"amount": 5.5}, "not_a_string", "amount"),
        ({"amount": True}, "not_a_string", "amount"),
        ({"amount": ["5"]}, "not_a_string", "amount"),
        ({"amount": None}, "missing", "amount"),
        ({"currency": None}, "missing", "currency"),
        ({"currency": "eur"}, "unknown_currency", "currency"),
        ({"currency": "EUX"}, "unknown_currency", "currency"),
        ({"currency": "E" * 50_000}, "unknown_currency", "currency"),
        ({"event_id": None}, "missing", "event_id"),
        ({"event_id": ""}, "empty", "event_id"),
        ({"event_id": "x" * 101}, "too_long", "event_id"),
        ({"event_id": "a\x00b"}, "not_printable", "event_id"),
        ({"event_id": "a\nb"}, "not_printable", "event_id"),
        ({"event_id": " a"}, "not_printable", "event_id"),
        ({"event_id": 7}, "not_a_string", "event_id"),
        ({"client_id": None}, "missing", "client_id"),
        ({"client_id": "x" * 101}, "too_long", "client_id"),
        ({"client_id": "a\u200bb"}, "not_printable", "client_id"),
        ({"type": None}, "missing", "type"),
        ({"type": 3}, "not_a_string", "type"),
        ({"type": "x" * 65}, "too_long", "type"),
        ({"type": ""}, "empty", "type"),
        ({"occurred_at": None}, "missing", "occurred_at"),
        ({"occurred_at": "yesterday"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "2026-03-02"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "2026-03-02T11:59:00"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "2026-02-30T11:59:00Z"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "2026-03-02T11:59:60Z"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_time", "occurred_at"),
        ({"occurred_at": 1772452740}, "not_a_string", "occurred_at"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "too_early", "occurred_at"),
        ({"occurred_at": "2026-03-02T12:10:01Z"}, "in_the_future", "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "invalid_time", "occurred_at"),
        ({"country": "Germany"}, "invalid_country", "country"),
        ({"country": "de"}, "invalid_country", "country"),
        ({"click_id": "x" * 65}, "too_long", "click_id"),
        ({"email": "nobody"}, "invalid_email", "email"),
        ({"phone": "call me"}, "invalid_phone", "phone"),
        ({"ip": "300.1.1.1"}, "invalid_ip", "ip"),
        ({"device": "x" * 201}, "invalid_device", "device"),
        ({"lots": "1"}, "unknown_field", "lots"),
        ({"applied_at": 1}, "unknown_field", "applied_at"),
        ({"brand": "other"}, "unknown_field", "brand"),
        ({"amount_": "1"}, "unknown_field", "amount_"),
        ({"x\x1b[31m": "1"}, "unknown_field", "x\x1b[31m"),
    ],
)
def test_a_wrong_field_is_named_with_its_code_and_nothing_is_stored(
    platform: Platform, changes: dict[str, Any], code: str, field: str
) -> None:
    answer = platform.sends(a_deposit(**changes))
    refused(answer, 422, code)
    [error] = answer.body["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert repr(field)[1:-1] in error["detail"]
    assert len(json.dumps(answer.body)) < 2_000
    assert platform.stored() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lots": "0"}, "not_positive"),
        ({"lots": "-1"}, "invalid_lots"),
        ({"lots": "0.123456789"}, "invalid_lots"),
        ({"lots": "NaN"}, "invalid_lots"),
        ({"lots": "1e3"}, "invalid_lots"),
        ({"lots": 1}, "not_a_string"),
        ({"lots": None}, "missing"),
        ({"symbol": None}, "missing"),
        ({"opened_at": None}, "missing"),
        ({"pnl": "NaN"}, "invalid_amount"),
        ({"spread": "0.001"}, "too_many_decimals"),
        ({"swap": 0}, "not_a_string"),
        ({"opened_at": "2026-03-02T09:30:01Z"}, "closed_before_opened"),
        ({"closed_at": "2026-03-02T12:11:00Z"}, "in_the_future"),
        ({"amount": "1.00"}, "unknown_field"),
    ],
)
def test_a_wrong_trade_is_refused_and_nothing_is_stored(platform: Platform, changes: dict[str, Any], code: str) -> None:
    trade = {
        "event_id": "t1",
        "type": "trade",
        "client_id": "10234",
        "currency": "EUR",
        "lots": "0.1",
        "symbol": "EURUSD",
        "opened_at": "2026-03-02T09:00:00Z",
        "closed_at": "2026-03-02T09:30:00Z",
    }
    refused(platform.sends({n: v for n, v in (trade | changes).items() if v is not None}), 422, code)
    assert platform.stored() == []
    assert platform.sends(trade).statuses == ["accepted"]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "kyc"}, "missing"),
        ({"type": "kyc", "status": "maybe"}, "not_one_of"),
        ({"type": "cancel"}, "missing"),
        ({"type": "cancel", "ref": "e1"}, "ref_to_itself"),
        ({"type": "cancel", "ref": "e0", "amount": "1.00"}, "unknown_field"),
        ({"type": "chargeback", "currency": "EUR", "amount": "1.00", "ref": "e1"}, "ref_to_itself"),
        ({"type": "credit", "currency": "EUR", "amount": "zero"}, "invalid_amount"),
        ({"type": "registration", "status": "approved"}, "unknown_field"),
    ],
)
def test_each_type_has_its_own_fields(platform: Platform, event: dict[str, Any], code: str) -> None:
    common = {"event_id": "e1", "client_id": "10234", "occurred_at": "2026-03-02T10:00:00Z"}
    refused(platform.sends(common | event), 422, code)
    assert platform.stored() == []


def test_all_wrong_fields_are_named_at_once(platform: Platform) -> None:
    answer = platform.sends(a_deposit(amount="NaN", country="x", event_id="", extra="1"))
    refused(answer, 422, answer.body["code"])
    assert {error["field"] for error in answer.body["errors"]} == {"amount", "country", "event_id", "extra"}


def test_an_event_of_too_many_fields_is_refused(platform: Platform) -> None:
    refused(platform.sends(a_deposit(**{f"f{n}": "1" for n in range(95)})), 422, "too_many_fields")


def test_a_trade_without_a_time_happened_when_it_was_closed(platform: Platform) -> None:
    platform.sends(
        {
            "event_id": "t1",
            "type": "trade",
            "client_id": "10234",
            "currency": "EUR",
            "lots": "0.1",
            "symbol": "EURUSD",
            "opened_at": "2026-03-01T23:00:00Z",
            "closed_at": "2026-03-02T00:30:00Z",
        }
    )
    [event] = platform.facts.events_of_client(BRAND, CLIENT)
    assert event.occurred_at == event.closed_at is not None


# ---- Batches --------------------------------------------------------------------------------------------------------


def test_a_null_is_a_field_left_out(platform: Platform) -> None:
    refused(platform.sends_raw(json.dumps(a_deposit() | {"amount": None}).encode()), 422, "missing")
    refused(platform.sends_raw(json.dumps(a_deposit() | {"lots": None}).encode()), 422, "unknown_field")
    assert platform.stored() == []


def test_in_a_batch_each_event_has_its_own_answer_and_the_rest_goes_on(platform: Platform) -> None:
    platform.sends(a_deposit(event_id="known"))

    answer = platform.sends_raw(
        json.dumps(
            {
                "events": [
                    a_deposit(event_id="one"),
                    a_deposit(event_id="two", amount="NaN"),
                    a_deposit(event_id="known"),
                    a_deposit(event_id="known", amount="1.00"),
                    a_deposit(event_id="new", type="bonus_request"),
                    "not an event",
                    a_deposit(event_id=7),
                    a_deposit(event_id="one"),
                    a_deposit(event_id="one", amount="1.00"),
                    a_deposit(event_id="last"),
                ]
            }
        ).encode()
    )

    assert answer.status == 202
    assert [(r["event_id"], r["status"], r.get("code")) for r in answer.receipts] == [
        ("one", "accepted", None),
        ("two", "refused", "invalid_amount"),
        ("known", "duplicate", None),
        ("known", "refused", "event_conflict"),
        ("new", "quarantined", "unknown_type"),
        (None, "refused", "not_an_object"),
        (None, "refused", "not_a_string"),
        ("one", "duplicate", None),
        ("one", "refused", "event_conflict"),
        ("last", "accepted", None),
    ]
    assert answer.receipts[1]["errors"][0]["field"] == "amount"
    stored = platform.facts.events_of_client(BRAND, CLIENT)
    assert {(event.event_id, event.amount) for event in stored} == {
        ("known", 25_000),
        ("one", 25_000),
        ("last", 25_000),
    }


def test_a_hundred_events_are_taken_at_once(platform: Platform) -> None:
    answer = platform.sends(*(a_deposit(event_id=f"d{n}", client_id=f"c{n}") for n in range(100)))
    assert answer.statuses == ["accepted"] * 100
    assert len(platform.stored()) == 100


def test_a_batch_of_which_nothing_can_be_taken_is_an_error(platform: Platform) -> None:
    answer = platform.sends_raw(json.dumps({"events": [a_deposit(amount="NaN"), {}]}).encode())
    refused(answer, 422, "no_event_taken")
    assert answer.statuses == ["refused", "refused"]
    assert platform.stored() == []


# ---- Trouble of ours ------------------------------------------------------------------------------------------------


def break_the_store(monkeypatch: pytest.MonkeyPatch, error: Exception, after: int) -> None:
    """The store takes this many puts, then fails."""
    real, puts = Facts.put_event, iter(range(10_000))

    def put(facts: Facts, event: Event) -> Event | None:
        if next(puts) >= after:
            raise error
        return real(facts, event)

    monkeypatch.setattr(Facts, "put_event", put)


def test_when_the_store_does_not_answer_nobody_is_told_that_an_event_was_taken(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_the_store(monkeypatch, Unavailable("The event store did not answer.", code="store_unavailable"), after=0)
    answer = platform.sends(a_deposit())
    refused(answer, 503, "store_unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_when_the_store_fails_in_a_batch_the_receipts_say_what_is_stored_and_what_is_not(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_the_store(monkeypatch, Unavailable("The event store did not answer.", code="store_unavailable"), after=2)

    answer = platform.sends(*(a_deposit(event_id=f"d{n}") for n in range(5)))

    refused(answer, 503, "store_unavailable")
    assert "retry-after" in answer.headers
    assert answer.statuses == ["accepted", "accepted", "failed", "failed", "failed"]
    assert [receipt["event_id"] for receipt in answer.receipts] == [f"d{n}" for n in range(5)]
    stored = {event.event_id for event in platform.facts.events_of_client(BRAND, CLIENT)}
    assert stored == {"d0", "d1"}


@pytest.mark.parametrize("operation", ["PutItem", "GetItem"])
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "ResourceNotFoundException"])
def test_what_dynamodb_refuses_is_our_trouble_and_can_be_sent_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, code: str, operation: str
) -> None:
    real = botocore.client.BaseClient._make_api_call

    def failing(client: Any, name: str, arguments: Any) -> Any:
        if name == operation:
            raise botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "secret-host"}}, name)
        return real(client, name, arguments)

    with monkeypatch.context() as broken:
        broken.setattr(botocore.client.BaseClient, "_make_api_call", failing)
        answer = platform.sends(a_deposit())
    assert answer.status == 503
    refused(answer, 503, answer.body["code"])
    assert "secret-host" not in json.dumps(answer.body)
    assert platform.sends(a_deposit()).statuses == ["accepted"]


def test_a_secret_that_is_missing_is_our_trouble_and_its_name_stays_inside(platform: Platform) -> None:
    add_source(platform.configuration, "bare")
    answer = platform.sends_raw(BODY, source="bare")
    refused(answer, 503, "secret_missing")
    assert PREFIX not in json.dumps(answer.body)
    assert platform.stored() == []


def test_a_bug_is_a_500_without_a_trace_and_the_log_has_no_names(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(text: str) -> str:
        raise ValueError(f"cannot fold {text}")

    monkeypatch.setattr("introducer.services.accept_events.read_event", lambda said, now: buggy(said["email"]))
    with log_of("postback") as log:
        answer = platform.sends(a_deposit(email="ann@example.com"))

    refused(answer, 500, "unexpected")
    assert "ann" not in json.dumps(answer.body)
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["level"], line["code"], line["request"]) == ("ERROR", "unexpected", "req-1")
    assert line["stack_trace"]["value"] == ["ValueError"]
    assert line["stack_trace"]["frames"][-1]["function"] == "buggy"
    assert "ann@example.com" not in log.getvalue() and "10234" not in log.getvalue()


def test_the_log_and_the_metrics_count_events_and_name_nobody(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    with log_of("postback") as log:
        platform.sends(a_deposit(event_id="one"), a_deposit(event_id="one"), a_deposit(event_id="x", amount="NaN"))
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["message"], line["source"], line["brand"]) == ("events taken", SOURCE, BRAND)
    assert (line["accepted"], line["duplicate"], line["refused"]) == (1, 1, 1)
    [counted] = [json.loads(printed) for printed in capsys.readouterr().out.splitlines()]
    assert (counted["EventsAccepted"], counted["EventsDuplicate"]) == ([1.0], [1.0])
    assert "10234" not in log.getvalue() + json.dumps(counted)


# ---- Whatever comes -------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["deposit", "trade", "250.00", "EUR", "2026-03-02T11:59:00Z", "NaN", "\x00", "#", "%23"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KNOWN_NAMES = (
    "event_id type client_id occurred_at click_id country account amount currency lots symbol opened_at closed_at"
    " spread pnl ref status email phone ip device lead_id events"
)
NAMES = st.sampled_from(KNOWN_NAMES.split()) | st.text(max_size=8)
TYPES = st.sampled_from([*EventType, "bonus"])
NEARLY_GOOD = st.builds(
    lambda base, kind, odd: {**base, "type": str(kind), **odd},
    st.just(a_deposit()),
    TYPES,
    st.dictionaries(NAMES, VALUES, max_size=4),
)
MESSAGES = (
    NEARLY_GOOD
    | st.dictionaries(NAMES, VALUES, max_size=8)
    | st.builds(lambda events: {"events": events}, st.lists(NEARLY_GOOD | VALUES, max_size=4))
)
FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)


def is_an_answer(answer: Answer) -> None:
    assert answer.status in (202, 400, 401, 409, 413, 422), answer.body
    if answer.status != 202:
        refused(answer, answer.status, answer.body["code"])


@FUZZ
@given(message=MESSAGES)
def test_no_message_makes_us_fail(platform: Platform, message: Any) -> None:
    is_an_answer(platform.sends_raw(json.dumps(message).encode(), encoded=True))


@FUZZ
@given(body=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_make_us_fail(platform: Platform, body: bytes) -> None:
    is_an_answer(platform.sends_raw(body, encoded=True))


@FUZZ
@given(signature=st.text(max_size=200) | st.from_regex(r"t=[0-9]{1,14},v1=[0-9a-fA-Fé]{60,66}(,v1=.{0,70})*"))
def test_no_signature_header_makes_us_fail(platform: Platform, signature: str) -> None:
    answer = platform.sends_raw(BODY, signature=signature) if signature else platform.sends_raw(BODY, unsigned=True)
    assert answer.status == 401
    refused(answer, 401, answer.body["code"])


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"headers": None, "pathParameters": None, "body": None},
        {"pathParameters": {"source": SOURCE}},
        {"pathParameters": {"source": SOURCE}, "body": "%%%", "isBase64Encoded": True},
        {
            "pathParameters": {"source": SOURCE},
            "body": "\ud800",
            "headers": {"introducer-signature": "t=1,v1=é"},
        },
        {"requestContext": None, "rawPath": None},
    ],
)
def test_a_request_without_its_usual_parts_gets_an_answer_too(platform: Platform, event: dict[str, Any]) -> None:
    answer = platform.app.handler(event, None)
    assert answer["statusCode"] in (400, 401, 404)
    assert answer["headers"]["content-type"] == "application/problem+json"


# ---- Networks' calls -------------------------------------------------------------------------------------------------


def calls(platform: Platform, query: str, method: str = "GET", body: str = "") -> dict[str, Any]:
    """A network calls its source's address."""
    event = {
        "version": "2.0",
        "rawPath": "/postback/network",
        "rawQueryString": query,
        "headers": {"content-type": "application/x-www-form-urlencoded"} if body else {},
        "pathParameters": {"source": "network"},
        "requestContext": {"requestId": "req-1", "http": {"method": method}},
        "body": body,
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = platform.app.handler(event, None)
    return answer


@pytest.fixture(scope="module")
def with_network(house: Platform) -> Platform:
    add_source(house.configuration, "network", dialect="s2s", settings='{"currency": "EUR"}')
    return house


@pytest.fixture
def network(with_network: Platform, platform: Platform) -> Platform:
    """The platform, beside a source that calls."""
    platform.set_secret("s3same", source="network")
    return platform


def test_a_call_is_answered_in_a_word_and_stored_once(network: Platform) -> None:
    query = "token=s3same&clickid=abc&goal=ftd&sum=250.00&txid=T1"
    with log_of("postback") as log:
        first, second = calls(network, query), calls(network, query)
        form = calls(network, "", "POST", query)
    for answer in (first, second, form):
        assert (answer["statusCode"], answer["body"], answer["headers"]["content-type"]) == (200, "OK", "text/plain")
    [event] = network.facts.events_of_client(BRAND, keyed_hash(KEY, "client", "abc"))
    assert (event.type, event.amount, event.currency, event.event_id) == (EventType.DEPOSIT, 25_000, "EUR", "T1")
    assert "s3same" not in log.getvalue() + json.dumps(network.stored())


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("clickid=abc&goal=ftd", 401, "token_missing"),
        ("token=wrong&clickid=abc&goal=ftd", 401, "token_wrong"),
        ("token=s3same&clickid=%7Bclick%7D&goal=reg", 422, "unfilled_place"),
        ("token=s3same&clickid=abc&goal=ftd&sum=ten", 422, "invalid_number"),
        ("token=s3same", 422, "no_event"),
        ("token=s3same&" + "&".join(f"p{n}=1" for n in range(120)), 422, "too_many_fields"),
    ],
)
def test_a_call_that_cannot_be_taken_is_told_why(network: Platform, query: str, status: int, code: str) -> None:
    answer = calls(network, query)
    refused(Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"])), status, code)
    assert "s3same" not in answer["body"]


def test_a_source_that_signs_is_not_called(platform: Platform) -> None:
    answer = platform.app.handler(
        {"rawPath": f"/postback/{SOURCE}", "pathParameters": {"source": SOURCE}, "rawQueryString": f"token={SECRET}",
         "requestContext": {"requestId": "req-1", "http": {"method": "GET"}}}, None,
    )  # fmt: skip
    refused(Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"])), 400, "post_only")
