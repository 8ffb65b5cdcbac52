"""An answer that staff give often: a title and paragraphs by language, put into what they write and changed there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.conversation import LONGEST_TEXT
from introducer.domain.errors import Invalid
from introducer.domain.mail_text import ENGLISH, PARAGRAPHS, MailText, Words

MOST_ANSWERS = 100
"""Saved answers of one brand."""
FOR_NAMES = 500
"""Characters of a message that are kept for what its placeholders become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAnswer:
    answer: str
    brand: str
    text: MailText
    """Its subjects are titles: staff choose by them, and a partner sees the paragraphs alone."""
    changed_by: str
    changed_at: datetime
    removed: bool = False
    version: int = 1

    @property
    def title(self) -> str:
        return self.text.words(ENGLISH).subject


def check_fits(text: MailText) -> MailText:
    """The text, if it fits into a message in each of its languages. Raises `Invalid` (`text_too_long`)."""
    most = LONGEST_TEXT - FOR_NAMES
    for language, words in text.by_language.items():
        if len(in_message(words)) > most:
            raise Invalid(f"The text in {language} is too long for a message: {most} characters at most.",
                          code="text_too_long", language=language, part=PARAGRAPHS)  # fmt: skip
    return text


def in_message(words: Words) -> str:
    """An answer as it stands in a message."""
    return "\n\n".join(words.paragraphs)
