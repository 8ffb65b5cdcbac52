"""People of a brand on the deployed stack: each signs in, looks and acts over HTTP, and has an inbox."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from urllib.parse import urlsplit

from introducer.domain.configuration import PartnerKind, Role
from introducer.gateways.user_pool import UserPool
from introducer.services.invite_member import invite_member
from introducer.services.register_partner import register_partner
from tests.support.scenario import AUTHOR, Scenario, by_mail

JSON = {"Accept": "application/json"}


@dataclass(frozen=True)
class Person:
    """Somebody with a login."""

    world: Scenario
    name: str
    email: str
    member: str
    partner: str
    """Of whom they are; empty: the broker's staff."""
    headers: dict[str, str]

    def reads(self, path: str, /, **asked: str) -> dict[str, Any]:
        """A page, as a program gets it."""
        answer = self.world.http.get(path, params=asked, headers=self.headers)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        page: dict[str, Any] = answer.json()
        return page

    def does(self, path: str, /, **said: Any) -> dict[str, Any]:
        """A step, once: it is a try with a key of its own."""
        key = {"Idempotency-Key": secrets.token_hex(8)}
        answer = self.world.http.post(path, json=said, headers=self.headers | key)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        done: dict[str, Any] = answer.json()
        return done

    def is_refused(self, path: str, /, **said: Any) -> str:
        """The code of why a step is not taken."""
        answer = self.world.http.post(path, json=said, headers=self.headers)
        assert 400 <= answer.status_code < 500, f"{path}: {answer.status_code} {answer.text}"
        return str(answer.json()["code"])

    def inbox(self) -> list[EmailMessage]:
        """What came by mail, oldest first."""
        found = sorted((self.world.stack.state_dir / "mails").glob("*.eml"))
        raw = [content for content in (path.read_bytes() for path in found) if self.email.encode() in content]
        mails = [message_from_bytes(each, policy=default) for each in raw]
        return [mail for mail in mails if mail["To"].addresses[0].addr_spec == self.email]

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.inbox()]


def a_person(
    world: Scenario, role: Role, name: str, partner: str = "", language: str = "en", address: str = ""
) -> Person:
    """Somebody who has signed in; their address begins so."""
    stack = world.stack
    email, password = f"{address}{secrets.token_hex(4)}@{world.domain}", f"Aa1-{secrets.token_urlsafe(12)}"
    made = invite_member(
        world.configuration, UserPool(stack.client("cognito-idp"), stack.outputs["UserPoolId"]), brand=world.brand,
        partner=partner or None, role=role, email=email, name=name, language=language, password=password,
        author=AUTHOR, clock=world.clock,
    )  # fmt: skip
    entered = world.http.post("/sign-in", json={"email": email, "password": password}, headers=JSON)
    assert entered.status_code == 200, entered.text
    headers = JSON | {"Authorization": f"Bearer {entered.json()['access_token']}"}
    return Person(world, name, email, made.member, partner, headers)


def a_registered_partner(world: Scenario, name: str, manager: Person, country: str = "DE", language: str = "en") -> str:
    """As `introducer partner` registers one, at this moment: its id. It has no terms, no link and no owner yet."""
    return register_partner(
        world.configuration, brand=world.brand, name=name, kind=PartnerKind.AFFILIATE, country=country,
        language=language, currency="EUR", manager=manager.member, author=AUTHOR, clock=world.stack.clock.now,
        random=secrets.token_bytes,
    ).partner  # fmt: skip


def an_applicant(manager: Person, name: str, company: str, country: str, language: str) -> Person:
    """Somebody who applied, confirmed the address by the link in the mail, was approved by this manager, and chose a
    password: the owner of a new partner."""
    world = manager.world
    stack, email = world.stack, f"{secrets.token_hex(4)}@{world.domain}"
    said = {
        "name": name, "company": company, "email": email, "country": country, "kind": "affiliate", "currency": "EUR",
        "plan": "A column about markets, once a week.", "consent": True, "language": language, "brand": world.brand,
    }  # fmt: skip
    answer = world.http.post("/apply", json=said, headers=JSON)
    assert answer.status_code == 201, answer.text
    applicant = Person(world, name, email, "", "", JSON)
    [mail] = by_mail(stack, "a mail with a link", applicant.inbox)
    link = re.search(r"/apply/confirm/[\w.-]+", text_of(mail))
    assert link and world.http.get(link[0], headers=JSON).json()["confirmed"] is False
    assert world.http.post(link[0], headers=JSON).json()["confirmed"] is True
    page = f"/desk/applications/{answer.json()['application']}"
    [task] = [
        each for row in manager.reads("/desk", whose="all")["items"] for each in row["tasks"] if each["path"] == page
    ]
    assert task["kind"] == "application_waits"
    decided = manager.does(f"{page}/approval", version=manager.reads(page)["version"])
    # The invitation has a first password; this stands for whoever chose their own.
    password = f"Aa1-{secrets.token_urlsafe(12)}"
    UserPool(stack.client("cognito-idp"), stack.outputs["UserPoolId"]).set_password(email, password)
    entered = world.http.post("/sign-in", json={"email": email, "password": password}, headers=JSON)
    assert entered.status_code == 200, entered.text
    headers = JSON | {"Authorization": f"Bearer {entered.json()['access_token']}"}
    [owner] = world.configuration.every_member(decided["partner"])
    return Person(world, name, email, owner.member, decided["partner"], headers)


def text_of(mail: EmailMessage) -> str:
    """The part that is read as text."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def way_out(mail: EmailMessage) -> str:
    """The path of the link by which its reader gets no more of its kind."""
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path
