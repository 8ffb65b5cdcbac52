"""Write units of the product's paths: the deployed functions at work, with the meter between them and DynamoDB."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from benchmarks.gateway import Sample, send
from benchmarks.meter import Meter, Write
from benchmarks.world import DAYS, SEED, THREE_RULES, TWO_RULES, Client, World, until
from introducer.domain.contest import Metric
from introducer.services.accept_events import MOST_EVENTS
from introducer_ops.localcloud import Stack

REDIRECT, POSTBACK, ENGINE, ROLLUP = "RedirectFunction", "PostbackFunction", "EngineFunction", "RollupFunction"
INTAKE = "IntakeFunction"
CLICKS = 140
BATCHES = 2
"""Batches of ten trades after a client's first ten events."""
USUAL, THREE, LONG, OLD = "usual", "three_rules", "long_ids", "half_year"
"""Cases: the one that figures are given for, and what makes it dearer."""
OLD_TRADES = 360
"""Of the usual case's client, before it is measured again as an old one."""


class Case(NamedTuple):
    deal: dict[str, Any]
    long_ids: bool
    said: str


CASES = {
    USUAL: Case(TWO_RULES, False, "a deal of cpa and revshare, event ids of ten digits"),
    THREE: Case(THREE_RULES, False, "a deal of cpa, revshare and lot, event ids of ten digits"),
    LONG: Case(TWO_RULES, True, "a deal of cpa and revshare, event ids that are UUIDs"),
}


@dataclass
class Events:
    """What events cost in one case. Units are per event."""

    alone: list[float] = field(default_factory=list)
    """Of postback and engine, each event by itself."""
    alone_counted: list[float] = field(default_factory=list)
    """Of rollup, for the same events."""
    together: list[float] = field(default_factory=list)
    """Of postback and engine, by batch of ten."""
    together_counted: list[float] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)
    """Units by kind of item, of all events alone; of postback and engine."""
    journals: list[int] = field(default_factory=list)
    """Bytes of the journals that the batches of ten made."""
    features: dict[str, list[float]] = field(default_factory=lambda: {"alone": [], "together": []})
    """Of these, what detectors alone look at: traces and persons. Units per event."""
    state_bytes: int = 0
    """Of the client's state after its batches."""


def clicks(world: World, meter: Meter) -> list[Write]:
    """All writes for `CLICKS` visits: the redirect's, and for clicks that it gave to the queue those of the drain."""

    begin = len(meter.writes)

    def recorded() -> list[Write]:
        return [each for each in meter.writes[begin:] if each.kind == "click" and each.function in (REDIRECT, INTAKE)]

    with meter.counting():
        send(world.stack.portal_url, world.visits(CLICKS), Sample())
        until(f"{CLICKS} clicks", lambda: sum(not write.refused for write in recorded()) >= CLICKS)
    return recorded()


def counters(world: World, meter: Meter, waiting: int) -> tuple[list[Write], list[int]]:
    """Rollup's writes for the clicks that wait in the stream, and how many clicks each of its batches had."""
    begin = log_end(world.stack, ROLLUP)
    with meter.counting() as writes:
        world.stack.mapping(ROLLUP).enable()
        until(f"count of {waiting} clicks", lambda: sum(counted_since(world.stack, begin)) >= waiting)
    return [write for write in writes if write.function == ROLLUP], counted_since(world.stack, begin)


def log_end(stack: Stack, function: str) -> int:
    """Where a function's log ends now."""
    log = stack.log(function)
    return log.stat().st_size if log.exists() else 0


def counted_since(stack: Stack, begin: int) -> list[int]:
    """Clicks that each of rollup's invocations has counted since then, by its own metric."""
    log = stack.log(ROLLUP)
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").splitlines()
    metrics = (json.loads(line) for line in lines if '"ClicksCounted"' in line and line.endswith("}"))
    counts = (metric["ClicksCounted"] for metric in metrics)
    return [round(sum(count) if isinstance(count, list) else count) for count in counts]


def events(world: World, meter: Meter) -> dict[str, Events]:
    """What events cost in each case: one by one, and ten of one client together; and the same client half a year on."""
    found = {name: Events() for name in (*CASES, OLD)}
    clients = {}
    for name, case in CASES.items():
        _, code = world.a_partner(case.deal, f"Measured as {name}")
        clients[name] = [world.a_client(f"{way}-{name}", code, case.long_ids) for way in ("alone", "together")]
    world.stack.clock.advance(2 * 3600)
    for name, (one, other) in clients.items():
        _alone(world, meter, one, found[name])
        # The registration and the first trades come as one batch too; then whole batches of trades.
        _together(world, meter, other, found[name], [*other.beginning(), *other.trades(7)])
        for _ in range(BATCHES):
            _together(world, meter, other, found[name], other.trades(10))
    _, old = clients[USUAL]
    world.stack.clock.set(0)
    half_a_year = old.trades(OLD_TRADES, timedelta(days=DAYS - 2) / OLD_TRADES)
    for start in range(0, OLD_TRADES, MOST_EVENTS):
        world.send(*half_a_year[start : start + MOST_EVENTS])
    world.settled()
    for _ in range(BATCHES):
        _together(world, meter, old, found[OLD], old.trades(10))
    return found


@dataclass
class Scores:
    """What events that score cost more than the same ones without a contest. Units per event."""

    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    """By batch of ten."""
    by_kind: Counter[str] = field(default_factory=Counter)
    """Units more by kind of item, of all events alone."""
    state_bytes: dict[str, int] = field(default_factory=dict)
    """Of the largest state of the clients before there was a contest (`unscored`), and in one (`contests`)."""


def scores(world: World, meter: Meter) -> Scores:
    """What it costs that a contest counts: the same events, of clients of two partners, before there is one and while
    one runs that all of them score in."""
    lives, found = {}, Scores()
    for name, contest in (("unscored", False), ("contests", True)):
        _, code = world.a_partner(TWO_RULES, f"Measured as {name}")
        clients = [world.a_client(f"{way}-{name}", code) for way in ("alone", "together")]
        if contest:
            world.plan_contest(frozenset(Metric))
            # What an engine knows of a brand's contests it keeps for a minute: new containers ask at once.
            meter.attach(ENGINE)
        world.stack.clock.advance(2 * 3600)
        begin = len(meter.writes)
        lives[name] = [_life(world, meter, client, alone) for client, alone in zip(clients, (True, False), strict=True)]
        found.state_bytes[name] = max(write.size for write in meter.writes[begin:] if write.kind == "client")
    (alone, together), (alone_scored, together_scored) = lives["unscored"], lives["contests"]
    for before, after in zip(alone, alone_scored, strict=True):
        found.alone.append(float(after.total() - before.total()))
        found.by_kind.update(after)
        found.by_kind.subtract(before)
    found.together = [
        (after.total() - before.total()) / 10 for before, after in zip(together, together_scored, strict=True)
    ]
    return found


def _life(world: World, meter: Meter, client: Client, alone: bool) -> list[Counter[str]]:
    """Units by kind of item, of postback and engine: of a first deposit and nine trades one by one, or of as many
    batches of ten trades. The same client twice, but for who it is."""
    another = client.person()
    client.chance = random.Random(SEED)
    registration, approval, deposit = client.beginning()
    world.deliver(registration | another, approval)
    if alone:
        batches = [[event] for event in (deposit, *client.trades(9))]
    else:
        world.deliver(deposit)
        batches = [client.trades(10) for _ in range(BATCHES)]
    found = []
    for batch in batches:
        with meter.counting() as writes:
            if alone:
                world.deliver(*batch)
            else:
                with held(world.stack, ENGINE, ROLLUP):
                    world.send(*batch)
                world.settled()
        units: Counter[str] = Counter()
        for write in writes:
            if write.function in (POSTBACK, ENGINE):
                units[write.kind] += write.units
        found.append(units)
    return found


def _alone(world: World, meter: Meter, client: Client, found: Events) -> None:
    for event in [*client.beginning(), *client.trades(6), client.withdrawal()]:
        with meter.counting() as writes:
            world.deliver(event)
        found.alone.append(_units(writes, POSTBACK, ENGINE))
        found.features["alone"].append(_units_of_features(writes))
        found.alone_counted.append(_units_of_intake(writes))
        for write in writes:
            if write.function != ROLLUP:
                found.by_kind[f"{write.kind} refused" if write.refused else write.kind] += write.units


def _together(world: World, meter: Meter, client: Client, found: Events, batch: Sequence[dict[str, Any]]) -> None:
    with meter.counting() as writes:
        with held(world.stack, ENGINE, ROLLUP):
            world.send(*batch)
        world.settled()
    found.together.append(_units(writes, POSTBACK, ENGINE) / len(batch))
    found.features["together"].append(_units_of_features(writes) / len(batch))
    found.together_counted.append(_units_of_intake(writes) / len(batch))
    found.journals += [write.size for write in writes if write.kind == "journal"]
    found.state_bytes = max(write.size for write in writes if write.kind == "client")


@contextmanager
def held(stack: Stack, *functions: str) -> Iterator[None]:
    """The stream waits for these functions meanwhile, and reaches them in full batches afterwards."""
    mappings = [stack.mapping(function) for function in functions]
    for mapping in mappings:
        mapping.disable()
    yield
    for mapping in mappings:
        mapping.enable()


def _units(writes: Sequence[Write], *functions: str) -> float:
    return float(sum(write.units for write in writes if write.function in functions))


def _units_of_intake(writes: Sequence[Write]) -> float:
    return float(sum(write.units for write in writes if write.function == ROLLUP and write.kind == "intake_day"))


def _units_of_features(writes: Sequence[Write]) -> float:
    return float(sum(write.units for write in writes if write.kind in ("trace", "person")))
