"""Crawlers, previews and tools are told from people, by what is known and by what they say themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from introducer_ops import agents as table
from introducer_ops.browsers import BROWSERS, DESKTOP, IN_APP, MOBILE
from tests.support.functions import load
from tests.support.ordinary_agents import ordinary_agents

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

# The module as the function itself sees it.
redirect_agents = load("redirect").Visit.__init__.__globals__["agents"]


def kind(agent: str) -> str:
    answer: str = redirect_agents.describe(agent).kind
    return answer


def shared(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"../shared/data/{name} is not here")
    return path


def test_the_committed_table_is_what_the_installed_package_gives() -> None:
    assert table.TARGET.read_text("utf-8") == table.current(), "run: introducer generate"


def test_every_agent_that_the_package_names_is_flagged() -> None:
    agents = [agent for entry in table.patterns() for agent in entry["instances"]]
    assert len(agents) > 2000
    assert [agent for agent in agents if kind(agent) == "browser"] == []


def test_every_agent_of_the_shared_crawler_list_is_flagged() -> None:
    entries = json.loads(shared("crawler-user-agents.json").read_text("utf-8"))
    agents = [agent for entry in entries for agent in entry["instances"]]
    assert len(agents) > 2000
    assert [agent for agent in agents if kind(agent) == "browser"] == []


def test_every_line_of_the_access_log_whose_agent_is_on_the_list_is_flagged() -> None:
    # given every agent of the log, also of the line whose last quote is missing
    entries = json.loads(shared("crawler-user-agents.json").read_text("utf-8"))
    known = re.compile("|".join(entry["pattern"] for entry in entries))
    lines = shared("access_log_10k.log").read_text("utf-8", "surrogateescape").splitlines()
    agents = [line.rstrip('"').rpartition('" "')[2] for line in lines]
    # when
    listed = [agent for agent in agents if known.search(agent)]
    # then
    assert len(lines) == 10_000 and len(listed) > 1900
    assert [agent for agent in listed if kind(agent) in ("browser", "none")] == []


def test_no_word_of_an_ordinary_telephone_is_on_the_list_and_the_examples_are() -> None:
    # given what is named as an ordinary word is a pattern of the package still
    by_pattern = {entry["pattern"]: entry["instances"] for entry in table.patterns()}
    assert set(table.ORDINARY) <= set(by_pattern)
    for pattern in table.ORDINARY:
        word = re.sub(r"\\(.)", r"\1", pattern)
        for instance in by_pattern[pattern]:
            # then the package's example is a machine, and the same agent of another telephone or version is not
            assert word in instance and kind(instance) != "browser"
            assert kind(re.sub(r"Chrome/\d+", "Chrome/149", instance)) == "browser"


def test_a_messengers_preview_is_told_from_the_browser_inside_it() -> None:
    by_pattern = {entry["pattern"]: entry["instances"] for entry in table.patterns()}
    for app in table.APPS:
        assert {kind(example) for example in by_pattern[app]} == {"preview"}
        assert kind(f"{MOBILE[1]} {app}/27.7.0.0") == "browser"


def test_of_a_thousand_ordinary_agents_at_most_one_is_taken_for_a_machine() -> None:
    # given what browsers and apps send on many devices, none of it among those the table is filed by
    agents = [agent for agent in ordinary_agents() if agent not in BROWSERS]
    assert len(agents) >= 1000
    # then
    flagged = [agent for agent in agents if kind(agent) != "browser"]
    assert len(flagged) <= len(agents) / 1000, flagged
    # and all of them have a device
    assert {redirect_agents.describe(agent).device for agent in agents} == {"mobile", "tablet", "desktop"}


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        # what an app adds behind the browser's words is no word on the device
        ("Mozilla/5.0 (Linux; Android 14; SM-A546B) Chrome/137.0 Mobile Safari/537.36 [Pinterest/Android]", "mobile"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (Android 14; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Silk/130.1 like Chrome/130 Safari/537.36", "tablet"),
        ("Opera/9.80 (Android; Opera Mini/36.2) Presto/2.12", "mobile"),
        ("SomethingElse/1.0", "other"),
    ],
)
def test_a_device_is_told_by_the_browsers_own_words(agent: str, device: str) -> None:
    assert redirect_agents.describe(agent).device == device


TEXTS = [text for text in table.texts(table.patterns()) if not text.starts]


@given(
    text=st.sampled_from(TEXTS),
    before=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    after=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)
@example(text=next(text for text in TEXTS if text.text.endswith(" ")), before="", after="")
@example(text=next(text for text in TEXTS if text.text.startswith(" ")), before="", after="")
def test_a_listed_text_is_found_wherever_it_stands(text: table.Text, before: str, after: str) -> None:
    assert kind(before + text.text + after) != "browser"


def test_each_listed_text_is_found_after_an_ordinary_browsers_words() -> None:
    rank = {"preview": 0, "bot": 1, "tool": 2, "": 9}
    found = {text: redirect_agents._known(f"{DESKTOP[0]} {text.text}") for text in TEXTS}
    assert len(found) > 1500
    assert {text.text: kind for text, kind in found.items() if rank[kind] > rank[text.kind]} == {}


@pytest.mark.parametrize("agent", BROWSERS)
def test_a_person_is_never_flagged(agent: str) -> None:
    assert kind(agent) == "browser"


def test_there_are_enough_ordinary_agents_to_mean_something() -> None:
    assert len(set(BROWSERS)) == len(BROWSERS) >= 60
    for maker in (
        "Chrome/",
        "Safari/",
        "Firefox/",
        "Edg/",
        "SamsungBrowser/",
        "OPR/",
        "UCBrowser/",
        "YaBrowser/",
    ):
        assert any(maker in agent for agent in DESKTOP + MOBILE), maker
    for app in ("Instagram", "FBAN", "FB_IAB", "musical_ly", "trill", "Line/"):
        assert any(app in agent for agent in IN_APP), app


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("", "none"),
        ("   ", "none"),
        ("-", "none"),
        ("curl/8.5.0", "tool"),
        ("Wget/1.21.4", "tool"),
        ("python-requests/2.32.3", "tool"),
        ("Python/3.12 aiohttp/3.9.5", "tool"),
        ("python-httpx/0.28.1", "tool"),
        ("Go-http-client/2.0", "tool"),
        ("okhttp/4.12.0", "tool"),
        ("Java/17.0.9", "tool"),
        ("axios/1.7.2", "tool"),
        ("node", "tool"),
        ("PostmanRuntime/7.43.0", "tool"),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.004)", "tool"),
        ("SomeShop/12 CFNetwork/1498.700.2 Darwin/23.6.0", "tool"),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-GB) WindowsPowerShell/5.1.22621.4391", "tool"),
        (f"{DESKTOP[4]} HeadlessChrome/120.0.0.0", "tool"),
        ("WhatsApp/2.23.20.0", "preview"),
        ("TelegramBot (like TwitterBot)", "preview"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "preview"),
        ("Viber/13.3.0.5", "preview"),
        ("NewMessenger LinkPreview/1.0", "preview"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("Mozilla/5.0 (compatible; NeverHeardOfBot/0.1)", "bot"),
        ("our-new-crawler 1", "bot"),
        ("Mozilla/5.0 (compatible; Owner; +https://somewhere.example/about)", "bot"),
        ("UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/", "bot"),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT P60 bot)", "bot"),
    ],
)
def test_what_an_agent_is(agent: str, expected: str) -> None:
    assert kind(agent) == expected


@pytest.mark.parametrize("pattern", ["[a-z]+", r"\d\d\d", "a|b", "."])
def test_a_pattern_without_a_text_is_refused_not_dropped(pattern: str) -> None:
    with pytest.raises(ValueError, match="promises no text"):
        table.texts_of(pattern)


def test_a_text_is_filed_under_bytes_that_the_redirect_finds() -> None:
    (gram,) = table.file_by_gram([table.Text("Роботabcd", "bot")])
    assert gram == "abcd"
    with pytest.raises(ValueError, match="cannot be filed"):
        table.file_by_gram([table.Text("Робот", "bot")])


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"Googlebot\/", [("Googlebot/", False)]),
        ("[wW]get", [("wget", False), ("Wget", False)]),
        ("^curl", [("curl", True)]),
        ("Ahrefs(Bot|SiteAudit)", [("AhrefsBot", False), ("AhrefsSiteAudit", False)]),
        (r"ContextualBot[\s\S]*outcomes\.net", [("ContextualBot", False)]),
        (r"(^| )sentry\/", [("sentry/", True), (" sentry/", False)]),
    ],
)
def test_how_a_pattern_becomes_texts(pattern: str, texts: list[tuple[str, bool]]) -> None:
    assert sorted(table.texts_of(pattern)) == sorted(texts)


@pytest.mark.parametrize("group", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_what_a_browser_runs_on(group: tuple[str, ...]) -> None:
    devices = {agent: redirect_agents.describe(agent).device for agent in group}
    wanted = ("desktop",) if group is DESKTOP else ("mobile", "tablet")
    assert {agent: device for agent, device in devices.items() if device not in wanted} == {}


@pytest.mark.parametrize(
    ("part", "device"),
    [
        ("(iPad;", "tablet"),
        ("Tablet; rv", "tablet"),
        ("KFMAWI", "tablet"),
        ("iPhone;", "mobile"),
        ("Opera Mini", "mobile"),
    ],
)
def test_tablets_are_told_from_telephones(part: str, device: str) -> None:
    agents = [agent for agent in MOBILE if part in agent]
    assert agents and {redirect_agents.describe(agent).device for agent in agents} == {device}


def test_a_new_agent_is_compared_with_a_few_texts_and_not_with_the_table() -> None:
    crawlers = redirect_agents.crawlers
    listed = sum(map(len, crawlers.FILED.values()))

    def compared(agent: str) -> int:
        grams = (agent[at : at + crawlers.GRAM] for at in range(len(agent) - crawlers.GRAM + 1))
        return sum(len(crawlers.FILED[gram]) for gram in grams if gram in crawlers.FILED)

    # some begin with their name, and a few texts are too short to be filed: with these every agent is compared
    assert len(crawlers.STARTS) + len(crawlers.SHORT) < listed / 10
    assert max(map(compared, BROWSERS)) < listed / 100
