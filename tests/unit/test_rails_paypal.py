"""PayPal's Payouts to the wire: every way in which an answer can be lost, and that nobody is paid twice for it."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.errors import Invalid
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus
from introducer.gateways.rails import paypal as gateway
from introducer.gateways.rails.paypal import Credentials
from introducer.gateways.rails.protocol import Handed, KeyExpired, NotReached, Rail, Refused, Unsure
from tests.support.paypal_server import Clock, Fault, Paypal, a_paypal, a_rail
from tests.support.transfers import AT, a_batch, a_transfer, everything_of, shows_nothing

PAYPAL = RailKind.PAYPAL
LATER = AT + timedelta(minutes=6)
BATCH = a_batch(PAYPAL)
TRIED = replace(BATCH, first_tried_at=AT)
ONE = a_transfer(PAYPAL)


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Paypal]:
    with a_paypal() as server:
        yield server


@pytest.fixture(name="paypal", autouse=True)
def _paypal(server: Paypal) -> Paypal:
    """The server, and it remembers nothing of the test before."""
    for each in (server.taken, server.paid, server.batches, server.requests, server.bodies, server.faults):
        each.clear()
    server.reading_faults.clear()
    server.forget_keys()
    server.forget_tokens()
    server.now = Clock()
    server.stalls = 5.0
    return server


def states(handed: Handed | None) -> dict[str, tuple[PayoutStatus, str]]:
    assert handed is not None
    return {each.payout: (each.state, each.reason) for each in handed.outcomes}


# -------------------------------------------------------------------------------------------------------- the happy way


def test_a_batch_is_one_request_and_is_told_of_item_by_item(paypal: Paypal) -> None:
    # given two payouts of a batch
    rail: Rail = a_rail(paypal)
    transfers = [a_transfer(PAYPAL, "par_1", 123_45), a_transfer(PAYPAL, "par_2", 5)]

    # when it is handed over
    handed = rail.send(BATCH, transfers, AT)

    # then PayPal has it as its reference says
    (body,) = paypal.bodies
    assert body["sender_batch_header"] == {"sender_batch_id": BATCH.batch, "email_subject": "You have a payout"}
    by_id = sorted(transfers, key=lambda each: each.payout)
    assert body["items"] == [
        {
            "recipient_type": "EMAIL",
            "amount": {"value": {123_45: "123.45", 5: "0.05"}[each.amount], "currency": "USD"},
            "receiver": each.destination.email,
            "note": each.reference,
            "sender_item_id": each.payout,
        }
        for each in by_id
    ]
    assert handed.provider_id == paypal.batches[0].provider_id
    assert states(handed) == {each.payout: (PayoutStatus.SENT, "") for each in transfers}

    # and it says first that they are under way, then that they are paid
    known = replace(TRIED, provider_id=handed.provider_id)
    assert states(rail.look_up(known, LATER)) == {each.payout: (PayoutStatus.SENT, "") for each in transfers}
    paid = rail.look_up(known, LATER)
    assert states(paid) == {each.payout: (PayoutStatus.PAID, "") for each in transfers}
    assert paid is not None
    assert all(each.reference.startswith("T") and each.at is not None for each in paid.outcomes)
    assert set(paypal.taken.values()) == set(paypal.paid.values()) == {1}


def test_a_token_is_kept_until_shortly_before_its_end(paypal: Paypal) -> None:
    time = [0.0]
    own = Credentials(client_id=paypal.client_id, secret=paypal.secret)
    rail = gateway.Paypal(paypal.url, lambda: own, lambda: time[0], subject="s")
    known = replace(BATCH, provider_id=rail.send(BATCH, [ONE], AT).provider_id)

    rail.look_up(known, AT)
    assert paypal.requests.count("POST /v1/oauth2/token") == 1
    time[0] = 32_400 - 61
    rail.look_up(known, AT)
    assert paypal.requests.count("POST /v1/oauth2/token") == 1
    time[0] = 32_400 - 59
    rail.look_up(known, AT)
    assert paypal.requests.count("POST /v1/oauth2/token") == 2


def test_a_token_that_is_taken_back_is_renewed(paypal: Paypal) -> None:
    rail = a_rail(paypal)
    known = replace(BATCH, provider_id=rail.send(BATCH, [ONE], AT).provider_id)
    paypal.forget_tokens()

    assert states(rail.look_up(known, AT))
    paypal.forget_tokens()
    assert rail.send(a_batch(PAYPAL, batch="bat_other"), [a_transfer(PAYPAL, "par_2")], AT).provider_id
    assert set(paypal.taken.values()) == {1}


def test_a_batch_of_many_pages_is_read_whole(paypal: Paypal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "PAGE", 3)
    rail = a_rail(paypal)
    transfers = [a_transfer(PAYPAL, f"par_{number}") for number in range(7)]
    known = replace(BATCH, provider_id=rail.send(BATCH, transfers, AT).provider_id)

    found = rail.look_up(known, AT)

    assert set(states(found)) == {each.payout for each in transfers}
    assert sum(each.startswith("GET") for each in paypal.requests) == 3


@pytest.mark.parametrize(("currency", "amount", "value"), [
    ("JPY", 1500, "1500"), ("HUF", 1500_00, "1500"), ("TWD", 7_00, "7"), ("EUR", 7_01, "7.01"),
])  # fmt: skip
def test_amounts_are_written_as_paypal_takes_them(paypal: Paypal, currency: str, amount: int, value: str) -> None:
    batch = a_batch(PAYPAL, currency=currency)
    a_rail(paypal).send(batch, [a_transfer(PAYPAL, currency=currency, amount=amount)], AT)
    assert paypal.bodies[0]["items"][0]["amount"] == {"value": value, "currency": currency}


# ------------------------------------------------------------------------------------------------ what becomes of items


@pytest.mark.parametrize(("word", "said"), [
    ("slow", [(PayoutStatus.SENT, "")] * 3 + [(PayoutStatus.PAID, "")]),
    ("unclaimed", [(PayoutStatus.SENT, ""), (PayoutStatus.SENT, "unclaimed")]),
    ("returned", [(PayoutStatus.SENT, ""), (PayoutStatus.SENT, "unclaimed"), (PayoutStatus.RETURNED, "returned")]),
    ("onhold", [(PayoutStatus.SENT, ""), (PayoutStatus.SENT, "on_hold")]),
    ("blocked", [(PayoutStatus.SENT, ""), (PayoutStatus.SENT, "blocked")]),
    ("failed", [(PayoutStatus.SENT, ""), (PayoutStatus.FAILED, "receiver_account_invalid")]),
    ("refunded", [(PayoutStatus.SENT, ""), (PayoutStatus.PAID, ""), (PayoutStatus.RETURNED, "refunded")]),
])  # fmt: skip
def test_each_state_of_an_item_is_told_as_what_it_means(
    paypal: Paypal, word: str, said: list[tuple[PayoutStatus, str]]
) -> None:
    rail = a_rail(paypal)
    transfer = a_transfer(PAYPAL, email=f"robin+{word}@vale.example")
    known = replace(BATCH, provider_id=rail.send(BATCH, [transfer], AT).provider_id)

    for state, reason in said:
        found = rail.look_up(known, AT)
        assert states(found) == {transfer.payout: (state, reason)}
        assert found is not None
        assert bool(found.outcomes[0].note) is bool(reason)


def test_a_state_that_is_new_to_us_settles_nothing(paypal: Paypal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paypal, "become", lambda _: ("TELEPORTED",))
    rail = a_rail(paypal)
    known = replace(BATCH, provider_id=rail.send(BATCH, [ONE], AT).provider_id)
    assert states(rail.look_up(known, AT)) == {ONE.payout: (PayoutStatus.SENT, "unknown_status")}


def test_a_denied_batch_has_paid_nobody(paypal: Paypal) -> None:
    paypal.faults.append(Fault.DENY)
    rail = a_rail(paypal)
    known = replace(BATCH, provider_id=rail.send(BATCH, [ONE], AT).provider_id)

    found = rail.look_up(known, AT)

    assert found is not None
    for payout in (ONE.payout, "pay_of_the_batch_that_is_not_listed"):
        outcome = found.of(payout)
        assert outcome is not None
        assert outcome.state is PayoutStatus.FAILED
    assert not paypal.paid


# ---------------------------------------------------------------------------------------------- what leaves and is lost


LOST_BEFORE = (Fault.ERROR_BEFORE, Fault.DROP_BEFORE, Fault.STALL_BEFORE)
LOST_AFTER = (Fault.ERROR_AFTER, Fault.DROP_AFTER, Fault.STALL_AFTER, Fault.GARBLE)


@pytest.mark.parametrize("fault", LOST_BEFORE + LOST_AFTER)
def test_an_answer_that_was_lost_is_found_by_asking_again(paypal: Paypal, fault: Fault) -> None:
    # given a batch whose answer was lost
    paypal.stalls = 0.5
    rail = a_rail(paypal, step=0.2, whole=1.0)
    paypal.faults.append(fault)
    with pytest.raises(Unsure) as caught:
        rail.send(BATCH, [ONE], AT)
    assert caught.value.code == "unsure"
    assert shows_nothing(everything_of(caught.value))
    assert bool(paypal.taken) is (fault in LOST_AFTER)

    # when it is looked up: PayPal cannot be asked by our id
    assert rail.look_up(TRIED, LATER) is None

    # and sent again under the same key, twice
    again = a_rail(paypal).send(TRIED, [ONE], LATER)
    once_more = a_rail(paypal).send(TRIED, [ONE], LATER)

    # then there is one batch, and it was taken once
    assert again.provider_id == once_more.provider_id == paypal.batches[0].provider_id
    assert states(again) == {ONE.payout: (PayoutStatus.SENT, "")}
    assert states(once_more)[ONE.payout][0] in (PayoutStatus.SENT, PayoutStatus.PAID)
    assert paypal.taken == {ONE.payout: 1}


def test_a_batch_that_is_known_is_not_posted_again(paypal: Paypal) -> None:
    rail = a_rail(paypal)
    known = replace(TRIED, provider_id=rail.send(BATCH, [ONE], AT).provider_id)
    paypal.forget_keys()

    found = rail.send(known, [ONE], AT + timedelta(days=90))

    assert found.provider_id == known.provider_id
    assert len(paypal.bodies) == 1


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.DROP_BEFORE, Fault.THROTTLE])
def test_a_duplicate_whose_state_is_not_told_is_known_to_be_sent(paypal: Paypal, fault: Fault) -> None:
    rail = a_rail(paypal)
    rail.send(BATCH, [ONE], AT)
    paypal.reading_faults.append(fault)

    found = rail.send(TRIED, [ONE], LATER)

    assert found.provider_id == paypal.batches[0].provider_id
    assert states(found) == {ONE.payout: (PayoutStatus.SENT, "")}


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.DROP_BEFORE, Fault.THROTTLE])
def test_a_look_up_that_is_not_answered_tells_nothing(paypal: Paypal, fault: Fault) -> None:
    rail = a_rail(paypal)
    known = replace(TRIED, provider_id=rail.send(BATCH, [ONE], AT).provider_id)
    paypal.reading_faults.append(fault)
    with pytest.raises(Unsure):
        rail.look_up(known, LATER)


def test_a_batch_that_paypal_does_not_have_is_not_known(paypal: Paypal) -> None:
    assert a_rail(paypal).look_up(replace(TRIED, provider_id="NOSUCHBATCH"), LATER) is None
    assert a_rail(paypal).look_up(replace(TRIED, provider_id="../../x"), LATER) is None


def test_a_batch_of_paypals_that_is_another_of_ours_is_not_taken_for_it(paypal: Paypal) -> None:
    rail = a_rail(paypal)
    provider_id = rail.send(BATCH, [ONE], AT).provider_id
    with pytest.raises(Unsure) as caught:
        rail.look_up(a_batch(PAYPAL, batch="bat_other", provider_id=provider_id), LATER)
    assert caught.value.code == "other_batch"


def test_a_duplicate_with_other_amounts_is_for_a_person(paypal: Paypal) -> None:
    rail = a_rail(paypal)
    rail.send(BATCH, [ONE], AT)
    with pytest.raises(Unsure) as caught:
        rail.send(TRIED, [a_transfer(PAYPAL, amount=1)], LATER)
    assert caught.value.code == "other_content"
    assert paypal.taken == {ONE.payout: 1}


def test_two_who_send_at_once_send_once(paypal: Paypal) -> None:
    found: list[Handed] = []
    threads = [threading.Thread(target=lambda: found.append(a_rail(paypal).send(BATCH, [ONE], AT))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each.provider_id for each in found} == {paypal.batches[0].provider_id}
    assert len(found) == 4
    assert paypal.taken == {ONE.payout: 1}


@given(st.lists(st.sampled_from(list(LOST_BEFORE[:2] + LOST_AFTER[:2] + (Fault.THROTTLE, Fault.FORBID))), max_size=6))
@settings(max_examples=40, deadline=None)
def test_whatever_is_lost_in_whatever_order_a_payout_is_taken_once(server: Paypal, faults: list[Fault]) -> None:
    # given a batch, and a row of things that go wrong
    batch = a_batch(PAYPAL, batch=f"bat_{len(server.bodies)}_{id(faults)}")
    transfer = a_transfer(PAYPAL, f"par_{batch.batch}")
    server.faults.extend(faults)
    rail, first = a_rail(server), True
    handed = None

    # when it is sent until there is an answer
    for minutes in range(len(faults) + 1):
        at = AT + timedelta(minutes=minutes)
        try:
            handed = rail.send(replace(batch, first_tried_at=None if first else AT), [transfer], at)
            break
        except (Unsure, NotReached):
            first = False
    server.faults.clear()

    # then it was taken once
    assert handed is not None
    assert server.taken[transfer.payout] == 1


# ---------------------------------------------------------------------------------------------------------- keys expire


def test_a_key_that_may_be_forgotten_is_not_used(paypal: Paypal) -> None:
    # given a batch that was lost, and a provider who has forgotten its key since
    rail, clock = a_rail(paypal), Clock()
    paypal.now = clock
    paypal.faults.append(Fault.DROP_AFTER)
    with pytest.raises(Unsure):
        rail.send(BATCH, [ONE], AT)
    clock.time += timedelta(days=30)

    # when it is sent again, then nothing leaves
    with pytest.raises(KeyExpired) as caught:
        rail.send(TRIED, [ONE], AT + timedelta(days=30))
    assert not caught.value.again
    assert paypal.taken == {ONE.payout: 1}
    assert len(paypal.bodies) == 1


def test_a_key_is_used_for_a_day_less_than_paypal_knows_it(paypal: Paypal) -> None:
    rail = a_rail(paypal)
    assert rail.remembers == timedelta(days=29)
    rail.send(BATCH, [ONE], AT)
    assert rail.send(TRIED, [ONE], AT + timedelta(days=29) - timedelta(seconds=1)).provider_id
    with pytest.raises(KeyExpired):
        rail.send(TRIED, [ONE], AT + timedelta(days=29))
    assert paypal.taken == {ONE.payout: 1}


def test_what_the_server_forgets_it_would_pay_again(paypal: Paypal) -> None:
    # The reason for the rule before: this is what a second request after 30 days does.
    paypal.faults.append(Fault.DROP_AFTER)
    with pytest.raises(Unsure):
        a_rail(paypal).send(BATCH, [ONE], AT)
    paypal.forget_keys()
    a_rail(paypal).send(TRIED, [ONE], LATER)
    assert paypal.taken == {ONE.payout: 2}


# -------------------------------------------------------------------------------------------------- what does not leave


def nowhere() -> str:
    """An address where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def test_a_provider_who_is_not_there_got_nothing() -> None:
    own = Credentials(client_id="a", secret="b")
    rail = gateway.Paypal(nowhere(), lambda: own, lambda: 0.0, subject="s")
    with pytest.raises(NotReached) as caught:
        rail.send(BATCH, [ONE], AT)
    assert caught.value.again
    with pytest.raises(Unsure):
        rail.look_up(replace(TRIED, provider_id="ABC"), AT)


@pytest.mark.parametrize(("fault", "code"), [(Fault.THROTTLE, "too_many"), (Fault.FORBID, "paypal_not_allowed")])
def test_what_paypal_does_not_take_from_us_now_it_takes_later(paypal: Paypal, fault: Fault, code: str) -> None:
    rail = a_rail(paypal)
    paypal.faults.append(fault)
    with pytest.raises(NotReached) as caught:
        rail.send(BATCH, [ONE], AT)
    assert caught.value.code == code
    assert rail.send(TRIED, [ONE], LATER).provider_id
    assert paypal.taken == {ONE.payout: 1}


def test_wrong_credentials_send_nothing_and_are_not_told(paypal: Paypal) -> None:
    own = Credentials(client_id="somebody", secret="a-secret-of-ours")
    rail = gateway.Paypal(paypal.url, lambda: own, lambda: 0.0, subject="s")
    with pytest.raises(NotReached) as caught:
        rail.send(BATCH, [ONE], AT)
    assert caught.value.code == "paypal_credentials"
    assert "a-secret" not in everything_of(caught.value)
    assert "a-secret" not in repr(own)
    assert not paypal.bodies


def test_a_token_server_that_breaks_sends_nothing(monkeypatch: pytest.MonkeyPatch, paypal: Paypal) -> None:
    monkeypatch.setattr(paypal, "token", lambda _: (500, {}))
    with pytest.raises(NotReached):
        a_rail(paypal).send(BATCH, [ONE], AT)
    monkeypatch.setattr(paypal, "token", lambda _: (200, {"access_token": 7}))
    with pytest.raises(NotReached):
        a_rail(paypal).send(BATCH, [ONE], AT)


def test_a_batch_that_is_refused_has_paid_nobody(paypal: Paypal) -> None:
    paypal.faults.append(Fault.REFUSE)
    with pytest.raises(Refused) as caught:
        a_rail(paypal).send(BATCH, [ONE], AT)
    assert caught.value.code == "insufficient_funds"
    assert not paypal.taken


def test_what_is_refused_after_a_lost_answer_is_not_final(paypal: Paypal) -> None:
    # given a batch that was taken, its answer lost, and no funds left because of it
    rail = a_rail(paypal)
    paypal.faults.extend([Fault.DROP_AFTER, Fault.REFUSE])
    with pytest.raises(Unsure):
        rail.send(BATCH, [ONE], AT)

    # when it is refused then, that says nothing of the first attempt
    with pytest.raises(Unsure):
        rail.send(TRIED, [ONE], LATER)
    assert rail.send(TRIED, [ONE], LATER).provider_id == paypal.batches[0].provider_id


def test_a_transfer_that_paypal_cannot_read_is_named(paypal: Paypal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a check of ours that lets through what PayPal refuses
    monkeypatch.setattr(gateway.Paypal, "check", lambda *_: None)
    bad, good = a_transfer(PAYPAL, "par_1", email="robin.canary"), a_transfer(PAYPAL, "par_2")

    with pytest.raises(Refused) as caught:
        a_rail(paypal).send(TRIED, [bad, good], LATER)

    assert caught.value.code == "validation_error"
    assert caught.value.faults == {bad.payout: "validation_error"}
    assert "canary" not in everything_of(caught.value)
    assert not paypal.taken


@pytest.mark.parametrize(("other", "reason"), [
    ({"email": "robin"}, "invalid_receiver"),
    ({"email": f"{'r' * 127}@vale.example"}, "invalid_receiver"),
    ({"email": "röbin@vale.example"}, "invalid_receiver"),
    ({"currency": "HUF", "amount": 150_01}, "not_whole"),
    ({"currency": "AED"}, "unsupported_currency"),
    ({"amount": 0}, "invalid_amount"),
])  # fmt: skip
def test_what_paypal_would_refuse_never_reaches_it(paypal: Paypal, other: dict[str, Any], reason: str) -> None:
    bad = a_transfer(PAYPAL, "par_2", **other)
    batch = a_batch(PAYPAL, currency=bad.currency)
    with pytest.raises(Refused) as caught:
        a_rail(paypal).send(batch, [bad], AT)
    assert caught.value.faults == {bad.payout: reason}
    assert shows_nothing(everything_of(caught.value))
    assert not paypal.requests


@pytest.mark.parametrize("base", [
    "http://api-m.paypal.com", "ftp://127.0.0.1", "api-m.paypal.com", "https://api-m.paypal.com/v1", "http://127.0.0.2.x.de",
])  # fmt: skip
def test_money_is_not_sent_over_plain_http(base: str) -> None:
    with pytest.raises(Invalid):
        gateway.Paypal(base, lambda: Credentials(client_id="", secret=""), lambda: 0.0, subject="s")


# ---------------------------------------------------------------------------------------------------------- odd answers


def answering(monkeypatch: pytest.MonkeyPatch, paypal: Paypal, status: int, body: Any) -> None:
    monkeypatch.setattr(paypal, "create", lambda _: (status, body))


def a_duplicate(link: Any) -> dict[str, Any]:
    detail = {"field": "SENDER_BATCH_ID", "issue": "Batch with given sender_batch_id already exists", "link": link}
    return {"name": "USER_BUSINESS_ERROR", "message": "User business error.", "debug_id": "1", "details": [detail]}


@pytest.mark.parametrize("link", [
    [], None, "x", [7], [{"href": "https://evil.example/steal"}],
    [{"href": f"https://x.example/v1/payments/payouts/{'A' * 31}"}],
    [{"href": "https://x.example/v1/payments/payouts/../../oauth2"}],
])  # fmt: skip
def test_a_duplicate_without_a_link_that_can_be_one_is_for_a_person(
    paypal: Paypal, monkeypatch: pytest.MonkeyPatch, link: Any
) -> None:
    answering(monkeypatch, paypal, 400, a_duplicate(link))
    with pytest.raises(Unsure) as caught:
        a_rail(paypal).send(TRIED, [ONE], LATER)
    assert caught.value.code == "duplicate_without_link"


def test_a_link_is_never_followed_elsewhere(paypal: Paypal, monkeypatch: pytest.MonkeyPatch) -> None:
    rail = a_rail(paypal)
    provider_id = rail.send(BATCH, [ONE], AT).provider_id
    answering(
        monkeypatch, paypal, 400, a_duplicate([{"href": f"https://evil.example/v1/payments/payouts/{provider_id}"}])
    )

    assert rail.send(TRIED, [ONE], LATER).provider_id == provider_id
    assert paypal.requests[-1] == f"GET /v1/payments/payouts/{provider_id}"


HEADER = {"payout_batch_id": "ABC", "sender_batch_header": {"sender_batch_id": BATCH.batch}}


@pytest.mark.parametrize(("status", "body", "raised"), [
    (201, {}, Unsure),
    (201, [], Unsure),
    (201, {"batch_header": {"payout_batch_id": "not an id"}}, Unsure),
    (201, {"batch_header": HEADER | {"sender_batch_header": {"sender_batch_id": "bat_x"}}}, Unsure),
    (302, {}, Unsure),
    (400, {}, Unsure),
    (409, {"name": "RESOURCE_CONFLICT"}, Unsure),
    (418, {"name": "TEAPOT"}, Unsure),
    (502, {}, Unsure),
    (404, {"name": "NOT_FOUND"}, NotReached),
    (415, {"name": "UNSUPPORTED_MEDIA_TYPE"}, NotReached),
    (401, {"error": "invalid_token"}, NotReached),
    (422, {"name": "UNPROCESSABLE_ENTITY"}, Refused),
])  # fmt: skip
def test_an_answer_that_says_nothing_is_no_answer(
    paypal: Paypal, monkeypatch: pytest.MonkeyPatch, status: int, body: Any, raised: type[Exception]
) -> None:
    answering(monkeypatch, paypal, status, body)
    with pytest.raises(raised):
        a_rail(paypal).send(BATCH, [ONE], AT)


@pytest.mark.parametrize("body", [
    {},
    {"batch_header": {"payout_batch_id": "OTHER"}},
    {"batch_header": "x"},
    {"batch_header": HEADER | {"batch_status": "SUCCESS"}, "items": "x"},
    {"batch_header": HEADER | {"batch_status": "NEW"}, "items": [7, {}, {"payout_item": 7}]},
])  # fmt: skip
def test_a_look_up_that_says_nothing_settles_nothing(
    paypal: Paypal, monkeypatch: pytest.MonkeyPatch, body: Any
) -> None:
    monkeypatch.setattr(paypal, "show", lambda *_: (200, body))
    try:
        found = a_rail(paypal).look_up(replace(TRIED, provider_id="ABC"), LATER)
    except Unsure:
        return
    assert found is not None
    assert found.of(ONE.payout) is None


def raw(answer: bytes) -> tuple[str, Callable[[], None]]:
    """A server that gives everybody a token, and then these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    token = json.dumps({"access_token": "t", "expires_in": 999}).encode()

    def serve() -> None:
        for body in (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(token), token), answer):
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.recv(65_536)
                peer.sendall(body)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", listener.close


@pytest.mark.parametrize("answer", [
    b"", b"nonsense\r\n\r\n", b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n{}",
    b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n[]", b"HTTP/1.1 999\r\n\r\n",
], ids=["nothing", "no http", "broken off", "a list", "odd status"])  # fmt: skip
def test_bytes_that_are_no_answer_are_no_answer(answer: bytes) -> None:
    base, close = raw(answer)
    own = Credentials(client_id="a", secret="b")
    try:
        with pytest.raises(Unsure):
            gateway.Paypal(base, lambda: own, lambda: 0.0, subject="s", step=1.0).send(BATCH, [ONE], AT)
    finally:
        close()


def test_an_answer_without_end_is_given_up(paypal: Paypal) -> None:
    base, close = raw(b"HTTP/1.1 201 Created\r\n\r\n" + b" " * (gateway.LARGEST_ANSWER + 10))
    own = Credentials(client_id="a", secret="b")
    try:
        with pytest.raises(Unsure):
            gateway.Paypal(base, lambda: own, lambda: 0.0, subject="s", step=1.0).send(BATCH, [ONE], AT)
    finally:
        close()


def test_nothing_is_logged_of_where_money_goes(paypal: Paypal, caplog: pytest.LogCaptureFixture) -> None:
    rail = a_rail(paypal)
    with caplog.at_level(logging.DEBUG):
        handed = rail.send(BATCH, [ONE], AT)
        found = rail.look_up(replace(TRIED, provider_id=handed.provider_id), LATER)
    assert shows_nothing(f"{caplog.text} {handed!r} {found!r} {vars(rail)!r} {ONE!r}")
    assert paypal.secret not in f"{caplog.text} {vars(rail)!r}"
