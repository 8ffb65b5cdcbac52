"""What all pages have in common: places to go to, the files they are drawn with, charts, and how they are sent."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.configuration import Role
from tests.api.asking import HEADS, documented
from tests.browser.world import an_http_event
from tests.support import functions
from tests.support.payday import HARBOUR, LAST_RUN, MAKER, NOW, Payday, a_payday

PORTAL = functions.FUNCTIONS / "portal"
STYLES, SCRIPT = (PORTAL / "static" / name for name in ("portal.css", "portal.js"))


@pytest.fixture(scope="module")
def portal() -> Iterator[Payday]:
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        yield world


@pytest.fixture(scope="module")
def places(portal: Payday) -> Any:
    return portal.module.places


@pytest.fixture(scope="module")
def assets(portal: Payday) -> Any:
    return portal.module.server.rendering.assets


@pytest.fixture(scope="module")
def charts(portal: Payday) -> Any:
    return portal.module.server.rendering.charts


# ------------------------------------------------------------------------------------------------------------ places


def visit_of(role: Role, path: str = "/") -> Any:
    return SimpleNamespace(member=SimpleNamespace(role=role), path=path)


def test_a_place_is_shown_to_exactly_those_whom_its_page_lets_in(places: Any) -> None:
    table, seen = documented(), 0
    for role in Role:
        column = HEADS.index(role.value.title()) - 2
        # Some places lead on at once; the first page leads staff to theirs.
        may = {
            path
            for (method, path), row in table.items()
            if method == "GET" and (row.cells[column] == "200" or (row.cells[column] == "303" and path != "/"))
        }
        found = places.shown_to(visit_of(role))
        shown = [each for group in found.groups for each in group.places] + ([found.own] if found.own else [])
        known = {each.path for group in places.GROUPS for each in group.places if ("GET", each.path) in table}
        assert {each.path for each in shown} & known == may & known, role
        assert len({each.path for each in shown}) == len(shown), role
        seen += len(shown)
    assert seen > 100


@pytest.mark.parametrize("role", list(Role))
def test_a_phone_has_room_for_four_places_of_each_role(places: Any, role: Role) -> None:
    shown = places.shown_to(visit_of(role))
    assert len(shown.phone) == 4
    assert set(shown.phone) <= {each for group in shown.groups for each in group.places}


@pytest.mark.parametrize(
    ("role", "path", "here"),
    [
        (Role.OWNER, "/", "/"),
        (Role.OWNER, "/links/Ab12Cd34", "/links"),
        (Role.OWNER, "/linksome", None),
        (Role.OWNER, "/settings/payment", "/settings/payment"),
        (Role.OWNER, "/settings/team", "/settings"),
        (Role.MANAGER, "/desk", "/desk"),
        (Role.MANAGER, "/desk/tasks/tsk_1", "/desk"),
        (Role.MANAGER, "/desk/partners/par_1/deal", "/desk/partners"),
        (Role.MANAGER, "/desk/nowhere", None),
        (Role.FINANCE, "/desk/sources", None),
    ],
)
def test_a_page_belongs_to_the_nearest_place_above_it(places: Any, role: Role, path: str, here: str | None) -> None:
    assert places.shown_to(visit_of(role, path)).here == here


def test_what_has_no_route_yet_is_no_place_and_a_group_opens_where_one_is(
    places: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_routes", {"/", "/links", "/cases"})
    shown = places.shown_to(visit_of(Role.OWNER, "/cases"))
    assert [[each.path for each in group.places] for group in shown.groups] == [["/"], ["/links"], ["/cases"]]
    assert shown.unfolded(shown.groups[-1])
    assert not places.shown_to(visit_of(Role.OWNER)).unfolded(shown.groups[-1])


def test_every_place_has_an_icon(places: Any) -> None:
    drawn = set(re.findall(r'^  "(\w+)": "M', (PORTAL / "templates" / "icons.html").read_text("utf-8"), re.MULTILINE))
    signs = {each.sign for group in places.GROUPS for each in group.places}
    assert len(signs) > 20 and signs <= drawn


# ------------------------------------------------------------------------------------------------ what pages look like


def test_the_stylesheet_is_served_small_and_says_the_same(assets: Any) -> None:
    assert assets.smaller_css(
        """
        /* What is said to whoever reads it: a; b {c} "d". */
        :root { --s1: 4px; --long-name: red; --long: blue; }
        a :is(b, c) > d , e:hover { margin: 0 var(--s1) calc(100% - 0.5em) ; color: var(--long-name); }
        f::after { content: "  ; } 0.5 "; fill: var(--long) }
        @media (max-width: 10.5px) { g { opacity: 0 } }
        """
    ) == (
        ":root{--a:red;--b:blue}a :is(b,c)>d,e:hover{margin:0 4px calc(100% - .5em);color:var(--a)}"
        'f::after{content:"  ; } 0.5 ";fill:var(--b)}@media (max-width:10.5px){g{opacity:0}}'
    )
    text = STYLES.read_text("utf-8")
    served = assets.smaller_css(text)
    assert len(served.encode()) <= 20 * 1024 and served.count("{") == served.count("}") == text.count("{")
    assert not re.findall(r"var\((--[\w-]+)\)", "".join(re.split(r"--[\w-]+:", served)[:1]))
    assert set(re.findall(r"var\((--[\w-]+)\)", served)) <= set(re.findall(r"(--[\w-]+):", served))


def test_colours_are_tokens_and_sides_are_logical() -> None:
    rules = re.sub(r"/\*.*?\*/", "", STYLES.read_text("utf-8"), flags=re.DOTALL)
    physical = r"[;{ ](margin|padding|border)-(left|right|top|bottom)|[;{ ](left|right|top|bottom|width|height):"
    assert re.findall(physical, re.sub(r"\((?:min|max)-width:", "(", rules)) == []
    assert re.findall(r"(?<!-)\bcolor: (?:#|oklch|rgb)", rules) == []


def test_the_script_is_served_small_and_keeps_its_lines(assets: Any) -> None:
    assert assets.smaller_js('/* One\n   two. */\n"use strict";\n\n  a("/* b */");\n') == '"use strict";\na("/* b */");'
    text = SCRIPT.read_text("utf-8")
    assert len(assets.smaller_js(text).encode()) <= 15 * 1024
    # A text over several lines would lose its indentation.
    assert all(line.count("`") % 2 == 0 for line in text.splitlines())


# ------------------------------------------------------------------------------------------------------------ charts

VALUES = st.one_of(st.none(), st.integers(-(10**9), 10**9), st.decimals(-1000, 1000, places=2))


@given(
    st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=12),
    st.sampled_from(["stacked", "grouped", "line"]),
    st.booleans(),
)
def test_what_is_drawn_stays_in_its_drawing_and_stands_on_zero(
    charts: Any, rows: list[list[Any]], kind: str, rtl: bool
) -> None:
    drawn = charts.plot(kind, rows, 14, rtl)
    assert drawn.empty == (not any(value for row in rows for value in row))
    slack = 1.5 * 3 + 0.1
    assert -0.01 <= drawn.zero <= drawn.height + 0.01
    for block in drawn.blocks:
        value = rows[block.place][block.series]
        assert (value < 0) is block.negative and block.height > 0
        assert block.x >= 0 and block.x + block.width <= drawn.width + 0.1
        assert -slack <= block.y and block.y + block.height <= drawn.height + slack
        if kind == "grouped":
            edge = block.y if block.negative else block.y + block.height
            assert edge == pytest.approx(drawn.zero, abs=0.02)
    for _, points in drawn.lines:
        places = [tuple(map(float, point.split(","))) for point in points.split()]
        assert len(places) > 1
        assert all(0 <= x <= drawn.width and -0.1 <= y <= drawn.height + 0.1 for x, y in places)


def test_a_chart_is_mirrored_where_one_reads_from_the_right(charts: Any) -> None:
    there, here = (charts.plot("grouped", [[1, 2], [3, 4]], 3, rtl) for rtl in (True, False))
    assert [there.width - block.x - block.width for block in there.blocks] == [block.x for block in here.blocks]
    assert charts.spark([0, 5, 10], True) == "100,20 50,10 0,0"
    assert charts.spark([0, Decimal("-5"), 10]) == "0,13.3 50,20 100,0"


def test_parts_lie_upon_each_other_and_lines_break_where_nothing_is_known(charts: Any) -> None:
    first, second = charts.plot("stacked", [[10, 30]]).blocks
    assert (second.y, second.y + second.height, first.y + first.height) == (0, first.y, 100)
    drawn = charts.plot("line", [[1, 9], [2, None], [4, 3]])
    assert [number for number, _ in drawn.lines] == [0, 1, 1]
    assert drawn.order == (0, 1)
    with pytest.raises(ValueError, match="at most 5"):
        charts.plot("line", [[1] * 6])


# ------------------------------------------------------------------------------------------------- how pages are sent


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/csv"])
def test_who_has_the_answer_already_is_not_sent_it_again(portal: Payday, accept: str) -> None:
    browser = portal.signed_in(MAKER, accept=accept)
    first = browser.get("/desk/runs")
    tag = first.headers["etag"]
    assert first.status == 200 and re.fullmatch(r'W/"[0-9a-f]{32}"', tag)

    for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
        again = browser.get("/desk/runs", if_none_match=known)
        assert (again.status, again.body, again.headers["etag"]) == (304, "", tag)
        assert again.headers["cache-control"] == "private, no-store"
    assert browser.get("/desk/runs", if_none_match='W/"of another time"').status == 200


def test_a_page_is_another_one_with_news_for_somebody_else_and_in_another_language(portal: Payday) -> None:
    browser = portal.signed_in(MAKER)
    tag = browser.get("/desk/runs").headers["etag"]
    others = [
        portal.signed_in(HARBOUR).get("/payouts").headers["etag"],
        browser.get("/desk/runs?limit=1").headers["etag"],
        browser.get("/desk/runs", accept="application/json").headers["etag"],
    ]
    browser.cookies["__Host-language"] = "ru"
    others.append(browser.get("/desk/runs").headers["etag"])
    browser.cookies["__Host-theme"] = "dark"
    others.append(browser.get("/desk/runs").headers["etag"])
    del browser.cookies["__Host-language"], browser.cookies["__Host-theme"]
    # The tokens in a page are of one session: the same person elsewhere has another page.
    elsewhere = portal.signed_in(MAKER)
    elsewhere.cookies["__Host-refresh"] = "of-another-sign-in"
    others.append(elsewhere.get("/desk/runs").headers["etag"])
    # Random fields make none; spoken times do after a while.
    assert browser.get("/desk/runs").headers["etag"] == tag
    portal.now = NOW + timedelta(minutes=10)
    others.append(browser.get("/desk/runs").headers["etag"])
    portal.now = NOW
    assert len({tag, *others}) == 8


def test_a_token_is_another_text_on_each_page_and_the_same_proof(portal: Payday) -> None:
    browser = portal.signed_in(MAKER)
    tokens = {browser.get("/desk/runs").field("csrf") for _ in range(3)}
    assert len(tokens) == 3 and {len(token) for token in tokens} == {64}
    for token in tokens:
        assert browser.post("/preferences", {"theme": "dark", "csrf": token}).status == 303
    shown = browser.get("/desk/runs").body
    assert len(set(re.findall(r'name="csrf" value="([^"]+)"', shown))) == 1
    changed = ("B" if token[-1] != "B" else "C").join([token[:-1], ""])
    for wrong in (changed, token[:-4], token + "AAAA", "x" * 64, "", "é" * 64):
        assert browser.post("/preferences", {"theme": "dark", "csrf": wrong}).status == 403, wrong


def test_a_link_saves_a_list_to_its_end(portal: Payday, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/desk/runs/{LAST_RUN}?state="
    browser = portal.signed_in(MAKER)
    all_of_it = browser.get(path, accept="application/json").json["items"]
    assert len(all_of_it) > 1
    saved = browser.get(f"{path}&as=csv&limit=1")
    assert saved.headers["content-type"].startswith("text/csv") and "attachment" in saved.headers["content-disposition"]
    assert len(saved.body.splitlines()) == 1 + len(all_of_it) and "link" not in saved.headers
    # A program pages, as ever; and what is longer than a file may be says where it goes on.
    assert len(browser.get(f"{path}&limit=1", accept="text/csv").body.splitlines()) == 2
    monkeypatch.setattr(portal.module.server, "MOST_ROWS", 1)
    cut = browser.get(f"{path}&as=csv&limit=1")
    assert len(cut.body.splitlines()) == 2 and "cursor=" in cut.headers["link"]


def test_pages_are_compressed_for_who_reads_that_and_weigh_little(portal: Payday) -> None:
    cookies = [f"{name}={value}" for name, value in portal.signed_in(MAKER).cookies.items()]

    def sent(path: str, **headers: str) -> dict[str, Any]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return portal.handle(an_http_event("GET", path, None, {"accept": "text/html"} | names, cookies))

    plain = sent("/desk/runs")
    assert "Content-Encoding" not in plain["headers"] and plain["headers"]["Vary"].endswith(", Accept-Encoding")
    for refused in ("br", "gzip;q=0", "gzip; q=0.0, br", ""):
        assert "Content-Encoding" not in sent("/desk/runs", accept_encoding=refused)["headers"], refused
    for accepted in ("gzip", "br, GZIP;q=0.5", "*"):
        packed = sent("/desk/runs", accept_encoding=accepted)
        assert (packed["headers"]["Content-Encoding"], packed["isBase64Encoded"]) == ("gzip", True)
        page = gzip.decompress(b64decode(packed["body"])).decode()
        assert "</html>" in page
    weight = sum(
        len(b64decode(sent(path, accept_encoding="gzip")["body"]))
        for path in ("/desk/runs", *re.findall(r'(?:rel="stylesheet" href|<script src)="([^"]+)"', page))
    )
    assert weight < 20_000
    small = sent("/desk/runs", accept_encoding="gzip", if_none_match="*")
    assert (small["statusCode"], small["body"]) == (304, "")
    problem = sent("/nowhere", accept="application/json", accept_encoding="gzip")
    assert json.loads(problem["body"])["status"] == 404 and not problem.get("isBase64Encoded")
