"""The rates function: it brings the bank's figures, keeps what it has, and sends on what waited for them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.domain.configuration import Attribution
from introducer.domain.events import Event, milliseconds
from introducer.runtime.observability import logger, metrics
from introducer.services.apply_events import Engine
from introducer.services.read_contracts import ContractReader
from introducer.services.wait_for_rates import QUIET, note_wait
from introducer.store.accruals import Accruals
from introducer.store.clients import Clients
from introducer.store.facts import Facts
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore, RateWaits
from introducer_ops.localcloud import Stack, expanding
from tests.conftest import Tables
from tests.support.bank import Server, a_bank, sending
from tests.support.builders import BRAND, CLICK_KEY, CLIENT, SOURCE, a_click, an_event, at, revshare, terms
from tests.support.functions import load
from tests.support.posting import log_of

PARTNER = "par_p"
DAYS = {
    "2026-02-26": {"USD": "1.1802"},
    "2026-02-27": {"USD": "1.1805"},
    "2026-03-02": {"USD": "1.2000", "JPY": "184.00"},
    "2026-03-03": {"USD": "1.2500"},
}


def until(day: str) -> dict[str, dict[str, str]]:
    """What is published up to a day."""
    return {each: rates for each, rates in DAYS.items() if each <= day}


@dataclass
class World:
    """The function over real tables, a bank, a clock that stands, and an engine that notes what waits."""

    app: ModuleType
    bank: Server
    tables: Tables
    capture: Any
    service: str
    time: datetime = field(default_factory=lambda: at("2026-03-02 15:05"))

    def __post_init__(self) -> None:
        self.facts, self.rates = Facts(self.tables.facts), RateStore(self.tables.books)
        self.waits, self.ledger = RateWaits(self.tables.books), Ledger(self.tables.books)

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return 0.0

    def known(self, day: str, first: str = "2026-02-26") -> None:
        """The books have the days from `first` to this one."""
        each = at(first)
        while (text := f"{each:%Y-%m-%d}") <= day:
            self.rates.put_day("ECB", text, DAYS.get(text, {}))
            each += timedelta(days=1)

    def run(self, when: str | None = None) -> dict[str, Any]:
        """The schedule fires."""
        self.time = at(when) if when else self.time
        self.capture.readouterr()
        found: dict[str, Any] = self.app.handler({}, None)
        return found

    def metrics(self) -> dict[str, float]:
        """What the last run counted."""
        lines = [json.loads(line) for line in self.capture.readouterr().out.splitlines() if "_aws" in line]
        return {name: sum(value) for line in lines for name, value in line.items() if isinstance(value, list)}

    def engine(self) -> Engine:
        """A new container of the engine: links, deal and click key stand, rates come from the books."""
        version = SimpleNamespace(
            partner=PARTNER,
            version=1,
            valid_from=at("2026-01-01"),
            accepted_at=at("2025-12-31"),
            terms=json.dumps(terms(revshare("50"), net_revenue={"commission": "1"})),
        )
        configuration: Any = SimpleNamespace(
            link=lambda code: SimpleNamespace(partner=PARTNER, campaign="cmp_1", brand=BRAND),
            campaign=lambda brand, campaign: SimpleNamespace(window_days=30, attribution=Attribution.LAST_CLICK),
            deals=lambda partner: [version],
            standings=lambda partner: [],
            parentings=lambda partner: [],
            attributions=lambda brand, campaign: [],
        )
        contracts = ContractReader(
            configuration, self.rates, lambda: {0: CLICK_KEY}, lambda: 0.0, lambda: f"{self.time:%Y-%m-%d}"
        )
        return Engine(
            facts=self.facts,
            clients=Clients(self.tables.books),
            ledger=self.ledger,
            accruals=Accruals(self.tables.facts, self.tables.books),
            contracts=contracts,
            now_ms=lambda: milliseconds(self.time),
            pause=lambda attempt: None,
            report=lambda event, error: note_wait(self.waits, event, error, self.time),
        )

    def post(self, *events: Event) -> int:
        """The platform sends, the engine is shown it; how many went to quarantine."""
        for event in events:
            assert self.facts.put_event(event) is None
        return self.engine().apply(events).quarantined

    def shown_again(self, events: Iterable[Event]) -> tuple[int, int]:
        """The stream shows the engine what was marked for a retry: applied, quarantined."""
        marked = [event for event in events if self._retries(event)]
        found = [self.facts.event(e.brand, e.client, e.source, e.event_id) for e in marked]
        outcome = self.engine().apply(event for event in found if event is not None)
        return outcome.applied, outcome.quarantined

    def _retries(self, event: Event) -> int:
        items = self.tables.items(self.tables.facts)
        own = [i for i in items if "retry" in i and i["sk"]["S"].endswith(event.event_id)]
        return int(own[0]["retry"]["N"]) if own else 0

    def total(self) -> int:
        """What the partner has, in cents."""
        return sum(self.ledger.balance(PARTNER).amounts.values())


@pytest.fixture
def world(tables: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[World]:
    with a_bank() as bank:
        service = f"rates-{secrets.token_hex(4)}"  # a logger of its own: the last test's wrote to a stream that is gone
        for name, value in {
            "STAGE": "test",
            "FACTS_TABLE": tables.facts,
            "BOOKS_TABLE": tables.books,
            "ECB_URL": bank.url,
            "POWERTOOLS_SERVICE_NAME": service,
            "POWERTOOLS_METRICS_NAMESPACE": "Introducer",
        }.items():
            monkeypatch.setenv(name, value)
        logger.cache_clear()
        metrics.cache_clear()
        world = World(load("rates"), bank, tables, capsys, service)
        monkeypatch.setattr(world.app, "clock", world)
        yield world


# ---- what is stored --------------------------------------------------------------------------------------------------


def test_the_days_rates_are_brought_once(world: World) -> None:
    world.known("2026-03-01")
    world.bank.publish(until("2026-03-02"))

    first = world.run("2026-03-02 15:05")
    counted = world.metrics()
    second = world.run("2026-03-02 15:10")

    assert first == {"complete_through": "2026-03-02", "new_days": 1, "changed_days": [], "replayed": 0}
    assert second == first | {"new_days": 0}
    assert counted == {"RatesNewDays": 1}
    assert world.rates.day("ECB", "2026-03-02") == DAYS["2026-03-02"]
    assert world.bank.asked == ["/stats/eurofxref-daily.xml"]


def test_days_that_were_missed_are_made_up_for(world: World) -> None:
    world.known("2026-02-26")
    world.bank.publish(DAYS)

    assert world.run("2026-03-03 16:00")["new_days"] == 5

    assert world.bank.asked == ["/stats/eurofxref-daily.xml", "/stats/eurofxref-hist-90d.xml"]
    stored = {day: world.rates.day("ECB", day) for day in DAYS}
    assert stored == DAYS
    assert world.rates.day("ECB", "2026-03-01") == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (sending(b"", 500), "rates_unavailable"),
        (sending(b"", 302, Location="http://192.0.2.1/"), "rates_unavailable"),
        (sending(b"<html>We are sorry</html>"), "invalid_rates_file"),
        (sending(b" " * 10_000_000), "invalid_rates_file"),
        (sending(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"), "invalid_rates_file"),
    ],
)
def test_a_bank_that_fails_is_asked_again_by_the_next_run(world: World, answer: Any, reason: str) -> None:
    world.known("2026-02-27")
    world.bank.answer = answer
    with log_of(world.service) as log:
        found = world.run("2026-03-02 00:00")
    assert (found["complete_through"], found["new_days"]) == ("2026-02-27", 0)
    assert world.metrics() == {"RatesNotFetched": 1, "RatesDaysBehind": 2}
    [line] = [json.loads(each) for each in log.getvalue().splitlines()]
    assert (line["level"], line["reason"]) == ("WARNING", reason)

    world.bank.publish(until("2026-02-27"))
    assert world.run("2026-03-02 00:15")["complete_through"] == "2026-03-01"


def test_a_changed_figure_is_logged_counted_and_never_taken(world: World) -> None:
    world.known("2026-03-01")
    world.bank.publish({"2026-02-27": {"USD": "9.9999"}})

    with log_of(world.service) as log:
        found = world.run("2026-03-02 14:05")

    assert found["changed_days"] == ["2026-02-27"]
    assert world.metrics() == {"RatesChanged": 1}
    [line] = [json.loads(each) for each in log.getvalue().splitlines()]
    assert (line["level"], line["day"]) == ("ERROR", "2026-02-27")
    assert world.rates.day("ECB", "2026-02-27") == DAYS["2026-02-27"]


# ---- what waited -----------------------------------------------------------------------------------------------------


def a_client() -> list[Event]:
    """Came on Friday, traded on Tuesday for 100 and 50 dollars of commission."""
    click = a_click(at("2026-02-27 10:00"))
    return [
        an_event("registration", at("2026-02-27 11:00"), click_id=click),
        an_event("trade", at("2026-03-03 09:00"), commission="100.00", currency="USD"),
        an_event("trade", at("2026-03-03 10:00"), commission="50.00", currency="USD"),
    ]


def test_events_that_waited_for_rates_are_priced_when_these_come(world: World) -> None:
    # given Tuesday's trades while Monday's rates are late
    world.known("2026-03-01")
    world.time = at("2026-03-03 10:01")
    events = a_client()
    assert world.post(*events) == 2
    assert world.total() == 0
    world.bank.answer = sending(b"", 503)
    assert world.run("2026-03-03 10:15")["replayed"] == 0

    # when Monday's rates come
    world.bank.publish(until("2026-03-02"))
    assert world.run("2026-03-03 10:30")["replayed"] == 2
    assert world.metrics()["EventsReplayed"] == 2

    # then half of 150 dollars at 1.2 stands in the books, and nothing waits
    assert world.shown_again(events) == (2, 0)
    assert world.total() == 6250
    [*kept] = world.facts.quarantined(BRAND, SOURCE, "2026-03-03").items
    assert {each.replayed_at for each in kept} == {at("2026-03-03 10:30")}
    assert world.run("2026-03-03 10:45")["replayed"] == 0
    assert world.waits.open("ECB", "2026-12-31") == []


def test_an_event_that_is_applied_is_not_sent_again(world: World) -> None:
    # given a note that is younger than clocks may differ, so that its replay proves nothing
    world.known("2026-03-01")
    world.time = at("2026-03-03 10:29")
    events = a_client()
    world.post(*events)
    world.bank.publish(until("2026-03-02"))
    assert world.run("2026-03-03 10:30")["replayed"] == 2
    # when one of the two is applied
    world.shown_again(events[:2])
    # then the other alone is sent again
    assert world.run("2026-03-03 10:31")["replayed"] == 1


def test_rates_that_a_person_loaded_settle_what_waited_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECB_URL", "")
    world.known("2026-03-01")
    world.post(*a_client())
    world.known("2026-03-02")
    assert world.run("2026-03-03 10:30")["replayed"] == 2
    assert world.bank.asked == []


def test_nothing_is_tried_before_its_rates_are_there(world: World) -> None:
    world.known("2026-02-27")
    world.post(*a_client())
    world.bank.publish(until("2026-02-27"))
    # Sunday is over, and known to have no rates; Monday, which Tuesday's events need, is not
    assert world.run("2026-03-02 00:00") == {
        "complete_through": "2026-03-01",
        "new_days": 2,
        "changed_days": [],
        "replayed": 0,
    }
    assert len(world.waits.open("ECB", "2026-03-03")) == 1


def test_a_run_that_dies_before_the_replay_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.known("2026-03-01")
    world.post(*a_client())
    world.bank.publish(until("2026-03-02"))
    with monkeypatch.context() as patch:
        patch.setattr(world.app, "replay_what_waited", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.run("2026-03-03 10:30")
    assert world.run("2026-03-03 10:45")["replayed"] == 2


def test_a_note_is_open_while_its_message_may_still_be_written(world: World) -> None:
    # given an engine that noted the wait, and was held up before it put the message
    world.known("2026-03-02")
    events = a_client()
    world.post(events[0])
    world.time = at("2026-03-03 10:00")
    reader = world.rates.completed_through
    world.rates.completed_through = lambda feed: "2026-03-01"  # type: ignore[method-assign]
    put = Facts.quarantine

    def held_up(self: Facts, **message: Any) -> Any:
        # the schedule fires just now, and finds nothing
        assert world.run("2026-03-03 10:01")["replayed"] == 0
        return put(self, **message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Facts, "quarantine", held_up)
        world.post(events[1])
    world.rates.completed_through = reader  # type: ignore[method-assign]
    # then the next run finds it, and the note ends when it is old
    assert world.run("2026-03-03 10:02")["replayed"] == 1
    assert len(world.waits.open("ECB", "2026-03-03")) == 1
    world.shown_again(events)
    world.time = at("2026-03-03 10:02") + QUIET
    assert world.run()["replayed"] == 0
    assert world.waits.open("ECB", "2026-03-03") == []


def test_a_currency_that_was_not_published_waits_for_a_person(world: World) -> None:
    world.known("2026-03-02")
    registration, *_ = a_client()
    dirhams = an_event("trade", at("2026-03-03 09:00"), commission="100.00", currency="AED")
    assert world.post(registration, dirhams) == 1
    world.bank.publish(until("2026-03-02"))
    assert world.run("2026-03-03 10:30")["replayed"] == 0
    assert world.waits.open("ECB", "2026-12-31") == []


def test_an_event_older_than_all_rates_is_not_tried_for_ever(world: World) -> None:
    world.known("2026-03-02", first="2026-03-02")
    early = [
        an_event("registration", at("2026-02-27 11:00"), click_id=a_click(at("2026-02-27 10:00"))),
        an_event("trade", at("2026-02-28 09:00"), commission="1.00", currency="USD"),
    ]
    assert world.post(*early) == 1
    world.bank.publish(until("2026-03-02"))
    for when in ("2026-03-03 00:00", "2026-03-03 00:15"):
        assert world.run(when)["replayed"] == 0


def test_an_event_that_must_wait_for_a_further_day_is_replayed_again(world: World) -> None:
    # given a client's early trades, of two days without rates, which the registration's arrival prices
    world.known("2026-03-01")
    registration, tuesday, _ = a_client()
    wednesday = an_event("trade", at("2026-03-04 09:00"), commission="50.00", currency="USD")
    world.time = at("2026-03-04 10:00")
    assert world.post(tuesday, wednesday) == 0  # nobody's yet
    assert world.post(registration) == 1
    assert [wait.day for wait in world.waits.open("ECB", "2026-12-31")] == ["2026-03-03"]

    # when Monday's rates come, it is tried, and waits for Tuesday's
    world.bank.publish(until("2026-03-02"))
    assert world.run("2026-03-04 10:15")["replayed"] == 1
    world.time = at("2026-03-04 10:15") + timedelta(seconds=1)
    assert world.shown_again([registration]) == (0, 1)
    assert [wait.day for wait in world.waits.open("ECB", "2026-12-31")] == ["2026-03-04"]

    # then those settle it: 50.00 / 1.2 + 25.00 / 1.25
    world.bank.publish(DAYS)
    assert world.run("2026-03-04 10:30")["replayed"] == 1
    assert world.shown_again([registration]) == (1, 0)
    assert world.total() == 6167
    assert world.run("2026-03-04 10:45")["replayed"] == 0


def test_only_events_of_this_reason_are_replayed(world: World) -> None:
    world.known("2026-03-01")
    events = a_client()
    world.post(*events)
    other = an_event("trade", at("2026-03-03 09:00"), commission="1.00")
    world.facts.put_event(other)
    day: dict[str, Any] = {
        "brand": BRAND,
        "source": SOURCE,
        "at": at("2026-03-03 09:30"),
        "detail": "",
        "message": "{}",
    }
    world.facts.quarantine(**day, reason="engine_error", event_id=other.event_id, client=CLIENT)
    world.facts.quarantine(**day, reason="rate_missing")  # never became an event
    world.facts.quarantine(**day, reason="rate_missing", event_id="gone", client=CLIENT)
    world.known("2026-03-02")
    world.bank.publish(until("2026-03-02"))
    assert world.run("2026-03-03 10:30")["replayed"] == 2
    assert world.shown_again([other]) == (0, 0)


# ---- the template ----------------------------------------------------------------------------------------------------

TEMPLATE: dict[str, Any] = expanding.translate(
    expanding.read(Path(__file__).resolve().parents[2] / "template.yaml"), {}, "eu-west-1"
)
RESOURCES = TEMPLATE["Resources"]


def resolved(value: Any, stage: str, url: str) -> Any:
    """The value of a property in a stack with these parameters."""
    parameters = {"Stage": stage, "EcbUrl": url}

    def holds(condition: Any) -> bool:
        ((kind, (left, right)),) = TEMPLATE["Conditions"][condition].items()
        assert kind == "Fn::Equals"
        return bool(parameters[left["Ref"]] == right)

    if isinstance(value, dict) and "Fn::If" in value:
        condition, then, otherwise = value["Fn::If"]
        return resolved(then if holds(condition) else otherwise, stage, url)
    if isinstance(value, dict) and "Ref" in value:
        return parameters[value["Ref"]]
    return value


@pytest.mark.parametrize(
    ("stage", "url", "asked", "state"),
    [
        ("prod", "", "https://www.ecb.europa.eu/stats/eurofxref/", "ENABLED"),
        ("prod", "https://mirror.example/x/", "https://mirror.example/x/", "ENABLED"),
        ("local", "", "", "DISABLED"),
        ("local", "http://127.0.0.1:8000/x/", "http://127.0.0.1:8000/x/", "DISABLED"),
    ],
)
def test_the_local_stage_asks_nobody_unless_told_whom(stage: str, url: str, asked: str, state: str) -> None:
    variables = RESOURCES["RatesFunction"]["Properties"]["Environment"]["Variables"]
    assert resolved(variables["ECB_URL"], stage, url) == asked
    schedules = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::Scheduler::Schedule"]
    own = [one for one in schedules if one["Target"]["Arn"] == {"Fn::GetAtt": ["RatesFunction", "Arn"]}]
    assert [resolved(one["State"], stage, url) for one in own] == [state, state]
    assert {one["Target"]["RoleArn"]["Fn::GetAtt"][0] for one in own} == {"RatesScheduleRole"}
    assert {one["ScheduleExpressionTimezone"] for one in own} == {"Europe/Berlin", "UTC"}


def test_the_function_touches_rates_events_and_quarantine_alone() -> None:
    own = RESOURCES["RatesRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    keys = {one["Sid"]: one["Condition"]["ForAllValues:StringLike"] for one in own if "Condition" in one}
    assert keys == {
        "KeepRates": {"dynamodb:LeadingKeys": ["R#*"]},
        "ReplayEvents": {"dynamodb:LeadingKeys": ["E#*", "Q#*"]},
    }
    tables = [one for one in own if any("dynamodb" in action for action in one["Action"])]
    assert {one["Sid"] for one in tables} == keys.keys()


@pytest.mark.cloud
def test_it_runs_deployed_and_its_schedules_stand_still(stack: Stack) -> None:
    found = stack.invoke("RatesFunction", {})
    assert (found["new_days"], found["changed_days"]) == (0, [])
    schedules = stack.client("scheduler").list_schedules()["Schedules"]
    own = [one["State"] for one in schedules if "RatesFunction" in one["Name"]]
    assert own == ["DISABLED", "DISABLED"]
