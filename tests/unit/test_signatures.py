"""Signatures: who holds the secret may speak, now, and nobody may repeat it later."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Unauthenticated
from introducer.domain.signatures import check, sign

NOW = datetime(2026, 3, 2, 12, 0, 0, 700_000, tzinfo=UTC)
SECRET, BODY = b"secret", b'{"a": 1}'


def code_of(header: str | None, body: bytes = BODY, secrets: tuple[bytes, ...] = (SECRET,), now: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as raised:
        check(header, body, secrets, now)
    return raised.value.code


def test_the_signature_is_what_the_specification_says() -> None:
    digest = hmac.new(SECRET, b"1772452800." + BODY, hashlib.sha256).hexdigest()
    assert sign(BODY, [SECRET], NOW) == f"t=1772452800,v1={digest}"


@given(
    body=st.binary(max_size=200),
    secrets=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=10),
)
def test_what_is_signed_checks_under_each_of_its_secrets(body: bytes, secrets: list[bytes]) -> None:
    header = sign(body, secrets, NOW)
    for secret in secrets:
        check(header, body, [secret], NOW)
    check(header, body, [b"unknown", secrets[-1]], NOW)


@given(body=st.binary(max_size=50), other=st.binary(max_size=50))
def test_a_signature_serves_for_its_own_body_only(body: bytes, other: bytes) -> None:
    if body != other:
        assert code_of(sign(body, [SECRET], NOW), other) == "signature_wrong"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-301, "timestamp_stale"), (-300, None), (0, None), (300, None), (301, "timestamp_future")],
)
def test_a_message_is_good_for_five_minutes_either_way(seconds: int, code: str | None) -> None:
    header = sign(BODY, [SECRET], NOW + timedelta(seconds=seconds))
    if code is None:
        check(header, BODY, [SECRET], NOW)
    else:
        assert code_of(header) == code


def test_who_cannot_sign_does_not_learn_about_our_clock() -> None:
    assert code_of(sign(BODY, [b"guess"], NOW - timedelta(days=1))) == "signature_wrong"


def test_the_time_cannot_be_changed_under_a_signature() -> None:
    signature = sign(BODY, [SECRET], NOW - timedelta(days=1)).split(",")[1]
    assert code_of(f"t={int(NOW.timestamp())},{signature}") == "signature_wrong"


def test_without_a_secret_nothing_is_good() -> None:
    assert code_of(sign(BODY, [SECRET], NOW), secrets=()) == "signature_wrong"


def test_spaces_capitals_and_later_schemes_do_no_harm() -> None:
    time, v1 = sign(BODY, [SECRET], NOW).split(",")
    check(f"v0=abc, {v1.replace('v1=', 'v1=').upper().replace('V1', 'v1')} , {time},v2=zzz", BODY, [SECRET], NOW)


GOOD = "0" * 64


@pytest.mark.parametrize("header", [None, ""])
def test_a_missing_header_is_named(header: str | None) -> None:
    assert code_of(header) == "signature_missing"


@pytest.mark.parametrize(
    "header",
    [
        "nonsense",
        "t=1",
        f"v1={GOOD}",
        f"t=1,t=1,v1={GOOD}",
        f"t=,v1={GOOD}",
        f"t=-1,v1={GOOD}",
        f"t=1.5,v1={GOOD}",
        f"t=١,v1={GOOD}",
        f"t={'1' * 13},v1={GOOD}",
        "t=1,v1=",
        f"t=1,v1={GOOD[:-1]}",
        f"t=1,v1={GOOD}0",
        f"t=1,v1={GOOD[:-1]}g",
        f"t=1,v1={GOOD[:-1]}é",
        "t=1" + f",v1={GOOD}" * 11,
        f"t=1,v1={GOOD}," + "x" * 2000,
    ],
)
def test_a_header_that_does_not_read_as_it_should_is_refused(header: str) -> None:
    assert code_of(header) == "signature_malformed"
