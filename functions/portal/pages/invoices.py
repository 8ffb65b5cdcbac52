"""`/payouts/{payout}/invoice`: the self-billed invoice of a payout, as a PDF for people and as JSON for programs.
`/desk/invoices`: a brand's invoices of a year, by number. `/settings/tax`: what is printed on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import words
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import PDF, Done, Who, file, page
from visit import HTML, JSON, N_, FormRefused, Visit

from introducer.documents.pdf import render
from introducer.domain.configuration import Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, Malformed
from introducer.domain.invoice import (
    EDITORS,
    Invoice,
    InvoiceKind,
    TaxProfile,
    TaxRecord,
    Treatment,
    check_editor,
    invoice_year,
    rate_text,
    tax_profile,
)
from introducer.domain.money import Money
from introducer.services.change_tax_profile import change_tax_profile, tax_subject
from introducer.services.issue_invoices import issue_late_invoices
from introducer.wording.documents import invoice_document

PATH, DESK, TAX = "/payouts/{payout}/invoice", "/desk/invoices", "/settings/tax"
READERS = frozenset({Role.FINANCE, Role.ADMIN})

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]

words.WORDS["treatment"] = {
    "none": N_("I charge no VAT"),
    "domestic_vat": N_("I charge VAT: what I am paid includes it"),
    "reverse_charge": N_("Reverse charge: the customer accounts for the VAT"),
    "exempt": N_("I am exempt from VAT"),
}
words.WORDS["invoice_kind"] = {"invoice": N_("Invoice"), "credit_note": N_("Credit note")}
words.WORDS["problem"] |= {
    "not_invoiced": N_("There is no such document yet: an invoice comes when a payout is paid."),
    "tax_editors_only": N_("Only the owner of this account changes the tax details: ask them to sign in."),
    "invoice_readers": N_("Invoices are for finance and admins: ask one of them."),
}


def after_close(visit: Visit, payouts: Iterable[str]) -> None:
    """The documents of payouts whose outcome was heard after their run had closed. Those of a run that still waits to
    hear are issued by its own last steps."""
    portal = visit.portal
    heard = portal.payouts.by_ids(list(payouts)).values()
    closed = {
        (brand, run): portal.payouts.run(brand, run).closed_at is not None
        for brand, run in {(each.brand, each.run) for each in heard}
    }
    late = [each.payout for each in heard if closed[each.brand, each.run]]
    if late:
        issue_late_invoices(portal.configuration, portal.payouts, portal.invoices, payouts=late, now=visit.now)


def _kind(visit: Visit) -> InvoiceKind:
    try:
        return InvoiceKind(visit.query("kind", InvoiceKind.INVOICE.value))
    except ValueError:
        raise Malformed("kind is invoice or credit_note.", code="bad_kind") from None


@page(PATH)
def invoice(visit: Visit, payout: str) -> Any:
    """The self-billed invoice of a payout, as a PDF, or as JSON for programs. A browser gets the PDF too.
    `kind=credit_note` is the note that takes the invoice back."""
    assert visit.partner is not None
    found = visit.portal.invoices.invoice(visit.partner.partner, payout, _kind(visit))
    if visit.wants((HTML, PDF, JSON)) == JSON:
        return shown(found)
    made = render(invoice_document(visit.language, found), visit.portal.fonts)
    return file(made.content, PDF, f"{found.kind.value.replace('_', '-')}-{found.number}.pdf")


def shown(invoice: Invoice) -> dict[str, Any]:
    """An invoice as a program reads it."""
    return {
        "kind": invoice.kind,
        "number": invoice.number,
        "issued_at": invoice.issued_at,
        "day": invoice.day,
        "partner": invoice.partner,
        "payout": invoice.payout,
        "run": invoice.run,
        "net": Money(invoice.net, invoice.currency),
        "vat": Money(invoice.vat, invoice.currency),
        "gross": Money(invoice.gross, invoice.currency),
        "out_of": Money(invoice.held, invoice.held_currency),
        "corrects": invoice.corrects or None,
        "supplier": _profile(invoice.supplier),
        "customer": _profile(invoice.customer),
    }


def _profile(profile: TaxProfile) -> dict[str, Any]:
    return {
        "legal_name": profile.legal_name,
        "address": profile.address,
        "country": profile.country,
        "tax_id": profile.tax_id,
        "treatment": profile.treatment,
        "rate": rate_text(profile.rate),
        "sentence": profile.sentence,
    }


@page(
    DESK,
    "invoices.html",
    who=Who.STAFF,
    columns=(
        ("number", lambda row: row["number"]),
        ("kind", lambda row: row["kind"]),
        ("issued_at", lambda row: row["issued_at"]),
        ("day", lambda row: row["day"]),
        ("partner", lambda row: row["partner"]),
        ("legal_name", lambda row: row["supplier"]["legal_name"]),
        ("country", lambda row: row["supplier"]["country"]),
        ("tax_id", lambda row: row["supplier"]["tax_id"]),
        ("treatment", lambda row: row["supplier"]["treatment"]),
        ("rate", lambda row: row["supplier"]["rate"]),
        ("net", lambda row: row["net"]),
        ("vat", lambda row: row["vat"]),
        ("gross", lambda row: row["gross"]),
        ("currency", lambda row: row["gross"].currency),
        ("corrects", lambda row: row["corrects"]),
        ("payout", lambda row: row["payout"]),
        ("run", lambda row: row["run"]),
    ),
)
def invoices(visit: Visit) -> dict[str, Any]:
    """The brand's invoices of a year, by number, for finance and admins. `year` is this one unless said otherwise."""
    assert visit.member is not None
    if visit.member.role not in READERS:
        raise Forbidden("Invoices are for finance and admins.", code="invoice_readers")
    this = invoice_year(visit.now)
    year = visit.query("year", this)
    if len(year) != 4 or not (year.isascii() and year.isdigit()):
        raise Malformed("year is a year, such as 2026.", code="bad_year")
    brand = visit.member.brand
    subject = f"invoices of {brand} in {year}"
    found = visit.portal.invoices.of_year(brand, year, visit.position(subject), visit.limit(100))
    return {
        "year": year,
        "last_year": str(int(year) - 1),
        "next_year": str(int(year) + 1) if year < this else None,
        "items": [shown(each) for each in found.items],
        "next": visit.next(subject, found.cursor),
    }


# -------------------------------------------------------------------------------------------------------------- taxes


class TaxDetails(BaseModel):
    """Who somebody is to the tax office; `version` is the one that was read, 0 for none."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=999_999)]
    legal_name: Short
    address: Annotated[str, StringConstraints(max_length=1000)]
    country: Short
    tax_id: Short = ""
    treatment: Treatment = Treatment.NONE
    rate: Short = ""
    sentence: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""


_ADVICE: dict[str, tuple[str, str]] = {
    "invalid_legal_name": ("legal_name", N_("Write the name in 2 to 120 characters.")),
    "invalid_address": ("address", N_("Write one to six lines of at most 80 characters.")),
    "invalid_country": ("country", N_("Write the two capital letters of a country, such as DE.")),
    "invalid_tax_id": ("tax_id", N_("Write at most 40 characters.")),
    "tax_id_needed": ("tax_id", N_("An invoice with VAT, or with reverse charge, names a tax number.")),
    "invalid_rate": ("rate", N_("Write a percentage above 0 and up to 50, such as 19 or 8.1.")),
    "invalid_sentence": ("sentence", N_("Write at most 300 characters on one line.")),
    "tax_changed": ("", N_("This was changed meanwhile: look at what stands below, then type it again.")),
}


@page(TAX, "tax.html", who=Who.MEMBER)
def tax(visit: Visit) -> dict[str, Any]:
    """What invoices say of the partner; for the broker's staff, of the brand."""
    assert visit.member is not None
    found = visit.portal.invoices.tax_record(tax_subject(visit.member))
    return _shown(found) | {
        "may_change": visit.member.role in EDITORS,
        "treatments": [each.value for each in Treatment],
    }


@page(TAX, "tax.html", method="POST", who=Who.MEMBER, again=tax, body=TaxDetails)
def change_tax(visit: Visit) -> Done:
    """Changes what invoices say from now on; an owner for the partner, finance for the brand. Invoices that are issued
    keep what was printed. Admins decide for the brand too."""
    assert visit.member is not None
    check_editor(visit.member.role)
    wish = visit.read(TaxDetails)
    try:
        profile = tax_profile(
            legal_name=wish.legal_name,
            address=wish.address,
            country_code=wish.country,
            tax_id=wish.tax_id,
            treatment=wish.treatment,
            rate=wish.rate,
            sentence=wish.sentence,
        )
        made = change_tax_profile(
            visit.portal.invoices, member=visit.member, profile=profile, version=wish.version, clock=visit.portal.now
        )
    except (Invalid, Conflict) as error:
        if error.code not in _ADVICE:
            raise
        field, advice = _ADVICE[error.code]
        typed = {name: str(value) for name, value in wish.model_dump().items()}
        raise FormRefused({field: advice}, typed, error) from error
    return Done(_shown(made), f"{TAX}?changed={made.version}", created=made.version == wish.version + 1)


def _shown(record: TaxRecord | None) -> dict[str, Any]:
    return {
        "version": 0 if record is None else record.version,
        "profile": None if record is None else _profile(record.profile),
        "changed_at": None if record is None else record.changed_at,
    }
