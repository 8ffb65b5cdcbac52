"""All stores of a process speak to DynamoDB through one client."""

from __future__ import annotations

import pytest

from introducer.store.wire import connect


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_ACCESS_KEY_ID", "one"), ("AWS_SECRET_ACCESS_KEY", "local"), ("AWS_REGION", "eu-west-1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


def test_connections_share_a_client() -> None:
    books, facts = connect("books", region="eu-west-1"), connect("facts", "books", region="eu-west-1")

    assert books is not facts
    assert books.client is facts.client
    assert books.client is books.client


@pytest.mark.parametrize(("name", "value"), [("AWS_ACCESS_KEY_ID", "two"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:10")])
def test_another_account_or_place_gets_another_client(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    before = connect("books", region="eu-west-1").client

    monkeypatch.setenv(name, value)

    assert connect("books", region="eu-west-1").client is not before


def test_another_region_gets_another_client() -> None:
    assert connect("books", region="eu-west-1").client is not connect("books", region="us-east-1").client
