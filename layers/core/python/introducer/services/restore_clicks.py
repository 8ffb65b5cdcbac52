"""Puts clicks into FACTS that could not be written when they were made: from the click queue, or from a log line.

A message is the click's item as the redirect would have put it. Putting it again changes nothing, so a click that had
reached FACTS after all, too late for the redirect's patience, still counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from introducer.domain.errors import Malformed
from introducer.sources.strict_json import read_object


class Restorable(Protocol):
    """What `store.clicks.Clicks` does."""

    def restore(self, item: Mapping[str, Mapping[str, Any]]) -> bool: ...


def restore_click(message: str, clicks: Restorable) -> bool:
    """Put the click of a message; False when FACTS has it already.

    Raises `Malformed` or `TooLarge` when the message is no click (a person must look at it), and `Unavailable` (it may
    come again).
    """
    item = read_object(message.encode())
    if not all(isinstance(value, dict) for value in item.values()):
        raise Malformed("The message is not an item of DynamoDB.", code="malformed_click")
    return clicks.restore(item)
