"""Sends one delivery: at least once, and always under its id.

Every step may be the last one before the process dies. The request goes out before it is written down that it did, so a
delivery may arrive twice, and never not at all; what is written down names the try, so two who have the same message
count it once; and a message that comes again behind a try that is on record brings the next one about.

Nobody waits here for anybody: while a target does not answer, or answers slowly, its messages go back into the queue
but for one at a time (`domain.postback_out.Gate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, IntroducerError, Invalid, NotFound
from introducer.domain.events import in_full_ms, milliseconds
from introducer.domain.postback_mail import paused_mail
from introducer.domain.postback_out import (
    MOST_FAILURES,
    NOT_2XX,
    Attempt,
    Delivery,
    DeliveryStatus,
    Gate,
    Message,
    Standing,
    Target,
    message,
    printable,
    tried,
)
from introducer.services.tell_targets import Send, message_of
from introducer.store.deliveries import Deliveries
from introducer.store.targets import Targets

TRIES = 4
"""How often a gate that others move is read again."""
SPREAD, DOUBLED = 20_000, 5
"""ms over which messages that found a gate closed are spread; doubled each time that one finds it closed, so often at
most: the ten thousandth in a row need not ask every few seconds."""
ORIGIN = "postback_out"


class Outcome(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It did not arrive; another try comes."""
    GIVEN_UP = "given_up"
    HELD = "held"
    PUT_OFF = "put_off"
    """It is not its turn: it stands in the queue again."""
    DONE_BEFORE = "done_before"


class Answered(Protocol):
    """What a target answered."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends deliveries. `exchange` sends a request and reads its answer, and raises our own errors; `secrets` are a
    target's at a moment; `now` is the house's clock, `true_now` the one that receivers have, `elapsed` counts seconds;
    `chance` is a number from 0 to 1."""

    targets: Targets
    deliveries: Deliveries
    exchange: Callable[[Message], Answered]
    secrets: Callable[[Target, datetime], Sequence[bytes]]
    send: Send
    now: Callable[[], datetime]
    true_now: Callable[[], datetime]
    elapsed: Callable[[], float]
    chance: Callable[[], float]

    def take(self, given: Mapping[str, Any]) -> Outcome:
        """Do what a message of the queue asks for. Raises `Unavailable`: then the message must come again."""
        try:
            delivery = self.deliveries.delivery(str(given["brand"]), str(given["about"]), str(given["delivery"]))
        except NotFound:
            return Outcome.DONE_BEFORE  # it was erased, or has expired
        if delivery.status is not DeliveryStatus.WAITING:
            return Outcome.DONE_BEFORE
        now_ms = self._now_ms()
        if delivery.tries != given["try"] or now_ms < delivery.next_at:
            # Either it is early, or whoever made the last try did not come to name the next one.
            return self._put_off(delivery, delivery.next_at - now_ms)
        if now_ms >= delivery.until:
            return self._ended(delivery, DeliveryStatus.FAILED, Outcome.GIVEN_UP)
        try:
            target = self.targets.target(delivery.of, delivery.target)
        except NotFound:
            return self._ended(delivery, DeliveryStatus.FAILED, Outcome.GIVEN_UP)
        if not delivery.test and target.standing is not Standing.ACTIVE:
            return self._ended(delivery, DeliveryStatus.HELD, Outcome.HELD)
        moment = self.true_now()
        # What we cannot read just now is no failure of the target's: the message comes again.
        secrets = self.secrets(target, moment)
        try:
            request = message(target, delivery, secrets, moment)
        except Invalid as unsendable:
            # It stays so however often it is tried, and says nothing of the target: no gate closes for it.
            at = Attempt(now_ms, 0, 0, unsendable.code, "")
            failed = replace(tried(delivery, at, now_ms, 0.0), status=DeliveryStatus.FAILED, next_at=0)
            return Outcome.GIVEN_UP if self.deliveries.move(delivery, failed) else Outcome.DONE_BEFORE
        if delivery.test:
            # It asks nobody for a turn and closes no gate: who tests wants to see what happens.
            return self._try(delivery, request)[0]
        gate = self.targets.gate(target.of, target.target)
        off = int(given.get("off", 0))
        later = int((SPREAD << min(off, DOUBLED)) * self.chance())
        closed = gate.wait(now_ms)
        if closed:
            return self._put_off(delivery, closed + later, off + 1)
        if gate.by_turns:
            turn = gate.taken(now_ms)
            if not self.targets.move_gate(target.of, target.target, gate, turn):
                return self._put_off(delivery, 1000 + later, off + 1)
            gate = turn
        outcome, attempt = self._try(delivery, request)
        self._pass(target, gate, attempt)
        return outcome

    def _try(self, delivery: Delivery, request: Message) -> tuple[Outcome, Attempt]:
        attempt = self._attempt(request)
        now_ms = self._now_ms()
        after = tried(delivery, attempt, now_ms, self.chance())
        if not self.deliveries.move(delivery, after):
            return Outcome.DONE_BEFORE, attempt
        if after.status is DeliveryStatus.WAITING:
            self._put_off(after, after.next_at - now_ms)
            return Outcome.FAILED, attempt
        return (Outcome.GIVEN_UP if attempt.error else Outcome.DELIVERED), attempt

    def _attempt(self, request: Message) -> Attempt:
        at, began = self._now_ms(), self.elapsed()
        status, error, said = 0, "", ""
        try:
            answer = self.exchange(request)
            status, said = answer.status, printable(answer.body)
            error = "" if 200 <= status < 300 else NOT_2XX
        except IntroducerError as failed:
            error = failed.code
        return Attempt(at, max(0, int((self.elapsed() - began) * 1000)), status, error, said)

    def _pass(self, target: Target, gate: Gate, attempt: Attempt) -> None:
        """Move the gate by what the try showed; pause a target at which nothing arrives."""
        for _ in range(TRIES):
            after = gate.passed(attempt, self._now_ms(), self.chance())
            if after == gate:
                return
            if self.targets.move_gate(target.of, target.target, gate, after):
                if after.failures >= MOST_FAILURES:
                    self._pause(target, after.failures, attempt)
                return
            gate = self.targets.gate(target.of, target.target)

    def _pause(self, target: Target, failures: int, attempt: Attempt) -> None:
        at = in_full_ms(self.now())
        try:
            before = self.targets.target(target.of, target.target)
            if before.standing is not Standing.ACTIVE:
                return
            after = replace(before, standing=Standing.FAILING, version=before.version + 1)
            why = f"{failures} tries in a row did not arrive."
            change = Change(by=ORIGIN, at=at, why=why, origin=ORIGIN)
            self.targets.put("pause_target", before, after, change, paused_mail(after, failures, attempt.error, at))
        except (Conflict, NotFound):
            # Somebody edits or deletes it just now. If it stays, the next failure pauses it.
            return

    def _ended(self, delivery: Delivery, status: DeliveryStatus, outcome: Outcome) -> Outcome:
        moved = self.deliveries.move(delivery, replace(delivery, status=status, next_at=0))
        return outcome if moved else Outcome.DONE_BEFORE

    def _put_off(self, delivery: Delivery, wait_ms: int, off: int = 0) -> Outcome:
        self.send(message_of(delivery, off), max(0, -(-wait_ms // 1000)))
        return Outcome.PUT_OFF

    def _now_ms(self) -> int:
        return milliseconds(self.now())
