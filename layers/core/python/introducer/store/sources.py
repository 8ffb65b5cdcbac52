"""Sources: who posts events for a brand."""

from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import Change, Source
from introducer.store import keys
from introducer.store.items import BooksItem, translated
from introducer.store.paging import Page
from introducer.store.records import Part, as_item, as_record, got, values_of


class SourceItem(BooksItem):
    source = UnicodeAttribute()
    brand = UnicodeAttribute()
    dialect = UnicodeAttribute()
    status = UnicodeAttribute()
    settings = UnicodeAttribute(default="{}")


class Sources(Part):
    """Typed reads and conditional writes of sources."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._sources = self._bound(SourceItem)

    def source(self, source: str) -> Source:
        """Raises `NotFound`."""
        return as_record(Source, got(self._sources, keys.key("source", source=source), "source"))

    def sources_of_brand(self, brand: str, cursor: str | None = None, limit: int = 100) -> Page[Source]:
        """A page of those who post events for a brand."""
        return self._owned(self._sources, Source, keys.owner_partition("source", brand=brand), cursor, limit)

    def change_source(self, before: Source, after: Source, action: str, change: Change) -> None:
        """A source is another from now on. Raises `Conflict` when it changed since it was read."""
        item = self._sources
        as_read = (item.status == before.status.value) & (item.dialect == before.dialect)
        # Sources from before there were settings have none.
        settings = item.settings == before.settings
        as_read &= (item.settings.does_not_exist() | settings) if before.settings == "{}" else settings
        self._change(
            before.brand,
            before.source,
            action,
            change,
            values_of(before),
            values_of(after),
            item(*keys.key("source", source=before.source)),
            [
                item.status.set(after.status.value),
                item.dialect.set(after.dialect),
                item.settings.set(after.settings),
            ],
            as_read,
            refusal=f"The source {before.source} changed meanwhile: look at it again.",
        )

    def note_source(self, source: Source, action: str, change: Change, **about: str) -> None:
        """On record: something about a source happens that is kept elsewhere, such as its secret."""
        after = {"source": source.source, **about}
        with (
            translated("This was put on record just now: try again."),
            TransactWrite(connection=self._connection) as transaction,
        ):
            self._audit(transaction, source.brand, source.source, action, change, None, after)

    def register_source(self, source: Source, change: Change) -> None:
        """A new source of events. Raises `Conflict` when its name is taken."""
        self._create(
            source.brand,
            source.source,
            "register_source",
            change,
            source,
            as_item(
                self._sources,
                keys.key("source", source=source.source),
                source,
                keys.owner_key("source", brand=source.brand, source=source.source),
            ),
            refusal=f"The source {source.source} exists already.",
        )
