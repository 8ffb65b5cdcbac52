"""Texts of staff as a form sends them: a subject and a text in each language of the portal. English is needed, the
others may stay empty; an empty line parts paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

from advice import typed
from pydantic import BaseModel, ConfigDict, StringConstraints
from visit import N_, FormRefused

from introducer.domain.errors import Conflict, Invalid
from introducer.domain.mail_text import LANGUAGES, MailText, Words, paragraphs_of

Subject = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]
Body = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]

_SAID = {
    "english_missing": ("text", N_("Write it in English at least: whoever reads another language gets that.")),
    "subject_missing": ("subject", N_("A text in this language needs a title.")),
    "paragraphs_missing": ("text", N_("Write something first.")),
    "text_too_long": ("text", N_("This is too long.")),
    "invalid_text": ("text", N_("Leave out control characters: they cannot be shown.")),
    "unknown_placeholder": ("text", N_("A word in braces stands for nothing: use those that are named below.")),
    "lone_brace": ("text", N_("A brace belongs to no word: leave it out.")),
}


class Texts(BaseModel):
    """A text by language."""

    model_config = ConfigDict(extra="forbid")

    subject_en: Subject = ""
    text_en: Body = ""
    subject_ru: Subject = ""
    text_ru: Body = ""
    subject_ar: Subject = ""
    text_ar: Body = ""
    subject_pl: Subject = ""
    text_pl: Body = ""
    subject_es: Subject = ""
    text_es: Body = ""
    subject_th: Subject = ""
    text_th: Body = ""

    def text(self) -> MailText:
        """The text, unchecked."""
        return MailText({
            language: Words(getattr(self, f"subject_{language}"), paragraphs_of(getattr(self, f"text_{language}")))
            for language in LANGUAGES
        })  # fmt: skip


def as_typed(text: MailText) -> dict[str, str]:
    """The text as the form has it."""
    fields = {}
    for language, words in text.by_language.items():
        fields |= {f"subject_{language}": words.subject, f"text_{language}": "\n\n".join(words.paragraphs)}
    return fields


@contextmanager
def told(wish: BaseModel, advice: Mapping[str, tuple[str, str]]) -> Iterator[None]:
    """What a service refuses within, by the form: beside the text in question, or as `advice` says."""
    try:
        yield
    except (Invalid, Conflict) as error:
        if error.code in _SAID:
            field, message = _SAID[error.code]
            field = f"{field}_{error.facts.get('language', 'en')}"
        elif error.code in advice:
            field, message = advice[error.code]
        else:
            raise
        raise FormRefused({field: message}, typed(wish), error) from error
