"""What became of a schedule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.faults.wire import Trouble


@dataclass
class Outcome:
    """`violation` is empty when all is well."""

    seed: int
    violation: str
    trouble: Trouble
    facts: Counter[str]
