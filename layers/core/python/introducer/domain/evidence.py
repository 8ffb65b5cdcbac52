"""Whose client it is, and why: every piece of evidence with what became of it, for a person who must prove it.

This is the fold's own decision said in words (`attribution`): a piece is flawed by itself, or another came before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from introducer.domain import click_id
from introducer.domain.attribution import (
    LEAD_WINDOW_DAYS,
    Flaw,
    attribute,
    best_click,
    by_evidence,
    flaw_of_click,
    flaw_of_code,
    flaw_of_lead,
)
from introducer.domain.client import ClientState, EventKey, Evidence, Move, Segment, Visit, merge
from introducer.domain.contracts import Contracts, LinkTerms
from introducer.domain.events import Event, EventType, milliseconds
from introducer.domain.promo_code import normalised


class Verdict(StrEnum):
    """What became of a piece of evidence."""

    WON = "won"
    """It says whose client it is."""
    OVERRULED = "overruled"
    """It would, and staff decided otherwise from the beginning."""
    NO_EVENT = "no_event"
    """Nothing that counts has happened yet that it could have led to."""
    NOT_GENUINE = "not_genuine"
    """The click id is not one of ours: misspelt, made up, or signed by a key that is gone."""
    FLAGGED = "flagged"
    """A click that was recognised as no visitor's."""
    NOT_A_CODE = "not_a_code"
    """No promo code can look like this."""
    UNKNOWN_LEAD = "unknown_lead"
    """The brand has no such lead."""
    UNKNOWN_LINK = Flaw.UNKNOWN_LINK.value
    OTHER_BRAND = Flaw.OTHER_BRAND.value
    TOO_OLD = Flaw.TOO_OLD.value
    TOO_LATE = Flaw.TOO_LATE.value
    NOBODYS_CODE = Flaw.NOBODYS_CODE.value
    LATER_CLICK = "later_click"
    """A later click counts."""
    FIRST_CLICK = "first_click"
    """The campaign counts its first click, and this one came after it."""
    CODE_FIRST = "code_first"
    """Of the clicks it would count; its campaign lets promo codes come first."""
    CLICK_COUNTS = "click_counts"
    """A click comes before it."""
    LATER_CODE = "later_code"
    """Another promo code was named after it."""
    CODE_COUNTS = "code_counts"
    """A promo code comes before it."""
    LATER_LEAD = "later_lead"
    """A later lead counts."""
    IN_FORCE = "in_force"
    """A decision that holds, from its beginning until another one's."""
    REPLACED = "replaced"
    """A decision that a later one covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of evidence. Moments are ms; what is not known is empty."""

    evidence: Evidence
    id: str
    """The click id, the promo code as it was sent, the lead or the decision."""
    at: int | None
    """When it was clicked, was named first, came or was decided."""
    verdict: Verdict
    events: tuple[EventKey, ...] = ()
    """The events that named it."""
    link: str = ""
    partner: str = ""
    campaign: str = ""
    window_days: int | None = None
    """How long before the anchor it may have come."""
    since: int | None = None
    """Decision: from when on it holds (0: from the beginning)."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """All of it."""

    anchor: int | None
    registered: bool
    """Whether the anchor is the registration, and not just the first event."""
    timeline: tuple[Segment, ...]
    """Whose client it is by these events."""
    pieces: tuple[Piece, ...]
    """Decisions first, then what won, then the others: by kind, the newest first."""


def weigh(state: ClientState, events: Iterable[Event], contracts: Contracts) -> Weighed:
    """The evidence in a client's events (without what was cancelled). `state` is what the engine folded of them: of
    click ids it says which were genuine, since the keys that sign them are not at hand everywhere."""
    facts = sorted(events, key=lambda event: event.order)
    fold = merge(ClientState(state.brand, state.client), facts, contracts, believed=state.visits)
    timeline = attribute(fold, contracts)
    base = by_evidence(fold, contracts)
    overruled = any(move.start <= 0 for move in fold.moves.values())
    pieces = [
        *_decisions(fold.moves),
        *_clicks(fold, facts, contracts, base),
        *_codes(fold, facts, contracts, base),
        *_leads(fold, facts, contracts, base),
    ]
    if overruled:
        pieces = [_overruled(piece) for piece in pieces]
    kinds = list(Evidence)
    first = (Verdict.IN_FORCE, Verdict.REPLACED, Verdict.WON, Verdict.OVERRULED)

    def place(piece: Piece) -> tuple[int, int, int, str]:
        rank = first.index(piece.verdict) if piece.verdict in first else len(first)
        return rank, kinds.index(piece.evidence), -(piece.at or 0), piece.id

    return Weighed(fold.anchor, fold.registered is not None, timeline, tuple(sorted(pieces, key=place)))


def _overruled(piece: Piece) -> Piece:
    if piece.verdict is not Verdict.WON:
        return piece
    return Piece(
        evidence=piece.evidence, id=piece.id, at=piece.at, verdict=Verdict.OVERRULED, events=piece.events,
        link=piece.link, partner=piece.partner, campaign=piece.campaign, window_days=piece.window_days,
    )  # fmt: skip


def _decisions(moves: Mapping[EventKey, Move]) -> list[Piece]:
    found = []
    made = sorted(moves.items(), key=lambda each: (each[1].decided_at, each[0]))
    for number, (key, move) in enumerate(made):
        covered = any(later.start <= move.start for _, later in made[number + 1 :])
        found.append(
            Piece(
                evidence=Evidence.DECISION,
                id=key[1],
                at=move.decided_at,
                verdict=Verdict.REPLACED if covered else Verdict.IN_FORCE,
                events=(key,),
                partner=move.partner,
                since=move.start,
            )
        )
    return found


def _clicks(fold: ClientState, facts: Iterable[Event], contracts: Contracts, base: Segment | None) -> list[Piece]:
    found = []
    for text, named_by in _named((event.click_id, event) for event in facts):
        named = click_id.read(text)
        terms = _own_link(named.link_id, fold, contracts) if named else None
        rule = terms.rule_at(fold.anchor) if terms and fold.anchor is not None else None
        found.append(
            Piece(
                evidence=Evidence.CLICK,
                id=text,
                at=named.at_ms if named else None,
                verdict=_of_click(text, named, fold, contracts, base),
                events=named_by,
                link=named.link_id if named else "",
                partner=terms.partner if terms else "",
                campaign=terms.campaign if terms else "",
                window_days=rule.window_days if rule else None,
            )
        )
    return found


def _own_link(link: str, fold: ClientState, contracts: Contracts) -> LinkTerms | None:
    """What is known of a link of the client's brand. Whose another brand's is, is none of this brand's business; a
    click that is forged or flagged may name one as well."""
    terms = contracts.links.get(link)
    return terms if terms is not None and terms.brand == fold.brand else None


def _of_click(
    text: str, named: click_id.ClickId | None, fold: ClientState, contracts: Contracts, base: Segment | None
) -> Verdict:
    visit = fold.visits.get(text)
    if visit is None:
        return Verdict.FLAGGED if named is not None and named.flagged else Verdict.NOT_GENUINE
    if fold.anchor is None:
        return Verdict.NO_EVENT
    flaw = flaw_of_click(fold.brand, visit, contracts, fold.anchor)
    if flaw is not None:
        return Verdict(flaw.value)
    assert base is not None, "an eligible click makes somebody the client's partner"
    if base.click == text:
        return Verdict.WON
    best = best_click(fold, contracts, fold.anchor)
    assert best is not None, "an eligible click has a best one beside it, or is it"
    click, winner = best
    if click == text:
        return Verdict.CODE_FIRST
    same = contracts.links[visit.link].campaign == winner.campaign and winner.rule_at(fold.anchor).first_click
    return Verdict.FIRST_CLICK if same else Verdict.LATER_CLICK


def _codes(fold: ClientState, facts: Iterable[Event], contracts: Contracts, base: Segment | None) -> list[Piece]:
    facts = list(facts)
    found = []
    moments = {event.key: milliseconds(event.occurred_at) for event in facts}
    # However it was written, it is one code; what can be none is shown as it was sent.
    for code, named_by in _named((normalised(event.promo_code) or event.promo_code, event) for event in facts):
        at = min(moments[key] for key in named_by)
        grant = None if fold.anchor is None else contracts.grant_at(fold.brand, code, fold.anchor)
        found.append(
            Piece(
                evidence=Evidence.PROMO_CODE,
                id=code,
                at=at,
                verdict=_of_code(code, at, fold, contracts, base),
                events=named_by,
                partner=grant.partner if grant else "",
                campaign=grant.campaign if grant else "",
            )
        )
    return found


def _of_code(code: str, at: int, fold: ClientState, contracts: Contracts, base: Segment | None) -> Verdict:
    if not normalised(code):
        return Verdict.NOT_A_CODE
    if fold.anchor is None:
        return Verdict.NO_EVENT
    flaw = flaw_of_code(fold.brand, code, at, contracts, fold.anchor)
    if flaw is not None:
        return Verdict(flaw.value)
    assert base is not None, "a code that somebody has makes somebody the client's partner"
    if base.code == code:
        return Verdict.WON
    return Verdict.CLICK_COUNTS if base.evidence is Evidence.CLICK else Verdict.LATER_CODE


def _leads(fold: ClientState, facts: Iterable[Event], contracts: Contracts, base: Segment | None) -> list[Piece]:
    found = []
    for lead, named_by in _named((event.lead_id, event) for event in facts):
        visits = [visit for name in (lead, f"{lead} again") if (visit := fold.leads.get(name)) is not None]
        # A duplicate of a lead counts by that moment as well: what speaks for it is the better one of the two.
        flaws = {} if fold.anchor is None else {
            visit: flaw_of_lead(fold.brand, visit, contracts, fold.anchor) for visit in visits
        }  # fmt: skip
        good = [visit for visit, flaw in flaws.items() if flaw is None]
        visit = max(good or visits, default=None)
        terms = _own_link(visit.link, fold, contracts) if visit else None
        found.append(
            Piece(
                evidence=Evidence.LEAD,
                id=lead,
                at=visit.at if visit else None,
                verdict=_of_lead(visit, flaws, lead, fold, contracts, base),
                events=named_by,
                link=visit.link if visit else "",
                partner=terms.partner if terms else "",
                campaign=terms.campaign if terms else "",
                window_days=LEAD_WINDOW_DAYS,
            )
        )
    return found


def _of_lead(
    visit: Visit | None,
    flaws: Mapping[Visit, Flaw | None],
    lead: str,
    fold: ClientState,
    contracts: Contracts,
    base: Segment | None,
) -> Verdict:
    if visit is None:
        return Verdict.UNKNOWN_LEAD
    if fold.anchor is None:
        return Verdict.NO_EVENT
    flaw = flaws[visit]
    if flaw is not None:
        return Verdict(flaw.value)
    assert base is not None, "an eligible lead makes somebody the client's partner"
    if base.evidence is not Evidence.LEAD:
        return Verdict.CLICK_COUNTS if base.evidence is Evidence.CLICK else Verdict.CODE_COUNTS
    best = max(
        (each.at, name)
        for name, each in fold.leads.items()
        if flaw_of_lead(fold.brand, each, contracts, fold.anchor) is None
    )
    return Verdict.WON if best[1].removesuffix(" again") == lead else Verdict.LATER_LEAD


def _named(named: Iterable[tuple[str | None, Event]]) -> list[tuple[str, tuple[EventKey, ...]]]:
    """What events name, each once, with the events."""
    found: dict[str, list[EventKey]] = defaultdict(list)
    for text, event in named:
        if text and event.type is not EventType.CANCEL:
            found[text].append(event.key)
    return [(text, tuple(keys)) for text, keys in found.items()]
