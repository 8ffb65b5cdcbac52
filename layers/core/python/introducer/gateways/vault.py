"""Payment profiles under lock (`gateways.sealing`): each with a data key of its own, for its partner and version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from introducer.domain.payment_profile import Destination, from_json, to_json
from introducer.gateways.sealing import SealBroken, Sealing, new_client

__all__ = ["SealBroken", "Vault", "new_client"]

PURPOSE = "payment_profile"
BROKEN = "This payment profile does not open: ask the partner to enter it anew."
SILENT = "The key of payment profiles does not answer: try again in a minute."


class Vault:
    """`client` is one of KMS, `key` the id or ARN of the key, `random` gives so many random bytes."""

    def __init__(self, client: Any, key: str, *, random: Callable[[int], bytes]) -> None:
        self._sealing = Sealing(client, key, random, BROKEN, SILENT)

    def seal(self, partner: str, version: int, destination: Destination) -> tuple[str, str]:
        """The sealed destination and its sealed data key, both base64. Raises `Unavailable`."""
        key, data_key = self._sealing.new_key(_for(partner))
        return self._sealing.seal(key, to_json(destination), _beside(partner, version)), data_key

    def open(self, partner: str, version: int, sealed: str, data_key: str) -> Destination:
        """The destination. Raises `SealBroken`, and `Unavailable` when KMS does not answer or does not let us."""
        key = self._sealing.open_key(_for(partner), data_key)
        text = self._sealing.open(key, sealed, _beside(partner, version))
        try:
            return from_json(text)
        except ValueError:
            raise SealBroken(BROKEN) from None


def _for(partner: str) -> dict[str, str]:
    return {"partner": partner, "purpose": PURPOSE}


def _beside(partner: str, version: int) -> bytes:
    return f"{PURPOSE}\n{partner}\n{version}".encode()
