"""A partner's links for real use: found, made with an own name, handed on, paused; and what may be promoted."""

from __future__ import annotations

import csv
import html
import io
import re
import secrets
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import segno
from PIL import Image

from introducer.domain.campaigns import LandingPage
from introducer.domain.configuration import Availability, Change
from introducer.domain.errors import Conflict
from introducer.services import read_links_of_partner
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from introducer.services.create_named_link import create_named_link
from introducer.store.click_counts import ClickCount, ClickCounts, Span, position
from tests.browser.world import HOST, Answer
from tests.support.payday import AUTHOR, GULF, HARBOUR, LANTERN, MANAGER, NOW, PIPS
from tests.support.pictures import drawn
from tests.support.promoting import DEMO, OPEN, Promoting, a_promoting
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

ORIGIN = f"http://{HOST}"
ODD = {"sub1": "May newsletter", "sub2": 'a&b="<c>', "sub5": "żółw عربى"}


@pytest.fixture(scope="module")
def portal() -> Iterator[Promoting]:
    with pytest.MonkeyPatch.context() as patch, a_promoting(patch) as world:
        yield world


def makes(portal: Promoting, who: str = HARBOUR, campaign: str = OPEN, key: str = "", **other: Any) -> Answer:
    headers = {"idempotency_key": key} if key else {}
    wish = {"campaign": portal.campaigns[campaign]} | other
    return portal.machine(who).post("/links", wish, as_json=True, **headers)


def shown(portal: Promoting, code: str, query: str = "", who: str = HARBOUR) -> dict[str, Any]:
    answer = portal.machine(who).get(f"/links/{code}{query}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


def query_of(subs: dict[str, str]) -> str:
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in subs.items())


def changes(portal: Promoting, campaign: str, **other: Any) -> None:
    """Staff say something else of a campaign."""
    before = portal.configuration.campaign(portal.brand, portal.campaigns[campaign])
    change = Change(by="mem_manager", at=NOW, why="agreed")
    after = replace(before, version=before.version + 1, **other)
    portal.configuration.change_campaign(before, after, change, full_until=None)


# ------------------------------------------------------------------------------------------------- making and finding


def test_a_link_is_made_with_all_that_a_partner_says_of_it(portal: Promoting) -> None:
    # given a form at the campaign, filled in whole
    browser, where = portal.signed_in(LANTERN), f"/campaigns/{portal.campaigns[DEMO]}"
    said = {"name": 'For "May" <b>', "path": "/en/start?x=1", "slug": "Lantern-May", "note": "For the list"}
    done = browser.submit(where, f"{where}/links", **said)
    assert done.status == 303, done.body

    # then its page says it is ready, under its own name
    page = browser.get(done.location)
    assert page.status == 200 and "is ready" in page.body and "For &#34;May&#34; &lt;b&gt;" in page.body
    found = shown(portal, "lantern-may", who=LANTERN)
    assert (found["name"], found["path"], found["slugs"]) == (said["name"], said["path"], ["lantern-may"])
    assert found["note"] == said["note"] and 'name="note"' in browser.get(where).body
    assert found["url"] == found["address"] == f"{ORIGIN}/c/lantern-may"
    assert portal.configuration.link("lantern-may").link_id == found["code"]

    # and a program makes one once, however often it asks
    wish = {"name": "Program", "slug": "lantern-app"}
    made, again = (makes(portal, LANTERN, key="k-1", **wish) for _ in range(2))
    assert (made.status, again.json) == (201, made.json)
    assert made.location == f"/links/{made.json['code']}?made=1"
    assert made.json["url"] == f"{ORIGIN}/c/lantern-app"


@pytest.mark.parametrize(
    ("wish", "field", "status"),
    [
        ({"slug": "a"}, "slug", 422),
        ({"slug": "admin"}, "slug", 422),
        ({"slug": "go-northgate-example"}, "slug", 422),
        ({"slug": "pips-spring"}, "slug", 409),
        ({"path": "//evil.example"}, "path", 422),
        ({"path": "https://evil.example/"}, "path", 422),
        ({"page": "none"}, "page", 422),
        ({"name": "x" * 81}, "name", 422),
    ],
)
def test_what_a_link_cannot_be_is_told_beside_its_field_and_makes_nothing(
    portal: Promoting, wish: dict[str, str], field: str, status: int
) -> None:
    if wish.get("slug") == "pips-spring":
        assert makes(portal, PIPS, slug="pips-spring", key="pips").status == 201
    browser, where = portal.signed_in(HARBOUR), f"/campaigns/{portal.campaigns[OPEN]}"
    before = len(portal.machine(HARBOUR).get("/links").json["items"])
    form = {"csrf": browser.get(where).field("csrf"), "name": "Kept"}
    refused = browser.post(f"{where}/links", form | wish)
    assert refused.status == status, refused.body
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', refused.body)
    by_program = makes(portal, **wish)
    assert (by_program.status, by_program.json["field"]) == (status, field)
    assert len(portal.machine(HARBOUR).get("/links").json["items"]) == before


def test_links_are_found_by_words_and_status_page_by_page(portal: Promoting) -> None:
    # given six links with names, of which two are paused
    names = [f"Search {number} {'Żółw' if number % 2 else 'Fish'}" for number in range(6)]
    codes = {name: makes(portal, PIPS, name=name, campaign=DEMO).json["code"] for name in names}
    machine = portal.machine(PIPS)
    for name in names[:2]:
        assert machine.post(f"/links/{codes[name]}/status", {"status": "paused"}, as_json=True).status == 200

    def found(query: str) -> list[str]:
        items, following = [], ""
        while True:
            page = machine.get(f"/links?limit=2&{query}{following}").json
            items += [each["name"] for each in page["items"]]
            assert len(page["items"]) <= 2
            if not page["next"]:
                return items
            following = f"&cursor={page['next']}"

    assert sorted(found(f"q={quote('żÓŁW')}")) == [name for name in names if "Żółw" in name]
    assert sorted(found("q=search&status=paused")) == names[:2]
    assert set(found("q=Free+%3Ci%3E")) >= set(names), "a campaign's name counts too"
    assert found(f"q={codes[names[3]]}") == [names[3]]
    assert found("q=nothing+like+it") == []
    for query in ("status=gone", "q=" + "x" * 121):
        assert machine.get(f"/links?{query}").json["code"] == "bad_query"
    rows = list(csv.DictReader(io.StringIO(machine.get("/links?q=search", accept="text/csv").body)))
    assert len(rows) == 6 and {row["takes"] for row in rows} == {"active", "paused"}
    assert "Nothing fits" in portal.signed_in(PIPS).get("/links?q=nothing+like+it").body


def test_a_search_looks_at_so_many_links_and_goes_on_from_there(
    portal: Promoting, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a link behind five newer ones
    oldest = makes(portal, GULF, name="Needle").json["code"]
    portal.now += timedelta(minutes=1)
    for number in range(5):
        makes(portal, GULF, name=f"Hay {number}")
    # when a page looks at no more than four
    monkeypatch.setattr(read_links_of_partner, "_AT_ONCE", 2)
    monkeypatch.setattr(read_links_of_partner, "MOST_LOOKED_AT", 4)
    machine = portal.machine(GULF)
    first = machine.get("/links?q=needle").json
    assert first["items"] == [] and first["next"]
    assert "Look on the next page." in portal.signed_in(GULF).get("/links?q=needle").body
    # then the next one finds it
    second = machine.get(f"/links?q=needle&cursor={first['next']}").json
    assert ([each["code"] for each in second["items"]], second["next"]) == ([oldest], None)


def test_a_named_link_that_was_cut_off_while_it_was_made_is_found_again(portal: Promoting) -> None:
    given: dict[str, Any] = {"partner": portal.partners[LANTERN], "campaign": portal.campaigns[OPEN], "name": "Cut",
                             "author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}  # fmt: skip
    books = portal.configuration
    # given a first try that ended before the name was taken, or after all was written
    bare = create_link(books, **given, request="r-1")
    link = create_named_link(books, **given, slug="lantern-cut", request="r-1")
    assert (link.code, link.slugs) == (bare.code, ("lantern-cut",))
    assert create_named_link(books, **given, slug="lantern-cut", request="r-1") == link
    # then another wish for the same name is refused, and leaves nothing
    before = len(books.links_of_partner(portal.partners[LANTERN]).items)
    with pytest.raises(Conflict) as raised:
        create_named_link(books, **given | {"name": "Other"}, slug="Lantern-Cut", request="r-2")
    assert raised.value.code == "slug_taken"
    assert len(books.links_of_partner(portal.partners[LANTERN]).items) == before


# ------------------------------------------------------------------------------------------------------- handing it on


def test_the_address_has_what_the_partner_puts_in_and_the_qr_code_is_of_exactly_it(portal: Promoting) -> None:
    code = portal.codes[HARBOUR]
    found = shown(portal, code, query_of(ODD))
    address = found["address"]
    assert address == f"{ORIGIN}/c/{code}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in ODD.items())
    browser = portal.signed_in(HARBOUR)
    page = browser.get(f"/links/{code}{query_of(ODD)}").body
    assert html.escape(address) in page and 'value="a&amp;b=&#34;&lt;c&gt;"' in page
    [source] = re.findall(r'<img src="(/links/[^"]+)"', page)
    assert html.unescape(source) == found["qr"]["svg"]

    # when both pictures are opened
    svg, png = browser.get(found["qr"]["svg"]), browser.get(found["qr"]["png"] + "&download=1")

    # then they are the codes of this address, and the file has a name
    wanted = segno.make(address, error="q", micro=False, boost_error=False)
    assert dark_of_svg(svg.body) == [[bool(each) for each in row] for row in wanted.matrix]
    assert svg.headers["content-type"] == "image/svg+xml; charset=utf-8" and "sandbox" in str(svg.headers)
    assert dark_of_png(b64decode(png.body)) == [[bool(each) for each in row] for row in wanted.matrix]
    assert png.headers["content-disposition"] == f'attachment; filename="{code}.png"'
    too_long = portal.machine(HARBOUR).get(f"/links/{code}?sub1={'x' * 101}")
    assert (too_long.status, too_long.json["code"]) == (400, "bad_sub")


def dark_of_svg(drawing: str) -> list[list[bool]]:
    """Which modules are dark: the path goes from left to right, line by line."""
    [size] = {int(each) for each in re.findall(r'viewBox="0 0 (\d+) \1"', drawing)}
    rows = [[False] * size for _ in range(size)]
    [path] = re.findall(r'stroke="#000"[^>]* d="([^"]+)"', drawing)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])\s*([-\d. ]+)", path):
        given = [float(each) for each in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "M":
            x, y = given
        elif command == "m":
            x, y = x + given[0], y + given[1]
        else:
            for column in range(int(given[0])):
                rows[int(y)][int(x) + column] = True
            x += given[0]
    return [row[4:-4] for row in rows[4:-4]]


def dark_of_png(content: bytes) -> list[list[bool]]:
    picture = Image.open(io.BytesIO(content)).convert("L")
    modules = picture.width // 16
    return [
        [picture.getpixel((column * 16 + 8, row * 16 + 8)) == 0 for column in range(4, modules - 4)]
        for row in range(4, modules - 4)
    ]


def test_a_text_is_shared_in_the_language_that_is_chosen_with_the_link_as_it_is(portal: Promoting) -> None:
    code = makes(portal, campaign=DEMO, name="Shared").json["code"]
    for language, said in (("en", "Trade with {brand}: {link}"), ("ar", "{campaign} عند {brand}\n{link}")):
        assert portal.adds_text(campaign=DEMO, language=language, text=said).status == 201
    link = f"{ORIGIN}/c/{code}?sub1=a%20b"

    english, arabic = (shown(portal, code, f"?sub1=a+b&language={each}") for each in ("en", "ar"))
    assert (english["language"], english["share_languages"]) == ("en", ["ar", "en"])
    assert [each["text"] for each in english["share"]] == [f"Trade with Northgate FX: {link}"]
    assert [each["text"] for each in arabic["share"]] == [f"{DEMO} عند Northgate FX\n{link}"]
    assert english["share"][0]["ways"]["whatsapp"] == "https://wa.me/?text=" + quote(
        f"Trade with Northgate FX: {link}", safe=""
    )
    page = portal.signed_in(HARBOUR).get(f"/links/{code}?sub1=a+b&language=ar").body
    assert html.escape(arabic["share"][0]["ways"]["telegram"]) in page and "Free &lt;i&gt;demo&lt;/i&gt; عند" in page


def test_banners_and_text_links_have_the_partners_link_in_them(portal: Promoting) -> None:
    # given a banner in a language, another for all, a text link, and one that is paused
    names = {"pl": "Wiosna%20%22FX%22", "": "Anywhere"}
    made = {language: portal.adds_banner(drawn(728, 90 + len(language)), name=name, language=language).json
            for language, name in names.items()}  # fmt: skip
    line = portal.adds_text(kind="text_link", name="Line", language="pl", text="Graj & <wygraj> z {brand}").json
    paused = portal.adds_text(kind="text_link", name="Old", language="pl", text="Old").json["material"]
    status = f"{portal.materials_path()}/{paused}/status"
    assert portal.machine(MANAGER).post(status, {"status": "paused"}, as_json=True).status == 200
    code, machine = portal.codes[HARBOUR], portal.machine(HARBOUR)

    def found(query: str) -> dict[str, Any]:
        return dict(machine.get(f"/links/{code}/materials?{query}").json)

    # then a partner chooses among them by size and language
    assert [each["name"] for each in found("size=728x92")["items"]] == ['Wiosna "FX"']
    assert {each["material"] for each in found("language=pl")["items"]} == {
        made["pl"]["material"], made[""]["material"], line["material"],
    }  # fmt: skip
    first = found("language=pl&limit=2")
    second = found(f"language=pl&limit=2&cursor={first['next']}")
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)

    # and each is ready to be put on a page
    by_name = {each["name"]: each for each in found("sub1=x")["items"]}
    address = f"{ORIGIN}/c/{code}?sub1=x"
    assert by_name['Wiosna "FX"']["html"] == (
        f'<a href="{address}" target="_blank" rel="sponsored noopener"><img src="{ORIGIN}/m/'
        f'{made["pl"]["material"]}" width="728" height="92" alt="Wiosna &quot;FX&quot;"></a>'
    )
    assert "Graj &amp; &lt;wygraj&gt; z Northgate FX</a>" in by_name["Line"]["html"]
    page = portal.signed_in(HARBOUR).get(f"/links/{code}/materials?sub1=x&language=pl").body
    assert "&lt;a href=&#34;" + address in page and "<wygraj>" not in page
    assert machine.get(f"/links/{code}/materials", accept="text/csv").body.count("sponsored") >= 3


def test_the_figures_of_a_link_are_its_own_with_the_reasons_of_what_does_not_count(portal: Promoting) -> None:
    code = makes(portal, name="Counted").json["code"]
    counts, partner = ClickCounts(portal.table), portal.partners[HARBOUR]
    for day, clicks in (("2026-04-01", 3), ("2026-04-02", 5)):
        count = ClickCount(partner, day, code, clicks, clicks - 1, 12, reasons=(("bot", 8), ("prefetch", 4)))
        assert counts.add(count, {0: Span(position("1"), position("9"))})
    found = shown(portal, code)
    assert found["figures"]["today"]["clicks"] == 5
    month = {"clicks": 8, "unique": 6, "flagged": 24, "registrations": 0, "ftd": 0}
    assert found["figures"]["month"] == month | {"reasons": {"bot": 16, "prefetch": 8}}
    assert [each["day"] for each in found["days"]] == ["2026-04-02", "2026-04-01"]
    page = text(portal.signed_in(HARBOUR).get(f"/links/{code}").body)
    assert "24 of 32 clicks do not count: Robots 16, Read ahead by a browser 8" in page
    [row] = portal.machine(HARBOUR).get("/links?q=counted").json["items"]
    assert (row["clicks_today"], row["clicks"], row["flagged"]) == (5, 8, 24)


# -------------------------------------------------------------------------------------------------- changing and whose


def test_a_link_is_paused_with_all_its_names_and_resumed(portal: Promoting) -> None:
    made = makes(portal, name="Paused", slug="harbour-pause", key="pause").json
    browser, where = portal.signed_in(HARBOUR), f"/links/{made['code']}"
    assert browser.submit(where, f"{where}/status", status="paused").status == 303
    again = portal.machine(HARBOUR).post(f"{where}/status", {"status": "paused"}, as_json=True)
    assert (again.status, again.json["status"]) == (200, "paused")
    for code in (made["code"], "harbour-pause"):
        assert portal.configuration.link(code).status is Availability.PAUSED
    page = browser.get(where)
    assert "You paused this link" in page.body and "Resume this link" in page.body
    assert browser.submit(where, f"{where}/status", status="active").status == 303
    assert portal.configuration.link("harbour-pause").status is Availability.ACTIVE
    assert shown(portal, made["code"])["takes"] == "active"


def test_own_names_are_taken_and_given_up(portal: Promoting) -> None:
    code = makes(portal, name="Names").json["code"]
    browser, where = portal.signed_in(HARBOUR), f"/links/{code}"
    assert browser.submit(where, f"{where}/slugs", slug="Harbour-One").location == f"{where}?named=1"
    assert browser.submit(where, f"{where}/slugs", slug="harbour-two").status == 303
    found = shown(portal, code, "?as=harbour-one&sub1=x")
    assert (found["url"], found["address"]) == (f"{ORIGIN}/c/harbour-two", f"{ORIGIN}/c/harbour-one?sub1=x")
    assert makes(portal, PIPS, slug="pips-taken", key="t").status == 201
    taken = browser.submit(where, f"{where}/slugs", slug="pips-taken")
    assert taken.status == 409 and "This is taken: choose another." in taken.body
    assert browser.submit(where, f"{where}/slugs/harbour-two/removal").status == 303
    assert shown(portal, code)["url"] == f"{ORIGIN}/c/harbour-one"
    assert portal.machine(HARBOUR).get("/links/harbour-two").status == 404
    mine_again = makes(portal, slug="harbour-two", key="again")
    assert (mine_again.status, mine_again.json["url"]) == (201, f"{ORIGIN}/c/harbour-two")


def test_a_partner_is_told_when_a_campaign_leads_to_its_deep_link_no_more(portal: Promoting) -> None:
    hosts = portal.configuration.campaign(portal.brand, portal.campaigns[DEMO]).hosts
    changes(portal, DEMO, hosts=(*hosts, "go.northgate.example"))
    code = makes(portal, campaign=DEMO, name="Deep", path="https://go.northgate.example/x").json["code"]
    assert shown(portal, code)["path_leads"] is True
    changes(portal, DEMO, hosts=hosts)
    assert shown(portal, code)["path_leads"] is False
    assert "leads there no more" in portal.signed_in(HARBOUR).get(f"/links/{code}").body


def test_nobody_sees_or_changes_anothers_link(portal: Promoting) -> None:
    code, stranger = portal.codes[HARBOUR], portal.machine(PIPS)
    for path in ("", "/materials", "/qr.svg", "/qr.png"):
        assert stranger.get(f"/links/{code}{path}").json["code"] == "not_found"
        assert stranger.get(f"/links/none{path}").json["code"] == "not_found"
    for path, sent in (("status", {"status": "paused"}), ("slugs", {"slug": "pips-steals"}), ("slugs/x/removal", {})):
        assert stranger.post(f"/links/{code}/{path}", sent, as_json=True).status == 404
    assert portal.configuration.link(code).status is Availability.ACTIVE
    assert portal.machine(MANAGER).get(f"/links/{code}").json["code"] == "partners_only"


# ------------------------------------------------------------------------------------------------- what may be promoted


def test_campaigns_say_what_they_take_and_in_which_words_a_partner_is_paid(portal: Promoting) -> None:
    # given a campaign with pages and a cap, one to come, one that is over, and one that is paused
    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    for name in ("Caps", "To come", "Over", "Stopped"):
        portal.campaigns[name] = create_campaign(
            portal.configuration, brand=portal.brand, name=name, landing_url="https://northgate.example/x", **made
        ).campaign
    code = create_link(
        portal.configuration, partner=portal.partners[HARBOUR], campaign=portal.campaigns["Stopped"], **made
    ).code
    pages = (
        LandingPage(page="pl", url="https://northgate.example/pl", weight=3, countries=("PL",), language="pl"),
        LandingPage(page="en", url="https://northgate.example/en", devices=("mobile",), name="English", language="en"),
    )
    changes(portal, "Caps", pages=pages, clicks_per_day=100, description="Best\nof all", terms="No spam <b>")
    changes(portal, "To come", starts_at=NOW + timedelta(days=2))
    changes(portal, "Over", ends_at=NOW - timedelta(days=2))
    changes(portal, "Stopped", status=Availability.PAUSED)

    # when a partner looks
    machine, browser = portal.machine(HARBOUR), portal.signed_in(HARBOUR)
    found = {each["name"]: each for each in machine.get("/campaigns").json["items"]}
    assert {name: each["takes"] for name, each in found.items()} == {
        OPEN: "active", DEMO: "active", "Caps": "active", "To come": "to_come", "Over": "over", "Stopped": "paused",
    }  # fmt: skip
    caps = found["Caps"]
    assert (caps["devices"], caps["languages"], caps["used_today"], caps["used_in_all"]) == ([], ["en", "pl"], 0, None)
    one = machine.get("/campaigns?limit=4").json
    two = machine.get(f"/campaigns?limit=4&cursor={one['next']}").json
    assert [each["name"] for each in one["items"] + two["items"]] == list(found) and two["next"] is None
    assert len(machine.get("/campaigns", accept="text/csv").body.splitlines()) >= 7

    # then the campaign's page says so, and those that take nobody make no link
    page = browser.get(f"/campaigns/{portal.campaigns['Caps']}").body
    said = text(page)
    assert "0 of 100 clicks" in said and "75%" in said and "No spam <b>" in said and "Revenue share" in said
    assert '<option value="en">English · English</option>' in page
    pinned = makes(portal, campaign="Caps", page="pl").json
    assert shown(portal, pinned["code"])["page_name"] == "https://northgate.example/pl"
    stopped = browser.get(f"/campaigns/{portal.campaigns['Stopped']}").body
    assert "no new links are made to it" in stopped and 'action="/campaigns/' not in stopped
    refused = makes(portal, campaign="Stopped")
    assert (refused.status, refused.json["code"]) == (409, "campaign_paused")
    refused = makes(portal, campaign="Over")
    assert (refused.status, refused.json["code"]) == (409, "campaign_over")
    offered = {each["name"] for each in machine.get("/links").json["campaigns"]}
    assert offered == {OPEN, DEMO, "Caps", "To come"}
    assert shown(portal, code)["takes"] == "campaign_paused"
    assert "The campaign is paused" in browser.get(f"/links/{code}").body
    assert machine.get("/campaigns/cmp_none").status == 404
