"""Writes partners their letters and managers their digests, each once: on the morning after a week or a month, by the
reader's clocks. A page of partners at a time; whatever is repeated meets the letters that are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from introducer.domain.configuration import Brand, Member, Role, Status
from introducer.domain.errors import Invalid, NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.mail_topics import Topic
from introducer.domain.report import (
    Cadence,
    Period,
    ReportChoice,
    Told,
    digest,
    digest_mail,
    digest_mail_id,
    due,
    is_silent,
    may_be_due,
    report_mail,
    report_mail_id,
)
from introducer.services.read_report_figures import FigureBooks, read_report, read_two
from introducer.store.cases import Cases
from introducer.store.configuration import Configuration
from introducer.store.conversations import Conversations
from introducer.store.mail_preferences import MemberMails
from introducer.store.mails import Mails
from introducer.store.report_choices import ReportChoices
from introducer.store.tasks import Tasks

LATE = timedelta(hours=6)
"""For so long after its moment a letter is written still: a call that failed is made up for by the next ones."""
PAGE = 25
"""How many partners a message of the queue stands for."""


@dataclass(frozen=True, slots=True)
class ReportBooks:
    """What letters are made from."""

    configuration: Configuration
    choices: ReportChoices
    figures: FigureBooks
    mails: Mails
    wishes: MemberMails
    cases: Cases
    tasks: Tasks
    conversations: Conversations

    @classmethod
    def of(cls, books: str) -> ReportBooks:
        return cls(
            configuration=Configuration(books),
            choices=ReportChoices(books),
            figures=FigureBooks.of(books),
            mails=Mails(books),
            wishes=MemberMails(books),
            cases=Cases(books),
            tasks=Tasks(books),
            conversations=Conversations(books),
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What a message came to."""

    letters: int
    following: str = ""
    """The message of the next page; empty for the last one."""
    failed: Mapping[str, Exception] = field(default_factory=dict)
    """What kept letters of the page from being written, by the messages that try them again, each alone: the page's
    other partners, and those after them, have theirs."""


def messages(books: ReportBooks, now: datetime) -> Iterator[str]:
    """What the hour asks for, in messages of the queue: nothing in most hours. Raises `Unavailable`: call again."""
    if not may_be_due(now - LATE, now):
        return
    at, brands = milliseconds(now), list(books.configuration.every_brand())
    # Partners first: nothing about a manager keeps any of them waiting.
    for brand in brands:
        yield json.dumps({"what": "partners", "brand": brand.brand, "cursor": None, "at": at})
    for brand in brands:
        for manager in books.configuration.every_colleague(brand.brand):
            if _digest_due(books, manager, brand.time_zone, now):
                yield json.dumps({"what": "digest", "brand": brand.brand, "manager": manager.member, "at": at})


def follow(books: ReportBooks, message: Mapping[str, Any]) -> Written:
    """Does what a message says. Raises `Invalid` (`unknown_message`) for none of ours, `Unavailable`: again."""
    match message:
        case {"what": "partners", "brand": str(brand), "cursor": str() | None as cursor, "at": int(at)}:
            return write_page(books, brand=brand, cursor=cursor, now=from_milliseconds(at))
        case {"what": "partner", "brand": str(brand), "partner": str(partner), "at": int(at)}:
            return write_letter(books, brand=brand, partner=partner, now=from_milliseconds(at))
        case {"what": "digest", "brand": str(brand), "manager": str(manager), "at": int(at)}:
            return Written(write_digest(books, brand=brand, manager=manager, now=from_milliseconds(at)))
        case _:
            raise Invalid("This is no message about reports.", code="unknown_message")


def write_page(books: ReportBooks, *, brand: str, cursor: str | None, now: datetime) -> Written:
    """The letters of a page of a brand's partners that are due by `now`. Raises `Unavailable`, where the page itself
    cannot be read."""
    found = books.configuration.brand(brand)
    page = books.configuration.cards(brand, cursor, limit=PAGE)
    active = [card.partner for card in page.items if card.status is Status.ACTIVE]
    letters, failed, at = 0, dict[str, Exception](), milliseconds(now)
    for partner, choice in sorted(books.choices.of_partners(active).items()):
        try:
            letters += _write_due(books, found, partner, choice, now)
        except Exception as error:
            # One that never succeeds must not keep all who come after it from their letters.
            failed[json.dumps({"what": "partner", "brand": brand, "partner": partner, "at": at})] = error
    following = ""
    if page.cursor is not None:
        following = json.dumps({"what": "partners", "brand": brand, "cursor": page.cursor, "at": at})
    return Written(letters, following, failed)


def write_letter(books: ReportBooks, *, brand: str, partner: str, now: datetime) -> Written:
    """One partner's letter, where it is due by `now`: one that failed before. Raises `NotFound`, `Unavailable`."""
    found = books.configuration.partner(partner)
    if found.brand != brand or found.status is not Status.ACTIVE:
        return Written(0)
    return Written(_write_due(books, books.configuration.brand(brand), partner, books.choices.get(partner), now))


def write_digest(books: ReportBooks, *, brand: str, manager: str, now: datetime) -> int:
    """A manager's digest, where it is due by `now`; how many were written."""
    try:
        member = books.configuration.member(manager)
    except NotFound:
        return 0
    period = _digest_due(books, member, books.configuration.brand(brand).time_zone, now)
    if member.brand != brand or period is None or _there(books, brand, digest_mail_id(brand, manager, period)):
        return 0
    theirs = [card for card in books.configuration.every_card(brand) if card.manager == manager]
    partners = [card for card in theirs if card.status is Status.ACTIVE]
    if not partners:
        return 0
    told = []
    for card in partners:
        now_counts, before = read_two(books.figures, partner=card.partner, period=period)
        joined = books.configuration.partner(card.partner).created.date()
        new = period.first <= joined <= period.last
        told.append((Told(card.partner, card.name, now_counts["ftd"], before["ftd"], new), now_counts, before))
    # Whoever is suspended brings nothing that is told, and waits like all others: for an answer, and for a verdict.
    waits = _waits(books, brand, manager, {card.partner for card in theirs}, now.astimezone(UTC).date().isoformat())
    return int(books.mails.put(digest_mail(brand, manager, period, digest(told, waits), now)))


# --------------------------------------------------------------------------------------------------------------- parts


def _write_due(books: ReportBooks, brand: Brand, partner: str, choice: ReportChoice, now: datetime) -> bool:
    """Writes a partner's letter, where it is due; whether it is new."""
    period = due(choice.cadence, choice.time_zone or brand.time_zone, now - LATE, now)
    return period is not None and _write(books, brand.brand, partner, period, now)


def _write(books: ReportBooks, brand: str, partner: str, period: Period, now: datetime) -> bool:
    """Writes a partner's letter; whether it is new. Nobody is written to of nothing."""
    if _there(books, partner, report_mail_id(brand, partner, period)):
        return False
    said = read_report(books.figures, partner=partner, period=period)
    return not is_silent(said) and books.mails.put(report_mail(brand, partner, said, now))


def _waits(books: ReportBooks, brand: str, manager: str, theirs: Set[str], today: str) -> dict[str, int]:
    """What waits for a manager, by what it is: of tasks, those that the queue shows on this UTC day."""
    answers, cursor, waiting = 0, None, True
    while waiting:
        # Those that wait for an answer come first.
        page = books.conversations.of_brand(brand, cursor)
        for thread in page.items:
            answers += thread.waits_since is not None and (
                thread.assigned == manager or (not thread.assigned and thread.partner in theirs)
            )
        cursor = page.cursor
        waiting = cursor is not None and any(thread.waits_since is not None for thread in page.items)
    return {
        "tasks": sum(task.assignee == manager and not task.sleeps(today) for task in books.tasks.open_of_brand(brand)),
        "messages": answers,
        "cases": sum(case.partner in theirs for case in books.cases.all_open(brand)),
    }


def _there(books: ReportBooks, of: str, mail: str) -> bool:
    try:
        books.mails.mail(of, mail)
    except NotFound:
        return False
    return True


def _digest_due(books: ReportBooks, manager: Member, otherwise: str, now: datetime) -> Period | None:
    """The week whose digest is due: by the manager's own clocks, once the manager chose any, else by the brand's. None
    for staff of another role, whichever partners name them."""
    if manager.role is not Role.MANAGER:
        return None
    wishes = books.wishes.preferences(manager.member)
    return due(Cadence.WEEKLY, wishes.time_zone or otherwise, now - LATE, now) if wishes.wants(Topic.REPORTS) else None
