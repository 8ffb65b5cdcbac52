"""How many requests somebody may send: a bucket that fills evenly and holds so many.

Kept as one moment per bucket, the one at which it is full again (the generic cell rate algorithm): a request moves that
moment on by one interval, and is refused when it would lie further ahead than a whole bucket takes to fill. So a bucket
is one number, two requests that come together are told apart by a condition on it, and no job refills anything.

Moments are milliseconds since 1970; the clock is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` requests at once, and `per_minute` in the long run."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> int:
        """Milliseconds in which room for one request comes back; at least one."""
        return max(1, MINUTE // self.per_minute)

    @property
    def depth(self) -> int:
        """Milliseconds that an empty bucket takes to fill."""
        return self.interval * self.burst


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the sender of a request is told."""

    limit: Limit
    granted: bool
    full_at: int
    """When its bucket is full again."""
    at: int
    """When it came."""

    @property
    def remaining(self) -> int:
        """So many more may come at once."""
        return max(0, (self.limit.depth - max(0, self.full_at - self.at)) // self.limit.interval)

    @property
    def retry_after(self) -> int:
        """Whole seconds after which the next one is granted."""
        wait = self.full_at + self.limit.interval - self.limit.depth - self.at
        return max(1, -(-wait // 1000))

    @property
    def reset(self) -> int:
        """Whole seconds after which the bucket is full."""
        return max(0, -(-(self.full_at - self.at) // 1000))


def ask(limit: Limit, full_at: int | None, now: int) -> Allowance:
    """What becomes of a request now, where the bucket was to be full at `full_at`; None for one never used."""
    # A moment further ahead than a full bucket's is of another clock, or of a greater limit before: it counts no more.
    begins = max(now, min(full_at or now, now + limit.depth))
    after = begins + limit.interval
    if after > now + limit.depth:
        return Allowance(limit, False, begins, now)
    return Allowance(limit, True, after, now)
