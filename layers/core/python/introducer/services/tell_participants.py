"""What is told to everybody who takes part in a contest: that it runs at another time, or not at all.

The contest's execution does it, page by page, when it sees the change: who is told stands in entries, of which there
are more than fit into the transaction of the change. A mail that is there is not put again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from introducer.domain.contest import Contest
from introducer.domain.contest_mail import cancelled_mail, moved_mail
from introducer.domain.mail import Mail
from introducer.services.contest_books import ContestBooks
from introducer.services.contest_steps import participants


def tell_moved(books: ContestBooks, *, contest: str, now: datetime) -> int:
    """Tells participants of the time at which the contest runs now; to how many. Raises `NotFound`, `Unavailable`."""
    return _tell(books, books.contests.contest(contest), moved_mail, now)


def tell_cancelled(books: ContestBooks, *, contest: str, now: datetime) -> int:
    """Tells participants that the contest was cancelled; to how many. Raises `NotFound`, `Unavailable`."""
    return _tell(books, books.contests.contest(contest), cancelled_mail, now)


def _tell(books: ContestBooks, contest: Contest, mail: Callable[[Contest, str, datetime], Mail], now: datetime) -> int:
    mails = [mail(contest, entry.partner, now) for entry in participants(books, contest.contest)]
    books.mails.put_all(mails)
    return len(mails)
