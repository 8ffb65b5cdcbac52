"""The demo world pays: a run from its start by one person, over approval by another, to what bank and PayPal confirm.

All of it over HTTP: the desk's pages. What lies outside is played here: the bank that reads the SEPA file and sends its
statement, PayPal on this machine, and the person who pays from a list.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from introducer.domain.configuration import Role
from introducer.domain.ledger import PAID
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch, BatchStatus, Payout, PayoutStatus, Run, RunStatus, execution_name
from introducer.gateways.workflows import Execution, Workflows
from introducer.store.ledger import Ledger
from introducer.store.payouts import Payouts
from introducer_ops.demo.bank import statement, transfers_in
from introducer_ops.demo.building import World
from introducer_ops.demo.desk import Desk
from introducer_ops.demo.payees import SCHEDULE
from introducer_ops.demo.waiting import NotSettled
from introducer_ops.localcloud import Stack
from introducer_ops.localcloud.paypal import Paypal

_PATIENCE = 90.0
_LOOK_EVERY = 0.25
_RUNS = "/desk/runs"
_BANK_CODE = "37040044"


@dataclass(frozen=True, slots=True)
class PaidRun:
    """What a run came to."""

    run: Run
    execution: Execution
    payouts: tuple[Payout, ...]
    money_differences: int
    """Partners and currencies whose payouts and balances are not what was earned, to the minor unit."""

    @property
    def paid(self) -> list[Payout]:
        return [payout for payout in self.payouts if payout.status is PayoutStatus.PAID]


def open_accounts(stack: Stack, world: World, paypal: Paypal) -> str:
    """The accounts that the brand pays from, made for this run alone; the IBAN of the one at the bank."""
    from schwifty import IBAN

    iban = str(IBAN.generate("DE", bank_code=_BANK_CODE, account_code=str(10**9 + secrets.randbelow(10**9))))
    accounts = {
        "sepa": {"name": world.brand.name, "iban": iban, "bic": "COBADEFFXXX"},
        "paypal": {"client_id": paypal.client_id, "secret": paypal.secret},
    }
    stack.client("secretsmanager").create_secret(
        Name=stack.outputs["RailsSecretPrefix"] + world.brand.brand, SecretString=json.dumps(accounts)
    )
    return iban


def pay(stack: Stack, world: World, iban: str, say: Callable[[str], None]) -> PaidRun:
    """Finance starts the run of the week that ended last, an admin approves it, and all of it is paid. Raises
    `NotSettled` when it does not get there."""
    books, brand = stack.outputs["BooksTableName"], world.brand.brand
    payouts = Payouts(books)
    with Desk(stack, world.login(Role.FINANCE)) as finance, Desk(stack, world.login(Role.ADMIN)) as admin:
        say("reserving")
        wish = {"schedule": SCHEDULE, "why": "The week is over and its events are in"}
        name = str(finance.post(_RUNS, wish)["run"])
        _until(lambda: _stands(payouts, brand, name, RunStatus.WAITING), f"{name} does not wait for approval")
        say("approving")
        seen = admin.get(f"{_RUNS}/{name}")
        decision = {"version": seen["version"], "verdict": "approve", "why": "Compared with the week before"}
        admin.post(f"{_RUNS}/{name}/decision", decision)
        say("sending")
        batches = _until(lambda: _handed_over(payouts.batches(brand, name)), f"{name} is not sent")
        say("hearing what was paid")
        _bank_answers(stack, finance, [each for each in batches if each.rail is RailKind.SEPA], iban)
        for each in batches:
            if each.rail is RailKind.MANUAL:
                wish = {"why": "Paid from the list, each seen on the account"}
                finance.post(f"{_RUNS}/{name}/batches/{each.batch}/confirmation", wish)
        execution = _ended(stack, execution_name(brand, name))
    if execution.failed:
        raise NotSettled(f"{execution.name} ended as {execution.status}: {execution.cause}")
    made = tuple(payouts.all_of_run(brand, name))
    return PaidRun(payouts.run(brand, name), execution, made, _differences(Ledger(books), world, made))


def _bank_answers(stack: Stack, finance: Desk, batches: Sequence[Batch], iban: str) -> None:
    """The bank gets the files, and its statement of the day is handed in at the desk."""
    s3, booked = stack.client("s3"), []
    for each in batches:
        file = s3.get_object(Bucket=stack.outputs["SentFilesBucketName"], Key=each.file)["Body"].read()
        booked += transfers_in(file)
    if booked:
        why = "The bank's statement of the day"
        told = finance.post_file(
            f"{_RUNS}/bank-file", statement(booked, iban, stack.clock.now().date()), {"do": "record", "why": why}
        )
        if told["report"]["counts"].get("paid", 0) != len(booked):
            raise NotSettled(f"Not all of the bank's {len(booked)} transfers were taken: {told['report']}")


def _ended(stack: Stack, name: str) -> Execution:
    """The execution once it has ended. It looks every few minutes, then hours, what was paid: the clock moves on."""
    workflows = Workflows(stack.client("stepfunctions"), stack.outputs["PayoutRunMachineArn"])
    deadline = time.monotonic() + _PATIENCE
    while (found := workflows.latest(name)) is None or found.is_running:
        if time.monotonic() > deadline:
            raise NotSettled(f"After {_PATIENCE:.0f} seconds {name} still runs.")
        stack.clock.advance(timedelta(minutes=5).total_seconds())
        time.sleep(_LOOK_EVERY)
    return found


def _stands(payouts: Payouts, brand: str, name: str, status: RunStatus) -> bool:
    # The newest runs are few: the execution may not have written it down yet.
    return any(each.run == name and each.status is status for each in payouts.runs(brand).items)


def _handed_over(batches: list[Batch]) -> list[Batch]:
    """All batches, once there are some and none waits to be handed over."""
    return [] if any(each.status in (BatchStatus.OPEN, BatchStatus.SEALED) for each in batches) else batches


def _differences(ledger: Ledger, world: World, payouts: Sequence[Payout]) -> int:
    """How many partners and currencies do not add up: what was paid and what is left, against what was earned."""
    paid: Counter[tuple[str, str]] = Counter()
    for payout in payouts:
        if payout.status is PayoutStatus.PAID:
            paid[payout.partner, payout.currency] += payout.amount
    differences = 0
    for partner in world.partners:
        balance = ledger.balance(partner.partner)
        for currency in balance.currencies():
            earned = sum(amount for (each, _), amount in balance.earned.items() if each == currency)
            left = sum(
                amount for (each, bucket, _), amount in balance.amounts.items() if each == currency and bucket != PAID
            )
            differences += earned != left + paid[partner.partner, currency]
            differences += balance.amounts.get((currency, PAID, ""), 0) != paid[partner.partner, currency]
    return differences


def _until(look: Callable[[], Any], otherwise: str) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotSettled(f"After {_PATIENCE:.0f} seconds {otherwise}.")
        time.sleep(_LOOK_EVERY)
    return found
