"""Fixtures that every layer of tests shares."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import hypothesis
import pytest

from introducer.store import keys
from introducer_ops.localcloud import LocalCloud, Stack
from tests.support.cloud import cloud, logged_since, stack
from tests.support.memory import Memory, served_by

__all__ = ["cloud", "stack"]

# No test depends on how fast it runs.
hypothesis.settings.register_profile("introducer", deadline=None)
hypothesis.settings.load_profile("introducer")

STORES = (pytest.param("cloud", marks=pytest.mark.cloud), "memory")
"""What a test of the store runs on: the same questions must have the same answers on both."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails on the deployed stack shows what the functions logged meanwhile."""
    report = yield
    found = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(found, Stack):
        report.sections += logged_since(found, report.start)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both stores for what asks for `tables`; where a module is marked `in_memory`, both for its patterns alone."""
    # A module may have tables of its own.
    if "tables" in metafunc.fixturenames and not hasattr(metafunc.module, "tables"):
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        stores = ("memory",) if "in_memory" in marks and "pattern" not in marks else STORES
        metafunc.parametrize("tables", stores, indirect=True)


@dataclass(frozen=True)
class Tables:
    """The two tables in an account of their own: nothing else is in it, and no function listens."""

    facts: str
    books: str
    client: Any

    def items(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table, in DynamoDB's own form."""
        found: list[dict[str, Any]] = []
        for page in self.client.get_paginator("scan").paginate(TableName=table):
            found += page["Items"]
        return found


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Both tables, empty: on the local cloud, in an account of this test's own, and in this process."""
    if request.param == "cloud":
        yield request.getfixturevalue("cloud_tables")
        return
    with in_memory() as client:
        for table, index in (("facts", False), ("books", True)):
            create_table(client, table, index)
        yield Tables("facts", "books", client)


@pytest.fixture
def cloud_tables(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    """Both tables on the local cloud, in an account of this test's own."""
    suffix = secrets.token_hex(6)
    environment = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": str(secrets.randbelow(9 * 10**11) + 10**11),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.Session().client("dynamodb")
    facts, books = f"facts-{suffix}", f"books-{suffix}"
    for table, index in ((facts, False), (books, True)):
        create_table(client, table, index)
    yield Tables(facts, books, client)
    for table in (facts, books):
        client.delete_table(TableName=table)


@contextmanager
def in_memory() -> Iterator[Any]:
    """The client of a DynamoDB in this process; every connection of ours speaks to it meanwhile."""
    memory = Memory()
    with served_by(memory.client):
        yield memory.client


def create_table(client: Any, table: str, index: bool) -> None:
    """A table with the keys of ours; `tests/architecture` holds the template to the same."""
    names = [keys.PK, keys.SK] + ([keys.OWNER_PK, keys.OWNER_SK] if index else [])
    more: dict[str, Any] = {}
    if index:
        more["GlobalSecondaryIndexes"] = [
            {
                "IndexName": keys.BY_OWNER,
                "KeySchema": [
                    {"AttributeName": keys.OWNER_PK, "KeyType": "HASH"},
                    {"AttributeName": keys.OWNER_SK, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ]
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": keys.PK, "KeyType": "HASH"},
            {"AttributeName": keys.SK, "KeyType": "RANGE"},
        ],
        **more,
    )
