"""Documents that partners hand in, in an encrypted bucket of their own: uploaded by the browser itself, by a form that
we sign, and read by compliance through links that last a minute.

A document's place is `verification/<partner>/<document>`: what is listed, and what a form may write, begins with the
partner's own. The bucket keeps versions, so that what compliance read stays what it read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Unavailable
from introducer.domain.verification import BEGINNING, ENDINGS, MOST_BYTES, Document, DocumentKind, content_type

CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    signature_version="s3v4",
    s3={"us_east_1_regional_endpoint": "regional"},
)
FORM_SECONDS = 900
"""A form can be sent for so long: time to find the passport."""
LINK_SECONDS = 60
MOST_LISTED = 40
"""Files of a partner that are looked at; who uploads more has to remove some."""
UPLOADED_AS = "application/octet-stream"
"""Every file is kept as this: what it is, its first bytes tell, and never whoever sent it."""
_KIND = "kind"


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser posts to, and the fields that go with the file. The file comes last, in the field `file`."""

    url: str
    fields: Mapping[str, str]

    @property
    def origin(self) -> str:
        """For the page's Content-Security-Policy."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Documents:
    """`client` is one of S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def form(self, partner: str, document: str, kind: DocumentKind, back: str) -> Form:
        """A form that takes one file of 1 byte to 10 MB, as this document alone; then the browser is sent `back`."""
        fixed = {
            "Content-Type": UPLOADED_AS,
            f"x-amz-meta-{_KIND}": kind.value,
            "success_action_redirect": back,
        }
        try:
            made = self._client.generate_presigned_post(
                self._bucket,
                _place(partner, document),
                Fields=dict(fixed),
                Conditions=[
                    *({name: value} for name, value in fixed.items()),
                    ["content-length-range", 1, MOST_BYTES],
                ],
                ExpiresIn=FORM_SECONDS,
            )
        except BotoCoreError as error:
            raise _unavailable() from error
        return Form(made["url"], made["fields"])

    def uploaded(self, partner: str) -> list[Document]:
        """What a partner has uploaded, the oldest first. One that is neither PDF nor JPEG nor PNG has no content type.
        Raises `Unavailable`."""
        before = _place(partner, "")
        try:
            listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=before, MaxKeys=MOST_LISTED)
            found = [self._read(each["Key"], each["Key"].removeprefix(before)) for each in listed.get("Contents", [])]
        except (ClientError, BotoCoreError) as error:
            raise _unavailable() from error
        return sorted(found, key=lambda each: (each.uploaded_at, each.document))

    def remove(self, partner: str, document: str) -> None:
        """Takes a document from what is uploaded. Versions that were handed in stay readable by `link`. Repeating it,
        and removing what is not there, changes nothing. Raises `Unavailable`."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=_place(partner, document))
        except (ClientError, BotoCoreError) as error:
            raise _unavailable() from error

    def versions(self, partner: str) -> list[tuple[str, str]]:
        """Every version of everything that a partner ever uploaded, and what marks deletions: key and version. Raises
        `Unavailable`."""
        found: list[tuple[str, str]] = []
        position: dict[str, str] = {}
        while True:
            try:
                listed = self._client.list_object_versions(Bucket=self._bucket, Prefix=_place(partner, ""), **position)
            except (ClientError, BotoCoreError) as error:
                raise _unavailable() from error
            for kind in ("Versions", "DeleteMarkers"):
                found += [(each["Key"], each["VersionId"]) for each in listed.get(kind, [])]
            if not listed.get("IsTruncated"):
                return found
            position = {"KeyMarker": listed["NextKeyMarker"], "VersionIdMarker": listed["NextVersionIdMarker"]}

    def destroy(self, partner: str) -> int:
        """Deletes every version of everything that a partner uploaded, for good; how many there were. Raises
        `Unavailable`."""
        found = self.versions(partner)
        for key, version in found:
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version)
            except (ClientError, BotoCoreError) as error:
                raise _unavailable() from error
        return len(found)

    def link(self, partner: str, document: Document) -> str:
        """Where this document can be seen for a minute. Raises `Unavailable`."""
        name = f"{document.kind.value}-{document.document}.{ENDINGS[document.content_type]}"
        try:
            return str(
                self._client.generate_presigned_url(
                    "get_object",
                    Params={
                        "Bucket": self._bucket,
                        "Key": _place(partner, document.document),
                        "VersionId": document.object_version,
                        # One of three kinds, by its own bytes: nothing that a browser would run.
                        "ResponseContentType": document.content_type,
                        "ResponseContentDisposition": f'inline; filename="{name}"',
                        "ResponseCacheControl": "no-store",
                    },
                    ExpiresIn=LINK_SECONDS,
                )
            )
        except BotoCoreError as error:
            raise _unavailable() from error

    def _read(self, key: str, document: str) -> Document:
        found = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{BEGINNING - 1}")
        return Document(
            document=document,
            kind=DocumentKind(found["Metadata"][_KIND]),
            content_type=content_type(found["Body"].read()) or "",
            size=int(found["ContentRange"].rpartition("/")[2]),
            object_version=found["VersionId"],
            uploaded_at=found["LastModified"],
        )


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who look at documents pay it

    return boto3.client("s3", endpoint_url=endpoint_url, config=CONFIG)


def _place(partner: str, document: str) -> str:
    return f"verification/{partner}/{document}"


def _unavailable() -> Unavailable:
    return Unavailable("The documents cannot be reached now: try again in a minute.", code="documents_unavailable")
