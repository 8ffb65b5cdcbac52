"""The figures of a letter are those of the portal's pages for the same days: over real books, with what was taken back,
a hold, two currencies, and both borders of a month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import DealRecord
from introducer.domain.mail import MailTemplate
from introducer.domain.money import Money
from introducer.domain.payout import UNSETTLED, PayoutStatus
from introducer.domain.report import METRICS, NOT_PAID, Cadence, Period, is_silent, last_period, report_values
from introducer.locale import language
from introducer.services.propose_deal import hash_of, text_of
from introducer.services.read_earnings_of_partner import read_earnings_of_month
from introducer.services.read_month_of_partner import MonthOfPartner, read_month_of_partner
from introducer.services.read_report_figures import FigureBooks, read_report
from introducer.store.mails import Mails
from introducer.wording.mails.letters import letter
from introducer.wording.mails.rendering import OWNER
from introducer.wording.mails.reports import SHARES
from tests.support.builders import cpa, revshare, terms
from tests.support.house import LINK, PARTNER, SET_UP, House, a_house, a_registration, a_trade, an_amount

QUIET, SECOND = "par_quiet", "Zz12Yy34"
FEBRUARY, MARCH = "2026-02-28", "2026-03-31"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """February and a part of March: what came by two links, a chargeback across the months, a deal in dollars."""
    with a_house() as found:
        found.partner(QUIET, "Quiet", SECOND)
        dollars = text_of(
            terms(
                cpa("90.00", min_deposit="50.00", within_hours=72),
                revshare("30"),
                net_revenue={"spread": "1"},
                currency="USD",
            )
        )
        at = datetime(2026, 2, 20, tzinfo=UTC)
        deal = DealRecord(partner=PARTNER, version=2, valid_from=at, accepted_at=None, terms=dollars,
                          terms_hash=hash_of(dollars))  # fmt: skip
        found.configuration.propose_deal(deal, SET_UP)
        found.configuration.accept_deal(PARTNER, 2, deal.terms_hash, at - timedelta(days=1), at, SET_UP)

        visits = ["2026-01-31T23:59", "2026-02-01T00:00", "2026-02-10T09:00", "2026-02-28T23:59", "2026-03-01T00:00"]
        clicks = [
            found.click(datetime.fromisoformat(f"{when}:00+00:00"), f"192.0.2.{number}")
            for number, when in enumerate(visits)
        ]
        usd = {"currency": "USD"}
        found.posts(
            a_registration("ann", "2026-02-10T10:00:00Z", click_id=clicks[2]),
            an_amount("deposit", "ann", "100.00", "2026-02-11T10:00:00Z", event_id="d-ann"),
            a_registration("cat", "2026-02-01T10:00:00Z", click_id=clicks[0]),
            an_amount("deposit", "cat", "60.00", "2026-02-02T10:00:00Z"),
            a_trade("cat", "2026-02-12T10:00:00Z", opened_at="2026-02-12T09:00:00Z"),
            a_registration("bob", "2026-02-28T23:59:30Z", click_id=clicks[3]),
            an_amount("deposit", "bob", "80.00", "2026-03-01T00:00:00Z", event_id="d-bob", **usd),
            a_trade("bob", "2026-03-02T10:00:00Z", **usd),
            a_registration("eve", "2026-03-01T00:00:30Z", click_id=clicks[4]),
            an_amount("deposit", "eve", "70.00", "2026-03-01T11:00:00Z", event_id="d-eve", **usd),
        )
        found.posts(
            # what ann brought in February is taken back in March, and eve's first days later
            an_amount("chargeback", "ann", "100.00", "2026-03-03T10:00:00Z", ref="d-ann"),
            an_amount("chargeback", "eve", "70.00", "2026-03-04T10:00:00Z", ref="d-eve", **usd),
        )
        found.paying.hold(PARTNER)
        yield found


def books(house: House) -> FigureBooks:
    return FigureBooks.of("books")


def page(house: House, today: str, partner: str = PARTNER) -> MonthOfPartner:
    """What `/` says on this day."""
    shown = books(house)
    return read_month_of_partner(
        shown.ledger, shown.event_counts, shown.click_counts, partner=partner, currency="EUR", today=today
    )


def earned_page(house: House, month: str) -> dict[str, int]:
    """What `/earnings` says of a month."""
    found = read_earnings_of_month(house.ledger, partner=PARTNER, month=month, cursor=None, limit=50)
    return by_currency(found.earned)


def by_currency(said: tuple[Money, ...]) -> dict[str, int]:
    return {each.currency: each.minor for each in said if each.minor}


@pytest.mark.parametrize(("today", "letter_day"), [(FEBRUARY, "2026-03-01"), (MARCH, "2026-04-01")])
def test_a_months_letter_says_what_the_pages_say_of_the_month(house: House, today: str, letter_day: str) -> None:
    period = last_period(Cadence.MONTHLY, date.fromisoformat(letter_day))
    said, shown = read_report(books(house), partner=PARTNER, period=period), page(house, today)
    assert said.current.counts == {metric: getattr(shown.funnel, metric) for metric in METRICS}
    assert by_currency(said.current.earned) == earned_page(house, today[:7])
    assert by_currency(said.current.earned) == by_currency(tuple(each.earned for each in shown.currencies))
    assert by_currency(said.before.earned) == earned_page(house, period.before().name)


def test_what_there_is_to_compare_is_not_nothing(house: House) -> None:
    february, march = page(house, FEBRUARY), page(house, MARCH)
    assert (february.funnel.clicks, march.funnel.clicks) == (3, 1)
    assert earned_page(house, "2026-02") and earned_page(house, "2026-03")
    assert len(march.currencies) == 2
    assert any(entry.amount.minor < 0 for entry in march.latest), "something was taken back"
    assert any(each.held.minor or house.ledger.balance(PARTNER).holds for each in march.currencies)


@pytest.mark.parametrize("first", ["2026-02-09", "2026-02-16", "2026-02-23", "2026-03-02"])
def test_a_weeks_letter_says_what_the_pages_say_of_its_days(house: House, first: str) -> None:
    monday = date.fromisoformat(first)
    week = Period(Cadence.WEEKLY, monday, monday + timedelta(days=6))
    said = read_report(books(house), partner=PARTNER, period=week)
    days = {(monday + timedelta(days=n)).isoformat() for n in range(7)}
    shown: dict[str, int] = {}
    for today in (FEBRUARY, MARCH):
        for each in page(house, today).currencies:
            shown[each.earned.currency] = shown.get(each.earned.currency, 0) + sum(
                day.amount.minor for day in each.days if day.day in days
            )
    assert by_currency(said.current.earned) == {code: minor for code, minor in shown.items() if minor}


def test_all_days_of_two_months_are_in_their_weeks_once(house: House) -> None:
    # from Monday 26 January to Sunday 5 April
    weeks = [last_period(Cadence.WEEKLY, date(2026, 2, 2) + timedelta(days=7 * n)) for n in range(10)]
    said = [read_report(books(house), partner=PARTNER, period=week).current.counts for week in weeks]
    months = [page(house, day).funnel for day in ("2026-01-31", FEBRUARY, MARCH, "2026-04-05")]
    for metric in METRICS:
        assert sum(each[metric] for each in said) == sum(getattr(each, metric) for each in months)


def test_a_partner_with_nothing_to_report_has_nothing_reported(house: House) -> None:
    for cadence in Cadence:
        assert is_silent(read_report(books(house), partner=QUIET, period=last_period(cadence, date(2026, 4, 1))))


def test_a_weeks_letter_says_what_its_amounts_are_and_a_months_are_the_ledgers(house: House) -> None:
    def lines(cadence: Cadence, today: date) -> list[str]:
        said = read_report(books(house), partner=PARTNER, period=last_period(cadence, today))
        return list(map(str, letter(MailTemplate.PARTNER_REPORT, report_values(said), language("en"), OWNER).lines))

    assert SHARES in lines(Cadence.WEEKLY, date(2026, 3, 9))
    assert SHARES not in lines(Cadence.MONTHLY, date(2026, 4, 1))


def test_the_summary_of_a_run_is_what_its_payouts_came_to() -> None:
    with a_house() as found:
        found.partner(QUIET, "Quiet", SECOND)
        for name, partner, code in (("ann", PARTNER, LINK), ("bob", QUIET, SECOND)):
            visit = found.click(found.now - timedelta(days=5), "192.0.2.7", code, partner)
            found.posts(a_registration(name, click_id=visit), an_amount("deposit", name, "120.00"))
        found.now = found.paying.now
        found.paying.verified(PARTNER)
        found.paying.profile(PARTNER)
        run = found.pays()
        [payout] = found.paying.payouts.all_of_run(run.brand, run.run)
        [mail] = [each for each in Mails("books").mails(run.brand) if each.template is MailTemplate.RUN_SUMMARY]
        values: Any = mail.values
        assert (values["paid"], values["unsettled"], values["not_paid"]) == (1, 0, 0)
        assert values["sums"] == [{"minor": payout.pays, "currency": payout.pay_currency}] and payout.pays > 0
        # the other one has no payment profile
        assert values["left_out"] == sum(run.left_out.values()) == 1


def test_every_payout_of_a_closed_run_is_in_its_summary_once() -> None:
    told = {
        status: [status in group for group in ({PayoutStatus.PAID}, UNSETTLED, NOT_PAID)] for status in PayoutStatus
    }
    waits = {status for status, groups in told.items() if not any(groups)}
    assert all(sum(groups) <= 1 for groups in told.values())
    assert waits == {PayoutStatus.CREATED, PayoutStatus.APPROVED}, "what a run releases before it is closed"
