"""What kind of agent asks: a person's browser, a crawler, a messenger that draws a link preview, a program.

Known crawlers come from the generated table `crawlers.py`; the words below catch those that nobody has listed yet but
that say themselves what they are. A browser inside an app (Instagram, Facebook, TikTok, Line …) is a person.
An answer is kept for the container's life: the same few hundred agents make nearly all clicks.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import NamedTuple

import crawlers

BROWSER, BOT, PREVIEW, TOOL, NONE = "browser", "bot", "preview", "tool", "none"

READ = 1000
"""Characters of an agent that are looked at."""

_RANK = {PREVIEW: 0, BOT: 1, TOOL: 2}

# Four characters of an agent as one number: all the fours of an agent are looked up by a few calls that loop in C.
_FOUR = 4
_FILED = {int.from_bytes(gram.encode(), sys.byteorder): texts for gram, texts in crawlers.FILED.items()}
_STARTS = tuple(text for text, _ in crawlers.STARTS)

_BOT_STEMS = (
    "spider",
    "crawl",
    "robot",
    "scrape",
    "headless",
    "fetcher",
    "validator",
    "archiver",
    "monitoring",
    "+http",
)
_BOT_WORD = re.compile(r"bots?(?![a-z])|(?<![a-z])bot")
# Makers of telephones whose name only sounds so.
_NOT_BOTS = re.compile(r"(?<![a-z])cubot(?![a-z])")
_PREVIEW_STEMS = ("link preview", "linkpreview", "url preview", "urlpreview", "unfurl")
_FIRST_WORD = re.compile(r"[a-z0-9._-]*")
_TOOL_NAMES = (
    "aiohttp apache-httpclient axios bun cpp-httplib curl dalvik dart deno faraday fetch go go-http-client got "
    "guzzlehttp http_request2 httpclient httpie httpx insomnia java java-http-client libcurl libfetch libwww-perl "
    "lwp-request node node-fetch node.js okhttp perl php postmanruntime powershell python python-requests "
    "python-urllib reqwest requests restsharp ruby rust typhoeus undici urllib wget winhttp"
)
_TOOLS = frozenset(_TOOL_NAMES.split())

_TABLETS = ("ipad", "tablet", "kindle", "playbook")
_MOBILES = ("iphone", "mobi", "phone", "ipod", "opera mini", "midp", "blackberry", "bb10", "symbian", "nokia")
_DESKTOPS = ("windows", "macintosh", "x11", "cros ", "win98", "win64", "linux x86", "linux i686", "freebsd", "openbsd")


class Agent(NamedTuple):
    kind: str
    """`browser`, `bot`, `preview`, `tool` or `none`."""
    device: str
    """`mobile`, `tablet`, `desktop` or `other`."""


@lru_cache(maxsize=4096)
def describe(agent: str) -> Agent:
    """What the User-Agent header says of its sender."""
    agent = agent[:READ]
    lower = agent.strip().lower()
    if not lower or lower == "-":
        return Agent(NONE, "other")
    # The table's texts may begin or end with a space; so may the agent.
    return Agent(_known(agent) or _telling(lower), _device(lower))


def _known(agent: str) -> str:
    """The class that the table gives, the most particular of several; nothing when the agent is not in it."""
    if agent in crawlers.WHOLE:
        return crawlers.WHOLE[agent]
    kinds = {kind for text, kind in crawlers.SHORT if text in agent}
    if agent.startswith(_STARTS):
        kinds.update(kind for text, kind in crawlers.STARTS if agent.startswith(text))
    letters = memoryview(agent.encode(errors="replace"))
    for at in range(min(_FOUR, len(letters))):
        fours = letters[at : len(letters) - (len(letters) - at) % _FOUR].cast("I")
        for four in _FILED.keys() & fours:
            kinds.update(kind for text, kind in _FILED[four] if text in agent)
    return min(kinds, key=_RANK.__getitem__, default="")


def _telling(lower: str) -> str:
    """The class that its own words give an agent which no table knows."""
    if _any(_PREVIEW_STEMS, lower):
        return PREVIEW
    if _any(_BOT_STEMS, lower) or ("bot" in lower and _BOT_WORD.search(_NOT_BOTS.sub("", lower))):
        return BOT
    first = _FIRST_WORD.match(lower)
    if first is not None and first[0] in _TOOLS:
        return TOOL
    if "windowspowershell" in lower or ("cfnetwork/" in lower and not lower.startswith("mozilla/")):
        return TOOL
    return BROWSER


def _device(lower: str) -> str:
    if "android" in lower:
        # A telephone says so; what says nothing is a tablet.
        telephone = "mobi" in lower or "opera mini" in lower
        return "tablet" if not telephone or _any(_TABLETS, lower) else "mobile"
    if _any(_TABLETS, lower) or ("silk/" in lower and "mobile" not in lower):
        return "tablet"
    if _any(_MOBILES, lower):
        return "mobile"
    return "desktop" if _any(_DESKTOPS, lower) else "other"


def _any(words: tuple[str, ...], text: str) -> bool:
    for word in words:  # noqa: SIM110 - a generator costs more than the looking
        if word in text:
            return True
    return False
