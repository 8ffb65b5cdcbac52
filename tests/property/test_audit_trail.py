"""The audit trail under whoever may write the table: a thousand ways to damage it are found, and a whole trail is not
accused. And under the stream: however often and however cut it delivers, each record has one link.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.audit_chain import ChainHead, Damage, Link, RecordKey, digest_of, head_at
from introducer.domain.errors import Unavailable
from introducer.services.chain_audit import chain_audit
from introducer.store import keys
from introducer.store.audit_chain import AuditChain, link_from_item, link_to_item
from introducer.store.wire import from_wire, to_wire
from tests.conftest import create_table
from tests.support.memory import Memory, served_by
from tests.support.trail import NORTH, SOUTH, Trail

DAMAGES = 1_000
Place = tuple[str, str]
Change = dict[Place, Any]
"""What somebody puts into the table past our code; None takes an item away."""


@contextmanager
def a_trail(north: int = 3, south: int = 1) -> Iterator[Trail]:
    memory = Memory()
    with served_by(memory.client):
        create_table(memory.client, "books", index=True)
        trail = Trail(memory)
        trail.a_brands_weeks(NORTH, north)
        trail.a_brands_weeks(SOUTH, south)
        yield trail


# ---------------------------------------------------------------------------------------------- a thousand damages


class Vandal(NamedTuple):
    """Damages a trail in one way, and knows it only as it is stored."""

    trail: Trail
    random: random.Random

    def records(self, brand: str = "") -> list[Place]:
        found = self.trail.items("A")
        return sorted(place for place, item in found.items() if brand in ("", item["brand"]["S"]))

    def links(self, brand: str) -> list[tuple[Place, Link]]:
        found = ((place, item) for place, item in self.trail.items("K").items() if place[0].startswith(f"K#{brand}#"))
        links = ((place, link_from_item(from_wire(item))) for place, item in found if place[1].isdecimal())
        return sorted(links, key=lambda each: each[1].number)

    def item(self, place: Place) -> dict[str, Any]:
        return dict(self.trail.memory.tables["books"].items[place])

    def other(self, value: dict[str, Any]) -> dict[str, Any]:
        """Another value of the same kind: a character more, less or changed, or another number."""
        if "N" in value:
            return {"N": str(int(value["N"]) + self.random.choice([-1, 1, 1000]))}
        text = value["S"]
        at = self.random.randrange(len(text) + 1)
        ways = [text[:at] + "x" + text[at:], text[:at] + "y" + text[at + 1 :], text[:at] + text[at + 1 :]]
        return {"S": self.random.choice([way for way in ways if way != text] or [text + "z"])}

    def changed(self, place: Place) -> dict[str, Any]:
        """The item with one attribute that is another, more, or gone."""
        item = self.item(place)
        name = self.random.choice(sorted(item.keys() - {keys.PK, keys.SK}))
        match self.random.choice(("other", "other", "other", "more", "gone")):
            case "other":
                item[name] = self.other(item[name])
            case "more":
                item[f"{name}s"] = item[name]
            case _:
                del item[name]
        return item

    # ---- the ways

    def edits_a_record(self) -> Change:
        place = self.random.choice(self.records())
        return {place: self.changed(place)}

    def removes_records(self) -> Change:
        records = self.records()
        return dict.fromkeys(self.random.sample(records, self.random.randint(1, 3)))

    def inserts_a_record(self) -> Change:
        """One that looks as ours do, of another moment; perhaps with a link of its own behind the others."""
        item = self.item(self.random.choice(self.records()))
        at = int(item["at"]["N"]) + self.random.choice([-(10**7), -1, 1, 10**11])
        item |= {"at": {"N": str(at)}, "audit": self.other(item["audit"])}
        key = keys.key("audit", subject=item["subject"]["S"], at=at, audit=item["audit"]["S"])
        item |= to_wire(key.item())
        change: Change = {key: item}
        if self.random.random() < 0.5:
            change |= self.links_behind(item)
        return change

    def links_behind(self, item: dict[str, Any]) -> Change:
        """A link for a record in the midst of the chain, with all behind it moved on and made anew."""
        brand = item["brand"]["S"]
        links = [link for _, link in self.links(brand)]
        plain = from_wire(item)
        new = replace(links[0], key=RecordKey(plain["subject"], plain["at"], plain["audit"]), record=digest_of(plain))
        # Not behind the last one that was kept: what is younger than that, nobody else knows.
        at = self.random.randrange(len(links))
        return self.anew(brand, [*links[:at], new, *links[at:]])

    def anew(self, brand: str, links: Sequence[Link]) -> Change:
        """A whole chain of these links in this order, as a sequencer would have made it."""
        change: Change = {place: None for place in self.trail.items("K") if place[0].startswith(f"K#{brand}#")}
        previous = replace(self.links(brand)[0][1]).previous
        made: list[Link] = []
        for number, each in enumerate(links, 1):
            link = replace(each, number=number, previous=previous)
            link = replace(link, digest=link.true_digest)
            previous = link.digest
            made.append(link)
            place = keys.key("audit_place", brand=brand, subject=link.key.subject, at=link.key.at, audit=link.key.audit)
            change[place] = to_wire({**place.item(), "number": number})
            stored = link_to_item(link)
            change[stored[keys.PK], stored[keys.SK]] = to_wire(stored)
        return change | self.head_of(brand, made)

    def head_of(self, brand: str, links: Sequence[Link]) -> Change:
        place = keys.key("audit_head", brand=brand)
        if not links:
            return {place: None}
        head = head_at(links[-1])
        values = {"brand": brand, "number": head.number, "digest": head.digest}
        return {place: to_wire({**place.item(), **values})}

    def cuts_the_end(self) -> Change:
        """The last links, and perhaps their places, their records, and the head set back as if they never were."""
        brand = self.random.choice([NORTH, SOUTH])
        links = self.links(brand)
        left = self.random.randrange(len(links))
        change: Change = {place: None for place, _ in links[left:]}
        if self.random.random() < 0.6:
            for _, link in links[left:]:
                values = {"subject": link.key.subject, "at": link.key.at, "audit": link.key.audit}
                change[keys.key("audit_place", brand=brand, **values)] = None
                if self.random.random() < 0.9:
                    change[keys.key("audit", **values)] = None
            change |= self.head_of(brand, [link for _, link in links[:left]])
        return change

    def rewrites_the_chain(self) -> Change:
        """A record is edited, removed or moved, and the whole chain made anew to fit it: only what was kept tells."""
        brand = self.random.choice([NORTH, SOUTH])
        links = [link for _, link in self.links(brand)]
        at = self.random.randrange(len(links))
        values = {"subject": links[at].key.subject, "at": links[at].key.at, "audit": links[at].key.audit}
        place: Place = keys.key("audit", **values)
        match self.random.choice(("edited", "removed", "moved", "twice")):
            case "edited":
                item = self.item(place)
                item["why"] = self.other(item["why"])
                links[at] = replace(links[at], record=digest_of(from_wire(item)))
                return {place: item} | self.anew(brand, links)
            case "removed":
                gone: Change = {keys.key("audit_place", brand=brand, **values): None, place: None}
                return gone | self.anew(brand, [*links[:at], *links[at + 1 :]]) | gone
            case "twice":
                return self.anew(brand, [*links[: at + 1], *links[at:]])
            case _:
                other = (at + self.random.randrange(1, len(links))) % len(links)
                links[at], links[other] = links[other], links[at]
                return self.anew(brand, links)

    def removes_links(self) -> Change:
        links = self.links(self.random.choice([NORTH, SOUTH]))
        return dict.fromkeys(place for place, _ in self.random.sample(links, self.random.randint(1, 3)))

    def edits_a_link(self) -> Change:
        place, _ = self.random.choice(self.links(self.random.choice([NORTH, SOUTH])))
        return {place: self.changed(place)}

    def edits_the_rest(self) -> Change:
        """A head, or a place."""
        places = [place for place in self.trail.items("K") if not place[1].isdecimal()]
        place = self.random.choice(sorted(places))
        return {place: self.random.choice([None, self.changed(place)])}

    def swaps(self) -> Change:
        """Two records, or two links, in each other's place."""
        brand = self.random.choice([NORTH, SOUTH])
        places = self.random.choice([self.records(brand), [place for place, _ in self.links(brand)]])
        one, two = self.random.sample(places, 2)

        def moved(item: dict[str, Any], place: Place) -> dict[str, Any]:
            return item | {keys.PK: {"S": place[0]}, keys.SK: {"S": place[1]}}

        return {one: moved(self.item(two), one), two: moved(self.item(one), two)}

    def adds_something(self) -> Change:
        """What no sequencer writes: a link, a place or another item among those of the trail."""
        brand = self.random.choice([NORTH, SOUTH, "brd_none"])
        key = self.random.choice(
            [
                keys.key("audit_link", brand=brand, thousand=0, number="000000000999"),
                keys.key("audit_link", brand=brand, thousand=0, number="1"),
                keys.key("audit_place", brand=brand, subject="par_9", at=1, audit="aud_9"),
                keys.Key(f"A#{brand}", "note"),
                keys.Key(f"K#{brand}", "note"),
                keys.Key(f"A#{self.random.choice(self.records())[0][2:]}", "01#aud_1"),
            ]
        )
        return {key: to_wire({**key.item(), "number": 999})}


WAYS: tuple[Callable[[Vandal], Change], ...] = (
    Vandal.edits_a_record, Vandal.edits_a_record, Vandal.removes_records, Vandal.inserts_a_record,
    Vandal.inserts_a_record, Vandal.cuts_the_end, Vandal.cuts_the_end, Vandal.rewrites_the_chain,
    Vandal.removes_links, Vandal.edits_a_link, Vandal.edits_the_rest, Vandal.swaps, Vandal.adds_something,
)  # fmt: skip


def test_a_thousand_edits_removals_insertions_and_cuts_are_found() -> None:
    with a_trail() as trail:
        # given a trail that is chained, with heads that were kept, and found to be whole
        assert trail.chains().failed == {}
        trail.keeps(NORTH, SOUTH)
        assert trail.verified().findings == []
        table, damages, missed = trail.memory.tables["books"], Counter[str](), []
        for seed in range(DAMAGES):
            # when somebody damages it
            vandal = Vandal(trail, random.Random(seed))
            way = vandal.random.choice(WAYS)
            change = way(vandal)
            before = {place: table.items.get(place) for place in change}
            for place, item in change.items():
                if before[place] is not None or item is not None:
                    trail.puts(place, item)
            # then it is found
            found = {damage for damage, _ in trail.found()}
            damages.update(found)
            if not found:
                missed.append(f"seed {seed}: {way.__name__} {sorted(change)}")
            # and once it is undone, nothing is
            for place, item in before.items():
                if table.items.get(place) is not None or item is not None:
                    trail.puts(place, item)
        assert missed == []
        assert trail.verified().findings == []
        # Every kind of damage that a table can have has been among them.
        assert damages.keys() == {each.value for each in Damage} - {Damage.HIDDEN.value}


# ------------------------------------------------------------------------------------------- delivered in any way


class Racing:
    """A chain that meets others: after a read of it another delivery may run, and the answer to a write may be lost."""

    def __init__(self, trail: Trail, waiting: list[Sequence[Any]], turns: Iterator[int]) -> None:
        self._trail, self._waiting, self._turns = trail, waiting, turns

    def head(self, brand: str) -> ChainHead | None:
        found = self._trail.chain.head(brand)
        # Between what is read here and what is written by it, somebody else may have written.
        if next(self._turns, 0) % 3 == 1 and self._waiting:
            chain_audit(self, self._waiting.pop(), now=self._trail.now, pause=lambda attempt: None)
        return found

    def places(self, brand: str, records: Sequence[RecordKey]) -> dict[RecordKey, int]:
        return self._trail.chain.places(brand, records)

    def append(self, head: ChainHead, links: Sequence[Link]) -> bool:
        turn = next(self._turns, 0)
        if turn == 4:
            raise Unavailable("It did not get there.")
        done = self._trail.chain.append(head, links)
        if turn == 5:
            raise Unavailable("It got there, and nobody was told.")
        return done


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 21), st.integers(1, 22)), min_size=1, max_size=12),
    st.lists(st.integers(0, 6), max_size=60),
)
def test_however_it_is_delivered_each_record_has_one_link(pieces: list[tuple[int, int]], turns: list[int]) -> None:
    with a_trail(2, 1) as trail:
        # given pieces of the stream in any order, many of them twice, delivered by several at once
        records = trail.records()
        waiting: list[Sequence[Any]] = [records[start : start + length] for start, length in pieces]
        racing = Racing(trail, waiting, iter(turns))
        while waiting:
            trail.chains(waiting.pop(), racing)
        # when the stream brings what is left, as it does until it is done
        assert trail.chains(records).failed == {}
        # then each has its link, and the chains are whole
        links = [link.key for brand in (NORTH, SOUTH) for _, link in trail.chain.links(brand, 0)]
        assert sorted(links) == sorted(record.key for record in records)
        assert trail.verified().findings == []


def test_a_chain_goes_on_over_thousands() -> None:
    with a_trail(1, 0) as trail:
        record = trail.records()[0]
        many = [
            record._replace(key=RecordKey("par_1", number, f"aud_{number}"), brand=SOUTH) for number in range(2_100)
        ]
        trail.chains(many)
        found = [number for number, _ in trail.chain.links(SOUTH, 0)]
        assert found == list(range(1, 2_101))
        newest = trail.chain.links_before(SOUTH, 1_001, 3)
        assert [link.number for link in newest] == [1_000, 999, 998]


def test_whoever_meets_others_too_often_leaves_it_to_the_stream() -> None:
    class Busy(AuditChain):
        def append(self, head: ChainHead, links: Sequence[Link]) -> bool:
            return False

    with a_trail(1, 0) as trail:
        waits: list[int] = []
        outcome = trail.chains(None, Busy("books"), waits.append)
        assert set(outcome.failed) == {record.key for record in trail.records()}
        # Waits grow, and each brand has its own.
        assert waits == [*range(8), *range(8)]
        with pytest.raises(Unavailable, match="Too many write this chain"):
            raise next(iter(outcome.failed.values()))
