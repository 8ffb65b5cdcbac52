"""A brand of a test's own on the deployed stack: everything that happens in it goes over HTTP."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from introducer.domain.click_id import read
from introducer.domain.configuration import PartnerKind, Role
from introducer.domain.identity import brand_key, keyed_hash
from introducer.domain.signatures import HEADER, sign
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
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.facts import Facts
from introducer.store.items import forget_connections
from introducer.store.ledger import Ledger
from introducer.store.rates import RateStore
from introducer_ops.localcloud import Stack

AUTHOR = Author(by="system:test", why="A test's own brand")
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 Version/18.3 Mobile Safari/604.1"
PATIENCE = 90.0
"""Seconds until a test gives up on the stream; on a quiet machine it takes milliseconds."""


@contextmanager
def the_stacks_account(stack: Stack) -> Iterator[None]:
    """This process's AWS variables point at the stack meanwhile."""
    before = {name: os.environ.get(name) for name in stack.environment}
    os.environ.update(stack.environment)
    forget_connections()
    try:
        yield
    finally:
        forget_connections()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def eventually(what: str, found: Callable[[], Any]) -> Any:
    """Ask again until the answer is truthy."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {PATIENCE:.0f} s there is still no {what}")
        time.sleep(0.05)
    return answer


def by_mail(stack: Stack, what: str, found: Callable[[], Any]) -> Any:
    """As `eventually`, while the minutes pass: a mail that met no room within the account's rate waits for the call
    that AWS's schedule makes every minute, and the local stage makes none by itself."""

    def looked() -> Any:
        stack.invoke("DueMailsFunction", {})
        return found()

    return eventually(what, looked)


@dataclass
class Scenario:
    """A brand with a source and partners. Use within `the_stacks_account`."""

    stack: Stack
    today: datetime
    brand: str = ""
    source: str = ""
    secret: bytes = b""
    campaign: str = ""
    logins: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tables = self.stack.outputs
        self.configuration = Configuration(tables["BooksTableName"])
        self.facts = Facts(tables["FactsTableName"])
        self.ledger = Ledger(tables["BooksTableName"])
        self.clients = Clients(tables["BooksTableName"])
        self.http = self.stack.http()
        name = f"t{secrets.token_hex(5)}"
        given: dict[str, Any] = {"author": AUTHOR, "clock": self.clock}
        brand = open_brand(
            self.configuration,
            name=name.title(),
            domain=f"{name}.example",
            base_currency="EUR",
            fallback_url=f"https://www.{name}.example/welcome",
            random=secrets.token_bytes,
            **given,
        )
        self.brand = brand.brand
        self.domain = brand.domain
        self.campaign = create_campaign(
            self.configuration,
            brand=self.brand,
            name="Live account",
            landing_url=f"https://www.{name}.example/live?lang=en",
            random=secrets.token_bytes,
            **given,
        ).campaign
        source, secret = register_source(
            self.configuration,
            SourceSecrets(self.stack.client("secretsmanager"), tables["SourceSecretPrefix"]),
            brand=self.brand,
            source=name,
            random=secrets.token_bytes,
            **given,
        )
        self.source, self.secret = source.source, secret.encode()

    def clock(self) -> datetime:
        return self.today

    def a_partner(
        self, terms: Mapping[str, Any], name: str = "Amberfield Media", parent: str | None = None
    ) -> tuple[str, str]:
        """A partner with an accepted deal, in force from tomorrow on, and a link: its id and the link's code."""
        given: dict[str, Any] = {"author": AUTHOR, "clock": self.clock}
        partner = register_partner(
            self.configuration,
            brand=self.brand,
            name=name,
            kind=PartnerKind.AFFILIATE,
            country="DE",
            language="en",
            currency=terms["currency"],
            parent=parent,
            manager=None,
            random=secrets.token_bytes,
            **given,
        ).partner
        deal = propose_deal(self.configuration, partner=partner, terms=terms, **given)
        accept_deal(self.configuration, partner=partner, version=deal.version, terms_hash=deal.terms_hash, **given)
        link = create_link(
            self.configuration, partner=partner, campaign=self.campaign, random=secrets.token_bytes, **given
        )
        return partner, link.code

    def a_login(self, partner: str | None, role: Role, named: str = "") -> tuple[str, str]:
        """E-mail and password of a new login; the address begins so."""
        pool = UserPool(self.stack.client("cognito-idp"), self.stack.outputs["UserPoolId"])
        email, password = f"{named}{secrets.token_hex(4)}@{self.domain}", f"Aa1-{secrets.token_urlsafe(12)}"
        invite_member(
            self.configuration,
            pool,
            brand=self.brand,
            partner=partner,
            role=role,
            email=email,
            name="A login",
            language="en",
            password=password,
            author=AUTHOR,
            clock=self.clock,
        )
        return email, password

    def rates(self, published: Mapping[str, Mapping[str, str]], first: str, through: str) -> None:
        """What the bank published; the table is shared by all tests of this process, so each adds the same."""
        load_rates(
            RateStore(self.stack.outputs["BooksTableName"]),
            feed=ECB,
            published=published,
            first=first,
            through=through,
        )

    def clicks(self, code: str, agent: str = BROWSER, **headers: str) -> httpx.Response:
        """A visitor opens the link."""
        return self.http.get(f"/c/{code}", headers={"User-Agent": agent, **headers})

    def click_id_of(self, answer: httpx.Response) -> str:
        """The click id in the landing URL."""
        [text] = parse_qs(urlsplit(answer.headers["Location"]).query)["click_id"]
        assert read(text) is not None
        return text

    def posts(self, *events: Mapping[str, Any]) -> httpx.Response:
        """The platform posts events, signed."""
        body = json.dumps(events[0] if len(events) == 1 else {"events": list(events)}).encode()
        now = self.stack.clock.now()
        return self.http.post(
            f"/postback/{self.source}", content=body, headers={HEADER: sign(body, [self.secret], now)}
        )

    def client_key(self, client_id: str) -> str:
        """How the platform's client is known in the books."""
        secret = self.stack.client("secretsmanager").get_secret_value(
            SecretId=self.stack.outputs["IdentityKeySecretName"]
        )["SecretString"]
        return keyed_hash(brand_key(secret.encode(), self.brand), "client", client_id)

    def applied(self, client_id: str, events: int) -> None:
        """Wait until so many events of a client are in the books."""
        key = self.client_key(client_id)
        eventually(
            f"client with {events} events",
            lambda: (state := self.clients.state(self.brand, key)) and state.events >= events,
        )


def moment(text: str) -> datetime:
    """A UTC moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rfc3339(when: datetime) -> str:
    """As platforms write times."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def tomorrow(when: datetime) -> datetime:
    """The next UTC midnight."""
    return when.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
