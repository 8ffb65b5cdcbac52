"""`/settings/payment`: where a partner is paid, masked, and changing it.

An account number goes one way: no answer repeats what was typed as one, not even the form that is shown again.
"""

from __future__ import annotations

from typing import Annotated, Any

import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Conflict, IntroducerError, Invalid
from introducer.domain.payment_profile import (
    CHANGERS,
    PAYPAL_CURRENCIES,
    Destination,
    PaymentProfile,
    RailKind,
    check_changer,
    cool_off_of,
)
from introducer.services.change_payment_profile import change_payment_profile

PATH = "/settings/payment"

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]

words.WORDS["rail"] = {
    "sepa": N_("Bank transfer in euros"),
    "paypal": N_("PayPal"),
    "manual": N_("Another bank, by hand"),
}
words.WORDS["problem"] |= {
    "owner_only_payment": N_(
        "Only the owner of this account says where it is paid: ask them to sign in and change it."
    ),
}


class NewProfile(BaseModel):
    """Where a partner wants to be paid; `version` is the one that it read, 0 for none. What the rail does not use stays
    empty: SEPA takes holder, IBAN and perhaps a BIC, PayPal an e-mail address, `manual` instructions."""

    model_config = ConfigDict(extra="forbid")

    rail: RailKind
    version: Annotated[int, Field(ge=0, le=999_999)]
    currency: Short
    holder: Short
    country: Short = ""
    iban: Short = ""
    bic: Short = ""
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254)] = ""
    instructions: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


_GIVEN_BACK = ("rail", "currency", "holder", "country", "bic")
"""What of a refused form is shown again."""

_ADVICE = {
    "missing": N_("Fill this in."),
    "iban_checksum": N_("A character of this IBAN is wrong or missing: compare it with your bank statement."),
    "iban_length": N_("This IBAN is too short or too long for its country: compare it with your bank statement."),
    "iban_country": N_("No IBAN begins with these two letters: compare it with your bank statement."),
    "iban_structure": N_("This is not an IBAN: it begins with two letters and two digits, such as DE89."),
    "not_sepa": N_("This bank is in a country outside SEPA: choose another way to be paid."),
    "bic_structure": N_("A BIC has 8 or 11 letters and digits. You may leave it empty."),
    "bic_country": N_("This BIC is of another country than the IBAN. You may leave it empty."),
    "bic_of_another_bank": N_("This BIC is of another bank than the IBAN. You may leave it empty."),
    "bic_needed": N_("Banks of this country ask for the BIC as well: it stands on your bank statement."),
    "invalid_email": N_("This is not an e-mail address."),
    "invalid_holder": N_("Write the name as the account has it, on one line of at most 70 characters."),
    "invalid_country": N_("Write the two capital letters of a country, such as DE."),
    "invalid_instructions": N_("Write at most 1,000 characters."),
    "unknown_currency": N_("Write the three capital letters of a currency, such as EUR."),
    "unsupported_currency": N_("This way of paying does not have this currency: choose another."),
    "unsupported_country": N_("PayPal pays this currency to accounts of its own country alone: choose another."),
}
_CHANGED = N_("This was changed meanwhile: look at what stands below, then type it again.")


@page(PATH, "payment.html")
def payment(visit: Visit) -> dict[str, Any]:
    """Where the partner is paid, masked, and what a change has to say."""
    assert visit.partner is not None and visit.member is not None
    found = visit.portal.payment_profiles.of_partner(visit.partner.partner)
    return {
        "profile": None if found is None else shown(found, visit),
        "version": 0 if found is None else found.version,
        "rail": _rail(visit, found),
        "rails": [rail.value for rail in RailKind],
        "paypal_currencies": sorted(PAYPAL_CURRENCIES),
        "cool_off_days": _cool_off(visit),
        "may_change": visit.member.role in CHANGERS,
    }


@page(PATH, "payment.html", method="POST", again=payment, private=True, body=NewProfile)
def change_payment(visit: Visit) -> Done:
    """An owner changes where the partner is paid; money goes there after the cool-off."""
    assert visit.partner is not None and visit.member is not None
    check_changer(visit.member.role)
    try:
        wish = visit.read(NewProfile)
    except FormRefused as refused:
        raise FormRefused(refused.errors, _given_back(refused.values), refused.cause) from None
    try:
        made = change_payment_profile(
            visit.portal.payment_profiles,
            visit.portal.vault,
            member=visit.member,
            partner=visit.partner,
            version=wish.version,
            destination=Destination(**wish.model_dump(exclude={"version"})),
            cool_off_days=_cool_off(visit),
            brand_key=visit.portal.brand_key(visit.partner.brand),
            clock=visit.portal.now,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(error, wish) from error
    return Done(shown(made, visit), f"{PATH}?changed={made.version}", created=made.version == wish.version + 1)


def shown(profile: PaymentProfile, visit: Visit) -> dict[str, Any]:
    """What people may see of a profile."""
    return {
        "version": profile.version,
        "rail": profile.rail,
        "currency": profile.currency,
        "country": profile.country,
        "masked": profile.masked,
        "changed_at": profile.changed_at,
        "usable_from": profile.usable_from,
        "usable": profile.usable(visit.now),
    }


def _rail(visit: Visit, found: PaymentProfile | None) -> str:
    """Whose form is shown: that of the refused one, else the one that is asked for, else the current one."""
    typed = visit.refused.values.get("rail", "") if visit.refused else ""
    wish = typed or visit.query("rail")
    if wish in set(RailKind):
        return wish
    return RailKind.SEPA.value if found is None else found.rail.value


def _cool_off(visit: Visit) -> int:
    assert visit.partner is not None
    return cool_off_of(visit.portal.payout_schedules.of_brand(visit.partner.brand))


def _given_back(values: Any) -> dict[str, str]:
    return {name: str(values[name]) for name in _GIVEN_BACK if name in values}


def _refusal(error: Invalid | Conflict, wish: NewProfile) -> IntroducerError | FormRefused:
    typed = _given_back(wish.model_dump())
    if error.code == "profile_changed":
        return FormRefused({"": _CHANGED}, typed, error)
    field = str(error.facts.get("field", ""))
    return FormRefused({field: _ADVICE[error.code]}, typed, error) if error.code in _ADVICE else error
