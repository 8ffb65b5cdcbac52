"""What staff sees of payees: whose documents wait, and of one partner where it is paid, who it is and what holds it."""

from __future__ import annotations

from dataclasses import dataclass

from introducer.domain.configuration import Member, Partner
from introducer.domain.errors import NotFound
from introducer.domain.hold import PLACERS, RELEASERS, Hold
from introducer.domain.payment_profile import PaymentProfile
from introducer.domain.verification import DECIDERS, Verification, VerificationStatus
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds
from introducer.store.paging import Page
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.verifications import Verifications


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A partner whose documents wait."""

    partner: str
    name: str
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldShown:
    """A hold with the names of people, and whether this member may release it."""

    hold: Hold
    placed_by: str
    released_by: str
    may_release: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """All that decides whether a partner can be paid but its money."""

    partner: Partner
    profile: PaymentProfile | None
    profiles: tuple[PaymentProfile, ...]
    """All versions, the newest first."""
    verification: Verification
    decided_by: str
    """The name of whoever decided about its documents last."""
    holds: tuple[HoldShown, ...]
    may_see_documents: bool
    may_decide: bool
    may_hold: bool


def read_verifications_waiting(
    configuration: Configuration, verifications: Verifications, *, brand: str, cursor: str | None, limit: int
) -> Page[Waiting]:
    """Whose documents wait for compliance, longest first."""
    found = verifications.waiting(brand, cursor, limit)
    return Page(
        tuple(
            Waiting(partner=each.partner, name=configuration.partner(each.partner).name, verification=each)
            for each in found.items
        ),
        found.cursor,
    )


def read_payee(
    configuration: Configuration,
    profiles: PaymentProfiles,
    verifications: Verifications,
    holds: Holds,
    *,
    member: Member,
    partner: str,
) -> Payee:
    """One partner of the member's brand. Raises `NotFound`."""
    owner = partner_of_brand(configuration, member, partner)
    verification = verifications.of_partner(owner.partner, owner.brand)
    decides = member.role in DECIDERS
    names = _Names(configuration)
    return Payee(
        partner=owner,
        profile=profiles.of_partner(owner.partner),
        profiles=tuple(profiles.versions(owner.partner)),
        verification=verification,
        decided_by=names.of(verification.decided_by),
        holds=tuple(
            HoldShown(
                hold=each,
                placed_by=names.of(each.placed_by),
                released_by=names.of(each.released_by),
                may_release=each.stands and member.role in RELEASERS and each.placed_by != member.member,
            )
            for each in holds.of_partner(owner.partner)
        ),
        may_see_documents=decides,
        may_decide=decides and verification.status is VerificationStatus.SUBMITTED,
        may_hold=member.role in PLACERS,
    )


class _Names:
    """Names of members, each read once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, str] = {"": ""}

    def of(self, member: str) -> str:
        """The member's name; the id itself of one that is no login."""
        if member not in self._known:
            try:
                self._known[member] = self._configuration.member(member).name
            except NotFound:
                self._known[member] = member
        return self._known[member]
