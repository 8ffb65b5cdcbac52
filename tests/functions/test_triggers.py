"""The function of triggers: pages of the sweep by way of the queue, what happened, and what its role lets it do; and
how the outbox names what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.domain.application import Application, ApplicationState, approved, refused
from introducer.domain.errors import Unavailable
from introducer.domain.mail import Mail, MailTemplate, handed_on_to, new_mail
from introducer.domain.task import TaskStatus
from introducer.domain.trigger import Trigger
from introducer.services import application_task
from introducer.services.sweep_triggers import TriggerBooks, sweep_page
from introducer.store import keys
from introducer.store.applications import Applications, application_to_item
from introducer.store.mails import mail_to_item
from introducer.store.wire import to_wire
from introducer.wording.mails.rendering import EXAMPLES
from tests.conftest import Tables
from tests.services.test_tasks import BRAND, NOW, a_failure, brings, joins
from tests.store.test_applications import CHANGE, an_application, waits
from tests.support import functions
from tests.support.roles import Asked, allows, watched, written

pytestmark = pytest.mark.in_memory


class Queue:
    """SQS, as far as these functions ask it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.down = False

    def send(self, body: str) -> None:
        if self.down:
            raise Unavailable("The queue did not take the message: try again.")
        self.sent.append(json.loads(body))


@pytest.fixture
def books(tables: Tables) -> TriggerBooks:
    return TriggerBooks.of(tables.books)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def triggers(books: TriggerBooks, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = functions.load("triggers")
    monkeypatch.setattr(module, "books", lambda: books)
    monkeypatch.setattr(module, "queue", lambda: queue)
    monkeypatch.setattr(module, "clock", SimpleNamespace(now=lambda: NOW))
    return module


def takes(module: ModuleType, *messages: Any) -> list[str]:
    """The numbers of those that must come again."""
    records = [
        {"messageId": str(number), "body": message if isinstance(message, str) else json.dumps(message)}
        for number, message in enumerate(messages)
    ]
    return [each["itemIdentifier"] for each in module.handler({"Records": records}, None)["batchItemFailures"]]


def test_a_sweep_goes_through_the_queue_page_by_page(
    triggers: ModuleType, books: TriggerBooks, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "sweep_page", partial(sweep_page, limit=3))
    for number in range(7):
        joins(books, f"par_{number}")
        brings(books, f"par_{number}", ftd_7=0)

    assert triggers.handler({"brand": BRAND}, None) == {"brands": 1}
    pages = 0
    while queue.sent:
        pages += 1
        assert takes(triggers, queue.sent.pop(0)) == []

    assert pages >= 3
    assert [task.trigger for task in books.tasks.open_of_brand(BRAND)] == [Trigger.FTD_FELL] * 7


def test_what_cannot_be_done_now_comes_again_and_holds_up_nothing_else(
    triggers: ModuleType, books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    joins(books)
    brings(books, ftd_7=0)

    def down(brand: str, partner: str) -> None:
        raise Unavailable("The table did not answer: try again.")

    monkeypatch.setattr(books.results, "line", down)
    failure = {"of": "par_1", "mail": a_failure(books, "pay_1")}
    assert takes(triggers, {"brand": BRAND, "cursor": None}, "no json", {"odd": 1}, failure) == ["0", "1", "2"]
    assert [task.trigger for task in books.tasks.of_partner("par_1")] == [Trigger.PAYOUT_FAILED]


def test_all_that_triggers_write_their_role_may_write(
    triggers: ModuleType, books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    joins(books)
    brings(books, ftd_7=1, ftd_prev_28=0, deal_kinds=("bonus", "cpa"))
    mail = a_failure(books, "pay_1")
    asked: Asked = watched(monkeypatch)

    triggers.handler({}, None)
    assert takes(triggers, {"brand": BRAND, "cursor": None}, {"of": "par_1", "mail": mail}) == []

    assert {task.trigger for task in books.tasks.of_partner("par_1")} == {Trigger.FIRST_FTD, Trigger.PAYOUT_FAILED}
    assert [each for each in sorted(asked) if not allows("TriggersRole", *each)] == []
    assert {pk for _, pk in written(asked)} == {
        keys.partition("task", partner="par_1"), keys.partition("task_mark", partner="par_1"),
        keys.partition("audit", subject="par_1"),
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- the outbox


def record(mail: Mail, sequence: str = "1") -> dict[str, Any]:
    image: Mapping[str, Any] = to_wire(mail_to_item(mail))
    return {"eventID": sequence, "dynamodb": {"SequenceNumber": sequence, "NewImage": image}}


def a_mail(template: MailTemplate, partner: str = "par_1") -> Mail:
    return new_mail("it happened", template, EXAMPLES[template], brand=BRAND, partner=partner, at=NOW)


@pytest.fixture
def outbox(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = functions.load("outbox")
    monkeypatch.setattr(module, "triggers", lambda: queue)
    monkeypatch.setattr(module, "KINDS", tuple(kind for kind in module.KINDS if kind.does in (module.tell, module.ask)))
    return module


TELLING = (
    MailTemplate.PAYOUT_FAILED, MailTemplate.PAYOUT_RETURNED, MailTemplate.CASE_OPENED, MailTemplate.CONTEST_WON,
)  # fmt: skip


def test_the_outbox_names_what_a_manager_should_know_once(outbox: ModuleType, queue: Queue) -> None:
    mails = [a_mail(template) for template in TELLING]
    others = [
        a_mail(MailTemplate.PAYOUT_PAID), handed_on_to(mails[0], "mem_1", NOW), a_mail(MailTemplate.CASE_OPENED, ""),
    ]  # fmt: skip
    records = [record(mail, str(number)) for number, mail in enumerate([*mails, *others])]
    assert outbox.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert queue.sent == [{"of": "par_1", "mail": mail.mail} for mail in mails]


def test_what_cannot_be_named_now_is_tried_again_from_there(outbox: ModuleType, queue: Queue) -> None:
    queue.down = True
    records = [record(a_mail(MailTemplate.PAYOUT_PAID), "1"), record(a_mail(MailTemplate.PAYOUT_FAILED), "2")]
    assert outbox.handler({"Records": records}, None) == {"batchItemFailures": [{"itemIdentifier": "2"}]}


@pytest.mark.parametrize("template", TELLING)
def test_what_was_named_becomes_a_task(triggers: ModuleType, books: TriggerBooks, template: MailTemplate) -> None:
    joins(books)
    mail = a_mail(template)
    books.mails.put(mail)
    assert takes(triggers, {"of": "par_1", "mail": mail.mail}, {"of": "par_1", "mail": mail.mail}) == []
    [task] = books.tasks.of_partner("par_1")
    assert (task.times, task.assignee, task.about) == (1, "sam", "it happened")


# ------------------------------------------------------------------------------------------------------- applications


def named(application: Application) -> dict[str, str]:
    return {"brand": application.brand, "application": application.application}


def test_an_application_is_named_with_every_step_once_its_address_is_confirmed(
    outbox: ModuleType, queue: Queue
) -> None:
    images = [application_to_item(an_application(1, state=state)) for state in ApplicationState]
    images.append(images[1] | {keys.PK: "P#par_1#recruited"})
    records = [
        {"eventID": str(number), "dynamodb": {"SequenceNumber": str(number), "NewImage": to_wire(image)}}
        for number, image in enumerate(images)
    ]
    assert outbox.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert queue.sent == [named(an_application(1))] * 4
    queue.down = True
    assert outbox.handler({"Records": records}, None) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_an_application_whose_request_was_cut_off_stands_in_the_queue_until_it_is_decided(
    triggers: ModuleType, books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    applications = Applications("books")
    application = waits(applications, 1)
    asked = watched(monkeypatch)

    assert takes(triggers, named(application), named(application)) == []
    assert [each for each in sorted(asked) if not allows("TriggersRole", *each)] == []
    [task] = books.tasks.of_partner(application.partner)
    assert (task.trigger, task.about, task.times) == (Trigger.APPLICATION_WAITS, application.application, 1)

    after = approved(application, by="mem_manager", manager="mem_manager", below="", terms="", at=NOW)
    applications.step("approve_application", application, after, CHANGE)
    takes(triggers, named(application))
    assert books.tasks.of_partner(application.partner) == (task,), "what is not finished is still to be done"
    applications.step("set_up_application", after, replace(after, set_up=True, version=after.version + 1), CHANGE)
    for _ in range(2):
        assert takes(triggers, named(application), named(an_application(2))) == []
    [ended] = books.tasks.of_partner(application.partner)
    assert (ended.status, ended.done_by) == (TaskStatus.DONE, "mem_manager")


def test_an_application_that_is_decided_while_its_task_is_raised_leaves_none(
    triggers: ModuleType, books: TriggerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    applications = Applications("books")
    application = waits(applications, 1)
    asks = application_task.raise_task

    def late(*given: Any) -> object:
        after = refused(application, by="mem_manager", reason="No licence there.", at=NOW)
        applications.step("refuse_application", application, after, CHANGE)
        return asks(*given)

    monkeypatch.setattr(application_task, "raise_task", late)
    assert takes(triggers, named(application)) == []
    assert [each.status for each in books.tasks.of_partner(application.partner)] == [TaskStatus.DONE]
