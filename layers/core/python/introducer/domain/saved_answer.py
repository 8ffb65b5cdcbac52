"""An answer that staff give often: a title and paragraphs by language, put into what they write and changed there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.mail_text import ENGLISH, MailText

MOST_ANSWERS = 100
"""Saved answers of one brand."""


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
