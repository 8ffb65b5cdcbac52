"""Lists of sub1: the first values of a link have numbers, and keep them."""

from __future__ import annotations

import pytest

from introducer.domain.counts import OTHER_SUB, SUB_NAMES
from introducer.domain.errors import Unavailable
from introducer.store import keys
from introducer.store.sub_names import SubNames
from introducer.store.wire import to_wire
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

PARTNER, LINK = "par_01", "link0001"


@pytest.mark.pattern("sub_names_of_link", "sub_names_of_partner")
def test_values_take_numbers_in_the_order_in_which_they_come_and_keep_them(tables: Tables) -> None:
    names = SubNames(tables.books)
    given = [names.number(PARTNER, LINK, each) for each in ("newsletter", "bio.link", "newsletter", "banner #3")]
    # another container reads the same, and other links have lists of their own
    other = SubNames(tables.books)
    assert [other.number(PARTNER, LINK, "bio.link"), other.number(PARTNER, "link0002", "bio.link")] == ["1", "0"]
    assert given == ["0", "1", "0", "2"]
    assert names.names(PARTNER) == {
        LINK: {"0": "newsletter", "1": "bio.link", "2": "banner #3"},
        "link0002": {"0": "bio.link"},
    }
    assert names.names("par_02") == {}


def test_what_names_no_place_takes_no_number(tables: Tables) -> None:
    names = SubNames(tables.books)
    assert [names.number(PARTNER, LINK, each) for each in ("", "w7f3k2m9q1x8z4", "ann@example.org")] == [
        "", OTHER_SUB, OTHER_SUB,
    ]  # fmt: skip
    assert names.names(PARTNER) == {}


def test_a_full_list_stays_full_though_a_value_was_taken_away(tables: Tables) -> None:
    # given a list with one place left, one of whose values was taken away
    item = {**keys.key("sub_names", partner=PARTNER, link=LINK).item(), "listed": SUB_NAMES - 1, "v_first": 0}
    tables.client.put_item(TableName=tables.books, Item=to_wire(item))
    names = SubNames(tables.books)
    # then the last place is given, and no more
    numbers = [names.number(PARTNER, LINK, each) for each in ("last", "late", "first")]
    assert numbers == [str(SUB_NAMES - 1), OTHER_SUB, "0"]
    assert SubNames(tables.books).number(PARTNER, LINK, "later") == OTHER_SUB


def test_several_new_values_are_listed_together_as_far_as_there_is_room(tables: Tables) -> None:
    names = SubNames(tables.books)
    assert names.numbers(PARTNER, LINK, ["b", "a", "ann@example.org", "", "b"]) == {
        "a": "0", "b": "1", "ann@example.org": OTHER_SUB, "": "",
    }  # fmt: skip
    # when the list has one place left for two values
    many = [f"place {number:03}" for number in range(SUB_NAMES - 1)]
    numbers = names.numbers(PARTNER, LINK, many)
    assert [name for name, number in numbers.items() if number == OTHER_SUB] == many[-1:]
    assert names.number(PARTNER, LINK, "a") == "0"


def test_two_who_name_values_at_once_are_told_the_same(tables: Tables) -> None:
    # given two containers that have read an empty list
    one, two = SubNames(tables.books), SubNames(tables.books)
    assert {one.number(PARTNER, "link0009", "a"), two.number(PARTNER, "link0009", "a")} == {"0"}
    # when each names another value, then the first one's
    assert [one.number(PARTNER, "link0009", "b"), two.number(PARTNER, "link0009", "c")] == ["1", "2"]
    assert [two.number(PARTNER, "link0009", "b"), one.number(PARTNER, "link0009", "c")] == ["1", "2"]


def test_a_store_that_does_not_answer_is_unavailable(tables: Tables) -> None:
    names = SubNames("no-such-table")
    for ask in (lambda: names.number(PARTNER, LINK, "a"), lambda: names.names(PARTNER)):
        with pytest.raises(Unavailable):
            ask()
