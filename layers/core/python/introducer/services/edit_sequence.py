"""Staff change what new partners are told: only what they have looked at is changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.sequence import Sequence, check
from introducer.services.decisions import reason
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.read_sequences import sequence_of

EDITORS = frozenset({Role.MANAGER, Role.ADMIN})


def edit_sequence(books: OnboardingBooks, wanted: Sequence, *, member: Member, why: str, now: datetime) -> Sequence:
    """The sequence as it is from now on; `wanted.version` is the one that was looked at. The same again changes
    nothing.

    Raises `Forbidden` (`sequence_role`), `NotFound` for a sequence of another brand or name, `Invalid` with what is
    wrong (`check`), `Conflict` (`sequence_changed`) when it is not as it was looked at, `Unavailable`.
    """
    check_editor(member)
    word = reason(why)
    stands = sequence_of(books, member.brand, wanted.sequence)
    checked = check(replace(wanted, brand=member.brand))
    if replace(checked, version=stands.version) == stands:
        return stands
    if checked.version != stands.version:
        raise Conflict("The sequence was changed meanwhile: look at it again.", code="sequence_changed")
    after = replace(checked, version=stands.version + 1)
    books.sequences.put(stands, after, Change(by=member.member, at=now, why=word, origin="portal"))
    return after


def check_editor(member: Member) -> None:
    """Raises `Forbidden` for whoever decides nothing here."""
    if member.role not in EDITORS:
        raise Forbidden("Managers and admins write sequences: ask one of them.", code="sequence_role")
