"""What a dialect may be told, as the fields of a form without scripts, and what was typed there, as settings.

A field stands for one parameter, and is called `set.` and its name. What was left empty is not said. What parameters
mean, and why one cannot be, are messages of the catalogues: a page says them in its reader's language, a program reads
them in English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from introducer.locale import Language
from introducer.sources.dialects.model import Dialect
from introducer.sources.dialects.refusals import N_, Advice, SettingsRefused, Value

PREFIX = "set."
_YES_NO = ("true", "false")


def fields_of(dialect: Dialect, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each parameter: its name, what it means, how it is typed, and its value now. Those that are needed come first."""
    schema = dialect.parameters.model_json_schema()
    needed = schema.get("required", [])
    found = [_field(name, one, name in needed, settings.get(name)) for name, one in schema["properties"].items()]
    return sorted(found, key=lambda each: not each["required"])


def _field(name: str, schema: Mapping[str, Any], required: bool, value: Any) -> dict[str, Any]:
    kind, choices = _kind(schema)
    return {
        "name": name,
        "help": schema.get("description", ""),
        "kind": kind,
        "choices": choices,
        "required": required,
        "typed": _typed(kind, schema.get("default") if value is None else value),
    }


def _kind(schema: Mapping[str, Any]) -> tuple[str, list[str]]:
    """How it is typed: `text`, `number`, `date`, `choice`, `words` or `json`; and what can be chosen."""
    several = schema.get("anyOf")
    if several:
        kind, choices = _kind(several[0])
        return kind, ["", *choices] if choices else []
    if "enum" in schema:
        return "choice", [str(each) for each in schema["enum"]]
    match schema.get("type"):
        case "boolean":
            return "choice", list(_YES_NO)
        case "integer":
            return "number", []
        case "string":
            return ("date" if schema.get("format") == "date" else "text"), []
        case "array" if schema.get("items", {}).get("type") == "string":
            return "words", []
    return "json", []


def _typed(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if kind == "words":
        return ", ".join(value)
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=1) if value else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings_of_form(dialect: Dialect, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, as a program would send them. Raises `SettingsRefused`, as dialects do."""
    made: dict[str, Any] = {}
    for field in fields_of(dialect, {}):
        text = str(sent.get(PREFIX + field["name"], "")).strip()
        if text:
            made[field["name"]] = _said(field, text)
    return made


def _said(field: Mapping[str, Any], text: str) -> Any:
    match field["kind"]:
        case "words":
            return [each for each in text.replace(",", " ").split() if each]
        case "json":
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                raise _wrong(field["name"], N_('This is no JSON: write it as `{"this": "that"}`.')) from None
        case "number":
            return _number(field["name"], text)
        case "choice" if tuple(field["choices"]) == _YES_NO:
            return text == "true"
        case "choice" if all(each.isdigit() for each in field["choices"]):
            return _number(field["name"], text)
    return text


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _wrong(name, N_("Write a whole number."))
    return int(text)


def _wrong(name: str, message: str) -> SettingsRefused:
    return SettingsRefused.of(
        [{"field": name, "code": "invalid", "detail": message}],
        [Advice(field=name, within="", message=message, values={})],
    )


def what_to_do(language: Language, error: SettingsRefused) -> dict[str, str]:
    """What a form says about settings that cannot be, by its fields: of several things the first."""
    found: dict[str, str] = {}
    for each in error.advice:
        text = language.text(each.message)
        if each.values:
            text = text.format_map({name: _figure(language, value) for name, value in each.values.items()})
        name = PREFIX + each.field if each.field else ""
        found.setdefault(name, f"`{each.within}`: {text}" if each.within else text)
    return found


def _figure(language: Language, value: Value) -> str:
    return value if isinstance(value, str) else language.number(value)
