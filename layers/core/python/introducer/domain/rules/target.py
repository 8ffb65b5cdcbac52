"""What a rule says for a key, with the arithmetic as it was executed."""

from __future__ import annotations

from dataclasses import dataclass

from introducer.domain.ledger import Key, Line, ReceiptEvent
from introducer.domain.rates import Rate


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule says in all for a key: minor units, the lines that led there, and the events that met conditions.

    The lines are made from the very values that were computed; the receipt shows them and computes nothing.
    """

    minor: int
    rule_kind: str
    version: int
    lines: tuple[Line, ...]
    evidence: tuple[ReceiptEvent, ...] = ()
    used: frozenset[Rate] = frozenset()
    """The rates at which the evidence was converted."""


Targets = dict[Key, Target]
