"""Tasks are raised once, worked once, rest, and pass: the sweep, what happened, repeats and races."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.case import CaseStatus
from introducer.domain.configuration import Change, Member, Partner, PartnerKind, Role, Status
from introducer.domain.deal import Basis
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound
from introducer.domain.events import day_of, milliseconds
from introducer.domain.mail import MailTemplate, Value, amount, new_mail
from introducer.domain.money import Money
from introducer.domain.results import ResultLine, TierPlace
from introducer.domain.rows import Qualifying, Row
from introducer.domain.task import Outcome, Task, TaskStatus
from introducer.domain.trigger import Found, Trigger, told
from introducer.domain.verification import Verification, VerificationStatus
from introducer.services.accept_deal import accept_deal
from introducer.services.creation import Author
from introducer.services.propose_deal import propose_deal
from introducer.services.raise_task import pass_task, raise_task
from introducer.services.read_tasks import read_queue, read_task, read_tasks_of_partner
from introducer.services.sweep_triggers import Swept, TriggerBooks, happened, sweep_page
from introducer.services.work_task import finish_task, reassign_task, snooze_task
from introducer.store.cases import Cases
from introducer.store.configuration import Configuration
from introducer.store.event_counts import count_key
from introducer.store.settlements import row_to_item
from introducer.store.tasks import Tasks
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.builders import cpa, terms

pytestmark = pytest.mark.in_memory

BRAND = "brd_1"
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
TODAY = day_of(NOW)
CHANGE = Change(by="system:test", at=NOW, why="set up")


def member(name: str, role: Role, brand: str = BRAND) -> Member:
    return Member(member=name, partner=None, brand=brand, role=role, name=name.title(), language="en")


SAM, KIM = member("sam", Role.MANAGER), member("kim", Role.MANAGER)
FINN, NOOR, SOL = member("finn", Role.FINANCE), member("noor", Role.COMPLIANCE), member("sol", Role.SALES)
STRANGER = member("stranger", Role.ADMIN, "brd_other")


@pytest.fixture
def books(tables: Tables) -> TriggerBooks:
    found = TriggerBooks.of(tables.books)
    for each in (SAM, KIM, FINN, NOOR, SOL, STRANGER):
        found.configuration.add_member(each, CHANGE)
    return found


def joins(books: TriggerBooks, partner: str = "par_1", **other: Any) -> Partner:
    new = replace(
        Partner(
            partner=partner, brand=BRAND, name=f"Name of {partner}", kind=PartnerKind.AFFILIATE, status=Status.ACTIVE,
            parent=None, manager="sam", country="DE", language="en", currency="EUR", email_hash=None,
            created=NOW - timedelta(days=400),
        ),
        **other,
    )  # fmt: skip
    books.configuration.register_partner(new, CHANGE)
    return new


def brings(books: TriggerBooks, partner: str = "par_1", day: str = TODAY, **other: Any) -> None:
    usual = {"ftd_7": 5, "ftd_prev_28": 20, "last_active_day": day, "joined": "2025-10-26"}
    books.results.put(BRAND, ResultLine(partner=partner, day=day, **usual | other))


def sweep(books: TriggerBooks, now: datetime = NOW, cursor: str | None = None, limit: int = 100) -> Swept:
    swept = sweep_page(books, brand=BRAND, cursor=cursor, now=now, limit=limit)
    assert swept.failed == {}
    return swept


def opened(books: TriggerBooks) -> list[tuple[str, Trigger]]:
    return [(task.partner, task.trigger) for task in books.tasks.open_of_brand(BRAND)]


def finish(books: TriggerBooks, task: Task, who: Member = SAM, now: datetime = NOW, **other: str) -> Task:
    said = {"outcome": "spoke"} | other
    return finish_task(books.configuration, books.tasks, member=who, partner=task.partner, task=task.task,
                       clock=lambda: now, **said)  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- the sweep


def test_the_sweep_raises_what_goes_off_and_leaves_the_others_alone(books: TriggerBooks) -> None:
    for name, line in (("par_1", {"ftd_7": 2}), ("par_2", {}), ("par_3", {"last_active_day": "2026-11-10"})):
        joins(books, name)
        brings(books, name, **line)

    swept = sweep(books)

    assert (swept.partners, swept.raised, swept.passed, swept.next) == (3, 2, 0, None)
    assert opened(books) == [("par_1", Trigger.FTD_FELL), ("par_3", Trigger.DORMANT)]
    [task] = books.tasks.of_partner("par_1")
    assert (task.assignee, task.due, task.name) == ("sam", "2026-12-02", "Name of par_1")
    assert task.evidence == {"ftd_7": 2, "ftd_prev_28": 20, "fell_percent": 60}


def test_a_page_that_is_done_again_and_the_next_days_raise_nothing_twice(books: TriggerBooks) -> None:
    joins(books)
    brings(books, ftd_7=2)
    before = [sweep(books).raised, *books.tasks.of_partner("par_1")]
    for days in range(3):
        brings(books, day=day_of(NOW + timedelta(days=days)), ftd_7=2)
        assert sweep(books, NOW + timedelta(days=days)).raised == 0
    assert before == [1, *books.tasks.of_partner("par_1")]


def test_what_was_done_rests_and_comes_again_when_it_still_holds(books: TriggerBooks) -> None:
    # given a task that was done
    joins(books)
    brings(books, ftd_7=2)
    sweep(books)
    finish(books, books.tasks.of_partner("par_1")[0])

    # then the next thirteen days raise nothing, and the fourteenth does
    for days, raised in ((1, 0), (13, 0), (14, 1)):
        brings(books, day=day_of(NOW + timedelta(days=days)), ftd_7=2)
        assert sweep(books, NOW + timedelta(days=days)).raised == raised, days
    assert len({task.task for task in books.tasks.of_partner("par_1")}) == 2


def test_a_condition_that_holds_no_longer_ends_its_task(books: TriggerBooks) -> None:
    joins(books)
    brings(books, ftd_7=2)
    sweep(books)
    brings(books, ftd_7=4)

    assert sweep(books).passed == 1
    [task] = books.tasks.of_partner("par_1")
    assert (task.status, task.outcome, task.done_by) == (TaskStatus.DONE, Outcome.PASSED, "system:triggers")
    # and it does not flap next day
    brings(books, day=day_of(NOW + timedelta(days=1)), ftd_7=2)
    assert sweep(books, NOW + timedelta(days=1)).raised == 0


def test_old_results_say_nothing(books: TriggerBooks) -> None:
    joins(books)
    brings(books, day="2026-11-28", ftd_7=0)
    swept = sweep(books)
    assert (swept.stale, swept.raised, opened(books)) == (1, 0, [])
    # nor do they end what was found by good ones
    brings(books, ftd_7=0)
    sweep(books)
    brings(books, day="2026-11-28")
    assert sweep(books).passed == 0


def test_whoever_is_suspended_is_left_alone_until_it_is_over(books: TriggerBooks) -> None:
    joins(books, status=Status.BLOCKED, status_since=NOW - timedelta(days=1))
    brings(books, ftd_7=0)
    joins(books, "par_2", status=Status.SUSPENDED, status_since=NOW + timedelta(days=1))
    brings(books, "par_2", ftd_7=0)
    assert sweep(books).raised == 1 and opened(books) == [("par_2", Trigger.FTD_FELL)]


def test_a_sweep_in_pages_meets_everybody_once_and_can_be_cut_off(books: TriggerBooks) -> None:
    for number in range(7):
        joins(books, f"par_{number}")
        brings(books, f"par_{number}", ftd_7=0)
    cursor, pages = None, []
    while True:
        # Each page is done twice, as after a crash before its answer.
        page = sweep(books, cursor=cursor, limit=3)
        assert sweep(books, cursor=cursor, limit=3).raised == 0
        pages.append((page.partners, page.raised))
        cursor = page.next
        if cursor is None:
            break
    assert [each for each in pages if each[0]] == [(3, 3), (3, 3), (1, 1)]


def test_one_partner_that_cannot_be_read_stops_none_of_the_others(
    books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("par_1", "par_2", "par_3"):
        joins(books, name)
        brings(books, name, ftd_7=0)
    marks = Tasks.marks

    def broken(self: Tasks, partner: str) -> Any:
        if partner == "par_2":
            raise ValueError("no such trigger")
        return marks(self, partner)

    monkeypatch.setattr(Tasks, "marks", broken)
    swept = sweep_page(books, brand=BRAND, cursor=None, now=NOW)
    assert (list(swept.failed), swept.raised) == (["par_2"], 2)


def test_documents_that_wait_two_days_are_somebodys_task_until_they_are_decided(books: TriggerBooks) -> None:
    joins(books)
    before = books.verifications.of_partner("par_1", BRAND)
    handed = replace(before, status=VerificationStatus.SUBMITTED, version=1, submitted_at=NOW - timedelta(days=2))
    books.verifications.move("submit_documents", before, handed, CHANGE)
    assert sweep(books, NOW - timedelta(hours=1)).raised == 0
    assert sweep(books).raised == 1
    [task] = books.tasks.of_partner("par_1")
    assert (task.trigger, task.evidence) == (Trigger.DOCUMENTS_WAIT, {"days": 2})

    decided = replace(handed, status=VerificationStatus.APPROVED, version=2, approved_at=NOW)
    books.verifications.move("decide_verification", handed, decided, CHANGE)
    assert sweep(books).passed == 1


def test_tiers_are_near_once_a_month_in_the_deals_own_figures(books: TriggerBooks) -> None:
    joins(books)
    author = Author(by="system:test", why="set up")
    deal = propose_deal(books.configuration, partner="par_1", terms=terms(cpa("100.00")), author=author,
                        clock=lambda: NOW - timedelta(days=90))  # fmt: skip
    accept_deal(books.configuration, partner="par_1", version=deal.version, terms_hash=deal.terms_hash, author=author,
                clock=lambda: NOW - timedelta(days=90))  # fmt: skip
    near = TierPlace(Basis.QFTD, 1, 3, 17, 20)
    brings(books, tier=near, deal_kinds=("cpa",))
    assert sweep(books).raised == 1
    [task] = books.tasks.of_partner("par_1")
    assert task.about == "2026-11 qftd 2"
    assert task.evidence == {"done": 17, "needed": 20, "missing": 3, "by": "qftd", "tier": 2, "currency": "EUR"}
    finish(books, task)
    assert sweep(books).raised == 0
    # a month later it is another tier to reach
    later = NOW + timedelta(days=25)
    brings(books, day=day_of(later), tier=near, deal_kinds=("cpa",))
    assert sweep(books, later).raised == 1


def test_a_tier_by_net_revenue_is_in_the_currency_in_which_it_was_counted(books: TriggerBooks) -> None:
    # given a deal in euro, and results of the night before it began, which counted dollars
    joins(books)
    has_deal(books, cpa("100.00"))
    brings(books, tier=TierPlace(Basis.NET_REVENUE, 1, 3, 90_000, 100_000, "USD"), deal_kinds=("cpa",))
    sweep(books)
    [task] = books.tasks.of_partner("par_1")
    assert told(task.evidence)["missing"] == Money(10_000, "USD")


def test_on_the_first_yesterdays_tier_says_nothing_of_the_new_month(books: TriggerBooks) -> None:
    # given a tier that is nearly reached on the last day of a month, and results that are a day late on the first
    joins(books)
    has_deal(books, cpa("100.00"))
    brings(books, tier=TierPlace(Basis.QFTD, 1, 3, 17, 20), deal_kinds=("cpa",))
    first = datetime(2026, 12, 1, 3, 30, tzinfo=UTC)

    # then the first raises nothing by them, and the month that is over is over
    assert sweep(books, first).raised == 0
    sweep(books)
    swept = sweep(books, first)
    assert (swept.raised, swept.passed) == (0, 1)
    assert [task.about for task in books.tasks.of_partner("par_1")] == ["2026-11 qftd 2"]


def test_of_two_caps_that_are_near_each_has_its_turn(tables: Tables, books: TriggerBooks) -> None:
    # given two rules, near the cap of each
    joins(books)
    capped = {"caps": [{"per": "month", "clients": 5}]}
    has_deal(books, cpa("100.00") | capped, cpa("50.00") | capped | {"id": "second"})
    brings(books, deal_kinds=("cpa",))
    for number in range(4):
        qualifies(tables, number), qualifies(tables, 10 + number, rule="second")
    assert (sweep(books).raised, sweep(books).raised) == (1, 0)
    [task] = books.tasks.of_partner("par_1")
    assert (task.evidence["rule"], task.times) == ("cpa", 1)

    # when the first is done, then the second is raised, and neither comes again
    finish(books, task)
    assert (sweep(books).raised, sweep(books).raised) == (1, 0)
    second = next(task for task in books.tasks.of_partner("par_1") if task.status is TaskStatus.OPEN)
    assert second.evidence["rule"] == "second"
    # and a task passes with what it is about, though the other cap is as near as before
    qualifies(tables, 20, rule="second")
    swept = sweep(books)
    assert (swept.passed, swept.raised, opened(books)) == (1, 0, [])


def test_what_is_put_off_hides_no_other_of_its_kind(tables: Tables, books: TriggerBooks) -> None:
    def swept(day: str) -> int:
        brings(books, day=day, deal_kinds=("cpa",))
        return sweep(books, datetime.fromisoformat(f"{day}T09:00+00:00")).raised

    joins(books)
    capped = {"caps": [{"per": "month", "clients": 5}]}
    has_deal(books, cpa("100.00") | capped, cpa("50.00") | capped | {"id": "second"})
    then = datetime(2026, 11, 10, 9, tzinfo=UTC)
    for number in range(4):
        qualifies(tables, number)
    assert swept("2026-11-10") == 1
    [task] = books.tasks.of_partner("par_1")
    snooze_task(books.configuration, books.tasks, member=SAM, partner="par_1", task=task.task, until="2026-11-20",
                clock=lambda: then)  # fmt: skip
    assert swept("2026-11-10") == 0, "it sleeps"
    for number in range(4):
        qualifies(tables, 10 + number, rule="second")
    assert swept("2026-11-10") == 1
    [task] = books.tasks.of_partner("par_1")
    assert (task.evidence["rule"], task.snoozed_until, task.earlier) == ("second", "", ())
    # and once that is done, the first comes again on the day to which it was put off
    finish(books, task, now=then)
    assert [swept(day) for day in ("2026-11-10", "2026-11-19", "2026-11-20", "2026-11-21")] == [0, 0, 1, 0]


def test_of_two_that_are_put_off_neither_wakes_the_other(books: TriggerBooks) -> None:
    # given the caps of two rules that stay near, and somebody who puts off the task about one, then the other's
    who = joins(books)
    first, second = (
        Found(trigger=Trigger.NEAR_CAP, about=f"2026-11 {rule}", evidence={"rule": rule}) for rule in ("cpa", "second")
    )
    for found, until in ((first, "2026-12-10"), (second, "2026-12-20")):
        task = raise_task(books.tasks, who, found, NOW)
        assert task is not None and task.evidence == found.evidence
        snooze_task(books.configuration, books.tasks, member=SAM, partner="par_1", task=task.task, until=until,
                    clock=lambda: NOW)  # fmt: skip

    # then both sleep, however often they are found again
    for days in range(10):
        for found in (first, second):
            assert raise_task(books.tasks, who, found, NOW + timedelta(days=days)) is None, (days, found.about)
    # and each comes on its own day
    for found, day in ((first, "2026-12-10"), (second, "2026-12-20")):
        at = datetime.fromisoformat(f"{day}T09:00+00:00")
        again = raise_task(books.tasks, who, found, at)
        assert again is not None and (again.evidence, again.due) == (found.evidence, day_of(at + timedelta(days=2)))
        snooze_task(books.configuration, books.tasks, member=SAM, partner="par_1", task=again.task, until="2026-12-30",
                    clock=lambda at=at: at)  # fmt: skip
        other = first if found is second else second
        assert raise_task(books.tasks, who, other, at) is None, "the other one still sleeps"


def test_one_first_deposit_a_month_makes_no_work(books: TriggerBooks) -> None:
    """Forty weeks of a partner with a visit a week and a first deposit every thirtieth day."""
    joins(books, created=NOW - timedelta(days=400))
    for day in range(280):
        now = NOW + timedelta(days=day)
        ftds = [at for at in range(-35, day + 1) if at % 30 == 0]
        last = max(at for at in range(-35, day + 1) if at % 7 == 0)
        brings(
            books, day=day_of(now), ftd_7=sum(day - 7 < at for at in ftds),
            ftd_prev_28=sum(day - 35 < at <= day - 7 for at in ftds),
            last_active_day=day_of(NOW + timedelta(days=last)), joined="2025-10-26",
        )  # fmt: skip
        sweep(books, now)
    # The books of this test count no events: to them the first is the first.
    assert [task.trigger for task in books.tasks.of_partner("par_1")] == [Trigger.FIRST_FTD]


def test_a_first_one_of_the_first_of_the_seven_days_has_none_before_it(tables: Tables, books: TriggerBooks) -> None:
    # given a first deposit on the first of the line's seven days, and another partner's that had one long before
    for name, *days in (("par_1", "2026-11-23"), ("par_2", "2026-11-23", "2026-10-20")):
        joins(books, name)
        brings(books, name, ftd_7=1, ftd_prev_28=0)
        for day in days:
            item = {**count_key(name, day, "LINK0001").item(), "ftd": 1}
            tables.client.put_item(TableName=tables.books, Item=to_wire(item))

    sweep(books)

    assert opened(books) == [("par_1", Trigger.FIRST_FTD)]


def test_tasks_go_with_the_partners_manager_but_for_those_that_were_given(
    books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given three partners of Sam's with a task each, of which one was given to Kim, and one of nobody's
    for name in ("par_1", "par_2", "par_3"):
        joins(books, name, manager=None if name == "par_3" else "sam")
        brings(books, name, ftd_7=0)
    sweep(books)
    given = books.tasks.of_partner("par_2")[0]
    reassign_task(books.configuration, books.tasks, member=SAM, partner="par_2", task=given.task, to="kim",
                  clock=lambda: NOW)  # fmt: skip
    # when another manager looks after all of them
    cards = books.configuration.cards(BRAND)
    moved = replace(cards, items=tuple(replace(card, manager="lena") for card in cards.items))
    monkeypatch.setattr(Configuration, "cards", lambda *_: moved)
    assert sweep(books).raised == 0
    # then what nobody gave is in her queue, once
    assert sweep(books).raised == 0
    tasks = {task.partner: (task.assignee, task.version) for task in books.tasks.open_of_brand(BRAND)}
    assert tasks == {"par_1": ("lena", 2), "par_2": ("kim", 2), "par_3": ("lena", 2)}


# ------------------------------------------------------------------------------------------------------- what happened


def a_failure(books: TriggerBooks, payout: str, partner: str = "par_1") -> str:
    values: dict[str, Value] = {
        "payout": payout, "amount": amount(10_000, "EUR"), "pays": amount(10_000, "EUR"), "masked": "DE•• 3000",
        "day": TODAY, "rates": [], "reason": "account_closed",
    }  # fmt: skip
    mail = new_mail(f"{payout} payout_failed", MailTemplate.PAYOUT_FAILED, values, brand=BRAND, partner=partner, at=NOW)
    books.mails.put(mail)
    return mail.mail


def test_a_failed_payout_is_a_task_at_once_however_often_it_is_named(books: TriggerBooks) -> None:
    joins(books)
    mail = a_failure(books, "pay_1")
    first = happened(books, of="par_1", mail=mail, now=NOW)
    assert first is not None and (first.trigger, first.due) == (Trigger.PAYOUT_FAILED, "2026-12-01")
    for _ in range(3):
        assert happened(books, of="par_1", mail=mail, now=NOW) is None
    finish(books, first)
    # The stream brings it again, a month later: it was done.
    assert happened(books, of="par_1", mail=mail, now=NOW + timedelta(days=31)) is None


def test_a_second_one_is_told_by_the_open_task_and_wakes_it(books: TriggerBooks) -> None:
    joins(books)
    first = happened(books, of="par_1", mail=a_failure(books, "pay_1"), now=NOW)
    assert first is not None
    snooze_task(books.configuration, books.tasks, member=SAM, partner="par_1", task=first.task, until="2026-12-20",
                clock=lambda: NOW)  # fmt: skip
    again = happened(books, of="par_1", mail=a_failure(books, "pay_2"), now=NOW + timedelta(days=1))
    assert again is not None
    assert (again.task, again.times, again.snoozed_until) == (first.task, 2, "")
    assert (again.evidence["payout"], again.due) == ("pay_2", "2026-12-02")
    assert [each["payout"] for each in again.earlier] == ["pay_1"], "what it told before stays with it"
    # the first one is not raised by it a second time
    assert happened(books, of="par_1", mail=a_failure(books, "pay_1"), now=NOW) is None
    assert len(books.tasks.of_partner("par_1")) == 1


def test_a_task_keeps_the_ten_things_that_it_told_last(books: TriggerBooks) -> None:
    joins(books)
    for number in range(12):
        task = happened(books, of="par_1", mail=a_failure(books, f"pay_{number}"), now=NOW)
    assert task is not None and (task.times, task.evidence["payout"]) == (12, "pay_11")
    assert [each["payout"] for each in task.earlier] == [f"pay_{number}" for number in range(10, 0, -1)]


def test_after_it_was_done_another_one_is_another_task(books: TriggerBooks) -> None:
    joins(books)
    for payout in ("pay_1", "pay_2"):
        task = happened(books, of="par_1", mail=a_failure(books, payout), now=NOW)
        assert task is not None
        finish(books, task)
    assert len(books.tasks.of_partner("par_1")) == 2


def test_a_case_that_was_decided_needs_nobody_any_more(books: TriggerBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    # given two cases of a partner, told by one task
    who = joins(books)
    for case in ("cas_1", "cas_2"):
        found = Found(trigger=Trigger.CASE_OPENED, about=case, evidence={"case": case, "topic": "x", "clients": 1})
        raise_task(books.tasks, who, found, NOW)
    status = dict.fromkeys(("cas_1", "cas_2"), CaseStatus.OPEN)
    monkeypatch.setattr(Cases, "case", lambda self, partner, case: SimpleNamespace(status=status[case]))
    assert sweep(books).passed == 0
    # when one is decided, the other one still waits; with both, the task is over
    status["cas_2"] = CaseStatus.DISALLOWED
    assert sweep(books).passed == 0
    status["cas_1"] = CaseStatus.RELEASED
    assert sweep(books).passed == 1
    [task] = books.tasks.of_partner("par_1")
    assert task.outcome is Outcome.PASSED
    # and whatever the stream brings again, it is not raised again
    assert raise_task(books.tasks, who, found, NOW) is None


def test_what_is_told_of_a_partner_that_is_gone_makes_nothing(books: TriggerBooks) -> None:
    assert happened(books, of="par_1", mail="mail_none", now=NOW) is None
    assert happened(books, of="par_nobody", mail=a_failure(books, "pay_1", "par_nobody"), now=NOW) is None


# --------------------------------------------------------------------------------------------------------------- races


class Meeting:
    """Does something else in the middle of the first write of a task, as another process would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
        write = Tasks._write
        self.met = 0

        def slow(tasks: Tasks, *given: Any) -> None:
            self.met += 1
            if self.met == 1:
                other()
            write(tasks, *given)

        monkeypatch.setattr(Tasks, "_write", slow)


DORMANT = Found(trigger=Trigger.DORMANT, about="", evidence={"dormant_days": 15})
PAYOUT_1, PAYOUT_2 = (
    Found(trigger=Trigger.PAYOUT_FAILED, about=f"pay_{n}", evidence={"payout": f"pay_{n}"}) for n in (1, 2)
)


def test_two_that_find_the_same_at_once_raise_one_task(books: TriggerBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    who = joins(books)
    results = []
    Meeting(monkeypatch, lambda: results.append(raise_task(books.tasks, who, DORMANT, NOW + timedelta(seconds=1))))
    results.append(raise_task(books.tasks, who, DORMANT, NOW))
    assert [each is not None for each in results] == [True, False]
    assert len(books.tasks.of_partner("par_1")) == 1


def test_two_things_at_once_are_both_told_by_one_task(books: TriggerBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    who = joins(books)
    Meeting(monkeypatch, lambda: raise_task(books.tasks, who, PAYOUT_1, NOW))
    raise_task(books.tasks, who, PAYOUT_2, NOW)
    [task] = books.tasks.of_partner("par_1")
    assert task.times == 2
    assert {"pay_1", "pay_2"} == set(books.tasks.marks("par_1")[Trigger.PAYOUT_FAILED].about)


def test_something_new_while_it_is_being_done_is_done_with_it_or_another_task(
    books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = joins(books)
    task = raise_task(books.tasks, who, PAYOUT_1, NOW)
    assert task is not None
    Meeting(monkeypatch, lambda: finish(books, task))
    again = raise_task(books.tasks, who, PAYOUT_2, NOW)
    assert again is not None and again.task != task.task and again.status is TaskStatus.OPEN


def test_of_two_that_say_what_became_of_it_one_is_heard(books: TriggerBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    who = joins(books)
    task = raise_task(books.tasks, who, DORMANT, NOW)
    assert task is not None
    Meeting(monkeypatch, lambda: finish(books, task, KIM, outcome="no_answer"))
    with pytest.raises(Conflict) as refused:
        finish(books, task)
    assert refused.value.code == "task_done"
    assert books.tasks.task("par_1", task.task).outcome is Outcome.NO_ANSWER


def test_a_sweep_leaves_a_task_that_somebody_is_at(books: TriggerBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    who = joins(books)
    task = raise_task(books.tasks, who, DORMANT, NOW)
    assert task is not None
    Meeting(monkeypatch, lambda: finish(books, task))
    assert pass_task(books.tasks, "par_1", Trigger.DORMANT, NOW) is None
    assert books.tasks.task("par_1", task.task).outcome is Outcome.SPOKE


# ------------------------------------------------------------------------------------------------------------- working


@pytest.fixture
def task(books: TriggerBooks) -> Task:
    found = raise_task(books.tasks, joins(books), DORMANT, NOW)
    assert found is not None
    return found


def test_the_same_said_again_changes_nothing(books: TriggerBooks, task: Task) -> None:
    first = finish(books, task, note=" Called her ")
    assert finish(books, task, note="Called her", now=NOW + timedelta(hours=1)) == first
    assert first.note == "Called her" and first.done_by == "sam"
    with pytest.raises(Conflict):
        finish(books, task, outcome="solved")


def test_snoozing_hides_it_until_its_day_and_moves_what_is_due(books: TriggerBooks, task: Task) -> None:
    def snoozes(until: str) -> Task:
        return snooze_task(books.configuration, books.tasks, member=SAM, partner="par_1", task=task.task, until=until,
                           clock=lambda: NOW)  # fmt: skip

    after = snoozes("2026-12-20")
    assert (after.snoozed_until, after.due) == ("2026-12-20", "2026-12-20")
    assert snoozes("2026-12-20") == after
    for until in ("2026-11-30", "2026-11-01", "2027-01-30", "soon", ""):
        with pytest.raises(Invalid):
            snoozes(until)
    for day, seen in (("2026-12-19", 0), ("2026-12-20", 1)):
        assert queue(books, today=day).of_partners == seen


def test_a_task_is_given_to_who_can_work_it(books: TriggerBooks, task: Task) -> None:
    def gives(to: str) -> Task:
        return reassign_task(books.configuration, books.tasks, member=SAM, partner="par_1", task=task.task, to=to,
                             clock=lambda: NOW)  # fmt: skip

    assert gives("kim").assignee == "kim"
    assert gives("kim").version == 2
    for nobody in ("finn", "sol", "stranger", "mem_none"):
        with pytest.raises(Invalid):
            gives(nobody)


@pytest.mark.parametrize(
    ("who", "error"), [(FINN, Forbidden), (NOOR, Forbidden), (SOL, Forbidden), (STRANGER, NotFound)]
)
def test_who_has_nothing_to_do_with_it_does_nothing_to_it(
    books: TriggerBooks, task: Task, who: Member, error: type[IntroducerError]
) -> None:
    with pytest.raises(error):
        finish(books, task, who)
    assert books.tasks.task("par_1", task.task) == task


@pytest.mark.parametrize("said", [{"outcome": "passed"}, {"outcome": "gone"}, {"note": "x" * 1001}, {"note": "\x00"}])
def test_what_cannot_be_said_of_a_task_is_refused(books: TriggerBooks, task: Task, said: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        finish(books, task, **said)


# ------------------------------------------------------------------------------------------------------------- reading


def queue(books: TriggerBooks, who: Member = SAM, **other: Any) -> Any:
    asked = {"whose": "all", "kind": "", "today": TODAY} | other
    return read_queue(books.configuration, books.tasks, member=who, **asked)


def finds(books: TriggerBooks, partner: Partner, *found: Found) -> None:
    for each in found:
        raise_task(books.tasks, partner, each, NOW)


@pytest.fixture
def full(books: TriggerBooks) -> TriggerBooks:
    """Three partners: one of Sam's with two tasks, one of Kim's, one of nobody's."""
    finds(books, joins(books, "par_1"), DORMANT, PAYOUT_1)
    finds(books, joins(books, "par_2", manager="kim"), DORMANT)
    finds(books, joins(books, "par_3", manager=None), PAYOUT_2)
    return books


def rows(found: Any) -> list[tuple[str, list[str]]]:
    return [(row.partner, [each.task.trigger.value for each in row.tasks]) for row in found.partners]


def test_what_presses_most_comes_first_and_a_partner_has_one_row(full: TriggerBooks) -> None:
    found = queue(full)
    assert rows(found) == [
        ("par_1", ["payout_failed", "dormant"]), ("par_3", ["payout_failed"]), ("par_2", ["dormant"]),
    ]  # fmt: skip
    assert [row.attention for row in found.partners] == [33, 30, 14]
    assert (found.of_partners, found.of_tasks, found.overdue) == (3, 4, 0)
    assert found.kinds == ((Trigger.PAYOUT_FAILED, 2), (Trigger.DORMANT, 2))


def test_what_is_overdue_rises(full: TriggerBooks) -> None:
    # due on 5 December: 14 + 5 x 5 days over, against 30 + 30 of six days at most
    found = queue(full, today="2026-12-10")
    assert [row.attention for row in found.partners] == [63, 60, 39] and found.overdue == 4


def test_mine_is_mine_and_what_is_nobodys_that_i_may_work(full: TriggerBooks) -> None:
    assert [partner for partner, _ in rows(queue(full, SAM, whose="mine"))] == ["par_1", "par_3"]
    assert [partner for partner, _ in rows(queue(full, KIM, whose="mine"))] == ["par_3", "par_2"]
    assert [partner for partner, _ in rows(queue(full, FINN, whose="mine"))] == ["par_3"]
    assert rows(queue(full, NOOR, whose="mine")) == []
    assert rows(queue(full, STRANGER)) == []


def test_a_role_is_offered_the_kinds_that_it_works_and_their_counts_alone(full: TriggerBooks) -> None:
    finds(full, joins(full, "par_4", manager="finn"), DORMANT)
    asleep = raise_task(full.tasks, joins(full, "par_5"), DORMANT, NOW)
    assert asleep is not None
    snooze_task(full.configuration, full.tasks, member=SAM, partner="par_5", task=asleep.task, until="2026-12-05",
                clock=lambda: NOW)  # fmt: skip
    every, found = queue(full, SAM), queue(full, FINN)
    assert (every.of_partners, every.of_tasks, every.asleep) == (4, 5, 1)
    assert rows(found) == [("par_1", ["payout_failed"]), ("par_3", ["payout_failed"])]
    assert [row.attention for row in found.partners] == [30, 30], "what others work adds nothing"
    assert (found.of_partners, found.of_tasks, found.overdue, found.asleep) == (2, 2, 0, 0)
    assert found.kinds == ((Trigger.PAYOUT_FAILED, 2),)
    assert rows(queue(full, NOOR)) == []
    # Not even where it is theirs by name, as after their role was changed; and another's kind is no error.
    assert rows(queue(full, FINN, whose="mine")) == [("par_3", ["payout_failed"])]
    assert rows(queue(full, FINN, kind="dormant")) == []


def test_no_page_is_empty_while_more_follow_for_whom_most_is_others(books: TriggerBooks) -> None:
    for number in range(12):
        finds(books, joins(books, f"par_{number:02d}"), PAYOUT_1 if number % 4 == 3 else DORMANT)
    pages, after = [], None
    while True:
        found = queue(books, FINN, limit=1, after=after)
        pages.append([row.partner for row in found.partners])
        if (after := found.next) is None:
            break
    assert pages == [["par_03"], ["par_07"], ["par_11"]]


def test_a_kind_alone(full: TriggerBooks) -> None:
    assert rows(queue(full, kind="dormant")) == [("par_1", ["dormant"]), ("par_2", ["dormant"])]
    for wrong in ({"kind": "none"}, {"whose": "hers"}):
        with pytest.raises(Invalid):
            queue(full, **wrong)
    with pytest.raises(Forbidden):
        queue(full, SOL)


def test_pages_go_on_where_the_last_one_ended_though_something_was_done_between(full: TriggerBooks) -> None:
    first = queue(full, limit=1)
    finish(full, first.partners[0].tasks[0].task)
    rest = queue(full, limit=1, after=first.next)
    last = queue(full, limit=1, after=rest.next)
    assert [row.partner for page in (first, rest, last) for row in page.partners] == ["par_1", "par_3", "par_1"]
    assert queue(full, limit=1, after=last.next).next is None


def test_one_task_and_all_of_a_partner_are_read_within_the_brand(full: TriggerBooks) -> None:
    shown = read_tasks_of_partner(full.configuration, full.tasks, member=KIM, partner="par_1", today=TODAY)
    assert [each.task.trigger for each in shown] == [Trigger.PAYOUT_FAILED, Trigger.DORMANT]
    assert shown[0].assignee == "Sam" and shown[0].may_work
    finish(full, shown[0].task)
    shown = read_tasks_of_partner(full.configuration, full.tasks, member=FINN, partner="par_1", today=TODAY)
    assert [(each.task.trigger, each.may_work) for each in shown] == [
        (Trigger.DORMANT, False), (Trigger.PAYOUT_FAILED, False),
    ]  # fmt: skip
    for who, error in ((STRANGER, NotFound), (SOL, Forbidden)):
        with pytest.raises(error):
            read_task(full.configuration, full.tasks, member=who, partner="par_1", task=shown[0].task.task, today=TODAY)


def test_a_mark_forgets_the_oldest_things_first(books: TriggerBooks) -> None:
    who = joins(books)
    for number in itertools.islice(itertools.count(), 70):
        raise_task(books.tasks, who, replace(PAYOUT_1, about=f"pay_{number:02d}"), NOW)
    assert list(books.tasks.marks("par_1")[Trigger.PAYOUT_FAILED].about) == [f"pay_{n:02d}" for n in range(10, 70)]
    assert isinstance(books.verifications.of_partner("par_1", BRAND), Verification)


# ---------------------------------------------------------------------------------------- caps and goals, by the books


def has_deal(books: TriggerBooks, *rules: dict[str, Any]) -> None:
    author, then = Author(by="system:test", why="set up"), NOW - timedelta(days=90)
    deal = propose_deal(books.configuration, partner="par_1", terms=terms(*rules), author=author, clock=lambda: then)
    accept_deal(books.configuration, partner="par_1", version=deal.version, terms_hash=deal.terms_hash, author=author,
                clock=lambda: then)  # fmt: skip


def qualifies(tables: Tables, number: int, day: str = "2026-11-20", rule: str = "cpa") -> None:
    """The engine writes a client's row."""
    at = milliseconds(datetime.fromisoformat(day).replace(tzinfo=UTC))
    row = Row(at, at, (Qualifying(rule, 1, at, 10_000, "EUR"),))
    item = row_to_item("par_1", day[:7], f"client-{number}", row)
    tables.client.put_item(TableName=tables.books, Item=to_wire(item))


def test_a_cap_of_the_month_is_near_when_four_fifths_of_its_places_are_asked_for(
    tables: Tables, books: TriggerBooks
) -> None:
    joins(books)
    has_deal(books, cpa("100.00") | {"caps": [{"per": "month", "clients": 5}, {"per": "total", "clients": 6}]})
    brings(books, deal_kinds=("cpa",))
    # Of the month before, and of another rule: they take no place.
    qualifies(tables, 90, "2026-10-31"), qualifies(tables, 91, rule="other")
    for number, raised in ((1, 0), (2, 0), (3, 0), (4, 1), (5, 0)):
        qualifies(tables, number)
        assert sweep(books).raised == raised, number
    [task] = books.tasks.of_partner("par_1")
    assert (task.trigger, task.outcome) == (Trigger.NEAR_CAP, Outcome.PASSED), "at five of five it is full"
    assert task.evidence == {"done": 4, "needed": 5, "missing": 1, "rule": "cpa", "month": "2026-11"}


def test_a_goal_is_near_by_what_counts_for_it(tables: Tables, books: TriggerBooks) -> None:
    joins(books)
    window = {"from": "2026-11-10", "until": "2026-12-05"}
    goal = {"type": "bonus", "id": "goal_a", "by": "qftd", "goal": "5", "amount": "500.00", "window": window}
    has_deal(books, cpa("100.00"), goal)
    brings(books, deal_kinds=("bonus", "cpa"))
    qualifies(tables, 90, "2026-11-09")
    for number, raised in ((1, 0), (2, 0), (3, 0), (4, 1)):
        qualifies(tables, number)
        assert sweep(books).raised == raised, number
    [task] = books.tasks.of_partner("par_1")
    assert (task.trigger, task.about) == (Trigger.NEAR_GOAL, "goal_a")
    assert task.evidence == {
        "done": 4, "needed": 5, "missing": 1, "days_left": 6, "by": "qftd", "last": "2026-12-05",
        "amount_minor": 50_000, "amount_currency": "EUR",
    }  # fmt: skip
    qualifies(tables, 5)
    assert sweep(books).passed == 1
