"""A brand that writes to new partners, over the tables of a test: what partners do, and their sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from introducer.domain.configuration import (
    Attribution,
    Availability,
    Brand,
    Campaign,
    Change,
    DealRecord,
    Link,
    Member,
    Partner,
    PartnerKind,
    Role,
    Standing,
    Status,
)
from introducer.domain.events import day_of
from introducer.domain.first_steps import first_steps
from introducer.domain.mail import Mail
from introducer.domain.mail_preferences import switched
from introducer.domain.mail_topics import Topic
from introducer.domain.sequence import ONBOARDING, Progress, Sequence, Step
from introducer.services.creation import Author
from introducer.services.edit_sequence import edit_sequence
from introducer.services.onboarding_books import OnboardingBooks
from introducer.services.onboarding_step import Stepped, onboarding_step
from introducer.services.read_sequences import sequence_of
from introducer.services.register_partner import register_partner
from introducer.store.click_counts import ClickCount, Span, position
from introducer.store.event_counts import count_key
from introducer.store.mails import Mails
from introducer.store.wire import to_wire
from tests.conftest import Tables

BRAND = "brd_1"
BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
SET_UP = Change(by="system:test", at=BEGAN, why="set up")
AUTHOR = Author(by="mem_manager", why="agreed", origin="test")


def staff(role: Role = Role.MANAGER, member: str = "mem_manager") -> Member:
    return Member(member=member, partner=None, brand=BRAND, role=role, name="Sam Okoro", language="en")


class OnboardingWorld:
    """The default sequence is switched on, and nobody is registered."""

    def __init__(self, tables: Tables, *, on: bool = True) -> None:
        self.tables = tables
        self.now = BEGAN
        self.books = OnboardingBooks.of(tables.books)
        self.configuration = self.books.configuration
        self.mails = Mails(tables.books)
        self.configuration.open_brand(
            Brand(brand=BRAND, name="Northwind Markets", domain="go.example.com", base_currency="EUR",
                  fallback_url="https://example.com/", created=BEGAN), SET_UP,
        )  # fmt: skip
        self.configuration.create_campaign(
            Campaign(campaign="cmp_1", brand=BRAND, name="Live", landing_url="https://www.example/live",
                     hosts=("www.example",), click_parameter="click_id", window_days=30,
                     attribution=Attribution.LAST_CLICK, countries=(), status=Availability.ACTIVE, created=BEGAN),
            SET_UP,
        )  # fmt: skip
        self.configuration.add_member(staff(), SET_UP)
        if on:
            self.switches(True)

    def later(self, **given: float) -> None:
        self.now += timedelta(**given)

    # -------------------------------------------------------------------------------------------------------- people

    def switches(self, on: bool, *steps: Step, **other: Any) -> Sequence:
        """Staff switch the sequence on or off, with other steps if some are given."""
        stands = sequence_of(self.books, BRAND, ONBOARDING)
        wanted = replace(stands, on=on, steps=steps or stands.steps, **other)
        return edit_sequence(self.books, wanted, member=staff(), why="as agreed", now=self.now)

    def registers(self, name: str = "Amberfield Media", *, owner: bool = True, request: str | None = None) -> Partner:
        """A partner with an owner of the same id."""
        partner = register_partner(
            self.configuration, brand=BRAND, name=name, kind=PartnerKind.AFFILIATE, country="DE", language="en",
            currency="EUR", manager="mem_manager", author=AUTHOR, clock=lambda: self.now,
            random=lambda count: bytes(range(count)), request=request or name,
        )  # fmt: skip
        if owner:
            self.invites(partner.partner)
        return partner

    def invites(self, partner: str, member: str = "", role: Role = Role.OWNER) -> str:
        sub = member or f"own-{partner}"
        self.configuration.add_member(
            Member(member=sub, partner=partner, brand=BRAND, role=role, name="Marta Zielińska", language="pl"), SET_UP
        )
        return sub

    def takes_a_link(self, partner: str, code: str = "Ab12Cd34") -> None:
        self.configuration.create_link(
            Link(code=code, link_id=code, partner=partner, brand=BRAND, campaign="cmp_1",
                 landing_url="https://www.example/live", hosts=("www.example",), click_parameter="click_id",
                 fallback_url="https://example.com/", status=Availability.ACTIVE, shard_exponent=0, created=self.now),
            SET_UP,
        )  # fmt: skip

    def is_clicked(self, partner: str, count: int = 1, code: str = "Ab12Cd34") -> None:
        spot = position(str(int(self.now.timestamp())))
        assert self.books.clicks.add(
            ClickCount(partner, day_of(self.now), code, count, count, 0), {0: Span(spot, spot)}
        )

    def brings_a_client(self, partner: str, code: str = "Ab12Cd34") -> None:
        day = day_of(self.now)
        item = to_wire({**count_key(partner, day, code).item(), "registrations": 1, "ftd": 1})
        self.tables.client.put_item(TableName=self.tables.books, Item=item)

    def is_offered_terms(self, partner: str) -> None:
        deal = DealRecord(partner=partner, version=1, valid_from=self.now, accepted_at=None, terms="{}", terms_hash="h")
        self.configuration.propose_deal(deal, SET_UP)

    def accepts(self, partner: str) -> None:
        self.is_offered_terms(partner)
        self.configuration.accept_deal(partner, 1, "h", self.now, self.now + timedelta(days=1), SET_UP)

    def unsubscribes(self, member: str) -> None:
        before = self.books.wishes.preferences(member)
        after = switched(before, {Topic.ONBOARDING})
        self.books.wishes.change(BRAND, before, after, replace(SET_UP, at=self.now))

    def stands(self, partner: str, status: Status) -> None:
        standing = Standing(partner=partner, standing=f"std_{status.value}", since=self.now, status=status,
                            reason="asked for", decided_at=self.now)  # fmt: skip
        current = self.configuration.partner(partner).status
        self.configuration.set_standing(standing, current, replace(SET_UP, at=self.now))

    # ------------------------------------------------------------------------------------------------------- machine

    def steps(self, partner: str) -> Stepped:
        return onboarding_step(self.books, partner=partner, sequence=ONBOARDING, now=self.now)

    def walks(self, partner: str, before: Callable[[Stepped], object] = lambda stepped: None) -> Progress:
        """As its execution does: until it is over, waiting in between."""
        for _ in range(400):
            stepped = self.steps(partner)
            if stepped.until is None:
                return stepped.state
            assert stepped.until > self.now
            before(stepped)
            self.now = stepped.until
        raise AssertionError("it never ends")

    # -------------------------------------------------------------------------------------------------- what is there

    def told(self, partner: str) -> list[str]:
        """Which steps the partner was written, oldest first."""
        mails = sorted(self.mails.mails(partner), key=lambda mail: mail.at)
        return [mail.series.split(":")[2] for mail in mails]

    def mail(self, partner: str, step: str) -> Mail:
        [found] = [mail for mail in self.mails.mails(partner) if mail.series == f"seq:{ONBOARDING}:{step}"]
        return found


DEFAULT = first_steps(BRAND)
