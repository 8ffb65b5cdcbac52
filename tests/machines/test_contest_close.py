"""A contest through the real template: the state machine, its function, the engine, the clock, and the people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.contest import ContestStatus, Division, Every, Prize, PrizeKind, Series
from introducer.domain.contest_waits import execution_input, execution_name
from introducer.domain.mail import MailTemplate
from introducer.services.approve_contest import approve_contest
from introducer.services.cancel_contest import cancel_contest
from introducer.services.change_contest import change_contest, close_early, extend_contest
from introducer.services.decide_objection import decide_objection
from introducer.services.object_to_result import object_to_result
from introducer.store import keys
from introducer_ops.localcloud import Stack
from tests.support.contesting import Contesting
from tests.support.scenario import Scenario, eventually, the_stacks_account

pytestmark = pytest.mark.cloud

BEGAN = ["Take up the contest", "Wait for the start", "Look at the contest"]
RAN = [
    *BEGAN, "Start the contest", "Are all entered?", "Look at the contest", "Wait for the end", "Look at the contest",
]  # fmt: skip
COUNTED = [
    "Freeze the scores", "Divide the partners", "Count each batch from the facts", "Publish the provisional result",
    "Look at the contest", "Wait for objections", "Look at the contest",
]  # fmt: skip
PAID = ["Make the result final", "Pay the prizes", "Are all paid?", "Announce the result", "Archive the result",
        "Contest done"]  # fmt: skip


@pytest.fixture
def contesting(stack: Stack) -> Iterator[Contesting]:
    """A brand of some days ago; the stack's clock goes back afterwards."""
    before = stack.clock.offset
    with the_stacks_account(stack):
        try:
            yield Contesting(Scenario(stack, stack.clock.now() - timedelta(days=3)))
        finally:
            stack.clock.set(before)


def test_a_contest_runs_by_the_clock_from_its_approval_to_its_prizes(contesting: Contesting) -> None:
    # given three partners, and a contest that everybody takes part in
    first, second, third = (contesting.partner(name) for name in ("Amberfield", "Bluewater", "Copperhill"))
    contest = contesting.approved()
    name = execution_name(contest)
    assert re.fullmatch(r"winter-race-\d{8}-\w{6}-\d{4}T\d{6}", name)

    # when its time comes, and clients pay in
    contesting.passes(contest.starts_at)
    contest = contesting.waits(contest, ContestStatus.RUNNING)
    assert [mail.template.value for mail in contesting.mailed(third)] == ["contest_entered"]
    contesting.pays_in(second, "300.00", "50.00")
    [client] = contesting.pays_in(first, "100.00")

    # then the result is what the facts say that came in time, and everybody is told their own place
    contest = contesting.counted(contest)
    contesting.late(client, "9000.00", contest.starts_at + timedelta(hours=1))
    told = {partner: contesting.mailed(partner)[-1].values for partner in (first, second, third)}
    assert {partner: (each["place"], each["score"]) for partner, each in told.items()} == {
        second: (1, "350"), first: (2, "100"), third: (0, "0"),
    }  # fmt: skip
    assert contesting.balance(second) == 0

    # when nobody objects
    assert contest.objections_until is not None
    contesting.world.applied(client, 3)
    contesting.passes(contest.objections_until)

    # then prizes are paid, winners are told, and the result is in the archive
    ended = contesting.ended(contest)
    assert ended.status == "SUCCEEDED", ended.cause
    assert [contesting.balance(partner) for partner in (first, second, third)] == [200_00, 500_00, 0]
    done = contesting.contest(contest)
    assert done.status is ContestStatus.DONE
    archived = json.loads(contesting.archive.kept(done.brand, done.contest, done.archive))
    assert [each["partner"] for each in archived["results"]] == [second, first, third]
    assert [mail.template.value for mail in contesting.mailed(second)] == [
        "contest_entered", "contest_result", "contest_won",
    ]  # fmt: skip
    assert contesting.mailed(third)[-1].template is MailTemplate.CONTEST_FINAL
    assert ended.output is not None
    assert (ended.output["status"], ended.output["sha256"]) == ("done", done.archive)

    # and its history reads like a story, in which no partner is named
    assert contesting.story(contest) == [*RAN, *COUNTED, *PAID]
    history = json.dumps(contesting.events(name), default=str)
    assert not [secret for secret in (first, second, third, "Amberfield") if secret in history]

    # and starting it again is harmless
    again = contesting.workflows.start(f"{name}-by-hand", execution_input(done))
    by_hand = eventually("end", lambda: (e := contesting.workflows.latest(again.name)) and not e.is_running and e)
    assert contesting.told(again.name) == ["Take up the contest", "How far is it?", "Contest done"]
    assert by_hand.status == "SUCCEEDED"
    assert contesting.balance(second) == 500_00


def test_an_end_that_is_moved_while_it_is_waited_for_is_heard_at_once_and_told(contesting: Contesting) -> None:
    # given a contest that runs
    partner = contesting.partner("Amberfield")
    contest = contesting.running()
    given: dict[str, Any] = {"member": contesting.manager, "contest": contest.contest, "why": "More fun"}

    # when it is extended, and the old end passes
    extended = extend_contest(
        contesting.books, contesting.wake, version=contest.version, ends_at=contest.ends_at + timedelta(days=2),
        now=contesting.now, **given,
    )  # fmt: skip
    contest = contesting.waits(extended, ContestStatus.RUNNING)
    contesting.passes(contest.counts_until - timedelta(days=2))

    # then it runs still, and is closed early by a person
    closed = close_early(
        contesting.books, contesting.wake, version=contest.version, ends_at=contesting.now + timedelta(minutes=5),
        now=contesting.now, **given,
    )  # fmt: skip
    contest = contesting.waits(closed, ContestStatus.RUNNING)
    moved = [mail for mail in contesting.mailed(partner) if mail.template is MailTemplate.CONTEST_MOVED]
    assert [mail.values["why"] for mail in moved] == ["", "More fun"]

    # and is counted from its new end on
    contesting.pays_in(partner, "80.00")
    contest = contesting.counted(contest)
    assert contest.frozen_at is not None
    assert contest.frozen_at < extended.ends_at
    story = contesting.story(contest)
    assert story.count("Tell of the new time") == 2


def test_a_contest_that_is_cancelled_tells_everybody_and_the_next_of_its_series_goes_on(contesting: Contesting) -> None:
    # given the first contest of a series, with a result that waits for objections
    partner = contesting.partner("Amberfield")
    # (what comes again starts and ends by day, whatever time it is now)
    zone = "UTC" if 4 <= contesting.now.hour < 20 else "Asia/Tokyo"
    contest = contesting.running(series=Series(series="", number=1, every=Every.WEEK), time_zone=zone)
    contesting.pays_in(partner, "80.00")
    [following, _] = contesting.books.contests.of_brand(contest.brand).items
    contest = contesting.counted(contest)

    # when it is cancelled
    cancel_contest(
        contesting.books, contesting.wake, member=contesting.manager, contest=contest.contest,
        why="The platform was down", now=contesting.now,
    )  # fmt: skip

    # then its execution ends, and nothing is paid
    ended = contesting.ended(contest)
    assert ended.status == "SUCCEEDED", ended.cause
    assert contesting.story(contest)[-2:] == ["Tell of the cancellation", "Contest cancelled"]
    assert contesting.mailed(partner)[-1].values["why"] == "The platform was down"
    assert contesting.balance(partner) == 0

    # and the next one has been on its way since the first one's start
    assert following.series is not None
    assert (following.series.number, following.name) == (2, contest.name)
    assert contesting.workflows.latest(execution_name(following)) is not None


def test_what_broke_in_the_recount_is_counted_when_it_is_started_again(contesting: Contesting) -> None:
    # given a contest with a fact that nobody can fold: a deposit without an amount
    partner = contesting.partner("Amberfield")
    contest = contesting.running()
    [client] = contesting.pays_in(partner, "80.00")
    dynamodb, table = contesting.world.stack.client("dynamodb"), contesting.world.stack.outputs["FactsTableName"]
    pk = keys.partition("event", brand=contest.brand, client=contesting.world.client_key(client))
    found = dynamodb.query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}}
    )["Items"]
    broken = next(item for item in found if item["type"]["S"] == "deposit")
    # Readers of the stream can read it still: they count events, and do not fold them.
    dynamodb.put_item(TableName=table, Item={name: value for name, value in broken.items() if name != "amount"})

    # when it is to be counted
    contesting.passes(contest.counts_until)

    # then it stops, says so, and nothing is published
    ended = contesting.ended(contest)
    assert ended.status == "FAILED"
    assert ended.cause.startswith("Start it again: it goes on where it stopped.")
    assert contesting.contest(contest).status is ContestStatus.COUNTING

    # when that is put right, and it is started again
    dynamodb.put_item(TableName=table, Item=broken)
    assert contesting.start(execution_name(contest), execution_input(contest)) == f"{execution_name(contest)}-r2"

    # then it counts, and nobody waits for what was waited for before
    contest = contesting.waits(contest, ContestStatus.PROVISIONAL)
    assert contesting.mailed(partner)[-1].values["place"] == 1
    assert contesting.story(contest, "-r2") == ["Take up the contest", *COUNTED[:-1]]


def test_an_objection_holds_the_prizes_until_somebody_answers_it(contesting: Contesting) -> None:
    # given a provisional result to which somebody objects
    partner = contesting.partner("Amberfield")
    contest = contesting.running()
    contesting.pays_in(partner, "80.00")
    contest = contesting.counted(contest)
    assert contest.objections_until is not None
    at = contesting.now
    object_to_result(
        contesting.books, member=contesting.member("owner", Role.OWNER, partner), contest=contest.contest,
        text="One client is missing", now=at,
    )  # fmt: skip

    # when the time for objections is over, and another day
    reminded = []
    for day in range(2):
        contesting.passes(contest.objections_until + timedelta(days=day))
        contest = contesting.waits(contest, ContestStatus.PROVISIONAL)
        reminded.append(contesting.mailed(contest.brand)[-1].values.get("reminder"))

    # then who plans contests is reminded each day
    assert reminded == [1, 2]
    assert contesting.balance(partner) == 0

    # when somebody answers, then the prizes are paid
    [objection] = contesting.books.results.objections(contest.contest)
    decide_objection(
        contesting.books, contesting.wake, member=contesting.manager, contest=contest.contest, partner=partner,
        at=objection.at, upheld=False, why="It came a day later", now=contesting.now,
    )  # fmt: skip
    ended = contesting.ended(contest)
    assert ended.status == "SUCCEEDED", ended.cause
    assert contesting.balance(partner) == 500_00
    assert contesting.story(contest).count("Remind of objections") == 2


def test_a_contest_that_is_to_cost_something_else_waits_for_another_approval(contesting: Contesting) -> None:
    # given a planned contest
    contesting.partner("Amberfield")
    contest = contesting.approved()

    # when its prizes are changed
    prizes = (Prize(kind=PrizeKind.FIXED, first=1, last=1, amount=900_00),)
    changed = change_contest(
        contesting.books, contesting.wake, member=contesting.manager, contest=contest.contest, version=contest.version,
        changes=replace(contest, divisions=(Division(name="", prizes=prizes),)), why="More for one", now=contesting.now,
    )  # fmt: skip

    # then the execution of the first approval ends
    assert changed.status is ContestStatus.DRAFT
    name = execution_name(contest)
    ended = eventually("end", lambda: (e := contesting.workflows.latest(name)) and not e.is_running and e)
    assert ended.status == "SUCCEEDED"
    assert contesting.told(name)[-1] == "It is a draft again"

    # when it is approved again, then another execution waits for the start
    contesting.advance(seconds=5)
    again = approve_contest(
        contesting.books, contesting.start, member=contesting.finance, contest=contest.contest,
        version=changed.version, now=contesting.now,
    )  # fmt: skip
    contest = contesting.waits(again, ContestStatus.PLANNED)
    assert execution_name(contest) != name
    contesting.passes(contest.starts_at)
    contesting.waits(contest, ContestStatus.RUNNING)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"contest": "ctt_nothing"}, "There is no such contest."), ({"brand": "brd_1"}, "contest must be a text")],
)
def test_an_execution_with_a_wrong_input_fails_with_a_sentence(
    contesting: Contesting, wrong: dict[str, Any], said: str
) -> None:
    name = f"wrong-{contesting.world.brand}"
    contesting.workflows.start(name, wrong)
    found = eventually("end", lambda: (e := contesting.workflows.latest(name)) and not e.is_running and e)
    assert (found.status, found.cause[: len(said)]) == ("FAILED", said)
