"""The plan becomes real: brand, campaigns, source, partners, deals, links, logins, by the product's own services."""

from __future__ import annotations

import random
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from introducer.domain.case import CasePolicy
from introducer.domain.configuration import Attribution, Brand, Link, Partner, PartnerKind, Role
from introducer.gateways.source_secrets import SourceSecrets
from introducer.gateways.user_pool import UserPool
from introducer.services.accept_deal import accept_deal
from introducer.services.create_campaign import create_campaign
from introducer.services.create_link import create_link
from introducer.services.creation import Author
from introducer.services.invite_member import invite_member
from introducer.services.load_rates import load_rates
from introducer.services.open_brand import open_brand
from introducer.services.propose_deal import propose_deal
from introducer.services.read_contracts import ECB
from introducer.services.register_partner import register_partner
from introducer.services.register_source import register_source
from introducer.services.set_case_policy import set_case_policy
from introducer.store.cases import Cases
from introducer.store.configuration import Configuration
from introducer.store.rates import RateStore
from introducer_ops.demo import rates
from introducer_ops.demo.payees import pay_partners
from introducer_ops.demo.people import full_name
from introducer_ops.demo.plan import STAR, Plan
from introducer_ops.localcloud import Stack

_AUTHOR = Author(by="system:demo", why="The demo world is set up")
_RATES_BEFORE = timedelta(days=15)
"""Rates are loaded from so long before the world is made, over any silence of the bank."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login that was generated for this run."""

    role: Role
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class World:
    """The plan as it stands in the tables. `links` are by the numbers of partner and campaign in the plan."""

    plan: Plan
    brand: Brand
    partners: tuple[Partner, ...]
    links: dict[tuple[int, int], Link]
    source_secret: str
    logins: tuple[Login, ...]
    """Of the staff, and of the demo partner's owner: those that a person is told of."""
    owners: Mapping[str, Login] = field(default_factory=dict)
    """Each partner's, by its id."""

    def login(self, role: Role) -> Login:
        return next(login for login in self.logins if login.role is role)

    def partner_names(self) -> dict[str, str]:
        return {partner.partner: partner.name for partner in self.partners}


def build_world(stack: Stack, plan: Plan, day: date, progress: Callable[[str], None]) -> World:
    """Make all that is in the plan, at the stack's present. Rates are loaded from before that to `day`."""
    configuration = Configuration(stack.outputs["BooksTableName"])
    chance = random.Random(f"{plan.seed}/ids")
    with _one_moment(stack) as clock:
        progress("brand and campaigns")
        brand = open_brand(
            configuration,
            name=plan.brand,
            domain=plan.domain,
            base_currency="EUR",
            fallback_url=f"https://www.{plan.domain}/",
            time_zone="Europe/Berlin",
            author=_AUTHOR,
            clock=clock,
            random=chance.randbytes,
        )
        campaigns = [
            create_campaign(
                configuration,
                brand=brand.brand,
                name=campaign.name,
                landing_url=f"https://www.{plan.domain}/{campaign.path}",
                hosts=(f"go.{plan.domain}",),
                click_parameter=campaign.click_parameter,
                window_days=campaign.window_days,
                attribution=Attribution.FIRST_CLICK if campaign.first_click else Attribution.LAST_CLICK,
                countries=campaign.countries,
                settings=campaign.settings,
                author=_AUTHOR,
                clock=clock,
                random=chance.randbytes,
            )
            for campaign in plan.campaigns
        ]
        # Secrets and passwords are of this run alone: no seed makes them.
        _, source_secret = register_source(
            configuration,
            SourceSecrets(stack.client("secretsmanager"), stack.outputs["SourceSecretPrefix"]),
            brand=brand.brand,
            source=plan.source,
            author=_AUTHOR,
            clock=clock,
            random=secrets.token_bytes,
        )
        progress("exchange rates")
        since = (stack.clock.now().date() - _RATES_BEFORE).isoformat()
        load_rates(
            RateStore(stack.outputs["BooksTableName"]),
            feed=ECB,
            published=rates.published(since),
            first=since,
            through=day.isoformat(),
        )
        progress("logins")
        pool = UserPool(stack.client("cognito-idp"), stack.outputs["UserPoolId"])
        staff = (
            (Login(Role.MANAGER, plan.manager_email, new_password()), "Ines Falk"),
            (Login(Role.FINANCE, plan.finance_email, new_password()), "Finance desk"),
            (Login(Role.COMPLIANCE, plan.compliance_email, new_password()), "Compliance desk"),
            (Login(Role.ADMIN, plan.admin_email, new_password()), "Head of partnerships"),
            (Login(Role.SALES, plan.sales_email, new_password()), "Piet Sander"),
        )
        looks_after, _, compliance, admin, _ = (
            invite_member(
                configuration,
                pool,
                brand=brand.brand,
                partner=None,
                role=login.role,
                email=login.email,
                name=name,
                language="en",
                password=login.password,
                author=_AUTHOR,
                clock=clock,
            )
            for login, name in staff
        )
        # Cases of the last week that is paid still wait for their verdict after the trading day.
        set_case_policy(
            Cases(stack.outputs["BooksTableName"]),
            member=admin,
            policy=CasePolicy(decide_days=21),
            why="Three weeks, as agreed with compliance",
            now=clock(),
        )
        partners: list[Partner] = []
        links: dict[tuple[int, int], Link] = {}
        for number, planned in enumerate(plan.partners):
            progress(f"partner {number + 1} of {len(plan.partners)}")
            partner = register_partner(
                configuration,
                brand=brand.brand,
                name=planned.name,
                kind=PartnerKind(planned.kind),
                country=planned.country,
                language=planned.language,
                currency=planned.currency,
                parent=None if planned.parent is None else partners[planned.parent].partner,
                manager=looks_after.member,
                author=_AUTHOR,
                clock=clock,
                random=chance.randbytes,
            )
            partners.append(partner)
            deal = propose_deal(
                configuration, partner=partner.partner, terms=planned.terms, author=_AUTHOR, clock=clock
            )
            accept_deal(
                configuration,
                partner=partner.partner,
                version=deal.version,
                terms_hash=deal.terms_hash,
                author=_AUTHOR,
                clock=clock,
            )
            for campaign in planned.campaigns:
                links[number, campaign] = create_link(
                    configuration,
                    partner=partner.partner,
                    campaign=campaigns[campaign].campaign,
                    author=_AUTHOR,
                    clock=clock,
                    random=chance.randbytes,
                )
        owners = {
            partner.partner: Login(
                Role.OWNER, plan.owner_email if number == STAR else f"owner-{number}@{plan.domain}", new_password()
            )
            for number, partner in enumerate(partners)
        }
        for number, (partner, login) in enumerate(zip(partners, owners.values(), strict=True)):
            progress(f"owner {number + 1} of {len(partners)}")
            invite_member(
                configuration,
                pool,
                brand=brand.brand,
                partner=partner.partner,
                role=login.role,
                email=login.email,
                name=full_name(partner.name, partner.country),
                language=partner.language,
                password=login.password,
                author=_AUTHOR,
                clock=clock,
            )
        progress("payment profiles")
        pay_partners(stack, configuration, brand, partners, compliance, _AUTHOR, clock)
    told = (owners[partners[STAR].partner], *(login for login, _ in staff))
    return World(plan, brand, tuple(partners), links, source_secret, told, owners)


def new_password() -> str:
    """Twenty characters that any policy takes, readable aloud: no letters that look like figures."""
    letters = "abcdefghijkmnpqrstuvwxyz"
    groups = ["".join(secrets.choice(letters) for _ in range(5)) for _ in range(3)]
    figures = "".join(secrets.choice(string.digits) for _ in range(2))
    return f"{groups[0].capitalize()}-{groups[1]}-{groups[2]}{figures}"


@contextmanager
def _one_moment(stack: Stack) -> Iterator[Callable[[], datetime]]:
    """The stack's clock, each call a millisecond later: so that ids sort in the order things were made in, and the same
    seed gives the same ones."""
    start, calls = stack.clock.now().replace(minute=0, second=0, microsecond=0), 0

    def clock() -> datetime:
        nonlocal calls
        calls += 1
        return start + timedelta(milliseconds=calls)

    yield clock
