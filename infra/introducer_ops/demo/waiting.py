"""Waiting until the books have everything: every accepted event applied and counted, every click counted, every
partner's month settled, every partner looked at by the detectors and the triggers, every mail where it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from introducer.domain.mail import Mail, MailStatus, Seen
from introducer.services.settle_partner import unfinished
from introducer.store import keys
from introducer.store.cases import Cases
from introducer.store.intake_days import IntakeDays
from introducer.store.mails import Mails
from introducer.store.settlements import Settlements
from introducer_ops.localcloud import Stack

PATIENCE = 45.0
"""Seconds for which nothing may move before waiting is given up."""
_LOOK_EVERY = 0.5
_NAMED = 5
_QUIET_LOOKS = 2
"""So often in a row the queue of scoring must be empty: what comes to it passes the outbox first."""

_QUEUES = {"ScoreQueueUrl": "scoring", "TriggerQueueUrl": "triggers", "ReportQueueUrl": "reports"}
"""Queues of partners to be looked at, by what they wait for."""

_EVENTS = keys.ITEMS["event"].pk.split("{")[0]
_CLICKS = keys.ITEMS["click"].pk.split("{")[0]
_QUARANTINED = keys.ITEMS["quarantined"].pk.split("{")[0]
_CLICK_COUNTS = keys.ITEMS["click_count"].sk.split("#")[1]


class NotSettled(Exception):
    """The books did not get there; the sentence names what is missing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the two tables hold."""

    clicks: int
    flagged: int
    counted: int
    """Clicks that are in the counters, flagged ones among them."""
    events: int
    """Accepted events of the source."""
    intake: int
    """Applied events that the source's daily counters know of."""
    waiting: tuple[str, ...]
    """Accepted events that are not applied, in words."""
    quarantined: tuple[str, ...]
    """Messages in quarantine, by reason."""

    @property
    def applied(self) -> int:
        return self.events - len(self.waiting)


def standing(stack: Stack, source: str) -> Standing:
    """Read both tables. An operator's command may scan; nothing in the product does."""
    clicks = flagged = events = 0
    waiting: list[str] = []
    quarantined: list[str] = []
    for item in _scan(stack, "FactsTableName", "pk, sk, flags, #t, applied_at, reason", {"#t": "type"}):
        pk = item[keys.PK]["S"]
        if pk.startswith(_CLICKS):
            clicks += 1
            flagged += "flags" in item
        elif pk.startswith(_EVENTS):
            of, event_id = keys.parts(item[keys.SK]["S"])
            # Decisions of the desk are facts like events, and are waited for like them.
            events += of == source
            if "applied_at" not in item:
                waiting.append(f"{item['type']['S']} {event_id} of {of}")
        elif pk.startswith(_QUARANTINED):
            quarantined.append(item["reason"]["S"])
    counted = sum(
        int(item["clicks"]["N"]) + int(item.get("flagged", {"N": "0"})["N"])
        for item in _scan(stack, "BooksTableName", "sk, clicks, flagged", {})
        if f"#{_CLICK_COUNTS}#" in item[keys.SK]["S"] and "clicks" in item
    )
    intake = sum(day.applied for day in IntakeDays(stack.outputs["BooksTableName"]).of_source(source))
    return Standing(clicks, flagged, counted, events, intake, tuple(waiting), tuple(quarantined))


def wait_until_applied(
    stack: Stack,
    source: str,
    *,
    clicks: int,
    events: int,
    seen: Callable[[Standing], None] = lambda standing: None,
    patience: float = PATIENCE,
) -> Standing:
    """Look until so many clicks and events are stored, counted and applied. Raises `NotSettled` when nothing moves."""
    moved, before = time.monotonic(), None
    while True:
        now = standing(stack, source)
        seen(now)
        stored = now.clicks >= clicks and now.events >= events
        if stored and now.counted >= clicks and now.intake >= events and not now.waiting:
            return now
        position = (now.clicks, now.counted, now.events, now.intake, len(now.waiting))
        if position != before:
            moved, before = time.monotonic(), position
        elif time.monotonic() - moved > patience:
            raise NotSettled(_missing(now, clicks, events, patience))
        time.sleep(_LOOK_EVERY)


def wait_until_settled(
    stack: Stack, partners: Sequence[str], months: Sequence[str], *, patience: float = PATIENCE
) -> None:
    """Look until each of these months of the partners is settled from the rows that it has now.

    Only to be asked when every event is applied: rows then change by settling alone, and only those of partners above.
    So `partners` come with those below before those above them. Raises `NotSettled` when nothing moves.
    """
    settlements = Settlements(stack.outputs["BooksTableName"])
    for partner in partners:
        moved, before = time.monotonic(), -1
        while behind := _unsettled(settlements, partner, months):
            version = settlements.version(partner)
            if version != before:
                moved, before = time.monotonic(), version
            elif time.monotonic() - moved > patience:
                named = ", ".join(sorted(behind))
                raise NotSettled(
                    f"Nothing moved for {patience:.0f} seconds. {partner} is not settled in {named}:"
                    " see the settle function's log."
                )
            time.sleep(_LOOK_EVERY)


def wait_until_scored(stack: Stack, brand: str, partners: Sequence[str], *, patience: float = PATIENCE) -> None:
    """Look until nobody waits to be scored, and each of these partners has a case whose execution waits for a person.

    Raises `NotSettled` when nothing moves.
    """
    cases = Cases(stack.outputs["BooksTableName"])
    moved, before, quiet = time.monotonic(), None, 0
    while True:
        queued = _queued(stack, "ScoreQueueUrl")
        quiet = 0 if queued else quiet + 1
        versions = {case.partner: case.version for case in cases.all_open(brand) if case.token}
        missing = [partner for partner in partners if partner not in versions]
        if quiet >= _QUIET_LOOKS and not missing:
            return
        position = (queued, versions)
        if position != before:
            moved, before = time.monotonic(), position
        elif (queued or missing) and time.monotonic() - moved > patience:
            sentences = [f"Nothing moved for {patience:.0f} seconds."]
            if queued:
                sentences.append(f"{queued} messages wait for scoring: see the scoring function's log.")
            if missing:
                named = ", ".join(missing)
                sentences.append(f"No case of {named} waits for a person: see the logs of scoring and cases.")
            raise NotSettled(" ".join(sentences))
        time.sleep(_LOOK_EVERY)


def wait_until_looked_at(stack: Stack, *, patience: float = PATIENCE) -> None:
    """Look until nobody waits to be scored, looked at by triggers, or written a report. Raises `NotSettled` when
    nothing moves."""
    moved, before, quiet = time.monotonic(), None, 0
    while quiet < _QUIET_LOOKS:
        queued = {queue: _queued(stack, queue) for queue in _QUEUES}
        quiet = 0 if any(queued.values()) else quiet + 1
        if queued != before:
            moved, before = time.monotonic(), queued
        elif any(queued.values()) and time.monotonic() - moved > patience:
            behind = ", ".join(f"{number} messages for {_QUEUES[queue]}" for queue, number in queued.items() if number)
            raise NotSettled(f"Nothing moved for {patience:.0f} seconds. Waiting: {behind}: see their functions' logs.")
        time.sleep(_LOOK_EVERY)


def wait_until_told(stack: Stack, brand: str, of: Sequence[str], *, patience: float = PATIENCE) -> tuple[Mail, ...]:
    """Look until every mail of these partners, and of the brand's staff, is where it goes, and what became of those
    that were sent is known. What waits for a moment that is yet to come stays where it is. Returns all mails.

    On the local stage the minute's call does not come by itself: it is made here, while something is due. Raises
    `NotSettled` when nothing moves.
    """
    mails = Mails(stack.outputs["BooksTableName"])
    moved, before = time.monotonic(), None
    while True:
        if mails.due(brand, stack.clock.now(), limit=1).items:
            stack.invoke("DueMailsFunction", {})
        found = tuple(mail for each in (*of, brand) for mail in mails.mails(each))
        behind = {mail.mail: (mail.status, len(mail.seen)) for mail in found if _on_its_way(mail, stack)}
        if not behind:
            return found
        position = (len(found), behind)
        if position != before:
            moved, before = time.monotonic(), position
        elif time.monotonic() - moved > patience:
            named = ", ".join(list(behind)[:_NAMED]) + (" and others" if len(behind) > _NAMED else "")
            raise NotSettled(
                f"Nothing moved for {patience:.0f} seconds. {len(behind)} mails are not where they go ({named}):"
                " see the logs of outbox, due-mails and mail-feedback."
            )
        time.sleep(_LOOK_EVERY)


def _on_its_way(mail: Mail, stack: Stack) -> bool:
    match mail.status:
        case MailStatus.WAITING:
            return mail.not_before is None or mail.not_before <= stack.clock.now()
        case MailStatus.SENDING:
            return True
        case MailStatus.SENT:
            return Seen.SENT not in mail.seen or not mail.seen & {Seen.DELIVERED, Seen.BOUNCED}
        case _:
            return False


def _queued(stack: Stack, queue: str) -> int:
    """Messages of a queue, those that are being worked on among them."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs[queue], AttributeNames=names)
    return sum(int(found["Attributes"][name]) for name in names)


def _unsettled(settlements: Settlements, partner: str, months: Sequence[str]) -> set[str]:
    """The months that are behind: their rows are others than those they were settled from."""
    settled = settlements.heads(partner)
    behind = unfinished(settled)
    for month in months:
        rows = settlements.rows(partner, month)
        if (rows.clients or rows.below) and (month not in settled or settled[month].seen != rows.digest):
            behind.add(month)
    return behind


def _missing(now: Standing, clicks: int, events: int, patience: float) -> str:
    sentences = [f"Nothing moved for {patience:.0f} seconds."]
    if now.clicks < clicks:
        sentences.append(f"{clicks - now.clicks} clicks were answered but are not in FACTS: see the redirect's log.")
    if now.counted < now.clicks:
        sentences.append(f"{now.clicks - now.counted} clicks are not in the counters: see the rollup's log.")
    if now.events < events:
        sentences.append(f"{events - now.events} accepted events are not in FACTS: see the postback's log.")
    if now.waiting:
        named = ", ".join(now.waiting[:_NAMED]) + (" and others" if len(now.waiting) > _NAMED else "")
        sentences.append(f"{len(now.waiting)} accepted events are not applied ({named}): see the engine's log.")
    if now.intake < now.applied:
        uncounted = now.applied - now.intake
        sentences.append(f"{uncounted} applied events are not in the source's counters: see the rollup's log.")
    if now.quarantined:
        sentences.append(f"In quarantine: {', '.join(sorted(set(now.quarantined)))}.")
    return " ".join(sentences)


def _scan(stack: Stack, table: str, projection: str, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    options: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    pages = stack.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(
        TableName=stack.outputs[table], ProjectionExpression=projection, ConsistentRead=True, **options
    ):
        yield from page["Items"]
