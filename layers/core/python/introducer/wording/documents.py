"""What statements and invoices say: from the domain's data to a document that only has to be set and printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from introducer.documents.page import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Heading,
    Paragraph,
    Parties,
    Party,
    Row,
    Table,
    upright,
)
from introducer.domain.calendar import month_end
from introducer.domain.describe import Day
from introducer.domain.invoice import Invoice, InvoiceKind, TaxProfile, Treatment, rate_text
from introducer.domain.money import Money, decimal_string
from introducer.domain.payout import Part
from introducer.domain.period_statement import LineKind, PeriodCurrency, PeriodLine, PeriodStatement
from introducer.locale import Language
from introducer.wording.codes import word
from introducer.wording.sentences import Code, Month, Text, figure, printed
from introducer.wording.sentences import Part as Value


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


_LACKING: dict[str, Value] = {"sign": Text("\N{REPLACEMENT CHARACTER}")}
_LINES = {
    LineKind.OPENING: N_("Owed to you before this month"),
    LineKind.ADJUSTED: N_("Adjustment"),
    LineKind.REVERSED: N_("Adjustment taken back"),
    LineKind.PAID: N_("Paid out"),
    LineKind.RETURNED: N_("Payout that came back"),
    LineKind.CLOSING: N_("Owed to you at the end of this month"),
}
_TITLES = {
    InvoiceKind.INVOICE: N_("Self-billed invoice %(number)s"),
    InvoiceKind.CREDIT_NOTE: N_("Credit note %(number)s"),
}
_TREATMENTS = {
    Treatment.NONE: N_("No VAT is charged."),
    Treatment.DOMESTIC_VAT: N_("The amount paid includes the VAT."),
    Treatment.REVERSE_CHARGE: N_("Reverse charge: the customer accounts for the VAT."),
    Treatment.EXEMPT: N_("Exempt from VAT."),
}


# ----------------------------------------------------------------------------------------------------------- statements


def statement_document(
    language: Language, statement: PeriodStatement, *, brand: str, partner: str, content_hash: str, csv_name: str
) -> Document:
    """A closed month's document. `brand` and `partner` are names; `csv_name` is what the canonical CSV is called when
    it is downloaded, and `content_hash` its SHA-256."""
    say = language.text
    first, last = f"{statement.month}-01", month_end(statement.month)
    facts = Facts(
        (
            (say(N_("Your number")), Cell(statement.partner, upright=True)),
            (
                say(N_("Period")),
                Cell(printed(language, N_("%(first)s to %(last)s, UTC"), {"first": Day(first), "last": Day(last)})),
            ),
            (say(N_("Closed")), Cell(language.moment(statement.closed_at))),
            (say(N_("Entries")), Cell(language.number(statement.entries))),
        )
    )
    blocks: list[Block] = [facts]
    for each in statement.currencies:
        blocks += [Heading(f"{language.currency(each.currency)} ({each.currency})"), _table(language, each)]
    if not statement.currencies:
        blocks.append(Paragraph(say(N_("No money moved in this month, and none was owed before it."))))
    check = N_(
        "Download this statement as CSV. The command sha256sum %(file)s prints the content hash below, if nothing was "
        "changed. It is the same in every language and whenever the statement is made."
    )
    blocks += [
        Heading(say(N_("How to check this statement"))),
        Paragraph(printed(language, check, {"file": Code(csv_name)})),
        Facts(
            (
                (say(N_("Content hash")), Cell(content_hash, upright=True)),
                (say(N_("Seal of the entries")), Cell(statement.digest, upright=True)),
            )
        ),
    ]
    return Document(
        title=printed(language, N_("Statement of %(month)s"), {"month": Month(statement.month)}),
        subtitle=partner,
        brand=brand,
        language=language.code,
        direction=language.direction,
        dated=statement.closed_at,
        blocks=blocks,
        page_of=say(N_("Page %(page)s of %(pages)s")),
        unprintable=printed(language, N_("Where you see %(sign)s, our fonts lack a sign: the CSV has it."), _LACKING),
    )


def _table(language: Language, each: PeriodCurrency) -> Table:
    columns = (
        Column(language.text(N_("What for")), share=4),
        Column(language.text(N_("Day")), share=1),
        Column(language.text(N_("Amount")), figures=True),
    )
    return Table(columns, [_row(language, line, each.currency) for line in each.lines])


def _row(language: Language, line: PeriodLine, currency: str) -> Row:
    ends = line.kind in (LineKind.OPENING, LineKind.CLOSING)
    amount = figure(language, decimal_string(line.amount, currency), signed=not ends)
    what = Cell(_what(language, line), tuple(_notes(language, line, currency)))
    return Row(
        (what, Cell(language.day(line.day) if line.day else ""), Cell(amount)), strong=line.kind is LineKind.CLOSING
    )


def _what(language: Language, line: PeriodLine) -> str:
    if line.kind is LineKind.EARNED:
        return word(language, "rule", line.of)
    if line.kind is LineKind.EARLIER:
        return printed(language, N_("For %(month)s, posted in this month"), {"month": Month(line.of)})
    return language.text(_LINES[line.kind])


def _notes(language: Language, line: PeriodLine, currency: str) -> Iterator[str]:
    if line.entries:
        yield language.messages.ngettext("%(num)s entry", "%(num)s entries", line.entries) % {
            "num": language.number(line.entries)
        }
    payment = line.payment
    if line.kind in (LineKind.ADJUSTED, LineKind.REVERSED):
        yield printed(language, N_("For %(month)s: %(reason)s"), {"month": Month(line.of), "reason": Text(line.why)})
    elif payment is not None:
        sent = Money(payment.amount, payment.currency)
        yield printed(language, N_("%(amount)s to %(account)s"), {"amount": sent, "account": Code(payment.masked)})
        yield from _rates(language, payment.parts, currency)
        if line.why:
            yield line.why.replace("_", " ")
    if line.reference:
        yield upright(line.reference, language.direction)


def _rates(language: Language, parts: Sequence[Part], currency: str) -> Iterator[str]:
    """At which rates a payout was converted, and whose they are."""
    for part in parts:
        rate = part.rate
        if rate is None:
            continue
        values: dict[str, Value] = {
            "rate": Code(f"1 {rate.source} = {figure(language, str(rate))} {rate.target}"),
            "feed": Code(rate.feed.upper()),
            "day": Day(rate.day),
            "amount": Money(part.amount, currency),
        }
        if len(parts) == 1:
            yield printed(language, N_("%(rate)s, published by %(feed)s on %(day)s"), values)
        elif part.month:
            values["month"] = Month(part.month)
            yield printed(language, N_("%(amount)s of %(month)s at %(rate)s, published by %(feed)s on %(day)s"), values)
        else:
            yield printed(language, N_("%(amount)s at %(rate)s, published by %(feed)s on %(day)s"), values)


# ------------------------------------------------------------------------------------------------------------- invoices


def invoice_document(language: Language, invoice: Invoice) -> Document:
    """An issued invoice or credit note."""
    say, credit = language.text, invoice.kind is InvoiceKind.CREDIT_NOTE
    blocks: list[Block] = [
        Parties(
            _party(language, say(N_("Supplier")), invoice.supplier, invoice.partner),
            _party(language, say(N_("Customer")), invoice.customer, ""),
        ),
        Facts(tuple(_facts(language, invoice))),
        _amounts(language, invoice),
        Paragraph(say(_TREATMENTS[invoice.supplier.treatment])),
    ]
    if invoice.supplier.sentence:
        blocks.append(Paragraph(invoice.supplier.sentence))
    blocks.append(
        Paragraph(
            say(
                N_("Issued by the customer in the name and on behalf of the supplier (self-billing).")
                if not credit
                else N_("The payout came back: this note takes the whole invoice back.")
            )
        )
    )
    return Document(
        title=printed(language, _TITLES[invoice.kind], {"number": Code(invoice.number)}),
        brand=invoice.customer.legal_name,
        language=language.code,
        direction=language.direction,
        dated=invoice.issued_at,
        blocks=blocks,
        page_of=say(N_("Page %(page)s of %(pages)s")),
        unprintable=printed(language, N_("Where you see %(sign)s, our fonts lack a sign."), _LACKING),
    )


def _facts(language: Language, invoice: Invoice) -> Iterator[tuple[str, Cell]]:
    say, credit = language.text, invoice.kind is InvoiceKind.CREDIT_NOTE
    yield say(N_("Date of issue")), Cell(language.moment(invoice.issued_at))
    yield say(N_("Came back on") if credit else N_("Paid on")), Cell(language.day(invoice.day))
    if credit:
        yield say(N_("Takes back invoice")), Cell(invoice.corrects, upright=True)
    yield say(N_("Payout")), Cell(invoice.payout, upright=True)
    if invoice.held_currency != invoice.currency:
        taken = printed(language, "%(amount)s", {"amount": Money(invoice.held, invoice.held_currency)})
        rates = tuple(_rates(language, invoice.parts, invoice.held_currency))
        yield say(N_("Out of your balance")), Cell(taken, rates)


def _amounts(language: Language, invoice: Invoice) -> Table:
    say = language.text

    def row(what: str, amount: int, notes: Sequence[str] = (), strong: bool = False) -> Row:
        return Row((Cell(what, notes), Cell(figure(language, decimal_string(amount, invoice.currency)))), strong)

    run = printed(language, N_("Payouts %(run)s"), {"run": Code(invoice.run)})
    rows = [row(say(N_("Commission for introducing clients")), invoice.net, (run,))]
    if invoice.supplier.treatment is Treatment.DOMESTIC_VAT:
        rate = upright(f"{figure(language, rate_text(invoice.supplier.rate))}%", language.direction)
        rows.append(row(printed(language, N_("VAT at %(rate)s"), {"rate": Text(rate)}), invoice.vat))
    rows.append(row(say(N_("Total")), invoice.gross, strong=True))
    columns = (Column(say(N_("What for")), share=1), Column(invoice.currency, figures=True))
    return Table(columns, rows)


def _party(language: Language, label: str, profile: TaxProfile, reference: str) -> Party:
    lines = list(profile.address)
    if profile.country:
        lines.append(language.country(profile.country))
    if profile.tax_id:
        lines.append(printed(language, N_("Tax number %(number)s"), {"number": Code(profile.tax_id)}))
    if reference:
        lines.append(upright(reference, language.direction))
    return Party(label, profile.legal_name, lines)
