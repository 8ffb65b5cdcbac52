"""What a case holds goes back to where it came from, once its verdict is carried out; both sides are told."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.services.case_books import CaseBooks


def free_money(books: CaseBooks, *, partner: str, case: str, now: datetime) -> Case:
    """The case with nothing held, and told to both sides (in the same transaction); after a disallow the time to appeal
    (`appeal_by`) begins, and the partner's next finding opens a case of its own. Again changes nothing.

    While a payout that has not been sent stands reserved and disallowed money may be in it, the stop stays
    (`Case.stop`): call again within the hour, until `domain.case.is_free`.

    Raises `NotFound`, `Conflict` (`not_decided`; `engine_not_done`; `books_changed`: try again), `Unavailable`.
    """
    raise NotImplementedError
