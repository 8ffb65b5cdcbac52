"""Promo codes and how campaigns attribute, one suite per access pattern. Nobody has a code while another has it,
whoever decides at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.configuration import Attribution, Change
from introducer.domain.errors import Conflict
from introducer.domain.promo_code import PromoCode, normalised
from introducer.store.configuration import Configuration
from tests.conftest import STORES, in_memory
from tests.support.books import Clients, account, empty_books

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGE = Change(by="mem_1", at=NOW, why="Because it was asked for", origin="test")


@pytest.fixture(name="clients", scope="module", params=STORES)
def _clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    if request.param == "cloud":
        with account(request.getfixturevalue("cloud")) as clients:
            yield clients
    else:
        with in_memory() as client:
            yield lambda service: client


@pytest.fixture(name="books")
def _books(clients: Clients) -> Iterator[Configuration]:
    with empty_books(clients, "books-of-codes") as table:
        yield Configuration(table)


def a_code(code: str = "SPRING", number: int = 1, **other: Any) -> PromoCode:
    given = PromoCode(
        code=code, number=number, brand="brd_1", partner="par_1", campaign=None, starts_at=NOW + timedelta(hours=1),
        ends_at=None, given_at=NOW + timedelta(seconds=number), given_by="mem_1", request=f"prm_{code}{number}",
    )  # fmt: skip
    return replace(given, **other)


@pytest.mark.pattern("givings_of_code")
class TestGivingsOfCode:
    def test_a_code_reads_as_it_was_given_and_no_other_does(self, books: Configuration) -> None:
        # given a code, one that begins like it, and the same one of another brand
        first = a_code(ends_at=NOW + timedelta(days=1), campaign="cmp_1")
        for each in (first, a_code("SPRING-2"), a_code(brand="brd_2")):
            books.give_promo_code(each, None, CHANGE)
        # when it is given on
        second = a_code(number=2, partner="par_2", starts_at=NOW + timedelta(days=1))
        books.give_promo_code(second, first, CHANGE)
        # then both are read, in the order in which they were given
        assert books.promo_code("brd_1", "SPRING") == [first, second]
        assert books.promo_code("brd_1", "SPR") == []

    def test_of_two_who_give_it_at_once_one_is_refused(self, books: Configuration) -> None:
        books.give_promo_code(a_code(), None, CHANGE)
        with pytest.raises(Conflict):
            books.give_promo_code(a_code(partner="par_2"), None, CHANGE)
        assert [each.partner for each in books.promo_code("brd_1", "SPRING")] == ["par_1"]
        assert not books.audit_of_subject("par_2").items, "what did not happen is not on record"

    def test_nobody_gets_a_code_whose_end_is_another_than_was_read(self, books: Configuration) -> None:
        # given a code that was to end, and goes on longer meanwhile
        read = a_code(ends_at=NOW + timedelta(days=1))
        books.give_promo_code(read, None, CHANGE)
        longer = replace(read, ends_at=NOW + timedelta(days=9))
        books.end_promo_code(read, longer, CHANGE)
        # when somebody gives it on from the end that they read
        with pytest.raises(Conflict):
            books.give_promo_code(a_code(number=2, partner="par_2", starts_at=read.ends_at), read, CHANGE)
        assert books.promo_code("brd_1", "SPRING") == [longer]

    def test_a_code_that_was_given_on_is_not_stretched(self, books: Configuration) -> None:
        # given a code that another partner has from its end on
        read = a_code(ends_at=NOW + timedelta(days=1))
        books.give_promo_code(read, None, CHANGE)
        books.give_promo_code(a_code(number=2, partner="par_2", starts_at=read.ends_at), read, CHANGE)
        # when somebody who did not see that lets it go on
        with pytest.raises(Conflict):
            books.end_promo_code(read, replace(read, ends_at=NOW + timedelta(days=9)), CHANGE)
        assert books.promo_code("brd_1", "SPRING")[0] == read

    def test_each_change_is_on_record(self, books: Configuration) -> None:
        books.give_promo_code(a_code(), None, CHANGE)
        later = replace(CHANGE, at=NOW + timedelta(minutes=1))
        books.end_promo_code(a_code(), a_code(ends_at=NOW + timedelta(days=2)), later)
        ended, given = books.audit_of_subject("par_1").items
        assert (given.action, given.brand, given.before) == ("give_promo_code", "brd_1", None)
        assert json.loads(given.after or "")["code"] == "SPRING"
        assert (ended.action, json.loads(ended.after or "")["number"]) == ("end_promo_code", 1)


@pytest.mark.pattern("codes_of_partner")
def test_a_partners_codes_are_listed_in_pages_what_was_given_last_first(books: Configuration) -> None:
    for number in range(1, 4):
        books.give_promo_code(a_code(f"CODE{number}", given_at=NOW + timedelta(minutes=number)), None, CHANGE)
    books.give_promo_code(a_code("OTHERS", partner="par_2"), None, CHANGE)
    first = books.promo_codes_of_partner("par_1", None, 2)
    rest = books.promo_codes_of_partner("par_1", first.cursor, 2)
    assert [each.code for each in (*first.items, *rest.items)] == ["CODE3", "CODE2", "CODE1"]
    assert rest.cursor is None


@pytest.mark.pattern("attribution_of_campaign")
def test_what_was_decided_about_a_campaign_is_read_in_its_order_and_decided_once(books: Configuration) -> None:
    def decided(number: int, campaign: str = "cmp_1") -> AttributionDecision:
        return AttributionDecision(
            campaign=campaign, brand="brd_1", number=number, since=NOW + timedelta(days=number), window_days=number,
            attribution=Attribution.FIRST_CLICK, promo_first=number == 2, reason="agreed", decided_at=NOW,
            decided_by="mem_1", request=f"atr_{number}",
        )  # fmt: skip

    for each in (decided(1), decided(2), decided(1, "cmp_10")):
        books.decide_attribution(each, CHANGE)
    assert books.attributions("brd_1", "cmp_1") == [decided(1), decided(2)]
    with pytest.raises(Conflict):
        books.decide_attribution(decided(2), CHANGE)
    assert [each.action for each in books.audit_of_subject("cmp_10").items] == ["decide_attribution"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("spring24", "SPRING24"),
        (" Spring 24\t", "SPRING24"),
        ("ｓｐｒｉｎｇ２４", "SPRING24"),
        ("a.b-c_9", "A.B-C_9"),
        ("ab", ""),
        ("x" * 33, ""),
        ("-spring", ""),
        ("SPRING#24", ""),
        ("ÜBER24", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_code_is_one_however_it_is_written(written: str | None, code: str) -> None:
    assert normalised(written) == code
