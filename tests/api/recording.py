"""Records what the portal answers: which kinds, of which shape, with which codes, and which query parameters are read.

As a plugin of pytest (`-p tests.api.recording`) it watches every test that speaks to the portal, and writes what it saw
into the folder that `RECORDED` names, a file for each process.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.api.inference import merged, schema_of
from tests.browser.world import Portal

FOLDER = "RECORDED"
JSON, PROBLEM = "application/json", "application/problem+json"
DESCRIPTION = "GET /openapi.json"
ANYTHING: dict[str, Any] = {"type": ["object"], "additionalProperties": True}
Seen = dict[str, Any]


def new() -> Seen:
    """Nothing was seen of a route yet."""
    return {"query": [], "kinds": {}, "answer": None, "codes": {}}


class Recorder:
    """What was seen, by route: `GET /links`."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self._routes: list[tuple[str, re.Pattern[str], str]] = []
        self._asked: set[str] = set()
        self._watched: set[int] = set()

    def saw(self, portal: Portal, event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """One question and its answer."""
        route = self.route(portal, event["requestContext"]["http"]["method"], event["rawPath"])
        if route is None or answer["statusCode"] == 500:
            # An error of ours is no answer that anybody should expect.
            return
        entry = self.seen.setdefault(route, new())
        headers = {name.lower(): str(value) for name, value in answer["headers"].items()}
        kind, status = headers.get("content-type", "").partition(";")[0], str(answer["statusCode"])
        kinds = set(entry["kinds"].setdefault(status, []))
        entry["kinds"][status] = sorted(kinds | ({kind} if answer["body"] else set()))
        if kind == PROBLEM:
            codes = set(entry["codes"].setdefault(status, []))
            entry["codes"][status] = sorted(codes | {json.loads(answer["body"])["code"]})
        elif kind == JSON and status in ("200", "201") and answer["body"]:
            # The description of itself says nothing.
            found = ANYTHING if route == DESCRIPTION else schema_of(json.loads(answer["body"]))
            entry["answer"] = found if entry["answer"] is None else merged(entry["answer"], found)
        if JSON in kind or kind == "text/csv":
            entry["query"] = sorted({*entry["query"], *self._asked})

    def begins(self, portal: Portal) -> None:
        """A question is about to be asked."""
        self._asked.clear()
        visit = portal.module.server.Visit
        if id(visit) in self._watched:
            return
        self._watched.add(id(visit))
        for name in ("query", "queries"):
            reads = getattr(visit, name, None)
            if reads is not None:
                setattr(visit, name, self._watching(reads))

    def _watching(self, reads: Any) -> Any:
        def read(visit: Any, name: str, *more: Any, **others: Any) -> Any:
            self._asked.add(name)
            return reads(visit, name, *more, **others)

        return read

    def route(self, portal: Portal, method: str, path: str) -> str | None:
        """The route of a path, as the adapter finds it."""
        if not self._routes:
            in_order = sorted(portal.module.server.registered, key=lambda page: page.path.count("{"))
            self._routes = [
                (page.method, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(page.path))), page.path)
                for page in in_order
                if not page.path.startswith("/-/")
            ]
        for of, pattern, found in self._routes:
            if of == method and pattern.fullmatch(path):
                return f"{method} {found}"
        return None


def joined(one: Seen, other: Seen) -> Seen:
    """All that was seen of a route."""
    answers = [each["answer"] for each in (one, other) if each["answer"] is not None]
    return {
        "query": sorted({*one["query"], *other["query"]}),
        "kinds": _lists(one["kinds"], other["kinds"]),
        "answer": None if not answers else answers[0] if len(answers) == 1 else merged(*answers),
        "codes": _lists(one["codes"], other["codes"]),
    }


def _lists(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {key: sorted({*one.get(key, []), *other.get(key, [])}) for key in sorted({*one, *other})}


def watched(recorder: Recorder) -> pytest.MonkeyPatch:
    """Every portal's answers are recorded, until this is undone."""
    patch = pytest.MonkeyPatch()
    handle = Portal.handle

    def handled(portal: Portal, event: Mapping[str, Any]) -> dict[str, Any]:
        recorder.begins(portal)
        answer = handle(portal, event)
        recorder.saw(portal, event, answer)
        return answer

    patch.setattr(Portal, "handle", handled)
    return patch


def sent(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The query of a question."""
    return parse_qsl(event.get("rawQueryString", ""))


def pytest_configure(config: pytest.Config) -> None:
    """As a plugin."""
    if FOLDER in os.environ:
        config.stash[_KEY] = recorder = Recorder()
        watched(recorder)


def pytest_unconfigure(config: pytest.Config) -> None:
    recorder = config.stash.get(_KEY, None)
    if recorder is not None and recorder.seen:
        path = Path(os.environ[FOLDER]) / f"{os.getpid()}.json"
        path.write_text(json.dumps(recorder.seen, sort_keys=True))


_KEY = pytest.StashKey[Recorder]()
