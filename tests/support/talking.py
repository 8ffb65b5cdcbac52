"""A brand whose partners and staff write to each other, over the tables of a test. It is 5 October 2026, 9:00 UTC."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from introducer.domain.configuration import Brand, Change, Member, Partner, PartnerKind, Role, Status
from introducer.domain.conversation import Message, Thread
from introducer.domain.mail import Mail, MailTemplate
from introducer.services.read_conversations import ConversationReader
from introducer.services.write_message import open_thread, write_message
from introducer.store.announcements import Announcements
from introducer.store.configuration import Configuration
from introducer.store.conversations import Conversations
from introducer.store.mails import Mails
from introducer.store.results import Results
from tests.conftest import Tables
from tests.support.builders import BRAND, at

NOW = at("2026-10-05 09:00")
LONG_AGO = at("2026-01-05 09:00")
SET_UP = Change(by="system:test", at=LONG_AGO, why="set up")
PARTNER, OTHER = "par_one", "par_two"


def a_login(member: str, role: Role, partner: str | None = None, brand: str = BRAND) -> Member:
    return Member(member=member, partner=partner, brand=brand, role=role, name=member.title(), language="en")


OWNER = a_login("mem_owner", Role.OWNER, PARTNER)
STRANGER = a_login("mem_stranger", Role.OWNER, OTHER)
MANAGER = a_login("mem_manager", Role.MANAGER)
COLLEAGUE = a_login("mem_colleague", Role.MANAGER)
SALES = a_login("mem_sales", Role.SALES)
FOREIGNER = a_login("mem_foreigner", Role.ADMIN, brand="brd_other")


class Talking:
    """The services of conversations, and what they need; `now` moves."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.now = NOW
        self.configuration = Configuration(tables.books)
        self.conversations = Conversations(tables.books)
        self.announcements = Announcements(tables.books)
        self.mails = Mails(tables.books)
        self.results = Results(tables.books)
        self._drawn = 0
        for brand in (BRAND, "brd_other"):
            domain = f"{brand.replace('_', '-')}.example"
            self.configuration.open_brand(
                Brand(brand=brand, name=f"Brand {brand}", domain=domain, base_currency="EUR",
                      fallback_url="https://brand.example/", created=LONG_AGO),
                SET_UP,
            )  # fmt: skip
        self.partner = self.somebody(PARTNER, manager=MANAGER.member)
        self.other = self.somebody(OTHER, country="TH", kind=PartnerKind.IB)
        for member in (OWNER, STRANGER, MANAGER, COLLEAGUE, SALES, FOREIGNER):
            self.configuration.add_member(member, SET_UP)

    def somebody(self, partner: str, **other: Any) -> Partner:
        given: dict[str, Any] = {
            "name": f"{partner} Ltd",
            "kind": PartnerKind.AFFILIATE,
            "country": "PL",
            "manager": None,
        } | other
        found = Partner(partner=partner, brand=BRAND, status=Status.ACTIVE, parent=None, language="en", currency="EUR",
                        email_hash=None, created=LONG_AGO, **given)  # fmt: skip
        self.configuration.register_partner(found, SET_UP)
        return found

    def later(self, **passed: int) -> None:
        self.now += timedelta(**passed)

    def clock(self) -> Any:
        return self.now

    def random(self, size: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(size, "big")

    @property
    def made(self) -> dict[str, Any]:
        return {"clock": self.clock, "random": self.random}

    def opens(self, member: Member = OWNER, partner: str = PARTNER, **other: Any) -> Thread:
        given: dict[str, Any] = {"subject": "Banners", "text": "May I use the old ones?"} | other
        return open_thread(self.configuration, self.conversations, member=member, partner=partner, **self.made, **given)

    def writes(self, thread: Thread, member: Member = OWNER, text: str = "And this?", **other: Any) -> Message:
        _, message = write_message(
            self.configuration, self.conversations, member=member, partner=thread.partner, thread=thread.thread,
            text=text, **self.made, **other,
        )  # fmt: skip
        return message

    def stands(self, thread: Thread) -> Thread:
        return self.conversations.thread(thread.partner, thread.thread)

    def reader(self, member: Member) -> ConversationReader:
        return ConversationReader(self.configuration, self.conversations, member)

    def told(self, of: str) -> list[Mail]:
        """The mails about messages to a partner, or to staff of the brand; the oldest first."""
        found = [each for each in self.mails.mails(of) if each.template is MailTemplate.MESSAGE_WRITTEN]
        return sorted(found, key=lambda each: each.not_before or each.at)

    def recorded(self, subject: str) -> list[tuple[str, str]]:
        return [(each.action, each.by) for each in self.configuration.audit_of_subject(subject).items]
