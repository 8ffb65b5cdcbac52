"""What platforms are asked for: windows of time without a gap, page by page and account by account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Invalid
from introducer.domain.events import milliseconds
from introducer.sources import dialects
from introducer.sources.dialects.model import PullRequest, SourceSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://crm.example/events?from={from_ms}&to={to_ms}&page={page}&limit={limit}"
Window = tuple[int, int]


def a_source(name: str = "json", **settings: Any) -> SourceSettings:
    return dialects.of(name).settings("one", "brd_one", {"url": URL, "since": "2026-03-01", **settings})


def asked(request: PullRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}


def caught_up(
    source: SourceSettings, sizes: list[int], cursor: str | None = None, now: datetime = NOW, name: str = "json"
) -> tuple[list[dict[str, str]], str]:
    """What is asked until there is no more, where pages have these sizes and are empty after; and where to go on."""
    dialect, found, left = dialects.of(name), list[dict[str, str]](), iter(sizes)
    while True:
        found.append(asked(dialect.request(source, cursor, secret="s3cret", now=now)))
        step = dialect.next_cursor(source, cursor, next(left, 0), now=now)
        cursor = step.cursor
        if not step.more:
            return found, cursor


def windows(requests: list[dict[str, str]]) -> list[Window]:
    return [(int(each["from"]), int(each["to"])) for each in requests]


def test_a_day_is_asked_for_at_once_until_the_present() -> None:
    requests, cursor = caught_up(a_source(overlap_minutes=0), [])
    day, midnight = 86_400_000, milliseconds(datetime(2026, 3, 1, tzinfo=UTC))
    assert windows(requests) == [(midnight, midnight + day), (midnight + day, milliseconds(NOW))]

    # five minutes later only those five minutes are asked for
    later = NOW + timedelta(minutes=5)
    requests, _ = caught_up(a_source(overlap_minutes=0), [], cursor, later)
    assert windows(requests) == [(milliseconds(NOW), milliseconds(later))]


@given(
    window=st.integers(1, 3000),
    overlap=st.integers(0, 3000),
    pauses=st.lists(st.integers(1, 10**8), min_size=1, max_size=6),
    sizes=st.lists(st.integers(0, 6), max_size=12),
)
def test_no_moment_is_left_out_whenever_it_is_asked_and_however_full_pages_are(
    window: int, overlap: int, pauses: list[int], sizes: list[int]
) -> None:
    source = a_source(window_minutes=window, overlap_minutes=overlap, page_size=5)
    covered, now, cursor = milliseconds(datetime(2026, 3, 1, tzinfo=UTC)), NOW, None
    for pause in pauses:
        requests, cursor = caught_up(source, sizes, cursor, now)
        for begin, end in windows(requests):
            assert begin == min(begin, covered) and begin <= end <= milliseconds(now)
            covered = max(covered, end)
        assert covered == milliseconds(now)
        now += timedelta(milliseconds=pause)


def test_a_full_page_is_followed_by_the_next_of_the_same_window() -> None:
    requests, _ = caught_up(a_source(page_size=5, window_minutes=44_640), [5, 5, 4])
    assert [each["page"] for each in requests] == ["1", "2", "3"]
    assert len(set(windows(requests))) == 1


def test_a_window_that_was_begun_is_finished_as_it_was_begun() -> None:
    source, dialect = a_source(page_size=5, window_minutes=44_640), dialects.of("json")
    first = dialect.request(source, None, secret="s", now=NOW)
    step = dialect.next_cursor(source, None, 5, now=NOW)
    second = dialect.request(source, step.cursor, secret="s", now=NOW + timedelta(hours=3))
    assert windows([asked(first)]) == windows([asked(second)])


def test_accounts_are_asked_one_after_the_other_each_page_by_page() -> None:
    source = dialects.of("mt5").settings(
        "one",
        "brd_one",
        {
            "url": "https://mt5.example/gateway/",
            "since": "2026-03-02",
            "currency": "EUR",
            "time_zone": "America/New_York+7",
            "accounts": ["700", "701"],
            "page_size": 2,
            "overlap_minutes": 0,
        },
    )
    requests, cursor = caught_up(source, [2, 1, 2, 0], name="mt5")
    assert [(each["login"], each["offset"], each["total"]) for each in requests] == [
        ("700", "0", "2"),
        ("700", "2", "2"),
        ("701", "0", "2"),
        ("701", "2", "2"),
    ]
    # seconds as the server counts them: its clock shows 02:00 when it is midnight UTC, and 14:00 now
    assert {(each["from"], each["to"]) for each in requests} == {("1772416800", "1772460000")}
    assert dialects.of("mt5").next_cursor(source, cursor, 0, now=NOW).more


def test_groups_of_mt5_are_asked_for_at_once() -> None:
    told = {"url": "https://mt5.example", "since": "2026-03-02", "currency": "EUR", "time_zone": "UTC"}
    source = dialects.of("mt5").settings("one", "brd_one", told | {"groups": "real*,!real\\test&x={from}"})
    request = dialects.of("mt5").request(source, None, secret="", now=NOW)
    assert urlsplit(request.url).path == "/api/deal/get_batch"
    assert asked(request) == {"group": "real*,!real\\test&x={from}", "from": "1772406000", "to": "1772452800"}
    assert not dialects.of("mt5").next_cursor(source, None, 5000, now=NOW).more, "it has no pages"


def test_hasoffers_is_asked_by_its_own_clock_with_its_token() -> None:
    told = {"url": "https://north.api.hasoffers.com", "since": "2026-03-02", "network_id": "north", "page_size": 500}
    source = dialects.of("hasoffers").settings("one", "brd_one", told)
    request = dialects.of("hasoffers").request(source, None, secret="NET&1", now=NOW)
    assert urlsplit(request.url).path == "/Apiv3/json"
    assert asked(request) == {
        "NetworkId": "north", "Target": "Conversion", "Method": "findAll",
        "sort[id]": "asc", "limit": "500", "page": "1",
        "filters[datetime][GREATER_THAN_OR_EQUAL_TO]": "2026-02-22 19:00:00",
        "filters[datetime][LESS_THAN_OR_EQUAL_TO]": "2026-03-02 07:00:00", "NetworkToken": "NET&1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "header", "query"),
    [
        ({}, None, None),
        ({"auth": "bearer"}, ("Authorization", "Bearer s3cret"), None),
        ({"auth": "header", "auth_name": "X-Key"}, ("X-Key", "s3cret"), None),
        ({"auth": "query", "auth_name": "key"}, None, ("key", "s3cret")),
    ],
)
def test_the_secret_goes_along_as_the_settings_say_and_nowhere_else(
    settings: dict[str, str], header: tuple[str, str] | None, query: tuple[str, str] | None
) -> None:
    request = dialects.of("json").request(a_source(**settings), None, secret="s3cret", now=NOW)
    sent = [*request.headers.items(), *asked(request).items()]
    assert [each for each in sent if "s3cret" in each[1]] == [each for each in (header, query) if each]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": "http://crm.example"}, "url"), ({"url": "ftp://crm.example"}, "url"), ({"url": "crm.example"}, "url"),
        ({"url": "https://ann:pw@crm.example"}, "url"), ({"url": "https://crm.example/{secret}"}, "url"),
        ({"url": "https://crm.example/a b"}, "url"), ({"url": "https://"}, "url"), ({"since": None}, "since"),
        ({"auth": "header"}, "auth_name"), ({"auth": "query"}, "auth_name"),
        ({"auth": "header", "auth_name": "a: b\r\nc"}, "auth_name"),
        ({"page_size": 0}, "page_size"), ({"time_zone": "Nowhere"}, "time_zone"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_asked_is_refused_when_it_is_set(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_source(**settings)
    assert refused.value.code == "invalid_settings"
    assert [error["field"] for error in refused.value.facts["errors"]] == [field]  # type: ignore[attr-defined]


def test_what_is_not_fetched_says_so() -> None:
    for name, settings in (("json", {}), ("s2s", {})):
        dialect = dialects.of(name)
        with pytest.raises(Invalid) as refused:
            dialect.request(dialect.settings("one", "brd_one", settings), None, secret="", now=NOW)
        assert refused.value.code == "not_pulled"
    source = a_source(url="https://crm.example/{account}")
    with pytest.raises(Invalid, match="the settings name none"):
        dialects.of("json").request(source, None, secret="", now=NOW)
