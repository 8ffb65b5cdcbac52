"""Brands and the hosts they answer under."""

from __future__ import annotations

from collections.abc import Iterator

from pynamodb.attributes import UnicodeAttribute
from pynamodb.transactions import TransactWrite

from introducer.domain.configuration import Brand, BrandHost, Change
from introducer.store import keys
from introducer.store.items import BooksItem, MomentAttribute, translated
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

    def change_brand(self, before: Brand, after: Brand, change: Change) -> None:
        """A brand has another name, time zone or fallback page; the host it answers under follows. Raises `Conflict`
        (`brand_changed`) when it changed since it was read."""
        names = ("name", "time_zone", "fallback_url")
        told = [{name: getattr(each, name) for name in names} for each in (before, after)]
        brands, hosts = self._brands, self._hosts
        as_read = (brands.name == before.name) & (brands.fallback_url == before.fallback_url)
        zone = brands.time_zone == before.time_zone
        # A brand from before it had a time zone has UTC.
        as_read &= zone | brands.time_zone.does_not_exist() if before.time_zone == "UTC" else zone
        with (
            translated("The brand changed meanwhile: look at it again.", "brand_changed"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            transaction.update(
                brands(*keys.key("brand", brand=before.brand)),
                [
                    brands.name.set(after.name),
                    brands.time_zone.set(after.time_zone),
                    brands.fallback_url.set(after.fallback_url),
                ],
                condition=as_read,
            )
            transaction.update(
                hosts(*keys.key("brand_host", host=before.domain)),
                [hosts.fallback_url.set(after.fallback_url)],
                condition=hosts.brand == before.brand,
            )
            self._audit(transaction, before.brand, before.brand, "change_brand", change, *told)

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
