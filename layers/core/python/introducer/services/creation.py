"""Making things once: ids, and what happens when the same request comes again.

A caller that may try again passes `request`, any text that names its request (an `Idempotency-Key`, a line of an
import). The id then follows from it: the second try meets the first one's thing, and gets it if it asked for the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import in_full_ms, milliseconds
from introducer.domain.ids import derived_id, new_id

T = TypeVar("T")

Clock = Callable[[], datetime]
"""Tells the time, as an aware UTC moment."""

Randomness = Callable[[int], bytes]
"""Gives that many random bytes."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks for a change, and why; `origin` is where from: `portal`, the name of a job or a command."""

    by: str
    why: str
    origin: str = ""


def now(clock: Clock) -> datetime:
    """The time in whole milliseconds, as the books keep it."""
    return in_full_ms(clock())


def make_id(prefix: str, request: str | None, at: datetime, random: Randomness, *scope: str) -> str:
    """A new id; one that follows from `scope` and `request` where there is a request."""
    if request is not None:
        return derived_id(prefix, *scope, request)
    return new_id(prefix, milliseconds(at), random(10))


def create_once(create: Callable[[], None], read: Callable[[], T], same: Callable[[T], bool], new: T) -> T:
    """Creates; when it is there already, returns that if it is the `same`. Raises the `Conflict` otherwise."""
    try:
        create()
    except Conflict:
        try:
            existing = read()
        except NotFound:
            existing = None
        if existing is None or not same(existing):
            raise
        return existing
    return new
