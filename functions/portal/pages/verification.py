"""`/settings/verification`: a partner hands in the documents that show who it is.

The browser sends each file straight to the bucket, by a form that is signed for one document of this partner, and comes
back here. What lies there is handed in when the partner says so.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import words
from pydantic import BaseModel, ConfigDict, Field
from server import Done, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Conflict, Invalid
from introducer.domain.events import milliseconds
from introducer.domain.ids import new_id
from introducer.domain.verification import (
    MOST_BYTES,
    MOST_DOCUMENTS,
    NEEDED,
    SUBMITTERS,
    Document,
    DocumentKind,
    Verification,
    check_submitter,
)
from introducer.gateways.documents import Form
from introducer.services.submit_documents import submit_documents

PATH = "/settings/verification"

words.WORDS["document_kind"] = {
    "identity": N_("Passport or identity card"),
    "address": N_("Proof of address"),
    "company": N_("Extract from the register of companies"),
}
words.WORDS["verification_status"] = {
    "none": N_("Nothing handed in"),
    "submitted": N_("Waits for compliance"),
    "approved": N_("Approved"),
    "rejected": N_("Rejected"),
}
words.WORDS["problem"] |= {
    "owner_only_documents": N_("Only the owner of this account hands in documents: ask them to sign in."),
}


class Submission(BaseModel):
    """Which verification the partner read, 0 for none."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=999_999)]


class Removal(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid")


_ADVICE = {
    "documents_missing": N_("Upload a passport or identity card and a proof of address first."),
    "too_many_documents": N_("Hand in at most 10 documents: remove some below."),
    "verification_changed": N_("Your documents were handed in or decided meanwhile: look again below."),
}


@page(PATH, "verification.html")
def verification(visit: Visit, document: str = "") -> dict[str, Any]:
    """Where the partner's verification stands, what is uploaded, and a form for each kind of document. A form is good
    for a quarter of an hour. `document` is the one whose refused removal shows the page again; it changes nothing."""
    assert visit.partner is not None and visit.member is not None
    partner = visit.partner
    found = visit.portal.verifications.of_partner(partner.partner, partner.brand)
    may = visit.member.role in SUBMITTERS
    uploaded = visit.portal.documents.uploaded(partner.partner) if may else []
    forms = {kind.value: _form(visit, kind) for kind in DocumentKind} if may else {}
    for form in forms.values():
        visit.posts_to = form.origin
    readable = tuple(each for each in uploaded if each.content_type)
    return {
        "verification": shown(found, visit),
        "needed": [kind.value for kind in NEEDED if kind not in {each.kind for each in readable}],
        "uploaded": [listed(each) for each in uploaded],
        "handed_in": bool(readable) and found.documents == readable,
        "forms": forms,
        "most_bytes": MOST_BYTES,
        "most_documents": MOST_DOCUMENTS,
        "may_submit": may,
    }


@page(PATH, "verification.html", method="POST", again=verification, body=Submission)
def submit_verification(visit: Visit) -> Done:
    """An owner hands in the documents that are uploaded; compliance decides about them."""
    assert visit.partner is not None and visit.member is not None
    check_submitter(visit.member.role)
    wish = visit.read(Submission)
    try:
        made = submit_documents(
            visit.portal.verifications,
            visit.portal.documents,
            member=visit.member,
            partner=visit.partner,
            version=wish.version,
            clock=visit.portal.now,
        )
    except (Invalid, Conflict) as error:
        if error.code in _ADVICE:
            raise FormRefused({"": _ADVICE[error.code]}, {}, error) from error
        raise
    return Done(shown(made, visit), f"{PATH}?submitted={made.version}")


@page(PATH + "/documents/{document}/removal", "verification.html", method="POST", again=verification, body=Removal)
def remove_document(visit: Visit, document: str) -> Done:
    """Takes a document from what is uploaded; what was handed in before stays as it was."""
    assert visit.partner is not None and visit.member is not None
    check_submitter(visit.member.role)
    visit.read(Removal)
    visit.portal.documents.remove(visit.partner.partner, document)
    return Done({"document": document}, PATH)


def shown(found: Verification, visit: Visit) -> dict[str, Any]:
    """A verification as people see it."""
    return {
        "version": found.version,
        "status": found.status,
        "approved": found.approved(visit.today),
        "expires_on": found.expires_on or None,
        "submitted_at": found.submitted_at,
        "decided_at": found.decided_at,
        "reason": found.reason,
        "documents": [listed(each) for each in found.documents],
    }


def listed(each: Document) -> dict[str, Any]:
    """A document in a list."""
    return {
        "document": each.document,
        "kind": each.kind,
        "content_type": each.content_type or None,
        "size": each.size,
        "uploaded_at": each.uploaded_at,
    }


def _form(visit: Visit, kind: DocumentKind) -> Form:
    assert visit.partner is not None
    # The true time: it sorts with what S3 stamps.
    name = new_id("doc", milliseconds(visit.true_now), secrets.token_bytes(10))
    return visit.portal.documents.form(visit.partner.partner, name, kind, _origin(visit) + PATH)


def _origin(visit: Visit) -> str:
    """Where this portal is. What a request says its host is may be somebody else's: the local stage alone believes
    it."""
    if visit.portal.settings.is_local:
        return f"http://{visit.header('host')}"
    return f"https://{visit.brand.domain}"
