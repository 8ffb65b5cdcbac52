"""A click is written as JSON by hand: whatever a visitor sends and our tables hold, it is the item that was meant."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from introducer.domain import identity
from introducer.store.clicks import click_from_item
from introducer_ops.browsers import DESKTOP
from tests.support.amazon import Amazon, well
from tests.support.functions import load

ODD = "aZ09 \"\\/{}[]:,'\x00\x1b\x7f\x85\r\n\t\u2028\u202e\ud800éß日本語🙂%"
AT_MS = 1_772_452_800_000
SIZE = 200

redirect = load("redirect")
record = redirect.record
parts: dict[str, Any] = record.__globals__


def test_the_text_of_a_click_is_the_item_that_its_reader_expects() -> None:
    chance = random.Random(7)
    kept = 0
    for number in range(SIZE):
        # given a link whose ids hold what no id does, and a visit with values that are made to end a JSON string
        ids = {name: _odd(chance) for name in ("partner", "brand", "campaign")}
        sent = {f"sub{each}": _odd(chance) for each in range(1, 6)}
        visit = _visit(sent, referer=f'https://{_odd(chance)}.example/"', prefetch=number % 3 == 0)
        country = chance.choice(("DE", '"A', "\\A", "ZZ"))
        visit.place = lambda _, country=country: ("203.0.113.9", "203.0.113.0/24", country)
        # when
        made = record(visit, _link(ids), SECRETS, AT_MS, 86_400)
        # then its text is one line of ASCII, and holds each value as it was
        assert made.written.text.isascii() and made.written.text.isprintable()
        item = json.loads(made.written.text)
        click = click_from_item(item)
        assert {name: getattr(click, name) for name in ids} == ids
        assert click.subs == tuple(visit.subs().get(name, "") for name in sent)
        assert (click.id, click.link, click.country) == (made.click, "Ab12Cd34", country)
        assert click.address == identity.keyed_hash(KEY, identity.ADDRESS, "203.0.113.9")
        assert click.prefix == identity.keyed_hash(KEY, identity.PREFIX, "203.0.113.0/24")
        assert list(click.flags) == made.flags == (["prefetch"] if number % 3 == 0 else [])
        assert click.unique is not bool(made.flags)
        assert item["expires_at"] == {"N": str(AT_MS // 1000 + 86_400)}
        # and macros say the same
        assert [made.value(name) for name in ("partner", "campaign", "link")] == [
            click.partner,
            click.campaign,
            click.link,
        ]
        assert [made.value(name) for name in sent] == list(click.subs)
        assert (made.value("click_id"), made.value("code")) == (click.id, "Ab12Cd34")
        # and nothing is there twice, or besides
        assert json.loads(made.written.text, object_pairs_hook=_once) == item == dict(made.written)
        kept += sum(map(bool, click.subs))
    assert kept > 4 * SIZE


@pytest.mark.parametrize("table", ["facts", 'odd"name\\'])
def test_the_text_is_what_tables_and_the_queue_are_given(table: str) -> None:
    made = record(_visit({"sub1": 'a"b\\c🙂'}), _link({}), SECRETS, AT_MS, 86_400)
    with Amazon(well(), well({"MessageId": "1"})) as amazon:
        environment = amazon.environment()
        container = SimpleNamespace(
            aws=redirect.Container.__init__.__globals__["Aws"](environment),
            facts=table,
            queue="https://sqs.example/1/q",
        )
        deadline = redirect.clock.Deadline(60.0)
        assert redirect.keep(made.written, container, deadline) == "facts"
        redirect.keep.__globals__["_send"](made.written, container, 60.0)
    put, message = (json.loads(each.body) for each in amazon.requests)
    assert put == {"TableName": table, "Item": made.item}
    assert message["MessageBody"] == made.written.text
    assert made.item["sub1"] == {"S": 'a"b\\c🙂'}


KEY = b"b" * 32
SECRETS = SimpleNamespace(number=0, signing=b"k" * 64, edge="edge", brand_key=lambda _: KEY)


def _odd(chance: random.Random) -> str:
    return "x" + "".join(chance.choices(ODD, k=chance.randrange(1, 30)))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs)
    return found


def _link(ids: dict[str, str]) -> Any:
    texts = {
        "code": "Ab12Cd34", "link_id": "Ab12Cd34", "partner": "par_01", "brand": "brd_01", "campaign": "cmp_01",
        "landing_url": "https://go.broker.example/", "click_parameter": "cid", "status": "active",
    } | ids  # fmt: skip
    return parts["Link"]({name: {"S": text} for name, text in texts.items()})


def _visit(sent: dict[str, str], referer: str = "", prefetch: bool = False) -> Any:
    """Each second value is encoded as browsers do; the others are not, as no browser sends them."""
    query = "&".join(
        f"{name}={quote(text, safe='', errors='replace') if number % 2 else text.replace('%', '').replace('+', '')}"
        for number, (name, text) in enumerate(sent.items())
    )
    headers = {"user-agent": DESKTOP[0], "referer": referer} | ({"purpose": "prefetch"} if prefetch else {})
    http = {"method": "GET", "sourceIp": "203.0.113.9"}
    event = {"rawPath": "/c/Ab12Cd34", "rawQueryString": query, "headers": headers, "requestContext": {"http": http}}

    class Visit(parts["Visit"]):  # type: ignore[misc]
        """Whose country a test may say."""

    return Visit(event)
