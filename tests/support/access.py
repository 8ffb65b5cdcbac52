"""The portal in memory with its real checks of who comes in: tokens of stand-ins, API keys of the product itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Unauthenticated
from introducer.gateways.user_pool import Login
from introducer.runtime.authentication import Session
from introducer.services.team import TeamBooks
from tests.browser.world import Answer, Visitor
from tests.support import payday
from tests.support.payday import ADMIN, HARBOUR, Payday

MEMBER, SALES = "member@harbour.example", "sales@broker.example"
"""A member of Harbour who owns nothing, and a salesperson."""


@dataclass
class Pool:
    """The user pool: who has a login, and what was done with them."""

    emails: dict[str, str] = field(default_factory=dict)
    """The address of each `sub`."""
    disabled: set[str] = field(default_factory=set)
    written: list[str] = field(default_factory=list)
    """To whom an invitation went."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)

    def create_user(self, email: str, *, send_invitation: bool) -> str:
        known = {address: sub for sub, address in self.emails.items()}
        if email in known:
            return known[email]
        sub = f"sub-{len(self.emails)}"
        self.emails[sub] = email
        if send_invitation:
            self.written.append(email)
        return sub

    def login(self, sub: str) -> Login:
        return Login(self.emails[sub], True, sub not in self.disabled)

    def invite_again(self, email: str) -> None:
        if email in self.confirmed:
            raise Conflict("They have chosen a password already.", code="signed_in_before")
        self.written.append(email)

    def disable(self, sub: str) -> None:
        self.disabled.add(sub)

    def enable(self, sub: str) -> None:
        self.disabled.discard(sub)

    def add_to_group(self, email: str, group: str) -> None:
        self.groups.setdefault(email, set()).add(group)

    def move_to_group(self, sub: str, before: str, after: str) -> None:
        self.groups[self.emails.get(sub, sub)] = {after}


@dataclass
class Access:
    """The world: `portal` and what stands around it."""

    portal: Payday
    pool: Pool
    signed_in_at: dict[str, datetime] = field(default_factory=dict)

    def session(self, token: str, now: datetime) -> Session:
        """What a stand-in's token says; the access tokens of Cognito have tests of their own."""
        try:
            name = bytes.fromhex(token).decode()
            member = self.portal.people[name]
        except (ValueError, KeyError):
            raise Unauthenticated("Sign in to go on.", code="token_invalid") from None
        since = self.signed_in_at.get(name, self.portal.now - timedelta(minutes=5))
        return Session(member.member, since, now + timedelta(hours=1))

    def as_program(self, key: str) -> Visitor:
        """Whoever comes with this API key."""
        return Visitor(self.portal, {"accept": "application/json", "authorization": f"Bearer {key}"})

    def gets(self, path: str, who: str = HARBOUR) -> Answer:
        return self.portal.machine(who).get(path)

    def posts(self, path: str, fields: dict[str, Any], who: str = HARBOUR, **headers: str) -> Answer:
        return self.portal.machine(who).post(path, fields, as_json=True, **headers)

    def makes_key(self, *scopes: str, who: str = HARBOUR, name: str = "Nightly export", **other: Any) -> dict[str, Any]:
        """A new key, by the API."""
        base = "/desk/settings/keys" if who == ADMIN else "/settings/keys"
        answer = self.posts(base, {"name": name, "scopes": list(scopes)} | other, who)
        assert answer.status == 201, answer.body
        return dict(answer.json)

    def joins(self, name: str, role: Role, like: str) -> Member:
        """One more in the house of somebody."""
        portal = self.portal
        house = portal.people[like]
        sub = self.pool.create_user(name, send_invitation=False)
        made = Member(
            member=sub, partner=house.partner, brand=house.brand, role=role, name=f"The {name}", language="en"
        )
        portal.configuration.add_member(made, Change(by="system:test", at=portal.now, why="set up", origin="test"))
        portal.people[name] = made
        return made


@contextmanager
def an_access_world(patch: pytest.MonkeyPatch) -> Iterator[Access]:
    """A brand with partners, their owners, one more member of Harbour, and staff."""
    session = payday._loaded().server.session
    real = session.authenticate
    with payday.a_payday(patch) as portal:
        session.authenticate = real
        world = Access(portal, Pool())
        for name, member in portal.people.items():
            world.pool.emails[member.member] = name if "@" in name else f"owner@{name.lower()}.example"
        world.joins(MEMBER, Role.MEMBER, HARBOUR)
        world.joins(SALES, Role.SALES, ADMIN)
        for name, stand_in in (
            ("authenticator", world),
            ("team_books", TeamBooks(portal.configuration, world.pool)),  # type: ignore[arg-type]
            ("brand_key", lambda brand: b"a brand's key"),
        ):
            setattr(portal.wiring, name, stand_in)
        yield world


@contextmanager
def as_it_was(world: Access) -> Iterator[Access]:
    """The same world for one test more: whatever it does is undone, which costs less than another world."""
    memory, now = world.portal.dynamodb._memory, world.portal.now
    tables = {name: table.copy() for name, table in memory.tables.items()}
    pool, people = Pool(dict(world.pool.emails)), dict(world.portal.people)
    try:
        yield world
    finally:
        memory.tables, world.portal.now = tables, now
        world.portal.wiring.__dict__.pop("api_key_uses", None)
        world.portal.wiring.__dict__.pop("limits", None)
        world.signed_in_at.clear()
        world.pool.__dict__.update(pool.__dict__)
        world.portal.people.clear()
        world.portal.people.update(people)
