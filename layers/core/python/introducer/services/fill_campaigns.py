"""Closes a campaign whose caps are reached, as its clicks are counted.

Who counts asks for each campaign from when on its clicks count for caps, and after counting has it looked at. The
redirect hears of it with its next reading of the route, so some clicks more than the cap can come through
(docs/links.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from introducer.domain.caps import Used, full_until
from introducer.domain.errors import NotFound
from introducer.domain.events import milliseconds
from introducer.domain.routes import Route

FRESH = 10.0
"""Seconds that a route is believed. Far less than the minute after which a first cap counts."""
MOST = 1000
"""Routes that are kept."""


class Routes(Protocol):
    """What `store.campaigns.Campaigns` does."""

    def route(self, campaign: str) -> Route: ...
    def fill_route(self, seen: Route, until: object) -> bool: ...


class CampaignCounter(Protocol):
    """What `store.campaign_counts.CampaignCounts` does."""

    def used(self, campaign: str) -> Used: ...


class CampaignFiller:
    """Knows which campaigns have caps, and closes those that are full. `elapsed` counts seconds from any beginning."""

    def __init__(self, routes: Routes, counts: CampaignCounter, elapsed: Callable[[], float]) -> None:
        self._routes, self._counts, self._elapsed = routes, counts, elapsed
        self._known: dict[str, tuple[float, Route | None]] = {}

    def counts_from(self, campaign: str) -> int | None:
        """From which millisecond on its clicks count for caps; None when it never had any. Raises `Unavailable`."""
        route = self._route(campaign)
        return None if route is None or route.caps_since is None else milliseconds(route.caps_since)

    def look_at(self, campaign: str) -> None:
        """Closes the campaign if what is counted says so. Raises `Unavailable`."""
        used = self._counts.used(campaign)
        for _ in range(3):
            route = self._route(campaign)
            until = None if route is None else full_until(route.caps, used)
            if route is None or until is None or (route.full_until is not None and route.full_until >= until):
                return
            filled = self._routes.fill_route(route, until)
            # Closed now, or changed meanwhile: what it says is to be read in both cases.
            del self._known[campaign]
            if filled:
                return

    def _route(self, campaign: str) -> Route | None:
        known = self._known.get(campaign)
        if known is not None and known[0] > self._elapsed():
            return known[1]
        try:
            route = self._routes.route(campaign)
        except NotFound:
            route = None
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[campaign] = (self._elapsed() + FRESH, route)
        return route
