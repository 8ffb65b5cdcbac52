"""Pictures in the bucket: kept under their material, and gone when that is removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from introducer.domain.errors import NotFound, Unavailable
from introducer.gateways.pictures import Pictures

BUCKET = "introducer-local-documents"


@pytest.fixture(name="s3")
def _s3() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def test_a_picture_is_kept_read_and_removed_however_often(s3: Any) -> None:
    pictures = Pictures(s3, BUCKET)
    for _ in range(2):
        pictures.keep("mat_1", b"\x89PNG", "image/png")
    assert pictures.content("mat_1") == b"\x89PNG"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["materials/mat_1"]
    for _ in range(2):
        pictures.remove("mat_1")
    with pytest.raises(NotFound):
        pictures.content("mat_1")


def test_a_bucket_that_does_not_answer_is_tried_again(s3: Any) -> None:
    pictures = Pictures(s3, "another-bucket")
    for act in (lambda: pictures.keep("mat_1", b"x", "image/png"), lambda: pictures.content("mat_1"),
                lambda: pictures.remove("mat_1")):  # fmt: skip
        with pytest.raises(Unavailable) as raised:
            act()
        assert raised.value.code == "pictures_unavailable"
