"""Cases: a suspicion about a partner's clients or account, from the first finding to the verdict.

A case holds the money in question and nothing else. Both sides have a clock: staff decide by a deadline, after which
the case is escalated and in the end, by policy, released; the partner may answer while it is open, and appeal once
against a verdict, which another person then decides. Every step is a new version of the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from introducer.domain.configuration import Role
from introducer.domain.console_names import slug
from introducer.domain.hold import CASES
from introducer.domain.ids import derived_id

DECIDERS = frozenset({Role.MANAGER, Role.COMPLIANCE, Role.ADMIN})
"""Who decides a case. An appeal is decided by compliance or an admin, and never by whoever decided first."""
APPEAL_DECIDERS = frozenset({Role.COMPLIANCE, Role.ADMIN})

SCORING, CLOCK = "system:scoring", "system:clock"
"""Who opens a case when no person does, and who releases one that nobody decided."""
MACHINE = CASES
"""Who holds and frees money, stops payouts, and carries out what was decided."""

DESK_OPENED = "opened_by_hand"
"""In place of a detector's name, where a person opened the case."""


class CaseStatus(StrEnum):
    OPEN = "open"
    """Money is held; staff decide."""
    ESCALATED = "escalated"
    """Nobody decided in time: compliance and admins were told, and have as long again."""
    RELEASED = "released"
    """The money goes free. Final, once `closed_at` is set."""
    DISALLOWED = "disallowed"
    """The clients named earn nothing; the partner may appeal until `appeal_by`."""
    APPEALED = "appealed"
    """Another person decides once more."""
    UPHELD = "upheld"
    """The appeal changed nothing. Final."""
    OVERTURNED = "overturned"
    """The appeal was right: the clients earn again. Final."""

    @property
    def waits(self) -> bool:
        """Whether a verdict is waited for."""
        return self in (CaseStatus.OPEN, CaseStatus.ESCALATED, CaseStatus.APPEALED)


class ReasonCode(StrEnum):
    """Why clients are disallowed: the partner is told it, and it stands in every receipt that takes back."""

    COOKIE_STUFFING = "cookie_stuffing"
    FAKE_REGISTRATIONS = "fake_registrations"
    INCENTIVISED_TRAFFIC = "incentivised_traffic"
    CLICK_FRAUD = "click_fraud"
    SELF_REFERRAL = "self_referral"
    DUPLICATE_CLIENTS = "duplicate_clients"
    DEPOSIT_AND_WITHDRAW = "deposit_and_withdraw"
    WASH_TRADES = "wash_trades"
    CHARGEBACKS = "chargebacks"
    SHARED_ACCOUNT = "shared_account"
    TERMS_BROKEN = "terms_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePolicy:
    """The clocks of a brand's cases."""

    decide_days: int = 7
    """From opening to escalation."""
    escalated_days: int = 7
    """From escalation to release."""
    appeal_days: int = 14
    """In which the partner may appeal."""
    remind_hours: int = 48
    """Between two reminders to whoever is to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the partner, or staff, said about a case."""

    at: datetime
    by: str
    """A member's id."""
    side: str
    """`partner` or `staff`; `note` is for staff alone."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided, by whom, and why."""

    at: datetime
    by: str
    """A member's id, or `CLOCK`."""
    disallowed: bool
    code: ReasonCode | None
    why: str
    clients: tuple[str, ...]
    """Those who are disallowed; sorted."""
    starts_at: datetime | None = None
    """From when on they earn nothing; None: from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case with its story. What the detectors found stands beside it (`store.cases`)."""

    case: str
    brand: str
    partner: str
    name: str
    """The partner's, for lists."""
    status: CaseStatus
    opened_at: datetime
    opened_by: str
    why: str
    """The first finding in words, or what a person wrote."""
    detectors: tuple[str, ...]
    """Which rules found something, the first one first; empty when a person opened it."""
    clients: tuple[str, ...]
    """Those who are named, sorted."""
    decide_by: datetime
    escalate_by: datetime
    """When it is released by the clock; of an appeal, when it is overturned by the clock."""
    values: Mapping[str, str] | None = None
    """What fills the sentence of the first detector, as it did in `why`: so a list says it in its reader's language,
    and reads no findings. None where a person opened the case, and in those of before it was kept."""
    whole: bool = False
    """Whether all of the partner's that is not paid out is in question; else what the clients named earned is."""
    held: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """What it holds, by currency and the UTC day it becomes available (empty: it was taken from `available`, where
    nobody knows the day any more): minor units, above zero."""
    journals: int = 0
    """How many journals it has moved money by: the number of the next is one more."""
    stop: str = ""
    """The id of a hold on all payouts, while money in question stands reserved in one that has not left; else empty."""
    execution: str = ""
    """The state machine's execution that waits for it."""
    token: str = ""
    """What wakes that execution, or woke it last."""
    reminders: int = 0
    asked_at: datetime | None = None
    answers: tuple[Answer, ...] = ()
    verdict: Verdict | None = None
    appeal_by: datetime | None = None
    appealed_at: datetime | None = None
    second: Verdict | None = None
    """What was decided about the appeal."""
    freed_at: datetime | None = None
    """When the verdict was carried out: its money is free, and both sides were told."""
    second_at: datetime | None = None
    """When the verdict on the appeal was carried out, and both sides were told."""
    closed_at: datetime | None = None
    version: int = 0

    @property
    def holds(self) -> dict[str, int]:
        """What it holds, by currency."""
        sums: dict[str, int] = {}
        for (currency, _), minor in self.held.items():
            sums[currency] = sums.get(currency, 0) + minor
        return {currency: minor for currency, minor in sums.items() if minor}

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def is_free(self) -> bool:
        """Whether it neither holds money nor stops payouts."""
        return not self.holds and not self.stop

    @property
    def is_carried_out(self) -> bool:
        """Whether the last verdict is carried out, and both sides were told."""
        return self.freed_at is not None and (self.second is None or self.second_at is not None)

    @property
    def last_verdict(self) -> Verdict | None:
        """What holds now: the verdict on the appeal, else the first."""
        return self.second or self.verdict


def case_id(partner: str, number: int) -> str:
    """The id of a partner's n-th case: the same for whoever opens it."""
    return derived_id("cas", partner, number)


def execution_name(case: Case) -> str:
    """What its execution is called, for whoever reads it in the AWS console: the partner, the first finding, the day,
    and the end of the case's id. At most 76 characters, as AWS and `gateways.workflows` take them."""
    # Not what joined a case that a person opened: a name that changes would be a second execution.
    found = case.detectors[0] if case.detectors and case.opened_by.startswith("system:") else DESK_OPENED
    return f"{slug(case.name, 24, 'partner')}-{found.replace('_', '-')[:32]}-{case.opened_at:%Y%m%d}-{case.case[-6:]}"


def execution_input(case: Case) -> dict[str, str]:
    """What its execution is given."""
    return {"brand": case.brand, "partner": case.partner, "case": case.case, "name": case.name}


def deadlines(policy: CasePolicy, opened_at: datetime) -> tuple[datetime, datetime]:
    """When a case is escalated, and when the clock releases it."""
    decide_by = opened_at + timedelta(days=policy.decide_days)
    return decide_by, decide_by + timedelta(days=policy.escalated_days)
