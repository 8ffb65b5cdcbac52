"""Cpl: one amount per registration that passes its quality gate (identity checked, country, activity)."""

from __future__ import annotations

from introducer.domain.client import ClientState
from introducer.domain.contracts import Contracts
from introducer.domain.deal import Cpl
from introducer.domain.rules.qualification import PaidOnce, paid_once


def targets(state: ClientState, contracts: Contracts) -> PaidOnce:
    """What the client's cpl rules say, and when the registration passed."""
    return paid_once(state, contracts, Cpl)
