"""`introducer generate` (agents): what is known about crawlers, made into a table the redirect reads in microseconds.

The input is the pinned package `crawler-user-agents` (MIT licence): 1,500 regular expressions with tags. Trying them
one by one costs a millisecond; one big expression costs too much when it is compiled at every cold start. Nearly all
of them are plain text, so each is brought down to texts one of which an agent must contain (or begin with) for the
expression to match. Looser than the expression where it has wildcards, never stricter: **whatever a pattern of the
package matches is found**, and every example that it gives.

`ORDINARY` and `APPS` name the few patterns that would take people for machines.

A text is filed under one of its runs of `GRAM` characters, the one that is rarest in ordinary browsers: an agent is cut
into its runs once, and only texts filed under a run that it has are looked for.
"""

from __future__ import annotations

import importlib.resources
import json
import re._constants as op
import re._parser as parser
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from introducer_ops.browsers import BROWSERS

PACKAGE = "crawler-user-agents"
TARGET = Path(__file__).resolve().parents[2] / "functions" / "redirect" / "crawlers.py"
GRAM = 4
_WIDTH = 120

ORDINARY = {
    "MetaIAB Facebook": "the browser inside Facebook's own apps",
    r"AP3A\.240617\.008": "the build of Android 15 on the telephones of several makers",
}
"""Patterns of the package that ordinary people's agents match, and what they really name. Of these only the package's
own examples are taken for machines: what a telephone is called says nothing about who holds it."""

APPS = frozenset({"Viber", "WhatsApp"})
"""Patterns that name a messenger. Where it draws a link's preview, its name comes first; where a person opens the link
in its own browser, the name stands behind the browser's."""


class Text(NamedTuple):
    """What an agent must contain, or begin with, and the class that it then has."""

    text: str
    kind: str
    starts: bool = False


def patterns() -> list[dict[str, Any]]:
    """The entries of the installed package: `pattern`, `tags`, `instances` (real agents) and more."""
    # Read as a file: importing the package compiles every expression.
    folder = importlib.resources.files("crawleruseragents")
    entries: list[dict[str, Any]] = json.loads(folder.joinpath("crawler-user-agents.json").read_text("utf-8"))
    return entries


def kind_of(tags: Iterable[str]) -> str:
    """The class of agent that a pattern's tags mean: `preview`, `tool` or `bot`."""
    tags = set(tags)
    if "social-preview" in tags:
        return "preview"
    return "tool" if tags & {"http-library", "browser-automation"} else "bot"


def texts_of(pattern: str) -> list[tuple[str, bool]]:
    """Texts (and whether at the very beginning), one of which stands in everything that the expression matches.

    Raises `ValueError` for an expression that promises no text of three characters or more: such an entry must be
    looked at by a person, not dropped.
    """
    found: list[tuple[str, bool]] = []
    for branch in _branches(list(parser.parse(pattern))):
        runs = _runs(branch)
        best = max(runs, key=lambda run: len(run[0]), default=("", False))
        if len(best[0]) < 3:
            raise ValueError(f"{pattern!r} promises no text to look for: teach introducer_ops.agents to read it.")
        found.append(best)
    return found


def _branches(nodes: list[Any]) -> list[list[Any]]:
    """The ways through an expression without alternatives: `a(b|c)` is `ab` and `ac`, `[wW]get` two as well."""
    ways: list[list[Any]] = [[]]
    for node in nodes:
        code, value = node
        inner: list[list[Any]]
        if code is op.SUBPATTERN:
            inner = _branches(list(value[-1]))
        elif code is op.BRANCH:
            inner = [way for alternative in value[1] for way in _branches(list(alternative))]
        elif code is op.IN and len(value) <= 3 and all(item[0] is op.LITERAL for item in value):
            inner = [[item] for item in value]
        else:
            inner = [[node]]
        ways = [way + more for way in ways for more in inner]
        if len(ways) > 64:
            raise ValueError("An expression with more than 64 ways through it is not read.")
    return ways


def _runs(nodes: list[Any]) -> list[tuple[str, bool]]:
    """The plain texts in a row of nodes; wildcards and the like only part them."""
    runs: list[tuple[str, bool]] = []
    text, starts = "", False
    for position, (code, value) in enumerate(nodes):
        if code is op.LITERAL:
            text += chr(value)
            continue
        if code is op.AT and value is op.AT_BEGINNING and position == 0:
            starts = True
            continue
        runs.append((text, starts))
        text, starts = "", False
    return [*runs, (text, starts)]


def texts(entries: Iterable[dict[str, Any]]) -> list[Text]:
    """All texts of all patterns, each once; a preview outranks a bot, a bot a tool."""
    rank = {"preview": 0, "bot": 1, "tool": 2}
    kinds: dict[tuple[str, bool], str] = {}
    for entry in entries:
        kind = kind_of(entry.get("tags", ()))
        if entry["pattern"] in ORDINARY:
            continue
        for text in texts_of(("^" if entry["pattern"] in APPS else "") + entry["pattern"]):
            kinds[text] = min(kinds.get(text, kind), kind, key=rank.__getitem__)
    return sorted(Text(text, kind, starts) for (text, starts), kind in kinds.items())


def examples(entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The whole agents of the patterns that would take people for machines, and their class."""
    return {
        agent: kind_of(entry.get("tags", ()))
        for entry in entries
        if entry["pattern"] in ORDINARY
        for agent in sorted(entry["instances"])
    }


def file_by_gram(found: Iterable[Text]) -> dict[str, list[Text]]:
    """Each text under its run of `GRAM` characters that is rarest among ordinary browsers and other texts.

    Raises `ValueError` for a text without a run of ASCII: the redirect compares bytes.
    """
    found = list(found)
    common = Counter(gram for agent in BROWSERS for gram in set(_grams(agent)))
    shared = Counter(gram for text in found for gram in set(_grams(text.text)))
    filed: dict[str, list[Text]] = {}
    for text in found:
        runs = [gram for gram in _grams(text.text) if gram.isascii()]
        if not runs:
            raise ValueError(f"{text.text!r} has no {GRAM} characters of ASCII in a row: it cannot be filed.")
        gram = min(runs, key=lambda gram: (common[gram], shared[gram], gram))
        filed.setdefault(gram, []).append(text)
    return filed


def _grams(text: str) -> list[str]:
    return [text[at : at + GRAM] for at in range(len(text) - GRAM + 1)]


def render(entries: Iterable[dict[str, Any]], release: str) -> str:
    """The module `crawlers.py`, formatted as `ruff format` leaves it."""
    entries = list(entries)
    found = texts(entries)
    starts = [text for text in found if text.starts]
    short = [text for text in found if not text.starts and len(text.text) < GRAM]
    long = [text for text in found if not text.starts and len(text.text) >= GRAM]
    lines = [
        f'"""Which agents are crawlers, from {PACKAGE} {release}.',
        "",
        "Generated by `introducer generate`: do not edit. That package is under the MIT licence, copyright its",
        "authors. Texts are case-sensitive; each is (text, class).",
        '"""',
        "",
        f"GRAM = {GRAM}",
        "",
        "# An agent that is this and nothing else.",
        "WHOLE: dict[str, str] = {",
        *(line for agent, kind in examples(entries).items() for line in _pieces(agent, kind)),
        "}",
        "",
        "# An agent that begins so.",
        *_assign("STARTS", starts),
        "",
        "# An agent that contains this, too short to be filed below.",
        *_assign("SHORT", short),
        "",
        "# An agent that contains this, filed under four characters of it.",
        "FILED: dict[str, tuple[tuple[str, str], ...]] = {",
    ]
    for gram, group in sorted(file_by_gram(long).items()):
        lines += _entry(f"    {_quoted(gram)}: ", [(text.text, text.kind) for text in group])
    return "\n".join([*lines, "}", ""])


def _assign(name: str, group: list[Text]) -> list[str]:
    head = f"{name}: tuple[tuple[str, str], ...] = ("
    return [head, *(f"    ({_quoted(text.text)}, {_quoted(text.kind)})," for text in group), ")"]


def _entry(head: str, pairs: list[tuple[str, str]]) -> list[str]:
    inner = ", ".join(f"({_quoted(text)}, {_quoted(kind)})" for text, kind in pairs)
    line = f"{head}({inner}{',' if len(pairs) == 1 else ''}),"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{head}(", *(f"        ({_quoted(text)}, {_quoted(kind)})," for text, kind in pairs), "    ),"]


def _pieces(agent: str, kind: str) -> list[str]:
    cut = [agent[at : at + _WIDTH - 20] for at in range(0, len(agent), _WIDTH - 20)]
    return ["    (", *(f"        {_quoted(piece)}" for piece in cut), f"    ): {_quoted(kind)},"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def current() -> str:
    """What `crawlers.py` should say now."""
    return render(patterns(), version(PACKAGE))


def write() -> Path:
    """Write functions/redirect/crawlers.py again; where it lies."""
    TARGET.write_text(current(), "utf-8")
    return TARGET
