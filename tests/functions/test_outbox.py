"""The outbox: whom a mail goes to, in which words, and what becomes of one that does not get through."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from introducer.domain.configuration import Role
from introducer.domain.errors import Unavailable
from introducer.domain.mail import MailStatus, MailTemplate
from introducer.gateways.mail import MailNotTaken, MailRefused, MailUnclear
from introducer.services import send_mail
from introducer.services.send_mail import Outbox, Permits
from introducer.store import keys
from introducer.store.mails import Named
from introducer.store.wire import to_wire
from introducer.wording.mails.rendering import EXAMPLES
from tests.support.mailing import BRAND, PAID, PARTNER, World, a_world, to_one, to_owners


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as found:
        yield found


# ---------------------------------------------------------------------------------------------------------- who, what


def test_each_owner_is_told_once_in_their_own_language(world: World) -> None:
    world.member("ann"), world.member("omar", language="ar"), world.member("clerk", Role.MEMBER)
    world.member("other", partner="par_2")
    mail = world.writes(to_owners())

    for _ in range(3):
        assert world.runs() == []

    ann, omar = sorted(world.inbox.taken, key=lambda letter: letter.to)
    assert [(letter.to, letter.language) for letter in (ann, omar)] == [
        ("ann@example.com", "en"),
        ("omar@example.com", "ar"),
    ]
    assert 'dir="rtl"' in omar.html
    assert world.statuses() == {"ann": ("sent", ""), "omar": ("sent", "")}
    assert world.mails.mail(PARTNER, mail.mail).people == 2
    assert {each.message for each in world.mails.mails(PARTNER)} == {"", "ses-1", "ses-2"}


def test_a_run_that_waits_is_told_to_finance_and_admins_of_its_brand(world: World) -> None:
    for sub, role in (("fin", Role.FINANCE), ("adm", Role.ADMIN), ("man", Role.MANAGER)):
        world.member(sub, role, partner=None)
    world.member("ann")
    world.writes(to_owners(MailTemplate.PAYOUTS_WAITING, partner=""))
    assert world.runs() == []
    assert sorted(world.inbox.addresses) == ["adm@example.com", "fin@example.com"]
    assert "https://go.example.com/desk/runs/2026-11-monthly-EUR" in world.inbox.taken[0].text
    last = "You get this mail from Northwind & Sons because you work there."
    assert world.inbox.taken[0].text.rstrip().endswith(last)


def test_what_people_wrote_is_text_in_html_and_links_lead_to_the_brands_portal(world: World) -> None:
    world.member("ann")
    world.writes(to_one())
    world.runs()
    [letter] = world.inbox.taken
    assert "&lt;Amberfield&gt;" in letter.html
    assert "<Amberfield>" not in letter.html
    assert "<Amberfield>" in letter.text
    assert (letter.from_name, letter.to_name) == ("Northwind & Sons", "Ann")
    assert f'href="https://go.example.com/payouts/{EXAMPLES[PAID]["payout"]}"' in letter.html


# --------------------------------------------------------------------------------------------------- who is not told


def test_without_a_sender_it_is_written_down_that_nothing_was_sent(world: World) -> None:
    world.sender = False
    world.member("ann")
    world.writes(to_owners())
    assert world.runs() == []
    assert world.statuses() == {"ann": ("failed", "no_sender_configured")}
    assert [mail.member for mail in world.mails.unsent(BRAND).items] == ["ann"]


def test_who_cannot_or_must_not_be_told_is_written_down_with_the_reason(world: World) -> None:
    for sub in ("bob", "cem", "dan", "eve"):
        world.member(sub)
    world.member("fay", partner="par_2")
    world.logins.unverified.add("bob")
    world.logins.disabled.add("cem")
    world.logins.gone.add("dan")
    for sub in ("bob", "cem", "dan", "fay", "gil"):
        world.writes(to_one(sub))
    nobody = world.writes(to_owners(partner="par_nobody"))
    world.writes(to_one("eve"))

    assert world.runs() == []

    assert world.statuses() == {
        "bob": ("suppressed", "address_unverified"),
        "cem": ("suppressed", "login_disabled"),
        "dan": ("failed", "no_such_login"),
        "fay": ("failed", "no_such_login"),  # never tell one partner of another
        "gil": ("failed", "no_such_login"),
        "eve": ("sent", ""),
    }
    assert world.status(nobody) == ("failed", "nobody_to_tell")
    assert world.inbox.addresses == ["eve@example.com"]


def test_a_mail_that_cannot_be_written_is_reported_and_holds_up_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.member("ann")
    bad, good = world.writes(to_one()), world.writes(to_one(what="pay_2 paid"))
    render, calls = send_mail.render, [0]

    def fails_once(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == 1:
            raise KeyError("a mistake of ours")
        return render(*given, **named)

    monkeypatch.setattr(send_mail, "render", fails_once)
    assert world.runs() == []
    assert {world.status(bad), world.status(good)} == {("failed", "not_rendered"), ("sent", "")}
    assert world.reports == ["payout_paid: 'a mistake of ours'"]


# ----------------------------------------------------------------------------------------------- what goes wrong midway


def test_what_ses_refuses_is_not_tried_again(world: World) -> None:
    world.member("ann")
    world.inbox.fails = [MailRefused("no", code="MessageRejected")]
    mail = world.writes(to_one())
    assert world.runs() == []
    assert world.status(mail) == ("failed", "MessageRejected")
    assert world.inbox.taken == []


def test_what_ses_has_no_room_for_waits_and_is_sent_once_later(world: World) -> None:
    world.member("ann")
    mail = world.writes(to_one())
    world.inbox.fails = [MailNotTaken("full")] * 2
    assert world.runs() == [mail.mail]
    assert world.status(mail) == ("waiting", "")
    assert world.runs() == []
    assert (world.status(mail), len(world.inbox.taken)) == (("sent", ""), 1)


def test_after_no_answer_it_is_unclear_and_stays_so(world: World) -> None:
    world.member("ann")
    mail = world.writes(to_one())
    world.inbox.fails = [MailUnclear("no answer")]
    for _ in range(3):
        assert world.runs() == []
    assert world.status(mail) == ("unclear", "no_answer")
    assert world.inbox.taken == []
    assert [each.mail for each in world.mails.unsent(BRAND).items] == [mail.mail]


class Crash(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("site", range(12))
def test_a_crash_before_or_after_any_call_sends_no_second_mail_and_loses_none_unseen(
    world: World, site: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two owners, and a process that dies at one of the calls to the books or to SES
    world.member("ann"), world.member("bob")
    world.writes(to_owners())
    left = [site]

    def dies(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == -1:
                raise Crash
            answer = call(*args, **more)
            left[0] -= 1
            if left[0] == -1:
                raise Crash
            return answer

        return wrapped

    monkeypatch.setattr(world.mails, "mark", dies(world.mails.mark))
    monkeypatch.setattr(world.mails, "claim", dies(world.mails.claim))
    monkeypatch.setattr(world.mails, "put", dies(world.mails.put))
    monkeypatch.setattr(world.mails, "sent", dies(world.mails.sent))
    monkeypatch.setattr(world.inbox, "send", dies(world.inbox.send))
    # when the stream delivers until it is done
    for _ in range(4):
        try:
            world.runs()
        except Crash:
            continue
    # then each was told once at most, and who was perhaps not told is on the list
    assert left[0] < 0, "it died nowhere"
    assert len(world.inbox.addresses) == len(set(world.inbox.addresses))
    statuses = world.statuses()
    assert statuses.keys() == {"ann", "bob"}
    assert set(statuses.values()) <= {("sent", ""), ("unclear", "cut_off")}
    unclear = {sub for sub, (status, _) in statuses.items() if status == "unclear"}
    assert {mail.member for mail in world.mails.unsent(BRAND).items} == unclear
    assert {f"{sub}@example.com" for sub in statuses.keys() - unclear} <= set(world.inbox.addresses)


def test_two_at_once_send_one_and_the_one_that_sent_it_has_the_last_word(world: World) -> None:
    world.member("ann")
    mail = world.writes(to_one())
    # given a second delivery while the first is handing the mail over
    seen: list[MailStatus | None] = []
    world.inbox.also = lambda: seen.append(world.outbox().deliver(Named(mail.of, mail.mail, mail.partner, mail.member)))
    assert world.runs() == []
    assert seen == [MailStatus.UNCLEAR]
    assert (world.status(mail), len(world.inbox.taken)) == (("sent", ""), 1)


def test_while_logins_cannot_be_read_the_stream_waits_at_the_first_mail(world: World) -> None:
    world.member("ann")
    first = world.writes(to_one())
    world.logins.down = True
    other = {"eventID": "x", "dynamodb": {"NewImage": {}, "SequenceNumber": "0"}}
    answer = world.app.handler({"Records": [other, *world.records(), {**other, "eventID": "y"}]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": first.mail}]}
    world.logins.down = False
    assert world.runs() == []
    assert world.status(first) == ("sent", "")


def test_what_is_no_mail_or_is_forgotten_is_passed_over(world: World) -> None:
    gone = {"dynamodb": {"SequenceNumber": "1"}}
    mail = world.writes(to_one())
    [record] = world.records()
    world.client.delete_item(
        TableName="books", Key={name: record["dynamodb"]["NewImage"][name] for name in ("pk", "sk")}
    )
    assert world.app.handler({"Records": [gone, record]}, None) == {"batchItemFailures": []}
    assert world.mails.mails(mail.of) == ()


def test_an_item_that_cannot_be_read_is_named_in_the_log_and_holds_up_nobody(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    # given an entry of the books that lacks what every entry has, and a mail behind it
    world.member("ann")
    key = keys.key("journal", partner=PARTNER, month="202603", journal="jrn_broken").item()
    broken = {"eventID": "evt-1", "dynamodb": {"SequenceNumber": "0", "NewImage": to_wire(dict(key))}}
    mail = world.writes(to_one())
    answer = world.app.handler({"Records": [broken, *world.records()]}, None)
    assert answer == {"batchItemFailures": []}
    assert world.status(mail) == ("sent", "")
    assert [getattr(line, "event", "") for line in caplog.records] == ["evt-1"]
    assert "OutboxUnread" in capfd.readouterr().out


def test_a_mistake_with_one_mail_lets_the_others_through_and_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    world.member("ann"), world.member("bob")
    bad, good = world.writes(to_one()), world.writes(to_one("bob"))
    deliver = Outbox.deliver

    def fails(outbox: Outbox, mail: Named, permits: Permits) -> Any:
        if mail.mail == bad.mail:
            raise KeyError("ann@example.com")
        return deliver(outbox, mail, permits)

    monkeypatch.setattr(Outbox, "deliver", fails)
    assert world.runs() == [bad.mail]
    assert world.status(good) == ("sent", "")
    assert "MailsSent" in (said := capfd.readouterr().out)
    assert "ann@example.com" not in said


def test_functions_that_write_mails_down_do_not_load_what_renders_them() -> None:
    script = "import introducer.store.mails, sys; assert 'jinja2' not in sys.modules and 'babel' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


class TestAuditRecords:
    def test_each_gets_one_link_however_often_it_comes(self, world: World, capfd: pytest.CaptureFixture[str]) -> None:
        changes = world.changes()
        assert len(changes) == 3
        for given in (changes, changes[1:], changes[::-1]):
            assert world.app.handler({"Records": given}, None) == {"batchItemFailures": []}
        assert [number for number, _ in world.chain.links(BRAND, 0)] == [1, 2, 3]
        assert '"AuditRecordsChained":[3' in capfd.readouterr().out.replace(" ", "")

    def test_a_mail_that_waits_for_its_service_holds_up_no_record_of_its_batch(self, world: World) -> None:
        world.member("ann")
        mail = world.writes(to_one())
        world.logins.down = True
        [waits] = world.records()
        answer = world.app.handler({"Records": [waits, *world.changes()]}, None)
        # The stream goes on from the mail; the records have their links by then.
        assert answer == {"batchItemFailures": [{"itemIdentifier": mail.mail}]}
        assert len(list(world.chain.links(BRAND, 0))) == len(world.changes())

    def test_a_chain_that_is_down_holds_up_no_mail_of_its_batch(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.member("ann")
        mail = world.writes(to_one())
        changes = world.changes()

        def down(brand: str) -> Any:
            raise Unavailable("down")

        with monkeypatch.context() as patch:
            patch.setattr(world.chain, "head", down)
            answer = world.app.handler({"Records": [*world.records(), *changes]}, None)
        assert answer == {"batchItemFailures": [{"itemIdentifier": changes[0]["eventID"]}]}
        assert world.status(mail) == ("sent", "")
        # And once it is up again, all is caught up with.
        assert world.app.handler({"Records": [*world.records(), *changes]}, None) == {"batchItemFailures": []}
        assert len(list(world.chain.links(BRAND, 0))) == len(changes)
        assert len(world.inbox.taken) == 1
