"""A letter's chart: small, the same each time, carried inside the mail, and said in words; and that what the contact
sheets look for is found."""

from __future__ import annotations

import io
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from PIL import Image

from introducer.domain.mail import MailTemplate
from introducer.locale import CODES, language
from introducer.wording.mails.chart import HEIGHT, LARGEST, WIDTH, draw
from introducer.wording.mails.rendering import EXAMPLES, preview
from introducer.wording.mails.reports import Bar, Chart
from introducer_ops import fonts, mail_sheets


@pytest.fixture(scope="module")
def folder() -> Path:
    return fonts.folder()


def a_chart(*numbers: int, mirrored: bool = False) -> Chart:
    bars = tuple(Bar(number, f"{number:,}", "23/11") for number in numbers)
    return Chart(title="First deposits by week", alt="…", bars=bars, mirrored=mirrored)


def columns(png: bytes) -> list[int]:
    """How much of each half of a picture is in the colour of the last bar."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    middle = picture.width // 2
    halves = picture.crop((0, 0, middle, picture.height)), picture.crop((middle, 0, picture.width, picture.height))
    return [sum(number for number, colour in half.getcolors(1 << 16) or [] if colour == (0, 121, 121))
            for half in halves]  # fmt: skip


@pytest.mark.parametrize("numbers", [(0, 0, 0, 1), (1_234_567,) * 8, (3, 9, 0, 14, 2, 8, 1, 7), (5,)])
def test_a_chart_is_small_and_the_same_each_time(folder: Path, numbers: tuple[int, ...]) -> None:
    png = draw(a_chart(*numbers), folder)
    assert png == draw(a_chart(*numbers), folder)
    assert len(png) <= LARGEST
    assert Image.open(io.BytesIO(png)).size == (WIDTH * 2, HEIGHT * 2)


def test_time_goes_the_way_that_the_reader_reads(folder: Path) -> None:
    [left, right] = columns(draw(a_chart(4, 6, 9), folder))
    assert (left, right > 0) == (0, True)
    [left, right] = columns(draw(a_chart(4, 6, 9, mirrored=True), folder))
    assert (left > 0, right) == (True, 0)


def test_large_numbers_do_not_run_into_each_other(folder: Path) -> None:
    picture = Image.open(io.BytesIO(draw(a_chart(*(1_234_567,) * 8), folder))).convert("RGB")
    paper = picture.getpixel((12, 20))
    left, slot, base = 16, (WIDTH * 2 - 32) // 8, HEIGHT * 2 - 70
    between = {picture.getpixel((left + slot * place, y)) for place in range(1, 8) for y in range(20, base)}
    assert between == {paper}


def test_the_picture_is_carried_inside_the_mail_beside_the_html_that_shows_it(folder: Path) -> None:
    case = mail_sheets.Case(
        MailTemplate.PARTNER_REPORT, language("en"), preview(MailTemplate.PARTNER_REPORT, language("en"), fonts=folder)
    )
    raw = mail_sheets.whole(case)
    assert raw == mail_sheets.whole(case)
    message = message_from_bytes(raw, policy=default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    [*_, html, picture] = message.walk()
    assert picture["Content-ID"] == "<chart@introducer>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == case.rendered.images[0].png
    assert 'src="cid:chart@introducer"' in html.get_content()
    assert 'alt="First deposits by week: 5 Oct' in html.get_content()


def test_a_letter_whose_chart_cannot_be_drawn_goes_without_it(tmp_path: Path) -> None:
    said = preview(MailTemplate.PARTNER_REPORT, language("en"), fonts=tmp_path)
    assert not said.images
    assert "<img" not in said.html
    assert "First deposits by week: 5 Oct" in said.html


@pytest.mark.parametrize("code", CODES)
def test_every_mail_is_small_has_no_raw_keys_and_reads_well_as_plain_text(folder: Path, code: str) -> None:
    for template in EXAMPLES:
        case = mail_sheets.Case(template, language(code), preview(template, language(code), fonts=folder))
        assert mail_sheets.still_defects(case) == [], case.name


@pytest.mark.parametrize(
    "text",
    ["Hello %(name)s,", "{{ brand }}", "Reason: None", "See payout_failed_reason", "A &amp; B"],
)
def test_what_no_reader_should_see_is_found(text: str) -> None:
    assert mail_sheets.text_defects(text)


@pytest.mark.parametrize("text", ["See https://a.example/x_y_z?a=b_c", "pay_01JDXAMPLE0000000000000000", "e-mail"])
def test_addresses_and_ids_are_no_raw_keys(text: str) -> None:
    assert mail_sheets.text_defects(text) == []


@pytest.mark.parametrize("text", ["a\n\n\nb", "<b>a</b>", "a  b", "Reason:\nSince: today", ": 12", "x" * 500])
def test_plain_text_that_reads_badly_is_found(text: str) -> None:
    assert mail_sheets.plain_defects(text)


def test_a_mail_that_is_too_large_is_found(folder: Path) -> None:
    said = preview(MailTemplate.PARTNER_REPORT, language("en"), fonts=folder)
    case = mail_sheets.Case(MailTemplate.PARTNER_REPORT, language("en"), replace(said, html=said.html * 12))
    assert any("bytes, more than" in each for each in mail_sheets.still_defects(case))
    many = replace(said, images=said.images * 12)
    case = mail_sheets.Case(MailTemplate.PARTNER_REPORT, language("en"), many)
    assert any("bytes are more than" in each for each in mail_sheets.still_defects(case))
