"""What letters with figures say: the right days, against the right days before, and no more than the figures carry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain.client import by_code
from introducer.domain.mail import Audience, MailTemplate
from introducer.domain.money import FINE, Money
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus, Run, RunStatus, Sum
from introducer.domain.report import (
    METRICS,
    SUGGESTIONS,
    Cadence,
    Change,
    DayCount,
    Period,
    Seen,
    Told,
    digest,
    digest_mail,
    due,
    due_at,
    is_silent,
    last_period,
    may_be_due,
    periods_until,
    report,
    report_mail,
    report_mail_id,
    run_summary_mail,
    what_changed,
)
from introducer.locale import CODES, language
from introducer.wording.mails.rendering import OWNER, STAFF, render
from introducer.wording.mails.reports import ADVICE, CHANGES

WEEK = last_period(Cadence.WEEKLY, date(2026, 11, 30))
"""Monday the 23rd to Sunday the 29th."""
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
NONE = dict.fromkeys(METRICS, 0)


def a_day(day: str, link: str = "aaaa", earned: dict[str, int] | None = None, **counts: int) -> DayCount:
    return DayCount(day=day, link=link, counts=counts, earned=earned or {})


# ------------------------------------------------------------------------------------------------------------- periods


def test_a_week_is_monday_to_sunday_and_a_month_its_days() -> None:
    assert (WEEK.first, WEEK.last, WEEK.name) == (date(2026, 11, 23), date(2026, 11, 29), "2026-W48")
    assert last_period(Cadence.WEEKLY, date(2026, 11, 29)) == WEEK.before()
    month = last_period(Cadence.MONTHLY, date(2026, 3, 1))
    assert (month.first, month.last, month.name) == (date(2026, 2, 1), date(2026, 2, 28), "2026-02")
    assert month.before().name == "2026-01"
    assert [each.name for each in periods_until(WEEK, 3)] == ["2026-W46", "2026-W47", "2026-W48"]


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("UTC", "2026-11-30T08:00"),
        ("Europe/Warsaw", "2026-11-30T07:00"),
        ("America/Bogota", "2026-11-30T13:00"),
        # There Monday morning is still Sunday in UTC, and the counters of the week are not whole.
        ("Pacific/Auckland", "2026-11-30T01:00"),
    ],
)
def test_a_letter_comes_on_the_morning_of_its_reader_once_the_week_is_counted(zone: str, moment: str) -> None:
    at = datetime.fromisoformat(f"{moment}:00+00:00")
    assert due_at(WEEK, zone) == at
    hour = timedelta(hours=1)
    assert due(Cadence.WEEKLY, zone, at - hour, at) == WEEK
    assert due(Cadence.WEEKLY, zone, at, at + hour) is None
    assert due(Cadence.WEEKLY, zone, at - 2 * hour, at - hour) is None


@pytest.mark.parametrize(
    ("monday", "zone", "moment"),
    [
        # Clocks go forward on Sunday 28 March 2027 in Warsaw, and back on Sunday 1 November 2026 in New York.
        (date(2027, 3, 22), "Europe/Warsaw", "2027-03-22T07:00"),
        (date(2027, 3, 29), "Europe/Warsaw", "2027-03-29T06:00"),
        (date(2026, 10, 26), "America/New_York", "2026-10-26T12:00"),
        (date(2026, 11, 2), "America/New_York", "2026-11-02T13:00"),
    ],
)
def test_when_clocks_change_a_letter_still_comes_in_the_morning_about_seven_days(
    monday: date, zone: str, moment: str
) -> None:
    week = last_period(Cadence.WEEKLY, monday)
    assert due_at(week, zone) == datetime.fromisoformat(f"{moment}:00+00:00")
    assert (week.last - week.first, week.first - week.before().last) == (timedelta(days=6), timedelta(days=1))


def test_whoever_asks_every_hour_meets_each_letter_of_every_time_zone_and_most_hours_ask_nobody() -> None:
    hours = [datetime(2026, 11, 26, 0, 10, tzinfo=UTC) + timedelta(hours=n) for n in range(24 * 8)]
    asked = [at for at in hours if may_be_due(at - timedelta(hours=1), at)]
    for zone in ("Etc/GMT+12", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati"):
        for cadence in Cadence:
            found = [at for at in hours if due(cadence, zone, at - timedelta(hours=1), at)]
            assert len(found) == 1
            assert set(found) <= set(asked)
    assert len(asked) < 48


# ------------------------------------------------------------------------------------------------------------- figures


def test_a_report_sums_its_week_and_the_one_before_and_rounds_once() -> None:
    half = FINE // 2
    days = [
        a_day("2026-11-15", ftd=50),  # two weeks before
        a_day("2026-11-16", clicks=40, registrations=4, ftd=1),
        a_day("2026-11-23", clicks=60, registrations=9, ftd=3, earned={"EUR": half}),
        a_day("2026-11-29", "bbbb", clicks=10, ftd=1, qftd=1, earned={"EUR": half, "USD": 0}),
        a_day("2026-11-30", ftd=50),  # not over yet
    ]
    said = report(days, WEEK)
    assert said.current.counts == {"clicks": 70, "registrations": 9, "ftd": 4, "qftd": 1}
    assert said.before.counts == {"clicks": 40, "registrations": 4, "ftd": 1, "qftd": 0}
    assert said.current.earned == (Money(1, "EUR"),)
    assert [each.number for each in said.series.points] == [0, 0, 0, 0, 0, 50, 1, 4]
    assert (said.change, said.suggestion, said.link) == (Change("rose", "ftd"), "push_the_best_link", "aaaa")


def test_what_came_by_a_promo_code_is_in_the_figures_and_is_no_link() -> None:
    days = [a_day("2026-11-24", ftd=1, registrations=2), a_day("2026-11-25", by_code("SPRING"), ftd=9)]
    said = report(days, WEEK)
    assert said.current.counts["ftd"] == 10
    # neither the best link, nor a second one to compare with
    assert said.link == "" and said.suggestion not in ("push_the_best_link", "compare_links", "make_a_second_link")


def test_where_the_ledger_knows_what_was_earned_it_is_told() -> None:
    month = last_period(Cadence.MONTHLY, date(2026, 12, 1))
    days = [a_day("2026-11-03", clicks=5, earned={"EUR": 10**12})]
    said = report(days, month, ([Money(500, "EUR"), Money(0, "USD")], [Money(-100, "USD")]))
    assert (said.current.earned, said.before.earned) == ((Money(500, "EUR"),), (Money(-100, "USD"),))
    assert [each.first for each in said.series.points] == [
        "2026-06-01", "2026-07-01", "2026-08-01", "2026-09-01", "2026-10-01", "2026-11-01",
    ]  # fmt: skip
    assert said.series.metric == "clicks"


def test_of_nothing_nobody_is_told() -> None:
    assert is_silent(report([], WEEK))
    assert not is_silent(report([a_day("2026-10-20", clicks=1)], WEEK))


@pytest.mark.parametrize(
    ("now", "before", "known", "change"),
    [
        ({}, {}, True, ("quiet", "clicks")),
        ({"ftd": 1}, {}, False, ("first", "ftd")),
        ({"ftd": 5}, {"ftd": 4}, True, ("steady", "ftd")),  # one more is no news
        ({"ftd": 100}, {"ftd": 90}, True, ("steady", "ftd")),  # ten of a hundred neither
        ({"ftd": 2}, {"ftd": 5, "clicks": 900}, True, ("fell", "ftd")),
        ({"registrations": 20}, {"registrations": 9}, True, ("rose", "registrations")),
        ({"clicks": 10}, {"clicks": 100}, True, ("fell", "clicks")),
        ({"clicks": 5}, {"clicks": 9}, True, ("steady", "registrations")),
    ],
)
def test_what_changed_is_what_matters_most_and_no_noise(
    now: dict[str, int], before: dict[str, int], known: bool, change: tuple[str, str]
) -> None:
    assert what_changed(NONE | now, NONE | before, known=known) == change
    assert change in CHANGES


@pytest.mark.parametrize(
    ("now", "before", "links", "name"),
    [
        ({}, {"clicks": 90}, 1, "share_a_link"),
        ({"clicks": 50}, {}, 2, "look_at_the_page"),
        ({"clicks": 50, "registrations": 5}, {}, 2, "explain_the_deposit"),
        ({"clicks": 50, "registrations": 2, "ftd": 1}, {"clicks": 100}, 2, "find_lost_clicks"),
        ({"clicks": 50, "registrations": 5, "ftd": 3}, {}, 2, "read_what_qualifies"),
        ({"clicks": 50, "registrations": 5, "ftd": 3, "qftd": 1}, {}, 2, "push_the_best_link"),
        ({"clicks": 50, "registrations": 5, "ftd": 1}, {}, 1, "make_a_second_link"),
        ({"clicks": 50, "registrations": 5, "ftd": 1}, {}, 2, "compare_links"),
        ({"registrations": 5, "ftd": 1}, {}, 0, "use_links"),
    ],
)
def test_there_is_one_suggestion_and_the_figures_are_its_reason(
    now: dict[str, int], before: dict[str, int], links: int, name: str
) -> None:
    seen = Seen(NONE | now, NONE | before, links, "aaaa", qualifies=True)
    assert next(each.name for each in SUGGESTIONS if each.when(seen)) == name


def of_week(days: list[DayCount], week: Period = WEEK) -> list[DayCount]:
    return [each for each in days if week.first.isoformat() <= each.day <= week.last.isoformat()]


def total(days: list[DayCount], metric: str) -> int:
    return sum(each.counts.get(metric, 0) for each in days)


DAYS = st.builds(
    lambda days_ago, link, counts: a_day((WEEK.last - timedelta(days=days_ago)).isoformat(), link, **counts),
    st.integers(-3, 80),
    st.sampled_from(["", "aaaa", "bbbb", "cccc"]),
    st.fixed_dictionaries(
        {"clicks": st.sampled_from([0, 0, 30, 90]), "registrations": st.integers(0, 6), "ftd": st.integers(0, 3),
         "qftd": st.integers(0, 1)}
    ),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(DAYS, max_size=8))
def test_whatever_is_suggested_or_said_to_have_changed_is_true_of_the_figures(days: list[DayCount]) -> None:
    said = report(days, WEEK)
    now, before = of_week(days), of_week(days, WEEK.before())
    shown = [day for week in periods_until(WEEK, 8) for day in of_week(days, week)]
    brought = {link: total([d for d in now if d.link == link], "ftd") for link in {d.link for d in now}}
    sources = {day.link for day in shown if any(day.counts.values())}
    true = {
        "share_a_link": not total(now, "clicks") and not total(now, "registrations"),
        "look_at_the_page": total(now, "clicks") >= 50 and not total(now, "registrations"),
        "explain_the_deposit": total(now, "registrations") >= 5 and not total(now, "ftd"),
        "find_lost_clicks": total(now, "clicks") < total(before, "clicks"),
        "read_what_qualifies": not total(now, "qftd") and total(shown, "qftd") > 0,
        "push_the_best_link": all(n < brought.get(said.link, 0) for link, n in brought.items() if link != said.link),
        "make_a_second_link": len(sources) == 1 and "" not in sources,
        "compare_links": len(sources - {""}) >= 2,
        "use_links": "" in sources,
    }
    assert true[said.suggestion]
    assert said.link or said.suggestion != "push_the_best_link"
    older = total(shown, "ftd") - total(now, "ftd")
    assert (said.change.word == "first") == (total(now, "ftd") > 0 and older == 0)
    if said.change.word in ("rose", "fell"):
        assert (total(now, said.change.metric) > total(before, said.change.metric)) == (said.change.word == "rose")
    assert (said.change.word == "quiet") == (not any(any(day.counts.values()) for day in (*now, *before)))


def test_every_suggestion_and_every_change_has_its_words() -> None:
    assert {each.name for each in SUGGESTIONS} == ADVICE.keys()
    assert {"rose", "fell"} == {word for word, metric in CHANGES if metric == "qftd"}


# --------------------------------------------------------------------------------------------------------------- mails


def test_a_letter_is_one_by_partner_and_period_and_known_before_it_is_written() -> None:
    said = report([a_day("2026-11-24", clicks=3)], WEEK)
    mail = report_mail("brd_1", "par_1", said, NOW)
    assert mail.mail == report_mail_id("brd_1", "par_1", WEEK)
    assert mail.mail == report_mail("brd_1", "par_1", said, NOW + timedelta(hours=5)).mail
    assert len({report_mail_id("brd_1", p, w) for p in ("par_1", "par_2") for w in (WEEK, WEEK.before())}) == 4


@pytest.mark.parametrize("code", CODES)
def test_the_chart_is_said_in_words_wherever_it_cannot_be_drawn(code: str) -> None:
    days = [a_day("2026-11-17", ftd=1), a_day("2026-11-24", ftd=4)]
    values = report_mail("brd_1", "par_1", report(days, WEEK), NOW).values
    said = render(MailTemplate.PARTNER_REPORT, values, language(code), OWNER)
    assert not said.images
    assert "<img" not in said.html
    assert said.text.count("– 0") == 6
    assert "– 4" in said.text


def told(name: str, now: int, before: int, new: bool = False) -> tuple[Told, dict[str, int], dict[str, int]]:
    each = Told(f"par_{name}", name, now, before, new)
    return each, NONE | {"ftd": now}, NONE | {"ftd": before}


def test_a_digest_names_who_rose_fell_or_is_new_the_largest_difference_first() -> None:
    some = [told("a", 5, 4), told("b", 9, 4), told("c", 20, 4), told("d", 0, 3), told("e", 7, 0, new=True)]
    found = digest(some, {"cases": 2, "tasks": 0})
    assert [each.name for each in found.rose] == ["c", "b"]
    assert [each.name for each in found.fell] == ["d"]
    assert [each.name for each in found.new] == ["e"]
    assert (found.partners, found.current["ftd"], found.before["ftd"], found.waits) == (5, 41, 15, {"cases": 2})


def test_a_digest_of_a_hundred_partners_names_some_and_counts_the_rest() -> None:
    found = digest([told(f"p{n:03}", 10 + n, 1) for n in range(100)], {})
    mail = digest_mail("brd_1", "mem_1", WEEK, found, NOW)
    assert (mail.audience, mail.member) == (Audience.MEMBER, "mem_1")
    text = render(mail.template, mail.values, language("en"), STAFF).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "First deposits rose: p099 · 109 (before: 1)" in text
    assert "First deposits rose: And 95 more" in text


def test_a_digest_begins_with_what_waits_and_leads_there() -> None:
    def said(waits: dict[str, int]) -> str:
        mail = digest_mail("brd_1", "mem_1", WEEK, digest([told("a", 9, 1)], waits), NOW)
        return render(mail.template, mail.values, language("en"), STAFF).text

    text = said({"tasks": 3, "messages": 1})
    assert text.index("Open tasks: 3") < text.index("Unanswered messages: 1") < text.index("Clicks: 0")
    assert "/desk\n" in text
    assert "/desk/partners\n" in said({})


def a_run(**other: Any) -> Run:
    def a_sum(status: PayoutStatus, count: int, pays: int, currency: str = "EUR") -> Sum:
        return Sum(
            status=status, rail=RailKind.SEPA, currency="EUR", pay_currency=currency, count=count, amount=pays,
            pays=pays,
        )  # fmt: skip

    given: dict[str, Any] = {
        "brand": "brd_1", "run": "2026-11-monthly", "schedule": "monthly", "first": "2026-11-01",
        "through": "2026-11-30", "pay_day": "2026-12-02", "status": RunStatus.CLOSED, "started_at": NOW,
        "started_by": "mem_1", "left_out": {"below_minimum": 3, "hold": 1},
        "sums": (a_sum(PayoutStatus.PAID, 5, 50_000), a_sum(PayoutStatus.PAID, 1, 700, "USD"),
                 a_sum(PayoutStatus.FAILED, 2, 900), a_sum(PayoutStatus.SENT, 1, 100)),
    }  # fmt: skip
    return Run(**given | other)


def test_finance_reads_what_a_run_came_to() -> None:
    mail = run_summary_mail(a_run(), NOW)
    assert mail.audience is Audience.APPROVERS
    text = render(mail.template, mail.values, language("en"), STAFF).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Paid: 6 · 500.00 EUR · 7.00 USD" in text
    assert "Not paid: 2 · 9.00 EUR" in text
    assert "Not known yet: 1 · 1.00 EUR" in text
    assert "Partners left out: 4" in text
    empty = run_summary_mail(a_run(sums=()), NOW)
    said = render(empty.template, empty.values, language("en"), STAFF).text
    assert "There was nothing to pay." in said
    assert "free again" not in said
    lapsed = run_summary_mail(a_run(status=RunStatus.LAPSED, sums=()), NOW)
    assert "ended without paying" in render(lapsed.template, lapsed.values, language("en"), STAFF).text
