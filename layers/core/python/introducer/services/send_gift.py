"""Staff note of a gift that it was sent, and that it arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member
from introducer.domain.contest_closing import check_sending, contest_and_number, sent
from introducer.domain.contest_prizes import Award, AwardStatus
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import in_full_ms
from introducer.services.contest_books import TRIES, ContestBooks
from introducer.services.partner_of_brand import partner_of_brand
from introducer.services.people import by_member

LONGEST_NOTE = 200


def send_gift(
    books: ContestBooks, *, member: Member, partner: str, award: str, status: AwardStatus, note: str, now: datetime
) -> Award:
    """The gift, with what became of it: `sent`, `delivered`; `note` is a tracking number, or who took it. `award` is
    the prize's name (`contest_closing.award_id`). The same again changes nothing.

    Raises `Forbidden` (`gift_role`), `NotFound` (`no_such_prize`), `Invalid` (`note_too_long`), `Conflict` (`no_gift`,
    `not_to_send`, `prize_changed`: look again), `Unavailable`.
    """
    check_sending(member.role)
    partner_of_brand(books.configuration, member, partner)
    named = contest_and_number(award)
    if named is None:
        raise NotFound("There is no such prize.", code="no_such_prize")
    word = note.strip()
    if len(word) > LONGEST_NOTE:
        raise Invalid(f"A note has at most {LONGEST_NOTE} characters.", code="note_too_long")
    for _ in range(TRIES):
        found = books.results.award(partner, *named)
        if (found.status, found.note) == (status, word):
            return found
        after = replace(sent(found, status, in_full_ms(now)), note=word)
        # The note may say who took it: it stands with the prize alone, because the trail is never erased.
        change = by_member(member, now, f"The gift is {status.value}")
        if books.results.move_award(found, after, change, "send_gift"):
            return after
    raise Conflict("This prize was changed meanwhile: look again.", code="prize_changed")
