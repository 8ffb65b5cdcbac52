"""Letters and digests: each once, on its morning, to whoever is to have one, whatever is repeated or cut off."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Brand, Member, Partner, PartnerKind, Role, Status
from introducer.domain.errors import Forbidden, Invalid
from introducer.domain.events import milliseconds
from introducer.domain.mail import Mail, MailTemplate
from introducer.domain.report import Cadence, ReportChoice
from introducer.domain.trigger import Found, Trigger
from introducer.services import write_report
from introducer.services.choose_report import choose_report
from introducer.services.raise_task import raise_task
from introducer.services.read_report_figures import read_report
from introducer.services.work_task import snooze_task
from introducer.services.write_message import open_thread
from introducer.services.write_report import PAGE, ReportBooks, follow, messages
from introducer.store.event_counts import count_key
from introducer.store.wire import to_wire
from tests.conftest import Tables
from tests.support.payouts import LONG_AGO, SET_UP

pytestmark = pytest.mark.in_memory

BRAND, MANAGER = "brd_1", "mem_manager"
MONDAY = datetime(2026, 11, 30, 8, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def an_owner(partner: str) -> Member:
    return Member(member=f"mem_{partner}", partner=partner, brand=BRAND, role=Role.OWNER, name=partner, language="en")


class Office:
    """A brand with partners, and the hourly call with its queue."""

    def __init__(self, tables: Tables, time_zone: str = "UTC") -> None:
        self.tables = tables
        self.books = ReportBooks.of(tables.books)
        brand = Brand(
            brand=BRAND, name="Northwind", domain="go.example.com", base_currency="EUR",
            fallback_url="https://example.com", created=LONG_AGO, time_zone=time_zone,
        )  # fmt: skip
        self.books.configuration.open_brand(brand, SET_UP)

    def partner(self, name: str, day: str = "2026-11-25", *, ftd: int = 3, **profile: Any) -> Partner:
        given: dict[str, Any] = {
            "partner": f"par_{name}", "brand": BRAND, "name": name, "kind": PartnerKind.AFFILIATE,
            "status": Status.ACTIVE, "parent": None, "manager": None, "country": "DE", "language": "en",
            "currency": "EUR", "email_hash": None, "created": LONG_AGO,
        }  # fmt: skip
        made = Partner(**given | profile)
        self.books.configuration.register_partner(made, SET_UP)
        if ftd:
            item = {**count_key(made.partner, day, "LINK0001").item(), "ftd": ftd}
            self.tables.client.put_item(TableName=self.tables.books, Item=to_wire(item))
        return made

    def staff(self, member: str = MANAGER, role: Role = Role.MANAGER) -> Member:
        made = Member(member=member, partner=None, brand=BRAND, role=role, name=member, language="en")
        self.books.configuration.add_member(made, SET_UP)
        return made

    def runs(self, now: datetime) -> int:
        """An hour: every message, delivered twice, and what follows from it; how many letters that made."""
        made, queue = 0, list(messages(self.books, now))
        while queue:
            message = json.loads(queue.pop())
            first, again = follow(self.books, message), follow(self.books, message)
            assert again.letters == 0
            assert again.following == first.following
            made += first.letters
            queue += [first.following] if first.following else []
        return made

    def letters(self, partner: str) -> list[Mail]:
        return list(self.books.mails.mails(partner))


@pytest.fixture
def office(tables: Tables) -> Office:
    return Office(tables)


def test_a_partner_has_its_letter_once_on_monday_morning(office: Office) -> None:
    office.partner("ann")
    assert [office.runs(MONDAY + n * HOUR) for n in range(-3, 9)] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    [letter] = office.letters("par_ann")
    assert letter.template is MailTemplate.PARTNER_REPORT
    assert (letter.values["first"], letter.values["last"]) == ("2026-11-23", "2026-11-29")
    assert office.runs(MONDAY + timedelta(days=7)) == 1


def test_a_call_that_failed_is_made_up_for(office: Office) -> None:
    office.partner("ann")
    assert office.runs(MONDAY + 5 * HOUR) == 1


def test_more_partners_than_a_page_have_one_each(office: Office) -> None:
    for number in range(PAGE + 3):
        office.partner(f"p{number:02}")
    assert office.runs(MONDAY) == PAGE + 3


def test_one_that_fails_keeps_nobody_else_from_their_letters(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ann", "bad", "zoe", *(f"p{number:02}" for number in range(PAGE))):
        office.partner(name)
    read = read_report

    def broken(books: Any, *, partner: str, period: Any) -> Any:
        if partner == "par_bad":
            raise KeyError("a mistake of ours")
        return read(books, partner=partner, period=period)

    monkeypatch.setattr(write_report, "read_report", broken)
    failed: list[str] = []
    made, queue = 0, list(messages(office.books, MONDAY))
    while queue:
        written = follow(office.books, json.loads(queue.pop()))
        made += written.letters
        failed += written.failed
        queue += [written.following] if written.following else []
    assert made == PAGE + 2
    [again] = failed
    with pytest.raises(KeyError):
        follow(office.books, json.loads(again))
    # and once it is mended, it has its letter too, once
    monkeypatch.setattr(write_report, "read_report", read)
    assert [follow(office.books, json.loads(again)).letters for _ in range(2)] == [1, 0]


def test_nobody_is_written_to_who_is_blocked_or_of_whom_there_is_nothing_to_tell(office: Office) -> None:
    office.partner("blocked", status=Status.BLOCKED)
    office.partner("quiet", ftd=0)
    assert office.runs(MONDAY) == 0


def test_a_partner_chooses_months_and_its_own_clocks(office: Office) -> None:
    ann = office.partner("ann")
    owner = an_owner("par_ann")
    choices = office.books.choices

    def choose(cadence: Cadence, time_zone: str, member: Member = owner) -> ReportChoice:
        return choose_report(
            choices, member=member, partner=ann, cadence=cadence, time_zone=time_zone, clock=lambda: MONDAY
        )

    assert choose(Cadence.MONTHLY, "Asia/Bangkok").version == 1
    assert choose(Cadence.MONTHLY, "Asia/Bangkok").version == 1
    assert office.runs(MONDAY) == 0
    assert office.runs(datetime(2026, 12, 1, 1, 10, tzinfo=UTC)) == 1
    assert office.letters("par_ann")[0].values["cadence"] == "monthly"
    with pytest.raises(Invalid, match="time zone"):
        choose(Cadence.WEEKLY, "Mars/Olympus")
    clerk = Member(member="mem_c", partner="par_ann", brand=BRAND, role=Role.MEMBER, name="C", language="en")
    with pytest.raises(Forbidden):
        choose(Cadence.WEEKLY, "", clerk)


def test_a_manager_has_a_digest_of_its_own_partners_and_of_nobody_elses(office: Office) -> None:
    office.staff(), office.staff("mem_other"), office.staff("mem_fin", Role.FINANCE)
    office.partner("ann", ftd=9, manager=MANAGER)
    office.partner("new", ftd=0, manager=MANAGER, created=MONDAY - timedelta(days=3))
    suspended = office.partner("held", ftd=0, manager=MANAGER, status=Status.SUSPENDED)
    stranger = office.partner("else", ftd=9)
    ann = office.books.configuration.partner("par_ann")
    for partner in (ann, stranger, suspended):
        owner = an_owner(partner.partner)
        open_thread(
            office.books.configuration, office.books.conversations, member=owner, partner=partner.partner,
            subject="Banners", text="May I use the old ones?", clock=lambda: MONDAY, random=bytes, request="one",
        )  # fmt: skip
        raise_task(office.books.tasks, partner, Found(trigger=Trigger.DORMANT, about="", evidence={"days": 14}), MONDAY)
    # and something that the manager put off, as the queue of that morning does not show it
    asleep = Found(trigger=Trigger.FTD_FELL, about="", evidence={"now": 1, "before": 9})
    raise_task(office.books.tasks, ann, asleep, MONDAY)
    [put_off] = [task for task in office.books.tasks.open_of_brand(BRAND) if task.trigger is Trigger.FTD_FELL]
    snooze_task(
        office.books.configuration, office.books.tasks, member=office.books.configuration.member(MANAGER),
        partner=ann.partner, task=put_off.task, until=(MONDAY + timedelta(days=2)).date().isoformat(),
        clock=lambda: MONDAY,
    )  # fmt: skip
    assert office.runs(MONDAY) == 3
    [mail] = [each for each in office.letters(BRAND) if each.template is MailTemplate.MANAGER_DIGEST]
    assert mail.member == MANAGER
    values: Any = mail.values
    assert values["partners"] == 2
    assert [each["name"] for each in values["rose"]] == ["ann"]
    assert [each["name"] for each in values["new"]] == ["new"]
    assert {each["name"]: each["now"] for each in values["waits"]} == {"tasks": 2, "messages": 2}


def test_staff_who_manage_nobody_by_their_role_have_no_digest_of_partners_who_name_them(office: Office) -> None:
    for role in Role:
        if role.is_staff and role is not Role.MANAGER:
            office.staff(f"mem_{role.value}", role)
            office.partner(role.value, ftd=9, manager=f"mem_{role.value}")
            # nor by a message that was on its way when their role was changed
            message = {"what": "digest", "brand": BRAND, "manager": f"mem_{role.value}", "at": milliseconds(MONDAY)}
            assert follow(office.books, message).letters == 0
    assert [each for each in messages(office.books, MONDAY) if json.loads(each)["what"] == "digest"] == []


@pytest.mark.parametrize("message", [{}, {"what": "else"}, {"what": "partners", "brand": 1, "cursor": None, "at": 1}])
def test_a_message_that_is_none_of_ours_is_refused(office: Office, message: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        follow(office.books, message)
    assert refused.value.code == "unknown_message"


def test_a_manager_who_never_chose_reads_the_digest_on_the_morning_of_the_brand(tables: Tables) -> None:
    office = Office(tables, "America/Bogota")
    office.staff()
    office.partner("ann", manager=MANAGER)
    assert [office.runs(MONDAY + n * HOUR) for n in range(7)] == [0, 0, 0, 0, 0, 2, 0]
