"""Triggers: what of a partner's results and of what happened to it needs a person, as conditions that are data.

Those over figures are looked at once a day, those over what happened when it happens. Neither reads anything: figures
come from the partner's `ResultLine` and from how far its tiers, caps, goals and documents are (`Seen`); what happened
comes from the mail that tells the partner of it. A condition compares whole numbers alone; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from introducer.domain.calendar import plus_days
from introducer.domain.configuration import Role
from introducer.domain.deal import Basis
from introducer.domain.mail import Audience, Mail, MailTemplate
from introducer.domain.money import Money
from introducer.domain.results import ResultLine, activity_told

FOR_EVER = "9999-12-31"
"""The day until which something rests that is said once."""


class Trigger(StrEnum):
    """Why a person is asked to look at a partner."""

    PAYOUT_FAILED = "payout_failed"
    """A payout failed, or came back."""
    CASE_OPENED = "case_opened"
    DOCUMENTS_WAIT = "documents_wait"
    FTD_FELL = "ftd_fell"
    NEAR_CAP = "near_cap"
    NEAR_TIER = "near_tier"
    NEAR_GOAL = "near_goal"
    DORMANT = "dormant"
    FIRST_FTD = "first_ftd"
    CONTEST_WON = "contest_won"
    APPLICATION_WAITS = "application_waits"
    """Somebody wants to be a partner: it is about the partner that they would be."""


class Over(StrEnum):
    """What a trigger's figures are of: each of these is looked at by itself."""

    RESULTS = "results"
    TIER = "tier"
    CAP = "cap"
    GOAL = "goal"
    DOCUMENTS = "documents"
    EVENT = "event"
    """Nothing is looked at: it happened."""


PROGRESS = frozenset({"done", "needed", "missing"})
"""The figures of progress towards something."""
Evidence = Mapping[str, str | int]
"""What a task says for itself: figures, days, ids, and amounts as a `*_minor` beside a `*_currency`."""


def told(evidence: Evidence) -> dict[str, str | int | Money]:
    """The evidence as it is told: an amount is money, under one name, and how far something is (`done`, `needed`,
    `missing`) is in what it counts `by`: money, lots as a decimal string, otherwise clients."""
    found: dict[str, str | int | Money] = {}
    for name, value in evidence.items():
        of = name.removesuffix("_minor")
        if of != name and f"{of}_currency" in evidence:
            found[of] = Money(int(value), str(evidence[f"{of}_currency"]))
        elif name in PROGRESS and "by" in evidence:
            found[name] = activity_told(Basis(str(evidence["by"])), int(value), str(evidence.get("currency", "")))
        elif not (name.endswith("_currency") and f"{name.removesuffix('_currency')}_minor" in evidence):
            found[name] = value
    return found


@dataclass(frozen=True, slots=True)
class Need:
    """A condition on one figure: at least, at most, or both, ends included. With `of` both are percent of that figure,
    which must be above zero. A figure that is not known meets no condition."""

    figure: str
    least: int | None = None
    most: int | None = None
    of: str = ""

    def holds(self, figures: Mapping[str, int]) -> bool:
        """Whether it holds for these figures."""
        whole = figures.get(self.of, 0) if self.of else 100
        if self.figure not in figures or whole <= 0:
            return False
        value = 100 * figures[self.figure]
        return (self.least is None or value >= self.least * whole) and (self.most is None or value <= self.most * whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a trigger goes off, and what follows."""

    over: Over
    needs: tuple[Need, ...] = ()
    """All of them must hold."""
    shows: tuple[str, ...] = ()
    """The figures that the task shows as its evidence."""
    weight: int
    """How much it needs attention: 30 for money that stands still, 10 for what is good to do."""
    due_days: int
    rests_days: int | None
    """For how many days the same is not raised again once its task is done; None: it never is."""
    passes: bool = False
    """Whether its task is over when the condition holds no longer."""
    workers: frozenset[Role] = frozenset({Role.MANAGER, Role.ADMIN})
    """Who works its tasks: who may do what they ask for at last, and the manager, who looks after the partner. Nobody
    else is offered them."""


RULES: Mapping[Trigger, Rule] = {
    Trigger.PAYOUT_FAILED: Rule(
        over=Over.EVENT, workers=frozenset({Role.MANAGER, Role.FINANCE, Role.ADMIN}), weight=30, due_days=1,
        rests_days=None,
    ),
    Trigger.CASE_OPENED: Rule(
        over=Over.EVENT, workers=frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN}), weight=28, due_days=2,
        rests_days=None,
    ),
    Trigger.DOCUMENTS_WAIT: Rule(
        over=Over.DOCUMENTS, needs=(Need("days", least=2),), shows=("days",), passes=True,
        workers=frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN}), weight=24, due_days=1, rests_days=3,
    ),
    # A week against a quarter of the four before it: 4 x the week is compared with their sum. Under two first deposits
    # a week, half of them is chance; and a partner younger than the five weeks has no mean of its own.
    Trigger.FTD_FELL: Rule(
        over=Over.RESULTS,
        needs=(
            Need("ftd_prev_28", least=8), Need("age_days", least=35), Need("ftd_7_times_4", most=50, of="ftd_prev_28"),
        ),
        shows=("ftd_7", "ftd_prev_28", "fell_percent"), passes=True, weight=22, due_days=2, rests_days=14,
    ),
    Trigger.NEAR_CAP: Rule(
        over=Over.CAP, needs=(Need("done", least=80, of="needed"), Need("missing", least=1)),
        shows=("done", "needed", "missing"), passes=True, weight=20, due_days=2, rests_days=None,
    ),
    Trigger.NEAR_TIER: Rule(
        over=Over.TIER, needs=(Need("done", least=80, of="needed"), Need("missing", least=1)),
        shows=("done", "needed", "missing"), passes=True, weight=18, due_days=3, rests_days=None,
    ),
    Trigger.NEAR_GOAL: Rule(
        over=Over.GOAL, needs=(Need("done", least=80, of="needed"), Need("missing", least=1)),
        shows=("done", "needed", "missing", "days_left"), passes=True, weight=18, due_days=2, rests_days=None,
    ),
    # Who has been quiet for longer than sixty days is for a broadcast to those who left, not for a person's day.
    Trigger.DORMANT: Rule(
        over=Over.RESULTS, needs=(Need("dormant_days", least=14, most=60), Need("was_active", least=1)),
        shows=("dormant_days",), passes=True, weight=14, due_days=5, rests_days=30,
    ),
    Trigger.FIRST_FTD: Rule(
        over=Over.RESULTS, needs=(Need("ftd_7", least=1), Need("ftd_before", most=0)), shows=("ftd_7",), weight=12,
        due_days=3, rests_days=None,
    ),
    Trigger.CONTEST_WON: Rule(over=Over.EVENT, weight=10, due_days=5, rests_days=None),
    # Good partners apply in several places, and begin with whoever answers first.
    Trigger.APPLICATION_WAITS: Rule(over=Over.EVENT, weight=23, due_days=2, rests_days=None),
}  # fmt: skip
"""Every trigger. Its numbers and who works it stand here and nowhere else; docs/tasks.md has them in words."""


def works(role: Role, trigger: Trigger) -> bool:
    """Whether a role works the tasks of a trigger."""
    return role in RULES[trigger].workers


def kinds_of(role: Role) -> tuple[Trigger, ...]:
    """The triggers whose tasks a role works, in the triggers' order: what a queue offers it."""
    return tuple(trigger for trigger in Trigger if works(role, trigger))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far something of a partner is: a tier, a cap, a goal, documents."""

    over: Over
    about: str
    """Which one: said once for each."""
    figures: Mapping[str, int]
    facts: Evidence = field(default_factory=dict)
    """What else its task shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is looked at of one partner on one day."""

    line: ResultLine
    ftd_before: int | None = None
    """First deposits ever, before the last seven days; None where nobody counted them."""
    progress: tuple[Progress, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A trigger that went off."""

    trigger: Trigger
    about: str
    """What it is about, where a partner can have several; empty where it is about the partner itself."""
    evidence: Evidence


def going(*, over: Over, about: str, done: int, needed: int, facts: Evidence | None = None, **more: int) -> Progress:
    """Progress of so much towards so much."""
    figures = {"done": done, "needed": needed, "missing": needed - done} | more
    return Progress(over=over, about=about, figures=figures, facts=facts or {})


def found_in(seen: Seen, today: str) -> tuple[Found, ...]:
    """What goes off over a partner's figures, in the triggers' order. The same figures always give the same."""
    return tuple(
        Found(trigger=trigger, about=about, evidence={name: figures[name] for name in rule.shows} | dict(facts))
        for trigger, rule in RULES.items()
        for about, figures, facts in _subjects(rule, seen, today)
        if all(need.holds(figures) for need in rule.needs)
    )


def figures_of(seen: Seen, today: str) -> Mapping[str, int]:
    """A partner's results as conditions read them."""
    line = seen.line
    known = {
        "ftd_7": line.ftd_7,
        "ftd_7_times_4": 4 * line.ftd_7,
        "ftd_30": line.ftd_30,
        "ftd_prev_28": line.ftd_prev_28,
        "fell_percent": -(line.trend or 0),
        "clicks_30": line.clicks_30,
        "dormant_days": line.dormant_days(today),
        "age_days": line.age_days(today),
        "was_active": 1 if line.last_active_day else 0,
    }
    return known if seen.ftd_before is None else known | {"ftd_before": seen.ftd_before}


def asks_for_first(line: ResultLine) -> bool:
    """Whether it must be counted what a partner brought before: only where there may be a first one."""
    return line.ftd_7 > 0 and line.ftd_prev_28 == 0


def rests_until(rule: Rule, today: str) -> str:
    """The UTC day until which the same is not raised again, counted from today."""
    return FOR_EVER if rule.rests_days is None else plus_days(today, rule.rests_days)


_TOLD = {
    MailTemplate.PAYOUT_FAILED: Trigger.PAYOUT_FAILED,
    MailTemplate.PAYOUT_RETURNED: Trigger.PAYOUT_FAILED,
    MailTemplate.CASE_OPENED: Trigger.CASE_OPENED,
    MailTemplate.CONTEST_WON: Trigger.CONTEST_WON,
}


def tells(template: str, audience: str) -> bool:
    """Whether a mail of this kind asks for a task; the copies that go to each owner ask for none."""
    return template in list(_TOLD) and audience == Audience.OWNERS


def found_of_mail(mail: Mail) -> Found | None:
    """What goes off with what a partner's owners are told; None for what needs nobody else. The mail is written in the
    transaction in which it happens: whatever is told is seen here."""
    if not tells(mail.template, mail.audience):
        return None
    trigger = _TOLD[mail.template]
    said: Mapping[str, Any] = mail.values
    match trigger:
        case Trigger.PAYOUT_FAILED:
            evidence = {
                "payout": said["payout"],
                "what": "returned" if mail.template is MailTemplate.PAYOUT_RETURNED else "failed",
                "amount_minor": said["pays"]["minor"],
                "amount_currency": said["pays"]["currency"],
                "reason": said["reason"],
            }
        case Trigger.CASE_OPENED:
            evidence = {"case": said["case"], "topic": said["topic"], "clients": said["clients"]}
            evidence |= _first(said["held"])
        case _:
            evidence = {"contest": said["contest"], "name": said["name"], "place": said["place"]} | _first(said["won"])
    return Found(trigger=trigger, about=mail.what, evidence=evidence)


def _first(amounts: Any) -> dict[str, str | int]:
    """The first amount of a mail, which has the most there is to say of it."""
    return {f"amount_{name}": each[name] for each in list(amounts)[:1] for name in ("minor", "currency")}


def _subjects(rule: Rule, seen: Seen, today: str) -> Iterator[tuple[str, Mapping[str, int], Evidence]]:
    if rule.over is Over.RESULTS:
        yield "", figures_of(seen, today), {}
        return
    for each in seen.progress:
        if each.over is rule.over:
            yield each.about, each.figures, each.facts
