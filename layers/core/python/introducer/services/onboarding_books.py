"""What onboarding reads and writes, in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from introducer.store.click_counts import ClickCounts
from introducer.store.configuration import Configuration
from introducer.store.event_counts import EventCounts
from introducer.store.mail_figures import MailFigures
from introducer.store.mail_preferences import MemberMails
from introducer.store.mail_texts import MailTexts
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.sequences import Sequences

Start = Callable[[str, Mapping[str, str]], str]
"""Starts an execution of `onboarding` under a name, unless one of that name runs or is through; says its name. Raises
`TooMany`, `Unavailable`, `Conflict` (`failed_too_often`)."""

TRIES = 5
"""How often something is tried anew that was met by another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardingBooks:
    """The stores that say what is true of a partner, what it was told, and what it is to be told."""

    configuration: Configuration
    sequences: Sequences
    texts: MailTexts
    wishes: MemberMails
    figures: MailFigures
    clicks: ClickCounts
    events: EventCounts
    profiles: PaymentProfiles

    @classmethod
    def of(cls, books: str) -> OnboardingBooks:
        """The books of this table."""
        return cls(
            configuration=Configuration(books),
            sequences=Sequences(books),
            texts=MailTexts(books),
            wishes=MemberMails(books),
            figures=MailFigures(books),
            clicks=ClickCounts(books),
            events=EventCounts(books),
            profiles=PaymentProfiles(books),
        )
