"""Keyed hashes: the same person is found again, by nobody else and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Invalid
from introducer.domain.identity import (
    brand_key,
    email_pattern,
    keyed_hash,
    network,
    normal_address,
    normal_device,
    normal_email,
    normal_phone,
)

SECRET = b"the-identity-secret"


def test_the_hash_is_what_the_specification_says() -> None:
    key = hmac.new(SECRET, b"brd_one", hashlib.sha256).digest()
    expected = base64.urlsafe_b64encode(hmac.new(key, b"address:203.0.113.9", hashlib.sha256).digest())[:22].decode()
    assert keyed_hash(brand_key(SECRET, "brd_one"), "address", "203.0.113.9") == expected


def test_a_hash_never_changes_because_stored_ones_must_be_found_again() -> None:
    assert keyed_hash(brand_key(b"s", "b"), "client", "10234") == "NsD3Z_Zy0roNHfoiIhjsl3"


@given(kind=st.text(max_size=9), value=st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_every_hash_is_22_url_safe_characters(kind: str, value: str) -> None:
    kind = kind.encode("utf-8", "ignore").decode()
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", keyed_hash(brand_key(SECRET, "b"), kind, value))


def test_another_brand_secret_kind_or_value_gives_another_hash() -> None:
    hashes = {
        keyed_hash(brand_key(SECRET, "one"), "email", "a@b.c"),
        keyed_hash(brand_key(SECRET, "two"), "email", "a@b.c"),
        keyed_hash(brand_key(b"other", "one"), "email", "a@b.c"),
        keyed_hash(brand_key(SECRET, "one"), "client", "a@b.c"),
        keyed_hash(brand_key(SECRET, "one"), "email", "b@b.c"),
    }
    assert len(hashes) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.COM", " ann@example.com "),
        ("ANN@EXAMPLE.COM", "ann@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
    ],
)
def test_one_address_written_two_ways_is_one(one: str, other: str) -> None:
    assert normal_email(one) == normal_email(other)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("+49 (30) 1234-567", "+49301234567"),
        ("0049 30 1234567", "+49301234567"),
        ("+49.30.1234567", "+49301234567"),
        ("030/1234567", "0301234567"),
        ("＋４９ 30 1234567", "+49301234567"),
    ],
)
def test_a_phone_number_is_its_digits(text: str, normal: str) -> None:
    assert normal_phone(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_has_one_form(text: str, normal: str) -> None:
    assert normal_address(text) == normal


def test_a_device_is_only_trimmed() -> None:
    assert normal_device(" Fp-77 ") == "Fp-77"


@pytest.mark.parametrize(
    ("rule", "text", "code"),
    [
        (normal_email, "ann", "invalid_email"),
        (normal_email, "@example.com", "invalid_email"),
        (normal_email, "ann@", "invalid_email"),
        (normal_email, "ann@a@b", "invalid_email"),
        (normal_email, "a nn@example.com", "invalid_email"),
        (normal_email, "a\x00nn@example.com", "invalid_email"),
        (normal_email, "x" * 65 + "@example.com", "invalid_email"),
        (normal_phone, "1234", "invalid_phone"),
        (normal_phone, "1" * 21, "invalid_phone"),
        (normal_phone, "+49 CALL", "invalid_phone"),
        (normal_phone, "12+34567", "invalid_phone"),
        (normal_address, "300.1.1.1", "invalid_ip"),
        (normal_address, "203.0.113.9/24", "invalid_ip"),
        (normal_address, "010.1.1.1", "invalid_ip"),
        (normal_address, "", "invalid_ip"),
        (normal_device, "  ", "invalid_device"),
        (normal_device, "a\nb", "invalid_device"),
    ],
)
def test_what_is_no_such_thing_is_refused_without_being_repeated(rule: object, text: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        rule(text)  # type: ignore[operator]
    assert raised.value.code == code
    assert not text.strip() or text not in raised.value.detail


@pytest.mark.parametrize(
    ("address", "lies_in"),
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:7:1::9", "2001:db8:7::/48")],
)
def test_the_network_of_an_address_is_the_one_that_clicks_are_kept_by(address: str, lies_in: str) -> None:
    assert network(address) == lies_in


@pytest.mark.parametrize(
    ("email", "pattern"),
    [
        ("mike.stone84@example.org", "mike.stone0@example.org"),
        ("mike.stone85+x@example.org", "mike.stone0@example.org"),
        ("m.i.k.e.stone1@gmail.com", "mikestone0@gmail.com"),
        ("anna@example.org", "anna@example.org"),
        ("1203948@example.org", None),
        ("a1b2@example.org", None),
    ],
)
def test_addresses_of_one_make_have_one_pattern(email: str, pattern: str | None) -> None:
    assert email_pattern(email) == pattern


def test_no_pattern_is_claimed_for_numbers_that_a_provider_hands_out() -> None:
    assert email_pattern("20483@example.org") is None
