"""PayPal Payouts, version 1: a batch as one request, and what became of each item.

Sources: the OpenAPI description that PayPal publishes (github.com/paypal/paypal-rest-api-specifications,
`openapi/payments_payouts_batch_v1.json`), its reference (developer.paypal.com/docs/api/payments.payouts-batch/v1) and
its guides to item states ("Track payout item status", "Handle unclaimed payouts"). Beyond these, as its sandbox does:
a repeated `sender_batch_id` is answered 400 `USER_BUSINESS_ERROR` with `details[0].link[0].href` to the first batch.

PayPal cannot be asked for a batch by our id. So where an answer was lost, the same request under the same id is how to
look it up: within 30 days it is answered with the batch that there is, or makes it, once. `PayPal-Request-Id` is not
sent: it does not keep a payout from being made twice, `sender_batch_id` does.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from introducer.domain.errors import Invalid
from introducer.domain.money import decimal_string, minor_units
from introducer.domain.payment_profile import PAYPAL_CURRENCIES, PAYPAL_WHOLE, RailKind
from introducer.domain.payout import Batch, PayoutStatus
from introducer.gateways.rails.protocol import (
    Handed,
    NotReached,
    Outcome,
    Refusal,
    Refused,
    Transfer,
    Unsure,
    check_key,
    in_order,
    sent,
    tried_before,
)

LIVE, SANDBOX = "https://api-m.paypal.com", "https://api-m.sandbox.paypal.com"
MOST_PER_BATCH = 1_000
"""PayPal takes 15,000; what is looked up should fit an answer of ours."""
REMEMBERS = timedelta(days=29)
"""PayPal knows a `sender_batch_id` for 30 days; a day less, because its clock is not ours."""
LONGEST_NOTE, LONGEST_SUBJECT, LONGEST_RECEIVER = 1_000, 255, 127
PAGE = 500
MOST_PAGES = 60
LARGEST_ANSWER = 8 * 2**20
"""Bytes. An item takes about 1 KB."""
SECONDS_TO_CONNECT, SECONDS_FOR_A_STEP, SECONDS_FOR_AN_ANSWER = 3.0, 10.0, 20.0
_EARLY = 60.0
"""Seconds before its end that a token is not used any more."""

_PAYOUTS, _TOKEN = "/v1/payments/payouts", "/v1/oauth2/token"
_BATCH_ID = re.compile(r"[A-Z0-9]{1,30}", re.ASCII)
_REASON = re.compile(r"[A-Z0-9_]{1,60}", re.ASCII)
_ITEM = re.compile(r"items[\[/](\d{1,5})", re.ASCII)
_DUPLICATE = re.compile(r"already exists|duplicate", re.ASCII | re.IGNORECASE)

_STATES: Mapping[str, tuple[PayoutStatus, str, str]] = {
    "SUCCESS": (PayoutStatus.PAID, "", ""),
    "PENDING": (PayoutStatus.SENT, "", ""),
    "UNCLAIMED": (
        PayoutStatus.SENT,
        "unclaimed",
        "The payee has no PayPal account under this address, or has not confirmed it: in 30 days the money comes back.",
    ),
    "ONHOLD": (PayoutStatus.SENT, "on_hold", "PayPal reviews this payment before it passes it on."),
    # Not failed: what PayPal blocks it may still let go, and money that was released would be paid again.
    "BLOCKED": (PayoutStatus.SENT, "blocked", "PayPal has blocked this payment: ask PayPal what becomes of it."),
    "FAILED": (PayoutStatus.FAILED, "failed", "PayPal could not make this payment: no money left."),
    "RETURNED": (
        PayoutStatus.RETURNED,
        "returned",
        "The payee did not claim this payment, or it was cancelled: the money came back.",
    ),
    "REFUNDED": (PayoutStatus.RETURNED, "refunded", "The payee sent this payment back."),
    "REVERSED": (PayoutStatus.RETURNED, "reversed", "PayPal took this payment back."),
}
"""What each `transaction_status` is to us: state, reason and a sentence."""
_OPEN_BATCH = frozenset({"PENDING", "PROCESSING"})
_DEAD_BATCH: Mapping[str, tuple[str, str]] = {
    "DENIED": ("denied", "PayPal denied the whole batch: no money left."),
    "CANCELED": ("cancelled", "The batch was cancelled at PayPal: no money left."),
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """Of an app of the broker's PayPal account. It has no repr."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True, repr=False)
class _Answer:
    status: int
    body: Mapping[str, Any]
    """Empty where it is no JSON object."""


Item = Mapping[str, Any]
"""An item of a batch, as PayPal tells of it."""


class Paypal:
    """Pays from one PayPal account. `base` is `LIVE` or `SANDBOX`; plain HTTP is taken from this machine alone.

    `credentials` is asked whenever a token is needed; `elapsed` counts seconds and never goes back; `subject` is that
    of the mail by which PayPal tells the payee.
    """

    kind = RailKind.PAYPAL
    currencies: frozenset[str] | None = PAYPAL_CURRENCIES
    remembers: timedelta | None = REMEMBERS
    ready = True

    def __init__(
        self,
        base: str,
        credentials: Callable[[], Credentials],
        elapsed: Callable[[], float],
        *,
        subject: str,
        most_per_batch: int = MOST_PER_BATCH,
        connect: float = SECONDS_TO_CONNECT,
        step: float = SECONDS_FOR_A_STEP,
        whole: float = SECONDS_FOR_AN_ANSWER,
    ) -> None:
        parts = urllib.parse.urlsplit(base)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")
        if not (local or parts.scheme == "https") or not parts.hostname or parts.path not in ("", "/"):
            raise Invalid(f"PayPal's address must be a host such as {LIVE}.", code="invalid_provider_url")
        self.most_per_batch = most_per_batch
        self._host, self._port, self._tls = parts.hostname, parts.port, not local
        self._credentials = credentials
        self._elapsed = elapsed
        self._subject = " ".join(subject.split())[:LONGEST_SUBJECT]
        self._connect, self._step, self._whole = connect, step, whole
        self._token: tuple[str, float] = ("", 0.0)

    def check(self, transfer: Transfer) -> Refusal | None:
        """Why PayPal would refuse this transfer, and with it the batch that it is in."""
        receiver = transfer.destination.email
        if "@" not in receiver or not receiver.isascii() or len(receiver) > LONGEST_RECEIVER:
            return Refusal("invalid_receiver", "The address of the PayPal account is none that PayPal would take.")
        if transfer.currency in PAYPAL_WHOLE and minor_units(_value(transfer), transfer.currency) != transfer.amount:
            return Refusal("not_whole", f"PayPal pays {transfer.currency} without decimals only.")
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        """Hands the batch over; or, where PayPal has it, finds it and what became of it."""
        found = in_order(self, batch, transfers)
        if batch.provider_id:  # PayPal said that it has it: there is nothing to hand over
            return self._adopted(batch, batch.provider_id, found)
        check_key(batch, self.remembers, at)
        answer = self._authorized("POST", _PAYOUTS, _request(batch, found, self._subject))
        if answer.status in (200, 201, 202):
            return Handed(provider_id=_made(batch, answer.body), outcomes=sent(found))
        if answer.status == 400 and _is_duplicate(answer.body):
            return self._adopted(batch, _first_batch(batch, answer.body), found)
        raise _refusal(batch, answer, found, tried_before(batch, at))

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        """What became of a batch whose `provider_id` is known; None without it, or when PayPal has no such batch."""
        found = self._read(batch, batch.provider_id)
        return None if found is None else _told(batch.provider_id, *found)

    # ------------------------------------------------------------------------------------------------------------------

    def _read(self, batch: Batch, provider_id: str) -> tuple[str, dict[str, Item]] | None:
        """PayPal's status of the batch, and its items by payout."""
        if not _BATCH_ID.fullmatch(provider_id):
            return None
        items: dict[str, Item] = {}
        status = ""
        for page in range(1, MOST_PAGES + 1):
            query = urllib.parse.urlencode({"page": page, "page_size": PAGE, "total_required": "true"})
            try:
                answer = self._authorized("GET", f"{_PAYOUTS}/{provider_id}?{query}")
            except NotReached:
                raise _unsure(batch) from None
            if answer.status == 404:
                return None
            header = _of(answer.body, "batch_header")
            if answer.status != 200 or header.get("payout_batch_id") != provider_id:
                raise _unsure(batch)
            if _of(header, "sender_batch_header").get("sender_batch_id") != batch.batch:
                raise Unsure(
                    f"PayPal's batch {provider_id} is not {batch.batch}: compare them by hand.", code="other_batch"
                )
            status = str(header.get("batch_status", ""))
            listed = answer.body.get("items")
            rows = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
            items.update({str(_of(each, "payout_item").get("sender_item_id", "")): each for each in rows})
            pages = answer.body.get("total_pages")
            if not rows or not isinstance(pages, int) or page >= pages:
                break
        return status, items

    def _adopted(self, batch: Batch, provider_id: str, transfers: Sequence[Transfer]) -> Handed:
        """What became of a batch that PayPal has, as far as it says so now."""
        try:
            found = self._read(batch, provider_id)
        except Unsure as error:
            if error.code != Unsure.code:
                raise
            found = None
        if found is None:
            return Handed(provider_id=provider_id, outcomes=sent(transfers))
        status, items = found
        ours = {each.payout: (_value(each), each.currency) for each in transfers}
        theirs = {payout: _of(_of(item, "payout_item"), "amount") for payout, item in items.items()}
        if any(ours.get(name) != (said.get("value"), said.get("currency")) for name, said in theirs.items()):
            raise Unsure(
                f"PayPal's batch {provider_id} has other payouts than {batch.batch}: compare them by hand.",
                code="other_content",
            )
        return _told(provider_id, status, items)

    def _authorized(self, method: str, path: str, body: bytes = b"") -> _Answer:
        """The answer to a request with our token. A token that is not taken any more is renewed once: then nothing was
        done with the request."""
        answer = self._ask(method, path, body, {"Authorization": f"Bearer {self._bearer()}"})
        if answer.status == 401:
            self._token = ("", 0.0)
            answer = self._ask(method, path, body, {"Authorization": f"Bearer {self._bearer()}"})
        return answer

    def _bearer(self) -> str:
        """An access token, by client credentials (RFC 6749, section 4.4), kept until shortly before its end."""
        token, until = self._token
        if token and self._elapsed() < until:
            return token
        asked = self._elapsed()
        own = self._credentials()
        basic = b64encode(f"{own.client_id}:{own.secret}".encode()).decode()
        try:
            answer = self._ask(
                "POST",
                _TOKEN,
                b"grant_type=client_credentials",
                {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
            )
        except Unsure:
            # To have asked for a token is not to have sent anything.
            raise NotReached("PayPal gave no token: try again.") from None
        given, seconds = answer.body.get("access_token"), answer.body.get("expires_in")
        if answer.status in (400, 401, 403):
            raise NotReached("PayPal does not know our credentials: put the secret right.", code="paypal_credentials")
        if answer.status != 200 or not isinstance(given, str) or not given or not given.isascii():
            raise NotReached("PayPal gave no token: try again.")
        lasts = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 0
        self._token = (given, asked + lasts - _EARLY)
        return given

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        """One request. Raises `NotReached` while no byte of it can have left, and `Unsure` after that."""
        kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._connect)
        sent_headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "introducer"}
        if body:
            sent_headers["Content-Type"] = "application/json"
        until = self._elapsed() + self._whole
        broke = ""
        with closing(connection):
            try:
                connection.connect()
                connection.sock.settimeout(self._step)
            except (OSError, http.client.HTTPException) as error:
                broke = type(error).__name__
            if broke:
                raise NotReached(f"PayPal could not be reached ({broke}): try again.")
            try:
                connection.request(method, path, body or None, {**sent_headers, **headers})
                answer = connection.getresponse()
                data = bytearray()
                while chunk := answer.read1(65_536):
                    data += chunk
                    if len(data) > LARGEST_ANSWER or self._elapsed() > until:
                        raise ValueError
                if (promised := answer.headers.get("Content-Length", "")).isdecimal() and int(promised) != len(data):
                    raise ValueError
                return _Answer(answer.status, _object(bytes(data)))
            except (OSError, http.client.HTTPException, ValueError) as error:
                # Its type says which; its text may be anything.
                broke = type(error).__name__
        raise Unsure(f"PayPal's answer was lost ({broke}): look the batch up.")


def _request(batch: Batch, transfers: Sequence[Transfer], subject: str) -> bytes:
    """The request's body: the same for the same batch."""
    items = [
        {
            "recipient_type": "EMAIL",
            "amount": {"value": _value(each), "currency": each.currency},
            "receiver": each.destination.email,
            "note": " ".join(each.reference.split())[:LONGEST_NOTE],
            "sender_item_id": each.payout,
        }
        for each in transfers
    ]
    header = {"sender_batch_id": batch.batch, "email_subject": subject}
    return json.dumps({"sender_batch_header": header, "items": items}, separators=(",", ":")).encode()


def _value(transfer: Transfer) -> str:
    """The amount as PayPal takes it: without decimals in the currencies where it has none."""
    value = decimal_string(transfer.amount, transfer.currency)
    return value.partition(".")[0] if transfer.currency in PAYPAL_WHOLE else value


def _made(batch: Batch, body: Mapping[str, Any]) -> str:
    """PayPal's id of a batch that it has just taken."""
    header = _of(body, "batch_header")
    provider_id = str(header.get("payout_batch_id", ""))
    ours = _of(header, "sender_batch_header").get("sender_batch_id", batch.batch)
    if not _BATCH_ID.fullmatch(provider_id) or ours != batch.batch:
        raise _unsure(batch)
    return provider_id


def _details(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = body.get("details")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _is_duplicate(body: Mapping[str, Any]) -> bool:
    return body.get("name") in ("USER_BUSINESS_ERROR", "DUPLICATE_REQUEST_ID") and any(
        str(each.get("field", "")).upper().endswith("SENDER_BATCH_ID") and _DUPLICATE.search(str(each.get("issue", "")))
        for each in _details(body)
    )


def _first_batch(batch: Batch, body: Mapping[str, Any]) -> str:
    """PayPal's id of the batch that a duplicate is of. Only the id is taken from the link, which may lead anywhere."""
    for each in (body, *_details(body)):
        links = each.get("link") or each.get("links")
        for link in links if isinstance(links, list) else []:
            path = urllib.parse.urlsplit(str(link.get("href", ""))).path if isinstance(link, dict) else ""
            folder, _, provider_id = path.rpartition("/")
            if folder == _PAYOUTS and _BATCH_ID.fullmatch(provider_id):
                return provider_id
    raise Unsure(
        f"PayPal has the batch {batch.batch} and does not say under which id: look at PayPal's own list.",
        code="duplicate_without_link",
    )


def _refusal(batch: Batch, answer: _Answer, transfers: Sequence[Transfer], before: bool) -> Exception:
    """What an answer means that does not take the batch."""
    name = str(answer.body.get("name", ""))
    code = name.lower() if _REASON.fullmatch(name) else f"http_{answer.status}"
    if answer.status == 401:
        return NotReached("PayPal does not take our token: put the secret right.", code="paypal_credentials")
    if answer.status == 403:
        return NotReached(f"PayPal does not let us pay out ({code}): look at the account.", code="paypal_not_allowed")
    if answer.status == 429:
        return NotReached("PayPal takes no more requests just now: try again later.", code="too_many")
    if answer.status in (404, 405, 406, 415):
        return NotReached("PayPal's payouts are not at this address: look at the settings.", code="not_paypal")
    if answer.status not in (400, 413, 422) or not name:
        return _unsure(batch)
    if name != "VALIDATION_ERROR" and before:
        # What is refused for the state of an account may be refused because the first attempt came through.
        return _unsure(batch)
    faults = {}
    for each in _details(answer.body):
        found = _ITEM.search(str(each.get("field", "")))
        if found and int(found.group(1)) < len(transfers):
            faults[transfers[int(found.group(1))].payout] = code
    return Refused(
        f"PayPal refuses the batch {batch.batch} ({code}): nothing of it was paid.", code=code, faults=faults
    )


def _told(provider_id: str, batch_status: str, items: Mapping[str, Item]) -> Handed:
    """What PayPal says of a batch and its items."""
    outcomes = [_outcome(payout, item) for payout, item in sorted(items.items()) if payout]
    rest = None
    if batch_status in _OPEN_BATCH:
        rest = Outcome(payout="", state=PayoutStatus.SENT)  # items are listed once they are worked on
    elif batch_status in _DEAD_BATCH:
        reason, note = _DEAD_BATCH[batch_status]
        rest = Outcome(payout="", state=PayoutStatus.FAILED, reason=reason, note=note)
        outcomes = [each for each in outcomes if each.state is not PayoutStatus.SENT]
    return Handed(provider_id=provider_id, outcomes=tuple(outcomes), rest=rest)


def _outcome(payout: str, item: Item) -> Outcome:
    status = str(item.get("transaction_status", "PENDING"))
    state, reason, note = _STATES.get(
        status, (PayoutStatus.SENT, "unknown_status", "PayPal says something of this payment that is not known here.")
    )
    errors = item.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else errors
    name = str(first.get("name", "")) if isinstance(first, dict) else ""
    if reason and state is PayoutStatus.FAILED and _REASON.fullmatch(name):
        reason = name.lower()
    return Outcome(
        payout=payout,
        state=state,
        reason=reason,
        note=note,
        reference=str(item.get("transaction_id") or item.get("payout_item_id") or "")[:30],
        at=_moment(item.get("time_processed")),
    )


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def _unsure(batch: Batch) -> Unsure:
    return Unsure(f"PayPal does not say what became of the batch {batch.batch}: look it up.")
