"""Partners who can be paid, in a brand on the deployed stack: verified, with terms, money and a payment profile."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Change, Member, Partner, Role
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import Batch, BatchStatus, Payout, Run, RunStatus
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.domain.verification import VerificationStatus
from introducer.gateways.vault import Vault
from introducer.gateways.workflows import Execution, Workflows, answer
from introducer.services.change_payment_profile import change_payment_profile
from introducer.services.confirm_run import confirm_batch
from introducer.services.decide_run import decide_run
from introducer.services.read_contracts import ECB
from introducer.services.set_payout_schedule import set_payout_schedule
from introducer.services.start_run import Started, start_run
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.verifications import Verifications
from tests.support.builders import revshare, terms
from tests.support.closing import a_journal, post
from tests.support.scenario import AUTHOR, Scenario, eventually

SHARE = terms(revshare("50"), net_revenue={"commission": "1"})
IBANS = ("DE89370400440532013000", "NL91ABNA0417164300")
"""Published examples."""
RATES = {"USD": "1.1600", "PLN": "4.2500"}
SCHEDULE = "monthly"


@dataclass
class Paying:
    """Use within `the_stacks_account`."""

    world: Scenario

    def __post_init__(self) -> None:
        books = self.world.stack.outputs["BooksTableName"]
        self.payouts, self.schedules = Payouts(books), PayoutSchedules(books)
        self.profiles, self.verifications = PaymentProfiles(books), Verifications(books)
        self.maker, self.checker = self._member("maker"), self._member("checker")
        self.states = self.world.stack.client("stepfunctions")
        self.workflows = Workflows(self.states, self.world.stack.outputs["PayoutRunMachineArn"])

    @property
    def now(self) -> datetime:
        return self.world.stack.clock.now()

    @property
    def month(self) -> str:
        """The last month that has ended."""
        return plus_months(self.now.strftime("%Y-%m"), -1)

    def ready(self, **settings: Any) -> PayoutSchedule:
        """The brand's schedule, and rates up to yesterday."""
        self._rates()
        wanted: dict[str, Any] = {"cadence": Cadence.MONTHLY, "time_zone": "UTC", "cool_off_days": 0} | settings
        schedule = PayoutSchedule(brand=self.world.brand, schedule=SCHEDULE, **wanted)
        return set_payout_schedule(self.schedules, schedule, author=AUTHOR, clock=lambda: self.now)

    def payee(
        self, amount: int, rail: RailKind = RailKind.MANUAL, pays: str = "EUR", name: str = "Amberfield Media",
        currency: str = "EUR", **said: str,
    ) -> str:  # fmt: skip
        """A partner to whom an amount (minor units) of the last month is owed."""
        partner, _ = self.world.a_partner(SHARE, name)
        tables = SimpleNamespace(
            facts=self.world.stack.outputs["FactsTableName"], books=self.world.stack.outputs["BooksTableName"]
        )
        post(tables, a_journal(amount, self.month, partner=partner, currency=currency))  # type: ignore[arg-type]
        self.verified(partner)
        default: Mapping[str, str] = {
            RailKind.SEPA: {"iban": IBANS[0]}, RailKind.PAYPAL: {"email": f"{partner}@example.com"},
            # Each to an account of its own: partners who are paid to one are looked at.
            RailKind.MANUAL: {"instructions": f"Account 12345678 {partner} at Example Bank"},
        }[rail]  # fmt: skip
        self.paid_to(partner, Destination(rail=rail, currency=pays, holder=name, country="DE", **{**default, **said}))
        return partner

    def paid_to(self, partner: str, destination: Destination) -> None:
        """The partner says where it is paid."""
        found: Partner = self.world.configuration.partner(partner)
        before = self.profiles.of_partner(partner)
        change_payment_profile(
            self.profiles, self.vault, member=self._member("owner", Role.OWNER, partner), partner=found,
            version=before.version if before else 0, destination=destination, cool_off_days=0,
            brand_key=b"a brand's key", clock=lambda: self.now - timedelta(hours=1),
        )  # fmt: skip

    @property
    def vault(self) -> Vault:
        key = self.world.stack.outputs["PaymentKeyArn"]
        return Vault(self.world.stack.client("kms"), key, random=secrets.token_bytes)

    def pays_from(self, **accounts: Mapping[str, str]) -> None:
        """The accounts that the brand pays from: `sepa=…`, `paypal=…`."""
        self.world.stack.client("secretsmanager").create_secret(
            Name=self.world.stack.outputs["RailsSecretPrefix"] + self.world.brand, SecretString=json.dumps(accounts)
        )

    # ------------------------------------------------------------------------------------------------ what people do

    def start(self) -> Started:
        """The maker starts the run of the last month."""
        return start_run(
            self.schedules, self.workflows, member=self.maker, schedule=SCHEDULE, why="The month is over", now=self.now
        )

    def decide(self, run: str, approve: bool, why: str = "Looked at all of it") -> Run:
        """The checker decides a run that waits."""
        waiting = self.waits(run)
        return decide_run(
            self.payouts, self.profiles, lambda token, output: answer(self.states, token, output),
            member=self.checker, run=run, version=waiting.version, approve=approve, why=why, now=self.now,
        )  # fmt: skip

    def confirm(self, run: str) -> int:
        """The checker says that all lists were paid."""
        return sum(
            confirm_batch(
                self.payouts, member=self.checker, run=run, batch=batch.batch, why="Paid by hand", now=self.now
            )
            for batch in self.payouts.batches(self.world.brand, run)
        )

    # ------------------------------------------------------------------------------------------------- what is there

    def run(self, run: str) -> Run:
        return self.payouts.run(self.world.brand, run)

    def of_run(self, run: str) -> dict[str, Payout]:
        """The payouts of a run, by partner."""
        return {each.partner: each for each in self.payouts.all_of_run(self.world.brand, run)}

    def waits(self, run: str) -> Run:
        """The run, once it waits for approval."""
        found: Run = eventually(
            "run that waits",
            lambda: self.started(run) and (r := self.run(run)).status is RunStatus.WAITING and r.token and r,
        )
        return found

    def started(self, run: str) -> bool:
        return any(each.run == run for each in self.payouts.runs(self.world.brand).items)

    def sent(self, run: str) -> list[Batch]:
        """Its batches, once all are handed over and the run waits to hear."""

        def batches() -> list[Batch] | None:
            found = self.payouts.batches(self.world.brand, run)
            over = all(each.status not in (BatchStatus.OPEN, BatchStatus.SEALED) for each in found)
            return found if found and over and self.run(run).status is RunStatus.CONFIRMING else None

        sent: list[Batch] = eventually("sent batches", batches)
        return sent

    def ended(self, name: str) -> Execution:
        """The last execution of this name, when it has ended."""
        found: Execution = eventually(
            f"end of {name}", lambda: (e := self.workflows.latest(name)) and not e.is_running and e
        )
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        """The history of an execution."""
        arn = self.world.stack.outputs["PayoutRunMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def told(self, name: str) -> list[str]:
        """The states that an execution has entered, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self.events(name))
        return [details["name"] for details in entered if details]

    # --------------------------------------------------------------------------------------------------------- parts

    def _member(self, name: str, role: Role = Role.FINANCE, partner: str | None = None) -> Member:
        return Member(
            member=f"mem_{name}", brand=self.world.brand, partner=partner, role=role, name=name.title(), language="en"
        )

    def verified(self, partner: str) -> None:
        before = self.verifications.of_partner(partner, self.world.brand)
        approved = replace(before, status=VerificationStatus.APPROVED, version=1, approved_at=self.world.today)
        change = Change(by="mem_compliance", at=self.world.today, why="Looked at", origin="test")
        self.verifications.move("decide_verification", before, approved, change)

    def _rates(self) -> None:
        store = RateStore(self.world.stack.outputs["BooksTableName"])
        through = (self.now - timedelta(days=1)).date()
        first = through - timedelta(days=3)
        last = store.completed_through(ECB)
        if last is not None:
            first = min(first, datetime.fromisoformat(last).date() + timedelta(days=1))
        days = ((first + timedelta(days=n)).isoformat() for n in range((through - first).days + 1))
        self.world.rates(dict.fromkeys(days, RATES), first.isoformat(), through.isoformat())
