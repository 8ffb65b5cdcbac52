"""What routes answer, as it was looked at: `shapes.json` has, for each route, the schema that all answers fit which its
tests have seen, the codes of its refusals, and an example of what is sent. `tests/api` holds the portal to that.

A place where nothing but null was seen is told by its name: as what all other places of that name hold, or null. Where
they differ, and where there is none, it may be anything. What stands at the head of an answer (`next`) is told by what
stands there elsewhere, if anything does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parent / "shapes.json"
NULL = "null"
_ANSWER = "/"

Schema = dict[str, Any]


@cache
def answers() -> dict[str, Any]:
    """What is known of each route: `GET /links`."""
    return dict(json.loads(RECORD.read_text("utf-8")))


def shown(schema: Mapping[str, Any]) -> Schema:
    """What was recorded, as plain JSON Schema."""
    return _shown(schema, _ANSWER, _by_name())


def _shown(schema: Mapping[str, Any], name: str, names: Mapping[str, Schema]) -> Schema:
    kinds = list(schema["type"])
    if kinds == [NULL]:
        other = names.get(name) or names.get(name.removeprefix(_ANSWER))
        return _shown(other | {"type": [*other["type"], NULL]}, "", {}) if other else {}
    if "$ref" in schema:
        money = {"$ref": schema["$ref"]}
        rest = [kind for kind in kinds if kind != "object"]
        return money if not rest else {"anyOf": [money, {"type": rest[0] if len(rest) == 1 else rest}]}
    found: Schema = {"type": kinds[0] if len(kinds) == 1 else kinds}
    if "format" in schema:
        found["format"] = schema["format"]
    if "items" in schema:
        found["items"] = _shown(schema["items"], _one_of(name), names)
    elif "array" in kinds and (one := _one_of(name).removeprefix(_ANSWER)) in names:
        found["items"] = _shown(names[one], "", {})
    if "properties" in schema:
        found["properties"] = {
            key: _shown(each, _within(name, key), names) for key, each in schema["properties"].items()
        }
        if schema["required"]:
            found["required"] = list(schema["required"])
    if "additionalProperties" in schema:
        of = schema["additionalProperties"]
        found["additionalProperties"] = True if of is True else _shown(of, "", names)
    return found


def _within(name: str, key: str) -> str:
    """What a part goes by."""
    return f"{_ANSWER}{key}" if name == _ANSWER else key


def _one_of(name: str) -> str:
    """What a thing in a list of this name goes by."""
    return f"{name}[]"


@cache
def _by_name() -> dict[str, Schema]:
    """What places hold that go by one name, null aside, where they all hold the same."""
    found: dict[str, Schema] = {}
    differ = set()
    for known in answers().values():
        for name, schema in _named(known["answer"], _ANSWER) if known["answer"] else ():
            for each in {name, name.removeprefix(_ANSWER)}:
                if found.setdefault(each, schema) != schema:
                    differ.add(each)
    return {name: schema for name, schema in found.items() if name and name not in differ}


def _named(schema: Mapping[str, Any], name: str) -> Iterator[tuple[str, Schema]]:
    kinds = [kind for kind in schema["type"] if kind != NULL]
    if kinds and (kinds != ["array"] or "items" in schema):
        yield name, {**schema, "type": kinds}
    for key, each in schema.get("properties", {}).items():
        yield from _named(each, _within(name, key))
    if "items" in schema:
        yield from _named(schema["items"], _one_of(name))
    if isinstance(of := schema.get("additionalProperties"), Mapping):
        yield from _named(of, "")
