"""Outbound postbacks in this process: a house whose stream is told to targets, a queue that a test looks into, and a
sender whose clock stands unless the queue makes it wait.

    with an_outbound() as world:
        target = world.target("https://track.example.com/?cid={click_id}")
        world.house.posts(a_registration("10234", click_id=click))
        world.tells(), world.sends()
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from introducer.domain.configuration import Member, Role
from introducer.domain.errors import IntroducerError
from introducer.domain.events import milliseconds
from introducer.domain.postback_out import Delivery, Gate, Message, Method, Target, Told, secrets_now
from introducer.services.edit_targets import TargetBooks, Wish, add_target
from introducer.services.send_postback import Outcome, Sender
from introducer.services.tell_targets import Teller
from introducer.store.deliveries import Deliveries, news_of_image
from introducer.store.targets import Targets
from tests.support.house import BRAND, KEY, PARTNER, House, a_house

EVERYTHING = frozenset(Told)


class Said(NamedTuple):
    """What a target answers."""

    status: int = 200
    body: bytes = b"OK"


Answers = Callable[[Message], Said]


def fails(code: str) -> Answers:
    """A target that nothing comes of."""

    def answer(message: Message) -> Said:
        raise IntroducerError("Nothing came of it.", code=code)

    return answer


def a_member(partner: str | None = PARTNER, role: Role = Role.OWNER) -> Member:
    return Member(member=f"mem_{role.value}", partner=partner, brand=BRAND, role=role, name="Ann", language="en")


@dataclass
class Outbound:
    """Within `an_outbound`."""

    house: House
    queue: list[tuple[int, str]] = field(default_factory=list)
    """When a message is seen (ms), and what it says."""
    sent: list[Message] = field(default_factory=list)
    by_host: dict[str, Answers] = field(default_factory=dict)
    """What a host answers; those not named take everything."""
    took: dict[str, float] = field(default_factory=dict)
    """How long a host takes (s)."""
    elapsed: float = 0.0
    told: int = 0
    """How far in the stream of BOOKS everything is told."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> datetime:
        return self.house.now

    @property
    def targets(self) -> Targets:
        return Targets("books")

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries("books")

    @property
    def books(self) -> TargetBooks:
        return TargetBooks(
            configuration=self.house.configuration, targets=self.targets, clock=lambda: self.house.now,
            random=lambda size: next(self._numbers).to_bytes(size, "big"),
        )  # fmt: skip

    def target(self, url: str = "https://track.example.com/?cid={click_id}&e={event}", *, partner: str | None = PARTNER,
               events: frozenset[Told] = EVERYTHING, campaigns: frozenset[str] = frozenset(),
               method: Method = Method.GET) -> Target:  # fmt: skip
        """A new target of a partner, or of the brand."""
        member = a_member(partner, Role.OWNER if partner else Role.ADMIN)
        wish = Wish(name="Tracker", url=url, method=method, events=events, campaigns=campaigns)
        return add_target(self.books, member, wish)

    def enqueue(self, body: str, delay: int) -> None:
        self.queue.append((milliseconds(self.now) + min(delay, 900) * 1000, body))

    @property
    def teller(self) -> Teller:
        house = self.house
        return Teller(
            configuration=house.configuration, targets=self.targets, deliveries=self.deliveries, clients=house.clients,
            clicks=house.clicks, send=self.enqueue, now_ms=lambda: milliseconds(self.now), elapsed=lambda: 0.0,
        )  # fmt: skip

    @property
    def sender(self) -> Sender:
        return Sender(
            targets=self.targets, deliveries=self.deliveries, exchange=self.exchange,
            secrets=lambda target, now: secrets_now(KEY, target, now), send=self.enqueue, now=lambda: self.now,
            true_now=lambda: self.now, elapsed=lambda: self.elapsed, chance=lambda: 0.5,
        )  # fmt: skip

    def exchange(self, message: Message) -> Said:
        host = message.url.split("/")[2]
        self.sent.append(message)
        self.elapsed += self.took.get(host, 0.01)
        return self.by_host.get(host, lambda _: Said())(message)

    # ------------------------------------------------------------------------------------------------- what happens

    def tells(self, *, again: bool = False) -> int:
        """The outbox takes what the stream has shown since, or all of it again; how many targets are told."""
        stream = self.house.memory.tables["books"].stream
        new = stream if again else stream[self.told :]
        self.told = len(stream)
        teller = self.teller
        return sum(teller.tell(news) for record in new for news in news_of_image(record.new or {}) or ())

    def sends(self) -> list[Outcome]:
        """All messages that are to be seen now are taken, the oldest first."""
        outcomes = []
        while seen := sorted(each for each in self.queue if each[0] <= milliseconds(self.now)):
            self.queue.remove(seen[0])
            outcomes.append(self.sender.take(json.loads(seen[0][1])))
        return outcomes

    def passes(self, **time: float) -> list[Outcome]:
        """The clock goes on, and stops wherever a message is to be seen."""
        end, outcomes = self.now + timedelta(**time), self.sends()
        while self.queue and (due := min(self.queue)[0]) <= milliseconds(end):
            self.house.now = self.now + timedelta(milliseconds=max(0, due - milliseconds(self.now)))
            outcomes += self.sends()
        self.house.now = end
        return outcomes

    # --------------------------------------------------------------------------------------------- what there is of it

    def log(self, target: Target) -> list[Delivery]:
        """What a target was told, oldest first."""
        return list(reversed(self.deliveries.of_target(target.target).items))

    def gate(self, target: Target) -> Gate:
        return self.targets.gate(target.of, target.target)

    def now_is(self, target: Target) -> Target:
        return self.targets.target(target.of, target.target)

    def hosts(self) -> list[str]:
        return [each.url.split("/")[2] for each in self.sent]

    def items(self, *kinds: str) -> list[dict[str, Any]]:
        return self.house.of_kind(*kinds)


@contextmanager
def an_outbound() -> Iterator[Outbound]:
    """A house that has just opened, with everything told that there is of it."""
    with a_house() as house:
        world = Outbound(house)
        world.told = len(house.memory.tables["books"].stream)
        yield world
