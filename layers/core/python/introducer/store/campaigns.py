"""Campaigns: what partners promote. Each is written together with its route, which is all that the redirect reads."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import JSONAttribute, ListAttribute, MapAttribute, UnicodeAttribute
from pynamodb.transactions import TransactWrite

from introducer.domain.campaigns import LandingPage, Utm
from introducer.domain.configuration import Availability, Campaign, Change
from introducer.domain.errors import Conflict
from introducer.domain.routes import Route, route_of
from introducer.store import keys
from introducer.store.items import BooksItem, IntegerAttribute, MomentAttribute, TextsAttribute, translated
from introducer.store.records import Part, as_item, as_record, every_item, got, values_of


class CampaignItem(BooksItem):
    campaign = UnicodeAttribute()
    brand = UnicodeAttribute()
    name = UnicodeAttribute()
    landing_url = UnicodeAttribute()
    hosts = TextsAttribute()
    click_parameter = UnicodeAttribute()
    window_days = IntegerAttribute()
    attribution = UnicodeAttribute()
    countries = TextsAttribute()
    status = UnicodeAttribute()
    created = MomentAttribute()
    pages = JSONAttribute(null=True)
    starts_at = MomentAttribute(null=True)
    ends_at = MomentAttribute(null=True)
    clicks_per_day = IntegerAttribute(null=True)
    clicks_in_all = IntegerAttribute(null=True)
    caps_since = MomentAttribute(null=True)
    overflow_url = UnicodeAttribute(null=True)
    utm = JSONAttribute(null=True)
    description = UnicodeAttribute(null=True)
    terms = UnicodeAttribute(null=True)
    version = IntegerAttribute(null=True)


class PageMap(MapAttribute[str, Any]):
    page = UnicodeAttribute()
    url = UnicodeAttribute()
    weight = IntegerAttribute()
    countries = TextsAttribute(null=True)
    devices = TextsAttribute(null=True)


class UtmMap(MapAttribute[str, Any]):
    name = UnicodeAttribute()
    value = UnicodeAttribute()


class RouteItem(BooksItem):
    """In the form that `functions/redirect/route.py` reads: what says nothing is left out."""

    campaign = UnicodeAttribute()
    brand = UnicodeAttribute()
    status = UnicodeAttribute()
    starts_at = MomentAttribute(null=True)
    ends_at = MomentAttribute(null=True)
    hosts = TextsAttribute()
    click_parameter = UnicodeAttribute()
    countries = TextsAttribute()
    pages = ListAttribute(of=PageMap)
    utm = ListAttribute(of=UtmMap)
    overflow_url = UnicodeAttribute(null=True)
    clicks_per_day = IntegerAttribute(null=True)
    clicks_in_all = IntegerAttribute(null=True)
    caps_since = MomentAttribute(null=True)
    version = IntegerAttribute()
    full_until = MomentAttribute(null=True)


class Campaigns(Part):
    """Typed reads and conditional writes of campaigns and their routes."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        super().__init__(table, region, host)
        self._campaigns = self._bound(CampaignItem)
        self._routes = self._bound(RouteItem)

    def campaign(self, brand: str, campaign: str) -> Campaign:
        """Raises `NotFound`."""
        key = keys.key("campaign", brand=brand, campaign=campaign)
        return as_record(Campaign, got(self._campaigns, key, "campaign"))

    def campaigns(self, brand: str) -> list[Campaign]:
        """All campaigns of a brand, oldest first."""
        found = every_item(
            self._campaigns,
            keys.partition("campaign", brand=brand),
            self._campaigns.sk.startswith(keys.prefix("campaign")),
        )
        return sorted((as_record(Campaign, item) for item in found), key=lambda c: (c.created, c.campaign))

    def route(self, campaign: str) -> Route:
        """Where the campaign's links lead. Read consistently: what is counted is decided by it. Raises `NotFound`."""
        return _route(got(self._routes, keys.key("route", campaign=campaign), "route", consistent=True))

    def create_campaign(self, campaign: Campaign, change: Change) -> None:
        """A new campaign with its route. Raises `Conflict` when its id is taken."""
        key = keys.key("campaign", brand=campaign.brand, campaign=campaign.campaign)
        self._create(
            campaign.brand,
            campaign.campaign,
            "create_campaign",
            change,
            campaign,
            as_item(self._campaigns, key, campaign),
            self._route_item(route_of(campaign)),
            refusal=f"The campaign {campaign.name} exists already.",
        )

    def change_campaign(
        self, before: Campaign, after: Campaign, change: Change, *, full_until: datetime | None
    ) -> None:
        """What staff say of a campaign from now on, and its route with it; its links stay untouched. `full_until` is
        what its caps make of the clicks counted so far. Raises `Conflict` (code `campaign_changed`) when it is no more
        what was read, or is not there."""
        key = keys.key("campaign", brand=before.brand, campaign=before.campaign)
        version = self._campaigns.version
        unchanged = self._campaigns.pk.exists() & (
            (version == before.version) if before.version else (version.does_not_exist() | (version == 0))
        )
        old, new = values_of(before), values_of(after)
        changed = [name for name in new if new[name] != old[name]]
        refusal = f"The campaign {before.name} was changed meanwhile: read it again."
        with translated(refusal, "campaign_changed"), TransactWrite(connection=self._connection) as transaction:
            transaction.update(
                self._campaigns(*key),
                [
                    attribute.remove() if new[name] is None else attribute.set(new[name])
                    for name in changed
                    for attribute in [getattr(self._campaigns, name)]
                ],
                condition=unchanged,
            )
            # Without a condition of its own: the campaign's stands for both, and one from before has no route yet.
            transaction.save(self._route_item(route_of(after, full_until)))
            self._audit(
                transaction,
                before.brand,
                before.campaign,
                "change_campaign",
                change,
                {name: old[name] for name in changed},
                {name: new[name] for name in changed},
            )

    def add_route(self, campaign: Campaign, change: Change) -> None:
        """The route of a campaign from before there were routes. Raises `Conflict` when it has one."""
        route = route_of(campaign)
        self._create(
            campaign.brand,
            campaign.campaign,
            "add_route",
            change,
            route,
            self._route_item(route),
            refusal=f"The campaign {campaign.name} has its route already.",
        )

    def fill_route(self, seen: Route, until: datetime) -> bool:
        """The campaign's caps are reached until then. False, with nothing written, when its route is another than was
        seen: read it again. Nobody decided it, so it has no audit record: the counts say it."""
        route = self._routes
        condition = (route.version == seen.version) & (route.full_until.does_not_exist() | (route.full_until < until))
        try:
            with translated("The route was changed meanwhile."):
                route(*keys.key("route", campaign=seen.campaign)).update([route.full_until.set(until)], condition)
        except Conflict:
            return False
        return True

    def _route_item(self, route: Route) -> RouteItem:
        values = {name: value for name, value in values_of(route).items() if name not in ("pages", "utm")}
        return self._routes(
            *keys.key("route", campaign=route.campaign),
            True,
            **values | {"overflow_url": route.overflow_url or None},
            pages=[
                PageMap(  # type: ignore[no-untyped-call]
                    page=page.page,
                    url=page.url,
                    weight=page.weight,
                    countries=list(page.countries) or None,
                    devices=list(page.devices) or None,
                )
                for page in route.pages
            ],
            utm=[UtmMap(**asdict(each)) for each in route.utm],  # type: ignore[no-untyped-call]
        )


def _route(item: RouteItem) -> Route:
    return Route(
        campaign=item.campaign,
        brand=item.brand,
        status=Availability(item.status),
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        hosts=tuple(item.hosts),
        click_parameter=item.click_parameter,
        countries=tuple(item.countries),
        pages=tuple(
            LandingPage(
                page=page.page,
                url=page.url,
                weight=page.weight,
                countries=tuple(page.countries or ()),
                devices=tuple(page.devices or ()),
            )
            for page in item.pages
        ),
        utm=tuple(Utm(name=each.name, value=each.value) for each in item.utm),
        overflow_url=item.overflow_url or "",
        clicks_per_day=item.clicks_per_day,
        clicks_in_all=item.clicks_in_all,
        caps_since=item.caps_since,
        version=item.version,
        full_until=item.full_until,
    )
