"""Strict JSON: what one reader could take otherwise than another is not read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import IntroducerError, Malformed, TooLarge
from introducer.sources.strict_json import MAX_BYTES, MAX_DEPTH, read_object

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(value=st.dictionaries(TEXTS, VALUES, max_size=5), ascii_only=st.booleans())
def test_what_is_plain_json_is_read_as_it_was_written(value: dict[str, Any], ascii_only: bool) -> None:
    assert read_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_comes_is_an_object_or_an_error_of_ours(body: bytes) -> None:
    try:
        value = read_object(body)
    except IntroducerError:
        return
    assert isinstance(value, dict)
    json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a": NaN}', "bad_number"),
        (b'{"a": [{"b": Infinity}]}', "bad_number"),
        (b'{"a": 1e309}', "bad_number"),
        (b'{"a": -1e309}', "bad_number"),
        (b'{"a": 1.' + b"0" * 50 + b"}", "bad_number"),
        (b'{"a": ' + b"1" * 41 + b"}", "bad_number"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'{"x": [{"a": 1, "\\u0061": 2}]}', "duplicate_key"),
        (b'{"a": "\\udfff"}', "bad_text"),
        (b'{"\\ud800": 1}', "bad_text"),
        (b'{"a": 01}', "not_json"),
        (b'{"a": .5}', "not_json"),
        (b"{'a': 1}", "not_json"),
        (b'{"a": 1,}', "not_json"),
        (b'{"a": "\n"}', "not_json"),
        (b'{"a": 1} {"b": 2}', "not_json"),
        (b"\xff\xfe{}", "not_utf8"),
        (b"\xed\xa0\x80", "not_utf8"),
        (b"[]", "not_an_object"),
        (b"1", "not_an_object"),
    ],
)
def test_what_readers_disagree_about_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_object(body)
    assert raised.value.code == code


def test_a_surrogate_pair_is_one_character() -> None:
    assert read_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def nested(depth: int, kind: str, core: str) -> bytes:
    inner = core
    for _ in range(depth - 1):
        inner = f"[{inner}]" if kind == "list" else f'{{"a": {inner}}}'
    return f'{{"a": {inner}}}'.encode()


@pytest.mark.parametrize("kind", ["list", "object"])
def test_thirty_two_levels_are_read_and_one_more_is_not(kind: str) -> None:
    read_object(nested(MAX_DEPTH, kind, "1"))
    with pytest.raises(Malformed) as raised:
        read_object(nested(MAX_DEPTH + 1, kind, "1"))
    assert raised.value.code == "too_deep"


@pytest.mark.parametrize("depth", [200, 5_000, 60_000])
def test_however_deep_a_body_goes_it_is_refused(depth: int) -> None:
    for body in (b'{"a": ' + b"[" * depth, b'{"a":' * (depth // 2), nested(min(depth, 5_000), "list", "1")):
        with pytest.raises(Malformed):
            read_object(body)


def test_a_broken_text_in_the_deepest_level_is_seen() -> None:
    with pytest.raises(Malformed) as raised:
        read_object(nested(MAX_DEPTH, "list", r'"\ud800"'))
    assert raised.value.code == "bad_text"


def test_a_body_may_have_just_so_many_bytes() -> None:
    filled = b'{"a": "' + b"x" * (MAX_BYTES - 9) + b'"}'
    assert len(filled) == MAX_BYTES
    read_object(filled)
    with pytest.raises(TooLarge):
        read_object(filled + b" ")


def test_numbers_keep_their_kind() -> None:
    value = read_object(b'{"whole": 10, "part": 10.0, "small": 1e-400, "minus": -0}')
    assert (type(value["whole"]), type(value["part"])) == (int, float)
    assert math.isfinite(value["small"])
