"""What is wrong with an audit trail is named for what it is, and a trail that grows meanwhile is not accused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.audit_chain import GRACE
from introducer.domain.configuration import Availability, Change, Status
from introducer.services.mend_audit import mend_audit
from introducer.services.verify_audit import verify_audit
from introducer.store.scans import Scans, Stored
from tests.conftest import create_table
from tests.support.memory import Memory, served_by
from tests.support.trail import NORTH, SOUTH, Trail

CODE = "n0abcdef"


@pytest.fixture(name="trail")
def _trail() -> Iterator[Trail]:
    """Two brands whose trails are chained, and whose heads were kept."""
    memory = Memory()
    with served_by(memory.client):
        create_table(memory.client, "books", index=True)
        trail = Trail(memory)
        for brand in (NORTH, SOUTH):
            trail.a_brands_weeks(brand, 2)
        trail.chains()
        trail.keeps(NORTH, SOUTH)
        yield trail


def a_record(trail: Trail, number: int = 5) -> tuple[str, str]:
    """The place of the record that a link of the first brand stands for."""
    [link] = [link for place, link in trail.chain.links(NORTH, 0) if place == number]
    return f"A#{link.key.subject}", f"{link.key.at}#{link.key.audit}"


def a_link(number: int = 5) -> tuple[str, str]:
    return f"K#{NORTH}#0", f"{number:012d}"


def stored(trail: Trail, place: tuple[str, str]) -> dict[str, Any]:
    return dict(trail.memory.tables["books"].items[place])


def edits(trail: Trail) -> None:
    place = a_record(trail)
    trail.puts(place, stored(trail, place) | {"by": {"S": "mem_eve"}})


def says_another_brand(trail: Trail) -> None:
    place = a_record(trail)
    trail.puts(place, stored(trail, place) | {"brand": {"S": SOUTH}})


def removes(trail: Trail) -> None:
    trail.puts(a_record(trail), None)


def inserts(trail: Trail) -> None:
    pk, sk = a_record(trail)
    trail.puts((pk, f"1{sk[1:]}x"), stored(trail, (pk, sk)) | {"sk": {"S": f"1{sk[1:]}x"}})


def edits_a_link(trail: Trail) -> None:
    trail.puts(a_link(), stored(trail, a_link()) | {"via": {"S": "mended"}})


def removes_a_link(trail: Trail) -> None:
    trail.puts(a_link(), None)


def swaps_links(trail: Trail) -> None:
    one, two = stored(trail, a_link(5)), stored(trail, a_link(6))
    trail.puts(a_link(5), two | {"sk": one["sk"]})
    trail.puts(a_link(6), one | {"sk": two["sk"]})


def cuts(trail: Trail) -> None:
    trail.puts(a_link(12), None)


def sets_the_head_back(trail: Trail) -> None:
    place = (f"K#{NORTH}", "head")
    trail.puts(place, stored(trail, place) | {"number": {"N": "11"}})


def kept_another_head(trail: Trail) -> None:
    trail.kept[0] = trail.kept[0]._replace(head=replace(trail.kept[0].head, digest="ab" * 32))


def hides_a_kept_head(trail: Trail) -> None:
    trail.kept[0] = trail.kept[0]._replace(hidden=True)


@pytest.mark.parametrize(
    ("damages", "names"),
    [
        (edits, ["edited"]),
        (says_another_brand, ["edited"]),
        (removes, ["removed"]),
        (inserts, ["inserted"]),
        (edits_a_link, ["link_edited"]),
        # The record has no link then either, and the note of it leads nowhere.
        (removes_a_link, ["link_removed", "inserted", "place"]),
        (swaps_links, ["reordered", "reordered", "reordered", "reordered", "reordered", "place", "place"]),
        (cuts, ["cut", "cut", "inserted", "place"]),
        (sets_the_head_back, ["head"]),
        (kept_another_head, ["rewritten"]),
        (hides_a_kept_head, ["hidden"]),
    ],
)
def test_a_damage_has_its_name(trail: Trail, damages: Callable[[Trail], None], names: list[str]) -> None:
    assert trail.found() == []
    damages(trail)
    found = trail.found()
    assert sorted(damage for damage, _ in found) == sorted(names)
    # Whoever looks at this brand alone sees the same, and the other one is whole.
    assert {brand for _, brand in found} == {NORTH}
    trail.kept[:] = [each for each in trail.kept if each.head.brand == NORTH]
    assert trail.verified(brand=NORTH).findings == trail.verified().findings
    # Alone, the other one cannot know whose the record was that says to be its.
    in_other = ["inserted"] if damages is says_another_brand else []
    assert [each.damage for each in trail.verified(brand=SOUTH).findings if each.brand == SOUTH] == in_other


def test_a_record_may_be_without_a_link_for_a_quarter_of_an_hour(trail: Trail) -> None:
    trail.pauses(CODE)
    report = trail.verified(later=GRACE - timedelta(seconds=1))
    assert (report.good, [each.waiting for each in report.chains]) == (True, [1, 0])
    report = trail.verified(later=GRACE)
    assert [each.damage for each in report.findings] == ["inserted"]
    [record] = report.unchained
    assert (record.brand, record.key.subject) == (NORTH, CODE)


def test_a_record_of_a_day_to_come_is_never_young(trail: Trail) -> None:
    trail.now += timedelta(days=3)
    trail.pauses(CODE)
    trail.now -= timedelta(days=3)
    assert trail.found() == [("inserted", NORTH)]


def test_what_comes_in_while_it_is_read_is_no_finding(trail: Trail) -> None:
    class Living(Scans):
        """A table in which things go on while it is read: before each item, something changes and is chained."""

        def books(self) -> Iterator[Stored]:
            status = Availability.PAUSED
            for number, item in enumerate(super().books()):
                if number % 7 == 3:
                    trail.pauses(CODE, status)
                    status = Availability.ACTIVE if status is Availability.PAUSED else Availability.PAUSED
                    if number % 2:
                        trail.chains()
                yield item

    grows, head = trail.chain.links, trail.chain.head
    late: list[Any] = []

    def links(brand: str, through: int) -> Iterator[tuple[int, Any]]:
        # And once more between the head and the links.
        trail.suspends(f"par_{NORTH}_0", *late.pop()) if late else None
        trail.chains()
        return grows(brand, through)

    late += [(Status.BLOCKED, Status.SUSPENDED)]
    chain = type("Reading", (), {
        "head": staticmethod(head), "links": staticmethod(links), "places": staticmethod(trail.chain.places),
        "items": staticmethod(trail.chain.items),
    })()  # fmt: skip
    before = trail.chain.head(NORTH)
    report = verify_audit(
        Living(trail.memory.client, facts="facts", books="books"), chain, trail.kept, now=trail.now + timedelta(days=1)
    )
    assert report.findings == []
    after = trail.chain.head(NORTH)
    assert before is not None and after is not None and after.number > before.number + 2


def test_mending_gives_links_that_say_so_and_is_on_record(trail: Trail) -> None:
    trail.pauses(CODE)
    trail.pauses(CODE, Availability.ACTIVE)
    unchained = trail.verified().unchained
    change = Change(by="system:operator", at=trail.now + timedelta(hours=1), why="The stream stood still")
    assert mend_audit(trail.chain, unchained, change, pause=lambda attempt: None) == 2
    assert mend_audit(trail.chain, [], change, pause=lambda attempt: None) == 0
    # Its own record is the stream's to chain.
    trail.chains(trail.records())
    trail.now += timedelta(hours=1)
    report = trail.verified()
    assert (report.findings, [each.mended for each in report.chains]) == ([], [2, 0])
    [record, *_] = trail.configuration.audit_of_subject(NORTH).items
    assert (record.action, record.why) == ("mend_audit_chain", "The stream stood still")


def test_the_report_says_how_far_the_kept_heads_reach(trail: Trail) -> None:
    trail.pauses(CODE)
    trail.chains()
    [north, south] = trail.verified().chains
    assert (north.links, north.kept, north.after_kept, south.after_kept) == (13, 1, 1, 0)
    assert north.digest == trail.chain.head(NORTH).digest  # type: ignore[union-attr]
    document = trail.verified().document()
    assert document["good"] is True and document["chains"][0]["links"] == 13
