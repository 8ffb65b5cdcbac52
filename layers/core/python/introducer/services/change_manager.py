"""Staff hand a partner over: somebody else looks after it, or nobody does. It holds at once, and what is open for the
partner's manager goes along.
"""

from __future__ import annotations

from introducer.domain.configuration import Member, Partner, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.services.creation import Clock, now
from introducer.services.decisions import reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import by_member
from introducer.services.raise_task import follow_manager, open_task
from introducer.store.configuration import Configuration
from introducer.store.tasks import Tasks

MAY_ASSIGN = frozenset({Role.MANAGER, Role.ADMIN})
"""Who hands partners over, and to whom they can be handed."""


def change_manager(
    configuration: Configuration, tasks: Tasks, *, member: Member, partner: str, to: str, why: str, clock: Clock
) -> Partner:
    """The partner as it was before. `to` is a member of staff; empty for nobody. Open tasks that nobody was given by
    name are in the new manager's queue then.

    Raises `Forbidden`, `NotFound` for another brand's partner, `Invalid` (`no_such_manager`, `reason_needed`),
    `Conflict` (`same_manager`, or when somebody else decided meanwhile), `Unavailable`.
    """
    check_may_assign(member)
    why = reason(why)
    manager_named(configuration, member, to)
    found = partner_of_brand(configuration, member, partner)
    if (found.manager or "") == to:
        raise Conflict("So it is already: there is nothing to change.", code="same_manager")
    at = now(clock)
    configuration.set_manager(found, to or None, by_member(member, at, why))
    for mark in tasks.marks(found.partner).values():
        task = open_task(tasks, mark)
        if task is not None:
            follow_manager(tasks, task, to, at)
    return found


def check_may_assign(member: Member) -> None:
    """Raises `Forbidden`."""
    if member.role not in MAY_ASSIGN:
        raise Forbidden("Managers and admins hand partners over: ask one of them.", code="not_your_role")


def manager_named(configuration: Configuration, member: Member, to: str) -> Member | None:
    """The colleague who is to look after partners; None for nobody. Raises `Invalid`."""
    if not to:
        return None
    try:
        found = configuration.member(to)
    except NotFound:
        found = None
    if found is None or found.brand != member.brand or found.role not in MAY_ASSIGN:
        raise Invalid("Choose a manager or an admin of your own brand.", code="no_such_manager", field="to")
    return found
