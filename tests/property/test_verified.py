"""Random partner programs through the engine, settling and closing themselves: verification agrees with them, and
facts that came in another order give the same books."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.events import Event
from introducer.services.verify.report import Report
from introducer.services.verify_books import verify_books
from tests.support import programs
from tests.support.builders import CLICK_KEY, at
from tests.support.tables import Tables

NOW = at("2028-12-01")


def configured(program: programs.Program) -> Tables:
    """A program's configuration in the tables."""
    tables = Tables()
    for link in program.links.values():
        attribution = "first_click" if link.first_click else "last_click"
        tables.campaign(link.campaign, link.window_days, attribution)
        tables.link(link.link, link.partner, link.campaign)
    for partner, versions in program.deals.items():
        tables.deals(partner, *((at(since), terms) for since, terms in versions))
    for partner, decided in program.standings.items():
        for since, blocked in decided:
            tables.blocks(partner, at(since), blocked=blocked)
    for partner, parents in program.parents.items():
        for month, parent in parents:
            tables.under(partner, parent, *([month] if month else []))
    days = sorted(event.occurred_at for event in program.events)
    first, last = (each.date().isoformat() for each in (days[0] - timedelta(days=60), days[-1] + timedelta(days=60)))
    tables.rates(program.published, last, first)
    return tables


def delivered(
    program: programs.Program,
    rng: random.Random,
    *,
    closes: bool,
    also: Callable[[programs.Program, Tables], None] = lambda program, tables: None,
) -> Tables:
    """Its events in some order and in batches; months are settled, and closed, now and then."""
    tables = configured(program)
    also(program, tables)
    events: list[Event] = list({(event.client, *event.key): event for event in program.events}.values())
    rng.shuffle(events)
    months = sorted({event.occurred_at.strftime("%Y-%m") for event in events})
    moment = NOW - timedelta(days=1)
    while events:
        size = rng.choice((5, 20, 60))
        moment += timedelta(seconds=1)
        tables.apply(*events[:size], at=moment, settle=rng.random() < 0.7)
        events = events[size:]
        if closes and rng.random() < 0.5:
            tables.settle(moment)
            moment += timedelta(seconds=1)
            tables.close(rng.choice(sorted(program.deals)), rng.choice(months), moment)
    tables.settle(moment)
    return tables


def verified(tables: Tables) -> Report:
    return verify_books(tables, click_keys={0: CLICK_KEY}, now=NOW, elapsed=lambda: 0.0)


def with_codes(program: programs.Program, rng: random.Random) -> programs.Program:
    """The same, and some of the events name promo codes, in place of their click or beside it."""
    named = ["SPRING", " spring", "LOTS-24", "NOBODY"]
    return replace(
        program,
        events=[
            replace(each, promo_code=rng.choice(named), click_id=rng.choice([None, each.click_id]))
            if each.click_id and rng.random() < 0.6
            else each
            for each in program.events
        ],
    )


def given(program: programs.Program, tables: Tables) -> None:
    """Who has the codes, and what is decided about campaigns, while clients register."""
    first = min(event.occurred_at for event in program.events)
    registered = sorted(event.occurred_at for event in program.events if event.type == "registration")
    middle = registered[len(registered) // 2]
    one, other = next(iter(program.deals)), list(program.deals)[-1]
    tables.code("SPRING", one, first - timedelta(days=1), middle)
    tables.code("SPRING", other, middle)
    tables.code("LOTS-24", other, first)
    for campaign in sorted({link.campaign for link in program.links.values()}):
        tables.attributes(campaign, middle, 7, promo_first=True)


@pytest.mark.parametrize("seed", range(4))
def test_promo_codes_and_campaigns_that_change_leave_books_without_a_difference(seed: int) -> None:
    # given a program whose clients name codes that change hands, in campaigns that attribute otherwise later on
    whole = with_codes(programs.program(random.Random(seed)), random.Random(f"codes {seed}"))
    found = []
    for order in ("order", "another order"):
        # when its events come in some order
        tables = delivered(whole, random.Random(f"{order} {seed}"), closes=False, also=given)
        # then the books are what a clean fold makes of them
        found.append(verified(tables))
        assert found[-1].differences == ()
    # and the same, whatever the order
    assert found[0].state_hash == found[1].state_hash and found[0].sums == found[1].sums
    assert any("~" in (each["fold"]) for each in tables.all("client"))


@pytest.mark.parametrize("seed", range(40))
def test_the_books_of_any_program_have_no_difference(seed: int) -> None:
    program = programs.program(random.Random(seed))
    report = verified(delivered(program, random.Random(f"order {seed}"), closes=True))
    assert report.differences == ()
    other = verified(delivered(program, random.Random(f"another order {seed}"), closes=False))
    assert other.differences == ()
    assert (report.state_hash, report.books_hash) == (other.state_hash, other.books_hash)
    assert report.sums == other.sums
