"""A partner says where it is paid. What it says is checked, sealed and told to its owners; money goes there after the
cool-off.

A payout that is reserved keeps the version of the profile that it was reserved for; one whose version is not the
current one is not sent, but set aside. So a change stops what is under way, and nothing is paid to old details or, too
early, to new ones.
"""

from __future__ import annotations

from dataclasses import replace

from introducer.domain.configuration import Change, Member, Partner
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.mail import payment_profile_mail
from introducer.domain.payment_profile import (
    Destination,
    PaymentProfile,
    RailKind,
    check_changer,
    checked,
    content,
    fingerprint,
    masked,
    usable_from,
)
from introducer.gateways.vault import Vault
from introducer.services.creation import Clock, now
from introducer.sources.bank_accounts import sepa_account
from introducer.store.payment_profiles import PaymentProfiles


def change_payment_profile(
    profiles: PaymentProfiles,
    vault: Vault,
    *,
    member: Member,
    partner: Partner,
    version: int,
    destination: Destination,
    cool_off_days: int,
    brand_key: bytes,
    clock: Clock,
) -> PaymentProfile:
    """The profile after the change. `version` is the one that was read, 0 for none; `brand_key` is what the brand's
    people are hashed under.

    A change that is there already, or changes nothing, is answered with what stands: no new version, no new cool-off
    and no mail. Raises `Forbidden` for all but the partner's owners, `Invalid` with the `field` it is about, `Conflict`
    (code `profile_changed`) when another version stands meanwhile, and `Unavailable`.
    """
    check_changer(member.role)
    if member.partner != partner.partner:
        raise NotFound("There is no such partner.")
    wish = _checked(destination)
    said = content(brand_key, wish)
    found = profiles.of_partner(partner.partner)
    if found is not None and _is_there(found, version, said):
        return found
    if version != (0 if found is None else found.version):
        raise _changed()
    at = now(clock)
    sealed, data_key = vault.seal(partner.partner, version + 1, wish)
    new = PaymentProfile(
        partner=partner.partner,
        version=version + 1,
        rail=wish.rail,
        currency=wish.currency,
        country=wish.country,
        masked=masked(wish),
        sealed=sealed,
        data_key=data_key,
        fingerprint=fingerprint(brand_key, wish),
        content=said,
        changed_at=at,
        changed_by=member.member,
        usable_from=usable_from(at, cool_off_days),
    )
    mail = payment_profile_mail(
        brand=partner.brand,
        partner=partner.partner,
        version=new.version,
        previous="" if found is None else found.masked,
        masked=new.masked,
        changed_at=at,
        usable_from=new.usable_from,
    )
    change = Change(by=member.member, at=at, why="changed in the portal")
    try:
        profiles.change(found, new, change, (mail,))
    except Conflict:
        # Two presses at once: the slower one finds what it wanted, or somebody else's change.
        stands = profiles.of_partner(partner.partner)
        if stands is None or not _is_there(stands, version, said):
            raise _changed() from None
        return stands
    return new


def _checked(destination: Destination) -> Destination:
    if destination.rail is RailKind.SEPA and destination.iban.strip():
        iban, bic = sepa_account(destination.iban, destination.bic)
        destination = replace(destination, iban=iban, bic=bic)
    return checked(destination)


def _is_there(found: PaymentProfile, version: int, said: str) -> bool:
    return found.content == said and version in (found.version, found.version - 1)


def _changed() -> Conflict:
    return Conflict("This payment profile was changed meanwhile: look at it again.", code="profile_changed")
