"""Who a partner is: documents that it hands in, and compliance's decision about them. Nobody else is paid.

A partner may hand in again at any time; what is approved stays good while a renewal waits. A decision is about the
version that was read: documents that came meanwhile are not decided with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid

SUBMITTERS = frozenset({Role.OWNER})
DECIDERS = frozenset({Role.COMPLIANCE, Role.ADMIN})

MOST_BYTES = 10 * 1024 * 1024
MOST_DOCUMENTS = 10
FURTHEST_EXPIRY = timedelta(days=3660)

_BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
BEGINNING = 8
"""Bytes that tell what a document is."""
ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class VerificationStatus(StrEnum):
    """How far a partner's verification has come."""

    NONE = "none"
    SUBMITTED = "submitted"
    """Waits for compliance."""
    APPROVED = "approved"
    REJECTED = "rejected"


class DocumentKind(StrEnum):
    """What a document shows."""

    IDENTITY = "identity"
    """A passport or an identity card, of whoever signs."""
    ADDRESS = "address"
    """A bill or a bank statement of the last three months."""
    COMPANY = "company"
    """An extract from the register of companies; of companies alone."""


NEEDED = (DocumentKind.IDENTITY, DocumentKind.ADDRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that a partner handed in."""

    document: str
    kind: DocumentKind
    content_type: str
    """What its first bytes say it is, whatever its name was."""
    size: int
    object_version: str
    """The version in the bucket: what is put over it later is another one."""
    uploaded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A partner's verification as it stands. Each step makes a new value, one version higher."""

    partner: str
    brand: str
    status: VerificationStatus = VerificationStatus.NONE
    version: int = 0
    documents: tuple[Document, ...] = ()
    submitted_at: datetime | None = None
    submitted_by: str = ""
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""
    """What compliance said to the last decision; the partner reads it."""
    approved_at: datetime | None = None
    """Since when it is approved; kept while a renewal waits, gone when that is rejected."""
    expires_on: str = ""
    """The last UTC day of the approval; empty for one without end."""

    def approved(self, today: str) -> bool:
        """Whether it is known on a UTC day who this is."""
        return self.approved_at is not None and (not self.expires_on or today <= self.expires_on)

    def document(self, document: str) -> Document | None:
        """One of its documents."""
        return next((each for each in self.documents if each.document == document), None)


# --------------------------------------------------------------------------------------------------------------- steps


def check_submitter(role: Role) -> None:
    """Raises `Forbidden` for a member who does not hand in documents."""
    if role not in SUBMITTERS:
        raise Forbidden(
            "Only the owner of this account hands in documents: ask them to sign in.", code="owner_only_documents"
        )


def check_decider(role: Role) -> None:
    """Raises `Forbidden` for a member of staff who neither sees documents nor decides about them."""
    if role not in DECIDERS:
        raise Forbidden("Compliance and admins look at documents: ask one of them.", code="compliance_only")


def submitted(verification: Verification, documents: Sequence[Document], by: str, at: datetime) -> Verification:
    """The verification with these documents in place of the ones before. Raises `Invalid` when one is missing."""
    have = {each.kind for each in documents}
    missing = [kind for kind in NEEDED if kind not in have]
    if missing:
        raise Invalid(f"Upload these documents first: {', '.join(missing)}.", code="documents_missing", missing=missing)
    if len(documents) > MOST_DOCUMENTS:
        raise Invalid(f"Hand in at most {MOST_DOCUMENTS} documents.", code="too_many_documents")
    return replace(
        verification,
        status=VerificationStatus.SUBMITTED,
        version=verification.version + 1,
        documents=tuple(documents),
        submitted_at=at,
        submitted_by=by,
        decided_at=None,
        decided_by="",
        reason="",
    )


def decided(
    verification: Verification, *, version: int, approve: bool, by: str, why: str, expires_on: str, at: datetime
) -> Verification:
    """The verification after the decision about a version. Raises `Conflict` (code `decided_already`) when that one
    does not wait."""
    if verification.status is not VerificationStatus.SUBMITTED or verification.version != version:
        raise Conflict("This is no longer as you read it: look at the documents again.", code="decided_already")
    return replace(
        verification,
        status=VerificationStatus.APPROVED if approve else VerificationStatus.REJECTED,
        version=version + 1,
        decided_at=at,
        decided_by=by,
        reason=why,
        approved_at=at if approve else None,
        expires_on=expires_on if approve else "",
    )


def was_decided(verification: Verification, *, version: int, approve: bool, by: str) -> bool:
    """Whether this member has decided this version this way: the same request again."""
    status = VerificationStatus.APPROVED if approve else VerificationStatus.REJECTED
    return (verification.version, verification.status, verification.decided_by) == (version + 1, status, by)


# ----------------------------------------------------------------------------------------------------- what can be said


def expiry(text: str, today: str) -> str:
    """The last day of an approval; empty for none. Raises `Invalid`."""
    if not text:
        return ""
    try:
        first = date.fromisoformat(today)
        day = date.fromisoformat(text)
        fits = day.isoformat() == text and first < day <= first + FURTHEST_EXPIRY
    except ValueError:
        fits = False
    if not fits:
        raise Invalid(
            f"An approval ends on a day after {today}, within ten years, or never: send one, or nothing.",
            code="invalid_day",
            field="expires_on",
        )
    return text


def content_type(beginning: bytes) -> str | None:
    """What a file is by its first bytes; None for what compliance does not look at."""
    return next((kind for start, kind in _BEGINNINGS.items() if beginning.startswith(start)), None)
