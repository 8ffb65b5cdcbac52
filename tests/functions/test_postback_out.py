"""The function that sends postbacks: what comes again, what waits for nobody, and what its role lets it do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from introducer.domain.errors import Unavailable
from introducer.domain.postback_out import MOST_FAILURES, Standing, Told
from introducer.services.send_postback import Outcome
from tests.services.test_outbound import a_client, many
from tests.support import functions
from tests.support.outbound import Outbound, an_outbound, fails
from tests.support.roles import allows, watched, written

pytestmark = pytest.mark.in_memory


@pytest.fixture
def world() -> Iterator[Outbound]:
    with an_outbound() as found:
        yield found


@pytest.fixture
def module(world: Outbound, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    loaded = functions.load("postback_out")
    monkeypatch.setattr(loaded, "sender", lambda: world.sender)
    monkeypatch.setattr(loaded, "queue", lambda: SimpleNamespace(send=world.enqueue))
    monkeypatch.setattr(loaded, "clock", SimpleNamespace(elapsed=lambda: world.elapsed))
    return loaded


def handles(module: ModuleType, *bodies: str) -> list[str]:
    """Which of these messages must come again."""
    records = [{"messageId": f"m-{number}", "body": body} for number, body in enumerate(bodies)]
    return [each["itemIdentifier"] for each in module.handler({"Records": records}, None)["batchItemFailures"]]


def waiting(world: Outbound) -> list[str]:
    bodies = [body for _, body in world.queue]
    world.queue.clear()
    return bodies


def test_what_names_no_delivery_comes_again_until_a_person_sees_it_and_the_rest_is_sent(
    world: Outbound, module: ModuleType
) -> None:
    world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    assert handles(module, "no json", "[]", '{"target": "tgt_1"}', *waiting(world)) == ["m-0", "m-1", "m-2"]
    assert len(world.sent) == 1


def test_a_message_that_cannot_be_done_now_comes_again_and_others_do_not(
    world: Outbound, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.target(events=frozenset({Told.REGISTRATION}))
    many(world, 3)
    world.tells()
    bodies, taken = waiting(world), world.sender.take
    broken = {
        json.loads(bodies[0])["delivery"]: Unavailable("down"),
        json.loads(bodies[1])["delivery"]: ValueError("odd"),
    }

    def take(given: dict[str, Any]) -> Outcome:
        if error := broken.get(given["delivery"]):
            raise error
        return taken(given)

    monkeypatch.setattr(module, "sender", lambda: SimpleNamespace(take=take))
    assert handles(module, *bodies) == ["m-0", "m-1"]
    assert len(world.sent) == 1


def test_a_target_that_hangs_holds_up_its_own_messages_and_nobody_elses(world: Outbound, module: ModuleType) -> None:
    # given one target that hangs until the other has all of its messages
    world.target("https://hangs.example.com/", events=frozenset({Told.REGISTRATION}))
    world.target(events=frozenset({Told.REGISTRATION}))
    many(world, 4)
    world.tells()
    done, count = threading.Event(), iter(range(1, 100))

    def quick(message: Any) -> Any:
        if next(count) == 4:
            done.set()
        return SimpleNamespace(status=200, body=b"")

    def hangs(message: Any) -> Any:
        assert done.wait(60), "the other target waits for this one"
        return SimpleNamespace(status=200, body=b"")

    world.by_host |= {"track.example.com": quick, "hangs.example.com": hangs}
    bodies = sorted(waiting(world), key=lambda body: json.loads(body)["target"])
    assert handles(module, *bodies) == []
    assert world.hosts().count("hangs.example.com") == 4


def test_what_is_not_begun_in_time_goes_back_into_the_queue(world: Outbound, module: ModuleType) -> None:
    world.target(events=frozenset({Told.REGISTRATION}))
    world.took["track.example.com"] = module.BEGIN_WITHIN + 1
    many(world, 3)
    world.tells()
    bodies = waiting(world)
    assert handles(module, *bodies) == []
    assert len(world.sent) == 1
    assert [body for _, body in world.queue] == bodies[1:]


def test_all_that_it_asks_of_the_tables_its_role_lets_it(
    world: Outbound, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given everything that it does: a delivery, failures up to the pause, what is held, what is given up
    target = world.target(events=frozenset({Told.REGISTRATION}))
    many(world, 12)
    world.tells()
    world.by_host["track.example.com"] = fails("timed_out")
    asked = watched(monkeypatch)
    while world.queue and len(world.sent) <= MOST_FAILURES:
        world.house.now += world.house.now.resolution * 1_000_000 * 900
        handles(module, *waiting(world))
    assert world.now_is(target).standing is Standing.FAILING
    kinds = {pk.split("#")[0] + ("" if "#" not in pk else "#" + pk.split("#")[-1]) for _, pk in written(asked)}
    assert {"P#targets", "P#gates", "P#mails"} <= kinds and any(each.startswith("J#") for each in kinds)

    # then the role lets it do that, and nothing about money
    for action, table, pk in asked:
        assert allows("PostbackOutRole", action, table, pk), (action, table, pk)
    for pk in ("P#par_1", "P#par_1#J#202603", "P#par_1#deals", "U#brd#c", "B#brd", "K#brd"):
        assert not allows("PostbackOutRole", "dynamodb:PutItem", "Books", pk), pk
    assert not allows("PostbackOutRole", "dynamodb:GetItem", "Facts", "E#brd#c")


def test_all_that_the_outbox_writes_of_it_its_role_lets_it(world: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    world.target("https://t.example.com/?s={sub1}")
    a_client(world)
    asked = watched(monkeypatch)
    world.tells()
    assert {pk[:2] for _, pk in written(asked)} == {"J#"}
    for action, table, pk in asked:
        assert allows("OutboxRole", action, table, pk), (action, table, pk)


# ---------------------------------------------------------------------------------------------------------- the outbox


def records_of(world: Outbound) -> list[dict[str, Any]]:
    """What the stream has shown and nobody was told of."""
    return [each.to_stream() for each in world.house.memory.tables["books"].stream[world.told :]]


def test_the_outbox_takes_clients_with_news_and_journals_for_it_and_tells_them_again_when_it_could_not(
    world: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the outbox, of which nothing but postbacks is looked at
    target = world.target()
    a_client(world)
    module, records = functions.load("outbox"), records_of(world)
    monkeypatch.setattr(module, "KINDS", tuple(kind for kind in module.KINDS if kind.does is module.postbacks))
    monkeypatch.setattr(module, "teller", lambda: world.teller)
    mine = [each for each in records if module.KINDS[0].reads(each["dynamodb"].get("NewImage") or {}) is not None]
    assert 1 < len(mine) < len(records)

    # when the queue is down, then the batch comes again from its first news on
    def down(body: str, delay: int) -> None:
        raise Unavailable("The queue did not take it.")

    with monkeypatch.context() as patch:
        patch.setattr(world, "enqueue", down)
        [again] = module.handler({"Records": records}, None)["batchItemFailures"]
        assert again["itemIdentifier"] == mine[0]["dynamodb"]["SequenceNumber"]

    # and what does not begin in time comes again, all but what is done
    with monkeypatch.context() as patch:
        times = iter([0.0, 0.0])
        patch.setattr(module, "clock", SimpleNamespace(elapsed=lambda: next(times, module.TELL_WITHIN)))
        [again] = module.handler({"Records": records}, None)["batchItemFailures"]
        assert again["itemIdentifier"] == mine[1]["dynamodb"]["SequenceNumber"]
    world.queue.clear()

    # and what is a mistake of ours holds up nothing
    with monkeypatch.context() as patch:
        patch.setattr(module, "teller", lambda: SimpleNamespace(tell=lambda news: 1 // 0))
        assert module.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert module.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert len(world.queue) == len(world.log(target)) == 6
