"""Staff propose a deal version to a partner. It prices nothing until it is accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from introducer.domain import terms_refused as told
from introducer.domain.configuration import Change, DealRecord
from introducer.domain.deal import RateOf
from introducer.domain.describe import Day, Number, Sentence
from introducer.domain.events import NOTICE, day_of, milliseconds
from introducer.domain.goals_kept import check_goals_kept, opens_before
from introducer.domain.terms import begins_with_a_month, check_successor, parse_terms
from introducer.services.accept_deal import month_start, next_midnight
from introducer.services.creation import Author, Clock, create_once, now
from introducer.services.read_contracts import deal_versions
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

    `valid_from` is a UTC midnight still to come (the next one by default) and not before that of an earlier version;
    with terms that begin with a month, the first of a month (the next one by default).
    Raises `Invalid` with the sentence of the terms that is wrong, `NotFound` for an unknown partner, `Conflict` when
    somebody else proposed this version.
    """
    configuration.partner(partner)
    earlier = [each for each in configuration.deals(partner) if version is None or each.version < version]
    at = now(clock)
    from_when = check_proposal(terms, earlier, valid_from, at)
    text = text_of(terms)
    record = DealRecord(
        partner=partner,
        version=version if version is not None else next_version(earlier),
        valid_from=from_when,
        accepted_at=None,
        terms=text,
        terms_hash=hash_of(text),
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


def text_of(terms: Mapping[str, Any]) -> str:
    """Terms as they are kept: the same terms are the same text, whether or not they say `payout_rate` where it is what
    it is anyway (terms that were accepted before there was such a field did not)."""
    if terms.get("payout_rate") == RateOf.PAY_DATE:
        terms = {name: value for name, value in terms.items() if name != "payout_rate"}
    return json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(text: str) -> str:
    """What names the terms that a partner read."""
    return sha256(text.encode()).hexdigest()


def next_version(earlier: Sequence[DealRecord]) -> int:
    """The number of the version after these."""
    return max((each.version for each in earlier), default=0) + 1


def check_proposal(
    terms: Mapping[str, Any], earlier: Sequence[DealRecord], valid_from: datetime | None, at: datetime
) -> datetime:
    """When the version would begin that these terms make after the `earlier` ones, in their order.

    Raises `TermsRefused` with the sentence of the terms that is wrong; with the code `invalid_valid_from`; or with
    `goal_dropped` or `goal_not_counted` for terms that would take away a goal that was accepted.
    """
    deal = parse_terms(terms)
    parsed = [(each.version, parse_terms(json.loads(each.terms))) for each in earlier]
    check_successor(deal, parsed)
    with_a_month = begins_with_a_month(deal, parsed[-1][1] if parsed else None)
    soonest = next_midnight(at + NOTICE)
    if with_a_month:
        soonest = month_start(soonest)
    from_when = valid_from if valid_from is not None else soonest
    if from_when != next_midnight(from_when, or_this=True) or from_when < next_midnight(at + NOTICE):
        raise told.TermsRefused(
            "A deal begins at a UTC midnight after its acceptance: choose a day to come.",
            code="invalid_valid_from",
            advice=Sentence(told.A_DAY_TO_COME),
        )
    for version_before in earlier:
        if from_when < version_before.valid_from:
            number, day = version_before.version, day_of(version_before.valid_from)
            raise told.TermsRefused(
                f"Version {number} begins on {day}: a later version cannot begin before it.",
                code="invalid_valid_from",
                advice=Sentence(told.NOT_BEFORE, {"version": Number(str(number)), "day": Day(day)}),
            )
    if with_a_month and from_when != month_start(from_when):
        first = day_of(month_start(from_when))
        raise told.TermsRefused(
            "These terms look at whole months of all clients, which the version before did not: let them begin on the"
            f" first of a month, such as {first}.",
            code="invalid_valid_from",
            advice=Sentence(told.WITH_A_MONTH, {"day": Day(first)}),
        )
    accepted = deal_versions(earlier)
    check_goals_kept(deal, milliseconds(from_when), accepted)
    opened = opens_before(deal, milliseconds(from_when), accepted)
    if opened is not None:
        begins = day_of(from_when)
        raise told.TermsRefused(
            f"The window of a goal opens on {opened}, before the terms begin on {begins}: let it open then or later, or"
            " let the terms begin earlier.",
            code="invalid_valid_from",
            advice=Sentence(told.GOAL_OPENS_BEFORE, {"opens": Day(opened), "begins": Day(begins)}),
        )
    return from_when
