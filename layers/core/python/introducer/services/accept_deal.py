"""A partner accepts a proposed deal version: from then on its terms never change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from introducer.domain.configuration import Change, DealRecord
from introducer.domain.errors import Conflict, NotFound
from introducer.services.creation import Author, Clock, now
from introducer.store.configuration import Configuration


def accept_deal(
    configuration: Configuration,
    *,
    partner: str,
    version: int,
    terms_hash: str,
    author: Author,
    clock: Clock,
) -> DealRecord:
    """The accepted version. It begins when proposed, or at the midnight after the acceptance if that is later.

    `terms_hash` names the terms that were read: other terms under this version are a `Conflict`, and so is a version
    that a later accepted one has overtaken. Accepting what is accepted already changes nothing. Raises `NotFound`.
    """
    deals = configuration.deals(partner)
    proposed = next((deal for deal in deals if deal.version == version), None)
    if proposed is None:
        raise NotFound("There is no such deal version.")
    if proposed.accepted_at is not None and proposed.terms_hash == terms_hash:
        return proposed
    for deal in deals:
        if deal.version > version and deal.accepted_at is not None:
            raise Conflict(
                f"Version {deal.version} was accepted since: it replaces version {version}.", code="overtaken"
            )
    at = now(clock)
    # Not before the versions in force: prices of a day follow one order of versions.
    begins = max(
        proposed.valid_from,
        next_midnight(at),
        *(deal.valid_from for deal in deals if deal.version < version and deal.accepted_at is not None),
    )
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    configuration.accept_deal(partner, version, terms_hash, at, begins, change)
    return replace(proposed, accepted_at=at, valid_from=begins)


def next_midnight(at: datetime, *, or_this: bool = False) -> datetime:
    """The first UTC midnight after a moment; with `or_this` the moment itself, if it is one."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if or_this and midnight == at else midnight + timedelta(days=1)
