"""Statements and invoices on paper: every sign is there, nothing leaves its place, and the same makes the same bytes.

The pages are looked at as pictures too, where poppler's tools are installed (Debian: poppler-utils).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from introducer.documents import pdf
from introducer.documents.page import Cell, Column, Document, Facts, Heading, Paragraph, Row, Table, runs_left, upright
from introducer.documents.pdf import BOTTOM, HEIGHT, MARGIN, WIDTH, DoesNotFit, Rendered, render
from introducer.domain.invoice import InvoiceKind, TaxProfile, Treatment, make_credit_note, make_invoice, numbered
from introducer.domain.period_statement import canonical_csv, content_hash, make_period_statement
from introducer.domain.reservation import Move
from introducer.domain.statement import CurrencyTotals, Statement, Total
from introducer.locale import CODES, language
from introducer.wording.documents import invoice_document, statement_document
from introducer_ops import fonts
from tests.support.documents import PAID_AT, a_move, a_payout, an_adjustment

ROOT = Path(__file__).resolve().parents[2]
DATED = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
DPI = 60
NAMES = {
    "en": "Harbour Trading Weekly and the Association of Independent Introducing Brokers of the Northern Coast",
    "ar": "شركة الميناء للتداول الأسبوعي Harbour والشركاء المحدودة",
    "th": "บริษัท ท่าเรือเทรดดิ้งรายสัปดาห์เพื่อการแนะนำลูกค้าและการลงทุนระหว่างประเทศ จำกัด (มหาชน)",
}
REASONS = {
    "en": "Agreed with the partner in contract 17/2026: " + "what was forgotten in September is added, " * 3,
    "ar": "مبلغ نُسي في سبتمبر، وتم الاتفاق عليه مع الشريك ضمن العقد رقم 17/2026 (Harbour). " * 3,
    "th": "จำนวนเงินที่ลืมในเดือนกันยายนซึ่งตกลงกับพาร์ทเนอร์ไว้แล้วตามสัญญาเลขที่ 17/2026 " * 3,
}
SCRIPTS = ("en", "ar", "th")
POPPLER = pytest.mark.skipif(
    shutil.which("pdftoppm") is None, reason="pages are looked at with pdftoppm: install poppler-utils"
)


def a_statement(code: str, adjustments: int = 16) -> Document:
    """A month with everything in it, on several pages, in a language and of a partner who writes in it."""
    statement = Statement(
        partner="par_01K9ABCDEFGHJKMNPQRSTVWXYZ", month="2026-10", entries=adjustments + 3, digest="ab" * 32,
        closed_at=DATED, totals=(
            CurrencyTotals(
                currency="EUR", opening=10**14, earlier=(Total(of="2026-09", amount=-5, entries=1),),
                rules=(Total(of="adjustment", amount=500 * adjustments, entries=adjustments),
                       Total(of="cpa", amount=10**13, entries=2)),
            ),
            CurrencyTotals(currency="JPY", opening=0, rules=(Total(of="lot", amount=7, entries=1),), earlier=()),
        ),
    )  # fmt: skip
    by_hand = [
        an_adjustment(f"adj_{number}", 500, "2026-10", posted="2026-10", why=REASONS.get(code, REASONS["en"]).strip())
        for number in range(adjustments)
    ]
    moves = [a_move("pay_1", Move.PAY, 30_000, "2026-10-03"), a_move("pay_2", Move.PAY, 10, "2026-10-04")]
    payouts = {"pay_1": a_payout("pay_1", 30_000, pay_currency="USD", pays=32_502), "pay_2": a_payout("pay_2", 10)}
    period = make_period_statement("brd_1", statement, by_hand, moves, payouts)
    return statement_document(
        language(code), period, brand="Northgate FX", partner=NAMES.get(code, NAMES["en"]),
        content_hash=content_hash(canonical_csv(period)), csv_name="statement-2026-10.csv",
    )  # fmt: skip


def an_invoice(code: str, kind: InvoiceKind = InvoiceKind.INVOICE) -> Document:
    profile = TaxProfile(
        legal_name=NAMES.get(code, NAMES["en"]), address=("ul. Morska 5", "81-002 Gdynia"), country="PL",
        tax_id="PL5260001246", treatment=Treatment.DOMESTIC_VAT, rate=2300,
        sentence=REASONS.get(code, REASONS["en"])[:280],
    )  # fmt: skip
    payout = a_payout("pay_01K9ABCDEFGHJKMNPQRSTVWXYZ", 30_000, pay_currency="USD", pays=32_502)
    made = numbered(make_invoice(payout, TaxProfile(legal_name="Northgate FX"), profile, PAID_AT, DATED), "2026", 123)
    if kind is InvoiceKind.CREDIT_NOTE:
        made = numbered(make_credit_note(made, DATED, DATED), "2026", 124)
    return invoice_document(language(code), made)


@cache
def rendered(code: str, what: str = "statement") -> Rendered:
    return render(a_statement(code) if what == "statement" else an_invoice(code), fonts.folder())


def a_document(*blocks: object, direction: str = "ltr", **other: str) -> Document:
    given = {"title": "A title", "brand": "Northgate FX", "language": "en", "unprintable": "Where you see it"} | other
    return Document(
        direction=direction, dated=DATED, blocks=blocks, page_of="Page %(page)s of %(pages)s", **given  # type: ignore[arg-type]
    )  # fmt: skip


def text_of(file: Rendered, tmp_path: Path, *options: str) -> list[str]:
    """What a reader copies out of each page."""
    (tmp_path / "file.pdf").write_bytes(file.content)
    run = subprocess.run(
        ["pdftotext", *options, str(tmp_path / "file.pdf"), "-"], capture_output=True, text=True, check=True
    )
    return run.stdout.split("\f")[:-1]


# ---------------------------------------------------------------------------------------------------------------- signs


@pytest.mark.parametrize("code", SCRIPTS)
def test_every_sign_of_a_document_is_in_a_font(code: str) -> None:
    assert rendered(code).replaced == frozenset()
    assert rendered(code, "invoice").replaced == frozenset()


def test_every_sign_that_we_say_in_any_language_is_in_a_font() -> None:
    from fontTools.ttLib import TTFont

    def signs(weight: str) -> set[int]:
        files = [fonts.folder() / f"{name}-{weight}.ttf" for name in pdf.FAMILIES.values()]
        return set().union(*(TTFont(path, lazy=True).getBestCmap() for path in files))

    known = signs("Regular") & signs("Bold")
    for code in CODES:
        catalogue: Mapping[object, str] = language(code).messages._catalog  # type: ignore[attr-defined]
        said = set("".join(catalogue.values())) - {"\n"}
        assert {each for each in said if ord(each) not in known} == set(), code


def test_a_sign_that_no_font_has_is_replaced_and_the_document_says_so() -> None:
    unknown = {"\N{SMILING FACE WITH SMILING EYES}", "\N{CJK UNIFIED IDEOGRAPH-4E2D}"}
    document = a_document(Paragraph("Thank you " + " ".join(sorted(unknown))))
    assert render(document, fonts.folder()).replaced == unknown


# --------------------------------------------------------------------------------------------------------------- places


def test_figures_that_leave_no_room_for_words_are_refused() -> None:
    columns = [Column("What"), *(Column("Amount", figures=True) for _ in range(5))]
    row = Row([Cell("words"), *(Cell("1,000,000,000,000.00") for _ in range(5))])
    with pytest.raises(DoesNotFit):
        render(a_document(Table(columns, [row])), fonts.folder())


def test_a_row_that_no_page_holds_is_refused() -> None:
    with pytest.raises(DoesNotFit):
        render(a_document(Table([Column("What")], [Row([Cell("endless " * 9000)])])), fonts.folder())


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_word_without_an_end_is_cut_and_stays_in_its_column(direction: str) -> None:
    for word in ("x" * 200, "ก็" * 120, "ب" * 200):
        table = Table(
            [Column("A"), Column("B"), Column("C", figures=True)], [Row([Cell(word), Cell("b"), Cell("1.00")])]
        )
        render(a_document(Facts([(word, Cell(word))]), Heading(word), table, direction=direction), fonts.folder())


def test_thai_breaks_between_words_and_never_before_a_mark() -> None:
    assert "".join(pdf._pieces(REASONS["th"])) == REASONS["th"]
    assert max(map(len, pdf._pieces(REASONS["th"]))) < 20
    assert all(not re.match("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]", each) for each in pdf._clusters("ที่นี่เป็นผู้รู้"))


def test_figures_keep_their_direction_where_text_runs_to_the_left() -> None:
    assert upright("-5.00 EUR", "rtl") == "\u200e-5.00 EUR\u200e"
    assert upright("-5.00 EUR", "ltr") == "-5.00 EUR"
    assert runs_left("عن 5") and not runs_left("1 Harbour Road")


# ------------------------------------------------------------------------------------------------------------ pictures


@POPPLER
@pytest.mark.parametrize("code", SCRIPTS)
@pytest.mark.parametrize("what", ["statement", "invoice"])
def test_pages_have_their_margins_and_something_in_between(code: str, what: str, tmp_path: Path) -> None:
    # given the pages as pictures
    file = rendered(code, what)
    (tmp_path / "file.pdf").write_bytes(file.content)
    subprocess.run(
        ["pdftoppm", "-r", str(DPI), "-gray", str(tmp_path / "file.pdf"), str(tmp_path / "page")], check=True
    )
    pictures = [Image.open(path) for path in sorted(tmp_path.glob("page-*.pgm"))]
    assert len(pictures) == file.pages
    if what == "statement":
        assert file.pages > 2

    # then there is ink where text is, and none outside
    def millimetres(value: float) -> int:
        return round(value * DPI / 25.4)

    for picture in pictures:
        ink = picture.point(lambda value: 255 if value < 250 else 0)
        left, top, right, bottom = ink.getbbox() or (0, 0, 0, 0)
        assert left >= millimetres(MARGIN) - 2 and right <= millimetres(WIDTH - MARGIN) + 2
        assert top >= millimetres(10) and bottom <= millimetres(HEIGHT - 5)
        # Between the last line and the foot is nothing.
        gap = ink.crop((0, millimetres(HEIGHT - BOTTOM + 1), ink.width, millimetres(HEIGHT - BOTTOM + 4)))
        assert gap.getbbox() is None
        assert ink.crop((0, millimetres(15), ink.width, millimetres(45))).getbbox() is not None


@POPPLER
def test_a_reader_finds_every_figure_head_and_number_of_a_page(tmp_path: Path) -> None:
    file = rendered("en")
    pages = text_of(file, tmp_path, "-layout")
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {file.pages}" in page
        assert "Northgate FX" in page
    # The head of a table stands on each page that it goes on to.
    assert all("What for" in page and "Amount" in page for page in pages[:-1])
    whole = "\n".join(pages)
    for text in ("1,000,000,000,000.00", "\N{MINUS SIGN}300.00", "1 EUR = 1.0834 USD, published by ECB on 2 Oct 2026"):
        assert text in whole
    assert whole.count("+5.00") == 16


@POPPLER
@pytest.mark.parametrize("code", ["ar", "th"])
def test_arabic_and_thai_can_be_read_back(code: str, tmp_path: Path) -> None:
    file = rendered(code)
    pages = text_of(file, tmp_path)
    # Marks come back after the letter that they stand on or before it, as the reader likes.
    marks = "[\u200e\u200f\u202a-\u202e\u064b-\u0652\u0e31-\u0e3a\u0e47-\u0e4e\\s]"
    for word in NAMES[code].split()[:2]:
        assert all(re.sub(marks, "", word) in re.sub(marks, "", page) for page in pages), word
    # What was joined or stacked is still letters, and no empty boxes.
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(pages)


# --------------------------------------------------------------------------------------------------------------- bytes


def test_the_same_document_is_the_same_file_whoever_renders_it() -> None:
    # given a document that was rendered here
    here = render(a_statement("th", 1), fonts.folder()).content

    # when another process renders it, with its own order of hashes
    script = (
        "import sys\n"
        "from tests.unit.test_documents import a_statement, fonts\n"
        "assert 'fpdf' not in sys.modules, 'loaded before anything is rendered'\n"
        "from introducer.documents.pdf import render\n"
        "sys.stdout.buffer.write(render(a_statement('th', 1), fonts.folder()).content)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
        capture_output=True, check=True,
    )  # fmt: skip

    # then it is the same, and says when the month was closed and not when it was made
    assert run.stdout == here
    assert b"D:20261105020000" in here


@pytest.mark.parametrize("code", sorted({*CODES} - {*SCRIPTS}))
def test_documents_are_made_in_every_other_language(code: str) -> None:
    for document in (a_statement(code, 1), an_invoice(code, InvoiceKind.CREDIT_NOTE)):
        assert render(document, fonts.folder()).replaced == frozenset()
        assert document.direction == "ltr"
