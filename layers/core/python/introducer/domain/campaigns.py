"""What staff say of a campaign, checked: its pages, hosts, countries, schedule, caps, UTM parameters and texts.

Each check gives the campaign back in its one spelling, or raises `Invalid` with a stable code and the `field` that it
is about (`pages.2.url`), as a form and a program name it.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from introducer.domain import forms
from introducer.domain.errors import Invalid
from introducer.domain.ids import derived_id
from introducer.domain.targets import MACRO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from introducer.domain.configuration import Campaign

DEVICES = ("mobile", "tablet", "desktop", "other")
"""What a page may be for: the redirect's words for a visitor's device."""
MAIN = "main"
"""The page of a campaign from before there were several."""
SETTINGS = frozenset(
    {"pages", "starts_at", "ends_at", "clicks_per_day", "clicks_in_all", "overflow_url", "utm", "description", "terms"}
)
"""What may be left out of a new campaign, by the names of its fields."""
MOST_PAGES, MOST_UTM, MOST_HOSTS, MOST_COUNTRIES = 20, 12, 20, 250
HIGHEST_WEIGHT = 1000
HIGHEST_CAP = 1_000_000_000
LONGEST_VALUE, LONGEST_TEXT = 200, 2000

_ANY_BRACES = re.compile(r"\{[^{}]*\}|[{}]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingPage:
    """A page of a campaign. Its id stays when its address changes: a link may be pinned to it."""

    page: str
    url: str
    weight: int = 1
    """Of all pages that fit a visitor, each gets visitors in proportion to its weight: 1 to `HIGHEST_WEIGHT`."""
    countries: tuple[str, ...] = ()
    """ISO 3166 alpha-2 codes of the visitors it is for; empty means all that the campaign is for."""
    devices: tuple[str, ...] = ()
    """Of `DEVICES`; empty means all."""
    language: str = ""
    """In which it is written, ISO 639-1, for partners who choose it; empty where nobody said."""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utm:
    """A parameter that every landing address gets; its value may hold macros."""

    name: str
    value: str


def with_ids(campaign: str, pages: Sequence[LandingPage]) -> tuple[LandingPage, ...]:
    """The pages, each with an id of its own; those without one get it by their address, so that the same is made by the
    same request again. Raises `Invalid` for an id that stands there twice."""
    taken = [page.page for page in pages if page.page]
    if twice := next((page for page in taken if taken.count(page) > 1), None):
        raise Invalid(f"The page {twice[:64]} stands there twice.", code="page_twice", field="pages")
    made = []
    for page in pages:
        name = page.page
        for number in count():
            if name:
                break
            candidate = derived_id("pag", campaign, page.url, *([str(number)] if number else []))
            name = "" if candidate in taken else candidate
        taken.append(name)
        made.append(replace(page, page=name))
    return tuple(made)


def checked(campaign: Campaign) -> Campaign:
    """The campaign as it is kept. Raises `Invalid`."""
    with _about("name"):
        name = forms.name(campaign.name, "campaign")
    with _about("click_parameter"):
        parameter = forms.parameter(campaign.click_parameter)
    pages = _pages(campaign)
    hosts = _hosts(campaign, pages)
    for number, page in enumerate(pages):
        if forms.host_of(page.url) not in hosts:
            raise Invalid(
                f"{forms.host_of(page.url)} is none of the campaign's hosts: add it to them, or take another page.",
                code="host_not_allowed",
                field=f"pages.{number}.url",
            )
    starts, ends = campaign.starts_at, campaign.ends_at
    if starts is not None and ends is not None and ends <= starts:
        raise Invalid("The campaign ends before it starts: say a later end.", code="ends_before_start", field="ends_at")
    return replace(
        campaign,
        name=name,
        landing_url=pages[0].url,
        pages=pages,
        hosts=hosts,
        click_parameter=parameter,
        countries=_countries(campaign.countries, "countries"),
        clicks_per_day=_cap(campaign.clicks_per_day, "clicks_per_day"),
        clicks_in_all=_cap(campaign.clicks_in_all, "clicks_in_all"),
        overflow_url=_overflow(campaign.overflow_url),
        utm=_utm(campaign.utm, parameter),
        description=_text(campaign.description, "description"),
        terms=_text(campaign.terms, "terms"),
    )


def _pages(campaign: Campaign) -> tuple[LandingPage, ...]:
    pages = campaign.landing_pages
    if len(pages) > MOST_PAGES:
        raise Invalid(f"A campaign has {MOST_PAGES} pages at most.", code="too_many_pages", field="pages")
    made: list[LandingPage] = []
    for number, page in enumerate(pages):
        at = f"pages.{number}"
        with _about(f"{at}.url"):
            url = forms.https_url(page.url, "landing page")
            check_macros(url)
        if url in [other.url for other in made]:
            raise Invalid("This page is there already: give it a higher weight.", code="page_twice", field=f"{at}.url")
        if not 1 <= page.weight <= HIGHEST_WEIGHT:
            raise Invalid(
                f"A page's weight is a whole number from 1 to {HIGHEST_WEIGHT}.",
                code="invalid_weight",
                field=f"{at}.weight",
            )
        if unknown := sorted(set(page.devices) - set(DEVICES)):
            raise Invalid(
                f"{unknown[0][:20]!r} is no device: say {', '.join(DEVICES)}.",
                code="invalid_device",
                field=f"{at}.devices",
            )
        with _about(f"{at}.language"):
            language = forms.language(page.language) if page.language else ""
        with _about(f"{at}.name"):
            title = forms.name(page.name, "page") if page.name.strip() else ""
        countries = _countries(page.countries, f"{at}.countries")
        if outside := sorted(set(countries) - set(campaign.countries)) if campaign.countries else []:
            raise Invalid(
                f"The campaign is not for {outside[0]}: no visitor from there would see this page.",
                code="country_outside",
                field=f"{at}.countries",
            )
        devices = tuple(device for device in DEVICES if device in page.devices)
        made.append(replace(page, url=url, countries=countries, devices=devices, language=language, name=title))
    return tuple(made)


def _hosts(campaign: Campaign, pages: tuple[LandingPage, ...]) -> tuple[str, ...]:
    """The first page's own host is always among them."""
    with _about("hosts"):
        hosts = tuple(
            dict.fromkeys([forms.host_of(pages[0].url), *(forms.host(h, "campaign") for h in campaign.hosts)])
        )
    if len(hosts) > MOST_HOSTS:
        raise Invalid(f"A campaign has {MOST_HOSTS} hosts at most.", code="too_many_hosts", field="hosts")
    return hosts


def _countries(codes: tuple[str, ...], field: str) -> tuple[str, ...]:
    with _about(field):
        return tuple(sorted({forms.country(code) for code in codes[:MOST_COUNTRIES]}))


def _cap(clicks: int | None, field: str) -> int | None:
    if clicks is not None and not 1 <= clicks <= HIGHEST_CAP:
        raise Invalid(
            f"A cap is a whole number of clicks from 1 to {HIGHEST_CAP}; leave it out for none.",
            code="invalid_cap",
            field=field,
        )
    return clicks


def _overflow(url: str) -> str:
    if not url:
        return ""
    with _about("overflow_url"):
        url = forms.https_url(url, "overflow page")
        if "{" in url or "}" in url:
            raise Invalid("An overflow page has no macros: what it would say is not payable.", code="no_macros_here")
    return url


def _utm(parameters: tuple[Utm, ...], click_parameter: str) -> tuple[Utm, ...]:
    if len(parameters) > MOST_UTM:
        raise Invalid(f"A campaign has {MOST_UTM} such parameters at most.", code="too_many_utm", field="utm")
    names: set[str] = set()
    for number, each in enumerate(parameters):
        at = f"utm.{number}"
        with _about(f"{at}.name"):
            forms.parameter(each.name)
        if each.name in names or each.name == click_parameter:
            raise Invalid(
                f"{each.name} is taken already: choose another name.", code="parameter_twice", field=f"{at}.name"
            )
        names.add(each.name)
        with _about(f"{at}.value"):
            if not 1 <= len(each.value) <= LONGEST_VALUE or not each.value.isprintable():
                raise Invalid(f"Say a value of 1 to {LONGEST_VALUE} characters on one line.", code="invalid_value")
            check_macros(each.value)
    return parameters


def check_macros(text: str) -> None:
    """Raises `Invalid` where braces hold none of the macros that the redirect fills."""
    for braces in _ANY_BRACES.findall(text):
        if not MACRO.fullmatch(braces):
            raise Invalid(
                f"{braces[:40]} is no macro: there are {{campaign}}, {{partner}}, {{link}}, {{code}}, {{click_id}} and "
                "{sub1} to {sub5}.",
                code="unknown_macro",
            )


def _text(text: str, field: str) -> str:
    text = text.strip().replace("\r\n", "\n")
    if len(text) > LONGEST_TEXT or _CONTROL.search(text):
        raise Invalid(f"Write at most {LONGEST_TEXT} characters.", code="text_too_long", field=field)
    return text


@contextmanager
def _about(field: str) -> Iterator[None]:
    """Says of an error within which field it is about."""
    try:
        yield
    except Invalid as error:
        raise Invalid(error.detail, code=error.code, **{"field": field, **error.facts}) from None
