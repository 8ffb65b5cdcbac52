"""What somebody would try on a tracking link, sent as bytes to the deployed redirect: each is answered right, and why.

A link is an address that strangers write into pages, mails and chats. It must never lead anywhere but to its campaign,
must never let a value out of its place, and an id must say nothing that we did not sign.
"""

from __future__ import annotations

import http.client
import secrets
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from introducer.domain import click_id
from introducer.store.clicks import Clicks
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.scenario import BROWSER, Scenario, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

INSTALLATIONS = "https://example.com/"
"""Where the stack sends those whom neither code nor host names a brand for."""
DEAL = terms(cpa("100.00"), days=30)


class World(NamedTuple):
    mine: Scenario
    other: Scenario
    code: str
    """A link of the first brand."""
    landing: str
    host: str
    """Of the campaign's page."""


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    with the_stacks_account(stack):
        # Set up three days ago: the deal is in force since the midnight after.
        mine, other = (Scenario(stack, stack.clock.now() - timedelta(days=3)) for _ in range(2))
        host = f"www.{mine.domain}"
        yield World(mine, other, mine.a_partner(DEAL)[1], f"https://{host}/live?lang=en", host)


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def location(self) -> str:
        (location,) = [value for name, value in self.headers if name.lower() == "location"]
        return location


def ask(world: World, target: str, method: str = "GET", host: str = "", headers: str = "", body: str = "") -> Answer:
    """Send these very bytes; no client puts right what an attacker would not."""
    at = urlsplit(world.mine.stack.portal_url)
    asked = f"{method} {target} HTTP/1.1\r\nHost: {host or at.netloc}\r\nUser-Agent: {BROWSER}\r\n{headers}\r\n{body}"
    with socket.create_connection((at.hostname or "", at.port or 80), timeout=60) as wire:
        wire.sendall(asked.encode("latin-1"))
        with closing(http.client.HTTPResponse(wire, method=method)) as answer:
            answer.begin()
            return Answer(answer.status, answer.getheaders(), answer.read())


# ---- what a link may be asked ---------------------------------------------------------------------------------------

LEADS_NOWHERE_ELSE = {
    # Browsers read all of these as another host, or as a script.
    "two slashes": "//evil.example",
    "two slashes, encoded": "%2f%2fevil.example",
    "two slashes within a path, encoded": "/%2f%2fevil.example",
    "two slashes, encoded twice": "%252f%252fevil.example",
    "backslashes for slashes": "https:\\\\evil.example",
    "a slash and a backslash": "/\\evil.example",
    "our host as a user's name": "https://{host}@evil.example/",
    "our host as the beginning of another": "https://{host}.evil.example/",
    "a look-alike in punycode": "https://xn--" + "{host}/",
    "our host with another port": "https://{host}:8443/",
    "our host without TLS": "http://{host}/live",
    "a script": "javascript:alert(document.domain)",
    "a page in the address": "data:text/html,<script>alert(1)</script>",
    "a tab before the slashes": "\t//evil.example",
    "a line's end within": "/x\r\nLocation: https://evil.example/",
    "a path that climbs": "/../../evil.example",
    "a NUL": "/\x00//evil.example",
}


@pytest.mark.parametrize("to", LEADS_NOWHERE_ELSE.values(), ids=LEADS_NOWHERE_ELSE)
def test_a_link_leads_to_its_campaign_and_nowhere_else(world: World, to: str) -> None:
    answer = ask(world, f"/c/{world.code}?to={quote(to.format(host=world.host), safe='%')}")
    # then it leads to the campaign's page, with a genuine id
    page, _, click = answer.location.rpartition("&click_id=")
    assert answer.status == 302 and page == world.landing
    assert Clicks(world.mine.stack.outputs["FactsTableName"]).click(click) is not None


def test_of_two_paths_the_first_counts_so_nobody_overrules_it_by_adding_one(world: World) -> None:
    location = ask(world, f"/c/{world.code}?to=/bonus&to=//evil.example").location
    assert location.startswith(f"https://{world.host}/bonus?click_id=")


STAYS_A_VALUE = {
    # Where each would break out of, if it were taken as it stands.
    "a header by sub1": ("sub1=x%0d%0aSet-Cookie:%20iv=stolen", "xSet-Cookie: iv=stolen"),
    "a body by sub1": ("sub1=%0d%0a%0d%0a<script>alert(1)</script>", "<script>alert(1)</script>"),
    "bytes that are no UTF-8": ("sub1=%ff%fe%c0%af", "\ufffd" * 4),
    "half of a pair of letters": ("sub1=%ED%A0%80", "\ufffd" * 3),
    "eight kilobytes": ("sub1=" + "a" * 8192, "a" * 100),
    "a list and an operator": ("sub1[$ne]=x&sub1=y&__proto__=z", "y"),
    "a key of our tables": ("sub1=C%23x%232026-03-02%230", "C#x#2026-03-02#0"),
}


@pytest.mark.parametrize(("query", "kept"), STAYS_A_VALUE.values(), ids=STAYS_A_VALUE)
def test_a_value_stays_a_value(world: World, query: str, kept: str) -> None:
    answer = ask(world, f"/c/{world.code}?{query}")
    # then the answer has the headers that it always has, and no body; the value is kept as the text that it is
    assert answer.status == 302 and answer.body == b""
    cookies = [value.partition("=")[0] for name, value in answer.headers if name.lower() == "set-cookie"]
    assert [name[:3] for name in sorted(cookies)] == ["iu_", "iv"]
    page, _, click = answer.location.rpartition("&click_id=")
    assert page == world.landing
    found = Clicks(world.mine.stack.outputs["FactsTableName"]).click(click)
    assert found is not None and found.subs[0] == kept


LEADS_NOWHERE = {
    # Codes that are none; where the brand's host is asked, its own page is the answer.
    "a NUL": "%00",
    "no UTF-8": "%ff%fe",
    "a key of our tables": "{code}%23link",
    "a path that climbs": "..%2f..%2fadmin",
    "another path behind": "{code}/admin",
    "letters that look alike": "%EF%BD%81bc",
    "half a kilobyte": "a" * 512,
}


@pytest.mark.parametrize("code", LEADS_NOWHERE.values(), ids=LEADS_NOWHERE)
@pytest.mark.parametrize("branded", [True, False], ids=["at the brand's host", "at no brand's host"])
def test_a_code_that_is_none_leads_to_the_fallback_page_and_is_not_recorded(
    world: World, code: str, branded: bool
) -> None:
    answer = ask(world, "/c/" + code.format(code=world.code), host=world.mine.domain if branded else "")
    assert answer.status == 302
    assert answer.location == (f"https://www.{world.mine.domain}/welcome" if branded else INSTALLATIONS)
    # No click, so no mark in the browser and no id.
    assert not [name for name, _ in answer.headers if name.lower() == "set-cookie"]


@pytest.mark.parametrize("headers", ["", "X-Forwarded-Host: evil.example\r\n"], ids=["Host", "X-Forwarded-Host"])
def test_a_host_that_is_no_brands_names_no_page(world: World, headers: str) -> None:
    assert ask(world, "/c/nosuch77", host="evil.example", headers=headers).location == INSTALLATIONS


@pytest.mark.parametrize(
    "target", ["/c/{code}?sub1=\xff\xfe", "/c/{code}?to=/\tx", "/c/\x00{code}"], ids=["no UTF-8", "a tab", "a NUL"]
)
def test_what_is_no_http_is_refused_before_it_comes_to_the_function(world: World, target: str) -> None:
    answer = ask(world, target.format(code=world.code))
    assert answer.status == 400
    assert not [value for name, value in answer.headers if name.lower() == "location"]


def test_who_asks_for_the_head_alone_is_sent_on_with_an_id_that_brings_nobody(world: World) -> None:
    answer = ask(world, f"/c/{world.code}", method="HEAD")
    named = click_id.read(answer.location.rpartition("=")[2])
    assert answer.status == 302 and named is not None and named.flagged


@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE"])
def test_a_link_is_only_read(world: World, method: str) -> None:
    answer = ask(world, f"/c/{world.code}", method=method, headers="Content-Length: 7\r\n", body="to=evil")
    assert 400 <= answer.status < 500
    assert not [value for name, value in answer.headers if name.lower() == "location"]


def test_neither_cookies_nor_the_edges_headers_are_believed_from_a_stranger(world: World) -> None:
    headers = (
        "Cookie: iv=<script>alert(1)</script>; iu=always; iv2=x\r\n"
        "Introducer-Edge: guessed\r\nCloudFront-Viewer-Country: DE\r\nCloudFront-Viewer-Address: 203.0.113.9:443\r\n"
    )
    answer = ask(world, f"/c/{world.code}", headers=headers)
    found = Clicks(world.mine.stack.outputs["FactsTableName"]).click(answer.location.rpartition("=")[2])
    honest = Clicks(world.mine.stack.outputs["FactsTableName"]).click(
        ask(world, f"/c/{world.code}").location.rpartition("=")[2]
    )
    assert found is not None and honest is not None
    # The country is unknown, the address is the caller's own, and the browser gets a name of ours.
    assert found.country == "ZZ" and found.address == honest.address
    assert found.visitor and "script" not in found.visitor and found.unique


# ---- ids that are offered to the postback ---------------------------------------------------------------------------


def test_an_id_brings_a_client_only_if_we_signed_it_for_this_brand(world: World) -> None:
    """A platform hands back what stood in the landing page's address, and that a stranger may have written."""
    mine = world.mine
    good = ask(world, f"/c/{world.code}").location.rpartition("=")[2]
    looked = ask(world, f"/c/{world.code}", method="HEAD").location.rpartition("=")[2]
    theirs = world.other.click_id_of(world.other.clicks(world.other.a_partner(DEAL)[1]))
    now = mine.stack.clock.now()

    def turned(text: str, at: int, letters: str) -> str:
        """The id with another letter at a place."""
        return text[:at] + letters[letters.index(text[at]) - 1] + text[at + 1 :]

    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # The flag is the lowest bit of the first byte, in the first two letters.
    clean = alphabet[alphabet.index(looked[0])] + alphabet[alphabet.index(looked[1]) - 16] + looked[2:]
    offered: dict[str, tuple[str, bool]] = {
        "genuine": (good, True),
        # One visitor may open two accounts; who opens hundreds is for the detectors.
        "used before": (good, True),
        "another tag": (turned(good, 31, alphabet), False),
        "another link": (turned(good, 12, alphabet), False),
        "another time": (turned(good, 7, alphabet), False),
        "cut": (good[:31], False),
        "longer": (good + "A", False),
        "in capitals": (good.upper(), False),
        "of a look at the head": (looked, False),
        "its flag taken out": (clean, False),
        "of another brand": (theirs, False),
        "made up": (secrets.token_urlsafe(24), False),
        "no id": ("'; DROP TABLE clicks; --", False),
    }
    named = click_id.read(clean)
    assert named is not None and not named.flagged
    clients = {name: f"client-{secrets.token_hex(4)}" for name in offered}
    events: list[dict[str, Any]] = [
        {"event_id": "r1", "type": "registration", "client_id": clients[name], "occurred_at": rfc3339(now),
         "country": "DE", "click_id": click}
        for name, (click, _) in offered.items()
    ]  # fmt: skip
    answer = mine.posts(*events)
    # then every registration is taken: a platform must not lose a client because a stranger wrote an address
    assert {each["status"] for each in answer.json()["receipts"]} == {"accepted"}
    # and sent again each is the same event
    assert {each["status"] for each in mine.posts(*events).json()["receipts"]} == {"duplicate"}
    brings = {}
    for name, client in clients.items():
        mine.applied(client, 1)
        state = mine.clients.state(mine.brand, mine.client_key(client))
        assert state is not None
        brings[name] = state.owner is not None and state.owner.partner is not None
    assert brings == {name: expected for name, (_, expected) in offered.items()}
