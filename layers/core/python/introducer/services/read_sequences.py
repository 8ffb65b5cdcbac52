"""What a brand's sequence says, what is true of a partner, and how each step did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Partner, status_at
from introducer.domain.errors import NotFound
from introducer.domain.events import day_of, month_of
from introducer.domain.first_steps import first_steps
from introducer.domain.mail_topics import Topic
from introducer.domain.sequence import Fact, Facts, Progress, Sequence, series
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.people import owners_of
from introducer.store.mail_figures import Figures

LAST_DAYS = timedelta(days=30)
"""Of these, today among them, figures in a text are."""


def sequence_of(books: OnboardingBooks, brand: str, sequence: str) -> Sequence:
    """A brand's sequence: its own, else the default. Raises `NotFound` for a name that has no default."""
    found = books.sequences.sequence(brand, sequence)
    if found is not None:
        return found
    default = first_steps(brand)
    if sequence != default.sequence:
        raise NotFound("There is no such sequence.")
    return default


def facts_of(books: OnboardingBooks, partner: Partner, now: datetime) -> Facts:
    """What is true of a partner now. Counters may lag behind what happened by seconds."""
    # A count is looked for from the newest month back, to the first that has any.
    months = list(_months(partner.created, now))
    true = set()
    if books.configuration.links_of_partner(partner.partner, limit=1).items:
        true.add(Fact.HAS_LINK)
    if any(each.clicks for month in months for each in books.clicks.month(partner.partner, month)):
        true.add(Fact.HAS_CLICK)
    if any(each.counts.get("ftd", 0) > 0 for month in months for each in books.events.month(partner.partner, month)):
        true.add(Fact.HAS_FTD)
    deals = books.configuration.deals(partner.partner)
    if deals:
        true.add(Fact.HAS_TERMS)
    if any(deal.accepted_at is not None for deal in deals):
        true.add(Fact.ACCEPTED_TERMS)
    if books.profiles.of_partner(partner.partner) is not None:
        true.add(Fact.HAS_PAYMENT_PROFILE)
    owners = list(owners_of(books.configuration, partner.partner))
    willing = [each for each in owners if books.wishes.preferences(each.member).wants(Topic.ONBOARDING)]
    return Facts(
        true=frozenset(true),
        status=status_at(now, books.configuration.standings(partner.partner)),
        owners=len(owners),
        willing=len(willing),
    )


def fills_of(books: OnboardingBooks, partner: Partner, now: datetime) -> dict[str, str | int]:
    """What stands for the placeholders that are not of the reader alone."""
    first = day_of(now - LAST_DAYS + timedelta(days=1))
    months = dict.fromkeys((month_of(now), first[:7]))
    clicks = sum(
        each.clicks for month in months for each in books.clicks.month(partner.partner, month) if each.day >= first
    )
    counted = [
        each.counts for month in months for each in books.events.month(partner.partner, month) if each.day >= first
    ]
    return {
        "manager": _manager(books, partner),
        "clicks_30": clicks,
        # A first deposit that was taken back counts against another day.
        **{f"{metric}_30": max(0, sum(each.get(metric, 0) for each in counted)) for metric in ("ftd", "qftd")},
    }


def walk_of(books: OnboardingBooks, partner: str, sequence: str) -> Progress | None:
    """How far a partner is; None where it walks nothing."""
    try:
        return books.sequences.walk(partner, sequence)
    except NotFound:
        return None


def figures_of(books: OnboardingBooks, sequence: Sequence) -> dict[str, Figures]:
    """How the mails of each step did, by step."""
    found = books.figures.of_brand(sequence.brand, series(sequence.sequence, ""))
    return {step.step: found.get(series(sequence.sequence, step.step), Figures()) for step in sequence.steps}


def _months(since: datetime, now: datetime) -> Iterator[str]:
    month, first = month_of(now), month_of(since)
    while month >= first:
        yield month
        month = plus_months(month, -1)


def _manager(books: OnboardingBooks, partner: Partner) -> str:
    if partner.manager:
        try:
            return books.configuration.member(partner.manager).name
        except NotFound:
            pass  # who left is nobody to name
    return books.configuration.brand(partner.brand).name
