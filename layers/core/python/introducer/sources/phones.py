"""Telephone numbers as people type them → one way to write each (E.164), by the numbering plans of the world."""

from __future__ import annotations

from introducer.domain.errors import Invalid


def international(text: str, country: str) -> str:
    """The number with a plus sign and its country's code, such as `+4930123456`.

    One that says its country (`+49…`, `0049…`) need only be possible there, as new ranges are given out all the time.
    One without is read as a number of `country` (ISO 3166-1 alpha-2), and must be one that is in use there: a guess
    that is wrong would call somebody else. An extension is left out. Raises `Invalid`.
    """
    # It takes a thirtieth of a second to load: for those who send a form, and nobody else.
    import phonenumbers

    typed = text.strip()
    if typed.startswith("00"):
        # Not every country dials abroad with it, but everybody writes it so.
        typed = f"+{typed[2:]}"
    try:
        number = phonenumbers.parse(typed, country.upper() or None, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        raise _refused() from None
    if number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY:
        good = phonenumbers.is_valid_number(number) and not _may_be_whole(typed, str(number.country_code))
    else:
        # One that lacks its area can be dialled from next door alone.
        reason = phonenumbers.is_possible_number_with_reason(number)
        good = reason == phonenumbers.ValidationResult.IS_POSSIBLE
    if not good:
        raise _refused()
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _may_be_whole(typed: str, code: str) -> bool:
    """Whether somebody may have left out the plus sign alone: `4915112345678` is two numbers of Germany."""
    import phonenumbers

    digits = phonenumbers.normalize_digits_only(typed)
    if not digits.startswith(code):
        return False
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}")))
    except phonenumbers.NumberParseException:
        return False


def _refused() -> Invalid:
    return Invalid(
        "There is no such telephone number: look for slips, and begin with the country, such as +49 30 123456.",
        code="invalid_phone",
    )
