"""Payout runs through the pages and the API: started by one, decided by another, looked into, confirmed, reconciled."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.invoice import InvoiceKind
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import BatchStatus, PayoutStatus, RunStatus
from introducer.gateways.rails.protocol import Outcome
from introducer.locale import CODES
from introducer.services.confirm_run import close_run
from introducer.services.send_run import CONTRADICTION, KEY_EXPIRED, NO_ANSWER, NOTHING_LEFT, take_outcome
from introducer.store.configuration import Configuration
from introducer.store.payout_schedules import PayoutSchedules
from tests.browser.world import Answer, Visitor
from tests.support.camt import Entry, Tx, a_statement
from tests.support.functions import ROOT
from tests.support.payday import (
    ADMIN,
    CHECKER,
    GULF,
    HARBOUR,
    HELD,
    IBANS,
    LANTERN,
    LAST_RUN,
    MAKER,
    MANAGER,
    NOW,
    NOWHERE,
    PIPS,
    RUN,
    SCHEDULE,
    SMALL,
    Payday,
    a_payday,
)
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

RUNS, THERE, BANK_FILE = "/desk/runs", f"/desk/runs/{RUN}", "/desk/runs/bank-file"
WHY = "Looked at all of it"


@pytest.fixture
def payday() -> Iterator[Payday]:
    """The run of March waits for a second person."""
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        world.prepare()
        yield world


@pytest.fixture(scope="module")
def waiting() -> Iterator[Payday]:
    """The same, for tests that only look."""
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        world.prepare()
        yield world


def filled(page: Answer, **fields: str) -> dict[str, str]:
    """The hidden fields of the page's own form, with what a person types."""
    own = page.body.partition("<main")[2]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', own))
    return {name: html.unescape(value) for name, value in hidden.items()} | fields


def decided(payday: Payday, who: str = CHECKER, verdict: str = "approve", **other: Any) -> Answer:
    said = {"version": payday.run().version, "verdict": verdict, "why": WHY} | other
    return payday.machine(who).post(f"{THERE}/decision", said, as_json=True)


def audit(payday: Payday, subject: str) -> list[tuple[str, str, str]]:
    """What was done to something, by whom and why."""
    records = Configuration(payday.table).audit_of_subject(subject).items
    return [(each.action, each.by, each.why) for each in records]


def sent(payday: Payday) -> None:
    payday.approve(RUN)
    payday.send(RUN)


# ------------------------------------------------------------------------------------------------------- what it shows


def test_an_approver_sees_what_a_run_pays_against_the_one_before(waiting: Payday) -> None:
    data = waiting.machine(CHECKER).get(THERE).json
    shown = text(waiting.signed_in(CHECKER).get(THERE).body)

    assert (data["state"], data["payouts"], data["may_decide"], data["compared_with"]) == ("waiting", 4, True, LAST_RUN)
    assert [f"{each['amount']} {each['currency']}" for each in data["pays"]] == [
        "2403.19 AED", "1250.00 EUR", "992.92 PLN", "28297.80 THB",
    ]  # fmt: skip
    assert [f"{each['amount']} {each['currency']}" for each in data["out_of"]] == ["1484.56 EUR", "1474.82 USD"]
    lines = {(each["rail"], each["pays"]["currency"]): each for each in data["lines"]}
    assert (lines["sepa", "EUR"]["change"]["amount"], lines["sepa", "EUR"]["pays_before"]["amount"]) == (
        "829.50", "420.50",
    )  # fmt: skip
    assert (lines["paypal", "THB"]["change"]["amount"], lines["manual", "AED"]["count_before"]) == ("-2741.83", 0)
    assert [(each["name"], each["change"]["amount"]) for each in data["movers"]] == [
        (HARBOUR, "829.50"), (GULF, "654.32"), (LANTERN, "134.55"), (PIPS, "-79.50"),
    ]  # fmt: skip
    assert data["left_out"] == {"below_minimum": 1, "no_payment_profile": 1, "on_hold": 1}
    assert "Is this run right?" in shown and "Approve 4 payouts, 2,403.19 AED, 1,250.00" in shown
    assert "Mia Maker The month is over" in shown


def test_who_was_never_paid_and_whose_details_are_new_stands_out(payday: Payday) -> None:
    # given a run after one in which Harbour's transfer arrived, and new details of Pips since then
    data = payday.machine(CHECKER).get(THERE).json

    # Harbour and Lantern wait to hear of their first payout; nobody was paid before but Pips
    assert (data["new_payees"], data["new_details"]) == (3, 0)
    new = payday.machine(CHECKER).get(f"{THERE}?show=new_payee").json
    assert {each["name"] for each in new["items"]} == {HARBOUR, LANTERN, GULF}
    assert "Never paid before" in text(payday.signed_in(CHECKER).get(f"{THERE}?show=new_payee").body)
    assert payday.machine(CHECKER).get(f"{THERE}?show=sideways").json["code"] == "bad_filter"


def test_whom_it_leaves_out_is_listed_by_name_and_narrowed_by_reason(waiting: Payday) -> None:
    machine = waiting.machine(CHECKER)

    everybody = machine.get(f"{THERE}/left-out").json
    held = machine.get(f"{THERE}/left-out?reason=on_hold").json
    pages, cursor = [], ""
    while cursor is not None:
        page = machine.get(f"{THERE}/left-out?limit=1" + (f"&cursor={cursor}" if cursor else "")).json
        pages += page["items"]
        cursor = page["next"]
    table = list(csv.DictReader(io.StringIO(waiting.machine(CHECKER, "text/csv").get(f"{THERE}/left-out").body)))

    assert {each["name"]: each["reason"] for each in everybody["items"]} == {
        SMALL: "below_minimum", HELD: "on_hold", NOWHERE: "no_payment_profile",
    }  # fmt: skip
    assert [(each["name"], each["amount"]["amount"]) for each in held["items"]] == [(HELD, "500.00")]
    assert pages == everybody["items"]
    assert [row["name"] for row in table] == [each["name"] for each in everybody["items"]]
    assert machine.get(f"{THERE}/left-out?reason=none").json["code"] == "bad_filter"
    assert machine.get(f"{RUNS}/2020-01-monthly/left-out").status == 404


def test_the_payouts_go_page_by_page_and_into_a_spreadsheet(waiting: Payday) -> None:
    machine = waiting.machine(CHECKER)
    first = machine.get(f"{THERE}?limit=3").json
    rest = machine.get(f"{THERE}?limit=3&cursor={first['next']}").json
    table = list(csv.DictReader(io.StringIO(waiting.machine(CHECKER, "text/csv").get(THERE).body)))

    listed = [*first["items"], *rest["items"]]
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)
    assert [row["payout"] for row in table] == [each["payout"] for each in listed]
    assert {row["to"] for row in table} == {"DE•• •••• 3000", "k••••@p••••.example", "•••• 1111", "•••• 6789"}
    assert machine.get(f"{THERE}?show=created&cursor={first['next']}").json["code"] == "bad_cursor"


def test_runs_that_wait_come_first(payday: Payday) -> None:
    payday.prepare(NOW + timedelta(hours=1), first="2026-03-01", through="2026-03-05")
    payday.payouts.change_run(
        payday.run("2026-03-01-2026-03-05-monthly"),
        replace(payday.run("2026-03-01-2026-03-05-monthly"), status=RunStatus.REJECTED, closed_at=NOW),
    )

    listed = payday.machine(CHECKER).get(RUNS).json["items"]
    page = text(payday.signed_in(CHECKER).get(RUNS).body)
    table = list(csv.DictReader(io.StringIO(payday.machine(CHECKER, "text/csv").get(RUNS).body)))

    assert [(each["run"], each["state"]) for each in listed] == [
        (RUN, "waiting"), ("2026-03-01-2026-03-05-monthly", "rejected"), (LAST_RUN, "approved"),
    ]  # fmt: skip
    assert "Runs waiting for you" in page and "by the schedule" in page
    assert [row["run"] for row in table] == [each["run"] for each in listed]


def test_a_run_whose_execution_stopped_says_why_and_what_to_do(payday: Payday) -> None:
    payday.executions.failed[f"{RUN}-{payday.brand}"] = "Exchange rates are known through 2026-03-30: load those."

    listed = payday.machine(CHECKER).get(RUNS).json["items"]
    page = text(payday.signed_in(CHECKER).get(THERE).body)

    assert next(each for each in listed if each["run"] == RUN)["state"] == "stopped"
    assert "Start it again for the same days: it goes on where it stopped." in page
    assert "Exchange rates are known through 2026-03-30" in page


def test_a_run_that_stopped_is_started_again_on_its_page(payday: Payday) -> None:
    name = f"{RUN}-{payday.brand}"
    browser = payday.signed_in(CHECKER)
    running = payday.machine(CHECKER).post(f"{THERE}/again", {"why": WHY}, as_json=True)
    assert (running.status, running.json["code"]) == (409, "run_not_stopped")
    assert f"{THERE}/again" not in browser.get(THERE).body

    def the_form(page: Answer) -> Answer:
        return replace(page, body="<main" + page.body.partition(f'action="{THERE}/again"')[2].partition("</form>")[0])

    # when it stopped, while it waits for a decision too, and finance starts it again, a manager cannot
    payday.executions.failed[name] = "Somebody stopped it."
    page = browser.get(THERE)
    ids = re.findall(r' id="(field-[^"]*)"', page.body)
    assert f'action="{THERE}/again"' in page.body and len(ids) == len(set(ids)) == 2
    assert f"{THERE}/again" not in payday.signed_in(MANAGER).get(THERE).body
    short, answer = (
        browser.post(f"{THERE}/again", filled(the_form(browser.get(THERE)), why=why))
        for why in ("x", "The cause is put right")
    )
    del payday.executions.failed[name]

    # then it is led back to, and who did it is on record
    assert (short.status, answer.status, answer.location) == (422, 303, f"{THERE}?again=1")
    assert "Started again: it goes on where it stopped." in text(browser.get(f"{THERE}?again=1").body)
    assert ("start_run_again", payday.people[CHECKER].member, "The cause is put right") in audit(payday, name)
    assert f'href="{RUNS}/{RUN}"' in browser.get(RUNS).body


@pytest.mark.parametrize("path", ["", "/left-out", "/payouts/pay_0", "/batches/bat_0", "/batches/bat_0/file"])
def test_what_is_no_run_of_this_brand_is_not_there(waiting: Payday, path: str) -> None:
    for run in ("2020-01-monthly", "a" * 70, "%23", "2026-03-monthly%20"):
        assert waiting.machine(CHECKER).get(f"{RUNS}/{run}{path}").status == 404


# ------------------------------------------------------------------------------------------------------------- starting


def test_a_run_is_started_through_the_form_and_again_leads_to_it(payday: Payday) -> None:
    browser = payday.signed_in(MAKER)
    page = browser.get(RUNS)
    assert "monthly (2026-03)" in page.body
    form = filled(page, schedule=SCHEDULE, first="2026-03-01", through="2026-03-15", why="Half of March, as agreed")
    run = "2026-03-01-2026-03-15-monthly"

    # when it is started by the form, by a repeated press, and by a program
    answers = [browser.post(RUNS, form), browser.post(RUNS, form)]
    again = payday.machine(ADMIN).post(
        RUNS, {"schedule": SCHEDULE, "first": "2026-03-01", "through": "2026-03-15", "why": "Me too"}, as_json=True
    )

    # then there is one execution, and all are led to it, also before it has written anything
    assert [(answer.status, answer.location) for answer in answers] == [(303, f"{RUNS}/{run}")] * 2
    assert (again.status, again.json["run"]) == (201, run)
    [name] = [each for each in payday.executions.started if each.startswith(run)]
    assert payday.executions.started[name]["by"] == payday.people[MAKER].member
    assert payday.machine(MAKER).get(f"{RUNS}/{run}").json["state"] == "starting"
    shown = browser.get(f"{RUNS}/{run}")
    assert "Is being started" in text(shown.body) and 'data-again="5"' in shown.body


@pytest.mark.parametrize(("wish", "code", "says"), [
    ({"first": "2026-04-01", "through": "2026-04-30"}, "range_not_ended", "These days are not over yet"),
    ({"first": "2026-03-10", "through": "2026-03-01"}, "bad_range", "Choose a first and a last day"),
    ({"first": "yesterday", "through": ""}, "bad_range", "Choose a first and a last day"),
    ({"why": " x "}, "invalid", "Fill this in"),
    ({"schedule": "weekly"}, "not_found", "There is no such payout schedule"),
])  # fmt: skip
def test_what_cannot_be_started_is_explained(waiting: Payday, wish: dict[str, str], code: str, says: str) -> None:
    asked = {"schedule": SCHEDULE, "first": "", "through": "", "why": "The month is over"} | wish
    before = dict(waiting.executions.started)

    refused = waiting.machine(MAKER).post(RUNS, asked, as_json=True)
    browser = waiting.signed_in(MAKER)
    page = browser.post(RUNS, filled(browser.get(RUNS), **asked))

    assert refused.json["code"] == code and refused.status in (404, 422)
    assert page.status == refused.status and says in text(page.body)
    assert waiting.executions.started == before


# ------------------------------------------------------------------------------------------------------------- deciding


def test_a_run_is_approved_by_a_second_person_through_the_form(payday: Payday) -> None:
    # given the maker, who reads why not
    maker, checker = payday.signed_in(MAKER), payday.signed_in(CHECKER)
    own = maker.get(THERE)
    assert "You started this run: another person of finance, or an admin, decides it." in text(own.body)
    assert 'name="verdict"' not in own.body

    # when the checker approves, twice by the same form
    page = checker.get(THERE)
    form = filled(page, verdict="approve", why=WHY)
    answers = [checker.post(f"{THERE}/decision", form) for _ in range(2)]

    # then it is approved once, the execution is woken once, and it is on record
    assert [(each.status, each.location) for each in answers] == [(303, f"{THERE}?decided=approved")] * 2
    assert payday.run().status is RunStatus.APPROVED
    assert payday.executions.woken[-1:] == [(f"token of {RUN}", {"decision": "approved"})]
    assert [token for token, _ in payday.executions.woken].count(f"token of {RUN}") == 1
    assert ("approve_run", payday.people[CHECKER].member, WHY) in audit(payday, f"{RUN}-{payday.brand}")
    assert "Approved: it is being sent." in text(checker.get(answers[0].location).body)
    assert 'name="verdict"' not in checker.get(THERE).body


def test_who_started_a_run_or_has_another_role_does_not_decide_it(waiting: Payday) -> None:
    refused = {who: decided(waiting, who).json["code"] for who in (MAKER, MANAGER)}
    acts = {who: waiting.machine(who).get(THERE).json["may_decide"] for who in (MAKER, CHECKER, ADMIN, MANAGER)}
    page = waiting.signed_in(MANAGER).get(THERE).body

    assert refused == {MAKER: "same_person", MANAGER: "finance_only"}
    assert acts == {MAKER: False, CHECKER: True, ADMIN: True, MANAGER: False}
    assert "Finance or an admin decides this: ask one of them." in text(page)
    assert "<form" not in page.partition("<main")[2]
    assert waiting.machine(HARBOUR).get(THERE).json["code"] == "staff_only"
    for path, said in (
        (RUNS, {"schedule": SCHEDULE, "why": WHY}),
        (f"{THERE}/payouts/{waiting.of(PIPS).payout}/removal", {"why": WHY}),
        (f"{RUNS}/schedules", {}),
    ):
        assert waiting.machine(MANAGER).post(path, said, as_json=True).json["code"] == "finance_only"
    assert waiting.machine(MANAGER).get(BANK_FILE).json["code"] == "finance_only"
    assert waiting.run().status is RunStatus.WAITING


def test_a_run_that_changed_since_it_was_read_is_looked_at_again(payday: Payday) -> None:
    browser = payday.signed_in(CHECKER)
    page = browser.get(THERE)
    payday.machine(ADMIN).post(f"{THERE}/payouts/{payday.of(PIPS).payout}/removal", {"why": "Call first"}, as_json=True)

    answer = browser.post(f"{THERE}/decision", filled(page, verdict="approve", why=WHY))

    assert answer.status == 409
    assert "The run changed since you looked at it" in text(answer.body)
    # what was typed stays, and the form is about the run as it is now
    assert f'value="{WHY}"' in answer.body and "Approve 3 payouts" in text(answer.body)
    assert browser.post(f"{THERE}/decision", filled(answer, verdict="approve", why=WHY)).status == 303


def test_bank_details_that_were_changed_meanwhile_are_taken_out_before_anything_is_approved(payday: Payday) -> None:
    payday.moves_details(HARBOUR)
    browser = payday.signed_in(CHECKER)

    answer = browser.post(f"{THERE}/decision", filled(browser.get(THERE), verdict="approve", why=WHY))

    assert answer.status == 409
    assert "Bank details were changed since the run was made." in text(answer.body)
    assert payday.run().status is RunStatus.WAITING
    taken = payday.machine(CHECKER).get(f"{THERE}?show=exceptions").json["items"]
    assert [(each["name"], each["status"], each["reason"]) for each in taken] == [
        (HARBOUR, "set_aside", "details_changed")
    ]
    assert decided(payday).status == 200


def test_a_run_is_rejected_as_a_whole_with_a_reason(payday: Payday) -> None:
    browser = payday.signed_in(CHECKER)

    unsaid = browser.post(f"{THERE}/decision", filled(browser.get(THERE), verdict="reject", why=""))
    answer = browser.post(f"{THERE}/decision", filled(browser.get(THERE), verdict="reject", why="Wrong month"))

    assert (unsaid.status, answer.status) == (422, 303)
    assert (payday.run().status, payday.run().decision) == (RunStatus.REJECTED, "Wrong month")
    otherwise = decided(payday)
    assert (otherwise.status, otherwise.json["code"]) == (409, "decided_already")


def test_one_payout_is_taken_out_and_its_money_is_available_again(payday: Payday) -> None:
    payout = payday.of(PIPS)
    there = f"{THERE}/payouts/{payout.payout}"
    browser = payday.signed_in(CHECKER)
    page = browser.get(there)
    effect = payday.machine(CHECKER).get(there).json
    # before → after, for the partner and for the run
    [does] = effect["effects"]
    assert (does["taken_from"], does["from_before"]["amount"], does["from_after"]["amount"]) == (
        "reserved", "820.50", "0.00",
    )  # fmt: skip
    assert (does["put_into"], does["to_before"]["amount"], does["to_after"]["amount"]) == (
        "available", "0.00", "820.50",
    )  # fmt: skip
    assert (effect["run_pays"]["amount"], effect["run_pays_then"]["amount"]) == ("28297.80", "0.00")
    assert "Take out 28,297.80 THB" in text(page.body)

    form = filled(page, why="Call the partner first")
    answers = [browser.post(f"{there}/removal", form) for _ in range(2)]

    assert [each.status for each in answers] == [303, 303]
    assert (payday.of(PIPS).status, payday.of(PIPS).reason) == (PayoutStatus.REJECTED, "taken_out")
    assert payday.ledger.balance(payout.partner).bucket("USD", "available", "2026-04-02") == 82_050
    assert ("payout_rejected", payday.people[CHECKER].member, "Call the partner first") in audit(payday, payout.payout)
    assert payday.machine(CHECKER).get(THERE).json["payouts"] == 3
    assert "Call the partner first" in text(browser.get(there).body)
    # the partner reads the reason in words, and not the note
    told = payday.signed_in(PIPS).get(f"/payouts/{payout.payout}").body
    assert "It was taken out of the run." in text(told).replace(" .", ".") and "Call the partner" not in told


# -------------------------------------------------------------------------------------------------- sent and confirmed


def test_a_run_that_is_sent_shows_how_far_it_is_and_looks_again_by_itself(payday: Payday) -> None:
    sent(payday)

    page = payday.signed_in(CHECKER).get(THERE).body
    data = payday.machine(CHECKER).get(THERE).json

    assert re.search(r'<section id="progress"[^>]* data-stage="approved" data-again="5">', page)
    assert "Look again" in text(page)
    assert {each["status"]: each["count"] for each in data["standing"]} == {"paid": 1, "sent": 3}
    assert {(each["rail"], each["to_confirm"], each["has_file"]) for each in data["batches"]} == {
        ("sepa", 1, True), ("paypal", 0, False), ("manual", 1, True),
    }  # fmt: skip


def test_the_file_of_a_batch_is_led_to_and_each_look_is_on_record(payday: Payday) -> None:
    sent(payday)
    sepa, paypal = payday.batch(RailKind.SEPA), payday.batch(RailKind.PAYPAL)
    path = f"{THERE}/batches/{sepa.batch}/file"

    refused = payday.machine(MANAGER).get(path)
    answer = payday.signed_in(CHECKER).get(path)
    none = payday.machine(CHECKER).get(f"{THERE}/batches/{paypal.batch}/file")

    assert (refused.status, refused.json["code"]) == (403, "finance_only")
    assert (answer.status, answer.location) == (303, f"https://sent-files.example/{sepa.file}?signed")
    assert (none.status, none.json["code"]) == (404, "no_file")
    assert audit(payday, sepa.batch) == [
        ("download_sent_file", payday.people[CHECKER].member, "downloaded on its page")
    ]
    assert path not in payday.signed_in(MANAGER).get(f"{THERE}/batches/{sepa.batch}").body
    assert path in payday.signed_in(CHECKER).get(f"{THERE}/batches/{sepa.batch}").body


def test_a_list_that_was_paid_by_hand_is_confirmed_as_a_whole(payday: Payday) -> None:
    sent(payday)
    batch = payday.payouts.batch(payday.brand, RUN, payday.of(GULF).batch)
    there = f"{THERE}/batches/{batch.batch}"
    browser = payday.signed_in(CHECKER)
    page = browser.get(there)
    assert "Record 1 payout as paid, 2,403.19 AED" in text(page.body)

    form = filled(page, why="Statement of 3 April, line 12")
    answers = [browser.post(f"{there}/confirmation", form) for _ in range(2)]
    again = payday.machine(ADMIN).post(f"{there}/confirmation", {"why": "Once more"}, as_json=True)

    assert [each.location for each in answers] == [f"{there}?paid=1"] * 2
    assert (again.status, again.json["paid"]) == (200, 0)
    assert payday.of(GULF).status is PayoutStatus.PAID
    assert payday.ledger.balance(payday.of(GULF).partner).bucket("USD", "paid", "2026-04-02") == 65_432
    other = payday.machine(CHECKER).post(
        f"{THERE}/batches/{payday.batch(RailKind.PAYPAL).batch}/confirmation", {"why": WHY}, as_json=True
    )
    assert (other.status, other.json["code"]) == (409, "provider_tells")


def test_what_there_is_no_time_for_is_gone_on_with(payday: Payday) -> None:
    # given a clock on which each look takes ten seconds
    sent(payday)
    seconds = iter(range(0, 10_000, 10))
    payday.wiring.elapsed = lambda: next(seconds)
    batch = payday.of(HARBOUR).batch
    path = f"{THERE}/batches/{batch}/confirmation"
    file = a_statement(
        *(Entry(txs=[Tx(payday.of(name).payout, amount, currency=currency)]) for name, amount, currency in (
            (HARBOUR, "1250.00", "EUR"), (LANTERN, "992.92", "PLN"), (GULF, "2403.19", "AED"),
        ))
    )  # fmt: skip
    kind = {"content-type": "application/xml"}
    machine = payday.machine(CHECKER)

    # when a file of three is handed in, twice
    counts = []
    for _ in range(2):
        answer = machine.send("POST", f"{BANK_FILE}?do=record&why=From+the+bank", file.decode(), kind).json
        counts.append((answer["report"]["left"], [each["result"] for each in answer["items"]]))

    # then the second goes on where the first had no more time
    assert counts == [(2, ["paid", "no_time", "no_time"]), (1, ["known", "paid", "no_time"])]
    # and so does a batch
    assert machine.post(path, {"why": "All of it"}, as_json=True).json["paid"] == 0


def test_what_became_of_one_payout_is_recorded_with_what_it_does(payday: Payday) -> None:
    sent(payday)
    payout = payday.of(LANTERN)
    there = f"{THERE}/payouts/{payout.payout}"
    browser = payday.signed_in(CHECKER)
    data = payday.machine(CHECKER).get(there).json
    assert [(each["outcome"], each["taken_from"], each["put_into"]) for each in data["effects"]] == [
        ("paid", "reserved", "paid"), ("failed", "reserved", "available"),
    ]  # fmt: skip

    # more was heard of it since somebody looked
    stale = {"outcome": "paid", "version": data["version"] - 1, "why": WHY}
    refused = payday.machine(ADMIN).post(f"{there}/outcome", stale, as_json=True)
    assert (refused.status, refused.json["code"]) == (409, "payout_changed")

    # when the bank refused it, and somebody says that twice
    form = filled(browser.get(there), outcome="failed", why="The bank wrote: account closed")
    assert [browser.post(f"{there}/outcome", form).status for _ in range(2)] == [303, 303]

    # then its money is available again, and nothing else may be said of it
    assert payday.of(LANTERN).status is PayoutStatus.FAILED
    assert payday.ledger.balance(payout.partner).bucket("EUR", "available", "2026-04-02") == 23_456
    otherwise = payday.machine(ADMIN).post(f"{there}/outcome", {"outcome": "paid", "why": "No"}, as_json=True)
    assert otherwise.status in (409, 422)
    late = payday.machine(ADMIN).post(f"{there}/outcome", {"outcome": "paid", "why": "It was paid"}, as_json=True)
    assert (late.status, late.json["code"]) == (409, "wrong_status")
    assert payday.machine(CHECKER).get(there).json["effects"] == []
    assert payday.machine(CHECKER).get(THERE).json["exceptions"] == 1
    # the provider itself says what becomes of what it pays
    paypal = payday.machine(CHECKER).post(
        f"{THERE}/payouts/{payday.of(PIPS).payout}/outcome", {"outcome": "returned", "why": WHY}, as_json=True
    )
    assert paypal.json["code"] == "provider_tells"
    # until all of its batch has ended: then nobody is asked any more, and its page says what may be recorded
    assert payday.machine(CHECKER).get(f"{THERE}/payouts/{payday.of(PIPS).payout}").json["effects"] == []
    done = payday.batch(RailKind.PAYPAL)
    payday.payouts.change_batch(done, replace(done, status=BatchStatus.DONE))
    offered = payday.machine(CHECKER).get(f"{THERE}/payouts/{payday.of(PIPS).payout}").json["effects"]
    assert [each["outcome"] for each in offered] == ["returned"]


def test_what_contradicts_the_books_is_to_be_looked_at_and_leads_to_its_batch(payday: Payday) -> None:
    sent(payday)
    batch = payday.batch(RailKind.SEPA)
    before = payday.machine(CHECKER).get(THERE).json
    payday.payouts.change_batch(batch, replace(batch, note="contradiction"))

    data = payday.machine(CHECKER).get(THERE).json
    page = payday.signed_in(CHECKER).get(THERE).body

    assert (data["exceptions"], data["contradicted"]) == (before["exceptions"] + 1, [batch.batch])
    assert "contradicts the books: compare its list" in text(page) and f"{THERE}/batches/{batch.batch}" in page
    assert "contradicts the books" in text(payday.signed_in(CHECKER).get(f"{THERE}/batches/{batch.batch}").body)


def test_each_reason_why_a_rail_refuses_has_words(waiting: Payday) -> None:
    folder = ROOT / "layers/core/python/introducer/gateways/rails"
    source = "\n".join(path.read_text() for path in folder.glob("*.py"))
    codes = set(re.findall(r'Refusal\(\s*"(\w+)"', source))
    codes |= set(re.findall(r'raise Refused\((?:(?!raise ).)*?code="(\w+)"', source, re.DOTALL))
    assert {"invalid_account", "invalid_file", "batch_size"} <= codes
    known = waiting.module.server.rendering.words.WORDS["batch_note"]
    # an account that cannot be one makes no batch
    assert codes - {"invalid_debtor"} - known.keys() == set()
    assert {NO_ANSWER, KEY_EXPIRED, NOTHING_LEFT, CONTRADICTION} <= known.keys()


def test_what_is_heard_after_a_run_has_closed_has_its_documents_too(payday: Payday) -> None:
    # given a run that closed before its bank's list was confirmed
    run = RUN
    payday.approve(run)
    payday.send(run)
    close_run(payday.payouts, brand=payday.brand, run=run, now=NOW)
    batch, admin = payday.batch(RailKind.SEPA), payday.machine(ADMIN)
    members = [each for each in payday.payouts.all_of_run(payday.brand, run) if each.batch == batch.batch]

    # when somebody says that it was paid, and twice that one payout came back
    admin.post(f"{THERE}/batches/{batch.batch}/confirmation", {"why": WHY}, as_json=True)
    back = f"{THERE}/payouts/{members[0].payout}/outcome"
    said = {"outcome": "returned", "why": WHY, "version": 0}
    for _ in range(2):
        assert admin.post(back, said, as_json=True).status == 200

    # then each payout has an invoice, and the one that came back a credit note beside it, numbered without a gap
    invoices = payday.wiring.invoices
    found = [invoices.invoice(each.partner, each.payout, InvoiceKind.INVOICE) for each in members]
    note = invoices.invoice(members[0].partner, members[0].payout, InvoiceKind.CREDIT_NOTE)
    numbers = sorted(each.number for each in [*found, note] if each is not None)
    assert numbers == [f"{NOW.year}-{number:06}" for number in range(1, len(members) + 2)]


# ------------------------------------------------------------------------------------------------------ the bank's file


def a_form(visitor: Visitor, content: bytes, name: str = "camt.xml", **fields: str) -> tuple[bytes, str]:
    """A form with a file, as a browser sends it."""
    boundary = f"----{secrets.token_hex(8)}"
    body = b""
    for field, value in fields.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/xml'
    body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def handed_in(payday: Payday, content: bytes, do: str = "record", why: str = "Statement of 3 April") -> Answer:
    """Through the form of the page."""
    browser = payday.signed_in(CHECKER)
    csrf = browser.get(BANK_FILE).field("csrf")
    body, kind = a_form(browser, content, csrf=csrf, do=do, why=why)
    return browser.send("POST", BANK_FILE, body.decode(), {"content-type": kind})


def test_a_banks_file_is_looked_at_first_and_then_recorded_once(payday: Payday) -> None:
    # given a file that says: Harbour's was paid and came back, Lantern's had another amount, and a fee
    sent(payday)
    harbour, lantern = payday.of(HARBOUR), payday.of(LANTERN)
    file = a_statement(
        Entry(txs=[Tx(harbour.payout, "1250.00", reference="out-1")]),
        Entry(txs=[Tx(harbour.payout, "1250.00", debit=False, reason="AC04", reference="back-1")]),
        Entry(txs=[Tx(lantern.payout, "992.00", currency="PLN", reference="out-2")]),
        Entry(txs=[Tx("", "1.50", end_to_end="NOTPROVIDED", words="Fees")]),
    )

    # when it is only looked at
    page = handed_in(payday, file, do="look", why="")

    # then nothing is moved, and the report says what would be
    assert page.status == 200, text(page.body)
    shown = text(page.body)
    assert "Only looked at: nothing is recorded" in shown and "What would be placed" in shown
    assert "The amount is not that of the payout." in shown
    assert payday.of(HARBOUR).status is PayoutStatus.SENT
    assert audit(payday, payday.brand)[0][0] != "reconcile_bank_file"

    # and when it is recorded, twice
    first, again = handed_in(payday, file), handed_in(payday, file)
    assert (first.status, again.status) == (200, 200)
    assert "What was placed" in text(first.body) and "Known already" in text(again.body)
    after = payday.of(HARBOUR)
    assert (after.status, after.reason, after.reference) == (PayoutStatus.RETURNED, "AC04", "back-1")
    assert payday.of(LANTERN).status is PayoutStatus.SENT
    assert payday.ledger.balance(after.partner).bucket("EUR", "available", "2026-04-02") == 125_000
    who = payday.people[CHECKER].member
    assert audit(payday, payday.brand)[:1] == [("reconcile_bank_file", who, "Statement of 3 April")]
    assert ("payout_paid", who, "Statement of 3 April") in audit(payday, after.payout)


def test_a_program_hands_the_file_in_as_it_is_and_gets_all_of_the_report(payday: Payday) -> None:
    sent(payday)
    entries = [Entry(txs=[Tx(payday.of(HARBOUR).payout, "1250.00", reference="out-1")])]
    entries += [Entry(txs=[Tx(f"pay_{'0' * 25}{n}", "1.00")]) for n in range(3)]
    file, kind = a_statement(*entries).decode(), {"content-type": "application/xml"}
    machine = payday.machine(CHECKER)

    looked = machine.send("POST", BANK_FILE, file, kind)
    table = payday.machine(CHECKER, "text/csv").send("POST", f"{BANK_FILE}?do=record&why=From+the+bank", file, kind)
    rows = list(csv.DictReader(io.StringIO(table.body)))

    assert looked.json["report"]["recorded"] is False
    assert looked.json["report"]["counts"] == {"paid": 1, "unknown_payout": 3}
    assert [row["result"] for row in rows] == ["unknown_payout"] * 3 + ["paid"]
    assert (rows[-1]["before"], rows[-1]["after"], rows[-1]["name"]) == ("sent", "paid", HARBOUR)
    assert payday.of(HARBOUR).status is PayoutStatus.PAID
    assert machine.send("POST", f"{BANK_FILE}?do=burn", file, kind).json["code"] == "bad_query"
    assert payday.machine(MANAGER).send("POST", BANK_FILE, file, kind).json["code"] == "finance_only"


def test_nothing_of_another_account_is_kept_of_a_file(payday: Payday) -> None:
    sent(payday)
    words = f"Refund to {IBANS[1]} of K. Sun"
    file = a_statement(
        Entry(txs=[Tx(payday.of(HARBOUR).payout, "1250.00", words=words, reference="out-1")]),
        Entry(txs=[Tx(payday.of(HARBOUR).payout, "1250.00", debit=False, reason="AC04", note=[words])]),
    )

    page = handed_in(payday, file)

    assert page.status == 200
    assert IBANS[1] not in page.body
    assert IBANS[1] not in json.dumps(payday.machine(CHECKER).get(THERE).json)


@pytest.mark.parametrize(("file", "says"), [
    (b"not a file of a bank", "This file cannot be read as XML"),
    (b"<Document xmlns='urn:x'><CstmrCdtTrfInitn/></Document>", "hand in a camt.053 or a camt.054"),
    (b"<!DOCTYPE x [<!ENTITY a 'b'>]><Document>&a;</Document>", "This file cannot be read as XML"),
    (b"", "Choose a file."),
])  # fmt: skip
def test_what_is_no_file_of_a_bank_is_refused_beside_its_field(waiting: Payday, file: bytes, says: str) -> None:
    page = handed_in(waiting, file)

    assert page.status in (400, 422)
    assert says in text(page.body)
    assert 'value="Statement of 3 April"' in page.body


def test_a_form_that_is_broken_too_long_or_of_another_site_is_refused(waiting: Payday) -> None:
    browser = waiting.signed_in(CHECKER)
    csrf = browser.get(BANK_FILE).field("csrf")
    body, kind = a_form(browser, b"<x/>", csrf=csrf, do="look")

    def sends(content: str, content_type: str) -> int:
        return browser.send("POST", BANK_FILE, content, {"content-type": content_type}).status

    assert sends(body.decode().replace(csrf, "0" * 32), kind) == 403
    for broken in (body[:-6], body.replace(b'name="do"', b"nothing"), body[20:], b""):
        assert sends(broken.decode(), kind) in (400, 403)
    assert sends(body.decode(), "multipart/form-data") == 400
    assert sends(body.decode(), f"{kind}x") == 400
    assert sends("x" * (4 * 2**20 + 1), kind) == 413
    # no other page takes files, or more than a form's worth
    elsewhere = browser.send("POST", RUNS, body.decode(), {"content-type": kind})
    assert elsewhere.status == 400
    long = browser.send("POST", RUNS, "x" * 70_000, {"content-type": "application/x-www-form-urlencoded"})
    assert long.status == 413


def test_a_file_without_a_reason_is_not_recorded(payday: Payday) -> None:
    sent(payday)
    file = a_statement(Entry(txs=[Tx(payday.of(HARBOUR).payout, "1250.00")]))

    page = handed_in(payday, file, why="")

    assert page.status == 422 and "Say why, in 3 to 500 characters" in text(page.body)
    assert payday.of(HARBOUR).status is PayoutStatus.SENT


# ------------------------------------------------------------------------------------------------------------ schedules


def test_a_schedule_is_made_and_changed_through_the_form(payday: Payday) -> None:
    browser = payday.signed_in(MAKER)
    path = f"{RUNS}/schedules"
    wish = {
        "schedule": "weekly-EUR", "cadence": "weekly", "time_zone": "Asia/Bangkok", "days_after": "1",
        "currency": "EUR", "minimums": "25.00 EUR", "cool_off_days": "3", "deadline_hours": "48", "remind_hours": "12",
        "confirm_days": "5", "paused": "no", "why": "Asked for by many",
    }  # fmt: skip

    made = browser.post(path, filled(browser.get(path), **wish))
    changed = browser.post(
        path, filled(browser.get(f"{path}?schedule=weekly-EUR"), **wish | {"days_after": "2", "why": "One day more"})
    )
    stands = PayoutSchedules(payday.table).get(payday.brand, "weekly-EUR")

    assert (made.status, made.location) == (303, f"{RUNS}?scheduled=weekly-EUR"), text(made.body)
    assert changed.status == 303
    assert (stands.days_after, dict(stands.minimums), stands.time_zone) == (2, {"EUR": 2_500}, "Asia/Bangkok")
    assert [each.days_after for each in payday.clockwork.set] == [1, 2]
    assert ("set_payout_schedule", payday.people[MAKER].member, "One day more") in audit(payday, payday.brand)
    assert "weekly-EUR" in text(browser.get(RUNS).body)


def test_a_schedule_is_told_with_amounts_and_taken_back_as_it_was_told(payday: Payday) -> None:
    machine, path = payday.machine(MAKER), f"{RUNS}/schedules"
    least = [{"amount": "50.00", "currency": "EUR"}]

    [row] = machine.get(RUNS).json["schedules"]
    read = machine.get(f"{path}?schedule={SCHEDULE}").json
    wish = {name: value for name, value in read.items() if name != "next_run"} | {"why": "Asked for by many"}
    more = [*least, {"amount": "7500", "currency": "JPY"}]
    changed = machine.post(path, wish | {"minimums": more}, as_json=True)

    assert row["schedule"]["minimums"] == read["minimums"] == row["next_run"]["minimums"] == least
    assert (changed.status, changed.json["minimums"]) == (200, more)
    stands = PayoutSchedules(payday.table).get(payday.brand, SCHEDULE)
    assert dict(stands.minimums) == {"EUR": 5_000, "JPY": 7_500}
    shown = payday.signed_in(MAKER).get(f"{path}?schedule={SCHEDULE}").body
    assert 'value="50.00 EUR, 7500 JPY"' in shown
    for wrong, code in (("7500.5", "too_many_decimals"), ("0", "bad_minimum"), ("1" * 61, "invalid")):
        said = [{"amount": wrong, "currency": "JPY"}]
        refused = machine.post(path, wish | {"seen": read["seen"], "minimums": said}, as_json=True)
        assert (refused.status, refused.json["code"]) == (422, code)


@pytest.mark.parametrize(("field", "value", "says"), [
    ("time_zone", "Middle/Earth", "There is no such time zone"),
    ("days_after", "0", "This is out of range"),
    ("days_after", "soon", "This does not fit here"),
    ("currency", "euro", "three capital letters"),
    ("minimums", "50 euros", "Write amounts above zero"),
    ("minimums", "5" * 90, "Write amounts above zero"),
    ("minimums", "0.00 EUR", "Write amounts above zero"),
    ("minimums", "1.001 EUR", "fewer decimals"),
    ("schedule", "1 monthly", "Begin with a letter"),
    ("why", "x", "Fill this in"),
])  # fmt: skip
def test_what_no_schedule_can_be_is_said_beside_the_field(waiting: Payday, field: str, value: str, says: str) -> None:
    browser = waiting.signed_in(MAKER)
    path = f"{RUNS}/schedules"
    wish = {
        "schedule": "monthly-USD", "cadence": "monthly", "time_zone": "UTC", "days_after": "2", "currency": "USD",
        "minimums": "", "cool_off_days": "3", "deadline_hours": "48", "remind_hours": "12", "confirm_days": "5",
        "why": "Asked for by many",
    }  # fmt: skip

    page = browser.post(path, filled(browser.get(path), **wish | {field: value}))

    assert page.status == 422
    found = re.search(rf'id="note-{field}">([^<]*)<', page.body)
    assert found and says in html.unescape(found[1])
    assert "Asked for by many" in page.body or field == "why"
    assert [each.schedule for each in PayoutSchedules(waiting.table).of_brand(waiting.brand)] == [SCHEDULE]


def test_a_schedule_that_somebody_else_changed_is_looked_at_again(payday: Payday) -> None:
    browser = payday.signed_in(MAKER)
    path = f"{RUNS}/schedules?schedule={SCHEDULE}"
    page = browser.get(path)
    read = payday.machine(MAKER).get(path).json
    other = {name: str(read[name]) for name in read if name not in ("seen", "next_run")} | {
        "minimums": "10.00 EUR",
        "why": "Less is enough",
    }
    assert browser.post(f"{RUNS}/schedules", filled(page, **other)).status == 303

    late = browser.post(
        f"{RUNS}/schedules", filled(page, **other | {"minimums": "90.00 EUR", "why": "More", "idempotency_key": ""})
    )

    assert late.status == 409
    assert "The schedule was changed meanwhile: look at it again below." in text(late.body)
    # what stands is shown, and not what was typed over it
    assert 'value="10.00 EUR"' in late.body


# ------------------------------------------------------------------------------------------------------------- in words


@pytest.mark.parametrize("code", CODES)
def test_each_page_is_there_in_each_language(waiting: Payday, code: str) -> None:
    browser = waiting.signed_in(CHECKER)
    browser.cookies["__Host-language"] = code
    paths = (
        RUNS, THERE, f"{THERE}/left-out", f"{THERE}/payouts/{waiting.of(PIPS).payout}",
        f"{RUNS}/schedules?schedule={SCHEDULE}", BANK_FILE,
        f"{RUNS}/{LAST_RUN}/batches/{waiting.batch(RailKind.SEPA, LAST_RUN).batch}",
    )  # fmt: skip

    pages = [browser.get(path) for path in paths]

    assert [page.status for page in pages] == [200] * len(paths)
    assert all(f'<html lang="{code}"' in page.body for page in pages)


def test_no_page_of_a_run_has_bank_details_in_clear(payday: Payday) -> None:
    sent(payday)
    take_outcome(payday.payouts, Outcome(payout=payday.of(HARBOUR).payout, state=PayoutStatus.PAID), NOW)
    bodies = [
        visitor.get(path).body
        for visitor in (payday.signed_in(CHECKER), payday.machine(CHECKER), payday.machine(CHECKER, "text/csv"))
        for path in (
            RUNS,
            THERE,
            *(f"{THERE}/batches/{each.batch}" for each in payday.payouts.batches(payday.brand, RUN)),
            *(f"{THERE}/payouts/{payday.of(name).payout}" for name in (HARBOUR, PIPS, LANTERN, GULF)),
        )
    ]  # fmt: skip

    for clear in (*IBANS, "kai@pips.example", "0331 2345", "5558 1111", "Robin Vale", "token of"):
        assert [body for body in bodies if clear in body] == []
