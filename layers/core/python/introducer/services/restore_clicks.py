"""Puts clicks into FACTS that could not be written when they were made: from the click queue, from what that queue gave
up on, or from a log line.

A message is the click's item as the redirect would have put it. Putting it again changes nothing, so a click that had
reached FACTS after all, too late for the redirect's patience, still counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from introducer.domain.errors import Malformed, TooLarge
from introducer.gateways.queue import Letter
from introducer.sources.strict_json import read_object

_KINDS: dict[str, type] = {"S": str, "N": str, "BOOL": bool}


class Restorable(Protocol):
    """What `store.clicks.Clicks` does."""

    def restore(self, item: Mapping[str, Mapping[str, Any]]) -> bool: ...


def restore_click(message: str, clicks: Restorable) -> bool:
    """Put the click of a message; False when FACTS has it already.

    Raises `Malformed` or `TooLarge` when the message is no click (a person must look at it), and `Unavailable` (it may
    come again).
    """
    item = read_object(message.encode())
    if not all(map(_is_attribute, item.values())):
        raise Malformed("The message is not an item of DynamoDB.", code="malformed_click")
    return clicks.restore(item)


def _is_attribute(value: object) -> bool:
    """Whether this is a value in DynamoDB's own notation, of a kind that a click has."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, inner),) = value.items()
    if kind == "L":
        return isinstance(inner, list) and all(map(_is_attribute, inner))
    return isinstance(inner, _KINDS.get(kind, ()))


class Left(Protocol):
    """What `gateways.queue.LettersLeft` does."""

    def letters(self) -> Iterable[Letter]: ...

    def done(self, letter: Letter) -> None: ...


@dataclass(slots=True)
class Drained:
    """What became of the letters that were looked at."""

    restored: int = 0
    known: int = 0
    """FACTS had the click already."""
    broken: int = 0
    """Not a click: it stays, for a person."""


def drain_left_clicks(left: Left, clicks: Restorable, more: Callable[[], bool]) -> Drained:
    """Put the clicks that the click queue gave up on, as long as there is time for more.

    A click comes there when FACTS failed longer than the queue has patience. What cannot be put because it is no click
    stays where it is. Raises `Unavailable` when FACTS or the queue still fails: the next run goes on.
    """
    drained = Drained()
    for letter in left.letters():
        try:
            new = restore_click(letter.body, clicks)
        except (Malformed, TooLarge):
            drained.broken += 1
        else:
            left.done(letter)
            drained.restored += new
            drained.known += not new
        if not more():
            break
    return drained
