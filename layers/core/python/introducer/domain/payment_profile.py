"""Where a partner is paid. In clear it exists only while it is checked, sealed, or handed to a rail.

A profile is kept sealed under a key of the partner's own; what everybody may see of it is masked. Each change makes a
new version, and money goes to a new one only after a cool-off: whoever takes over a login must not be paid before the
partner has read the mail that tells of the change.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from introducer.domain.configuration import Role
from introducer.domain.errors import Forbidden, Invalid
from introducer.domain.identity import keyed_hash, normal_email
from introducer.domain.money import decimals
from introducer.domain.payout_schedule import PayoutSchedule

CHANGERS = frozenset({Role.OWNER})
"""Who says where a partner is paid."""

COOL_OFF_DAYS = 3
"""Days before a new profile is paid to, where the brand's schedules say nothing."""

_PAYPAL = "AUD BRL CAD CHF CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
PAYPAL_CURRENCIES = frozenset(_PAYPAL.split())
"""What PayPal pays out in (developer.paypal.com, "Currency codes", of its REST and its Payouts reference)."""
PAYPAL_AT_HOME: Mapping[str, str] = {"BRL": "BR", "MYR": "MY"}
"""Currencies that PayPal keeps for accounts of one country only (same page)."""
PAYPAL_WHOLE = frozenset({"HUF", "JPY", "TWD"})
"""Currencies that PayPal takes without decimals only, whatever ISO 4217 says (same page)."""

LONGEST_HOLDER, LONGEST_INSTRUCTIONS = 70, 1000
"""Characters: 70 is what pain.001 has room for in a name."""

MASK = "\N{BULLET}" * 4

_ACCOUNT, _DESTINATION = "account", "destination"
"""The kinds of the two keyed hashes."""
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Z]{6,}", re.ASCII)
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of what has no place in a line: controls, half pairs, line and paragraph separators."""


class RailKind(StrEnum):
    """How money leaves."""

    SEPA = "sepa"
    """A euro transfer within SEPA: a pain.001 file for the bank."""
    PAYPAL = "paypal"
    MANUAL = "manual"
    """A person pays from a list."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Destination:
    """A payment profile in clear. It has no repr, so that no log line can show it."""

    rail: RailKind
    currency: str
    """What the partner is paid in, ISO 4217."""
    holder: str
    country: str
    """Of the account, ISO 3166 alpha-2; of the holder where a rail's accounts have none."""
    iban: str = ""
    bic: str = ""
    email: str = ""
    """A PayPal account."""
    instructions: str = ""
    """For whoever pays by hand: bank, account number, address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentProfile:
    """A payment profile as it is kept: sealed, and what may be shown of it."""

    partner: str
    version: int
    """Counts from 1; a payout is reserved for one version and goes to no other."""
    rail: RailKind
    currency: str
    country: str
    masked: str
    """Such as `DE•• •••• 3000`: enough to recognise, too little to use."""
    sealed: str
    """The destination as JSON under the partner's data key, base64. Another partner's does not open it."""
    data_key: str
    """That data key, sealed by KMS under an encryption context that names the partner, base64."""
    fingerprint: str
    """A keyed hash of the account: profiles of several partners that share one account have the same."""
    changed_at: datetime
    changed_by: str
    usable_from: datetime
    """The end of the cool-off. The first profile of a partner has one too."""
    content: str = ""
    """A keyed hash of the whole destination: whether a change changes anything, without opening the seal."""

    def usable(self, at: datetime) -> bool:
        """Whether its cool-off is over."""
        return self.usable_from <= at


# ------------------------------------------------------------------------------------------------ what can be a profile


def check_changer(role: Role) -> None:
    """Raises `Forbidden` for a member who does not say where the partner is paid."""
    if role not in CHANGERS:
        raise Forbidden(
            "Only the owner of this account says where it is paid: ask them to sign in and change it.",
            code="owner_only_payment",
        )


def checked(destination: Destination) -> Destination:
    """The destination in its normal form, with nothing in it that its rail does not use. Whether an IBAN and a BIC are
    right is looked up before (`sources/bank_accounts.py`).

    Raises `Invalid` with the field it is about; no sentence repeats what was sent.
    """
    rail, currency, country = destination.rail, destination.currency, destination.country
    if rail is RailKind.SEPA:
        if not destination.iban.strip():
            raise _missing("iban")
        country = destination.iban[:2]
    holder = _line(destination.holder, "holder", LONGEST_HOLDER)
    if not _COUNTRY.fullmatch(country):
        raise Invalid("Send the country as two capital letters, such as DE.", code="invalid_country", field="country")
    _check_currency(rail, currency, country)
    bare = replace(destination, holder=holder, country=country, iban="", bic="", email="", instructions="")
    match rail:
        case RailKind.SEPA:
            return replace(bare, iban=destination.iban, bic=destination.bic)
        case RailKind.PAYPAL:
            if not destination.email.strip():
                raise _missing("email")
            try:
                return replace(bare, email=normal_email(destination.email))
            except Invalid as error:
                raise Invalid(error.detail, code=error.code, field="email") from None
        case RailKind.MANUAL:
            return replace(bare, instructions=_paragraph(destination.instructions))


def _check_currency(rail: RailKind, currency: str, country: str) -> None:
    try:
        decimals(currency)
    except Invalid:
        # Not its own sentence: who mixes up two fields of the form has sent an account number as a currency.
        raise Invalid(
            "Send the currency as the three capital letters of ISO 4217, such as EUR.",
            code="unknown_currency",
            field="currency",
        ) from None
    if rail is RailKind.SEPA and currency != "EUR":
        raise Invalid("SEPA pays in EUR alone.", code="unsupported_currency", field="currency")
    if rail is RailKind.PAYPAL and currency not in PAYPAL_CURRENCIES:
        raise Invalid(
            f"PayPal does not pay out in {currency}: choose another currency.",
            code="unsupported_currency",
            field="currency",
        )
    if rail is RailKind.PAYPAL and PAYPAL_AT_HOME.get(currency, country) != country:
        raise Invalid(
            f"PayPal pays {currency} to accounts in {PAYPAL_AT_HOME[currency]} alone: choose another currency.",
            code="unsupported_country",
            field="currency",
        )


def _line(text: str, field: str, longest: int) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise _missing(field)
    if len(text) > longest or any(unicodedata.category(each) in _UNSEEN for each in text):
        raise Invalid(f"{field} is one line of at most {longest} characters.", code=f"invalid_{field}", field=field)
    return text


def _paragraph(text: str) -> str:
    lines = [line.strip() for line in unicodedata.normalize("NFC", text).splitlines()]
    said = "\n".join(line for line in lines if line)
    if not said:
        raise _missing("instructions")
    unseen = any(unicodedata.category(each) in _UNSEEN for each in said.replace("\n", ""))
    if len(said) > LONGEST_INSTRUCTIONS or unseen:
        raise Invalid(
            f"The instructions are plain text of at most {LONGEST_INSTRUCTIONS} characters.",
            code="invalid_instructions",
            field="instructions",
        )
    return said


def _missing(field: str) -> Invalid:
    return Invalid(f"{field} is needed.", code="missing", field=field)


# ---------------------------------------------------------------------------------------------- what may be known of it


def masked(destination: Destination) -> str:
    """What everybody may see: `DE•• •••• 3000`, first letters and the ending of an e-mail address, and of free
    instructions the end of the longest number in them."""
    match destination.rail:
        case RailKind.SEPA:
            return f"{destination.iban[:2]}{MASK[:2]} {MASK} {destination.iban[-4:]}"
        case RailKind.PAYPAL:
            name, _, host = destination.email.rpartition("@")
            _, dot, ending = host.rpartition(".")
            return f"{name[:1]}{MASK}@{host[:1]}{MASK}{dot}{ending if dot else ''}"
        case RailKind.MANUAL:
            numbers = _NUMBER.findall(_bare(destination.instructions).upper())
            end = max((each for each in numbers if any(c.isdigit() for c in each)), key=len, default="")[-4:]
            return f"{MASK} {end}".strip()


def fingerprint(key: bytes, destination: Destination) -> str:
    """The same for the same account, whoever has it and however it is written; `key` is the brand's."""
    match destination.rail:
        case RailKind.SEPA:
            account = destination.iban
        case RailKind.PAYPAL:
            account = destination.email
        case RailKind.MANUAL:
            said = destination.instructions
            if not any(each.isdigit() for each in said):
                # "To the account in the annex" is nobody's account: then it is the holder who tells them apart.
                said = f"{destination.holder} {said}"
            account = "".join(each for each in said.casefold() if each.isalnum())
    return keyed_hash(key, _ACCOUNT, f"{destination.rail.value}:{account}")


def content(key: bytes, destination: Destination) -> str:
    """The same for the same destination in all its parts."""
    return keyed_hash(key, _DESTINATION, to_json(destination))


def cool_off_of(schedules: Iterable[PayoutSchedule]) -> int:
    """The days that a brand's new profiles wait: the longest of its schedules'."""
    return max((schedule.cool_off_days for schedule in schedules), default=COOL_OFF_DAYS)


def usable_from(at: datetime, cool_off_days: int) -> datetime:
    """When a profile that is made now may be paid to."""
    return at + timedelta(days=cool_off_days)


def to_json(destination: Destination) -> str:
    """The destination as text, to be sealed."""
    return json.dumps(asdict(destination), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Destination:
    """The destination of `to_json`. Raises `ValueError` for anything else."""
    try:
        values = json.loads(text)
        return Destination(**values | {"rail": RailKind(values["rail"])})
    except (TypeError, KeyError):
        raise ValueError("not a destination") from None


def _bare(text: str) -> str:
    """Without what people put between the groups of a number."""
    return re.sub(r"(?<=\d)[ \-./](?=\d)", "", text)
