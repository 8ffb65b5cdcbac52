"""A lead's stages, who may do what with it, and whose client it makes somebody."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.attribution import LEAD_WINDOW_DAYS, attribute
from introducer.domain.client import ClientState, merge
from introducer.domain.configuration import Member, Role
from introducer.domain.contracts import Contracts, LeadTerms, LinkTerms
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.events import Event, milliseconds
from introducer.domain.lead import (
    KNOWN_FOR,
    NEXT,
    NOBODY,
    Consent,
    Lead,
    LostReason,
    Person,
    Stage,
    check_giver,
    check_sees,
    consent_of,
    from_json,
    given_to,
    moved,
    name_of,
    note_of,
    salesperson_for,
    sender_of,
    to_json,
)
from introducer.domain.lead_mail import came_mail, given_mail, moved_mail
from introducer.domain.rates import Rates
from tests.support.builders import BRAND, CLICK_KEY, CLIENT, a_click, an_event, at

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
LEAD = Lead(
    lead="lea_1", brand=BRAND, partner="par_p", link="LINK0001", campaign="cmp_1", at=NOW,
    consent=Consent(text="I agree", language="en", at=NOW), email_hash="e", phone_hash="p", since=NOW,
    salesperson="mem_sales",
)  # fmt: skip


def a_member(role: Role, member: str = "mem_sales") -> Member:
    return Member(member=member, partner=None, brand=BRAND, role=role, name="Sol", language="en")


@pytest.mark.parametrize(("stage", "to"), list(itertools.product(Stage, Stage)))
def test_a_stage_is_followed_by_those_that_the_pipeline_says_and_no_other(stage: Stage, to: Stage) -> None:
    lead = replace(LEAD, stage=stage, lost=LostReason.OTHER if stage is Stage.LOST else None)
    later = NOW + timedelta(hours=1)
    if to not in NEXT[stage]:
        with pytest.raises(Conflict):
            moved(lead, to, LostReason.OTHER, later)
        return
    after = moved(lead, to, LostReason.NOT_REACHED, later)
    assert (after.stage, after.since, after.version) == (to, later, lead.version + 1)
    assert after.lost is (LostReason.NOT_REACHED if to is Stage.LOST else None)


def test_a_lost_lead_has_a_reason_and_a_closed_one_is_given_to_nobody() -> None:
    with pytest.raises(Invalid):
        moved(LEAD, Stage.LOST, None, NOW)
    with pytest.raises(Conflict):
        given_to(replace(LEAD, stage=Stage.WON), "mem_other")


def test_sales_take_what_nobody_works_and_give_back_their_own_alone() -> None:
    sales, manager = a_member(Role.SALES), a_member(Role.MANAGER, "mem_manager")
    free = replace(LEAD, salesperson=NOBODY)
    check_giver(sales, free, "mem_sales")
    check_giver(sales, LEAD, NOBODY)
    check_giver(manager, LEAD, "mem_other")
    for lead, to in ((LEAD, "mem_other"), (free, "mem_other"), (replace(LEAD, salesperson="mem_other"), "mem_sales")):
        with pytest.raises(Forbidden):
            check_giver(sales, lead, to)


def test_others_see_no_lead() -> None:
    check_sees(a_member(Role.SALES), LEAD)
    check_sees(a_member(Role.ADMIN, "mem_admin"), LEAD)
    for member in (a_member(Role.SALES, "mem_other"), a_member(Role.FINANCE), a_member(Role.COMPLIANCE)):
        with pytest.raises(Forbidden):
            check_sees(member, LEAD)


def test_new_leads_are_spread_over_sales_and_a_repeat_meets_the_same_one() -> None:
    sales = ["mem_a", "mem_b", "mem_c"]
    got = [salesperson_for(f"lea_{number:026d}", sales) for number in range(300)]
    assert {name: got.count(name) >= 60 for name in sales} == dict.fromkeys(sales, True)
    assert got == [salesperson_for(f"lea_{number:026d}", sales[::-1]) for number in range(300)]
    assert salesperson_for("lea_1", []) == NOBODY


def test_names_and_notes_are_kept_on_lines_of_their_own() -> None:
    assert name_of("  Mara \n Quill ") == "Mara Quill"
    assert name_of("مارا القلم") == "مارا القلم"
    assert note_of(" one\r\ntwo ") == "one\ntwo"
    for text in ("", "x", "x" * 121, "a\x00b"):
        with pytest.raises(Invalid):
            name_of(text)
    for text in (" ", "x" * 1001):
        with pytest.raises(Invalid):
            note_of(text)
    person = Person(name="مارا", email="m@example.com", phone="+49301234567")
    assert from_json(to_json(person)) == person


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        # What a page puts between words, where lines break, and what only says where they may.
        ("J\u2019accepte\u00a0: ma banque\u202fme contacte", "J\u2019accepte : ma banque me contacte"),
        ("\ufeff I agree\tto\u3000be called.\r\n\u2003 By phone. ", "I agree to be called.\nBy phone."),
        ("Daten\u00adschutz\u200b\u2060", "Datenschutz"),
        # Thai parts its words by spaces that have no width.
        ("\u0e09\u0e31\u0e19\u200b\u0e22\u0e2d\u0e21", "\u0e09\u0e31\u0e19\u0e22\u0e2d\u0e21"),
    ],
)  # fmt: skip
def test_words_to_agree_to_are_kept_with_plain_spaces(sent: str, kept: str) -> None:
    assert consent_of(sent) == kept
    assert consent_of(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        # Persian and Hindi are spelt with what joins or parts letters; Arabic marks which way a number reads.
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937\u092e\u093e",
        "\u0623\u0648\u0627\u0641\u0642 \u200f(MT5)\u200e \u061c5",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
    ],
)
def test_words_to_agree_to_keep_what_spells_them(text: str) -> None:
    assert consent_of(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", " \u00a0\t", "\u200b", "\u200d\u200c\u200f", "\ufeff\u00ad",
        "I agree\x00", "I\x1bagree", "I\x1fagree", "I agree\x7f.", "I\x9bagree",
        # What turns the order of letters around, and what is no character.
        "\u202eeerga I", "I \u202dagree", "I \u2067agree\u2069", "I agree\ud800", "I agree\ue000", "I agree\U000e0041",
    ],
)  # fmt: skip
def test_nobody_agrees_to_what_cannot_be_read(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        consent_of(text)
    assert refused.value.code == "invalid_consent_text"


def test_leads_are_counted_by_address_and_for_ipv6_by_household() -> None:
    assert sender_of("203.0.113.9") == "203.0.113.9"
    for address in ("2001:db8:0:7::", "2001:db8:0:7:8000::1", "2001:db8:0:7:ffff:ffff:ffff:ffff"):
        assert sender_of(address) == "2001:db8:0:7::/64", address
    for address in ("2001:db8:0:6:ffff:ffff:ffff:ffff", "2001:db8:0:8::"):
        assert sender_of(address) != "2001:db8:0:7::/64", address


def test_mails_say_that_a_lead_came_and_how_it_goes_on_and_not_who_it_is() -> None:
    came, told = came_mail(LEAD, "Harbour"), moved_mail(moved(LEAD, Stage.WON, None, NOW))
    assert (came.member, told.partner, told.values["stage"]) == ("mem_sales", "par_p", "won")
    assert came_mail(replace(LEAD, salesperson=NOBODY), "Harbour").audience.value == "planners"
    by = type("Change", (), {"by": "mem_sales"})
    assert given_mail(LEAD, "Harbour", by) is None, "whoever took it knows"


# ------------------------------------------------------------------------------------------------------ whose client

REGISTERED = at("2026-03-10 12:00")
LINKS = {name: LinkTerms(name, BRAND, f"par_{name[-1]}", "cmp", 30) for name in ("LINK000A", "LINK000B")}


def holder(*events: Event, **came: LeadTerms) -> str | None:
    """Whose client these events make somebody, whatever order they come in."""
    contracts = Contracts(LINKS, {}, Rates({}), {0: CLICK_KEY}, leads=came)
    found = set()
    for order in itertools.permutations(events):
        state = ClientState(BRAND, CLIENT)
        for event in order:
            state = merge(state, [event], contracts)
        timeline = attribute(state, contracts)
        found.add(timeline[-1].partner if timeline else None)
    (one,) = found
    return one


def by(link: str, days: float, brand: str = BRAND) -> LeadTerms:
    return LeadTerms(brand, link, milliseconds(REGISTERED - timedelta(days=days)))


def registers(**named: object) -> Event:
    return an_event("registration", REGISTERED, **named)


def test_a_registration_that_names_a_lead_is_its_partners_client() -> None:
    assert holder(registers(lead_id="lea_1"), lea_1=by("LINK000A", 3)) == "par_A"
    assert holder(registers(lead_id="lea_2"), lea_1=by("LINK000A", 3)) is None


def test_a_click_goes_before_any_lead_and_a_decision_covers_both() -> None:
    click = a_click(REGISTERED - timedelta(days=20), "LINK000B")
    lead = {"lea_1": by("LINK000A", 1)}
    assert holder(registers(lead_id="lea_1", click_id=click), **lead) == "par_B"
    old = a_click(REGISTERED - timedelta(days=31), "LINK000B")
    assert holder(registers(lead_id="lea_1", click_id=old), **lead) == "par_A"
    decided = an_event("move", REGISTERED + timedelta(days=9), source="desk", partner="par_C")
    assert holder(registers(lead_id="lea_1"), decided, **lead) == "par_C"


def test_a_won_lead_says_so_later_and_stands_for_no_registration() -> None:
    won = an_event("lead", REGISTERED + timedelta(days=5), source="desk", lead_id="lea_1")
    assert holder(registers(), won, lea_1=by("LINK000A", 2)) == "par_A"
    assert holder(won, lea_1=by("LINK000A", 2)) is None, "nobody heard of the client yet"


def test_a_lead_counts_for_ninety_days_and_never_after_the_client_came() -> None:
    assert timedelta(days=LEAD_WINDOW_DAYS) == KNOWN_FOR
    assert holder(registers(lead_id="lea_1"), lea_1=by("LINK000A", LEAD_WINDOW_DAYS)) == "par_A"
    assert holder(registers(lead_id="lea_1"), lea_1=by("LINK000A", LEAD_WINDOW_DAYS + 0.001)) is None
    assert holder(registers(lead_id="lea_1"), lea_1=by("LINK000A", -0.001)) is None


def test_who_asks_again_counts_for_the_first_partner_by_either_moment() -> None:
    # The first came 95 days before the registration, and again 35 days before; or 5 days before, and again after it.
    for first, again, whose in ((95, 35, "par_A"), (5, -3, "par_A"), (95, 91, None), (-1, -3, None)):
        lead = by("LINK000A", first)._replace(again=by("LINK000A", again).at)
        assert holder(registers(lead_id="lea_2"), lea_2=lead) == whose, (first, again)


def test_the_last_of_several_leads_counts_and_none_of_another_brand() -> None:
    later = an_event("deposit", REGISTERED + timedelta(days=1), amount="10.00", lead_id="lea_2")
    came = {"lea_1": by("LINK000A", 9), "lea_2": by("LINK000B", 2)}
    assert holder(registers(lead_id="lea_1"), later, **came) == "par_B"
    assert holder(registers(lead_id="lea_1"), lea_1=by("LINK000A", 3, "brd_other")) is None
