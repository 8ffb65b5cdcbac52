"""The bucket of sent files: what goes to a bank, or to a person who pays, is written there once and never again.

S3 writes only where nothing stands (`If-None-Match: *`), so of two writers, or two attempts, the first one's file
stays; a note beside it tells whether it holds the same payouts. Files are encrypted with a key of KMS: they are the one
place where bank details stand in clear (docs/rails.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from introducer.domain.errors import Unavailable
from introducer.domain.payout import Batch
from introducer.gateways.rails.protocol import NotReached, Transfer, Unsure

CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
LINK_SECONDS = 60
_NOTE = "payouts"
"""The metadata that tells which payouts a file holds: a digest of their ids and amounts."""
_THERE = {"PreconditionFailed", "412"}
_AT_ONCE = {"ConditionalRequestConflict", "OperationAborted", "409"}
_ABSENT = {"NoSuchKey", "NotFound", "404"}


class SentFiles:
    """`client` is boto3's for S3, `bucket` the bucket's name, `kms_key` the ARN of its key: empty for the key that the
    bucket names as its own."""

    def __init__(self, client: Any, bucket: str, kms_key: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._kms_key = kms_key

    def write(self, key: str, body: bytes, content_type: str, note: str) -> None:
        """Writes the file where none stands; one with the same note that stands there is as good.

        Raises `NotReached` when it is certain that it was not written, and `Unsure` when that is not certain or another
        file stands there.
        """
        asked = {"SSEKMSKeyId": self._kms_key} if self._kms_key else {}
        refused = ""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                IfNoneMatch="*",
                Metadata={_NOTE: note},
                ServerSideEncryption="aws:kms",
                BucketKeyEnabled=True,
                **asked,
            )
            return
        except ClientError as error:
            refused = _code(error)
            if refused not in _THERE:
                # A status of S3's own below 500 says that nothing was written, save that of a race.
                known = 400 <= _status(error) < 500 and refused not in _AT_ONCE
                raise (_not_reached(key) if known else _unsure(key)) from None
        except (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError):
            raise _not_reached(key) from None
        except BotoCoreError:
            raise _unsure(key) from None
        if self.note(key) != note:
            raise Unsure(
                f"The file {key} is there already and holds other payouts: compare it by hand.", code="other_file"
            )

    def note(self, key: str) -> str | None:
        """The note beside a file; None when there is no such file. Raises `Unsure`."""
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise _unsure(key) from None
        except BotoCoreError:
            raise _unsure(key) from None
        return str(answer.get("Metadata", {}).get(_NOTE, ""))

    def link(self, key: str) -> str:
        """Where this file can be downloaded for a minute, under the last part of its key. The client must sign by
        version 4, as the bucket's encryption asks. Raises `Unavailable`."""
        name = key.rpartition("/")[2]
        try:
            return str(
                self._client.generate_presigned_url(
                    "get_object",
                    Params={
                        "Bucket": self._bucket,
                        "Key": key,
                        "ResponseContentDisposition": f'attachment; filename="{name}"',
                        "ResponseCacheControl": "no-store",
                    },
                    ExpiresIn=LINK_SECONDS,
                )
            )
        except BotoCoreError:
            raise Unavailable("The files cannot be reached now: try again in a minute.") from None


def file_key(batch: Batch, ending: str) -> str:
    """Where the file of a batch stands: `<brand>/<run>/<batch>.xml`."""
    return f"{batch.brand}/{batch.run}/{batch.batch}.{ending}"


def note_of(transfers: Sequence[Transfer]) -> str:
    """Which payouts these are, and how much each: a digest, with nothing of where they go. They are in order."""
    said = json.dumps([[each.payout, each.amount, each.currency] for each in transfers], separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who write files pay it

    return boto3.client("s3", endpoint_url=endpoint_url, config=CONFIG)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _not_reached(key: str) -> NotReached:
    return NotReached(f"The file {key} could not be written: look at the bucket and its key, then try again.")


def _unsure(key: str) -> Unsure:
    return Unsure(f"Nobody said whether the file {key} was written: try again.")
