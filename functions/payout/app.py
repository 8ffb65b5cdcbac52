"""Payout: the steps of `payout_run`, which move money."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import steps

from introducer.gateways import secrets, vault, workflows
from introducer.gateways.rails import files
from introducer.gateways.rails.accounts import rails_of
from introducer.runtime.clock import clock
from introducer.runtime.kinds import by_kind
from introducer.runtime.settings import settings
from introducer.services.reserve_run import Books
from introducer.services.send_run import Sending
from introducer.store.configuration import Configuration
from introducer.store.invoices import Invoices
from introducer.store.ledger import Ledger
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.rates import RateStore
from introducer.store.verifications import Verifications

SECONDS_FOR_ONE_MORE = 300
"""A step that has less time left begins no further batch."""
MET = frozenset({"books_changed", "run_changed", "batch_changed"})
"""Codes of a `Conflict` that only says that somebody else was quicker: the step is tried again."""


@cache
def books() -> Books:
    """The books of this container."""
    table = settings.books_table
    return Books(
        configuration=Configuration(table),
        ledger=Ledger(table),
        payouts=Payouts(table),
        schedules=PayoutSchedules(table),
        profiles=PaymentProfiles(table),
        verifications=Verifications(table),
        rates=RateStore(table),
    )


@cache
def payment_vault() -> vault.Vault:
    """The key of payment profiles."""
    return vault.Vault(vault.new_client(), settings.payment_key, random=os.urandom)


@cache
def accounts() -> tuple[secrets.Secrets, files.SentFiles]:
    """Which accounts brands pay from, and where files for banks go."""
    import boto3  # costs a quarter of a second: only the steps that send pay it

    client = boto3.client("secretsmanager", config=secrets.CONFIG)
    sent_files = files.SentFiles(files.new_client(), settings.sent_files_bucket, settings.sent_files_key)
    return secrets.Secrets(client, elapsed=clock.elapsed), sent_files


def sending(brand: str) -> Sending:
    """What only the steps need that send: payment profiles in clear, and the rails of a brand."""
    known, sent_files = accounts()
    name = books().configuration.brand(brand).name
    return Sending(
        configuration=books().configuration,
        ledger=books().ledger,
        payouts=books().payouts,
        profiles=books().profiles,
        vault=payment_vault(),
        rails=rails_of(
            brand, f"{name}: partner payout", known, settings.rails_secret_prefix, sent_files, settings.paypal_url,
            clock.elapsed,
        ),
    )  # fmt: skip


@cache
def invoices() -> Invoices:
    return Invoices(settings.books_table)


@cache
def step_functions() -> Any:
    """The client of this container."""
    return workflows.new_client()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One step → what the state machine keeps of it. `given` is the execution's own input, or the run and a part."""

    def enough() -> bool:
        return bool(context.get_remaining_time_in_millis() < SECONDS_FOR_ONE_MORE * 1000)

    tools = steps.Tools(
        books=books(),
        now=clock.now(),
        enough=enough,
        sending=sending,
        invoices=invoices,
        workflows=lambda: workflows.Workflows(step_functions(), event["machine"]),
        wake=lambda token, output: workflows.answer(step_functions(), token, output),
        token=event.get("token", ""),
    )
    step: Callable[..., dict[str, Any]] = steps.STEPS[event["step"]]
    with by_kind(MET):
        return step(tools, event["given"])
