"""A trace: what one client looks like to the detectors. A projection of its state, free of what names a person.

The engine writes it in the transaction that changes the state, and only when the trace itself changes. Sums of trading
are therefore coarse in the books: a client of thirty trades writes it three or four times. Scoring looks the exact sums
up (`tracing.exact`) where the coarse ones say that something may be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

STEP = 4
"""Coarse sums are powers of `2 ** STEP`: 1, 16, 256 …"""


class Flow(NamedTuple):
    """A deposit or a withdrawal: when (ms), and how much (minor units of its currency)."""

    at: int
    minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One client, as detectors see it. Hashes are keyed: equal ones say "the same", and nothing else."""

    client: str
    registered: int
    """When it registered, or was first heard of (ms)."""
    link: str = ""
    campaign: str = ""
    since_click: int | None = None
    """Seconds from the click that brought it to its registration; None when no click did."""
    country: str = ""
    email: str = ""
    phone: str = ""
    device: str = ""
    address: str = ""
    """Of the registration, like those that follow; each empty where the platform did not say it."""
    prefix: str = ""
    """The network that the address lies in: /24, or /48 of IPv6."""
    pattern: str = ""
    """What the e-mail address looks like: its letters and digits by kind, and its domain."""
    disposable: bool = False
    """Whether the e-mail address is of a provider of throw-away addresses."""
    kyc: bool = False
    deposits: tuple[Flow, ...] = ()
    """Those of the first days: what decides FTD and qualification, the earliest first, at most ten."""
    withdrawals: tuple[Flow, ...] = ()
    """Those of the week from the first deposit on, the earliest first, at most ten."""
    chargebacks: int = 0
    """How many deposits were charged back or refunded."""
    qualified: bool = False
    """Whether a cpa was earned."""
    trades: int = 0
    """Coarse in the books."""
    lots: int = 0
    """Units of `LOT` to one lot; coarse in the books, and nothing below one lot, like those that follow."""
    quick_lots: int = 0
    """Of the lots, those of trades that were open for less than three minutes."""
    flat_lots: int = 0
    """Of the lots, those of trades whose result was not larger than their costs (spread and commission)."""
    disallowed: bool = False
    """Whether a verdict says that it earns nothing."""


def coarse(number: int, one: int = 1) -> int:
    """A sum as a trace keeps it in the books: the last power of `2 ** STEP` times `one` that it has reached."""
    if number < one:
        return 0
    return one << ((number // one).bit_length() - 1) // STEP * STEP
