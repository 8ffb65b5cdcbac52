"""Mails of a batch go out side by side, with few requests: what each costs is counted on the wire, and what holds of
one mail after the other holds of many at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Lock
from types import SimpleNamespace
from typing import Any, cast

import pytest

from introducer.domain.broadcast import BroadcastStatus, broadcast_of
from introducer.domain.errors import Conflict, Unavailable
from introducer.domain.mail import Mail, MailStatus, MailTemplate, Seen, written_mail
from introducer.domain.mail_pace import Pace, Taken
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_text import text_of
from introducer.gateways.user_pool import Login
from introducer.services.send_mail import BRAND_KEPT, PERMITS_TOGETHER, STOP_KEPT, Permits
from introducer.services.take_mail_feedback import MailFeedback
from introducer.store.mail_figures import Figures
from tests.support.mailing import BRAND, CHANGE, NOW, PARTNER, SECRET, World, a_world, to_one
from tests.support.memory import Memory, cancelled

MANY = 40


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def world() -> Iterator[World]:
    """Members who get mail at any hour, and an outbox that stays for the next batch."""
    with a_world() as found:
        for number in range(MANY):
            sub = f"m{number:02}"
            found.member(sub)
            never = MailPreferences(member=sub, quiet_from=8, quiet_until=8, version=1)
            found.preferences.change(BRAND, MailPreferences(member=sub), never, CHANGE)
        outbox = found.outbox()
        found.app.__dict__["outbox"] = lambda: outbox
        found.app.__dict__["AT_ONCE"] = 16
        yield found


def a_broadcast(world: World, *, permitted: bool = True) -> list[Mail]:
    """A mail to each member, in the order in which the stream shows them."""
    text = world.texts.keep(BRAND, text_of("News", "Hello {name} of {partner}"))
    mails = [
        written_mail(
            "brc_1", text, "news", brand=BRAND, at=NOW, series="brc:1", partner=PARTNER, member=f"m{number:02}"
        )
        for number in range(MANY)
    ]
    for mail in mails:
        world.writes(replace(mail, permitted=permitted))
    named = {mail.mail: mail for mail in mails}
    return [named[record["eventID"]] for record in world.records()]


@contextmanager
def wire(refuses: Any = lambda operation, arguments: None) -> Iterator[Counter[str]]:
    """Requests to the books, by their kind. What `refuses` gives back is raised instead."""
    counted: Counter[str] = Counter()
    lock, call = Lock(), Memory.call

    def counts(memory: Memory, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        with lock:
            counted[operation] += 1
            refused = refuses(operation, arguments)
        if refused:
            raise refused
        return call(memory, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Memory, "call", counts)
        yield counted


class TestRequests:
    def test_a_mail_of_a_broadcast_costs_four_and_what_all_share_is_read_once(self, world: World) -> None:
        a_broadcast(world)
        records = world.records()
        with wire() as asked:
            assert world.app.handler({"Records": records}, None) == {"batchItemFailures": []}
        assert len(world.inbox.taken) == MANY
        # who it is for; what they want, and their address; the claim; that it was sent, with its figure and its place.
        # The brand, and the text: threads that ask for a text at the same time may each read it.
        shared = asked.pop("GetItem")
        assert 2 <= shared <= 1 + world.app.AT_ONCE
        assert asked == {"BatchGetItem": 2 * MANY, "UpdateItem": MANY, "TransactWriteItems": MANY}
        assert world.figures.of_series(BRAND, "brc:1") == Figures(sent=MANY)
        # and nothing of it comes again by the stream
        assert {mail.seen for mail in world.mails.mails(PARTNER)} == {frozenset({Seen.SENT})}

    def test_permits_cost_two_for_some_mails_together(self, world: World) -> None:
        a_broadcast(world, permitted=False)
        records = world.records()
        with wire() as asked:
            world.app.handler({"Records": records}, None)
        assert len(world.inbox.taken) == MANY
        assert sum(asked.values()) <= 5 * MANY
        takes = -(-MANY // PERMITS_TOGETHER)
        assert asked["UpdateItem"] == MANY + takes + 1  # the account's rate is kept once
        with wire() as asked:
            world.writes(to_one("m00", template=MailTemplate.CONTEST_ENTERED))
            [record] = [each for each in world.records() if each["dynamodb"]["NewImage"]["template"]["S"] != "written"]
            asked.clear()
            world.app.handler({"Records": [record]}, None)
        # and one that comes alone
        assert sum(asked.values()) == 6

    def test_while_there_are_no_permits_a_batch_asks_once(self, world: World) -> None:
        world.rate = 1
        world.paces.take(1_000, 1, 1)
        a_broadcast(world, permitted=False)
        taken, take = Counter[str](), world.paces.take

        def takes(*given: Any) -> Taken:
            taken["asked"] += 1
            return take(*given)

        cast(Any, world.paces).take = takes
        world.app.handler({"Records": world.records()}, None)
        waiting = {mail.not_before for mail in world.mails.mails(PARTNER) if mail.status is MailStatus.WAITING}
        assert taken["asked"] <= 2
        assert len(world.inbox.taken) <= 1
        assert len(waiting) == 1

    @pytest.mark.parametrize(("event", "cost"), [("Delivery", 2), ("Bounce", 3)])
    def test_a_notification_costs_two_and_a_suppressed_address_one_more(
        self, world: World, event: str, cost: int
    ) -> None:
        mail = world.writes(to_one("m00"))
        world.runs()
        address = {"emailAddress": "m00@example.com"}
        told = {"eventType": event, "bounce": {"bounceType": "Permanent", "bouncedRecipients": [address]},
                "mail": {"messageId": "ses-1", "tags": {"mail": [mail.mail], "of": [mail.of]}}}  # fmt: skip
        takes = MailFeedback(world.mails, world.suppressions, secret=lambda: SECRET, now=lambda: world.now)
        with wire() as asked:
            assert takes.take(told)
        assert sum(asked.values()) == cost
        with wire() as asked:
            assert takes.take(told) is None
        assert asked == {"BatchGetItem": 1}


def test_what_is_counted_while_others_count_is_counted_by_the_stream(world: World) -> None:
    mail, met = world.writes(to_one("m00")), [1]

    def meets(operation: str, arguments: Mapping[str, Any]) -> Exception | None:
        # another transaction is at the figures
        if operation == "TransactWriteItems" and len(arguments["TransactItems"]) == 3 and met[0]:
            met[0] -= 1
            refused: Exception = cancelled(
                operation, [{"Code": "None"}, {"Code": "None"}, {"Code": "TransactionConflict"}]
            )
            return refused
        return None

    with wire(meets):
        world.app.handler({"Records": world.records()}, None)
    assert (met, world.status(mail)) == ([0], ("sent", ""))
    assert world.mails.by_message("ses-1") == (mail.of, mail.mail)
    assert world.figures.of_series(BRAND, mail.counted_as) == Figures()
    for _ in range(2):
        world.runs()
    assert world.figures.of_series(BRAND, mail.counted_as) == Figures(sent=1)
    assert len(world.inbox.taken) == 1


def test_a_claim_whose_answer_was_lost_is_found_again_and_the_mail_is_sent(world: World) -> None:
    # given a table whose answers to one request are lost, so that the library sends it once more
    mail, call, lost = world.writes(to_one("m00")), Memory.call, Counter[str]()

    def twice(memory: Memory, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "UpdateItem" and not lost[operation]:
            lost[operation] += 1
            call(memory, operation, arguments)
        return call(memory, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Memory, "call", twice)
        assert world.app.handler({"Records": world.records()}, None) == {"batchItemFailures": []}
    assert (lost, world.status(mail), len(world.inbox.taken)) == ({"UpdateItem": 1}, ("sent", ""), 1)


def test_nobody_else_finds_a_claim_to_be_theirs(world: World) -> None:
    mail = world.writes(to_one("m00"))
    world.mails.claim(mail, "one", NOW)
    world.mails.claim(mail, "one", NOW)
    with pytest.raises(Conflict):
        world.mails.claim(mail, "other", NOW)
    world.mails.mark(mail, MailStatus.UNCLEAR, NOW, reason="cut_off")
    with pytest.raises(Conflict):
        world.mails.claim(mail, "one", NOW)


def test_after_a_stop_nothing_of_a_broadcast_goes_out_for_longer_than_a_second(world: World) -> None:
    stopped, broadcast = [False], f"brc_{'1' * 26}"
    status = {False: BroadcastStatus.DONE, True: BroadcastStatus.STOPPED}
    cast(Any, world.broadcasts).broadcast = lambda name: SimpleNamespace(status=status[stopped[0]])
    mails = [to_one(f"m{number:02}", what="brc_1", series=f"brc:{broadcast}") for number in range(3)]
    for mail in mails:
        world.writes(mail)
        world.runs()
        stopped[0] = True
        world.now += STOP_KEPT / 2
    other = world.writes(to_one("m00"))
    world.runs()
    found = [world.status(mail) for mail in (*mails, other)]
    assert found == [("sent", ""), ("sent", ""), ("suppressed", "broadcast_stopped"), ("sent", "")]
    assert [broadcast_of(each) for each in ("seq:1:2", "brc:", "xbrc:1", f"brc:{broadcast}")] == ["", "", "", broadcast]


def test_a_brand_is_read_again_after_a_minute(world: World) -> None:
    read, names = world.configuration.brand, ["Northwind", "Southwind"]
    cast(Any, world.configuration).brand = lambda brand: replace(read(brand), name=names.pop(0))
    outbox = world.outbox()
    world.app.__dict__["outbox"] = lambda: outbox
    for number in range(4):
        world.writes(to_one("m00", what=f"pay_{number}"))
        world.runs()
        world.now += BRAND_KEPT / 2
    assert [letter.from_name for letter in world.inbox.taken] == ["Northwind"] * 2 + ["Southwind"] * 2


def test_a_permit_of_a_batch_is_good_for_one_mail_and_who_has_none_waits_as_long_as_it_is_said() -> None:
    grants, wanted = [2, 1, 0, 3], []

    class Given:
        def take(self, many: int, now: datetime) -> Taken:
            wanted.append(many)
            return Taken(Pace(), grants.pop(0), 2_500)

    permits, later = Permits(cast(Any, Given()), 3), NOW + timedelta(milliseconds=2_500)
    assert [permits.waits_until(NOW) for _ in range(5)] == [None, None, None, later, later]
    assert permits.waits_until(later) is None
    assert wanted == [3, 3, 3, 3]
    assert Permits(None, 3).waits_until(NOW) is None


class TestSideBySide:
    def test_many_are_on_their_way_at_the_same_time(self, world: World) -> None:
        a_broadcast(world)
        # given a mail service that answers nobody before eight are there
        together = Barrier(8, timeout=30)
        world.inbox.also = together.wait
        assert world.app.handler({"Records": world.records()}, None) == {"batchItemFailures": []}
        assert len(world.inbox.taken) == len(set(world.inbox.addresses)) == MANY

    def test_one_mail_is_never_at_work_twice_however_often_it_comes(self, world: World) -> None:
        a_broadcast(world)
        assert world.app.handler({"Records": world.records() * 3}, None) == {"batchItemFailures": []}
        assert len(world.inbox.taken) == len(set(world.inbox.addresses)) == MANY
        assert {mail.status for mail in world.mails.mails(PARTNER)} == {MailStatus.SENT}

    @pytest.mark.parametrize("down", [0, 7, MANY - 1])
    def test_the_stream_comes_again_from_the_first_that_is_not_done(self, world: World, down: int) -> None:
        # given one login that cannot be read just now
        mails, login = a_broadcast(world), world.logins.login

        def fails(sub: str) -> Login:
            if sub == mails[down].member:
                raise Unavailable("down")
            return login(sub)

        cast(Any, world.logins).login = fails
        answer = world.app.handler({"Records": world.records()}, None)
        # then whatever stands before the place that is named is done
        [place] = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        first = [mail.mail for mail in mails].index(place)
        assert first <= down
        done = {mail.mail for mail in world.mails.mails(PARTNER) if mail.status is MailStatus.SENT}
        assert done >= {mail.mail for mail in mails[:first]}
        assert place not in done
        # and when it can be read again, each has been told once
        cast(Any, world.logins).login = login
        records = [each for each in world.records() if each["eventID"] in {mail.mail for mail in mails[first:]}]
        assert world.app.handler({"Records": records}, None) == {"batchItemFailures": []}
        assert len(world.inbox.taken) == len(set(world.inbox.addresses)) == MANY
        assert world.figures.of_series(BRAND, "brc:1") == Figures(sent=MANY)

    @pytest.mark.parametrize("part", ["claim", "sent"])
    @pytest.mark.parametrize("after", [False, True])
    def test_a_process_that_dies_with_many_on_their_way_tells_nobody_twice(
        self, world: World, part: str, after: bool
    ) -> None:
        a_broadcast(world)
        call, lock, calls = getattr(world.mails, part), Lock(), [0]

        def dies(*given: Any, **named: Any) -> Any:
            with lock:
                calls[0] += 1
                mine = calls[0]
            # from the fifth call on none of its threads gets any further
            if mine >= 5 and not after:
                raise Crash
            answer = call(*given, **named)
            if mine >= 5:
                raise Crash
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world.mails, part, dies)
            with pytest.raises(Crash):
                world.app.handler({"Records": world.records()}, None)
        for _ in range(2):
            assert world.runs() == []
        assert len(world.inbox.taken) == len(set(world.inbox.addresses))
        statuses = Counter(mail.status for mail in world.mails.mails(PARTNER))
        assert statuses.keys() <= {MailStatus.SENT, MailStatus.UNCLEAR}
        assert statuses.total() == MANY
        assert statuses[MailStatus.SENT] >= 4
        assert world.figures.of_series(BRAND, "brc:1") == Figures(sent=statuses[MailStatus.SENT])
