"""PayPal's Payouts on this machine: for the demo world and for tests, which tell it how to misbehave.

It answers as the gateway's sources say (`introducer.gateways.rails.paypal`): tokens by client credentials, batches of
payouts that are known by `sender_batch_id` for 30 days, items that go from PENDING to how they end, one step each time
they are asked for. Beyond that it counts how often each item was really taken and paid, which is what a test is about.
Nobody's money moves.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
import urllib.parse
from base64 import b64decode
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY_LASTS = timedelta(days=30)
TOKEN_LASTS = 32_400
"""Seconds, as PayPal's sandbox says."""
MOST_ITEMS = 15_000
ERRORS = "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors"

_ENDS: Mapping[str, tuple[str, ...]] = {
    "unclaimed": ("PENDING", "UNCLAIMED"),
    "returned": ("PENDING", "UNCLAIMED", "RETURNED"),
    "onhold": ("PENDING", "ONHOLD"),
    "failed": ("PENDING", "FAILED"),
    "blocked": ("PENDING", "BLOCKED"),
    "refunded": ("PENDING", "SUCCESS", "REFUNDED"),
    "slow": ("PENDING", "PENDING", "PENDING", "SUCCESS"),
}
"""How an item ends whose receiver's address has this word after a plus: `anna+unclaimed@example.com`."""
_NAMES: Mapping[str, str] = {
    "UNCLAIMED": "RECEIVER_UNREGISTERED",
    "RETURNED": "RECEIVER_UNREGISTERED",
    "FAILED": "RECEIVER_ACCOUNT_INVALID",
    "BLOCKED": "TRANSACTION_DECLINED_BY_TRAVEL_RULE",
    "ONHOLD": "RISK_DECLINE",
}
_DONE = frozenset({"SUCCESS", "FAILED", "UNCLAIMED", "RETURNED", "ONHOLD", "BLOCKED", "REFUNDED", "REVERSED"})


class Fault(StrEnum):
    """What goes wrong with the next batch that is posted."""

    NONE = "none"
    ERROR_BEFORE = "error_before"
    """500, and nothing was taken."""
    ERROR_AFTER = "error_after"
    """500, and the batch was taken all the same."""
    DROP_BEFORE = "drop_before"
    """The connection breaks, and nothing was taken."""
    DROP_AFTER = "drop_after"
    """The connection breaks after the batch was taken."""
    STALL_BEFORE = "stall_before"
    """No answer within the asker's patience, and nothing was taken."""
    STALL_AFTER = "stall_after"
    DENY = "deny"
    """The batch is taken, and denied when it is asked for."""
    THROTTLE = "throttle"
    FORBID = "forbid"
    REFUSE = "refuse"
    """400 for want of funds."""
    GARBLE = "garble"
    """The batch is taken, and the answer is no JSON."""


@dataclass
class Taken:
    """A batch that was taken."""

    provider_id: str
    sender_batch_id: str
    subject: str
    at: datetime
    items: list[dict[str, Any]]
    """As they were sent."""
    asked: int = 0
    """How often it was asked for."""
    denied: bool = False
    steps: dict[int, tuple[str, ...]] = field(default_factory=dict)
    told: dict[int, str] = field(default_factory=dict)
    """The status of each item that was last told."""


class Paypal:
    """The server. `now` is the clock that keys expire by; `token` and `become` may be changed at any time."""

    def __init__(
        self,
        client_id: str = "local-client",
        secret: str = "local-secret",
        *,
        now: Callable[[], datetime] | None = None,
        port: int = 0,
    ) -> None:
        self.client_id, self.secret = client_id, secret
        self.now = now or (lambda: datetime.now(UTC))
        self.faults: deque[Fault] = deque()
        """One for each batch that is posted, first to last; none when it is empty."""
        self.reading_faults: deque[Fault] = deque()
        """The same for each batch that is asked for: ERROR_BEFORE, DROP_BEFORE, STALL_BEFORE, THROTTLE."""
        self.become: Callable[[Mapping[str, Any]], Sequence[str]] = by_receiver
        """Which statuses an item goes through, from how it was sent."""
        self.stalls = 5.0
        """Seconds that a stalled answer takes at most; `close` ends it."""
        self.taken: Counter[str] = Counter()
        """How often each `sender_item_id` was taken on: more than once is paid twice."""
        self.paid: Counter[str] = Counter()
        """How often each was told to be paid."""
        self.batches: list[Taken] = []
        self.requests: list[str] = []
        """Method and path of each, without what a query says."""
        self.bodies: list[Any] = []
        """What was posted as batches, well-formed or not."""
        self.tokens: set[str] = set()
        self._known: dict[str, Taken] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        outer = self

        class Handler(_Handler):
            server_of = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Nobody answers any more."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def forget_keys(self) -> None:
        """As if 30 days had gone by: what was taken stays, its keys are free."""
        with self._lock:
            self._known.clear()

    def forget_tokens(self) -> None:
        """Tokens that were given are not taken any more."""
        with self._lock:
            self.tokens.clear()

    def sums(self) -> dict[str, Decimal]:
        """What was told to be paid and did not come back, by currency."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        with self._lock:
            for batch in self.batches:
                for number, item in enumerate(batch.items):
                    if batch.told.get(number) == "SUCCESS":
                        found[item["amount"]["currency"]] += Decimal(item["amount"]["value"])
        return dict(found)

    # ----------------------------------------------------------------------------------------------------- what it does

    def token(self, authorization: str) -> tuple[int, Mapping[str, Any]]:
        """An answer to a request for a token."""
        scheme, _, basic = authorization.partition(" ")
        try:
            given = b64decode(basic, validate=True).decode() if scheme == "Basic" else ""
        except ValueError:
            given = ""
        if given != f"{self.client_id}:{self.secret}":
            return 401, {"error": "invalid_client", "error_description": "Client Authentication failed"}
        with self._lock:
            token = f"A21AA{secrets.token_hex(16)}"
            self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LASTS, "app_id": "APP-LOCAL"}

    def create(self, body: Any) -> tuple[int, Mapping[str, Any]]:
        """An answer to a batch. Only syntax is checked before it is taken, as the reference says."""
        details = _wrong(body)
        if details:
            return 400, _error("VALIDATION_ERROR", "Invalid request - see details", details)
        header = body["sender_batch_header"]
        sender_batch_id = header.get("sender_batch_id", "")
        with self._lock:
            first = self._known.get(sender_batch_id)
            if first is not None and self.now() - first.at < KEY_LASTS:
                link = {"href": f"{self.url}/v1/payments/payouts/{first.provider_id}", "rel": "self", "method": "GET"}
                issue = "Batch with given sender_batch_id already exists"
                detail = {"field": "SENDER_BATCH_ID", "location": "body", "issue": issue, "link": [link]}
                return 400, _error("USER_BUSINESS_ERROR", "User business error.", [detail])
            batch = Taken(
                provider_id=secrets.token_hex(7).upper()[:13],
                sender_batch_id=sender_batch_id,
                subject=header.get("email_subject", ""),
                at=self.now(),
                items=body["items"],
            )
            for number, item in enumerate(batch.items):
                batch.steps[number] = tuple(self.become(item)) or ("PENDING",)
                self.taken[item.get("sender_item_id", "")] += 1
            self.batches.append(batch)
            if sender_batch_id:
                self._known[sender_batch_id] = batch
        return 201, {"batch_header": self._header(batch, "PENDING"), "links": [self._link(batch)]}

    def show(self, provider_id: str, query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """An answer to what became of a batch. Each time its first page is asked for, its items go a step further."""
        with self._lock:
            batch = next((each for each in self.batches if each.provider_id == provider_id), None)
            if batch is None:
                return 404, _error("INVALID_RESOURCE_ID", "Requested resource ID was not found.")
            page, size = int(query.get("page", "1")), min(int(query.get("page_size") or 1000), 1000)
            if page <= 1:
                self._go_on(batch)
            rows = [self._item(batch, number) for number in range(len(batch.items))]
            done = all(each in _DONE for each in batch.told.values())
            status = "DENIED" if batch.denied else "SUCCESS" if done else "PROCESSING"
            body: dict[str, Any] = {
                "batch_header": self._header(batch, status),
                "items": rows[(page - 1) * size : page * size],
                "links": [self._link(batch)],
            }
            if query.get("total_required") == "true":
                body |= {"total_items": len(rows), "total_pages": -(-len(rows) // size)}
            return 200, body

    def _go_on(self, batch: Taken) -> None:
        for number, steps in batch.steps.items():
            status = "FAILED" if batch.denied else steps[min(batch.asked, len(steps) - 1)]
            if status == "SUCCESS" and batch.told.get(number) != "SUCCESS":
                self.paid[batch.items[number].get("sender_item_id", "")] += 1
            batch.told[number] = status
        batch.asked += 1

    def _header(self, batch: Taken, status: str) -> dict[str, Any]:
        return {
            "payout_batch_id": batch.provider_id,
            "batch_status": status,
            "time_created": _written(batch.at),
            "sender_batch_header": {"sender_batch_id": batch.sender_batch_id, "email_subject": batch.subject},
        }

    def _link(self, batch: Taken) -> dict[str, str]:
        href = f"{self.url}/v1/payments/payouts/{batch.provider_id}"
        return {"href": href, "rel": "self", "method": "GET", "encType": "application/json"}

    def _item(self, batch: Taken, number: int) -> dict[str, Any]:
        status = batch.told.get(number, "PENDING")
        found: dict[str, Any] = {
            "payout_item_id": f"{batch.provider_id[:8]}{number:05d}",
            "transaction_status": status,
            "payout_item_fee": {"currency": batch.items[number]["amount"]["currency"], "value": "0.0"},
            "payout_batch_id": batch.provider_id,
            "payout_item": batch.items[number],
            "time_processed": _written(self.now()),
        }
        if status not in ("PENDING", "FAILED"):
            found["transaction_id"] = f"T{batch.provider_id[:8]}{number:05d}"
        if status in _NAMES:
            found["errors"] = _error(_NAMES[status], "See the reference.")
        return found

    def next_fault(self, of: deque[Fault]) -> Fault:
        with self._lock:
            return of.popleft() if of else Fault.NONE

    def stall(self) -> None:
        self._over.wait(self.stalls)


def by_receiver(item: Mapping[str, Any]) -> Sequence[str]:
    """PENDING, then paid; or as the word after the plus in the receiver's address says."""
    _, _, word = str(item.get("receiver", "")).partition("@")[0].rpartition("+")
    return _ENDS.get(word, ("PENDING", "SUCCESS"))


class _Handler(BaseHTTPRequestHandler):
    server_of: Paypal
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        paypal = self.server_of
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        paypal.requests.append(f"POST {self.path}")
        if self.path == "/v1/oauth2/token":
            self._answer(*paypal.token(self.headers.get("Authorization", "")))
        elif not self._allowed():
            self._answer(401, {"error": "invalid_token", "error_description": "Token signature verification failed"})
        elif self.path == "/v1/payments/payouts":
            self._create(body)
        else:
            self._answer(404, _error("INVALID_RESOURCE_ID", "Requested resource ID was not found."))

    def do_GET(self) -> None:
        paypal = self.server_of
        path, _, query = self.path.partition("?")
        paypal.requests.append(f"GET {path}")
        folder, _, provider_id = path.rpartition("/")
        if not self._allowed():
            self._answer(401, {"error": "invalid_token", "error_description": "Token signature verification failed"})
        elif folder == "/v1/payments/payouts" and not self._misbehaves(paypal.next_fault(paypal.reading_faults)):
            self._answer(*paypal.show(provider_id, dict(urllib.parse.parse_qsl(query))))
        elif folder != "/v1/payments/payouts":
            self._answer(404, _error("INVALID_RESOURCE_ID", "Requested resource ID was not found."))

    def _create(self, raw: bytes) -> None:
        paypal = self.server_of
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        paypal.bodies.append(body)
        fault = paypal.next_fault(paypal.faults)
        if self._misbehaves(fault):
            return
        status, answer = paypal.create(body)
        if status == 201 and fault is Fault.DENY:
            paypal.batches[-1].denied = True
        if fault is Fault.ERROR_AFTER:
            self._answer(500, _error("INTERNAL_SERVER_ERROR", "An internal server error occurred."))
        elif fault is Fault.DROP_AFTER:
            self._drop()
        elif fault is Fault.STALL_AFTER:
            paypal.stall()
            self._drop()
        elif fault is Fault.GARBLE:
            self._answer(status, None)
        else:
            self._answer(status, answer)

    def _misbehaves(self, fault: Fault) -> bool:
        """Whether that was the answer, before anything was done."""
        if fault is Fault.ERROR_BEFORE:
            self._answer(500, _error("INTERNAL_SERVER_ERROR", "An internal server error occurred."))
        elif fault is Fault.DROP_BEFORE:
            self._drop()
        elif fault is Fault.STALL_BEFORE:
            self.server_of.stall()
            self._drop()
        elif fault is Fault.THROTTLE:
            self._answer(429, _error("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."))
        elif fault is Fault.FORBID:
            self._answer(403, _error("REQUIRED_SCOPE_MISSING", "Access token does not have required scope."))
        elif fault is Fault.REFUSE:
            self._answer(400, _error("INSUFFICIENT_FUNDS", "Sender does not have sufficient funds."))
        else:
            return False
        return True

    def _allowed(self) -> bool:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and token in self.server_of.tokens

    def _answer(self, status: int, body: Mapping[str, Any] | None) -> None:
        data = b"<html>" if body is None else json.dumps(body).encode()
        with contextlib.suppress(OSError):  # whoever asked may have gone
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        pass


def _wrong(body: Any) -> list[dict[str, str]]:
    """What keeps this from being a batch, as the schema of `create_payout_request` has it."""
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(body.get("sender_batch_header"), dict):
        return [_detail("sender_batch_header", "Required field is missing")]
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        return [_detail("items", "Required field is missing, or there are too many")]
    if len({each.get("amount", {}).get("currency") for each in items}) > 1:
        return [_detail("items", "All items of a batch are of one currency")]
    found = []
    for number, item in enumerate(items):
        receiver, amount = str(item.get("receiver", "")), item.get("amount", {})
        if item.get("recipient_type") == "EMAIL" and not ("@" in receiver and len(receiver) <= 127):
            found.append(_detail(f"items[{number}].receiver", "Receiver is invalid or does not match with type"))
        if not _is_amount(amount.get("value")) or len(str(amount.get("currency", ""))) != 3:
            found.append(_detail(f"items[{number}].amount", "Amount is invalid"))
        if len(str(item.get("sender_item_id", ""))) > 63:
            found.append(_detail(f"items[{number}].sender_item_id", "Value is too long"))
    return found


def _is_amount(value: Any) -> bool:
    try:
        return isinstance(value, str) and Decimal(value) > 0
    except InvalidOperation:
        return False


def _detail(where: str, issue: str) -> dict[str, str]:
    return {"field": where, "location": "body", "issue": issue}


def _error(name: str, message: str, details: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return {
        "name": name,
        "message": message,
        "debug_id": secrets.token_hex(7)[:13],
        "information_link": ERRORS,
        "details": list(details),
        "links": [],
    }


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
