"""A PayPal for tests, on 127.0.0.1: the one of the local cloud, and the rail that asks it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from introducer.gateways.rails import paypal as gateway
from introducer_ops.localcloud.paypal import Fault, Paypal

__all__ = ["Clock", "Fault", "Paypal", "a_paypal", "a_rail"]


class Clock:
    """The server's: a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 30, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@contextmanager
def a_paypal(clock: Clock | None = None) -> Iterator[Paypal]:
    """A server for as long as this lasts."""
    server = Paypal(now=clock or Clock())
    try:
        yield server
    finally:
        server.close()


def a_rail(server: Paypal, **settings: Any) -> gateway.Paypal:
    """The rail that pays through this server."""
    own = gateway.Credentials(client_id=server.client_id, secret=server.secret)
    return gateway.Paypal(
        server.url,
        lambda: own,
        time.monotonic,
        **{"subject": "You have a payout", "step": 2.0, "whole": 4.0} | settings,
    )
