"""A brand with partners who may be written to, in the tables of a test; and a clock that is moved by waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from introducer.domain.broadcast import Broadcast
from introducer.domain.configuration import Brand, Change, Member, Partner, PartnerKind, Role, Status
from introducer.domain.mail import Mail
from introducer.domain.mail_text import MailText, Words
from introducer.domain.segment import Segment, segment_of
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.decide_broadcast import approve_broadcast, submit_broadcast
from introducer.services.draft_broadcast import Draft, draft_broadcast
from introducer.services.freeze_broadcast import freeze_broadcast
from introducer.services.send_broadcast import Sender

BRAND = "brd_writes"
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
SET_UP = Change(by="system:test", at=NOW, why="set up")
TEXT = MailText(
    {
        "en": Words("News for {partner}", ("Dear {name}, you brought {ftd_30}.", "Ask {manager}.")),
        "pl": Words("Nowości dla {partner}", ("Liczba: {ftd_30}.",)),
    }
)


def a_person(role: Role = Role.MANAGER, member: str = "mem_maker", brand: str = BRAND) -> Member:
    """A login of the brand's staff."""
    return Member(member=member, partner=None, brand=brand, role=role, name=member, language="en")


MAKER, CHECKER, ADMIN = a_person(), a_person(member="mem_checker"), a_person(Role.ADMIN, "mem_admin")


class Broadcasting:
    """The brand. `sleeps` moves its clock."""

    def __init__(self, books: str, partners: int = 0) -> None:
        self.books = BroadcastBooks.of(books)
        self.now = NOW
        self.slept: list[float] = []
        self.started: list[str] = []
        self.drafted = 0
        # An outbox that is quick: what was put is sent by the next look.
        self.books.broadcasts.on_their_way = lambda broadcast, recipients: []  # type: ignore[method-assign]
        self.books.configuration.open_brand(
            Brand(brand=BRAND, name="Northgate", domain="northgate.example", base_currency="EUR",
                  fallback_url="https://northgate.example/", created=NOW),
            SET_UP,
        )  # fmt: skip
        for number in range(partners):
            self.partner(f"par_{number:03d}")

    def partner(self, partner: str, owners: int = 1, **other: Any) -> None:
        """A partner with so many owners, and a member that is none."""
        given: dict[str, Any] = {
            "kind": PartnerKind.AFFILIATE, "status": Status.ACTIVE, "parent": None, "manager": None, "country": "PL",
            "language": "en", "currency": "EUR", "email_hash": None, "created": NOW,
        }  # fmt: skip
        self.books.configuration.register_partner(
            Partner(partner=partner, brand=BRAND, name=f"{partner} Ltd", **given | other), SET_UP
        )
        for number in range(owners):
            self.member(partner, f"mem_{partner}_{number}", Role.OWNER)
        self.member(partner, f"mem_{partner}_x", Role.MEMBER)

    def member(self, partner: str, member: str, role: Role) -> None:
        self.books.configuration.add_member(
            Member(member=member, partner=partner, brand=BRAND, role=role, name=f"Owner of {partner}", language="pl"),
            SET_UP,
        )

    # ---------------------------------------------------------------------------------------------------- broadcasts

    def drafts(self, segment: Segment | None = None, **other: Any) -> Broadcast:
        draft = Draft(**{"name": "November news", "text": TEXT, "segment": segment or segment_of("all", []), **other})
        self.drafted += 1
        return draft_broadcast(self.books, member=MAKER, draft=draft, now=self.now, request=f"request {self.drafted}")

    def submits(self, broadcast: Broadcast, member: Member = MAKER) -> Broadcast:
        return submit_broadcast(self.books, self.start, member=member, broadcast=broadcast.broadcast,
                                version=broadcast.version, now=self.now)  # fmt: skip

    def approves(self, broadcast: Broadcast, member: Member = CHECKER) -> Broadcast:
        return approve_broadcast(self.books, self.start, member=member, broadcast=broadcast.broadcast,
                                 version=broadcast.version, now=self.now)  # fmt: skip

    def begun(self, **other: Any) -> Broadcast:
        """One with its recipients."""
        return freeze_broadcast(self.books, broadcast=self.submits(self.drafts(**other)).broadcast, now=self.now)

    def sends(self, broadcast: Broadcast, seconds: float = 3_600) -> Broadcast:
        return self.sender().send(broadcast.broadcast, seconds)

    def sender(self) -> Sender:
        return Sender(self.books, now=lambda: self.now, sleep=self.sleep, per_second=self.per_second)

    def per_second(self) -> int:
        """Stands for the mail service, which says what it said before."""
        known = self.books.paces.rate()
        return known.per_second if known else 1

    def stands(self, broadcast: Broadcast) -> Broadcast:
        return self.books.broadcasts.broadcast(broadcast.broadcast)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def start(self, name: str, given: Mapping[str, str]) -> str:
        """Stands for the gateway that starts executions."""
        self.started.append(name)
        return name

    def mails(self, *partners: str) -> list[Mail]:
        return [mail for partner in partners for mail in self.books.mails.mails(partner)]

    def becomes(self, broadcast: Broadcast, **changes: Any) -> Broadcast:
        """As nobody could make it: for what a test must not wait for."""
        return self.books.broadcasts.advance(broadcast, replace(broadcast, **changes))
