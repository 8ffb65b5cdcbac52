"""Which of a campaign's pages a visitor is sent to, and whether the campaign takes the visitor at all.

The route is one item of BOOKS per campaign, written together with the campaign: changing a campaign never touches its
links. A campaign from before has none; its links go on leading to the page that they name themselves.

The rules, in this order (`introducer.domain.routes` follows them when it shows staff where somebody would go):

1. a campaign that is paused, has not begun or is over, is not for the visitor's country, or has had all the clicks
   that it takes, sends the visitor to its overflow page; the click is recorded and flagged. A visitor whose country
   nobody knows is taken: without an edge and without files nobody's is known, and the campaign would take nobody.
2. Of its pages those fit whose countries and devices hold the visitor's. The page that the link is pinned to comes
   first if it fits; else weights decide, and one visitor meets one page as long as the pages stay as they are.
3. If none fits, the visitor goes to the overflow page, and the click is flagged.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

from target import Landing, web_address
from visit import NOWHERE

PAUSED, SCHEDULED, COUNTRY, DEVICE, CAPPED = "paused", "scheduled", "country", "device", "capped"


class Page(NamedTuple):
    """A landing page and for whom it is; None is everybody."""

    name: str
    landing: Landing
    weight: int
    countries: frozenset[str] | None
    devices: frozenset[str] | None


class Route:
    """A campaign's route as the redirect needs it. Raises `KeyError` or `ValueError` for an item that is none."""

    __slots__ = ("_campaign", "_countries", "_fitting", "_full_until", "_pages", "_times", "active", "overflow_url")

    def __init__(self, item: dict[str, Any]) -> None:
        self._campaign: bytes = item["campaign"]["S"].encode()
        self.active: bool = item["status"]["S"] == "active"
        self.overflow_url = web_address(item["overflow_url"]["S"]) if "overflow_url" in item else ""
        if "{" in self.overflow_url:
            raise ValueError("An overflow page has no macros: what it would say of a click is not payable.")
        self._times = _number(item, "starts_at"), _number(item, "ends_at")
        self._full_until = _number(item, "full_until")
        self._countries = _texts(item, "countries")
        hosts, parameter = _texts(item, "hosts") or (), item["click_parameter"]["S"]
        utm = [(each["M"]["name"]["S"], each["M"]["value"]["S"]) for each in item.get("utm", {}).get("L", ())]
        self._pages = [
            Page(
                page["page"]["S"],
                Landing(page["url"]["S"], parameter, hosts, utm),
                max(1, int(page["weight"]["N"])),
                _texts(page, "countries"),
                _texts(page, "devices"),
            )
            for page in (each["M"] for each in item.get("pages", {}).get("L", ()))
        ]
        if not self._pages:
            raise ValueError("A route without pages leads nowhere.")
        self._fitting: dict[tuple[str, str], tuple[list[Page], int]] = {}
        """The pages for a country and device, and what their weights come to."""

    @property
    def first(self) -> Landing:
        """A page for a visitor about whom nothing can be told."""
        return self._pages[0].landing

    def refusal(self, at_ms: int, country: str) -> str:
        """Why the campaign takes no visitor of this country at this moment, as a flag; empty when it does."""
        begins, ends = self._times
        if not self.active:
            return PAUSED
        if (begins is not None and at_ms < begins) or (ends is not None and at_ms >= ends):
            return SCHEDULED
        if self._countries is not None and country not in self._countries and country != NOWHERE:
            return COUNTRY
        if self._full_until is not None and at_ms < self._full_until:
            return CAPPED
        return ""

    def page(self, country: str, device: str, pinned: str, visitor: str) -> Page | None:
        """The visitor's page; None when none fits. `visitor` is what stays the same when somebody comes again."""
        found = self._fitting.get((country, device))
        if found is None:
            found = self._fit(country, device)
            # Countries and devices are not many; what a header says may be.
            if len(self._fitting) < 1000:
                self._fitting[country, device] = found
        fitting, weights = found
        if pinned:
            for page in fitting:
                if page.name == pinned:
                    return page
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        drawn = blake2b(self._campaign + visitor.encode(), digest_size=8).digest()
        at = int.from_bytes(drawn, "big") % weights
        for page in fitting:
            at -= page.weight
            if at < 0:
                break
        return page

    def _fit(self, country: str, device: str) -> tuple[list[Page], int]:
        fitting = [page for page in self._pages if _holds(page.countries, country) and _holds(page.devices, device)]
        return fitting, sum(page.weight for page in fitting)

    def misfit(self, country: str) -> str:
        """Why no page fits, as a flag: the country if no device of it would have one."""
        return DEVICE if any(_holds(page.countries, country) for page in self._pages) else COUNTRY


def _holds(allowed: frozenset[str] | None, value: str) -> bool:
    return allowed is None or value in allowed


def _number(item: dict[str, Any], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def _texts(item: dict[str, Any], name: str) -> frozenset[str] | None:
    """The texts of a list; None when there are none, which means: all."""
    return frozenset(each["S"] for each in item.get(name, {}).get("L", ())) or None
