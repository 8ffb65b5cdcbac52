"""What of a fact says who somebody is, and what stays of a person who was erased.

A client's events stay: money was earned by them. What names the person goes out of them. The client itself is known
by a keyed hash of the platform's id, before and after: it says that events belong together, and to nobody outside who
they are of (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from introducer.domain.events import Event

TRAITS = (
    "email_hash",
    "phone_hash",
    "address_hash",
    "device_hash",
    "prefix_hash",
    "pattern_hash",
    "disposable",
    "account",
)
"""The attributes of an event that say who the client is. Nothing that is earned depends on them."""

PERSON_TRAITS: Mapping[str, str] = {
    "email": "email_hash",
    "phone": "phone_hash",
    "device": "device_hash",
    "address": "address_hash",
}
"""Which of them the index of persons knows, by its kinds."""

CLICK_TRAITS = ("address", "prefix", "visitor", "referer", "sub1", "sub2", "sub3", "sub4", "sub5")
"""Those of a click: where the visitor came from, and what the partner wrote about this one visit."""

BUCKET = "bucket"
"""What an erased click has in the place of its network: in which of the sixteen buckets it was counted
(`domain.fraud.seen`), so that counters can still be recomputed. A sixteenth of all networks has the same."""

SUB_GONE = "sub_gone"
"""What an erased click has in the place of its sub1: that it was counted under one."""


def says_who(event: Event) -> bool:
    """Whether the event says anything of who its client is."""
    return any(getattr(event, name) is not None for name in TRAITS)


def without_traits(event: Event) -> Event:
    """The event, saying nothing of who its client is. Its digest stays: a repeat is still known as one."""
    nothing: dict[str, Any] = dict.fromkeys(TRAITS)
    return replace(event, **nothing)


def names_somebody(field: str, value: object) -> bool:
    """Whether a field of a message that was put aside may say who somebody is: what was sent is hashed there, with a
    mark before it (`sources.events.redacted`), save the trading account."""
    return field == "account" or (isinstance(value, str) and value.startswith("#"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """Something that erasing leaves where it is."""

    what: str
    why: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What erasing somebody did, or would do."""

    subject: str
    """The client's hash, or the partner."""
    brand: str
    done: Mapping[str, int] = field(default_factory=dict)
    """How many things of each kind were emptied or deleted, in words; those of which there was one at least."""
    stays: tuple[Stays, ...] = ()
    before: datetime | None = None
    """When it was erased the first time; None: now, or not yet."""
    dry: bool = False
    """Whether nothing was done, only looked at."""
