"""Daily heads of the audit chains, in a bucket under S3's Object Lock: `heads/<brand>/<day>.json`.

S3 writes a head only where none stands (`If-None-Match: *`), and keeps what it wrote for as long as the bucket's
retention says, whoever wants it gone. What can still be done is to lay something over it: a version of its own, or a
mark of deletion. Whoever reads takes the oldest version, and is told of what lies over it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.audit_chain import DailyHead
from introducer.domain.errors import Unavailable

CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
PREFIX = "heads/"
_THERE = {"PreconditionFailed", "412"}


class Kept(NamedTuple):
    """A head as it was kept first, and whether something lies over it now."""

    head: DailyHead
    hidden: bool


class AuditHeads:
    """`client` is boto3's for S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, head: DailyHead) -> bool:
        """Writes the head of a day; whether it did. False when the day has one. Raises `Unavailable`."""
        said = {"brand": head.brand, "day": head.day, "number": head.number, "digest": head.digest}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=head_key(head.brand, head.day),
                Body=json.dumps(said, sort_keys=True).encode(),
                ContentType="application/json",
                # A bucket under Object Lock takes nothing without a checksum.
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if _code(error) in _THERE:
                return False
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error
        return True

    def kept(self, brand: str | None = None) -> Iterator[Kept]:
        """All heads that were kept, of one brand or of all, each as it was written first. Raises `Unavailable`."""
        prefix = PREFIX if brand is None else f"{PREFIX}{brand}/"
        oldest: dict[str, dict[str, Any]] = {}
        number: dict[str, int] = {}
        try:
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
                for version in page.get("Versions", ()):
                    number[version["Key"]] = number.get(version["Key"], 0) + 1
                    # Of one key the newest version comes first, also from page to page.
                    oldest[version["Key"]] = version
                for mark in page.get("DeleteMarkers", ()):
                    number[mark["Key"]] = number.get(mark["Key"], 0) + 1
            for key, version in sorted(oldest.items()):
                body = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version["VersionId"])["Body"]
                yield Kept(_head_of(key, body.read()), number[key] > 1)
        except (BotoCoreError, ClientError) as error:
            raise _unavailable() from error


def head_key(brand: str, day: str) -> str:
    """Where the head of a brand's day stands."""
    return f"{PREFIX}{brand}/{day}.json"


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who keep or read heads pay it

    return boto3.client("s3", endpoint_url=endpoint_url, config=CONFIG)


def _head_of(key: str, body: bytes) -> DailyHead:
    """The head of an object. Whose and of which day it is says its key; one that cannot be read fits no chain."""
    _, brand, name = key.split("/", 2)
    try:
        said = json.loads(body)
        number, digest = int(said["number"]), str(said["digest"])
    except (ValueError, KeyError, TypeError):
        number, digest = 0, "unreadable"
    return DailyHead(brand=brand, day=name.removesuffix(".json"), number=number, digest=digest)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unavailable() -> Unavailable:
    return Unavailable("The daily heads cannot be reached now: try again.", code="heads_unavailable")
