"""The stylesheet, the script and the icon: named by their content, so that a browser keeps them for ever; served
without their comments and line breaks, which are for whoever reads the source."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_STRINGS = re.compile(r"""("[^"\n]*"|'[^'\n]*')""")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LENGTH = re.compile(r"(--[a-z][a-z0-9-]*): (\d+px);")
_TOKEN = re.compile(r"--[a-z][\w-]*")
_JS_COMMENT = re.compile(r"^\s*/\*.*?\*/[ \t]*\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    """In the folder, and in templates."""
    text: str
    """As it is served."""
    kind: str


@cache
def served() -> dict[str, Asset]:
    """Every file by the name it is served under: `portal.css` as `portal.3f9a2c11d0.css`."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in KINDS:
            text = _smaller(path.suffix, path.read_text("utf-8"))
            digest = hashlib.sha256(text.encode()).hexdigest()[:10]
            found[f"{path.stem}.{digest}{path.suffix}"] = Asset(path.name, text, KINDS[path.suffix])
    return found


@cache
def asset(name: str) -> str:
    """The address of a file. Raises `StopIteration` for one that does not exist: a mistake in a template."""
    return "/static/" + next(served_as for served_as, each in served().items() if each.name == name)


def _smaller(suffix: str, text: str) -> str:
    match suffix:
        case ".css":
            return smaller_css(text)
        case ".js":
            return smaller_js(text)
        case _:
            return text


def smaller_css(text: str) -> str:
    """The same rules. Tokens that are one length whatever the theme stand where they are used, the others have short
    names. No string of ours holds a comment's beginning or a token; what stands in strings stays as it is."""
    text = _CSS_COMMENT.sub("", text)
    for name, length in _LENGTH.findall(text):
        text = text.replace(f"{name}: {length};", "").replace(f"var({name})", length)
    for number, name in enumerate(dict.fromkeys(_TOKEN.findall(text))):
        text = re.sub(rf"{name}(?![\w-])", f"--{_letters(number)}", text)
    pieces = _STRINGS.split(text)
    for index in range(0, len(pieces), 2):
        piece = re.sub(r"\s+", " ", pieces[index])
        # Never the blank before a colon: `a :is(b)` is another rule than `a:is(b)`.
        piece = re.sub(r"(?<=[:,]) | ?([{};>,]) ?", r"\1", piece).replace(";}", "}")
        pieces[index] = re.sub(r"(?<![\w.])0(?=\.\d)", "", piece)
    return "".join(pieces).strip()


def _letters(number: int) -> str:
    return chr(ord("a") + number % 26) * (number // 26 + 1)


def smaller_js(text: str) -> str:
    """The same script without the comments that stand on lines of their own and without indentation. Line breaks stay,
    for they may end statements; a text over several lines would lose its indentation, so our script has none."""
    lines = (line.strip() for line in _JS_COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)
