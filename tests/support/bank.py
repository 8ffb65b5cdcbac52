"""A central bank for tests: answers on 127.0.0.1 with what a test wants, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


def xml(days: Mapping[str, Mapping[str, str]], before: str = "", after: str = "") -> bytes:
    """A file as the ECB writes it; `before` stands before the envelope, `after` at its end."""
    cubes = "".join(
        f"<Cube time='{day}'>"
        + "".join(f"<Cube currency='{name}' rate='{units}'/>" for name, units in rates.items())
        + "</Cube>"
        for day, rates in days.items()
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>{before}"
        "<gesmes:Envelope xmlns:gesmes='http://www.gesmes.org/xml/2002-08-01' "
        "xmlns='http://www.ecb.int/vocabulary/2002-08-01/eurofxref'>"
        "<gesmes:subject>Reference rates</gesmes:subject>"
        f"<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube>{cubes}</Cube>{after}"
        "</gesmes:Envelope>"
    ).encode()


def sending(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with these bytes; in the names of headers `_` stands for `-`."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class Server:
    """The bank's web server. `answer` may be changed at any time."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                with contextlib.suppress(OSError):  # whoever asked may have gone
                    outer.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/stats/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def publish(self, days: Mapping[str, Mapping[str, str]]) -> None:
        """The daily file has the newest of these days, every other file has all."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            newest = max(days)
            found = {newest: days[newest]} if handler.path.endswith("-daily.xml") else days
            sending(xml(found))(handler)

        self.answer = answer

    def close(self) -> None:
        """Nobody answers any more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def a_bank(answer: Answer | None = None) -> Iterator[Server]:
    """A server for as long as this lasts."""
    server = Server(answer or sending(b"", 503))
    try:
        yield server
    finally:
        server.close()
