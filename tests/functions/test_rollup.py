"""The rollup: counters equal a count of the facts, however the stream delivers them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.units import item_size
from introducer.domain.counts import OTHER_SUB, SUB_NAMES
from introducer.domain.errors import Unavailable
from introducer.domain.events import Event, EventType
from introducer.services.count_clicks import MARKS, count_facts, uncounted
from introducer.store import keys
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.store.facts import event_to_item
from introducer.store.intake_days import IntakeDay, IntakeDays
from introducer.store.sub_names import SubNames
from tests.support.clicks import a_click, changed, expired, inserted, touched, wire
from tests.support.functions import load
from tests.support.posting import cloud, table

DAY, MONTH = "2026-03-02", "2026-03"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_partners = (f"par_{number}" for number in itertools.count())
_links = (f"link{number:04}" for number in itertools.count())
_sources = (f"source-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def rollup() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch, cloud(patch):
        table("books")
        patch.setenv("BOOKS_TABLE", "books")
        patch.setenv("FACTS_TABLE", "facts")
        yield load("rollup")


@pytest.fixture
def clicks(rollup: ModuleType) -> ClickCounts:
    return ClickCounts("books")


@pytest.fixture
def intake(rollup: ModuleType) -> IntakeDays:
    return IntakeDays("books")


def handle(rollup: ModuleType, records: list[dict[str, Any]]) -> list[str]:
    """The sequence numbers that the function wants again."""
    answer = rollup.handler({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def an_event(source: str, number: int, **changes: Any) -> Event:
    return Event(
        brand="brd_01",
        source=source,
        client=f"client-{number % 7}",
        event_id=f"e-{number}",
        type=EventType.DEPOSIT,
        occurred_at=AT - timedelta(days=3),
        accepted_at=AT,
        **changes,
    )


def accepted(source: str, number: int) -> dict[str, Any]:
    return inserted(wire(event_to_item(an_event(source, number))))


def applied(source: str, number: int) -> dict[str, Any]:
    event = an_event(source, number)
    return changed(event, replace(event, applied_at=AT + timedelta(days=1)))


# ---- what is counted ------------------------------------------------------------------------------------------------


def test_people_are_counted_and_flagged_clicks_apart(rollup: ModuleType, clicks: ClickCounts) -> None:
    partner, link = next(_partners), next(_links)
    # given two people of whom one came twice, a crawler, and a visitor of the link while it was paused
    batch = [
        inserted(a_click(link, partner)),
        inserted(a_click(link, partner)),
        inserted(a_click(link, partner, seen_today=True)),
        inserted(a_click(link, partner, agent=BOT)),
        inserted(a_click(link, partner, status="paused")),
    ]
    assert handle(rollup, batch) == []
    assert clicks.month(partner, MONTH) == [
        ClickCount(
            partner,
            DAY,
            link,
            clicks=3,
            unique=2,
            flagged=2,
            buckets=((0, 3),),
            reasons=(("bot", 1), ("paused", 1)),
            by={"device": (("desktop", 3, 2, 1), ("other", 0, 0, 1))},
        )
    ]


def test_a_robots_load_in_a_page_is_stuffed_too_though_its_reason_is_the_robot(
    rollup: ModuleType, clicks: ClickCounts
) -> None:
    partner, link = next(_partners), next(_links)
    item = a_click(link, partner, agent=BOT)
    item["flags"]["L"].append({"S": "embedded"})
    assert handle(rollup, [inserted(item)]) == []
    (count,) = clicks.month(partner, MONTH)
    assert (count.flagged, count.stuffed, count.reasons) == (1, 1, (("bot", 1),))


def test_each_flagged_click_counts_under_one_reason_so_that_reasons_add_up(
    rollup: ModuleType, clicks: ClickCounts
) -> None:
    partner, link = next(_partners), next(_links)
    # given a crawler that meets the link while it is paused, a page that loads it, and a flag that only a redirect
    # newer than this rollup gives
    crawler, loaded = a_click(link, partner, agent=BOT, status="paused"), a_click(link, partner, status="paused")
    batch = [
        crawler,
        {**loaded, "flags": {"L": [{"S": "embedded"}, {"S": "paused"}]}},
        {**a_click(link, partner, status="paused"), "flags": {"L": [{"S": "not_yet_known"}]}},
        a_click(link, partner),
    ]
    assert len(crawler["flags"]["L"]) == 2
    assert handle(rollup, [inserted(item) for item in batch]) == []
    (count,) = clicks.month(partner, MONTH)
    assert dict(count.reasons) == {"bot": 1, "embedded": 1, "other": 1}
    assert (count.flagged, count.clicks, count.stuffed) == (3, 1, 1)


def test_each_link_and_day_has_its_own_counter(rollup: ModuleType, clicks: ClickCounts) -> None:
    partner, (one, two) = next(_partners), (next(_links), next(_links))
    midnight = 1_772_496_000_000
    batch = [
        inserted(a_click(one, partner, at_ms=midnight - 1)),
        inserted(a_click(one, partner, at_ms=midnight)),
        inserted(a_click(two, partner, at_ms=midnight)),
    ]
    handle(rollup, batch)
    found = {(count.day, count.link): count.clicks for count in clicks.month(partner, MONTH)}
    assert found == {("2026-03-02", one): 1, ("2026-03-03", one): 1, ("2026-03-03", two): 1}
    assert [count.link for count in clicks.day(partner, "2026-03-02")] == [one]


def test_what_is_neither_a_new_click_nor_an_event_counts_nothing(rollup: ModuleType, clicks: ClickCounts) -> None:
    partner, link = next(_partners), next(_links)
    click = a_click(link, partner)
    assert handle(rollup, [expired(click), touched(click)]) == []
    assert clicks.month(partner, MONTH) == []


def test_quarantined_messages_are_counted_once_and_not_again_when_replayed(
    rollup: ModuleType, intake: IntakeDays
) -> None:
    source = next(_sources)
    key = keys.key("quarantined", brand="b", source=source, day=DAY, at=1, digest="d")
    kept = inserted(wire({**key.item(), "at": 1}))
    replayed = {**kept, "eventName": "MODIFY", "eventID": "another"}
    for batch in ([kept], [kept], [kept, replayed]):
        assert handle(rollup, batch) == []
    assert intake.get(source, DAY).quarantined == 1


def test_events_are_counted_on_the_day_they_were_accepted(rollup: ModuleType, intake: IntakeDays) -> None:
    source = next(_sources)
    handle(rollup, [accepted(source, 1), accepted(source, 2), accepted(source, 3), applied(source, 1)])
    (day,) = intake.of_source(source)
    assert (day.day, day.accepted, day.applied, day.waiting) == (DAY, 3, 1, 2)


def test_a_mark_that_is_taken_away_counts_back(rollup: ModuleType, intake: IntakeDays) -> None:
    # given an event that is applied, then given back to the engine, then applied again; and a touch that marks nothing
    source = next(_sources)
    event = an_event(source, 1)
    done = replace(event, applied_at=AT)
    handle(rollup, [accepted(source, 1), changed(event, done), changed(done, event), changed(event, event)])
    assert intake.get(source, DAY).applied == 0
    handle(rollup, [changed(event, done)])
    assert (intake.get(source, DAY).accepted, intake.get(source, DAY).applied) == (1, 1)


def test_clicks_are_counted_by_country_device_and_sub1(rollup: ModuleType, clicks: ClickCounts) -> None:
    # given clicks by a newsletter from two countries, one by the number of a visitor, and a crawler
    partner, link = next(_partners), next(_links)
    batch = [
        a_click(link, partner, query="sub1=newsletter"),
        a_click(link, partner, query="sub1=newsletter", seen_today=True),
        a_click(link, partner, query="sub1=w7f3k2m9q1x8z4"),
        a_click(link, partner, query="sub1=newsletter", agent=BOT),
    ]
    for item, country in zip(batch, ("DE", "TH", "DE", "DE"), strict=True):
        item["country"] = {"S": country}
    assert handle(rollup, [inserted(item) for item in batch]) == []
    (count,) = clicks.month(partner, MONTH)
    assert count.by == {
        "country": (("DE", 2, 2, 1), ("TH", 1, 0, 0)),
        "device": (("desktop", 3, 2, 0), ("other", 0, 0, 1)),
        "sub1": (("0", 2, 1, 1), (OTHER_SUB, 1, 1, 0)),
    }


def test_a_link_with_another_sub1_for_each_click_has_figures_for_the_first_and_one_for_the_rest(
    rollup: ModuleType, clicks: ClickCounts
) -> None:
    # given more values than a link has names for, or an expression has room for
    partner, link = next(_partners), next(_links)
    numbers = range(SUB_NAMES + 20)
    batch = [inserted(a_click(link, partner, query=f"sub1=place-{number}")) for number in numbers]
    # when they come in one batch, twice
    for _ in range(2):
        assert handle(rollup, batch) == []
    # then each is counted once
    (count,) = clicks.month(partner, MONTH)
    found = {value: clicked for value, clicked, _, _ in count.by["sub1"]}
    assert found == {**{str(number): 1 for number in range(SUB_NAMES)}, OTHER_SUB: 20}
    assert count.clicks == len(numbers)


# ---- exactly once ---------------------------------------------------------------------------------------------------


def test_a_batch_that_comes_twice_is_counted_once(rollup: ModuleType, clicks: ClickCounts, intake: IntakeDays) -> None:
    partner, link, source = next(_partners), next(_links), next(_sources)
    batch = [inserted(a_click(link, partner)) for _ in range(5)] + [accepted(source, n) for n in range(4)]
    for _ in range(3):
        assert handle(rollup, batch) == []
    assert clicks.month(partner, MONTH)[0].clicks == 5
    assert intake.get(source, DAY).accepted == 4


@pytest.mark.parametrize("counted", [0, 1, 2])
def test_every_shard_of_a_link_is_remembered_apart(rollup: ModuleType, clicks: ClickCounts, counted: int) -> None:
    # given a link whose clicks of a day lie in three shards of ours, of which one is counted already
    partner, link = next(_partners), next(_links)
    by_shard: dict[int, dict[str, Any]] = {}
    while len(by_shard) < 3:
        record = inserted(a_click(link, partner, shard_exponent=1))
        by_shard.setdefault(int(keys.parts(record["dynamodb"]["Keys"]["pk"]["S"])[3]), record)
    records = [by_shard[shard] for shard in sorted(by_shard)]
    handle(rollup, [records[counted]])
    # when all come, by age
    handle(rollup, sorted(records, key=lambda record: int(record["dynamodb"]["SequenceNumber"])))
    # then
    assert clicks.month(partner, MONTH)[0].clicks == 3


def test_a_position_is_compared_as_a_number(rollup: ModuleType, clicks: ClickCounts) -> None:
    # given a position with one digit more than the one before
    partner, link = next(_partners), next(_links)
    first, second = inserted(a_click(link, partner)), inserted(a_click(link, partner))
    first["dynamodb"]["SequenceNumber"], second["dynamodb"]["SequenceNumber"] = "9" * 21, "1" + "0" * 21
    handle(rollup, [first])
    handle(rollup, [second])
    assert clicks.month(partner, MONTH)[0].clicks == 2


class Fragile:
    """A counter that fails before or after some of its writes, as a container may that is killed."""

    def __init__(self, inner: Any, plan: list[str]) -> None:
        self._inner, self._plan = inner, plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def add(self, *arguments: Any) -> bool:
        step = self._plan.pop() if self._plan else ""
        if step == "before":
            raise Unavailable("not now")
        done: bool = self._inner.add(*arguments)
        if step == "after":
            raise Unavailable("done, but who knows")
        return done


STEPS = st.lists(st.sampled_from(["", "", "before", "after"]), max_size=12)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 1), st.booleans(), st.booleans(), st.sampled_from(["", "a", "x@y.z"])
        ),
        min_size=1,
        max_size=40,
    ),
    deliveries=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), STEPS), max_size=8),
)
def test_clicks_are_counted_exactly_once_however_they_are_delivered(
    rollup: ModuleType,
    clicks: ClickCounts,
    intake: IntakeDays,
    shape: list[tuple[int, int, bool, bool, str]],
    deliveries: list[tuple[int, int, list[str]]],
) -> None:
    # given clicks of three links, some of them spread over shards
    partner, links = next(_partners), [next(_links) for _ in range(3)]
    stream = [
        inserted(
            a_click(
                links[link],
                partner,
                shard_exponent=exponent,
                agent=BOT if bot else "Opera/9.80",
                seen_today=seen,
                query=f"sub1={sub1}",
            )
        )
        for link, exponent, bot, seen, sub1 in shape
    ]
    # when the stream goes back to any earlier place, cuts batches anyhow, and containers die in the middle
    reached = 0
    for back, size, plan in [*deliveries, *[(0, size, []) for size in (7, 40)]]:
        start = max(0, reached - back)
        batch = stream[start : start + size]
        outcome = count_facts(batch, Fragile(clicks, plan), intake)
        if outcome.failed is None:
            reached = max(reached, start + len(batch))
        else:
            sequences = [record["dynamodb"]["SequenceNumber"] for record in batch]
            reached = max(reached, start + sequences.index(outcome.failed))
    while reached < len(stream):
        assert count_facts(stream[reached : reached + 10], clicks, intake).failed is None
        reached += 10
    # then
    expected: Counter[tuple[str, ...]] = Counter()
    for record in stream:
        image = record["dynamodb"]["NewImage"]
        link = image["link"]["S"]
        flagged = "flags" in image
        expected[link, "flagged" if flagged else "clicks"] += 1
        if flagged:
            expected[link, "bot"] += 1
        expected[link, "unique"] += image["unique"]["BOOL"] and not flagged
        sub1 = image.get("sub1", {}).get("S", "")
        if sub1:
            expected[link, "x" if "@" in sub1 else sub1, "flagged" if flagged else "clicks"] += 1
        expected[link, image["device"]["S"], "flagged" if flagged else "clicks"] += 1
    found: Counter[tuple[str, ...]] = Counter()
    names = SubNames("books").names(partner)
    for count in clicks.month(partner, MONTH):
        for dimension in ("device", "sub1"):
            called = {**names.get(count.link, {}), OTHER_SUB: "x"} if dimension == "sub1" else {}
            for value, of_people, _, flagged in count.by.get(dimension, ()):
                found[count.link, called.get(value, value), "clicks"] += of_people
                found[count.link, called.get(value, value), "flagged"] += flagged
        for name in ("clicks", "unique", "flagged"):
            found[count.link, name] += getattr(count, name)
        for reason, number in count.reasons:
            found[count.link, reason] += number
    assert +found == +expected


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), number=st.integers(1, 12))
def test_events_are_counted_once_for_every_delivery_that_lambda_makes(
    rollup: ModuleType, clicks: ClickCounts, intake: IntakeDays, data: st.DataObject, number: int
) -> None:
    source = next(_sources)
    stream = [accepted(source, n) for n in range(number)] + [applied(source, n) for n in range(number)]
    begin = 0
    while begin < len(stream):
        batch = stream[begin : begin + data.draw(st.integers(1, 10))]
        # when the batch is counted but its answer is lost, it comes again: the same, longer, or halved
        for again in data.draw(st.lists(st.sampled_from(["same", "longer", "halved"]), max_size=3)):
            assert count_facts(batch, clicks, intake).failed is None
            if again == "longer":
                batch = stream[begin : begin + len(batch) + 3]
            if again == "halved":
                middle = (len(batch) + 1) // 2
                assert count_facts(batch[:middle], clicks, intake).failed is None
                assert count_facts(batch[middle:], clicks, intake).failed is None
        assert count_facts(batch, clicks, intake).failed is None
        begin += len(batch)
    day = intake.get(source, DAY)
    assert (day.accepted, day.applied) == (number, number)


def test_two_containers_that_count_one_day_at_once_lose_nothing(
    rollup: ModuleType, clicks: ClickCounts, intake: IntakeDays
) -> None:
    source = next(_sources)

    class Overtaken:
        """Another container adds between our read and our write, twice."""

        def __init__(self) -> None:
            self.others = [accepted(source, 100), accepted(source, 101)]

        def get(self, name: str, day: str) -> IntakeDay:
            return intake.get(name, day)

        def add(self, seen: IntakeDay, *rest: Any) -> bool:
            if self.others:
                count_facts([self.others.pop()], clicks, intake)
            return intake.add(seen, *rest)

    assert count_facts([accepted(source, 1)], clicks, Overtaken()).failed is None
    assert intake.get(source, DAY).accepted == 3


def test_a_day_remembers_a_bounded_number_of_batches(rollup: ModuleType, intake: IntakeDays) -> None:
    source = next(_sources)
    for number in range(MARKS + 10):
        handle(rollup, [accepted(source, number)])
    assert len(intake.get(source, DAY).marks.split()) == MARKS
    item = boto3.client("dynamodb").get_item(
        TableName="books", Key=wire(keys.key("intake_day", source=source, day=DAY).item())
    )["Item"]
    assert sum(len(name) + len(str(value)) for name, value in item.items()) < 1024


@pytest.mark.parametrize(
    ("ids", "marks", "left"),
    [
        ("abcd", [], 4),
        ("abcd", ["a:d:4"], 0),
        ("abcdef", ["a:d:4"], 2),
        ("ab", ["a:d:4"], 0),
        ("cd", ["a:d:4"], 0),
        ("cdef", ["a:d:4"], 2),
        ("abcdef", ["a:b:2", "c:d:2"], 2),
        ("abcdef", ["c:d:2", "a:b:2"], 2),
        ("bcdef", ["a:c:3", "d:e:2"], 1),
        ("x", ["x:x:1"], 0),
        ("xyz", ["a:d:4"], 3),
        ("", ["a:d:4"], 0),
        # What it cannot know: a piece from the middle of a batch.
        ("bc", ["a:d:4"], 2),
    ],
)
def test_what_a_day_knows_of_the_batches_it_counted(ids: str, marks: list[str], left: int) -> None:
    assert uncounted(list(ids), marks) == left


# ---- when something cannot be counted -------------------------------------------------------------------------------


def test_it_stops_at_the_first_failure_and_names_it(
    rollup: ModuleType, clicks: ClickCounts, intake: IntakeDays
) -> None:
    # given three counters, of which the second cannot be written
    partner, (one, two, three) = next(_partners), (next(_links), next(_links), next(_links))
    batch = [inserted(a_click(link, partner)) for link in (one, two, one, three, two)]
    outcome = count_facts(batch, Fragile(clicks, ["before", ""]), intake)
    # then the stream must come again from that counter's first click, and the third was not tried
    assert outcome.failed == batch[1]["dynamodb"]["SequenceNumber"]
    assert {count.link: count.clicks for count in clicks.month(partner, MONTH)} == {one: 2}
    # and what comes again completes the count
    assert count_facts(batch[1:], clicks, intake).failed is None
    assert {count.link: count.clicks for count in clicks.month(partner, MONTH)} == {one: 2, two: 2, three: 1}


def test_events_before_a_click_that_cannot_be_counted_come_again_with_it(
    rollup: ModuleType, clicks: ClickCounts, intake: IntakeDays
) -> None:
    source = next(_sources)
    batch = [accepted(source, 1), inserted(a_click(next(_links), next(_partners))), accepted(source, 2)]
    assert count_facts(batch, Fragile(clicks, ["before"]), intake).failed == batch[0]["dynamodb"]["SequenceNumber"]
    assert count_facts(batch, clicks, intake).failed is None
    assert intake.get(source, DAY).accepted == 2


@pytest.mark.parametrize(
    "damage",
    [
        {"partner": None},
        {"unique": {"S": "yes"}},
        {"at": {"N": "soon"}},
        {"click": {"S": "short"}},
        {"click": {"S": "A" * 32}},
        {"link": {"N": "1"}},
    ],
    ids=str,
)
def test_a_record_that_nobody_can_read_fails_after_all_before_it_is_counted(
    rollup: ModuleType, clicks: ClickCounts, damage: dict[str, Any]
) -> None:
    partner, link = next(_partners), next(_links)
    broken = {name: value for name, value in {**a_click(link, partner), **damage}.items() if value is not None}
    batch = [inserted(a_click(link, partner)), inserted(broken), inserted(a_click(link, partner))]
    assert handle(rollup, batch) == [batch[1]["dynamodb"]["SequenceNumber"]]
    assert clicks.month(partner, MONTH)[0].clicks == 1


def test_an_event_that_nobody_can_read_fails_too(rollup: ModuleType, intake: IntakeDays) -> None:
    source = next(_sources)
    broken = accepted(source, 2)
    broken["dynamodb"]["NewImage"]["type"] = {"S": "wish"}
    batch = [accepted(source, 1), broken, accepted(source, 3)]
    assert handle(rollup, batch) == [batch[1]["dynamodb"]["SequenceNumber"]]
    assert intake.get(source, DAY).accepted == 1


# ---- what it costs --------------------------------------------------------------------------------------------------


def test_a_thousand_clicks_of_fifty_links_cost_fifty_small_writes(rollup: ModuleType) -> None:
    # given
    partner, links = next(_partners), [next(_links) for _ in range(50)]
    batch = [inserted(a_click(links[number % 50], partner)) for number in range(1000)]
    added: list[ClickCount] = []

    class Counting(ClickCounts):
        def add(self, addition: ClickCount, spans: Any, capped: Any = None) -> bool:
            added.append(addition)
            return super().add(addition, spans, capped)

    outcome = count_facts(batch, Counting("books"), IntakeDays("books"))
    # then
    assert (outcome.clicks, len(added)) == (1000, 50)
    items = boto3.client("dynamodb").query(
        TableName="books",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.partition("click_count", partner=partner, month=MONTH)}},
    )["Items"]
    assert len(items) == 50
    assert max(sum(len(name) + len(str(value)) for name, value in item.items()) for item in items) < 1024


def test_a_counter_of_a_dozen_countries_and_places_still_fits_a_write_unit(clicks: ClickCounts) -> None:
    partner, link = f"par_{'1' * 26}", next(_links)
    by = {
        "country": tuple((f"C{number:X}", 4_000, 3_000, 200) for number in range(12)),
        "device": tuple((device, 20_000, 10_000, 500) for device in ("desktop", "mobile", "other", "tablet")),
        "sub1": tuple((str(number), 4_000, 3_000, 200) for number in range(12)),
    }
    reasons = tuple((reason, 10**4) for reason in ("bot", "preview", "prefetch", "embedded", "hosting"))
    buckets = tuple((bucket, 10**4) for bucket in range(16))
    clicks.add(ClickCount(partner, DAY, link, 10**5, 10**5, 10**5, 0, buckets, reasons, by), {0: Span("1", "2" * 40)})
    (item,) = boto3.client("dynamodb").query(
        TableName="books",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.partition("click_count", partner=partner, month=MONTH)}},
    )["Items"]
    assert item_size(item) < 1024


def test_a_counter_of_sixteen_shards_still_fits_a_write_unit(clicks: ClickCounts) -> None:
    partner, link = f"par_{'0' * 26}", next(_links)
    reasons = tuple((reason, 10**6) for reason in ("bot", "preview", "prefetch", "embedded", "hosting"))
    count = ClickCount(partner, DAY, link, 10**6, 10**6, 10**6, reasons=reasons)
    clicks.add(count, {n: Span("1" * 40, "2" * 40) for n in range(16)})
    (item,) = boto3.client("dynamodb").query(
        TableName="books",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.partition("click_count", partner=partner, month=MONTH)}},
    )["Items"]
    size = sum(len(name) + len(value.get("S", value.get("N", ""))) for name, value in item.items())
    assert size < 1024
    assert clicks.positions(partner, DAY, link) == dict.fromkeys(range(16), "2" * 40)
