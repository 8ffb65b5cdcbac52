"""What kind of agent asks: a person's browser, a crawler, a messenger that draws a link preview, a program.

Known crawlers come from the generated table `crawlers.py`; the words below catch those that nobody has listed yet but
that say themselves what they are. A browser inside an app (Instagram, Facebook, TikTok, Line …) is a person.
An answer is kept for the container's life: the same few hundred agents make nearly all clicks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import crawlers

BROWSER, BOT, PREVIEW, TOOL, NONE = "browser", "bot", "preview", "tool", "none"

READ = 1000
"""Characters of an agent that are looked at."""

_RANK = {PREVIEW: 0, BOT: 1, TOOL: 2}

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

_TABLET = re.compile(r"ipad|tablet|kindle|silk/(?!.*mobile)|playbook|android(?!.*(?:mobi|opera mini))")
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone|opera mini|midp|blackberry|bb10|symbian|nokia|phone")
_DESKTOP = re.compile(r"windows nt|macintosh|x11|cros |win98|win64|windows|linux x86|linux i686|freebsd|openbsd")


class Agent(NamedTuple):
    kind: str
    """`browser`, `bot`, `preview`, `tool` or `none`."""
    device: str
    """`mobile`, `tablet`, `desktop` or `other`."""


@lru_cache(maxsize=4096)
def describe(agent: str) -> Agent:
    """What the User-Agent header says of its sender."""
    agent = agent[:READ].strip()
    if not agent or agent == "-":
        return Agent(NONE, "other")
    lower = agent.lower()
    return Agent(_known(agent) or _telling(lower), _device(lower))


def _known(agent: str) -> str:
    """The class that the table gives, the most particular of several; nothing when the agent is not in it."""
    kinds = {kind for text, kind in crawlers.STARTS if agent.startswith(text)}
    kinds.update(kind for text, kind in crawlers.SHORT if text in agent)
    filed = crawlers.FILED
    grams = [agent[at : at + crawlers.GRAM] for at in range(len(agent) - crawlers.GRAM + 1)]
    for gram in [gram for gram in grams if gram in filed]:
        kinds.update(kind for text, kind in filed[gram] if text in agent)
    return min(kinds, key=_RANK.__getitem__, default="")


def _telling(lower: str) -> str:
    """The class that its own words give an agent which no table knows."""
    if any(stem in lower for stem in _PREVIEW_STEMS):
        return PREVIEW
    if any(stem in lower for stem in _BOT_STEMS) or ("bot" in lower and _BOT_WORD.search(_NOT_BOTS.sub("", lower))):
        return BOT
    first = _FIRST_WORD.match(lower)
    if first is not None and first[0] in _TOOLS:
        return TOOL
    if "windowspowershell" in lower or ("cfnetwork/" in lower and not lower.startswith("mozilla/")):
        return TOOL
    return BROWSER


def _device(lower: str) -> str:
    if _TABLET.search(lower):
        return "tablet"
    if _MOBILE.search(lower):
        return "mobile"
    return "desktop" if _DESKTOP.search(lower) else "other"
