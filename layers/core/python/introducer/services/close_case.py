"""A case ends: it is listed among the closed ones, and nothing of it waits any more."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import MACHINE, Case
from introducer.domain.case_mail import closed_mails
from introducer.domain.case_rules import closed
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.services.case_books import TRIES, CaseBooks
from introducer.services.hold_money import ORIGIN
from introducer.store.cases import Step


def close_case(books: CaseBooks, *, partner: str, case: str, now: datetime) -> Case:
    """The case, closed: released and free; disallowed and not appealed in time; or the appeal decided and carried out.
    Again changes nothing. One that was appealed in the last moment is answered as it is, not closed: ask for the second
    verdict.

    Raises `NotFound`, `Conflict` (`not_done`: money is held, or somebody may still act), `Unavailable`.
    """
    for _ in range(TRIES):
        found = books.cases.case(partner, case)
        if found.is_closed:
            return found
        after = closed(found, now)
        if after is found:
            return found
        manager = books.configuration.partner(found.partner).manager or ""
        change = Change(by=MACHINE, at=now, why="Nothing of it waits any more", origin=ORIGIN)
        step = Step(
            before=found,
            after=after,
            change=change,
            action="close_case",
            mails=tuple(closed_mails(after, now, manager=manager)),
        )
        written = books.cases.write(step)
        if written is not None:
            return written
    raise Conflict("The case is being changed by somebody else: try again.", code="case_changed")
