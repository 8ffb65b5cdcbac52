"""Carries out what was decided: facts about the clients, which the engine follows; the money then goes free.

Never the other order: what a disallowed client earned is held until the clawback stands beside it.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.services.case_books import CaseBooks
from introducer.store.rulings import Rulings


def carry_out_verdict(books: CaseBooks, rulings: Rulings, *, partner: str, case: str, now: datetime) -> Case:
    """Records a VERDICT event for each client that the last verdict is about, with its audit record: none after a
    release, `disallowed` after a disallow, `allowed` after an overturned appeal. Again writes nothing.

    Raises `NotFound`, `Conflict` (`not_decided`), `Unavailable`.
    """
    raise NotImplementedError


def engine_is_done(books: CaseBooks, *, partner: str, case: str) -> bool:
    """Whether the engine has applied every such event, posted all that follows from it, and settled the partner's
    months. True at once where there is none to apply."""
    raise NotImplementedError
