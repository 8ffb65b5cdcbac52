"""Cpa: one amount per client who makes a first deposit and qualifies."""

from __future__ import annotations

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Cpa
from introducer.domain.rules.qualification import PaidOnce, paid_once


def targets(state: ClientState, contracts: Contracts) -> PaidOnce:
    """What the client's cpa rules say, and when it qualified."""
    return paid_once(state, contracts, Cpa)
