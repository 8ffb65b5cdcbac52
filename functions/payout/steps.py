"""The steps of `payout_run`, by the names that the state machine calls them: each is one call of a service.

What a step keeps as `told` is what people read in AWS's console. Nothing of where the money goes is in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from introducer.domain.errors import Invalid
from introducer.domain.money import decimal_string
from introducer.domain.payout import Run
from introducer.domain.run_waits import until_next_look, until_next_question
from introducer.gateways.workflows import Workflows
from introducer.services import confirm_run, decide_run, issue_invoices, open_run, reserve_run, send_run, start_run
from introducer.services.creation import Author
from introducer.services.open_run import Group
from introducer.services.reserve_run import Books
from introducer.services.send_run import Sending
from introducer.store.invoices import Invoices

PAGE = "/desk/runs"
Given = Mapping[str, Any]
Kept = dict[str, Any]


class Tools(NamedTuple):
    """What steps work with."""

    books: Books
    now: datetime
    enough: Callable[[], bool]
    sending: Callable[[str], Sending]
    """By brand."""
    invoices: Callable[[], Invoices]
    workflows: Callable[[], Workflows]
    wake: decide_run.Wake
    token: str
    """What the waiting execution is woken by; empty in every step but the one that asks."""


def start_due_run(tools: Tools, given: Given) -> Kept:
    """Starts the run that a schedule has due, in an execution of its own."""
    brand, schedule = _texts(given, "brand", "schedule")
    started = start_run.start_due_run(
        tools.books.schedules, tools.workflows(), brand=brand, schedule=schedule, now=tools.now
    )
    if started is None:
        return {"told": {"brand": brand, "schedule": schedule, "started": "nothing is due today"}}
    return {
        "told": {"brand": brand, "schedule": schedule, "started": started.execution.name, "page": _page(started.run)}
    }


def begin(tools: Tools, given: Given) -> Kept:
    brand, schedule, run, first, through = _texts(given, "brand", "schedule", "run", "first", "through")
    author = Author(
        by=given.get("by", start_run.SCHEDULE.by),
        why=given.get("why", start_run.SCHEDULE.why),
        origin=start_run.SCHEDULE.origin,
    )
    opened = open_run.open_run(
        tools.books.schedules, tools.books.payouts, brand=brand, schedule=schedule, run=run, first=first,
        through=through, author=author, now=tools.now,
    )  # fmt: skip
    if opened.closed_at is not None:
        # It may have stopped between closing and the last documents.
        _issue_missing(tools, opened)
    return {"told": _told(opened) | {"started_by": opened.started_by, "why": opened.why}}


def take_rates(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    found = open_run.take_rates(tools.books.payouts, tools.books.rates, brand=brand, run=run)
    return {"told": {"run": run, "rates_of": found.rates_day, "published_by": found.rates_feed}}


def select_partners(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    count, groups = open_run.select_partners(tools.books.configuration, brand=brand)
    return {"told": {"run": run, "partners": count, "groups": len(groups)}, "groups": _groups(groups)}


def reserve_group(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    count = reserve_run.reserve_group(tools.books, brand=brand, run=run, group=_group(given), now=tools.now)
    return {"payouts": count}


def add_up(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    found, groups = reserve_run.add_up(tools.books.payouts, brand=brand, run=run)
    return {"told": _told(found), "groups": _groups(groups), "wait": _until_next_question(tools, found)}


def ask_for_approval(tools: Tools, given: Given) -> Kept:
    """Its answer goes to whoever waits with the token; this one nobody reads."""
    brand, run = _place(given)
    asked = decide_run.ask_for_approval(
        tools.books.schedules, tools.books.payouts, tools.wake, brand=brand, run=run, token=tools.token, now=tools.now
    )
    return {"status": asked.status.value}


def time_left(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    found = tools.books.payouts.run(brand, run)
    deadline = found.deadline.isoformat() if found.deadline else ""
    return {
        "told": {"run": run, "status": found.status.value, "deadline": deadline, "page": _page(run)},
        "wait": _until_next_question(tools, found),
    }


def approve_group(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    group = _group(given)
    count = decide_run.approve_group(
        tools.books.payouts, brand=brand, run=run, after=group.after, through=group.through, now=tools.now
    )
    return {"approved": count}


def release_group(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    group = _group(given)
    count = decide_run.release_group(
        tools.books.payouts, brand=brand, run=run, after=group.after, through=group.through, now=tools.now
    )
    return {"released": count}


def plan_batches(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    planned = send_run.plan_batches(tools.books.payouts, tools.sending(brand).rails, brand=brand, run=run)
    rails: dict[str, int] = defaultdict(int)
    for batch in planned:
        rails[batch.rail.value] += 1
    return {
        "told": {"run": run, "batches": len(planned), "by_rail": dict(sorted(rails.items()))},
        "batches": [batch.batch for batch in planned],
    }


def send_batch(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    (batch,) = _texts(given, "batch")
    sent = send_run.send_batch(tools.sending(brand), brand=brand, run=run, batch=batch, now=tools.now)
    return {
        "batch": batch, "rail": sent.rail.value, "status": sent.status.value, "payouts": sent.count,
        "pays": {sent.currency: decimal_string(sent.pays, sent.currency)},
    }  # fmt: skip


def look_up(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    heard = confirm_run.look_up(
        tools.sending(brand), tools.books.schedules, brand=brand, run=run, now=tools.now, enough=tools.enough
    )
    wait = until_next_look(tools.books.payouts.run(brand, run), tools.now)
    told = {"run": run, "open": heard.open, "waited_long_enough": heard.late, "page": _page(run)}
    return {"told": told, "done": heard.done, "wait": wait}


def write_statements(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    group = _group(given)
    payouts = list(tools.books.payouts.all_of_run(brand, run, group.after, group.through))
    issued = issue_invoices.issue_invoices(
        tools.books.configuration, tools.books.payouts, tools.invoices(), brand=brand, run=run, payouts=payouts,
        now=tools.now,
    )  # fmt: skip
    return {"statements": len(issued)}


def finish(tools: Tools, given: Given) -> Kept:
    brand, run = _place(given)
    closed = confirm_run.close_run(tools.books.payouts, brand=brand, run=run, now=tools.now)
    _issue_missing(tools, closed)
    return {"told": _told(closed)}


STEPS: Mapping[str, Callable[[Tools, Given], Kept]] = {
    "start_due_run": start_due_run,
    "open_run": begin,
    "take_rates": take_rates,
    "select_partners": select_partners,
    "reserve_group": reserve_group,
    "add_up": add_up,
    "ask_for_approval": ask_for_approval,
    "time_left": time_left,
    "approve_group": approve_group,
    "release_group": release_group,
    "plan_batches": plan_batches,
    "send_batch": send_batch,
    "look_up": look_up,
    "write_statements": write_statements,
    "close_run": finish,
}


def _issue_missing(tools: Tools, run: Run) -> None:
    """The documents of what was heard while the groups of the run had theirs written. From the moment a run is closed,
    whoever hears of a payout issues its document."""
    issue_invoices.issue_missing_invoices(
        tools.books.configuration, tools.books.payouts, tools.invoices(), brand=run.brand, run=run.run, now=tools.now
    )


def _told(run: Run) -> Kept:
    """A run as people read it: counts, and sums of what is paid, by where the payouts stand."""
    stands: dict[str, dict[str, Any]] = {}
    pays: dict[tuple[str, str], int] = defaultdict(int)
    for each in run.sums:
        stands.setdefault(each.status.value, {"payouts": 0})["payouts"] += each.count
        pays[each.status.value, each.pay_currency] += each.pays
    for (status, currency), amount in sorted(pays.items()):
        stands[status][currency] = decimal_string(amount, currency)
    return {
        "brand": run.brand,
        "run": run.run,
        "days": f"{run.first} to {run.through}",
        "status": "closed" if run.closed_at is not None else run.status.value,
        "payouts": run.payouts,
        "stand": stands,
        "left_out": dict(run.left_out),
        "page": _page(run.run),
    }


def _page(run: str) -> str:
    return f"{PAGE}/{run}"


def _until_next_question(tools: Tools, run: Run) -> int:
    return until_next_question(run, tools.books.schedules.get(run.brand, run.schedule), tools.now)


def _groups(groups: list[Group]) -> list[dict[str, str]]:
    return [{"after": group.after, "through": group.through} for group in groups]


def _group(given: Given) -> Group:
    return Group(*_texts(given, "after", "through"))


def _place(given: Given) -> tuple[str, str]:
    brand, run = _texts(given, "brand", "run")
    return brand, run


def _texts(given: Given, *names: str) -> tuple[str, ...]:
    """These values of the input. Raises `Invalid`, saying which the step needs."""
    missing = [name for name in names if not isinstance(given.get(name), str)]
    if missing:
        raise Invalid(
            f"{', '.join(missing)} must be texts: start it with a brand and a schedule alone, as the schedule does, or "
            "with brand, schedule, run, first and through.",
            code="bad_input",
        )
    return tuple(given[name] for name in names)
