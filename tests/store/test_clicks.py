"""Clicks in FACTS: what the redirect writes is read back, by id and by link and day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from introducer.domain import click_id
from introducer.domain.clicks import Click
from introducer.domain.errors import Malformed, Unavailable
from introducer.store import keys
from introducer.store.clicks import Clicks, click_from_item, key_of
from tests.conftest import Tables
from tests.support.clicks import a_click

DAY = "2026-03-02"


@pytest.fixture
def clicks(tables: Tables) -> Clicks:
    """The clicks of an empty FACTS table."""
    return Clicks(tables.facts)


@pytest.mark.pattern("click_by_id")
def test_a_click_is_found_by_its_id_alone(clicks: Clicks) -> None:
    # given one click among others
    item = a_click(query="sub1=a&sub4=d", agent="curl/8")
    for other in (a_click(), item, a_click()):
        assert clicks.restore(other)
    # when
    found = clicks.click(item["click"]["S"])
    # then it is whole
    assert found == Click(
        id=item["click"]["S"],
        link="Ab12Cd34",
        partner="par_01",
        brand="brd_01",
        campaign="cmp_01",
        at=datetime(2026, 3, 2, 12, tzinfo=UTC),
        address=item["address"]["S"],
        prefix=item["prefix"]["S"],
        agent="tool",
        device="other",
        referer="blog.example",
        country="ZZ",
        visitor=None,
        unique=False,
        subs=("a", "", "", "d", ""),
        flags=("tool",),
    )
    assert not found.counts


def test_a_persons_click_counts_and_names_its_visitor() -> None:
    click = click_from_item(a_click())
    assert click.counts and click.unique and click.visitor is not None and click.agent == "browser"


def test_an_id_that_was_never_recorded_is_not_found(clicks: Clicks) -> None:
    assert clicks.click(a_click()["click"]["S"]) is None


@pytest.mark.parametrize("text", ["", "short", "x" * 33, "%" * 32])
def test_a_text_that_is_no_click_id_is_refused(clicks: Clicks, text: str) -> None:
    with pytest.raises(Malformed, match="not a click id"):
        clicks.click(text)


@pytest.mark.pattern("clicks_of_link_day")
@pytest.mark.parametrize("exponent", [0, 1, 2])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_links_clicks_of_a_day_come_in_pages_each_once(clicks: Clicks, exponent: int, limit: int) -> None:
    # given clicks over all shards, some of them made before the link was given more, and clicks of others
    mine = [a_click(shard_exponent=made) for made in (0, exponent) for _ in range(7)]
    others = [a_click("other000"), a_click(at_ms=1_772_452_800_000 + 86_400_000)]
    for item in mine + others:
        clicks.restore(item)
    # when
    found, cursor = [], None
    for _ in range(40):
        page = clicks.of_link("Ab12Cd34", DAY, exponent, cursor, limit)
        assert len(page.items) <= limit
        found += [click.id for click in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    # then
    assert cursor is None
    assert sorted(found) == sorted(item["click"]["S"] for item in mine)


def test_the_key_that_an_id_names_is_the_one_the_redirect_wrote() -> None:
    for exponent in range(4):
        item = a_click(shard_exponent=exponent)
        assert key_of(item["click"]["S"]) == keys.Key(item["pk"]["S"], item["sk"]["S"])
        named = click_id.read(item["click"]["S"])
        assert named is not None and keys.parts(item["pk"]["S"]) == ["C", "Ab12Cd34", DAY, str(named.shard)]


def test_a_click_is_restored_once(clicks: Clicks, tables: Tables) -> None:
    item = a_click()
    assert clicks.restore(item) is True
    assert clicks.restore({**item, "sub1": {"S": "other"}}) is False
    assert tables.items(tables.facts) == [item]


def test_a_store_that_does_not_answer_is_unavailable(tables: Tables) -> None:
    clicks = Clicks("no-such-table")
    for ask in (lambda: clicks.click(a_click()["click"]["S"]), lambda: clicks.restore(a_click())):
        with pytest.raises(Unavailable):
            ask()
