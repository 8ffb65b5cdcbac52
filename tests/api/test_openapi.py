"""The API's description: it is valid, all of it is there, it says what is read, and it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator.schemas import get_schema_content_v31

from introducer_ops import error_codes
from tests.api.asking import routes, status
from tests.api.shapes import SHAPES
from tests.browser.world import Visitor
from tests.support.everything import LOGINS, Everything, as_it_was, everything
from tests.support.payday import HARBOUR
from tests.support.shown import text
from tests.support.writes import WRITES

pytestmark = pytest.mark.in_memory

LONGEST_SUMMARY = 110
"""What a list of routes has room for, in characters."""


@pytest.fixture(scope="module")
def world() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        yield found


@pytest.fixture(scope="module")
def document(world: Everything) -> dict[str, Any]:
    answer = Visitor(world, {}).get("/openapi.json")
    assert answer.status == 200, answer.body
    return dict(answer.json)


@pytest.fixture(scope="module")
def shapes() -> dict[str, Any]:
    return dict(json.loads(SHAPES.read_text("utf-8")))


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_it_is_valid(document: dict[str, Any]) -> None:
    # The whole validator takes a minute: `make fuzz` runs it.
    language = get_schema_content_v31()
    assert document["openapi"] == "3.1.0"
    assert not [f"{each.instance_path}: {each.message}" for each in jsonschema_rs.iter_errors(language, document)]
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name
    written = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', written)):
        assert reference[1] in document["components"][reference[0]], reference


def test_every_route_is_described_under_a_name_of_its_own(world: Everything, document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(page.method, page.path) for page in routes(world)}
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names) > 300


def test_every_route_says_what_it_is_for_in_a_line_and_no_two_of_an_area_say_the_same(
    world: Everything, document: dict[str, Any]
) -> None:
    unsaid = [f"{page.method} {page.path}" for page in routes(world) if not (page.view.__doc__ or "").strip()]
    assert not unsaid, "say in their views' docstrings what these are for"
    alike: dict[tuple[str, str], list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            line = operation["summary"]
            assert 0 < len(line) <= LONGEST_SUMMARY, f"{method} {path}: {line}"
            alike.setdefault((operation["tags"][0], line), []).append(f"{method} {path}")
    assert not [paths for paths in alike.values() if len(paths) > 1]


def test_what_was_only_seen_to_be_null_is_told_by_what_others_of_its_name_hold(document: dict[str, Any]) -> None:
    listed = 0
    for path, methods in document["paths"].items():
        answer = (
            methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
        )
        properties = resolved(document, answer.get("schema", {})).get("properties", {})
        if "items" in properties and "next" in properties:
            # Where something goes on is a text, also in lists whose second page no test has seen.
            assert set(resolved(document, properties["next"])["type"]) == {"null", "string"}, path
            listed += 1
    assert listed > 60


def test_caches_keep_it_and_ask_whether_it_is_still_so(world: Everything) -> None:
    stranger = Visitor(world, {})
    first = stranger.get("/openapi.json")
    assert (first.headers["content-type"], first.headers["cache-control"]) == (
        "application/json",
        "public, max-age=300",
    )
    assert not first.cookies
    again = stranger.get("/openapi.json", if_none_match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, "", first.headers["etag"])
    assert stranger.get("/openapi.json", if_none_match='"another"').status == 200


def test_every_write_reads_what_it_says_it_reads(world: Everything) -> None:
    undeclared = []
    with pytest.MonkeyPatch.context() as patch:
        visit = world.module.server.Visit
        read = visit.read

        def watching(self: Any, model: Any) -> Any:
            if not self.body:
                undeclared.append(self.path)
            return read(self, model)

        patch.setattr(visit, "read", watching)
        for page in routes(world):
            if page.method == "POST" and page.path in WRITES:
                status(world, page, WRITES[page.path].login.replace("stranger", ""), WRITES[page.path])
    assert not undeclared, "say body=… where these are registered"


def test_every_write_has_an_example_that_its_model_takes(world: Everything, document: dict[str, Any]) -> None:
    missing = [page.path for page in routes(world) if page.method == "POST" and page.path not in WRITES]
    assert not missing, "say in tests/support/writes.py what these are sent"
    looked = 0
    for path, methods in document["paths"].items():
        example = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in example:
            assert set(example["example"]) <= set(resolved(document, example["schema"])["properties"]), path
            looked += 1
    assert looked > 80


def test_a_page_that_reads_another_body_than_it_says_is_told_so(world: Everything) -> None:
    visit = world.module.server.Visit
    page = next(page for page in routes(world) if (page.method, page.path) == ("POST", "/links"))
    other = next(page for page in routes(world) if (page.method, page.path) == ("POST", "/messages"))
    with pytest.raises(TypeError, match="NewThread"):
        visit.read(_Reading(page.spec.body), other.spec.body[0])


class _Reading:
    path = "/links"

    def __init__(self, body: Any) -> None:
        self.body = body


def test_every_code_is_in_the_list_of_codes() -> None:
    text_of = error_codes.TARGET.read_text("utf-8")
    assert error_codes.render(text_of) == text_of, "`introducer generate` writes it anew"
    listed = set(re.findall(r"^\| `(\w+)` \| \d+ \|", text_of, re.MULTILINE))
    assert listed >= set(error_codes.raised().keys()) - _inner()
    assert listed >= set(error_codes.answered().keys())
    assert len(listed) > 500


def _inner() -> set[str]:
    """What has no status: it never leaves."""
    return {code for code, each in error_codes.raised().items() if each.status == 500}


def test_the_pages_show_what_the_document_says_to_strangers_and_with_the_way_back_to_members(world: Everything) -> None:
    stranger = Visitor(world, {"accept": "text/html"})
    page = stranger.get("/api")
    assert page.status == 200 and "GET /earnings/{journal}" in text(page.body)
    area = stranger.get("/api/links")
    shown = text(area.body)
    assert area.status == 200 and "POST /links/{code}/slugs" in shown
    assert "An API key needs the scope links:write" in re.sub(r"\s+", " ", shown).replace(" .", ".")
    assert 'curl "$PORTAL/links"' in shown and '"name": "Newsletter"' in shown
    assert "nav" not in re.findall(r"<(\w+)", area.body)
    assert "<nav" in world.signed_in(HARBOUR, accept="text/html").get("/api/links").body
    assert stranger.get("/api/nothing").status == 404


def test_all_areas_can_be_read(world: Everything) -> None:
    stranger = Visitor(world, {"accept": "application/json"})
    areas = stranger.get("/api").json["items"]
    rows = {row["area"]: len(stranger.get(f"/api/{row['area']}").json["items"]) for row in areas}
    assert rows == {row["area"]: len(row["routes"]) for row in areas}
    assert sum(rows.values()) == len(routes(world))


def test_nobody_is_kept_by_what_the_world_was_asked(world: Everything) -> None:
    with as_it_was(world):
        before = world.machine(LOGINS["owner"]).get("/messages").json
        world.machine(LOGINS["owner"]).post("/messages", {"subject": "One", "text": "More"}, as_json=True)
    assert world.machine(LOGINS["owner"]).get("/messages").json == before
