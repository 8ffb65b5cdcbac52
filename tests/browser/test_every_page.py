"""Every page of the portal in a browser: nobody is kept out, nothing is cut, and a keyboard reaches all of it.

Each page is loaded once in the suite, on a phone; languages and themes take turns over the pages. `make shots` looks at
all of them in every way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from introducer_ops.shots.looking import LOOK
from introducer_ops.shots.words import Text, wrong_words
from tests.browser.serving import MARKS
from tests.browser.test_payouts_in_browser import a_window
from tests.browser.window import DESK, HEIGHTS, PHONE, Window
from tests.support.at_once import FRESH
from tests.support.everything import Everything, everything

pytestmark = MARKS[1:]
"""No cloud: all books are in this process."""

WAYS = (
    ("en", "light"),
    ("ar", "dark"),
    ("th", "light"),
    ("ru", "dark"),
    ("ar", "light"),
    ("pl", "dark"),
    ("es", "light"),
)
"""Languages and themes, in turns over the pages."""
AXE_OF, COLOURS_OF, DESK_OF = 3, 12, 3
"""Axe judges every third page, contrast every twelfth, and every third is seen on a desk as well: these take most of
the time, while markup and colours come from the same macros and tokens."""
FILES = ("qr.png", "qr.svg", "invoice", "file", "openapi.json", "{document}", "/m/{material}")
"""What routes end with, or are, that answer with a file."""
NOT_PAGES = ("/-/", "/static/")
LOOSE = ("shortened", "english", "untranslated")
"""What a person looks at on the sheets."""
SPOKEN = "/desk/sources"
"""Where all that is told is the reader's language, and a person need not look."""


@pytest.fixture(scope="module")
def portal() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as world:
        yield world


def routes_of(portal: Everything) -> list[str]:
    """Those that answer with a page."""
    routes = portal.module.server.app.routes
    return [
        route
        for route, methods in sorted(routes.items())
        if "GET" in methods and not route.startswith(NOT_PAGES) and not route.endswith(FILES)
    ]


def opened(page_of: Callable[[str], Page], portal: Everything, path: str) -> Page | None:
    """The page, opened by whoever may, those first who mostly may; nothing where it only leads on."""
    for role in ("admin", "finance", "sales") if path.startswith("/desk") else ("owner",):
        page = page_of(portal.who[role])
        answer = page.goto(path)
        assert answer is not None
        if answer.status == 200:
            return page if urlsplit(page.url).path == urlsplit(path).path else None
    raise AssertionError(f"{path} opens for nobody")


def looked_at(page: Page, language: str) -> list[str]:
    """What is wrong with the page as it stands in the window."""
    seen = page.evaluate(LOOK.read_text())
    wrong = [(kind, words) for kind, words in seen["found"]]
    texts = [(text.replace(FRESH, ""), *rest) for text, *rest in seen["texts"]]
    wrong += wrong_words((Text(*each) for each in texts), language)
    loose = LOOSE[:1] if urlsplit(page.url).path.startswith(SPOKEN) else LOOSE
    return [f"{kind}: {words}" for kind, words in wrong if kind not in loose]


FOCUS = """() => {
  const wrong = [];
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  for (const one of document.querySelectorAll(controls)) {
    if (!one.checkVisibility() || one.disabled || one.matches("main") || one.closest("[aria-hidden=true]")) continue;
    const called = `<${one.localName}> ${(one.textContent || one.name || "").trim().slice(0, 40)}`;
    if (one.tabIndex !== 0) wrong.push(`no Tab reaches ${called}`);
    one.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement !== one) { wrong.push(`nothing focuses ${called}`); continue; }
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 1) wrong.push(`nobody sees the focus on ${called}`);
  }
  return wrong;
}"""
"""What a keyboard does not reach, or reaches unseen."""


@pytest.mark.parametrize("turn", range(len(WAYS)), ids=["-".join(way) for way in WAYS])
def test_every_page_is_open_to_everybody(browser: Browser, portal: Everything, address: str, turn: int) -> None:
    language, theme = WAYS[turn]
    wrong: dict[str, list[str]] = {}
    windows: dict[str, Window] = {}

    def page_of(who: str) -> Page:
        if who not in windows:
            windows[who] = a_window(browser, portal, address, who, PHONE, language=language, theme=theme)
        return windows[who].page

    try:
        for number, route in enumerate(routes_of(portal)[turn :: len(WAYS)]):
            path = portal.path(route)
            page = opened(page_of, portal, path)
            if page is None:
                continue
            window = next(each for each in windows.values() if each.page == page)
            found = [*looked_at(page, language), *page.evaluate(FOCUS)]
            if number % AXE_OF == 0:
                found += window.barriers(colours=number % COLOURS_OF == 0)
            if number % DESK_OF == 1:
                page.set_viewport_size({"width": DESK, "height": HEIGHTS[DESK]})
                found += looked_at(page, language)
                page.set_viewport_size({"width": PHONE, "height": HEIGHTS[PHONE]})
            found += window.said
            window.said.clear()
            if found:
                wrong[path] = list(dict.fromkeys(found))
    finally:
        for window in windows.values():
            window.context.close()
    assert not wrong, "\n".join(f"{path}: {each}" for path, found in wrong.items() for each in found)


PLANTED = """<!doctype html><html lang="en"><head><title>Planted</title></head><body><main id="content">
<h1>One</h1><h1>Two</h1><h2></h2>
<div data-wide>wide</div>
<p data-cut>this sentence is longer than the room that it has</p>
<p data-upon>above and below</p><p data-under>below and above</p>
<a href="#">nowhere</a><a href="#gone">nowhere either</a>
<p id="twice">Paid to par_01M18YB9MCG3V7Q021J22BGPK0 in pending_review</p><p id="twice">Since 2026-04-02</p>
<button tabindex="-1">never</button><button data-unseen>unseen</button>
</main></body></html>"""
STYLES = {
    "[data-wide]": "inline-size: 900px",
    "[data-cut]": "inline-size: 60px; overflow: hidden; white-space: nowrap",
    "[data-under]": "margin-block-start: -2.2em",
    "[data-unseen]": "outline: none",
}


def test_what_is_wrong_would_be_found(browser: Browser) -> None:
    """Else no test above could fail."""
    context = browser.new_context(viewport={"width": PHONE, "height": HEIGHTS[PHONE]})
    try:
        page = context.new_page()
        page.set_content(PLANTED)
        for selector, style in STYLES.items():
            page.locator(selector).evaluate("(one, style) => { one.style.cssText = style; }", style)

        kinds = {each.partition(":")[0] for each in looked_at(page, "en")}
        focus = page.evaluate(FOCUS)
    finally:
        context.close()

    assert kinds == {"overflow", "cut", "overlap", "headings", "empty", "nowhere", "id", "raw id", "key", "moment"}
    assert focus == ["no Tab reaches <button> never", "nobody sees the focus on <button> unseen"]
