"""Texts that staff write for mails: a subject and paragraphs, by language, with placeholders out of a fixed list.

A text is checked when it is saved. A placeholder is a name in braces, `{partner}`; it is replaced in one pass by a
value that stays plain text: what a value says is never read as a placeholder, as a template or as HTML again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from introducer.domain.errors import Invalid

ENGLISH = "en"
LANGUAGES = (ENGLISH, "ru", "ar", "pl", "es", "th")
"""Those that a text may be written in: the portal's."""

PLACEHOLDERS: Mapping[str, str] = {
    "name": "the reader's own name",
    "partner": "the partner's name",
    "brand": "the brand's name",
    "portal": "the portal's address",
    "manager": "the name of the partner's manager, or the brand's where it has none",
    "clicks_30": "clicks of the last 30 days",
    "ftd_30": "first deposits of the last 30 days",
    "qftd_30": "qualified clients of the last 30 days",
}
"""What a text may ask for, and what it gets."""

LONGEST_SUBJECT = 150
LONGEST_PARAGRAPH = 2000
MOST_PARAGRAPHS = 30
"""In characters, and paragraphs, of one language."""
MOST_OF_ONE = 45_000
"""Bytes of one language as HTML: a mail of more than 60 KB is not sent (`gateways/mail.py`), and has more in it."""
MOST_BYTES = 200_000
"""Of all languages together: a text is one item of DynamoDB, which ends at 400 KB."""

SUBJECT, PARAGRAPHS = "subject", "paragraphs"
"""Which part of a text a refusal is about."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Words:
    """A text in one language."""

    subject: str
    paragraphs: tuple[str, ...]

    @property
    def placeholders(self) -> frozenset[str]:
        """What it asks for."""
        return frozenset(name for part in (self.subject, *self.paragraphs) for name in _PLACEHOLDER.findall(part))

    def filled(self, values: Mapping[str, str]) -> Words:
        """The words with their placeholders replaced, once. Values stay text; one of several lines is put on one.

        Raises `ValueError` where a value is missing: a mistake of whoever fills it in.
        """
        missing = sorted(self.placeholders - values.keys())
        if missing:
            raise ValueError(f"there is no value for {missing}")

        def value(match: re.Match[str]) -> str:
            return _CONTROL.sub(" ", values[match[1]])

        return Words(
            _PLACEHOLDER.sub(value, self.subject), tuple(_PLACEHOLDER.sub(value, each) for each in self.paragraphs)
        )


@dataclass(frozen=True, slots=True)
class MailText:
    """A text by language. One that was checked has English, which is read where another is missing."""

    by_language: Mapping[str, Words]

    def words(self, language: str) -> Words:
        """In this language, else in English."""
        return self.by_language.get(language) or self.by_language[ENGLISH]

    def filled(self, values: Mapping[str, str]) -> MailText:
        """Every language with its placeholders replaced. Raises `ValueError` where a value is missing."""
        return MailText({language: words.filled(values) for language, words in self.by_language.items()})

    @property
    def placeholders(self) -> frozenset[str]:
        """What any of its languages asks for."""
        return frozenset().union(*(words.placeholders for words in self.by_language.values()))

    @property
    def size(self) -> int:
        """How many bytes its words are, in all languages."""
        said = (line for words in self.by_language.values() for line in (words.subject, *words.paragraphs))
        return sum(len(line.encode()) for line in said)


def text_of(subject: str, *paragraphs: str) -> MailText:
    """A text in English alone."""
    return MailText({ENGLISH: Words(subject, paragraphs)})


def paragraphs_of(text: str) -> tuple[str, ...]:
    """Paragraphs as people type them: an empty line parts two, and a single line break is a space."""
    parts = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n"))
    return tuple(" ".join(part.split()) for part in parts if part.strip())


def check_text(text: MailText) -> MailText:
    """The text without spaces around it, in the order of the languages; a language with nothing in it is left out.

    Raises `Invalid`, with the language in question and the `part` of it (`subject`, `paragraphs`) among its facts:
    `unknown_language`, `english_missing`, `subject_missing`, `paragraphs_missing`, `text_too_long`, `invalid_text` (a
    line break or another control character), `unknown_placeholder`, `lone_brace`.
    """
    unknown = sorted(set(text.by_language) - set(LANGUAGES))
    if unknown:
        raise Invalid(f"{unknown[0][:20]!r} is no language of the portal: use one of {', '.join(LANGUAGES)}.",
                      code="unknown_language", language=unknown[0][:20])  # fmt: skip
    checked = {}
    for language in LANGUAGES:
        if (words := text.by_language.get(language)) is None:
            continue
        subject = words.subject.strip()
        paragraphs = tuple(each.strip() for each in words.paragraphs if each.strip())
        if subject or paragraphs:
            checked[language] = _checked(language, Words(subject, paragraphs))
    if ENGLISH not in checked:
        raise Invalid("Write it in English at least: whoever reads another language gets that where theirs is missing.",
                      code="english_missing", language=ENGLISH)  # fmt: skip
    whole = MailText(checked)
    if whole.size > MOST_BYTES:
        longest = max(checked, key=lambda language: MailText({language: checked[language]}).size)
        raise Invalid("All languages together are too long to be kept: shorten the longest.",
                      code="text_too_long", language=longest, part=PARAGRAPHS)  # fmt: skip
    return whole


def _checked(language: str, words: Words) -> Words:
    def refuse(part: str, code: str, sentence: str, **facts: object) -> Invalid:
        return Invalid(sentence, code=code, language=language, part=part, **facts)

    if not words.subject:
        raise refuse(SUBJECT, "subject_missing", f"The text in {language} needs a subject.")
    if not words.paragraphs:
        raise refuse(PARAGRAPHS, "paragraphs_missing", f"The text in {language} needs a paragraph at least.")
    if len(words.subject) > LONGEST_SUBJECT:
        said = f"The subject in {language} is too long: {LONGEST_SUBJECT} characters at most."
        raise refuse(SUBJECT, "text_too_long", said)
    if len(words.paragraphs) > MOST_PARAGRAPHS or any(len(each) > LONGEST_PARAGRAPH for each in words.paragraphs):
        most = f"{MOST_PARAGRAPHS} paragraphs of {LONGEST_PARAGRAPH} characters at most"
        raise refuse(PARAGRAPHS, "text_too_long", f"The text in {language} is too long: {most}.")
    if sum(len(escape(each).encode()) for each in words.paragraphs) > MOST_OF_ONE:
        said = f"The text in {language} is too long for a mail: say less, or link to a page that says more."
        raise refuse(PARAGRAPHS, "text_too_long", said)
    for part, line in [(SUBJECT, words.subject), *((PARAGRAPHS, each) for each in words.paragraphs)]:
        if _CONTROL.search(line):
            said = "has a line break or a control character inside a line: part paragraphs by an empty line."
            raise refuse(part, "invalid_text", f"The text in {language} {said}")
        for name in _PLACEHOLDER.findall(line):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                said = f"{{{name[:40]}}} in {language} stands for nothing: use {known}."
                raise refuse(part, "unknown_placeholder", said, placeholder=name[:40])
        if re.search(r"[{}]", _PLACEHOLDER.sub("", line)):
            said = f"The text in {language} has a brace that belongs to no placeholder: leave it out."
            raise refuse(part, "lone_brace", said)
    return words


# --------------------------------------------------------------------------------------------------------------- data


def text_to_data(text: MailText) -> dict[str, Any]:
    """The text as plain JSON."""
    return {
        language: {"subject": words.subject, "paragraphs": list(words.paragraphs)}
        for language, words in text.by_language.items()
    }


def text_from_data(data: Mapping[str, Mapping[str, Any]]) -> MailText:
    """The text back, unchecked."""
    return MailText({language: _words(each) for language, each in data.items()})


def _words(data: Mapping[str, Any]) -> Words:
    paragraphs: Sequence[str] = data["paragraphs"]
    return Words(data["subject"], tuple(paragraphs))
