"""Who applicants are, under lock (`gateways.sealing`): each application with a data key of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from introducer.gateways.sealing import Sealing, new_client

__all__ = ["ApplicationVault", "new_client"]

PURPOSE = "application"
BROKEN = "What is kept of this application does not open: it was altered, or is another's."
SILENT = "The key of applications does not answer: try again in a minute."


class ApplicationVault:
    """`client` is one of KMS, `key` the id or ARN of the key, `random` gives so many random bytes."""

    def __init__(self, client: Any, key: str, *, random: Callable[[int], bytes]) -> None:
        self._sealing = Sealing(client, key, random, BROKEN, SILENT)

    def seal(self, application: str, text: str) -> tuple[str, str]:
        """Who applies, sealed, and its sealed data key; both base64. Raises `Unavailable`."""
        key, data_key = self._sealing.new_key(_for(application))
        return self._sealing.seal(key, text, _beside(application)), data_key

    def open(self, application: str, sealed: str, data_key: str) -> str:
        """The text. Raises `SealBroken` for one that was altered, or is another's; `Unavailable`."""
        return self._sealing.open(self._sealing.open_key(_for(application), data_key), sealed, _beside(application))


def _for(application: str) -> dict[str, str]:
    return {"application": application, "purpose": PURPOSE}


def _beside(application: str) -> bytes:
    return f"{PURPOSE}\n{application}".encode()
