"""Payment profiles under lock: AES-256-GCM with a data key of their own, which AWS KMS seals for one partner.

The data key is bound to the partner and the purpose by KMS's encryption context, the sealed text to the partner and the
version by what is authenticated beside it: one that is put in the place of another, or of another version, does not
open. Who may only seal holds `kms:GenerateDataKey`, who pays holds `kms:Decrypt`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.payment_profile import Destination, from_json, to_json

CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
PURPOSE = "payment_profile"
_NONCE_BYTES = 12
_BROKEN = {"InvalidCiphertextException", "IncorrectKeyException"}
"""KMS's words for a data key that was sealed for somebody else, or is none."""


class SealBroken(Conflict):
    """What is kept does not open for this partner and version: it was altered, or is another's."""

    code = "seal_broken"


class Vault:
    """`client` is one of KMS, `key` the id or ARN of the key, `random` gives so many random bytes."""

    def __init__(self, client: Any, key: str, *, random: Callable[[int], bytes]) -> None:
        self._client = client
        self._key = key
        self._random = random

    def seal(self, partner: str, version: int, destination: Destination) -> tuple[str, str]:
        """The sealed destination and its sealed data key, both base64. Raises `Unavailable`."""
        try:
            made = self._client.generate_data_key(KeyId=self._key, KeySpec="AES_256", EncryptionContext=_for(partner))
        except (ClientError, BotoCoreError) as error:
            raise _unavailable() from error
        nonce = self._random(_NONCE_BYTES)
        text = AESGCM(made["Plaintext"]).encrypt(nonce, to_json(destination).encode(), _beside(partner, version))
        return b64encode(nonce + text).decode(), b64encode(made["CiphertextBlob"]).decode()

    def open(self, partner: str, version: int, sealed: str, data_key: str) -> Destination:
        """The destination. Raises `SealBroken`, and `Unavailable` when KMS does not answer or does not let us."""
        try:
            blob, raw = b64decode(data_key, validate=True), b64decode(sealed, validate=True)
        except ValueError:
            raise _broken() from None
        try:
            plain = self._client.decrypt(KeyId=self._key, CiphertextBlob=blob, EncryptionContext=_for(partner))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _BROKEN:
                raise _broken() from error
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error
        try:
            text = AESGCM(plain["Plaintext"]).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _beside(partner, version))
            return from_json(text.decode())
        except (InvalidTag, ValueError):
            raise _broken() from None


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who seal or open pay it

    return boto3.client("kms", endpoint_url=endpoint_url, config=CONFIG)


def _for(partner: str) -> dict[str, str]:
    return {"partner": partner, "purpose": PURPOSE}


def _beside(partner: str, version: int) -> bytes:
    return f"{PURPOSE}\n{partner}\n{version}".encode()


def _broken() -> SealBroken:
    return SealBroken("This payment profile does not open: ask the partner to enter it anew.")


def _unavailable() -> Unavailable:
    return Unavailable("The key of payment profiles does not answer: try again in a minute.", code="vault_unavailable")
