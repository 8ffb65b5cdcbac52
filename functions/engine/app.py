"""Engine: the FACTS stream becomes earnings.

A record that is not an unapplied event is passed over. What the tables did not take is reported back, from the first
such record on, so that the stream delivers it again in order.
"""

from __future__ import annotations

import random
import time
from functools import cache
from typing import Any

import boto3

from introducer.domain.events import Event, day_of, milliseconds
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.apply_events import Engine
from introducer.services.read_click_source import ClickSources
from introducer.services.read_contracts import ContractReader, click_keys
from introducer.services.wait_for_rates import note_wait
from introducer.store.accruals import Accruals
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.contest_windows import ContestWindows
from introducer.store.facts import Facts, event_from_image
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore, RateWaits
from introducer.store.sub_names import SubNames


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of stream records → which of them must come again."""
    records = [(record["dynamodb"]["SequenceNumber"], _event(record)) for record in event["Records"]]
    outcome = engine().apply(fact for _, fact in records if fact is not None)
    count("EventsApplied", outcome.applied)
    count("EventsQuarantined", outcome.quarantined)
    publish()
    failed = {(fact.brand, fact.client, fact.key) for fact in outcome.failed}
    for sequence, fact in records:
        if fact is not None and (fact.brand, fact.client, fact.key) in failed:
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}


@cache
def engine() -> Engine:
    """The engine of this container."""
    facts, books = settings.facts_table, settings.books_table
    secrets = Secrets(boto3.client("secretsmanager", config=CONFIG), elapsed=clock.elapsed)
    return Engine(
        facts=Facts(facts),
        clients=Clients(books),
        ledger=Ledger(books),
        accruals=Accruals(facts, books),
        contracts=ContractReader(
            Configuration(books),
            RateStore(books),
            lambda: click_keys(secrets.document(settings.click_key_secret)),
            clock.elapsed,
            lambda: day_of(clock.now()),
            windows=ContestWindows(books).of_brand,
            clicks=ClickSources(Clicks(facts), SubNames(books)).of,
        ),
        now_ms=lambda: milliseconds(clock.now()),
        # Two containers that met on one partner must not meet again at once: full jitter.
        pause=lambda attempt: time.sleep(random.uniform(0, 0.02 * 2**attempt)),
        report=quarantined,
    )


def quarantined(fact: Event, error: Exception) -> None:
    """Called before an event goes to quarantine. Raises `Unavailable`; the batch then comes again."""
    note_wait(RateWaits(settings.books_table), fact, error, clock.now())
    logger().error("event quarantined", exc_info=error, extra={"client": fact.client, "event": fact.event_id})


def _event(record: dict[str, Any]) -> Event | None:
    image = record["dynamodb"].get("NewImage")
    fact = event_from_image(image) if image else None
    return fact if fact is not None and fact.applied_at is None else None
