"""Where a partner is paid. In clear it exists only while it is checked, sealed, or handed to a rail.

A profile is kept sealed under a key of the partner's own; what everybody may see of it is masked. Each change makes a
new version, and money goes to a new one only after a cool-off: whoever takes over a login must not be paid before the
partner has read the mail that tells of the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RailKind(StrEnum):
    """How money leaves."""

    SEPA = "sepa"
    """A euro transfer within SEPA: a pain.001 file for the bank."""
    PAYPAL = "paypal"
    MANUAL = "manual"
    """A person pays from a list."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Destination:
    """A payment profile in clear. It has no repr, so that no log line can show it."""

    rail: RailKind
    currency: str
    """What the partner is paid in, ISO 4217."""
    holder: str
    country: str
    """Of the account, ISO 3166 alpha-2; of the holder where a rail's accounts have none."""
    iban: str = ""
    bic: str = ""
    email: str = ""
    """A PayPal account."""
    instructions: str = ""
    """For whoever pays by hand: bank, account number, address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentProfile:
    """A payment profile as it is kept: sealed, and what may be shown of it."""

    partner: str
    version: int
    """Counts from 1; a payout is reserved for one version and goes to no other."""
    rail: RailKind
    currency: str
    country: str
    masked: str
    """Such as `DE•• •••• 3000`: enough to recognise, too little to use."""
    sealed: str
    """The destination as JSON under the partner's data key, base64. Another partner's does not open it."""
    data_key: str
    """That data key, sealed by KMS under an encryption context that names the partner, base64."""
    fingerprint: str
    """A keyed hash of the account: profiles of several partners that share one account have the same."""
    changed_at: datetime
    changed_by: str
    usable_from: datetime
    """The end of the cool-off. The first profile of a partner has one too."""
