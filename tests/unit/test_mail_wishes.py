"""What members want by mail: topics, quiet hours, and the link that switches a topic off."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Conflict, Invalid
from introducer.domain.mail import MailTemplate
from introducer.domain.mail_preferences import MailPreferences, check_hours, switched
from introducer.domain.mail_topics import TOPIC_OF, Topic
from introducer.domain.unsubscribing import Unsubscribing, read_token, token
from tests.support.builders import at

BERLIN = MailPreferences(member="mem_1", time_zone="Europe/Berlin")
KEY = b"k" * 32


def test_every_mail_is_about_something() -> None:
    assert TOPIC_OF.keys() == set(MailTemplate)


def test_what_is_about_money_comes_whatever_is_switched_off() -> None:
    none = switched(BERLIN, [topic for topic in Topic if not topic.is_binding])
    assert [topic for topic in Topic if none.wants(topic)] == [Topic.ACCOUNT, Topic.WORK]
    with pytest.raises(Conflict) as refused:
        switched(BERLIN, [Topic.NEWS, Topic.ACCOUNT])
    assert refused.value.code == "binding_topic"
    # and what is switched on again is wanted again
    assert switched(none, []).off == frozenset()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-01-10 19:59", None),  # 20:59 there
        ("2026-01-10 20:00", "2026-01-11 07:00"),
        ("2026-01-10 23:30", "2026-01-11 07:00"),
        ("2026-01-11 06:59", "2026-01-11 07:00"),
        ("2026-01-11 07:00", None),
        # the clocks are put forward at 02:00: eight in the morning is an hour sooner
        ("2026-03-28 21:00", "2026-03-29 06:00"),
        # and back: an hour later
        ("2026-10-24 20:00", "2026-10-25 07:00"),
    ],
)
def test_what_may_wait_waits_for_eight_in_the_morning(now: str, until: str | None) -> None:
    expected = None if until is None else at(until)
    assert BERLIN.waits_until(Topic.NEWS, at(now)) == expected
    assert BERLIN.waits_until(Topic.ACCOUNT, at(now)) is None


def test_a_letter_that_was_written_for_a_morning_elsewhere_is_not_kept_for_the_brands() -> None:
    morning_in_tokyo = at("2026-11-30 01:00")
    never_chose = MailPreferences(member="mem_1")
    assert never_chose.waits_until(Topic.REPORTS, morning_in_tokyo, "UTC") is None
    assert never_chose.waits_until(Topic.NEWS, morning_in_tokyo, "UTC") == at("2026-11-30 08:00")
    # whoever named their hours has them, reports or not
    assert BERLIN.waits_until(Topic.REPORTS, morning_in_tokyo) == at("2026-11-30 07:00")


def test_hours_may_lie_within_a_day_or_be_none() -> None:
    noon = MailPreferences(member="mem_1", quiet_from=11, quiet_until=14)
    assert noon.waits_until(Topic.NEWS, at("2026-01-10 12:30")) == at("2026-01-10 14:00")
    assert noon.waits_until(Topic.NEWS, at("2026-01-10 10:59")) is None
    never = MailPreferences(member="mem_1", quiet_from=8, quiet_until=8)
    assert never.waits_until(Topic.NEWS, at("2026-01-10 08:30")) is None
    with pytest.raises(Invalid):
        check_hours(21, 24)


@given(
    st.integers(0, 366 * 24 * 60),
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Dubai"]
    ),
)
def test_who_waits_waits_for_less_than_a_day_and_then_not_again(minute: int, first: int, last: int, zone: str) -> None:
    preferences = MailPreferences(member="mem_1", time_zone=zone, quiet_from=first, quiet_until=last)
    now = at("2026-01-01") + timedelta(minutes=minute)
    until = preferences.waits_until(Topic.NEWS, now)
    if until is not None:
        assert now <= until <= now + timedelta(hours=25)
        assert preferences.waits_until(Topic.NEWS, until + timedelta(hours=1)) is None or (last + 1) % 24 == first


# Around each, clocks are changed: by an hour or half of one, at midnight, and not at all.
CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "America/Havana": ("2026-03-08", "2026-11-01"),
    "Asia/Kathmandu": ("2026-03-29",),
    "UTC": ("2026-03-29",),
}
QUIET = [(21, 8), (22, 2), (1, 3), (2, 3), (0, 1), (23, 0), (3, 1), (8, 8)]


@pytest.mark.parametrize("zone", CHANGES)
def test_it_goes_at_the_first_moment_that_is_not_quiet_on_any_day(zone: str) -> None:
    quarter, there = timedelta(minutes=15), ZoneInfo(zone)
    for day in CHANGES[zone]:
        start = at(day) - timedelta(hours=30)
        quarters = [start + quarter * number for number in range(4 * 100)]
        hours = [moment.astimezone(there).hour for moment in quarters]
        for first, last in QUIET:
            preferences = MailPreferences(member="mem_1", time_zone=zone, quiet_from=first, quiet_until=last)
            quiet = {(first + hour) % 24 for hour in range((last - first) % 24)}
            # Said another way: from the end on, the next quarter of an hour by the clocks there that is not quiet.
            next_free, expected = quarters[-1], {}
            for moment, hour in zip(reversed(quarters), reversed(hours), strict=True):
                next_free = next_free if hour in quiet else moment
                expected[moment] = next_free
            for moment in quarters[: 4 * 72]:
                now = moment + timedelta(minutes=7)
                waits = expected[moment] > moment
                for topic in (Topic.NEWS, Topic.MESSAGES):
                    until = preferences.waits_until(topic, now)
                    if topic is Topic.MESSAGES or not waits:
                        assert until is None, (day, now, first, last)
                    else:
                        assert until == expected[moment], (day, now, first, last)


def test_who_chose_no_time_zone_has_the_brands() -> None:
    anybody = MailPreferences(member="mem_1")
    assert anybody.waits_until(Topic.NEWS, at("2026-01-10 16:00"), "Asia/Bangkok") == at("2026-01-11 01:00")
    assert anybody.waits_until(Topic.NEWS, at("2026-01-10 16:00")) is None
    assert BERLIN.waits_until(Topic.NEWS, at("2026-01-10 16:00"), "Asia/Bangkok") is None


def test_a_link_says_who_does_not_want_what_and_nothing_else_can() -> None:
    wish = Unsubscribing("6c1f-ü", Topic.NEWS)
    text = token(KEY, wish)
    assert read_token(KEY, text) == wish
    assert text == token(KEY, wish) and all(each.isascii() and (each.isalnum() or each in "-_.") for each in text)
    other = token(KEY, Unsubscribing("6c1f-ü", Topic.REPORTS))
    said, tag = text.split(".")
    swapped, short = f"{other.split('.')[0]}.{tag}", text[:-2]
    for forged in ("", ".", short, swapped, f"{said}.", f"{said}.{tag}x", "ß.ß", token(b"x", wish)):
        assert read_token(KEY, forged) is None
