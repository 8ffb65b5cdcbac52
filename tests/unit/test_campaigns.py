"""What staff say of a campaign is checked, and a refusal names the field."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from introducer.domain import slugs
from introducer.domain.campaigns import LandingPage, Utm, checked, with_ids
from introducer.domain.caps import FOREVER, Caps, Used, full_until
from introducer.domain.configuration import Attribution, Availability, Campaign
from introducer.domain.errors import Invalid
from introducer.domain.leading import Taking, campaign_takes
from introducer.domain.routes import route_of, state_of
from tests.support.builders import at

HOST = "www.quillmark.example"
URL = f"https://{HOST}/live"


def a_page(url: str = URL, page: str = "pag_1", **other: Any) -> LandingPage:
    return LandingPage(page=page, url=url, **other)


def a_campaign(**other: Any) -> Campaign:
    made = Campaign(
        campaign="cmp_1", brand="brd_1", name="Live account", landing_url=URL, hosts=(HOST,), click_parameter="cid",
        window_days=30, attribution=Attribution.LAST_CLICK, countries=(), status=Availability.ACTIVE,
        created=at("2026-03-02"), pages=(a_page(),),
    )  # fmt: skip
    return replace(made, **other)


def test_a_campaign_is_kept_in_one_spelling() -> None:
    made = checked(
        a_campaign(
            name=" Live ",
            hosts=("GO.Quillmark.example.",),
            countries=("DE", "AT", "DE"),
            pages=(a_page(countries=("DE",), devices=("desktop", "mobile"), language="de", name=" Start "),),
            utm=(Utm(name="utm_source", value="{partner}-{sub1}"),),
            description=" One\r\ntwo ",
        )
    )
    assert (made.name, made.hosts, made.countries) == ("Live", (HOST, "go.quillmark.example"), ("AT", "DE"))
    assert (made.pages[0].devices, made.pages[0].name) == (("mobile", "desktop"), "Start")
    assert made.description == "One\ntwo"


def test_the_first_page_is_the_campaigns_landing_page() -> None:
    made = checked(a_campaign(pages=(a_page(f"https://{HOST}/spring"), a_page(page="pag_2"))))
    assert made.landing_url == f"https://{HOST}/spring"


def test_a_campaign_from_before_has_its_landing_page() -> None:
    assert [page.url for page in a_campaign(pages=()).landing_pages] == [URL]


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"name": ""}, "invalid_name", "name"),
        ({"click_parameter": "a b"}, "invalid_parameter", "click_parameter"),
        ({"pages": (a_page("http://www.quillmark.example/"),)}, "invalid_url", "pages.0.url"),
        ({"pages": (a_page("https://user@www.quillmark.example/"),)}, "invalid_url", "pages.0.url"),
        ({"pages": (a_page("https://192.0.2.1/"),)}, "invalid_url", "pages.0.url"),
        ({"pages": (a_page("https://[2001:db8::1]/"),)}, "invalid_url", "pages.0.url"),
        ({"pages": (a_page("https://www.quillmark.example:8443/"),)}, "invalid_url", "pages.0.url"),
        ({"pages": (a_page("https://{sub1}.quillmark.example/"),)}, "invalid_url", "pages.0.url"),
        ({"pages": (a_page(), a_page("https://evil.example/", "pag_2"))}, "host_not_allowed", "pages.1.url"),
        ({"pages": (a_page(), a_page(page="pag_2"))}, "page_twice", "pages.1.url"),
        ({"pages": (a_page(f"{URL}?a={{sub6}}"),)}, "unknown_macro", "pages.0.url"),
        ({"pages": (a_page(weight=0),)}, "invalid_weight", "pages.0.weight"),
        ({"pages": (a_page(weight=1001),)}, "invalid_weight", "pages.0.weight"),
        ({"pages": (a_page(devices=("watch",)),)}, "invalid_device", "pages.0.devices"),
        ({"pages": (a_page(countries=("de",)),)}, "invalid_country", "pages.0.countries"),
        ({"pages": (a_page(countries=("FR",)),), "countries": ("DE",)}, "country_outside", "pages.0.countries"),
        ({"pages": (a_page(language="deutsch"),)}, "invalid_language", "pages.0.language"),
        ({"pages": tuple(a_page(f"{URL}/{n}", f"pag_{n}") for n in range(21))}, "too_many_pages", "pages"),
        ({"hosts": ("10.0.0.1",)}, "invalid_host", "hosts"),
        ({"hosts": ("localhost",)}, "invalid_host", "hosts"),
        ({"countries": ("Germany",)}, "invalid_country", "countries"),
        ({"starts_at": at("2026-03-02"), "ends_at": at("2026-03-02")}, "ends_before_start", "ends_at"),
        ({"clicks_per_day": 0}, "invalid_cap", "clicks_per_day"),
        ({"clicks_in_all": 10**10}, "invalid_cap", "clicks_in_all"),
        ({"overflow_url": "javascript:alert(1)"}, "invalid_url", "overflow_url"),
        ({"overflow_url": f"{URL}?s={{sub1}}"}, "no_macros_here", "overflow_url"),
        ({"utm": (Utm(name="utm source", value="x"),)}, "invalid_parameter", "utm.0.name"),
        ({"utm": (Utm(name="cid", value="x"),)}, "parameter_twice", "utm.0.name"),
        ({"utm": (Utm(name="a", value="x"), Utm(name="a", value="y"))}, "parameter_twice", "utm.1.name"),
        ({"utm": (Utm(name="a", value="{}"),)}, "unknown_macro", "utm.0.value"),
        ({"utm": (Utm(name="a", value="x\n"),)}, "invalid_value", "utm.0.value"),
        ({"utm": tuple(Utm(name=f"u{n}", value="x") for n in range(13))}, "too_many_utm", "utm"),
        ({"terms": "x" * 2001}, "text_too_long", "terms"),
        ({"description": "a\x00b"}, "text_too_long", "description"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(wrong: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(a_campaign(**wrong))
    assert (refused.value.code, refused.value.facts["field"]) == (code, field)


def test_a_page_without_an_id_gets_one_that_its_address_makes_and_no_other_has() -> None:
    new = LandingPage(page="", url=URL)
    [first] = with_ids("cmp_1", [new])
    # when its address changes, and another page has the old one
    moved = replace(first, url=f"{URL}/moved")
    both = with_ids("cmp_1", [moved, new])
    # then
    assert with_ids("cmp_1", [new]) == (first,)
    assert both[0].page == first.page != both[1].page
    assert with_ids("cmp_2", [new]) != (first,)


def test_two_pages_with_one_id_are_refused() -> None:
    with pytest.raises(Invalid):
        with_ids("cmp_1", [a_page(), a_page(f"{URL}/2")])


@pytest.mark.parametrize(
    ("caps", "used", "until"),
    [
        (Caps(clicks_per_day=None, clicks_in_all=None), Used(10**6, {"2026-03-02": 10**6}), None),
        (Caps(clicks_per_day=5, clicks_in_all=None), Used(90, {"2026-03-02": 4}), None),
        (Caps(clicks_per_day=5, clicks_in_all=None), Used(90, {"2026-03-02": 5}), at("2026-03-03")),
        (Caps(clicks_per_day=5, clicks_in_all=None), Used(9, {"2026-02-28": 9, "2026-03-01": 0}), at("2026-03-01")),
        (Caps(clicks_per_day=5, clicks_in_all=None), Used(14, {"2026-03-01": 9, "2026-03-02": 5}), at("2026-03-03")),
        (Caps(clicks_per_day=5, clicks_in_all=9), Used(9, {"2026-03-02": 1}), FOREVER),
        (Caps(clicks_per_day=None, clicks_in_all=9), Used(8, {"2026-03-02": 8}), None),
    ],
)
def test_a_cap_closes_until_the_days_end_or_until_it_is_raised(caps: Caps, used: Used, until: Any) -> None:
    assert full_until(caps, used) == until


def test_partners_and_staff_are_told_the_same_of_a_campaign() -> None:
    now, later = at("2026-03-02 12:00"), at("2026-03-02 12:01")
    moments = (None, now, later)
    words = {"open": Taking.ACTIVE, "paused": Taking.PAUSED, "to_come": Taking.TO_COME, "full": Taking.FULL,
             "over": Taking.OVER}  # fmt: skip
    seen = set()
    for status, begins, ends, full in product(Availability, moments, moments, moments):
        campaign = a_campaign(status=status, starts_at=begins, ends_at=ends)
        said, state = campaign_takes(campaign, full, now), state_of(route_of(campaign, full), now)
        seen.add(said)
        # Nobody takes up again what is over, so partners are told that first.
        assert said is (Taking.OVER if ends == now else words[state])
    assert seen == {Taking.ACTIVE, Taking.PAUSED, Taking.TO_COME, Taking.FULL, Taking.OVER}


@pytest.mark.parametrize("text", ["summer-deal", "abc", "2026-offer", "a1b", "Summer-Deal ", "a" * 40])
def test_a_slug_is_kept_in_small_letters(text: str) -> None:
    assert slugs.checked(text) == text.strip().lower()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ab", "invalid_slug"),
        ("a" * 41, "invalid_slug"),
        ("-abc", "invalid_slug"),
        ("abc-", "invalid_slug"),
        ("a--b", "invalid_slug"),
        ("a_b", "invalid_slug"),
        ("a/b", "invalid_slug"),
        ("süß", "invalid_slug"),
        ("sign-in", "slug_reserved"),
        ("log-in", "slug_reserved"),
        ("ADMIN", "slug_reserved"),
        ("quill-mark", "slug_reserved"),
    ],
)
def test_what_is_no_slug_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        slugs.checked(text, ["Quill Mark"])
    assert (refused.value.code, refused.value.facts["field"]) == (code, "slug")
