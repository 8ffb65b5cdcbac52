"""Once a day each partner is looked at with every trigger over figures, a page of a brand's partners at a time.

A page may be done again: what was raised rests, what passed is done. What happened (a payout failed, a case was opened)
does not wait for the sweep: the outbox names it, and `happened` raises its task at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from introducer.domain.calendar import plus_days, plus_months
from introducer.domain.configuration import PartnerCard, Status
from introducer.domain.deal import Per
from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.events import day_of, milliseconds, month_of
from introducer.domain.goals_kept import in_force
from introducer.domain.mail import Mail
from introducer.domain.results import ResultLine
from introducer.domain.task import Mark, Task
from introducer.domain.trigger import (
    RULES,
    Evidence,
    Over,
    Progress,
    Seen,
    Trigger,
    asks_for_first,
    found_in,
    found_of_mail,
    going,
)
from introducer.domain.verification import Verification, VerificationStatus
from introducer.services.raise_task import follow_manager, open_task, pass_task, raise_task
from introducer.services.read_contracts import deal_versions
from introducer.services.read_goals import GoalOfPartner, Phase, read_goals_of_partner
from introducer.store.applications import Applications
from introducer.store.cases import Cases
from introducer.store.configuration import Configuration
from introducer.store.event_counts import EventCounts
from introducer.store.goals import Goals
from introducer.store.ledger import Ledger
from introducer.store.mails import Mails
from introducer.store.results import Results
from introducer.store.settlements import Settlements
from introducer.store.tasks import Tasks
from introducer.store.verifications import Verifications

PAGE = 100
"""Partners to a page: some seconds of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerBooks:
    """What triggers look at, and where tasks are kept."""

    configuration: Configuration
    results: Results
    event_counts: EventCounts
    settlements: Settlements
    goals: Goals
    ledger: Ledger
    cases: Cases
    verifications: Verifications
    mails: Mails
    applications: Applications
    tasks: Tasks

    @classmethod
    def of(cls, books: str) -> TriggerBooks:
        """All of a stack's."""
        return cls(
            configuration=Configuration(books),
            results=Results(books),
            event_counts=EventCounts(books),
            settlements=Settlements(books),
            goals=Goals(books),
            ledger=Ledger(books),
            cases=Cases(books),
            verifications=Verifications(books),
            mails=Mails(books),
            applications=Applications(books),
            tasks=Tasks(books),
        )


@dataclass(slots=True)
class Swept:
    """What a page of the sweep came to."""

    partners: int = 0
    raised: int = 0
    passed: int = 0
    stale: int = 0
    """How many have no results of today or yesterday: nothing is said by older ones."""
    failed: dict[str, Exception] = field(default_factory=dict)
    """Partners that could not be looked at, by what went wrong; the others were."""
    next: str | None = None
    """Where the next page begins; None after the last one."""


def sweep_page(books: TriggerBooks, *, brand: str, cursor: str | None, now: datetime, limit: int = PAGE) -> Swept:
    """Looks at a page of a brand's partners. One that cannot be looked at stops none of the others. Raises
    `Unavailable`: do the page again."""
    page = books.configuration.cards(brand, cursor, limit)
    active = [card for card in page.items if _is_active(card, now)]
    documents = books.verifications.of_partners(card.partner for card in active)
    swept = Swept(partners=len(page.items), next=page.cursor)
    for card in active:
        try:
            look_at(books, card, documents.get(card.partner), now, swept)
        except Unavailable:
            raise
        except Exception as error:  # whatever one partner's books hold, the others have their day
            swept.failed[card.partner] = error
    return swept


def look_at(
    books: TriggerBooks, card: PartnerCard, verification: Verification | None, now: datetime, swept: Swept
) -> None:
    """Raises what goes off for one partner, and ends what passed."""
    today = day_of(now)
    line = books.results.line(card.brand, card.partner)
    fresh = line is not None and line.day >= plus_days(today, -1)
    swept.stale += not fresh
    seen = Seen(
        line=line if line is not None and fresh else ResultLine(partner=card.partner, day=today),
        ftd_before=_before(books, line) if line is not None and fresh and asks_for_first(line) else None,
        progress=(
            *(_of_deal(books, card.partner, line, now) if line is not None and fresh else ()),
            *_of_documents(verification, now),
        ),
    )
    found = found_in(seen, today)
    holding = {(each.trigger, each.about) for each in found}
    marks: dict[Trigger, Mark | None] = {**books.tasks.marks(card.partner)}
    busy = set()
    for trigger, rule in RULES.items():
        mark = marks[trigger]
        task = None if mark is None else open_task(books.tasks, mark)
        if task is None:
            continue
        looked = rule.passes and (fresh or rule.over is Over.DOCUMENTS)
        if (looked and (trigger, task.about) not in holding) or _is_decided(books, task):
            swept.passed += pass_task(books.tasks, card.partner, trigger, now) is not None
            marks[trigger] = None
            continue
        follow_manager(books.tasks, task, card.manager or "", now)
        if not task.sleeps(today):
            # A second thing of its kind has its turn when this one is done: nothing is lost over it.
            busy.add(trigger)
    who = None
    for each in found:
        if each.trigger not in busy:
            who = who or books.configuration.partner(card.partner)
            if raise_task(books.tasks, who, each, now, marks[each.trigger]) is not None:
                swept.raised += 1
                busy.add(each.trigger)


def happened(books: TriggerBooks, *, of: str, mail: str, now: datetime) -> Task | None:
    """The task of what a partner was told by this mail; None where it asks for none, or was raised before. Raises
    `Unavailable`, `Conflict`: come again."""
    try:
        told: Mail = books.mails.mail(of, mail)
        found = found_of_mail(told)
        return None if found is None else raise_task(books.tasks, books.configuration.partner(of), found, now)
    except NotFound:
        # Erased meanwhile.
        return None


def _is_decided(books: TriggerBooks, task: Task) -> bool:
    """Whether every case that a task tells of has its verdict."""
    if task.trigger is not Trigger.CASE_OPENED:
        return False
    try:
        told = [books.cases.case(task.partner, str(each["case"])) for each in (task.evidence, *task.earlier)]
    except NotFound:
        return False
    return not any(case.status.waits for case in told)


def _is_active(card: PartnerCard, now: datetime) -> bool:
    return card.status is Status.ACTIVE or (card.status_since is not None and card.status_since > now)


def _before(books: TriggerBooks, line: ResultLine) -> int:
    """First deposits before the seven days of its line, since the partner joined."""
    week = plus_days(line.day, -7)
    month, number = (line.joined or line.day)[:7], 0
    while month <= week[:7]:
        number += sum(
            each.counts.get("ftd", 0) for each in books.event_counts.month(line.partner, month) if each.day < week
        )
        month = plus_months(month, 1)
    return number


def _of_documents(verification: Verification | None, now: datetime) -> Iterator[Progress]:
    waits = verification is not None and verification.status is VerificationStatus.SUBMITTED
    if verification is not None and waits and verification.submitted_at is not None:
        days = (now - verification.submitted_at).days
        yield Progress(over=Over.DOCUMENTS, about=f"documents {verification.version}", figures={"days": days})


def _of_deal(books: TriggerBooks, partner: str, line: ResultLine, now: datetime) -> Iterator[Progress]:
    """How far the tiers, the monthly caps and the goals of the deal in force are."""
    if line.tier is None and not {"cpa", "cpl", "bonus"} & set(line.deal_kinds):
        return
    version = in_force(deal_versions(books.configuration.deals(partner)), milliseconds(now))
    if version is None:
        return
    month, currency = month_of(now), version.deal.currency
    # A tier is of its line's month: yesterday's, on the first, says nothing of the new one.
    if line.tier is not None and line.tier.next and line.day.startswith(month):
        tier = line.tier
        about = f"{month} {tier.by.value} {tier.reached + 1}"
        facts: Evidence = {"by": tier.by.value, "tier": tier.reached + 1, "currency": tier.currency or currency}
        yield going(over=Over.TIER, about=about, done=tier.at, needed=tier.next, facts=facts)
    capped = [rule for rule in version.deal.rules if any(cap.per is Per.MONTH for cap in getattr(rule, "caps", ()))]
    if capped:
        rows = books.settlements.rows(partner, month).clients.values()
        for rule in capped:
            # Whoever qualified for the rule in this month asks for one of its places.
            asked = sum(any(each.rule == rule.id for each in row.qualified) for row in rows)
            for cap in getattr(rule, "caps", ()):
                if cap.per is Per.MONTH:
                    facts = {"rule": rule.id, "month": month}
                    yield going(over=Over.CAP, about=f"{month} {rule.id}", done=asked, needed=cap.clients, facts=facts)
    if "bonus" in line.deal_kinds:
        for goal in read_goals_of_partner(
            books.configuration, books.goals, books.settlements, books.ledger, partner=partner, at=now
        ):
            if goal.phase is Phase.RUNNING:
                yield _of_goal(goal)


def _of_goal(goal: GoalOfPartner) -> Progress:
    facts: Evidence = {
        "by": goal.by.value,
        "last": goal.last,
        "amount_minor": goal.amount.minor,
        "amount_currency": goal.amount.currency,
    }
    return going(
        over=Over.GOAL, about=goal.rule, done=goal.counted, needed=goal.clients, facts=facts, days_left=goal.days_left
    )
