"""Counts the write units of deployed functions: a relay between them and DynamoDB.

A metered function reaches DynamoDB through here, by botocore's own setting for one service's endpoint. For each write
the relay reads the items before and after, counts by `units`, and asks DynamoDB to say what it consumed; when the two
differ the run fails. What DynamoDB does not report, a write whose condition did not hold, is counted by the rules. The
relay signs what it passes on as the stack's owner, because another address breaks the function's own signature.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.units import Index, Item, index_units, indexes_of, item_size, table_units
from introducer.store import keys
from introducer_ops.localcloud import Stack

_SINGLE = ("PutItem", "UpdateItem", "DeleteItem")
_TRANSACTION = "TransactWriteItems"
_WRITES = (*_SINGLE, _TRANSACTION, "BatchWriteItem", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
_KEPT_HEADERS = ("content-type", "x-amz-crc32", "x-amzn-requestid", "x-amzn-errortype")


@dataclass(frozen=True, slots=True)
class Write:
    """One item written, or refused to be."""

    function: str
    kind: str
    """The item's name in `store.keys`."""
    units: int
    """Of the table and its indexes."""
    size: int
    """Bytes of the item afterwards."""
    refused: bool


@dataclass
class Meter:
    """Use as a context; `writes` grows while functions work."""

    stack: Stack
    writes: list[Write] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """Writes whose count cannot be trusted, in words."""

    def __post_init__(self) -> None:
        self._dynamodb = self.stack.client("dynamodb")
        self._indexes: dict[str, tuple[Index, ...]] = {}
        # One write at a time: between the two readings nobody else may change the item.
        self._one = threading.Lock()
        meter = self

        class Handler(_Handler):
            def answer(self, function: str, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
                return meter._relay(function, operation, body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._local = threading.local()

    def __enter__(self) -> Meter:
        threading.Thread(target=self._server.serve_forever, name="meter", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def attach(self, *functions: str) -> None:
        """Let these functions reach DynamoDB through the meter from their next invocation on."""
        for function in functions:
            name = self.stack.functions[function].name
            configured = self.stack.client("lambda").get_function_configuration(FunctionName=name)
            address = f"http://127.0.0.1:{self._server.server_port}/{function}"
            variables = {**configured["Environment"]["Variables"], "AWS_ENDPOINT_URL_DYNAMODB": address}
            self.stack.client("lambda").update_function_configuration(
                FunctionName=name, Environment={"Variables": variables}
            )

    @contextmanager
    def counting(self) -> Iterator[list[Write]]:
        """The writes made within; the list is whole at its end. Raises when a count cannot be trusted."""
        begin = len(self.writes)
        found: list[Write] = []
        yield found
        with self._one:
            found += self.writes[begin:]
        if self.troubles:
            raise RuntimeError("\n".join(self.troubles[:10]))

    def _relay(self, function: str, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if operation not in _WRITES:
            return self._forward(operation, body)
        request = json.loads(body)
        with self._one:
            written = list(targets(operation, request))
            if not written:
                self.troubles.append(f"{function} writes by {operation}, which is not counted here")
            before = [self._image(table, key) for table, key in written]
            status, answered, answer = self._forward(
                operation, json.dumps({**request, "ReturnConsumedCapacity": "INDEXES"}).encode()
            )
            after = [self._image(table, key) for table, key in written]
            made = [
                self._write(function, table, old, new, operation == _TRANSACTION, status != http.HTTPStatus.OK)
                for (table, _), old, new in zip(written, before, after, strict=True)
            ]
            self.writes += made
            if status == http.HTTPStatus.OK:
                self._compare(function, operation, sum(write.units for write in made), json.loads(answer))
        return status, answered, answer

    def _write(
        self, function: str, table: str, before: Item | None, after: Item | None, transaction: bool, refused: bool
    ) -> Write:
        units = table_units(before, after, transaction=transaction)
        units += sum(index_units(before, after, index) for index in self._indexes_of(table))
        return Write(function, kind_of(after or before), units, item_size(after or {}), refused)

    def _compare(self, function: str, operation: str, counted: int, answer: dict[str, Any]) -> None:
        consumed = answer.get("ConsumedCapacity", [])
        said = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        if said != counted:
            self.troubles.append(f"{function}: {operation} consumed {said} units, by the rules {counted}")

    def _indexes_of(self, table: str) -> tuple[Index, ...]:
        if table not in self._indexes:
            self._indexes[table] = indexes_of(self._dynamodb.describe_table(TableName=table)["Table"])
        return self._indexes[table]

    def _image(self, table: str, key: dict[str, Any]) -> Item | None:
        found = self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
        return cast("Item | None", found.get("Item"))

    def _forward(self, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            address = urlsplit(self.stack.endpoint)
            connection = self._local.connection = http.client.HTTPConnection(address.hostname or "", address.port)
        connection.request("POST", "/", body, signed(self.stack, operation, body))
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() in _KEPT_HEADERS}
        return answer.status, kept, answer.read()


def signed(stack: Stack, operation: str, body: bytes) -> dict[str, str]:
    """The headers of a request to the stack's DynamoDB, signed as its owner."""
    request = AWSRequest(
        "POST",
        f"{stack.endpoint}/",
        {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"},
        body,
    )
    credentials = Credentials(stack.environment["AWS_ACCESS_KEY_ID"], stack.environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "dynamodb", stack.environment["AWS_REGION"]).add_auth(request)
    return dict(request.headers.items())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self, function: str, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        raise NotImplementedError

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        status, headers, content = self.answer(self.path.strip("/"), operation, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the functions have logs of their own."""


def targets(operation: str, request: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """The table and key of each item that a request writes."""
    if operation in _SINGLE:
        yield request["TableName"], _key(request)
    elif operation == _TRANSACTION:
        for part in request["TransactItems"]:
            (written,) = part.values()
            yield written["TableName"], _key(written)


def _key(written: dict[str, Any]) -> dict[str, Any]:
    whole = written.get("Key") or written["Item"]
    return {name: whole[name] for name in (keys.PK, keys.SK)}


def kind_of(item: Item | None) -> str:
    """Which of `store.keys.ITEMS` an item is, by the form of its key."""
    if item is None:
        return "nothing"
    pk, sk = keys.parts(item[keys.PK]["S"]), keys.parts(item[keys.SK]["S"])
    for kind in keys.ITEMS.values():
        if _fits(kind.pk, pk) and _fits(kind.sk, sk):
            return kind.name
    return "unknown"


def _fits(template: str, values: list[str]) -> bool:
    parts = template.split("#")
    return len(parts) == len(values) and all(
        part.startswith("{") or part == value for part, value in zip(parts, values, strict=True)
    )
