"""What a partner would be written by a sequence now, step by step, with its own data: as the outbox fills it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Member, Partner
from introducer.domain.mail_text import ENGLISH
from introducer.domain.sequence import Facts, Next, Progress, Sequence, Step, next_step
from introducer.locale import best
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import owners_of
from introducer.services.read_sequences import facts_of, fills_of, walk_of
from introducer.services.send_mail import fill_in
from introducer.wording.mails.telling import Reader, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A step as it would reach a partner now."""

    step: Step
    words: Written
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a partner would get, and what is true of it."""

    partner: Partner
    facts: Facts
    steps: tuple[Told, ...]
    state: Progress | None
    """How far it is; None where it walks nothing."""
    next: Next | None
    """What comes next, where it walks."""


def preview_sequence(
    books: OnboardingBooks, *, member: Member, sequence: Sequence, partner: str, language: str = "", now: datetime
) -> Preview:
    """Every step with a partner's real data, in a language or its own: of a sequence that need not be saved. Raises
    `NotFound` for a partner of another brand."""
    found = partner_of_brand(books.configuration, member, partner)
    brand = books.configuration.brand(found.brand)
    owner = next(owners_of(books.configuration, found.partner), None)
    fills = fills_of(books, found, now)
    reader = Reader(
        name=owner.name if owner else found.name, brand=brand.name, portal=f"https://{brand.domain}", partner=found.name
    )
    wanted = best([language, owner.language if owner else None, found.language])
    facts, state = facts_of(books, found, now), walk_of(books, found.partner, sequence.sequence)
    return Preview(
        partner=found,
        facts=facts,
        steps=tuple(
            Told(
                step=step,
                # As the outbox does it, with numbers as the reader's language writes them.
                words=fill_in(step.text, fills, wanted, reader),
                language=wanted.code if wanted.code in step.text.by_language else ENGLISH,
            )
            for step in sequence.steps
        ),
        state=state,
        next=None if state is None else next_step(sequence, state, facts, now),
    )
