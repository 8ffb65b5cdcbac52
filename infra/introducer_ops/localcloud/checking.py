"""cfn-lint over the translated template: what the SAM file hides and the emulator swallows."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def problems(translated: dict[str, Any], state_dir: Path) -> list[str]:
    """What is wrong with a translated template, a line each with its resource; empty when nothing is.

    A template that passed is remembered by its digest, so that a restart does not pay the two seconds again.
    """
    text = json.dumps(translated, sort_keys=True)
    passed = state_dir / "checked"
    digest = hashlib.sha256(text.encode()).hexdigest()
    if passed.exists() and passed.read_text() == digest:
        return []
    found = lint(text)
    if not found:
        passed.write_text(digest)
    return found


def lint(template: str) -> list[str]:
    """cfn-lint's findings, warnings included, as `Resource: text [rule]`."""
    # A process of its own: cfn-lint takes 100 MB that a long-running command would never give back.
    ran = subprocess.run(
        [sys.executable, "-c", "from cfnlint.runner import main; main()", "--format", "json"],
        input=template, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode and not ran.stdout.strip():
        raise RuntimeError(f"cfn-lint failed: {ran.stderr.strip()}")
    return [_line(finding) for finding in json.loads(ran.stdout or "[]")]


def _line(finding: dict[str, Any]) -> str:
    path = finding.get("Location", {}).get("Path") or []
    where = ".".join(str(part) for part in path[1:]) if path[:1] == ["Resources"] else ".".join(map(str, path))
    return f"{where or 'template'}: {finding['Message']} [{finding['Rule']['Id']}]"
