"""Cognito as its administrator sees it: making logins. Signing in is `gateways.identity`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from introducer.domain.errors import Conflict, Invalid, NotFound, TooMany, Unavailable

CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=32
)
"""Whoever waits for an answer has a timeout of their own; connections for all of the outbox's threads."""
PARTNERS = "partner"
"""The group of all partners' logins; the groups of staff are called like their roles."""


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """Where somebody reads mail. It has no repr, so that no log line can show it."""

    email: str
    verified: bool
    """Whether the address was shown to be theirs, or staff vouched for it."""
    enabled: bool


class UserPool:
    """The logins of one installation."""

    def __init__(self, client: Any, pool_id: str) -> None:
        self._client = client
        self._pool_id = pool_id

    def create_user(self, email: str, *, send_invitation: bool) -> str:
        """A login for this address; returns its `sub`. One that exists already is returned as it is.

        Cognito writes the invitation with a first password itself, unless `send_invitation` is False.
        """
        # Without a medium Cognito would write to a phone, which nobody has told us.
        invited: dict[str, Any] = {"DesiredDeliveryMediums": ["EMAIL"]}
        action = invited if send_invitation else {"MessageAction": "SUPPRESS"}
        try:
            user = self._client.admin_create_user(
                UserPoolId=self._pool_id,
                Username=email,
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                ],
                **action,
            )["User"]
            attributes = user["Attributes"]
        except ClientError as error:
            if _code(error) != "UsernameExistsException":
                raise _translated(error) from error
            attributes = self._call("admin_get_user", Username=email)["UserAttributes"]
        except BotoCoreError as error:
            raise _unavailable() from error
        return next(str(attribute["Value"]) for attribute in attributes if attribute["Name"] == "sub")

    def login(self, sub: str) -> Login:
        """The login of this `sub`. Raises `NotFound`; `Unavailable`."""
        try:
            user = self._client.admin_get_user(UserPoolId=self._pool_id, Username=sub)
        except ClientError as error:
            if _code(error) == "UserNotFoundException":
                raise NotFound("There is no such login.") from None
            raise Unavailable("Logins cannot be read just now: try again in a minute.") from error
        except BotoCoreError as error:
            raise Unavailable("Logins cannot be read just now: try again in a minute.") from error
        attributes = {each["Name"]: str(each.get("Value", "")) for each in user["UserAttributes"]}
        if not attributes.get("email"):
            raise NotFound("This login has no e-mail address.")
        return Login(
            attributes["email"], attributes.get("email_verified", "").lower() == "true", bool(user.get("Enabled", True))
        )

    def sub_of(self, email: str) -> str | None:
        """Whose login this address is; None where it is nobody's. Raises `Unavailable`."""
        try:
            user = self._client.admin_get_user(UserPoolId=self._pool_id, Username=email)
        except ClientError as error:
            if _code(error) == "UserNotFoundException":
                return None
            raise Unavailable("Logins cannot be read just now: try again in a minute.") from error
        except BotoCoreError as error:
            raise Unavailable("Logins cannot be read just now: try again in a minute.") from error
        return next(str(each["Value"]) for each in user["UserAttributes"] if each["Name"] == "sub")

    def delete(self, sub: str) -> bool:
        """The login of this `sub` is disabled, so that nobody signs in meanwhile, and deleted with its address. Whether
        there was one: repeating it changes nothing. Raises `Unavailable`."""
        try:
            for operation in (self._client.admin_disable_user, self._client.admin_delete_user):
                operation(UserPoolId=self._pool_id, Username=sub)
        except ClientError as error:
            if _code(error) == "UserNotFoundException":
                return False
            raise Unavailable("Logins cannot be deleted just now: try again in a minute.") from error
        except BotoCoreError as error:
            raise Unavailable("Logins cannot be deleted just now: try again in a minute.") from error
        return True

    def disable(self, sub: str) -> None:
        """Nobody signs in with this login, nor renews a session. A login that is gone is as good as disabled."""
        self._switch("admin_disable_user", sub)

    def enable(self, sub: str) -> None:
        """It may be signed in with again."""
        self._switch("admin_enable_user", sub)

    def invite_again(self, email: str) -> None:
        """Cognito writes the invitation once more, with a first password that is new. Raises `Conflict`
        (`signed_in_before`) for a login that needs none."""
        try:
            self._client.admin_create_user(
                UserPoolId=self._pool_id, Username=email, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"]
            )
        except ClientError as error:
            if _code(error) == "UnsupportedUserStateException":
                raise Conflict(
                    "They have chosen a password already: there is nothing to invite them to.", code="signed_in_before"
                ) from error
            raise _translated(error) from error
        except BotoCoreError as error:
            raise _unavailable() from error

    def _switch(self, operation: str, sub: str) -> None:
        try:
            getattr(self._client, operation)(UserPoolId=self._pool_id, Username=sub)
        except ClientError as error:
            if _code(error) != "UserNotFoundException":
                raise Unavailable("Logins cannot be changed just now: try again in a minute.") from error
        except BotoCoreError as error:
            raise Unavailable("Logins cannot be changed just now: try again in a minute.") from error

    def set_password(self, email: str, password: str) -> None:
        """Gives a lasting password. Raises `Invalid` when the pool's policy refuses it."""
        self._call("admin_set_user_password", Username=email, Password=password, Permanent=True)

    def add_to_group(self, email: str, group: str) -> None:
        """Adding twice changes nothing."""
        self._call("admin_add_user_to_group", Username=email, GroupName=group)

    def move_to_group(self, sub: str, before: str, after: str) -> None:
        """Out of one group and into another. Doing it twice changes nothing."""
        self._call("admin_add_user_to_group", Username=sub, GroupName=after)
        self._call("admin_remove_user_from_group", Username=sub, GroupName=before)

    def _call(self, name: str, **parameters: Any) -> Any:
        try:
            return getattr(self._client, name)(UserPoolId=self._pool_id, **parameters)
        except ClientError as error:
            raise _translated(error) from error
        except BotoCoreError as error:
            raise _unavailable() from error


def new_client(endpoint_url: str | None = None) -> Any:
    """A client of the pool's region; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who make logins pay it

    return boto3.client("cognito-idp", endpoint_url=endpoint_url, config=CONFIG)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translated(error: ClientError) -> Exception:
    match _code(error):
        case "InvalidPasswordException":
            return Invalid("Choose a longer password, of letters, figures and signs.", code="password_weak")
        case "InvalidParameterException":
            return Invalid("Cognito refuses this address: check it.", code="invalid_email")
        case "TooManyRequestsException" | "LimitExceededException":
            return TooMany("Too many logins are made at once: wait a minute.")
        case _:
            return _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable("The login could not be made just now: try again in a minute.")
