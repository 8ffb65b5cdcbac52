"""`/desk/campaigns`: what partners promote. `…/new` and `…/{campaign}/edit`: its pages with weights and rules,
schedule, caps, UTM parameters and hosts. `…/{campaign}`: where visitors go now, and where one from a country on a
device would go. `…/{campaign}/status`: pausing it and taking it up again.

Every member of staff may look; managers and admins change. A program sends the settings themselves (docs/links.md), and
what it leaves out of a change stays as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import campaign_form as forms
import words
from names_typed import saying_which, take_countries
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from visit import JSON, N_, FormRefused, Visit

from introducer.domain.attribution_decision import attributes_at
from introducer.domain.campaigns import DEVICES, LandingPage
from introducer.domain.caps import FOREVER
from introducer.domain.configuration import Attribution, Availability, Campaign
from introducer.domain.errors import Conflict, IntroducerError, Invalid, Malformed, NotFound
from introducer.domain.events import day_of
from introducer.domain.forms import country as country_of
from introducer.domain.routes import Route, choose, route_of, state_of
from introducer.services.change_campaign import EDITORS, change_campaign, check_editor, set_campaign_status
from introducer.services.create_campaign import create_campaign
from introducer.services.creation import Author
from introducer.services.decisions import reason
from introducer.sources.campaign_settings import Settings, WholeSettings, settings_of, shown

PATH = "/desk/campaigns"
ONE = PATH + "/{campaign}"
NEW, EDIT, STATUS = PATH + "/new", ONE + "/edit", ONE + "/status"
NEW_BY = "created in the portal"
OF_THE_FORM = ("csrf", "idempotency_key", "version", "why", "window_days", "attribution")
"""What is sent beside settings."""
ON_DEVICES = ("", "mobile", "mobile tablet", "tablet", "desktop", "desktop other")
"""What a form offers of the combinations that a page may be for; a program may send any."""

words.WORDS |= {
    "campaign_state": {
        "open": N_("Takes visitors"),
        "paused": N_("Paused"),
        "to_come": N_("Not begun yet"),
        "over": N_("Over"),
        "full": N_("Full"),
    },
    "no_page": {
        "paused": N_("The campaign is paused."),
        "scheduled": N_("The campaign has not begun, or is over."),
        "country": N_("Nothing here is for this country."),
        "device": N_("No page is for this device."),
        "capped": N_("The campaign has had all the clicks that it takes."),
    },
    "campaign_attribution": {
        "last_click": N_("The last click before the registration"),
        "first_click": N_("The first click in the window"),
    },
}

Why = Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)]


class About(BaseModel):
    """What is sent beside the settings of a change. `version` is the one that was looked at."""

    model_config = ConfigDict(extra="ignore")

    version: Annotated[int, Field(ge=0, le=9_999_999)] | None = None
    why: Why = ""


class AboutNew(BaseModel):
    """How a new campaign attributes: that is not changed here later."""

    model_config = ConfigDict(extra="ignore")

    window_days: Annotated[int, Field(ge=0, le=9_999)] = 30
    attribution: Attribution = Attribution.LAST_CLICK


class NewStatus(BaseModel):
    """Pausing a campaign, or taking it up again."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "paused"]
    why: Why


_URL = N_("Write an address such as https://www.example.com/start.")
_MOMENT = N_("Choose a day and a time.")
_WHOLE = N_("Write a whole number, at least 1.")
_LONG = N_("This is too long, or has characters that cannot be shown.")
_MACRO = N_("A word in braces stands for nothing: use those that are named above the pages.")
_ADVICE: Mapping[str, tuple[str, str]] = {
    "invalid_name": ("name", N_("Give it a name of 1 to 120 characters on one line.")),
    "invalid_url": ("pages.0.url", _URL),
    "invalid_host": ("hosts", N_("Write hosts such as go.example.com, one to a line.")),
    "invalid_country": ("countries", N_("This does not fit here.")),
    "invalid_language": ("", N_("Say a language by its two letters, such as en, or leave it empty.")),
    "invalid_parameter": ("click_parameter", N_("Use letters, digits and _ . -, at most 40.")),
    "invalid_window": ("window_days", N_("Write a number of days from 1 to 365.")),
    "host_not_allowed": ("", N_("This host is none of the campaign's: add it to the hosts below.")),
    "page_twice": ("", N_("This page stands there already: give that one a higher weight.")),
    "too_many_pages": ("pages", N_("A campaign has 20 pages at most.")),
    "invalid_weight": ("", N_("Write a whole number from 1 to 1000.")),
    "invalid_device": ("", N_("Choose one of these.")),
    "country_outside": ("", N_("The campaign is not for this country: add it there too.")),
    "too_many_hosts": ("hosts", N_("A campaign has 20 hosts at most.")),
    "ends_before_start": ("ends_at", N_("This is before the start: choose a later end.")),
    "invalid_cap": ("clicks_per_day", N_("Write a whole number, at least 1; leave it empty for no cap.")),
    "no_macros_here": ("overflow_url", N_("Leave out the words in braces here: such a click is not payable.")),
    "unknown_macro": ("", _MACRO),
    "parameter_twice": ("", N_("This name is taken already: choose another.")),
    "too_many_utm": ("utm", N_("A campaign has 12 such parameters at most.")),
    "invalid_value": ("", N_("Write 1 to 200 characters on one line.")),
    "text_too_long": ("", _LONG),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "campaign_changed": ("", N_("It was changed since you looked at it: open it again, and compare.")),
}
_READ = {
    "starts_at": _MOMENT, "ends_at": _MOMENT, "clicks_per_day": _WHOLE, "clicks_in_all": _WHOLE, "weight": _WHOLE,
    "url": _URL, "value": N_("Fill this in."), "pages": N_("Name one page at least."),
}  # fmt: skip
"""What to do about what cannot be read, by the last part of the field's name."""


# ----------------------------------------------------------------------------------------------------------------- list


@page(
    PATH,
    "desk_campaigns.html",
    who=Who.STAFF,
    columns=(
        ("campaign", lambda row: row["campaign"]),
        ("name", lambda row: row["name"]),
        ("state", lambda row: row["state"]),
        ("pages", lambda row: row["pages"]),
        ("countries", lambda row: " ".join(row["countries"])),
        ("starts_at", lambda row: row["starts_at"]),
        ("ends_at", lambda row: row["ends_at"]),
        ("clicks_today", lambda row: row["used"] and row["used"]["today"]),
        ("clicks_per_day", lambda row: row["clicks_per_day"]),
        ("clicks_in_all", lambda row: row["clicks_in_all"]),
    ),
)
def campaigns_of_brand(visit: Visit) -> dict[str, Any]:
    """All of the brand's campaigns, the newest first."""
    assert visit.member is not None
    subject = f"campaigns of the desk of {visit.member.brand}"
    found = visit.portal.configuration.campaigns(visit.member.brand)[::-1]
    after = visit.position(subject)
    if after:
        place = next((number for number, each in enumerate(found) if each.campaign == after), len(found))
        found = found[place + 1 :]
    limit = visit.limit()
    shown_here = found[:limit]
    return {
        "items": [_row(visit, each) for each in shown_here],
        "next": visit.next(subject, shown_here[-1].campaign if len(found) > limit else None),
        "may_change": visit.member.role in EDITORS,
    }


def _row(visit: Visit, campaign: Campaign) -> dict[str, Any]:
    route = _route(visit, campaign)
    return {
        "campaign": campaign.campaign,
        "name": campaign.name,
        "state": state_of(route, visit.now),
        "pages": len(campaign.landing_pages),
        "countries": list(campaign.countries),
        "starts_at": campaign.starts_at,
        "ends_at": campaign.ends_at,
        "clicks_per_day": campaign.clicks_per_day,
        "clicks_in_all": campaign.clicks_in_all,
        "used": _used(visit, campaign),
    }


def _route(visit: Visit, campaign: Campaign) -> Route:
    """As the redirect reads it; of a campaign from before there were routes, as it would be."""
    try:
        return visit.portal.configuration.route(campaign.campaign)
    except NotFound:
        return route_of(campaign)


def _used(visit: Visit, campaign: Campaign) -> dict[str, Any] | None:
    """What its caps have counted; None for a campaign that never had any."""
    if campaign.caps_since is None:
        return None
    used = visit.portal.campaign_counts.used(campaign.campaign)
    return {"today": used.on(day_of(visit.now)), "in_all": used.in_all, "since": campaign.caps_since}


# ------------------------------------------------------------------------------------------------------------------ one


@page(ONE, "desk_campaign.html", who=Who.STAFF)
def campaign_of_brand(visit: Visit, campaign: str) -> dict[str, Any]:
    """One campaign, its settings, and where its visitors go now. `country` and `device` in the address ask where such a
    visitor would go; `at` may be another moment."""
    assert visit.member is not None
    found = _campaign(visit, campaign)
    decided = visit.portal.configuration.attributions(visit.member.brand, found.campaign)
    holds = attributes_at(visit.now, found, decided)
    route = _route(visit, found)
    until = route.full_until if route.full_until is not None and route.full_until > visit.now else None
    return {
        "campaign": found.campaign,
        "name": found.name,
        "status": found.status,
        "state": state_of(route, visit.now),
        "version": found.version,
        "created": found.created,
        "settings": shown(found),
        "window_days": holds.window_days,
        "attribution": holds.attribution,
        "promo_first": holds.promo_first,
        "used": _used(visit, found),
        "full_until": None if until is None or until == FOREVER else until,
        "full_for_good": until == FOREVER,
        "shares": {each["page"]: each["share"] for each in _shares(route.pages)},
        "preview": _preview(visit, found, route),
        "devices": list(DEVICES),
        "may_change": visit.member.role in EDITORS,
    }


def _preview(visit: Visit, campaign: Campaign, route: Route) -> dict[str, Any] | None:
    """Where a visitor would go; None when nobody asks."""
    country, device = visit.query("country").upper(), visit.query("device")
    if not country and not device:
        return None
    device = device if device in DEVICES else DEVICES[0]
    try:
        moment = settings_of({"starts_at": visit.query("at")})["starts_at"] or visit.now
        if country:
            country_of(country)
    except Invalid:
        raise Malformed("country is two letters, such as DE; at a moment of UTC.", code="bad_query") from None
    choice = choose(route, at=moment, country=country, device=device)
    names = {page.page: page.name for page in campaign.landing_pages}
    return {
        "country": country,
        "device": device,
        "at": moment,
        "pages": [each | {"name": names.get(each["page"], "")} for each in _shares(choice.pages)],
        "flag": choice.flag,
        "leads_to": None if choice.pages else campaign.overflow_url or visit.brand.fallback_url,
    }


def _shares(pages: tuple[LandingPage, ...]) -> list[dict[str, Any]]:
    """Of all visitors whom these pages fit, how many in a thousand each gets."""
    weights = sum(page.weight for page in pages)
    return [{"page": page.page, "url": page.url, "share": round(page.weight * 1000 / weights)} for page in pages]


@page(STATUS, "desk_campaign.html", method="POST", who=Who.STAFF, again=campaign_of_brand, body=NewStatus)
def change_campaign_status(visit: Visit, campaign: str) -> Done:
    """Managers and admins pause a campaign, or take it up again."""
    assert visit.member is not None
    check_editor(visit.member.role)
    wish = visit.read(NewStatus)
    try:
        after = set_campaign_status(
            visit.portal.configuration,
            visit.portal.campaign_counts,
            brand=visit.member.brand,
            campaign=campaign,
            status=Availability(wish.status),
            author=Author(by=visit.member.member, why=reason(wish.why), origin="portal"),
            clock=visit.portal.now,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(visit, error, wish.model_dump()) from error
    return Done(_told(after), f"{PATH}/{campaign}?done={after.status}")


# -------------------------------------------------------------------------------------------------------- new and edit


@page(NEW, "desk_campaign_edit.html", who=Who.STAFF)
def new_campaign(visit: Visit) -> dict[str, Any]:
    """An empty form of a campaign."""
    return _form(visit, None)


@page(NEW, "desk_campaign_edit.html", method="POST", who=Who.STAFF, again=new_campaign, body=(AboutNew, WholeSettings))
def keep_new_campaign(visit: Visit) -> Done:
    """Managers and admins create a campaign, with its pages, schedule, caps and hosts."""
    assert visit.member is not None
    check_editor(visit.member.role)
    sent = _sent(visit)
    about = visit.read(AboutNew)
    try:
        said = settings_of(sent, WholeSettings)
        made = create_campaign(
            visit.portal.configuration,
            brand=visit.member.brand,
            name=said.pop("name", ""),
            hosts=said.pop("hosts", ()),
            countries=said.pop("countries", ()),
            click_parameter=said.pop("click_parameter", "") or "click_id",
            window_days=about.window_days,
            attribution=about.attribution,
            settings={name: value for name, value in said.items() if name in Settings.model_fields},
            author=Author(by=visit.member.member, why=NEW_BY, origin="portal"),
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(visit, error, _typed(visit, sent)) from error
    return Done(_told(made), f"{PATH}/{made.campaign}?done=made", created=True)


@page(EDIT, "desk_campaign_edit.html", who=Who.STAFF)
def edit_campaign(visit: Visit, campaign: str) -> dict[str, Any]:
    """The form of a campaign as it is, to be changed."""
    return _form(visit, _campaign(visit, campaign))


@page(EDIT, "desk_campaign_edit.html", method="POST", who=Who.STAFF, again=edit_campaign, body=(About, WholeSettings))
def keep_campaign(visit: Visit, campaign: str) -> Done:
    """Managers and admins change a campaign's settings; what a program leaves out stays. `version` is the one that was
    looked at: where somebody changed it since, it is refused."""
    assert visit.member is not None
    check_editor(visit.member.role)
    _campaign(visit, campaign)
    sent = _sent(visit)
    about = visit.read(About)
    try:
        after = change_campaign(
            visit.portal.configuration,
            visit.portal.campaign_counts,
            brand=visit.member.brand,
            campaign=campaign,
            changes=settings_of(sent, WholeSettings),
            version=about.version,
            author=Author(by=visit.member.member, why=reason(about.why), origin="portal"),
            clock=visit.portal.now,
        )
    except (Invalid, Conflict) as error:
        raise _refusal(visit, error, _typed(visit, sent)) from error
    return Done(_told(after), f"{PATH}/{campaign}?done=changed")


def _campaign(visit: Visit, campaign: str) -> Campaign:
    assert visit.member is not None
    return visit.portal.configuration.campaign(visit.member.brand, campaign)


def _sent(visit: Visit) -> dict[str, Any]:
    """The settings that were sent, a form's as a program would send them."""
    take_countries(visit)
    fields = {name: value for name, value in visit.fields.items() if name not in OF_THE_FORM}
    return fields if visit.content_type == JSON else forms.settings_of_form(fields)


def _form(visit: Visit, campaign: Campaign | None) -> dict[str, Any]:
    assert visit.member is not None
    begins = {"click_parameter": "click_id"} if campaign is None else shown(campaign)
    typed = forms.form_of_settings(begins)
    if visit.refused is not None:
        # Nothing of what is kept: a page that was emptied would stand there again.
        typed = dict(visit.refused.values)
    rows = {kind: sum(name.startswith(f"{kind}.") and name.endswith(last) for name in typed)
            for kind, last in (("pages", ".url"), ("utm", ".value"))}  # fmt: skip
    return {
        "campaign": None if campaign is None else campaign.campaign,
        "name": None if campaign is None else campaign.name,
        "version": 0 if campaign is None else campaign.version,
        "settings": begins,
        "typed": typed,
        "rows": {"pages": rows["pages"] + forms.EMPTY_PAGES, "utm": rows["utm"] + forms.EMPTY_UTM},
        "empty_pages": forms.EMPTY_PAGES,
        "on_devices": list(ON_DEVICES),
        "may_change": visit.member.role in EDITORS,
    }


def _typed(visit: Visit, sent: Mapping[str, Any]) -> dict[str, str]:
    """What was typed, its rows numbered as they were read."""
    if visit.content_type == JSON:
        return {}
    about = {name: str(visit.fields[name]) for name in OF_THE_FORM[2:] if name in visit.fields}
    return forms.form_of_settings(sent) | about


def _told(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign": campaign.campaign,
        "status": campaign.status,
        "version": campaign.version,
        "settings": shown(campaign),
        "window_days": campaign.window_days,
        "attribution": campaign.attribution,
    }


def _refusal(visit: Visit, error: Invalid | Conflict, typed: Mapping[str, str]) -> IntroducerError | FormRefused:
    """The form again, with what to do beside the field it is about."""
    if error.code == "invalid_setting":
        wrong: dict[str, str] = dict(error.facts["errors"])  # type: ignore[call-overload]
        errors = {name: _READ.get(name.rpartition(".")[2], _LONG) for name in wrong}
        return FormRefused(errors, typed, error)
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    errors = {str(error.facts.get("field", field)): message}
    return FormRefused(saying_which(visit.language, errors, typed), typed, error)
