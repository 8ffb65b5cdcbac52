"""FACTS: clicks. The redirect writes them, in the shape read here; a click restored from the queue is put here.

pynamodb's connection is used without its models, as for events: a click is written by a function that is too light for
them, so its shape is DynamoDB's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain import click_id
from introducer.domain.clicks import Click
from introducer.domain.errors import Malformed, Unavailable
from introducer.domain.events import day_of, from_milliseconds
from introducer.store import keys
from introducer.store.paging import Page
from introducer.store.wire import IMPOSSIBLE, Refused, Wire, connect, reading, response_code, writing

_KIND = keys.parts(keys.partition("click", link="", day="", shard=""))[0]
_SUBS = ("sub1", "sub2", "sub3", "sub4", "sub5")
_TEXTS = ("click", "link", "partner", "brand", "campaign", "agent", "device", "country")


def is_click_key(pk: str) -> bool:
    """Whether a FACTS partition holds clicks."""
    return pk.startswith(_KIND + "#")


def key_of(click: str) -> keys.Key:
    """The key of the click with this id. Raises `Malformed` when the text has not the form of one."""
    named = click_id.read(click)
    if named is None:
        raise Malformed("This is not a click id: it has 32 url-safe characters.", code="invalid_click_id")
    day = day_of(from_milliseconds(named.at_ms))
    return keys.key("click", link=named.link_id, day=day, shard=named.shard, click=click)


def click_from_item(item: Wire) -> Click:
    """The click of an item in DynamoDB's own form. Raises `Malformed` when it is not a whole one, or not under the key
    that its id names."""
    try:
        texts = {name: str(item[name]["S"]) for name in _TEXTS}
        subs = [str(item.get(name, {}).get("S", "")) for name in _SUBS]
        click = Click(
            id=texts["click"],
            link=texts["link"],
            partner=texts["partner"],
            brand=texts["brand"],
            campaign=texts["campaign"],
            at=from_milliseconds(int(item["at"]["N"])),
            address=_optional(item, "address"),
            prefix=_optional(item, "prefix"),
            agent=texts["agent"],
            device=texts["device"],
            referer=_optional(item, "referer"),
            country=texts["country"],
            visitor=_optional(item, "visitor"),
            unique=item["unique"]["BOOL"] is True,
            subs=(subs[0], subs[1], subs[2], subs[3], subs[4]),
            flags=tuple(str(flag["S"]) for flag in item.get("flags", {}).get("L", ())),
        )
        place = keys.Key(item[keys.PK]["S"], item[keys.SK]["S"])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Malformed(f"The click lacks, or misspells, {error}.", code="malformed_click") from error
    if place != key_of(click.id):
        raise Malformed("The click does not lie where its id says.", code="misplaced_click")
    return click


class Clicks:
    """The clicks of a FACTS table."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def click(self, click: str) -> Click | None:
        """The click with this id; None when none was recorded, or it has expired. Raises `Malformed`, `Unavailable`.

        Whether the id is genuine is another question: `click_id.verify`.
        """
        key = key_of(click)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk)
        return click_from_item(answer["Item"]) if "Item" in answer else None

    def of_link(
        self, link: str, day: str, shard_exponent: int = 0, cursor: str | None = None, limit: int = 100
    ) -> Page[Click]:
        """A page of a link's clicks of a UTC day (`2026-03-01`), in no promised order. Raises `Unavailable`.

        `shard_exponent` is the highest that the link had that day; clicks made under a lower one are found too.
        """
        first, _, last = (cursor or "0").partition(":")
        found: list[Click] = []
        for shard in range(int(first), 4**shard_exponent):
            pk = keys.partition("click", link=link, day=day, shard=shard)
            start = {keys.PK: {"S": pk}, keys.SK: {"S": last}} if last else None
            with reading():
                answer = self._connection.query(self._table, pk, exclusive_start_key=start, limit=limit - len(found))
            found += [click_from_item(item) for item in answer["Items"]]
            position: Mapping[str, Any] = answer.get("LastEvaluatedKey") or {}
            if position:
                return Page(tuple(found), f"{shard}:{position[keys.SK]['S']}")
            last = ""
            if len(found) >= limit and shard + 1 < 4**shard_exponent:
                return Page(tuple(found), f"{shard + 1}:")
        return Page(tuple(found))

    def restore(self, item: Wire) -> bool:
        """Put a click that could not be written when it was made; False when it is there already.

        Raises `Malformed` when the item is no click, and `Unavailable`.
        """
        click_from_item(item)
        attributes = dict(item)
        pk, sk = attributes.pop(keys.PK)["S"], attributes.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=attributes, condition=Path(keys.PK).does_not_exist()
                )
        except Refused:
            return False
        except Unavailable as error:
            if error.__cause__ is not None and response_code(error.__cause__) in IMPOSSIBLE:
                raise Malformed("DynamoDB takes no such item.", code="malformed_click") from error
            raise
        return True


def _optional(item: Wire, name: str) -> str | None:
    return str(item[name]["S"]) if name in item else None
