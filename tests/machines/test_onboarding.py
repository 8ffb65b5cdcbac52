"""A new partner through the real template: registration, outbox, machine, function and mail, on the stage's clock."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Member, PartnerKind, Role
from introducer.domain.events import day_of
from introducer.domain.mail import Audience
from introducer.domain.sequence import GOAL_AFTER, ONBOARDING, End, Progress, execution_input, execution_name
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.create_link import create_link
from introducer.services.edit_sequence import edit_sequence
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.read_sequences import figures_of, sequence_of
from introducer.services.register_partner import register_partner
from introducer.store.event_counts import count_key
from introducer.store.mails import Mails
from introducer.store.wire import to_wire
from introducer_ops.localcloud import Stack
from tests.support.scenario import AUTHOR, Scenario, by_mail, eventually, the_stacks_account

pytestmark = pytest.mark.cloud

NAME = "Amberfield Media"


class Onboarding:
    """A brand on the stack that has switched its sequence on. Use within `the_stacks_account`."""

    def __init__(self, world: Scenario) -> None:
        self.world, self.stack = world, world.stack
        self.table = self.stack.outputs["BooksTableName"]
        self.books, self.mails = OnboardingBooks.of(self.table), Mails(self.table)
        self.states = self.stack.client("stepfunctions")
        self.machine = self.stack.outputs["OnboardingMachineArn"]
        self.workflows = Workflows(self.states, self.machine)
        manager = Member(
            member="mem_manager", brand=world.brand, partner=None, role=Role.MANAGER, name="Sam", language="en"
        )
        default = sequence_of(self.books, world.brand, ONBOARDING)
        self.sequence = edit_sequence(
            self.books, replace(default, on=True), member=manager, why="as agreed", now=self.stack.clock.now()
        )

    def registers(self) -> Progress:
        """A partner with an owner who can sign in."""
        partner = register_partner(
            self.world.configuration, brand=self.world.brand, name=NAME, kind=PartnerKind.AFFILIATE, country="DE",
            language="en", currency="EUR", author=AUTHOR, clock=self.stack.clock.now, random=secrets.token_bytes,
        ).partner  # fmt: skip
        self.world.a_login(partner, Role.OWNER)
        return self.books.sequences.walk(partner, ONBOARDING)

    def execution(self, state: Progress) -> Execution | None:
        return self.workflows.latest(execution_name(state, NAME))

    def ended(self, state: Progress) -> Execution:
        found: Execution = eventually("end", lambda: (e := self.execution(state)) and not e.is_running and e)
        return found

    def waits(self, state: Progress, done: int) -> None:
        """Its execution waits, with so many steps behind it."""
        eventually(
            f"wait after {done} steps",
            lambda: (
                len(self.walk(state).done) == done
                and self.execution(state)
                and self.story(state)[-1:] == ["Wait for the next step"]
            ),
        )

    def walk(self, state: Progress) -> Progress:
        return self.books.sequences.walk(state.partner, ONBOARDING)

    def passes(self, hours: float) -> None:
        self.stack.clock.advance(timedelta(hours=hours).total_seconds() + 1)

    def story(self, state: Progress) -> list[str]:
        """The states that the execution has entered, in order."""
        arn = f"{self.machine.replace(':stateMachine:', ':execution:')}:{execution_name(state, NAME)}"
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        entered = (event.get("stateEnteredEventDetails") for page in pages for event in page["events"])
        return [details["name"] for details in entered if details]

    def told(self, state: Progress, audience: Audience = Audience.OWNERS) -> list[str]:
        """Which steps were written to the partner, oldest first."""
        mails = [mail for mail in reversed(self.mails.mails(state.partner)) if mail.audience is audience]
        return [mail.series.split(":")[2] for mail in mails if mail.series.startswith("seq:")]

    def brings_a_client(self, state: Progress) -> None:
        """As the engine counts it."""
        day = day_of(self.stack.clock.now())
        item: dict[str, Any] = to_wire({**count_key(state.partner, day, "any").item(), "registrations": 1, "ftd": 1})
        self.stack.client("dynamodb").put_item(TableName=self.table, Item=item)


@pytest.fixture
def onboarding(stack: Stack) -> Iterator[Onboarding]:
    """The stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Onboarding(Scenario(stack, stack.clock.now() - timedelta(days=3)))
        finally:
            stack.clock.set(before)


def test_a_registration_starts_an_execution_that_walks_the_partner_through_all_steps(onboarding: Onboarding) -> None:
    # given a partner who was registered a moment ago
    state = onboarding.registers()
    onboarding.waits(state, 0)

    # when it takes a link after its welcome, and does nothing else
    steps = onboarding.sequence.steps
    for number, step in enumerate(steps, 1):
        onboarding.passes(step.wait_hours)
        onboarding.waits(state, number)
        if number == 1:
            create_link(
                onboarding.world.configuration, partner=state.partner, campaign=onboarding.world.campaign,
                author=AUTHOR, clock=onboarding.stack.clock.now, random=secrets.token_bytes,
            )  # fmt: skip

    # and does not reach the goal in the days after them
    onboarding.passes(GOAL_AFTER.total_seconds() / 3600)

    # then it was told what it had not done, each once, and its owner has a mail of each
    ended = onboarding.ended(state)
    assert ended.status == "SUCCEEDED", ended.cause
    wanted = ["welcome", "first_click", "payment", "still_quiet"]
    assert onboarding.told(state) == wanted
    by_mail(onboarding.stack, "mails to the owner", lambda: onboarding.told(state, Audience.MEMBER) == wanted)
    assert onboarding.walk(state).end is End.DONE

    # and its history reads like a story, in which nobody is named
    assert onboarding.story(state) == [
        "Take up the partner", "Is it over?",
        *["Wait for the next step", "Take the next step", "Is it over?"] * (len(steps) + 1), "Onboarding done",
    ]  # fmt: skip
    assert ended.output is not None
    assert ended.output["status"] == "over: done"
    assert ended.output["left_out"] == ["terms", "first_link", "first_deposit"]
    assert NAME not in json.dumps(ended.output)

    # and starting it again is harmless
    again = onboarding.workflows.start(f"{execution_name(state, NAME)}-by-hand", execution_input(state))
    by_hand = eventually("end", lambda: (e := onboarding.workflows.latest(again.name)) and not e.is_running and e)
    assert by_hand.status == "SUCCEEDED"
    assert onboarding.told(state) == wanted


def test_the_first_client_ends_it_early(onboarding: Onboarding) -> None:
    # given a partner who was welcomed
    state = onboarding.registers()
    onboarding.waits(state, 0)
    onboarding.passes(1)
    onboarding.waits(state, 1)

    # when its first client pays in before the next step
    onboarding.brings_a_client(state)
    onboarding.passes(24)

    # then nothing more is sent
    ended = onboarding.ended(state)
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output is not None and ended.output["status"] == "over: goal"
    assert onboarding.told(state) == ["welcome"]
    assert onboarding.walk(state).end is End.GOAL
    assert figures_of(onboarding.books, onboarding.sequence)["welcome"].met == 1
