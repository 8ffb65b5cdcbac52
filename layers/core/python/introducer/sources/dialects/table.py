"""The table that a dialect is: cases of a row, the type of event that each is, and where its fields come from.

    Case("deposit", {"amount": amount("Profit")}, when=(one_of("Action", "2"), positive("Profit")))

The first case whose conditions all hold is the row's. A field's value is text as docs/postback.md has it, or None where
the row does not say it; fields that an event of the type does not have are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from introducer.domain import identity
from introducer.domain.errors import Invalid
from introducer.domain.events import from_milliseconds
from introducer.domain.money import decimals, round_ratio
from introducer.sources.dialects.model import Ignored, Line, Read, Row
from introducer.sources.dialects.zones import utc, zone
from introducer.sources.events import ROWS

Take = Callable[[Row], str | None]
"""A field's value in a row. Raises `Invalid`."""
Condition = Callable[[Row], bool]

_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_SPACES = re.compile(r"[ \u00a0\u202f']")
_WRITTEN = re.compile(r"(\d{4})[-./](\d\d)[-./](\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,6})?)?", re.ASCII)
_LATEST_SECOND = 32_503_680_000
"""The year 3000: a larger number counts milliseconds."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a row is when all of `when` hold: an event of this type, or nothing that counts (`ignored`)."""

    type: str
    fields: Mapping[str, Take]
    when: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """What a row is when all of `when` hold: nothing that we count. `reason` is a code, `detail` a sentence."""

    reason: str
    detail: str
    when: Sequence[Condition] = ()


def says(cases: Sequence[Case | Nothing], common: Mapping[str, Take]) -> Callable[[Row], Line]:
    """What rows say by this table. `common` are fields of every event. A row of no case is `Invalid`
    (`unknown_row`)."""

    def read(row: Row) -> Line:
        for case in cases:
            if all(holds(row) for holds in case.when):
                if isinstance(case, Nothing):
                    return Ignored(line=row.line, reason=case.reason, detail=case.detail)
                return Read(line=row.line, event=event(row, case.type, {**common, **case.fields}))
        raise Invalid("This row is none of those that this dialect knows.", code="unknown_row")

    return read


def event(row: Row, kind: str, fields: Mapping[str, Take]) -> dict[str, Any]:
    """The fields of an event of this type, from a row. Raises `Invalid`.

    What serves to find fraud alone is left out where it is malformed: no deposit is lost for two addresses in a field.
    """
    model = ROWS.get(kind)
    taken = {name: take(row) for name, take in fields.items() if model is None or name in model.model_fields}
    return {"type": kind} | {name: value for name, value in taken.items() if value is not None and _well(name, value)}


_TRAITS: Mapping[str, Callable[[str], str]] = {
    "email": identity.normal_email,
    "phone": identity.normal_phone,
    "ip": identity.normal_address,
    "device": identity.normal_device,
}


def _well(name: str, value: str) -> bool:
    try:
        _TRAITS.get(name, str)(value)
    except Invalid:
        return False
    return True


# -------------------------------------------------------------------------------------------------------- what is said


def said(row: Row, *names: str) -> Any:
    """The first of these fields that says anything; `a.b` is a field within another one."""
    for name in names:
        value: Any = row.said.get(name)
        if value is None and "." in name:
            value = row.said
            for step in name.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None and value != "":
            return value
    return None


def number(row: Row, *names: str) -> Decimal | None:
    """The number in the first of these fields that says anything. Raises `Invalid` (`invalid_number`)."""
    value = said(row, *names)
    if value is None:
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    text = _SPACES.sub("", value) if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        raise Invalid(f"{' or '.join(names)} is not a plain number.", code="invalid_number")
    return Decimal(text)


def plain(value: Decimal) -> str:
    """A decimal as text without an exponent and without zeros that say nothing."""
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# ------------------------------------------------------------------------------------------------------------- values


def text(*names: str) -> Take:
    """What the first of these fields that says anything says, as text. Raises `Invalid` (`not_a_string`)."""

    def take(row: Row) -> str | None:
        value = said(row, *names)
        if isinstance(value, Mapping | list):
            raise Invalid(f"{' or '.join(names)} is no text.", code="not_a_string")
        return None if value is None else (plain(value) if isinstance(value, Decimal) else str(value).strip())

    return take


def constant(value: str) -> Take:
    """This text."""
    return lambda row: value


def parameter(name: str) -> Take:
    """What the source's settings say; None where they say nothing."""
    return lambda row: str(getattr(row.source.parameters, name)) or None


def after(prefix: Take, take: Take) -> Take:
    """A value behind another, such as a client's id behind what sets two servers apart; None without the value."""

    def joined(row: Row) -> str | None:
        value = take(row)
        return None if value is None else f"{prefix(row) or ''}{value}"

    return joined


def within(take: Take, form: str) -> Take:
    """A value within a text: `{}-cancelled`."""

    def formed(row: Row) -> str | None:
        value = take(row)
        return None if value is None else form.format(value)

    return formed


def amount(*names: str, sign: int = 1) -> Take:
    """The sum of these fields, nothing being zero; `sign` turns it round. None where none of them says anything."""

    def take(row: Row) -> str | None:
        found = [value for name in names if (value := number(row, name)) is not None]
        return plain(sign * sum(found, Decimal())) if found else None

    return take


def size(*names: str) -> Take:
    """The number in the first of these fields that says anything, without its sign."""

    def take(row: Row) -> str | None:
        value = number(row, *names)
        return None if value is None else plain(abs(value))

    return take


def rounded(value: Decimal, currency: str) -> str:
    """An amount to the decimals of its currency, a half to the even one: for platforms that calculate to more of them.
    Raises `Invalid`."""
    places = decimals(currency)
    numerator, denominator = (value * 10**places).as_integer_ratio()
    return plain(Decimal(round_ratio(numerator, denominator)).scaleb(-places))


def moment(*names: str, counts_in: str = "") -> Take:
    """When it was, by the source's clock (`time_zone`): `2026-03-02 11:59:00`, with points or slashes just as well, or
    seconds or milliseconds from 1970. Those are by the same clock too, unless `counts_in` names another. A time with
    its own zone means what it says. Raises `Invalid` (`invalid_time`)."""

    def take(row: Row) -> str | None:
        value = said(row, *names)
        if value is None:
            return None
        clock = zone(getattr(row.source.parameters, "time_zone", "UTC"))
        written = _WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
        try:
            if written:
                shown = datetime.fromisoformat("{}-{}-{} {}:{}:{}".format(*written.groups("00")))
            elif isinstance(value, str) and not _NUMBER.fullmatch(value):
                return _as_it_says(value)
            else:
                shown = _counted(int(number(row, *names) or 0)).replace(tzinfo=None)
                clock = zone(counts_in) if counts_in else clock
            return utc(shown, clock).isoformat().replace("+00:00", "Z")
        except (ValueError, OverflowError, OSError):  # by how far off it is
            raise Invalid(f"{' or '.join(names)} is not a time.", code="invalid_time") from None

    return take


def instant(*names: str) -> Take:
    """When it was, in milliseconds from 1970 UTC. Raises `Invalid` (`invalid_time`)."""

    def take(row: Row) -> str | None:
        value = number(row, *names)
        if value is None:
            return None
        try:
            return from_milliseconds(int(value)).isoformat().replace("+00:00", "Z")
        except (ValueError, OverflowError, OSError):
            raise Invalid(f"{' or '.join(names)} is not a time.", code="invalid_time") from None

    return take


def _counted(value: int) -> datetime:
    return from_milliseconds(value if abs(value) > _LATEST_SECOND else value * 1000)


def _as_it_says(value: str) -> str:
    found = datetime.fromisoformat(value.strip())
    if found.tzinfo is None:
        raise ValueError
    return found.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --------------------------------------------------------------------------------------------------------- conditions


def one_of(name: str, *values: str) -> Condition:
    """A field says one of these."""
    accepted = frozenset(values)
    return lambda row: str(said(row, name)) in accepted


def there(*names: str) -> Condition:
    """One of these fields says something."""
    return lambda row: said(row, *names) is not None


def positive(*names: str) -> Condition:
    """The number is above zero."""
    return lambda row: (number(row, *names) or 0) > 0


def negative(*names: str) -> Condition:
    """The number is below zero."""
    return lambda row: (number(row, *names) or 0) < 0


def in_parameter(name: str, field: str, value: str, otherwise: Mapping[str, str]) -> Condition:
    """The settings' mapping, or else this one, says `value` for what the field says."""

    def holds(row: Row) -> bool:
        chosen: Mapping[str, str] = getattr(row.source.parameters, name)
        key = str(said(row, field))
        return chosen.get(key, otherwise.get(key)) == value

    return holds
