"""What may happen to a case, and how it stands then. Pure: each function answers the case as it is then, or raises.

Nobody decides twice, nobody decides an appeal against their own verdict, and a deadline that passed is the clock's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from introducer.domain.case import (
    APPEAL_DECIDERS,
    CLOCK,
    DECIDERS,
    Answer,
    Case,
    CasePolicy,
    CaseStatus,
    ReasonCode,
    Verdict,
    case_id,
    deadlines,
)
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid
from introducer.domain.events import day_of
from introducer.domain.fraud.finding import Finding

LONGEST_TEXT = 2_000
"""Characters of an answer, a note or an appeal."""
MOST_ANSWERS = 100
MOST_SAID = 60_000
"""Bytes of what each side says in answers, as they are stored. A case is one item, and has to hold its clients three
times as well (named, disallowed, decided again): one that is full could not be decided any more, by anybody."""
MOST_CLIENTS = 2_000
"""Clients of one case: an item of DynamoDB ends at 400 KB."""
MOST_IN_CLUSTERS = 6_000
"""Clients in all clusters of a finding together, which is an item of its own."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No client is older: a moment before this is a slip."""
BY_CLOCK = "Nobody decided in time."


# ------------------------------------------------------------------------------------------------------------- opening


def opened(
    *,
    brand: str,
    partner: str,
    name: str,
    number: int,
    by: str,
    why: str,
    findings: Sequence[Finding],
    clients: Iterable[str],
    policy: CasePolicy,
    now: datetime,
) -> Case:
    """A partner's case of this number. A finding without clients, or none of both, puts all in question that is not
    paid out."""
    decide_by, escalate_by = deadlines(policy, now)
    named = sorted({*clients, *(client for finding in findings for client in finding.clients)})
    return Case(
        case=case_id(partner, number),
        brand=brand,
        partner=partner,
        name=name,
        status=CaseStatus.OPEN,
        opened_at=now,
        opened_by=by,
        why=why,
        detectors=tuple(dict.fromkeys(finding.detector for finding in findings)),
        values=findings[0].values if findings else None,
        clients=tuple(named[:MOST_CLIENTS]),
        # More than it can name: rather all is held than the money of those whom it leaves out.
        whole=not named or len(named) > MOST_CLIENTS or any(not finding.clients for finding in findings),
        decide_by=decide_by,
        escalate_by=escalate_by,
    )


def kept(finding: Finding) -> Finding:
    """The finding as far as its item holds it: of thousands of clients the first ones are named, and the sentences say
    how many there were. The largest attack must not be the one that no case can be written about."""
    clusters, room = [], MOST_IN_CLUSTERS
    for each in finding.evidence.clusters:
        named = each.clients[: min(room, MOST_CLIENTS)]
        room -= len(named)
        if named or not each.clients:
            clusters.append(each._replace(clients=named))
    evidence = replace(finding.evidence, clusters=tuple(clusters))
    return replace(finding, clients=finding.clients[:MOST_CLIENTS], evidence=evidence)


def joined(
    case: Case,
    findings: Sequence[Finding],
    clients: Iterable[str],
    known: Mapping[str, Finding],
    *,
    whole: bool = False,
) -> tuple[Case, tuple[Finding, ...]]:
    """The open case with what was found since, and the findings to be written: those of a detector that had found
    nothing yet, or not these clients. `known` are the case's findings by detector."""
    news: list[Finding] = []
    for finding in findings:
        before = known.get(finding.detector)
        if before is None:
            news.append(kept(finding))
            continue
        more = kept(replace(finding, clients=tuple(sorted({*before.clients, *finding.clients}))))
        if not set(more.clients) <= set(before.clients):
            news.append(more)
    named = {*clients, *(client for finding in news for client in finding.clients)} - set(case.clients)
    room = max(0, MOST_CLIENTS - len(case.clients))
    after = replace(
        case,
        detectors=tuple(dict.fromkeys([*case.detectors, *(finding.detector for finding in news)])),
        clients=tuple(sorted([*case.clients, *sorted(named)[:room]])),
        whole=case.whole or whole or len(named) > room or any(not finding.clients for finding in news),
    )
    return after, tuple(news)


# ------------------------------------------------------------------------------------------------------------ deciding


def check_decider(role: Role) -> None:
    """Raises `Forbidden` for a role that opens and decides no cases."""
    if role not in DECIDERS:
        raise Forbidden("Managers, compliance and admins work on cases: ask one of them.", code="case_role")


def check_appeal_decider(case: Case, member: Member) -> None:
    """Raises `Forbidden` when this member may not decide the appeal: for the role, or as the one who decided first."""
    if member.role not in APPEAL_DECIDERS:
        raise Forbidden("Compliance and admins decide appeals: ask one of them.", code="case_role")
    if case.verdict is not None and case.verdict.by == member.member:
        raise Forbidden(
            "You decided this case: another person of compliance, or an admin, decides the appeal.", code="same_person"
        )


def verdict_of(
    case: Case,
    *,
    by: str,
    at: datetime,
    disallow: bool,
    code: str,
    why: str,
    clients: Collection[str],
    starts_at: datetime | None,
) -> Verdict:
    """A verdict on this case. Raises `Invalid` for one that cannot be."""
    if not disallow:
        return Verdict(at=at, by=by, disallowed=False, code=None, why=why, clients=())
    if code not in frozenset(ReasonCode):
        raise Invalid(f"Say why clients are disallowed: one of {', '.join(sorted(ReasonCode))}.", code="unknown_code")
    named = sorted(set(clients) or set(case.clients))
    if not named:
        raise Invalid("This case names no clients: say which ones are disallowed.", code="clients_needed")
    if not case.whole and not set(named) <= set(case.clients):
        raise Invalid(
            "Only clients of this case can be disallowed: add the others to it first.", code="unknown_clients"
        )
    if len(named) > MOST_CLIENTS:
        raise Invalid(f"A verdict is about {MOST_CLIENTS} clients at most.", code="too_many_clients")
    if starts_at is not None and not EARLIEST <= starts_at <= at:
        raise Invalid("A verdict holds from a moment that has come: choose one up to now.", code="invalid_starts_at")
    return Verdict(
        at=at, by=by, disallowed=True, code=ReasonCode(code), why=why, clients=tuple(named), starts_at=starts_at
    )


def same_verdict(one: Verdict, other: Verdict) -> bool:
    """Whether both say the same, by the same person."""
    return replace(one, at=other.at) == other


def decided(case: Case, verdict: Verdict) -> Case:
    """The case with its first verdict. Raises `Conflict` when there is one (`decided_already`), or when the time in
    which clients may be disallowed has passed (`deadline_passed`)."""
    if case.status not in (CaseStatus.OPEN, CaseStatus.ESCALATED):
        raise Conflict("This case is decided already: look at it again.", code="decided_already")
    if verdict.disallowed and verdict.at >= case.escalate_by:
        raise Conflict("The time to decide has passed: the money goes free.", code="deadline_passed")
    status = CaseStatus.DISALLOWED if verdict.disallowed else CaseStatus.RELEASED
    return replace(case, status=status, verdict=verdict)


def appeal_decided(case: Case, *, by: str, at: datetime, uphold: bool, why: str) -> Case:
    """The case with its second verdict. Raises `Conflict`."""
    if case.status in (CaseStatus.UPHELD, CaseStatus.OVERTURNED):
        raise Conflict("This appeal is decided already: look at it again.", code="decided_already")
    if case.status is not CaseStatus.APPEALED or case.verdict is None:
        raise Conflict("Nobody has appealed against a verdict on this case.", code="not_appealed")
    if uphold and at >= case.escalate_by:
        raise Conflict("The time to decide has passed: the appeal is right.", code="deadline_passed")
    first = case.verdict
    second = replace(first, at=at, by=by, disallowed=uphold, code=first.code if uphold else None, why=why)
    return replace(case, status=CaseStatus.UPHELD if uphold else CaseStatus.OVERTURNED, second=second)


def by_the_clock(case: Case, now: datetime) -> Case:
    """The case as the clock has it by now: escalated, released, its appeal overturned; itself when nothing is due."""
    if not case.status.waits:
        return case
    if case.status is CaseStatus.APPEALED:
        if now < case.escalate_by:
            return case
        return appeal_decided(case, by=CLOCK, at=now, uphold=False, why=BY_CLOCK)
    if now >= case.escalate_by:
        verdict = Verdict(at=now, by=CLOCK, disallowed=False, code=None, why=BY_CLOCK, clients=())
        return replace(case, status=CaseStatus.RELEASED, verdict=verdict)
    if case.status is CaseStatus.OPEN and now >= case.decide_by:
        return replace(case, status=CaseStatus.ESCALATED, asked_at=now, reminders=0)
    return case


def due(case: Case) -> datetime:
    """When the clock goes on with a case that waits for people."""
    return case.decide_by if case.status is CaseStatus.OPEN else case.escalate_by


def reminded(case: Case, policy: CasePolicy, now: datetime) -> Case:
    """The case as it asks people now: by the clock and not by how often it is asked, and never fewer than before."""
    asked = case.asked_at or now
    return replace(
        case, asked_at=asked, reminders=max(case.reminders, (now - asked) // timedelta(hours=policy.remind_hours))
    )


# --------------------------------------------------------------------------------------------------------- the partner


def text_of(text: str) -> str:
    """What somebody says about a case. Raises `Invalid`."""
    text = text.strip()
    if not 3 <= len(text) <= LONGEST_TEXT:
        raise Invalid(f"Say something, in 3 to {LONGEST_TEXT} characters.", code="text_needed")
    return text


def answered(case: Case, answer: Answer) -> Case:
    """The case with one more answer; itself when this was the last thing this person said. Raises `Conflict`."""
    said = [each for each in case.answers if each.by == answer.by]
    if said and (said[-1].side, said[-1].text) == (answer.side, answer.text):
        return case
    if case.is_closed and answer.side == "partner":
        raise Conflict("This case is closed: write to your manager.", code="case_closed")
    if len(case.answers) >= MOST_ANSWERS:
        raise Conflict(f"{MOST_ANSWERS} answers are the most that a case takes.", code="too_many_answers")
    theirs = [each.text for each in case.answers if (each.side == "partner") == (answer.side == "partner")]
    if sum(map(_stored, [*theirs, answer.text])) > MOST_SAID:
        raise Conflict(f"{MOST_SAID} bytes are the most that a case takes of one side.", code="too_many_answers")
    return replace(case, answers=(*case.answers, answer))


def _stored(text: str) -> int:
    """Bytes that a text takes as JSON: some characters are four of them, or six."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def appealed(case: Case, answer: Answer, policy: CasePolicy) -> Case:
    """The case that waits for a second verdict. Raises `Conflict`."""
    if case.appealed_at is not None:
        raise Conflict("You appealed against this verdict already: it can be done once.", code="appealed_already")
    if case.status is not CaseStatus.DISALLOWED or case.appeal_by is None or case.is_closed:
        raise Conflict("There is no verdict to appeal against.", code="nothing_to_appeal")
    if answer.at >= case.appeal_by:
        raise Conflict("The time to appeal has passed.", code="appeal_too_late")
    decide_by = answer.at + timedelta(days=policy.decide_days)
    return replace(
        case,
        status=CaseStatus.APPEALED,
        appealed_at=answer.at,
        answers=(*case.answers, answer),
        decide_by=decide_by,
        escalate_by=decide_by,
        asked_at=answer.at,
        reminders=0,
    )


# ------------------------------------------------------------------------------------------------------------- its end


def closed(case: Case, now: datetime) -> Case:
    """The case, closed; itself while the partner has appealed meanwhile. Raises `Conflict` (`not_done`)."""
    if case.status is CaseStatus.APPEALED:
        return case
    too_early = case.status is CaseStatus.DISALLOWED and (case.appeal_by is None or now < case.appeal_by)
    if not case.is_free or not case.is_carried_out or case.status.waits or too_early:
        raise Conflict("This case is not done yet: it is closed when nothing of it waits.", code="not_done")
    return replace(case, closed_at=now)


def cleared_by(case: Case) -> Mapping[str, str]:
    """By detector, the UTC day through which the verdict says that all is well; empty when it does not."""
    if case.status not in (CaseStatus.RELEASED, CaseStatus.OVERTURNED) or case.verdict is None:
        return {}
    return dict.fromkeys(case.detectors, day_of(case.verdict.at))


def judged_by(case: Case) -> Mapping[str, str]:
    """By detector, the UTC day through which the verdict is against the partner: what was looked at is settled."""
    if case.status in (CaseStatus.RELEASED, CaseStatus.OVERTURNED) or case.verdict is None:
        return {}
    return dict.fromkeys(case.detectors, day_of(case.verdict.at))


# ----------------------------------------------------------------------------------------------------------- the policy


def check_policy(policy: CasePolicy) -> None:
    """Raises `Invalid` for clocks that are unfair to one of the sides, or cannot be."""
    for name, least, most in (
        ("decide_days", 1, 60),
        ("escalated_days", 1, 60),
        ("appeal_days", 7, 90),
        ("remind_hours", 1, 240),
    ):
        if not least <= getattr(policy, name) <= most:
            raise Invalid(f"{name} is {least} to {most}.", code="invalid_policy")
