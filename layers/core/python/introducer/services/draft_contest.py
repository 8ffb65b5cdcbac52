"""Staff draft a contest. Nobody else sees it, and nothing scores in it, before a second person has approved it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain.configuration import Member, Role
from introducer.domain.contest import Conditions, Contest, ContestStatus
from introducer.domain.contest_rules import changes, check, check_planner
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.events import in_full_ms
from introducer.domain.ids import derived_id
from introducer.services.contest_books import ContestBooks
from introducer.services.people import by_member
from introducer.store.configuration import Configuration


def draft_contest(books: ContestBooks, *, member: Member, draft: Contest, now: datetime) -> Contest:
    """The contest as it was drafted. What is not among its settings (brand, status, who drafted it and when) is set
    here; so is its id, where it has none: it follows from who drafts what when. One with `series` begins a series of
    its own.

    A draft that comes again with its id is answered again. Raises `Forbidden` (`contest_role`), `Invalid` for settings
    that cannot be (`contest_rules.check`), that name a partner or manager whom the brand does not have
    (`unknown_partner`, `unknown_manager`), or a currency that has no rates (`no_rates`); `Conflict` (`contest_exists`)
    when there is another of this id; `Unavailable`.
    """
    check_planner(member.role)
    at = in_full_ms(now)
    contest = draft.contest or derived_id("ctt", member.brand, member.member, at, draft.name)
    new = replace(
        fresh(draft),
        contest=contest,
        brand=member.brand,
        series=None if draft.series is None else replace(draft.series, series=contest, number=1),
        drafted_by=member.member,
        drafted_at=at,
    )
    check(new)
    check_named(books.configuration, member.brand, new.conditions)
    check_currency(books, new)
    written = books.contests.move(None, new, by_member(member, at, draft.name), "draft_contest")
    if written is not None:
        return written
    stands = _existing(books, contest)
    same = stands.drafted_by == member.member and not any(changes(stands, new))
    if stands.brand != member.brand or stands.status is not ContestStatus.DRAFT or not same:
        raise Conflict("There is another contest of this id: use a new one.", code="contest_exists")
    return stands


def fresh(contest: Contest) -> Contest:
    """The settings of a contest, of which nothing has become yet."""
    return replace(
        contest,
        status=ContestStatus.DRAFT,
        version=1,
        approved_by=None,
        approved_at=None,
        frozen_at=None,
        objections_until=None,
        finished_at=None,
        edition="",
        why_over="",
        token="",
        archive="",
        outcome="",
    )


def check_named(configuration: Configuration, brand: str, conditions: Conditions) -> None:
    """Raises `Invalid` unless the partners and managers of these conditions are the brand's."""
    if conditions.partners:
        missing = conditions.partners - {card.partner for card in configuration.every_card(brand)}
        if missing:
            raise Invalid(
                f"{min(missing)[:40]!r} is no partner of this brand: leave it out.",
                code="unknown_partner",
                field="conditions.partners",
            )
    if conditions.managers:
        strangers = conditions.managers - _managers(configuration, brand)
        if strangers:
            raise Invalid(
                f"{min(strangers)[:40]!r} is no manager of this brand: leave it out.",
                code="unknown_manager",
                field="conditions.managers",
            )


def check_currency(books: ContestBooks, contest: Contest) -> None:
    """Raises `Invalid` (`no_rates`) for a currency that nothing could be converted into: money would score nothing, and
    prizes could not be paid out in any other. The brand's own needs no rates."""
    if books.contracts.has_rates(contest.currency):
        return
    if contest.currency != books.configuration.brand(contest.brand).base_currency:
        raise Invalid(
            f"There are no exchange rates of {contest.currency}: choose the brand's currency, or one with rates.",
            code="no_rates",
            field="currency",
        )


def _managers(configuration: Configuration, brand: str) -> set[str]:
    colleagues = configuration.every_colleague(brand)
    return {each.member for each in colleagues if each.role in (Role.MANAGER, Role.ADMIN)}


def _existing(books: ContestBooks, contest: str) -> Contest:
    try:
        return books.contests.contest(contest)
    except NotFound:
        # It only met another transaction.
        raise Conflict("The contest is being drafted by somebody else: try again.", code="contest_changed") from None
