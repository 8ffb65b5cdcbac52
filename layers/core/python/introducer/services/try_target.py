"""A target is tested with sample values, and what it was told, or was to be, is sent once more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.errors import Conflict, TooMany, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.postback_out import (
    SAMPLE,
    Delivery,
    DeliveryStatus,
    News,
    Standing,
    Target,
    Told,
    delivery_id,
    new_delivery,
    replayed,
)
from introducer.services.tell_targets import Send, message_of
from introducer.store.deliveries import Deliveries

MOST_TESTS = 10
"""Of a target within an hour of the clock."""
REST_MS = 60_000
"""ms from the last try until the same delivery may be sent once more by hand."""
STUCK_MS = 30 * 60_000
"""ms after which a delivery that should have been tried waits for nothing: its message was lost."""
AT_ONCE = 100
"""Held deliveries that are sent by one request, at most."""
LOOKED_AT = 500
"""Lines of the log that one request looks through for them."""


def send_test(deliveries: Deliveries, send: Send, *, target: Target, event: Told, now: datetime) -> Delivery:
    """A test under way: what comes of it stands in the log. Raises `TooMany` (`too_many_tests`), `Unavailable`."""
    at = milliseconds(now)
    hour = at // 3_600_000
    for number in range(MOST_TESTS):
        # Ten places an hour, each taken once: nothing has to be counted.
        news = News(event=event, event_id=derived_id("evt", target.target, "test", hour, number), at=at)
        delivery = delivery_id(target.target, news.event_id)
        sample = {
            "event": event.value,
            "event_id": news.event_id,
            "delivery_id": delivery,
            "timestamp": str(at // 1000),
        }
        new = new_delivery(target, news, {**SAMPLE, **sample}, at, test=True)
        if deliveries.create(new):
            _named(deliveries, send, replace(new, status=DeliveryStatus.FAILED, next_at=0), new)
            return new
    raise TooMany(
        f"{MOST_TESTS} tests of a target are sent within an hour: wait for the next one.",
        code="too_many_tests",
        retry_after=(hour + 1) * 3600 - at // 1000,
    )


def replay_delivery(
    deliveries: Deliveries, send: Send, *, target: Target, delivery: Delivery, now: datetime
) -> Delivery:
    """The delivery under way once more, under the same id. Raises `Conflict` (`delivery_waits`, `target_paused`,
    `test_not_replayed`), `TooMany` (`replayed_too_soon`), `Unavailable`."""
    at = milliseconds(now)
    if delivery.test:
        raise Conflict("A test is not sent once more: send another one.", code="test_not_replayed")
    if target.standing is not Standing.ACTIVE:
        raise Conflict("The target is paused: resume it first.", code="target_paused")
    if delivery.status is DeliveryStatus.WAITING and at < delivery.next_at + STUCK_MS:
        raise Conflict("This is waiting for its next try already.", code="delivery_waits")
    last = delivery.attempts[-1].at if delivery.attempts else 0
    if at < last + REST_MS:
        raise TooMany(
            "It was tried just now: wait a minute.",
            code="replayed_too_soon",
            retry_after=-(-(last + REST_MS - at) // 1000),
        )
    after = replayed(delivery, at)
    if not deliveries.move(delivery, after):
        raise Conflict("This delivery changed meanwhile: look at it again.", code="delivery_changed")
    _named(deliveries, send, delivery, after)
    return after


def replay_held(
    deliveries: Deliveries, send: Send, *, target: Target, now: datetime, cursor: str | None = None
) -> tuple[int, str | None]:
    """How many of the held deliveries are under way now, and where in the log to go on, if it was not looked through:
    from there on, towards the older ones, with the next request. Raises `Conflict` (`target_paused`), `Unavailable`."""
    if target.standing is not Standing.ACTIVE:
        raise Conflict("The target is paused: resume it first.", code="target_paused")
    done = looked = 0
    while done < AT_ONCE and looked < LOOKED_AT:
        # Never more lines than may be sent: behind the cursor nothing is left out.
        page = deliveries.of_target(target.target, cursor, min(AT_ONCE - done, LOOKED_AT - looked))
        looked += len(page.items)
        for each in page.items:
            if each.status is DeliveryStatus.HELD:
                after = replayed(each, milliseconds(now))
                if deliveries.move(each, after):
                    _named(deliveries, send, each, after)
                    done += 1
        cursor = page.cursor
        if cursor is None:
            break
    return done, cursor


def _named(deliveries: Deliveries, send: Send, before: Delivery, after: Delivery) -> None:
    """Name what waits now to the queue. If it cannot be, it is as before: nothing would come for it, and whoever asks
    again would hear that it is under way."""
    try:
        send(message_of(after), 0)
    except Unavailable:
        deliveries.move(after, before)
        raise
