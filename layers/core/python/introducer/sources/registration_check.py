"""What a sign-up form asks before it makes a client: whether this e-mail, phone or device registered before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from introducer.domain import identity
from introducer.domain.errors import Invalid
from introducer.sources.events import LONGEST_NAME, FieldError

FIELDS: Mapping[str, Callable[[str], str]] = {
    "email": identity.normal_email,
    "phone": identity.normal_phone,
    "device": identity.normal_device,
}
"""What may be asked about, and its normal form: as in events, so that one thing has one hash."""

_MOST_ERRORS = 20


def read_check(message: Mapping[str, Any]) -> dict[str, str]:
    """What is asked about, by kind, in its normal form. A field that is null is a field left out.

    Raises `Invalid`: its code is the first field's, its `errors` are all of them. No sentence repeats what was sent.
    """
    asked: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, value in message.items():
        if name not in FIELDS:
            shown = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
            quoted = f"`{shown}`" if shown.isprintable() else ascii(shown)
            errors.append(FieldError(shown, "unknown_field", f"A check has no field {quoted}."))
        elif isinstance(value, str):
            try:
                asked[name] = FIELDS[name](value)
            except Invalid as error:
                errors.append(FieldError(name, error.code, f"`{name}`: {error.detail}"))
        elif value is not None:
            errors.append(FieldError(name, "not_a_string", f"`{name}`: must be a string, in quotes."))
    if errors:
        shown_errors = errors[:_MOST_ERRORS]
        raise Invalid(
            " ".join(error.detail for error in shown_errors),
            code=shown_errors[0].code,
            errors=[error._asdict() for error in shown_errors],
        )
    if not asked:
        raise Invalid("Send at least one of email, phone and device.", code="nothing_to_check")
    return asked
