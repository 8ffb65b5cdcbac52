"""A suspicion becomes a case: what was found, the money in question, who is told, all in one transaction.

One case of a partner is open at most. What is found while it is open joins it: its detectors and clients are added, and
more money is held where more is in question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from introducer.domain.case import SCORING, Case, execution_input, execution_name
from introducer.domain.case_mail import opened_mails
from introducer.domain.case_rules import MOST_CLIENTS, check_decider, joined, kept, opened
from introducer.domain.configuration import Change, Member, Partner
from introducer.domain.errors import Conflict, IntroducerError, Invalid, NotFound
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.scoring import Scoring
from introducer.services.case_books import TRIES, CaseBooks, Start
from introducer.services.decisions import reason
from introducer.services.hold_money import hold_money, may_hold, moved
from introducer.services.money_in_question import holding
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.cases import Step


def open_case(
    books: CaseBooks,
    start: Start,
    *,
    brand: str,
    partner: str,
    findings: Sequence[Finding],
    why: str,
    now: datetime,
    by: str = SCORING,
) -> Case | None:
    """Opens the partner's case, or lets the findings join the one that is open; the case as it stands then. `why` is
    the first finding in words (staff's sentence, filled in).

    Its money is held in the same transaction, and the execution is started after it: where that fails the case stands
    without one (`Case.execution` empty), and whoever comes next starts it. The same findings again change nothing. None
    without findings. A case that is decided and not carried out yet takes nothing in: it is answered as it is, and the
    next scoring opens another.

    Raises `NotFound` for a partner that the brand does not have, `Conflict` (`books_changed`: try again),
    `Unavailable`.
    """
    if not findings:
        return None
    owner = books.configuration.partner(partner)
    if owner.brand != brand:
        raise NotFound("There is no such partner.")
    return _open(books, start, owner, findings, (), why, by, now, origin="scoring")


def open_case_by_hand(
    books: CaseBooks,
    start: Start,
    *,
    member: Member,
    partner: str,
    clients: Sequence[str],
    why: str,
    now: datetime,
) -> Case:
    """A manager, compliance or an admin opens a case, or adds clients to the open one. `clients` are keyed hashes of
    clients of this partner; without any, all that is not paid out is in question.

    Raises `Forbidden` (`case_role`), `NotFound` (`no_such_client` for one that is not this partner's), `Invalid` for a
    reason that is none, `Conflict` (`decided_already` while a case of the partner is being carried out), `Unavailable`.
    """
    check_decider(member.role)
    owner = partner_of_brand(books.configuration, member, partner)
    word = reason(why)
    if len(clients) > MOST_CLIENTS:
        raise Invalid(f"A case is about {MOST_CLIENTS} clients at most.", code="too_many_clients")
    check_clients(books, owner.brand, owner.partner, clients)
    case = _open(books, start, owner, (), clients, word, member.member, now, origin="portal")
    if not may_hold(case):
        raise Conflict("A case of this partner was just decided: try again in some minutes.", code="decided_already")
    return case


def start_execution(books: CaseBooks, start: Start, case: Case) -> Case:
    """Sees that an execution walks the case, and notes its name. A daily sweep calls it for each case that is not
    closed: an execution that failed is started again. Where it cannot be started the case is answered as it is."""
    for _ in range(TRIES):
        if case.is_closed:
            return case
        try:
            name = start(execution_name(case), execution_input(case))
        except IntroducerError:
            # It is not lost: the case says that it has none, and scoring and the sweep come by again.
            return case
        if name == case.execution:
            return case
        written = books.cases.write(Step(before=case, after=replace(case, execution=name)))
        if written is not None:
            return written
        case = books.cases.case(case.partner, case.case)
    return case


def check_clients(books: CaseBooks, brand: str, partner: str, clients: Collection[str]) -> None:
    """Raises `NotFound` (`no_such_client`) unless each of them is or was a client of the partner."""
    states = books.clients.states((brand, client) for client in sorted(set(clients)))
    for client in clients:
        state = states.get((brand, client))
        if state is None or not (
            any(segment.partner == partner for segment in state.timeline)
            or any(key.partner == partner for key in state.posted)
        ):
            raise NotFound("There is no such client of this partner.", code="no_such_client")


def _open(
    books: CaseBooks,
    start: Start,
    owner: Partner,
    findings: Sequence[Finding],
    clients: Iterable[str],
    why: str,
    by: str,
    now: datetime,
    *,
    origin: str,
) -> Case:
    clients = sorted(set(clients))
    change = Change(by=by, at=now, why=why, origin=origin)
    for _ in range(TRIES):
        scoring = books.scorings.get(owner.brand, owner.partner)
        if scoring.open_case:
            case = _join(books, scoring, findings, clients, change, now)
        else:
            case = _new(books, owner, scoring, findings, clients, change, now)
        if case is not None:
            # The first step takes no more days than one transaction holds; the next ones take the rest.
            case = hold_money(books, partner=case.partner, case=case.case, now=now)
            return case if case.execution else start_execution(books, start, case)
    raise Conflict("The partner's books move too fast: try again.", code="books_changed")


def _new(
    books: CaseBooks,
    owner: Partner,
    scoring: Scoring,
    findings: Sequence[Finding],
    clients: Sequence[str],
    change: Change,
    now: datetime,
) -> Case | None:
    """One try to open a case; None when something is not as it was read."""
    case = opened(
        brand=owner.brand,
        partner=owner.partner,
        name=owner.name,
        number=scoring.cases + 1,
        by=change.by,
        why=change.why,
        findings=findings,
        clients=clients,
        policy=books.cases.policy(owner.brand),
        now=now,
    )
    balance = books.ledger.balance(owner.partner)
    money = moved(books.holds, case, balance, holding(books, case, balance, now), now)
    step = money.step(
        None,
        change,
        "open_case",
        findings=tuple(map(kept, findings)),
        scoring=(scoring, replace(scoring, cases=scoring.cases + 1, open_case=case.case)),
        mails=opened_mails(money.case, now, manager=owner.manager or ""),
    )
    return books.cases.write(step)


def _join(
    books: CaseBooks,
    scoring: Scoring,
    findings: Sequence[Finding],
    clients: Sequence[str],
    change: Change,
    now: datetime,
) -> Case | None:
    """One try to add to the case that is open; None when something is not as it was read."""
    case = books.cases.case(scoring.partner, scoring.open_case)
    if not may_hold(case):
        return case
    known = {finding.detector: finding for finding in books.cases.findings(case.partner, case.case)}
    more, news = joined(case, findings, clients, known, whole=not findings and not clients)
    balance = books.ledger.balance(case.partner)
    money = moved(books.holds, more, balance, holding(books, more, balance, now), now)
    if money.case == case and not news:
        return case
    return books.cases.write(money.step(case, change, "join_case" if more != case else "hold_money", findings=news))
