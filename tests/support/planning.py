"""A brand that plans contests, over the tables of a test: who drafts and approves them, partners of all kinds, what
each brought before, and the executions that were started and woken.

It is 5 October 2026; contests are November's (`contest_builders.a_contest`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.configuration import Member, Partner, PartnerKind, Role, Standing, Status
from introducer.domain.contest import Contest, ContestStatus, Entry
from introducer.domain.contest_rules import rules_hash
from introducer.domain.events import day_of
from introducer.domain.ids import derived_id
from introducer.services.approve_contest import approve_contest
from introducer.services.contest_books import ContestBooks
from introducer.services.draft_contest import draft_contest
from introducer.services.join_contest import join_contest
from introducer.services.start_contest import start_contest
from introducer.store.contests import entry_key
from introducer.store.event_counts import count_key
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.builders import BRAND, at
from tests.support.contest_builders import a_contest, an_owner
from tests.support.payouts import LONG_AGO, SET_UP, Paying, a_member

NOW = at("2026-10-05 09:00")
MANAGER = a_member(Role.MANAGER, "mem_manager", BRAND)
FINANCE = a_member(Role.FINANCE, "mem_finance", BRAND)
ADMIN = a_member(Role.ADMIN, "mem_admin", BRAND)
SALES = a_member(Role.SALES, "mem_sales", BRAND)
STRANGER = a_member(Role.ADMIN, "mem_stranger", "brd_other")


class Planning(Paying):
    """The services of contests up to their start, and what they need."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, BRAND)
        self.now = NOW
        self.books = ContestBooks.of(tables.facts, tables.books, elapsed=lambda: 0.0, today=lambda: day_of(self.now))
        self.started: dict[str, Mapping[str, str]] = {}
        self.refuses: Exception | None = None
        for member in (MANAGER, FINANCE, ADMIN, SALES):
            self.configuration.add_member(member, SET_UP)

    def start(self, name: str, given: Mapping[str, str]) -> str:
        """Starts an execution, or cannot."""
        if self.refuses is not None:
            raise self.refuses
        self.started.setdefault(name, given)
        return name

    def wake(self, token: str, decision: Mapping[str, str]) -> bool:
        self.woken.append((token, decision["decision"]))
        return True

    # ------------------------------------------------------------------------------------------------------- given

    def somebody(
        self, partner: str, deal: Mapping[str, Any] | None = None, *, brand: str = BRAND, **profile: Any
    ) -> Member:
        """A partner and its login: an affiliate of Germany, unless it is said, with no deal."""
        given: dict[str, Any] = {
            "partner": partner, "brand": brand, "name": f"{partner} Ltd", "kind": PartnerKind.AFFILIATE,
            "status": Status.ACTIVE, "parent": None, "manager": None, "country": "DE", "language": "en",
            "currency": "EUR", "email_hash": None, "created": LONG_AGO,
        }  # fmt: skip
        self.configuration.register_partner(Partner(**given | profile), SET_UP)
        if deal is not None:
            self.accepts(partner, deal)
        return an_owner(partner, brand)

    def stands(self, partner: str, status: Status, since: datetime) -> None:
        """Somebody decides a partner's standing, from a moment on."""
        found = self.configuration.partner(partner)
        standing = Standing(
            partner=partner, standing=derived_id("std", partner, since), since=since, status=status,
            reason="because", decided_at=self.now,
        )  # fmt: skip
        self.configuration.set_standing(standing, found.status, self.change(), current_since=found.status_since)

    def brought(self, partner: str, day: str, **counts: int) -> None:
        """What the engine counted of a partner on a day."""
        item = {**count_key(partner, day, "LINK0001").item(), **counts}
        self.tables.client.put_item(TableName=self.tables.books, Item=to_wire(item))

    def scores(self, contest: Contest, partner: str, **counted: int) -> None:
        """The engine adds what scored."""
        self.tables.client.update_item(
            TableName=self.tables.books,
            Key=to_wire(entry_key(contest.contest, partner).item()),
            UpdateExpression="ADD " + ", ".join(f"{name} :{name}" for name in counted),
            ExpressionAttributeValues=to_wire({f":{name}": value for name, value in counted.items()}),
        )

    def drafted(self, **settings: Any) -> Contest:
        return draft_contest(self.books, member=MANAGER, draft=a_contest(**settings), now=self.now)

    def planned(self, **settings: Any) -> Contest:
        draft = self.drafted(**settings)
        return approve_contest(
            self.books, self.start, member=FINANCE, contest=draft.contest, version=draft.version, now=self.now
        )

    def running(self, **settings: Any) -> Contest:
        """A contest that has started; it is its start."""
        planned = self.planned(**settings)
        self.now = planned.starts_at
        return self.starts(planned)

    def starts(self, contest: Contest) -> Contest:
        """All pages of the start."""
        cursor: str | None = None
        while True:
            cursor = start_contest(self.books, self.start, contest=contest.contest, cursor=cursor, now=self.now).cursor
            if cursor is None:
                return self.found(contest)

    def joins(self, contest: Contest, who: Member, shown_as: str = "") -> Entry:
        found = self.found(contest)
        return join_contest(
            self.books, member=who, contest=contest.contest, rules=rules_hash(found), shown_as=shown_as, now=self.now
        )

    def moves(self, contest: Contest, status: ContestStatus, **changes: Any) -> Contest:
        """The contest goes on."""
        before = self.found(contest)
        after = self.books.contests.move(before, replace(before, status=status, **changes), None, window=True)
        assert after is not None
        return after

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    # -------------------------------------------------------------------------------------------------------- then

    def found(self, contest: Contest) -> Contest:
        return self.books.contests.contest(contest.contest)

    def participants(self, contest: Contest) -> dict[str, int]:
        """Who takes part, and in which division."""
        entries = self.books.contests.entries(contest.contest)
        return {entry.partner: entry.division for entry in entries if entry.takes_part}

    def recorded(self, subject: str) -> list[tuple[str, str, str]]:
        """What was done, by whom and why; the newest first."""
        records = self.configuration.audit_of_subject(subject).items
        return [(each.action, each.by, each.why) for each in records]
