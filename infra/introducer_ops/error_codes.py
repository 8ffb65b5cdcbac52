"""Writes the list of all stable error codes into `docs/api.md`: what is raised, and what tests were answered.

A code that is put together (`partner_` and a standing) is known from having been answered: `shapes.json` of the portal.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from introducer.domain import errors
from introducer.domain.terms_refused import TermsRefused
from introducer.runtime.problems import status_of

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "api.md"
CORE = ROOT / "layers" / "core" / "python" / "introducer"
DOORS = (ROOT / "functions" / "portal", ROOT / "functions" / "postback")
SHAPES = ROOT / "functions" / "portal" / "shapes.json"
BEGINS, ENDS = "<!-- codes: written by `introducer generate` -->\n", "<!-- the end of the codes -->\n"
KINDS = {
    name: status_of(kind(""))
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.IntroducerError)
} | {TermsRefused.__name__: status_of(errors.Invalid(""))}
"""What classes of errors are answered as."""


_USUAL = {
    400: "It cannot be read.", 401: "Sign in first.", 403: "This is not allowed.",
    404: "There is no such thing, or it is another's.", 405: "This page does not take this method.",
    406: "This page speaks HTML and JSON, lists CSV too.", 409: "It contradicts what is recorded.",
    413: "It is longer than what is taken here.", 422: "It says something that cannot be: see `errors`.",
    429: "Too many requests: wait as long as Retry-After says.", 503: "Try again as Retry-After says.",
}  # fmt: skip
"""Where a sentence is made elsewhere."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A code where it is raised."""

    code: str
    status: int
    detail: str


@cache
def raised() -> dict[str, Raised]:
    """All codes that are written in the code, by themselves; of several places the one with the longest sentence."""
    found: dict[str, Raised] = {}
    for folder in (CORE, *DOORS):
        for path in sorted(folder.rglob("*.py")):
            for each in _of(ast.parse(path.read_text("utf-8"))):
                known = found.get(each.code)
                if known is None or (each.status < 500, len(each.detail)) > (known.status < 500, len(known.detail)):
                    found[each.code] = each
    return found


def answered() -> dict[str, int]:
    """All codes that tests were answered, with their status."""
    shapes = json.loads(SHAPES.read_text("utf-8"))
    return {
        code: int(status) for entry in shapes.values() for status, codes in entry["codes"].items() for code in codes
    }


def codes() -> list[Raised]:
    """The list, by code."""
    found = raised()
    for code, status in answered().items():
        found.setdefault(code, Raised(code, status, ""))
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.IntroducerError):
            found.setdefault(kind.code, Raised(kind.code, status_of(kind("")), ""))
    # What has no status of its own never leaves: the engine's own, and what was raised for another to catch.
    told = [found[code] for code in sorted(found) if found[code].status != 500]
    return [each if each.detail else replace(each, detail=_USUAL[each.status]) for each in told]


def _of(tree: ast.Module) -> Iterator[Raised]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        status = KINDS.get(_name(node.func))
        code = next((each.value for each in node.keywords if each.arg == "code"), None)
        if status is not None and isinstance(code, ast.Constant) and isinstance(code.value, str):
            yield Raised(code.value, status, _sentence(node.args[0]))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _sentence(node: ast.expr) -> str:
    """What is said, with dots where it depends."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def render(text: str) -> str:
    """The document with its list written anew."""
    before, _, rest = text.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    rows = [f"| `{each.code}` | {each.status} | {each.detail.replace('|', '/')} |" for each in codes()]
    listed = "\n".join(["| code | status | what it says |", "|---|---|---|", *rows])
    return f"{before}{BEGINS}\n{listed}\n\n{ENDS}{after}"


def write() -> Path:
    """Write the file, and say where."""
    TARGET.write_text(render(TARGET.read_text("utf-8")), "utf-8")
    return TARGET
