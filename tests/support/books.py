"""An empty BOOKS table for each test of a module, cheaply: one account and one client of each service per module.

Making an AWS client costs more than a test. The table is made anew under the same name, so the product's own connection
stays as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import pytest

from introducer_ops.localcloud import LocalCloud
from tests.conftest import create_table

Clients = Callable[[str], Any]
"""The client of a service, by its name."""


@contextmanager
def account(cloud: LocalCloud) -> Iterator[Clients]:
    """An account of its own on the local cloud, for as long as this lasts; the environment points at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", str(secrets.randbelow(9 * 10**11) + 10**11))
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield cache(boto3.Session().client)


@contextmanager
def empty_books(clients: Clients, name: str) -> Iterator[str]:
    """BOOKS with nothing in it; gone afterwards."""
    create_table(clients("dynamodb"), name, index=True)
    yield name
    clients("dynamodb").delete_table(TableName=name)
