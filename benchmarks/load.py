"""Requests per second and latency of redirect and postback through the local gateway, beside a bare put."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median

from benchmarks.gateway import Request, Sample, send
from benchmarks.meter import signed
from benchmarks.world import World, until
from benchmarks.writes import ENGINE, ROLLUP, counted_since, held, log_end
from introducer.store import keys
from introducer_ops.localcloud import Stack

ROUNDS = 5
VISITS, POSTS, PUTS = 400, 120, 400
"""Requests in a round."""
CLICKS = ROUNDS * VISITS
WARM_UP = 60
TRADERS = 40
TABLE = "bench"


@dataclass
class Load:
    """A path and the baseline whose rounds it took turns with."""

    path: Sample = field(default_factory=Sample)
    put: Sample = field(default_factory=Sample)

    @property
    def ratio(self) -> float:
        """The path's median time over the put's of the same round, median of the rounds."""
        return median(median(path) / median(put) for path, put in zip(self.path.rounds, self.put.rounds, strict=True))


def postback(world: World) -> Load:
    """Signed posts of one event each. Engine and rollup wait meanwhile: on AWS they have machines of their own."""
    found = Load()
    with held(world.stack, ENGINE, ROLLUP):
        send(world.stack.portal_url, _posts(world, WARM_UP), Sample())
        for _ in range(ROUNDS):
            send(world.stack.endpoint, _puts(world.stack), found.put)
            send(world.stack.portal_url, _posts(world, POSTS), found.path)
    world.settled()
    return found


def redirect(world: World) -> Load:
    """Visits to the links in turn. Rollup must be held already: `CLICKS` clicks then wait for it."""
    found = Load()
    for _ in range(ROUNDS):
        send(world.stack.endpoint, _puts(world.stack), found.put)
        send(world.stack.portal_url, world.visits(VISITS), found.path)
    return found


def warm_up(world: World) -> None:
    """Start the redirect's workers, and wait until rollup has counted these clicks."""
    begin = log_end(world.stack, ROLLUP)
    send(world.stack.portal_url, world.visits(WARM_UP), Sample())
    until("count of the first clicks", lambda: sum(counted_since(world.stack, begin)) >= WARM_UP)


def _posts(world: World, count: int) -> list[Request]:
    world.sent += count
    events = (world.a_deposit(f"trader-{world.chance.randrange(TRADERS)}") for _ in range(count))
    return [world.post(event) for event in events]


def prepare(stack: Stack) -> None:
    """Make the table that the bare puts go to: no index, no stream."""
    stack.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (keys.PK, keys.SK)],
        KeySchema=[
            {"AttributeName": keys.PK, "KeyType": "HASH"},
            {"AttributeName": keys.SK, "KeyType": "RANGE"},
        ],
    )


def _puts(stack: Stack) -> list[Request]:
    """Puts of an item as big as a click, signed beforehand: what the emulator alone takes."""
    requests = []
    for number in range(PUTS):
        item = {"pk": {"S": f"C#{number:08}"}, "sk": {"S": "x"}, "rest": {"S": "x" * 450}}
        body = json.dumps({"TableName": TABLE, "Item": item}).encode()
        requests.append(Request("POST", "/", signed(stack, "PutItem", body), body, 200))
    return requests
