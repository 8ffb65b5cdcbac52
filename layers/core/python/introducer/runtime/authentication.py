"""Who is asking: our own checks of the access tokens that Cognito signs.

A token is believed only when all of it holds: RS256 and nothing else, signed by a key of our own pool, issued by that
pool for our own client, an access token (never an ID token, whose audience is the browser), not expired, and from a
sign-in later than the member's last sign-out. The last point is ours alone: signing out in one place ends every
session at once, without waiting for tokens to expire.

Nothing here reads the time or the network: the moment and the way to fetch the pool's public keys are passed in.
Cognito stamps its tokens by the true time, so the moment is the true one too, never the local stage's shifted one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

import jwt

from introducer.domain.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from jwt.types import Options

ALGORITHM = "RS256"
LONGEST_TOKEN = 8_192
"""Characters. Cognito's access tokens have about a thousand; nothing longer is worth taking apart."""
LATEST_SECOND = 253_402_300_800
"""The year 10000, where our calendar ends."""
SMALLEST_KEY = 2_048
"""Bits of an RSA key that is still believed."""

_CHECKED_BY_THE_LIBRARY: Options = {
    "require": ["iss", "exp"],
    # Times are checked by the caller's clock; PyJWT would read the system's.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    # An access token names its client in `client_id`, and has no audience.
    "verify_aud": False,
}


@dataclass(frozen=True, slots=True)
class Session:
    """What a genuine access token says."""

    subject: str
    """The Cognito `sub`: the key of the member item."""
    signed_in_at: datetime
    expires_at: datetime


class PublicKeys:
    """The pool's public keys by id, kept for a while.

    An unknown key id asks again at once (Cognito may have rotated), but not more often than every `pause`: a stranger
    who sends made-up ids cannot make us hammer the pool. Keys that cannot be fetched anew stay good.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any]],
        *,
        keep: timedelta = timedelta(hours=6),
        pause: timedelta = timedelta(seconds=30),
    ) -> None:
        self._fetch = fetch
        self._keep = keep
        self._pause = pause
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._lock = Lock()

    def key(self, key_id: str, now: datetime) -> jwt.PyJWK | None:
        """The key of this id; None when the pool has none. Raises `Unavailable` when no keys were ever had."""
        with self._lock:
            stale = self._fetched_at is None or not timedelta(0) <= now - self._fetched_at < self._keep
            if (stale or key_id not in self._keys) and self._may_ask(now):
                self._refresh(now)
            if self._fetched_at is None:
                raise Unavailable("Sign-in cannot be checked just now: try again in a minute.", code="keys_unavailable")
            return self._keys.get(key_id)

    def _may_ask(self, now: datetime) -> bool:
        return self._asked_at is None or not timedelta(0) <= now - self._asked_at < self._pause

    def _refresh(self, now: datetime) -> None:
        self._asked_at = now
        try:
            document = self._fetch()
        except Unavailable:
            return
        self._keys = {key.key_id: key for key in map(_signing_key, document.get("keys", ())) if key and key.key_id}
        self._fetched_at = now


class Authenticator:
    """Checks access tokens of one pool and client."""

    def __init__(self, keys: PublicKeys, *, issuer: str, client_id: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._client_id = client_id

    def session(self, token: str, now: datetime) -> Session:
        """What the token says. Raises `Unauthenticated` when any check fails; the answer never says which."""
        try:
            claims = self._claims(token, now)
            session = Session(
                subject=_text(claims, "sub"),
                signed_in_at=_moment(claims, "auth_time"),
                expires_at=_moment(claims, "exp"),
            )
        except (jwt.InvalidTokenError, ValueError, KeyError) as error:
            raise _refused("token_invalid") from error
        if claims.get("token_use") != "access" or claims.get("client_id") != self._client_id:
            raise _refused("token_invalid")
        if session.expires_at <= now:
            raise _refused("token_expired")
        return session

    def _claims(self, token: str, now: datetime) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN:
            raise ValueError("too long for a token")
        header = jwt.get_unverified_header(token)
        # The algorithm is ours to choose, not the token's: "none" and HS256 end here, before any key is looked at.
        if header.get("alg") != ALGORITHM:
            raise ValueError("not RS256")
        key = self._keys.key(str(header["kid"]), now)
        if key is None:
            raise KeyError("no such key")
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[ALGORITHM], issuer=self._issuer, options=_CHECKED_BY_THE_LIBRARY
        )
        return claims


def issuer_of(pool_id: str) -> str:
    """The issuer Cognito writes into the tokens of a pool: the region is the first part of the pool's id."""
    region, _, _ = pool_id.partition("_")
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"


def signed_in_since(session: Session, signed_out_at: datetime | None) -> bool:
    """Whether the session began after the member's last sign-out (None: never signed out).

    Cognito tells the sign-in in whole seconds, so a sign-in within the very second of a sign-out counts as before it.
    """
    return signed_out_at is None or session.signed_in_at > signed_out_at.replace(microsecond=0)


def bearer(header: str | None) -> str | None:
    """The token in an `Authorization` header; None without one. Raises `Unauthenticated` for other schemes."""
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _refused("token_invalid")
    return token.strip()


def _signing_key(jwk: Mapping[str, Any]) -> jwt.PyJWK | None:
    """The key if it is an RSA key for signatures that is long enough; what else a pool may publish is left out."""
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        return None
    try:
        key = jwt.PyJWK(dict(jwk), algorithm=ALGORITHM)
    except (jwt.PyJWKError, jwt.InvalidKeyError):
        return None
    return key if key.key.key_size >= SMALLEST_KEY else None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    return value


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims[name]
    if type(value) is not int or not 0 <= value < LATEST_SECOND:
        raise ValueError(f"{name} is not a time")
    return datetime.fromtimestamp(value, UTC)


def _refused(code: str) -> Unauthenticated:
    return Unauthenticated("Sign in to go on.", code=code)
