"""What a partner was paid, through the pages and the API: its list, why nothing came, and the story of one payout."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from introducer.domain.payout import PayoutStatus
from introducer.gateways.rails.protocol import Outcome
from introducer.locale import CODES
from introducer.services.send_run import take_outcome
from tests.support.payday import (
    CHECKER,
    GULF,
    HARBOUR,
    HELD,
    LANTERN,
    LAST_RUN,
    NOW,
    NOWHERE,
    PIPS,
    RUN,
    SMALL,
    Payday,
    a_payday,
)
from tests.support.shown import text

pytestmark = pytest.mark.in_memory


@pytest.fixture(scope="module")
def payday() -> Iterator[Payday]:
    """The run of March is sent: Harbour was paid and it came back, Pips was paid, of Gulf's nobody knows."""
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        world.prepare()
        world.approve(RUN, NOW + timedelta(hours=1))
        world.send(RUN, NOW + timedelta(hours=2))
        told = ((PayoutStatus.PAID, "", 20), (PayoutStatus.RETURNED, "AC04", 26))
        for state, reason, hours in told:
            outcome = Outcome(payout=world.of(HARBOUR).payout, state=state, reason=reason, reference=f"ref-{hours}")
            take_outcome(world.payouts, outcome, NOW + timedelta(hours=hours))
        world.payouts.step(world.of(GULF), PayoutStatus.UNKNOWN, NOW + timedelta(hours=3), reason="no_answer")
        world.now = NOW + timedelta(days=2)
        yield world


def test_a_partner_sees_what_was_paid_when_and_where_to(payday: Payday) -> None:
    machine, browser = payday.machine(PIPS), payday.signed_in(PIPS)

    data = machine.get("/payouts").json
    shown = text(browser.get("/payouts").body)

    newest, before = data["items"]
    assert (newest["run"], newest["status"], newest["rail"]) == (RUN, "paid", "paypal")
    assert newest["amount"] == {"amount": "820.50", "currency": "USD"}
    assert newest["pays"] == {"amount": "28297.80", "currency": "THB"}
    assert newest["masked"] == "k••••@p••••.example"
    assert (before["run"], before["pays"]["currency"]) == (LAST_RUN, "THB")
    assert data["balances"][0]["paid"] == {"amount": "1720.50", "currency": "USD"}
    assert "What you were paid" in shown and "28,297.80 THB" in shown and "k••••@p••••.example" in shown
    assert "kai@pips.example" not in browser.get("/payouts").body


def test_what_stands_by_bucket_and_the_next_run_stand_above(payday: Payday) -> None:
    data = payday.machine(LANTERN).get("/payouts").json

    [buckets], [following] = data["balances"], data["next_runs"]
    assert {name: each["amount"] for name, each in buckets.items()} == {
        # The run before this one waits to hear as well: both are in payouts.
        "available": "0.00", "pending": "0.00", "held": "0.00", "reserved": "334.57", "paid": "0.00",
    }  # fmt: skip
    assert (following["first"], following["through"]) == ("2026-04-01", "2026-04-30")
    # six in the morning in Berlin
    assert following["at"] == "2026-05-02T04:00:00.000Z"
    assert following["minimums"] == [{"amount": "50.00", "currency": "EUR"}]


@pytest.mark.parametrize(("name", "reason", "says", "leads"), [
    (SMALL, "below_minimum", "It is less than the minimum", ""),
    (HELD, "on_hold", "Your payouts are on hold", ""),
    (NOWHERE, "no_payment_profile", "You have not said where to pay you", "/settings/payment"),
])  # fmt: skip
def test_whom_the_last_run_left_out_reads_why_and_what_to_do(
    payday: Payday, name: str, reason: str, says: str, leads: str
) -> None:
    [told] = payday.machine(name).get("/payouts").json["not_paid"]
    page = payday.signed_in(name).get("/payouts").body

    assert (told["run"], told["reason"]) == (RUN, reason)
    assert says in text(page)
    assert not leads or re.search(rf'class="notice warn".*href="{leads}"', page)
    assert payday.machine(PIPS).get("/payouts").json["not_paid"] == []


def test_the_list_goes_page_by_page_and_into_a_spreadsheet(payday: Payday) -> None:
    machine = payday.machine(PIPS)
    first = machine.get("/payouts?limit=1").json
    rest = machine.get(f"/payouts?limit=1&cursor={first['next']}").json
    table = list(csv.DictReader(io.StringIO(payday.machine(PIPS, "text/csv").get("/payouts").body)))

    assert [each["run"] for each in (*first["items"], *rest["items"])] == [RUN, LAST_RUN]
    # as DynamoDB has it: a full page may be followed by an empty one
    assert machine.get(f"/payouts?limit=1&cursor={rest['next']}").json["items"] == []
    assert [(row["pays"], row["pays_currency"], row["to"]) for row in table] == [
        ("28297.80", "THB", "k••••@p••••.example"), ("31039.63", "THB", "k••••@p••••.example"),
    ]  # fmt: skip
    assert payday.machine(LANTERN).get(f"/payouts?cursor={first['next']}").json["code"] == "bad_cursor"


def test_the_story_of_a_payout_that_came_back(payday: Payday) -> None:
    payout = payday.of(HARBOUR).payout

    data = payday.machine(HARBOUR).get(f"/payouts/{payout}").json
    shown = text(payday.signed_in(HARBOUR).get(f"/payouts/{payout}").body)

    at = {each["status"]: each["at"] for each in data["steps"]}
    assert list(at) == ["created", "approved", "sent", "paid", "returned"]
    assert (at["created"], at["approved"]) == ("2026-04-02T09:30:00.000Z", "2026-04-02T10:30:00.000Z")
    assert (at["sent"], at["paid"]) == ("2026-04-02T11:30:00.000Z", "2026-04-03T05:30:00.000Z")
    assert at["returned"] == "2026-04-03T11:30:00.000Z"
    assert data["to_come"] == []
    assert "The account is closed. The amount is available again." in shown
    # each currency of what left and came back adds up to zero
    assert sum(Decimal(each["amount"]["amount"]) for each in data["legs"]) == 0
    assert [each["account"] for each in data["legs"]] == ["house.payouts", "rail.sepa", "house.payouts", "rail.sepa"]
    assert f'href="/payouts/{payout}/invoice"' in payday.signed_in(HARBOUR).get(f"/payouts/{payout}").body


def test_a_conversion_is_shown_from_the_balance_through_clearing_to_what_was_paid(payday: Payday) -> None:
    payout = payday.of(PIPS).payout

    data = payday.machine(PIPS).get(f"/payouts/{payout}").json
    shown = text(payday.signed_in(PIPS).get(f"/payouts/{payout}").body)

    [part] = data["parts"]
    assert (part["rate_feed"], part["rate_day"], part["month"]) == ("ECB", "2026-04-01", "")
    exact = Decimal("820.50") * Decimal(part["rate"])
    assert abs(Decimal(part["comes_to"]) - exact) <= Decimal("0.00000001")
    assert data["payout"]["pays"]["amount"] == str(exact.quantize(Decimal("0.01")))
    assert [(each["account"], each["amount"]["amount"], each["amount"]["currency"]) for each in data["legs"]] == [
        ("house.payouts", "-820.50", "USD"), ("clearing", "820.50", "USD"), ("clearing", "-28297.80", "THB"),
        ("rail.paypal", "28297.80", "THB"),
    ]  # fmt: skip
    assert "ECB, 1 Apr 2026" in shown and "1 USD is" in shown and "Paid out, rounded once 28,297.80 THB" in shown
    assert "Between two currencies" in shown


def test_what_is_converted_by_earn_date_says_which_month_it_was_earned_in(payday: Payday) -> None:
    [part] = payday.machine(LANTERN).get(f"/payouts/{payday.of(LANTERN).payout}").json["parts"]
    [before] = payday.machine(LANTERN).get(f"/payouts/{payday.of(LANTERN, LAST_RUN).payout}").json["parts"]
    page = payday.signed_in(LANTERN).get(f"/payouts/{payday.of(LANTERN).payout}").body

    # the last publication before the first of the month that follows
    assert (part["month"], part["rate_day"], part["rate"]) == ("2026-03", "2026-03-31", "4.2331")
    assert (before["month"], before["rate_day"], before["rate"]) == ("2026-01", "2026-01-30", "4.213")
    assert "earned in March 2026" in text(page)


def test_what_is_under_way_says_what_is_to_come_and_what_is_unknown_blames_nobody(payday: Payday) -> None:
    way = payday.machine(LANTERN).get(f"/payouts/{payday.of(LANTERN).payout}").json
    page = text(payday.signed_in(GULF).get(f"/payouts/{payday.of(GULF).payout}").body)

    assert (way["payout"]["status"], way["to_come"], way["legs"]) == ("sent", ["paid"], [])
    assert "We are finding out whether it arrived. You need do nothing." in page


@pytest.mark.parametrize("payout", ["pay_0", "pay_%23run", "..%2F..", "pay_" + "x" * 900])
def test_what_is_no_payout_of_this_partner_is_not_there(payday: Payday, payout: str) -> None:
    others = payday.machine(HARBOUR).get(f"/payouts/{payday.of(PIPS).payout}")
    none = payday.machine(HARBOUR).get(f"/payouts/{payout}")

    assert (others.status, none.status) == (404, 404)
    assert others.json["detail"] == "There is no such payout."
    assert payday.machine(CHECKER).get("/payouts").json["code"] == "partners_only"


@pytest.mark.parametrize("code", CODES)
def test_each_page_is_there_in_each_language(payday: Payday, code: str) -> None:
    browser = payday.signed_in(HARBOUR)
    browser.cookies["__Host-language"] = code

    pages = [browser.get(path) for path in ("/payouts", f"/payouts/{payday.of(HARBOUR).payout}")]

    assert [page.status for page in pages] == [200, 200]
    assert all(f'<html lang="{code}"' in page.body for page in pages)
