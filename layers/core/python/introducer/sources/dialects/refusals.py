"""Why a source cannot be told something: a message of the catalogues with its values for a form, English for programs.

What stands between backticks, in messages and in explanations of parameters, is code: it is the same in every language,
and is read from left to right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from introducer.domain.errors import Invalid
from introducer.domain.money import DECIMALS
from introducer.sources.dialects.zones import zone

if TYPE_CHECKING:
    from pydantic import ValidationError

Value = str | int | Decimal


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


class Wrong(ValueError):
    """What a validator raises: a message, its values, and which parameter it is about, where it looked at several."""

    def __init__(self, message: str, *, field: str = "", **values: Value) -> None:
        super().__init__(message.format_map(values) if values else message)
        self.message, self.field, self.values = message, field, values


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a parameter."""

    field: str
    """The parameter; empty where it is about none alone."""
    within: str
    """Where in its value, such as the key of a mapping; empty for the whole of it."""
    message: str
    values: Mapping[str, Value]
    """What stands in the message's places."""


class SettingsRefused(Invalid):
    """A source's settings cannot be. `advice` says what to do, in words that can be translated."""

    code = "invalid_settings"

    def __init__(self, detail: str, *, advice: Sequence[Advice] = (), **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.advice = tuple(advice)

    @classmethod
    def of(cls, errors: Sequence[Mapping[str, str]], advice: Sequence[Advice]) -> SettingsRefused:
        """What programs are told, of the first errors."""
        said = (f"{each['field']}: {each['detail']}" if each["field"] else each["detail"] for each in errors[:5])
        text = "; ".join(each.removesuffix(".") for each in said)
        return cls(f"The source's settings cannot be: {text}.", advice=advice, errors=errors)


def refused(error: ValidationError) -> SettingsRefused:
    """Settings that are not as the parameters want them, with one error for each that is wrong."""
    parts = error.errors(include_url=False, include_input=False)
    errors = [
        {
            "field": _field(part),
            "code": {"missing": "missing", "extra_forbidden": "unknown_field"}.get(part["type"], "invalid"),
            "detail": part["msg"].removeprefix("Value error, "),
        }
        for part in parts
    ]
    return SettingsRefused.of(errors, [_advice(part) for part in parts])


def a_zone(name: str) -> str:
    """The name of a clock. Raises `Wrong`."""
    try:
        zone(name)
    except ValueError:
        raise Wrong(
            N_("`{name}` is no time zone: write one such as `Europe/Nicosia`, `UTC` or `America/New_York+7`."),
            name=code(name),
        ) from None
    return name


def a_currency(iso: str) -> str:
    """The code of a currency. Raises `Wrong`."""
    if iso not in DECIMALS:
        raise Wrong(N_("This is no ISO 4217 code: write one such as `EUR`."))
    return iso


def code(text: str) -> str:
    """What was written, short enough to be said again between backticks."""
    return text[:40].replace("`", "'")


def codes(names: Iterable[str]) -> str:
    """Names that may be written, each as code."""
    return ", ".join(f"`{name}`" for name in names)


_USUAL = {
    "missing": N_("Fill this in."),
    "string_too_short": N_("Fill this in."),
    "string_too_long": N_("This is too long."),
    "too_long": N_("This is too long."),
    "extra_forbidden": N_("There is no such setting."),
    "int_parsing": N_("Write a whole number."),
    "int_type": N_("Write a whole number."),
    "decimal_parsing": N_("Write a number."),
}
"""By the type of a library's error."""
_BOUNDS = {
    "greater_than_equal": ("ge", N_("Write a number that is not below {number}.")),
    "less_than_equal": ("le", N_("Write a number that is not above {number}.")),
    "greater_than": ("gt", N_("Write a number above {number}.")),
}
_CHOICES = re.compile(r"'([^']*)'|(\d+)")
_CHARACTERS = re.compile(r"\[(.*)\]")


def _field(part: Mapping[str, Any]) -> str:
    own = _own(part)
    return own.field if own and own.field else ".".join(str(step) for step in part["loc"])


def _own(part: Mapping[str, Any]) -> Wrong | None:
    error = part.get("ctx", {}).get("error")
    return error if isinstance(error, Wrong) else None


def _advice(part: Mapping[str, Any]) -> Advice:
    field, _, within = _field(part).partition(".")
    own = _own(part)
    message, values = (own.message, own.values) if own else _usual(part["type"], part.get("ctx", {}))
    return Advice(field, code(within), message, values)


def _usual(kind: str, told: Mapping[str, Any]) -> tuple[str, Mapping[str, Value]]:
    if kind in _BOUNDS:
        name, message = _BOUNDS[kind]
        return message, {"number": told[name]}
    if kind == "literal_error":
        choices = [word or number for word, number in _CHOICES.findall(told["expected"])]
        return N_("Choose one of these: {choices}."), {"choices": codes(choices)}
    if kind == "string_pattern_mismatch" and (allowed := _CHARACTERS.search(told["pattern"])):
        return N_("Use no other characters than these: `{characters}`."), {"characters": allowed[1]}
    if kind.startswith("date"):
        return N_("Write a day such as `2026-03-01`."), {}
    return _USUAL.get(kind, N_("This does not fit here.")), {}
