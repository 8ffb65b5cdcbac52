"""docs/contests.md is what contests are designed by: its example is a contest, and its codes are those of the code."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import introducer
from introducer.domain.configuration import Brand
from introducer.domain.contest_rules import check
from introducer.sources.contest_settings import Settings, contest_of

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "contests.md").read_text()
CODE = Path(introducer.__file__).parent
RAISING = [
    *(CODE / "domain").glob("contest*.py"),
    *(CODE / "services").glob("*contest*.py"),
    *(CODE / "services" / f"{name}.py" for name in ("set_aside", "object_to_result", "decide_objection", "send_gift")),
    CODE / "services" / "decisions.py",
    CODE / "domain" / "money.py",
    CODE / "sources" / "contest_settings.py",
]


def test_the_example_of_the_guide_is_a_contest_with_every_setting() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    settings = json.loads(example)
    now = datetime(2026, 11, 2, tzinfo=UTC)
    brand = Brand(
        brand="brd_1", name="Quillmark", domain="quillmark.example", base_currency="EUR", fallback_url="", created=now
    )
    contest = contest_of(settings, brand=brand, contest="ctt_1", by="mem_1", now=now)
    check(contest)
    assert contest.starts_at == datetime(2026, 11, 8, 23, tzinfo=UTC)
    assert settings.keys() == Settings.model_fields.keys()


def test_the_guide_lists_no_code_that_nothing_answers() -> None:
    listed = re.findall(r"`([a-z_]+)`", GUIDE.partition("### What is refused, and why")[2])
    text = "".join(path.read_text() for path in RAISING)
    assert len(listed) > 60
    assert [code for code in listed if f'"{code}"' not in text and not code.endswith("_needed")] == ["errors"]
