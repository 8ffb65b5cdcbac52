"""What is remembered of scoring a partner: what people cleared, which clients match others, and the open case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from introducer.domain.fraud.seen import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """A partner's scoring at a version. At most one case of a partner is open."""

    partner: str
    brand: str
    scored_at: int = 0
    """When scoring last wrote down whom its clients match (ms); 0: never."""
    cases: int = 0
    """How many cases were opened so far: the number of the last one."""
    open_case: str = ""
    cleared: Mapping[str, str] = field(default_factory=dict)
    """By detector: the UTC day through which a person said that all is well."""
    judged: Mapping[str, str] = field(default_factory=dict)
    """By detector: the UTC day through which a case about it ended in a verdict against the partner."""
    matches: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)
    """By client: who else has its e-mail, phone, device or address. Clients of the window alone."""
    version: int = 0
