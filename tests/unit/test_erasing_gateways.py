"""Logins and documents end for good, page by page, and a second time does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from introducer.domain.errors import Unavailable
from introducer.gateways.documents import Documents
from introducer.gateways.user_pool import UserPool


class Bucket:
    """Versions of objects, two to a page."""

    def __init__(self, *kept: tuple[str, str]) -> None:
        self.kept = list(kept)
        self.down = False

    def list_object_versions(self, Bucket: str, Prefix: str, **position: str) -> dict[str, Any]:
        if self.down:
            raise EndpointConnectionError(endpoint_url="s3")
        after = (position.get("KeyMarker", ""), position.get("VersionIdMarker", ""))
        rest = [each for each in sorted(self.kept) if each[0].startswith(Prefix) and each > after]
        page = [{"Key": key, "VersionId": version} for key, version in rest[:2]]
        marked = [each for each in page if each["VersionId"].startswith("gone")]
        told: dict[str, Any] = {
            "Versions": [each for each in page if each not in marked],
            "DeleteMarkers": marked,
            "IsTruncated": len(rest) > 2,
        }
        return told | {"NextKeyMarker": page[-1]["Key"], "NextVersionIdMarker": page[-1]["VersionId"]} if page else told

    def delete_object(self, Bucket: str, Key: str, VersionId: str) -> None:
        self.kept.remove((Key, VersionId))


def test_every_version_of_every_document_is_deleted_and_no_other_partners() -> None:
    mine = [(f"verification/par_1/doc_{n}", version) for n in range(3) for version in ("gone1", "v1", "v2")]
    bucket = Bucket(*mine, ("verification/par_10/doc_1", "v1"))
    documents = Documents(bucket, "papers")

    assert sorted(documents.versions("par_1")) == sorted(mine)
    assert documents.destroy("par_1") == len(mine)
    assert bucket.kept == [("verification/par_10/doc_1", "v1")]
    assert (documents.destroy("par_1"), documents.versions("par_1")) == (0, [])
    bucket.down = True
    with pytest.raises(Unavailable):
        documents.destroy("par_1")


class Cognito:
    """A pool whose answers are errors of this code, if any."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self.asked: list[str] = []

    def _answer(self, name: str) -> None:
        self.asked.append(name)
        if self.code:
            raise ClientError({"Error": {"Code": self.code}}, name)

    def admin_disable_user(self, **_: Any) -> None:
        self._answer("disable")

    def admin_delete_user(self, **_: Any) -> None:
        self._answer("delete")


def test_a_login_is_disabled_before_it_is_deleted_and_one_that_is_gone_stays_gone() -> None:
    pool = Cognito()
    assert UserPool(pool, "pool").delete("sub-1")
    assert pool.asked == ["disable", "delete"]
    assert not UserPool(Cognito("UserNotFoundException"), "pool").delete("sub-1")
    with pytest.raises(Unavailable):
        UserPool(Cognito("TooManyRequestsException"), "pool").delete("sub-1")
