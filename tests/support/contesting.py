"""Partners who compete, in a brand on the deployed stack: contests, their executions, and the people around them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.configuration import Member, Role
from introducer.domain.contest import Contest, ContestStatus, Division, Metric, Prize, PrizeKind
from introducer.domain.contest_waits import execution_name
from introducer.domain.events import day_of
from introducer.domain.mail import Mail
from introducer.gateways.contest_archive import ContestArchive
from introducer.gateways.workflows import Execution, Workflows, answer
from introducer.services.approve_contest import approve_contest
from introducer.services.contest_books import ContestBooks
from introducer.services.draft_contest import draft_contest
from tests.support.builders import revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339

DEAL = terms(revshare("50"), net_revenue={"commission": "1"}, days=10)
LOOKS = ("Wait for the engine", "Wait with the prizes")
"""States in which an execution looks again soon."""
UNTOLD = ("How far is it?", "Look at the engine", "Has it applied all?", "Wait for the engine")
PRIZES = (
    Prize(kind=PrizeKind.FIXED, first=1, last=1, amount=500_00),
    Prize(kind=PrizeKind.FIXED, first=2, last=2, amount=200_00),
    Prize(kind=PrizeKind.GIFT, first=1, last=1, gift="A weekend in Lisbon"),
)


@dataclass
class Contesting:
    """Use within `the_stacks_account`."""

    world: Scenario

    def __post_init__(self) -> None:
        outputs = self.world.stack.outputs
        self.books = ContestBooks.of(
            outputs["FactsTableName"], outputs["BooksTableName"], elapsed=time.monotonic,
            today=lambda: day_of(self.now),
        )  # fmt: skip
        self.states = self.world.stack.client("stepfunctions")
        self.machine = outputs["ContestCloseMachineArn"]
        self.workflows = Workflows(self.states, self.machine)
        self.archive = ContestArchive(self.world.stack.client("s3"), outputs["ContestArchiveBucketName"])
        self.manager = self.member("manager", Role.MANAGER)
        self.finance = self.member("finance", Role.FINANCE)
        self.links: dict[str, str] = {}

    @property
    def now(self) -> datetime:
        return self.world.stack.clock.now()

    def advance(self, **given: float) -> None:
        self.world.stack.clock.advance(timedelta(**given).total_seconds())

    def passes(self, moment: datetime) -> None:
        """The stage's clock is a moment after this one."""
        self.world.stack.clock.set_to(moment + timedelta(seconds=1))

    # ------------------------------------------------------------------------------------------------ what people do

    def partner(self, name: str) -> str:
        partner, self.links[partner] = self.world.a_partner(DEAL, name)
        return partner

    def pays_in(self, partner: str, *amounts: str) -> list[str]:
        """For each amount a new client of the partner pays that in for the first time, now; their names."""
        clients = []
        for amount in amounts:
            client = f"c-{secrets.token_hex(5)}"
            click = self.world.click_id_of(self.world.clicks(self.links[partner]))
            given = {"client_id": client, "occurred_at": rfc3339(self.now + timedelta(seconds=1))}
            answered = self.world.posts(
                given | {"event_id": "r", "type": "registration", "click_id": click, "country": "DE"},
                given | {"event_id": "d", "type": "deposit", "amount": amount, "currency": "EUR"},
            )
            assert answered.status_code == 202, answered.text
            clients.append(client)
        for client in clients:
            self.world.applied(client, 2)
        return clients

    def late(self, client: str, amount: str, at: datetime) -> None:
        """A deposit of a known client that the platform tells of only now."""
        answered = self.world.posts(
            {"client_id": client, "event_id": f"late-{secrets.token_hex(3)}", "type": "deposit", "amount": amount,
             "currency": "EUR", "occurred_at": rfc3339(at)}
        )  # fmt: skip
        assert answered.status_code == 202, answered.text

    def start(self, name: str, given: Mapping[str, str]) -> str:
        return self.workflows.start(name, given).name

    def wake(self, token: str, output: Mapping[str, Any]) -> bool:
        return answer(self.states, token, output)

    def approved(self, **settings: Any) -> Contest:
        """A contest that starts in a quarter of an hour, planned and approved; its execution waits for the start."""
        given: dict[str, Any] = {
            "contest": "", "brand": self.world.brand, "name": "Winter race", "weights": ((Metric.DEPOSITS, 1_000),),
            "currency": "EUR", "time_zone": "Europe/Warsaw", "starts_at": self.now + timedelta(minutes=15),
            "ends_at": self.now + timedelta(days=3), "grace_hours": 1, "objection_hours": 24, "opt_in": False,
            "divisions": (Division(name="", prizes=PRIZES),), "drafted_by": "", "drafted_at": self.now,
        }  # fmt: skip
        draft = draft_contest(self.books, member=self.manager, draft=Contest(**given | settings), now=self.now)
        approve_contest(
            self.books, self.start, member=self.finance, contest=draft.contest, version=draft.version, now=self.now
        )
        return self.waits(draft, ContestStatus.PLANNED)

    def running(self, **settings: Any) -> Contest:
        """The same, and it runs."""
        contest = self.approved(**settings)
        self.passes(contest.starts_at)
        return self.waits(contest, ContestStatus.RUNNING)

    def counted(self, contest: Contest) -> Contest:
        """The contest with its provisional result, once its time is over."""
        self.passes(contest.counts_until)
        return self.waits(contest, ContestStatus.PROVISIONAL)

    # ------------------------------------------------------------------------------------------------- what is there

    def contest(self, contest: Contest) -> Contest:
        """As it stands now."""
        return self.books.contests.contest(contest.contest)

    def balance(self, partner: str) -> int:
        """What a partner has in euros, in all buckets."""
        amounts = self.world.ledger.balance(partner).amounts
        return sum(amount for (currency, _, _), amount in amounts.items() if currency == "EUR")

    def waits(self, contest: Contest, status: ContestStatus) -> Contest:
        """The contest, once its execution waits in this status, with another token than this one has."""
        found: Contest = self.goes_on(
            contest, f"{status.value} contest that waits",
            lambda: (c := self.contest(contest)).token not in ("", contest.token) and c.status is status and c,
        )  # fmt: skip
        return found

    def ended(self, contest: Contest, run: str = "") -> Execution:
        """The last execution of the contest, when it has ended."""
        name = execution_name(self.contest(contest)) + run
        found: Execution = self.goes_on(
            contest, f"end of {name}", lambda: (e := self.workflows.latest(name)) and not e.is_running and e
        )
        return found

    def goes_on(self, contest: Contest, what: str, found: Callable[[], Any]) -> Any:
        """What comes when the engine has followed: it is looked again as soon as the clock says so."""

        def looked() -> Any:
            if answer := found():
                return answer
            latest = self.workflows.latest(execution_name(self.contest(contest)))
            if latest is not None and latest.is_running and self.told(latest.name)[-1] in LOOKS:
                self.advance(minutes=1)
            return None

        return eventually(what, looked)

    def told(self, name: str) -> list[str]:
        """The states that an execution has entered, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self.events(name))
        return [details["name"] for details in entered if details]

    def story(self, contest: Contest, run: str = "") -> list[str]:
        """The same, without how often the engine was looked at: that the machine's speed decides."""
        name = execution_name(self.contest(contest)) + run
        return [each for each in self.told(name) if each not in UNTOLD]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The history of an execution."""
        arn = self.machine.replace(":stateMachine:", ":execution:") + f":{name}"
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def mailed(self, of: str) -> list[Mail]:
        """What was written about contests to a partner, or to the brand's staff, the oldest first."""
        mails = reversed(self.books.mails.mails(of))
        return [mail for mail in mails if mail.template.value.startswith("contest_")]

    def member(self, name: str, role: Role, partner: str | None = None) -> Member:
        return Member(
            member=f"mem_{name}", brand=self.world.brand, partner=partner, role=role, name=name.title(), language="en"
        )
