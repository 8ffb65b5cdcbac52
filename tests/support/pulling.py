"""A platform that is asked for deals, and the puller that asks it: windows and pages by the clock, as real ones do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from introducer.domain.configuration import Availability, Source
from introducer.domain.events import from_milliseconds
from introducer.services.pull_source import Puller, Run, pull_source
from introducer.sources.dialects.model import PullRequest
from introducer.store.pulls import Pulls
from tests.support.house import SET_UP, House, an_amount
from tests.support.payouts import BRAND

URL = "https://crm.example.com/events?from={from_ms}&to={to_ms}&page={page}&limit={limit}"
FETCHED = "crm"


@dataclass
class Platform:
    """Has events, and shows those that were written between two moments, page by page."""

    events: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    asked: list[PullRequest] = field(default_factory=list)
    does: Callable[[PullRequest], bytes] | None = None
    """What it does instead."""

    def writes(self, when: datetime, event: dict[str, Any]) -> None:
        self.events.append((when, event))

    def page(self, request: PullRequest) -> bytes:
        self.asked.append(request)
        if self.does is not None:
            return self.does(request)
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        begin, end = (from_milliseconds(int(query[name])) for name in ("from", "to"))
        found = [event for when, event in sorted(self.events, key=lambda each: each[0]) if begin <= when < end]
        first = (int(query["page"]) - 1) * int(query["limit"])
        return json.dumps({"events": found[first : first + int(query["limit"])]}).encode()


@dataclass
class Pulling:
    """A house whose CRM is fetched."""

    house: House
    platform: Platform = field(default_factory=Platform)
    token: str = "t0ken"
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        self.pulls = Pulls("books")

    @property
    def puller(self) -> Puller:
        return Puller(
            intake=self.house.intake,
            pulls=self.pulls,
            ask=self.platform.page,
            token=lambda source: self.token,
            now=lambda: self.house.now,
            elapsed=lambda: self.elapsed,
        )

    def source(self, name: str = FETCHED, dialect: str = "json", **settings: Any) -> Source:
        """A source that is fetched from two days before now."""
        since = (self.house.now - timedelta(days=2)).date().isoformat()
        told = {"url": URL, "since": since, "page_size": 3, "overlap_minutes": 60} | settings
        made = Source(source=name, brand=BRAND, dialect=dialect, status=Availability.ACTIVE, settings=json.dumps(told))
        self.house.configuration.register_source(made, SET_UP)
        return made

    def pull(self, name: str = FETCHED, *, asked: bool = False) -> Run:
        return pull_source(self.puller, name, asked=asked)

    def passes(self, **time: float) -> None:
        self.house.now += timedelta(**time)

    def kept(self, day: str = "") -> dict[str, str]:
        """What waits for a person, by where it stood."""
        found = self.house.facts.every_quarantined(BRAND, FETCHED, day or self.house.now.date().isoformat())
        return {each.detail.partition(":")[0]: each.reason for each in found}


def deposits(
    number: int, when: datetime, step: timedelta = timedelta(minutes=7)
) -> list[tuple[datetime, dict[str, Any]]]:
    """So many deposits of as many clients, one after the other."""
    return [
        (
            when + count * step,
            an_amount("deposit", f"c{count}", "100.00", (when + count * step).isoformat(), event_id=f"d-{count}"),
        )
        for count in range(number)
    ]
