"""Settle: a new row of a partner's month in the BOOKS stream → what the month is owed.

The row is the mark that the month is to be settled, and the stream keeps it until this function is done. What cannot be
settled now (a rate is not there yet, the partner keeps changing) goes to a queue of its own, so that it holds up nobody
else, and comes back from there.
"""

from __future__ import annotations

import json
import random
import time
from functools import cache
from typing import Any

import boto3

from introducer.domain.errors import RateMissing
from introducer.domain.events import day_of, milliseconds
from introducer.domain.statement import check_month
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.read_contracts import ContractReader
from introducer.services.settle_partner import Settler
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer.store.settlements import Settlements, month_of_row

SOON, WHEN_RATES_CAME = 5, 900
"""Seconds until a month comes back: one that met another, one that waits for a rate (SQS's longest)."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stream records, or messages of the queue → which of them must come again."""
    from_queue = event["Records"][0].get("eventSource") == "aws:sqs"
    marked: list[tuple[str, frozenset[tuple[str, str]]]] = []
    again: list[str] = []
    for record in event["Records"]:
        try:
            marked.append((_name(record, from_queue), _months(record, from_queue)))
        except Exception as error:
            logger().error("what came is no mark of a month", exc_info=error, extra={"record": _told(record)})
            if from_queue:
                # It is not ours to lose: the dead-letter queue keeps it for a person. A stream has nothing to give back
                # but what the table holds.
                again.append(_name(record, from_queue))
    months: dict[str, set[str]] = {}
    for _, each in marked:
        for partner, month in each:
            months.setdefault(partner, set()).add(month)
    failed = {
        partner for partner, wanted in sorted(months.items()) if not _settle(partner, wanted, from_queue=from_queue)
    }
    publish()
    again += [name for name, each in marked if any(partner in failed for partner, _ in each)]
    # A stream goes on from the first one named; a queue gives back each.
    return {"batchItemFailures": [{"itemIdentifier": name} for name in (again if from_queue else again[:1])]}


def _settle(partner: str, months: set[str], *, from_queue: bool) -> bool:
    """Settle, or leave it to the queue; whether either was done."""
    try:
        count("JournalsSettled", settler().settle(partner, months))
        return True
    except RateMissing as error:
        logger().warning("a partner's month waits for a rate", extra={"partner": partner, "detail": error.detail})
        delay = WHEN_RATES_CAME
    except Exception as error:
        logger().error("a partner could not be settled", exc_info=error, extra={"partner": partner})
        delay = SOON
        if from_queue:
            # The queue counts how often it comes; after its last time the dead-letter queue keeps it for a person.
            return False
    try:
        retries().send(json.dumps({"partner": partner, "months": sorted(months)}), delay)
        return True
    except Exception as error:
        logger().error("the queue of settles did not take it", exc_info=error, extra={"partner": partner})
        return False


def _name(record: dict[str, Any], from_queue: bool) -> str:
    return str(record["messageId"] if from_queue else record["dynamodb"]["SequenceNumber"])


def _told(record: dict[str, Any]) -> str:
    """What a log calls a record that could not be read."""
    return str(record.get("messageId") or record.get("eventID"))


def _months(record: dict[str, Any], from_queue: bool) -> frozenset[tuple[str, str]]:
    """The partners and months that a record marks. Raises whatever reading one raises that marks none it names."""
    if from_queue:
        message = json.loads(record["body"])
        partner, months = message["partner"], message["months"]
        if not isinstance(partner, str) or not isinstance(months, list):
            raise TypeError("a partner and a list of its months are wanted")
        return frozenset((partner, check_month(month)) for month in months)
    image = record["dynamodb"].get("NewImage")
    marked = month_of_row(image) if image else None
    return frozenset([marked] if marked else [])


@cache
def settler() -> Settler:
    """The settler of this container."""
    books = settings.books_table
    return Settler(
        settlements=Settlements(books),
        ledger=Ledger(books),
        contracts=ContractReader(
            Configuration(books), RateStore(books), dict, clock.elapsed, lambda: day_of(clock.now())
        ),
        now_ms=lambda: milliseconds(clock.now()),
        # Two containers that met on one partner must not meet again at once: full jitter.
        pause=lambda attempt: time.sleep(random.uniform(0, 0.02 * 2**attempt)),
    )


@cache
def retries() -> Queue:
    """Where months wait that could not be settled."""
    return Queue(boto3.client("sqs", config=CONFIG), settings.settle_queue_url)
