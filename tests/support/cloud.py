"""One local cloud for each test process, with the real template deployed in it once.

It is never reset: a test that needs a clean ground makes its own brand (functions, scenarios) or its own
account (store). `tests/conftest.py` imports the two fixtures. Nothing is left behind when the test process is
killed: the emulator ends with whoever started it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader

from introducer_ops.localcloud import LocalCloud, Stack

LINES, LONGEST_LINE = 15, 300
"""What is shown of each function's log when a test fails."""
_FOR_METRICS = re.compile(r'"_aws":\{.*?\}\]\}\]\},')
_models: dict[Any, Any] = {}


def _loader(search_path: str | None = None) -> Any:
    """botocore's loader, with what the others of this process have read."""
    loader = create_loader(search_path)
    loader._cache = _models
    return loader


# Every test opens sessions of its own, for an account of its own, and each would read and parse the descriptions of the
# services anew: half of the time that a test of one table takes.
botocore.session.create_loader = _loader


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """An emulator of this test process's own, on ports that were free."""
    said: list[str] = []
    with LocalCloud.start(tmp_path_factory.mktemp("cloud"), log=said.append) as cloud:
        yield cloud
    # What functions logged as warnings or errors; pytest shows it when the last test has failed.
    print(*said[-200:], sep="\n")


@pytest.fixture(scope="session")
def stack(cloud: LocalCloud) -> Stack:
    """The real template, deployed. All tests of the process share it and its clock."""
    return cloud.deploy()


def logged_since(stack: Stack, began: float) -> list[tuple[str, str]]:
    """A section for each function that logged something since a moment (seconds since 1970): its last lines."""
    logs = [log for log in sorted((stack.state_dir / "logs").glob("*.log")) if log.stat().st_mtime >= began]
    return [
        (f"Last logged by {log.stem}", "\n".join(map(_shown, log.read_text().splitlines()[-LINES:]))) for log in logs
    ]


def _shown(line: str) -> str:
    """A line without what CloudWatch alone reads of a metric."""
    return _FOR_METRICS.sub("", line)[:LONGEST_LINE]
