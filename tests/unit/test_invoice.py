"""What an invoice says of tax, and what a person may say of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Invalid
from introducer.domain.invoice import (
    WHOLE,
    TaxProfile,
    Treatment,
    invoice_number,
    make_credit_note,
    make_invoice,
    numbered,
    rate_text,
    split_vat,
    tax_profile,
)
from tests.support.documents import PAID_AT, a_payout

HOUSE = TaxProfile(legal_name="Northgate FX")


def vat(rate: int) -> TaxProfile:
    return TaxProfile(legal_name="Ola", treatment=Treatment.DOMESTIC_VAT, rate=rate)


@pytest.mark.parametrize(
    ("gross", "rate", "net", "tax"),
    [
        (11_900, 1900, 10_000, 1_900),
        (10_000, 1900, 8_403, 1_597),  # 8403.36
        (325_02, 2300, 264_24, 60_78),  # 26424.39
        (3, 2000, 2, 1),  # 2.5: a half goes to the even one
        (9, 2000, 8, 1),  # 7.5
        (1, 2500, 1, 0),
        (10_00, 810, 9_25, 75),  # 925.07
    ],
)
def test_what_was_paid_includes_the_tax_and_is_split_once(gross: int, rate: int, net: int, tax: int) -> None:
    assert split_vat(gross, vat(rate)) == (net, tax)


@given(gross=st.integers(1, 10**15), rate=st.integers(1, 5_000))
def test_net_and_tax_are_always_the_whole(gross: int, rate: int) -> None:
    net, tax = split_vat(gross, vat(rate))
    assert net + tax == gross and 0 <= tax <= gross
    # And the net is the nearest there is.
    assert abs(gross * WHOLE - net * (WHOLE + rate)) * 2 <= WHOLE + rate


@pytest.mark.parametrize("treatment", [Treatment.NONE, Treatment.REVERSE_CHARGE, Treatment.EXEMPT])
def test_nothing_is_taken_off_or_added_where_no_tax_is_charged(treatment: Treatment) -> None:
    assert split_vat(10_001, TaxProfile(legal_name="Ola", treatment=treatment)) == (10_001, 0)


def test_a_credit_note_is_its_invoice_turned_round() -> None:
    invoice = numbered(make_invoice(a_payout("pay_1", 10_000), HOUSE, vat(1900), PAID_AT, PAID_AT), "2026", 7)
    note = make_credit_note(invoice, PAID_AT, PAID_AT)
    assert (invoice.net, invoice.vat, invoice.gross) == (8_403, 1_597, 10_000)
    assert (note.net, note.vat, note.gross, note.held) == (-8_403, -1_597, -10_000, -10_000)
    assert (note.number, note.corrects) == ("", "2026-000007")


def test_numbers_sort_as_they_count() -> None:
    numbers = [invoice_number("2026", place) for place in (1, 2, 10, 999, 123_456)]
    assert numbers[0] == "2026-000001"
    assert numbers == sorted(numbers)


TYPED: dict[str, Any] = {
    "legal_name": " Harbour Media sp. z o.o. ", "address": "ul. Morska 5\r\n\r\n 81-002 Gdynia ", "country_code": "pl",
    "tax_id": "PL5260001246", "treatment": Treatment.DOMESTIC_VAT, "rate": "23", "sentence": "",
}  # fmt: skip


def test_what_was_typed_becomes_a_profile() -> None:
    assert tax_profile(**TYPED) == TaxProfile(
        legal_name="Harbour Media sp. z o.o.", address=("ul. Morska 5", "81-002 Gdynia"), country="PL",
        tax_id="PL5260001246", treatment=Treatment.DOMESTIC_VAT, rate=2300,
    )  # fmt: skip
    # A rate is of domestic VAT alone.
    assert tax_profile(**TYPED | {"treatment": Treatment.EXEMPT}).rate == 0


@pytest.mark.parametrize(("typed", "rate"), [("19", 1900), ("8.1", 810), ("8,25", 825), (" 5.00 ", 500), ("50", 5000)])
def test_a_rate_is_read_in_hundredths_of_a_percent_and_said_again(typed: str, rate: int) -> None:
    assert tax_profile(**TYPED | {"rate": typed}).rate == rate
    assert tax_profile(**TYPED | {"rate": rate_text(rate)}).rate == rate


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        *(("rate", each, "invalid_rate") for each in ("", "0", "-1", "51", "1.234", "1e1", "٢٣", "x", ".5", "1..2")),
        ("legal_name", "x", "invalid_legal_name"),
        ("legal_name", "x" * 121, "invalid_legal_name"),
        ("legal_name", "two\nlines", "invalid_legal_name"),
        ("address", " \n ", "invalid_address"),
        ("address", "\n".join("abcdefg"), "invalid_address"),
        ("address", "x" * 81, "invalid_address"),
        ("address", "a\x00b", "invalid_address"),
        ("country_code", "POL", "invalid_country"),
        ("country_code", "", "invalid_country"),
        ("tax_id", "1" * 41, "invalid_tax_id"),
        ("tax_id", "", "tax_id_needed"),
        ("sentence", "x" * 301, "invalid_sentence"),
    ],
)  # fmt: skip
def test_what_cannot_be_printed_is_refused(field: str, value: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        tax_profile(**TYPED | {field: value})
    assert raised.value.code == code
