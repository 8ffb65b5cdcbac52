"""All detectors, in the order in which their findings are told: the plainest suspicion first."""

from __future__ import annotations

from introducer.domain.fraud import (
    chargebacks,
    click_flooding,
    click_timing,
    conversion_jump,
    deposit_and_withdraw,
    duplicate_person,
    minimal_deposit,
    registration_cluster,
    self_referral,
    shared_account,
    stuffing,
    wash_trades,
)
from introducer.domain.fraud.finding import Detector, Finding
from introducer.domain.fraud.seen import Seen

DETECTORS: tuple[Detector, ...] = (
    shared_account.DETECTOR,
    self_referral.DETECTOR,
    duplicate_person.DETECTOR,
    chargebacks.DETECTOR,
    deposit_and_withdraw.DETECTOR,
    wash_trades.DETECTOR,
    minimal_deposit.DETECTOR,
    click_timing.DETECTOR,
    registration_cluster.DETECTOR,
    stuffing.DETECTOR,
    click_flooding.DETECTOR,
    conversion_jump.DETECTOR,
)

_BY_NAME = {each.name: each for each in DETECTORS}


def detector(name: str) -> Detector | None:
    """The detector of this name; None when there is none (any more)."""
    return _BY_NAME.get(name)


def score(seen: Seen) -> tuple[Finding, ...]:
    """What all detectors find. Pure; the same for the same, whatever order the traces came in."""
    return tuple(finding for each in DETECTORS for finding in each.look(seen))
