"""Partners take part in a contest: they accept its rules, choose the name that others see, and may leave."""

from __future__ import annotations

import unicodedata
from dataclasses import fields, replace
from datetime import datetime

from introducer.domain.calendar import day_at, plus_days
from introducer.domain.configuration import Member, Partner, PartnerCard, status_at
from introducer.domain.contest import Contest, ContestStatus, Entry
from introducer.domain.contest_rules import (
    check_open,
    default_name,
    division_of,
    looks,
    rules_hash,
    shown_name,
    why_not,
)
from introducer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from introducer.domain.events import in_full_ms, milliseconds
from introducer.services.contest_books import TRIES, ContestBooks, changed_meanwhile
from introducer.services.people import by_member
from introducer.services.read_contracts import deal_versions
from introducer.store.configuration import Configuration
from introducer.store.contests import Joining
from introducer.store.event_counts import EventCounts

MOST_BYTES = 64
"""Bytes of UTF-8 that a name may have: five thousand of the longest fit into a part of a board."""

_WHY_NOT = {
    "blocked": "A blocked partner takes no part in contests.",
    "not_named": "This contest is for partners who were invited to it.",
    "other_kind": "This contest is for partners of another kind.",
    "other_country": "This contest is for partners of other countries.",
    "other_manager": "This contest is for the partners of another manager.",
    "other_deal": "This contest is for partners with another kind of deal.",
}


def join_contest(
    books: ContestBooks, *, member: Member, contest: str, rules: str, shown_as: str, now: datetime
) -> Entry:
    """The partner's entry. `rules` is the hash of the rules that were accepted (`contest_rules.rules_hash`), `shown_as`
    the name that others see it under: a neutral one where it is empty.

    Whoever joins again accepts the rules anew, as after they changed, and takes the name that it says. Who left may
    come back, where everybody is entered at the start too. The division follows from the partner's size before the
    start, or before the moment in which it joins, and stays.

    Raises `NotFound` (no contest that the partner may see), `Forbidden` (`no_partner` for staff; `not_for_you`, with
    `reason` among the facts), `Invalid` (`invalid_name`), `Conflict` (`rules_changed`, `name_taken`,
    `entered_at_start`, `contest_ended`, `participants_frozen`, `contest_over`), `Unavailable`.
    """
    partner, at = _partner(member), in_full_ms(now)
    chosen = _name(shown_as)
    for _ in range(TRIES):
        found, before = _open(books, member, contest, at)
        if not found.opt_in and (before is None or before.joined_at is None):
            raise Conflict(
                "The start enters all who may take part: nobody joins this contest.", code="entered_at_start"
            )
        _check_fits(books, found, partner, at)
        current = rules_hash(found)
        if rules != current:
            raise Conflict("The rules are not those that you read: read them again.", code="rules_changed")
        name = chosen or default_name(found.contest, partner)
        if before is not None and before.takes_part and (before.rules, before.shown_as) == (rules, name):
            return before
        if chosen and (before is None or chosen != before.shown_as):
            _check_free(books, found, partner, chosen)
        # What was fixed stays, unless the rules that fixed it changed.
        keeps = before is not None and before.joined_at is not None and before.rules in ("", current)
        division = before.division if keeps and before is not None else division_at(books.counts, found, partner, at)
        stays = before is not None and before.takes_part
        new = Entry(
            contest=found.contest,
            partner=partner,
            joined_at=before.joined_at if stays and before is not None else at,
            shown_as=name,
            division=division,
            rules=rules,
            joined_by=member.member,
            counted={} if before is None else before.counted,
        )
        change = by_member(member, at, found.name)
        if books.contests.enter(found, Joining(entry=new, before=before), change, "join_contest"):
            return new
    raise changed_meanwhile(found)


def leave_contest(books: ContestBooks, *, member: Member, contest: str, now: datetime) -> Entry:
    """The partner takes no part any more; what it scored is kept, and counts again if it comes back before the end.
    Leaving again changes nothing.

    Raises `NotFound`, `Forbidden` (`no_partner`), `Conflict` (`not_taking_part`, and as `join_contest`), `Unavailable`.
    """
    _partner(member)
    at = in_full_ms(now)
    for _ in range(TRIES):
        found, before = _open(books, member, contest, at)
        before = _joined(before)
        if before.left_at is not None:
            return before
        new = replace(before, left_at=at)
        change = by_member(member, at, found.name)
        if books.contests.enter(found, Joining(entry=new, before=before), change, "leave_contest"):
            return new
    raise changed_meanwhile(found)


def rename_entry(books: ContestBooks, *, member: Member, contest: str, shown_as: str, now: datetime) -> Entry:
    """Others see the partner under this name from now on; a neutral one where it is empty.

    Raises `NotFound`, `Forbidden` (`no_partner`), `Invalid` (`invalid_name`), `Conflict` (`name_taken`,
    `not_taking_part`, and as `join_contest`), `Unavailable`.
    """
    partner, at = _partner(member), in_full_ms(now)
    chosen = _name(shown_as)
    for _ in range(TRIES):
        found, before = _open(books, member, contest, at)
        before = _joined(before)
        if before.left_at is not None:
            raise Conflict("You do not take part in this contest.", code="not_taking_part")
        name = chosen or default_name(found.contest, partner)
        if name == before.shown_as:
            return before
        if chosen:
            _check_free(books, found, partner, chosen)
        new = replace(before, shown_as=name)
        change = by_member(member, at, found.name)
        if books.contests.enter(found, Joining(entry=new, before=before), change, "rename_entry"):
            return new
    raise changed_meanwhile(found)


# ------------------------------------------------------------------------------------------------- who may take part


def card_of(partner: Partner) -> PartnerCard:
    """A partner in a line."""
    return PartnerCard(**{field.name: getattr(partner, field.name) for field in fields(PartnerCard)})


def why_not_in(
    configuration: Configuration, contest: Contest, card: PartnerCard, at: datetime, kinds: frozenset[str] | None = None
) -> str | None:
    """Why a partner may not take part in a contest, by what is known at this moment (`contest_rules.why_not`); None
    where it may. Its deal is the one in force at the start, as far as that is accepted; `kinds` where it is known."""
    status = card.status
    if card.status_since is not None and card.status_since > at:
        status = status_at(at, configuration.standings(card.partner))
    cheap = why_not(replace(contest.conditions, deals=frozenset()), card, (), status)
    if cheap is not None or not contest.conditions.deals:
        return cheap
    if kinds is None:
        kinds = deal_kinds(configuration, card.partner, contest.starts_at)
    return why_not(contest.conditions, card, kinds, status)


def deal_kinds(configuration: Configuration, partner: str, at: datetime) -> frozenset[str]:
    """The kinds of rules of the partner's deal in force at a moment; none without one."""
    begun = [each for each in deal_versions(configuration.deals(partner)) if each.valid_from <= milliseconds(at)]
    version = max(begun, key=lambda each: (each.valid_from, each.version), default=None)
    return frozenset() if version is None else frozenset(rule.kind for rule in version.deal.rules)


def division_at(counts: EventCounts, contest: Contest, partner: str, at: datetime) -> int:
    """The division of a partner that joins at this moment, or at the start."""
    if len(contest.divisions) == 1:
        return 0
    return division_of(contest, size_before(counts, contest, partner, min(at, contest.starts_at)))


def size_before(counts: EventCounts, contest: Contest, partner: str, moment: datetime) -> int:
    """How many clients (`size_by`) the partner brought in the `size_days` full UTC days before the day of a moment."""
    last = day_at(milliseconds(moment))
    first = plus_days(last, -contest.size_days)
    months: list[str] = []
    day = first
    while day < last:
        if day[:7] not in months:
            months.append(day[:7])
        day = plus_days(day, 1)
    return sum(
        each.counts.get(contest.size_by.value, 0)
        for month in months
        for each in counts.month(partner, month)
        if first <= each.day < last
    )


# -------------------------------------------------------------------------------------------------------------- parts


def _partner(member: Member) -> str:
    if member.partner is None:
        raise Forbidden("Partners take part in contests: sign in as one.", code="no_partner")
    return member.partner


def _open(books: ContestBooks, member: Member, contest: str, at: datetime) -> tuple[Contest, Entry | None]:
    """The contest, open to entries now, and what the partner has in it."""
    found = books.contests.contest(contest)
    if found.brand != member.brand or found.status is ContestStatus.DRAFT:
        raise NotFound("There is no such contest.")
    check_open(found, at)
    return found, books.contests.entry(found.contest, _partner(member))


def _joined(entry: Entry | None) -> Entry:
    if entry is None or entry.joined_at is None:
        raise Conflict("You do not take part in this contest.", code="not_taking_part")
    return entry


def _check_fits(books: ContestBooks, contest: Contest, partner: str, at: datetime) -> None:
    card = card_of(books.configuration.partner(partner))
    refusal = why_not_in(books.configuration, contest, card, at)
    if refusal is not None:
        raise Forbidden(_WHY_NOT[refusal], code="not_for_you", reason=refusal)


def _name(text: str) -> str:
    """The chosen name in its one spelling; empty for none. Raises `Invalid`."""
    if not text.strip():
        return ""
    name = shown_name(unicodedata.normalize("NFC", text))
    if len(name.encode()) > MOST_BYTES:
        raise Invalid("This name is too long: choose a shorter one.", code="invalid_name", field="shown_as")
    return name


def _check_free(books: ContestBooks, contest: Contest, partner: str, name: str) -> None:
    """Raises `Conflict` (`name_taken`) when another participant is shown under a name that looks like this one. Two who
    choose it in the same moment both have it: that is odd to look at, and ranks nobody otherwise."""
    taken = looks(name)
    for entry in books.contests.entries(contest.contest):
        if entry.takes_part and entry.partner != partner and looks(entry.shown_as) == taken:
            raise Conflict("Another participant has this name: choose another.", code="name_taken", field="shown_as")
