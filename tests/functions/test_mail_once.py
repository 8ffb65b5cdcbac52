"""Invariant 15: one mail per step and person; none after an unsubscribe, bounce or complaint.

Processes die before and after every call that sending, handing on and feedback make, the stream delivers again and
again, and whoever wrote a mail writes it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Brand, Change
from introducer.domain.errors import Unavailable
from introducer.domain.identity import brand_key
from introducer.domain.mail import Mail, MailStatus, MailTemplate, Seen, written_mail
from introducer.domain.mail_pace import slow_rate
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_text import text_of
from introducer.domain.mail_topics import Topic
from introducer.domain.suppressing import Suppressed, address_hash
from introducer.domain.unsubscribing import Unsubscribing, key_of, read_token
from introducer.gateways.mail import MailUnclear
from introducer.services.change_mail_preferences import Wish, switch_by_link
from introducer.services.hand_on_mails import HandsOn
from introducer.services.send_mail import Pacing
from introducer.services.take_mail_feedback import MailFeedback, NotOurs
from introducer.store.mail_figures import Figures
from tests.support.functions import load
from tests.support.mailing import BRAND, CHANGE, NOW, PARTNER, SECRET, World, a_world, to_one, to_owners

NIGHT, MORNING = NOW.replace(hour=22), NOW.replace(hour=8) + timedelta(days=1)
CONTEST, PAID = MailTemplate.CONTEST_ENTERED, MailTemplate.PAYOUT_PAID


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as found:
        yield found


def prefers(world: World, sub: str, **wish: Any) -> None:
    before = world.preferences.preferences(sub)
    after = MailPreferences(member=sub, version=before.version + 1, **wish)
    world.preferences.change(BRAND, before, after, CHANGE)


def suppress(world: World, sub: str, reason: str = "bounced", mail: str = "mail_1") -> str:
    hashed = address_hash(brand_key(SECRET, BRAND), f"{sub}@example.com")
    suppressed = Suppressed(brand=BRAND, hash=hashed, reason=reason, since=world.now, member=sub, partner=PARTNER,
                            mail=mail)  # fmt: skip
    world.suppressions.suppress(suppressed, Change(by="system:test", at=world.now, why="a test"))
    return hashed


def hands_on(world: World, rate: int = 1_000_000) -> HandsOn:
    return HandsOn(world.mails, world.configuration, Pacing(world.paces, lambda: rate), now=lambda: world.now,
                   wait=lambda seconds: None, left=lambda: 1.0)  # fmt: skip


def feedback(world: World) -> MailFeedback:
    return MailFeedback(world.mails, world.suppressions, secret=lambda: SECRET, now=lambda: world.now)


def told(event: str, mail: Mail, message: str = "ses-1", **more: Any) -> dict[str, Any]:
    """What SES says of a mail."""
    tags = {"mail": [mail.mail], "of": [mail.of]}
    address = [{"emailAddress": f"{mail.member}@example.com"}]
    said: Mapping[str, Any] = {
        "Bounce": {"bounce": {"bounceType": "Permanent", "bouncedRecipients": address} | more},
        "Complaint": {"complaint": {"complainedRecipients": address} | more},
    }.get(event, {event.lower(): more})
    return {"eventType": event, "mail": {"messageId": message, "tags": tags}, **said}


def people(world: World) -> None:
    """Ann wants all; Bob no contests; mail to Cem comes back; Dan sleeps."""
    for sub in ("ann", "bob", "cem", "dan"):
        world.member(sub)
    for sub in ("ann", "cem"):
        prefers(world, sub, quiet_from=8, quiet_until=8)
    prefers(world, "bob", quiet_from=8, quiet_until=8, off=frozenset({Topic.CONTESTS}))
    suppress(world, "cem")
    world.now = NIGHT


# What reads changes nothing: to die at it is to die before the next of these.
CALLS = {
    "mails": ("put", "put_all", "mark", "claim", "sent", "postpone", "release", "saw"),
    "suppressions": ("suppress",),
    "paces": ("take", "keep_rate"),
    "inbox": ("send",),
}


@contextmanager
def dying(world: World, site: int) -> Iterator[Callable[[], int]]:
    """At one site the process dies: before (even) or after (odd) a call. How many sites were passed."""
    passed = [0]

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            passed[0] += 1
            if passed[0] - 1 == site:
                raise Crash
            answer = call(*args, **more)
            passed[0] += 1
            if passed[0] - 1 == site:
                raise Crash
            return answer

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for part, names in CALLS.items():
            for name in names:
                patch.setattr(getattr(world, part), name, mortal(getattr(getattr(world, part), name)))
        yield lambda: passed[0]


def until_done(world: World, also: Callable[[], object] = lambda: None) -> None:
    """The stream and the minute's call; once more where the process died."""
    for _ in range(2):
        try:
            also()
            world.runs()
        except Crash:
            continue


def a_story(world: World) -> None:
    """Everybody is told of a contest and of a payout, in the evening; and the morning comes."""
    world.now = NIGHT
    world.mails.put(to_owners(PAID, what="pay_1 paid"))
    world.mails.put_all([to_owners(CONTEST, what="ctt_1 entered")])
    until_done(world)
    world.now = MORNING
    until_done(world, hands_on(world).run)


def got(world: World) -> Counter[tuple[str, str]]:
    return Counter((letter.to.partition("@")[0], letter.subject) for letter in world.inbox.taken)


def sites() -> int:
    with a_world() as world:
        people(world)
        with dying(world, -1) as passed:
            a_story(world)
        return passed()


def test_whatever_call_a_process_dies_at_nobody_is_told_twice_and_nobody_who_must_not_be_told() -> None:
    # given every call that the story makes, until nothing of it is left to be sent
    whole, unclear = sites(), 0
    assert whole > 50
    # To die before a call is to die after the one before it: nothing is written in between.
    for site in range(1, whole, 2):
        with a_world() as world:
            people(world)
            # when a process dies there
            with dying(world, site):
                try:
                    a_story(world)
                except Crash:
                    a_story(world)
            # and whoever wrote it writes it again, and all comes again
            a_story(world)
            # then each was told once of each thing at most
            told_of = got(world)
            assert set(told_of.values()) <= {1}, site
            assert not {to for to, _ in told_of} & {"cem"}, site
            assert not [subject for to, subject in told_of if to == "bob" and "Winter race" in subject], site
            # and who was perhaps not told is known
            statuses = [mail for mail in world.mails.mails(PARTNER) if mail.member]
            assert len(statuses) == 8
            lost = [mail for mail in statuses if mail.status is MailStatus.UNCLEAR]
            sent = [mail for mail in statuses if mail.status is MailStatus.SENT]
            assert len(lost) <= 1, site
            assert {mail.status for mail in statuses} <= {MailStatus.SENT, MailStatus.SUPPRESSED, MailStatus.UNCLEAR}
            assert len(sent) + len(lost) == 5, site
            unclear += len(lost)
            # and what is counted as sent was sent
            figures = world.figures.of_brand(BRAND)
            assert sum(each.sent for each in figures.values()) == len(sent), site
    assert unclear > 0, "it never died between handing over and writing that down"


def test_whoever_unsubscribes_in_the_night_gets_nothing_in_the_morning(world: World) -> None:
    people(world)
    world.writes(to_owners(CONTEST))
    world.runs()
    assert world.statuses()["dan"] == ("waiting", "")
    switch_by_link(world.preferences, Wish(world.configuration.member("dan"), Topic.CONTESTS), off=True, now=world.now)
    world.now = MORNING
    hands_on(world).run()
    world.runs()
    assert world.statuses()["dan"] == ("suppressed", "unsubscribed")
    assert world.inbox.addresses == ["ann@example.com"]


def test_the_link_in_a_mail_says_who_and_about_what_and_binding_mail_has_none(world: World) -> None:
    world.member("ann")
    prefers(world, "ann", quiet_from=8, quiet_until=8)
    world.writes(to_one(template=CONTEST)), world.writes(to_one(what="pay_9 paid"))
    world.runs()
    by_topic = {"Winter race" in letter.subject: letter for letter in world.inbox.taken}
    link = by_topic[True].unsubscribe
    assert link.startswith("https://go.example.com/unsubscribe/")
    assert read_token(key_of(SECRET), link.rpartition("/")[2]) == Unsubscribing("ann", Topic.CONTESTS)
    assert link in by_topic[True].text
    assert by_topic[False].unsubscribe == ""
    assert "unsubscribe" not in by_topic[False].text


def test_what_staff_wrote_is_filled_in_as_text_and_about_its_own_topic(world: World) -> None:
    world.member("ann")
    prefers(world, "ann", quiet_from=8, quiet_until=8)
    text = world.texts.keep(BRAND, text_of("For {partner}", "Hello {name}, {ftd_30} first deposits: <b>well done</b>."))
    mail = written_mail("brc_1 ann", text, "news", brand=BRAND, at=NOW, series="brc:1", partner=PARTNER, member="ann",
                        fills={"ftd_30": 1200}, path="/links")  # fmt: skip
    world.writes(mail)
    world.runs()
    [letter] = world.inbox.taken
    assert letter.subject == "For <Amberfield>"
    assert "Hello Ann, 1,200 first deposits: <b>well done</b>." in letter.text
    assert "&lt;b&gt;well done" in letter.html
    assert world.figures.of_series(BRAND, "brc:1") == Figures(sent=1)
    prefers(world, "ann", off=frozenset({Topic.NEWS}))
    world.writes(written_mail("brc_2 ann", text, "news", brand=BRAND, at=NOW, series="brc:2", partner=PARTNER,
                              member="ann"))  # fmt: skip
    world.runs()
    assert len(world.inbox.taken) == 1
    assert world.figures.of_series(BRAND, "brc:2") == Figures()


class TestFeedback:
    def sent(self, world: World) -> Mail:
        world.member("ann")
        mail = world.writes(to_one())
        world.runs()
        return world.mails.mail(mail.of, mail.mail)

    @pytest.mark.parametrize("event", ["Bounce", "Complaint"])
    def test_a_crash_anywhere_and_a_second_notification_count_and_suppress_once(self, event: str) -> None:
        for site in range(12):
            with a_world() as world:
                mail = self.sent(world)
                with dying(world, site):
                    for _ in range(3):
                        try:
                            feedback(world).take(told(event, mail))
                        except Crash:
                            continue
                figures = world.figures.of_series(BRAND, PAID.value)
                assert (figures.sent, figures.bounced + figures.complained) == (1, 1)
                [suppressed] = world.suppressions.of(PARTNER)
                assert (suppressed.member, suppressed.stands) == ("ann", True)
                world.writes(to_one(what="pay_2 paid"))
                world.runs()
                assert len(world.inbox.taken) == 1

    def test_what_is_no_bounce_for_good_or_no_complaint_suppresses_nobody(self, world: World) -> None:
        mail = self.sent(world)
        assert feedback(world).take(told("Bounce", mail, bounceType="Transient")) is None
        assert feedback(world).take(told("Complaint", mail, complaintFeedbackType="not-spam")) is None
        assert feedback(world).take(told("Send", mail)) is None
        assert world.suppressions.of(PARTNER) == []
        assert world.figures.of_series(BRAND, PAID.value) == Figures(sent=1)

    def test_opens_and_clicks_count_once_per_mail(self, world: World) -> None:
        mail = self.sent(world)
        for event in ("Delivery", "Open", "Open", "Click", "Click", "Open"):
            feedback(world).take(told(event, mail))
        assert world.figures.of_series(BRAND, PAID.value) == Figures(sent=1, delivered=1, opened=1, clicked=1)

    def test_a_notification_that_is_quicker_than_we_are_settles_the_mail(self, world: World) -> None:
        world.member("ann")
        mail = world.writes(to_one())
        world.inbox.also = lambda: feedback(world).take(told("Delivery", mail, "ses-1"))
        world.runs()
        assert world.status(mail) == ("sent", "")
        assert world.figures.of_series(BRAND, PAID.value) == Figures(sent=1, delivered=1)

    def test_a_bounce_that_comes_in_the_very_moment_in_which_we_write_that_it_was_sent_is_not_lost(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mail = self.sent(world)
        both = world.mails.told_of
        # it was asked for a moment before
        monkeypatch.setattr(world.mails, "told_of", lambda *asked: (None, both(*asked)[1]))
        assert feedback(world).take(told("Bounce", mail, "ses-1")) is Seen.BOUNCED
        assert [each.reason for each in world.suppressions.of(PARTNER)] == ["bounced"]

    def test_a_mail_whose_fate_was_unclear_is_sent_once_ses_tells_of_it(self, world: World) -> None:
        world.member("ann")
        mail = world.writes(to_one())
        world.inbox.fails = [MailUnclear("no answer")]
        world.runs()
        assert world.status(mail) == ("unclear", "no_answer")
        assert feedback(world).take(told("Delivery", mail, "ses-late")) is Seen.DELIVERED
        assert world.mails.mail(mail.of, mail.mail).message == "ses-late"
        assert world.mails.unsent(BRAND).items == ()

    def test_what_is_none_of_ours_is_refused(self, world: World) -> None:
        mail = self.sent(world)
        other = world.writes(to_one(what="pay_2 paid"))
        for wrong in (
            told("Delivery", mail, "ses-unknown"),  # sent under another id
            told("Delivery", other, "ses-1"),  # the tags name another mail
            told("Delivery", other, "ses-7"),  # one that was not sent
            {"eventType": "Delivery"},
            {"eventType": "Delivery", "mail": {"messageId": "ses-9"}},
        ):
            with pytest.raises(NotOurs):
                feedback(world).take(wrong)

    def test_the_function_takes_one_topics_notifications_alone_and_what_fails_comes_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MAIL_EVENTS_TOPIC", "arn:topic")
        mail, app = self.sent(world), load("mail_feedback")
        monkeypatch.setitem(app.__dict__, "feedback", lambda: feedback(world))

        def record(topic: str, message: str) -> dict[str, Any]:
            return {"Records": [{"Sns": {"TopicArn": topic, "Message": message}}]}

        bounced = json.dumps(told("Bounce", mail))
        app.handler(record("arn:another", bounced), None)
        app.handler(record("arn:topic", "not JSON"), None)
        assert world.suppressions.of(PARTNER) == []
        assert "ann@example.com" not in capfd.readouterr().out
        with monkeypatch.context() as patch:
            patch.setattr(world.mails, "told_of", fails)
            with pytest.raises(Unavailable):
                app.handler(record("arn:topic", bounced), None)
        app.handler(record("arn:topic", bounced), None)
        assert len(world.suppressions.of(PARTNER)) == 1


def fails(*given: Any) -> Any:
    raise Unavailable("down")


@pytest.mark.parametrize(("many", "other"), [(BRAND, "brd_2"), ("brd_2", BRAND)])
def test_one_brands_broadcast_keeps_no_mail_of_another_waiting_that_needs_no_permit(
    world: World, many: str, other: str
) -> None:
    # given five hundred mails of a brand that take a permit each, of which one comes a second, and one of another brand
    # that takes none
    brand = Brand(brand="brd_2", name="Southwind", domain="go.example.net", base_currency="EUR",
                  fallback_url="https://example.net/", created=NOW)  # fmt: skip
    world.configuration.open_brand(brand, CHANGE)
    first = world.now - timedelta(minutes=5)
    whose: dict[str, Any] = {"brand": many, "not_before": first}
    world.mails.put_all([to_one(template=CONTEST, what=f"ctt_{number} entered", **whose) for number in range(500)])
    urgent = world.writes(to_one(brand=other, partner="par_2", not_before=world.now))
    went_before: list[bool] = []

    def wait(seconds: float) -> None:
        went_before.append(world.mails.mail(urgent.of, urgent.mail).not_before is None)
        world.now += timedelta(seconds=seconds)

    # when the minute's call goes through what is due
    end = world.now + timedelta(seconds=45)

    def left() -> float:
        return (end - world.now).total_seconds()

    hands_on = HandsOn(world.mails, world.configuration, Pacing(world.paces, lambda: 1), now=lambda: world.now,
                       wait=wait, left=left)  # fmt: skip
    went = hands_on.run()
    # then that one goes before anybody waits, and the broadcast as fast as its permits come
    assert went_before
    assert all(went_before)
    assert 40 <= went <= 47


def test_a_thousand_mails_keep_to_the_accounts_rate_and_urgent_ones_pass_them(world: World) -> None:
    # given a rate of ten a second and sixty mails that can wait, of which all but a few have no permit
    world.rate = rate = 10
    sent_at: list[datetime] = []
    for number in range(60):
        world.member(f"m{number:02}")
        prefers(world, f"m{number:02}", quiet_from=8, quiet_until=8)
    world.writes(to_owners(CONTEST))
    world.inbox.also = lambda: sent_at.append(world.now)
    world.runs()
    assert 0 < len(sent_at) <= slow_rate(rate)
    # when something urgent comes, it goes at once
    world.writes(to_one("m00"))
    world.runs()
    assert "You were paid" in world.inbox.taken[-1].subject

    # and when the minute's calls hand on what is due, by a clock that their waiting moves
    def wait(seconds: float) -> None:
        world.now += timedelta(seconds=seconds)

    for _ in range(3):
        world.now += timedelta(seconds=60)
        HandsOn(world.mails, world.configuration, Pacing(world.paces, lambda: rate), now=lambda: world.now, wait=wait,
                left=lambda: 1.0).run()  # fmt: skip
        world.runs()
    # then all were sent, once each
    assert len(world.inbox.taken) == 61
    assert len(set(got(world))) == 61
