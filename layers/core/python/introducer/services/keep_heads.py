"""Keeps the head of each brand's audit chain once a day, where nobody can write over it.

Whoever may write the books could write a whole chain anew, or cut its end. From the next kept head on that is found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from introducer.domain.audit_chain import DailyHead
from introducer.domain.configuration import DEPLOYMENT
from introducer.domain.errors import Unavailable
from introducer.domain.events import day_of
from introducer.gateways.audit_heads import AuditHeads
from introducer.store.audit_chain import AuditChain, chain_head
from introducer.store.configuration import Configuration


@dataclass(slots=True)
class Heads:
    """What a run kept."""

    kept: list[DailyHead] = field(default_factory=list)
    there: int = 0
    """Brands whose day had a head before."""
    missing: dict[str, str] = field(default_factory=dict)
    """Brands whose day has none, and why."""


def keep_heads(configuration: Configuration, chain: AuditChain, heads: AuditHeads, *, now: datetime) -> Heads:
    """Keeps the head of this UTC day for every brand that has none yet. May be repeated: the first of a day stays."""
    outcome, day = Heads(), day_of(now)
    for brand in (DEPLOYMENT, *(each.brand for each in configuration.every_brand())):
        try:
            head = chain_head(chain, brand)
            daily = DailyHead(brand=brand, day=day, number=head.number, digest=head.digest)
            if heads.keep(daily):
                outcome.kept.append(daily)
            else:
                outcome.there += 1
        except Unavailable as error:
            outcome.missing[brand] = error.detail
    return outcome
