"""What a draft of a contest, or a change of one, comes to before anything is kept: whether it can be, and what it can
cost at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.configuration import Member, PartnerCard, Role, Status
from introducer.domain.contest import Contest
from introducer.domain.contest_rules import check, check_change, check_planner, most_paid, needs_approval, why_not
from introducer.domain.money import Money
from introducer.services.contest_books import ContestBooks
from introducer.services.draft_contest import check_currency, check_named
from introducer.services.read_contest_desk import DivisionCost, costs
from introducer.store.configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    most: Money | None
    """The most that it can cost; None where everybody who reaches a score wins."""
    partners: int
    """Where it has no limit: how many partners fit, whatever their deals."""
    if_all: Money | None
    """Where it has no limit: what it costs if they all win."""
    divisions: tuple[DivisionCost, ...]
    gifts: int
    again: bool
    """Whether the change has to be approved again."""


@dataclass(frozen=True, slots=True)
class Manager:
    member: str
    name: str


def preview_contest(
    books: ContestBooks, *, member: Member, draft: Contest, before: Contest | None, now: datetime
) -> Preview:
    """What the draft comes to. Raises as keeping it would (`draft_contest`, `change_contest`)."""
    check_planner(member.role)
    if before is None:
        check(draft)
    else:
        check_change(before, draft, now)
    check_named(books.configuration, member.brand, draft.conditions)
    if before is None or draft.currency != before.currency:
        check_currency(books, draft)
    most, parts = most_paid(draft), costs(draft)
    partners, if_all = 0, None
    if most is None:
        partners = sum(1 for card in books.configuration.every_card(member.brand) if _fits(draft, card))
        if_all = Money(most_paid(draft, partners) or 0, draft.currency)
    return Preview(
        most=None if most is None else Money(most, draft.currency),
        partners=partners,
        if_all=if_all,
        divisions=parts,
        gifts=sum(each.gifts for each in parts),
        again=before is not None and before.approved_at is not None and needs_approval(before, draft),
    )


def managers_of_brand(configuration: Configuration, brand: str) -> tuple[Manager, ...]:
    """Who may look after partners, by name."""
    colleagues = configuration.every_colleague(brand)
    found = [Manager(each.member, each.name) for each in colleagues if each.role in (Role.MANAGER, Role.ADMIN)]
    return tuple(sorted(found, key=lambda each: (each.name, each.member)))


def partners_as_named(configuration: Configuration, brand: str, written: Collection[str]) -> list[str]:
    """The ids of partners that are written by id or by name, in their order. What names none, or several, stays as it
    was written."""
    if not written:
        return []
    by_name: dict[str, str] = {}
    twice: set[str] = set()
    for card in configuration.every_card(brand):
        twice |= {card.name} & by_name.keys()
        by_name[card.name] = card.partner
    return [by_name[each] if each in by_name and each not in twice else each for each in written]


def names_of_partners(configuration: Configuration, brand: str, partners: Collection[str]) -> list[str]:
    """Their names; the id of one whose name others have too, or that is none of the brand's."""
    if not partners:
        return []
    names = {card.partner: card.name for card in configuration.every_card(brand)}
    several = {name for name, count in Counter(names.values()).items() if count > 1}
    shown = [names.get(each, each) for each in partners]
    return sorted(each if name in several else name for each, name in zip(partners, shown, strict=True))


def _fits(contest: Contest, card: PartnerCard) -> bool:
    """Whether the partner may take part, as far as its card says."""
    asked = contest.conditions.deals
    blocked = Status.BLOCKED if card.status is Status.BLOCKED else Status.ACTIVE
    return why_not(contest.conditions, card, asked, blocked) is None
