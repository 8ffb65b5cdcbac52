"""The redirect: whatever a visitor sends and whatever fails, the answer is a redirect, and the click is kept."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from introducer.domain import click_id, identity
from introducer.store import keys
from introducer_ops.browsers import DESKTOP, IN_APP, MOBILE
from tests.support.functions import load
from tests.support.redirecting import (
    BRAND,
    BRANDS_PAGE,
    CAMPAIGN,
    CLICK_KEY,
    EDGE,
    ENVIRONMENT,
    FALLBACK,
    IDENTITY,
    LANDING,
    PARTNER,
    PAUSED_PAGE,
    SECRETS,
    Amazon,
    World,
    a_link,
    a_redirect,
    a_visit,
)

BROWSER = DESKTOP[0]


@pytest.fixture(scope="module")
def tables() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, a_redirect(patch) as world:
        yield world


@pytest.fixture
def world(tables: World) -> World:
    """The function in a new container, before its first click."""
    tables.amazon.fails = {}
    tables.start()
    return tables


@pytest.fixture(scope="module")
def warm(tables: World) -> World:
    """The function in one container for a whole group of tests."""
    tables.start()
    return tables


def clicked(location: str, parameter: str = "click_id") -> str:
    """The click id in an address."""
    (click,) = parse_qs(urlsplit(location).query)[parameter]
    return click


# ---- the good way ---------------------------------------------------------------------------------------------------


def test_a_visitor_is_sent_to_the_landing_page_with_a_genuine_click_id(warm: World) -> None:
    answer = warm.visit()
    # then the id names its link and time, and is signed by the current key
    click = click_id.verify(clicked(answer["headers"]["Location"]), {3: CLICK_KEY.encode()})
    assert answer["statusCode"] == 302
    assert answer["headers"]["Location"].startswith(f"{LANDING}?click_id=")
    assert click is not None and click.link_id == "Ab12Cd34" and not click.flagged
    assert abs(click.at_ms - time.time() * 1000) < 60_000
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert answer["headers"]["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_the_click_is_recorded_whole_under_the_key_that_its_id_names(warm: World) -> None:
    # when
    got = warm.click(
        query="sub1=banner-7&sub5=%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82",
        user_agent=MOBILE[1],
        referer="https://Reviews.Example:8443/best-brokers?id=9",
        introducer_edge=EDGE,
        x_forwarded_for="203.0.113.77, 64.252.1.1",
        cloudfront_viewer_country="TH",
    )
    # then
    named = click_id.read(got["click"])
    assert named is not None
    day = time.strftime("%Y-%m-%d", time.gmtime(named.at_ms / 1000))
    key = keys.key("click", link="Ab12Cd34", day=day, shard=0, click=got["click"])
    hashing = identity.brand_key(IDENTITY.encode(), BRAND)
    visitor = got.pop("visitor")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", visitor)
    assert got == {
        **key.item(),
        "click": got["click"],
        "link": "Ab12Cd34",
        "partner": PARTNER,
        "brand": BRAND,
        "campaign": CAMPAIGN,
        "at": named.at_ms,
        "address": identity.keyed_hash(hashing, identity.ADDRESS, identity.normal_address("203.0.113.77")),
        "prefix": identity.keyed_hash(hashing, "prefix", "203.0.113.0/24"),
        "agent": "browser",
        "device": "mobile",
        "referer": "reviews.example",
        "country": "TH",
        "unique": True,
        "sub1": "banner-7",
        "sub5": "привет",
        "expires_at": named.at_ms // 1000 + 400 * 86_400,
    }


def test_a_hot_links_clicks_are_spread_over_the_partitions_that_their_ids_name(warm: World) -> None:
    warm.put(a_link("hot", shard_exponent=1))
    shards = set()
    for _ in range(24):
        got = warm.click("hot")
        named = click_id.read(got["click"])
        assert named is not None and keys.parts(got["pk"])[3] == str(named.shard)
        shards.add(named.shard)
    assert shards <= {0, 1, 2, 3} and len(shards) > 1


@pytest.mark.parametrize(
    ("landing", "parameter", "begins", "ends"),
    [
        ("https://a.example", "cid", "https://a.example?cid=", ""),
        ("https://a.example/?lang=en", "cid", "https://a.example/?lang=en&cid=", ""),
        ("https://a.example/x?cid=old&b=1#top", "cid", "https://a.example/x?b=1&cid=", "#top"),
        ("https://a.example/สวัสดี", "cid", "https://a.example/%E0%B8%AA", ""),
        ("http://127.0.0.1:8080/landing", "btag", "http://127.0.0.1:8080/landing?btag=", ""),
    ],
)
def test_the_click_id_goes_into_the_landing_pages_address(
    world: World, landing: str, parameter: str, begins: str, ends: str
) -> None:
    world.put(a_link("shape", landing_url=landing, click_parameter=parameter))
    location = world.visit("shape")["headers"]["Location"]
    assert location.startswith(begins) and location.endswith(ends) and location.isascii()
    assert click_id.verify(clicked(location, parameter), {3: CLICK_KEY.encode()})


@pytest.mark.parametrize(
    "landing", ["javascript:alert(1)", "//x.example/", "", "ftp://x.example/", "https://u:p@x.example/"]
)
def test_a_link_whose_page_is_no_web_address_leads_to_the_fallback(world: World, landing: str) -> None:
    world.put(a_link("broken", landing_url=landing))
    assert world.visit("broken")["headers"]["Location"] == FALLBACK


# ---- where `to` may lead --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ("/en/bonus", "https://go.broker.example/en/bonus?click_id={}"),
        ("/en/bonus?x=1&y=%2Fb", "https://go.broker.example/en/bonus?x=1&y=%2Fb&click_id={}"),
        ("/@team/~me", "https://go.broker.example/@team/~me?click_id={}"),
        ("/p?click_id=FORGED&a=1", "https://go.broker.example/p?a=1&click_id={}"),
        ("/p?click%5Fid=FORGED", "https://go.broker.example/p?click_id={}"),
        ("https://shop.broker.example/offer", "https://shop.broker.example/offer?click_id={}"),
        ("https://SHOP.broker.example", "https://shop.broker.example/?click_id={}"),
    ],
)
def test_a_partner_may_ask_for_a_path_under_the_campaigns_hosts(warm: World, to: str, address: str) -> None:
    location = warm.visit(query=f"to={quote(to, safe='')}")["headers"]["Location"]
    assert location == address.format(clicked(location))


ATTACKS = [
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "https://evil.example",
    "https://evil.example/go.broker.example",
    "https:\\\\evil.example",
    "https:/\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "http://go.broker.example/plain",
    "https://go.broker.example@evil.example/",
    "https://evil.example\\@go.broker.example/",
    "https://go.broker.example.evil.example/",
    "https://evil.example#go.broker.example/",
    "https://evil.example?go.broker.example/",
    "https://go.broker.example:8443/",
    "https://go.broker.example:pw@evil.example/",
    "https://user@go.broker.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "%2f%2fevil.example",
    "/%252f%252fevil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/../../etc/passwd",
    "/%2e%2e/admin",
    "/a//evil.example",
    "/\tevil",
    "\t//evil.example",
    " //evil.example",
    "/a b",
    "/a\r\nLocation: https://evil.example",
    "/a%0d%0aSet-Cookie:x=1",
    "/a?b=%0d%0aSet-Cookie:x=1",
    "/a\x00b",
    "/%00",
    "/a%zz",
    "/#@evil.example",
    "/<script>alert(1)</script>",
    '/"onload=x',
    "/ｅvil",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "evil.example",
    "go.broker.example/x",
    "?x=1",
    "@evil.example",
    ".evil.example",
    ":80@evil.example",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("to", ATTACKS, ids=lambda to: repr(to)[:40])
@pytest.mark.parametrize("encoded", [True, False], ids=["encoded", "raw"])
def test_anything_else_leads_to_the_campaigns_page(warm: World, to: str, encoded: bool) -> None:
    if not encoded and "&" in to:
        pytest.skip("an ampersand ends the value")
    answer = warm.visit(query=f"to={quote(to, safe='') if encoded else to}")
    location = answer["headers"]["Location"]
    # Unencoded, a plus or a percent sign in the query means something else: then the path may be a harmless one.
    if not encoded and "%" in to:
        assert urlsplit(location)[:2] == ("https", "go.broker.example") and not urlsplit(location).path.startswith("//")
    else:
        assert location == f"{LANDING}?click_id={clicked(location)}"
    assert location.isascii() and location.isprintable() and " " not in location


@pytest.mark.parametrize(
    "query",
    [
        "sub1=%0d%0aLocation:%20https://evil.example",
        "sub1=x%0aSet-Cookie:%20iv=stolen",
        "sub1=%00%01%02",
        "sub1=%ff%fe%fd",
        "sub1=%ED%A0%80",
        "sub1=%E2%80%AE%E2%80%8Bx",
        "sub1=%" + "&sub2=" * 5000,
        "&".join(f"sub{number}={'%F0%9F%92%B0' * 100}" for number in range(1, 6)),
        "&".join(f"a{number}=1" for number in range(2000)),
        "sub1[]=x&sub1[$ne]=y&__proto__=z",
        "sub1=" + "a" * 9000,
        "=&&&=;;;",
        "sub1=<script>alert(1)</script>&sub2='%20OR%201=1--&sub3={{7*7}}",
    ],
    ids=lambda query: query[:24],
)
def test_what_stands_in_the_query_harms_neither_answer_nor_record(warm: World, query: str) -> None:
    warm.take()
    answer = warm.visit(query=query)
    assert answer["headers"]["Location"] == f"{LANDING}?click_id={clicked(answer['headers']['Location'])}"
    assert all(value.isprintable() for value in [*answer["headers"].values(), *answer["cookies"]])
    (click,) = warm.take()
    subs = [click.get(f"sub{number}", "") for number in range(1, 6)]
    assert all(sub.isprintable() and len(sub) <= 100 for sub in subs)


def test_a_click_stays_under_one_write_unit_with_everything_at_its_longest(warm: World) -> None:
    # given a link with ids as long as they get, and a visit with all that can be sent
    long = {
        name: f"{prefix}_{'0' * 26}" for name, prefix in (("partner", "par"), ("brand", "brd"), ("campaign", "cmp"))
    }
    warm.put(a_link("long", shard_exponent=3, status="paused", **long))
    click = warm.click(
        "long",
        query="&".join(f"sub{number}={'%F0%9F%92%B0' * 100}" for number in range(1, 6)),
        method="HEAD",
        cookies=["iv=" + "v" * 22],
        user_agent="WhatsApp/2.23.20.0",
        referer="https://" + "h" * 300 + ".example/",
        sec_purpose="prefetch",
        introducer_edge=EDGE,
        x_forwarded_for="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        cloudfront_viewer_country="TH",
        cloudfront_viewer_asn="24940",
    )
    # then, by DynamoDB's rules for sizes, also with the two flags that files and a campaign's route could add
    assert click["flags"] == ["preview", "head", "prefetch", "hosting", "paused"]
    click["flags"] = ["preview", "head", "prefetch", "anonymous", "hosting", "scheduled"]
    assert 900 < item_size(click) <= 1024, item_size(click)


def item_size(item: dict[str, Any]) -> int:
    def size(value: Any) -> int:
        if isinstance(value, bool):
            return 1
        if isinstance(value, int):
            return (len(str(value)) + 1) // 2 + 1
        if isinstance(value, list):
            return 3 + sum(1 + size(one) for one in value)
        return len(value.encode())

    return sum(len(name.encode()) + size(value) for name, value in item.items())


# ---- codes that lead nowhere ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "host", "page"),
    [
        ("nosuch01", "api.example", FALLBACK),
        ("nosuch01", "link.brand.example", BRANDS_PAGE),
        ("nosuch01", "LINK.brand.example:443", BRANDS_PAGE),
        ("nosuch01", "link.brand.example.", BRANDS_PAGE),
        ("nosuch01", "", FALLBACK),
        ("nosuch01", "evil\r\nx: y", FALLBACK),
        ("a#link", "link.brand.example", BRANDS_PAGE),
        ("%2e%2e", "link.brand.example", BRANDS_PAGE),
        ("x" * 500, "link.brand.example", BRANDS_PAGE),
        ("ab\x00cd", "link.brand.example", BRANDS_PAGE),
        ("ｃode", "link.brand.example", BRANDS_PAGE),
    ],
)
def test_an_unknown_code_leads_to_the_hosts_page_and_records_nothing(
    warm: World, code: str, host: str, page: str
) -> None:
    warm.take()
    answer = warm.visit(code, host=host)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (302, page)
    assert answer["cookies"] == []
    assert warm.take() == []


@pytest.mark.parametrize(
    ("code", "host", "page"),
    [
        ("paused", "api.example", PAUSED_PAGE),
        ("paused-2", "link.brand.example", BRANDS_PAGE),
        ("paused-2", "x", FALLBACK),
    ],
)
def test_a_paused_link_leads_to_the_fallback_without_an_id_and_is_recorded(
    warm: World, code: str, host: str, page: str
) -> None:
    click = warm.click(code, host=host)
    assert warm.visit(code, host=host)["headers"]["Location"] == page
    named = click_id.read(click["click"])
    assert click["flags"] == ["paused"] and named is not None and named.flagged


# ---- who asks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "flags"),
    [
        ({"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, ["bot"]),
        ({"user_agent": "WhatsApp/2.23.20.0"}, ["preview"]),
        ({"user_agent": "curl/8.5.0"}, ["tool"]),
        ({"user_agent": None}, ["no_agent"]),
        ({"user_agent": "-"}, ["no_agent"]),
        ({"method": "HEAD"}, ["head"]),
        ({"sec_purpose": "prefetch;prerender"}, ["prefetch"]),
        ({"purpose": "prefetch"}, ["prefetch"]),
        ({"x_moz": "prefetch"}, ["prefetch"]),
        ({"x_purpose": "preview"}, ["prefetch"]),
        ({"sec_fetch_dest": "image"}, ["embedded"]),
        ({"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate"}, ["embedded"]),
        ({"sec_fetch_dest": "empty", "sec_fetch_mode": "cors"}, ["embedded"]),
        ({"sec_fetch_mode": "no-cors"}, ["embedded"]),
        ({"sec_fetch_dest": "serviceworker"}, ["embedded"]),
        # What only says what it accepts, as Safari did until 2023; and scripts that say so themselves.
        ({"accept": "image/webp,image/avif,video/*;q=0.8,image/*;q=0.8,*/*;q=0.5"}, ["embedded"]),
        ({"accept": "text/css,*/*;q=0.1"}, ["embedded"]),
        ({"x_requested_with": "XMLHttpRequest"}, ["embedded"]),
        ({"service_worker": "script"}, ["embedded"]),
        # A browser that reads ahead is no page that stuffs.
        ({"sec_purpose": "prefetch", "sec_fetch_dest": "empty", "sec_fetch_mode": "no-cors"}, ["prefetch"]),
        ({"sec_purpose": "prefetch;anonymous-client-ip", "sec_fetch_dest": "document"}, ["prefetch"]),
        ({"introducer_edge": EDGE, "cloudfront_viewer_asn": "24940"}, ["hosting"]),
        ({"method": "HEAD", "user_agent": "Wget/1.21"}, ["tool", "head"]),
    ],
    ids=str,
)
def test_who_is_not_a_person_is_redirected_and_flagged(warm: World, request_: dict[str, Any], flags: list[str]) -> None:
    click = warm.click(**request_)
    named = click_id.verify(click["click"], {3: CLICK_KEY.encode()})
    assert click["flags"] == flags
    assert named is not None and named.flagged
    assert click["unique"] is False
    # and leaves no mark in a browser: the person behind a prefetch is still to come
    answer = warm.visit(**request_)
    assert answer["statusCode"] == 302 and answer["cookies"] == []
    assert click_id.verify(clicked(answer["headers"]["Location"]), {3: CLICK_KEY.encode()})


@pytest.mark.parametrize("agent", [DESKTOP[0], MOBILE[0], IN_APP[0]])
def test_a_persons_click_has_no_flags(warm: World, agent: str) -> None:
    assert "flags" not in warm.click(user_agent=agent)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate", "sec_fetch_user": "?1"},
        # a click that a script handed on, or that came through another redirect: nobody says `user` then
        {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate"},
        {"sec_fetch_mode": "navigate", "service_worker_navigation_preload": "true"},
        {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
        # Internet Explorer, which puts pictures first
        {"accept": "image/gif, image/jpeg, image/pjpeg, application/x-ms-application, */*"},
        {"accept": "*/*"},
        {"x_requested_with": "com.facebook.katana"},
        {"sec_gpc": "1", "dnt": "1", "save_data": "on"},
        {"purpose": "navigation"},
        {"accept": "image/jxr, text/html, */*"},
        # what anybody may write is not the edge's word
        {"cloudfront_viewer_asn": "24940"},
        {"introducer_edge": "guessed", "cloudfront_viewer_asn": "24940"},
        {"introducer_edge": EDGE, "cloudfront_viewer_asn": "7470"},
    ],
    ids=str,
)
def test_what_ordinary_browsers_send_is_no_reason_for_a_flag(warm: World, headers: dict[str, str]) -> None:
    assert "flags" not in warm.click(**headers)


def test_a_second_visit_of_a_day_is_the_same_visitor_and_not_unique(warm: World) -> None:
    # given a first visit
    first = warm.visit()
    jar = [cookie.partition(";")[0] for cookie in first["cookies"]]
    # when the browser comes back with its cookies, in the list of AWS or in the header
    second = warm.click(cookies=jar)
    third = warm.click(cookie="; ".join(jar))
    # then
    visitor = next(cookie for cookie in jar if cookie.startswith("iv="))[3:]
    assert (second["visitor"], second["unique"]) == (third["visitor"], third["unique"]) == (visitor, False)


def test_another_link_or_another_day_is_unique_again(
    warm: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    warm.put(a_link("Zz98Yy76", link_id="Zz98Yy76"))
    warm.put(a_link("spring-deal"))
    cookies = warm.visit()["cookies"]
    assert [re.search(r"Path=([^;]+)", cookie)[1] for cookie in cookies] == ["/c", "/c"]  # type: ignore[index]
    jar = [cookie.partition(";")[0] for cookie in cookies]
    # given that the browser opens the same link by another of its names, and another link
    assert warm.click("spring-deal", cookies=jar)["unique"] is False
    other = warm.visit("Zz98Yy76", cookies=jar)["cookies"]
    assert warm.take()[-1]["unique"] is True
    jar += [cookie.partition(";")[0] for cookie in other]
    assert [warm.click(code, cookies=jar)["unique"] for code in ("Ab12Cd34", "Zz98Yy76")] == [False, False]
    # when the clock of a local stage is a day ahead
    (tmp_path / "clock").write_text("86400")
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("CLOCK_FILE", str(tmp_path / "clock"))
    warm.start()
    tomorrow = warm.click(cookies=jar)
    # then
    assert tomorrow["unique"] is True and tomorrow["visitor"] == jar[0][3:]
    assert tomorrow["at"] - time.time() * 1000 == pytest.approx(86_400_000, abs=60_000)
    # but no other stage has a clock that can be moved
    monkeypatch.setenv("STAGE", "prod")
    warm.start()
    assert warm.click()["at"] == pytest.approx(time.time() * 1000, abs=60_000)


def test_the_cookies_are_first_party_and_closed_to_scripts(warm: World) -> None:
    for cookie in warm.visit()["cookies"]:
        assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Max-Age=34560000" in warm.visit()["cookies"][0]


@pytest.mark.parametrize("forged", ["iv=", "iv=short", "iv=" + "v" * 23, "iv=" + "<" * 22, "iv=a b", "iv", "=" * 30])
def test_a_visitor_that_is_not_of_our_form_is_replaced(warm: World, forged: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", warm.click(cookies=[forged])["visitor"])


@pytest.mark.parametrize(
    ("viewer", "same_as"),
    [("203.0.113.9:46532", "203.0.113.9"), ("2001:db8::7:443", "2001:db8::7"), ("[2001:db8::7]:443", "2001:db8::7")],
)
def test_the_edges_own_word_for_the_visitors_address_comes_before_a_list_that_the_visitor_began(
    warm: World, viewer: str, same_as: str
) -> None:
    named = warm.click(introducer_edge=EDGE, cloudfront_viewer_address=viewer, x_forwarded_for="10.1.2.3, 130.176.1.1")
    plain = warm.click(introducer_edge=EDGE, x_forwarded_for=same_as)
    assert named["address"] == plain["address"]
    assert named["prefix"] == plain["prefix"]


@pytest.mark.parametrize("edge", [None, "", "wrong", EDGE[:-1], EDGE + "x", "edge-secre\xe9", "\ud800"])
def test_without_the_edges_secret_neither_address_nor_country_is_believed(warm: World, edge: str | None) -> None:
    click = warm.click(introducer_edge=edge, x_forwarded_for="203.0.113.77", cloudfront_viewer_country="TH")
    hashing = identity.brand_key(IDENTITY.encode(), BRAND)
    assert click["address"] == identity.keyed_hash(hashing, "address", "198.51.100.7")
    assert click["country"] == "ZZ"


def test_an_edge_without_a_secret_is_nobodys_word(warm: World) -> None:
    visit = warm.redirect.Visit(a_visit(introducer_edge="", cloudfront_viewer_country="TH", cloudfront_viewer_asn="1"))
    assert (visit.place("")[2], visit.system("")) == ("ZZ", "")


@pytest.mark.parametrize(
    ("said", "address", "network"),
    [
        ("203.0.113.77", "203.0.113.77", "203.0.113.0/24"),
        (" 203.0.113.77 , 10.0.0.1", "203.0.113.77", "203.0.113.0/24"),
        ("2001:0DB8:1:2::7", "2001:db8:1:2::7", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::1", "fe80::/48"),
        ("nonsense", None, None),
        ("203.0.113.77:4711", None, None),
        ("1" * 5000, None, None),
    ],
)
def test_how_an_address_becomes_two_hashes(warm: World, said: str, address: str | None, network: str | None) -> None:
    click = warm.click(introducer_edge=EDGE, x_forwarded_for=said, cloudfront_viewer_country="T1")
    hashing = identity.brand_key(IDENTITY.encode(), BRAND)
    expected = [
        value and identity.keyed_hash(hashing, kind, value)
        for kind, value in (("address", address), ("prefix", network))
    ]
    assert [click.get("address"), click.get("prefix")] == expected
    assert click["country"] == "ZZ"
    if address is not None:
        assert identity.normal_address(said.partition(",")[0]) == address


def test_no_address_stands_in_a_record(warm: World) -> None:
    click = warm.click(introducer_edge=EDGE, x_forwarded_for="203.0.113.77", user_agent="agent 203.0.113.77 bot")
    assert "203.0.113" not in json.dumps(click) and BROWSER not in json.dumps(click)


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("https://www.example.com/page?secret=1", "www.example.com"),
        ("http://EXAMPLE.com:8080", "example.com"),
        ("android-app://com.facebook.katana/", "com.facebook.katana"),
        ("https://user:password@example.com/", "example.com"),
        ("https://" + "a" * 500 + ".example/", "a" * 120),
        ("-", None),
        ("", None),
        ("www.example.com", None),
        ("javascript:alert(1)", None),
        ("https://evil\r\nx/", None),
        ("https://[::1]/", None),
        ("https:///path", None),
    ],
)
def test_of_the_referer_only_the_host_is_kept(warm: World, said: str, host: str | None) -> None:
    assert warm.click(referer=said).get("referer") == host


# ---- what is kept in the container ----------------------------------------------------------------------------------


class Calls:
    """The reads that the function has made since a moment."""

    def __init__(self, amazon: Amazon) -> None:
        self._amazon = amazon
        self._before = amazon.calls.count("get_item")

    @property
    def made(self) -> int:
        return self._amazon.calls.count("get_item") - self._before

    def fail(self, how: str = "timeout") -> None:
        self._amazon.fails["get_item"] = how

    def answer(self) -> None:
        self._amazon.fails.clear()


@pytest.fixture
def reads(world: World) -> Calls:
    world.visit()
    return Calls(world.amazon)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.monotonic() + seconds
    monkeypatch.setattr(time, "monotonic", lambda: now)


def test_a_link_is_read_once_in_thirty_seconds(world: World, reads: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        world.visit()
    assert reads.made == 0
    # and its campaign's route, of which there is none, likewise
    later(monkeypatch, 31)
    world.visit()
    world.visit()
    assert reads.made == 2


def test_a_paused_link_stops_within_thirty_seconds(world: World, reads: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(a_link("soon"))
    assert LANDING in world.visit("soon")["headers"]["Location"]
    world.put(a_link("soon", status="paused"))
    later(monkeypatch, 31)
    assert world.visit("soon")["headers"]["Location"] == PAUSED_PAGE


def test_an_unknown_code_is_remembered_too(world: World, reads: Calls) -> None:
    for _ in range(5):
        world.visit("nosuch02", host="link.brand.example")
    assert reads.made == 2  # the code, and the host


def test_codes_that_are_tried_out_do_not_fill_the_container(
    world: World, reads: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(type(world.links()).by_code.__globals__, "MOST", 50)
    for number in range(200):
        world.visit(f"try{number}")
    assert len(world.links().links.entries) <= 50


def test_when_books_does_not_answer_what_was_known_serves_on(
    world: World, reads: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a link that was read, long ago
    reads.fail()
    later(monkeypatch, 3600)
    # when
    first, second = world.visit(), world.visit()
    # then both arrive, and only the first waited for BOOKS: for the link, and for the route
    assert LANDING in first["headers"]["Location"] and LANDING in second["headers"]["Location"]
    assert reads.made == 2


def test_a_link_that_is_not_known_here_yet_is_asked_for_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(a_link("twice001", campaign="cmp_twice"))
    read, failures = world.amazon.get_item, iter([world.amazon.errors.TimedOut("the answer took too long")])

    def once_in_vain(table: str, key: Any, *, seconds: float) -> Any:
        if error := next(failures, None):
            raise error
        return read(table, key, seconds=seconds)

    monkeypatch.setattr(world.amazon, "get_item", once_in_vain)
    assert LANDING in world.visit("twice001")["headers"]["Location"]


def test_when_books_does_not_answer_an_unknown_link_leads_to_the_fallback_and_is_logged(
    world: World, reads: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    reads.fail()
    assert world.visit("fresh001")["headers"]["Location"] == FALLBACK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["message"] == "link_unread"
    # and it is found as soon as BOOKS is back: a silence is not an answer
    reads.answer()
    world.put(a_link("fresh001"))
    assert LANDING in world.visit("fresh001")["headers"]["Location"]


def test_what_a_container_needs_is_read_and_opened_once(world: World) -> None:
    before = len(world.amazon.calls)
    for _ in range(5):
        world.visit()
    calls = world.amazon.calls[before:]
    assert calls.count("get_secret") == 3 and calls.count("open") == 1


def test_a_click_on_the_warm_path_is_one_write_and_no_read(world: World) -> None:
    world.visit()
    before = len(world.amazon.calls)
    world.visit()
    assert world.amazon.calls[before:] == ["put_item"]


def test_in_lambda_a_container_prepares_while_it_starts_and_whatever_fails_then_is_answered(
    tables: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given Lambda's own environment, and a setting that is no number
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    monkeypatch.setenv("CLICK_TTL_DAYS", "many")
    # then the module loads, and answers
    assert load("redirect").handler(a_visit(), None)["headers"]["Location"] == FALLBACK


def test_without_its_keys_a_visitor_still_reaches_the_page(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a secret that cannot be read
    monkeypatch.setenv("IDENTITY_KEY_SECRET", "no-such-secret")
    world.take()
    # when
    answer = world.visit()
    # then the page opens without an id, and the log says so
    assert answer["headers"]["Location"] == LANDING
    assert world.take() == []
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["message"] == "click_unsigned"


# ---- when something fails -------------------------------------------------------------------------------------------


def test_a_click_that_facts_refuses_goes_to_the_queue(world: World) -> None:
    world.visit()
    world.amazon.fails = {"put_item": "throttled"}
    world.amazon.messages.clear()
    world.take()
    # when
    click = clicked(world.visit(query="sub1=a")["headers"]["Location"])
    # then the message is the item, ready to be put
    (message,) = world.amazon.messages
    item = json.loads(message)
    assert world.take() == []
    assert item["click"] == {"S": click} and item["sub1"] == {"S": "a"} and item["sk"] == {"S": click}


def test_a_click_that_nothing_takes_stands_in_the_log_whole(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.visit()
    world.amazon.fails = {"put_item": "refused", "send_message": "failed"}
    answer = world.visit(query="sub1=%0a%7b%22forged%22:1%7d")
    # then one line, no more, with all that a replay needs
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert answer["statusCode"] == 302
    assert said["message"] == "click_unwritten" and said["level"] == "ERROR"
    assert said["reasons"] == ["facts: Unreachable: Connection refused", "queue: Failed: status 503"]
    assert said["item"]["click"] == {"S": clicked(answer["headers"]["Location"])}
    assert said["item"]["pk"]["S"].startswith("C#Ab12Cd34#")


@pytest.mark.parametrize(
    ("spent", "kept", "asked"),
    [(0.0, "facts", ["put_item"]), (0.52, "queue", ["send_message"]), (0.92, "log", [])],
)
def test_no_call_is_begun_that_could_not_end_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch, spent: float, kept: str, asked: list[str]
) -> None:
    # given a click that has already spent part of its time, and tables and queues that would answer
    world.visit()
    before = len(world.amazon.calls)
    deadline = world.redirect.clock.Deadline(1000)
    later(monkeypatch, 1000 * spent)
    # then
    item = {name: {"S": "x"} for name in ("pk", "sk", "click")}
    assert world.redirect.keep(item, world.container(), deadline) == kept
    assert world.amazon.calls[before:] == asked


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": {}},
        {"requestContext": {"http": {"method": "GET"}}, "rawPath": "/c/Ab12Cd34", "headers": None},
        {"requestContext": {"http": {"method": "GET"}}, "rawPath": None, "pathParameters": None},
        {**a_visit(), "rawQueryString": 7},
        {**a_visit(), "headers": []},
    ],
    ids=range(6),
)
def test_an_event_of_another_shape_is_answered_too(warm: World, event: dict[str, Any]) -> None:
    answer = warm.redirect.handler(event, None)
    assert answer["statusCode"] == 302 and answer["headers"]["Location"].startswith("https://")


def test_a_missing_setting_is_answered_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOKS_TABLE")
    assert world.visit()["headers"]["Location"] == FALLBACK


@pytest.mark.parametrize("name", ["status", "partner", "landing_url", "click_parameter", "link_id"])
def test_a_damaged_link_item_is_answered_too(world: World, name: str) -> None:
    world.put(a_link("damaged", **{name: None}))
    assert world.visit("damaged")["headers"]["Location"] == FALLBACK


# ---- on real sockets (`test_redirect_failing.py` plays the clock) ----------------------------------------------------


class Slow:
    """A stand-in for AWS on a real socket. `stalls` names what it takes in and never answers."""

    def __init__(self) -> None:
        self.stalls: set[str] = set()
        self.taken: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                action = self.headers["x-amz-target"].rpartition(".")[2]
                outer.taken.append(action)
                if action in outer.stalls:
                    outer.released.wait(60)
                    return
                answer: dict[str, Any] = {}
                if action == "GetSecretValue":
                    answer = {"SecretString": SECRETS.get(body["SecretId"])}
                elif action == "GetItem" and body["Key"]["sk"]["S"] == "link":
                    answer = {"Item": a_link("Ab12Cd34")}
                elif action == "SendMessage":
                    answer = {"MessageId": "m"}
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


DEADLINE = 2.0


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    server = Slow()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("CLICK_QUEUE_URL", server.url + "/0/clicks")
    monkeypatch.setenv("CLICK_DEADLINE_MS", str(DEADLINE * 1000))
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("stalls", "kept"),
    [({"PutItem"}, "queue"), ({"GetItem", "PutItem", "SendMessage"}, "log")],
    ids=lambda value: value if isinstance(value, str) else "+".join(sorted(value)),
)
def test_the_answer_comes_whoever_stalls(
    slow: Slow, stalls: set[str], kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a warm container that knows the link from half a minute ago
    redirect = load("redirect")
    assert LANDING in redirect.handler(a_visit(), None)["headers"]["Location"]
    links = redirect._prepared()[1].links
    links.entries = {code: (0.0, link) for code, (_, link) in links.entries.items()}
    slow.stalls, slow.taken = stalls, []
    # when what stalls does so for as long as it likes
    answer = redirect.handler(a_visit(), None)
    # then
    lines = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    assert LANDING in answer["headers"]["Location"]
    assert lines == {"queue": ["click_queued"], "log": ["click_unwritten"]}[kept]
    # and nothing was asked twice
    assert len(slow.taken) == len(set(slow.taken))


def test_a_cold_container_whose_tables_stall_still_answers(slow: Slow) -> None:
    slow.stalls = {"GetItem", "PutItem", "SendMessage"}
    redirect = load("redirect")
    answer = redirect.handler(a_visit(), None)
    assert answer["headers"]["Location"] == FALLBACK


def test_in_lambda_keys_are_read_and_connections_opened_while_the_function_starts(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    # when Lambda loads the module, and nobody has come yet
    redirect = load("redirect")
    assert slow.taken == ["GetSecretValue"] * 3
    # then the first visitor waits for the link, its route and the click alone
    assert LANDING in redirect.handler(a_visit(), None)["headers"]["Location"]
    assert slow.taken[3:] == ["GetItem", "GetItem", "PutItem"]


def test_what_fails_while_the_function_starts_is_tried_again_with_the_first_click(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given secrets that cannot be read yet
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    monkeypatch.setenv("EDGE_SECRET", "not-yet")
    redirect = load("redirect")
    assert "PutItem" not in slow.taken
    # when they can
    monkeypatch.setenv("EDGE_SECRET", "edge")
    assert "click_id=" in redirect.handler(a_visit(), None)["headers"]["Location"]
    assert slow.taken[-1] == "PutItem"
