"""What does a new partner have to do next? From accepting terms to the first money, until all of it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from introducer.domain.configuration import Partner
from introducer.services.read_month_of_partner import MonthOfPartner
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.results import Results


class Doing(StrEnum):
    """The steps, in their order."""

    TERMS = "terms"
    LINK = "link"
    CLICK = "click"
    REGISTRATION = "registration"
    EARNING = "earning"
    PAYMENT = "payment"


class Stands(StrEnum):
    DONE = "done"
    NOW = "now"
    """The next one."""
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    step: Doing
    stands: Stands
    path: str
    """Where it is done; empty where there is nothing to do but to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstBooks:
    """The stores that say how far a partner is."""

    configuration: Configuration
    clients: Clients
    results: Results
    profiles: PaymentProfiles


def read_first_steps(books: FirstBooks, *, partner: Partner, month: MonthOfPartner) -> tuple[FirstStep, ...]:
    """All steps while one is missing; empty once all are done.

    `month` is what the page has read already. For somebody who earns and says where to pay, that is one item more; six
    reads at most for who has nothing yet. A later step shows that those before it were done: who earns by a promo code
    needs no link. Raises `Unavailable`.
    """
    name, funnel = partner.partner, month.funnel
    done = {Doing.PAYMENT} if books.profiles.of_partner(name) is not None else set()
    paths = {Doing.PAYMENT: "/settings/payment"}
    if month.has_earned:
        done |= set(Doing) - {Doing.PAYMENT}
    else:
        deals = books.configuration.deals(name)
        if any(deal.accepted_at is not None for deal in deals):
            done.add(Doing.TERMS)
        elif deals:
            paths[Doing.TERMS] = "/deal"
        links = books.configuration.links_of_partner(name, limit=1).items
        paths[Doing.LINK] = "/campaigns"
        if funnel.registrations > 0 or books.clients.of_partner(name, limit=1).items:
            done |= {Doing.LINK, Doing.CLICK, Doing.REGISTRATION}
        elif funnel.clicks or _was_active(books, partner):
            done |= {Doing.LINK, Doing.CLICK}
        elif links:
            done.add(Doing.LINK)
        if links:
            paths[Doing.CLICK] = paths[Doing.REGISTRATION] = f"/links/{links[0].code}"
    return () if done == set(Doing) else tuple(_in_order(done, paths))


def _was_active(books: FirstBooks, partner: Partner) -> bool:
    """Whether anything was counted before this month, as the nightly line says."""
    line = books.results.line(partner.brand, partner.partner)
    return line is not None and bool(line.last_active_day)


def _in_order(done: set[Doing], paths: dict[Doing, str]) -> Iterator[FirstStep]:
    following = next(each for each in Doing if each not in done)
    for each in Doing:
        stands = Stands.DONE if each in done else Stands.NOW if each is following else Stands.LATER
        yield FirstStep(step=each, stands=stands, path="" if each in done else paths.get(each, ""))
