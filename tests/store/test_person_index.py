"""Who has an e-mail, phone, device or address: what is read of it, and what a partner's members bring; and who is paid
to an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Member, Role
from introducer.domain.events import milliseconds
from introducer.domain.fraud.person import Person
from introducer.domain.identity import brand_key, keyed_hash
from introducer.services.remember_member import persons_of, remember_member
from introducer.store import keys
from introducer.store import persons as counted
from introducer.store.account_holders import AccountHolders
from introducer.store.person_index import ADDRESS_DAYS, PersonIndex
from introducer.store.persons import PERSON_DAYS, person_update
from introducer.store.wire import connect
from tests.conftest import Tables
from tests.support.payouts import NOW as PAYDAY
from tests.support.payouts import Paying

pytestmark = pytest.mark.in_memory

BRAND, PARTNER, OTHER = "brd_one", "par_one", "par_two"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = brand_key(b"the-identity-secret", BRAND)
EMAIL, PHONE = Person("email", "hash of an e-mail"), Person("phone", "hash of a phone")
ADDRESS = Person("address", keyed_hash(KEY, "address", "203.0.113.9"))


@pytest.fixture
def index(tables: Tables) -> PersonIndex:
    return PersonIndex(tables.books)


def registers(tables: Tables, person: Person, client: str, clients: int = 1, brand: str = BRAND) -> None:
    """The engine counts a client who has this."""
    connection = connect(tables.books)
    update = person_update(
        connection, tables.books, brand, person, counted.Known(clients, client, OTHER), milliseconds(NOW)
    )
    connection.transact_write_items((), (), (), (update,))


def a_member(role: Role = Role.OWNER, partner: str | None = PARTNER) -> Member:
    return Member(member="sub-1", partner=partner, brand=BRAND, role=role, name="Olga", language="en")


def times(monkeypatch: pytest.MonkeyPatch, tables: Tables) -> list[str]:
    """The operations that are asked of DynamoDB from now on."""
    asked: list[str] = []
    from pynamodb.connection.base import Connection

    real: Callable[..., Any] = Connection._make_api_call

    def counting(connection: Any, operation: str, *arguments: Any, **named: Any) -> Any:
        asked.append(operation)
        return real(connection, operation, *arguments, **named)

    monkeypatch.setattr(Connection, "_make_api_call", counting)
    return asked


@pytest.mark.pattern("person_by_hash")
def test_whoever_registered_before_is_known_and_who_was_the_first(tables: Tables, index: PersonIndex) -> None:
    registers(tables, EMAIL, "client one")
    registers(tables, EMAIL, "client two")

    known = index.known(BRAND, [EMAIL, PHONE, EMAIL], NOW)

    assert known.keys() == {EMAIL}
    assert (known[EMAIL].clients, known[EMAIL].first, known[EMAIL].first_owner) == (2, "client one", OTHER)
    assert index.known("brd_two", [EMAIL], NOW) == {}


def test_what_has_expired_is_not_known_even_while_it_stands(tables: Tables, index: PersonIndex) -> None:
    registers(tables, EMAIL, "client one")

    assert index.known(BRAND, [EMAIL], NOW + timedelta(days=PERSON_DAYS, seconds=-1)).keys() == {EMAIL}
    assert index.known(BRAND, [EMAIL], NOW + timedelta(days=PERSON_DAYS)) == {}


@pytest.mark.pattern("persons_of_members")
def test_a_partners_members_are_known_by_their_e_mail_and_where_they_sign_in_from(
    tables: Tables, index: PersonIndex
) -> None:
    index.remember_member(BRAND, PARTNER, [EMAIL, ADDRESS], NOW)
    index.remember_member(BRAND, OTHER, [PHONE], NOW)

    mine = {each.person: each for each in index.of_members(PARTNER)}

    assert mine.keys() == {EMAIL, ADDRESS}
    assert (mine[EMAIL].member_of, mine[EMAIL].clients, mine[EMAIL].first) == (PARTNER, 0, "")
    assert mine[EMAIL].expires_at == milliseconds(NOW + timedelta(days=PERSON_DAYS)) // 1000
    assert mine[ADDRESS].expires_at == milliseconds(NOW + timedelta(days=ADDRESS_DAYS)) // 1000


def test_of_two_partners_that_share_an_address_the_last_one_counts(index: PersonIndex) -> None:
    index.remember_member(BRAND, PARTNER, [ADDRESS], NOW)
    index.remember_member(BRAND, OTHER, [ADDRESS], NOW)

    assert index.of_members(PARTNER) == []
    assert [each.member_of for each in index.of_members(OTHER)] == [OTHER]


def test_a_client_and_a_member_may_be_the_same_person(tables: Tables, index: PersonIndex) -> None:
    registers(tables, EMAIL, "client one")
    index.remember_member(BRAND, PARTNER, [EMAIL], NOW)

    known = index.known(BRAND, [EMAIL], NOW)[EMAIL]
    assert (known.clients, known.first, known.member_of) == (1, "client one", PARTNER)

    # and once it is no member any more, it still was a client
    index.forget_member(known)
    index.forget_member(known)
    left = index.known(BRAND, [EMAIL], NOW)[EMAIL]
    assert left == replace(known, member_of="")
    assert index.of_members(PARTNER) == []


def test_what_only_a_member_had_is_gone_with_the_member(tables: Tables, index: PersonIndex) -> None:
    index.remember_member(BRAND, PARTNER, [ADDRESS], NOW)
    for known in index.of_members(PARTNER):
        index.forget_member(known)
        index.forget_member(known)

    assert tables.items(tables.books) == []


def test_a_sign_in_is_noted_by_one_write_and_of_staff_nothing_is(
    tables: Tables, index: PersonIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = times(monkeypatch, tables)

    assert remember_member(
        index, a_member(), brand_key=KEY, now=NOW, email=" Olga@Example.com", address="::ffff:203.0.113.9"
    )
    assert asked == ["TransactWriteItems"]
    assert not remember_member(index, a_member(Role.FINANCE, None), brand_key=KEY, now=NOW, email="f@example.com")
    assert not remember_member(index, a_member(), brand_key=KEY, now=NOW, address="nowhere")
    assert asked == ["TransactWriteItems"]
    wanted = {Person("email", keyed_hash(KEY, "email", "olga@example.com")), ADDRESS}
    assert {each.person for each in index.of_members(PARTNER)} == wanted
    assert "example" not in str(tables.items(tables.books)).lower()


def test_a_store_that_does_not_answer_stops_nobody_from_signing_in() -> None:
    index = PersonIndex("no_such_table", region="us-east-1", host="http://127.0.0.1:1")
    assert not remember_member(index, a_member(), brand_key=KEY, now=NOW, email="olga@example.com")


def test_what_is_no_phone_is_left_out() -> None:
    assert persons_of(KEY, phone="call me", device=" fp-1 ") == [
        Person("device", keyed_hash(KEY, "device", "fp-1")),
    ]


@pytest.mark.pattern("holders_of_account")
def test_an_account_tells_every_partner_that_is_paid_to_it_or_was(tables: Tables) -> None:
    paying, holders = Paying(tables), AccountHolders(tables.books)
    for partner in ("par_a", "par_b", "par_c"):
        paying.partner(partner, profile={"fingerprint": "shared" if partner != "par_c" else "its own"})
    # and one of them moves to another account
    paying.profile("par_a", fingerprint="another")

    assert [each.partner for each in holders.of_account(paying.brand, "shared")] == ["par_a", "par_b"]
    assert [each.partner for each in holders.of_account(paying.brand, "another")] == ["par_a"]
    assert holders.of_account("brd_two", "shared") == ()
    assert {each.since for each in holders.of_account(paying.brand, "shared")} < {PAYDAY, NOW} | {
        each.changed_at for each in paying.profiles.versions("par_a")
    }

    holders.forget(paying.brand, "par_a", ["shared", "another", "shared"])
    holders.forget(paying.brand, "par_a", ["shared"])
    assert [each.partner for each in holders.of_account(paying.brand, "shared")] == ["par_b"]
    assert holders.of_account(paying.brand, "another") == ()


def test_the_index_has_keys_that_no_value_breaks_out_of(tables: Tables, index: PersonIndex) -> None:
    odd = Person("device", "a#b%23")
    index.remember_member(BRAND, PARTNER, [odd], NOW)
    assert [each.person for each in index.of_members(PARTNER)] == [odd]
    [item] = tables.items(tables.books)
    assert item[keys.PK]["S"].count("#") == 3
