"""What a member wants by mail, and when: topics that are switched off, and hours in which nothing comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from introducer.domain.errors import Conflict, Invalid
from introducer.domain.mail_topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPreferences:
    """One member's. Whoever never chose has these."""

    member: str
    off: frozenset[Topic] = frozenset()
    time_zone: str = ""
    """Empty: the brand's."""
    quiet_from: int = 21
    quiet_until: int = 8
    """Hours by the clocks of the time zone: from the one to the other, over midnight where it is the larger one, what
    may wait waits. Equal: there are none."""
    version: int = 0

    def wants(self, topic: Topic) -> bool:
        """Whether mail about this is welcome."""
        return topic.is_binding or topic not in self.off

    def waits_until(self, topic: Topic, now: datetime, otherwise: str = "UTC") -> datetime | None:
        """When a mail about this may go, where that is later than now; None where it may go now. `otherwise` is the
        brand's time zone, for whoever chose none."""
        if not topic.may_wait or self.quiet_from == self.quiet_until:
            return None
        if topic is Topic.REPORTS and not self.time_zone:
            # They are written for a morning already: by the clocks that the partner named for them, else the brand's.
            return None
        there = now.astimezone(ZoneInfo(self.time_zone or otherwise))
        since = (there.hour - self.quiet_from) % 24
        if since >= (self.quiet_until - self.quiet_from) % 24:
            return None
        # By the clocks on the wall: a night in which they are changed is an hour longer or shorter.
        end = there.replace(hour=self.quiet_until, minute=0, second=0, microsecond=0, fold=0)
        if end <= there:
            end += timedelta(days=1)
        return max(end.astimezone(UTC), now)


def switched(preferences: MailPreferences, off: Iterable[Topic]) -> MailPreferences:
    """The preferences with exactly these topics off. Raises `Conflict` (`binding_topic`) for one that cannot be."""
    wanted = frozenset(off)
    binding = sorted(topic for topic in wanted if topic.is_binding)
    if binding:
        raise Conflict(f"Mail about {binding[0]} cannot be switched off: it is about money or work that waits.",
                       code="binding_topic")  # fmt: skip
    return replace(preferences, off=wanted, version=preferences.version + 1)


def check_hours(quiet_from: int, quiet_until: int) -> None:
    """Raises `Invalid` (`quiet_hours`) for what is no hour of a day."""
    if not all(0 <= hour <= 23 for hour in (quiet_from, quiet_until)):
        raise Invalid("Hours go from 0 to 23.", code="quiet_hours")
