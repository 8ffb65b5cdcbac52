"""`/deal`: what a partner is paid for, and accepting a proposal. `/desk/partners/{id}/deal`: the same for staff."""

from __future__ import annotations

import re
from typing import Annotated, Any

import sentences
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import STAFF_HOME, Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import DealRecord, Role
from introducer.domain.errors import Conflict, Forbidden, Malformed
from introducer.services.accept_deal import accept_deal
from introducer.services.creation import Author
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.read_deal_of_partner import read_deal_of_partner, read_version_of_deal

PATH = "/deal"
MAY_PROPOSE = frozenset({Role.MANAGER, Role.ADMIN})
_VERSION = re.compile(r"[1-9]\d{0,5}", re.ASCII)


class Acceptance(BaseModel):
    """Which version a partner accepts, and which words it read."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=999_999)]
    terms_hash: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


@page(PATH, "deal.html")
def deal(visit: Visit) -> dict[str, Any]:
    """What the partner is paid for, in words, version by version, the newest first. `version` asks for one alone."""
    assert visit.partner is not None and visit.member is not None
    return _shown(visit, visit.partner.partner, may_accept=visit.member.role is Role.OWNER)


@page(PATH, "deal.html", method="POST", again=deal, body=Acceptance)
def accept(visit: Visit) -> Done:
    """An owner accepts a proposed version of the deal. `terms_hash` names the terms that were read: other ones are
    refused. Accepting again changes nothing."""
    assert visit.partner is not None and visit.member is not None
    if visit.member.role is not Role.OWNER:
        raise Forbidden("Only the owner of this account accepts a deal.", code="owner_only")
    wish = visit.read(Acceptance)
    partner = visit.partner.partner
    try:
        accepted = accept_deal(
            visit.portal.configuration,
            partner=partner,
            version=wish.version,
            terms_hash=wish.terms_hash,
            author=Author(by=visit.member.member, why="accepted in the portal"),
            clock=visit.portal.now,
        )
    except Conflict as error:
        # Two presses at once: the slower one finds the deal accepted, which is what it wanted.
        found = _accepted(visit, partner, wish)
        if found is None:
            raise _refusal(error) from error
        accepted = found
    return Done(
        {
            "version": accepted.version,
            "begins": accepted.valid_from,
            "accepted_at": accepted.accepted_at,
            "terms_hash": accepted.terms_hash,
        },
        f"{PATH}?accepted={accepted.version}",
    )


@page(STAFF_HOME + "/{partner}/deal", "deal.html", who=Who.STAFF)
def deal_of_partner(visit: Visit, partner: str) -> dict[str, Any]:
    """What one partner is paid for, in words, version by version, the newest first. `version` asks for one alone."""
    assert visit.member is not None
    found = partner_of_brand(visit.portal.configuration, visit.member, partner)
    return _shown(visit, found.partner, may_accept=False) | {
        "partner": found.partner,
        "name": found.name,
        "may_propose": visit.member.role in MAY_PROPOSE,
    }


def _shown(visit: Visit, partner: str, *, may_accept: bool) -> dict[str, Any]:
    """All versions, or the one that `version` asks for."""
    configuration, wish = visit.portal.configuration, visit.query("version")
    if wish and not _VERSION.fullmatch(wish):
        raise Malformed("version is the number of a version, such as 2.", code="bad_version")
    if wish:
        found = read_version_of_deal(configuration, partner=partner, version=int(wish), at=visit.now)
    else:
        found = read_deal_of_partner(configuration, partner=partner, at=visit.now)
    return {
        "opened": int(wish) if wish else None,
        "may_accept": may_accept,
        "versions": [sentences.told(visit.language, version) for version in found],
    }


def _accepted(visit: Visit, partner: str, wish: Acceptance) -> DealRecord | None:
    for record in visit.portal.configuration.deals(partner):
        same = (record.version, record.terms_hash) == (wish.version, wish.terms_hash)
        if same and record.accepted_at is not None:
            return record
    return None


def _refusal(error: Conflict) -> FormRefused:
    if "window" in error.facts:
        message = N_("A goal of these terms would begin before they do: ask the broker to propose them anew.")
    elif error.code in ("goal_dropped", "goal_not_counted"):
        message = N_("These terms would take away a goal that you accepted: ask the broker to propose them anew.")
    elif error.code == "overtaken":
        message = N_("A later version was accepted since: these terms can no longer be accepted.")
    else:
        message = N_("These are other terms than you read: read them again below, then accept them.")
        error = Conflict(message, code="terms_changed")
    return FormRefused({"": message}, {}, error)
