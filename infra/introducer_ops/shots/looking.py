"""Each page in Debian's Chromium: a picture of it, what is wrong with it, what it weighs and how soon it is painted."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from introducer_ops import glyphs
from introducer_ops.shots.crawl import STRANGER, Place
from introducer_ops.shots.words import Text, wrong_words

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PHONE, DESK = 390, 1440
HEIGHTS = {PHONE: 844, DESK: 900}
TALLEST = 5_000
"""Pixels of a page that are in its picture: a list of a hundred rows looks the same further down."""
HEAVIEST = 60_000
"""Bytes that a page transfers, without pictures."""
AT_ONCE = 2
"""Browsers side by side."""
_PATIENCE_MS = 30_000
_PICTURES = ("image", "font", "media")

LOOK = Path(__file__).with_name("look.js")
_COPYING = "document.querySelectorAll('[data-copy]').forEach((button) => { button.hidden = true; })"
"""Buttons that scripts bring for what only scripts can do."""
_PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true});
  setTimeout(() => done(null), 2000);
})"""
AXE = """rules => axe.run({ resultTypes: ['violations'], rules }).then((all) => all.violations
  .filter((one) => ['serious', 'critical'].includes(one.impact))
  .flatMap((one) => one.nodes.map((node) => [one.id, node.html, node.failureSummary])))"""


@dataclass(frozen=True, slots=True)
class Pass:
    """One way in which all pages are looked at."""

    language: str
    width: int
    dark: bool = False
    judged: bool = True
    """Whether axe judges it as well: most of its time goes into contrast."""

    @property
    def name(self) -> str:
        return f"{self.language}-{self.width}{'-dark' if self.dark else ''}"

    def of(self, places: Sequence[Place]) -> list[Place]:
        """The pages that are looked at in this way: in other languages and in the dark, one of each shape."""
        return [place for place in places if not place.alike or (self.language == "en" and not self.dark)]


PASSES = (
    Pass("en", PHONE), Pass("en", DESK), Pass("ar", PHONE), Pass("ar", DESK, judged=False),
    Pass("en", PHONE, dark=True), Pass("en", DESK, dark=True),
    Pass("ru", PHONE, judged=False), Pass("th", PHONE, judged=False),
    Pass("pl", PHONE, judged=False), Pass("es", PHONE, judged=False),
)  # fmt: skip
"""Both widths in English and Arabic, and each of the others on a phone, where its long words meet the least room."""


class Defect(NamedTuple):
    """Something that is wrong with a page."""

    kind: str
    words: str
    page: str
    shown: str
    """The name of the pass."""


_READERS = frozenset(("/apply/confirm/{token}",))
"""Routes that speak the language in which somebody applied, whatever the browser's is."""
LOOKS = frozenset(("english", "shortened"))
"""Kinds that a person should look at, and that may be right."""


@dataclass(slots=True)
class Measured:
    """What a page costs, in English on a phone."""

    path: str
    bytes: int
    requests: int
    round_trips: int
    """Requests to the portal itself: the page, and what scripts fetch before it is read."""
    painted_ms: float | None


@dataclass(slots=True)
class Seen:
    """What all pages came to."""

    pictures: list[tuple[Pass, Place, Path]] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Passes and pages that there was no time for."""

    def painted(self) -> float | None:
        """The median of the largest paints, in milliseconds."""
        known = [each.painted_ms for each in self.measured if each.painted_ms is not None]
        return median(known) if known else None


class _Watch:
    """What a page asks for and says, while it is looked at."""

    def __init__(self, page: Any, host: str) -> None:
        self.said: list[str] = []
        self.foreign: list[str] = []
        self.answers: list[Any] = []
        self._host = host
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.on("request", self._requested)
        page.on("requestfinished", self._answered)

    def _requested(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != self._host:
            self.foreign.append(request.url)

    def _answered(self, request: Any) -> None:
        self.answers.append(request)

    def forget(self) -> None:
        self.said.clear()
        self.foreign.clear()
        self.answers.clear()


class Looker:
    """Looks at pages of one portal, with a browser per thread."""

    def __init__(self, url: str, cookies: Mapping[str, Mapping[str, str]], folder: Path, until: float) -> None:
        self._url, self._cookies, self._folder, self._until = url.rstrip("/"), cookies, folder, until
        self._script = LOOK.read_text()
        self._weights: dict[str, int] = {}
        self._letters: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self.seen = Seen()

    def measure(self, places: Sequence[Place], say: Callable[[str], None]) -> None:
        """What pages cost, one by one, so that nothing else takes the machine's time."""
        with _a_browser() as browser:
            for role, of_role in _by_role([place for place in places if not place.alike]).items():
                say(f"measuring as {role}: {len(of_role)} pages")
                with self._context(browser, role, Pass("en", PHONE)) as context:
                    page = context.new_page()
                    watch = _Watch(page, urlsplit(self._url).netloc)
                    with self._context(browser, role, Pass("en", PHONE), scripts=False) as plain:
                        self._measure_each(page, watch, plain.new_page(), of_role)

    def look(self, places: Sequence[Place], passes: Sequence[Pass], say: Callable[[str], None]) -> Seen:
        """Looks at pages in every pass."""
        parts = [(one, one.of(places)[first::AT_ONCE]) for one in passes for first in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for one in threads.map(lambda part: self._look(*part), parts):
                say(f"{one}: {len(self.seen.pictures)} pictures, {len(self.seen.defects)} findings")
        return self.seen

    # ------------------------------------------------------------------------------------------------ one after another

    def _measure_each(self, page: Any, watch: _Watch, silent: Any, places: Sequence[Place]) -> None:
        for place in places:
            if time.monotonic() > self._until:
                self.seen.unseen.append(f"measuring {place.name}")
                continue
            watch.forget()
            try:
                page.goto(self._url + place.path, wait_until="load")
                painted = page.evaluate(_PAINTED)
                page.evaluate(_COPYING)
                text = page.locator("body").inner_text()
                weight, counted = 0, 0
                for request in watch.answers:
                    if request.resource_type in _PICTURES:
                        continue
                    counted += 1
                    weight += self._weight(request)
                own = [each for each in watch.answers if each.resource_type in ("document", "fetch", "xhr")]
                silent.goto(self._url + place.path, wait_until="load")
                self._compare(place, text, silent.locator("body").inner_text())
            except Exception as error:  # a page that breaks the browser is a finding, not the end
                self._wrong("broken", str(error).splitlines()[0], place, "measuring")
                continue
            self.seen.measured.append(Measured(place.path, weight, counted, len(own), painted))
            if weight > HEAVIEST:
                self._wrong("weight", f"{weight:,} bytes", place, "en-390")
            if len(own) > 1:
                self._wrong("round trips", ", ".join(urlsplit(each.url).path for each in own), place, "en-390")

    def _weight(self, request: Any) -> int:
        """Bytes as they were transferred; those of what the browser had already, as when it fetched them first."""
        sizes = request.sizes()
        size = sizes["responseBodySize"] + sizes["responseHeadersSize"]
        if request.resource_type == "document":
            return int(size)
        self._weights[request.url] = max(size, self._weights.get(request.url, 0))
        return int(self._weights[request.url])

    def _compare(self, place: Place, with_scripts: str, without: str) -> None:
        """What is there to read must not come by a script. Figures may differ: moments pass meanwhile."""
        wanted, there = (Counter(re.findall(r"[^\W\d_]{2,}", text)) for text in (with_scripts, without))
        missing = wanted - there
        if sum(missing.values()) > max(3, sum(wanted.values()) // 50):
            self._wrong("without scripts", f"not to be read: {' '.join(list(missing)[:8])}", place, "en-390")

    # -------------------------------------------------------------------------------------------------- side by side

    def _look(self, one: Pass, places: Sequence[Place]) -> str:
        with _a_browser() as browser:
            for role, of_role in _by_role(places).items():
                with self._context(browser, role, one) as context:
                    page = context.new_page()
                    watch = _Watch(page, urlsplit(self._url).netloc)
                    for place in of_role:
                        if time.monotonic() > self._until:
                            self.seen.unseen.append(f"{one.name} {place.name}")
                            continue
                        try:
                            self._look_at(page, watch, one, place)
                        except Exception as error:  # a page that breaks the browser is a finding, not the end
                            self._wrong("broken", str(error).splitlines()[0], place, one.name)
                    self._look_for_fonts(page, one)
        return one.name

    def _look_at(self, page: Any, watch: _Watch, one: Pass, place: Place) -> None:
        watch.forget()
        page.goto(self._url + place.path, wait_until="load")
        seen = page.evaluate(self._script)
        wrong = [(kind, words) for kind, words in seen["found"]]
        wrong += wrong_words((Text(*each) for each in seen["texts"]), seen["language"])
        wrong += [("console", each[:200]) for each in watch.said]
        wrong += [("third party", each[:200]) for each in watch.foreign]
        # A letter speaks as its reader does, and is no page of the portal; so does what a mail led an applicant to.
        told = "language=" in place.path or not seen["main"] or place.route in _READERS
        if seen["language"] != one.language and not told:
            wrong.append(("language", f"it says to be in {seen['language']!r}"))
        if seen["direction"] != ("rtl" if seen["language"] == "ar" else "ltr"):
            wrong.append(("direction", f"it runs {seen['direction']}"))
        path = self._folder / one.name / f"{place.name}.png"
        number = 1
        while path.exists():
            number += 1
            path = path.with_name(f"{place.name}-{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        height = min(max(seen["height"], HEIGHTS[one.width]), TALLEST)
        # As tall as the page: what is fixed to the window's foot then stands at the page's.
        page.set_viewport_size({"width": one.width, "height": height})
        _picture(page, path)
        page.set_viewport_size({"width": one.width, "height": HEIGHTS[one.width]})
        if one.judged:
            wrong += [(f"axe {rule}", f"{html[:120]}: {why[:160]}") for rule, html, why in self._barriers(page)]
        with self._lock:
            self.seen.pictures.append((one, place, path))
            self._letters.setdefault(one.language, set()).update(*(each[0] for each in seen["texts"]))
        for kind, words in dict.fromkeys(wrong):
            self._wrong(kind, words, place, one.name)

    def _barriers(self, page: Any) -> list[list[str]]:
        from axe_playwright_python.base import AXE_SCRIPT

        page.evaluate(AXE_SCRIPT)
        found: list[list[str]] = page.evaluate(AXE, {})
        return found

    def _look_for_fonts(self, page: Any, one: Pass) -> None:
        with self._lock:
            letters = frozenset(self._letters.get(one.language, ()))
        for each in glyphs.missing(page, letters):
            self._wrong("glyph", each, None, one.name)

    def _wrong(self, kind: str, words: str, place: Place | None, shown: str) -> None:
        with self._lock:
            self.seen.defects.append(Defect(kind, words, f"{place.role} {place.path}" if place else "", shown))

    @contextmanager
    def _context(self, browser: Any, role: str, one: Pass, *, scripts: bool = True) -> Iterator[Any]:
        context = browser.new_context(
            viewport={"width": one.width, "height": HEIGHTS[one.width]},
            is_mobile=one.width == PHONE,
            has_touch=one.width == PHONE,
            color_scheme="dark" if one.dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            # What any cache may keep looks at nobody's cookies.
            locale=one.language,
        )
        context.set_default_timeout(_PATIENCE_MS)
        jar = dict(self._cookies.get(role, {})) | {"__Host-language": one.language}
        # Cookies of a host are for TLS; a browser takes them over http from this machine alone.
        https = self._url.replace("http:", "https:")
        context.add_cookies(
            [{"name": name, "value": value, "url": https, "secure": True} for name, value in jar.items()]
        )
        try:
            yield context
        finally:
            context.close()


def _picture(page: Any, path: Path) -> None:
    """A picture of the window. On a busy machine Chromium takes one of a thousand only when it is asked again."""
    from playwright.sync_api import Error

    try:
        page.screenshot(path=path, animations="disabled")
    except Error:
        page.screenshot(path=path, animations="disabled")


@contextmanager
def _a_browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def _by_role(places: Sequence[Place]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place.role, []).append(place)
    return found


def document(seen: Seen, places: Sequence[Place], broken: Sequence[str], unreached: Sequence[str]) -> dict[str, Any]:
    """What was found, as `report.json` has it: the same words of the same kind stand once, with their pages."""
    together: dict[tuple[str, str], list[str]] = {}
    for each in seen.defects:
        together.setdefault((each.kind, each.words), []).append(f"{each.shown} {each.page}")
    grouped = [
        {"kind": kind, "words": words, "pages": len(pages), "where": pages[:6]}
        for (kind, words), pages in sorted(together.items())
    ]
    weights = sorted(each.bytes for each in seen.measured)
    return {
        "pages": len(places),
        "pictures": len(seen.pictures),
        "defects": [each for each in grouped if each["kind"] not in LOOKS],
        "looks": [each for each in grouped if each["kind"] in LOOKS],
        "broken_links": list(broken),
        "unreached": list(unreached),
        "unseen": seen.unseen,
        "largest_paint_median_ms": seen.painted(),
        "largest_paint_max_ms": max((each.painted_ms or 0 for each in seen.measured), default=None),
        "bytes_median": median(weights) if weights else None,
        "bytes_max": weights[-1] if weights else None,
        "measured": [
            {
                "path": each.path,
                "bytes": each.bytes,
                "requests": each.requests,
                "round_trips": each.round_trips,
                "painted_ms": each.painted_ms,
            }
            for each in seen.measured
        ],
    }


def write(report: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


__all__ = ["PASSES", "STRANGER", "Looker", "Pass", "Place", "Seen", "document", "write"]
