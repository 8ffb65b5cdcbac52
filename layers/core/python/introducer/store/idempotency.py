"""Answers to writes that carried an `Idempotency-Key`, so that a repeated request meets the first one's answer.

This spares a person a second form post; it never guards money. What must happen once happens once by a business key
inside the effect's own transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.errors import Conflict
from introducer.domain.events import milliseconds
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, bind, translated

KEPT = timedelta(days=1)
"""How long an answer is kept."""

ABANDONED = timedelta(seconds=60)
"""A claim without an answer after this long was cut off: the longest a portal request can run, and some."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was answered."""

    status: int
    content_type: str
    body: str
    location: str = ""


class IdempotencyItem(BooksItem):
    fingerprint = UnicodeAttribute()
    claimed_at = MomentAttribute()
    status = IntegerAttribute(null=True)
    content_type = UnicodeAttribute(null=True)
    body = UnicodeAttribute(null=True)
    location = UnicodeAttribute(null=True)
    expires_at = IntegerAttribute()


class Idempotency:
    """`actor` is the member or API key that writes: keys of different actors never meet."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._items = bind(IdempotencyItem, table, region, host)

    def claim(self, actor: str, key: str, fingerprint: str, now: datetime) -> Answer | None:
        """Takes the key for a request, or returns the answer that the same request had.

        `fingerprint` is a hash of method, path and body. Raises `Conflict`: code `idempotency_key_reused` when the key
        came with another request, `in_progress` while the first one is still running.
        """
        item = self._items(
            *keys.key("idempotency", actor=actor, key=key),
            fingerprint=fingerprint,
            claimed_at=now,
            expires_at=milliseconds(now + KEPT) // 1000,
        )
        # Items past their time may stand for days before DynamoDB removes them.
        free = (
            self._items.pk.does_not_exist()
            | (self._items.expires_at <= milliseconds(now) // 1000)
            | (
                (self._items.fingerprint == fingerprint)
                & self._items.status.does_not_exist()
                & (self._items.claimed_at <= now - ABANDONED)
            )
        )
        try:
            with translated("The key is taken."):
                item.save(condition=free)
        except Conflict:
            return self._answered(actor, key, fingerprint)
        return None

    def answer(self, actor: str, key: str, fingerprint: str, answer: Answer) -> None:
        """Keeps the answer of a claimed request; once more changes nothing. Raises `Conflict` when the claim is
        another's by now."""
        item = self._items(*keys.key("idempotency", actor=actor, key=key))
        try:
            with translated("This Idempotency-Key was taken over by a later request."):
                item.update(
                    [
                        self._items.status.set(answer.status),
                        self._items.content_type.set(answer.content_type),
                        self._items.body.set(answer.body),
                        self._items.location.set(answer.location),
                    ],
                    condition=(self._items.fingerprint == fingerprint) & self._items.status.does_not_exist(),
                )
        except Conflict:
            # The first try may have been written, and its answer lost: then this is its repetition.
            if self._answered(actor, key, fingerprint) != answer:
                raise

    def release(self, actor: str, key: str, fingerprint: str) -> None:
        """Gives up a claim whose request changed nothing, so that it may be tried again at once."""
        item = self._items(*keys.key("idempotency", actor=actor, key=key))
        try:
            with translated("The claim is not ours."):
                # Not deleted: nobody's role may delete from the books. A claim of long ago counts as abandoned.
                item.update(
                    [self._items.claimed_at.set(_LONG_AGO)],
                    condition=(self._items.fingerprint == fingerprint) & self._items.status.does_not_exist(),
                )
        except Conflict:
            return

    def _answered(self, actor: str, key: str, fingerprint: str) -> Answer | None:
        with translated("not a write"):
            try:
                item = self._items.get(*keys.key("idempotency", actor=actor, key=key), consistent_read=True)
            except self._items.DoesNotExist:
                item = None
        if item is not None and item.fingerprint != fingerprint:
            raise Conflict(
                "This Idempotency-Key came with another request before: use a new key.",
                code="idempotency_key_reused",
            )
        if item is None or item.status is None:
            raise Conflict("The first request with this Idempotency-Key is still running.", code="in_progress")
        return Answer(item.status, item.content_type, item.body, item.location)
