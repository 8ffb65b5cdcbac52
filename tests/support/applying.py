"""A brand that takes applications, all in this process: the portal in front, KMS and the user pool as stand-ins."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from introducer.domain.applying import Confirming, key_of, token
from introducer.domain.events import from_milliseconds
from introducer.domain.identity import brand_key
from introducer.gateways.application_vault import ApplicationVault
from introducer.services.application_books import ApplicationBooks
from introducer.services.read_applied import CONFIRM
from introducer.services.team import TeamBooks
from introducer.store.mails import Mails
from tests.browser.world import Answer, Visitor
from tests.support.leading import Keys
from tests.support.payday import MANAGER, Payday, a_payday

SECRET = b"what people are hashed under"
APPLIED: Mapping[str, Any] = {
    "name": "Mara Quill",
    "company": "Quill & Sons Media",
    "email": "mara.quill@example.com",
    "country": "PL",
    "kind": "affiliate",
    "currency": "EUR",
    "website": "www.quill.example",
    "channels": ["website", "video"],
    "plan": "Weekly videos about gold, seen by 40,000 people in Poland.",
    "consent": True,
}


@dataclass
class Logins:
    """Cognito's pool, as far as inviting asks it."""

    subs: dict[str, str] = field(default_factory=dict)
    invited: list[str] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False

    def sub_of(self, email: str) -> str | None:
        return self.subs.get(email)

    def create_user(self, email: str, *, send_invitation: bool) -> str:
        if self.down:
            raise ConnectionError("the pool went away")
        if email not in self.subs:
            self.subs[email] = f"sub-{len(self.subs)}"
            self.invited += [email] if send_invitation else []
        return self.subs[email]

    def add_to_group(self, email: str, group: str) -> None:
        self.groups.append((email, group))


class Applying(Payday):
    """The portal of a brand that takes applications."""

    logins: Logins

    @property
    def books(self) -> ApplicationBooks:  # type: ignore[override]
        found: ApplicationBooks = self.wiring.application_books
        return found

    def applies(self, key: str = "", **other: Any) -> Answer:
        """A program sends the form."""
        headers = {"idempotency_key": key} if key else {}
        visitor = Visitor(self, {"accept": "application/json"})
        return visitor.post("/apply", dict(APPLIED) | other, as_json=True, **headers)

    def applied(self, key: str = "", **other: Any) -> str:
        """A new application's id."""
        answer = self.applies(key, **other)
        assert answer.status == 201, answer.body
        return str(answer.json["application"])

    def link(self, application: str) -> str:
        """Where the link in the mail leads."""
        found = self.books.applications.application(self.brand, application)
        [mail] = [each for each in Mails("books").mails(found.partner) if each.what.endswith("check")]
        until = from_milliseconds(int(str(mail.values["until"])))
        return CONFIRM + token(key_of(SECRET), Confirming(self.brand, application, until))

    def waiting(self, **other: Any) -> str:
        """An application whose address is confirmed."""
        name = self.applied(key=secrets.token_hex(8), **other)
        answer = self.visitor(accept="application/json").post(self.link(name), {})
        assert (answer.status, answer.json["confirmed"]) == (200, True), answer.body
        return name

    def decides(self, application: str, what: str, who: str = MANAGER, **sent: Any) -> Answer:
        """A step on the desk, by a program; with the version that the application has."""
        if "version" not in sent:
            sent["version"] = self.books.applications.application(self.brand, application).version
        return self.machine(who).post(f"/desk/applications/{application}/{what}", sent, as_json=True)


@contextmanager
def an_applying(patch: pytest.MonkeyPatch) -> Iterator[Applying]:
    """Nobody applied yet."""
    with a_payday(patch) as payday:
        payday.__class__ = Applying
        portal: Any = payday
        portal.logins = Logins()
        portal.wiring.application_vault = ApplicationVault(Keys(), "key", random=secrets.token_bytes)
        portal.wiring.brand_key = lambda brand: brand_key(SECRET, brand)
        portal.wiring.identity_secret = lambda: SECRET
        portal.wiring.team_books = TeamBooks(portal.configuration, portal.logins)
        yield portal
