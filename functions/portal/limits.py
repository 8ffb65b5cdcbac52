"""How many requests may come: of an API key counted in the books, of a signed-in member in this process alone.

A key's count is one small write per request, and exact however many containers answer. Browsers are many and polite, so
theirs costs no write: each container has buckets of its own, wide enough that a person never meets them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime

from introducer.domain.errors import TooMany
from introducer.domain.events import day_of, milliseconds
from introducer.domain.rate_limit import Allowance, Limit, ask
from introducer.runtime.settings import Settings
from introducer.store.api_key_uses import ApiKeyUses

_MOST_MEMBERS = 5_000


class Limits:
    """What keys and members may still send. `elapsed` is this process's own clock, in seconds."""

    def __init__(self, settings: Settings, uses: Callable[[], ApiKeyUses], elapsed: Callable[[], float]) -> None:
        self._settings = settings
        self._uses = uses
        self._elapsed = elapsed
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def of_key(self, key: str, now: datetime) -> Allowance:
        """Counts a request of a key. Raises `Unavailable`."""
        settings = self._settings
        limit = Limit(settings.key_requests_per_minute, settings.key_burst)
        return self._uses().take(key, limit, milliseconds(now), day_of(now))

    def of_member(self, member: str) -> Allowance | None:
        """Counts a request of a member; None where they are not limited."""
        settings = self._settings
        per_minute = settings.member_requests_per_minute
        if not per_minute:
            return None
        # The process's clock may begin at 0, which a bucket reads as never used: an hour makes no difference to it.
        now = int(self._elapsed() * 1000) + 3_600_000
        allowance = ask(Limit(per_minute, per_minute), self._full_at.get(member), now)
        self._full_at[member] = allowance.full_at
        self._full_at.move_to_end(member)
        while len(self._full_at) > _MOST_MEMBERS:
            self._full_at.popitem(last=False)
        return allowance


def check(allowance: Allowance) -> None:
    """Raises `TooMany` with the seconds after which the next request is taken."""
    if not allowance.granted:
        raise TooMany(
            f"More than {allowance.limit.per_minute} requests a minute: wait {allowance.retry_after} s, then go on.",
            code="rate_limited",
            retry_after=allowance.retry_after,
        )


def headers(allowance: Allowance | None) -> Mapping[str, str]:
    """What the sender is told of it beside the answer (draft-ietf-httpapi-ratelimit-headers, its first form)."""
    if allowance is None:
        return {}
    return {
        "RateLimit-Limit": str(allowance.limit.burst),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.reset),
    }
