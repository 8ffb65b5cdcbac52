"""What is a partner paid for: the version in force, what is to come, what waits to be accepted, what was before."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from introducer.domain.configuration import DealRecord
from introducer.domain.describe import Clause, Sentence, describe
from introducer.domain.errors import NotFound
from introducer.domain.events import milliseconds
from introducer.domain.goals_kept import opens_before
from introducer.domain.terms import parse_terms
from introducer.services.accept_deal import begins_when_accepted
from introducer.services.propose_deal import check_proposal, hash_of, next_version, text_of
from introducer.services.read_contracts import deal_versions
from introducer.store.configuration import Configuration


class Phase(StrEnum):
    """Where a version stands at a moment."""

    IN_FORCE = "in_force"
    TO_COME = "to_come"
    """Accepted, and begins later."""
    PROPOSED = "proposed"
    """Waits for the partner."""
    EARLIER = "earlier"
    """Was in force once."""
    OVERTAKEN = "overtaken"
    """Prices nothing and never will: a later version was accepted before it could begin."""


class Mark(StrEnum):
    """What became of a sentence since the version in force."""

    SAME = "same"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class MarkedSentence:
    sentence: Sentence
    mark: Mark


@dataclass(frozen=True, slots=True)
class MarkedClause:
    """A clause of `domain.describe`, each sentence with its mark. `mark` is the clause's own: a rule may be new or gone
    as a whole."""

    rule: str | None
    kind: str | None
    mark: Mark
    sentences: tuple[MarkedSentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionOfDeal:
    """One version, in words and as data."""

    version: int
    phase: Phase
    begins: datetime
    """For a proposal: when it would begin if it were accepted now."""
    ends: datetime | None
    """The moment the next version begins; None where none is known."""
    too_late: bool
    """Waits, but can no longer be accepted: a goal's window would open before the version begins."""
    accepted_at: datetime | None
    terms_hash: str
    terms: Mapping[str, Any]
    compared_with: int | None
    """The version that the marks compare with; only what is to come or waits is compared."""
    clauses: tuple[MarkedClause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInLine:
    """One version, without its words."""

    version: int
    phase: Phase
    begins: datetime
    """For a proposal: when it would begin if it were accepted now."""
    ends: datetime | None
    """The moment the next version begins; None where none is known."""
    kinds: tuple[str, ...]
    """Of its rules (`cpa`, `revshare` …), sorted."""


def read_deal_of_partner(configuration: Configuration, *, partner: str, at: datetime) -> tuple[VersionOfDeal, ...]:
    """All versions, the newest first; empty for a partner to whom nothing was proposed yet."""
    records = configuration.deals(partner)
    deals = {record.version: parse_terms(json.loads(record.terms)) for record in records}
    clauses = {version: describe(deal) for version, deal in deals.items()}
    accepted = [record for record in records if record.accepted_at is not None]
    versions = deal_versions(records)
    in_force = _in_force(accepted, at)
    found = []
    for record in records:
        phase, begins, ends = _phase(record, accepted, in_force, at)
        base = in_force if phase in (Phase.TO_COME, Phase.PROPOSED) else None
        found.append(
            VersionOfDeal(
                version=record.version,
                phase=phase,
                begins=begins,
                ends=ends,
                too_late=phase is Phase.PROPOSED
                and opens_before(deals[record.version], milliseconds(begins), versions) is not None,
                accepted_at=record.accepted_at,
                terms_hash=record.terms_hash,
                terms=json.loads(record.terms),
                compared_with=base.version if base else None,
                clauses=tuple(_marked(clauses[base.version] if base else None, clauses[record.version])),
            )
        )
    return tuple(reversed(found))


def read_phases_of_deal(configuration: Configuration, *, partner: str, at: datetime) -> tuple[VersionInLine, ...]:
    """All versions, the newest first, each in a line: for who does not read the words of them."""
    return phases_of(configuration.deals(partner), at)


def phases_of(records: Sequence[DealRecord], at: datetime) -> tuple[VersionInLine, ...]:
    """All versions of one partner, the newest first, each in a line."""
    accepted = [record for record in records if record.accepted_at is not None]
    in_force = _in_force(accepted, at)
    found = []
    for record in reversed(records):
        phase, begins, ends = _phase(record, accepted, in_force, at)
        kinds = {str(rule["type"]) for rule in json.loads(record.terms)["rules"]}
        found.append(
            VersionInLine(version=record.version, phase=phase, begins=begins, ends=ends, kinds=tuple(sorted(kinds)))
        )
    return tuple(found)


def read_version_of_deal(
    configuration: Configuration, *, partner: str, version: int, at: datetime
) -> tuple[VersionOfDeal, ...]:
    """One version, as `read_deal_of_partner` has it. Raises `NotFound`."""
    for each in read_deal_of_partner(configuration, partner=partner, at=at):
        if each.version == version:
            return (each,)
    raise NotFound("There is no such deal version.")


def read_proposal(
    configuration: Configuration,
    *,
    partner: str,
    terms: Mapping[str, Any],
    valid_from: datetime | None = None,
    at: datetime,
) -> VersionOfDeal:
    """What would be proposed: the next version, in words, compared with the one in force. Nothing is kept.

    Raises what `propose_deal` would.
    """
    records = configuration.deals(partner)
    begins = check_proposal(terms, records, valid_from, at)
    in_force = _in_force([record for record in records if record.accepted_at is not None], at)
    before = describe(parse_terms(json.loads(in_force.terms))) if in_force else None
    return VersionOfDeal(
        version=next_version(records),
        phase=Phase.PROPOSED,
        begins=begins,
        ends=None,
        too_late=False,
        accepted_at=None,
        terms_hash=hash_of(text_of(terms)),
        terms=terms,
        compared_with=in_force.version if in_force else None,
        clauses=tuple(_marked(before, describe(parse_terms(terms)))),
    )


def _in_force(accepted: Sequence[DealRecord], at: datetime) -> DealRecord | None:
    """As `Contracts.version_at` prices: the latest beginning not after the moment, then the higher number."""
    begun = [record for record in accepted if record.valid_from <= at]
    return max(begun, key=lambda record: (record.valid_from, record.version), default=None)


def _phase(
    record: DealRecord, accepted: Sequence[DealRecord], in_force: DealRecord | None, at: datetime
) -> tuple[Phase, datetime, datetime | None]:
    """The phase, when the version begins and when it ends."""
    later = [each for each in accepted if each.version > record.version]
    if record.accepted_at is None:
        if later:
            return Phase.OVERTAKEN, record.valid_from, None
        return Phase.PROPOSED, begins_when_accepted(accepted, record, at), None
    ends = min((each.valid_from for each in later), default=None)
    if ends is not None and ends <= record.valid_from:
        return Phase.OVERTAKEN, record.valid_from, ends
    if record is in_force:
        return Phase.IN_FORCE, record.valid_from, ends
    return (Phase.TO_COME if record.valid_from > at else Phase.EARLIER), record.valid_from, ends


def _marked(before: Sequence[Clause] | None, after: Sequence[Clause]) -> Iterator[MarkedClause]:
    """The clauses with what changed. A rule that is gone stands before what holds for all rules, which is the last."""
    if before is None:
        yield from (_whole(clause, Mark.SAME) for clause in after)
        return
    old = {clause.rule: clause for clause in before}
    kept = {clause.rule for clause in after}
    for clause in after:
        if clause.rule is None:
            yield from (_whole(gone, Mark.GONE) for gone in before if gone.rule not in kept)
        if clause.rule not in old:
            yield _whole(clause, Mark.NEW)
            continue
        sentences = tuple(_compared(old[clause.rule].sentences, clause.sentences))
        yield MarkedClause(clause.rule, clause.kind, Mark.SAME, sentences)


def _whole(clause: Clause, mark: Mark) -> MarkedClause:
    sentences = tuple(MarkedSentence(sentence, mark) for sentence in clause.sentences)
    return MarkedClause(clause.rule, clause.kind, mark, sentences)


def _compared(before: Sequence[Sentence], after: Sequence[Sentence]) -> Iterator[MarkedSentence]:
    """The sentences in order; of one that changed, what it said stands before what it says."""
    matcher = SequenceMatcher(None, [_name(each) for each in before], [_name(each) for each in after], autojunk=False)
    for kind, start, end, from_, to in matcher.get_opcodes():
        if kind == "equal":
            yield from (MarkedSentence(sentence, Mark.SAME) for sentence in after[from_:to])
            continue
        for gone, new in zip_longest(before[start:end], after[from_:to]):
            if gone is not None:
                yield MarkedSentence(gone, Mark.GONE)
            if new is not None:
                yield MarkedSentence(new, Mark.NEW)


def _name(sentence: Sentence) -> Hashable:
    return sentence.message, tuple(sorted(sentence.values.items()))
