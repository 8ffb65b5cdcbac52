"""Books in which a run paid partners are sound; whatever is damaged in them is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import pytest

from introducer.domain.invoice import InvoiceKind
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import BatchStatus, PayoutStatus
from introducer.gateways.rails.protocol import Handed, Outcome
from introducer.services.confirm_run import close_run, record_outcome
from introducer.services.issue_invoices import issue_invoices
from introducer.services.reserve_run import add_up
from introducer.services.send_run import plan_batches, take_answer
from introducer.services.verify.report import Report
from introducer.services.verify_books import verify_books
from introducer.store import keys
from introducer.store.invoices import Invoices
from introducer.store.ledger import Ledger
from tests.support.builders import CLICK_KEY, ECB, an_event, at, cpa, terms
from tests.support.payouts import BRAND, CHECKER, NOW, PUBLISHED, RUN, YESTERDAY, Paying
from tests.support.tables import BOOKS, FACTS, Item, Tables

BANK, ABROAD, MONTHS, HELD = "par_bank", "par_abroad", "par_months", "par_held"
PARTNERS = {BANK: "LINKBANK", ABROAD: "LINKABRD", MONTHS: "LINKMNTH", HELD: "LINKHELD"}
AGREED = {
    BANK: terms(cpa(), days=30),
    ABROAD: terms(cpa("600.05"), days=30, currency="USD"),
    MONTHS: terms(cpa(), days=30, payout_rate="earn_date"),
    HELD: terms(cpa(), days=30),
}
IN_DOLLARS = {"rail": RailKind.PAYPAL, "currency": "USD"}


@pytest.fixture
def tables(made: Tables) -> Tables:
    """Of its own for each test: most of them damage it."""
    return deepcopy(made)


@pytest.fixture(scope="module")
def made() -> Tables:
    """Four partners who earned 600.00 each in March: euros that were paid as euros and came back, dollars paid in
    euros, euros paid in dollars at the rate of the month they were earned in, and one on hold."""
    made = Tables()
    made.rates(ECB | dict(PUBLISHED), YESTERDAY)
    made.campaign("cmp_1")
    for partner, link in PARTNERS.items():
        made.deals(partner, (at("2026-01-01"), AGREED[partner]))
        made.link(link, partner)
        client = f"client-of-{partner}"
        click = made.click(partner, link, at("2026-03-01 08:00"))
        made.apply(
            an_event("registration", at("2026-03-02"), event_id="reg", client=client, click_id=click, country="DE"),
            an_event("deposit", at("2026-03-02"), event_id="dep", client=client, amount="250.00"),
            at=at("2026-03-03"),
        )
    with made.served():
        paying = Paying(SimpleNamespace(facts=FACTS, books=BOOKS))  # type: ignore[arg-type]
        for partner in PARTNERS:
            paying.partner(partner, accepted=False, profile=IN_DOLLARS if partner == MONTHS else {})
        paying.lift(paying.hold(BANK, "hld_0"))
        paying.hold(HELD)
        _pay(paying)
    return made


def _pay(paying: Paying) -> None:
    """The run is made, approved and sent, and all of it is paid; one payout comes back, and the run is closed."""
    payouts, rails = paying.payouts, {kind: SimpleNamespace(most_per_batch=2) for kind in RailKind}
    paying.approved()
    for batch in plan_batches(payouts, rails, brand=BRAND, run=RUN):  # type: ignore[arg-type]
        those = [each for each in payouts.all_of_run(BRAND, RUN) if each.pay_currency == batch.currency]
        for payout in those:
            assert payouts.begin_sending(payout, batch, NOW)
        sealed = payouts.change_batch(batch, replace(batch, status=BatchStatus.SEALED))
        tried = replace(sealed, first_tried_at=NOW, count=len(those), pays=sum(each.pays for each in those))
        said = Handed(rest=Outcome(payout="", state=PayoutStatus.PAID))
        sent = take_answer(payouts, payouts.change_batch(sealed, tried), said, NOW)
        payouts.change_batch(sent, replace(sent, status=BatchStatus.DONE))
    _issue(paying)
    record_outcome(
        payouts, member=CHECKER, run=RUN, payout=paying.payout(BANK).payout,
        outcome=PayoutStatus.RETURNED, why="the account is closed", now=NOW,
    )  # fmt: skip
    _issue(paying)
    add_up(payouts, brand=BRAND, run=RUN)
    close_run(payouts, brand=BRAND, run=RUN, now=NOW)


def _issue(paying: Paying) -> None:
    those = list(paying.payouts.all_of_run(BRAND, RUN))
    issue_invoices(paying.configuration, paying.payouts, Invoices(BOOKS), brand=BRAND, run=RUN, payouts=those, now=NOW)


def verify(tables: Tables) -> Report:
    return verify_books(tables, click_keys={0: CLICK_KEY}, now=NOW, elapsed=lambda: 0.0)


def test_books_that_paid_have_no_difference_and_say_what_they_paid(tables: Tables) -> None:
    report = verify(tables)

    assert report.differences == ()
    assert (report.money_differences, report.sums) == (0, {"EUR": 180_000, "USD": 60_005})
    totals = report.payouts
    assert (totals.payouts, totals.runs, totals.batches, totals.invoices, totals.holds) == (3, 1, 2, 4, 1)
    assert totals.by_status == {"paid": 2, "returned": 1}
    assert totals.paid_held == {"EUR": 60_000, "USD": 60_005}
    # 600.05 USD at 1.165 are 515.06437768… EUR; 600.00 EUR of March at 1.1698 are 701.88 USD.
    assert totals.paid == {"EUR": 51_506, "USD": 70_188}
    assert totals.clearing == {"EUR": 60_000 - 51_506, "USD": 60_005 - 70_188}
    assert totals.rounding.keys() == {"EUR"} and totals.rounding["EUR"].startswith("0.004377682")
    assert report.document()["payouts"]["clearing"] == {"EUR": "84.94", "USD": "-101.83"}


def test_payouts_are_in_no_statement(tables: Tables) -> None:
    march, december = (tables.close(BANK, month, at("2027-01-01")) for month in ("2026-03", "2026-12"))

    assert (march.entries, december.entries) == (1, 0)
    assert [(each.opening, each.closing) for each in december.totals] == [(60_000, 60_000)]
    assert verify(tables).differences == ()


def test_a_clawback_after_the_payment_is_sound(tables: Tables) -> None:
    client = f"client-of-{ABROAD}"
    undone = an_event("chargeback", at("2026-12-03"), event_id="cb", client=client, amount="250.00", ref="dep")
    tables.apply(undone, at=at("2026-12-03"))

    with tables.served():
        balance = Ledger(BOOKS).balance(ABROAD)
    assert balance.bucket("USD", "available", "2026-12-03") == -60_005
    report = verify(tables)
    assert (report.differences, report.money_differences) == ((), 0)


def the(tables: Tables, kind: str, partner: str = BANK) -> Item:
    """The one item of a kind that is about a partner, or the first of them."""
    return next(item for item in tables.all(kind) if partner in (item.get("partner"), item["pk"].split("#")[1]))


def journal(tables: Tables, partner: str, step: str) -> Item:
    """A journal of the partner's payout."""
    return next(
        item
        for item in tables.all("payout_journal")
        if item["pk"].split("#")[1] == partner and item["sk"].endswith(step)
    )


def a_journal_gone(tables: Tables) -> None:
    tables.remove(journal(tables, BANK, "#3"))


def a_status(tables: Tables) -> None:
    the(tables, "payout", ABROAD)["status"] = "sending"


def a_way_with_a_cent_more(tables: Tables) -> None:
    item = journal(tables, ABROAD, "#2")
    legs = json.loads(item["way"])
    legs[-1][-1] += 1
    item["way"] = json.dumps(legs)


def an_amount_paid(tables: Tables) -> None:
    the(tables, "payout", MONTHS)["pays"] = 70_189


def a_rate(tables: Tables) -> None:
    item = the(tables, "payout", MONTHS)
    [part] = json.loads(item["parts"])
    part[4] = "1170000000000"
    item["parts"] = json.dumps([part])


def a_place_gone(tables: Tables) -> None:
    payout = the(tables, "payout")["payout"]
    tables.remove(tables.item("payout_place", payout=payout))


def a_payout_gone(tables: Tables) -> None:
    tables.remove(the(tables, "payout"))


def a_batch_gone(tables: Tables) -> None:
    tables.remove(tables.only("batch", currency="USD"))


def a_batchs_count(tables: Tables) -> None:
    tables.only("batch", currency="EUR")["count"] = 3


def a_batch_done_too_soon(tables: Tables) -> None:
    the(tables, "payout", BANK)["status"] = "unknown"


def a_runs_sums(tables: Tables) -> None:
    run = tables.only("run")
    sums = json.loads(run["sums"])
    next(each for each in sums if each[1] == "sepa")[5] += 1
    run["sums"] = json.dumps(sums)


def a_hold_not_counted(tables: Tables) -> None:
    tables.item("balance", partner=HELD)["holds"] = 0


def an_invoice_gone(tables: Tables) -> None:
    tables.remove(tables.only("invoice", number="2026-000002"))


def a_credit_note_gone(tables: Tables) -> None:
    tables.remove(tables.only("invoice", number="2026-000004"))


def an_invoices_amount(tables: Tables) -> None:
    the(tables, "invoice", ABROAD)["gross"] += 1


def a_credit_note_of_what_was_paid(tables: Tables) -> None:
    note = dict(the(tables, "invoice", ABROAD)) | {"kind": InvoiceKind.CREDIT_NOTE.value, "number": "2026-000005"}
    note["sk"] = note["sk"].rpartition("#")[0] + f"#{InvoiceKind.CREDIT_NOTE.value}"
    tables.books_items[keys.Key(note["pk"], note["sk"])] = note
    tables.only("invoice_series")["last"] = 5


DAMAGES: dict[Callable[[Tables], None], set[tuple[str, str]]] = {
    a_journal_gone: {
        ("payout", "its journals, when returned"),
        ("balance", f"{BANK} EUR.available"),
        ("balance", f"{BANK} EUR.paid"),
    },
    a_status: {
        ("payout", "its journals, when sending"),
        ("payout", "its status in a run that is closed"),
        ("batch", "payouts that are open, when done"),
        ("invoice", "how its payout stands"),
    },
    a_way_with_a_cent_more: {("payout", "sum of its way out of the house"), ("payout", "its way")},
    an_amount_paid: {
        ("payout", "what its parts come to"),
        ("payout", "its way"),
        ("batch", "what is in it"),
        ("run", "payouts by paypal in USD"),
        ("invoice", "gross"),
    },
    a_rate: {("payout", "its rate of 2026-03"), ("payout", "what its parts come to")},
    a_place_gone: {("payout", "where it is found by its id")},
    a_payout_gone: {
        ("payout", "the payout of its journals"),
        ("payout", "the payout of this place"),
        ("batch", "what is in it"),
        ("run", "payouts by sepa in EUR"),
        ("invoice", "how its payout stands"),
    },
    a_batch_gone: {("payout", "its batch, when paid")},
    a_batchs_count: {("batch", "what is in it")},
    a_batch_done_too_soon: {
        ("payout", "its journals, when unknown"),
        ("batch", "payouts that are open, when done"),
        ("invoice", "how its payout stands"),
    },
    a_runs_sums: {("run", "payouts by sepa in EUR")},
    a_hold_not_counted: {("hold", "holds that stand")},
    an_invoice_gone: {("invoice", "numbers without a gap"), ("invoice", "its invoice, when paid")},
    a_credit_note_gone: {("invoice", "numbers without a gap"), ("invoice", "its credit note, when returned")},
    an_invoices_amount: {("invoice", "gross"), ("invoice", "net and tax")},
    a_credit_note_of_what_was_paid: {("invoice", "how its payout stands")},
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_named(tables: Tables, damage: Callable[[Tables], None]) -> None:
    damage(tables)

    found = {(each.kind.value, each.what.rpartition(": ")[2]) for each in verify(tables).differences}
    assert found == DAMAGES[damage]


def test_journals_of_payouts_that_contradict_themselves_are_named(tables: Tables) -> None:
    journal(tables, ABROAD, "#2")["legs"] = json.dumps([["reserved", -60_005], ["paid", 60_006]])
    journal(tables, BANK, "#3")["kind"] = "gift"
    name = the(tables, "payout", ABROAD)["payout"]

    found = {(each.kind.value, each.what, each.expected, each.found) for each in verify(tables).differences}
    assert found >= {
        ("journal", f"{name}.pay sum of its legs", "0.00 USD", "0.01 USD"),
        ("journal", f"{name}.pay amount of its legs", "0.00 USD", "0.01 USD"),
        ("payout", f"{name}.pay: what it moves", "600.05 USD", "600.06 USD"),
        ("unreadable", "payout_journal item", "the form of a payout_journal", "ValueError"),
        ("balance", f"{ABROAD} USD.paid", "600.06 USD", "600.05 USD"),
    }
    assert verify(tables).money_differences == 0


def test_money_that_is_neither_here_nor_there_is_counted(tables: Tables) -> None:
    tables.item("balance", partner=BANK)["EUR.available"] -= 1
    the(tables, "payout", MONTHS)["status"] = "failed"

    assert verify(tables).money_differences == 2
