"""Staff give a partner a promo code, and end it.

No decision reaches back: a code begins, and ends, twelve minutes after that was decided or later, when every engine has
seen it (they keep what was decided for up to a minute). So what a code meant at a registration never changes, whoever
gets it afterwards. While a brand has received nothing yet there is nothing to reach back to: then a code may begin
whenever it did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from introducer.domain.configuration import Change, Role, Status
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.promo_code import LONGEST, SHORTEST, PromoCode, last_of, normalised
from introducer.services.creation import Author, Clock, Randomness, make_id, now
from introducer.services.decisions import after, reason
from introducer.services.set_standing import earliest, full_minute
from introducer.store.configuration import Configuration
from introducer.store.intake_days import IntakeDays

MAY_GIVE = frozenset({Role.MANAGER, Role.ADMIN})
"""Who gives promo codes and ends them."""
FURTHEST = timedelta(days=366)
"""How far ahead a code can begin: a slip in the year would never come true."""
LAST = timedelta(days=3660)
"""How far ahead a code can end."""


def give_code(
    configuration: Configuration,
    *,
    brand: str,
    partner: str,
    code: str,
    campaign: str | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
    received: Callable[[], bool] = lambda: True,
) -> PromoCode:
    """The code, given. It is the partner's from `starts_at` on (a full minute; None is as soon as possible) and until
    `ends_at` (None: until somebody ends it). `received` says whether the brand has received an event ever.

    Raises `NotFound` for a partner or campaign of another brand; `Invalid` for what is no code, a moment that is too
    early or too far, or a missing reason; `Conflict` when somebody has the code then, when the partner is blocked, or
    when the same `request` gave another.
    """
    why = reason(author.why)
    at = now(clock)
    wanted = normalised(code)
    if not wanted:
        raise Invalid(
            f"A promo code has {SHORTEST} to {LONGEST} letters A to Z, digits, points, hyphens and underscores, and"
            " begins with a letter or digit; capitals and spaces make no difference.",
            code="invalid_promo_code",
        )
    found = configuration.partner(partner)
    if found.brand != brand:
        raise NotFound("There is no such partner.")
    campaign = campaign or None
    if campaign is not None:
        configuration.campaign(brand, campaign)
    history = configuration.promo_code(brand, wanted)
    name = make_id("prm", request, at, random, brand)
    asked = None if starts_at is None else full_minute(starts_at)
    until = None if ends_at is None else full_minute(ends_at)
    for before in history:
        if before.request == name:
            return _same(before, partner, campaign, asked, until)
    if found.status is Status.BLOCKED:
        raise Conflict("This partner is blocked and earns nothing: choose another.", code="target_blocked")
    start = earliest(at) if asked is None else asked
    _check(start, until, at, received)
    # Of those that ever begin the last one has the last end; one that was ended before it began is in nobody's way.
    holder = last_of(each for each in history if not each.never_begins)
    if holder is not None and (holder.ends_at is None or holder.ends_at > start):
        until_then = "nobody ended it" if holder.ends_at is None else f"until {holder.ends_at:%Y-%m-%dT%H:%MZ}"
        raise Conflict(
            f"The partner {holder.partner} has the code {wanted} then ({until_then}): choose another code, or end it"
            " there first.",
            code="code_taken",
        )
    last = last_of(history)
    new = PromoCode(
        code=wanted,
        number=1 if last is None else last.number + 1,
        brand=brand,
        partner=partner,
        campaign=campaign,
        starts_at=start,
        ends_at=until,
        given_at=after(at, (each.given_at for each in history)),
        given_by=author.by,
        request=name,
    )
    configuration.give_promo_code(new, last, Change(by=author.by, at=new.given_at, why=why, origin=author.origin))
    return new


def end_code(
    configuration: Configuration,
    *,
    brand: str,
    partner: str,
    code: str,
    ends_at: datetime | None,
    author: Author,
    clock: Clock,
) -> PromoCode:
    """The partner's code, ended at a moment to come (a full minute; None is as soon as possible); a later decision may
    choose another one, until it has ended. One that has not begun by then never does. Twice is harmless.

    Raises `NotFound` when the partner has no such code; `Invalid` for a moment that is too early or too far, or a
    missing reason; `Conflict` when it has ended, or when somebody else decided meanwhile.
    """
    why = reason(author.why)
    at = now(clock)
    last = last_of(configuration.promo_code(brand, normalised(code)))
    if last is None or last.partner != partner:
        raise NotFound("This partner has no such promo code.", code="no_such_promo_code")
    first = max(earliest(at), last.starts_at)
    end = first if ends_at is None else full_minute(ends_at)
    if last.ends_at is not None and (last.ends_at == end or (ends_at is None and last.ends_at <= first)):
        return last
    if last.ends_at is not None and last.ends_at < earliest(at):
        raise Conflict(f"The code {last.code} ended, or ends within minutes: give it anew instead.", code="code_ended")
    if not first <= end <= at + LAST:
        raise Invalid(
            f"No decision reaches back, and engines need twelve minutes to see it: choose a moment from"
            f" {first:%Y-%m-%dT%H:%MZ} on, at most ten years ahead.",
            code="invalid_ends_at",
        )
    changed = replace(last, ends_at=end)
    configuration.end_promo_code(last, changed, Change(by=author.by, at=at, why=why, origin=author.origin))
    return changed


def has_received(configuration: Configuration, days: IntakeDays, brand: str) -> bool:
    """Whether any source of the brand ever sent an event."""
    cursor = None
    while True:
        page = configuration.sources_of_brand(brand, cursor)
        if any(days.of_source(source.source) for source in page.items):
            return True
        cursor = page.cursor
        if cursor is None:
            return False


def _check(start: datetime, until: datetime | None, at: datetime, received: Callable[[], bool]) -> None:
    if start > at + FURTHEST or (start < earliest(at) and received()):
        raise Invalid(
            f"No decision reaches back, and engines need twelve minutes to see it: choose a moment from"
            f" {earliest(at):%Y-%m-%dT%H:%MZ} on, at most {FURTHEST.days} days ahead.",
            code="invalid_starts_at",
        )
    if until is not None and not max(start, earliest(at)) < until <= at + LAST:
        raise Invalid("A code ends after it begins, at most ten years ahead.", code="invalid_ends_at")


def _same(
    before: PromoCode, partner: str, campaign: str | None, asked: datetime | None, until: datetime | None
) -> PromoCode:
    """What was given before, if it is what is asked for now. Its end may have been decided anew since."""
    told = (before.partner, before.campaign) == (partner, campaign) and asked in (None, before.starts_at)
    if not told or (before.ends_at is None and until is not None):
        raise Conflict("This request gave something else before: use a new key.", code="idempotency_key_reused")
    return before
