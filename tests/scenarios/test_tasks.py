"""On the deployed stack: what happens to a partner, and what a sweep finds, stands in the manager's queue and is worked
there over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from introducer.domain.configuration import Role
from introducer.domain.events import day_of
from introducer.domain.mail import MailTemplate, new_mail
from introducer.domain.results import ResultLine
from introducer.store.mails import Mails, mail_to_item
from introducer.store.results import Results
from introducer.store.wire import to_wire
from introducer.wording.mails.rendering import EXAMPLES
from introducer_ops.localcloud import Stack
from tests.scenarios.test_goals import sign_in
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, eventually, the_stacks_account

pytestmark = pytest.mark.cloud

FAILED = MailTemplate.PAYOUT_FAILED


def test_a_payout_fails_a_partner_goes_quiet_and_a_manager_works_both(stack: Stack) -> None:
    with the_stacks_account(stack):
        scenario = Scenario(stack, stack.clock.now())
        partner, _ = scenario.a_partner(terms(cpa("100.00")))
        manager, http = sign_in(scenario, None, Role.MANAGER), scenario.http
        books, today = stack.outputs["BooksTableName"], stack.clock.now()
        assert http.get("/desk", headers=manager).json()["items"] == []

        # when it is written down that a payout failed, the task is there by itself
        mail = new_mail(
            "pay_1 payout_failed", FAILED, EXAMPLES[FAILED], brand=scenario.brand, partner=partner, at=today
        )
        Mails(books).put(mail)
        [row] = eventually("a task", lambda: http.get("/desk", headers=manager).json()["items"])
        [task] = row["tasks"]
        assert (row["partner"], task["kind"], task["times"]) == (partner, "payout_failed", 1)

        # and when the day's sweep goes through its queue, what it found stands beside it
        quiet = day_of(today - timedelta(days=20))
        line = ResultLine(partner=partner, day=day_of(today), last_active_day=quiet, joined=quiet)
        Results(books).put(scenario.brand, line)
        for _ in range(2):
            assert stack.invoke("TriggersFunction", {"brand": scenario.brand}) == {"brands": 1}
        kinds = eventually(
            "a second task",
            lambda: len(found := http.get("/desk", headers=manager).json()["items"][0]["tasks"]) == 2 and found,
        )
        assert [each["kind"] for each in kinds] == ["payout_failed", "dormant"]

        # when the manager says what became of them, the queue is empty
        for each, outcome in zip(kinds, ("solved", "no_answer"), strict=True):
            done = http.post(f"{each['path']}/done", json={"outcome": outcome}, headers=manager)
            assert (done.status_code, done.json()["outcome"]) == (200, outcome), done.text
        assert http.get("/desk", headers=manager).json()["items"] == []

        # and whatever the stream and the schedule bring again, nothing is raised again
        record = {
            "eventID": "1",
            "eventName": "INSERT",
            "dynamodb": {"NewImage": to_wire(mail_to_item(mail)), "SequenceNumber": "1"},
        }
        assert stack.invoke("OutboxFunction", {"Records": [record]}) == {"batchItemFailures": []}
        body = {"messageId": "m", "body": f'{{"of": "{partner}", "mail": "{mail.mail}"}}'}
        page = {"messageId": "n", "body": f'{{"brand": "{scenario.brand}", "cursor": null}}'}
        assert stack.invoke("TriggersFunction", {"Records": [body, page]}) == {"batchItemFailures": []}
        assert http.get("/desk", headers=manager).json()["items"] == []
        story = http.get(f"/desk/partners/{partner}/tasks", headers=manager).json()["items"]
        assert {(each["kind"], each["outcome"]) for each in story} == {
            ("payout_failed", "solved"), ("dormant", "no_answer"),
        }  # fmt: skip
