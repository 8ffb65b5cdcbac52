"""Closing a month of a brand's books, step by step; the state machine `period_close` calls these in order.

A close computes no earnings. For each partner it freezes the month first, so that whatever comes later is posted into
the open month and says which month it is for; then it adds up what the month holds, once. Every step may be repeated:
what is done stays done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, IntroducerError, Invalid, TooMany, Unavailable
from introducer.domain.events import in_full_ms
from introducer.domain.money import decimal_string
from introducer.domain.statement import MonthClose, Statement, check_over, make_statement
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.creation import Author
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.statements import Statements

SCHEDULE = Author(by="system:period_close", why="closed on schedule", origin="period_close")
"""Whoever no person has asked."""

PARTNERS_AT_ONCE = 25
"""How many partners one step closes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a close has come: what one step leaves for the next."""

    partners: int = 0
    entries: int = 0
    sums: Mapping[str, str] = field(default_factory=dict)
    """What was posted in the month, per currency, as decimal strings."""
    after: str | None = None
    """The last partner that is closed."""
    more: bool = True


def execution_name(brand: str, month: str) -> str:
    """What the execution that closes a month is called: the same for whoever starts it."""
    return f"{month}-close-{brand}"


def begin_close(configuration: Configuration, *, brand: str, month: str, author: Author, now: datetime) -> MonthClose:
    """Checks that the month may be closed, and writes down who began to. Beginning again changes nothing.

    Raises `Invalid` for a month that has not ended in UTC or that ended before the brand was opened, `NotFound` for an
    unknown brand.
    """
    check_over(month, now)
    first = configuration.brand(brand).created.strftime("%Y-%m")
    if month < first:
        raise Invalid(
            f"The brand was opened in {first}: there is nothing to close in {month}. Close {first} or a later month.",
            code="month_before_brand",
        )
    at = in_full_ms(now)
    close = MonthClose(brand=brand, month=month, began_at=at, began_by=author.by)
    try:
        configuration.begin_month_close(close, Change(by=author.by, at=at, why=author.why, origin=author.origin))
    except Conflict:
        return configuration.month_close(brand, month)
    return close


def close_partners(
    configuration: Configuration,
    ledger: Ledger,
    statements: Statements,
    *,
    brand: str,
    month: str,
    so_far: Progress,
    now: datetime,
    enough: Callable[[], bool] = lambda: False,
) -> Progress:
    """Closes the month for the next partners of the brand; as many as there are until `enough` says so, at least one.

    Raises `Conflict` when a month's journals are not those its statement was made of, which must never happen.
    """
    page = configuration.cards(brand, so_far.after, limit=PARTNERS_AT_ONCE)
    sums = defaultdict(int, {currency: _minor(text) for currency, text in so_far.sums.items()})
    partners, entries, after = so_far.partners, so_far.entries, so_far.after
    more = page.cursor is not None
    for card in page.items:
        if after != so_far.after and enough():
            more = True
            break
        statement = close_partner(ledger, statements, partner=card.partner, month=month, now=now)
        for totals in statement.totals:
            sums[totals.currency] += totals.earned + totals.for_earlier
        partners, entries, after = partners + 1, entries + statement.entries, card.partner
    told = {currency: decimal_string(amount, currency) for currency, amount in sorted(sums.items())}
    return Progress(partners=partners, entries=entries, sums=told, after=after, more=more)


def close_partner(ledger: Ledger, statements: Statements, *, partner: str, month: str, now: datetime) -> Statement:
    """Freezes a partner's month and writes its statement, in this order: what is added up can then change no more."""
    statements.freeze(partner, month)
    made = make_statement(
        partner,
        month,
        _opening(ledger, statements, partner, month),
        ledger.all_journals(partner, month, consistent=True),
        in_full_ms(now),
    )
    stands = statements.put(made)
    if not stands.says_the_same(made):
        raise Conflict(
            f"The journals of {partner} in {month} are not those of its statement: have the books verified.",
            code="statement_differs",
        )
    return stands


def finish_close(
    configuration: Configuration, *, brand: str, month: str, progress: Progress, author: Author, now: datetime
) -> MonthClose:
    """Writes down that the brand's month is closed, and what it came to. A month that is closed stays as it is."""
    began = configuration.month_close(brand, month)
    at = in_full_ms(now)
    closed = replace(
        began,
        closed_at=at,
        closed_by=author.by,
        partners=progress.partners,
        entries=progress.entries,
        sums={currency: _minor(text) for currency, text in progress.sums.items()},
    )
    try:
        configuration.finish_month_close(closed, Change(by=author.by, at=at, why=author.why, origin=author.origin))
    except Conflict:
        return configuration.month_close(brand, month)
    return closed


def start_close(
    configuration: Configuration, workflows: Workflows, *, brand: str, month: str, author: Author, now: datetime
) -> tuple[MonthClose, Execution | None]:
    """Starts the execution that closes a brand's month, on record; none for a month that is closed already.

    Starting it again is harmless; when it failed, it goes on where it stopped. Raises what `begin_close` raises, and
    what `Workflows.start` does.
    """
    close = begin_close(configuration, brand=brand, month=month, author=author, now=now)
    if close.closed_at is not None:
        return close, None
    given = {"brand": brand, "month": month, "by": author.by, "why": author.why}
    return close, workflows.start(execution_name(brand, month), given)


def start_closes(
    configuration: Configuration,
    workflows: Workflows,
    *,
    month: str | None = None,
    author: Author = SCHEDULE,
    now: datetime,
) -> dict[str, list[str]]:
    """Starts a close for every brand there was in the month, by default the one before the current one (UTC). Says
    which executions run now, and which brands were closed before.

    Raises `Conflict` when some brand's could not be started (`TooMany` or `Unavailable` where that passes by itself),
    naming each; those of all others run by then, and starting again is harmless.
    """
    month = month or plus_months(now.strftime("%Y-%m"), -1)
    check_over(month, now)
    started: list[str] = []
    closed: list[str] = []
    failed: dict[str, IntroducerError] = {}
    for brand in configuration.every_brand():
        if brand.created.strftime("%Y-%m") > month:
            continue
        try:
            _, execution = start_close(configuration, workflows, brand=brand.brand, month=month, author=author, now=now)
        except IntroducerError as error:
            failed[brand.brand] = error
            continue
        if execution is None:
            closed.append(brand.brand)
        else:
            started.append(execution.name)
    if failed:
        raise _not_started(month, failed)
    return {"started": started, "closed_before": closed}


def _not_started(month: str, failed: Mapping[str, IntroducerError]) -> IntroducerError:
    """One error for all brands that failed. What passes by itself decides its kind, so that all is tried again."""
    passing = [type(error) for error in failed.values() if isinstance(error, (TooMany, Unavailable))]
    reasons = " ".join(f"{brand}: {error.detail}" for brand, error in sorted(failed.items()))
    return (passing[0] if passing else Conflict)(
        f"The close of {month} was not started for every brand. {reasons} Start it again when that is put right.",
        code="closes_not_started",
    )


def _opening(ledger: Ledger, statements: Statements, partner: str, month: str) -> Mapping[str, int]:
    """What was posted before the month, per currency: the last earlier statement, and the months since. Those are all
    frozen, so it is the same whenever it is asked."""
    earlier = statements.of_partner(partner, before=month, limit=1).items
    sums: dict[str, int] = defaultdict(int)
    if earlier:
        sums.update({totals.currency: totals.closing for totals in earlier[0].totals})
        between = plus_months(earlier[0].month, 1)
    else:
        # Nothing is posted into a month before the one it was earned in.
        between = min((earned for _, earned in ledger.balance(partner).earned), default=month)
    while between < month:
        for journal in ledger.all_journals(partner, between, consistent=True):
            sums[journal.key.currency] += journal.amount
        between = plus_months(between, 1)
    return sums


def _minor(text: str) -> int:
    """The minor units of what `decimal_string` wrote, however large."""
    return int(text.replace(".", ""))
