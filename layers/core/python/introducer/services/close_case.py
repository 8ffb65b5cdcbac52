"""A case ends: it is listed among the closed ones, and nothing of it waits any more."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.services.case_books import CaseBooks


def close_case(books: CaseBooks, *, partner: str, case: str, now: datetime) -> Case:
    """The case, closed: released and free; disallowed and not appealed in time; or the appeal decided and carried out.
    Again changes nothing. Raises `NotFound`, `Conflict` (`not_done`: money is held, or somebody may still act)."""
    raise NotImplementedError
