"""`store/keys.py`, the page generated from it, the template and the tests of the patterns say the same."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from introducer.store import keys
from introducer_ops import data_model

ROOT = Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as they stand."""


def _form(loader: Any, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    return {tag: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _form)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)["Resources"]


def test_the_page_is_fresh() -> None:
    assert data_model.TARGET.read_text() == data_model.render(), "run `make docs`"


def test_the_tables_have_the_keys_and_the_index_that_the_patterns_use() -> None:
    for resource, table in (("FactsTable", keys.FACTS), ("BooksTable", keys.BOOKS)):
        properties = TEMPLATE[resource]["Properties"]
        schema = {key["AttributeName"]: key["KeyType"] for key in properties["KeySchema"]}
        assert schema == {keys.PK: "HASH", keys.SK: "RANGE"}
        wanted = {keys.BY_OWNER} if any(i.owner_pk for i in keys.ITEMS.values() if i.table == table) else set()
        indexes = {index["IndexName"]: index for index in properties.get("GlobalSecondaryIndexes", [])}
        assert indexes.keys() == wanted
        for index in indexes.values():
            key_schema = {key["AttributeName"]: key["KeyType"] for key in index["KeySchema"]}
            assert key_schema == {keys.OWNER_PK: "HASH", keys.OWNER_SK: "RANGE"}
            assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
        assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        if any(item.expires for item in keys.ITEMS.values() if item.table == table):
            assert properties["TimeToLiveSpecification"] == {"AttributeName": keys.TTL, "Enabled": True}


def test_every_pattern_reads_an_item_there_is_and_every_item_is_asked_for() -> None:
    assert {pattern.item for pattern in keys.PATTERNS} <= keys.ITEMS.keys()
    assert keys.ITEMS.keys() - {pattern.item for pattern in keys.PATTERNS} == set()
    names = [pattern.name for pattern in keys.PATTERNS]
    assert len(names) == len(set(names))
    for pattern in keys.PATTERNS:
        if "by_owner" in pattern.reads:
            assert keys.ITEMS[pattern.item].owner_pk, pattern.name


def test_no_two_items_can_meet_under_one_key() -> None:
    def may_be_equal(first: str, second: str) -> bool:
        one, other = first.split("#"), second.split("#")
        return len(one) == len(other) and all(a == b or "{" in a or "{" in b for a, b in zip(one, other, strict=True))

    met = [
        (one.name, other.name)
        for one, other in combinations(keys.ITEMS.values(), 2)
        if one.table == other.table and may_be_equal(one.pk, other.pk) and may_be_equal(one.sk, other.sk)
    ]
    assert met == []


def test_every_pattern_has_a_test_of_its_own() -> None:
    # given the tests that say `@pytest.mark.pattern("…")`
    tested = set()
    for path in (ROOT / "tests" / "store").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "pattern":
                tested |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    # then they are the patterns, no more and no less
    assert tested == {pattern.name for pattern in keys.PATTERNS}
