"""The samples of docs/sources: a file for each form a platform's rows come in, and the settings it is read with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from introducer.sources import dialects
from introducer.sources.dialects.model import Line

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "sources" / "samples"
CLICK = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYX"
"""What stands in the samples where a click id does."""
RECEIVED = datetime(2026, 3, 3, 12, tzinfo=UTC)

FILES: Mapping[str, tuple[str, str]] = {
    "json-events.ndjson": ("json", "json"),
    "s2s-calls.txt": ("s2s", "s2s"),
    "mt5-page.json": ("mt5", "mt5"),
    "mt5-report.csv": ("mt5", "mt5-report"),
    "ctrader-deals.json": ("ctrader", "ctrader"),
    "ctrader-cash.json": ("ctrader", "ctrader"),
    "hasoffers-page.json": ("hasoffers", "hasoffers"),
}
"""Each file's dialect, and the name of its settings."""


def settings_of(file: str, **changed: Any) -> dict[str, Any]:
    """What a sample is read with."""
    found: dict[str, Any] = json.loads((SAMPLES / f"{FILES[file][1]}.settings.json").read_text())
    return found | changed


def body_of(file: str, click: str = CLICK) -> bytes:
    """A sample, with this click id."""
    return (SAMPLES / file).read_bytes().replace(CLICK.encode(), click.encode())


def read(dialect: str, body: bytes | str, received_at: datetime = RECEIVED, **settings: Any) -> list[Line]:
    """What a body says in a dialect, to a source of this name."""
    language = dialects.of(dialect)
    source = language.settings("desk-one", "brd_one", settings)
    data = body if isinstance(body, bytes) else body.encode()
    return language.read(data, source=source, received_at=received_at)


def read_sample(file: str) -> list[Line]:
    """What a sample says."""
    return read(FILES[file][0], body_of(file), **settings_of(file))
