"""The step of onboarding through its function, and that all it asks of the tables its role allows, key by key."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.errors import Conflict, Invalid, NotFound, TooMany, Unavailable
from introducer.domain.sequence import ONBOARDING, execution_name
from introducer.store import keys
from introducer.store.sequences import Sequences
from tests.conftest import Tables
from tests.support import functions
from tests.support.onboarding import BRAND, OnboardingWorld
from tests.support.roles import Asked, allows, watched, written

pytestmark = pytest.mark.in_memory


class Stepping:
    """The function, over the tables of a test."""

    def __init__(self, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = OnboardingWorld(tables)
        self.partner = self.world.registers().partner
        self.asked = watched(monkeypatch)
        self.by_steps: Asked = set()
        self.started: dict[str, Any] = {}
        self.module = functions.load("onboarding")
        monkeypatch.setattr(self.module, "books", lambda: self.world.books)
        monkeypatch.setattr(self.module, "clock", SimpleNamespace(now=lambda: self.world.now))
        monkeypatch.setattr(self.module, "step_functions", lambda: None)
        monkeypatch.setattr(
            self.module.workflows, "Workflows",
            lambda client, machine: SimpleNamespace(
                start=lambda name, given: self.started.setdefault(name, SimpleNamespace(name=name, given=given))
            ),
        )  # fmt: skip

    def does(self, event: dict[str, Any]) -> Any:
        """What the function answers, and what it asked of the tables."""
        self.asked.clear()
        try:
            return self.module.handler(event, None)
        finally:
            self.by_steps.update(self.asked)

    def goes_on(self) -> Any:
        return self.does({"step": "go_on", "given": {"partner": self.partner, "sequence": ONBOARDING}})


@pytest.fixture
def stepping(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Stepping:
    return Stepping(tables, monkeypatch)


def test_all_that_the_step_asks_of_the_tables_its_role_allows(stepping: Stepping) -> None:
    # given a partner who walks all of it, with a link but no client
    world, kept = stepping.world, stepping.goes_on()
    assert (kept["over"], kept["wait"]) == (False, 3600)
    world.takes_a_link(stepping.partner)
    while not kept["over"]:
        world.later(seconds=kept["wait"])
        kept = stepping.goes_on()
    stepping.does({"machine": "arn"})

    # then there was nothing that the role forbids, and it was all kinds of things
    assert [each for each in sorted(stepping.by_steps) if not allows("OnboardingRole", *each)] == []
    partner = stepping.partner
    assert {pk for _, pk in written(stepping.by_steps)} == {
        keys.partition("walk", partner=partner), keys.partition("mail", of=partner),
        keys.partition("mail_text", brand=BRAND), keys.partition("audit", subject=partner),
    }  # fmt: skip
    # and it says how far the partner is, and nobody's name
    assert kept["told"] == {
        "partner": partner, "sequence": ONBOARDING, "status": "over: done",
        "sent": ["welcome", "first_click", "payment", "still_quiet"],
        "left_out": ["terms", "first_link", "first_deposit"],
        "page": f"/desk/sequences/onboarding/preview?partner={partner}",
    }  # fmt: skip


def test_a_goal_that_is_reached_is_counted_within_what_the_role_allows(stepping: Stepping) -> None:
    stepping.world.later(hours=1)
    told = stepping.goes_on()["told"]
    assert (told["sent"], told["next"], told["looks_again"]) == (["welcome"], "terms", "2026-11-03T10:00:00+00:00")
    stepping.world.takes_a_link(stepping.partner)
    stepping.world.brings_a_client(stepping.partner)
    assert stepping.goes_on()["told"]["status"] == "over: goal"
    assert [each for each in sorted(stepping.by_steps) if not allows("OnboardingRole", *each)] == []
    assert keys.partition("mail_figure", brand=BRAND) in {pk for _, pk in written(stepping.by_steps)}


@pytest.mark.parametrize(
    "item", ["balance", "partner", "member", "hold", "journal", "deal", "sequence", "case", "suppressed", "audit_link"]
)
def test_the_role_writes_nothing_else(item: str) -> None:
    assert not allows(
        "OnboardingRole", "dynamodb:PutItem", "Books", keys.ITEMS[item].pk.replace("{", "").replace("}", "")
    )


def test_the_wait_is_never_short_of_the_next_steps_time(stepping: Stepping) -> None:
    stepping.world.later(milliseconds=1)
    assert stepping.goes_on()["wait"] == 3600, "rounded up"


def test_the_sweep_starts_late_partners_executions(stepping: Stepping) -> None:
    assert stepping.does({"machine": "arn"}) == {"executions": []}
    stepping.world.later(hours=2)
    state = stepping.world.books.sequences.walk(stepping.partner, ONBOARDING)
    name = execution_name(state, "Amberfield Media")
    assert stepping.does({"machine": "arn"}) == {"executions": [name]}
    assert stepping.started[name].given["partner"] == stepping.partner


@pytest.mark.parametrize("given", [{}, {"partner": "par_1"}, {"partner": 1, "sequence": ONBOARDING}])
def test_an_input_without_its_parts_is_refused_with_what_is_missing(stepping: Stepping, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        stepping.does({"step": "go_on", "given": given})
    assert refused.value.code == "bad_input"


def test_a_partner_that_walks_nothing_is_not_found(stepping: Stepping) -> None:
    with pytest.raises(NotFound):
        stepping.does({"step": "go_on", "given": {"partner": "par_x", "sequence": ONBOARDING}})


def test_the_outbox_starts_a_beginning_once_and_tries_again_what_it_could_not(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the image of a partner's beginning, and a service that is down
    world = OnboardingWorld(tables)
    partner = world.registers().partner
    outbox = functions.load("outbox")
    [image] = [each for each in tables.items(tables.books) if outbox.begun_of_image(each)]
    record = {"eventID": "e", "dynamodb": {"NewImage": image, "SequenceNumber": "7"}}
    started: list[Any] = []
    fails: list[Exception] = [Unavailable("down"), TooMany("slowly")]

    def start(name: str, given: Any) -> str:
        if fails:
            raise fails.pop()
        started.append(given)
        return name

    outbox.__dict__["start"] = start
    outbox.__dict__["configuration"] = lambda: world.configuration

    # then it comes again until it is started
    for _ in range(2):
        assert outbox.handler({"Records": [record]}, None)["batchItemFailures"] == [{"itemIdentifier": "7"}]
    assert outbox.handler({"Records": [record]}, None)["batchItemFailures"] == []
    assert [each["partner"] for each in started] == [partner]

    # and one that failed too often holds up nobody
    fails.append(Conflict("50 times", code="failed_too_often"))
    assert outbox.handler({"Records": [record]}, None)["batchItemFailures"] == []

    # and what is further than its beginning is nothing to the outbox
    world.later(hours=1)
    world.steps(partner)
    state = Sequences(tables.books).walk(partner, ONBOARDING)
    assert state.version == 2 and world.now - state.started_at == timedelta(hours=1)
    assert [each for each in tables.items(tables.books) if outbox.begun_of_image(each)] == []
