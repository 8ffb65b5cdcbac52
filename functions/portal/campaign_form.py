"""A campaign's settings as a form without scripts has them: flat fields, whose names say where in the settings they
stand (`pages.2.url`). Rows that nobody wrote anything into are left out, and the rest is numbered without gaps, so that
what is wrong comes back to its row.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

OF_PAGE = ("page", "url", "name", "weight", "countries", "devices", "language")
OF_UTM = ("name", "value")
PLAIN = (
    "name", "description", "terms", "hosts", "countries", "click_parameter", "starts_at", "ends_at", "clicks_per_day",
    "clicks_in_all", "overflow_url",
)  # fmt: skip
EMPTY_PAGES, EMPTY_UTM = 3, 2
"""Rows for what may be added, below those that are filled."""
_ROW = re.compile(r"(pages|utm)\.(\d{1,3})\.([a-z]+)", re.ASCII)
_SAYS_SOMETHING = {"pages": ("url", "name"), "utm": ("name", "value")}
"""What makes a row one: the id and the weight of a page stand there by themselves."""


def settings_of_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, as a program would send them."""
    rows: dict[str, dict[int, dict[str, str]]] = {"pages": defaultdict(dict), "utm": defaultdict(dict)}
    made: dict[str, Any] = {}
    for name, value in fields.items():
        match = _ROW.fullmatch(name)
        if match:
            rows[match[1]][int(match[2])][match[3]] = str(value)
        else:
            made[name] = value
    for kind, numbered in rows.items():
        if numbered:
            telling = _SAYS_SOMETHING[kind]
            made[kind] = [row for _, row in sorted(numbered.items()) if any(row.get(n, "").strip() for n in telling)]
    return made


def form_of_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """The fields that show these settings."""
    made = {name: _shown(settings.get(name), name) for name in PLAIN}
    for number, page in enumerate(_rows(settings.get("pages"))):
        made |= {f"pages.{number}.{name}": _shown(page.get(name), name) for name in OF_PAGE}
    for number, each in enumerate(_rows(settings.get("utm"))):
        made |= {f"utm.{number}.{name}": _shown(each.get(name), name) for name in OF_UTM}
    return made


def _rows(value: Any) -> list[Mapping[str, Any]]:
    """Settings as they stand are rows; what somebody sent and was refused may be anything."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, (list, tuple)) else []


def _shown(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, (list, tuple)):
        return {"hosts": "\n", "devices": " "}.get(name, ", ").join(str(each) for each in value)
    return str(value)
