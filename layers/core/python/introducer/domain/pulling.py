"""Fetching a source: where it is, when it is asked next, and what is said when it fails.

A run moves the state at most once per page, each time under the version that it read, so that of two runs one stops.
The cursor moves after the page's events are stored and never before: a run that is cut off reads its page again, and an
event that is read again is the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

LEASE_MS = 330_000
"""For so long a run has the source for itself: longer than any run takes."""
FIRST_WAIT_MS, LONGEST_WAIT_MS = 5 * 60_000, 6 * 3_600_000
"""What is waited after the first failure, doubled with each further one, and at most."""
NEEDS_PERSON_AFTER = 3
"""Failures in a row after which a person should look, where nothing says that one must at once."""
LONGEST_DETAIL = 300

STATUSES = ("accepted", "duplicate", "quarantined", "ignored")
"""What becomes of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """What is known of fetching a source. Moments are in milliseconds, 0 for never."""

    source: str
    cursor: str | None = None
    """Where the next page begins, as the dialect wrote it; None at the beginning."""
    busy_until: int = 0
    due: int = 0
    """Not to be asked by itself before then."""
    failures: int = 0
    """In a row."""
    error: str = ""
    """The code of the last failure; empty while all is well."""
    detail: str = ""
    lasting: bool = False
    """Whether that failure stays until somebody changes something."""
    tried: int = 0
    succeeded: int = 0
    """When a page was last read to the end."""
    caught_up: int = 0
    """When there was last nothing more to ask for."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What became of all rows ever read, by `STATUSES`: rows that were read again are `duplicate`."""
    version: int = 0

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to look."""
        return bool(self.failures) and (self.lasting or self.failures >= NEEDS_PERSON_AFTER)


def begun(pull: Pull, now: int) -> Pull:
    """A run has it from now on."""
    return replace(pull, busy_until=now + LEASE_MS, tried=now, version=pull.version + 1)


def read_on(pull: Pull, cursor: str, counts: Mapping[str, int], now: int, *, caught_up: bool) -> Pull:
    """The events of a page are stored."""
    return replace(
        pull,
        cursor=cursor,
        succeeded=now,
        caught_up=now if caught_up else pull.caught_up,
        failures=0,
        error="",
        detail="",
        lasting=False,
        due=0,
        counts=added(pull.counts, counts),
        version=pull.version + 1,
    )


def ended(pull: Pull) -> Pull:
    """The run leaves it to the next one."""
    return replace(pull, busy_until=0, version=pull.version + 1)


def failed(pull: Pull, code: str, detail: str, now: int, *, lasting: bool, wait_ms: int = 0) -> Pull:
    """The run ends with this. `wait_ms` is what the platform asked for; it is never asked sooner, nor much later."""
    own = min(FIRST_WAIT_MS * 2 ** min(pull.failures, 10), LONGEST_WAIT_MS)
    return replace(
        pull,
        busy_until=0,
        due=now + max(own, min(wait_ms, LONGEST_WAIT_MS)),
        failures=pull.failures + 1,
        error=code,
        detail=detail[:LONGEST_DETAIL],
        lasting=lasting,
        version=pull.version + 1,
    )


def moved_to(pull: Pull, cursor: str | None) -> Pull:
    """It is read from elsewhere on: a person said so."""
    return replace(pull, cursor=cursor, due=0, version=pull.version + 1)


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Both together."""
    return {status: counts.get(status, 0) + more.get(status, 0) for status in STATUSES}
