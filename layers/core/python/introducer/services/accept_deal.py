"""A partner accepts a proposed deal version: from then on its terms never change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from introducer.domain.configuration import Change, DealRecord
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import NOTICE, day_of, milliseconds
from introducer.domain.goals_kept import check_goals_kept, opens_before
from introducer.domain.terms import begins_with_a_month, parse_terms
from introducer.services.creation import Author, Clock, now
from introducer.services.read_contracts import deal_versions
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
    """The accepted version. It begins when proposed, or at the midnight after the acceptance if that is later; with
    terms that begin with a month, on the first of a month.

    `terms_hash` names the terms that were read: other terms under this version are a `Conflict`, and so is a version
    that a later accepted one has overtaken, one with a goal whose window would open before the version begins, or one
    that would take away a goal that was accepted before (`goals_kept`).
    Accepting what is accepted already changes nothing. Raises `NotFound`.
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
    begins = begins_when_accepted(deals, proposed, at)
    terms, begins_ms = parse_terms(json.loads(proposed.terms)), milliseconds(begins)
    accepted = deal_versions(deals)
    opened = opens_before(terms, begins_ms, accepted)
    if opened is not None:
        raise Conflict(
            f"The window of a goal opens on {opened}, but accepted now the version would begin on {day_of(begins)}:"
            " propose it anew, with a later window.",
            code="overtaken",
            window=opened,
        )
    try:
        check_goals_kept(terms, begins_ms, accepted)
    except Invalid as error:
        # A goal was accepted since these terms were proposed.
        raise Conflict(error.detail, code=error.code, **error.facts) from error
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    configuration.accept_deal(partner, version, terms_hash, at, begins, change)
    return replace(proposed, accepted_at=at, valid_from=begins)


def begins_when_accepted(deals: Sequence[DealRecord], proposed: DealRecord, at: datetime) -> datetime:
    """When a proposal begins if it is accepted at this moment. `deals` are all versions of the partner."""
    accepted = [deal for deal in deals if deal.version < proposed.version and deal.accepted_at is not None]
    # Not before the versions in force: prices of a day follow one order of versions.
    begins = max(proposed.valid_from, next_midnight(at + NOTICE), *(deal.valid_from for deal in accepted))
    # Against what is in force before, which a proposal that nobody accepted is not.
    before = max(accepted, key=lambda deal: deal.version, default=None)
    return month_start(begins) if _with_a_month(proposed, before) else begins


def month_start(at: datetime) -> datetime:
    """The first instant of a UTC month that is not before a moment."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first if first == at else (first + timedelta(days=31)).replace(day=1)


def _with_a_month(record: DealRecord, before: DealRecord | None) -> bool:
    return before is not None and begins_with_a_month(
        parse_terms(json.loads(record.terms)), parse_terms(json.loads(before.terms))
    )


def next_midnight(at: datetime, *, or_this: bool = False) -> datetime:
    """The first UTC midnight after a moment; with `or_this` the moment itself, if it is one."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if or_this and midnight == at else midnight + timedelta(days=1)
