"""Self-billed invoices: what the house writes in the partner's name for each payout, and the notes that take one back.

One payout has one invoice, and one credit note when its money came back; their keys follow from the payout. Numbers are
per brand and year, without gaps: `2026-000123`. What was paid is the whole amount, whatever the tax: of a partner who
charges VAT it includes it, of others nothing is added (docs/decisions/0018). Amounts are signed minor units of what was
paid; a credit note's are negative, so that all documents together come to what the partner got and kept.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from introducer.domain.configuration import Role
from introducer.domain.errors import Forbidden, Invalid
from introducer.domain.events import day_of
from introducer.domain.forms import country
from introducer.domain.money import round_ratio
from introducer.domain.payout import Part, Payout, PayoutStatus

EDITORS = frozenset({Role.OWNER, Role.FINANCE, Role.ADMIN})
"""Who says how a partner is taxed: its owner; and who the brand is to the tax office: finance and admins."""

LONGEST_NAME, LONGEST_LINE, MOST_LINES, LONGEST_TAX_ID, LONGEST_SENTENCE = 120, 80, 6, 40, 300
WHOLE = 10_000
"""100 %, in hundredths of a percent."""
HIGHEST_RATE = 5_000
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of what has no place in a line."""


class Treatment(StrEnum):
    """How what a partner supplies is taxed."""

    NONE = "none"
    """The partner charges no VAT: outside its scope, or nobody said otherwise."""
    DOMESTIC_VAT = "domestic_vat"
    """What is paid includes VAT at the partner's rate."""
    REVERSE_CHARGE = "reverse_charge"
    """The customer owes the VAT; the document says so."""
    EXEMPT = "exempt"
    """Exempt, by a rule that the document names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxProfile:
    """Who a partner, or a brand, is to the tax office, and how it is taxed. Invoices have it as it is when they are
    issued. Name and address are in clear, as invoices have them; bank details are no part of it."""

    legal_name: str
    address: tuple[str, ...] = ()
    country: str = ""
    """ISO 3166 alpha-2; empty where nobody said."""
    tax_id: str = ""
    treatment: Treatment = Treatment.NONE
    rate: int = 0
    """VAT in hundredths of a percent, of `domestic_vat` alone: 1900 is 19 %."""
    sentence: str = ""
    """What the partner's own law wants printed beside the treatment, in the partner's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRecord:
    """A tax profile as it is kept."""

    of: str
    """The partner, or the brand."""
    profile: TaxProfile
    version: int
    changed_at: datetime
    changed_by: str


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One document as it was issued. It never changes."""

    kind: InvoiceKind
    number: str
    """Empty until it is issued."""
    brand: str
    customer: TaxProfile
    """The brand's, as it was then: who owed the money and writes the document. Its treatment says nothing here."""
    partner: str
    supplier: TaxProfile
    """The partner's, as it was on the day of issue."""
    run: str
    payout: str
    day: str
    """The UTC day on which it was paid; of a credit note, on which it came back."""
    issued_at: datetime
    currency: str
    """What was paid."""
    gross: int
    net: int
    vat: int
    held_currency: str
    held: int
    """What it took of the partner's balance, signed as the amounts are."""
    parts: tuple[Part, ...]
    """At which rates one became the other."""
    corrects: str = ""
    """Of a credit note: the number of the invoice it takes back."""

    @property
    def key(self) -> tuple[str, InvoiceKind]:
        """What there is one of."""
        return self.payout, self.kind


# -------------------------------------------------------------------------------------------------------- tax profiles


def check_editor(role: Role) -> None:
    """Raises `Forbidden` for whoever may not change them. Of whose details they are, the caller knows."""
    if role not in EDITORS:
        raise Forbidden(
            "Tax details are changed by the owner of the account, a brand's by finance or an admin: ask them.",
            code="tax_editors_only",
        )


def tax_profile(
    *,
    legal_name: str,
    address: str,
    country_code: str,
    tax_id: str,
    treatment: Treatment,
    rate: str = "",
    sentence: str = "",
) -> TaxProfile:
    """A profile out of what a person typed: `address` in lines, `rate` as a percentage (`19`, `8.10`). Raises `Invalid`
    with the sentence and code of what cannot be."""
    lines = tuple(line.strip() for line in address.splitlines() if line.strip())
    if not 1 <= len(lines) <= MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        raise Invalid(
            f"Give the address in 1 to {MOST_LINES} lines of at most {LONGEST_LINE} characters.", code="invalid_address"
        )
    try:
        code = country(country_code.strip().upper())
    except Invalid:
        raise Invalid("Give the country as two letters (ISO 3166), such as PL.", code="invalid_country") from None
    profile = TaxProfile(
        legal_name=_line(legal_name, 2, LONGEST_NAME, "invalid_legal_name", "the legal name"),
        address=tuple(_line(line, 1, LONGEST_LINE, "invalid_address", "each line of the address") for line in lines),
        country=code,
        tax_id=_line(tax_id, 0, LONGEST_TAX_ID, "invalid_tax_id", "the tax number"),
        treatment=treatment,
        rate=_rate(rate) if treatment is Treatment.DOMESTIC_VAT else 0,
        sentence=_line(sentence, 0, LONGEST_SENTENCE, "invalid_sentence", "the sentence"),
    )
    if treatment in (Treatment.DOMESTIC_VAT, Treatment.REVERSE_CHARGE) and not profile.tax_id:
        raise Invalid("An invoice with VAT, or reverse charge, names a tax number: give it.", code="tax_id_needed")
    return profile


def rate_text(rate: int) -> str:
    """A rate as a plain percentage: 810 is `8.1`."""
    whole, part = divmod(rate, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".")


def _rate(text: str) -> int:
    whole, _, part = text.strip().replace(",", ".").partition(".")
    digits = whole + part.ljust(2, "0")
    if not (whole.isascii() and digits.isascii() and digits.isdigit()) or not whole or len(part) > 2 or len(whole) > 2:
        raise Invalid("Give the VAT rate as a percentage with at most two decimals, such as 19.", code="invalid_rate")
    rate = int(digits)
    if not 0 < rate <= HIGHEST_RATE:
        raise Invalid("A VAT rate is above 0 and at most 50 percent.", code="invalid_rate")
    return rate


def _line(text: str, shortest: int, longest: int, code: str, what: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if not shortest <= len(text) <= longest or any(unicodedata.category(each) in _UNSEEN for each in text):
        raise Invalid(f"Give {what} in {shortest} to {longest} characters on one line.", code=code)
    return text


# ------------------------------------------------------------------------------------------------------------ invoices


def split_vat(gross: int, profile: TaxProfile) -> tuple[int, int]:
    """Net and VAT of what was paid, minor units. The net is rounded once, half-even; the VAT is the rest of it, so that
    the two are always the whole."""
    if profile.treatment is not Treatment.DOMESTIC_VAT:
        return gross, 0
    net = round_ratio(gross * WHOLE, WHOLE + profile.rate)
    return net, gross - net


def due(status: PayoutStatus) -> tuple[InvoiceKind, ...]:
    """The documents of a payout that stands so: an invoice once it was paid, a credit note beside it once it came
    back."""
    if status is PayoutStatus.RETURNED:
        return InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE
    return (InvoiceKind.INVOICE,) if status is PayoutStatus.PAID else ()


def make_invoice(
    payout: Payout, customer: TaxProfile, profile: TaxProfile | None, paid_at: datetime, now: datetime
) -> Invoice:
    """The invoice of a payout that was paid, not yet numbered. Without a profile it has the partner's name alone."""
    supplier = profile or TaxProfile(legal_name=payout.name)
    net, vat = split_vat(payout.pays, supplier)
    return Invoice(
        kind=InvoiceKind.INVOICE,
        number="",
        brand=payout.brand,
        customer=customer,
        partner=payout.partner,
        supplier=supplier,
        run=payout.run,
        payout=payout.payout,
        day=day_of(paid_at),
        issued_at=now,
        currency=payout.pay_currency,
        gross=payout.pays,
        net=net,
        vat=vat,
        held_currency=payout.currency,
        held=payout.amount,
        parts=payout.parts,
    )


def make_credit_note(invoice: Invoice, returned_at: datetime, now: datetime) -> Invoice:
    """The note that takes an issued invoice back, whole and by the same rates and tax; not yet numbered."""
    assert invoice.number and invoice.kind is InvoiceKind.INVOICE
    return replace(
        invoice,
        kind=InvoiceKind.CREDIT_NOTE,
        number="",
        day=day_of(returned_at),
        issued_at=now,
        gross=-invoice.gross,
        net=-invoice.net,
        vat=-invoice.vat,
        held=-invoice.held,
        corrects=invoice.number,
    )


def invoice_year(now: datetime) -> str:
    """In whose series what is issued now is numbered: the UTC year."""
    return now.astimezone(UTC).strftime("%Y")


def invoice_number(year: str, place: int) -> str:
    """`2026-000123`: the 123rd of the brand's year."""
    return f"{year}-{place:06d}"


def numbered(invoice: Invoice, year: str, place: int) -> Invoice:
    """The document at its place in the series."""
    return replace(invoice, number=invoice_number(year, place))
