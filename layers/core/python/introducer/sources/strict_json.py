"""Reads a JSON object as it was meant, or not at all.

JSON readers disagree about repeated keys, NaN, huge numbers and broken Unicode; two systems that read one message
differently are how money goes wrong. So nothing of that kind is read: RFC 8259, in UTF-8, an object, each key once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

from introducer.domain.errors import Malformed, TooLarge

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_MOST_DIGITS = 40
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_object(body: bytes) -> dict[str, Any]:
    """The object in these bytes. Numbers with a point or an exponent are floats: no amount is ever taken from one.

    Raises `TooLarge` over `MAX_BYTES`, else `Malformed` with the code `not_utf8`, `not_json`, `duplicate_key`,
    `bad_number`, `bad_text`, `too_deep` or `not_an_object`.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(
            f"The body has {len(body)} bytes; {MAX_BYTES} are accepted. Send fewer events at once.",
            code="body_too_large",
        )
    value = _parsed(body, _float)
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.", code="not_an_object")
    check_nesting(value)
    return value


def read_value(body: bytes, most: int) -> Any:
    """Whatever JSON stands in these bytes, `most` of them at most. Numbers with a point or an exponent are decimals, as
    exact as they were written. Raises as `read_object`."""
    if len(body) > most:
        raise TooLarge(f"This has {len(body)} bytes; {most} are accepted.", code="body_too_large")
    value = _parsed(body.removeprefix(b"\xef\xbb\xbf"), _decimal)
    check_nesting({"": value})
    return value


def _parsed(body: bytes, number: Callable[[str], Any]) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}).", code="not_utf8") from None
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=number, parse_int=_integer
        )
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            code="not_json",
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Malformed(f"The key {_short(name)} stands twice in one object.", code="duplicate_key")
            seen.add(name)
    return value


def _constant(text: str) -> NoReturn:
    raise Malformed(f"{text} is not a JSON number.", code="bad_number")


def _float(text: str) -> float:
    value = float(text)
    if len(text) > _MOST_DIGITS or math.isinf(value):
        raise Malformed(f"The number {_short(text)} is out of range.", code="bad_number")
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if len(text) > _MOST_DIGITS or value.adjusted() > _MOST_DIGITS or value.adjusted() < -_MOST_DIGITS:
        raise Malformed(f"The number {_short(text)} is out of range.", code="bad_number")
    return value


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise Malformed(f"The number {_short(text)} is out of range.", code="bad_number")
    return int(text)


def check_nesting(root: dict[str, Any]) -> None:
    """Refuse what JSON readers let through: too many levels, and halves of surrogate pairs, which no UTF-8 can hold.
    Raises `Malformed`."""
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value)
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
            elif isinstance(value, str) and not value.isascii() and _SURROGATE.search(value):
                raise Malformed("A text holds half of a Unicode surrogate pair.", code="bad_text")
        if not inner:
            return
        level = inner
    if any(isinstance(value, dict | list) for value in level):
        raise _too_deep()
    if any(isinstance(value, str) and _SURROGATE.search(value) for value in level):
        raise Malformed("A text holds half of a Unicode surrogate pair.", code="bad_text")


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested more than {MAX_DEPTH} levels deep.", code="too_deep")


def _short(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:40] + "…")
