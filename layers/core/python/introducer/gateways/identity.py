"""Cognito: signing in, staying signed in, signing out. What the library raises becomes our own errors here."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Invalid, TooMany, Unauthenticated, Unavailable

CONFIG = Config(connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 3})
"""A person waits for the answer: two seconds to connect, eight to read, three tries."""
_LARGEST_KEY_SET = 65_536


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives. A renewal gives no new refresh token."""

    access: str
    refresh: str | None
    seconds: int
    """How long the access token lives."""


@dataclass(frozen=True, slots=True)
class NewPasswordNeeded:
    """The password was right, but was given by staff: the member chooses an own one first."""

    session: str
    """Cognito's handle on this sign-in; good for a few minutes."""


class Identity:
    """The user pool, as our own client sees it. The client has no secret: its calls carry none."""

    def __init__(self, client: Any, *, client_id: str) -> None:
        self._client = client
        self._client_id = client_id

    def sign_in(self, email: str, password: str) -> Tokens | NewPasswordNeeded:
        """Raises `Unauthenticated` for a wrong password and for an unknown e-mail alike, `TooMany` after many tries."""
        answer = self._call(
            "initiate_auth",
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        return _outcome(answer)

    def choose_password(self, email: str, session: str, password: str) -> Tokens | NewPasswordNeeded:
        """Answers the request for an own password. Raises `Invalid` for a weak one, `Unauthenticated` when too late."""
        answer = self._call(
            "respond_to_auth_challenge",
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=session,
            ChallengeResponses={"USERNAME": email, "NEW_PASSWORD": password},
        )
        return _outcome(answer)

    def renew(self, refresh: str) -> Tokens:
        """A new access token. Raises `Unauthenticated` when the refresh token is expired or revoked."""
        answer = self._call("initiate_auth", AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": refresh})
        outcome = _outcome(answer)
        if not isinstance(outcome, Tokens):
            raise _wrong()
        return outcome

    def revoke(self, refresh: str) -> None:
        """Ends the refresh token. One that is already dead is as good as revoked."""
        try:
            self._call("revoke_token", Token=refresh)
        except Unauthenticated:
            return

    def _call(self, name: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._client, name)(ClientId=self._client_id, **parameters)
        except ClientError as error:
            raise _translated(error.response.get("Error", {}).get("Code", "")) from error
        except BotoCoreError as error:
            raise _unavailable() from error
        return answer


def public_keys(url: str) -> Mapping[str, Any]:
    """The pool's JSON Web Key Set. Raises `Unavailable` when it cannot be had."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            document = json.loads(answer.read(_LARGEST_KEY_SET))
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise _unavailable() from error
    if not isinstance(document, dict):
        raise _unavailable()
    return document


def keys_url(pool_id: str) -> str:
    """Where Cognito publishes the keys of a pool."""
    region, _, _ = pool_id.partition("_")
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}/.well-known/jwks.json"


def new_client(endpoint_url: str | None = None) -> Any:
    """A client for the pool's region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who call Cognito pay it

    return boto3.client("cognito-idp", endpoint_url=endpoint_url, config=CONFIG)


def _outcome(answer: Mapping[str, Any]) -> Tokens | NewPasswordNeeded:
    if answer.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
        return NewPasswordNeeded(answer["Session"])
    result = answer.get("AuthenticationResult")
    if not result:
        # A second factor or another step the portal does not offer: refuse rather than let somebody half in.
        raise Unauthenticated(
            "This sign-in needs a step the portal does not offer: ask your manager.", code="challenge_unknown"
        )
    return Tokens(result["AccessToken"], result.get("RefreshToken"), int(result["ExpiresIn"]))


def _translated(code: str) -> Exception:
    match code:
        case "NotAuthorizedException" | "UserNotFoundException" | "CodeMismatchException" | "ExpiredCodeException":
            return _wrong()
        case "UserNotConfirmedException" | "PasswordResetRequiredException" | "InvalidParameterException":
            return _wrong()
        case "UnsupportedTokenTypeException" | "UnauthorizedException":
            return _wrong()
        case "InvalidPasswordException":
            return Invalid("Choose a longer password, of letters, figures and signs.", code="password_weak")
        case "TooManyRequestsException" | "LimitExceededException" | "TooManyFailedAttemptsException":
            return TooMany("Too many tries: wait a few minutes.", code="sign_in_slow_down")
        case _:
            return _unavailable()


def _wrong() -> Unauthenticated:
    return Unauthenticated("E-mail and password do not belong together.", code="sign_in_wrong")


def _unavailable() -> Unavailable:
    return Unavailable("Signing in does not work just now: try again in a minute.", code="sign_in_unavailable")
