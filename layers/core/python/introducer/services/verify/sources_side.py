"""Where clicks and clients came from: what clicks say, and under what it is counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from introducer.domain.clicks import NOWHERE
from introducer.domain.counts import OTHER_SUB, Came, CountKey, came, names_a_place
from introducer.domain.erasing import SUB_GONE
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys
from introducer.store.click_counts import SOURCED, dimension_attribute
from introducer.store.clients import ClientKey
from introducer.store.scans import Stored, place
from introducer.store.sub_names import LISTED, names_of

GONE = tuple(f"gone_{which}" for which in range(3))
"""Under these a counter of clicks that is made anew has those whose sub1 was erased, or taken off its list: clicks,
unique, flagged."""


class SourcesSide:
    """The lists of sub1, and what clients know of their clicks, told when BOOKS is read; then `click` of each click."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], Mapping[str, str]] = {}
        """By partner and link: the number of each value on its list."""
        self._taken_away: set[tuple[str, str]] = set()
        """Partners and links of whose lists values were taken away."""
        self._known: dict[str, list[tuple[ClientKey, Came]]] = {}
        """By click: each client that knows it, and as what."""
        self._differences: list[Difference] = []

    @property
    def takers(self) -> Mapping[str, Callable[[Stored], None]]:
        return {"sub_names": self._list}

    def _list(self, stored: Stored) -> None:
        _, partner, _ = keys.parts(stored.key.pk)
        link = keys.unescape(stored.key.sk)
        names = names_of(stored.item)
        self._numbers[partner, link] = {name: number for number, name in names.items()}
        if len(names) < int(stored.item[LISTED]):
            self._taken_away.add((partner, link))

    def client(self, item: Mapping[str, Any]) -> None:
        """A client's state."""
        if "came" in item:
            _, brand, client = keys.parts(item[keys.PK])
            visits = json.loads(item["fold"]).get("visits", ())
            for click, known in zip(visits, json.loads(item["came"]), strict=True):
                if known:
                    self._known.setdefault(click, []).append(((brand, client), Came(*known)))

    def click(self, item: Mapping[str, Any], key: CountKey, counts: MutableMapping[str, int]) -> None:
        """A click of FACTS, and the counter that it belongs into."""
        counts[SOURCED] += 1
        sub1 = self._number(key, str(item.get("sub1", "")))
        flagged = bool(item.get("flags"))
        places = [2] if flagged else [0, 1] if item.get("unique") else [0]
        told = (("country", item["country"]), ("device", item["device"]), ("sub1", sub1 or ""))
        for dimension, value in told:
            for which in places if value and value != NOWHERE else ():
                counts[dimension_attribute(dimension, value, which)] += 1
        unsure = sub1 is None or SUB_GONE in item
        if unsure:
            for which in places:
                counts[GONE[which]] += 1
        for client, known in self._known.get(item["click"], ()):
            should = came(item["country"], item["device"], known.sub1 if sub1 is None or unsure else sub1)
            if should != known:
                state = keys.key("client", brand=client[0], client=client[1])
                what = f"client {client[1]}: what it knows of click {item['click']}"
                where = place(keys.BOOKS, state)
                self._differences.append(Difference(Kind.CLIENT_STATE, what, _shown(should), _shown(known), where))

    def _number(self, key: CountKey, sub1: str) -> str | None:
        """Under what a value is counted; None where that may have been a number whose value was taken away."""
        if not sub1 or not names_a_place(sub1):
            return sub1 and OTHER_SUB
        of_link = (key.partner, key.link)
        number = self._numbers.get(of_link, {}).get(sub1)
        return None if number is None and of_link in self._taken_away else number or OTHER_SUB

    def differences(self) -> Iterator[Difference]:
        """Clients that know a click otherwise than it was recorded. Not to know one is none: it may have come late."""
        yield from self._differences


def gone(should: Mapping[str, int], says: Mapping[str, int]) -> dict[str, int]:
    """What a counter says of values of sub1 that it may say though no click says it any more."""
    allowed: dict[str, int] = {}
    for which, name in enumerate(GONE):
        left = should.get(name, 0)
        beginning = dimension_attribute("sub1", "", which)
        for attribute in sorted(says) if left else ():
            if attribute.startswith(beginning):
                more = min(left, max(0, says[attribute] - should.get(attribute, 0)))
                allowed[attribute] = more
                left -= more
    return allowed


def _shown(known: Came) -> str:
    return ", ".join(f"{name} {value or 'unknown'}" for name, value in known._asdict().items())
