"""How long a fresh interpreter takes to import each function, against a bare botocore client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5

_TIMED = """
import json, sys, time
began = time.process_time()
{code}
print(json.dumps(time.process_time() - began))
"""
BASELINE = "import botocore.session\nbotocore.session.Session().create_client('dynamodb', region_name='us-east-1')"


def functions() -> list[str]:
    """The functions there are, by their folders."""
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))


def measure() -> tuple[float, dict[str, float]]:
    """CPU seconds of the baseline, and each function's median ratio to the baseline of the same round."""
    names = functions()
    for name in ["", *names]:
        _seconds(name)  # writes what byte code is missing, and fills the file cache
    rounds = [{name: _seconds(name) for name in ["", *names]} for _ in range(ROUNDS)]
    ratios = {name: median(each[name] / each[""] for each in rounds) for name in names}
    return median(each[""] for each in rounds), ratios


def modules(function: str) -> int:
    """How many modules a fresh interpreter has once it has imported a function: its own, and those it began with."""
    return int(_run(function, "import sys, app\nprint(len(sys.modules))"))


def _seconds(function: str) -> float:
    """CPU seconds of a function's import, or of the baseline without one."""
    return float(json.loads(_run(function, _TIMED.format(code="import app" if function else BASELINE))))


def _run(function: str, code: str) -> str:
    """The last line that a fresh interpreter prints, its path as Lambda sets it."""
    path = [str(ROOT / "functions" / function), str(ROOT / "layers/core/python")] if function else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    environment |= {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"importing {function or 'botocore'} failed:\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]
