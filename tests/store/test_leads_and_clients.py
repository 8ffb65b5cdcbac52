"""From a partner's form to its client: the platform names the lead, or sales say which client it became; the engine's
books follow, verify finds the same, and erasing the person changes nothing of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.client import Evidence
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Invalid
from introducer.domain.lead import Lead, Stage
from introducer.domain.mail import MailTemplate
from introducer.gateways.lead_vault import LeadVault
from introducer.services.lead_books import LeadBooks
from introducer.services.read_client_of_brand import read_client_of_brand
from introducer.services.submit_lead import Form, submit_lead
from introducer.services.work_lead import erase_lead, move_lead
from introducer.store.leads import Leads
from introducer.store.mails import Mails
from introducer.store.moves import Moves
from introducer.store.person_index import PersonIndex
from introducer.store.settlements import Settlements
from tests.support.house import KEY, LINK, NOW, PARTNER, House, a_house, a_registration, an_amount
from tests.support.house import client as hashed
from tests.support.leading import PERSON, Keys
from tests.support.payouts import BRAND

OTHER, OTHER_LINK = "par_two", "Ef34Gh56"
ADMIN = Member(member="mem_admin", partner=None, brand=BRAND, role=Role.ADMIN, name="Ada", language="en")
CAME = NOW - timedelta(days=5)


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as found:
        found.partner(OTHER, "Lantern", OTHER_LINK)
        yield found


@pytest.fixture
def books(house: House) -> LeadBooks:
    vault = LeadVault(Keys(), "key", random=secrets.token_bytes)
    return LeadBooks(
        configuration=house.configuration, leads=Leads("books", "facts"), persons=PersonIndex("books"),
        clients=house.clients, vault=lambda: vault, brand_key=lambda brand: KEY,
    )  # fmt: skip


def comes(books: LeadBooks, code: str = LINK, **other: Any) -> Lead:
    form = Form(**PERSON | other, consent=True, consent_text="I agree", language="en")
    return submit_lead(books, code=code, form=form, address="203.0.113.7", clock=lambda: CAME)


def test_a_registration_that_names_the_lead_is_paid_to_its_partner(house: House, books: LeadBooks) -> None:
    # given a lead of the other partner
    lead = comes(books, OTHER_LINK)
    # when the platform sends the client's registration with it, and a deposit
    house.posts(
        a_registration("10234", "2026-03-04T10:00:00Z", lead_id=lead.lead),
        an_amount("deposit", "10234", "120.00", "2026-03-04T11:00:00Z"),
    )
    # then the client is that partner's, by a lead, and the books verify
    client = hashed("10234")
    state = house.clients.state(BRAND, client)
    assert state is not None and state.owner is not None
    assert (state.owner.partner, state.owner.link) == (OTHER, OTHER_LINK)
    shown = read_client_of_brand(
        house.configuration, house.clients, Moves("facts", "books"), Settlements("books"), brand=BRAND, client=client
    )
    assert [each.evidence for each in shown.belongs] == [Evidence.LEAD]
    assert {key.partner for key in state.posted} == {OTHER}
    assert house.verified().differences == ()
    # and erasing who the lead was leaves all of it
    erase_lead(books, member=ADMIN, lead=lead.lead, version=1, why="asked for it", clock=lambda: NOW)
    house.posts(an_amount("deposit", "10234", "20.00", "2026-03-04T12:00:00Z"))
    after = house.clients.state(BRAND, client)
    assert after is not None and after.timeline == state.timeline
    assert house.verified().differences == ()


def test_a_lead_that_was_won_before_the_client_was_heard_of_says_so_later_and_once(
    house: House, books: LeadBooks
) -> None:
    # given a lead that sales have won on the telephone
    lead = comes(books, OTHER_LINK)

    def wins(version: int, client: str = "") -> Lead:
        return move_lead(books, member=ADMIN, lead=lead.lead, version=version, stage=Stage.WON, client_id=client,
                         clock=lambda: NOW)  # fmt: skip

    assert (wins(1).client, wins(1).version) == ("", 2)
    with pytest.raises(Invalid):
        wins(2, "10234")
    # when the client registers, and sales say which one it is, twice
    house.posts(a_registration("10234", "2026-03-04T10:00:00Z"), a_registration("77", "2026-03-04T10:00:00Z"))
    assert (wins(2, "10234").client, wins(2, "10234").version) == (hashed("10234"), 3)
    house.works()
    # then it is the lead's partner's; another client is not its, and the partner was told one time
    state = house.clients.state(BRAND, hashed("10234"))
    assert state is not None and state.owner is not None and state.owner.partner == OTHER
    for version in (2, 3):
        with pytest.raises(Conflict):
            wins(version, "77")
    assert [mail.template for mail in Mails("books").mails(OTHER)] == [MailTemplate.LEAD_MOVED]
    assert house.verified().differences == ()


def test_a_won_lead_brings_its_client_and_a_click_goes_before_it(house: House, books: LeadBooks) -> None:
    # given two clients who registered without a lead, one of them by a click of the first partner
    click = house.click(NOW - timedelta(days=2), "203.0.113.9")
    house.posts(
        a_registration("plain", "2026-03-04T10:00:00Z"),
        a_registration("clicked", "2026-03-04T10:00:00Z", click_id=click),
    )
    one, two = comes(books, OTHER_LINK), comes(books, OTHER_LINK, email="two@example.com", phone="+4930555555")
    # when sales win the leads, and say which clients they became
    for lead, name in ((one, "plain"), (two, "clicked")):
        for _ in range(2):
            after = move_lead(
                books, member=ADMIN, lead=lead.lead, version=1, stage=Stage.WON, client_id=name, clock=lambda: NOW
            )
        assert after.client == hashed(name)
    house.works()
    # then the first is the lead's partner's, and the second stays the click's
    states = {name: house.clients.state(BRAND, hashed(name)) for name in ("plain", "clicked")}
    assert {name: state.owner.partner for name, state in states.items() if state and state.owner} == {
        "plain": OTHER,
        "clicked": PARTNER,
    }
    assert house.verified().differences == ()
