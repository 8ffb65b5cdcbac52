"""Partners with clients who earn, in a brand on the deployed stack, and cases about them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.case import Case, CaseStatus, execution_name
from introducer.domain.configuration import Member, Role
from introducer.domain.events import day_of
from introducer.domain.mail import Mail
from introducer.gateways.workflows import Execution, Workflows, answer
from introducer.services.appeal_case import appeal_case
from introducer.services.case_books import CaseBooks
from introducer.services.decide_case import decide_appeal, decide_case
from introducer.services.open_case import open_case_by_hand, start_execution
from introducer.services.read_contracts import ContractReader
from introducer.store.cases import Cases
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.holds import Holds
from introducer.store.ledger import Ledger
from introducer.store.mails import Mails
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.scorings import Scorings
from introducer.store.settlements import Settlements
from tests.support.builders import revshare, terms
from tests.support.scenario import Scenario, eventually, rfc3339

SHARE = terms(revshare("50"), net_revenue={"commission": "1"}, days=10)
"""Half of the commission, which becomes available ten days after the month."""
LOOKS = ("Wait for the engine", "Wait for the payout")
"""States in which an execution looks again soon."""


@dataclass
class Casing:
    """Use within `the_stacks_account`."""

    world: Scenario

    def __post_init__(self) -> None:
        facts, table = self.world.stack.outputs["FactsTableName"], self.world.stack.outputs["BooksTableName"]
        configuration = Configuration(table)
        self.books = CaseBooks(
            configuration=configuration, cases=Cases(table), scorings=Scorings(table), ledger=Ledger(table),
            clients=Clients(table), payouts=Payouts(table), settlements=Settlements(table), holds=Holds(table),
            facts=Facts(facts),
            contracts=ContractReader(
                configuration, RateStore(table), dict, time.monotonic, lambda: day_of(self.now)
            ),
        )  # fmt: skip
        self.mails = Mails(table)
        self.states = self.world.stack.client("stepfunctions")
        self.machine = self.world.stack.outputs["FraudCaseMachineArn"]
        self.workflows = Workflows(self.states, self.machine)
        self.manager = self._member("manager", Role.MANAGER)
        self.compliance = self._member("compliance", Role.COMPLIANCE)

    @property
    def now(self) -> datetime:
        return self.world.stack.clock.now()

    def partner(self, **commissions: str) -> tuple[str, dict[str, str]]:
        """A partner whose clients, by names of the test, paid these commissions (such as `"200.00"`); and
        by those names how the books call them."""
        partner, code = self.world.a_partner(SHARE)
        clients = {name: f"{name}-{secrets.token_hex(4)}" for name in commissions}
        for name, client in clients.items():
            click = self.world.click_id_of(self.world.clicks(code))
            registered = rfc3339(self.now + timedelta(seconds=1))
            given = {"client_id": client, "occurred_at": registered}
            trade = {"account": "1", "currency": "EUR", "lots": "1", "symbol": "EURUSD", "opened_at": registered,
                     "closed_at": registered, "spread": "0", "swap": "0", "pnl": "0"}  # fmt: skip
            answer = self.world.posts(
                given | {"event_id": "r", "type": "registration", "click_id": click, "country": "DE"},
                given | trade | {"event_id": "t", "type": "trade", "commission": commissions[name]},
            )
            assert answer.status_code == 202, answer.text
        for client in clients.values():
            self.world.applied(client, 2)
        return partner, {name: self.world.client_key(client) for name, client in clients.items()}

    # ------------------------------------------------------------------------------------------------ what people do

    def start(self, name: str, given: Mapping[str, str]) -> str:
        return self.workflows.start(name, given).name

    def wake(self, token: str, output: Mapping[str, str]) -> bool:
        return answer(self.states, token, output)

    def opens(self, partner: str, *clients: str, **given: Any) -> Case:
        """The manager opens a case about these clients."""
        case = open_case_by_hand(
            self.books, given.get("start", self.start), member=self.manager, partner=partner, clients=clients,
            why="They resemble each other", now=self.now,
        )  # fmt: skip
        # Its execution may have asked already: then too it is still to be waited for.
        return replace(case, token="")

    def starts(self, case: Case) -> Case:
        """What the daily sweep does."""
        return start_execution(self.books, self.start, self.case(case))

    def decides(self, case: Case, *, disallow: bool, wake: Callable[..., bool] | None = None, **given: Any) -> Case:
        """The manager decides."""
        found = self.case(case)
        return decide_case(
            self.books, wake or self.wake, member=self.manager, partner=found.partner, case=found.case,
            version=found.version, disallow=disallow, code="fake_registrations" if disallow else "", now=self.now,
            **{"why": "Looked at all of it", **given},
        )  # fmt: skip

    def appeals(self, case: Case, why: str = "They came to our stand") -> Case:
        owner = self._member("owner", Role.OWNER, case.partner)
        return appeal_case(
            self.books, self.wake, member=owner, partner=case.partner, case=case.case, why=why, now=self.now
        )

    def decides_appeal(self, case: Case, *, uphold: bool) -> Case:
        """Compliance decides the appeal."""
        found = self.case(case)
        return decide_appeal(
            self.books, self.wake, member=self.compliance, partner=found.partner, case=found.case,
            version=found.version, uphold=uphold, why="Looked at it again", now=self.now,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------- what is there

    def case(self, case: Case) -> Case:
        """As it stands now."""
        return self.books.cases.case(case.partner, case.case)

    def balance(self, partner: str) -> dict[str, int]:
        """What a partner has in euros, by bucket."""
        found: dict[str, int] = {}
        for (currency, bucket, _), amount in self.world.ledger.balance(partner).amounts.items():
            if currency == "EUR":
                found[bucket] = found.get(bucket, 0) + amount
        return {bucket: amount for bucket, amount in found.items() if amount}

    def waits(self, case: Case, status: CaseStatus = CaseStatus.OPEN) -> Case:
        """The case, once its execution waits for people again, with another token than this one has."""
        found: Case = self.goes_on(
            case, f"{status.value} case that waits",
            lambda: (c := self.case(case)).token not in ("", case.token) and c.status is status and c,
        )  # fmt: skip
        return found

    def ended(self, case: Case) -> Execution:
        """The last execution of the case, when it has ended."""
        name = execution_name(case)
        found: Execution = self.goes_on(
            case, f"end of {name}", lambda: (e := self.workflows.latest(name)) and not e.is_running and e
        )
        return found

    def goes_on(self, case: Case, what: str, found: Callable[[], Any]) -> Any:
        """What comes when the engine has followed: it is looked again as soon as the clock says so."""

        def looked() -> Any:
            if answer := found():
                return answer
            latest = self.workflows.latest(execution_name(case))
            if latest is not None and latest.is_running and self.told(latest.name)[-1] in LOOKS:
                self.world.stack.clock.advance(60)
            return None

        return eventually(what, looked)

    def told(self, name: str) -> list[str]:
        """The states that an execution has entered, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self.events(name))
        return [details["name"] for details in entered if details]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The history of an execution."""
        arn = self.machine.replace(":stateMachine:", ":execution:") + f":{name}"
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def mailed(self, of: str) -> list[Mail]:
        """What was written to a partner, or to the brand's staff, the oldest first."""
        return [mail for mail in reversed(self.mails.mails(of)) if mail.template.value.startswith("case_")]

    def _member(self, name: str, role: Role, partner: str | None = None) -> Member:
        return Member(
            member=f"mem_{name}", brand=self.world.brand, partner=partner, role=role, name=name.title(), language="en"
        )
