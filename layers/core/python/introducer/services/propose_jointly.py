"""The same terms for several partners: one person writes them, a second one lets them out, each partner answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from introducer.domain.configuration import Member
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.events import in_full_ms
from introducer.domain.joint_proposal import (
    MOST_PARTNERS,
    PREFIX,
    WRITERS,
    JointProposal,
    JointStatus,
    decided,
)
from introducer.domain.terms import parse_terms
from introducer.services.creation import Author, Clock, Randomness, create_once, make_id, now
from introducer.services.decisions import reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import by_member
from introducer.services.propose_deal import check_proposal, hash_of, next_version, propose_deal, text_of
from introducer.store.configuration import Configuration
from introducer.store.joint_proposals import JointProposals


class Place(StrEnum):
    """Where one partner stands with a joint proposal."""

    WOULD = "would"
    """These terms can be proposed to it."""
    WAITS = "waits"
    """They are proposed, and wait for its answer."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """They cannot be proposed to it: `detail` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One partner: which version these terms are or would be, when they begin, and the version in force before."""

    partner: str
    name: str
    place: Place
    before: int
    """The newest version that it has besides; 0 for none."""
    version: int
    begins: datetime | None
    code: str = ""
    detail: str = ""


def write_joint_proposal(
    configuration: Configuration,
    proposals: JointProposals,
    *,
    member: Member,
    partners: Sequence[str],
    terms: Mapping[str, Any],
    begins: datetime | None,
    why: str,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> JointProposal:
    """A new one that waits for a second person. Raises `Forbidden`, `NotFound` for another brand's partner, `Invalid`
    (the sentence of the terms that is wrong, `nobody_chosen`, `too_many_partners`, `reason_needed`; `nobody_fits`
    where they can be proposed to none), `Conflict`."""
    why = reason(why)
    found = preview_joint_proposal(
        configuration, member=member, partners=partners, terms=terms, begins=begins, at=clock()
    )
    if not any(each.place is Place.WOULD for each in found):
        raise Invalid("These terms can be proposed to none of these partners.", code="nobody_fits", field="terms")
    at, text = now(clock), text_of(terms)
    made = JointProposal(
        proposal=make_id(PREFIX, request, at, random, member.brand),
        brand=member.brand,
        partners=tuple(each.partner for each in found),
        terms=text,
        terms_hash=hash_of(text),
        begins=begins,
        reason=why,
        proposed_by=member.member,
        proposed_at=at,
    )
    return create_once(
        lambda: proposals.write(made, by_member(member, at, why)),
        lambda: proposals.proposal(made.brand, made.proposal),
        lambda there: (there.terms_hash, there.partners) == (made.terms_hash, made.partners),
        made,
    )


def preview_joint_proposal(
    configuration: Configuration,
    *,
    member: Member,
    partners: Sequence[str],
    terms: Mapping[str, Any],
    begins: datetime | None,
    at: datetime,
) -> tuple[Standing, ...]:
    """What these terms would be to each. Raises as `write_joint_proposal` does, but for the reason."""
    if member.role not in WRITERS:
        raise Forbidden("Managers and admins propose deals.", code="not_your_role")
    chosen = list(dict.fromkeys(partners))
    if not chosen:
        raise Invalid("Choose at least one partner.", code="nobody_chosen", field="partners")
    if len(chosen) > MOST_PARTNERS:
        raise Invalid(
            f"At most {MOST_PARTNERS} partners get the same terms at once.", code="too_many_partners", field="partners"
        )
    parse_terms(terms)
    return tuple(_standing(configuration, member, each, terms, begins, at, at) for each in chosen)


def standings_of(
    configuration: Configuration, proposal: JointProposal, *, member: Member, at: datetime
) -> tuple[Standing, ...]:
    """Where each of its partners stands now."""
    terms = json.loads(proposal.terms)
    return tuple(
        _standing(configuration, member, each, terms, proposal.begins, at, proposal.proposed_at)
        for each in proposal.partners
    )


def decide_joint_proposal(
    configuration: Configuration,
    proposals: JointProposals,
    *,
    member: Member,
    proposal: str,
    approve: bool,
    why: str,
    clock: Clock,
) -> tuple[JointProposal, tuple[Standing, ...]]:
    """The proposal after the decision, and where each partner stands. Approving proposes to each; what one refuses
    stops none of the others, and approving again goes on with who is left, so a run that was cut is carried on.

    Raises as `domain.joint_proposal.decided` does, `NotFound`, `Invalid` (`reason_needed`), `Unavailable`.
    """
    why = reason(why)
    at = in_full_ms(clock())
    before = proposals.proposal(member.brand, proposal)
    after = decided(before, member, at, why, approve=approve)
    if after is not before:
        proposals.decide(before, after, by_member(member, at, why))
    if after.status is JointStatus.APPROVED:
        # By who wrote them, for the reason they gave; who let them out is on record with the decision.
        author = Author(by=after.proposed_by, why=after.reason, origin=after.proposal)
        terms = json.loads(after.terms)
        for each in standings_of(configuration, after, member=member, at=at):
            if each.place is not Place.WOULD:
                continue
            try:
                propose_deal(
                    configuration, partner=each.partner, terms=terms, version=each.version, valid_from=after.begins,
                    author=author, clock=clock,
                )  # fmt: skip
            except (Conflict, Invalid):
                # Somebody else proposed meanwhile: where it stands says so.
                continue
    return after, standings_of(configuration, after, member=member, at=at)


def _standing(
    configuration: Configuration,
    member: Member,
    partner: str,
    terms: Mapping[str, Any],
    begins: datetime | None,
    at: datetime,
    since: datetime,
) -> Standing:
    """A version with these terms that begins after `since` is the one that this proposal made, or as good as it; one
    from before is another matter, and can be proposed anew."""
    try:
        found = partner_of_brand(configuration, member, partner)
    except NotFound:
        return Standing(
            partner=partner, name="", place=Place.REFUSED, before=0, version=0, begins=None, code="not_found",
            detail="There is no such partner.",
        )  # fmt: skip
    deals = configuration.deals(found.partner)
    named = hash_of(text_of(terms))
    version = next_version(deals)
    made = next((each for each in reversed(deals) if each.terms_hash == named and each.valid_from > since), None)
    if made is not None:
        return Standing(
            partner=found.partner,
            name=found.name,
            place=Place.WAITS if made.accepted_at is None else Place.ACCEPTED,
            before=made.version - 1,
            version=made.version,
            begins=made.valid_from,
        )
    try:
        starts = check_proposal(terms, deals, begins, at)
    except Invalid as error:
        return Standing(
            partner=found.partner, name=found.name, place=Place.REFUSED, before=version - 1, version=0, begins=None,
            code=error.code, detail=error.detail,
        )  # fmt: skip
    return Standing(
        partner=found.partner, name=found.name, place=Place.WOULD, before=version - 1, version=version, begins=starts
    )
