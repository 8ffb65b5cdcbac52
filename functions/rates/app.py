"""Rates: on a schedule, the ECB's reference rates come into the books, and what waited for them goes on."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from introducer.domain.errors import IntroducerError
from introducer.gateways.ecb import Ecb
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.fetch_rates import days_behind, fetch_rates
from introducer.services.read_contracts import ECB
from introducer.services.wait_for_rates import replay_what_waited
from introducer.store.facts import Facts
from introducer.store.rates import RateStore, RateWaits


@cache
def tables() -> tuple[RateStore, RateWaits, Facts]:
    """The tables of this container."""
    return RateStore(settings.books_table), RateWaits(settings.books_table), Facts(settings.facts_table)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One run: asks the bank if it can have something new, then replays what can be priced now."""
    rates, waits, facts = tables()
    now = clock.now()
    new, changed = _fetch(rates) if os.environ.get("ECB_URL") else (0, [])
    complete = rates.completed_through(ECB)
    count("RatesDaysBehind", days_behind(complete, now))
    replayed = replay_what_waited(facts, waits, rates, at=now)
    count("EventsReplayed", replayed)
    publish()
    return {"complete_through": complete, "new_days": new, "changed_days": changed, "replayed": replayed}


def _fetch(rates: RateStore) -> tuple[int, list[str]]:
    """How many days are new, and which were published otherwise than they are stored."""
    try:
        fetched = fetch_rates(rates, Ecb(os.environ["ECB_URL"], clock.elapsed), now=clock.now())
    except IntroducerError as error:
        # The next run tries again; how long that may go on is the alarm's on RatesDaysBehind.
        count("RatesNotFetched")
        logger().warning("rates not fetched", extra={"reason": error.code, "detail": error.detail})
        return 0, []
    for day in fetched.changed:
        count("RatesChanged")
        logger().error("the bank changed rates that are stored; ours stay", extra={"day": day})
    count("RatesNewDays", fetched.new_days)
    return fetched.new_days, list(fetched.changed)
