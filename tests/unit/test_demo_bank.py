"""The demo world's bank: what it takes is our file, what it answers is read as a statement of ours."""

from __future__ import annotations

from datetime import date

from introducer.domain.reconciliation import bank_id, named_in
from introducer.sources.bank_statement import read_statement
from introducer_ops.demo.bank import Booked, statement, transfers_in

FILE = b"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><PmtInf>
<CdtTrfTxInf><PmtId><EndToEndId>pay-01</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">12.30</InstdAmt></Amt></CdtTrfTxInf>
<CdtTrfTxInf><PmtId><EndToEndId>pay-02</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">0.45</InstdAmt></Amt></CdtTrfTxInf>
</PmtInf></CstmrCdtTrfInitn></Document>"""


def test_the_bank_reads_the_transfers_of_a_file() -> None:
    assert transfers_in(FILE) == [Booked("pay-01", "12.30", "EUR"), Booked("pay-02", "0.45", "EUR")]


def test_its_statement_names_each_payout_with_its_amount() -> None:
    payout = "pay_01J8ZQ4M2N8V6T3R5W7X9Y0Z1A"
    booked = [Booked(bank_id(payout), "12.30", "EUR")]

    [entry] = read_statement(statement(booked, "DE89370400440532013000", date(2026, 11, 30)))

    assert list(named_in([entry])) == [payout]
    assert (entry.amount, entry.currency, entry.debit) == (1_230, "EUR", True)
    assert entry.booked_on == "2026-11-30"
