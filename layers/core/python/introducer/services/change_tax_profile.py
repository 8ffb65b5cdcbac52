"""A partner's owner says how the partner is taxed; finance or an admin, who the brand is to the tax office."""

from __future__ import annotations

from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Conflict
from introducer.domain.invoice import TaxProfile, TaxRecord, check_editor
from introducer.services.creation import Clock, now
from introducer.store.invoices import Invoices


def tax_subject(member: Member) -> str:
    """Whose tax details a member sees: the partner's, or the brand's."""
    return member.partner or member.brand


def change_tax_profile(
    invoices: Invoices, *, member: Member, profile: TaxProfile, version: int, clock: Clock, origin: str = ""
) -> TaxRecord:
    """The profile as it is from now on; invoices that are issued keep what was printed. `version` is the one that was
    read, 0 where there was none.

    Sending what stands already changes nothing. Raises `Forbidden` for a role that does not decide this, `Conflict`
    (code `tax_changed`) when it is no longer as it was read.
    """
    check_editor(member.role)
    of, at = tax_subject(member), now(clock)
    before = invoices.tax_record(of)
    if before is not None and before.profile == profile:
        return before
    if (0 if before is None else before.version) != version:
        raise Conflict("The tax details were changed meanwhile: read them again.", code="tax_changed")
    after = TaxRecord(of=of, profile=profile, version=version + 1, changed_at=at, changed_by=member.member)
    change = Change(by=member.member, at=at, why="tax details changed", origin=origin)
    invoices.put_tax_record(before, after, change)
    return after
