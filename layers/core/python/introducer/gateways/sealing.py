"""Texts under lock: AES-256-GCM with a data key of their own, which AWS KMS seals for one owner and one purpose.

The data key is bound to the owner and the purpose by KMS's encryption context, each sealed text to what is
authenticated beside it: one that is put in the place of another does not open. Whoever may only seal holds
`kms:GenerateDataKey`, whoever opens holds `kms:Decrypt`. Who throws a sealed data key away has destroyed all that was
sealed with it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from introducer.domain.errors import Conflict, Unavailable

CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
_NONCE_BYTES = 12
_BROKEN = {"InvalidCiphertextException", "IncorrectKeyException"}
"""KMS's words for a data key that was sealed for somebody else, or is none."""


class SealBroken(Conflict):
    """What is kept does not open here: it was altered, or is another's."""

    code = "seal_broken"


@dataclass(frozen=True, slots=True)
class Sealing:
    """`client` is one of KMS, `key` the id or ARN of the key, `random` gives so many random bytes; `broken` and
    `silent` are the sentences of `SealBroken` and `Unavailable`."""

    client: Any
    key: str
    random: Callable[[int], bytes]
    broken: str
    silent: str

    def new_key(self, context: Mapping[str, str]) -> tuple[bytes, str]:
        """A data key, and the same sealed for this context in base64. Raises `Unavailable`."""
        try:
            made = self.client.generate_data_key(KeyId=self.key, KeySpec="AES_256", EncryptionContext=dict(context))
        except (ClientError, BotoCoreError) as error:
            raise self._unavailable() from error
        return made["Plaintext"], b64encode(made["CiphertextBlob"]).decode()

    def open_key(self, context: Mapping[str, str], data_key: str) -> bytes:
        """A data key back. Raises `SealBroken`, and `Unavailable` when KMS does not answer or does not let us."""
        try:
            blob = b64decode(data_key, validate=True)
            opened = self.client.decrypt(KeyId=self.key, CiphertextBlob=blob, EncryptionContext=dict(context))
        except ValueError:
            raise SealBroken(self.broken) from None
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _BROKEN:
                raise SealBroken(self.broken) from error
            raise self._unavailable() from error
        except BotoCoreError as error:
            raise self._unavailable() from error
        return bytes(opened["Plaintext"])

    def seal(self, key: bytes, text: str, beside: bytes) -> str:
        """The text sealed, in base64; it opens only with the same `beside`."""
        nonce = self.random(_NONCE_BYTES)
        return b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), beside)).decode()

    def open(self, key: bytes, sealed: str, beside: bytes) -> str:
        """The text. Raises `SealBroken`."""
        try:
            raw = b64decode(sealed, validate=True)
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], beside).decode()
        except (InvalidTag, ValueError):
            raise SealBroken(self.broken) from None

    def _unavailable(self) -> Unavailable:
        return Unavailable(self.silent, code="vault_unavailable")


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who seal or open pay it

    return boto3.client("kms", endpoint_url=endpoint_url, config=CONFIG)
