"""Staff put a partner below another one, from a month to come on.

Overrides climb along the parents that a month has at its first instant, so a parent changes at a month's start and
never for a month that has begun: what was earned before stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Change, Parenting, Partner, parent_in
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import NOTICE, month_of
from introducer.services.creation import Author, Clock, Randomness, make_id, now
from introducer.services.decisions import after, reason
from introducer.store.configuration import Configuration

MOST_DEPTH = 20
"""No partner stands below more than so many others."""
MONTHS_AHEAD = 12
"""How far ahead a parent can be decided: a slip in the year would bar every change before it."""


def change_parent(
    configuration: Configuration,
    *,
    partner: str,
    parent: str | None,
    month: str,
    author: Author,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Parenting:
    """The decision, recorded. `month` is the first one in which it holds; `parent` is None for nobody; the reason is
    `author.why`.

    Raises `NotFound` for an unknown partner or parent, or a parent of another brand; `Invalid` for a month that has
    begun or is too far, or a missing reason; `Conflict` when the parent is that one already, is the partner or stands
    below it, when a later month is decided already, or when somebody else decided meanwhile.
    """
    why = reason(author.why)
    at = now(clock)
    known = _Known(configuration)
    child = known.partner(partner)
    history = known.history(partner)
    new = Parenting(
        partner=partner,
        parenting=make_id("prt", request, at, random, partner),
        month=month,
        parent=parent,
        reason=why,
        decided_at=after(at, (each.decided_at for each in history)),
    )
    for before in history:
        if before.parenting == new.parenting:
            if (before.month, before.parent) != (month, parent):
                raise Conflict(
                    "This request decided something else before: use a new key.", code="idempotency_key_reused"
                )
            return before
    if month not in months_to_come(at):
        raise Invalid(
            f"A parent changes at the start of a month to come: choose {months_to_come(at)[0]} or a later one,"
            f" at most {MONTHS_AHEAD} months ahead.",
            code="invalid_month",
        )
    if history and history[-1].month > month:
        raise Conflict(
            f"From {history[-1].month} on the parent is decided already: choose that month or a later one.",
            code="later_month_decided",
        )
    if parent_in(month, history) == parent:
        raise Conflict("This is the parent in that month already: there is nothing to change.", code="same_parent")
    lines: dict[str, str | None] = {partner: child.parent}
    if parent is not None:
        if known.partner(parent).brand != child.brand:
            raise NotFound("There is no such partner.")
        for above in _above(known, partner, parent, month):
            lines[above] = known.partner(above).parent
    change = Change(by=author.by, at=new.decided_at, why=why, origin=author.origin)
    configuration.set_parent(new, lines, change)
    return new


def months_to_come(at: datetime) -> list[str]:
    """The months from whose start on a parent can be decided now."""
    return [plus_months(month_of(at + NOTICE), number) for number in range(1, MONTHS_AHEAD + 1)]


@dataclass
class _Known:
    """Partners and their histories, each read once."""

    configuration: Configuration
    _partners: dict[str, Partner] = field(default_factory=dict)
    _histories: dict[str, list[Parenting]] = field(default_factory=dict)

    def partner(self, partner: str) -> Partner:
        """Raises `NotFound`."""
        if partner not in self._partners:
            self._partners[partner] = self.configuration.partner(partner)
        return self._partners[partner]

    def history(self, partner: str) -> list[Parenting]:
        if partner not in self._histories:
            self._histories[partner] = self.configuration.parentings(partner)
        return self._histories[partner]


def _above(known: _Known, partner: str, parent: str, month: str) -> Mapping[str, None]:
    """Everybody the partner would stand below, in that month or in a later one for which changes are decided.

    Raises `Conflict` when the partner itself would be among them, or when they are too many.
    """
    seen: dict[str, None] = {}
    months, done = {month}, set[str]()
    while months - done:
        current = min(months - done)
        done.add(current)
        above: str | None = parent
        depth = 0
        while above is not None:
            depth += 1
            if above == partner:
                raise Conflict(
                    "A partner cannot stand below itself, nor below one that stands below it: choose another.",
                    code="circle",
                )
            if depth > MOST_DEPTH:
                raise Conflict(
                    f"The partner would stand below more than {MOST_DEPTH} others: choose one higher up.",
                    code="too_deep",
                )
            seen[above] = None
            history = known.history(above)
            months |= {each.month for each in history if each.month > month}
            above = parent_in(current, history)
    return seen
