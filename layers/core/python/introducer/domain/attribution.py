"""Whose client it is: by a click, a promo code, a lead, or what staff decided. A pure function of the client's evidence
relative to the moment it is counted from (the anchor: its registration, else its first event).

Clicks come first, then promo codes, then leads; what staff decided is painted over all of them. A campaign may say that
a promo code comes before its clicks. Everything that is configured (who had a code, how a campaign attributes) is read
as it stood at the anchor, and no decision about either reaches back: so a fold of the same events gives the same
partner on any day, in any order (docs/attribution.md).
"""

from __future__ import annotations

from enum import StrEnum

from introducer.domain.calendar import DAY_MS
from introducer.domain.client import ClientState, Segment, Visit, by_code, last_ms
from introducer.domain.contracts import Contracts, Grant, LinkTerms

LEAD_WINDOW_DAYS = 90
"""How long before the anchor a lead may have come. Longer than a click's: a person works on it meanwhile."""


class Flaw(StrEnum):
    """Why a piece of evidence cannot count by itself, whatever else there is."""

    UNKNOWN_LINK = "unknown_link"
    OTHER_BRAND = "other_brand"
    TOO_OLD = "too_old"
    """Before the window that ends with the anchor."""
    TOO_LATE = "too_late"
    """After the anchor: it cannot have led to the registration."""
    NOBODYS_CODE = "nobodys_code"
    """At the anchor's moment no partner had this code."""


def attribute(state: ClientState, contracts: Contracts) -> tuple[Segment, ...]:
    """Whose client it is, when. Decisions paint [start, ∞) in the order in which they were made, ties by id: a later
    one covers an earlier one."""
    found = by_evidence(state, contracts)
    segments = [] if found is None else [found]
    for _, move in sorted(state.moves.items(), key=lambda each: (each[1].decided_at, each[0])):
        segments = [segment for segment in segments if segment.start < move.start]
        segments.append(Segment(move.start, move.partner, "", "", ""))
    return tuple(segments)


def by_evidence(state: ClientState, contracts: Contracts) -> Segment | None:
    """Whose client it is by clicks, promo codes and leads alone."""
    anchor = state.anchor
    if anchor is None:
        return None
    clicked = best_click(state, contracts, anchor)
    if clicked is not None:
        click, terms = clicked
        # The campaign of the click says it: it is its click that gives way.
        coded = _by_codes(state, contracts, anchor) if terms.rule_at(anchor).promo_first else None
        return coded or Segment(0, terms.partner, terms.link, terms.campaign, click)
    return _by_codes(state, contracts, anchor) or _by_leads(state, contracts, anchor)


def best_click(state: ClientState, contracts: Contracts, anchor: int) -> tuple[str, LinkTerms] | None:
    """The last click in its campaign's window before the anchor, or the first one of that campaign where the campaign
    says so. So of two clicks of campaigns that differ the last one chooses the campaign, and the campaign the click.

    Ties go by click id, so that the order of arrival decides nothing.
    """
    eligible = [
        (visit.at, text, contracts.links[visit.link])
        for text, visit in state.visits.items()
        if flaw_of_click(state.brand, visit, contracts, anchor) is None
    ]
    if not eligible:
        return None
    _, click, terms = max(eligible, key=lambda each: each[:2])
    if terms.rule_at(anchor).first_click:
        same = (each for each in eligible if each[2].campaign == terms.campaign)
        _, click, terms = min(same, key=lambda each: each[:2])
    return click, terms


def _by_codes(state: ClientState, contracts: Contracts, anchor: int) -> Segment | None:
    """Of the promo codes that were named by the anchor's second and that somebody had at the anchor, the one that came
    last; ties go by the code."""
    eligible = [
        (at, code) for code, at in state.codes.items() if flaw_of_code(state.brand, code, at, contracts, anchor) is None
    ]
    if not eligible:
        return None
    _, code = max(eligible)
    grant = contracts.grant_at(state.brand, code, anchor)
    assert grant is not None, "a code that nobody has has a flaw"
    return Segment(0, grant.partner, by_code(code), grant.campaign, "")


def _by_leads(state: ClientState, contracts: Contracts, anchor: int) -> Segment | None:
    """The last lead in [anchor − `LEAD_WINDOW_DAYS`, anchor]; ties go by its id. One that came after the client did
    brought nobody."""
    eligible = [
        (visit.at, lead, contracts.links[visit.link])
        for lead, visit in state.leads.items()
        if flaw_of_lead(state.brand, visit, contracts, anchor) is None
    ]
    if not eligible:
        return None
    terms = max(eligible, key=lambda each: each[:2])[2]
    return Segment(0, terms.partner, terms.link, terms.campaign, "")


def flaw_of_click(brand: str, visit: Visit, contracts: Contracts, anchor: int) -> Flaw | None:
    """Why a genuine, unflagged click cannot count; None when it can. Only the brand's own links count: click ids of all
    brands are signed alike, and anybody can copy one."""
    terms = contracts.links.get(visit.link)
    days = 0 if terms is None else terms.rule_at(anchor).window_days
    return _flaw_of_link(brand, terms) or _flaw_of_moment(visit.at, days, anchor)


def flaw_of_lead(brand: str, visit: Visit, contracts: Contracts, anchor: int) -> Flaw | None:
    """Why a lead of the brand cannot count; None when it can."""
    terms = contracts.links.get(visit.link)
    return _flaw_of_link(brand, terms) or _flaw_of_moment(visit.at, LEAD_WINDOW_DAYS, anchor)


def flaw_of_code(brand: str, code: str, named_at: int, contracts: Contracts, anchor: int) -> Flaw | None:
    """Why a promo code that was named at a moment cannot count; None when it can."""
    if named_at > last_ms(anchor):
        return Flaw.TOO_LATE
    grant: Grant | None = contracts.grant_at(brand, code, anchor)
    return Flaw.NOBODYS_CODE if grant is None else None


def _flaw_of_link(brand: str, terms: LinkTerms | None) -> Flaw | None:
    if terms is None:
        return Flaw.UNKNOWN_LINK
    return None if terms.brand == brand else Flaw.OTHER_BRAND


def _flaw_of_moment(at: int, window_days: int, anchor: int) -> Flaw | None:
    """The anchor's whole second counts: platforms report seconds, and a click of the same second came before."""
    if at > last_ms(anchor):
        return Flaw.TOO_LATE
    return Flaw.TOO_OLD if at < anchor - window_days * DAY_MS else None
