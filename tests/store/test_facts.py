"""FACTS, one group of tests per access pattern."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.events import Event, EventType, from_milliseconds
from introducer.store import keys
from introducer.store.facts import Facts, event_from_image, event_from_item, event_to_item
from tests.conftest import Tables

AT = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def facts(tables: Tables) -> Facts:
    """An empty FACTS table of this test's own."""
    return Facts(tables.facts)


def an_event(**changes: Any) -> Event:
    given: dict[str, Any] = {
        "brand": "brd_one",
        "source": "meta",
        "client": "hash-of-client",
        "event_id": "dep-1",
        "type": EventType.DEPOSIT,
        "occurred_at": AT,
        "accepted_at": AT + timedelta(seconds=1),
        "digest": "d1",
        "currency": "EUR",
        "amount": 25_000,
    }
    return Event(**(given | changes))


def wire(item: dict[str, Any]) -> dict[str, Any]:
    """The item as DynamoDB's stream shows it, by boto3's own rules."""
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


# ---- The item -------------------------------------------------------------------------------------------------------

MOMENTS = st.integers(946_684_800_000, 4_102_444_800_000).map(from_milliseconds)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30) | st.sampled_from(
    ["#", "%23", "a#b", "%", "%2523", "C#x"]
)
NUMBERS = st.integers(-(10**23), 10**23)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXTS,
    "str | None": st.none() | TEXTS,
    "int | None": st.none() | NUMBERS,
    "datetime": MOMENTS,
    "datetime | None": st.none() | MOMENTS,
    "EventType": st.sampled_from(EventType),
}
EVENTS = st.builds(Event, **{field.name: KINDS[str(field.type)] for field in fields(Event)})


@given(event=EVENTS)
def test_an_event_comes_back_from_its_item_and_from_the_stream_as_it_was(event: Event) -> None:
    item = event_to_item(event)

    assert event_from_item(item) == event
    assert event_from_image(wire(item)) == event
    assert all(type(value) in (str, int) for value in item.values())
    assert {"brand", "source", "client", "event_id"}.isdisjoint(item)


@pytest.mark.parametrize(
    "image",
    [
        {},
        {"pk": {"S": "C#Ab12Cd34#2026-03-02#0"}, "sk": {"S": "click"}, "flags": {"L": [{"S": "bot"}]}},
        {"pk": {"S": "Q#brd_one#meta#2026-03-02"}, "sk": {"S": "1#d"}},
    ],
)
def test_what_is_not_an_event_in_the_stream_is_passed_over(image: dict[str, Any]) -> None:
    assert event_from_image(image) is None


def test_a_float_never_gets_into_facts(facts: Facts) -> None:
    with pytest.raises(TypeError, match="amount"):
        facts.put_event(an_event(amount=250.0))
    assert facts.events_of_client("brd_one", "hash-of-client") == []


# ---- event_by_id ----------------------------------------------------------------------------------------------------


@pytest.mark.pattern("event_by_id")
def test_an_event_is_stored_once_and_the_first_one_comes_back(facts: Facts) -> None:
    first, second = an_event(), an_event(digest="d2", amount=1)

    assert facts.put_event(first) is None
    assert facts.put_event(second) == first
    assert facts.event("brd_one", "hash-of-client", "meta", "dep-1") == first


@pytest.mark.pattern("event_by_id")
def test_an_event_that_is_not_there_is_none(facts: Facts) -> None:
    facts.put_event(an_event())
    assert facts.event("brd_one", "hash-of-client", "meta", "dep-2") is None
    assert facts.event("brd_two", "hash-of-client", "meta", "dep-1") is None


@pytest.mark.pattern("event_by_id")
@pytest.mark.parametrize("changes", [{"brand": "b"}, {"source": "s"}, {"client": "c"}, {"event_id": "e"}])
def test_each_part_of_the_identity_makes_another_event(facts: Facts, changes: dict[str, str]) -> None:
    facts.put_event(an_event())
    assert facts.put_event(replace(an_event(), **changes)) is None  # type: ignore[arg-type]


@pytest.mark.pattern("event_by_id")
def test_separators_in_ids_do_not_make_two_events_one(facts: Facts) -> None:
    first, second = an_event(source="a", event_id="b#c"), an_event(source="a#b", event_id="c")
    assert facts.put_event(first) is None
    assert facts.put_event(second) is None
    assert facts.event("brd_one", "hash-of-client", "a", "b#c") == first
    assert facts.event("brd_one", "hash-of-client", "a#b", "c") == second


@pytest.mark.pattern("event_by_id")
def test_money_of_any_size_comes_back_to_the_unit(facts: Facts) -> None:
    event = an_event(amount=-999_999_999_999_999_999, lots=99_999_999_999_999_999, pnl=0)
    facts.put_event(event)
    assert facts.event("brd_one", "hash-of-client", "meta", "dep-1") == event


# ---- events_of_client -----------------------------------------------------------------------------------------------


@pytest.mark.pattern("events_of_client")
def test_a_clients_events_come_in_their_one_order_whatever_order_they_came_in(facts: Facts) -> None:
    later = an_event(event_id="a", occurred_at=AT + timedelta(milliseconds=1))
    tied_b = an_event(event_id="b", source="zeta")
    tied_a = an_event(event_id="c", source="alpha")
    for event in (later, tied_b, tied_a, an_event(event_id="x", client="another")):
        facts.put_event(event)

    assert facts.events_of_client("brd_one", "hash-of-client") == [tied_a, tied_b, later]


@pytest.mark.pattern("events_of_client")
def test_a_client_of_many_pages_is_read_to_the_end(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        facts.put_event(an_event(event_id=f"e{number:02}"))
    # A page of DynamoDB ends at a megabyte; a limit makes it end sooner.
    real = facts._connection.query
    asked: list[dict[str, Any]] = []

    def small_pages(*arguments: Any, **named: Any) -> Any:
        asked.append(named)
        return real(*arguments, **named, limit=10)

    monkeypatch.setattr(facts._connection, "query", small_pages)

    found = facts.events_of_client("brd_one", "hash-of-client")

    assert [event.event_id for event in found] == [f"e{number:02}" for number in range(25)]
    assert len(asked) == 3
    assert all(named["consistent_read"] for named in asked)


@pytest.mark.pattern("events_of_client")
def test_the_engines_mark_is_part_of_what_is_read(facts: Facts, tables: Tables) -> None:
    facts.put_event(an_event())
    tables.client.update_item(
        TableName=facts._table,
        Key=wire(keys.key("event", brand="brd_one", client="hash-of-client", source="meta", event="dep-1").item()),
        UpdateExpression="SET applied_at = :now",
        ExpressionAttributeValues={":now": {"N": "1772452801000"}},
    )
    [event] = facts.events_of_client("brd_one", "hash-of-client")
    assert event.applied_at == datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)


# ---- Retry ----------------------------------------------------------------------------------------------------------


def test_a_retry_changes_the_item_and_nothing_the_event_says(facts: Facts) -> None:
    facts.put_event(an_event())

    assert facts.mark_for_retry("brd_one", "hash-of-client", "meta", "dep-1") == 1
    assert facts.mark_for_retry("brd_one", "hash-of-client", "meta", "dep-1") == 2

    assert facts.event("brd_one", "hash-of-client", "meta", "dep-1") == an_event()


def test_nothing_is_made_by_retrying_what_is_not_there(facts: Facts) -> None:
    with pytest.raises(NotFound):
        facts.mark_for_retry("brd_one", "hash-of-client", "meta", "dep-1")
    assert list(facts.scan_events()) == []


# ---- quarantine_of_day ----------------------------------------------------------------------------------------------


def quarantine(facts: Facts, at: datetime = AT, message: str = "{}", **changes: Any) -> Any:
    given: dict[str, Any] = {
        "brand": "brd_one",
        "source": "meta",
        "reason": "unknown_type",
        "detail": "Not a type we know.",
    }
    return facts.quarantine(at=at, message=message, **(given | changes))


@pytest.mark.pattern("quarantine_of_day")
def test_a_days_quarantine_is_read_by_source_oldest_first(facts: Facts) -> None:
    second = quarantine(facts, AT + timedelta(hours=1), event_id="e2", client="hash")
    first = quarantine(facts, AT)
    quarantine(facts, AT + timedelta(days=1))
    quarantine(facts, AT, source="other")
    quarantine(facts, AT, brand="brd_two")

    page = facts.quarantined("brd_one", "meta", "2026-03-02")

    assert page.items == (first, second)
    assert page.cursor is None


@pytest.mark.pattern("quarantine_of_day")
def test_pages_of_a_quarantine_join_without_a_gap_or_a_repeat(facts: Facts) -> None:
    kept = [quarantine(facts, AT + timedelta(seconds=n)) for n in range(7)]
    found, cursor = [], None
    for _ in range(10):
        page = facts.quarantined("brd_one", "meta", "2026-03-02", cursor, limit=3)
        assert len(page.items) <= 3
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break
    assert found == kept


@pytest.mark.pattern("quarantine_of_day")
def test_the_same_message_at_the_same_moment_is_kept_once_and_keeps_its_mark(facts: Facts) -> None:
    kept = quarantine(facts)
    facts.mark_replayed(kept, AT + timedelta(hours=1))

    again = quarantine(facts)

    [found] = facts.quarantined("brd_one", "meta", "2026-03-02").items
    assert again == kept
    assert found == replace(kept, replayed_at=AT + timedelta(hours=1))


@pytest.mark.pattern("quarantine_of_day")
def test_a_quarantined_message_leaves_after_ninety_days(facts: Facts, tables: Tables) -> None:
    quarantine(facts)
    [item] = tables.items(tables.facts)
    assert item[keys.TTL] == {"N": str(int((AT + timedelta(days=90)).timestamp()))}


@pytest.mark.pattern("quarantine_of_day")
def test_only_what_is_in_quarantine_can_be_marked_as_replayed(facts: Facts) -> None:
    kept = quarantine(facts)
    with pytest.raises(NotFound):
        facts.mark_replayed(replace(kept, digest="another"), AT)
    assert len(facts.quarantined("brd_one", "meta", "2026-03-02").items) == 1


# ---- Reading the whole table ----------------------------------------------------------------------------------------


def test_a_scan_finds_every_event_and_nothing_else(facts: Facts, tables: Tables) -> None:
    events = [an_event(event_id=f"e{n}", client=f"c{n}") for n in range(12)]
    for event in events:
        facts.put_event(event)
    quarantine(facts)
    tables.client.put_item(
        TableName=facts._table,
        Item={"pk": {"S": "C#Ab12Cd34#2026-03-02#0"}, "sk": {"S": "x"}, "unique": {"BOOL": True}},
    )
    assert sorted(facts.scan_events(), key=lambda event: event.client) == sorted(events, key=lambda e: e.client)


def test_the_segments_of_a_scan_share_the_events(facts: Facts) -> None:
    events = {f"e{n}" for n in range(20)}
    for event_id in events:
        facts.put_event(an_event(event_id=event_id, client=event_id))
    shares = [[event.event_id for event in facts.scan_events(segment, 3)] for segment in range(3)]
    assert {event_id for share in shares for event_id in share} == events
    assert sum(map(len, shares)) == len(events)


# ---- Trouble --------------------------------------------------------------------------------------------------------


def test_a_table_that_is_not_there_is_trouble_of_ours(tables: Tables) -> None:
    nowhere = Facts("no-such-table")
    key = ("brd_one", "hash-of-client", "meta", "dep-1")
    calls = [
        lambda: nowhere.put_event(an_event()),
        lambda: nowhere.event(*key),
        lambda: nowhere.events_of_client("brd_one", "hash-of-client"),
        lambda: nowhere.mark_for_retry(*key),
        lambda: quarantine(nowhere),
        lambda: nowhere.quarantined("brd_one", "meta", "2026-03-02"),
        lambda: list(nowhere.scan_events()),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.code == "store_unavailable"


def test_a_store_that_cannot_be_reached_is_trouble_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    # Port 9 of this machine: nothing listens there.
    with pytest.raises(Unavailable):
        Facts("facts", region="eu-central-1", host="http://127.0.0.1:9").put_event(an_event())
