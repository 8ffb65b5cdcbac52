"""A suspicion becomes a case: what was found, the money in question, who is told, all in one transaction.

One case of a partner is open at most. What is found while it is open joins it: its detectors and clients are added, and
more money is held where more is in question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from introducer.domain.case import SCORING, Case
from introducer.domain.configuration import Member
from introducer.domain.fraud.finding import Finding
from introducer.services.case_books import CaseBooks, Start


def open_case(
    books: CaseBooks,
    start: Start,
    *,
    brand: str,
    partner: str,
    findings: Sequence[Finding],
    why: str,
    now: datetime,
    by: str = SCORING,
) -> Case | None:
    """Opens the partner's case, or lets the findings join the one that is open; the case as it stands then. `why` is
    the first finding in words (staff's sentence, filled in).

    Its money is held in the same transaction, and the execution is started after it: where that fails the case stands
    without one (`Case.execution` empty), and whoever comes next starts it. The same findings again change nothing. None
    without findings. A case that is decided and not carried out yet takes nothing in: it is answered as it is, and the
    next scoring opens another.

    Raises `NotFound` for a partner that the brand does not have, `Conflict` (`books_changed`: try again),
    `Unavailable`.
    """
    raise NotImplementedError


def open_case_by_hand(
    books: CaseBooks,
    start: Start,
    *,
    member: Member,
    partner: str,
    clients: Sequence[str],
    why: str,
    now: datetime,
    clock_pause: Callable[[int], None] | None = None,
) -> Case:
    """A manager, compliance or an admin opens a case, or adds clients to the open one. `clients` are keyed hashes of
    clients of this partner; without any, all that is not paid out is in question.

    Raises `Forbidden` (`case_role`), `NotFound` (`no_such_client` for one that is not this partner's), `Invalid` for a
    reason that is none, `Conflict`, `Unavailable`.
    """
    raise NotImplementedError


def start_execution(books: CaseBooks, start: Start, case: Case) -> Case:
    """Sees that an execution walks the case, and notes its name. A daily sweep calls it for each case that is not
    closed: an execution that failed is started again. Where it cannot be started the case is answered as it is."""
    raise NotImplementedError
