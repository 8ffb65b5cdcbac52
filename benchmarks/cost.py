"""Dollars for a million clicks, and for a thousand payouts, from what was measured and AWS's list prices."""

from __future__ import annotations

import math
from dataclasses import dataclass

# us-east-1, on demand, in US dollars (aws.amazon.com/api-gateway/pricing, /lambda/pricing, /dynamodb/pricing,
# /step-functions/pricing, /kms/pricing).
HTTP_API = 1.00
"""A million requests."""
LAMBDA_REQUESTS = 0.20
"""A million invocations."""
LAMBDA_GB_SECOND = 0.0000166667
WRITE_UNITS = 0.625
"""A million write units."""
READ_UNITS = 0.125
"""A million read units."""
TRANSITIONS = 25.00
"""A million state transitions of standard workflows."""
KMS_REQUESTS = 3.00
"""A million requests with symmetric keys."""

PUT_MS = 5.0
"""What a put to DynamoDB takes a warm function within a region; assumed, the local emulator says nothing about it."""


CALL_MS = 5.0
"""What one call of DynamoDB or KMS takes a function within a region; assumed as for the put."""
CORE_OF_MEMORY = 1769
"""Megabytes of memory at which Lambda gives one whole core."""


def milliseconds_billed(cpu_us: float, memory_mb: int) -> int:
    """The duration of one click in Lambda: CPU time by the share of a core that the memory gives, and the put, rounded
    up as Lambda does."""
    return math.ceil(cpu_us / 1000 * max(1.0, CORE_OF_MEMORY / memory_mb) + PUT_MS)


def per_million_clicks(cpu_us: float, memory_mb: int, click_units: float) -> float:
    """US dollars for a million recorded clicks: request, invocation, duration, write units."""
    gb_seconds = milliseconds_billed(cpu_us, memory_mb) / 1000 * memory_mb / 1024 * 1_000_000
    return HTTP_API + LAMBDA_REQUESTS + gb_seconds * LAMBDA_GB_SECOND + click_units * WRITE_UNITS


@dataclass(frozen=True, slots=True)
class PerPayout:
    """What one payout uses."""

    transitions: float
    write_units: float
    read_units: float
    calls: float
    """Of DynamoDB and KMS."""
    invocations: float
    cpu_seconds: float


def per_thousand_payouts(used: PerPayout, memory_mb: int) -> float:
    """US dollars for a thousand payouts: transitions, units, unsealing, invocations and their duration."""
    seconds = used.cpu_seconds * CORE_OF_MEMORY / memory_mb + used.calls * CALL_MS / 1000
    millions = (
        used.transitions * TRANSITIONS
        + used.write_units * WRITE_UNITS
        + used.read_units * READ_UNITS
        + KMS_REQUESTS
        + used.invocations * LAMBDA_REQUESTS
    )
    return millions / 1000 + 1000 * seconds * memory_mb / 1024 * LAMBDA_GB_SECOND
