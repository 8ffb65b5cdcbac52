"""What the detectors find in a world, and what they do not: every partner of whom there is news is scored at the end of
each UTC day, as the daily sweep does.

One case at most is open per partner; what is found meanwhile joins it. A manager who is always right decides it on the
third day: those who should earn nothing are disallowed; where there are none the case is released, and its detectors
are told to look only at what comes after.

What the words mean here:

- A **finding is right** when at least half of the clients it names are labelled; one that names nobody (it is about
  traffic, or the account), when the partner is in the course of an attack that this detector is there for.
- A **case is right** likewise, by all clients that its findings name together. Any other case is imprecise.
- An **attack is found** by the first right case about one of its partners, from its first day on, that has at least a
  quarter of its clients so far in it.
- A **false hold** is a case about a partner that does not attack, or has not begun to. An imprecise case about one that
  does counts against precision, and is no false hold.
- **What escapes** is what the books owe at the end for labelled clients who were in no case.
- **In time** is money that was in a case on the day of the first payout that could have had it in it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.fraud.attacks import KINDS, Attack
from benchmarks.fraud.brand import Brand
from benchmarks.fraud.world import World
from introducer.domain.calendar import plus_months
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.seen import Seen
from introducer.domain.ledger import Key

Score = Callable[[Seen], Sequence[Finding]]

WARM_UP = 14
"""Days of scoring before the first that is judged."""
DECIDED_AFTER = 3
PAYDAY = 15
"""Of the month: what is available by then is paid."""
MOSTLY, ENOUGH = 0.5, 0.25
EURO = {"EUR": 100, "USD": 85, "GBP": 115}
"""Euro cents to a unit, for adding up; no rate that anything depends on."""


@dataclass(slots=True)
class Named:
    """What one detector said in a case."""

    clients: set[str] = field(default_factory=set)
    whole: bool = False
    """Whether it said something about the partner, and named nobody."""


@dataclass(slots=True)
class Run:
    """A case of the world."""

    partner: str
    opened: int
    """The day, counted from the first that is judged."""
    named: dict[str, Named] = field(default_factory=dict)
    decided: int | None = None
    right: bool = False
    about: str = ""
    """The kind of the attack that the partner was in the course of; empty: of none."""
    labelled: int = 0
    clients: int = 0
    """How many clients it named, and how many of them are labelled."""

    @property
    def everybody(self) -> set[str]:
        return set().union(*(each.clients for each in self.named.values()))

    @property
    def whole(self) -> bool:
        return any(each.whole for each in self.named.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attack. Days count from its first."""

    kind: str
    variant: str
    size: float
    pure: bool
    partner: str
    clients: int
    found: int | None
    """When a right case about it was opened; None: never."""
    found_by: tuple[str, ...]
    by_own: int | None
    """When a detector that is there for it said so, rightly; None: never."""
    ripe: int | None
    """When what passes for suspicious was there."""
    caught: int
    """Clients in a case."""
    money: int
    escaped: int
    in_time: int
    """Euro cents: what it earned in all; what of it was in no case; what was in one before it could be paid."""


@dataclass(frozen=True, slots=True)
class FindingCount:
    """What a detector said, case by case."""

    right: int = 0
    wrong: int = 0
    on_honest: int = 0
    """Of the wrong ones, those about partners that do not attack."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said about one world."""

    seed: int
    outcomes: tuple[Outcome, ...]
    cases: tuple[Run, ...]
    """Those opened on days that are judged."""
    before: int
    """Cases opened while warming up."""
    findings: dict[str, FindingCount]
    honest_months: float
    """Months of 30 days of partners that do not attack, or not yet."""
    events: int
    clients: int
    scorings: int
    seconds: float
    scoring_seconds: float


class Sweep:
    """The days of a world, one after the other."""

    def __init__(self, world: World, score: Score) -> None:
        self.world, self.score = world, score
        self.brand = Brand(world.facts)
        self.open: dict[str, Run] = {}
        self.runs: list[Run] = []
        self.cleared: dict[str, dict[str, str]] = defaultdict(dict)
        self.settled: dict[str, dict[str, str]] = defaultdict(dict)
        self.attack_of: dict[str, Attack] = {name: attack for attack in world.attacks for name in attack.partners}
        self.caught: dict[str, int] = {}
        """By client, the day on which it came into a case."""
        self.stopped: dict[str, dict[Key, int]] = {}
        """What a disallowed client had earned."""
        self.found: dict[int, tuple[int, tuple[str, ...]]] = {}
        self.by_own: dict[int, int] = {}
        self.scorings = 0
        self.scoring_seconds = 0.0

    def go(self) -> None:
        """From warming up to the last day."""
        first = max(1, self.world.history - WARM_UP)
        self.brand.until(first - 1)
        for day in range(first, self.world.facts.days):
            self.brand.until(day)
            for run in [run for run in self.open.values() if run.opened + DECIDED_AFTER <= day]:
                self._decide(run, day)
            self.brand.look_around()
            news, self.brand.touched = sorted(self.brand.touched), set()
            for partner in news:
                self._score(partner, day)
        for run in self.open.values():
            self._weigh(run, self.world.facts.days - 1)

    def attacking(self, partner: str, day: int) -> Attack | None:
        """The attack that a partner is in the course of."""
        attack = self.attack_of.get(partner)
        return attack if attack is not None and attack.first_day <= day else None

    def _score(self, partner: str, day: int) -> None:
        seen = self.brand.seen(partner, dict(self.cleared[partner]), dict(self.settled[partner]))
        began = time.process_time()
        findings = self.score(seen)
        self.scoring_seconds += time.process_time() - began
        self.scorings += 1
        if not findings:
            return
        run = self.open.get(partner)
        if run is None:
            run = self.open[partner] = Run(partner, day)
            self.runs.append(run)
        for finding in findings:
            named = run.named.setdefault(finding.detector, Named())
            named.clients.update(finding.clients)
            named.whole = named.whole or not finding.clients
        self._note(run, day)

    def _note(self, run: Run, day: int) -> None:
        """What the case means for the attack that it may be about."""
        attack = self.attacking(run.partner, day)
        if attack is None:
            return
        labelled = self._labelled_in(run, attack)
        for client in labelled:
            self.caught.setdefault(client, day)
        enough = len(labelled) >= ENOUGH * len(self._so_far(run.partner, attack))
        if enough and self._right(run.everybody, run.whole, set(run.named), attack):
            self.found.setdefault(id(attack), (day, tuple(run.named)))
        for detector in KINDS[attack.kind].natural & run.named.keys():
            named = run.named[detector]
            if self._right(named.clients, named.whole, {detector}, attack):
                self.by_own.setdefault(id(attack), day)

    def _labelled_in(self, run: Run, attack: Attack) -> set[str]:
        """Clients of the attack whose money is in the case: those it names, or all that the partner has so far."""
        return self._so_far(run.partner, attack) if run.whole else run.everybody & attack.clients

    def _so_far(self, partner: str, attack: Attack) -> set[str]:
        """The clients of an attack that a partner has by now."""
        clients = self.world.facts.clients
        return {each for each in attack.clients if clients[each].partner == partner and each in self.brand.held}

    def _right(self, clients: set[str], whole: bool, detectors: set[str], attack: Attack | None) -> bool:
        if attack is None:
            return False
        if whole and detectors & KINDS[attack.kind].natural:
            return True
        return bool(clients) and len(clients & attack.clients) >= MOSTLY * len(clients)

    def _weigh(self, run: Run, day: int) -> None:
        """What is known about a case in the end."""
        attack = self.attacking(run.partner, day)
        run.right = self._right(run.everybody, run.whole, set(run.named), attack)
        run.about = attack.kind if attack else ""
        run.clients = len(run.everybody)
        run.labelled = len(run.everybody & attack.clients) if attack else 0

    def _decide(self, run: Run, day: int) -> None:
        self._note(run, day)
        self._weigh(run, day)
        run.decided = day
        del self.open[run.partner]
        attack = self.attacking(run.partner, day)
        labelled = self._labelled_in(run, attack) if attack else set()
        for client in sorted(labelled - self.stopped.keys()):
            self.stopped[client] = self.brand.posted(client)
            self.brand.disallow(client, day, f"cas{len(self.stopped)}", "terms_broken")
        decided = self.cleared if not run.right and not labelled else self.settled
        decided[run.partner] |= dict.fromkeys(run.named, self.world.facts.name(day))

    def outcome(self, attack: Attack) -> Outcome:
        """What became of an attack."""
        money = escaped = in_time = 0
        for client in attack.clients:
            caught = self.caught.get(client)
            for key, minor in self.stopped.get(client, self.brand.posted(client)).items():
                cents = minor * EURO[key.currency] // 100
                money += cents
                if caught is None:
                    escaped += cents
                elif self.world.facts.name(caught) <= _payday(key.available_day):
                    in_time += cents
        found = self.found.get(id(attack))
        own = self.by_own.get(id(attack))
        return Outcome(
            attack.kind,
            attack.variant,
            attack.size,
            attack.pure,
            attack.partners[0],
            len(attack.clients),
            None if found is None else found[0] - attack.first_day,
            found[1] if found else (),
            None if own is None else own - attack.first_day,
            None if attack.ripe is None else attack.ripe - attack.first_day,
            sum(client in self.caught for client in attack.clients),
            money,
            escaped,
            in_time,
        )

    def findings(self) -> dict[str, FindingCount]:
        """What each detector said in the cases that are judged."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for run in self.judged():
            day = run.decided if run.decided is not None else self.world.facts.days - 1
            attack = self.attacking(run.partner, day)
            for detector, named in run.named.items():
                right = self._right(named.clients, named.whole, {detector}, attack)
                counts[detector][0] += right
                counts[detector][1] += not right
                counts[detector][2] += not right and attack is None
        return {detector: FindingCount(*count) for detector, count in sorted(counts.items())}

    def judged(self) -> list[Run]:
        """The cases opened after warming up."""
        return [run for run in self.runs if run.opened >= self.world.history]

    def honest_months(self) -> float:
        """Of the days that are judged, those of partners that are there and do not attack."""
        facts, days = self.world.facts, 0
        for name, partner in facts.partners.items():
            attack = self.attack_of.get(name)
            end = attack.first_day if attack else facts.days
            days += max(0, end - max(self.world.history, partner.joined))
        return days / 30


def _payday(available: str) -> str:
    """The first payout that what is available from this day on can be in."""
    month = available[:7] if int(available[8:]) <= PAYDAY else plus_months(available[:7], 1)
    return f"{month}-{PAYDAY:02d}"


def evaluate(world: World, score: Score) -> Judgement:
    """Go through a world and judge what was found."""
    began = time.process_time()
    sweep = Sweep(world, score)
    sweep.go()
    judged = sweep.judged()
    return Judgement(
        world.seed,
        tuple(sweep.outcome(attack) for attack in world.attacks),
        tuple(judged),
        len(sweep.runs) - len(judged),
        sweep.findings(),
        sweep.honest_months(),
        sum(len(client.events) for client in world.facts.clients.values()),
        len(world.facts.clients),
        sweep.scorings,
        time.process_time() - began,
        sweep.scoring_seconds,
    )
