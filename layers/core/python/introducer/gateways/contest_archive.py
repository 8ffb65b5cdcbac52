"""The archive of contests in a bucket: `contests/<brand>/<contest>/<digest>.json`.

What is kept under a digest is the text that has it: writing it again changes nothing, and whoever reads it makes the
digest anew.
"""

from __future__ import annotations

import hashlib
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Conflict, NotFound, Unavailable

CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
PREFIX = "contests/"
_THERE = {"PreconditionFailed", "412"}
_ABSENT = {"NoSuchKey", "404"}


class ContestArchive:
    """`client` is boto3's for S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, brand: str, contest: str, digest: str, text: bytes) -> None:
        """Keeps what a contest came to; what stands there stays. Raises `Unavailable`."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=archive_key(brand, contest, digest),
                Body=text,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if _code(error) not in _THERE:
                raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error

    def kept(self, brand: str, contest: str, digest: str) -> bytes:
        """What a contest came to, as it was kept. Raises `NotFound`, `Conflict` (`archive_differs`) for a text that has
        not this digest, `Unavailable`."""
        try:
            text: bytes = self._client.get_object(Bucket=self._bucket, Key=archive_key(brand, contest, digest))[
                "Body"
            ].read()
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise NotFound("This contest is not in the archive.") from error
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error
        if hashlib.sha256(text).hexdigest() != digest:
            raise Conflict("What is archived is not what was kept.", code="archive_differs")
        return text


def archive_key(brand: str, contest: str, digest: str) -> str:
    """Where the archived text of a contest stands."""
    return f"{PREFIX}{brand}/{contest}/{digest}.json"


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only the one who archives pays it

    return boto3.client("s3", endpoint_url=endpoint_url, config=CONFIG)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unavailable() -> Unavailable:
    return Unavailable("The archive cannot be reached now: try again.", code="archive_unavailable")
