"""Who leads are, under lock (`gateways.sealing`): each person with a data key of their own, for texts at places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from introducer.gateways.sealing import Sealing, new_client

__all__ = ["PERSON", "LeadVault", "new_client"]

PURPOSE = "lead"
PERSON = "person"
"""The place of who the lead is; a note's is its id."""
BROKEN = "What is kept of this lead does not open: it was altered, or is another's."
SILENT = "The key of leads does not answer: try again in a minute."


class LeadVault:
    """`client` is one of KMS, `key` the id or ARN of the key, `random` gives so many random bytes."""

    def __init__(self, client: Any, key: str, *, random: Callable[[int], bytes]) -> None:
        self._sealing = Sealing(client, key, random, BROKEN, SILENT)

    def seal(self, lead: str, text: str) -> tuple[str, str]:
        """Who a new lead is, sealed, and its sealed data key; both base64. Raises `Unavailable`."""
        key, data_key = self._sealing.new_key(_for(lead))
        return self._sealing.seal(key, text, _beside(lead, PERSON)), data_key

    def opener(self, lead: str, data_key: str) -> Opened:
        """What opens and seals this lead's texts. Raises `SealBroken` and `Unavailable`."""
        return Opened(self._sealing, lead, self._sealing.open_key(_for(lead), data_key))


class Opened:
    """One lead's data key, opened."""

    def __init__(self, sealing: Sealing, lead: str, key: bytes) -> None:
        self._sealing = sealing
        self._lead = lead
        self._key = key

    def seal(self, place: str, text: str) -> str:
        """A further text of this lead, base64."""
        return self._sealing.seal(self._key, text, _beside(self._lead, place))

    def open(self, place: str, sealed: str) -> str:
        """The text of a place. Raises `SealBroken` for one that was altered, or is another's."""
        return self._sealing.open(self._key, sealed, _beside(self._lead, place))


def _for(lead: str) -> dict[str, str]:
    return {"lead": lead, "purpose": PURPOSE}


def _beside(lead: str, place: str) -> bytes:
    return f"{PURPOSE}\n{lead}\n{place}".encode()
