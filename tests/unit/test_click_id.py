"""The click id: names its link and time by itself, and nobody without the key can make or change one."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from introducer.domain.click_id import LENGTH, mint, read, verify

KEYS = {number: bytes([number]) * 32 for number in range(8)}
LINKS = st.binary(min_size=6, max_size=6).map(lambda raw: urlsafe_b64encode(raw).decode())
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@st.composite
def click_ids(draw: st.DrawFn) -> str:
    number = draw(st.integers(0, 7))
    return mint(
        key_number=number,
        key=KEYS[number],
        link_id=draw(LINKS),
        at_ms=draw(st.integers(0, 2**48 - 1)),
        random=draw(st.binary(min_size=3, max_size=3)),
        flagged=draw(st.booleans()),
        shard_exponent=draw(st.integers(0, 3)),
    )


@given(
    number=st.integers(0, 7),
    link=LINKS,
    at_ms=st.integers(0, 2**48 - 1),
    random=st.binary(min_size=3, max_size=3),
    flagged=st.booleans(),
    exponent=st.integers(0, 3),
)
@example(number=7, link="________", at_ms=2**48 - 1, random=b"\xff\xff\xff", flagged=True, exponent=3)
@example(number=0, link="AAAAAAAA", at_ms=0, random=b"\0\0\0", flagged=False, exponent=0)
def test_what_is_put_in_comes_out(
    number: int, link: str, at_ms: int, random: bytes, flagged: bool, exponent: int
) -> None:
    text = mint(
        key_number=number,
        key=KEYS[number],
        link_id=link,
        at_ms=at_ms,
        random=random,
        flagged=flagged,
        shard_exponent=exponent,
    )
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", text) and len(text) == LENGTH
    for click in (read(text), verify(text, KEYS)):
        assert click is not None
        assert (click.text, click.key_number, click.link_id) == (text, number, link)
        assert (click.at_ms, click.flagged) == (at_ms, flagged)
        assert 0 <= click.shard < 4**exponent


@given(text=click_ids(), at=st.integers(0, LENGTH - 1), letter=st.sampled_from(ALPHABET))
def test_one_other_letter_makes_it_a_forgery(text: str, at: int, letter: str) -> None:
    forged = text[:at] + letter + text[at + 1 :]
    assert (verify(forged, KEYS) is None) == (forged != text)


@given(text=click_ids(), bit=st.integers(0, 24 * 8 - 1))
def test_one_other_bit_makes_it_a_forgery(text: str, bit: int) -> None:
    raw = bytearray(urlsafe_b64decode(text))
    raw[bit // 8] ^= 1 << bit % 8
    assert verify(urlsafe_b64encode(raw).decode(), KEYS) is None


@given(text=click_ids(), length=st.integers(0, LENGTH - 1))
def test_a_part_of_one_is_none(text: str, length: int) -> None:
    assert read(text[:length]) is None and read(text[LENGTH - length :]) is None


@given(text=click_ids(), more=st.text(min_size=1, max_size=5))
def test_one_with_something_around_it_is_none(text: str, more: str) -> None:
    assert read(text + more) is None and read(more + text) is None


@given(text=click_ids(), at=st.integers(0, LENGTH - 1), letter=st.characters().filter(lambda c: c not in ALPHABET))
def test_letters_outside_the_alphabet_are_not_passed_over(text: str, at: int, letter: str) -> None:
    # Base 64 readers skip them: two texts would be one click.
    assert read(text[:at] + letter + text[at + 1 :]) is None
    assert read(text[:at] + letter + text[at:]) is None


@given(st.text(max_size=40))
@example("")
@example("=" * 32)
@example("+/" * 16)
@example("é" * 32)
@example("\ud800" * 32)
@example("A" * 31 + "\n")
def test_any_other_text_is_none(text: str) -> None:
    assert verify(text, KEYS) is None


@given(text=click_ids(), other=st.binary(min_size=16, max_size=64))
def test_another_key_does_not_verify_it(text: str, other: bytes) -> None:
    click = read(text)
    assert click is not None
    number = click.key_number
    assert verify(text, {number: other}) is None or other.rstrip(b"\0") == KEYS[number].rstrip(b"\0")


@given(text=click_ids())
def test_a_key_that_was_given_up_verifies_no_more(text: str) -> None:
    click = read(text)
    assert click is not None
    assert verify(text, {number: key for number, key in KEYS.items() if number != click.key_number}) is None


def test_the_flag_cannot_be_taken_off() -> None:
    text = mint(key_number=0, key=KEYS[0], link_id="Ab12Cd34", at_ms=1, random=b"abc", flagged=True)
    raw = bytearray(urlsafe_b64decode(text))
    assert raw[0] & 1
    raw[0] &= 0xFE
    unflagged = urlsafe_b64encode(raw).decode()
    click = read(unflagged)
    assert click is not None and not click.flagged
    assert verify(unflagged, KEYS) is None


@pytest.mark.parametrize("version", [0, 2, 3])
def test_another_version_is_not_read(version: int) -> None:
    raw = bytearray(urlsafe_b64decode(mint(key_number=0, key=KEYS[0], link_id="Ab12Cd34", at_ms=1, random=b"abc")))
    raw[0] = raw[0] & 0x3F | version << 6
    assert read(urlsafe_b64encode(raw).decode()) is None


def test_the_form_is_settled_for_ever() -> None:
    # Platforms hold ids for years: whoever changes this line changes what they hold.
    text = mint(key_number=3, key=b"k" * 64, link_id="Ab12Cd34", at_ms=1_772_452_800_000, random=b"xyz")
    assert text == "WAGcrmtmAAG9dgnd-Hh5enrCjALexUqR"
