"""The portal's world with a closed March, and somebody of finance in it; Step Functions as its pages see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3 import client as aws

from introducer.domain.configuration import Role
from introducer.gateways.user_pool import UserPool
from introducer.gateways.workflows import Execution
from introducer.services.close_month import SCHEDULE, Progress, begin_close, close_partners, finish_close
from introducer.services.invite_member import invite_member
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, BEGAN, NOW, PASSWORD, Portal, a_portal

FINANCE = "finance@broker.example"
MARCH, APRIL = "2026-03", "2026-04"


class Executions:
    """Step Functions as a page sees it: what was started, and how it goes."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}
        self.status: dict[str, Execution] = {}

    def start(self, name: str, given: dict[str, Any]) -> Execution:
        self.started[name] = given
        return self.status.setdefault(name, Execution(name, "RUNNING"))

    def latest(self, name: str) -> Execution | None:
        return self.status.get(name)


@contextmanager
def a_portal_with_a_closed_month(cloud: LocalCloud) -> Iterator[Portal]:
    """March is closed on schedule; January and February are open, and April is not over."""
    with a_portal(cloud) as world:
        cognito = aws("cognito-idp")
        cognito.create_group(UserPoolId=world.pool_id, GroupName="finance")
        invite_member(
            world.configuration, UserPool(cognito, world.pool_id), brand=world.brand, partner=None, role=Role.FINANCE,
            email=FINANCE, name="Ines Duarte", language="en", password=PASSWORD, author=AUTHOR, clock=lambda: BEGAN,
        )  # fmt: skip
        books = world.wiring
        begin_close(world.configuration, brand=world.brand, month=MARCH, author=SCHEDULE, now=NOW)
        progress = Progress()
        while progress.more:
            progress = close_partners(
                world.configuration, world.ledger, books.statements, brand=world.brand, month=MARCH, so_far=progress,
                now=NOW,
            )  # fmt: skip
        finish_close(world.configuration, brand=world.brand, month=MARCH, progress=progress, author=SCHEDULE, now=NOW)
        yield world
