"""What is said of each piece of evidence is what the fold does: one alone wins, a flawed one never would, and one that
another came before would win without it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from introducer.domain.attribution import attribute, by_evidence
from introducer.domain.client import ClientState, Evidence, merge
from introducer.domain.earnings import happened
from introducer.domain.events import Event, EventType
from introducer.domain.evidence import Piece, Verdict, Weighed, weigh
from tests.property.test_orders import LEADS, LINKS, NAMED, START, clicks, snapshot
from tests.support.builders import BRAND, a_click, an_event

CONTRACTS = snapshot([])
FLAWED = {
    Verdict.NOT_GENUINE, Verdict.FLAGGED, Verdict.NOT_A_CODE, Verdict.UNKNOWN_LEAD, Verdict.UNKNOWN_LINK,
    Verdict.OTHER_BRAND, Verdict.TOO_OLD, Verdict.TOO_LATE, Verdict.NOBODYS_CODE,
}  # fmt: skip
BEATEN = {
    Verdict.LATER_CLICK, Verdict.FIRST_CLICK, Verdict.CODE_FIRST, Verdict.CLICK_COUNTS, Verdict.LATER_CODE,
    Verdict.CODE_COUNTS, Verdict.LATER_LEAD,
}  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """A client's events that bring evidence, around its registration."""
    registered = START + timedelta(hours=draw(st.integers(0, 28 * 24)))

    def near() -> str:
        when = registered - timedelta(hours=draw(st.integers(-2, 200)))
        return a_click(when, draw(st.sampled_from([*LINKS])), number=draw(st.integers(3, 5)))

    def an(number: int, kind: str, hours: int) -> Event:
        text = draw(st.none() | st.builds(near) | clicks() | st.just("not an id"))
        return an_event(
            kind, registered + timedelta(hours=hours), client="client-1", source="web", event_id=f"e{number}",
            status="pending" if kind == "kyc" else None, click_id=text,
            promo_code=draw(st.none() | st.sampled_from(NAMED)),
            lead_id=draw(st.none() | st.sampled_from([*LEADS, "lea_unknown"])),
        )  # fmt: skip

    events = [an(0, "registration", 0)] if draw(st.integers(0, 9)) else []
    events += [an(number, "kyc", draw(st.integers(-48, 48))) for number in range(1, draw(st.integers(2, 5)))]
    if draw(st.integers(0, 3)) == 0:
        partner = draw(st.sampled_from(["par_lot", "par_none"]))
        for number in range(draw(st.integers(1, 3))):
            starts = draw(st.none() | st.integers(-48, 48).map(lambda each: registered + timedelta(hours=each)))
            when = registered + timedelta(days=3, hours=number)
            about = {"client": "client-1", "source": "desk", "event_id": f"mov_{number}", "partner": partner}
            events.append(an_event("move", when, starts_at=starts, **about))
    return events


def weighed(events: Sequence[Event]) -> Weighed:
    """As staff see it: of click ids they know what the engine's state says."""
    state = folded(events)
    return weigh(replace(state, timeline=attribute(state, CONTRACTS)), events, replace(CONTRACTS, click_keys={}))


def folded(events: Iterable[Event]) -> ClientState:
    facts = [each for each in events if happened(each, frozenset())]
    return merge(ClientState(BRAND, "client-1"), facts, CONTRACTS)


def without(events: Sequence[Event], pieces: Iterable[Piece]) -> list[Event]:
    """The same events, which do not name these pieces."""
    gone: dict[Evidence, set[tuple[str, str]]] = {kind: set() for kind in Evidence}
    for piece in pieces:
        gone[piece.evidence] |= set(piece.events)
    return [
        replace(
            each,
            click_id=None if each.key in gone[Evidence.CLICK] else each.click_id,
            promo_code=None if each.key in gone[Evidence.PROMO_CODE] else each.promo_code,
            lead_id=None if each.key in gone[Evidence.LEAD] else each.lead_id,
        )
        for each in events
    ]


@settings(max_examples=150, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
@given(lives())
def test_each_piece_is_what_the_fold_made_of_it(events: list[Event]) -> None:
    # given all of a client's evidence, weighed
    found = weighed(events)
    base = by_evidence(folded(events), CONTRACTS)
    # then it comes to what the fold says
    assert found.timeline == attribute(folded(events), CONTRACTS)
    # and one piece wins where somebody is brought by evidence: that one, of that partner
    won = [each for each in found.pieces if each.verdict in (Verdict.WON, Verdict.OVERRULED)]
    assert len(won) == (base is not None)
    for piece in won:
        assert base is not None
        assert (piece.evidence, piece.partner, piece.campaign) == (base.evidence, base.partner, base.campaign)
        # unless staff decided otherwise from the beginning
        assert (piece.verdict is Verdict.WON) == (base in found.timeline)
        event(f"won by {piece.evidence}")
    # and each time that staff decided about is one decision's
    held = [(each.start, each.partner) for each in found.timeline if each.evidence is Evidence.DECISION]
    assert sorted((each.since or 0, each.partner) for each in found.pieces if each.verdict is Verdict.IN_FORCE) == held
    for piece in found.pieces:
        event(piece.verdict)
        others = [each for each in found.pieces if each is not piece and each.evidence is not Evidence.DECISION]
        alone = by_evidence(folded(without(events, others)), CONTRACTS)
        if piece.verdict in FLAWED:
            # a flawed one brings nobody, though there be nothing else
            assert alone is None
        elif piece.verdict in BEATEN:
            # one that another came before would bring its partner
            assert alone is not None and (alone.partner, alone.evidence) == (piece.partner, piece.evidence)
        elif piece.evidence is Evidence.DECISION:
            assert piece.verdict in (Verdict.REPLACED, Verdict.IN_FORCE)
        else:
            assert piece.verdict in (Verdict.WON, Verdict.OVERRULED, Verdict.NO_EVENT)
    assert (found.anchor is None) == all(each.type in (EventType.MOVE, EventType.LEAD) for each in events)
