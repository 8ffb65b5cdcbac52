"""Targets of postbacks and their deliveries: each question about them, asked of real tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from introducer.domain.configuration import Change
from introducer.domain.errors import NotFound
from introducer.domain.postback_out import (
    MACROS,
    Attempt,
    Delivery,
    DeliveryStatus,
    Gate,
    Method,
    News,
    Standing,
    Target,
    Told,
    new_delivery,
)
from introducer.store.deliveries import Deliveries
from introducer.store.targets import Targets
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 3, 5, 9, 0, 7, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)
CHANGE = Change(by="mem_1", at=NOW, why="Added", origin="portal")
ID, OTHER_ID = "tgt_" + "1" * 26, "tgt_" + "2" * 26


def a_target(target: str = ID, **other: object) -> Target:
    made = Target(
        target=target, brand="brd_1", partner="par_1", name="Voluum", url="https://t.example.com/?c={click_id}",
        method=Method.POST_JSON, events=frozenset({Told.FTD, Told.KYC}), campaigns=frozenset({"cmp_1"}),
        standing=Standing.ACTIVE, generation=2, rotated_at=NOW, shown=1, created=NOW, created_by="mem_1", version=1,
    )  # fmt: skip
    return replace(made, **other)  # type: ignore[arg-type]


def a_delivery(number: int = 1, client: str = "c#1", target: Target | None = None, at: datetime = NOW) -> Delivery:
    news = News(event=Told.FTD, event_id=f"evt_{number}", brand="brd_1", partner="par_1", client=client, at=AT)
    made = int(at.timestamp() * 1000) + number
    values = dict.fromkeys(MACROS, "") | {"event": "ftd", "sub1": "ü & ?"}
    return new_delivery(target or a_target(), news, values, made)


@pytest.mark.pattern("target_by_id")
@pytest.mark.pattern("targets_of")
def test_a_target_reads_as_it_was_made_among_those_of_its_owner_until_it_is_deleted(tables: Tables) -> None:
    targets = Targets(tables.books)
    mine, brand = a_target(), a_target(OTHER_ID, partner="", rotated_at=None, campaigns=frozenset())
    for each in (mine, brand):
        targets.put("add_target", None, each, CHANGE)
    assert targets.target("par_1", ID) == mine
    assert (targets.targets_of("par_1"), targets.targets_of("brd_1"), targets.targets_of("par_2")) == (
        (mine,), (brand,), ()
    )  # fmt: skip
    targets.put("delete_target", mine, replace(mine, standing=Standing.DELETED, url="", version=2), CHANGE)
    assert targets.targets_of("par_1") == ()
    for of, target in (("par_1", ID), ("par_1", OTHER_ID), ("brd_1", "tgt_nothing"), ("brd_1", "x" * 5000)):
        with pytest.raises(NotFound):
            targets.target(of, target)


@pytest.mark.pattern("gate_of_target")
def test_a_gate_is_open_at_first_and_moves_for_one_of_two_who_read_it(tables: Tables) -> None:
    targets = Targets(tables.books)
    assert targets.gate("par_1", ID) == Gate()
    first = Gate(failures=1, slow=True, until=AT, version=1)
    assert targets.move_gate("par_1", ID, Gate(), first)
    assert not targets.move_gate("par_1", ID, Gate(), first._replace(failures=9))
    assert targets.gate("par_1", ID) == first
    assert targets.move_gate("par_1", ID, first, first.taken(AT))
    assert targets.gate("par_1", ID).version == 2


@pytest.mark.pattern("delivery_by_id")
def test_a_delivery_reads_as_it_was_made_and_moves_under_what_was_read_of_it(tables: Tables) -> None:
    deliveries = Deliveries(tables.books)
    made = a_delivery()
    assert deliveries.create(made) and not deliveries.create(replace(made, event="kyc"))
    assert deliveries.delivery("brd_1", "c#1", made.delivery) == made
    tried = replace(made, tries=1, attempts=(Attempt(AT, 12, 500, "not_2xx", "oops"),), next_at=AT + 1)
    assert deliveries.move(made, tried) and not deliveries.move(made, replace(made, status=DeliveryStatus.FAILED))
    assert deliveries.delivery("brd_1", "c#1", made.delivery) == tried
    for about, delivery in (("c#2", made.delivery), ("c#1", "dlv_nothing"), ("c#1", "x" * 5000)):
        with pytest.raises(NotFound):
            deliveries.delivery("brd_1", about, delivery)


@pytest.mark.pattern("deliveries_of_target")
def test_a_log_is_read_newest_first_page_by_page_and_by_place(tables: Tables) -> None:
    deliveries = Deliveries(tables.books)
    made = [a_delivery(number, f"c{number}") for number in range(1, 6)]
    other = a_delivery(3, "c3", a_target(OTHER_ID))
    for each in (*made, other):
        assert deliveries.create(each)
    pages, cursor = [], None
    while True:
        page = deliveries.of_target(ID, cursor, 2)
        pages += list(page.items)
        if (cursor := page.cursor) is None:
            break
    assert pages == made[::-1]
    assert deliveries.place(ID, str(made[2].created), made[2].delivery) == made[2]
    for target, created, delivery in (
        (OTHER_ID, made[2].created, made[2].delivery), (ID, made[1].created, made[2].delivery),
        (ID, made[2].created, other.delivery), (ID, "x", made[2].delivery), (ID, "9" * 40, made[2].delivery),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            deliveries.place(target, str(created), delivery)


@pytest.mark.pattern("deliveries_of_client")
def test_all_that_was_told_of_a_client_is_found_by_the_client(tables: Tables) -> None:
    deliveries = Deliveries(tables.books)
    mine = [a_delivery(number) for number in (1, 2)] + [a_delivery(1, target=a_target(OTHER_ID))]
    for each in (*mine, a_delivery(3, "c2")):
        assert deliveries.create(each)
    found = sorted(deliveries.of_client("brd_1", "c#1"), key=lambda each: each.delivery)
    assert found == sorted(mine, key=lambda each: each.delivery)
