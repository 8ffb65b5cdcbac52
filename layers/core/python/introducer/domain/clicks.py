"""Clicks: one visit through a link each, as it was recorded. Written once by the redirect, never edited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

BOT, PREVIEW, TOOL, NO_AGENT = "bot", "preview", "tool", "no_agent"
"""Who asked was a crawler; a messenger that draws a link's preview; a program; nobody who says what it is."""
HEAD = "head"
"""Only the headers were asked for: a checker of links."""
PREFETCH = "prefetch"
"""A browser read ahead; its person has not clicked yet, and may never."""
EMBEDDED = "embedded"
"""A page loaded the link by itself, as an image, a frame or by a script: nobody clicked."""
ANONYMOUS, HOSTING = "anonymous", "hosting"
"""The address is one behind which senders hide; one of a data centre, where machines live and nobody browses."""
PAUSED, SCHEDULED, COUNTRY, DEVICE, CAPPED = "paused", "scheduled", "country", "device", "capped"
"""The link, or its campaign, takes no visitors now; has not begun or is over; is not for this country; not for this
device; has had all the clicks that it takes."""

FLAGS = (
    BOT,
    PREVIEW,
    TOOL,
    NO_AGENT,
    HEAD,
    PREFETCH,
    EMBEDDED,
    ANONYMOUS,
    HOSTING,
    PAUSED,
    SCHEDULED,
    COUNTRY,
    DEVICE,
    CAPPED,
)
"""Every flag a click may have, the most telling first: who it was, how it came, from where, and whether the campaign
takes it. The words that pages say for them are in `wording.codes`, under `click_flag`."""

NOWHERE = "ZZ"
"""The country of a visitor whose country nobody knows."""

OTHER = "other"
"""The reason of a click whose flags are all unknown here: of a redirect that is newer than its reader."""
REASONS = (*FLAGS, OTHER)


def reason_of(flags: Iterable[str]) -> str:
    """The one reason under which a flagged click is counted, so that reasons add up to the flagged; empty for a click
    without flags. A crawler in a data centre that opens a paused link is a crawler."""
    given = set(flags)
    return next((flag for flag in FLAGS if flag in given), OTHER if given else "")


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
    country: str = NOWHERE
    """ISO 3166 code of the visitor's country; `NOWHERE` when unknown."""
    visitor: str | None = None
    """What our first-party cookie calls the browser."""
    unique: bool = False
    """The browser's first visit to this link on this UTC day."""
    subs: tuple[str, str, str, str, str] = ("", "", "", "", "")
    """The partner's own values, sub1 to sub5."""
    flags: tuple[str, ...] = ()
    """Why this is not a person's payable click: of `FLAGS`."""

    @property
    def counts(self) -> bool:
        """Whether it is a click in counters and may bring a client: a flagged one is neither."""
        return not self.flags
