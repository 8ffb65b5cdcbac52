"""What people do when a month has ended: adjust, move a client, close it. And an event that comes too late for it.

All of it over HTTP: the desk's pages, and the platform's postback.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from introducer.domain.calendar import plus_months
from introducer.domain.ledger import Journal
from introducer.domain.statement import MonthClose
from introducer.gateways.workflows import Execution, Workflows
from introducer.services.close_month import execution_name
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.statements import Statements
from introducer_ops.demo.building import World
from introducer_ops.demo.desk import Desk
from introducer_ops.demo.plan import STAR, Plan
from introducer_ops.demo.script import Post, Script, Slot
from introducer_ops.demo.telling import Message
from introducer_ops.demo.waiting import NotSettled
from introducer_ops.localcloud import Stack

LATE_EVENT = "tra-late-1"
_PATIENCE = 90.0
_LOOK_EVERY = 0.25
_ADJUSTED = ("120.00", "EUR")


@dataclass(frozen=True, slots=True)
class Closed:
    """How the close of a month went."""

    execution: Execution
    close: MonthClose
    statements: int


@dataclass(frozen=True, slots=True)
class Move:
    """A client of one partner that becomes another's, by their numbers in the plan."""

    client: str
    """As the platform calls it."""
    holder: int
    target: int
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """What people decided, how the close went, and what an event brought that came after it."""

    adjustment: str
    """The journal of the adjustment."""
    move: Move
    decision: str
    """The id of the decision to move the client."""
    closed: Closed
    late: tuple[Journal, ...]


def last_month(day: date) -> str:
    """The last month that has ended on a day."""
    return plus_months(day.strftime("%Y-%m"), -1)


def adjust(manager: Desk, finance: Desk, world: World, month: str) -> str:
    """A manager proposes to pay the demo partner for something no event tells of, finance approves it; its journal."""
    partner = world.partners[STAR].partner
    amount, currency = _ADJUSTED
    made = manager.post(
        f"/desk/partners/{partner}/adjustments",
        {
            "amount": amount,
            "currency": currency,
            "earn_month": month,
            "why": "Newsletter placement, as agreed by e-mail",
        },
    )["adjustment"]
    where = f"/desk/partners/{partner}/adjustments/{made['adjustment']}"
    decision = {"version": made["version"], "verdict": "approve", "why": "The placement was booked and seen"}
    return str(finance.post(f"{where}/decision", decision)["adjustment"]["journal"])


def move_to_decide(plan: Plan, script: Script, day: date) -> Move:
    """The client, of another partner paid in the demo partner's money, who trades most in the month; from its first
    moment on it is the demo partner's. What was earned before, the CPA too, stays with the other."""
    since = datetime.combine(day.replace(day=1), clock_time(), UTC)
    partner_of = {click.number: click.partner for slot in script.slots for click in slot.clicks}
    holders: dict[str, int] = {}
    trades: Counter[str] = Counter()
    for message in _messages(script):
        fields = message.fields
        before = datetime.fromisoformat(fields["occurred_at"]) < since
        if fields["type"] == "registration" and message.click is not None and before:
            holders[fields["client_id"]] = partner_of[message.click]
        elif fields["type"] == "trade" and not before:
            trades[fields["client_id"]] += 1
    currency = plan.partners[STAR].currency
    client, holder = max(
        (
            (client, holder)
            for client, holder in holders.items()
            if holder != STAR and not plan.partners[holder].attack and plan.partners[holder].currency == currency
        ),
        key=lambda found: (trades[found[0]], found[0]),
    )
    return Move(client, holder, STAR, since)


def decide_move(manager: Desk, world: World, move: Move) -> str:
    """The manager finds the client and moves it; the decision's id."""
    found = manager.post("/desk/clients", {"client_id": move.client})
    decided = manager.post(
        f"/desk/clients/{found['client']}",
        {
            "partner": world.partners[move.target].partner,
            "since": "moment",
            "starts_at": move.starts_at.strftime("%Y-%m-%dT%H:%MZ"),
            "reason": "The client's adviser works for the other partner since the first of the month",
        },
    )
    return str(decided["move"])


def close(stack: Stack, finance: Desk, world: World, month: str) -> Closed:
    """Finance closes the month; waits until the state machine has done it. Raises `NotSettled` when it stops."""
    finance.post("/desk/months", {"month": month, "why": "All events are in, the platform's report agrees"})
    books = stack.outputs["BooksTableName"]
    workflows = Workflows(stack.client("stepfunctions"), stack.outputs["PeriodCloseMachineArn"])
    name = execution_name(world.brand.brand, month)
    execution = _eventually(lambda: _ended(workflows.latest(name)), f"{name} still runs")
    if execution.failed:
        raise NotSettled(f"{execution.name} ended as {execution.status}: {execution.cause}")
    statements = Statements(books)
    written = sum(statements.get(partner.partner, month) is not None for partner in world.partners)
    return Closed(execution, Configuration(books).month_close(world.brand.brand, month), written)


def late_slot(script: Script, month: str, at: datetime) -> Slot:
    """A trade of the closed month that is told only now, of a client of the demo partner's who traded then."""
    partner_of = {click.number: click.partner for slot in script.slots for click in slot.clicks}
    own = {
        message.fields["client_id"]
        for message in _messages(script)
        if message.click is not None and partner_of[message.click] == STAR
    }
    trades: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for message in _messages(script):
        fields = message.fields
        if fields["type"] == "trade" and fields["client_id"] in own and fields["occurred_at"].startswith(month):
            trades[fields["client_id"]].append(fields)
    # Of a client who traded often it moves no qualification: only the trade itself comes late.
    client = max(trades, key=lambda each: (len(trades[each]), each))
    known = max(trades[client], key=lambda fields: str(fields["occurred_at"]))
    opened, closed = (datetime.fromisoformat(known["occurred_at"]) - timedelta(minutes=each) for each in (9, 4))
    late: dict[str, Any] = {
        **known,
        "event_id": LATE_EVENT,
        "occurred_at": _told(closed),
        "opened_at": _told(opened),
        "closed_at": _told(closed),
        "symbol": "XAUUSD",
        "lots": "1.50",
    }
    return Slot(at, True, (), (Post((Message(late),), True),))


def journals_of_late_event(stack: Stack, world: World, months: list[str]) -> list[Journal]:
    """What the late event brought the demo partner."""
    ledger = Ledger(stack.outputs["BooksTableName"])
    return [
        journal
        for month in months
        for journal in ledger.all_journals(world.partners[STAR].partner, month, consistent=True)
        if any(event.event_id == LATE_EVENT for event in journal.receipt.events)
    ]


def _messages(script: Script) -> list[Message]:
    return [message for slot in script.slots for post in slot.posts for message in post.messages]


def _told(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ended(execution: Execution | None) -> Execution | None:
    return None if execution is None or execution.is_running else execution


def _eventually(look: Callable[[], Execution | None], otherwise: str) -> Execution:
    deadline = time.monotonic() + _PATIENCE
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise NotSettled(f"After {_PATIENCE:.0f} seconds {otherwise}.")
        time.sleep(_LOOK_EVERY)
    return found
