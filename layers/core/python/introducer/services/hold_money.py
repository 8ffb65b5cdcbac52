"""Holds the money that a case is about, as far as it is there: no more, nothing that is reserved, nothing that is paid.

May run as often as it likes: when the partner is scored again, and in the machine's steps. What came in since is held
as well, and what clients in question were taken back is freed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.case import MACHINE, Case
from introducer.domain.case_money import Day, Holding, after_moves, journals_of
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict
from introducer.domain.events import milliseconds
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.scoring import Scoring
from introducer.domain.hold import Hold
from introducer.domain.hold import released as hold_released
from introducer.domain.ids import derived_id
from introducer.domain.ledger import Balance, Journal
from introducer.domain.mail import Mail
from introducer.services.case_books import TRIES, CaseBooks
from introducer.services.money_in_question import holding
from introducer.store.cases import Step
from introducer.store.holds import Holds

WHY, ORIGIN = "Money in question", "fraud_case"
STOPPED = "A payout that has not left has money in it that a case asks about."
GOES_ON = "No payout that has not left has money in it that the case asks about."


def hold_money(books: CaseBooks, *, partner: str, case: str, now: datetime) -> Case:
    """The case with the money that it holds now; one that is decided is answered as it is.

    While `Case.stop` is set, money in question stands reserved in a payout that has not been sent: a hold stops all
    payouts of the partner until that payout is set aside. Call again within the hour, and until it is empty.

    Raises `NotFound`, `Conflict` (`books_changed`: try again), `Unavailable`.
    """
    found = books.cases.case(partner, case)
    for _ in range(TRIES):
        if not may_hold(found):
            return found
        balance = books.ledger.balance(partner)
        wanted = holding(books, found, balance, now)
        money = moved(books.holds, found, balance, wanted, now)
        if money.case == found:
            return found
        change = Change(by=MACHINE, at=now, why=WHY, origin=ORIGIN)
        written = books.cases.write(money.step(found, change, "hold_money"))
        found = written or books.cases.case(partner, case)
        if written is not None and not wanted.more:
            return written
    raise Conflict("The partner's books move too fast: try again.", code="books_changed")


def may_hold(case: Case) -> bool:
    """Whether the case holds money: while its first verdict is waited for."""
    return case.verdict is None


@dataclass(frozen=True, kw_only=True)
class Money:
    """A case with its money moved, and what is written with it."""

    case: Case
    balance: Balance
    journals: tuple[Journal, ...]
    placed: Hold | None = None
    lifted: Hold | None = None

    def step(
        self,
        before: Case | None,
        change: Change,
        action: str,
        *,
        findings: tuple[Finding, ...] = (),
        scoring: tuple[Scoring, Scoring] | None = None,
        mails: Sequence[Mail] = (),
    ) -> Step:
        """The step that moves it, and what else is written with it."""
        return Step(
            before=before,
            after=self.case,
            change=change,
            action=action,
            balance=self.balance,
            journals=self.journals,
            placed=self.placed,
            lifted=self.lifted,
            findings=findings,
            scoring=scoring,
            mails=tuple(mails),
        )


def moved(holds: Holds, case: Case, balance: Balance, wanted: Holding, now: datetime) -> Money:
    """The case once this is moved; with a hold on all payouts while money in question stands reserved, and without one
    when none does any more."""
    moves: dict[Day, int] = dict(wanted.moves)
    journals = journals_of(balance, moves, case=case.case, number=case.journals + 1, at_ms=milliseconds(now))
    after = replace(case, held=after_moves(case.held, moves), journals=case.journals + len(journals))
    placed = lifted = None
    if wanted.reserved and not case.stop:
        # Each time anew: a hold that was released stays released.
        placed = Hold(
            hold=derived_id("hld", case.case, case.version),
            brand=case.brand,
            partner=case.partner,
            reason=STOPPED,
            placed_by=MACHINE,
            placed_at=now,
        )
        after = replace(after, stop=placed.hold)
    elif case.stop and not wanted.reserved:
        stands = holds.hold(case.partner, case.stop)
        lifted = hold_released(stands, MACHINE, now, GOES_ON) if stands.stands else None
        after = replace(after, stop="")
    return Money(case=after, balance=balance, journals=journals, placed=placed, lifted=lifted)
