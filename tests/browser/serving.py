"""The portal's handler behind a plain HTTP server on this machine, so that a browser can look at it."""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.world import Portal, an_http_event

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
MARKS = [
    pytest.mark.cloud,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"Debian's Chromium is not installed ({CHROMIUM})"),
]
"""Of every file of tests in a browser."""


def _event(command: str, path: str, sent: bytes, headers: dict[str, str], cookies: list[str]) -> dict[str, Any]:
    """The request as the gateway hands it over: what is no text comes in base 64."""
    try:
        return an_http_event(command, path, sent.decode() if sent else None, headers, cookies)
    except UnicodeDecodeError:
        event = an_http_event(command, path, b64encode(sent).decode(), headers, cookies)
        return event | {"isBase64Encoded": True}


@contextmanager
def served(portal: Portal) -> Iterator[str]:
    """The address under which the portal answers meanwhile."""
    one_at_a_time = threading.Lock()

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            cookies = [each.strip() for each in headers.pop("cookie", "").split(";") if each.strip()]
            # A Lambda instance serves one request at a time.
            with one_at_a_time:
                answer = portal.handle(_event(self.command, self.path, sent, headers, cookies))
            payload = b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            for cookie in answer["cookies"]:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Quiet: the portal has its own log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
