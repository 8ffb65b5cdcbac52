"""Texts of staff are checked when they are saved, and what is filled into them stays text."""

from __future__ import annotations

import pytest

from introducer import locale
from introducer.domain.errors import Invalid
from introducer.domain.mail_text import (
    LANGUAGES,
    LONGEST_PARAGRAPH,
    LONGEST_SUBJECT,
    MOST_BYTES,
    MOST_PARAGRAPHS,
    PLACEHOLDERS,
    MailText,
    Words,
    check_text,
    paragraphs_of,
    text_from_data,
    text_of,
    text_to_data,
)


def test_the_languages_are_those_of_the_portal() -> None:
    assert LANGUAGES == locale.CODES


def test_a_text_is_filled_in_with_values() -> None:
    text = check_text(text_of("{partner}: {ftd_30} first deposits", "Dear {name},", "thank you. {manager}, {brand}"))
    said = text.words("en").filled(
        {"partner": "Amberfield", "ftd_30": "4", "name": "Marta", "manager": "Somchai", "brand": "Northwind"}
    )
    assert said == Words("Amberfield: 4 first deposits", ("Dear Marta,", "thank you. Somchai, Northwind"))


@pytest.mark.parametrize(
    "value",
    ["{{x}}", "{x}", "{brand}", "{{ 7 * 7 }}", "{% raw %}", "<img src=x onerror=alert(1)>", "{", r"\1 \g<0>", "%s"],
)
def test_what_a_value_says_stays_as_it_is(value: str) -> None:
    said = (
        text_of("Hello {partner}", "{partner} of {brand}").words("en").filled({"partner": value, "brand": "Northwind"})
    )
    assert said == Words(f"Hello {value}", (f"{value} of Northwind",))


def test_a_value_of_several_lines_cannot_add_a_header() -> None:
    said = text_of("Hello {partner}", "x").words("en").filled({"partner": "A\r\nBcc: everybody@example.com"})
    assert said.subject == "Hello A Bcc: everybody@example.com"


def test_a_missing_value_is_a_mistake_of_whoever_fills_it_in() -> None:
    with pytest.raises(ValueError, match="manager"):
        text_of("Hello", "{manager}").words("en").filled({})


def test_whoever_reads_another_language_gets_english_where_theirs_is_missing() -> None:
    text = check_text(MailText({"pl": Words("Cześć", ("Witamy",)), "en": Words("Hello", ("Welcome",))}))
    assert list(text.by_language) == ["en", "pl"]
    assert text.words("pl").subject == "Cześć"
    assert text.words("th").subject == text.words("zz").subject == "Hello"


def test_a_language_without_words_is_left_out_and_spaces_around_too() -> None:
    text = MailText({"en": Words(" Hello ", (" Welcome ", "  ")), "ar": Words("", ("", " "))})
    assert check_text(text) == text_of("Hello", "Welcome")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (text_of("", "Welcome"), "subject_missing"),
        (text_of("Hello"), "paragraphs_missing"),
        (text_of("", ""), "english_missing"),
        (MailText({"pl": Words("Cześć", ("Witamy",))}), "english_missing"),
        (MailText({"en": Words("Hello", ("x",)), "xx": Words("Hello", ("x",))}), "unknown_language"),
        (text_of("x" * (LONGEST_SUBJECT + 1), "x"), "text_too_long"),
        (text_of("x", "x" * (LONGEST_PARAGRAPH + 1)), "text_too_long"),
        (text_of("x", *(["x"] * (MOST_PARAGRAPHS + 1))), "text_too_long"),
        (text_of("x", "x" * 1_000_000), "text_too_long"),
        (text_of("x" * 1_000_000, "x"), "text_too_long"),
        # each line is short enough, and the mail would not be
        (MailText({"en": Words("x", ("x",)), "th": Words("x", ("ก" * LONGEST_PARAGRAPH,) * 8)}), "text_too_long"),
        (text_of("x", *(['"' * LONGEST_PARAGRAPH] * 5)), "text_too_long"),
        # each language could be sent, and all of them could not be kept in an item
        (MailText({each: Words("x", ("x" * LONGEST_PARAGRAPH,) * 20) for each in LANGUAGES}), "text_too_long"),
        (text_of("a\nBcc: b", "x"), "invalid_text"),
        (text_of("a", "x\x00y"), "invalid_text"),
        (text_of("{password}", "x"), "unknown_placeholder"),
        (text_of("a", "{ partner }"), "unknown_placeholder"),
        (text_of("a", "{partner.__class__}"), "unknown_placeholder"),
        (text_of("a", "{partner!r}"), "unknown_placeholder"),
        (text_of("a", "{}"), "unknown_placeholder"),
        (text_of("a", "{{partner}}"), "lone_brace"),
        (text_of("a", "{% if x %}"), "unknown_placeholder"),
        (text_of("a", "50 } off"), "lone_brace"),
        (text_of("a {", "x"), "lone_brace"),
    ],
)
def test_a_text_that_cannot_be_is_refused_with_what_to_do(text: MailText, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_text(text)
    assert refused.value.code == code
    assert refused.value.facts["language"]
    assert refused.value.detail.endswith(".")


def test_a_text_of_all_languages_may_fill_its_room_to_the_last_byte() -> None:
    lines = {each: ["x" * LONGEST_PARAGRAPH] * 20 for each in LANGUAGES[:4]}
    lines[LANGUAGES[4]] = ["x" * LONGEST_PARAGRAPH] * 19 + ["x" * (LONGEST_PARAGRAPH - 5)]

    def text() -> MailText:
        return MailText({each: Words("x", tuple(paragraphs)) for each, paragraphs in lines.items()})

    assert text().size == MOST_BYTES
    assert check_text(text()) == text()
    lines[LANGUAGES[4]][-1] += "x"
    with pytest.raises(Invalid) as refused:
        check_text(text())
    assert refused.value.code == "text_too_long"


def test_the_refusal_of_a_placeholder_names_those_that_there_are() -> None:
    with pytest.raises(Invalid) as refused:
        check_text(text_of("{nme}", "x"))
    assert refused.value.facts == {"language": "en", "part": "subject", "placeholder": "nme"}
    assert all(f"{{{name}}}" in refused.value.detail for name in PLACEHOLDERS)


def test_every_placeholder_is_accepted_and_told() -> None:
    text = check_text(text_of("x", " ".join(f"{{{name}}}" for name in PLACEHOLDERS)))
    assert text.placeholders == PLACEHOLDERS.keys()


def test_paragraphs_are_parted_by_an_empty_line() -> None:
    assert paragraphs_of("One\r\nline.\r\n \r\n\r\nTwo.\n") == ("One line.", "Two.")
    assert paragraphs_of(" \n\n ") == ()


def test_a_text_comes_back_from_its_data() -> None:
    text = MailText({"en": Words("Hello", ("a", "b")), "th": Words("สวัสดี", ("c",))})
    assert text_from_data(text_to_data(text)) == text
