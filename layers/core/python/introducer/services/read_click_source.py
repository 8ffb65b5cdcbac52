"""What of a click's record says where a client came from: country, device, and sub1 as it is counted."""

from __future__ import annotations

from introducer.domain.counts import Came, came
from introducer.domain.errors import Malformed
from introducer.store.clicks import Clicks
from introducer.store.sub_names import SubNames


class ClickSources:
    """Reads clicks for the fold."""

    def __init__(self, clicks: Clicks, names: SubNames) -> None:
        self._clicks = clicks
        self._names = names

    def of(self, click: str) -> Came | None:
        """What was recorded of the click with this id; None where nothing was, or nobody can read it. Raises
        `Unavailable`."""
        try:
            found = self._clicks.click(click)
        except Malformed:
            return None
        if found is None:
            return None
        sub1 = self._names.number(found.partner, found.link, found.subs[0])
        return came(found.country, found.device, sub1)
