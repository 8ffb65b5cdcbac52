"""What keeps clicks fails: each sink, each pair, all three, in five ways, a thousand clicks each, on a played clock.

Every visitor is sent on within the deadline, and a click is lost only where FACTS, the queue and the log all fail.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from introducer.domain import click_id
from introducer.store.clicks import key_of
from tests.support.redirecting import CLICK_KEY, FAILURES, LANDING, World, a_link, a_redirect, a_route, a_visit

CLICKS = 1000
DEADLINE = 0.050
SINKS = ("facts", "queue", "log")
CALLS = {"facts": "put_item", "queue": "send_message"}
SUBSETS = [some for number in (1, 2, 3) for some in itertools.combinations(SINKS, number)]
HAIR = 1e-9
"""Floats of seconds are not exact."""


class Played:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def moments(self) -> Iterator[int]:
        """The time of day in nanoseconds, a millisecond later each time: ids of one moment may be the same one, though
        that happens once in many million."""
        return itertools.count(1_772_452_800_000_000_000, 1_000_000)


class Log(io.StringIO):
    """Standard output; a broken one takes nothing."""

    broken = False

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)


@pytest.fixture(scope="module")
def warm() -> Iterator[tuple[World, Played]]:
    """One container of an installation with AWS's own deadline; it knows the link and the route."""
    with pytest.MonkeyPatch.context() as patch, a_redirect(patch) as world:
        patch.setenv("CLICK_DEADLINE_MS", str(DEADLINE * 1000))
        world.put(a_route())
        played = Played()
        patch.setattr("time.monotonic", played)
        patch.setattr("time.time_ns", played.moments().__next__)
        world.amazon.waits = played.wait
        world.start()
        world.visit()
        yield world, played


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("failing", SUBSETS, ids="+".join)
def test_whatever_fails_visitors_are_sent_on_in_time_and_no_click_is_lost_that_something_takes(
    warm: tuple[World, Played], monkeypatch: pytest.MonkeyPatch, failing: tuple[str, ...], how: str
) -> None:
    # given sinks that fail so
    world, played = warm
    amazon = world.amazon
    amazon.fails = {CALLS[sink]: how for sink in failing if sink != "log"}
    amazon.tables["facts"].clear()
    amazon.messages.clear()
    amazon.asked.clear()
    log = Log()
    log.broken = "log" in failing
    monkeypatch.setattr(sys, "stdout", log)
    event = a_visit(query="sub1=banner")

    # when a thousand visitors come
    shown, slowest = set(), 0.0
    for _ in range(CLICKS):
        began = played.now
        answer = world.redirect.handler(event, None)
        slowest = max(slowest, played.now - began)
        assert answer["statusCode"] == 302
        location = answer["headers"]["Location"]
        shown.add(location.rpartition("click_id=")[2])

    # then each has an id of its own, no call was given more than its share of the deadline, and all came within it
    assert len(shown) == CLICKS
    given = [seconds for name, seconds in amazon.asked if name == "put_item"]
    assert max(given) <= DEADLINE * 0.6 + HAIR
    assert max((seconds for name, seconds in amazon.asked if name == "send_message"), default=0) <= DEADLINE + HAIR
    assert slowest <= DEADLINE + HAIR
    # and every click is kept by the first sink that takes it, but for those that none takes
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    kept: dict[str, set[str]] = {
        "facts": {item["click"]["S"] for item in amazon.tables["facts"].values()},
        "queue": {json.loads(message)["click"]["S"] for message in amazon.messages},
        "log": {line["item"]["click"]["S"] for line in lines if line["message"] == "click_unwritten"},
    }
    takes = [sink for sink in SINKS if sink not in failing]
    if takes:
        assert kept[takes[0]] == shown
    for sink in takes[1:]:
        assert not kept[sink]
    # (A put whose answer was lost is done all the same.)
    if "facts" in failing and how not in ("timeout", "closed"):
        assert not kept["facts"]
    # and the log says why, in words that tell the cases apart
    if "facts" in failing and "log" not in failing:
        wanted = "click_unwritten" if "queue" in failing else "click_queued"
        assert {line["message"] for line in lines} == {wanted}
        assert {reason.partition(":")[0] for line in lines for reason in line["reasons"]} == set(failing)


@pytest.mark.parametrize("how", FAILURES)
def test_what_was_kept_elsewhere_has_the_id_and_the_time_of_its_click(
    warm: tuple[World, Played], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    # given clicks in the queue and in the log
    world, _ = warm
    amazon = world.amazon
    amazon.messages.clear()
    log = Log()
    monkeypatch.setattr(sys, "stdout", log)
    items: dict[str, dict[str, Any]] = {}
    for fails in ({"put_item": how}, {"put_item": how, "send_message": how}):
        amazon.fails = fails
        for _ in range(20):
            location = world.visit()["headers"]["Location"]
            items[parse_qs(urlsplit(location).query)["click_id"][0]] = {}
    for message in amazon.messages:
        item = json.loads(message)
        items[item["click"]["S"]] = item
    for line in map(json.loads, log.getvalue().splitlines()):
        if "item" in line:
            items[line["item"]["click"]["S"]] = line["item"]
    # then each lies under the key that its id names, at the id's own time
    for click, item in items.items():
        named = click_id.verify(click, {3: CLICK_KEY.encode()})
        assert named is not None and not named.flagged
        assert item["at"]["N"] == str(named.at_ms)
        assert {name: item[name]["S"] for name in ("pk", "sk")} == key_of(click).item()


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("also", [(), ("facts",), ("facts", "queue")], ids=["books", "books+facts", "all"])
def test_a_link_that_is_read_again_in_vain_leaves_its_click_enough_time(
    warm: tuple[World, Played], monkeypatch: pytest.MonkeyPatch, how: str, also: tuple[str, ...]
) -> None:
    # given a link and a route that were read long ago, and books that fail
    world, played = warm
    amazon = world.amazon
    amazon.fails = {"get_item": how} | {CALLS[sink]: how for sink in also}
    amazon.tables["facts"].clear()
    amazon.messages.clear()
    monkeypatch.setattr(sys, "stdout", log := Log())
    played.wait(3600)
    # when
    began = played.now
    answer = world.visit()
    # then
    assert answer["headers"]["Location"].startswith(LANDING.rpartition("/")[0])
    assert played.now - began <= DEADLINE + HAIR
    sinks = [bool(amazon.tables["facts"]), bool(amazon.messages), "click_unwritten" in log.getvalue()]
    assert sinks[len(also)] and not any(sinks[len(also) + 1 :])
    # and the next visitor does not wait for the books again
    amazon.asked.clear()
    world.visit()
    assert "get_item" not in [name for name, _ in amazon.asked]


@pytest.mark.parametrize("how", FAILURES)
def test_a_cold_container_whose_books_fail_sends_everybody_to_the_fallback_in_time(
    warm: tuple[World, Played], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    world, played = warm
    world.amazon.fails = {"get_item": how}
    monkeypatch.setattr(sys, "stdout", log := Log())
    began = played.now
    answer = world.visit("unknown-yet")
    assert answer["headers"]["Location"] == "https://fallback.example/"
    assert played.now - began <= 3 * DEADLINE + HAIR
    assert "link_unread" in log.getvalue()


def test_a_slow_look_at_a_link_that_is_not_known_here_costs_its_click_nothing(warm: tuple[World, Played]) -> None:
    # given a link that a container meets for the first time, in books that take four fifths of a click's whole time
    world, played = warm
    world.amazon.fails = {}
    world.amazon.tables["facts"].clear()
    world.amazon.messages.clear()
    world.amazon.asked.clear()
    world.put(a_link("slowly01", campaign="cmp_slow"))
    read = world.amazon.get_item

    def slowly(table: str, key: Any, *, seconds: float) -> Any:
        assert seconds >= DEADLINE
        played.wait(DEADLINE * 0.8)
        return read(table, key, seconds=seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.amazon, "get_item", slowly)
        answer = world.visit("slowly01")
    # then its visitor arrives, and the click is where all clicks are
    assert LANDING in answer["headers"]["Location"]
    assert len(world.amazon.tables["facts"]) == 1
    assert not world.amazon.messages
