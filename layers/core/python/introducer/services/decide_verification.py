"""Compliance approves a partner's documents, or rejects them and says why. The partner's owners are told."""

from __future__ import annotations

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of
from introducer.domain.mail import verification_mail
from introducer.domain.verification import Verification, check_decider, decided, expiry, was_decided
from introducer.services.creation import Clock, now
from introducer.services.decisions import reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.configuration import Configuration
from introducer.store.verifications import Verifications


def decide_verification(
    configuration: Configuration,
    verifications: Verifications,
    *,
    member: Member,
    partner: str,
    version: int,
    approve: bool,
    why: str,
    expires_on: str,
    clock: Clock,
) -> Verification:
    """The verification after the decision. `version` is the one that was read; `expires_on` the last day of an
    approval, empty for one without end.

    The same member's same decision again changes nothing. Raises `Forbidden` for a role that decides nothing,
    `NotFound`, `Invalid`, and `Conflict` (code `decided_already`) when this version does not wait any more.
    """
    check_decider(member.role)
    owner = partner_of_brand(configuration, member, partner)
    why, at = reason(why), now(clock)
    expires_on = expiry(expires_on, day_of(at)) if approve else ""
    found = verifications.of_partner(owner.partner, owner.brand)
    if was_decided(found, version=version, approve=approve, by=member.member):
        return found
    after = decided(found, version=version, approve=approve, by=member.member, why=why, expires_on=expires_on, at=at)
    mail = verification_mail(
        f"{owner.partner} verification {after.version}",
        brand=owner.brand,
        partner=owner.partner,
        decision="approved" if approve else "refused",
        reason=why,
        at=at,
    )
    change = Change(by=member.member, at=at, why=why)
    try:
        verifications.move("approve_documents" if approve else "reject_documents", found, after, change, (mail,))
    except Conflict:
        stands = verifications.of_partner(owner.partner, owner.brand)
        if was_decided(stands, version=version, approve=approve, by=member.member):
            return stands
        raise Conflict(
            "This is no longer as you read it: look at the documents again.", code="decided_already"
        ) from None
    return after
