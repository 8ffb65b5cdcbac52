"""The closing of a brand's months."""

from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Change
from introducer.domain.statement import MonthClose
from introducer.store import keys
from introducer.store.audit import as_json
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute
from introducer.store.paging import Page
from introducer.store.records import Part, as_item, as_record, got, page_of


class MonthCloseItem(BooksItem):
    brand = UnicodeAttribute()
    month = UnicodeAttribute()
    began_at = MomentAttribute()
    began_by = UnicodeAttribute()
    closed_at = MomentAttribute(null=True)
    closed_by = UnicodeAttribute(null=True)
    partners = IntegerAttribute()
    entries = IntegerAttribute()
    sums = UnicodeAttribute(null=True)


class MonthCloses(Part):
    """Typed reads and conditional writes of closed months."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._closes = self._bound(MonthCloseItem)

    def month_close(self, brand: str, month: str) -> MonthClose:
        """Read consistently. Raises `NotFound` when nobody began to close that month."""
        key = keys.key("month_close", brand=brand, month=month)
        return as_record(MonthClose, got(self._closes, key, "close", consistent=True))

    def months_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[MonthClose]:
        """A page of the months that are closed or being closed, the newest first."""
        partition = keys.partition("month_close", brand=brand)
        return page_of(self._closes, MonthClose, partition, cursor, limit, newest_first=True)

    def begin_month_close(self, close: MonthClose, change: Change) -> None:
        """Somebody begins to close a brand's month. Raises `Conflict` when somebody did before."""
        self._create(
            close.brand,
            close.brand,
            "begin_month_close",
            change,
            close,
            as_item(self._closes, keys.key("month_close", brand=close.brand, month=close.month), close),
            refusal=f"{close.month} is being closed already.",
        )

    def finish_month_close(self, close: MonthClose, change: Change) -> None:
        """A brand's month is closed. Raises `Conflict` when it was before, or when nobody began to close it."""
        assert close.closed_at is not None and close.closed_by is not None and close.sums is not None
        self._change(
            close.brand,
            close.brand,
            "close_month",
            change,
            {"month": close.month},
            {"month": close.month, "partners": close.partners, "entries": close.entries, "sums": as_json(close.sums)},
            self._closes(*keys.key("month_close", brand=close.brand, month=close.month)),
            [
                self._closes.closed_at.set(close.closed_at),
                self._closes.closed_by.set(close.closed_by),
                self._closes.partners.set(close.partners),
                self._closes.entries.set(close.entries),
                self._closes.sums.set(as_json(close.sums)),
            ],
            self._closes.pk.exists() & self._closes.closed_at.does_not_exist(),
            refusal=f"{close.month} is closed already, or nobody began to close it.",
        )
