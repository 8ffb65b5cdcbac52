"""Which months of a brand are closed, and how does one that is being closed go?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Brand
from introducer.domain.errors import NotFound
from introducer.domain.money import Money
from introducer.domain.statement import MonthClose, is_over
from introducer.gateways.workflows import Workflows
from introducer.services.close_month import execution_name
from introducer.store.configuration import Configuration
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfBrand:
    month: str
    state: str
    """`current` while it has not ended, `ready` when it may be closed, `running`, `failed` or `closed`; `frozen` when a
    later month is closed, and this one with it, and its statements are not written."""
    closed_with: str | None = None
    """The later month that froze it: the first one that was closed."""
    began_at: datetime | None = None
    began_by: str | None = None
    """A name where there is one."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    partners: int = 0
    entries: int = 0
    sums: tuple[Money, ...] = ()
    cause: str = ""
    """Why closing it failed."""

    @property
    def may_be_closed(self) -> bool:
        """Also of a frozen month: closing it writes its statements."""
        return self.state in ("ready", "failed", "frozen")


def read_months_of_brand(
    configuration: Configuration,
    workflows: Callable[[], Workflows],
    *,
    brand: Brand,
    now: datetime,
    before: str | None,
    limit: int,
) -> Page[MonthOfBrand]:
    """A page of months since the brand was opened, the newest first, the current one (UTC) included; those before
    `before`. Executions are asked of `workflows`, only for months that somebody began to close and nobody finished."""
    first = brand.created.strftime("%Y-%m")
    newest = plus_months(before, -1) if before else now.strftime("%Y-%m")
    months: list[str] = []
    while newest >= first and len(months) < limit:
        months.append(newest)
        newest = plus_months(newest, -1)
    if not months:
        return Page(())
    known = {close.month: close for close in _closes(configuration, brand.brand, months[-1])}
    closed = sorted(close.month for close in known.values() if close.closed_at is not None)
    names: dict[str, str] = {}
    return Page(
        tuple(
            _read(configuration, workflows, known.get(month), month, _first_after(closed, month), now, names)
            for month in months
        ),
        months[-1] if newest >= first else None,
    )


def _closes(configuration: Configuration, brand: str, since: str) -> Iterator[MonthClose]:
    """Which months of the brand somebody closed or began to, from `since` on: a later one may have closed earlier
    ones."""
    cursor: str | None = None
    while True:
        page = configuration.months_of_brand(brand, cursor)
        yield from (close for close in page.items if close.month >= since)
        cursor = page.cursor
        if cursor is None or cursor <= since:
            return


def _first_after(closed: Sequence[str], month: str) -> str | None:
    return next((each for each in closed if each > month), None)


def _read(
    configuration: Configuration,
    workflows: Callable[[], Workflows],
    close: MonthClose | None,
    month: str,
    later: str | None,
    now: datetime,
    names: dict[str, str],
) -> MonthOfBrand:
    """`later` is the first closed month after it: closing that froze this one too."""
    ready = "ready" if later is None else "frozen"
    if close is None:
        return MonthOfBrand(month=month, state=ready if is_over(month, now) else "current", closed_with=later)
    state, cause = "closed", ""
    if close.closed_at is None:
        execution = workflows().latest(execution_name(close.brand, month))
        state = ready if execution is None or not (execution.is_running or execution.failed) else "running"
        if execution is not None and execution.failed:
            state, cause = "failed", execution.cause
    return MonthOfBrand(
        month=month,
        state=state,
        closed_with=later if close.closed_at is None else None,
        began_at=close.began_at,
        began_by=_name(configuration, close.began_by, names),
        closed_at=close.closed_at,
        closed_by=None if close.closed_by is None else _name(configuration, close.closed_by, names),
        partners=close.partners,
        entries=close.entries,
        sums=tuple(Money(amount, currency) for currency, amount in sorted((close.sums or {}).items())),
        cause=cause,
    )


def _name(configuration: Configuration, by: str, names: dict[str, str]) -> str:
    """What people call whoever did it; the id where nobody has a name for it."""
    if by not in names:
        try:
            names[by] = by if by.startswith("system:") else configuration.member(by).name
        except NotFound:
            names[by] = by
    return names[by]
