"""What happens to clients and money is told to whoever wants it: at least once, and nobody waits for anybody."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from introducer.domain.configuration import Change, Role, Status
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.mail import MailTemplate
from introducer.domain.postback_out import (
    LIFE,
    MOST_FAILURES,
    MOST_TARGETS,
    OVERLAP,
    SLOW,
    DeliveryStatus,
    Gate,
    Method,
    News,
    Standing,
    Target,
    Told,
    secret_of,
)
from introducer.domain.promo_code import PromoCode
from introducer.services.edit_targets import (
    Wish,
    add_target,
    change_target,
    delete_target,
    pause_target,
    resume_target,
    rotate_secret,
    show_secret,
)
from introducer.services.erase_client import Books, erase_client, held_of
from introducer.services.send_postback import Outcome
from introducer.services.set_standing import set_standing
from introducer.services.try_target import (
    MOST_TESTS,
    replay_delivery,
    replay_held,
    send_test,
)
from introducer.store.deliveries import news_of_image
from introducer.store.erasing import Erasing
from introducer.store.holdings import Holdings
from introducer.store.mails import Mails
from tests.support.house import BRAND, KEY, LINK, PARTNER, a_registration, a_trade, an_amount, client
from tests.support.outbound import Outbound, Said, a_member, an_outbound, fails

pytestmark = pytest.mark.in_memory

OTHER, OTHERS_LINK = "par_two", "Zz98Yy76"
TRACKER = "track.example.com"


@pytest.fixture
def world() -> Iterator[Outbound]:
    with an_outbound() as found:
        yield found


def a_client(world: Outbound, name: str = "10234", *, deposit: str = "120.00", query: str = "sub1=summer%20%26") -> str:
    """A visitor of the partner's link registers, is approved, and pays in; the click's id."""
    click = world.house.click(world.now - timedelta(days=4), "203.0.113.9", query=query)
    world.house.posts(
        a_registration(name, click_id=click, country="DE"),
        {"event_id": f"k-{name}", "type": "kyc", "client_id": name, "status": "approved",
         "occurred_at": "2026-03-01T12:00:00Z"},
        an_amount("deposit", name, deposit, event_id=f"d-{name}"),
    )  # fmt: skip
    return click


def told(world: Outbound, target: Target) -> dict[str, dict[str, str]]:
    """What a target was told, by event."""
    return {each.event: dict(each.values) for each in world.log(target)}


# ------------------------------------------------------------------------------------------------------- what is told


def test_a_clients_way_is_told_step_by_step_with_the_partners_own_values(world: Outbound) -> None:
    target = world.target("https://track.example.com/?cid={click_id}&s={sub1}&e={event}&sum={payout}{currency}")
    click = a_client(world)
    assert world.tells() == len({*Told} - {Told.WITHDRAWAL, Told.CHARGEBACK, Told.CLAWBACK})
    assert set(world.sends()) == {Outcome.DELIVERED}

    found = told(world, target)
    assert set(found) == {"registration", "kyc", "ftd", "qftd", "deposit", "earning"}
    assert {each["click_id"] for each in found.values()} == {click}
    assert {(each["link"], each["campaign"], each["country"]) for each in found.values()} == {(LINK, "cmp_one", "DE")}
    assert {each["partner"] for each in found.values()} == {PARTNER}
    assert len({each["client"] for each in found.values()}) == 1 and "10234" not in json.dumps(found)
    # The deal pays 200 for a client who is qualified: it is known with the mark, and told as an earning by itself.
    assert (found["qftd"]["payout"], found["earning"]["payout"], found["earning"]["goal"]) == (
        "200.00",
        "200.00",
        "cpa",
    )
    assert (found["ftd"]["deposit_amount"], found["deposit"]["deposit_amount"]) == ("120.00", "120.00")
    sent = {parse_qs(urlsplit(each.url).query)["e"][0]: parse_qs(urlsplit(each.url).query) for each in world.sent}
    assert sent["qftd"] == {"cid": [click], "s": ["summer &"], "e": ["qftd"], "sum": ["200.00EUR"]}


def test_money_that_is_taken_back_is_told_as_such_and_trades_as_what_they_earn(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.EARNING, Told.CLAWBACK, Told.CHARGEBACK, Told.WITHDRAWAL}))
    a_client(world)
    world.tells()
    before = {each.delivery for each in world.log(target)}
    world.house.posts(
        an_amount("chargeback", "10234", "120.00", "2026-03-03T10:00:00Z", ref="d-10234"),
        an_amount("withdrawal", "10234", "5.00", "2026-03-03T11:00:00Z"),
    )
    world.house.posts(a_trade("10234"))
    world.tells()
    new = [each for each in world.log(target) if each.delivery not in before]
    assert sorted((each.event, each.values["payout"]) for each in new) == [
        ("chargeback", "0"), ("clawback", "-200.00"), ("earning", "3.00"), ("withdrawal", "0"),
    ]  # fmt: skip
    [earned] = [each for each in new if each.event == "earning"]
    assert earned.values["click_id"] and earned.values["link"] == LINK


def test_a_client_that_is_nobodys_is_told_to_the_brand_alone(world: Outbound) -> None:
    partner, brand = world.target(), world.target("https://hooks.example.com/", partner=None)
    world.house.posts(a_registration("777"), an_amount("deposit", "777", "50.00"))
    world.tells()
    assert set(told(world, brand)) == {"registration", "deposit"}
    assert {each["partner"] for each in told(world, brand).values()} == {""}
    assert world.log(partner) == []


def test_money_that_came_before_its_clients_registration_is_told_to_the_partner_once_it_is_known(
    world: Outbound,
) -> None:
    target = world.target(events=frozenset({Told.DEPOSIT, Told.REGISTRATION}))
    brand = world.target("https://hooks.example.com/", partner=None, events=frozenset({Told.DEPOSIT}))
    world.house.posts(an_amount("deposit", "555", "50.00", event_id="d-1"))
    world.tells()
    assert [each.event for each in world.log(target)] == []
    click = world.house.click(world.now - timedelta(days=4), "203.0.113.9")
    world.house.posts(a_registration("555", click_id=click))
    world.house.posts(an_amount("deposit", "555", "20.00", "2026-03-03T11:00:00Z", event_id="d-2"))
    world.tells()
    assert sorted((each.event, each.values["deposit_amount"]) for each in world.log(target)) == [
        ("deposit", "20.00"), ("deposit", "50.00"), ("registration", ""),
    ]  # fmt: skip
    assert sorted(each.values["deposit_amount"] for each in world.log(brand)) == ["20.00", "50.00"]


def test_a_mark_has_the_moment_at_which_it_was_made_and_one_that_only_moves_is_not_told_again(world: Outbound) -> None:
    # given a client that qualified by its first deposit, heard of together with what it did later
    target = world.target(events=frozenset({Told.FTD, Told.QFTD}))
    click = world.house.click(world.now - timedelta(days=4), "203.0.113.9")
    world.house.posts(
        a_registration("10234", click_id=click, country="DE"),
        {"event_id": "k-1", "type": "kyc", "client_id": "10234", "status": "approved",
         "occurred_at": "2026-03-01T12:00:00Z"},
        an_amount("deposit", "10234", "120.00", "2026-03-03T10:00:00Z", event_id="d-2"),
        an_amount("withdrawal", "10234", "1.00", "2026-03-04T10:00:00Z"),
    )  # fmt: skip
    world.tells()
    found = told(world, target)
    assert {event: values["timestamp"] for event, values in found.items()} == dict.fromkeys(
        ("ftd", "qftd"), str(int(datetime(2026, 3, 3, 10, tzinfo=UTC).timestamp()))
    )
    # and what was in one moment is in the order in which the one follows from the other
    stream = world.house.memory.tables["books"].stream
    first = [news.event for record in stream for news in news_of_image(record.new or {}) or ()]
    at_once = [event for event in first if event in (Told.FTD, Told.QFTD, Told.DEPOSIT)]
    assert at_once == [Told.FTD, Told.QFTD, Told.DEPOSIT]
    # when an earlier deposit is reported late, the day of the first one moves
    at = world.told
    world.house.posts(an_amount("deposit", "10234", "130.00", "2026-03-02T10:00:00Z", event_id="d-1"))
    stream = world.house.memory.tables["books"].stream[at:]
    late = [news for record in stream for news in news_of_image(record.new or {}) or ()]
    assert Told.DEPOSIT in {news.event for news in late}
    assert not {news.event for news in late} & {Told.REGISTRATION, Told.KYC, Told.FTD, Told.QFTD}


def test_a_client_that_came_by_a_promo_code_came_by_no_link(world: Outbound) -> None:
    # given a partner with a code, and its tracker that is told everything
    target = world.target("https://track.example.com/?l={link}&e={event}")
    long_ago = world.now - timedelta(days=90)
    code = PromoCode(
        code="SPRING", number=1, brand=BRAND, partner=PARTNER, campaign=None, starts_at=long_ago, ends_at=None,
        given_at=long_ago, given_by="mem_1",
    )  # fmt: skip
    world.house.configuration.give_promo_code(code, None, Change(by="mem_1", at=long_ago, why="a magazine"))
    world.house.posts(a_registration("999", promo_code="spring"), an_amount("deposit", "999", "50.00"))
    world.tells()
    assert {"registration", "ftd", "earning"} <= set(told(world, target))
    assert {each["link"] for each in told(world, target).values()} == {""}


def test_two_partners_hear_of_their_own_clients_and_the_brand_of_all(world: Outbound) -> None:
    world.house.partner(OTHER, "Pips", OTHERS_LINK)
    mine, theirs = world.target(), world.target("https://theirs.example.com/", partner=OTHER)
    brand = world.target("https://hooks.example.com/", partner=None, events=frozenset({Told.REGISTRATION}))
    a_client(world)
    click = world.house.click(world.now - timedelta(days=4), "198.51.100.7", OTHERS_LINK, OTHER)
    world.house.posts(a_registration("888", click_id=click))
    world.tells()
    assert {each.values["partner"] for each in world.log(mine)} == {PARTNER}
    assert [(each.event, each.values["partner"]) for each in world.log(theirs)] == [("registration", OTHER)]
    assert {each.values["partner"] for each in world.log(brand)} == {PARTNER, OTHER}
    # Nobody reaches another's targets by knowing their ids.
    for does in (pause_target, resume_target, delete_target):
        with pytest.raises(NotFound):
            does(world.books, a_member(OTHER), mine.target)
    with pytest.raises(NotFound):
        world.deliveries.place(theirs.target, str(world.log(mine)[0].created), world.log(mine)[0].delivery)


def test_the_values_of_a_click_are_told_to_nobody_but_the_partner_whose_click_it_is(world: Outbound) -> None:
    target = world.target("https://track.example.com/?s={sub1}", events=frozenset({Told.FTD}))
    theirs = world.house.click(world.now, "198.51.100.7", OTHERS_LINK, OTHER, query="sub1=theirs")
    news = News(event=Told.FTD, event_id="evt_1", brand=BRAND, partner=PARTNER, client="c" * 22, click=theirs)
    assert world.teller.tell(news) == 1
    assert world.log(target)[0].values["sub1"] == ""


def test_a_target_hears_of_its_events_and_campaigns_only(world: Outbound) -> None:
    some = world.target(events=frozenset({Told.FTD}))
    none = world.target("https://none.example.com/", campaigns=frozenset({"cmp_one"}), events=frozenset({Told.EARNING}))
    with pytest.raises(NotFound):
        world.target("https://x.example.com/", campaigns=frozenset({"cmp_unknown"}))
    a_client(world)
    world.tells()
    assert [each.event for each in world.log(some)] == ["ftd"]
    assert [each.values["campaign"] for each in world.log(none)] == ["cmp_one"], "an amount's campaign is its client's"


def test_a_blocked_partner_is_told_nothing_and_the_brand_goes_on_hearing(world: Outbound) -> None:
    target, brand = world.target(), world.target("https://hooks.example.com/", partner=None)
    set_standing(
        world.house.configuration, member=a_member(None, Role.ADMIN), partner=PARTNER, status=Status.BLOCKED,
        since=None, why="Terms were broken", clock=lambda: world.now, random=lambda size: b"0" * size,
    )  # fmt: skip
    # It holds from a little later on: until then the partner is told.
    many(world, 1)
    world.tells()
    assert len(world.log(target)) == 1
    world.house.now += timedelta(hours=1)
    a_client(world)
    world.tells()
    assert len(world.log(target)) == 1
    assert len(world.log(brand)) > 1


def test_whatever_the_stream_shows_twice_is_told_once(world: Outbound) -> None:
    target = world.target()
    a_client(world)
    world.tells()
    world.sends()
    first = [each.delivery for each in world.log(target)]
    world.tells(again=True)
    assert world.sends() == []
    assert [each.delivery for each in world.log(target)] == first
    assert len(world.sent) == len(first) == 6


def test_erasing_a_client_or_the_partner_takes_with_it_what_was_told(world: Outbound) -> None:
    target, brand = world.target(), world.target("https://hooks.example.com/", partner=None)
    a_client(world)
    world.house.posts(a_registration("20468", click_id=world.house.click(world.now, "198.51.100.7")))
    world.tells()
    of_client = [each.delivery for each in (*world.log(target), *world.log(brand)) if each.about == client("10234")]
    assert len(of_client) == 12

    books = Books(
        clients=world.house.clients, configuration=world.house.configuration, holdings=Holdings("facts", "books"),
        erasing=Erasing("facts", "books"),
    )  # fmt: skip
    change = Change(by="system:operator", at=world.now, why="asked for it", origin="introducer erase")
    assert len([each for each in held_of(books, BRAND, client("10234"), world.now) if each.kind == "delivery"]) == 12
    done = erase_client(books, brand=BRAND, client=client("10234"), change=change, now=world.now).done
    assert done["postbacks about the client"] == 12
    assert {each.about for each in (*world.log(target), *world.log(brand))} == {client("20468")}
    assert set(world.sends()) <= {Outcome.DELIVERED, Outcome.DONE_BEFORE}

    held = Holdings("facts", "books").of_partner(BRAND, PARTNER, ["202603"])
    found = [each.key.sk for each in held if each.kind in ("target", "delivery")]
    assert sorted(found) == sorted([target.target, *(each.delivery for each in world.log(target))])


# -------------------------------------------------------------------------------------------------------- at least once


class Died(Exception):
    """The process is gone."""


def dies(*_: Any, **__: Any) -> Any:
    raise Died


@pytest.mark.parametrize("step", ["before the delivery is written", "before it is named to the queue"])
def test_an_outbox_that_dies_between_any_two_steps_loses_nothing_and_makes_nothing_twice(
    world: Outbound, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    with monkeypatch.context() as patch:
        if step.startswith("before the delivery"):
            patch.setattr("introducer.store.deliveries.Deliveries.create", dies)
        else:
            patch.setattr(world, "enqueue", dies)
        at = world.told
        with pytest.raises(Died):
            world.tells()
        world.told = at
    assert world.tells() == 1
    assert world.sends() == [Outcome.DELIVERED]
    assert len(world.log(target)) == len(world.sent) == 1


@pytest.mark.parametrize(
    "dying",
    ["before it is sent", "before the try is on record", "before the gate moves", "before the next try is named"],
)
@pytest.mark.parametrize("arrives", [True, False])
def test_a_sender_that_dies_between_any_two_steps_sends_again_under_the_same_id(
    world: Outbound, monkeypatch: pytest.MonkeyPatch, dying: str, arrives: bool
) -> None:
    # given a delivery, and a sender that dies at this step once
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.by_host[TRACKER] = lambda _: Said(200 if arrives else 500)
    [(due, body)] = world.queue
    with monkeypatch.context() as patch:
        match dying:
            case "before it is sent":
                patch.setattr(world, "exchange", dies)
            case "before the try is on record":
                patch.setattr("introducer.store.deliveries.Deliveries.move", dies)
            case "before the gate moves":
                patch.setattr("introducer.store.targets.Targets.move_gate", dies)
            case _:
                patch.setattr(world, "enqueue", dies)
        with contextlib.suppress(Died):
            world.sender.take(json.loads(body))
    # The queue shows the message again, as it does when nobody said that it was done.
    world.queue = [(due, body), *(each for each in world.queue if each != (due, body))]

    # when the target is well
    world.by_host[TRACKER] = lambda _: Said(200)
    world.passes(hours=1)

    # then it has arrived, at least once, always under one id
    [delivery] = world.log(target)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert {each.headers["Introducer-Delivery"] for each in world.sent} == {delivery.delivery}
    assert 1 <= len(world.sent) <= 2
    assert world.queue == []


def test_a_message_that_the_queue_shows_twice_is_sent_once_more_at_most(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.queue *= 2
    assert world.sends() == [Outcome.DELIVERED, Outcome.DONE_BEFORE]
    assert (len(world.sent), world.log(target)[0].tries) == (1, 1)


def test_when_the_queue_is_down_the_message_comes_again(world: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    world.target(events=frozenset({Told.FTD}))
    a_client(world)

    def down(body: str, delay: int) -> None:
        raise Unavailable("The queue did not take it.")

    with monkeypatch.context() as patch:
        patch.setattr(world, "enqueue", down)
        at = world.told
        with pytest.raises(Unavailable):
            world.tells()
        world.told = at
    assert world.tells() == 1 and world.sends() == [Outcome.DELIVERED]


# ---------------------------------------------------------------------------------------------------------- failing


@pytest.mark.parametrize(
    ("answers", "status", "error"),
    [
        (lambda _: Said(500, b"boom\r\n\x00"), 500, "not_2xx"),
        (lambda _: Said(302), 302, "not_2xx"),
        (lambda _: Said(404), 404, "not_2xx"),
        (fails("timed_out"), 0, "timed_out"),
        (fails("address_refused"), 0, "address_refused"),
        (fails("tls_failed"), 0, "tls_failed"),
    ],
)
def test_what_does_not_arrive_is_tried_again_later_and_the_log_says_why(
    world: Outbound, answers: Callable[..., Said], status: int, error: str
) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.by_host[TRACKER] = answers
    assert world.sends() == [Outcome.FAILED]
    [delivery] = world.log(target)
    assert (delivery.status, delivery.tries, delivery.next_at) == (
        DeliveryStatus.WAITING, 1, milliseconds(world.now) + 30_000
    )  # fmt: skip
    [attempt] = delivery.attempts
    assert (attempt.status, attempt.error, attempt.took) == (status, error, 10)
    assert "\r" not in attempt.said and "\x00" not in attempt.said
    # What the stream shows again has its message already: the next try's.
    world.tells(again=True)
    assert len(world.queue) == 1

    del world.by_host[TRACKER]
    assert world.passes(minutes=1)[-1] is Outcome.DELIVERED
    assert (world.log(target)[0].status, world.gate(target).failures) == (DeliveryStatus.DELIVERED, 0)


def test_a_delivery_that_never_arrives_is_given_up_after_a_day(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.by_host[TRACKER] = lambda _: Said(503)
    outcomes = world.passes(hours=30)
    [delivery] = world.log(target)
    assert (outcomes.count(Outcome.FAILED), outcomes[-1]) == (9, Outcome.GIVEN_UP)
    assert (delivery.status, delivery.tries, world.queue) == (DeliveryStatus.FAILED, 10, [])
    assert timedelta(hours=20) < timedelta(milliseconds=delivery.attempts[-1].at - delivery.attempts[0].at)

    # By hand it has another day.
    world.house.now += timedelta(days=2)
    replay_delivery(world.deliveries, world.enqueue, target=target, delivery=delivery, now=world.now)
    assert world.sends() == [Outcome.FAILED]
    del world.by_host[TRACKER]
    assert world.passes(hours=1)[-1] is Outcome.DELIVERED


def test_a_delivery_whose_turn_never_came_within_its_day_is_given_up_unsent(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.house.now += LIFE
    assert world.sends() == [Outcome.GIVEN_UP]
    assert (world.sent, [each.status for each in world.log(target)]) == ([], [DeliveryStatus.FAILED])


def many(world: Outbound, number: int) -> None:
    """So many clients register."""
    click = world.house.click(world.now - timedelta(days=4), "203.0.113.9")
    world.house.posts(*(a_registration(f"m{at}", click_id=click) for at in range(number)))


def test_a_target_at_which_nothing_arrives_is_paused_after_25_and_its_owner_is_written_to_once(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.REGISTRATION}))
    many(world, 12)
    world.tells()
    world.by_host[TRACKER] = fails("timed_out")
    world.passes(hours=6)

    paused = world.now_is(target)
    assert (paused.standing, len(world.sent)) == (Standing.FAILING, MOST_FAILURES)
    [mail] = Mails("books").mails(PARTNER)
    assert (mail.template, mail.values["failures"], mail.values["error"]) == (
        MailTemplate.TARGET_PAUSED, MOST_FAILURES, "timed_out"
    )  # fmt: skip
    [record] = [each for each in world.items("audit") if each["action"] == "pause_target"]
    assert record["by"] == "postback_out" and "track.example.com" in record["after"]
    assert "click_id" not in record["after"], "a URL may hold a token: its host alone is told"
    assert {each.status for each in world.log(target)} <= {DeliveryStatus.HELD, DeliveryStatus.FAILED}

    # what happens meanwhile is held, and after a resume it is sent when somebody says so
    world.house.posts(a_registration("late", click_id=world.house.click(world.now, "203.0.113.9")))
    world.tells()
    assert world.sends() == []
    with pytest.raises(Conflict):
        replay_held(world.deliveries, world.enqueue, target=paused, now=world.now)
    resumed = resume_target(world.books, a_member(), target.target)
    assert (resumed.standing, world.gate(target).failures) == (Standing.ACTIVE, 0)
    del world.by_host[TRACKER]
    number, more = replay_held(world.deliveries, world.enqueue, target=resumed, now=world.now)
    assert (number > 1, more) == (True, None)
    assert set(world.sends()) == {Outcome.DELIVERED}
    assert len(Mails("books").mails(PARTNER)) == 1


def test_a_target_of_the_brand_that_is_paused_is_told_to_who_made_it(world: Outbound) -> None:
    target = world.target(partner=None, events=frozenset({Told.REGISTRATION}))
    many(world, 12)
    world.tells()
    world.by_host[TRACKER] = fails("timed_out")
    world.passes(hours=6)
    assert world.now_is(target).standing is Standing.FAILING
    assert [each.member for each in Mails("books").mails(BRAND)] == ["mem_admin"]


def test_whoever_pauses_a_target_while_it_fails_for_the_last_time_has_paused_it(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    assert world.targets.move_gate(target.of, target.target, Gate(), Gate(MOST_FAILURES - 1, version=1))

    def paused_meanwhile(_: Any) -> Said:
        pause_target(world.books, a_member(), target.target)
        return Said(500)

    world.by_host[TRACKER] = paused_meanwhile
    assert world.sends() == [Outcome.FAILED]
    assert world.gate(target).failures == MOST_FAILURES
    assert (world.now_is(target).standing, Mails("books").mails(PARTNER)) == (Standing.PAUSED, ())


def test_two_that_fail_at_the_same_time_are_counted_as_two(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()

    def another_fails_too(_: Any) -> Said:
        assert world.targets.move_gate(target.of, target.target, Gate(), Gate(1, version=1))
        return Said(500)

    world.by_host[TRACKER] = another_fails_too
    assert world.sends() == [Outcome.FAILED]
    assert world.gate(target).failures == 2


def test_one_success_begins_the_count_anew(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.REGISTRATION}))
    many(world, 3)
    world.tells()
    turns = iter(range(1000))
    world.by_host[TRACKER] = lambda _: Said(200 if next(turns) == MOST_FAILURES - 2 else 500)
    world.passes(hours=24)
    assert len(world.sent) > MOST_FAILURES
    assert world.now_is(target).standing is Standing.ACTIVE


def test_what_cannot_be_signed_just_now_is_no_failure_of_its_target(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    [(_, body)] = world.queue

    def down(*_: Any) -> Any:
        raise Unavailable("The secret could not be read.", code="secrets_unavailable")

    with pytest.raises(Unavailable):
        replace(world.sender, secrets=down).take(json.loads(body))
    assert (world.log(target)[0].tries, world.gate(target).failures) == (0, 0)
    assert world.sends() == [Outcome.DELIVERED]


def test_a_delivery_that_is_too_long_to_be_sent_is_given_up_and_closes_its_target_for_nobody(world: Outbound) -> None:
    target = world.target("https://track.example.com/?s=" + "{sub1}" * 200, events=frozenset({Told.FTD}))
    a_client(world, query="sub1=" + "%D0%B9" * 40)
    world.tells()
    assert world.sends() == [Outcome.GIVEN_UP]
    [delivery] = world.log(target)
    assert (delivery.status, [each.error for each in delivery.attempts]) == (DeliveryStatus.FAILED, ["url_too_long"])
    assert (world.sent, world.queue, world.gate(target)) == ([], [], Gate())


# ------------------------------------------------------------------------------------------------------------ fairness


def test_a_target_that_hangs_is_met_once_at_a_time_while_others_hear_everything_at_once(world: Outbound) -> None:
    # given two targets of which one hangs, and sixty messages for each
    world.target("https://hangs.example.com/", events=frozenset({Told.REGISTRATION}))
    quick = world.target(events=frozenset({Told.REGISTRATION}))
    world.by_host["hangs.example.com"] = fails("timed_out")
    world.took["hangs.example.com"] = 10.0
    many(world, 60)
    world.tells()
    world.queue.sort(key=lambda each: "hangs" not in each[1])

    # when they are worked off
    world.sends()

    # then the one cost one wait of ten seconds, and the other has all of its messages
    assert world.hosts().count("hangs.example.com") == 1
    assert world.hosts().count(TRACKER) == 60
    assert world.elapsed < 11
    assert {each.status for each in world.deliveries.of_target(quick.target, limit=100).items} == {
        DeliveryStatus.DELIVERED
    }


def test_a_slow_target_that_answers_is_met_by_one_at_a_time_and_gets_all_of_it(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.REGISTRATION}))
    world.took[TRACKER] = SLOW / 1000
    many(world, 5)
    world.tells()
    first = json.loads(world.queue[0][1])
    assert world.sender.take(first) is Outcome.DELIVERED
    world.queue.pop(0)
    assert world.gate(target).slow

    # somebody has the turn: whoever comes meanwhile is put off
    gate = world.gate(target)
    assert world.targets.move_gate(target.of, target.target, gate, gate.taken(milliseconds(world.now)))
    assert world.sends() == [Outcome.PUT_OFF] * 4
    assert Outcome.DELIVERED in world.passes(minutes=5)
    assert {each.status for each in world.log(target)} == {DeliveryStatus.DELIVERED}


def test_what_finds_a_target_closed_again_and_again_asks_less_and_less_often(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    [(_, body)] = world.queue
    world.queue.clear()
    waits = []
    for _ in range(8):
        gate = world.gate(target)
        closed = Gate(failures=1, until=milliseconds(world.now) + 5_000, version=gate.version + 1)
        assert world.targets.move_gate(target.of, target.target, gate, closed)
        assert world.sender.take(json.loads(body)) is Outcome.PUT_OFF
        [(due, body)] = world.queue
        world.queue.clear()
        waits.append((due - milliseconds(world.now)) // 1000)
    assert waits == [15, 25, 45, 85, 165, 325, 325, 325]
    assert world.sent == []


# --------------------------------------------------------------------------------------------------- tests and replays


def test_a_test_is_sent_once_with_sample_values_and_closes_no_gate(world: Outbound) -> None:
    target = world.target()
    world.by_host[TRACKER] = lambda _: Said(500)
    sent = send_test(world.deliveries, world.enqueue, target=target, event=Told.QFTD, now=world.now)
    assert world.sends() == [Outcome.GIVEN_UP]
    [delivery] = world.log(target)
    assert (delivery.delivery, delivery.status, delivery.test, delivery.event) == (
        sent.delivery, DeliveryStatus.FAILED, True, "qftd"
    )  # fmt: skip
    assert (world.gate(target).failures, world.sent[0].headers["Introducer-Test"]) == (0, "1")
    with pytest.raises(Conflict) as refused:
        replay_delivery(world.deliveries, world.enqueue, target=target, delivery=delivery, now=world.now)
    assert refused.value.code == "test_not_replayed"


def test_a_paused_target_can_be_tested(world: Outbound) -> None:
    target = pause_target(world.books, a_member(), world.target().target)
    send_test(world.deliveries, world.enqueue, target=target, event=Told.FTD, now=world.now)
    assert world.sends() == [Outcome.DELIVERED]


def test_ten_tests_an_hour_are_sent_and_no_more(world: Outbound) -> None:
    target, other = world.target(), world.target("https://other.example.com/")
    for _ in range(MOST_TESTS):
        send_test(world.deliveries, world.enqueue, target=target, event=Told.FTD, now=world.now)
    with pytest.raises(TooMany) as refused:
        send_test(world.deliveries, world.enqueue, target=target, event=Told.FTD, now=world.now)
    assert refused.value.code == "too_many_tests" and 0 < int(str(refused.value.facts["retry_after"])) <= 3600
    send_test(world.deliveries, world.enqueue, target=other, event=Told.FTD, now=world.now)
    later = world.now + timedelta(seconds=int(str(refused.value.facts["retry_after"])))
    send_test(world.deliveries, world.enqueue, target=target, event=Told.FTD, now=later)


def test_what_was_delivered_can_be_sent_once_more_under_its_id_and_not_at_once(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.sends()
    [delivery] = world.log(target)

    def again() -> None:
        replay_delivery(world.deliveries, world.enqueue, target=target, delivery=world.log(target)[0], now=world.now)

    with pytest.raises(TooMany) as refused:
        again()
    assert refused.value.code == "replayed_too_soon"
    world.passes(minutes=2)
    again()
    with pytest.raises(Conflict) as refused_twice:
        again()
    assert refused_twice.value.code == "delivery_waits"
    assert world.sends() == [Outcome.DELIVERED]
    assert [each.headers["Introducer-Delivery"] for each in world.sent] == [delivery.delivery] * 2
    assert [each.headers["Introducer-Attempt"] for each in world.sent] == ["1", "2"]


def test_a_delivery_whose_message_was_lost_can_be_sent_by_hand(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    world.queue.clear()
    world.passes(hours=1)
    [delivery] = world.log(target)
    assert delivery.status is DeliveryStatus.WAITING
    replay_delivery(world.deliveries, world.enqueue, target=target, delivery=delivery, now=world.now)
    assert world.sends() == [Outcome.DELIVERED]


def test_what_was_held_back_long_ago_is_reached_behind_whatever_was_told_since(
    world: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given held ones behind more lines of the log than one request looks through, and more of them than it sends
    monkeypatch.setattr("introducer.services.try_target.LOOKED_AT", 4)
    monkeypatch.setattr("introducer.services.try_target.AT_ONCE", 3)
    target = pause_target(world.books, a_member(), world.target(events=frozenset({Told.REGISTRATION})).target)
    many(world, 5)
    world.tells()
    target = resume_target(world.books, a_member(), target.target)
    world.house.now += timedelta(minutes=1)
    for _ in range(6):
        send_test(world.deliveries, world.enqueue, target=target, event=Told.FTD, now=world.now)
    world.queue.clear()

    # when it is asked for until there are no more
    sent, cursor = [], None
    while not sent or cursor:
        number, cursor = replay_held(world.deliveries, world.enqueue, target=target, now=world.now, cursor=cursor)
        sent.append(number)

    # then each request goes on where the one before ended
    assert (sent[0], sum(sent), max(sent) <= 3) == (0, 5, True)
    assert world.sends() == [Outcome.DELIVERED] * 5


def test_what_cannot_be_named_to_the_queue_is_as_it_was_and_can_be_asked_for_again(
    world: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given something that is held, something that arrived an hour ago, and a queue that is down
    target = pause_target(world.books, a_member(), world.target(events=frozenset({Told.FTD})).target)
    a_client(world)
    world.tells()
    target = resume_target(world.books, a_member(), target.target)
    [held] = world.log(target)

    def down(body: str, delay: int) -> None:
        raise Unavailable("The queue did not take it.")

    with pytest.raises(Unavailable):
        replay_held(world.deliveries, down, target=target, now=world.now)
    with pytest.raises(Unavailable):
        replay_delivery(world.deliveries, down, target=target, delivery=held, now=world.now)
    assert world.log(target) == [held]
    with pytest.raises(Unavailable):
        send_test(world.deliveries, down, target=target, event=Told.FTD, now=world.now)
    assert [each.status for each in world.log(target) if each.test] == [DeliveryStatus.FAILED]

    # when it is up again
    assert replay_held(world.deliveries, world.enqueue, target=target, now=world.now) == (1, None)
    assert world.sends() == [Outcome.DELIVERED]


def test_what_waits_for_a_target_that_is_deleted_is_given_up(world: Outbound) -> None:
    target = world.target(events=frozenset({Told.FTD}))
    a_client(world)
    world.tells()
    delete_target(world.books, a_member(), target.target)
    assert world.sends() == [Outcome.GIVEN_UP]
    assert world.sent == []
    with pytest.raises(NotFound):
        world.now_is(target)
    assert world.targets.targets_of(PARTNER) == ()


# ------------------------------------------------------------------------------------------------------------- editing

WISH = Wish(
    name=" My  tracker ", url="https://t.example.com/?c={click_id}", method=Method.GET, events=frozenset({Told.FTD})
)


def test_a_target_is_added_once_for_one_request_and_each_change_is_on_record(world: Outbound) -> None:
    owner = a_member()
    made = add_target(world.books, owner, WISH, request="key-1")
    assert add_target(world.books, owner, WISH, request="key-1") == made
    with pytest.raises(Conflict):
        add_target(world.books, owner, replace(WISH, name="Another"), request="key-1")
    assert (made.name, made.standing, world.targets.targets_of(PARTNER)) == ("My tracker", Standing.ACTIVE, (made,))

    # A URL without a path has its token behind the host at once.
    other = replace(WISH, url="https://t.example.com?token=s3cret")
    changed = change_target(world.books, owner, made.target, other)
    assert change_target(world.books, owner, made.target, other) == changed
    pause_target(world.books, owner, made.target)
    resume_target(world.books, owner, made.target)
    actions = [
        each["action"] for each in world.items("audit") if each["subject"] == PARTNER and "target" in each["action"]
    ]
    assert sorted(actions) == ["add_target", "change_target", "pause_target", "resume_target"]
    assert "s3cret" not in json.dumps(world.items("audit"))


def test_another_url_is_met_without_the_failures_of_the_one_before_and_another_name_is_not(world: Outbound) -> None:
    made = add_target(world.books, a_member(), WISH)
    closed = Gate(5, until=milliseconds(world.now) + 300_000, version=1)
    assert world.targets.move_gate(made.of, made.target, Gate(), closed)
    change_target(world.books, a_member(), made.target, replace(WISH, name="Another"))
    assert world.gate(made) == closed
    change_target(world.books, a_member(), made.target, replace(WISH, url="https://new.example.com/"))
    assert world.gate(made).failures == 0


def test_whoever_is_no_owner_and_no_admin_changes_nothing(world: Outbound) -> None:
    made = add_target(world.books, a_member(), WISH)
    for member in (a_member(role=Role.MEMBER), a_member(None, Role.MANAGER), a_member(None, Role.FINANCE)):
        with pytest.raises(Forbidden):
            add_target(world.books, member, WISH)
        with pytest.raises(Forbidden):
            delete_target(world.books, member, made.target)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (replace(WISH, name=" "), "target_name"),
        (replace(WISH, name="x" * 61), "target_name"),
        (replace(WISH, events=frozenset()), "target_events"),
        (replace(WISH, campaigns=frozenset(map(str, range(51)))), "target_campaigns"),
        (replace(WISH, url="https://10.0.0.1/"), "url_host"),
        (replace(WISH, url="http://127.0.0.1:99/"), "url_not_https"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_change(world: Outbound, wish: Wish, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        add_target(world.books, a_member(), wish)
    assert refused.value.code == code


def test_there_are_ten_targets_and_no_more(world: Outbound) -> None:
    made = [add_target(world.books, a_member(), WISH) for _ in range(MOST_TARGETS)]
    with pytest.raises(Conflict) as refused:
        add_target(world.books, a_member(), WISH)
    assert refused.value.code == "too_many_targets"
    delete_target(world.books, a_member(), made[0].target)
    add_target(world.books, a_member(), WISH)


def test_adding_and_deleting_in_a_circle_ends_until_the_next_day(
    world: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("introducer.services.edit_targets.MOST_ADDED", 3)
    for _ in range(3):
        delete_target(world.books, a_member(), add_target(world.books, a_member(), WISH).target)
        world.house.now += timedelta(hours=1)
    with pytest.raises(TooMany) as refused:
        add_target(world.books, a_member(), WISH)
    assert refused.value.code == "too_many_new_targets"
    add_target(world.books, a_member(OTHER), WISH)
    world.house.now += timedelta(seconds=int(str(refused.value.facts["retry_after"])))
    add_target(world.books, a_member(), WISH)


def test_a_secret_is_shown_once_and_another_replaces_it_while_both_are_good(world: Outbound) -> None:
    owner, made = a_member(), world.target(events=frozenset({Told.FTD}))
    _, text = show_secret(world.books, owner, made.target, KEY)
    assert text == secret_of(KEY, made.target, 1)
    with pytest.raises(Conflict) as refused:
        show_secret(world.books, owner, made.target, KEY)
    assert refused.value.code == "secret_shown"
    rotated = rotate_secret(world.books, owner, made.target, generation=1)
    assert rotate_secret(world.books, owner, made.target, generation=1) == rotated
    # One that nobody has seen replaces nothing: receivers have the one before, which would be good no more.
    with pytest.raises(Conflict) as unseen:
        rotate_secret(world.books, owner, made.target, generation=2)
    assert unseen.value.code == "secret_not_shown"
    assert show_secret(world.books, owner, made.target, KEY)[1] != text
    assert text not in world.house.all_text()

    send_test(world.deliveries, world.enqueue, target=rotated, event=Told.FTD, now=world.now)
    world.sends()
    assert world.sent[0].headers["Introducer-Signature"].count("v1=") == 2
    world.passes(seconds=OVERLAP.total_seconds())
    send_test(world.deliveries, world.enqueue, target=rotated, event=Told.FTD, now=world.now)
    world.sends()
    assert world.sent[1].headers["Introducer-Signature"].count("v1=") == 1


def test_a_change_that_meets_another_is_refused(world: Outbound) -> None:
    made = world.target()
    change = Change(by="mem_owner", at=world.now, why="x", origin="test")
    world.targets.put("change_target", made, replace(made, name="One", version=2), change)
    with pytest.raises(Conflict) as refused:
        world.targets.put("change_target", made, replace(made, name="Two", version=2), change)
    assert refused.value.code == "target_changed"
