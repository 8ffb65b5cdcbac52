"""Clicks: one visit through a link each, as it was recorded. Written once by the redirect, never edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """One recorded visit. Empty text or None: the visitor did not say, or it could not be known."""

    id: str
    """The signed click id (`domain.click_id`)."""
    link: str
    partner: str
    brand: str
    campaign: str
    at: datetime
    address: str | None = None
    """Keyed hash of the visitor's address, under the brand's key."""
    prefix: str | None = None
    """Keyed hash of the network that the address lies in (/24, or /48 of IPv6)."""
    agent: str = "none"
    """`browser`, `bot`, `preview`, `tool` or `none`."""
    device: str = "other"
    """`mobile`, `tablet`, `desktop` or `other`."""
    referer: str | None = None
    """Host of the page that held the link."""
    country: str = "ZZ"
    """ISO 3166 code of the visitor's country; `ZZ` when unknown."""
    visitor: str | None = None
    """What our first-party cookie calls the browser."""
    unique: bool = False
    """The browser's first visit to this link on this UTC day."""
    subs: tuple[str, str, str, str, str] = ("", "", "", "", "")
    """The partner's own values, sub1 to sub5."""
    flags: tuple[str, ...] = ()
    """Why this is not a person's payable click: `bot`, `preview`, `prefetch`, `embedded` (a page loaded it as an image,
    a frame …), `head`, `tool`, `no_agent`, `paused`."""

    @property
    def counts(self) -> bool:
        """Whether it is a click in counters and may bring a client: a flagged one is neither."""
        return not self.flags
