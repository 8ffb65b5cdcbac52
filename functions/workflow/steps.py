"""The steps of `period_close`, by the names that the state machine calls them: each is one call of a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from introducer.domain.errors import Invalid
from introducer.domain.money import decimal_string
from introducer.gateways.workflows import Workflows
from introducer.services.close_month import (
    SCHEDULE,
    Progress,
    begin_close,
    close_partners,
    finish_close,
    start_closes,
)
from introducer.services.creation import Author
from introducer.store.configuration import Configuration
from introducer.store.ledger import Ledger
from introducer.store.statements import Statements

PAGE = "/desk/months"
Given = Mapping[str, Any]
Kept = dict[str, Any]


class Tools(NamedTuple):
    """What steps work with."""

    configuration: Configuration
    ledger: Ledger
    statements: Statements
    now: datetime
    enough: Callable[[], bool]
    workflows: Callable[[], Workflows]


def start_all(tools: Tools, given: Given, progress: Given) -> Kept:
    """Starts the close of the month before for every brand; of another month when one is given."""
    return start_closes(
        tools.configuration, tools.workflows(), month=given.get("month"), author=_author(given), now=tools.now
    )


def begin(tools: Tools, given: Given, progress: Given) -> Kept:
    brand, month = _brand_and_month(given)
    begin_close(tools.configuration, brand=brand, month=month, author=_author(given), now=tools.now)
    return _kept(Progress())


def close_next(tools: Tools, given: Given, progress: Given) -> Kept:
    brand, month = _brand_and_month(given)
    return _kept(
        close_partners(
            tools.configuration, tools.ledger, tools.statements, brand=brand, month=month,
            so_far=Progress(**progress), now=tools.now, enough=tools.enough,
        )
    )  # fmt: skip


def finish(tools: Tools, given: Given, progress: Given) -> Kept:
    brand, month = _brand_and_month(given)
    closed = finish_close(
        tools.configuration, brand=brand, month=month, progress=Progress(**progress), author=_author(given),
        now=tools.now,
    )  # fmt: skip
    return {
        "brand": closed.brand,
        "month": closed.month,
        "partners": closed.partners,
        "entries": closed.entries,
        "sums": {currency: decimal_string(amount, currency) for currency, amount in (closed.sums or {}).items()},
        "page": PAGE,
    }


STEPS: Mapping[str, Callable[[Tools, Given, Given], Kept]] = {
    "start_closes": start_all,
    "begin_close": begin,
    "close_partners": close_next,
    "finish_close": finish,
}


def _author(given: Given) -> Author:
    """Whom the execution was started for; nobody, when the schedule did it."""
    return Author(by=given.get("by", SCHEDULE.by), why=given.get("why", SCHEDULE.why), origin=SCHEDULE.origin)


def _brand_and_month(given: Given) -> tuple[str, str]:
    brand, month = given.get("brand"), given.get("month")
    if not isinstance(brand, str) or not isinstance(month, str):
        raise Invalid('Start it with a brand and a month: {"brand": "brd_…", "month": "2026-10"}.', code="bad_input")
    return brand, month


def _kept(progress: Progress) -> Kept:
    return {name: value for name, value in asdict(progress).items() if value is not None}
