"""Writes `docs/deal.schema.json` from the models in `introducer.sources.deal_terms`."""

from __future__ import annotations

import json
from pathlib import Path

from introducer.sources import deal_terms

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "deal.schema.json"


def render() -> str:
    """The file."""
    return json.dumps(deal_terms.schema(), indent=2, ensure_ascii=False) + "\n"


def write() -> Path:
    """Write the file, and say where."""
    TARGET.write_text(render())
    return TARGET
