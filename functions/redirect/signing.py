"""Signature Version 4 for the one kind of request that we send: a POST of JSON to a service's one address.

What stays from one request to the next is kept: the signing key of a day, the canonical headers of an operation. A
request then costs four digests. `tests/property/test_signing.py` holds it to botocore's own signer.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from hmac import digest
from time import gmtime, strftime
from typing import NamedTuple
from urllib.parse import quote


class Credentials(NamedTuple):
    access_key: str
    secret: str
    token: str
    """Empty for the lasting keys of a user."""


class Signer:
    """Makes whole signed requests to one service in one region. The host is written as in its address; so is the path,
    which is `/` unless somebody else stands in for AWS."""

    def __init__(self, service: str, region: str, host: str, path: str, content_type: str) -> None:
        self._service, self._region, self._host, self._content_type = service, region, host, content_type
        self._path = path
        self._made_for: tuple[Credentials, str] | None = None
        self._inner, self._outer, self._scope, self._authorization = sha256(), sha256(), "", ""
        self._operations: dict[str, tuple[str, str, str]] = {}

    def request(self, target: str, body: bytes, credentials: Credentials, at: int) -> bytes:
        """The bytes to send. `target` names the operation as `X-Amz-Target` does; `at` is in seconds since 1970."""
        stamp = _stamp(at)
        if self._made_for != (credentials, stamp[:8]):
            self._prepare(credentials, stamp[:8])
        head, canonical, canonical_rest = self._operations.get(target) or self._operation(target, credentials.token)
        canonical = f"{canonical}{stamp}{canonical_rest}{sha256(body).hexdigest()}"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{self._scope}\n{sha256(canonical.encode()).hexdigest()}"
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(to_sign.encode())
        outer.update(inner.digest())
        return (
            f"{head}X-Amz-Date: {stamp}\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: {self._authorization}{outer.hexdigest()}\r\n\r\n"
        ).encode() + body

    def _prepare(self, credentials: Credentials, day: str) -> None:
        """The key for these credentials and this day, written `20260131`."""
        key = f"AWS4{credentials.secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = digest(key, part.encode(), "sha256")
        # An HMAC is two digests (RFC 2104), and what both begin with is the key's.
        padded = key.ljust(64, b"\0")
        self._inner, self._outer = sha256(bytes(b ^ 0x36 for b in padded)), sha256(bytes(b ^ 0x5C for b in padded))
        self._scope = f"{day}/{self._region}/{self._service}/aws4_request"
        self._authorization = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{self._scope}, "
            f"SignedHeaders={_signed(credentials.token)}, Signature="
        )
        self._operations.clear()
        self._made_for = (credentials, day)

    def _operation(self, target: str, token: str) -> tuple[str, str, str]:
        """The head of its requests, and their canonical form before and after the time of the signature."""
        head = f"POST {self._path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {self._content_type}\r\n"
        head += f"X-Amz-Target: {target}\r\n"
        path = quote(self._path, safe="/~")
        canonical = f"POST\n{path}\n\ncontent-type:{self._content_type}\nhost:{self._host}\nx-amz-date:"
        rest = "\n"
        if token:
            head += f"X-Amz-Security-Token: {token}\r\n"
            rest += f"x-amz-security-token:{token}\n"
        rest += f"x-amz-target:{target}\n\n{_signed(token)}\n"
        self._operations[target] = head, canonical, rest
        return self._operations[target]


def _signed(token: str) -> str:
    return f"content-type;host;x-amz-date;{'x-amz-security-token;' if token else ''}x-amz-target"


@lru_cache(maxsize=4)
def _stamp(at: int) -> str:
    """`20260131T235959Z`: the same for all requests of a second."""
    return strftime("%Y%m%dT%H%M%SZ", gmtime(at))
