"""Scoring: partners whose clients, or account, look other than before → what the detectors find becomes cases.

The outbox names them in a queue. Once a day every partner of every brand is named, and each case that is not closed is
seen to have an execution that walks it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import boto3

from introducer.domain.errors import IntroducerError, NotFound
from introducer.domain.events import day_of
from introducer.domain.fraud.seen import Traffic
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG
from introducer.gateways.workflows import Workflows, new_client
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.case_books import CaseBooks
from introducer.services.score_partner import Sight, score_partner
from introducer.services.sweep_partners import sweep_partners
from introducer.store.account_holders import AccountHolders
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.person_index import PersonIndex
from introducer.store.scorings import Scorings
from introducer.store.traces import Traces
from introducer.store.traffic import TrafficStore
from introducer.wording.findings import for_staff

PEERS_KEPT = 600.0
"""Seconds for which a container remembers how the other partners do."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages of the queue → which of them must come again; or the daily call → how many partners were named."""
    if "Records" not in event:
        swept = sweep_partners(books(), queue().send, start, now=clock.now(), brand=event.get("brand"))
        logger().info("every partner is to be looked at", extra={"partners": swept})
        return {"partners": swept}
    failed = []
    named: dict[str, set[str]] = {}
    names: dict[str, list[str]] = {}
    for record in event["Records"]:
        try:
            message = json.loads(record["body"])
            partner, clients = str(message["partner"]), {str(client) for client in message.get("clients", ())}
        except (KeyError, TypeError, ValueError) as error:
            # It is not ours to lose: the dead-letter queue keeps it for a person.
            logger().error("what came names no partner", exc_info=error, extra={"record": record["messageId"]})
            failed.append(record["messageId"])
            continue
        named.setdefault(partner, set()).update(clients)
        names.setdefault(partner, []).append(record["messageId"])
    for partner, clients in named.items():
        if not _score(partner, clients):
            failed += names[partner]
    publish()
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _score(partner: str, clients: set[str]) -> bool:
    """Score a partner; whether that was done."""
    try:
        brand = books().configuration.partner(partner).brand
        scored = score_partner(
            sight(), books(), start, peers, for_staff, brand=brand, partner=partner, changed=clients, now=clock.now()
        )
    except NotFound:
        return True
    except IntroducerError as error:
        logger().warning("a partner is to be scored again", extra={"partner": partner, "code": error.code})
        return False
    except Exception as error:
        logger().error("a partner could not be scored", exc_info=error, extra={"partner": partner})
        return False
    count("PartnersScored", 1)
    count("SuspicionsFound", len(scored.findings))
    if scored.findings:
        names = [finding.detector for finding in scored.findings]
        logger().info("suspicions about a partner", extra={"partner": partner, "detectors": names, "case": scored.case})
    return True


_peers: dict[str, tuple[float, Sequence[Traffic]]] = {}


def peers(brand: str) -> Sequence[Traffic]:
    """How the partners of a brand do, as it was some minutes ago at most."""
    at = clock.elapsed()
    kept = _peers.get(brand)
    if kept is None or at - kept[0] >= PEERS_KEPT:
        kept = _peers[brand] = (at, sight().traffic.of_brand(brand))
    return kept[1]


def start(name: str, given: Any) -> str:
    """Starts the execution that walks a case."""
    return Workflows(step_functions(), settings.fraud_case_machine).start(name, given).name


@cache
def step_functions() -> Any:
    return new_client()


@cache
def queue() -> Queue:
    return Queue(boto3.client("sqs", config=CONFIG), settings.score_queue_url)


@cache
def sight() -> Sight:
    """What scoring reads from, in this container."""
    table = settings.books_table
    return Sight(
        traces=Traces(table),
        traffic=TrafficStore(table),
        persons=PersonIndex(table),
        holders=AccountHolders(table),
        profiles=PaymentProfiles(table),
        scorings=Scorings(table),
    )


@cache
def books() -> CaseBooks:
    """What cases are kept in, in this container."""
    return CaseBooks.of(
        settings.facts_table, settings.books_table, elapsed=clock.elapsed, today=lambda: day_of(clock.now())
    )
