"""API keys in BOOKS, one suite per access pattern: whose they are, and how many requests they may send."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.api_key import ApiKey
from introducer.domain.configuration import Change, Role
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import milliseconds
from introducer.domain.rate_limit import Limit
from introducer.store.api_key_uses import ApiKeyUses
from introducer.store.configuration import Configuration
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
CHANGE = Change(by="sub-1", at=NOW, why="API key made", origin="portal")
LIMIT = Limit(per_minute=60, burst=3)


def a_key(number: int = 0, **other: Any) -> ApiKey:
    given = ApiKey(
        key=f"key_{number:026d}", of="par_1", brand="brd_1", partner="par_1", role=Role.OWNER, name="Nightly export",
        scopes=("links:read", "earnings:read"), secret_hash="ab" * 32, created=NOW + timedelta(seconds=number),
        created_by="sub-1",
    )  # fmt: skip
    return replace(given, **other)


@pytest.mark.pattern("member_by_api_key")
class TestMemberByApiKey:
    def test_a_key_reads_as_written_until_it_is_revoked(self, tables: Tables) -> None:
        books = Configuration(tables.books)
        key = a_key(expires_at=NOW + timedelta(days=30))
        books.add_api_key(key, CHANGE)
        assert books.api_key(key.key) == key
        assert books.api_key_name(key.key) == "Nightly export"
        with pytest.raises(Conflict):
            books.add_api_key(key, CHANGE)
        later = replace(CHANGE, at=NOW + timedelta(hours=1), why="API key revoked")
        books.revoke_api_key(key, later)
        assert books.api_key(key.key) == replace(key, revoked_at=later.at, revoked_by="sub-1")
        with pytest.raises(Conflict):
            books.revoke_api_key(key, replace(later, at=later.at + timedelta(hours=1)))
        records = books.audit_of_subject("par_1").items
        assert [each.action for each in records] == ["revoke_api_key", "add_api_key"]
        assert "abab" not in str(records) and "Nightly" not in str(records)

    @pytest.mark.parametrize("name", ["key_", "sub-1", "key_0000", "key_" + "U" * 26, "key_" + "0" * 26])
    def test_what_is_no_key_is_not_found(self, tables: Tables, name: str) -> None:
        with pytest.raises(NotFound):
            Configuration(tables.books).api_key(name)


@pytest.mark.pattern("api_keys_of")
def test_the_keys_of_an_owner_are_listed_newest_first_in_pages(tables: Tables) -> None:
    books = Configuration(tables.books)
    for number in range(3):
        books.add_api_key(a_key(number), CHANGE)
    books.add_api_key(a_key(9, of="brd_1", partner=None, role=Role.FINANCE), CHANGE)
    first = books.api_keys_of("par_1", limit=2)
    rest = books.api_keys_of("par_1", first.cursor, limit=2)
    assert [each.key[-1] for each in (*first.items, *rest.items)] == ["2", "1", "0"]
    assert rest.cursor is None
    assert [each.role for each in books.api_keys_of("brd_1").items] == [Role.FINANCE]
    books.revoke_api_key(a_key(1), replace(CHANGE, at=NOW + timedelta(hours=1)))
    assert {each.key[-1] for each in books.standing_api_keys("par_1")} == {"0", "2"}


@pytest.mark.pattern("use_of_api_key")
class TestUseOfApiKey:
    def test_a_burst_passes_and_then_one_for_each_interval_whichever_container_counts(self, tables: Tables) -> None:
        # given two containers, neither of which knows what the other saw
        one, other = (ApiKeyUses(tables.books) for _ in range(2))
        key, now = a_key().key, milliseconds(NOW)
        # when four come at once, by turns
        burst = [each.take(key, LIMIT, now, "2026-03-02") for each in (one, other, one, other)]
        # then three pass
        assert [each.granted for each in burst] == [True, True, True, False]
        assert [each.remaining for each in burst] == [2, 1, 0, 0]
        assert burst[-1].retry_after == 1
        # and a second later one more, from whoever is first
        later = [each.take(key, LIMIT, now + 1_000, "2026-03-02").granted for each in (other, one)]
        assert later == [True, False]
        # and after a pause as many as at first
        rested = [each.take(key, LIMIT, now + 60_000, "2026-03-03") for each in (one, other, one, other)]
        assert [each.granted for each in rested] == [True, True, True, False]
        assert one.days([key, a_key(5).key]) == {key: "2026-03-03"}

    def test_a_key_that_is_refused_costs_no_write_until_there_is_room(
        self, tables: Tables, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uses, now = ApiKeyUses(tables.books), milliseconds(NOW)
        for _ in range(4):
            uses.take(a_key().key, LIMIT, now, "2026-03-02")
        asked: list[str] = []
        monkeypatch.setattr(uses, "_write", lambda key, actions, condition: asked.append(key))
        assert not uses.take(a_key().key, LIMIT, now + 999, "2026-03-02").granted
        assert asked == []
