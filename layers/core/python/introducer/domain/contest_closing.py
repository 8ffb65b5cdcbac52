"""What stands between a contest's end and its prizes: batches of the recount, who is set aside, who objects.

`domain.contest_prizes` says who wins what. This says of what that is reckoned: from whose counts, and without whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from introducer.domain.configuration import Role
from introducer.domain.contest import MACHINE, PLANNERS, Contest, ContestStatus, Entry, Metric
from introducer.domain.contest_prizes import Award, AwardStatus, Standing, show_score
from introducer.domain.contest_score import Counted
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.events import milliseconds, month_of
from introducer.domain.ids import derived_id, derived_ulid
from introducer.domain.ledger import Journal, Key, Line, Receipt, earning_legs, post_month
from introducer.domain.money import decimal_string

RULE = "prize"
"""The rule of a prize's key, and the kind of its journal and receipt."""

SETTING_ASIDE = PLANNERS | {Role.COMPLIANCE}
"""Who sets a participant aside, and takes that back."""
OPEN_TO_ASIDES = frozenset(
    {ContestStatus.PLANNED, ContestStatus.RUNNING, ContestStatus.COUNTING, ContestStatus.PROVISIONAL}
)
"""Until a result is final somebody can be set aside."""
PARTNERS_AT_ONCE = 25
"""Partners in a batch of a recount; more of them where there would be more than `MOST_BATCHES`."""
MOST_BATCHES = 1000


class Cause(StrEnum):
    """Why the clock sets a participant aside: for as long as that is so."""

    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    OPEN_CASE = "open_case"
    HOLD = "hold"


class Batch(NamedTuple):
    """Partners who are counted together: those after one, through another, as text sorts them."""

    batch: str
    after: str
    """Empty for the first batch."""
    through: str
    """Empty for the last batch: whoever comes after."""

    def has(self, partner: str) -> bool:
        return self.after < partner and (not self.through or partner <= self.through)


EventName = tuple[str, str, str]
"""Client, source and id of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What the clients of a batch's partners scored, for whichever partner. Written once."""

    contest: str
    batch: str
    counted: Mapping[str, Counted]
    """By partner; nobody who scored nothing."""
    clients: int
    """How many were looked at."""
    left_out: tuple[EventName, ...] = ()
    """Events that were accepted in time, but stood in quarantine: what could not be applied scores nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A partner that is not ranked in a contest, or was not until somebody took that back."""

    contest: str
    partner: str
    why: str
    """A person's words, or one of `Cause`."""
    by: str
    at: datetime
    taken_back_by: str = ""
    taken_back_at: datetime | None = None
    taken_back_why: str = ""

    @property
    def stands(self) -> bool:
        return self.taken_back_at is None

    @property
    def is_clockwork(self) -> bool:
        """Whether the clock set it aside, and takes that back by itself."""
        return self.by == MACHINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What a participant says against a provisional result, and what staff answered."""

    contest: str
    partner: str
    at: datetime
    by: str
    """The member who wrote it."""
    text: str
    decided_by: str = ""
    decided_at: datetime | None = None
    upheld: bool = False
    why: str = ""

    @property
    def waits(self) -> bool:
        return self.decided_at is None


# ------------------------------------------------------------------------------------------------------------- recount


def batches_of(partners: Iterable[str]) -> tuple[Batch, ...]:
    """The batches in which a brand's partners are counted. Without partners one that has whoever comes."""
    ordered = sorted(partners)
    size = max(PARTNERS_AT_ONCE, -(-len(ordered) // MOST_BATCHES))
    ends = ordered[size - 1 :: size]
    if ends and ends[-1] == ordered[-1]:
        ends.pop()
    limits = ["", *ends, ""]
    return tuple(Batch(f"{number:04d}", limits[number], limits[number + 1]) for number in range(len(limits) - 1))


def together(recounts: Iterable[Recount]) -> dict[str, Counted]:
    """What each partner scored in all batches."""
    sums: dict[str, dict[Metric, int]] = {}
    last: dict[str, int] = {}
    for recount in recounts:
        for partner, counted in recount.counted.items():
            add_counted(sums.setdefault(partner, {}), counted)
            last[partner] = max(last.get(partner, 0), counted.last_at)
    return {partner: Counted(sums[partner], last[partner]) for partner in sums}


def add_counted(sums: dict[Metric, int], counted: Counted) -> None:
    """Adds what one client, or one batch, scored."""
    for metric, value in counted.counted.items():
        sums[metric] = sums.get(metric, 0) + value


def standings(entries: Iterable[Entry], counted: Mapping[str, Counted], asides: Iterable[SetAside]) -> list[Standing]:
    """All participants with what they scored, and why they are set aside where they are."""
    aside = {each.partner: each.why for each in asides if each.stands}
    return [
        Standing(
            partner=entry.partner,
            division=entry.division,
            counted=counted.get(entry.partner, Counted({}, 0)),
            shown_as=entry.shown_as,
            aside=aside.get(entry.partner, ""),
        )
        for entry in entries
        if entry.takes_part
    ]


def edition_of(contest: Contest, standing: Iterable[Standing]) -> str:
    """The name of a ranking: of who stands in it and who is set aside; what was counted never changes. The same for
    whoever reckons it, so that a step that is repeated writes the same items, and one that knew less disturbs none."""
    said = sorted((each.partner, each.division, each.aside) for each in standing)
    return derived_id("edn", contest.contest, said)


# ------------------------------------------------------------------------------------------------------------ set aside


def check_setting_aside(role: Role) -> None:
    """Raises `Forbidden` for a role that sets nobody aside."""
    if role not in SETTING_ASIDE:
        raise Forbidden("Managers, compliance and admins set participants aside: ask one of them.", code="aside_role")


def check_asides_open(contest: Contest) -> None:
    """Raises `Conflict` once the result is final."""
    if contest.status not in OPEN_TO_ASIDES:
        code = "not_approved" if contest.status is ContestStatus.DRAFT else "result_final"
        raise Conflict("The result of this contest is final, or there is none: nobody is set aside now.", code=code)


def aside_again(before: SetAside | None, new: SetAside) -> SetAside:
    """A participant is set aside by a person. One that the clock set aside is from now on by that person: it stays
    so. Raises `Conflict` when a person did before (`set_aside_already`)."""
    if before is not None and before.stands and not before.is_clockwork:
        raise Conflict("This participant is set aside already.", code="set_aside_already")
    return new


def taken_back(aside: SetAside | None, by: str, at: datetime, why: str) -> SetAside:
    """A person takes it back. Raises `Conflict` where nothing stands (`not_set_aside`), and where the clock set it
    aside (`aside_has_a_cause`): what is done away with is its cause."""
    if aside is None or not aside.stands:
        raise Conflict("This participant is not set aside.", code="not_set_aside")
    if aside.is_clockwork:
        raise Conflict(
            "A case, a hold or the partner's standing sets it aside: decide that, and it ranks again.",
            code="aside_has_a_cause",
        )
    return replace(aside, taken_back_by=by, taken_back_at=at, taken_back_why=why)


def by_the_clock(
    contest: Contest, before: Mapping[str, SetAside], causes: Mapping[str, Cause], now: datetime
) -> list[SetAside]:
    """The set-asides that are new or taken back, going by what stands against participants now. What people decided
    stays as it is."""
    changed: list[SetAside] = []
    for partner in sorted(before.keys() | causes.keys()):
        aside, cause = before.get(partner), causes.get(partner)
        stands = aside is not None and aside.stands
        if cause is not None and not stands:
            changed.append(SetAside(contest=contest.contest, partner=partner, why=cause.value, by=MACHINE, at=now))
        elif aside is not None and stands and aside.is_clockwork:
            if cause is None:
                gone = {"taken_back_by": MACHINE, "taken_back_at": now, "taken_back_why": "The cause is gone"}
                changed.append(replace(aside, **gone))  # type: ignore[arg-type]
            elif cause.value != aside.why:
                changed.append(replace(aside, why=cause.value, at=now))
    return changed


# ---------------------------------------------------------------------------------------------------------- objections


def check_objecting(contest: Contest, entry: Entry | None, now: datetime) -> None:
    """Raises `Conflict` unless this participant may object now: `not_provisional`, `objections_over`, and for somebody
    who takes no part `not_a_participant`."""
    if contest.status is not ContestStatus.PROVISIONAL or contest.objections_until is None:
        raise Conflict("There is no provisional result to object to.", code="not_provisional")
    if now >= contest.objections_until:
        raise Conflict("The time for objections is over.", code="objections_over")
    if entry is None or not entry.takes_part:
        raise Conflict("You take no part in this contest.", code="not_a_participant")


def check_deciding(role: Role) -> None:
    """Raises `Forbidden` for a role that decides no objections."""
    if role not in PLANNERS:
        raise Forbidden("Managers and admins decide objections: ask one of them.", code="objection_role")


def check_cancelling(contest: Contest, role: Role) -> None:
    """Raises `Forbidden` for a role that cancels no contests, `Conflict` once the result is final."""
    if role not in PLANNERS:
        raise Forbidden("Managers and admins cancel contests: ask one of them.", code="planner_role")
    if contest.status in (ContestStatus.PAYING, ContestStatus.DONE):
        raise Conflict("The result is final, and its prizes are due: it cannot be cancelled.", code="result_final")


# --------------------------------------------------------------------------------------------------------------- prizes


def prize_journal(contest: Contest, award: Award, now_ms: int, available_day: str, frozen: str | None) -> Journal:
    """The journal that pays a prize. Its id follows from the award and the moment the result became final: whoever pays
    it, and whenever, there is one; a month that was closed meanwhile moves it to the first open one."""
    assert contest.finished_at is not None, "a result that is not final pays nothing"
    key = prize_key(contest, award, available_day)
    month = post_month(key.earn_month, frozen)
    return Journal(
        id=f"jrn_{month.replace('-', '')}{prize_serial(contest, award)}",
        key=key,
        kind=RULE,
        amount=award.amount,
        post_month=month,
        posted_at=now_ms,
        legs=earning_legs(key, award.amount),
        receipt=Receipt(
            rule_kind=RULE,
            version=0,
            events=(),
            more_events=0,
            lines=(_said(contest, award), *award.lines),
            rates=(),
            target=award.amount,
            before=0,
        ),
    )


PRIZE = "prize"
"""The first step of its receipt: the contest's id, its name, the division's name (empty where there is one alone), the
place and the score as it is shown; the result is what it wins."""


def prize_key(contest: Contest, award: Award, available_day: str) -> Key:
    """What a prize is owed for: itself. It is earned in the UTC month of the window's last moment."""
    month = month_of(contest.ends_at - timedelta(milliseconds=1))
    return Key(award.partner, RULE, award_id(award), month, award.currency, available_day)


def award_id(award: Award) -> str:
    """The name of a prize, of its partner's prizes: `ctt_….1`."""
    return f"{award.contest}.{award.number}"


def contest_and_number(award: str) -> tuple[str, int] | None:
    """The parts of an `award_id`; None when it is none."""
    contest, _, number = award.rpartition(".")
    return (contest, int(number)) if contest and number.isascii() and number.isdigit() and len(number) < 7 else None


def _said(contest: Contest, award: Award) -> Line:
    division = contest.divisions[award.division].name if len(contest.divisions) > 1 else ""
    values = (contest.contest, contest.name, division, str(award.place), show_score(award.score))
    return Line(PRIZE, decimal_string(award.amount, award.currency), values)


def prize_serial(contest: Contest, award: Award) -> str:
    """What the id of a prize's journal ends with, whatever month it stands in."""
    assert contest.finished_at is not None
    return derived_ulid(milliseconds(contest.finished_at), RULE, award.partner, award_id(award))


# ---------------------------------------------------------------------------------------------------------------- gifts


def check_sending(role: Role) -> None:
    """Raises `Forbidden` for a role that sends no gifts."""
    if role not in PLANNERS:
        raise Forbidden("Managers and admins send gifts: ask one of them.", code="gift_role")


def sent(award: Award, status: AwardStatus, at: datetime) -> Award:
    """A gift with its next status. Raises `Conflict` for money (`no_gift`), and for a status that cannot follow
    (`not_to_send`)."""
    if not award.gift:
        raise Conflict("This prize is paid, not sent.", code="no_gift")
    may = {
        AwardStatus.SENT: {AwardStatus.TO_SEND, AwardStatus.SENT},
        AwardStatus.DELIVERED: {AwardStatus.TO_SEND, AwardStatus.SENT, AwardStatus.DELIVERED},
    }
    if award.status not in may.get(status, set()):
        raise Conflict(f"A gift that is {award.status.value} does not become {status.value}.", code="not_to_send")
    return replace(award, status=status, paid_at=award.paid_at or at)
