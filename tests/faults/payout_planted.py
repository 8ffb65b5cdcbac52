"""Bugs planted on purpose in what sends payouts: one thing in the product is wrong while a test runs, and the schedules
must find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from pynamodb.connection import Connection

from introducer.domain.payout import Batch, Payout
from introducer.services import confirm_run
from introducer.store.payouts import Payouts
from tests.faults import payout_rails
from tests.faults.payout_rails import FakeRail
from tests.faults.planted import _kind, _without_conditions


def holds_not_looked_at_when_sending(patch: pytest.MonkeyPatch) -> None:
    """A hold that comes between looking and sending is not met."""
    _without_checks(patch, "balance")


def profiles_not_looked_at_when_sending(patch: pytest.MonkeyPatch) -> None:
    """Nor is a change of where the partner is paid."""
    _without_checks(patch, "payment_profile")


def a_new_key_each_time(patch: pytest.MonkeyPatch) -> None:
    """What got no answer is handed over again under another key."""
    send = FakeRail.send

    def renamed(self: FakeRail, batch: Batch, transfers: Any, at: datetime) -> Any:
        return send(self, replace(batch, batch=f"{batch.batch}{at:%d%H%M%S%f}"), transfers, at)

    patch.setattr(FakeRail, "send", renamed)


def tries_not_written_down(patch: pytest.MonkeyPatch) -> None:
    """That a batch is tried is not written down before it is: nobody knows how old its key is."""
    change = Payouts.change_batch

    def forgetful(self: Payouts, before: Batch, after: Batch) -> Batch:
        if after.trying_since is not None and before.trying_since != after.trying_since:
            return replace(after, version=before.version)
        return change(self, before, replace(after, first_tried_at=None))

    patch.setattr(Payouts, "change_batch", forgetful)


def keys_never_too_old(patch: pytest.MonkeyPatch) -> None:
    """A batch is handed over again when the provider has forgotten its key."""
    patch.setattr(payout_rails, "check_key", lambda batch, remembers, at: None)


def said_to_have_failed_while_it_is_tried(patch: pytest.MonkeyPatch) -> None:
    """A person's word releases the money of a payout that may still be handed over."""

    def trusting(payouts: Payouts, *, member: Any, payout: str, outcome: Any, now: datetime, **more: Any) -> Payout:
        return payouts.step(payouts.by_id(payout), outcome, now)

    patch.setattr(confirm_run, "record_outcome", trusting)


def payouts_written_without_their_version(patch: pytest.MonkeyPatch) -> None:
    """Two workers overwrite each other's step of a payout."""
    _without_conditions(patch, "payout")


def reserved_from_an_old_balance(patch: pytest.MonkeyPatch) -> None:
    """More is reserved than there is, when something was taken back meanwhile."""
    _without_conditions(patch, "balance")


BUGS: Mapping[Callable[[pytest.MonkeyPatch], None], int] = {
    holds_not_looked_at_when_sending: 114,
    profiles_not_looked_at_when_sending: 10,
    a_new_key_each_time: 4,
    tries_not_written_down: 67,
    keys_never_too_old: 67,
    said_to_have_failed_while_it_is_tried: 10,
    payouts_written_without_their_version: 23,
    reserved_from_an_old_balance: 27,
}
"""Each with the first seed that found it. Others find it as well; this saves the search."""


def _without_checks(patch: pytest.MonkeyPatch, kind: str) -> None:
    """Transactions lose what they only look at, of one kind."""
    dispatch = Connection.dispatch

    def careless(self: Connection, operation: str, arguments: dict[str, Any]) -> Any:
        if "TransactItems" in arguments:
            kept = [
                action
                for action in arguments["TransactItems"]
                if "ConditionCheck" not in action or _kind(action["ConditionCheck"]) != kind
            ]
            arguments = {**arguments, "TransactItems": kept}
        return dispatch(self, operation, arguments)

    patch.setattr(Connection, "dispatch", careless)
