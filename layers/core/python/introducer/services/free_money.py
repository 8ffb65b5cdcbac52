"""What a case holds goes back to where it came from, once its verdict is carried out; both sides are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from introducer.domain.case import MACHINE, Case, CaseStatus
from introducer.domain.case_mail import decided_mails
from introducer.domain.case_money import to_free
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.events import day_of
from introducer.domain.ledger import AVAILABLE, Balance
from introducer.domain.mail import Mail
from introducer.services.carry_out_verdict import decided, engine_is_done
from introducer.services.case_books import TRIES, CaseBooks
from introducer.services.case_scoring import scored
from introducer.services.hold_money import ORIGIN, moved
from introducer.services.money_in_question import reserved_here


def free_money(books: CaseBooks, *, partner: str, case: str, now: datetime) -> Case:
    """The case with nothing held, and told to both sides (in the same transaction); after a disallow the time to appeal
    (`appeal_by`) begins, and the partner's next finding opens a case of its own. Of an appeal that was decided there is
    no money to free: it only notes that it was carried out. Again changes nothing.

    While a payout that has not been sent stands reserved and disallowed money may be in it, the stop stays
    (`Case.stop`) and nobody is told yet: call again within the hour, until `Case.is_carried_out`.

    Raises `NotFound`, `Conflict` (`not_decided`; `engine_not_done`; `books_changed`: try again), `Unavailable`.
    """
    found = books.cases.case(partner, case)
    was = dict(found.held)
    for _ in range(TRIES):
        verdict = decided(found)
        if found.is_free and found.is_carried_out:
            return found
        if not engine_is_done(books, partner=partner, case=case):
            raise Conflict("The engine has not followed this verdict yet: try again.", code="engine_not_done")
        balance = books.ledger.balance(partner)
        wanted = to_free(found.held)
        # After a release nothing is in question any more.
        stays = bool(found.stop) and verdict.disallowed and _may_be_in_a_payout(books, found, balance, now)
        money = moved(books.holds, found, balance, replace(wanted, reserved=stays), now)
        after, scoring, mails = money.case, None, list[Mail]()
        if after.is_free:
            after, mails = _told(books, found, after, was, now)
            scoring = scored(books, after)
        elif after == found:
            return found
        change = Change(by=MACHINE, at=now, why=verdict.why, origin=ORIGIN)
        step = replace(money, case=after).step(found, change, "free_money", scoring=scoring, mails=mails)
        written = books.cases.write(step)
        found = written or books.cases.case(partner, case)
        if written is not None and not wanted.more:
            return written
    raise Conflict("The partner's books move too fast: try again.", code="books_changed")


def _may_be_in_a_payout(books: CaseBooks, case: Case, balance: Balance, now: datetime) -> bool:
    """Whether what was taken back is missing in what is available, while a payout that has not left has more of it."""
    today = day_of(now)
    come: dict[str, int] = {}
    for (currency, day), minor in case.held.items():
        if day <= today:
            come[currency] = come.get(currency, 0) + minor
    return any(
        balance.bucket(currency, AVAILABLE, today) + come.get(currency, 0) < 0
        for currency in reserved_here(books, balance)
    )


def _told(
    books: CaseBooks, before: Case, after: Case, was: dict[tuple[str, str], int], now: datetime
) -> tuple[Case, list[Mail]]:
    """The case as it is carried out, and the mails that say so."""
    if after.second is not None:
        return replace(after, second_at=now), []
    if after.status is CaseStatus.DISALLOWED:
        days = books.cases.policy(after.brand).appeal_days
        after = replace(after, appeal_by=now + timedelta(days=days))
    after = replace(after, freed_at=now)
    manager = books.configuration.partner(after.partner).manager or ""
    return after, decided_mails(replace(after, held=was), now, manager=manager)
