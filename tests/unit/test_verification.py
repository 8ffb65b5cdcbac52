"""Who a partner is, and what holds its payouts: which step may follow which, and who takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.hold import Hold, check_placer, check_releaser, released
from introducer.domain.verification import (
    MOST_DOCUMENTS,
    Document,
    DocumentKind,
    Verification,
    VerificationStatus,
    check_decider,
    check_submitter,
    content_type,
    decided,
    expiry,
    submitted,
    was_decided,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TODAY = "2026-11-29"


def a_document(kind: DocumentKind, number: int = 1) -> Document:
    return Document(
        document=f"doc_{kind}{number}", kind=kind, content_type="application/pdf", size=1000, object_version="v1",
        uploaded_at=NOW,
    )  # fmt: skip


NEEDED = [a_document(DocumentKind.IDENTITY), a_document(DocumentKind.ADDRESS)]


def handed_in(before: Verification | None = None) -> Verification:
    return submitted(before or Verification(partner="par_1", brand="brd_1"), NEEDED, "owner", NOW)


def outcome(before: Verification, approve: bool, *, version: int | None = None, expires_on: str = "") -> Verification:
    return decided(
        before, version=before.version if version is None else version, approve=approve, by="kim", why="Because",
        expires_on=expires_on, at=NOW,
    )  # fmt: skip


def test_nothing_is_handed_in_before_all_that_is_needed_is_there() -> None:
    nobody = Verification(partner="par_1", brand="brd_1")
    for documents in ([], NEEDED[:1], [NEEDED[1], a_document(DocumentKind.COMPANY)]):
        with pytest.raises(Invalid, match="Upload these documents first"):
            submitted(nobody, documents, "owner", NOW)
    many = [*NEEDED, *(a_document(DocumentKind.IDENTITY, number) for number in range(2, MOST_DOCUMENTS + 1))]
    with pytest.raises(Invalid, match="at most 10"):
        submitted(nobody, many, "owner", NOW)
    assert not nobody.approved(TODAY)


def test_an_approval_counts_until_its_last_day_and_a_rejection_ends_it() -> None:
    waits = handed_in()
    assert (waits.status, waits.version, waits.approved(TODAY)) == (VerificationStatus.SUBMITTED, 1, False)

    approved = outcome(waits, True, expires_on="2026-12-31")
    assert (approved.approved("2026-12-31"), approved.approved("2027-01-01")) == (True, False)
    assert outcome(waits, True).approved("2099-01-01")

    # what is approved stays good while a renewal waits
    renewal = handed_in(approved)
    assert renewal.status is VerificationStatus.SUBMITTED and renewal.approved("2026-12-31")
    assert not outcome(renewal, False).approved(TODAY)
    assert outcome(renewal, True).approved("2099-01-01")


def test_a_decision_is_about_the_version_that_was_read_and_falls_once() -> None:
    waits = handed_in()
    anew = handed_in(waits)
    for before, version in ((anew, 1), (outcome(waits, True), 1), (outcome(waits, True), 2), (anew, 3)):
        with pytest.raises(Conflict) as raised:
            outcome(before, True, version=version)
        assert raised.value.code == "decided_already"

    rejected = outcome(waits, False)
    assert was_decided(rejected, version=1, approve=False, by="kim")
    assert not was_decided(rejected, version=1, approve=True, by="kim")
    assert not was_decided(rejected, version=1, approve=False, by="sam")
    assert not was_decided(handed_in(rejected), version=1, approve=False, by="kim")


@pytest.mark.parametrize("text", ["2026-11-29", "2025-01-01", "2037-01-01", "tomorrow", "20261231", "2026-02-30"])
def test_an_approval_ends_on_a_day_to_come(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        expiry(text, TODAY)
    assert raised.value.code == "invalid_day"
    assert (expiry("", TODAY), expiry("2026-11-30", TODAY)) == ("", "2026-11-30")


def test_a_file_is_what_its_first_bytes_say() -> None:
    assert content_type(b"%PDF-1.7") == "application/pdf"
    assert content_type(b"\xff\xd8\xff\xe0\x00\x10JF") == "image/jpeg"
    assert content_type(b"\x89PNG\r\n\x1a\n") == "image/png"
    for other in (b"", b"%PDF", b"<html>", b"PK\x03\x04", b"\x89PNG\n"):
        assert content_type(other) is None


def test_each_role_does_what_is_its_own() -> None:
    def may(check: object, *given: object) -> set[Role]:
        allowed = set()
        for role in Role:
            try:
                check(*given, role)  # type: ignore[operator]
            except Forbidden:
                continue
            allowed.add(role)
        return allowed

    assert may(check_submitter) == {Role.OWNER}
    assert may(check_decider) == {Role.COMPLIANCE, Role.ADMIN}
    assert may(check_placer) == {Role.COMPLIANCE, Role.FINANCE, Role.ADMIN}
    assert may(check_releaser, a_hold(), "sam") == {Role.COMPLIANCE, Role.FINANCE, Role.ADMIN}
    assert may(check_releaser, a_hold(), "kim") == set()


def a_hold() -> Hold:
    return Hold(hold="hld_1", brand="brd_1", partner="par_1", reason="Why", placed_by="kim", placed_at=NOW)


def test_a_hold_is_released_once() -> None:
    gone = released(a_hold(), "sam", NOW + timedelta(days=1), "Fine")

    assert a_hold().stands and not gone.stands
    with pytest.raises(Conflict) as raised:
        released(gone, "sam", NOW, "Fine")
    assert raised.value.code == "released_already"
