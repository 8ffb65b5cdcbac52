"""The difference between Chalice's REST API and our HTTP API, point by point."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice import Chalice
from chalice.app import Response

from tests.browser.world import an_http_event
from tests.support.functions import FUNCTIONS

Handler = Callable[[dict[str, Any]], dict[str, Any]]
PIXEL = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    """A small app behind the adapter."""
    sys.path.insert(0, str(FUNCTIONS / "portal"))
    import adapter

    sys.path.remove(str(FUNCTIONS / "portal"))
    app = Chalice("adapted", configure_logs=False)

    @app.route("/things/{name}", content_types=[])
    def thing(name: str) -> dict[str, Any]:
        request = app.current_request
        assert request is not None
        return {
            "name": name,
            "path": request.path,
            "tags": request.query_params.getlist("tag") if "tag" in request.query_params else [],
            "cookie": request.headers.get("cookie"),
        }

    @app.route("/things/special", content_types=[])
    def special() -> dict[str, str]:
        return {"name": "the special one"}

    @app.route("/things/{name}", methods=["POST"], content_types=[])
    def change(name: str) -> Response:
        headers = {"Set-Cookie": ["a=1; Path=/", "b=2; Path=/"]}
        return Response("", headers, 204 if name == "silent" else 200)

    @app.route("/pixel", content_types=[])
    def pixel() -> Response:
        return Response(PIXEL, {"Content-Type": "image/png"})

    @app.route("/letter", content_types=[])
    def letter() -> Response:
        return Response(b"%PDF-\xff", {"Content-Type": "application/pdf"})

    @app.route(adapter.UNKNOWN_PATH, content_types=[])
    def unknown_path() -> Response:
        return Response("no such path", {}, 404)

    @app.route(adapter.UNKNOWN_METHOD, content_types=[])
    def unknown_method() -> Response:
        return Response("no such method", {}, 405)

    adapted = adapter.adapted(app)
    yield lambda event: adapted(event, None)
    sys.modules.pop("adapter", None)


def send(handler: Handler, method: str, path: str, cookies: list[str] | None = None, **headers: str) -> dict[str, Any]:
    return handler(an_http_event(method, path, None, headers, cookies or []))


def test_a_path_is_matched_and_its_parameters_are_decoded(handler: Handler) -> None:
    answer = send(handler, "GET", "/things/caf%C3%A9%2Fbar")

    assert json.loads(answer["body"])["name"] == "café/bar"
    assert json.loads(answer["body"])["path"] == "/things/{name}"


def test_a_route_that_names_the_path_wins_over_one_with_a_place_for_it(handler: Handler) -> None:
    assert json.loads(send(handler, "GET", "/things/special")["body"]) == {"name": "the special one"}


def test_repeated_query_parameters_are_all_there(handler: Handler) -> None:
    assert '"tags":["a","b c",""]' in send(handler, "GET", "/things/x?tag=a&tag=b%20c&tag=")["body"]


def test_cookies_of_the_event_become_the_header(handler: Handler) -> None:
    assert '"cookie":"one=1; two=2"' in send(handler, "GET", "/things/x", cookies=["one=1", "two=2"])["body"]


def test_cookies_of_the_answer_become_the_list(handler: Handler) -> None:
    answer = send(handler, "POST", "/things/x")

    assert answer["cookies"] == ["a=1; Path=/", "b=2; Path=/"]
    assert "multiValueHeaders" not in answer


def test_head_is_get_without_a_body(handler: Handler) -> None:
    answer = send(handler, "HEAD", "/things/x")

    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_no_content_has_no_body(handler: Handler) -> None:
    answer = send(handler, "POST", "/things/silent")

    assert (answer["statusCode"], answer["body"]) == (204, "")


def test_a_binary_answer_needs_no_accept_header(handler: Handler) -> None:
    answer = send(handler, "GET", "/pixel")

    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == PIXEL


@pytest.mark.parametrize("accept", ["text/html", "application/pdf", "*/*"])
def test_a_file_reaches_whoever_follows_a_link_to_it(handler: Handler, accept: str) -> None:
    answer = send(handler, "GET", "/letter", accept=accept)

    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert base64.b64decode(answer["body"]) == b"%PDF-\xff"
    assert send(handler, "HEAD", "/letter", accept=accept)["body"] == ""


@pytest.mark.parametrize("path", ["/", "/nothing", "/things", "/things/", "/things/x/y", "//things/x"])
def test_what_matches_no_route_is_an_unknown_path(handler: Handler, path: str) -> None:
    assert send(handler, "GET", path)["statusCode"] == 404
    assert send(handler, "POST", path)["statusCode"] == 404


def test_a_path_that_does_not_take_the_method_is_told_apart(handler: Handler) -> None:
    assert send(handler, "DELETE", "/things/x")["statusCode"] == 405


def test_nobody_reaches_the_internal_routes_by_their_path(handler: Handler) -> None:
    assert send(handler, "GET", "/-/unknown-method")["statusCode"] == 404


def test_a_dot_in_a_route_is_a_dot(handler: Handler) -> None:
    """Routes are text, not patterns."""
    assert send(handler, "GET", "/pixelx")["statusCode"] == 404
