"""Dollars for a million clicks, from what was measured and AWS's list prices."""

from __future__ import annotations

import math

# us-east-1, on demand, in US dollars (aws.amazon.com/api-gateway/pricing, /lambda/pricing, /dynamodb/pricing).
HTTP_API = 1.00
"""A million requests."""
LAMBDA_REQUESTS = 0.20
"""A million invocations."""
LAMBDA_GB_SECOND = 0.0000166667
WRITE_UNITS = 0.625
"""A million write units."""

PUT_MS = 5.0
"""What a put to DynamoDB takes a warm function within a region; assumed, the local emulator says nothing about it."""


def milliseconds_billed(cpu_us: float) -> int:
    """The duration of one click in Lambda: our CPU time and the put, rounded up as Lambda does."""
    return math.ceil(cpu_us / 1000 + PUT_MS)


def per_million_clicks(cpu_us: float, memory_mb: int, click_units: float, counter_units: float) -> float:
    """US dollars for a million recorded clicks: request, invocation, duration, write units."""
    gb_seconds = milliseconds_billed(cpu_us) / 1000 * memory_mb / 1024 * 1_000_000
    return HTTP_API + LAMBDA_REQUESTS + gb_seconds * LAMBDA_GB_SECOND + (click_units + counter_units) * WRITE_UNITS
