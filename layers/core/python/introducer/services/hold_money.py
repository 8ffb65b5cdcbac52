"""Holds the money that a case is about, as far as it is there: no more, nothing that is reserved, nothing that is paid.

May run as often as it likes: when the partner is scored again, and in the machine's steps. What came in since is held
as well, and what clients in question were taken back is freed.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain.case import Case
from introducer.services.case_books import CaseBooks


def hold_money(books: CaseBooks, *, partner: str, case: str, now: datetime) -> Case:
    """The case with the money that it holds now; one that is decided is answered as it is.

    While `Case.stop` is set, money in question stands reserved in a payout that has not been sent: a hold stops all
    payouts of the partner until that payout is set aside. Call again within the hour, and until it is empty.

    Raises `NotFound`, `Conflict` (`books_changed`: try again), `Unavailable`.
    """
    raise NotImplementedError
