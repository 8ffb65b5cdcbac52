"""The step of `onboarding`, by the name that the state machine calls it.

What it keeps as `told` is what people read in AWS's console: how far the partner is and what it waits for. Who its
people are and what they were written stands in the portal alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from introducer.domain.errors import Invalid
from introducer.domain.sequence import Progress
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.onboarding_step import onboarding_step

NOTHING_MORE = "nothing more: it is looked for the goal a while longer"

Given = Mapping[str, Any]
Kept = dict[str, Any]


class Tools(NamedTuple):
    """What steps work with."""

    books: OnboardingBooks
    now: datetime


def go_on(tools: Tools, given: Given) -> Kept:
    """All that is due now; the first step, and the first again of whoever is started again."""
    partner, sequence = _place(given)
    stepped = onboarding_step(tools.books, partner=partner, sequence=sequence, now=tools.now)
    over = stepped.until is None
    wait = 1 if stepped.until is None else max(1, -((tools.now - stepped.until) // timedelta(seconds=1)))
    told = _told(stepped.state)
    if stepped.until is not None:
        told |= {"next": stepped.next or NOTHING_MORE, "looks_again": stepped.until.isoformat(timespec="seconds")}
    return {"told": told, "over": over, "wait": wait}


STEPS: Mapping[str, Callable[[Tools, Given], Kept]] = {"go_on": go_on}


def _told(state: Progress) -> Kept:
    """A partner's way as people read it in the console."""
    return {
        "partner": state.partner,
        "sequence": state.sequence,
        "status": f"over: {state.end.value}" if state.end else "walking",
        "sent": [each.step for each in state.done if each.sent],
        "left_out": [each.step for each in state.done if not each.sent],
        "page": f"/desk/sequences/{state.sequence}/preview?partner={state.partner}",
    }


def _place(given: Given) -> tuple[str, str]:
    """Which partner in which sequence. Raises `Invalid`."""
    missing = [name for name in ("partner", "sequence") if not isinstance(given.get(name), str) or not given[name]]
    if missing:
        raise Invalid(
            f"{' and '.join(missing)} must be texts: start it with brand, partner and sequence, as the outbox does.",
            code="bad_input",
        )
    return given["partner"], given["sequence"]
