"""What does a broadcast look like for one partner, with its real data?"""

from __future__ import annotations

from dataclasses import dataclass

from introducer.domain.configuration import Member, Partner
from introducer.domain.mail_text import ENGLISH, PLACEHOLDERS, MailText
from introducer.locale import best
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import Names, owners_of
from introducer.services.send_broadcast import fills_of
from introducer.services.send_mail import fill_in
from introducer.wording.mails.telling import Reader, Written


@dataclass(frozen=True, slots=True)
class Previewed:
    """What its owner would read."""

    partner: Partner
    reader: str
    language: str
    words: Written


def preview_broadcast(
    books: BroadcastBooks, *, member: Member, text: MailText, partner: str, language: str = ""
) -> Previewed:
    """A text that was checked, in a language, or in the one that the partner's first owner reads.

    Raises `NotFound` for a partner of another brand; `Unavailable`.
    """
    found = partner_of_brand(books.configuration, member, partner)
    brand = books.configuration.brand(found.brand)
    owner = next(owners_of(books.configuration, found.partner), None)
    wanted = best([language, owner.language if owner else None, found.language])
    reader = Reader(
        name=owner.name if owner else found.name, brand=brand.name, portal=f"https://{brand.domain}", partner=found.name
    )
    fills = fills_of(books, Names(books.configuration), found, frozenset(PLACEHOLDERS))
    # As the outbox does it, with numbers as the reader's language writes them.
    words = fill_in(text, fills, wanted, reader)
    return Previewed(found, reader.name, wanted.code if wanted.code in text.by_language else ENGLISH, words)
