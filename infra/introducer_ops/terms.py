"""A deal's terms from a file: JSON, or YAML by the file's name, as data for `propose_deal`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from introducer.domain.errors import Invalid, Malformed, TooLarge
from introducer.sources.strict_json import read_object


def read_terms(file: Path) -> Mapping[str, Any]:
    """The terms in a file, unchecked. Raises `Invalid` when it cannot be read, or says one thing twice.

    YAML is read without its traps: `NO` is a text and no refusal, 0.1 stays the text that it is, and only plain whole
    numbers are numbers.
    """
    try:
        if file.suffix.lower() not in (".yaml", ".yml"):
            return read_object(file.read_bytes())
        return _yaml(file.read_bytes().decode("utf-8"))
    except (Malformed, TooLarge) as error:
        raise Invalid(f"{file.name} cannot be read as terms. {error.detail}", code=error.code) from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{file.name} cannot be read as terms: it is not UTF-8.", code="not_utf8") from error


class _Loader(yaml.SafeLoader):
    """YAML's plain texts stay texts, save true, false and whole numbers; no key stands twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Malformed("A key is not a plain text.", code="not_yaml")
            if key.value in seen:
                raise Malformed(f"The key {key.value!r} stands twice in one object.", code="duplicate_key")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)\Z"), list("-0123456789"))


def _yaml(text: str) -> Mapping[str, Any]:
    try:
        found = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise Malformed(f"It is not YAML: {' '.join(str(error).split())}.", code="not_yaml") from error
    if not isinstance(found, dict):
        raise Malformed("It must be an object with currency, hold and rules.", code="not_an_object")
    return found
