"""What is wrong with the texts of a page: raw keys and ids, values of the program, figures and moments that nobody
formatted, English where another language is spoken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from babel.messages.pofile import read_po

from introducer.locale import DEFAULT, HERE


class Text(NamedTuple):
    """A text as it stands on a page."""

    text: str
    raw: bool
    """In small print that is copied: ids and codes are at home there."""
    own: bool
    """Somebody's own words: a name, a message. They are not translated."""


_ID = re.compile(r"\b[a-z]{2,4}_[0-9A-HJKMNP-TV-Z]{10,}\b")
_WRONG = (
    (
        "program",
        re.compile(r"(?<=[\w:,)] )None\b(?! of)|\b(undefined|NaN|nan|Infinity|\[object \w+\])\b|(?<=: )(True|False)\b"),
    ),
    ("template", re.compile(r"\{\{|\}\}|\{%|%\}|%\(\w+\)s?|&(amp|lt|gt|quot|#\d+);")),
    ("key", re.compile(r"(?<![\w/.@:#?&=\{'-])(?!click_id|lead_id|utm_)[a-z]{2,}(?:_[a-z0-9]+)+(?![\w@=\}-])")),
    ("moment", re.compile(r"\b\d{4}-\d\d-\d\d(T\d\d:\d\d|\b)")),
    (
        "number",
        re.compile(r"(?<![\w.,/:#-])\d+\.\d{3,}(?![\w.])|\b\d+E[-+]?\d+\b|(?<![\w.,/:#+\u2013-])\d{5,}(?![\w.:/-])"),
    ),
    ("repr", re.compile(r"\b(Decimal|datetime\.\w+|Money)\(|<\w+ object|\b[A-Z][A-Za-z]+\.[A-Z_]{3,}\b")),
)
"""What a program left on a page, by kind. Names of parameters in addresses are words of ours."""
_FORMATTED = {
    "": re.compile(r"\+\d{1,3}(?: \d+)+"),
    "es": re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?(?![\w.])"),
}
"""What is written as people write it: in every language a telephone number in groups, and by language a number whose
thousands have the point that stands for decimals elsewhere."""
_ENGLISH = re.compile(r"(?:\b[A-Za-z]{2,}(?:'[a-z]+)?[ ,]+){3,}[A-Za-z]{2,}")
"""Four words of Latin letters after each other."""
_OTHER_SCRIPTS = ("ar", "ru", "th")
"""Languages in which a run of Latin words catches the eye."""
_SHORTEST = 3


def wrong_words(texts: Iterable[Text], language: str) -> Iterator[tuple[str, str]]:
    """Pairs of a kind and the text."""
    english = translations(language)
    for text, raw, own in texts:
        if raw:
            continue
        if found := _ID.search(text):
            yield "raw id", text
        for kind, pattern in _WRONG:
            if own and kind in ("number", "program"):
                continue
            if found := pattern.search(_unformatted(text, language) if kind == "number" else text):
                yield kind, f"{found[0]} in “{text[:80]}”"
        if own:
            continue
        if len(text) > _SHORTEST and english.get(text, text) != text:
            yield "untranslated", text[:80]
        elif language in _OTHER_SCRIPTS and _ENGLISH.search(text):
            yield "english", text[:100]


def _unformatted(text: str, language: str) -> str:
    """The text without the numbers that are written as they should be."""
    for spoken in ("", language):
        if spoken in _FORMATTED:
            text = _FORMATTED[spoken].sub("", text)
    return text


@cache
def translations(language: str) -> Mapping[str, str]:
    """What the catalogue says for each English text; nothing in English itself."""
    path = HERE / language / "LC_MESSAGES" / "messages.po"
    if language == DEFAULT or not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string
    }
