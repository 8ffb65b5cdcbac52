"""Pictures that partners put on their pages, in the documents' bucket under a prefix of their own: `materials/<id>`.

The bucket is closed. Whoever opens a picture gets it from the portal, with a type that the picture's bytes were read
as; what is stored beside them decides nothing.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import NotFound, Unavailable

PREFIX = "materials/"
_ABSENT = {"NoSuchKey", "404"}


class Pictures:
    """`client` is one of S3, such as `documents.new_client` makes."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, material: str, content: bytes, content_type: str) -> None:
        """Keeps a material's picture. Repeating it changes nothing: what a material is of, its id says. Raises
        `Unavailable`."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=PREFIX + material,
                Body=content,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
            )
        except (ClientError, BotoCoreError) as error:
            raise _unavailable() from error

    def content(self, material: str) -> bytes:
        """The picture. Raises `NotFound`, `Unavailable`."""
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=PREFIX + material)["Body"].read()
        except ClientError as error:
            if str(error.response.get("Error", {}).get("Code", "")) in _ABSENT:
                raise NotFound("There is no such picture.") from error
            raise _unavailable() from error
        except BotoCoreError as error:
            raise _unavailable() from error
        return content

    def remove(self, material: str) -> None:
        """Takes a picture away. Removing what is not there changes nothing. Raises `Unavailable`."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=PREFIX + material)
        except (ClientError, BotoCoreError) as error:
            raise _unavailable() from error


def _unavailable() -> Unavailable:
    return Unavailable("The pictures cannot be reached now: try again in a minute.", code="pictures_unavailable")
