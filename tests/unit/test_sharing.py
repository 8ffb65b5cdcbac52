"""A partner's address with its own values, and whether it takes visitors; texts and HTML that are ready to hand on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest

from introducer.domain.configuration import Attribution, Availability, Campaign, Link
from introducer.domain.creative import Material, MaterialKind
from introducer.domain.errors import Malformed
from introducer.domain.leading import Taking, campaign_takes, link_takes, subs_of, tracking_address
from introducer.domain.sharing import banner_html, shared_text, text_link_html, ways
from tests.support.builders import at

NOW, HOUR = at("2026-04-02 09:30"), timedelta(hours=1)
ODD = {"sub1": "a b&c=d#e?/+", "sub3": "\"<>'%", "sub5": "żółw عربى"}


def a_material(kind: MaterialKind, **other: Any) -> Material:
    given = {"material": "mat_1", "brand": "brd_1", "campaign": "cmp_1", "name": "Spring", "language": "en"}
    return Material(kind=kind, created=at("2026-04-02"), created_by="mem_1", **given | other)


class _Tags(HTMLParser):
    """What a browser reads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_an_address_gives_the_redirect_the_subs_as_they_were_typed() -> None:
    address = tracking_address("https://go.example.com", "summer-deal", subs_of(ODD | {"sub2": "", "to": "/x"}))
    assert address.isascii() and address.startswith("https://go.example.com/c/summer-deal?sub1=a%20b")
    assert dict(parse_qsl(urlsplit(address).query)) == ODD
    assert tracking_address("https://go.example.com", "Ab_-1234") == "https://go.example.com/c/Ab_-1234"


@pytest.mark.parametrize("given", [{"sub1": "x" * 101}, {"sub2": "a\nb"}, {f"sub{n}": "ż" * 50 for n in range(1, 6)}])
def test_subs_that_the_redirect_would_cut_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(Malformed) as raised:
        subs_of(given)
    assert raised.value.code == "bad_sub"


def test_a_text_is_shared_with_the_link_in_it() -> None:
    material = a_material(MaterialKind.SHARE, text="{campaign} at {brand}:\n{link}")
    link = "https://go.example.com/c/x?sub1=a%20b&sub2=c"
    text = shared_text(material, link=link, brand="N&N", campaign="Open {link}")
    assert text == f"Open {{link}} at N&N:\n{link}"
    found = ways(text, link, "N&N: open")
    queries = {name: parse_qs(urlsplit(address).query) for name, address in found.items()}
    assert queries["whatsapp"] == queries["x"] == {"text": [text]}
    assert queries["telegram"] == {"url": [link], "text": ["Open {link} at N&N:"]}
    assert queries["email"] == {"subject": ["N&N: open"], "body": [text.replace("\n", "\r\n")]}
    assert all(address.isascii() and "\n" not in unquote(address.partition("?")[0]) for address in found.values())
    inside = ways(f"{link} is the link", link, "")
    assert parse_qs(urlsplit(inside["telegram"]).query)["text"] == [f"{link} is the link"]


def test_html_says_names_with_quotes_and_angles_as_they_are() -> None:
    name = """Robin's "best" <b onload=alert(1)> & more"""
    link, picture = "https://go.example.com/c/x?sub1=a&sub2=%22", "https://go.example.com/m/mat_1"
    banner = a_material(MaterialKind.BANNER, name=name, width=300, height=250)
    tags = _Tags(banner_html(banner, link=link, picture=picture)).found
    assert [tag for tag, _ in tags] == ["a", "img"]
    assert tags[0][1] == {"href": link, "target": "_blank", "rel": "sponsored noopener"}
    assert tags[1][1] == {"src": picture, "width": "300", "height": "250", "alt": name}

    text = a_material(MaterialKind.TEXT_LINK, text=f"{{brand}}: {name}", language="ar")
    read = _Tags(text_link_html(text, link=link, brand="<N>", campaign="Open"))
    assert [tag for tag, _ in read.found] == ["a"] and read.text == f"<N>: {name}"
    assert (read.found[0][1]["href"], read.found[0][1]["lang"]) == (link, "ar")


@pytest.mark.parametrize(
    ("change", "full", "takes"),
    [
        ({}, None, Taking.ACTIVE),
        ({"status": Availability.PAUSED}, NOW + HOUR, Taking.PAUSED),
        ({"starts_at": NOW + HOUR}, None, Taking.TO_COME),
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, None, Taking.ACTIVE),
        ({"ends_at": NOW, "status": Availability.PAUSED}, None, Taking.OVER),
        ({}, NOW + HOUR, Taking.FULL),
        ({}, NOW, Taking.ACTIVE),
    ],
)
def test_a_campaign_says_whether_it_takes_visitors_and_so_does_its_link(
    change: dict[str, Any], full: datetime | None, takes: Taking
) -> None:
    campaign = Campaign(
        campaign="cmp_1", brand="brd_1", name="Open", landing_url="https://x.example/", hosts=("x.example",),
        click_parameter="click_id", window_days=30, attribution=Attribution.LAST_CLICK, countries=(), created=NOW,
        **{"status": Availability.ACTIVE} | change,
    )  # fmt: skip
    found = campaign_takes(campaign, full, NOW)
    assert found is takes
    link = Link(
        code="Ab12Cd34", link_id="Ab12Cd34", partner="par_1", brand="brd_1", campaign="cmp_1", landing_url="",
        hosts=(), click_parameter="click_id", fallback_url="", status=Availability.ACTIVE, shard_exponent=0,
        created=NOW,
    )  # fmt: skip
    assert link_takes(link, found) is (Taking.CAMPAIGN_PAUSED if takes is Taking.PAUSED else takes)
    assert link_takes(replace(link, status=Availability.PAUSED), found) is Taking.PAUSED
