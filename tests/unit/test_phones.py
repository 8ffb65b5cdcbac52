"""Telephone numbers as people type them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from introducer.domain.errors import Invalid
from introducer.domain.identity import normal_phone
from introducer.sources.phones import international


@pytest.mark.parametrize(
    ("typed", "country", "written"),
    [
        ("+49 30 123456", "TH", "+4930123456"),
        ("0049 (0)30 / 123-456", "US", "+4930123456"),
        ("011 49 30 123456", "US", "+4930123456"),
        ("tel:+49-30-123456", "", "+4930123456"),
        ("\uff0b49 30 123456", "DE", "+4930123456"),
        ("030 1234567", "DE", "+49301234567"),
        ("081 234 5678", "th", "+66812345678"),
        ("٠٣٠ ١٢٣٤٥٦٧", "DE", "+49301234567"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("06 1234567", "IT", "+39061234567"),
        ("+44 20 7946 0958 ext. 3", "GB", "+442079460958"),
        ("49 30 1234567", "DE", "+49301234567"),
    ],
)
def test_what_people_type_becomes_one_number(typed: str, country: str, written: str) -> None:
    assert international(typed, country) == written
    assert normal_phone(written) == written, "it is hashed as what platforms send is"


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("", "DE"), ("0", "DE"), ("00", "DE"), ("abc", "DE"), ("\x00", "DE"), ("110", "DE"), ("12345678", "DE"),
        ("+999 123 4567", "DE"), ("+4930", "DE"), ("+" + "9" * 16, "DE"), ("+1 555 0100", "US"),
        ("+49<b>30</b>123456", "DE"), ("030 1234567", "TH"), ("030 1234567", ""), ("030 1234567", "XX"),
    ],
)  # fmt: skip
def test_what_nobody_can_dial_is_refused_with_what_to_do(typed: str, country: str) -> None:
    with pytest.raises(Invalid, match="begin with the country") as refused:
        international(typed, country)
    assert refused.value.code == "invalid_phone"


def test_a_number_that_is_two_is_not_guessed() -> None:
    with pytest.raises(Invalid):
        international("4915112345678", "DE")
    assert international("+4915112345678", "DE") == "+4915112345678"


def test_numbering_plans_are_loaded_by_whoever_reads_a_number_alone() -> None:
    asked = "import sys, introducer.services.submit_lead; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
