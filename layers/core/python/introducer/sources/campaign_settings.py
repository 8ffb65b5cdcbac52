"""The settings of a campaign as a form, a file and programs send them, and as they are shown again.

A moment is a day or a moment of UTC; what is left out of a change stays, an empty text or null takes a setting away.
What is wrong is said by field (`pages.2.url`). Whether it can be a campaign is for `domain.campaigns.checked`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from introducer.domain.campaigns import LandingPage, Utm
from introducer.domain.configuration import Campaign
from introducer.domain.errors import Invalid
from introducer.domain.events import in_full_ms

_WHEN = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


def _whole(value: Any) -> Any:
    """Forms have texts alone; a yes or no is no number."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if _WHOLE.fullmatch(text) else text or None
    return "" if isinstance(value, bool) else value


def _moment(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str) or not _WHEN.fullmatch(value.strip()):
        raise ValueError("no moment")
    found = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    # Before its offset is taken off, too: at the end of the calendar there is no other time zone.
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError("too far")
    return in_full_ms(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))


def _pieces(value: Any) -> Any:
    """A list may be written as one text, with commas, spaces or lines between its pieces."""
    return [piece for piece in re.split(r"[,;\s]+", value) if piece] if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2100)]
Pieces = Annotated[list[Annotated[str, StringConstraints(max_length=260)]], BeforeValidator(_pieces)]
Cap = Annotated[int | None, BeforeValidator(_whole)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class PageSettings(BaseModel):
    """A landing page. `page` is its id; a new page has none."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_]*$")] = ""
    url: Text
    weight: Annotated[int, BeforeValidator(lambda value: 1 if value == "" else _whole(value))] = 1
    countries: Pieces = []
    devices: Pieces = []
    language: Text = ""
    name: Text = ""


class UtmSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Text
    value: Text


class Settings(BaseModel):
    """What may be left out of a campaign."""

    model_config = ConfigDict(extra="forbid")

    pages: Annotated[list[PageSettings], Field(min_length=1, max_length=100)] | None = None
    starts_at: Moment = None
    ends_at: Moment = None
    clicks_per_day: Cap = None
    clicks_in_all: Cap = None
    overflow_url: Text = ""
    utm: Annotated[list[UtmSettings], Field(max_length=100)] = []
    description: Text = ""
    terms: Text = ""


class WholeSettings(Settings):
    """All that may be changed of a campaign, besides its status."""

    name: Text = ""
    hosts: Pieces = []
    countries: Pieces = []
    click_parameter: Text = ""


def settings_of(data: Mapping[str, Any], model: type[Settings] = Settings) -> dict[str, Any]:
    """What is said, by the names of `Campaign`'s fields. Raises `Invalid` with the first wrong `field`, and all of them
    in `errors` with a word for what is wrong."""
    try:
        read = model.model_validate(data)
    except ValidationError as error:
        found = {".".join(map(str, each["loc"])): each["type"] for each in error.errors()}
        field = next(iter(found))
        raise Invalid(
            f"{field or 'This'} cannot be read: look at docs/links.md for how it is written.",
            code="invalid_setting",
            field=field,
            errors=found,
        ) from None
    said: dict[str, Any] = {name: getattr(read, name) for name in read.model_fields_set}
    for name in ("hosts", "countries"):
        if name in said:
            said[name] = tuple(said[name])
    if said.get("pages"):
        said["pages"] = tuple(
            LandingPage(**page.model_dump() | {"countries": tuple(page.countries), "devices": tuple(page.devices)})
            for page in said["pages"]
        )
    elif "pages" in said:
        del said["pages"]
    if "utm" in said:
        said["utm"] = tuple(Utm(**each.model_dump()) for each in said["utm"])
    return said


def shown(campaign: Campaign) -> dict[str, Any]:
    """The settings of a campaign, as they may be sent again."""
    return {
        "name": campaign.name,
        "hosts": list(campaign.hosts),
        "countries": list(campaign.countries),
        "click_parameter": campaign.click_parameter,
        "pages": [
            {
                "page": page.page,
                "url": page.url,
                "weight": page.weight,
                "countries": list(page.countries),
                "devices": list(page.devices),
                "language": page.language,
                "name": page.name,
            }
            for page in campaign.landing_pages
        ],
        "starts_at": campaign.starts_at,
        "ends_at": campaign.ends_at,
        "clicks_per_day": campaign.clicks_per_day,
        "clicks_in_all": campaign.clicks_in_all,
        "overflow_url": campaign.overflow_url,
        "utm": [{"name": each.name, "value": each.value} for each in campaign.utm],
        "description": campaign.description,
        "terms": campaign.terms,
    }
