"""Pages as people read them."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from introducer_ops.shots.words import Text


def text(page: str) -> str:
    """What a page says, without its markup; every white space is one blank."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def texts(page: str) -> list[Text]:
    """Each text of a page, as the walk with a browser judges it; what is closed and what can be chosen too."""
    reader = _Texts()
    reader.feed(page)
    return reader.found


class _Texts(HTMLParser):
    VOID = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
    RAW = frozenset(("code", "pre", "kbd", "samp", "textarea", "script", "style"))
    OWN = frozenset(("bdi", "blockquote"))

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Text] = []
        self._within: list[tuple[str, bool, bool]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        for name in ("aria-label", "title", "placeholder", "alt"):
            self._add(given.get(name) or "")
        if tag in self.VOID:
            return
        raw = tag in self.RAW or bool({"code", "copyable"} & set((given.get("class") or "").split()))
        own = tag in self.OWN or given.get("dir") == "auto" or ("lang" in given and tag != "html")
        self._within.append((tag, raw, own))

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, data: str) -> None:
        words = " ".join(data.split())
        if words:
            raw, own = (any(each[place] for each in self._within) for place in (1, 2))
            self.found.append(Text(words, raw, own))
