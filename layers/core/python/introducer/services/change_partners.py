"""Staff change several partners at once: who looks after them, or their standing.

Each is changed by the service that changes one: with its own conditions, and its own record. So what one refuses stops
none of the others, and a run that was cut can be sent again: who was changed already is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from introducer.domain.configuration import Member, Partner, Role, Status, status_at
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.services.change_manager import MAY_ASSIGN, change_manager, check_may_assign, manager_named
from introducer.services.creation import Clock, Randomness
from introducer.services.decisions import reason
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names
from introducer.services.set_standing import MAY_BLOCK, MAY_SUSPEND, covered_by, earliest, set_standing
from introducer.store.configuration import Configuration
from introducer.store.tasks import Tasks

MOST_AT_ONCE = 50
"""Partners that one request changes: each takes a handful of reads and a transaction."""


class Action(StrEnum):
    """What is changed."""

    MANAGER = "manager"
    STANDING = "standing"


WHO: dict[Action, frozenset[Role]] = {Action.MANAGER: MAY_ASSIGN, Action.STANDING: MAY_SUSPEND}
"""Who may, of each; of standings some need more."""


class Fate(StrEnum):
    """What became of a partner, or would."""

    WOULD = "would"
    """It would be changed."""
    DONE = "done"
    SAME = "same"
    """It is so already."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One partner: what it was, and what it becomes. Of a standing both are its words, of a manager the names."""

    partner: str
    name: str
    before: str
    after: str
    fate: Fate
    code: str = ""
    """Why it was refused, as a program is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to become of all of them: `to` is a member of staff (empty: nobody), or a standing."""

    action: Action
    to: str


@dataclass(frozen=True, kw_only=True)
class ChangeBooks:
    configuration: Configuration
    tasks: Tasks


def preview_change(
    books: ChangeBooks, *, member: Member, partners: Sequence[str], wish: Wish, now: datetime
) -> tuple[Outcome, ...]:
    """What would become of each; nothing is written. Raises `Forbidden`, and `Invalid` (`too_many_partners`,
    `nobody_chosen`, `no_such_manager`, `invalid_standing`)."""
    one = _Looks(books, member, wish, now)
    return tuple(_met(books, member, partner, one.would) for partner in _checked(partners))


def change_partners(
    books: ChangeBooks,
    *,
    member: Member,
    partners: Sequence[str],
    wish: Wish,
    why: str,
    clock: Clock,
    random: Randomness,
    request: str,
) -> tuple[Outcome, ...]:
    """What became of each. The same `request` again changes nobody twice. Raises what `preview_change` does, and
    `Invalid` (`reason_needed`)."""
    why = reason(why)
    chosen = _checked(partners)
    looks = _Looks(books, member, wish, clock())

    def change(found: Partner) -> Outcome:
        if wish.action is Action.MANAGER:
            change_manager(
                books.configuration, books.tasks, member=member, partner=found.partner, to=wish.to, why=why, clock=clock
            )
        else:
            set_standing(
                books.configuration, member=member, partner=found.partner, status=Status(wish.to), since=None, why=why,
                clock=clock, random=random, request=request,
            )  # fmt: skip
        return looks.outcome(found, Fate.DONE)

    def changed(found: Partner) -> Outcome:
        would = looks.would(found)
        return would if would.fate is not Fate.WOULD else change(found)

    return tuple(_met(books, member, partner, changed) for partner in chosen)


class _Looks:
    """What a wish would do to one."""

    def __init__(self, books: ChangeBooks, member: Member, wish: Wish, now: datetime) -> None:
        self._books, self._member, self._wish, self._now = books, member, wish, now
        self._names = Names(books.configuration)
        if wish.action is Action.MANAGER:
            check_may_assign(member)
            manager_named(books.configuration, member, wish.to)
        elif member.role not in MAY_SUSPEND:
            raise Forbidden("Managers, compliance and admins decide a partner's standing.", code="not_your_role")
        elif wish.to not in set(Status):
            raise Invalid("A standing is active, suspended or blocked.", code="invalid_standing", field="to")

    def would(self, found: Partner) -> Outcome:
        """Raises what the change would."""
        if self._wish.action is Action.MANAGER:
            return self.outcome(found, Fate.SAME if (found.manager or "") == self._wish.to else Fate.WOULD)
        history = self._books.configuration.standings(found.partner)
        start, to = earliest(self._now), Status(self._wish.to)
        until_then, covered = status_at(start, history), covered_by(start, to, history)
        if until_then is to and not covered:
            return self.outcome(found, Fate.SAME)
        touched = {to, until_then, *(status_at(moment, history) for moment in covered)}
        if Status.BLOCKED in touched and self._member.role not in MAY_BLOCK:
            raise Forbidden(
                "Compliance and admins block a partner and lift a block: ask one of them.", code="block_role"
            )
        return self.outcome(found, Fate.WOULD)

    def outcome(self, found: Partner, fate: Fate) -> Outcome:
        if self._wish.action is Action.MANAGER:
            before, after = (self._names.of(each) for each in (found.manager or "", self._wish.to))
        else:
            before, after = found.status.value, self._wish.to
        return Outcome(partner=found.partner, name=found.name, before=before, after=after, fate=fate)


def _checked(partners: Sequence[str]) -> list[str]:
    """The chosen, each once. Raises `Invalid`."""
    chosen = list(dict.fromkeys(partners))
    if not chosen:
        raise Invalid("Choose at least one partner.", code="nobody_chosen", field="partners")
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(
            f"At most {MOST_AT_ONCE} partners are changed at once.", code="too_many_partners", field="partners"
        )
    return chosen


def _met(books: ChangeBooks, member: Member, partner: str, what: Callable[[Partner], Outcome]) -> Outcome:
    """One's own refusal is its outcome. Where the books do not answer the run ends: it is sent again."""
    name = ""
    try:
        found = partner_of_brand(books.configuration, member, partner)
        name = found.name
        return what(found)
    except (Conflict, Forbidden, Invalid, NotFound) as error:
        code: str = error.code
        fate = Fate.SAME if code in ("same_manager", "same_standing") else Fate.REFUSED
        return Outcome(
            partner=partner, name=name, before="", after="", fate=fate, code="" if fate is Fate.SAME else code
        )
