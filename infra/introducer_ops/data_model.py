"""Writes `docs/data-model.md` from `store/keys.py`."""

from __future__ import annotations

from pathlib import Path

from introducer.store import keys

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "data-model.md"

_HEAD = """# The data model

<!-- Generated from layers/core/python/introducer/store/keys.py by `make docs`. A test holds it fresh. -->

Two tables. FACTS has clicks and events, written once; BOOKS has everything else. Keys are templates: `{partner}` is a
value, and a `#` or `%` inside a value is written `%23` or `%25`, so that no value reaches into another part.
"""


def render() -> str:
    """The page."""
    parts = [_HEAD]
    for table in (keys.FACTS, keys.BOOKS):
        parts.append(f"\n## {table}\n")
        parts.append("| item | `pk` | `sk` | what it holds |\n|---|---|---|---|\n")
        for item in keys.ITEMS.values():
            if item.table == table:
                more = f" Kept for {item.expires}." if item.expires else ""
                parts.append(f"| {item.name} | `{item.pk}` | `{item.sk}` | {item.holds}.{more} |\n")
    parts.append(
        f"\n### The index `{keys.BY_OWNER}`\n\nKeys only, so that only a change of owner writes it.\n\n"
        f"| item | `{keys.OWNER_PK}` | `{keys.OWNER_SK}` |\n|---|---|---|\n"
    )
    parts += [
        f"| {item.name} | `{item.owner_pk}` | `{item.owner_sk}` |\n" for item in keys.ITEMS.values() if item.owner_pk
    ]
    parts.append(
        "\n## The questions\n\n"
        "None of them scans. Only commands of operators do: `verify`, `audit verify`, `erase traits`.\n\n"
        "| pattern | question | item | read by | asked by |\n|---|---|---|---|---|\n"
    )
    parts += [
        f"| {pattern.name} | {pattern.question} | {pattern.item} | {pattern.reads} | {pattern.asked_by} |\n"
        for pattern in keys.PATTERNS
    ]
    return "".join(parts)


def write() -> Path:
    """Write the page, and say where."""
    TARGET.write_text(render())
    return TARGET
