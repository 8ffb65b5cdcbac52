"""Signature Version 4 for the one kind of request that we send: a POST of JSON to a service's root.

What does not change from one request to the next is kept: the signing key for a day and its credentials, the canonical
headers of an operation. A request then costs two digests and one HMAC. `tests/property/test_signing.py` holds it to
botocore's own signer. Rules: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from hmac import digest
from time import gmtime, strftime
from typing import NamedTuple

_SIGNED = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
_SIGNED_WITHOUT_TOKEN = "content-type;host;x-amz-date;x-amz-target"


class Credentials(NamedTuple):
    access_key: str
    secret: str
    token: str
    """Empty for the long-lived keys of a user."""


class _Operation(NamedTuple):
    """The parts of an operation's request that stay, between those that do not."""

    head: str
    canonical: str
    """Up to the time of the signature."""
    canonical_rest: str
    """From there to the digest of the body."""


class Signer:
    """Makes whole signed requests to one service in one region."""

    def __init__(self, service: str, region: str, host: str, content_type: str) -> None:
        self._service = service
        self._region = region
        self._host = host
        self._content_type = content_type
        self._valid_for: tuple[Credentials, str] | None = None
        self._key = b""
        self._scope = ""
        self._authorization = ""
        self._operations: dict[str, _Operation] = {}

    def request(self, target: str, body: bytes, credentials: Credentials, at: int) -> bytes:
        """The bytes to send. `target` names the operation as `X-Amz-Target` does; `at` is in seconds since 1970."""
        stamp = _stamp(at)
        if self._valid_for != (credentials, stamp[:8]):
            self._prepare(credentials, stamp[:8])
        operation = self._operations.get(target) or self._operation(target, credentials.token)
        canonical = f"{operation.canonical}{stamp}{operation.canonical_rest}{sha256(body).hexdigest()}"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{self._scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = digest(self._key, to_sign.encode(), "sha256").hex()
        head = (
            f"{operation.head}X-Amz-Date: {stamp}\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: {self._authorization}{signature}\r\n\r\n"
        )
        return head.encode() + body

    def _prepare(self, credentials: Credentials, day: str) -> None:
        """The key for these credentials and this day (UTC, as `20260131`)."""
        key = f"AWS4{credentials.secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = digest(key, part.encode(), "sha256")
        self._key = key
        self._scope = f"{day}/{self._region}/{self._service}/aws4_request"
        signed = _SIGNED if credentials.token else _SIGNED_WITHOUT_TOKEN
        self._authorization = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{self._scope}, SignedHeaders={signed}, Signature="
        )
        self._operations.clear()
        self._valid_for = (credentials, day)

    def _operation(self, target: str, token: str) -> _Operation:
        signed = _SIGNED if token else _SIGNED_WITHOUT_TOKEN
        made = self._operations[target] = _Operation(
            head=(
                f"POST / HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {self._content_type}\r\n"
                f"User-Agent: introducer-redirect\r\nX-Amz-Target: {target}\r\n"
                + (f"X-Amz-Security-Token: {token}\r\n" if token else "")
            ),
            canonical=f"POST\n/\n\ncontent-type:{self._content_type}\nhost:{self._host}\nx-amz-date:",
            canonical_rest=(
                "\n" + (f"x-amz-security-token:{token}\n" if token else "") + f"x-amz-target:{target}\n\n{signed}\n"
            ),
        )
        return made


@lru_cache(maxsize=4)
def _stamp(at: int) -> str:
    """`20260131T235959Z`: the same for all requests of a second."""
    return strftime("%Y%m%dT%H%M%SZ", gmtime(at))
