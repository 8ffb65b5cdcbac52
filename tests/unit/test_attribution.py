"""Whose client it is, case by case, as docs/attribution.md has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.attribution import attribute
from introducer.domain.calendar import DAY_MS
from introducer.domain.client import ClientState, Evidence, Segment, merge
from introducer.domain.contracts import AttributionRule, Contracts, Grant, LinkTerms
from introducer.domain.events import Event, milliseconds
from introducer.domain.evidence import Piece, weigh
from introducer.domain.rates import Rates
from tests.support.builders import BRAND, CLICK_KEY, a_click, an_event, at

REGISTERED = at("2026-03-10T12:00:00")
LAST = {f"LASTCLK{n}": LinkTerms(f"LASTCLK{n}", BRAND, f"last_{n}", "cmp_last", 30) for n in (1, 2)}
FIRST = {f"FRSTCLK{n}": LinkTerms(f"FRSTCLK{n}", BRAND, f"first_{n}", "cmp_first", 7, first_click=True) for n in (1, 2)}
SPRING = Grant("code_partner", 0, milliseconds(REGISTERED), "cmp_code")
AFTERWARDS = Grant("next_partner", milliseconds(REGISTERED), None)


def whose(
    *days: tuple[str, float],
    code: str | None = None,
    named: timedelta = timedelta(),
    codes: tuple[Grant, ...] = (AFTERWARDS,),
    rules: tuple[AttributionRule, ...] = (),
) -> Segment | None:
    """Whose a client is who followed these links so many days before it registered, and named a code then or later."""
    links = {name: replace(terms, later=rules) for name, terms in (LAST | FIRST).items()}
    contracts = Contracts(links, {}, Rates({}), {0: CLICK_KEY}, codes={(BRAND, "SPRING"): codes})
    events: list[Event] = [an_event("registration", REGISTERED, event_id="e")]
    events += [
        an_event("kyc", REGISTERED, status="pending", event_id=f"e{number}",
                 click_id=a_click(REGISTERED - timedelta(days=ago), link, number=number))
        for number, (link, ago) in enumerate(days)
    ]  # fmt: skip
    events.append(an_event("kyc", REGISTERED + named, status="pending", event_id="code", promo_code=code))
    return next(iter(attribute(merge(ClientState(BRAND, "client"), events, contracts), contracts)), None)


def partner(found: Segment | None) -> str | None:
    return found.partner if found else None


@pytest.mark.parametrize(
    ("days", "wins"),
    [
        ([("LASTCLK1", 3), ("LASTCLK2", 2)], "last_2"),
        ([("FRSTCLK1", 3), ("FRSTCLK2", 2)], "first_1"),
        # two campaigns: the last click chooses the campaign, and that its click
        ([("FRSTCLK1", 5), ("FRSTCLK2", 3), ("LASTCLK1", 2)], "last_1"),
        ([("FRSTCLK1", 5), ("LASTCLK1", 3), ("FRSTCLK2", 2)], "first_1"),
        ([("LASTCLK1", 6), ("FRSTCLK1", 5), ("FRSTCLK2", 2)], "first_1"),
        # each in the window of its own campaign
        ([("FRSTCLK1", 8), ("LASTCLK1", 20)], "last_1"),
        ([("FRSTCLK1", 8), ("FRSTCLK2", 2)], "first_2"),
        ([("FRSTCLK1", 8), ("LASTCLK1", 31)], None),
        # a window ends with its first moment
        ([("FRSTCLK1", 7 + 1 / DAY_MS), ("LASTCLK1", 30)], "last_1"),
    ],
)
def test_of_several_clicks_the_campaign_of_the_last_one_chooses(
    days: list[tuple[str, float]], wins: str | None
) -> None:
    assert partner(whose(*days)) == wins


def test_a_code_counts_where_no_click_does_and_its_figures_stand_by_themselves() -> None:
    found = whose(("FRSTCLK1", 8), code=" spring ")
    assert found is not None
    assert (found.partner, found.evidence, found.code, found.click) == (
        "next_partner", Evidence.PROMO_CODE, "SPRING", "",
    )  # fmt: skip
    # and a click that counts goes before it
    assert partner(whose(("LASTCLK1", 2), code="spring")) == "last_1"


def test_a_code_that_changes_hands_is_whose_it_is_in_the_registrations_very_moment() -> None:
    before, after = replace_end(SPRING, 1), replace_start(AFTERWARDS, 1)
    assert partner(whose(code="SPRING", codes=(SPRING, AFTERWARDS))) == "next_partner"
    assert partner(whose(code="SPRING", codes=(before, after))) == "code_partner"
    # one that nobody has then is nobody's
    assert whose(code="SPRING", codes=(SPRING,)) is None


def replace_end(grant: Grant, ms: int) -> Grant:
    return grant._replace(end=(grant.end or 0) + ms)


def replace_start(grant: Grant, ms: int) -> Grant:
    return grant._replace(start=grant.start + ms)


def test_a_code_that_is_named_after_the_registrations_second_is_a_bonus() -> None:
    assert partner(whose(code="SPRING", named=timedelta(milliseconds=999))) == "next_partner"
    assert whose(code="SPRING", named=timedelta(seconds=1)) is None
    assert partner(whose(code="SPRING", named=timedelta(days=-400))) == "next_partner"


def test_a_client_remembers_no_bonus_once_it_is_registered() -> None:
    contracts = Contracts({}, {}, Rates({}), {})
    deposits = [
        an_event(
            "kyc", REGISTERED + timedelta(days=day), status="pending", event_id=f"b{day}", promo_code=f"BONUS{day}"
        )
        for day in range(-1, 3)
    ]
    before = merge(ClientState(BRAND, "client"), deposits, contracts)
    assert len(before.codes) == 4, "which of them will be in time is not known yet"
    after = merge(before, [an_event("registration", REGISTERED, event_id="e")], contracts)
    assert sorted(after.codes) == ["BONUS-1", "BONUS0"]


def test_of_several_codes_the_one_that_was_named_last_counts_each_by_when_it_was_named_first() -> None:
    codes = {(BRAND, name): (Grant(f"{name.lower()}_partner", 0, None),) for name in ("AAA", "BBB", "CCC")}
    contracts = Contracts({}, {}, Rates({}), {}, codes=codes)

    def named(*hours: tuple[str, int]) -> str | None:
        events: list[Event] = [an_event("registration", REGISTERED, event_id="e")]
        events += [
            an_event("kyc", REGISTERED - timedelta(hours=ago), status="pending", event_id=f"e{number}", promo_code=code)
            for number, (code, ago) in enumerate(hours)
        ]
        found = [
            attribute(merge(ClientState(BRAND, "client"), each, contracts), contracts)
            for each in (events, events[::-1])
        ]
        assert found[0] == found[1]
        return partner(found[0][0])

    assert named(("CCC", 3), ("AAA", 2)) == "aaa_partner"
    assert named(("AAA", 3), ("BBB", 2), ("AAA", 1)) == "bbb_partner"
    assert named(("AAA", 3), ("BBB", 3)) == "bbb_partner", "ties go by the code"


def test_the_clicks_campaign_may_let_codes_come_first_from_a_moment_on() -> None:
    now, later = milliseconds(REGISTERED), milliseconds(REGISTERED) + 1
    first = AttributionRule(now, 30, promo_first=True)
    assert partner(whose(("LASTCLK1", 2), code="SPRING", rules=(first,))) == "next_partner"
    # who registered a millisecond before is attributed as it was then
    assert partner(whose(("LASTCLK1", 2), code="SPRING", rules=(first._replace(since=later),))) == "last_1"
    # without a code the click counts, and by the window of that moment
    assert partner(whose(("LASTCLK1", 2), rules=(first,))) == "last_1"
    assert whose(("LASTCLK1", 20), rules=(AttributionRule(now, 7),)) is None
    # of two decisions the last one that has begun, though it begins before an earlier one
    assert partner(whose(("LASTCLK1", 20), rules=(AttributionRule(now, 7), AttributionRule(now - 1, 30)))) == "last_1"
    assert partner(whose(("LASTCLK1", 20), rules=(AttributionRule(now, 7), AttributionRule(now, 30)))) == "last_1"


def said_of(clicks: dict[str, str], **links: LinkTerms) -> dict[str, Piece]:
    """What staff read of these clicks, by what they are called, of a client that named each and a promo code. Only the
    genuine ones are in the engine's state."""
    contracts = Contracts(links, {}, Rates({}), {0: CLICK_KEY}, codes={(BRAND, "SPRING"): (AFTERWARDS,)})
    events: list[Event] = [an_event("registration", REGISTERED, event_id="e", promo_code="spring")]
    events += [
        an_event("kyc", REGISTERED, status="pending", event_id=called, click_id=text) for called, text in clicks.items()
    ]
    state = merge(ClientState(BRAND, "client"), events, contracts)
    found = {piece.id: piece for piece in weigh(state, events, replace(contracts, click_keys={})).pieces}
    return {called: found[text] for called, text in clicks.items()}


def test_only_the_click_that_would_count_gives_way_to_a_code() -> None:
    promo = AttributionRule(0, 30, first_click=True, promo_first=True)
    links = {
        "LASTCLK1": LAST["LASTCLK1"],
        "FRSTCLK1": replace(FIRST["FRSTCLK1"], later=(promo,)),
        "FRSTCLK2": replace(FIRST["FRSTCLK2"], later=(promo,)),
    }
    ago = {"LASTCLK1": 3, "FRSTCLK1": 4, "FRSTCLK2": 2}
    found = said_of({link: a_click(REGISTERED - timedelta(days=each), link) for link, each in ago.items()}, **links)
    # the campaign of the earlier click never said that codes come first: a later click came before it
    assert {link: piece.verdict.value for link, piece in found.items()} == {
        "LASTCLK1": "later_click",
        "FRSTCLK1": "code_first",
        "FRSTCLK2": "first_click",
    }
    # of a campaign that counts its last click, each earlier one lost to a later one
    last = said_of({link: a_click(REGISTERED - timedelta(days=int(link[-1])), link) for link in LAST}, **LAST)
    assert {link: piece.verdict.value for link, piece in last.items()} == {"LASTCLK1": "won", "LASTCLK2": "later_click"}


def test_nothing_is_said_of_another_brands_link_whatever_is_wrong_with_the_click() -> None:
    when = REGISTERED - timedelta(days=1)
    genuine = a_click(when, "FOREIGN1", number=1)
    flagged = a_click(when, "FOREIGN1", number=2, flagged=True)
    forged = genuine[:-1] + ("A" if genuine[-1] != "A" else "B")
    foreign = LinkTerms("FOREIGN1", "another", "their_partner", "their_campaign", 30)
    found = said_of({"other_brand": genuine, "flagged": flagged, "not_genuine": forged}, FOREIGN1=foreign)
    for verdict, piece in found.items():
        assert piece.verdict == verdict
        assert (piece.partner, piece.campaign, piece.window_days) == ("", "", None), verdict
