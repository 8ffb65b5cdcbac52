"""Staff propose a deal version to a partner. It prices nothing until it is accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from introducer.domain.configuration import Change, DealRecord
from introducer.domain.errors import Invalid
from introducer.domain.events import day_of
from introducer.domain.terms import check_successor, parse_terms
from introducer.services.accept_deal import next_midnight
from introducer.services.creation import Author, Clock, create_once, now
from introducer.store.configuration import Configuration


def propose_deal(
    configuration: Configuration,
    *,
    partner: str,
    terms: Mapping[str, Any],
    version: int | None = None,
    valid_from: datetime | None = None,
    author: Author,
    clock: Clock,
) -> DealRecord:
    """The proposed version: the next one, or `version` for a caller that may try again.

    `valid_from` is a UTC midnight still to come (the next one by default) and not before that of an earlier version.
    Raises `Invalid` with the sentence of the terms that is wrong, `NotFound` for an unknown partner, `Conflict` when
    somebody else proposed this version.
    """
    configuration.partner(partner)
    deal = parse_terms(terms)
    at = now(clock)
    earlier = [deal for deal in configuration.deals(partner) if version is None or deal.version < version]
    check_successor(deal, ((each.version, parse_terms(json.loads(each.terms))) for each in earlier))
    from_when = valid_from if valid_from is not None else next_midnight(at)
    if from_when != next_midnight(from_when, or_this=True) or from_when <= at:
        raise Invalid(
            "A deal begins at a UTC midnight after its acceptance: choose a day to come.",
            code="invalid_valid_from",
        )
    for version_before in earlier:
        if from_when < version_before.valid_from:
            raise Invalid(
                f"Version {version_before.version} begins on {day_of(version_before.valid_from)}:"
                " a later version cannot begin before it.",
                code="invalid_valid_from",
            )
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    record = DealRecord(
        partner=partner,
        version=version if version is not None else max((each.version for each in earlier), default=0) + 1,
        valid_from=from_when,
        accepted_at=None,
        terms=text,
        terms_hash=sha256(text.encode()).hexdigest(),
    )
    change = Change(by=author.by, at=at, why=author.why, origin=author.origin)
    if version is None:
        configuration.propose_deal(record, change)
        return record
    return create_once(
        lambda: configuration.propose_deal(record, change),
        lambda: next(deal for deal in configuration.deals(partner) if deal.version == record.version),
        lambda existing: existing.terms_hash == record.terms_hash,
        record,
    )
