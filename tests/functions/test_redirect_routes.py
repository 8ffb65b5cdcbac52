"""Where a campaign's route sends visitors, and whom it does not take."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest

from introducer.domain import click_id
from introducer_ops.browsers import DESKTOP, MOBILE
from tests.support.redirecting import (
    BRANDS_PAGE,
    CLICK_KEY,
    EDGE,
    FALLBACK,
    LANDING,
    PAUSED_PAGE,
    World,
    a_link,
    a_page,
    a_redirect,
    a_route,
)

NOW_MS = 1_772_452_800_123
OVERFLOW = "https://broker.example/full"


@pytest.fixture(scope="module")
def warm() -> Iterator[World]:
    """One container; a campaign is new to it with each test."""
    with pytest.MonkeyPatch.context() as patch, a_redirect(patch) as world:
        patch.setattr("time.time_ns", lambda: NOW_MS * 1_000_000)
        world.start()
        yield world


@pytest.fixture
def code(warm: World, request: pytest.FixtureRequest) -> str:
    """The code of a link of a campaign that nobody has asked for yet."""
    return f"link{len(warm.links().links.entries)}"


def routed(world: World, code: str, *pages: dict[str, Any], link: dict[str, Any] | None = None, **route: Any) -> None:
    world.put(a_link(code, campaign=f"cmp_{code}", **(link or {})))
    world.put(a_route(*pages, campaign=f"cmp_{code}", **route))


def page_of(answer: dict[str, Any]) -> str:
    return urlsplit(answer["headers"]["Location"]).path.rpartition("/")[2]


def from_(country: str, **headers: str) -> dict[str, str]:
    """What the edge says of a visitor."""
    return {"introducer_edge": EDGE, "cloudfront_viewer_country": country, **headers}


# ---- which page -----------------------------------------------------------------------------------------------------


def test_a_link_of_a_campaign_without_a_route_leads_where_it_says_itself(warm: World, code: str) -> None:
    warm.put(a_link(code, campaign="cmp_from_before"))
    assert warm.visit(code)["headers"]["Location"].startswith(f"{LANDING}?click_id=")


def test_a_route_goes_before_the_page_that_was_written_into_the_link(warm: World, code: str) -> None:
    routed(warm, code, a_page("new", "https://new.broker.example/start"), click_parameter="cid")
    location = warm.visit(code)["headers"]["Location"]
    assert location.startswith("https://new.broker.example/start?cid=")


def test_weights_decide_how_many_visitors_meet_a_page(warm: World, code: str) -> None:
    routed(warm, code, a_page("a", weight=70), a_page("b", weight=20), a_page("c", weight=10))
    met = Counter(page_of(warm.visit(code, cookies=[f"iv={number:022}"])) for number in range(1000))
    # The visitors are the same each time, so the numbers are.
    assert sum(met.values()) == 1000
    assert abs(met["a"] - 700) < 50 and abs(met["b"] - 200) < 50 and abs(met["c"] - 100) < 50


def test_the_smallest_weights_are_not_rounded_away(warm: World, code: str) -> None:
    routed(warm, code, a_page("a", weight=1), a_page("b", weight=1), a_page("c", weight=1))
    met = Counter(page_of(warm.visit(code, cookies=[f"iv={number:022}"])) for number in range(150))
    assert {page for page, times in met.items() if times > 30} == {"a", "b", "c"}


def test_a_visitor_who_comes_again_meets_the_same_page(warm: World, code: str) -> None:
    routed(warm, code, *[a_page(name) for name in "abcdefgh"])
    pages = set()
    for _ in range(8):
        first = warm.visit(code)
        jar = [cookie.partition(";")[0] for cookie in first["cookies"]]
        assert {page_of(warm.visit(code, cookies=jar)) for _ in range(3)} == {page_of(first)}
        pages.add(page_of(first))
    # and visitors differ (all eight on one page: once in two million times)
    assert len(pages) > 1


def test_two_campaigns_split_the_same_visitors_differently(warm: World, code: str) -> None:
    met = []
    for each in (code, f"{code}x"):
        routed(warm, each, *[a_page(name) for name in "abcd"])
        met.append([page_of(warm.visit(each, cookies=[f"iv={number:022}"])) for number in range(100)])
    same = sum(first == second for first, second in zip(*met, strict=True))
    assert 5 < same < 60


PAGES = (
    a_page("german", countries=["DE", "AT"]),
    a_page("phone", countries=["TH"], devices=["mobile", "tablet"]),
    a_page("thai", countries=["TH"], devices=["desktop"]),
)


@pytest.mark.parametrize(
    ("country", "agent", "page"),
    [
        ("DE", DESKTOP[0], "german"),
        ("AT", MOBILE[0], "german"),
        ("TH", MOBILE[0], "phone"),
        ("TH", DESKTOP[0], "thai"),
        ("FR", DESKTOP[0], "any"),
    ],
)
def test_a_page_is_for_its_countries_and_devices(warm: World, code: str, country: str, agent: str, page: str) -> None:
    # A page for everybody competes with those for some, so here it has nothing to say where they fit.
    pages = [*PAGES] if page != "any" else [*PAGES, a_page("any")]
    routed(warm, code, *pages)
    assert page_of(warm.visit(code, agent=agent, **from_(country))) == page


@pytest.mark.parametrize(
    ("country", "agent", "flag"),
    [("FR", DESKTOP[0], "country"), ("TH", "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36", "device")],
)
def test_whom_no_page_fits_goes_to_the_overflow_page_and_the_click_says_why(
    warm: World, code: str, country: str, agent: str, flag: str
) -> None:
    routed(warm, code, *PAGES, overflow_url=OVERFLOW)
    click = warm.click(code, agent=agent, **from_(country))
    assert click["flags"] == [flag]
    assert warm.visit(code, agent=agent, **from_(country))["headers"]["Location"] == OVERFLOW


@pytest.mark.parametrize(
    ("pinned", "country", "page"),
    [("b", "FR", "b"), ("german", "DE", "german"), ("german", "FR", "b"), ("gone", "FR", "b")],
)
def test_a_pinned_page_comes_first_where_it_fits(warm: World, code: str, pinned: str, country: str, page: str) -> None:
    # given a page that nearly everybody would meet, if it were not for the pin
    routed(
        warm,
        code,
        a_page("b", weight=1000),
        a_page("german", weight=1, countries=["DE"]),
        link={"page": pinned},
    )
    visitors = [{"cookies": [f"iv={number:022}"], **from_(country)} for number in range(5)]
    assert {page_of(warm.visit(code, **visitor)) for visitor in visitors} == {page}


# ---- whom the campaign takes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "flag"),
    [
        ({"status": "paused"}, "paused"),
        ({"starts_at": NOW_MS + 1}, "scheduled"),
        ({"ends_at": NOW_MS}, "scheduled"),
        ({"countries": ["DE", "AT"]}, "country"),
        ({"full_until": NOW_MS + 1}, "capped"),
        # The first reason is told.
        ({"status": "paused", "ends_at": 1, "full_until": NOW_MS + 1}, "paused"),
        ({"ends_at": 1, "countries": ["DE"]}, "scheduled"),
    ],
    ids=str,
)
@pytest.mark.parametrize("overflow", [OVERFLOW, None])
def test_whom_the_campaign_does_not_take_goes_elsewhere_and_is_recorded_with_the_reason(
    warm: World, code: str, route: dict[str, Any], flag: str, overflow: str | None
) -> None:
    routed(warm, code, overflow_url=overflow, **route)
    warm.take()
    answer = warm.visit(code, **from_("FR"))
    (click,) = warm.take()
    # then it has a page of its own, no id, and leaves no mark; the click cannot attribute
    assert answer["headers"]["Location"] == (overflow or PAUSED_PAGE)
    assert answer["cookies"] == []
    named = click_id.verify(click["click"], {3: CLICK_KEY.encode()})
    assert click["flags"] == [flag] and named is not None and named.flagged
    assert click["unique"] is False and "visitor" not in click


@pytest.mark.parametrize(
    "route",
    [
        {},
        {"starts_at": NOW_MS, "ends_at": NOW_MS + 1},
        {"countries": ["FR", "DE"]},
        {"full_until": NOW_MS},
        {"overflow_url": OVERFLOW},
    ],
    ids=str,
)
def test_whom_the_campaign_takes_arrives_without_a_flag(warm: World, code: str, route: dict[str, Any]) -> None:
    routed(warm, code, **route)
    click = warm.click(code, **from_("FR"))
    assert "flags" not in click and page_of(warm.visit(code, **from_("FR"))) == "main"


def test_a_visitor_whose_country_nobody_knows_is_taken_and_meets_no_page_for_a_country(warm: World, code: str) -> None:
    routed(warm, code, countries=["FR"])
    # The header alone is anybody's to write.
    click = warm.click(code, cloudfront_viewer_country="DE")
    assert (click["country"], "flags" in click) == ("ZZ", False)


def test_a_paused_link_stays_paused_whatever_its_campaign_says(warm: World, code: str) -> None:
    routed(warm, code, link={"status": "paused", "fallback_url": None}, overflow_url=None)
    assert warm.click(code)["flags"] == ["paused"]
    assert warm.visit(code, host="link.brand.example")["headers"]["Location"] == BRANDS_PAGE
    assert warm.visit(code, host="elsewhere.example")["headers"]["Location"] == FALLBACK


def test_a_machine_is_sent_on_as_people_are_and_both_reasons_stand(warm: World, code: str) -> None:
    routed(warm, code, status="paused")
    assert warm.click(code, agent="curl/8.5.0")["flags"] == ["tool", "paused"]


def test_a_change_of_the_route_is_followed_within_thirty_seconds(
    warm: World, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    routed(warm, code)
    assert page_of(warm.visit(code)) == "main"
    routed(warm, code, status="paused", overflow_url=OVERFLOW)
    assert page_of(warm.visit(code)) == "main"
    now = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert warm.visit(code)["headers"]["Location"] == OVERFLOW


@pytest.mark.parametrize(
    "damage",
    [
        {"status": None},
        {"click_parameter": None},
        {"pages": []},
        {"pages": [{"page": "x", "url": "javascript:alert(1)", "weight": 1}]},
        {"pages": [{"page": "x", "url": "https://{sub1}.example/", "weight": 1}]},
        {"pages": [{"page": "x", "url": "https://u:p@x.example/", "weight": 1}]},
        {"pages": [{"page": "x", "url": "https://a.example/"}]},
        {"overflow_url": "//evil.example"},
        {"overflow_url": "https://broker.example/{sub1}"},
        {"full_until": "tomorrow"},
    ],
    ids=str,
)
def test_a_damaged_route_is_told_and_its_links_lead_where_they_say_themselves(
    warm: World, code: str, damage: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    routed(warm, code, **damage)
    assert warm.visit(code)["headers"]["Location"].startswith(f"{LANDING}?click_id=")
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (said["level"], said["message"], said["campaign"]) == ("ERROR", "route_damaged", f"cmp_{code}")


def test_a_route_that_cannot_be_read_is_told_and_its_links_lead_on(
    warm: World, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    routed(warm, code, a_page("new"))
    read, asked = warm.amazon.get_item, []

    def half(table: str, key: dict[str, Any], *, seconds: float) -> Any:
        asked.append(key["sk"]["S"])
        if key["sk"]["S"] == "route":
            raise warm.amazon.errors.Throttled("ThrottlingException")
        return read(table, key, seconds=seconds)

    monkeypatch.setattr(warm.amazon, "get_item", half)
    assert warm.visit(code)["headers"]["Location"].startswith(f"{LANDING}?click_id=")
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (said["message"], said["reason"]) == ("route_unread", "Throttled: ThrottlingException")
    # and who comes next does not wait for it too
    told = len(asked)
    assert warm.visit(code)["headers"]["Location"].startswith(f"{LANDING}?click_id=")
    assert len(asked) == told
    # and it is read again soon
    monkeypatch.undo()
    now = time.monotonic() + 6
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert page_of(warm.visit(code)) == "new"


def test_a_visitor_whose_click_cannot_be_signed_still_meets_the_campaigns_page(
    warm: World, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    routed(warm, code, a_page("main", "https://go.broker.example/main?s={sub1}"))
    monkeypatch.setattr(warm.container(), "keys", lambda: None)
    assert warm.visit(code, query="sub1=x")["headers"]["Location"] == "https://go.broker.example/main?s="


@pytest.mark.parametrize("overflow", [OVERFLOW, None])
@pytest.mark.parametrize(
    ("link", "route"),
    [
        ({"status": "paused"}, {}),
        ({}, {"status": "paused"}),
        ({}, {"ends_at": NOW_MS}),
        ({}, {"full_until": NOW_MS + 1}),
    ],
    ids=str,
)
def test_whom_the_campaign_does_not_take_goes_elsewhere_though_the_click_cannot_be_signed(
    warm: World, code: str, monkeypatch: pytest.MonkeyPatch, link: Any, route: Any, overflow: str | None
) -> None:
    routed(warm, code, link=link, overflow_url=overflow, **route)
    signed = warm.visit(code)["headers"]["Location"]
    monkeypatch.setattr(warm.container(), "keys", lambda: None)
    assert warm.visit(code)["headers"]["Location"] == signed == (overflow or PAUSED_PAGE)


# ---- what the address says ------------------------------------------------------------------------------------------

UTM = [
    {"name": "utm_source", "value": "{partner}"},
    {"name": "utm_campaign", "value": "spring & {sub1}/{sub2}"},
    {"name": "utm_id", "value": "{click_id}.{link}.{code}.{campaign}.{sub9}"},
]


def test_utm_parameters_have_this_clicks_values_encoded(warm: World, code: str) -> None:
    routed(warm, code, utm=UTM)
    location = warm.visit(code, query="sub1=a%26b%3Dc%23d&sub2=%7Bsub1%7D")["headers"]["Location"]
    said = dict(parse_qsl(urlsplit(location).query))
    # then a value ends neither its parameter nor the query and is no macro itself, and an unknown macro is text
    assert location.isascii() and "#" not in location
    assert said == {
        "utm_source": "par_01",
        "utm_campaign": "spring & a&b=c#d/{sub1}",
        "utm_id": f"{said['click_id']}.Ab12Cd34.{code}.cmp_{code}.{{sub9}}",
        "click_id": said["click_id"],
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"utm_source": "page's own", "utm_campaign": "spring & /"}),
        # What a visitor asks for does not say whose traffic it is.
        ("to=/x?utm_source=forged%26a=1%26utm%255Fcampaign=y", {"utm_source": "par_01", "a": "1"}),
    ],
)
def test_the_pages_own_word_goes_before_the_campaigns_and_the_campaigns_before_the_visitors(
    warm: World, code: str, query: str, expected: dict[str, str]
) -> None:
    page = a_page("main", "https://go.broker.example/main?utm_source=page%27s+own")
    routed(warm, code, page, utm=UTM)
    location = warm.visit(code, query=query)["headers"]["Location"]
    said = parse_qs(urlsplit(location).query, keep_blank_values=True)
    assert {name: said[name] for name in expected} == {name: [value] for name, value in expected.items()}
    assert said["utm_campaign"] == ["spring & /"]


@pytest.mark.parametrize(
    ("url", "query", "address"),
    [
        ("https://a.example/{sub1}/in?c={sub2}#{sub3}", "sub1=x&sub2=y&sub3=z", "https://a.example/x/in?c=y&click_id={}#z"),
        ("https://a.example/{sub1}/in", "", "https://a.example//in?click_id={}"),
        ("https://a.example/{sub1}/in", "sub1=..", "https://a.example//in?click_id={}"),
        ("https://a.example/{sub1}/in", "sub1=.", "https://a.example//in?click_id={}"),
        ("https://a.example/x{sub1}", "sub1=/../@evil.example?%23", "https://a.example/x%2F..%2F%40evil.example%3F%23?click_id={}"),
        ("https://a.example?s={sub1}", "sub1=%F0%9F%92%B0", "https://a.example?s=%F0%9F%92%B0&click_id={}"),
        ("https://a.example/?s={sub6}{", "", "https://a.example/?s=%7Bsub6%7D%7B&click_id={}"),
    ],
)  # fmt: skip
def test_macros_in_a_pages_address_stand_for_this_clicks_values(
    warm: World, code: str, url: str, query: str, address: str
) -> None:
    routed(warm, code, a_page("main", url))
    location = warm.visit(code, query=query)["headers"]["Location"]
    (click,) = parse_qs(urlsplit(location).query)["click_id"]
    assert location == address.format(click)


@pytest.mark.parametrize(
    ("path", "query", "page"),
    [
        ("/bonus?x=1", "", "https://go.broker.example/bonus?x=1&click_id={}"),
        ("https://shop.broker.example/offer", "", "https://shop.broker.example/offer?click_id={}"),
        ("/bonus", "to=/en", "https://go.broker.example/en?click_id={}"),
        # What is odd in `to` leads where the link leads by itself.
        ("/bonus", "to=//evil.example", "https://go.broker.example/bonus?click_id={}"),
        ("//evil.example", "", "https://go.broker.example/main?click_id={}"),
        ("https://evil.example/", "", "https://go.broker.example/main?click_id={}"),
    ],
)
def test_a_links_own_path_lies_under_the_campaigns_hosts(
    warm: World, code: str, path: str, query: str, page: str
) -> None:
    routed(warm, code, link={"path": path})
    location = warm.visit(code, query=query)["headers"]["Location"]
    assert location == page.format(location.rpartition("=")[2])


def test_a_path_lies_under_the_hosts_that_the_campaign_has_now(warm: World, code: str) -> None:
    routed(warm, code, a_page("main", "https://new.example/"), hosts=["new.example"])
    to = quote("https://shop.broker.example/offer", safe="")
    assert warm.visit(code, query=f"to={to}")["headers"]["Location"].startswith("https://new.example/?click_id=")


# ---- codes as people type them --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ("summer-deal", True),
        ("Summer-Deal", True),
        ("SUMMER-DEAL", True),
        ("summer-deal.", True),
        ("summer-deal/", True),
        ("SUMMER-DEAL./", True),
        ("summer-dea1", False),
        (".summer-deal", False),
        ("summer-deal/x", False),
    ],
)
def test_a_partners_own_word_is_found_as_it_is_typed(warm: World, typed: str, finds: bool) -> None:
    warm.put(a_link("summer-deal"))
    assert (LANDING in warm.visit(typed)["headers"]["Location"]) is finds


def test_a_code_that_we_made_is_compared_letter_by_letter(warm: World) -> None:
    # given the codes of two links that differ in capitals only
    warm.put(a_link("xy12cd34", link_id="xy12cd34"))
    assert warm.visit("XY12cd34")["headers"]["Location"] == FALLBACK
    # but with the dot of the sentence that it stood in
    assert LANDING in warm.visit("xy12cd34.")["headers"]["Location"]
    # and exactly first
    warm.put(a_link("Same-word", link_id="Same-wor", landing_url="https://first.example/"))
    warm.put(a_link("same-word"))
    assert warm.visit("Same-word")["headers"]["Location"].startswith("https://first.example/")
