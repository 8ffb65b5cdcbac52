"""Bugs planted on purpose: one thing in the product is wrong while a test runs, and the schedules must find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pynamodb.connection import Connection

from introducer.domain.errors import Unavailable
from introducer.store import keys
from introducer.store.accruals import Accrual, Accruals
from introducer.store.scans import kind_of

Part = Mapping[str, Any]
"""One item of a transaction, as pynamodb is given it."""


def states_and_journals_without_conditions(patch: pytest.MonkeyPatch) -> None:
    """Two workers overwrite each other's client state, and the journals say what the state forgot."""
    _without_conditions(patch, "client", "journal")


def events_marked_again(patch: pytest.MonkeyPatch) -> None:
    """An event that is applied can be applied once more."""
    _without_conditions(patch, "event")


def closed_months_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """A month that is closed between reading and writing is posted into."""
    _without_conditions(patch, "balance")


def events_marked_first(patch: pytest.MonkeyPatch) -> None:
    """Events are marked as applied in a call of its own, before the transaction that books them."""
    write = Accruals.write

    def in_two(self: Accruals, accrual: Accrual, applied_at: int) -> None:
        if accrual.events:
            write(self, Accrual(accrual.events, (), ()), applied_at)
        write(self, replace(accrual, events=()), applied_at)

    patch.setattr(Accruals, "write", in_two)


def balance_moved_afterwards(patch: pytest.MonkeyPatch) -> None:
    """The balance is added to after the transaction, in a call of its own."""
    dispatch = Connection.dispatch

    def apart(self: Connection, operation: str, arguments: dict[str, Any]) -> Any:
        actions = arguments.get("TransactItems", ())
        later = [part for action in actions for part in action.values() if _kind(part) == "balance"]
        if later:
            kept = [action for action in actions if not any(part in later for part in action.values())]
            arguments = {**arguments, "TransactItems": kept}
        answer = dispatch(self, operation, arguments)
        for part in later:
            dispatch(self, "UpdateItem", part)
        return answer

    patch.setattr(Connection, "dispatch", apart)


def trouble_taken_for_success(patch: pytest.MonkeyPatch) -> None:
    """A transaction that DynamoDB did not do counts as done."""
    write = Accruals.write

    def hopeful(self: Accruals, accrual: Accrual, applied_at: int) -> None:
        with suppress(Unavailable):
            write(self, accrual, applied_at)

    patch.setattr(Accruals, "write", hopeful)


BUGS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    states_and_journals_without_conditions,
    events_marked_again,
    closed_months_not_looked_at,
    events_marked_first,
    balance_moved_afterwards,
    trouble_taken_for_success,
)


def _kind(part: Part) -> str:
    key = part.get("Key") or part["Item"]
    place = key[keys.PK]["S"], key[keys.SK]["S"]
    return kind_of(keys.FACTS, *place) or kind_of(keys.BOOKS, *place)


def _without_conditions(patch: pytest.MonkeyPatch, *kinds: str) -> None:
    """Parts of the engine's transactions lose their conditions."""
    dispatch = Connection.dispatch

    def careless(self: Connection, operation: str, arguments: dict[str, Any]) -> Any:
        for action in arguments.get("TransactItems", ()):
            for part in action.values():
                if _kind(part) in kinds:
                    _strip(part)
        return dispatch(self, operation, arguments)

    patch.setattr(Connection, "dispatch", careless)


def _strip(part: Any) -> None:
    """Take the condition away, and the placeholders that only it used."""
    part.pop("ConditionExpression", None)
    left = part.get("UpdateExpression", "").replace(",", " ").split()
    for name in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        part[name] = {each: value for each, value in part.get(name, {}).items() if each in left}
        if not part[name]:
            del part[name]
