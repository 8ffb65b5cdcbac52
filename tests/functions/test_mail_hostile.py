"""Mail and what people write into it, what is missing from it, what is too long for it; who gets what at which hour;
and notifications that are none of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace
from typing import Any, cast

import jinja2
import pytest

from introducer.domain.configuration import Brand, Role
from introducer.domain.errors import Invalid, Unavailable
from introducer.domain.mail import FIELDS, Kind, Mail, MailStatus, MailTemplate, Seen, new_mail, written_mail
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_text import MailText, Words, check_text, text_of
from introducer.domain.mail_topics import Topic, topic_of
from introducer.domain.suppressing import Suppressed
from introducer.gateways.mail import Letter, MailServiceFull, written
from introducer.services.hand_on_mails import HandsOn
from introducer.services.lift_suppression import ask_for_mail
from introducer.services.send_mail import Pacing
from introducer.services.take_mail_feedback import MailFeedback, NotOurs
from introducer.store.mail_figures import SHARDS, Figures, shard_of
from introducer.store.mails import Addressed, Named
from introducer.wording.mails import letters, rendering
from introducer.wording.mails.rendering import EXAMPLES
from tests.support.functions import load
from tests.support.mailing import BRAND, CHANGE, NOW, PARTNER, SECRET, World, a_world, to_one, to_owners

EVIL = "<img src=x onerror=alert(1)>{{x}}{% raw %}{name}%(brand)s"
BREAKS = "Ann\r\nBcc: eve@example.com\r\n\r\n-- \r\nSee:\nhttps://evil.example\u2028now"
ON_ONE_LINE = "Ann Bcc: eve@example.com -- See: https://evil.example now"
NIGHT = NOW.replace(hour=23)


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as found:
        yield found


def prefers(world: World, sub: str, **wish: Any) -> None:
    before = world.preferences.preferences(sub)
    world.preferences.change(BRAND, before, MailPreferences(member=sub, version=before.version + 1, **wish), CHANGE)


def always(world: World, sub: str, role: Role = Role.OWNER, partner: str | None = PARTNER, **other: Any) -> None:
    """A member who gets mail at any hour."""
    world.member(sub, role, partner=partner)
    prefers(world, sub, quiet_from=8, quiet_until=8, **other)


def is_to_staff(template: MailTemplate) -> bool:
    return template in rendering._TO_STAFF


def said_by(template: MailTemplate, text: str) -> dict[str, Any]:
    """The template's example, with this wherever people's own words stand."""
    values = dict(EXAMPLES[template])
    for name, kind in FIELDS[template].items():
        if kind is Kind.TEXT:
            values[name] = text
        elif kind is Kind.PARTNERS:
            values[name] = [{**each, "name": text} for each in cast(Any, values[name])]
    return values


def raw(letter: Letter) -> Any:
    return message_from_bytes(written(letter, "partners@example.com", NOW), policy=default)


class TestWhatPeopleWrote:
    @pytest.mark.parametrize("text", [EVIL, BREAKS])
    def test_does_nothing_in_any_mail(self, world: World, text: str) -> None:
        # given a brand, a partner, its owner and a colleague of this name, and every mail there is
        for sub, role, partner in (("ann", Role.OWNER, PARTNER), ("sam", Role.ADMIN, None)):
            always(world, sub, role, partner)
        names(world, text)
        shown = ON_ONE_LINE if text is BREAKS else text
        kept = world.texts.keep(BRAND, check_text(text_of("For {partner}", "Hello {name} of {partner}: {manager}")))
        for template in MailTemplate:
            staff, values = is_to_staff(template), said_by(template, text)
            if template is MailTemplate.WRITTEN:
                values |= {"text": kept, "fills": {"manager": text}}
            world.writes(new_mail(f"{template} x", template, values, brand=BRAND, at=NOW,
                                  partner="" if staff else PARTNER, member="sam" if staff else "ann"))  # fmt: skip
        # when they are sent
        world.runs()
        # then all are, whole
        assert world.reports == []
        assert len(world.inbox.taken) == len(MailTemplate)
        for letter in world.inbox.taken:
            assert "<img" not in letter.html
            assert "onerror=alert(1)&gt;{{x}}" in letter.html or text is BREAKS
            assert shown in letter.text
            mail = raw(letter)
            # no name made a header, a line of the text, or another reader
            assert "Bcc" not in mail
            assert not [line for line in letter.text.splitlines() if line.startswith(("Bcc", "https://evil"))]
            assert [line for line in letter.text.splitlines() if line.startswith("-- ")] == ["-- "]
            assert [each.addr_spec for each in mail["To"].addresses] == [letter.to]
            assert len(str(mail["Subject"]).splitlines()) == 1

    def test_a_staffs_own_html_stays_text_and_its_braces_are_refused_when_saved(self, world: World) -> None:
        always(world, "ann")
        kept = world.texts.keep(BRAND, check_text(text_of("<b>Now</b>", "<img src=x onerror=alert(1)> & more")))
        world.writes(written_mail("brc_1", kept, "news", brand=BRAND, at=NOW, series="brc:1", partner=PARTNER,
                                  member="ann"))  # fmt: skip
        world.runs()
        [letter] = world.inbox.taken
        assert "<img" not in letter.html
        assert "&lt;img src=x onerror=alert(1)&gt; &amp; more" in letter.html
        assert (letter.subject, "<img src=x onerror=alert(1)> & more" in letter.text) == ("<b>Now</b>", True)
        for text in ("{{x}}", "{{ 7*7 }}", "{% if x %}", "{x"):
            with pytest.raises(Invalid) as refused:
                check_text(text_of("Hello", text))
            assert refused.value.code in ("lone_brace", "unknown_placeholder")


def names(world: World, text: str) -> None:
    """The brand, the partner and its people are called so."""
    read, read_brand = world.mails.addressed, world.configuration.brand

    def addressed(mail: Named) -> Addressed:
        found, member, partner = read(mail)
        return Addressed(found, member and replace(member, name=text), partner and replace(partner, name=text))

    cast(Any, world.mails).addressed = addressed
    cast(Any, world.configuration).brand = lambda brand: replace(read_brand(brand), name=text)


class TestWhatIsMissing:
    def test_a_placeholder_without_a_value_sends_no_half_mail_and_is_seen(self, world: World) -> None:
        # given a text that asks for what its mail does not say: a mistake of ours
        always(world, "ann")
        kept = world.texts.keep(BRAND, text_of("Hello", "Ask {manager}"))
        bad = world.writes(written_mail("brc_1", kept, "news", brand=BRAND, at=NOW, series="brc:1", partner=PARTNER,
                                        member="ann"))  # fmt: skip
        good = world.writes(to_one())
        assert world.runs() == []
        # then nothing of it was sent, what is wrong is said by name, and staff find it on their list
        assert (world.status(bad), world.status(good)) == (("failed", "not_rendered"), ("sent", ""))
        assert world.reports == ["written: there is no value for ['manager']"]
        assert [each.mail for each in world.mails.unsent(BRAND).items] == [bad.mail]
        assert world.figures.of_series(BRAND, "brc:1") == Figures()

    def test_a_text_that_is_gone_is_no_half_mail_either(self, world: World) -> None:
        always(world, "ann")
        bad = world.writes(written_mail("brc_1", "txt_gone", "news", brand=BRAND, at=NOW, series="", partner=PARTNER,
                                        member="ann"))  # fmt: skip
        assert world.runs() == []
        assert (world.status(bad), world.inbox.taken) == (("failed", "not_rendered"), [])

    def test_what_a_template_names_and_a_letter_has_not_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said = letters.letter(MailTemplate.PAYOUT_PAID, EXAMPLES[MailTemplate.PAYOUT_PAID], _english(), rendering.OWNER)
        whole = {name: getattr(said, name) for name in said.__dataclass_fields__}
        for name in ("heading", "greeting", "footer", "href", "facts"):
            less = SimpleNamespace(**{other: value for other, value in whole.items() if other != name})
            with pytest.raises(jinja2.UndefinedError, match=name):
                rendering.rendered(cast(Any, less))


def _english() -> Any:
    from introducer.locale import language

    return language("en")


class TestWhatIsTooLong:
    def test_a_mail_of_more_than_60_kb_is_refused_by_name_and_seen(self, world: World) -> None:
        # given a text that was short enough, and a partner's name that fills it
        always(world, "ann")
        names(world, "N" * 400)
        kept = world.texts.keep(BRAND, check_text(text_of("x", *["{partner} " * 100] * 3)))
        mail = world.writes(written_mail("brc_1", kept, "news", brand=BRAND, at=NOW, series="", partner=PARTNER,
                                         member="ann"))  # fmt: skip
        world.app.__dict__["outbox"] = lambda: writing(world)
        assert world.runs() == []
        assert world.status(mail) == ("failed", "mail_too_large")
        assert [each.mail for each in world.mails.unsent(BRAND).items] == [mail.mail]

    def test_the_longest_text_that_can_be_saved_can_be_sent_in_every_language(self, world: World) -> None:
        always(world, "ann")
        longest = {code: Words("x" * 150, ("ก" * 1_000,) * 14) for code in ("en", "th")}
        kept = world.texts.keep(BRAND, check_text(MailText(longest)))
        world.writes(written_mail("brc_1", kept, "news", brand=BRAND, at=NOW, series="", partner=PARTNER, member="ann"))
        world.runs()
        [letter] = world.inbox.taken
        assert 42_000 < len(letter.html.encode()) < 60_000
        raw(letter)


def writing(world: World) -> Any:
    """An outbox whose mail service is handed whole mails, as the real one is."""
    outbox = world.outbox()

    class Writes:
        def send(self, letter: Letter, now: Any) -> str:
            written(letter, "partners@example.com", now)
            return world.inbox.send(letter, now)

    outbox._mailer = cast(Any, Writes())
    return outbox


class TestWhoGetsWhatWhen:
    @pytest.mark.parametrize("hour", [9, 23])
    def test_every_mail_goes_by_its_topic_what_its_reader_wants_and_the_hour(self, world: World, hour: int) -> None:
        # given somebody who wants all, somebody who wants nothing that can be switched off, and somebody who never
        # sleeps, in either office
        able = frozenset(topic for topic in Topic if not topic.is_binding)
        for office, role, partner in (("o", Role.OWNER, PARTNER), ("s", Role.ADMIN, None)):
            for sub in ("wants", "none", "late"):
                world.member(f"{office}{sub}", role, partner=partner)
            prefers(world, f"{office}wants", time_zone="UTC")
            prefers(world, f"{office}none", off=able)
            prefers(world, f"{office}late", quiet_from=8, quiet_until=8)
        world.now = NOW.replace(hour=hour)
        kept = world.texts.keep(BRAND, text_of("Hello", "Hello"))
        expected = {}
        for template in MailTemplate:
            for topic in Topic if template is MailTemplate.WRITTEN else (None,):
                staff, values = is_to_staff(template), dict(EXAMPLES[template])
                if topic is not None:
                    values |= {"text": kept, "fills": {}, "topic": topic.value}
                for who in ("wants", "none", "late"):
                    sub = f"{'s' if staff else 'o'}{who}"
                    mail = new_mail(f"{template} {topic}", template, values, brand=BRAND, at=NOW,
                                    partner="" if staff else PARTNER, member=sub)  # fmt: skip
                    about = topic_of(world.writes(mail))
                    may_sleep = hour == 23 and about not in (Topic.ACCOUNT, Topic.WORK, Topic.MESSAGES)
                    expected[mail.mail, mail.of] = (
                        ("suppressed", "unsubscribed") if who == "none" and about not in (Topic.ACCOUNT, Topic.WORK)
                        else ("waiting", "") if who == "wants" and may_sleep
                        else ("sent", "")
                    )  # fmt: skip
        world.runs()
        found = {key: world.status(world.mails.mail(key[1], key[0])) for key in expected}
        assert found == expected
        # and each that can be switched off says how, in both its forms and in its headers
        for letter in world.inbox.taken:
            link = letter.unsubscribe
            if letter.to.startswith("olate"):
                assert raw(letter)["List-Unsubscribe"] == (f"<{link}>" if link else None)
            assert (
                (f'href="{link}"' in letter.html and link in letter.text) if link else "unsubscribe" not in letter.html
            )
            assert ("/settings/mail" in letter.html) is bool(link)
            assert ("/settings/mail" in letter.text) is bool(link)

    @pytest.mark.parametrize(
        ("brand", "own", "until"),
        [("Asia/Bangkok", "", 25), ("Asia/Bangkok", "Europe/Warsaw", 31), ("America/New_York", "", None)],
    )
    def test_who_chose_no_time_zone_sleeps_by_the_brands(
        self, world: World, brand: str, own: str, until: int | None
    ) -> None:
        world.member("ann")
        if own:
            prefers(world, "ann", time_zone=own)
        read = world.configuration.brand
        cast(Any, world.configuration).brand = lambda name: _in_zone(read(name), brand)
        # 23:00 UTC is six in the morning in Bangkok, midnight in Warsaw and six in the evening in New York
        world.now = NIGHT
        mail = world.writes(to_one(template=MailTemplate.CONTEST_ENTERED))
        world.runs()
        waits = world.mails.mail(mail.of, mail.mail).not_before
        midnight = NOW.replace(hour=0, minute=0)
        assert waits == (midnight + timedelta(hours=until) if until else None)


def _in_zone(brand: Brand, zone: str) -> Brand:
    return replace(brand, time_zone=zone)


class TestNoRoom:
    def test_what_ses_has_no_room_for_waits_a_minute_and_holds_up_nothing_behind_it(self, world: World) -> None:
        world.member("ann"), world.member("bob")
        first, second = world.writes(to_one()), world.writes(to_one("bob"))
        world.inbox.fails = [MailServiceFull("full")]
        # then the stream goes on, and it is due in a minute
        assert world.runs() == []
        statuses = {world.status(first), world.status(second)}
        assert statuses == {("waiting", ""), ("sent", "")}
        [due] = world.mails.due(BRAND, world.now + timedelta(minutes=1)).items
        assert world.mails.due(BRAND, world.now + timedelta(seconds=59)).items == ()
        # and is sent then, once
        world.now += timedelta(minutes=1)
        hands_on(world).run()
        world.runs()
        assert world.status(due) == ("sent", "")
        assert len(world.inbox.taken) == len(set(world.inbox.addresses)) == 2

    def test_while_the_days_mails_are_used_up_what_can_wait_waits_and_the_rest_goes(self, world: World) -> None:
        always(world, "ann")
        world.rate = 0
        later = world.writes(to_one(template=MailTemplate.CONTEST_ENTERED, what="ctt_1 entered"))
        now = world.writes(to_one())
        world.runs()
        assert (world.status(later)[0], world.status(now)[0]) == ("waiting", "sent")
        # a mail to many that waited needs no permit, wherever it stands behind those that do
        many = world.writes(to_owners(MailTemplate.CONTEST_MOVED, not_before=world.now + timedelta(hours=1)))
        world.now += timedelta(hours=2)
        waited: list[float] = []
        assert hands_on(world, 0, waited.append).run() == 1
        world.runs()
        assert (world.status(many)[0], world.status(later)[0], waited) == ("handed_on", "waiting", [])
        # and on the next day
        world.rate, world.now = 100, world.now + timedelta(days=1)
        hands_on(world, 100).run()
        world.runs()
        assert world.status(later)[0] == "sent"


def hands_on(world: World, rate: int = 1_000_000, wait: Any = lambda seconds: None) -> HandsOn:
    pacing = Pacing(world.paces, lambda: rate)
    return HandsOn(world.mails, world.configuration, pacing, now=lambda: world.now, wait=wait, left=lambda: 45.0)


class TestNotifications:
    def sent(self, world: World, **other: Any) -> Mail:
        world.member("ann")
        mail = world.writes(to_one(**other))
        world.runs()
        return world.mails.mail(mail.of, mail.mail)

    def take(self, world: World, told: Any) -> Seen | None:
        return MailFeedback(world.mails, world.suppressions, secret=lambda: SECRET, now=lambda: world.now).take(told)

    @pytest.mark.parametrize(
        "told",
        [
            {}, {"eventType": "Bounce"}, {"eventType": "Bounce", "mail": []}, {"eventType": "Bounce", "mail": "x"},
            {"eventType": "Bounce", "mail": {"messageId": "ses-1x"}},
            {"eventType": "Bounce", "mail": {"messageId": "ses-9", "tags": None}},
            {"eventType": "Bounce", "mail": {"messageId": "ses-9", "tags": []}},
            {"eventType": "Bounce", "mail": {"messageId": "ses-9", "tags": {"mail": "mail_1", "of": "par_1"}}},
            {"eventType": "Bounce", "mail": {"messageId": "ses-9", "tags": {"mail": ["mail_1"], "of": []}}},
            {"eventType": "Bounce", "mail": {"messageId": "ses-1#x"}, "bounce": []},
            {"eventType": ["Bounce"], "mail": {"messageId": "x" * 3000}},
        ],
    )  # fmt: skip
    def test_what_is_no_notification_of_a_mail_of_ours_is_refused(self, world: World, told: Any) -> None:
        self.sent(world)
        with pytest.raises(NotOurs):
            self.take(world, told)
        assert world.suppressions.of(PARTNER) == []

    @pytest.mark.parametrize(
        "bounce",
        [
            {"bouncedRecipients": []}, {}, {"bouncedRecipients": [{}]},
            {"bouncedRecipients": [{"emailAddress": '"Ann, of Amber" <ANN@example.com>'}]},
        ],
    )  # fmt: skip
    def test_however_a_bounce_names_its_reader_they_get_nothing_more(self, world: World, bounce: Any) -> None:
        mail = self.sent(world)
        told = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent", **bounce},
                "mail": {"messageId": mail.message, "destination": ["ann@example.com"]}}  # fmt: skip
        assert self.take(world, told) is Seen.BOUNCED
        second = world.writes(to_one(what="pay_2 paid"))
        world.runs()
        assert world.status(second) == ("suppressed", "bounced")

    def test_a_notification_that_comes_again_undoes_no_lifting_whatever_else_came_back_meanwhile(
        self, world: World
    ) -> None:
        first = self.sent(world)
        second = world.writes(to_one(what="pay_2 paid"))
        world.runs()
        second = world.mails.mail(second.of, second.mail)

        def bounce(mail: Mail) -> Seen | None:
            return self.take(world, {
                "eventType": "Bounce", "mail": {"messageId": mail.message},
                "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "ann@example.com"}]},
            })  # fmt: skip

        assert (bounce(first), bounce(second)) == (Seen.BOUNCED, Seen.BOUNCED)
        [before] = world.suppressions.of(PARTNER)
        world.suppressions.lift(before, replace(before, lifted_at=world.now, lifted_by="sam"), CHANGE)
        assert (bounce(first), bounce(second)) == (None, None)
        [after] = world.suppressions.of(PARTNER)
        assert not after.stands
        assert world.figures.of_series(BRAND, "payout_paid") == Figures(sent=2, bounced=2)

    def test_who_called_a_mail_spam_may_take_that_back_and_the_same_complaint_changes_nothing(
        self, world: World
    ) -> None:
        mail = self.sent(world)
        told = {"eventType": "Complaint", "complaint": {}, "mail": {"messageId": mail.message,
                                                                     "destination": ["ann@example.com"]}}  # fmt: skip
        assert self.take(world, told) is Seen.COMPLAINED
        member = world.configuration.member("ann")
        assert [ask_for_mail(world.suppressions, member, now=world.now) for _ in range(2)] == [1, 0]
        assert self.take(world, told) is None
        world.writes(to_one(what="pay_2 paid"))
        world.runs()
        assert len(world.inbox.taken) == 2

    def test_whoever_asks_for_mail_again_takes_back_their_own_complaints_and_nothing_else(self, world: World) -> None:
        for sub in ("ann", "bob"):
            world.member(sub)
        for sub, reason in (("ann", "complained"), ("ann", "bounced"), ("bob", "complained"), ("bob", "bounced")):
            suppressed = Suppressed(brand=BRAND, hash=f"{sub} {reason}", reason=reason, since=world.now, member=sub,
                                    partner=PARTNER, mail="mail_1")  # fmt: skip
            assert world.suppressions.suppress(suppressed, CHANGE)
        assert ask_for_mail(world.suppressions, world.configuration.member("ann"), now=world.now) == 1
        stand = {each.hash for each in world.suppressions.of(PARTNER) if each.stands}
        assert stand == {"ann bounced", "bob complained", "bob bounced"}

    def test_the_function_refuses_another_topic_and_an_unknown_id_without_a_second_try(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("MAIL_EVENTS_TOPIC", "arn:topic")
        mail, app = self.sent(world), load("mail_feedback")
        taker = MailFeedback(world.mails, world.suppressions, secret=lambda: SECRET, now=lambda: world.now)
        monkeypatch.setitem(app.__dict__, "feedback", lambda: taker)
        told = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"},
                "mail": {"messageId": mail.message, "destination": ["ann@example.com"]}}  # fmt: skip
        unknown = {**told, "mail": {"messageId": "ses-nobody", "destination": ["ann@example.com"]}}
        for topic, message in (
            ("arn:other", json.dumps(told)), (None, json.dumps(told)), ("arn:topic", json.dumps(unknown)),
            ("arn:topic", "[]"), ("arn:topic", "{"), ("arn:topic", "null"),
        ):  # fmt: skip
            app.handler({"Records": [{"Sns": {"TopicArn": topic, "Message": message}}]}, None)
        assert world.suppressions.of(PARTNER) == []
        assert [record.message for record in caplog.records] == ["a notification was refused"] * 6
        assert "ann@example.com" not in capfd.readouterr().out

    def test_others_who_count_at_the_same_time_lose_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given a counter that another transaction is at, four times of five
        mail, count, met = self.sent(world), type(world.mails)._count, [4]

        def meets(mails: Any, found: Mail, what: Seen) -> bool:
            met[0] -= 1
            return False if met[0] >= 0 else count(mails, found, what)

        monkeypatch.setattr(type(world.mails), "_count", meets)
        assert world.mails.saw(mail, Seen.OPENED)
        met[0] = 99
        with pytest.raises(Unavailable):
            world.mails.saw(mail, Seen.CLICKED)
        monkeypatch.undo()
        assert world.figures.of_series(BRAND, "payout_paid") == Figures(sent=1, opened=1)
        # and mails of one series count in different items, each always in the same one
        places = {shard_of(f"mail_{number}") for number in range(1_000)}
        assert len(places) == SHARDS
        assert world.mails.mail(mail.of, mail.mail).status is MailStatus.SENT
