"""The chains of the audit trail, one suite per access pattern."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from introducer.domain.audit_chain import (
    ChainHead,
    Link,
    Recorded,
    RecordKey,
    Via,
    beginning,
    digest_of,
    head_at,
    links_after,
)
from introducer.domain.configuration import DEPLOYMENT, Brand, Change
from introducer.domain.errors import Unavailable
from introducer.domain.events import milliseconds
from introducer.services.chain_audit import chain_audit
from introducer.store import keys
from introducer.store.audit_chain import (
    AuditChain,
    audit_from_item,
    chain_head,
    link_from_item,
    link_to_item,
    recorded_of_image,
)
from introducer.store.configuration import Configuration
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

BRAND = "brd_1"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
CHANGE = Change(by="mem_1", at=NOW, why="Because it was asked for", origin="test")


def no_pause(attempt: int) -> None:
    """Nobody else is there."""


@pytest.fixture(name="chain")
def _chain(tables: Tables) -> AuditChain:
    return AuditChain(tables.books)


def records(number: int, brand: str = BRAND, first: int = 0) -> list[Recorded]:
    return [
        Recorded(brand, RecordKey("par_#1", milliseconds(NOW) + each, f"aud_{each}"), f"{each:064x}")
        for each in range(first, first + number)
    ]


def chains(chain: AuditChain, given: list[Recorded]) -> int:
    outcome = chain_audit(chain, given, now=NOW, pause=no_pause)
    assert outcome.failed == {}
    return outcome.links


def opens(tables: Tables, brand: str = BRAND) -> Configuration:
    configuration = Configuration(tables.books)
    made = Brand(
        brand=brand, name=brand, domain=f"{brand}.example.com", base_currency="EUR", fallback_url="https://e.org/",
        created=NOW,
    )  # fmt: skip
    configuration.open_brand(made, CHANGE)
    return configuration


@pytest.mark.pattern("audit_head_of_brand")
class TestAuditHeadOfBrand:
    def test_a_chain_begins_with_what_names_the_brand_alone(self, chain: AuditChain) -> None:
        assert chain.head(BRAND) is None
        assert chain_head(chain, BRAND) == beginning(BRAND)
        assert beginning(BRAND).digest != beginning("brd_2").digest

    def test_the_head_is_the_last_link(self, chain: AuditChain) -> None:
        chains(chain, records(3))
        chains(chain, records(2, first=3))
        chains(chain, records(1, "brd_2", first=9))
        [*_, (number, last)] = chain.links(BRAND, 0)
        assert (chain.head(BRAND), number) == (head_at(last), 5)
        assert chain_head(chain, "brd_2").number == 1


@pytest.mark.pattern("audit_links_in_order")
class TestAuditLinksInOrder:
    def test_links_come_in_order_and_each_follows_the_one_before(self, chain: AuditChain) -> None:
        given = records(120)
        assert chains(chain, given) == 120
        links = [link for _, link in chain.links(BRAND, 0)]
        assert [link.key for link in links] == [record.key for record in given]
        assert [link.number for link in links] == list(range(1, 121))
        assert [link.previous for link in links] == [beginning(BRAND).digest, *(link.digest for link in links[:-1])]
        assert all(link.digest == link.true_digest for link in links)

    def test_the_newest_come_first_a_page_at_a_time(self, chain: AuditChain) -> None:
        chains(chain, records(5))
        first = chain.links_before(BRAND, 6, 3)
        assert [link.number for link in first] == [5, 4, 3]
        assert [link.number for link in chain.links_before(BRAND, 3, 3)] == [2, 1]
        assert chain.links_before(BRAND, 1, 3) == []

    def test_two_that_read_the_same_head_do_not_both_write(self, chain: AuditChain) -> None:
        ours, theirs = (links_after(beginning(BRAND), records(2, first=first), Via.STREAM, 1) for first in (0, 5))
        assert chain.append(beginning(BRAND), theirs)
        assert not chain.append(beginning(BRAND), ours)
        assert [link for _, link in chain.links(BRAND, 0)] == theirs

    def test_a_lost_answer_is_answered_again(self, chain: AuditChain) -> None:
        links = links_after(beginning(BRAND), records(2), Via.STREAM, 1)
        assert chain.append(beginning(BRAND), links)
        assert chain.append(beginning(BRAND), links)
        assert chain_head(chain, BRAND).number == 2


@pytest.mark.pattern("audit_place_of_record")
class TestAuditPlaceOfRecord:
    def test_a_record_knows_its_link_and_is_not_chained_twice(self, chain: AuditChain) -> None:
        first, *others = records(4)
        assert chains(chain, [first, first]) == 1
        # A batch with what has a link in it loses nothing else.
        assert chains(chain, [others[0], first, *others]) == 3
        keys_of = [record.key for record in (first, *others)]
        assert chain.places(BRAND, keys_of) == dict(zip(keys_of, (1, 2, 3, 4), strict=True))
        assert chain.places(BRAND, [RecordKey("par_1", 1, "aud_none")]) == {}
        assert chain.places("brd_2", keys_of) == {}


@pytest.mark.pattern("audit_by_key")
class TestAuditByKey:
    def test_a_link_leads_to_its_record(self, tables: Tables, chain: AuditChain) -> None:
        configuration = opens(tables)
        [record] = configuration.audit_of_subject(BRAND).items
        key = RecordKey(BRAND, milliseconds(NOW), record.audit)
        found = chain.items([key, RecordKey(BRAND, 1, "aud_none")])
        assert list(found) == [key]
        assert audit_from_item(found[key]) == record
        assert record.brand == BRAND


class TestWhatARecordIsToTheChain:
    def image(self, tables: Tables) -> dict[str, Any]:
        opens(tables)
        [found] = [each for each in tables.items(tables.books) if each["pk"]["S"].startswith("A#")]
        return found

    def test_the_digest_is_of_all_that_its_item_has(self, tables: Tables) -> None:
        image = self.image(tables)
        record = recorded_of_image(image)
        assert record is not None
        assert record.brand == BRAND
        for name in image.keys() - {"pk", "sk"}:
            less = {each: value for each, value in image.items() if each != name}
            assert (changed := recorded_of_image(less)) is not None
            assert changed.digest != record.digest
        assert recorded_of_image(dict(reversed(image.items()))) == record

    def test_one_that_does_not_say_whose_it_is_belongs_to_the_deployment(self, tables: Tables) -> None:
        image = self.image(tables)
        del image["brand"]
        found = recorded_of_image(image)
        assert found is not None
        assert found.brand == DEPLOYMENT

    @pytest.mark.parametrize(
        ("pk", "sk"),
        [
            ("A#par_1", "note"),
            ("A#par_1", "01#aud_1"),
            ("P#par_1", "1#aud_1"),
            ("A#par_1#x", "1#aud_1"),
            ("A#%", "1#a"),
        ],
    )
    def test_what_is_not_keyed_as_a_record_is_none(self, pk: str, sk: str) -> None:
        assert recorded_of_image({"pk": {"S": pk}, "sk": {"S": sk}}) is None

    def test_the_digest_is_the_same_everywhere(self) -> None:
        """What was chained must be found whole in years: the form of a digest never changes under its name."""
        item = {"why": "Zoë – 100 %", "pk": "A#par_1", "sk": "1#aud_1", "at": 1}
        said = '{"at":1,"pk":"A#par_1","sk":"1#aud_1","why":"Zoë – 100 %"}'
        assert digest_of(item) == sha256(said.encode()).hexdigest()
        start = sha256(b'["introducer-audit-1","brd_1"]').hexdigest()
        assert beginning(BRAND).digest == start
        link = Link(
            brand=BRAND, number=1, key=RecordKey("par_1", 1, "aud_1"), record="ab", via="stream", linked_at=2,
            previous=start,
        )  # fmt: skip
        said = f'["introducer-audit-1","brd_1",1,"par_1",1,"aud_1","ab","stream",2,"{start}"]'
        assert link.true_digest == sha256(said.encode()).hexdigest()

    def test_a_link_is_what_its_item_says(self) -> None:
        [link] = links_after(beginning(BRAND), records(1), Via.MENDED, 7)
        assert link_from_item(link_to_item(link)) == link


def test_a_brand_whose_chain_is_down_leaves_the_others_alone(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = AuditChain(tables.books)
    head: Callable[[str], ChainHead | None] = chain.head

    def fails(brand: str) -> ChainHead | None:
        if brand == BRAND:
            raise Unavailable("down")
        return head(brand)

    monkeypatch.setattr(chain, "head", fails)
    given = [*records(2), *records(2, "brd_2"), *records(1, first=7)]
    outcome = chain_audit(chain, given, now=NOW, pause=no_pause)
    assert outcome.links == 2
    assert outcome.failed.keys() == {record.key for record in given if record.brand == BRAND}


def test_writing_a_record_costs_two_items_and_its_share_of_a_head(tables: Tables, chain: AuditChain) -> None:
    chains(chain, records(49))
    stored = tables.items(tables.books)
    assert len(stored) == 49 * 2 + 1
    # In write units: each of them is below a kilobyte, and a transaction takes two for each.
    assert max(len(json.dumps(each)) for each in stored) < 1_024
    assert {keys.parts(each["pk"]["S"])[0] for each in stored} == {"K"}
