"""Brands and the hosts they answer under."""

from __future__ import annotations

from collections.abc import Iterator

from pynamodb.attributes import UnicodeAttribute

from introducer.domain.configuration import Brand, BrandHost, Change
from introducer.store import keys
from introducer.store.items import BooksItem, MomentAttribute
from introducer.store.paging import Page, every
from introducer.store.records import Part, as_item, as_record, got


class BrandItem(BooksItem):
    brand = UnicodeAttribute()
    name = UnicodeAttribute()
    domain = UnicodeAttribute()
    base_currency = UnicodeAttribute()
    fallback_url = UnicodeAttribute()
    created = MomentAttribute()
    time_zone = UnicodeAttribute(null=True)


class BrandHostItem(BooksItem):
    host = UnicodeAttribute()
    brand = UnicodeAttribute()
    fallback_url = UnicodeAttribute()


class Brands(Part):
    """Typed reads and conditional writes of brands."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._brands = self._bound(BrandItem)
        self._hosts = self._bound(BrandHostItem)

    def brand(self, brand: str) -> Brand:
        """Raises `NotFound`."""
        return as_record(Brand, got(self._brands, keys.key("brand", brand=brand), "brand"))

    def brands(self, cursor: str | None = None, limit: int = 100) -> Page[Brand]:
        """A page of all brands."""
        return self._owned(self._brands, Brand, keys.owner_partition("brand"), cursor, limit)

    def every_brand(self) -> Iterator[Brand]:
        """All brands of the installation."""
        return every(self.brands)

    def brand_host(self, host: str) -> BrandHost:
        """Raises `NotFound`."""
        return as_record(BrandHost, got(self._hosts, keys.key("brand_host", host=host), "host"))

    def open_brand(self, brand: Brand, change: Change) -> None:
        """A new brand and the host it answers under. Raises `Conflict` when either is taken."""
        host = BrandHost(host=brand.domain, brand=brand.brand, fallback_url=brand.fallback_url)
        self._create(
            brand.brand,
            brand.brand,
            "open_brand",
            change,
            brand,
            as_item(
                self._brands,
                keys.key("brand", brand=brand.brand),
                brand,
                keys.owner_key("brand", brand=brand.brand),
            ),
            as_item(self._hosts, keys.key("brand_host", host=host.host), host),
            refusal=f"The brand {brand.name} or its host {brand.domain} exists already.",
        )
