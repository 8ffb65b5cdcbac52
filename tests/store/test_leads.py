"""The questions about leads, asked of real tables; and that each step is one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import DESK, Change
from introducer.domain.contracts import LeadTerms
from introducer.domain.errors import Conflict, NotFound, TooMany
from introducer.domain.events import Event, EventType, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.lead import KNOWN_FOR, MOST_PER_HOUR, NOBODY, Consent, Lead, LostReason, Stage, given_to, moved
from introducer.domain.lead_mail import came_mail, moved_mail
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.leads import Leads, Note, Sealed
from introducer.store.mails import Mails
from tests.conftest import Tables

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
PARTNER, OTHER, BRAND = "par_p", "par_q", "brd_1"
SEALED = Sealed(text="c2VhbGVk", data_key="a2V5")
CHANGE = Change(by="mem_sales", at=NOW, why="worked the lead")
HOUR = "2026110309"


@pytest.fixture
def leads(tables: Tables) -> Leads:
    return Leads(tables.books, tables.facts)


def a_lead(number: int = 0, **other: Any) -> Lead:
    at = NOW + timedelta(minutes=number)
    lead = Lead(
        lead=derived_id("lea", number),
        brand=BRAND,
        partner=PARTNER,
        link="LINK0001",
        campaign="cmp_1",
        at=at,
        consent=Consent(text="I agree", language="en", at=at),
        email_hash=f"e{number}",
        phone_hash=f"p{number}",
        since=at,
        salesperson="mem_sales",
    )
    return replace(lead, **other)


def comes(leads: Leads, lead: Lead, first: Lead | None = None) -> Lead:
    leads.submit(lead, SEALED, came_mail(lead, "Harbour"), first)
    return lead


@pytest.mark.pattern("lead_by_id")
def test_a_lead_comes_back_as_it_was_made_to_its_own_partner_only(leads: Leads) -> None:
    lead = comes(leads, a_lead(known=True))

    assert leads.lead(lead.lead) == lead == leads.of_its_partner(PARTNER, lead.lead)
    for strange in ("lea_none", "#", "lea_" + "0" * 3000):
        with pytest.raises(NotFound):
            leads.lead(strange)
        with pytest.raises(NotFound):
            leads.of_its_partner(PARTNER, strange)
    with pytest.raises(NotFound):
        leads.of_its_partner(OTHER, lead.lead)


@pytest.mark.pattern("leads_of_partner")
def test_a_partners_leads_come_in_pages_without_others(leads: Leads) -> None:
    made = {comes(leads, a_lead(number)).lead for number in range(5)}
    comes(leads, a_lead(9, partner=OTHER))

    first = leads.of_partner(PARTNER, limit=3)
    rest = leads.of_partner(PARTNER, first.cursor, limit=3)
    names = [each.lead for each in (*first.items, *rest.items)]
    assert sorted(names) == sorted(made) and names == sorted(names, reverse=True)


@pytest.mark.pattern("leads_of_salesperson")
def test_a_salespersons_leads_of_a_stage_come_the_longest_waiting_first(leads: Leads) -> None:
    made = [comes(leads, a_lead(number)) for number in range(3)]
    free = comes(leads, a_lead(7, salesperson=NOBODY))
    comes(leads, a_lead(8, brand="brd_2"))
    after = moved(made[1], Stage.CONTACTED, None, NOW + timedelta(hours=1))
    leads.step("move_lead", made[1], after, CHANGE, [moved_mail(after)])

    assert leads.of_salesperson(BRAND, "mem_sales", Stage.NEW).items == (made[0], made[2])
    assert leads.of_salesperson(BRAND, "mem_sales", Stage.CONTACTED).items == (after,)
    assert leads.of_salesperson(BRAND, NOBODY, Stage.NEW).items == (free,)
    page = leads.of_salesperson(BRAND, "mem_sales", Stage.NEW, limit=1)
    assert page.items == (made[0],)
    assert leads.of_salesperson(BRAND, "mem_sales", Stage.NEW, page.cursor, 1).items == (made[2],)


@pytest.mark.pattern("place_of_lead")
def test_a_duplicate_counts_for_the_partner_whose_lead_it_was_first(leads: Leads, tables: Tables) -> None:
    first = comes(leads, a_lead())
    again = comes(leads, a_lead(5, partner=OTHER, link="LINK0002", first=first.lead, email_hash="e0"), first)

    configuration = Configuration(tables.books)
    assert configuration.lead_terms(first.lead) == LeadTerms(BRAND, "LINK0001", milliseconds(first.at))
    by_either = LeadTerms(BRAND, "LINK0001", milliseconds(first.at), milliseconds(again.at))
    assert configuration.lead_terms(again.lead) == by_either
    assert configuration.lead_terms("lea_unknown") is configuration.lead_terms("a promo code") is None


@pytest.mark.pattern("lead_of_person")
def test_somebody_is_known_for_ninety_days_by_e_mail_or_phone(leads: Leads) -> None:
    lead = comes(leads, a_lead())

    assert leads.first_with(BRAND, {"email": "e0", "phone": "other"}, NOW) == lead.lead
    assert leads.first_with(BRAND, {"email": "other", "phone": "p0"}, NOW) == lead.lead
    assert leads.first_with("brd_2", {"email": "e0"}, NOW) == leads.first_with(BRAND, {"email": "p0"}, NOW) == ""
    assert leads.first_with(BRAND, {"email": "e0"}, NOW + KNOWN_FOR) == ""
    # of two at once one is the first, and whoever comes when it is over may be
    with pytest.raises(Conflict):
        comes(leads, a_lead(2, email_hash="e0"))
    later = comes(leads, a_lead(3, email_hash="e0", at=NOW + KNOWN_FOR))
    assert leads.first_with(BRAND, {"email": "e0"}, NOW + KNOWN_FOR) == later.lead


@pytest.mark.pattern("person_of_lead")
def test_who_a_lead_is_goes_with_its_data_key(leads: Leads) -> None:
    lead = comes(leads, a_lead())
    assert leads.person(lead.lead) == SEALED
    assert leads.persons([lead.lead, "lea_none"]) == {lead.lead: SEALED}

    after = replace(lead, email_hash="", phone_hash="", erased_at=NOW, version=2)
    leads.erase(lead, after, CHANGE)
    assert leads.person(lead.lead) is None and leads.persons([lead.lead]) == {}
    assert leads.lead(lead.lead) == after
    assert leads.first_with(BRAND, {"email": "e0", "phone": "p0"}, NOW) == ""
    with pytest.raises(Conflict):
        leads.erase(lead, after, replace(CHANGE, by="mem_other"))


@pytest.mark.pattern("notes_of_lead")
def test_notes_come_oldest_first_and_the_trail_does_not_say_them(leads: Leads, tables: Tables) -> None:
    lead, other = comes(leads, a_lead()), comes(leads, a_lead(1))
    made = [Note(note=f"not_{n}", at=NOW + timedelta(minutes=n), by="mem_sales", sealed=f"text {n}") for n in range(3)]
    for each in (made[2], made[0], made[1]):
        leads.note(lead, each, replace(CHANGE, at=each.at))

    assert leads.notes(lead.lead) == tuple(made)
    assert leads.notes(other.lead) == ()
    trail = Configuration(tables.books).audit_of_subject(lead.lead).items
    assert not any("text" in each.after for each in trail)


@pytest.mark.pattern("leads_of_address")
def test_an_address_sends_so_many_within_an_hour(leads: Leads) -> None:
    for _ in range(MOST_PER_HOUR):
        leads.count(BRAND, "hash", HOUR, NOW)
    with pytest.raises(TooMany):
        leads.count(BRAND, "hash", HOUR, NOW)

    assert leads.sent_by(BRAND, "hash", HOUR) == MOST_PER_HOUR
    leads.count(BRAND, "other", HOUR, NOW)
    leads.count(BRAND, "hash", "2026110310", NOW)


def test_a_lead_is_made_with_its_mail_and_its_audit_record_or_not_at_all(leads: Leads, tables: Tables) -> None:
    lead = comes(leads, a_lead())
    with pytest.raises(Conflict):
        comes(leads, replace(lead, at=NOW + timedelta(minutes=1), partner=OTHER))

    [record] = Configuration(tables.books).audit_of_subject(lead.lead).items
    assert (record.action, record.by) == ("submit_lead", "system:lead_form")
    assert "e0" not in record.after, "no hash stands in the trail"
    assert [each.template for each in Mails(tables.books).mails(BRAND)] == ["lead_came"]


def test_a_won_lead_says_whose_client_it_is_in_the_same_transaction(leads: Leads, tables: Tables) -> None:
    lead = comes(leads, a_lead())
    after = replace(moved(lead, Stage.WON, None, NOW), client="client-1")
    fact = Event(
        brand=BRAND, source=DESK, client="client-1", event_id="led_1", type=EventType.LEAD, occurred_at=NOW,
        accepted_at=NOW, lead_id=lead.lead,
    )  # fmt: skip
    leads.step("move_lead", lead, after, CHANGE, [moved_mail(after)], fact)

    assert Facts(tables.facts).event(BRAND, "client-1", DESK, "led_1") == fact
    with pytest.raises(Conflict):
        leads.step("give_lead", lead, given_to(lead, NOBODY), CHANGE)
    assert leads.lead(lead.lead) == after
    lost = moved(lead, Stage.LOST, LostReason.OTHER, NOW)
    with pytest.raises(Conflict):
        leads.step("move_lead", lead, lost, replace(CHANGE, by="mem_other"), [moved_mail(lost)])
    assert [each.template for each in Mails(tables.books).mails(PARTNER)] == ["lead_moved"]
