"""Promo codes: what a trader types or says instead of following a link, and who has one when.

A code is known within a brand, whoever writes it how: capitals and spaces make no difference. A partner has it for a
time; afterwards somebody else may. No decision reaches back: what a registration's code meant when it happened, it
means for ever.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SHORTEST, LONGEST = 3, 32
_CODE = re.compile(rf"[A-Z0-9][A-Z0-9_.-]{{{SHORTEST - 1},{LONGEST - 1}}}", re.ASCII)


def normalised(text: str | None) -> str:
    """The code as the books have it: capitals, without spaces, full-width letters as plain ones. Empty for what cannot
    be a code."""
    if not text:
        return ""
    plain = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    return plain if _CODE.fullmatch(plain) else ""


class CodeStatus(StrEnum):
    """How a code stands with a partner."""

    COMING = "coming"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoCode:
    """That a partner has a code for a time."""

    code: str
    number: int
    """The how manieth time that the code is given to somebody, from 1 on."""
    brand: str
    partner: str
    campaign: str | None
    """What it promotes; None for whatever the brand has."""
    starts_at: datetime
    ends_at: datetime | None
    """The first moment at which it is no longer the partner's; None: nobody ended it."""
    given_at: datetime
    given_by: str
    request: str = ""
    """Names the request that gave it, so that it may be repeated."""

    @property
    def never_begins(self) -> bool:
        """Whether it was ended before it began."""
        return self.ends_at is not None and self.ends_at <= self.starts_at

    def status_at(self, at: datetime) -> CodeStatus:
        """How it stands at a moment."""
        if self.never_begins or (self.ends_at is not None and self.ends_at <= at):
            return CodeStatus.ENDED
        return CodeStatus.ACTIVE if self.starts_at <= at else CodeStatus.COMING


def last_of(history: Iterable[PromoCode]) -> PromoCode | None:
    """The giving that was decided last."""
    return max(history, key=lambda each: each.number, default=None)
