"""Staff suspend or block a partner, or lift it, from a moment to come on.

A decision never reaches back: it begins twelve minutes after it was made or later, when every engine has seen it (they
keep what was decided for up to a minute), so no event is priced by an older one. What was earned before is a matter of
adjustments. A later decision covers earlier ones from its own beginning on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from introducer.domain.configuration import Change, Member, Partner, Role, Standing, Status, status_at
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.events import NOTICE
from introducer.services.creation import Clock, Randomness, make_id, now
from introducer.services.decisions import after, reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.configuration import Configuration

MAY_SUSPEND = frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN})
"""Who suspends a partner and lifts a suspension."""
MAY_BLOCK = frozenset({Role.COMPLIANCE, Role.ADMIN})
"""Who blocks a partner and lifts a block."""
FURTHEST = timedelta(days=366)
"""How far ahead a standing can be decided: a slip in the year would never come true."""
MOST_AHEAD = 20
"""Moments to come for which something is decided; one transaction covers them all."""
_MINUTE = timedelta(minutes=1)


def set_standing(
    configuration: Configuration,
    *,
    member: Member,
    partner: str,
    status: Status,
    since: datetime | None,
    why: str,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
    origin: str = "",
) -> Standing:
    """The decision, recorded. It holds from `since` on (a full minute; one within a minute is rounded up); None is as
    soon as possible.

    Raises `Forbidden` for a member whose role does not decide this; `NotFound` for a partner of another brand;
    `Invalid` for a moment that is too early or too far, or a missing reason; `Conflict` when nothing would change, when
    too much is decided for later, or when somebody else decided meanwhile.
    """
    if member.role not in MAY_SUSPEND:
        raise Forbidden("Managers, compliance and admins decide a partner's standing.", code="not_your_role")
    why = reason(why)
    at = now(clock)
    found = partner_of_brand(configuration, member, partner)
    # Read after the profile, so that a decision in between is met by the write's condition.
    history = configuration.standings(partner)
    decision = make_id("std", request, at, random, partner)
    asked = None if since is None else full_minute(since)
    for before in history:
        if before.standing == decision:
            return _same(before, status, asked)
    since = earliest(at) if asked is None else asked
    if not earliest(at) <= since <= at + FURTHEST:
        raise Invalid(
            f"A standing never reaches back, and engines need twelve minutes to see it: choose a moment from"
            f" {earliest(at):%Y-%m-%dT%H:%MZ} on, at most {FURTHEST.days} days ahead.",
            code="invalid_since",
        )
    until_then = status_at(since, history)
    covered = covered_by(since, status, history)
    if until_then is status and not covered:
        raise Conflict(f"From that moment on the partner is {status.value} already.", code="same_standing")
    touched = {status, until_then, *(status_at(moment, history) for moment in covered)}
    if Status.BLOCKED in touched and member.role not in MAY_BLOCK:
        raise Forbidden("Compliance and admins block a partner and lift a block: ask one of them.", code="block_role")
    ahead = {each.since for each in history if each.since > at}
    if since not in ahead and len(ahead) >= MOST_AHEAD:
        raise Conflict(
            f"So much is decided for later already: choose {min(ahead):%Y-%m-%dT%H:%MZ}.", code="too_many_ahead"
        )
    new = Standing(
        partner=partner,
        standing=decision,
        since=since,
        status=status,
        reason=why,
        decided_at=after(at, (each.decided_at for each in history)),
        decided_by=member.member,
    )
    configuration.set_standing(
        new,
        found.status,
        Change(by=member.member, at=new.decided_at, why=why, origin=origin),
        current_since=found.status_since,
        covers=covered,
    )
    return new


def standing_of(configuration: Configuration, partner: Partner, at: datetime) -> Status:
    """What the partner is at a moment that has come; the history is read only while a decision waits."""
    if partner.status_since is None or partner.status_since <= at:
        return partner.status
    return status_at(at, configuration.standings(partner.partner))


def statuses_for(role: Role, at: datetime, history: Sequence[Standing]) -> list[Status]:
    """What a member of this role can decide now, as soon as possible."""
    start = earliest(at)
    if role in MAY_BLOCK:
        return list(Status)
    to_come = {status_at(start, history), *(each.status for each in history if each.since > start)}
    return [Status.ACTIVE, Status.SUSPENDED] if role in MAY_SUSPEND and Status.BLOCKED not in to_come else []


def covered_by(since: datetime, status: Status, history: Iterable[Standing]) -> list[datetime]:
    """The later moments at which something else was to begin."""
    history = list(history)
    moments = sorted({each.since for each in history if each.since > since})
    return [moment for moment in moments if status_at(moment, history) is not status]


def earliest(at: datetime) -> datetime:
    """The first moment from which on a standing can be decided now."""
    return full_minute(at + NOTICE)


def full_minute(moment: datetime) -> datetime:
    """The moment, or the next full minute after it; in UTC."""
    moment = moment.astimezone(UTC)
    begun = moment.replace(second=0, microsecond=0)
    return begun if begun == moment else begun + _MINUTE


def _same(before: Standing, status: Status, asked: datetime | None) -> Standing:
    """What was decided before, if it is what is asked for now."""
    if before.status is not status or asked not in (None, before.since):
        raise Conflict("This request decided something else before: use a new key.", code="idempotency_key_reused")
    return before
