"""The steps of `fraud_case`, by the names that the state machine calls them: each is one call of a service.

What a step keeps as `told` is what people read in AWS's console: how the case stands, what it holds, until when. What
was found, and what people wrote about each other, stands on the case's page alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from introducer.domain.case import Case
from introducer.domain.case_waits import Stage, due, seconds, stage, until_next_look, until_next_question
from introducer.domain.errors import Conflict, Invalid, Unavailable
from introducer.domain.money import decimal_string
from introducer.services import ask_for_verdict as asking
from introducer.services import carry_out_verdict as carrying
from introducer.services import close_case as closing
from introducer.services import free_money as freeing
from introducer.services import hold_money as holding
from introducer.services.case_books import CaseBooks, Wake
from introducer.store.rulings import Rulings

PATIENCE = timedelta(days=30)
"""How long the engine, or a payout that has to be set aside, is waited for before a person should look why."""

Given = Mapping[str, Any]
Kept = dict[str, Any]


class Tools(NamedTuple):
    """What steps work with."""

    books: CaseBooks
    rulings: Rulings
    now: datetime
    wake: Wake
    token: str
    """What the waiting execution is woken by; empty in every step but those that ask."""


def hold_money(tools: Tools, given: Given) -> Kept:
    """The first step, and the first again of whoever is started again."""
    partner, case = _place(given)
    held = holding.hold_money(tools.books, partner=partner, case=case, now=tools.now)
    return {"told": _told(held), "stage": stage(held).value, "wait": _until_next(tools, held)}


def ask_for_verdict(tools: Tools, given: Given) -> Kept:
    """Its answer goes to whoever waits with the token; this one nobody reads."""
    return {"status": _asked(tools, given).status.value}


def wait_for_appeal(tools: Tools, given: Given) -> Kept:
    """Likewise."""
    partner, case = _place(given)
    waits = asking.wait_for_appeal(
        tools.books, tools.wake, partner=partner, case=case, token=tools.token, now=tools.now
    )
    return {"status": waits.status.value}


def time_left(tools: Tools, given: Given) -> Kept:
    partner, case = _place(given)
    found = tools.books.cases.case(partner, case)
    return {"told": _told(found), "due": due(found, tools.now).value, "wait": _until_next(tools, found)}


def escalate(tools: Tools, given: Given) -> Kept:
    """Asking does what the clock has come to, whether or not somebody waits for the answer."""
    asked = _asked(tools, given)
    return {"told": _told(asked), "wait": _until_next(tools, asked)}


def decide_by_clock(tools: Tools, given: Given) -> Kept:
    """Likewise: the case is decided then, by the clock or by a person who was quicker."""
    asked = _asked(tools, given)
    if asked.status.waits:
        # One machine's clock is a little behind another's: in a moment it is time.
        raise Unavailable("It is not time yet for the clock to decide this case.", code="not_decided")
    return {"told": _told(asked)}


def carry_out_verdict(tools: Tools, given: Given) -> Kept:
    partner, case = _place(given)
    carried = carrying.carry_out_verdict(tools.books, tools.rulings, partner=partner, case=case, now=tools.now)
    # From here on the engine has its time, whenever this is started again.
    return {"told": _told(carried), "since": tools.now.isoformat()}


def look_at_engine(tools: Tools, given: Given) -> Kept:
    partner, case = _place(given)
    since = _since(given)
    done = carrying.engine_is_done(tools.books, partner=partner, case=case)
    if not done and tools.now >= since + PATIENCE:
        raise Conflict(
            f"The engine has not posted what follows from the verdict in {PATIENCE.days} days: see in the brand's "
            "quarantine what is in its way, put that right, and start the case again.",
            code="engine_behind",
        )
    told = {"case": case, "posted": done, "waits_since": given["since"]}
    return {"told": told, "done": done, "wait": until_next_look(since, tools.now)}


def free_money(tools: Tools, given: Given) -> Kept:
    """What stands reserved in a payout cannot be given back yet: then it is tried again."""
    partner, case = _place(given)
    since = _since(given)
    free = freeing.free_money(tools.books, partner=partner, case=case, now=tools.now)
    if not free.is_carried_out and tools.now >= since + PATIENCE:
        raise Conflict(
            f"A payout of this partner has stood neither sent nor set aside for {PATIENCE.days} days: see on the desk "
            "what its run waits for, and start the case again.",
            code="payout_waits",
        )
    return {
        "told": _told(free), "done": free.is_carried_out, "stage": stage(free).value,
        "wait": _until_next(tools, free) if free.is_carried_out else until_next_look(since, tools.now),
    }  # fmt: skip


def close_case(tools: Tools, given: Given) -> Kept:
    partner, case = _place(given)
    closed = closing.close_case(tools.books, partner=partner, case=case, now=tools.now)
    return {"told": _told(closed), "stage": stage(closed).value, "wait": _until_next(tools, closed)}


STEPS: Mapping[str, Callable[[Tools, Given], Kept]] = {
    "hold_money": hold_money,
    "ask_for_verdict": ask_for_verdict,
    "wait_for_appeal": wait_for_appeal,
    "time_left": time_left,
    "escalate": escalate,
    "decide_by_clock": decide_by_clock,
    "carry_out_verdict": carry_out_verdict,
    "look_at_engine": look_at_engine,
    "free_money": free_money,
    "close_case": close_case,
}


def _asked(tools: Tools, given: Given) -> Case:
    partner, case = _place(given)
    return asking.ask_for_verdict(tools.books, tools.wake, partner=partner, case=case, token=tools.token, now=tools.now)


def _until_next(tools: Tools, case: Case) -> int:
    """Seconds until the execution asks again, of a case that waits for somebody."""
    if stage(case) is Stage.MAY_APPEAL and case.appeal_by is not None:
        return seconds(case.appeal_by - tools.now)
    if not case.status.waits:
        return 1
    policy = tools.books.cases.policy(case.brand)
    # Who was not asked yet is asked next.
    case = replace(case, asked_at=case.asked_at or tools.now)
    return until_next_question(case, asking.seconds_until_next(case, policy.remind_hours, tools.now), tools.now)


def _told(case: Case) -> Kept:
    """A case as people read it in the console."""
    told: Kept = {
        "partner": case.partner,
        "name": case.name,
        "case": case.case,
        "status": "closed" if case.is_closed else case.status.value,
        "found_by": list(case.detectors) or "a person",
        "clients": "all" if case.whole else len(case.clients),
        "holds": {currency: decimal_string(minor, currency) for currency, minor in sorted(case.holds.items())},
        "stops_payouts": bool(case.stop),
        "page": f"/desk/cases/{case.partner}/{case.case}",
    }
    for name, moment in (("decide_by", case.decide_by), ("release_by", case.escalate_by)):
        if case.verdict is None:
            told[name] = moment.isoformat()
    if (verdict := case.last_verdict) is not None:
        told |= {"decided_by": verdict.by, "reason": verdict.code.value if verdict.code else None}
    if case.appeal_by is not None and not case.is_closed:
        told["appeal_by"] = case.appeal_by.isoformat()
    return told


def _place(given: Given) -> tuple[str, str]:
    """Which case of which partner. Raises `Invalid`."""
    missing = [name for name in ("partner", "case") if not isinstance(given.get(name), str) or not given[name]]
    if missing:
        raise Invalid(
            f"{' and '.join(missing)} must be texts: start it with brand, partner, case and name, as a case does.",
            code="bad_input",
        )
    return given["partner"], given["case"]


def _since(given: Given) -> datetime:
    return datetime.fromisoformat(given["since"])
