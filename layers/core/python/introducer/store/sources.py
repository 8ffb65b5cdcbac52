"""Sources: who posts events for a brand."""

from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Change, Source
from introducer.store import keys
from introducer.store.items import BooksItem
from introducer.store.paging import Page
from introducer.store.records import Part, as_item, as_record, got


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
