"""Money of a contest that has no rate: it scores nothing, and what the client earns does not wait for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from introducer.domain.client import ClientState
from introducer.domain.contest import Metric
from introducer.domain.contest_counting import counted_of_client
from introducer.domain.contest_score import Window
from introducer.domain.counts import ScoreKey
from introducer.domain.earnings import accrue
from introducer.domain.errors import RateMissing
from introducer.domain.events import Event, milliseconds
from introducer.domain.money import FINE
from tests.support.builders import BRAND, CLIENT, LINK, World, a_click, an_event, at, revshare, terms

MARCH = Window(
    "ctt_1",
    milliseconds(at("2026-03-01")),
    milliseconds(at("2026-04-01")),
    milliseconds(at("2026-04-02")),
    frozenset({Metric.DEPOSITS, Metric.NET_REVENUE, Metric.LOTS}),
    "EUR",
)
REGISTERED = at("2026-03-03 09:00")


def a_world() -> World:
    formula = {"spread": "1", "commission": "0", "swap": "0", "pnl": "0", "credits": "0", "chargebacks": "0"}
    return World().partner("par_1", terms(revshare("50"), currency="EUR", net_revenue=formula))


def euros() -> list[Event]:
    """A client that trades in the currency of its partner's deal: 10.00 are net revenue, and 5.00 are earned."""
    return [
        an_event("registration", REGISTERED, click_id=a_click(REGISTERED)),
        an_event("deposit", at("2026-03-03 10:00"), amount="100.00"),
        an_event("trade", at("2026-03-03 11:00"), lots="2", spread="10.00"),
        an_event("chargeback", at("2026-03-03 12:00"), amount="40.00"),
    ]


def test_a_currency_that_is_not_published_scores_no_money_and_holds_up_nothing() -> None:
    # given a contest in a currency that the feed does not have
    world, events = a_world(), euros()
    assert LINK in world.links
    window = MARCH._replace(currency="KZT")
    contracts = replace(world.contracts(events), windows={BRAND: (window,)})
    # when
    transition = accrue(ClientState(BRAND, CLIENT), events, contracts)
    # then the partner earns as ever, and the lots score, which are no money
    assert [(each.key.partner, each.amount) for each in transition.postings] == [("par_1", 500)]
    scored = transition.counts[ScoreKey("par_1", "ctt_1")]
    assert scored.keys() == {"lots"}
    # and so says the recount
    counted = counted_of_client(BRAND, CLIENT, events, world.contracts(events), window)
    assert dict(counted["par_1"].counted) == {Metric.LOTS: scored["lots"]}
    # and in the currency of the client itself all of it scores
    assert (
        accrue(ClientState(BRAND, CLIENT), events, replace(world.contracts(events), windows={BRAND: (MARCH,)})).counts[
            ScoreKey("par_1", "ctt_1")
        ]["deposits"]
        == (10_000 - 4_000) * FINE
    )


def test_as_long_as_the_days_rates_are_not_there_it_waits_for_them() -> None:
    # given a day of which nothing is known yet
    world, events = a_world(), euros()
    world.rates = {}
    contracts = replace(world.contracts(events), windows={BRAND: (MARCH._replace(currency="USD"),)})
    # then what it scores would depend on when it is counted
    with pytest.raises(RateMissing, check=lambda error: "currency" not in error.facts):
        accrue(ClientState(BRAND, CLIENT), events, contracts)
