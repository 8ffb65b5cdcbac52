"""Caps: clicks of a campaign are counted exactly, however they are delivered, and a full campaign is closed."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.caps import FOREVER, Used
from introducer.domain.configuration import Campaign
from introducer.domain.errors import Unavailable
from introducer.domain.events import milliseconds
from introducer.services.count_clicks import count_facts
from introducer.services.fill_campaigns import FRESH, CampaignFiller
from introducer.store.campaign_counts import SHARDS
from introducer.store.click_counts import ClickCounts
from introducer.store.intake_days import IntakeDays
from tests.conftest import Tables
from tests.support.builders import at
from tests.support.campaigning import Campaigning
from tests.support.clicks import a_click, inserted
from tests.support.roles import allows, watched

pytestmark = pytest.mark.in_memory

DAY, NEXT = "2026-03-02", "2026-03-03"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Counting:
    """Rollup with a clock of its own for what it keeps in memory."""

    def __init__(self, world: Campaigning) -> None:
        self.world = world
        self.elapsed = 0.0
        self.clicks, self.intake = ClickCounts(world.table), IntakeDays(world.table)
        self.filler = CampaignFiller(world.books, world.counts, lambda: self.elapsed)

    def count(self, records: list[dict[str, Any]]) -> str | None:
        return count_facts(records, self.clicks, self.intake, self.filler).failed

    def full_until(self, campaign: Campaign) -> Any:
        return self.world.books.route(campaign.campaign).full_until

    def used(self, campaign: Campaign) -> Used:
        return self.world.counts.used(campaign.campaign)


@pytest.fixture(name="world")
def _world(tables: Tables) -> Campaigning:
    return Campaigning(tables.client, tables.books)


@pytest.fixture(name="rollup")
def _rollup(world: Campaigning) -> Counting:
    return Counting(world)


def clicks(campaign: Campaign, number: int, link: str = "Ab12Cd34", day: str = DAY, **other: Any) -> list[Any]:
    moment = milliseconds(at(f"{day} 12:00"))
    made = [a_click(link, f"par_{link}", at_ms=moment + each, **other) for each in range(number)]
    return [inserted({**item, "campaign": {"S": campaign.campaign}}) for item in made]


class TestCounting:
    @pytest.mark.pattern("campaign_count_of_campaign")
    def test_people_of_all_links_count_and_flagged_clicks_do_not(self, world: Campaigning, rollup: Counting) -> None:
        campaign = world.campaign(clicks_per_day=100)

        rollup.count(clicks(campaign, 3) + clicks(campaign, 2, "Zz99Zz99") + clicks(campaign, 4, agent=BOT))
        rollup.count(clicks(campaign, 1, day=NEXT))

        assert rollup.used(campaign) == Used(6, {DAY: 5, NEXT: 1})
        assert rollup.full_until(campaign) is None

    def test_a_campaign_without_caps_is_not_counted(self, world: Campaigning, rollup: Counting) -> None:
        campaign = world.campaign()
        rollup.count(clicks(campaign, 3))

        assert rollup.used(campaign) == Used(0, {})
        assert rollup.clicks.day("par_Ab12Cd34", DAY)[0].clicks == 3

    def test_redelivery_however_it_is_cut_counts_once(self, world: Campaigning, rollup: Counting) -> None:
        campaign = world.campaign(clicks_in_all=1000)
        links = [f"link{number:04}" for number in range(5)]
        records = [record for number in range(8) for link in links for record in clicks(campaign, 1, link)]
        chance = random.Random(8)
        for _ in range(20):
            # From a beginning: a stream never shows later clicks of a partition before earlier ones.
            rollup.count(records[: chance.randrange(len(records) + 1)])
        rollup.count(records)

        assert rollup.used(campaign) == Used(40, {DAY: 40})
        by_link = [rollup.clicks.day(f"par_{link}", DAY)[0].clicks for link in links]
        assert by_link == [8] * 5

    def test_only_the_last_days_are_kept(self, world: Campaigning, rollup: Counting) -> None:
        campaign = world.campaign(clicks_in_all=1000)
        for number in range(12):
            rollup.count(clicks(campaign, 1, day=f"2026-03-{2 + number:02}"))

        used = rollup.used(campaign)
        assert (used.in_all, sorted(used.by_day)) == (12, ["2026-03-11", "2026-03-12", "2026-03-13"])
        # and after a week without clicks those from before it go as well
        rollup.count(clicks(campaign, 1, day="2026-03-20"))
        assert rollup.used(campaign).by_day == {"2026-03-20": 1}

    def test_clicks_before_the_first_cap_do_not_count(self, world: Campaigning, rollup: Counting) -> None:
        campaign = world.campaign()
        world.now = at(f"{DAY} 11:58:59")
        rollup.count(clicks(campaign, 2))
        capped = world.changed(campaign, clicks_in_all=10)
        # when rollup has heard of it
        rollup.elapsed += FRESH
        early, counted = clicks(campaign, 1, "early000"), clicks(campaign, 3)
        rollup.count(counted)

        assert capped.caps_since == at(f"{DAY} 12:00")
        assert rollup.used(campaign).in_all == 3
        rollup.count([replaced(early[0], milliseconds(at(f"{DAY} 12:00")) - 1, campaign)])
        assert rollup.used(campaign).in_all == 3


def replaced(record: dict[str, Any], at_ms: int, campaign: Campaign) -> dict[str, Any]:
    item = a_click("early000", "par_early000", at_ms=at_ms)
    return inserted({**item, "campaign": {"S": campaign.campaign}})


def test_a_day_that_is_full_closes_the_campaign_until_midnight(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_per_day=5, clicks_in_all=8)

    rollup.count(clicks(campaign, 4))
    assert rollup.full_until(campaign) is None
    rollup.count(clicks(campaign, 1))
    assert rollup.full_until(campaign) == at(NEXT)
    # the next day it is open, until it has had all that it takes
    rollup.count(clicks(campaign, 2, day=NEXT))
    assert rollup.full_until(campaign) == at(NEXT)
    rollup.count(clicks(campaign, 1, day=NEXT))
    assert rollup.full_until(campaign) == FOREVER


def test_each_of_two_full_days_closes_until_its_own_midnight(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_per_day=2)
    rollup.count(clicks(campaign, 2, day=DAY))
    assert rollup.full_until(campaign) == at(NEXT)
    rollup.count(clicks(campaign, 2, day=NEXT))
    assert rollup.full_until(campaign) == at("2026-03-04")


def test_a_late_click_of_a_full_day_opens_nothing(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_per_day=2)
    rollup.count(clicks(campaign, 2, day=NEXT))
    rollup.count(clicks(campaign, 2, "Zz99Zz99", day=DAY))

    assert rollup.full_until(campaign) == at("2026-03-04")


def test_raising_a_cap_opens_the_campaign_and_lowering_it_closes_it(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_in_all=3)
    rollup.count(clicks(campaign, 3))
    assert rollup.full_until(campaign) == FOREVER

    campaign = world.changed(campaign, clicks_in_all=6)
    assert rollup.full_until(campaign) is None
    # rollup, which knew the old cap, hears of the new one
    rollup.elapsed += FRESH
    rollup.count(clicks(campaign, 2))
    assert rollup.full_until(campaign) is None
    campaign = world.changed(campaign, clicks_in_all=5)
    assert rollup.full_until(campaign) == FOREVER


def test_a_change_between_counting_and_closing_is_not_closed_over(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_in_all=3)
    rollup.filler.counts_from(campaign.campaign)
    # given a cap that is raised after rollup read the route
    world.changed(campaign, clicks_in_all=10)

    rollup.count(clicks(campaign, 3))
    assert rollup.full_until(campaign) is None
    rollup.count(clicks(campaign, 7))
    assert rollup.full_until(campaign) == FOREVER


def test_a_batch_whose_look_fails_comes_again_and_closes(
    world: Campaigning, rollup: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = world.campaign(clicks_in_all=3)
    batch = clicks(campaign, 3)

    def away(*_: object) -> Used:
        raise Unavailable("The table did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(world.counts, "used", away)
        assert rollup.count(batch) == batch[0]["dynamodb"]["SequenceNumber"]
    assert rollup.count(batch) is None
    assert (rollup.used(campaign).in_all, rollup.full_until(campaign)) == (3, FOREVER)


def test_what_is_counted_before_a_record_that_nobody_can_read_closes_the_campaign(
    world: Campaigning, rollup: Counting
) -> None:
    campaign = world.campaign(clicks_in_all=3)
    broken = clicks(campaign, 1)[0]
    del broken["dynamodb"]["NewImage"]["partner"]

    assert rollup.count([*clicks(campaign, 3), broken]) == broken["dynamodb"]["SequenceNumber"]
    assert rollup.full_until(campaign) == FOREVER


def test_a_campaign_that_is_closed_is_not_written_again(
    world: Campaigning, rollup: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = world.campaign(clicks_in_all=3)
    rollup.count(clicks(campaign, 3))
    assert rollup.full_until(campaign) == FOREVER

    monkeypatch.setattr(rollup.filler._routes, "fill_route", lambda *_: pytest.fail("It is closed."))
    assert rollup.count(clicks(campaign, 1)) is None


def test_links_of_one_campaign_are_spread_over_items(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_in_all=1000)
    rollup.count([record for number in range(40) for record in clicks(campaign, 1, f"link{number:04}")])

    found = [world.item("campaign_count", campaign=campaign.campaign, shard=shard) for shard in range(SHARDS)]
    assert sum(bool(item) for item in found) > SHARDS // 2 and rollup.used(campaign).in_all == 40


def test_a_pause_keeps_what_is_full(world: Campaigning, rollup: Counting) -> None:
    campaign = world.campaign(clicks_per_day=2)
    rollup.count(clicks(campaign, 2))
    world.now += timedelta(seconds=1)

    assert world.changed(campaign, name="Spring").version == 1
    assert rollup.full_until(campaign) == at(NEXT)


def test_all_that_counting_asks_of_the_tables_its_role_allows(
    world: Campaigning, rollup: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = world.campaign(clicks_in_all=2)
    asked = watched(monkeypatch)
    rollup.count(clicks(campaign, 2))

    assert rollup.full_until(campaign) == FOREVER
    place = f"V#{campaign.campaign}"
    # Of a query the watcher sees no key: what is asked here is the campaign's own partition, and no other is allowed.
    found = {(action, table, pk or place) for action, table, pk in asked}
    assert {("dynamodb:UpdateItem", "Books", place), ("dynamodb:Query", "Books", place)} <= found
    assert [each for each in sorted(found) if not allows("RollupRole", *each)] == []
    assert not allows("RollupRole", "dynamodb:Query", "Books", "P#par_1")
