"""What did a closed month do to a partner's money? Everything on its document, read from the books as they stand."""

from __future__ import annotations

from introducer.domain.errors import NotFound
from introducer.domain.period_statement import PeriodStatement, make_period_statement, payouts_of_month
from introducer.store.adjustments import Adjustments
from introducer.store.paging import every
from introducer.store.payout_journals import PayoutJournals
from introducer.store.payouts import Payouts
from introducer.store.statements import Statements


def read_period_statement(
    statements: Statements,
    adjustments: Adjustments,
    journals: PayoutJournals,
    payouts: Payouts,
    *,
    brand: str,
    partner: str,
    month: str,
) -> PeriodStatement:
    """The document of a closed month. Raises `NotFound` (code `month_not_closed`), and `Conflict` (code
    `statement_differs`) when the books contradict themselves."""
    statement = statements.get(partner, month)
    if statement is None:
        raise NotFound("There is no statement of this month: it is not closed.", code="month_not_closed")
    moves = list(journals.of_partner(partner))
    return make_period_statement(
        brand,
        statement,
        every(lambda cursor: adjustments.of_partner(partner, cursor)),
        moves,
        payouts.by_ids(payouts_of_month(month, moves)),
    )
