"""A broadcast through the real template: the state machine, its function, the outbox, and mails in inboxes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.broadcast import Broadcast, BroadcastStatus, execution_input, execution_name
from introducer.domain.configuration import Member, PartnerKind, Role
from introducer.domain.mail_text import MailText, Words
from introducer.domain.segment import segment_of
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.decide_broadcast import stop_broadcast, submit_broadcast
from introducer.services.draft_broadcast import Draft, draft_broadcast
from introducer.services.read_broadcasts import read_report
from introducer.services.register_partner import register_partner
from introducer_ops.localcloud import Stack
from tests.support.scenario import AUTHOR, Scenario, by_mail, eventually, the_stacks_account, tomorrow

pytestmark = pytest.mark.cloud

ALL = segment_of("all", [{"field": "kind", "operator": "is", "value": "ib"}])


class Sending:
    """A brand on the stack, with introducing brokers to write to. Use within `the_stacks_account`."""

    def __init__(self, world: Scenario) -> None:
        self.world, self.stack = world, world.stack
        self.books = BroadcastBooks.of(self.stack.outputs["BooksTableName"])
        self.states = self.stack.client("stepfunctions")
        self.machine = self.stack.outputs["BroadcastMachineArn"]
        self.workflows = Workflows(self.states, self.machine)
        self.member = Member(
            member="mem_manager", brand=world.brand, partner=None, role=Role.MANAGER, name="Sam", language="en"
        )
        self.mark = secrets.token_hex(4)

    def partner(self, name: str) -> str:
        partner = register_partner(
            self.world.configuration, brand=self.world.brand, name=name, kind=PartnerKind.IB, country="DE",
            language="en", currency="EUR", author=AUTHOR, clock=self.stack.clock.now, random=secrets.token_bytes,
        ).partner  # fmt: skip
        self.world.a_login(partner, Role.OWNER)
        return partner

    def submits(self, **other: Any) -> Broadcast:
        now = self.stack.clock.now()
        text = MailText({"en": Words(f"News {self.mark} for {{partner}}", ("You brought {ftd_30}.",))})
        draft = Draft(**{"name": "November news", "text": text, "segment": ALL} | other)
        made = draft_broadcast(self.books, member=self.member, draft=draft, now=now)
        return submit_broadcast(
            self.books, self.starts, member=self.member, broadcast=made.broadcast, version=made.version, now=now,
        )  # fmt: skip

    def starts(self, name: str, given: Mapping[str, str]) -> str:
        return self.workflows.start(name, given).name

    def ended(self, broadcast: Broadcast, name: str = "") -> Execution:
        wanted = name or execution_name(broadcast)
        found: Execution = eventually("end", lambda: (e := self.workflows.latest(wanted)) and not e.is_running and e)
        return found

    def story(self, broadcast: Broadcast) -> list[str]:
        """The states that the execution has entered, in order."""
        arn = f"{self.machine.replace(':stateMachine:', ':execution:')}:{execution_name(broadcast)}"
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        entered = (event.get("stateEnteredEventDetails") for page in pages for event in page["events"])
        return [details["name"] for details in entered if details]


@pytest.fixture
def sending(stack: Stack) -> Iterator[Sending]:
    """The stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            # In the morning nobody sleeps.
            stack.clock.set_to(tomorrow(stack.clock.now()) + timedelta(hours=9))
            yield Sending(Scenario(stack, stack.clock.now() - timedelta(days=3)))
        finally:
            stack.clock.set(before)


def test_a_broadcast_waits_for_its_moment_and_reaches_every_owner_once(sending: Sending) -> None:
    # given three partners, and a broadcast that is to go in two hours
    partners = [sending.partner(name) for name in ("Amberfield", "Bluewater", "Copperhill")]
    broadcast = sending.submits(send_at=sending.stack.clock.now() + timedelta(hours=2))
    assert broadcast.status is BroadcastStatus.SCHEDULED
    eventually("wait", lambda: sending.story(broadcast)[-1:] == ["Wait for its moment"])

    # when its moment comes
    sending.stack.clock.advance(7_201)
    ended = sending.ended(broadcast)

    # then everybody has one mail, and the execution reads like a story in which nobody is named
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output is not None
    assert (ended.output["status"], ended.output["handed_over"]) == ("done", 3)
    assert sending.story(broadcast) == [
        "Look at the broadcast", "How far is it?", "Wait for its moment", "Look at the broadcast", "How far is it?",
        "Freeze the recipients", "How far is it?", "Hand over for a while", "How far is it?", "Everybody has it",
    ]  # fmt: skip
    done = sending.books.broadcasts.broadcast(broadcast.broadcast)
    mails = {partner: [mail.series for mail in sending.books.mails.mails(partner)] for partner in partners}
    assert [series.count(broadcast.series) for series in mails.values()] == [1, 1, 1]
    by_mail(sending.stack, "mails in inboxes", lambda: read_report(sending.books, done).sent == 3)

    # and starting it again is harmless
    again = sending.workflows.start(f"{execution_name(broadcast)}-by-hand", execution_input(broadcast))
    assert sending.ended(broadcast, again.name).status == "SUCCEEDED"
    assert {each: [mail.series for mail in sending.books.mails.mails(each)] for each in partners} == mails


def test_one_that_is_stopped_before_its_moment_reaches_nobody(sending: Sending) -> None:
    partner = sending.partner("Amberfield")
    broadcast = sending.submits(send_at=sending.stack.clock.now() + timedelta(hours=2))
    eventually("wait", lambda: sending.story(broadcast)[-1:] == ["Wait for its moment"])
    stop_broadcast(
        sending.books, sending.starts, member=sending.member, broadcast=broadcast.broadcast, why="not needed",
        now=sending.stack.clock.now(),
    )  # fmt: skip
    sending.stack.clock.advance(7_201)
    ended = sending.ended(broadcast)
    assert (ended.status, ended.output and ended.output["why"]) == ("SUCCEEDED", "not needed")
    assert [mail for mail in sending.books.mails.mails(partner) if mail.series == broadcast.series] == []
