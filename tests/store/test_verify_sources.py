"""Counters by country, device and sub1 are what the facts say; whatever is damaged in them is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.counts import OTHER_SUB
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.event_counts import count_key
from introducer.store.figures import Dimension, Figures
from introducer.store.wire import to_wire
from tests.support.house import LINK, NOW, PARTNER, House, a_house, a_registration, a_trade, client
from tests.support.payouts import BRAND

CLICKED = NOW - timedelta(days=5)
DAY = "2026-02-28"
COUNT = keys.key("click_count", partner=PARTNER, month=DAY[:7], day=DAY, link=LINK)
ANN, BEN = "10234", "20468"


@pytest.fixture
def house() -> Iterator[House]:
    """One client came by a newsletter, one by a click that a tracker numbered; a third visitor did nothing more."""
    with a_house() as found:
        for who, sub1 in ((ANN, "newsletter"), (BEN, "w7f3k2m9q1x8z4"), ("", "")):
            click = found.click(CLICKED, "203.0.113.9", query=f"sub1={sub1}")
            if who:
                found.posts(a_registration(who, click_id=click, country="DE"), a_trade(who))
        found.counts()
        yield found


def update(house: House, key: keys.Key, expression: str, **values: Any) -> None:
    given = {"ExpressionAttributeValues": to_wire({f":{name}": value for name, value in values.items()})}
    house.memory.client.update_item(
        TableName="books", Key=to_wire(key.item()), UpdateExpression=expression, **(given if values else {})
    )


def differences(house: House) -> list[Difference]:
    return list(house.verified().differences)


def test_books_that_say_what_the_facts_do_are_sound(house: House) -> None:
    assert differences(house) == []
    month = Figures("books").read(PARTNER, "2026-02")
    by = {dimension: {each.value: each.clicks for each in month.clicks_by(dimension)} for dimension in Dimension}
    assert by == {
        "country": {"ZZ": 3},
        "device": {"desktop": 3},
        "sub1": {"newsletter": 1, OTHER_SUB: 1, "": 1},
    }
    cells = Figures("books").month(PARTNER, "2026-03")
    assert {(each.country, each.device, each.sub1, each.cohort) for each in cells} == {
        ("DE", "desktop", "newsletter", "2026-03"),
        ("DE", "desktop", OTHER_SUB, "2026-03"),
    }


@pytest.mark.parametrize(
    ("expression", "name", "expected"),
    [
        ("SET d_desktop = :n", "d_desktop", "3"),
        ("SET c_TH = :n", "c_TH", "0"),
        ("SET s_0 = :n", "s_0", "1"),
        ("REMOVE s_0", "s_0", "1"),
        ("SET sf_0 = :n", "sf_0", "0"),
    ],
)
def test_a_counter_of_clicks_with_another_number_is_named(
    house: House, expression: str, name: str, expected: str
) -> None:
    update(house, COUNT, expression, **({"n": 9} if ":n" in expression else {}))
    assert [(each.kind, each.what.rpartition(" ")[2], each.expected) for each in differences(house)] == [
        (Kind.CLICK_COUNT, name, expected)
    ]


def test_a_counter_that_began_before_sources_were_counted_is_held_to_the_rest_alone(house: House) -> None:
    update(house, COUNT, "REMOVE sourced, d_desktop, s_0")
    assert differences(house) == []
    update(house, COUNT, "SET clicks = :n", n=9)
    assert [each.kind for each in differences(house)] == [Kind.CLICK_COUNT]


def test_what_a_client_did_that_stands_under_another_source_is_named_at_both(house: House) -> None:
    right = count_key(PARTNER, "2026-03-01", LINK, "DE", "desktop", "0", "2026-03")
    item = house.memory.client.get_item(TableName="books", Key=to_wire(right.item()))["Item"]
    wrong = count_key(PARTNER, "2026-03-01", LINK, "DE", "mobile", "0", "2026-03")
    house.memory.client.put_item(TableName="books", Item={**item, **to_wire(wrong.item())})
    house.memory.client.delete_item(TableName="books", Key=to_wire(right.item()))
    found = differences(house)
    assert {each.kind for each in found} == {Kind.EVENT_COUNT}
    assert {each.what.partition(", ")[2].partition(":")[0] for each in found} == {
        "DE desktop 0 2026-03", "DE mobile 0 2026-03",
    }  # fmt: skip


def test_a_client_that_knows_its_click_otherwise_than_it_was_recorded_is_named(house: House) -> None:
    update(
        house,
        keys.key("client", brand=BRAND, client=client(ANN)),
        "SET came = :came",
        came='[["","tablet","0"]]',
    )
    found = differences(house)
    (known,) = (each for each in found if each.kind is Kind.CLIENT_STATE)
    assert (known.expected, known.found) == (
        "country unknown, device desktop, sub1 0",
        "country unknown, device tablet, sub1 0",
    )
    # and its counters are then another source's
    assert {each.kind for each in found} == {Kind.CLIENT_STATE, Kind.EVENT_COUNT}


def test_of_two_clients_that_name_one_click_both_are_looked_at(house: House) -> None:
    click = house.click(CLICKED, "203.0.113.9", query="sub1=newsletter")
    others = ("30702", "40936")
    house.posts(*(a_registration(who, click_id=click, country="DE") for who in others))
    house.counts()
    assert differences(house) == []
    for who in others:
        update(
            house, keys.key("client", brand=BRAND, client=client(who)), "SET came = :came", came='[["","tablet","0"]]'
        )
    assert len([each for each in differences(house) if each.kind is Kind.CLIENT_STATE]) == 2
