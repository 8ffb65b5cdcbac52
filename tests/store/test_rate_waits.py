"""What waits for rates, in BOOKS; and that rates are read consistently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pynamodb.connection import Connection

from introducer.store.rates import RateStore, RateWait, RateWaits
from tests.conftest import STORES, in_memory
from tests.support.books import Clients, account, empty_books

NOW = datetime(2026, 3, 2, 12, 0, 0, 123_000, tzinfo=UTC)
WAIT = RateWait("ECB", "2026-03-02", "brd_1", "mt5", "2026-03-03", NOW)


@pytest.fixture(name="clients", scope="module", params=STORES)
def _clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    if request.param == "cloud":
        with account(request.getfixturevalue("cloud")) as clients:
            yield clients
    else:
        with in_memory() as client:
            yield lambda service: client


@pytest.fixture(name="table")
def _table(clients: Clients) -> Iterator[str]:
    with empty_books(clients, "books-of-rate-waits") as table:
        yield table


@pytest.fixture(name="waits")
def _waits(table: str) -> RateWaits:
    return RateWaits(table)


@pytest.mark.pattern("waits_for_rates")
class TestWaitsForRates:
    def test_what_waits_is_found_by_the_day_of_its_events(self, waits: RateWaits) -> None:
        later = replace(WAIT, day="2026-03-03")
        other = replace(WAIT, source="a#b%c")
        for wait in (later, WAIT, other, replace(WAIT, feed="finance")):
            waits.note(wait)

        assert waits.open("ECB", "2026-03-01") == []
        assert waits.open("ECB", "2026-03-02") == [other, WAIT]
        assert waits.open("ECB", "2026-03-03") == [other, WAIT, later]

    def test_noting_twice_is_one_note_of_the_later_moment(self, waits: RateWaits) -> None:
        later = replace(WAIT, noted_at=NOW + timedelta(seconds=1))
        for wait in (WAIT, later, WAIT):
            waits.note(wait)

        assert waits.open("ECB", "2026-03-02") == [later]

    def test_what_is_settled_waits_no_more_until_it_is_noted_again(self, waits: RateWaits) -> None:
        waits.note(WAIT)
        waits.settle(WAIT, NOW)
        assert waits.open("ECB", "2026-03-02") == []

        again = replace(WAIT, noted_at=NOW + timedelta(minutes=1))
        waits.note(again)
        assert waits.open("ECB", "2026-03-02") == [again]

    def test_what_was_noted_meanwhile_is_not_settled(self, waits: RateWaits) -> None:
        again = replace(WAIT, noted_at=NOW + timedelta(minutes=1))
        waits.note(WAIT)
        waits.note(again)
        waits.settle(WAIT, NOW)
        assert waits.open("ECB", "2026-03-02") == [again]

    def test_a_note_is_forgotten_when_its_messages_are(self, waits: RateWaits, table: str, clients: Clients) -> None:
        waits.note(WAIT)
        [item] = clients("dynamodb").scan(TableName=table)["Items"]
        assert int(item["expires_at"]["N"]) == int((NOW + timedelta(days=90)).timestamp())


def test_rates_are_read_consistently(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # An engine that was just told "complete through Friday" must not be shown Thursday's rates, and keep them.
    asked: list[tuple[str, bool]] = []
    rates = RateStore(table)
    rates.put_day("ECB", "2026-02-27", {"USD": "1.1805"})
    call = Connection._make_api_call
    monkeypatch.setattr(
        Connection,
        "_make_api_call",
        lambda self, name, given: asked.append((name, given.get("ConsistentRead", False))) or call(self, name, given),
    )

    rates.completed_through("ECB")
    rates.published_before("ECB", "2026-02-28")
    rates.day("ECB", "2026-02-27")

    assert [name for name, _ in asked] == ["Query", "Query", "GetItem"]
    assert all(consistent for _, consistent in asked)
