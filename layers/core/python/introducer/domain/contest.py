"""Contests: partners compete for a time, by what their clients do, for prizes.

A contest is drafted, approved by a second person, and then runs by the clock: it starts, ends, waits a while for late
postbacks, and is counted once more from the facts. What that count says stands for good; after a time for objections
each prize is paid once. `domain.contest_rules` says what can be drafted and changed, `domain.contest_prizes` who wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from introducer.domain.configuration import PartnerKind, Role

PLANNERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who drafts contests, changes them, and decides objections."""
APPROVERS = frozenset({Role.FINANCE, Role.ADMIN})
"""Who approves a contest, and with it its prizes; never the person who drafted it."""

MACHINE = "system:contest_close"
"""Who does what the clock has come to."""

WEIGHT_ONE = 1_000
"""A weight of one point per unit."""
SCORE_ONE = 100
"""Scores are integers of hundredths: what people see is what is ranked, so no two who look alike differ."""


class Metric(StrEnum):
    """What is counted, while the contest runs, of the clients that are a partner's at that moment."""

    FTD = "ftd"
    """Clients whose first deposit, as the partner's deal defines it, was made in the window."""
    QFTD = "qftd"
    """Clients who met the qualification of the partner's deal in the window."""
    NET_REVENUE = "net_revenue"
    """The value of the deal's base formula."""
    LOTS = "lots"
    DEPOSITS = "deposits"
    """What was paid in, less what was charged back until the count."""

    @property
    def is_money(self) -> bool:
        return self in (Metric.NET_REVENUE, Metric.DEPOSITS)


class Tie(StrEnum):
    """Who stands higher of those with one score."""

    SPLIT = "split"
    """Nobody: the places' money is added up and shared equally, gifts go to whoever reached the score first."""
    FIRST = "first"
    """Whoever reached the score first; within one second, the lower partner id."""


class PrizeKind(StrEnum):
    FIXED = "fixed"
    """An amount for each of the places."""
    SHARE = "share"
    """A percentage of the division's pool for each of the places."""
    THRESHOLD = "threshold"
    """An amount for everybody whose score reaches the threshold, whatever the place."""
    GIFT = "gift"
    """A thing for each of the places."""

    @property
    def is_placed(self) -> bool:
        return self is not PrizeKind.THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """What a range of places, or everybody from a score on, wins."""

    kind: PrizeKind
    first: int = 0
    last: int = 0
    """Places from 1, both included; 0 for a threshold."""
    amount: int = 0
    """Minor units of the contest's currency, for each place or partner; 0 for a share or a gift."""
    share: int = 0
    """Millionths of the pool for each place (`PERCENT_ONE` is all of it)."""
    threshold: int = 0
    """Hundredths of the score."""
    gift: str = ""
    """What the gift is, in the words of the brand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Partners of like size, who are ranked among themselves. There is at least one; its prizes are its own."""

    name: str
    from_size: int = 0
    """How many clients (`Contest.size_by`) a partner brought before, to be in it and in none above it."""
    pool: int = 0
    """Minor units, for shares. All of it is paid when anybody ranks: what nobody stands for goes to those who rank."""
    prizes: tuple[Prize, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Who may take part; an empty set asks nothing. Who is blocked takes no part in anything."""

    kinds: frozenset[PartnerKind] = frozenset()
    deals: frozenset[str] = frozenset()
    """Kinds of rules of which the partner's deal at the start must have one: `{"cpa"}` and `{"revshare"}` make separate
    contests."""
    countries: frozenset[str] = frozenset()
    managers: frozenset[str] = frozenset()
    partners: frozenset[str] = frozenset()
    """By name; then only these."""


class Every(StrEnum):
    """How often a contest comes again."""

    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The contest is one of a series: the next one is made when it starts, with the same settings."""

    series: str
    """The first contest's id."""
    number: int
    every: Every
    until: int = 0
    """The last number; 0 for no end."""


class ContestStatus(StrEnum):
    DRAFT = "draft"
    """Staff alone see it."""
    PLANNED = "planned"
    """Approved; partners see it, and join where they are asked to."""
    RUNNING = "running"
    """From the start on, until it is counted: late postbacks of the window still score."""
    COUNTING = "counting"
    """Frozen: no event accepted from now on changes anything. It is counted from the facts."""
    PROVISIONAL = "provisional"
    """Partners see the result and may object."""
    PAYING = "paying"
    """The result is final; prizes are being paid."""
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (ContestStatus.DONE, ContestStatus.CANCELLED)

    @property
    def is_frozen(self) -> bool:
        """Whether scores and participants stand for good."""
        return self not in (ContestStatus.DRAFT, ContestStatus.PLANNED, ContestStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One contest: its settings, and how far it is. Each step is a new version."""

    contest: str
    brand: str
    name: str
    description: str = ""
    weights: tuple[tuple[Metric, int], ...]
    """What counts how much, sorted by metric: thousandths of a point per client, lot or major unit of the currency. One
    metric alone weighs `WEIGHT_ONE`."""
    currency: str
    """Of the prizes, and of money that scores."""
    time_zone: str
    """In which the window was chosen and is shown."""
    starts_at: datetime
    ends_at: datetime
    """The first moment after the window."""
    grace_hours: int = 24
    """For late postbacks, after the end."""
    objection_hours: int = 72
    conditions: Conditions = Conditions()
    opt_in: bool = True
    """Whether partners join by themselves, accepting the rules; else all who may take part are entered at the start."""
    public: bool = False
    """Whether anybody may see the board, without signing in."""
    shown: int = 0
    """How many of the top others see; 0 for all. Everybody sees their own place."""
    minimum: int = 0
    """Hundredths of the score that are needed to rank."""
    tie: Tie = Tie.SPLIT
    size_by: Metric = Metric.FTD
    size_days: int = 90
    """Clients of so many UTC days before the start make a partner's size."""
    divisions: tuple[Division, ...] = (Division(name=""),)
    """By rising `from_size`; the first one's is 0."""
    prize_hold_days: int = 0
    """Days from the payment until a prize is available."""
    series: Series | None = None
    status: ContestStatus = ContestStatus.DRAFT
    version: int = 1
    drafted_by: str
    drafted_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    frozen_at: datetime | None = None
    """Events accepted before this moment are counted, and no others."""
    objections_until: datetime | None = None
    """Set with the provisional result."""
    finished_at: datetime | None = None
    """When the result became final, and prizes were due."""
    edition: str = ""
    """Which ranking stands (`contest_closing.edition_of`): of the last result that was published."""
    why_over: str = ""
    """Why it was cancelled, or closed early."""
    token: str = ""
    """What the waiting execution is woken by."""
    archive: str = ""
    """SHA-256 of the archived result, hex."""
    outcome: str = ""
    """What the archived result came to, as JSON text (`contest_prizes`)."""

    @property
    def metrics(self) -> frozenset[Metric]:
        return frozenset(metric for metric, _ in self.weights)

    @property
    def is_weighted(self) -> bool:
        """Whether scores are points, and no plain number of one thing."""
        return len(self.weights) > 1 or any(weight != WEIGHT_ONE for _, weight in self.weights)

    @property
    def counts_until(self) -> datetime:
        """When it is counted: after the end and the time for late postbacks."""
        return self.ends_at + timedelta(hours=self.grace_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A partner in a contest. The engine makes one for whoever scores, taking part or not."""

    contest: str
    partner: str
    joined_at: datetime | None = None
    """None: it does not take part."""
    left_at: datetime | None = None
    shown_as: str = ""
    """The name that others see it under: its own choice."""
    division: int = 0
    """Its place among the contest's divisions; fixed when it joins."""
    rules: str = ""
    """Hash of the rules that it accepted (`contest_rules.rules_hash`); empty where it was entered by staff or clock."""
    joined_by: str = ""
    counted: dict[Metric, int] = field(default_factory=dict)
    """What the engine counted: clients, lots (`LOT` to one), fine units of the contest's currency."""

    @property
    def takes_part(self) -> bool:
        return self.joined_at is not None and self.left_at is None
