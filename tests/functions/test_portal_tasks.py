"""The day's work on the desk: who needs somebody, why, and what becomes of it; by page and by API."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.trigger import Evidence, Trigger, kinds_of, works
from introducer.locale import CODES
from tests.api.asking import cells_of, documented
from tests.browser.world import Answer
from tests.support.casework import COMPLIANCE, SALES
from tests.support.functions import ROOT
from tests.support.payday import ADMIN, GULF, HARBOUR, LANTERN, MAKER, MANAGER, NOW, PIPS, SMALL
from tests.support.queueing import FAILED, FELL, NEAR, Queueing, a_queue
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

WORKERS = {MANAGER: Role.MANAGER, MAKER: Role.FINANCE, COMPLIANCE: Role.COMPLIANCE, ADMIN: Role.ADMIN}
STEPS = (("done", {"outcome": "spoke"}), ("snooze", {"until": "2026-04-05"}), ("assign", {"to": "x"}))


@pytest.fixture
def queue() -> Iterator[Queueing]:
    with pytest.MonkeyPatch.context() as patch, a_queue(patch) as world:
        yield world


@pytest.fixture(scope="module")
def looked_at() -> Iterator[Queueing]:
    """For tests that only look."""
    with pytest.MonkeyPatch.context() as patch, a_queue(patch) as world:
        yield world


def listed(portal: Queueing, query: str = "", who: str = MANAGER) -> dict[str, Any]:
    answer = portal.machine(who).get(f"/desk{query}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


def the_task(portal: Queueing, name: str = HARBOUR, who: str = MANAGER) -> dict[str, Any]:
    """The most pressing one of a partner."""
    return next(dict(row["tasks"][0]) for row in listed(portal, "?whose=all", who)["items"] if row["name"] == name)


def does(portal: Queueing, step: str, who: str = MANAGER, name: str = HARBOUR, **said: str) -> Answer:
    path = the_task(portal, name, ADMIN)["path"]
    return portal.machine(who).post(f"{path}/{step}", said, as_json=True)


def test_the_queue_says_who_needs_somebody_why_and_what_to_do(looked_at: Queueing) -> None:
    found = listed(looked_at)
    assert [(row["name"], [task["kind"] for task in row["tasks"]]) for row in found["items"]] == [
        (HARBOUR, ["payout_failed", "ftd_fell"]), (PIPS, ["near_tier"]), (GULF, ["documents_wait"]),
    ]  # fmt: skip
    assert [row["attention"] for row in found["items"]] == [33, 28, 24]
    assert (found["whose"], found["partners"], found["tasks"], found["overdue"], found["asleep"]) == (
        "mine",
        3,
        4,
        1,
        1,
    )
    [payout, fell] = found["items"][0]["tasks"]
    assert payout["figure"].replace("\N{NO-BREAK SPACE}", " ") == "1,250.00 EUR"
    assert payout["leads_to"] == f"/desk/payees/{looked_at.partners[HARBOUR]}"
    assert payout["evidence"] == {
        "payout": "pay_1", "what": "returned", "amount": {"amount": "1250.00", "currency": "EUR"},
        "reason": "account_closed",
    }  # fmt: skip
    assert fell["evidence"] == {"ftd_7": 2, "ftd_prev_28": 20, "fell_percent": 60}
    assert (payout["assignee"], payout["due"], payout["may_work"]) == ("Sam Okoro", "2026-04-03", True)


def test_the_same_as_a_page_that_works_without_a_script(looked_at: Queueing) -> None:
    page = looked_at.signed_in(MANAGER).get("/desk")
    said = text(page.body)
    assert page.status == 200
    for words in ("Who needs you today", "3 partners", "4 tasks", "1 overdue", HARBOUR, "1,250.00", "Look at the payee",
                  "First deposits fell", "60% first deposits", "2 days over", "1 task is put off."):  # fmt: skip
        assert words.replace(" ", "") in said.replace("\N{NO-BREAK SPACE}", " ").replace(" ", ""), words
    assert LANTERN not in said, "it sleeps"
    assert 'href="/desk" aria-current="page"' in page.body


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?whose=all", [HARBOUR, PIPS, GULF]),
        ("?kind=ftd_fell", [HARBOUR]),
        ("?kind=dormant", []),
        ("?whose=all&kind=documents_wait", [GULF]),
    ],
)
def test_filters_say_whose_and_of_which_kind(looked_at: Queueing, query: str, names: list[str]) -> None:
    assert [row["name"] for row in listed(looked_at, query)["items"]] == names


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?whose=hers", 422, "invalid_whose"), ("?kind=x", 422, "invalid_kind"), ("?limit=0", 400, "bad_limit"),
        ("?cursor=abc", 400, "bad_cursor"),
    ],
)  # fmt: skip
def test_a_filter_that_there_is_not_is_refused(looked_at: Queueing, query: str, status: int, code: str) -> None:
    answer = looked_at.machine(MANAGER).get(f"/desk{query}")
    assert (answer.status, answer.json["code"]) == (status, code)


def test_it_is_a_spreadsheet_too(looked_at: Queueing) -> None:
    rows = list(csv.DictReader(io.StringIO(looked_at.machine(MANAGER, "text/csv").get("/desk?whose=all").body)))
    assert [(row["name"], row["kind"], row["tasks"]) for row in rows][:1] == [(HARBOUR, "payout_failed", "2")]


def test_a_hundred_partners_stand_on_one_page_and_the_rest_on_the_next(queue: Queueing) -> None:
    queue.many(120)
    first = queue.machine(MANAGER).get("/desk")
    assert len(first.json["items"]) == 100 and first.json["partners"] == 123
    second = listed(queue, f"?cursor={first.json['next']}")
    assert len(second["items"]) == 23 and second["next"] is None
    assert not {row["partner"] for row in first.json["items"]} & {row["partner"] for row in second["items"]}
    # a cursor is good for its own list alone
    assert queue.machine(MANAGER).get(f"/desk?whose=all&cursor={first.json['next']}").status == 400
    assert len(queue.signed_in(MANAGER).get("/desk").body) < 400_000


def test_each_role_sees_what_it_may_work(looked_at: Queueing) -> None:
    assert listed(looked_at, "", MAKER)["whose"] == "all"
    for who, mine in ((MAKER, []), (COMPLIANCE, [GULF]), (ADMIN, [GULF])):
        assert [row["name"] for row in listed(looked_at, "?whose=mine", who)["items"]] == mine, who
    for who, every in ((MAKER, [HARBOUR]), (COMPLIANCE, [GULF]), (ADMIN, [HARBOUR, PIPS, GULF])):
        assert [row["name"] for row in listed(looked_at, "?whose=all", who)["items"]] == every, who
    refused = looked_at.machine(SALES).get("/desk")
    assert (refused.status, refused.json["code"]) == (403, "not_your_role")
    assert looked_at.machine(HARBOUR).get("/desk").status == 403
    assert looked_at.signed_in(MANAGER).get("/").location == "/desk"
    assert looked_at.signed_in(SALES).get("/").location == "/desk/leads"


@pytest.mark.parametrize("whose", ["all", "mine"])
def test_nobody_is_offered_what_only_others_may_do(looked_at: Queueing, whose: str) -> None:
    for who, role in WORKERS.items():
        found = listed(looked_at, f"?whose={whose}", who)
        kinds = [task["kind"] for row in found["items"] for task in row["tasks"]]
        assert {*kinds, *(each["kind"] for each in found["kinds"])} <= set(kinds_of(role)), who
        assert (found["tasks"], sum(each["tasks"] for each in found["kinds"])) == (len(kinds), len(kinds))
        assert all(task["may_work"] for row in found["items"] for task in row["tasks"])
        rows = csv.DictReader(io.StringIO(looked_at.machine(who, "text/csv").get(f"/desk?whose={whose}").body))
        assert [row["kind"] for row in rows] == [row["tasks"][0]["kind"] for row in found["items"]]
        page = looked_at.signed_in(who).get(f"/desk?whose={whose}").body
        offered = {kind for kind in Trigger if f"kind={kind.value}" in page}
        assert offered == {each["kind"] for each in found["kinds"]}
    # A filter that somebody kept from before finds nothing, and refuses nothing.
    kept = listed(looked_at, f"?whose={whose}&kind=near_tier", MAKER)
    assert (kept["items"], kept["tasks"], kept["next"]) == ([], 0, None)


def test_a_link_to_anothers_task_opens_and_offers_nothing_that_would_be_refused(looked_at: Queueing) -> None:
    path = the_task(looked_at, PIPS)["path"]
    for who in (MAKER, COMPLIANCE):
        page = looked_at.signed_in(who).get(path)
        said = text(page.body)
        assert page.status == 200 and "This task is for colleagues with another role." in said
        main = page.body.split("<main")[1].split("</main>")[0]
        assert "<form" not in main and "Send it to the partner" not in said
        for link in set(re.findall(r'href="(/[^"#]*)', main)):
            assert looked_at.signed_in(who).get(html.unescape(link)).status == 200, link
        found = looked_at.machine(who).get(path).json
        assert (found["may_work"], found["send_to"], found["colleagues"]) == (False, None, [])


DEEDS = {
    Trigger.PAYOUT_FAILED: "/desk/runs/{run}/again",
    Trigger.CASE_OPENED: "/desk/cases/{partner}/{case}/decision",
    Trigger.DOCUMENTS_WAIT: "/desk/payees/{partner}/verification",
    Trigger.NEAR_CAP: "/desk/partners/{partner}/deal/new",
    Trigger.APPLICATION_WAITS: "/desk/applications/{application}/approval",
}
"""What is done at last about a task, where not everybody may do it. Of all others a manager writes to the partner."""
MESSAGE = "/desk/partners/{partner}/messages"


@pytest.mark.parametrize("kind", list(Trigger))
def test_who_works_a_kind_is_who_may_do_what_it_asks_for_and_the_manager(kind: Trigger) -> None:
    # docs/access.md is held to what is really answered by tests/api/test_access.py
    answers = cells_of(documented()["POST", DEEDS.get(kind, MESSAGE)])
    may = {role for role in (*WORKERS.values(), Role.SALES) if answers[role.value.title()][:3] in ("200", "201")}
    workers = {role for role in Role if works(role, kind)}
    assert workers == (may | {Role.MANAGER} if kind in DEEDS else {Role.MANAGER, Role.ADMIN} & may)


def test_the_page_of_tasks_has_the_table(looked_at: Queueing) -> None:
    page = (ROOT / "docs" / "tasks.md").read_text("utf-8")
    found = dict(re.findall(r"^\| `(\w+)` \| [^|]*`/desk/[^|]* \| ([a-z, ]+) \|$", page, re.MULTILINE))
    assert found == {
        kind.value: ", ".join(role.value for role in WORKERS.values() if works(role, kind)) for kind in Trigger
    }


@pytest.mark.parametrize("kind", list(Trigger))
def test_a_role_is_offered_a_kind_exactly_where_its_steps_are_not_refused(queue: Queueing, kind: Trigger) -> None:
    evidence: dict[Trigger, Evidence] = {
        Trigger.PAYOUT_FAILED: FAILED,
        Trigger.CASE_OPENED: {"case": "cas_1", "topic": "clicks", "clients": 2},
        Trigger.DOCUMENTS_WAIT: {"days": 3},
        Trigger.FTD_FELL: FELL,
        Trigger.NEAR_CAP: {"done": 4, "needed": 5, "missing": 1, "rule": "cpa", "month": "2026-04"},
        Trigger.NEAR_GOAL: {"done": 4, "needed": 5, "missing": 1, "days_left": 6, "by": "qftd", "last": "2026-04-09",
                            "amount_minor": 50_000, "amount_currency": "EUR"},
        Trigger.DORMANT: {"dormant_days": 20},
        Trigger.FIRST_FTD: {"ftd_7": 1},
        Trigger.CONTEST_WON: {"contest": "cts_1", "name": "Spring", "place": 1},
        Trigger.APPLICATION_WAITS: {"application": "app_1"},
    }  # fmt: skip
    task = queue.finds(SMALL, kind, evidence.get(kind, NEAR), about="this one")
    path = f"/desk/tasks/{task.partner}/{task.task}"
    for who, role in WORKERS.items():
        rows = listed(queue, "?whose=all", who)["items"]
        offered = [each for row in rows for each in row["tasks"] if each["task"] == task.task]
        assert queue.machine(who).get(path).status == 200, who
        answer = queue.machine(who).post(f"{path}/snooze", {"until": "2026-04-01"}, as_json=True)
        assert (bool(offered), answer.status) == ((True, 422) if works(role, kind) else (False, 403)), who


def test_a_salespersons_day_begins_with_leads_also_on_a_phone(looked_at: Queueing) -> None:
    page = looked_at.signed_in(SALES).get("/desk/leads").body
    at_a_desk, on_a_phone = (
        re.findall(r'<li><a class="rail-item" href="([^"]+)"', part) for part in page.split('<ul class="bar">')
    )
    assert at_a_desk[0] == on_a_phone[0] == "/desk/leads"
    assert set(at_a_desk) == set(on_a_phone) and len(at_a_desk) == len(set(at_a_desk))


def test_another_brand_sees_and_does_nothing(queue: Queueing) -> None:
    path = the_task(queue)["path"]
    queue.people["other@brand"] = Member(
        member="mem_other", partner=None, brand="brd_other", role=Role.ADMIN, name="Otto Other", language="en"
    )
    queue.configuration.add_member(
        queue.people["other@brand"], Change(by="system:test", at=NOW, why="set up", origin="test")
    )
    other = queue.machine("other@brand")
    assert other.get("/desk?whose=all").json["items"] == []
    assert other.get(path).status == 404
    assert other.get(f"/desk/partners/{queue.partners[HARBOUR]}/tasks").status == 404
    for step, said in STEPS:
        assert other.post(f"{path}/{step}", said, as_json=True).status == 404
    # nor is somebody of another brand given one
    assert does(queue, "assign", to="mem_other").json["code"] == "invalid_assignee"
    assert the_task(queue)["assignee"] == "Sam Okoro"


@pytest.mark.parametrize("code", CODES)
def test_a_task_has_its_evidence_and_a_message_in_the_partners_language(looked_at: Queueing, code: str) -> None:
    for name in (HARBOUR, PIPS, GULF):
        path = the_task(looked_at, name)["path"]
        page = looked_at.signed_in(MANAGER, accept_language=code).get(path)
        assert page.status == 200 and "%(" not in page.body
    found = looked_at.machine(MANAGER).get(the_task(looked_at, GULF)["path"]).json
    assert found["language"] == "ar" and GULF in found["message"]
    assert {"spoke", "no_answer", "solved", "not_needed"} == set(found["outcomes"])


def test_a_task_that_happened_again_shows_what_it_told_before(queue: Queueing) -> None:
    queue.finds(
        HARBOUR, Trigger.PAYOUT_FAILED, FAILED | {"payout": "pay_2", "amount_minor": 99_00}, about="pay_2 returned"
    )
    task = the_task(queue)
    shown = text(queue.signed_in(MANAGER).get(task["path"]).body)
    assert (task["figure"], task["times"]) == ("99.00\N{NO-BREAK SPACE}EUR", 2)
    assert [(each["figure"], each["evidence"]["payout"]) for each in task["earlier"]] == [
        ("1,250.00\N{NO-BREAK SPACE}EUR", "pay_1")
    ]
    of_partner = queue.machine(MANAGER).get(f"/desk/partners/{queue.partners[HARBOUR]}/tasks").json["items"]
    for found in (task, queue.machine(MANAGER).get(task["path"]).json, next(
        each for each in of_partner if each["task"] == task["task"]
    )):  # fmt: skip
        amounts = [each["evidence"]["amount"]["amount"] for each in (found, *found["earlier"])]
        assert amounts == ["99.00", "1250.00"]
    assert "99.00 EUR" in shown and "And before that: 1,250.00 EUR" in shown


def test_a_manager_says_what_became_of_it_in_a_browser(queue: Queueing) -> None:
    browser, path = queue.signed_in(MANAGER), the_task(queue)["path"]
    shown = browser.get(path)
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    said = {"outcome": "solved", "note": "New account <b>given</b>"}
    done, again = browser.post(f"{path}/done", guard | said), browser.post(f"{path}/done", guard | said)
    assert (done.status, done.location, again.location) == (303, "/desk?did=done", "/desk?did=done")
    assert "The same is not raised again for a while" in browser.get(done.location).body

    after = browser.get(path)
    assert "It is solved" in after.body and "&lt;b&gt;given" in after.body and "Sam Okoro" in after.body
    assert "Mark as done" not in after.body
    assert [task["kind"] for task in listed(queue)["items"][0]["tasks"]] != ["payout_failed", "ftd_fell"]


def test_what_cannot_be_is_said_beside_its_field_with_what_was_typed(queue: Queueing) -> None:
    browser, path = queue.signed_in(MANAGER), the_task(queue)["path"]
    guard = {"csrf": browser.get(path).field("csrf")}
    for step, sent, words in (
        ("done", {"outcome": "passed", "note": "typed here"}, "Choose what became of it."),
        ("done", {"outcome": "spoke", "note": "typed here" * 110}, "Write at most 1,000 characters."),
        ("snooze", {"until": "2026-09-01"}, "Choose a day from tomorrow on, within sixty days."),
        ("assign", {"to": queue.people[SALES].member}, "Choose a colleague who can work it."),
    ):
        answer = browser.post(f"{path}/{step}", guard | sent)
        assert answer.status == 422 and words in text(answer.body), (step, answer.body[:300])
        assert "typed here" in answer.body or step != "done"
    assert browser.post(f"{path}/done", {"outcome": "spoke"}).status == 403, "no token"


def test_what_was_put_off_comes_back_on_its_day_and_a_form_leads_back_to_its_filter(queue: Queueing) -> None:
    browser = queue.signed_in(MANAGER)
    shown = browser.get("/desk?whose=all&kind=near_tier")
    path = the_task(queue, PIPS)["path"]
    said = {"until": "2026-04-03", "whose": "all", "kind": "near_tier", "csrf": shown.field("csrf")}
    assert browser.post(f"{path}/snooze", said).location == "/desk?whose=all&kind=near_tier&did=snoozed"
    assert PIPS not in [row["name"] for row in listed(queue)["items"]]
    queue.now = NOW.replace(day=3)
    row = next(row for row in listed(queue)["items"] if row["name"] == PIPS)
    assert row["tasks"][0]["days_over"] == 0


def test_a_task_is_given_to_a_colleague(queue: Queueing) -> None:
    admin, sam = queue.people[ADMIN].member, queue.people[MANAGER].member
    # whoever has it is not offered
    page = queue.signed_in(MANAGER).get(the_task(queue)["path"]).body
    assert f'value="{admin}"' in page and f'value="{sam}"' not in page
    answer = does(queue, "assign", to=admin)
    assert (answer.status, answer.json["assignee"]) == (200, admin)
    assert [task["kind"] for task in listed(queue, "?whose=mine", ADMIN)["items"][0]["tasks"]] == ["payout_failed"]


def test_who_may_not_work_it_does_not(queue: Queueing) -> None:
    for who, name in ((MAKER, PIPS), (COMPLIANCE, HARBOUR)):
        for step, said in (
            ("done", {"outcome": "spoke"}),
            ("snooze", {"until": "2026-04-05"}),
            ("assign", {"to": "x"}),
        ):
            answer = does(queue, step, who, name, **said)
            assert (answer.status, answer.json["code"]) == (403, "not_your_role"), (who, step)
    assert does(queue, "done", SALES, outcome="spoke").status == 403
    assert does(queue, "done", MAKER, outcome="spoke").status == 200, "payouts are finance's too"


def test_somebody_was_quicker(queue: Queueing) -> None:
    path = the_task(queue)["path"]
    assert does(queue, "done", outcome="solved").status == 200
    answer = queue.machine(ADMIN).post(f"{path}/done", {"outcome": "spoke"}, as_json=True)
    assert answer.status == 409


@pytest.mark.parametrize("said", [{}, {"outcome": 5}, {"outcome": "spoke", "more": "x"}, {"outcome": ["spoke"]}])
def test_what_is_no_outcome_at_all_is_refused(looked_at: Queueing, said: dict[str, Any]) -> None:
    path = the_task(looked_at)["path"]
    assert looked_at.machine(MANAGER).post(f"{path}/done", said, as_json=True).status == 422


def test_a_task_that_there_is_not_is_not_found(looked_at: Queueing) -> None:
    partner = looked_at.partners[HARBOUR]
    for path in (f"/desk/tasks/{partner}/tsk_none", "/desk/tasks/par_none/tsk_none", "/desk/partners/par_none/tasks"):
        assert looked_at.machine(MANAGER).get(path).status == 404


def test_all_tasks_of_a_partner_are_on_one_page(queue: Queueing) -> None:
    does(queue, "done", outcome="no_answer", note="Mailbox full")
    path = f"/desk/partners/{queue.partners[HARBOUR]}/tasks"
    found = queue.machine(MANAGER).get(path).json
    assert [(task["kind"], task["outcome"]) for task in found["items"]] == [
        ("ftd_fell", None), ("payout_failed", "no_answer"),
    ]  # fmt: skip
    page = text(queue.signed_in(MANAGER).get(path).body)
    assert "No answer" in page and "Mailbox full" in page and "First deposits fell" in page


def test_a_name_and_a_contest_that_are_markup_stay_text(queue: Queueing) -> None:
    hostile = "<img src=x onerror=alert(1)>{{x}}"
    queue.finds(LANTERN, Trigger.CONTEST_WON, {"contest": "cts_1", "name": hostile, "place": 1}, about="cts_1 won")
    for path in ("/desk", the_task(queue, LANTERN)["path"]):
        body = queue.signed_in(MANAGER).get(path).body
        assert "<img src=x" not in body and "{{x}}" in html.unescape(body)


def test_a_key_that_is_used_again_makes_nothing_twice(queue: Queueing) -> None:
    path = the_task(queue)["path"]
    said = {"until": "2026-04-05"}
    first, again = (
        queue.machine(MANAGER).post(f"{path}/snooze", said, as_json=True, idempotency_key="k-1") for _ in range(2)
    )
    assert first.body == again.body and again.headers["idempotency-replayed"] == "true"
    other = queue.machine(MANAGER).post(f"{path}/snooze", {"until": "2026-04-06"}, as_json=True, idempotency_key="k-1")
    assert other.status == 409


def test_the_proposed_message_begins_a_conversation_when_it_is_sent(queue: Queueing) -> None:
    browser, path = queue.signed_in(MANAGER), the_task(queue, PIPS)["path"]
    found = queue.machine(MANAGER).get(path).json
    assert found["send_to"] == f"/desk/partners/{queue.partners[PIPS]}/messages"
    shown = browser.get(path)
    assert f'action="{found["send_to"]}"' in shown.body
    sent = {"subject": found["subject"], "text": found["message"], "csrf": shown.field("csrf")}
    answer = browser.post(found["send_to"], sent)
    assert answer.status == 303 and answer.location.startswith(f"/desk/messages/{queue.partners[PIPS]}/"), answer.body
    # the task itself is open until somebody says what became of it
    assert the_task(queue, PIPS)["status"] == "open"
