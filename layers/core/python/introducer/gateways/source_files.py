"""The bucket that platforms' files are put into: reading a version of one, and putting one there."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import NotFound, Unavailable

CONFIG = Config(connect_timeout=2, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 3})
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NoSuchBucket"})


class Found(NamedTuple):
    """What is known of an object before it is read."""

    size: int
    at: datetime
    """When it was put there."""


class SourceBucket:
    """`client` is one of S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def find(self, key: str, version: str) -> Found:
        """Raises `NotFound` and `Unavailable`."""
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=key, VersionId=version)
        except (BotoCoreError, ClientError) as error:
            raise _translated(error) from error
        return Found(int(answer["ContentLength"]), answer["LastModified"])

    def read(self, key: str, version: str) -> bytes:
        """The whole of it. Raises `NotFound` and `Unavailable`."""
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise _translated(error) from error
        return body

    def put(self, key: str, body: bytes) -> str:
        """Puts an object there, and says its version. Raises `Unavailable`."""
        try:
            return str(self._client.put_object(Bucket=self._bucket, Key=key, Body=body)["VersionId"])
        except (BotoCoreError, ClientError) as error:
            raise _translated(error) from error


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # only those who read files pay for it

    return boto3.client("s3", endpoint_url=endpoint_url, config=CONFIG)


def _translated(error: Exception) -> NotFound | Unavailable:
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
    if code in _GONE:
        return NotFound("There is no such file.", code="no_such_file")
    return Unavailable("The bucket of sources' files does not answer: try again.", code="bucket_unavailable")
