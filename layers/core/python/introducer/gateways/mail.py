"""SES: handing over one mail, written by ourselves as MIME (RFC 5322, RFC 2046).

SES has no idempotency key: whoever is not told that a mail was taken must not send it again. So nothing is tried twice
here, and what can be known after a failure is told apart: refused, not taken (try again), and unclear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from introducer.domain.errors import Invalid, Unavailable
from introducer.domain.mail_pace import FREE_SHARE

CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, max_pool_connections=32)
"""One try: a second one by the library could be a second mail. Connections for all who send at once."""
LARGEST = 500_000
"""Bytes of a whole mail, with its pictures. Ours have some thousand; what is larger is a mistake."""
LONGEST = 60_000
"""Bytes of its words, as text or as HTML: mail programs cut off what is much longer, and the line to unsubscribe with
it (Gmail after 102 KB)."""
_POLICY = SMTP.clone(cte_type="7bit")
"""SES takes ASCII with lines of at most 1,000 characters."""
_FULL = {"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"}
_NO_LOGIN = {"ExpiredTokenException", "RequestExpired", "UnrecognizedClientException"}
"""Codes for what SES would take at another time. Of other answers below 500 each is a refusal."""
TOO_LARGE = "mail_too_large"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_LINE = 200
_URL = re.compile(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?/[A-Za-z0-9/_.~-]{1,500}", re.ASCII)


class MailRefused(Invalid):
    """SES does not take this mail, and would not take it another time. The code is SES's own."""

    code = "refused"


class MailNotTaken(Unavailable):
    """The mail did not reach SES, or SES has no room for it now: it is certain that it was not taken."""

    code = "mail_not_taken"


class MailServiceFull(MailNotTaken):
    """SES has no room: too many at once, or the day's mails are sent. It was not taken, and has to wait a while."""

    code = "mail_service_full"


class MailUnclear(Unavailable):
    """The mail was handed over, and nobody said whether it was taken."""

    code = "mail_unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is sent. Names and subject may be any text: what no header may hold is left out of them."""

    id: str
    """Ours; it becomes part of the Message-ID, and a tag by which SES's notifications name the mail."""
    to: str
    """The address."""
    to_name: str
    from_name: str
    subject: str
    text: str
    html: str
    language: str
    of: str = ""
    """Among whose mails it stands: the other tag."""
    unsubscribe: str = ""
    """Where one request says that its reader wants no more of these (RFC 8058); empty where nobody may."""
    images: tuple[tuple[str, bytes], ...] = ()
    """PNG pictures that the HTML shows, by their Content-ID (RFC 2392)."""


class Mailer:
    """Sends from one address. `client` is boto3's SESv2 client, made by `new_client`; what becomes of the mails is
    told to the configuration set, where there is one."""

    def __init__(self, client: Any, sender: str, configuration_set: str = "") -> None:
        self._client = client
        self._sender = sender
        self._told = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    def per_second(self) -> int:
        """How many mails a second the account may send, at least one; 0 while of its mails of 24 hours only those are
        left that are kept for what cannot wait. Raises `MailNotTaken`."""
        try:
            quota = self._client.get_account()["SendQuota"]
        except (ClientError, BotoCoreError) as error:
            raise MailNotTaken("The mail service does not say how many mails it takes: try again.") from error
        most, sent = int(quota.get("Max24HourSend", -1)), int(quota.get("SentLast24Hours", 0))
        endless = most < 0  # SES says -1
        return max(1, int(quota["MaxSendRate"])) if endless or sent < most - most // FREE_SHARE else 0

    def send(self, letter: Letter, now: datetime) -> str:
        """Hands a mail over; SES's id of it. Raises `MailRefused`, `MailNotTaken` or `MailUnclear`."""
        raw = written(letter, self._sender, now)
        try:
            answer = self._client.send_email(
                FromEmailAddress=self._sender,
                # Always said: who gets it must not be read from headers.
                Destination={"ToAddresses": [letter.to]},
                Content={"Raw": {"Data": raw}},
                EmailTags=[
                    {"Name": name, "Value": value} for name, value in (("mail", letter.id), ("of", letter.of)) if value
                ],
                **self._told,
            )
        except ClientError as error:
            raise _translated(error) from error
        except ParamValidationError as error:
            raise MailRefused("This mail cannot be sent as it is: look at its address.") from error
        except (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError) as error:
            raise MailNotTaken("The mail service cannot be reached: try again.") from error
        except BotoCoreError as error:
            raise MailUnclear("The mail service did not say whether it took the mail.") from error
        return str(answer["MessageId"])


def written(letter: Letter, sender: str, now: datetime) -> bytes:
    """The mail as it goes over the wire: text, and the same as HTML. Raises `MailRefused` for an address that is none,
    or a mail that is too large."""
    if not letter.to.isascii():
        raise MailRefused("This address is not in ASCII: the mail service takes no other.")
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=_POLICY)
    try:
        message["From"] = Address(one_line(letter.from_name), addr_spec=sender)
        message["To"] = Address(one_line(letter.to_name), addr_spec=letter.to)
        message["Subject"] = one_line(letter.subject)
        message["Date"] = format_datetime(now.astimezone(UTC))
        message["Message-ID"] = f"<{letter.id.lower()}@{domain}>"
        # RFC 3834: no holiday replies, please.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text, subtype="plain", charset="utf-8")
        message.add_alternative(letter.html, subtype="html", charset="utf-8")
        _attach(message, letter)
        # Last: what is set before the body is taken for the body's own.
        message["Content-Language"] = letter.language
        # Of its own id and not of chance: the same mail is the same bytes.
        message.set_boundary(f"={letter.id}=")
        raw = message.as_bytes()
    except (ValueError, UnicodeError, IndexError, MessageError) as error:
        raise MailRefused("This mail cannot be written: look at its address.") from error
    raw = _unsubscribing(letter.unsubscribe) + raw
    words = max(len(letter.text.encode()), len(letter.html.encode()))
    if words > LONGEST:
        raise MailRefused(f"This mail says {words} bytes, more than {LONGEST}: say less.", code=TOO_LARGE)
    if len(raw) > LARGEST:
        raise MailRefused(f"This mail has {len(raw)} bytes, more than {LARGEST}: say less.", code=TOO_LARGE)
    return raw


def _attach(message: EmailMessage, letter: Letter) -> None:
    """Puts the pictures beside the HTML that shows them: `multipart/related` (RFC 2387)."""
    if not letter.images:
        return
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage), "the HTML was just added"
    for name, png in letter.images:
        picture = f"{name.partition('@')[0]}.png"
        html.add_related(png, "image", "png", cid=f"<{name}>", disposition="inline", filename=picture)
    html.set_boundary(f"={letter.id}=related=")


def _unsubscribing(url: str) -> bytes:
    """The header lines by which a mail program offers to unsubscribe. Written by hand: the library would take an
    address without a space in it for a word to be encoded. Raises `MailRefused` for what is no address."""
    if not url:
        return b""
    if not _URL.fullmatch(url):
        raise MailRefused("The address to unsubscribe at is none: look at the brand's domain.")
    lines = (f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "")
    return "\r\n".join(lines).encode("ascii")


def one_line(text: str) -> str:
    """The text as a header may hold it: no line breaks or control characters, and not without end."""
    return _CONTROL.sub(" ", text).strip()[:_LONGEST_LINE]


def new_client(endpoint_url: str | None = None) -> Any:
    """A client that tries once; `endpoint_url` is the local cloud's."""
    import boto3  # costs a quarter of a second: only those who send pay it

    return boto3.client("sesv2", endpoint_url=endpoint_url, config=CONFIG)


def _translated(error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _NO_LOGIN:
        return MailNotTaken("The mail service does not take our credentials just now: try again.")
    if code in _FULL:
        return MailServiceFull("The mail service takes no more mails now: try again later.")
    if 400 <= status < 500:
        return MailRefused("The mail service refuses this mail.", code=code or MailRefused.code)
    return MailUnclear("The mail service did not say whether it took the mail.")
