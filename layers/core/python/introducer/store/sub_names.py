"""BOOKS: which values of a link's sub1 have figures of their own. The first `SUB_NAMES` that come have: a partner may
write anything into it, and one value for each visitor would make counters without end.

Counters name a value by its number on its link's list, and the list alone says what it is. So a value that is about one
person can be taken away when that one is erased, and every counter stands. A number that is given stays, and a list
that is full stays full: whoever asks again, for a click or for the client that came by it, is told the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.counts import OTHER_SUB, SUB_NAMES, names_a_place
from introducer.domain.errors import Unavailable
from introducer.store import keys
from introducer.store.partitions import one, whole
from introducer.store.wire import Refused, connect, writing

_NAME = "v_"
LISTED = "listed"
"""The attribute that says how many numbers are given."""

_MOST_LISTS = 10_000
"""Lists that are remembered at once."""
_TRIES = 8


class SubNames:
    """The lists of a BOOKS table. What `numbers` read once, it remembers. All of it raises `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)
        self._known: dict[keys.Key, Mapping[str, Any]] = {}

    def number(self, partner: str, link: str, sub1: str) -> str:
        """Under what clicks of a link with this sub1 are counted: its number, or `OTHER_SUB`; without one nothing. A
        value that is new takes the next number while there is one."""
        return self.numbers(partner, link, [sub1])[sub1]

    def numbers(self, partner: str, link: str, subs: Iterable[str]) -> dict[str, str]:
        """The same of several values; those that are new are listed by one write."""
        subs = sorted(set(subs))
        found = {sub1: OTHER_SUB if sub1 else "" for sub1 in subs}
        places = [sub1 for sub1 in subs if names_a_place(sub1)]
        if not places:
            return found
        key = _key(partner, link)
        known = self._known[key] if key in self._known else self._read(key)
        for _ in range(_TRIES):
            listed = int(known.get(LISTED, 0))
            new = [sub1 for sub1 in places if attribute(sub1) not in known][: max(0, SUB_NAMES - listed)]
            if not new:
                named = {sub1: str(known[attribute(sub1)]) for sub1 in places if attribute(sub1) in known}
                return {**found, **named}
            if self._add(key, new, listed):
                given = {attribute(sub1): listed + number for number, sub1 in enumerate(new)}
                known = self._remember(key, {**known, **given, LISTED: listed + len(new)})
            else:
                known = self._read(key)
        raise Unavailable("The list of a link's sub1 is written by too many at once: try again.", code="list_contended")

    def names(self, partner: str) -> dict[str, dict[str, str]]:
        """What the numbers on the lists of a partner's links stand for, by link and number; one whose value was taken
        away is missing."""
        pk = keys.partition("sub_names", partner=partner)
        found = whole(self._connection, self._table, pk, consistent=False)
        return {keys.unescape(item[keys.SK]): names_of(item) for item in found}

    def _read(self, key: keys.Key) -> Mapping[str, Any]:
        return self._remember(key, one(self._connection, self._table, key) or {})

    def _remember(self, key: keys.Key, known: Mapping[str, Any]) -> Mapping[str, Any]:
        if len(self._known) >= _MOST_LISTS:
            self._known.clear()
        self._known[key] = known
        return known

    def _add(self, key: keys.Key, names: Sequence[str], listed: int) -> bool:
        """Put names on a list that has given so many numbers; False, with nothing done, when it has given others."""
        count = Path(LISTED)
        as_read = count == listed if listed else count.does_not_exist()
        given = [Path([attribute(name)]).set(listed + number) for number, name in enumerate(names)]
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    key.pk,
                    key.sk,
                    actions=[*given, count.set(listed + len(names))],
                    condition=as_read,
                )
        except Refused:
            return False
        return True


def attribute(name: str) -> str:
    """The attribute that has the number of a value."""
    return f"{_NAME}{name}"


def names_of(item: Mapping[str, Any]) -> dict[str, str]:
    """The values on a list's item, by number."""
    return {str(item[name]): name.removeprefix(_NAME) for name in item if name.startswith(_NAME)}


def _key(partner: str, link: str) -> keys.Key:
    return keys.key("sub_names", partner=partner, link=link)
