"""Who leads are, under lock: AES-256-GCM with a data key of each person's own, which AWS KMS seals for one lead.

The data key is bound to the lead and the purpose by KMS's encryption context, each sealed text to the lead and its
place by what is authenticated beside it. Whoever throws the sealed data key away has destroyed all that was sealed.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from introducer.domain.errors import Unavailable
from introducer.gateways.vault import SealBroken, new_client

__all__ = ["PERSON", "LeadVault", "new_client"]

PURPOSE = "lead"
PERSON = "person"
"""The place of who the lead is; a note's is its id."""
_NONCE_BYTES = 12
_BROKEN = {"InvalidCiphertextException", "IncorrectKeyException"}


class LeadVault:
    """`client` is one of KMS, `key` the id or ARN of the key, `random` gives so many random bytes."""

    def __init__(self, client: Any, key: str, *, random: Callable[[int], bytes]) -> None:
        self._client = client
        self._key = key
        self._random = random

    def seal(self, lead: str, text: str) -> tuple[str, str]:
        """Who a new lead is, sealed, and its sealed data key; both base64. Raises `Unavailable`."""
        try:
            made = self._client.generate_data_key(KeyId=self._key, KeySpec="AES_256", EncryptionContext=_for(lead))
        except (ClientError, BotoCoreError) as error:
            raise _unavailable() from error
        sealed = self._encrypt(made["Plaintext"], lead, PERSON, text)
        return sealed, b64encode(made["CiphertextBlob"]).decode()

    def opener(self, lead: str, data_key: str) -> Opened:
        """What opens and seals this lead's texts. Raises `SealBroken` and `Unavailable`."""
        try:
            blob = b64decode(data_key, validate=True)
            plain = self._client.decrypt(KeyId=self._key, CiphertextBlob=blob, EncryptionContext=_for(lead))
        except ValueError:
            raise _broken() from None
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _BROKEN:
                raise _broken() from error
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error
        return Opened(self, lead, plain["Plaintext"])

    def _encrypt(self, key: bytes, lead: str, place: str, text: str) -> str:
        nonce = self._random(_NONCE_BYTES)
        return b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), _beside(lead, place))).decode()


class Opened:
    """One lead's data key, opened."""

    def __init__(self, vault: LeadVault, lead: str, key: bytes) -> None:
        self._vault = vault
        self._lead = lead
        self._key = key

    def seal(self, place: str, text: str) -> str:
        """A further text of this lead, base64."""
        return self._vault._encrypt(self._key, self._lead, place, text)

    def open(self, place: str, sealed: str) -> str:
        """The text of a place. Raises `SealBroken` for one that was altered, or is another's."""
        try:
            raw = b64decode(sealed, validate=True)
            return (
                AESGCM(self._key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _beside(self._lead, place)).decode()
            )
        except (InvalidTag, ValueError):
            raise _broken() from None


def _for(lead: str) -> dict[str, str]:
    return {"lead": lead, "purpose": PURPOSE}


def _beside(lead: str, place: str) -> bytes:
    return f"{PURPOSE}\n{lead}\n{place}".encode()


def _broken() -> SealBroken:
    return SealBroken("What is kept of this lead does not open: it was altered, or is another's.")


def _unavailable() -> Unavailable:
    return Unavailable("The key of leads does not answer: try again in a minute.", code="vault_unavailable")
