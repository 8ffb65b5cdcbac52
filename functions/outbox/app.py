"""Outbox: what was written to BOOKS → what follows from it outside of the change's own transaction.

One table says which kinds of items of the stream have an effect, and what does it: a new mail becomes one in somebody's
inbox, a new audit record the next link of its brand's chain, a trace of a client that changed a partner to be scored,
what a partner is told that its manager should know a task, an application that waits a task too, a new partner's
beginning the execution that writes to it, and what happened to clients and money a postback to whoever wants it.
The stream keeps a record until its kind is done with it. What cannot be done now is tried again from the stream; what
can never be done is marked so, or logged, and holds up nobody. A kind that is stuck leaves the others alone.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import boto3

from introducer.domain.errors import IntroducerError, TooMany, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.mail import Mail, MailStatus
from introducer.gateways import application_vault, user_pool, workflows
from introducer.gateways import mail as mail_gateway
from introducer.gateways.queue import Queue
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.runtime.clock import clock
from introducer.runtime.observability import count, logger, publish
from introducer.runtime.settings import settings
from introducer.services.chain_audit import chain_audit
from introducer.services.read_applied import AppliedReader
from introducer.services.send_mail import Outbox, Pacing
from introducer.services.start_onboarding import start_onboarding
from introducer.services.tell_targets import Teller
from introducer.store.applications import Applications, asked_of_image
from introducer.store.audit_chain import AuditChain, recorded_of_image
from introducer.store.broadcasts import Broadcasts
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.deliveries import Deliveries, news_of_image
from introducer.store.mail_texts import MailTexts
from introducer.store.mails import Mails, Named, named_of_image
from introducer.store.paces import Paces
from introducer.store.payment_profiles import partner_of_profile_image
from introducer.store.sequences import begun_of_image
from introducer.store.targets import Targets
from introducer.store.tasks import told_of_image
from introducer.store.traces import trace_of_image

AT_ONCE = 16
"""Mails of a batch that are on their way side by side: nearly all of a mail's time is waiting for somebody's answer."""
TELL_WITHIN = 60.0
"""Seconds in which a batch's news begin to be told; the rest comes again, so that mails do not wait for all of it and a
batch of much news for many targets is never cut off by the function's end."""
_METRICS = {
    MailStatus.SENT: "MailsSent",
    MailStatus.FAILED: "MailsFailed",
    MailStatus.SUPPRESSED: "MailsSuppressed",
    MailStatus.UNCLEAR: "MailsUnclear",
}


class Taken(NamedTuple):
    """A record of the stream that a kind knows as its own."""

    sequence: str
    """Its place in the stream."""
    event: str | None
    what: Any
    """What the kind read out of the image."""


class Kind(NamedTuple):
    """One kind of items with an effect."""

    reads: Callable[[Mapping[str, Any]], Any | None]
    """What there is to do with a new image; None for one of another kind."""
    does: Callable[[Sequence[Taken]], set[str]]
    """Does it for all of a batch, in their order; the places of those that must come again."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stream records → from which on they must come again."""
    again: set[str] = set()
    for kind in KINDS:
        mine = []
        for record in event["Records"]:
            try:
                what = kind.reads(record["dynamodb"].get("NewImage") or {})
            except Exception as error:
                # It would read no better when it comes again, and all that is written after it would wait for it.
                logger().error("an item cannot be read", exc_info=error, extra={"event": record.get("eventID")})
                count("OutboxUnread", 1)
                continue
            if what is not None:
                mine.append(Taken(record["dynamodb"]["SequenceNumber"], record.get("eventID"), what))
        if mine:
            again |= kind.does(mine)
    publish()
    # The stream goes on from the first one named; those after it that are done are passed over then.
    places = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
    return {"batchItemFailures": [{"itemIdentifier": place} for place in places if place in again][:1]}


def deliver(mails: Sequence[Taken]) -> set[str]:
    """Takes each mail as far as it goes, many side by side. A mail that came twice is taken once: what there is to do
    with it is read from the books."""
    records: dict[Named, list[Taken]] = {}
    for each in mails:
        records.setdefault(each.what, []).append(each)
    sends, permits = outbox(), outbox().permits(len(records))
    statuses: list[MailStatus | None] = []
    again: list[str] = []
    down = Event()

    def take(mail: Named) -> None:
        event = records[mail][0].event
        try:
            if down.is_set():
                again.extend(each.sequence for each in records[mail])
            else:
                statuses.append(sends.deliver(mail, permits))
        except Unavailable as error:
            # What is down for one is down for the next: go on from here when it is up again.
            down.set()
            logger().warning("a mail is to be tried again", extra={"code": error.code, "event": event})
            again.extend(each.sequence for each in records[mail])
        except Exception as error:
            logger().error("a mail could not be delivered", exc_info=error, extra={"event": event})
            again.extend(each.sequence for each in records[mail])

    side_by_side(take, list(records))
    counted = Counter(statuses)
    for status, name in _METRICS.items():
        count(name, counted[status])
    return set(again)


def side_by_side(act: Callable[[Named], None], mails: Sequence[Named]) -> None:
    """Acts on each, in their order, some at once."""
    if min(AT_ONCE, len(mails)) == 1:
        for mail in mails:
            act(mail)
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(mails))) as threads:
        for _ in threads.map(act, mails):
            pass  # what a thread raises is raised here


def chain(records: Sequence[Taken]) -> set[str]:
    """Gives each audit record its link in its brand's chain."""
    chained = chain_audit(audit_chain(), [each.what for each in records], now=clock.now(), pause=full_jitter)
    again = {each.sequence for each in records if each.what.key in chained.failed}
    count("AuditRecordsChained", chained.links)
    count("AuditRecordsNotChained", len(again))
    for error in set(chained.failed.values()):
        logger().warning("audit records are to be chained again", extra={"reason": str(error)})
    return again


def look(traces: Sequence[Taken]) -> set[str]:
    """Names the partners to scoring whose clients, or account, look other than before."""
    clients: dict[str, set[str]] = {}
    for each in traces:
        partner, client = each.what
        clients.setdefault(partner, set()).update([client] if client else [])
    again: set[str] = set()
    for partner, changed in clients.items():
        try:
            scoring().send(json.dumps({"partner": partner, "clients": sorted(changed)}))
        except Unavailable as error:
            logger().warning("a partner is to be named again", extra={"partner": partner, "code": error.code})
            again |= {each.sequence for each in traces if each.what[0] == partner}
    return again


def to_look_at(image: Mapping[str, Any]) -> tuple[str, str] | None:
    """The partner to be scored, and the client that changed (empty for its account)."""
    partner = partner_of_profile_image(image)
    return trace_of_image(image) or ((partner, "") if partner else None)


def tell(mails: Sequence[Taken]) -> set[str]:
    """Names what happened to triggers, where a person should know of it too."""
    again: set[str] = set()
    for each in mails:
        of, mail = each.what
        try:
            triggers().send(json.dumps({"of": of, "mail": mail}))
        except Unavailable as error:
            logger().warning("what happened is to be named again", extra={"mail": mail, "code": error.code})
            again.add(each.sequence)
    return again


def ask(applications: Sequence[Taken]) -> set[str]:
    """Names applications that took a step to triggers: what is to be decided stands in the work queue."""
    again: set[str] = set()
    for each in applications:
        brand, application = each.what
        try:
            triggers().send(json.dumps({"brand": brand, "application": application}))
        except Unavailable as error:
            logger().warning("an application is to be named again", extra={"code": error.code, "event": each.event})
            again.add(each.sequence)
    return again


def begin(states: Sequence[Taken]) -> set[str]:
    """Starts the sequences that new partners begin."""
    again: set[str] = set()
    for each in states:
        try:
            start_onboarding(configuration(), start, each.what)
        except (TooMany, Unavailable) as error:
            logger().warning("a sequence is to be started again", extra={"code": error.code, "event": each.event})
            again.add(each.sequence)
        except IntroducerError as error:
            # It failed too often: the daily sweep looks after it, and its executions say why.
            logger().error("a sequence could not be started", exc_info=error, extra={"event": each.event})
    return again


def postbacks(records: Sequence[Taken]) -> set[str]:
    """Makes what happened a delivery for each target that wants to know."""
    again: set[str] = set()
    told = 0
    until = clock.elapsed() + TELL_WITHIN
    for each in records:
        if clock.elapsed() >= until:
            again.add(each.sequence)
            continue
        try:
            told += sum(teller().tell(news) for news in each.what)
        except Unavailable as error:
            logger().warning("what happened is to be told again", extra={"code": error.code, "event": each.event})
            again.add(each.sequence)
        except Exception as error:
            # A mistake of ours stays one: mails and the chain, which come by the same stream, do not wait for it.
            logger().error("what happened could not be told", exc_info=error, extra={"event": each.event})
            count("PostbacksNotQueued", 1)
    count("PostbacksQueued", told)
    return again


# Chaining comes first: it takes milliseconds, a mail may wait for its service.
KINDS = (
    Kind(recorded_of_image, chain),
    Kind(to_look_at, look),
    Kind(told_of_image, tell),
    Kind(asked_of_image, ask),
    Kind(begun_of_image, begin),
    Kind(news_of_image, postbacks),
    Kind(named_of_image, deliver),
)


def full_jitter(attempt: int) -> None:
    """Waits before the n-th new try: whoever writes the same chain must not be met again."""
    time.sleep(random.uniform(0, 0.02 * 2**attempt))


@cache
def scoring() -> Queue:
    """Where partners wait to be looked at by the detectors."""
    return Queue(boto3.client("sqs", config=CONFIG), settings.score_queue_url)


@cache
def triggers() -> Queue:
    """Where what happened waits to be made a task."""
    return Queue(boto3.client("sqs", config=CONFIG), settings.trigger_queue_url)


@cache
def teller() -> Teller:
    """What tells targets, in this container."""
    books, facts = settings.books_table, settings.facts_table
    return Teller(
        configuration=configuration(),
        targets=Targets(books),
        deliveries=Deliveries(books),
        clients=Clients(books),
        clicks=Clicks(facts),
        send=Queue(boto3.client("sqs", config=CONFIG), settings.postback_queue_url).send,
        now_ms=lambda: milliseconds(clock.now()),
        elapsed=clock.elapsed,
    )


@cache
def configuration() -> Configuration:
    return Configuration(settings.books_table)


@cache
def onboarding() -> workflows.Workflows:
    """The executions that write to new partners."""
    return workflows.Workflows(workflows.new_client(), settings.onboarding_machine)


def start(name: str, given: Mapping[str, str]) -> str:
    """Starts a partner's execution, once; its name."""
    return onboarding().start(name, given).name


@cache
def audit_chain() -> AuditChain:
    return AuditChain(settings.books_table)


@cache
def outbox() -> Outbox:
    """The outbox of this container. Without an address to send from, it writes down that nothing was sent."""
    books = settings.books_table
    sender, told = settings.mail_from, settings.mail_events
    kept = Secrets(boto3.client("secretsmanager", config=CONFIG), elapsed=clock.elapsed)
    logins = user_pool.UserPool(user_pool.new_client(), settings.user_pool_id)
    mailer = mail_gateway.Mailer(mail_gateway.new_client(), sender, told) if sender else None
    return Outbox(
        mails=Mails(books),
        configuration=Configuration(books),
        broadcasts=Broadcasts(books),
        logins=logins,
        mailer=mailer,
        texts=MailTexts(books),
        secret=lambda: kept.text(settings.identity_key_secret).encode(),
        pacing=Pacing(Paces(books), mailer.per_second, full_jitter) if mailer else None,
        now=clock.now,
        chance=lambda: secrets.token_hex(16),
        report=_report,
        fonts=Path(settings.fonts_folder),
        applied=AppliedReader(
            Applications(books),
            applications_vault,
            logins,
            lambda: kept.text(settings.identity_key_secret).encode(),
        ),
    )


@cache
def applications_vault() -> application_vault.ApplicationVault:
    """What opens who applied; made when the first mail to one goes."""
    key = application_vault.new_client()
    return application_vault.ApplicationVault(key, settings.leads_key, random=secrets.token_bytes)


def _report(mail: Mail, error: Exception) -> None:
    logger().error(
        "a mail could not be written", exc_info=error, extra={"mail": mail.mail, "code": mail.template.value}
    )
