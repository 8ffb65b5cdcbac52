"""A net that never caught anything proves nothing: each bug planted on purpose is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults import planted
from tests.faults.running import in_memory

ENOUGH = 250
"""Every planted bug is found in fewer schedules."""


@pytest.mark.parametrize("bug", planted.BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_planted_on_purpose_is_found(bug: Callable[[pytest.MonkeyPatch], None]) -> None:
    runner = in_memory()
    for seed in range(ENOUGH):
        # given one thing in the product that is wrong
        with pytest.MonkeyPatch.context() as patch:
            bug(patch)
            # when a schedule runs
            violation = runner.run(seed).violation
        # then it ends badly, and not so when the bug is gone
        if violation and not runner.run(seed).violation:
            print(f"found by seed {seed}: {violation}")
            return
    pytest.fail(f"{ENOUGH} schedules did not find it")
