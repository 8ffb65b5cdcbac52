"""`/desk/settings`: what holds for the whole brand, in one place: the brand itself, exchange rates, roles, and the way
to all that is set up elsewhere. `/desk/settings/brand`: an admin changes the brand, before and after in sight.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import N_, Visit

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import Brand, Member
from introducer.services.change_brand import change_brand
from introducer.services.read_contracts import ECB
from introducer.services.team import OF_STAFF, may_decide

PATH, BRAND = "/desk/settings", "/desk/settings/brand"

LATE_AFTER = 5
"""The ECB publishes on working days: a feed that is complete through a day longer ago than this is late."""

_ADVICE: Advice = {
    "invalid_name": ("name", N_("Write a name of 1 to 120 characters.")),
    "unknown_time_zone": ("time_zone", N_("Write a time zone such as Europe/Berlin.")),
    "invalid_url": ("fallback_url", N_("Write an address such as https://www.example.com/start.")),
    "brand_changed": ("", N_("The brand changed meanwhile: look at it again below.")),
}


class BrandWish(BaseModel):
    """A brand as it is to be, why, and as it was when this was decided: what was changed meanwhile is not undone."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    time_zone: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    fallback_url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    was_name: Annotated[str, StringConstraints(max_length=120)]
    was_time_zone: Annotated[str, StringConstraints(max_length=64)]
    was_fallback_url: Annotated[str, StringConstraints(max_length=2000)]
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


@page(PATH, "desk_settings.html", who=Who.STAFF)
def desk_settings(visit: Visit) -> dict[str, Any]:
    """The brand, how old its exchange rates are, and what each role may do."""
    own = _own(visit)
    return {
        "brand": _told(visit.brand),
        "may_edit": may_decide(own),
        "role": own.role.value,
        "rates": _rates(visit),
        "roles": [role.value for role in OF_STAFF],
    }


@page(BRAND, "desk_settings_brand.html", who=Who.STAFF)
def desk_brand(visit: Visit) -> dict[str, Any]:
    """The brand's name, time zone and fallback page, for an admin to change."""
    return {"brand": _told(visit.brand), "may_edit": may_decide(_own(visit))}


@page(BRAND, "desk_settings_brand.html", method="POST", who=Who.STAFF, again=desk_brand, body=BrandWish)
def desk_brand_change(visit: Visit) -> Done:
    """An admin gives the brand another name, time zone or fallback page."""
    own, wish = _own(visit), visit.read(BrandWish)
    with advised(wish, _ADVICE):
        made = change_brand(
            visit.portal.configuration,
            own,
            name=wish.name,
            time_zone=wish.time_zone,
            fallback_url=wish.fallback_url,
            read=(wish.was_name, wish.was_time_zone, wish.was_fallback_url),
            why=wish.why,
            at=visit.now,
        )
    return Done(_told(made), f"{BRAND}?done=changed")


def _rates(visit: Visit) -> dict[str, Any]:
    """Through which day the feed is known, and what it published last before today."""
    through = visit.portal.rates.completed_through(ECB)
    published = visit.portal.rates.published_before(ECB, plus_days(visit.today, 1))
    days = None if through is None else (date.fromisoformat(visit.today) - date.fromisoformat(through)).days
    return {
        "feed": ECB,
        "through": through,
        "published": None if published is None else published[0],
        "currencies": 0 if published is None else len(published[1]),
        "days": days,
        "missing": [] if through is None else _missing(through, visit.today),
        "late": days is None or days > LATE_AFTER,
    }


def _missing(through: str, today: str) -> list[str]:
    """Working days since then that nothing is known of, without today, whose rates come in the afternoon; the first
    ten."""
    day, last, found = date.fromisoformat(through), date.fromisoformat(today), list[str]()
    while (day := day + timedelta(days=1)) < last and len(found) < 10:
        if day.weekday() < 5:
            found.append(day.isoformat())
    return found


def _told(brand: Brand) -> dict[str, Any]:
    return {
        "brand": brand.brand,
        "name": brand.name,
        "domain": brand.domain,
        "base_currency": brand.base_currency,
        "time_zone": brand.time_zone,
        "fallback_url": brand.fallback_url,
        "created": brand.created,
    }


def _own(visit: Visit) -> Member:
    assert visit.member is not None
    return visit.member
