"""The signature on messages between systems: `Introducer-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…]`.

`v1` is HMAC-SHA256 of `"<t>."` and the raw body under a shared secret. Several `v1` may stand in one header, so that a
sender can sign with the old and the new secret while one replaces the other. `t` must lie within `TOLERANCE` of the
receiver's clock: a message that was overheard cannot be sent again later.

Pure: platforms that post to us, the demo and our own outbound messages use the same two functions.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import datetime

from introducer.domain.errors import Unauthenticated

HEADER = "Introducer-Signature"
TOLERANCE = 300
"""Seconds that `t` may lie before or after the receiver's clock."""

_MOST_SIGNATURES = 10
_LONGEST_HEADER = 2000
_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def sign(body: bytes, secrets: Iterable[bytes], at: datetime) -> str:
    """The header's value for this body, with one `v1` per secret. `at` is aware."""
    time = str(int(at.timestamp()))
    return ",".join([f"t={time}", *(f"v1={_digest(time, body, secret)}" for secret in secrets)])


def check(header: str | None, body: bytes, secrets: Iterable[bytes], now: datetime) -> None:
    """Raise `Unauthenticated` unless one of the signatures was made with one of the secrets, just now.

    Codes: `signature_missing`, `signature_malformed`, `signature_wrong`, `timestamp_stale`, `timestamp_future`. The
    time is judged last: who does not hold the secret learns nothing about our clock.
    """
    if not header:
        raise Unauthenticated(f"Sign the message: the header {HEADER} is missing.", code="signature_missing")
    time, signatures = _parts(header)
    held = list(secrets)
    # Every pair is compared, so that the time taken does not tell which one came close.
    matches = [
        hmac.compare_digest(_digest(time, body, secret), signature) for secret in held for signature in signatures
    ]
    if not any(matches):
        raise Unauthenticated(
            "The signature does not fit this body and time: sign `<t>.<raw body>` with the source's current secret.",
            code="signature_wrong",
        )
    age = int(now.timestamp()) - int(time)
    if age > TOLERANCE:
        raise Unauthenticated(
            f"The message was signed {age} seconds ago; {TOLERANCE} are allowed. Sign it again and check the clock.",
            code="timestamp_stale",
        )
    if age < -TOLERANCE:
        raise Unauthenticated(
            f"The message was signed {-age} seconds in the future; {TOLERANCE} are allowed. Check the clock.",
            code="timestamp_future",
        )


def check_token(token: str, secrets: Iterable[bytes]) -> None:
    """Raise `Unauthenticated` unless this is one of the secrets: for senders that can sign nothing and only fill in an
    address. Codes: `token_missing`, `token_wrong`."""
    if not token:
        raise Unauthenticated("Say who calls: the parameter token is missing.", code="token_missing")
    said = token.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(said, secret) for secret in secrets]  # all of them, as above
    if not any(matches):
        raise Unauthenticated("This token is none of the source's: look at its current secret.", code="token_wrong")


def _digest(time: str, body: bytes, secret: bytes) -> str:
    return hmac.digest(secret, time.encode() + b"." + body, "sha256").hex()


def _parts(header: str) -> tuple[str, list[str]]:
    """The time as it was written, and the signatures in lower case. Parts of other names are left for later schemes."""
    times: list[str] = []
    signatures: list[str] = []
    for part in header[: _LONGEST_HEADER + 1].split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1":
            signatures.append(value.lower())
    if (
        len(header) > _LONGEST_HEADER
        or len(times) != 1
        or not _TIME.fullmatch(times[0])
        or not 1 <= len(signatures) <= _MOST_SIGNATURES
        or not all(_SIGNATURE.fullmatch(signature) for signature in signatures)
    ):
        raise Unauthenticated(
            f"{HEADER} must read t=<unix seconds>,v1=<64 hex digits>, with 1 to {_MOST_SIGNATURES} v1.",
            code="signature_malformed",
        )
    return times[0], signatures
