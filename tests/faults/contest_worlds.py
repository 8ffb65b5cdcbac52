"""Worlds for the schedules of contests: a brand whose partners compete, as it stands when the contest's time is over;
and, written down apart from the product, what must come of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from introducer.domain.configuration import DESK, Status
from introducer.domain.contest import Contest, Division, Metric, PrizeKind, Tie
from introducer.domain.events import LOT, Event, EventType
from introducer.store import keys
from introducer.store.facts import event_from_item
from introducer.store.wire import from_wire
from tests.conftest import Tables, create_table
from tests.support.builders import a_click, an_event
from tests.support.contest_builders import fixed, gift, share, threshold
from tests.support.contests import ENDS, STARTS, ContestWorld, a_contest
from tests.support.memory import Memory, served_by

FACTS, BOOKS = "facts", "books"
WORLDS = 48
"""So many different ones there are; each is used by many schedules."""
PARTNERS = tuple(f"par_{letter}" for letter in "abcdef")
HOUR = timedelta(hours=1)


@dataclass
class Play:
    """One world: what is in the tables, and what is yet to come."""

    memory: Memory
    contest: Contest
    links: Mapping[str, str]
    joined: Mapping[str, int]
    """Who takes part, and in which division."""
    pending: tuple[Event, ...]
    """Accepted in time, and not applied when the contest is frozen."""
    late: tuple[Event, ...]
    """Of moments that the contest is about, and accepted too late."""
    blocked: str
    """A partner that is blocked or suspended when the contest ends; empty for none."""
    owners: dict[str, str] = field(default_factory=dict)
    """Whose link each client's registration named."""


@lru_cache(maxsize=WORLDS)
def a_world(number: int) -> Play:
    """The world of a number."""
    chance = random.Random(f"world {number}")
    memory = Memory()
    with served_by(memory.client):
        for table, index in ((FACTS, False), (BOOKS, True)):
            create_table(memory.client, table, index)
        world = ContestWorld(Tables(FACTS, BOOKS, memory.client))
        world.partners(*PARTNERS)
        contest = _settings(chance)
        count = 0 if number % 16 == 7 else chance.randint(1, len(PARTNERS))
        joined = {each: chance.randrange(len(contest.divisions)) for each in chance.sample(PARTNERS, count)}
        world.contest(contest)
        for partner, division in sorted(joined.items()):
            world.joins(contest, partner, division)
        play = Play(memory, contest, dict(world.links), joined, (), (), "")
        in_time, late = _events(chance, play, world)
        pending = tuple(each for each in in_time if chance.random() < 0.06) if number % 3 == 0 else ()
        applied = [each for each in in_time if each not in pending]
        for client in sorted({each.client for each in applied}):
            own = [each for each in applied if each.client == client]
            world.now = max(each.accepted_at or each.occurred_at for each in own)
            # All of a client's that is not in time for the engine waits.
            if any(each.client == client for each in pending):
                pending += tuple(own)
            else:
                world.comes(*own)
        world.accepts_events(*pending)
        if joined and chance.random() < 0.3:
            play.blocked = chance.choice(sorted(joined))
            world.now = contest.ends_at
            world.stands(play.blocked, chance.choice([Status.SUSPENDED, Status.BLOCKED]), contest.counts_until)
        play.pending, play.late = pending, late
    return play


def _settings(chance: random.Random) -> Contest:
    weights = chance.choice(
        [
            ((Metric.FTD, 1000),),
            ((Metric.FTD, 1000),),
            ((Metric.DEPOSITS, 1000),),
            ((Metric.LOTS, 1000),),
            ((Metric.DEPOSITS, 10), (Metric.FTD, 3000), (Metric.LOTS, 1500)),
        ]
    )
    at_one_and_a_half = replace(threshold(0, 12_34), threshold=150)
    prizes = {
        "pool": (share(1, 50), share(2, 30), share(3, 20)),
        "equal pool": (share(1, 34), share(2, 22, 4)),
        "fixed": (fixed(1, 300_00), fixed(2, 33_33, 3)),
        "all": (share(1, 40, 2), share(3, 20), fixed(1, 50_01, 2), at_one_and_a_half, gift(1, "A watch", 2)),
        "gifts": (gift(1, "A bicycle"), threshold(1, 5_00)),
    }[chance.choice(["pool", "equal pool", "fixed", "all", "all", "gifts"])]  # fmt: skip
    pool = chance.choice([1_000_00, 100_01, 7, 333_33])
    divisions: tuple[Division, ...]
    if chance.random() < 0.3:
        divisions = (
            Division(name="Small", pool=pool, prizes=prizes),
            Division(name="Large", from_size=2, pool=99_99, prizes=(share(1, 60), share(2, 40))),
        )
    else:
        divisions = (Division(name="", pool=pool, prizes=prizes),)
    return a_contest(
        weights=weights, divisions=divisions, tie=chance.choice([Tie.SPLIT, Tie.SPLIT, Tie.FIRST]),
        minimum=chance.choice([0, 0, 0, 150]), grace_hours=chance.choice([1, 24]),
        prize_hold_days=chance.choice([0, 7]),
    )  # fmt: skip


def _events(chance: random.Random, play: Play, world: ContestWorld) -> tuple[list[Event], tuple[Event, ...]]:
    """What was accepted in time, and what comes too late."""
    in_time: list[Event] = []
    late: list[Event] = []
    frozen_at = play.contest.counts_until
    for number in range(chance.randint(3, 9)):
        client, partner = f"c{number}", chance.choice(PARTNERS)
        play.owners[client] = partner
        when = STARTS + timedelta(hours=chance.randint(-100, 14 * 24))
        of_client = _life(chance, world, client, partner, when, number)
        if chance.random() < 0.12:
            # All of it is news that nobody had in time.
            late += of_client
            continue
        for event in of_client:
            first = event.type is EventType.REGISTRATION
            (late if not first and chance.random() < 0.15 else in_time).append(event)
        if chance.random() < 0.2:
            to = chance.choice([each for each in PARTNERS if each != partner])
            since = when + timedelta(hours=chance.randint(-50, 150))
            move = an_event(
                "move", since, client=client, partner=to, starts_at=since, source=DESK, event_id=f"{client}-move"
            )
            (late if chance.random() < 0.5 else in_time).append(move)
        if chance.random() < 0.12:
            late.append(
                an_event(
                    "verdict", ENDS, client=client, status="disallowed", case="cas_1", reason="click_fraud",
                    source=DESK, event_id=f"{client}-verdict",
                )
            )  # fmt: skip
    accepted = [
        replace(each, accepted_at=min(frozen_at - timedelta(minutes=1), each.occurred_at + timedelta(seconds=2)))
        for each in in_time
        if each.occurred_at < frozen_at - timedelta(minutes=2)
    ]
    return accepted, tuple(late)


def _life(
    chance: random.Random, world: ContestWorld, client: str, partner: str, when: datetime, number: int
) -> list[Event]:
    events = [
        an_event(
            "registration", when, client=client, event_id=f"{client}-registered",
            click_id=a_click(when - HOUR, world.links[partner], number=number),
        )
    ]  # fmt: skip
    at = when
    for count in range(chance.choice([0, 1, 1, 1, 2, 3])):
        # Often of one size: so that there are ties.
        at += timedelta(hours=chance.randint(1, 60))
        amount = chance.choice(["100.00", "100.00", "50.00", "33.33"])
        events.append(an_event("deposit", at, client=client, event_id=f"{client}-dep{count}", amount=amount))
        if count and chance.random() < 0.4:
            back = at + timedelta(hours=chance.randint(1, 30))
            events.append(
                an_event(
                    "chargeback", back, client=client, event_id=f"{client}-back{count}", amount=amount,
                    ref=f"{client}-dep{count}",
                )
            )  # fmt: skip
    for count in range(chance.choice([0, 0, 1, 2])):
        at += timedelta(hours=chance.randint(1, 40))
        events.append(
            an_event(
                "trade", at, client=client, event_id=f"{client}-trade{count}", symbol="EURUSD", commission="1.00",
                lots=chance.choice(["0.10", "0.50", "1.00"]), account="1",
            )
        )  # fmt: skip
    return events


# ------------------------------------------------------------------------------------- what must come of it, apart


class Score(NamedTuple):
    """What a partner has, and the score in hundredths."""

    counts: Mapping[Metric, Fraction]
    score: int


def facts_of(tables: Tables) -> list[Event]:
    """Every event that stands in the tables."""
    events = []
    for item in tables.items(tables.facts):
        plain = from_wire(item)
        if plain[keys.PK].startswith("E#"):
            events.append(event_from_item(plain))
    return events


def naive_scores(play: Play, events: Iterable[Event], frozen_at: datetime) -> dict[str, Score]:
    """What each partner scored, by a plain reading of the rules: clients' events that were accepted before the freeze,
    in the contest's time, for whoever had the client then."""
    contest = play.contest
    by_client: dict[str, list[Event]] = {}
    for event in events:
        assert event.accepted_at is not None
        if event.accepted_at < frozen_at:
            by_client.setdefault(event.client, []).append(event)
    sums: dict[str, dict[Metric, Fraction]] = {}

    def add(partner: str, metric: Metric, value: Fraction) -> None:
        if metric in contest.metrics:
            of = sums.setdefault(partner, {})
            of[metric] = of.get(metric, Fraction(0)) + value

    for client, own in by_client.items():
        own.sort(key=lambda each: (each.occurred_at, each.event_id))
        registered = [each for each in own if each.type is EventType.REGISTRATION]
        if not registered or any(each.type is EventType.VERDICT for each in own):
            continue
        moves = sorted(
            (each.starts_at or each.occurred_at, each.partner or "") for each in own if each.type is EventType.MOVE
        )

        def holder(at: datetime, client: str = client, moves: Sequence[tuple[datetime, str]] = moves) -> str:
            held = play.owners[client]
            for since, partner in moves:
                if since <= at:
                    held = partner
            return held

        deposits = [each for each in own if each.type is EventType.DEPOSIT]
        if deposits and contest.starts_at <= deposits[0].occurred_at < contest.ends_at:
            add(holder(registered[0].occurred_at), Metric.FTD, Fraction(1))
        for event in own:
            inside = contest.starts_at <= event.occurred_at < contest.ends_at
            if event.type is EventType.DEPOSIT and inside:
                add(holder(event.occurred_at), Metric.DEPOSITS, Fraction(event.amount or 0, 100))
            elif event.type is EventType.TRADE and inside:
                add(holder(event.occurred_at), Metric.LOTS, Fraction(event.lots or 0, LOT))
            elif event.type is EventType.CHARGEBACK and contest.starts_at <= event.occurred_at < contest.counts_until:
                add(holder(event.occurred_at), Metric.DEPOSITS, -Fraction(event.amount or 0, 100))
    found = {}
    for partner, counts in sums.items():
        points = sum((counts.get(metric, Fraction(0)) * Fraction(weight, 1000) for metric, weight in contest.weights),
                     Fraction(0))  # fmt: skip
        found[partner] = Score(counts, (points * 100).__floor__())
    return found


class Won(NamedTuple):
    """What a division must pay: in shares of its pool, in fixed amounts, for thresholds; and how many gifts."""

    pool: int
    fixed: int
    thresholds: int
    gifts: int
    ranked: int


def naive_prizes(contest: Contest, number: int, scores: Sequence[int]) -> Won:
    """What a division pays in all, for the scores of those who take part in it and are not set aside."""
    least = max(contest.minimum, 100 if contest.metrics == {Metric.FTD} else 1)
    ranked = sorted((each for each in scores if each >= least), reverse=True)
    division = contest.divisions[number]
    of_fixed = of_thresholds = gifts = 0
    for prize in division.prizes:
        stands = max(0, min(prize.last, len(ranked)) - prize.first + 1)
        if prize.kind is PrizeKind.FIXED:
            of_fixed += stands * prize.amount
        elif prize.kind is PrizeKind.GIFT:
            gifts += stands
        elif prize.kind is PrizeKind.THRESHOLD:
            of_thresholds += prize.amount * sum(1 for each in ranked if each >= prize.threshold)
    shared = any(prize.kind is PrizeKind.SHARE for prize in division.prizes)
    return Won(division.pool if shared and ranked else 0, of_fixed, of_thresholds, gifts, len(ranked))
