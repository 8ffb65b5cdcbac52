"""What a contest came to, in the bucket: kept once under its digest, and known to be that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.gateways.contest_archive import ContestArchive, archive_key

BUCKET, TEXT = "introducer-local-contests", b'{"contest":"ctt_1"}'
DIGEST = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture(name="s3")
def _s3() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def test_what_is_kept_is_kept_once_and_read_back(s3: Any) -> None:
    archive = ContestArchive(s3, BUCKET)
    # given a contest that is archived twice
    archive.keep("brd_1", "ctt_1", DIGEST, TEXT)
    archive.keep("brd_1", "ctt_1", DIGEST, TEXT)
    # then
    assert archive.kept("brd_1", "ctt_1", DIGEST) == TEXT
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        f"contests/brd_1/ctt_1/{DIGEST}.json"
    ]


def test_what_was_changed_is_found_and_what_is_not_there_is_not(s3: Any) -> None:
    archive = ContestArchive(s3, BUCKET)
    s3.put_object(Bucket=BUCKET, Key=archive_key("brd_1", "ctt_1", DIGEST), Body=TEXT + b" ")
    with pytest.raises(Conflict) as raised:
        archive.kept("brd_1", "ctt_1", DIGEST)
    assert raised.value.code == "archive_differs"
    with pytest.raises(NotFound):
        archive.kept("brd_1", "ctt_2", DIGEST)


def test_a_bucket_that_does_not_answer_is_tried_again(s3: Any) -> None:
    archive = ContestArchive(s3, "another-bucket")
    with pytest.raises(Unavailable):
        archive.keep("brd_1", "ctt_1", DIGEST, TEXT)
