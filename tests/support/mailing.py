"""An outbox at work in this process: people, their inboxes, a mail service that may fail, and the stream."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from introducer.domain.configuration import Brand, Change, Member, Partner, PartnerKind, Role, Status
from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.mail import Mail, MailTemplate, new_mail
from introducer.gateways.mail import Letter
from introducer.gateways.user_pool import Login
from introducer.services.read_applied import Applied, nobody_applied
from introducer.services.send_mail import Outbox, Pacing
from introducer.store.audit_chain import AuditChain, recorded_of_image
from introducer.store.broadcasts import Broadcasts
from introducer.store.configuration import Configuration
from introducer.store.mail_figures import MailFigures
from introducer.store.mail_preferences import MemberMails
from introducer.store.mail_texts import MailTexts
from introducer.store.mails import Mails
from introducer.store.paces import Paces
from introducer.store.suppressions import Suppressions
from introducer.wording.mails.rendering import EXAMPLES
from tests.conftest import create_table, in_memory
from tests.support.functions import load

NOW = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
BRAND, PARTNER = "brd_1", "par_1"
CHANGE = Change(by="system:test", at=NOW, why="a test")
SECRET = b"s" * 32
PAID = MailTemplate.PAYOUT_PAID
_one = Lock()


@dataclass
class Inbox:
    """The mail service; `fails` is raised once for each, before or after a mail is taken."""

    taken: list[Letter] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    also: Callable[[], object] | None = None
    """What happens while a mail is being handed over."""

    def send(self, letter: Letter, now: datetime) -> str:
        if self.also:
            self.also()
        if self.fails:
            raise self.fails.pop(0)
        with _one:
            self.taken.append(letter)
            return f"ses-{len(self.taken)}"

    @property
    def addresses(self) -> list[str]:
        return [letter.to for letter in self.taken]


@dataclass
class Logins:
    """The user pool: everybody's address is their sub's."""

    unverified: set[str] = field(default_factory=set)
    disabled: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    down: bool = False

    def login(self, sub: str) -> Login:
        if self.down:
            raise Unavailable("down")
        if sub in self.gone:
            raise NotFound("There is no such login.")
        return Login(f"{sub}@example.com", sub not in self.unverified, sub not in self.disabled)


@dataclass
class World:
    """Books in this process, and a function that works on their stream."""

    client: Any
    inbox: Inbox = field(default_factory=Inbox)
    logins: Logins = field(default_factory=Logins)
    reports: list[str] = field(default_factory=list)
    sender: bool = True
    rate: int = 1_000_000
    """What the mail service says that it takes in a second."""
    now: datetime = NOW
    applied: Callable[[Mail], Applied] = nobody_applied

    def __post_init__(self) -> None:
        self.configuration, self.mails = Configuration("books"), Mails("books")
        self.broadcasts = Broadcasts("books")
        self.preferences, self.suppressions = MemberMails("books"), Suppressions("books")
        self.texts, self.paces, self.figures = MailTexts("books"), Paces("books"), MailFigures("books")
        self.app = load("outbox")
        self.app.__dict__["outbox"] = self.outbox
        self.app.__dict__["AT_ONCE"] = 1  # faults are planted by thread
        self.chain = AuditChain("books")
        self.app.__dict__["audit_chain"] = lambda: self.chain
        self.app.__dict__["full_jitter"] = lambda attempt: None
        self.configuration.open_brand(
            Brand(brand=BRAND, name="Northwind & Sons", domain="go.example.com", base_currency="EUR",
                  fallback_url="https://example.com/", created=NOW), CHANGE,
        )  # fmt: skip
        for partner, name in ((PARTNER, "<Amberfield>"), ("par_2", "Another")):
            self.configuration.register_partner(
                Partner(partner=partner, brand=BRAND, name=name, kind=PartnerKind.IB, status=Status.ACTIVE, parent=None,
                        manager=None, country="DE", language="en", currency="EUR", email_hash=None, created=NOW),
                CHANGE,
            )  # fmt: skip

    def outbox(self) -> Outbox:
        return Outbox(
            mails=self.mails,
            configuration=self.configuration,
            broadcasts=self.broadcasts,
            logins=self.logins,  # type: ignore[arg-type]
            mailer=self.inbox if self.sender else None,
            texts=self.texts,
            secret=lambda: SECRET,
            pacing=Pacing(self.paces, lambda: self.rate),
            now=lambda: self.now,
            chance=lambda: secrets.token_hex(16),
            report=lambda mail, error: self.reports.append(f"{mail.template.value}: {error}"),
            applied=self.applied,
        )

    def member(self, sub: str, role: Role = Role.OWNER, partner: str | None = PARTNER, language: str = "en") -> None:
        self.configuration.add_member(
            Member(member=sub, partner=partner, brand=BRAND, role=role, name=sub.title(), language=language), CHANGE
        )

    def writes(self, mail: Mail) -> Mail:
        assert self.mails.put(mail)
        return mail

    def records(self) -> list[dict[str, Any]]:
        """A record of the stream for each mail that was put; always the image it was put with."""
        return [
            {"eventID": mail.mail, "dynamodb": {"NewImage": image, "SequenceNumber": mail.mail}}
            for page in self.client.get_paginator("scan").paginate(TableName="books")
            for image in page["Items"]
            if "mail" in image and "template" in image
            for mail in [self.mails.mail(image["partner"]["S"] or image["brand"]["S"], image["mail"]["S"])]
        ]

    def changes(self) -> list[dict[str, Any]]:
        """A record of the stream for each audit record."""
        return [
            {"eventID": image["audit"]["S"], "dynamodb": {"NewImage": image, "SequenceNumber": image["audit"]["S"]}}
            for page in self.client.get_paginator("scan").paginate(TableName="books")
            for image in page["Items"]
            if recorded_of_image(image) is not None
        ]

    def runs(self) -> list[str]:
        """The function gets everything, and what it wrote meanwhile; what must come again in the end."""
        again: list[str] = []
        for _ in range(2):
            answer = self.app.handler({"Records": self.records()}, None)
            again = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        return again

    def status(self, mail: Mail) -> tuple[str, str]:
        found = self.mails.mail(mail.of, mail.mail)
        return found.status.value, found.reason

    def statuses(self, of: str = PARTNER) -> dict[str, tuple[str, str]]:
        """How the mails to persons stand, by person."""
        return {mail.member: (mail.status.value, mail.reason) for mail in self.mails.mails(of) if mail.member}


def to_owners(template: MailTemplate = PAID, what: str = "pay_1 paid", **other: Any) -> Mail:
    given: dict[str, Any] = {"brand": BRAND, "partner": PARTNER, "at": NOW}
    return new_mail(what, template, EXAMPLES[template], **(given | other))


def to_one(sub: str = "ann", **other: Any) -> Mail:
    return to_owners(member=sub, **other)


@contextmanager
def a_world() -> Iterator[World]:
    """Books in this process, with nobody in them yet."""
    with in_memory() as client:
        create_table(client, "books", index=True)
        yield World(client)
