"""One local cloud for each test process, with the real template deployed in it once.

It is never reset: a test that needs a clean ground makes its own brand (functions, scenarios) or its own
account (store). `tests/conftest.py` imports the two fixtures. Nothing is left behind when the test process is
killed: the emulator ends with whoever started it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from introducer_ops.localcloud import LocalCloud, Stack


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
