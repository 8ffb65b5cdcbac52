"""What JSON answers look like, from those that were seen: a schema of each, joined into one that all of them fit.

A key is required when every answer has it. An object is a map, whose keys say nothing, when a key is no word, or when
its place is among `MAPS`. Schemas are plain JSON Schema, save that `type` is always a list and money is a `$ref`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

MONEY = "#/components/schemas/Money"
MAPS = frozenset({
    "by_kind", "chosen", "codes", "counts", "errors", "evidence", "figures", "forms", "kinds", "parameters", "pool",
    "query", "reasons", "rows", "said", "settings", "sums", "text", "texts", "ticked", "typed", "values", "weights",
    "fields", "held", "amounts", "asked", "counted", "macros", "notes",
})  # fmt: skip
"""What holds things by keys that are somebody's words, where it is an object."""
_PLAIN = {type(None): "null", bool: "boolean", int: "integer", float: "number"}
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def schema_of(value: Any, name: str = "") -> Schema:
    """What this value is, under the name of its place."""
    if type(value) in _PLAIN:
        return {"type": [_PLAIN[type(value)]]}
    match value:
        case str():
            found: Schema = {"type": ["string"]}
            if _MOMENT.fullmatch(value):
                found["format"] = "date-time"
            elif _DAY.fullmatch(value):
                found["format"] = "date"
            return found
        case list():
            found = {"type": ["array"]}
            for each in value:
                found = merged(found, {"type": ["array"], "items": schema_of(each, name)})
            return found
        case dict():
            if _is_money(value):
                return {"type": ["object"], "$ref": MONEY}
            if name in MAPS or not all(map(_WORD.fullmatch, value)):
                of: Schema | None = None
                for key, each in value.items():
                    found = schema_of(each, key)
                    of = found if of is None else merged(of, found)
                return {"type": ["object"], "additionalProperties": True if of is None else of}
            properties = {key: schema_of(each, key) for key, each in value.items()}
            return {"type": ["object"], "properties": properties, "required": sorted(properties)}
    raise TypeError(f"{type(value)} is not JSON")


def _is_money(value: Mapping[str, Any]) -> bool:
    return set(value) == {"amount", "currency"} and all(
        isinstance(each, str) for each in value.values()
    ) and bool(_DECIMAL.fullmatch(value["amount"]) and len(value["currency"]) == 3)  # fmt: skip


def merged(one: Schema, other: Schema) -> Schema:
    """What both fit."""
    found: Schema = {"type": sorted({*one["type"], *other["type"]})}
    if "string" in one["type"] and "string" in other["type"]:
        if one.get("format") == other.get("format") and "format" in one:
            found["format"] = one["format"]
    else:
        texts = one if "string" in one["type"] else other
        if "format" in texts and "string" in texts["type"]:
            found["format"] = texts["format"]
    items = [each["items"] for each in (one, other) if "items" in each]
    if items:
        found["items"] = items[0] if len(items) == 1 else merged(*items)
    objects = [each for each in (one, other) if "object" in each["type"]]
    if len(objects) == 1:
        found |= {key: objects[0][key] for key in ("$ref", "properties", "required", "additionalProperties")
                  if key in objects[0]}  # fmt: skip
    elif objects:
        found |= _objects(*objects)
    return found


def _objects(one: Schema, other: Schema) -> Schema:
    if "$ref" in one and "$ref" in other:
        return {"$ref": MONEY}
    if "$ref" in one or "$ref" in other:
        money = {"properties": {"amount": {"type": ["string"]}, "currency": {"type": ["string"]}},
                 "required": ["amount", "currency"]}  # fmt: skip
        return _objects(*(money if "$ref" in each else each for each in (one, other)))
    if "additionalProperties" in one or "additionalProperties" in other:
        values = [value for each in (one, other) for value in _values(each)]
        of: Schema | None = None
        for value in values:
            of = value if of is None else merged(of, value)
        return {"additionalProperties": True if of is None else of}
    properties = dict(one["properties"])
    for key, value in other["properties"].items():
        properties[key] = merged(properties[key], value) if key in properties else value
    required = sorted(set(one["required"]) & set(other["required"]))
    return {"properties": dict(sorted(properties.items())), "required": required}


def _values(each: Schema) -> Sequence[Schema]:
    if "additionalProperties" in each:
        return [] if each["additionalProperties"] is True else [each["additionalProperties"]]
    return list(each["properties"].values())


def misfits(value: Any, schema: Schema, place: str = "") -> list[str]:
    """Where a value is something else than its schema says."""
    kind = schema_of(value, place.rpartition(".")[2])
    if kind["type"][0] not in schema["type"] and not (kind["type"] == ["integer"] and "number" in schema["type"]):
        return [f"{place}: {kind['type'][0]} is not {' or '.join(schema['type'])}"]
    if isinstance(value, list):
        items = schema.get("items")
        if value and items is None:
            return [f"{place}: nothing is known of what is listed"]
        return [
            each for position, one in enumerate(value) for each in misfits(one, items or {}, f"{place}[{position}]")
        ]
    if not isinstance(value, dict) or "$ref" in schema:
        if isinstance(value, dict) and not _is_money(value):
            return [f"{place}: this is no money"]
        return []
    if "additionalProperties" in schema:
        of = schema["additionalProperties"]
        return [] if of is True else [each for key, one in value.items() for each in misfits(one, of, f"{place}.{key}")]
    known = schema["properties"]
    found = [f"{place}.{key}: nobody said so" for key in value if key not in known]
    found += [f"{place}.{key}: it is missing" for key in schema["required"] if key not in value]
    return found + [each for key, one in value.items() if key in known
                    for each in misfits(one, known[key], f"{place}.{key}")]  # fmt: skip
