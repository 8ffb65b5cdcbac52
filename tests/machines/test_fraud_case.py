"""A case through the real template: the state machine, its function, the clock, and the people on both sides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.case import CLOCK, Case, CaseStatus, execution_name
from introducer.domain.errors import Unavailable
from introducer.domain.events import day_of
from introducer.domain.ledger import AVAILABLE
from introducer.domain.mail import MailTemplate
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout import PayoutStatus
from introducer.store import keys
from introducer_ops.localcloud import Stack
from tests.support.casing import Casing
from tests.support.paying import Paying
from tests.support.scenario import Scenario, eventually, the_stacks_account

pytestmark = pytest.mark.cloud

HOUR, DAY = 3600, 86_400


@pytest.fixture
def casing(stack: Stack) -> Iterator[Casing]:
    """A brand of some days ago; the stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Casing(Scenario(stack, stack.clock.now() - timedelta(days=3)))
        finally:
            stack.clock.set(before)


def advance(casing: Casing, days: float) -> None:
    casing.world.stack.clock.advance(days * DAY)


def story(casing: Casing, case: Case, run: str = "") -> list[str]:
    """Which states an execution of the case entered, each named once, in the order of the first time."""
    told = casing.told(execution_name(case) + run)
    return [name for at, name in enumerate(told) if name not in told[:at] and name not in OF_THE_ENGINE]


OF_THE_ENGINE = ("Has it posted all?", "Wait for the engine")
"""How often it is looked, the machine's speed decides."""
CARRIED_OUT = ["Carry out the verdict", "Look at the engine", "Give the money back", "Is all of it free?",
               "May the partner appeal?"]  # fmt: skip
CLOSED = ["Close the case", "Is it closed?", "Case closed"]
HELD = ["Hold the money in question", "How far is the case?"]


def test_a_case_holds_the_money_in_question_alone_and_a_release_gives_it_back(casing: Casing) -> None:
    # given two clients who brought money
    partner, clients = casing.partner(odd="200.00", fine="50.00")
    assert casing.balance(partner) == {"pending": 125_00}

    # when a manager opens a case about one
    case = casing.opens(partner, clients["odd"])

    # then what that one earned is held, both sides are told, and an execution named for people waits
    waiting = casing.waits(case)
    assert casing.balance(partner) == {"pending": 25_00, "held": 100_00}
    assert re.fullmatch(r"amberfield-media-opened-by-hand-\d{8}-\w{6}", waiting.execution)
    [told] = casing.mailed(partner)
    assert (told.template, told.values["held"]) == (MailTemplate.CASE_OPENED, [{"minor": 100_00, "currency": "EUR"}])
    assert [mail.template for mail in casing.mailed(casing.world.brand)] == [MailTemplate.CASE_OPENED]

    # when it is released
    casing.decides(case, disallow=False)

    # then the execution ends, and all is as it was before
    ended = casing.ended(case)
    assert ended.status == "SUCCEEDED", ended.cause
    assert casing.balance(partner) == {"pending": 125_00}
    found = casing.case(case)
    assert (found.status, found.is_closed, found.holds) == (CaseStatus.RELEASED, True, {})
    assert [mail.template.value for mail in casing.mailed(partner)] == ["case_opened", "case_decided"]
    assert ended.output == {
        "partner": partner, "name": "Amberfield Media", "case": case.case, "status": "closed", "found_by": "a person",
        "clients": 1, "holds": {}, "stops_payouts": False, "page": f"/desk/cases/{partner}/{case.case}",
        "decided_by": "mem_manager", "reason": None,
    }  # fmt: skip

    # and its history reads like a story, in which nobody but the partner is named
    assert story(casing, case) == [*HELD, "Wait for a verdict", *CARRIED_OUT, *CLOSED]
    history = json.dumps(casing.events(waiting.execution), default=str)
    assert not [secret for secret in (*clients.values(), "resemble", "Looked at") if secret in history]
    assert max(len(json.dumps(event, default=str)) for event in casing.events(waiting.execution)) < 4_000

    # and starting it again is harmless
    again = casing.workflows.start(f"{waiting.execution}-by-hand", given(case))
    by_hand = eventually("end", lambda: (e := casing.workflows.latest(again.name)) and not e.is_running and e)
    assert by_hand.output == ended.output
    assert casing.told(again.name) == [*HELD, "Case closed"]


def given(case: Case) -> dict[str, str]:
    """What an execution of a case is started with."""
    return {"brand": case.brand, "partner": case.partner, "case": case.case, "name": case.name}


def test_a_disallow_takes_back_what_the_client_earned_and_the_sum_is_what_the_others_did(casing: Casing) -> None:
    # given a case about one of two clients
    partner, clients = casing.partner(odd="200.00", fine="50.00")
    case = casing.waits(casing.opens(partner, clients["odd"]))

    # when it is decided that this one earns nothing
    casing.decides(case, disallow=True, why="Three of them do not exist")

    # then the clawback stands beside what was held, and the partner is told until when it may appeal
    may_appeal = casing.waits(case, CaseStatus.DISALLOWED)
    assert casing.balance(partner) == {"pending": 25_00}
    assert sum(casing.balance(partner).values()) == 25_00
    assert may_appeal.appeal_by is not None
    decided = casing.mailed(partner)[-1]
    assert (decided.template, decided.values["code"]) == (MailTemplate.CASE_DECIDED, "fake_registrations")

    # when nobody appeals in time
    advance(casing, 14)

    # then the case is closed, and both are told
    ended = casing.ended(case)
    assert ended.status == "SUCCEEDED", ended.cause
    assert casing.case(case).is_closed
    assert story(casing, case) == [
        *HELD, "Wait for a verdict", *CARRIED_OUT, "Wait for an appeal", "Look for an appeal",
        "Did the partner appeal?", *CLOSED,
    ]  # fmt: skip
    assert [mail.template.value for mail in casing.mailed(partner)] == ["case_opened", "case_decided", "case_closed"]
    assert casing.balance(partner) == {"pending": 25_00}


def test_nobody_decides_so_staff_are_reminded_it_is_escalated_and_then_the_clock_releases_it(casing: Casing) -> None:
    # given a case that waits
    partner, clients = casing.partner(odd="200.00")
    case = casing.waits(casing.opens(partner, clients["odd"]))

    # when nobody decides for two days, and for two more
    for number in (1, 2):
        advance(casing, 2)
        eventually(f"reminder {number}", lambda wanted=number: casing.case(case).reminders == wanted)

    # then it is escalated after the seventh
    advance(casing, 3)
    escalated = casing.waits(case, CaseStatus.ESCALATED)
    assert casing.balance(partner) == {"held": 100_00}
    assert [mail.template.value for mail in casing.mailed(partner)] == ["case_opened", "case_escalated"]

    # and after seven more days the clock gives the money back
    advance(casing, 7)
    ended = casing.ended(case)
    assert ended.status == "SUCCEEDED", ended.cause
    found = casing.case(case)
    assert found.verdict is not None
    assert (found.status, found.verdict.by) == (CaseStatus.RELEASED, CLOCK)
    assert found.verdict.at >= escalated.escalate_by
    assert casing.balance(partner) == {"pending": 100_00}
    assert casing.mailed(partner)[-1].values["by"] == "clock"
    told = casing.told(execution_name(case))
    assert told.count("Time to remind") == 4
    assert [name for name in told if name.startswith("Nobody")] == [
        "Nobody decided: escalate",
        "Nobody decided: release",
    ]


@pytest.mark.parametrize("who", ["a person upholds", "a person overturns", "the clock"])
def test_an_appeal_is_decided_by_another_person_or_by_the_clock_for_the_partner(casing: Casing, who: str) -> None:
    # given a client that was disallowed
    partner, clients = casing.partner(odd="200.00", fine="50.00")
    case = casing.waits(casing.opens(partner, clients["odd"]))
    casing.decides(case, disallow=True)
    case = casing.waits(case, CaseStatus.DISALLOWED)

    # when the partner appeals
    casing.appeals(case)
    appealed = casing.waits(case, CaseStatus.APPEALED)
    assert casing.mailed(casing.world.brand)[-1].values["said"] == "They came to our stand"

    # and another person decides, or nobody
    if who == "the clock":
        advance(casing, 2)
        eventually("reminder", lambda: casing.case(case).reminders == 1)
        advance(casing, 5)
    else:
        casing.decides_appeal(appealed, uphold=who == "a person upholds")

    # then the verdict stands, or the client has earned again what it had
    ended = casing.ended(case)
    assert ended.status == "SUCCEEDED", ended.cause
    found, upheld = casing.case(case), who == "a person upholds"
    assert found.status is (CaseStatus.UPHELD if upheld else CaseStatus.OVERTURNED)
    assert sum(casing.balance(partner).values()) == (25_00 if upheld else 125_00)
    told = story(casing, case)
    assert told[len(HELD) + 6 :][:4] == [
        "Wait for an appeal", "Did the partner appeal?", "Take up the appeal", "Wait for the verdict on the appeal",
    ]  # fmt: skip
    assert ("Nobody decided: the appeal is right" in told) is (who == "the clock")
    assert casing.mailed(partner)[-1].values["outcome"] == found.status.value


def test_what_broke_in_the_middle_goes_on_when_it_is_started_again(casing: Casing) -> None:
    # given a case that was decided, whose partner cannot be read any more
    partner, clients = casing.partner(odd="200.00")
    case = casing.opens(partner, clients["odd"])
    token = casing.waits(case).token
    casing.decides(case, disallow=True, wake=lambda token, output: False)
    client, table = casing.world.stack.client("dynamodb"), casing.world.stack.outputs["BooksTableName"]
    key = {name: {"S": part} for name, part in keys.key("partner", partner=partner).item().items()}
    profile = client.get_item(TableName=table, Key=key)["Item"]
    client.delete_item(TableName=table, Key=key)

    # when the execution goes on
    assert casing.wake(token, {"decision": "disallowed"})

    # then it stops and says why, with the money still held
    ended = casing.ended(case)
    assert (ended.status, ended.cause) == ("FAILED", "There is no such partner.")
    assert casing.balance(partner)["held"] == 100_00

    # when that is put right, and the daily sweep comes by
    client.put_item(TableName=table, Item=profile)
    assert casing.starts(case).execution == f"{execution_name(case)}-r2"

    # then it asks nobody again, and finishes
    casing.goes_on(case, "time to appeal", lambda: casing.case(case).appeal_by)
    advance(casing, 14)
    assert casing.ended(case).status == "SUCCEEDED"
    assert casing.balance(partner) == {}
    assert story(casing, case, "-r2")[:3] == [*HELD, "Carry out the verdict"]


def test_a_decision_that_came_before_anybody_waited_is_heard(casing: Casing) -> None:
    # given a case whose execution could not be started, and which was decided since
    def cannot(name: str, given: Mapping[str, str]) -> str:
        raise Unavailable("Not now.")

    partner, clients = casing.partner(odd="200.00")
    case = casing.opens(partner, clients["odd"], start=cannot)
    assert case.execution == ""
    casing.decides(case, disallow=False)
    assert casing.balance(partner) == {"held": 100_00}

    # when the sweep starts it
    casing.starts(case)

    # then it does what was decided
    assert casing.ended(case).status == "SUCCEEDED"
    assert casing.balance(partner) == {"pending": 100_00}
    assert story(casing, case) == [*HELD, *CARRIED_OUT, *CLOSED]


def test_money_in_a_payout_that_has_not_left_stops_it_and_is_taken_back_once_it_is_set_aside(casing: Casing) -> None:
    # given a partner whose money of long ago is reserved in a run that waits for its approval
    # (All tests of this process share the rates: what is to come must not be known in them.)
    stack = casing.world.stack
    advance(casing, -75)
    casing = Casing(Scenario(stack, stack.clock.now() - timedelta(days=3)))
    partner, clients = casing.partner(odd="200.00", fine="50.00")
    advance(casing, 75)
    paying = Paying(casing.world)
    paying.ready()
    paying.verified(partner)
    paying.paid_to(partner, Destination(rail=RailKind.MANUAL, currency="EUR", holder="Amberfield Media", country="DE",
                                        instructions="Account 12345678 at Example Bank"))  # fmt: skip
    run = paying.start().run
    paying.waits(run)
    assert casing.balance(partner) == {"reserved": 125_00}

    # when a case is opened, and the client disallowed
    case = casing.waits(casing.opens(partner, clients["odd"]))
    assert case.stop
    casing.decides(case, disallow=True)

    # then the payout is waited for: it has what is taken back
    casing.goes_on(case, "wait", lambda: casing.told(case.execution)[-1] == "Wait for the payout")
    assert sum(casing.balance(partner).values()) == 25_00
    assert casing.case(case).stop

    # when the run is approved all the same
    paying.decide(run, approve=True)

    # then nothing of it leaves, and what the other client earned is free to be paid
    casing.waits(case, CaseStatus.DISALLOWED)
    assert paying.of_run(run)[partner].status is PayoutStatus.SET_ASIDE
    balance = casing.world.ledger.balance(partner)
    assert balance.bucket("EUR", AVAILABLE, day_of(casing.now)) == sum(casing.balance(partner).values()) == 25_00
    assert not casing.case(case).stop


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"partner": "par_nobody", "case": "cas_nothing"}, "There is no such case."),
        ({"brand": "brd_1"}, "partner and case must be texts"),
    ],
)
def test_an_execution_with_a_wrong_input_fails_with_a_sentence(
    casing: Casing, wrong: dict[str, Any], said: str
) -> None:
    name = f"wrong-{casing.world.brand}"
    casing.workflows.start(name, wrong)
    found = eventually("end", lambda: (e := casing.workflows.latest(name)) and not e.is_running and e)
    assert (found.status, found.cause[: len(said)]) == ("FAILED", said)
