"""The portal's handler behind WSGI, for tools that speak to applications of that kind."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from tests.browser.world import HOST, Portal, an_http_event

Start = Callable[[str, list[tuple[str, str]]], Any]


def wsgi(portal: Portal) -> Callable[[Mapping[str, Any], Start], Iterable[bytes]]:
    """An application whose requests come as the gateway hands them over."""

    def application(environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        headers = {"host": HOST} | {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        }
        # What is packed, a browser unpacks: this is about what is in it.
        headers.pop("accept-encoding", None)
        cookies = [each.strip() for each in headers.pop("cookie", "").split(";") if each.strip()]
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/!$&'()*+,;=:@~")
        query = environ.get("QUERY_STRING", "")
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            event = an_http_event(environ["REQUEST_METHOD"], path, sent.decode() if sent else None, headers, cookies)
        except UnicodeDecodeError:
            body = b64encode(sent).decode()
            event = an_http_event(environ["REQUEST_METHOD"], path, body, headers, cookies) | {"isBase64Encoded": True}
        event["rawPath"], event["rawQueryString"] = path, query
        answer = portal.handle(event)
        start(f"{answer['statusCode']} said", [(name, str(value)) for name, value in answer["headers"].items()])
        body = answer["body"]
        return [b64decode(body) if answer.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")]

    return application
