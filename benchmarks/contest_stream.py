"""A contest on a local cloud of its own: events come by HTTP, stream and engine count them, and the state machine walks
the contest from its approval to the last prize. Nothing of it is done in this process but looking."""

from __future__ import annotations

import json
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import gateway
from benchmarks.contests import (
    BOARDS,
    GROWN,
    LAST,
    LATE,
    POOL,
    SCORING,
    SEED,
    STREAM_EVENTS,
    STREAM_PARTNERS,
    Found,
    a_contest,
    check,
    differences,
    read_page,
)
from benchmarks.meter import kind_of
from benchmarks.payouts import Reads, hold_listeners, through
from benchmarks.units import item_size
from benchmarks.world import TWO_RULES, Client, World
from introducer.domain import click_id
from introducer.domain.board import PART, Row
from introducer.domain.configuration import Member, Role
from introducer.domain.contest import Contest, ContestStatus
from introducer.domain.events import day_of, milliseconds
from introducer.domain.ids import new_id
from introducer.gateways.workflows import Workflows
from introducer.services.accept_events import MOST_EVENTS
from introducer.services.approve_contest import approve_contest
from introducer.services.contest_books import ContestBooks
from introducer.services.draft_contest import draft_contest
from introducer.services.read_contracts import click_keys
from introducer.store import keys
from introducer.store.event_counts import count_key
from introducer.store.wire import to_wire
from introducer_ops.localcloud import LocalCloud
from tests.support.scenario import the_stacks_account

CLONED = frozenset({"partner", "card", "balance", "deal", "link"})
PATIENCE = 900.0
"""Seconds until what does not come on is given up."""


def by_the_stream(
    partners: int = STREAM_PARTNERS, events: int = STREAM_EVENTS, tell: Callable[[str], None] = lambda text: None
) -> Found:
    """A contest of so many partners, with so many events that score."""
    found = Found(partners, events)
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start(Path(folder)) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            hold_listeners(stack)
            world = World(stack)
            stack.clock.set(0)
            _Rush(world, found, tell).run()
    check(found)
    return found


class _Rush:
    def __init__(self, world: World, found: Found, tell: Callable[[str], None]) -> None:
        self.world, self.found, self.tell = world, found, tell
        self.clock = world.stack.clock
        self.chance = random.Random(SEED)
        secret = world.stack.client("secretsmanager").get_secret_value(
            SecretId=world.stack.outputs["ClickKeySecretName"]
        )
        document = json.loads(secret["SecretString"])
        self.number, self.keys = int(document["current"]), click_keys(document)
        self.codes: dict[str, str] = {}
        """Of each partner's link."""
        self.starts = (self.clock.now() + timedelta(minutes=15)).replace(second=0, microsecond=0)
        self.ends = self.starts + timedelta(days=2)

    def run(self) -> None:
        self.tell(f"{self.found.partners:,} partners")
        self.seed()
        contest = self.plan()
        # How long an execution waits it reckons from the clock as it is then.
        self.until("execution that waits", lambda: self.contest(contest).token)
        self.clock.set_to(self.starts + timedelta(minutes=1))
        self.until("the start", lambda: self.contest(contest).status is ContestStatus.RUNNING)
        self.live()
        self.tell("reading all pages of the board")
        board = self.board(contest)
        self.tell("counting them from the facts")
        self.clock.set_to(self.ends + timedelta(hours=24, minutes=1))
        self.until("the freeze", lambda: self.contest(contest).status is not ContestStatus.RUNNING)
        began = time.monotonic()
        self.until("a result", lambda: self.contest(contest).status is ContestStatus.PROVISIONAL, timedelta(minutes=1))
        self.found.recount_s = time.monotonic() - began
        published = self.contest(contest)
        self.found.ranked = sum(bool(each.rank) for each in self.books().results.all_results(published))
        self.found.differences = differences(self.books(), published, board)
        self.tell("paying the prizes")
        assert published.objections_until is not None
        self.clock.set_to(published.objections_until + timedelta(minutes=1))
        self.until("end", lambda: self.contest(contest).status is ContestStatus.DONE, timedelta(minutes=1))
        paid = sum(award.amount for award in self.books().results.awards_of_contest(contest, limit=100).items)
        if paid != 2 * POOL:
            raise RuntimeError(f"of the pools of {2 * POOL} {paid} were paid")

    # -------------------------------------------------------------------------------------------------------- before

    def seed(self) -> None:
        """Partners with deals in force and a link each; every fourth brought clients before."""
        model, code = self.world.a_partner(TWO_RULES, "Amberfield Media")
        client, table = self.world.stack.client("dynamodb"), self.world.stack.outputs["BooksTableName"]
        pages = client.get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"] if model in json.dumps(item)]
        text = json.dumps([item for item in items if kind_of(item) in CLONED])
        day = (self.starts - timedelta(days=9)).date().isoformat()

        def put(number: int) -> None:
            partner = model if number == 0 else new_id("par", 1_750_000_000_000 + number, secrets.token_bytes(10))
            own = code if number == 0 else f"B{number:07d}"
            self.codes[partner] = own
            puts = json.loads(text.replace(model, partner).replace(code, own))
            if number % 4 == 0:
                puts.append(to_wire({**count_key(partner, day, own).item(), "ftd": GROWN}))
            client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": each}} for each in puts]})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, range(self.found.partners)))

    def plan(self) -> str:
        """A contest that a second person has approved, and whose execution waits for the start."""
        states = self.world.stack.client("stepfunctions")
        workflows = Workflows(states, self.world.stack.outputs["ContestCloseMachineArn"])
        books, now = self.books(), self.clock.now()
        drafted = draft_contest(
            books, member=self.member(Role.MANAGER), draft=a_contest(self.world.brand, self.starts, self.ends), now=now
        )
        return approve_contest(
            books,
            lambda name, given: workflows.start(name, given).name,
            member=self.member(Role.FINANCE),
            contest=drafted.contest,
            version=drafted.version,
            now=now,
        ).contest

    # ---------------------------------------------------------------------------------------------------- what happens

    def live(self) -> None:
        """All events are posted and applied, some of them after the end."""
        in_time, late = [], []
        for number, life in enumerate(self.lives()):
            cut = LAST if number % LATE == 0 else 0
            in_time.append(life[: len(life) - cut])
            late += life[len(life) - cut :]
        self.tell(f"{self.found.events:,} events that score")
        began = time.monotonic()
        self.clock.set_to(self.ends - timedelta(hours=1))
        self.post([event for life in in_time for event in life])
        self.applied()
        seconds = time.monotonic() - began
        self.clock.set_to(self.ends + timedelta(hours=1))
        began = time.monotonic()
        self.post(late)
        self.applied()
        self.found.events_per_s = self.world.sent / (seconds + time.monotonic() - began)

    def lives(self) -> Iterator[list[dict[str, Any]]]:
        """What happens to all clients: registration, approval, and events that score."""
        for code in self.codes.values():
            for nth in range(self.found.events // self.found.partners // SCORING):
                at = self.starts + timedelta(minutes=self.chance.randrange(30, 36 * 60))
                click = click_id.mint(
                    key_number=self.number,
                    key=self.keys[self.number],
                    link_id=code,
                    at_ms=milliseconds(at - timedelta(minutes=20)),
                    random=self.chance.randbytes(3),
                    flagged=False,
                )
                client = Client(f"{code}-{nth}", click, at, self.chance)
                life = [*client.beginning(), *client.trades(SCORING - 2)]
                back = self.chance.random() < 0.1
                yield [*life, client.chargeback(life[2]) if back else client.trades(1)[0]]

    def post(self, events: list[dict[str, Any]]) -> None:
        requests = [
            self.world.post(*events[start : start + MOST_EVENTS]) for start in range(0, len(events), MOST_EVENTS)
        ]
        gateway.send(self.world.stack.portal_url, requests, gateway.Sample())
        self.world.sent += len(events)

    def applied(self) -> None:
        self.until("count of all events", self.world.all_applied)

    # ------------------------------------------------------------------------------------------------------ looking

    def board(self, contest: str) -> dict[int, list[Row]]:
        """What all pages of all divisions show, and what making and reading them took."""
        found, rows = self.found, {}
        with Reads(self.world.stack) as meter, through(meter):
            books = self.books()
            entries = {entry.partner: entry.division for entry in books.contests.entries(contest) if entry.takes_part}
            for division in range(2):
                seconds = []
                for _ in range(BOARDS):
                    self.clock.advance(60)
                    meter.calls.clear()
                    began = time.monotonic()
                    first = read_page(books, contest, division, 1, self.member(Role.MANAGER), self.clock.now())
                    seconds.append(time.monotonic() - began)
                if first.participants > found.board_rows:
                    found.board_rows, found.board_ms = first.participants, median(seconds) * 1000
                    found.build_reads = _reads(meter)
                    found.board_bytes = sum(
                        self.size(keys.key("board", contest=contest, division=division, part=part))
                        for part in range(-(-first.participants // PART))
                    )
                at = self.clock.now()
                partners = [partner for partner, own in entries.items() if own == division]
                rows[division] = []
                for page in range(1, first.pages + 1):
                    owner = self.member(Role.OWNER, partners[page * 17 % len(partners)])
                    for member in (self.member(Role.MANAGER), owner):
                        meter.calls.clear()
                        # All at one moment: the board that was just made is what is read, however slow this machine is.
                        shown = read_page(books, contest, division, page, member, at)
                        found.page_reads = max(found.page_reads, _reads(meter))
                        if member is not owner:
                            found.pages += 1
                            rows[division] += [
                                Row(row.rank, row.partner, row.shown_as, row.score) for row in shown.rows
                            ]
                        elif shown.own is None:
                            raise RuntimeError(f"{owner.partner} does not see its own place")
        return rows

    def size(self, key: keys.Key) -> int:
        table = self.world.stack.outputs["BooksTableName"]
        got = self.world.stack.client("dynamodb").get_item(TableName=table, Key=to_wire(key.item()))
        return item_size(got["Item"])

    def books(self) -> ContestBooks:
        outputs = self.world.stack.outputs
        return ContestBooks.of(
            outputs["FactsTableName"],
            outputs["BooksTableName"],
            elapsed=time.monotonic,
            today=lambda: day_of(self.clock.now()),
        )

    def contest(self, contest: str) -> Contest:
        return self.books().contests.contest(contest)

    def member(self, role: Role, partner: str | None = None) -> Member:
        return Member(
            member=f"mem_{role.value}", partner=partner, brand=self.world.brand, role=role, name="", language="en"
        )

    def until(self, what: str, answer: Callable[[], object], step: timedelta = timedelta()) -> None:
        """Ask until the answer is true; the clock goes on by a step each time."""
        deadline = time.monotonic() + PATIENCE
        while not answer():
            if time.monotonic() > deadline:
                raise RuntimeError(f"after {PATIENCE:.0f} s there is no {what}")
            time.sleep(0.25)
            if step:
                self.clock.advance(step.total_seconds())


def _reads(meter: Reads) -> int:
    return sum(count for operation, count in meter.calls.items() if operation in ("GetItem", "Query", "BatchGetItem"))
