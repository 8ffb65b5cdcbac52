"""cfn-lint over the translated template: what the SAM file hides and the emulator swallows."""

from __future__ import annotations

import difflib
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import expanding

_LONG = 160
_CFN_LINT = "import sys; sys.setrecursionlimit(20_000); from cfnlint.runner import main; main()"
"""It descends into the joined lines of a state machine one by one."""


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
        [sys.executable, "-c", _CFN_LINT, "--format", "json"],
        input=template,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode and not ran.stdout.strip():
        raise RuntimeError(f"cfn-lint failed: {ran.stderr.strip()}")
    return [_line(finding) for finding in json.loads(ran.stdout or "[]")]


def _line(finding: dict[str, Any]) -> str:
    path = finding.get("Location", {}).get("Path") or []
    where = ".".join(str(part) for part in path[1:]) if path[:1] == ["Resources"] else ".".join(map(str, path))
    return f"{where or 'template'}: {_short(finding['Message'])} [{finding['Rule']['Id']}]"


def _short(message: str) -> str:
    """cfn-lint lists every name of the template when one is unknown; the nearest one says more."""
    name, says, names = message.partition(" is not one of [")
    near = difflib.get_close_matches(name.strip("'"), names.rstrip("]").replace("'", "").split(", "), 1, 0.4)
    if not says or len(message) < _LONG:
        return message
    return f"there is no {name}" + (f"; is '{near[0]}' meant?" if near else "")


def main() -> None:
    """`python -m introducer_ops.localcloud.checking template.yaml`, for `make lint`."""
    path = Path(sys.argv[1])
    try:
        found = lint(json.dumps(expanding.translate(expanding.read(path), {}, "us-east-1")))
    except expanding.TemplateError as error:
        found = [str(error)]
    print(*found or [f"{path.name}, translated, is a valid template"], sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
