"""The steps of contests through their function, and that all they ask of the tables their role allows, key by key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.configuration import Status
from introducer.domain.contest import Contest, ContestStatus, Every, Series
from introducer.domain.contest_waits import execution_input, execution_name
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.mail import MailTemplate
from introducer.services.cancel_contest import cancel_contest
from introducer.services.change_contest import extend_contest
from introducer.services.object_to_result import object_to_result
from introducer.store import keys
from tests.conftest import Tables
from tests.support import functions
from tests.support.builders import BRAND
from tests.support.contest_builders import an_owner, fixed, gift
from tests.support.contests import CONTEST, ENDS, MANAGER, STARTS, ContestWorld, a_contest
from tests.support.roles import Asked, allows, watched, written

pytestmark = pytest.mark.in_memory

PARTNERS = ("par_a", "par_b", "par_c")


class Stepping:
    """The function, over the tables of a test."""

    def __init__(self, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = ContestWorld(tables)
        self.world.partners(*PARTNERS)
        self.world.now = STARTS - timedelta(hours=1)
        books = replace(self.world.books, contracts=self.world.reader)
        self.asked = watched(monkeypatch)
        self.by_steps: Asked = set()
        self.woken: list[str] = []
        self.started: dict[str, Any] = {}
        self.module = functions.load("contests")
        monkeypatch.setattr(self.module, "books", lambda: books)
        monkeypatch.setattr(self.module, "clock", SimpleNamespace(now=lambda: self.world.now))
        monkeypatch.setattr(self.module, "step_functions", lambda: None)
        monkeypatch.setattr(self.module, "archive", lambda: self.world.archive)
        monkeypatch.setattr(self.module.workflows, "answer", lambda client, token, said: self.woken.append(token))
        monkeypatch.setattr(
            self.module.workflows, "Workflows",
            lambda client, machine: SimpleNamespace(
                start=lambda name, given: self.started.setdefault(name, SimpleNamespace(name=name))
            ),
        )  # fmt: skip

    def does(self, step: str, token: str = "", **given: Any) -> Any:
        """A step, and what it asked of the tables."""
        self.asked.clear()
        event = {"step": step, "given": {"contest": CONTEST} | given, "token": token, "machine": "arn"}
        try:
            return self.module.handler(event, None)
        finally:
            self.by_steps.update(self.asked)

    def looks(self, **given: Any) -> Any:
        return self.does("look", **given)

    def waits(self, step: str, token: str) -> None:
        self.does(step, token=token, until=self.looks()["until"])


@pytest.fixture
def stepping(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Stepping:
    return Stepping(tables, monkeypatch)


def planned(world: ContestWorld, **settings: Any) -> Contest:
    contest = a_contest(
        fixed(1, 300_00), fixed(2, 100_00), gift(1, "A weekend in Lisbon"), status=ContestStatus.PLANNED,
        opt_in=False, **settings,
    )  # fmt: skip
    return world.contest(contest)


def test_all_that_steps_ask_of_the_tables_their_role_allows(stepping: Stepping) -> None:
    # given a contest of a series that nobody has to join
    world = stepping.world
    first = planned(world, series=Series(series=CONTEST, number=1, every=Every.MONTH))
    assert stepping.looks()["stage"] == "before"
    stepping.waits("wait_for_start", "t1")

    # when it is walked: begun, scored in, frozen, counted
    world.until(STARTS)
    assert stepping.looks()["stage"] == "start"
    assert stepping.does("start_contest", cursor="")["cursor"] == ""
    [following] = stepping.started
    assert following.startswith("november-sprint-2026")
    assert following != execution_name(first)
    stepping.waits("wait_for_end", "t2")
    for number, partner in enumerate(["par_a", "par_a", "par_b", "par_c"]):
        world.client(f"c{number}", partner, f"2026-11-0{number + 2}")
    world.stands("par_c", Status.SUSPENDED, world.now)
    world.until(first.counts_until)
    since = stepping.does("freeze_contest")["since"]
    world.later(minutes=5)
    assert stepping.does("look_at_engine", since=since)["done"]
    batches = stepping.does("divide")["batches"]
    assert [stepping.does("count_batch", batch=batch)["clients"] for batch in batches] == [4]

    # and published, objected to by somebody whom nobody answers, paid, and archived
    stepping.does("publish_result")
    stepping.waits("wait_for_objections", "t3")
    object_to_result(world.books, member=an_owner("par_b"), contest=CONTEST, text="One is missing", now=world.now)
    world.until(stepping.world.found.objections_until)
    assert stepping.looks()["stage"] == "remind"
    assert stepping.does("remind")["reminded"] == 1
    assert stepping.looks(reminded=1)["stage"] == "objections"
    world.later(days=7)
    assert stepping.looks(reminded=1)["stage"] == "finish"
    since = stepping.does("finish_result")["since"]
    paid = stepping.does("pay_prizes", since=since)
    assert (paid["told"]["paid_now"], paid["left"]) == (3, 0)
    stepping.does("announce_contest")
    assert stepping.does("archive_contest")["told"]["sha256"] == world.found.archive
    assert stepping.looks()["stage"] == "done"

    # then there was nothing that the role forbids, and it was all kinds of things
    assert world.prizes() == {"par_a": 300_00, "par_b": 100_00}
    assert [each for each in sorted(stepping.by_steps) if not allows("ContestsRole", *each)] == []
    of_contest = ("contest", "recount", "set_aside", "objection")
    assert written(stepping.by_steps) >= {
        *(("Books", keys.partition(name, contest=CONTEST)) for name in of_contest),
        ("Books", keys.partition("contest_window", brand=BRAND)), ("Books", keys.partition("mail", of=BRAND)),
        ("Books", keys.partition("balance", partner="par_a")), ("Books", keys.partition("award", partner="par_a")),
        ("Books", keys.partition("mail", of="par_c")), ("Books", keys.partition("audit", subject=CONTEST)),
        ("Books", keys.partition("journal", partner="par_a", month="202611")),
    }  # fmt: skip
    assert not [table for table, _ in written(stepping.by_steps) if table == "Facts"]


@pytest.mark.parametrize(
    ("action", "item", "values"),
    [
        ("PutItem", "payout", {"brand": "b", "run": "r", "payout": "p"}),
        ("PutItem", "payout_journal", {"partner": "p", "payout": "x", "step": "1"}),
        ("PutItem", "case_journal", {"partner": "p", "case": "c", "number": "1"}),
        ("PutItem", "case", {"partner": "p", "case": "c"}),
        ("PutItem", "hold", {"partner": "p", "hold": "h"}),
        ("PutItem", "deal", {"partner": "p", "version": "1"}),
        ("PutItem", "partner", {"partner": "p"}),
        ("PutItem", "brand", {"brand": "b"}),
        ("PutItem", "payment_profile", {"partner": "p"}),
        ("UpdateItem", "contest", {"contest": "c"}),
        ("UpdateItem", "award", {"partner": "p", "contest": "c", "number": "1"}),
        ("UpdateItem", "journal", {"partner": "p", "month": "202611", "journal": "j"}),
        ("DeleteItem", "contest", {"contest": "c"}),
    ],
)
def test_what_is_none_of_their_business_they_may_not_write(action: str, item: str, values: dict[str, str]) -> None:
    assert not allows("ContestsRole", f"dynamodb:{action}", "Books", keys.key(item, **values).pk)


def test_what_changes_before_an_execution_waits_wakes_it(stepping: Stepping) -> None:
    # given an execution that looked, and a contest that is extended before it waits
    world = stepping.world
    contest = world.contest(a_contest(), *PARTNERS)
    seen = stepping.looks()
    assert not seen["moved"]
    extend_contest(
        world.books, lambda token, said: False, member=MANAGER, contest=CONTEST, version=contest.version,
        ends_at=ENDS + timedelta(days=1), why="More fun", now=world.now,
    )  # fmt: skip

    # when it waits, then it is woken at once, looks again, and tells who takes part
    stepping.does("wait_for_end", token="t1", until=seen["until"])
    assert stepping.woken == ["t1"]
    again = stepping.looks(times=seen["times"])
    assert again["moved"]
    assert stepping.does("tell_moved")["told"]["mails"] == len(PARTNERS)
    assert not stepping.looks(times=again["times"])["moved"]
    stepping.does("wait_for_end", token="t2", until=again["until"])
    assert stepping.woken == ["t1"]


def test_a_step_of_a_contest_that_people_changed_meanwhile_has_the_machine_look_again(stepping: Stepping) -> None:
    world = stepping.world
    world.contest(a_contest(), *PARTNERS)
    # It was extended when it was about to be frozen.
    with pytest.raises(Conflict) as raised:
        stepping.does("freeze_contest")
    assert type(raised.value).__name__ == "ContestChanged"
    # It was cancelled while it was counted.
    world.freezes()
    [batch] = stepping.does("divide")["batches"]
    cancel_contest(
        world.books, lambda token, said: True, member=MANAGER, contest=CONTEST, why="The platform was down",
        now=world.now,
    )  # fmt: skip
    for step in ("freeze_contest", "finish_result"):
        with pytest.raises(Conflict) as raised:
            stepping.does(step)
        assert type(raised.value).__name__ == "ContestChanged"
    # There is nothing to count any more, the batches of a map end, and whoever comes after them sees it.
    assert stepping.does("divide")["batches"] == []
    assert stepping.does("count_batch", batch=batch) == {"clients": 0}
    assert stepping.looks()["stage"] == "cancelled"
    assert stepping.does("tell_cancelled")["told"]["mails"] == len(PARTNERS)
    last = world.books.mails.mails("par_a")[0]
    assert (last.template, last.values["why"]) == (MailTemplate.CONTEST_CANCELLED, "The platform was down")


def test_whoever_is_too_early_is_tried_again_and_what_is_wrong_is_said(stepping: Stepping) -> None:
    world = stepping.world
    world.contest(a_contest(), *PARTNERS)
    events = world.client("c1", "par_a", "2026-11-03", accepted=world.now)
    world.freezes()
    # The engine has two events to apply yet: of that it is asked for a month.
    world.later(minutes=5)
    since = world.now.isoformat()
    assert not stepping.does("look_at_engine", since=since)["done"]
    assert stepping.does("look_at_engine", since=since)["wait"] == 5
    with pytest.raises(Conflict, match="has not applied in 30 days"):
        stepping.does("look_at_engine", since=(world.now - timedelta(days=30)).isoformat())
    world.applies(*events)
    assert stepping.does("look_at_engine", since=since)["done"]
    for wrong, error in (({"contest": ""}, Invalid), ({"contest": "ctt_nothing"}, NotFound)):
        with pytest.raises(error):
            stepping.looks(**wrong)


def test_a_contest_that_is_late_gets_an_execution_and_one_that_waits_does_not(stepping: Stepping) -> None:
    # given one that should have started an hour ago, and one of next month
    world = stepping.world
    late = planned(world)
    planned(world, contest="ctt_2", starts_at=STARTS + timedelta(days=30), ends_at=STARTS + timedelta(days=40))
    world.until(STARTS + timedelta(hours=1))
    stepping.asked.clear()
    # when the schedule comes by
    told = stepping.module.handler({"machine": "arn"}, None)
    # then that one is started under the name that it had
    assert told == {"executions": [execution_name(late)]}
    assert [each for each in sorted(stepping.asked) if not allows("ContestsRole", *each)] == []


def test_an_execution_is_told_what_people_may_read(stepping: Stepping) -> None:
    contest = planned(stepping.world)
    told = stepping.looks(**execution_input(contest))["told"]
    assert told == {
        "contest": CONTEST, "name": "November sprint", "status": "planned", "starts_at": "2026-11-01T00:00:00+00:00",
        "ends_at": "2026-11-15T00:00:00+00:00", "counts_until": "2026-11-16T00:00:00+00:00",
        "page": f"/desk/contests/{CONTEST}",
    }  # fmt: skip
