"""A partner's closed months, and staff closing one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from boto3 import client as aws

from introducer.domain.payout import Payout, PayoutStatus
from introducer.gateways.workflows import Execution
from introducer.services.issue_invoices import issue_invoices
from introducer.store.payouts import Payouts
from introducer_ops.localcloud import LocalCloud
from tests.browser.months import APRIL, FINANCE, MARCH, Executions, a_portal_with_a_closed_month
from tests.browser.world import COLLEAGUE, NOW, OTHER, PARTNER, STAFF, UNDEALT, Answer, Portal
from tests.support.documents import a_payout
from tests.support.shown import text

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal_with_a_closed_month(cloud) as world:
        yield world


@pytest.fixture
def executions(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Executions:
    found = Executions()
    monkeypatch.setitem(portal.wiring.__dict__, "closes", found)
    return found


# ------------------------------------------------------------------------------------------------------- the partner's


def test_a_statement_says_what_the_entries_of_its_month_add_up_to(portal: Portal) -> None:
    # given the partner's entries of March
    machine = portal.machine()
    entries = list(portal.ledger.all_journals(portal.partners[PARTNER], MARCH))
    assert entries

    # when the statement is read
    found = machine.get(f"/statements/{MARCH}").json

    # then it opens with nothing, has a line per kind of rule, and ends with the sum
    euros = [line for line in found["items"] if line["amount"]["currency"] == "EUR"]
    assert [line["line"] for line in euros][:: len(euros) - 1] == ["opening", "closing"]
    assert euros[0]["amount"]["amount"] == "0.00"
    by_rule: dict[str, int] = {}
    for entry in entries:
        by_rule[entry.receipt.rule_kind] = by_rule.get(entry.receipt.rule_kind, 0) + entry.amount
    assert {line["of"]: line["amount"]["amount"] for line in euros if line["line"] == "rule"} == {
        kind: f"{amount / 100:.2f}" for kind, amount in by_rule.items()
    }
    assert euros[-1]["amount"]["amount"] == f"{sum(by_rule.values()) / 100:.2f}"
    assert found["entries"] == len(entries) == sum(line["entries"] or 0 for line in euros)

    # and a browser sees the same, with the way to the entries
    page = portal.signed_in().get(f"/statements/{MARCH}").body
    assert "What March 2026 came to" in text(page)
    assert f'href="/earnings?month={MARCH}"' in page
    for line in euros:
        assert line["amount"]["amount"] in text(page).replace(",", "")


def test_closed_months_are_listed_with_their_totals(portal: Portal) -> None:
    machine = portal.machine()
    [row] = machine.get("/statements").json["items"]
    lines = machine.get(f"/statements/{MARCH}").json["items"]

    assert (row["month"], row["closing"]) == (MARCH, lines[-1]["amount"])
    assert row["for_earlier"]["amount"] == "0.00"
    assert f'href="/statements/{MARCH}"' in portal.signed_in().get("/statements").body


def test_statements_are_tables_for_spreadsheets_too(portal: Portal) -> None:
    machine = portal.machine()
    for path in ("/statements", f"/statements/{MARCH}"):
        rows = list(csv.DictReader(io.StringIO(machine.get(path, accept="text/csv").body)))
        items = machine.get(path).json["items"]
        assert len(rows) == len(items) > 0, path
        name = "closing" if path == "/statements" else "amount"
        assert [(row[name], row["currency"]) for row in rows] == [
            (item[name]["amount"], item[name]["currency"]) for item in items
        ]


def test_months_come_page_by_page_and_the_last_page_says_so(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given five closed months
    store = portal.wiring.statements
    march = store.get(portal.partners[PARTNER], MARCH)
    months = [f"2025-1{number}" for number in range(3)] + ["2026-01", "2026-02"]
    for month in months:
        store.put(replace(march, partner="par_five", month=month))
    before = store.of_partner
    monkeypatch.setattr(store, "of_partner", lambda partner, *rest: before("par_five", *rest))

    machine, found, cursor, pages = portal.machine(), [], "", 0
    while pages == 0 or cursor:
        answer = machine.get(f"/statements?limit=3{cursor and f'&cursor={cursor}'}").json
        found += [row["month"] for row in answer["items"] if row["closing"]["currency"] == "EUR"]
        cursor, pages = answer["next"], pages + 1

    assert (found, pages) == (months[::-1], 2)
    assert portal.machine().get("/statements?limit=5").json["next"] is None


def test_a_month_that_is_not_closed_has_no_statement(portal: Portal) -> None:
    machine, browser = portal.machine(), portal.signed_in()
    for month in (APRIL, "2026-02", "2026-13", "x"):
        answer = machine.get(f"/statements/{month}")
        assert (answer.status, answer.json["code"]) == (404, "month_not_closed")
    assert "its statement comes when it is" in text(browser.get(f"/statements/{APRIL}").body)


def test_a_partner_without_earnings_has_a_statement_of_nothing_in_its_own_currency(portal: Portal) -> None:
    found = portal.machine(UNDEALT).get(f"/statements/{MARCH}").json
    assert found["entries"] == 0
    assert [(line["line"], line["amount"]) for line in found["items"]] == [
        ("opening", {"amount": "0.00", "currency": "EUR"}), ("closing", {"amount": "0.00", "currency": "EUR"}),
    ]  # fmt: skip
    page = text(portal.signed_in(UNDEALT).get(f"/statements/{MARCH}").body)
    assert "Posted before this month" in page and "0 entries" in page


def test_another_partners_statement_is_not_shown(portal: Portal) -> None:
    mine, theirs = portal.machine(), portal.machine(OTHER)
    assert mine.get(f"/statements/{MARCH}").json["digest"] != theirs.get(f"/statements/{MARCH}").json["digest"]
    plain = mine.get(f"/statements/{MARCH}").json
    assert mine.get(f"/statements/{MARCH}?partner={portal.partners[OTHER]}").json == plain


def test_a_page_says_when_no_month_is_closed(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = portal.wiring.statements
    before = statements.of_partner
    monkeypatch.setattr(statements, "of_partner", lambda partner, *rest: before("par_nobody", *rest))
    assert "No month is closed yet" in text(portal.signed_in().get("/statements").body)


# ------------------------------------------------------------------------------------------------------------- staff's


def test_staff_sees_which_months_are_closed_by_whom_and_what_they_came_to(portal: Portal) -> None:
    data = portal.machine(STAFF).get("/desk/months").json
    states = {row["month"]: row["state"] for row in data["items"]}
    march = next(row for row in data["items"] if row["month"] == MARCH)

    # Closing March closed the months before it too.
    assert states == {APRIL: "current", MARCH: "closed", "2026-02": "frozen", "2026-01": "frozen"}
    assert {row["closed_with"] for row in data["items"]} == {None, MARCH}
    assert (march["closed_by"], march["partners"]) == ("system:period_close", 9)
    posted = {email: portal.ledger.all_journals(portal.partners[email], MARCH) for email in (PARTNER, OTHER)}
    entries = [journal for journals in posted.values() for journal in journals]
    assert march["entries"] == len(entries)
    sums: dict[str, int] = {}
    for journal in entries:
        sums[journal.key.currency] = sums.get(journal.key.currency, 0) + journal.amount
    assert {each["currency"]: each["amount"] for each in march["sums"]} == {
        currency: f"{amount / 100:.2f}" for currency, amount in sums.items()
    }
    page = text(portal.signed_in(STAFF).get("/desk/months").body)
    assert "by the schedule" in page and "Not over yet" in page
    assert page.count("with March 2026") == 2


def test_months_of_the_desk_come_page_by_page_and_as_a_table(portal: Portal) -> None:
    machine = portal.machine(STAFF)
    found: list[str] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        answer = machine.get(f"/desk/months?limit=3{cursor and f'&cursor={cursor}'}").json
        found += [row["month"] for row in answer["items"]]
        cursor, pages = answer["next"], pages + 1
    assert (found, pages) == ([APRIL, MARCH, "2026-02", "2026-01"], 2)
    rows = list(csv.DictReader(io.StringIO(machine.get("/desk/months", accept="text/csv").body)))
    assert [row["month"] for row in rows] == found


def test_a_month_with_no_closed_one_after_it_is_open_and_can_be_closed(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the month after April
    browser = portal.signed_in(FINANCE)
    monkeypatch.setattr(portal.wiring, "now", lambda: datetime(2026, 5, 6, tzinfo=UTC))

    listed = browser.get("/desk/months").body
    asked = text(browser.get("/desk/months?close=2026-04").body)

    assert text(listed).count("Close…") == 1 and ">Open</span>" in listed
    assert "Close April 2026?" in asked and "A closed month cannot be opened again" in asked
    assert "Write the statements" not in asked


def test_a_manager_looks_and_does_not_close(portal: Portal, executions: Executions) -> None:
    page = portal.signed_in(STAFF).get("/desk/months?close=2026-02").body
    assert "Close…" not in page and "<h2" not in page
    assert "Months are closed by finance or an admin" in text(page)

    answer = portal.machine(STAFF).post("/desk/months", {"month": "2026-02", "why": "it is over"}, as_json=True)

    assert (answer.status, answer.json["code"]) == (403, "finance_only")
    assert executions.started == {}


def test_partners_do_not_see_the_months_of_the_desk(portal: Portal) -> None:
    assert portal.machine(PARTNER).get("/desk/months").json["code"] == "staff_only"
    assert portal.machine(STAFF).get("/statements").json["code"] == "partners_only"


def test_finance_closes_a_month_with_a_reason_and_sees_how_it_goes(portal: Portal, executions: Executions) -> None:
    # given the form of February
    browser = portal.signed_in(FINANCE)
    listed = browser.get("/desk/months").body
    assert re.findall(r'href="/desk/months\?close=([^"]+)"', listed) == ["2026-02", "2026-01"]
    asked = browser.get("/desk/months?close=2026-02")
    assert "Write the statements of February 2026?" in text(asked.body)
    assert "Closing March 2026 closed it too" in text(asked.body)
    assert "Write its statements" in text(listed) and "Close…" not in listed
    fields = {"csrf": asked.field("csrf"), "month": "2026-02"}

    # when it is sent without a reason, it comes back with what to do
    refused = browser.post("/desk/months", fields | {"why": " "})
    assert refused.status == 422
    assert "Write the statements of February 2026?" in text(refused.body) and "Fill this in." in text(refused.body)

    # when it is sent with one
    sent = browser.post("/desk/months", fields | {"why": "All platforms have reported"})

    # then an execution runs, in her name
    assert (sent.status, sent.location) == (303, "/desk/months")
    name = f"2026-02-close-{portal.brand}"
    assert executions.started == {
        name: {
            "brand": portal.brand, "month": "2026-02", "by": portal_member(portal, FINANCE),
            "why": "All platforms have reported",
        }
    }  # fmt: skip
    record = portal.configuration.audit_of_subject(portal.brand).items
    assert ("begin_month_close", "All platforms have reported") in {(each.action, each.why) for each in record}
    page = browser.get("/desk/months").body
    assert "February 2026 is being closed" in text(page)
    assert "?close=2026-02" not in page

    # when it breaks off, the page says why, and that it can be closed again
    executions.status[name] = Execution(name, "FAILED", "Start it again: it goes on where it stopped. {}")
    page = browser.get("/desk/months").body
    assert "Closing February 2026 stopped" in text(page) and "it goes on where it stopped. {}" in text(page)
    assert 'href="/desk/months?close=2026-02"' in page


def portal_member(portal: Portal, email: str) -> str:
    """The `sub` of a login."""
    user = aws("cognito-idp").admin_get_user(UserPoolId=portal.pool_id, Username=email)
    return str(next(each["Value"] for each in user["UserAttributes"] if each["Name"] == "sub"))


def test_a_month_that_has_not_ended_is_not_closed(portal: Portal, executions: Executions) -> None:
    machine, browser = portal.machine(FINANCE), portal.signed_in(FINANCE)

    told = machine.post("/desk/months", {"month": APRIL, "why": "early"}, as_json=True)
    assert (told.status, told.json["code"]) == (422, "month_not_over")
    form = browser.get("/desk/months?close=2026-01").field("csrf")
    shown = browser.post("/desk/months", {"csrf": form, "month": APRIL, "why": "early"})
    assert shown.status == 422
    assert "This month has not ended" in text(shown.body)
    assert executions.started == {}


def test_a_month_before_the_brand_was_opened_is_not_closed(portal: Portal, executions: Executions) -> None:
    machine, browser = portal.machine(FINANCE), portal.signed_in(FINANCE)

    told = machine.post("/desk/months", {"month": "2000-01", "why": "all of it"}, as_json=True)
    assert (told.status, told.json["code"]) == (422, "month_before_brand")
    form = browser.get("/desk/months?close=2026-01").field("csrf")
    shown = browser.post("/desk/months", {"csrf": form, "month": "2000-01", "why": "all of it"})
    assert "This month ended before the brand was opened" in text(shown.body)
    assert executions.started == {}


@pytest.mark.parametrize(
    "fields", [{"month": "2026-2", "why": "okay"}, {"month": "x", "why": "okay"}, {"month": "2026-01"},
               {"month": "2026-01", "why": "x" * 201}, {"month": "2026-01", "why": "okay", "brand": "brd_x"}]
)  # fmt: skip
def test_what_is_no_wish_is_refused(portal: Portal, executions: Executions, fields: dict[str, str]) -> None:
    answer = portal.machine(FINANCE).post("/desk/months", fields, as_json=True)
    assert answer.status == 422
    assert executions.started == {}


def test_closing_a_closed_month_starts_nothing_and_says_when_it_was_closed(
    portal: Portal, executions: Executions
) -> None:
    answer = portal.machine(FINANCE).post("/desk/months", {"month": MARCH, "why": "again"}, as_json=True)
    assert answer.status == 200
    assert (answer.json["state"], answer.json["execution"]) == ("closed", None)
    assert answer.json["closed_at"] is not None
    assert executions.started == {}


# ------------------------------------------------------------------------------------------------------------ documents


def file_of(answer: Answer) -> bytes:
    """A file, as a browser gets it from the gateway."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    return base64.b64decode(answer.body, validate=True)


def pdf_text(content: bytes, tmp_path: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("documents are read with pdftotext: install poppler-utils")
    (tmp_path / "file.pdf").write_bytes(content)
    command = ["pdftotext", "-layout", str(tmp_path / "file.pdf"), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def paid(portal: Portal) -> Payout:
    """A payout of what the partner can have, paid in April."""
    partner = portal.partners[PARTNER]
    store, at = Payouts(portal.wiring.settings.books_table), datetime(2026, 4, 16, 9, tzinfo=UTC)
    available = portal.ledger.balance(partner).bucket("EUR", "available", "2026-04-16")
    payout = store.create(
        a_payout(
            "pay_01K9ABCDEFGHJKMNPQRSTVWXYZ", available // 2, brand=portal.brand, partner=partner,
            run="2026-04-monthly", status=PayoutStatus.CREATED, status_since=at, created_at=at,
        )
    )  # fmt: skip
    for status in (PayoutStatus.APPROVED, PayoutStatus.SENDING, PayoutStatus.PAID):
        payout = store.step(payout, status, at)
    return payout


def issue(portal: Portal, payout: Payout) -> None:
    issue_invoices(
        portal.configuration, portal.wiring.payouts, portal.wiring.invoices, brand=portal.brand, run=payout.run,
        payouts=[payout], now=NOW,
    )  # fmt: skip


def test_the_hash_on_the_pdf_is_that_of_the_csv_in_every_language(portal: Portal, paid: Payout, tmp_path: Path) -> None:
    # given the canonical CSV of March, and a payout of April that is none of its business
    browser = portal.signed_in()
    page = browser.get(f"/statements/{MARCH}").body
    assert f'href="/statements/{MARCH}?format=csv"' in page and f'href="/statements/{MARCH}?format=pdf"' in page
    content = file_of(browser.get(f"/statements/{MARCH}?format=csv"))
    lines = list(csv.DictReader(io.StringIO(content.decode())))
    assert [each["line"] for each in lines][:2] == ["closed", "opening"] and "paid" not in content.decode()
    assert lines[-1]["amount"] == portal.machine().get(f"/statements/{MARCH}").json["items"][-1]["amount"]["amount"]

    # then the PDF prints its hash, by a link and by what a program asks for, in the reader's language
    shown = browser.get(f"/statements/{MARCH}?format=pdf")
    assert shown.headers["content-type"] == "application/pdf"
    english = file_of(shown)
    assert hashlib.sha256(content).hexdigest() in pdf_text(english, tmp_path)
    assert file_of(portal.machine().get(f"/statements/{MARCH}", accept="application/pdf")) == english
    assert browser.submit("/statements", "/preferences", language="ar").status == 303
    arabic = file_of(browser.get(f"/statements/{MARCH}?format=pdf"))
    assert english.startswith(b"%PDF-") and arabic != english
    # A look at the page as before, and at what there is not.
    assert portal.machine().get(f"/statements/{MARCH}", accept="*/*").headers["content-type"] == "application/json"
    assert portal.machine().get(f"/statements/{MARCH}?format=docx").json["code"] == "bad_format"
    assert portal.machine().get(f"/statements/{APRIL}?format=pdf").json["code"] == "month_not_closed"
    assert file_of(portal.machine(OTHER).get(f"/statements/{MARCH}?format=csv")) != content


def test_a_payout_has_an_invoice_once_it_is_issued_and_nobody_elses_is_shown(
    portal: Portal, paid: Payout, tmp_path: Path
) -> None:
    path = f"/payouts/{paid.payout}/invoice"
    assert portal.machine().get(path).json["code"] == "not_invoiced"
    issue(portal, paid)

    told = portal.machine().get(path).json
    amount = f"{paid.amount / 100:.2f}"
    assert (told["number"], told["gross"], told["day"]) == (
        "2026-000001", {"amount": amount, "currency": "EUR"}, "2026-04-16",
    )  # fmt: skip
    page = pdf_text(file_of(portal.signed_in().get(path)), tmp_path)
    assert "Self-billed invoice 2026-000001" in page and "Northgate FX" in page
    assert amount in page.replace(",", "")
    for refused in (portal.machine(OTHER).get(path), portal.machine().get(f"{path}?kind=credit_note")):
        assert (refused.status, refused.json["code"]) == (404, "not_invoiced")
    assert portal.machine().get(f"{path}?kind=x").json["code"] == "bad_kind"
    assert portal.machine(STAFF).get(path).status == 403


def test_finance_sees_the_series_of_a_year(portal: Portal, paid: Payout) -> None:
    issue(portal, paid)
    machine = portal.machine(FINANCE)
    [row] = machine.get("/desk/invoices").json["items"]
    assert (row["number"], row["payout"], row["partner"]) == ("2026-000001", paid.payout, paid.partner)
    [listed] = csv.DictReader(io.StringIO(machine.get("/desk/invoices?year=2026", accept="text/csv").body))
    assert (listed["number"], listed["gross"], listed["currency"]) == ("2026-000001", f"{paid.amount / 100:.2f}", "EUR")
    page = text(portal.signed_in(FINANCE).get("/desk/invoices").body)
    assert "Invoices of 2026" in page and "2026-000001" in page
    assert "No invoice has a number of this year" in text(
        portal.signed_in(FINANCE).get("/desk/invoices?year=2025").body
    )
    assert machine.get("/desk/invoices?year=x").json["code"] == "bad_year"
    assert portal.machine(STAFF).get("/desk/invoices").json["code"] == "invoice_readers"
    assert portal.machine().get("/desk/invoices").json["code"] == "staff_only"


TAX = {
    "version": "0", "legal_name": "Harbour Media sp. z o.o.", "address": "ul. Morska 5\r\n81-002 Gdynia",
    "country": "PL", "tax_id": "PL5260001246", "treatment": "domestic_vat", "rate": "23", "sentence": "",
}  # fmt: skip


def test_the_owner_says_how_the_partner_is_taxed(portal: Portal) -> None:
    browser = portal.signed_in()
    form = browser.get("/settings/tax")
    assert form.field("version") == "0" and "What your invoices say of you" in form.body

    # when something cannot be, the form comes back with what was typed and what to do
    refused = browser.post("/settings/tax", TAX | {"csrf": form.field("csrf"), "rate": "230"})
    assert refused.status == 422
    assert "Write a percentage above 0" in text(refused.body) and "Harbour Media sp. z o.o." in refused.body

    # when it is right, it is kept
    sent = browser.post("/settings/tax", TAX | {"csrf": form.field("csrf")})
    assert (sent.status, sent.location) == (303, "/settings/tax?changed=1")
    assert "Kept. The next invoices say so." in text(browser.get(sent.location).body)
    told = portal.machine().get("/settings/tax").json
    assert (told["version"], told["profile"]["rate"], told["profile"]["address"]) == (
        1, "23", ["ul. Morska 5", "81-002 Gdynia"],
    )  # fmt: skip
    stale = portal.machine().post("/settings/tax", TAX | {"tax_id": "PL1"}, as_json=True)
    assert (stale.status, stale.json["code"]) == (409, "tax_changed")
    assert portal.machine(COLLEAGUE).post("/settings/tax", TAX, as_json=True).json["code"] == "tax_editors_only"
    assert "Nobody said yet how you are taxed" in text(portal.signed_in(COLLEAGUE).get("/settings/tax").body)
    assert portal.machine(STAFF).post("/settings/tax", TAX, as_json=True).status == 403


def test_finance_says_who_the_brand_is_to_the_tax_office(portal: Portal) -> None:
    house = {"version": 0, "legal_name": "Northgate FX Ltd", "address": "1 Harbour Road", "country": "CY"}
    answer = portal.machine(FINANCE).post("/settings/tax", house, as_json=True)
    assert (answer.status, answer.json["profile"]["legal_name"]) == (201, "Northgate FX Ltd")
    assert "Northgate FX Ltd" in portal.signed_in(FINANCE).get("/settings/tax").body
    assert "Northgate FX Ltd" in portal.signed_in(STAFF).get("/settings/tax").body
