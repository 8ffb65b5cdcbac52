"""A partner hands in the documents that it has uploaded."""

from __future__ import annotations

from introducer.domain.configuration import Change, Member, Partner
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.verification import Verification, VerificationStatus, check_submitter, submitted
from introducer.gateways.documents import Documents
from introducer.services.creation import Clock, now
from introducer.store.verifications import Verifications


def submit_documents(
    verifications: Verifications,
    documents: Documents,
    *,
    member: Member,
    partner: Partner,
    version: int,
    clock: Clock,
) -> Verification:
    """The verification, which waits for compliance. What is handed in is what lies in the bucket at this moment, by its
    version there. `version` is the verification's that was read, 0 for none.

    Handing in the same again changes nothing. Raises `Forbidden` for all but the partner's owners, `Invalid` (code
    `documents_missing`), `Conflict` (code `verification_changed`) when another version stands, and `Unavailable`.
    """
    check_submitter(member.role)
    if member.partner != partner.partner:
        raise NotFound("There is no such partner.")
    readable = [each for each in documents.uploaded(partner.partner) if each.content_type]
    found = verifications.of_partner(partner.partner, partner.brand)
    same = found.documents == tuple(readable)
    if found.status is VerificationStatus.SUBMITTED and same and version in (found.version, found.version - 1):
        return found
    if found.version != version:
        raise _changed()
    at = now(clock)
    after = submitted(found, readable, member.member, at)
    change = Change(by=member.member, at=at, why="handed in through the portal")
    try:
        verifications.move("submit_documents", found, after, change)
    except Conflict:
        raise _changed() from None
    return after


def _changed() -> Conflict:
    return Conflict("Your documents were handed in or decided meanwhile: look again.", code="verification_changed")
