"""What the redirect asks of AWS, and nothing else: read an item, put an item, send a message, read a secret.

    amazon = Aws(os.environ)
    amazon.open(seconds=2.0)                                    # while the function starts; never raises
    amazon.get_item("books", {"pk": {"S": "…"}}, seconds=0.02)  # the item, or None
    amazon.put_item("facts", {"pk": {"S": "…"}, …}, seconds=0.02)
    amazon.send_message("https://sqs…/clicks", "…", seconds=0.015)
    amazon.get_secret("click-key", seconds=2.0)                 # its text

`seconds` is all that a call may take, connecting and trying again included. A call raises one of `errors`. All of this
may be done twice without harm, so what failed in a way that may pass is tried once more while there is time.

Credentials come from Lambda's environment and are followed when they change. AWS_ENDPOINT_URL, and the same with
_DYNAMODB, _SQS or _SECRETS_MANAGER, name another address, as for every AWS client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zlib import crc32

from clock import Deadline, monotonic
from connection import Answer, Connection
from errors import AwsError, Broken, Closed, Expired, Failed, Refused, Throttled, TimedOut, Unreachable
from signing import Credentials, Signer

__all__ = [
    "Aws",
    "AwsError",
    "Broken",
    "Closed",
    "Expired",
    "Failed",
    "Refused",
    "Throttled",
    "TimedOut",
    "Unreachable",
    "Written",
]

Item = Mapping[str, dict[str, Any]]
"""In DynamoDB's own notation: `{"pk": {"S": "…"}, "at": {"N": "1767225600000"}}`."""

SKEW = 240
"""Seconds that our clock must differ from AWS's before a refused signature is laid to it. AWS allows five minutes."""

# Parts of AWS's codes.
_THROTTLED = ("Throttl", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "TooManyRequests", "SlowDown")
_EXPIRED = ("Expired", "TooSkewed", "InvalidSignature", "SignatureDoesNotMatch", "UnrecognizedClient", "InvalidClient")

# What we send is a tree, so nothing looks for circles in it.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Written(Item):
    """An item whose JSON is there already, which is what is sent. Who looks into it has it read first, once."""

    __slots__ = ("_fields", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._fields: dict[str, dict[str, Any]] | None = None

    def fields(self) -> dict[str, dict[str, Any]]:
        if self._fields is None:
            self._fields = json.loads(self.text)
        return self._fields

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields())

    def __len__(self) -> int:
        return len(self.fields())


def text_of(item: Item) -> str:
    """The item as JSON, in ASCII."""
    return item.text if isinstance(item, Written) else _encode(item)


class _Service(NamedTuple):
    connection: Connection
    signer: Signer


class Aws:
    """One per container. Threads may share it; calls to one service take turns."""

    def __init__(
        self,
        environ: Mapping[str, str],
        elapsed: Callable[[], float] = monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`elapsed` measures budgets, `now` (seconds since 1970) dates signatures. `KeyError` without a region."""
        self._environ, self._elapsed, self._now = environ, elapsed, now
        self._ahead = 0.0
        """Seconds that AWS's clock is ahead of ours, once it has refused a signature for that."""
        self._who = Credentials("", "", "")
        self._tables = self._service("dynamodb", "DYNAMODB", "application/x-amz-json-1.0")
        self._queues = self._service("sqs", "SQS", "application/x-amz-json-1.0")
        self._secrets = self._service("secretsmanager", "SECRETS_MANAGER", "application/x-amz-json-1.1")

    def open(self, *, seconds: float) -> None:
        """Connects to DynamoDB and SQS, so that the first click need not. Never raises: whoever calls next tries."""
        deadline = Deadline(seconds, self._elapsed)
        for service in (self._tables, self._queues):
            with suppress(Exception):
                service.connection.open(deadline)

    def get_item(self, table: str, key: Item, *, seconds: float) -> dict[str, Any] | None:
        """The item, maybe as it was a moment ago; None when there is none."""
        asked = _encode({"TableName": table, "Key": key})
        found = self._call(self._tables, "DynamoDB_20120810.GetItem", asked, seconds)
        item: dict[str, Any] | None = found.get("Item")
        return item

    def put_item(self, table: str, item: Item, *, seconds: float) -> None:
        """Puts the item, in the place of one with the same key."""
        asked = f'{{"TableName":{_encode(table)},"Item":{text_of(item)}}}'
        self._call(self._tables, "DynamoDB_20120810.PutItem", asked, seconds)

    def send_message(self, url: str, body: str, *, seconds: float) -> None:
        """Puts a message into the queue of this address."""
        self._call(self._queues, "AmazonSQS.SendMessage", _encode({"QueueUrl": url, "MessageBody": body}), seconds)

    def get_secret(self, name: str, *, seconds: float) -> str:
        """The text of a secret, by its name or ARN. Raises `Refused` for one that is not text."""
        found = self._call(self._secrets, "secretsmanager.GetSecretValue", _encode({"SecretId": name}), seconds)
        if not isinstance(text := found.get("SecretString"), str):
            raise Refused("the secret is not text")
        return text

    def _service(self, name: str, variable: str, content_type: str) -> _Service:
        environ = self._environ
        region = environ.get("AWS_REGION") or environ["AWS_DEFAULT_REGION"]
        usual = f"https://{name}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        url = urlsplit(environ.get(f"AWS_ENDPOINT_URL_{variable}") or environ.get("AWS_ENDPOINT_URL") or usual)
        tls, host = url.scheme == "https", url.hostname or ""
        named, port = f"[{host}]" if ":" in host else host, 443 if tls else 80
        if url.port and url.port != port:
            port = url.port
            named += f":{port}"
        return _Service(Connection(host, port, tls), Signer(name, region, named, url.path or "/", content_type))

    def _call(self, service: _Service, target: str, asked: str, seconds: float) -> dict[str, Any]:
        """The answer; that of a second try when the first failed in a way that may pass."""
        deadline, body = Deadline(seconds, self._elapsed), asked.encode()
        try:
            return self._ask(service, target, body, deadline)
        except AwsError as error:
            if not error.passing or deadline.left() <= 0:
                raise
        return self._ask(service, target, body, deadline)

    def _ask(self, service: _Service, target: str, body: bytes, deadline: Deadline) -> dict[str, Any]:
        """One try."""
        if self._environ.get("AWS_ACCESS_KEY_ID") != self._who.access_key:
            self._who = self._credentials()
        who, signed_at = self._who, int(self._now() + self._ahead)
        answer = service.connection.exchange(service.signer.request(target, body, who, signed_at), deadline)
        try:
            return _content(answer)
        except Expired as error:
            error.passing = self._renew(who, signed_at, answer.headers.get(b"date", b""))
            raise

    def _credentials(self) -> Credentials:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        who = Credentials(*(self._environ.get(name, "") for name in names))
        if not who.access_key or not who.secret:
            raise Expired("no credentials in the environment")
        return who

    def _renew(self, who: Credentials, signed_at: int, date: bytes) -> bool:
        """Whether there is reason to think that a signature which was refused would be accepted now."""
        self._who = self._credentials()
        if (theirs := _seconds(date)) is not None and abs(theirs - signed_at) > SKEW:
            self._ahead = theirs - self._now()
            return True
        return self._who != who


def _content(answer: Answer) -> dict[str, Any]:
    """What a good answer says. Raises for all others."""
    told = answer.headers.get(b"x-amz-crc32")
    if told is not None and told != b"%d" % crc32(answer.body):
        raise Broken("the answer is not what was sent")
    if answer.body == b"{}" and answer.status == 200:
        return {}
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    told_why = found.get("__type") if isinstance(found, dict) else None
    code = str(told_why).rpartition("#")[2] if told_why else f"status {answer.status}"
    if answer.status == 200 and isinstance(found, dict):
        return found
    if answer.status >= 500:
        raise Failed(code)
    if answer.status == 429 or any(text in code for text in _THROTTLED):
        raise Throttled(code)
    if any(text in code for text in _EXPIRED):
        raise Expired(code)
    raise (Refused if answer.status >= 400 else Broken)(code)


def _seconds(date: bytes) -> int | None:
    """An HTTP date in seconds since 1970."""
    # Heavy to import, and needed only when a clock is wrong.
    from email.utils import mktime_tz, parsedate_tz

    parts = parsedate_tz(date.decode("latin-1"))
    return mktime_tz(parts) if parts else None
