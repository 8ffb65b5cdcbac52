"""What comes to scoring and names no partner is left to a person, and holds up nothing that came with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.functions import load


def record(name: str, body: str) -> dict[str, str]:
    return {"messageId": name, "body": body}


def test_what_names_no_partner_comes_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a function that scores whomever it is told of
    app: Any = load("scoring")
    scored: list[tuple[str, set[str]]] = []

    def score(partner: str, clients: set[str]) -> bool:
        scored.append((partner, clients))
        return True

    monkeypatch.setattr(app, "_score", score)
    bodies = {"m1": "{", "m2": json.dumps({"partner": "par_p", "clients": ["c1"]}), "m3": "[]", "m4": '{"clients": []}'}
    # when most of a batch cannot be read
    answer = app.handler({"Records": [record(name, body) for name, body in bodies.items()]}, None)
    # then the rest is scored, and what could not be read is named
    assert scored == [("par_p", {"c1"})]
    assert answer == {"batchItemFailures": [{"itemIdentifier": name} for name in ("m1", "m3", "m4")]}
