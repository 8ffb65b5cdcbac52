"""Every way in which a token may be wrong is refused, and only a right one is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from introducer.domain.errors import Unauthenticated, Unavailable
from introducer.runtime.authentication import Authenticator, PublicKeys, bearer, issuer_of, signed_in_since

NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
POOL, CLIENT = "eu-central-1_Pool1", "client-of-the-portal"
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
THEIRS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def a_key_set(**keys: rsa.RSAPrivateKey) -> dict[str, Any]:
    def jwk(kid: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        return {**public, "kid": kid, "use": "sig", "alg": "RS256"}

    return {"keys": [jwk(kid, key) for kid, key in keys.items()]}


def claims(**changes: Any) -> dict[str, Any]:
    signed_in = int((NOW - timedelta(minutes=5)).timestamp())
    whole = {
        "sub": "9f0c0c9e-0001",
        "iss": issuer_of(POOL),
        "client_id": CLIENT,
        "token_use": "access",
        "auth_time": signed_in,
        "iat": signed_in,
        "exp": signed_in + 3600,
        "jti": "6a0e5d",
        "scope": "aws.cognito.signin.user.admin",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def a_token(key: Any = OURS, kid: str | None = "k1", algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Pool:
    """The pool's key address, counting how often it is asked."""

    def __init__(self, **keys: rsa.RSAPrivateKey) -> None:
        self.document = a_key_set(**keys)
        self.asked = 0
        self.down = False

    def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.down:
            raise Unavailable("no answer")
        return self.document


@pytest.fixture
def pool() -> Pool:
    return Pool(k1=OURS, k2=THEIRS)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(PublicKeys(Pool(k1=OURS)), issuer=issuer_of(POOL), client_id=CLIENT)


def test_a_genuine_access_token_says_who_signed_in_and_when(authenticator: Authenticator) -> None:
    session = authenticator.session(a_token(), NOW)

    assert session.subject == "9f0c0c9e-0001"
    assert session.signed_in_at == NOW - timedelta(minutes=5)
    assert session.expires_at == NOW + timedelta(minutes=55)


def alg_none() -> str:
    header = unpadded(json.dumps({"alg": "none", "typ": "JWT", "kid": "k1"}).encode())
    return f"{header}.{unpadded(json.dumps(claims()).encode())}."


def hs256_with_the_public_key() -> str:
    """The classic confusion: the public key, which everybody has, used as the secret of an HMAC."""
    public = OURS.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = unpadded(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "k1"}).encode())
    body = f"{head}.{unpadded(json.dumps(claims()).encode())}"
    return f"{body}.{unpadded(hmac.new(public, body.encode(), hashlib.sha256).digest())}"


def tampered() -> str:
    head, _, signature = a_token().split(".")
    return f"{head}.{unpadded(json.dumps(claims(sub='somebody-else')).encode())}.{signature}"


REFUSED: dict[str, Callable[[], str]] = {
    "no algorithm": alg_none,
    "HS256 with the public key as its secret": hs256_with_the_public_key,
    "RS512": lambda: a_token(algorithm="RS512"),
    "signed by another key under our key id": lambda: a_token(key=THEIRS),
    "an unknown key id": lambda: a_token(kid="k9"),
    "no key id": lambda: a_token(kid=None),
    "another pool": lambda: a_token(iss=issuer_of("eu-central-1_Other")),
    "no issuer": lambda: a_token(iss=None),
    "an ID token": lambda: a_token(token_use="id", aud=CLIENT, client_id=None),
    "an ID token dressed with our client": lambda: a_token(token_use="id"),
    "no token_use": lambda: a_token(token_use=None),
    "another client": lambda: a_token(client_id="another-app"),
    "no client": lambda: a_token(client_id=None),
    "no subject": lambda: a_token(sub=None),
    "an empty subject": lambda: a_token(sub=""),
    "no expiry": lambda: a_token(exp=None),
    "no auth_time": lambda: a_token(auth_time=None),
    "auth_time as a text": lambda: a_token(auth_time="1775122200"),
    "an expiry beyond all calendars": lambda: a_token(exp=10**18),
    "a changed body": tampered,
    "a cut signature": lambda: a_token()[:-4],
    "not a token": lambda: "nonsense",
    "nothing": lambda: "",
    "a very long text": lambda: a_token(scope="x" * 9000),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_is_refused_when_it_is(make: Callable[[], str], authenticator: Authenticator) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        authenticator.session(make(), NOW)

    assert refusal.value.code == "token_invalid"


def test_a_token_is_good_until_the_last_moment_before_its_expiry(authenticator: Authenticator) -> None:
    token, expiry = a_token(), NOW + timedelta(minutes=55)

    assert authenticator.session(token, expiry - timedelta(microseconds=1))
    with pytest.raises(Unauthenticated) as refusal:
        authenticator.session(token, expiry)
    assert refusal.value.code == "token_expired"


def test_a_sign_out_ends_every_session_begun_before_it(authenticator: Authenticator) -> None:
    session = authenticator.session(a_token(), NOW)
    signed_in = session.signed_in_at

    assert signed_in_since(session, None)
    assert signed_in_since(session, signed_in - timedelta(seconds=1))
    assert not signed_in_since(session, signed_in)
    assert not signed_in_since(session, signed_in + timedelta(milliseconds=999))
    assert not signed_in_since(session, signed_in + timedelta(minutes=1))


def test_keys_are_fetched_once_and_again_when_they_are_old(pool: Pool) -> None:
    keys = PublicKeys(pool, keep=timedelta(hours=6))

    for minute in range(0, 300, 60):
        assert keys.key("k1", NOW + timedelta(minutes=minute))
    assert pool.asked == 1
    assert keys.key("k1", NOW + timedelta(hours=6))
    assert pool.asked == 2


def test_a_new_key_is_found_at_once_and_made_up_ids_ask_only_now_and_then(pool: Pool) -> None:
    # given keys that were fetched a minute ago
    keys = PublicKeys(pool, pause=timedelta(seconds=30))
    assert keys.key("k1", NOW)
    later = NOW + timedelta(minutes=1)

    # when the pool rotates
    pool.document = a_key_set(k3=OURS)

    # then its new key is there, and a hundred made-up ids ask no more than once in the pause
    assert keys.key("k3", later)
    assert [keys.key(f"made-up-{n}", later + timedelta(seconds=n % 29)) for n in range(100)] == [None] * 100
    assert pool.asked == 2
    assert keys.key("made-up", later + timedelta(seconds=30)) is None
    assert pool.asked == 3


def test_known_keys_stay_good_while_the_pool_does_not_answer(pool: Pool) -> None:
    keys = PublicKeys(pool, keep=timedelta(hours=6))
    assert keys.key("k1", NOW)

    pool.down = True

    assert keys.key("k1", NOW + timedelta(hours=7))
    assert keys.key("k9", NOW + timedelta(hours=7)) is None


def test_without_any_keys_the_answer_is_unavailable_and_not_a_refusal(pool: Pool) -> None:
    pool.down = True
    keys = PublicKeys(pool)

    with pytest.raises(Unavailable):
        keys.key("k1", NOW)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_short_keys_and_keys_for_encryption_are_never_believed() -> None:
    pool = Pool(short=SHORT, other=OURS)
    pool.document["keys"][1]["use"] = "enc"
    authenticator = Authenticator(PublicKeys(pool), issuer=issuer_of(POOL), client_id=CLIENT)

    for kid, key in (("short", SHORT), ("other", OURS)):
        with pytest.raises(Unauthenticated):
            authenticator.session(a_token(key=key, kid=kid), NOW)


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer  ", "token"])
def test_only_a_bearer_header_carries_a_token(header: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer(header)


def test_a_bearer_header_gives_its_token_and_no_header_gives_none() -> None:
    assert bearer("bearer abc.def.ghi") == "abc.def.ghi"
    assert bearer(None) is None
    assert bearer("") is None
