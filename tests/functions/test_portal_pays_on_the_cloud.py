"""The deployed portal pays: two people, the state machine behind it, a file for the bank, and the bank's answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from introducer.domain.configuration import Role
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import PayoutStatus
from introducer.domain.reconciliation import bank_id
from introducer_ops.localcloud import Stack
from tests.support.camt import Entry, Tx, a_statement
from tests.support.paying import SCHEDULE, Paying
from tests.support.scenario import Scenario, the_stacks_account

pytestmark = pytest.mark.cloud


@pytest.fixture
def paying(stack: Stack) -> Iterator[Paying]:
    with the_stacks_account(stack):
        yield Paying(Scenario(stack, stack.clock.now() - timedelta(days=70)))


class Colleague:
    """Somebody of finance, by a program of theirs."""

    def __init__(self, paying: Paying) -> None:
        self._http = paying.world.http
        email, password = paying.world.a_login(None, Role.FINANCE)
        said = {"email": email, "password": password}
        token = self._http.post("/sign-in", json=said, headers={"Accept": "application/json"}).json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path, headers=self._headers)

    def post(self, path: str, **sent: Any) -> httpx.Response:
        return self._http.post(path, headers=self._headers, **sent)


def test_one_starts_another_approves_and_the_banks_file_says_it_was_paid(paying: Paying) -> None:
    # given a partner with money, and a schedule
    paying.ready()
    paying.pays_from(sepa={"name": "Northwind Markets", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A"})
    partner = paying.payee(25_000, RailKind.SEPA, name="Sepia")
    maker, checker = Colleague(paying), Colleague(paying)

    # when one starts the run and the other approves it
    started = maker.post("/desk/runs", json={"schedule": SCHEDULE, "why": "The month is over"})
    assert started.status_code == 201, started.text
    run = started.json()["run"]
    there = f"/desk/runs/{run}"
    assert maker.get(there).json()["state"] in ("starting", "open", "waiting")
    paying.waits(run)
    shown = checker.get(there).json()
    said = {"version": shown["version"], "verdict": "approve", "why": "Looked at all of it"}
    own = maker.post(f"{there}/decision", json=said)
    assert (own.status_code, own.json()["code"]) == (403, "same_person")
    assert checker.post(f"{there}/decision", json=said).status_code == 200

    # then the execution goes on, and the file for the bank can be downloaded
    [batch] = paying.sent(run)
    link = checker.get(f"{there}/batches/{batch.batch}/file")
    assert link.status_code == 303
    payout = paying.of_run(run)[partner]
    assert bank_id(payout.payout) in httpx.get(link.headers["location"], trust_env=False).text

    # and a file of the bank's, bytes and all, pays it
    file = a_statement(Entry(txs=[Tx(payout.payout, "250.00", reference="b-1", words="Größe ✓")]))
    form = {"data": {"do": "record", "why": "Statement of today"}, "files": {"file": ("camt.xml", file, "text/xml")}}
    report = checker.post("/desk/runs/bank-file", **form)
    assert report.json()["report"]["counts"] == {"paid": 1}, report.text
    assert paying.of_run(run)[partner].status is PayoutStatus.PAID
